"""Forms of a message and of the envelope it travels in (DESIGN section 5).

Holds the forms only. Sealing, opening and a recipient's refusals stand in ``envelope``; the
primitive operations in ``sealed``.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from poc.core.form import (
    Binary,
    ContactId,
    Count,
    ExerciseId,
    Form,
    Head,
    Key32,
    Kid,
    Language,
    LineText,
    MessageId,
    Officer,
    Positive,
    Salt16,
    Sha256,
    ShortText,
    Status,
    Text,
    TopForm,
    Utc,
    sorted_distinct,
)
from poc.limits import ATTACHMENTS_MAX, SLOTS_MAX

Kind = Literal[
    "notification",
    "information-request",
    "assistance-request",
    "clarification",
    "reply",
    "update",
    "withdrawal",
    "closure",
    "ping",
    "inject",
]
Precedence = Literal["flash", "immediate", "priority", "routine"]
Tlp = Literal["TLP:RED", "TLP:AMBER+STRICT", "TLP:AMBER", "TLP:GREEN", "TLP:CLEAR"]
SlotUse = Literal["action", "information", "own"]

ENVELOPE_TYPE: Final = "poc-envelope+jwe"
MEDIA_TYPE_PATTERN: Final = r"^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$"
NON_ATTRIBUTION: Final = "This message attributes nothing to any State."


class Sender(Form):
    """The contact that sends and the signing key of the device that signed."""

    contact: ContactId
    kid: Kid


class Recipient(Form):
    """One device a message is sealed to: its sealing key's ``kid`` and the hash of its slot's header."""

    contact: ContactId
    kid: Kid
    use: SlotUse = Field(alias="as")
    slot: Sha256


class Template(Form):
    """The template a body was written with."""

    id: ShortText
    version: Positive
    sha256: Sha256


class MessageText(Form):
    """The text in one language: the original, or a courtesy translation of it."""

    language: Language
    text: Annotated[str, Text(20_000, lines=True)]
    role: Literal["original", "courtesy"]


FieldValue = Annotated[str, Text(2_000, lines=True)]


def _texts_fit(texts: tuple[MessageText, ...]) -> tuple[MessageText, ...]:
    if len({text.language for text in texts}) != len(texts):
        raise ValueError("one text per language")
    if texts and [text.role for text in texts].count("original") != 1:
        raise ValueError("exactly one text is the original")
    return texts


class MessageBody(Form):
    """What is said. All of it is optional; texts are one original and its translations."""

    template: Template | None
    fields: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")], FieldValue],
        Field(max_length=60),
    ]
    texts: Annotated[tuple[MessageText, ...], Field(max_length=8), AfterValidator(_texts_fit)]


class BlobKey(Form):
    """How to fetch and open an attachment that travels apart; ``key`` seals nothing else."""

    key: Key32
    sha256: Sha256
    size_bytes: Positive


class Attachment(Form):
    """One attachment; ``sha256`` and ``size_bytes`` are of its own bytes."""

    name: Annotated[str, Text(120)]
    media_type: Annotated[str, Field(pattern=MEDIA_TYPE_PATTERN)]
    size_bytes: Count
    sha256: Sha256
    blob: BlobKey | None


def _blob_keys_distinct(attachments: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
    keys = [attachment.blob.key for attachment in attachments if attachment.blob is not None]
    if len(set(keys)) != len(keys):
        raise ValueError("the key of a blob is used once")
    return attachments


def _recipients_sorted(to: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
    return sorted_distinct(to, lambda recipient: (recipient.contact, recipient.kid), "recipients")


def check_times_fit(form: Any) -> None:
    """Check inside a validator that the members of a message that exclude each other do."""
    if form.respond_by is not None and form.respond_within_s is not None:
        raise ValueError("respond_by and respond_within_s exclude each other")
    if form.status == "actual" and form.respond_within_s is not None:
        raise ValueError("respond_within_s is for exercise and test only")
    if (form.exercise is not None) != (form.status == "exercise"):
        raise ValueError("exercise is named if and only if status is exercise")


class Message(TopForm):
    """What the sender wrote: the payload of a ``poc-message+jws``."""

    id: MessageId
    status: Status
    exercise: ExerciseId | None
    sender: Sender = Field(alias="from")
    to: Annotated[
        tuple[Recipient, ...], Field(min_length=1, max_length=SLOTS_MAX), AfterValidator(_recipients_sorted)
    ]
    kind: Kind
    precedence: Precedence
    tlp: Tlp
    handling: LineText | None
    thread: MessageId | None
    in_reply_to: MessageId | None
    our_reference: ShortText | None
    your_reference: ShortText | None
    subject: LineText
    body: MessageBody
    attachments: Annotated[
        tuple[Attachment, ...], Field(max_length=ATTACHMENTS_MAX), AfterValidator(_blob_keys_distinct)
    ]
    attribution: Literal["none"]
    head: Head
    commit: Sha256
    sent_at: Utc
    not_before: Utc | None
    respond_by: Utc | None
    respond_within_s: Annotated[int, Field(ge=1, le=30 * 86_400)] | None
    expires_at: Utc
    officer: Officer | None
    prepared: Annotated[str, Field(max_length=16_384)] | None

    @model_validator(mode="after")
    def _times_fit(self) -> Message:
        check_times_fit(self)
        return self


class Preparation(TopForm):
    """Payload of a ``poc-preparation+jws``: a second device of the contact stands behind the content."""

    contact: ContactId
    kid: Kid
    content_sha256: Sha256
    at: Utc
    head: Head


class BlobRef(Form):
    """A blob named in the envelope's header, so that the hub can keep it."""

    sha256: Sha256
    size_bytes: Positive


