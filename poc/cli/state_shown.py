"""States as they are shown: for programs, and in words. Not a noun of its own."""

from __future__ import annotations

from typing import Any

from poc.cli.output import both_times
from poc.client.cautions import NEVER_CUT, REASONS, cut, recovery_value, suspension_value
from poc.client.objecting import waiting, who_may
from poc.core.directory import Directory, State
from poc.core.form import form_value
from poc.core.strictjson import format_time


def state_value(directory: Directory, state: State) -> dict[str, Any]:
    """A State for programs. ``standing`` is the most urgent word about it."""
    objection = state.objection
    return {
        "state": state.id,
        "kind": state.kind,
        "status": state.status,
        "standing": standing(state),
        "names": form_value(state.names),
        "effective_at": format_time(state.effective_at),
        "threshold": state.threshold,
        "authority_keys": list(state.authority_kids),
        "recovery_key": state.recovery_kid,
        "stopped_at": None if state.stopped_at is None else format_time(state.stopped_at),
        "retried": state.retried,
        "recovering": recovery_value(state),
        "objection": None
        if objection is None
        else {"entry": objection.leaf_hash, "by_old_keys": objection.by_old_keys},
        "suspended": suspension_value(state),
        "who_may_object": _objectors(directory, state),
    }


def standing(state: State) -> str:
    """The state of a State in a word or two."""
    marks = {"RECOVERING": state.recovering, "SUSPENDED": state.suspended}
    found = [mark for mark, value in marks.items() if value is not None]
    if state.status in ("withdrawn", "stopped"):
        return state.status.upper()
    return " ".join([state.status, *found])


def _objectors(directory: Directory, state: State) -> str | None:
    if state.status != "pending" and state.recovering is None:
        return None
    return who_may(waiting(directory, state.id), state.id)


def state_lines(directory: Directory, state: State) -> list[str]:
    """What became of a State and what waits, in words."""
    return [
        *_enrolment_lines(state),
        *_recovery_lines(state),
        *_suspension_lines(state),
        *_objecting_lines(directory, state),
    ]


def _enrolment_lines(state: State) -> list[str]:
    first = f"{state.id}: {state.kind}, "
    at = both_times(state.effective_at)
    if state.status == "withdrawn":
        return [first + "WITHDRAWN; its contacts are too"]
    if state.status == "stopped":
        stopped = "" if state.stopped_at is None else f" at {both_times(state.stopped_at)}"
        return [
            first + f"STOPPED by an objection{stopped}",
            "its enrolment may be tried once more, after a new call-back",
        ]
    if state.status == "pending":
        told = [first + f"PENDING; its enrolment takes effect at {at}"]
        return told + ["it is the second try: an objection is recorded and stops nothing"] * state.retried
    return [first + f"enrolled since {at}"]


def _recovery_lines(state: State) -> list[str]:
    told = []
    if state.recovering is not None:
        waits = state.recovering
        at, ends = both_times(waits.anchor.logged_at), both_times(waits.effective_at)
        count = f"{waits.threshold} of {len(waits.authority_kids)}"
        told += [
            f"RECOVERING: logged at {at}; at {ends} all its keys end as lost",
            f"  {count} new keys take over then:",
            *(f"  new key {kid}" for kid in waits.authority_kids),
            f"  new recovery key: {waits.recovery_kid or 'none'}",
            "until then the old keys are in force; treat its requests with care",
        ]
        told += ["it overrules old keys: an objection by these alone stops nothing"] * waits.overrules
    if state.objection is not None:
        how = "its old authority keys alone" if state.objection.by_old_keys else "more than its old keys"
        told.append(f"a recovery was stopped by an objection of {how}, entry {state.objection.leaf_hash}")
    return told


def _suspension_lines(state: State) -> list[str]:
    held = state.suspended
    if held is None:
        return []
    since, why = both_times(held.since.logged_at), REASONS[held.reason]
    return [
        f"SUSPENDED since {since} from {cut(held.scope)}; reason: {why}",
        f"  it ends by itself at {both_times(held.until_at)}; never cut: {NEVER_CUT}",
    ]


def _objecting_lines(directory: Directory, state: State) -> list[str]:
    who = _objectors(directory, state)
    return [] if who is None else [f"{who}: `poc state object {state.id}`"]
