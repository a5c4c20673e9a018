"""Findings as a message to mail: the subject never changes and the text names ids only.

Which findings there are is decided in ``monitor``; ``poc.outgoing.mail`` sends.
"""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Final

from poc.client.monitor import Findings
from poc.client.watch import Event
from poc.config import DeskSettings
from poc.core.strictjson import format_time
from poc.core.text import for_terminal

SUBJECT: Final = "Registry notice / إشعار من السجل"
EVENTS_MAX: Final = 200


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
