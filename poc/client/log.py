"""The log as a desk follows it: every new entry verified and applied before it is kept.

A head is kept only with the quorum of the witnesses that are in force in the directory of exactly its
entries; without it the last verified one stays, whole. A fork or a rollback is never accepted; both signed
heads are kept as a proof that can be shown to others.
"""

from __future__ import annotations

import asyncio
from typing import Final

from poc.client.api import HubClient
from poc.client.entries import ENTRIES_BYTES_MAX, read_leaves
from poc.client.known import Known
from poc.core.checkpoint import Checkpoint, parse_checkpoint
from poc.core.directory import Directory
from poc.core.judge import read_checkpoint
from poc.core.merkle import leaf_hash
from poc.core.note import read_note
from poc.core.rules import apply_all
from poc.core.statement import read_entry
from poc.errors import RefusedError

QUORUM_MISSING: Final = "quorum-missing"  # the value that says what the hub's newest head lacked
TOO_NEW: Final = frozenset({"newer-form", "not-yet-in-force", "unknown-algorithm"})


async def sync_log(known: Known, hub: HubClient) -> int:
    """Verify and keep the hub's newest entries; gives how many were new.

    Raises:
        RefusedError: ``rollback``, ``fork``, ``update-needed``, ``quorum-missing``, or what a signature or
            rule is refused for.
    """
    known.catch_up()
    note = await hub.get("/checkpoint", signed=False)
    leaves = await _new_leaves(known, hub, note)
    newer = await asyncio.to_thread(applied, known, leaves) if leaves else known.directory
    try:
        known.keep_head(newer, leaves, note)  # by keys in force there, which these very entries may bring
    except RefusedError as error:
        if error.code == "quorum-missing":
            known.trust.set_value(QUORUM_MISSING, error.detail.encode())
        raise
    known.trust.set_value(QUORUM_MISSING, b"")
    known.trust.set_value("synced-at", known.now().isoformat().encode())
    return len(leaves)


async def follow_log(known: Known, hub: HubClient) -> int:
    """As :func:`sync_log`; an entry too new for this version is noted for every later answer, not raised."""
    try:
        new = await sync_log(known, hub)
    except RefusedError as error:
        if error.code != "update-needed":
            raise
        known.trust.set_value("update-needed", b"1")
        return 0
    known.trust.set_value("update-needed", b"")
    return new


async def _new_leaves(known: Known, hub: HubClient, note: bytes) -> list[bytes]:
    """The entries up to the checkpoint shown, whose root is theirs; its signature is not verified here."""
    directory = known.directory
    stated = parse_checkpoint(read_note(note)[0])
    if stated.size <= directory.size:
        _check_not_behind(known, read_checkpoint(note, directory), note)
        return []
    bundles = read_leaves(hub, directory.size, stated.size, ENTRIES_BYTES_MAX)
    leaves = [leaf async for bundle in bundles for leaf in bundle]
    tree = directory.tree
    for leaf in leaves:
        tree = tree.append(leaf_hash(leaf))
    if tree.root() != stated.root:
        read_checkpoint(note, directory)  # only what the log signed is a proof against it
        raise _contradiction(known, "fork", note, f"another root at size {stated.size}")
    return leaves


def applied(known: Known, leaves: list[bytes]) -> Directory:
    """The directory with these entries, each verified. Raises ``update-needed`` or as ``apply_all``."""
    try:
        return apply_all(known.directory, [read_entry(leaf) for leaf in leaves])
    except RefusedError as error:
        if error.code in TOO_NEW:
            raise RefusedError("update-needed", error.detail) from None
        raise


def _check_not_behind(known: Known, shown: Checkpoint, note: bytes) -> None:
    """Refuse a head that is older than ours, or another one of the same size."""
    if known.root_at(shown.size) != shown.root:
        detail = f"another root at size {shown.size}; verified {known.directory.size}"
        raise _contradiction(known, "fork", note, detail)
    if shown.size < known.directory.size:
        detail = f"size {shown.size}, verified {known.directory.size}"
        raise _contradiction(known, "rollback", note, detail)


def _contradiction(known: Known, kind: str, note: bytes, detail: str) -> RefusedError:
    known.trust.add_proof(kind, known.trust.value("head") or b"", note)
    return RefusedError(kind, detail)
