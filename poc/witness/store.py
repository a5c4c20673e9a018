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
from poc.core.submission import Conflict, Tree
from poc.errors import RefusedError
from poc.limits import CONFLICTS_MAX, NOTICES_BYTES_MAX, NOTICES_MAX, NOTICES_OF_STATE_MAX
from poc.store.home import bring_up, lock_home
from poc.store.migrate import read_migrations
from poc.store.versions import check_sqlite_version
from poc.store.writer import Connection, Job, open_reader, open_writer, storage_failed

DATABASE_NAME: Final = "witness.db"
LOCK_NAME: Final = "witness.lock"
T = TypeVar("T")

# No transaction around a read, a decision and a write: that would hang the promise on which connection
# happens to run them. This one statement holds whoever runs it, and says by its row whether it did.
_ADVANCE: Final = """UPDATE log SET size = ?, root = ?, cosigned_at = max(cosigned_at, ?), note = ?
WHERE origin = ? AND size = ? AND root = ? RETURNING cosigned_at"""
_LOGS: Final = """SELECT origin, size, root, cosigned_at, note, hub, fingerprint FROM log
WHERE removed = 0 AND (? IS NULL OR origin = ?) ORDER BY origin"""
_KEYS: Final = "SELECT origin, vkey FROM log_key WHERE ? IS NULL OR origin = ? ORDER BY origin, vkey"
_ADD_LOG: Final = """INSERT INTO log (origin, size, root, cosigned_at) VALUES (?, 0, ?, 0)
ON CONFLICT DO UPDATE SET removed = 0"""
_PIN: Final = """UPDATE log SET hub = ?, fingerprint = ?
WHERE origin = ? AND (fingerprint IS NULL OR fingerprint = ?)"""
_REMOVE_LOG: Final = """UPDATE log SET removed = 1, hub = NULL, fingerprint = NULL
WHERE origin = ? AND removed = 0"""
_LEAVES: Final = (
    "SELECT leaf FROM entry WHERE origin = ? AND position >= ? AND position < ? ORDER BY position"
)
_PUT_ENTRY: Final = """INSERT INTO entry VALUES (?, ?, ?)
ON CONFLICT (origin, position) DO UPDATE SET leaf = excluded.leaf"""
_NOTICES: Final = "SELECT statement FROM notice WHERE origin = ? ORDER BY rowid"
_HAS_NOTICE: Final = "SELECT 1 FROM notice WHERE origin = ? AND payload_sha256 = ?"
_COUNT_NOTICES: Final = """SELECT count(*), coalesce(sum(length(statement)), 0), coalesce(sum(state = ?), 0)
FROM notice WHERE origin = ?"""
_DROP_NOTICE: Final = "DELETE FROM notice WHERE origin = ? AND payload_sha256 = ?"
# A checkpoint that was proved after all speaks against nobody.
_PROVED: Final = "DELETE FROM conflict WHERE origin = ? AND kind = 'unproved' AND size = ? AND root = ?"
_KEEP_CONFLICT: Final = """INSERT INTO conflict (origin, kind, size, root, shown, cosigned, notice, kept_at)
SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM conflict WHERE origin = ? AND kind = ?) < ?
ON CONFLICT DO NOTHING"""
_CONFLICTS: Final = """SELECT number, origin, kind, size, shown, cosigned, notice, kept_at FROM conflict
ORDER BY number"""


@dataclass(frozen=True, slots=True)
class Pinned:
    """Where the entries of a log are read, and the fingerprint of the genesis they must begin with."""

    hub: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class WatchedLog:
    """A log this witness watches: its keys, the tree last cosigned and the POSIX time of that (0: never).

    ``note`` is the checkpoint of that tree as the log signed it, ``pinned`` None where rules are not checked.
    """

    origin: str
    keys: tuple[Verifier, ...]
    tree: Tree
    cosigned_at: int
    note: bytes | None = None
    pinned: Pinned | None = None


