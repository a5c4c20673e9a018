"""What an author decides before sealing: the draft, its size, its wording, its content hash.

Sealing a draft stands in ``envelope``. Nothing here needs a key or a directory.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from poc.core import jws, sealed
from poc.core.blob import SealedBlob, blob_size, check_blob_size, travel_apart
from poc.core.form import Status, form_of, form_value, state_of
from poc.core.keys import SealingPublicKey, SigningKey
from poc.core.message import (
    Kind,
    Message,
    MessageBody,
    Precedence,
    Preparation,
    SlotUse,
    Tlp,
)
from poc.core.receipts import sign_form
from poc.core.strictjson import b64u, canonical, domain_hash, format_time, unb64u
from poc.core.text import fold
from poc.errors import RefusedError
from poc.limits import BLOB_BYTES_MAX, BODY_BYTES_MAX

REAL_WORLD_WORDS: Final = (
    "this is not a drill",
    "not a drill",
    "this is not an exercise",
    "real world",
)
REAL_WORLD_WORDS_AR: Final = ("هذا ليس تمرينا", "العالم الحقيقي", "للعالم الحقيقي", "حالة حقيقية")
_CHOSEN: Final = (
    "status", "exercise", "kind", "precedence", "tlp", "handling", "thread", "in_reply_to",
    "our_reference", "your_reference", "subject", "body", "not_before", "respond_by",
    "respond_within_s", "expires_at", "officer", "prepared",
)  # fmt: skip
_NOT_A_WORD: Final = re.compile(r"[\W_]+")
_LABELS: Final = {"technical": "TECH", "diplomatic": "DIPL"}

# Sizes for :func:`measure`, each the most there can be.
_RECIPIENT_BYTES_MAX: Final = 220
_OTHERS_BYTES_MAX: Final = 800
_SLOT_BYTES_MAX: Final = 1_960
_ENVELOPE_BYTES_MAX: Final = 1_900
_SIGNED_BYTES_MAX: Final = 330
_BLOB_IN_MESSAGE_BYTES_MAX: Final = 160
_BLOB_IN_HEADER_BYTES_MAX: Final = 130


@dataclass(frozen=True, slots=True)
class AttachmentBytes:
    """An attachment as the author gives it."""

    name: str
    media_type: str
    data: bytes

    def value(self, blob: SealedBlob | None = None) -> dict[str, Any]:
        """Its form inside a message as a JSON value; with a blob it travels apart."""
        return {
            "name": self.name,
            "media_type": self.media_type,
            "size_bytes": len(self.data),
            "sha256": b64u(hashlib.sha256(self.data).digest()),
            "blob": None if blob is None else blob.value(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Everything of a message that its author chooses. ``prepared`` is a compact JWS.

    ``rendered`` is what readers will see of coded fields: its wording is checked, and it is not sent.
    """

    status: Status
    kind: Kind
    precedence: Precedence
    tlp: Tlp
    subject: str
    body: MessageBody
    expires_at: datetime
    exercise: str | None = None
    handling: str | None = None
    thread: str | None = None
    in_reply_to: str | None = None
    our_reference: str | None = None
    your_reference: str | None = None
    attachments: tuple[AttachmentBytes, ...] = ()
    not_before: datetime | None = None
    respond_by: datetime | None = None
    respond_within_s: int | None = None
    officer: str | None = None
    prepared: str | None = None
    rendered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Addressee:
    """One device the message is sealed to; ``sequence`` is null for own and held slots."""

    contact: str
    key: SealingPublicKey
    use: SlotUse
    sequence: int | None = None
    release_at: datetime | None = None
    in_place_of: str | None = None

    @property
    def kid(self) -> str:
        """The device's sealing key."""
        return self.key.kid


def compose_message(draft: Draft, **others: Any) -> Message:
    """The message of a draft and of the members its author does not choose, by their wire names.

    Raises:
        RefusedError: ``bad-form``.
    """
    return form_of(Message, {**_draft_value(draft), **others})


