"""The (state, event) tables, each pair of them; and message ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.lifecycle import ACKNOWLEDGEMENT, TABLES, Table, advance, events, states
from poc.core.uuid7 import uuid7, uuid7_time
from poc.errors import RefusedError

FINAL = {
    "message": {"accepted", "rejected", "expired", "outbox"},
    "acknowledgement": {
        "awaited", "retrieved", "acknowledged", "declined", "expired", "acknowledged-late", "declined-late",
    },
}  # fmt: skip
NOW = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_pair_that_is_not_in_a_table_is_refused(name: str) -> None:
    table: Table = TABLES[name]
    refused = 0
    for state, event in product(states(table) | {"unheard-of"}, events(table) | {"unheard-of"}):
        if (state, event) in table:
            assert advance(table, state, event) == table[state, event]
            continue
        refused += 1
        with pytest.raises(RefusedError, match="not-in-this-state"):
            advance(table, state, event)
    assert refused > len(table)


@pytest.mark.parametrize("name", sorted(FINAL))
def test_a_table_has_exactly_the_states_its_form_names(name: str) -> None:
    assert states(TABLES[name]) == FINAL[name]


@pytest.mark.parametrize(
    ("history", "end"),
    [
        (("retrieved", "acknowledged", "retrieved"), "acknowledged"),
        (("expired", "acknowledged"), "acknowledged-late"),
        (("retrieved", "expired", "declined"), "declined-late"),
        (("declined", "retrieved"), "declined"),
    ],
)
def test_the_first_of_recorded_and_expired_is_final(history: tuple[str, ...], end: str) -> None:
    state = "awaited"
    for event in history:
        state = advance(ACKNOWLEDGEMENT, state, event)
    assert state == end


@pytest.mark.parametrize(("state", "event"), [("acknowledged", "expired"), ("declined", "acknowledged")])
def test_what_a_contact_said_is_not_taken_back(state: str, event: str) -> None:
    with pytest.raises(RefusedError, match="not-in-this-state"):
        advance(ACKNOWLEDGEMENT, state, event)


@given(st.binary(min_size=10, max_size=10), st.integers(0, 10**9))
def test_an_id_is_a_version_7_uuid_of_its_time(random10: bytes, seconds: int) -> None:
    at = NOW + timedelta(seconds=seconds)
    made = UUID(uuid7(at, random10))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert uuid7_time(str(made)) == at


def test_ids_differ_in_each_of_74_random_bits() -> None:
    made = {uuid7(NOW, (1 << bit).to_bytes(10, "big")) for bit in range(80)}
    assert len(made) == 75  # six bits are not used, and make the id of no bit at all


def test_other_than_ten_random_bytes_are_refused() -> None:
    with pytest.raises(RefusedError, match="bad-form"):
        uuid7(NOW, bytes(9))
