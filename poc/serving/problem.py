"""Errors as problem+json (RFC 9457), with the code, the next step and the server's time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from poc.core.strictjson import format_time
from poc.errors import CATALOGUE, PocError
from poc.serving.answer import Answer, answer_json

RETRY_AFTER: Final = "retry_after_seconds"
_HIDDEN = frozenset({"not-found"})


def problem(error: PocError, now: datetime) -> Answer:
    """The answer an error gives. What is forbidden and what is missing give the same bytes but the time."""
    row = CATALOGUE[error.code]
    value: dict[str, object] = {
        "type": "about:blank",
        "title": row.sentence,
        "status": error.status,
        "code": error.code,
        "detail": "" if error.code in _HIDDEN else error.detail,
        "next": error.next_step,
        "time": format_time(now),
    }
    answer = answer_json({**error.data, **value}, error.status, "application/problem+json")
    seconds = error.data.get(RETRY_AFTER)
    if not isinstance(seconds, int):
        return answer
    return replace(answer, headers={**answer.headers, "Retry-After": str(seconds)})
