"""Templates: forms with coded fields, so that what is filled in in Arabic reads in English.

A template is a file of its own with its version and its hash; a message names all three and holds only the
values. Holds the form of the file, how a value is read, and how filled fields are shown. Which templates a
desk has is decided elsewhere. No template here is anybody's official one, and every field is optional.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from poc.core.form import (
    PARTY_PATTERN,
    Form,
    Language,
    LineText,
    One,
    Positive,
    Text,
    form_bytes,
    read_form,
    sorted_distinct,
)
from poc.core.message import Template
from poc.core.strictjson import b64u, format_time
from poc.core.text import ascii_digits, fold
from poc.errors import RefusedError
from poc.limits import TEMPLATE_BYTES_MAX

Style = Literal["formal", "plain"]
FieldType = Literal["text", "choice", "choices", "time", "contact", "number"]
TemplateKind = Literal[
    "notification",
    "information-request",
    "assistance-request",
    "clarification",
    "reply",
    "update",
    "withdrawal",
    "closure",
]
EQUAL_LANGUAGES: Final = ("ar", "en")
REST_IN_ORIGINAL: Final = {
    "en": "The rest of the text is in the original only.",
    "ar": "بقية النص في الأصل فقط.",
    "fr": "Le reste du texte ne figure que dans l’original.",
}
"""Ends a courtesy translation that gives the opening of a text and not all of it."""

_PLACES: Final = frozenset({"sender", "sender_state"})
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_CODED: Final = frozenset({"choice", "choices"})
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}")
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:?[0-9]{2})"
)
_PARTED: Final = re.compile(r"\s*[,،;؛]\s*")

Code = Annotated[str, Field(pattern=r"^[a-z](-?[a-z0-9]){0,39}$")]
FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
TemplateId = Annotated[
    str, Field(pattern=r"^((?:[a-z]{2}|x-[a-z0-9]{2,16})\.)?[a-z](-?[a-z0-9]){0,39}$", max_length=59)
]


def _with_known_places(text: str) -> str:
    if set(_PLACE.findall(text)) - _PLACES or set("{}") & set(_PLACE.sub("", text)):
        raise ValueError(f"only {', '.join(f'{{{name}}}' for name in sorted(_PLACES))} may stand in braces")
    return text


Labels = Annotated[dict[Language, LineText], Field(min_length=1, max_length=16)]
Openings = Annotated[
    dict[Language, Annotated[str, Text(1_000, lines=True), AfterValidator(_with_known_places)]],
    Field(min_length=1, max_length=16),
]


class CodedValue(Form):
    """One value that a field may have: what travels, and what a reader of each language sees."""

    code: Code
    label: Labels


class TemplateField(Form):
    """One field. ``codes`` are those of a choice, and empty for every other type."""

    name: FieldName
    type: FieldType
    label: Labels
    help: Labels | None
    codes: Annotated[tuple[CodedValue, ...], Field(max_length=60)]

    @model_validator(mode="after")
    def _codes_fit(self) -> TemplateField:
        if bool(self.codes) != (self.type in _CODED):
            raise ValueError("codes go with a choice and with nothing else")
        names: dict[str, str] = {}
        for value in self.codes:
            for word in (value.code, *value.label.values()):
                if names.setdefault(fold(word), value.code) != value.code:
                    raise ValueError("two codes of a field cannot be told apart")
        if len(self.codes) != len({value.code for value in self.codes}):
            raise ValueError("a code is named twice")
        if self.type == "choices" and any(_PARTED.search(word) for word in names):
            raise ValueError("a comma or semicolon parts choices, so no label of one holds it")
        return self


class TemplateOpenings(Form):
    """How a text may begin, for a note between ministries and for colleagues."""

    formal: Openings
    plain: Openings


def _languages_sorted(languages: tuple[str, ...]) -> tuple[str, ...]:
    return sorted_distinct(languages, str, "languages")


class TemplateFile(Form):
    """A template. Every label stands in each of its ``languages``, and in no other."""

    v: One
    form: Literal["poc-template"]
    id: TemplateId
    version: Positive
    kind: TemplateKind
    languages: Annotated[
        tuple[Language, ...], Field(min_length=1, max_length=16), AfterValidator(_languages_sorted)
    ]
    title: Labels
    about: Labels
    openings: TemplateOpenings
    fields: Annotated[tuple[TemplateField, ...], Field(max_length=60)]

    @model_validator(mode="after")
    def _whole(self) -> TemplateFile:
        if any(set(labels) != set(self.languages) for labels in self._labels()):
            raise ValueError("a label does not stand in each language of the template")
        names: dict[str, str] = {}
        for field in self.fields:
            if field.name in names.values():
                raise ValueError("a field is named twice")
            for word in (field.name, *field.label.values()):
                if names.setdefault(fold(word), field.name) != field.name:
                    raise ValueError("two fields cannot be told apart")
        return self

    def _labels(self) -> Iterator[Mapping[str, str]]:
        yield from (self.title, self.about, self.openings.formal, self.openings.plain)
        for field in self.fields:
            yield field.label
            yield from () if field.help is None else (field.help,)
            yield from (value.label for value in field.codes)


def read_template(data: bytes) -> TemplateFile:
    """Read a template's file.

    Raises:
        RefusedError: ``too-large``, ``bad-json``, ``newer-form``, ``bad-form``.
    """
    if len(data) > TEMPLATE_BYTES_MAX:
        raise RefusedError("too-large", f"{len(data)} bytes; {TEMPLATE_BYTES_MAX} is the limit")
    return read_form(TemplateFile, data)


def reference(template: TemplateFile) -> Template:
    """What a message says of its template: id, version, and the SHA-256 of the file's RFC 8785 bytes."""
    digest = b64u(hashlib.sha256(form_bytes(template)).digest())
    return Template(id=template.id, version=template.version, sha256=digest)