@dataclass(frozen=True, slots=True)
class KeptConflict:
    """A checkpoint the log signed and this witness did not cosign, beside the one it last cosigned."""

    number: int
    origin: str
    kind: Conflict
    size: int
    shown: bytes
    cosigned: bytes | None
    notice: bytes | None
    kept_at: int


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

    async def add_log(self, origin: str, keys: Sequence[Verifier], pinned: Pinned | None = None) -> None:
        """Watch a log by these keys too, and from now on check its rules where ``pinned`` says from what.

        The tree recorded of a log stays, if it is watched already or ever was.

        Raises:
            RefusedError: ``wrong-fingerprint``, the log is pinned to another genesis.
            UnreachableError: ``storage-failed``.
        """
        await self._write(partial(_add_log, origin, tuple(key.vkey() for key in keys), pinned))

    async def remove_log(self, origin: str) -> None:
        """Watch a log no more, and forget all of it but its tree and what speaks against it.

        Raises:
            RefusedError: ``unknown-log``.
            UnreachableError: ``storage-failed``.
        """
        await self._write(partial(_remove_log, origin))

    async def logs(self) -> tuple[WatchedLog, ...]:
        """Every log watched, by origin. Raises ``storage-failed``."""
        return await self._run(_read_logs)

    async def log(self, origin: str) -> WatchedLog | None:
        """One log, None where it is not watched. Raises ``storage-failed``."""
        found = await self._run(partial(_read_logs, origin=origin))
        return found[0] if found else None

    async def advance(
        self,
        log: WatchedLog,
        checkpoint: Checkpoint,
        at: int,
        note: bytes,
        start: int,
        leaves: Sequence[bytes],
    ) -> int | None:
        """Record a checkpoint if the tree on record still is that of ``log``; the time to cosign it as of.

        With it go its ``note`` and the verified ``leaves`` from ``start`` on. The time never goes back: it
        is ``at``, or that of the last cosignature where this is later. None where another checkpoint came
        first; nothing was recorded then.

        Raises:
            UnreachableError: ``storage-failed``; nothing may be cosigned then.
        """
        values = (checkpoint.size, checkpoint.root, at, note, log.origin, log.tree.size, log.tree.root)

        def job(db: sqlite3.Connection) -> tuple[int] | None:
            row = _one(db.execute(_ADVANCE, values))
            if row is not None:
                rows = [(log.origin, position, leaf) for position, leaf in enumerate(leaves, start)]
                db.executemany(_PUT_ENTRY, rows)
                db.execute(_PROVED, (log.origin, checkpoint.size, checkpoint.root))
            return row

        row = await self._write(job)
        return None if row is None else row[0]

    async def leaves(self, origin: str, start: int, end: int) -> tuple[bytes, ...]:
        """The verified leaves kept of a log, from ``start`` to ``end`` at most. Raises ``storage-failed``."""
        rows = await self._run(lambda db: db.execute(_LEAVES, (origin, start, end)).fetchall())
        return tuple(leaf for (leaf,) in rows)

    async def notices(self, origin: str) -> tuple[bytes, ...]:
        """The signed statements held of a log, as they came, the oldest first. Raises ``storage-failed``."""
        rows = await self._run(lambda db: db.execute(_NOTICES, (origin,)).fetchall())
        return tuple(statement for (statement,) in rows)

    async def add_notice(self, origin: str, payload_sha256: str, state: str, statement: bytes) -> bool:
        """Hold a statement that a key of ``state`` signed; false if its payload is held already.

        Raises:
            RefusedError: ``notices-full``.
            UnreachableError: ``storage-failed``.
        """
        return await self._write(partial(_add_notice, (origin, payload_sha256, state, statement)))

    async def drop_notices(self, origin: str, payloads: Sequence[str]) -> None:
        """Hold the statements of these payloads no longer. Raises ``storage-failed``."""
        rows = [(origin, payload) for payload in payloads]
        await self._write(lambda db: db.executemany(_DROP_NOTICE, rows).close())

    async def keep_conflict(
        self,
        log: WatchedLog,
        checkpoint: Checkpoint,
        kind: Conflict,
        shown: bytes,
        notice: bytes | None,
        at: int,
    ) -> bool:
        """Keep a checkpoint the log signed beside the one cosigned; false if it is kept, or no more may be.

        Raises:
            UnreachableError: ``storage-failed``.
        """
        values = (log.origin, kind, checkpoint.size, checkpoint.root, shown, log.note, notice, at)
        bound = (log.origin, kind, CONFLICTS_MAX)
        return await self._write(lambda db: db.execute(_KEEP_CONFLICT, values + bound).rowcount == 1)

    async def conflicts(self) -> tuple[KeptConflict, ...]:
        """What is kept against the logs, also those watched no more. Raises ``storage-failed``."""
        return await self._run(_read_conflicts)

    async def _write(self, job: Job[T]) -> T:
        return await self._run(partial(_in_transaction, job))

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
    return await _read(home, _read_logs, ())


