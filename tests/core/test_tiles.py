"""Tiles: their paths, which exist for a size, what is in them, and proofs made from them alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest

from poc.core.merkle import consistency_proof, inclusion_proof, leaf_hash, node_hash, verify_inclusion
from poc.core.tiles import (
    Tile,
    decode_entries,
    encode_entries,
    entries_path,
    join_hashes,
    new_tiles,
    node_reader,
    parse_tile_path,
    split_hashes,
    tile_of_node,
    tile_path,
    tiles_for_size,
)
from poc.errors import RefusedError
from poc.limits import ENTRY_BYTES_MAX


def code_of(function: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        function(*arguments)
    return caught.value.code


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("tile/0/000", Tile(0, 0)),
        ("tile/0/x001/234.p/5", Tile(0, 1234, 5)),
        ("tile/63/x001/x234/067", Tile(63, 1234067)),
        ("tile/entries/999.p/255", Tile(None, 999, 255)),
    ],
)
def test_a_path_reads_and_writes(path: str, tile: Tile) -> None:
    assert parse_tile_path(path) == tile
    assert tile.path == path
    assert tile.is_full == (".p/" not in path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/x001/..",
        "tile/0/../000",
        "tile/0/%2e%2e",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/05",
        "tile/0/000.p/1000",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/data/000",
        "tile/entries/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/0/" + "x999/" * 8 + "999",
    ],
)
def test_any_other_path_is_refused(path: str) -> None:
    assert code_of(parse_tile_path, path) == "bad-tile"


def test_paths_of_tiles_and_bundles() -> None:
    assert tile_path(1, 1234, 7) == "tile/1/x001/234.p/7"
    assert entries_path(5) == "tile/entries/005"
    for arguments in ((64, 0), (-1, 0), (0, -1), (0, 0, 0), (0, 0, 257)):
        assert code_of(tile_path, *arguments) == "bad-tile"


def test_the_example_of_70000_leaves() -> None:
    counts = {
        level: [tile.width for tile in tiles]
        for level, tiles in groupby(tiles_for_size(70_000), key=lambda tile: tile.level)
    }
    assert counts == {0: [256] * 273 + [112], 1: [256, 17], 2: [1]}


def test_growing_names_only_what_is_new_or_wider() -> None:
    assert [t.path for t in new_tiles(255, 257)] == ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]
    assert list(new_tiles(300, 300)) == []
    assert list(new_tiles(255, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert code_of(new_tiles, 2, 1) == "bad-tile"
    assert code_of(tiles_for_size, -1) == "bad-tile"


LEAVES = [leaf_hash(str(number).encode()) for number in range(600)]


def content(tile: Tile) -> bytes:
    assert tile.level is not None
    nodes = LEAVES
    for _ in range(8 * tile.level):
        nodes = [node_hash(a, b) for a, b in zip(nodes[::2], nodes[1::2], strict=False)]
    first = tile.index * 256
    return join_hashes(nodes[first : first + tile.width])


def test_proofs_come_from_tiles_alone() -> None:
    from poc.core.merkle import CompactRange

    tree = CompactRange()
    for leaf in LEAVES:
        tree = tree.append(leaf)
    read = node_reader(600, content)
    for index in (0, 1, 255, 256, 511, 512, 599):
        verify_inclusion(index, 600, LEAVES[index], inclusion_proof(index, 600, read), tree.root())
    assert consistency_proof(257, 600, read)


@pytest.mark.parametrize(
    ("level", "index", "size"), [(-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 1, 1), (9, 1, 600)]
)
def test_a_node_outside_the_log_has_no_tile(level: int, index: int, size: int) -> None:
    assert code_of(tile_of_node, level, index, size) == "bad-tile"


def test_hashes_are_joined_and_split_by_width() -> None:
    assert split_hashes(join_hashes(LEAVES[:3]), 3) == tuple(LEAVES[:3])
    assert code_of(join_hashes, []) == "bad-tile"
    assert code_of(join_hashes, LEAVES[:257]) == "bad-tile"
    assert code_of(join_hashes, [b"short"]) == "bad-tile"
    assert code_of(split_hashes, b"x" * 95, 3) == "bad-tile"


def test_entries_are_bundled_after_their_lengths() -> None:
    entries = (b"", b"a", b"b" * ENTRY_BYTES_MAX)
    assert decode_entries(encode_entries(entries), 3) == entries
    assert code_of(encode_entries, []) == "bad-tile"
    assert code_of(encode_entries, [b"x"] * 257) == "bad-tile"
    assert code_of(encode_entries, [b"x" * (ENTRY_BYTES_MAX + 1)]) == "too-large"


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\x00\x01", b"\x00\x01a\x00", b"\x00\x01a\x00\x01b", b"\x00\x02a"]
)
def test_a_bundle_of_another_width_or_cut_off_is_refused(data: bytes) -> None:
    assert code_of(decode_entries, data, 1) == "bad-tile"
