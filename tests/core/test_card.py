"""Card parts, their commitments and openings."""

from __future__ import annotations

import json

import pytest

from poc.core.card import (
    CardCommitments,
    Commitment,
    OfficePart,
    Opening,
    ReachPart,
    WorkingHours,
    make_opening,
    read_opening,
)
from poc.core.form import form_bytes, form_of, form_value, is_state, read_form, state_of
from poc.core.hours import ExceptionDay, Hours, Slot, Span
from poc.core.strictjson import b64u, canonical
from poc.errors import RefusedError

ORIGIN = "example.org/cbm"
OFFICE = {
    "v": 1,
    "origin": ORIGIN,
    "contact": "jo.technical",
    "part": "office",
    "names": {"ar": "مكتب", "en": "Office"},
    "department": None,
    "openpgp": None,
}
REACH = {
    "v": 1,
    "origin": ORIGIN,
    "contact": "jo.technical",
    "part": "reach",
    "channels": [{"kind": "email", "value": "cert@cert.jo.example", "label": None}],
    "zone": "Asia/Amman",
    "hours": {
        "always": False,
        "weekly": [{"day": "sun", "open": "08:00", "close": "24:00"}],
        "exceptions": [{"date": "2026-12-31", "slots": [], "note": None}],
    },
    "languages": ["ar", "en"],
}
SALT = bytes(range(32))


def office_opening() -> Opening:
    return make_opening(read_form(OfficePart, canonical(OFFICE)), SALT)


def test_an_opening_opens_its_own_commitment() -> None:
    opening = office_opening()
    part = read_opening(opening, "jo.technical", ORIGIN, opening.commitment())
    assert form_value(part) == OFFICE


def test_a_reach_part_reads_and_writes_the_same_bytes() -> None:
    assert form_bytes(read_form(ReachPart, canonical(REACH))) == canonical(REACH)


@pytest.mark.parametrize(
    ("change", "contact", "origin"),
    [
        ({"salt": b64u(bytes(32))}, "jo.technical", ORIGIN),
        ({"bytes": b64u(canonical({**OFFICE, "names": {"en": "Other"}}))}, "jo.technical", ORIGIN),
        ({"part": "reach"}, "jo.technical", ORIGIN),
        ({}, "sd.technical", ORIGIN),
        ({}, "jo.technical", "example.net/other"),
    ],
)
def test_an_opening_of_anything_else_is_refused(change: dict[str, str], contact: str, origin: str) -> None:
    commitment = office_opening().commitment()
    other = form_of(Opening, {**form_value(office_opening()), **change})
    with pytest.raises(RefusedError) as caught:
        read_opening(other, contact, origin, commitment)
    assert caught.value.code == "commitment-mismatch"


def test_the_same_part_under_another_salt_has_another_commitment() -> None:
    part = read_form(OfficePart, canonical(OFFICE))
    assert make_opening(part, SALT).commitment() != make_opening(part, bytes(32)).commitment()


def test_a_card_names_its_parts() -> None:
    commitment = Commitment(commitment=office_opening().commitment(), visibility="parties")
    card = CardCommitments(office=commitment, reach=commitment, person=None)
    assert card.part("office") == commitment
    assert card.part("person") is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("channels",), []),
        (("channels", 0, "kind"), "pigeon"),
        (("channels", 0, "value"), "a\u202eb"),
        (("channels", 0, "value"), ""),
        (("zone",), "../etc/passwd"),
        (("zone",), "Asia/Amman\n"),
        (("hours", "weekly", 0, "open"), "24:30"),
        (("hours", "weekly", 0, "day"), "Sunday"),
        (("hours", "weekly", 0, "open"), "24:00"),
        (("hours", "exceptions", 0, "date"), "2026-02-30"),
        (("hours", "exceptions", 0, "slots"), [{"open": "12:00", "close": "08:00"}]),
        (("hours", "exceptions", 0, "date"), "2026-13-01"),
        (("languages",), ["Arabic language"]),
        (("languages",), []),
        (("contact",), "jo"),
        (("contact",), "JO.technical"),
        (("part",), "office"),
    ],
)
def test_a_wrong_reach_part_is_refused(path: tuple[str | int, ...], value: object) -> None:
    part = json.loads(json.dumps(REACH))
    target = part
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(RefusedError) as caught:
        read_form(ReachPart, json.dumps(part).encode())
    assert caught.value.code == "bad-form"


