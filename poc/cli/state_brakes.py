"""The verbs of ``poc state`` that stop: object, suspend, reinstate. Not a noun of its own."""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from poc.cli import words
from poc.cli.context import Context
from poc.cli.filed import add_out, finish, told
from poc.cli.output import Result, both_times, warn
from poc.client.cautions import CUT, NEVER_CUT, REASONS, cut
from poc.client.objecting import Objector, Waiting, objector, waiting
from poc.core.statement import read_statement
from poc.core.strictjson import format_time, unb64u
from poc.errors import PocError, RefusedError, UsageError
from poc.limits import SUSPEND_SECONDS_MAX

if TYPE_CHECKING:
    from poc.client.sdk import Desk

_BY = {
    "recovery": "the recovery key of this home: nothing can overrule that",
    "authority": "an authority key of this home",
    "contact": "this home's device",
    "member": "the authority keys of this home",
}


def add(verbs: Any) -> None:
    """Add these verbs to those of the noun."""
    objecting = verbs.add_parser("object", help="stop an enrolment or a recovery that waits for its window")
    objecting.add_argument("state", metavar="STATE", help="the State it is about, by id or name")
    objecting.add_argument("--yes", action="store_true", help="do not ask whether to go on")
    add_out(objecting)
    objecting.set_defaults(run=_object)
    suspend = verbs.add_parser("suspend", help="cut a State from sending or nominating; registrars sign")
    suspend.add_argument("state", metavar="STATE", help="its id")
    suspend.add_argument(
        "--reason", choices=sorted(REASONS), required=True, help="a code; shown to everybody"
    )
    suspend.add_argument(
        "--scope", choices=sorted(CUT), action="append", required=True, help="what is cut, repeatable"
    )
    suspend.add_argument(
        "--until",
        metavar="END",
        type=words.end,
        required=True,
        help="when it ends by itself, such as 14d, 2026-12-01 or 2026-12-01T09:00Z; at most 90 days",
    )
    add_out(suspend)
    suspend.set_defaults(run=_suspend)
    reinstate = verbs.add_parser("reinstate", help="end a suspension before its time; registrars sign")
    reinstate.add_argument("state", metavar="STATE", help="its id")
    add_out(reinstate)
    reinstate.set_defaults(run=_reinstate)


# --- object ------------------------------------------------------------------------------------


async def _object(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.lookup import find_state

    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        state = find_state(desk.directory, arguments.state)
        waits = waiting(desk.directory, state)
        by = objector(desk.directory, state, desk.keys.has)
        warn(_what_waits(desk, state, waits))
        warn(_what_objecting_does(state, waits, by))
        if not arguments.yes and arguments.out is None:
            words.confirm("object", f"an objection about {state} is about to be signed and sent")
        begun = None if by.stops or arguments.out else await _begun(desk, state, waits)
        if begun is None:
            signed = desk.compose("state.object", state, {"entry": waits.anchor.leaf_hash})
            result = await finish(desk, signed, out=arguments.out, kids=by.kids)
        else:
            signed = await desk.fetch_proposal(begun)
            result = told(signed, await desk.sign_proposal(begun), desk.warnings())
    value = {**result.value, "objects_to": waits.kind, "by": by.way, "stops": by.stops}
    lines = list(result.lines)
    if arguments.out is not None:
        lines.append("Complete, it is a brake: as a file it counts wherever it is shown, logged or not.")
    elif result.value["state"] == "waiting":
        lines.append(
            "Do not wait for the hub: write it with --out FILE too, and hand that to other States now."
        )
    return Result(value, lines=lines, warnings=result.warnings)


async def _begun(desk: Desk, state: str, waits: Waiting) -> str | None:
    """The objection to the same that another has begun at the hub: two that lack a signature stop nothing."""
    try:
        found = await desk.proposals()
    except PocError:
        return None
    for value in found:
        statement = read_statement(unb64u(value["payload"]))
        body: Any = statement.body
        same = (statement.type, statement.subject) == ("state.object", state)
        if same and body.entry == waits.anchor.leaf_hash:
            return statement.sha256
    return None


def _what_waits(desk: Desk, state: str, waits: Waiting) -> str:
    since, until = both_times(waits.anchor.logged_at), both_times(waits.until)
    if waits.kind == "enrolment":
        return (
            f"An enrolment of {state} was logged at {since} and takes effect at {until}: from then on its "
            "authority nominates contacts in this State's name."
        )
    recovery = desk.directory.state(state).recovering
    keys = () if recovery is None else recovery.authority_kids
    return (
        f"A recovery of {state} was logged at {since}, signed by two registrars: at {until} all keys of its "
        f"authority end as lost, and {len(keys)} new key(s) take over "
        f"({', '.join(kid[:12] + '…' for kid in keys)}). If your authority asked for this, do not object."
    )


def _what_objecting_does(state: str, waits: Waiting, by: Objector) -> str:
    signs = f"Objecting signs with {_BY[by.way]}."
    if waits.kind == "enrolment" and not waits.stoppable:
        return f"{signs} It is the second try: the objection is recorded and stops nothing."
    if waits.kind == "enrolment":
        return (
            f"{signs} It stops the enrolment, which may be tried once more after a new call-back and is not "
            "stopped then. No reason is asked for; the objection is in the log, under your State's name."
        )
    if by.way == "authority" and waits.overrules:
        return (
            f"{signs} This recovery overrules old keys, as three members signed: it is recorded "
            f"and stops nothing. The recovery key of {state} or two of its contacts still stop it."
        )
    if by.way == "contact":
        other = "" if by.stops else " A device of another contact must sign too: pass it on."
        return f"{signs} It stops the recovery, and nothing overrules it.{other}"
    if by.way == "authority":
        return (
            f"{signs} It stops the recovery at once, the keys stay as they are. Registrars and three members "
            "can overrule it by a second recovery, which the recovery key or two contacts still stop."
        )
    return f"{signs} It stops the recovery at once, the keys stay as they are."


# --- suspend -----------------------------------------------------------------------------------


async def _suspend(context: Context, arguments: argparse.Namespace) -> Result:
    if len(set(arguments.scope)) != len(arguments.scope):
        raise UsageError("usage", "--scope: each once")
    scope = frozenset(arguments.scope)
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        state = desk.directory.state(arguments.state)
        until = _end(arguments.until, desk.known.now())
        body = {"reason": arguments.reason, "scope": sorted(scope), "until": format_time(until)}
        signed = desk.compose("state.suspend", state.id, body)
        means = (
            f"{state.id} will be cut from {cut(scope)}; everybody is told why: {REASONS[arguments.reason]}. "
            f"It ends by itself at {both_times(until)}, or by `poc state reinstate {state.id}`. "
            f"Never cut: {NEVER_CUT}."
        )
        return await finish(desk, signed, out=arguments.out, means=means)


def _end(given: datetime | timedelta, now: datetime) -> datetime:
    """The end as a moment. Raises ``bad-suspension`` before anybody is asked to sign it."""
    until = now + given if isinstance(given, timedelta) else given
    if not now < until <= now + timedelta(seconds=SUSPEND_SECONDS_MAX):
        raise RefusedError("bad-suspension", format_time(until))
    return until


async def _reinstate(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        state = desk.directory.state(arguments.state)
        if state.suspended is None:
            raise RefusedError("superseded", f"{state.id} is not suspended")
        held = state.suspended
        signed = desk.compose("state.reinstate", state.id, {"entry": held.since.leaf_hash})
        means = (
            f"{state.id} will be free again from {cut(held.scope)}. What was refused meanwhile stays refused."
        )
        return await finish(desk, signed, out=arguments.out, means=means)
