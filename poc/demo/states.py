"""The 22 States of the demo: names, zones and working weeks, taken from published data.

Names and weekends come from CLDR (through Babel), zones from the IANA table in ``tzdata``. Nothing
here describes a real office: the demo's offices are invented and their addresses reserved.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from babel import Locale

# The member States of the League of Arab States, as ISO 3166-1 codes.
ARAB_LEAGUE: Final = (
    *("ae", "bh", "dj", "dz", "eg", "iq", "jo", "km", "kw", "lb", "ly"),
    *("ma", "mr", "om", "ps", "qa", "sa", "sd", "so", "sy", "tn", "ye"),
)
LANGUAGES: Final = ("ar", "en", "fr")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OWN_NAMES: Final = {"ps": {"ar": "دولة فلسطين", "en": "State of Palestine", "fr": "État de Palestine"}}


@dataclass(frozen=True, slots=True)
class DemoState:
    """One State of the demo."""

    id: str
    names: dict[str, str]
    zone: str
    workdays: tuple[str, ...]


def demo_states() -> list[DemoState]:
    """The 22 States, sorted by id."""
    return [DemoState(code, _names(code), _zones()[code.upper()], _workdays(code)) for code in ARAB_LEAGUE]


def _names(code: str) -> dict[str, str]:
    own = OWN_NAMES.get(code)
    return own or {lang: Locale(lang).territories[code.upper()] for lang in LANGUAGES}


def _workdays(code: str) -> tuple[str, ...]:
    locale = Locale("ar", code.upper())
    first, last = locale.weekend_start, locale.weekend_end
    weekend = {(first + step) % 7 for step in range((last - first) % 7 + 1)}
    return tuple(day for number, day in enumerate(DAYS) if number not in weekend)


@cache
def _zones() -> dict[str, str]:
    """The first zone of each country in IANA's ``zone.tab``."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    zones: dict[str, str] = {}
    for row in rows:
        zones.setdefault(row[0], row[2])
    return zones
