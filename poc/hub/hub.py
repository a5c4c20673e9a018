"""The hub put together from its store, keys and clock, and what runs beside its answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Final

from poc.core.keys import SigningKey
from poc.core.note import Signer
from poc.errors import PocError, UnreachableError
from poc.hub.attest import Attestor
from poc.hub.audit import Audit
from poc.hub.blobs import Blobs
from poc.hub.clock import Clock
from poc.hub.exercises import Exercises
from poc.hub.log import Log
from poc.hub.metrics import Metrics
from poc.hub.openings import Openings
from poc.hub.registry import Registry
from poc.hub.relay import Relay
from poc.hub.retention import run_jobs
from poc.hub.signing import ReceiptSigner
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
    ) -> None:
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
        )
        self.log.guard = self.witnesses.check
        self.attestor = Attestor(store, self.log, self.witnesses, hub_key, now)
        self.registry = Registry(store, self.log, now, self.witnesses)
        self.exercises = Exercises(store, self.log, now)
        self.openings = Openings(store, self.log, self.exercises, now)
        self.audit = Audit(store, self.log, hub_key, now)
        self._signer = ReceiptSigner(self.log, hub_key)
        self.timers = Timers(
            store,
            self.log,
            self.exercises,
            self._signer,
            now=now,
            metrics=self.metrics,
            guard=self.witnesses.check,
        )
        self.relay = Relay(
            store, self.log, self.exercises, self._signer, self.timers, now=now, metrics=self.metrics
        )
        self.blobs = Blobs(store, self.log, now)
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
            group.create_task(self.attestor.run(), name="attest")
            group.create_task(self.timers.run(), name="timers")
            group.create_task(self._erase_after_each_step(), name="erase")
            group.create_task(self._sweep_for_ever(), name="sweep")

    async def refresh_metrics(self) -> None:
        """Bring those gauges up to date that are asked for rather than told."""
        self.metrics.read_only.set(0 if self.reason is None else 1)
        with contextlib.suppress(PocError):
            self.metrics.proposals_open.set(len(await self.store.read_proposals(self.now())))
            age = self.now() - self.log.view.directory.logged_at
            self.metrics.entry_age_seconds.set(age.total_seconds())

    async def _erase_after_each_step(self) -> None:
        while True:
            await self.log.changed.wait()
            self.log.changed.clear()
            await self._erase()

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            await self.sweep()

    async def sweep(self) -> None:
        """Delete what was kept long enough, and anchor the audit trail. A failing disk is tried again."""
        if not self.log.is_empty:
            await run_jobs(self.store, self.openings, self.audit, self.now())
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
