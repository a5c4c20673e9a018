"""What a check reads of a database through one read-only connection: one moment, whole, a part at a time.

The verbs of ``Store`` that the log's own proof needs are here under their names, so that the log of a file
is proved by the code that proves it at a start. Nothing here judges what it reads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from poc.store import sqlite_log as log
from poc.store import sqlite_operation as operation
from poc.store import sqlite_privacy as privacy
from poc.store.base import Leaf, StoredHead, StoredOpening, StoredRestore
from poc.store.trail import ALL, Trail

_AT_ONCE = 500


class FileReader:
    """Reads one open connection; see ``copy.reading``."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    async def read_head(self) -> StoredHead | None:
        """See ``Store``."""
        return log.read_head(self._db)

    async def read_leaves(self, start: int, end: int) -> tuple[Leaf, ...]:
        """See ``Store``."""
        return log.read_leaves(self._db, start, end)

    async def read_hashes(self, level: int, start: int, end: int) -> tuple[bytes, ...]:
        """See ``Store``."""
        return log.read_hashes(self._db, level, start, end)

    def hash(self, level: int, index: int) -> bytes:
        """The hash of one complete subtree, which a log that proved itself has."""
        return log.read_hashes(self._db, level, index, index + 1)[0]

    def restore(self) -> StoredRestore | None:
        """The newest restore."""
        return operation.read_restore(self._db)

    def faults_of_file(self) -> list[str]:
        """What SQLite finds wrong with the file: pages and indexes, then references to rows that are gone."""
        found = [str(row[0]) for row in self._db.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
        gone = self._db.execute("PRAGMA foreign_key_check").fetchmany(20)
        return found + [
            f"{table}: row {row} refers to a row of {parent} that is gone" for table, row, parent, _ in gone
        ]

    def trail(self) -> Trail:
        """The audit trail, with the log's entries that its anchors are verified by."""
        leaves = log.read_leaves(self._db, 0, ALL)
        return Trail(privacy.read_audit(self._db, 0, ALL), privacy.read_anchors(self._db), leaves)

    def openings(self) -> Iterator[StoredOpening]:
        """Every opening."""
        after = 0
        while rows := log.read_openings(self._db, after, _AT_ONCE):
            yield from rows
            after = rows[-1].number

    def receipts(self, sample: int | None) -> list[tuple[str, str]]:
        """(message, receipt): all of them, or the newest and as many picked all over the file."""
        sql = "SELECT message, jws FROM evidence WHERE kind = 'receipt'"
        if sample is None:
            return self._db.execute(sql).fetchall()
        newest = self._db.execute(f"{sql} ORDER BY number DESC LIMIT ?", (sample,)).fetchall()
        picked = self._db.execute(
            f"{sql} AND number IN (SELECT number FROM evidence ORDER BY random() LIMIT ?)",  # noqa: S608
            (sample,),
        ).fetchall()
        return list(dict.fromkeys([*newest, *picked]))

    def envelopes(self, sample: int | None) -> Iterator[tuple[str, str, str, str, str, str]]:
        """(id, digest, protected, iv, ciphertext, tag) of envelopes that are kept: all, or so many."""
        sql = "SELECT id, digest, protected, iv, ciphertext, tag FROM messages WHERE ciphertext <> ''"
        if sample is None:
            yield from self._db.execute(sql)
        else:
            yield from self._db.execute(f"{sql} ORDER BY random() LIMIT ?", (sample,))

    def lost_receipts(self) -> int:
        """How many accepted messages have no receipt among the evidence."""
        sql = (
            "SELECT count(*) FROM submissions WHERE receipt NOT IN"
            " (SELECT jws FROM evidence WHERE kind = 'receipt')"
        )
        (count,) = self._db.execute(sql).fetchone()
        return int(count)
