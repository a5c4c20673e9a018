"""What a nudge says and when: fixed text in Arabic and English, a short number, a signature for webhooks.

A nudge leaves the sealed channel, so it holds nothing of a message but that one waits, how urgent it is and
whether it is an exercise; no name, subject, content, link or id. Whom to nudge, and sending, is the hub's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from poc.core.form import Count, Form, Status
from poc.core.message import Precedence
from poc.core.strictjson import canonical, format_time
from poc.errors import RefusedError
from poc.limits import (
    NUDGE_ADDRESSES_MAX,
    NUDGE_FLASH_SECONDS,
    NUDGE_IMMEDIATE_SECONDS,
    NUDGE_PRIORITY_SECONDS,
    NUDGE_ROUTINE_SECONDS,
    NUDGES_PER_HOUR_FLASH,
    NUDGES_PER_HOUR_IMMEDIATE,
    NUDGES_PER_HOUR_PRIORITY,
    NUDGES_PER_HOUR_ROUTINE,
)

NudgeKind = Literal["email", "webhook"]
NudgeLanguage = Literal["ar", "en"]

# From the least urgent on.
PRECEDENCES: Final[tuple[Precedence, ...]] = ("routine", "priority", "immediate", "flash")
STEPS_SECONDS: Final[Mapping[Precedence, tuple[int, ...]]] = {
    "flash": NUDGE_FLASH_SECONDS,
    "immediate": NUDGE_IMMEDIATE_SECONDS,
    "priority": NUDGE_PRIORITY_SECONDS,
    "routine": NUDGE_ROUTINE_SECONDS,
}
PER_HOUR: Final[Mapping[Precedence, int]] = {
    "flash": NUDGES_PER_HOUR_FLASH,
    "immediate": NUDGES_PER_HOUR_IMMEDIATE,
    "priority": NUDGES_PER_HOUR_PRIORITY,
    "routine": NUDGES_PER_HOUR_ROUTINE,
}
SECRET_BYTES: Final = 32
CODE_DIGITS: Final = 6
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- of the format, not a secret
_EMAIL: Final = r"^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,187}[A-Za-z0-9])?$"
_CODE: Final = r"^[0-9]{6}$"

_BANNERS: Final[Mapping[Status, tuple[str, str]]] = {
    "exercise": ("EXERCISE EXERCISE EXERCISE", "تمرين تمرين تمرين"),
    "test": ("TEST TEST TEST", "اختبار اختبار اختبار"),
    "actual": ("", ""),
}
PRECEDENCE_WORDS: Final[Mapping[Precedence, tuple[str, str]]] = {
    "flash": ("FLASH", "خاطف"),
    "immediate": ("IMMEDIATE", "فوري"),
    "priority": ("PRIORITY", "عاجل"),
    "routine": ("ROUTINE", "عادي"),
}
_NO_LINK: Final = ("This notice contains no link", "لا يحتوي هذا الإشعار على أي رابط")
_WAITS: Final = (
    f"""A message waits unread at your desk.
Precedence: {{precedence}}
Number: {{number}}
{_NO_LINK[0]}; open your desk as usual.""",
    f"""رسالة لم تُقرأ بعد تنتظر في مكتبكم.
درجة الأسبقية: {{precedence}}
الرقم: {{number}}
{_NO_LINK[1]}؛ افتحوا مكتبكم كالمعتاد.""",
)
_CODE_TEXT: Final = (
    f"""This address is to be told of unread messages. Code: {{code}}
Type it at the desk. If you do not expect this, do nothing.
{_NO_LINK[0]}.""",
    f"""سيُبلَّغ هذا العنوان بالرسائل غير المقروءة. الرمز: {{code}}
