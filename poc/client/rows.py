"""One row of a table as a contact: its id, card and devices, or everything that is wrong with it.

Every fault names the column and the reason, never the value. Which column is which field stands in
``columns``; what the log says of the contact already, in ``bulk``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final

from babel import Locale

from poc.client.columns import CHANNELS, Columns
from poc.client.filing import PublicKeys
from poc.client.numbers import read_number
from poc.client.sheets import Row
from poc.core.directory import Directory
from poc.core.form import PARTY_PATTERN, is_state
from poc.core.text import check_text, fold
from poc.errors import PocError, RefusedError

ROLES: Final = ("diplomatic", "technical", "duty")
DIALLED: Final = ("phone", "mobile", "satellite", "fax")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LANGUAGES: Final = ("en", "ar", "fr", "es", "ru", "zh")
# What people write where there is nothing.
_NOTHING: Final = frozenset(
    fold(word) for word in ("-", "—", "n/a", "none", "nil", "null", "unknown", "لا يوجد", "غير متوفر")
)
_PARTED: Final = re.compile(r";(?!\s*ext=)|\n")
_LISTED: Final = re.compile(r"[,;\s]+")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_SLOT: Final = re.compile(
    rf"({'|'.join(DAYS)})(?:-({'|'.join(DAYS)}))? ([0-9]{{2}}:[0-9]{{2}})-([0-9]{{2}}:[0-9]{{2}})"
)

Devices = list[tuple[PublicKeys, list[str]]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a row: the column, a stable code and the reason."""

    column: str
    code: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """The fault for programs."""
        return {"column": self.column, "code": self.code, "reason": self.reason}


@dataclass(slots=True)
class Draft:
    """A row as a contact. With faults it is none; ``notes`` tell what was taken otherwise than written.

    ``given`` are the fields that the table has: of a contact that is there already the others stay.
    """

    row: Row
    given: frozenset[str] = frozenset()
    contact: str = ""
    role: str = ""
    alternate_of: str | None = None
    custody: str = "own"
    machine_receipts: bool = True
    source: str = ""
    card: dict[str, Any] = field(default_factory=dict)
    devices: Devices = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def blame(self, column: str, error: PocError) -> None:
        """Note a refusal of a column's value."""
        self.faults.append(Fault(column, error.code, error.message))


def draft_row(
    row: Row, columns: Columns, directory: Directory, device_of: Callable[[str], tuple[PublicKeys, list[str]]]
) -> Draft:
    """Read a row; never raises for what stands in it. ``device_of`` reads the key file a row names."""
    draft = Draft(row, frozenset(columns.fields()))
    reader = _Reader(draft, row, columns)
    state = _read_id(reader, directory)
    draft.alternate_of = reader.text("alternate-of")
    draft.source = reader.text("source") or ""
    draft.custody = reader.text("custody") or "own"
    draft.machine_receipts = reader.one_of(
        "machine-receipts", {"on": True, "yes": True, "off": False, "no": False}
    )
    visibility = reader.text("visibility")
    office: dict[str, Any] = {"names": reader.names("name"), "department": reader.names("department") or None}
    office["openpgp"] = reader.raw("openpgp")
    reach = {
        "channels": _read_channels(reader, state),
        "zone": reader.text("zone"),
        "hours": _read_hours(reader),
        "languages": [
            code.lower() if len(code) <= 3 else code for code in reader.values("languages", _LISTED)
        ],
    }
    draft.card = {
        "office": {**office, "visibility": visibility},
        "reach": {**reach, "visibility": visibility},
    }
    if person := reader.names("person"):
        title = reader.names("title") or None
        draft.card["person"] = {"names": person, "title": title, "visibility": visibility}
    if not office["names"]:
        reader.fault("name.en", "bad-card", "the office has no name")
    if not reach["channels"] and not draft.faults:
        reader.fault("email", "bad-card", "no way to reach it is given")
    for text in reader.values("devices", _PARTED):
        device = reader.try_to(reader.column("devices"), partial(device_of, text))
        draft.devices += [] if device is None else [device]
    return draft


