"""The content of an envelope whose key is disclosed, from docs/spec/envelope.md and message.md."""

from __future__ import annotations

import copy
from typing import Any

from tests.independent.basics import canonical, parse_canonical, refuse_if, sha256, unb64u
from tests.independent.forms import check_form
from tests.independent.sealed import commitment, open_content, padded_size, slot_hash, unpad
from tests.independent.signatures import split

OWN_OF_HEADER = frozenset({"enc", "typ", "blobs"})


def reduced(message: dict[str, Any]) -> bytes:
    """What a second key signs of a message."""
    less = copy.deepcopy(message)
    less["from"]["kid"] = None
    for member in ("head", "commit", "sent_at", "officer", "prepared"):
        less[member] = None
    to: list[dict[str, str]] = []
    for recipient in message["to"]:
        short = {"contact": recipient["contact"], "as": recipient["as"]}
        if recipient["as"] != "own" and short not in to:
            to.append(short)
    less["to"] = sorted(to, key=lambda short: (short["contact"], short["as"]))
    for attachment in less["attachments"]:
        attachment["blob"] = None
    return canonical(less)


def _blobs(header: dict[str, Any], message: dict[str, Any]) -> None:
    """All attachments inside up to 16 KiB together, else all apart; the header names the same blobs."""
    blobs = [a["blob"] for a in message["attachments"] if a["blob"] is not None]
    named = [{"sha256": blob["sha256"], "size_bytes": blob["size_bytes"]} for blob in blobs]
    refuse_if(header["blobs"] != named, "member-mismatch")
    keys = [blob["key"] for blob in blobs]
    refuse_if(len(set(keys)) != len(keys) or any(len(key) != 43 for key in keys), "bad-form")
    apart = sum(a["size_bytes"] for a in message["attachments"]) > 16 * 1024
    refuse_if(len(blobs) != (len(message["attachments"]) if apart else 0), "bad-attachment")
    for attachment, blob in zip(message["attachments"], blobs, strict=False):
        refuse_if(blob["size_bytes"] != padded_size(attachment["size_bytes"]) + 16, "bad-padding")


def open_blob(attachment: dict[str, Any], data: bytes) -> bytes:
    """An attachment that travelled apart."""
    blob = attachment["blob"]
    refuse_if(sha256(data) != unb64u(blob["sha256"], 32), "blob-mismatch")
    plain = open_content(unb64u(blob["key"], 32), bytes(12), "", data[:-16], data[-16:])
    content = unpad(plain, attachment["size_bytes"])
    refuse_if(sha256(content) != unb64u(attachment["sha256"], 32), "bad-attachment")
    return content


def _attachments(message: dict[str, Any], content: bytes, start: int) -> None:
    for attachment in message["attachments"]:
        if attachment["blob"] is not None:
            continue
        data = content[start : start + attachment["size_bytes"]]
        refuse_if(sha256(data) != unb64u(attachment["sha256"], 32), "bad-attachment")
        start += attachment["size_bytes"]


def read_opening(
    envelope: dict[str, Any], header: dict[str, Any], cek: bytes
) -> tuple[str, dict[str, Any], bytes]:
    """The message's compact JWS, its members and their reduction; its signature is not verified here."""
    refuse_if(commitment(cek, header["id"]) != header["commit"], "wrong-commitment")
    iv, tag = unb64u(envelope["iv"], 12), unb64u(envelope["tag"], 16)
    plaintext = open_content(cek, iv, envelope["protected"], unb64u(envelope["ciphertext"]), tag)
    line = plaintext.find(b"\n")
    refuse_if(line < 0 or not plaintext[:line].isascii(), "bad-padding")
    compact = plaintext[:line].decode("ascii")
    message: dict[str, Any] = parse_canonical(unb64u(split(compact)[1]))
    check_form("message", message)
    for member in header.keys() - OWN_OF_HEADER:
        refuse_if(message[member] != header[member], "member-mismatch")
    _blobs(header, message)
    inside = sum(a["size_bytes"] for a in message["attachments"] if a["blob"] is None)
    content = unpad(plaintext, line + 1 + inside)
    _attachments(message, content, line + 1)
    signed = {(r["contact"], r["kid"], r["slot"]) for r in message["to"]}
    for slot in envelope["recipients"]:
        named = slot["header"]
        mine = (named["contact"], named["kid"], slot_hash(unb64u(named["salt"], 16), named))
        refuse_if(mine not in signed, "slot-not-in-message")
    return compact, message, reduced(message)
