"""Signed requests, written from docs/spec/requests.md."""

from __future__ import annotations

import base64
import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.independent.basics import RefusedError, refuse_if, sha256, thumbprint, unb64, unb64u
from tests.independent.signatures import signing_key, verify

_INPUT = re.compile(
    r'poc=(\("@method" "@target-uri" "content-digest"\);created=(0|[1-9][0-9]{0,10});'
    r'keyid="([A-Za-z0-9_-]{43})";nonce="([A-Za-z0-9_-]+)";alg="ed25519";tag="poc/1")'
)


def signed_text(method: str, target: str, digest: str, parameters: str) -> bytes:
    """The four lines that are signed."""
    return (
        f'"@method": {method}\n"@target-uri": {target}\n'
        f'"content-digest": {digest}\n"@signature-params": {parameters}'
    ).encode()


def sign(  # noqa: PLR0917
    key: Ed25519PrivateKey, kid: str, method: str, target: str, body: bytes, created: int, nonce: str
) -> dict[str, str]:
    """The three headers of a request."""
    digest = f"sha-256=:{base64.b64encode(sha256(body)).decode()}:"
    parameters = (
        '("@method" "@target-uri" "content-digest")'
        f';created={created};keyid="{kid}";nonce="{nonce}";alg="ed25519";tag="poc/1"'
    )
    signature = base64.b64encode(key.sign(signed_text(method, target, digest, parameters))).decode()
    return {
        "Content-Digest": digest,
        "Signature-Input": f"poc={parameters}",
        "Signature": f"poc=:{signature}:",
    }


def check(
    headers: list[tuple[str, str]], method: str, target: str, body: bytes, key: dict[str, Any], now: int
) -> None:
    """Refuse a request that is not signed by this key as the page says."""
    found: dict[str, list[str]] = {"content-digest": [], "signature-input": [], "signature": []}
    for name, value in headers:
        if name.lower() in found:
            found[name.lower()].append(value)
    refuse_if(not all(found.values()), "not-signed")
    wrong = "bad-request-signature"
    refuse_if(any(len(values) != 1 for values in found.values()), wrong)
    refuse_if(not re.fullmatch("[A-Z]{1,16}", method) or not re.fullmatch("[!-~]+", target), wrong)
    parts = _INPUT.fullmatch(found["signature-input"][0])
    digest = re.fullmatch("sha-256=:([A-Za-z0-9+/=]+):", found["content-digest"][0])
    signature = re.fullmatch("poc=:([A-Za-z0-9+/=]+):", found["signature"][0])
    if parts is None or digest is None or signature is None:
        raise RefusedError(wrong)
    try:
        refuse_if(not 16 <= len(unb64u(parts[4])) <= 48, wrong)
        unb64u(parts[3], 32)
        digested = unb64(digest[1], wrong)
        refuse_if(len(digested) != 32 or parts[3] != thumbprint(key), wrong)
        refuse_if(abs(int(parts[2]) - now) > 60, "clock-skew")
        refuse_if(digested != sha256(body), "digest-mismatch")
        text = signed_text(method, target, found["content-digest"][0], parts[1])
        verify(signing_key(key), unb64(signature[1], wrong), text)
    except RefusedError as error:
        raise RefusedError(
            error.code if error.code in ("clock-skew", "digest-mismatch") else wrong
        ) from error
