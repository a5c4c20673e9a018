"""The contradicting heads kept here: listed, and made into fork files that others can check.

How they are found stands in ``gossip`` and ``log``; what a file proves, in ``core.fork``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from poc.client.api import HubClient
from poc.client.known import Known
from poc.core.checkpoint import Checkpoint, parse_checkpoint
from poc.core.fork import build_fork, verify_fork
from poc.core.merkle import NodeReader, consistency_proof, leaf_hash, node_hash, tree_root
from poc.core.note import read_note
from poc.core.statement import read_entry
from poc.core.strictjson import b64u
from poc.core.tiles import Tile, node_reader, tile_of_node
from poc.errors import RefusedError

OF_HEADS: Final = ("fork", "rollback", "head-inconsistent")
"""The kinds of contradictions that are of heads; the others are of messages."""


@dataclass(frozen=True, slots=True)
class KeptFork:
    """Two heads that do not fit together: what this desk had verified, and what it was shown.

    ``provable``: ``here``, ``with-the-hub`` (which must still serve the other log's hash tiles), or ``no``.
    """

    number: int
    kind: str
    verified_size: int | None
    shown_size: int
    shown_root: str
    provable: str

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        return asdict(self)


def kept_forks(known: Known) -> list[KeptFork]:
    """The contradictions of heads kept here, in the order they were found, numbered from 1."""
    found = []
    for number, (kind, kept, shown) in enumerate(_of_heads(known), start=1):
        head = _stated(shown)
        own = _stated(kept).size if kept else None
        found.append(KeptFork(number, kind, own, head.size, b64u(head.root), _provable(known, head)))
    return found


async def export_fork(known: Known, hub: HubClient, number: int | None = None) -> bytes:
    """A contradiction kept here as a fork file; by default the newest that this desk can prove by itself.

    Raises:
        RefusedError: ``no-such-fork``; ``fork-not-provable``; the hub's codes where it is asked for hashes.
        UnreachableError: ``hub-unreachable``.
    """
    head, note = _chosen(known, number)
    own = known.trust.value("head")
    if own is None or _provable(known, head) == "no":
        raise RefusedError("fork-not-provable", f"a head of size {head.size}")
    genesis = read_entry(known.trust.leaves()[0]).signed.payload
    size = known.directory.size
    if head.size == size:
        data = build_fork(genesis, note, own)
    elif head.size < size:
        read = _own_reader(known)
        proof = consistency_proof(head.size, size, read)
        data = build_fork(genesis, note, own, known.root_at(head.size), proof)
    else:
        read = await _hub_reader(hub, size, head)
        data = build_fork(genesis, own, note, tree_root(size, read), consistency_proof(size, head.size, read))
    verify_fork(data, known.directory.fingerprint, known.directory)
    return data


def _of_heads(known: Known) -> Iterator[tuple[str, bytes, bytes]]:
    return (proof for proof in known.trust.proofs() if proof[0] in OF_HEADS)


def _stated(note: bytes) -> Checkpoint:
    """What a kept note says; the log's signature was verified before it was kept."""
    return parse_checkpoint(read_note(note)[0])


def _chosen(known: Known, number: int | None) -> tuple[Checkpoint, bytes]:
    kept = [(_stated(shown), shown) for _, _, shown in _of_heads(known)]
    if number is not None:
        if not 1 <= number <= len(kept):
            raise RefusedError("no-such-fork", str(number))
        return kept[number - 1]
    if not kept:
        raise RefusedError("no-such-fork", "none is kept")
    return max(reversed(kept), key=lambda pair: _provable(known, pair[0]) == "here")


def _provable(known: Known, head: Checkpoint) -> str:
    """An older head of this very log proves nothing to others: whoever has it may just have it from then."""
    if known.trust.value("head") is None or head.size == 0:
        return "no"
    if head.size > known.directory.size:
        return "with-the-hub"
    return "no" if known.root_at(head.size) == head.root else "here"


def _own_reader(known: Known) -> NodeReader:
    leaves = [leaf_hash(leaf) for leaf in known.trust.leaves()]

    def read(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        return node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))

    return read


async def _hub_reader(hub: HubClient, size: int, head: Checkpoint) -> NodeReader:
    """A reader of the other log's hashes, from the tiles the hub serves; they must give the head's root."""
    needed: dict[Tile, bytes] = {}

    def note_tile(level: int, index: int) -> bytes:
        needed[tile_of_node(level, index, head.size)] = b""
        return head.root  # of no use: this pass only finds out what to fetch

    tree_root(head.size, note_tile)
    tree_root(size, note_tile)
    consistency_proof(size, head.size, note_tile)
    for tile in needed:
        needed[tile] = await hub.get("/" + tile.path, signed=False)
    read = node_reader(head.size, needed.__getitem__)
    if tree_root(head.size, read) != head.root:
        raise RefusedError("fork-not-provable", "the hub serves no hashes that lead to this head")
    return read
