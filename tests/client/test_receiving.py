"""Receiving: what is not verified yet, what is refused and why, what came twice, what came late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from poc.client.sdk import Desk
from poc.client.sequences import sequences
from poc.client.view import message_view
from poc.core.strictjson import canonical
from poc.errors import RefusedError
from poc.keyring import Keyring
from tests import registry as made
from tests.desk_world import PASSPHRASE, SIDES, draft, sealed_again, sync_once_with


def row_of(desk, message):
    (row,) = [row for row in desk.inbox() if row["message"] == message]
    return row


async def log(world, kind, subject, body, *by):
    """Log a statement at the hub, where it is chained on what the hub logged when."""
    world.now += timedelta(seconds=1)
    payload = world.registry.payload(kind, subject, body, issued_at=world.now)
    await world.hub.registry.submit(made.signed(payload, *by))


async def open_exercise(control, world, name="ex-1"):
    await control.open_exercise(
        name, title={"en": "Drill"}, participants=SIDES, opens_at=world.now,
        closes_at=world.now + timedelta(hours=1),
    )  # fmt: skip


async def test_a_recipient_syncs_to_the_head_of_a_message_before_it_is_verified(desks, world):
    jo, sd, _ = desks
    world.registry.enrol("eg")
    await world.fill()
    await jo.sync()
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    size = sd.directory.size
    await sd.sync()
    assert sd.directory.size == size + 1
    assert row_of(sd, sent.id)["verified"]


async def test_a_message_ahead_of_the_log_is_not_verified_until_the_log_came(desks, world, between):
    jo, sd, _ = desks
    _, old = await world.ask("GET", "/checkpoint")
    world.registry.enrol("eg")
    await world.fill()
    await jo.sync()
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    between.alter = lambda _method, path, _body: old if path == "/checkpoint" else None
    await sd.sync()
    row = row_of(sd, sent.id)
    assert (row["state"], row["reason"], row["verified"]) == ("not-verified", "head-ahead", False)
    assert row["sentence"]
    with pytest.raises(RefusedError) as refused:
        await sd.acknowledge(sent.id)
    assert refused.value.code == "head-ahead"
    assert [row for row in sd.outbox() if row["kind"] == "answer"] == []
    between.honest()
    await sd.sync()
    assert row_of(sd, sent.id)["state"] == "retrieved"


async def test_a_message_of_an_unknown_exercise_is_refused_and_verifies_once_the_exercise_came(
    desks, world, between
):
    jo, sd, control = desks
    await open_exercise(control, world)
    await jo.sync()
    between.change("/v1/exercises", lambda page: page.update(exercises=[], next=0))
    sent = await jo.send_message(draft(jo, status="exercise", exercise="ex-1"), ["sd.technical"])
    await sd.sync()
    row = row_of(sd, sent.id)
    assert (row["state"], row["reason"]) == ("refused", "exercise-unknown")
    assert (await sd.sync()).received == 0
    assert row_of(sd, sent.id)["reason"] == "exercise-unknown"
    between.honest()
    await sd.sync()
    assert row_of(sd, sent.id)["state"] == "retrieved"


async def test_an_exercise_announced_after_the_inbox_was_asked_for_still_comes_in_the_same_sync(desks, world):
    jo, sd, control = desks
    await open_exercise(control, world)
    await jo.sync()
    sent = await jo.send_message(draft(jo, status="exercise", exercise="ex-1"), ["sd.technical"])
    sd.known.trust.set_cursor("exercises", 2**40)  # as if it had been announced a moment later
    await sd.sync()
    sd.known.trust.set_cursor("exercises", 0)
    await sd.sync()
    assert row_of(sd, sent.id)["state"] == "retrieved"


async def test_a_message_that_came_after_its_expiry_is_shown_as_such_for_ever(desks, world):
    jo, sd, _ = desks
    sent = await jo.send_message(draft(jo, expires_at=world.now + timedelta(minutes=5)), ["sd.technical"])
    world.now += timedelta(hours=1)
    await sd.sync()
    row = row_of(sd, sent.id)
    assert (row["expired_on_arrival"], row["verified"]) == (True, True)


async def test_a_refused_message_keeps_its_code_and_has_a_sentence_and_a_next_step(desks, world, between):
    jo, sd, _ = desks
    sent = await jo.send_message(draft(jo), ["sd.technical"])

    def edit(page):
        for item in page["items"]:
            item["envelope"]["recipients"][0]["header"]["sequence"] = 9

    between.change("/v1/inbox", edit)
    await sd.sync()
    row = row_of(sd, sent.id)
    assert (row["state"], row["verified"]) == ("refused", False)
    assert row["reason"] == "receipt-mismatch"  # the slot that was accepted is another
    assert row["sentence"]
    assert row["next"]
    await sd.sync()
    assert row_of(sd, sent.id) == row
    with pytest.raises(RefusedError) as refused:
        sd.show(sent.id)
    assert refused.value.code == "receipt-mismatch"


async def test_the_same_message_again_is_no_second_message(desks, world):
    jo, sd, _ = desks
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    for _ in range(2):
        assert (await sd.sync(from_start=True)).received == 0
    assert row_of(sd, sent.id)["state"] == "retrieved"
    assert len([row for row in sd.outbox() if row["ref"].startswith(sent.id)]) == 1


async def test_a_hub_that_withholds_its_receipt_does_not_let_an_ended_key_sign_on(desks, world, between):
    jo, sd, _ = desks
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    kid = made.signing_key("jo.technical 1").kid
    ended = {"kid": kid, "reason": "routine", "suspected_since": None}
    await log(world, "contact.device-revoke", "jo.technical", ended, "jo authority")

    def withhold(page):
        for item in page["items"]:
            item["accepted"] = None

    between.change("/v1/inbox", withhold)
    await sd.sync()
    assert (row_of(sd, sent.id)["state"], row_of(sd, sent.id)["reason"]) == ("refused", "key-ended")


async def test_a_message_read_before_stays_readable_after_its_senders_key_was_compromised(desks, world):
    jo, sd, _ = desks
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    later = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    kid = made.signing_key("jo.technical 1").kid
    await log(
        world, "contact.device-revoke", "jo.technical",
        {"kid": kid, "reason": "compromise", "suspected_since": None}, "jo authority",
    )  # fmt: skip
    await sd.sync()
    assert sd.directory.key(kid).ended == "compromise"
    assert sd.show(sent.id).message.subject == "A seeded subject"
    codes = [row["code"] for row in message_view(sd.known, sd.show(later.id))["warnings"]]
    assert codes[0] == "sender-key-ended-since"


async def test_two_different_messages_under_one_id_are_both_kept_told_and_a_proof(desks, world, between):
    jo, sd, _ = desks
    first = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    report = await sync_once_with(between, sd, sealed_again(jo, world, first.id, "Another subject"))
    assert any("two different messages under the id" in warning for warning in report.warnings)
    assert [row["reason"] for row in sd.inbox()] == [None, "seen-before"]
    assert sd.show(first.id).message.subject == "A seeded subject"
    assert [kind for kind, _, _ in sd.known.trust.proofs()] == ["id-used-twice"]
    codes = [row["code"] for row in message_view(sd.known, sd.show(first.id))["warnings"]]
    assert "id-used-twice" in codes
    assert any("contradicting messages" in warning for warning in sd.warnings())


async def test_two_messages_under_one_number_are_both_shown_told_and_a_proof(desks, world, between):
    jo, sd, _ = desks
    first = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    other = sealed_again(jo, world, first.id, "Another subject", sequence=1, number=9)
    report = await sync_once_with(between, sd, other)
    assert any("one sequence number" in warning for warning in report.warnings)
    assert [row["verified"] for row in sd.inbox()] == [True, True]
    for message in (first.id, other.message.id):
        codes = [row["code"] for row in message_view(sd.known, sd.show(message))["warnings"]]
        assert "sequence-used-twice" in codes


async def test_a_message_that_did_not_come_is_a_gap_and_the_first_seen_is_the_baseline(desks, world, between):
    jo, sd, _ = desks
    ids = [(await jo.send_message(draft(jo), ["sd.technical"])).id for _ in range(4)]

    def withhold(page):
        page["items"] = [item for item in page["items"] if item["message"] not in (ids[0], ids[2])]

    between.change("/v1/inbox", withhold)
    report = await sd.sync()
    (gap,) = sequences(sd.known.trust.inbox()).gaps
    assert (gap.sender, gap.first, gap.last) == ("jo.technical", 3, 3)
    assert any("not received" in warning for warning in report.warnings)


async def test_a_device_added_later_reads_what_was_sealed_to_it_and_nothing_before(desks, world, tmp_path):
    jo, sd, _ = desks
    await jo.send_message(draft(jo), ["sd.technical"])
    nomination = sd.directory.contact("sd.technical").nomination.leaf_hash
    body = {"entry": nomination, "device": made.device("sd.technical 2", 2)}
    await log(world, "contact.device-add", "sd.technical", body, "sd authority", "sd.technical 2")
    key = made.sealing_key("sd.technical 2").public
    await world.ask("PUT", f"/v1/keys/{key.kid}", canonical(key.jwk()), who="sd.technical 2")
    home = tmp_path / "second"
    async with await Desk.join(
        home, world.origin, sd.directory.fingerprint, party="sd.technical", http=world.session,
        clock=lambda: world.now,
    ) as second:  # fmt: skip
        from poc.core.strictjson import domain_hash

        keys = Keyring.create(home, PASSPHRASE)
        seeds = [
            domain_hash("poc/1 test key", label) for label in (b"sd.technical 2", b"seal sd.technical 2")
        ]
        keys.add_signing("device", "sd.technical", world.now, lambda _: seeds[0])
        keys.add_sealing("sd.technical", world.now, lambda _: seeds[1])
        second.use_keyring(keys)
        await second.sync()
        assert second.inbox() == []
        await jo.sync()
        sent = await jo.send_message(draft(jo), ["sd.technical"])
        assert sent.state == "accepted"
        assert (await second.sync()).received == 1
        assert await second.acknowledge(sent.id) == "done"
        await sd.sync()
        assert len(sd.inbox()) == 2


async def test_a_desk_without_its_passphrase_lists_its_inbox_and_opens_nothing(desks, world, tmp_path):
    jo, sd, _ = desks
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    async with await Desk.open(sd.home, http=world.session, clock=lambda: world.now) as locked:
        assert row_of(locked, sent.id)["verified"]
        with pytest.raises(RefusedError) as refused:
            locked.show(sent.id)
    assert refused.value.code == "no-passphrase"
