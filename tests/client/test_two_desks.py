"""Two desks and a controller against a real hub: send, retrieve, acknowledge, prove, ping."""

from __future__ import annotations

from datetime import timedelta

import pytest

from poc.core.proof import verify_evidence
from poc.errors import RefusedError
from tests.desk_world import SIDES, draft


async def test_a_message_is_sent_retrieved_acknowledged_and_proven(desks, world):
    jo, sd, _ = desks
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    assert (sent.state, sent.reason) == ("accepted", None)
    report = await sd.sync()
    assert report.received == 1
    assert [row["state"] for row in sd.inbox()] == ["retrieved"]
    opened = sd.show(sent.id)
    assert (opened.message.subject, opened.voice_code) == ("A seeded subject", sent.voice_code)
    assert await sd.acknowledge(sent.id, officer="07") == "done"
    await jo.sync()
    assert [kind for kind, _ in jo.known.trust.evidence(sent.id)].count("acknowledgement") == 1
    proof = verify_evidence(await jo.evidence(sent.id), jo.directory.fingerprint)
    assert proof.problems == ()
    assert {event.event for event in proof.timeline} >= {"accepted", "retrieved", "acknowledged"}


async def test_no_plaintext_is_on_either_disk(desks, world):
    jo, sd, _ = desks
    await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    for desk in (jo, sd):
        kept = b"".join(path.read_bytes() for path in desk.home.iterdir() if path.is_file())
        assert b"seeded subject" not in kept


async def test_a_hub_that_is_down_leaves_the_message_in_the_outbox(desks, world):
    jo, sd, _ = desks
    there, jo.hub._base = jo.hub._base, "http://127.0.0.1:9"
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    assert sent.state == "waiting"
    jo.hub._base = there
    assert (await jo.sync()).sent == 1
    assert (await sd.sync()).received == 1


async def test_the_sender_does_not_acknowledge_its_own_message(desks):
    jo, _, _ = desks
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    with pytest.raises(RefusedError) as refused:
        await jo.acknowledge(sent.id)
    assert refused.value.code == "own-cannot-answer"


async def test_without_an_exercise_there_is_no_default(desks):
    with pytest.raises(RefusedError) as refused:
        desks[0].default_exercise(["sd.technical"])
    assert refused.value.code == "no-exercise"


async def test_a_ping_counts_who_answered_with_its_word(desks, world):
    jo, sd, control = desks
    await control.open_exercise(
        "ex-1", title={"en": "Ping"}, participants=SIDES, opens_at=world.now,
        closes_at=world.now + timedelta(hours=1),
    )  # fmt: skip
    pings = await control.ping("ex-1", within_s=60)
    assert [ping.state for ping in pings] == ["accepted", "accepted"]
    await jo.sync()
    await sd.sync()
    assert jo.default_exercise(["sd.technical"]) == "ex-1"
    (row,) = [r for r in jo.inbox() if r["kind"] == "ping"]
    word = jo.show(row["message"]).message.body.fields["word"]
    await jo.acknowledge(row["message"], word=word)
    (row,) = [r for r in sd.inbox() if r["kind"] == "ping"]
    await sd.acknowledge(row["message"], word="not the word")
    await control.sync()
    tally = control.tally("ex-1")
    assert tally == {"sent": 2, "in_time": 1, "late": 0, "retrieved_only": 1, "none": 0}
    await control.end_exercise("ex-1")
    assert [e["state"] for e in control.exercises()] == ["ended"]
