"""The part of ``trust.db`` that holds sealed attachments which travel apart, in pieces.

Here is what waits to be uploaded, and what was fetched so far: always sealed, as it goes over the wire.
Which blob is whose stands in the messages; nothing is verified here but what ``blob_digest`` gives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from poc.core.strictjson import b64u
from poc.limits import BLOB_CHUNK_BYTES_MAX


class BlobPieces:
    """What ``Trust`` offers on blobs."""

    if TYPE_CHECKING:  # what ``Trust`` gives

        def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...
        def _write(self, sql: str, values: Sequence[Any]) -> int: ...
        def transaction(self, *, write: bool = True) -> AbstractContextManager[None]:
            """See ``Trust``."""

    def put_blob(self, sha256: str, data: bytes) -> None:
        """Keep a whole blob."""
        with self.transaction():
            for start in range(0, len(data), BLOB_CHUNK_BYTES_MAX):
                self.add_piece(sha256, start, data[start : start + BLOB_CHUNK_BYTES_MAX])

    def add_piece(self, sha256: str, start: int, data: bytes) -> bool:
        """Add a piece where what is here ends; false if another process was first, and nothing changes."""
        with self.transaction():
            if self.blob_bytes(sha256) != start:
                return False
            return self._write("INSERT INTO blob_piece VALUES (?, ?, ?)", (sha256, start, data)) == 1

    def blob_bytes(self, sha256: str) -> int:
        """How many bytes of a blob are here, from its first on."""
        sql = "SELECT coalesce(max(start + length(data)), 0) FROM blob_piece WHERE sha256 = ?"
        return int(self._rows(sql, (sha256,))[0][0])

    def blob_part(self, sha256: str, start: int, bytes_max: int) -> bytes:
        """Bytes of a blob from ``start`` on, at most that many, and no more than one piece has."""
        sql = "SELECT start, data FROM blob_piece WHERE sha256 = ? AND start <= ? ORDER BY start DESC LIMIT 1"
        rows = self._rows(sql, (sha256, start))
        return bytes(rows[0][1][start - rows[0][0] :][:bytes_max]) if rows else b""

    def blob(self, sha256: str) -> bytes:
        """All that is here of a blob."""
        return b"".join(self._pieces(sha256))

    def blob_digest(self, sha256: str) -> str:
        """SHA-256 of what is here of a blob, base64url; holds one piece at a time."""
        digest = hashlib.sha256()
        for data in self._pieces(sha256):
            digest.update(data)
        return b64u(digest.digest())

    def _pieces(self, sha256: str) -> Iterator[bytes]:
        start = 0
        while data := self.blob_part(sha256, start, BLOB_CHUNK_BYTES_MAX):
            yield data
            start += len(data)

    def drop_blob(self, sha256: str) -> None:
        """Forget what is here of a blob."""
        self._write("DELETE FROM blob_piece WHERE sha256 = ?", (sha256,))
