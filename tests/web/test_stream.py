"""The stream of an inbox: signals at once, goes on where it was left, ends with its key, is bounded."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest

import poc.hub.notify
import poc.hub.streams
from poc.core.httpsig import sign_request
from poc.core.strictjson import b64u
from poc.serving.crowd import Crowd
from tests.hub_messages import seal
from tests.hub_process import ask, make_home, real_time, running
from tests.hub_world import World
from tests.registry import device, nomination, signed, signing_key, usual

PATH = "/v1/inbox/stream"
SUDAN = "sd.technical 1"


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path, usual()).running() as running:
        await running.fill()
        yield running


class Reader:
    """Reads events of an open stream."""

    def __init__(self, answer):
        self.answer = answer

    async def event(self, seconds=5):
        """The next event's lines without comments; None at the end of the stream."""
        lines: list[str] = []
        async with asyncio.timeout(seconds):
            while line := await self.answer.content.readline():
                text = line.decode().rstrip("\n")
                if not text and lines:
                    return lines
                if text and not text.startswith((":", "retry")):
                    lines.append(text)
        return None


@asynccontextmanager
async def opened(world, who=SUDAN, path=PATH, **headers):
    named = {**world.headers("GET", path, who=who), **headers}
    async with world.session.get(world.origin + path, headers=named) as answer:
        yield Reader(answer)


async def refused(world, who=SUDAN):
    """Status, code and Retry-After of a stream that is not given; a stream that is given is not read."""
    async with opened(world, who) as reader:
        if reader.answer.status == 200:
            return 200, None, None
        problem = await reader.answer.json(content_type=None)
        return reader.answer.status, problem["code"], reader.answer.headers.get("Retry-After")


async def send(world, number=1, to=(SUDAN,)):
    sealed = seal(world.hub.log.view.head, world.now, number=number, to=to)
    path = f"/v1/messages/{sealed.message.id}"
    assert (await world.ask("PUT", path, sealed.envelope_bytes, who="jo.technical 1"))[0] == 201


def signal(number):
    return [f"id: {number}", "event: inbox", f'data: {{"newest": {number}}}']


async def test_a_message_is_signalled_at_once_by_its_number_alone(world):
    async with opened(world) as reader:
        assert reader.answer.headers["Content-Type"] == "text/event-stream"
        assert reader.answer.headers["X-Accel-Buffering"] == "no"
        assert "no-store" in reader.answer.headers["Cache-Control"]
        await send(world)
        began = time.monotonic()
        assert await reader.event() == signal(1)
        assert time.monotonic() - began < 1
        await send(world, 2)
        assert await reader.event() == signal(2)


async def test_a_stream_goes_on_where_the_reader_left_it(world):
    await send(world)
    await send(world, 2)
    async with opened(world) as reader:
        assert await reader.event() == signal(2)
    async with opened(world, path=PATH + "?after=1") as reader:
        assert await reader.event() == signal(2)
    for number, given in ((3, {"path": PATH + "?after=2"}), (4, {"Last-Event-ID": "3"})):
        async with opened(world, **given) as reader:
            with pytest.raises(TimeoutError):
                await reader.event(0.1)
            await send(world, number)
            assert await reader.event() == signal(number)


async def test_an_id_that_is_none_is_refused(world):
    for bad in ("x", "-1", "01", "1,2", "9" * 20):
        async with opened(world, **{"Last-Event-ID": bad}) as reader:
            assert reader.answer.status == 400, bad
            assert (await reader.answer.json(content_type=None))["code"] == "bad-form"


async def test_what_comes_for_another_is_not_signalled(world):
    async with opened(world, "jo.technical 1") as reader:
        await send(world)
        with pytest.raises(TimeoutError):
            await reader.event(0.2)


async def test_a_quiet_stream_asks_the_disk_once_and_shows_signs_of_life(world, monkeypatch):
    monkeypatch.setattr(poc.hub.streams, "STREAM_HEARTBEAT_SECONDS", 0.05)
    asked = []
    real = world.hub.store.read_newest_arrival

    async def counted(kids):
        asked.append(kids)
        return await real(kids)

    monkeypatch.setattr(world.hub.store, "read_newest_arrival", counted)
    async with opened(world) as reader:
        comments = 0
        while comments < 5:
            comments += (await reader.answer.content.readline()).startswith(b":")
    assert len(asked) == 1


async def revoke(world, who=SUDAN):
    contact = who.split()[0]
    body = {"kid": signing_key(who).kid, "reason": "lost", "suspected_since": None}
    world.registry.now, world.registry.directory = world.now, world.hub.log.view.directory
    payload = world.registry.payload("contact.device-revoke", contact, body)
    await world.hub.registry.submit(signed(payload, f"{contact[:2]} authority"))


