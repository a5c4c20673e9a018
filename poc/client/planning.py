"""Who a draft will reach when, by the cards open here: made before sealing, shown first, sealed by.

The plan's rules stand in ``core.escalation``; hours and zones in ``core.hours``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from poc.client.known import Known
from poc.core.card import ReachPart
from poc.core.draft import Draft
from poc.core.escalation import Plan, Reached, Sending, make_plan
from poc.core.hours import next_open
from poc.core.strictjson import format_time
from poc.errors import RefusedError


def opens_at(known: Known, contact: str, at: datetime) -> datetime | None:
    """The first moment from ``at`` on at which an office is open; ``None`` where its card does not say."""
    reach = known.card(contact).get("reach") if contact in known.directory.contacts else None
    if not isinstance(reach, ReachPart):
        return None
    try:
        found = next_open(reach.hours.opening_hours(), at, ZoneInfo(reach.zone))
    except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError, RefusedError):
        return None
    return None if found is None else found.replace(microsecond=0)


def plan_of(
    known: Known,
    draft: Draft,
    to: Sequence[str],
    information: Sequence[str] = (),
    *,
    escalate: bool | None = None,
) -> tuple[Draft, Plan]:
    """A draft with the time to answer it asks for, and who it reaches when.

    ``escalate`` is the sender's choice, ``None`` the default. In an exercise only its participants stand in.
    One that asks for an answer within a time from its release keeps that, and nobody stands in for anybody.
    """
    play = None if draft.exercise is None else known.play_of(draft.exercise)
    sending = Sending(
        precedence=draft.precedence,
        tlp=draft.tlp,
        starts_at=max(known.now(), draft.not_before or known.now()),
        expires_at=draft.expires_at,
        to=to,
        information=information,
        respond_by=draft.respond_by,
        escalate=False if draft.respond_within_s is not None else escalate,
        among=None if play is None else play.announcement.participants,
    )
    plan = make_plan(sending, known.effective, lambda contact, at: opens_at(known, contact, at))
    if draft.respond_within_s is not None:
        return draft, replace(plan, respond_by=None)
    return replace(draft, respond_by=plan.respond_by), plan


def reached_value(one: Reached) -> dict[str, Any]:
    """One contact of a plan as it is shown with ``--json``."""
    return {
        "contact": one.contact,
        "as": one.use,
        "at": format_time(one.at),
        "opens_at": None if one.opens_at is None else format_time(one.opens_at),
        "why": one.why,
        "in_place_of": one.in_place_of,
    }
