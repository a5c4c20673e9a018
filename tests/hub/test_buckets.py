from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.hub.buckets import Buckets, Rate


def test_a_burst_is_given_then_so_many_a_second():
    buckets = Buckets(Rate(3, 2))
    assert [buckets.take("a", 0) for _ in range(5)] == [0, 0, 0, 1, 1]
    assert [buckets.take("a", 0.5) for _ in range(2)] == [0, 1]
    assert [buckets.take("a", 100) for _ in range(4)] == [0, 0, 0, 1]


def test_who_is_refused_is_told_how_long_it_takes_and_pays_nothing():
    buckets = Buckets(Rate(1, 0.1))
    assert buckets.take("a", 0) == 0
    assert [buckets.take("a", now) for now in (0, 1, 9)] == [10, 9, 1]
    assert buckets.take("a", 10) == 0


def test_one_name_takes_nothing_from_another():
    buckets = Buckets(Rate(2, 1))
    for _ in range(50):
        buckets.take("a", 0)
    assert [buckets.take("b", 0), buckets.take("b", 0)] == [0, 0]


def test_looking_takes_nothing_and_giving_back_undoes():
    buckets = Buckets(Rate(1, 1))
    assert [buckets.wait("a", 0), buckets.wait("a", 0), len(buckets)] == [0, 0, 0]
    buckets.take("a", 0)
    assert buckets.wait("a", 0) == 1
    buckets.give_back("a", 0)
    assert buckets.wait("a", 0) == 0
    buckets.give_back("a", 0)
    assert [buckets.take("a", 0), buckets.take("a", 0)] == [0, 1]
    buckets.give_back("never seen", 0)
    assert len(buckets) == 1


def test_names_are_forgotten_once_full_again_and_never_more_than_so_many_are_held():
    buckets = Buckets(Rate(10, 1), names_max=100)
    for n in range(500):
        buckets.take(f"a{n}", 0)
    assert len(buckets) == 100
    for n in range(60):
        buckets.take("b", 20 + n)
    assert len(buckets) == 1


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5), st.sampled_from([0.5, 1, 3]))
def test_never_more_than_a_burst_and_its_rate_are_given(waits, burst, per_second):
    buckets, now, given_at = Buckets(Rate(burst, per_second)), 0.0, []
    for wait in waits:
        now += wait
        if buckets.take("a", now) == 0:
            given_at.append(now)
    for first in range(len(given_at)):
        for last in range(first, len(given_at)):
            most = burst + (given_at[last] - given_at[first]) * per_second
            assert last - first + 1 <= most + 1e-6


@pytest.mark.parametrize(("burst", "per_second", "seconds"), [(600, 20, 30), (200, 5, 40)])
def test_how_long_an_empty_bucket_takes(burst, per_second, seconds):
    assert Rate(burst, per_second).full_seconds == seconds
