"""Each use case of the hub with each of its storage calls failing, before and after it took effect (R23).

Whoever asks gets an answer or `storage-failed`; asking again gives one effect and the right answer; what the
hub remembers is what it would read anew. A verb of the store that no use case calls fails this test.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any

import pytest
from aiohttp import web

from poc.core.audit import check_chain
from poc.core.merkle import CompactRange
from poc.core.strictjson import parse
from poc.core.submission import parse_submission
from poc.errors import RefusedError, UnreachableError
from poc.hub import log
from poc.hub.log import found
from poc.limits import AUDIT_UNSIGNED_PER_MINUTE_MAX
from poc.store.base import NudgeStore, StoredHead
from poc.store.faults import Moment
from poc.store.memory import MemoryStore
from tests.conftest import LONG
from tests.fault_cases import CASES, DUE, SD, STAND_IN, Case, registry, send
from tests.faults_world import VERBS, Answered, FaultWorld, contents, copied, memory
from tests.registry import START, Registry, cosigner, log_signer, sealing_key

MAY_BE_MORE = ("openings", "_kept")  # what a failed try may have kept: erasing it once more does no harm
SECONDS_MAX = 5
READING = ("read_", "find_", "list_")
CHANGING = frozenset(verb for verb in VERBS if not verb.startswith(READING))
EVERY_REQUEST = frozenset({"use_nonce"})
CALLED: dict[str, list[str]] = {}
NOT_FAILED = {
    "put_published": "of a hub with witnesses: the last test of this file",
    "read_published": "the same",
    "delete_proposal": "no use case calls it: what is logged or has expired goes with its step",
    "read_opening": "no use case calls it: openings are read in order",
    "read_audit": "`poc audit` and the check of a trail read the file of a hub that is stopped",
    "read_anchors": "the same",
    "read_newest_arrival": "whoever listens to a stream is told again at the next look",
    "begin_epoch": "after a restore: `test_backup` starts such a hub",
    "prove_restore": "the same",
    **dict.fromkeys(
        (name for name, _ in inspect.getmembers(NudgeStore, inspect.iscoroutinefunction)),
        "not walked here: a nudge says no more than that something waits",
    ),
}


@pytest.fixture(scope="module")
def made():
    return registry()


@pytest.fixture(scope="module", autouse=True)
def each_log_is_replayed_once():
    """Loading replays a log by a pure function, which here need not judge the same entries over and over."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(log, "_replayed", lru_cache(log._replayed))
        yield


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
    told: set[tuple[str, str | None]] = field(default_factory=set)
    called: list[str] = field(default_factory=list)

    async def start(self) -> MemoryStore:
        """The hub anew, on a store as it is before the case."""
        self.world.store = store = copied(self.ready)
        await self.world.restart()
        store.faults.called.clear()
        return store

    async def act(self) -> Answered:
        async with asyncio.timeout(SECONDS_MAX):
            return await self.case.act(self.world)

    async def learn(self) -> None:
        """Do it once without a fault, and once more: nothing changes by that."""
        store = await self.start()
        first = await self.act()
        assert first.code == self.case.refused, first
        self.called = list(store.faults.called)
        self.clean, self.told = contents(copied(store)), told_of(store)
        self.check(await self.act(), again=True)

    def check(self, answer: Answered, *, again: bool) -> None:
        """It was done: the answer is right, and the store holds what it is to hold."""
        right = answer.code == self.case.refused or (again and answer.code in self.case.again)
        assert right, answer
        store: Any = self.world.store
        assert contents(store) == self.clean

    async def fail(self, n: int, moment: Moment) -> None:
        """Do it with the n-th storage call failing, then again."""
        store = await self.start()
        store.fail_nth(n, moment)
        first = await self.act()
        assert store.faults.due == [], "it made fewer calls this time"
        if not first.is_disk and not self.case.swallows:
            self.check(first, again=False)
        await asyncio.sleep(0.001)  # whoever asked is answered before the log has looked what stands
        if self.world.hub.log.trouble is not None:  # only a start knows which checkpoint stands
            assert (await self.world.done("GET", "/readyz")).status == 503
            await self.world.restart()
        elif self.called[n - 1] in CHANGING:
            # Nothing is remembered that was not kept; what is to be erased once is, though nobody asks again.
            await self.compare(erased_only=moment == "after")
        self.check(await self.act(), again=True)
        await self.compare()
        if moment == "before" or not self.case.swallows:  # how much was deleted is then not known
            assert told_of(store) >= self.told

    async def compare(self, *, erased_only: bool = False) -> None:
        anew = await self.world.loaded()
        assert anew.reason is None
        here, there = memory(self.world.hub), memory(anew)
        assert here.pop(MAY_BE_MORE) >= there.pop(MAY_BE_MORE)
        assert erased_only or here == there


def told_of(store: MemoryStore) -> set[tuple[str, str | None]]:
    """What the audit trail tells of, whose chain is whole."""
    check_chain(store._audit)
    records: list[Any] = [parse(row.record) for row in store._audit]
    return {(record["action"], record["subject"]) for record in records}


