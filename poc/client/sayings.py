"""What can be said about an earlier message: its kind, template, subject and addressees, ready to send.

Who may say it is decided in ``core.conversation``; the texts come from the template.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from poc.core.message import Kind, Message, SlotUse
from poc.core.template import in_language

_SUBJECT_CHARS_MAX: Final = 200
_JOINERS: Final = "\u200c\u200d"  # none may end a text


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing to say about an earlier message; ``to_originals`` is whether it goes to who got that one."""

    kind: Kind
    template: str
    help: str
    subject: dict[str, str]
    to_originals: bool = True


SAYINGS: Final = {
    "reply": Saying(
        "reply", "reply", "reply to a message; a reply is not agreement",
        {"en": "Re: ", "ar": "رد: ", "fr": "Re : "}, to_originals=False,
    ),
    "clarify": Saying(
        "clarification", "clarification", "ask the sender of a message what it means",
        {"en": "Question: ", "ar": "استيضاح: ", "fr": "Question : "}, to_originals=False,
    ),
    "update": Saying(
        "update", "update", "add to a message that this office sent",
        {"en": "Update: ", "ar": "تحديث: ", "fr": "Mise à jour : "},
    ),
    "correct": Saying(
        "update", "update", "correct a message that this office sent, and say what is corrected",
        {"en": "Correction: ", "ar": "تصحيح: ", "fr": "Rectificatif : "},
    ),
    "withdraw": Saying(
        "withdrawal", "withdrawal", "withdraw a message that this office sent; nothing is deleted",
        {"en": "Withdrawn: ", "ar": "سحب: ", "fr": "Retrait : "},
    ),
    "close": Saying(
        "closure", "closure", "close a conversation that this office began",
        {"en": "Closed: ", "ar": "إغلاق: ", "fr": "Clôture : "},
    ),
}  # fmt: skip


def subject_of(saying: Saying, message: Message, language: str) -> str:
    """The subject of the message it is about, with what is said of it before it; once, and cut to fit."""
    prefix = in_language(saying.subject, language)
    return f"{prefix}{message.subject.removeprefix(prefix)}"[:_SUBJECT_CHARS_MAX].rstrip(_JOINERS)


def addressees_of(
    saying: Saying, message: Message, party: str, *, everybody: bool = False
) -> tuple[list[str], list[str]]:
    """To whom it goes for action and for information.

    To whoever got the message it is about, or to its sender; ``everybody`` adds for information who else
    got that.
    """
    sender = message.sender.contact
    action, information = _got(message, "action"), _got(message, "information")
    if saying.to_originals or sender == party:
        return action, information
    others = sorted({*action, *information} - {sender, party})
    return [sender], others if everybody else []


def _got(message: Message, use: SlotUse) -> list[str]:
    return sorted({to.contact for to in message.to if to.use == use})
