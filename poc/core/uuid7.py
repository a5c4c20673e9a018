"""Message ids: UUID version 7 (RFC 9562 5.7), made of a time and random bytes that come in.

Nothing here reads a clock or draws randomness.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from poc.errors import RefusedError

RANDOM_BYTES = 10


def uuid7(now: datetime, random10: bytes) -> str:
    """The id of a message made at ``now``: 48 bits of milliseconds, then 74 of the 80 random bits.

    Raises:
        RefusedError: ``bad-form`` unless ``random10`` is 10 bytes.
    """
    if len(random10) != RANDOM_BYTES:
        raise RefusedError("bad-form", f"{len(random10)} random bytes where {RANDOM_BYTES} are due")
    milliseconds = int(now.timestamp() * 1000)
    drawn = int.from_bytes(random10, "big")
    value = milliseconds << 80 | 0x7 << 76 | (drawn >> 62 & 0xFFF) << 64 | 0b10 << 62 | drawn & (1 << 62) - 1
    return str(UUID(int=value))


def uuid7_time(message_id: str) -> datetime:
    """When the id says it was made, to the second; a hint, since its maker chose it."""
    return datetime.fromtimestamp((UUID(message_id).int >> 80) // 1000, UTC)
