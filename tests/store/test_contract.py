from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from poc.core.audit import AuditEvent, check_chain
from poc.core.strictjson import b64u
from poc.errors import FaultError, PocError, RefusedError, UnreachableError
from poc.store.base import (
    Accepted,
    Existing,
    StoredAnchor,
    StoredKey,
    StoredOpening,
    StoredRead,
    Subtree,
)
from tests.store.builders import HOUR, NOW, answer, erasure, head, leaf, message, proposal, rejection, slot


async def refused(code, awaitable):
    with pytest.raises(RefusedError) as caught:
        await awaitable
    assert caught.value.code == code
    return caught.value


# --- the log ---


async def test_a_new_store_has_no_head_and_no_entries(store):
    assert await store.read_head() is None
    assert await store.read_leaves(0, 10) == ()
    assert await store.read_hashes(0, 0, 10) == ()


async def test_entries_come_back_as_they_were_appended(store):
    leaves = [leaf(n) for n in range(3)]
    await store.append_entries(None, head(1), leaves[:1], [])
    subtrees = [Subtree(0, 0, b"a" * 32), Subtree(0, 1, b"b" * 32), Subtree(1, 0, b"c" * 32)]
    await store.append_entries(head(1).checkpoint, head(3), leaves[1:], subtrees)
    assert await store.read_head() == head(3)
    assert await store.read_leaves(0, 9) == tuple(leaves)
    assert await store.read_leaves(1, 2) == (leaves[1],)
    assert await store.read_hashes(0, 0, 9) == (b"a" * 32, b"b" * 32)
    assert await store.read_hashes(1, 0, 1) == (b"c" * 32,)
    assert await store.find_leaf("payload-2") == (2, leaves[2])
    assert await store.find_leaf("payload-9") is None


async def test_a_checkpoint_is_renewed_at_the_same_size(store):
    await store.append_entries(None, head(1), [leaf(0)], [])
    await store.append_entries(head(1).checkpoint, head(1, "cosigned"), [], [])
    assert await store.read_head() == head(1, "cosigned")


@pytest.mark.parametrize("expected", [None, b"other"])
async def test_an_append_over_another_checkpoint_changes_nothing(store, expected):
    await store.append_entries(None, head(1), [leaf(0)], [])
    await refused("head-moved", store.append_entries(expected, head(2), [leaf(1)], []))
    assert await store.read_head() == head(1)
    assert await store.read_leaves(0, 9) == (leaf(0),)


async def test_an_append_to_an_empty_log_that_expects_a_checkpoint_is_refused(store):
    await refused("head-moved", store.append_entries(b"other", head(1), [leaf(0)], []))
    assert await store.read_head() is None


async def test_of_two_appenders_over_one_checkpoint_exactly_one_wins(store):
    await store.append_entries(None, head(1), [leaf(0)], [])
    ends = await asyncio.gather(
        *(store.append_entries(head(1).checkpoint, head(2, str(n)), [leaf(n)], []) for n in (1, 2)),
        return_exceptions=True,
    )
    assert [end.code for end in ends if isinstance(end, PocError)] == ["head-moved"]
    won = ends.index(None) + 1
    assert await store.read_head() == head(2, str(won))
    assert await store.read_leaves(0, 9) == (leaf(0), leaf(won))


async def test_a_payload_is_logged_once_and_the_refusal_names_its_entry(store):
    await store.append_entries(None, head(1), [leaf(0)], [])
    again = store.append_entries(head(1).checkpoint, head(3), [leaf(1), leaf(0)], [])
    error = await refused("already-logged", again)
    assert error.data == {"index": 0, "leaf_hash": b64u(leaf(0).leaf_hash)}
    assert await store.read_head() == head(1)
    assert await store.find_leaf("payload-1") is None


async def test_a_head_that_does_not_count_its_entries_is_our_fault(store):
    with pytest.raises(FaultError):
        await store.append_entries(None, head(2), [leaf(0)], [])
    assert await store.read_head() is None


async def test_the_hash_of_a_subtree_given_twice_is_our_fault_and_changes_nothing(store):
    await store.append_entries(None, head(1), [leaf(0)], [Subtree(0, 0, b"a" * 32)])
    with pytest.raises(FaultError):
        await store.append_entries(head(1).checkpoint, head(2), [leaf(1)], [Subtree(0, 0, b"b" * 32)])
    assert await store.read_head() == head(1)
    assert await store.read_hashes(0, 0, 9) == (b"a" * 32,)


