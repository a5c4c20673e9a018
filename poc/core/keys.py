"""Keys: Ed25519 for signing, MLKEM768-X25519 for sealing, and their JWK forms.

A key that can be made here is one this registry may use: the checks that the crypto library does
not make (low-order and second spellings of points) stand in the constructors, so no other module
has to remember them. Making seeds, storing and encrypting private keys is not done here; nor is
sealing itself, see ``sealed.py``. There is no curve arithmetic here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

from poc.core.strictjson import b64u, canonical, unb64u
from poc.errors import RefusedError

SIGNING_ALGORITHM: Final = "Ed25519"
SEALING_ALGORITHM: Final = "HPKE-9-KE"
SEED_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_P: Final = 2**255 - 19
# The y of the eight points whose order divides 8; two y belong to the points of order 8 itself.
# With either sign bit they are such a point or a second spelling of one ("minus zero").
_Y_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_LOW_ORDER_Y: Final = frozenset({0, 1, _P - 1, _Y_ORDER_8, _P - _Y_ORDER_8})
_MLKEM_PUBLIC_BYTES: Final = 1184
_MLKEM_SEED_BYTES: Final = 64
_X25519_BYTES: Final = 32
_SEALING_PUBLIC_BYTES: Final = _MLKEM_PUBLIC_BYTES + _X25519_BYTES
# Any private key does: a point of low order gives the all-zero secret with every one of them.
_X25519_PROBE: Final = X25519PrivateKey.from_private_bytes(b"\x08" * _X25519_BYTES)


def _point_trouble(encoded: bytes) -> str:
    """Why these 32 bytes may not stand for an Ed25519 point (RFC 8032 5.1.3); empty if they may."""
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    if y >= _P:
        return "non-canonical point"
    return "point of low order" if y in _LOW_ORDER_Y else ""


def _thumbprint(members: Mapping[str, str]) -> str:
    """RFC 7638 thumbprint of the required members: base64url of SHA-256 of their canonical JSON."""
    return b64u(hashlib.sha256(canonical(dict(members))).digest())


def _member(jwk: Mapping[str, object], name: str, size: int) -> bytes:
    value = jwk[name]
    if not isinstance(value, str):
        raise RefusedError("bad-key", f"member {name} is not a string")
    try:
        return unb64u(value, size)
    except RefusedError as error:
        raise RefusedError("bad-key", f"member {name}: {error.detail}") from None


def _check_members(jwk: Mapping[str, object], fixed: Mapping[str, str], *others: str) -> None:
    if set(jwk) != {*fixed, *others}:
        raise RefusedError("bad-key", f"the members must be {', '.join(sorted({*fixed, *others}))}")
    for name, value in fixed.items():
        if jwk[name] != value:
            raise RefusedError("bad-key", f"member {name} must be {value}")


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """An Ed25519 public key that is neither of low order nor spelled a second way.

    That the bytes are a point of the curve at all shows when a signature verifies; a key enters a
    directory only with one. Equal keys have equal ``raw`` and equal ``kid`` (RFC 7638).

    Raises:
        RefusedError: ``bad-key``.
    """

    raw: bytes
    kid: str = field(init=False)

    def __post_init__(self) -> None:
        if len(self.raw) != _X25519_BYTES:
            raise RefusedError("bad-key", f"{len(self.raw)} bytes where 32 are due")
        if trouble := _point_trouble(self.raw):
            raise RefusedError("bad-key", trouble)
        object.__setattr__(self, "kid", _thumbprint(self.jwk()))

    @classmethod
    def from_raw(cls, raw: bytes) -> VerifyKey:
        """The key of these 32 bytes (RFC 8032 5.1.5). Raises RefusedError ``bad-key``."""
        return cls(raw)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> VerifyKey:
        """The key of a JWK of exactly ``kty, crv, x`` (RFC 8037 2). Raises RefusedError ``bad-key``."""
        _check_members(jwk, {"kty": "OKP", "crv": "Ed25519"}, "x")
        return cls(_member(jwk, "x", _X25519_BYTES))

    def jwk(self) -> dict[str, str]:
        """The public JWK: ``kty``, ``crv`` and ``x``, nothing else."""
        return {"kty": "OKP", "crv": "Ed25519", "x": b64u(self.raw)}

    def verify(self, message: bytes, signature: bytes) -> None:
        """Return only if this key signed ``message`` (RFC 8032 5.1.7).

        The rule, in full: R is canonical and not of low order; S is below the group order; and R
        equals the encoding of [S]B - [k]A, without multiplying by the cofactor. So a signature
        has one spelling and every verifier with this rule decides alike.

        Raises:
            RefusedError: ``bad-signature``.
        """
        if len(signature) != SIGNATURE_BYTES:
            raise RefusedError("bad-signature", f"{len(signature)} bytes where 64 are due")
        if trouble := _point_trouble(signature[:32]):
            raise RefusedError("bad-signature", f"R is a {trouble}")
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            raise RefusedError("bad-signature", f"key {self.kid}") from None


class SigningKey:
    """An Ed25519 private key. Its printed form shows the key id only."""

    __slots__ = ("_private", "_seed", "public")

    def __init__(self, seed: bytes) -> None:
        """Make the key of a 32-byte seed (RFC 8032 5.1.5). Raises RefusedError ``bad-key``."""
        if len(seed) != SEED_BYTES:
            raise RefusedError("bad-key", f"a seed of {len(seed)} bytes where 32 are due")
        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = VerifyKey(self._private.public_key().public_bytes_raw())

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """The key of a 32-byte seed that the caller drew at random. Raises RefusedError ``bad-key``."""
        return cls(seed)

    @classmethod
    def from_private_jwk(cls, jwk: Mapping[str, object]) -> SigningKey:
        """The key of a JWK of exactly ``kty, crv, x, d`` (RFC 8037 2), whose halves belong together.

        Raises:
            RefusedError: ``bad-key``.
        """
        _check_members(jwk, {"kty": "OKP", "crv": "Ed25519"}, "x", "d")
        key = cls(_member(jwk, "d", SEED_BYTES))
        if not hmac.compare_digest(key.public.raw, _member(jwk, "x", _X25519_BYTES)):
            raise RefusedError("bad-key", "the public half is of another key")
        return key

    @property
    def kid(self) -> str:
        """The key id, that of the public key."""
        return self.public.kid

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of ``message`` (RFC 8032 5.1.6); the same each time."""
        return self._private.sign(message)

    def private_jwk(self) -> dict[str, str]:
        """The JWK with the secret ``d``. It goes into an encrypted key file and nowhere else."""
        return {**self.public.jwk(), "d": b64u(self._seed)}

    def __repr__(self) -> str:
        return f"SigningKey({self.kid})"


