"""R15: the line breaks between the hub's commit and its answer: the desk repeats unchanged, one effect."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import timedelta
from functools import partial

import pytest

from poc.client.sdk import Desk
from poc.core.draft import AttachmentBytes
from poc.core.form import form_bytes
from poc.core.statement import payload_sha256
from poc.core.strictjson import canonical, domain_hash
from poc.errors import UnreachableError
from poc.keyring import Keyring
from tests import registry as made
from tests.cutting_proxy import CuttingProxy
from tests.desk_world import PASSPHRASE, draft

WHEN = pytest.mark.parametrize(
    "keep",
    [
        pytest.param(0, id="before any byte"),
        pytest.param(40, id="in the middle of it", marks=pytest.mark.long),
    ],
)


def _same(seed, _length):
    return seed


@pytest.fixture
async def authority(world, desks, tmp_path):
    """The desk of Jordan's authority."""
    home = tmp_path / "authority"
    desk = await Desk.join(
        home, world.origin, world.registry.directory.fingerprint, party="jo",
        http=world.session, clock=lambda: world.now,
    )  # fmt: skip
    keys = Keyring.create(desk.home, PASSPHRASE)
    for role, party, label in (("authority", "jo", "jo authority"), ("device", "jo.cyber", "jo.cyber 1")):
        seed = domain_hash("poc/1 test key", label.encode())
        keys.add_signing(role, party, world.now, partial(_same, seed))
    desk.use_keyring(keys)
    await desk.sync()
    yield desk
    await desk.close()


class Line:
    """The line between the hub and all desks."""

    def __init__(self, proxy):
        self.proxy = proxy

    async def cut(self, route, desk, act, *, keep):
        """Do what puts something into the desk's outbox while the hub's answers to it are lost; then sync.

        It waits, although the hub has it; once the line is back it is repeated unchanged. Gives its rows.
        """
        self.proxy.cut, self.proxy.keep, self.proxy.dropped = re.compile(route), keep, []
        before = {row.number for row in desk.known.trust.outbox()}
        with contextlib.suppress(UnreachableError):  # a sync says so, the rest only waits
            await act()
        assert set(self.proxy.dropped[:1]) <= {200, 201, 202}
        assert self.proxy.dropped, f"nothing was asked of {route}"
        kept = [row for row in desk.known.trust.outbox(state="waiting") if row.number not in before]
        assert kept
        self.proxy.cut = None
        report = await desk.sync()
        assert report.failed == report.rejected == []
        rows = {row.number: row for row in desk.known.trust.outbox()}
        for row in kept:
            assert rows[row.number].body == row.body
            assert rows[row.number].state in {"accepted", "done", "logged"}
        return [rows[row.number] for row in kept]


@pytest.fixture
async def line(world, desks, authority):
    proxy = CuttingProxy(int(world.origin.rsplit(":", 1)[1]))
    async with proxy.running():
        world.origin = proxy.origin
        for desk in (*desks, authority):
            desk.hub._base = proxy.origin
        yield Line(proxy)


def receipt_of(row):
    return json.loads(row.answer)["receipt"]


async def events(world, message):
    return [row.event for row in await world.store.read_evidence(message)]


@WHEN
async def test_a_message_and_all_that_follows_it_has_one_effect(line, desks, world, keep):
    jo, sd, _ = desks

    async def send(**changes):
        await jo.send_message(draft(jo, **changes), ["sd.technical"])

    (row,) = await line.cut(r"PUT /v1/messages/.*", jo, send, keep=keep)
    message = row.ref
    assert receipt_of(row) == (await world.store.read_message(message)).receipt
    assert await events(world, message) == ["accepted"]

    (row,) = await line.cut(r"POST /v1/messages/.*/retrievals", sd, sd.sync, keep=keep)
    assert await events(world, message) == ["accepted", "retrieved", "recorded"]

    async def acknowledge():
        assert await sd.acknowledge(message) == "waiting"

    (row,) = await line.cut(r"POST /v1/messages/.*/acknowledgements", sd, acknowledge, keep=keep)
    rows = await world.store.read_evidence(message)
    assert [one.event for one in rows[3:]] == ["acknowledged", "recorded"]
    assert receipt_of(row) == rows[4].jws

    held = await jo.send_message(
        draft(jo, not_before=world.now + timedelta(hours=1)), ["sd.technical"]
    )  # fmt: skip

    async def cancel():
        assert await jo.cancel(held.id) == "waiting"

    (row,) = await line.cut(r"POST /v1/messages/.*/cancels", jo, cancel, keep=keep)
    rows = await world.store.read_evidence(held.id)
    assert [one.event for one in rows] == ["accepted", "cancelled", "not-needed"]
    assert receipt_of(row) == rows[2].jws
    assert [one["message"] for one in sd.inbox()] == [message]