async def test_a_complete_proposal_is_closed_with_its_entry_and_only_then(store):
    await store.put_proposal(proposal("p"))
    await refused("head-moved", store.append_entries(b"other", head(1), [leaf(0)], [], ["p"]))
    assert await store.read_proposal("p", NOW) == proposal("p")
    await store.append_entries(None, head(1), [leaf(0)], [], ["p"])
    assert await store.read_proposal("p", NOW) is None


# --- proposals ---


async def test_a_proposal_is_opened_once(store):
    assert await store.put_proposal(proposal()) is True
    assert await store.put_proposal(proposal(opened_at=NOW + HOUR)) is False
    assert await store.read_proposals(NOW) == (proposal(),)


async def test_signatures_are_swapped_only_over_those_expected(store):
    await store.put_proposal(proposal())
    await store.sign_proposal("p", b"[1]", b"[1,2]")
    await refused("proposal-moved", store.sign_proposal("p", b"[1]", b"[1,3]"))
    await refused("proposal-moved", store.sign_proposal("other", b"[1]", b"[1,3]"))
    kept = await store.read_proposal("p", NOW)
    assert kept.signatures == b"[1,2]"


async def test_an_expired_proposal_is_not_shown_and_then_deleted(store):
    late = proposal("late", NOW + HOUR)
    await store.put_proposal(late)
    await store.put_proposal(proposal("early"))
    at = NOW + HOUR
    assert await store.read_proposals(NOW, limit=1) == (proposal("early"),)
    assert await store.read_proposals(at) == (late,)
    assert await store.read_proposal("early", at) is None
    assert await store.expire_proposals(at) == 1
    assert await store.expire_proposals(at) == 0
    assert await store.delete_proposal("late") is True
    assert await store.delete_proposal("late") is False


# --- what travels beside the log ---


async def test_an_opening_is_kept_once_and_followed_by_number(store):
    assert await store.put_opening("c1", "jo.technical", "person", b"one") is True
    assert await store.put_opening("c1", "jo.technical", "person", b"two") is False
    await store.put_opening("c2", "jo.technical", "reach", b"three")
    first = StoredOpening(1, "c1", "jo.technical", "person", b"one")
    second = StoredOpening(2, "c2", "jo.technical", "reach", b"three")
    assert await store.read_openings(0, 10) == (first, second)
    assert await store.read_openings(0, 1) == (first,)
    assert await store.read_openings(1, 10) == (second,)
    assert await store.read_openings(2, 10) == ()


async def test_the_number_of_an_erased_opening_is_never_used_again(store):
    for n in (1, 2):
        await store.put_opening(f"c{n}", "jo.technical", "person", b"x")
    assert await store.delete_openings(["c2", "unknown"]) == 1
    assert await store.read_opening("c2") is None
    await store.put_opening("c3", "jo.technical", "person", b"y")
    assert [opening.number for opening in await store.read_openings(0, 10)] == [1, 3]


async def test_an_erased_opening_is_gone_and_never_taken_again(store):
    await store.put_opening("c1", "jo.technical", "person", b"one")
    await store.put_opening("c2", "jo.technical", "reach", b"two")
    assert await store.erase_opening(erasure("c1")) is True
    assert await store.read_opening("c1") is None
    assert [o.commitment for o in await store.read_openings(0, 10)] == ["c2"]
    await refused("opening-erased", store.put_opening("c1", "jo.technical", "person", b"one"))
    assert await store.erase_opening(erasure("c1", NOW + HOUR, proof=b"another")) is False
    assert await store.read_erasures() == (erasure("c1"),)


async def test_what_was_never_kept_may_be_erased_and_is_then_not_taken(store):
    assert await store.erase_opening(erasure("c1")) is True
    await refused("opening-erased", store.put_opening("c1", "jo.technical", "person", b"late"))
    assert await store.put_opening("c1", "sd.technical", "person", b"theirs") is True


async def test_erasures_are_forgotten_one_by_one(store):
    late = erasure("c1", NOW + HOUR)
    for one in (late, erasure("c2")):
        await store.erase_opening(one)
    assert await store.read_erasures() == (erasure("c2"), late)
    assert await store.forget_erasures([late, erasure("unknown")]) == 1
    assert await store.read_erasures() == (erasure("c2"),)
    assert await store.put_opening("c1", "jo.technical", "person", b"again") is True


