"""Brakes at a witness: taken, served, and binding until they are logged."""

from __future__ import annotations

import asyncio
import json

import pytest

from poc.core.form import read_form
from poc.core.notices import NoticeList, notice_bytes
from poc.core.statement import payload_sha256
from poc.limits import NOTICE_BYTES_MAX
from poc.witness import store
from tests.notices_world import (
    WINDOW,
    ask_to_enrol,
    ask_to_recover,
    objection,
    pass_window,
    rotation,
    waiting_registry,
    withdrawal,
)
from tests.registry import ORIGIN, REGISTRARS, enrolment, signed
from tests.witness_world import ORIGIN as UNCHECKED
from tests.witness_world import TREE, WitnessWorld, rules_world, submitted


@pytest.fixture(params=["no witnesses in force", "three witnesses in force"])
def registry(request):
    return waiting_registry(witnessed=request.param.startswith("three"))


class Watched:
    """A witness of the registry's log that cosigned all of it, and what its log does next."""

    def __init__(self, world, registry):
        self.world, self.registry, self.size = world, registry, 0

    async def cosign(self):
        """Status and code for the log's newest checkpoint; the witness's clock has come as far."""
        self.world.now, self.world.server.leaves = self.registry.now, self.registry.leaves
        answer = await self.world.code(submitted(self.registry, self.size))
        if answer[0] == 200:
            self.size = len(self.registry.entries)
        return answer

    async def give(self, notice):
        return await self.world.code(notice_bytes(notice), "/add-notice")

    async def held(self):
        """The payloads the witness serves."""
        path = f"{self.world.origin}/notices?origin={ORIGIN}"
        async with self.world.session.get(path) as answer:
            assert (answer.status, answer.content_type) == (200, "application/json")
            listed = read_form(NoticeList, await answer.read())
        assert (listed.origin, listed.size) == (ORIGIN, self.size)
        return [row.payload for row in listed.notices]


@pytest.fixture
async def watched(tmp_path, registry):
    async with rules_world(tmp_path, registry) as world:
        here = Watched(world, registry)
        assert (await here.cosign())[0] == 200
        yield here


async def enrolment_waiting(watched):
    """The objection to an enrolment that the witness has cosigned."""
    leaf = ask_to_enrol(watched.registry)
    assert (await watched.cosign())[0] == 200
    return objection(watched.registry, leaf, "jo authority", "bh")


async def test_a_brake_is_taken_once_and_served_to_anyone(watched):
    notice = await enrolment_waiting(watched)
    assert await watched.held() == []
    assert await watched.give(notice) == (201, None)
    assert await watched.give(notice) == (200, None)
    assert await watched.held() == [notice.value()["payload"]]


async def test_an_enrolment_is_not_cosigned_into_force_against_an_objection(watched):
    notice = await enrolment_waiting(watched)
    await watched.give(notice)
    pass_window(watched.registry)
    for _ in range(2):
        assert await watched.cosign() == (403, "notice-contradicted")
    [kept] = await watched.world.store.conflicts()
    assert (kept.kind, kept.notice) == ("notice-contradicted", notice_bytes(notice))
    assert (kept.shown, kept.size) == (watched.registry.checkpoint(), len(watched.registry.entries))
    assert kept.cosigned == watched.registry.checkpoint(watched.size)
    assert await watched.held() == [notice.value()["payload"]]


async def test_the_refusal_names_the_notice_to_log(watched):
    notice = await enrolment_waiting(watched)
    await watched.give(notice)
    pass_window(watched.registry)
    await watched.cosign()
    _, _, answer = await watched.world.post(submitted(watched.registry, watched.size))
    assert json.loads(answer)["payload_sha256"] == payload_sha256(notice.payload)


