"""Who waits for something new: open streams, woken by whoever has news, without asking the disk for it.

Knows devices and nothing of messages. What a stream tells stands in ``streams``; whoever puts something
into an inbox calls :meth:`Wakes.wake` afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeAlias

from poc.errors import RefusedError, UnreachableError
from poc.limits import STREAM_RETRY_SECONDS, STREAMS_MAX, STREAMS_PER_DEVICE_MAX

Device: TypeAlias = tuple[str, int | None]
"""A holder and the number of one of its devices."""


class Listener:
    """One open stream. ``has_news``: its inbox may have grown; ``has_ended``: nothing more is to be told."""

    def __init__(self, device: Device, is_gone: Callable[[], bool]) -> None:
        self.device = device
        self.is_gone = is_gone
        self.has_news = True  # what came before it listened is news too
        self.has_ended = False
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Let it look again."""
        self._woken.set()

    async def wait(self, seconds: float) -> bool:
        """Whether it was woken within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True


class Wakes:
    """The listeners of this process. ``device_of`` names the device of a sealing key, ``None`` for no key."""

    def __init__(self, device_of: Callable[[str], Device | None]) -> None:
        self._device_of = device_of
        self._listeners: dict[Device, set[Listener]] = {}
        self._count = 0
        self._is_closed = False

    @property
    def count(self) -> int:
        """How many listen."""
        return self._count

    def listen(self, device: Device, is_gone: Callable[[], bool]) -> Listener:
        """Begin to listen; :meth:`leave` ends it. ``is_gone`` says whether its reader has hung up.

        Raises:
            RefusedError: ``too-many-streams`` of this device, with ``retry_after_seconds``.
            UnreachableError: ``streams-full``, the like for the whole hub.
        """
        own = self._listeners.get(device, set())
        if len(own) >= STREAMS_PER_DEVICE_MAX:
            self._drop_gone(own)
        if len(own) >= STREAMS_PER_DEVICE_MAX:
            raise RefusedError("too-many-streams", retry_after_seconds=STREAM_RETRY_SECONDS)
        if self._count >= STREAMS_MAX:
            for others in list(self._listeners.values()):
                self._drop_gone(others)
        if self._count >= STREAMS_MAX or self._is_closed:
            raise UnreachableError("streams-full", retry_after_seconds=STREAM_RETRY_SECONDS)
        listener = Listener(device, is_gone)
        self._listeners.setdefault(device, set()).add(listener)
        self._count += 1
        return listener

    def leave(self, listener: Listener) -> None:
        """Stop listening; a second time changes nothing."""
        own = self._listeners.get(listener.device, set())
        if listener in own:
            own.discard(listener)
            self._count -= 1
            if not own:
                del self._listeners[listener.device]

    def wake(self, kids: Iterable[str]) -> None:
        """Tell the streams of these sealing keys' devices that their inboxes may have grown."""
        for kid in kids:
            device = self._device_of(kid)
            for listener in self._listeners.get(device, ()) if device is not None else ():
                listener.has_news = True
                listener.wake()

    def check(self) -> None:
        """Let every stream look whether its key is still in force; call it after each step of the log."""
        for listener in self._all():
            listener.wake()

    def close(self) -> None:
        """End every stream, and let no other begin."""
        self._is_closed = True
        for listener in self._all():
            listener.has_ended = True
            listener.wake()

    def _all(self) -> list[Listener]:
        return [listener for own in self._listeners.values() for listener in own]

    def _drop_gone(self, listeners: set[Listener]) -> None:
        """Give back the places of those whose reader has hung up without the stream having noticed."""
        for listener in [one for one in listeners if one.is_gone()]:
            listener.has_ended = True
            listener.wake()
            self.leave(listener)