class _Reader:
    """The values of one row by field, cleaned; faults and notes go to its draft."""

    def __init__(self, draft: Draft, row: Row, columns: Columns) -> None:
        self.draft, self.row, self.columns = draft, row, columns

    def column(self, name: str) -> str:
        return self.columns.named(self.row, name)[0]

    def fault(self, name: str, code: str, reason: str) -> None:
        self.draft.faults.append(Fault(self.column(name), code, reason))

    def try_to(self, column: str, do: Callable[[], Any]) -> Any:
        try:
            return do()
        except PocError as error:
            self.draft.blame(column, error)
            return None

    def values(self, name: str, parting: re.Pattern[str] | None = None) -> list[str]:
        """The values of a field: one line each, NFC; what says that there is nothing is left out.

        ``parting`` parts several values in one cell.
        """
        column, cells = self.columns.named(self.row, name)
        self.draft.columns[name] = column
        found = []
        for part in (part for cell in cells for part in (parting.split(cell) if parting else [cell])):
            text = unicodedata.normalize("NFC", " ".join(part.split()))
            if not text:
                continue
            if fold(text) in _NOTHING or re.match(r"n/a\b", text, re.IGNORECASE):
                if column in self.row.cells:
                    self.draft.notes.append(f"{column}: taken as empty")
                continue
            try:
                check_text(text, 4096)
                found.append(text)
            except PocError as error:
                self.draft.blame(column, error)
        return found

    def text(self, name: str) -> str | None:
        values = self.values(name)
        return values[0] if values else None

    def raw(self, name: str) -> str | None:
        """A text of several lines, as it stands."""
        column, cells = self.columns.named(self.row, name)
        self.draft.columns[name] = column
        return cells[0] if cells else None

    def one_of(self, name: str, allowed: dict[str, Any]) -> Any:
        text = fold(self.text(name) or next(iter(allowed)))
        if text not in allowed:
            self.fault(name, "bad-form", f"one of {', '.join(allowed)} is expected")
        return allowed.get(text)

    def names(self, name: str) -> dict[str, str]:
        """A name per language: of the fields ``name.LANG``."""
        named = [f for f in self.columns.fields() if f.startswith(f"{name}.")]
        texts = {f.partition(".")[2]: self.text(f) for f in named}
        return {language: text for language, text in texts.items() if text}


# --- id ----------------------------------------------------------------------------------------


def _read_id(reader: _Reader, directory: Directory) -> str:
    """Fill in contact and role; gives the State, empty where it is not known."""
    draft = reader.draft
    contact, role = reader.text("contact"), reader.text("role")
    draft.role = fold(role or "")
    if contact is not None:
        draft.contact = contact
        draft.role = draft.role or contact.partition(".")[2]
        if not PARTY_PATTERN.match(contact):
            reader.fault("contact", "bad-form", "not an id such as jo.technical")
            return ""
    else:
        named = reader.text("state")
        state = None if named is None else find_state_id(directory, named)
        if state is None:
            why = "no State is named" if named is None else "no State of this name or code is known"
            reader.fault("state", "unknown-state", why)
            return ""
        label = reader.text("label") or draft.role
        draft.contact = f"{state}.{label}" if label else state
    if draft.role not in ROLES:
        reader.fault("role", "bad-form", f"one of {', '.join(ROLES)} is expected")
    return draft.contact.partition(".")[0]


def find_state_id(directory: Directory, named: str) -> str | None:
    """A State's id by code, by a whole name of its own in this registry, or by its name in CLDR.

    Never by a part of a name: nobody looks at each row as somebody who types a look-up does.
    """
    code, folded = named.lower(), fold(named)
    if is_state(code):
        return code
    for state in directory.states.values():
        if folded in map(fold, (*state.names.short.values(), *state.names.official.values())):
            return state.id
    return _names_in_cldr().get(folded)


@lru_cache(maxsize=1)
def _names_in_cldr() -> dict[str, str]:
    return {
        fold(name): code.lower()
        for language in reversed(_LANGUAGES)
        for code, name in Locale(language).territories.items()
        if len(code) == 2 and code.isalpha()
    }


# --- card --------------------------------------------------------------------------------------


def _read_channels(reader: _Reader, state: str) -> list[dict[str, Any]]:
    """The channels in the order of the mapping; numbers as E.164, extensions as labels."""
    channels: list[dict[str, Any]] = []
    for kind in (name for name in reader.columns.fields() if name in CHANNELS):
        for column in reader.columns.columns.get(kind, (kind,)):
            one = _Reader(reader.draft, reader.row, reader.columns.only(kind, column))
            for value in one.values(kind, None if kind == "post" else _PARTED):
                channel = reader.try_to(column, partial(_channel, reader.draft, kind, column, value, state))
                if channel is not None and channel not in channels:
                    channels.append(channel)
    return channels


def _channel(draft: Draft, kind: str, column: str, value: str, state: str) -> dict[str, Any]:
    label = None
    if kind in DIALLED:
        number = read_number(value, state)
        if not number.in_plan:
            draft.notes.append(f"{column}: not in the numbering plan known here")
        value, label = number.e164, number.extension and f"ext. {number.extension}"
    elif kind == "email" and not _EMAIL.fullmatch(value):
        raise RefusedError("bad-card", "not an e-mail address")
    return {"kind": kind, "value": value, "label": label}


def _read_hours(reader: _Reader) -> dict[str, Any]:
    """``24/7``, ``none``, or slots such as ``sun-thu 08:00-15:00; sat 09:00-12:00``."""
    weekly: list[dict[str, str]] = []
    for text in reader.values("hours", _PARTED):
        said = fold(text)
        if said in {"24/7", "always"}:
            return {"always": True}
        found = _SLOT.fullmatch(text.lower())
        if found is None:
            reader.fault("hours", "bad-hours", "24/7 or slots such as sun-thu 08:00-15:00 are expected")
            continue
        first, last, opens, closes = found.groups()
        start = DAYS.index(first)
        count = (DAYS.index(last or first) - start) % 7 + 1
        weekly += [{"day": DAYS[(start + n) % 7], "open": opens, "close": closes} for n in range(count)]
    return {"weekly": weekly}