أدخلوه في المكتب. إن لم تكونوا تنتظرون هذا الإشعار فلا تفعلوا شيئًا.
{_NO_LINK[1]}.""",
)
_TRIAL_TEXT: Final = (
    f"""This is a trial notice: no message waits. Notices of unread messages reach this address.
{_NO_LINK[0]}.""",
    f"""هذا إشعار تجريبي: لا توجد رسالة منتظرة. إشعارات الرسائل غير المقروءة تصل إلى هذا العنوان.
{_NO_LINK[1]}.""",
)
_SUBJECTS: Final = ("Unread message", "رسالة لم تُقرأ")
_SETUP_SUBJECTS: Final = ("Notices of unread messages", "إشعارات الرسائل غير المقروءة")
_LANGUAGES: Final[tuple[NudgeLanguage, ...]] = ("en", "ar")


def _distinct(values: tuple[NudgeLanguage, ...]) -> tuple[NudgeLanguage, ...]:
    if len(set(values)) != len(values):
        raise ValueError("each language once")
    return values


class NudgeAddress(Form):
    """Where a contact wants to be nudged, from which precedence on, in which languages, first to last."""

    kind: NudgeKind
    address: Annotated[str, Field(min_length=3, max_length=500)]
    precedence: Precedence = Field(alias="from")
    languages: Annotated[
        tuple[NudgeLanguage, ...], Field(min_length=1, max_length=2), AfterValidator(_distinct)
    ]


class _Email(Form):
    address: Annotated[str, Field(pattern=_EMAIL)]


class NudgeAddresses(Form):
    """All addresses of a contact, as its State gives them."""

    addresses: Annotated[tuple[NudgeAddress, ...], Field(max_length=NUDGE_ADDRESSES_MAX)]


class NudgeCode(Form):
    """The code that was sent to an address, as an officer typed it."""

    number: Count
    code: Annotated[str, Field(pattern=_CODE)]


class NudgeTrial(Form):
    """Which address is to be tried."""

    number: Count


def is_email(text: str) -> bool:
    """Whether a text is an e-mail address of plain form; nothing in it can end a header."""
    try:
        _Email.model_validate({"address": text})
    except ValueError:
        return False
    return True


def is_for(least: Precedence, precedence: Precedence) -> bool:
    """Whether an address that is nudged from ``least`` on is nudged about a message of ``precedence``."""
    return PRECEDENCES.index(precedence) >= PRECEDENCES.index(least)


def short_number(message_id: str, contact: str) -> str:
    """Four digits that stand for a message at one contact: in the nudge, and in the office's inbox.

    SHA-256("poc/1 short number" 0x00 ‖ id ‖ 0x00 ‖ contact) as a big-endian integer mod 10^4. It tells two
    waiting messages apart and nothing else: it proves nothing and may repeat.
    """
    data = b"poc/1 short number\0" + message_id.encode() + b"\0" + contact.encode()
    return f"{int.from_bytes(hashlib.sha256(data).digest()) % 10_000:04d}"


def nudge_id(message_id: str, contact: str, step: int, address: int) -> str:
    """The same for every try of one nudge to one address, so that a receiver takes it once; names nothing."""
    data = f"poc/1 nudge\0{message_id}\0{contact}\0{step}\0{address}".encode()
    return "msg_" + base64.b32encode(hashlib.sha256(data).digest()[:20]).decode().lower()


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice ready to send: a subject, and one text per language in the order its reader wants."""

    kind: Literal["unread", "code", "trial"]
    subject: str
    texts: dict[NudgeLanguage, str]
    precedence: Precedence | None
    status: Status | None
    number: str | None
    code: str | None

    @property
    def text(self) -> str:
        """All of it as plain text."""
        return "\n\n".join(self.texts.values()) + "\n"

    def payload(self, at: datetime) -> bytes:
        """The body of a webhook about it: fixed facts and fixed text."""
        facts = {
            "precedence": self.precedence,
            "status": self.status,
            "number": self.number,
            "code": self.code,
        }
        data = {**facts, "subject": self.subject, "text": self.text, "texts": dict(self.texts)}
        return canonical({"type": f"nudge.{self.kind}", "timestamp": format_time(at), "data": data})


def unread_notice(
    status: Status, precedence: Precedence, number: str, languages: Sequence[NudgeLanguage]
) -> Notice:
    """The notice that a message waits; an exercise's and a test's banner stands first and last."""
    texts: dict[NudgeLanguage, str] = {}
    for language in languages:
        index = _LANGUAGES.index(language)
        banner, word = _BANNERS[status][index], PRECEDENCE_WORDS[precedence][index]
        lines = (banner, _WAITS[index].format(precedence=word, number=number), banner)
        texts[language] = "\n".join(line for line in lines if line)
    subject = _subject(_SUBJECTS, languages)
    banners = _subject(_BANNERS[status], languages) if status != "actual" else ""
    return Notice(
        kind="unread",
        subject=f"{banners}: {subject}" if banners else subject,
        texts=texts,
        precedence=precedence,
        status=status,
        number=number,
        code=None,
    )


def code_notice(code: str, languages: Sequence[NudgeLanguage]) -> Notice:
    """The notice that carries the code by which an office confirms an address."""
    return _setup_notice("code", _CODE_TEXT, languages, code)


def trial_notice(languages: Sequence[NudgeLanguage]) -> Notice:
    """The notice by which an office tries a confirmed address."""
    return _setup_notice("trial", _TRIAL_TEXT, languages, None)


def _setup_notice(
    kind: Literal["code", "trial"],
    texts: tuple[str, str],
    languages: Sequence[NudgeLanguage],
    code: str | None,
) -> Notice:
    written: dict[NudgeLanguage, str] = {
        language: texts[_LANGUAGES.index(language)].format(code=code) for language in languages
    }
    subject = _subject(_SETUP_SUBJECTS, languages)
    return Notice(
        kind=kind, subject=subject, texts=written, precedence=None, status=None, number=None, code=code
    )


def _subject(texts: tuple[str, str], languages: Sequence[NudgeLanguage]) -> str:
    return " / ".join(texts[_LANGUAGES.index(language)] for language in languages)


# --- Standard Webhooks ---


def format_secret(secret: bytes) -> str:
    """A webhook's secret as it is given to its State, once."""
    return _SECRET_PREFIX + base64.b64encode(secret).decode()


def read_secret(text: str) -> bytes:
    """The bytes of a secret. Raises ``bad-form``, which never quotes it."""
    try:
        secret = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(_SECRET_PREFIX) or len(secret) != SECRET_BYTES:
        raise RefusedError("bad-form", "a webhook's secret is whsec_ and 32 bytes in base64")
    return secret


def webhook_headers(secret: bytes, notice_id: str, at: datetime, payload: bytes) -> dict[str, str]:
    """The headers that sign a webhook's body (Standard Webhooks 1.0.0, symmetric signature)."""
    timestamp = str(int(at.timestamp()))
    signed = f"{notice_id}.{timestamp}.".encode() + payload
    signature = base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
    return {
        "webhook-id": notice_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
        "content-type": "application/json",
    }
