"""Freezes attachments that travel apart: sealed blobs, and the content of envelopes that name them.

    python -m tests.vectors.make_blobs

The same files come out each time. Of `poc` only the signing of a message is used: a blob is composed here
from the crypto library, and what must be refused is stated. In ``sealed/blob-envelopes.json`` the content
key opens the content; slots are left out. The author's key is the seed SHA-256("sign/jo.technical/1").
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from poc.core import jws
from poc.core.envelope import AttachmentBytes
from poc.core.form import form_value
from poc.core.strictjson import canonical
from tests.message_world import cek_of, draft, seal, signing_key

FOLDER = Path(__file__).parent / "sealed"
KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
DATA = b"an attachment"
IV = bytes(range(12))
LARGE = (
    AttachmentBytes("one.bin", "application/octet-stream", bytes(9000)),
    AttachmentBytes("two.bin", "application/octet-stream", bytes(8000)),
)


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sha256(data: bytes) -> str:
    return b64u(hashlib.sha256(data).digest())


def sealed(plain: bytes, key: bytes = KEY, iv: bytes = bytes(12), aad: bytes | None = None) -> bytes:
    return AESGCM(key).encrypt(iv, plain, aad)


def blob_cases() -> list[dict[str, Any]]:
    """An attachment of the message, the bytes that came as its blob, and what is to be made of them."""
    padded = DATA.ljust(4096, b"\0")

    def case(name: str, expect: str, blob: bytes, **changed: Any) -> dict[str, Any]:
        named = changed.pop("named", blob)
        member = {"key": b64u(KEY), "sha256": sha256(named), "size_bytes": len(named)}
        attachment = {
            "name": "a.txt",
            "media_type": "text/plain",
            "size_bytes": len(DATA),
            "sha256": sha256(DATA),
            **changed,
        }
        return {
            "name": name,
            "expect": expect,
            "attachment": {**attachment, "blob": member},
            "data": b64u(blob),
        }

    good = sealed(padded)
    flipped = bytes([good[0] ^ 1]) + good[1:]
    return [
        case("an attachment of 13 bytes", "ok", good),
        case("an empty attachment", "ok", sealed(bytes(4096)), size_bytes=0, sha256=sha256(b"")),
        case("other bytes than the message names", "blob-mismatch", flipped, named=good),
        case("a byte more", "blob-mismatch", good + b"\0", named=good),
        case("nothing", "blob-mismatch", b"", named=good),
        case("a flipped bit that the digest agrees to", "cannot-open", flipped),
        case("another key", "cannot-open", sealed(padded, OTHER_KEY)),
        case("another IV", "cannot-open", sealed(padded, iv=IV)),
        case("with an aad", "cannot-open", sealed(padded, aad=b"poc")),
        case("no padding", "bad-padding", sealed(DATA)),
        case("padding to another length", "bad-padding", sealed(DATA.ljust(4097, b"\0"))),
        case("padding that is not zero", "bad-padding", sealed(padded[:-1] + b"\1")),
        case("another size than signed", "bad-padding", good, size_bytes=12),
        case("another attachment than signed", "bad-attachment", sealed(b"another thing".ljust(4096, b"\0"))),
        case("a size that takes in padding", "bad-attachment", good, size_bytes=14),
    ]


def content_case(name: str, expect: str, message: Any, header: Any) -> dict[str, Any]:
    """An envelope's common parts around a message and a header, and its content key."""
    compact = jws.sign_compact(canonical(message), jws.MESSAGE, signing_key("jo.technical"))
    plain = compact.encode() + b"\n"
    length = 4096 if len(plain) <= 4096 else _padme(len(plain))
    protected = b64u(canonical(header))
    whole = AESGCM(cek_of()).encrypt(IV, plain.ljust(length, b"\0"), protected.encode())
    return {
        "name": name, "expect": expect, "cek": b64u(cek_of()), "protected": protected, "iv": b64u(IV),
        "ciphertext": b64u(whole[:-16]), "tag": b64u(whole[-16:]),
    }  # fmt: skip


def _padme(length: int) -> int:
    exponent = length.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return -(-length // step) * step


def content_cases() -> list[dict[str, Any]]:
    """A message with two attachments that travel apart, and what its blobs may not be."""
    made = seal(draft(attachments=LARGE), blob_keys=(KEY, OTHER_KEY))
    header: Any = json.loads(base64.urlsafe_b64decode(made.envelope.protected + "=="))
    value = form_value(made.message)
    blobs: list[Any] = header["blobs"]

    def case(name: str, expect: str, named: Any = None, **changes: Any) -> dict[str, Any]:
        """``changes``: members of both attachments, by a pair of values each."""
        attachments = [
            {**attachment, **{member: pair[number] for member, pair in changes.items()}}
            for number, attachment in enumerate(value["attachments"])
        ]
        return content_case(
            name,
            expect,
            {**value, "attachments": attachments},
            {**header, "blobs": blobs if named is None else named},
        )

    first, second = (attachment["blob"] for attachment in value["attachments"])
    larger = {**blobs[0], "size_bytes": blobs[0]["size_bytes"] + 1}
    return [
        case("two blobs", "ok"),
        case("a header without them", "member-mismatch", []),
        case("a header with one of them", "member-mismatch", blobs[:1]),
        case("a header in another order", "member-mismatch", blobs[::-1]),
        case("a header with another size", "member-mismatch", [larger, blobs[1]]),
        case("a header with another digest", "member-mismatch", [{**blobs[0], "sha256": "A" * 43}, blobs[1]]),
        case("a header with one more", "member-mismatch", [*blobs, {"sha256": "A" * 43, "size_bytes": 4112}]),
        case("a header with one twice", "bad-form", [blobs[0], blobs[0]]),
        case("one inside, one apart", "bad-attachment", blobs[:1], blob=(first, None)),
        case("both inside, though too large", "bad-attachment", [], blob=(None, None)),
        case("both apart, though small enough", "bad-attachment", size_bytes=(9000, 7384)),
        case(
            "a size that padding does not give",
            "bad-padding",
            [larger, blobs[1]],
            blob=({**first, "size_bytes": larger["size_bytes"]}, second),
        ),
        case("a size that is not the attachment's", "bad-padding", size_bytes=(9000, 12_000)),
        case("a key used twice", "bad-form", blob=(first, {**second, "key": first["key"]})),
        case("a key of another size", "bad-form", blob=({**first, "key": "AAAA"}, second)),
    ]


def build() -> dict[str, str]:
    files = {
        "blobs.json": ("Attachments that travel apart", blob_cases()),
        "blob-envelopes.json": ("Contents of envelopes with blobs", content_cases()),
    }
    return {
        name: json.dumps({"about": about, "cases": cases}, indent=1) + "\n"
        for name, (about, cases) in files.items()
    }


if __name__ == "__main__":
    for name, text in build().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
