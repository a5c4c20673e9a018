"""Who goes first: exercise and test messages wait their turn, actual ones do not (R31).

Each lane of practice has few places in which messages are worked on, a short queue for each State, and a
rate for all of them together, so that the hub always has time and disk left for what is actual. The lane is
read from the envelope before anything costly is done with it; what then proves to be no envelope is refused
whatever it said. Not here: the quota of a State's hour, which the store counts with the message itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Final, get_args

from poc.core.form import Status
from poc.core.message import EnvelopeHeader, Precedence
from poc.core.quota import Lane, claimed_lane, lane_of
from poc.errors import RefusedError
from poc.hub.buckets import Buckets, Rate
from poc.hub.metrics import Metrics
from poc.limits import PRACTICE_AT_ONCE_MAX, PRACTICE_BURST, PRACTICE_PER_SECOND, PRACTICE_WAITING_MAX

_FULL_SECONDS_MAX: Final = 60  # how long a full hour is believed to be full without asking the store again


class Intake:
    """The turn of messages. ``clock`` never goes back; ``now`` is the time of day."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float]) -> None:
        self.metrics = metrics
        self._clock = clock
        self._rate = Buckets(Rate(PRACTICE_BURST, PRACTICE_PER_SECOND))
        lanes = get_args(Lane)
        self._places = {lane: asyncio.Semaphore(PRACTICE_AT_ONCE_MAX) for lane in lanes}
        self._in_lane: Counter[tuple[Lane, str]] = Counter()
        self._full: dict[tuple[str, Status, Precedence], tuple[datetime, datetime]] = {}

    @contextlib.asynccontextmanager
    async def turn(self, state: str, body: bytes) -> AsyncIterator[None]:
        """Hold a place while the message of ``body`` is worked on.

        Raises ``too-many-requests`` (``retry_after_seconds``) where too many of this State wait already.
        """
        lane = claimed_lane(body)
        if lane is None:
            yield
            return
        if self._in_lane[lane, state] >= PRACTICE_WAITING_MAX:
            raise self._refused("too-many-requests", lane, 1)
        self._in_lane[lane, state] += 1
        try:
            async with self._places[lane]:
                yield
        finally:
            self._in_lane[lane, state] -= 1

    def check_new(self, header: EnvelopeHeader, now: datetime) -> None:
        """Return only if a message that was not taken before may be tried now; call it once for each.

        Raises ``quota-reached`` where the store said a moment ago that the hour of its sender is full for
        these: that costs others nothing. Raises ``rate-limited`` where all States together send too much
        practice. Both with ``retry_after_seconds``.
        """
        key = header.sender.contact, header.status, header.precedence
        lane = lane_of(header.status, header.precedence)
        believed_until, again_at = self._full.get(key, (now, now))
        if now < believed_until <= now + timedelta(seconds=_FULL_SECONDS_MAX):
            raise self._refused("quota-reached", lane, int((again_at - now).total_seconds()))
        self._full.pop(key, None)
        seconds = self._rate.take(lane, self._clock()) if lane is not None else 0
        if seconds:
            raise self._refused("rate-limited", lane, seconds)

    def note_full(self, header: EnvelopeHeader, now: datetime, error: RefusedError) -> None:
        """Count what the store refused for a quota; that an hour is full is remembered for a moment."""
        seconds = error.data.get("retry_after_seconds")
        if error.code == "quota-reached" and isinstance(seconds, int):
            believed_until = now + timedelta(seconds=min(seconds, _FULL_SECONDS_MAX))
            key = header.sender.contact, header.status, header.precedence
            self._full[key] = believed_until, now + timedelta(seconds=seconds)
        self.metrics.refuse(error.code, lane_of(header.status, header.precedence) or "actual")

    def _refused(self, code: str, lane: Lane | None, seconds: int) -> RefusedError:
        self.metrics.refuse(code, lane or "actual")
        return RefusedError(code, retry_after_seconds=seconds)
