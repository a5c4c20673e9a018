"""What a reader is told of a message's conversation: withdrawn, updated, doubted, and whom else it went to.

Sentences in English and Arabic beside the values; what counts is decided in ``conversation``.
"""

from __future__ import annotations

from typing import Any, Final

from poc.client.conversation import Conversations
from poc.client.inbox import gaps_of
from poc.client.known import Known
from poc.core.form import state_of
from poc.core.message import Message

DOUBTS: Final = {
    "not-the-originator": {
        "en": "This does not come from the office that may say it: only the originator updates, withdraws "
        "or closes. It changes nothing.",
        "ar": "لم ترد هذه الرسالة من المكتب المخوّل بذلك: التحديث والسحب والإغلاق للمرسل الأصلي وحده. "
        "وهي لا تغيّر شيئا.",
    },
    "original-not-here": {
        "en": "The message this is about is not here, so nothing shows that its originator sent this.",
        "ar": "الرسالة المقصودة ليست هنا، فلا شيء يدل على أن مرسلها الأصلي هو من أرسل هذه.",
    },
    "names-no-message": {
        "en": "This names no message that it is about. It changes nothing.",
        "ar": "لا تذكر هذه الرسالة أي رسالة تتعلق بها. وهي لا تغيّر شيئا.",
    },
    "another-thread": {
        "en": "The message this is about belongs to another conversation. Ask the sender which is meant.",
        "ar": "الرسالة المقصودة تنتمي إلى محادثة أخرى. اسأل المرسل أيّ المحادثتين يقصد.",
    },
    "withdrawal-stands": {
        "en": "This would withdraw a withdrawal, which stands. It changes nothing.",
        "ar": "تحاول هذه الرسالة سحب سحبٍ، والسحب نافذ. وهي لا تغيّر شيئا.",
    },
}
_SINCE: Final = {
    "withdrawn": {
        "en": "WITHDRAWN by its originator. Do not act on it; it stays here as it came.",
        "ar": "مسحوبة: سحبها مرسلها. لا تتصرف بناءً عليها؛ وتبقى هنا كما وصلت.",
    },
    "withdrawal-waiting": {
        "en": "A withdrawal of this message waits here: the hub does not have it yet.",
        "ar": "سحب هذه الرسالة ينتظر هنا ولم يصل إلى المحور بعد.",
    },
    "updated-since": {
        "en": "Its originator sent an update: {message}.",
        "ar": "أرسل مرسلها تحديثا لها: {message}.",
    },
}
_ALONE: Final = {"en": "Sent to {contact} alone.", "ar": "أُرسلت إلى {contact} وحدها."}
_TO_YOU_ALONE: Final = {"en": "Sent to you alone.", "ar": "أُرسلت إليكم وحدكم."}
_ALSO_TO: Final = {
    "en": "Sent also to {others}; each sees the others.",
    "ar": "أُرسلت أيضا إلى {others}؛ وكلٌّ يرى الآخرين.",
}
_TOGETHER: Final = {"en": "Each recipient sees the others.", "ar": "يرى كل مستلم سائر المستلمين."}


_STAND_INS: Final = {
    "en": "Who only stands in for another gets it only if nobody answers.",
    "ar": "ومن كان بديلا عن غيره فلا تصله إلا إذا لم يُجب أحد.",
}


def said_since(conversations: Conversations, message: Message) -> dict[str, Any]:
    """What the originator of a message said of it afterwards: ``withdrawn`` and ``updates``."""
    sender = message.sender.contact
    return {
        "withdrawn": conversations.withdrawn(message.id, sender),
        "updates": conversations.updates(message.id, sender),
    }


def since_warnings(since: dict[str, Any]) -> list[dict[str, str]]:
    """The warnings that this calls for, the worst first."""
    withdrawn, updates = since["withdrawn"], since["updates"]
    said = (
        []
        if withdrawn is None
        else [("withdrawn" if withdrawn["with_hub"] else "withdrawal-waiting", withdrawn)]
    )
    said += [("updated-since", updates[-1])] if updates else []
    return [{"code": code, **_filled(_SINCE[code], values)} for code, values in said]


def addressed(message: Message, use: str, contact: str) -> dict[str, Any]:
    """Whom a message went to beside its reader, with a sentence: to it alone, or to whom also.

    Of a message of one's own office it says whether the recipients see each other. A recipient cannot tell
    from the message who of its State is only to stand in, so where somebody may be, it is said.
    """
    named = sorted({to.contact for to in message.to if to.use != "own"})
    alone = len(named) == 1
    others = [name for name in named if use == "own" or name != contact]
    one, several = (_ALONE, _TOGETHER) if use == "own" else (_TO_YOU_ALONE, _ALSO_TO)
    values = {"contact": named[0], "others": ", ".join(others)}
    told = _filled(one if alone else several, values)
    if len({state_of(name) for name in named}) < len(named):
        told = {language: f"{text} {_STAND_INS[language]}" for language, text in told.items()}
    return {"alone": alone, "others": others, **told}


def missing_numbers(known: Known, message: Message | None = None) -> list[dict[str, Any]]:
    """The gaps in the numbers of what came, or of those of one message's sender and status only."""
    return [
        gap.to_json()
        for gap in gaps_of(known)
        if message is None or (gap.kid, gap.status) == (message.sender.kid, message.status)
    ]


def _filled(sentences: dict[str, str], values: dict[str, Any]) -> dict[str, str]:
    return {language: text.format(**values) for language, text in sentences.items()}
