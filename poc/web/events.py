"""Server-Sent Events (WHATWG HTML 9.2) of an inbox: a number is id and data, a sign of life a comment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

_BEGIN: Final = b"retry: 5000\n: alive\n\n"
_ALIVE: Final = b": alive\n\n"


async def events(numbers: AsyncIterator[int | None]) -> AsyncIterator[bytes]:
    """The bytes of each event; the first also says how long a reader waits before it comes back."""
    alive = _BEGIN
    async for number in numbers:
        if number is None:
            yield alive
        else:
            yield b'id: %d\nevent: inbox\ndata: {"newest": %d}\n\n' % (number, number)
        alive = _ALIVE
