"""A whole log out of a file, verified with only the registry's fingerprint.

Evidence files and snapshots hold one. This is the one place that says when a log that comes without a hub
is believed: every entry, and a checkpoint of exactly these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from poc.core.checkpoint import Checkpoint
from poc.core.directory import Directory
from poc.core.judge import check_quorum, read_checkpoint
from poc.core.rules import apply_all
from poc.core.statement import SignedEntry, genesis_fingerprint, read_entry
from poc.errors import RefusedError


@dataclass(frozen=True, slots=True)
class WholeLog:
    """Every entry from the genesis on, the directory they make, and the checkpoint over exactly these.

    ``cosigned_at`` is when a quorum of witnesses had cosigned it, ``None`` where the registry asks for none.
    """

    entries: tuple[SignedEntry, ...]
    directory: Directory
    checkpoint: Checkpoint
    cosigned_at: datetime | None


def verify_log(leaves: Iterable[bytes], note: bytes, origin: str, pinned: str) -> WholeLog:
    """Apply every signature and rule anew, from the pinned genesis to the root that a quorum cosigned.

    Raises:
        RefusedError: ``wrong-fingerprint``, ``wrong-origin``, ``head-inconsistent`` (a checkpoint of other
            entries), ``quorum-missing``, and what reading an entry, applying it or reading the checkpoint
            can raise.
    """
    entries = tuple(read_entry(leaf) for leaf in leaves)
    if not entries or genesis_fingerprint(entries[0].signed.payload) != pinned:
        raise RefusedError("wrong-fingerprint")
    directory = apply_all(None, entries)
    if directory.origin != origin:
        raise RefusedError("wrong-origin", f"expected {origin}")
    checkpoint = read_checkpoint(note, directory)
    if (checkpoint.size, checkpoint.root) != (directory.size, directory.tree.root()):
        raise RefusedError("head-inconsistent", "the checkpoint is not of the entries in the file")
    return WholeLog(entries, directory, checkpoint, check_quorum(note, directory))
