"""SQL of running a hub: the probe of its disk, restores and the newest numbers of feeds; each verb one job.

The promises stand in ``base``; transactions and threads in ``writer``; how a backup is made in ``copy``.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Final

from poc.limits import PROBE_BYTES
from poc.store.base import FeedName, StoredRestore
from poc.store.sqlite_log import seconds, time_of

_NEWEST: Final[dict[FeedName, str]] = {
    "inbox": "SELECT seq FROM sqlite_sequence WHERE name = 'slots'",
    "evidence": "SELECT seq FROM sqlite_sequence WHERE name = 'evidence'",
    "cards": "SELECT seq FROM sqlite_sequence WHERE name = 'openings'",
    "keys": "SELECT seq FROM sqlite_sequence WHERE name = 'sealing_keys'",
    "exercises": "SELECT max(number) FROM exercises",
}
_NEWEST_RESTORE: Final = "number = (SELECT max(number) FROM restores)"


def probe(db: sqlite3.Connection, now: datetime) -> int:
    """See ``Store.probe``. What it takes is given back in the same commit."""
    db.execute(
        "INSERT OR REPLACE INTO probe (id, at, data) VALUES (1, ?, zeroblob(?))", (seconds(now), PROBE_BYTES)
    )
    db.execute("UPDATE probe SET data = x''")
    (applied,) = db.execute("SELECT count(*) FROM migrations").fetchone()
    return int(applied)


def read_restore(db: sqlite3.Connection) -> StoredRestore | None:
    """See ``Store.read_restore``."""
    row = db.execute(f"SELECT taken_at, epoch, proved_at FROM restores WHERE {_NEWEST_RESTORE}").fetchone()  # noqa: S608
    if row is None:
        return None
    return StoredRestore(time_of(row[0]), row[1], None if row[2] is None else time_of(row[2]))


def begin_epoch(db: sqlite3.Connection, epoch: str, now: datetime) -> bool:
    """See ``Store.begin_epoch``."""
    sql = f"UPDATE restores SET epoch = ?, begun_at = ? WHERE {_NEWEST_RESTORE} AND epoch IS NULL"  # noqa: S608
    return db.execute(sql, (epoch, seconds(now))).rowcount == 1


def prove_restore(db: sqlite3.Connection, now: datetime) -> bool:
    """See ``Store.prove_restore``."""
    sql = f"UPDATE restores SET proved_at = ? WHERE {_NEWEST_RESTORE} AND proved_at IS NULL"  # noqa: S608
    return db.execute(sql, (seconds(now),)).rowcount == 1


def read_newest_number(db: sqlite3.Connection, feed: FeedName) -> int:
    """See ``Store.read_newest_number``."""
    row = db.execute(_NEWEST[feed]).fetchone()
    return int(row[0] or 0) if row else 0


def mark_as_backup(db: sqlite3.Connection, taken_at: datetime) -> None:
    """Write into a copy that it is one, so that whoever starts from it begins a new epoch."""
    db.execute("INSERT INTO restores (taken_at) VALUES (?)", (seconds(taken_at),))
