"""A message as a reader is shown it: one JSON value with every sentence that must stand beside it.

Pure: made from an opened message and what the desk knows. Laying it out for a terminal or a page, and
escaping it, is done there. Nothing here is written to disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from poc.client.attachments import attachments_here
from poc.client.conversation import Conversations
from poc.client.conversation_view import DOUBTS, addressed, said_since, since_warnings
from poc.client.known import Known
from poc.client.templates import FIELD_NOT_IN_TEMPLATE, NOT_HERE, form_view, unknown_in
from poc.core.card import OfficePart
from poc.core.directory import Directory
from poc.core.draft import content_sha256, spoken_name, text_code
from poc.core.envelope import OpenedMessage
from poc.core.evidence import RECEIPT_IS_NOT_AGREEMENT
from poc.core.exercise import MARKING
from poc.core.form import form_value, read_form, state_of
from poc.core.message import Envelope, Message
from poc.core.play import deadline
from poc.core.strictjson import format_time, parse
from poc.errors import CATALOGUE, PocError

ATTRIBUTION: Final = {
    "en": "This message attributes nothing to any State.",
    "ar": "لا تنسب هذه الرسالة أيّ شيء إلى أيّ دولة.",
}
TEST_MARKING: Final = {"en": "TEST", "ar": "اختبار"}
WARNINGS: Final[dict[str, dict[str, str]]] = {
    **DOUBTS,
    "template-not-here": NOT_HERE,
    "field-not-in-template": FIELD_NOT_IN_TEMPLATE,
    "no-anchor": {
        "en": "No receipt of the hub came with this message: it was judged by this desk's own log and clock.",
        "ar": "لم يصل مع هذه الرسالة إيصال من المحور، فجرى التحقق منها بسجل هذا المكتب وساعته.",
    },
    "arrived-after-expiry": {
        "en": "This message arrived after expiry. It is not new.",
        "ar": "وصلت هذه الرسالة بعد انتهاء مدتها، فهي ليست جديدة.",
    },
    "expired": {
        "en": "This message has expired.",
        "ar": "انتهت مدة هذه الرسالة.",
    },
    "sender-key-ended-since": {
        "en": "The key that signed this message has been replaced or ended since.",
        "ar": "استُبدل المفتاح الذي وقّع هذه الرسالة أو انتهى بعد ذلك.",
    },
    "sender-left-since": {
        "en": "The sender is no longer in the directory.",
        "ar": "لم يعد المرسل مدرجا في الدليل.",
    },
    "sender-frozen-since": {
        "en": "The sender has been frozen by its own State since. Reach it by voice.",
        "ar": "جمّدت دولة المرسل نقطة الاتصال هذه بعد ذلك. تواصل معها صوتيا.",
    },
    "sender-state-recovering": {
        "en": "The keys of the sender's State are being recovered. Treat requests with care; ask by voice.",
        "ar": "يجري استرداد مفاتيح دولة المرسل. تعامل مع الطلبات بحذر وتحقق منها صوتيا.",
    },
    "sender-state-suspended": {
        "en": "The sender's State is suspended by the registrars now.",
        "ar": "علّق أمناء السجل دولة المرسل في الوقت الحالي.",
    },
    "sender-rotation-overdue": {
        "en": "The sender's sealing key is overdue for replacement.",
        "ar": "تأخر استبدال مفتاح الختم لدى المرسل.",
    },
    "sender-confirmation-overdue": {
        "en": "The sender's entry is overdue for confirmation.",
        "ar": "تأخر تأكيد بيانات المرسل.",
    },
    "not-verified": {
        "en": "NOT VERIFIED. Sync, and do not act on this message before it is verified.",
        "ar": "لم يُتحقق من هذه الرسالة. زامِن، ولا تتصرف بناءً عليها قبل التحقق.",
    },
    "refused": {
        "en": "REFUSED. This desk does not accept this message.",
        "ar": "مرفوضة. لا يقبل هذا المكتب هذه الرسالة.",
    },
    "unverified-receipt": {
        "en": "The hub's receipt for this message does not verify. Treat it as not sent.",
        "ar": "إيصال المحور بهذه الرسالة لم يثبت. اعتبرها غير مرسلة.",
    },
    "id-used-twice": {
        "en": "Two messages came under one id. Both are kept. Ask the sender by voice.",
        "ar": "وصلت رسالتان مختلفتان بالمعرّف نفسه، وحُفظت كلتاهما. اسأل المرسل صوتيا.",
    },
    "sequence-used-twice": {
        "en": "Two messages came under one sequence number. Both are kept. Ask the sender by voice.",
        "ar": "وصلت رسالتان مختلفتان بالرقم التسلسلي نفسه، وحُفظت كلتاهما. اسأل المرسل صوتيا.",
    },
}
_CUSTODY: Final = {
    "en": "Keys held by {body}; that body could read and answer.",
    "ar": "المفاتيح لدى {body}؛ وتستطيع تلك الجهة القراءة والرد.",
}


def message_view(
    known: Known, opened: OpenedMessage, conversations: Conversations | None = None
) -> dict[str, Any]:
    """The JSON value of an opened message, with markings, sentences in English and Arabic, and warnings.

    ``warnings`` is a list of ``{code, en, ar}``, worst first; ``state`` is what this desk notes of the
    message. ``sequence`` and ``spoken`` are of the reader's own slot; of a message sent from here,
    ``spoken`` names every addressee. ``withdrawn`` and ``updates`` are what its originator said of it since,
    ``form`` its fields as a reader sees them. Whoever shows many gives the ``conversations``, made once.
    """
    message = opened.message
    state, reason = _state(known, message)
    talks = conversations or Conversations(known)
    since = said_since(talks, message)
    form = form_view(known, message.body)
    doubt = talks.doubt(message)
    told = since_warnings(since) + ([] if doubt is None else [warning(doubt)])
    told += map(warning, unknown_in(form))
    return {
        "id": message.id,
        "spoken": _spoken(known, opened),
        "sequence": opened.sequence,
        "in_place_of": opened.in_place_of,
        "voice_code": opened.voice_code,
        "state": state,
        "reason": reason,
        "status": message.status,
        "exercise": _exercise(known, message),
        "marking": marking(message.status),
        "from": party_view(known, message.sender.contact),
        "custody": _custody(known.directory, message.sender.contact),
        "as": opened.use,
        "to": _named(message, "action"),
        "information": _named(message, "information"),
        "addressed": addressed(message, opened.use, opened.contact),
        "kind": message.kind,
        "precedence": message.precedence,
        "tlp": message.tlp,
        "handling": message.handling,
        **_content(known, opened),
        "form": form,
        **_times(opened),
        **since,
        "references": {
            "thread": message.thread, "in_reply_to": message.in_reply_to,
            "ours": message.our_reference, "yours": message.your_reference,
        },
        "officer": message.officer,
        "text_code": text_code(content_sha256(message)),
        "prepared_by": None if opened.preparation is None else opened.preparation.kid,
        "attribution": ATTRIBUTION,
        "receipt_sentence": RECEIPT_IS_NOT_AGREEMENT,
        "warnings": told + _warnings(known, opened, state, reason),
    }  # fmt: skip


def marking(status: str) -> dict[str, str] | None:
    """What stands first and last on a message of this status; nothing marks an actual one."""
    return {"exercise": MARKING, "test": TEST_MARKING}.get(status)


def party_view(known: Known, party: str) -> dict[str, Any]:
    """A party with its State's own names and, where its card is open here, its office's names."""
    directory = known.directory
    state = directory.states.get(state_of(party))
    controller = directory.controllers.get(party)
    names = None if controller is None else dict(controller.names)
    if controller is None:
        try:
            office = known.card(party).get("office")
        except PocError:  # withdrawn since, or never heard of: then there is no card to show
            office = None
        names = dict(office.names) if isinstance(office, OfficePart) else None
    return {
        "contact": party,
        "state": state_of(party),
        "state_names": None if state is None else dict(state.names.short),
        "state_official_names": None if state is None else dict(state.names.official),
        "office_names": names,
    }


def warning(code: str, **values: str) -> dict[str, str]:
    """A warning's code with its sentence in English and Arabic; any code of the catalogue has one too."""
    sentences = WARNINGS.get(code)
    if sentences is None:
        row = CATALOGUE.get(code)
        text = code if row is None else f"{row.sentence} {row.next_step}"
        sentences = {"en": text, "ar": text}
    return {"code": code, **{language: text.format(**values) for language, text in sentences.items()}}


