"""``poc lookup``: offline, without a passphrase, by any name a State has for itself."""

from __future__ import annotations

import pytest

from tests.cli_world import run_here


def found(kept, *words):
    outcome = run_here("lookup", *words, "--json", home=kept["jo"])
    assert outcome.code == 0, outcome
    return [contact["contact"] for contact in outcome.value["contacts"]]


@pytest.fixture
def no_passphrase(kept):
    (kept["jo"] / "passphrase").unlink()
    return kept


@pytest.mark.parametrize(
    "name", ["jo", "JO", "Jordan", "jordan", "الأردن", "الاردن", "أُردن", "Jordanie", "the Jordan"]
)
def test_a_state_is_found_by_its_id_or_any_of_its_names(no_passphrase, name):
    assert found(no_passphrase, "--state", name) == ["jo.technical"]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("Jordann", "jo"),
        ("Sudn", "sd"),
        ("Misr", "eg"),
        ("as-Sudan al", "sd"),
        ("Egipt", "eg"),
        ("السوداان", "sd"),
    ],
)
def test_an_unknown_state_names_the_nearest(kept, name, nearest):
    outcome = run_here("lookup", "--state", name, "--json", home=kept["jo"])
    assert (outcome.code, outcome.value["code"], outcome.value["nearest"]) == (1, "unknown-state", nearest)
    assert nearest in outcome.value["message"]
    assert outcome.value["next"]


@pytest.mark.parametrize("name", ["Atlantis", "zz", "", "\x1b[2J", "State", "دولة", "*", "j"])
def test_a_name_of_no_state_is_unknown_and_suggests_nothing_far(kept, name):
    outcome = run_here("lookup", "--state", name, "--json", home=kept["jo"])
    assert (outcome.code, outcome.value["code"]) == (1, "unknown-state")


@pytest.mark.parametrize(
    ("words", "contacts"),
    [
        ((), ["eg.diplomatic", "eg.duty", "jo.technical", "sd.technical"]),
        (("--id", "SD.technical"), ["sd.technical"]),
        (("--id", "jo.nobody"), []),
        (("--role", "diplomatic"), ["eg.diplomatic"]),
        (("--role", "duty"), ["eg.duty"]),
        (("--language", "ar"), ["jo.technical", "sd.technical"]),
        (("--language", "AR-jo"), ["jo.technical"]),
        (("--language", "a"), []),
        (("--language", "fr", "--state", "jo"), []),
        (("soudan",), ["sd.technical"]),
        (("مكتب", "مصر"), ["eg.diplomatic"]),
        (("response", "switchboard", "technical"), ["jo.technical", "sd.technical"]),
        (("response", "nowhere"), []),
        (("\x1b[2J",), []),
        (("--reachable-now", "--at", "2026-11-27T09:00Z"), ["sd.technical"]),
        (
            ("--reachable-now", "--at", "2026-11-29T11:00+03:00"),
            ["eg.diplomatic", "jo.technical", "sd.technical"],
        ),
        (("--reachable-now", "--at", "2026-11-29T16:00+03:00", "--state", "jo"), []),
    ],
)
def test_every_condition_given_must_hold(kept, words, contacts):
    assert found(kept, *words) == contacts


@pytest.mark.parametrize(
    "words",
    [
        ("--role", "minister"),
        ("--at", "tomorrow"),
        ("--at", "2026-11-29T11:00"),
        ("--unheard",),
        ("--state",),
    ],
)
def test_a_question_that_cannot_be_read_is_a_usage_error(kept, words):
    outcome = run_here("lookup", *words, "--json", home=kept["jo"])
    assert (outcome.code, outcome.value["code"]) == (2, "usage")


def test_no_match_is_no_failure_and_says_as_of_when(kept):
    outcome = run_here("lookup", "nowhere", "--json", home=kept["jo"])
    assert (outcome.code, outcome.value["contacts"]) == (0, [])
    assert outcome.value["as_of"].endswith("Z")
    assert "no contact fits" in run_here("lookup", "nowhere", home=kept["jo"]).out


def test_people_get_names_in_both_scripts_both_times_and_listed_contacts_apart(kept):
    shown = run_here("lookup", "--at", "2026-11-27T09:00Z", home=kept["jo"]).out
    assert "Jordan / الأردن" in shown
    assert "opens 2026-11-29 05:00:00 UTC (08:00 +0300)" in " ".join(shown.split())
    verified, _, listed = shown.partition("Listed only")
    assert "jo.technical" in verified
    assert "eg.duty" not in verified
    assert "eg.duty" in listed


def test_one_match_shows_the_whole_card_in_dial_order(kept):
    shown = run_here("lookup", "--id", "eg.diplomatic", home=kept["jo"]).out
    assert shown.index("1. phone") < shown.index("2. email")
    assert "x-las; that body could read and answer" in shown
    assert "hours (Africa/Cairo): sun 08:00-16:00" in shown


def test_what_is_overdue_is_told_on_standard_error_and_stops_nothing(kept):
    outcome = run_here("lookup", "--state", "jo", "--at", "2028-11-24T09:00Z", home=kept["jo"])
    assert outcome.code == 0
    assert "jo.technical: confirmation overdue" in outcome.err
    assert "jo.technical: sealing key overdue" in outcome.err
    assert "no witnesses" in outcome.err


def test_a_folder_that_is_no_home_is_refused(tmp_path):
    outcome = run_here("lookup", "jordan", "--json", home=tmp_path)
    assert (outcome.code, outcome.value["code"]) == (1, "not-a-desk")
    assert list(tmp_path.iterdir()) == []
