"""``poc registry``: found one and verify its audit trail at a hub's home; join one, change it, show it."""

from __future__ import annotations

import argparse
import re
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from poc.cli import registry_policy, registry_shown
from poc.cli.context import Context, read_file, write_file
from poc.cli.filed import KEYS_HELP, json_file, public_keys
from poc.cli.output import Result
from poc.core.audit import Anchor
from poc.core.statement import format_fingerprint, genesis_fingerprint
from poc.core.strictjson import b64u, unb64u
from poc.errors import RefusedError, UsageError
from poc.keyring import KEYRING_NAME, Keyring, read_index
from poc.limits import BODY_BYTES_MAX

if TYPE_CHECKING:
    from poc.hub.founding import FoundingRegistrar

DAY_SECONDS = 86_400


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_init(verbs.add_parser("init", help="draw up a genesis at the hub's home, then found the registry"))
    join = verbs.add_parser("join", help="make this home a desk of a registry, pinned to its fingerprint")
    join.add_argument(
        "url", metavar="URL", type=_hub_url, help="the hub's public origin, such as https://hub.example.org"
    )
    join.add_argument("--fingerprint", required=True, help="the registry's fingerprint in full, from paper")
    join.add_argument("--party", help="whose desk this is; by default the one party of the home's keys")
    join.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="CA certificates (PEM) that the hub's may be signed by"
    )
    join.set_defaults(run=_join)
    registry_policy.add(
        verbs.add_parser("policy", help="propose new settings; registrars sign, or most members' authorities")
    )
    registry_shown.add(
        verbs.add_parser("show", help="show the registry this home is pinned to; needs no network")
    )
    mend = verbs.add_parser(
        "reconcile", help="bring a restored hub's log up to a desk's snapshot; at the hub's home, hub stopped"
    )
    mend.add_argument(
        "file", metavar="FILE", type=Path, help="the snapshot, as `poc snapshot export` writes it"
    )
    mend.add_argument("--fingerprint", required=True, help="the registry's fingerprint in full, from paper")
    mend.set_defaults(run=_reconcile)
    audit = verbs.add_parser(
        "audit", help="verify the audit trail at a hub's home; the hub may be running; needs no passphrase"
    )
    audit.add_argument(
        "--anchor",
        metavar="NUMBER:HASH",
        action="append",
        default=[],
        type=_anchor,
        help="repeatable: what an `audit` line of the hub's log says; shows what was cut off or written anew",
    )
    audit.add_argument("--export", metavar="FILE", type=Path, help="write the records, one JSON value a line")
    audit.set_defaults(run=_audit)


def _add_init(init: argparse.ArgumentParser) -> None:
    how = init.add_mutually_exclusive_group(required=True)
    how.add_argument(
        "--draft", metavar="FILE", type=Path, help="write the genesis, for each registrar to sign"
    )
    how.add_argument(
        "--from", dest="source", metavar="FILE", type=Path, help="found the registry with the signed genesis"
    )
    init.add_argument("--origin", help="with --draft: the registry's name for ever, as example.org/cbm")
    init.add_argument(
        "--registrar",
        metavar="KEYS",
        action="append",
        default=[],
        type=Path,
        help=f"with --draft, repeatable, two bodies at least: {KEYS_HELP}",
    )
    init.add_argument(
        "--names",
        metavar="FILE",
        type=Path,
        help='with --draft: names of registrars, {"x-las.registrar-1": {"en": …, "ar": …}}; ids by default',
    )
    init.add_argument(
        "--status",
        action="append",
        choices=("exercise", "test", "actual"),
        help="a status messages may have, repeatable; exercise and test by default",
    )
    init.add_argument("--quorum", choices=("none", "majority", "two-thirds"), help="of witnesses; none")
    init.add_argument("--objection-days", type=int, metavar="DAYS", help="until an enrolment takes effect; 0")
    init.add_argument("--confirm-days", type=int, metavar="DAYS", help="between confirmations; 365")
    init.add_argument("--freshness-hours", type=int, metavar="HOURS", help="until a head is stale; 24")
    init.add_argument("--nomination", choices=("authority", "authority+registrar"), help="authority")
    init.add_argument("--entries-access", choices=("parties", "public"), help="who may read entries; parties")
    init.add_argument("--counts-public", action="store_true", help="the public page shows counts")
    init.set_defaults(run=_init)


def _init(context: Context, arguments: argparse.Namespace) -> Any:
    return _found(context, arguments.source) if arguments.source else _draft(context, arguments)


