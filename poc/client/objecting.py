"""Objecting: what of a State waits for its window, and which keys of a home can stop it.

Made for a night in which keys were stolen: whoever opens a home finds what waits and the strongest signature
that the home can give. Who may object at all is decided in ``core.required``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from poc.core import signers
from poc.core.directory import Anchor, Directory
from poc.core.signers import Group
from poc.errors import RefusedError

Way = Literal["recovery", "authority", "contact", "member"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits: the entry to object to and until when. ``stoppable``: an objection is not only recorded.

    ``overrules``: a recovery that objections by the old authority keys alone no longer stop.
    """

    kind: Literal["enrolment", "recovery"]
    anchor: Anchor
    until: datetime
    stoppable: bool
    overrules: bool


@dataclass(frozen=True, slots=True)
class Objector:
    """How a home can object: by which keys, and whether those are enough to stop it."""

    way: Way
    kids: tuple[str, ...]
    stops: bool


def waiting(directory: Directory, state: str) -> Waiting:
    """What of a State can be objected to. Raises ``not-pending``, ``unknown-state``."""
    found = directory.states.get(state)
    if found is None:
        raise RefusedError("unknown-state", state)
    if found.status == "pending":
        return Waiting("enrolment", found.enrolled, found.effective_at, not found.retried, overrules=False)
    if found.recovering is None:
        raise RefusedError("not-pending", state)
    recovery = found.recovering
    return Waiting("recovery", recovery.anchor, recovery.effective_at, True, overrules=recovery.overrules)


def objector(directory: Directory, state: str, has: Callable[[str], bool]) -> Objector:
    """The strongest way in which the keys that a home ``has`` can object.

    The recovery key first, because nothing overrules it; then what stops at once. Raises ``no-key``,
    ``not-pending``, ``unknown-state``.
    """
    waits = waiting(directory, state)
    for way, group, stops in _ways(directory, state, waits):
        held: dict[str, str] = {}
        for kid, counted in sorted(group.keys.items()):
            if has(kid) and not _is_frozen(directory, kid):
                held.setdefault(counted, kid)
        kids = tuple(held.values())[: group.count]
        if kids:
            return Objector(way, kids, stops and not group.lacking(kids))
    raise RefusedError("no-key", who_may(waits, state))


def who_may(waits: Waiting, state: str) -> str:
    """Who can object, for people."""
    if waits.kind == "enrolment":
        return f"the authority of any enrolled State can object to the enrolment of {state}"
    return (
        f"the recovery key of {state}, one of its authority keys, or devices with the right to change of two "
        "of its contacts can object to its recovery"
    )


def _ways(directory: Directory, state: str, waits: Waiting) -> list[tuple[Way, Group, bool]]:
    """Each way to object, the best first, and whether it stops what waits."""
    if waits.kind == "enrolment":
        enrolled = sorted(s.id for s in directory.states.values() if s.status == "enrolled")
        return [("member", signers.authority(directory, one), waits.stoppable) for one in enrolled]
    recovery: tuple[Way, Group, bool] = ("recovery", signers.recovery(directory, state), True)
    old: tuple[Way, Group, bool] = (
        "authority",
        signers.any_authority_key(directory, state),
        not waits.overrules,
    )
    contacts: tuple[Way, Group, bool] = ("contact", signers.two_contacts(directory, state), True)
    return [recovery, contacts, old] if waits.overrules else [recovery, old, contacts]


def _is_frozen(directory: Directory, kid: str) -> bool:
    contact = directory.contacts.get(directory.key(kid).holder)
    return contact is not None and contact.frozen is not None
