"""vCard and jCard: whatever a value holds, a reader by the RFC gets it back and no line more."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.client.vcard import Property, fold, jcard, jcards, vcard

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=200)
HOSTILE = [
    "plain", "a,b;c\\d", "line\nbreak", "\\n", "ends with \\", ";;;", ",", "\nEND:VCARD\nBEGIN:VCARD",
    "المكتب، المناوبة", "É" * 80, "\U0001f4de" * 40, '"quoted"', "^n", "colon: semi;", " on both sides ",
]  # fmt: skip


def unfolded(data):
    """The content lines of a vCard, as RFC 6350 3.2 says to read them."""
    assert data.endswith(b"\r\n")
    lines = data.replace(b"\r\n ", b"").decode().split("\r\n")
    assert lines.pop() == ""
    return lines


def unescaped(text):
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], text)


def line_of(shown):
    first, second, line, last = unfolded(vcard([shown]))
    assert (first, second, last) == ("BEGIN:VCARD", "VERSION:4.0", "END:VCARD")
    return line


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_is_one_line_and_comes_back_as_it_was(text):
    line = line_of(Property("note", text))
    assert line.startswith("NOTE:")
    assert unescaped(line.removeprefix("NOTE:")) == text


@given(TEXTS)
def test_any_text_is_one_line_and_comes_back(text):
    assert unescaped(line_of(Property("fn", text)).removeprefix("FN:")) == text


@given(TEXTS)
def test_no_physical_line_is_over_75_bytes_or_splits_a_character(text):
    data = vcard([Property("note", text)])
    for row in data.split(b"\r\n"):
        assert len(row) <= 75
        row.decode()
        assert not set(row) & set(range(0x20))


@pytest.mark.parametrize("length", [73, 74, 75, 76, 149, 150, 300])
@pytest.mark.parametrize("sign", ["a", "é", "م", "\U0001f4de"])
def test_folding_at_every_boundary_gives_the_line_back(length, sign):
    line = sign * length
    assert fold(line).replace(b"\r\n ", b"") == line.encode() + b"\r\n"


def test_a_structured_value_keeps_its_components_apart():
    line = line_of(Property("org", ("State; of \\ it", "Desk, one")))
    assert line == r"ORG:State\; of \\ it;Desk\, one"


@pytest.mark.parametrize("text", ["a\rb", "a\0b", "a\x1b[2Jb", "a\x7fb", "a\tb"])
def test_control_characters_reach_no_file(text):
    for shown in (
        Property("note", text),
        Property("url", text, type="uri"),
        Property("note", "x", {"label": text}),
    ):
        assert not set(line_of(shown)) & {chr(n) for n in (*range(0x20), 0x7F)}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("https://cert.example/a,b;c?d=e#f", "https://cert.example/a,b;c?d=e#f"),
        ("https://cert.example/a b", "https://cert.example/a%20b"),
        ('https://cert.example/"x"', "https://cert.example/%22x%22"),
        ("https://cert.example\r\nNOTE:x", "https://cert.example%0D%0ANOTE:x"),
        ("https://مثال.example", "https://%D9%85%D8%AB%D8%A7%D9%84.example"),
        ("data:application/pgp-keys;base64,AA+/==", "data:application/pgp-keys;base64,AA+/=="),
    ],
)
def test_a_uri_is_never_escaped_and_never_more_than_one(value, written):
    assert line_of(Property("url", value, type="uri")) == f"URL:{written}"
    assert jcard([Property("url", value, type="uri")])[1][1][3] == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("en", "en"),
        ("a,b", '"a,b"'),
        ("a;b:c", '"a;b:c"'),
        ('a"b', "a^'b"),
        ("a^b", "a^^b"),
        ("a\nb", "a^nb"),
    ],
)
def test_a_parameter_is_quoted_or_careted_as_it_must(value, written):
    assert line_of(Property("note", "x", {"label": value})) == f"NOTE;LABEL={written}:x"


def test_groups_params_and_times_are_written_in_each_form():
    shown = Property("tel", "+999", {"type": "cell", "pref": "1"}, group="channel1")
    assert line_of(shown) == "channel1.TEL;TYPE=cell;PREF=1:+999"
    at = Property("rev", "2026-11-24T08:00:00Z", type="timestamp")
    assert line_of(at) == "REV:20261124T080000Z"
    assert jcard([shown, at]) == [
        "vcard",
        [
            ["version", {}, "text", "4.0"],
            ["tel", {"type": "cell", "pref": "1", "group": "channel1"}, "text", "+999"],
            ["rev", {}, "timestamp", "2026-11-24T08:00:00Z"],
        ],
    ]


@given(TEXTS)
def test_a_jcard_is_json_with_the_text_as_it_is(text):
    read = json.loads(jcards([[Property("org", (text, "b"))], [Property("fn", text)]]))
    assert [card[1][1][3] for card in read] == [[text, "b"], text]
