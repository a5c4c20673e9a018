"""What a handler gives: an answer not yet written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def answer_json(value: Any, status: int = 200, content_type: str = "application/json") -> Answer:
    """An answer of JSON, kept nowhere on the way."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, content_type, {"Cache-Control": "no-store"})
