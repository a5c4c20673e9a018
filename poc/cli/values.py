"""Values as people type them on a command line: moments, durations, ``NAME=VALUE`` pairs.

Each raises ``usage`` naming what was expected. What the values mean is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from poc.core.text import ascii_digits
from poc.errors import UsageError

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhdw]?)")


def moment(text: str) -> datetime:
    """A moment with its offset, such as ``2026-11-24T09:00Z`` or ``…+03:00``; aware UTC, whole seconds."""
    try:
        at = datetime.fromisoformat(ascii_digits(text.strip()))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise UsageError(
            "usage", f"{text[:40]!r} is no moment; write it as 2026-11-24T09:00Z, with its offset"
        )
    return at.astimezone(UTC).replace(microsecond=0)


def duration(text: str) -> timedelta:
    """A span such as ``45s``, ``10m``, ``3h``, ``2d``; a bare number counts seconds."""
    match = _DURATION.fullmatch(ascii_digits(text.strip().lower()))
    if match is None or int(match[1]) == 0:
        raise UsageError("usage", f"{text[:40]!r} is no span; write it as 45s, 10m, 3h or 2d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2] or "s"])


def pairs(values: Iterable[str], what: str) -> dict[str, str]:
    """``NAME=VALUE`` texts as a dictionary; a name given twice is refused."""
    found: dict[str, str] = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not equals or not name or not rest:
            raise UsageError("usage", f"{value[:40]!r}: {what} is expected")
        if name in found:
            raise UsageError("usage", f"{name} is given twice")
        found[name] = rest
    return found


def names(values: Iterable[str]) -> dict[str, str]:
    """``LANG=TEXT`` texts, such as ``en=Jordan`` and ``ar=الأردن``."""
    return pairs(values, "LANG=TEXT")
