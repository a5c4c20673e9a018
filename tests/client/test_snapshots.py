"""What is said beside a verified snapshot: its age by its maker's clock and by the witnesses' time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from poc.client.snapshots import snapshot_warnings
from poc.client.standing import NO_WITNESSES
from poc.core.snapshot import verify_snapshot
from tests import snapshot_world as world
from tests.registry import Registry


@pytest.fixture(scope="module")
def witnessed():
    made = Registry(quorum="majority")
    made.enrol("eg", "jo", "sd")
    made.seat("eg", "jo", "sd")
    return made


def told(made, *, made_after, read_after, **changes):
    """The warnings about a snapshot made and read so many hours after the log's newest entry."""
    made_at = made.now + timedelta(hours=made_after)
    given = {"openings": [], "sealing_keys": [], **changes}
    data = world.snapshot(made, made_at=made_at, note=made.cosigned(*made.seated), **given)
    snapshot = verify_snapshot(data, made.directory.fingerprint)
    return snapshot_warnings(snapshot, made.now + timedelta(hours=read_after))


def test_a_fresh_one_of_a_registry_with_witnesses_needs_no_word(witnessed):
    assert told(witnessed, made_after=1, read_after=24) == []


@pytest.mark.parametrize(
    ("made_after", "read_after", "words"),
    [
        (0, 25, "made 25 hours ago"),
        (2, 1, "ahead of this computer's"),
        (25, 26, "last cosigned it 25 hours before it was made"),
    ],
)
def test_each_kind_of_age_is_told(witnessed, made_after, read_after, words):
    (line,) = told(witnessed, made_after=made_after, read_after=read_after)
    assert words in line


def test_no_witnesses_and_no_cards_are_told():
    made = Registry()
    lines = told(made, made_after=0, read_after=1, openings=None)
    assert lines[0] == NO_WITNESSES
    assert "made without cards" in lines[1]
