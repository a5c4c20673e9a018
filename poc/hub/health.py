"""What ``/readyz`` says: one row for each thing the hub needs, as it is, with what to do about it.

The disk is tried by a commit of its own every ``PROBE_SECONDS``, never by a request. A row that failed means
that statements or messages are not taken; a warning, that they will not be before long. No row says a
number or names a file: anyone may ask. The numbers are metrics.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal

from poc.errors import CATALOGUE, PocError, UnreachableError
from poc.hub.backup import last_verified_at
from poc.hub.clock import SteadyClock, check_jump
from poc.limits import (
    CLOCK_AHEAD_SECONDS_MAX,
    DISK_FREE_BYTES_MIN,
    DISK_FREE_BYTES_WARN,
    PROBE_SECONDS,
    PROBE_SECONDS_MAX,
    WAL_BYTES_WARN,
    WORK_SECONDS_MAX,
)
from poc.logs import log_event
from poc.store.migrate import read_migrations
from poc.store.sqlite import DATABASE_NAME

if TYPE_CHECKING:
    from poc.hub.hub import Hub

State = Literal["ok", "warning", "failed"]
STATES: Final[tuple[State, ...]] = ("ok", "warning", "failed")
CHECKS: Final = ("log", "storage", "disk", "wal", "migrations", "work", "witnesses", "clock")


@dataclass(frozen=True, slots=True)
class Check:
    """One row: ``code`` is None where all is well."""

    name: str
    state: State
    code: str | None = None

    def value(self) -> dict[str, Any]:
        """The row as it is shown."""
        row = None if self.code is None else CATALOGUE[self.code]
        return {
            "check": self.name,
            "state": self.state,
            "code": self.code,
            "message": None if row is None else row.sentence,
            "next": None if row is None else row.next_step,
        }


class Health:
    """Looks at a hub. :meth:`run` beside its work; ``home`` is None where the store is no file.

    ``error`` is why the last probe of the disk failed, None if it did not.
    """

    def __init__(self, hub: Hub, home: Path | None, *, clock_confirmed: bool) -> None:
        self._hub = hub
        self._home = home
        self._clock_confirmed = clock_confirmed
        self._steps = 0 if home is None else len(read_migrations())
        self._found_steps = self._steps
        self._probed = self._worked = monotonic()
        self.error: PocError | None = None

    def note_work(self) -> None:
        """The work of every minute was done just now."""
        self._worked = monotonic()

    async def run(self) -> None:
        """Probe until cancelled."""
        self.note_work()
        while True:
            await self.probe()
            await asyncio.sleep(PROBE_SECONDS)

    async def probe(self) -> None:
        """Try the disk once, and keep how that went; a change is an event."""
        before = None if self.error is None else self.error.code
        try:
            async with asyncio.timeout(PROBE_SECONDS_MAX):
                found = await self._hub.store.probe(self._hub.now())
            self.error, self._found_steps = None, found
        except TimeoutError:
            self.error = UnreachableError("storage-failed", f"no commit within {PROBE_SECONDS_MAX} seconds")
        except PocError as error:
            self.error = error
        self._probed = monotonic()
        after = None if self.error is None else self.error.code
        if after != before:
            log_event("storage", code=after, message=None if self.error is None else self.error.message)

    def checks(self) -> list[Check]:
        """Every row, in the order of ``CHECKS``."""
        return [
            self._log(),
            self._storage(),
            *self._files(),
            self._migrations(),
            self._work(),
            *self._beside(),
        ]

    def _log(self) -> Check:
        error = self._hub.reason
        if error is None and not self._hub.log.is_writing:
            return Check("log", "failed", "writer-failed")
        return Check("log", "ok") if error is None else Check("log", "failed", error.code)

    def _storage(self) -> Check:
        if self.error is not None:
            return Check("storage", "failed", self.error.code)
        if monotonic() - self._probed > PROBE_SECONDS_MAX + 2 * PROBE_SECONDS:
            return Check("storage", "failed", "work-stopped")
        return Check("storage", "ok")

    def _files(self) -> list[Check]:
        """How much room there is, and how large the write-ahead log."""
        free, _, wal = self.bytes_of_files()
        disk = Check("disk", "ok")
        if free is not None and free < DISK_FREE_BYTES_MIN:
            disk = Check("disk", "failed", "disk-full")
        elif free is not None and free < DISK_FREE_BYTES_WARN:
            disk = Check("disk", "warning", "disk-low")
        return [disk, Check("wal", "warning", "wal-large") if wal > WAL_BYTES_WARN else Check("wal", "ok")]

    def bytes_of_files(self) -> tuple[int | None, int, int]:
        """Bytes free on the disk (None: there is no disk), of the database, and of its write-ahead log."""
        if self._home is None:
            return None, 0, 0
        try:
            disk = os.statvfs(self._home)
        except OSError:
            return 0, 0, 0
        path = self._home / DATABASE_NAME
        return disk.f_bavail * disk.f_frsize, _size(path), _size(path.with_name(f"{DATABASE_NAME}-wal"))

    def _migrations(self) -> Check:
        """Whether another program changed the tables while this one runs."""
        if self._found_steps == self._steps:
            return Check("migrations", "ok")
        return Check("migrations", "failed", "database-newer")

    def _work(self) -> Check:
        late = monotonic() - min(self._worked, self._hub.timers.looked_at) > WORK_SECONDS_MAX
        return Check("work", "failed", "work-stopped") if late else Check("work", "ok")

    def _beside(self) -> list[Check]:
        """Witnesses and clock, of a registry that there is."""
        if self._hub.log.is_empty:
            return [Check("witnesses", "ok"), Check("clock", "ok")]
        directory, now = self._hub.log.view.directory, self._hub.now()
        since = now - timedelta(seconds=directory.settings.freshness_seconds)
        standing = self._hub.witnesses.standing()
        heard = sum(1 for one in standing if one.cosigned_at is not None and one.cosigned_at >= since)
        silent = Check("witnesses", "warning", "witnesses-silent")
        return [silent if heard < directory.quorum else Check("witnesses", "ok"), self._clock()]

    def _clock(self) -> Check:
        directory, now = self._hub.log.view.directory, self._hub.now()
        if directory.logged_at - now > timedelta(seconds=CLOCK_AHEAD_SECONDS_MAX):
            return Check("clock", "failed", "clock-behind")
        if isinstance(self._hub.now, SteadyClock) and self._hub.now.step_seconds:
            return Check("clock", "warning", "clock-stepped")
        try:
            if directory.quorum == 0:
                check_jump(directory.logged_at, now, confirmed=self._clock_confirmed)
        except PocError as error:
            return Check("clock", "warning", error.code)
        return Check("clock", "ok")

    def refresh_metrics(self) -> None:
        """Bring the gauges up to date that say in numbers what the rows say in words."""
        metrics = self._hub.metrics
        for check in self.checks():
            metrics.check_state.labels(check.name).set(STATES.index(check.state))
        free, database, wal = self.bytes_of_files()
        metrics.disk_free_bytes.set(-1 if free is None else free)
        metrics.database_bytes.set(database)
        metrics.wal_bytes.set(wal)
        backed_up = None if self._home is None else last_verified_at(self._home)
        metrics.backup_seconds.set(0 if backed_up is None else backed_up.timestamp())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
