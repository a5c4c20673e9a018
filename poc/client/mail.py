"""Findings by mail: encrypted on the way to the server, or not sent at all unless the desk is set so.

The subject never changes and the text names ids only. Which findings there are is decided in ``monitor``.
"""

from __future__ import annotations

import ssl
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Final

import aiosmtplib

from poc.client.monitor import Findings
from poc.client.watch import Event
from poc.config import DeskSettings
from poc.core.strictjson import format_time
from poc.core.text import for_terminal
from poc.errors import RefusedError, UnreachableError
from poc.keyring import read_secret_file

SUBJECT: Final = "Registry notice / إشعار من السجل"
SECONDS_MAX: Final = 30
EVENTS_MAX: Final = 200
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


def check_mail_settings(settings: DeskSettings) -> None:
    """Return only if mail can be sent by these settings. Raises ``mail-not-set``, ``bad-setting``."""
    missing = [name for name in ("mail_server", "mail_from", "mail_to") if not getattr(settings, name)]
    if missing:
        raise RefusedError("mail-not-set", ", ".join(missing))
    if settings.mail_user is not None and settings.mail_tls == "none":
        raise RefusedError("bad-setting", "mail_user: a password is never sent in plain text; set mail_tls")
    if (settings.mail_user is None) != (settings.mail_password_file is None):
        raise RefusedError("bad-setting", "mail_user and mail_password_file go together")


def write_mail(findings: Findings, settings: DeskSettings, now: datetime) -> EmailMessage:
    """The message about findings: fixed subject, plain text, headings in English and Arabic."""
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = ", ".join(settings.mail_to)
    message["Subject"] = SUBJECT
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=str(settings.mail_from).rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(mail_lines(findings)) + "\n")
    return message


def mail_lines(findings: Findings) -> list[str]:
    """The text of the message, line by line."""
    lines = [f"{findings.origin}: {findings.state}"]
    alarms = [alarm.text for alarm in findings.alarms]
    events = [event_line(event) for event in findings.events[:EVENTS_MAX]]
    if len(findings.events) > EVENTS_MAX:
        events.append(f"and {len(findings.events) - EVENTS_MAX} more: `poc monitor --since {findings.since}`")
    pending = [pending.text for pending in findings.pending]
    for heading, texts in (
        ("ALARMS THAT STAND / إنذارات قائمة", alarms),
        ("EVENTS OF THE LOG / أحداث السجل", events),
        ("NOT YET IN EFFECT / لم يسرِ بعد", pending),
    ):
        if texts:
            lines += ["", heading, *(for_terminal(f"- {text}") for text in texts)]
    return lines


def event_line(event: Event) -> str:
    """One event on one line: when, how serious, what, and who signed it."""
    at = "" if event.logged_at is None else f" {format_time(event.logged_at)}"
    signed = f" [signed by {', '.join(event.signed_by)}]" if event.signed_by else ""
    return f"#{event.index}{at} {event.severity.upper()}: {event.text}{signed}"


async def send_mail(message: EmailMessage, settings: DeskSettings) -> None:
    """Hand a message to the server.

    Raises ``mail-failed`` (try again), ``mail-refused`` (also where one of several recipients was),
    ``mail-not-encrypted``. None of them names an address.
    """
    host, _, port = str(settings.mail_server).partition(":")
    client = aiosmtplib.SMTP(
        hostname=host,
        port=int(port or _PORTS[settings.mail_tls]),
        use_tls=settings.mail_tls == "tls",
        start_tls=False,  # asked for below, so that a server without it is told from one that fails
        tls_context=None if settings.mail_tls == "none" else _context(settings),
        timeout=SECONDS_MAX,
    )
    try:
        await _connect(client, settings)
        await _deliver(client, message, settings)
    except aiosmtplib.SMTPResponseException as error:
        raise _refused(error.code) from None
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _refused(*(one.code for one in error.recipients)) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise UnreachableError("mail-failed", type(error).__name__) from error
    finally:
        client.close()


async def _connect(client: aiosmtplib.SMTP, settings: DeskSettings) -> None:
    try:
        await client.connect()
        if settings.mail_tls == "starttls":
            await client.ehlo()
            if not client.supports_extension("starttls"):
                raise RefusedError("mail-not-encrypted", "no STARTTLS")
            await client.starttls()
    except (aiosmtplib.SMTPException, OSError) as error:
        if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            raise RefusedError("mail-not-encrypted", "its certificate does not verify, or no TLS") from None
        raise


async def _deliver(client: aiosmtplib.SMTP, message: EmailMessage, settings: DeskSettings) -> None:
    if settings.mail_user is not None and settings.mail_password_file is not None:
        password = read_secret_file(settings.home / settings.mail_password_file)
        await client.login(settings.mail_user, password)
    refused, _ = await client.send_message(message)
    if refused:
        raise _refused(*(answer.code for answer in refused.values()))
    await client.quit()


def _context(settings: DeskSettings) -> ssl.SSLContext:
    file: Path | None = None if settings.mail_ca_file is None else settings.home / settings.mail_ca_file
    try:
        return ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError) as error:
        raise RefusedError("bad-setting", f"mail_ca_file: {type(error).__name__}") from None


def _refused(*codes: int) -> RefusedError | UnreachableError:
    """A refusal by the server: one that may pass, or one for good."""
    told = f"{len(codes)} answered {', '.join(str(code) for code in sorted(set(codes)))}"
    if all(400 <= code < 500 for code in codes):
        return UnreachableError("mail-failed", told)
    return RefusedError("mail-refused", told)
