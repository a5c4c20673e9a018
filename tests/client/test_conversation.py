"""Conversations at two desks and a controller: who may say what, what is shown of it, and what is missing."""

from __future__ import annotations

import pytest

from poc.client.conversation import Conversations
from poc.client.conversation_view import DOUBTS, missing_numbers
from poc.client.threads import thread_view
from poc.client.view import message_view
from poc.core.admission import SealingLimits
from poc.core.envelope import Addressee, Randomness, seal_message, uuid7
from poc.errors import RefusedError
from tests import registry as made
from tests.desk_world import CONTROLLER, draft

JO, SD = "jo.technical", "sd.technical"


async def said(desk, kind, about, *, to=(SD,), thread=None, **changes):
    members = {"thread": thread or about, "in_reply_to": about, **changes}
    return await desk.send_message(draft(desk, kind=kind, **members), list(to))


async def refusal(coroutine):
    with pytest.raises(RefusedError) as refused:
        await coroutine
    return refused.value.code


def forced(desk, world, kind, about, to, *, number=9, thread=None):
    """A message that its sender's own desk would not send: sealed with its keys and put into its outbox."""
    message = draft(desk, kind=kind, thread=thread or about, in_reply_to=about)
    sealed = seal_message(
        message, origin=desk.directory.origin, id=uuid7(world.now, bytes([number] * 10)),
        sender_contact=desk.party, signing_key=made.signing_key(f"{desk.party} 1"),
        addressees=[Addressee(to, made.sealing_key(f"{to} 1").public, "action", number),
                    Addressee(desk.party, made.sealing_key(f"{desk.party} 1").public, "own")],
        randomness=Randomness(bytes([number] * 32), bytes(12), [bytes(16)] * 2),
        head=desk.head, now=world.now,
        limits=SealingLimits.of(desk.directory, desk.party),
    )  # fmt: skip
    desk.known.trust.put_outbox("message", sealed.message.id, sealed.envelope_bytes)
    return sealed.message.id


def view_of(desk, message):
    return message_view(desk.known, desk.show(message))


def codes(view):
    return [warning["code"] for warning in view["warnings"]]


async def test_a_withdrawal_shows_on_the_message_everywhere_and_deletes_nothing(desks):
    jo, sd, _ = desks
    first = (await jo.send_message(draft(jo), [SD])).id
    await sd.sync()
    before = sd.known.trust.inbox(first)
    update = (await said(jo, "update", first)).id
    gone = (await said(jo, "withdrawal", first)).id
    await sd.sync()
    for desk in (jo, sd):
        view = view_of(desk, first)
        assert view["subject"] == "A seeded subject"
        assert (view["withdrawn"]["message"], view["withdrawn"]["by"]) == (gone, JO)
        assert view["withdrawn"]["at"] == view_of(desk, gone)["accepted_at"]
        assert [one["message"] for one in view["updates"]] == [update]
        assert codes(view) == ["withdrawn", "updated-since"]
        assert codes(view_of(desk, gone)) == codes(view_of(desk, update)) == []
    assert sd.known.trust.inbox(first) == before
    for kind in ("withdrawal", "update"):
        assert await refusal(said(jo, kind, first)) == "already-withdrawn"
    assert await refusal(said(jo, "withdrawal", gone, thread=first)) == "withdrawal-stands"


async def test_a_withdrawal_that_the_hub_does_not_have_yet_says_so(desks):
    jo, _, _ = desks
    first = (await jo.send_message(draft(jo), [SD])).id
    jo.hub._base = "http://127.0.0.1:9"
    assert (await said(jo, "withdrawal", first)).state == "waiting"
    view = view_of(jo, first)
    assert codes(view) == ["withdrawal-waiting"]
    assert view["withdrawn"]["with_hub"] is False


@pytest.mark.parametrize("kind", ["update", "withdrawal", "closure"])
async def test_only_the_originator_may_and_what_another_forces_through_is_shown_and_changes_nothing(
    desks, world, kind
):
    jo, sd, control = desks
    first = (await jo.send_message(draft(jo), [SD, CONTROLLER])).id
    await sd.sync()
    await control.sync()
    assert await refusal(said(control, kind, first)) == "not-the-originator"
    assert control.outbox() == [row for row in control.outbox() if row["kind"] != "message"]
    forged = forced(control, world, kind, first, SD)
    await control.sync()
    assert (await sd.sync()).received == 1
    view = view_of(sd, forged)
    assert codes(view) == ["not-the-originator"]
    assert view["warnings"][0]["ar"] == DOUBTS["not-the-originator"]["ar"]
    assert (view["subject"], view["state"]) == ("A seeded subject", "retrieved")
    untouched = view_of(sd, first)
    assert (untouched["withdrawn"], untouched["updates"], codes(untouched)) == (None, [], [])
    assert [part.message.id for part in sd.conversations().thread(first)] == [first, forged]


