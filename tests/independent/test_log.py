"""Trees, notes, checkpoints and bundles against tests/vectors."""

from __future__ import annotations

from tests.independent import merkle, notes, tiles
from tests.independent.basics import RefusedError
from tests.independent.vectors import disagreements


def root_of(case):
    leaves = [merkle.leaf_hash(str(n).encode()) for n in range(case["size"])]
    assert merkle.root(leaves).hex() == case["root"]


def included(case):
    proof = [bytes.fromhex(h) for h in case["proof"]]
    leaf, root = bytes.fromhex(case["leaf"]), bytes.fromhex(case["root"])
    merkle.verify_inclusion(case["index"], case["size"], leaf, proof, root)


def consistent(case):
    proof = [bytes.fromhex(h) for h in case["proof"]]
    roots = bytes.fromhex(case["root1"]), bytes.fromhex(case["root2"])
    merkle.verify_consistency(case["size1"], case["size2"], *roots, proof)


def opened(case):
    note = case["note"] if "note" in case else bytes.fromhex(case["note_hex"])
    text, verified, unknown = notes.open_note(note, [notes.read_vkey(k) for k in case["vkeys"]])
    assert (text, verified, unknown) == (case["text"], case["verified"], case["unknown"])


def checkpoint(case):
    keys = [notes.read_vkey(k) for k in case["vkeys"]]
    found = notes.read_checkpoint(case["origin"], case["note"], keys)
    assert (found.size, found.root.hex(), found.extensions) == (
        case["size"], case["root"], case["extensions"],
    )  # fmt: skip
    try:
        notes.read_head(case["origin"], case["note"], keys)
        is_head = True
    except RefusedError:
        is_head = False
    assert is_head == case["is_head"]


def test_roots_and_proofs_agree():
    assert disagreements("merkle/roots", root_of) == []
    assert disagreements("merkle/inclusion", included) == []
    assert disagreements("merkle/consistency", consistent) == []


def test_notes_and_their_keys_agree():
    assert disagreements("note/vkeys", lambda case: notes.read_vkey(case["vkey"])) == []
    assert disagreements("note/notes", opened) == []


def test_checkpoints_and_heads_agree():
    assert disagreements("checkpoint/checkpoints", checkpoint) == []


def bundle(case):
    entries = tiles.read_bundle(bytes.fromhex(case["data"]), case["width"])
    assert [e.hex() for e in entries] == case["entries"]


def path(case):
    assert tiles.read_path(case["path"]) == (case["level"], case["index"], case["width"])


def test_bundles_and_paths_agree():
    assert disagreements("tiles/entries", bundle) == []
    assert disagreements("tiles/paths", path) == []
