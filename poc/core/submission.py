"""What a log sends to a witness (C2SP tlog-witness ``add-checkpoint``), and whether a witness may cosign it.

Pure: the witness's record of the log comes in, a checkpoint to record goes out. Recording it by a
compare-and-swap, and only then signing, is the witness's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from poc.core.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from poc.core.merkle import EMPTY_ROOT, HASH_BYTES, verify_consistency
from poc.core.note import Verifier, decode_base64, encode_base64, read_note
from poc.errors import RefusedError
from poc.limits import LOG_SIZE_MAX, PROOF_HASHES_MAX, SUBMISSION_BYTES_MAX

Conflict: TypeAlias = Literal["two-roots", "unproved", "rules-broken", "notice-contradicted"]
"""Why a witness keeps a checkpoint that the log signed and that it did not cosign."""

_OLD: Final = re.compile("old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Tree:
    """The size and root a witness last cosigned of a log; the empty tree before the first time."""

    size: int = 0
    root: bytes = EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint and the proof that it continues the tree of ``old_size``, as read: nothing is verified.

    ``text`` is the checkpoint's text without its signatures, ``stated`` what it says.

    Raises:
        RefusedError: ``bad-submission`` for what no log may send; ``bad-proof`` for an empty tree of
            another root.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    def __post_init__(self) -> None:
        """Refuse what could not be written or read back."""
        if not 0 <= self.old_size <= LOG_SIZE_MAX:
            raise RefusedError("bad-submission", "the old size is out of bounds")
        if len(self.proof) > PROOF_HASHES_MAX:
            raise RefusedError("bad-submission", f"more than {PROOF_HASHES_MAX} lines of proof")
        if any(len(node) != HASH_BYTES for node in self.proof):
            raise RefusedError("bad-submission", f"a hash is not {HASH_BYTES} bytes long")
        if self.old_size > self.stated.size:
            raise RefusedError("bad-submission", "the old size is larger than the checkpoint's")

    @property
    def text(self) -> str:
        """The text that is signed and cosigned."""
        return _read(self.note)[0]

    @property
    def stated(self) -> Checkpoint:
        """What the checkpoint says, whoever signed it."""
        return _read(self.note)[1]


def format_submission(submission: Submission) -> bytes:
    """Write the body of the request."""
    lines = (f"old {submission.old_size}", *map(encode_base64, submission.proof))
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + submission.note


def parse_submission(body: bytes) -> Submission:
    """Read the body of a request; nothing in it is verified.

    Raises:
        RefusedError: ``bad-submission``, ``bad-proof``, as for :class:`Submission`.
    """
    if len(body) > SUBMISSION_BYTES_MAX:
        raise RefusedError("bad-submission", f"more than {SUBMISSION_BYTES_MAX} bytes")
    head, blank, note = body.partition(b"\n\n")
    if not blank or not head.isascii():
        raise RefusedError("bad-submission", "not an old size, a proof, an empty line and a checkpoint")
    first, *proof = head.decode("ascii").split("\n")
    old = _OLD.fullmatch(first)
    if old is None:
        raise RefusedError("bad-submission", "the first line is not `old` and a decimal size")
    if len(proof) > PROOF_HASHES_MAX:
        raise RefusedError("bad-submission", f"more than {PROOF_HASHES_MAX} lines of proof")
    return Submission(int(old[1]), tuple(decode_base64(line, "bad-submission") for line in proof), note)


def by_the_log(submission: Submission, log_keys: Sequence[Verifier]) -> Checkpoint:
    """The checkpoint, if one of the log's keys signed it. Raises ``not-by-the-log``."""
    try:
        return verify_checkpoint(submission.note, submission.stated.origin, log_keys)
    except RefusedError as error:
        raise RefusedError("not-by-the-log", error.code) from None


def check_continues(submission: Submission, checkpoint: Checkpoint, known: Tree) -> None:
    """Return only if the log's checkpoint continues what this witness last cosigned of it.

    It may be cosigned only if the witness's record still is ``known`` when it moves to this one.

    Raises:
        RefusedError: ``old-size-moved`` with the witness's ``size``, ``two-roots``, ``bad-proof``.
    """
    if submission.old_size != known.size:
        raise moved(known.size)
    if checkpoint.size == known.size and checkpoint.root != known.root:
        raise RefusedError("two-roots", f"size {known.size}")
    _check_proof(known, checkpoint, submission.proof)


def conflict_of(checkpoint: Checkpoint, known: Tree, refusal: str) -> Conflict | None:
    """What the log's checkpoint, refused with this code, says against the log; None where nothing.

    ``two-roots`` is a proof against it by itself. ``unproved`` is none: whoever saw a good checkpoint can
    send it with a bad proof. It is what the log has to prove.
    """
    if checkpoint.size == known.size:
        return "two-roots" if checkpoint.root != known.root else None
    return "unproved" if refusal == "bad-proof" and known.size > 0 else None


def moved(size: int) -> RefusedError:
    """The refusal of a proof from another size than the one last cosigned."""
    return RefusedError("old-size-moved", f"last cosigned at size {size}", size=size)


def _check_proof(known: Tree, checkpoint: Checkpoint, proof: Sequence[bytes]) -> None:
    if known.size > 0:
        verify_consistency(known.size, checkpoint.size, known.root, checkpoint.root, proof)
    elif proof:  # every tree continues the empty one, so there is nothing to prove
        raise RefusedError("bad-proof", "a proof from the empty tree is empty")


def _read(note: bytes) -> tuple[str, Checkpoint]:
    """The checkpoint's text and what it says, with one code for all that is wrong with it."""
    try:
        text = read_note(note)[0]
        return text, parse_checkpoint(text)
    except RefusedError as error:
        code = "bad-proof" if "empty_root" in error.data else "bad-submission"
        raise RefusedError(code, f"{error.code}: {error.detail}") from None
