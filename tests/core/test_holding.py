"""What is held, for whom, and whether it may go out: judged anew at its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from poc.core.admission import admit_envelope, read_envelope
from poc.core.directory import Directory, Suspension
from poc.core.holding import begins_at, check_held, parts_of, releasable, stand_ins
from poc.core.message import EnvelopeHeader, SlotHeader
from poc.core.play import check_in_exercise, deadline, with_order
from poc.core.rules import apply_all
from poc.core.strictjson import b64u, canonical
from tests import message_world as world
from tests.escalated_world import entries
from tests.message_world import EXERCISE, NOW, draft, seal, sealing_key, signing_key, with_contact, with_key
from tests.registry import refused
from tests.vectors import make_held

MINUTE = timedelta(minutes=1)
JO = "jo.technical"
TECH, DUTY, DIPL, EG = "sd.technical", "sd.duty", "sd.diplomatic", "eg.technical"


def directory() -> Directory:
    """sd.duty with sd.technical beside it, whose alternate is sd.diplomatic."""
    base = world.directory()
    technical = replace(base.contacts[DUTY], id=TECH)
    duty = replace(technical, id=DUTY, role="duty")
    diplomatic = replace(duty, id=DIPL, role="diplomatic", alternate_of=TECH)
    contacts = {**base.contacts, DUTY: duty, TECH: technical, DIPL: diplomatic}
    return replace(base, contacts=MappingProxyType(contacts))


def header(**changes: Any) -> EnvelopeHeader:
    made = seal(draft(status="test", exercise=None, expires_at=NOW + timedelta(days=2)))
    return read_envelope(made.envelope_bytes).header.model_copy(update=changes)


def slot(contact: str, at: datetime | None = None, in_place_of: str | None = None, n: int = 1) -> SlotHeader:
    kid = sealing_key(contact, n).kid
    return SlotHeader(
        alg="HPKE-9-KE", kid=kid, ek="AA", contact=contact, sequence=None, release_at=at,
        in_place_of=in_place_of, salt="A" * 22,
    )  # fmt: skip


LATER = NOW + 10 * MINUTE


def test_the_frozen_cases_are_what_the_generator_makes() -> None:
    assert make_held.PATH.read_text("utf-8") == make_held.build(), "run make_held"


@pytest.fixture(scope="module")
def escalated() -> Directory:
    return apply_all(None, entries())


@pytest.mark.parametrize("case", [pytest.param(c, id=c["name"]) for c in make_held.cases()])
def test_a_hub_takes_and_refuses_what_the_frozen_cases_say(case: Any, escalated: Directory) -> None:
    zeros = {"alg": "HPKE-9-KE", "ek": b64u(bytes(1120)), "salt": b64u(bytes(16))}
    slots = [{"header": {**zeros, **said}, "encrypted_key": b64u(bytes(48))} for said in case["slots"]]
    sealed = {"iv": b64u(bytes(12)), "ciphertext": b64u(bytes(4096)), "tag": b64u(bytes(16))}
    protected = b64u(canonical(case["header"]))
    checked = read_envelope(canonical({"protected": protected, "recipients": slots, **sealed}))
    arguments: dict[str, Any] = {"message_id": checked.header.id, "play_of": lambda _: None}
    if case["expect"] == "ok":
        admit_envelope(checked, escalated, NOW, **arguments)
    else:
        assert refused(admit_envelope, checked, escalated, NOW, **arguments) == case["expect"]


def check(*slots: SlotHeader, head: EnvelopeHeader | None = None, now: datetime = NOW) -> None:
    check_held(head or header(), slots, directory(), now)


@pytest.mark.parametrize("in_place", [DIPL, DUTY])
def test_an_alternate_or_the_duty_contact_may_be_held_in_place_of_an_addressee(in_place: str) -> None:
    check(slot(TECH), slot(in_place, LATER, TECH), slot(JO))


@pytest.mark.parametrize(
    ("slots", "expected"),
    [
        ((slot(TECH), slot(DIPL, LATER)), "bad-held-slot"),
        ((slot(TECH), slot(DIPL, None, TECH)), "bad-held-slot"),
        ((slot(DIPL, LATER, TECH), slot(EG)), "bad-held-slot"),  # in place of nobody addressed
        ((slot(TECH), slot(JO, LATER, TECH)), "bad-held-slot"),  # the sender's own
        ((slot(JO), slot(TECH), slot(DUTY, LATER, JO)), "bad-held-slot"),
        ((slot(TECH), slot(DUTY, LATER, TECH), slot(DIPL, LATER, DUTY)), "bad-held-slot"),
        ((slot(TECH), slot(DIPL, NOW, TECH)), "bad-held-slot"),
        ((slot(TECH), slot(DIPL, NOW + timedelta(days=2), TECH)), "bad-held-slot"),
        ((slot(TECH), slot(DIPL, LATER, TECH), slot(DIPL, LATER + MINUTE, TECH, 2)), "bad-held-slot"),
        ((slot(TECH), slot(EG, LATER, TECH)), "not-alternate"),
        ((slot(DUTY), slot(DIPL, LATER, DUTY)), "not-alternate"),
        ((slot(EG), slot(DUTY, LATER, EG)), "not-alternate"),
        ((slot(TECH), slot("sd.nobody", LATER, TECH)), "unknown-contact"),
    ],
)
def test_what_is_held_fits_the_message_and_the_directory(slots: Any, expected: str) -> None:
    assert refused(check, *slots) == expected


def test_nothing_is_held_for_longer_than_the_limit() -> None:
    at = NOW + timedelta(days=90)
    held = header(not_before=at, expires_at=at + timedelta(days=2))
    check(slot(TECH), head=held)
    assert refused(check, slot(TECH), head=held, now=NOW - timedelta(seconds=1)) == "held-too-long"
    late = slot(DIPL, at + MINUTE, TECH)
    assert refused(check, slot(TECH), late, head=held) == "held-too-long"


def test_a_held_message_holds_every_part_and_a_stand_in_longer() -> None:
    held = header(not_before=LATER)
    parts = parts_of(held, [slot(TECH), slot(TECH, n=2), slot(DIPL, LATER + MINUTE, TECH), slot(JO)])
    assert [(part.contact, part.release_at) for part in parts] == [
        (TECH, LATER), (DIPL, LATER + MINUTE), (JO, LATER)
    ]  # fmt: skip
    assert begins_at(held) == LATER
    assert begins_at(header()) == NOW
    assert refused(check, slot(TECH), slot(DIPL, LATER, TECH), head=held) == "bad-held-slot"


def test_who_stands_in_for_whom() -> None:
    parts = parts_of(header(), [slot(TECH), slot(EG), slot(DIPL, LATER, TECH), slot(DUTY, LATER, TECH)])
    assert stand_ins(parts, DIPL) == stand_ins(parts, DUTY) == {TECH, DIPL, DUTY}
    assert stand_ins(parts, TECH) == stand_ins(parts, EG) == frozenset()


# --- at the time of release --------------------------------------------------------------------


def release(
    base: Directory | None = None,
    *,
    contact: str = DUTY,
    now: datetime = LATER,
    kids: Any = None,
    play_of: Any = lambda _: None,
    **changes: Any,
) -> frozenset[str]:
    named = [sealing_key(DUTY, n).kid for n in (1, 2)] if kids is None else kids
    return releasable(header(**changes), contact, named, base or world.directory(), now, play_of)


def test_all_devices_of_a_contact_in_good_standing_get_it() -> None:
    assert len(release()) == 2


def test_a_device_that_is_gone_does_not_get_it_and_the_others_do() -> None:
    base = world.directory()
    fewer = with_contact(base, DUTY, devices=base.contacts[DUTY].devices[1:])
    assert release(fewer) == {sealing_key(DUTY, 2).kid}
    none = with_contact(base, DUTY, devices=())
    assert refused(release, none) == "stale-slot-key"
    assert refused(release, kids=["A" * 43]) == "stale-slot-key"


def test_a_replaced_key_counts_on_both_sides() -> None:
    base = with_key(world.directory(), sealing_key(DUTY, 1).kid, until=7, ended="replaced")
    base = with_key(base, signing_key(JO).kid, until=7, ended="replaced")
    assert len(release(base)) == 2


@pytest.mark.parametrize("why", ["compromise", "lost"])
def test_nothing_of_a_sender_whose_key_was_stolen_goes_out(why: Any) -> None:
    base = with_key(world.directory(), signing_key(JO).kid, until=7, ended=why)
    assert refused(release, base) == "key-compromised"


@pytest.mark.parametrize("contact", [JO, DUTY])
def test_nothing_from_or_to_a_frozen_contact_goes_out(contact: str) -> None:
    assert (
        refused(release, with_contact(world.directory(), contact, freezes=(world.freeze(7),)))
        == "contact-frozen"
    )


def test_nothing_of_a_suspended_state_goes_out() -> None:
    base = world.directory()
    span = Suspension(
        since=world.anchor(7),
        reason="abuse",
        scope=frozenset({"send"}),
        until_at=LATER + timedelta(days=1),
        until=None,
    )
    states = {**base.states, "jo": replace(base.states["jo"], suspensions=(span,))}
    assert refused(release, replace(base, states=MappingProxyType(states))) == "state-suspended"


def test_nothing_goes_out_late_or_in_a_status_no_longer_admitted_or_to_nobody() -> None:
    assert refused(release, now=NOW + timedelta(days=2)) == "expired"
    assert refused(release, status="actual") == "status-not-admitted"
    assert refused(release, with_contact(world.directory(), DUTY, withdrawn=True)) == "unknown-contact"


def test_in_an_exercise_it_goes_out_only_while_that_is_open() -> None:
    changes: dict[str, Any] = {"status": "exercise", "exercise": EXERCISE}
    assert len(release(play_of=world.play_of, **changes)) == 2
    assert refused(release, **changes) == "exercise-unknown"
    announced = world.Exercise().announced()
    assert refused(release, play_of=lambda _: announced, **changes) == "exercise-not-open"


def test_a_held_message_may_come_before_its_exercise_starts_and_never_after_it_ended() -> None:
    made = world.Exercise()
    started = made.started()
    end = made.order("end", 2, started.newest_sha256, at=NOW)
    ended = with_order(started, end, world.directory(), now=NOW)
    for play in (made.announced(), started):
        check_in_exercise(EXERCISE, (JO, DUTY), None, {EXERCISE: play}.get)
    assert (
        refused(check_in_exercise, EXERCISE, (JO, DUTY), None, {EXERCISE: ended}.get) == "exercise-not-open"
    )


# --- until when --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "out", "expected"),
    [
        ({}, 0, 2 * 24 * 60),
        ({"respond_by": NOW + 30 * MINUTE}, 0, 30),
        ({"respond_by": NOW + 30 * MINUTE}, 29, 30),
        ({"respond_by": NOW + 30 * MINUTE}, 30, 2 * 24 * 60),  # a stand-in, after it
        ({"respond_within_s": 600}, 0, 10),
        ({"respond_within_s": 600}, 30, 40),
        ({"respond_within_s": 600}, 2 * 24 * 60 - 1, 2 * 24 * 60),  # never after it expires
    ],
)
def test_an_answer_is_in_time_counted_from_when_it_went_out(changes: Any, out: int, expected: int) -> None:
    assert deadline(header(**changes), NOW + out * MINUTE) == NOW + expected * MINUTE
