from __future__ import annotations

from typing import Any

import pytest

from poc.core.quota import bytes_max, claimed_lane, lane_of, messages_max
from poc.core.strictjson import b64u, canonical
from tests import message_world as world

PRECEDENCES: Any = ("flash", "immediate", "priority", "routine")


RANKS: Any = (
    ("test", "routine"),
    ("exercise", "immediate"),
    ("exercise", "flash"),
    ("actual", "routine"),
    ("actual", "flash"),
)


def ceilings(per_hour):
    return [messages_max(status, precedence, per_hour) for status, precedence in RANKS]


def test_the_less_it_matters_that_a_message_waits_the_earlier_it_does():
    assert ceilings(1000) == [500, 500, 600, 900, 1000]


def test_a_small_quota_leaves_each_kind_one_and_gives_actual_no_less_than_exercise():
    assert ceilings(1) == [1, 1, 1, 1, 1]
    assert ceilings(2) == [1, 1, 1, 1, 2]
    for per_hour in range(1, 50):
        found = ceilings(per_hour)
        assert found == sorted(found)
        assert found[-1] == per_hour


def test_nothing_is_kept_from_a_controller_which_sends_nothing_actual():
    assert messages_max("exercise", "routine", 400, controller=True) == 400


def test_bytes_are_kept_for_what_is_actual():
    assert bytes_max("exercise") == bytes_max("test") < bytes_max("actual")


def test_what_is_actual_waits_in_no_lane_and_flash_not_behind_the_rest():
    assert {lane_of("actual", precedence) for precedence in PRECEDENCES} == {None}
    practice: Any = ("exercise", "test")
    for status in practice:
        lanes = [lane_of(status, precedence) for precedence in PRECEDENCES]
        assert lanes == ["practice-flash", "practice", "practice", "practice"]


def body(header):
    return b'{"ciphertext":"AA","iv":"AA","protected":"' + b64u(header).encode() + b'","recipients":[]}'


def test_the_lane_an_envelope_says_it_is_in_is_that_of_its_header():
    sealed = world.seal()
    assert claimed_lane(sealed.envelope_bytes) == lane_of(sealed.message.status, sealed.message.precedence)
    assert claimed_lane(body(canonical({"status": "actual", "precedence": "routine"}))) is None
    assert claimed_lane(body(canonical({"status": "test", "precedence": "flash"}))) == "practice-flash"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"protected":""}',
        b'{"protected":"***"}',
        b'{"protected":"A"}',
        b'{"protected" : "AAAA"}',
        b'{"protected":"' + b"A" * 20_000 + b'"}',
        body(b"{"),
        body(b"[]"),
        body(b"null"),
        body(b"7"),
        body(b'{"status":"actual"}'),
        body(b'{"precedence":"flash"}'),
        body(b'{"status":["actual"],"precedence":"routine"}'),
        body(b'{"status":"Actual","precedence":"routine"}'),
        body(b'{"status":"actual","status":"test","precedence":"routine"}'),
    ],
)
def test_what_says_nothing_clear_waits_with_practice(data):
    assert claimed_lane(data) == "practice"
