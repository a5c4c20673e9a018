"""What a State's watch officer must see since the last look: events, what waits, alarms that stand.

The log is verified first. How far one has looked is kept in ``trust.db``, for each State. What an entry
means stands in ``watch``; sending it by mail, in ``mail``.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from poc.client.api import HubClient
from poc.client.known import Known
from poc.client.log import follow_log
from poc.client.standing import contradictions, head_age
from poc.client.watch import Event, unreadable, watch
from poc.core.directory import Directory
from poc.core.rules import apply_all
from poc.core.statement import read_entry
from poc.core.strictjson import format_time
from poc.errors import RefusedError, UnreachableError


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something wrong that stands until it is mended. ``code`` is the same each time."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Pending:
    """An enrolment or recovery that takes effect at a time, unless it is objected to before."""

    state: str
    what: str
    entry: int
    effective_at: datetime

    @property
    def text(self) -> str:
        """Until when and how to object."""
        until, how = format_time(self.effective_at), f"`poc state object {self.state}`"
        return f"{self.state}: {self.what} of entry {self.entry}; object before {until}: {how}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found about a State. ``following`` is the index to look on from.

    ``overridden``: the look began where somebody said, so the next one does not begin where it ended.
    """

    state: str
    origin: str
    since: int
    following: int
    events: tuple[Event, ...]
    pending: tuple[Pending, ...]
    alarms: tuple[Alarm, ...]
    reached: bool
    overridden: bool

    @property
    def contradicted(self) -> bool:
        """Whether the hub contradicted at this look what it signed before."""
        return any(alarm.code in ("fork", "rollback") for alarm in self.alarms)

    def to_json(self) -> dict[str, Any]:
        """The findings for programs."""
        return {
            "state": self.state,
            "since": self.since,
            "next": self.following,
            "reached": self.reached,
            "events": [event.to_json() for event in self.events],
            "pending": [
                {
                    "state": p.state,
                    "what": p.what,
                    "entry": p.entry,
                    "effective_at": format_time(p.effective_at),
                    "text": p.text,
                }
                for p in self.pending
            ],
            "alarms": [{"code": alarm.code, "text": alarm.text} for alarm in self.alarms],
        }


async def look(known: Known, hub: HubClient, state: str, since: int | None) -> Findings:
    """Verify what is new and tell it from ``since`` on, by default from where the last look ended."""
    alarms: list[Alarm] = []
    reached = True
    hub.keys = known.request_keys()
    try:
        await follow_log(known, hub)
    except UnreachableError as error:
        if error.code != "hub-unreachable":
            raise
        reached = False
    except RefusedError as error:
        if error.code not in ("fork", "rollback"):
            raise
        alarms.append(Alarm(error.code, f"{error.message} {error.next_step}"))
    first = min(since if since is not None else known.trust.cursor(_cursor(state)), known.directory.size)
    events, following = await asyncio.to_thread(_events, known, first, state)
    if known.trust.value("update-needed") == b"1":
        events.append(unreadable(known.directory.size, "update-needed"))
    if events and events[-1].kind == "unreadable":
        alarms.append(Alarm("update-needed", "the log goes on with what this version cannot read: update it"))
    alarms += [Alarm("contradiction", text) for text in contradictions(known)]
    alarms += [Alarm("stale", text) for text in head_age(known, known.now())]
    origin = known.directory.origin
    pending = _pending(known.directory)
    found = (tuple(events), pending, tuple(alarms))
    return Findings(state, origin, first, following, *found, reached, overridden=since is not None)


def _events(known: Known, first: int, state: str) -> tuple[list[Event], int]:
    """The events from an index on. The genesis has nothing before it and is never news."""
    leaves, _ = known.trust.log()
    start = max(first, 1)
    if start >= known.directory.size:
        return [], known.directory.size
    before = apply_all(None, [read_entry(leaf) for leaf in leaves[:start]])
    return watch(before, leaves[start:], state)


def _pending(directory: Directory) -> tuple[Pending, ...]:
    """What waits, by when it takes effect."""
    found = []
    for state in directory.states.values():
        if state.recovering is not None:
            index, at = state.recovering.anchor.index, state.recovering.effective_at
            found.append(Pending(state.id, "recovery", index, at))
        elif state.status == "pending":
            found.append(Pending(state.id, "enrolment", state.enrolled.index, state.effective_at))
    return tuple(sorted(found, key=lambda pending: pending.effective_at))


def mark_seen(known: Known, findings: Findings) -> None:
    """Keep where the next look begins; one that began where somebody said changes nothing."""
    if not findings.overridden:
        known.trust.set_cursor(_cursor(findings.state), findings.following)


def _cursor(state: str) -> str:
    return f"monitor-{state}"
