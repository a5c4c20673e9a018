"""Signatures over forms: one header, ten types, no other spelling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws as other_jws
from joserfc.jwk import OKPKey

from poc.core import jws
from poc.core.httpsig import signature_base
from poc.core.keys import SigningKey, VerifyKey
from poc.core.strictjson import b64u, canonical, domain_hash, unb64u
from poc.errors import RefusedError
from tests.foreign import foreign_json

VECTORS = Path(__file__).parents[1] / "vectors"
KEY = SigningKey.from_seed(domain_hash("poc/1 test key", b"signing first"))
OTHER = SigningKey.from_seed(domain_hash("poc/1 test key", b"signing second"))


def cases(name: str) -> list[Any]:
    read = json.loads((VECTORS / name).read_bytes())["cases"]
    return [pytest.param(case, id=case["name"]) for case in read]


@pytest.mark.parametrize("case", cases("jws/signatures.json"))
def test_signature_vectors_verify_or_are_refused(case):
    key, payload = VerifyKey.from_jwk(case["key"]), unb64u(case["payload"])
    signature = jws.Signature(case["protected"], case["signature"])
    if case["expect"] == "ok":
        jws.verify(payload, signature, case["typ"], key)
        assert jws.sign(payload, case["typ"], KEY) == signature
        assert jws.read_header(case["protected"]) == jws.Header("Ed25519", key.kid, case["typ"])
        return
    with pytest.raises(RefusedError) as refused:
        jws.verify(payload, signature, case["typ"], key)
    assert refused.value.code == case["expect"]


@pytest.mark.parametrize("case", cases("jws/compact.json"))
def test_compact_vectors_verify_or_are_refused(case):
    key = VerifyKey.from_jwk(case["key"])
    if case["expect"] == "ok":
        assert b64u(jws.verify_compact(case["compact"], case["typ"], key)) == case["payload"]
        return
    with pytest.raises(RefusedError) as refused:
        jws.verify_compact(case["compact"], case["typ"], key)
    assert refused.value.code == case["expect"]


@pytest.mark.parametrize("signed_as", jws.TYPES)
def test_no_type_verifies_as_another(signed_as):
    signature = jws.sign(b"{}", signed_as, KEY)
    text = jws.sign_compact(b"{}", signed_as, KEY)
    for read_as in jws.TYPES:
        if read_as == signed_as:
            jws.verify(b"{}", signature, read_as, KEY.public)
            assert jws.verify_compact(text, read_as, KEY.public) == b"{}"
            continue
        for attempt in (
            lambda typ=read_as: jws.verify(b"{}", signature, typ, KEY.public),
            lambda typ=read_as: jws.verify_compact(text, typ, KEY.public),
        ):
            with pytest.raises(RefusedError) as refused:
                attempt()
            assert refused.value.code == "wrong-type"


def test_a_header_put_on_another_types_signature_is_refused():
    made = jws.sign(b"{}", jws.MESSAGE, KEY)
    for typ in jws.TYPES:
        if typ != jws.MESSAGE:
            forged = jws.Signature(jws.sign(b"{}", typ, KEY).protected, made.signature)
            with pytest.raises(RefusedError) as refused:
                jws.verify(b"{}", forged, typ, KEY.public)
            assert refused.value.code == "bad-signature"


def test_there_are_eleven_different_types():
    assert len(set(jws.TYPES)) == 11


@pytest.mark.parametrize("typ", ["", "JWT", "poc-statement", "poc-envelope+jwe"])
def test_nothing_is_signed_as_a_type_there_is_not(typ):
    for sign in (jws.sign, jws.sign_compact):
        with pytest.raises(RefusedError) as refused:
            sign(b"{}", typ, KEY)
        assert refused.value.code == "wrong-type"


def test_the_key_of_a_signature_is_named_by_its_header():
    assert jws.header_kid(jws.sign(b"", jws.ORDER, OTHER).protected) == OTHER.kid


def test_reading_a_compact_jws_verifies_nothing():
    text = jws.sign_compact(b"payload", jws.SCRIPT, KEY)
    header, _, signature = text.split(".")
    compact = jws.read_compact(f"{header}.{b64u(b'other')}.{signature}")
    assert (compact.header.kid, compact.payload) == (KEY.kid, b"other")
    with pytest.raises(RefusedError, match="bad-signature"):
        jws.verify(compact.payload, compact.signature, jws.SCRIPT, KEY.public)


@given(st.binary(max_size=80), st.sampled_from(jws.TYPES))
def test_what_is_signed_verifies(payload, typ):
    assert jws.verify_compact(jws.sign_compact(payload, typ, KEY), typ, KEY.public) == payload


@given(st.data())
def test_one_changed_character_of_a_compact_jws_is_refused(data):
    text = jws.sign_compact(b'{"a":1}', jws.RECEIPT, KEY)
    position = data.draw(st.integers(0, len(text) - 1))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.= \n"
    character = data.draw(st.sampled_from(alphabet).filter(lambda c: c != text[position]))
    with pytest.raises(RefusedError):
        jws.verify_compact(text[:position] + character + text[position + 1 :], jws.RECEIPT, KEY.public)


@given(st.text(max_size=60) | st.binary(max_size=60).map(b64u))
def test_nothing_but_a_refusal_comes_out_of_reading(text):
    for read in (jws.read_compact, jws.read_header):
        with pytest.raises(RefusedError):
            read(text)


def test_a_signed_request_can_never_be_a_jws():
    assert jws.sign_compact(b"", jws.ORDER, KEY).startswith("eyJ")
    assert signature_base("GET", "https://x.example/", "x", "y").startswith(b'"')


def test_another_library_verifies_ours_and_we_verify_theirs():
    key = OKPKey.import_key({**KEY.private_jwk()})
    header = {"alg": "Ed25519", "kid": KEY.kid, "typ": jws.ORDER}
    registry = other_jws.JWSRegistry(algorithms=["Ed25519"])
    ours = jws.sign_compact(b"payload", jws.ORDER, KEY)
    theirs = other_jws.serialize_compact(header, b"payload", key, registry=registry)
    assert other_jws.deserialize_compact(ours, key, registry=registry).payload == b"payload"
    assert canonical(header) == unb64u(theirs.split(".")[0])
    assert jws.verify_compact(theirs, jws.ORDER, KEY.public) == b"payload"


def test_foreign_wycheproof_jws_cases_are_none_of_ours():
    groups = foreign_json("wycheproof", "json_web_signature_test.json")["testGroups"]
    count = 0
    for test in (test for group in groups for test in group["tests"]):
        text = test["jws"] if isinstance(test["jws"], str) else json.dumps(test["jws"])
        with pytest.raises(RefusedError):
            jws.read_compact(text)
        count += 1
    assert count == 401
