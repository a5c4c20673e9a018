"""Practice waits its turn, what is actual does not: places, queues and the rate of all States together."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from poc.core.strictjson import b64u, canonical
from poc.errors import RefusedError
from poc.hub.intake import Intake
from poc.hub.metrics import Metrics
from poc.limits import PRACTICE_AT_ONCE_MAX, PRACTICE_BURST, PRACTICE_PER_SECOND, PRACTICE_WAITING_MAX

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def body(status="test", precedence="routine"):
    header = b64u(canonical({"status": status, "precedence": precedence}))
    return b'{"ciphertext":"","protected":"' + header.encode() + b'"}'


@pytest.fixture
def clock():
    return SimpleNamespace(now=0.0)


@pytest.fixture
def intake(clock):
    return Intake(Metrics(), lambda: clock.now)


async def refusal(call):
    with pytest.raises(RefusedError) as caught:
        async with call:
            pass
    return caught.value.code, caught.value.data["retry_after_seconds"]


class Held:
    """Turns that are taken and not given back until told."""

    def __init__(self, intake):
        self.intake, self.end, self.inside, self.tasks = intake, asyncio.Event(), 0, []

    async def _hold(self, state, data):
        async with self.intake.turn(state, data):
            self.inside += 1
            await self.end.wait()

    async def take(self, count, state="jo", data=None):
        self.tasks += [asyncio.ensure_future(self._hold(state, data or body())) for _ in range(count)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return self.inside

    async def leave(self):
        self.end.set()
        await asyncio.gather(*self.tasks)


async def test_so_many_practice_messages_are_worked_on_at_once_and_actual_waits_for_none(intake):
    held = Held(intake)
    assert await held.take(20) == PRACTICE_AT_ONCE_MAX
    for precedence in ("routine", "flash"):
        async with intake.turn("jo", body("actual", precedence)):
            pass
    async with intake.turn("jo", body("exercise", "flash")):
        pass
    await held.leave()
    assert held.inside == 20


async def test_flash_of_an_exercise_waits_in_its_own_lane_and_holds_up_nothing_actual(intake):
    held = Held(intake)
    assert await held.take(20, data=body("exercise", "flash")) == PRACTICE_AT_ONCE_MAX
    assert await held.take(1) == PRACTICE_AT_ONCE_MAX + 1
    async with intake.turn("jo", body("actual")):
        pass
    await held.leave()


async def test_a_state_that_waits_with_too_many_is_asked_to_come_again_and_another_is_not(intake):
    held = Held(intake)
    await held.take(PRACTICE_WAITING_MAX)
    assert await refusal(intake.turn("jo", body())) == ("too-many-requests", 1)
    await held.take(1, state="sd")
    await held.leave()
    assert held.inside == PRACTICE_WAITING_MAX + 1
    async with intake.turn("jo", body()):
        pass


async def test_a_place_is_given_back_by_whatever_ends(intake):
    for _ in range(PRACTICE_WAITING_MAX + 5):
        with pytest.raises(ZeroDivisionError):
            async with intake.turn("jo", body()):
                raise ZeroDivisionError
    held = Held(intake)
    assert await held.take(9) == PRACTICE_AT_ONCE_MAX
    for task in held.tasks:
        task.cancel()
    await asyncio.gather(*held.tasks, return_exceptions=True)
    assert await Held(intake).take(1) == 1


def header(status="test", precedence="routine", sender="jo.technical"):
    return SimpleNamespace(status=status, precedence=precedence, sender=SimpleNamespace(contact=sender))


def code_of(intake, made, at=NOW):
    try:
        intake.check_new(made, at)
    except RefusedError as error:
        return error.code, error.data["retry_after_seconds"]
    return None


def noted(intake, seconds, **kind):
    made = header(**kind)
    intake.note_full(made, NOW, RefusedError("quota-reached", retry_after_seconds=seconds))
    return made


def test_all_practice_together_has_a_rate_and_what_is_actual_has_none(intake, clock):
    assert {code_of(intake, header()) for _ in range(PRACTICE_BURST)} == {None}
    assert code_of(intake, header(sender="sd.technical")) == ("rate-limited", 1)
    assert {code_of(intake, header("actual")) for _ in range(2 * PRACTICE_BURST)} == {None}
    assert code_of(intake, header("test", "flash")) is None
    clock.now += 1 / PRACTICE_PER_SECOND
    assert code_of(intake, header()) is None


def test_a_state_whose_hour_is_full_takes_nothing_of_the_rate_of_all(intake):
    full = noted(intake, 900)
    for _ in range(2 * PRACTICE_BURST):
        assert code_of(intake, full) == ("quota-reached", 900)
    assert code_of(intake, header(sender="sd.technical")) is None


def test_a_full_hour_is_believed_for_a_moment_only_and_of_nobody_else(intake):
    full = noted(intake, 900)
    assert code_of(intake, full) == ("quota-reached", 900)
    assert code_of(intake, full, NOW + timedelta(seconds=59)) == ("quota-reached", 841)
    assert code_of(intake, header(sender="jo.duty")) is None
    assert code_of(intake, header("actual")) is None
    assert code_of(intake, header(precedence="flash")) is None
    assert code_of(intake, full, NOW + timedelta(seconds=60)) is None
    assert code_of(intake, full) is None


def test_a_clock_set_back_ends_that_belief(intake):
    assert code_of(intake, noted(intake, 900), NOW - timedelta(hours=1)) is None


def test_an_hour_that_frees_sooner_is_believed_that_long(intake):
    full = noted(intake, 5)
    assert code_of(intake, full, NOW + timedelta(seconds=4)) == ("quota-reached", 1)
    assert code_of(intake, full, NOW + timedelta(seconds=5)) is None
