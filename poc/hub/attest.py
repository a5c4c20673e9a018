"""``registry.attest``, made by the hub by itself: daily, when a window has ended, when a change waits.

It states nothing the witnesses did not sign: the newest published head and the way from it to the new entry.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from poc.core import jws
from poc.core.bodies import Attest
from poc.core.directory import Directory
from poc.core.keys import SigningKey
from poc.core.rules import apply
from poc.core.statement import SignedStatement, make_entry, statement_payload
from poc.core.strictjson import b64u
from poc.errors import PocError, RefusedError
from poc.hub.clock import Clock
from poc.hub.log import Log
from poc.hub.witnesses import Witnesses, proof_between
from poc.logs import log_event
from poc.store.base import Store

_DAILY: Final = timedelta(hours=24)
_LOOK_SECONDS: Final = (0.25, 30.0)  # after a change of the log, and at most


class Attestor:
    """Attests the log. :meth:`run` beside it."""

    def __init__(
        self, store: Store, log: Log, witnesses: Witnesses, hub_key: SigningKey | None, now: Clock
    ) -> None:
        self._store = store
        self._log = log
        self._witnesses = witnesses
        self._hub_key = hub_key
        self._now = now

    async def run(self) -> None:
        """Attest whenever it is due, until cancelled. What fails is tried again, less and less often."""
        changed = self._log.listen()
        pause = _LOOK_SECONDS[0]
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await changed.wait()
            if changed.is_set():
                changed.clear()
                pause = _LOOK_SECONDS[0]
            pause = min(pause * 2, _LOOK_SECONDS[1])
            if not self._log.is_empty and not self._log.read_only:
                try:
                    await self.attest()
                except PocError as error:
                    log_event("not-attested", code=error.code, message=error.message)

    async def attest(self) -> bool:
        """Attest if it is due and would bring something; whether it was done. Raises as ``Log.append``."""
        directory, now = self._log.view.directory, self._now()
        if self._hub_key is None or not any(_due(directory, now)):
            return False
        shown = await self._witnesses.refreshed()
        await self._log_notices()
        view = self._log.view
        proof = await proof_between(self._store, shown.size, view.directory.size)
        signed = _statement(view.directory, shown.note, proof, self._hub_key, now)
        if not self._brings(view.directory, signed, now):
            return False
        await self._log.append(signed)
        return True

    async def _log_notices(self) -> None:
        """Log what the witnesses hold, before anything comes into force that it would have stopped.

        A witness takes such a notice only until it has cosigned at a time after the window, which the quorum
        at hand is of: none can come later.
        """
        for signed in await self._witnesses.notices():
            with contextlib.suppress(RefusedError):  # logged by now, or admitted no more
                await self._log.append(signed)

    def _brings(self, directory: Directory, signed: SignedStatement, now: datetime) -> bool:
        """Whether the attest would be admitted, change something, and leave a quorum that answers."""
        entry = make_entry(signed, max(now, directory.logged_at))
        try:
            after = apply(directory, entry)
        except RefusedError as error:
            if error.code not in ("quorum-missing", "attest-not-newer"):
                raise
            return False
        answering = (
            asked for asked in self._witnesses.standing() if asked.confirmed and asked.reason is None
        )
        live = {asked.seat.kid for asked in answering}
        if sum(seat.kid in live for seat in after.seats) < after.quorum:
            log_event("attest-postponed", witnesses=len(live), quorum=after.quorum)
            return False
        due_daily = now - _attested(directory) >= _DAILY
        return due_daily or after.pending != directory.pending or after.states != directory.states


def _due(directory: Directory, now: datetime) -> Iterator[bool]:
    """What an attest may be due for: a day has passed, a change waits, a window has ended."""
    yield now - _attested(directory) >= _DAILY
    yield bool(directory.pending)
    for state in directory.states.values():
        yield state.status == "pending" and state.effective_at <= now
        yield state.recovering is not None and state.recovering.effective_at <= now
        yield state.suspended is not None and state.suspended.until_at <= now


def _attested(directory: Directory) -> datetime:
    """When the log was attested last, or began."""
    return directory.logged_ats[0] if directory.attest is None else directory.attest.logged_at


def _statement(
    directory: Directory, note: bytes, proof: tuple[bytes, ...], key: SigningKey, now: datetime
) -> SignedStatement:
    body = Attest(checkpoint=note.decode(), consistency=tuple(b64u(node) for node in proof))
    payload = statement_payload(
        origin=directory.origin,
        type="registry.attest",
        subject=directory.origin,
        body=body,
        issued_at=now,
    )
    return SignedStatement(payload, (jws.sign(payload, jws.STATEMENT, key),))
