"""Verifying a hub's audit trail: the chain, the anchors its key signed, and anchors kept elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poc.core.audit import Anchor, check_anchors, check_chain, read_anchor
from poc.core.directory import Directory
from poc.core.rules import apply_all
from poc.core.statement import read_entry
from poc.errors import RefusedError
from poc.hub.audit import anchor_verifiers
from poc.store.base import StoredAnchor
from poc.store.trail import Trail


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found whole: how many records, and up to which one anchors reach."""

    records: int
    newest: bytes | None
    anchors: int
    anchored_to: int


def verify_trail(trail: Trail, kept: Sequence[Anchor]) -> Verified:
    """Verify a trail; ``kept`` are anchors that were kept outside the database.

    Raises:
        RefusedError: ``audit-broken``, data ``row``: the first bad one; what the log is refused for.
    """
    newest = check_chain(trail.rows)
    entries = [read_entry(leaf.data) for leaf in trail.leaves]
    directory = apply_all(None, entries) if entries else None
    anchors = [*kept, *(_read(directory, anchor) for anchor in trail.anchors)]
    anchored_to = check_anchors(trail.rows, anchors)
    return Verified(len(trail.rows), None if newest is None else newest.hash, len(anchors), anchored_to)


def _read(directory: Directory | None, stored: StoredAnchor) -> Anchor:
    """An anchor of the database, signed by a hub key of the log. Raises ``audit-broken``."""
    origin, verifiers = ("", []) if directory is None else (directory.origin, anchor_verifiers(directory))
    try:
        anchor = read_anchor(stored.note, origin, verifiers)
    except RefusedError as error:
        why = f"row {stored.number}: its anchor is not the hub's: {error.code}"
        raise RefusedError("audit-broken", why, row=stored.number) from None
    if anchor.number != stored.number:
        raise RefusedError("audit-broken", f"row {stored.number}: its anchor is another", row=stored.number)
    return anchor
