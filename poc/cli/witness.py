"""``poc witness``: run a witness and name its logs, at its home; give and take seats, at a desk."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.cli import witness_seats
from poc.cli.context import Context, read_file
from poc.cli.output import Result, Table
from poc.config import load_witness_settings
from poc.core.checkpoint import parse_checkpoint
from poc.core.cosignature import COSIGNATURE_ED25519
from poc.core.keys import VerifyKey
from poc.core.note import ED25519, Verifier
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
    run.set_defaults(run=_run)
    more = verbs.add_parser("add-log", help="watch a log, or know one by another key; the witness is stopped")
    more.add_argument("--origin", help="the log's origin, as example.org/cbm")
    more.add_argument("--vkey", action="append", default=[], help="a key of the log, repeatable")
    more.add_argument(
        "--genesis", metavar="FILE", type=Path, help="instead: the registry's genesis, with --fingerprint"
    )
    more.add_argument("--fingerprint", help="the registry's fingerprint in full, from paper")
    more.set_defaults(run=_add_log)
    show = verbs.add_parser("show", help="show its keys as C2SP vkeys and its logs; needs no passphrase")
    show.set_defaults(run=_show)
    witness_seats.add(verbs)


async def _run(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.witness.serve import serve

    settings = load_witness_settings(
        context.home, host=arguments.host, port=arguments.port or None, prefix=arguments.prefix
    )
    start_logs(settings.log_level)
    await serve(settings, 0 if arguments.port == 0 else settings.port)
    return Result({"stopped": True})


async def _add_log(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.witness.serve import check_home
    from poc.witness.store import WitnessStore

    origin, keys = _named_log(arguments)
    await asyncio.to_thread(check_home, context.home)
    store = await WitnessStore.open(context.home)
    try:
        await store.add_log(origin, keys)
        log = await store.log(origin)
    finally:
        await store.close()
    if log is None:
        raise RefusedError("unknown-log", origin)
    lines = [f"This witness watches {origin}, last cosigned at size {log.tree.size}, by:"]
    return Result(_value(log), lines=[*lines, *(key.vkey() for key in log.keys)])


def _named_log(arguments: argparse.Namespace) -> tuple[str, list[Verifier]]:
    """The origin and keys given by hand, or those of a genesis that has the fingerprint given."""
    by_hand = bool(arguments.origin and arguments.vkey)
    by_genesis = bool(arguments.genesis and arguments.fingerprint)
    of_hand = arguments.origin or arguments.vkey
    of_genesis = arguments.genesis or arguments.fingerprint
    if (of_hand and of_genesis) or by_hand == by_genesis:
        raise UsageError("usage", "give --origin and --vkey, or --genesis and --fingerprint")
    if by_genesis:
        return _log_of_genesis(arguments.genesis, arguments.fingerprint)
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


def _log_of_genesis(path: Path, fingerprint: str) -> tuple[str, list[Verifier]]:
    """The log of a genesis file. Raises ``wrong-fingerprint`` unless it is the one pinned on paper."""
    from poc.core.proposal import read_proposal
    from poc.core.rules import check_genesis
    from poc.core.statement import genesis_fingerprint, parse_fingerprint

    proposal, _ = read_proposal(read_file(path, BODY_BYTES_MAX))
    payload = proposal.signed.payload
    if genesis_fingerprint(payload) != parse_fingerprint(fingerprint):
        raise RefusedError("wrong-fingerprint", str(path))
    statement = check_genesis(payload)
    settings: Any = statement.body
    return statement.origin, [Verifier.from_vkey(vkey) for vkey in settings.log_keys]


async def _show(context: Context, _arguments: argparse.Namespace) -> Result:
    from poc.witness.serve import ROLE
    from poc.witness.store import read_logs

    exists = (context.home / INDEX_NAME).exists()
    rows = read_index(context.home) if exists else []
    vkeys = [_vkey(row) for row in rows if row["role"] == ROLE and row["retired_at"] is None]
    logs = await read_logs(context.home)
    cells = [[log.origin, str(log.tree.size), b64u(log.tree.root), _at(log) or "never"] for log in logs]
    table = Table(("log", "size", "root", "cosigned"), cells)
    lines = vkeys or ["This home has no witness key; make one with `poc key new jo.witness --role witness`."]
    return Result({"vkeys": vkeys, "logs": [_value(log) for log in logs]}, lines=lines, tables=[table])


def _vkey(row: dict[str, Any]) -> str:
    """The vkey of a key of the public index. Raises ``bad-key``, ``bad-vkey``."""
    return Verifier(row["party"], COSIGNATURE_ED25519, VerifyKey.from_jwk(row["jwk"]).raw).vkey()


def _value(log: WatchedLog) -> dict[str, Any]:
    return {
        "origin": log.origin,
        "vkeys": [key.vkey() for key in log.keys],
        "size": log.tree.size,
        "root": b64u(log.tree.root),
        "cosigned_at": _at(log),
    }


def _at(log: WatchedLog) -> str | None:
    return format_time(datetime.fromtimestamp(log.cosigned_at, UTC)) if log.cosigned_at else None
