"""Forms of evidence: what the hub and the recipients sign about an envelope (DESIGN section 6).

Holds the forms of receipts, retrievals, acknowledgements, cancels and of the evidence file.
Verifying a file stands in ``proof``; the (state, event) tables in ``lifecycle``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from poc.core.form import (
    Binary,
    ContactId,
    Count,
    ExerciseId,
    Form,
    Head,
    Kid,
    MessageId,
    Officer,
    Positive,
    Sha256,
    Status,
    TopForm,
    Utc,
)
from poc.core.message import Envelope
from poc.limits import SLOTS_MAX

RECEIPT_IS_NOT_AGREEMENT: Final = {
    "en": "Receipt does not indicate concurrence with the content.",
    "ar": "إشعار بالاستلام لا يعني الموافقة على المضمون.",
}

_NAMED: Final[Mapping[str, frozenset[str]]] = {
    "accepted": frozenset({"slots"}),
    "rejected": frozenset({"reason"}),
    "released": frozenset({"slots", "contact"}),
    "not-needed": frozenset({"slots", "contact", "reason"}),  # no contact where a cancel named none
    "recorded": frozenset({"contact", "artefact_sha256"}),
    "expired": frozenset({"contact"}),
}

CompactJws = Annotated[str, Field(min_length=1, max_length=65_536)]


class SlotReceipt(Form):
    """One slot the hub accepted; ``sha256`` is of the slot's RFC 8785 bytes."""

    contact: ContactId
    kid: Kid
    sequence: Positive | None
    sha256: Sha256


class Receipt(TopForm):
    """Payload of a ``poc-receipt+jws``: what the hub saw, signed by a hub key."""

    event: Literal["accepted", "rejected", "released", "not-needed", "recorded", "expired"]
    message: MessageId
    envelope_sha256: Sha256
    status: Status
    exercise: ExerciseId | None
    slots: Annotated[tuple[SlotReceipt, ...], Field(max_length=SLOTS_MAX)] | None
    contact: ContactId | None
    artefact_sha256: Sha256 | None
    reason: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")] | None
    at: Utc
    head: Head

    @model_validator(mode="after")
    def _members_fit(self) -> Receipt:
        for member in ("slots", "contact", "artefact_sha256", "reason"):
            is_open = (self.event, member) == ("not-needed", "contact")
            is_named = getattr(self, member) is not None
            if not is_open and is_named != (member in _NAMED[self.event]):
                raise ValueError(f"{member} does not fit a receipt that says {self.event}")
        if self.contact is not None and any(slot.contact != self.contact for slot in self.slots or ()):
            raise ValueError("a slot is of another contact")
        return self


class NextStep(Form):
    """What the recipient said comes next."""

    kind: Literal["none-stated", "reply-by", "no-reply", "passed-to"]
    at: Utc | None
    contact: ContactId | None

    @model_validator(mode="after")
    def _members_fit(self) -> NextStep:
        if (self.at is not None) != (self.kind == "reply-by"):
            raise ValueError("a time goes with reply-by and with nothing else")
        if (self.contact is not None) != (self.kind == "passed-to"):
            raise ValueError("a contact goes with passed-to and with nothing else")
        return self


class _Answer(TopForm):
    message: MessageId
    envelope_sha256: Sha256
    status: Status
    exercise: ExerciseId | None
    contact: ContactId
    kid: Kid
    reason: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")] | None
    answer: Sha256 | None
    next: NextStep
    officer: Officer | None
    concurrence: Literal["none"]
    at: Utc
    head: Head


class Retrieval(_Answer):
    """Payload of a ``poc-retrieval+jws``: a device with ``retrieve`` opened and checked the message."""

    outcome: Literal["retrieved"]


class Acknowledgement(_Answer):
    """Payload of a ``poc-acknowledgement+jws``: an officer acknowledged receipt, or declined."""

    outcome: Literal["acknowledged", "declined"]


class Cancel(TopForm):
    """Payload of a ``poc-cancel+jws`` by a ``send`` device of the sender's contact; null contact: all."""

    message: MessageId
    envelope_sha256: Sha256
    contact: ContactId | None
    reason: Literal["resealed", "withdrawn", "reached-by-voice", "answered"]
    at: Utc
    head: Head


class DisclosedKey(Form):
    """The member ``opening``: the content key, disclosed by a party to the message."""

    message: MessageId
    cek: Binary


class LogPart(Form):
    """The log inside an evidence file: every entry and a checkpoint at or above every head."""

    checkpoint: Annotated[str, Field(max_length=65_536)]
    entries: tuple[Binary, ...]


class LogLight(Form):
    """The log by size and root only: needs a verified snapshot or desk to check against."""

    size: Count
    root: Sha256


class EvidenceFile(TopForm):
    """One message's evidence in one file, verified offline with only the file and the fingerprint."""

    form: Literal["poc-evidence"]
    envelope: Envelope
    receipts: Annotated[tuple[CompactJws, ...], Field(max_length=2000)]
    retrievals: Annotated[tuple[CompactJws, ...], Field(max_length=1000)]
    acknowledgements: Annotated[tuple[CompactJws, ...], Field(max_length=1000)]
    cancels: Annotated[tuple[CompactJws, ...], Field(max_length=100)]
    opening: DisclosedKey | None
    log: LogPart | LogLight
