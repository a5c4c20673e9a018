"""``poc witness``: run one, name its logs, show what it kept, at its home; give and take seats, at a desk."""

from __future__ import annotations

import argparse
import asyncio
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.cli import witness_seats
from poc.cli.context import Context, read_file, write_file
from poc.cli.output import Result, Table
from poc.config import load_witness_settings, read_web_origin
from poc.core.checkpoint import parse_checkpoint
from poc.core.cosignature import COSIGNATURE_ED25519
from poc.core.keys import VerifyKey
from poc.core.note import ED25519, Verifier
from poc.core.statement import genesis_fingerprint, parse_fingerprint
from poc.core.strictjson import b64u, format_time
from poc.errors import PocError, RefusedError, UsageError
from poc.keyring import INDEX_NAME, read_index
from poc.limits import BODY_BYTES_MAX
from poc.logs import start_logs

if TYPE_CHECKING:
    from poc.witness.store import WatchedLog


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    run = verbs.add_parser("run", help="cosign checkpoints until told to stop; never prompts")
    run.add_argument("--host", help="the address to listen on; 127.0.0.1")
    run.add_argument("--port", type=int, help="the port to listen on, 0 for any free one; 8480")
    run.add_argument("--prefix", help="what stands before /add-checkpoint in its address, such as /witness")
    run.add_argument("--metrics-port", type=int, help="the port of /metrics; none by default")
    run.add_argument(
        "--check-rules",
        action="store_true",
        default=None,
        help="start only if the entries of every log are checked",
    )
    run.set_defaults(run=_run)
    _add_add_log(verbs.add_parser("add-log", help="watch a log, or know more of one; the witness is stopped"))
    less = verbs.add_parser(
        "remove-log", help="watch a log no more; its tree is never forgotten; the witness is stopped"
    )
    less.add_argument("origin", metavar="ORIGIN", help="the log's origin, as example.org/cbm")
    less.set_defaults(run=_remove_log)
    show = verbs.add_parser(
        "show", help="show its keys as C2SP vkeys, its logs and what speaks against them; needs no passphrase"
    )
    show.set_defaults(run=_show)
    export = verbs.add_parser("export", help="write what is kept against a log as a file for others")
    export.add_argument("number", metavar="NUMBER", type=int, help="as `poc witness show` lists it")
    export.add_argument("--out", metavar="FILE", type=Path, required=True, help="the file to write")
    export.set_defaults(run=_export)
    witness_seats.add(verbs)


def _add_add_log(more: argparse.ArgumentParser) -> None:
    more.add_argument("--origin", help="the log's origin, as example.org/cbm")
    more.add_argument("--vkey", action="append", default=[], help="a key of the log, repeatable")
    more.add_argument(
        "--genesis",
        metavar="FILE",
        type=Path,
        help="instead: the registry's genesis, with --fingerprint; without it the hub is asked for it",
    )
    more.add_argument("--fingerprint", help="the registry's fingerprint in full, from paper")
    more.add_argument("--hub", metavar="URL", help="the hub's public origin, such as https://hub.example.org")
    more.add_argument(
        "--check-rules",
        action="store_true",
        help="with --hub and --fingerprint: read the entries there and cosign only what the rules admit",
    )
    more.set_defaults(run=_add_log)


