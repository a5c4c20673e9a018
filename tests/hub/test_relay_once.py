"""R15 for one hub: one id has one outcome, however often, however many at once, and over restarts."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from poc.core.receipts import verify_receipt
from poc.limits import INBOX_ITEMS_MAX
from tests.hub_messages import answer, cancel, seal
from tests.hub_world import World
from tests.registry import usual

SENDER, RECIPIENT, OTHER = "jo.technical 1", "sd.technical 1", "sd.diplomatic 1"


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path, usual()).running() as running:
        await running.fill()
        yield running


def made(world, **how):
    return seal(world.hub.log.view.head, world.now, **how)


def path(sealed):
    return f"/v1/messages/{sealed.message.id}"


async def put(world, sealed, *, who=SENDER, at=None):
    return await world.ask("PUT", at or path(sealed), sealed.envelope_bytes, who=who)


async def test_of_fifty_bodies_under_one_id_one_wins_and_the_others_get_its_receipt(tmp_path):
    world = World(tmp_path, usual())
    async with world.running():
        await world.fill()
        bodies = [made(world, salt=bytes([n]) * 16) for n in range(50)]
        assert len({body.envelope_bytes for body in bodies}) == 50
        assert len({path(body) for body in bodies}) == 1
        answers = await asyncio.gather(*(put(world, body) for body in bodies))
        assert sorted(status for status, _ in answers) == [201] + [409] * 49
        receipts = {found["receipt"] for _, found in answers}
        assert len(receipts) == 1
        assert {found.get("code") for _, found in answers} == {None, "id-used"}
        winner = next(n for n, (status, _) in enumerate(answers) if status == 201)
    async with world.running():
        assert (await put(world, bodies[winner]))[1]["receipt"] in receipts
        assert (await put(world, bodies[winner - 1]))[1]["code"] == "id-used"
        assert len((await world.ask("GET", "/v1/inbox", who=RECIPIENT))[1]["items"]) == 1


async def test_a_rejection_stays_the_same_at_once_and_over_a_restart_and_when_time_would_mend_it(tmp_path):
    world = World(tmp_path, usual())
    async with world.running():
        await world.fill()
        sealed = made(world)
        world.now += timedelta(days=2)
        answers = await asyncio.gather(*(put(world, sealed) for _ in range(50)))
        assert {(status, found["code"]) for status, found in answers} == {(422, "expired")}
        (receipt,) = {found["receipt"] for _, found in answers}
        assert verify_receipt(receipt, world.hub.log.view.directory).event == "rejected"
    world.now -= timedelta(days=2)
    async with world.running():
        status, found = await put(world, sealed)
        assert (status, found["code"], found["receipt"]) == (422, "expired", receipt)
        assert (await world.ask("GET", "/v1/inbox", who=RECIPIENT))[1]["items"] == []


async def test_another_body_under_a_rejected_id_is_refused_with_the_rejection(world):
    sealed = made(world)
    world.now += timedelta(days=2)
    first = await put(world, sealed)
    world.now -= timedelta(days=2)
    status, found = await put(world, made(world, salt=b"\4" * 16))
    assert (status, found["code"], found["receipt"]) == (409, "id-used", first[1]["receipt"])


async def test_an_envelope_put_under_another_senders_id_is_refused_without_their_receipt(world):
    mine = made(world)
    assert (await put(world, mine))[0] == 201
    theirs = seal(world.hub.log.view.head, world.now, sender=OTHER, to=("jo.diplomatic 1",))
    status, found = await put(world, theirs, who=OTHER, at=path(mine))
    assert (status, found["code"]) == (422, "id-mismatch")
    assert "receipt" not in found


async def test_fifty_messages_on_one_number_at_once_give_one_acceptance(world):
    several = [
        seal(world.hub.log.view.head, world.now + timedelta(seconds=n % 50), salt=bytes([n]) * 16)
        for n in range(50)
    ]
    assert len({path(one) for one in several}) == 50
    answers = await asyncio.gather(*(put(world, one) for one in several))
    assert sorted(status for status, _ in answers) == [201] + [409] * 49
    assert len({found["receipt"] for _, found in answers}) == 1
    assert {found.get("code") for _, found in answers} == {None, "sequence-used"}


async def test_a_lower_number_that_was_never_used_is_taken_later(world):
    for number in (3, 1, 2):
        assert (await put(world, made(world, number=number)))[0] == 201
    items = (await world.ask("GET", "/v1/inbox", who=RECIPIENT))[1]["items"]
    sequences = [item["envelope"]["recipients"][0]["header"]["sequence"] for item in items]
    assert sequences == [3, 1, 2]


async def test_fifty_identical_answers_at_once_are_recorded_once(world):
    sealed = made(world)
    assert (await put(world, sealed))[0] == 201
    text = answer(sealed, "acknowledgement", RECIPIENT, world.hub.log.view.head, world.now)
    where = path(sealed) + "/acknowledgements"
    answers = await asyncio.gather(
        *(world.ask("POST", where, {"jws": text}, who=RECIPIENT) for _ in range(50))
    )
    assert sorted(status for status, _ in answers) == [200] * 49 + [201]
    assert len({found["receipt"] for _, found in answers}) == 1
    other = answer(sealed, "acknowledgement", RECIPIENT, world.hub.log.view.head, world.now, officer="A1")
    status, found = await world.ask("POST", where, {"jws": other}, who=RECIPIENT)
    assert (status, found["code"]) == (409, "answer-used")
    declined = answer(
        sealed, "acknowledgement", RECIPIENT, world.hub.log.view.head, world.now, declined="not-for-us"
    )
    assert (await world.ask("POST", where, {"jws": declined}, who=RECIPIENT))[0] in {201, 400}


async def test_a_cancel_of_what_was_released_is_refused_and_nobody_elses_is_looked_at(world):
    sealed = made(world)
    assert (await put(world, sealed))[0] == 201
    text = cancel(sealed, SENDER, world.hub.log.view.head, world.now)
    where = path(sealed) + "/cancels"
    assert (await world.ask("POST", where, {"jws": text}, who=SENDER))[1]["code"] == "already-released"
    for who in (RECIPIENT, OTHER, "x-arcc.controller-1 1"):
        assert (await world.ask("POST", where, {"jws": text}, who=who))[1]["code"] == "not-found"
    forged = cancel(sealed, RECIPIENT, world.hub.log.view.head, world.now)
    status, found = await world.ask("POST", where, {"jws": forged}, who=SENDER)
    assert (status, found["code"]) != (409, "already-released")


async def test_an_inbox_is_read_in_pages_that_miss_and_repeat_nothing(world):
    count = INBOX_ITEMS_MAX + 7
    await asyncio.gather(*(put(world, made(world, number=n)) for n in range(1, count + 1)))
    seen, after = [], 0
    while True:
        page = (await world.ask("GET", f"/v1/inbox?after={after}", who=RECIPIENT))[1]
        if not page["items"]:
            break
        assert len(page["items"]) <= INBOX_ITEMS_MAX
        seen += [item["message"] for item in page["items"]]
        assert page["next"] > after
        after = page["next"]
    assert len(seen) == len(set(seen)) == count


async def test_a_page_of_an_inbox_is_bounded_by_its_bytes_too(world, monkeypatch):
    monkeypatch.setattr("poc.hub.relay.INBOX_PAGE_BYTES_MAX", 12_000)
    for number in range(1, 6):
        assert (await put(world, made(world, number=number)))[0] == 201
    page = (await world.ask("GET", "/v1/inbox", who=RECIPIENT))[1]
    assert [item["number"] for item in page["items"]] == [1, 2]
    assert page["next"] == 2
    monkeypatch.setattr("poc.hub.relay.INBOX_PAGE_BYTES_MAX", 1)
    assert len((await world.ask("GET", "/v1/inbox?after=2", who=RECIPIENT))[1]["items"]) == 1


async def test_a_hub_without_its_key_gives_no_receipt_but_what_it_gave_before(world):
    sealed = made(world)
    first = await put(world, sealed)
    world.hub.relay._signer._hub_key = None
    assert (await put(world, sealed))[1] == first[1]
    status, found = await put(world, made(world, number=2))
    assert (status, found["code"]) == (503, "read-only")
    assert world.hub.reason.code == "no-hub-key"
    assert (await world.ask("GET", "/readyz"))[1]["reason"] == "no-hub-key"
