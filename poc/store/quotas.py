"""What both drivers decide alike of a quota: whether the last hour is full, and what an envelope holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from poc.errors import RefusedError
from poc.limits import RETRY_AFTER_SECONDS_MAX
from poc.store.base import Quota, StoredMessage, StoredSlot

Held = Literal["envelopes", "blobs"]
MINUTE_SECONDS: Final = 60
HOUR_MINUTES: Final = 60


def minute_of(quota: Quota) -> int:
    """The minute of a quota's time, counted from the start of Unix time."""
    return int(quota.at.timestamp()) // MINUTE_SECONDS


def check_hour(quota: Quota, uses: Sequence[tuple[int, int]]) -> None:
    """Return only if one message more fits; ``uses``: minutes of the last hour and their messages, in order.

    Raises ``quota-reached``, with the seconds until enough of them are older than an hour.
    """
    too_many = sum(messages for _, messages in uses) + 1 - quota.messages_max
    if too_many <= 0:
        return
    seconds = RETRY_AFTER_SECONDS_MAX
    for minute, messages in uses:
        too_many -= messages
        if too_many <= 0:
            seconds = (minute + HOUR_MINUTES) * MINUTE_SECONDS - int(quota.at.timestamp())
            break
    detail = f"{quota.messages_max} an hour for {quota.party}"
    raise RefusedError("quota-reached", detail, retry_after_seconds=seconds)


def check_held(party: str, held_bytes: int, size_bytes: int, bytes_max: int) -> None:
    """Return only if so many bytes more may be held. Raises ``storage-quota``."""
    if held_bytes + size_bytes > bytes_max:
        detail = f"{held_bytes} bytes are held for {party}"
        raise RefusedError("storage-quota", detail, retry_after_seconds=RETRY_AFTER_SECONDS_MAX)


def envelope_bytes(message: StoredMessage, slots: Iterable[StoredSlot]) -> int:
    """What an envelope holds on disk, as 0007_quotas.sql counts it too."""
    texts = (message.protected, message.iv, message.ciphertext, message.tag)
    return sum(map(len, texts)) + sum(len(slot.data) for slot in slots)


def too_many_proposals(opener: str, count: int) -> RefusedError:
    """What a State or body is refused with that has as many proposals open as it may."""
    detail = f"{count} of {opener} are open"
    return RefusedError("too-many-proposals", detail, retry_after_seconds=RETRY_AFTER_SECONDS_MAX)
