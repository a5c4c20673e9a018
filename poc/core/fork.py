"""Fork files: two heads of one log that contradict each other, as a proof that anyone can check.

A log that signed two heads of which neither continues the other has shown different logs to different
readers. Finding such heads is the desk's (``client.gossip``); here they are put together and judged with
only the file and the registry's fingerprint (docs/spec/fork.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from poc.core.checkpoint import Checkpoint, stated_size, verify_checkpoint
from poc.core.directory import Directory
from poc.core.form import Binary, Sha256, TopForm, form_bytes, form_of, read_form
from poc.core.judge import log_verifiers
from poc.core.merkle import HASH_BYTES, verify_consistency
from poc.core.rules import check_genesis
from poc.core.statement import Statement, genesis_fingerprint, parse_fingerprint, read_statement
from poc.core.strictjson import b64u, unb64u
from poc.errors import RefusedError
from poc.limits import NOTE_BYTES_MAX, PROOF_HASHES_MAX

NoteText = Annotated[str, Field(max_length=NOTE_BYTES_MAX)]


class ForkFile(TopForm):
    """Two signed checkpoints of one log, the ``first`` not larger than the ``second``.

    Of different sizes, ``root`` is the one that the second's tree has at the first's size, and
    ``consistency`` proves it; else they are null and empty.
    """

    form: Literal["poc-fork"]
    genesis: Binary
    first: NoteText
    second: NoteText
    root: Sha256 | None
    consistency: Annotated[tuple[Sha256, ...], Field(max_length=PROOF_HASHES_MAX)]


@dataclass(frozen=True, slots=True)
class Fork:
    """What a fork file proves: the log signed both. ``root`` is the second's at the first's size."""

    origin: str
    fingerprint: str
    first: Checkpoint
    second: Checkpoint
    root: bytes


def build_fork(
    genesis: bytes, first: bytes, second: bytes, root: bytes | None = None, consistency: Sequence[bytes] = ()
) -> bytes:
    """Put a file together: RFC 8785 bytes. ``genesis`` is the payload of the log's genesis.

    What is put together is not verified; :func:`verify_fork` does that.
    """
    value = {
        "v": 1,
        "origin": read_statement(genesis).origin,
        "form": "poc-fork",
        "genesis": b64u(genesis),
        "first": first.decode(),
        "second": second.decode(),
        "root": None if root is None else b64u(root),
        "consistency": [b64u(node) for node in consistency],
    }
    return form_bytes(form_of(ForkFile, value))


def verify_fork(data: bytes, fingerprint: str, directory: Directory | None = None) -> Fork:
    """What a fork file proves, with only the file and the registry's fingerprint.

    The log's keys are those of the genesis; with a ``directory`` of the same registry they are those in
    force at each head's size.

    Raises:
        RefusedError: ``bad-fingerprint``, ``wrong-fingerprint``, ``not-canonical``, ``wrong-origin``,
            ``not-a-fork`` (nothing contradicts), ``bad-proof``, or as ``verify_checkpoint``.
    """
    pinned = parse_fingerprint(fingerprint)
    file = read_form(ForkFile, data)
    if form_bytes(file) != data:
        raise RefusedError("not-canonical", "a fork file")
    payload = unb64u(file.genesis)
    if pinned != genesis_fingerprint(payload) or (directory and directory.fingerprint != pinned):
        raise RefusedError("wrong-fingerprint")
    genesis = check_genesis(payload)  # the fingerprint vouches for its signatures
    if genesis.origin != file.origin:
        raise RefusedError("wrong-origin", f"expected {genesis.origin}")
    first, second = (_signed(note.encode(), genesis, directory) for note in (file.first, file.second))
    other = None if file.root is None else unb64u(file.root, HASH_BYTES)
    root = _root_of_second(first, second, other, [unb64u(node) for node in file.consistency])
    if root == first.root:
        raise RefusedError("not-a-fork", f"one root at size {first.size}")
    return Fork(file.origin, pinned, first, second, root)


def _signed(note: bytes, genesis: Statement, directory: Directory | None) -> Checkpoint:
    settings: Any = genesis.body
    vkeys = settings.log_keys if directory is None else directory.log_vkeys_at(stated_size(note))
    return verify_checkpoint(note, genesis.origin, log_verifiers(tuple(vkeys)))


def _root_of_second(
    first: Checkpoint, second: Checkpoint, other: bytes | None, consistency: Sequence[bytes]
) -> bytes:
    """The root that the second's tree has at the first's size, which the hashes must show."""
    if first.size == second.size and other is None and not consistency:
        return second.root
    if other is None or first.size >= second.size:
        raise RefusedError("bad-proof", f"sizes {first.size} and {second.size}")
    verify_consistency(first.size, second.size, other, second.root, consistency)
    return other
