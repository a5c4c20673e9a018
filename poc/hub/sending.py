"""How a notice leaves the hub: by mail through the operator's server, or as a signed webhook.

What it says is ``core.nudge``'s; when and to whom, ``nudging``'s. No address, secret or text is logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from poc.config import MailSettings
from poc.core.nudge import Notice, is_email, read_secret, webhook_headers
from poc.errors import RefusedError, UnreachableError
from poc.limits import NUDGE_ANSWER_BYTES_MAX, NUDGE_CALL_SECONDS_MAX, NUDGE_MAIL_SECONDS_MAX
from poc.outgoing.addresses import read_url
from poc.outgoing.calls import Outgoing, exchange
from poc.outgoing.mail import send_mail
from poc.store.base import StoredNudgeAddress

_TOO_MANY_REQUESTS = 429
_SERVER_FAULT = 500


@dataclass(frozen=True, slots=True)
class Channels:
    """What the operator lets the hub call: no mail without settings, webhooks at approved hosts only."""

    outgoing: Outgoing = field(default_factory=Outgoing)
    mail: MailSettings | None = None
    webhook_hosts: Collection[str] = frozenset()

    def check(self, kind: str, address: str) -> None:
        """Return only if notices may go to this address.

        Raises ``nudges-off``, ``bad-form``, ``bad-url``, ``host-not-approved``.
        """
        if kind == "email":
            if self.mail is None:
                raise RefusedError("nudges-off")
            if not is_email(address):
                raise RefusedError("bad-form", "address: give one as duty@example.org")
            return
        target = read_url(address)
        if target.scheme != "https" and not self.outgoing.allowed:
            raise RefusedError("bad-url", "https only")
        if target.place not in self.webhook_hosts:
            raise RefusedError("host-not-approved")

    async def send(self, to: StoredNudgeAddress, notice: Notice, notice_id: str, now: datetime) -> None:
        """Send a notice once; the same ``notice_id`` again is the same notice to its receiver.

        Raises ``UnreachableError`` where it may be tried again: ``mail-failed``, ``call-failed``,
        ``webhook-refused``; else ``RefusedError``: those of :meth:`check`, ``mail-refused``,
        ``mail-not-encrypted``, ``webhook-refused``, ``address-not-allowed``.
        """
        self.check(to.kind, to.address)
        if to.kind == "webhook":
            await self._call(to, notice, notice_id, now)
        elif self.mail is not None:
            try:
                async with asyncio.timeout(NUDGE_MAIL_SECONDS_MAX):
                    await send_mail(_mail(self.mail, to, notice, notice_id, now), self.mail)
            except TimeoutError:
                raise UnreachableError("mail-failed", "too slow") from None

    async def _call(self, to: StoredNudgeAddress, notice: Notice, notice_id: str, now: datetime) -> None:
        body = notice.payload(now)
        headers = webhook_headers(read_secret(to.secret or ""), notice_id, now, body)
        is_plain = read_url(to.address).scheme == "http"
        async with self.outgoing.session(NUDGE_CALL_SECONDS_MAX, public=not is_plain) as http:
            status, _ = await exchange(
                http,
                "POST",
                to.address,
                body=body,
                headers=headers,
                answer_bytes_max=NUDGE_ANSWER_BYTES_MAX,
            )
        if status >= _SERVER_FAULT or status == _TOO_MANY_REQUESTS:
            raise UnreachableError("webhook-refused", f"HTTP {status}")
        if not 200 <= status < 300:
            raise RefusedError("webhook-refused", f"HTTP {status}")


def _mail(
    settings: MailSettings, to: StoredNudgeAddress, notice: Notice, notice_id: str, now: datetime
) -> EmailMessage:
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = to.address
    message["Subject"] = notice.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{notice_id}@{str(settings.mail_from).rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.text)
    return message
