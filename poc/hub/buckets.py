"""Token buckets: so many at once, then so many a second, for each name apart. In memory, by a steady clock.

A name nobody has used for a while is forgotten: its bucket would be full again.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

from poc.limits import RATE_BUCKETS_MAX


@dataclass(frozen=True, slots=True)
class Rate:
    """What one bucket allows."""

    burst: int
    per_second: float

    @property
    def full_seconds(self) -> float:
        """How long an empty bucket takes to be full again."""
        return self.burst / self.per_second


class Buckets:
    """One bucket for each name, all of one rate. ``now`` is of a clock that never goes back."""

    def __init__(self, rate: Rate, names_max: int = RATE_BUCKETS_MAX) -> None:
        self._rate = rate
        self._names_max = names_max
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def take(self, name: str, now: float) -> int:
        """Take one token: 0. Where there is none, the seconds until there is one, at least 1."""
        left = self._level(name, now)
        self._left[name] = (left - 1 if left >= 1 else left, now)
        self._left.move_to_end(name)
        self._forget(now)
        return self._wait(left)

    def wait(self, name: str, now: float) -> int:
        """The seconds until ``take`` would succeed, 0 if it would now. Takes nothing."""
        return self._wait(self._level(name, now))

    def give_back(self, name: str, now: float) -> None:
        """Undo one ``take`` of this name."""
        if name in self._left:
            self._left[name] = (min(self._rate.burst, self._level(name, now) + 1), now)

    def _level(self, name: str, now: float) -> float:
        left, at = self._left.get(name, (self._rate.burst, now))
        return min(self._rate.burst, left + (now - at) * self._rate.per_second)

    def _wait(self, left: float) -> int:
        return 0 if left >= 1 else max(1, math.ceil((1 - left) / self._rate.per_second))

    def _forget(self, now: float) -> None:
        """Forget the longest unseen: two where their buckets are full again, and whatever is too many."""
        for _ in range(2):
            name, (_, at) = next(iter(self._left.items()))
            if now - at <= self._rate.full_seconds and len(self._left) <= self._names_max:
                return
            del self._left[name]
