"""Tiles (C2SP tlog-tiles): paths, hash tiles and entry bundles, and which of them a log of some size has.

Pure arithmetic and bytes. Fetching, serving, keeping and verifying a tile against a checkpoint is not here:
a hash from a tile proves nothing until a root computed from it equals a verified one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from poc.core.merkle import HASH_BYTES, NodeReader, node_hash
from poc.errors import RefusedError
from poc.limits import ENTRY_BYTES_MAX, LOG_SIZE_MAX

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
LEVEL_MAX: Final = 63

_LENGTH_BYTES: Final = 2
_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: ``level`` 0 to 63, or None for a bundle of entries; ``width`` 256 when full, else 1 to 255.

    Raises:
        RefusedError: ``bad-tile`` for numbers outside these bounds.
    """

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        """Refuse what the path grammar cannot say."""
        if self.level is not None and not 0 <= self.level <= LEVEL_MAX:
            raise RefusedError("bad-tile", f"level {self.level}")
        if not 0 <= self.index <= LOG_SIZE_MAX:
            raise RefusedError("bad-tile", f"index {self.index}")
        if not 1 <= self.width <= TILE_WIDTH:
            raise RefusedError("bad-tile", f"width {self.width}")

    @property
    def is_full(self) -> bool:
        """Tell whether the tile is complete, and so never changes its path again."""
        return self.width == TILE_WIDTH

    @property
    def path(self) -> str:
        """Give the path under the log's prefix, such as ``tile/0/x001/234.p/5``."""
        level = "entries" if self.level is None else str(self.level)
        suffix = "" if self.is_full else f".p/{self.width}"
        return f"tile/{level}/{_index_path(self.index)}{suffix}"


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Give the path of a hash tile.

    Raises:
        RefusedError: ``bad-tile``.
    """
    return Tile(level, index, width).path


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Give the path of an entry bundle.

    Raises:
        RefusedError: ``bad-tile``.
    """
    return Tile(None, index, width).path


def parse_tile_path(path: str) -> Tile:
    """Read the path of a hash tile or an entry bundle; one spelling per tile, nothing decoded or trimmed.

    Raises:
        RefusedError: ``bad-tile``.
    """
    match = _PATH.fullmatch(path)
    if match is None or match["width"] == str(TILE_WIDTH):
        raise RefusedError("bad-tile", "the path is not in the grammar of tlog-tiles")
    level = None if match["level"] == "entries" else int(match["level"])
    index = int(match["index"].replace("x", "").replace("/", ""))
    tile = Tile(level, index, int(match["width"] or TILE_WIDTH))
    if tile.path != path:
        raise RefusedError("bad-tile", "the index begins with an empty group")
    return tile


def _index_path(index: int) -> str:
    groups = f"{index % 1000:03d}"
    while index >= 1000:
        index //= 1000
        groups = f"x{index % 1000:03d}/{groups}"
    return groups


def tiles_for_size(size: int) -> Iterator[Tile]:
    """Name every hash tile of a log with ``size`` entries, level by level, full ones before the partial one.

    The bundles of entries have the same indexes and widths as the tiles of level 0.

    Raises:
        RefusedError: ``bad-tile`` for a size that cannot be.
    """
    return new_tiles(0, size)


def new_tiles(old_size: int, new_size: int) -> Iterator[Tile]:
    """Name the hash tiles to write when a log grows: those new or wider than at the old size.

    Raises:
        RefusedError: ``bad-tile`` when the sizes cannot be, or shrink.
    """
    if not 0 <= old_size <= new_size <= LOG_SIZE_MAX:
        raise RefusedError("bad-tile", f"a log of {old_size} cannot grow to {new_size}")
    return _new_tiles(old_size, new_size)


