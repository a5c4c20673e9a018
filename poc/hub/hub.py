"""The hub put together from its store, keys and clock, and what runs beside its answers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from poc.core.due import due_warnings
from poc.core.keys import SigningKey
from poc.core.note import Signer
from poc.errors import PocError, UnreachableError
from poc.hub.attest import Attestor
from poc.hub.audit import Audit
from poc.hub.blobs import Blobs
from poc.hub.clock import Clock
from poc.hub.exercises import Exercises
from poc.hub.health import Health
from poc.hub.intake import Intake
from poc.hub.log import Log
from poc.hub.metrics import Metrics
from poc.hub.notify import Device, Wakes
from poc.hub.nudges import Nudges
from poc.hub.nudging import Nudger
from poc.hub.openings import Openings
from poc.hub.registry import Registry
from poc.hub.relay import Relay
from poc.hub.restored import Restored
from poc.hub.retention import run_jobs
from poc.hub.sending import Channels
from poc.hub.signing import ReceiptSigner
from poc.hub.streams import Streams
from poc.hub.timers import Timers
from poc.hub.witnesses import Witnesses
from poc.limits import LOAD_SECONDS_MAX
from poc.logs import log_event
from poc.store.base import Store

_SWEEP_SECONDS: Final = 60


class Hub:
    """Every use case, ready after :meth:`load`. :meth:`run` must run beside them."""

    def __init__(
        self,
        store: Store,
        *,
        log_signer: Signer | None,
        hub_key: SigningKey | None,
        now: Clock,
        clock_confirmed: bool = False,
        disregarded: Iterable[str] = (),
        home: Path | None = None,
        channels: Channels | None = None,
    ) -> None:
        channels = channels or Channels()
        self.store = store
        self.now = now
        self.metrics = Metrics()
        self.log = Log(store, log_signer, now, clock_confirmed=clock_confirmed, metrics=self.metrics)
        self.witnesses = Witnesses(
            store,
            self.log,
            now,
            self.metrics,
            clock_confirmed=clock_confirmed,
            disregarded=disregarded,
            outgoing=channels.outgoing,
        )
        self.log.guard = self.witnesses.check
        self.attestor = Attestor(store, self.log, self.witnesses, hub_key, now)
        self.registry = Registry(store, self.log, now, self.witnesses)
        self.exercises = Exercises(store, self.log, now)
        self.openings = Openings(store, self.log, self.exercises, now)
        self.audit = Audit(store, self.log, hub_key, now)
        self.intake = Intake(self.metrics, time.monotonic)
        self.nudger = Nudger(store, self.log, channels, now, self.metrics)
        self.nudges = Nudges(store, self.log, channels, self.nudger, now)
        self._signer = ReceiptSigner(self.log, hub_key)
        self.timers = Timers(
            store,
            self.log,
            self.exercises,
            self._signer,
            now=now,
            metrics=self.metrics,
            guard=self._may_do_due,
        )
        self.relay = Relay(
            store, self.log, self.exercises, self._signer, self.timers, now=now, intake=self.intake
        )
        self.blobs = Blobs(store, self.log, now)
        self.wakes = Wakes(self._device_of)
        self.streams = Streams(store, self.log, self.wakes)
        self.relay.on_accepted = self.timers.on_released = self.wakes.wake
        self.restored = Restored(store, self.log, self.witnesses, now)
        self.health = Health(self, home, clock_confirmed=clock_confirmed)
        self._loaded = asyncio.Event()

    @property
    def reason(self) -> PocError | None:
        """Why the hub takes nothing now; None when it takes statements and messages."""
        if not self._loaded.is_set():
            return UnreachableError("starting")
        reason = self.log.reason or self._signer.reason
        if reason is None and not self.witnesses.is_proved:
            return UnreachableError("witnesses-unheard")
        return reason

    async def load(self) -> None:
        """Recompute and prove everything kept. Raises ``storage-failed``.

        Without a registry, or with a log that does not prove itself, the hub only says so: ``reason``.
        """
        await self.log.load()
        await self.restored.load()
        if not self.log.is_empty:
            await self.witnesses.load()
            await self.exercises.load()
            await self.openings.load()
            await self._erase()
        self._loaded.set()

    async def wait_loaded(self) -> None:
        """Return once the hub is loaded. Raises ``starting`` after ``LOAD_SECONDS_MAX``."""
        try:
            async with asyncio.timeout(LOAD_SECONDS_MAX):
                await self._loaded.wait()
        except TimeoutError:
            raise UnreachableError("starting") from None

    async def run(self) -> None:
        """Write the log, erase what is superseded, forget what has passed, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.log.run(), name="log")
            group.create_task(self.witnesses.run(), name="witnesses")
            group.create_task(self.restored.run(), name="restored")
            group.create_task(self.attestor.run(), name="attest")
            group.create_task(self.timers.run(), name="timers")
            group.create_task(self._erase_after_each_step(), name="erase")
            group.create_task(self._sweep_for_ever(), name="sweep")
            group.create_task(self.health.run(), name="health")
            group.create_task(self.nudger.run(), name="nudges")

    def readiness(self) -> tuple[bool, dict[str, Any]]:
        """Whether statements and messages are taken now, and row by row what stands behind that."""
        checks = self.health.checks()
        states = {check.state for check in checks}
        value: dict[str, Any] = {"status": "warning" if "warning" in states else "ok"}
        failed = next((check.value() for check in checks if check.state == "failed"), None)
        if failed is not None:
            error = self.reason
            message = failed["message"] if error is None else error.message
            value = {"status": "failed", "reason": failed["code"], "message": message, "next": failed["next"]}
        return failed is None, {**value, "checks": [check.value() for check in checks]}

    async def _may_do_due(self) -> None:
        """Return only if due work may begin. Raises ``restore-unproved`` and what the witnesses say."""
        self.restored.check_settled()
        await self.witnesses.check()

    async def refresh_metrics(self) -> None:
        """Bring those gauges up to date that are asked for rather than told."""
        self.health.refresh_metrics()
        self.metrics.read_only.set(0 if self.reason is None else 1)
        self.metrics.streams_open.set(self.wakes.count)
        with contextlib.suppress(PocError):
            self.metrics.proposals_open.set(len(await self.store.read_proposals(self.now())))
            age = self.now() - self.log.view.directory.logged_at
            self.metrics.entry_age_seconds.set(age.total_seconds())
            self.metrics.remind(due_warnings(self.log.view.directory, self.now()))

    def _device_of(self, kid: str) -> Device | None:
        record = self.log.view.directory.keys.get(kid)
        return None if record is None else (record.holder, record.device)

    async def _erase_after_each_step(self) -> None:
        while True:
            await self.log.changed.wait()
            self.log.changed.clear()
            self.wakes.check()
            await self._erase()

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            await self.sweep()
            self.health.note_work()

    async def sweep(self) -> None:
        """Delete what was kept long enough, and anchor the audit trail. A failing disk is tried again."""
        if not self.log.is_empty:
            await run_jobs(self.store, self.openings, self.audit, self.now())
            await self._erase_addresses()
        try:
            await self.audit.anchor()
        except PocError as error:
            log_event("not-erased", kept="audit", code=error.code)

    async def _erase(self) -> None:
        """Erase superseded openings. What the disk did not let go is tried again by the sweep."""
        try:
            erased = await self.openings.erase_superseded()
            if erased:
                log_event("erased", openings=erased)
            await self.audit.record_deleted("openings", erased)
        except PocError as error:
            log_event("not-erased", kept="openings", code=error.code)
        await self._erase_addresses()

    async def _erase_addresses(self) -> None:
        """Erase the addresses of contacts that are no more; the sweep tries again what failed."""
        try:
            erased = await self.nudges.erase_stale()
            if erased:
                await self.audit.record("retention", subject="nudge-addresses", count=erased)
        except PocError as error:
            log_event("not-erased", kept="nudge-addresses", code=error.code)
