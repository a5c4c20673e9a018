"""What is to be known of a State before acting on what its offices say: recovery and suspension.

Told beside a contact and before sending; it stops nobody. What a suspension cuts is decided in ``core``.
"""

from __future__ import annotations

from typing import Any, Final

from poc.core.directory import Directory, State
from poc.core.strictjson import format_time

CUT: Final = {
    "send": "sending messages",
    "nominate": "nominating contacts, updating them and adding devices",
}
NEVER_CUT: Final = "receiving, acknowledging, rotating keys, freezing, revoking, withdrawing and objecting"
REASONS: Final = {
    "keys-in-doubt": "its keys are in doubt",
    "abuse": "abuse of the channel",
    "dispute": "a dispute about who speaks for it",
    "at-own-request": "at its own request",
}


def recovery_value(state: State | None) -> dict[str, Any] | None:
    """The recovery that waits for its window, for programs."""
    waits = None if state is None else state.recovering
    if waits is None:
        return None
    return {
        "entry": waits.anchor.leaf_hash,
        "since": format_time(waits.anchor.logged_at),
        "effective_at": format_time(waits.effective_at),
        "authority_keys": list(waits.authority_kids),
        "threshold": waits.threshold,
        "recovery_key": waits.recovery_kid,
        "overrules": waits.overrules,
    }


def suspension_value(state: State | None) -> dict[str, Any] | None:
    """The suspension that holds, for programs."""
    held = None if state is None else state.suspended
    if held is None:
        return None
    return {
        "entry": held.since.leaf_hash,
        "since": format_time(held.since.logged_at),
        "reason": held.reason,
        "scope": sorted(held.scope),
        "until": format_time(held.until_at),
    }


def cut(scope: frozenset[str]) -> str:
    """What a suspension of this scope cuts, in words."""
    return " and ".join(CUT[one] for one in sorted(scope))


def cautions(directory: Directory, state: str) -> list[str]:
    """What to be careful about with a State, if anything."""
    found = directory.states.get(state)
    told = []
    if found is not None and found.recovering is not None:
        until = format_time(found.recovering.effective_at)
        told.append(f"{state}: its State's keys are being recovered, until {until}; treat requests with care")
    return told + suspended(directory, state)


def suspended(directory: Directory, state: str) -> list[str]:
    """That a State is suspended, from what, why and until when."""
    found = directory.states.get(state)
    held = None if found is None else found.suspended
    if held is None:
        return []
    until, why = format_time(held.until_at), REASONS[held.reason]
    what = f"suspended by the registrars from {cut(held.scope)}, until {until} at the latest"
    return [f"{state}: {what}; reason: {why}"]
