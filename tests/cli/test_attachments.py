"""Saving attachments: whatever name a sender chose, the file is a plain new one in the folder named."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.cli.attachments import NAME_BYTES_MAX, ToSave, safe_name, save_attachments
from poc.core.strictjson import b64u
from poc.errors import PocError

HOSTILE = (
    "../../etc/passwd", "/etc/passwd", "..", ".", ".bashrc", "CON", "nul.txt", "a\\b", "a:b", "a\x00b",
    "-rf", "\x1b[2Jx", "a\u202etxt.exe", "a\nb", "a" * 300, "ا" * 300, "x." + "y" * 300, "  ", "~", "$(id)",
    "`id`", "*", "a\u2028b", "a\ud800b",
)  # fmt: skip


def named(*attachments: tuple[str, bytes]) -> list[ToSave]:
    return [
        ToSave(number, name, b64u(hashlib.sha256(data).digest()), lambda data=data: data)  # type: ignore[misc]
        for number, (name, data) in enumerate(attachments, start=1)
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_becomes_a_plain_one(tmp_path, name):
    (path,) = save_attachments(tmp_path / "out", named((name, b"data")))
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == [Path(path).name]
    assert Path(path).stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


@given(st.text(), st.integers(1, 20))
def test_any_name_becomes_one_short_safe_one(name, number):
    made = safe_name(number, name)
    assert made.startswith(f"{number:02d}-")
    assert len(made.encode()) <= NAME_BYTES_MAX + 3
    assert all(c.isalnum() or c in "._+-" for c in made)
    assert ".." not in made


def test_two_of_one_name_are_kept_apart(tmp_path):
    paths = save_attachments(tmp_path, named(("a.txt", b"1"), ("a.txt", b"2")))
    assert [Path(path).name for path in paths] == ["01-a.txt", "02-a.txt"]


@pytest.mark.parametrize("make", ["file", "link", "dangling", "folder"])
def test_nothing_is_written_over_or_through_what_exists(tmp_path, make):
    there, elsewhere = tmp_path / "02-b.txt", tmp_path / "elsewhere"
    if make == "file":
        there.write_text("kept")
    elif make == "folder":
        there.mkdir()
    else:
        if make == "link":
            elsewhere.write_text("kept")
        there.symlink_to(elsewhere)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(PocError) as refused:
        save_attachments(tmp_path, named(("a.txt", b"1"), ("b.txt", b"2")))
    assert refused.value.code == "file-exists"
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert not elsewhere.exists() or elsewhere.read_text() == "kept"


def test_what_was_saved_before_is_left_and_the_rest_is_added(tmp_path):
    (first,) = save_attachments(tmp_path, named(("a.txt", b"1")))
    before = Path(first).stat()
    paths = save_attachments(tmp_path, named(("a.txt", b"1"), ("b.txt", b"2")))
    assert [Path(path).read_bytes() for path in paths] == [b"1", b"2"]
    assert Path(first).stat() == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(PocError) as refused:
        save_attachments(tmp_path / "file" / "under", named(("a", b"1")))
    assert refused.value.code in ("no-such-file", "file-exists")
