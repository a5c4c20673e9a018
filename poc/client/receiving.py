"""Keeps a desk in step with its hub for as long as it runs: by the stream of its inbox, else by asking.

The stream only says when to sync; a hub that shows none, or a line that loses it, costs time and nothing
else. What is made of what came is the caller's.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from poc.client.stream import inbox_numbers
from poc.errors import PocError
from poc.keyring import KEYRING_NAME, Keyring, read_passphrase_file
from poc.limits import POLL_QUIET_SECONDS, POLL_SECONDS, RECONNECT_SECONDS_MAX

if TYPE_CHECKING:
    from poc.client.sdk import Desk

_FIRST_SECONDS: Final = 1.0
_BETWEEN_SECONDS: Final = 0.3  # a hub that signals without end makes no desk sync without end
_SOON: Final = frozenset({"home-in-use"})
_ANSWERED: Final = frozenset(
    {"quorum-missing", "no-device", "bad-request-signature"}
)  # the hub was reached, and said nothing wrong


class Receiving:
    """Syncs a desk again and again. ``trouble`` is why the last sync failed, ``None`` after a good one.

    ``reached`` is the loop's time of the last good one; before the first that of the start, less ``age``.
    """

    def __init__(self, desk: Desk, *, poll_seconds: float = POLL_SECONDS, age: float = 0) -> None:
        self._desk = desk
        self._poll_seconds = poll_seconds
        self._news = asyncio.Event()
        self.is_streaming = False
        self.has_synced = False
        self.trouble: str | None = None
        self.reached = asyncio.get_running_loop().time() - max(age, 0)
        self._begun: float | None = None
        self._keys_at = self._keyring_changed_at()

    async def run(self, after_each: Callable[[], Awaitable[None]]) -> None:
        """Sync at once, at every signal and every so often, until cancelled; ``after_each`` follows each."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sync_for_ever(after_each), name="sync")
            group.create_task(self._listen_for_ever(), name="stream")

    async def _sync_for_ever(self, after_each: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while True:
            self._news.clear()
            await self.sync()
            await after_each()
            failures = 0 if self.trouble is None else failures + 1
            await asyncio.sleep(_BETWEEN_SECONDS)
            try:
                async with asyncio.timeout(self._pause(failures)):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def sync(self) -> None:
        """One sync; what it fails for is kept as ``trouble``, also what the hub answered wrongly in it."""
        self._begun = asyncio.get_running_loop().time()
        try:
            await self._take_new_keys()
            report = await self._desk.sync()
            self._desk.known.own_device("retrieve")  # a device that was ended receives nothing any more
        except PocError as error:
            self.trouble = error.code
        else:
            self.trouble = report.failed[0] if report.failed else None
            self.has_synced = True
        finally:
            self._begun = None
        if self.trouble is None or self.trouble in _ANSWERED:
            self.reached = asyncio.get_running_loop().time()

    def syncing_seconds(self) -> float:
        """How long the sync that runs now has been running; 0 where none does."""
        return 0 if self._begun is None else asyncio.get_running_loop().time() - self._begun

    async def _take_new_keys(self) -> None:
        """Read the keyring anew where another command has changed it: messages come for its newest keys.

        Only with a passphrase file: a program that runs around the clock cannot ask.
        """
        changed_at, passphrase = self._keyring_changed_at(), read_passphrase_file(self._desk.home)
        if changed_at != self._keys_at and passphrase is not None:
            keyring = await asyncio.to_thread(Keyring.unlock, self._desk.home, passphrase)
            self._desk.use_keyring(keyring)
            self._keys_at = changed_at

    def _keyring_changed_at(self) -> int | None:
        try:
            return (self._desk.home / KEYRING_NAME).stat().st_mtime_ns
        except OSError:
            return None

    def _pause(self, failures: int) -> float:
        if self.trouble in _SOON:
            return _FIRST_SECONDS
        if failures:
            return min(backoff(failures), self._poll_seconds)
        return POLL_QUIET_SECONDS if self.is_streaming else self._poll_seconds

    async def _listen_for_ever(self) -> None:
        failures = 0
        while True:
            try:
                async for number in inbox_numbers(self._desk.hub, self._desk.known.trust.cursor("inbox")):
                    self.is_streaming, failures = True, 0
                    if number is not None:
                        self._news.set()
            except PocError:
                pass  # the sync says what is wrong with the hub; asking goes on without a stream
            if self.is_streaming:
                self.is_streaming = False
                self._news.set()  # why it ended may stand in the log
            failures += 1
            await asyncio.sleep(backoff(failures))


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures: twice as long each time, between half and whole by chance."""
    longest = min(_FIRST_SECONDS * float(2 ** min(failures - 1, 10)), RECONNECT_SECONDS_MAX)
    return longest * random.uniform(0.5, 1)  # noqa: S311 (spreads desks out; no secret)
