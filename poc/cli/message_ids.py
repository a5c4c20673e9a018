"""How the verbs of ``poc message`` name one message: by enough of its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from poc.cli import words

if TYPE_CHECKING:
    from poc.client.sdk import Desk

ID_HELP: Final = "the message's id, or enough of its beginning or end"


def find_message(desk: Desk, part: str) -> str:
    """The id of a message received or sent, by enough of it."""
    trust = desk.known.trust
    sent = (row.ref for row in trust.outbox(kind="message"))
    return words.find_id(part, (*sent, *(row.message for row in trust.inbox())))
