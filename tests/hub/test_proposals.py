"""Proposals when several act at once: no signature is lost, nothing is logged twice, no edit slips in."""

from __future__ import annotations

import asyncio
import random

import pytest

from poc.errors import RefusedError
from poc.store.sqlite import SqliteStore
from tests.hub_world import World
from tests.registry import REGISTRARS, enrolment, signed, usual


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path, usual()).running() as running:
        await running.fill()
        running.registry.now = running.now
        yield running


def signature(payload, who):
    return {"signatures": signed(payload, who).value()["signatures"]}


async def opened(world, state="eg"):
    """A proposal with its first registrar's signature: payload and path."""
    payload = world.registry.payload("state.enrol", state, enrolment(state))
    status, found = await world.ask("POST", "/v1/statements", signed(payload, REGISTRARS[0]).value())
    assert status == 202
    return payload, f"/v1/proposals/{found['proposal']}/signatures"


async def test_signatures_at_the_same_time_are_all_kept_and_the_last_one_logs(world):
    payload, path = await opened(world)
    answers = await asyncio.gather(
        world.ask("POST", path, signature(payload, REGISTRARS[1]), who=REGISTRARS[1]),
        world.ask("POST", path, signature(payload, "eg authority"), who=REGISTRARS[0]),
        world.ask("POST", "/v1/statements", signed(payload, REGISTRARS[0]).value()),
    )
    assert {status for status, _ in answers} <= {201, 202, 409}
    assert not any(answer.get("code") == "proposal-moved" for _, answer in answers)
    assert "eg" in world.hub.log.view.directory.states
    assert (await world.ask("GET", "/v1/proposals", who=REGISTRARS[0]))[1]["proposals"] == []


async def test_thirty_at_once_in_any_order_log_each_statement_exactly_once(world, rounds):
    states = ["eg", "sy", "ye", "iq", "om", "qa"]
    for number in range(rounds(2, long=100, of="interleavings of signers")):
        state = states[number % len(states)] if number < len(states) else f"x-body{number}"
        payload, path = await opened(world, state)
        tries = [
            world.ask("POST", path, signature(payload, who), who=REGISTRARS[n % 2])
            for n, who in enumerate([*REGISTRARS, f"{state} authority"] * 10)
        ]
        random.Random(number).shuffle(tries)
        answers = await asyncio.gather(*tries)
        assert sum(status == 201 for status, _ in answers) == 1
        for status, answer in answers:
            assert status in {201, 202} or answer["code"] == "already-logged"
    entries = world.hub.log.view.directory
    assert len(entries.payloads) == entries.size


async def test_submit_and_sign_at_once_give_one_entry_and_the_same_index(world):
    payload, path = await opened(world)
    everything = signed(payload, *REGISTRARS, "eg authority").value()
    more = {"signatures": signed(payload, REGISTRARS[1], "eg authority").value()["signatures"]}
    answers = await asyncio.gather(
        *[world.ask("POST", "/v1/statements", everything) for _ in range(10)],
        *[world.ask("POST", path, more, who=REGISTRARS[1]) for _ in range(10)],
    )
    assert sum(status == 201 for status, _ in answers) == 1
    assert all("index" in answer for _, answer in answers), answers
    assert {answer["index"] for _, answer in answers} == {world.hub.log.view.directory.size - 1}
    late = await world.ask("POST", path, more, who=REGISTRARS[1])
    assert (late[0], late[1]["code"]) == (409, "already-logged")


async def test_whoever_could_not_see_a_proposal_does_not_learn_that_it_was_logged(world):
    payload, path = await opened(world)
    more = {"signatures": signed(payload, REGISTRARS[1], "eg authority").value()["signatures"]}
    before = await world.ask("POST", path, more, who="sd authority")
    assert (await world.ask("POST", path, more, who=REGISTRARS[1]))[0] == 201
    assert (await world.ask("POST", path, more, who="sd authority")) == before
    assert before[1]["code"] == "not-found"


async def test_what_was_approved_cannot_be_edited_afterwards(world):
    payload, path = await opened(world)
    edited = world.registry.payload("state.enrol", "eg", enrolment("eg", kind="observer"))
    for text in (edited, payload.replace(b"NV/1", b"NV/2")):
        status, problem = await world.ask("POST", path, signature(text, REGISTRARS[1]), who=REGISTRARS[1])
        assert (status, problem["code"]) == (422, "bad-signature"), problem
    moved = {**signed(edited, REGISTRARS[1]).value(), **signature(payload, REGISTRARS[0])}
    status, problem = await world.ask("POST", "/v1/statements", moved)
    assert problem["code"] == "bad-signature"
    found = (await world.ask("GET", path.removesuffix("/signatures"), who=REGISTRARS[0]))[1]
    assert len(found["signatures"]) == 1


async def test_a_signature_that_does_not_count_is_refused_and_not_kept(world):
    payload, path = await opened(world)
    status, problem = await world.ask("POST", path, signature(payload, "sd authority"), who=REGISTRARS[1])
    assert (status, problem["code"]) == (422, "signature-not-called-for")
    found = (await world.ask("GET", path.removesuffix("/signatures"), who=REGISTRARS[0]))[1]
    assert len(found["signatures"]) == 1


async def test_a_proposal_superseded_while_it_waited_is_refused_with_the_newest_leaf(world):
    registry = world.registry
    first = registry.payload("state.enrol", "eg", enrolment("eg"))
    second = registry.payload("state.enrol", "eg", enrolment("eg", kind="observer"))
    status, found = await world.ask("POST", "/v1/statements", signed(first, REGISTRARS[0]).value())
    assert status == 202
    logged = signed(second, *REGISTRARS, "eg authority").value()
    assert (await world.ask("POST", "/v1/statements", logged))[0] == 201
    more = {"signatures": signed(first, REGISTRARS[1], "eg authority").value()["signatures"]}
    path = f"/v1/proposals/{found['proposal']}/signatures"
    status, problem = await world.ask("POST", path, more, who=REGISTRARS[1])
    assert (status, problem["code"]) in {(409, "superseded"), (409, "already-enrolled")}


async def test_an_expired_proposal_takes_no_signature(world):
    payload, path = await opened(world)
    await world.hub.store.delete_proposal(path.split("/")[3])
    status, problem = await world.ask("POST", path, signature(payload, REGISTRARS[1]), who=REGISTRARS[1])
    assert (status, problem["code"]) == (404, "not-found")


async def test_the_store_never_takes_signatures_over_others(tmp_path):
    store = await SqliteStore.open(tmp_path)
    with pytest.raises(RefusedError) as caught:
        await store.sign_proposal("nothing", b"[]", b"[1]")
    assert caught.value.code == "proposal-moved"
    await store.close()
