"""Strict JSON, its canonical form, and the small encodings that stand inside signed forms.

What is signed must read the same way everywhere, so whatever two readers could take differently
is refused here: duplicate members, numbers that lose digits, broken Unicode, spare base64 bits,
a second spelling of a time. Which members a form has is not decided here; see the models.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, cast

import rfc8785

from poc.errors import RefusedError
from poc.limits import JSON_DEPTH_MAX, JSON_INTEGER_MAX

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

_TWICE: Final = "this member stands twice in its object"
_HALF_PAIR: Final = "half a surrogate pair"
# The closing mark is optional: an open string takes all that follows, so no text is scanned twice.
_STRING: Final = r'"(?:[^"\\]++|\\.)*+"?'
_NOT_A_BRACKET: Final = re.compile(_STRING + r'|[^\[\]{}"]+', re.DOTALL)
_PIECE: Final = re.compile(_STRING + r"|[\[\]{},:]|[^\s\[\]{},:\"]+", re.DOTALL)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_PIECES_SEARCHED_MAX: Final = 20_000
_INTEGER_CHARS_MAX: Final = len(str(-JSON_INTEGER_MAX))


class _NotStrictError(ValueError):
    """JSON, but not strict; carries why. The place is looked for afterwards."""


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NotStrictError(_TWICE)
    return members


def _integer(text: str) -> int:
    if len(text) > _INTEGER_CHARS_MAX or abs(int(text)) > JSON_INTEGER_MAX:
        raise _NotStrictError("an integer beyond 2^53-1")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _NotStrictError("a number too large to be kept")
    return number


def _constant(text: str) -> float:
    raise _NotStrictError(f"{text} is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def parse(data: bytes | str) -> JsonValue:
    """Read one strict JSON text (RFC 8259, I-JSON of RFC 7493): the only reading it can have.

    Refused: anything but UTF-8 without a byte order mark, duplicate members, NaN and infinities,
    lone surrogates, integers beyond +-(2^53-1), depth over 32, anything after the value. Finite
    numbers with a fraction or exponent are read as ``float``; no form of ours has one.
    Size is the caller's to bound.

    Raises:
        RefusedError: ``bad-json``, with line and column (from 1, in characters).
    """
    text = _decode(data)
    if _is_too_deep(text) and (found := _first_trouble(text, "nested too deep, or not closed")):
        raise found
    try:
        value = cast("JsonValue", _DECODER.decode(text))
    except json.JSONDecodeError as error:
        raise _refused(text, error.pos, error.msg) from None
    except _NotStrictError as error:
        raise _first_trouble(text, str(error)) or _refused(text, 0, str(error)) from None
    if "\\u" in text and not _is_unicode(json.dumps(value, ensure_ascii=False)):
        raise _first_trouble(text, _HALF_PAIR) or _refused(text, 0, _HALF_PAIR)
    return value


def _decode(data: bytes | str) -> str:
    """The text of ``data``, which is well-formed Unicode without a byte order mark."""
    try:
        text = data if isinstance(data, str) else data.decode()
        text.encode()
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        raise _refused(before, len(before), "not UTF-8") from None
    except UnicodeEncodeError as error:
        raise _refused(error.object, error.start, _HALF_PAIR) from None
    if text.startswith("\ufeff"):
        raise _refused(text, 0, "a byte order mark")
    return text


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_too_deep(text: str) -> bool:
    """Whether brackets nest deeper than the limit, or do not close; cheap, and never recursive.

    Of a text with so few brackets that it cannot be too deep, the decoder says whether they close.
    """
    if text.count("[") + text.count("{") <= JSON_DEPTH_MAX:
        return False
    brackets = _NOT_A_BRACKET.sub("", text)
    for _ in range(JSON_DEPTH_MAX):
        fewer = brackets.replace("[]", "").replace("{}", "")
        if fewer == brackets:
            break
        brackets = fewer
    return brackets != ""


def _first_trouble(text: str, why: str) -> RefusedError | None:
    """The refusal of a bad text at its first wrong string, word or bracket; None if none is.

    Only the first 20,000 are searched, so that a refusal stays cheap; beyond them the error
    says ``why``, and up to where nothing was wrong.
    """
    open_members: list[set[str] | None] = []
    before = ""
    for number, match in enumerate(_PIECE.finditer(text)):
        piece, found = match.group(), ""
        if number == _PIECES_SEARCHED_MAX:
            found = f"from here on: {why}"
        elif piece in ("[", "{"):
            open_members.append(set() if piece == "{" else None)
            found = f"depth over {JSON_DEPTH_MAX}" if len(open_members) > JSON_DEPTH_MAX else ""
        elif piece in ("]", "}"):
            found = "" if open_members else "closes what is not open"
            del open_members[-1:]
        elif piece not in (",", ":"):
            is_name = open_members and before in ("{", ",")
            found = _trouble(piece, open_members[-1] if is_name else None)
        if found:
            return _refused(text, match.start(), found)
        before = piece
    return None


def _trouble(piece: str, members: set[str] | None) -> str:
    """What is wrong with one string, number or word; empty if nothing. Notes a member's name."""
    try:
        value = _DECODER.decode(piece)
    except json.JSONDecodeError as error:
        return error.msg
    except _NotStrictError as error:
        return str(error)
    if not isinstance(value, str):
        return ""
    if not _is_unicode(value):
        return _HALF_PAIR
    if members is not None:
        if value in members:
            return _TWICE
        members.add(value)
    return ""


