"""Forms of exercises: announcement, script and order (DESIGN section 8).

Holds the forms only. Whether an exercise is open, how an answer to a ping is judged and the tally
stand in ``play``.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from poc.core.form import (
    ContactId,
    Count,
    ExerciseId,
    Form,
    Head,
    Kid,
    LineText,
    Names,
    PartyId,
    Positive,
    Salt32,
    Sha256,
    Text,
    TopForm,
    Utc,
    sorted_distinct,
)

Level = Literal["L1a", "L1b", "L1c", "L1v", "L2", "L3", "L4"]
MARKING: Final = {"en": "EXERCISE EXERCISE EXERCISE", "ar": "تمرين تمرين تمرين"}
PARTICIPANTS_MAX: Final = 2000


class _ExerciseForm(TopForm):
    kid: Kid
    at: Utc
    head: Head


class Window(Form):
    """A span of time in which messages of the exercise may come."""

    opens_at: Utc
    closes_at: Utc

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Window:
        if self.closes_at <= self.opens_at:
            raise ValueError("a window closes after it opens")
        return self


class Option(Form):
    """A possible answer to the question of an L1c ping."""

    code: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,6}$")]
    label: Names


def _participants_sorted(values: tuple[str, ...]) -> tuple[str, ...]:
    return sorted_distinct(values, str, "participants")


def _cbm_sorted(values: tuple[int, ...]) -> tuple[int, ...]:
    return sorted_distinct(values, int, "CBM references")


CbmRefs = Annotated[
    tuple[Annotated[int, Field(ge=1, le=8)], ...], Field(max_length=8), AfterValidator(_cbm_sorted)
]


class Announcement(_ExerciseForm):
    """Payload of a ``poc-announcement+jws``: the part of an exercise its participants see."""

    id: ExerciseId
    controller: PartyId
    title: Names
    level: Level
    status: Literal["exercise"]
    participants: Annotated[
        tuple[ContactId, ...],
        Field(min_length=1, max_length=PARTICIPANTS_MAX),
        AfterValidator(_participants_sorted),
    ]
    windows: Annotated[tuple[Window, ...], Field(min_length=1, max_length=64)]
    answer_within_s: Annotated[int, Field(ge=1, le=30 * 86_400)] | None
    options: Annotated[tuple[Option, ...], Field(max_length=16)]
    cbm_refs: CbmRefs
    script_sha256: Sha256 | None


class Inject(Form):
    """One planned message of an exercise. Players never see this."""

    number: Positive
    at_s: Count
    simulated_from: LineText | None
    to: Annotated[tuple[ContactId, ...], Field(max_length=PARTICIPANTS_MAX)]
    channel: Literal["message", "phone", "email", "fax", "in-person"]
    text: Names
    expected: LineText | None
    objective: LineText | None
    cbm_refs: CbmRefs
    notes: Annotated[str, Text(2_000, lines=True)] | None


class Script(_ExerciseForm):
    """Payload of a ``poc-script+jws``, sealed to controllers; ``salt`` keeps its hash unguessable."""

    exercise: ExerciseId
    salt: Salt32
    injects: Annotated[tuple[Inject, ...], Field(max_length=1000)]
    notes: Annotated[str, Text(20_000, lines=True)] | None


class Order(_ExerciseForm):
    """Payload of a ``poc-order+jws``. Only a break-out has no number; null contact means all."""

    exercise: ExerciseId
    number: Positive | None
    previous: Sha256 | None
    order: Literal["start", "pause", "resume", "end", "skip", "break-out"]
    contact: ContactId | None
    inject: Positive | None
    reason: LineText | None

    @model_validator(mode="after")
    def _members_fit(self) -> Order:
        if (self.number is None) != (self.order == "break-out"):
            raise ValueError("every order but a break-out has a number")
        if (self.previous is not None) != ((self.number or 1) > 1):
            raise ValueError("previous is named from the second order on")
        if (self.inject is not None) != (self.order == "skip"):
            raise ValueError("an inject is named by skip and by nothing else")
        if self.contact is not None and self.order != "break-out":
            raise ValueError("only a break-out is for one contact")
        return self
