"""Signed notes (C2SP signed-note): a text with signature lines, verifier keys, strict reading.

One table, ``SIGNATURE_TYPES``, says which kinds of note signatures are known; everything else is
an unknown line and ignored. What the text means (``checkpoint``) and how keys are kept is not here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from poc.core import cosignature
from poc.core.keys import SigningKey, VerifyKey
from poc.errors import RefusedError
from poc.limits import NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, VKEY_CHARS_MAX

ED25519: Final = 0x01
KEY_ID_BYTES: Final = 4

_LINE_START: Final = "\u2014 "
_CONTROL: Final = re.compile("[\x00-\x09\x0b-\x1f]")
_KEY_ID_HEX: Final = re.compile("[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class SignatureType:
    """One kind of note signature: its sizes in bytes, and how a key and a signature are checked.

    ``verify(name, public, text, signature)`` returns nothing or raises ``bad-signature``.
    """

    public_bytes: int
    signature_bytes: int
    check_public: Callable[[bytes], object]
    verify: Callable[[str, bytes, bytes, bytes], None]


def _verify_ed25519(_name: str, public: bytes, text: bytes, signature: bytes) -> None:
    VerifyKey.from_raw(public).verify(text, signature)


SIGNATURE_TYPES: Final[dict[int, SignatureType]] = {
    ED25519: SignatureType(32, 64, VerifyKey.from_raw, _verify_ed25519),
    cosignature.COSIGNATURE_ED25519: SignatureType(
        32, cosignature.ED25519_BYTES, VerifyKey.from_raw, cosignature.verify_ed25519
    ),
    cosignature.COSIGNATURE_ML_DSA_44: SignatureType(
        1312, cosignature.ML_DSA_44_BYTES, cosignature.check_ml_dsa_44, cosignature.verify_ml_dsa_44
    ),
}


def encode_base64(data: bytes) -> str:
    """Give standard base64 with padding (RFC 4648 section 4), as all C2SP formats write it."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str, code: str = "bad-base64") -> bytes:
    """Read standard base64 with padding; only the one spelling that ``encode_base64`` gives.

    Raises:
        RefusedError: with the ``code`` of the form it stands in.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise RefusedError(code, "not standard base64 with padding") from None
    if encode_base64(data) != text:
        raise RefusedError(code, "a second spelling of base64")
    return data


def key_id(name: str, signature_type: int, public: bytes) -> bytes:
    """Give the four bytes that name a key: SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]."""
    return sha256(name.encode() + b"\n" + bytes([signature_type]) + public).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A key that notes are verified with: its name, its kind of signature, its public key bytes.

    Raises:
        RefusedError: ``bad-vkey`` for a name or size that cannot be, ``unknown-algorithm`` for a kind
            that is not in the table, ``bad-key`` for public key bytes that are not a sound key.
    """

    name: str
    signature_type: int
    public: bytes

    def __post_init__(self) -> None:
        """Refuse a key nothing may ever verify with."""
        if not _is_key_name(self.name):
            raise RefusedError("bad-vkey", "the name is empty or has a space, a plus or a control character")
        row = SIGNATURE_TYPES.get(self.signature_type)
        if row is None:
            raise RefusedError("unknown-algorithm", f"note signature type 0x{self.signature_type:02x}")
        if len(self.public) != row.public_bytes:
            raise RefusedError("bad-vkey", f"the public key is not {row.public_bytes} bytes long")
        row.check_public(self.public)

    @property
    def key_id(self) -> bytes:
        """Give the four bytes that stand before this key's signatures."""
        return key_id(self.name, self.signature_type, self.public)

    def vkey(self) -> str:
        """Write the key as a C2SP vkey: ``name+keyid+base64(type ‖ public)``."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.signature_type]) + self.public)}"

    @classmethod
    def from_vkey(cls, text: str) -> Verifier:
        """Read a C2SP vkey; the key id written in it must be the computed one.

        Raises:
            RefusedError: ``bad-vkey``, ``unknown-algorithm``, ``bad-key``.
        """
        if len(text) > VKEY_CHARS_MAX:
            raise RefusedError("bad-vkey", f"longer than {VKEY_CHARS_MAX} characters")
        parts = text.split("+", 2)
        if len(parts) != 3 or not _KEY_ID_HEX.fullmatch(parts[1]):
            raise RefusedError("bad-vkey", "not name+keyid+key with a key id of 8 hexadecimal digits")
        data = decode_base64(parts[2], "bad-vkey")
        if not data:
            raise RefusedError("bad-vkey", "the key is empty")
        verifier = cls(parts[0], data[0], data[1:])
        if verifier.key_id.hex() != parts[1]:
            raise RefusedError("bad-vkey", "the key id does not belong to this name and key")
        return verifier


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature line of a note as it was read: nothing here says that it verifies."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        """Write the line, with its newline."""
        return f"{_LINE_START}{self.name} {encode_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Signer:
    """A named Ed25519 key that signs notes (signature type 0x01).

    Raises:
        RefusedError: ``bad-vkey`` for a name that cannot be a key name.
    """

    name: str
    key: SigningKey

    def __post_init__(self) -> None:
        """Refuse a name no verifier could have."""
        self.verifier()

    def verifier(self) -> Verifier:
        """Give the public side."""
        return Verifier(self.name, ED25519, self.key.public.raw)

    def vkey(self) -> str:
        """Write the public side as a C2SP vkey."""
        return self.verifier().vkey()

    def sign(self, text: str) -> SignatureLine:
        """Sign a note text, which ends in a newline."""
        return SignatureLine(self.name, self.verifier().key_id, self.key.sign(text.encode()))


@dataclass(frozen=True, slots=True)
class Note:
    """A note that at least one known key has signed.

    ``verified`` are the lines of known keys, one per key; ``unknown`` the lines of all other keys, which
    prove nothing.
    """

    text: str
    verified: tuple[SignatureLine, ...]
    unknown: tuple[SignatureLine, ...]


def sign_note(text: str, signers: Sequence[Signer]) -> bytes:
    """Sign a text, which must end in a newline, by every signer in the order given.

    Raises:
        RefusedError: ``bad-note``, ``too-large``.
    """
    return compose_note(text, [signer.sign(text) for signer in signers] if _is_text(text) else [])


def compose_note(text: str, lines: Sequence[SignatureLine]) -> bytes:
    """Put a text and its signature lines together; does not verify them.

    Raises:
        RefusedError: ``bad-note`` for a text or lines that no reader would take, ``too-large``.
    """
    if not _is_text(text):
        raise RefusedError("bad-note", "the text has a control character, or no newline at its end")
    data = (text + "\n" + "".join(map(str, lines))).encode()
    read_note(data)
    return data


def read_note(data: bytes) -> tuple[str, tuple[SignatureLine, ...]]:
    """Split a note into its text and its signature lines, verifying none of them.

    The text must not be used for anything before a signature was verified; ``open_note`` does both.

    Raises:
        RefusedError: ``bad-note``, ``too-large``.
    """
    if len(data) > NOTE_BYTES_MAX:
        raise RefusedError("too-large", f"a note of more than {NOTE_BYTES_MAX} bytes")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("bad-note", f"not UTF-8 at byte {error.start}") from None
    if _CONTROL.search(whole):
        raise RefusedError("bad-note", "a control character")
    text, blank, signatures = whole.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise RefusedError("bad-note", "no signature lines after an empty line")
    lines = signatures[:-1].split("\n")
    if len(lines) > NOTE_SIGNATURES_MAX:
        raise RefusedError("too-large", f"a note with more than {NOTE_SIGNATURES_MAX} signatures")
    return text + "\n", tuple(map(_read_line, lines))


def open_note(data: bytes, verifiers: Sequence[Verifier]) -> Note:
    """Read a note and verify every line of a known key (name and key id both match).

    A bad signature by a known key refuses the whole note, also when an earlier line of the same key is good.
    Lines of unknown keys are set aside. A second line of the same key does not count again.

    Raises:
        RefusedError: ``bad-note``, ``too-large``, ``bad-signature``, ``unsigned-note`` when no known key
            signed, ``bad-vkey`` when two different verifiers have the same name and key id.
    """
    known = _by_name_and_id(verifiers)
    text, lines = read_note(data)
    verified: dict[tuple[str, bytes], SignatureLine] = {}
    unknown: list[SignatureLine] = []
    for line in lines:
        verifier = known.get((line.name, line.key_id))
        if verifier is None:
            unknown.append(line)
            continue
        _verify_line(verifier, text, line)
        verified.setdefault((line.name, line.key_id), line)
    if not verified:
        raise RefusedError("unsigned-note", "no signature by a known key")
    return Note(text, tuple(verified.values()), tuple(unknown))


def _verify_line(verifier: Verifier, text: str, line: SignatureLine) -> None:
    row = SIGNATURE_TYPES[verifier.signature_type]
    if len(line.signature) != row.signature_bytes:
        raise RefusedError("bad-signature", f"note signature of {len(line.signature)} bytes")
    row.verify(verifier.name, verifier.public, text.encode(), line.signature)


def _by_name_and_id(verifiers: Sequence[Verifier]) -> dict[tuple[str, bytes], Verifier]:
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise RefusedError("bad-vkey", "two keys have the same name and key id")
    return known


def _read_line(line: str) -> SignatureLine:
    """Read one signature line: em dash, space, key name, space, base64(key id ‖ signature)."""
    name, space, encoded = line.removeprefix(_LINE_START).partition(" ")
    if not line.startswith(_LINE_START) or not space or not _is_key_name(name):
        raise RefusedError("bad-note", "a signature line is not of the form `\u2014 name signature`")
    data = decode_base64(encoded, "bad-note")
    if len(data) <= KEY_ID_BYTES:
        raise RefusedError("bad-note", "a signature is too short")
    return SignatureLine(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def _is_key_name(name: str) -> bool:
    return bool(name) and _is_utf8(name) and not any(c.isspace() or c == "+" or c < " " for c in name)


def _is_text(text: str) -> bool:
    return text.endswith("\n") and _is_utf8(text) and not _CONTROL.search(text)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text)
