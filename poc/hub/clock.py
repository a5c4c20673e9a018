"""The hub's clock, and the guard against one that jumped. Nothing else in the hub asks for the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from poc.errors import UnreachableError
from poc.limits import CLOCK_AHEAD_SECONDS_MAX, CLOCK_STEP_SECONDS_MAX

Clock: TypeAlias = Callable[[], datetime]
_JUMP_MAX: Final = timedelta(days=7)


def _since_boot() -> float:
    """Seconds of this machine, asleep or not."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SteadyClock:
    """The machine's time while it goes on evenly, UTC, at whole seconds; it never goes back.

    A step of more than ``CLOCK_STEP_SECONDS_MAX`` is not followed: the time that passed is counted on, so
    that a clock set wrong makes no deadline fire early or late. ``confirm`` takes the step over once
    somebody else's clock agrees; else a new start does.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        passed: Callable[[], float] = _since_boot,
    ) -> None:
        """``wall`` gives Unix time, ``passed`` seconds from any fixed moment; both keep no state here."""
        self._wall = wall
        self._passed = passed
        self._base, self._mark = wall(), passed()

    def __call__(self) -> datetime:
        """The time."""
        wall, passed = self._wall(), self._passed()
        steady = self._base + max(passed - self._mark, 0)
        if abs(wall - steady) <= CLOCK_STEP_SECONDS_MAX:
            steady = max(wall, self._base)
        self._base, self._mark = steady, passed
        return datetime.fromtimestamp(int(steady), UTC)

    @property
    def step_seconds(self) -> int:
        """How far the machine's clock is from this one, if that is too far to follow; else 0."""
        self()
        step = self._wall() - self._base
        return int(step) if abs(step) > CLOCK_STEP_SECONDS_MAX else 0

    def confirm(self, at: datetime) -> None:
        """Follow the machine's clock again if it agrees with ``at``, a fresh time by other clocks."""
        wall = self._wall()
        if self.step_seconds and abs(wall - at.timestamp()) <= CLOCK_AHEAD_SECONDS_MAX:
            self._base, self._mark = wall, self._passed()


def check_jump(newest_at: datetime, now: datetime, *, confirmed: bool) -> None:
    """Return only if the log may go on at ``now``. Raises ``clock-jumped`` (DESIGN section 4)."""
    if now - newest_at > _JUMP_MAX and not confirmed:
        raise UnreachableError("clock-jumped", f"{(now - newest_at).days} days; see --clock-confirmed")
