"""Alarms raised at a home, messages given to its hook, tests answered: what ``trust.db`` holds for programs.

No content and no name stands in a column. Mixed into ``Trust``. What raises and ends an alarm is decided in
``alarms``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

AlarmKind = Literal["message", "hub", "log"]
AlarmEnd = Literal["looked", "silenced", "answered", "expired", "over"]
AWAITING: Final = "('received', 'retrieved')"
"""States of a verified message that nobody here has answered."""

ALARMS: Final = """
CREATE TABLE alarm (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, inbox INTEGER,
  message TEXT, status TEXT NOT NULL, precedence TEXT NOT NULL, raised_at TEXT NOT NULL, until TEXT,
  rung INTEGER NOT NULL DEFAULT 0, rung_at TEXT, ended_at TEXT, ended_by TEXT, over_at TEXT) STRICT;
CREATE UNIQUE INDEX alarm_of_message ON alarm (inbox) WHERE kind = 'message';
CREATE UNIQUE INDEX alarm_of_fault ON alarm (kind) WHERE kind <> 'message' AND over_at IS NULL;
CREATE INDEX alarm_open ON alarm (number) WHERE ended_at IS NULL;
CREATE TABLE hooked (inbox INTEGER PRIMARY KEY) STRICT;
CREATE TABLE echoed (inbox INTEGER PRIMARY KEY, sender TEXT NOT NULL, at TEXT NOT NULL,
  replied INTEGER NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. ``message`` is null where it is about the hub or the log; ``rung`` counts the rings."""

    number: int
    kind: str
    message: str | None
    status: str
    precedence: str
    raised_at: str
    until: str | None
    rung: int
    rung_at: str | None
    ended_at: str | None
    ended_by: str | None


_COLUMNS: Final = (
    "number, kind, message, status, precedence, raised_at, until, rung, rung_at, ended_at, ended_by"
)


class AlarmTable:
    """What is asked of these tables; ``Trust`` has the two members."""

    _rows: Callable[..., list[tuple[Any, ...]]]
    _write: Callable[[str, Sequence[Any]], int]

    def unalarmed(self) -> list[tuple[int, str, bytes, str]]:
        """The verified and unanswered messages no alarm was raised for: number, id, item, arrived_at."""
        sql = (
            f"SELECT number, message, item, arrived_at FROM inbox WHERE state IN {AWAITING} "  # noqa: S608
            "AND number NOT IN (SELECT inbox FROM alarm WHERE kind = 'message') ORDER BY number"
        )
        return [(row[0], row[1], row[2], row[3]) for row in self._rows(sql)]

    def put_message_alarm(
        self, inbox: int, message: str, status: str, precedence: str, raised_at: str, until: str
    ) -> bool:
        """Raise the alarm of a message; false if it was raised before, however it ended."""
        sql = (
            "INSERT OR IGNORE INTO alarm (kind, inbox, message, status, precedence, raised_at, until) "
            "VALUES ('message', ?, ?, ?, ?, ?, ?)"
        )
        return self._write(sql, (inbox, message, status, precedence, raised_at, until)) == 1

    def put_fault_alarm(self, kind: AlarmKind, at: str) -> bool:
        """Raise an alarm about the hub or the log; false while what it is about lasts, silenced or not."""
        sql = (
            "INSERT OR IGNORE INTO alarm (kind, status, precedence, raised_at) "
            "VALUES (?, 'none', 'immediate', ?)"
        )
        return self._write(sql, (kind, at)) == 1

    def end_fault_alarm(self, kind: AlarmKind, at: str) -> bool:
        """What an alarm was about is over: the next is a new one. True if one was open or silenced."""
        sql = (
            "UPDATE alarm SET over_at = ?1, ended_by = coalesce(ended_by, 'over'), "
            "ended_at = coalesce(ended_at, ?1) WHERE kind = ?2 AND over_at IS NULL"
        )
        return self._write(sql, (at, kind)) == 1

    def open_alarms(self) -> list[Alarm]:
        """The alarms that ring, in the order they were raised."""
        sql = f"SELECT {_COLUMNS} FROM alarm WHERE ended_at IS NULL ORDER BY number"  # noqa: S608
        return [Alarm(*row) for row in self._rows(sql)]

    def note_ring(self, numbers: Sequence[int], at: str) -> None:
        """These rang once more."""
        for number in numbers:
            self._write("UPDATE alarm SET rung = rung + 1, rung_at = ? WHERE number = ?", (at, number))

    def end_alarms(self, by: AlarmEnd, at: str, messages: Sequence[str] | None = None) -> int:
        """End the open alarms of these messages, of all messages, or with ``silenced`` every one."""
        sql = "UPDATE alarm SET ended_at = ?, ended_by = ? WHERE ended_at IS NULL"
        if messages is not None:
            marks = ", ".join("?" * len(messages))
            return self._write(f"{sql} AND message IN ({marks})", (at, by, *messages))
        return self._write(sql if by == "silenced" else f"{sql} AND kind = 'message'", (at, by))

    def end_answered_alarms(self, at: str) -> int:
        """End the alarms of messages that this home itself has answered."""
        sql = (
            "UPDATE alarm SET ended_at = ?, ended_by = 'answered' WHERE ended_at IS NULL AND inbox IN "
            "(SELECT number FROM inbox WHERE state IN ('acknowledged', 'declined'))"
        )
        return self._write(sql, (at,))

    def end_expired_alarms(self, at: str) -> int:
        """End the alarms of messages that have expired. Times of this form sort as text."""
        sql = "UPDATE alarm SET ended_at = ?1, ended_by = 'expired' WHERE ended_at IS NULL AND until <= ?1"
        return self._write(sql, (at,))

    # --- the hook ---

    def pass_over_hooks(self) -> None:
        """Count every message that is here as handed to the hook."""
        self._write("INSERT OR IGNORE INTO hooked SELECT number FROM inbox", ())

    def unhooked(self) -> list[int]:
        """The verified messages of others that the hook was not run for, oldest first."""
        hooked = {row[0] for row in self._rows("SELECT inbox FROM hooked")}
        return [number for number in self.verified_numbers() if number not in hooked]

    def verified_numbers(self) -> list[int]:
        """The numbers of the verified messages of others, oldest first."""
        sql = (
            "SELECT number FROM inbox WHERE state NOT IN ('new', 'not-verified', 'refused', 'own') "
            "ORDER BY number"
        )
        return [row[0] for row in self._rows(sql)]

    def put_hooked(self, inbox: int) -> None:
        """The hook was run for this message."""
        self._write("INSERT OR IGNORE INTO hooked VALUES (?)", (inbox,))

    # --- the echo ---

    def unechoed(self) -> list[int]:
        """The verified messages that the echo has not dealt with, oldest first."""
        sql = (
            "SELECT number FROM inbox WHERE state IN ('received', 'retrieved', 'acknowledged') "
            "AND number NOT IN (SELECT inbox FROM echoed) ORDER BY number"
        )
        return [row[0] for row in self._rows(sql)]

    def put_echoed(self, inbox: int, sender: str, at: str, *, replied: bool) -> None:
        """The echo has dealt with this message."""
        self._write("INSERT OR IGNORE INTO echoed VALUES (?, ?, ?, ?)", (inbox, sender, at, int(replied)))

    def echoes_since(self, sender: str, at: str) -> int:
        """How many replies of the echo a sender got since then."""
        sql = "SELECT count(*) FROM echoed WHERE sender = ? AND at > ? AND replied = 1"
        return int(self._rows(sql, (sender, at))[0][0])
