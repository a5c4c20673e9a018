"""Look-ups over the verified directory and its open cards: local, instant, offline, pure.

Names are folded: case, accents, alef, hamza, ta marbuta and diacritics make no difference. A name that is
not one of a State's own is never taken for it; spellings by ear are only good for a suggestion.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale

from poc.client.cautions import cautions, recovery_value, suspension_value
from poc.core import hours
from poc.core.card import PARTS, CardPart, OfficePart, PersonPart, ReachPart
from poc.core.directory import Contact, Directory, State
from poc.core.form import state_of
from poc.core.strictjson import format_time
from poc.core.text import fold
from poc.errors import RefusedError
from poc.limits import TESTED_DAYS

LANGUAGES = ("ar", "en", "fr")

_NEAR: Final = 0.55
_ARTICLE: Final = re.compile(r"^(?:ال|al |el |a[dlnrstz]sh? |the |les? |la |l )")
# Words that tell no State from another: one that has such a word is not meant by it alone.
_GENERIC: Final = frozenset(
    fold(
        "state republic kingdom sultanate union arab islamic democratic people's federal of and the "
        "دولة الدولة جمهورية الجمهورية مملكة المملكة سلطنة اتحاد العربية الإسلامية الشعبية الديمقراطية "
        "état république royaume sultanat arabe islamique démocratique populaire de du des d et"
    ).split()
)
# What is left of a name in Latin or Arabic letters when vowels and shades of one sound are taken away.
_SOUNDS: Final = str.maketrans(
    dict(zip("بتثجحخدذرزسشصضطظعغفقكلمنهويپچژگ", "btsjhkddrzsssdtd\0gfkklmnh\0\0pjjg", strict=True))
)
_LATIN_SOUNDS: Final = (
    ("kh", "k"),
    ("gh", "g"),
    ("sh", "s"),
    ("th", "s"),
    ("dh", "d"),
    ("q", "k"),
    ("c", "k"),
)
_SILENT: Final = re.compile(r"[aeiouyw\0اآأإء' ]")


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
    """A contact as shown: what the log and its open card parts say. Times are texts.

    ``not_held`` names the parts of its card that the log has and whose opening is not here.
    ``reachable_now`` is of the moment asked about; ``None`` where the card with its hours is not open here.
    ``state_recovery`` and ``state_suspension`` are of its State; ``cautions`` says the same in words.
    """

    contact: str
    state: str
    state_names: dict[str, str]
    role: str
    level: str
    names: dict[str, str]
    department: dict[str, str]
    channels: list[dict[str, Any]]
    languages: list[str]
    zone: str | None
    local_time: str | None
    hours: dict[str, Any] | None
    reachable_now: bool | None
    next_open_at: str | None
    confirmed_at: str
    confirm_due_at: str
    confirm_overdue: bool
    sealing_overdue: bool
    tested_within_12_months: bool
    custody: str
    alternate_of: str | None
    alternates: list[str]
    frozen: bool
    state_recovery: dict[str, Any] | None
    state_suspension: dict[str, Any] | None
    cautions: list[str]
    person: dict[str, Any] | None
    visibility: dict[str, str]
    not_held: list[str]

    def warnings(self) -> list[str]:
        """What is told beside the contact and never stops anybody."""
        told = []
        if self.confirm_overdue:
            told.append(
                f"{self.contact}: confirmation overdue since {self.confirm_due_at}; it may be out of date"
            )
        if self.sealing_overdue:
            told.append(f"{self.contact}: sealing key overdue; messages are still sealed to it")
        if self.frozen:
            told.append(f"{self.contact}: frozen by its own State; reach it by voice")
        return [*told, *self.cautions]


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What was found, and the time and number of the newest entry it was found in."""

    contacts: tuple[FoundContact, ...]
    as_of: datetime
    size: int

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        contacts = [asdict(c) for c in self.contacts]
        return {"contacts": contacts, "as_of": format_time(self.as_of), "size": self.size}


def lookup(
    directory: Directory, cards: Mapping[str, Mapping[str, CardPart]], query: Query, now: datetime
) -> LookupResult:
    """The contacts a query finds, sorted by id. Raises ``unknown-state`` naming the nearest."""
    at = query.at or now
    state = None if query.state is None else find_state(directory, query.state)
    found = []
    for contact in sorted(directory.contacts.values(), key=lambda c: c.id):
        if not _is_in_force(directory, contact) or (state is not None and contact.state != state):
            continue
        card = cards.get(contact.id, {})
        shown = show_contact(directory, contact, card, at)
        if _fits(query, shown, directory.states.get(contact.state)):
            found.append(shown)
    return LookupResult(tuple(found), directory.logged_at, directory.size)


