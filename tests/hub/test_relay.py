"""Messages through the hub: one effect however often, own slots only, evidence to whom it belongs."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from poc.core import jws
from poc.core.admission import SealingLimits, read_header
from poc.core.draft import Addressee, Draft
from poc.core.envelope import Randomness, seal_message
from poc.core.message import MessageBody, MessageText
from poc.core.receipts import Answering, acknowledgement, retrieval, sign_form, verify_receipt
from poc.core.uuid7 import uuid7
from tests.hub_world import World
from tests.registry import ORIGIN, sealing_key, signing_key, usual

SENDER, RECIPIENT, OTHER = "jo.technical 1", "sd.technical 1", "sd.diplomatic 1"


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path, usual()).running() as running:
        await running.fill()
        yield running


def seal(world, *, number=1):
    texts = (MessageText(language="en", text="Please confirm.", role="original"),)
    draft = Draft(
        status="test",
        kind="notification",
        precedence="routine",
        tlp="TLP:AMBER",
        subject="Test",
        body=MessageBody(template=None, fields={}, texts=texts),
        expires_at=world.now + timedelta(days=1),
    )
    view = world.hub.log.view
    return seal_message(
        draft,
        origin=ORIGIN,
        id=uuid7(world.now, bytes([number]) * 10),
        sender_contact="jo.technical",
        signing_key=signing_key(SENDER),
        addressees=[Addressee("sd.technical", sealing_key(RECIPIENT).public, "action", 1)],
        head=view.head,
        now=world.now,
        randomness=Randomness(b"\1" * 32, b"\2" * 12, [b"\3" * 16]),
        limits=SealingLimits(frozenset({"test"})),
    )


def answering(world, sealed):
    kid = signing_key(RECIPIENT).kid
    return Answering(_header(sealed), sealed.digest, "sd.technical", kid, world.hub.log.view.head, world.now)


def _header(sealed):
    return read_header(sealed.envelope.protected)


async def test_fifty_at_once_and_one_after_a_restart_get_one_receipt(tmp_path):
    world = World(tmp_path, usual())
    async with world.running():
        await world.fill()
        sealed = seal(world)
        path = f"/v1/messages/{sealed.message.id}"
        answers = await asyncio.gather(
            *(world.ask("PUT", path, sealed.envelope_bytes, who=SENDER) for _ in range(50))
        )
        assert sorted(status for status, _ in answers) == [200] * 49 + [201]
        receipts = {answer["receipt"] for _, answer in answers}
    async with world.running():
        status, answer = await world.ask("PUT", path, sealed.envelope_bytes, who=SENDER)
        assert status == 200
        assert receipts == {answer["receipt"]}
        assert verify_receipt(answer["receipt"], world.hub.log.view.directory).event == "accepted"
        assert len((await world.ask("GET", "/v1/inbox", who=RECIPIENT))[1]["items"]) == 1


async def test_a_message_is_seen_answered_and_proved_by_its_sides_only(world):
    sealed = seal(world)
    path = f"/v1/messages/{sealed.message.id}"
    assert (await world.ask("PUT", path, sealed.envelope_bytes, who=OTHER))[0] == 422
    assert (await world.ask("PUT", path, sealed.envelope_bytes, who=SENDER))[0] == 201
    got = sign_form(retrieval(answering(world, sealed)), jws.RETRIEVAL, signing_key(RECIPIENT))
    seen = sign_form(acknowledgement(answering(world, sealed)), jws.ACKNOWLEDGEMENT, signing_key(RECIPIENT))
    missing = await world.ask("GET", "/v1/messages/nothing", who=OTHER)
    for kind, text in (("retrievals", got), ("acknowledgements", seen)):
        assert (await world.ask("POST", f"{path}/{kind}", {"jws": text}, who=OTHER)) == missing
        first = await world.ask("POST", f"{path}/{kind}", {"jws": text}, who=RECIPIENT)
        again = await world.ask("POST", f"{path}/{kind}", {"jws": text}, who=RECIPIENT)
        assert (first[0], again[0], first[1]) == (201, 200, again[1])
    for end in ("", "/evidence"):
        assert (await world.ask("GET", path + end, who=OTHER)) == missing
    found = (await world.ask("GET", path + "/evidence", who=SENDER))[1]
    assert (found["retrievals"], found["acknowledgements"], len(found["receipts"])) == ([got], [seen], 3)
    feed = (await world.ask("GET", "/v1/evidence?after=0", who=SENDER))[1]["items"]
    assert len(feed) == 5
    item = (await world.ask("GET", "/v1/inbox?after=0", who=RECIPIENT))[1]["items"][0]
    assert len(item["envelope"]["recipients"]) == 1


async def test_a_refused_message_stays_refused_with_the_same_signed_reason(world):
    sealed = seal(world)
    world.now += timedelta(days=2)
    path = f"/v1/messages/{sealed.message.id}"
    first = await world.ask("PUT", path, sealed.envelope_bytes, who=SENDER)
    again = await world.ask("PUT", path, sealed.envelope_bytes, who=SENDER)
    assert (first[0], first[1]["code"]) == (again[0], again[1]["code"]) == (422, "expired")
    assert first[1]["receipt"] == again[1]["receipt"]


async def test_another_message_on_a_used_number_is_refused_with_the_first_receipt(world):
    first, second = seal(world), seal(world, number=2)
    accepted = await world.ask("PUT", f"/v1/messages/{first.message.id}", first.envelope_bytes, who=SENDER)
    refused = await world.ask("PUT", f"/v1/messages/{second.message.id}", second.envelope_bytes, who=SENDER)
    assert (refused[0], refused[1]["code"]) == (409, "sequence-used")
    assert refused[1]["receipt"] == accepted[1]["receipt"]
