"""Blobs: sealed attachments that travel apart from their envelope, taken and given in pieces.

The hub sees their sizes, padded, and never what is in them. A blob belongs to the office that uploads it:
others get it only through an accepted message of that office which names it, and nobody learns otherwise
that it is here. What may be named in an envelope is in ``core.admission``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from poc.core.admission import SealingLimits
from poc.core.blob import check_blob_size
from poc.core.judge import judge_key
from poc.core.strictjson import unb64u
from poc.errors import RefusedError
from poc.hub.caller import Caller, sealing_kids
from poc.hub.clock import Clock
from poc.hub.log import Log
from poc.limits import BLOB_CHUNK_BYTES_MAX, BLOB_CHUNK_BYTES_MIN
from poc.store.base import BlobChunk, Store, StoredBlob

_CONTENT_RANGE: Final = re.compile(r"bytes (?:(0|[1-9][0-9]{0,9})-(0|[1-9][0-9]{0,9})|\*)/([1-9][0-9]{0,9})")
_RANGE: Final = re.compile(r"bytes=(0|[1-9][0-9]{0,9})-(0|[1-9][0-9]{0,9})?")
_SHA256_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class BlobPart:
    """Bytes of a blob from ``start`` on, and how large the whole is."""

    data: bytes
    start: int
    size_bytes: int


class Blobs:
    """What is uploaded and fetched beside the envelopes."""

    def __init__(self, store: Store, log: Log, now: Clock) -> None:
        self._store = store
        self._log = log
        self._now = now

    async def put(
        self, caller: Caller, sha256: str, content_range: str, body: bytes
    ) -> tuple[bool, StoredBlob]:
        """Take a chunk, durable before this returns: (it completed the blob, how much is there now).

        ``content_range`` is ``bytes START-END/SIZE``; ``bytes */SIZE`` with no body only asks how much the
        caller's office has uploaded.

        Raises ``bad-form`` and ``bad-base64`` (what is asked), ``attachments-too-large``, ``bad-padding``,
        ``blob-offset`` (data ``have_bytes``), ``blob-mismatch``, ``storage-quota``, and what the caller may
        not send for.
        """
        unb64u(sha256, _SHA256_BYTES)
        start, size = _placed(content_range, len(body))
        self._check_may_upload(caller, size)
        before = await self._store.read_blob(sha256, caller.holder)
        chunk = BlobChunk(sha256, caller.holder, size, start, body, self._now())
        blob = await self._store.put_chunk(chunk)
        if blob is None:
            raise RefusedError("blob-mismatch", sha256)
        return blob.is_complete and not (before is not None and before.is_complete), blob

    async def get(self, caller: Caller, sha256: str, asked: str) -> BlobPart:
        """Give a part of a blob, at most 1 MiB of it, to whom a message gives it.

        Raises ``not-found``, the same for what is missing and what is not the caller's; ``bad-range``.
        """
        kids = sealing_kids(self._log.view.directory, caller)
        blob = await self._store.find_blob(sha256, caller.holder, kids)
        if blob is None:
            raise RefusedError("not-found")
        match = _RANGE.fullmatch(asked)
        first = int(match[1]) if match else 0
        last = int(match[2]) if match and match[2] else blob.size_bytes - 1
        if match is None or not first <= last or first >= blob.size_bytes:
            raise RefusedError("bad-range", f"it has {blob.size_bytes} bytes", size_bytes=blob.size_bytes)
        end = min(last + 1, blob.size_bytes, first + BLOB_CHUNK_BYTES_MAX)
        data = await self._store.read_blob_part(blob, first, end)
        if len(data) != end - first:  # it was dropped meanwhile
            raise RefusedError("not-found")
        return BlobPart(data, first, blob.size_bytes)

    def _check_may_upload(self, caller: Caller, size: int) -> None:
        """As for an envelope: an office that may send now, a device with ``send``, the registry's limit."""
        directory = self._log.view.directory
        judge_key(directory, caller.kid, directory.size, caller.holder, "send")
        check_blob_size(size, SealingLimits.of(directory, caller.holder).blob_bytes)


def _placed(content_range: str, length: int) -> tuple[int, int]:
    """Where a body stands in its blob, and how large that is. Raises ``bad-form``."""
    match = _CONTENT_RANGE.fullmatch(content_range)
    if match is None:
        raise RefusedError("bad-form", "Content-Range is bytes START-END/SIZE or bytes */SIZE")
    size = int(match[3])
    if match[1] is None:
        if length:
            raise RefusedError("bad-form", "a body where Content-Range names none")
        return 0, size
    start, last = int(match[1]), int(match[2])
    if last + 1 - start != length or last >= size:
        raise RefusedError("bad-form", f"a body of {length} bytes does not fit its Content-Range")
    if length < BLOB_CHUNK_BYTES_MIN and last + 1 < size:
        raise RefusedError("bad-form", f"only the last chunk may have less than {BLOB_CHUNK_BYTES_MIN} bytes")
    return start, size
