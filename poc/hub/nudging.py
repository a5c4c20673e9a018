"""The hub's task that nudges: looks what is unread and due, claims each step once, and sends it.

It works beside the relay and from what is stored: no message waits for it, and none is lost to it by a
crash. A step that a node did not finish is taken up again after its claim, under the same id, which its
receiver takes once. A message is unread until an officer's device has fetched it or anyone answered it: a
device that may only retrieve is a machine, and nobody has looked yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict, deque
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

from poc.core.admission import read_header
from poc.core.nudge import PER_HOUR, STEPS_SECONDS, Notice, is_for, nudge_id, short_number, unread_notice
from poc.errors import PocError, RefusedError, UnreachableError
from poc.hub.clock import Clock
from poc.hub.log import Log
from poc.hub.metrics import Metrics
from poc.hub.sending import Channels
from poc.limits import (
    FEED_ITEMS_MAX,
    NUDGE_CLAIM_SECONDS,
    NUDGE_CODES_PER_HOUR_MAX,
    NUDGE_GAP_SECONDS_MIN,
    NUDGE_POLL_SECONDS,
    NUDGE_QUEUE_MAX,
    NUDGE_TRY_AGAIN_SECONDS,
    NUDGES_AT_ONCE_MAX,
)
from poc.logs import log_event
from poc.store.base import DueNudge, Store, StoredNudgeAddress, Unnudged

_HOUR: Final = timedelta(hours=1)


class Nudger:
    """Nudges whom a message waits for. :meth:`run` beside the hub's answers."""

    def __init__(self, store: Store, log: Log, channels: Channels, now: Clock, metrics: Metrics) -> None:
        self._store = store
        self._log = log
        self._channels = channels
        self._now = now
        self._metrics = metrics
        self._asked: deque[tuple[StoredNudgeAddress, Notice]] = deque()
        self._told: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._asked_at: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._busy: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    # --- codes and trials ---

    def allow_asked(self, contact: str, count: int) -> None:
        """Count codes and trials asked for. Raises ``nudge-limit`` and then counts none."""
        times = _within_hour(self._asked_at[contact], self._now())
        if len(times) + count > NUDGE_CODES_PER_HOUR_MAX or len(self._asked) + count > NUDGE_QUEUE_MAX:
            raise RefusedError("nudge-limit")
        times.extend([self._now()] * count)

    def ask(self, to: StoredNudgeAddress, notice: Notice) -> None:
        """Have a code or a trial sent soon; how it ended is shown with the address."""
        self._asked.append((to, notice))
        self._wake.set()

    # --- the task ---

    async def run(self) -> None:
        """Nudge until cancelled. What fails is tried again; nothing is forgotten by it."""
        told: str | None = None
        try:
            while True:
                self._wake.clear()
                try:
                    if not self._log.is_empty:
                        await self.round()
                    told = None
                except PocError as error:
                    if told != error.code:
                        log_event("not-nudged", code=error.code)
                    told = error.code
                except Exception as error:  # noqa: BLE001 (the outermost loop: one defect must not end all nudges)
                    log_event("fault", error=type(error).__name__)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(NUDGE_POLL_SECONDS):
                        await self._wake.wait()
        finally:
            for task in self._tasks:
                task.cancel()
            await self.idle()

    async def round(self) -> None:
        """Take up new messages, and begin to send what is due, as far as there are places free."""
        await self._take_up()
        while self._asked and self._has_place():
            to, notice = self._asked.popleft()
            self._begin(self._send(to, notice, "msg_" + secrets.token_hex(16)))
        while self._has_place():
            now = self._now()
            due = await self._store.read_due_nudges(now, self._busy, NUDGES_AT_ONCE_MAX)
            for nudge in due:
                if nudge.contact not in self._busy and self._has_place():
                    await self._claim(nudge, now)
            if not due:
                return

    async def _claim(self, nudge: DueNudge, now: datetime) -> None:
        until = now + timedelta(seconds=NUDGE_CLAIM_SECONDS)
        if await self._store.claim_nudge(nudge, now, until):
            self._busy.add(nudge.contact)
            self._begin(self._do(nudge))

    async def idle(self) -> None:
        """Return when nothing is being sent."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _has_place(self) -> bool:
        return len(self._tasks) < NUDGES_AT_ONCE_MAX

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded(work), name="nudge")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except PocError as error:  # the disk: the claim ends, and the step is taken up again
            log_event("not-nudged", code=error.code)
        except Exception as error:  # noqa: BLE001 (what a stranger's server makes a library raise ends nothing)
            log_event("fault", error=type(error).__name__)
        finally:
            self._wake.set()

    async def _take_up(self) -> None:
        """Turn slots that nobody looked at into what is due about them."""
        while True:
            new = await self._store.read_unnudged(FEED_ITEMS_MAX)
            if new.upto == new.after:
                return
            await self._store.take_nudges(new, await self._due_about(new))

    async def _due_about(self, new: Unnudged) -> list[DueNudge]:
        now, due = self._now(), []
        for message_id, contact in new.found:
            message = await self._store.read_message(message_id)
            if message is None or not message.protected:
                continue
            header = read_header(message.protected)
            first = timedelta(seconds=STEPS_SECONDS[header.precedence][0])
            due.append(
                DueNudge(
                    message_id,
                    contact,
                    0,
                    now,
                    now + first,
                    header.precedence,
                    header.status,
                    header.expires_at,
                )
            )
        return due

    # --- one step ---

    async def _do(self, nudge: DueNudge) -> None:
        """Do a claimed step, and let the next be due."""
        try:
            next_due_at = None
            if not await self._is_over(nudge):
                await self._tell(nudge)
                next_due_at = self._next_due(nudge)
            await self._store.finish_nudge(nudge, next_due_at)
        finally:
            self._busy.discard(nudge.contact)

    async def _is_over(self, nudge: DueNudge) -> bool:
        """Whether somebody looked, or nobody can any more."""
        directory = self._log.view.directory
        contact = directory.contacts.get(nudge.contact)
        if self._now() >= nudge.ends_at or contact is None or contact.withdrawn or contact.frozen is not None:
            return True
        answers = await self._store.read_answerers(nudge.message, nudge.contact)
        machines = {
            kid for kid, _ in answers if (found := directory.keys.get(kid)) and found.may <= {"retrieve"}
        }
        return any(outcome != "retrieved" or kid not in machines for kid, outcome in answers)

    def _next_due(self, nudge: DueNudge) -> datetime | None:
        steps = STEPS_SECONDS[nudge.precedence]
        if nudge.step + 1 >= len(steps):
            return None
        planned = nudge.began_at + timedelta(seconds=steps[nudge.step + 1])
        return max(planned, self._now() + timedelta(seconds=NUDGE_GAP_SECONDS_MIN))

    async def _tell(self, nudge: DueNudge) -> None:
        """Send one step to every address that is confirmed and wants it."""
        stored = await self._store.read_nudge_addresses(nudge.contact)
        wanted = [
            one for one in stored if one.confirmed_at is not None and is_for(one.precedence, nudge.precedence)
        ]
        if not wanted:
            return
        now = self._now()
        times = _within_hour(self._told[nudge.contact], now)
        if len(times) >= PER_HOUR[nudge.precedence]:
            for one in wanted:
                await self._failed(one, "nudge-limit")
            return
        times.append(now)
        number = short_number(nudge.message, nudge.contact)
        async with asyncio.TaskGroup() as group:
            for one in wanted:
                notice = unread_notice(nudge.status, nudge.precedence, number, one.languages)
                named = nudge_id(nudge.message, nudge.contact, nudge.step, one.number)
                group.create_task(self._send(one, notice, named))

    async def _send(self, to: StoredNudgeAddress, notice: Notice, notice_id: str) -> None:
        """Send to one address, again where that may help, and keep how it ended."""
        for pause in (*NUDGE_TRY_AGAIN_SECONDS, None):
            try:
                await self._channels.send(to, notice, notice_id, self._now())
            except UnreachableError as error:
                if pause is None:
                    await self._failed(to, error.code)
                    return
                await asyncio.sleep(pause)
            except RefusedError as error:
                await self._failed(to, error.code)
                return
            else:
                self._metrics.nudges_sent.labels(to.kind).inc()
                await self._store.note_nudge(to.number, self._now(), None)
                return

    async def _failed(self, to: StoredNudgeAddress, code: str) -> None:
        self._metrics.nudges_failed.labels(to.kind, code).inc()
        log_event("nudge-failed", kind=to.kind, code=code)
        await self._store.note_nudge(to.number, self._now(), code)


def _within_hour(times: deque[datetime], now: datetime) -> deque[datetime]:
    """The same times without those that are past by an hour."""
    while times and times[0] <= now - _HOUR:
        times.popleft()
    return times
