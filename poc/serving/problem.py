"""Errors as problem+json (RFC 9457), with the code, the next step and the server's time.

What may pass by itself (503) says after how many seconds to ask again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from poc.core.strictjson import format_time
from poc.errors import CATALOGUE, PocError
from poc.limits import RETRY_AFTER_SECONDS
from poc.serving.answer import Answer, answer_json

RETRY_AFTER: Final = "retry_after_seconds"
_HIDDEN = frozenset({"not-found"})
_UNAVAILABLE = 503


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
    if seconds is None and error.status == _UNAVAILABLE:
        seconds = RETRY_AFTER_SECONDS
    if not isinstance(seconds, int):
        return answer
    return replace(answer, headers={**answer.headers, "Retry-After": str(seconds)})
