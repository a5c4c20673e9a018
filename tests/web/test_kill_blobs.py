"""kill -9 of a real hub in the middle of an upload: what was answered is there, the rest is added."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from datetime import UTC, datetime

import aiohttp
import pytest

from poc.core.draft import AttachmentBytes
from poc.limits import KIB
from tests.hub_messages import seal
from tests.hub_process import HubProcess, ask, make_home, real_time
from tests.registry import usual

JO, SD = "jo.technical 1", "sd.technical 1"
PLAIN = hashlib.shake_256(b"kill").digest(3_000_000)
GONE = (aiohttp.ClientError, TimeoutError, ConnectionError)


class Upload:
    """One blob on its way, and how much the hub said it has."""

    def __init__(self, blob):
        self.blob, self.path = blob, f"/v1/blobs/{blob.sha256}"
        self.promised = 0

    async def put(self, hub, session, start, end):
        data, size = self.blob.data[start:end], len(self.blob.data)
        where = f"{start}-{start + len(data) - 1}" if data else "*"
        headers = {"Content-Range": f"bytes {where}/{size}"}
        status, told = await ask(session, hub, "PUT", self.path, data, who=JO, headers=headers)
        assert status in {200, 201, 202}, told
        assert told["have_bytes"] >= self.promised
        self.promised = told["have_bytes"]
        return self.promised

    async def run(self, hub, session, step):
        have = await self.put(hub, session, 0, 0)
        while have < len(self.blob.data):
            have = await self.put(hub, session, have, have + step)


async def fill(home, registry):
    hub = await asyncio.to_thread(HubProcess, home)
    async with aiohttp.ClientSession() as session:
        for entry in registry.entries[1:]:
            assert (await ask(session, hub, "POST", "/v1/statements", entry.signed.value()))[0] == 201
    await asyncio.to_thread(hub.stop)


async def killed(upload, home, rng):
    """Start a hub, upload until it is killed or all is there."""
    hub = await asyncio.to_thread(HubProcess, home)
    async with aiohttp.ClientSession() as session:
        task = asyncio.create_task(upload.run(hub, session, rng.choice((16, 64, 256)) * KIB))
        await asyncio.wait([task], timeout=rng.uniform(0.02, 0.4))
        await asyncio.to_thread(hub.kill)
        with contextlib.suppress(*GONE):
            await task


async def the_rest(upload, sealed, home):
    hub = await asyncio.to_thread(HubProcess, home)
    async with aiohttp.ClientSession() as session:
        await upload.run(hub, session, 512 * KIB)
        message = f"/v1/messages/{sealed.message.id}"
        assert (await ask(session, hub, "PUT", message, sealed.envelope_bytes, who=JO))[0] == 201
        got = b""
        while len(got) < len(upload.blob.data):
            asked = {"Range": f"bytes={len(got)}-"}
            status, part = await ask(session, hub, "GET", upload.path, who=SD, headers=asked)
            assert status == 206
            got += part
        assert got == upload.blob.data
    await asyncio.to_thread(hub.kill)


@pytest.mark.long
def test_a_hub_killed_in_the_middle_of_an_upload_keeps_what_it_answered_and_goes_on(tmp_path):
    rng = random.Random(4)
    with real_time():
        registry = usual()
        make_home(tmp_path, registry)
        asyncio.run(fill(tmp_path, registry))
        now = datetime.now(UTC).replace(microsecond=0)
        head = registry.head()
        file = AttachmentBytes("a.bin", "application/octet-stream", PLAIN)
        sealed = seal(head, now, attachments=(file,), blob_keys=[bytes(32)])
        upload = Upload(sealed.blobs[0])
        for _ in range(8):
            asyncio.run(killed(upload, tmp_path, rng))
        assert upload.promised > 0
        asyncio.run(the_rest(upload, sealed, tmp_path))