def _is_in_force(directory: Directory, contact: Contact) -> bool:
    state = directory.states.get(contact.state)
    return not contact.withdrawn and (state is None or state.status != "withdrawn")


# --- States and contacts by what people call them ----------------------------------------------


def find_state(directory: Directory, wanted: str) -> str:
    """A State's id by id or by any of its names. Raises ``unknown-state`` naming the nearest."""
    names = _names_of_states(directory)
    asked = fold(wanted)
    found = names.get(asked) or names.get(_bare(asked))
    if found is not None:
        return found
    words = set(asked.split())
    means_one = bool(words - _GENERIC)
    fitting = {state for name, state in names.items() if means_one and words <= set(name.split())}
    if len(fitting) == 1:
        return fitting.pop()
    near = _nearest(asked, {**_territory_names(directory), **names})
    hint = f"; did you mean {near} ({_name(directory, near)})?" if near else ""
    raise RefusedError("unknown-state", f"{wanted[:60]}{hint}", nearest=near)


def find_contact(directory: Directory, wanted: str) -> str:
    """The id of a contact in force, as typed in any case. Raises ``unknown-contact`` naming the nearest."""
    asked = wanted.strip().lower()
    known = sorted(c.id for c in directory.contacts.values() if _is_in_force(directory, c))
    if asked in known:
        return asked
    own = [contact for contact in known if state_of(contact) == asked]
    near = own or difflib.get_close_matches(asked, known, n=3, cutoff=_NEAR)
    hint = f"; did you mean {' or '.join(near[:3])}?" if near else ""
    raise RefusedError("unknown-contact", f"{wanted[:60]}{hint}", nearest=near[0] if near else None)


def _names_of_states(directory: Directory) -> dict[str, str]:
    """Every folded name with its State; a name of two States is nobody's, an id is always its own."""
    names: dict[str, str] = {}
    shared: set[str] = set()
    for state in directory.states.values():
        if state.status == "withdrawn":
            continue
        for name in {form for given in _all_names(state) for form in (fold(given), _bare(fold(given)))}:
            if names.setdefault(name, state.id) != state.id:
                shared.add(name)
    ids = {fold(state.id): state.id for state in directory.states.values() if state.status != "withdrawn"}
    return {**{name: state for name, state in names.items() if name and name not in shared}, **ids}


def _territory_names(directory: Directory) -> dict[str, str]:
    """What CLDR calls the States: people may type it, but only a State's own names are its names."""
    return {
        fold(name): state
        for state in directory.states
        for language in LANGUAGES
        for name in [_territories(language).get(state.upper())]
        if name
    }


def _bare(name: str) -> str:
    """A folded name without its article."""
    return _ARTICLE.sub("", name)


def _nearest(asked: str, names: Mapping[str, str]) -> str | None:
    near = difflib.get_close_matches(asked, [n for n in names if len(n) > 2], n=1, cutoff=_NEAR)
    if near:
        return names[near[0]]
    heard = _sound(asked)
    return next((state for name, state in names.items() if len(heard) > 1 and heard in _sounds(name)), None)


def _sounds(name: str) -> set[str]:
    """What a name sounds like, whole and by each word that tells it from others."""
    return {_sound(name), *(_sound(word) for word in name.split() if word not in _GENERIC)}


def _sound(name: str) -> str:
    """The consonants of a name, the same for Arabic letters and their usual Latin spellings."""
    plain = _bare(name)
    for spelling, sound in _LATIN_SOUNDS:
        plain = plain.replace(spelling, sound)
    return re.sub(r"(.)\1+", r"\1", _SILENT.sub("", plain.translate(_SOUNDS)))


def _name(directory: Directory, state: str) -> str:
    names = state_names(directory.states[state])
    return names.get("en") or next(iter(names.values()), state)


def _all_names(state: State) -> Iterable[str]:
    yield from state.names.short.values()
    yield from state.names.official.values()
    yield from state_names(state).values()


def state_names(state: State) -> dict[str, str]:
    """A State's own short names; CLDR only fills gaps."""
    names = dict(state.names.short)
    for language in LANGUAGES:
        known = _territories(language).get(state.id.upper())
        if language not in names and known:
            names[language] = known
    return names