async def test_a_recovery_is_not_cosigned_into_force_against_an_objection_or_a_rotation(watched):
    for number in range(2):
        leaf = ask_to_recover(watched.registry)
        await watched.cosign()
        by = rotation(watched.registry) if number else objection(watched.registry, leaf, "jo recovery")
        assert (await watched.give(by))[0] == 201
        entries, directory, now = (
            [*watched.registry.entries],
            watched.registry.directory,
            watched.registry.now,
        )
        pass_window(watched.registry)
        assert await watched.cosign() == (403, "notice-contradicted")
        watched.registry.entries, watched.registry.directory, watched.registry.now = entries, directory, now
        watched.registry.log(by)
        assert (await watched.cosign())[0] == 200
        assert await watched.held() == []


async def test_logging_the_notice_unblocks_the_log_and_ends_it(watched):
    notice = await enrolment_waiting(watched)
    await watched.give(notice)
    watched.registry.log(notice)
    pass_window(watched.registry)
    assert (await watched.cosign())[0] == 200
    assert await watched.held() == []
    assert await watched.give(notice) == (409, "already-logged")


async def test_what_goes_on_meanwhile_is_cosigned(watched):
    notice = await enrolment_waiting(watched)
    await watched.give(notice)
    watched.registry.nominate("sd.technical")
    assert (await watched.cosign())[0] == 200
    assert await watched.held() == [notice.value()["payload"]]
    pass_window(watched.registry)
    assert await watched.cosign() == (403, "notice-contradicted")


async def test_a_notice_binds_after_a_restart(tmp_path, registry):
    async with rules_world(tmp_path, registry) as world:
        notice = await enrolment_waiting(Watched(world, registry))
        assert (await world.code(notice_bytes(notice), "/add-notice"))[0] == 201
    async with rules_world(tmp_path, registry) as world:
        again = Watched(world, registry)
        again.size = len(registry.entries)
        pass_window(registry)
        assert await again.cosign() == (403, "notice-contradicted")


async def test_other_brakes_are_served_and_block_nothing(watched):
    ask_to_recover(watched.registry)
    await watched.cosign()
    notice = withdrawal(watched.registry, "sd")
    assert (await watched.give(notice))[0] == 201
    pass_window(watched.registry)
    assert (await watched.cosign())[0] == 200
    assert await watched.held() == [notice.value()["payload"]]


async def test_a_notice_that_no_rule_admits_any_more_is_dropped(watched):
    notice = await enrolment_waiting(watched)
    by_sd = objection(
        watched.registry, watched.registry.directory.states["bh"].enrolled.leaf_hash, "sd authority", "bh"
    )
    await watched.give(by_sd)
    watched.registry.log(notice)
    assert (await watched.cosign())[0] == 200
    assert await watched.held() == []


async def test_after_the_window_by_the_witnesss_clock_an_objection_comes_too_late(watched):
    notice = await enrolment_waiting(watched)
    watched.registry.tick(WINDOW)
    watched.world.now = watched.registry.now
    code = "window-passed" if watched.registry.directory.quorum else "not-pending"
    assert await watched.give(notice) == (409, code)
    # Nor after it has cosigned at such a time, should its clock go back.
    await watched.cosign()
    watched.registry.now -= 2 * (watched.registry.now - watched.registry.directory.logged_at) / 4
    watched.world.now = watched.registry.now
    assert await watched.give(notice) == (409, code)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"", (400, "bad-json")),
        (b"{}", (400, "bad-form")),
        (b"[" * 40 + b"]" * 40, (400, "bad-json")),
        (b"x" * (NOTICE_BYTES_MAX + 1), (413, "too-large")),
        (b'{"payload":"e30","signatures":[]}', (400, "bad-form")),
        (b'{"payload":"e30","signatures":[{"protected":"e30","signature":""}]}', (400, "bad-form")),
    ],
)
async def test_what_is_no_notice_is_refused(watched, body, answer):
    assert await watched.world.code(body, "/add-notice") == answer
    assert await watched.held() == []


