"""The hub's side of witnessing: asks every witness for cosignatures, publishes the heads that have a quorum.

Each witness is followed by a task of its own, so that a slow or silent one holds nobody up. What the hub
shows at ``/checkpoint`` is the newest head that a quorum has cosigned; whether it may log anything depends on
whether its own head was found consistent with its witnesses since it started. Attests are made in ``attest``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import aiohttp

from poc.core.directory import Directory, Seat
from poc.core.judge import read_cosigned
from poc.core.merkle import consistency_proof
from poc.core.note import SignatureLine, Verifier
from poc.core.statement import SignedStatement
from poc.core.submission import Submission, format_submission
from poc.errors import PocError, RefusedError, UnreachableError
from poc.hub.asking import held_notices, post_checkpoint, read_cosignature
from poc.hub.clock import Clock
from poc.hub.log import Log, View
from poc.hub.metrics import Metrics
from poc.limits import (
    CLOCK_AHEAD_SECONDS_MAX,
    COSIGN_SECONDS_MAX,
    WITNESS_SECONDS_MAX,
)
from poc.logs import log_event
from poc.outgoing.calls import Outgoing
from poc.store.base import Store

_RETRY_SECONDS: Final = (1.0, 60.0)  # after the first failure, and at most
_TRIES: Final = 3  # a witness may move once or twice between two questions
_REFRESHES_WITHIN_FRESHNESS: Final = 3


@dataclass(slots=True)
class Asked:
    """How a witness stands: the size and time it last cosigned, and why it did not the last time, if so.

    ``contradicts``: what it has on record does not fit this log. ``tried``: it was asked since the start.
    """

    seat: Seat
    size: int = 0
    cosigned_at: datetime | None = None
    reason: str | None = None
    contradicts: bool = False
    tried: bool = False
    confirmed: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Published:
    """A head as it is shown, with its cosignatures; ``cosigned_at``: when a quorum had made them."""

    note: bytes
    size: int
    cosigned_at: datetime | None


@dataclass(slots=True)
class _Target:
    """The head that all witnesses are asked for, so that their cosignatures meet on one, and which came."""

    view: View
    since: float
    lines: dict[str, tuple[SignatureLine, datetime]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return self.view.directory.size

    def note(self) -> bytes:
        lines = (str(line).encode() for _, (line, _) in sorted(self.lines.items()))
        return self.view.checkpoint + b"".join(lines)

    def cosigned_at(self) -> datetime | None:
        """When a quorum of the witnesses in force had cosigned it; None as long as none has."""
        seats = {seat.witness for seat in self.view.directory.seats}
        times = sorted((at for witness, (_, at) in self.lines.items() if witness in seats), reverse=True)
        quorum = self.view.directory.quorum
        return times[quorum - 1] if 0 < quorum <= len(times) else None


class Witnesses:
    """Follows the witnesses of the directory. :meth:`load` after the log's; :meth:`run` beside it.

    ``published`` is the newest head with a quorum, cosignatures included. ``on_cosigned`` is told when a
    quorum had cosigned one.
    """

    def __init__(
        self,
        store: Store,
        log: Log,
        now: Clock,
        metrics: Metrics,
        *,
        clock_confirmed: bool = False,
        disregarded: Iterable[str] = (),
        outgoing: Outgoing | None = None,
    ) -> None:
        self._store = store
        self._outgoing = (outgoing or Outgoing()).apart()
        self._log = log
        self._now = now
        self._metrics = metrics
        self._clock_confirmed = clock_confirmed
        self._disregarded = frozenset(disregarded)
        self._asked: dict[str, Asked] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._target: _Target | None = None
        self._published: Published | None = None
        self._proved = False
        self._moved = asyncio.Condition()
        self.on_cosigned: Callable[[datetime], None] = _nobody

    @property
    def published(self) -> Published:
        """The newest head with a quorum; the newest while none is asked for. Raises ``no-registry``."""
        view = self._log.view
        if self._published is None or view.directory.quorum == 0:
            return Published(view.checkpoint, view.directory.size, None)
        return self._published

    @property
    def is_proved(self) -> bool:
        """Whether the log was found to fit what a quorum of witnesses knows, since the hub started."""
        return self._proved or self._log.view.directory.quorum == 0

    def standing(self) -> list[Asked]:
        """How each witness stands, by id."""
        return [asked for _, asked in sorted(self._asked.items())]

    async def load(self) -> None:
        """Show again what was published last. Raises ``storage-failed``."""
        if self._log.view.directory.quorum == 0:
            return
        note = await self._store.read_published()
        if note is not None:
            with contextlib.suppress(RefusedError):  # one that this log did not sign is not shown
                cosigned = read_cosigned(note, self._log.view.directory)
                self._published = Published(note, cosigned.checkpoint.size, None)

    async def check(self) -> None:
        """Return only if the log may go on: its head is proved, and the clock is not ahead of the witnesses'.

        Raises ``witnesses-unheard``, ``clock-unconfirmed``, ``read-only``.
        """
        if self._log.view.directory.quorum == 0:
            return
        if not self._proved:
            await self._until(lambda: self._proved or self._log.read_only)
        if self._log.read_only:
            raise UnreachableError("read-only")
        if not self._proved:
            raise UnreachableError("witnesses-unheard")
        if self._clock_is_ahead():
            self.refresh()
            await self._until(lambda: not self._clock_is_ahead())
        if self._clock_is_ahead():
            raise UnreachableError("clock-unconfirmed")

    async def wait_proved(self) -> None:
        """Wait until a quorum of witnesses has proved the log; for ever where the registry asks for none."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._proved and self._log.view.directory.quorum > 0)

    async def wait_published(self, size: int) -> None:
        """Wait until a head of at least that size is published, ``COSIGN_SECONDS_MAX`` at the most."""
        await self._until(lambda: self.published.size >= size)

    async def refreshed(self) -> Published:
        """The newest head, cosigned anew now as far as the witnesses answer in ``COSIGN_SECONDS_MAX``."""
        view, now = self._log.view, self._now()
        if view.directory.quorum:
            self.refresh()
            await self._until(lambda: _is_of(self.published, view.directory.size, now))
        return self.published

    async def notices(self) -> list[SignedStatement]:
        """The brakes that witnesses in force hold because this log lacks them; a silent one gives none."""
        directory = self._log.view.directory
        async with self._outgoing.session(COSIGN_SECONDS_MAX) as http:
            asked = (held_notices(http, seat.url, directory.origin) for seat in directory.seats)
            answers = await asyncio.gather(*asked)
        return [signed for answer in answers for signed in answer]

    def refresh(self) -> None:
        """Ask every witness now."""
        for asked in self._asked.values():
            asked.wake.set()

    async def run(self) -> None:
        """Follow the witnesses of the directory until cancelled."""
        changed = self._log.listen()
        try:
            async with self._outgoing.session(WITNESS_SECONDS_MAX) as http:
                while True:
                    if not self._log.is_empty:
                        await self._follow_directory(http)
                    await changed.wait()
                    changed.clear()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow_directory(self, http: aiohttp.ClientSession) -> None:
        """Take the newest head up, and a task for each witness there is or will be; end the others."""
        view = self._log.view
        wanted = {seat.witness: seat for seat in (*_waiting(view.directory), *view.directory.seats)}
        for witness in [w for w, asked in self._asked.items() if wanted.get(w) != asked.seat]:
            self._tasks.pop(witness).cancel()
            del self._asked[witness]
            self._metrics.forget_witness(witness)
        for witness, seat in wanted.items():
            if witness not in self._asked:
                asked = self._asked[witness] = Asked(seat)
                self._tasks[witness] = asyncio.create_task(
                    self._follow(asked, http), name=f"witness {witness}"
                )
        if view.directory.quorum == 0:
            self._proved = True
            self._published = Published(view.checkpoint, view.directory.size, None)
        self._aim()
        await self._tell()

    def _aim(self) -> None:
        """Take the newest head as the next target once the present one is published, or got stuck."""
        view, target = self._log.view, self._target
        now = asyncio.get_running_loop().time()
        if target is not None:
            is_done = target.size <= self.published.size and target.lines.keys() >= self._asked.keys()
            is_stuck = now - target.since > COSIGN_SECONDS_MAX
            is_over = target.size < self.published.size
            if target.view is view or not (is_done or is_stuck or is_over or target.cosigned_at()):
                return
        self._target = _Target(view, now)
        self.refresh()

    async def _follow(self, asked: Asked, http: aiohttp.ClientSession) -> None:
        """Ask one witness for each new head, and again before its cosignature is old."""
        least, most = _RETRY_SECONDS
        delay = least
        while True:
            asked.wake.clear()
            self._aim()
            target = self._target
            try:
                if target is not None:
                    await self._ask(asked, target, http)
                asked.reason, delay = None, least
                pause = self._log.view.directory.settings.freshness_seconds / _REFRESHES_WITHIN_FRESHNESS
            except PocError as error:
                if asked.reason != error.code:
                    log_event("witness", witness=asked.seat.witness, code=error.code, message=error.message)
                asked.reason, pause, delay = error.code, delay, min(most, delay * 2)
            asked.tried = True
            self._judge()
            self._metrics.witness(
                asked.seat.witness, self._log.view.directory.size - asked.size, asked.cosigned_at
            )
            self._metrics.published_size.set(self.published.size)
            self._aim()
            await self._tell()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await asked.wake.wait()

    async def _ask(self, asked: Asked, target: _Target, http: aiohttp.ClientSession) -> None:
        """Have one head cosigned.

        Raises ``witness-unreachable``, ``witness-refused``, ``witness-contradicts``, ``bad-url``,
        ``address-not-allowed``.
        """
        size = target.size
        if asked.size > size:  # a newer one it has cosigned already
            return
        for _ in range(_TRIES):
            proof = await proof_between(self._store, asked.size, size) if asked.size else ()
            body = format_submission(Submission(asked.size, proof, target.view.checkpoint))
            status, answer = await post_checkpoint(http, asked.seat.url, body)
            if status == 200:
                await self._take(asked, target, answer)
                return
            if status != 409 or not answer.strip().isdigit():
                if status == 422:  # our proof is right for our tree, so its tree is another
                    self._contradicted(asked, f"not a continuation of its size {asked.size}")
                raise RefusedError("witness-refused", f"{asked.seat.witness}: HTTP {status}")
            found = int(answer)
            if found > self._log.view.directory.size or found == asked.size == size:
                self._contradicted(asked, f"its size is {found}, ours {size}")
            if found > size:  # it cosigned a newer head meanwhile
                asked.size = found
                return
            asked.size = found
        raise RefusedError("witness-refused", f"{asked.seat.witness}: it moves faster than it is asked")

    def _contradicted(self, asked: Asked, detail: str) -> None:
        asked.contradicts = True
        raise RefusedError("witness-contradicts", f"{asked.seat.witness}: {detail}")

    async def _take(self, asked: Asked, target: _Target, answer: bytes) -> None:
        """Keep the cosignature, and publish the head once it has its quorum. Raises ``witness-refused``."""
        try:
            line, at = read_cosignature(target.view, Verifier.from_vkey(asked.seat.vkey), answer)
        except RefusedError as error:
            raise RefusedError("witness-refused", f"{asked.seat.witness}: {error.code}") from None
        asked.size, asked.cosigned_at, asked.confirmed, asked.contradicts = target.size, at, True, False
        target.lines[asked.seat.witness] = (line, at)
        cosigned_at = target.cosigned_at()
        if cosigned_at is not None and target.size >= self.published.size:
            self.on_cosigned(cosigned_at)
            shown = Published(target.note(), target.size, cosigned_at)
            await self._store.put_published(shown.note)
            if shown.size >= self.published.size:
                self._published = shown

    def _judge(self) -> None:
        """Decide whether this log stands beside its witnesses; read-only where it does not.

        Until it is proved since the start, one that contradicts is enough. Later as many as leave no quorum:
        a single witness that lies, or was restored from a backup, does not stop the log.
        """
        directory = self._log.view.directory
        seats = [self._asked[s.witness] for s in directory.seats if s.witness in self._asked]
        heard = [asked for asked in seats if asked.seat.witness not in self._disregarded]
        against = [asked.seat.witness for asked in heard if asked.contradicts]
        if against and (not self._proved or len(directory.seats) - len(against) < directory.quorum):
            self._log.stop(RefusedError("behind-witnesses", ", ".join(against)))
        elif all(asked.tried for asked in seats) and sum(a.confirmed for a in seats) >= directory.quorum:
            self._proved = True

    def _clock_is_ahead(self) -> bool:
        times = [asked.cosigned_at for asked in self._asked.values() if asked.cosigned_at is not None]
        ahead = timedelta(seconds=CLOCK_AHEAD_SECONDS_MAX)
        return not self._clock_confirmed and (not times or self._now() - max(times) > ahead)

    async def _until(self, holds: Callable[[], bool]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(COSIGN_SECONDS_MAX), self._moved:
                await self._moved.wait_for(holds)

    async def _tell(self) -> None:
        async with self._moved:
            self._moved.notify_all()


async def proof_between(store: Store, old: int, size: int) -> tuple[bytes, ...]:
    """The proof that the stored tree of ``old`` begins that of ``size``. Raises ``storage-failed``."""
    wanted: list[tuple[int, int]] = []

    def note_down(level: int, index: int) -> bytes:
        wanted.append((level, index))
        return bytes(32)

    consistency_proof(old, size, note_down)  # which hashes it asks for does not depend on them
    found = {(level, index): await store.read_hashes(level, index, index + 1) for level, index in wanted}
    return consistency_proof(old, size, lambda level, index: found[level, index][0])


def _nobody(_at: datetime) -> None:
    """Nobody is told."""


def _is_of(shown: Published, size: int, now: datetime) -> bool:
    """Whether a head is at least of that size and was cosigned no earlier than now."""
    return shown.size >= size and shown.cosigned_at is not None and shown.cosigned_at >= now


def _waiting(directory: Directory) -> list[Seat]:
    """The seats that wait for an attest: asked too, so that none comes into force that nobody reached."""
    return [pending.change for pending in directory.pending if isinstance(pending.change, Seat)]
