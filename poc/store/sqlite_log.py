"""SQL of the log, of proposals, and of what travels beside the log; each verb as one job of a connection.

The promises stand in ``base``; transactions and threads in ``writer``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

from poc.core.strictjson import b64u
from poc.errors import FaultError, RefusedError
from poc.store.base import Leaf, StoredHead, StoredKey, StoredOpening, StoredProposal, Subtree
from poc.store.quotas import too_many_proposals


def seconds(at: datetime) -> int:
    """A time as it is stored."""
    return int(at.timestamp())


def time_of(stored: int) -> datetime:
    """A stored time as aware UTC."""
    return datetime.fromtimestamp(stored, UTC)


def read_head(db: sqlite3.Connection) -> StoredHead | None:
    """See ``Store.read_head``."""
    row = db.execute("SELECT size, root, checkpoint FROM head").fetchone()
    return StoredHead(*row) if row else None


def put_published(db: sqlite3.Connection, *, note: bytes) -> None:
    """See ``Store.put_published``."""
    db.execute("INSERT OR REPLACE INTO published (id, note) VALUES (1, ?)", (note,))


def read_published(db: sqlite3.Connection) -> bytes | None:
    """See ``Store.read_published``."""
    row = db.execute("SELECT note FROM published").fetchone()
    return row[0] if row else None


def append_entries(
    db: sqlite3.Connection,
    *,
    expected: bytes | None,
    head: StoredHead,
    leaves: Sequence[Leaf],
    subtrees: Sequence[Subtree],
    closed_proposals: Sequence[str],
    renewed_openings: Sequence[str],
) -> None:
    """See ``Store.append_entries``."""
    old = read_head(db)
    old_size = old.size if old else 0
    _swap_head(db, expected, head)
    if head.size != old_size + len(leaves):
        raise FaultError("fault", "the new head does not count the entries that come with it")
    for position, leaf in enumerate(leaves, start=old_size):
        logged = find_leaf(db, leaf.payload_sha256)
        if logged:
            index, entry = logged
            raise RefusedError(
                "already-logged", f"entry {index}", index=index, leaf_hash=b64u(entry.leaf_hash)
            )
        db.execute(
            "INSERT INTO leaves (position, data, leaf_hash, payload_sha256) VALUES (?, ?, ?, ?)",
            (position, leaf.data, leaf.leaf_hash, leaf.payload_sha256),
        )
    db.executemany(
        "INSERT INTO subtrees (level, position, hash) VALUES (?, ?, ?)",
        [(subtree.level, subtree.index, subtree.hash) for subtree in subtrees],
    )
    db.executemany("DELETE FROM proposals WHERE id = ?", [(proposal,) for proposal in closed_proposals])
    renew_openings(db, renewed_openings)


def _swap_head(db: sqlite3.Connection, expected: bytes | None, head: StoredHead) -> None:
    """Compare and swap the signed checkpoint; the number of rows changed decides."""
    if expected is None:
        swapped = db.execute(
            "INSERT INTO head (id, size, root, checkpoint) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            (head.size, head.root, head.checkpoint),
        )
    else:
        swapped = db.execute(
            "UPDATE head SET size = ?, root = ?, checkpoint = ? WHERE id = 1 AND checkpoint = ?",
            (head.size, head.root, head.checkpoint, expected),
        )
    if swapped.rowcount != 1:
        raise RefusedError("head-moved")


def read_leaves(db: sqlite3.Connection, start: int, end: int) -> tuple[Leaf, ...]:
    """See ``Store.read_leaves``."""
    rows = db.execute(
        "SELECT data, leaf_hash, payload_sha256 FROM leaves WHERE position >= ? AND position < ?"
        " ORDER BY position",
        (start, end),
    )
    return tuple(Leaf(*row) for row in rows)


def find_leaf(db: sqlite3.Connection, payload_sha256: str) -> tuple[int, Leaf] | None:
    """See ``Store.find_leaf``."""
    row = db.execute(
        "SELECT position, data, leaf_hash, payload_sha256 FROM leaves WHERE payload_sha256 = ?",
        (payload_sha256,),
    ).fetchone()
    return (row[0], Leaf(*row[1:])) if row else None


def read_hashes(db: sqlite3.Connection, level: int, start: int, end: int) -> tuple[bytes, ...]:
    """See ``Store.read_hashes``."""
    rows = db.execute(
        "SELECT hash FROM subtrees WHERE level = ? AND position >= ? AND position < ? ORDER BY position",
        (level, start, end),
    )
    return tuple(row[0] for row in rows)


def _proposal(row: tuple[str, bytes, bytes, int, int, str]) -> StoredProposal:
    return StoredProposal(row[0], row[1], row[2], time_of(row[3]), time_of(row[4]), row[5])


def put_proposal(db: sqlite3.Connection, proposal: StoredProposal, open_max: int | None = None) -> bool:
    """See ``Store.put_proposal``."""
    added = db.execute(
        "INSERT INTO proposals (id, payload, signatures, opened_at, expires_at, opener)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (
            proposal.id,
            proposal.payload,
            proposal.signatures,
            seconds(proposal.opened_at),
            seconds(proposal.expires_at),
            proposal.opener,
        ),
    )
    if added.rowcount == 0:
        return False
    sql = "SELECT count(*) FROM proposals WHERE opener = ?"
    (count,) = db.execute(sql, (proposal.opener,)).fetchone()
    if open_max is not None and count > open_max:
        raise too_many_proposals(proposal.opener, count - 1)
    return True


def sign_proposal(db: sqlite3.Connection, proposal_id: str, expected: bytes, signatures: bytes) -> None:
    """See ``Store.sign_proposal``."""
    swapped = db.execute(
        "UPDATE proposals SET signatures = ? WHERE id = ? AND signatures = ?",
        (signatures, proposal_id, expected),
    )
    if swapped.rowcount != 1:
        raise RefusedError("proposal-moved")


def read_proposal(db: sqlite3.Connection, proposal_id: str, now: datetime) -> StoredProposal | None:
    """See ``Store.read_proposal``."""
    row = db.execute(
        "SELECT id, payload, signatures, opened_at, expires_at, opener FROM proposals"
        " WHERE id = ? AND expires_at > ?",
        (proposal_id, seconds(now)),
    ).fetchone()
    return _proposal(row) if row else None


def read_proposals(db: sqlite3.Connection, now: datetime, limit: int) -> tuple[StoredProposal, ...]:
    """See ``Store.read_proposals``."""
    rows = db.execute(
        "SELECT id, payload, signatures, opened_at, expires_at, opener FROM proposals WHERE expires_at > ?"
        " ORDER BY opened_at, id LIMIT ?",
        (seconds(now), limit),
    )
    return tuple(_proposal(row) for row in rows)


def delete_proposal(db: sqlite3.Connection, proposal_id: str) -> bool:
    """See ``Store.delete_proposal``."""
    return db.execute("DELETE FROM proposals WHERE id = ?", (proposal_id,)).rowcount == 1


def expire_proposals(db: sqlite3.Connection, now: datetime) -> int:
    """See ``Store.expire_proposals``."""
    return db.execute("DELETE FROM proposals WHERE expires_at <= ?", (seconds(now),)).rowcount


def put_opening(db: sqlite3.Connection, commitment: str, contact: str, part: str, data: bytes) -> bool:
    """See ``Store.put_opening``."""
    erased = "SELECT 1 FROM erasures WHERE commitment = ? AND contact = ?"
    if db.execute(erased, (commitment, contact)).fetchone():
        raise RefusedError("opening-erased", f"{contact} {part}")
    if read_opening(db, commitment):
        return False
    db.execute(
        "INSERT INTO openings (commitment, contact, part, data) VALUES (?, ?, ?, ?)",
        (commitment, contact, part, data),
    )
    return True


def read_openings(db: sqlite3.Connection, after: int, limit: int) -> tuple[StoredOpening, ...]:
    """See ``Store.read_openings``."""
    rows = db.execute(
        "SELECT number, commitment, contact, part, data FROM openings WHERE number > ?"
        " ORDER BY number LIMIT ?",
        (after, limit),
    )
    return tuple(StoredOpening(*row) for row in rows)


def read_opening(db: sqlite3.Connection, commitment: str) -> StoredOpening | None:
    """See ``Store.read_opening``."""
    row = db.execute(
        "SELECT number, commitment, contact, part, data FROM openings WHERE commitment = ?", (commitment,)
    ).fetchone()
    return StoredOpening(*row) if row else None


def renew_openings(db: sqlite3.Connection, commitments: Sequence[str]) -> None:
    """Give openings new numbers, where they are kept; only a new row gets one that was never used."""
    for commitment in commitments:
        opening = read_opening(db, commitment)
        if opening is not None:
            db.execute("DELETE FROM openings WHERE commitment = ?", (commitment,))
            put_opening(db, commitment, opening.contact, opening.part, opening.data)


def put_sealing_key(db: sqlite3.Connection, kid: str, jwk: bytes, holder: str) -> bool:
    """See ``Store.put_sealing_key``."""
    if read_sealing_key(db, kid):
        return False
    db.execute("INSERT INTO sealing_keys (kid, jwk, holder) VALUES (?, ?, ?)", (kid, jwk, holder))
    return True


def read_sealing_keys(db: sqlite3.Connection, after: int, limit: int) -> tuple[StoredKey, ...]:
    """See ``Store.read_sealing_keys``."""
    rows = db.execute(
        "SELECT number, kid, jwk, holder FROM sealing_keys WHERE number > ? ORDER BY number LIMIT ?",
        (after, limit),
    )
    return tuple(StoredKey(*row) for row in rows)


def read_sealing_key(db: sqlite3.Connection, kid: str) -> StoredKey | None:
    """See ``Store.read_sealing_key``."""
    row = db.execute("SELECT number, kid, jwk, holder FROM sealing_keys WHERE kid = ?", (kid,)).fetchone()
    return StoredKey(*row) if row else None