def _draft(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.core.proposal import proposal_bytes
    from poc.hub.founding import draft_genesis

    if not arguments.origin or len(arguments.registrar) < 2:
        raise UsageError("usage", "--draft needs --origin and at least two --registrar")
    if arguments.draft.exists():
        raise RefusedError("file-exists", str(arguments.draft))
    exists = (context.home / KEYRING_NAME).exists()
    passphrase = context.passphrase(new=not exists)
    keys = (Keyring.unlock if exists else Keyring.create)(context.home, passphrase)
    registrars = _registrars(arguments)
    file = draft_genesis(
        keys, arguments.origin, registrars, _choices(arguments), now=context.now(), random=secrets.token_bytes
    )
    keys.save()
    write_file(arguments.draft, proposal_bytes(file))
    fingerprint = genesis_fingerprint(file.signed.payload)
    value = {
        "file": str(arguments.draft),
        "origin": arguments.origin,
        "fingerprint": fingerprint,
        "to_sign": [registrar.id for registrar in registrars],
    }
    lines = [
        f"The genesis of {arguments.origin} is in {arguments.draft}. Fingerprint:",
        format_fingerprint(fingerprint),
        *(f"to sign, with `poc proposal sign FILE`: {registrar.id}" for registrar in registrars),
        f"then: poc registry init --from {arguments.draft} --home {context.home}",
    ]
    return Result(value, lines=lines)


async def _reconcile(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.hub.reconcile import reconcile
    from poc.limits import SNAPSHOT_BYTES_MAX

    data = read_file(arguments.file, SNAPSHOT_BYTES_MAX)
    done = await reconcile(context.home, data, arguments.fingerprint, context.now())
    lines = [
        f"The log had {done.before} entries and has {done.after}.",
        f"Put back beside it: {done.openings} card parts, {done.sealing_keys} sealing keys.",
        "Start the hub: it logs again once its witnesses agree. No snapshot brings messages back.",
    ]
    return Result(asdict(done), lines=lines)


def _registrars(arguments: argparse.Namespace) -> list[FoundingRegistrar]:
    from poc.hub.founding import FoundingRegistrar

    given: Any = {} if arguments.names is None else json_file(arguments.names)
    if not isinstance(given, dict):
        raise RefusedError("bad-form", "--names: an object of names by registrar is expected")
    found = []
    for path in arguments.registrar:
        keys = public_keys(path)
        if len(keys.signing) != 1:
            raise RefusedError(
                "bad-key-file", f"{path}: exactly one signing key of the registrar is expected"
            )
        names = given.get(keys.party, {"en": keys.party})
        found.append(FoundingRegistrar(keys.party, names, keys.signing[0]))
    return found


def _choices(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings named on the command line; the others keep their defaults."""
    days, hours = DAY_SECONDS, 3600
    named = {
        "statuses": sorted(set(arguments.status)) if arguments.status else None,
        "quorum": arguments.quorum,
        "objection_seconds": _times(arguments.objection_days, days),
        "confirm_seconds": _times(arguments.confirm_days, days),
        "freshness_seconds": _times(arguments.freshness_hours, hours),
        "nomination": arguments.nomination,
        "entries_access": arguments.entries_access,
        "counts_public": arguments.counts_public or None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _times(count: int | None, seconds: int) -> int | None:
    return None if count is None else count * seconds


async def _found(context: Context, source: Path) -> Result:
    from poc.hub.founding import found_registry

    data = read_file(source, BODY_BYTES_MAX)
    keys = Keyring.unlock(context.home, context.passphrase())
    directory = await found_registry(context.home, data, keys, context.now())
    value = {"origin": directory.origin, "fingerprint": directory.fingerprint, "entries": directory.size}
    lines = [
        f"The registry {directory.origin} is founded. Its fingerprint, for paper:",
        format_fingerprint(directory.fingerprint),
        f"start the hub: python server.py --home {context.home}",
    ]
    return Result(value, lines=lines)


def _hub_url(text: str) -> str:
    from poc.config import read_web_origin

    try:
        return read_web_origin(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is no address of a hub: {error}") from None


async def _join(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.sdk import Desk

    party = arguments.party or _party_of_keys(context.home)
    desk = await Desk.join(
        context.home, arguments.url, arguments.fingerprint, party=party, ca_file=arguments.ca_file
    )
    async with desk:
        value = {
            "origin": desk.directory.origin,
            "fingerprint": desk.directory.fingerprint,
            "party": party,
            "home": str(context.home),
        }
        lines = [
            f"This home is a desk of {desk.directory.origin}, {'a reader' if party is None else party}.",
            "The fingerprint matches. Next: `poc sync`.",
        ]
        return Result(value, lines=lines)


def _party_of_keys(home: Path) -> str | None:
    """The party whose keys the home holds. Raises ``usage`` where they are of several."""
    if not (home / KEYRING_NAME).exists():
        return None
    parties = {row["party"] for row in read_index(home) if row["role"] not in {"log", "hub"}}
    if len(parties) > 1:
        raise UsageError(
            "usage", f"this home has keys of {', '.join(sorted(parties))}: name one with --party"
        )
    return next(iter(parties), None)


# --- the audit trail ---------------------------------------------------------------------------


def _anchor(text: str) -> Anchor:
    match = re.fullmatch(r"([1-9][0-9]{0,15}):([A-Za-z0-9_-]{43})", text)
    try:
        return Anchor(int(match[1]), unb64u(match[2], 32)) if match else _no_anchor(text)
    except RefusedError:
        return _no_anchor(text)


def _no_anchor(text: str) -> NoReturn:
    raise argparse.ArgumentTypeError(f"{text[:80]!r} is not NUMBER:HASH")


def _audit(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.hub.trail import verify_trail
    from poc.store.trail import read_trail

    trail = read_trail(context.home)
    if arguments.export is not None:
        write_file(arguments.export, b"".join(row.record + b"\n" for row in trail.rows), private=True)
    found = verify_trail(trail, arguments.anchor)
    value = {
        "records": found.records,
        "newest": None if found.newest is None else b64u(found.newest),
        "anchors": found.anchors,
        "anchored_to": found.anchored_to,
        "file": None if arguments.export is None else str(arguments.export),
    }
    lines = [
        f"records: {found.records}, each follows the one before it",
        (
            f"anchored up to record {found.anchored_to}; whether any after it were cut off or written anew, "
            "only a newer anchor shows"
        ),
    ]
    return Result(value, lines=lines)
