"""Structured logs: one JSON object per line on standard error, without personal data.

An event is a name and values from the program itself: routes by their pattern, codes, counts. No
path, header, body or text of a client is ever given here.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Final

_LOGGER: Final = logging.getLogger("poc")


def start_logs(level: str) -> None:
    """Send events of this level and above to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    _LOGGER.handlers[:] = [handler]
    _LOGGER.setLevel(level.upper())
    _LOGGER.propagate = False


def log_event(event: str, **values: str | int | None) -> None:
    """Write one event on one line; a fault is an error, all else information."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    level = logging.ERROR if event == "fault" else logging.INFO
    _LOGGER.log(level, "%s", json.dumps({"at": at, "event": event, **values}))
