"""Blobs in both drivers: each chunk has one effect, a wrong whole is removed, orphans go."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.strictjson import b64u
from poc.errors import PocError, RefusedError
from poc.store.base import BlobChunk, DueStep, StoredBlob
from poc.store.memory import MemoryStore
from tests.store.builders import HOUR, NOW, message, rejection, slot

DATA = bytes(range(256)) * 4
SHA256 = b64u(hashlib.sha256(DATA).digest())
SIZE = len(DATA)


def chunk(start=0, end=SIZE, **changes):
    members = {"sha256": SHA256, "uploader": "jo.technical", "size_bytes": len(DATA), "arrived_at": NOW}
    return BlobChunk(**{**members, "start": start, "data": DATA[start:end], **changes})


def have(count, uploader="jo.technical"):
    return StoredBlob(SHA256, uploader, len(DATA), count)


async def refused(awaitable):
    with pytest.raises(RefusedError) as caught:
        await awaitable
    return caught.value


async def whole(store, uploader="jo.technical", at=NOW):
    assert await store.put_chunk(chunk(uploader=uploader, arrived_at=at)) == have(len(DATA), uploader)


async def accepted(store, n=1, kid="k1", blobs=(SHA256,), **changes):
    await store.accept_message(message(n, **changes), [slot(kid)], blobs=blobs)


async def test_chunks_add_up_and_each_has_one_effect(store):
    assert await store.read_blob(SHA256, "jo.technical") is None
    for start, end in ((0, 400), (0, 400), (100, 300), (400, 700), (0, 400), (699, 700)):
        await store.put_chunk(chunk(start, end))
    assert await store.read_blob(SHA256, "jo.technical") == have(700)
    assert not have(700).is_complete
    assert await store.put_chunk(chunk(700)) == have(len(DATA))
    assert await store.put_chunk(chunk()) == have(len(DATA))
    assert await store.put_chunk(chunk(5, 5)) == have(len(DATA))
    for start, end in ((0, len(DATA)), (0, 1), (399, 401), (300, 800), (1000, 2000), (2000, 3000)):
        assert await store.read_blob_part(have(len(DATA)), start, end) == DATA[start:end]
    assert await store.read_blob_part(have(len(DATA), "sd.duty"), 0, 9) == b""


@pytest.mark.parametrize("start", [1, 399, 401, 900])
async def test_a_gap_or_an_overlap_is_refused_and_says_how_much_is_there(store, start):
    await store.put_chunk(chunk(0, 400))
    error = await refused(store.put_chunk(chunk(start, 1000)))
    assert (error.code, error.data) == ("blob-offset", {"have_bytes": 400})
    assert await store.read_blob(SHA256, "jo.technical") == have(400)
    error = await refused(store.put_chunk(chunk(5, 9, uploader="eg.duty")))
    assert error.data == {"have_bytes": 0}
    assert await store.read_blob(SHA256, "eg.duty") is None


async def test_asking_with_nothing_keeps_nothing(store):
    assert await store.put_chunk(chunk(0, 0)) == have(0)
    assert await store.read_blob(SHA256, "jo.technical") is None


async def test_another_whole_than_its_digest_is_removed_and_may_come_again(store):
    await store.put_chunk(chunk(0, 400))
    assert await store.put_chunk(chunk(400, data=bytes(len(DATA) - 400))) is None
    assert await store.read_blob(SHA256, "jo.technical") is None
    assert await store.put_chunk(chunk(data=bytes(len(DATA)))) is None
    await whole(store)


async def test_another_size_removes_what_was_begun_but_nothing_complete(store):
    await store.put_chunk(chunk(0, 400))
    assert await store.put_chunk(chunk(0, 0, size_bytes=999)) is None
    assert await store.read_blob(SHA256, "jo.technical") is None
    await whole(store)
    assert await store.put_chunk(chunk(0, 9, size_bytes=999)) is None
    assert await store.read_blob(SHA256, "jo.technical") == have(len(DATA))


async def test_each_uploader_has_its_own(store):
    await store.put_chunk(chunk(0, 400))
    assert await store.put_chunk(chunk(0, 9, uploader="sd.duty")) == have(9, "sd.duty")
    assert await store.put_chunk(chunk(0, 9, uploader="sd.duty", size_bytes=1)) is None
    assert await store.read_blob(SHA256, "jo.technical") == have(400)


async def test_only_an_accepted_message_of_the_uploader_gives_a_blob_and_only_to_its_slots(store):
    async def found(holder="sd.duty", kids=("k1",)):
        return await store.find_blob(SHA256, holder, kids)

    await whole(store)
    await store.put_chunk(chunk(0, 9, uploader="sd.duty"))
    assert await found("jo.technical", ()) is None
    await store.reject_message(rejection(5))
    # Its sender names it, but uploaded only a part of it.
    await accepted(store, 2, sender_contact="sd.duty", sender_kid="other")
    await accepted(store, 3, blobs=("another",))
    await accepted(store, 4, blobs=())
    assert await found() is None
    assert await found("sd.duty", ()) is None
    await accepted(store, 1)
    for holder, kids in (("sd.duty", ("k1",)), ("sd.duty", ("k0", "k1")), ("jo.technical", ())):
        assert await found(holder, kids) == have(len(DATA))
    for holder, kids in (("sd.duty", ()), ("sd.duty", ("k2",)), ("eg.duty", ("k9",))):
        assert await found(holder, kids) is None


async def test_a_held_slot_gives_nothing_before_it_is_released(store):
    await whole(store)
    held = replace(slot("k2", "sd.technical"), release_at=NOW + HOUR, in_place_of="sd.duty")
    due = DueStep("m1", "sd.technical", "release", NOW + HOUR)
    await store.accept_message(message(), [slot("k1"), held], [due], [SHA256])
    assert await store.find_blob(SHA256, "sd.technical", ["k2"]) is None
    then = DueStep("m1", "sd.technical", "expire", NOW + 2 * HOUR)
    assert await store.take_release(due, "released", ["k2"], [], then)
    assert await store.find_blob(SHA256, "sd.technical", ["k2"]) == have(SIZE)


async def test_what_is_not_complete_is_given_to_nobody(store):
    await accepted(store)
    await store.put_chunk(chunk(0, len(DATA) - 1))
    assert await store.find_blob(SHA256, "sd.duty", ["k1"]) is None
    await store.put_chunk(chunk(len(DATA) - 1))
    assert await store.find_blob(SHA256, "sd.duty", ["k1"]) == have(len(DATA))


async def test_orphans_go_and_what_a_message_names_stays_until_its_envelope_is_dropped(store):
    await whole(store)
    await whole(store, "eg.duty")
    await whole(store, "sd.duty", NOW + HOUR)
    await accepted(store, expires_at=NOW + 9 * HOUR)
    assert await store.drop_orphan_blobs(NOW, 9) == 0
    assert await store.drop_orphan_blobs(NOW + HOUR, 9) == 1
    assert await store.read_blob(SHA256, "eg.duty") is None
    assert await store.drop_orphan_blobs(NOW + 2 * HOUR, 0) == 0
    assert await store.drop_orphan_blobs(NOW + 2 * HOUR, 9) == 1
    assert await store.drop_envelopes(NOW + 10 * HOUR) == 1
    assert await store.find_blob(SHA256, "jo.technical", ["k1"]) is None
    assert await store.drop_orphan_blobs(NOW + 2 * HOUR, 9) == 1
    assert await store.read_blob(SHA256, "jo.technical") is None
    assert await store.read_blob_part(have(len(DATA)), 0, 9) == b""


async def test_a_chunk_keeps_an_orphan_longer_but_a_repeated_one_does_not(store):
    await store.put_chunk(chunk(0, 9))
    await store.put_chunk(chunk(9, 20, arrived_at=NOW + HOUR))
    await store.put_chunk(chunk(9, 20, arrived_at=NOW + 5 * HOUR))
    assert await store.drop_orphan_blobs(NOW + HOUR, 9) == 0
    assert await store.drop_orphan_blobs(NOW + HOUR + timedelta(seconds=1), 9) == 1


async def test_the_same_chunk_from_many_at_once_is_kept_once(store):
    ends = await asyncio.gather(*(store.put_chunk(chunk(0, 400)) for _ in range(8)))
    assert set(ends) == {have(400)}
    ends = await asyncio.gather(*(store.put_chunk(chunk(400)) for _ in range(8)))
    assert set(ends) == {have(len(DATA))}


@pytest.mark.parametrize("fault", ["fail_before", "fail_but_persist"])
async def test_a_chunk_that_failed_is_sent_again_with_one_effect(fault):
    store = MemoryStore()
    getattr(store, fault)("put_chunk")
    with pytest.raises(PocError) as caught:
        await store.put_chunk(chunk(0, 400))
    assert caught.value.code == "storage-failed"
    assert await store.put_chunk(chunk(0, 400)) == have(400)


async def test_what_was_put_is_there_after_the_store_was_opened_anew(sqlite, tmp_path):
    await sqlite.put_chunk(chunk(0, 400))
    await sqlite.close()
    again = await type(sqlite).open(tmp_path)
    assert await again.put_chunk(chunk(400)) == have(len(DATA))
    await again.close()


@given(st.lists(st.tuples(st.integers(0, 1024), st.integers(0, 1024)), max_size=12))
def test_any_order_of_chunks_never_gives_other_bytes(pairs):
    async def run():
        store, there = MemoryStore(), 0
        for first, last in pairs:
            start, end = sorted((first, last))
            if start != there < end:
                error = await refused(store.put_chunk(chunk(start, end)))
                assert error.data == {"have_bytes": there}
            else:
                there = max(there, end)
                assert await store.put_chunk(chunk(start, end)) == have(there)
        if there:
            assert await store.read_blob_part(have(there), 0, there) == DATA[:there]

    asyncio.run(run())


async def test_a_state_holds_no_more_bytes_of_blobs_than_it_may_and_gets_room_back(store):
    half = len(DATA) // 2
    first = chunk(0, half, held_max=half)
    assert await store.put_chunk(first) is not None
    with pytest.raises(RefusedError, match="storage-quota"):
        await store.put_chunk(chunk(half, len(DATA), held_max=len(DATA) - 1))
    assert (await store.read_blob(first.sha256, first.uploader)).have_bytes == half
    assert await store.drop_orphan_blobs(first.arrived_at + timedelta(days=2), 10) == 1
    assert await store.put_chunk(first) is not None
