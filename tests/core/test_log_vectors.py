"""Our own vectors for the log, texts and hours; `tests/vectors/make_log.py` makes them without `poc`."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from poc.core.checkpoint import (
    Cosigner,
    format_checkpoint,
    head_of,
    parse_checkpoint,
    parse_head,
    verify_checkpoint,
)
from poc.core.cosignature import time_of
from poc.core.hours import ExceptionDay, Hours, Slot, Span, is_open, next_open
from poc.core.keys import SigningKey
from poc.core.merkle import (
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from poc.core.note import Verifier, open_note
from poc.core.strictjson import parse_time
from poc.core.text import check_text, fold, for_terminal
from poc.core.tiles import TILE_WIDTH, decode_entries, encode_entries, parse_tile_path, tiles_for_size
from poc.errors import RefusedError
from tests.vectors import make_log

VECTORS = Path(__file__).parents[1] / "vectors"
LEAVES = [leaf_hash(str(number).encode()) for number in range(300)]


def cases(name: str) -> list[Any]:
    read = json.loads((VECTORS / name).read_bytes())["cases"]
    return [pytest.param(case, id=ascii(case["name"])) for case in read]


def outcome(call: Any) -> str:
    try:
        call()
    except RefusedError as error:
        return error.code
    return "ok"


def read(level: int, index: int) -> bytes:
    if level == 0:
        return LEAVES[index]
    return node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))


def unhex(values: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]


def test_the_files_are_what_the_generator_makes():
    for path, text in make_log.build().items():
        assert (VECTORS / path).read_text("utf-8") == text, f"{path}: run tests/vectors/make_log.py"


# --- tree ---


@pytest.mark.parametrize("case", cases("merkle/roots.json"))
def test_roots_are_as_computed_word_for_word(case):
    tree = CompactRange()
    for leaf in LEAVES[: case["size"]]:
        tree = tree.append(leaf)
    assert tree.root().hex() == case["root"]


@pytest.mark.parametrize("case", cases("merkle/inclusion.json"))
def test_inclusion_vectors_come_out_as_stated(case):
    leaf, root = unhex([case["leaf"], case["root"]])
    proof = unhex(case["proof"])
    index, size = case["index"], case["size"]
    assert outcome(lambda: verify_inclusion(index, size, leaf, proof, root)) == case["expect"]
    if case["expect"] == "ok" and "same shape" not in case["name"]:
        assert inclusion_proof(index, size, read) == tuple(proof)


@pytest.mark.parametrize("case", cases("merkle/consistency.json"))
def test_consistency_vectors_come_out_as_stated(case):
    root1, root2 = unhex([case["root1"], case["root2"]])
    proof = unhex(case["proof"])
    sizes = case["size1"], case["size2"]
    assert outcome(lambda: verify_consistency(*sizes, root1, root2, proof)) == case["expect"]
    if case["expect"] == "ok" and "same shape" not in case["name"]:
        assert consistency_proof(*sizes, read) == tuple(proof)


# --- notes and checkpoints ---


@pytest.mark.parametrize("case", cases("cosignature/cosignatures.json"))
def test_cosignature_vectors_come_out_as_stated(case):
    data, verifier = case["note"].encode(), Verifier.from_vkey(case["vkey"])
    assert outcome(lambda: open_note(data, [verifier])) == case["expect"]
    if case["expect"] == "ok":
        note = open_note(data, [verifier])
        cosigner = Cosigner(verifier.name, SigningKey.from_seed(sha256(case["label"].encode()).digest()))
        assert cosigner.verifier().vkey() == case["vkey"]
        assert [cosigner.cosign(note.text, case["at"])] == list(note.verified)
        assert time_of(note.verified[0].signature) == case["at"]


@pytest.mark.parametrize("case", cases("note/notes.json"))
def test_note_vectors_come_out_as_stated(case):
    data = case["note"].encode() if "note" in case else bytes.fromhex(case["note_hex"])
    verifiers = [Verifier.from_vkey(vkey) for vkey in case["vkeys"]]
    assert outcome(lambda: open_note(data, verifiers)) == case["expect"]
    if case["expect"] == "ok":
        note = open_note(data, verifiers)
        assert note.text == case["text"]
        assert [line.name for line in note.verified] == case["verified"]
        assert [line.name for line in note.unknown] == case["unknown"]


@pytest.mark.parametrize("case", cases("note/vkeys.json"))
def test_vkey_vectors_come_out_as_stated(case):
    assert outcome(lambda: Verifier.from_vkey(case["vkey"])) == case["expect"]
    if case["expect"] == "ok":
        assert Verifier.from_vkey(case["vkey"]).vkey() == case["vkey"]


@pytest.mark.parametrize("case", cases("checkpoint/checkpoints.json"))
def test_checkpoint_vectors_come_out_as_stated(case):
    data, origin = case["note"].encode(), case["origin"]
    verifiers = [Verifier.from_vkey(vkey) for vkey in case["vkeys"]]
    assert outcome(lambda: verify_checkpoint(data, origin, verifiers)) == case["expect"]
    if case["expect"] != "ok":
        assert outcome(lambda: parse_head(case["note"], origin, verifiers)) == case["expect"]
        return
    checkpoint = verify_checkpoint(data, origin, verifiers)
    assert (checkpoint.size, checkpoint.root.hex()) == (case["size"], case["root"])
    assert list(checkpoint.extensions) == case["extensions"]
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint
    assert parse_head(head_of(data, verifiers), origin, verifiers) == checkpoint
    is_head = "ok" if case["is_head"] else "bad-checkpoint"
    assert outcome(lambda: parse_head(case["note"], origin, verifiers)) == is_head


# --- tiles ---


@pytest.mark.parametrize("case", cases("tiles/paths.json"))
def test_path_vectors_come_out_as_stated(case):
    assert outcome(lambda: parse_tile_path(case["path"])) == case["expect"]
    if case["expect"] == "ok":
        tile = parse_tile_path(case["path"])
        assert (tile.level, tile.index, tile.width) == (case["level"], case["index"], case["width"])
        assert tile.path == case["path"]


@pytest.mark.parametrize("case", cases("tiles/sizes.json"))
def test_a_size_has_the_tiles_stated(case):
    levels = []
    for _, group in groupby(tiles_for_size(case["size"]), key=lambda tile: tile.level):
        tiles = list(group)
        assert [tile.index for tile in tiles] == list(range(len(tiles)))
        full = sum(tile.is_full for tile in tiles)
        levels.append({"full": full, "partial": tiles[-1].width % TILE_WIDTH})
        assert len(tiles) == full + bool(tiles[-1].width % TILE_WIDTH)
    assert levels == case["levels"]


@pytest.mark.parametrize("case", cases("tiles/entries.json"))
def test_bundle_vectors_come_out_as_stated(case):
    data = bytes.fromhex(case["data"])
    assert outcome(lambda: decode_entries(data, case["width"])) == case["expect"]
    if case["expect"] == "ok":
        assert decode_entries(data, case["width"]) == tuple(unhex(case["entries"]))
        assert encode_entries(unhex(case["entries"])) == data


# --- texts ---


@pytest.mark.parametrize("case", cases("text/check.json"))
def test_text_vectors_come_out_as_stated(case):
    call = lambda: check_text(case["text"], case["chars_max"], lines=case["lines"])  # noqa: E731
    assert outcome(call) == case["expect"]
    shown = for_terminal(case["text"], lines=case["lines"])
    if case["expect"] == "ok":
        assert shown == case["text"]
    if case["expect"] == "text-control":
        assert shown != case["text"]


@pytest.mark.parametrize("case", cases("text/fold.json"))
def test_search_takes_for_the_same_what_is_stated(case):
    folded = {fold(text) for text in case["texts"]}
    assert len(folded) == (1 if case["expect"] == "same" else 2)
    assert {fold(text) for text in folded} == folded


@pytest.mark.parametrize("case", cases("text/terminal.json"))
def test_a_terminal_is_shown_what_is_stated(case):
    assert for_terminal(case["text"], lines=case["lines"]) == case["shown"]


# --- hours ---


def hours_of(value: Any) -> Hours:
    weekly = tuple(Slot(*slot) for slot in value["weekly"])
    days = tuple(
        ExceptionDay(day, tuple(Span(*span) for span in spans)) for day, spans in value["exceptions"]
    )
    return Hours(value["always"], weekly, days)


@pytest.mark.parametrize("case", cases("hours/hours.json"))
def test_hours_vectors_come_out_as_stated(case):
    assert outcome(lambda: hours_of(case["hours"])) == case["expect"]
    if case["expect"] == "ok":
        hours, zone, at = hours_of(case["hours"]), ZoneInfo(case["zone"]), parse_time(case["at"])
        assert next_open(hours, at, zone) == (parse_time(case["opens"]) if case["opens"] else None)
        assert is_open(hours, at, zone) == (case["opens"] == case["at"])
