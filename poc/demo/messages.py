"""What may happen to a message: nobody answers, an attachment is large, a second device clears.

As in ``scenes``, everything goes through the desks' own engine; what came of it is read back in ``outcome``.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import Any, Final

from poc.client.prepared import templated_body
from poc.client.sdk import now_utc
from poc.core.clearance import Addressed
from poc.core.draft import AttachmentBytes
from poc.core.envelope import Draft
from poc.core.form import form_of
from poc.core.message import MessageBody
from poc.demo.cast import ADDRESSEE, ALTERNATES, PREPARING_HOME, PREPARING_OFFICE
from poc.demo.scenes import ANSWER_SECONDS
from poc.demo.stage import Desks
from poc.errors import FaultError

URGENT_SENDER: Final = "bh.technical"
LARGE_SENDER: Final = "ae.technical"
LARGE_TO: Final = "iq.technical"
CLEARED_TO: Final = "sa.technical"
_LARGE_BYTES: Final = 200 * 1024
_STOOD_IN_SECONDS: Final = 20
_EXPIRES: Final = timedelta(days=7)


async def send_urgent(desks: Desks) -> str:
    """An urgent test message to an office that will not answer: sealed to those who stand in for it too."""
    draft = Draft(
        status="test",
        kind="notification",
        precedence="immediate",
        tlp="TLP:AMBER",
        subject="TEST: please acknowledge at once / اختبار: يرجى الإشعار بالاستلام فورا",
        body=_text("Only a test: is anybody there? Please acknowledge."),
        respond_by=now_utc() + timedelta(seconds=ANSWER_SECONDS),
        expires_at=now_utc() + _EXPIRES,
        officer="07",
    )
    sent = await desks[URGENT_SENDER].send_message(draft, [ADDRESSEE])
    if sent.state != "accepted":
        raise FaultError("fault", f"the urgent message is {sent.state}")
    return sent.id


async def stand_in(desks: Desks, message: str) -> None:
    """The alternate is given the message when its time has come, and acknowledges; nobody else is woken."""
    (alternate,) = (desks[name] for name in ALTERNATES)
    async with asyncio.timeout(_STOOD_IN_SECONDS):
        while message not in [row["message"] for row in alternate.inbox()]:
            await asyncio.sleep(0.1)
            await alternate.sync()
    await alternate.acknowledge(message, officer="11")
    await desks[URGENT_SENDER].sync()


async def send_large(desks: Desks) -> str:
    """A message with an attachment that travels apart; its recipient fetches and verifies it."""
    sender, recipient = desks[LARGE_SENDER], desks[LARGE_TO]
    draft = Draft(
        status="exercise",
        exercise=sender.default_exercise([LARGE_TO]),
        kind="notification",
        precedence="routine",
        tlp="TLP:AMBER",
        subject="EXERCISE: capture / تمرين: تسجيل حركة الشبكة",
        body=_text("The capture is attached. This is an exercise."),
        attachments=(
            AttachmentBytes("capture.bin", "application/octet-stream", secrets.token_bytes(_LARGE_BYTES)),
        ),
        expires_at=now_utc() + _EXPIRES,
    )
    sent = await sender.send_message(draft, [LARGE_TO])
    await recipient.sync()
    for error in (await recipient.fetch_attachments(sent.id)).values():
        raise error
    return sent.id


async def clear(desks: Desks) -> str:
    """A form filled in in Arabic: drawn up at one device, prepared at a second, by file; then released.

    Each types the text code that stands on its own screen.
    """
    first, second, reader = desks[PREPARING_OFFICE], desks[PREPARING_HOME], desks[CLEARED_TO]
    held = first.templates().newest("notification")
    fields = {"القطاعات المتأثرة": "الطاقة"}
    body, rendered = templated_body(first.known, held, fields, language="ar", style="formal", text=None)
    draft = Draft(
        status="exercise",
        exercise=first.default_exercise([CLEARED_TO]),
        kind=held.template.kind,
        precedence="priority",
        tlp="TLP:AMBER",
        subject="تمرين: إشعار بحادث",
        body=body,
        expires_at=now_utc() + _EXPIRES,
        rendered=rendered,
    )
    kept = await first.new_draft(Addressed(draft, (CLEARED_TO,), ()), officer="07")
    kept = await first.submit_draft(kept.id)
    seen = await second.take_draft(first.export_draft(kept))
    seen = await second.prepare_draft(seen.id, seen.code, officer="11")
    kept = await first.take_draft(second.export_draft(seen))
    sent = await first.release_draft(kept.id, kept.code, officer="07")
    if sent.state != "accepted":
        raise FaultError("fault", f"the prepared message is {sent.state}")
    await reader.sync()
    await reader.acknowledge(sent.id, officer="03")
    return sent.id


def _text(text: str) -> MessageBody:
    value: dict[str, Any] = {
        "template": None,
        "fields": {},
        "texts": [{"language": "en", "role": "original", "text": text}],
    }
    return form_of(MessageBody, value)
