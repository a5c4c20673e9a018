"""SQL of nudges: the addresses that States gave, and what is due; each verb one job.

The promises stand in ``base``; transactions and threads in ``writer``.
"""

from __future__ import annotations

import hmac
import json
import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from poc.store.base import CodeOutcome, DueNudge, NewNudgeAddress, StoredNudgeAddress, Unnudged
from poc.store.sqlite_log import seconds, time_of

_SHOWN = (
    "number, contact, kind, address, precedence, languages, secret,"
    " confirmed_at, succeeded_at, failed_at, failure"
)
_COLUMNS = f"{_SHOWN}, code, code_until, tries"


def set_nudge_addresses(
    db: sqlite3.Connection, contact: str, wanted: Sequence[NewNudgeAddress]
) -> tuple[StoredNudgeAddress, ...]:
    """See ``Store.set_nudge_addresses``. ``truncate_wal`` comes after its commit."""
    kept = {(one.kind, one.address) for one in wanted}
    for one in read_nudge_addresses(db, contact):
        if (one.kind, one.address) not in kept:
            db.execute("DELETE FROM nudge_addresses WHERE number = ?", (one.number,))
    for new in wanted:
        db.execute(
            "INSERT INTO nudge_addresses"
            " (contact, kind, address, precedence, languages, secret, code, code_until, tries)"
            " VALUES (?, ?, ?, ?, ?, ?, '', 0, 0)"
            " ON CONFLICT (contact, kind, address)"
            " DO UPDATE SET precedence = excluded.precedence, languages = excluded.languages",
            (contact, new.kind, new.address, new.precedence, ",".join(new.languages), new.secret),
        )
    _rewrite(db)
    return read_nudge_addresses(db, contact)


