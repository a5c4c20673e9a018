"""Signed notes and checkpoints: the public example, and what a reader refuses."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from poc.core.checkpoint import (
    Checkpoint,
    format_checkpoint,
    head_of,
    parse_checkpoint,
    parse_head,
    sign_checkpoint,
    verify_checkpoint,
)
from poc.core.merkle import EMPTY_ROOT
from poc.core.note import (
    SignatureLine,
    Signer,
    Verifier,
    compose_note,
    decode_base64,
    open_note,
    sign_note,
)
from poc.errors import RefusedError
from poc.limits import NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, VKEY_CHARS_MAX
from tests.registry import signing_key

# The example of the C2SP signed-note specification.
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZS"
    "NXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()

ORIGIN = "example.org/cbm"
LOG = Signer(ORIGIN, signing_key("note log"))
OTHER = Signer("witness.example", signing_key("note witness"))
TEXT = "a text\n"
ROOT = bytes(range(32))
CHECKPOINT = Checkpoint(ORIGIN, 7, ROOT)


def code_of(function: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        function(*arguments)
    return caught.value.code


def test_the_example_of_the_specification_verifies() -> None:
    verifier = Verifier.from_vkey(VKEY)
    note = open_note(NOTE, [verifier])
    assert note.text.endswith("what your problem is.\n")
    assert verifier.vkey() == VKEY


def test_a_note_is_read_back_with_known_and_unknown_lines() -> None:
    note = open_note(sign_note(TEXT, [LOG, OTHER]), [LOG.verifier()])
    assert note.text == TEXT
    assert [line.name for line in note.verified] == [ORIGIN]
    assert [line.name for line in note.unknown] == [OTHER.name]


def test_sixteen_signatures_and_more_are_read() -> None:
    signers = [Signer(f"w{n}.example", signing_key(f"w{n}")) for n in range(20)]
    note = open_note(sign_note(TEXT, signers), [signer.verifier() for signer in signers])
    assert len(note.verified) == 20


def test_a_second_line_of_a_key_counts_once() -> None:
    line = LOG.sign(TEXT)
    assert len(open_note(compose_note(TEXT, [line, line]), [LOG.verifier()]).verified) == 1


def test_a_bad_line_of_a_known_key_refuses_the_whole_note() -> None:
    good = LOG.sign(TEXT)
    bad = SignatureLine(good.name, good.key_id, bytes(64))
    short = SignatureLine(good.name, good.key_id, bytes(63))
    for lines in ([bad], [good, bad], [short]):
        assert code_of(open_note, compose_note(TEXT, lines), [LOG.verifier()]) == "bad-signature"


def test_a_note_without_a_known_key_is_refused() -> None:
    assert code_of(open_note, sign_note(TEXT, [OTHER]), [LOG.verifier()]) == "unsigned-note"


SIGNED = sign_note(TEXT, [LOG]).decode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text only\n",
        b"\xff\n\n",
        SIGNED.replace("a text", "a\ttext").encode(),
        SIGNED.replace("— ", "- ").encode(),
        SIGNED.rstrip("\n").encode(),
        SIGNED.replace(f"{ORIGIN} ", "").encode(),
        SIGNED.replace(ORIGIN, "a+b").encode(),
        SIGNED.replace("=", "!").encode() if "=" in SIGNED else SIGNED[:-3].encode() + b"!\n",
        (TEXT + "\n— name AAAA\n").encode(),
        (TEXT + "\n— name AAAAAA\n").encode(),
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    assert code_of(open_note, data, [LOG.verifier()]) == "bad-note"


def test_notes_are_bounded_in_size_and_signatures() -> None:
    assert code_of(open_note, b"x" * (NOTE_BYTES_MAX + 1), []) == "too-large"
    lines = [LOG.sign(TEXT)] * (NOTE_SIGNATURES_MAX + 1)
    assert code_of(compose_note, TEXT, lines) == "too-large"


@pytest.mark.parametrize("text", ["", "no newline", "a\0b\n", "\ud800\n"])
def test_a_text_no_reader_would_take_is_not_signed(text: str) -> None:
    assert code_of(sign_note, text, [LOG]) == "bad-note"


@pytest.mark.parametrize(
    ("vkey", "code"),
    [
        ("", "bad-vkey"),
        ("a+b", "bad-vkey"),
        ("name+zzzzzzzz+AAAA", "bad-vkey"),
        ("name+00000000+", "bad-vkey"),
        ("name+00000000+%%%%", "bad-vkey"),
        (VKEY.replace("c74f20a3", "c74f20a4"), "bad-vkey"),
        (VKEY.replace("PeterNeumann", ""), "bad-vkey"),
        (VKEY.replace("PeterNeumann", "a name"), "bad-vkey"),
        ("name+00000000+/w==", "unknown-algorithm"),
        ("name+00000000+AQ==", "bad-vkey"),
        ("n" * (VKEY_CHARS_MAX + 1), "bad-vkey"),
    ],
)
def test_what_is_no_vkey_is_refused(vkey: str, code: str) -> None:
    assert code_of(Verifier.from_vkey, vkey) == code


def test_a_low_order_key_is_no_vkey() -> None:
    assert code_of(Verifier, "name", 1, bytes(32)) == "bad-key"


@pytest.mark.parametrize("text", ["A", "AA", "AA=", "AB==", "A A=", "AA==\n", "_w==", "AAAA===="])
def test_base64_has_one_spelling(text: str) -> None:
    assert code_of(decode_base64, text, "bad-note") == "bad-note"
    assert decode_base64(base64.b64encode(b"x").decode(), "bad-note") == b"x"


def test_two_keys_of_one_name_and_id_are_refused() -> None:
    class Twin(Verifier):
        @property
        def key_id(self) -> bytes:
            return LOG.verifier().key_id

    twin = Twin(ORIGIN, 1, OTHER.verifier().public)
    assert code_of(open_note, sign_note(TEXT, [LOG]), [LOG.verifier(), twin]) == "bad-vkey"


# --- checkpoints -------------------------------------------------------------------------------


def test_a_checkpoint_reads_back_with_its_extensions() -> None:
    extended = Checkpoint(ORIGIN, 2**53 - 1, ROOT, ("extension",))
    assert parse_checkpoint(format_checkpoint(extended)) == extended
    assert verify_checkpoint(sign_checkpoint(CHECKPOINT, LOG), ORIGIN, [LOG.verifier()]) == CHECKPOINT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        f"{ORIGIN}\n07\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n-1\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n9007199254740993\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n7\nnot base64\n",
        f"{ORIGIN}\n7\n{base64.b64encode(ROOT[:31]).decode()}\n",
        f"{ORIGIN}\n0\n{base64.b64encode(ROOT).decode()}\n",
        f"\n7\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n7\n{base64.b64encode(ROOT).decode()}\n\n",
        f"{ORIGIN}\n7\n{base64.b64encode(ROOT).decode()}",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    assert code_of(parse_checkpoint, text) == "bad-checkpoint"


def test_an_empty_log_has_the_empty_root() -> None:
    assert Checkpoint(ORIGIN, 0, EMPTY_ROOT).size == 0


def test_a_checkpoint_of_another_log_or_by_a_witness_alone_is_refused() -> None:
    verifiers = [LOG.verifier(), OTHER.verifier()]
    data = sign_checkpoint(CHECKPOINT, LOG)
    assert code_of(verify_checkpoint, data, "example.org/other", verifiers) == "wrong-origin"
    assert code_of(sign_checkpoint, CHECKPOINT, OTHER) == "wrong-origin"
    alone = compose_note(format_checkpoint(CHECKPOINT), [OTHER.sign(format_checkpoint(CHECKPOINT))])
    assert code_of(verify_checkpoint, alone, ORIGIN, verifiers) == "unsigned-note"


def test_a_head_keeps_the_logs_lines_and_no_cosignature() -> None:
    text = format_checkpoint(CHECKPOINT)
    both = compose_note(text, [LOG.sign(text), OTHER.sign(text)])
    head = head_of(both, [LOG.verifier(), OTHER.verifier()])
    assert OTHER.name not in head
    assert parse_head(head, ORIGIN, [LOG.verifier()]) == CHECKPOINT
    assert code_of(parse_head, both.decode(), ORIGIN, [LOG.verifier()]) == "bad-checkpoint"
    assert code_of(parse_head, "\ud800", ORIGIN, [LOG.verifier()]) == "bad-note"
