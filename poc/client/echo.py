"""The echo: a contact whose desk answers every message of status ``test``, so that any desk can test itself.

It acknowledges at once and replies with what was received and when; of the content it gives nothing back but
a hash and sizes. It answers nothing that is an exercise or actual, and no reply, so that two never talk.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from poc.client.inbox import open_row, parse_item
from poc.core.draft import Draft
from poc.core.form import Right, form_of, state_of
from poc.core.message import MessageBody
from poc.core.strictjson import b64u, domain_hash, format_time
from poc.errors import PocError, RefusedError
from poc.logs import log_event

if TYPE_CHECKING:
    from poc.client.known import Known
    from poc.client.sdk import Desk
    from poc.client.trust import InboxRow
    from poc.core.envelope import OpenedMessage

ECHO_STATE: Final = "x-echo"
SUBJECT: Final = "TEST: your message arrived / اختبار: وصلت رسالتكم"
_UNANSWERED_KINDS: Final = frozenset({"reply", "closure", "ping", "inject"})
_RIGHTS: Final[tuple[Right, ...]] = ("retrieve", "acknowledge", "send")
_HOUR: Final = timedelta(hours=1)
_REPLY_LIFE: Final = timedelta(days=1)
_ALREADY: Final = frozenset({"answer-used", "not-in-this-state"})


def check_echo(known: Known) -> None:
    """Return only at the home of an echo contact whose device may answer.

    Raises ``not-an-echo``: an office's own desk must not answer by itself; ``no-device``.
    """
    if state_of(known.party or "") != ECHO_STATE:
        raise RefusedError("not-an-echo", known.party or "a reader")
    for right in _RIGHTS:
        known.own_device(right)


class Echo:
    """Answers at the home of an echo contact."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.acknowledged = 0
        self.replied = 0

    async def answer_waiting(self) -> None:
        """Answer what waits; what cannot be answered now is left for the next time, and logged."""
        try:
            trust = self._desk.known.trust
            rows = {row.number: row for row in trust.inbox()} if (waiting := trust.unechoed()) else {}
            for number in waiting:
                await self._answer(rows[number])
        except PocError as error:
            log_event("hook-failed", code=error.code)

    async def _answer(self, row: InboxRow) -> None:
        known = self._desk.known
        opened = open_row(known, row)
        if not is_test(opened):
            known.trust.put_echoed(row.number, row.sender, format_time(known.now()), replied=False)
            return
        await self._acknowledge(row.message)
        now = known.now()
        sent = known.trust.echoes_since(row.sender, format_time(now - _HOUR))
        replies = sent < self._desk.settings.echo_per_hour
        # Noted first: after a crash here the sender sees an acknowledgement without a reply, never two.
        known.trust.put_echoed(row.number, row.sender, format_time(now), replied=replies)
        if replies:
            await self._desk.send_message(reply_to(opened, row, now + _REPLY_LIFE), (row.sender,))
            self.replied += 1

    async def _acknowledge(self, message: str) -> None:
        try:
            await self._desk.acknowledge(message)
        except PocError as error:
            if error.code not in _ALREADY:
                raise
        else:
            self.acknowledged += 1


def is_test(opened: OpenedMessage) -> bool:
    """Whether the echo may answer a message: a test to it for action or information, and no reply."""
    message = opened.message
    return message.status == "test" and opened.use != "own" and message.kind not in _UNANSWERED_KINDS


def subject_hash(message: str, subject: str) -> str:
    """What stands for a subject in the echo's reply, which is sealed: it shows that the subject was read."""
    return b64u(domain_hash("poc/1 echo subject", message.encode(), subject.encode()))


def reply_to(opened: OpenedMessage, row: InboxRow, expires_at: datetime) -> Draft:
    """The reply: what was received and when, in English and Arabic."""
    message = opened.message
    size = len(parse_item(row)["envelope"]["ciphertext"])
    arrived, attached = row.arrived_at, len(message.attachments)
    english = (
        f"This is an automatic reply to a test. Your message {message.id} was received, verified and "
        f"acknowledged by {opened.contact}. Arrived {arrived} (UTC). "
        f"Size {size} characters sealed, {attached} attachments. Voice code {opened.voice_code}. "
        "Compare the code with the one your desk shows."
    )
    arabic = (
        f"هذا رد آلي على اختبار. استُلمت رسالتكم {message.id} وجرى التحقق منها وأُرسل إشعار بالاستلام من "
        f"{opened.contact}. وصلت في {arrived} (UTC). الحجم وهي مختومة {size} محرفا، "
        f"وعدد المرفقات {attached}. "
        f"الرمز الصوتي {opened.voice_code}. قارنوا الرمز بما يعرضه مكتبكم."
    )
    body = {
        "template": None,
        "fields": {"subject_sha256": subject_hash(message.id, message.subject), "received_at": arrived},
        "texts": [
            {"language": "en", "text": english, "role": "original"},
            {"language": "ar", "text": arabic, "role": "courtesy"},
        ],
    }
    return Draft(
        status="test", kind="reply", precedence="routine", tlp="TLP:GREEN", subject=SUBJECT,
        body=form_of(MessageBody, body), expires_at=expires_at, thread=message.thread or message.id,
        in_reply_to=message.id,
    )  # fmt: skip
