"""Quotas in the store, the same of every driver: counted with what is stored, or neither."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from poc.errors import RefusedError
from poc.store.base import Accepted, Existing, Quota, StoredSlot
from poc.store.migrate import migrate, read_migrations
from poc.store.quotas import envelope_bytes
from poc.store.sqlite import SqliteStore
from poc.store.sqlite_quotas import hold_bytes, let_go_bytes
from tests.store.builders import HOUR, NOW, message, proposal, rejection, slot

MINUTE = timedelta(minutes=1)
LOTS = 10**9


def quota(messages_max=3, *, at=NOW, party="jo", bytes_max=LOTS):
    return Quota(party, messages_max, bytes_max, at)


async def refusal(call):
    with pytest.raises(RefusedError) as caught:
        await call
    return caught.value.code, caught.value.data.get("retry_after_seconds")


async def fill(store, count, *, first=1, **how):
    for n in range(first, first + count):
        assert isinstance(await store.accept_message(message(n), [slot()], quota=quota(**how)), Accepted)


async def test_a_full_hour_refuses_the_next_message_and_keeps_nothing_of_it(store):
    await fill(store, 3)
    code, seconds = await refusal(store.accept_message(message(4), [slot()], quota=quota()))
    assert (code, 0 < seconds <= 3600) == ("quota-reached", True)
    assert await store.read_message("m4") is None
    assert isinstance(await store.accept_message(message(4), [slot()], quota=quota(4)), Accepted)


async def test_a_repeat_is_answered_however_full_the_hour_is_and_counts_once(store):
    await fill(store, 3)
    for _ in range(5):
        assert await store.accept_message(message(1), [slot()], quota=quota()) == Existing("receipt-1")
    assert isinstance(await store.accept_message(message(4), [slot()], quota=quota(4)), Accepted)


async def test_what_is_refused_for_another_reason_is_not_counted(store):
    await fill(store, 1)
    for n in range(10, 20):
        with pytest.raises(RefusedError) as caught:
            await store.accept_message(message(1, body_sha256=f"other-{n}"), [slot()], quota=quota())
        assert caught.value.code == "id-used"
    await fill(store, 2, first=2)


async def test_a_rejection_is_kept_for_ever_so_it_counts(store):
    for n in (1, 2, 3):
        assert isinstance(await store.reject_message(rejection(n), quota()), Accepted)
    assert (await refusal(store.reject_message(rejection(4), quota())))[0] == "quota-reached"
    assert (await refusal(store.accept_message(message(5), [slot()], quota=quota())))[0] == "quota-reached"
    assert await store.reject_message(rejection(1), quota()) == Existing("rejected-1", "stale-slot-key")
    assert await store.read_evidence("m4") == ()


async def test_the_hour_moves_on_minute_by_minute_and_says_when(store):
    await fill(store, 2)
    await fill(store, 1, first=3, at=NOW + 10 * MINUTE)
    late = NOW + 59 * MINUTE + timedelta(seconds=59)
    assert await refusal(store.accept_message(message(4), [], quota=quota(at=late))) == ("quota-reached", 1)
    assert (await refusal(store.accept_message(message(4), [], quota=quota(1, at=late))))[1] == 601
    await fill(store, 2, first=4, at=NOW + HOUR)
    assert (await refusal(store.accept_message(message(6), [], quota=quota(at=NOW + HOUR))))[1] == 600


async def test_a_clock_set_back_counts_nothing_that_is_yet_to_come(store):
    await fill(store, 3, at=NOW + 24 * HOUR)
    await fill(store, 3, first=4)


async def test_one_state_uses_nothing_of_another(store):
    await fill(store, 3)
    await fill(store, 3, first=4, party="sd")


async def test_of_many_at_once_exactly_so_many_are_taken(store):
    calls = [store.accept_message(message(n), [slot(f"k{n}")], quota=quota(7)) for n in range(40)]
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(one, Accepted) for one in found) == 7
    assert {getattr(one, "code", None) for one in found} == {None, "quota-reached"}


async def test_bytes_held_are_bounded_and_free_again_when_the_envelope_is_dropped(store):
    size = envelope_bytes(message(1), [slot()])
    room = quota(bytes_max=2 * size)
    for n in (1, 2):
        await store.accept_message(message(n), [slot()], quota=room)
    assert (await refusal(store.accept_message(message(3), [slot()], quota=room)))[0] == "storage-quota"
    assert await store.drop_envelopes(NOW + 2 * HOUR) == 2
    assert isinstance(await store.accept_message(message(3), [slot()], quota=room), Accepted)
    assert await store.drop_envelopes(NOW + 2 * HOUR) == 1
    assert await store.drop_envelopes(NOW + 2 * HOUR) == 0


async def test_a_message_refused_for_its_bytes_is_not_counted_in_the_hour(store):
    for _ in range(5):
        refused = await refusal(store.accept_message(message(1), [slot()], quota=quota(1, bytes_max=3)))
        assert refused[0] == "storage-quota"
    await fill(store, 1, messages_max=1)


async def test_counts_of_minutes_that_passed_are_forgotten_and_no_others(store):
    await fill(store, 1)
    await fill(store, 1, first=2, at=NOW + MINUTE)
    assert await store.forget_uses(NOW) == 0
    assert await store.forget_uses(NOW + MINUTE) == 1
    assert await store.forget_uses(NOW + 2 * MINUTE) == 1


async def test_an_opener_has_so_many_proposals_open_and_others_theirs(store):
    mine = [replace(proposal(f"p{n}"), opener="jo") for n in range(4)]
    assert [await store.put_proposal(one, 3) for one in mine[:3]] == [True] * 3
    assert (await refusal(store.put_proposal(mine[3], 3)))[0] == "too-many-proposals"
    assert await store.put_proposal(mine[0], 3) is False
    assert await store.put_proposal(replace(mine[3], opener="sd"), 3)
    assert (await store.read_proposal("p0", NOW)).opener == "jo"
    assert await store.delete_proposal("p0")
    assert await store.put_proposal(replace(mine[0], id="p9"), 3)


async def test_counts_stand_over_a_restart(tmp_path):
    store = await SqliteStore.open(tmp_path)
    await fill(store, 3)
    await store.close()
    store = await SqliteStore.open(tmp_path)
    assert (await refusal(store.accept_message(message(4), [slot()], quota=quota())))[0] == "quota-reached"
    await store.close()


async def test_blobs_are_held_apart_from_envelopes(sqlite):
    await fill(sqlite, 1)
    submit = sqlite.writer.submit
    await submit(lambda db: hold_bytes(db, "jo", "blobs", 10, 15))
    with pytest.raises(RefusedError) as caught:
        await submit(lambda db: hold_bytes(db, "jo", "blobs", 6, 15))
    assert caught.value.code == "storage-quota"
    await submit(lambda db: let_go_bytes(db, "jo", "blobs", 10))
    await submit(lambda db: hold_bytes(db, "jo", "blobs", 15, 15))


async def test_held_slots_hold_bytes_until_the_envelope_goes_whatever_became_of_them(store):
    held = StoredSlot("sd.duty", "k2", None, b"x" * 500, NOW + MINUTE, "sd.technical")
    slots = [slot("k1", "sd.technical"), held]
    room = quota(bytes_max=envelope_bytes(message(1), slots))
    await store.accept_message(message(1), slots, quota=room)
    assert (await refusal(store.accept_message(message(2), [slot()], quota=room)))[0] == "storage-quota"
    assert await store.drop_envelopes(NOW + 2 * HOUR) == 1
    assert isinstance(await store.accept_message(message(2), slots, quota=room), Accepted)


def test_a_database_from_before_quotas_counts_what_it_holds(tmp_path):
    steps = read_migrations()
    before = next(n for n, step in enumerate(steps) if step.name == "quotas")
    with closing(sqlite3.connect(tmp_path / "hub.db", isolation_level=None)) as db:
        migrate(db, steps[:before])
        for n, sender in enumerate(("jo.technical", "jo.duty", "x-arcc.controller-1")):
            row = (f"m{n}", "b", sender, "kid", None, "r", 0)
            db.execute("INSERT INTO submissions VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            text = ("d", "test", None, "abc", "d", "e" * 10 * n, "f", 0)
            db.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (f"m{n}", *text))
            db.execute(
                "INSERT INTO slots (message, contact, kid, data) VALUES (?, 'sd.duty', 'k', ?)",
                (f"m{n}", b"12345"),
            )
        migrate(db, steps)
        found = db.execute("SELECT party, kind, bytes FROM quota_held ORDER BY party").fetchall()
    assert found == [
        ("jo", "envelopes", 20),
        ("x-arcc", "envelopes", 30),
    ]  # an envelope of nothing is dropped