def _refused(text: str, position: int, why: str) -> RefusedError:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return RefusedError("bad-json", f"line {line} column {column}: {why}")


def canonical(value: object) -> bytes:
    """The one canonical text of a JSON value (RFC 8785), as UTF-8 bytes.

    Raises:
        RefusedError: ``bad-json`` if the value has no such text (an infinity, a lone surrogate,
            an integer beyond 2^53-1, something that is not JSON).
    """
    try:
        return rfc8785.dumps(cast("Any", value))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise RefusedError("bad-json", f"no canonical form: {type(error).__name__}") from None


def b64u(data: bytes) -> str:
    """Base64url without padding (RFC 4648 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64u(text: str, size: int | None = None) -> bytes:
    """Read base64url in its only spelling: no padding, no whitespace, spare bits zero.

    ``size`` is the number of bytes there must be, if it is known.

    Raises:
        RefusedError: ``bad-base64``.
    """
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise RefusedError("bad-base64", "not base64url") from None
    if b64u(data) != text:
        raise RefusedError("bad-base64", "padding, spare bits or a character outside the alphabet")
    if size is not None and len(data) != size:
        raise RefusedError("bad-base64", f"{len(data)} bytes where {size} are due")
    return data


def format_time(at: datetime) -> str:
    """``YYYY-MM-DDThh:mm:ssZ`` of an aware UTC time at a whole second.

    Raises:
        RefusedError: ``bad-time`` for a time of another zone, of none, or with a fraction.
    """
    if at.utcoffset() != timedelta(0) or at.microsecond:
        raise RefusedError("bad-time", "not UTC at a whole second")
    return at.replace(tzinfo=None).isoformat() + "Z"


def parse_time(text: str) -> datetime:
    """Read ``YYYY-MM-DDThh:mm:ssZ``, the only spelling of a time in forms; aware UTC.

    Raises:
        RefusedError: ``bad-time``.
    """
    if not _TIME.fullmatch(text):
        raise RefusedError("bad-time", "another spelling")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise RefusedError("bad-time", "no such moment") from None


def domain_hash(domain: str, *parts: bytes) -> bytes:
    """SHA-256(domain as ASCII, 0x00, parts one after the other): hashes of one purpose only.

    The parts are not separated; whoever calls it fixes their sizes or puts separators in.
    """
    return hashlib.sha256(domain.encode("ascii") + b"\0" + b"".join(parts)).digest()
