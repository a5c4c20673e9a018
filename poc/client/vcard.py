"""vCard 4.0 (RFC 6350) and jCard (RFC 7095) out of one list of properties.

Escaping, folding and the forms of values are here, and nothing about contacts: which properties an office
has is said in ``addressbook``. A writer of our own, because the rules that matter are on this page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote

LINE_BYTES_MAX: Final = 75  # of a content line without its line break, RFC 6350 3.2

# Whatever else is a control character has no place in a content line, and no escape.
_CONTROLS: Final[dict[int, str | None]] = dict.fromkeys((*range(0x20), 0x7F), None)
_TEXT_ESCAPES: Final = {**_CONTROLS, 0x5C: "\\\\", 0x0A: "\\n", 0x2C: "\\,", 0x3B: "\\;"}
_CARET_ESCAPES: Final = {**_CONTROLS, 0x5E: "^^", 0x0A: "^n", 0x22: "^'"}
_URI_SIGNS: Final = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class Property:
    """One property. A sequence as value is a structured one, such as ORG; ``group`` ties lines together.

    A timestamp is given as jCard writes it, ``2026-11-24T08:00:00Z``.
    """

    name: str
    value: str | Sequence[str]
    params: Mapping[str, str] = field(default_factory=dict)
    type: Literal["text", "uri", "language-tag", "timestamp"] = "text"
    group: str | None = None


def vcard(properties: Iterable[Property]) -> bytes:
    """One vCard: UTF-8, lines ended by CRLF and folded at 75 bytes without splitting a character."""
    lines = ["BEGIN:VCARD", "VERSION:4.0", *map(_line, properties), "END:VCARD"]
    return b"".join(fold(line) for line in lines)


def _line(shown: Property) -> str:
    group = "" if shown.group is None else f"{shown.group}."
    params = "".join(f";{name.upper()}={_param(value)}" for name, value in shown.params.items())
    return f"{group}{shown.name.upper()}{params}:{_value(shown)}"


def _value(shown: Property) -> str:
    """A text is escaped, each component of a structured one too; a URI's commas stand (RFC 6350 4.2)."""
    if isinstance(shown.value, str):
        if shown.type == "uri":
            return _uri(shown.value)
        if shown.type == "timestamp":
            return shown.value.replace("-", "").replace(":", "")
        return shown.value.translate(_TEXT_ESCAPES)
    return ";".join(component.translate(_TEXT_ESCAPES) for component in shown.value)


def _uri(value: str) -> str:
    """What is in no URI (RFC 3986 2) as percent signs: a space, a quote, anything beyond ASCII."""
    return quote(value, safe=_URI_SIGNS)


def _param(value: str) -> str:
    """A parameter's value: quoted where it must be, carets for what no quoting allows (RFC 6868)."""
    safe = value.translate(_CARET_ESCAPES)
    return f'"{safe}"' if any(sign in safe for sign in ",;:") else safe


def fold(line: str) -> bytes:
    """A content line in physical lines of at most 75 bytes; each but the first begins with a space."""
    rows: list[bytes] = []
    row = b""
    for sign in line:
        data = sign.encode()
        if len(row) + len(data) > LINE_BYTES_MAX:
            rows.append(row)
            row = b" "
        row += data
    return b"\r\n".join((*rows, row)) + b"\r\n"


def jcard(properties: Iterable[Property]) -> list[Any]:
    """One jCard as a JSON value."""
    rows: list[Any] = [["version", {}, "text", "4.0"]]
    for shown in properties:
        params = {name.lower(): value for name, value in shown.params.items()}
        if shown.group is not None:
            params["group"] = shown.group
        value = shown.value if isinstance(shown.value, str) else list(shown.value)
        if isinstance(value, str) and shown.type == "uri":
            value = _uri(value)
        rows.append([shown.name.lower(), params, shown.type, value])
    return ["vcard", rows]


def jcards(cards: Iterable[Iterable[Property]]) -> bytes:
    """A JSON array of jCards, for people to read too."""
    return json.dumps([jcard(card) for card in cards], ensure_ascii=False, indent=1).encode() + b"\n"
