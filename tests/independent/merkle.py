"""Hashes and proofs of the tree, written from docs/spec/log.md."""

from __future__ import annotations

from tests.independent.basics import MAX_INT, refuse_if, sha256


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one leaf."""
    return sha256(b"\0" + entry)


def node(left: bytes, right: bytes) -> bytes:
    """Hash of one node."""
    return sha256(b"\1" + left + right)


def root(hashes: list[bytes]) -> bytes:
    """Root over leaf hashes."""
    if not hashes:
        return sha256(b"")
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node(root(hashes[:k]), root(hashes[k:]))


def _sane(proof: list[bytes], *sizes: int) -> None:
    refuse_if(len(proof) > 63 or any(len(h) != 32 for h in proof), "bad-proof")
    refuse_if(any(not 0 <= size <= MAX_INT for size in sizes), "bad-proof")


def verify_inclusion(index: int, size: int, leaf: bytes, proof: list[bytes], want: bytes) -> None:
    """RFC 9162 2.1.3.2."""
    _sane(proof, index, size)
    refuse_if(index >= size, "bad-proof")
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        refuse_if(sn == 0, "bad-proof")
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    refuse_if(sn != 0 or r != want, "bad-proof")


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: list[bytes]) -> None:
    """RFC 9162 2.1.4.2; between equal sizes nothing is proven but equality."""
    _sane(proof, size1, size2)
    refuse_if(size1 == 0 or size1 > size2, "bad-proof")
    if size1 == size2:
        refuse_if(proof or root1 != root2, "bad-proof")
        return
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else list(proof)
    refuse_if(not proof, "bad-proof")
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        refuse_if(sn == 0, "bad-proof")
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    refuse_if(sn != 0 or fr != root1 or sr != root2, "bad-proof")
