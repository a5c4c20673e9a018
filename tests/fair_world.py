"""A hub that admits ``actual`` (its log is put into its home whole), and a sender of every kind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poc.hub.log import found
from poc.hub.reconcile import reconcile
from poc.store.sqlite import SqliteStore
from tests.hub_messages import seal
from tests.quorum_world import actual_registry
from tests.registry import Registry, log_signer, per_hour
from tests.snapshot_world import snapshot

SENDER, RECIPIENT = "jo.technical 1", "sd.technical 1"
ROUTINE: Any = {"status": "test", "precedence": "routine"}
FLASH: Any = {"status": "test", "precedence": "flash"}
ACTUAL: Any = {"status": "actual", "precedence": "routine", "prepared": "eyJ9.e30.AAAA"}
URGENT: Any = {**ACTUAL, "precedence": "flash"}


def make_actual_home(home: Path, messages_per_hour: int, contacts: Sequence[str] = ()) -> Registry:
    """A home whose log has a registry that admits ``actual``, and so many messages an hour for each State."""
    registry = actual_registry(limits=per_hour(messages_per_hour))
    registry.nominate(*contacts)
    asyncio.run(_fill(home, registry))
    return registry


async def _fill(home: Path, registry: Registry) -> None:
    store = await SqliteStore.open(home)
    first = registry.entries[0]
    await found(store, first.signed, log_signer(), first.logged_at)
    await store.close()
    note = registry.cosigned(*registry.seated)
    data = snapshot(note=note, leaves=registry.leaves, openings=[], sealing_keys=[])
    await reconcile(home, data, registry.directory.fingerprint, registry.now)


class Sender:
    """Sends message after message over a running hub; each of its own number, whatever its kind."""

    def __init__(self, world, who=SENDER, to=RECIPIENT):
        self.world, self.who, self.to, self.number = world, who, to, 0

    def made(self, **kind):
        self.number += 1
        head, now = self.world.hub.log.view.head, self.world.now
        return seal(head, now, number=self.number, sender=self.who, to=(self.to,), **kind)

    async def put(self, sealed):
        path = f"/v1/messages/{sealed.message.id}"
        return await self.world.ask("PUT", path, sealed.envelope_bytes, who=self.who)

    async def send(self, **kind):
        return await self.put(self.made(**kind))

    async def count(self, most=50, **kind):
        """How many of a kind are taken one after the other, until one is refused; and that refusal."""
        for taken in range(most):
            status, found = await self.send(**kind)
            if status != 201:
                return taken, found
        return most, None
