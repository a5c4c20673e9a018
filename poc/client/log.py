"""The log as a desk follows it: every new entry verified and applied before it is kept.

A fork or a rollback is never accepted; both signed heads are kept as a proof that can be shown to others.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from poc.client.api import HubClient
from poc.client.known import Known
from poc.core.checkpoint import Checkpoint, verify_checkpoint
from poc.core.judge import log_verifiers
from poc.core.merkle import leaf_hash
from poc.core.rules import apply_all
from poc.core.statement import read_entry
from poc.core.tiles import TILE_WIDTH, decode_entries, entries_path
from poc.errors import RefusedError

ENTRIES_MAX: Final = 200_000  # new entries of one sync; they are in memory until their root is checked
_TOO_NEW: Final = frozenset({"newer-form", "not-yet-in-force", "unknown-algorithm"})


async def sync_log(known: Known, hub: HubClient) -> int:
    """Verify and keep the hub's newest entries; gives how many were new.

    Raises:
        RefusedError: ``rollback``, ``fork``, ``update-needed``, or what a signature or rule is refused for.
    """
    known.catch_up()
    directory = known.directory
    note = await hub.get("/checkpoint", signed=False)
    shown = verify_checkpoint(note, directory.origin, log_verifiers(directory.settings.log_keys))
    _check_not_behind(known, shown, note)
    if shown.size - directory.size > ENTRIES_MAX:
        raise RefusedError("bad-answer-from-hub", f"{shown.size} entries, {directory.size} known")
    leaves = await _fetch_leaves(hub, directory.size, shown.size)
    tree = directory.tree
    for leaf in leaves:
        tree = tree.append(leaf_hash(leaf))
    if tree.root() != shown.root:
        raise _contradiction(known, "fork", note, f"another root at size {shown.size}")
    if leaves:
        newer = await asyncio.to_thread(_applied, known, leaves)
        known.trust.add_entries(directory.size, leaves, note)
        known.advance(newer, leaves)
    else:
        known.trust.set_value("head", note)
    known.trust.set_value("synced-at", known.now().isoformat().encode())
    return len(leaves)


def _applied(known: Known, leaves: list[bytes]) -> Any:
    try:
        return apply_all(known.directory, [read_entry(leaf) for leaf in leaves])
    except RefusedError as error:
        if error.code in _TOO_NEW:
            raise RefusedError("update-needed", error.detail) from None
        raise


def _check_not_behind(known: Known, shown: Checkpoint, note: bytes) -> None:
    if shown.size < known.directory.size:
        root = known.root_at(shown.size)
        kind = "rollback" if root == shown.root else "fork"
        raise _contradiction(known, kind, note, f"size {shown.size}, verified {known.directory.size}")


def _contradiction(known: Known, kind: str, note: bytes, detail: str) -> RefusedError:
    known.trust.add_proof(kind, known.trust.value("head") or b"", note)
    return RefusedError(kind, detail)


async def _fetch_leaves(hub: HubClient, start: int, end: int) -> list[bytes]:
    """The leaves from ``start`` to ``end``: full bundles, then a partial one."""
    leaves: list[bytes] = []
    for index in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)) if end > start else ():
        width = min(TILE_WIDTH, end - index * TILE_WIDTH)
        bundle = decode_entries(await hub.get("/" + entries_path(index, width)), width)
        leaves += bundle[max(0, start - index * TILE_WIDTH) :]
    return leaves