async def test_who_read_what_is_kept_once_a_day_and_forgotten_by_day(store):
    first = StoredRead("jo.technical", "office", "sd.technical", NOW.date())
    later = replace(first, day=NOW.date() + timedelta(days=1))
    other = replace(first, part="reach", reader="eg")
    await store.note_reads([first, later])
    await store.note_reads([other, first])
    await store.note_reads([replace(first, contact="sd.duty")])
    assert await store.list_reads("jo.technical") == (first, later, other)
    assert await store.list_reads("nobody") == ()
    assert await store.forget_reads(NOW.date()) == 0
    assert await store.forget_reads(later.day) == 3
    assert await store.list_reads("jo.technical") == (later,)


async def test_a_dropped_envelope_leaves_its_id_number_receipt_and_evidence(store):
    await store.accept_message(message(1), [slot(sequence=5)])
    await store.accept_message(message(2, expires_at=NOW + 2 * HOUR), [slot(sequence=6)])
    await store.record_answer(answer(1))
    assert await store.drop_envelopes(NOW + HOUR) == 0
    assert await store.drop_envelopes(NOW + HOUR + timedelta(seconds=1)) == 1
    assert await store.drop_envelopes(NOW + HOUR + timedelta(seconds=1)) == 0
    bare = message(1, protected="", iv="", ciphertext="", tag="")
    assert await store.read_message("m1") == bare
    assert await store.read_slots("m1") == ()
    assert [item.number for item in await store.read_inbox(["k1"], 0, 10)] == [2]
    assert [record.event for record in await store.read_evidence("m1")] == [
        "accepted",
        "retrieved",
        "recorded",
    ]
    assert await store.accept_message(message(1), [slot(sequence=5)]) == Existing("receipt-1")
    await refused("id-used", store.accept_message(message(1, body_sha256="other"), [slot()]))
    await refused("sequence-used", store.accept_message(message(3), [slot(sequence=5)]))
    await store.accept_message(message(4), [slot(sequence=7)])
    assert [item.number for item in await store.read_inbox(["k1"], 0, 10)] == [2, 3]


# --- the audit trail ---


async def test_fifty_events_at_once_make_one_whole_chain(store):
    assert await store.read_newest_audit() is None
    events = [AuditEvent(NOW, "statement", "done", subject=str(n)) for n in range(50)]
    rows = await asyncio.gather(*(store.append_audit(event) for event in events))
    assert sorted(row.number for row in rows) == list(range(1, 51))
    kept = await store.read_audit(0, 100)
    assert check_chain(kept) == await store.read_newest_audit() == kept[-1]
    assert set(kept) == set(rows)
    assert await store.read_audit(48, 1) == kept[48:49]


async def test_an_anchor_stands_in_place_of_the_older_one_of_its_day(store):
    day, next_day = NOW.date(), NOW.date() + timedelta(days=1)
    anchors = [StoredAnchor(next_day, 3, b"c"), StoredAnchor(day, 1, b"a"), StoredAnchor(day, 2, b"b")]
    for one in anchors:
        await store.put_anchor(one)
    assert await store.read_anchors() == (anchors[2], anchors[0])


async def test_a_sealing_key_is_kept_once_and_followed_by_number(store):
    assert await store.put_sealing_key("k1", b"jwk", "jo.technical") is True
    assert await store.put_sealing_key("k1", b"other", "sd.duty") is False
    await store.put_sealing_key("k2", b"jwk2", "sd.duty")
    keys = (StoredKey(1, "k1", b"jwk", "jo.technical"), StoredKey(2, "k2", b"jwk2", "sd.duty"))
    assert await store.read_sealing_keys(0, 10) == keys
    assert await store.read_sealing_keys(1, 10) == keys[1:]
    assert await store.read_sealing_key("k1") == keys[0]
    assert await store.read_sealing_key("k3") is None


# --- messages ---


async def test_an_accepted_message_is_in_the_inboxes_with_its_receipt_as_evidence(store):
    slots = [slot("k1", sequence=7), slot("k2", sequence=7), slot("own", "jo.technical")]
    assert await store.accept_message(message(), slots) == Accepted("receipt-1")
    assert await store.read_message("m1") == message()
    assert await store.read_slots("m1") == tuple(slots)
    (item,) = await store.read_inbox(["k2", "unknown"], 0, 10)
    assert (item.number, item.message, item.slot) == (2, message(), slots[1])
    (record,) = await store.read_evidence("m1")
    assert (record.kind, record.event, record.contact, record.jws) == (
        "receipt",
        "accepted",
        None,
        "receipt-1",
    )


