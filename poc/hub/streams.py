"""What an inbox stream tells: the number its device's inbox has grown to, and nothing of what came.

Messages are fetched by ``GET /v1/inbox`` alone, so that one path delivers them. How it is written on the
wire is the web's; who is woken when, ``notify``'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from poc.core.judge import check_not_frozen
from poc.errors import RefusedError
from poc.hub.caller import Caller, caller_of, sealing_kids
from poc.hub.log import Log
from poc.hub.notify import Listener, Wakes
from poc.limits import STREAM_HEARTBEAT_SECONDS, STREAM_SECONDS_MAX
from poc.store.base import Store


class Streams:
    """The open streams of inboxes."""

    def __init__(self, store: Store, log: Log, wakes: Wakes) -> None:
        self._store = store
        self._log = log
        self._wakes = wakes

    def open(self, caller: Caller, is_gone: Callable[[], bool]) -> Listener:
        """A place for a stream; :meth:`close` gives it back.

        Raises ``contact-frozen`` (nothing comes for it), ``too-many-streams``, ``streams-full``.
        """
        self._check(caller)
        return self._wakes.listen((caller.holder, caller.device), is_gone)

    def close(self, listener: Listener) -> None:
        """Give a place back."""
        self._wakes.leave(listener)

    async def numbers(self, caller: Caller, listener: Listener, after: int) -> AsyncIterator[int | None]:
        """The newest number of the inbox whenever it has grown beyond ``after``; ``None`` is a sign of life.

        Ends with the caller's key, where its contact is frozen, when the hub stops, and after
        ``STREAM_SECONDS_MAX``: the reader then comes back with a new signature. However long a reader takes
        for one number, the next is only the newest of what came meanwhile.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + STREAM_SECONDS_MAX
        yield None
        while not listener.has_ended and self._may_go_on(caller):
            if listener.has_news:
                listener.has_news = False
                kids = sealing_kids(self._log.view.directory, caller)
                newest = await self._store.read_newest_arrival(kids)
                if newest > after:
                    after = newest
                    yield newest
                    continue
            left = until - clock()
            if left <= 0:
                return
            if not await listener.wait(min(STREAM_HEARTBEAT_SECONDS, left)):
                yield None

    def _may_go_on(self, caller: Caller) -> bool:
        try:
            self._check(caller)
        except RefusedError:
            return False
        return True

    def _check(self, caller: Caller) -> None:
        directory = self._log.view.directory
        caller_of(directory, caller.kid)
        check_not_frozen(directory.contacts.get(caller.holder), directory.size)
