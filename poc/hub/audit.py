"""The audit trail of a hub: what privileged actions were asked and done, one record each.

Records are written after the action and before its answer. A crash between the two leaves an action
without a record; whoever asked has no answer then, asks again, and that leaves one. What a record is, and
how the chain is checked, stands in ``core.audit``. No record holds personal data: ids, codes, hashes.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Final

from poc.core.audit import AuditEvent, make_anchor
from poc.core.directory import Directory
from poc.core.keys import SigningKey
from poc.core.note import ED25519, Signer, Verifier
from poc.core.strictjson import b64u
from poc.hub.caller import Caller
from poc.hub.clock import Clock
from poc.hub.log import Log
from poc.limits import AUDIT_UNSIGNED_PER_MINUTE_MAX
from poc.logs import log_event
from poc.store.base import Store, StoredAnchor

DONE: Final = "done"
PROPOSED: Final = "proposed"
_MINUTE_SECONDS: Final = 60


class Audit:
    """Writes records, and anchors them with the hub's key."""

    def __init__(self, store: Store, log: Log, hub_key: SigningKey | None, now: Clock) -> None:
        self._store = store
        self._log = log
        self._hub_key = hub_key
        self._now = now
        self._anchored = 0
        self._minute_began: datetime | None = None
        self._in_minute = 0
        self._left_out = 0
        self._deleted: Counter[str] = Counter()

    async def record(
        self,
        action: str,
        outcome: str = DONE,
        *,
        caller: Caller | None = None,
        subject: str | None = None,
        count: int | None = None,
    ) -> None:
        """Write one record. Raises ``storage-failed``.

        Of refusals of unknown callers only so many a minute are written one by one, lest anyone could
        fill the disk; ``anchor`` writes the number of the others.
        """
        if caller is None and outcome not in {DONE, PROPOSED} and self._is_flood():
            self._left_out += 1
            return
        by, kid = (None, None) if caller is None else (caller.holder, caller.kid)
        await self._store.append_audit(AuditEvent(self._now(), action, outcome, by, kid, subject, count))

    async def record_deleted(self, kept: str, count: int) -> None:
        """Record that so many of a class were deleted, if any were. Raises ``storage-failed``.

        What the disk did not take then is part of the next record of the class: nobody asks again for it.
        """
        self._deleted[kept] += count
        if self._deleted[kept]:
            await self.record("retention", subject=kept, count=self._deleted[kept])
        del self._deleted[kept]

    def _is_flood(self) -> bool:
        now = self._now()
        began = self._minute_began
        if began is None or abs((now - began).total_seconds()) >= _MINUTE_SECONDS:
            self._minute_began, self._in_minute = now, 0
        self._in_minute += 1
        return self._in_minute > AUDIT_UNSIGNED_PER_MINUTE_MAX

    async def anchor(self) -> None:
        """Sign the newest record, where it is new, keep the note and say its number and hash in the log.

        Raises ``storage-failed``. Without a registry or its key there is no note; the log line remains.
        """
        if self._left_out:
            left_out = self._left_out
            await self._store.append_audit(
                AuditEvent(self._now(), "refusals-not-listed", DONE, count=left_out)
            )
            self._left_out -= left_out
        row = await self._store.read_newest_audit()
        if row is None or row.number <= self._anchored:
            return
        if self._hub_key is not None and not self._log.is_empty:
            origin = self._log.view.directory.origin
            note = make_anchor(row, origin, Signer(anchor_name(origin), self._hub_key))
            await self._store.put_anchor(StoredAnchor(self._now().date(), row.number, note))
        log_event("audit", number=row.number, hash=b64u(row.hash))
        self._anchored = row.number


def anchor_name(origin: str) -> str:
    """The name under which a registry's hub signs anchors: no checkpoint is signed by it."""
    return f"{origin}/audit"


def anchor_verifiers(directory: Directory) -> list[Verifier]:
    """Every hub key the registry ever had, as one that signs anchors."""
    keys = [record.verify_key for record in directory.keys.values() if record.role == "hub"]
    return [Verifier(anchor_name(directory.origin), ED25519, key.raw) for key in keys if key is not None]
