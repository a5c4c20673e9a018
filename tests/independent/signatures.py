"""Ed25519 keys and JWS, written from docs/spec/form-rules.md."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.independent.basics import RefusedError, parse_canonical, refuse_if, thumbprint, unb64u

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
TYPES = frozenset(
    f"poc-{name}+jws"
    for name in [
        "statement",
        "message",
        "preparation",
        "cancel",
        "receipt",
        "retrieval",
        "acknowledgement",
        "announcement",
        "script",
        "order",
        "state-request",
    ]
)


def good_point(encoded: bytes) -> bool:
    """Whether these are the canonical bytes of a point of the curve that is not of low order."""
    number = int.from_bytes(encoded, "little")
    y = number & (2**255 - 1)
    if len(encoded) != 32 or y >= P or y in (0, 1, P - 1) or (D * y**4 + 2 * y**2 - 1) % P == 0:
        return False
    x_squared = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    return pow(x_squared, (P - 1) // 2, P) == 1


def signing_key(jwk: Any) -> bytes:
    """The 32 bytes of a public signing key's JWK."""
    refuse_if(not isinstance(jwk, dict) or set(jwk) != {"kty", "crv", "x"}, "bad-key")
    refuse_if(jwk["kty"] != "OKP" or jwk["crv"] != "Ed25519", "bad-key")
    try:
        raw = unb64u(jwk["x"], 32)
    except RefusedError as error:
        raise RefusedError("bad-key") from error
    refuse_if(not good_point(raw), "bad-key")
    return raw


def verify(raw_key: bytes, signature: bytes, data: bytes) -> None:
    """Refuse what is not the one good signature rule of the page."""
    refuse_if(
        len(signature) != 64 or not good_point(raw_key) or not good_point(signature[:32]), "bad-signature"
    )
    try:
        Ed25519PublicKey.from_public_bytes(raw_key).verify(signature, data)
    except InvalidSignature as error:
        raise RefusedError("bad-signature") from error


def read_protected(protected: str) -> dict[str, Any]:
    """The protected header {alg, kid, typ}, whose typ is one of the ten."""
    header: Any = parse_canonical(unb64u(protected))
    refuse_if(not isinstance(header, dict) or set(header) != {"alg", "kid", "typ"}, "bad-form")
    refuse_if(header["alg"] != "Ed25519", "unknown-algorithm")
    refuse_if(not isinstance(header["typ"], str), "bad-form")
    refuse_if(header["typ"] not in TYPES, "wrong-type")
    unb64u(header["kid"], 32)
    found: dict[str, Any] = header
    return found


def verify_jws(jwk: dict[str, Any], typ: str, protected: str, payload: str, signature: str) -> None:
    """Verify one signature: header, type, key id, bytes."""
    header = read_protected(protected)
    refuse_if(header["typ"] != typ, "wrong-type")
    raw = signing_key(jwk)
    refuse_if(header["kid"] != thumbprint(jwk), "unknown-key")
    verify(raw, unb64u(signature, 64), f"{protected}.{payload}".encode())


def split(compact: str) -> tuple[str, str, str]:
    """The three parts of a compact JWS."""
    parts = compact.split(".")
    refuse_if(len(parts) != 3, "bad-form")
    return parts[0], parts[1], parts[2]


def verify_compact(jwk: dict[str, Any], typ: str, compact: str) -> bytes:
    """The payload of a compact JWS whose signature verifies."""
    protected, payload, signature = split(compact)
    data = unb64u(payload)
    verify_jws(jwk, typ, protected, payload, signature)
    return data
