"""``poc state``: enrol a State (a registrar's desk), list and show those enrolled.

The request that an enrolment is made from stands in ``state_request``.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.cli import history, state_request, words
from poc.cli.context import Context, read_file
from poc.cli.filed import KEYS_HELP, add_out, finish
from poc.cli.output import Result, Table
from poc.core.bodies import jwk_form
from poc.core.directory import Directory, State
from poc.core.form import form_value
from poc.core.required import brought_keys
from poc.core.state_request import requested_body
from poc.core.statement import SignedStatement, read_statement
from poc.core.strictjson import b64u, format_time
from poc.errors import RefusedError, UsageError
from poc.limits import BLOB_BYTES_MAX

if TYPE_CHECKING:
    from poc.client.sdk import Desk


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    state_request.add_request(verbs)
    enrol = verbs.add_parser("enrol", help="propose to enrol a State; two registrars and its authority sign")
    enrol.add_argument("state", metavar="STATE", help="ISO 3166-1 alpha-2 in lower case, or x-… for a body")
    enrol.add_argument(
        "--request",
        metavar="FILE",
        type=Path,
        help=f"{state_request.REQUEST_HELP}: it tells kind, names and keys, which are then not named here",
    )
    enrol.add_argument(
        "--fingerprint",
        help="with --request: the request's fingerprint, typed from the page annexed to the note",
    )
    enrol.add_argument("--kind", choices=state_request.KINDS, help="what it is; member by default")
    state_request.add_names(enrol, required=False)
    enrol.add_argument("--authority", metavar="KEYS", type=Path, help=f"the authority's {KEYS_HELP}")
    enrol.add_argument(
        "--threshold", type=int, metavar="N", help="how many authority keys sign; 1 by default"
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
    _add_changes(verbs)
    listing = verbs.add_parser("list", help="list the States; needs no passphrase and no network")
    listing.set_defaults(run=_list)
    show = verbs.add_parser("show", help="show one State by id or name; needs no passphrase and no network")
    show.add_argument("state", metavar="STATE", help="its id, or a name in any of its languages")
    show.set_defaults(run=_show)
    history.add(verbs, "STATE", "its id")


def _add_changes(verbs: Any) -> None:
    rotate = verbs.add_parser("rotate", help="replace a State's authority keys; old and new keys sign")
    rotate.add_argument("state", metavar="STATE", help="its id")
    rotate.add_argument(
        "--authority",
        metavar="KEYS",
        type=Path,
        required=True,
        help=f"its new keys: {KEYS_HELP}",
    )
    rotate.add_argument(
        "--threshold", type=int, metavar="N", help="how many authority keys sign; as it was by default"
    )
    rotate.add_argument(
        "--recovery",
        metavar="KEYS",
        type=Path,
        help="a new recovery key; only the old one changes it",
    )
    rotate.add_argument(
        "--by-recovery",
        action="store_true",
        help="the recovery key of this home signs in place of the old authority keys, and wins over them",
    )
    add_out(rotate)
    rotate.set_defaults(run=_rotate)
    withdraw = verbs.add_parser("withdraw", help="take one's State out with all its contacts")
    withdraw.add_argument("state", metavar="STATE", help="its id")
    add_out(withdraw)
    withdraw.set_defaults(run=_withdraw)


async def _enrol(context: Context, arguments: argparse.Namespace) -> Result:
    scan = None
    if arguments.note_scan is not None:
        scan = b64u(hashlib.sha256(read_file(arguments.note_scan, BLOB_BYTES_MAX)).digest())
    note = {"reference": arguments.note, "date": arguments.note_date, "scan_sha256": scan}
    call_back = {"at": format_time(arguments.called_back_at), "source": arguments.called_back_source}
    asked = None if arguments.request is not None else _named(arguments)
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        means = None
        if asked is None:
            asked, means = _from_request(desk, context, arguments)
        body = {**asked, "note_verbale": note, "call_back": call_back}
        signed = desk.compose("state.enrol", arguments.state, body)
        return await finish(desk, signed, out=arguments.out, means=means)


def _from_request(desk: Desk, context: Context, arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """What a request asks for, and what is told of it."""
    named = ("kind", "name", "official", "authority", "threshold", "recovery")
    if any(getattr(arguments, name) for name in named):
        raise UsageError("usage", "--request tells kind, names and keys: do not name them beside it")
    read = state_request.requested(desk, context, arguments)
    return requested_body(read.request), "\n".join(["as on the annexed page:", *state_request.told(read)])


def _named(arguments: argparse.Namespace) -> dict[str, Any]:
    """What is asked for, where it is typed out instead of taken from a request."""
    if arguments.name is None or arguments.authority is None or arguments.fingerprint is not None:
        raise UsageError("usage", "name --request and --fingerprint, or --name and --authority")
    authority = state_request.keys_of(arguments.authority, arguments.state)
    threshold = 1 if arguments.threshold is None else arguments.threshold
    return {
        "kind": arguments.kind or "member",
        "names": state_request.names_of(arguments),
        "authority": {"keys": authority.signing_jwks(), "threshold": threshold},
        "recovery": None if arguments.recovery is None else _recovery(arguments.recovery, arguments.state),
    }


async def _rotate(context: Context, arguments: argparse.Namespace) -> Result:
    authority = state_request.keys_of(arguments.authority, arguments.state)
    new = None if arguments.recovery is None else _recovery(arguments.recovery, arguments.state)
    if new is not None and not arguments.by_recovery:
        raise UsageError("usage", "--recovery needs --by-recovery: only the recovery key changes itself")
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        state = desk.directory.state(arguments.state)
        threshold = state.threshold if arguments.threshold is None else arguments.threshold
        body = {
            "authority": {"keys": authority.signing_jwks(), "threshold": threshold},
            "recovery": _kept_recovery(desk.directory, state) if new is None else new,
        }
        signed = desk.compose("state.rotate", state.id, body)
        kids = _signers(desk, state, signed) if arguments.by_recovery else None
        listed = {key.kid for key in authority.signing}
        gone = [kid[:12] + "…" for kid in state.authority_kids if kid not in listed]
        means = (
            f"the authority of {state.id} will be {threshold} of {len(listed)} keys; "
            f"ended for good: {', '.join(gone) or 'none'}; the recovery key "
            f"{'stays' if new is None else 'is replaced'}. Every new key signs too."
        )
        return await finish(desk, signed, out=arguments.out, means=means, kids=kids)


def _kept_recovery(directory: Directory, state: State) -> dict[str, Any] | None:
    """The recovery key as it is, for a rotation that leaves it."""
    key = None if state.recovery_kid is None else directory.key(state.recovery_kid).verify_key
    return None if key is None else form_value(jwk_form(key))


def _signers(desk: Desk, state: State, signed: SignedStatement) -> list[str]:
    """The keys of this home that sign a rotation by recovery key: it, and the new ones held here."""
    if state.recovery_kid is None or not desk.keys.has(state.recovery_kid):
        raise RefusedError("no-key", f"the recovery key of {state.id}")
    new = set(brought_keys(read_statement(signed.payload).body)) - desk.directory.keys.keys()
    return [state.recovery_kid, *sorted(kid for kid in new if desk.keys.has(kid))]


async def _withdraw(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        state = desk.directory.state(arguments.state)
        signed = desk.compose("state.withdraw", state.id, {"entry": state.enrolled.leaf_hash})
        contacts = ", ".join(c.id for c in desk.directory.contacts_of(state.id)) or "none"
        means = (
            f"{state.id} will leave the registry at once: its authority and recovery keys end for good, "
            f"and its contacts are withdrawn with theirs ({contacts}). "
            "It returns only by a new enrolment with new keys."
        )
        return await finish(desk, signed, out=arguments.out, means=means)


def _recovery(path: Path, state: str) -> dict[str, Any]:
    return state_request.keys_of(path, state, one=True).signing_jwks()[0]


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


def _status(state: State) -> str:
    if state.status == "withdrawn":
        return "WITHDRAWN; its contacts are too"
    return f"{state.status} since {format_time(state.effective_at)}"


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
        found = desk.directory.states.get(arguments.state)
        if found is None:
            found = desk.directory.states[find_state(desk.directory, arguments.state)]
        contacts = [c.id for c in desk.directory.contacts_of(found.id)]
        value = {**_row(found), "contacts": contacts, "as_of": format_time(desk.as_of)}
        lines = [
            f"{found.id}: {found.kind}, {_status(found)}",
            *(f"{language}: {name}" for language, name in sorted(found.names.official.items())),
            f"authority: {found.threshold} of {len(found.authority_kids)} keys must sign",
            *(f"  key {kid}" for kid in found.authority_kids),
            f"recovery key: {found.recovery_kid or 'none'}",
            f"contacts: {', '.join(contacts) or 'none'}",
        ]
        return Result(value, lines=lines, warnings=desk.warnings())
