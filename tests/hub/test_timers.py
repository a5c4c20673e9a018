"""What is due at the hub is done once: over restarts, failures and several at once (R14)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from poc.core.draft import Addressee
from poc.core.message import SlotUse
from poc.core.receipts import verify_receipt
from poc.errors import PocError
from tests.hub_messages import CONTROLLER, EXERCISE_PATH, announcement, answer, cancel, order, seal
from tests.hub_world import World
from tests.message_world import EXERCISE
from tests.registry import Registry, device, sealing_key, signed

SENDER, FIRST, STAND_IN, DUTY = "jo.technical 1", "sd.technical 1", "sd.diplomatic 1", "sd.duty 1"
TEN = timedelta(minutes=10)


def registry() -> Registry:
    made = Registry()
    made.enrol("jo", "sd")
    for contact in ("jo.technical", "sd.technical"):
        made.nominate(contact, devices=[device(f"{contact} {n}", n) for n in (1, 2)])
    made.nominate("sd.duty", role="duty")
    made.nominate("sd.diplomatic", alternate_of="sd.technical")
    made.appoint()
    return made


@pytest.fixture
async def running(tmp_path):
    async with World(tmp_path, registry()).running() as world:
        await world.fill()
        yield world


@pytest.fixture
async def world(running):
    """A hub that does nothing of itself: the test says when."""
    next(task for task in asyncio.all_tasks() if task.get_name() == "timers").cancel()
    return running


def to(label, *, number=1, at=None, in_place_of=None):
    contact = label.split()[0]
    use: SlotUse = "own" if contact == "jo.technical" else "action"
    return Addressee(contact, sealing_key(label).public, use, number, at, in_place_of)


def held_by(world, *labels, at=None):
    at = at or world.now + TEN
    first = to(FIRST)
    return (first, *(to(label, number=None, at=at, in_place_of="sd.technical") for label in labels))


async def put(world, addressees, *, number=1, **how):
    sealed = seal(world.hub.log.view.head, world.now, number=number, addressees=tuple(addressees), **how)
    status, found = await world.ask(
        "PUT", f"/v1/messages/{sealed.message.id}", sealed.envelope_bytes, who=how.get("sender", SENDER)
    )
    assert status == 201, found
    return sealed


async def say(world, sealed, who, kind="acknowledgement", **how):
    text = answer(sealed, kind, who, world.hub.log.view.head, world.now, **how)
    plural = "retrievals" if kind == "retrieval" else "acknowledgements"
    return await world.ask("POST", f"/v1/messages/{sealed.message.id}/{plural}", {"jws": text}, who=who)


async def go(world, passed=TEN):
    world.now += passed
    await world.hub.timers.do_due()


async def log(world, *statement):
    """Log a statement at the hub's own log, as it stands there."""
    kind, subject, body, *by = statement
    payload = world.registry.payload(kind, subject, body)
    await world.hub.registry.submit(signed(payload, *by))


async def events(world, sealed):
    """(event, contact, reason) of every receipt, verified."""
    rows = await world.store.read_evidence(sealed.message.id)
    directory = world.hub.log.view.directory
    receipts = [verify_receipt(row.jws, directory) for row in rows if row.kind == "receipt"]
    return [(r.event, r.contact, r.reason) for r in receipts if r.event not in ("accepted", "recorded")]


async def inbox(world, who):
    return (await world.ask("GET", "/v1/inbox", who=who))[1]["items"]


async def test_a_held_slot_goes_out_at_its_time_and_not_before(world):
    sealed = await put(world, held_by(world, STAND_IN))
    await go(world, TEN - timedelta(seconds=1))
    assert (await inbox(world, STAND_IN), await events(world, sealed)) == ([], [])
    assert (await world.ask("GET", f"/v1/messages/{sealed.message.id}", who=STAND_IN))[0] == 404
    await go(world, timedelta(seconds=1))
    (item,) = await inbox(world, STAND_IN)
    released = verify_receipt(item["released"], world.hub.log.view.directory)
    assert (released.event, released.contact, released.at) == ("released", "sd.diplomatic", world.now)
    assert [slot.kid for slot in released.slots or ()] == [sealing_key(STAND_IN).kid]
    assert (await world.ask("GET", f"/v1/messages/{sealed.message.id}", who=STAND_IN))[0] == 200


