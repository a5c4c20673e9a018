"""A message that nobody answers reaches the next desk, and its sender is told, with or without the hub."""

from __future__ import annotations

from datetime import timedelta

import pytest

from poc.client.planning import plan_of
from poc.client.preview import preview
from poc.client.progress import message_progress, missed_deadlines
from poc.client.view import message_view
from poc.core.form import read_form
from poc.core.message import Envelope
from poc.core.proof import verify_evidence
from poc.errors import RefusedError, UnreachableError
from tests.desk_world import draft
from tests.registry import Registry, device, signed

TECH, DIPL, DUTY = "sd.technical", "sd.diplomatic", "sd.duty"
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def parties():
    return ("jo.technical", TECH, DIPL, DUTY)


@pytest.fixture
def made_registry():
    registry = Registry()
    registry.enrol("jo", "sd")
    registry.nominate("jo.technical", TECH)
    registry.nominate(DIPL, alternate_of=TECH, role="diplomatic")
    registry.nominate(DUTY, role="duty")
    return registry


def urgent(desk, **changes):
    return draft(desk, precedence="immediate", **changes)


async def go(world, passed=HALF_AN_HOUR):
    world.now += passed
    await world.hub.timers.do_due()


def states(desk, message):
    return {one["contact"]: one["state"] for one in message_progress(desk.known, message)["contacts"]}


async def test_nobody_answers_and_one_desk_after_the_other_gets_it(desks, world):
    jo, _, dipl, duty = desks
    sent = await jo.send_message(urgent(jo), [TECH])
    assert (await dipl.sync()).received == 0
    assert states(jo, sent.id) == {TECH: "none", DIPL: "held", DUTY: "held"}
    await go(world)
    assert ((await dipl.sync()).received, (await duty.sync()).received) == (1, 0)
    opened = dipl.show(sent.id)
    assert (opened.in_place_of, opened.released.contact) == (TECH, DIPL)
    warnings = (await jo.sync()).warnings
    assert any("NO ANSWER from sd.technical" in told and "by voice" in told for told in warnings)
    assert states(jo, sent.id) == {TECH: "expired", DIPL: "retrieved", DUTY: "held"}
    await dipl.acknowledge(sent.id)
    await go(world, timedelta())
    warnings = (await jo.sync()).warnings
    assert states(jo, sent.id) == {TECH: "expired", DIPL: "acknowledged", DUTY: "not-needed"}
    assert any("another office has acknowledged" in told for told in warnings)
    await go(world)
    assert (await duty.sync()).received == 0
    for desk in (jo, dipl):
        proof = verify_evidence(await desk.evidence(sent.id), jo.directory.fingerprint)
        assert proof.problems == ()
    assert {event.event for event in proof.timeline} >= {"accepted", "released", "acknowledged"}


async def test_an_answer_in_time_and_no_other_desk_ever_sees_it(desks, world):
    jo, tech, dipl, duty = desks
    sent = await jo.send_message(urgent(jo), [TECH])
    await tech.sync()
    await tech.acknowledge(sent.id)
    await go(world, 4 * HALF_AN_HOUR)
    assert (await dipl.sync()).received == (await duty.sync()).received == 0
    await jo.sync()
    assert states(jo, sent.id) == {TECH: "acknowledged", DIPL: "not-needed", DUTY: "not-needed"}
    assert not any("NO ANSWER" in told for told in (await jo.sync()).warnings)


async def test_a_hub_that_says_nothing_does_not_keep_the_sender_from_noticing(desks, world):
    jo, *_ = desks
    sent = await jo.send_message(urgent(jo), [TECH])
    there, jo.hub._base = jo.hub._base, "http://127.0.0.1:9"
    world.now += HALF_AN_HOUR + timedelta(seconds=61)
    with pytest.raises(UnreachableError):
        await jo.sync()
    told = "\n".join(missed_deadlines(jo.known))
    assert "NO ANSWER from sd.technical" in told
    assert f"message {sent.id}: the hub shows no release to sd.diplomatic" in told
    jo.hub._base = there


