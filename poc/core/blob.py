"""Blobs: attachments that travel apart from their envelope, each sealed with a key of its own.

A blob is AES-256-GCM with a key used once, an IV of twelve zero bytes and no aad over the attachment's
bytes and the padding of a plaintext. Its key, digest and size stand in the signed message, digest and
size in the envelope's header too. How blobs are carried and kept is not decided here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from poc.core import sealed
from poc.core.message import Attachment, BlobRef
from poc.core.strictjson import b64u, unb64u
from poc.errors import RefusedError
from poc.limits import INLINE_ATTACHMENTS_BYTES_MAX

KEY_BYTES: Final = sealed.CEK_BYTES
_IV: Final = bytes(sealed.IV_BYTES)


@dataclass(frozen=True, slots=True)
class SealedBlob:
    """One attachment sealed apart: ``data`` is ciphertext and tag, as it is uploaded and fetched."""

    key: str
    sha256: str
    data: bytes

    def value(self) -> dict[str, object]:
        """The member ``blob`` of the attachment in the message."""
        return {"key": self.key, "sha256": self.sha256, "size_bytes": len(self.data)}


def travel_apart(sizes: Iterable[int]) -> bool:
    """Whether attachments of these sizes are blobs, all of them; else all are inside the envelope."""
    return sum(sizes) > INLINE_ATTACHMENTS_BYTES_MAX


def blob_size(length: int) -> int:
    """The bytes of the blob that an attachment of ``length`` bytes becomes."""
    return sealed.padded_length(length) + sealed.TAG_BYTES


def check_blob_size(size_bytes: int, size_bytes_max: int) -> None:
    """Refuse what cannot be the size of a blob, and what is over the limit.

    Raises:
        RefusedError: ``bad-padding``; ``attachments-too-large``, data ``over_bytes``.
    """
    over = size_bytes - size_bytes_max
    if over > 0:
        raise RefusedError(
            "attachments-too-large", f"sealed it is {over} bytes over the limit", over_bytes=over
        )
    padded = size_bytes - sealed.TAG_BYTES
    if sealed.padded_length(padded) != padded:
        raise RefusedError("bad-padding", f"a blob of {size_bytes} bytes")


def seal_blob(data: bytes, key: bytes) -> SealedBlob:
    """Seal an attachment's bytes. ``key`` is 32 random bytes that seal nothing else, ever."""
    ciphertext, tag = sealed.gcm_encrypt(key, _IV, b"", sealed.pad(data))
    blob = ciphertext + tag
    return SealedBlob(b64u(key), b64u(hashlib.sha256(blob).digest()), blob)


def check_blobs(named: Sequence[BlobRef], attachments: Sequence[Attachment]) -> None:
    """Return only if header and message name the same blobs, of the sizes the attachments give.

    All attachments are inside or all are blobs, as their size together says: no author has a choice.

    Raises:
        RefusedError: ``member-mismatch``, ``bad-attachment``, ``bad-padding``.
    """
    blobs = [attachment.blob for attachment in attachments if attachment.blob is not None]
    if [(ref.sha256, ref.size_bytes) for ref in named] != [(blob.sha256, blob.size_bytes) for blob in blobs]:
        raise RefusedError("member-mismatch", "blobs")
    apart = len(attachments) if travel_apart(attachment.size_bytes for attachment in attachments) else 0
    if len(blobs) != apart:
        raise RefusedError("bad-attachment", f"{len(blobs)} travel apart where {apart} should")
    for attachment, blob in zip(attachments, blobs, strict=False):
        if blob.size_bytes != blob_size(attachment.size_bytes):
            raise RefusedError("bad-padding", f"a blob of {blob.size_bytes} bytes")


def open_blob(attachment: Attachment, data: bytes) -> bytes:
    """The bytes of an attachment that travelled apart, if ``data`` is its blob and holds what was signed.

    Raises:
        RefusedError: ``blob-mismatch`` (other bytes than the message names, or it names none),
            ``cannot-open``, ``bad-padding``, ``bad-attachment``.
    """
    blob = attachment.blob
    if blob is None or b64u(hashlib.sha256(data).digest()) != blob.sha256:
        raise RefusedError("blob-mismatch", f"{len(data)} bytes")
    key, tag = unb64u(blob.key, KEY_BYTES), data[-sealed.TAG_BYTES :]
    padded = sealed.gcm_decrypt(key, _IV, b"", data[: -sealed.TAG_BYTES], tag)
    plain = sealed.unpad_to(padded, attachment.size_bytes)
    if b64u(hashlib.sha256(plain).digest()) != attachment.sha256:
        raise RefusedError("bad-attachment", attachment.sha256)
    return plain
