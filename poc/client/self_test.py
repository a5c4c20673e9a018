"""``test my desk now``: a test message to the echo, followed until its reply is here, step by step.

Each step is shown by verified evidence alone. What a reader does where one is missing stands beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from poc.client.echo import ECHO_STATE, subject_hash
from poc.client.inbox import is_verified, open_row, parse_item
from poc.client.progress import message_progress
from poc.core.draft import Draft
from poc.core.envelope import read_header
from poc.core.form import form_of
from poc.core.message import MessageBody
from poc.errors import PocError, RefusedError

if TYPE_CHECKING:
    from poc.client.sdk import Desk

SUBJECT: Final = "TEST: test of our desk / اختبار: اختبار مكتبنا"
STEPS: Final[dict[str, dict[str, str]]] = {
    "sent": {"en": "sealed here and kept in the outbox", "ar": "خُتمت هنا وحُفظت في صندوق الصادر"},
    "accepted": {"en": "taken by the hub, its receipt verified", "ar": "قبلها المحور وجرى التحقق من إيصاله"},
    "retrieved": {"en": "fetched by the other desk", "ar": "جلبها المكتب الآخر"},
    "acknowledged": {"en": "acknowledged by the other desk", "ar": "أرسل المكتب الآخر إشعارا بالاستلام"},
    "replied": {"en": "its reply received and verified here", "ar": "وصل رده إلى هنا وجرى التحقق منه"},
}
NEXT: Final[dict[str, dict[str, str]]] = {
    "sent": {"en": "Read the error above.", "ar": "اقرؤوا الخطأ أعلاه."},
    "accepted": {
        "en": "The hub was not reached or refused it: check the line and the clock, then `poc sync`.",
        "ar": "تعذّر الوصول إلى المحور أو رفضها: تحققوا من الاتصال والساعة ثم نفّذوا `poc sync`.",
    },
    "retrieved": {
        "en": "Your side works. The other desk is silent: try again in ten minutes; "
        "if it is the echo's, then tell the operator.",
        "ar": "جانبكم يعمل. المكتب الآخر صامت: أعيدوا المحاولة بعد عشر دقائق، "
        "ثم أبلغوا المشغّل إن كان مكتب الصدى.",
    },
    "acknowledged": {
        "en": "Your side works. The other desk fetched it and did not answer: an office does when somebody "
        "looks; if it is the echo's, tell the operator.",
        "ar": "جانبكم يعمل. جلبها المكتب الآخر ولم يجب: يجيب المكتب حين ينظر أحد، "
        "وأبلغوا المشغّل إن كان مكتب الصدى.",
    },
    "replied": {
        "en": "You can send; nothing came back yet. `poc sync`, then `poc message inbox`. Too many tests "
        "in an hour are acknowledged without a reply.",
        "ar": "يمكنكم الإرسال، ولم يصل رد بعد. نفّذوا `poc sync` ثم `poc message inbox`. "
        "إذا كثرت الاختبارات في ساعة جرى الإشعار باستلامها بلا رد.",
    },
}
_LIFE: Final = timedelta(hours=6)
_FIRST_SECONDS: Final = 0.4
_PAUSE_SECONDS_MAX: Final = 3.0


@dataclass(frozen=True, slots=True)
class SelfTest:
    """How far a test came: the time each step is known to have been done, ``None`` where it was not."""

    message: str
    to: str
    steps: dict[str, str | None]
    trouble: str | None

    @property
    def missing(self) -> str | None:
        """The first step that was not done."""
        return next((name for name, at in self.steps.items() if at is None), None)

    def to_json(self) -> dict[str, Any]:
        """The value for programs."""
        steps = [
            {"step": name, "done": at is not None, "at": at, "told": STEPS[name]}
            for name, at in self.steps.items()
        ]
        return {
            "message": self.message, "to": self.to, "works": self.missing is None, "steps": steps,
            "missing": self.missing, "trouble": self.trouble,
            "next_step": None if self.missing is None else NEXT[self.missing],
        }  # fmt: skip


def echo_contact(desk: Desk) -> str:
    """The contact that answers tests in this registry: the first verified one of ``x-echo``.

    Raises ``no-echo``.
    """
    for name, contact in sorted(desk.directory.contacts.items()):
        if contact.state == ECHO_STATE and not contact.withdrawn and contact.level != "listed":
            return name
    raise RefusedError("no-echo")


async def run_self_test(desk: Desk, to: str, seconds: float, told: Callable[[str], None]) -> SelfTest:
    """Send a test and follow it until its reply is here or the time is over; ``told`` is given each step.

    Raises what sealing and sending are refused for.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    sent = await desk.send_message(_draft(desk), (to,))
    done: set[str] = set()
    trouble = sent.reason if sent.state == "rejected" else None
    looks = 0
    while True:
        steps = _steps(desk, sent.id, to)
        for name in (name for name, at in steps.items() if at is not None and name not in done):
            done.add(name)
            told(f"{name}: {STEPS[name]['en']} / {STEPS[name]['ar']}")
        test = SelfTest(sent.id, to, steps, trouble)
        if test.missing is None or sent.state == "rejected" or clock() >= until:
            return test
        await asyncio.sleep(max(0, min(_FIRST_SECONDS * 1.5**looks, _PAUSE_SECONDS_MAX, until - clock())))
        looks += 1
        try:
            await desk.sync()
        except PocError as error:
            trouble = error.code
        else:
            trouble = None


def _draft(desk: Desk) -> Draft:
    text = {
        "language": "en",
        "text": "This is a test of our desk. No officer needs to act.",
        "role": "original",
    }
    arabic = {"language": "ar", "text": "هذا اختبار لمكتبنا، ولا حاجة إلى أي إجراء.", "role": "courtesy"}
    return Draft(
        status="test", kind="notification", precedence="routine", tlp="TLP:GREEN", subject=SUBJECT,
        body=form_of(MessageBody, {"template": None, "fields": {}, "texts": [text, arabic]}),
        expires_at=desk.known.now() + _LIFE,
    )  # fmt: skip


def _steps(desk: Desk, message: str, to: str) -> dict[str, str | None]:
    progress = message_progress(desk.known, message)
    contact = next(row for row in progress["contacts"] if row["contact"] == to)
    answered = contact["answered_at"] if contact["state"] == "acknowledged" else None
    retrieved = contact["retrieved_at"] or answered  # a desk that answered has fetched it
    return {
        "sent": progress["sent_at"],
        "accepted": progress["accepted_at"],
        "retrieved": retrieved,
        "acknowledged": answered,
        "replied": _replied_at(desk, message, to),
    }


def _replied_at(desk: Desk, message: str, to: str) -> str | None:
    """When the echo's reply to this very message came; only one that verified and names its subject."""
    subject = subject_hash(message, SUBJECT)
    for row in reversed(desk.known.trust.inbox()):
        if row.sender != to or not is_verified(row):
            continue
        header = read_header(parse_item(row)["envelope"]["protected"])
        if header.kind != "reply" or header.status != "test":
            continue
        try:
            opened = open_row(desk.known, row).message
        except PocError:
            continue
        if opened.in_reply_to == message and opened.body.fields.get("subject_sha256") == subject:
            return row.arrived_at
    return None
