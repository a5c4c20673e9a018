"""What people need to reach a contact, in three parts, each committed to in the log by its hash.

Holds the parts' forms, the commitment and the opening (DESIGN section 4, Cards). The opening
travels beside the log, so that erasing it leaves the log verifiable. Which hours are
possible, and whether an office is open at a moment, is decided in ``hours``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from poc.core import hours
from poc.core.form import (
    ClockTime,
    ContactId,
    Date,
    Form,
    Language,
    Names,
    Salt32,
    Sha256,
    ShortText,
    Text,
    TopForm,
    checked,
    form_bytes,
    read_form,
)
from poc.core.strictjson import b64u, domain_hash, unb64u
from poc.errors import RefusedError

Part = Literal["office", "reach", "person"]
Visibility = Literal["parties", "exercise", "registrars"]
PARTS: tuple[Part, ...] = ("office", "reach", "person")


class Commitment(Form):
    """What the log holds of one part: the hash that binds it and who may have the opening."""

    commitment: Sha256
    visibility: Visibility


class CardCommitments(Form):
    """The three parts of a card as the log holds them; ``person`` is optional."""

    office: Commitment
    reach: Commitment
    person: Commitment | None

    def part(self, part: Part) -> Commitment | None:
        """The commitment of one part, ``None`` where the card has none."""
        found: Commitment | None = getattr(self, part)
        return found


class Channel(Form):
    """One way to reach the office; the list's order is the dial order."""

    kind: Literal["phone", "mobile", "satellite", "fax", "email", "messenger", "web", "radio", "post"]
    value: Annotated[str, Text(254)]
    label: ShortText | None


class TimeSlot(Form):
    """Open from ``open`` to ``close`` local time; ``close`` is later, ``24:00`` at the latest."""

    open: ClockTime
    close: ClockTime

    def span(self) -> hours.Span:
        """The times, as questions are asked of them. Raises ``bad-hours``."""
        return hours.Span(self.open, self.close)

    @model_validator(mode="after")
    def _is_a_span(self) -> TimeSlot:
        checked(self.span)
        return self


class WeeklySlot(TimeSlot):
    """A slot that returns every week."""

    day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class ExceptionDay(Form):
    """A date with hours of its own; no slots means closed."""

    date: Date
    slots: Annotated[tuple[TimeSlot, ...], Field(max_length=8)]
    note: ShortText | None

    def exception_day(self) -> hours.ExceptionDay:
        """The day, as questions are asked of it. Raises ``bad-hours``."""
        return hours.ExceptionDay(self.date, tuple(slot.span() for slot in self.slots), self.note or "")

    @model_validator(mode="after")
    def _is_a_day(self) -> ExceptionDay:
        checked(self.exception_day)
        return self


class WorkingHours(Form):
    """When the office answers, in the zone of its ``reach`` part."""

    always: bool
    weekly: Annotated[tuple[WeeklySlot, ...], Field(max_length=28)]
    exceptions: Annotated[tuple[ExceptionDay, ...], Field(max_length=100)]

    def opening_hours(self) -> hours.Hours:
        """The hours, as questions are asked of them. Raises ``bad-hours``; never for a form that was read."""
        weekly = tuple(hours.Slot(slot.day, slot.open, slot.close) for slot in self.weekly)
        return hours.Hours(self.always, weekly, tuple(day.exception_day() for day in self.exceptions))

    @model_validator(mode="after")
    def _are_hours(self) -> WorkingHours:
        checked(self.opening_hours)
        return self


class OfficePart(TopForm):
    """Names of the office. No person is named here."""

    contact: ContactId
    part: Literal["office"]
    names: Names
    department: Names | None
    openpgp: Annotated[str, Field(min_length=1, max_length=16_384)] | None


class ReachPart(TopForm):
    """Channels in priority order, hours and languages."""

    contact: ContactId
    part: Literal["reach"]
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=12)]
    zone: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$", max_length=64)]
    hours: WorkingHours
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=12)]


class PersonPart(TopForm):
    """The person presently in the office: optional, and the first part to be erased."""

    contact: ContactId
    part: Literal["person"]
    names: Names
    title: Names | None
    channels: Annotated[tuple[Channel, ...], Field(max_length=12)]


CardPart = OfficePart | ReachPart | PersonPart
_MODELS: dict[str, type[CardPart]] = {"office": OfficePart, "reach": ReachPart, "person": PersonPart}


def _opening_size(value: str) -> str:
    if len(value) > 65_536:
        raise ValueError("a card part is at most 48 KiB")
    return value


class Opening(Form):
    """What opens a commitment: the salt and the part's exact bytes."""

    part: Part
    salt: Salt32
    bytes: Annotated[str, AfterValidator(_opening_size)]

    def commitment(self) -> str:
        """base64url of SHA-256("poc/1 card" 0x00 ‖ part ‖ 0x00 ‖ salt ‖ bytes)."""
        content = unb64u(self.bytes)
        parts = (self.part.encode(), b"\0", unb64u(self.salt, 32), content)
        return b64u(domain_hash("poc/1 card", *parts))


def make_opening(part: CardPart, salt: bytes) -> Opening:
    """The opening of a part under a fresh 32-byte salt."""
    return Opening(part=part.part, salt=b64u(salt), bytes=b64u(form_bytes(part)))


def read_opening(opening: Opening, contact: str, origin: str, commitment: str) -> CardPart:
    """The part inside an opening, after the commitment, contact and origin were found to fit.

    Raises ``commitment-mismatch`` or the errors of reading a form.
    """
    if opening.commitment() != commitment:
        raise RefusedError("commitment-mismatch", f"{contact} {opening.part}")
    model: Any = _MODELS[opening.part]
    part: CardPart = read_form(model, unb64u(opening.bytes))
    if (part.contact, part.origin) != (contact, origin):
        raise RefusedError(
            "commitment-mismatch", f"the {opening.part} part is for another contact or registry"
        )
    return part
