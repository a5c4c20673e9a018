"""A whole log with its checkpoint, as files carry it: docs/spec/log.md, evidence.md and snapshot.md."""

from __future__ import annotations

from tests.independent.basics import refuse_if
from tests.independent.directory import Directory
from tests.independent.entries import fingerprint, read_entry
from tests.independent.merkle import root
from tests.independent.notes import claimed_size, read_checkpoint, read_vkey
from tests.independent.registry import log_keys_at, replay
from tests.independent.witnesses import WITNESS


def read_whole(leaves: list[bytes], checkpoint: str, origin: str, want: str) -> Directory:
    """The directory of a log that is this registry's, complete, and cosigned where that is asked for."""
    refuse_if(not leaves or fingerprint(read_entry(leaves[0]).payload) != want, "wrong-fingerprint")
    directory = replay(leaves)
    refuse_if(origin != directory.origin, "wrong-origin")
    size = claimed_size(directory.origin, checkpoint)
    refuse_if(size != directory.size, "head-inconsistent")
    quorum = directory.quorum()
    seats = [read_vkey(vkey, WITNESS) for vkey, _ in directory.seats().values()] if quorum else []
    signed = read_checkpoint(directory.origin, checkpoint, log_keys_at(directory, size) + seats)
    refuse_if(signed.root != root(directory.leaves), "head-inconsistent")
    refuse_if(len(signed.times) < quorum, "quorum-missing")
    return directory