@WHEN
async def test_a_large_attachment_is_uploaded_on_where_it_stood(line, desks, world, keep):
    jo, sd, _ = desks
    data = bytes(range(256)) * 400
    files = (AttachmentBytes("a.bin", "application/octet-stream", data),)

    sent = []

    async def send():
        sent.append(await jo.send_message(draft(jo, attachments=files), ["sd.technical"]))

    await line.cut(r"PUT /v1/blobs/.*", jo, send, keep=keep)
    (message,) = [one.id for one in sent]
    await sd.sync()
    assert await sd.fetch_attachments(message) == {}
    assert sd.read_attachment(sd.show(message), 1) == data


@WHEN
async def test_what_an_authority_signs_is_logged_once(line, authority, world, keep):
    size = world.hub.log.view.directory.size

    async def confirm():
        entry = authority.directory.contact("jo.technical").newest.leaf_hash
        await authority.propose("contact.confirm", "jo.technical", {"entry": entry})

    (row,) = await line.cut(r"POST /v1/statements", authority, confirm, keep=keep)
    assert (row.state, world.hub.log.view.directory.size) == ("logged", size + 1)

    world.registry.directory, world.registry.now = world.hub.log.view.directory, world.now
    payload = world.registry.payload("contact.nominate", "jo.cyber", made.nomination("jo.cyber"))
    status, told = await world.ask("POST", "/v1/statements", made.signed(payload, "jo authority").value())
    assert status == 202, told

    async def sign():
        await authority.sign_proposal(payload_sha256(payload))

    (row,) = await line.cut(r"POST /v1/proposals/.*/signatures", authority, sign, keep=keep)
    assert (row.state, world.hub.log.view.directory.size) == ("logged", size + 2)

    async def put(kind, ref, body):
        authority.known.trust.put_outbox(kind, ref, body)
        await authority.sync()

    part = made.openings("jo.cyber")[0]
    card = partial(put, "opening", part.commitment(), form_bytes(part))
    await line.cut(r"PUT /v1/cards/.*", authority, card, keep=keep)
    assert [one.commitment for one in await world.store.read_openings(0, 9)] == [part.commitment()]

    key = made.sealing_key("jo.cyber 1").public
    given = partial(put, "key", key.kid, canonical(key.jwk()))
    await line.cut(r"PUT /v1/keys/.*", authority, given, keep=keep)
    assert [one.kid for one in await world.store.read_sealing_keys(0, 9)].count(key.kid) == 1


@WHEN
async def test_an_exercise_is_announced_started_and_ended_once(line, desks, world, keep):
    *_, controller = desks

    async def announce():
        await controller.open_exercise(
            "cut-1", title={"en": "Cut"}, participants=["jo.technical", "sd.technical"],
            opens_at=world.now, closes_at=world.now + timedelta(hours=1),
        )  # fmt: skip

    await line.cut(r"PUT /v1/exercises/.*", controller, announce, keep=keep)

    async def end():
        await controller.end_exercise("cut-1")

    await line.cut(r"POST /v1/exercises/.*/orders", controller, end, keep=keep)
    (kept,) = await world.store.read_exercises(0, 9)
    assert len(kept.orders) == 2
    assert world.hub.exercises.play_of("cut-1").state == "ended"
