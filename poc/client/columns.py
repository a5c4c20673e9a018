"""Which column of a table is which field of a contact: given, or guessed from the names of the columns.

The fields are listed in docs/operate.md. What a field's value means is decided in ``rows``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from poc.client.sheets import Row, Sheet
from poc.core.card import Channel
from poc.core.strictjson import parse
from poc.core.text import fold
from poc.errors import RefusedError

CHANNELS: Final[tuple[str, ...]] = get_args(Channel.model_fields["kind"].annotation)
PER_LANGUAGE: Final = ("name", "department", "person", "title")
FIELDS: Final = (
    *(
        "contact",
        "state",
        "label",
        "role",
        "alternate-of",
        "custody",
        "machine-receipts",
        "devices",
        "source",
    ),
    *PER_LANGUAGE,
    *CHANNELS,
    *("zone", "hours", "languages", "openpgp", "visibility"),
)
DEFAULTS: Final = {
    "custody": "own",
    "machine-receipts": "on",
    "zone": "UTC",
    "hours": "none",
    "languages": "en",
    "visibility": "parties",
}
_FIELD: Final = re.compile(rf"({'|'.join(PER_LANGUAGE)})\.[a-z]{{2,3}}(-[A-Za-z0-9]{{2,8}})*")
# Names of columns met in lists of contacts, folded and without anything but letters: best first.
_MET: Final[dict[str, tuple[str, ...]]] = {
    "contact": ("contact", "contact id", "id", "جهة الاتصال"),
    "state": ("country code", "state", "country", "الدولة", "البلد", "pays", "état"),
    "role": ("role", "type", "الدور", "rôle"),
    "alternate-of": ("alternate of", "بديل عن"),
    "custody": ("custody", "keys held by"),
    "machine-receipts": ("machine receipts",),
    "devices": ("devices", "device", "keys", "key file", "المفاتيح"),
    "source": ("source", "source name", "المصدر"),
    "name.en": ("full name", "official team name", "official name", "name en", "name", "office", "team name"),
    "name.ar": ("name ar", "الاسم", "اسم المكتب", "المكتب"),
    "name.fr": ("name fr", "nom"),
    "department.en": ("department", "unit"),
    "department.ar": ("department ar", "القسم", "الإدارة"),
    "phone": ("emergency contact", "phone numbers", "phone number", "telephone", "phone", "tel", "الهاتف"),
    "mobile": ("mobile", "cell", "جوال", "الجوال"),
    "satellite": ("satellite", "satellite phone"),
    "fax": ("fax", "فاكس"),
    "email": ("email", "e mail", "mail", "email address", "courriel", "البريد الإلكتروني", "البريد"),
    "web": ("website", "web", "url", "site", "الموقع"),
    "post": ("postal address", "address", "العنوان"),
    "zone": ("zone", "time zone", "timezone", "المنطقة الزمنية"),
    "hours": ("hours", "opening hours", "ساعات العمل"),
    "languages": ("languages", "language", "langues", "اللغات"),
    "openpgp": ("openpgp", "pgp key"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Columns:
    """For each field its columns, or the one value that every row has."""

    columns: dict[str, tuple[str, ...]]
    values: dict[str, str]

    def fields(self) -> Iterable[str]:
        """The fields that a row may have, in the order given."""
        return dict.fromkeys([*self.columns, *self.values])

    def named(self, row: Row, field: str) -> tuple[str, tuple[str, ...]]:
        """The column a field's values stand in, and the values; the field's own name where it has none."""
        for column in self.columns.get(field, ()):
            if column in row.cells:
                return column, row.cells[column]
        value = self.values.get(field) or DEFAULTS.get(field)
        return self.columns.get(field, (field,))[0], () if value is None else (value,)

    def only(self, field: str, column: str) -> Columns:
        """The same with one column for a field: a contact has every number of several columns."""
        return Columns({**self.columns, field: (column,)} if field in self.columns else {}, self.values)

    def to_json(self) -> dict[str, Any]:
        """What a mapping file of this would hold."""
        return {"columns": {f: list(c) for f, c in self.columns.items()}, "values": self.values}

    def lines(self, sheet: Sheet) -> list[str]:
        """The mapping for people, before it is used: also what is left out and what is taken for granted."""
        told = [f"{', '.join(columns)} -> {field}" for field, columns in self.columns.items()]
        told += [f'"{value}" in every row -> {field}' for field, value in self.values.items()]
        used = {column for columns in self.columns.values() for column in columns}
        if unused := [column for column in sheet.columns if column not in used]:
            told.append(f"not used: {', '.join(unused)}")
        missing = {f: v for f, v in DEFAULTS.items() if f not in self.columns and f not in self.values}
        if missing:
            told.append("by default: " + ", ".join(f"{field} {value}" for field, value in missing.items()))
        return told


def read_mapping(data: bytes) -> Columns:
    """A mapping file: ``{"columns": {FIELD: COLUMN or [COLUMN, …]}, "values": {FIELD: VALUE}}``.

    Raises ``bad-json`` with line and column, ``bad-mapping``.
    """
    value: Any = parse(data)
    if not isinstance(value, dict) or not value or not set(value) <= {"columns", "values"}:
        raise RefusedError("bad-mapping", "an object with columns and values is expected")
    columns, values = value.get("columns", {}), value.get("values", {})
    if not isinstance(columns, dict) or not isinstance(values, dict):
        raise RefusedError("bad-mapping", "columns and values are objects")
    listed = {f: [c] if isinstance(c, str) else c for f, c in columns.items()}
    are_names = all(isinstance(c, list) and all(isinstance(n, str) for n in c) for c in listed.values())
    if not are_names or not all(isinstance(v, str) for v in values.values()):
        raise RefusedError("bad-mapping", "columns and values are named by texts")
    return Columns(
        {_field(f): tuple(c) for f, c in listed.items()}, {_field(f): v for f, v in values.items()}
    )


def choose_columns(
    sheet: Sheet,
    file: Columns | None,
    pairs: Sequence[tuple[str, str]],
    values: Sequence[tuple[str, str]],
) -> Columns:
    """The mapping of a table: of the file, else guessed, as changed by ``pairs`` and ``values``.

    Columns named twice for a field are tried in order; an empty column takes the field out of the guess.
    Raises ``bad-mapping`` for a field or column there is not.
    """
    given: dict[str, list[str]] = {}
    for field, column in pairs:
        given.setdefault(_field(field), []).extend([column] if column else [])
    fixed = {_field(field): value for field, value in values}
    base = file or Columns(_guess(sheet.columns, {c for columns in given.values() for c in columns}), {})
    columns = {f: c for f, c in base.columns.items() if f not in fixed} | {
        f: tuple(c) for f, c in given.items()
    }
    named = {column for listed in columns.values() for column in listed}
    unknown = sorted(named - set(sheet.columns))
    if unknown:
        raise RefusedError("bad-mapping", f"no column is named {unknown[0][:60]}")
    kept = {field: value for field, value in base.values.items() if field not in given}
    return Columns({f: c for f, c in columns.items() if c}, {**kept, **fixed})


def _field(name: str) -> str:
    field = f"{name}.en" if name in PER_LANGUAGE else name
    if field not in FIELDS and not _FIELD.fullmatch(field):
        raise RefusedError("bad-mapping", f"there is no field {name[:40]}")
    return field


def _guess(columns: Sequence[str], taken: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Fields by the names of columns, each column once; ways to reach an office last, telephones first."""
    letters = {_letters(column): column for column in columns if column not in set(taken)}
    found = {}
    for field in dict.fromkeys((*_MET, *(name for name in FIELDS if name not in PER_LANGUAGE))):
        names = map(_letters, (*_MET.get(field, ()), field))
        column = next((letters[name] for name in names if name in letters), None)
        if column is not None and column not in found:
            found[column] = field
    guessed = {found[column]: (column,) for column in columns if column in found}
    reach = {kind: guessed.pop(kind) for kind in CHANNELS if kind in guessed}
    return {**guessed, **reach}


def _letters(name: str) -> str:
    return "".join(sign for sign in fold(name) if sign.isalnum())
