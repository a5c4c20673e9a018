"""The Merkle tree against other people's vectors, against a naive tree, and against broken proofs."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache

import pytest

from poc.core import merkle
from poc.core.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from poc.errors import RefusedError
from tests.foreign import foreign_file

LEAVES = [leaf_hash(str(number).encode()) for number in range(300)]


@cache
def naive(start: int, end: int) -> bytes:
    """RFC 6962 2.1, word for word."""
    if end - start == 0:
        return hashlib.sha256(b"").digest()
    if end - start == 1:
        return LEAVES[start]
    split = 1
    while split * 2 < end - start:
        split *= 2
    return node_hash(naive(start, start + split), naive(start + split, end))


def read(level: int, index: int) -> bytes:
    return naive(index << level, (index + 1) << level)


def refused(function, *arguments) -> bool:
    try:
        function(*arguments)
    except RefusedError as error:
        return error.code == "bad-proof"
    return False


def raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_the_98_foreign_vectors_of_each_kind_come_out_as_stated(kind: str) -> None:
    files = sorted(foreign_file("rfc6962", kind).rglob("*.json"))
    assert len(files) == 98
    for file in files:
        case = json.loads(file.read_text())
        proof = [raw(node) for node in case["proof"] or []]
        if kind == "inclusion":
            leaf = case["leafIdx"], case["treeSize"], raw(case["leafHash"])
            wrong = refused(verify_inclusion, *leaf, proof, raw(case["root"]))
        else:
            roots = (raw(case["root1"]), raw(case["root2"]))
            wrong = refused(verify_consistency, case["size1"], case["size2"], *roots, proof)
        assert wrong == case["wantErr"], file.name


def test_the_compact_range_has_the_naive_root_at_every_size() -> None:
    tree = CompactRange()
    assert tree.root() == EMPTY_ROOT == naive(0, 0)
    for size, leaf in enumerate(LEAVES, 1):
        tree = tree.append(leaf)
        assert tree.root() == naive(0, size)


@pytest.mark.parametrize("size", [*range(1, 34), 63, 64, 65, 127, 128, 129, 255, 256, 257, 300])
def test_every_leaf_is_proven_in_and_no_other_leaf_is(size: int) -> None:
    root = naive(0, size)
    for index in range(size):
        proof = inclusion_proof(index, size, read)
        verify_inclusion(index, size, LEAVES[index], proof, root)
        assert refused(verify_inclusion, index, size, LEAVES[(index + 1) % 300], proof, root)
        assert refused(verify_inclusion, index, size, LEAVES[index], (*proof, root), root)
        if proof:
            assert refused(verify_inclusion, index, size, LEAVES[index], proof[1:], root)


@pytest.mark.parametrize("size2", [*range(1, 34), 64, 65, 128, 129, 200, 256, 257, 300])
def test_every_beginning_is_proven_and_no_other_is(size2: int) -> None:
    for size1 in range(1, size2 + 1):
        proof = consistency_proof(size1, size2, read)
        root1, root2 = naive(0, size1), naive(0, size2)
        verify_consistency(size1, size2, root1, root2, proof)
        assert refused(verify_consistency, size1, size2, EMPTY_ROOT, root2, proof)
        assert refused(verify_consistency, size1, size2, root1, EMPTY_ROOT, proof)
        assert refused(verify_consistency, size1, size2, root1, root2, (*proof, root1))
        if len(proof) > 1:
            assert refused(verify_consistency, size1, size2, root1, root2, proof[:-1])


@pytest.mark.parametrize(("size1", "size2"), [(0, 1), (0, 0), (2, 1), (-1, 1), (1, 2**60)])
def test_sizes_that_cannot_be_are_refused(size1: int, size2: int) -> None:
    assert refused(verify_consistency, size1, size2, EMPTY_ROOT, EMPTY_ROOT, [])
    assert refused(consistency_proof, size1, size2, read)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (0, 2**60)])
def test_leaves_that_cannot_be_are_refused(index: int, size: int) -> None:
    assert refused(verify_inclusion, index, size, LEAVES[0], [], LEAVES[0])
    assert refused(inclusion_proof, index, size, read)


def test_an_empty_proof_proves_nothing_between_two_sizes() -> None:
    assert refused(verify_consistency, 1, 2, naive(0, 1), naive(0, 2), [])


def test_a_proof_is_bounded_and_its_hashes_are_32_bytes() -> None:
    root = naive(0, 2)
    assert refused(verify_inclusion, 0, 2, LEAVES[0], [LEAVES[1]] * 64, root)
    assert refused(verify_inclusion, 0, 2, LEAVES[0], [LEAVES[1][:31]], root)
    assert refused(verify_inclusion, 0, 2, LEAVES[0][:31], [LEAVES[1]], root)
    assert refused(CompactRange, 3, (root,))
    assert refused(CompactRange, 1, (root[:31],))


def test_only_complete_subtrees_are_read() -> None:
    def strict(level: int, index: int) -> bytes:
        assert (index + 1) << level <= 11
        return read(level, index)

    for index in range(11):
        inclusion_proof(index, 11, strict)
    for size in range(1, 12):
        consistency_proof(size, 11, strict)
    assert merkle.HASH_BYTES == 32