SUNDAY = {"day": "sun", "open": "08:00", "close": "12:00"}
HOLIDAY: dict[str, object] = {"date": "2026-12-31", "slots": [], "note": None}
MORNING = {"open": "08:00", "close": "12:00"}


@pytest.mark.parametrize(
    ("hours", "where"),
    [
        ({"weekly": [{**SUNDAY, "close": "08:00"}]}, "hours.weekly.0"),
        ({"weekly": [SUNDAY, {**SUNDAY, "open": "22:00", "close": "06:00"}]}, "hours.weekly.1"),
        ({"weekly": [SUNDAY, {**SUNDAY, "open": "11:59", "close": "16:00"}]}, "hours"),
        ({"weekly": [SUNDAY, SUNDAY]}, "hours"),
        ({"weekly": [SUNDAY], "always": True}, "hours"),
        ({"exceptions": [HOLIDAY, HOLIDAY]}, "hours"),
        ({"exceptions": [HOLIDAY, {**HOLIDAY, "slots": [MORNING]}]}, "hours"),
        (
            {"exceptions": [{**HOLIDAY, "slots": [{**MORNING, "open": "12:00"}]}]},
            "hours.exceptions.0.slots.0",
        ),
        ({"exceptions": [{**HOLIDAY, "slots": [MORNING, MORNING]}]}, "hours.exceptions.0"),
        ({"exceptions": [{**HOLIDAY, "date": "2026-02-29"}]}, "hours.exceptions.0.date"),
    ],
)
def test_hours_that_are_not_possible_are_refused_at_their_place(hours: dict[str, object], where: str) -> None:
    part = {**REACH, "hours": {"always": False, "weekly": [], "exceptions": [], **hours}}
    with pytest.raises(RefusedError) as caught:
        read_form(ReachPart, canonical(part))
    assert caught.value.code == "bad-form"
    assert caught.value.detail.split(":")[0] == where


def test_the_hours_of_a_card_are_asked_as_hours() -> None:
    evening = {"day": "sun", "open": "12:00", "close": "24:00"}
    party = {**HOLIDAY, "slots": [MORNING], "note": "half day"}
    form = form_of(WorkingHours, {"always": False, "weekly": [SUNDAY, evening], "exceptions": [party]})
    assert form.opening_hours() == Hours(
        False,
        (Slot("sun", "08:00", "12:00"), Slot("sun", "12:00", "24:00")),
        (ExceptionDay("2026-12-31", (Span("08:00", "12:00"),), "half day"),),
    )


@pytest.mark.parametrize(
    "name", ["", " ", "a\u0000b", "\u202ename", "e\u0301", "x" * 201, "a\nb", "\ufeffname"]
)
def test_a_name_that_could_deceive_is_refused(name: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_form(OfficePart, json.dumps({**OFFICE, "names": {"en": name}}).encode())
    assert caught.value.code == "bad-form"


def test_an_opening_over_its_limit_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        form_of(Opening, {"part": "office", "salt": b64u(SALT), "bytes": "A" * 65_537})
    assert caught.value.code == "bad-form"


@pytest.mark.parametrize(
    ("party", "state"), [("jo", "jo"), ("jo.technical", "jo"), ("x-las.registrar-1", "x-las")]
)
def test_a_party_belongs_to_the_state_before_the_dot(party: str, state: str) -> None:
    assert state_of(party) == state
    assert is_state(state)


@pytest.mark.parametrize("text", ["jor", "j", "JO", "x-", "jo\n", "x-a", "jo.technical", ""])
def test_other_texts_are_no_state_ids(text: str) -> None:
    assert not is_state(text)
