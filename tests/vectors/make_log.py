"""Write our own vectors for the log (Merkle tree, notes, checkpoints, tiles), for texts and for hours.

    python tests/vectors/make_log.py

The same files come out each time. Nothing of `poc` is used, so that the files check it: trees and
proofs are the recursive definitions of RFC 6962 word for word, notes are composed here from the
standard library and the crypto library, what must be refused is stated. Keys follow from a label.

It is long because a case is one line and there are many: one table per file, nothing else.
"""

# ruff: noqa: E501 (a case is one line)

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Case = dict[str, Any]

HERE = Path(__file__).resolve().parent
ORIGIN = "example.org/vectors"
DASH = "\u2014"


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# --- the tree ---

LEAVES = [sha(b"\x00", str(number).encode()) for number in range(300)]


def mth(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha(b"")
    k = split(len(leaves))
    return sha(b"\x01", mth(leaves[:k]), mth(leaves[k:]))


def split(n: int) -> int:
    return int(2 ** ((n - 1).bit_length() - 1))


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def root_cases() -> list[Case]:
    sizes = [*range(10), 16, 31, 32, 33, 255, 256, 257, 300]
    return [
        {"name": f"{size} leaves", "size": size, "root": mth(LEAVES[:size]).hex(), "expect": "ok"}
        for size in sizes
    ]


def inclusion(name: str, index: int, size: int, expect: str = "bad-proof", /, **changes: Any) -> Case:
    honest = 0 <= index < size <= len(LEAVES)
    proof = path(index, LEAVES[:size]) if honest else []
    values = {
        "index": index, "size": size, "leaf": LEAVES[max(index, 0) % 300].hex(),
        "proof": [node.hex() for node in proof], "root": mth(LEAVES[: max(size, 0)]).hex(),
    }  # fmt: skip
    return {"name": name, **values, **changes, "expect": expect}


def inclusion_cases() -> list[Case]:
    pairs = [
        (0, 1),
        (0, 2),
        (1, 2),
        (2, 3),
        (0, 7),
        (6, 7),
        (3, 8),
        (5, 11),
        (255, 256),
        (256, 257),
        (123, 300),
        (299, 300),
    ]
    good = [inclusion(f"leaf {index} of {size}", index, size, "ok") for index, size in pairs]
    proof = [node.hex() for node in path(5, LEAVES[:11])]
    flipped = f"{int(proof[0][:2], 16) ^ 1:02x}" + proof[0][2:]
    return [
        *good,
        inclusion("another leaf", 5, 11, leaf=LEAVES[4].hex()),
        inclusion("a neighbour's index", 5, 11, index=4),
        inclusion(
            "another size of the same shape: only a signed checkpoint binds the size", 5, 11, "ok", size=12
        ),
        inclusion("twice the size", 5, 11, size=22),
        inclusion("another root", 5, 11, root=mth(LEAVES[:10]).hex()),
        inclusion("the empty root", 5, 11, root=sha(b"").hex()),
        inclusion("one bit flipped", 5, 11, proof=[flipped, *proof[1:]]),
        inclusion("the first hash missing", 5, 11, proof=proof[1:]),
        inclusion("the last hash missing", 5, 11, proof=proof[:-1]),
        inclusion("one hash more at the end", 5, 11, proof=[*proof, proof[0]]),
        inclusion("one hash more at the start", 5, 11, proof=[proof[0], *proof]),
        inclusion("two hashes swapped", 5, 11, proof=[proof[1], proof[0], *proof[2:]]),
        inclusion("no proof", 5, 11, proof=[]),
        inclusion("a proof for a tree of one", 0, 1, proof=[LEAVES[1].hex()]),
        inclusion("a short hash", 5, 11, proof=[proof[0][:-2], *proof[1:]]),
        inclusion("a long hash", 5, 11, proof=[proof[0] + "00", *proof[1:]]),
        inclusion("a short root", 5, 11, root=mth(LEAVES[:11]).hex()[:-2]),
        inclusion("an empty leaf", 5, 11, leaf=""),
        inclusion("64 hashes", 5, 11, proof=[proof[0]] * 64),
        inclusion("index at the size", 11, 11),
        inclusion("a negative index", -1, 11),
        inclusion("an empty tree", 0, 0),
        inclusion("a negative size", 0, -1),
        inclusion("a size no log has", 0, 1, size=2**53),
    ]


def consistency(name: str, size1: int, size2: int, expect: str = "bad-proof", /, **changes: Any) -> Case:
    proof = subproof(size1, LEAVES[:size2], whole=True) if 0 < size1 <= size2 else []
    values = {
        "size1": size1, "size2": size2, "root1": mth(LEAVES[: max(size1, 0)]).hex(),
        "root2": mth(LEAVES[: max(size2, 0)]).hex(), "proof": [node.hex() for node in proof],
    }  # fmt: skip
    return {"name": name, **values, **changes, "expect": expect}


def consistency_cases() -> list[Case]:
    pairs = [
        (1, 1),
        (1, 2),
        (2, 3),
        (3, 4),
        (3, 7),
        (4, 7),
        (6, 8),
        (7, 8),
        (8, 9),
        (5, 11),
        (128, 300),
        (255, 257),
        (256, 257),
        (299, 300),
        (300, 300),
    ]
    good = [consistency(f"{size1} to {size2}", size1, size2, "ok") for size1, size2 in pairs]
    proof = [node.hex() for node in subproof(5, LEAVES[:11], whole=True)]
    root1, root2 = mth(LEAVES[:5]).hex(), mth(LEAVES[:11]).hex()
    fork = mth([LEAVES[9], *LEAVES[1:5]]).hex()
    return [
        *good,
        consistency("from nothing", 0, 5),
        consistency("from nothing to nothing", 0, 0),
        consistency("back", 11, 5),
        consistency("a forked beginning", 5, 11, root1=fork),
        consistency("another end", 5, 11, root2=mth(LEAVES[:10]).hex()),
        consistency("roots swapped", 5, 11, root1=root2, root2=root1),
        consistency("one leaf more at the start", 5, 11, size1=6),
        consistency("another size of the same shape: only a signed checkpoint binds the size", 5, 11, "ok", size2=12),
        consistency("a size of another shape at the end", 5, 11, size2=17),
        consistency("no proof", 5, 11, proof=[]),
        consistency("no proof from a power of two", 4, 8, proof=[]),
        consistency("the first hash missing", 5, 11, proof=proof[1:]),
        consistency("the last hash missing", 5, 11, proof=proof[:-1]),
        consistency("one hash more at the end", 5, 11, proof=[*proof, root1]),
        consistency("one hash more at the start", 5, 11, proof=[root1, *proof]),
        consistency("the old root put first where it must not be", 4, 7, proof=[mth(LEAVES[:4]).hex(), *(n.hex() for n in subproof(4, LEAVES[:7], whole=True))]),
        consistency("a proof between equal sizes", 5, 5, proof=[root1]),
        consistency("equal sizes, two roots", 5, 5, root2=fork),
        consistency("a short hash", 5, 11, proof=[proof[0][:-2], *proof[1:]]),
        consistency("a short root", 5, 11, root2=root2[:-2]),
        consistency("64 hashes", 5, 11, proof=[proof[0]] * 64),
        consistency("a size no log has", 5, 11, size2=2**53),
    ]  # fmt: skip


# --- notes ---


def key(label: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha(b"poc/1 test key\x00", label.encode()))


def public(label: str) -> bytes:
    return key(label).public_key().public_bytes_raw()


def key_id(name: str, label: str, kind: int = 1) -> bytes:
    return sha(name.encode(), b"\n", bytes([kind]), public(label))[:4]


def vkey(name: str, label: str, kind: int = 1) -> str:
    return f"{name}+{key_id(name, label, kind).hex()}+{b64(bytes([kind]) + public(label))}"


def line(name: str, label: str, text: str, signed: str | None = None) -> str:
    signature = key(label).sign((text if signed is None else signed).encode())
    return f"{DASH} {name} {b64(key_id(name, label) + signature)}\n"


TEXT = "One line of text.\n"
LOG = (ORIGIN, "log vectors")
WITNESS = ("witness.example/w", "witness vectors")


def note_case(
    name: str,
    note: str | bytes,
    expect: str = "bad-note",
    keys: list[tuple[str, str]] | None = None,
    **more: Any,
) -> Case:
    data = note.encode() if isinstance(note, str) else note
    shown: Case = {"note": note} if isinstance(note, str) else {"note_hex": data.hex()}
    return {"name": name, "vkeys": [vkey(*pair) for pair in keys or [LOG]], **shown, **more, "expect": expect}


def note_cases() -> list[Case]:
    good, witness = line(*LOG, TEXT), line(*WITNESS, TEXT)
    signed = f"{TEXT}\n{good}"
    bad = line(*LOG, TEXT, "Another text.\n")
    encoded = good.split(" ")[2].strip()
    twisted = encoded[:-2] + chr(ord(encoded[-2]) + 1) + "=" if encoded.endswith("=") else encoded
    many = "".join(line(f"k{n}.example", f"k{n}", TEXT) for n in range(16))
    return [
        note_case("one signature", signed, "ok", text=TEXT, verified=[ORIGIN], unknown=[]),
        note_case(
            "an unknown key beside it",
            signed + witness,
            "ok",
            text=TEXT,
            verified=[ORIGIN],
            unknown=[WITNESS[0]],
        ),
        note_case(
            "two known keys",
            signed + witness,
            "ok",
            [LOG, WITNESS],
            text=TEXT,
            verified=[ORIGIN, WITNESS[0]],
            unknown=[],
        ),
        note_case(
            "the same line twice counts once", signed + good, "ok", text=TEXT, verified=[ORIGIN], unknown=[]
        ),
        note_case(
            "16 other signatures",
            f"{TEXT}\n{many}{good}",
            "ok",
            text=TEXT,
            verified=[ORIGIN],
            unknown=[f"k{n}.example" for n in range(16)],
        ),
        note_case(
            "16 known keys",
            f"{TEXT}\n{many}",
            "ok",
            [(f"k{n}.example", f"k{n}") for n in range(16)],
            text=TEXT,
            verified=[f"k{n}.example" for n in range(16)],
            unknown=[],
        ),
        note_case(
            "an empty line in the text",
            "a\n\nb\n\n" + line(*LOG, "a\n\nb\n"),
            "ok",
            text="a\n\nb\n",
            verified=[ORIGIN],
            unknown=[],
        ),
        note_case(
            "a text that is one empty line",
            "\n\n" + line(*LOG, "\n"),
            "ok",
            text="\n",
            verified=[ORIGIN],
            unknown=[],
        ),
        note_case(
            "a signature line inside the text",
            f"{signed}\n{line(*LOG, signed)}",
            "ok",
            text=signed,
            verified=[ORIGIN],
            unknown=[],
        ),
        note_case(
            "a text beyond ASCII",
            "نص\n\n" + line(*LOG, "نص\n"),
            "ok",
            text="نص\n",
            verified=[ORIGIN],
            unknown=[],
        ),
        note_case(
            "an unknown key of the known name",
            signed + line(ORIGIN, "another", TEXT),
            "ok",
            text=TEXT,
            verified=[ORIGIN],
            unknown=[ORIGIN],
        ),
        note_case(
            "a known key id under another name",
            signed + good.replace(ORIGIN, "other.example"),
            "ok",
            text=TEXT,
            verified=[ORIGIN],
            unknown=["other.example"],
        ),
        note_case(
            "an unknown signature of five bytes",
            f"{signed}{DASH} short.example {b64(bytes(5))}\n",
            "ok",
            text=TEXT,
            verified=[ORIGIN],
            unknown=["short.example"],
        ),
        note_case("only unknown keys", f"{TEXT}\n{witness}", "unsigned-note"),
        note_case("a bad signature", f"{TEXT}\n{bad}", "bad-signature"),
        note_case("a bad signature after a good one of the same key", signed + bad, "bad-signature"),
        note_case(
            "a bad signature beside another key's good one",
            f"{TEXT}\n{witness}{bad}",
            "bad-signature",
            [LOG, WITNESS],
        ),
        note_case("a changed text", signed.replace("One", "Two"), "bad-signature"),
        note_case("a space more in the text", signed.replace("text.", "text. "), "bad-signature"),
        note_case(
            "a known key's signature of 63 bytes",
            f"{TEXT}\n{DASH} {ORIGIN} {b64(key_id(*LOG) + bytes(63))}\n",
            "bad-signature",
        ),
        note_case(
            "a known key's signature of 65 bytes",
            f"{TEXT}\n{DASH} {ORIGIN} {b64(key_id(*LOG) + bytes(65))}\n",
            "bad-signature",
        ),
        note_case("nothing", ""),
        note_case("no signatures", TEXT),
        note_case("no signatures after the empty line", TEXT + "\n"),
        note_case("no empty line", TEXT + good),
        note_case("an empty line after the signatures", signed + "\n"),
        note_case("no newline at the end", signed[:-1]),
        note_case("a carriage return", signed.replace("\n", "\r\n")),
        note_case("a tab", signed.replace("One line", "One\tline")),
        note_case("a NUL", signed.replace("One line", "One\x00line")),
        note_case("an escape", signed.replace("One line", "One\x1bline")),
        note_case("not UTF-8", signed.encode().replace(b"One", b"\xff")),
        note_case("a surrogate in UTF-8", signed.encode().replace(b"One", b"\xed\xa0\x80")),
        note_case("an overlong form", signed.encode().replace(b"One", b"\xc1\x81")),
        note_case("a hyphen for the dash", signed.replace(DASH, "-")),
        note_case("an en dash", signed.replace(DASH, "\u2013")),
        note_case("no space after the dash", signed.replace(DASH + " ", DASH)),
        note_case("a space before the dash", signed.replace(DASH, " " + DASH)),
        note_case("two spaces before the signature", signed.replace(ORIGIN + " ", ORIGIN + "  ")),
        note_case("a space at the end of the line", signed[:-1] + " \n"),
        note_case("no name", signed.replace(ORIGIN, "")),
        note_case("a plus in the name", signed + line("a+b", "plus", TEXT)),
        note_case("a no-break space in the name", signed + line("a\u00a0b", "space", TEXT)),
        note_case("an ideographic space in the name", signed + line("a\u3000b", "space", TEXT)),
        note_case("no signature after the name", f"{TEXT}\n{DASH} {ORIGIN}\n"),
        note_case("an empty signature", f"{TEXT}\n{DASH} {ORIGIN} \n"),
        note_case("a signature of the key id only", f"{signed}{DASH} other.example {b64(bytes(4))}\n"),
        note_case("no padding", f"{TEXT}\n{DASH} {ORIGIN} {b64(key_id(*LOG) + bytes(64)).rstrip('=')}\n"),
        note_case("spare bits that are not zero", f"{TEXT}\n{DASH} {ORIGIN} {twisted}\n"),
        note_case(
            "base64url",
            f"{TEXT}\n{DASH} other.example {base64.urlsafe_b64encode(b'xxxx' + bytes([251] * 65)).decode()}\n",
        ),
        note_case("a line that is no signature", signed + "x\n"),
        note_case("65 signatures", f"{TEXT}\n{good * 65}", "too-large"),
    ]


def vkey_cases() -> list[Case]:
    good = vkey(*LOG)
    name, hexa, key64 = good.split("+", 2)
    low = bytes(32)
    low_id = sha(b"low\n\x01", low)[:4].hex()
    beyond = (2**255 - 18).to_bytes(32, "little")
    beyond_id = sha(b"low\n\x01", beyond)[:4].hex()
    rows = [
        ("a key", good, "ok"),
        ("a name beyond ASCII", vkey("مثال/سجل", "log vectors"), "ok"),
        ("nothing", "", "bad-vkey"),
        ("no key", f"{name}+{hexa}", "bad-vkey"),
        ("an empty key", f"{name}+{hexa}+", "bad-vkey"),
        ("no name", vkey("", "log vectors"), "bad-vkey"),
        ("a space in the name", vkey("a b", "log vectors"), "bad-vkey"),
        ("a newline in the name", vkey("a\nb", "log vectors"), "bad-vkey"),
        ("a control in the name", vkey("a\x01b", "log vectors"), "bad-vkey"),
        ("another name", f"other+{hexa}+{key64}", "bad-vkey"),
        ("another key id", f"{name}+{'0' * 8}+{key64}", "bad-vkey"),
        ("an upper-case key id", f"{name}+{hexa[:6]}AB+{key64}", "bad-vkey"),
        ("a short key id", f"{name}+{hexa[:7]}+{key64}", "bad-vkey"),
        ("a long key id", f"{name}+{hexa}0+{key64}", "bad-vkey"),
        ("no padding", f"low+{low_id}+{b64(bytes([1]) + low).rstrip('=')}A", "bad-vkey"),
        ("a space after", good + " ", "bad-vkey"),
        ("a newline after", good + "\n", "bad-vkey"),
        ("a key of 31 bytes", f"low+{sha(bytes([0x6C, 0x6F, 0x77, 10, 1]), bytes(31))[:4].hex()}+{b64(bytes([1]) + bytes(31))}", "bad-vkey"),
        ("a key of low order", f"low+{low_id}+{b64(bytes([1]) + low)}", "bad-key"),
        ("a key beyond the field", f"low+{beyond_id}+{b64(bytes([1]) + beyond)}", "bad-key"),
        ("ECDSA", vkey(name, "log vectors", 2), "unknown-algorithm"),
        ("a type not assigned", vkey(name, "log vectors", 0x7F), "unknown-algorithm"),
        ("the type without an identifier", vkey(name, "log vectors", 0xFF), "unknown-algorithm"),
    ]  # fmt: skip
    return [{"name": name, "vkey": text, "expect": expect} for name, text, expect in rows]


# --- checkpoints ---


def checkpoint_cases() -> list[Case]:
    root, empty = b64(mth(LEAVES[:11])), b64(sha(b""))
    body = f"{ORIGIN}\n11\n{root}\n"
    spare = chr(ord(root[42]) + 1)

    def case(
        name: str,
        text: str,
        expect: str = "bad-checkpoint",
        signers: list[tuple[str, str]] | None = None,
        **more: Any,
    ) -> Case:
        note = f"{text}\n" + "".join(line(*signer, text) for signer in signers or [LOG])
        verifiers = [vkey(*LOG), vkey(*WITNESS)]
        return {"name": name, "origin": ORIGIN, "vkeys": verifiers, "note": note, **more, "expect": expect}

    return [
        case("a checkpoint", body, "ok", size=11, root=mth(LEAVES[:11]).hex(), extensions=[], is_head=True),
        case("an empty log", f"{ORIGIN}\n0\n{empty}\n", "ok", size=0, root=sha(b"").hex(), extensions=[], is_head=True),
        case("extension lines", f"{body}ext 1\next 2\n", "ok", size=11, root=mth(LEAVES[:11]).hex(), extensions=["ext 1", "ext 2"], is_head=True),
        case("the largest size", body.replace("\n11\n", f"\n{2**53 - 1}\n"), "ok", size=2**53 - 1, root=mth(LEAVES[:11]).hex(), extensions=[], is_head=True),
        case("with a witness", body, "ok", [LOG, WITNESS], size=11, root=mth(LEAVES[:11]).hex(), extensions=[], is_head=False),
        case("with an unknown key of the log", body, "ok", [LOG, (ORIGIN, "a newer key")], size=11, root=mth(LEAVES[:11]).hex(), extensions=[], is_head=True),
        case("by a witness only", body, "unsigned-note", [WITNESS]),
        case("by an unknown key only", body, "unsigned-note", [(ORIGIN, "a newer key")]),
        case("of another log", body.replace("vectors", "other"), "wrong-origin"),
        case("an origin in another case", body.replace("vectors", "Vectors"), "wrong-origin"),
        case("a space after the origin", body.replace(ORIGIN, ORIGIN + " "), "wrong-origin"),
        case("one size too large", body.replace("\n11\n", f"\n{2**53}\n")),
        case("a size of 30 digits", body.replace("\n11\n", f"\n{10**29}\n")),
        case("a leading zero", body.replace("\n11\n", "\n011\n")),
        case("zero written twice", f"{ORIGIN}\n00\n{empty}\n"),
        case("a plus sign", body.replace("\n11\n", "\n+11\n")),
        case("a minus sign", body.replace("\n11\n", "\n-11\n")),
        case("hexadecimal", body.replace("\n11\n", "\n0xb\n")),
        case("a point", body.replace("\n11\n", "\n11.0\n")),
        case("an underscore", body.replace("\n11\n", "\n1_1\n")),
        case("a space before the size", body.replace("\n11\n", "\n 11\n")),
        case("Arabic digits", body.replace("\n11\n", "\n\u0661\u0661\n")),
        case("no size", f"{ORIGIN}\n{root}\n"),
        case("an empty size", body.replace("\n11\n", "\n\n")),
        case("an empty origin", f"\n11\n{root}\n"),
        case("an empty extension line", f"{body}\next\n"),
        case("no root", f"{ORIGIN}\n11\n"),
        case("a root without padding", body.replace("=", "")),
        case("a root with spare bits", body.replace(root, root[:42] + spare + "=")),
        case("a root of 31 bytes", f"{ORIGIN}\n11\n{b64(bytes(31))}\n"),
        case("a root of 33 bytes", f"{ORIGIN}\n11\n{b64(bytes(33))}\n"),
        case("a root in hexadecimal", f"{ORIGIN}\n11\n{mth(LEAVES[:11]).hex()}\n"),
        case("another root for the empty log", f"{ORIGIN}\n0\n{root}\n"),
    ]  # fmt: skip


def cosignature_cases() -> list[Case]:
    seed = hashlib.sha256(b"cosignature vectors").digest()
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    name = "jo.witness"
    ident = sha(name.encode(), b"\n\x04", public)[:4]
    text = f"{ORIGIN}\n11\n{b64(mth(LEAVES[:11]))}\n"

    def case(
        title: str,
        expect: str,
        at: int,
        *,
        message: bytes | None = None,
        stated: int | None = None,
        body: str = text,
        cut: int = 0,
    ) -> Case:
        signed = b"cosignature/v1\ntime %d\n" % at + body.encode() if message is None else message
        data = (at if stated is None else stated).to_bytes(8, "big") + private.sign(signed)
        note = f"{body}\n{DASH} {name} {b64(ident + data[: len(data) - cut])}\n"
        vkey = f"{name}+{ident.hex()}+{b64(bytes([4]) + public)}"
        return {
            "name": title,
            "label": "cosignature vectors",
            "vkey": vkey,
            "note": note,
            "at": at,
            "expect": expect,
        }

    at = 1763985600
    return [
        case("a cosignature", "ok", at),
        case("with extension lines", "ok", at, body=text + "ext 1\n"),
        case("at the time 0", "ok", 0),
        case("at the largest time", "ok", 2**63 - 1),
        case("one second beyond it", "bad-signature", 2**63),
        case("another time than the one signed", "bad-signature", at, stated=at + 1),
        case("over the text alone", "bad-signature", at, message=text.encode()),
        case("without the header line", "bad-signature", at, message=b"time %d\n" % at + text.encode()),
        case("a time with a leading zero", "bad-signature", at, message=b"cosignature/v1\ntime 0%d\n" % at + text.encode()),
        case("over another text", "bad-signature", at, message=b"cosignature/v1\ntime %d\n" % at + text.replace("11", "12").encode()),
        case("extension lines not signed", "bad-signature", at, body=text + "ext\n", message=b"cosignature/v1\ntime %d\n" % at + text.encode()),
        case("cut off", "bad-signature", at, cut=8),
    ]  # fmt: skip


# --- tiles ---


def tile_path_cases() -> list[Case]:
    good: list[tuple[str, int | None, int, int]] = [
        ("tile/0/000", 0, 0, 256), ("tile/0/001.p/1", 0, 1, 1), ("tile/0/x001/234.p/5", 0, 1234, 5),
        ("tile/1/x001/x234/067", 1, 1234067, 256), ("tile/63/000.p/255", 63, 0, 255), ("tile/9/999", 9, 999, 256),
        ("tile/0/x001/000", 0, 1000, 256), ("tile/entries/000", None, 0, 256), ("tile/entries/x123/456.p/99", None, 123456, 99),
        ("tile/0/x009/x007/x199/x254/x740/991", 0, 2**53 - 1, 256),
    ]  # fmt: skip
    bad = [
        "", "tile", "tile/", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile//000", "tiles/0/000", "TILE/0/000",
        "tile/64/000", "tile/99/000", "tile/100/000", "tile/00/000", "tile/01/000", "tile/-1/000", "tile/+1/000", "tile/a/000", "tile/0x1/000",
        "tile/\u0661/000", "tile/0/\u0660\u0660\u0660", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/1234", "tile/0/abc", "tile/0/-01",
        "tile/0/x000", "tile/0/x001", "tile/0/x001/x002", "tile/0/001/002", "tile/0/x000/001", "tile/0/x000/x001/002", "tile/0/X001/002", "tile/0/x01/002", "tile/0/x0001/002",
        "tile/0/x001/..", "tile/0/../000", "tile/../0/000", "tile/0/./000", "tile/0/%2e%2e", "tile/0/00%30", "tile/0%2f000", "tile/0\\000",
        "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/00", "tile/0/000.p/01", "tile/0/000.p/256", "tile/0/000.p/257", "tile/0/000.p/999", "tile/0/000.p/1000",
        "tile/0/000.p/-1", "tile/0/000.p/1/", "tile/0/000.p/1.p/1", "tile/0/x001.p/1/002", "tile/0/000.P/1", "tile/0/000/p/1", "tile/0/000p/1", "tile/0/000.p/\u0661",
        "tile/entries", "tile/entries/0", "tile/Entries/000", "tile/data/000", "tile/entries/0/000", "tile/0/000\n", " tile/0/000", "tile/0/000 ", "tile/0/000?x", "tile/0/000#", "tile/0/000\x00",
        "tile/0/x009/x007/x199/x254/x740/992", "tile/0/" + "x999/" * 6 + "999", "tile/0/" + "x999/" * 7 + "999",
    ]  # fmt: skip
    return [
        *(
            {"name": text, "path": text, "level": level, "index": index, "width": width, "expect": "ok"}
            for text, level, index, width in good
        ),
        *({"name": ascii(text), "path": text, "expect": "bad-tile"} for text in bad),
    ]


def tile_size_cases() -> list[Case]:
    """Per level: how many full tiles there are, and the width of the partial one (0: none)."""
    rows = []
    for size in (0, 1, 255, 256, 257, 511, 512, 65535, 65536, 65537, 70000):
        levels, count = [], size
        while count:
            levels.append({"full": count // 256, "partial": count % 256})
            count //= 256
        rows.append({"name": f"{size} leaves", "size": size, "levels": levels, "expect": "ok"})
    return rows


def bundle_cases() -> list[Case]:
    def packed(*entries: bytes) -> bytes:
        return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)

    def case(name: str, data: bytes, width: int, *entries: bytes) -> Case:
        read = {"entries": [entry.hex() for entry in entries]} if entries else {}
        return {
            "name": name,
            "width": width,
            "data": data.hex(),
            **read,
            "expect": "ok" if entries else "bad-tile",
        }

    two = packed(b"one", b"two")
    return [
        case("one entry", packed(b"one"), 1, b"one"),
        case("two entries", two, 2, b"one", b"two"),
        case("an empty entry", packed(b"", b"x"), 2, b"", b"x"),
        case("a full bundle", packed(*[b"e"] * 256), 256, *[b"e"] * 256),
        case("an entry of 300 bytes", packed(b"x" * 300), 1, b"x" * 300),
        case("fewer entries", two, 3),
        case("more entries", two, 1),
        case("nothing", b"", 1),
        case("half a length", b"\x00", 1),
        case("a length only", b"\x00\x01", 1),
        case("the last byte missing", two[:-1], 2),
        case("one byte more", two + b"\x00", 2),
        case("lengths in little-endian", b"\x03\x00one", 1),
    ]


# --- texts ---

NAMES = """
وزارة الخارجية وشؤون المغتربين | المركز الوطني للأمن السيبراني | دولة فلسطين | المملكة الأردنية الهاشمية | جمهورية مصر العربية | سلطنة عُمان
المملكة العربية السعودية | مكتب الاتصال، الطابق ٣ | إدارة الأزمات (٢٤ ساعة) | الجمهورية الجزائرية الديمقراطية الشعبية | جُمهوريّة القُمُر المتّحدة | مؤسَّسة الاتصالات
وزارت امور خارجه | مرکز ماهر | می‌خواهم | خانه‌ها | کارگروه‌های ملی | جمهوری اسلامی ایران | نمی‌دانم
وزارتِ خارجہ | اسلام آباد | پاکستان | قومی مرکز برائے سائبر سیکیورٹی | دفترِ رابطہ
كۆماری عێراق | وه‌زاره‌تی ده‌ره‌وه | د بهرنیو چارو وزارت
משרד החוץ | מערך הסייבר הלאומי | תל־אביב | ד״ר כהן | בְּרֵאשִׁית
विदेश मंत्रालय | क्‍ष | राष्ट्रीय साइबर सुरक्षा | नेपाल सरकार | र्‍याक
বাংলাদেশ | র‍্যাব | পররাষ্ট্র মন্ত্রণালয় | শ্রীলঙ্কা
ශ්‍රී ලංකා | විදේශ කටයුතු අමාත්‍යාංශය | இலங்கை | தமிழ்நாடு | తెలంగాణ | క్‌ష | ಕರ್ನಾಟಕ | ರ‍್ಯಾಂಕ್ | മലയാളം | കേരളം | ગુજરાત | ਪੰਜਾਬ | ଓଡ଼ିଶା
ދިވެހިރާއްޖެ | འབྲུག་ཡུལ་ | မြန်မာနိုင်ငံ | ราชอาณาจักรไทย | ລາວ | ព្រះរាជាណាចក្រកម្ពុជា
外交部 | 国家互联网应急中心 | 中华人民共和国 | 外務省 | 日本国 | 葛󠄀城市 | 内閣サイバーセキュリティセンター | ガーナ | 외교부 | 대한민국 | 臺北 | 𠮷野家
Министерство иностранных дел | Российская Федерация | Україна | Қазақстан | Кыргызстан | Монгол улс | България | Йошкар-Ола | Ўзбекистон
Ministère de l’Europe et des Affaires étrangères | Côte d'Ivoire | Œuvres | Société : « Liaison » | São Tomé e Príncipe | España | Türkiye | İstanbul
Österreich | Straße | Ísland | Česká republika | Łódź | Latvija | Āzija | Éire | Norge | Ærø | Đà Nẵng | Việt Nam | Oʻzbekiston | Kraków
Ελλάδα | Κύπρος | Հայաստան | საქართველო | ኢትዮጵያ | ⵍⵎⵖⵔⵉⴱ | Nsɛmpa | Hawaiʻi
CERT-XX (24/7) | Desk 07 | +962 6 500 0000 | “JO-TECH” – duty | A/RES/75/240 | ⚠️ desk | ½ day
"""

FORMAT_POINTS = [
    *range(0x20), *range(0x7F, 0xA0), 0xAD, *range(0x600, 0x606), 0x61C, 0x6DD, 0x70F, 0x890, 0x8E2, 0x180E,
    0x200B, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFC),
    0x110BD, 0x13430, 0x1BCA0, 0x1D173, 0xE0001, 0xE0020, 0xE007F,
    0xD800, 0xDFFF, 0xE000, 0xF8FF, 0xF0000, 0x10FFFD, 0xFFFE, 0xFFFF, 0x10FFFF, 0x0378, 0x1FAE8,
    0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180F, 0x3164, 0xFFA0, 0xFE00, 0xFE0F, 0xE0100,
]  # fmt: skip


def name_list() -> list[str]:
    return [name.strip() for row in NAMES.strip().splitlines() for name in row.split("|")]


def check_cases() -> list[Case]:
    def case(name: str, text: str, expect: str, chars_max: int = 200, *, lines: bool = False) -> Case:
        return {"name": name, "text": text, "chars_max": chars_max, "lines": lines, "expect": expect}

    control = "text-control"
    return [
        *(case(name, name, "ok") for name in name_list()),
        *(case(f"U+{point:04X} {where}", template.format(chr(point)), control)
          for point in FORMAT_POINTS
          for where, template in (("first", "{}name"), ("inside", "na{}me"), ("last", "name{}"), ("in Arabic", "اس{}م"))),
        case("as long as may be", "x" * 10, "ok", 10),
        case("one too long", "x" * 11, "text-too-long", 10),
        case("counted in code points", "𠮷" * 10, "ok", 10),
        case("too long before anything else", "\x00" * 11, "text-too-long", 10),
        case("nothing", "", "text-empty"),
        case("a space", " ", "text-empty"),
        case("spaces of other kinds", "\u00a0\u3000\u2003", "text-empty"),
        case("a line break only", "\n", "text-empty", lines=True),
        case("two lines", "one\ntwo", "ok", lines=True),
        case("two lines where one is due", "one\ntwo", control),
        case("a carriage return in lines", "one\r\ntwo", control, lines=True),
        case("a tab in lines", "one\ttwo", control, lines=True),
        case("e and an acute apart", "Cafe\u0301", "text-not-nfc"),
        case("alef and madda apart", "\u0627\u0653سيا", "text-not-nfc"),
        case("hangul in parts", "\u1112\u1161\u11ab", "text-not-nfc"),
        case("the ohm sign", "\u2126", "text-not-nfc"),
        case("marks out of order", "ش\u0651\u064b", "text-not-nfc"),
        case("ZWNJ first", "\u200cمی", control),
        case("ZWNJ last", "می\u200c", control),
        case("ZWNJ by itself", "\u200c", control),
        case("two ZWNJ", "می\u200c\u200cخ", control),
        case("ZWNJ and ZWJ", "می\u200c\u200dخ", control),
        case("ZWNJ before a space", "می\u200c خ", control),
        case("ZWNJ after a space", "می \u200cخ", control),
        case("ZWNJ between Latin letters", "a\u200cb", control),
        case("ZWJ between Latin letters", "a\u200db", control),
        case("ZWNJ between scripts", "a\u200cخ", control),
        case("ZWNJ between scripts that both have it", "क\u200cخ", control),
        case("ZWNJ between digits", "۱\u200c۲", control),
        case("ZWNJ before an Arabic comma", "می\u200c،", control),
        case("ZWNJ before a vowel sign", "می\u200c\u064bخ", control),
        case("ZWNJ in Cyrillic", "д\u200cа", control),
        case("ZWNJ in Han", "中\u200c国", control),
        case("ZWJ in Hebrew", "מ\u200dה", control),
        case("ZWJ between emoji", "\U0001f468\u200d\U0001f469", control),
        case("ZWNJ after a vowel sign", "مِ\u200cخ", "ok"),
        case("an emoji selector after a letter", "a\ufe0f", control),
        case("an emoji selector after a digit", "1\ufe0f", control),
        case("an ideographic selector after kana", "か\U000e0100", control),
        case("two selectors", "葛\U000e0100\U000e0100", control),
    ]  # fmt: skip


def fold_cases() -> list[Case]:
    """Groups that a search takes for the same, and pairs it keeps apart."""
    same = [
        ["فِلَسْطين", "فلسطين", "فلســطين"], ["الأردن", "الاردن", "ٱلأُردُنّ"], ["إمارات", "امارات", "أمارات"], ["آسيا", "اسيا"],
        ["الجمهورية", "الجمهوريه", "الجمهوریة"], ["مستشفى", "مستشفي", "مستشفی"], ["مسؤول", "مسوول"], ["طوارئ", "طواري"], ["هيئة", "هييه"],
        ["وزراء", "وزرا"], ["مرکز", "مركز"], ["وزارتِ خارجہ", "وزارت خارجه", "وزارت خارجة"], ["می‌خواهم", "میخواهم"], ["شُؤُون", "شوون"],
        ["État de Palestine", "etat de palestine", "ETAT DE PALESTINE", "E\u0301tat  de Palestine"], ["Côte d’Ivoire", "cote d'ivoire", "COTE DIVOIRE"],
        ["Straße", "STRASSE", "strasse"], ["Łódź", "lodz"], ["Ærø", "aero"], ["Đà Nẵng", "da nang"], ["İstanbul", "istanbul", "ISTANBUL", "ıstanbul"],
        ["São Tomé e Príncipe", "sao tome e principe"], ["Guinea-Bissau", "guinea bissau", "Guinea–Bissau"], ["Sanaʿa", "Sana'a", "sanaa"],
        ["Ёлка", "елка"], ["Ελλάδα", "ΕΛΛΆΔΑ", "ελλαδα"], ["בְּרֵאשִׁית", "בראשית"], ["תל־אביב", "תל אביב"],
        ["+٩٦٢ ٦ ٥", "+962 6 5", "+۹۶۲ ۶ ۵", "＋９６２ ６ ５"], ["ＣＥＲＴ", "cert"], ["ﻓﻠﺴﻄﻴﻦ", "فلسطين"], ["㎏", "kg"], ["葛󠄀城", "葛城"], [" a  b ", "a b"],
        ["ガーナ", "ｶﾞｰﾅ"], ["خانۃ", "خانۀ", "خانۂ", "خانه"], ["a\u2015b", "a b"], ["한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"],
    ]  # fmt: skip
    apart = [
        ["عمان", "عمار"], ["Iran", "Iraq"], ["12", "13"], ["कल", "कुल"], ["कि", "की"], ["ガ", "カ"], ["は", "ば"], ["Мир", "Мор"], ["国", "中"], ["มา", "มี"], ["a b", "ab"],
    ]  # fmt: skip
    return [
        *({"name": group[0], "texts": group, "expect": "same"} for group in same),
        *({"name": " / ".join(pair), "texts": pair, "expect": "apart"} for pair in apart),
    ]


def terminal_cases() -> list[Case]:
    rows = [
        ("plain", "A name, نص 中 é", "A name, نص 中 é", False),
        ("a colour", "\x1b[31mred\x1b[0m", "\\u{001b}[31mred\\u{001b}[0m", False),
        ("a C1 control sequence", "\x9b31m", "\\u{009b}31m", False),
        ("a bell and a backspace", "\x07\x08", "\\u{0007}\\u{0008}", True),
        ("an override", "exe\u202efdp", "exe\\u{202e}fdp", False),
        ("isolates", "\u2066a\u2069", "\\u{2066}a\\u{2069}", False),
        ("a zero-width space", "a\u200bb", "a\\u{200b}b", False),
        ("a joiner where none belongs", "a\u200db", "a\\u{200d}b", False),
        ("a joiner a name needs", "می\u200cخواهم", "می\u200cخواهم", False),
        ("a line break", "a\nb", "a\\u{000a}b", False),
        ("a line break among lines", "a\nb", "a\nb", True),
        ("a carriage return among lines", "a\rb", "a\\u{000d}b", True),
        ("a line separator", "a\u2028b", "a\\u{2028}b", True),
        ("a lone surrogate", "a\ud800b", "a\\u{d800}b", False),
        ("a tag", "a\U000e0041b", "a\\u{e0041}b", False),
        ("a filler", "a\u3164b", "a\\u{3164}b", False),
        ("a backslash stays", "a\\u{202e}", "a\\u{202e}", False),
        ("nothing", "", "", False),
    ]
    return [
        {"name": name, "text": text, "lines": lines, "shown": shown, "expect": "ok"}
        for name, text, shown, lines in rows
    ]


# --- hours ---


def hours_cases() -> list[Case]:
    def week(days: str, opened: str, closed: str) -> list[list[str]]:
        return [[day, opened, closed] for day in days.split()]

    office = {"always": False, "weekly": week("sun mon tue wed thu", "08:00", "16:00"), "exceptions": []}
    duty = {"always": True, "weekly": [], "exceptions": []}
    gulf = {
        "always": False,
        "weekly": [*week("mon tue wed thu", "07:30", "15:30"), ["fri", "07:30", "12:00"]],
        "exceptions": [],
    }
    night = {
        "always": False,
        "weekly": [["thu", "20:00", "24:00"], ["fri", "00:00", "06:00"]],
        "exceptions": [],
    }
    never = {"always": False, "weekly": [], "exceptions": []}
    eid = {**office, "exceptions": [["2026-05-27", []], ["2026-05-28", [["10:00", "12:00"]]]]}

    def case(name: str, hours: Case, zone: str, at: str, opens: str | None) -> Case:
        """`opens` is the next opening; the office is open at `at` if and only if the two are equal."""
        return {"name": name, "hours": hours, "zone": zone, "at": at, "opens": opens, "expect": "ok"}

    def refused(name: str, **changes: Any) -> Case:
        return {"name": name, "hours": {**never, **changes}, "expect": "bad-hours"}

    amman, cairo, dubai, rabat = "Asia/Amman", "Africa/Cairo", "Asia/Dubai", "Africa/Casablanca"
    return [
        case("Amman is at +3 the year round: opening", office, amman, "2026-11-24T05:00:00Z", "2026-11-24T05:00:00Z"),
        case("a second before opening", office, amman, "2026-11-24T04:59:59Z", "2026-11-24T05:00:00Z"),
        case("the last second", office, amman, "2026-11-24T12:59:59Z", "2026-11-24T12:59:59Z"),
        case("at closing", office, amman, "2026-11-24T13:00:00Z", "2026-11-25T05:00:00Z"),
        case("Thursday evening to Sunday", office, amman, "2026-11-26T13:00:00Z", "2026-11-29T05:00:00Z"),
        case("Friday noon in Dubai", gulf, dubai, "2026-11-27T08:00:00Z", "2026-11-30T03:30:00Z"),
        case("Friday morning in Dubai", gulf, dubai, "2026-11-27T07:59:59Z", "2026-11-27T07:59:59Z"),
        case("Saturday in Dubai", gulf, dubai, "2026-11-28T09:00:00Z", "2026-11-30T03:30:00Z"),
        case("the day at the office counts, not in UTC", gulf, dubai, "2026-11-29T23:00:00Z", "2026-11-30T03:30:00Z"),
        case("around the clock", duty, cairo, "2026-04-23T22:30:00Z", "2026-04-23T22:30:00Z"),
        case("never", never, cairo, "2026-04-23T22:30:00Z", None),
        case("before a holiday", eid, amman, "2026-05-26T13:00:00Z", "2026-05-28T07:00:00Z"),
        case("in a shorter day", eid, amman, "2026-05-28T08:59:59Z", "2026-05-28T08:59:59Z"),
        case("after a shorter day", eid, amman, "2026-05-28T09:00:00Z", "2026-05-31T05:00:00Z"),
        case("a holiday of a desk around the clock", {**duty, "exceptions": [["2026-11-24", []]]}, amman, "2026-11-24T10:00:00Z", "2026-11-24T21:00:00Z"),
        case("an opening far away", {**never, "exceptions": [["2027-11-20", [["09:00", "10:00"]]]]}, amman, "2026-11-24T10:00:00Z", "2027-11-20T06:00:00Z"),
        case("an opening too far away", {**never, "exceptions": [["2027-12-20", [["09:00", "10:00"]]]]}, amman, "2026-11-24T10:00:00Z", None),
        case("Cairo, summer", office, cairo, "2026-07-06T04:00:00Z", "2026-07-06T05:00:00Z"),
        case("Cairo, winter", office, cairo, "2026-12-07T04:00:00Z", "2026-12-07T06:00:00Z"),
        case("a night shift over Cairo's spring change", night, cairo, "2026-04-23T21:59:59Z", "2026-04-23T21:59:59Z"),
        case("the same, a second later", night, cairo, "2026-04-23T22:00:00Z", "2026-04-23T22:00:00Z"),
        case("it ends an hour of real time earlier", night, cairo, "2026-04-24T03:00:00Z", "2026-04-30T17:00:00Z"),
        case("an opening inside the skipped hour comes when the clock does", {**never, "weekly": [["fri", "00:30", "02:00"]]}, cairo, "2026-04-23T20:00:00Z", "2026-04-23T22:00:00Z"),
        case("a slot inside the skipped hour does not come that day", {**never, "weekly": [["fri", "00:15", "00:45"]]}, cairo, "2026-04-23T20:00:00Z", "2026-04-30T21:15:00Z"),
        case("Cairo's autumn: the hour the first time", {**never, "weekly": [["thu", "23:15", "23:30"]]}, cairo, "2026-10-29T20:00:00Z", "2026-10-29T20:15:00Z"),
        case("Cairo's autumn: the hour the second time", {**never, "weekly": [["thu", "23:15", "23:30"]]}, cairo, "2026-10-29T20:30:00Z", "2026-10-29T21:15:00Z"),
        case("Cairo's autumn: back into a slot", {**never, "weekly": [["thu", "22:00", "23:30"]]}, cairo, "2026-10-29T20:30:00Z", "2026-10-29T21:00:00Z"),
        case("Casablanca outside Ramadan is at +1", office, rabat, "2026-01-26T06:59:59Z", "2026-01-26T07:00:00Z"),
        case("Casablanca in Ramadan is at +0", office, rabat, "2026-02-23T07:30:00Z", "2026-02-23T08:00:00Z"),
        case("Casablanca, the clock goes back at 03:00 into a slot", {**never, "weekly": [["sun", "01:00", "02:30"]]}, rabat, "2026-02-15T01:45:00Z", "2026-02-15T02:00:00Z"),
        case("Casablanca, the clock goes on at 02:00 into a slot", {**never, "weekly": [["sun", "02:30", "05:00"]]}, rabat, "2026-03-22T00:00:00Z", "2026-03-22T02:00:00Z"),
        refused("over midnight in one slot", weekly=[["mon", "22:00", "06:00"]]),
        refused("no length", weekly=[["mon", "08:00", "08:00"]]),
        refused("no such hour", weekly=[["mon", "08:00", "24:01"]]),
        refused("24:00 as an opening", weekly=[["mon", "24:00", "24:00"]]),
        refused("one digit", weekly=[["mon", "8:00", "9:00"]]),
        refused("seconds", weekly=[["mon", "08:00:00", "09:00"]]),
        refused("Arabic digits", weekly=[["mon", "٠٨:٠٠", "09:00"]]),
        refused("a long day name", weekly=[["monday", "08:00", "09:00"]]),
        refused("a capital", weekly=[["Mon", "08:00", "09:00"]]),
        refused("two slots that overlap", weekly=[["mon", "08:00", "12:00"], ["mon", "11:59", "16:00"]]),
        refused("one slot inside another", weekly=[["mon", "09:00", "10:00"], ["mon", "08:00", "12:00"]]),
        refused("one slot twice", weekly=[["mon", "08:00", "12:00"], ["mon", "08:00", "12:00"]]),
        refused("slots of an exception that overlap", exceptions=[["2026-02-09", [["08:00", "12:00"], ["10:00", "14:00"]]]]),
        case("slots may touch", {**never, "weekly": [["tue", "08:00", "12:00"], ["tue", "12:00", "16:00"]]}, amman, "2026-11-24T09:00:00Z", "2026-11-24T09:00:00Z"),
        refused("weekly beside always", always=True, weekly=[["mon", "08:00", "09:00"]]),
        refused("no such date", exceptions=[["2026-02-29", []]]),
        refused("a date in short form", exceptions=[["2026-2-9", []]]),
        refused("a date without hyphens", exceptions=[["20260209", []]]),
        refused("a week date", exceptions=[["2026-W09-1", []]]),
        refused("one date twice", exceptions=[["2026-02-09", []], ["2026-02-09", [["08:00", "09:00"]]]]),
        refused("an exception over midnight", exceptions=[["2026-02-09", [["22:00", "06:00"]]]]),
    ]  # fmt: skip


def build() -> dict[str, str]:
    """Every file, by its path under this folder, as the text it must hold."""
    files = {
        "merkle/roots.json": ("Roots of trees whose leaf n is SHA-256(0x00 ‖ n in decimal)", root_cases()),
        "merkle/inclusion.json": ("Inclusion proofs", inclusion_cases()),
        "merkle/consistency.json": ("Consistency proofs", consistency_cases()),
        "note/notes.json": ("Signed notes, opened with `vkeys`", note_cases()),
        "note/vkeys.json": ("Verification keys", vkey_cases()),
        "checkpoint/checkpoints.json": ("Checkpoints; `is_head`: also a head", checkpoint_cases()),
        "cosignature/cosignatures.json": (
            "Cosignatures as of `at`, by the Ed25519 key whose seed is the SHA-256 of the ASCII `label`",
            cosignature_cases(),
        ),
        "tiles/paths.json": ("Paths; `level` is null for a bundle of entries", tile_path_cases()),
        "tiles/sizes.json": ("Which tiles a size has, per level", tile_size_cases()),
        "tiles/entries.json": ("Bundles of entries", bundle_cases()),
        "text/check.json": ("What may stand in a text", check_cases()),
        "text/fold.json": ("What a search takes for the same", fold_cases()),
        "text/terminal.json": ("How a text reaches a terminal", terminal_cases()),
        "hours/hours.json": ("When an office opens; `at` itself if it is open", hours_cases()),
    }
    return {
        name: json.dumps({"about": about, "cases": cases}, indent=1) + "\n"
        for name, (about, cases) in files.items()
    }


def main() -> None:
    for name, text in build().items():
        target = HERE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
