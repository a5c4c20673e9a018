"""Paths of tiles and bundles of entries, written from docs/spec/log.md."""

from __future__ import annotations

import re

from tests.independent.basics import MAX_INT, RefusedError, refuse_if

_PATH = re.compile(
    r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


def read_path(path: str) -> tuple[int | None, int, int]:
    """Level (none for a bundle), index and width."""
    found = _PATH.fullmatch(path)
    if found is None or found[2].startswith("x000/"):
        raise RefusedError("bad-tile")
    index = int(found[2].replace("x", "").replace("/", ""))
    width = int(found[3] or 256)
    refuse_if(index > MAX_INT or (found[3] and width > 255), "bad-tile")
    return None if found[1] == "entries" else int(found[1]), index, width


def read_bundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle."""
    entries, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 2], "big")
        refuse_if(at + 2 + size > len(data), "bad-tile")
        entries.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    refuse_if(len(entries) != width, "bad-tile")
    return entries
