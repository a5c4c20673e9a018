"""Which versions of SQLite a hub may run on (R20). Pure; who writes and checkpoints stands in ``writer``."""

from __future__ import annotations

from typing import Final

from poc.errors import RefusedError

Version = tuple[int, int, int]

VERSION_MIN: Final[Version] = (3, 37, 0)  # STRICT tables
_RESET_FIRST: Final[Version] = (3, 7, 0)
_RESET_LAST: Final[Version] = (3, 51, 2)
_MENDED_SINCE: Final[dict[tuple[int, int], int]] = {(3, 44): 6, (3, 50): 7}


def parse_version(text: str) -> Version:
    """Read ``3.40.1``; a missing last number is 0.

    Raises:
        RefusedError: ``sqlite-too-old``, it is no version at all.
    """
    parts = text.split(".")
    if not 2 <= len(parts) <= 4 or not all(part.isascii() and part.isdigit() for part in parts):
        raise RefusedError("sqlite-too-old", f"cannot read its version {text!r}")
    major, minor, patch = [*map(int, parts), 0][:3]
    return major, minor, patch


def has_wal_reset_bug(version: Version) -> bool:
    """True where two connections that write and checkpoint at once can lose commits (sqlite.org/wal.html)."""
    mended = _MENDED_SINCE.get(version[:2])
    if mended is not None and version[2] >= mended:
        return False
    return _RESET_FIRST <= version <= _RESET_LAST


def check_sqlite_version(version: str) -> str | None:
    """Give the notice to show at start, None where there is nothing to say.

    A version with the WAL-reset bug is allowed only because exactly one of our connections writes and
    checkpoints; the notice says so, and that no other program may write to the file meanwhile.

    Raises:
        RefusedError: ``sqlite-too-old``, it has no STRICT tables.
    """
    number = parse_version(version)
    if number < VERSION_MIN:
        raise RefusedError("sqlite-too-old", f"found {version}")
    if has_wal_reset_bug(number):
        return (
            f"SQLite {version} has the WAL-reset bug: safe here with one writing connection; "
            "let no other program write to the database while this one runs"
        )
    return None
