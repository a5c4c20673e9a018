"""Working hours at real places: weekends, exceptions, nights, and clocks that change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from poc.core.hours import ExceptionDay, Hours, Slot, Span, is_open, next_open
from poc.errors import RefusedError

AMMAN, CAIRO = ZoneInfo("Asia/Amman"), ZoneInfo("Africa/Cairo")
DUBAI, CASABLANCA = ZoneInfo("Asia/Dubai"), ZoneInfo("Africa/Casablanca")
AROUND_THE_CLOCK = Hours(always=True)
SUNDAY_TO_THURSDAY = Hours(
    always=False, weekly=tuple(Slot(day, "08:00", "16:00") for day in ("sun", "mon", "tue", "wed", "thu"))
)
NIGHT = Hours(always=False, weekly=(Slot("mon", "22:00", "24:00"), Slot("tue", "00:00", "06:00")))


def local(zone: ZoneInfo, *when: int) -> datetime:
    return datetime(*when, tzinfo=zone)  # type: ignore[arg-type,misc]


def code_of(function: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        function(*arguments)
    return caught.value.code


@pytest.mark.parametrize(
    ("hours", "zone", "when", "expected"),
    [
        (SUNDAY_TO_THURSDAY, AMMAN, (2026, 11, 22, 8, 0), True),
        (SUNDAY_TO_THURSDAY, AMMAN, (2026, 11, 22, 7, 59), False),
        (SUNDAY_TO_THURSDAY, AMMAN, (2026, 11, 22, 15, 59), True),
        (SUNDAY_TO_THURSDAY, AMMAN, (2026, 11, 22, 16, 0), False),
        (SUNDAY_TO_THURSDAY, AMMAN, (2026, 11, 27, 10, 0), False),
        (SUNDAY_TO_THURSDAY, DUBAI, (2026, 11, 22, 10, 0), True),
        (NIGHT, CASABLANCA, (2026, 11, 23, 23, 59), True),
        (NIGHT, CASABLANCA, (2026, 11, 24, 5, 59), True),
        (NIGHT, CASABLANCA, (2026, 11, 24, 6, 0), False),
        (AROUND_THE_CLOCK, CAIRO, (2026, 1, 1, 3, 0), True),
        (Hours(always=False), CAIRO, (2026, 1, 1, 3, 0), False),
    ],
)
def test_open_or_closed_at_a_moment(hours: Hours, zone: ZoneInfo, when: tuple[int, ...], expected) -> None:
    assert is_open(hours, local(zone, *when), zone) is expected
    assert is_open(hours, local(zone, *when).astimezone(UTC), zone) is expected


def test_it_opens_next_after_the_weekend() -> None:
    friday = local(AMMAN, 2026, 11, 27, 10, 0)
    assert next_open(SUNDAY_TO_THURSDAY, friday, AMMAN) == local(AMMAN, 2026, 11, 29, 8, 0)
    assert next_open(AROUND_THE_CLOCK, friday, AMMAN) == friday
    assert next_open(Hours(always=False), friday, AMMAN) is None


def test_an_exception_replaces_its_day() -> None:
    closed = Hours(always=True, exceptions=(ExceptionDay("2026-11-24"),))
    noon = local(AMMAN, 2026, 11, 24, 12, 0)
    assert not is_open(closed, noon, AMMAN)
    assert next_open(closed, noon, AMMAN) == local(AMMAN, 2026, 11, 25, 0, 0)
    shorter = Hours(always=True, exceptions=(ExceptionDay("2026-11-24", (Span("13:00", "14:00"),)),))
    assert next_open(shorter, noon, AMMAN) == local(AMMAN, 2026, 11, 24, 13, 0)


def test_a_time_that_clocks_skip_never_comes() -> None:
    # Cairo went from 00:00 to 01:00 on 24 April 2026.
    skipped = Hours(always=False, weekly=(Slot("fri", "00:15", "00:45"),))
    before = local(CAIRO, 2026, 4, 23, 12, 0)
    found = next_open(skipped, before, CAIRO)
    assert found == local(CAIRO, 2026, 5, 1, 0, 15)
    into = Hours(always=False, weekly=(Slot("fri", "00:15", "02:00"),))
    assert next_open(into, before, CAIRO) == local(CAIRO, 2026, 4, 24, 1, 0)


def test_a_time_that_comes_twice_counts_twice() -> None:
    # Cairo goes back from 24:00 to 23:00 on 29 October 2026.
    late = Hours(always=False, weekly=(Slot("thu", "23:15", "23:30"),))
    first = local(CAIRO, 2026, 10, 29, 23, 15)
    assert next_open(late, first - timedelta(minutes=5), CAIRO) == first.astimezone(UTC)
    again = next_open(late, first.astimezone(UTC) + timedelta(minutes=20), CAIRO)
    assert again == first.astimezone(UTC) + timedelta(hours=1)


def test_the_end_of_the_calendar_ends_the_search() -> None:
    assert next_open(Hours(always=False), datetime(9999, 12, 30, tzinfo=UTC), CAIRO) is None


@pytest.mark.parametrize("ask", [is_open, next_open])
def test_a_moment_needs_a_zone(ask: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="zone"):
        ask(AROUND_THE_CLOCK, datetime(2026, 1, 1), AMMAN)  # noqa: DTZ001


@pytest.mark.parametrize(
    "arguments",
    [("8:00", "9:00"), ("08:00", "25:00"), ("24:00", "24:00"), ("09:00", "09:00"), ("22:00", "06:00")],
)
def test_spans_that_are_none_are_refused(arguments: tuple[str, str]) -> None:
    assert code_of(Span, *arguments) == "bad-hours"
    assert code_of(Slot, "mon", *arguments) == "bad-hours"


def test_days_that_are_none_are_refused() -> None:
    assert code_of(Slot, "monday", "08:00", "09:00") == "bad-hours"
    for day in ("2026-02-30", "2026-1-1", "today", ""):
        assert code_of(ExceptionDay, day) == "bad-hours"


def test_hours_that_say_two_things_are_refused() -> None:
    assert code_of(Hours, True, (Slot("mon", "08:00", "09:00"),)) == "bad-hours"
    assert code_of(Hours, True, (), (ExceptionDay("2026-01-01"),) * 2) == "bad-hours"
