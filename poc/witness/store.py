"""What a witness remembers: ``witness.db`` in its home, one connection, on disk before a call returns.

The one write that matters is :meth:`WitnessStore.advance`, a compare-and-swap whose row count is looked at.
Whether a checkpoint may be recorded is decided by ``core.submission``.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from poc.core.checkpoint import Checkpoint
from poc.core.merkle import EMPTY_ROOT
from poc.core.note import Verifier
from poc.core.submission import Tree
from poc.store.home import bring_up, lock_home
from poc.store.migrate import read_migrations
from poc.store.versions import check_sqlite_version
from poc.store.writer import Connection, Job, open_reader, open_writer, run_batch, storage_failed

DATABASE_NAME: Final = "witness.db"
LOCK_NAME: Final = "witness.lock"
T = TypeVar("T")

# No transaction around a read, a decision and a write: that would hang the promise on which connection
# happens to run them. This one statement holds whoever runs it, and says by its row whether it did.
_ADVANCE: Final = """UPDATE log SET size = ?, root = ?, cosigned_at = max(cosigned_at, ?)
WHERE origin = ? AND size = ? AND root = ? RETURNING cosigned_at"""
_LOGS: Final = "SELECT origin, size, root, cosigned_at FROM log WHERE ? IS NULL OR origin = ? ORDER BY origin"
_KEYS: Final = "SELECT origin, vkey FROM log_key WHERE ? IS NULL OR origin = ? ORDER BY origin, vkey"


@dataclass(frozen=True, slots=True)
class WatchedLog:
    """A log this witness watches: its keys, the tree last cosigned and the POSIX time of that (0: never)."""

    origin: str
    keys: tuple[Verifier, ...]
    tree: Tree
    cosigned_at: int


class WitnessStore:
    """The record of a witness. Make it with ``open``.

    ``notice`` is what the start must say about this version of SQLite, None if nothing.
    """

    def __init__(self, connection: Connection, lock: int, notice: str | None) -> None:
        self.notice = notice
        self._connection = connection
        self._lock = lock

    @classmethod
    async def open(cls, home: Path) -> WitnessStore:
        """Open or make the record in a home, which must be a folder; a second opener is refused.

        Raises:
            RefusedError: ``home-in-use``, ``sqlite-too-old``, ``database-foreign``, ``database-newer``,
                ``migration-changed``.
            UnreachableError: ``storage-failed``.
        """
        notice = check_sqlite_version(sqlite3.sqlite_version)
        lock, path = lock_home(home, LOCK_NAME, DATABASE_NAME)
        connection = None
        try:
            connection = await open_writer(path)
            await connection.run(partial(bring_up, migrations=read_migrations("poc.witness")))
        except BaseException as error:
            if connection is not None:
                await connection.close()
            os.close(lock)
            if isinstance(error, sqlite3.Error):
                raise storage_failed(error) from error
            raise
        return cls(connection, lock, notice)

    async def close(self) -> None:
        """Close the file, then give back the home."""
        await self._connection.close()
        os.close(self._lock)

    async def add_log(self, origin: str, keys: Sequence[Verifier]) -> None:
        """Watch a log by these keys too; the tree recorded of a log that is watched already stays.

        Raises:
            UnreachableError: ``storage-failed``.
        """
        await self._write(partial(_add_log, origin, tuple(key.vkey() for key in keys)))

    async def logs(self) -> tuple[WatchedLog, ...]:
        """Every log watched, by origin. Raises ``storage-failed``."""
        return await self._run(_read_logs)

    async def log(self, origin: str) -> WatchedLog | None:
        """One log, None where it is not watched. Raises ``storage-failed``."""
        found = await self._run(partial(_read_logs, origin=origin))
        return found[0] if found else None

    async def advance(self, log: WatchedLog, checkpoint: Checkpoint, at: int) -> int | None:
        """Record a checkpoint if the tree on record still is that of ``log``; the time to cosign it as of.

        The time never goes back: it is ``at``, or that of the last cosignature where this is later. None
        where another checkpoint came first; nothing was recorded then.

        Raises:
            UnreachableError: ``storage-failed``; nothing may be cosigned then.
        """
        values = (checkpoint.size, checkpoint.root, at, log.origin, log.tree.size, log.tree.root)
        row: tuple[int] | None = await self._write(lambda db: _one(db.execute(_ADVANCE, values)))
        return None if row is None else row[0]

    async def _write(self, job: Job[T]) -> T:
        outcome: T = (await self._run(partial(run_batch, [job])))[0]
        return outcome

    async def _run(self, job: Job[T]) -> T:
        try:
            return await self._connection.run(job)
        except sqlite3.Error as error:
            raise storage_failed(error) from error


async def read_logs(home: Path) -> tuple[WatchedLog, ...]:
    """The logs of a home whose witness may be running; none where there is no record yet.

    Raises:
        UnreachableError: ``storage-failed``.
    """
    path = (home / DATABASE_NAME).absolute()
    if not path.exists():
        return ()
    connection = await open_reader(path)
    try:
        return await connection.run(_read_logs)
    except sqlite3.Error as error:
        raise storage_failed(error) from error
    finally:
        await connection.close()


def _add_log(origin: str, vkeys: Sequence[str], db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO log VALUES (?, 0, ?, 0) ON CONFLICT DO NOTHING", (origin, EMPTY_ROOT))
    db.executemany("INSERT INTO log_key VALUES (?, ?) ON CONFLICT DO NOTHING", [(origin, v) for v in vkeys])


def _read_logs(db: sqlite3.Connection, origin: str | None = None) -> tuple[WatchedLog, ...]:
    """All logs, or the one of this origin."""
    keys: dict[str, list[Verifier]] = {}
    for name, vkey in db.execute(_KEYS, (origin, origin)):
        keys.setdefault(name, []).append(Verifier.from_vkey(vkey))
    rows = db.execute(_LOGS, (origin, origin))
    return tuple(
        WatchedLog(name, tuple(keys.get(name, ())), Tree(size, root), at) for name, size, root, at in rows
    )


def _one(cursor: sqlite3.Cursor) -> tuple[int] | None:
    rows: list[tuple[int]] = cursor.fetchall()
    return rows[0] if rows else None
