"""How much of a State's hour a message may use: what may be said aloud waits for what must be.

A registry's policy says how many messages a State may send in an hour. Each message counts the same, but
the less it matters if it waits, the earlier it is asked to: exercise and test messages stop at a half, so
that no exercise, however large, uses the hour of what is actual. Not here: counting, which is the store's,
and rates by the second, which are the hub's.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from poc.core.form import Status
from poc.core.message import Precedence
from poc.core.strictjson import parse, unb64u
from poc.errors import PocError
from poc.limits import (
    QUOTA_ACTUAL_PERCENT,
    QUOTA_BYTES_MAX,
    QUOTA_BYTES_PRACTICE_PERCENT,
    QUOTA_PRACTICE_FLASH_PERCENT,
    QUOTA_PRACTICE_PERCENT,
)

_PROTECTED: Final = re.compile(rb'"protected":"([A-Za-z0-9_-]{1,16384})"')
Lane = Literal["practice", "practice-flash"]


def lane_of(status: Status, precedence: Precedence) -> Lane | None:
    """In which lane a message waits its turn; None: it is actual and waits for nothing.

    Flash has a lane of its own, so that the rest of an exercise does not hold it up either.
    """
    if status == "actual":
        return None
    return "practice-flash" if precedence == "flash" else "practice"


def claimed_lane(body: bytes) -> Lane | None:
    """The lane an envelope says it is in, without reading the whole; practice where it says nothing clear."""
    found = _PROTECTED.search(body)
    if found is None:
        return "practice"
    try:
        header: Any = parse(unb64u(found[1].decode()))
        return lane_of(header["status"], header["precedence"])
    except (PocError, KeyError, TypeError):
        return "practice"


def messages_max(status: Status, precedence: Precedence, per_hour: int, *, controller: bool = False) -> int:
    """Below how many messages of its State in the last hour such a message is still taken; at least 1.

    A controller sends nothing actual, so nothing is kept from it.
    """
    if controller:
        return per_hour
    flash = precedence == "flash"
    if status == "actual":
        percent = 100 if flash else QUOTA_ACTUAL_PERCENT
    else:
        percent = QUOTA_PRACTICE_FLASH_PERCENT if flash else QUOTA_PRACTICE_PERCENT
    return max(1, per_hour * percent // 100)


def bytes_max(status: Status) -> int:
    """Up to how many bytes of envelopes held for its State such a message is still taken."""
    percent = 100 if status == "actual" else QUOTA_BYTES_PRACTICE_PERCENT
    return QUOTA_BYTES_MAX * percent // 100