def _state(known: Known, message: Message) -> tuple[str | None, str | None]:
    sent = known.trust.outbox_row("message", message.id)
    if sent is not None:
        return sent.state, sent.reason
    rows = [row for row in known.trust.inbox(message.id) if row.sender == message.sender.contact]
    return (rows[0].state, rows[0].reason) if rows else (None, None)


def _spoken(known: Known, opened: OpenedMessage) -> list[str]:
    sender = opened.message.sender.contact
    if opened.use != "own":
        return [spoken_name(sender, opened.contact, opened.sequence)]
    sequences: dict[str, int | None] = dict.fromkeys(
        sorted({to.contact for to in opened.message.to if to.use != "own"})
    )
    sent = known.trust.outbox_row("message", opened.message.id)
    if sent is not None:
        slots = read_form(Envelope, sent.body).recipients
        sequences |= {s.header.contact: s.header.sequence for s in slots if s.header.contact in sequences}
    return [spoken_name(sender, contact, number) for contact, number in sequences.items()]


def _exercise(known: Known, message: Message) -> dict[str, Any] | None:
    if message.exercise is None:
        return None
    play = known.play_of(message.exercise)
    title = None if play is None else dict(play.announcement.title)
    return {"id": message.exercise, "title": title}


def _named(message: Message, use: str) -> list[str]:
    return sorted({to.contact for to in message.to if to.use == use})


