"""Who is reached when: default times to answer, closed offices, alternates, duty contacts, TLP:RED."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from poc.core.directory import Directory
from poc.core.escalation import ANSWER_SECONDS, Plan, Sending, make_plan
from tests import message_world as world
from tests.message_world import NOW

HOUR = timedelta(hours=1)
TECH, DIPL, DUTY, OTHER, EG = "sd.technical", "sd.diplomatic", "sd.duty", "sd.second", "eg.technical"
CONTROLLER = "x-arcc.controller-1"


def directory(**changes: dict[str, Any]) -> Directory:
    """A State with a technical contact, its two alternates and a duty contact."""
    base = world.directory()
    technical = replace(base.contacts[DUTY], id=TECH)
    made = {
        TECH: technical,
        DUTY: replace(technical, id=DUTY, role="duty"),
        DIPL: replace(technical, id=DIPL, role="diplomatic", alternate_of=TECH),
        OTHER: replace(technical, id=OTHER, alternate_of=TECH),
    }
    made = {contact: replace(one, **changes.get(contact[3:], {})) for contact, one in made.items()}
    return replace(base, contacts=MappingProxyType({**base.contacts, **made}))


def always(_: str, at: datetime) -> datetime:
    return at


def closed_for(hours: float, *contacts: str) -> Any:
    return lambda contact, at: NOW + hours * HOUR if contact in contacts and at < NOW + hours * HOUR else at


def plan(opens: Any = always, base: Directory | None = None, **how: Any) -> Plan:
    named: dict[str, Any] = {
        "precedence": "routine", "tlp": "TLP:AMBER", "starts_at": NOW, "expires_at": NOW + timedelta(days=7),
        "to": (TECH,), **how,
    }  # fmt: skip
    return make_plan(Sending(**named), base or directory(), opens)


def reached(made: Plan) -> list[tuple[str, str, float]]:
    return [(one.contact, one.why, (one.at - NOW) / HOUR) for one in made.reached]


@pytest.mark.parametrize("precedence", sorted(ANSWER_SECONDS))
def test_each_precedence_has_its_time_to_answer(precedence: Any) -> None:
    assert plan(precedence=precedence).respond_by == NOW + timedelta(seconds=ANSWER_SECONDS[precedence])


@pytest.mark.parametrize(
    ("precedence", "hours"), [("flash", 1 / 6), ("immediate", 0.5), ("priority", 13), ("routine", 34)]
)
def test_routine_and_priority_count_from_the_next_opening_and_the_others_from_now(
    precedence: Any, hours: float
) -> None:
    assert plan(closed_for(10, TECH), precedence=precedence).respond_by == NOW + hours * HOUR


def test_of_several_offices_the_last_to_open_counts_and_those_for_information_do_not() -> None:
    opens = closed_for(5, EG)
    assert plan(opens, to=(TECH, EG)).respond_by == NOW + 29 * HOUR
    assert plan(opens, information=(EG,)).respond_by == NOW + 24 * HOUR


def test_unknown_hours_count_from_now() -> None:
    made = plan(lambda *_: None)
    assert made.respond_by == NOW + 24 * HOUR
    assert made.reached[0].opens_at is None


def test_it_is_never_later_than_the_message_lives() -> None:
    made = plan(expires_at=NOW + HOUR)
    assert made.respond_by == NOW + HOUR
    assert reached(made) == [(TECH, "addressee", 0)]


def test_alternates_follow_one_another_once_the_time_to_answer_has_passed() -> None:
    assert reached(plan()) == [(TECH, "addressee", 0), (DIPL, "alternate", 24), (OTHER, "alternate", 48)]
    assert {one.in_place_of for one in plan().reached[1:]} == {TECH}
    chosen = plan(respond_by=NOW + HOUR)
    assert [at for _, _, at in reached(chosen)] == [0, 1, 25]


def test_the_duty_contact_comes_last_for_flash_and_immediate_alone() -> None:
    made = plan(precedence="immediate")
    assert reached(made)[1:] == [
        (DIPL, "alternate", 0.5),
        (OTHER, "alternate", 1),
        (DUTY, "duty-alternate", 1.5),
    ]
    assert DUTY not in {one.contact for one in plan(precedence="priority").reached}


@pytest.mark.parametrize("precedence", ["flash", "immediate"])
def test_the_duty_contact_gets_it_at_once_where_the_addressee_is_closed(precedence: Any) -> None:
    made = plan(closed_for(10, TECH), precedence=precedence)
    assert reached(made)[:2] == [(TECH, "addressee", 0), (DUTY, "duty", 0)]
    assert not made.reached[1].is_held
    assert [why for _, why, _ in reached(made)[2:]] == ["alternate", "alternate"]


def test_a_closed_office_does_not_bring_the_duty_contact_for_routine() -> None:
    assert DUTY not in {one.contact for one in plan(closed_for(10, TECH)).reached}


@pytest.mark.parametrize(("escalate", "count"), [(None, 1), (False, 1), (True, 3)])
def test_red_goes_to_nobody_else_unless_ticked(escalate: Any, count: int) -> None:
    assert len(plan(tlp="TLP:RED", escalate=escalate).reached) == count
    closed = plan(closed_for(9, TECH), tlp="TLP:RED", precedence="flash", escalate=escalate)
    assert (len(closed.reached) == 1) == (count == 1)


def test_escalation_may_be_declined() -> None:
    assert reached(plan(escalate=False)) == [(TECH, "addressee", 0)]


@pytest.mark.parametrize(
    "change",
    [{"devices": ()}, {"freezes": (world.freeze(7),)}, {"withdrawn": True}, {"alternate_of": None}],
)
def test_nobody_stands_in_who_cannot_open_it_or_was_not_named_an_alternate(change: dict[str, Any]) -> None:
    found = {one.contact for one in plan(base=directory(diplomatic=change)).reached}
    assert found == {TECH, OTHER}


def test_who_is_addressed_anyway_does_not_stand_in_too() -> None:
    assert reached(plan(to=(TECH, DIPL)))[2:] == [(OTHER, "alternate", 24)]
    assert [one.contact for one in plan(information=(DIPL,)).reached] == [TECH, OTHER, DIPL]
    twice = plan(to=(TECH, DUTY), precedence="flash")
    assert [one.contact for one in twice.reached].count(DUTY) == 1


def test_two_closed_offices_of_a_state_share_its_duty_contact() -> None:
    apart = {"diplomatic": {"alternate_of": None}}
    made = plan(closed_for(9, TECH, DIPL), directory(**apart), to=(TECH, DIPL), precedence="flash")
    assert [one.contact for one in made.reached].count(DUTY) == 1


def test_one_named_twice_and_one_for_both_gets_it_once_to_act() -> None:
    made = plan(to=(EG, EG), information=(EG,))
    assert [(one.contact, one.use) for one in made.reached] == [(EG, "action")]


def test_a_controller_has_no_alternates_and_information_alone_no_deadline() -> None:
    assert reached(plan(to=(CONTROLLER,))) == [(CONTROLLER, "addressee", 0)]
    made = plan(to=(), information=(TECH,))
    assert (made.respond_by, reached(made)) == (None, [(TECH, "addressee", 0)])


def test_the_time_to_answer_of_a_held_message_counts_from_its_release() -> None:
    made = plan(starts_at=NOW + 48 * HOUR, expires_at=NOW + 200 * HOUR)
    assert made.respond_by == NOW + 72 * HOUR
    assert [at for _, _, at in reached(made)] == [48, 72, 96]


def test_in_an_exercise_only_its_participants_stand_in() -> None:
    made = plan(precedence="immediate", among=(TECH, OTHER, EG))
    assert [contact for contact, _, _ in reached(made)] == [TECH, OTHER]
    assert [contact for contact, _, _ in reached(plan(precedence="immediate"))] == [TECH, DIPL, OTHER, DUTY]
    assert reached(plan(closed_for(5, TECH), precedence="flash", among=(TECH,))) == [(TECH, "addressee", 0)]