@lru_cache(maxsize=8)
def _territories(language: str) -> dict[str, str]:
    return {code: str(name) for code, name in Locale(language).territories.items()}


# --- does a contact fit? -----------------------------------------------------------------------


def _fits(query: Query, shown: FoundContact, state: State | None) -> bool:
    if query.contact is not None and shown.contact != query.contact.strip().lower():
        return False
    if query.role is not None and shown.role != query.role:
        return False
    if query.language is not None and not any(_speaks(query.language, own) for own in shown.languages):
        return False
    if query.reachable_now and not shown.reachable_now:
        return False
    return query.text is None or all(w in _haystack(shown, state) for w in fold(query.text).split())


def _speaks(asked: str, own: str) -> bool:
    """``ar`` is spoken where ``ar-JO`` is; ``ar-JO`` is not where only ``ar`` is told."""
    return f"{own.lower()}-".startswith(f"{asked.strip().lower()}-")


def _haystack(shown: FoundContact, state: State | None) -> str:
    texts = (
        shown.contact,
        shown.role,
        shown.level,
        *shown.state_names.values(),
        *(() if state is None else _all_names(state)),
        *shown.names.values(),
        *shown.department.values(),
        *(channel["value"] for channel in shown.channels),
        *(channel["label"] or "" for channel in shown.channels),
    )
    return fold(" ".join(texts))


# --- what is shown of one ----------------------------------------------------------------------


def show_contact(
    directory: Directory, contact: Contact, card: Mapping[str, CardPart], at: datetime
) -> FoundContact:
    """A contact as it is at a moment, with what of its card is open here."""
    office, reach, person = card.get("office"), card.get("reach"), card.get("person")
    office = office if isinstance(office, OfficePart) else None
    reach = reach if isinstance(reach, ReachPart) else None
    open_now, next_at, local = (None, None, None) if reach is None else _reachable(reach, at)
    tested = contact.tested_at is not None and at - contact.tested_at <= timedelta(days=TESTED_DAYS)
    due_at = contact.confirm_due_at(directory.settings)
    return FoundContact(
        contact=contact.id,
        state=contact.state,
        state_names=state_names(directory.states[contact.state]) if contact.state in directory.states else {},
        role=contact.role,
        level="tested" if tested and contact.level == "verified" else contact.level,
        names=dict(office.names) if office else {},
        department=dict(office.department or {}) if office else {},
        channels=[c.model_dump(mode="json") for c in reach.channels] if reach else [],
        languages=list(reach.languages) if reach else [],
        zone=reach.zone if reach else None,
        local_time=local,
        hours=reach.hours.model_dump(mode="json") if reach else None,
        reachable_now=open_now,
        next_open_at=next_at,
        confirmed_at=format_time(contact.confirmed_at),
        confirm_due_at=format_time(due_at),
        confirm_overdue=due_at < at,
        sealing_overdue=any(device.rotate_by < at for device in contact.devices),
        tested_within_12_months=tested,
        custody=contact.custody,
        alternate_of=contact.alternate_of,
        alternates=sorted(
            c.id for c in directory.contacts.values() if c.alternate_of == contact.id and not c.withdrawn
        ),
        frozen=contact.frozen is not None,
        state_recovery=recovery_value(directory.states.get(contact.state)),
        state_suspension=suspension_value(directory.states.get(contact.state)),
        cautions=cautions(directory, contact.state),
        person=_person(person) if isinstance(person, PersonPart) else None,
        visibility={part: named.visibility for part in PARTS if (named := contact.card.part(part))},
        not_held=[part for part in PARTS if contact.card.part(part) is not None and part not in card],
    )


def _person(part: PersonPart) -> dict[str, Any]:
    channels = [channel.model_dump(mode="json") for channel in part.channels]
    return {"names": dict(part.names), "title": dict(part.title or {}), "channels": channels}


def _reachable(reach: ReachPart, at: datetime) -> tuple[bool | None, str | None, str | None]:
    """Open at that moment? When next? What does the clock in the office show?"""
    try:
        zone = ZoneInfo(reach.zone)
        when = reach.hours.opening_hours()
        local = f"{at.astimezone(zone):%a %Y-%m-%d %H:%M %z}"
    except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError, RefusedError):
        return None, None, None
    if hours.is_open(when, at, zone):
        return True, None, local
    opens = hours.next_open(when, at, zone)
    return False, None if opens is None else format_time(opens.replace(microsecond=0)), local
