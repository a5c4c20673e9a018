"""Answering a message: once, by who may, about what is verified, with a next step that makes sense."""

from __future__ import annotations

from datetime import timedelta

import pytest

from poc.client.progress import message_progress
from poc.core.evidence import NextStep
from poc.errors import RefusedError
from tests.desk_world import SIDES, draft


@pytest.fixture
async def received(desks):
    jo, sd, _ = desks
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    return sent.id


async def refused(call):
    with pytest.raises(RefusedError) as error:
        await call
    return error.value.code


async def test_acknowledging_twice_is_refused_and_the_first_stands(desks, received):
    jo, sd, _ = desks
    assert await sd.acknowledge(received, officer="07") == "done"
    assert await refused(sd.acknowledge(received, officer="08")) == "answer-used"
    await jo.sync()
    assert message_progress(jo.known, received)["contacts"][0]["officer"] == "07"


async def test_declining_after_acknowledging_is_refused_and_the_other_way_too(desks, received):
    jo, sd, _ = desks
    await sd.acknowledge(received)
    assert await refused(sd.decline(received, "not-for-us")) == "not-in-this-state"
    other = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    await sd.decline(other.id, "not-for-us")
    assert await refused(sd.acknowledge(other.id)) == "not-in-this-state"
    assert [row["state"] for row in sd.inbox()] == ["acknowledged", "declined"]


async def test_an_answer_that_waits_counts_as_given(desks, received):
    _, sd, _ = desks
    there, sd.hub._base = sd.hub._base, "http://127.0.0.1:9"
    assert await sd.acknowledge(received) == "waiting"
    assert await refused(sd.acknowledge(received)) == "answer-used"
    sd.hub._base = there
    await sd.sync()
    assert {row["state"] for row in sd.outbox()} == {"done"}


async def test_a_message_that_is_not_here_or_refused_is_not_acknowledged(desks, received, between):
    jo, sd, _ = desks
    assert await refused(sd.acknowledge("01934567-89ab-7cde-8f01-23456789abcd")) == "unknown-message"
    sent = await jo.send_message(draft(jo), ["sd.technical"])

    def edit(page):
        for item in page["items"]:
            item["accepted"] = None
            item["envelope"]["tag"] = "A" * 22

    between.change("/v1/inbox", edit)
    await sd.sync()
    assert await refused(sd.acknowledge(sent.id)) == "cannot-open"
    assert not [row for row in sd.outbox() if row["ref"].startswith(sent.id)]


async def test_an_expired_message_is_acknowledged_late(desks, world):
    jo, sd, _ = desks
    sent = await jo.send_message(draft(jo, expires_at=world.now + timedelta(minutes=5)), ["sd.technical"])
    world.now += timedelta(hours=1)
    await sd.sync()
    assert await sd.acknowledge(sent.id) == "done"
    await jo.sync()
    (row,) = message_progress(jo.known, sent.id)["contacts"]
    assert (row["state"], row["late"]) == ("acknowledged", True)


async def test_who_is_only_informed_may_acknowledge_and_has_no_deadline(desks, world):
    jo, sd, control = desks
    answer = await control.send_message(
        draft(control, respond_by=world.now + timedelta(minutes=1)), ["jo.technical"], ["sd.technical"]
    )
    assert answer.state == "accepted"
    await sd.sync()
    world.now += timedelta(hours=1)
    assert await sd.acknowledge(answer.id) == "done"
    await control.sync()
    rows = {row["contact"]: row for row in message_progress(control.known, answer.id)["contacts"]}
    assert (rows["sd.technical"]["as"], rows["sd.technical"]["late"]) == ("information", False)
    assert rows["jo.technical"]["overdue"]
    await jo.sync()


async def test_a_device_without_the_right_does_not_acknowledge(desks, received, monkeypatch):
    from dataclasses import replace
    from types import MappingProxyType

    _, sd, _ = desks
    contact = sd.directory.contact("sd.technical")
    devices = tuple(replace(device, may=device.may - {"acknowledge"}) for device in contact.devices)
    contacts = {**sd.directory.contacts, contact.id: replace(contact, devices=devices)}
    sd.known.directory = replace(sd.known.directory, contacts=MappingProxyType(contacts))
    assert await refused(sd.acknowledge(received)) == "no-device"


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (NextStep(kind="passed-to", at=None, contact="sd.nobody"), "unknown-contact"),
        ("an hour ago", "bad-times"),
    ],
)
async def test_a_next_step_that_makes_no_sense_is_refused(desks, world, received, step, code):
    _, sd, _ = desks
    if step == "an hour ago":
        step = NextStep(kind="reply-by", at=world.now - timedelta(hours=1), contact=None)
    assert await refused(sd.acknowledge(received, next_step=step)) == code
    assert await sd.acknowledge(received) == "done"


@pytest.mark.parametrize("officer", ["x" * 17, "", "a\nb"])
async def test_a_code_that_is_no_officers_code_is_refused_and_nothing_is_kept(desks, received, officer):
    _, sd, _ = desks
    assert await refused(sd.acknowledge(received, officer=officer)) == "bad-form"
    assert [row["kind"] for row in sd.outbox()] == ["answer"]  # the retrieval


async def test_a_reason_that_is_no_code_is_refused(desks, received):
    assert await refused(desks[1].decline(received, "Not for us")) == "bad-form"


async def test_a_next_step_is_shown_to_the_sender(desks, world, received):
    jo, sd, _ = desks
    step = NextStep(kind="reply-by", at=world.now + timedelta(hours=1), contact=None)
    await sd.acknowledge(received, next_step=step)
    await jo.sync()
    assert message_progress(jo.known, received)["contacts"][0]["next"]["kind"] == "reply-by"


async def test_a_ping_word_typed_in_arabic_digits_counts(desks, world):
    _, sd, control = desks
    await control.open_exercise(
        "ex-1", title={"en": "Ping"}, participants=SIDES, opens_at=world.now,
        closes_at=world.now + timedelta(hours=1),
    )  # fmt: skip
    await control.ping("ex-1", ["sd.technical"], within_s=60)
    await sd.sync()
    (row,) = sd.inbox()
    word = sd.show(row["message"]).message.body.fields["word"]
    await sd.acknowledge(row["message"], word=word.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")))
    await control.sync()
    assert control.tally("ex-1")["in_time"] == 1
