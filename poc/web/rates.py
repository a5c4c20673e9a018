"""How fast one key or address may ask: token buckets by kind of request, taken before what is costly.

A signed request is paid for by its key, and by nobody else: what a stranger names as key in a header costs
that key nothing. An address pays for what no key pays for: unsigned requests, and those whose signature
does not verify. So no bucket is shared by strangers, but by those behind one address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from poc import limits
from poc.errors import RefusedError
from poc.hub.buckets import Buckets, Rate
from poc.hub.metrics import Metrics

Kind = Literal["reading", "statements", "messages", "blobs", "unsigned", "submit", "unproved"]
RATES: Final[Mapping[Kind, Rate]] = {
    "reading": Rate(limits.RATE_READING_BURST, limits.RATE_READING_PER_SECOND),
    "statements": Rate(limits.RATE_STATEMENTS_BURST, limits.RATE_STATEMENTS_PER_SECOND),
    "messages": Rate(limits.RATE_MESSAGES_BURST, limits.RATE_MESSAGES_PER_SECOND),
    "blobs": Rate(limits.RATE_BLOBS_BURST, limits.RATE_BLOBS_PER_SECOND),
    "unsigned": Rate(limits.RATE_UNSIGNED_BURST, limits.RATE_UNSIGNED_PER_SECOND),
    "submit": Rate(limits.RATE_SUBMIT_BURST, limits.RATE_SUBMIT_PER_SECOND),
    "unproved": Rate(limits.RATE_UNPROVED_BURST, limits.RATE_UNPROVED_PER_SECOND),
}


class Rates:
    """Every bucket of a hub. ``clock`` never goes back."""

    def __init__(
        self, metrics: Metrics, clock: Callable[[], float], rates: Mapping[Kind, Rate] = RATES
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._buckets = {kind: Buckets(rate) for kind, rate in rates.items()}

    def take(self, kind: Kind, name: str) -> None:
        """Let a key or address pay for one request. Raises ``rate-limited``."""
        self._refuse(kind, self._buckets[kind].take(name, self._clock()))

    def check(self, kind: Kind, name: str) -> None:
        """Refuse what ``take`` would refuse, and take nothing. Raises ``rate-limited``."""
        self._refuse(kind, self._buckets[kind].wait(name, self._clock()))

    def give_back(self, kind: Kind, name: str) -> None:
        """Undo one ``take``."""
        self._buckets[kind].give_back(name, self._clock())

    def _refuse(self, kind: Kind, seconds: int) -> None:
        if seconds:
            self._metrics.refuse("rate-limited", kind)
            raise RefusedError("rate-limited", retry_after_seconds=seconds)