async def read_conflicts(home: Path) -> tuple[KeptConflict, ...]:
    """What a home keeps against its logs, the oldest first. Raises ``storage-failed``."""
    return await _read(home, _read_conflicts, ())


async def _read(home: Path, job: Job[T], nothing: T) -> T:
    path = (home / DATABASE_NAME).absolute()
    if not path.exists():
        return nothing
    connection = await open_reader(path)
    try:
        return await connection.run(job)
    except sqlite3.Error as error:
        raise storage_failed(error) from error
    finally:
        await connection.close()


def _in_transaction(job: Job[T], db: sqlite3.Connection) -> T:
    db.execute("BEGIN IMMEDIATE")
    try:
        value = job(db)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    return value


def _add_log(origin: str, vkeys: Sequence[str], pinned: Pinned | None, db: sqlite3.Connection) -> None:
    db.execute(_ADD_LOG, (origin, EMPTY_ROOT))
    db.executemany("INSERT INTO log_key VALUES (?, ?) ON CONFLICT DO NOTHING", [(origin, v) for v in vkeys])
    if pinned is None:
        return
    if not db.execute(_PIN, (pinned.hub, pinned.fingerprint, origin, pinned.fingerprint)).rowcount:
        raise RefusedError("wrong-fingerprint", "this witness has the log pinned to another genesis")


def _remove_log(origin: str, db: sqlite3.Connection) -> None:
    if not db.execute(_REMOVE_LOG, (origin,)).rowcount:
        raise RefusedError("unknown-log", origin)
    db.execute("DELETE FROM log_key WHERE origin = ?", (origin,))
    db.execute("DELETE FROM entry WHERE origin = ?", (origin,))
    db.execute("DELETE FROM notice WHERE origin = ?", (origin,))


def _add_notice(row: tuple[str, str, str, bytes], db: sqlite3.Connection) -> bool:
    origin, payload_sha256, state, statement = row
    if db.execute(_HAS_NOTICE, (origin, payload_sha256)).fetchone():
        return False
    count, size, of_state = db.execute(_COUNT_NOTICES, (state, origin)).fetchone()
    full = count >= NOTICES_MAX or of_state >= NOTICES_OF_STATE_MAX
    if full or size + len(statement) > NOTICES_BYTES_MAX:
        raise RefusedError("notices-full")
    db.execute("INSERT INTO notice VALUES (?, ?, ?, ?)", row)
    return True


def _read_logs(db: sqlite3.Connection, origin: str | None = None) -> tuple[WatchedLog, ...]:
    """All logs, or the one of this origin."""
    keys: dict[str, list[Verifier]] = {}
    for name, vkey in db.execute(_KEYS, (origin, origin)):
        keys.setdefault(name, []).append(Verifier.from_vkey(vkey))
    return tuple(
        WatchedLog(
            name,
            tuple(keys.get(name, ())),
            Tree(size, root),
            at,
            note,
            None if fingerprint is None else Pinned(hub, fingerprint),
        )
        for name, size, root, at, note, hub, fingerprint in db.execute(_LOGS, (origin, origin))
    )


def _read_conflicts(db: sqlite3.Connection) -> tuple[KeptConflict, ...]:
    return tuple(KeptConflict(*row) for row in db.execute(_CONFLICTS))


def _one(cursor: sqlite3.Cursor) -> tuple[int] | None:
    rows: list[tuple[int]] = cursor.fetchall()
    return rows[0] if rows else None
