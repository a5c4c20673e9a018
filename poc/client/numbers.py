"""Telephone numbers as people write them, made into the one form that can be dialled from anywhere (E.164).

National formats need the State as region. Digits of every script pass; letters of a vanity number become
digits; an extension stands apart. Whether anybody answers there is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from poc.core.text import ascii_digits
from poc.errors import RefusedError

_WHY = {
    NumberParseException.INVALID_COUNTRY_CODE: "no country code, or none there is",
    NumberParseException.NOT_A_NUMBER: "not a telephone number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "nothing after the prefix for abroad",
    NumberParseException.TOO_SHORT_NSN: "too short",
    NumberParseException.TOO_LONG: "too long",
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number to dial, and what to ask for or dial after it."""

    e164: str
    extension: str | None
    in_plan: bool


def read_number(text: str, state: str) -> Number:
    """Read a number; one without a country code is taken as dialled inside the State.

    ``in_plan`` is false where the length fits and no such range is known to the numbering plan: ranges are
    opened all the time, so that is told and does not refuse. Raises ``bad-number``, never naming the number.
    """
    if "@" in text:
        raise RefusedError("bad-number", "an e-mail address")
    region = state.upper() if len(state) == 2 else None
    try:
        parsed = phonenumbers.parse(ascii_digits(text), region)
    except NumberParseException as error:
        raise RefusedError("bad-number", _WHY[error.error_type]) from None
    if not phonenumbers.is_possible_number(parsed):
        raise RefusedError("bad-number", "too short or too long for its country")
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return Number(e164, parsed.extension or None, phonenumbers.is_valid_number(parsed))