def _rewrite(db: sqlite3.Connection) -> None:
    """Give every page of the table back, which zeroes it, and write anew what stays: as with openings."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM nudge_addresses ORDER BY number").fetchall()  # noqa: S608
    db.execute("DELETE FROM nudge_addresses")
    marks = ", ".join("?" * (_COLUMNS.count(",") + 1))
    db.executemany(f"INSERT INTO nudge_addresses ({_COLUMNS}) VALUES ({marks})", rows)  # noqa: S608


def read_nudge_addresses(db: sqlite3.Connection, contact: str) -> tuple[StoredNudgeAddress, ...]:
    """See ``Store.read_nudge_addresses``."""
    rows = db.execute(
        f"SELECT {_SHOWN} FROM nudge_addresses WHERE contact = ? ORDER BY number",  # noqa: S608
        (contact,),
    )
    return tuple(
        StoredNudgeAddress(
            *(row[0], row[1], row[2], row[3], row[4], tuple(row[5].split(",")), row[6]),
            *(_time(row[7]), _time(row[8]), _time(row[9]), row[10]),
        )
        for row in rows
    )


def _time(stored: int | None) -> Any:
    return None if stored is None else time_of(stored)


def list_nudge_contacts(db: sqlite3.Connection) -> tuple[str, ...]:
    """See ``Store.list_nudge_contacts``."""
    rows = db.execute("SELECT DISTINCT contact FROM nudge_addresses ORDER BY contact")
    return tuple(row[0] for row in rows)


def put_nudge_code(db: sqlite3.Connection, number: int, code: str, until: datetime) -> None:
    """See ``Store.put_nudge_code``."""
    db.execute(
        "UPDATE nudge_addresses SET code = ?, code_until = ?, tries = 0"
        " WHERE number = ? AND confirmed_at IS NULL",
        (code, seconds(until), number),
    )


def confirm_nudge_address(
    db: sqlite3.Connection, contact: str, number: int, code: str, now: datetime, tries: int
) -> CodeOutcome:
    """See ``Store.confirm_nudge_address``."""
    row = db.execute(
        "SELECT code, code_until, tries, confirmed_at FROM nudge_addresses WHERE number = ? AND contact = ?",
        (number, contact),
    ).fetchone()
    if row is None:
        return "unknown"
    sent, until, used, confirmed_at = row
    if confirmed_at is not None:
        return "confirmed"
    if until <= seconds(now) or used >= tries:
        return "ended"
    if not hmac.compare_digest(sent.encode(), code.encode()):
        db.execute("UPDATE nudge_addresses SET tries = tries + 1 WHERE number = ?", (number,))
        return "wrong"
    db.execute(
        "UPDATE nudge_addresses SET confirmed_at = ?, code = '' WHERE number = ?", (seconds(now), number)
    )
    return "confirmed"


def note_nudge(db: sqlite3.Connection, number: int, at: datetime, failure: str | None) -> None:
    """See ``Store.note_nudge``."""
    if failure is None:
        db.execute("UPDATE nudge_addresses SET succeeded_at = ? WHERE number = ?", (seconds(at), number))
    else:
        db.execute(
            "UPDATE nudge_addresses SET failed_at = ?, failure = ? WHERE number = ?",
            (seconds(at), failure, number),
        )


def read_unnudged(db: sqlite3.Connection, limit: int) -> Unnudged:
    """See ``Store.read_unnudged``."""
    (after,) = db.execute("SELECT coalesce(max(number), 0) FROM nudge_cursor").fetchone()
    rows = db.execute(
        "SELECT slots.number, slots.message, slots.contact, submissions.sender_contact"
        " FROM slots JOIN submissions ON submissions.id = slots.message"
        " WHERE slots.number > ? ORDER BY slots.number LIMIT ?",
        (after, limit),
    ).fetchall()
    wanted = set(list_nudge_contacts(db)) if rows else set()
    found = ((message, contact) for _, message, contact, sender in rows if contact != sender)
    told = tuple(dict.fromkeys(one for one in found if one[1] in wanted))
    return Unnudged(after, rows[-1][0] if rows else after, told)


def take_nudges(db: sqlite3.Connection, looked_at: Unnudged, nudges: Sequence[DueNudge]) -> bool:
    """See ``Store.take_nudges``."""
    db.execute("INSERT INTO nudge_cursor (id, number) VALUES (1, 0) ON CONFLICT DO NOTHING")
    moved = db.execute(
        "UPDATE nudge_cursor SET number = ? WHERE number = ?", (looked_at.upto, looked_at.after)
    )
    if moved.rowcount != 1:
        return False
    db.executemany(
        "INSERT INTO nudges"
        " (message, contact, step, began_at, due_at, claimed_until, precedence, status, ends_at)"
        " VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (
                *(one.message, one.contact, one.step, seconds(one.began_at), seconds(one.due_at)),
                *(one.precedence, one.status, seconds(one.ends_at)),
            )
            for one in nudges
        ],
    )
    return True


def read_due_nudges(
    db: sqlite3.Connection, now: datetime, without: Collection[str], limit: int
) -> tuple[DueNudge, ...]:
    """See ``Store.read_due_nudges``."""
    rows = db.execute(
        "SELECT message, contact, step, began_at, due_at, precedence, status, ends_at FROM nudges"
        " WHERE due_at <= ?1 AND claimed_until <= ?1 AND contact NOT IN (SELECT value FROM json_each(?2))"
        " ORDER BY CASE precedence WHEN 'flash' THEN 0 WHEN 'immediate' THEN 1 WHEN 'priority' THEN 2"
        " ELSE 3 END, due_at, message, contact LIMIT ?3",
        (seconds(now), json.dumps(sorted(without)), limit),
    )
    return tuple(
        DueNudge(*(row[0], row[1], row[2], time_of(row[3]), time_of(row[4]), row[5], row[6], time_of(row[7])))
        for row in rows
    )


def claim_nudge(db: sqlite3.Connection, nudge: DueNudge, now: datetime, until: datetime) -> bool:
    """See ``Store.claim_nudge``."""
    claimed = db.execute(
        "UPDATE nudges SET claimed_until = ?"
        " WHERE message = ? AND contact = ? AND step = ? AND claimed_until <= ?",
        (seconds(until), nudge.message, nudge.contact, nudge.step, seconds(now)),
    )
    return claimed.rowcount == 1


def finish_nudge(db: sqlite3.Connection, nudge: DueNudge, next_due_at: datetime | None) -> None:
    """See ``Store.finish_nudge``."""
    key = (nudge.message, nudge.contact, nudge.step)
    if next_due_at is None:
        db.execute("DELETE FROM nudges WHERE message = ? AND contact = ? AND step = ?", key)
    else:
        db.execute(
            "UPDATE nudges SET step = step + 1, due_at = ?, claimed_until = 0"
            " WHERE message = ? AND contact = ? AND step = ?",
            (seconds(next_due_at), *key),
        )


def forget_nudges(db: sqlite3.Connection, now: datetime) -> int:
    """See ``Store.forget_nudges``."""
    return db.execute("DELETE FROM nudges WHERE ends_at <= ?", (seconds(now),)).rowcount


def read_answerers(db: sqlite3.Connection, message_id: str, contact: str) -> tuple[tuple[str, str], ...]:
    """See ``Store.read_answerers``."""
    rows = db.execute(
        "SELECT kid, outcome FROM answers WHERE message = ? AND contact = ? ORDER BY kid, outcome",
        (message_id, contact),
    )
    return tuple((row[0], row[1]) for row in rows)
