"""The log: gathers statements into batches, swaps the signed checkpoint, then publishes.

Stage, compare-and-swap, publish: nobody is told that a statement is logged before its entry is in a
durable signed checkpoint. What a statement may do is decided in ``core.rules``; proposals are in
``hub.registry``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
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
from poc.hub.metrics import Metrics
from poc.hub.places import shown_anew
from poc.limits import LOG_SECONDS_MAX
from poc.logs import log_event
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


@dataclass(frozen=True, slots=True)
class _Step:
    """A batch that was admitted, and the log as it will be once the batch is in it."""

    waiting: list[_Waiting]
    entries: list[SignedEntry]
    directory: Directory


async def found(store: Store, signed: SignedStatement, log_signer: Signer, now: datetime) -> Directory:
    """Begin the log with its genesis. Raises what the genesis is refused for, ``head-moved`` if begun."""
    entry = make_entry(signed, now)
    directory = apply_all(None, (entry,))
    if log_signer.vkey() not in directory.settings.log_keys:
        raise RefusedError("unknown-key", "the genesis does not name this hub's log key")
    leaves, subtrees = stage(CompactRange(), (entry,))
    await store.append_entries(None, _head(directory, log_signer), leaves, subtrees)
    return directory


class Log:
    """The one writer of the log. :meth:`load` first, then :meth:`run` beside the calls to :meth:`append`.

    ``trouble`` is why nothing is logged, once something is wrong; only a new start mends it. ``held`` is
    why nothing is signed for now, which passes.
    ``changed`` is set at each new view; whoever waits for it clears it; others :meth:`listen`. ``guard`` is
    asked before a statement is taken, and raises why none may be logged now.
    """

    def __init__(
        self,
        store: Store,
        signer: Signer | None,
        now: Clock,
        *,
        clock_confirmed: bool = False,
        metrics: Metrics | None = None,
    ) -> None:
        self._store = store
        self._signer = signer
        self._now = now
        self._clock_confirmed = clock_confirmed
        self._metrics = metrics or Metrics()
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(_BATCH_MAX * 4)
        self._writing: list[_Waiting] = []
        self._view: View | None = None
        self._listeners: list[asyncio.Event] = []
        self.changed = self.listen()
        self.guard: Callable[[], Awaitable[None]] | None = None
        self.trouble: PocError | None = None
        self.held: PocError | None = None
        self.is_writing = False

    @property
    def view(self) -> View:
        """The published log. Raises ``no-registry``, or ``read-only`` for a log that was not proved."""
        if self._view is None:
            raise UnreachableError("read-only" if self.trouble else "no-registry")
        return self._view

    @property
    def is_empty(self) -> bool:
        """Whether there is no log to show: none was begun, or it was not proved."""
        return self._view is None

    @property
    def read_only(self) -> bool:
        """Whether nothing more is logged or signed, for good or for now."""
        return self.trouble is not None or self.held is not None

    @property
    def reason(self) -> PocError | None:
        """Why nothing is logged now; None when all is well."""
        if self.trouble is None and self._view is None:
            return UnreachableError("no-registry")
        return self.trouble or self.held

    def listen(self) -> asyncio.Event:
        """An event of one's own that is set at each new view."""
        event = asyncio.Event()
        self._listeners.append(event)
        return event

    def stop(self, trouble: PocError) -> None:
        """Log nothing from now on, for a reason that only the operator can mend."""
        self._stop_writing(trouble)

    async def load(self) -> None:
        """Recompute the directory from every leaf and prove the stored checkpoint by it.

        A log that does not prove itself is not published: ``trouble`` says why. Raises
        ``storage-failed``.
        """
        try:
            await self._load()
        except RefusedError as error:
            self.trouble = RefusedError("log-unproved", f"{error.code}: {error.detail}")

    async def _load(self) -> None:
        head = await self._store.read_head()
        if head is None:
            return
        directory: Directory | None = None
        for start in range(0, head.size, _READ_AT_ONCE):
            leaves = await self._store.read_leaves(start, min(head.size, start + _READ_AT_ONCE))
            if not leaves:
                break
            tree = CompactRange() if directory is None else directory.tree
            directory, subtrees = await asyncio.to_thread(_replayed, directory, tree, leaves)
            await self._check_hashes(subtrees)
        if directory is None:
            raise RefusedError("empty-log", "a checkpoint without entries")
        verifiers = log_verifiers(directory.settings.log_keys)
        checkpoint = verify_checkpoint(head.checkpoint, directory.origin, verifiers)
        proved = (directory.size, directory.tree.root())
        if (checkpoint.size, checkpoint.root) != proved or (head.size, head.root) != proved:
            raise RefusedError("bad-checkpoint", "the stored checkpoint is not of the stored entries")
        if self._signer is None or self._signer.vkey() not in directory.settings.log_keys:
            self.trouble = RefusedError("no-log-key", directory.origin)
        self._publish(_view(directory, head.checkpoint))

    async def _check_hashes(self, subtrees: list[Subtree]) -> None:
        """Return only if the store holds these hashes: tiles are served from them."""
        levels: dict[int, list[Subtree]] = {}
        for subtree in subtrees:
            levels.setdefault(subtree.level, []).append(subtree)
        for level, wanted in levels.items():
            start = wanted[0].index
            stored = await self._store.read_hashes(level, start, start + len(wanted))
            if stored != tuple(subtree.hash for subtree in wanted):
                raise RefusedError("bad-checkpoint", f"stored hashes of level {level} are not of the entries")

    async def append(self, signed: SignedStatement) -> Logged:
        """Log a complete statement; returns when its entry is in a published, durable checkpoint.

        Raises what ``rules.apply`` and the guard refuse it for, ``clock-jumped``, ``read-only``,
        ``no-registry``; ``not-logged-in-time`` after ``LOG_SECONDS_MAX``: then it may be logged all the same.
        """
        if self.trouble:
            raise UnreachableError("read-only")
        if self.held:
            raise self.held
        if self.view.directory.quorum == 0:
            check_jump(self.view.directory.logged_at, self._now(), confirmed=self._clock_confirmed)
        if self.guard is not None:
            await self.guard()
        waiting = _Waiting(signed, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(LOG_SECONDS_MAX):
                await self._queue.put(waiting)
                return await waiting.future
        except TimeoutError:
            raise UnreachableError("not-logged-in-time") from None

    async def run(self) -> None:
        """Write batches until cancelled. However it ends, nobody who waits is left without an answer.

        A defect met while writing makes the hub read-only (``writer-failed``) instead of ending this:
        what stands on disk is then known only by a new start.
        """
        self.is_writing = True
        try:
            while True:
                self._writing = [await self._queue.get()]
                while len(self._writing) < _BATCH_MAX and not self._queue.empty():
                    self._writing.append(self._queue.get_nowait())
                try:
                    await self._write(self._writing)
                except Exception as error:  # noqa: BLE001 (the writer's outermost loop: it answers and says so)
                    log_event("fault", error=type(error).__name__)
                    self._stop_writing(FaultError("writer-failed", type(error).__name__))
        finally:
            self.is_writing = False
            self.trouble = self.trouble or UnreachableError("read-only", "the hub is stopping")
            self._stop_writing(self.trouble)

    async def _write(self, batch: list[_Waiting]) -> None:
        if self.trouble:
            for waiting in batch:
                _fail(waiting, UnreachableError("read-only"))
            return
        self._metrics.statement_batch.observe(len(batch))
        view = self.view
        step = self._admitted(batch, view.directory)
        if not step.entries:
            return
        try:
            after = self._signed(step.directory)
        except PocError as error:
            # One statement of the batch, and not the batch, is what the log cannot be signed after.
            if len(step.waiting) == 1:
                _fail(step.waiting[0], error)
                return
            for waiting in step.waiting:
                await self._write([waiting])
            return
        await self._swap(view, after, step)

    def _admitted(self, batch: list[_Waiting], directory: Directory) -> _Step:
        """Apply the batch one by one; whoever is refused is answered here. Nothing is written yet."""
        logged_at = max(self._now(), directory.logged_at)
        step = _Step([], [], directory)
        for waiting in batch:
            if waiting.future.done():
                continue
            try:
                entry = make_entry(waiting.signed, logged_at)
                step = _Step([*step.waiting, waiting], [*step.entries, entry], apply(step.directory, entry))
            except PocError as error:
                _fail(waiting, error)
            except Exception as error:  # noqa: BLE001 (a defect of a rule costs its own statement only)
                log_event("fault", error=type(error).__name__)
                _fail(waiting, FaultError("fault", "a rule failed"))
        return step

    def _signed(self, directory: Directory) -> tuple[View, StoredHead]:
        """The log after the step, signed. Raises ``no-log-key`` where its keys would not be ours."""
        if self._signer is None or self._signer.vkey() not in directory.settings.log_keys:
            raise RefusedError("no-log-key", directory.origin)
        head = _head(directory, self._signer)
        return _view(directory, head.checkpoint), head

    async def _swap(self, view: View, signed: tuple[View, StoredHead], step: _Step) -> None:
        after, head = signed
        leaves, subtrees = stage(view.directory.tree, step.entries)
        closed = [leaf.payload_sha256 for leaf in leaves]
        renewed = shown_anew(view.directory, after.directory)
        try:
            await self._store.append_entries(view.checkpoint, head, leaves, subtrees, closed, renewed)
        except PocError as error:
            for waiting in step.waiting:
                _fail(waiting, error)
            # It may have been written all the same: only a fresh start knows which checkpoint stands.
            if not await self._stands(view):
                self._stop_writing(UnreachableError("head-unsure", error.code))
            return
        self._publish(after)
        for index, (waiting, entry) in enumerate(
            zip(step.waiting, step.entries, strict=True), view.directory.size
        ):
            if not waiting.future.done():
                waiting.future.set_result(Logged(index, entry.leaf_hash, entry.logged_at))

    async def _stands(self, view: View) -> bool:
        """Whether the store still holds the published checkpoint; no answer counts as no."""
        try:
            head = await self._store.read_head()
        except PocError:
            return False
        return head is not None and head.checkpoint == view.checkpoint

    def _publish(self, view: View) -> None:
        self._view = view
        self._metrics.log_size.set(view.directory.size)
        for event in self._listeners:
            event.set()

    def _stop_writing(self, trouble: PocError) -> None:
        """Log nothing from now on, and answer all who wait."""
        if self.trouble is None:
            self.trouble = trouble
            log_event("read-only", code=trouble.code, message=trouble.message, next=trouble.next_step)
        waiting = self._writing
        while not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        for one in waiting:
            _fail(one, UnreachableError("read-only"))
        self._writing = []


def _replayed(
    directory: Directory | None, tree: CompactRange, leaves: Sequence[Leaf]
) -> tuple[Directory, list[Subtree]]:
    """The directory after these stored entries, and the hashes that must be stored beside them."""
    entries = [read_entry(leaf.data) for leaf in leaves]
    after = apply_all(directory, entries)
    wanted, subtrees = stage(tree, entries)
    if wanted != list(leaves):
        raise RefusedError("bad-checkpoint", "what is stored beside an entry is not of it")
    return after, subtrees


def _view(directory: Directory, checkpoint: bytes) -> View:
    return View(directory, checkpoint, head_of(checkpoint, log_verifiers(directory.settings.log_keys)))


def _fail(waiting: _Waiting, error: PocError) -> None:
    if not waiting.future.done():
        waiting.future.set_exception(error)


def _head(directory: Directory, signer: Signer) -> StoredHead:
    root = directory.tree.root()
    checkpoint = Checkpoint(directory.origin, directory.size, root)
    return StoredHead(directory.size, root, sign_checkpoint(checkpoint, signer))


def stage(tree: CompactRange, entries: Iterable[SignedEntry]) -> tuple[list[Leaf], list[Subtree]]:
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