def faults_of(case: Case, called: list[str]) -> Iterator[tuple[int, Moment]]:
    """Which of its calls are to fail, and when.

    The quick run leaves out reading that fails after it was done, which is the same as before; reading at
    all in two of three cases that change something; and, but for one case, what every signed request begins
    with.
    """
    changes = bool(CHANGING.intersection(called) - EVERY_REQUEST)
    reads = LONG or not changes or CASES.index(case) % 3 == 0
    for n, verb in enumerate(called, 1):
        if verb in EVERY_REQUEST and not LONG and case.name != "a retrieval":
            continue
        if reads or verb in CHANGING:
            yield n, "before"
        if LONG or verb in CHANGING:
            yield n, "after"


@asynccontextmanager
async def prepared(case: Case, made: Registry, filled: MemoryStore) -> AsyncIterator[Walked]:
    """A case after what comes before it, done once without a fault."""
    world, ready = FaultWorld(made), copied(filled)
    async with world.serving(ready):
        for step in case.before:
            await step(world)
        walked = Walked(case, world, ready)
        await walked.learn()
        yield walked


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_any_storage_call_of_a_use_case_fails(case, made, filled, record_property):
    async with prepared(case, made, filled) as walked:
        CALLED[case.name] = walked.called
        faults = list(faults_of(case, walked.called))
        assert faults
        for n, moment in faults:
            await walked.fail(n, moment)
    record_property("full count", f"{len(faults)} failing storage calls")


async def test_every_verb_of_the_store_is_failed_by_a_use_case(made, filled):
    for case in CASES:
        if case.name not in CALLED:
            async with prepared(case, made, filled) as walked:
                CALLED[case.name] = walked.called
    missing = VERBS - set(chain(*CALLED.values()))
    assert missing <= NOT_FAILED.keys(), "a verb that no use case fails"
    assert NOT_FAILED.keys() - VERBS == set()


async def test_whoever_listens_is_told_of_what_a_failing_disk_kept(made, filled):
    world = FaultWorld(made)
    told: set[str] = set()
    async with world.serving(copied(filled)):
        world.hub.relay.on_accepted = world.hub.timers.on_released = told.update
        world.store.fail_but_persist("accept_message")
        assert (await send(world)).is_disk
        assert sealing_key(SD).public.kid in told
        told.clear()
        world.later(hours=1)
        world.store.fail_but_persist("take_release")
        assert (await DUE(world)).is_disk
        assert told == {sealing_key(STAND_IN).public.kid}


async def test_how_many_refusals_were_not_listed_is_told_although_the_disk_failed(made, filled):
    world = FaultWorld(made)
    async with world.serving(copied(filled)):
        for _ in range(AUDIT_UNSIGNED_PER_MINUTE_MAX + 3):
            await world.hub.audit.record("statement", "bad-form")
        world.store.fail_before("append_audit")
        with pytest.raises(UnreachableError):
            await world.hub.audit.anchor()
        await world.hub.audit.anchor()
        await world.hub.audit.anchor()
        last: Any = parse(world.store._audit[-1].record)
        assert (last["action"], last["count"]) == ("refusals-not-listed", 3)
        assert len(world.store._audit) == AUDIT_UNSIGNED_PER_MINUTE_MAX + 1


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_founding_fails_and_is_done_again(made, moment):
    store, first = MemoryStore(), made.entries[0]
    store.fail_nth(1, moment)
    with pytest.raises(UnreachableError, match="storage-failed"):
        await found(store, first.signed, log_signer(), first.logged_at)
    stands = nullcontext() if moment == "before" else pytest.raises(RefusedError, match="head-moved")
    with stands:
        await found(store, first.signed, log_signer(), first.logged_at)
    world = FaultWorld(made)
    world.store = store
    assert (await world.loaded()).log.view.directory.size == 1


@pytest.fixture
async def witness():
    """A witness that cosigns whatever it is asked, and its address."""

    async def cosign(request):
        asked = parse_submission(await request.read())
        line = cosigner("jo.witness").cosign(asked.text, int(START.timestamp()) + 60)
        return web.Response(text=str(line))

    app = web.Application()
    app.router.add_post("/add-checkpoint", cosign)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def witnessed(url):
    made = Registry(quorum="majority")
    made.enrol("jo")
    made.seat("jo", url=url)
    return made


async def kept_of(made):
    store = MemoryStore()
    leaves, subtrees = log.stage(CompactRange(), made.entries)
    head = StoredHead(made.directory.size, made.directory.tree.root(), made.checkpoint())
    await store.append_entries(None, head, leaves, subtrees)
    return store


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_cosigned_head_is_shown_only_once_it_is_kept(witness, moment):
    made = witnessed(witness)
    world = FaultWorld(made)
    world.store = store = await kept_of(made)
    older = made.cosigned("jo.witness", size=2)
    await store.put_published(older)
    hub = await world.loaded()
    store.fail_nth(1, moment)
    following = asyncio.create_task(hub.witnesses.run())
    try:
        async with asyncio.timeout(SECONDS_MAX):
            while store.faults.due:  # noqa: ASYNC110 (nothing tells of it)
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.01)
            assert hub.witnesses.published.note == older
            while hub.witnesses.published.size < made.directory.size:
                hub.witnesses.refresh()
                await asyncio.sleep(0.001)
    finally:
        following.cancel()
        await asyncio.wait([following])
    assert (await world.loaded()).witnesses.published.note == hub.witnesses.published.note
