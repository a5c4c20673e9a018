"""What the hub asked to come again later with, and when: a 429 is never the end of what is sent.

A hub is believed for an hour at most. What is actual, and what is of precedence flash, is tried at every
sync all the same: it has a share of the quota that the rest does not.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from poc.client.trust import OutboxRow
from poc.core.quota import claimed_lane
from poc.core.strictjson import format_time, parse, parse_time
from poc.errors import PocError, RefusedError
from poc.limits import RETRY_AFTER_SECONDS_MAX

_AGAIN_AT = "again_at"


def retry_seconds(error: RefusedError) -> int | None:
    """How long a hub asks to wait, within bounds; ``None`` if it does not ask."""
    seconds: Any = error.data.get("retry_after_seconds")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 1:
        return None
    return min(seconds, RETRY_AFTER_SECONDS_MAX)


class Waiting:
    """What of one round of sending waits. ``again_at`` is when the first of it goes on."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._until: dict[str, datetime] = {}
        self.again_at: datetime | None = None

    def until(self, row: OutboxRow) -> datetime | None:
        """Until when a row is not sent, ``None`` if it is sent now."""
        lane = _lane(row)
        if lane in {"actual", "practice-flash"}:
            return None
        kept = _kept(row)
        if kept is not None and self._now < kept <= self._now + timedelta(seconds=RETRY_AFTER_SECONDS_MAX):
            self._wait(lane, kept)
        return self._until.get(lane)

    def note(self, row: OutboxRow, seconds: int) -> dict[str, str]:
        """Note that the hub refused a row for so long: what is kept of that with the row."""
        again_at = self._now + timedelta(seconds=seconds)
        self._wait(_lane(row), again_at)
        return {_AGAIN_AT: format_time(again_at)}

    def _wait(self, lane: str, again_at: datetime) -> None:
        self._until[lane] = max(again_at, self._until.get(lane, again_at))
        self.again_at = min(again_at, self.again_at or again_at)


def _lane(row: OutboxRow) -> str:
    """What waits together: messages of one lane; all else by its kind."""
    return (claimed_lane(row.body) or "actual") if row.kind == "message" else row.kind


def _kept(row: OutboxRow) -> datetime | None:
    if row.answer is None:
        return None
    try:
        value: Any = parse(row.answer)
        return parse_time(value[_AGAIN_AT])
    except (PocError, KeyError, TypeError):
        return None
