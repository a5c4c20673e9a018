"""SQL of erasing, of who read what, of dropped envelopes and of the audit trail; each verb one job.

The promises stand in ``base``; transactions and threads in ``writer``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from poc.core.audit import AuditEvent, AuditRow, chain
from poc.errors import UnreachableError
from poc.store.base import StoredAnchor, StoredErasure, StoredRead
from poc.store.sqlite_log import seconds, time_of
from poc.store.sqlite_quotas import let_go_envelopes

_DAY_SECONDS: Final = 86_400


def _day(day: date) -> int:
    return seconds(datetime(day.year, day.month, day.day, tzinfo=UTC)) // _DAY_SECONDS


def _day_of(stored: int) -> date:
    return time_of(stored * _DAY_SECONDS).date()


# --- openings erased ---


def delete_openings(db: sqlite3.Connection, commitments: Sequence[str]) -> int:
    """See ``Store.delete_openings``. ``truncate_wal`` comes after its commit.

    ``secure_delete`` zeroes what is deleted where it stands, but a page that was split before may hold
    an older copy of it. So every page of the table is given back, which zeroes it whole, and what stays
    is written anew.
    """
    statement = "DELETE FROM openings WHERE commitment = ?"
    deleted = sum(db.execute(statement, (commitment,)).rowcount for commitment in commitments)
    kept = db.execute("SELECT number, commitment, contact, part, data FROM openings ORDER BY number")
    rows = kept.fetchall()
    db.execute("DELETE FROM openings")
    db.executemany(
        "INSERT INTO openings (number, commitment, contact, part, data) VALUES (?, ?, ?, ?, ?)", rows
    )
    return deleted


def truncate_wal(db: sqlite3.Connection) -> None:
    """Copy the write-ahead log into the file and empty it, so that erased bytes do not live on in it.

    Raises:
        UnreachableError: ``storage-failed``, a reader held on to it for too long.
    """
    (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise UnreachableError("storage-failed", "the write-ahead log is in use")


def erase_opening(db: sqlite3.Connection, erasure: StoredErasure) -> bool:
    """See ``Store.erase_opening``."""
    added = db.execute(
        "INSERT INTO erasures (commitment, contact, part, proof, erased_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (commitment, contact) DO NOTHING",
        (erasure.commitment, erasure.contact, erasure.part, erasure.proof, seconds(erasure.erased_at)),
    )
    delete_openings(db, [erasure.commitment])
    return added.rowcount == 1


def read_erasures(db: sqlite3.Connection) -> tuple[StoredErasure, ...]:
    """See ``Store.read_erasures``."""
    rows = db.execute(
        "SELECT commitment, contact, part, proof, erased_at FROM erasures"
        " ORDER BY erased_at, contact, commitment"
    )
    return tuple(StoredErasure(row[0], row[1], row[2], row[3], time_of(row[4])) for row in rows)


def forget_erasures(db: sqlite3.Connection, erasures: Sequence[StoredErasure]) -> int:
    """See ``Store.forget_erasures``."""
    statement = "DELETE FROM erasures WHERE commitment = ? AND contact = ?"
    return sum(db.execute(statement, (one.commitment, one.contact)).rowcount for one in erasures)


# --- who read what ---


def note_reads(db: sqlite3.Connection, reads: Sequence[StoredRead]) -> None:
    """See ``Store.note_reads``."""
    db.executemany(
        "INSERT INTO reads (contact, part, reader, day) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(one.contact, one.part, one.reader, _day(one.day)) for one in reads],
    )


def list_reads(db: sqlite3.Connection, contact: str) -> tuple[StoredRead, ...]:
    """See ``Store.list_reads``."""
    rows = db.execute(
        "SELECT contact, part, reader, day FROM reads WHERE contact = ? ORDER BY part, reader, day",
        (contact,),
    )
    return tuple(StoredRead(row[0], row[1], row[2], _day_of(row[3])) for row in rows)


def forget_reads(db: sqlite3.Connection, before: date) -> int:
    """See ``Store.forget_reads``."""
    return db.execute("DELETE FROM reads WHERE day < ?", (_day(before),)).rowcount


# --- envelopes dropped ---


def drop_envelopes(db: sqlite3.Connection, before: datetime) -> int:
    """See ``Store.drop_envelopes``. The row stays: sequence numbers and answers refer to it.

    The message's blobs are orphans from now on.
    """
    due = "expires_at < ? AND ciphertext <> ''"
    let_go_envelopes(db, due, (seconds(before),))
    for table in ("slots", "held_slots", "due", "message_blobs"):
        db.execute(
            f"DELETE FROM {table} WHERE message IN (SELECT id FROM messages WHERE {due})",  # noqa: S608 -- no value in it
            (seconds(before),),
        )
    dropped = db.execute(
        f"UPDATE messages SET protected = '', iv = '', ciphertext = '', tag = '' WHERE {due}",  # noqa: S608
        (seconds(before),),
    )
    return dropped.rowcount


# --- the audit trail ---


def append_audit(db: sqlite3.Connection, event: AuditEvent) -> AuditRow:
    """See ``Store.append_audit``."""
    row = chain(read_newest_audit(db), event)
    db.execute(
        "INSERT INTO audit (number, record, hash) VALUES (?, ?, ?)", (row.number, row.record, row.hash)
    )
    return row


def read_audit(db: sqlite3.Connection, after: int, limit: int) -> tuple[AuditRow, ...]:
    """See ``Store.read_audit``."""
    rows = db.execute(
        "SELECT number, record, hash FROM audit WHERE number > ? ORDER BY number LIMIT ?", (after, limit)
    )
    return tuple(AuditRow(*row) for row in rows)


def read_newest_audit(db: sqlite3.Connection) -> AuditRow | None:
    """See ``Store.read_newest_audit``."""
    row = db.execute("SELECT number, record, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    return AuditRow(*row) if row else None


def put_anchor(db: sqlite3.Connection, anchor: StoredAnchor) -> None:
    """See ``Store.put_anchor``."""
    db.execute(
        "INSERT INTO audit_anchors (day, number, note) VALUES (?, ?, ?)"
        " ON CONFLICT (day) DO UPDATE SET number = excluded.number, note = excluded.note",
        (_day(anchor.day), anchor.number, anchor.note),
    )


def read_anchors(db: sqlite3.Connection) -> tuple[StoredAnchor, ...]:
    """See ``Store.read_anchors``."""
    rows = db.execute("SELECT day, number, note FROM audit_anchors ORDER BY day")
    return tuple(StoredAnchor(_day_of(row[0]), row[1], row[2]) for row in rows)
