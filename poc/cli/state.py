"""``poc state``: enrol a State (a registrar's desk), list and show those enrolled."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

from poc.cli import words
from poc.cli.context import Context, read_file
from poc.cli.filed import KEYS_HELP, add_out, finish, public_keys
from poc.cli.output import Result, Table
from poc.core.directory import State
from poc.core.form import form_value
from poc.core.strictjson import b64u, format_time
from poc.errors import RefusedError
from poc.limits import BLOB_BYTES_MAX


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    enrol = verbs.add_parser("enrol", help="propose to enrol a State; two registrars and its authority sign")
    enrol.add_argument("state", metavar="STATE", help="ISO 3166-1 alpha-2 in lower case, or x-… for a body")
    enrol.add_argument(
        "--kind",
        choices=("member", "observer", "organisation"),
        default="member",
        help="what it is; member by default",
    )
    enrol.add_argument(
        "--name",
        metavar="LANG=TEXT",
        type=words.pair,
        action="append",
        required=True,
        help="its own short name in a language, repeatable, as ar=الأردن",
    )
    enrol.add_argument(
        "--official",
        metavar="LANG=TEXT",
        type=words.pair,
        action="append",
        help="its official name, repeatable; the short names by default",
    )
    enrol.add_argument(
        "--authority", metavar="KEYS", type=Path, required=True, help=f"the authority's {KEYS_HELP}"
    )
    enrol.add_argument(
        "--threshold", type=int, default=1, metavar="N", help="how many authority keys sign; 1 by default"
    )
    enrol.add_argument(
        "--recovery", metavar="KEYS", type=Path, help=f"the recovery key, kept offline: {KEYS_HELP}"
    )
    enrol.add_argument("--note", metavar="REFERENCE", required=True, help="reference of the note verbale")
    enrol.add_argument("--note-date", metavar="YYYY-MM-DD", required=True, help="date of the note verbale")
    enrol.add_argument("--note-scan", metavar="FILE", type=Path, help="its scan: only the SHA-256 is taken")
    enrol.add_argument(
        "--called-back-at",
        metavar="TIME",
        type=words.moment,
        required=True,
        help="when the office was called back",
    )
    enrol.add_argument(
        "--called-back-source",
        metavar="TEXT",
        required=True,
        help="where that number was known from; not the number",
    )
    add_out(enrol)
    enrol.set_defaults(run=_enrol)
    listing = verbs.add_parser("list", help="list the States; needs no passphrase and no network")
    listing.set_defaults(run=_list)
    show = verbs.add_parser("show", help="show one State by id or name; needs no passphrase and no network")
    show.add_argument("state", metavar="STATE", help="its id, or a name in any of its languages")
    show.set_defaults(run=_show)


async def _enrol(context: Context, arguments: argparse.Namespace) -> Result:
    short = words.pairs(arguments.name, "the name in")
    official = words.pairs(arguments.official or (), "the official name in")
    authority = public_keys(arguments.authority)
    if authority.party != arguments.state:
        raise RefusedError("bad-key-file", f"{arguments.authority} holds keys of {authority.party}")
    scan = None
    if arguments.note_scan is not None:
        scan = b64u(hashlib.sha256(read_file(arguments.note_scan, BLOB_BYTES_MAX)).digest())
    body = {
        "kind": arguments.kind,
        "names": {"short": short, "official": official or short},
        "authority": {"keys": authority.signing_jwks(), "threshold": arguments.threshold},
        "recovery": None if arguments.recovery is None else _recovery(arguments.recovery, arguments.state),
        "note_verbale": {"reference": arguments.note, "date": arguments.note_date, "scan_sha256": scan},
        "call_back": {
            "at": format_time(arguments.called_back_at),
            "source": arguments.called_back_source,
        },
    }
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        signed = desk.compose("state.enrol", arguments.state, body)
        return await finish(desk, signed, out=arguments.out)


def _recovery(path: Path, state: str) -> dict[str, Any]:
    keys = public_keys(path)
    if keys.party != state or len(keys.signing) != 1:
        raise RefusedError("bad-key-file", f"{path}: exactly one recovery key of {state} is expected")
    return keys.signing_jwks()[0]


def _row(state: State) -> dict[str, Any]:
    return {
        "state": state.id,
        "kind": state.kind,
        "status": state.status,
        "names": form_value(state.names),
        "effective_at": format_time(state.effective_at),
        "threshold": state.threshold,
        "authority_keys": list(state.authority_kids),
        "recovery_key": state.recovery_kid,
    }


async def _list(context: Context, _arguments: argparse.Namespace) -> Result:
    async with context.desk() as desk:
        rows = [_row(state) for _, state in sorted(desk.directory.states.items())]
        cells = [[r["state"], " / ".join(r["names"]["short"].values()), r["kind"], r["status"]] for r in rows]
        table = Table(("state", "names", "kind", "status"), cells)
        value = {"states": rows, "as_of": format_time(desk.as_of)}
        return Result(value, tables=[table], warnings=desk.warnings())


async def _show(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.lookup import find_state

    async with context.desk() as desk:
        found = desk.directory.states[find_state(desk.directory, arguments.state)]
        contacts = [c.id for c in desk.directory.contacts_of(found.id)]
        value = {**_row(found), "contacts": contacts, "as_of": format_time(desk.as_of)}
        lines = [
            f"{found.id}: {found.kind}, {found.status} since {value['effective_at']}",
            *(f"{language}: {name}" for language, name in sorted(found.names.official.items())),
            f"authority: {found.threshold} of {len(found.authority_kids)} keys must sign",
            *(f"  key {kid}" for kid in found.authority_kids),
            f"recovery key: {found.recovery_kid or 'none'}",
            f"contacts: {', '.join(contacts) or 'none'}",
        ]
        return Result(value, lines=lines, warnings=desk.warnings())
