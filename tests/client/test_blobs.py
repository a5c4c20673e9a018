"""Attachments that travel apart, from desk to desk: text first, resumed after a break, sealed on disk."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from poc.client.blobs import Pace
from poc.client.trust import Trust
from poc.core.draft import AttachmentBytes
from poc.core.strictjson import b64u
from poc.errors import PocError, RefusedError, UnreachableError
from poc.limits import BLOB_CHUNK_BYTES_MAX, KIB
from tests.desk_world import draft

PLAIN = hashlib.shake_256(b"an advisory").digest(900_000)
SECOND = b"seeded words " * 3_000


def large(desk, **changes):
    files = (
        AttachmentBytes("advisory.pdf", "application/pdf", PLAIN),
        AttachmentBytes("list.txt", "text/plain", SECOND),
    )
    return draft(desk, attachments=files, **changes)


async def received(jo, sd):
    sent = await jo.send_message(large(jo), ["sd.technical"])
    await sd.sync()
    return sent.id


def read_all(desk, message):
    opened = desk.show(message)
    return [desk.read_attachment(opened, number) for number in (1, 2)]


def code_of(call):
    with pytest.raises(PocError) as refused:
        call()
    return refused.value


async def test_text_is_there_at_once_and_attachments_when_they_are_asked_for(desks):
    jo, sd, _ = desks
    sent = await jo.send_message(large(jo), ["sd.technical"])
    assert (sent.state, sent.attachments_waiting) == ("accepted", 0)
    await sd.sync()
    opened = sd.show(sent.id)
    assert opened.message.subject == "A seeded subject"
    assert [here.missing_bytes for here in sd.attachments(sent.id)] == [901_136, 40_976]
    error = code_of(lambda: sd.read_attachment(opened, 1))
    assert (error.code, error.data) == ("blob-not-here", {"missing_bytes": 901_136})
    assert await sd.fetch_attachments(sent.id) == {}
    assert read_all(sd, sent.id) == [PLAIN, SECOND]
    assert [here.missing_bytes for here in sd.attachments(sent.id)] == [0, 0]
    assert read_all(jo, sent.id) == [PLAIN, SECOND]


async def test_no_plaintext_of_an_attachment_is_on_any_disk(desks, world):
    jo, sd, _ = desks
    sent = await jo.send_message(large(jo), ["sd.technical"])
    await sd.sync()
    await sd.fetch_attachments(sent.id)
    for home in (jo.home, sd.home, world.home):
        kept = b"".join(path.read_bytes() for path in home.iterdir() if path.is_file())
        assert b"seeded words" not in kept
        assert PLAIN[:32] not in kept


async def test_the_blobs_go_before_their_envelope_and_an_urgent_text_before_its_blobs(desks, between):
    jo, _, _ = desks

    def order():
        paths = [path for method, path in between.calls if method == "PUT"]
        between.calls.clear()
        return [path.split("/")[2] for path in paths if path.startswith(("/v1/blobs", "/v1/messages"))]

    await jo.send_message(large(jo), ["sd.technical"])
    assert order()[-1] == "messages"
    await jo.send_message(large(jo, precedence="flash"), ["sd.technical"])
    assert order()[0] == "messages"


async def test_an_upload_goes_on_after_every_third_request_broke(desks, between):
    jo, sd, _ = desks
    for when in ("before", "after"):
        asked: list[int] = []

        def every_third(number, when=when, asked=asked):
            if "blobs" not in between.calls[number][1]:
                return None
            asked.append(number)
            return when if len(asked) % 3 == 0 else None

        between.fail = every_third
        sent = await jo.send_message(large(jo), ["sd.technical"])
        for _ in range(10):
            await jo.sync()
        between.honest()
        assert len(asked) > 4
        assert not jo.known.trust.unsettled("blob")
        await sd.sync()
        assert await sd.fetch_attachments(sent.id) == {}
        assert read_all(sd, sent.id) == [PLAIN, SECOND]


async def test_a_line_that_breaks_lets_the_text_through_and_the_rest_follows_with_the_next_sync(
    desks, between
):
    jo, sd, _ = desks
    between.fail = lambda number: "before" if "blobs" in between.calls[number][1] else None
    sent = await jo.send_message(large(jo), ["sd.technical"])
    assert (sent.state, sent.attachments_waiting) == ("accepted", 2)
    await sd.sync()
    assert sd.show(sent.id).message.subject == "A seeded subject"
    between.honest()
    failed = await sd.fetch_attachments(sent.id)
    assert {number: error.code for number, error in failed.items()} == {1: "blob-missing", 2: "blob-missing"}
    report = await jo.sync()
    assert not [told for told in report.warnings if "attachment" in told]
    assert await sd.fetch_attachments(sent.id) == {}
    assert read_all(sd, sent.id) == [PLAIN, SECOND]


async def test_what_was_fetched_stays_when_the_line_breaks_and_is_not_fetched_again(desks, between):
    jo, sd, _ = desks
    message = await received(jo, sd)
    asked: list[int] = []

    def after_two(number):
        if "blobs" in between.calls[number][1]:
            asked.append(number)
            return "before" if len(asked) > 2 else None
        return None

    between.fail = after_two
    failed = await sd.fetch_attachments(message)
    assert {error.code for error in failed.values()} == {"hub-unreachable"}
    first, second = sd.attachments(message)
    assert first.missing_bytes == 901_136 - (256 + 512) * KIB
    assert second.missing_bytes == second.blob_bytes
    between.honest()
    between.calls.clear()
    assert await sd.fetch_attachments(message) == {}
    assert read_all(sd, message) == [PLAIN, SECOND]
    assert sum("blobs" in path for _, path in between.calls) == 2


HOSTILE = (
    (lambda body: bytes([body[0] ^ 1]) + body[1:], "blob-mismatch"),
    (lambda body: body[::-1], "blob-mismatch"),
    (lambda body: body[:-1], "bad-answer-from-hub"),
    (lambda body: body + b"\0", "bad-answer-from-hub"),
    (lambda _: b"", "bad-answer-from-hub"),
    (lambda _: (b'{"code":"not-found"}', 404), "blob-missing"),
    (lambda _: (b'{"code":"home-damaged"}', 422), "hub-refused"),
    (lambda _: (b"", 500), "hub-unreachable"),
)


async def test_a_hub_that_gives_other_bytes_is_found_out_and_nothing_of_it_is_kept(desks, between):
    jo, sd, _ = desks
    message = await received(jo, sd)
    for edit, code in HOSTILE:
        between.alter = lambda _, path, body, edit=edit: edit(body) if path.startswith("/v1/blobs") else None
        failed = await sd.fetch_attachments(message)
        assert {error.code for error in failed.values()} == {code}
        assert [here.missing_bytes for here in sd.attachments(message)] == [901_136, 40_976]
    between.honest()
    assert await sd.fetch_attachments(message) == {}
    assert read_all(sd, message) == [PLAIN, SECOND]


NONSENSE = (
    b"{}",
    b"[]",
    b'{"have_bytes":-1}',
    b'{"have_bytes":"1"}',
    b'{"have_bytes":1e9}',
    b'{"have_bytes":true}',
)


@pytest.mark.long
async def test_what_a_hub_says_wrongly_of_an_upload_ends_it_and_the_rest_waits(desks, between):
    jo, _, _ = desks
    for answer in NONSENSE:
        between.change("/v1/blobs", lambda _, answer=answer: answer, "PUT")
        sent = await jo.send_message(large(jo), ["sd.technical"])
        assert (sent.state, sent.attachments_waiting) == ("accepted", 2)
        told = {row.reason.split(":")[0] for row in jo.known.trust.unsettled("blob")}
        assert told == {"bad-answer-from-hub"}, answer


@pytest.mark.long
async def test_a_blob_that_the_hub_lost_as_an_orphan_is_asked_for_when_its_message_arrives(
    desks, between, world
):
    jo, sd, _ = desks
    between.fail = lambda number: "before" if "messages" in between.calls[number][1] else None
    sent = await jo.send_message(large(jo, expires_at=world.now + timedelta(days=5)), ["sd.technical"])
    assert (sent.state, sent.attachments_waiting) == ("waiting", 0)
    world.now += timedelta(hours=25)
    await world.hub.sweep()
    between.honest()
    await jo.sync()
    await sd.sync()
    assert await sd.fetch_attachments(sent.id) == {}
    assert read_all(sd, sent.id) == [PLAIN, SECOND]


async def test_a_refusal_for_good_takes_an_unsent_message_with_it_and_any_other_is_tried_again(
    desks, between
):
    jo, _, _ = desks
    refusal = b'{"code":"attachments-too-large","detail":"by 1 byte"}'
    between.alter = lambda method, path, _: (refusal, 413) if path.startswith("/v1/blobs") else None
    sent = await jo.send_message(large(jo), ["sd.technical"])
    assert (sent.state, sent.reason) == ("rejected", "attachments-too-large: by 1 byte")
    assert not [path for method, path in between.calls if method == "PUT" and "messages" in path]
    refusal = b'{"code":"rate-limited","detail":""}'
    sent = await jo.send_message(large(jo), ["sd.technical"])
    assert (sent.state, sent.attachments_waiting) == ("accepted", 2)
    between.honest()
    await jo.sync()
    assert {row.state for row in jo.known.trust.unsettled("blob")} == {"rejected"}


@pytest.mark.long
async def test_an_upload_that_the_hub_found_spoilt_begins_again_once(desks, between):
    jo, sd, _ = desks
    spoilt: list[str] = []

    def once(method, path, body):
        if method == "PUT" and path.startswith("/v1/blobs") and not spoilt and b'"have_bytes":0' not in body:
            spoilt.append(path)
            return b'{"code":"blob-mismatch","detail":""}', 422
        return None

    between.alter = once
    sent = await jo.send_message(large(jo), ["sd.technical"])
    assert spoilt
    assert sent.attachments_waiting == 0
    await sd.sync()
    assert await sd.fetch_attachments(sent.id) == {}


@pytest.mark.long
async def test_pieces_lost_from_the_senders_home_end_the_upload_with_a_word(desks, between):
    jo, _, _ = desks
    between.fail = lambda number: "before" if "blobs" in between.calls[number][1] else None
    await jo.send_message(large(jo), ["sd.technical"])
    between.honest()
    (first, _) = jo.known.trust.unsettled("blob")
    jo.known.trust.drop_blob(first.ref)
    report = await jo.sync()
    assert [told for told in report.warnings if "home-damaged" in told]


@pytest.mark.long
async def test_a_desk_of_another_office_is_told_nothing(desks):
    jo, _, control = desks
    await jo.send_message(large(jo), ["sd.technical"])
    (row, _) = jo.known.trust.outbox(kind="blob")
    for path in (f"/v1/blobs/{row.ref}", f"/v1/blobs/{b64u(bytes(32))}"):
        with pytest.raises(RefusedError) as refused:
            await control.hub.request("GET", path, b"", headers={"Range": "bytes=0-9"})
        assert (refused.value.code, refused.value.detail) == ("not-found", "")


async def test_an_attachment_that_does_not_open_is_refused_and_a_broken_copy_is_dropped(desks):
    jo, sd, _ = desks
    message = await received(jo, sd)
    await sd.fetch_attachments(message)
    sha256 = sd.show(message).message.attachments[1].blob.sha256
    sd.known.trust._write("UPDATE blob_piece SET data = zeroblob(length(data)) WHERE sha256 = ?", (sha256,))
    opened = sd.show(message)
    assert code_of(lambda: sd.read_attachment(opened, 2)).code == "blob-mismatch"
    assert sd.attachments(message)[1].missing_bytes == 40_976


def test_two_that_fetch_at_once_do_not_spoil_each_others_pieces(tmp_path):
    trust = Trust(tmp_path / "trust.db", create=True)
    assert trust.add_piece("a", 0, b"x")
    assert not trust.add_piece("a", 0, b"y")
    assert not trust.add_piece("a", 5, b"y")
    assert trust.add_piece("a", 1, b"yz")
    assert [trust.blob_part("a", start, 9) for start in (0, 1, 2, 3)] == [b"x", b"yz", b"z", b""]
    assert (trust.blob("a"), trust.blob_bytes("a"), trust.blob_bytes("b")) == (b"xyz", 3, 0)
    trust.drop_blob("a")
    assert (trust.blob_part("a", 0, 9), trust.blob_bytes("a")) == (b"", 0)
    trust.close()


def test_pieces_get_longer_on_a_good_line_and_shorter_on_a_bad_one():
    pace = Pace()
    for _ in range(9):
        pace.went(0.1)
    assert pace.bytes == BLOB_CHUNK_BYTES_MAX
    pace.went(60)
    assert pace.bytes == BLOB_CHUNK_BYTES_MAX
    for _ in range(6):
        pace.broke(UnreachableError("hub-unreachable"))
    assert pace.bytes == 16 * KIB
    with pytest.raises(UnreachableError):
        pace.broke(UnreachableError("hub-unreachable"))