async def test_what_is_about_a_message_that_is_not_here_or_elsewhere_is_doubted(desks, world):
    jo, sd, _ = desks
    first = (await jo.send_message(draft(jo), [CONTROLLER])).id
    other = (await jo.send_message(draft(jo), [SD])).id
    gone = (await said(jo, "withdrawal", first)).id
    astray = forced(jo, world, "withdrawal", other, SD, thread=first)
    await jo.sync()
    await sd.sync()
    assert codes(view_of(sd, gone)) == ["original-not-here"]
    assert codes(view_of(sd, astray)) == ["another-thread"]
    assert view_of(sd, other)["withdrawn"] is None
    assert await refusal(said(sd, "update", first)) == "original-not-here"
    assert await refusal(said(sd, "reply", other, thread=first)) == "another-thread"
    bare = draft(jo, kind="closure")
    assert await refusal(jo.send_message(bare, [SD])) == "names-no-message"


async def test_a_rejected_withdrawal_withdraws_nothing(desks):
    jo, _, _ = desks
    first = (await jo.send_message(draft(jo), [SD])).id
    gone = (await said(jo, "withdrawal", first)).id
    row = jo.known.trust.outbox_row("message", gone)
    jo.known.trust.set_outbox(row.number, "rejected", reason="expired", answer=None)
    assert view_of(jo, first)["withdrawn"] is None


async def test_a_refused_withdrawal_withdraws_nothing(desks):
    jo, sd, _ = desks
    first = (await jo.send_message(draft(jo), [SD])).id
    gone = (await said(jo, "withdrawal", first)).id
    await sd.sync()
    (row,) = sd.known.trust.inbox(gone)
    sd.known.trust.set_inbox_state(row.number, "refused", "key-compromised")
    assert Conversations(sd.known).withdrawn(first, JO) is None


async def test_a_thread_is_shown_in_order_with_who_acknowledged(desks, world):
    jo, sd, _ = desks
    first = (await jo.send_message(draft(jo, precedence="flash"), [SD])).id
    await jo.send_message(draft(jo, subject="Another"), [SD])
    await sd.sync()
    await sd.acknowledge(first, officer="07")
    world.now = world.now.replace(second=world.now.second + 1 if world.now.second < 59 else 59)
    reply = (await said(sd, "reply", first, to=(JO,))).id
    world.now = world.now.replace(minute=(world.now.minute + 1) % 60)
    await jo.sync()
    closed = (await said(jo, "closure", first)).id
    await sd.sync()
    await jo.sync()
    for desk in (jo, sd):
        view = thread_view(desk.known, desk.show(reply).message)
        assert view["thread"] == first
        assert [one["id"] for one in view["messages"]] == [first, reply, closed]
        answers = [a for a in view["messages"][0]["answers"] if a["outcome"] == "acknowledged"]
        assert [(a["contact"], a["officer"], a["with_hub"]) for a in answers] == [(SD, "07", True)]
        assert view["messages"][0]["marking"]["ar"] == "اختبار"


async def test_an_answer_that_waits_stands_in_the_thread_with_this_desks_own_time(desks):
    jo, sd, _ = desks
    first = (await jo.send_message(draft(jo), [SD])).id
    await sd.sync()
    sd.hub._base = "http://127.0.0.1:9"
    assert await sd.decline(first, "not-now") == "waiting"
    (message,) = thread_view(sd.known, sd.show(first).message)["messages"]
    (answer,) = [a for a in message["answers"] if a["outcome"] == "declined"]
    assert answer["with_hub"] is False


async def test_a_reader_is_told_who_else_got_it_or_that_nobody_did(desks):
    jo, sd, control = desks
    together = (await jo.send_message(draft(jo), [SD], [CONTROLLER])).id
    alone = (await jo.send_message(draft(jo), [SD])).id
    await sd.sync()
    await control.sync()
    seen = view_of(sd, together)["addressed"]
    assert (seen["alone"], seen["others"]) == (False, [CONTROLLER])
    assert CONTROLLER in seen["en"]
    assert view_of(control, together)["addressed"]["others"] == [SD]
    assert view_of(jo, together)["addressed"]["others"] == [SD, CONTROLLER]
    assert "each recipient sees the others" in view_of(jo, together)["addressed"]["en"].lower()
    seen = view_of(sd, alone)["addressed"]
    assert (seen["alone"], seen["others"], seen["en"]) == (True, [], "Sent to you alone.")
    assert view_of(jo, alone)["addressed"]["en"] == f"Sent to {SD} alone."


async def test_missing_numbers_are_named_for_their_sender_and_status(desks, world):
    jo, sd, _ = desks
    first = (await jo.send_message(draft(jo), [SD])).id
    await sd.sync()
    assert missing_numbers(sd.known) == []
    forced(jo, world, "reply", first, SD, number=4)
    await jo.sync()
    await sd.sync()
    (gap,) = missing_numbers(sd.known)
    assert (gap["sender"], gap["status"], gap["first"], gap["last"]) == (JO, "test", 2, 3)
    assert "2 to 3" in gap["en"]
    assert "2 إلى 3" in gap["ar"]
    assert missing_numbers(sd.known, sd.show(first).message) == [gap]
    own = (await said(sd, "reply", first, to=(JO,))).id
    assert missing_numbers(sd.known, sd.show(own).message) == []
