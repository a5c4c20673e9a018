"""The blobs of the store in memory: a part of ``MemoryStore``, which knows who may have them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from poc.core.form import state_of
from poc.core.strictjson import b64u
from poc.errors import RefusedError
from poc.store.base import BlobChunk, StoredBlob, StoredMessage, StoredSlot
from poc.store.faults import Faults, verb
from poc.store.quotas import check_held


@dataclass
class _Blob:
    """One blob of one uploader, as far as it is there."""

    size_bytes: int
    data: bytes
    touched_at: datetime


class MemoryBlobs:
    """The verbs of blobs."""

    faults: Faults
    _messages: dict[str, tuple[StoredMessage, tuple[StoredSlot, ...]]]

    def __init__(self) -> None:
        super().__init__()
        self._blobs: dict[tuple[str, str], _Blob] = {}
        self._named: dict[str, tuple[str, ...]] = {}

    @verb
    async def put_chunk(self, chunk: BlobChunk) -> StoredBlob | None:
        """See ``Store``."""
        whose = (chunk.sha256, chunk.uploader)
        kept = self._blobs.get(whose) or _Blob(chunk.size_bytes, b"", chunk.arrived_at)
        have, end = len(kept.data), chunk.start + len(chunk.data)
        if kept.size_bytes != chunk.size_bytes:
            if have < kept.size_bytes:
                del self._blobs[whose]
            return None
        if chunk.start != have and end > have:
            raise RefusedError("blob-offset", f"{have} bytes are there", have_bytes=have)
        if end > have:
            party = state_of(chunk.uploader)
            held = sum(len(one.data) for (_, who), one in self._blobs.items() if state_of(who) == party)
            check_held(party, held, len(chunk.data), chunk.held_max)
            data = kept.data + chunk.data
            if end == kept.size_bytes and b64u(hashlib.sha256(data).digest()) != chunk.sha256:
                self._blobs.pop(whose, None)
                return None
            self._blobs[whose] = _Blob(kept.size_bytes, data, chunk.arrived_at)
        return StoredBlob(*whose, kept.size_bytes, max(have, end))

    @verb
    async def read_blob(self, sha256: str, uploader: str) -> StoredBlob | None:
        """See ``Store``."""
        kept = self._blobs.get((sha256, uploader))
        return StoredBlob(sha256, uploader, kept.size_bytes, len(kept.data)) if kept else None

    @verb
    async def find_blob(self, sha256: str, holder: str, kids: Sequence[str]) -> StoredBlob | None:
        """See ``Store``."""
        for (found, uploader), kept in self._blobs.items():
            if found != sha256 or len(kept.data) < kept.size_bytes:
                continue
            for message_id in self._naming(sha256, uploader):
                slots = self._messages[message_id][1]
                if uploader == holder or any(slot.kid in kids and slot.is_delivered for slot in slots):
                    return StoredBlob(sha256, uploader, kept.size_bytes, kept.size_bytes)
        return None

    @verb
    async def read_blob_part(self, blob: StoredBlob, start: int, end: int) -> bytes:
        """See ``Store``."""
        kept = self._blobs.get((blob.sha256, blob.uploader))
        return kept.data[start:end] if kept else b""

    @verb
    async def drop_orphan_blobs(self, before: datetime, limit: int) -> int:
        """See ``Store``."""
        orphans = [
            whose
            for whose, kept in self._blobs.items()
            if kept.touched_at < before and not self._naming(*whose)
        ][:limit]
        for whose in orphans:
            del self._blobs[whose]
        return len(orphans)

    def _naming(self, sha256: str, uploader: str) -> list[str]:
        """The messages of the uploader that name the blob."""
        return [
            message_id
            for message_id, named in self._named.items()
            if sha256 in named and self._messages[message_id][0].sender_contact == uploader
        ]
