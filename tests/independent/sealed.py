"""Slots, content, padding and codes, written from docs/spec/envelope.md and docs/spec/exercise.md."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.independent.basics import (
    RefusedError,
    b64u,
    canonical,
    refuse_if,
    sha256,
    tagged,
    thumbprint,
    unb64u,
)

X_PRIME = 2**255 - 19


def sealing_kid(jwk: Any) -> str:
    """The thumbprint of a public sealing key that is one."""
    refuse_if(not isinstance(jwk, dict) or set(jwk) != {"kty", "alg", "pub"}, "bad-key")
    refuse_if(jwk["kty"] != "AKP" or jwk["alg"] != "HPKE-9-KE", "bad-key")
    try:
        raw = unb64u(jwk["pub"], 1216)
        refuse_if(int.from_bytes(raw[1184:], "little") >= X_PRIME, "bad-key")
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(raw[1184:]))
    except (RefusedError, ValueError) as error:
        raise RefusedError("bad-key") from error
    for i in range(0, 1152, 3):
        pair = int.from_bytes(raw[i : i + 3], "little")
        refuse_if(pair & 0xFFF >= 3329 or pair >> 12 >= 3329, "bad-key")
    return thumbprint(jwk)


def private_key(seed: bytes) -> hpke.MLKEM768X25519PrivateKey:
    """A private sealing key from its 32 bytes."""
    wide = hashlib.shake_256(seed).digest(96)
    return hpke.MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(wide[:64]), X25519PrivateKey.from_private_bytes(wide[64:])
    )


def public_key(seed: bytes) -> dict[str, str]:
    """The public sealing key of a seed, as a JWK."""
    wide = hashlib.shake_256(seed).digest(96)
    lattice = MLKEM768PrivateKey.from_seed_bytes(wide[:64]).public_key().public_bytes_raw()
    curve = X25519PrivateKey.from_private_bytes(wide[64:]).public_key().public_bytes_raw()
    return {"kty": "AKP", "alg": "HPKE-9-KE", "pub": b64u(lattice + curve)}


def open_slot(seed: bytes, protected: str, contact: str, ek: bytes, encrypted_key: bytes) -> bytes:
    """The content key of one slot."""
    refuse_if(len(ek) != 1120 or len(encrypted_key) != 48, "cannot-open")
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.SHAKE256, hpke.AEAD.AES_256_GCM)
    info = b"JOSE-HPKE rcpt\xffA256GCM\xff" + b"poc/1 slot\0" + sha256(protected.encode()) + contact.encode()
    try:
        return suite.decrypt(ek + encrypted_key, private_key(seed), info=info)
    except (InvalidTag, ValueError) as error:
        raise RefusedError("cannot-open") from error


def open_content(cek: bytes, iv: bytes, protected: str, ciphertext: bytes, tag: bytes) -> bytes:
    """AES-256-GCM plaintext."""
    refuse_if(len(cek) != 32 or len(iv) != 12 or len(tag) != 16, "cannot-open")
    try:
        return AESGCM(cek).decrypt(iv, ciphertext + tag, protected.encode("ascii"))
    except InvalidTag as error:
        raise RefusedError("cannot-open") from error


def padded_size(length: int) -> int:
    """What padding makes of a length."""
    if length < 2:
        return 4096
    e = length.bit_length() - 1
    step = 1 << (e - e.bit_length())
    return max(4096, -(-length // step) * step)


def unpad(plaintext: bytes, length: int) -> bytes:
    """The content, whose length is known, without its padding."""
    refuse_if(length < 0 or len(plaintext) != padded_size(length) or any(plaintext[length:]), "bad-padding")
    return plaintext[:length]


def commitment(cek: bytes, message: str) -> str:
    """What an envelope commits to."""
    return b64u(tagged("poc/1 commit", cek + message.encode()))


def slot_hash(salt: bytes, header: dict[str, Any]) -> str:
    """A slot's name in the signed message."""
    refuse_if(len(salt) != 16, "bad-form")
    named = {name: header[name] for name in ("contact", "kid", "sequence", "release_at", "in_place_of")}
    return b64u(tagged("poc/1 slot", salt + canonical(named)))


def slot_name(slot: dict[str, Any]) -> str:
    """A slot's name in receipts."""
    return b64u(sha256(canonical(slot)))


def envelope_digest(protected: str, iv: str, ciphertext: str, tag: str) -> bytes:
    """What receipts call the envelope."""
    return sha256(f"{protected}.{iv}.{ciphertext}.{tag}".encode())


def voice_code(cek: bytes, message: str) -> str:
    """Eight digits to be read aloud."""
    number = int.from_bytes(tagged("poc/1 voice", cek + message.encode()), "big") % 10**8
    return f"{number:08}"


def answer(cek: bytes, message: str, contact: str, word: str) -> str:
    """The answer to a ping."""
    typed = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in word.strip().upper())
    key = tagged("poc/1 answer-key", cek + message.encode())
    said = b"poc/1 answer\0" + b"\0".join(part.encode() for part in (message, contact, typed))
    return b64u(hmac.digest(key, said, "sha256"))
