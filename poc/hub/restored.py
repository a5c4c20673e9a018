"""After a restore: nothing is signed until it is proved that nothing newer was; feeds show a new epoch.

A backup says that it is one, so it does not matter how it was put in place. Who proves: a quorum of
witnesses at this start; where the registry asks for none, the operator, by ``poc registry reconcile`` or
``poc hub confirm``. Bringing the log up to a snapshot stands in ``reconcile``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from poc.core.audit import AuditEvent
from poc.core.strictjson import b64u, format_time
from poc.errors import RefusedError, UnreachableError
from poc.hub.audit import DONE
from poc.hub.clock import Clock
from poc.hub.log import Log
from poc.hub.witnesses import Witnesses
from poc.limits import RESTORE_SETTLES_SECONDS
from poc.logs import log_event
from poc.store.base import FeedName, Store
from poc.store.sqlite import SqliteStore

_EPOCH_BYTES: Final = 16
_SETTLES: Final = timedelta(seconds=RESTORE_SETTLES_SECONDS)
NEVER: Final = ""
"""The epoch of a hub that was never restored."""


class Restored:
    """What a restore leaves to be done. :meth:`load` before the first write, :meth:`run` beside it.

    ``epoch`` changes with each restore: whoever reads feeds learns by it that numbers were used anew.
    """

    def __init__(
        self,
        store: Store,
        log: Log,
        witnesses: Witnesses,
        now: Clock,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._store = store
        self._log = log
        self._witnesses = witnesses
        self._now = now
        self._random = random
        self.epoch = NEVER
        self._proved_at: datetime | None = None

    async def load(self) -> None:
        """Begin the epoch of a restore that none has begun; hold the log until it is proved."""
        found = await self._store.read_restore()
        if found is None:
            return
        if found.epoch is None:
            await self._store.begin_epoch(b64u(self._random(_EPOCH_BYTES)), self._now())
            found = await self._store.read_restore() or found
            log_event("restored", taken_at=format_time(found.taken_at))
        self.epoch, self._proved_at = found.epoch or NEVER, found.proved_at
        if found.proved_at is None:
            self._log.held = UnreachableError("restore-unproved", format_time(found.taken_at))

    async def run(self) -> None:
        """Let the log go on once a quorum of witnesses has proved it. Ends then, or at once."""
        while self._log.held is not None and not self._log.is_empty:
            await self._witnesses.wait_proved()
            if self._log.trouble is not None:
                return
            try:
                await self._store.prove_restore(self._now())
            except UnreachableError:
                continue
            self._log.held, self._proved_at = None, self._now()
            log_event("proved", entries=self._log.view.directory.size)

    def check_settled(self) -> None:
        """Return only if what is due may be done: desks have had time to offer again what was lost.

        Else the hub would say that nothing had reached it where it had signed the contrary before, and let
        out what an acknowledgement made needless. Raises ``restore-unproved``.
        """
        if self.epoch == NEVER:
            return
        settled_at = None if self._proved_at is None else self._proved_at + _SETTLES
        if settled_at is None or self._now() < settled_at:
            raise UnreachableError("restore-unproved", "answers are still offered again")

    async def check_feed(self, feed: FeedName, after: int, following: int) -> str:
        """The epoch, for a page of a feed. Raises ``cursor-ahead`` for a number this hub never gave."""
        if after and following == after and after > await self._store.read_newest_number(feed):
            raise RefusedError("cursor-ahead", f"{feed}: {after}")
        return self.epoch


async def confirm(home: Path, entries: int, now: datetime) -> None:
    """Take the operator's word that no desk and no witness holds more than ``entries``. The hub is stopped.

    Raises ``entries-differ``, ``not-restored``, ``no-registry``, ``home-in-use``.
    """
    store = await SqliteStore.open(home)
    try:
        head = await store.read_head()
        if head is None:
            raise RefusedError("no-registry")
        if head.size != entries:
            raise RefusedError("entries-differ", f"{head.size} are here")
        if not await store.prove_restore(now):
            raise RefusedError("not-restored")
        await store.append_audit(AuditEvent(now, "restore-confirmed", DONE, count=entries))
    finally:
        await store.close()
