"""Drafts in clear and sealed, written from docs/spec/draft.md."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke

from tests.independent.basics import (
    RefusedError,
    b64u,
    canonical,
    parse,
    parse_canonical,
    refuse_if,
    sha256,
    tagged,
    unb64u,
)
from tests.independent.forms import check_form
from tests.independent.sealed import open_content, padded_size, private_key


def _content_key(slot: dict[str, Any], seed: bytes, protected: str, contact: str) -> bytes:
    ek, sealed = unb64u(slot["header"]["ek"]), unb64u(slot["encrypted_key"])
    refuse_if(len(ek) != 1120 or len(sealed) != 48, "cannot-open")
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.SHAKE256, hpke.AEAD.AES_256_GCM)
    info = b"JOSE-HPKE rcpt\xffA256GCM\xff" + b"poc/1 draft\0" + sha256(protected.encode()) + contact.encode()
    try:
        return suite.decrypt(ek + sealed, private_key(seed), info=info)
    except (InvalidTag, ValueError) as error:
        raise RefusedError("cannot-open") from error


def _unsealed(file: dict[str, Any], kid: str, seed: bytes) -> tuple[bytes, dict[str, Any]]:
    check_form("sealed-draft", file)
    header: dict[str, Any] = parse_canonical(unb64u(file["protected"]))
    check_form("draft-header", header)
    mine = [slot for slot in file["recipients"] if slot["header"]["kid"] == kid]
    refuse_if(not mine, "no-slot-for-key")
    cek = _content_key(mine[0], seed, file["protected"], header["contact"])
    iv, tag, ciphertext = (unb64u(file[m]) for m in ("iv", "tag", "ciphertext"))
    plain = open_content(cek, iv, file["protected"], ciphertext, tag)
    data = plain.rstrip(b"\0")
    refuse_if(len(plain) != padded_size(len(data)), "bad-padding")
    return data, header


def text_code(content_sha256: str) -> str:
    """What the officers type."""
    return unb64u(content_sha256, 32).hex()[:8]


def read_draft(data: bytes, kid: str, seed: bytes) -> tuple[dict[str, Any], str]:
    """A draft, sealed to this key or in clear, and its content's hash."""
    data = data.removesuffix(b"\n")
    file, header = parse(data), None
    if isinstance(file, dict) and "ciphertext" in file:
        data, header = _unsealed(file, kid, seed)
    draft: dict[str, Any] = parse_canonical(data)
    check_form("draft", draft)
    content = draft["content"]
    if header is not None:
        named = header["origin"], header["contact"]
        refuse_if(named != (draft["origin"], content["from"]["contact"]), "member-mismatch")
    for attachment, text in zip(content["attachments"], draft["data"], strict=True):
        inside = unb64u(text)
        refuse_if(len(inside) != attachment["size_bytes"], "bad-attachment")
        refuse_if(b64u(sha256(inside)) != attachment["sha256"], "bad-attachment")
    return draft, b64u(tagged("poc/1 content", canonical(content)))
