"""Entries as a log's hub serves them: bundle by bundle, within bounds. Nothing read here is verified.

Only the genesis is held against something: the fingerprint it is pinned by.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from poc.client.api import HubClient
from poc.core.statement import SignedEntry, genesis_fingerprint, read_entry
from poc.core.strictjson import unb64u
from poc.core.tiles import TILE_WIDTH, decode_entries, entries_path
from poc.errors import RefusedError

ENTRIES_MAX: Final = 200_000  # new entries read at once; they are in memory until their root is checked
ENTRIES_BYTES_MAX: Final = 512 * 1024 * 1024  # the same, for entries that are long


async def read_leaves(hub: HubClient, start: int, end: int, bytes_max: int) -> AsyncIterator[list[bytes]]:
    """The leaves from ``start`` to ``end`` in order, some at a time: full bundles, then a partial one.

    Raises:
        RefusedError: ``bad-answer-from-hub`` beyond the bounds, ``bad-tile``, the hub's own code.
        UnreachableError: ``hub-unreachable``.
    """
    if end - start > ENTRIES_MAX:
        raise RefusedError("bad-answer-from-hub", f"{end} entries, {start} known")
    size = 0
    for index in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)) if end > start else ():
        width = min(TILE_WIDTH, end - index * TILE_WIDTH)
        bundle = decode_entries(await hub.get("/" + entries_path(index, width)), width)
        size += sum(map(len, bundle))
        if size > bytes_max:
            raise RefusedError("bad-answer-from-hub", f"entries of more than {bytes_max} bytes")
        yield list(bundle[max(0, start - index * TILE_WIDTH) :])


async def read_genesis(hub: HubClient, fingerprint: str) -> SignedEntry:
    """The entry the hub's log begins with, if it is the one of this fingerprint.

    Raises:
        RefusedError: ``wrong-fingerprint`` (data expected, found), ``bad-answer-from-hub``.
        UnreachableError: ``hub-unreachable``.
    """
    answer: Any = await hub.get_json("/v1/genesis")
    if not isinstance(answer.get("entry"), str):
        raise RefusedError("bad-answer-from-hub", "/v1/genesis")
    entry = read_entry(unb64u(answer["entry"]))
    found = genesis_fingerprint(entry.signed.payload)
    if found != fingerprint:
        raise RefusedError(
            "wrong-fingerprint",
            f"expected {fingerprint}, found {found}",
            expected=fingerprint,
            found=found,
        )
    return entry
