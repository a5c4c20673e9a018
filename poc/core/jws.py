"""Signatures over forms: JWS (RFC 7515) with Ed25519 (RFC 9864) and a type in every header.

The payload is verified as the bytes that were received; nothing is parsed or written again
before. Which form a type allows, and whether the signer may sign it, is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from poc.core.keys import SIGNATURE_BYTES, SIGNING_ALGORITHM, SigningKey, VerifyKey
from poc.core.strictjson import b64u, canonical, parse, unb64u
from poc.errors import RefusedError

STATEMENT: Final = "poc-statement+jws"
MESSAGE: Final = "poc-message+jws"
PREPARATION: Final = "poc-preparation+jws"
CANCEL: Final = "poc-cancel+jws"
RECEIPT: Final = "poc-receipt+jws"
RETRIEVAL: Final = "poc-retrieval+jws"
ACKNOWLEDGEMENT: Final = "poc-acknowledgement+jws"
ANNOUNCEMENT: Final = "poc-announcement+jws"
SCRIPT: Final = "poc-script+jws"
ORDER: Final = "poc-order+jws"
STATE_REQUEST: Final = "poc-state-request+jws"

TYPES: Final = (
    STATEMENT, MESSAGE, PREPARATION, CANCEL, RECEIPT,
    RETRIEVAL, ACKNOWLEDGEMENT, ANNOUNCEMENT, SCRIPT, ORDER, STATE_REQUEST,
)  # fmt: skip

_HEADER_CHARS_MAX: Final = 256
_KID_BYTES: Final = 32
_HEADERS_KEPT: Final = 4096  # a key's header is the same text each time; a log has few keys, many signatures


@dataclass(frozen=True, slots=True)
class Header:
    """The three members a protected header has."""

    alg: str
    kid: str
    typ: str


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature beside its payload: protected header and signature, both base64url. Unverified."""

    protected: str
    signature: str


@dataclass(frozen=True, slots=True)
class Compact:
    """A compact JWS taken apart. Its syntax and header are right; it is NOT verified."""

    header: Header
    payload: bytes
    signature: Signature


@lru_cache(maxsize=_HEADERS_KEPT)
def _protected(kid: str, typ: str) -> str:
    return b64u(canonical({"alg": SIGNING_ALGORITHM, "kid": kid, "typ": typ}))


def _signing_input(protected: str, payload: bytes) -> bytes:
    """RFC 7515 5.1, step 5. Always begins ``eyJ``, as a canonical header with ``alg`` does."""
    return f"{protected}.{b64u(payload)}".encode("ascii")


def sign(payload: bytes, typ: str, key: SigningKey) -> Signature:
    """Sign ``payload`` as a form of type ``typ``, one of ``TYPES``.

    Raises:
        RefusedError: ``wrong-type`` if there is no such type.
    """
    if typ not in TYPES:
        raise RefusedError("wrong-type", "no type of this program")
    protected = _protected(key.kid, typ)
    return Signature(protected, b64u(key.sign(_signing_input(protected, payload))))


@lru_cache(maxsize=_HEADERS_KEPT)
def read_header(protected: str) -> Header:
    """Read a protected header: RFC 8785 of exactly ``alg, kid, typ``, each known and well formed.

    Raises:
        RefusedError: ``bad-base64``, ``bad-json``, ``bad-form``, ``not-canonical``,
            ``unknown-algorithm``, ``wrong-type``.
    """
    if len(protected) > _HEADER_CHARS_MAX:
        raise RefusedError("too-large", f"a protected header over {_HEADER_CHARS_MAX} characters")
    data = unb64u(protected)
    members = parse(data)
    if not isinstance(members, dict) or set(members) != {"alg", "kid", "typ"}:
        raise RefusedError("bad-form", "a protected header has exactly alg, kid and typ")
    alg, kid, typ = members["alg"], members["kid"], members["typ"]
    if alg != SIGNING_ALGORITHM:
        raise RefusedError("unknown-algorithm", "in a protected header")
    if typ not in TYPES:
        raise RefusedError("wrong-type", "a type this program does not know")
    if not isinstance(kid, str):
        raise RefusedError("bad-form", "kid is not a string")
    unb64u(kid, _KID_BYTES)
    if canonical(members) != data:
        raise RefusedError("not-canonical", "a protected header")
    return Header(str(alg), kid, str(typ))


def header_kid(protected: str) -> str:
    """The key id a protected header names. Raises as ``read_header``."""
    return read_header(protected).kid


def verify(payload: bytes, signature: Signature, typ: str, key: VerifyKey) -> None:
    """Return only if ``key`` signed exactly these payload bytes as a form of type ``typ``.

    Raises:
        RefusedError: ``bad-signature``; ``wrong-type`` if it is signed as another type; or as
            ``read_header`` if the header is not one of ours.
    """
    if signature.protected != _protected(key.kid, typ):
        header = read_header(signature.protected)
        if header.typ != typ:
            raise RefusedError("wrong-type", f"signed as {header.typ}, expected {typ}")
        raise RefusedError("bad-signature", f"made by key {header.kid}, expected {key.kid}")
    raw = unb64u(signature.signature, SIGNATURE_BYTES)
    key.verify(_signing_input(signature.protected, payload), raw)


def sign_compact(payload: bytes, typ: str, key: SigningKey) -> str:
    """Sign ``payload`` as one text ``header.payload.signature`` (RFC 7515 7.1).

    Raises:
        RefusedError: ``wrong-type`` if there is no such type.
    """
    signature = sign(payload, typ, key)
    return f"{signature.protected}.{b64u(payload)}.{signature.signature}"


def read_compact(text: str) -> Compact:
    """Take a compact JWS apart without verifying it, to learn which key to verify it with.

    Raises:
        RefusedError: ``bad-form`` if it has not three parts, ``bad-base64``, or as ``read_header``.
    """
    parts = text.split(".", 3)
    if len(parts) != 3:
        raise RefusedError("bad-form", "a compact JWS has three parts")
    protected, payload, signature = parts
    unb64u(signature, SIGNATURE_BYTES)
    return Compact(read_header(protected), unb64u(payload), Signature(protected, signature))


def verify_compact(text: str, typ: str, key: VerifyKey) -> bytes:
    """The payload of a compact JWS that ``key`` signed as a form of type ``typ``.

    Raises:
        RefusedError: as ``read_compact`` and ``verify``.
    """
    compact = read_compact(text)
    verify(compact.payload, compact.signature, typ, key)
    return compact.payload