def find_template(named: Template, templates: Iterable[TemplateFile]) -> TemplateFile | None:
    """The very template a message names; one of another hash is another template, whatever it is called."""
    return next((template for template in templates if reference(template) == named), None)


def in_language(labels: Mapping[str, str], language: str) -> str:
    """The label for a reader: in the language, in its base language, in English, or in the first there is."""
    for wanted in (language, language.partition("-")[0], "en"):
        if wanted in labels:
            return labels[wanted]
    return labels[min(labels)]


# --- filling in --------------------------------------------------------------------------------


def fill(template: TemplateFile, given: Mapping[str, str]) -> dict[str, str]:
    """The fields as they travel. A field is named by its name or its label, a code by itself or its label.

    Digits of any script are read; a time needs its zone and travels in UTC.

    Raises:
        RefusedError: ``bad-field``; data ``field``, and ``codes`` or ``fields`` to choose from.
    """
    found: dict[str, str] = {}
    for word, value in given.items():
        field = _field(template, word)
        if field.name in found:
            raise RefusedError("bad-field", f"{field.name} is given twice", field=field.name)
        found[field.name] = _read_value(field, value)
    return found


def _field(template: TemplateFile, word: str) -> TemplateField:
    wanted = fold(word)
    for field in template.fields:
        if wanted in map(fold, (field.name, *field.label.values())):
            return field
    names = [field.name for field in template.fields]
    raise RefusedError("bad-field", f"there is no such field in {template.id}", field=None, fields=names)


def _read_value(field: TemplateField, value: str) -> str:
    match field.type:
        case "choice":
            return _code(field, value)
        case "choices":
            codes = {_code(field, part) for part in _PARTED.split(value.strip())}
            return ",".join(code.code for code in field.codes if code.code in codes)
        case "time":
            return _time(field, value)
        case "contact":
            return _matching(field, PARTY_PATTERN, value.strip().lower(), "an id such as jo.technical")
        case "number":
            return _matching(field, _NUMBER, ascii_digits(value.strip()), "a whole number")
    return value


def _code(field: TemplateField, word: str) -> str:
    wanted = fold(word)
    for value in field.codes:
        if wanted in map(fold, (value.code, *value.label.values())):
            return value.code
    codes = {value.code: dict(value.label) for value in field.codes}
    choice = ", ".join(f"{code} ({' / '.join(label.values())})" for code, label in codes.items())
    raise RefusedError("bad-field", f"{field.name}: one of {choice}", field=field.name, codes=codes)


def _time(field: TemplateField, value: str) -> str:
    found = _matching(field, _TIME, ascii_digits(value.strip().upper()), "a time such as 2026-11-24T09:00Z")
    try:
        return format_time(datetime.fromisoformat(found).astimezone(UTC))
    except (ValueError, OverflowError):
        raise RefusedError("bad-field", f"{field.name}: no such time", field=field.name) from None


def _matching(field: TemplateField, pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise RefusedError("bad-field", f"{field.name}: not {what}", field=field.name)
    return value


def opening(template: TemplateFile, style: Style, language: str, names: Mapping[str, str]) -> str:
    """How a text begins; ``names`` are of ``sender`` and ``sender_state`` in that language."""
    text = in_language(getattr(template.openings, style), language)
    return _PLACE.sub(lambda place: names[place[1]], text)


# --- showing -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field as a reader sees it: ``labels`` and ``shown`` per language, each ``None`` where not coded here.

    ``known`` is false where the template has no such field or no such code: then the value is shown as it is.
    """

    name: str
    value: str
    type: FieldType | None
    labels: Mapping[str, str] | None
    shown: Mapping[str, str] | None
    known: bool


def show_fields(template: TemplateFile | None, fields: Mapping[str, str]) -> list[ShownField]:
    """The fields of a message in the template's order, then those it does not have, as they are."""
    own = () if template is None else template.fields
    names = [field.name for field in own]
    found = [_shown(field, fields[field.name]) for field in own if field.name in fields]
    others = (name for name in fields if name not in names)
    return found + [ShownField(name, fields[name], None, None, None, known=False) for name in others]


def _shown(field: TemplateField, value: str) -> ShownField:
    labels = {code.code: code.label for code in field.codes}
    if field.type not in _CODED:
        return ShownField(field.name, value, field.type, field.label, None, known=True)
    codes = value.split(",") if field.type == "choices" else [value]
    if any(code not in labels for code in codes):
        return ShownField(field.name, value, field.type, field.label, None, known=False)
    shown = {
        language: ("، " if language.startswith("ar") else ", ").join(labels[code][language] for code in codes)
        for language in field.label
    }
    return ShownField(field.name, value, field.type, field.label, shown, known=True)


def rendered(template: TemplateFile, fields: Mapping[str, str]) -> tuple[str, ...]:
    """Every line that a reader of some language will see of a form: what wording is checked on."""
    lines = (
        f"{label}: {field.value if field.shown is None else field.shown[language]}"
        for field in show_fields(template, fields)
        for language, label in (field.labels or {"en": field.name}).items()
    )
    return (*template.title.values(), *lines)
