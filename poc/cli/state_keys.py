"""The verbs of ``poc state`` that bring and end keys: enrol, rotate, recover, withdraw. Not a noun."""

from __future__ import annotations

import argparse
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.cli import state_request, words
from poc.cli.context import Context, read_file
from poc.cli.filed import KEYS_HELP, add_out, finish, new_kids
from poc.cli.output import Result, both_times
from poc.core.bodies import jwk_form
from poc.core.directory import Directory, State
from poc.core.form import form_value
from poc.core.state_request import requested_body
from poc.core.statement import SignedStatement
from poc.core.strictjson import b64u, format_time
from poc.errors import RefusedError, UsageError
from poc.limits import BLOB_BYTES_MAX

if TYPE_CHECKING:
    from poc.client.sdk import Desk


def add(verbs: Any) -> None:
    """Add these verbs to those of the noun."""
    _add_enrol(verbs.add_parser("enrol", help="propose a State; two registrars and its authority sign"))
    _add_rotate(verbs.add_parser("rotate", help="replace a State's authority keys; old and new keys sign"))
    _add_recover(
        verbs.add_parser("recover", help="propose new keys for a State that lost all; two registrars sign")
    )
    withdraw = verbs.add_parser("withdraw", help="take one's State out with all its contacts")
    withdraw.add_argument("state", metavar="STATE", help="its id")
    add_out(withdraw)
    withdraw.set_defaults(run=_withdraw)


def _add_enrol(enrol: argparse.ArgumentParser) -> None:
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
    _add_keys(enrol, "the authority's", "1 by default", required=False)
    enrol.add_argument(
        "--recovery", metavar="KEYS", type=Path, help=f"the recovery key, kept offline: {KEYS_HELP}"
    )
    _add_papers(enrol)
    add_out(enrol)
    enrol.set_defaults(run=_enrol)


def _add_rotate(rotate: argparse.ArgumentParser) -> None:
    rotate.add_argument("state", metavar="STATE", help="its id")
    _add_keys(rotate, "its new keys:", "as it was by default")
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


def _add_recover(recover: argparse.ArgumentParser) -> None:
    recover.add_argument("state", metavar="STATE", help="its id")
    _add_keys(recover, "the authority's new keys:", "1 by default")
    recover.add_argument("--recovery", metavar="KEYS", type=Path, help=f"the new recovery key: {KEYS_HELP}")
    _add_papers(recover)
    recover.add_argument(
        "--overrules",
        action="store_true",
        help="overrule the objection that stopped the last recovery; three other members' authorities sign",
    )
    add_out(recover)
    recover.set_defaults(run=_recover)


def _add_keys(parser: argparse.ArgumentParser, whose: str, default: str, *, required: bool = True) -> None:
    parser.add_argument(
        "--authority", metavar="KEYS", type=Path, required=required, help=f"{whose} {KEYS_HELP}"
    )
    parser.add_argument("--threshold", type=int, metavar="N", help=f"how many authority keys sign; {default}")


def _add_papers(parser: argparse.ArgumentParser) -> None:
    """What a registrar has seen and done before keys are taken for a State's."""
    parser.add_argument("--note", metavar="REFERENCE", required=True, help="reference of the note verbale")
    parser.add_argument("--note-date", metavar="YYYY-MM-DD", required=True, help="date of the note verbale")
    parser.add_argument("--note-scan", metavar="FILE", type=Path, help="its scan: only the SHA-256 is taken")
    parser.add_argument(
        "--called-back-at",
        metavar="TIME",
        type=words.moment,
        required=True,
        help="when the office was called back",
    )
    parser.add_argument(
        "--called-back-source",
        metavar="TEXT",
        required=True,
        help="where that number was known from; not the number",
    )


def _papers(arguments: argparse.Namespace) -> dict[str, Any]:
    scan = None
    if arguments.note_scan is not None:
        scan = b64u(hashlib.sha256(read_file(arguments.note_scan, BLOB_BYTES_MAX)).digest())
    return {
        "note_verbale": {"reference": arguments.note, "date": arguments.note_date, "scan_sha256": scan},
        "call_back": {
            "at": format_time(arguments.called_back_at),
            "source": arguments.called_back_source,
        },
    }


