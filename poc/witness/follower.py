"""One log whose rules a witness checks: the directory as of the tree it cosigned, and what it read beyond.

Entries are read from the hub, held against the root of a checkpoint and applied by the rules. What one
submission had no time for, the next goes on with. Recording and cosigning stand in ``witness``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from poc.client.api import HubClient
from poc.client.entries import ENTRIES_BYTES_MAX, read_leaves
from poc.client.log import TOO_NEW
from poc.core.checkpoint import Checkpoint
from poc.core.directory import Directory
from poc.core.merkle import CompactRange, leaf_hash
from poc.core.rules import apply_all
from poc.core.statement import read_entry
from poc.errors import PocError, RefusedError, UnreachableError
from poc.limits import LOGGED_AHEAD_SECONDS_MAX, WATCHED_SECONDS_MAX

_AT_ONCE: Final = 256  # entries applied between two looks at the clock


@dataclass(frozen=True, slots=True)
class Step:
    """What a checkpoint adds to what was verified: its leaves from ``start`` on, and the directory it has."""

    start: int
    leaves: tuple[bytes, ...]
    directory: Directory


class Follower:
    """Follows one log; give each step to :meth:`advance` once its checkpoint is recorded, in one turn."""

    def __init__(self, fingerprint: str, hub: HubClient) -> None:
        self.directory: Directory | None = None
        """As of the entries verified and kept; None before the first."""
        self.recording = asyncio.Lock()
        """Held while a checkpoint is recorded or a notice taken: neither comes in between the other."""
        self._fingerprint = fingerprint
        self._hub = hub
        self._lock = asyncio.Lock()
        # Beyond the directory: leaves as the hub served them, and the directory of the first of them.
        self._ahead: list[bytes] = []
        self._applied: tuple[int, Directory | None] = (0, None)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One submission at a time; whoever waits too long is told to come again.

        Raises:
            UnreachableError: ``entries-unread``.
        """
        try:
            async with asyncio.timeout(WATCHED_SECONDS_MAX):
                await self._lock.acquire()
        except TimeoutError:
            raise UnreachableError("entries-unread", "another submission is being checked") from None
        try:
            yield
        finally:
            self._lock.release()

    async def load(self, leaves: Sequence[bytes]) -> None:
        """Apply further leaves that were verified and kept before. Raises what the rules refuse them for."""
        self.directory = await asyncio.to_thread(_applied, self.directory, leaves, self._fingerprint)
        self._applied = (0, self.directory)

    def forget(self) -> None:
        """Begin at the genesis again."""
        self.directory = None
        self._drop()

    async def follow(self, checkpoint: Checkpoint, now: datetime) -> Step:
        """The step to a checkpoint of the log that continues what was verified.

        Raises:
            RefusedError: ``entries-not-of-root``, ``rules-broken``, ``another-genesis``, ``logged-ahead``.
            UnreachableError: ``entries-unread``, ``rules-unknown``.
        """
        start = self._size
        count = checkpoint.size - start
        try:
            async with asyncio.timeout(WATCHED_SECONDS_MAX):
                await self._read_to(checkpoint)
                directory = await self._apply(count)
        except TimeoutError:
            raise UnreachableError("entries-unread", f"{len(self._ahead)} of {count} so far") from None
        ahead = directory.logged_at - now
        if ahead > timedelta(seconds=LOGGED_AHEAD_SECONDS_MAX):
            raise RefusedError("logged-ahead", f"{int(ahead.total_seconds())} seconds")
        return Step(start, tuple(self._ahead[:count]), directory)

    def advance(self, step: Step) -> None:
        """The checkpoint of a step is recorded: its entries are verified ones from now on."""
        self.directory = step.directory
        self._ahead = self._ahead[len(step.leaves) :]
        self._applied = (0, step.directory)

    @property
    def _size(self) -> int:
        return 0 if self.directory is None else self.directory.size

    def _drop(self) -> None:
        self._ahead = []
        self._applied = (0, self.directory)

    async def _read(self, size: int) -> None:
        have = self._size + len(self._ahead)
        left = ENTRIES_BYTES_MAX - sum(map(len, self._ahead))
        try:
            async for leaves in read_leaves(self._hub, have, size, left):
                self._ahead += leaves
        except PocError as error:
            if isinstance(error, RefusedError):
                self._drop()
            raise UnreachableError("entries-unread", error.code) from None

    async def _read_to(self, checkpoint: Checkpoint) -> None:
        """Have the leaves of a checkpoint; those kept of one that came to nothing may be others."""
        tree = CompactRange() if self.directory is None else self.directory.tree
        while True:
            kept = bool(self._ahead)
            await self._read(checkpoint.size)
            leaves = self._ahead[: checkpoint.size - tree.size]
            if await asyncio.to_thread(_root, tree, leaves) == checkpoint.root:
                return
            self._drop()
            if not kept:
                raise RefusedError("entries-not-of-root", f"size {checkpoint.size}")

    async def _apply(self, count: int) -> Directory:
        """The directory after ``count`` of the leaves ahead, from as far as was come before."""
        done, directory = self._applied
        if done > count:
            done, directory = 0, self.directory
        try:
            while done < count:
                some = self._ahead[done : min(count, done + _AT_ONCE)]
                directory = await asyncio.to_thread(_applied, directory, some, self._fingerprint)
                done += len(some)
                self._applied = (done, directory)
        except RefusedError as error:
            self._drop()
            if error.code in TOO_NEW:
                raise UnreachableError("rules-unknown", f"{error.code}: {error.detail}") from None
            if error.code == "another-genesis":
                raise
            raise RefusedError("rules-broken", f"{error.code}: {error.detail}") from None
        if directory is None:
            raise RefusedError("rules-broken", "empty-log: a log begins with its genesis")
        return directory


def _root(tree: CompactRange, leaves: Sequence[bytes]) -> bytes:
    for leaf in leaves:
        tree = tree.append(leaf_hash(leaf))
    return tree.root()


def _applied(directory: Directory | None, leaves: Sequence[bytes], fingerprint: str) -> Directory:
    after = apply_all(directory, (read_entry(leaf) for leaf in leaves))
    if after.fingerprint != fingerprint:
        raise RefusedError("another-genesis", f"found {after.fingerprint}")
    return after
