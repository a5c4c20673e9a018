"""The verbs of nudges of the SQLite driver: thin methods over ``sqlite_nudges``, a part of ``sqlite``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from poc.store import sqlite_nudges as sql
from poc.store import sqlite_privacy as privacy
from poc.store.base import CodeOutcome, DueNudge, NewNudgeAddress, StoredNudgeAddress, Unnudged
from poc.store.writer import Job, Writer

T = TypeVar("T")


class SqliteNudging:
    """See ``NudgeStore``."""

    writer: Writer

    if TYPE_CHECKING:  # of the driver that this is a part of

        async def _read(self, job: Job[T]) -> T: ...

        async def _write(self, job: Job[T]) -> T: ...

    async def set_nudge_addresses(
        self, contact: str, wanted: Sequence[NewNudgeAddress]
    ) -> tuple[StoredNudgeAddress, ...]:
        """See ``NudgeStore``. The write-ahead log is emptied after it."""
        stored = await self._write(partial(sql.set_nudge_addresses, contact=contact, wanted=wanted))
        await self.writer.run_alone(privacy.truncate_wal)
        return stored

    async def read_nudge_addresses(self, contact: str) -> tuple[StoredNudgeAddress, ...]:
        """See ``NudgeStore``."""
        return await self._read(partial(sql.read_nudge_addresses, contact=contact))

    async def list_nudge_contacts(self) -> tuple[str, ...]:
        """See ``NudgeStore``."""
        return await self._read(sql.list_nudge_contacts)

    async def put_nudge_code(self, number: int, code: str, until: datetime) -> None:
        """See ``NudgeStore``."""
        await self._write(partial(sql.put_nudge_code, number=number, code=code, until=until))

    async def confirm_nudge_address(
        self, contact: str, number: int, code: str, now: datetime, tries: int
    ) -> CodeOutcome:
        """See ``NudgeStore``."""
        return await self._write(
            partial(
                sql.confirm_nudge_address, contact=contact, number=number, code=code, now=now, tries=tries
            )
        )

    async def note_nudge(self, number: int, at: datetime, failure: str | None) -> None:
        """See ``NudgeStore``."""
        await self._write(partial(sql.note_nudge, number=number, at=at, failure=failure))

    async def read_unnudged(self, limit: int) -> Unnudged:
        """See ``NudgeStore``."""
        return await self._read(partial(sql.read_unnudged, limit=limit))

    async def take_nudges(self, looked_at: Unnudged, nudges: Sequence[DueNudge]) -> bool:
        """See ``NudgeStore``."""
        return await self._write(partial(sql.take_nudges, looked_at=looked_at, nudges=nudges))

    async def read_due_nudges(
        self, now: datetime, without: Collection[str], limit: int
    ) -> tuple[DueNudge, ...]:
        """See ``NudgeStore``."""
        return await self._read(partial(sql.read_due_nudges, now=now, without=without, limit=limit))

    async def claim_nudge(self, nudge: DueNudge, now: datetime, until: datetime) -> bool:
        """See ``NudgeStore``."""
        return await self._write(partial(sql.claim_nudge, nudge=nudge, now=now, until=until))

    async def finish_nudge(self, nudge: DueNudge, next_due_at: datetime | None) -> None:
        """See ``NudgeStore``."""
        await self._write(partial(sql.finish_nudge, nudge=nudge, next_due_at=next_due_at))

    async def forget_nudges(self, now: datetime) -> int:
        """See ``NudgeStore``."""
        return await self._write(partial(sql.forget_nudges, now=now))

    async def read_answerers(self, message_id: str, contact: str) -> tuple[tuple[str, str], ...]:
        """See ``NudgeStore``."""
        return await self._read(partial(sql.read_answerers, message_id=message_id, contact=contact))
