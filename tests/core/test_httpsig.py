"""Signed requests: one spelling, and nothing of the request can be changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from poc.core.httpsig import content_digest, parse_request, sign_request, signature_base, verify_request
from poc.core.keys import SigningKey, VerifyKey
from poc.core.strictjson import b64u, domain_hash
from poc.errors import RefusedError

VECTORS = Path(__file__).parents[1] / "vectors"
KEY = SigningKey.from_seed(domain_hash("poc/1 test key", b"signing first"))
NOW = datetime(2026, 11, 24, 12, 34, 56, tzinfo=UTC)
NONCE = b64u(bytes(range(16)))
TARGET = "https://hub.example/v1/messages/1?a=b"


def cases() -> list[Any]:
    read = json.loads((VECTORS / "httpsig" / "requests.json").read_bytes())["cases"]
    return [pytest.param(case, id=case["name"]) for case in read]


@pytest.mark.parametrize("case", cases())
def test_request_vectors_verify_or_are_refused(case):
    now = datetime.fromtimestamp(case["now"], UTC)
    headers = CIMultiDictProxy(CIMultiDict([(name, value) for name, value in case["headers"]]))

    def read() -> None:
        signature = parse_request(headers)
        key = VerifyKey.from_jwk(case["key"])
        verify_request(signature, case["method"], case["target"], case["body"].encode(), key, now)

    if case["expect"] == "ok":
        read()
        return
    with pytest.raises(RefusedError) as refused:
        read()
    assert refused.value.code == case["expect"]


def test_a_signed_request_reads_back():
    headers = sign_request("PUT", TARGET, b"body", KEY, NOW, NONCE)
    signature = parse_request(headers)
    assert (signature.keyid, signature.created_at, signature.nonce) == (KEY.kid, NOW, NONCE)
    assert signature.content_digest == headers["Content-Digest"] == content_digest(b"body")
    verify_request(signature, "PUT", TARGET, b"body", KEY.public, NOW)


def test_what_is_signed_is_what_rfc_9421_says():
    headers = sign_request("PUT", TARGET, b"", KEY, NOW, NONCE)
    params = headers["Signature-Input"].removeprefix("poc=")
    assert signature_base("PUT", TARGET, headers["Content-Digest"], params).decode() == (
        '"@method": PUT\n'
        '"@target-uri": https://hub.example/v1/messages/1?a=b\n'
        '"content-digest": sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:\n'
        '"@signature-params": ("@method" "@target-uri" "content-digest");created=1795523696;'
        f'keyid="{KEY.kid}";nonce="{NONCE}";alg="ed25519";tag="poc/1"'
    )


@given(
    st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
    st.binary(max_size=50),
    st.binary(min_size=16, max_size=48).map(b64u),
    st.integers(-60, 60),
)
def test_what_is_signed_verifies_within_a_minute(method, body, nonce, seconds):
    signature = parse_request(sign_request(method, TARGET, body, KEY, NOW, nonce))
    verify_request(signature, method, TARGET, body, KEY.public, NOW + timedelta(seconds=seconds))


@given(st.sampled_from(["Content-Digest", "Signature-Input", "Signature"]), st.data())
def test_one_changed_character_of_a_header_is_refused(name, data):
    headers = sign_request("PUT", TARGET, b"body", KEY, NOW, NONCE)
    value = headers[name]
    position = data.draw(st.integers(0, len(value) - 1))
    character = data.draw(st.sampled_from(' "AZaz09:;=+/-_\\').filter(lambda c: c != value[position]))
    changed = headers | {name: value[:position] + character + value[position + 1 :]}
    with pytest.raises(RefusedError) as refused:
        verify_request(parse_request(changed), "PUT", TARGET, b"body", KEY.public, NOW)
    assert refused.value.code in {"bad-request-signature", "clock-skew", "digest-mismatch"}


@given(
    st.dictionaries(st.sampled_from(["Content-Digest", "Signature-Input", "Signature"]), st.text(max_size=30))
)
def test_nothing_but_a_refusal_comes_out_of_reading(headers):
    with pytest.raises(RefusedError) as refused:
        parse_request(headers)
    assert refused.value.code in {"not-signed", "bad-request-signature"}


def test_a_wrong_clock_is_told_the_time_of_the_server():
    signature = parse_request(sign_request("GET", TARGET, b"", KEY, NOW, NONCE))
    late = NOW + timedelta(minutes=5, microseconds=7)
    with pytest.raises(RefusedError, match="-300 seconds") as refused:
        verify_request(signature, "GET", TARGET, b"", KEY.public, late)
    assert refused.value.code == "clock-skew"
    assert refused.value.data == {"server_time": "2026-11-24T12:39:56Z"}


def test_a_fraction_over_a_minute_is_too_much():
    signature = parse_request(sign_request("GET", TARGET, b"", KEY, NOW, NONCE))
    verify_request(signature, "GET", TARGET, b"", KEY.public, NOW + timedelta(seconds=60))
    with pytest.raises(RefusedError, match="clock-skew"):
        verify_request(signature, "GET", TARGET, b"", KEY.public, NOW + timedelta(seconds=60, microseconds=1))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"nonce": b64u(bytes(15))}, "bad-request-signature"),
        ({"nonce": b64u(bytes(49))}, "bad-request-signature"),
        ({"nonce": NONCE + "="}, "bad-request-signature"),
        ({"nonce": ""}, "bad-request-signature"),
        ({"method": "get"}, "bad-request-signature"),
        ({"method": "GET\n"}, "bad-request-signature"),
        ({"method": ""}, "bad-request-signature"),
        ({"target_uri": "https://hub.example/\n"}, "bad-request-signature"),
        ({"target_uri": "https://hub.example/تمرين"}, "bad-request-signature"),
        ({"target_uri": ""}, "bad-request-signature"),
        ({"created": NOW.replace(tzinfo=None)}, "bad-time"),
        ({"created": NOW.replace(microsecond=1)}, "bad-time"),
        ({"created": NOW.astimezone(timezone(timedelta(hours=3)))}, "bad-time"),
    ],
    ids=str,
)
def test_nothing_is_signed_that_would_be_refused(changed, code):
    good = {"method": "GET", "target_uri": TARGET, "body": b"", "key": KEY, "created": NOW, "nonce": NONCE}
    with pytest.raises(RefusedError) as refused:
        sign_request(**(good | changed))
    assert refused.value.code == code
