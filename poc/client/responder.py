"""The responder: receives around the clock, verifies, records retrievals, raises the alarm. It says nothing.

Its device may only ``retrieve``, so that whoever takes this machine can neither acknowledge nor send. What
rings is kept first (``alarms``); how it sounds is the caller's. What it does beside is the hook: a program
run for each message, in its own time, so that it never holds up receiving.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from poc.client.alarms import Ring, due_rings, end_answered_elsewhere, note_faults, note_messages
from poc.client.hooks import Hook
from poc.client.programs import run_program
from poc.client.receiving import Receiving
from poc.core.strictjson import canonical, format_time, parse, parse_time
from poc.errors import PocError, RefusedError
from poc.limits import ALARM_PROGRAM_SECONDS_MAX
from poc.logs import log_event

if TYPE_CHECKING:
    from poc.client.known import Known
    from poc.client.sdk import Desk
    from poc.config import DeskSettings

LOCK_NAME: Final = "responder.lock"
STATE: Final = "responder"
_TOO_MUCH: Final = frozenset({"acknowledge", "send", "change"})
_TICK_SECONDS: Final = 1.0
_ALIVE_SECONDS: Final = 30

Show = Callable[[Ring], None]


def check_rights(known: Known) -> list[str]:
    """What this home's device may do beyond retrieving, sorted. Raises ``no-device``."""
    return sorted(_TOO_MUCH & set(known.own_device("retrieve").may))


class Responder:
    """One responder at a desk's home. ``show`` is given each ring, for the terminal."""

    def __init__(self, desk: Desk, show: Show) -> None:
        self._desk = desk
        self._show = show
        self._began_at = desk.known.now()
        self._receiving = Receiving(desk, age=self._age())
        self._hook = Hook(desk)
        self._was_lost = False

    async def run(self) -> None:
        """Work until cancelled."""
        note_messages(self._desk.known)  # what came before a crash is raised before anything else
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._receiving.run(self._after_sync), name="receive")
                group.create_task(self._ring_for_ever(), name="alarm")
                group.create_task(self._hook.run(), name="hook")
                group.create_task(self._stay_known(), name="state")
        finally:
            self._keep_state()

    def _age(self) -> float:
        """Seconds since the hub was last reached by the responder that ran before."""
        reached = state_of(self._desk.known).get("reached_at")
        if not isinstance(reached, str):
            return 0
        return (self._desk.known.now() - parse_time(reached)).total_seconds()

    async def _after_sync(self) -> None:
        with _going_on():
            note_messages(self._desk.known)
            self._hook.wake()
            if self._receiving.trouble is None:
                await end_answered_elsewhere(self._desk.known, self._desk.hub)
            self._keep_state()

    async def _ring_for_ever(self) -> None:
        while True:
            with _going_on():
                self._look_at_faults()
                for ring in due_rings(self._desk.known.trust.open_alarms(), self._desk.known.now()):
                    await self._ring(ring)
            await asyncio.sleep(_TICK_SECONDS)

    async def _ring(self, ring: Ring) -> None:
        """Show it, sound it, and only then note that it rang: a crash between makes it ring again."""
        self._show(ring)
        log_event(
            "alarm", kind=ring.alarm.kind, status=ring.alarm.status,
            precedence=ring.alarm.precedence, count=len(ring.numbers),
        )  # fmt: skip
        await sound(self._desk.settings, ring)
        known = self._desk.known
        known.trust.note_ring(ring.numbers, format_time(known.now()))

    def _look_at_faults(self) -> None:
        receiving, bound = self._receiving, 60 * self._desk.settings.alarm_hub_minutes
        is_stuck = receiving.syncing_seconds() > bound  # a hub that answers drop by drop is as good as lost
        note_faults(
            self._desk.known,
            trouble="hub-unreachable" if is_stuck else receiving.trouble,
            unreached_seconds=asyncio.get_running_loop().time() - receiving.reached,
            bound_seconds=bound,
        )
        is_lost = receiving.trouble not in (None, "home-in-use")  # another command writes: soon over
        if is_lost != self._was_lost:
            self._was_lost = is_lost
            if is_lost:
                log_event("hub-lost", code=receiving.trouble)
            else:
                log_event("hub-back")

    async def _stay_known(self) -> None:
        while True:
            with _going_on():
                self._keep_state()
            await asyncio.sleep(_ALIVE_SECONDS)

    def _keep_state(self) -> None:
        known, receiving = self._desk.known, self._receiving
        reached_at = state_of(known).get("reached_at")
        if receiving.trouble is None and receiving.has_synced:
            reached_at = format_time(known.now())
        known.trust.set_value(STATE, canonical({
            "began_at": format_time(self._began_at), "alive_at": format_time(known.now()),
            "reached_at": reached_at, "trouble": receiving.trouble, "streaming": receiving.is_streaming,
        }))  # fmt: skip


@contextmanager
def _going_on() -> Iterator[None]:
    """A disk that fails is logged and tried again; it ends no responder."""
    try:
        yield
    except PocError as error:
        log_event("alarm-failed", program="none", code=error.code)


async def sound(settings: DeskSettings, ring: Ring) -> list[str]:
    """Run the programs that a ring calls for; gives the names of those that failed, which are logged.

    An exercise or test never runs the sound of an actual message.
    """
    audio = settings.alarm_practice_sound if ring.voice == "practice" else settings.alarm_sound
    failed = []
    for name, argv in (("sound", audio), ("command", settings.alarm_command)):
        if argv:
            why = await run_program(argv, ring.facts(), ALARM_PROGRAM_SECONDS_MAX)
            if why is not None:
                failed.append(name)
                log_event("alarm-failed", program=name, code=why)
    return failed


def state_of(known: Known) -> dict[str, Any]:
    """What the responder of this home last said of itself; empty before it ever ran."""
    data = known.trust.value(STATE)
    value: Any = {} if data is None else parse(data)
    return value if isinstance(value, dict) else {}


def responder_status(known: Known, home: Path) -> dict[str, Any]:
    """Whether a responder runs at this home, what it last said, and the alarms that ring."""
    said = state_of(known)
    alarms = [
        {
            "kind": alarm.kind, "message": alarm.message, "status": alarm.status,
            "precedence": alarm.precedence, "raised_at": alarm.raised_at, "rung": alarm.rung,
            "rung_at": alarm.rung_at,
        }
        for alarm in known.trust.open_alarms()
    ]  # fmt: skip
    names = ("began_at", "alive_at", "reached_at", "trouble", "streaming")
    return {"running": is_running(home), **{name: said.get(name) for name in names}, "alarms": alarms}


def is_running(home: Path) -> bool:
    """Whether a responder holds this home."""
    try:
        descriptor = os.open(home / LOCK_NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@asynccontextmanager
async def sole_responder(home: Path) -> AsyncIterator[None]:
    """Hold the home as its one responder; a process that ends lets go of it. Raises ``responder-runs``."""
    descriptor = os.open(home / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError("responder-runs", str(home)) from None
        yield
    finally:
        os.close(descriptor)


async def until(stopped: asyncio.Event, work: Awaitable[None]) -> None:
    """Do ``work`` until it ends or ``stopped`` is set. Raises what it ends with, one error of a group."""
    task = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    except BaseExceptionGroup as group:
        raise _first(group) from None
    finally:
        for each in (task, waiting):
            each.cancel()
        await asyncio.gather(task, waiting, return_exceptions=True)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