async def test_fifty_identical_submissions_are_accepted_once_with_one_receipt(store):
    copies = [message(receipt=f"receipt-of-try-{n}") for n in range(50)]
    ends = await asyncio.gather(*(store.accept_message(copy, [slot(sequence=1)]) for copy in copies))
    (accepted,) = [end for end in ends if isinstance(end, Accepted)]
    assert ends.count(Existing(accepted.receipt)) == 49
    assert len(await store.read_inbox(["k1"], 0, 100)) == 1
    assert len(await store.read_evidence("m1")) == 1


async def test_an_id_with_another_body_is_refused_and_its_sender_sees_the_receipt(store):
    await store.accept_message(message(), [slot()])
    other = message(body_sha256="another")
    error = await refused("id-used", store.accept_message(other, [slot()]))
    assert error.data == {"receipt": "receipt-1"}


async def test_an_id_of_somebody_else_is_refused_without_their_receipt(store):
    await store.accept_message(message(), [slot()])
    other = message(body_sha256="another", sender_contact="sd.duty")
    error = await refused("id-used", store.accept_message(other, [slot()]))
    assert error.data == {}


async def test_a_sequence_number_under_another_id_is_refused_with_the_receipt_it_has(store):
    await store.accept_message(message(1), [slot(sequence=5)])
    error = await refused("sequence-used", store.accept_message(message(2), [slot(sequence=5)]))
    assert error.data == {"receipt": "receipt-1", "message": "m1"}
    assert await store.read_message("m2") is None
    assert await store.read_evidence("m2") == ()
    assert len(await store.read_inbox(["k1"], 0, 10)) == 1


@pytest.mark.parametrize(
    ("changes", "other"),
    [
        ({}, slot(sequence=4)),
        ({}, slot(contact="sd.other", sequence=5)),
        ({"status": "actual"}, slot(sequence=5)),
        ({"sender_kid": "another"}, slot(sequence=5)),
        ({}, slot()),
    ],
)
async def test_a_sequence_number_counts_per_key_contact_and_status_in_any_order(store, changes, other):
    await store.accept_message(message(1), [slot(sequence=5)])
    assert isinstance(await store.accept_message(message(2, **changes), [other]), Accepted)


async def test_two_slots_of_one_key_are_our_fault_and_nothing_is_kept(store):
    with pytest.raises(FaultError):
        await store.accept_message(message(), [slot(), slot()])
    assert await store.read_message("m1") is None
    assert await store.read_inbox(["k1"], 0, 10) == ()
    assert await store.read_evidence("m1") == ()
    assert await store.accept_message(message(), [slot()]) == Accepted("receipt-1")


async def test_a_rejection_is_final_for_its_id(store):
    assert await store.reject_message(rejection()) == Accepted("rejected-1")
    again = Existing("rejected-1", "stale-slot-key")
    assert await store.reject_message(rejection(receipt="another")) == again
    assert await store.accept_message(message(), [slot()]) == again
    await refused("id-used", store.accept_message(message(body_sha256="mended"), [slot()]))
    assert await store.read_message("m1") is None
    assert await store.read_inbox(["k1"], 0, 10) == ()
    assert [record.event for record in await store.read_evidence("m1")] == ["rejected"]


async def test_a_message_that_was_accepted_is_not_rejected_afterwards(store):
    await store.accept_message(message(), [slot()])
    assert await store.reject_message(rejection()) == Existing("receipt-1")
    await refused("id-used", store.reject_message(rejection(body_sha256="another")))
    assert [record.event for record in await store.read_evidence("m1")] == ["accepted"]


async def test_an_inbox_is_read_on_in_the_order_of_acceptance(store):
    for n in range(1, 6):
        await store.accept_message(message(n), [slot("k1" if n % 2 else "k2")])
    first = await store.read_inbox(["k1"], 0, 2)
    assert [item.message.id for item in first] == ["m1", "m3"]
    rest = await store.read_inbox(["k1"], first[-1].number, 10)
    assert [item.message.id for item in rest] == ["m5"]
    assert [item.number for item in await store.read_inbox(["k2", "k1"], 0, 10)] == [1, 2, 3, 4, 5]
    assert await store.read_inbox([], 0, 10) == ()
    assert await store.read_inbox(["k1"], rest[-1].number, 10) == ()


# --- answers and evidence ---


async def test_an_answer_and_its_receipt_are_evidence_of_its_contact(store):
    await store.accept_message(message(), [slot()])
    assert await store.record_answer(answer()) == Accepted("recorded-1")
    records = await store.read_evidence("m1")
    assert [(r.kind, r.event, r.contact, r.jws) for r in records[1:]] == [
        ("retrieval", "retrieved", "sd.duty", "jws"),
        ("receipt", "recorded", "sd.duty", "recorded-1"),
    ]