async def test_what_the_hub_never_took_is_told_once_its_time_has_passed(desks, world):
    jo, *_ = desks
    jo.hub._base = "http://127.0.0.1:9"
    sent = await jo.send_message(urgent(jo), [TECH])
    assert (sent.state, missed_deadlines(jo.known)) == ("waiting", [])
    world.now += HALF_AN_HOUR
    (told,) = missed_deadlines(jo.known)
    assert told.startswith(f"NOT SENT: the hub has not taken message {sent.id} (immediate)")


async def test_red_reaches_nobody_but_those_named(desks, world):
    jo, _, dipl, duty = desks
    sent = await jo.send_message(urgent(jo, tlp="TLP:RED"), [TECH])
    await go(world, 6 * HALF_AN_HOUR)
    assert (await dipl.sync()).received == (await duty.sync()).received == 0
    assert set(states(jo, sent.id)) == {TECH}
    ticked = await jo.send_message(urgent(jo, tlp="TLP:RED"), [TECH], escalate=True)
    assert set(states(jo, ticked.id)) == {TECH, DIPL, DUTY}


async def test_held_parts_have_no_number_and_the_others_have(desks):
    jo, *_ = desks
    sent = await jo.send_message(urgent(jo), [TECH])
    envelope = read_form(Envelope, jo.known.trust.outbox_row("message", sent.id).body)
    numbers = {slot.header.contact: slot.header.sequence for slot in envelope.recipients}
    assert numbers == {TECH: 1, DIPL: None, DUTY: None, "jo.technical": None}


# --- taking back -------------------------------------------------------------------------------


async def test_what_is_held_is_taken_back_once_somebody_was_reached_by_voice(desks, world):
    jo, _, dipl, duty = desks
    sent = await jo.send_message(urgent(jo), [TECH])
    assert await jo.cancel(sent.id, None, "reached-by-voice") == "done"
    await go(world, 4 * HALF_AN_HOUR)
    assert (await dipl.sync()).received == (await duty.sync()).received == 0
    await jo.sync()
    assert states(jo, sent.id)[DIPL] == "not-needed"
    with pytest.raises(RefusedError, match="already-released"):
        await jo.cancel(sent.id)
    proof = verify_evidence(await jo.evidence(sent.id), jo.directory.fingerprint)
    assert proof.problems == ()
    assert [event.who for event in proof.timeline if event.event == "cancelled"] == ["jo.technical"]


async def test_a_withdrawal_takes_back_what_is_held_and_tells_only_who_got_the_message(desks, world):
    jo, tech, dipl, duty = desks
    sent = await jo.send_message(urgent(jo), [TECH])
    await tech.sync()
    told = message_view(tech.known, tech.show(sent.id))["addressed"]
    assert (told["alone"], "only if nobody answers" in told["en"]) == (False, True)
    gone = {"kind": "withdrawal", "thread": sent.id, "in_reply_to": sent.id}
    withdrawal = await jo.send_message(draft(jo, **gone), [TECH], escalate=False)
    assert withdrawal.state == "accepted"
    await jo.sync()
    assert states(jo, sent.id) == {TECH: "retrieved", DIPL: "not-needed", DUTY: "not-needed"}
    assert jo.held(sent.id) == ()
    await go(world, 4 * HALF_AN_HOUR)
    assert (await dipl.sync()).received == (await duty.sync()).received == 0
    await tech.sync()
    assert message_view(tech.known, tech.show(sent.id))["withdrawn"]["message"] == withdrawal.id


async def test_of_one_contact_alone_and_never_of_what_went_out(desks, world):
    jo, _, dipl, duty = desks
    sent = await jo.send_message(urgent(jo), [TECH])
    assert await jo.cancel(sent.id, DIPL) == "done"
    with pytest.raises(RefusedError, match="already-released"):
        await jo.cancel(sent.id, DIPL)
    await go(world, 2 * HALF_AN_HOUR)
    assert ((await dipl.sync()).received, (await duty.sync()).received) == (0, 1)
    with pytest.raises(RefusedError, match="already-released"):
        await jo.cancel(sent.id, DUTY)


