"""Promises of the store about nudges: who is to be told where, and each step once. Both drivers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from poc.errors import UnreachableError
from poc.store.base import DueNudge, NewNudgeAddress
from poc.store.memory import MemoryStore
from tests.store.builders import HOUR, NOW, answer, message, slot

SECOND = timedelta(seconds=1)
CONTACT = "sd.duty"


def email(address="duty@example.org", precedence="flash"):
    return NewNudgeAddress("email", address, precedence, ("ar", "en"), None)


def webhook(address="https://gateway.example/x", secret="whsec_1"):
    return NewNudgeAddress("webhook", address, "routine", ("en",), secret)


def due(n=1, contact=CONTACT, step=0, precedence="flash", due_at=NOW):
    return DueNudge(f"m{n}", contact, step, NOW, due_at, precedence, "test", NOW + HOUR)


async def confirmed(store, number, contact=CONTACT, at=NOW):
    await store.put_nudge_code(number, "123456", at + HOUR)
    assert await store.confirm_nudge_address(contact, number, "123456", at, 5) == "confirmed"


async def put(store, *nudges):
    new = await store.read_unnudged(100)
    assert await store.take_nudges(new, nudges)


# --- addresses ---


async def test_addresses_are_kept_with_a_number_of_their_own_for_ever(store):
    first = await store.set_nudge_addresses(CONTACT, [email(), webhook()])
    assert [(one.kind, one.address, one.languages) for one in first] == [
        ("email", "duty@example.org", ("ar", "en")),
        ("webhook", "https://gateway.example/x", ("en",)),
    ]
    assert await store.set_nudge_addresses(CONTACT, []) == ()
    again = await store.set_nudge_addresses(CONTACT, [email()])
    assert again[0].number > max(one.number for one in first)
    assert await store.read_nudge_addresses("jo.technical") == ()


async def test_what_stays_keeps_its_number_secret_confirmation_and_outcome(store):
    (one, two) = await store.set_nudge_addresses(CONTACT, [email(), webhook()])
    await confirmed(store, two.number)
    await store.note_nudge(two.number, NOW, None)
    changed = replace(webhook(secret="whsec_2"), precedence="priority", languages=("ar",))
    (kept,) = await store.set_nudge_addresses(CONTACT, [changed])
    assert (kept.number, kept.secret, kept.confirmed_at) == (two.number, "whsec_1", NOW)
    assert (kept.precedence, kept.languages, kept.succeeded_at) == ("priority", ("ar",), NOW)
    assert one.number != kept.number


async def test_contacts_keep_their_addresses_apart(store):
    await store.set_nudge_addresses(CONTACT, [email()])
    await store.set_nudge_addresses("jo.technical", [email()])
    assert await store.list_nudge_contacts() == ("jo.technical", CONTACT)
    await store.set_nudge_addresses(CONTACT, [])
    assert await store.list_nudge_contacts() == ("jo.technical",)


async def test_a_new_address_has_no_code_until_one_is_put(store):
    (one,) = await store.set_nudge_addresses(CONTACT, [email()])
    for code in ("", "000000"):
        assert await store.confirm_nudge_address(CONTACT, one.number, code, NOW, 5) == "ended"
    await confirmed(store, one.number)
    assert (await store.read_nudge_addresses(CONTACT))[0].confirmed_at == NOW
    assert await store.confirm_nudge_address(CONTACT, one.number, "999999", NOW, 5) == "confirmed"


async def test_a_code_is_for_its_address_and_contact_and_for_its_time(store):
    (one,) = await store.set_nudge_addresses(CONTACT, [email()])
    await store.put_nudge_code(one.number, "123456", NOW + HOUR)
    assert await store.confirm_nudge_address("jo.technical", one.number, "123456", NOW, 5) == "unknown"
    assert await store.confirm_nudge_address(CONTACT, one.number + 1, "123456", NOW, 5) == "unknown"
    assert await store.confirm_nudge_address(CONTACT, one.number, "123456", NOW + HOUR, 5) == "ended"
    assert await store.confirm_nudge_address(CONTACT, one.number, "123456", NOW + HOUR - SECOND, 5) == (
        "confirmed"
    )


async def test_wrong_codes_end_a_code_and_a_new_one_begins_anew(store):
    (one,) = await store.set_nudge_addresses(CONTACT, [email()])
    await store.put_nudge_code(one.number, "123456", NOW + HOUR)
    outcomes = [await store.confirm_nudge_address(CONTACT, one.number, "000000", NOW, 2) for _ in range(3)]
    assert outcomes == ["wrong", "wrong", "ended"]
    assert await store.confirm_nudge_address(CONTACT, one.number, "123456", NOW, 2) == "ended"
    await confirmed(store, one.number)


async def test_a_confirmed_address_takes_no_code(store):
    (one,) = await store.set_nudge_addresses(CONTACT, [email()])
    await confirmed(store, one.number)
    await store.put_nudge_code(one.number, "654321", NOW + HOUR)
    assert (await store.read_nudge_addresses(CONTACT))[0].confirmed_at == NOW


async def test_the_last_success_and_the_last_failure_are_kept(store):
    (one,) = await store.set_nudge_addresses(CONTACT, [email()])
    await store.note_nudge(one.number, NOW, "mail-failed")
    await store.note_nudge(one.number, NOW + SECOND, None)
    await store.note_nudge(one.number + 1, NOW, "mail-failed")
    (kept,) = await store.read_nudge_addresses(CONTACT)
    assert (kept.failed_at, kept.failure, kept.succeeded_at) == (NOW, "mail-failed", NOW + SECOND)


# --- what is due ---


async def test_only_slots_of_contacts_with_an_address_are_told_and_never_the_senders_own(store):
    await store.set_nudge_addresses(CONTACT, [email()])
    await store.set_nudge_addresses("jo.technical", [email()])
    slots = [slot("k1"), slot("k2"), slot("k3", "eg.technical"), slot("own", "jo.technical")]
    await store.accept_message(message(), slots)
    new = await store.read_unnudged(100)
    assert new.found == (("m1", CONTACT),)
    assert new.upto > new.after
    assert await store.take_nudges(new, [due()])
    assert not await store.take_nudges(new, [due()])  # another node was faster
    later = await store.read_unnudged(100)
    assert (later.after, later.upto, later.found) == (new.upto, new.upto, ())


async def test_slots_are_looked_at_in_pieces_and_none_is_left_out(store):
    await store.set_nudge_addresses(CONTACT, [email()])
    for n in range(1, 6):
        await store.accept_message(message(n), [slot("k1", sequence=n)])
    found = []
    while (new := await store.read_unnudged(2)).upto > new.after:
        found += new.found
        await store.take_nudges(new, ())
    assert found == [(f"m{n}", CONTACT) for n in range(1, 6)]


async def test_the_most_urgent_is_due_first_then_the_oldest_and_nothing_before_its_time(store):
    rows = [
        due(1, precedence="routine", due_at=NOW - SECOND),
        due(2, precedence="priority"),
        due(3, precedence="flash"),
        due(4, precedence="flash", due_at=NOW - SECOND),
        due(5, precedence="immediate"),
        due(6, precedence="flash", due_at=NOW + SECOND),
        due(7, contact="jo.technical"),
    ]
    await put(store, *rows)
    found = await store.read_due_nudges(NOW, {"jo.technical"}, 10)
    assert [nudge.message for nudge in found] == ["m4", "m3", "m5", "m2", "m1"]
    assert found[0] == rows[3]
    assert len(await store.read_due_nudges(NOW, (), 2)) == 2


async def test_a_step_is_claimed_by_one_of_many_until_the_claim_ends(store):
    await put(store, due())
    claims = [store.claim_nudge(due(), NOW, NOW + HOUR) for _ in range(10)]
    assert sorted(await asyncio.gather(*claims)) == [False] * 9 + [True]
    assert await store.read_due_nudges(NOW, (), 10) == ()
    assert not await store.claim_nudge(due(), NOW + HOUR - SECOND, NOW + 2 * HOUR)
    assert await store.claim_nudge(due(), NOW + HOUR, NOW + 2 * HOUR)


async def test_a_finished_step_makes_the_next_due_and_the_last_ends_it(store):
    await put(store, due())
    assert await store.claim_nudge(due(), NOW, NOW + HOUR)
    await store.finish_nudge(due(), NOW + SECOND)
    assert await store.read_due_nudges(NOW, (), 10) == ()
    (found,) = await store.read_due_nudges(NOW + SECOND, (), 10)
    assert (found.step, found.due_at, found.began_at) == (1, NOW + SECOND, NOW)
    # Who still holds the step before does nothing any more.
    assert not await store.claim_nudge(due(), NOW + HOUR, NOW + 2 * HOUR)
    await store.finish_nudge(due(), None)
    await store.finish_nudge(due(9), None)
    assert await store.read_due_nudges(NOW + SECOND, (), 10) == (found,)
    await store.finish_nudge(found, None)
    assert await store.read_due_nudges(NOW + HOUR, (), 10) == ()


async def test_what_is_due_about_a_message_that_ended_is_forgotten(store):
    await put(store, due(1), due(2))
    assert await store.claim_nudge(due(1), NOW, NOW + 2 * HOUR)
    assert await store.forget_nudges(NOW + HOUR - SECOND) == 0
    assert await store.forget_nudges(NOW + HOUR) == 2
    assert await store.read_due_nudges(NOW + 3 * HOUR, (), 10) == ()


async def test_who_answered_is_told_with_the_outcome(store):
    await store.accept_message(message(), [slot()])
    await store.record_answer(answer())
    await store.record_answer(answer(kid="other", outcome="declined", kind="acknowledgement", sha256="2"))
    assert await store.read_answerers("m1", CONTACT) == (("device", "retrieved"), ("other", "declined"))
    assert await store.read_answerers("m1", "jo.technical") == ()


# --- faults ---


@pytest.mark.parametrize("moment", ["fail_before", "fail_but_persist"])
async def test_slots_are_taken_up_once_although_the_disk_fails(moment):
    store = MemoryStore()
    await store.set_nudge_addresses(CONTACT, [email()])
    await store.accept_message(message(), [slot()])
    new = await store.read_unnudged(10)
    getattr(store, moment)("take_nudges")
    with pytest.raises(UnreachableError, match="storage-failed"):
        await store.take_nudges(new, [due()])
    await store.take_nudges(await store.read_unnudged(10), [due()] if moment == "fail_before" else ())
    assert len(await store.read_due_nudges(NOW, (), 10)) == 1


async def test_a_removed_address_is_nowhere_on_the_disk(sqlite, tmp_path):
    mark = "canary.zq77@desk.example"
    await sqlite.set_nudge_addresses(CONTACT, [email(mark), *(email(f"a{n}@example.org") for n in range(40))])
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert any(mark.encode() in path.read_bytes() for path in files)
    await sqlite.set_nudge_addresses(CONTACT, [email("a1@example.org")])
    assert not any(mark.encode() in path.read_bytes() for path in files)
    assert len(await sqlite.read_nudge_addresses(CONTACT)) == 1
