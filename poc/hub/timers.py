"""What the hub does when its time has come: it releases held slots, and says what had not been answered.

Each step is done once, whatever happens between: its receipt is kept, and the step ended, in one
transaction. What is due stands in the store, so it outlives crashes, and several nodes share it. What may
go out is judged in ``core.holding``; who acknowledged meanwhile is checked again in the transaction.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from poc.core.admission import read_header, slot_sha256
from poc.core.evidence import SlotReceipt
from poc.core.form import read_form
from poc.core.holding import Part, releasable, stand_ins
from poc.core.message import EnvelopeHeader, Slot
from poc.core.play import deadline
from poc.core.receipts import expired_receipt, not_needed_receipt, released_receipt
from poc.errors import PocError, RefusedError, UnreachableError
from poc.hub.clock import Clock
from poc.hub.exercises import Exercises
from poc.hub.log import Log
from poc.hub.metrics import Metrics
from poc.hub.signing import ReceiptSigner
from poc.limits import DUE_SECONDS_MAX
from poc.logs import log_event
from poc.store.base import DueStep, Store, StoredMessage, StoredSlot

_AT_ONCE: Final = 200
_RETRY_SECONDS: Final = 1


class Timers:
    """Does what is due. :meth:`run` beside the hub's answers; :meth:`wake` when something new is due.

    ``guard`` is asked once after the start, before anything is done: it raises while the log is not proved or
    the clock is ahead of the witnesses'. From then on the hub's steady clock is enough, so that no silent
    witness holds an escalation up. ``looked_at``: when all that was due had last been done. ``on_released``
    is told the keys whose inboxes got something.
    """

    def __init__(
        self,
        store: Store,
        log: Log,
        exercises: Exercises,
        signer: ReceiptSigner,
        *,
        now: Clock,
        metrics: Metrics,
        guard: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._log = log
        self._exercises = exercises
        self._signer = signer
        self._now = now
        self._metrics = metrics
        self._guard = guard
        self._is_sure = False
        self._woken = asyncio.Event()
        self.looked_at = time.monotonic()
        self.on_released: Callable[[frozenset[str]], None] = _nobody

    def wake(self) -> None:
        """Look again at what is due."""
        self._woken.set()

    async def run(self) -> None:
        """Do what is due, until cancelled. What fails is tried again; nothing is forgotten by it."""
        told: str | None = None
        while True:
            self._woken.clear()
            try:
                pause, told = await self.do_due(), None
                self.looked_at = time.monotonic()
            except PocError as error:
                if told != error.code:
                    log_event("not-done", code=error.code)
                pause, told = _RETRY_SECONDS, error.code
            except Exception as error:  # noqa: BLE001 (the outermost loop: one defect must not end all deadlines)
                log_event("fault", error=type(error).__name__)
                pause = DUE_SECONDS_MAX
            try:
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def do_due(self) -> float:
        """Do every step that is due now, the earliest first; give the seconds until the next look.

        Raises ``storage-failed``, ``read-only``, and what the guard raises: what was not done stays due.
        """
        while steps := await self._store.read_due(self._now(), _AT_ONCE):
            if not self._is_sure:
                await self._guard()
                self._is_sure = True
            for step in steps:
                await self._do(step)
        next_at = await self._store.read_next_due()
        if next_at is None:
            return DUE_SECONDS_MAX
        return min(max((next_at - self._now()).total_seconds(), 0), DUE_SECONDS_MAX)

    async def _do(self, step: DueStep) -> None:
        message = await self._store.read_message(step.message)
        if message is None or not message.ciphertext:
            return  # dropped meanwhile, and what was due with it
        done = await (self._release(step, message) if step.kind == "release" else self._expire(step, message))
        if done is not None:
            self._metrics.due_done.labels(done).inc()
            lateness = (self._now() - step.at).total_seconds()
            self._metrics.due_lateness_seconds.observe(max(lateness, 0))

    async def _expire(self, step: DueStep, message: StoredMessage) -> str | None:
        now, header = self._now(), read_header(message.protected)
        form = expired_receipt(header, message.digest, step.contact, head=self._log.view.head, at=now)
        taken = await self._store.take_expiry(step, self._signer.sign(form), now)
        return "expired" if taken else None

    async def _release(self, step: DueStep, message: StoredMessage) -> str | None:
        header = read_header(message.protected)
        slots = await self._store.read_slots(message.id)
        parts = tuple(dict.fromkeys(Part(s.contact, s.release_at, s.in_place_of) for s in slots))
        unless = stand_ins(parts, step.contact)
        if unless & await self._acknowledged(message.id):
            return await self._skip(step, message, header, slots, "acknowledged")
        held = [slot for slot in slots if slot.contact == step.contact]
        now, view = self._now(), self._log.view
        try:
            kids = releasable(
                header, step.contact, [s.kid for s in held], view.directory, now, self._exercises.play_of
            )
        except RefusedError as error:
            return await self._skip(step, message, header, slots, error.code)
        out = named_slots(slot for slot in held if slot.kid in kids)
        form = released_receipt(header, message.digest, step.contact, out, head=view.head, at=now)
        then = DueStep(step.message, step.contact, "expire", deadline(header, now))
        try:
            taken = await self._store.take_release(step, self._signer.sign(form), kids, unless, then)
        except UnreachableError:  # they may be out all the same, and then the next round finds nothing due
            self.on_released(kids)
            raise
        if not taken:
            return None
        self.on_released(kids)
        return "released"

    async def _skip(
        self,
        step: DueStep,
        message: StoredMessage,
        header: EnvelopeHeader,
        slots: tuple[StoredSlot, ...],
        reason: str,
    ) -> str | None:
        held = named_slots(slot for slot in slots if slot.contact == step.contact)
        form = not_needed_receipt(
            header, message.digest, step.contact, held, reason, head=self._log.view.head, at=self._now()
        )
        taken = await self._store.take_skip(step, self._signer.sign(form))
        return "not-needed" if taken else None

    async def _acknowledged(self, message_id: str) -> frozenset[str | None]:
        rows = await self._store.read_evidence(message_id)
        return frozenset(row.contact for row in rows if row.event == "acknowledged")


def named_slots(slots: Iterable[StoredSlot]) -> tuple[SlotReceipt, ...]:
    """How receipts name these slots."""
    forms = [read_form(Slot, slot.data) for slot in slots]
    return tuple(
        SlotReceipt(
            contact=form.header.contact,
            kid=form.header.kid,
            sequence=form.header.sequence,
            sha256=slot_sha256(form),
        )
        for form in forms
    )


def _nobody(_kids: frozenset[str]) -> None:
    """Nobody is told."""
