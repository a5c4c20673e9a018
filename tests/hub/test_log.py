"""The log's writer: whatever goes wrong, whoever waits is answered, and nothing is logged twice or unseen."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from poc.core.note import Signer
from poc.errors import PocError
from poc.hub.hub import Hub
from poc.hub.log import found
from poc.store.memory import MemoryStore
from tests.registry import ORIGIN, REGISTRARS, enrolment, log_signer, signed, signing_key, usual


class Told:
    """A hub on a memory store, and statements for it."""

    def __init__(self):
        self.registry = usual()
        self.now = self.registry.now + timedelta(seconds=1)
        self.store = MemoryStore()

    def statement(self, state):
        payload = self.registry.payload("state.enrol", state, enrolment(state), issued_at=self.now)
        return signed(payload, *REGISTRARS, f"{state} authority")

    async def start(self, signer=None):
        if await self.store.read_head() is None:
            first = self.registry.entries[0]
            await found(self.store, first.signed, log_signer(), first.logged_at)
        self.hub = Hub(
            self.store,
            log_signer=signer or log_signer(),
            hub_key=signing_key("hub"),
            now=lambda: self.now,
        )
        await self.hub.load()
        self.log = self.hub.log

    @asynccontextmanager
    async def running(self):
        await self.start()
        task = asyncio.ensure_future(self.hub.run())
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def code(self):
        return None if self.hub.reason is None else self.hub.reason.code

    async def codes(self, *statements):
        """How each of these, submitted at once, ended: an index or a code."""

        async def one(statement):
            try:
                return (await self.log.append(statement)).index
            except PocError as error:
                return error.code

        async with asyncio.timeout(5):
            return await asyncio.gather(*map(one, statements))


@pytest.fixture
async def told():
    async with Told().running() as world:
        yield world


class Broken(MemoryStore):
    """A store with a defect of its own in the one verb that writes the log."""

    async def append_entries(self, *given, **named):
        if self._leaves:
            raise KeyError("a defect")
        await super().append_entries(*given, **named)


async def test_many_at_once_are_logged_once_each_in_one_step_or_few(told):
    states = ["eg", "sy", "ye", "iq", "om"]
    assert sorted(await told.codes(*map(told.statement, states))) == [1, 2, 3, 4, 5]
    steps = told.hub.metrics.registry.get_sample_value("poc_statement_batch_size_count")
    assert steps <= 2


async def test_of_fifty_identical_statements_at_once_one_is_logged(told):
    ends = await told.codes(*[told.statement("eg")] * 50)
    assert sorted(map(str, ends)) == ["1"] + ["already-logged"] * 49


async def test_a_refused_statement_does_not_sink_those_beside_it(told):
    bare = signed(told.registry.payload("state.enrol", "sy", enrolment("sy"), issued_at=told.now))
    assert await told.codes(told.statement("eg"), bare, told.statement("iq")) == [1, "signatures-missing", 2]


async def test_a_disk_that_failed_before_the_write_is_told_and_the_next_statement_is_logged(told):
    told.store.fail_before("append_entries")
    assert await told.codes(told.statement("eg")) == ["storage-failed"]
    assert await told.codes(told.statement("eg")) == [1]
    assert told.hub.reason is None


async def test_a_write_of_unknown_outcome_makes_the_hub_read_only_until_it_starts_anew(told):
    told.store.fail_but_persist("append_entries")
    assert await told.codes(told.statement("eg"), told.statement("iq")) == ["storage-failed"] * 2
    assert told.code() == "head-unsure"
    assert await told.codes(told.statement("sy")) == ["read-only"]
    size = told.log.view.directory.size
    await told.start()
    assert (size, told.log.view.directory.size) == (1, 3)
    assert told.hub.reason is None


async def test_a_defect_while_writing_answers_all_who_wait_and_the_hub_says_so():
    world = Told()
    world.store = Broken()
    async with world.running():
        ends = await world.codes(*map(world.statement, ["eg", "iq", "sy"]))
        assert ends == ["read-only"] * 3
        assert world.code() == "writer-failed"
        assert await world.codes(world.statement("om")) == ["read-only"]


async def test_a_defect_of_a_rule_costs_its_own_statement_only(told):
    class Strange:
        payload = None
        signatures = ()

    assert await told.codes(Strange(), told.statement("eg")) == ["fault", 1]
    assert told.hub.reason is None


async def test_whoever_waits_when_the_hub_stops_is_answered():
    world = Told()
    await world.start()
    waiting = asyncio.ensure_future(world.codes(world.statement("eg")))
    await asyncio.sleep(0)
    writer = asyncio.ensure_future(world.log.run())
    await asyncio.sleep(0)
    writer.cancel()
    assert await waiting in (["read-only"], [1])
    assert await world.codes(world.statement("iq")) == ["read-only"]


async def test_a_statement_never_waits_for_ever(monkeypatch):
    monkeypatch.setattr("poc.hub.log.LOG_SECONDS_MAX", 0.05)
    world = Told()
    await world.start()
    assert await world.codes(world.statement("eg")) == ["not-logged-in-time"]


async def test_a_statement_whose_sender_was_told_is_not_logged_behind_its_back(monkeypatch):
    monkeypatch.setattr("poc.hub.log.LOG_SECONDS_MAX", 0.05)
    world = Told()
    await world.start()
    assert await world.codes(world.statement("eg")) == ["not-logged-in-time"]
    monkeypatch.setattr("poc.hub.log.LOG_SECONDS_MAX", 5)
    writer = asyncio.ensure_future(world.log.run())
    assert await world.codes(world.statement("eg")) == [1]
    writer.cancel()


async def test_another_log_key_than_the_registrys_logs_nothing():
    world = Told()
    await world.start(Signer(ORIGIN, signing_key("elsewhere")))
    assert world.code() == "no-log-key"
    assert await world.codes(world.statement("eg")) == ["read-only"]


async def test_what_the_log_serves_gives_the_directory_the_hub_holds(told):
    await told.codes(*map(told.statement, ["eg", "sy", "ye", "iq", "om"]))
    again = Hub(told.store, log_signer=log_signer(), hub_key=None, now=lambda: told.now)
    await again.load()
    assert again.log.view == told.log.view
