"""Look-ups over the verified directory and its open cards: local, instant, offline, pure.

Names are folded: case, accents, alef, hamza, ta marbuta and diacritics make no difference.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale

from poc.core import hours
from poc.core.card import CardPart, OfficePart, ReachPart, WorkingHours
from poc.core.directory import Contact, Directory, State
from poc.core.strictjson import format_time
from poc.core.text import fold
from poc.errors import RefusedError

LANGUAGES = ("ar", "en", "fr")
TESTED_DAYS = 366


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; every condition given must hold."""

    text: str | None = None
    state: str | None = None
    contact: str | None = None
    role: str | None = None
    language: str | None = None
    reachable_now: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundContact:
    """A contact as shown: what the log and its open card parts say. Times are texts."""

    contact: str
    state: str
    state_names: dict[str, str]
    role: str
    level: str
    names: dict[str, str]
    channels: list[dict[str, Any]]
    languages: list[str]
    zone: str | None
    reachable_now: bool | None
    next_open_at: str | None
    confirmed_at: str
    confirm_overdue: bool
    sealing_overdue: bool
    tested_within_12_months: bool
    custody: str
    alternate_of: str | None


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What was found, and the time of the newest entry it was found in."""

    contacts: tuple[FoundContact, ...]
    as_of: datetime

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        return {"contacts": [asdict(c) for c in self.contacts], "as_of": format_time(self.as_of)}


def lookup(
    directory: Directory, cards: Mapping[str, Mapping[str, CardPart]], query: Query, now: datetime
) -> LookupResult:
    """The contacts a query finds, sorted by id. Raises ``unknown-state`` naming the nearest."""
    at = query.at or now
    state = None if query.state is None else find_state(directory, query.state)
    found = []
    for contact in sorted(directory.contacts.values(), key=lambda c: c.id):
        if contact.withdrawn or (state is not None and contact.state != state):
            continue
        shown = _shown(directory, contact, cards.get(contact.id, {}), at)
        if _fits(query, shown, cards.get(contact.id, {})):
            found.append(shown)
    return LookupResult(tuple(found), directory.logged_at)


def find_state(directory: Directory, wanted: str) -> str:
    """A State's id by id or by any of its names. Raises ``unknown-state`` naming the nearest."""
    names: dict[str, str] = {}
    for state in directory.states.values():
        for name in (state.id, *_all_names(state)):
            names.setdefault(fold(name), state.id)
    found = names.get(fold(wanted))
    if found is None:
        near = difflib.get_close_matches(fold(wanted), names, n=1, cutoff=0.4)
        hint = f"; did you mean {names[near[0]]} ({near[0]})?" if near else ""
        raise RefusedError("unknown-state", f"{wanted[:60]}{hint}", nearest=names[near[0]] if near else None)
    return found


def _all_names(state: State) -> Iterable[str]:
    yield from state.names.short.values()
    yield from state.names.official.values()
    yield from state_names(state).values()


def state_names(state: State) -> dict[str, str]:
    """A State's own short names; CLDR only fills gaps."""
    names = dict(state.names.short)
    for language in LANGUAGES:
        known = Locale(language).territories.get(state.id.upper())
        if language not in names and known:
            names[language] = str(known)
    return names


def _fits(query: Query, shown: FoundContact, card: Mapping[str, CardPart]) -> bool:
    if query.contact is not None and shown.contact != query.contact:
        return False
    if query.role is not None and shown.role != query.role:
        return False
    if query.language is not None and query.language not in shown.languages:
        return False
    if query.reachable_now and not shown.reachable_now:
        return False
    return query.text is None or all(w in _haystack(shown, card) for w in fold(query.text).split())


def _haystack(shown: FoundContact, card: Mapping[str, CardPart]) -> str:
    office = card.get("office")
    department = office.department if isinstance(office, OfficePart) and office.department else {}
    channels = (channel["value"] for channel in shown.channels)
    texts = (
        shown.contact,
        *shown.state_names.values(),
        *shown.names.values(),
        *department.values(),
        *channels,
    )
    return fold(" ".join((shown.role, *texts)))


def _shown(
    directory: Directory, contact: Contact, card: Mapping[str, CardPart], at: datetime
) -> FoundContact:
    office, reach = card.get("office"), card.get("reach")
    reach = reach if isinstance(reach, ReachPart) else None
    open_now, next_at = (None, None) if reach is None else _reachable(reach, at)
    tested = contact.tested_at is not None and at - contact.tested_at <= timedelta(days=TESTED_DAYS)
    return FoundContact(
        contact=contact.id,
        state=contact.state,
        state_names=state_names(directory.states[contact.state]) if contact.state in directory.states else {},
        role=contact.role,
        level="tested" if tested else contact.level,
        names=dict(office.names) if isinstance(office, OfficePart) else {},
        channels=[c.model_dump(mode="json") for c in reach.channels] if reach else [],
        languages=list(reach.languages) if reach else [],
        zone=reach.zone if reach else None,
        reachable_now=open_now,
        next_open_at=next_at,
        confirmed_at=format_time(contact.confirmed_at),
        confirm_overdue=contact.confirm_due_at(directory.settings) < at,
        sealing_overdue=any(device.rotate_by < at for device in contact.devices),
        tested_within_12_months=tested,
        custody=contact.custody,
        alternate_of=contact.alternate_of,
    )


def _reachable(reach: ReachPart, at: datetime) -> tuple[bool | None, str | None]:
    try:
        zone = ZoneInfo(reach.zone)
        when = _hours(reach.hours)
    except (ZoneInfoNotFoundError, ValueError, RefusedError):
        return None, None
    if hours.is_open(when, at, zone):
        return True, None
    opens = hours.next_open(when, at, zone)
    return False, None if opens is None else format_time(opens.replace(microsecond=0))


def _hours(form: WorkingHours) -> hours.Hours:
    return form.opening_hours()
