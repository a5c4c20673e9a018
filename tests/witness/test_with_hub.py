"""A hub of this program and a witness that checks its rules: asked, read, cosigned, refused."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from poc.core.notices import notice_bytes
from poc.core.statement import read_entry, read_statement
from poc.witness.store import Pinned
from tests.hub_world import World
from tests.notices_world import WINDOW
from tests.registry import ORIGIN, REGISTRARS, Registry, enrolment, signed
from tests.witness_world import COSIGNER, WitnessWorld


class Both:
    """The hub with one State, whose witness is in force; entries are for parties only."""

    def __init__(self, tmp_path):
        for name in ("hub", "witness"):
            (tmp_path / name).mkdir()
        self.hub = World(tmp_path / "hub", Registry(quorum="majority", objection_seconds=WINDOW))
        self.witness = WitnessWorld(tmp_path / "witness")

    async def start(self, stack):
        await stack.enter_async_context(self.hub.running())
        self.witness.pinned[ORIGIN] = Pinned(self.hub.origin, self.hub.registry.directory.fingerprint)
        await stack.enter_async_context(self.witness.running())
        self.pass_seconds(0)
        await self.enrol("jo")
        self.pass_seconds(WINDOW)
        body = {"vkey": COSIGNER.verifier().vkey(), "url": self.witness.origin}
        await self.submit("witness.appoint", "jo.witness", body, "jo authority", "jo witness")
        await self.until(lambda: self.directory.quorum == 1)
        await self.until(lambda: self.published == self.directory.size)

    @property
    def directory(self):
        return self.hub.hub.log.view.directory

    @property
    def published(self):
        return self.hub.hub.witnesses.published.size

    def pass_seconds(self, seconds):
        self.hub.now += timedelta(seconds=seconds)
        self.witness.now = self.hub.now

    def payload(self, kind, subject, body):
        self.hub.registry.directory, self.hub.registry.now = self.directory, self.hub.now
        return self.hub.registry.payload(kind, subject, body)

    async def submit(self, kind, subject, body, *by):
        return await self.hub.hub.registry.submit(signed(self.payload(kind, subject, body), *by))

    async def enrol(self, state):
        """Until it is cosigned; what waits for the window still does."""
        await self.submit("state.enrol", state, enrolment(state), *REGISTRARS, f"{state} authority")
        await self.until(lambda: self.published == self.directory.size)

    async def until(self, holds):
        async with asyncio.timeout(8):
            while not holds():  # noqa: ASYNC110 (what is waited for is anything a test can ask)
                await asyncio.sleep(0.02)


@pytest.fixture
async def both(tmp_path):
    async with AsyncExitStack() as stack:
        running = Both(tmp_path)
        await running.start(stack)
        yield running


async def test_an_appointed_witness_reads_what_parties_read_and_cosigns_it(both):
    await both.enrol("sd")
    kept = await both.witness.store.leaves(ORIGIN, 0, 100)
    assert [read_statement(read_entry(leaf).signed.payload).type for leaf in kept][-1] == "state.enrol"
    assert await both.witness.size(ORIGIN) == both.directory.size


async def test_a_hub_that_withholds_an_objection_gets_no_head_in_which_it_had_no_effect(both):
    both.hub.hub.witnesses.notices = _none
    await both.enrol("sd")
    leaf = both.directory.states["sd"].enrolled.leaf_hash
    notice = signed(both.payload("state.object", "sd", {"entry": leaf}), "jo authority")
    assert (await both.witness.code(notice_bytes(notice), "/add-notice"))[0] == 201
    both.pass_seconds(WINDOW)
    await both.submit("state.enrol", "eg", enrolment("eg"), *REGISTRARS, "eg authority")
    await both.until(lambda: both.directory.states["sd"].status == "enrolled")
    before = both.published
    await asyncio.sleep(0.5)
    assert both.published == before < both.directory.size
    [kept] = await both.witness.store.conflicts()
    assert (kept.kind, kept.notice) == ("notice-contradicted", notice_bytes(notice))


async def _none():
    """What a hub that withholds reads of its witnesses."""
    return []


async def test_an_objection_that_only_a_witness_holds_is_logged_before_the_window_ends_by_an_attest(both):
    await both.enrol("sd")
    leaf = both.directory.states["sd"].enrolled.leaf_hash
    notice = signed(both.payload("state.object", "sd", {"entry": leaf}), "jo authority")
    assert (await both.witness.code(notice_bytes(notice), "/add-notice"))[0] == 201
    both.pass_seconds(WINDOW)
    await both.enrol("eg")
    await both.until(lambda: both.directory.states["sd"].status != "pending")
    assert both.directory.states["sd"].status == "stopped"
    await both.until(lambda: both.published == both.directory.size)


async def test_a_hub_that_logs_the_objection_goes_on(both):
    await both.enrol("sd")
    leaf = both.directory.states["sd"].enrolled.leaf_hash
    notice = signed(both.payload("state.object", "sd", {"entry": leaf}), "jo authority")
    assert (await both.witness.code(notice_bytes(notice), "/add-notice"))[0] == 201
    await both.hub.hub.registry.submit(notice)
    both.pass_seconds(WINDOW)
    await both.enrol("eg")
    assert both.directory.states["sd"].status == "stopped"
    assert await both.witness.store.notices(ORIGIN) == ()