async def test_the_same_answer_again_gives_the_receipt_of_the_first_time(store):
    await store.accept_message(message(), [slot()])
    ends = await asyncio.gather(*(store.record_answer(answer(receipt=f"try-{n}")) for n in range(20)))
    (accepted,) = [end for end in ends if isinstance(end, Accepted)]
    assert ends.count(Existing(accepted.receipt)) == 19
    assert len(await store.read_evidence("m1")) == 3


async def test_another_artefact_under_the_same_key_is_refused(store):
    await store.accept_message(message(), [slot()])
    await store.record_answer(answer())
    error = await refused("answer-used", store.record_answer(answer(sha256="another")))
    assert error.data == {"receipt": "recorded-1"}
    assert len(await store.read_evidence("m1")) == 3


@pytest.mark.parametrize("change", [{"contact": "x.y"}, {"kid": "other"}, {"outcome": "declined"}])
async def test_answers_of_other_devices_and_outcomes_stand_beside_it(store, change):
    await store.accept_message(message(), [slot()])
    await store.record_answer(answer())
    assert await store.record_answer(answer(sha256="another", **change)) == Accepted("recorded-1")


async def test_an_answer_to_an_unknown_or_rejected_message_is_refused(store):
    await refused("unknown-message", store.record_answer(answer()))
    await store.reject_message(rejection())
    await refused("unknown-message", store.record_answer(answer()))


async def test_a_sender_follows_the_evidence_of_its_own_messages_only(store):
    await store.accept_message(message(1), [slot()])
    await store.accept_message(message(2, sender_contact="sd.duty", sender_kid="s2"), [slot("k2")])
    await store.record_answer(answer(1))
    feed = await store.read_evidence_feed("jo.technical", 0, 10)
    assert [(r.message, r.event) for r in feed] == [
        ("m1", "accepted"),
        ("m1", "retrieved"),
        ("m1", "recorded"),
    ]
    assert await store.read_evidence_feed("jo.technical", 0, 1) == feed[:1]
    assert await store.read_evidence_feed("jo.technical", feed[0].number, 10) == feed[1:]
    assert await store.read_evidence_feed("nobody", 0, 10) == ()


# --- requests ---


async def test_a_nonce_is_used_once_per_key(store):
    assert await store.use_nonce("k1", "n", NOW) is True
    assert await store.use_nonce("k1", "n", NOW + HOUR) is False
    assert await store.use_nonce("k2", "n", NOW) is True
    assert await store.use_nonce("k1", "m", NOW) is True


async def test_of_fifty_uses_of_a_nonce_at_once_one_succeeds(store):
    ends = await asyncio.gather(*(store.use_nonce("k", "n", NOW) for _ in range(50)))
    assert ends.count(True) == 1


async def test_only_nonces_that_ended_are_forgotten(store):
    await store.use_nonce("k", "old", NOW)
    await store.use_nonce("k", "new", NOW + HOUR)
    assert await store.forget_nonces(NOW) == 0
    assert await store.forget_nonces(NOW + HOUR) == 1
    assert await store.use_nonce("k", "new", NOW) is False
    assert await store.use_nonce("k", "old", NOW) is True


# --- exercises ---


async def test_an_announcement_is_kept_once(store):
    assert await store.put_exercise("x1", "x-las.c", "jws") is True
    assert await store.put_exercise("x1", "x-las.c", "jws") is False
    await refused("id-used", store.put_exercise("x1", "x-las.c", "other"))
    await refused("id-used", store.put_exercise("x1", "x-las.d", "jws"))
    assert (await store.read_exercise("x1")).announcement == "jws"
    assert await store.read_exercise("x2") is None


async def test_orders_follow_one_another_and_renew_the_number_of_their_exercise(store):
    await store.put_exercise("x1", "x-las.c", "jws")
    await store.put_exercise("x2", "x-las.c", "jws2")
    assert await store.add_order("x1", 1, None, "h1", "start") is True
    assert await store.add_order("x1", 2, "h1", "h2", "end") is True
    seen = await store.read_exercises(2, 10)
    assert [(x.id, x.orders) for x in seen] == [("x1", ("start", "end"))]
    assert [x.id for x in await store.read_exercises(0, 10)] == ["x2", "x1"]
    assert [x.id for x in await store.read_exercises(0, 1)] == ["x2"]
    assert await store.read_exercises(seen[0].number, 10) == ()


