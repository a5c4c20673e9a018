"""Nudges of the memory driver: a part of ``memory``, with the same promises as ``NudgeStore``."""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from poc.core.nudge import PRECEDENCES
from poc.store.base import (
    Answer,
    CodeOutcome,
    DueNudge,
    NewNudgeAddress,
    StoredMessage,
    StoredNudgeAddress,
    StoredSlot,
    Unnudged,
)
from poc.store.faults import Faults, verb

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class _Code:
    """The code that confirms an address, until when, and how many wrong ones were typed."""

    code: str
    until: datetime
    tries: int = 0


class MemoryNudging:
    """See ``NudgeStore``."""

    faults: Faults
    _inbox: list[tuple[int, str, StoredSlot]]
    _messages: dict[str, tuple[StoredMessage, tuple[StoredSlot, ...]]]
    _answers: dict[tuple[str, str, str, str], Answer]

    def __init__(self) -> None:
        self._addresses: dict[int, StoredNudgeAddress] = {}
        self._address_numbers = itertools.count(1)
        self._codes: dict[int, _Code] = {}
        self._nudges: dict[tuple[str, str], tuple[DueNudge, datetime]] = {}
        self._looked_at = 0

    def _addresses_of(self, contact: str) -> tuple[StoredNudgeAddress, ...]:
        return tuple(one for _, one in sorted(self._addresses.items()) if one.contact == contact)

    @verb
    async def set_nudge_addresses(
        self, contact: str, wanted: Sequence[NewNudgeAddress]
    ) -> tuple[StoredNudgeAddress, ...]:
        """See ``NudgeStore``."""
        named = {(new.kind, new.address): new for new in wanted}
        for one in self._addresses_of(contact):
            new = named.pop((one.kind, one.address), None)
            if new is None:
                del self._addresses[one.number]
                self._codes.pop(one.number, None)
            else:
                self._addresses[one.number] = replace(one, precedence=new.precedence, languages=new.languages)
        for new in named.values():
            number = next(self._address_numbers)
            self._addresses[number] = StoredNudgeAddress(
                number, contact, new.kind, new.address, new.precedence, new.languages, new.secret
            )
            self._codes[number] = _Code("", _NEVER)
        return self._addresses_of(contact)

    @verb
    async def read_nudge_addresses(self, contact: str) -> tuple[StoredNudgeAddress, ...]:
        """See ``NudgeStore``."""
        return self._addresses_of(contact)

    @verb
    async def list_nudge_contacts(self) -> tuple[str, ...]:
        """See ``NudgeStore``."""
        return tuple(sorted({one.contact for one in self._addresses.values()}))

    @verb
    async def put_nudge_code(self, number: int, code: str, until: datetime) -> None:
        """See ``NudgeStore``."""
        if number in self._codes:
            self._codes[number] = _Code(code, until)

    @verb
    async def confirm_nudge_address(
        self, contact: str, number: int, code: str, now: datetime, tries: int
    ) -> CodeOutcome:
        """See ``NudgeStore``."""
        one = self._addresses.get(number)
        if one is None or one.contact != contact:
            return "unknown"
        if one.confirmed_at is not None:
            return "confirmed"
        sent = self._codes[number]
        if sent.until <= now or sent.tries >= tries:
            return "ended"
        if not hmac.compare_digest(sent.code.encode(), code.encode()):
            sent.tries += 1
            return "wrong"
        self._addresses[number] = replace(one, confirmed_at=now)
        del self._codes[number]
        return "confirmed"

    @verb
    async def note_nudge(self, number: int, at: datetime, failure: str | None) -> None:
        """See ``NudgeStore``."""
        one = self._addresses.get(number)
        if one is not None and failure is None:
            self._addresses[number] = replace(one, succeeded_at=at)
        elif one is not None:
            self._addresses[number] = replace(one, failed_at=at, failure=failure)

    @verb
    async def read_unnudged(self, limit: int) -> Unnudged:
        """See ``NudgeStore``."""
        rows = [row for row in self._inbox if row[0] > self._looked_at][:limit]
        wanted = {one.contact for one in self._addresses.values()}
        found = (
            (message, slot.contact)
            for _, message, slot in rows
            if slot.contact in wanted and slot.contact != self._messages[message][0].sender_contact
        )
        return Unnudged(
            self._looked_at, rows[-1][0] if rows else self._looked_at, tuple(dict.fromkeys(found))
        )

    @verb
    async def take_nudges(self, looked_at: Unnudged, nudges: Sequence[DueNudge]) -> bool:
        """See ``NudgeStore``."""
        if looked_at.after != self._looked_at:
            return False
        self._looked_at = looked_at.upto
        for nudge in nudges:
            self._nudges.setdefault((nudge.message, nudge.contact), (nudge, _NEVER))
        return True

    @verb
    async def read_due_nudges(
        self, now: datetime, without: Collection[str], limit: int
    ) -> tuple[DueNudge, ...]:
        """See ``NudgeStore``."""
        due = [
            nudge
            for nudge, until in self._nudges.values()
            if nudge.due_at <= now and until <= now and nudge.contact not in without
        ]
        urgency = {precedence: -place for place, precedence in enumerate(PRECEDENCES)}
        due.sort(key=lambda nudge: (urgency[nudge.precedence], nudge.due_at, nudge.message, nudge.contact))
        return tuple(due[:limit])

    @verb
    async def claim_nudge(self, nudge: DueNudge, now: datetime, until: datetime) -> bool:
        """See ``NudgeStore``."""
        key = (nudge.message, nudge.contact)
        found = self._nudges.get(key)
        if found is None or found[0].step != nudge.step or found[1] > now:
            return False
        self._nudges[key] = (found[0], until)
        return True

    @verb
    async def finish_nudge(self, nudge: DueNudge, next_due_at: datetime | None) -> None:
        """See ``NudgeStore``."""
        key = (nudge.message, nudge.contact)
        found = self._nudges.get(key)
        if found is None or found[0].step != nudge.step:
            return
        if next_due_at is None:
            del self._nudges[key]
        else:
            self._nudges[key] = (replace(found[0], step=nudge.step + 1, due_at=next_due_at), _NEVER)

    @verb
    async def forget_nudges(self, now: datetime) -> int:
        """See ``NudgeStore``."""
        ended = [key for key, (nudge, _) in self._nudges.items() if nudge.ends_at <= now]
        for key in ended:
            del self._nudges[key]
        return len(ended)

    @verb
    async def read_answerers(self, message_id: str, contact: str) -> tuple[tuple[str, str], ...]:
        """See ``NudgeStore``."""
        found = [
            (a.kid, a.outcome)
            for a in self._answers.values()
            if (a.message, a.contact) == (message_id, contact)
        ]
        return tuple(sorted(found))
