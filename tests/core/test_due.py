"""What falls due: thresholds to the second, whose it is, who is told, and of whom nothing is said."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from poc.core.directory import Directory
from poc.core.due import KINDS, Due, due_of, due_warnings, told_to
from tests.registry import REGISTRARS, START, Registry, enrolment, nomination, settings

SECOND = timedelta(seconds=1)


def registry() -> Registry:
    made = Registry(**settings())
    made.enrol("jo", "sd")
    made.nominate("jo.technical", "jo.duty", "sd.technical")
    made.nominate("jo.diplomatic", alternate_of="jo.technical")
    made.appoint()
    return made


REGISTRY = registry()
DIRECTORY = REGISTRY.directory
CONTACT = DIRECTORY.contacts["jo.technical"]
ROTATE_BY = CONTACT.devices[0].rotate_by
SINCE = DIRECTORY.logged_ats[DIRECTORY.keys[CONTACT.devices[0].kid].since]
AUTHORITY = DIRECTORY.states["jo"].authority_kids[0]


def of(now: datetime, kind: str, party: str = "jo.technical", directory: Directory = DIRECTORY) -> list[int]:
    return [due.days for due in due_warnings(directory, now) if (due.kind, due.party) == (kind, party)]


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (timedelta(days=30) + SECOND, []),
        (timedelta(days=30), [30]),
        (timedelta(days=7) + SECOND, [30]),
        (timedelta(days=7), [7]),
        (timedelta(days=1) + SECOND, [7]),
        (timedelta(days=1), [1]),
        (SECOND, [1]),
        (timedelta(0), [0]),
        (-timedelta(days=400), [0]),
    ],
)
def test_a_threshold_is_reached_to_the_second(left: timedelta, days: list[int]) -> None:
    assert of(ROTATE_BY - left, "sealing-key") == days


@pytest.mark.parametrize(
    ("kind", "party", "at"),
    [
        ("signing-key", "jo.technical", SINCE + timedelta(days=365)),
        (
            "authority-key",
            "jo",
            DIRECTORY.logged_ats[DIRECTORY.keys[AUTHORITY].since] + timedelta(days=730),
        ),
        ("confirmation", "jo.technical", CONTACT.confirm_due_at(DIRECTORY.settings)),
        ("sealing-key", "x-arcc.controller-1", ROTATE_BY),
    ],
)
def test_every_kind_has_its_own_time(kind: str, party: str, at: datetime) -> None:
    assert of(at - timedelta(days=30) - SECOND, kind, party) == []
    assert of(at - timedelta(days=30), kind, party) == [30]
    assert of(at, kind, party) == [0]


def test_nothing_is_due_on_the_first_day_and_nobody_was_tested_yet() -> None:
    assert due_warnings(DIRECTORY, START) == ()
    assert {due.kind for due in due_warnings(DIRECTORY, START + timedelta(days=3000))} == set(KINDS) - {
        "test"
    }


def test_a_test_counts_for_twelve_months() -> None:
    made = registry()
    body: dict[str, Any] = {
        "exercise": "ex-1",
        "message": "01920000-0000-7000-8000-000000000000",
        "acknowledgement_sha256": "A" * 43,
    }
    entry = made.submit("contact.tested", "jo.technical", body, "x-arcc.controller-1 1")
    at = entry.logged_at + timedelta(days=366)
    assert of(at - timedelta(days=1), "test", directory=made.directory) == [1]
    assert of(at, "test", "sd.technical", directory=made.directory) == []


def test_the_most_urgent_comes_first() -> None:
    found = due_warnings(DIRECTORY, START + timedelta(days=3000))
    assert [due.at for due in found] == sorted(due.at for due in found)


def test_of_an_office_that_cannot_act_nothing_is_said() -> None:
    made = registry()
    far = START + timedelta(days=3000)
    entry = made.directory.contacts["jo.technical"].standing.leaf_hash
    made.submit("contact.freeze", "jo.technical", {"entry": entry}, "jo.technical 1")
    body = {"entry": made.directory.contacts["sd.technical"].nomination.leaf_hash}
    made.submit("contact.withdraw", "sd.technical", body, "sd authority")
    listed = {**nomination("sd.duty"), "source": "a list"}
    for name in ("machine_receipts", "custody", "devices"):
        del listed[name]
    made.submit("contact.record", "sd.duty", listed, *REGISTRARS)
    parties = {due.party for due in due_warnings(made.directory, far)}
    assert parties == {"jo", "sd", "jo.duty", "jo.diplomatic", "x-arcc.controller-1"}
    made.submit("state.withdraw", "sd", {"entry": made.newest("sd").leaf_hash}, "sd authority")
    assert "sd" not in {due.party for due in due_warnings(made.directory, far)}
    assert "eg" not in made.directory.states
    assert enrolment("eg")["kind"] == "member"


@pytest.mark.parametrize(
    ("party", "whose"),
    [
        ("jo.technical", {"jo", "jo.technical", "jo.duty", "jo.diplomatic"}),
        ("jo", {"jo", "jo.technical", "jo.duty", "jo.diplomatic"}),
        ("sd.technical", {"sd", "sd.technical"}),
        ("x-arcc.controller-1", {"x-arcc.controller-1"}),
        ("x-arcc.registrar-1", set()),
        ("", set()),
    ],
)
def test_a_desk_is_told_of_its_own_state_alone(party: str, whose: set[str]) -> None:
    assert {due.party for due in due_of(DIRECTORY, party, START + timedelta(days=3000))} == whose


def test_the_contact_and_its_alternates_are_warned() -> None:
    def told(party: str) -> tuple[str, ...]:
        return told_to(DIRECTORY, Due("confirmation", party, None, START, 7))

    assert told("jo.technical") == ("jo.technical", "jo.diplomatic")
    assert told("jo.diplomatic") == ("jo.diplomatic",)
    assert told("jo") == ("jo.diplomatic", "jo.duty", "jo.technical")