def _recovery(arguments: argparse.Namespace) -> dict[str, Any] | None:
    if arguments.recovery is None:
        return None
    return state_request.keys_of(arguments.recovery, arguments.state, one=True).signing_jwks()[0]


def _named_keys(arguments: argparse.Namespace) -> dict[str, Any]:
    """The complete new authority and recovery key, where one that is left out is none."""
    threshold = 1 if arguments.threshold is None else arguments.threshold
    keys = {
        "keys": state_request.keys_of(arguments.authority, arguments.state).signing_jwks(),
        "threshold": threshold,
    }
    return {"authority": keys, "recovery": _recovery(arguments)}


async def _enrol(context: Context, arguments: argparse.Namespace) -> Result:
    papers = _papers(arguments)
    asked = None if arguments.request is not None else _named(arguments)
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        means = None
        if asked is None:
            asked, means = _from_request(desk, context, arguments)
        signed = desk.compose("state.enrol", arguments.state, {**asked, **papers})
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
    names = state_request.names_of(arguments)
    return {"kind": arguments.kind or "member", "names": names, **_named_keys(arguments)}


async def _rotate(context: Context, arguments: argparse.Namespace) -> Result:
    authority, new = state_request.keys_of(arguments.authority, arguments.state), _recovery(arguments)
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
        if state.recovering is not None:
            means += " It also objects to the recovery that waits."
        return await finish(desk, signed, out=arguments.out, means=means, kids=kids)


def _kept_recovery(directory: Directory, state: State) -> dict[str, Any] | None:
    """The recovery key as it is, for a rotation that leaves it."""
    key = None if state.recovery_kid is None else directory.key(state.recovery_kid).verify_key
    return None if key is None else form_value(jwk_form(key))


def _signers(desk: Desk, state: State, signed: SignedStatement) -> list[str]:
    """The keys of this home that sign a rotation by recovery key: it, and the new ones held here."""
    if state.recovery_kid is None or not desk.keys.has(state.recovery_kid):
        raise RefusedError("no-key", f"the recovery key of {state.id}")
    return [state.recovery_kid, *new_kids(desk, signed)]


async def _recover(context: Context, arguments: argparse.Namespace) -> Result:
    keys, papers = _named_keys(arguments), _papers(arguments)
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        state = desk.directory.state(arguments.state)
        body = {**keys, **papers, "overrules": _overruled(state) if arguments.overrules else None}
        signed = desk.compose("state.recover", state.id, body)
        return await finish(desk, signed, out=arguments.out, means=_recovery_means(desk, state, body))


def _overruled(state: State) -> str:
    """The objection to overrule. Raises ``cannot-overrule`` where there is none by old keys alone."""
    if state.objection is None:
        raise RefusedError("cannot-overrule", f"no objection has stopped a recovery of {state.id}")
    if not state.objection.by_old_keys:
        raise RefusedError("cannot-overrule", f"{state.id} objected by more than its old authority keys")
    return state.objection.leaf_hash


def _recovery_means(desk: Desk, state: State, body: dict[str, Any]) -> str:
    seconds = desk.directory.settings.objection_seconds
    ends = desk.known.now() + timedelta(seconds=seconds)
    told = (
        f"all keys of {state.id} end as lost and the new ones take over at {both_times(ends)}, if this is "
        "logged now. Contacts and devices stay. Two registrars of different bodies and every new key sign."
    )
    if seconds:
        told += (
            f" Until then the old keys are in force, and {state.id} can object: by its recovery key, by an "
            "old authority key, or by devices of two contacts."
        )
    if state.recovering is not None:
        told += " It takes the place of the recovery that waits now."
    if body["overrules"] is not None:
        told += (
            " It overrules the objection by old keys, so the authorities of three other members sign too, "
            "and old keys alone can no longer stop it."
        )
    return told


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