@pytest.mark.parametrize(
    ("kind", "how"), [("retrieval", {}), ("acknowledgement", {"declined": "not-for-us"})]
)
async def test_it_goes_out_although_the_addressee_retrieved_or_declined(world, kind, how):
    sealed = await put(world, held_by(world, STAND_IN))
    assert (await say(world, sealed, FIRST, kind, **how))[0] == 201
    await go(world)
    assert await events(world, sealed) == [("released", "sd.diplomatic", None)]


async def test_an_acknowledgement_makes_every_stand_in_unnecessary_at_once(world):
    sealed = await put(world, held_by(world, STAND_IN, DUTY))
    assert (await say(world, sealed, FIRST))[0] == 201
    await go(world, timedelta())
    assert await events(world, sealed) == [
        ("not-needed", "sd.diplomatic", "acknowledged"),
        ("not-needed", "sd.duty", "acknowledged"),
    ]
    await go(world)
    assert await inbox(world, STAND_IN) == await inbox(world, DUTY) == []


async def test_the_acknowledgement_of_one_stand_in_spares_the_next(world):
    later = to(DUTY, number=None, at=world.now + 2 * TEN, in_place_of="sd.technical")
    sealed = await put(world, (*held_by(world, STAND_IN), later))
    await go(world)
    assert (await say(world, sealed, STAND_IN))[0] == 201
    await go(world)
    assert (await events(world, sealed))[1:] == [("not-needed", "sd.duty", "acknowledged")]


async def test_a_stand_in_cannot_answer_what_was_not_released_to_it(world):
    sealed = await put(world, held_by(world, STAND_IN))
    assert (await say(world, sealed, STAND_IN))[0] == 404


async def test_each_contact_that_got_it_expires_once_and_none_that_answered_or_never_got_it(world):
    addressees = (*held_by(world, STAND_IN, at=world.now + 3 * TEN), to(DUTY))
    sealed = await put(world, addressees, respond_by=world.now + TEN)
    assert (await say(world, sealed, DUTY))[0] == 201
    await go(world)
    await go(world, timedelta())
    assert await events(world, sealed) == [("expired", "sd.technical", None)]


async def test_a_stand_in_that_got_it_after_the_deadline_has_until_it_expires(world):
    sealed = await put(
        world,
        held_by(world, STAND_IN),
        respond_by=world.now + timedelta(minutes=9),
        expires_at=world.now + 3 * TEN,
    )
    await go(world)
    await go(world)
    assert ("expired", "sd.diplomatic", None) not in await events(world, sealed)
    await go(world)
    assert (await events(world, sealed))[-1] == ("expired", "sd.diplomatic", None)


async def test_time_to_answer_counts_from_the_release(world):
    sealed = await put(world, held_by(world, STAND_IN), respond_within_s=900)
    await go(world)
    await go(world, timedelta(minutes=14, seconds=59))
    assert [event for event, contact, _ in await events(world, sealed) if contact == "sd.diplomatic"] == [
        "released"
    ]
    await go(world, timedelta(seconds=1))
    assert ("expired", "sd.diplomatic", None) in await events(world, sealed)


async def test_an_answer_of_the_moment_it_expired_is_recorded_as_later(world):
    sealed = await put(world, (to(FIRST),), respond_by=world.now + TEN)
    await go(world)
    status, found = await say(world, sealed, FIRST)
    assert status == 201
    recorded = verify_receipt(found["receipt"], world.hub.log.view.directory)
    assert recorded.at == world.now + timedelta(seconds=1)


async def test_a_held_message_reaches_nobody_before_its_time_not_even_its_own_office(world):
    addressees = (to(FIRST, number=None), to("jo.technical 2", number=None))
    sealed = await put(world, addressees, not_before=world.now + TEN)
    assert await inbox(world, FIRST) == await inbox(world, "jo.technical 2") == []
    await go(world)
    assert [len(await inbox(world, who)) for who in (FIRST, "jo.technical 2")] == [1, 1]
    assert sorted(await events(world, sealed)) == [
        ("released", "jo.technical", None), ("released", "sd.technical", None)
    ]  # fmt: skip


