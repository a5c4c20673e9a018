"""A draft as a sheet: what of it and of the directory stands there. Laying it out is ``report``'s."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from poc.cli.lookup import names_line
from poc.cli.output import both_times
from poc.client.view import ATTRIBUTION, party_view
from poc.core.clearance import draft_sha256_of
from poc.core.strictjson import format_time, unb64u
from poc.report.message_sheet import MessageSheet, Row, SheetText, both

if TYPE_CHECKING:
    from poc.client.clearance import KeptDraft
    from poc.client.sdk import Desk
    from poc.core.draft_form import Hand


def sheet_of(desk: Desk, kept: KeptDraft, now: datetime, number: int | None = None) -> MessageSheet:
    """The sheet of a draft, as it stands at this desk."""
    form, content = kept.form, kept.form.content
    return MessageSheet(
        number=number,
        contact=content.sender.contact,
        status=content.status,
        state=kept.state,
        code=kept.code,
        made_at=now,
        rows=list(_rows(desk, kept, now)),
        texts=[SheetText(text.language, text.role, text.text) for text in content.body.texts],
        fields=dict(content.body.fields),
        attachments=[
            f"{a.name} ({a.media_type}, {a.size_bytes} bytes), SHA-256 {unb64u(a.sha256).hex()}"
            for a in content.attachments
        ],
        sentences=ATTRIBUTION,
        hands=(_hand(desk, form.drafted), _hand(desk, form.cleared), _released_by(desk, kept)),
    )


def _rows(desk: Desk, kept: KeptDraft, now: datetime) -> Iterator[Row]:
    content = kept.form.content
    yield Row("Subject / الموضوع", content.subject)
    yield Row("From / من", _party(desk, content.sender.contact))
    for recipient in content.to:
        label = "To / إلى" if recipient.use == "action" else "For information / للعلم"
        yield Row(label, _party(desk, recipient.contact))
    yield Row("Status / الصفة", both(content.status))
    yield Row("Kind / النوع", both(content.kind))
    yield Row("Precedence / الأسبقية", both(content.precedence))
    yield Row("TLP", content.tlp, code=True)
    yield from _optional(content)
    for label, name in (
        ("Not before / ليس قبل", "not_before"),
        ("Answer by / الرد قبل", "respond_by"),
        ("Expires / تنتهي", "expires_at"),
    ):
        at = getattr(content, name)
        if at is not None:
            yield Row(label, both_times(at), code=True)
    if content.respond_within_s is not None:
        yield Row("Answer within / الرد خلال", _duration(content.respond_within_s), code=True)
    yield Row("Registry / السجل", content.origin, code=True)
    yield Row("Message / الرسالة", content.id, code=True)
    yield Row("Edition / النسخة", f"{kept.form.edition}, {both_times(kept.form.drafted.at)}", code=True)
    yield Row("SHA-256 / البصمة", unb64u(draft_sha256_of(kept.form)).hex(), code=True)
    yield Row("Shown / عُرضت", both_times(now), code=True)


def _duration(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _optional(content: Any) -> Iterator[Row]:
    for label, name in (
        ("Exercise / التمرين", "exercise"),
        ("Handling / التداول", "handling"),
        ("Thread / السلسلة", "thread"),
        ("Answers / رداً على", "in_reply_to"),
        ("Our reference / مرجعنا", "our_reference"),
        ("Your reference / مرجعكم", "your_reference"),
    ):
        value = getattr(content, name)
        if value is not None:
            yield Row(label, value)
    if content.body.template is not None:
        template = content.body.template
        yield Row("Template / النموذج", f"{template.id} {template.version}, {template.sha256}", code=True)


def _party(desk: Desk, party: str) -> str:
    seen = party_view(desk.known, party)
    names = (names_line(seen["office_names"] or {}), names_line(seen["state_names"] or {}))
    return ", ".join(filter(None, (party, *names)))


def _hand(desk: Desk, hand: Hand | None) -> str | None:
    """Who it was, as codes: the officer's own, the device's number, its key, and when."""
    if hand is None:
        return None
    record = desk.directory.keys.get(hand.kid)
    device = "unknown device" if record is None else f"device {record.device}"
    return ", ".join(filter(None, (hand.officer, device, f"key {hand.kid[:8]}", format_time(hand.at))))


def _released_by(desk: Desk, kept: KeptDraft) -> str | None:
    """Who sent the message, from the message itself where it was sent from here."""
    if kept.state != "released":
        return None
    message = desk.show(kept.id).message
    device = desk.directory.keys[message.sender.kid].device
    told = (
        message.officer,
        f"device {device}",
        f"key {message.sender.kid[:8]}",
        format_time(message.sent_at),
    )
    return ", ".join(filter(None, told))
