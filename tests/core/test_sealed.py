"""Sealing to devices, content encryption, padding and the codes made of a content key."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from poc.core import sealed
from poc.core.keys import SealingKey
from poc.core.strictjson import b64u, domain_hash, unb64u
from poc.errors import RefusedError
from tests.foreign import foreign_file, foreign_json

VECTORS = Path(__file__).parents[1] / "vectors"
CEK = bytes(range(32))
IV = bytes(12)
MESSAGE_ID = "01900000-0000-7000-8000-000000000001"


def key_of(label: str) -> SealingKey:
    return SealingKey.from_seed(domain_hash("poc/1 test key", label.encode()))


KEY = key_of("sealing first")
OTHER = key_of("sealing second")


def cases(name: str, of: str = "") -> list[Any]:
    read = json.loads((VECTORS / name).read_bytes())["cases"]
    return [pytest.param(case, id=case["name"]) for case in read if case.get("of", "") == of]


def refused_code(call: Any) -> str:
    with pytest.raises(RefusedError) as refused:
        call()
    return refused.value.code


# --- slots ---


@pytest.mark.parametrize("case", cases("sealed/slots.json"))
def test_slot_vectors_open_or_are_refused(case):
    def open_it() -> bytes:
        ek, encrypted = unb64u(case["ek"]), unb64u(case["encrypted_key"])
        return sealed.open_key(ek, encrypted, case["protected"], case["contact"], key_of(case["label"]))

    if case["expect"] == "ok":
        assert open_it().hex() == case["cek"]
    else:
        assert refused_code(open_it) == case["expect"]


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["e30", "eyJhIjoxfQ"]))
def test_what_is_sealed_opens_for_its_device_only(cek, protected):
    ek, encrypted = sealed.seal_key(cek, protected, "jo.duty", KEY.public)
    assert (len(ek), len(encrypted)) == (sealed.EK_BYTES, 48)
    assert sealed.open_key(ek, encrypted, protected, "jo.duty", KEY) == cek
    assert refused_code(lambda: sealed.open_key(ek, encrypted, protected, "jo.duty", OTHER)) == "cannot-open"


@given(st.integers(0, (sealed.EK_BYTES + 48) * 8 - 1))
def test_one_flipped_bit_of_a_slot_is_refused(bit):
    ek, encrypted = sealed.seal_key(CEK, "e30", "jo.duty", KEY.public)
    flipped = (int.from_bytes(ek + encrypted) ^ 1 << bit).to_bytes(sealed.EK_BYTES + 48)
    ek, encrypted = flipped[: sealed.EK_BYTES], flipped[sealed.EK_BYTES :]
    assert refused_code(lambda: sealed.open_key(ek, encrypted, "e30", "jo.duty", KEY)) == "cannot-open"


def test_sealing_twice_gives_two_different_slots():
    assert sealed.seal_key(CEK, "e30", "jo.duty", KEY.public) != sealed.seal_key(
        CEK, "e30", "jo.duty", KEY.public
    )


def test_a_sealed_secret_of_another_size_is_no_content_key():
    extra = b"poc/1 slot\0" + hashlib.sha256(b"e30").digest() + b"jo.duty"
    ek, encrypted = sealed.seal(CEK[:31], KEY.public, extra)
    assert sealed.unseal(ek, encrypted, KEY, extra) == CEK[:31]
    assert refused_code(lambda: sealed.open_key(ek, encrypted, "e30", "jo.duty", KEY)) == "cannot-open"


def test_the_context_of_a_slot_is_the_one_of_the_specification():
    ek, encrypted = sealed.seal_key(CEK, "e30", "jo.duty", KEY.public)
    info = b"JOSE-HPKE rcpt\xffA256GCM\xffpoc/1 slot\0" + hashlib.sha256(b"e30").digest() + b"jo.duty"
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.SHAKE256, hpke.AEAD.AES_256_GCM)
    assert suite.decrypt(ek + encrypted, KEY.hpke_key, info=info) == CEK


def test_even_the_library_seals_to_no_key_of_low_order():
    # Ours are refused when they are made (test_keys.py); this is the layer below.
    halves = (
        MLKEM768PublicKey.from_public_bytes(KEY.public.raw[:1184]),
        X25519PublicKey.from_public_bytes(bytes(32)),
    )
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.SHAKE256, hpke.AEAD.AES_256_GCM)
    with pytest.raises(ValueError, match="shared key"):
        suite.encrypt(CEK, hpke.MLKEM768X25519PublicKey(*halves))


def test_foreign_jose_hpke_messages_open_through_our_code():
    jwk = foreign_json("jose-hpke-pq", "jwks", "HPKE-9-KE.json")
    del jwk["kid"]
    key = SealingKey.from_private_jwk(jwk)
    flattened = foreign_json("jose-hpke-pq", "jwe", "HPKE-9-KE-flattened.json")
    names = ("protected", "encrypted_key", "iv", "ciphertext", "tag")
    compact_text = foreign_file("jose-hpke-pq", "jwe", "HPKE-9-KE-compact.txt").read_text().strip()
    compact = dict(zip(names, compact_text.split("."), strict=True))
    plaintexts = []
    for message in (compact, flattened):
        header = json.loads(unb64u(message["protected"]))
        cek = sealed.unseal(unb64u(header["ek"]), unb64u(message["encrypted_key"]), key)
        aad = message["protected"] + ("." + message["aad"] if "aad" in message else "")
        iv, ciphertext, tag = (unb64u(message[name]) for name in ("iv", "ciphertext", "tag"))
        plaintexts.append(sealed.decrypt_content(cek, iv, aad, ciphertext, tag))
        with pytest.raises(RefusedError, match="cannot-open"):
            sealed.decrypt_content(cek, iv, aad + "A", ciphertext, tag)
    assert plaintexts[0] == plaintexts[1] != b""


# --- content ---


@pytest.mark.parametrize("case", cases("sealed/content.json"))
def test_content_vectors_open_or_are_refused(case):
    values = [bytes.fromhex(case[name]) for name in ("cek", "iv", "ciphertext", "tag")]

    def open_it() -> bytes:
        return sealed.decrypt_content(values[0], values[1], case["protected"], values[2], values[3])

    if case["expect"] == "ok":
        plaintext = bytes.fromhex(case["plaintext"])
        assert open_it() == plaintext
        encrypted = sealed.encrypt_content(values[0], values[1], case["protected"], plaintext)
        assert encrypted == (values[2], values[3])
    else:
        assert refused_code(open_it) == case["expect"]


@given(st.binary(max_size=64), st.text("abcXYZ012_-", max_size=20))
def test_encrypted_content_opens(plaintext, protected):
    ciphertext, tag = sealed.encrypt_content(CEK, IV, protected, plaintext)
    assert sealed.decrypt_content(CEK, IV, protected, ciphertext, tag) == plaintext


@given(st.binary(min_size=1, max_size=64), st.data())
def test_one_flipped_bit_of_the_content_is_refused(plaintext, data):
    whole = b"".join(sealed.encrypt_content(CEK, IV, "e30", plaintext))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    flipped = (int.from_bytes(whole) ^ 1 << bit).to_bytes(len(whole))
    code = refused_code(lambda: sealed.decrypt_content(CEK, IV, "e30", flipped[:-16], flipped[-16:]))
    assert code == "cannot-open"


def test_foreign_wycheproof_aes_gcm_cases_come_out_as_stated():
    wrong, ours = [], 0
    groups = foreign_json("wycheproof", "aes_gcm_test.json")["testGroups"]
    for group in groups:
        of_our_sizes = (group["keySize"], group["ivSize"], group["tagSize"]) == (256, 96, 128)
        for test in group["tests"]:
            key, iv, aad, message, ciphertext, tag = (
                bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
            )
            try:
                outcome = sealed.gcm_decrypt(key, iv, aad, ciphertext, tag) == message
            except RefusedError as refused:
                outcome = refused.code != "cannot-open"
            if outcome != (of_our_sizes and test["result"] == "valid"):
                wrong.append((test["tcId"], outcome))
            if of_our_sizes and test["result"] == "valid":
                assert sealed.gcm_encrypt(key, iv, aad, message) == (ciphertext, tag)
            ours += of_our_sizes
    assert wrong == []
    assert ours == 66


# --- padding ---


@pytest.mark.parametrize("case", cases("sealed/codes.json", "padding"))
def test_padding_vectors_are_taken_or_refused(case):
    total, length = case["total"], case["length"]
    padded = bytes(total - 1) + bytes([case["last"]])
    if case["expect"] == "ok":
        assert sealed.padded_length(length) == total
        assert sealed.unpad_to(padded, length) == bytes(length)
    else:
        assert refused_code(lambda: sealed.unpad_to(padded, length)) == case["expect"]


@pytest.mark.parametrize(
    ("length", "padded"),
    [(0, 0), (1, 1), (2, 2), (3, 3), (8, 8), (9, 10), (17, 18), (100, 104), (1000, 1024)],
)
def test_padme_rounds_as_its_definition_says(length, padded):
    assert sealed.padme(length) == padded


@given(st.integers(0, 2**40))
def test_padme_never_shrinks_never_adds_an_eighth_and_is_its_own_result(length):
    padded = sealed.padme(length)
    assert length <= padded <= length * 1.12
    assert sealed.padme(padded) == padded


@given(st.binary(max_size=9000))
def test_what_is_padded_unpads(data):
    padded = sealed.pad(data)
    assert len(padded) == sealed.padded_length(len(data)) >= 4096
    assert sealed.unpad_to(padded, len(data)) == data


def test_a_byte_of_padding_that_is_not_zero_is_refused_wherever_it_is():
    padded = sealed.pad(b"content")
    for position in (7, 8, 2000, 4095):
        altered = padded[:position] + b"\1" + padded[position + 1 :]
        assert refused_code(lambda altered=altered: sealed.unpad_to(altered, 7)) == "bad-padding"


# --- codes ---


@pytest.mark.parametrize("case", cases("sealed/codes.json", "commitment"))
def test_commitment_vectors_hold_or_are_refused(case):
    cek = bytes.fromhex(case["cek"])
    if case["expect"] == "ok":
        assert sealed.commitment(cek, case["id"]) == case["value"]
        sealed.check_commitment(cek, case["id"], case["value"])
    else:
        code = refused_code(lambda: sealed.check_commitment(cek, case["id"], case["value"]))
        assert code == case["expect"]


@pytest.mark.parametrize("case", cases("sealed/codes.json", "voice"))
def test_voice_code_vectors_come_out_the_same(case):
    assert sealed.voice_code(bytes.fromhex(case["cek"]), case["id"]) == case["value"]


@given(st.binary(min_size=32, max_size=32))
def test_a_voice_code_is_always_eight_digits(cek):
    code = sealed.voice_code(cek, MESSAGE_ID)
    assert len(code) == 8
    assert code.isascii()
    assert code.isdigit()


@pytest.mark.parametrize("case", cases("sealed/codes.json", "answer"))
def test_answer_vectors_come_out_the_same(case):
    key = sealed.answer_key(bytes.fromhex(case["cek"]), case["id"])
    assert sealed.answer(key, case["id"], case["contact"], case["word"]) == case["value"]


def test_an_answer_changes_with_everything_it_is_made_of():
    key = sealed.answer_key(CEK, MESSAGE_ID)
    answers = {
        sealed.answer(key, MESSAGE_ID, "jo.duty", "493817"),
        sealed.answer(key, MESSAGE_ID, "jo.duty", "493818"),
        sealed.answer(key, MESSAGE_ID, "jo.technical", "493817"),
        sealed.answer(key, MESSAGE_ID[:-1] + "2", "jo.duty", "493817"),
        sealed.answer(sealed.answer_key(bytes(32), MESSAGE_ID), MESSAGE_ID, "jo.duty", "493817"),
        sealed.answer(CEK, MESSAGE_ID, "jo.duty", "493817"),
    }
    assert len(answers) == 6


@pytest.mark.parametrize("case", cases("sealed/codes.json", "slot"))
def test_slot_hash_vectors_come_out_the_same_or_are_refused(case):
    def compute() -> str:
        return sealed.slot_hash(bytes.fromhex(case["salt"]), **case["slot"])

    if case["expect"] == "ok":
        assert compute() == case["value"]
    else:
        assert refused_code(compute) == case["expect"]


def test_a_slot_hash_changes_with_every_member():
    members: dict[str, Any] = {
        "contact": "jo.duty", "kid": KEY.kid, "sequence": 1, "release_at": None, "in_place_of": None,
    }  # fmt: skip
    changed: list[dict[str, Any]] = [
        {},
        {"contact": "jo.technical"},
        {"kid": OTHER.kid},
        {"sequence": 2},
        {"sequence": None},
        {"release_at": "2026-11-24T12:00:00Z"},
        {"in_place_of": "jo.technical"},
    ]
    hashes = {sealed.slot_hash(bytes(16), **(members | change)) for change in changed}
    assert len(hashes | {sealed.slot_hash(b"\1" * 16, **members)}) == len(changed) + 1


@pytest.mark.parametrize("case", cases("sealed/codes.json", "envelope"))
def test_envelope_digest_vectors_come_out_the_same(case):
    assert sealed.envelope_digest(*case["parts"]).hex() == case["value"]


def test_a_character_moved_between_members_changes_the_envelope_digest():
    assert sealed.envelope_digest("ab", "c", "d", "e") != sealed.envelope_digest("a", "bc", "d", "e")


def test_no_code_reveals_another():
    made = {b64u(sealed.answer_key(CEK, MESSAGE_ID)), sealed.commitment(CEK, MESSAGE_ID), b64u(CEK)}
    assert len(made) == 3
