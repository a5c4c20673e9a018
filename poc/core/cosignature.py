"""Cosignatures (C2SP tlog-cosignature): what a witness signs over a checkpoint, with the time it says it at.

A cosignature is a note signature of eight bytes of time and the signature itself. Two kinds are known:
``cosignature/v1`` with Ed25519, which this program makes and verifies, and ML-DSA-44, which it verifies
where the crypto library can. The table they stand in is that of ``note``. How many cosignatures are
enough, and how old one may be, is not decided here.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from poc.core.keys import SigningKey, VerifyKey
from poc.errors import RefusedError

COSIGNATURE_ED25519: Final = 0x04
COSIGNATURE_ML_DSA_44: Final = 0x06
TIME_BYTES: Final = 8
TIME_MAX: Final = 2**63 - 1
ED25519_BYTES: Final = TIME_BYTES + 64
ML_DSA_44_BYTES: Final = TIME_BYTES + 2420

_TREE: Final = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*")


def sign_ed25519(key: SigningKey, text: str, at: int) -> bytes:
    """Cosign a checkpoint's text at a POSIX time.

    The caller has verified that the checkpoint continues everything it cosigned before, and has recorded it.

    Raises:
        RefusedError: ``bad-time`` for a time no cosignature can bear.
    """
    if not 0 <= at <= TIME_MAX:
        raise RefusedError("bad-time", "a cosignature's time is from 0 to 2^63 - 1")
    return at.to_bytes(TIME_BYTES, "big") + key.sign(_v1_message(at, text.encode()))


def time_of(signature: bytes) -> int:
    """The POSIX time a cosignature states, which is nothing before the signature was verified.

    Raises:
        RefusedError: ``bad-signature`` beyond 2^63 - 1, or where there are not eight bytes of time.
    """
    at = int.from_bytes(signature[:TIME_BYTES], "big")
    if len(signature) <= TIME_BYTES or at > TIME_MAX:
        raise RefusedError("bad-signature", "a cosignature's time is beyond 2^63 - 1, or is missing")
    return at


def verify_ed25519(_name: str, public: bytes, text: bytes, signature: bytes) -> None:
    """Check a ``cosignature/v1`` over a note's text. Raises ``bad-signature``, ``bad-key``."""
    message = _v1_message(time_of(signature), text)
    VerifyKey.from_raw(public).verify(message, signature[TIME_BYTES:])


def check_ml_dsa_44(public: bytes) -> MLDSA44PublicKey:
    """The key of 1312 bytes.

    Raises:
        RefusedError: ``unknown-algorithm`` where the crypto library lacks ML-DSA, ``bad-key``.
    """
    try:
        return MLDSA44PublicKey.from_public_bytes(public)
    except UnsupportedAlgorithm:
        raise RefusedError("unknown-algorithm", "the crypto library lacks ML-DSA-44") from None
    except ValueError:
        raise RefusedError("bad-key", "not an ML-DSA-44 key") from None


def verify_ml_dsa_44(name: str, public: bytes, text: bytes, signature: bytes) -> None:
    """Check an ML-DSA-44 cosignature by ``name`` over a checkpoint's text; extension lines are not covered.

    Raises:
        RefusedError: ``bad-signature`` (also for a text that is no checkpoint), ``bad-key``,
            ``unknown-algorithm``.
    """
    message = tree_message(name, time_of(signature), text)
    try:
        check_ml_dsa_44(public).verify(signature[TIME_BYTES:], message)
    except InvalidSignature:
        raise RefusedError("bad-signature", "an ML-DSA-44 cosignature") from None


def tree_message(name: str, at: int, text: bytes) -> bytes:
    """What an ML-DSA-44 cosignature of a whole tree signs: label, cosigner, time, origin, 0, size, root.

    Raises:
        RefusedError: ``bad-signature`` where the text or the name cannot be in such a message.
    """
    found = _TREE.fullmatch(text.decode("utf-8", "replace"))
    if found is None:
        raise RefusedError("bad-signature", "a cosignature over what is no checkpoint")
    size, root = int(found[2]), base64.b64decode(found[3])
    names = [name.encode(), found[1].encode()]
    if base64.b64encode(root).decode() != found[3] or not all(1 <= len(part) <= 255 for part in names):
        raise RefusedError("bad-signature", "a name, origin or root that no cosignature can be over")
    cosigner, origin = (bytes([len(part)]) + part for part in names)
    numbers = (0).to_bytes(8, "big") + size.to_bytes(8, "big")
    return b"subtree/v1\n\0" + cosigner + at.to_bytes(TIME_BYTES, "big") + origin + numbers + root


def _v1_message(at: int, text: bytes) -> bytes:
    return b"cosignature/v1\ntime %d\n" % at + text