async def test_a_statement_that_is_no_brake_or_that_no_rule_admits_is_refused(watched):
    registry = watched.registry
    notice = await enrolment_waiting(watched)
    leaf = registry.directory.states["bh"].enrolled.leaf_hash
    other = signed(registry.payload("state.enrol", "ae", enrolment("ae")), *REGISTRARS, "ae authority")
    assert await watched.give(other) == (422, "not-a-brake")
    assert (await watched.give(objection(registry, leaf, "bh authority", "bh")))[
        1
    ] == "signature-not-called-for"
    assert (await watched.give(objection(registry, "A" * 43, "jo authority", "bh")))[1] == "not-pending"
    spoilt = json.loads(notice_bytes(notice))
    spoilt["signatures"][0]["signature"] = "A" * 86
    assert (await watched.world.code(json.dumps(spoilt).encode(), "/add-notice"))[1] == "bad-signature"
    assert await watched.held() == []


async def test_a_witness_takes_notices_of_logs_whose_rules_it_checks_only(tmp_path, registry):
    notice = objection(registry, ask_to_enrol(registry), "jo authority", "bh")
    async with rules_world(tmp_path, registry) as world:
        assert await world.code(notice_bytes(notice), "/add-notice") == (503, "entries-unread")
        for origin, status in ((UNCHECKED, 409), ("example.org/none", 404), (ORIGIN, 503)):
            async with world.session.get(f"{world.origin}/notices?origin={origin}") as answer:
                assert answer.status == status
        for query in ("", "?origin=a&origin=b", "?origin=a&more=b", "?other=a"):
            async with world.session.get(world.origin + "/notices" + query) as answer:
                assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "bad-form")


async def test_a_witness_that_watches_no_such_log_takes_no_notice(tmp_path, registry):
    notice = objection(registry, ask_to_enrol(registry), "jo authority", "bh")
    async with WitnessWorld(tmp_path).running() as world:
        assert await world.code(notice_bytes(notice), "/add-notice") == (404, "unknown-log")
        assert (await world.post(TREE.body(0, 3)))[0] == 200


async def test_one_state_cannot_fill_the_witness_and_all_together_are_bounded(watched, monkeypatch):
    monkeypatch.setattr(store, "NOTICES_OF_STATE_MAX", 2)
    monkeypatch.setattr(store, "NOTICES_MAX", 3)
    notice = await enrolment_waiting(watched)
    leaf = watched.registry.directory.states["bh"].enrolled.leaf_hash

    async def objections(by):
        watched.registry.tick()
        watched.world.now = watched.registry.now
        return await watched.give(objection(watched.registry, leaf, by, "bh"))

    assert [await objections("jo authority") for _ in range(3)] == [(201, None)] * 2 + [(429, "notices-full")]
    assert [await objections("sd authority") for _ in range(2)] == [(201, None), (429, "notices-full")]
    monkeypatch.setattr(store, "NOTICES_MAX", 9)
    monkeypatch.setattr(store, "NOTICES_BYTES_MAX", 2000)
    assert await objections("sd authority") == (429, "notices-full")
    assert (await watched.give(notice))[1] == "notices-full"


async def test_a_notice_and_the_checkpoint_against_it_at_once_never_both_pass(watched):
    notice = await enrolment_waiting(watched)
    watched.registry.tick(WINDOW - 30)
    watched.world.now = watched.registry.now
    at_the_brink = watched.world.now
    watched.registry.tick(30)
    watched.registry.attest(*watched.registry.seated)
    watched.world.server.leaves = watched.registry.leaves
    body = submitted(watched.registry, watched.size)
    for delay in (0, 0.002, 0.005, 0.01, 0.02):
        watched.world.now = at_the_brink

        async def later(seconds=delay):
            await asyncio.sleep(seconds)
            return await watched.give(notice)

        cosigned, given = await asyncio.gather(watched.world.code(body), later())
        assert (cosigned[0] == 200) != (given[0] in {200, 201})
        if cosigned[0] == 200:
            break
