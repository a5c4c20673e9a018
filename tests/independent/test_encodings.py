"""JSON, base64url, times, keys, signatures and requests against tests/vectors."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.independent.basics import b64u, canonical, moment, parse, sha256, tagged, thumbprint, unb64u
from tests.independent.requests import check, sign
from tests.independent.signatures import signing_key, verify_compact, verify_jws
from tests.independent.vectors import disagreements, load, seed_of


def read_json(case):
    data = bytes.fromhex(case["hex"]) if "hex" in case else case["text"].encode("utf-8")
    value = parse(data)
    assert canonical(value).decode() == case["canonical"]


def read_encoding(case):
    if "base64url" in case:
        assert unb64u(case["base64url"], case["size"]).hex() == case["hex"]
    elif "time" in case:
        assert moment(case["time"]).timestamp() == case["unix_seconds"]
    else:
        parts = b"".join(bytes.fromhex(part) for part in case["parts"])
        assert tagged(case["domain"], parts).hex() == case["sha256"]


def read_key(case):
    signing_key(case["jwk"])
    assert thumbprint(case["jwk"]) == case["kid"]


def check_signature(case):
    verify_jws(case["key"], case["typ"], case["protected"], case["payload"], case["signature"])


def check_compact(case):
    assert verify_compact(case["key"], case["typ"], case["compact"]) == unb64u(case["payload"])


def check_request(case):
    headers = [(name, value) for name, value in case["headers"]]
    check(headers, case["method"], case["target"], case["body"].encode(), case["key"], case["now"])


def test_json_is_read_as_strictly():
    assert disagreements("strictjson/parse", read_json) == []


def test_base64url_times_and_domain_hashes_agree():
    assert disagreements("strictjson/encodings", read_encoding) == []


def test_the_same_keys_are_refused():
    assert disagreements("jws/keys", read_key) == []


def test_the_same_signatures_verify():
    assert disagreements("jws/signatures", check_signature) == []
    assert disagreements("jws/compact", check_compact) == []


def test_the_same_requests_are_let_in():
    assert disagreements("httpsig/requests", check_request) == []


def test_the_example_of_the_page_is_signed_to_the_same_headers():
    case = load("httpsig/requests")["cases"][0]
    key = Ed25519PrivateKey.from_private_bytes(seed_of("signing first"))
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64u(key.public_key().public_bytes_raw())}
    body = case["body"].encode()
    made = sign(
        key, thumbprint(jwk), case["method"], case["target"], body, case["now"], "AAECAwQFBgcICQoLDA0ODw"
    )
    assert jwk == case["key"]
    assert list(made.items()) == [(name, value) for name, value in case["headers"]]
    assert sha256(body) == sha256(b'{"a":1}')
