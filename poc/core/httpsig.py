"""Signed HTTP requests: our narrow profile of RFC 9421, for both sides.

Exactly one signature, labelled ``poc``, over method, target URI and body digest (RFC 9530), with
the parameters ``created;keyid;nonce;alg;tag`` in this order. Any other spelling is refused, so
there is one text for one request. Remembering nonces and finding the key belong to the caller,
who also says what the target URI is: the public origin comes from configuration, not from Host.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from poc.core.keys import SIGNATURE_BYTES, SigningKey, VerifyKey
from poc.core.strictjson import format_time, unb64u
from poc.errors import RefusedError
from poc.limits import CLOCK_SKEW_SECONDS_MAX

LABEL: Final = "poc"
TAG: Final = "poc/1"
NONCE_BYTES_MIN: Final = 16
_NONCE_BYTES_MAX: Final = 48
_DIGEST_BYTES: Final = 32
_KID_BYTES: Final = 32

_COMPONENTS: Final = '("@method" "@target-uri" "content-digest")'
_INPUT: Final = re.compile(
    LABEL + "=(?P<params>" + re.escape(_COMPONENTS) + r";created=(?P<created>[1-9][0-9]{0,10})"
    r';keyid="(?P<keyid>[A-Za-z0-9_-]{43})";nonce="(?P<nonce>[A-Za-z0-9_-]{22,64})"'
    r';alg="ed25519";tag="' + re.escape(TAG) + '")'
)
_DIGEST: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_SIGNATURE: Final = re.compile(LABEL + r"=:([A-Za-z0-9+/]{86}==):")
_METHOD: Final = re.compile(r"[A-Z]{1,16}")
_TARGET: Final = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class RequestSignature:
    """The signature of a request as its headers have it. Unverified."""

    keyid: str
    created_at: datetime
    nonce: str
    content_digest: str
    params: str
    signature: bytes


def content_digest(body: bytes) -> str:
    """The ``Content-Digest`` of a body (RFC 9530 2): sha-256 only, present even if the body is empty."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def signature_base(method: str, target_uri: str, digest: str, params: str) -> bytes:
    """The bytes that are signed (RFC 9421 2.5); they always begin with a quotation mark.

    Raises:
        RefusedError: ``bad-request-signature`` for a method or target that could forge a line.
    """
    if not _METHOD.fullmatch(method) or not _TARGET.fullmatch(target_uri):
        raise RefusedError("bad-request-signature", "the method or target has a character it may not have")
    lines = (
        f'"@method": {method}',
        f'"@target-uri": {target_uri}',
        f'"content-digest": {digest}',
        f'"@signature-params": {params}',
    )
    return "\n".join(lines).encode("ascii")


def _check_nonce(nonce: str) -> None:
    try:
        size = len(unb64u(nonce))
    except RefusedError:
        raise RefusedError("bad-request-signature", "the nonce is not base64url") from None
    if not NONCE_BYTES_MIN <= size <= _NONCE_BYTES_MAX:
        raise RefusedError("bad-request-signature", f"a nonce of {size} bytes")


def sign_request(
    method: str, target_uri: str, body: bytes, key: SigningKey, created: datetime, nonce: str
) -> dict[str, str]:
    """The three headers to add to a request.

    ``nonce`` is base64url of 16 to 48 random bytes, new for each request, repeats included.
    ``target_uri`` is absolute and spelled as it goes over the wire.

    Raises:
        RefusedError: ``bad-request-signature``, ``bad-time``.
    """
    _check_nonce(nonce)
    format_time(created)
    digest = content_digest(body)
    params = (
        f'{_COMPONENTS};created={int(created.timestamp())};keyid="{key.kid}"'
        f';nonce="{nonce}";alg="ed25519";tag="{TAG}"'
    )
    signature = key.sign(signature_base(method, target_uri, digest, params))
    return {
        "Content-Digest": digest,
        "Signature-Input": f"{LABEL}={params}",
        "Signature": f"{LABEL}=:{base64.b64encode(signature).decode()}:",
    }


def _header(headers: Mapping[str, str], name: str) -> str:
    values = [value for key, value in headers.items() if key.lower() == name]
    if not values:
        raise RefusedError("not-signed", f"no {name}")
    if len(values) > 1:
        raise RefusedError("bad-request-signature", f"{name} stands twice")
    return values[0]


def _binary(pattern: re.Pattern[str], name: str, text: str, size: int) -> bytes:
    match = pattern.fullmatch(text)
    data = base64.b64decode(match[1]) if match else b""
    if match is None or len(data) != size or base64.b64encode(data).decode() != match[1]:
        raise RefusedError("bad-request-signature", f"{name} is not of the form of this profile")
    return data


def parse_request(headers: Mapping[str, str]) -> RequestSignature:
    """Read the three headers of a signed request, without verifying anything.

    A mapping that can hold a name twice must give both in ``items()``; both are then refused.

    Raises:
        RefusedError: ``not-signed`` if a header is missing, ``bad-request-signature`` if one is
            spelled otherwise than ``sign_request`` does.
    """
    digest = _header(headers, "content-digest")
    signature_input = _header(headers, "signature-input")
    signature = _header(headers, "signature")
    match = _INPUT.fullmatch(signature_input)
    if match is None:
        raise RefusedError("bad-request-signature", "signature-input is not of the form of this profile")
    _check_nonce(match["nonce"])
    _binary(_DIGEST, "content-digest", digest, _DIGEST_BYTES)
    return RequestSignature(
        keyid=match["keyid"],
        created_at=datetime.fromtimestamp(int(match["created"]), UTC),
        nonce=match["nonce"],
        content_digest=digest,
        params=match["params"],
        signature=_binary(_SIGNATURE, "signature", signature, SIGNATURE_BYTES),
    )


def verify_request(
    signature: RequestSignature, method: str, target_uri: str, body: bytes, key: VerifyKey, now: datetime
) -> None:
    """Return only if ``key`` signed this method, target and body within 60 s of ``now``.

    Afterwards the caller must still refuse a nonce that this key used before.

    Raises:
        RefusedError: ``clock-skew`` (with ``server_time``), ``digest-mismatch``,
            ``bad-request-signature``.
    """
    if signature.keyid != key.kid:
        raise RefusedError("bad-request-signature", f"made by key {signature.keyid}, expected {key.kid}")
    skew_seconds = (signature.created_at - now).total_seconds()
    if abs(skew_seconds) > CLOCK_SKEW_SECONDS_MAX:
        server_time = format_time(now.replace(microsecond=0))
        raise RefusedError("clock-skew", f"{skew_seconds:+.0f} seconds", server_time=server_time)
    if not hmac.compare_digest(content_digest(body), signature.content_digest):
        raise RefusedError("digest-mismatch", f"a body of {len(body)} bytes")
    base = signature_base(method, target_uri, signature.content_digest, signature.params)
    try:
        key.verify(base, signature.signature)
    except RefusedError:
        raise RefusedError("bad-request-signature", f"key {key.kid}") from None
