"""The Merkle tree of RFC 6962: leaf and node hashes, a growing root, proofs and their verification.

Everything here works on 32-byte SHA-256 hashes and numbers. What a leaf says, how hashes are kept
or served (``tiles``) and who signed a root (``checkpoint``) is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from poc.errors import RefusedError
from poc.limits import LOG_SIZE_MAX, PROOF_HASHES_MAX

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()

NodeReader = Callable[[int, int], bytes]
"""Gives the hash of the complete subtree at (level, index); level 0 holds the leaf hashes."""


def leaf_hash(data: bytes) -> bytes:
    """Hash one entry as a leaf: SHA-256(0x00 ‖ data) (RFC 6962 2.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into their parent: SHA-256(0x01 ‖ left ‖ right) (RFC 6962 2.1)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class CompactRange:
    """All one must remember of the first ``size`` leaves to go on appending and to know the root.

    ``hashes`` are the roots of the complete subtrees, the largest (leftmost) first: one for each
    set bit of ``size``.

    Raises:
        RefusedError: ``bad-proof`` when the hashes do not fit the size.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a range that no sequence of leaves can have."""
        _check_size(self.size, least=0)
        if len(self.hashes) != self.size.bit_count():
            raise RefusedError("bad-proof", f"{len(self.hashes)} hashes cannot cover {self.size} leaves")
        _check_hashes(self.hashes)

    def append(self, leaf: bytes) -> CompactRange:
        """Give the range one leaf hash longer; this one stays as it is."""
        hashes = list(self.hashes)
        size = self.size
        node = leaf
        while size & 1:
            node = node_hash(hashes.pop(), node)
            size >>= 1
        return CompactRange(self.size + 1, (*hashes, node))

    def root(self) -> bytes:
        """Give the Merkle tree hash of the leaves so far; ``EMPTY_ROOT`` when there are none."""
        return _fold(self.hashes) if self.hashes else EMPTY_ROOT


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf hash stands at ``index`` of the tree of ``size`` with this root (RFC 9162 2.1.3.2).

    Raises:
        RefusedError: ``bad-proof``.
    """
    _check_size(size, least=1)
    if not 0 <= index < size:
        raise RefusedError("bad-proof", f"index {index} is outside a tree of {size}")
    _check_proof(proof)
    _check_hashes((leaf, root))
    fn, sn, node = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            raise RefusedError("bad-proof", "the inclusion proof is too long")
        if fn & 1 or fn == sn:
            node = node_hash(sibling, node)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = node_hash(node, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or node != root:
        raise RefusedError("bad-proof", f"the inclusion proof for leaf {index} does not lead to the root")


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of ``size1`` is the beginning of the tree of ``size2`` (RFC 9162 2.1.4.2).

    Nothing can be proven about the empty tree, so ``size1`` of 0 is refused: callers that start
    from nothing decide that case themselves. Roots at equal sizes are compared as they are.

    Raises:
        RefusedError: ``bad-proof``.
    """
    _check_size(size1, least=1)
    _check_size(size2, least=size1)
    _check_proof(proof)
    if size1 == size2:
        if proof or root1 != root2:
            raise RefusedError(
                "bad-proof", f"two roots differ at the same size {size1}, or the proof is not empty"
            )
        return
    _check_hashes((root1, root2))
    if not proof:
        raise RefusedError("bad-proof", "the consistency proof is empty")
    if _walk_consistency(size1, size2, root1, proof) != (root1, root2):
        raise RefusedError("bad-proof", f"tree {size1} is not shown to be the beginning of tree {size2}")


def _walk_consistency(size1: int, size2: int, root1: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Compute both roots from a proof that is not empty, for sizes that differ."""
    is_power = size1 & (size1 - 1) == 0
    path = (root1, *proof) if is_power else tuple(proof)
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if sn == 0:
            raise RefusedError("bad-proof", "the consistency proof is too long")
        if fn & 1 or fn == sn:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise RefusedError("bad-proof", "the consistency proof is too short")
    return old, new


def inclusion_proof(index: int, size: int, read: NodeReader) -> tuple[bytes, ...]:
    """Compute the audit path of leaf ``index`` in the tree of ``size`` (RFC 6962 2.1.1), leaf side first.

    ``read`` is asked only for complete subtrees inside the first ``size`` leaves.

    Raises:
        RefusedError: ``bad-proof`` when there is no such leaf.
    """
    _check_size(size, least=1)
    if not 0 <= index < size:
        raise RefusedError("bad-proof", f"index {index} is outside a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(middle, end, read))
            end = middle
        else:
            path.append(_range_root(start, middle, read))
            start = middle
    return tuple(reversed(path))


def consistency_proof(size1: int, size2: int, read: NodeReader) -> tuple[bytes, ...]:
    """Compute the proof that tree ``size1`` begins tree ``size2`` (RFC 6962 2.1.2); empty for equal sizes.

    ``read`` is asked only for complete subtrees inside the first ``size2`` leaves.

    Raises:
        RefusedError: ``bad-proof`` when ``size1`` is 0 or larger than ``size2``.
    """
    _check_size(size1, least=1)
    _check_size(size2, least=size1)
    path: list[bytes] = []
    start, end = 0, size2
    while end != size1:
        middle = start + _split(end - start)
        if size1 <= middle:
            path.append(_range_root(middle, end, read))
            end = middle
        else:
            path.append(_range_root(start, middle, read))
            start = middle
    if start > 0:
        path.append(_range_root(start, end, read))
    return tuple(reversed(path))


def tree_root(size: int, read: NodeReader) -> bytes:
    """Compute the root of the first ``size`` leaves; ``read`` is asked for complete subtrees of them only.

    Raises:
        RefusedError: ``bad-proof`` for a size of 0.
    """
    _check_size(size, least=1)
    return _range_root(0, size, read)


def _split(count: int) -> int:
    """Give the largest power of two smaller than ``count`` (which is at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_root(start: int, end: int, read: NodeReader) -> bytes:
    """Hash leaves ``start`` to ``end``; ``start`` is a multiple of the power of two that covers them."""
    hashes: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        hashes.append(read(level, start >> level))
        start += 1 << level
    return _fold(hashes)


def _fold(hashes: Sequence[bytes]) -> bytes:
    """Hash complete subtrees, largest first, into one root."""
    node = hashes[-1]
    for left in reversed(hashes[:-1]):
        node = node_hash(left, node)
    return node


def _check_size(size: int, least: int) -> None:
    if not least <= size <= LOG_SIZE_MAX:
        raise RefusedError("bad-proof", f"a tree size of {size} is not between {least} and {LOG_SIZE_MAX}")


def _check_proof(proof: Sequence[bytes]) -> None:
    if len(proof) > PROOF_HASHES_MAX:
        raise RefusedError(
            "bad-proof", f"{len(proof)} hashes are more than any proof needs ({PROOF_HASHES_MAX})"
        )
    _check_hashes(proof)


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(node) != HASH_BYTES for node in hashes):
        raise RefusedError("bad-proof", f"a hash is not {HASH_BYTES} bytes long")
