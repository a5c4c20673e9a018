"""The hub put together from its store, keys and clock."""

from __future__ import annotations

from poc.core.keys import SigningKey
from poc.core.note import Signer
from poc.hub.clock import Clock
from poc.hub.exercises import Exercises
from poc.hub.log import Log
from poc.hub.openings import Openings
from poc.hub.registry import Registry
from poc.hub.relay import Relay
from poc.store.base import Store


class Hub:
    """Every use case, ready after :meth:`load`. ``log.run`` must run beside it."""

    def __init__(
        self,
        store: Store,
        *,
        log_signer: Signer | None,
        hub_key: SigningKey | None,
        now: Clock,
        clock_confirmed: bool = False,
    ) -> None:
        self.store = store
        self.now = now
        self.log = Log(store, log_signer, now, clock_confirmed=clock_confirmed)
        self.registry = Registry(store, self.log, now)
        self.exercises = Exercises(store, self.log, now)
        self.openings = Openings(store, self.log, self.exercises)
        self.relay = Relay(store, self.log, self.exercises, hub_key, now)

    async def load(self) -> None:
        """Recompute and prove everything kept. Without a registry the hub only says so."""
        await self.log.load()
        if self.log.reason != "no-registry":
            await self.exercises.load()
