"""Who will get a draft, what is to be known of them first, and how large it will be: before sealing.

Nothing is sealed, numbered or written here; what a draft is refused for is decided in core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from poc.client.cautions import cautions
from poc.client.conversation import check_may_say
from poc.client.known import Known
from poc.client.lookup import FoundContact, find_contact, show_contact
from poc.client.planning import plan_of, reached_value
from poc.client.sending import check_sender
from poc.core.draft import Draft, Size, measure
from poc.core.envelope import SealingLimits, check_draft
from poc.core.escalation import Plan, Reached
from poc.core.form import state_of
from poc.core.judge import check_not_frozen
from poc.core.play import check_in_exercise
from poc.core.strictjson import format_time
from poc.errors import RefusedError


@dataclass(frozen=True, slots=True)
class RecipientPreview:
    """One whom the message reaches, at once or later. ``shown`` is its card; a controller has none."""

    reached: Reached
    devices: int
    shown: FoundContact | None
    warnings: tuple[str, ...]

    @property
    def contact(self) -> str:
        """Whom."""
        return self.reached.contact

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        shown = self.shown
        return {
            **reached_value(self.reached),
            "devices": self.devices,
            "state_names": {} if shown is None else shown.state_names,
            "names": {} if shown is None else shown.names,
            "custody": None if shown is None else shown.custody,
            "reachable_now": None if shown is None else shown.reachable_now,
            "next_open_at": None if shown is None else shown.next_open_at,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Preview:
    """What sealing a draft now would make. ``own`` is to be known of the sender's own State.

    ``separately`` is whether each gets a message of its own, and ``size`` then of the largest.

    ``draft`` is the draft with the time to answer it will ask for.
    """

    draft: Draft
    plan: Plan
    recipients: tuple[RecipientPreview, ...]
    own: tuple[str, ...]
    size: Size
    body_bytes_max: int
    separately: bool = False

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        size = {**asdict(self.size), "body_bytes_max": self.body_bytes_max}
        until = self.draft.respond_by
        return {
            "recipients": [recipient.to_json() for recipient in self.recipients],
            "separately": self.separately,
            "respond_by": None if until is None else format_time(until),
            "size": size,
        }

    def warnings(self) -> list[str]:
        """What is to be told before sending; nothing of it stops anybody."""
        told = (told for recipient in self.recipients for told in recipient.warnings)
        return list(dict.fromkeys((*self.own, *told)))


def find_addressee(known: Known, wanted: str) -> str:
    """The id of a contact or controller in office. Raises ``unknown-contact`` naming the nearest."""
    asked = wanted.strip().lower()
    controller = known.effective.controllers.get(asked)
    if controller is not None and not controller.dismissed:
        return asked
    return find_contact(known.effective, wanted)


def preview(
    known: Known,
    draft: Draft,
    to: Sequence[str],
    information: Sequence[str] = (),
    *,
    separately: bool = False,
    escalate: bool | None = None,
) -> Preview:
    """What sending a draft to these contacts would mean, and who else would get it when.

    ``separately``: as one message for each of them.

    Raises:
        RefusedError: ``not-verified`` (nothing can be sealed to it), ``no-addressee``,
            ``real-world-wording``, ``attachments-too-large``, ``envelope-too-large``,
            ``exercise-unknown``, ``exercise-not-open``, ``exercise-lacks-side``, ``contact-frozen``
            (the addressee, or this desk's own office), ``state-suspended`` (its own State), or as
            ``check_draft`` and ``check_may_say``.
    """
    party = known.party or ""
    if party in {*to, *information}:
        raise RefusedError("no-addressee", f"{party} is this desk's own office; it gets its copy anyway")
    check_sender(known)
    limits = SealingLimits.of(known.effective, party)
    check_draft(draft, limits, known.now())
    check_may_say(known, draft)
    if draft.exercise is not None:
        at = None if draft.not_before is not None and draft.not_before > known.now() else known.now()
        check_in_exercise(draft.exercise, (party, *to, *information), at, known.play_of)
    draft, plan = plan_of(known, draft, to, information, escalate=escalate)
    recipients = tuple(_recipient(known, one) for one in sorted(plan.reached, key=_by_time))
    plans = [plan]
    if separately:
        plans = [plan_of(known, draft, *one, escalate=escalate)[1] for one in each_alone(to, information)]
    devices = {recipient.contact: recipient.devices for recipient in recipients}
    slots = max(sum(devices.get(one.contact, 0) for one in plan.reached) for plan in plans)
    slots += len(known.effective.devices_of(party))
    size = measure(draft, slots, limits.body_bytes, limits.blob_bytes)
    own = tuple(cautions(known.effective, state_of(party)))
    return Preview(draft, plan, recipients, own, size, limits.body_bytes, separately)


def each_alone(to: Sequence[str], information: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """The addressees of one message for each contact, so that none sees the others."""
    return [*(([one], []) for one in to), *(([], [one]) for one in information)]


def _by_time(one: Reached) -> tuple[bool, datetime, str]:
    return one.is_held, one.at, one.contact


def _recipient(known: Known, reached: Reached) -> RecipientPreview:
    contact = reached.contact
    devices = len(known.effective.devices_of(contact))
    if not devices:
        raise RefusedError("not-verified", contact)
    found = known.effective.contacts.get(contact)
    check_not_frozen(found, known.effective.size)
    if found is None:
        return RecipientPreview(reached, devices, None, ())
    shown = show_contact(known.effective, found, known.card(contact), known.now())
    told = shown.warnings()
    if shown.custody.startswith("hosted:"):
        body = shown.custody.removeprefix("hosted:")
        told.append(f"{contact}: keys held by {body}; that body could read and answer")
    return RecipientPreview(reached, devices, shown, tuple(told))
