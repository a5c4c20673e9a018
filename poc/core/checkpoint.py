"""Checkpoints (C2SP tlog-checkpoint) and heads: the signed size and root of a registry's log.

A *head* (DESIGN "Form rules") is a checkpoint's body with the log's own signature lines and no
cosignatures: signed forms carry it. Whether one checkpoint continues another is for ``merkle``;
which keys are in force, and quorums of witnesses, are for the directory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from poc.core import cosignature
from poc.core.keys import SigningKey
from poc.core.merkle import EMPTY_ROOT, HASH_BYTES
from poc.core.note import (
    ED25519,
    Note,
    SignatureLine,
    Signer,
    Verifier,
    compose_note,
    decode_base64,
    encode_base64,
    open_note,
    read_note,
    sign_note,
)
from poc.errors import RefusedError
from poc.limits import LOG_SIZE_MAX

_SIZE: Final = re.compile("0|[1-9][0-9]{0,18}")
_TIME_MAX: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())  # as late as a date can be
_NOT_IN_A_LINE: Final = re.compile("[\x00-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: its origin, its number of entries and the root of its tree.

    Raises:
        RefusedError: ``bad-checkpoint`` for values no checkpoint can have.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse values that could not be written, or that no tree has."""
        if not 0 <= self.size <= LOG_SIZE_MAX:
            raise RefusedError("bad-checkpoint", f"a size of {self.size}")
        if len(self.root) != HASH_BYTES:
            raise RefusedError("bad-checkpoint", f"the root is not {HASH_BYTES} bytes long")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise RefusedError("bad-checkpoint", "an empty log has one root only", empty_root=False)
        if any(not line or _NOT_IN_A_LINE.search(line) for line in (self.origin, *self.extensions)):
            raise RefusedError("bad-checkpoint", "a line is empty or has a control character")


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Write the note text of a checkpoint: origin, size, root, extensions, each on its line."""
    head = (checkpoint.origin, str(checkpoint.size), encode_base64(checkpoint.root))
    return "\n".join((*head, *checkpoint.extensions)) + "\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the note text of a checkpoint; says nothing about signatures.

    Raises:
        RefusedError: ``bad-checkpoint``.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() != "":
        raise RefusedError("bad-checkpoint", "not three lines, each ended by a newline")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size):
        raise RefusedError("bad-checkpoint", "the size is not a decimal number without leading zeros")
    return Checkpoint(origin, int(size), decode_base64(root, "bad-checkpoint"), tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, *signers: Signer) -> bytes:
    """Sign a checkpoint by the log's keys, whose names must be its origin.

    The caller must have recorded the checkpoint first: a log never signs two that contradict each other.

    Raises:
        RefusedError: ``wrong-origin`` when a key has another name, ``bad-note`` without a signer.
    """
    for signer in signers:
        _check_origin(signer.name, checkpoint.origin)
    return sign_note(format_checkpoint(checkpoint), signers)


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A witness's named Ed25519 key, which makes ``cosignature/v1`` lines.

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
        return Verifier(self.name, cosignature.COSIGNATURE_ED25519, self.key.public.raw)

    def cosign(self, text: str, at: int) -> SignatureLine:
        """Cosign a checkpoint's text, extension lines included, as of a POSIX time.

        The caller must have recorded the checkpoint first, as for ``sign_checkpoint``.

        Raises:
            RefusedError: ``bad-checkpoint`` for a text that is none, ``bad-time``.
        """
        parse_checkpoint(text)
        signature = cosignature.sign_ed25519(self.key, text, at)
        return SignatureLine(self.name, self.verifier().key_id, signature)


def stated_size(data: bytes) -> int:
    """The size a signed checkpoint states, not verified: good for nothing but to choose the keys.

    Raises:
        RefusedError: ``bad-note``, ``too-large``, ``bad-checkpoint``.
    """
    return parse_checkpoint(read_note(data)[0]).size


def verify_checkpoint(data: bytes, origin: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """Read a signed checkpoint of this origin; at least one log key among the verifiers must have signed it.

    A log key is an Ed25519 key named as the origin. Other verifiers (witnesses) may be given too: a bad
    signature of any known key refuses the whole, but theirs never stand in for the log's.

    Raises:
        RefusedError: ``bad-note``, ``too-large``, ``bad-signature``, ``unsigned-note``, ``bad-checkpoint``,
            ``wrong-origin``, ``bad-vkey``.
    """
    return _open(data, origin, verifiers)[0]


def verify_cosigned(
    data: bytes, origin: str, log_verifiers: Sequence[Verifier], witnesses: Sequence[Verifier]
) -> tuple[Checkpoint, dict[Verifier, datetime]]:
    """Read a signed checkpoint as ``verify_checkpoint``, and when each of these witnesses cosigned it.

    Of several cosignatures by one key the first counts. Lines of other witnesses are ignored.

    Raises:
        RefusedError: as ``verify_checkpoint``.
    """
    checkpoint, note = _open(data, origin, (*log_verifiers, *witnesses))
    signed = {(line.name, line.key_id): line.signature for line in note.verified}
    found = [(key, signed.get((key.name, key.key_id))) for key in witnesses]
    return checkpoint, {key: _time_of(signature) for key, signature in found if signature is not None}


def head_of(data: bytes, log_verifiers: Sequence[Verifier]) -> str:
    """Reduce a signed checkpoint to its head: the body and the verified lines of the log's keys.

    Raises:
        RefusedError: as ``verify_checkpoint``; the origin is the one the checkpoint names.
    """
    origin = parse_checkpoint(open_note(data, log_verifiers).text).origin
    _, note = _open(data, origin, log_verifiers)
    keys = {verifier.key_id for verifier in _log_keys(origin, log_verifiers)}
    lines = [line for line in note.verified if line.name == origin and line.key_id in keys]
    return compose_note(note.text, lines).decode()


def head_bytes(text: str) -> bytes:
    """A head's text as the note it is; text that no note can have stays such."""
    return text.encode("utf-8", "surrogatepass")


def parse_head(text: str, origin: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """Read a head of this origin: as ``verify_checkpoint``, and every line must bear the log's name.

    Lines of log keys not known here (older or newer ones) are ignored, as for every note.

    Raises:
        RefusedError: as ``verify_checkpoint``; ``bad-checkpoint`` for a cosignature in a head.
    """
    checkpoint, note = _open(head_bytes(text), origin, verifiers)
    if any(line.name != origin for line in (*note.verified, *note.unknown)):
        raise RefusedError("bad-checkpoint", "a head has a line that is not the log's")
    return checkpoint


def _open(data: bytes, origin: str, verifiers: Sequence[Verifier]) -> tuple[Checkpoint, Note]:
    note = open_note(data, verifiers)
    checkpoint = parse_checkpoint(note.text)
    _check_origin(checkpoint.origin, origin)
    signed_by = {(line.name, line.key_id) for line in note.verified}
    if not any((key.name, key.key_id) in signed_by for key in _log_keys(origin, verifiers)):
        raise RefusedError("unsigned-note", "no signature by a key of this log")
    return checkpoint, note


def _time_of(signature: bytes) -> datetime:
    return datetime.fromtimestamp(min(cosignature.time_of(signature), _TIME_MAX), UTC)


def _log_keys(origin: str, verifiers: Sequence[Verifier]) -> list[Verifier]:
    return [key for key in verifiers if key.name == origin and key.signature_type == ED25519]


def _check_origin(found: str, expected: str) -> None:
    if found != expected:
        raise RefusedError("wrong-origin", f"expected {expected!a}")
