"""`poc responder`, `poc inbox` and `poc message` where alarms ring, at homes whose hub is gone."""

from __future__ import annotations

import shutil

import pytest

from poc.client.alarms import note_messages
from poc.client.sdk import Desk
from tests.cli_world import run_here
from tests.responder_world import recorder, write_settings


@pytest.fixture
def home(kept):
    return kept["sd"]


@pytest.fixture
async def ringing(home):
    """The id of a message that rings."""
    async with await Desk.open(home) as desk:
        assert note_messages(desk.known) == 2
        return desk.inbox()[0]["message"]


def alarms(home):
    return run_here("responder", "status", "--json", home=home).value["alarms"]


def test_status_tells_what_rings_and_its_exit_code_is_for_a_watchdog(home, ringing):
    outcome = run_here("responder", "status", "--json", home=home)
    assert (outcome.code, outcome.value["running"], outcome.value["reached_at"]) == (0, False, None)
    assert {(a["kind"], a["status"]) for a in outcome.value["alarms"]} == {
        ("message", "test"), ("message", "exercise"),
    }  # fmt: skip
    told = run_here("responder", "status", "--exit-code", home=home)
    assert told.code == 1
    assert "no responder runs here" in told.out
    assert "A kept notice" not in told.out


def test_who_shows_one_message_ends_its_alarm_alone(home, ringing):
    assert run_here("message", "show", ringing, home=home).code == 0
    assert ringing not in {alarm["message"] for alarm in alarms(home)}
    assert len(alarms(home)) == 1


def test_who_lists_the_inbox_ends_all(home, ringing):
    assert run_here("message", "inbox", home=home).code == 0
    assert alarms(home) == []


def test_a_lookup_or_status_is_no_look_at_messages(home, ringing):
    for words in (["lookup"], ["responder", "status"], ["message", "outbox"]):
        assert run_here(*words, home=home).code == 0
    assert len(alarms(home)) == 2


def test_silence_ends_all_without_a_passphrase(home, ringing):
    (home / "passphrase").unlink()
    outcome = run_here("responder", "silence", "--json", home=home)
    assert (outcome.code, outcome.value) == (0, {"silenced": 2})
    assert run_here("responder", "silence", "--json", home=home).value == {"silenced": 0}


def test_a_trial_rings_as_an_exercise_and_names_what_failed(home, tmp_path):
    outcome = run_here("responder", "try", home=home)
    assert outcome.code == 0
    assert outcome.out.startswith("EXERCISE EXERCISE EXERCISE / تمرين تمرين تمرين\n")
    assert "alarm_command is not set" in outcome.err
    rung = tmp_path / "rung"
    write_settings(home, alarm_command=recorder(rung), alarm_practice_sound=["false"])
    outcome = run_here("responder", "try", "--json", home=home)
    assert (outcome.code, outcome.value) == (1, {"failed": ["sound"], "unset": []})
    assert "ALARM_STATUS=exercise" in rung.read_text()


@pytest.mark.parametrize("line", [
    'alarm_command = "page duty"', 'alarm_command = [""]', "alarm_hub_minutes = 0", "api_port = true",
    "api_port = 0", "echo_per_hour = -1", "on_message = [1]", 'alarm_comand = ["x"]',
])  # fmt: skip
def test_a_setting_that_is_wrong_is_named(home, line):
    path = home / "config.toml"
    path.write_text(path.read_text() + line + "\n")
    outcome = run_here("responder", "status", "--json", home=home)
    assert (outcome.code, outcome.value["code"] in {"bad-setting", "unknown-setting"}) == (1, True), outcome
    assert line.split()[0] in outcome.value["message"]


def test_follow_takes_no_number_below_zero_and_no_home_that_is_none(home, tmp_path):
    assert run_here("inbox", "follow", "--after", "-1", "--json", home=home).value["code"] == "usage"
    shutil.rmtree(home)
    for words in (["responder", "run"], ["responder", "echo"], ["responder", "silence"]):
        outcome = run_here(*words, "--json", home=home)
        assert outcome.code in (1, 2), outcome