async def test_a_held_message_that_came_after_its_time_goes_out_at_once(world):
    sealed = seal(
        world.hub.log.view.head, world.now, addressees=(to(FIRST, number=None),), not_before=world.now + TEN
    )
    world.now += 2 * TEN
    path = f"/v1/messages/{sealed.message.id}"
    assert (await world.ask("PUT", path, sealed.envelope_bytes, who=SENDER))[0] == 201
    await go(world, timedelta())
    assert len(await inbox(world, FIRST)) == 1


async def test_of_a_held_message_only_devices_still_there_get_it(world):
    held = (to("sd.technical 1", number=None), to("sd.technical 2", number=None))
    sealed = await put(world, held, not_before=world.now + TEN)
    kid = world.hub.log.view.directory.contacts["sd.technical"].devices[1].kid
    gone = {"kid": kid, "reason": "routine", "suspected_since": None}
    await log(world, "contact.device-revoke", "sd.technical", gone, "sd authority")
    await go(world)
    assert len(await inbox(world, "sd.technical 1")) == 1
    assert (await world.store.read_inbox([sealing_key("sd.technical 2").kid], 0, 9)) == ()
    assert await events(world, sealed) == [("released", "sd.technical", None)]


async def test_nothing_held_goes_out_to_a_frozen_contact(world):
    sealed = await put(world, held_by(world, STAND_IN))
    entry = world.hub.log.view.directory.contact("sd.diplomatic").standing.leaf_hash
    await log(world, "contact.freeze", "sd.diplomatic", {"entry": entry}, DUTY)
    await go(world)
    assert await inbox(world, STAND_IN) == []
    assert await events(world, sealed) == [("not-needed", "sd.diplomatic", "contact-frozen")]


async def test_a_ping_is_given_before_its_exercise_starts_and_goes_out_only_if_it_did(world):
    announced = announcement(world.hub.log.view.head, world.now, participants=("sd.technical",))
    status, found = await world.ask("PUT", EXERCISE_PATH, {"announcement": announced}, who=CONTROLLER)
    assert status == 201, found
    ping = {"sender": CONTROLLER, "status": "exercise", "exercise": EXERCISE, "kind": "ping"}
    held = (to(FIRST, number=None),)
    early = await put(world, held, not_before=world.now + TEN, **ping)
    late = await put(world, held, number=2, not_before=world.now + 3 * TEN, **ping)
    await go(world)
    assert await events(world, early) == [("not-needed", "sd.technical", "exercise-not-open")]
    start = order(world.hub.log.view.head, world.now, "start")
    assert (await world.ask("POST", f"{EXERCISE_PATH}/orders", {"order": start}, who=CONTROLLER))[0] == 201
    await go(world, 2 * TEN)
    assert await events(world, late) == [("released", "sd.technical", None)]


# --- cancels -----------------------------------------------------------------------------------


async def take_back(world, sealed, *, who=SENDER, **how):
    text = cancel(sealed, who, world.hub.log.view.head, world.now, **how)
    return await world.ask("POST", f"/v1/messages/{sealed.message.id}/cancels", {"jws": text}, who=who)


async def test_a_cancelled_slot_never_goes_out_and_its_receipt_names_it(world):
    sealed = await put(world, held_by(world, STAND_IN, DUTY))
    status, found = await take_back(world, sealed, contact="sd.duty", reason="reached-by-voice")
    receipt = verify_receipt(found["receipt"], world.hub.log.view.directory)
    assert (status, receipt.event, receipt.contact, receipt.reason) == (
        201, "not-needed", "sd.duty", "reached-by-voice",
    )  # fmt: skip
    assert [slot.kid for slot in receipt.slots or ()] == [sealing_key(DUTY).kid]
    assert await take_back(world, sealed, contact="sd.duty", reason="reached-by-voice") == (200, found)
    await go(world)
    assert (await inbox(world, DUTY), len(await inbox(world, STAND_IN))) == ([], 1)
    page = (await world.ask("GET", f"/v1/messages/{sealed.message.id}/evidence", who=SENDER))[1]
    assert len(page["cancels"]) == 1


