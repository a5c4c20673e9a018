"""The hub's clock goes on evenly whatever is done to the machine's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from poc.hub.clock import SteadyClock
from poc.limits import CLOCK_STEP_SECONDS_MAX

BEGAN = 1_780_000_000.0
DAY = 86_400


class Machine:
    """A machine whose clock somebody sets."""

    def __init__(self):
        self.wall, self.passed = BEGAN, 5.0
        self.clock = SteadyClock(lambda: self.wall, lambda: self.passed)

    def go(self, seconds, wall=None):
        self.passed += seconds
        self.wall += seconds if wall is None else wall
        return (self.clock() - datetime.fromtimestamp(BEGAN, UTC)).total_seconds()


@pytest.mark.parametrize("step", [DAY, -DAY, 3600, -3600, CLOCK_STEP_SECONDS_MAX + 1])
def test_a_step_of_the_machines_clock_is_not_followed(step):
    machine = Machine()
    machine.go(10)
    machine.wall += step
    assert machine.go(10) == 20
    assert machine.go(3600) == 3620
    assert machine.clock.step_seconds == step


@pytest.mark.parametrize("drift", [1, CLOCK_STEP_SECONDS_MAX])
def test_a_small_correction_is_followed(drift):
    machine = Machine()
    assert machine.go(100, wall=100 + drift) == 100 + drift
    assert machine.clock.step_seconds == 0


def test_it_never_goes_back():
    machine = Machine()
    machine.go(100)
    assert machine.go(1, wall=-30) == 100
    assert machine.go(40) == 110


def test_a_step_that_is_taken_back_leaves_nothing_behind():
    machine = Machine()
    machine.wall += DAY
    assert machine.go(10) == 10
    machine.wall -= DAY
    assert machine.go(10) == 20
    assert machine.clock.step_seconds == 0


@pytest.mark.parametrize(("off", "follows"), [(0, True), (250, True), (-250, True), (1000, False)])
def test_a_step_is_taken_over_once_others_say_the_same(off, follows):
    machine = Machine()
    machine.wall += 3600
    machine.go(1)
    machine.clock.confirm(datetime.fromtimestamp(machine.wall + off, UTC))
    assert machine.go(1) == (3602 if follows else 2)


def test_others_times_do_not_move_a_clock_that_did_not_step():
    machine = Machine()
    machine.clock.confirm(machine.clock() + timedelta(days=1))
    assert machine.go(1) == 1
