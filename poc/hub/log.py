"""The log: gathers statements into batches, swaps the signed checkpoint, then publishes.

Stage, compare-and-swap, publish: nobody is told that a statement is logged before its entry is in a
durable signed checkpoint. What a statement may do is decided in ``core.rules``; proposals are in
``hub.registry``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from poc.core.checkpoint import Checkpoint, head_of, sign_checkpoint, verify_checkpoint
from poc.core.directory import Directory
from poc.core.judge import log_verifiers
from poc.core.merkle import CompactRange, leaf_hash, node_hash
from poc.core.note import Signer
from poc.core.rules import apply, apply_all
from poc.core.statement import SignedEntry, SignedStatement, make_entry, payload_sha256, read_entry
from poc.errors import FaultError, PocError, RefusedError, UnreachableError
from poc.hub.clock import Clock, check_jump
from poc.store.base import Leaf, Store, StoredHead, Subtree

_BATCH_MAX: Final = 256
_READ_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Logged:
    """Where a statement stands in the log."""

    index: int
    leaf_hash: str
    logged_at: datetime


@dataclass(frozen=True, slots=True)
class View:
    """The log as published: replaced as a whole, never changed. ``head`` is what receipts carry."""

    directory: Directory
    checkpoint: bytes
    head: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    signed: SignedStatement
    future: asyncio.Future[Logged]


async def found(store: Store, signed: SignedStatement, log_signer: Signer, now: datetime) -> Directory:
    """Begin the log with its genesis. Raises what the genesis is refused for, ``head-moved`` if begun."""
    entry = make_entry(signed, now)
    directory = apply_all(None, (entry,))
    if log_signer.vkey() not in directory.settings.log_keys:
        raise RefusedError("unknown-key", "the genesis does not name this hub's log key")
    leaves, subtrees = _stage(CompactRange(), (entry,))
    await store.append_entries(None, _head(directory, log_signer), leaves, subtrees)
    return directory


class Log:
    """The one writer of the log. :meth:`load` first, then :meth:`run` beside the calls to :meth:`append`."""

    def __init__(
        self, store: Store, signer: Signer | None, now: Clock, *, clock_confirmed: bool = False
    ) -> None:
        self._store = store
        self._signer = signer
        self._now = now
        self._clock_confirmed = clock_confirmed
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(_BATCH_MAX * 4)
        self._view: View | None = None
        self.read_only: str | None = None

    @property
    def view(self) -> View:
        """The published log. Raises ``no-registry``."""
        if self._view is None:
            raise UnreachableError("no-registry")
        return self._view

    @property
    def reason(self) -> str | None:
        """Why nothing is logged now: ``no-registry`` or ``read-only``; None when all is well."""
        if self._view is None:
            return self.read_only or "no-registry"
        return self.read_only

    async def load(self) -> None:
        """Recompute the directory from every leaf and prove the stored checkpoint by it."""
        head = await self._store.read_head()
        if head is None:
            return
        directory: Directory | None = None
        for start in range(0, head.size, _READ_AT_ONCE):
            leaves = await self._store.read_leaves(start, min(head.size, start + _READ_AT_ONCE))
            entries = [read_entry(leaf.data) for leaf in leaves]
            directory = await asyncio.to_thread(apply_all, directory, entries)
        if directory is None:
            raise FaultError("fault", "a checkpoint without entries")
        verifiers = log_verifiers(directory.settings.log_keys)
        checkpoint = verify_checkpoint(head.checkpoint, directory.origin, verifiers)
        if (checkpoint.size, checkpoint.root) != (directory.size, directory.tree.root()):
            raise FaultError("fault", "the stored checkpoint is not of the stored entries")
        if self._signer is None or self._signer.vkey() not in directory.settings.log_keys:
            self.read_only = "read-only"
        self._publish(directory, head.checkpoint)

    async def append(self, signed: SignedStatement) -> Logged:
        """Log a complete statement; returns when its entry is in a published, durable checkpoint.

        Raises what ``rules.apply`` refuses it for, ``clock-jumped``, ``read-only``, ``no-registry``.
        """
        newest_at = self.view.directory.logged_at
        if self.read_only:
            raise UnreachableError("read-only")
        check_jump(newest_at, self._now(), confirmed=self._clock_confirmed)
        future: asyncio.Future[Logged] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Waiting(signed, future))
        return await future

    async def run(self) -> None:
        """Write batches until cancelled."""
        while True:
            batch = [await self._queue.get()]
            while len(batch) < _BATCH_MAX and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._write(batch)

    async def _write(self, batch: list[_Waiting]) -> None:
        view, admitted = self.view, []
        directory = view.directory
        logged_at = max(self._now(), directory.logged_at)
        for waiting in batch:
            try:
                entry = make_entry(waiting.signed, logged_at)
                directory = apply(directory, entry)
            except PocError as error:
                _fail(waiting, error)
            else:
                admitted.append((waiting, entry))
        if admitted:
            await self._swap(view, directory, admitted)

    async def _swap(
        self, view: View, directory: Directory, admitted: list[tuple[_Waiting, SignedEntry]]
    ) -> None:
        if self._signer is None:
            raise FaultError("fault", "no log key")
        head = _head(directory, self._signer)
        leaves, subtrees = _stage(view.directory.tree, [entry for _, entry in admitted])
        closed = [leaf.payload_sha256 for leaf in leaves]
        try:
            await self._store.append_entries(view.checkpoint, head, leaves, subtrees, closed)
        except PocError as error:
            for waiting, _ in admitted:
                _fail(waiting, error)
            # It may have been written all the same: only a fresh start knows which checkpoint stands.
            if not await self._stands(view):
                self.read_only = "read-only"
            return
        self._publish(directory, head.checkpoint)
        for index, (waiting, entry) in enumerate(admitted, view.directory.size):
            if not waiting.future.done():
                waiting.future.set_result(Logged(index, entry.leaf_hash, entry.logged_at))

    async def _stands(self, view: View) -> bool:
        """Whether the store still holds the published checkpoint; no answer counts as no."""
        try:
            head = await self._store.read_head()
        except PocError:
            return False
        return head is not None and head.checkpoint == view.checkpoint

    def _publish(self, directory: Directory, checkpoint: bytes) -> None:
        head = head_of(checkpoint, log_verifiers(directory.settings.log_keys))
        self._view = View(directory, checkpoint, head)


def _fail(waiting: _Waiting, error: PocError) -> None:
    if not waiting.future.done():
        waiting.future.set_exception(error)


def _head(directory: Directory, signer: Signer) -> StoredHead:
    root = directory.tree.root()
    checkpoint = Checkpoint(directory.origin, directory.size, root)
    return StoredHead(directory.size, root, sign_checkpoint(checkpoint, signer))


def _stage(tree: CompactRange, entries: Iterable[SignedEntry]) -> tuple[list[Leaf], list[Subtree]]:
    """The rows of new leaves and of every subtree they complete (RFC 6962 2.1)."""
    leaves, subtrees = [], []
    for entry in entries:
        node = leaf_hash(entry.leaf)
        leaves.append(Leaf(entry.leaf, node, payload_sha256(entry.signed.payload)))
        level, index, hashes = 0, tree.size, list(tree.hashes)
        tree = tree.append(node)
        subtrees.append(Subtree(level, index, node))
        while index & 1:
            node = node_hash(hashes.pop(), node)
            level, index = level + 1, index >> 1
            subtrees.append(Subtree(level, index, node))
    return leaves, subtrees