async def test_the_same_order_again_changes_nothing(store):
    await store.put_exercise("x1", "x-las.c", "jws")
    await store.add_order("x1", 1, None, "h1", "start")
    before = await store.read_exercise("x1")
    assert await store.add_order("x1", 1, None, "h1", "start") is False
    assert await store.read_exercise("x1") == before


@pytest.mark.parametrize(
    ("number", "previous", "sha256"),
    [
        (1, None, "other"),
        (2, "wrong", "h2"),
        (2, None, "h2"),
        (3, "h1", "h3"),
        (0, None, "h0"),
        (-1, None, "h"),
    ],
)
async def test_an_order_that_does_not_follow_the_last_is_refused(store, number, previous, sha256):
    await store.put_exercise("x1", "x-las.c", "jws")
    await store.add_order("x1", 1, None, "h1", "start")
    await refused("order-out-of-sequence", store.add_order("x1", number, previous, sha256, "order"))
    assert (await store.read_exercise("x1")).orders == ("start",)


async def test_a_first_order_that_names_a_previous_one_is_refused(store):
    await store.put_exercise("x1", "x-las.c", "jws")
    await refused("order-out-of-sequence", store.add_order("x1", 1, "h0", "h1", "start"))


async def test_an_order_of_an_unknown_exercise_is_refused(store):
    await refused("exercise-unknown", store.add_order("x1", 1, None, "h1", "start"))


# --- many at once ---


async def test_a_bad_write_does_not_sink_those_beside_it(store):
    await store.accept_message(message(0), [slot(sequence=1)])
    writes = [store.accept_message(message(n), [slot(sequence=n)]) for n in range(1, 20)]
    writes.append(store.accept_message(message(99), [slot(), slot()]))
    writes.append(store.use_nonce("k", "n", NOW))
    ends = await asyncio.gather(*writes, return_exceptions=True)
    assert [end.code for end in ends if isinstance(end, PocError)] == ["sequence-used", "fault"]
    assert ends[1:19] == [Accepted(f"receipt-{n}") for n in range(2, 20)]
    assert ends[-1] is True
    assert len(await store.read_inbox(["k1"], 0, 100)) == 19


async def test_the_head_that_is_shown_is_kept_and_replaced(store):
    assert await store.read_published() is None
    await store.put_published(b"first")
    await store.put_published(b"second")
    assert await store.read_published() == b"second"


async def test_a_closed_store_takes_and_gives_nothing(store):
    await store.close()
    for verb in (store.read_head(), store.use_nonce("k", "n", NOW)):
        with pytest.raises(UnreachableError) as caught:
            await verb
        assert caught.value.code == "storage-failed"


async def test_an_announcement_renews_the_openings_it_shows_and_no_others(store):
    for name in ("c1", "c2", "c3"):
        await store.put_opening(name, "jo.technical", "person", name.encode())
    assert await store.put_exercise("ex", "x-arcc.one", "text", ["c1", "c3", "never kept"]) is True
    found = await store.read_openings(0, 10)
    assert [(o.number, o.commitment, o.data) for o in found] == [
        (2, "c2", b"c2"),
        (4, "c1", b"c1"),
        (5, "c3", b"c3"),
    ]
    assert await store.put_exercise("ex", "x-arcc.one", "text", ["c1", "c2"]) is False
    assert await store.read_openings(0, 10) == found


async def test_a_refused_announcement_or_append_renews_nothing(store):
    await store.put_opening("c1", "jo.technical", "person", b"x")
    await store.put_exercise("ex", "x-arcc.one", "text")
    with pytest.raises(RefusedError):
        await store.put_exercise("ex", "x-arcc.one", "other", ["c1"])
    with pytest.raises(RefusedError):
        await store.append_entries(b"wrong", head(1), [leaf(0)], [], (), ["c1"])
    assert [opening.number for opening in await store.read_openings(0, 10)] == [1]


async def test_a_step_of_the_log_renews_openings_with_its_entries(store):
    await store.put_opening("c1", "jo.technical", "person", b"x")
    await store.put_opening("c2", "jo.technical", "person", b"y")
    await store.append_entries(None, head(1), [leaf(0)], [], (), ["c1"])
    assert [opening.commitment for opening in await store.read_openings(2, 10)] == ["c1"]
    await store.delete_openings(["c1"])
    await store.put_opening("c3", "jo.technical", "person", b"z")
    assert [opening.number for opening in await store.read_openings(0, 10)] == [2, 4]