def _new_tiles(old_count: int, new_count: int) -> Iterator[Tile]:
    level = 0
    while old_count != new_count:
        for index in range(old_count >> TILE_HEIGHT, new_count >> TILE_HEIGHT):
            yield Tile(level, index)
        if new_count % TILE_WIDTH:
            yield Tile(level, new_count >> TILE_HEIGHT, new_count % TILE_WIDTH)
        level, old_count, new_count = level + 1, old_count >> TILE_HEIGHT, new_count >> TILE_HEIGHT


def join_hashes(hashes: Sequence[bytes]) -> bytes:
    """Make the content of a hash tile: 1 to 256 hashes of 32 bytes, one after the other.

    Raises:
        RefusedError: ``bad-tile``.
    """
    if not 1 <= len(hashes) <= TILE_WIDTH or any(len(node) != HASH_BYTES for node in hashes):
        raise RefusedError("bad-tile", f"not 1 to {TILE_WIDTH} hashes of {HASH_BYTES} bytes")
    return b"".join(hashes)


def split_hashes(data: bytes, width: int) -> tuple[bytes, ...]:
    """Read the content of a hash tile of exactly this width.

    Raises:
        RefusedError: ``bad-tile``.
    """
    if len(data) != width * HASH_BYTES:
        raise RefusedError("bad-tile", f"{len(data)} bytes are not {width} hashes")
    return tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))


def tile_of_node(level: int, index: int, size: int) -> Tile:
    """Name the tile, in a log of ``size``, with the hashes below the complete subtree at (level, index).

    Raises:
        RefusedError: ``bad-tile`` when the subtree is not complete within ``size``.
    """
    if level < 0 or index < 0 or not 0 < size <= LOG_SIZE_MAX or (index + 1) << level > size:
        raise RefusedError(
            "bad-tile", f"no complete subtree at level {level}, index {index} in a log of {size}"
        )
    tile_level, height = divmod(level, TILE_HEIGHT)
    tile_index = index >> (TILE_HEIGHT - height)
    width = (size >> (TILE_HEIGHT * tile_level)) - tile_index * TILE_WIDTH
    return Tile(tile_level, tile_index, min(TILE_WIDTH, width))


def node_reader(size: int, fetch: Callable[[Tile], bytes]) -> NodeReader:
    """Make the reader that ``merkle`` asks for proofs, from a function giving a tile's content.

    ``fetch`` may be asked for the same tile often: keep what it gave. The reader raises what ``fetch``
    raises, and ``bad-tile`` for content of another width.
    """

    def read(level: int, index: int) -> bytes:
        tile = tile_of_node(level, index, size)
        hashes = split_hashes(fetch(tile), tile.width)
        below = 1 << (level % TILE_HEIGHT)
        first = (index * below) % TILE_WIDTH
        nodes = hashes[first : first + below]
        while len(nodes) > 1:
            nodes = tuple(map(node_hash, nodes[::2], nodes[1::2]))
        return nodes[0]

    return read


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """Make an entry bundle: 1 to 256 entries, each after its length in two bytes, big-endian.

    Raises:
        RefusedError: ``bad-tile``, ``too-large``.
    """
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise RefusedError("bad-tile", f"{len(entries)} entries do not make a bundle")
    if any(len(entry) > ENTRY_BYTES_MAX for entry in entries):
        raise RefusedError("too-large", f"an entry of more than {ENTRY_BYTES_MAX} bytes")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def decode_entries(data: bytes, width: int) -> tuple[bytes, ...]:
    """Read an entry bundle of exactly ``width`` entries, with nothing after them.

    Raises:
        RefusedError: ``bad-tile``.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data) and len(entries) < width:
        start = at + _LENGTH_BYTES
        end = start + int.from_bytes(data[at:start], "big")
        if end > len(data) or start > len(data):
            raise RefusedError("bad-tile", f"entry {len(entries)} of the bundle is cut off")
        entries.append(data[start:end])
        at = end
    if at != len(data) or len(entries) != width:
        raise RefusedError("bad-tile", f"the bundle does not hold {width} entries exactly")
    return tuple(entries)
