"""Structured logs: one JSON object per line on standard error, without personal data.

An event is a name of the table and values from the program itself: routes by their pattern, codes,
counts. No path, header, body or text of a client is ever given here, and no text of a library is
passed on: what a library reports may hold what a client sent or what the database holds.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Final

_LOGGER: Final = logging.getLogger("poc")

EVENTS: Final[dict[str, int]] = {
    "ready": logging.INFO,
    "tls": logging.WARNING,
    "storage": logging.WARNING,
    "restored": logging.WARNING,
    "proved": logging.INFO,
    "request": logging.INFO,
    "erased": logging.INFO,
    "audit": logging.INFO,
    "stopped": logging.INFO,
    "sqlite": logging.WARNING,
    "no-registry": logging.WARNING,
    "read-only": logging.WARNING,
    "not-done": logging.WARNING,
    "not-erased": logging.WARNING,
    "not-cosigned": logging.WARNING,
    "entries-damaged": logging.WARNING,
    "witness": logging.WARNING,
    "not-attested": logging.WARNING,
    "not-nudged": logging.WARNING,
    "nudge-failed": logging.WARNING,
    "attest-postponed": logging.WARNING,
    "few-descriptors": logging.WARNING,
    "proxy-not-trusted": logging.WARNING,
    "library": logging.WARNING,
    "not-started": logging.ERROR,
    "alarm": logging.WARNING,
    "hub-back": logging.INFO,
    "hub-lost": logging.WARNING,
    "alarm-failed": logging.ERROR,
    "hook-failed": logging.ERROR,
    "fault": logging.ERROR,
}
"""Every event with its level; docs/operate.md says what each means and what to do."""


class _Others(logging.Handler):
    """Says that a library reported something, and of what kind, but never what."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        log_event("library", logger=record.name, error=None if kind is None else kind.__name__)


def start_logs(level: str) -> None:
    """Send events of this level and above to standard error; of libraries only that they warned.

    The level is for our own events: at ``debug`` a library would log the values it stores.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    _LOGGER.handlers[:] = [handler]
    _LOGGER.setLevel(level.upper())
    _LOGGER.propagate = False
    root = logging.getLogger()
    root.handlers[:] = [_Others()]
    root.setLevel(logging.WARNING)


def log_event(event: str, **values: str | int | None) -> None:
    """Write one event of the table on one line."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    _LOGGER.log(EVENTS[event], "%s", json.dumps({"at": at, "event": event, **values}))