def _blobs_distinct(blobs: tuple[BlobRef, ...]) -> tuple[BlobRef, ...]:
    if len({blob.sha256 for blob in blobs}) != len(blobs):
        raise ValueError("a blob is named once")
    return blobs


class EnvelopeHeader(TopForm):
    """The JWE protected header of an envelope: what the hub sees."""

    enc: Literal["A256GCM"]
    typ: Literal["poc-envelope+jwe"]
    id: MessageId
    status: Status
    exercise: ExerciseId | None
    sender: Sender = Field(alias="from")
    kind: Kind
    precedence: Precedence
    sent_at: Utc
    not_before: Utc | None
    respond_by: Utc | None
    respond_within_s: Annotated[int, Field(ge=1, le=30 * 86_400)] | None
    expires_at: Utc
    blobs: Annotated[tuple[BlobRef, ...], Field(max_length=ATTACHMENTS_MAX), AfterValidator(_blobs_distinct)]
    commit: Sha256

    @model_validator(mode="after")
    def _times_fit(self) -> EnvelopeHeader:
        check_times_fit(self)
        return self


SHARED_MEMBERS: Final = (
    "v",
    "origin",
    "id",
    "status",
    "exercise",
    "sender",
    "kind",
    "precedence",
    "sent_at",
    "not_before",
    "respond_by",
    "respond_within_s",
    "expires_at",
    "commit",
)


class SlotHeader(Form):
    """Header of one device's slot; ``sequence`` is null for own, held and in-place-of slots."""

    alg: Literal["HPKE-9-KE"]
    kid: Kid
    ek: Binary
    contact: ContactId
    sequence: Positive | None
    release_at: Utc | None
    in_place_of: ContactId | None
    salt: Salt16


class Slot(Form):
    """One device's part of an envelope: the content key sealed to it."""

    header: SlotHeader
    encrypted_key: Binary


class Envelope(Form):
    """A sealed message: JWE general JSON serialisation (RFC 7516 section 7.2.1)."""

    protected: Annotated[Binary, Field(max_length=16_384)]
    recipients: Annotated[tuple[Slot, ...], Field(min_length=1, max_length=SLOTS_MAX)]
    iv: Annotated[Binary, Field(min_length=16, max_length=16)]
    ciphertext: Binary
    tag: Annotated[Binary, Field(min_length=22, max_length=22)]
