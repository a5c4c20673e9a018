"""Strict JSON, its canonical form, and the small encodings."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.strictjson import (
    JsonValue,
    b64u,
    canonical,
    domain_hash,
    format_time,
    parse,
    parse_time,
    unb64u,
)
from poc.errors import RefusedError
from tests.foreign import foreign_file
from tests.vectors import make_primitives

VECTORS = Path(__file__).parents[1] / "vectors"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def cases(name: str) -> list[Any]:
    read = json.loads((VECTORS / name).read_bytes())["cases"]
    return [pytest.param(case, id=case["name"]) for case in read]


def given_bytes(case: dict[str, Any]) -> bytes:
    return bytes.fromhex(case["hex"]) if "hex" in case else str(case["text"]).encode()


def test_the_vector_files_are_what_their_script_writes():
    for path, text in make_primitives.build().items():
        assert (VECTORS / path).read_text(encoding="utf-8") == text, path


@pytest.mark.parametrize("case", cases("strictjson/parse.json"))
def test_json_vectors_are_read_or_refused_at_their_place(case):
    if case["expect"] == "ok":
        assert canonical(parse(given_bytes(case))).decode() == case["canonical"]
        return
    with pytest.raises(RefusedError) as refused:
        parse(given_bytes(case))
    assert refused.value.code == case["expect"]
    assert refused.value.detail.startswith(f"line {case['line']} column {case['column']}: ")


def test_a_text_is_read_like_its_bytes():
    assert parse('{"a": "é"}') == parse('{"a": "é"}'.encode()) == {"a": "é"}


def test_half_a_pair_in_a_text_is_refused():
    with pytest.raises(RefusedError, match="line 1 column 3: half a surrogate pair") as refused:
        parse('"a\ud800"')
    assert refused.value.code == "bad-json"


def test_a_byte_order_mark_in_a_text_is_refused():
    with pytest.raises(RefusedError, match="byte order mark"):
        parse("\ufeff1")


def test_beyond_the_searched_part_the_error_says_from_where():
    with pytest.raises(RefusedError, match="line 1 column 20001: from here on: NaN is not JSON"):
        parse("[" + "1," * 30_000 + "NaN]")


def test_an_error_repeats_nothing_of_a_string():
    with pytest.raises(RefusedError) as refused:
        parse('{"geheim": 1, "geheim": 1}')
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        '"' + '\\"' * 500_000,
        "[" * 1_000_000,
        "[]" * 500_000,
        "[" * 32 + "[]" * 480_000,
        '"' * 1_000_000,
        "\\" * 1_000_000,
        '{"a":' * 200_000,
        "[{" * 250_000 + "}]" * 250_000,
        "9" * 1_000_000,
        '["\\u0061",' + '"\\u0061",' * 100_000 + '"\\ud800"]',
    ],
    ids=lambda text: text[:8],
)
def test_a_hostile_mebibyte_is_refused_quickly(text):
    began = time.process_time()
    with pytest.raises(RefusedError):
        parse(text)
    assert time.process_time() - began < 2


@given(JSON)
def test_what_is_written_canonically_reads_back(value):
    text = canonical(value)
    assert parse(text) == value
    assert canonical(parse(text)) == text


@given(st.binary(max_size=40) | st.text('{}[]",:\\u0a1e.- \n', max_size=40))
def test_nothing_but_a_refusal_comes_out_of_reading(data):
    try:
        value = parse(data)
    except RefusedError as refused:
        assert refused.code == "bad-json"  # noqa: PT017 (either outcome is right)
    else:
        canonical(value)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53, "\ud800", {"\ud800": 1}, {1: 2}, b"bytes", {"a": {1}}],
    ids=repr,
)
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(RefusedError) as refused:
        canonical(value)
    assert refused.value.code == "bad-json"


def test_foreign_jcs_vectors_are_written_as_their_authors_do():
    names = sorted(path.name for path in foreign_file("jcs", "input").iterdir())
    assert len(names) == 6
    for name in names:
        value: JsonValue = parse(foreign_file("jcs", "input", name).read_bytes())
        assert canonical(value) == foreign_file("jcs", "output", name).read_bytes(), name
        hexadecimal = foreign_file("jcs", "outhex", name.replace(".json", ".txt")).read_text()
        assert canonical(value) == bytes.fromhex(hexadecimal), name


@pytest.mark.parametrize("case", cases("strictjson/encodings.json"))
def test_encoding_vectors_are_read_or_refused(case):
    def read() -> None:
        if "base64url" in case:
            assert unb64u(case["base64url"], case["size"]).hex() == case["hex"]
            assert b64u(bytes.fromhex(case["hex"])) == case["base64url"]
        elif "time" in case:
            assert parse_time(case["time"]).timestamp() == case["unix_seconds"]
            assert format_time(parse_time(case["time"])) == case["time"]
        else:
            parts = [bytes.fromhex(part) for part in case["parts"]]
            assert domain_hash(case["domain"], *parts).hex() == case["sha256"]

    if case["expect"] == "ok":
        read()
        return
    with pytest.raises(RefusedError) as refused:
        read()
    assert refused.value.code == case["expect"]


@given(st.binary(max_size=100))
def test_base64_reads_back(data):
    assert unb64u(b64u(data), len(data)) == data


@given(st.text(max_size=12))
def test_base64_has_one_spelling(text):
    try:
        data = unb64u(text)
    except RefusedError as refused:
        assert refused.code == "bad-base64"  # noqa: PT017 (either outcome is right)
    else:
        assert b64u(data) == text


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_read_back(at):
    at = at.replace(microsecond=0)
    assert parse_time(format_time(at)) == at
    assert parse_time(format_time(at)).tzinfo is UTC


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 1, 1),  # noqa: DTZ001 (a time of no zone is the case)
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=3))),
        datetime(2026, 1, 1, microsecond=1, tzinfo=UTC),
    ],
    ids=["of no zone", "of another zone", "with a fraction"],
)
def test_only_whole_seconds_of_utc_are_written(at):
    with pytest.raises(RefusedError) as refused:
        format_time(at)
    assert refused.value.code == "bad-time"


def test_a_domain_separates_hashes():
    assert domain_hash("poc/1 a", b"x") != domain_hash("poc/1 b", b"x") != domain_hash("poc/1 ", b"bx")


@pytest.mark.parametrize(
    "text",
    ["[" + "[]," * 40, "[" + "[]," * 40 + "nope", "[" + "[]," * 40 + "]", "[]" * 40, "[[]", "[]]", "]["],
)
def test_brackets_that_do_not_close_are_refused_however_many_there_are(text):
    with pytest.raises(RefusedError) as refused:
        parse(text)
    assert refused.value.code == "bad-json"
