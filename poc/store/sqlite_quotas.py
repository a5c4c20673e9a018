"""SQL of quotas: counted in the transaction that stores what is counted, never one without the other."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from poc.core.form import state_of
from poc.store.base import Quota
from poc.store.quotas import HOUR_MINUTES, MINUTE_SECONDS, Held, check_held, check_hour, minute_of
from poc.store.sqlite_log import seconds


def count_message(db: sqlite3.Connection, quota: Quota) -> None:
    """Count one message of this minute. Raises ``quota-reached``."""
    minute = minute_of(quota)
    hour = (quota.party, minute - HOUR_MINUTES, minute)
    uses = db.execute(
        "SELECT minute, messages FROM quota_uses WHERE party = ? AND minute > ? AND minute <= ?"
        " ORDER BY minute",
        hour,
    ).fetchall()
    check_hour(quota, uses)
    db.execute(
        "INSERT INTO quota_uses (party, minute, messages) VALUES (?, ?, 1)"
        " ON CONFLICT (party, minute) DO UPDATE SET messages = messages + 1",
        (quota.party, minute),
    )


def hold_bytes(db: sqlite3.Connection, party: str, kind: Held, size_bytes: int, bytes_max: int) -> None:
    """Count bytes as held for a State or body: of an envelope it sent, or a blob it uploaded.

    Raises ``storage-quota`` where that would be more than ``bytes_max``.
    """
    row = db.execute("SELECT bytes FROM quota_held WHERE party = ? AND kind = ?", (party, kind)).fetchone()
    check_held(party, row[0] if row else 0, size_bytes, bytes_max)
    _add_bytes(db, party, kind, size_bytes)


def let_go_bytes(db: sqlite3.Connection, party: str, kind: Held, size_bytes: int) -> None:
    """Count bytes as held no more."""
    _add_bytes(db, party, kind, -size_bytes)


def hold_envelope(db: sqlite3.Connection, message_id: str, size_bytes: int, quota: Quota) -> None:
    """Count a message just stored, and keep with it what it holds. Raises ``storage-quota``."""
    hold_bytes(db, quota.party, "envelopes", size_bytes, quota.bytes_max)
    db.execute("UPDATE messages SET held_bytes = ? WHERE id = ?", (size_bytes, message_id))


def let_go_envelopes(db: sqlite3.Connection, due: str, given: tuple[int, ...]) -> None:
    """Count the envelopes of the messages a condition names as held no more; call it before they go."""
    rows = db.execute(
        "SELECT sender_contact, held_bytes"  # noqa: S608 -- no value in it
        f" FROM messages JOIN submissions ON submissions.id = messages.id WHERE {due}",
        given,
    ).fetchall()
    for sender, size_bytes in rows:
        let_go_bytes(db, state_of(sender), "envelopes", size_bytes)


def forget_uses(db: sqlite3.Connection, before: datetime) -> int:
    """See ``Store.forget_uses``."""
    return db.execute(
        "DELETE FROM quota_uses WHERE minute < ?", (seconds(before) // MINUTE_SECONDS,)
    ).rowcount


def _add_bytes(db: sqlite3.Connection, party: str, kind: Held, size_bytes: int) -> None:
    db.execute(
        "INSERT INTO quota_held (party, kind, bytes) VALUES (?, ?, ?)"
        " ON CONFLICT (party, kind) DO UPDATE SET bytes = bytes + excluded.bytes",
        (party, kind, size_bytes),
    )
