"""SQL of held slots and of what is due; each verb as one job of a connection.

The promises stand in ``base``; transactions and threads in ``writer``; messages in ``sqlite_relay``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from poc.errors import RefusedError
from poc.store.base import Accepted, Answer, DueStep, Existing, StoredSlot
from poc.store.sqlite_log import seconds, time_of


def insert_held(
    db: sqlite3.Connection,
    message_id: str,
    numbered: Sequence[tuple[int, StoredSlot]],
    steps: Sequence[DueStep],
) -> None:
    """Keep the slots of a message that wait, each with its place in the envelope, and what is due."""
    db.executemany(
        "INSERT INTO held_slots (message, contact, kid, data, position, release_at, in_place_of)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (message_id, s.contact, s.kid, s.data, position, seconds(s.release_at), s.in_place_of)
            for position, s in numbered
            if s.release_at is not None
        ],
    )
    for step in steps:
        _insert_step(db, step)


def _insert_step(db: sqlite3.Connection, step: DueStep) -> None:
    db.execute(
        "INSERT INTO due (message, contact, kind, at) VALUES (?, ?, ?, ?)",
        (step.message, step.contact, step.kind, seconds(step.at)),
    )


def insert_evidence(
    db: sqlite3.Connection, message_id: str, record: tuple[str, str, str | None, str]
) -> None:
    """Add (kind, event, contact, jws) to the evidence about a message."""
    db.execute(
        "INSERT INTO evidence (message, sender_contact, kind, event, contact, jws)"
        " SELECT id, sender_contact, ?, ?, ?, ? FROM submissions WHERE id = ?",
        (*record, message_id),
    )


def note_answered(db: sqlite3.Connection, answer: Answer) -> None:
    """Change what is due by an answer that is recorded now. Raises ``step-moved``."""
    if answer.outcome not in ("acknowledged", "declined"):
        return
    expired = db.execute(
        "SELECT at FROM expiries WHERE message = ? AND contact = ?", (answer.message, answer.contact)
    ).fetchone()
    if expired and expired[0] >= seconds(answer.recorded_at):
        raise RefusedError("step-moved", f"{answer.contact} expired", at=expired[0])
    db.execute(
        "DELETE FROM due WHERE message = ? AND contact = ? AND kind = 'expire'",
        (answer.message, answer.contact),
    )
    if answer.outcome == "acknowledged":
        db.execute(
            "UPDATE due SET at = min(at, ?) WHERE message = ? AND kind = 'release' AND contact IN"
            " (SELECT contact FROM held_slots WHERE message = due.message AND in_place_of IN"
            " (SELECT ? UNION SELECT in_place_of FROM slots WHERE message = due.message AND contact = ?))",
            (seconds(answer.recorded_at), answer.message, answer.contact, answer.contact),
        )


def read_due(db: sqlite3.Connection, now: datetime, limit: int) -> tuple[DueStep, ...]:
    """See ``Store.read_due``."""
    rows = db.execute(
        "SELECT message, contact, kind, at FROM due WHERE at <= ? ORDER BY at, message, contact LIMIT ?",
        (seconds(now), limit),
    )
    return tuple(map(_step, rows))


def _step(row: tuple[Any, ...]) -> DueStep:
    message, contact, kind, at = row
    return DueStep(message, contact, kind, time_of(at))


def read_steps(db: sqlite3.Connection, message_id: str) -> tuple[DueStep, ...]:
    """See ``Store.read_steps``."""
    rows = db.execute(
        "SELECT message, contact, kind, at FROM due WHERE message = ? ORDER BY contact, kind", (message_id,)
    )
    return tuple(map(_step, rows))


def read_next_due(db: sqlite3.Connection) -> datetime | None:
    """See ``Store.read_next_due``."""
    (at,) = db.execute("SELECT min(at) FROM due").fetchone()
    return None if at is None else time_of(at)


def _claim(db: sqlite3.Connection, step: DueStep) -> bool:
    """Whether this call is the one that does the step."""
    claimed = db.execute(
        "DELETE FROM due WHERE message = ? AND contact = ? AND kind = ?",
        (step.message, step.contact, step.kind),
    )
    return claimed.rowcount == 1


def take_release(
    db: sqlite3.Connection,
    step: DueStep,
    receipt: str,
    kids: Collection[str],
    unless: Collection[str],
    then: DueStep,
) -> bool:
    """See ``Store.take_release``."""
    acknowledged = db.execute(
        "SELECT contact FROM answers WHERE message = ? AND outcome = 'acknowledged'", (step.message,)
    )
    if {contact for (contact,) in acknowledged} & set(unless) or not _claim(db, step):
        return False
    marks = ", ".join("?" * len(kids))
    chosen = f"message = ? AND contact = ? AND kid IN ({marks})"
    values = (step.message, step.contact, *kids)
    db.execute(
        "INSERT INTO slots"  # noqa: S608 -- marks only
        " (message, contact, kid, sequence, data, position, release_at, in_place_of, released)"
        " SELECT message, contact, kid, NULL, data, position, release_at, in_place_of, ? FROM held_slots"
        f" WHERE {chosen} ORDER BY position",
        (receipt, *values),
    )
    db.execute(f"DELETE FROM held_slots WHERE {chosen}", values)  # noqa: S608 -- marks only
    insert_evidence(db, step.message, ("receipt", "released", step.contact, receipt))
    _insert_step(db, then)
    return True


def take_skip(db: sqlite3.Connection, step: DueStep, receipt: str) -> bool:
    """See ``Store.take_skip``."""
    if not _claim(db, step):
        return False
    insert_evidence(db, step.message, ("receipt", "not-needed", step.contact, receipt))
    return True


def take_expiry(db: sqlite3.Connection, step: DueStep, receipt: str, at: datetime) -> bool:
    """See ``Store.take_expiry``."""
    if not _claim(db, step):
        return False
    db.execute(
        "INSERT INTO expiries (message, contact, at) VALUES (?, ?, ?)",
        (step.message, step.contact, seconds(at)),
    )
    insert_evidence(db, step.message, ("receipt", "expired", step.contact, receipt))
    return True


def cancel_steps(
    db: sqlite3.Connection, cancel: Answer, contact: str | None, steps: Sequence[DueStep]
) -> Accepted | Existing:
    """See ``Store.cancel_steps``."""
    if not db.execute("SELECT 1 FROM messages WHERE id = ?", (cancel.message,)).fetchone():
        raise RefusedError("unknown-message", cancel.message)
    key = (cancel.message, cancel.contact, cancel.kid, cancel.outcome)
    known = db.execute(
        "SELECT receipt FROM answers WHERE message = ? AND contact = ? AND kid = ? AND outcome = ?", key
    ).fetchone()
    if known:
        return Existing(known[0])
    if not steps:
        raise RefusedError("already-released")
    for step in steps:
        if not _claim(db, step):
            raise RefusedError("step-moved", step.contact)
    db.execute(
        "INSERT INTO answers (message, contact, kid, outcome, sha256, receipt, recorded_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*key, cancel.sha256, cancel.receipt, seconds(cancel.recorded_at)),
    )
    insert_evidence(db, cancel.message, ("cancel", "cancelled", cancel.contact, cancel.jws))
    insert_evidence(db, cancel.message, ("receipt", "not-needed", contact, cancel.receipt))
    return Accepted(cancel.receipt)
