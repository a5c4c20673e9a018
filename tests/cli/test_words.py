"""Words of the command line as values."""

from __future__ import annotations

import argparse
import io
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.cli import words
from poc.errors import PocError, RefusedError, UsageError

IDS = (
    "01a20e18-d470-7a1c-8110-fad725bbdc22",
    "01a20e18-d470-7a1c-8110-fad725bbff22",
    "01b20e18-d470-7a1c-8110-fad725bbaa99",
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("10m", 600),
        ("10 min", 600),
        ("3h", 10_800),
        ("2D", 172_800),
        ("١٠m", 600),
    ],
)
def test_a_duration_is_read_in_seconds(text, seconds):
    assert words.duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "0", "0h", "-5m", "+5m", "5 weeks", "5w", "1h30m", "1.5h", "m", "367d", "9" * 12, "10m\n\x1b[2J"],
)
def test_a_duration_that_is_none_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        words.duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T09:00Z",
        "2026-11-24 09:00:00z",
        "2026-11-24T12:00+03:00",
        "2026-11-24T12:00+0300",
        "2026-11-24T04:30-04:30",
        "٢٠٢٦-11-24T09:00Z",
    ],
)
def test_a_time_with_its_zone_is_read_as_utc(text):
    assert words.moment(text) == datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-24",
        "2026-11-24T09:00",
        "2026-11-24T25:00Z",
        "2026-02-30T09:00Z",
        "2026-11-24T09:00:61Z",
        "2026-11-24T09:00:00.5Z",
        "20261124T0900Z",
        "2026-W48-2T09:00Z",
        "0001-01-01T00:00+14:00",
        "9999-12-31T23:59-12:00",
        "2026-11-24T09:00+25:00",
        "2026-11-24T09:00Z\x1b[2J",
    ],
)
def test_a_time_without_zone_or_sense_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        words.moment(text)


@given(st.integers(0, 4 * 10**9), st.integers(-14, 14))
def test_a_moment_is_the_same_in_every_zone(seconds, offset):
    aware = datetime.fromtimestamp(seconds, UTC)
    shown = aware.astimezone(timezone(timedelta(hours=offset))).isoformat()
    assert words.moment(shown) == aware


@pytest.mark.parametrize("text", ["", "en", "en=", "=Notice", "English=Notice", "EN=Notice", "en Notice"])
def test_a_pair_needs_a_language_and_a_text(text):
    with pytest.raises(argparse.ArgumentTypeError):
        words.pair(text)


@pytest.mark.parametrize("text", ["", "sector", "sector=", "Sector=energy", "1a=b", "a b=c", f"{'a' * 41}=c"])
def test_a_field_needs_a_name_and_a_value(text):
    with pytest.raises((argparse.ArgumentTypeError, UsageError)):
        words.check_names([words.assigned(text)[0]])


def test_pairs_keep_what_stands_after_the_first_equals_sign():
    assert words.pair("ar-JO=a=b") == ("ar-JO", "a=b")
    assert words.assigned("url=a=b") == ("url", "a=b")


def test_a_name_given_twice_is_refused():
    with pytest.raises(RefusedError) as refused:
        words.pairs([("en", "a"), ("en", "b")], "title")
    assert refused.value.code == "bad-form"


@pytest.mark.parametrize(
    ("part", "found"),
    [(IDS[0], IDS[0]), ("01b2", IDS[2]), ("AA99", IDS[2]), ("…bbaa99", IDS[2]), ("dc22", IDS[0])],
)
def test_an_id_is_found_by_enough_of_it(part, found):
    assert words.find_id(part, IDS) == found


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("", "unknown-message"),
        ("99", "unknown-message"),
        ("1b20", "unknown-message"),
        ("d470", "unknown-message"),
        ("01a20e18", "ambiguous-id"),
        ("\x1b[2J", "unknown-message"),
    ],
)
def test_an_id_of_none_or_several_is_refused(part, code):
    with pytest.raises(RefusedError) as refused:
        words.find_id(part, IDS)
    assert refused.value.code == code


def test_no_id_fits_where_there_are_none():
    with pytest.raises(RefusedError) as refused:
        words.find_id("01a2", [])
    assert refused.value.code == "unknown-message"


def test_a_text_file_is_read_as_forms_hold_it(tmp_path):
    file = tmp_path / "text"
    file.write_bytes(b"\xef\xbb\xbfcafe\xcc\x81\r\nline two\n\n")
    assert words.read_text(file) == "caf\u00e9\nline two"


@pytest.mark.parametrize(
    ("content", "code"), [(b"\xff\xfe", "not-text"), (b"a" * (words.TEXT_FILE_BYTES_MAX + 1), "too-large")]
)
def test_a_file_that_is_no_text_is_refused(tmp_path, content, code):
    file = tmp_path / "text"
    file.write_bytes(content)
    with pytest.raises(PocError) as refused:
        words.read_text(file)
    assert refused.value.code == code


def test_a_folder_is_no_text(tmp_path):
    with pytest.raises(PocError) as refused:
        words.read_text(Path(tmp_path))
    assert refused.value.code == "no-such-file"


class Terminal(io.StringIO):
    """Standard input at which somebody sits."""

    def isatty(self):
        return True


@pytest.mark.parametrize("typed", ["", "\n", "yes\n", "JO.DUTY\n", "jo.duty x\n"])
def test_only_the_word_itself_confirms(monkeypatch, capsys, typed):
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    with pytest.raises(PocError) as refused:
        words.confirm("jo.duty", "it ends")
    assert (refused.value.code, refused.value.exit_code) == ("not-confirmed", 2)
    assert "it ends" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", Terminal(" jo.duty \n"))
    words.confirm("jo.duty", "it ends")
