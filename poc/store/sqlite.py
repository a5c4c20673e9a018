"""The SQLite driver: ``hub.db`` in the hub's home, one connection that writes, two that read.

Each verb is one job: its SQL stands in ``sqlite_log``, ``sqlite_relay``, ``sqlite_due``,
``sqlite_blobs`` and ``sqlite_privacy``, group commit in ``writer``, the steps to the present tables in
``migrate``. The promises stand in ``base``. Over 400 lines, because it is one driver of one protocol.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Collection, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from poc.core.audit import AuditEvent, AuditRow
from poc.errors import UnreachableError
from poc.store import sqlite_blobs as blob_sql
from poc.store import sqlite_due as due
from poc.store import sqlite_inbox
from poc.store import sqlite_log as log
from poc.store import sqlite_operation as operation
from poc.store import sqlite_privacy as privacy
from poc.store import sqlite_quotas as quotas
from poc.store import sqlite_relay as relay
from poc.store.base import (
    Accepted,
    Answer,
    BlobChunk,
    DueStep,
    Evidence,
    Existing,
    FeedName,
    InboxItem,
    Leaf,
    Quota,
    Rejection,
    StoredAnchor,
    StoredBlob,
    StoredErasure,
    StoredExercise,
    StoredHead,
    StoredKey,
    StoredMessage,
    StoredOpening,
    StoredProposal,
    StoredRead,
    StoredRestore,
    StoredSlot,
    Subtree,
)
from poc.store.home import bring_up, lock_home
from poc.store.migrate import Migration, read_migrations
from poc.store.sqlite_nudging import SqliteNudging
from poc.store.versions import check_sqlite_version
from poc.store.writer import Connection, Job, Writer, open_reader, open_writer, storage_failed

DATABASE_NAME: Final = "hub.db"
LOCK_NAME: Final = "hub.lock"
READERS: Final = 2
T = TypeVar("T")


class SqliteStore(SqliteNudging):
    """A ``Store`` on one SQLite file. Make it with ``open``.

    ``notice`` is what the start must say about this version of SQLite, None if nothing.
    """

    def __init__(self, writer: Writer, readers: Sequence[Connection], lock: int, notice: str | None) -> None:
        self.notice = notice
        self.writer = writer
        self._readers = readers
        self._turns = itertools.cycle(readers)
        self._lock: int | None = lock

    @classmethod
    async def open(cls, home: Path, migrations: Sequence[Migration] | None = None) -> SqliteStore:
        """Open or make the store of a hub's home, which must be a folder; a second opener is refused.

        Raises:
            RefusedError: ``home-in-use``, ``sqlite-too-old``, ``database-foreign``, ``database-newer``,
                ``migration-changed``.
            UnreachableError: ``storage-failed``.
        """
        notice = check_sqlite_version(sqlite3.sqlite_version)
        lock, path = lock_home(home, LOCK_NAME, DATABASE_NAME)
        opened: list[Connection] = []
        try:
            opened.append(await open_writer(path))
            await opened[0].run(partial(bring_up, migrations=migrations or read_migrations()))
            for _ in range(READERS):
                opened.append(await open_reader(path))  # noqa: PERF401 -- closed if one fails
        except BaseException as error:
            for connection in reversed(opened):
                await connection.close()
            os.close(lock)
            if isinstance(error, sqlite3.Error):
                raise storage_failed(error) from error
            raise
        return cls(Writer(opened[0]), opened[1:], lock, notice)

    async def close(self) -> None:
        """See ``Store``. The lock of the home is given back last."""
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        for reader in self._readers:
            await reader.close()
        await self.writer.close()
        os.close(lock)

    async def _read(self, job: Job[T]) -> T:
        """Run a job on a reader, in one transaction so that all its statements see the same moment."""
        if self._lock is None:
            raise UnreachableError("storage-failed", "the store is closed")
        try:
            return await next(self._turns).run(partial(_in_snapshot, job))
        except sqlite3.Error as error:
            raise storage_failed(error) from error

    async def _write(self, job: Job[T]) -> T:
        return await self.writer.submit(job)

    # --- the log ---

    async def read_head(self) -> StoredHead | None:
        """See ``Store``."""
        return await self._read(log.read_head)

    async def append_entries(
        self,
        expected: bytes | None,
        head: StoredHead,
        leaves: Sequence[Leaf],
        subtrees: Sequence[Subtree],
        closed_proposals: Sequence[str] = (),
        renewed_openings: Sequence[str] = (),
    ) -> None:
        """See ``Store``."""
        job = partial(
            log.append_entries,
            expected=expected,
            head=head,
            leaves=leaves,
            subtrees=subtrees,
            closed_proposals=closed_proposals,
            renewed_openings=renewed_openings,
        )
        await self._write(job)

    async def read_leaves(self, start: int, end: int) -> tuple[Leaf, ...]:
        """See ``Store``."""
        return await self._read(partial(log.read_leaves, start=start, end=end))

    async def find_leaf(self, payload_sha256: str) -> tuple[int, Leaf] | None:
        """See ``Store``."""
        return await self._read(partial(log.find_leaf, payload_sha256=payload_sha256))

    async def read_hashes(self, level: int, start: int, end: int) -> tuple[bytes, ...]:
        """See ``Store``."""
        return await self._read(partial(log.read_hashes, level=level, start=start, end=end))

    async def put_published(self, note: bytes) -> None:
        """See ``Store``."""
        await self._write(partial(log.put_published, note=note))

    async def read_published(self) -> bytes | None:
        """See ``Store``."""
        return await self._read(log.read_published)

    # --- proposals ---

    async def put_proposal(self, proposal: StoredProposal, open_max: int | None = None) -> bool:
        """See ``Store``."""
        return await self._write(partial(log.put_proposal, proposal=proposal, open_max=open_max))

    async def sign_proposal(self, proposal_id: str, expected: bytes, signatures: bytes) -> None:
        """See ``Store``."""
        await self._write(
            partial(log.sign_proposal, proposal_id=proposal_id, expected=expected, signatures=signatures)
        )

    async def read_proposal(self, proposal_id: str, now: datetime) -> StoredProposal | None:
        """See ``Store``."""
        return await self._read(partial(log.read_proposal, proposal_id=proposal_id, now=now))

    async def read_proposals(self, now: datetime, limit: int = 1000) -> tuple[StoredProposal, ...]:
        """See ``Store``."""
        return await self._read(partial(log.read_proposals, now=now, limit=limit))

    async def delete_proposal(self, proposal_id: str) -> bool:
        """See ``Store``."""
        return await self._write(partial(log.delete_proposal, proposal_id=proposal_id))

    async def expire_proposals(self, now: datetime) -> int:
        """See ``Store``."""
        return await self._write(partial(log.expire_proposals, now=now))

    # --- what travels beside the log ---

    async def put_opening(self, commitment: str, contact: str, part: str, data: bytes) -> bool:
        """See ``Store``."""
        return await self._write(
            partial(log.put_opening, commitment=commitment, contact=contact, part=part, data=data)
        )

    async def read_openings(self, after: int, limit: int) -> tuple[StoredOpening, ...]:
        """See ``Store``."""
        return await self._read(partial(log.read_openings, after=after, limit=limit))

    async def read_opening(self, commitment: str) -> StoredOpening | None:
        """See ``Store``."""
        return await self._read(partial(log.read_opening, commitment=commitment))

    async def delete_openings(self, commitments: Sequence[str]) -> int:
        """See ``Store``. The write-ahead log is emptied after it."""
        deleted = await self._write(partial(privacy.delete_openings, commitments=commitments))
        await self.writer.run_alone(privacy.truncate_wal)
        return deleted

    async def erase_opening(self, erasure: StoredErasure) -> bool:
        """See ``Store``. The write-ahead log is emptied after it."""
        first = await self._write(partial(privacy.erase_opening, erasure=erasure))
        await self.writer.run_alone(privacy.truncate_wal)
        return first

    async def read_erasures(self) -> tuple[StoredErasure, ...]:
        """See ``Store``."""
        return await self._read(privacy.read_erasures)

    async def forget_erasures(self, erasures: Sequence[StoredErasure]) -> int:
        """See ``Store``."""
        return await self._write(partial(privacy.forget_erasures, erasures=erasures))

    async def note_reads(self, reads: Sequence[StoredRead]) -> None:
        """See ``Store``."""
        await self._write(partial(privacy.note_reads, reads=reads))

    async def list_reads(self, contact: str) -> tuple[StoredRead, ...]:
        """See ``Store``."""
        return await self._read(partial(privacy.list_reads, contact=contact))

    async def forget_reads(self, before: date) -> int:
        """See ``Store``."""
        return await self._write(partial(privacy.forget_reads, before=before))

    async def put_sealing_key(self, kid: str, jwk: bytes, holder: str) -> bool:
        """See ``Store``."""
        return await self._write(partial(log.put_sealing_key, kid=kid, jwk=jwk, holder=holder))

    async def read_sealing_keys(self, after: int, limit: int) -> tuple[StoredKey, ...]:
        """See ``Store``."""
        return await self._read(partial(log.read_sealing_keys, after=after, limit=limit))

    async def read_sealing_key(self, kid: str) -> StoredKey | None:
        """See ``Store``."""
        return await self._read(partial(log.read_sealing_key, kid=kid))

    # --- messages and evidence ---

    async def accept_message(
        self,
        message: StoredMessage,
        slots: Sequence[StoredSlot],
        steps: Sequence[DueStep] = (),
        blobs: Sequence[str] = (),
        quota: Quota | None = None,
    ) -> Accepted | Existing:
        """See ``Store``."""
        job = partial(
            relay.accept_message, message=message, slots=slots, steps=steps, blobs=blobs, quota=quota
        )
        return await self._write(job)

    async def reject_message(self, rejection: Rejection, quota: Quota | None = None) -> Accepted | Existing:
        """See ``Store``."""
        return await self._write(partial(relay.reject_message, rejection=rejection, quota=quota))

    async def forget_uses(self, before: datetime) -> int:
        """See ``Store``."""
        return await self._write(partial(quotas.forget_uses, before=before))

    async def read_inbox(self, kids: Sequence[str], after: int, limit: int) -> tuple[InboxItem, ...]:
        """See ``Store``."""
        return await self._read(partial(relay.read_inbox, kids=kids, after=after, limit=limit))

    async def read_newest_arrival(self, kids: Sequence[str]) -> int:
        """See ``Store``."""
        return await self._read(partial(sqlite_inbox.read_newest_arrival, kids=kids))

    async def read_message(self, message_id: str) -> StoredMessage | None:
        """See ``Store``."""
        return await self._read(partial(relay.read_message, message_id=message_id))

    async def read_slots(self, message_id: str) -> tuple[StoredSlot, ...]:
        """See ``Store``."""
        return await self._read(partial(relay.read_slots, message_id=message_id))

    async def record_answer(self, answer: Answer) -> Accepted | Existing:
        """See ``Store``."""
        return await self._write(partial(relay.record_answer, answer=answer))

    # --- what is due ---

    async def read_due(self, now: datetime, limit: int) -> tuple[DueStep, ...]:
        """See ``Store``."""
        return await self._read(partial(due.read_due, now=now, limit=limit))

    async def read_steps(self, message_id: str) -> tuple[DueStep, ...]:
        """See ``Store``."""
        return await self._read(partial(due.read_steps, message_id=message_id))

    async def read_next_due(self) -> datetime | None:
        """See ``Store``."""
        return await self._read(due.read_next_due)

    async def take_release(
        self, step: DueStep, receipt: str, kids: Collection[str], unless: Collection[str], then: DueStep
    ) -> bool:
        """See ``Store``."""
        job = partial(due.take_release, step=step, receipt=receipt, kids=kids, unless=unless, then=then)
        return await self._write(job)

    async def take_skip(self, step: DueStep, receipt: str) -> bool:
        """See ``Store``."""
        return await self._write(partial(due.take_skip, step=step, receipt=receipt))

    async def take_expiry(self, step: DueStep, receipt: str, at: datetime) -> bool:
        """See ``Store``."""
        return await self._write(partial(due.take_expiry, step=step, receipt=receipt, at=at))

    async def cancel_steps(
        self, cancel: Answer, contact: str | None, steps: Sequence[DueStep]
    ) -> Accepted | Existing:
        """See ``Store``."""
        return await self._write(partial(due.cancel_steps, cancel=cancel, contact=contact, steps=steps))

    async def read_evidence(self, message_id: str) -> tuple[Evidence, ...]:
        """See ``Store``."""
        return await self._read(partial(relay.read_evidence, message_id=message_id))

    async def read_evidence_feed(self, sender_contact: str, after: int, limit: int) -> tuple[Evidence, ...]:
        """See ``Store``."""
        return await self._read(
            partial(relay.read_evidence_feed, sender_contact=sender_contact, after=after, limit=limit)
        )

    async def drop_envelopes(self, before: datetime) -> int:
        """See ``Store``."""
        return await self._write(partial(privacy.drop_envelopes, before=before))

    # --- blobs ---

    async def put_chunk(self, chunk: BlobChunk) -> StoredBlob | None:
        """See ``Store``."""
        return await self._write(partial(blob_sql.put_chunk, chunk=chunk))

    async def read_blob(self, sha256: str, uploader: str) -> StoredBlob | None:
        """See ``Store``."""
        return await self._read(partial(blob_sql.read_blob, sha256=sha256, uploader=uploader))

    async def find_blob(self, sha256: str, holder: str, kids: Sequence[str]) -> StoredBlob | None:
        """See ``Store``."""
        return await self._read(partial(blob_sql.find_blob, sha256=sha256, holder=holder, kids=kids))

    async def read_blob_part(self, blob: StoredBlob, start: int, end: int) -> bytes:
        """See ``Store``."""
        return await self._read(partial(blob_sql.read_blob_part, blob=blob, start=start, end=end))

    async def drop_orphan_blobs(self, before: datetime, limit: int) -> int:
        """See ``Store``."""
        return await self._write(partial(blob_sql.drop_orphan_blobs, before=before, limit=limit))

    # --- the audit trail ---

    async def append_audit(self, event: AuditEvent) -> AuditRow:
        """See ``Store``."""
        return await self._write(partial(privacy.append_audit, event=event))

    async def read_audit(self, after: int, limit: int) -> tuple[AuditRow, ...]:
        """See ``Store``."""
        return await self._read(partial(privacy.read_audit, after=after, limit=limit))

    async def read_newest_audit(self) -> AuditRow | None:
        """See ``Store``."""
        return await self._read(privacy.read_newest_audit)

    async def put_anchor(self, anchor: StoredAnchor) -> None:
        """See ``Store``."""
        await self._write(partial(privacy.put_anchor, anchor=anchor))

    async def read_anchors(self) -> tuple[StoredAnchor, ...]:
        """See ``Store``."""
        return await self._read(privacy.read_anchors)

    # --- requests ---

    async def use_nonce(self, kid: str, nonce: str, until: datetime) -> bool:
        """See ``Store``."""
        return await self._write(partial(relay.use_nonce, kid=kid, nonce=nonce, until=until))

    async def forget_nonces(self, before: datetime) -> int:
        """See ``Store``."""
        return await self._write(partial(relay.forget_nonces, before=before))

    # --- exercises ---

    async def put_exercise(
        self, exercise_id: str, controller: str, announcement: str, renewed_openings: Sequence[str] = ()
    ) -> bool:
        """See ``Store``."""
        return await self._write(
            partial(
                relay.put_exercise,
                exercise_id=exercise_id,
                controller=controller,
                announcement=announcement,
                renewed_openings=renewed_openings,
            )
        )

    async def add_order(
        self, exercise_id: str, number: int, previous: str | None, sha256: str, order: str
    ) -> bool:
        """See ``Store``."""
        return await self._write(
            partial(
                relay.add_order,
                exercise_id=exercise_id,
                number=number,
                previous=previous,
                sha256=sha256,
                order=order,
            )
        )

    async def read_exercises(self, after: int, limit: int) -> tuple[StoredExercise, ...]:
        """See ``Store``."""
        return await self._read(partial(relay.read_exercises, after=after, limit=limit))

    async def read_exercise(self, exercise_id: str) -> StoredExercise | None:
        """See ``Store``."""
        return await self._read(partial(relay.read_exercise, exercise_id=exercise_id))

    # --- operation ---

    async def probe(self, now: datetime) -> int:
        """See ``Store``."""
        return await self._write(partial(operation.probe, now=now))

    async def read_restore(self) -> StoredRestore | None:
        """See ``Store``."""
        return await self._read(operation.read_restore)

    async def begin_epoch(self, epoch: str, now: datetime) -> bool:
        """See ``Store``."""
        return await self._write(partial(operation.begin_epoch, epoch=epoch, now=now))

    async def prove_restore(self, now: datetime) -> bool:
        """See ``Store``."""
        return await self._write(partial(operation.prove_restore, now=now))

    async def read_newest_number(self, feed: FeedName) -> int:
        """See ``Store``."""
        return await self._read(partial(operation.read_newest_number, feed=feed))


def _in_snapshot(job: Job[T], db: sqlite3.Connection) -> T:
    db.execute("BEGIN")
    try:
        return job(db)
    finally:
        db.execute("ROLLBACK")
