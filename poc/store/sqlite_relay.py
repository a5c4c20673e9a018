"""SQL of messages, evidence, nonces and exercises; each verb as one job of a connection.

The promises stand in ``base``; transactions and threads in ``writer``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from poc.errors import RefusedError
from poc.store.base import (
    Accepted,
    Answer,
    DueStep,
    Evidence,
    Existing,
    InboxItem,
    Quota,
    Rejection,
    StoredExercise,
    StoredMessage,
    StoredSlot,
)
from poc.store.quotas import envelope_bytes
from poc.store.sqlite_blobs import name_blobs
from poc.store.sqlite_due import insert_evidence, insert_held, note_answered
from poc.store.sqlite_log import renew_openings, seconds, time_of
from poc.store.sqlite_quotas import count_message, hold_envelope

_MESSAGE = (
    "messages.id, body_sha256, digest, sender_contact, sender_kid, status, exercise,"
    " protected, iv, ciphertext, tag, receipt, answered_at, expires_at"
)
_MESSAGE_COLUMNS = 14


def _message(row: tuple[Any, ...]) -> StoredMessage:
    *members, accepted_at, expires_at = row[:_MESSAGE_COLUMNS]
    return StoredMessage(*(*members, time_of(accepted_at), time_of(expires_at)))


_SLOT = "contact, kid, sequence, data, release_at, in_place_of, released"


def _slot(row: tuple[Any, ...]) -> StoredSlot:
    contact, kid, sequence, data, release_at, in_place_of, released = row
    at = None if release_at is None else time_of(release_at)
    return StoredSlot(contact, kid, sequence, data, at, in_place_of, released)


def accept_message(
    db: sqlite3.Connection,
    message: StoredMessage,
    slots: Sequence[StoredSlot],
    steps: Sequence[DueStep] = (),
    blobs: Sequence[str] = (),
    quota: Quota | None = None,
) -> Accepted | Existing:
    """See ``Store.accept_message``."""
    existing = _submitted(db, message.id, message.body_sha256, message.sender_contact)
    if existing:
        return existing
    _refuse_used_sequences(db, message, slots)
    if quota is not None:
        count_message(db, quota)
    db.execute(
        "INSERT INTO submissions (id, body_sha256, sender_contact, sender_kid, reason, receipt, answered_at)"
        " VALUES (?, ?, ?, ?, NULL, ?, ?)",
        (
            message.id,
            message.body_sha256,
            message.sender_contact,
            message.sender_kid,
            message.receipt,
            seconds(message.accepted_at),
        ),
    )
    _insert_message(db, message, slots)
    if quota is not None:
        hold_envelope(db, message.id, envelope_bytes(message, slots), quota)
    insert_held(db, message.id, list(enumerate(slots)), steps)
    name_blobs(db, message.id, blobs)
    insert_evidence(db, message.id, ("receipt", "accepted", None, message.receipt))
    return Accepted(message.receipt)


def _submitted(db: sqlite3.Connection, message_id: str, body_sha256: str, sender: str) -> Existing | None:
    """Give what the id was answered with; refuse it if it was for another body."""
    row = db.execute(
        "SELECT body_sha256, sender_contact, receipt, reason FROM submissions WHERE id = ?", (message_id,)
    ).fetchone()
    if row is None:
        return None
    if row[0] == body_sha256:
        return Existing(row[2], row[3])
    known = {"receipt": row[2]} if row[1] == sender else {}
    raise RefusedError("id-used", message_id, **known)


def _refuse_used_sequences(
    db: sqlite3.Connection, message: StoredMessage, slots: Sequence[StoredSlot]
) -> None:
    for contact, sequence in dict.fromkeys((slot.contact, slot.sequence) for slot in slots):
        row = db.execute(
            "SELECT submissions.id, receipt FROM sequences JOIN submissions ON submissions.id = message"
            " WHERE sequences.sender_kid = ? AND contact = ? AND status = ? AND sequence = ?",
            (message.sender_kid, contact, message.status, sequence),
        ).fetchone()
        if row:
            raise RefusedError(
                "sequence-used", f"{contact} number {sequence}", message=row[0], receipt=row[1]
            )


def _insert_message(db: sqlite3.Connection, message: StoredMessage, slots: Sequence[StoredSlot]) -> None:
    db.execute(
        "INSERT INTO messages (id, digest, status, exercise, protected, iv, ciphertext, tag, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message.id,
            message.digest,
            message.status,
            message.exercise,
            message.protected,
            message.iv,
            message.ciphertext,
            message.tag,
            seconds(message.expires_at),
        ),
    )
    db.executemany(
        "INSERT INTO slots (message, contact, kid, sequence, data, position) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (message.id, slot.contact, slot.kid, slot.sequence, slot.data, position)
            for position, slot in enumerate(slots)
            if slot.release_at is None
        ],
    )
    used = dict.fromkeys((slot.contact, slot.sequence) for slot in slots if slot.sequence is not None)
    db.executemany(
        "INSERT INTO sequences (sender_kid, contact, status, sequence, message) VALUES (?, ?, ?, ?, ?)",
        [(message.sender_kid, contact, message.status, number, message.id) for contact, number in used],
    )


def reject_message(
    db: sqlite3.Connection, rejection: Rejection, quota: Quota | None = None
) -> Accepted | Existing:
    """See ``Store.reject_message``."""
    existing = _submitted(db, rejection.id, rejection.body_sha256, rejection.sender_contact)
    if existing:
        return existing
    if quota is not None:
        count_message(db, quota)
    db.execute(
        "INSERT INTO submissions (id, body_sha256, sender_contact, sender_kid, reason, receipt, answered_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            rejection.id,
            rejection.body_sha256,
            rejection.sender_contact,
            rejection.sender_kid,
            rejection.reason,
            rejection.receipt,
            seconds(rejection.rejected_at),
        ),
    )
    record = ("receipt", "rejected", None, rejection.receipt)
    insert_evidence(db, rejection.id, record)
    return Accepted(rejection.receipt)


def read_inbox(db: sqlite3.Connection, kids: Sequence[str], after: int, limit: int) -> tuple[InboxItem, ...]:
    """See ``Store.read_inbox``."""
    marks = ", ".join("?" * len(kids))
    rows = db.execute(
        f"SELECT {_MESSAGE}, number, {_SLOT} FROM slots"  # noqa: S608 -- marks only
        " JOIN messages ON messages.id = slots.message JOIN submissions ON submissions.id = messages.id"
        f" WHERE kid IN ({marks}) AND number > ? ORDER BY number LIMIT ?",
        (*kids, after, limit),
    )
    return tuple(
        InboxItem(row[_MESSAGE_COLUMNS], _message(row), _slot(row[_MESSAGE_COLUMNS + 1 :])) for row in rows
    )


def read_message(db: sqlite3.Connection, message_id: str) -> StoredMessage | None:
    """See ``Store.read_message``."""
    row = db.execute(
        f"SELECT {_MESSAGE} FROM messages JOIN submissions USING (id) WHERE messages.id = ?",  # noqa: S608
        (message_id,),
    ).fetchone()
    return _message(row) if row else None


def read_slots(db: sqlite3.Connection, message_id: str) -> tuple[StoredSlot, ...]:
    """See ``Store.read_slots``."""
    rows = db.execute(
        f"SELECT {_SLOT}, position FROM slots WHERE message = :id UNION ALL"  # noqa: S608 -- names only
        " SELECT contact, kid, NULL, data, release_at, in_place_of, NULL, position FROM held_slots"
        " WHERE message = :id ORDER BY position",
        {"id": message_id},
    )
    return tuple(_slot(row[:-1]) for row in rows)


def record_answer(db: sqlite3.Connection, answer: Answer) -> Accepted | Existing:
    """See ``Store.record_answer``."""
    known = db.execute("SELECT 1 FROM messages WHERE id = ?", (answer.message,)).fetchone()
    if known is None:
        raise RefusedError("unknown-message", answer.message)
    key = (answer.message, answer.contact, answer.kid, answer.outcome)
    row = db.execute(
        "SELECT sha256, receipt FROM answers WHERE message = ? AND contact = ? AND kid = ? AND outcome = ?",
        key,
    ).fetchone()
    if row:
        if row[0] != answer.sha256:
            raise RefusedError("answer-used", answer.outcome, receipt=row[1])
        return Existing(row[1])
    note_answered(db, answer)
    db.execute(
        "INSERT INTO answers (message, contact, kid, outcome, sha256, receipt, recorded_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*key, answer.sha256, answer.receipt, seconds(answer.recorded_at)),
    )
    artefact = (answer.kind, answer.outcome, answer.contact, answer.jws)
    insert_evidence(db, answer.message, artefact)
    insert_evidence(db, answer.message, ("receipt", "recorded", answer.contact, answer.receipt))
    return Accepted(answer.receipt)


def read_evidence(db: sqlite3.Connection, message_id: str) -> tuple[Evidence, ...]:
    """See ``Store.read_evidence``."""
    rows = db.execute(
        "SELECT number, message, kind, event, contact, jws FROM evidence WHERE message = ? ORDER BY number",
        (message_id,),
    )
    return tuple(Evidence(*row) for row in rows)


def read_evidence_feed(
    db: sqlite3.Connection, sender_contact: str, after: int, limit: int
) -> tuple[Evidence, ...]:
    """See ``Store.read_evidence_feed``."""
    rows = db.execute(
        "SELECT number, message, kind, event, contact, jws FROM evidence"
        " WHERE sender_contact = ? AND number > ? ORDER BY number LIMIT ?",
        (sender_contact, after, limit),
    )
    return tuple(Evidence(*row) for row in rows)


def use_nonce(db: sqlite3.Connection, kid: str, nonce: str, until: datetime) -> bool:
    """See ``Store.use_nonce``."""
    used = db.execute(
        "INSERT INTO nonces (kid, nonce, until) VALUES (?, ?, ?) ON CONFLICT (kid, nonce) DO NOTHING",
        (kid, nonce, seconds(until)),
    )
    return used.rowcount == 1


def forget_nonces(db: sqlite3.Connection, before: datetime) -> int:
    """See ``Store.forget_nonces``."""
    return db.execute("DELETE FROM nonces WHERE until < ?", (seconds(before),)).rowcount


def put_exercise(
    db: sqlite3.Connection,
    exercise_id: str,
    controller: str,
    announcement: str,
    renewed_openings: Sequence[str],
) -> bool:
    """See ``Store.put_exercise``."""
    row = db.execute("SELECT controller, announcement FROM exercises WHERE id = ?", (exercise_id,)).fetchone()
    if row:
        if row != (controller, announcement):
            raise RefusedError("id-used", exercise_id)
        return False
    db.execute(
        "INSERT INTO exercises (id, controller, announcement, number)"
        " VALUES (?, ?, ?, (SELECT coalesce(max(number), 0) + 1 FROM exercises))",
        (exercise_id, controller, announcement),
    )
    renew_openings(db, renewed_openings)
    return True


def add_order(
    db: sqlite3.Connection, exercise_id: str, number: int, previous: str | None, sha256: str, order: str
) -> bool:
    """See ``Store.add_order``."""
    if read_exercise(db, exercise_id) is None:
        raise RefusedError("exercise-unknown", exercise_id)
    orders = dict(
        db.execute("SELECT number, sha256 FROM exercise_orders WHERE exercise = ?", (exercise_id,)).fetchall()
    )
    if orders.get(number) == sha256:
        return False
    if number != len(orders) + 1 or orders.get(number - 1) != previous:
        raise RefusedError("order-out-of-sequence", f"{len(orders)} orders are kept")
    db.execute(
        "INSERT INTO exercise_orders (exercise, number, sha256, jws) VALUES (?, ?, ?, ?)",
        (exercise_id, number, sha256, order),
    )
    db.execute(
        "UPDATE exercises SET number = (SELECT max(number) + 1 FROM exercises) WHERE id = ?", (exercise_id,)
    )
    return True


def read_exercises(db: sqlite3.Connection, after: int, limit: int) -> tuple[StoredExercise, ...]:
    """See ``Store.read_exercises``."""
    rows = db.execute(
        "SELECT number, id, controller, announcement FROM exercises WHERE number > ? ORDER BY number LIMIT ?",
        (after, limit),
    ).fetchall()
    return tuple(_with_orders(db, row) for row in rows)


def read_exercise(db: sqlite3.Connection, exercise_id: str) -> StoredExercise | None:
    """See ``Store.read_exercise``."""
    row = db.execute(
        "SELECT number, id, controller, announcement FROM exercises WHERE id = ?", (exercise_id,)
    ).fetchone()
    return _with_orders(db, row) if row else None


def _with_orders(db: sqlite3.Connection, row: tuple[int, str, str, str]) -> StoredExercise:
    orders = db.execute("SELECT jws FROM exercise_orders WHERE exercise = ? ORDER BY number", (row[1],))
    return StoredExercise(*row, orders=tuple(order for (order,) in orders))
