from __future__ import annotations

import pytest

from poc.errors import RefusedError
from poc.store.versions import check_sqlite_version, has_wal_reset_bug, parse_version


@pytest.mark.parametrize(
    ("version", "has_it"),
    [
        ("3.6.23", False),
        ("3.7.0", True),
        ("3.37.0", True),
        ("3.40.1", True),
        ("3.43.2", True),
        ("3.44.0", True),
        ("3.44.5", True),
        ("3.44.6", False),
        ("3.44.7", False),
        ("3.45.0", True),
        ("3.49.2", True),
        ("3.50.0", True),
        ("3.50.6", True),
        ("3.50.7", False),
        ("3.50.10", False),
        ("3.51.0", True),
        ("3.51.2", True),
        ("3.51.3", False),
        ("3.52.0", False),
        ("4.0.0", False),
    ],
)
def test_versions_with_the_wal_reset_bug_are_known(version, has_it):
    assert has_wal_reset_bug(parse_version(version)) is has_it


@pytest.mark.parametrize("version", ["3.37.0", "3.40.1", "3.44.5", "3.50.6", "3.51.2"])
def test_a_version_with_the_bug_runs_with_a_notice_that_names_it(version):
    assert f"SQLite {version} " in str(check_sqlite_version(version))


@pytest.mark.parametrize("version", ["3.44.6", "3.50.7", "3.51.3", "3.53.0", "3.52"])
def test_a_mended_version_runs_without_a_word(version):
    assert check_sqlite_version(version) is None


@pytest.mark.parametrize(
    "version", ["3.36.0", "3.6.23", "2.8.17", "", "3", "x.y.z", "3.-1.0", "3.٤٠.1", "3.40.1.2.3"]
)
def test_a_version_too_old_or_unreadable_is_refused(version):
    with pytest.raises(RefusedError) as caught:
        check_sqlite_version(version)
    assert caught.value.code == "sqlite-too-old"
