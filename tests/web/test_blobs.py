"""The two routes of blobs: pieces, ranges, who is told what, and what is never given."""

from __future__ import annotations

import hashlib

import pytest

from poc.core.draft import AttachmentBytes
from poc.core.strictjson import b64u
from poc.limits import BLOB_CHUNK_BYTES_MAX
from tests.hub_messages import seal
from tests.hub_world import World
from tests.registry import Registry, device, nomination, signing_key

JO, SD, EG = "jo.technical 1", "sd.technical 1", "eg.technical 1"
PLAIN = hashlib.shake_256(b"advisory").digest(1_400_000)
KIB = 1024


@pytest.fixture
async def world(tmp_path):
    registry = Registry()
    registry.enrol("jo", "sd", "eg")
    devices = [device("jo.technical 1"), device("jo.technical 2", 2, may="retrieve")]
    body = nomination("jo.technical", devices=devices)
    registry.submit(
        "contact.nominate", "jo.technical", body, "jo authority", "jo.technical 1", "jo.technical 2"
    )
    registry.nominate("jo.diplomatic", "sd.technical", "eg.technical")
    async with World(tmp_path, registry).running() as running:
        await running.fill()
        yield running


def a_message(world, data=PLAIN, **changes):
    files = (AttachmentBytes("advisory.pdf", "application/pdf", data),)
    return seal(world.hub.log.view.head, world.now, attachments=files, blob_keys=[bytes(32)], **changes)


async def upload(world, blob, start=0, end=None, *, who=JO, size=None, body=None, asked=None):
    data = blob.data[start:end] if body is None else body
    size = len(blob.data) if size is None else size
    where = f"{start}-{start + len(data) - 1}" if data else "*"
    path = f"/v1/blobs/{blob.sha256}"
    headers = {"Content-Range": f"bytes {where}/{size}" if asked is None else asked}
    return await world.ask("PUT", path, data, who=who, headers=headers)


async def upload_all(world, blob, who=JO):
    for start in range(0, len(blob.data), BLOB_CHUNK_BYTES_MAX):
        status, _ = await upload(world, blob, start, start + BLOB_CHUNK_BYTES_MAX, who=who)
    return status


async def fetch(world, sha256, asked: str | None = "bytes=0-", who=SD):
    path = f"/v1/blobs/{sha256}"
    headers = {} if asked is None else {"Range": asked}
    return await world.ask("GET", path, who=who, headers=headers)


async def send(world, sealed, who=JO):
    return (await world.ask("PUT", f"/v1/messages/{sealed.message.id}", sealed.envelope_bytes, who=who))[0]


