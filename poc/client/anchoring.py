"""Which messages are here by file alone, without the receipt that shows that the hub has them too.

Taking such files stands in ``carriage``; adding the receipt once it comes in ``inbox``.
"""

from __future__ import annotations

from typing import Any

from poc.client.evidence import UNVERIFIED
from poc.client.known import Known
from poc.client.trust import InboxRow
from poc.core.envelope import read_header
from poc.core.form import form_of
from poc.core.holding import release_at
from poc.core.message import Envelope
from poc.core.strictjson import parse


def is_unanchored(row: InboxRow) -> bool:
    """Whether a message came by file, without the receipt that shows it went out to this contact."""
    item: Any = parse(row.item)
    if not item.get("carried"):
        return False
    envelope = form_of(Envelope, item["envelope"])
    held = release_at(read_header(envelope.protected), envelope.recipients[0].header)
    return item["accepted" if held is None else "released"] is None


def awaits_hub(known: Known, message: str) -> bool:
    """Whether a good message is here by file alone: the hub would not know what an answer is about."""
    return any(row.state not in UNVERIFIED and is_unanchored(row) for row in known.trust.inbox(message))


def row_kept(known: Known, row: InboxRow) -> InboxRow | None:
    """The row that the same envelope is kept in already."""
    rows = known.trust.inbox(row.message)
    return next((kept for kept in rows if (kept.sender, kept.digest) == (row.sender, row.digest)), None)
