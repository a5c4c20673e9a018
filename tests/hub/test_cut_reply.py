"""R15: the line breaks after the hub has committed and before its reply arrives: one effect."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import pytest

from poc.core.strictjson import canonical
from tests.hub_messages import answer, seal
from tests.hub_world import World
from tests.registry import REGISTRARS, enrolment, signed, usual

SENDER, RECIPIENT = "jo.technical 1", "sd.technical 1"
RESET_AT_CLOSE = struct.pack("ii", 1, 0)


@pytest.fixture(scope="module")
def registry():
    return usual()


@pytest.fixture
async def world(tmp_path, registry):
    made = World(tmp_path, registry)
    async with made.running() as running:
        await running.fill()
        yield running


class Message:
    """What is asked, how a repeat of it is answered, and what of it there is at the hub."""

    first, again = 201, 200

    def __init__(self, world):
        self.sealed = seal(world.hub.log.view.head, world.now)
        self.request: Any = (
            "PUT",
            f"/v1/messages/{self.sealed.message.id}",
            self.sealed.envelope_bytes,
            SENDER,
        )

    async def prepare(self, _world):
        pass

    async def count(self, world):
        return len((await world.ask("GET", "/v1/inbox", who=RECIPIENT))[1]["items"])

    @staticmethod
    def told(found):
        return found["receipt"]


class Acknowledgement(Message):
    def __init__(self, world):
        super().__init__(world)
        self.put = self.request
        text = answer(self.sealed, "acknowledgement", RECIPIENT, world.hub.log.view.head, world.now)
        body = canonical({"jws": text})
        self.request = "POST", self.put[1] + "/acknowledgements", body, RECIPIENT

    async def prepare(self, world):
        method, path, body, who = self.put
        assert (await world.ask(method, path, body, who=who))[0] == 201

    async def count(self, world):
        found = (await world.ask("GET", self.put[1] + "/evidence", who=SENDER))[1]
        assert len(found["receipts"]) == 1 + len(found["acknowledgements"])
        return len(found["acknowledgements"])


class Statement(Message):
    again = 409

    def __init__(self, world):
        payload = world.registry.payload("state.enrol", "eg", enrolment("eg"), issued_at=world.now)
        made = signed(payload, *REGISTRARS, "eg authority")
        self.request = "POST", "/v1/statements", canonical(made.value()), None
        self.size = world.hub.log.view.directory.size

    async def count(self, world):
        return world.hub.log.view.directory.size - self.size

    @staticmethod
    def told(found):
        return found["index"], found["leaf_hash"]


KINDS = pytest.mark.parametrize("kind", [Message, Acknowledgement, Statement])


def raw(world, request):
    """The bytes of a request, signed anew."""
    method, path, body, who = request
    headers = world.headers(method, path, body, who=who) if who else {}
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Line:
    """A line to the hub that carries what is sent and cuts at the first byte of the reply."""

    def __init__(self, world):
        self.world, self.replies = world, 0

    async def send(self, data):
        host, port = self.world.origin.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(data)
        begun = await reader.read(1)  # the hub answers, so it has committed
        self.replies += bool(begun)
        cut(writer)


def cut(writer):
    """End a connection at once, by a reset."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    writer.close()


async def asked(world, one):
    method, path, body, who = one.request
    return await world.ask(method, path, body, who=who)


@KINDS
async def test_a_reply_cut_off_after_the_commit_is_given_again_and_changes_nothing(tmp_path, registry, kind):
    world = World(tmp_path, registry)
    async with world.running():
        await world.fill()
        one = kind(world)
        await one.prepare(world)
        line = Line(world)
        await line.send(raw(world, one.request))
        assert (line.replies, await one.count(world)) == (1, 1)
        status, found = await asked(world, one)
        assert (status, await one.count(world)) == (one.again, 1)
        first = one.told(found)
        for _ in range(3):
            await line.send(raw(world, one.request))
        assert one.told((await asked(world, one))[1]) == first
    async with world.running():
        status, found = await asked(world, one)
        assert (status, one.told(found), await one.count(world)) == (one.again, first, 1)


@KINDS
async def test_fifty_whose_replies_are_all_cut_off_have_one_effect(world, kind):
    one = kind(world)
    await one.prepare(world)
    line = Line(world)
    cut_off = [line.send(raw(world, one.request)) for _ in range(50)]
    heard = [asked(world, one) for _ in range(9)]
    found = [row for row in await asyncio.gather(*heard, *cut_off) if row]
    assert (line.replies, await one.count(world)) == (50, 1)
    assert {status for status, _ in found} <= {one.first, one.again}
    found.append(await asked(world, one))
    assert found[-1][0] == one.again
    assert len({one.told(value) for _, value in found}) == 1
    assert {value.get("code") for _, value in found} <= {None, "already-logged"}


@KINDS
async def test_who_is_gone_before_the_commit_finds_it_done_all_the_same(world, kind, monkeypatch):
    one = kind(world)
    await one.prepare(world)
    arrived, go_on = asyncio.Event(), asyncio.Event()
    submit = world.store.writer.submit

    async def stalled(job):
        arrived.set()
        await go_on.wait()
        return await submit(job)

    monkeypatch.setattr(world.store.writer, "submit", stalled)
    host, port = world.origin.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw(world, one.request))
    async with asyncio.timeout(5):
        await arrived.wait()
    cut(writer)
    await asyncio.sleep(0.05)
    go_on.set()
    monkeypatch.undo()
    async with asyncio.timeout(5):
        while not await one.count(world):  # noqa: ASYNC110 (a person would look again, too)
            await asyncio.sleep(0.02)
    assert (await asked(world, one))[0] == one.again
    assert await one.count(world) == 1


async def test_another_body_under_the_id_of_a_cut_off_reply_is_refused_with_the_first_receipt(world):
    one = Message(world)
    await Line(world).send(raw(world, one.request))
    other = seal(world.hub.log.view.head, world.now, salt=b"\4" * 16)
    status, found = await world.ask("PUT", one.request[1], other.envelope_bytes, who=SENDER)
    assert (status, found["code"]) == (409, "id-used")
    assert found["receipt"] == one.told((await asked(world, one))[1])
