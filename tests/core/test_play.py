"""Exercises in play, and how answers are graded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core import jws
from poc.core.keys import SigningKey
from poc.core.play import (
    GRADES,
    Ping,
    Play,
    RecordedAnswer,
    answered_word,
    as_typed,
    check_in_exercise,
    deadline,
    grade,
    ping_answer,
    read_announcement,
    tally,
    with_order,
)
from poc.errors import RefusedError
from tests import message_world as world
from tests.message_world import (
    EXERCISE,
    NOW,
    SIZE,
    Exercise,
    cek_of,
    directory,
    draft,
    head,
    message_id,
    play_of,
    seal,
    signing_key,
    with_key,
)

CONTROLLER = "x-arcc.controller-1"


def code(function: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        function(*arguments, **named)
    return caught.value.code


def ordered(play: Play, text: str, **named: Any) -> Play:
    return with_order(play, text, directory(), now=NOW, **named)


# --- announcement and orders -------------------------------------------------------------------


def test_an_exercise_is_open_from_its_start_to_its_end() -> None:
    started = Exercise().started()
    ended = ordered(started, Exercise().order("end", 2, started.newest_sha256, at=NOW))
    assert (Exercise().announced().state, started.state, ended.state) == ("announced", "open", "ended")
    hour = timedelta(hours=1)
    assert [ended.is_open(NOW + n * hour / 2) for n in (-3, -2, -1, 0, 1)] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert started.is_open(NOW + 1000 * hour)
    assert not Exercise().announced().is_open(NOW)


def test_an_exercise_may_be_called_off_before_its_start() -> None:
    assert ordered(Exercise().announced(), Exercise().order("end")).state == "ended"


@pytest.mark.parametrize(
    ("changes", "signer", "expected"),
    [
        ({"kid": "A" * 43}, None, "member-mismatch"),
        ({"controller": "x-arcc.controller-2"}, None, "unknown-key"),
        ({"controller": "jo.technical"}, None, "unknown-key"),
        ({"head": head(SIZE + 1)}, None, "head-ahead"),
        ({"origin": "example.org/other"}, None, "wrong-origin"),
        ({}, SigningKey.from_seed(bytes(32)), "unknown-key"),
        ({}, signing_key("jo.technical"), "unknown-key"),
    ],
)
def test_only_its_controller_announces_an_exercise(
    changes: dict[str, Any], signer: SigningKey | None, expected: str
) -> None:
    exercise = Exercise() if signer is None else Exercise(signer)
    assert code(read_announcement, exercise.announcement(**changes), directory()) == expected


def test_the_hub_judges_a_controller_at_its_own_head() -> None:
    kid = signing_key(CONTROLLER).kid
    replaced = with_key(directory(), kid, until=15, ended="replaced")
    text = Exercise().announcement(head=head(10))
    assert read_announcement(text, replaced).announcement.id == EXERCISE
    assert code(read_announcement, text, replaced, least=SIZE) == "key-ended"
    mute = with_key(directory(), kid, may=frozenset({"retrieve"}))
    assert code(read_announcement, text, mute) == "right-missing"


ANNOUNCED = Exercise().announced()
STARTED = Exercise().started()


@pytest.mark.parametrize(
    ("play", "order", "expected"),
    [
        (ANNOUNCED, Exercise().order("pause"), "not-yet-in-force"),
        (ANNOUNCED, Exercise().order("resume"), "not-yet-in-force"),
        (ANNOUNCED, Exercise().order("skip"), "not-yet-in-force"),
        (ANNOUNCED, Exercise().order("break-out", None), "not-yet-in-force"),
        (ANNOUNCED, Exercise().order("start", 2, "A" * 43), "order-out-of-sequence"),
        (ANNOUNCED, Exercise().order("start", at=NOW - timedelta(hours=3)), "order-out-of-sequence"),
        (STARTED, Exercise().order("end", 2, "A" * 43), "order-out-of-sequence"),
        (STARTED, Exercise().order("end", 1), "order-out-of-sequence"),
        (STARTED, Exercise().order("end", 3, STARTED.newest_sha256), "order-out-of-sequence"),
        (
            STARTED,
            Exercise().order("end", 2, STARTED.newest_sha256, at=NOW - timedelta(minutes=61)),
            "order-out-of-sequence",
        ),
        (STARTED, Exercise().order("start", 2, STARTED.newest_sha256), "not-in-this-state"),
        (ANNOUNCED, Exercise().order("start", at=NOW + timedelta(seconds=301)), "sent-in-future"),
        (ANNOUNCED, Exercise().order("start", exercise="other-2026"), "member-mismatch"),
        (ANNOUNCED, Exercise().order("start", kid="A" * 43), "member-mismatch"),
        (ANNOUNCED, Exercise().order("start", head=head(SIZE + 1)), "head-ahead"),
        (ANNOUNCED, Exercise(signing_key("jo.technical")).order("start"), "unknown-key"),
        (ANNOUNCED, Exercise().announcement(), "wrong-type"),
    ],
)
def test_an_order_that_does_not_follow_is_refused(play: Play, order: str, expected: str) -> None:
    assert code(ordered, play, order) == expected


def test_an_announcement_is_no_order_and_an_order_no_announcement() -> None:
    assert code(read_announcement, Exercise().order("start"), directory()) == "wrong-type"


def test_an_ended_exercise_is_not_started_again() -> None:
    ended = ordered(STARTED, Exercise().order("end", 2, STARTED.newest_sha256))
    again = Exercise().order("start", 3, ended.newest_sha256)
    assert code(ordered, ended, again) == "not-in-this-state"


def test_parties_of_an_exercise_are_its_participants_and_its_controller() -> None:
    check_in_exercise(EXERCISE, ["jo.technical", "sd.duty", CONTROLLER], NOW, play_of)
    assert code(check_in_exercise, EXERCISE, ["eg.technical"], NOW, play_of) == "exercise-lacks-side"
    assert code(check_in_exercise, "other", [], NOW, play_of) == "exercise-unknown"
    early = NOW - timedelta(hours=2)
    assert code(check_in_exercise, EXERCISE, [], early, play_of) == "exercise-not-open"


# --- answers -----------------------------------------------------------------------------------

CEK, ID = cek_of(), message_id()


def test_an_answer_is_of_one_word_one_contact_and_one_message() -> None:
    right = ping_answer(CEK, ID, "sd.duty", "482913")
    assert answered_word(CEK, ID, "sd.duty", right, ["482913"]) == "482913"
    assert answered_word(CEK, ID, "sd.duty", right, ["482914", "482913"]) == "482913"
    assert answered_word(CEK, ID, "sd.duty", right, ["482914"]) is None
    assert answered_word(CEK, ID, "sd.duty", None, ["482913"]) is None
    assert answered_word(CEK, ID, "eg.technical", right, ["482913"]) is None
    assert answered_word(CEK, message_id(2), "sd.duty", right, ["482913"]) is None
    assert answered_word(cek_of(2), ID, "sd.duty", right, ["482913"]) is None


@given(st.integers(0, 999_999))
def test_digits_of_either_script_are_the_same_word(number: int) -> None:
    word = f"{number:06}"
    arabic = word.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert ping_answer(CEK, ID, "sd.duty", f" {arabic} ") == ping_answer(CEK, ID, "sd.duty", word)


def test_an_option_code_counts_in_either_case() -> None:
    assert as_typed(" b ") == "B"


DEADLINE = NOW + timedelta(minutes=10)


def answer(
    outcome: Any = "acknowledged", contact: str = "sd.duty", at: datetime = NOW, word: str = "482913"
) -> RecordedAnswer:
    given_answer = ping_answer(CEK, ID, contact, word) if outcome == "acknowledged" else None
    return RecordedAnswer(outcome, contact, given_answer, at)


def ping(**changes: Any) -> Ping:
    members = {"message": ID, "contact": "sd.duty", "cek": CEK, "words": ("482913",), "deadline_at": DEADLINE}
    return Ping(**{**members, "alternates": ("sd.technical",), **changes})


LATE = DEADLINE + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([answer()], "in-time"),
        ([answer(at=DEADLINE)], "in-time"),
        ([answer(at=LATE), answer()], "in-time"),
        ([answer(at=LATE)], "late"),
        ([answer(contact="sd.technical")], "by-alternate"),
        ([answer(contact="sd.technical"), answer(at=LATE)], "by-alternate"),
        ([answer(contact="sd.technical", at=LATE)], "late"),
        ([answer("retrieved")], "retrieved-only"),
        ([answer("declined")], "retrieved-only"),
        ([answer(word="482914")], "retrieved-only"),
        ([answer(contact="eg.technical")], "none"),
        ([], "none"),
    ],
)
def test_an_answer_is_graded_by_the_time_of_its_record(answers: list[RecordedAnswer], expected: str) -> None:
    assert grade(ping(), answers) == expected


def test_a_contact_that_nothing_could_be_sealed_to_is_unreachable() -> None:
    assert grade(ping(reachable=False), []) == "unreachable"


def test_an_answer_of_another_contact_does_not_count_for_this_one() -> None:
    copied = RecordedAnswer("acknowledged", "sd.duty", ping_answer(CEK, ID, "eg.technical", "482913"), NOW)
    assert grade(ping(), [copied]) == "retrieved-only"


def test_for_a_question_any_option_is_an_answer() -> None:
    assert grade(ping(words=("A", "B")), [answer(word="b")]) == "in-time"


def test_the_deadline_is_the_named_one_or_counts_from_acceptance_or_is_expiry() -> None:
    at = NOW + timedelta(hours=1)
    minute = timedelta(minutes=1)
    assert deadline(seal(draft(respond_by=at)).message, NOW + minute) == at
    assert deadline(seal(draft(respond_within_s=60)).message, NOW + minute) == NOW + 2 * minute
    assert deadline(seal().message, NOW + minute) == draft().expires_at


def test_a_tally_counts_each_grade_once() -> None:
    assert tally([]) == {"sent": 0, "in_time": 0, "late": 0, "retrieved_only": 0, "none": 0}
    counted = tally(GRADES)
    assert counted["sent"] == len(GRADES)
    assert counted["by_alternate"] == counted["unreachable"] == 1


@given(st.lists(st.sampled_from(GRADES)))
def test_a_tally_adds_up(grades: list[Any]) -> None:
    counted = tally(grades)
    assert counted.pop("sent") == sum(counted.values()) == len(grades)


def test_the_types_of_an_exercise_are_not_those_of_its_script() -> None:
    text = jws.sign_compact(b"{}", jws.SCRIPT, signing_key(CONTROLLER))
    assert code(read_announcement, text, world.directory()) == "wrong-type"