def draft_of(message: Message, attachments: Iterable[bytes]) -> Draft:
    """The draft a message was made of, to send the same again."""
    given = {name: getattr(message, name) for name in _CHOSEN}
    files = zip(message.attachments, attachments, strict=True)
    return Draft(
        **given, attachments=tuple(AttachmentBytes(form.name, form.media_type, data) for form, data in files)
    )


def _draft_value(draft: Draft) -> dict[str, Any]:
    """The members of a message that the draft gives, as JSON values."""
    members = {name: _json(getattr(draft, name)) for name in _CHOSEN}
    attachments = [attachment.value() for attachment in draft.attachments]
    return {"v": 1, "attribution": "none", **members, "attachments": attachments}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    return form_value(value) if isinstance(value, MessageBody) else value


# --- preparation: a second key behind the content ----------------------------------------------


def content_sha256(message: Message) -> str:
    """The hash a second device signs: of everything the reader reads, and of nothing else.

    base64url SHA-256("poc/1 content" 0x00 ‖ RFC 8785 of the message with ``from.kid``, ``head``,
    ``commit``, ``sent_at``, ``officer``, ``prepared`` and every ``blob`` null, and ``to`` reduced to
    the distinct ``{contact, as}`` other than ``own``).
    """
    return _content_sha256(form_value(message))


def draft_sha256(
    draft: Draft,
    *,
    origin: str,
    id: str,  # noqa: A002 (the member's name on the wire)
    sender_contact: str,
    recipients: Iterable[tuple[str, SlotUse]],
) -> str:
    """The content hash of a draft before it is sealed, in whatever building; equal to the message's."""
    content = draft_content(draft, origin=origin, id=id, sender_contact=sender_contact, recipients=recipients)
    return reduced_sha256(content)


def draft_content(
    draft: Draft,
    *,
    origin: str,
    id: str,  # noqa: A002 (the member's name on the wire)
    sender_contact: str,
    recipients: Iterable[tuple[str, SlotUse]],
) -> dict[str, Any]:
    """What :func:`draft_sha256` is the hash of, as a JSON value."""
    to = [{"contact": contact, "as": use} for contact, use in recipients]
    others = {"origin": origin, "id": id, "from": {"contact": sender_contact}, "to": to}
    return _reduced({**_draft_value(draft), **others})


def _content_sha256(value: dict[str, Any]) -> str:
    return reduced_sha256(_reduced(value))


def reduced_sha256(reduced: dict[str, Any]) -> str:
    """The hash of a content reduced already, as :func:`draft_content` gives it and a draft carries it."""
    return b64u(domain_hash("poc/1 content", canonical(reduced)))


def _reduced(value: dict[str, Any]) -> dict[str, Any]:
    named = {(to["contact"], to["as"]) for to in value["to"] if to["as"] != "own"}
    return {
        **value,
        **dict.fromkeys(("head", "commit", "sent_at", "officer", "prepared")),
        "from": {"contact": value["from"]["contact"], "kid": None},
        "to": [{"contact": contact, "as": use} for contact, use in sorted(named)],
        "attachments": [{**attachment, "blob": None} for attachment in value["attachments"]],
    }


def text_code(content: str) -> str:
    """The first 8 hex digits of a content hash: on paper and on screen."""
    return unb64u(content, 32).hex()[:8]


def prepare(content: str, *, origin: str, contact: str, key: SigningKey, head: str, at: datetime) -> str:
    """A device's ``poc-preparation+jws`` over a content hash."""
    form = Preparation(
        v=1, origin=origin, contact=contact, kid=key.kid, content_sha256=content, at=at, head=head
    )
    return sign_form(form, jws.PREPARATION, key)


# --- wording, size, spoken name ----------------------------------------------------------------


