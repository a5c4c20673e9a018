"""Pages in two scripts: letters joined, lines ordered, ids and digits as they are, the same bytes always."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from poc.report.paper import Paper, in_two_lines, isolated
from tests.pdf_ink import glyphs_of, outlines_of, pages, rectangles_of

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)


def page_with(*steps):
    paper = Paper("A title", AT)
    for step in steps:
        step(paper)
    return paper.data()


def drawn(*steps):
    """The lines of the first page without its foot."""
    return pages(page_with(*steps))[0][:-1]


def test_arabic_letters_are_joined():
    words = ["الأردن", "مصر", "تمرين", "نقطة", "السودان"]
    ink = glyphs_of(page_with(*(lambda p, word=word: p.text(word, "ar") for word in words)))[0]
    for word in words:
        joined, alone = outlines_of(word), outlines_of(word, joined=False)
        assert [glyph.outline for glyph in ink[: len(joined)]] == joined
        assert joined != alone
        del ink[: len(joined)]


def test_an_arabic_line_runs_from_right_to_left():
    assert drawn(lambda p: p.text("مصر قطر", "ar")) == ["رطق رصم"]
    first, second = glyphs_of(page_with(lambda p: p.text("مصر", "ar"), lambda p: p.text("A", "en")))[0][:4:3]
    assert first.x > 500 > second.x


def test_latin_inside_arabic_and_arabic_inside_latin_keep_their_own_direction():
    assert drawn(lambda p: p.text("مصر Egypt قطر", "ar")) == ["رطق Egypt رصم"]
    assert drawn(lambda p: p.text("Egypt مصر and", "en")) == ["Egypt رصم and"]


CODES = [
    "+999 5550101",
    "jo.technical",
    "x-las.registrar-1",
    "desk@jo.technical.example",
    "08:00-16:00",
    "2026-11-24T08:00:00Z",
    "example.org/arab-cbm",
    "(0) 1-2/3",
    "c19f 34ff cdae 7f48",
    "a, b. 1!",
]


def check_never_reordered(codes):
    inside = [lambda p, code=code: p.text(f"اطلب {isolated(code)} ثم", "ar") for code in codes]
    rows = [lambda p, code=code: p.row("الرقم", code, "ar", code=True) for code in codes]
    lines = drawn(*inside, *rows)
    for code, sentence, row in zip(codes, lines[: len(codes)], lines[len(codes) :], strict=True):
        assert sentence == f"مث {code} بلطا"
        assert row == f"{code}مقرلا"


def test_a_code_is_never_reordered():
    check_never_reordered(CODES)


ANY_CODE = st.text("0123456789+-./:()abcxyz@ ", min_size=1, max_size=20).map(lambda t: " ".join(t.split()))


@settings(max_examples=4, deadline=None)
@given(st.lists(ANY_CODE.filter(bool), min_size=8, max_size=16))
def test_no_code_of_any_digits_and_signs_is_reordered(codes):
    check_never_reordered(codes)


def test_signs_of_a_code_stay_apart():
    ink = glyphs_of(page_with(lambda p: p.groups(["ffff"], columns=1)))[0][:4]
    assert [glyph.text for glyph in ink] == ["f"] * 4


def test_letters_with_marks_of_transliteration_are_in_the_font():
    line = "ʿAmmān, aṭ-Ṭāʾif, Ḥalab, Région"
    assert drawn(lambda p: p.text(line)) == [line]


def test_a_page_says_where_its_font_lacks_a_sign():
    complete = drawn(lambda p: p.row("Name", "État مصر"))
    lacking = drawn(lambda p: p.row("Name", "Египет"))
    assert not any("empty boxes" in line for line in complete)
    assert any("empty boxes" in line for line in lacking)


def test_a_long_arabic_paragraph_breaks_into_lines_in_reading_order():
    words = [f"كلمة{number}" for number in range(60)]
    lines = drawn(lambda p: p.text(" ".join(words), "ar"))
    assert len(lines) > 2
    read = [word for line in lines for word in reversed(line.split(" ")) if word]
    assert [int("".join(filter(str.isdigit, word))) for word in read] == list(range(60))


def test_a_fingerprint_stands_in_two_lines_of_eight_groups():
    assert in_two_lines("0123456789abcdef" * 4) == "\n".join(["0123 4567 89ab cdef 0123 4567 89ab cdef"] * 2)


def test_a_qr_code_has_the_modules_of_its_value():
    data = page_with(lambda p: p.qr(("HELLO 1", "caption")))
    dark = sum(map(sum, segno.make("HELLO 1", error="m", micro=False).matrix))
    assert len(rectangles_of(data)[0]) == dark


@pytest.mark.long
def test_a_row_never_breaks_over_two_pages():
    def row_of(number):
        value = f"first {number} {'word ' * (40 + 3 * number)}final"
        return lambda p: p.row(f"label {number}", value)

    found = pages(page_with(*map(row_of, range(40))))
    texts = ["\n".join(page) for page in found]
    assert len(texts) > 1
    assert sum(text.count("final") for text in texts) == 40
    for text in texts:
        assert text.count("label") == text.count("first") == text.count("final")


SCRIPT = """
import sys; sys.path.insert(0, ".")
from tests.report.test_paper import *
print(hashlib.sha256(page_with(*STEPS)).hexdigest())
"""
STEPS = (lambda p: p.heading("بطاقة", "ar"), lambda p: p.text("Egypt مصر"), lambda p: p.qr(("A", "b")))


def test_the_same_page_is_the_same_bytes_in_every_process():
    command = [sys.executable, "-c", SCRIPT]
    environment = {"PYTHONHASHSEED": "1"}
    other = subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout
    assert other.strip() == hashlib.sha256(page_with(*STEPS)).hexdigest()
