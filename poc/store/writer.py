"""Connections to the SQLite file: the one that writes, with group commit, and those that only read.

All writes that wait are run as one job in the writer's thread, in one transaction with a savepoint each,
and answered after COMMIT; a bad one does not sink its batch. Readers are opened read-only and cannot
checkpoint, so exactly one connection writes and checkpoints (R20). Not here: SQL of any verb.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import aiosqlite

from poc.errors import FaultError, PocError, RefusedError, UnreachableError

BATCH_MAX: Final = 512  # writes of one transaction
T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]


class Connection(aiosqlite.Connection):
    """A connection whose whole jobs run in its thread, instead of one statement at a time."""

    async def run(self, job: Job[T]) -> T:
        """Run ``job`` in the connection's thread; wait for its value or its exception."""
        return cast("T", await self._execute(job, self._conn))  # type: ignore[no-untyped-call]


async def open_writer(path: Path) -> Connection:
    """Open the connection that writes; ``prepare_writer`` comes next, once the file is known to be ours.

    Raises:
        UnreachableError: ``storage-failed``.
    """
    return await _open(f"{path.as_uri()}?mode=rw")


async def open_reader(path: Path) -> Connection:
    """Open a connection that can neither write nor checkpoint.

    Raises:
        UnreachableError: ``storage-failed``.
    """
    connection = await _open(f"{path.as_uri()}?mode=ro")
    await connection.run(lambda db: db.execute("PRAGMA query_only = ON").close())
    return connection


async def _open(uri: str) -> Connection:
    connect = partial(sqlite3.connect, uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        return cast("Connection", await Connection(connect, iter_chunk_size=64))
    except sqlite3.Error as error:
        raise storage_failed(error) from error


def prepare_writer(db: sqlite3.Connection) -> None:
    """Set what the file must be and what the one writing connection promises.

    Raises:
        FaultError: ``fault``, SQLite did not take a setting that our promise rests on.
    """
    db.execute("PRAGMA busy_timeout = 5000")
    for setting, value, shown in (
        ("journal_mode", "WAL", "wal"),
        ("synchronous", "FULL", 2),
        ("foreign_keys", "ON", 1),
        ("secure_delete", "ON", 1),
    ):
        db.execute(f"PRAGMA {setting} = {value}").fetchall()
        (found,) = db.execute(f"PRAGMA {setting}").fetchone()
        if found != shown:
            raise FaultError("fault", f"SQLite keeps {setting} at {found}")


def storage_failed(error: sqlite3.Error) -> PocError:
    """Say what a driver's error means for the caller; the text of SQLite holds no content of rows."""
    if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.InterfaceError):
        return FaultError("fault", str(error))
    return UnreachableError("storage-failed", str(error))


@dataclass(frozen=True, slots=True)
class _Failed:
    """How one write of a batch ended, if not with a value."""

    error: Exception


def _run_one(db: sqlite3.Connection, job: Job[Any]) -> Any:
    """Run one write; undo all of it if it fails. Trouble of the disk is the whole batch's."""
    db.execute("SAVEPOINT one")
    try:
        value = job(db)
    except (RefusedError, FaultError) as error:
        failed = _Failed(error)
    except sqlite3.IntegrityError as error:
        failed = _Failed(storage_failed(error))
    except (TypeError, ValueError, OverflowError, sqlite3.ProgrammingError, sqlite3.InterfaceError) as error:
        failed = _Failed(error)  # a value no column can hold: the fault of this caller alone
    else:
        db.execute("RELEASE one")
        return value
    db.execute("ROLLBACK TO one")
    db.execute("RELEASE one")
    return failed


def run_batch(jobs: Sequence[Job[Any]], db: sqlite3.Connection) -> list[Any]:
    """Run writes in one transaction; when it returns, those that did not fail are on disk.

    Raises:
        sqlite3.Error: the disk failed; nothing of the batch was stored.
    """
    if db.in_transaction:
        db.execute("ROLLBACK")
    db.execute("BEGIN IMMEDIATE")
    try:
        outcomes = [_run_one(db, job) for job in jobs]
        db.execute("COMMIT")
    finally:
        # Some errors of SQLite have rolled back already.
        if db.in_transaction:
            db.execute("ROLLBACK")
    return outcomes


class Writer:
    """Gathers writes and hands them to the one writing connection, batch after batch.

    ``on_commit`` is told the writes and the seconds of each commit. A defect that ended the work would
    leave nobody waiting: whatever waits, and whatever comes, is refused.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[tuple[Job[Any], asyncio.Future[Any]]] = []
        self._wake = asyncio.Event()
        self._closing = False
        self.batches = 0
        self.on_commit: Callable[[int, float], None] | None = None
        # Its outermost loop answers every fault, and close waits for it; no TaskGroup spans the two.
        self._task = asyncio.create_task(self._work(), name="store writer")

    async def submit(self, job: Job[T]) -> T:
        """Run ``job`` in the next batch; return its value once that is committed.

        A caller that is cancelled does not know whether its write took effect.

        Raises:
            UnreachableError: ``storage-failed``, the disk failed or the store is closed.
        """
        if self._closing:
            raise UnreachableError("storage-failed", "the store is closed")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        self._wake.set()
        return cast("T", await future)

    async def run_alone(self, job: Job[T]) -> T:
        """Run ``job`` in the writer's thread between two batches, outside any transaction.

        Raises:
            UnreachableError: ``storage-failed``.
        """
        try:
            return await self._connection.run(job)
        except sqlite3.Error as error:
            raise storage_failed(error) from error

    async def close(self) -> None:
        """Finish what waits, then close the connection; nothing is taken any more."""
        self._closing = True
        self._wake.set()
        await self._task
        await self._connection.close()

    async def _work(self) -> None:
        try:
            while self._waiting or not self._closing:
                await self._wake.wait()
                batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
                if not self._waiting and not self._closing:
                    self._wake.clear()
                if batch:
                    await self._commit(batch)
        finally:
            self._closing = True
            for _, future in self._waiting:
                if not future.done():
                    future.set_exception(UnreachableError("storage-failed", "the writer ended"))

    async def _commit(self, batch: Sequence[tuple[Job[Any], asyncio.Future[Any]]]) -> None:
        self.batches += 1
        began = time.monotonic()
        outcomes: Sequence[Any] = [_Failed(UnreachableError("storage-failed", "the writer ended"))] * len(
            batch
        )
        try:
            outcomes = await self._connection.run(partial(run_batch, [job for job, _ in batch]))
        except sqlite3.Error as error:
            outcomes = [_Failed(storage_failed(error)) for _ in batch]
        except Exception as error:  # noqa: BLE001 -- the outermost loop: a defect in a job must not end the writer
            outcomes = [_Failed(error)] * len(batch)
        finally:
            _answer(batch, outcomes)
        if self.on_commit is not None:
            self.on_commit(len(batch), time.monotonic() - began)


def _answer(batch: Sequence[tuple[Job[Any], asyncio.Future[Any]]], outcomes: Sequence[Any]) -> None:
    for (_, future), outcome in zip(batch, outcomes, strict=True):
        if future.done():
            continue  # its caller was cancelled
        if isinstance(outcome, _Failed):
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome)