def check_exercise_text(draft: Draft) -> None:
    """Refuse an exercise or test whose text says that it is none, in English or Arabic.

    Compared as a search compares: case, accents, diacritics and punctuation make no difference.

    Raises:
        RefusedError: ``real-world-wording`` naming the words.
    """
    if draft.status == "actual":
        return
    for text in _texts(draft):
        folded = f" {_plain(text)} "
        found = [words for words in REAL_WORLD_WORDS if f" {_plain(words)} " in folded]
        found += [words for words in REAL_WORLD_WORDS_AR if _plain(words) in folded]
        if found:
            raise RefusedError("real-world-wording", f"«{found[0]}»", words=found[0])


def _texts(draft: Draft) -> Iterable[str]:
    lines = (draft.subject, draft.handling, draft.our_reference, draft.your_reference)
    names = (attachment.name for attachment in draft.attachments)
    texts = (text.text for text in draft.body.texts)
    filled = (*draft.body.fields.values(), *draft.rendered)
    return (text for text in (*lines, *filled, *texts, *names) if text is not None)


def _plain(text: str) -> str:
    return _NOT_A_WORD.sub(" ", fold(text)).strip()


@dataclass(frozen=True, slots=True)
class Size:
    """How large a draft will be; the most it can be where that depends on ids not known yet.

    ``blob_bytes`` has the sealed size of each attachment, where they travel apart.
    """

    plaintext_bytes: int
    body_bytes: int
    inline_bytes: int
    blob_bytes: tuple[int, ...]


def blob_sizes(attachments: Sequence[AttachmentBytes], blob_bytes_max: int) -> tuple[int, ...]:
    """The sealed sizes of attachments that travel apart; empty where all are inside the envelope.

    Raises:
        RefusedError: ``attachments-too-large``; data ``over_bytes`` says by how much one is.
    """
    lengths = [len(attachment.data) for attachment in attachments]
    sizes = tuple(map(blob_size, lengths)) if travel_apart(lengths) else ()
    for size in sizes:
        check_blob_size(size, blob_bytes_max)
    return sizes


def check_body_size(body_bytes: int, body_bytes_max: int) -> None:
    """Refuse an envelope over the limit. Raises ``envelope-too-large``; data ``over_bytes``."""
    over = body_bytes - body_bytes_max
    if over > 0:
        raise RefusedError("envelope-too-large", f"by {over} bytes", over_bytes=over)


def measure(
    draft: Draft, slots: int, body_bytes_max: int = BODY_BYTES_MAX, blob_bytes_max: int = BLOB_BYTES_MAX
) -> Size:
    """The size of a draft sealed to that many devices, before anything is sealed.

    Raises:
        RefusedError: ``attachments-too-large``, ``envelope-too-large``; data ``over_bytes``.
    """
    blobs = blob_sizes(draft.attachments, blob_bytes_max)
    inline = 0 if blobs else sum(len(attachment.data) for attachment in draft.attachments)
    written = len(canonical(_draft_value(draft))) + _OTHERS_BYTES_MAX + slots * _RECIPIENT_BYTES_MAX
    written += len(blobs) * _BLOB_IN_MESSAGE_BYTES_MAX
    jws_bytes = _SIGNED_BYTES_MAX + _b64u_length(written)
    plaintext = sealed.padded_length(jws_bytes + 1 + inline)
    body = _ENVELOPE_BYTES_MAX + _b64u_length(plaintext) + slots * _SLOT_BYTES_MAX
    body += len(blobs) * _BLOB_IN_HEADER_BYTES_MAX
    check_body_size(body, body_bytes_max)
    return Size(plaintext, body, inline, blobs)


def _b64u_length(length: int) -> int:
    return (length * 4 + 2) // 3


def spoken_name(sender: str, recipient: str, sequence: int | None) -> str:
    """A short name to say on the telephone beside the UUID: ``JO-TECH to SD-DUTY 17``."""
    number = "" if sequence is None else f" {sequence}"
    return f"{_spoken(sender)} to {_spoken(recipient)}{number}"


def _spoken(party: str) -> str:
    state = state_of(party)
    label = party[len(state) + 1 :]
    return f"{state.removeprefix('x-').upper()}-{_LABELS.get(label, label.upper())}"
