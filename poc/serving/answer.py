"""What a handler gives: an answer not yet written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that goes on: ``chunks`` are written as they come, and ``close`` is called at its end."""

    chunks: AsyncIterator[bytes]
    close: Callable[[], None]
    content_type: str


def answer_json(value: Any, status: int = 200, content_type: str = "application/json") -> Answer:
    """An answer of JSON, kept nowhere on the way."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, content_type, {"Cache-Control": "no-store"})