async def test_pieces_are_taken_counted_completed_and_fetched_in_ranges(world):
    sealed = a_message(world)
    (blob,) = sealed.blobs
    size = len(blob.data)
    assert await upload(world, blob, 0, 0) == (
        202,
        {"size_bytes": size, "have_bytes": 0},
    )
    status, told = await upload(world, blob, 0, 300_000)
    assert (status, told["have_bytes"]) == (202, 300_000)
    assert await upload(world, blob, 0, 300_000) == (status, told)
    status, told = await upload(world, blob, 400_000, 500_000)
    assert (status, told["code"], told["have_bytes"]) == (409, "blob-offset", 300_000)
    assert (await upload(world, blob, 300_000, 300_000 + BLOB_CHUNK_BYTES_MAX))[0] == 202
    assert (await upload(world, blob, 300_000 + BLOB_CHUNK_BYTES_MAX))[0] == 201
    assert (await upload(world, blob, 0, 0))[0] == 200
    assert (await upload(world, blob, 0, 300_000))[0] == 200
    assert await send(world, sealed) == 201
    for asked, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, BLOB_CHUNK_BYTES_MAX),
        ("bytes=5-99999999", 5, 5 + BLOB_CHUNK_BYTES_MAX),
        (f"bytes={size - 7}-", size - 7, size),
        ("bytes=299999-300001", 299_999, 300_002),
    ):
        assert await fetch(world, blob.sha256, asked) == (206, blob.data[start:end])
        assert world.seen["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
    assert world.seen["Content-Type"] == "application/octet-stream"
    assert world.seen["Content-Disposition"] == "attachment"
    assert world.seen["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in world.seen["Cache-Control"]
    for bad in (
        None,
        "",
        "bytes=-5",
        "bytes=5-4",
        f"bytes={size}-",
        "bytes=0-1,3-4",
        "bytes=a-",
        "lines=0-1",
    ):
        status, told = await fetch(world, blob.sha256, bad)
        assert (status, told["code"]) == (416, "bad-range"), bad


async def test_before_the_message_is_accepted_a_blob_is_for_nobody_and_afterwards_for_its_parties(world):
    sealed = a_message(world)
    (blob,) = sealed.blobs
    await upload_all(world, blob)
    everybody = (JO, "jo.diplomatic 1", SD, EG)
    missing = [await fetch(world, b64u(bytes(32)), who=who) for who in everybody]
    assert [await fetch(world, blob.sha256, who=who) for who in everybody] == missing
    assert {status for status, _ in missing} == {404}
    # Somebody else names it, and uploads a part of it: that opens nothing and tells nothing.
    assert (await upload(world, blob, 0, 9000, who=EG))[1]["have_bytes"] == 9000
    named = a_message(world, sender=EG, to=(EG.replace("eg", "sd"),), number=5)
    assert named.blobs[0].sha256 == blob.sha256
    assert await send(world, named, EG) == 201
    assert [await fetch(world, blob.sha256, who=who) for who in (SD, EG)] == missing[2:]
    assert await send(world, sealed) == 201
    assert [(await fetch(world, blob.sha256, who=who))[0] for who in everybody] == [206, 404, 206, 404]
    assert [await fetch(world, blob.sha256, asked, EG) for asked in (None, "x")] == [missing[3]] * 2


async def test_an_envelope_is_taken_without_its_blobs_which_are_missing_until_they_come(world):
    sealed = a_message(world)
    (blob,) = sealed.blobs
    assert await send(world, sealed) == 201
    assert (await fetch(world, blob.sha256))[0] == 404
    await upload(world, blob, 0, 300_000)
    assert (await fetch(world, blob.sha256))[0] == 404
    await upload(world, blob, 300_000, 300_000 + BLOB_CHUNK_BYTES_MAX)
    await upload(world, blob, 300_000 + BLOB_CHUNK_BYTES_MAX)
    assert (await fetch(world, blob.sha256))[0] == 206


async def test_a_wrong_whole_is_refused_and_removed(world):
    (blob,) = a_message(world, PLAIN[:100_000]).blobs
    bad = bytes([blob.data[0] ^ 1]) + blob.data[1:]
    status, told = await upload(world, blob, body=bad)
    assert (status, told["code"]) == (422, "blob-mismatch")
    assert (await upload(world, blob, 0, 0))[1]["have_bytes"] == 0
    await upload(world, blob, 0, 50_000)
    larger = len(blob.data) + 2048  # the next size that padding gives
    assert (await upload(world, blob, 0, 0, size=larger))[1]["code"] == "blob-mismatch"
    assert (await upload(world, blob, 0, 0))[1]["have_bytes"] == 0
    assert (await upload(world, blob))[0] == 201


async def test_what_is_no_chunk_is_refused(world):
    (blob,) = a_message(world, PLAIN[:100_000]).blobs
    size = len(blob.data)
    for asked, body, code in (
        ("", b"", "bad-form"),
        ("bytes", b"x", "bad-form"),
        (f"bytes 0-0/{size}", b"x", "bad-form"),  # too short for one that is not the last
        (f"bytes 0-4094/{size}", bytes(4095), "bad-form"),
        (f"bytes 0-4096/{size}", bytes(4096), "bad-form"),
        (f"bytes */{size}", b"x", "bad-form"),
        (f"bytes 0-{size}/{size}", bytes(size + 1), "bad-form"),
        (f"bytes 5-4/{size}", b"", "bad-form"),
        (f"bytes 00-4095/{size}", bytes(4096), "bad-form"),
        (f"bytes 0-4095/{size} ", None, ""),
        ("bytes 0-4095/*", bytes(4096), "bad-form"),
        ("bytes 0-0/1", b"x", "bad-padding"),
        (f"bytes 0-4095/{size + 1}", bytes(4096), "bad-padding"),
        (f"bytes */{8 * KIB * KIB + 1}", b"", "attachments-too-large"),
        (f"bytes */{10**9}", b"", "attachments-too-large"),
    ):
        if body is not None:
            status, told = await upload(world, blob, body=body, asked=asked)
            assert (status >= 400, told.get("code")) == (True, code), asked
    for sha256 in ("x", "A" * 42, "A" * 44, "A" * 42 + "B"):
        path = f"/v1/blobs/{sha256}"
        headers = {"Content-Range": f"bytes */{size}"}
        status, told = await world.ask("PUT", path, who=JO, headers=headers)
        assert (status, told["code"]) == (400, "bad-base64"), sha256
    status, told = await upload(world, blob, body=bytes(BLOB_CHUNK_BYTES_MAX + 1))
    assert (status, told["code"]) == (413, "too-large")
    assert (await upload(world, blob, 0, 0))[1]["have_bytes"] == 0


async def test_who_may_not_send_may_not_upload(world):
    (blob,) = a_message(world, PLAIN[:100_000]).blobs
    for who, expected in (
        ("jo authority", "not-found"),
        ("x-las.registrar-1", "not-found"),
        ("jo.technical 2", "right-missing"),
        ("jo nobody", "bad-request-signature"),
    ):
        assert (await upload(world, blob, who=who))[1]["code"] == expected
    revoke = {"kid": signing_key(JO).kid, "reason": "routine", "suspected_since": None}
    world.registry.submit("contact.device-revoke", "jo.technical", revoke, "jo authority")
    await world.fill()
    assert (await upload(world, blob))[1]["code"] == "bad-request-signature"
