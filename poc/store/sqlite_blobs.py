"""SQL of blobs: their chunks, who may have them, what becomes of orphans; each verb one job.

The promises stand in ``base``; transactions and threads in ``writer``.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from poc.core.form import state_of
from poc.core.strictjson import b64u
from poc.errors import RefusedError
from poc.store.base import BlobChunk, StoredBlob
from poc.store.sqlite_log import seconds
from poc.store.sqlite_quotas import hold_bytes, let_go_bytes

_BLOB: Final = "SELECT sha256, uploader, size_bytes, have_bytes FROM blobs"
_OF_ITS_UPLOADER: Final = (
    "FROM message_blobs JOIN submissions ON submissions.id = message_blobs.message"
    " WHERE message_blobs.sha256 = blobs.sha256 AND submissions.sender_contact = blobs.uploader"
)


def put_chunk(db: sqlite3.Connection, chunk: BlobChunk) -> StoredBlob | None:
    """See ``Store.put_chunk``."""
    whose = (chunk.sha256, chunk.uploader)
    row: tuple[int, int, int] | None = db.execute(
        "SELECT number, size_bytes, have_bytes FROM blobs WHERE sha256 = ? AND uploader = ?", whose
    ).fetchone()
    if row and row[1] != chunk.size_bytes:
        if row[2] < row[1]:
            _delete(db, row[0])
        return None
    number, size, have = row or (None, chunk.size_bytes, 0)
    end = chunk.start + len(chunk.data)
    if chunk.start != have and end > have:
        raise RefusedError("blob-offset", f"{have} bytes are there", have_bytes=have)
    if end > have:
        number = _append(db, number, chunk, end)
        if end == size and _sha256(db, number) != chunk.sha256:
            _delete(db, number)
            return None
    return StoredBlob(*whose, size, max(have, end))


def _append(db: sqlite3.Connection, number: int | None, chunk: BlobChunk, have: int) -> int:
    at = seconds(chunk.arrived_at)
    hold_bytes(db, state_of(chunk.uploader), "blobs", len(chunk.data), chunk.held_max)
    if number is None:
        (number,) = db.execute(
            "INSERT INTO blobs (sha256, uploader, size_bytes, have_bytes, touched_at)"
            " VALUES (?, ?, ?, ?, ?) RETURNING number",
            (chunk.sha256, chunk.uploader, chunk.size_bytes, have, at),
        ).fetchone()
    else:
        db.execute("UPDATE blobs SET have_bytes = ?, touched_at = ? WHERE number = ?", (have, at, number))
    db.execute(
        "INSERT INTO blob_chunks (blob, start, data) VALUES (?, ?, ?)", (number, chunk.start, chunk.data)
    )
    return int(number)


def _sha256(db: sqlite3.Connection, number: int) -> str:
    digest = hashlib.sha256()
    for (data,) in db.execute("SELECT data FROM blob_chunks WHERE blob = ? ORDER BY start", (number,)):
        digest.update(data)
    return b64u(digest.digest())


def _delete(db: sqlite3.Connection, number: int) -> None:
    (uploader, have) = db.execute(
        "SELECT uploader, have_bytes FROM blobs WHERE number = ?", (number,)
    ).fetchone()
    let_go_bytes(db, state_of(uploader), "blobs", have)
    db.execute("DELETE FROM blob_chunks WHERE blob = ?", (number,))
    db.execute("DELETE FROM blobs WHERE number = ?", (number,))


def read_blob(db: sqlite3.Connection, sha256: str, uploader: str) -> StoredBlob | None:
    """See ``Store.read_blob``."""
    row = db.execute(f"{_BLOB} WHERE sha256 = ? AND uploader = ?", (sha256, uploader)).fetchone()
    return StoredBlob(*row) if row else None


def find_blob(db: sqlite3.Connection, sha256: str, holder: str, kids: Sequence[str]) -> StoredBlob | None:
    """See ``Store.find_blob``."""
    marks = ", ".join("?" * len(kids))
    row = db.execute(
        f"{_BLOB} WHERE sha256 = ? AND have_bytes = size_bytes AND EXISTS (SELECT 1 {_OF_ITS_UPLOADER}"  # noqa: S608 -- marks only
        " AND (sender_contact = ? OR EXISTS (SELECT 1 FROM slots"
        f" WHERE slots.message = message_blobs.message AND slots.kid IN ({marks})))) LIMIT 1",
        (sha256, holder, *kids),
    ).fetchone()
    return StoredBlob(*row) if row else None


def read_blob_part(db: sqlite3.Connection, blob: StoredBlob, start: int, end: int) -> bytes:
    """See ``Store.read_blob_part``."""
    rows = db.execute(
        "SELECT start, data FROM blob_chunks JOIN blobs ON blobs.number = blob"
        " WHERE sha256 = ? AND uploader = ? AND start < ? AND start + length(data) > ? ORDER BY start",
        (blob.sha256, blob.uploader, end, start),
    ).fetchall()
    return b"".join(data[max(0, start - first) : end - first] for first, data in rows)


def drop_orphan_blobs(db: sqlite3.Connection, before: datetime, limit: int) -> int:
    """See ``Store.drop_orphan_blobs``."""
    orphans = db.execute(
        f"SELECT number FROM blobs WHERE touched_at < ? AND NOT EXISTS (SELECT 1 {_OF_ITS_UPLOADER})"  # noqa: S608
        " LIMIT ?",
        (seconds(before), limit),
    ).fetchall()
    for (number,) in orphans:
        _delete(db, number)
    return len(orphans)


def name_blobs(db: sqlite3.Connection, message_id: str, named: Sequence[str]) -> None:
    """Note the blobs of a message that is being accepted."""
    db.executemany(
        "INSERT INTO message_blobs (sha256, message) VALUES (?, ?)",
        [(sha256, message_id) for sha256 in named],
    )
