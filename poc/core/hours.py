"""Working hours: whether an office is open at a moment, and when it opens next.

Hours are wall-clock times at the office; the zone comes in as an argument, for any moment asked about.
When clocks go forward, a time that is skipped never comes; when they go back, a time that comes twice
counts both times. The card's form (``card``), holidays by country and reading zone files are not here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Final

from poc.errors import RefusedError
from poc.limits import HOURS_SEARCH_DAYS_MAX

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_END: Final = "24:00"

_CLOCK: Final = re.compile("(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_DATE: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Open from ``open`` (HH:MM) up to, not including, ``close`` (HH:MM or 24:00) of the same day.

    Raises:
        RefusedError: ``bad-hours``.
    """

    open: str
    close: str

    def __post_init__(self) -> None:
        """Refuse times that are none, and a span that ends before it begins."""
        if not _CLOCK.fullmatch(self.open) or not (_CLOCK.fullmatch(self.close) or self.close == DAY_END):
            raise RefusedError("bad-hours", "a time is not HH:MM")
        if self.open >= self.close:
            raise RefusedError("bad-hours", f"{self.open} to {self.close}: over midnight, write two slots")

    def covers(self, clock: str) -> bool:
        """Whether this wall-clock time (HH:MM) lies inside."""
        return self.open <= clock < self.close


@dataclass(frozen=True, slots=True)
class Slot:
    """A span that returns every week on ``day`` ('mon' to 'sun'); a night shift is two slots.

    Raises:
        RefusedError: ``bad-hours``.
    """

    day: str
    open: str
    close: str

    def __post_init__(self) -> None:
        """Refuse a day or times that are none."""
        if self.day not in DAYS:
            raise RefusedError("bad-hours", "a day is not one of mon to sun")
        self.span()

    def span(self) -> Span:
        """Give the times without the day."""
        return Span(self.open, self.close)


@dataclass(frozen=True, slots=True)
class ExceptionDay:
    """A date (YYYY-MM-DD at the office) with hours of its own, instead of the usual; no slots: closed.

    Raises:
        RefusedError: ``bad-hours``; slots may touch, never overlap.
    """

    date: str
    slots: tuple[Span, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a date that is not in the calendar, and overlapping slots."""
        try:
            date.fromisoformat((_DATE.fullmatch(self.date) and self.date) or "")
        except ValueError:
            raise RefusedError("bad-hours", "a date is not YYYY-MM-DD of the calendar") from None
        _check_apart(self.slots)


@dataclass(frozen=True, slots=True)
class Hours:
    """When an office answers: around the clock (``always``) or in weekly slots, less or more on exceptions.

    Slots may touch, never overlap. An exception replaces its whole day, also under ``always``.

    Raises:
        RefusedError: ``bad-hours`` for weekly slots beside ``always`` or over each other, or two exceptions
            for one date.
    """

    always: bool
    weekly: tuple[Slot, ...] = ()
    exceptions: tuple[ExceptionDay, ...] = ()

    def __post_init__(self) -> None:
        """Refuse hours that say two things of one day."""
        if self.always and self.weekly:
            raise RefusedError("bad-hours", "weekly slots beside always")
        if len({day.date for day in self.exceptions}) != len(self.exceptions):
            raise RefusedError("bad-hours", "two exceptions for one date")
        for day in DAYS:
            _check_apart(slot.span() for slot in self.weekly if slot.day == day)

    def on(self, day: date) -> tuple[Span, ...]:
        """Give the spans of one date at the office; none when it is closed."""
        for exception in self.exceptions:
            if exception.date == day.isoformat():
                return exception.slots
        if self.always:
            return (Span("00:00", DAY_END),)
        return tuple(slot.span() for slot in self.weekly if slot.day == DAYS[day.weekday()])


def is_open(hours: Hours, at: datetime, zone: tzinfo) -> bool:
    """Tell whether the office in this zone is open at a moment.

    Raises:
        ValueError: when ``at`` bears no zone: a naive time means nothing here.
    """
    wall = _aware(at).astimezone(zone)
    return any(span.covers(f"{wall:%H:%M}") for span in hours.on(wall.date()))


def next_open(hours: Hours, at: datetime, zone: tzinfo) -> datetime | None:
    """Give the first moment from ``at`` on at which the office is open, in UTC; ``at`` itself if it is.

    Looks 370 days ahead; None when it stays closed for so long, or until the end of the calendar.

    Raises:
        ValueError: when ``at`` bears no zone.
    """
    start = _aware(at).astimezone(UTC)
    if is_open(hours, start, zone):
        return start
    first = start.astimezone(zone).date()
    for offset in range(min(HOURS_SEARCH_DAYS_MAX, (date.max - first).days - 1) + 1):
        moments = _openings(hours, first + offset * _ONE_DAY, zone)
        later = [moment for moment in moments if moment >= start and is_open(hours, moment, zone)]
        if later:
            return min(later)
    return None


def _openings(hours: Hours, day: date, zone: tzinfo) -> Iterator[datetime]:
    """Every moment of one date at which the office can change from closed to open.

    That is when the clock shows the beginning of a span, the first or the second time, and when the clock is
    put forward into a span or back into one.
    """
    spans = hours.on(day)
    for span in spans:
        wall = datetime.combine(day, time.fromisoformat(span.open), zone)
        yield wall.astimezone(UTC)
        yield wall.replace(fold=1).astimezone(UTC)
    if spans:
        midnight = datetime.combine(day, time(), zone)
        yield from _clock_change(midnight - _ONE_DAY / 4, midnight + _ONE_DAY * 5 / 4, zone)


def _clock_change(first: datetime, last: datetime, zone: tzinfo) -> Iterator[datetime]:
    """The second at which the zone's clocks change between two moments, if its offsets there differ."""
    low, high = first.astimezone(UTC), last.astimezone(UTC)
    before = low.astimezone(zone).utcoffset()
    if high.astimezone(zone).utcoffset() == before:
        return
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    yield high


def _check_apart(spans: Iterable[Span]) -> None:
    """Refuse spans of one day that overlap: they say one thing twice."""
    ordered = sorted(spans, key=lambda span: span.open)
    if any(later.open < earlier.close for earlier, later in pairwise(ordered)):
        raise RefusedError("bad-hours", "two slots overlap")


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a moment needs a zone")
    return at
