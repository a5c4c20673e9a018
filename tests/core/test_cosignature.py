"""Cosignatures beyond the vectors: their bounds, ML-DSA-44 with and without a library that has it."""

from __future__ import annotations

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from poc.core.checkpoint import Checkpoint, Cosigner, format_checkpoint
from poc.core.cosignature import TIME_MAX, time_of, tree_message, verify_ml_dsa_44
from poc.core.note import SignatureLine, Verifier, compose_note, open_note
from poc.errors import RefusedError
from tests.registry import signing_key

KEY_CLASS = "poc.core.cosignature.MLDSA44PublicKey"
NAME, AT = "jo.witness", 1763985600
TEXT = format_checkpoint(Checkpoint("example.org/cbm", 7, bytes(range(32)), ("an extension",)))
PRIVATE = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
PUBLIC = PRIVATE.public_key().public_bytes_raw()


def code_of(call, *arguments):
    with pytest.raises(RefusedError) as caught:
        call(*arguments)
    return caught.value.code


def by_ml_dsa(message, at=AT):
    verifier = Verifier(NAME, 6, PUBLIC)
    line = SignatureLine(NAME, verifier.key_id, at.to_bytes(8, "big") + PRIVATE.sign(message))
    return compose_note(TEXT, [line]), verifier


def test_a_time_or_text_that_cannot_be_is_not_cosigned():
    cosigner = Cosigner(NAME, signing_key("witness"))
    for at in (-1, TIME_MAX + 1):
        assert code_of(cosigner.cosign, TEXT, at) == "bad-time"
    assert code_of(cosigner.cosign, "a text\n", AT) == "bad-checkpoint"
    assert code_of(Cosigner, "a name", signing_key("witness")) == "bad-vkey"


@pytest.mark.parametrize("signature", [b"", bytes(8), b"\x80" + bytes(71)])
def test_a_cosignature_without_a_time_is_none(signature):
    assert code_of(time_of, signature) == "bad-signature"


def test_an_ml_dsa_44_cosignature_is_over_name_time_origin_size_and_root():
    message = (
        b"subtree/v1\n\x00\x0ajo.witness" + AT.to_bytes(8, "big") + b"\x0fexample.org/cbm"
        + bytes(8) + (7).to_bytes(8, "big") + bytes(range(32))
    )  # fmt: skip
    assert tree_message(NAME, AT, TEXT.encode()) == message
    note, verifier = by_ml_dsa(message)
    assert len(open_note(note, [verifier]).verified) == 1
    assert Verifier.from_vkey(verifier.vkey()) == verifier
    note, verifier = by_ml_dsa(message, AT + 1)
    assert code_of(open_note, note, [verifier]) == "bad-signature"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (NAME, "a text\n"),
        (NAME, TEXT.replace("\n7\n", "\n07\n")),
        (NAME, TEXT.replace("Hh8=", "Hh9=")),
        (NAME, TEXT.replace("example.org", "e" * 256)),
        ("n" * 256, TEXT),
    ],
)
def test_ml_dsa_44_over_what_is_no_checkpoint_is_refused(name, text):
    signature = AT.to_bytes(8, "big") + bytes(2420)
    assert code_of(verify_ml_dsa_44, name, PUBLIC, text.encode(), signature) == "bad-signature"


def test_an_ml_dsa_44_key_is_refused_where_the_library_cannot_or_will_not_read_it(monkeypatch):
    def lacking(_data):
        raise UnsupportedAlgorithm("not here")

    def refusing(_data):
        raise ValueError

    monkeypatch.setattr(
        "poc.core.cosignature.MLDSA44PublicKey", type("K", (), {"from_public_bytes": lacking})
    )
    assert code_of(Verifier, NAME, 6, PUBLIC) == "unknown-algorithm"
    monkeypatch.setattr(
        "poc.core.cosignature.MLDSA44PublicKey", type("K", (), {"from_public_bytes": refusing})
    )
    assert code_of(Verifier, NAME, 6, PUBLIC) == "bad-key"
