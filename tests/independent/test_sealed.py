"""Sealing keys, slots, content and codes against tests/vectors."""

from __future__ import annotations

from tests.independent import sealed
from tests.independent.basics import parse_canonical, refuse_if, unb64u
from tests.independent.content import open_blob, read_opening
from tests.independent.vectors import disagreements, seed_of


def key(case):
    assert sealed.sealing_kid(case["jwk"]) == case["kid"]


def slot(case):
    ek, encrypted_key = unb64u(case["ek"]), unb64u(case["encrypted_key"])
    cek = sealed.open_slot(seed_of(case["label"]), case["protected"], case["contact"], ek, encrypted_key)
    assert cek.hex() == case["cek"]


def content(case):
    parts = [bytes.fromhex(case[m]) for m in ("cek", "iv", "ciphertext", "tag")]
    plaintext = sealed.open_content(parts[0], parts[1], case["protected"], parts[2], parts[3])
    assert plaintext.hex() == case["plaintext"]


def code(case):
    of = case["of"]
    cek = bytes.fromhex(case.get("cek", ""))
    if of == "commitment":
        refuse_if(sealed.commitment(cek, case["id"]) != case["value"], "wrong-commitment")
    elif of == "voice":
        assert sealed.voice_code(cek, case["id"]) == case["value"]
    elif of == "answer":
        assert sealed.answer(cek, case["id"], case["contact"], case["word"]) == case["value"]
    elif of == "slot":
        assert sealed.slot_hash(bytes.fromhex(case["salt"]), case["slot"]) == case["value"]
    elif of == "envelope":
        assert sealed.envelope_digest(*case["parts"]).hex() == case["value"]
    else:
        last = bytes([case["last"]])
        sealed.unpad(b"\0" * (case["total"] - 1) + last, case["length"])


def blob(case):
    open_blob(case["attachment"], unb64u(case["data"]))


def blob_envelope(case):
    header = parse_canonical(unb64u(case["protected"]))
    read_opening({**case, "recipients": []}, header, unb64u(case["cek"], 32))


def test_the_same_sealing_keys_are_refused():
    assert disagreements("sealed/keys", key) == []


def test_the_same_slots_and_contents_open():
    assert disagreements("sealed/slots", slot) == []
    assert disagreements("sealed/content", content) == []


def test_commitments_codes_answers_and_padding_agree():
    assert disagreements("sealed/codes", code) == []


def test_the_same_attachments_that_travel_apart_open():
    assert disagreements("sealed/blobs", blob) == []
    assert disagreements("sealed/blob-envelopes", blob_envelope) == []
