"""The audit trail: records of privileged actions, each chained by its hash to the one before.

A record is RFC 8785 of the event, its number and the hash of the record before it; its hash is
SHA-256("poc/1 audit" 0x00 ‖ record). An anchor is a signed note over the number and hash of one record:
whoever kept it shows that nothing up to there was changed since. What is recorded, and when, is decided
in ``hub.audit``; no event holds personal data.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from poc.core.note import Signer, Verifier, open_note, sign_note
from poc.core.strictjson import b64u, canonical, domain_hash, format_time, parse, unb64u
from poc.errors import PocError, RefusedError

_DOMAIN: Final = "poc/1 audit"
_HASH_BYTES: Final = 32
_ANCHOR: Final = re.compile(
    r"poc/1 audit\n(?P<origin>[^\n]+)\n(?P<number>[1-9][0-9]{0,15})\n(?P<hash>[A-Za-z0-9_-]{43})\n"
)
FIRST: Final = b"\0" * _HASH_BYTES
"""What the first record names as the hash before it."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """What was done, or asked and refused.

    ``outcome`` is ``done`` or the code of the refusal. ``by`` and ``kid`` are the party and key that asked,
    where it is known; ``subject`` is an id or hash of what it was about; ``count`` of how many.
    """

    at: datetime
    action: str
    outcome: str
    by: str | None = None
    kid: str | None = None
    subject: str | None = None
    count: int | None = None

    def value(self) -> dict[str, Any]:
        """The members it gives to its record."""
        return {
            "at": format_time(self.at),
            "action": self.action,
            "outcome": self.outcome,
            "by": self.by,
            "kid": self.kid,
            "subject": self.subject,
            "count": self.count,
        }


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A record as it is kept: its number, its bytes, its hash."""

    number: int
    record: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    """The number and hash of a record that a known key signed."""

    number: int
    hash: bytes


def chain(before: AuditRow | None, event: AuditEvent) -> AuditRow:
    """The row of an event that comes after ``before``."""
    number, previous = (1, FIRST) if before is None else (before.number + 1, before.hash)
    record = canonical({"v": 1, "number": number, "previous": b64u(previous), **event.value()})
    return AuditRow(number, record, domain_hash(_DOMAIN, record))


def check_chain(rows: Iterable[AuditRow]) -> AuditRow | None:
    """Check every row, from the first on; give the newest.

    Raises:
        RefusedError: ``audit-broken``, data ``row``: the number of the first row that is not the one
            that was written there. What was cut off at the end is shown by an anchor only.
    """
    before: AuditRow | None = None
    for row in rows:
        number = 1 if before is None else before.number + 1
        if row.number != number:
            raise _broken(number, f"the next row is {row.number}")
        previous = FIRST if before is None else before.hash
        _check_row(row, previous)
        before = row
    return before


def _check_row(row: AuditRow, previous: bytes) -> None:
    if not hmac.compare_digest(domain_hash(_DOMAIN, row.record), row.hash):
        raise _broken(row.number, "its hash is another")
    try:
        value: Any = parse(row.record)
        stated, number = unb64u(value["previous"], _HASH_BYTES), value["number"]
    except (PocError, KeyError, TypeError):
        raise _broken(row.number, "it is no record") from None
    if number != row.number:
        raise _broken(row.number, "it has another number inside")
    if not hmac.compare_digest(stated, previous):
        raise _broken(row.number, "it does not follow the row before it")


def check_anchors(rows: Sequence[AuditRow], anchors: Iterable[Anchor]) -> int:
    """Check that checked rows hold what was anchored; give the number of the newest anchored row, 0 for none.

    Raises:
        RefusedError: ``audit-broken``, data ``row``: the first row that is missing or another.
    """
    newest = 0
    for anchor in sorted(anchors, key=lambda one: one.number):
        if anchor.number > len(rows):
            raise _broken(len(rows) + 1, f"row {anchor.number} was anchored and is gone")
        if not hmac.compare_digest(rows[anchor.number - 1].hash, anchor.hash):
            raise _broken(newest + 1, f"rows up to {anchor.number} are not those that were anchored")
        newest = anchor.number
    return newest


def make_anchor(row: AuditRow, origin: str, signer: Signer) -> bytes:
    """A note over a row: ``poc/1 audit``, origin, number and hash, each on its line."""
    return sign_note(f"poc/1 audit\n{origin}\n{row.number}\n{b64u(row.hash)}\n", [signer])


def read_anchor(data: bytes, origin: str, verifiers: Sequence[Verifier]) -> Anchor:
    """The anchor in a note of this registry. Raises ``bad-note`` and as ``open_note``."""
    note = open_note(data, verifiers)
    match = _ANCHOR.fullmatch(note.text)
    if match is None or match["origin"] != origin:
        raise RefusedError("bad-note", "no anchor of this registry's audit trail")
    return Anchor(int(match["number"]), unb64u(match["hash"], _HASH_BYTES))


def _broken(number: int, why: str) -> RefusedError:
    return RefusedError("audit-broken", f"row {number}: {why}", row=number)
