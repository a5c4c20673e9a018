"""The number an inbox has grown to, by which streams tell that something came."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.store.builders import HOUR, NOW, message, slot


async def test_the_newest_number_is_that_of_the_last_item_of_the_inbox(store):
    assert await store.read_newest_arrival(["k1"]) == 0
    for n in range(1, 5):
        await store.accept_message(message(n), [slot("k1" if n % 2 else "k2")])
    for kids in (["k1"], ["k2"], ["k1", "k2"], ["k2", "unknown"]):
        items = await store.read_inbox(kids, 0, 10)
        assert await store.read_newest_arrival(kids) == items[-1].number
    assert await store.read_newest_arrival([]) == 0
    assert await store.read_newest_arrival(["unknown"]) == 0


async def test_what_was_dropped_is_news_to_nobody(store):
    await store.accept_message(message(1), [slot("k1")])
    await store.drop_envelopes(NOW + HOUR + timedelta(seconds=1))
    assert await store.read_newest_arrival(["k1"]) == 0


async def test_a_held_slot_is_no_news_before_it_goes_out(store):
    held = replace(slot("k1"), release_at=NOW + HOUR)
    await store.accept_message(message(1), [held])
    assert await store.read_inbox(["k1"], 0, 10) == ()
    assert await store.read_newest_arrival(["k1"]) == 0