async def test_a_cancel_while_the_hub_is_down_waits_and_counts_when_it_comes(desks, world):
    jo, _, dipl, _ = desks
    sent = await jo.send_message(urgent(jo), [TECH])
    there, jo.hub._base = jo.hub._base, "http://127.0.0.1:9"
    assert await jo.cancel(sent.id) == "waiting"
    with pytest.raises(UnreachableError):
        await jo.reseal((await jo.send_message(urgent(jo, not_before=world.now + HALF_AN_HOUR), [TECH])).id)
    jo.hub._base = there
    await jo.sync()
    await go(world)
    assert (await dipl.sync()).received == 0


async def test_a_held_message_is_told_of_when_a_device_came_that_cannot_open_it(desks, world):
    jo, *_ = desks
    later = world.now + timedelta(days=3)
    sent = await jo.send_message(urgent(jo, not_before=later, expires_at=later + timedelta(days=1)), [TECH])
    assert not any("reseal" in told for told in (await jo.sync()).warnings)
    entry = jo.directory.contact(TECH).newest.leaf_hash
    body = {"entry": entry, "device": device(f"{TECH} 2", 2)}
    added = world.registry.payload("contact.device-add", TECH, body)
    await world.hub.registry.submit(signed(added, "sd authority", f"{TECH} 2"))
    warnings = (await jo.sync()).warnings
    assert any(f"message {sent.id}" in told and "1 could not open it" in told for told in warnings)


async def test_it_reaches_its_addressee_at_its_time_after_it_was_sealed_anew(desks, world):
    jo, tech, dipl, _ = desks
    later = world.now + timedelta(hours=3)
    held = urgent(jo, not_before=later, expires_at=later + timedelta(days=1))
    first = await jo.send_message(held, [TECH])
    again = await jo.reseal(first.id)
    assert (again.state, again.id != first.id) == ("accepted", True)
    assert (await tech.sync()).received == 0
    await go(world, timedelta(hours=3))
    assert (await tech.sync()).received == 1
    assert tech.show(again.id).message.subject == held.subject
    with pytest.raises(RefusedError, match="already-released"):
        await jo.reseal(again.id)
    await go(world)
    assert (await dipl.sync()).received == 1


async def test_the_plan_shown_first_is_the_one_sealed_by(desks, world):
    jo, *_ = desks
    made, plan = plan_of(jo.known, urgent(jo), [TECH])
    assert made.respond_by == world.now + HALF_AN_HOUR
    assert [(one.contact, one.at - world.now) for one in plan.reached] == [
        (TECH, timedelta()), (DIPL, HALF_AN_HOUR), (DUTY, 2 * HALF_AN_HOUR)
    ]  # fmt: skip


async def test_a_time_to_answer_that_has_passed_is_refused_before_anything_is_sealed(desks, world):
    jo, *_ = desks
    with pytest.raises(RefusedError) as refused:
        preview(jo.known, urgent(jo, respond_by=world.now - HALF_AN_HOUR), [TECH])
    assert refused.value.code == "bad-times"
    assert "answer by" in refused.value.detail
    assert jo.outbox() == []


async def test_what_was_taken_back_in_part_is_named_when_it_cannot_be_resealed(desks, world):
    jo, *_ = desks
    sent = await jo.send_message(urgent(jo, not_before=world.now + HALF_AN_HOUR), [TECH])
    assert await jo.cancel(sent.id, DIPL, "reached-by-voice") == "done"
    with pytest.raises(RefusedError) as refused:
        await jo.reseal(sent.id)
    assert (refused.value.code, refused.value.detail) == ("already-released", f"{sent.id} to {DIPL}")
    assert {one.contact for one in jo.held(sent.id)} == {TECH, DUTY}
