"""Quotas of the memory driver: the same promises as ``sqlite_quotas`` keeps, in dictionaries."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from poc.store.base import Quota
from poc.store.quotas import HOUR_MINUTES, MINUTE_SECONDS, check_held, check_hour, minute_of


class MemoryQuotas:
    """What each State or body sent in each minute, and what is held for it."""

    def __init__(self) -> None:
        self._uses: Counter[tuple[str, int]] = Counter()
        self._held: Counter[str] = Counter()
        self._of_message: dict[str, tuple[str, int]] = {}

    def take(self, quota: Quota, message_id: str, size_bytes: int) -> None:
        """Count one message that holds so many bytes. Raises ``quota-reached``, ``storage-quota``."""
        newest = minute_of(quota)
        uses = sorted(
            (minute, messages)
            for (party, minute), messages in self._uses.items()
            if party == quota.party and newest - HOUR_MINUTES < minute <= newest
        )
        check_hour(quota, uses)
        check_held(quota.party, self._held[quota.party], size_bytes, quota.bytes_max)
        self._uses[quota.party, newest] += 1
        self._held[quota.party] += size_bytes
        self._of_message[message_id] = quota.party, size_bytes

    def let_go(self, message_id: str) -> None:
        """Count what a message holds as held no more; one that was not counted changes nothing."""
        party, size_bytes = self._of_message.pop(message_id, ("", 0))
        self._held[party] -= size_bytes

    def forget(self, before: datetime) -> int:
        """See ``Store.forget_uses``."""
        ends = int(before.timestamp()) // MINUTE_SECONDS
        old = [key for key in self._uses if key[1] < ends]
        for key in old:
            del self._uses[key]
        return len(old)