@dataclass(frozen=True, slots=True)
class SealingPublicKey:
    """A hybrid public key of ``HPKE-9-KE``: ML-KEM-768 encapsulation key, then X25519 public key.

    The ML-KEM half is reduced (FIPS 203 7.2); the X25519 half is canonical and not of low order,
    so no all-zero secret can come of it (RFC 7748 6.1) and one key has one kid.

    Raises:
        RefusedError: ``bad-key``.
    """

    raw: bytes
    kid: str = field(init=False)
    hpke_key: MLKEM768X25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.raw) != _SEALING_PUBLIC_BYTES:
            raise RefusedError("bad-key", f"{len(self.raw)} bytes where {_SEALING_PUBLIC_BYTES} are due")
        try:
            mlkem_key = MLKEM768PublicKey.from_public_bytes(self.raw[:_MLKEM_PUBLIC_BYTES])
        except ValueError:
            raise RefusedError("bad-key", "the ML-KEM half is not reduced") from None
        x25519_key = _x25519_public(self.raw[_MLKEM_PUBLIC_BYTES:])
        object.__setattr__(self, "kid", _thumbprint(self.jwk()))
        object.__setattr__(self, "hpke_key", MLKEM768X25519PublicKey(mlkem_key, x25519_key))

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> SealingPublicKey:
        """The key of a JWK of exactly ``kty, alg, pub``. Raises RefusedError ``bad-key``."""
        _check_members(jwk, {"kty": "AKP", "alg": SEALING_ALGORITHM}, "pub")
        return cls(_member(jwk, "pub", _SEALING_PUBLIC_BYTES))

    def jwk(self) -> dict[str, str]:
        """The public JWK: ``kty``, ``alg`` and ``pub``, nothing else; all count for the kid."""
        return {"kty": "AKP", "alg": SEALING_ALGORITHM, "pub": b64u(self.raw)}


def _x25519_public(encoded: bytes) -> X25519PublicKey:
    if int.from_bytes(encoded, "little") >= _P:
        raise RefusedError("bad-key", "the X25519 half is not canonical")
    key = X25519PublicKey.from_public_bytes(encoded)
    try:
        _X25519_PROBE.exchange(key)
    except ValueError:
        raise RefusedError("bad-key", "the X25519 half is of low order") from None
    return key


class SealingKey:
    """A hybrid private key of ``HPKE-9-KE``. Its printed form shows the key id only."""

    __slots__ = ("_seed", "hpke_key", "public")

    def __init__(self, seed: bytes) -> None:
        """Make the key of a 32-byte seed: SHAKE256(seed, 96) = ML-KEM seed (64), X25519 key (32).

        Raises:
            RefusedError: ``bad-key``.
        """
        if len(seed) != SEED_BYTES:
            raise RefusedError("bad-key", f"a seed of {len(seed)} bytes where 32 are due")
        expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED_BYTES + _X25519_BYTES)
        mlkem_key = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES])
        x25519_key = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:])
        public = mlkem_key.public_key().public_bytes_raw() + x25519_key.public_key().public_bytes_raw()
        self._seed = seed
        self.hpke_key = MLKEM768X25519PrivateKey(mlkem_key, x25519_key)
        self.public = SealingPublicKey(public)

    @classmethod
    def from_seed(cls, seed: bytes) -> SealingKey:
        """The key of a 32-byte seed that the caller drew at random. Raises RefusedError ``bad-key``."""
        return cls(seed)

    @classmethod
    def from_private_jwk(cls, jwk: Mapping[str, object]) -> SealingKey:
        """The key of a JWK of exactly ``kty, alg, pub, priv``, whose halves belong together.

        Raises:
            RefusedError: ``bad-key``.
        """
        _check_members(jwk, {"kty": "AKP", "alg": SEALING_ALGORITHM}, "pub", "priv")
        key = cls(_member(jwk, "priv", SEED_BYTES))
        if not hmac.compare_digest(key.public.raw, _member(jwk, "pub", _SEALING_PUBLIC_BYTES)):
            raise RefusedError("bad-key", "the public half is of another key")
        return key

    @property
    def kid(self) -> str:
        """The key id, that of the public key."""
        return self.public.kid

    def private_jwk(self) -> dict[str, str]:
        """The JWK with the secret ``priv``. It goes into an encrypted key file and nowhere else."""
        return {**self.public.jwk(), "priv": b64u(self._seed)}

    def __repr__(self) -> str:
        return f"SealingKey({self.kid})"