async def _run(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.witness.serve import serve

    settings = load_witness_settings(
        context.home,
        host=arguments.host,
        port=arguments.port or None,
        prefix=arguments.prefix,
        metrics_port=arguments.metrics_port,
        check_rules=arguments.check_rules,
    )
    start_logs(settings.log_level)
    await serve(settings, 0 if arguments.port == 0 else settings.port)
    return Result({"stopped": True})


async def _add_log(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.witness.serve import check_home
    from poc.witness.store import Pinned, WitnessStore

    hub = _hub_address(arguments)
    origin, keys = await _named_log(arguments, hub)
    pinned = Pinned(hub, parse_fingerprint(arguments.fingerprint)) if hub and arguments.check_rules else None
    await asyncio.to_thread(check_home, context.home)
    store = await WitnessStore.open(context.home)
    try:
        await store.add_log(origin, keys, pinned)
        log = await store.log(origin)
    finally:
        await store.close()
    if log is None:
        raise RefusedError("unknown-log", origin)
    rules = "checks its rules" if log.pinned else "does not check its rules"
    lines = [f"This witness watches {origin}, last cosigned at size {log.tree.size}, {rules}. Its keys:"]
    return Result(_value(log), lines=[*lines, *(key.vkey() for key in log.keys)])


async def _remove_log(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.witness.serve import check_home
    from poc.witness.store import WitnessStore

    await asyncio.to_thread(check_home, context.home)
    store = await WitnessStore.open(context.home)
    try:
        await store.remove_log(arguments.origin)
    finally:
        await store.close()
    lines = [f"This witness watches {arguments.origin} no more. Its tree stays on record."]
    return Result({"origin": arguments.origin, "removed": True}, lines=lines)


def _hub_address(arguments: argparse.Namespace) -> str | None:
    """The hub's address as given; --check-rules goes with it and the fingerprint."""
    if arguments.check_rules and not (arguments.hub and arguments.fingerprint):
        raise UsageError("usage", "--check-rules needs --hub and --fingerprint")
    if arguments.hub is None:
        return None
    try:
        return read_web_origin(arguments.hub)
    except ValueError as error:
        raise UsageError("usage", f"--hub: {error}") from None


async def _named_log(arguments: argparse.Namespace, hub: str | None) -> tuple[str, list[Verifier]]:
    """The origin and keys given by hand, or those of a genesis that has the fingerprint given."""
    by_hand = bool(arguments.origin and arguments.vkey)
    by_genesis = bool((arguments.genesis or hub) and arguments.fingerprint)
    of_hand = arguments.origin or arguments.vkey
    of_genesis = arguments.genesis or arguments.fingerprint or hub
    if (of_hand and of_genesis) or by_hand == by_genesis:
        raise UsageError("usage", "give --origin and --vkey, or --fingerprint with --genesis or --hub")
    if by_genesis:
        return _log_of_genesis(await _genesis(arguments, hub))
    keys = [Verifier.from_vkey(vkey) for vkey in arguments.vkey]
    for key in keys:
        if key.name != arguments.origin:
            raise RefusedError("wrong-origin", "a log key's name is its origin")
        if key.signature_type != ED25519:
            raise RefusedError("unknown-algorithm", "a log key signs, it does not cosign")
    _check_origin(arguments.origin)
    return arguments.origin, keys


def _check_origin(origin: str) -> None:
    """Refuse an origin no checkpoint can have."""
    from poc.core.merkle import EMPTY_ROOT
    from poc.core.note import encode_base64

    try:
        parse_checkpoint(f"{origin}\n0\n{encode_base64(EMPTY_ROOT)}\n")
    except PocError:
        raise RefusedError("wrong-origin", "no checkpoint can have this origin") from None


async def _genesis(arguments: argparse.Namespace, hub: str | None) -> bytes:
    """The payload of the genesis in the file, else at the hub. Raises ``wrong-fingerprint``."""
    fingerprint = parse_fingerprint(arguments.fingerprint)
    if arguments.genesis is None and hub is not None:
        return await _genesis_of_hub(hub, fingerprint)
    from poc.core.proposal import read_proposal

    proposal, _ = read_proposal(read_file(arguments.genesis, BODY_BYTES_MAX))
    payload = proposal.signed.payload
    if genesis_fingerprint(payload) != fingerprint:
        raise RefusedError("wrong-fingerprint", str(arguments.genesis))
    return payload


async def _genesis_of_hub(address: str, fingerprint: str) -> bytes:
    from poc.client.api import HubClient
    from poc.client.entries import read_genesis

    hub = HubClient(address, None, (), lambda: datetime.now(UTC), secrets.token_bytes)
    try:
        return (await read_genesis(hub, fingerprint)).signed.payload
    finally:
        await hub.close()


def _log_of_genesis(payload: bytes) -> tuple[str, list[Verifier]]:
    from poc.core.rules import check_genesis

    statement = check_genesis(payload)
    settings: Any = statement.body
    return statement.origin, [Verifier.from_vkey(vkey) for vkey in settings.log_keys]


async def _show(context: Context, _arguments: argparse.Namespace) -> Result:
    from poc.witness.serve import ROLE
    from poc.witness.store import read_conflicts, read_logs

    exists = (context.home / INDEX_NAME).exists()
    rows = read_index(context.home) if exists else []
    vkeys = [_vkey(row) for row in rows if row["role"] == ROLE and row["retired_at"] is None]
    logs = await read_logs(context.home)
    kept = await read_conflicts(context.home)
    cells = [
        [
            log.origin,
            str(log.tree.size),
            b64u(log.tree.root),
            _at(log.cosigned_at) or "never",
            f"checked at {log.pinned.hub}" if log.pinned else "not checked",
        ]
        for log in logs
    ]
    tables = [Table(("log", "size", "root", "cosigned", "rules"), cells)]
    if kept:
        against = [[str(c.number), c.origin, c.kind, str(c.size), _at(c.kept_at) or ""] for c in kept]
        tables.append(Table(("kept against a log", "log", "why", "size", "since"), against))
    lines = vkeys or ["This home has no witness key; make one with `poc key new jo.witness --role witness`."]
    value = {
        "vkeys": vkeys,
        "logs": [_value(log) for log in logs],
        "conflicts": [
            {
                "number": c.number,
                "origin": c.origin,
                "kind": c.kind,
                "size": c.size,
                "kept_at": _at(c.kept_at),
            }
            for c in kept
        ],
    }
    return Result(value, lines=lines, tables=tables)


async def _export(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.core.notices import conflict_bytes
    from poc.witness.store import read_conflicts

    found = [c for c in await read_conflicts(context.home) if c.number == arguments.number]
    if not found:
        raise RefusedError("no-such-conflict", str(arguments.number))
    kept = found[0]
    at = datetime.fromtimestamp(kept.kept_at, UTC)
    file = conflict_bytes(kept.origin, kept.kind, kept.shown, kept.cosigned, kept.notice, at)
    write_file(arguments.out, file)
    lines = [f"{arguments.out} holds what {kept.origin} signed and this witness did not cosign: {kept.kind}."]
    return Result({"file": str(arguments.out), "origin": kept.origin, "kind": kept.kind}, lines=lines)


def _vkey(row: dict[str, Any]) -> str:
    """The vkey of a key of the public index. Raises ``bad-key``, ``bad-vkey``."""
    return Verifier(row["party"], COSIGNATURE_ED25519, VerifyKey.from_jwk(row["jwk"]).raw).vkey()


def _value(log: WatchedLog) -> dict[str, Any]:
    pinned = log.pinned
    return {
        "origin": log.origin,
        "vkeys": [key.vkey() for key in log.keys],
        "size": log.tree.size,
        "root": b64u(log.tree.root),
        "cosigned_at": _at(log.cosigned_at),
        "hub": None if pinned is None else pinned.hub,
        "fingerprint": None if pinned is None else pinned.fingerprint,
    }


def _at(seconds: int) -> str | None:
    return format_time(datetime.fromtimestamp(seconds, UTC)) if seconds else None