async def test_a_whole_held_message_is_taken_back(world):
    sealed = await put(world, (to(FIRST, number=None), to(DUTY, number=None)), not_before=world.now + TEN)
    status, found = await take_back(world, sealed)
    assert status == 201
    assert len(verify_receipt(found["receipt"], world.hub.log.view.directory).slots or ()) == 2
    await go(world)
    assert await inbox(world, FIRST) == await inbox(world, DUTY) == []


async def test_what_went_out_cannot_be_taken_back(world):
    sealed = await put(world, held_by(world, STAND_IN))
    await go(world)
    status, found = await take_back(world, sealed)
    assert (status, found["code"]) == (409, "already-released")
    assert (await take_back(world, sealed, contact="sd.technical"))[1]["code"] == "already-released"


async def test_nobody_else_takes_anything_back(world):
    sealed = await put(world, held_by(world, STAND_IN))
    for who in (FIRST, STAND_IN, CONTROLLER):
        assert (await take_back(world, sealed, who=who))[0] == 404
    forged = cancel(sealed, FIRST, world.hub.log.view.head, world.now)
    status, _ = await world.ask(
        "POST", f"/v1/messages/{sealed.message.id}/cancels", {"jws": forged}, who=SENDER
    )
    assert status in (403, 404, 422)
    await go(world)
    assert len(await inbox(world, STAND_IN)) == 1


# --- once, whatever happens --------------------------------------------------------------------


async def test_of_many_that_do_what_is_due_at_once_each_step_is_done_once(world):
    sealed = await put(world, (*held_by(world, STAND_IN, DUTY),), respond_by=world.now + TEN)
    world.now += TEN
    await asyncio.gather(*(world.hub.timers.do_due() for _ in range(20)))
    assert sorted(await events(world, sealed)) == [
        ("expired", "sd.technical", None), ("released", "sd.diplomatic", None), ("released", "sd.duty", None)
    ]  # fmt: skip


async def test_what_was_due_while_the_hub_was_down_is_done_at_its_start(tmp_path):
    world = World(tmp_path, registry())
    async with world.running():
        await world.fill()
        sealed = await put(world, held_by(world, STAND_IN), respond_by=world.now + TEN)
    world.now += 2 * TEN
    async with world.running():
        await go(world, timedelta())
        assert sorted(await events(world, sealed)) == [
            ("expired", "sd.technical", None), ("released", "sd.diplomatic", None)
        ]  # fmt: skip
    async with world.running():
        await go(world, timedelta())
        assert len(await events(world, sealed)) == 2


async def test_a_hub_that_cannot_sign_leaves_everything_due(world):
    sealed = await put(world, held_by(world, STAND_IN))
    key, world.hub._signer._hub_key = world.hub._signer._hub_key, None
    with pytest.raises(PocError, match="read-only"):
        await go(world)
    world.hub._signer._hub_key = key
    await go(world, timedelta())
    assert await events(world, sealed) == [("released", "sd.diplomatic", None)]


async def test_nothing_is_done_before_the_clock_is_sure_and_everything_afterwards(world):
    sealed = await put(world, held_by(world, STAND_IN))
    asked = []

    async def unsure():
        asked.append(1)
        raise PocError("clock-unconfirmed")

    guard, world.hub.timers._guard = world.hub.timers._guard, unsure
    world.hub.timers._is_sure = False
    with pytest.raises(PocError):
        await go(world)
    assert (await events(world, sealed), asked) == ([], [1])
    world.hub.timers._guard = guard
    await go(world, timedelta())
    assert len(await events(world, sealed)) == 1


async def test_the_hub_does_it_by_itself(running):
    world = running
    sealed = await put(world, held_by(world, STAND_IN))
    world.now += TEN
    world.hub.timers.wake()
    for _ in range(100):
        await asyncio.sleep(0.02)
        if await events(world, sealed):
            break
    assert await events(world, sealed) == [("released", "sd.diplomatic", None)]
