"""Mails that carry a carriage file: written ready to open and send, and read as a mail program saved them.

Nothing in such a mail is secret, and nothing outside the attachment is believed. What the attachment means
is decided in ``carriage``.
"""

from __future__ import annotations

import email
import re
from collections.abc import Mapping
from datetime import datetime
from email.header import Header
from email.message import EmailMessage, Message
from email.policy import SMTP, compat32
from email.utils import format_datetime
from typing import Any, Final, Literal

from poc.errors import RefusedError
from poc.limits import CARRIAGE_BYTES_MAX, CARRIAGE_MAIL_PARTS_MAX

Kind = Literal["message", "answers"]
SUBJECTS: Final[dict[Kind, str]] = {
    "message": "Sealed message / رسالة مختومة",
    "answers": "Signed answer / رد موقّع",
}
FILE_NAME: Final = "poc-carriage.json"
_TEXTS: Final[dict[Kind, tuple[str, str]]] = {
    "message": (
        "This mail contains no link. Save the sealed attachment, then open it with your desk:",
        "لا تحتوي هذه الرسالة على أي رابط. احفظ المرفق المختوم ثم افتحه بمكتبك:",
    ),
    "answers": (
        "This mail contains no link. Save the signed answer attached, then verify it with your desk:",
        "لا تحتوي هذه الرسالة على أي رابط. احفظ الرد الموقّع المرفق ثم تحقق منه بمكتبك:",
    ),
}
_COMMAND: Final = f"    poc message import {FILE_NAME}"
_MARK: Final = b'"form":"poc-carriage"'
_NESTING: Final = (b"multipart/", b"message/")
_BOUNDARIES_MAX: Final = 200  # lines that may begin or end a part; text may have some too
_LINES_MAX: Final = CARRIAGE_BYTES_MAX // 40
_HEADER_BYTES_MAX: Final = 2_000
_CONTENT_HEADER: Final = re.compile(rb"^content-[^\n:]*:(?:[^\n]|\n[ \t])*", re.IGNORECASE | re.MULTILINE)


def write_mail(
    kind: Kind,
    data: bytes,
    marking: Mapping[str, str],
    now: datetime,
    *,
    to: str | None,
    sender: str | None,
) -> bytes:
    """A mail with one attachment: fixed subject and text, the marking first and last where there is one.

    A mail program that opens the file offers it as a draft; an address that is not known stays blank.
    """
    message = EmailMessage(policy=SMTP)
    message["X-Unsent"] = "1"
    for name, address in (("From", sender), ("To", to)):
        if address is not None:
            message[name] = address
    message["Date"] = format_datetime(now)
    banner = [" / ".join(marking.values())] if marking else []
    subject = Header(" - ".join((*banner, SUBJECTS[kind])), "utf-8", header_name="Subject")
    message.set_content("\n\n".join((*banner, *_TEXTS[kind], _COMMAND, *banner)) + "\n", cte="base64")
    message.add_attachment(data, maintype="application", subtype="json", filename=FILE_NAME)
    # The message's own policy loses spaces where it folds Arabic.
    return f"Subject: {subject.encode(linesep=SMTP.linesep)}{SMTP.linesep}".encode() + message.as_bytes()


def carriage_in(data: bytes) -> bytes:
    """The carriage file in a mail, or the data itself where that is no mail.

    Any headers, any number of other parts up to a limit, and whatever mail programs put around. Raises
    ``too-large``, ``bad-mail`` (no carriage file in it, two, or more parts than are looked through).
    """
    if len(data) > CARRIAGE_BYTES_MAX:
        raise RefusedError("too-large", f"{len(data)} bytes; {CARRIAGE_BYTES_MAX} is the limit")
    if data.lstrip()[:1] in (b"{", b"["):
        return data.strip()
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    _check_shape(data)
    found = {part for part in _parts(email.message_from_bytes(data, policy=compat32)) if _MARK in part}
    if len(found) != 1:
        raise RefusedError("bad-mail", f"{len(found)} carriage files in it")
    return found.pop()


def _check_shape(data: bytes) -> None:
    """Refuse, before parsing, what costs the parser far more than its size."""
    if sum(data.lower().count(word) for word in _NESTING) > CARRIAGE_MAIL_PARTS_MAX:
        raise RefusedError("bad-mail", f"more than {CARRIAGE_MAIL_PARTS_MAX} parts")
    if data.count(b"\n--") > _BOUNDARIES_MAX or data.count(b"\n") > _LINES_MAX:
        raise RefusedError("bad-mail", "too many lines")
    if any(len(found[0]) > _HEADER_BYTES_MAX for found in _CONTENT_HEADER.finditer(data)):
        raise RefusedError("bad-mail", "a header that is too long")


def _parts(mail: Message[Any, Any]) -> list[bytes]:
    found = []
    for number, part in enumerate(mail.walk()):
        if number >= CARRIAGE_MAIL_PARTS_MAX:
            raise RefusedError("bad-mail", f"more than {CARRIAGE_MAIL_PARTS_MAX} parts")
        content = None if part.is_multipart() else part.get_payload(decode=True)
        if isinstance(content, bytes) and content.lstrip()[:1] == b"{":
            found.append(content.strip())
    return found