async def test_a_stream_ends_with_its_key(world):
    async with opened(world) as reader, opened(world, "jo.technical 1") as other:
        await revoke(world)
        assert await reader.event() is None
        with pytest.raises(TimeoutError):
            await other.event(0.2)
    assert world.hub.wakes.count <= 1
    assert (await refused(world))[:2] == (401, "bad-request-signature")


async def test_a_frozen_contact_has_no_stream(world):
    async with opened(world) as reader:
        directory = world.hub.log.view.directory
        leaf = directory.contact("sd.technical").standing.leaf_hash
        world.registry.now, world.registry.directory = world.now, directory
        payload = world.registry.payload("contact.freeze", "sd.technical", {"entry": leaf})
        await world.hub.registry.submit(signed(payload, SUDAN))
        assert await reader.event() is None
    assert (await refused(world))[1] == "contact-frozen"


async def test_streams_of_a_device_are_bounded_and_those_left_behind_give_way(world, monkeypatch):
    monkeypatch.setattr(poc.hub.notify, "STREAMS_PER_DEVICE_MAX", 2)
    async with opened(world), opened(world):
        assert await refused(world) == (429, "too-many-streams", "30")
        async with opened(world, "jo.technical 1") as other:  # another device is not held up
            assert other.answer.status == 200
    async with opened(world) as reader:
        assert reader.answer.status == 200


async def test_streams_are_bounded_in_all(world, monkeypatch):
    monkeypatch.setattr(poc.hub.notify, "STREAMS_MAX", 1)
    async with opened(world, "jo.technical 1"):
        assert await refused(world) == (503, "streams-full", "30")
        await world.hub.refresh_metrics()
        assert "poc_streams_open 1.0" in world.hub.metrics.text().decode()
    async with opened(world) as reader:
        assert reader.answer.status == 200


async def test_a_stream_ends_after_its_time(world, monkeypatch):
    monkeypatch.setattr(poc.hub.streams, "STREAM_SECONDS_MAX", 0.1)
    async with opened(world) as reader:
        assert await reader.event() is None


async def test_a_reader_that_reads_nothing_is_told_the_newest_only(world):
    listener = world.hub.wakes.listen(("sd.technical", 1), lambda: False)
    async with opened(world):
        for number in range(1, 6):
            await send(world, number)
    assert (listener.has_news, await listener.wait(0)) == (True, True)
    assert not await listener.wait(0.01)
    world.hub.wakes.leave(listener)
    world.hub.wakes.leave(listener)


async def answer_of(session, hub, who=SUDAN):
    nonce = b64u(os.urandom(16))
    named = sign_request(
        "GET", hub.origin + PATH, b"", signing_key(who), datetime.now(UTC).replace(microsecond=0), nonce
    )
    return await session.get(hub.address + PATH, headers=named)


@pytest.mark.long
async def test_a_stop_with_open_streams_takes_less_than_five_seconds(tmp_path):
    with real_time():
        await asyncio.to_thread(make_home, tmp_path / "hub", registry := usual())
        with running(tmp_path / "hub") as hub:
            async with aiohttp.ClientSession() as session:
                for entry in registry.entries[1:]:
                    assert (await ask(session, hub, "POST", "/v1/statements", entry.signed.value()))[0] == 201
                streams = [await answer_of(session, hub) for _ in range(3)]
                assert [stream.status for stream in streams] == [200] * 3
                code, seconds = await asyncio.to_thread(hub.stop)
                for stream in streams:
                    await stream.read()
    assert (code, seconds < 5) == (0, True)


@pytest.mark.long
async def test_500_idle_streams_cost_little_and_all_hear(tmp_path, record_property):
    record_property("full count", "500 streams")
    contacts = [f"jo.office-{n}" for n in range(63)]
    registry = usual()
    for contact in contacts:
        devices = [device(f"{contact} {n}", n) for n in range(1, 9)]
        body = nomination(contact, devices=devices)
        labels = [f"{contact} {n}" for n in range(1, 9)]
        registry.submit("contact.nominate", contact, body, "jo authority", *labels)
    who = [f"{contact} {n}" for contact in contacts for n in range(1, 9)][:500]
    world = World(tmp_path, registry)
    world.crowd = Crowd(most_of_address=1_000)  # of many addresses, were it not a test
    async with world.running():
        await world.fill()
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            readers = []
            for label in who:
                named = world.headers("GET", PATH, who=label)
                readers.append(Reader(await session.get(world.origin + PATH, headers=named)))
            assert world.hub.wakes.count == 500
            began = time.monotonic()
            world.hub.wakes.check()
            await send(world, to=tuple(who[:100]))
            heard = await asyncio.gather(*(reader.event(20) for reader in readers[:100]))
            assert all(heard)
            assert time.monotonic() - began < 10
