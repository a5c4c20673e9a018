"""Base of every form on the wire: how one is read, written and checked.

Holds the base class and the member types shared by all forms (DESIGN section 3): times, ids,
hashes, texts. The forms themselves stand in ``statement``, ``card``, ``message``, ``evidence`` and
``exercise``. Signatures are not checked here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import core_schema

from poc.core.strictjson import JsonValue, canonical, format_time, parse, parse_time, unb64u
from poc.core.text import check_text
from poc.errors import PocError, RefusedError
from poc.limits import OFFICER_CHARS_MAX

VERSION: Final = 1


class Form(BaseModel):
    """A form with every member present and no other. Members are never coerced or defaulted."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        populate_by_name=True,
        serialize_by_alias=True,
        defer_build=True,  # a command builds the forms it reads, not all that are imported
    )


class TopForm(Form):
    """A form that stands alone: it carries its version and the registry's origin."""

    v: One
    origin: Origin


FormT = TypeVar("FormT", bound=Form)


def read_form(model: type[FormT], data: bytes | str) -> FormT:
    """Read one form from its bytes.

    Raises ``bad-json``, ``newer-form`` (``v`` above ours) or ``bad-form`` naming the member.
    """
    return _validated(model, parse(data), data)


def form_of(model: type[FormT], value: Any) -> FormT:
    """Read one form from a value that :func:`poc.core.strictjson.parse` gave.

    Raises ``bad-json`` for another value that JSON has no spelling for, or as :func:`read_form`.
    """
    try:
        data = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError):
        data = canonical(value)
    return _validated(model, value, data)


def _validated(model: type[FormT], value: JsonValue, data: bytes | str) -> FormT:
    if isinstance(value, dict):
        version = value.get("v")
        if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
            raise RefusedError("newer-form", f"version {version}; this program knows {VERSION}")
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise RefusedError("bad-form", _first_fault(error)) from None


def _first_fault(error: ValidationError) -> str:
    """Name the first wrong member and why, never its value."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "the form"
    return f"{where}: {fault['msg'].removeprefix('Value error, ')}"


def form_value(form: Form) -> dict[str, Any]:
    """The form as a JSON value, aliases and times as on the wire."""
    return form.model_dump(mode="json", by_alias=True)


def form_bytes(form: Form) -> bytes:
    """The form's RFC 8785 bytes: what we sign when the form is ours."""
    return canonical(form_value(form))


def _time(value: object) -> datetime:
    text = checked(format_time, value) if isinstance(value, datetime) else value
    if not isinstance(text, str):
        raise ValueError("a time is a string YYYY-MM-DDThh:mm:ssZ")  # noqa: TRY004 (pydantic expects ValueError)
    at: datetime = checked(parse_time, text)
    return at


def checked(function: Any, *arguments: Any) -> Any:
    """What a checking function of core gives, its refusal as the ValueError a pydantic validator expects."""
    try:
        return function(*arguments)
    except PocError as error:
        raise ValueError(error.message) from None


def _size_checked(size: int | None) -> AfterValidator:
    def check(value: str) -> str:
        checked(unb64u, value, size)
        return value

    return AfterValidator(check)


@dataclass(frozen=True, slots=True)
class Text:
    """Marks a text of 1 to ``chars_max`` characters: NFC, no controls; line breaks only if ``lines``."""

    chars_max: int
    lines: bool = False

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        """The schema pydantic checks such a member with."""
        bounds = core_schema.str_schema(min_length=1, max_length=self.chars_max)
        return core_schema.no_info_after_validator_function(self._checked, bounds)

    def _checked(self, value: str) -> str:
        checked(lambda: check_text(value, self.chars_max, lines=self.lines))
        return value


TIME_PATTERN: Final = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"
Utc = Annotated[
    datetime,
    BeforeValidator(_time),
    PlainSerializer(format_time, return_type=str),
    WithJsonSchema({"type": "string", "pattern": TIME_PATTERN}),
]


def _in_the_calendar(value: str) -> str:
    date.fromisoformat(value)
    return value


Date = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"),
    AfterValidator(_in_the_calendar),
]
ClockTime = Annotated[str, StringConstraints(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]

_B64U: Final = r"^[A-Za-z0-9_-]*$"
Binary = Annotated[str, StringConstraints(pattern=_B64U), _size_checked(None)]
Sha256 = Annotated[str, StringConstraints(pattern=_B64U, min_length=43, max_length=43), _size_checked(32)]
Kid = Sha256
Salt16 = Annotated[str, StringConstraints(pattern=_B64U), _size_checked(16)]
Salt32 = Annotated[str, StringConstraints(pattern=_B64U), _size_checked(32)]
Key32 = Salt32

_STATE: Final = r"(?:[a-z]{2}|x-[a-z0-9]{2,16})"
_LABEL: Final = r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,23}"
STATE_PATTERN: Final = re.compile(rf"\A{_STATE}\Z")
PARTY_PATTERN: Final = re.compile(rf"\A{_STATE}\.{_LABEL}\Z")


def _matches(pattern: re.Pattern[str], what: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.match(value):
            raise ValueError(f"not {what}")
        return value

    return AfterValidator(check)


Origin = Annotated[
    str,
    Field(max_length=100),
    _matches(
        re.compile(r"\A[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?:/[a-z0-9-]+)*\Z"),
        "an origin such as example.org/cbm",
    ),
]
StateId = Annotated[str, Field(max_length=18), _matches(STATE_PATTERN, "a State id such as jo or x-las")]
PartyId = Annotated[
    str, Field(max_length=44), _matches(PARTY_PATTERN, "an id such as jo.technical or x-las.registrar-1")
]
ContactId = PartyId
ExerciseId = Annotated[
    str,
    Field(min_length=3, max_length=64),
    _matches(re.compile(r"\A[a-z0-9]+(?:-[a-z0-9]+)*\Z"), "an exercise id such as cbm-2026-11"),
]
MessageId = Annotated[
    str,
    Field(max_length=36),
    _matches(
        re.compile(r"\A[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z"),
        "a UUID version 7",
    ),
]
Language = Annotated[
    str, Field(max_length=35), StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
]
Officer = Annotated[str, Text(OFFICER_CHARS_MAX)]
ShortText = Annotated[str, Text(64)]
LineText = Annotated[str, Text(200)]
Names = Annotated[dict[Language, LineText], Field(min_length=1, max_length=16)]
One = Annotated[int, Field(ge=1, le=1)]  # Literal[1] would take true for 1
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Positive = Annotated[int, Field(ge=1, le=2**53 - 1)]

Status = Literal["exercise", "test", "actual"]
Role = Literal["diplomatic", "technical", "duty"]
Right = Literal["retrieve", "acknowledge", "send", "change"]
Head = Annotated[str, Field(min_length=1, max_length=4096)]

TopForm.model_rebuild()


def is_state(value: str) -> bool:
    """Whether the text has the grammar of a State id."""
    return STATE_PATTERN.match(value) is not None


def state_of(party: str) -> str:
    """The State or body a party id belongs to: ``jo`` of ``jo.technical``, ``jo`` of ``jo``."""
    return party.split(".", 1)[0]


def sorted_distinct(values: tuple[Any, ...], key: Any, what: str) -> tuple[Any, ...]:
    """Check inside a validator that a list is sorted by ``key`` without doubles."""
    keys = [key(value) for value in values]
    if keys != sorted(set(keys)):
        raise ValueError(f"{what} must be sorted and distinct")
    return values
