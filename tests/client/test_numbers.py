"""Telephone numbers as people write them. The ranges are those set apart for fiction where there are any."""

from __future__ import annotations

import pytest

from poc.client.numbers import read_number
from poc.errors import RefusedError


@pytest.mark.parametrize(
    ("text", "state", "e164", "extension"),
    [
        ("+44 20 7946 0123", "jo", "+442079460123", None),
        ("020 7946 0123", "gb", "+442079460123", None),
        ("٠٢٠ ٧٩٤٦ ٠١٢٣", "gb", "+442079460123", None),
        ("+٤٤ ٢٠ ٧٩٤٦ ٠١٢٣ ext. ٥٥", "jo", "+442079460123", "55"),
        ("(020) 7946-0123 x12", "gb", "+442079460123", "12"),
        ("+442079460123;ext=7", "jo", "+442079460123", "7"),
        ("1-202-555-CYBE", "us", "+12025552923", None),
        ("tel:+1-202-555-0143", "jo", "+12025550143", None),
        ("+881 6 1234 5678", "x-las", "+881612345678", None),
    ],
)
def test_a_number_becomes_what_can_be_dialled_from_anywhere(text, state, e164, extension):
    number = read_number(text, state)
    assert (number.e164, number.extension) == (e164, extension)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("", "jo"),
        ("+", "jo"),
        ("call the desk", "gb"),
        ("desk@cert.example", "gb"),
        ("N/A", "br"),
        ("12", "jo"),
        ("020 7946 0123", "x-las"),
        ("020 7946 0123", "zz"),
        ("+999 5550101", "jo"),
        ("+44 20 7946 0123 4567 89", "gb"),
        ("+44 20 7946 0123 or 0124", "gb"),
        ("+44 20 7946 0123, +44 20 7946 0124", "gb"),
        ("9" * 400, "jo"),
    ],
)
def test_what_nobody_can_dial_is_refused_without_naming_it(text, state):
    with pytest.raises(RefusedError) as refused:
        read_number(text, state)
    assert refused.value.code == "bad-number"
    assert not text or text not in refused.value.message


def test_a_number_outside_the_plan_known_here_is_told_and_not_refused():
    assert read_number("+1 202 555 0143", "us").in_plan
    assert not read_number("+1 999 555 0143", "us").in_plan
