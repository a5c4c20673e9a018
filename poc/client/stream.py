"""The stream of an inbox as a desk reads it: each event is a number, and nothing in it is believed further.

What came is fetched and verified by a sync. HTTP stands in ``api``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from poc.client.api import HubClient
from poc.client.feeds import is_number
from poc.core.strictjson import parse
from poc.errors import RefusedError
from poc.limits import STREAM_SILENCE_SECONDS_MAX

_DATA: Final = b"data:"


async def inbox_numbers(hub: HubClient, after: int) -> AsyncIterator[int | None]:
    """The numbers this device's inbox grows to; ``None`` is a sign of life. Ends where the hub ends it.

    Raises ``hub-unreachable`` (also after ``STREAM_SILENCE_SECONDS_MAX`` without a sign of life), what the
    hub refuses it for, ``bad-answer-from-hub``.
    """
    async for line in hub.lines(f"/v1/inbox/stream?after={after}", STREAM_SILENCE_SECONDS_MAX):
        if line.startswith(_DATA):
            yield _newest(line.removeprefix(_DATA).strip())
        elif line.startswith(b":"):
            yield None


def _newest(data: bytes) -> int:
    try:
        value: Any = parse(data)
    except RefusedError as error:
        raise RefusedError("bad-answer-from-hub", error.detail) from None
    newest = value.get("newest") if isinstance(value, dict) else None
    if not is_number(newest):
        raise RefusedError("bad-answer-from-hub", "an event without its number")
    return newest
