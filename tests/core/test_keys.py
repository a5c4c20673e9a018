"""Signing and sealing keys: which are refused, and what their signatures are worth."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from poc.core.keys import SealingKey, SealingPublicKey, SigningKey, VerifyKey
from poc.core.strictjson import domain_hash
from poc.errors import RefusedError
from tests.foreign import foreign_json
from tests.vectors import make_primitives

VECTORS = Path(__file__).parents[1] / "vectors"
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
REFUSED_FLAGS = {"low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R"}


def seed_of(label: str) -> bytes:
    return domain_hash("poc/1 test key", label.encode())


KEY = SigningKey.from_seed(seed_of("signing first"))
OTHER = SigningKey.from_seed(seed_of("signing second"))
SEALING = SealingKey.from_seed(seed_of("sealing first"))
OTHER_SEALING = SealingKey.from_seed(seed_of("sealing second"))


def cases(name: str) -> list[Any]:
    read = json.loads((VECTORS / name).read_bytes())["cases"]
    return [pytest.param(case, id=case["name"]) for case in read]


def outcome_of_verifying(raw: bytes, message: bytes, signature: bytes) -> str:
    try:
        VerifyKey.from_raw(raw).verify(message, signature)
    except RefusedError as refused:
        return refused.code
    return "ok"


def point(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


# --- Ed25519 ---


@pytest.mark.parametrize("case", cases("jws/keys.json"))
def test_signing_key_vectors_are_taken_or_refused(case):
    if case["expect"] == "ok":
        key = VerifyKey.from_jwk(case["jwk"])
        assert (key.kid, key.jwk()) == (case["kid"], case["jwk"])
        return
    with pytest.raises(RefusedError) as refused:
        VerifyKey.from_jwk(case["jwk"])
    assert refused.value.code == case["expect"]


def test_every_encoding_of_the_eight_points_of_low_order_is_refused():
    # Computed from the curve's equation, not from the list that is tested.
    y = make_primitives.y_of_order_8()
    encodings = {point(n, sign) for n in (0, 1, P - 1, P, P + 1, y, P - y) for sign in (0, 1)}
    assert len(encodings) == 14
    assert {outcome_of_verifying(encoding, b"", bytes(64)) for encoding in encodings} == {"bad-key"}


def test_a_signature_of_ours_verifies_under_its_own_key_only():
    signature = KEY.sign(b"message")
    KEY.public.verify(b"message", signature)
    for key, message in ((OTHER.public, b"message"), (KEY.public, b"message "), (KEY.public, b"")):
        with pytest.raises(RefusedError) as refused:
            key.verify(message, signature)
        assert refused.value.code == "bad-signature"


@given(st.binary(max_size=64), st.integers(0, 511))
def test_one_flipped_bit_of_a_signature_is_refused(message, bit):
    flipped = int.from_bytes(KEY.sign(message)) ^ 1 << bit
    with pytest.raises(RefusedError) as refused:
        KEY.public.verify(message, flipped.to_bytes(64))
    assert refused.value.code == "bad-signature"


def test_a_signature_with_the_group_order_added_to_s_is_refused():
    signature = KEY.sign(b"message")
    s = int.from_bytes(signature[32:], "little") + ORDER
    with pytest.raises(RefusedError, match="bad-signature"):
        KEY.public.verify(b"message", signature[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("size", [0, 63, 65, 128])
def test_a_signature_of_another_size_is_refused(size):
    with pytest.raises(RefusedError, match="64 are due"):
        KEY.public.verify(b"message", bytes(size))


@pytest.mark.parametrize(
    "r", [point(0), point(1), point(1, 1), point(P - 1), point(P), point(P + 3, 1)], ids=bytes.hex
)
def test_r_of_low_order_or_second_spelling_is_refused_by_name(r):
    with pytest.raises(RefusedError, match=r"R is a (point of low order|non-canonical point)"):
        KEY.public.verify(b"message", r + KEY.sign(b"message")[32:])


def test_what_the_library_alone_accepts_is_refused_here():
    # A = R = the neutral point and S = 0 is a "signature" of every message.
    neutral = point(1)
    Ed25519PublicKey.from_public_bytes(neutral).verify(neutral + bytes(32), b"anything")
    assert outcome_of_verifying(neutral, b"anything", neutral + bytes(32)) == "bad-key"


def test_a_key_that_is_no_point_of_the_curve_verifies_nothing():
    no_point = point(2)
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(no_point).verify(KEY.sign(b""), b"")
    assert outcome_of_verifying(no_point, b"", KEY.sign(b"")) == "bad-signature"


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_public_key_of_another_size_is_refused(size):
    with pytest.raises(RefusedError, match="32 are due") as refused:
        VerifyKey.from_raw(b"\x03" * size)
    assert refused.value.code == "bad-key"


def test_a_public_key_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        KEY.public.raw = OTHER.public.raw  # type: ignore[misc]  # this is the attempt


def test_equal_keys_are_equal():
    assert VerifyKey.from_jwk(KEY.public.jwk()) == KEY.public == VerifyKey.from_raw(KEY.public.raw)
    assert KEY.public != OTHER.public
    assert len({KEY.public, VerifyKey.from_raw(KEY.public.raw), OTHER.public}) == 2


def test_a_kid_is_the_thumbprint_of_rfc_8037_a_3():
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert VerifyKey.from_raw(raw).kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_foreign_cctv_edge_cases_follow_our_rule():
    # Ours: the four flags are refused; what remains is judged without the cofactor, so that a
    # residue of low order counts as an error (RFC 8032 5.1.7, the stricter of the two ways).
    vectors = foreign_json("cctv", "ed25519vectors.json")
    assert len(vectors) == 914
    wrong, accepted = [], 0
    for vector in vectors:
        flags = set(vector["flags"] or [])
        key, signature = bytes.fromhex(vector["key"]), bytes.fromhex(vector["sig"])
        outcome = outcome_of_verifying(key, vector["msg"].encode(), signature)
        if (outcome == "ok") is bool(flags & (REFUSED_FLAGS | {"low_order_residue"})):
            wrong.append((vector["number"], sorted(flags), outcome))
        accepted += outcome == "ok"
    assert wrong == []
    assert accepted == 43


def test_foreign_wycheproof_ed25519_cases_come_out_as_stated():
    groups = foreign_json("wycheproof", "ed25519_test.json")["testGroups"]
    wrong, count = [], 0
    for group in groups:
        key = bytes.fromhex(group["publicKey"]["pk"])
        for test in group["tests"]:
            outcome = outcome_of_verifying(key, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
            if (outcome == "ok") != (test["result"] == "valid"):
                wrong.append((test["tcId"], test["comment"], outcome))
            count += 1
    assert wrong == []
    assert count == 151


# --- private keys ---


def test_private_jwks_read_back():
    for key in (KEY, OTHER):
        again = SigningKey.from_private_jwk(key.private_jwk())
        assert again.sign(b"x") == key.sign(b"x")
        assert again.kid == key.kid == key.public.kid
    again_sealing = SealingKey.from_private_jwk(SEALING.private_jwk())
    assert again_sealing.public == SEALING.public
    assert again_sealing.kid == SEALING.kid == SEALING.public.kid


@pytest.mark.parametrize(
    "changed",
    [
        {"x": OTHER.public.jwk()["x"]},
        {"d": OTHER.private_jwk()["d"]},
        {"d": "AA"},
        {"d": None},
        {"d": ...},
        {"x": ...},
        {"crv": "Ed448"},
        {"alg": "Ed25519"},
    ],
    ids=str,
)
def test_a_private_signing_jwk_that_is_not_whole_is_refused(changed):
    members = {name: value for name, value in (KEY.private_jwk() | changed).items() if value is not ...}
    with pytest.raises(RefusedError) as refused:
        SigningKey.from_private_jwk(members)
    assert refused.value.code == "bad-key"


@pytest.mark.parametrize(
    "changed",
    [
        {"pub": OTHER_SEALING.public.jwk()["pub"]},
        {"priv": OTHER_SEALING.private_jwk()["priv"]},
        {"priv": "AA"},
        {"priv": ...},
        {"pub": ...},
        {"alg": "HPKE-9"},
        {"kid": "x"},
    ],
    ids=lambda changed: str(changed)[:40],
)
def test_a_private_sealing_jwk_that_is_not_whole_is_refused(changed):
    members = {name: value for name, value in (SEALING.private_jwk() | changed).items() if value is not ...}
    with pytest.raises(RefusedError) as refused:
        SealingKey.from_private_jwk(members)
    assert refused.value.code == "bad-key"


@pytest.mark.parametrize("make", [SigningKey.from_seed, SealingKey.from_seed])
@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_of_another_size_is_refused(make, size):
    with pytest.raises(RefusedError, match="32 are due") as refused:
        make(bytes(size))
    assert refused.value.code == "bad-key"


def test_a_private_key_prints_its_id_and_nothing_else():
    assert f"{KEY!r} {KEY}" == f"SigningKey({KEY.kid}) SigningKey({KEY.kid})"
    assert f"{SEALING!r} {SEALING}" == f"SealingKey({SEALING.kid}) SealingKey({SEALING.kid})"


def test_a_public_jwk_holds_nothing_private():
    assert set(KEY.public.jwk()) == {"kty", "crv", "x"}
    assert set(SEALING.public.jwk()) == {"kty", "alg", "pub"}


# --- sealing keys ---


@pytest.mark.parametrize("case", cases("sealed/keys.json"))
def test_sealing_key_vectors_are_taken_or_refused(case):
    if case["expect"] == "ok":
        key = SealingPublicKey.from_jwk(case["jwk"])
        assert (key.kid, key.jwk()) == (case["kid"], case["jwk"])
        assert SealingKey.from_seed(seed_of(case["label"])).public == key
        return
    with pytest.raises(RefusedError) as refused:
        SealingPublicKey.from_jwk(case["jwk"])
    assert refused.value.code == case["expect"]


@pytest.mark.parametrize("size", [0, 1184, 1215, 1217])
def test_a_public_sealing_key_of_another_size_is_refused(size):
    with pytest.raises(RefusedError, match="1216 are due") as refused:
        SealingPublicKey(SEALING.public.raw[:1215].ljust(size, b"\0")[:size])
    assert refused.value.code == "bad-key"


def test_foreign_wycheproof_x25519_keys_are_refused_where_the_secret_would_be_zero_or_the_spelling_second():
    groups = foreign_json("wycheproof", "x25519_test.json")["testGroups"]
    wrong, count = [], 0
    for test in (test for group in groups for test in group["tests"]):
        due = not {"ZeroSharedSecret", "NonCanonicalPublic"} & set(test["flags"])
        try:
            SealingPublicKey(SEALING.public.raw[:1184] + bytes.fromhex(test["public"]))
            outcome = True
        except RefusedError as refused:
            outcome = refused.code != "bad-key"
        if outcome != due or (set(test["shared"]) == {"0"} and outcome):
            wrong.append((test["tcId"], test["flags"]))
        count += 1
    assert wrong == []
    assert count == 518


def test_a_foreign_hybrid_key_has_the_kid_its_authors_give_it():
    jwk = foreign_json("jose-hpke-pq", "jwks", "HPKE-9-KE.json")
    kid = jwk.pop("kid")
    assert SealingKey.from_private_jwk(jwk).kid == kid


def test_a_foreign_key_of_another_suite_is_refused():
    jwk = foreign_json("jose-hpke-pq", "jwks", "HPKE-8-KE.json")
    with pytest.raises(RefusedError) as refused:
        SealingPublicKey.from_jwk({name: jwk[name] for name in ("kty", "alg", "pub")})
    assert refused.value.code == "bad-key"
