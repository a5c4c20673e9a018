"""Conversations: which message is about which, and who may update, withdraw or close.

An update or a withdrawal counts only from the contact that sent the message it names, a closure only from
the contact that began the thread. Pure: made of what verified messages say. A correction is an update that
says what it corrects. Finding the messages of a home stands in the desk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from poc.core.message import Kind
from poc.errors import RefusedError

OF_THE_ORIGINATOR: Final = frozenset({"update", "withdrawal", "closure"})


@dataclass(frozen=True, slots=True)
class Part:
    """A message as a part of its conversation. ``at`` is when the hub accepted it, else when it was sent."""

    id: str
    sender: str
    kind: Kind
    thread: str | None
    in_reply_to: str | None
    at: datetime

    @property
    def root(self) -> str:
        """The id of the message that began the thread."""
        return self.thread or self.id


def check_part(part: Part, others: Iterable[Part]) -> None:
    """Refuse what a message may not say about earlier ones; ``others`` are the verified ones known here.

    One id may be used by two senders: then only the sender's own message is meant.

    Raises:
        RefusedError: ``names-no-message``, ``original-not-here``, ``another-thread``,
            ``not-the-originator``, ``withdrawal-stands``.
    """
    bound = part.kind in OF_THE_ORIGINATOR
    if part.in_reply_to is None:
        if bound:
            raise RefusedError("names-no-message", part.kind)
        return
    known = [other for other in others if other.id != part.id or other.sender != part.sender]
    named = [other for other in known if other.id == part.in_reply_to]
    first = [other for other in known if other.id == part.root]
    if not named:
        if bound:
            raise RefusedError("original-not-here", part.in_reply_to)
        return
    within = [other for other in named if other.root == part.root]
    if not within:
        raise RefusedError("another-thread", part.in_reply_to)
    if bound:
        _check_originator(part, first if part.kind == "closure" else within)


def _check_originator(part: Part, originals: list[Part]) -> None:
    if not originals:
        raise RefusedError("original-not-here", part.root)
    own = [other for other in originals if other.sender == part.sender]
    if not own:
        raise RefusedError(
            "not-the-originator", f"{part.kind} by {part.sender}", originator=originals[0].sender
        )
    if part.kind == "withdrawal" and all(other.kind == "withdrawal" for other in own):
        raise RefusedError("withdrawal-stands", part.in_reply_to or "")


def about(message: str, sender: str, kind: Kind, parts: Iterable[Part]) -> list[Part]:
    """The updates or withdrawals of one message that count, oldest first; ``parts`` are verified ones."""
    known = list(parts)
    meant = [part for part in known if (part.kind, part.in_reply_to, part.sender) == (kind, message, sender)]
    return sorted((part for part in meant if counts(part, known)), key=lambda part: (part.at, part.id))


def counts(part: Part, others: Iterable[Part]) -> bool:
    """Whether a message may say what it says about earlier ones."""
    try:
        check_part(part, others)
    except RefusedError:
        return False
    return True