def _content(known: Known, opened: OpenedMessage) -> dict[str, Any]:
    message = opened.message
    return {
        "subject": message.subject,
        "template": None if message.body.template is None else form_value(message.body.template),
        "texts": [form_value(text) for text in message.body.texts],
        "fields": dict(message.body.fields),
        "attachments": [here.to_json() for here in attachments_here(known, opened)],
    }


def _times(opened: OpenedMessage) -> dict[str, Any]:
    """``deadline`` is null where no answer was asked for by a time, and for information recipients."""
    message = opened.message
    asked = message.respond_by is not None or message.respond_within_s is not None
    accepted = opened.released or opened.accepted
    until = None
    if asked and opened.use != "information":
        until = deadline(message, message.sent_at if accepted is None else accepted.at)
    return {
        "sent_at": format_time(message.sent_at),
        "accepted_at": None if opened.accepted is None else format_time(opened.accepted.at),
        "released_at": None if opened.released is None else format_time(opened.released.at),
        "respond_by": None if message.respond_by is None else format_time(message.respond_by),
        "respond_within_s": message.respond_within_s,
        "deadline": None if until is None else format_time(until),
        "expires_at": format_time(message.expires_at),
    }


def _custody(directory: Directory, party: str) -> str | None:
    contact = directory.contacts.get(party)
    return None if contact is None else contact.custody


def _warnings(
    known: Known, opened: OpenedMessage, state: str | None, reason: str | None
) -> list[dict[str, str]]:
    codes = [state] if state in ("not-verified", "refused", "unverified-receipt") else []
    codes += [reason] if reason is not None and state in ("not-verified", "refused") else []
    codes += _told_twice(known, opened.message.id)
    codes += opened.warnings
    codes += _of_state(known.directory, opened.message.sender.contact)
    if opened.message.expires_at <= known.now() and "arrived-after-expiry" not in codes:
        codes.append("expired")
    found = [warning(code) for code in _distinct(code for code in codes if code)]
    custody = _custody(known.directory, opened.message.sender.contact) or ""
    if custody.startswith("hosted:"):
        body = custody.removeprefix("hosted:")
        sentences = {language: text.format(body=body) for language, text in _CUSTODY.items()}
        found.append({"code": "custody-hosted", **sentences})
    return found


def _of_state(directory: Directory, sender: str) -> list[str]:
    state = directory.states.get(state_of(sender))
    recovering = state is not None and state.recovering is not None
    suspended = state is not None and state.suspended is not None
    return ["sender-state-recovering"] * recovering + ["sender-state-suspended"] * suspended


def _told_twice(known: Known, message: str) -> list[str]:
    """What of this message contradicts another of its sender, by the proofs kept."""
    found = []
    for kind, *items in known.trust.proofs():
        if kind in ("id-used-twice", "sequence-used-twice"):
            values: list[Any] = [parse(item) for item in items]
            found += [kind for value in values if value["message"] == message]
    return found


def _distinct(codes: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(codes))
