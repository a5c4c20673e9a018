"""Forms of a draft on its way to its release: the draft itself, and its sealed form on disk and in a file.

``content`` is what a preparation is the hash of, member for member, so that whoever holds the file can
compute the text code. A draft is not signed: what counts is that each of two devices showed the whole
text before it signed. What may become of one stands in ``clearance``.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from poc.core.form import (
    Binary,
    ContactId,
    Count,
    ExerciseId,
    Form,
    Kid,
    LineText,
    MessageId,
    Officer,
    Positive,
    Sha256,
    ShortText,
    Status,
    Text,
    TopForm,
    Utc,
    sorted_distinct,
)
from poc.core.message import MEDIA_TYPE_PATTERN, Kind, MessageBody, Precedence, Tlp, check_times_fit
from poc.limits import DEVICES_MAX, SLOTS_MAX

DRAFT_TYPE: Final = "poc-draft+jwe"


class DraftSender(Form):
    """The contact that will send; which of its devices is not known yet."""

    contact: ContactId
    kid: None


class DraftRecipient(Form):
    """An addressee: devices are found when the message is sealed."""

    contact: ContactId
    use: Literal["action", "information"] = Field(alias="as")


class DraftAttachment(Form):
    """An attachment by its own bytes; how it travels is not part of the content."""

    name: Annotated[str, Text(120)]
    media_type: Annotated[str, Field(pattern=MEDIA_TYPE_PATTERN)]
    size_bytes: Count
    sha256: Sha256
    blob: None


def _one_use_each(to: tuple[DraftRecipient, ...]) -> tuple[DraftRecipient, ...]:
    return sorted_distinct(to, lambda recipient: recipient.contact, "recipients")


class DraftContent(TopForm):
    """The message as far as its author decides it; the members that releasing fills in are null."""

    id: MessageId
    status: Status
    exercise: ExerciseId | None
    sender: DraftSender = Field(alias="from")
    to: Annotated[
        tuple[DraftRecipient, ...], Field(min_length=1, max_length=SLOTS_MAX), AfterValidator(_one_use_each)
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
    attachments: Annotated[tuple[DraftAttachment, ...], Field(max_length=20)]
    attribution: Literal["none"]
    head: None
    commit: None
    sent_at: None
    not_before: Utc | None
    respond_by: Utc | None
    respond_within_s: Annotated[int, Field(ge=1, le=30 * 86_400)] | None
    expires_at: Utc
    officer: None
    prepared: None

    @model_validator(mode="after")
    def _members_fit(self) -> DraftContent:
        check_times_fit(self)
        if any(recipient.contact == self.sender.contact for recipient in self.to):
            raise ValueError("the sender is no addressee")
        return self


class Hand(Form):
    """Who did something with a draft: an officer's code, the device's signing key, the time."""

    officer: Officer | None
    kid: Kid
    at: Utc


class Chosen(Form):
    """Whom the author named, and whether others stand in; the content names all that may be reached."""

    to: Annotated[tuple[ContactId, ...], Field(max_length=SLOTS_MAX)]
    information: Annotated[tuple[ContactId, ...], Field(max_length=SLOTS_MAX)]
    escalate: bool | None


class DraftForm(TopForm):
    """A draft as kept and carried: ``edition`` rises with each edit, ``data`` are the attachments' bytes.

    ``prepared`` is the ``poc-preparation+jws`` once a second device signed it, ``cleared`` whose it is.
    """

    form: Literal["poc-draft"]
    edition: Positive
    content: DraftContent
    chosen: Chosen
    data: Annotated[tuple[Binary, ...], Field(max_length=20)]
    drafted: Hand
    cleared: Hand | None
    prepared: Annotated[str, Field(max_length=16_384)] | None

    @model_validator(mode="after")
    def _belongs_together(self) -> DraftForm:
        if self.content.origin != self.origin:
            raise ValueError("the content is of another origin")
        if len(self.data) != len(self.content.attachments):
            raise ValueError("as many data as attachments")
        if (self.cleared is None) != (self.prepared is None):
            raise ValueError("cleared and prepared come together")
        return self


class DraftHeader(TopForm):
    """The JWE protected header of a sealed draft: it names the contact and nothing of the content."""

    enc: Literal["A256GCM"]
    typ: Literal["poc-draft+jwe"]
    contact: ContactId


class DraftSlotHeader(Form):
    """Whose key the content key of a draft is sealed to."""

    alg: Literal["HPKE-9-KE"]
    kid: Kid
    ek: Binary


class DraftSlot(Form):
    """One device's part of a sealed draft."""

    header: DraftSlotHeader
    encrypted_key: Binary


def _slots_sorted(slots: tuple[DraftSlot, ...]) -> tuple[DraftSlot, ...]:
    return sorted_distinct(slots, lambda slot: slot.header.kid, "recipients")


class SealedDraft(Form):
    """A sealed draft: JWE general JSON serialisation (RFC 7516 section 7.2.1)."""

    protected: Annotated[Binary, Field(max_length=1024)]
    recipients: Annotated[
        tuple[DraftSlot, ...], Field(min_length=1, max_length=DEVICES_MAX), AfterValidator(_slots_sorted)
    ]
    iv: Annotated[Binary, Field(min_length=16, max_length=16)]
    ciphertext: Binary
    tag: Annotated[Binary, Field(min_length=22, max_length=22)]
