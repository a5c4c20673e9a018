"""Sealing: the cryptography of an envelope, and the short codes made of its content key.

A content key (CEK) encrypts the content once; HPKE seals that key to each device. Which members
an envelope has, who may open it and when is not decided here; see the message models. All keys
and IVs come in as arguments, with one exception: HPKE draws its own ephemeral randomness inside
the crypto library, which offers no other way in.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from poc.core.keys import SealingKey, SealingPublicKey
from poc.core.strictjson import b64u, canonical, domain_hash
from poc.errors import RefusedError
from poc.limits import PLAINTEXT_BYTES_MIN

CONTENT_ENCRYPTION: Final = "A256GCM"
CEK_BYTES: Final = 32
IV_BYTES: Final = 12
TAG_BYTES: Final = 16
SALT_BYTES: Final = 16

_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.SHAKE256, AEAD.AES_256_GCM)
EK_BYTES: Final = KEM.MLKEM768_X25519.enc_length()
_RECIPIENT_INFO: Final = b"JOSE-HPKE rcpt\xff" + CONTENT_ENCRYPTION.encode() + b"\xff"


def padme(length: int) -> int:
    """The smallest Padmé length not below ``length``: leaks O(log log) bits of it, adds < 12 %.

    (Nikitin et al., PURBs, PETS 2019, algorithm 1.)
    """
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def padded_length(length: int) -> int:
    """The number of bytes that ``length`` bytes of content are padded to."""
    return max(PLAINTEXT_BYTES_MIN, padme(length))


def pad(data: bytes) -> bytes:
    """``data`` followed by the zero bytes this form prescribes for its length."""
    return data.ljust(padded_length(len(data)), b"\0")


def unpad_to(padded: bytes, length: int) -> bytes:
    """The first ``length`` bytes, if all that follows is exactly the padding prescribed for them.

    Raises:
        RefusedError: ``bad-padding``.
    """
    if length < 0 or len(padded) != padded_length(length):
        raise RefusedError("bad-padding", f"{len(padded)} bytes for a content of {length}")
    if padded.count(0, length) != len(padded) - length:
        raise RefusedError("bad-padding", "other bytes than zero")
    return padded[:length]


def seal(secret: bytes, key: SealingPublicKey, extra: bytes = b"") -> tuple[bytes, bytes]:
    """Seal a content key as ``HPKE-9-KE`` does: (encapsulated key, encrypted key).

    ``extra`` is the recipient's extra info of draft-ietf-jose-hpke-encrypt; the hybrid has no
    aad, so all context stands in the info. Each call differs: the library draws randomness.
    """
    sealed = _SUITE.encrypt(secret, key.hpke_key, info=_RECIPIENT_INFO + extra)
    return sealed[:EK_BYTES], sealed[EK_BYTES:]


def unseal(ek: bytes, encrypted_key: bytes, key: SealingKey, extra: bytes = b"") -> bytes:
    """What ``seal`` sealed to this key with the same ``extra``.

    Raises:
        RefusedError: ``cannot-open``, whatever the reason.
    """
    if len(ek) != EK_BYTES:
        raise RefusedError("cannot-open", f"an encapsulated key of {len(ek)} bytes where {EK_BYTES} are due")
    try:
        return _SUITE.decrypt(ek + encrypted_key, key.hpke_key, info=_RECIPIENT_INFO + extra)
    except InvalidTag:
        raise RefusedError("cannot-open", f"key {key.kid}") from None


def _slot_extra(protected: str, contact: str) -> bytes:
    digest = hashlib.sha256(protected.encode()).digest()
    return b"poc/1 slot\0" + digest + contact.encode()


def seal_key(cek: bytes, protected: str, contact: str, key: SealingPublicKey) -> tuple[bytes, bytes]:
    """Seal a content key to one device of ``contact``, bound to the envelope's protected header.

    Gives (``ek``, ``encrypted_key``) of the slot. The one function here whose result differs
    from call to call: HPKE's ephemeral randomness is drawn inside the crypto library.
    """
    return seal(cek, key, _slot_extra(protected, contact))


def open_key(ek: bytes, encrypted_key: bytes, protected: str, contact: str, key: SealingKey) -> bytes:
    """The content key of a slot sealed to this key, this contact and this protected header.

    Raises:
        RefusedError: ``cannot-open``.
    """
    cek = unseal(ek, encrypted_key, key, _slot_extra(protected, contact))
    if len(cek) != CEK_BYTES:
        raise RefusedError("cannot-open", f"a content key of {len(cek)} bytes where {CEK_BYTES} are due")
    return cek


def gcm_encrypt(key: bytes, iv: bytes, aad: bytes, plaintext: bytes) -> tuple[bytes, bytes]:
    """(ciphertext, tag) by AES-256-GCM; key 32 bytes, IV 12 bytes, never the same pair twice."""
    sealed = AESGCM(key).encrypt(iv, plaintext, aad)
    return sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]


def gcm_decrypt(key: bytes, iv: bytes, aad: bytes, ciphertext: bytes, tag: bytes) -> bytes:
    """The plaintext of ``gcm_encrypt``, if nothing was altered; no other sizes of key, IV and tag.

    Raises:
        RefusedError: ``cannot-open``.
    """
    if (len(key), len(iv), len(tag)) != (CEK_BYTES, IV_BYTES, TAG_BYTES):
        raise RefusedError("cannot-open", "a key, IV or tag of another size")
    try:
        return AESGCM(key).decrypt(iv, ciphertext + tag, aad)
    except InvalidTag:
        raise RefusedError("cannot-open", "the content was altered or is of another key") from None


def encrypt_content(cek: bytes, iv: bytes, protected: str, plaintext: bytes) -> tuple[bytes, bytes]:
    """(ciphertext, tag) by A256GCM with the protected header as aad (RFC 7516 5.1, step 14).

    The pair of ``cek`` and ``iv`` must never be used for two plaintexts.
    """
    return gcm_encrypt(cek, iv, protected.encode(), plaintext)


def decrypt_content(cek: bytes, iv: bytes, protected: str, ciphertext: bytes, tag: bytes) -> bytes:
    """The plaintext, if nothing of header, IV, ciphertext and tag was altered (RFC 7516 5.2).

    Raises:
        RefusedError: ``cannot-open``.
    """
    return gcm_decrypt(cek, iv, protected.encode(), ciphertext, tag)


def commitment(cek: bytes, message_id: str) -> str:
    """What the sender commits to in the header: base64url SHA-256("poc/1 commit" 0x00, CEK, id)."""
    return b64u(domain_hash("poc/1 commit", cek, message_id.encode()))


def check_commitment(cek: bytes, message_id: str, commit: str) -> None:
    """Return only if ``commit`` is the commitment to this key and id; compared in constant time.

    Raises:
        RefusedError: ``wrong-commitment``.
    """
    expected = commitment(cek, message_id)
    if not hmac.compare_digest(expected.encode(), commit.encode()):
        raise RefusedError("wrong-commitment", f"message {message_id}")


def voice_code(cek: bytes, message_id: str) -> str:
    """Eight digits both sides see, to be read aloud: "poc/1 voice" hash mod 10^8."""
    digest = domain_hash("poc/1 voice", cek, message_id.encode())
    return f"{int.from_bytes(digest, 'big') % 10**8:08}"


def answer_key(cek: bytes, message_id: str) -> bytes:
    """The key answers to an exercise message are made with; disclosing it does not disclose the CEK."""
    return domain_hash("poc/1 answer-key", cek, message_id.encode())


def answer(key: bytes, message_id: str, contact: str, word: str) -> str:
    """The answer of a contact: base64url HMAC-SHA-256 over id, contact and the word typed.

    ``key`` is the ``answer_key``, never the content key.
    """
    parts = ("poc/1 answer", message_id, contact, word)
    return b64u(hmac.digest(key, "\0".join(parts).encode(), "sha256"))


def slot_hash(
    salt: bytes,
    *,
    contact: str,
    kid: str,
    sequence: int | None,
    release_at: str | None,
    in_place_of: str | None,
) -> str:
    """The hash of a slot's header that the signed ``to`` carries; ``salt`` is 16 random bytes.

    Base64url SHA-256("poc/1 slot" 0x00, salt, RFC 8785 of the five members). Times and ids are
    the texts as they stand in the form.

    Raises:
        RefusedError: ``bad-form`` for a salt of another size.
    """
    if len(salt) != SALT_BYTES:
        raise RefusedError("bad-form", f"a salt of {len(salt)} bytes where {SALT_BYTES} are due")
    members = {
        "contact": contact,
        "kid": kid,
        "sequence": sequence,
        "release_at": release_at,
        "in_place_of": in_place_of,
    }
    return b64u(domain_hash("poc/1 slot", salt, canonical(members)))


def envelope_digest(protected: str, iv: str, ciphertext: str, tag: str) -> bytes:
    """SHA-256 of ``protected.iv.ciphertext.tag``, the four base64url texts as they were received."""
    return hashlib.sha256(f"{protected}.{iv}.{ciphertext}.{tag}".encode()).digest()
