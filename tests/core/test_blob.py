"""Attachments that travel apart: our vectors, who seals what apart, and what the hub sees of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.admission import SealingLimits, read_envelope, read_header
from poc.core.blob import blob_size, check_blob_size, open_blob, seal_blob
from poc.core.draft import draft_sha256, measure
from poc.core.envelope import AttachmentBytes, Sealed, content_sha256
from poc.core.form import form_of, form_value
from poc.core.message import Attachment
from poc.core.opening import open_content
from poc.core.strictjson import unb64u
from poc.errors import RefusedError
from poc.limits import BLOB_BYTES_MAX
from tests.core.test_envelope import ENVELOPE, LIMITS, admit, code, with_header
from tests.core.test_opening import opened
from tests.message_world import accepted, directory, draft, seal, sealing_key
from tests.vectors import make_blobs

LARGEST = 8_257_536  # of which the sealed form is the largest under 8 MiB
KEYS = tuple(bytes([number]) * 32 for number in range(20))


def cases(name: str) -> list[Any]:
    read = json.loads((make_blobs.FOLDER / name).read_text("utf-8"))["cases"]
    return [pytest.param(case, id=case["name"]) for case in read]


def files(*sizes: int) -> tuple[AttachmentBytes, ...]:
    return tuple(AttachmentBytes(f"{n}.bin", "application/octet-stream", bytes(n)) for n in sizes)


def apart(*sizes: int) -> Sealed:
    return seal(draft(attachments=files(*sizes)), blob_keys=KEYS[: len(sizes)])


def test_the_vectors_are_those_the_code_makes() -> None:
    for name, text in make_blobs.build().items():
        assert (make_blobs.FOLDER / name).read_text("utf-8") == text, "run tests/vectors/make_blobs.py"


@pytest.mark.parametrize("case", cases("blobs.json"))
def test_blob_vectors_open_or_are_refused(case: dict[str, Any]) -> None:
    attachment, data = form_of(Attachment, case["attachment"]), unb64u(case["data"])
    if case["expect"] == "ok":
        assert open_blob(attachment, data) == make_blobs.DATA[: attachment.size_bytes]
    else:
        assert code(open_blob, attachment, data) == case["expect"]


@pytest.mark.parametrize("case", cases("blob-envelopes.json"))
def test_content_vectors_open_or_are_refused(case: dict[str, Any]) -> None:
    def read() -> Any:
        parts = {name: case[name] for name in ("protected", "iv", "ciphertext", "tag")}
        envelope = seal().envelope.model_copy(update=parts)
        header = read_header(envelope.protected)
        return open_content(envelope, header, unb64u(case["cek"]), directory())

    if case["expect"] == "ok":
        assert read().attachments == (None, None)
    else:
        assert code(read) == case["expect"]


@pytest.mark.parametrize(
    ("sizes", "blobs"),
    [
        ((), 0),
        ((0,), 0),
        ((16_384,), 0),
        ((16_385,), 1),
        ((16_384, 1), 2),
        ((0, 16_385), 2),
        ((900,) * 18, 0),
    ],
)
def test_all_are_inside_up_to_16_kib_together_and_all_apart_above(sizes: tuple[int, ...], blobs: int) -> None:
    made = apart(*sizes)
    header = read_envelope(made.envelope_bytes).header
    assert len(made.blobs) == len(header.blobs) == blobs
    assert [blob.sha256 for blob in made.blobs] == [ref.sha256 for ref in header.blobs]
    result = opened(made, accepted=accepted(made))
    inside = [None] * len(sizes) if blobs else [bytes(size) for size in sizes]
    assert list(result.attachments) == inside
    for blob, attachment in zip(made.blobs, result.message.attachments, strict=False):
        assert open_blob(attachment, blob.data) == bytes(attachment.size_bytes)


def test_two_equal_attachments_have_nothing_in_common_on_the_wire() -> None:
    first, second = apart(20_000, 20_000).blobs
    assert first.key != second.key
    assert first.sha256 != second.sha256
    assert len(first.data) == len(second.data) == blob_size(20_000)


def test_a_preparation_is_the_same_for_a_draft_whether_its_attachments_travel_apart_or_not() -> None:
    made = draft(attachments=files(20_000))
    sealed = seal(made, blob_keys=KEYS[:1])
    again = seal(made, blob_keys=KEYS[1:2])
    named = {"origin": sealed.message.origin, "id": sealed.message.id, "sender_contact": "jo.technical"}
    expected = draft_sha256(made, recipients=[("sd.duty", "action")], **named)
    assert content_sha256(sealed.message) == content_sha256(again.message) == expected


def test_a_key_for_each_attachment_must_come_in() -> None:
    with pytest.raises(ValueError, match="zip"):
        seal(draft(attachments=files(20_000)), blob_keys=())


@pytest.mark.parametrize("sizes", [(16_385,), (LARGEST, 1), (4096,) * 20])
def test_what_was_measured_with_blobs_is_never_exceeded(sizes: tuple[int, ...]) -> None:
    made = draft(attachments=files(*sizes))
    size, sealed = measure(made, 3), seal(made, blob_keys=KEYS[: len(sizes)])
    assert size.blob_bytes == tuple(len(blob.data) for blob in sealed.blobs)
    assert (size.inline_bytes, len(sealed.envelope_bytes) <= size.body_bytes) == (0, True)
    assert size.body_bytes - len(sealed.envelope_bytes) < 12_000


def test_one_byte_over_the_largest_attachment_is_refused_before_anything_is_sealed() -> None:
    made = draft(attachments=files(LARGEST + 1))
    for function in (lambda: measure(made, 3), lambda: seal(made, blob_keys=KEYS[:1])):
        with pytest.raises(RefusedError) as caught:
            function()
        assert (caught.value.code, caught.value.data) == ("attachments-too-large", {"over_bytes": 16})
    small = replace(LIMITS, blob_bytes=19_000)
    assert (
        code(seal, draft(attachments=files(19_000)), blob_keys=KEYS[:1], limits=small)
        == "attachments-too-large"
    )
    assert SealingLimits(frozenset()).blob_bytes == BLOB_BYTES_MAX


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1, "bad-padding"),
        (15, "bad-padding"),
        (16, "bad-padding"),
        (4096, "bad-padding"),
        (4111, "bad-padding"),
        (4113, "bad-padding"),
        (BLOB_BYTES_MAX + 1, "attachments-too-large"),
    ],
)
def test_what_cannot_be_a_blob_is_refused_by_its_size(size: int, expected: str) -> None:
    assert code(check_blob_size, size, BLOB_BYTES_MAX) == expected
    named = [{"sha256": "A" * 43, "size_bytes": size}]
    if size <= 1 << 20:  # the world's registry takes blobs of 1 MiB
        assert code(admit, with_header(ENVELOPE, blobs=named)) == expected


def test_the_registrys_limit_counts_for_the_hub_too() -> None:
    over = blob_size(1 << 20)
    named = [{"sha256": "A" * 43, "size_bytes": over}]
    assert code(admit, with_header(ENVELOPE, blobs=named)) == "attachments-too-large"
    named = [{"sha256": "A" * 43, "size_bytes": 4112}]
    assert admit(with_header(ENVELOPE, blobs=named)).header.blobs[0].size_bytes == 4112


def test_an_attachment_without_a_blob_opens_from_no_bytes() -> None:
    inside = form_of(Attachment, {**form_value(seal().message.attachments[0]), "blob": None})
    assert code(open_blob, inside, b"") == "blob-mismatch"


@given(st.binary(max_size=9000), st.integers(0, 2**20))
def test_a_blob_opens_to_what_was_sealed_and_a_flipped_bit_is_refused(data: bytes, bit: int) -> None:
    blob = seal_blob(data, KEYS[3])
    named = files(len(data))[0]
    attachment = form_of(Attachment, AttachmentBytes(named.name, named.media_type, data).value(blob))
    assert open_blob(attachment, blob.data) == data
    assert len(blob.data) == blob_size(len(data))
    check_blob_size(len(blob.data), BLOB_BYTES_MAX)
    place = bit % len(blob.data)
    flipped = blob.data[:place] + bytes([blob.data[place] ^ 1 << bit % 8]) + blob.data[place + 1 :]
    assert code(open_blob, attachment, flipped) == "blob-mismatch"


def test_the_reader_of_a_sent_copy_sees_the_same() -> None:
    made = apart(20_000)
    own = opened(made, key=sealing_key("jo.technical", 2), accepted=accepted(made))
    assert (own.use, own.attachments) == ("own", (None,))
