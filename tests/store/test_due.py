"""Held slots and due steps over both drivers: once each, with their receipts, whatever comes between."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from poc.errors import RefusedError
from poc.store.base import Accepted, DueStep, Existing
from tests.store.builders import HOUR, NOW, answer, message, slot

LATER = NOW + timedelta(minutes=10)
EXPIRE = DueStep("m1", "sd.technical", "expire", LATER)
RELEASE = DueStep("m1", "sd.duty", "release", LATER)
THEN = DueStep("m1", "sd.duty", "expire", NOW + HOUR)


def held(kid="k2", contact="sd.duty", in_place_of="sd.technical"):
    made = slot(kid, contact)
    return type(made)(made.contact, made.kid, None, made.data, LATER, in_place_of)


async def accept(store, *more, steps=(EXPIRE, RELEASE)):
    slots = [slot("k1", "sd.technical", 1), held(), *more]
    assert isinstance(await store.accept_message(message(), slots, steps), Accepted)


def said(outcome="acknowledged", contact="sd.technical", at=NOW, **changes):
    made = answer(kind="acknowledgement", outcome=outcome, contact=contact, recorded_at=at)
    return type(made)(**{**{f: getattr(made, f) for f in made.__slots__}, **changes})


def cancelled(sha256="c1"):
    return said(outcome=sha256, contact="jo.technical", kind="cancel", sha256=sha256, receipt=f"r-{sha256}")


async def events(store):
    return [(row.event, row.contact) for row in await store.read_evidence("m1")]


async def test_a_held_slot_is_in_no_inbox_and_is_seen_with_its_message(store):
    await accept(store)
    assert await store.read_inbox(["k2"], 0, 10) == ()
    assert [s.kid for s in await store.read_slots("m1")] == ["k1", "k2"]
    assert [s.is_delivered for s in await store.read_slots("m1")] == [True, False]
    assert await store.read_steps("m1") == (RELEASE, EXPIRE)


async def test_a_released_slot_comes_after_all_before_it_with_its_receipt(store):
    await accept(store)
    await store.accept_message(message(2), [slot("k2", "sd.duty", 1)])
    assert await store.take_release(RELEASE, "out", ["k2"], ["sd.technical"], THEN)
    items = await store.read_inbox(["k2"], 0, 10)
    assert [(item.message.id, item.slot.released) for item in items] == [("m2", None), ("m1", "out")]
    assert [s.kid for s in await store.read_slots("m1")] == ["k1", "k2"]
    assert await events(store) == [("accepted", None), ("released", "sd.duty")]
    assert await store.read_steps("m1") == (THEN, EXPIRE)


async def test_only_the_chosen_keys_of_a_contact_are_released(store):
    await accept(store, held("k3"))
    assert await store.take_release(RELEASE, "out", ["k3"], [], THEN)
    assert await store.read_inbox(["k2"], 0, 10) == ()
    assert len(await store.read_inbox(["k3"], 0, 10)) == 1


async def test_what_is_due_comes_in_order_and_only_when_it_is(store):
    early = DueStep("m1", "sd.duty", "release", LATER - timedelta(minutes=1))
    await accept(store, steps=(EXPIRE, early))
    assert await store.read_next_due() == early.at
    assert await store.read_due(early.at - timedelta(seconds=1), 10) == ()
    assert await store.read_due(early.at, 10) == (early,)
    assert await store.read_due(LATER, 10) == (early, EXPIRE)
    assert await store.read_due(LATER, 1) == (early,)


async def test_nothing_is_due_in_an_empty_store(store):
    assert await store.read_next_due() is None
    assert await store.read_due(NOW, 10) == ()


@pytest.mark.parametrize("kind", ["release", "skip", "expiry"])
async def test_of_fifty_at_once_one_does_a_step(store, kind):
    await accept(store)
    takes = {
        "release": lambda: store.take_release(RELEASE, "out", ["k2"], [], THEN),
        "skip": lambda: store.take_skip(RELEASE, "out"),
        "expiry": lambda: store.take_expiry(EXPIRE, "out", LATER),
    }
    done = await asyncio.gather(*(takes[kind]() for _ in range(50)))
    assert sorted(done) == [False] * 49 + [True]
    assert len([event for event, _ in await events(store) if event != "accepted"]) == 1


@pytest.mark.parametrize("by", ["sd.technical", "sd.diplomatic"])
async def test_a_slot_is_not_released_once_its_addressee_or_a_stand_in_acknowledged(store, by):
    await accept(store)
    await store.record_answer(said(contact=by))
    assert not await store.take_release(RELEASE, "out", ["k2"], ["sd.technical", "sd.diplomatic"], THEN)
    assert await store.read_inbox(["k2"], 0, 10) == ()
    assert RELEASE.contact in {
        step.contact for step in await store.read_steps("m1") if step.kind == "release"
    }


@pytest.mark.parametrize("outcome", ["declined", "retrieved"])
async def test_a_decline_or_retrieval_keeps_a_held_slot_due_at_its_time(store, outcome):
    await accept(store)
    await store.record_answer(said(outcome))
    assert RELEASE in await store.read_steps("m1")
    assert await store.take_release(RELEASE, "out", ["k2"], ["sd.technical"], THEN)


@pytest.mark.parametrize(("outcome", "left"), [("acknowledged", 0), ("declined", 0), ("retrieved", 1)])
async def test_an_answer_ends_the_deadline_of_its_contact_alone(store, outcome, left):
    other = DueStep("m1", "sd.diplomatic", "expire", LATER)
    await accept(store, slot("k4", "sd.diplomatic", 1), steps=(EXPIRE, other))
    await store.record_answer(said(outcome))
    steps = await store.read_steps("m1")
    assert other in steps
    assert len([step for step in steps if step.contact == "sd.technical"]) == left
    assert await store.take_expiry(EXPIRE, "out", LATER) == bool(left)


async def test_an_acknowledgement_makes_what_is_held_in_its_place_due_at_once(store):
    await accept(store)
    await store.record_answer(said())
    assert await store.read_due(NOW, 10) == (DueStep("m1", "sd.duty", "release", NOW),)


async def test_so_does_the_acknowledgement_of_another_stand_in(store):
    also = held("k5", "sd.diplomatic")
    second = DueStep("m1", "sd.diplomatic", "release", LATER)
    await accept(store, also, steps=(RELEASE, second))
    await store.take_release(second, "out", ["k5"], [], DueStep("m1", "sd.diplomatic", "expire", NOW + HOUR))
    await store.record_answer(said(contact="sd.diplomatic"))
    assert await store.read_due(NOW, 10) == (DueStep("m1", "sd.duty", "release", NOW),)


async def test_an_answer_recorded_no_later_than_its_expiry_is_refused_until_it_is(store):
    await accept(store)
    assert await store.take_expiry(EXPIRE, "out", LATER)
    for at in (LATER - HOUR, LATER):
        with pytest.raises(RefusedError, match="step-moved") as caught:
            await store.record_answer(said(at=at))
        assert caught.value.data["at"] == int(LATER.timestamp())
    assert isinstance(await store.record_answer(said(at=LATER + timedelta(seconds=1))), Accepted)


async def test_a_cancel_ends_all_its_steps_once_and_the_same_again_gives_its_receipt(store):
    await accept(store)
    assert await store.cancel_steps(cancelled(), "sd.duty", [RELEASE]) == Accepted("r-c1")
    assert await store.cancel_steps(cancelled(), "sd.duty", []) == Existing("r-c1")
    assert await events(store) == [
        ("accepted", None),
        ("cancelled", "jo.technical"),
        ("not-needed", "sd.duty"),
    ]
    assert not await store.take_release(RELEASE, "out", ["k2"], [], THEN)


@pytest.mark.parametrize(
    ("steps", "code"),
    [([], "already-released"), ([RELEASE, DueStep("m1", "sd.diplomatic", "release", LATER)], "step-moved")],
)
async def test_a_cancel_of_nothing_or_of_what_went_out_changes_nothing(store, steps, code):
    await accept(store)
    with pytest.raises(RefusedError, match=code):
        await store.cancel_steps(cancelled(), None, steps)
    assert RELEASE in await store.read_steps("m1")
    assert await events(store) == [("accepted", None)]


async def test_a_cancel_of_an_unknown_message_is_refused(store):
    with pytest.raises(RefusedError, match="unknown-message"):
        await store.cancel_steps(cancelled(), None, [RELEASE])


async def test_a_dropped_envelope_takes_its_held_slots_and_steps_with_it(store):
    await accept(store)
    assert await store.drop_envelopes(NOW + 2 * HOUR) == 1
    assert await store.read_slots("m1") == ()
    assert await store.read_next_due() is None
