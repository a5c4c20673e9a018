"""Words of the command line as values: times, durations, LANG=TEXT pairs, texts from files, ids cut short.

Each reader raises what argparse turns into a usage error, so that a word that cannot be read is never
guessed at. Whether a value is allowed where it is used is decided in core.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from poc.cli.context import read_given
from poc.cli.output import warn
from poc.core.text import ascii_digits
from poc.errors import RefusedError, UsageError

TEXT_FILE_BYTES_MAX: Final = 128 * 1024
DURATION_SECONDS_MAX: Final = 366 * 86_400
ID_PART_CHARS_MIN: Final = 4

_DURATION: Final = re.compile(r"([0-9]{1,9}) ?(s|m|min|h|d)?")
_UNIT_SECONDS: Final = {None: 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:?[0-9]{2})"
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def confirm(word: str, why: str) -> None:
    """Return only if a person types the word after being told why. Raises ``not-confirmed``.

    Where nobody can be asked, nothing is taken for granted.
    """
    warn(why)
    if not sys.stdin.isatty():
        raise UsageError("not-confirmed", f"{why}; --yes confirms it")
    warn(f"Type {word} to go on:")
    if sys.stdin.readline().strip() != word:
        raise UsageError("not-confirmed")


def duration(text: str) -> int:
    """Seconds of ``10m``, ``3h``, ``2d``, ``90s`` or ``90``; digits of any script."""
    found = _DURATION.fullmatch(ascii_digits(text.strip().lower()))
    seconds = 0 if found is None else int(found[1]) * _UNIT_SECONDS[found[2]]
    if not 0 < seconds <= DURATION_SECONDS_MAX:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no duration such as 90s, 10m, 3h or 2d")
    return seconds


def size(text: str) -> int:
    """A count of entries, digits of any script."""
    wanted = ascii_digits(text.strip())
    if not re.fullmatch(r"[0-9]{1,15}", wanted):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of entries")
    return int(wanted)


def moment(text: str) -> datetime:
    """The UTC moment of a time with its zone: ``2026-11-24T09:00Z``, ``2026-11-24 12:00:30+03:00``.

    A time without a zone is refused: the reader's zone is not the other office's.
    """
    found = _TIME.fullmatch(ascii_digits(text.strip().upper()))
    try:
        return datetime.fromisoformat("" if found is None else found[0]).astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is no time with its zone such as 2026-11-24T09:00Z or 2026-11-24T12:00+03:00"
        ) from None


def end(text: str) -> datetime | timedelta:
    """When something ends: a time with its zone, a duration from now, or a day for its first second, UTC."""
    wanted = ascii_digits(text.strip())
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", wanted):
        return moment(f"{wanted}T00:00Z")
    for read in (moment, lambda given: timedelta(seconds=duration(given))):
        with contextlib.suppress(argparse.ArgumentTypeError):
            return read(text)
    raise argparse.ArgumentTypeError(
        f"{text[:40]!r} is no end such as 2026-12-01, 2026-12-01T09:00Z, 12h or 14d"
    )


def day_or_moment(text: str) -> datetime:
    """A time with its zone, or a day, which stands for its last second in UTC."""
    given = ascii_digits(text.strip())
    return moment(f"{given}T23:59:59Z" if _DAY.fullmatch(given) else text)


def pair(text: str) -> tuple[str, str]:
    """The two sides of ``LANG=TEXT``."""
    language, equals, value = text.partition("=")
    if not equals or not _LANGUAGE.fullmatch(language) or not value:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not LANG=TEXT such as en=Notice")
    return language, plain_text(value)


def assigned(text: str) -> tuple[str, str]:
    """The two sides of ``NAME=VALUE``; the name may be a label in any language."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not NAME=VALUE such as sector=energy")
    return plain_text(name), plain_text(value)


def check_names(fields: Iterable[str]) -> None:
    """Refuse names that a form cannot hold. Raises ``usage``."""
    for name in fields:
        if not _FIELD.fullmatch(name):
            raise UsageError("usage", f"{name[:40]!r} is no name of a field such as sector")


def pairs(given: Iterable[tuple[str, str]], what: str) -> dict[str, str]:
    """The pairs as a table. Raises ``bad-form`` when a name is given twice: neither is dropped silently."""
    found: dict[str, str] = {}
    for name, value in given:
        if name in found:
            raise RefusedError("bad-form", f"{what} {name} is given twice")
        found[name] = value
    return found


def plain_text(text: str) -> str:
    """A text as forms hold it: NFC, line breaks as U+000A, nothing else changed."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n"))


def read_text(path: Path) -> str:
    """The text of a file, or of standard input for ``-``.

    Raises ``no-such-file``, ``too-large``, ``not-text``.
    """
    data = read_given(path, TEXT_FILE_BYTES_MAX)
    try:
        return plain_text(data.decode("utf-8-sig")).rstrip("\n")
    except UnicodeDecodeError as error:
        raise RefusedError("not-text", f"{path}: byte {error.start + 1}") from None


def find_id(part: str, ids: Iterable[str]) -> str:
    """The one message id that is, begins with or ends with ``part``.

    Raises:
        RefusedError: ``unknown-message``; ``ambiguous-id`` with the candidates.
    """
    known = sorted(set(ids))
    wanted = part.strip().lower().lstrip("…")
    if wanted in known:
        return wanted
    found = [name for name in known if name.startswith(wanted) or name.endswith(wanted)]
    if not found or len(wanted) < ID_PART_CHARS_MIN:
        raise RefusedError("unknown-message", part[:64])
    if len(found) > 1:
        raise RefusedError("ambiguous-id", f"{len(found)} messages fit {part[:64]}", candidates=found[:10])
    return found[0]
