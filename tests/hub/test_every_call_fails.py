"""Each use case of the hub with each of its storage calls failing, before and after it took effect (R23).

Whoever asks gets an answer or `storage-failed`; asking again gives one effect and the right answer; what the
hub remembers is what it would read anew. A verb of the store that no use case calls fails this test.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from poc.hub.log import found
from poc.store.faults import Moment
from poc.store.memory import MemoryStore
from tests.fault_cases import CASES, Case, registry
from tests.faults_world import VERBS, Answered, FaultWorld, contents, copied, memory
from tests.registry import log_signer

NOT_CALLED = {
    "put_published": "only with witnesses: the last test of this file",
}
SECONDS_MAX = 5
CALLED: set[str] = set()


@pytest.fixture(scope="module")
def made():
    return registry()


@pytest.fixture(scope="module")
def filled(made):
    """A store that holds the registry's log and nothing else."""

    async def fill():
        store, first = MemoryStore(), made.entries[0]
        await found(store, first.signed, log_signer(), first.logged_at)
        async with FaultWorld(made).serving(store) as world:
            await world.fill()
        return store

    return asyncio.run(fill())


@dataclass
class Walked:
    """One case, ready to be done over and over; ``clean`` is what one faultless call leaves."""

    case: Case
    world: FaultWorld
    ready: MemoryStore
    clean: dict[str, Any] = field(default_factory=dict)
    answer: Answered = field(default_factory=lambda: Answered(0))

    async def on(self, store: MemoryStore) -> None:
        self.world.store = store  # type: ignore[assignment]
        await self.world.restart()

    async def act(self) -> Answered:
        async with asyncio.timeout(SECONDS_MAX):
            return await self.case.act(self.world)

    async def learn(self) -> None:
        """Do it once without a fault, and once more: nothing changes by that."""
        store = copied(self.ready)
        await self.on(store)
        self.answer = await self.act()
        CALLED.update(store.faults.called)
        assert self.answer.code == self.case.refused, self.answer
        self.clean = contents(copied(store))
        self.check(store, await self.act(), again=True)

    def check(self, store: MemoryStore, answer: Answered, *, again: bool) -> None:
        """It was done: the answer is right, and the store holds what it is to hold."""
        right = answer.code == self.case.refused or (again and answer.code in self.case.again)
        assert right, (self.case.name, answer)
        assert contents(store) == self.clean

    async def fail(self, n: int, moment: Moment) -> bool:
        """Do it with the n-th storage call failing, then again; whether there was such a call."""
        store = copied(self.ready)
        await self.on(store)
        store.fail_nth(n, moment)
        first = await self.act()
        hit = not store.faults.due
        store.faults.due.clear()
        if not first.is_disk and not (hit and self.case.swallows):
            self.check(store, first, again=False)
        await asyncio.sleep(0.001)  # whoever asked is answered before the log has looked what stands
        if self.world.hub.log.trouble is not None:  # only a start knows which checkpoint stands
            assert (await self.world.done("GET", "/readyz")).status == 503
            await self.world.restart()
        self.check(store, await self.act(), again=True)
        anew = await self.world.loaded()
        assert anew.reason is None
        assert memory(self.world.hub) == memory(anew)
        return hit


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_any_storage_call_of_a_use_case_fails(case, made, filled):
    world = FaultWorld(made)
    ready = copied(filled)
    async with world.serving(ready):
        for step in case.before:
            await step(world)
        walked = Walked(case, world, ready)
        await walked.learn()
        for moment in ("before", "after"):
            n = 1
            while await walked.fail(n, moment):
                n += 1
            assert n > 1, "it makes no storage call"
