"""Bring a hub's log up to a snapshot, after an older database was restored. The hub is stopped meanwhile.

The snapshot's checkpoint bears this hub's own signature: it was given away, so the log must go on from there
and nowhere else. What is no part of the log (messages, answers) no snapshot brings back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from poc.core.checkpoint import head_of
from poc.core.form import form_bytes
from poc.core.judge import log_verifiers
from poc.core.merkle import CompactRange
from poc.core.snapshot import Snapshot, verify_snapshot
from poc.core.statement import read_entry
from poc.core.strictjson import canonical
from poc.errors import RefusedError
from poc.hub.log import stage
from poc.store.base import Leaf, Store, StoredHead
from poc.store.sqlite import SqliteStore

_READ_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The sizes of the log before and after, and what came beside it."""

    before: int
    after: int
    openings: int
    sealing_keys: int


async def reconcile(home: Path, data: bytes, fingerprint: str, now: datetime) -> Reconciled:
    """Append the entries of a verified snapshot that this home's log lacks, with its checkpoint.

    A restore counts as proved by it: whoever asked for the largest snapshot answers for that.

    Nothing is written where it is refused. Raises ``snapshot-is-older``, ``snapshot-contradicts``,
    ``no-registry``, ``home-in-use``, or as ``verify_snapshot``.
    """
    snapshot = verify_snapshot(data, fingerprint)
    store = await SqliteStore.open(home)
    try:
        head = await store.read_head()
        if head is None:
            raise RefusedError("no-registry")
        await _check_continues(store, head, snapshot)
        if head.size < snapshot.checkpoint.size:
            await _append(store, head, snapshot)
        openings, keys = await _put_beside(store, snapshot)
        await store.prove_restore(now)
        return Reconciled(head.size, snapshot.checkpoint.size, openings, keys)
    finally:
        await store.close()


async def _check_continues(store: Store, head: StoredHead, snapshot: Snapshot) -> None:
    """Return only if the snapshot's log begins with every entry stored here."""
    if snapshot.checkpoint.size < head.size:
        raise RefusedError("snapshot-is-older", f"{snapshot.checkpoint.size} entries; {head.size} are here")
    for start in range(0, head.size, _READ_AT_ONCE):
        stored = await store.read_leaves(start, min(head.size, start + _READ_AT_ONCE))
        given = snapshot.leaves[start : start + len(stored)]
        if not stored or tuple(leaf.data for leaf in stored) != given:
            raise RefusedError("snapshot-contradicts", f"from entry {start} on")


async def _append(store: Store, head: StoredHead, snapshot: Snapshot) -> None:
    keys = log_verifiers(snapshot.directory.log_vkeys_at(snapshot.checkpoint.size))
    after = StoredHead(
        snapshot.checkpoint.size, snapshot.checkpoint.root, head_of(snapshot.note, keys).encode()
    )
    tree = await _tree(store, head.size)
    leaves, subtrees = stage(tree, [read_entry(leaf) for leaf in snapshot.leaves[head.size :]])
    await store.append_entries(
        head.checkpoint, after, leaves, subtrees, [leaf.payload_sha256 for leaf in leaves]
    )


async def _tree(store: Store, size: int) -> CompactRange:
    tree = CompactRange()
    leaves: tuple[Leaf, ...] = ()
    for start in range(0, size, _READ_AT_ONCE):
        leaves = await store.read_leaves(start, min(size, start + _READ_AT_ONCE))
        for leaf in leaves:
            tree = tree.append(leaf.leaf_hash)
    return tree


async def _put_beside(store: Store, snapshot: Snapshot) -> tuple[int, int]:
    """Put back openings and sealing keys that came after the backup; each proved itself in the snapshot."""
    openings = keys = 0
    for commitment, held in snapshot.openings.items():
        opening = held.opening
        openings += await store.put_opening(commitment, held.contact, opening.part, form_bytes(opening))
    for kid, key in snapshot.sealing_keys.items():
        holder = snapshot.directory.key(kid).holder
        keys += await store.put_sealing_key(kid, canonical(key.jwk()), holder)
    return openings, keys
