"""Conversations of a desk: what was withdrawn, updated or doubted, and whole threads, from verified messages.

The rules stand in ``core.conversation``. Nothing is deleted: a withdrawn message stays, and shows that it is.
A message that may not say what it says is shown with a warning, because losing it would hide who tried.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from poc.client.inbox import is_verified, open_row, open_sent, parse_item
from poc.client.known import Known
from poc.client.trust import InboxRow, OutboxRow
from poc.core.conversation import OF_THE_ORIGINATOR, Part, about, check_part
from poc.core.draft import Draft
from poc.core.envelope import OpenedMessage, read_header
from poc.core.message import EnvelopeHeader, Kind, Message
from poc.core.strictjson import format_time, parse
from poc.errors import PocError, RefusedError

_OF_ONE_MESSAGE: Final = frozenset({"update", "withdrawal"})
_Key = tuple[str, str]  # id and sender: one id may be used by two senders


def part_of(opened: OpenedMessage) -> Part:
    """An opened message as a part of its conversation."""
    message = opened.message
    at = message.sent_at if opened.accepted is None else opened.accepted.at
    return Part(message.id, message.sender.contact, message.kind, message.thread, message.in_reply_to, at)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message kept here that counts: sent and not rejected, or received and verified."""

    id: str
    sender: str
    with_hub: bool
    read: Callable[[], EnvelopeHeader]
    open: Callable[[], OpenedMessage]


class Conversations:
    """The messages of a home as conversations. Made once for a command; opens what it needs, and once."""

    def __init__(self, known: Known) -> None:
        """List what is kept; nothing is opened yet."""
        self._kept = {(kept.id, kept.sender): kept for kept in (*_received(known), *_sent(known))}
        self._of_id: defaultdict[str, list[_Key]] = defaultdict(list)
        self._of_sender: defaultdict[str, list[_Key]] = defaultdict(list)
        for key in self._kept:
            self._of_id[key[0]].append(key)
            self._of_sender[key[1]].append(key)
        self._said: dict[str, list[Part]] = {}
        self._parts: dict[_Key, Part | None] = {}

    def _part(self, key: _Key) -> Part | None:
        if key not in self._parts:
            try:
                self._parts[key] = part_of(self._kept[key].open())
            except PocError:  # it opened when it came; a key destroyed since takes only this one away
                self._parts[key] = None
        return self._parts[key]

    def _parts_of(self, keys: Iterable[_Key]) -> list[Part]:
        return [part for part in map(self._part, keys) if part is not None]

    def _named(self, *ids: str | None) -> list[Part]:
        return self._parts_of(key for name in set(ids) if name for key in self._of_id.get(name, ()))

    def _said_by(self, sender: str) -> list[Part]:
        """The updates and withdrawals of a sender."""
        if sender not in self._said:
            keys = self._of_sender.get(sender, ())
            self._said[sender] = self._parts_of(
                key for key in keys if self._kept[key].read().kind in _OF_ONE_MESSAGE
            )
        return self._said[sender]

    def check(self, part: Part) -> None:
        """Raise as ``check_part`` where a message may not say what it says."""
        check_part(part, self._named(part.in_reply_to, part.root))

    def doubt(self, message: Message) -> str | None:
        """The code of what is wrong with what a message says about an earlier one."""
        sender = message.sender.contact
        try:
            self.check(
                Part(message.id, sender, message.kind, message.thread, message.in_reply_to, message.sent_at)
            )
        except RefusedError as error:
            return error.code
        return None

    def withdrawn(self, message: str, sender: str) -> dict[str, Any] | None:
        """The first withdrawal of a message by its originator: ``{message, by, at, with_hub}``."""
        found = self._about(message, sender, "withdrawal")
        return found[0] if found else None

    def updates(self, message: str, sender: str) -> list[dict[str, Any]]:
        """The updates of a message by its originator, oldest first."""
        return self._about(message, sender, "update")

    def _about(self, message: str, sender: str, kind: Kind) -> list[dict[str, Any]]:
        said = self._said_by(sender)
        return [
            {
                "message": part.id,
                "by": part.sender,
                "at": format_time(part.at),
                "with_hub": self._kept[part.id, part.sender].with_hub,
            }
            for part in about(message, sender, kind, [*said, *self._named(message)])
        ]

    def thread(self, root: str) -> list[OpenedMessage]:
        """Every message of a thread, in the order the hub accepted them, its beginning first."""
        parts = [part for part in self._parts_of(self._kept) if part.root == root]
        ordered = sorted(parts, key=lambda part: (part.at, part.id != root, part.id))
        return [self._kept[part.id, part.sender].open() for part in ordered]


def _received(known: Known) -> Iterable[Kept]:
    for row in known.trust.inbox():
        if is_verified(row):
            read, opens = partial(_header_received, row), partial(open_row, known, row)
            yield Kept(row.message, row.sender, with_hub=True, read=read, open=opens)


def _header_received(row: InboxRow) -> EnvelopeHeader:
    return read_header(parse_item(row)["envelope"]["protected"])


def _sent(known: Known) -> Iterable[Kept]:
    for row in known.trust.outbox(kind="message"):
        if row.state != "rejected":
            accepted = row.state == "accepted"
            opens = partial(open_sent, known, row.body, row.answer if accepted else None)
            read = partial(_header_sent, row)
            yield Kept(row.ref, known.party or "", with_hub=accepted, read=read, open=opens)


def _header_sent(row: OutboxRow) -> EnvelopeHeader:
    envelope: Any = parse(row.body)
    return read_header(envelope["protected"])


def check_may_say(known: Known, draft: Draft) -> None:
    """Refuse a draft that may not say what it says about an earlier message. Call it before sealing.

    Raises as :func:`check_about`.
    """
    check_about(known, draft.kind, draft.thread, draft.in_reply_to)


def check_about(known: Known, kind: Kind, thread: str | None, in_reply_to: str | None) -> None:
    """Refuse what this office may not say about an earlier message.

    Raises:
        RefusedError: ``already-withdrawn``, or as ``check_part``.
    """
    if in_reply_to is None and kind not in OF_THE_ORIGINATOR:
        return
    conversations, party = Conversations(known), known.party or ""
    conversations.check(Part("", party, kind, thread, in_reply_to, known.now()))
    if kind in _OF_ONE_MESSAGE and conversations.withdrawn(in_reply_to or "", party) is not None:
        raise RefusedError("already-withdrawn", in_reply_to or "")
