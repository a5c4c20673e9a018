"""The sheet of a message: the same content as text and as PDF, its code large, its banner first and last."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from poc.report.message_sheet import BANNERS, MessageSheet, Row, SheetText, message_page, sheet_lines
from tests.pdf_ink import pages

CODE = "0f1b3c4d"
SHEET = MessageSheet(
    number=7, contact="jo.technical", status="actual", state="cleared", code=CODE,
    made_at=datetime(2026, 11, 24, 8, tzinfo=UTC),
    rows=[Row("Subject / الموضوع", "Loss of a link"), Row("TLP", "TLP:AMBER", code=True)],
    texts=[
        SheetText("ar", "original", "سطر أول\nسطر ثان"),
        SheetText("en", "courtesy", "First line\n\nThird line"),
    ],
    fields={"sector": "energy\nwater"}, attachments=["note.txt (text/plain, 3 bytes)"],
    sentences={"en": "It attributes nothing.", "ar": "لا تنسب شيئاً."},
    hands=("07, device 1", None, None),
)  # fmt: skip


def codes_in(text):
    """Whatever stands in a text as a text code does."""
    return set(re.findall(r"\b[0-9a-f]{4} [0-9a-f]{4}\b", text))


def text_of_pdf(data):
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


def test_the_code_read_back_from_the_pdf_is_that_of_the_text_and_of_the_sheet():
    shown = {f"{CODE[:4]} {CODE[4:]}"}
    assert codes_in(text_of_pdf(message_page(SHEET))) == codes_in("\n".join(sheet_lines(SHEET))) == shown


@pytest.mark.parametrize("status", BANNERS)
def test_the_banner_stands_first_and_last(status):
    sheet = replace(SHEET, status=status)
    lines = list(sheet_lines(sheet))
    assert lines[0] == lines[-1] == " / ".join(BANNERS[status])
    drawn = [line for page in pages(message_page(sheet)) for line in page[:-1]]
    assert drawn[0] == drawn[-1]
    assert BANNERS[status][0] in drawn[0]


def test_a_sheet_over_several_pages_has_its_code_on_each_and_its_banner_at_both_ends():
    sheet = replace(SHEET, texts=[SheetText("en", "original", "\n".join(f"line {n}" for n in range(120)))])
    drawn = pages(message_page(sheet))
    assert len(drawn) > 2
    assert all(f"{CODE[:4]} {CODE[4:]}" in page[-1] for page in drawn)
    assert BANNERS["actual"][0] in drawn[0][0]
    assert BANNERS["actual"][0] in drawn[-1][-2]


def test_what_is_on_the_text_is_on_the_pdf_too():
    found = text_of_pdf(message_page(SHEET))
    for line in (
        "Loss of a link",
        "TLP:AMBER",
        "First line",
        "energy",
        "note.txt",
        "07, device 1",
        "Released by",
    ):
        assert line in found
        assert line in "\n".join(sheet_lines(SHEET))


def test_lines_to_sign_are_blank_where_nobody_did_and_a_screen_has_no_number():
    lines = list(sheet_lines(replace(SHEET, number=None)))
    assert sum("____" in line for line in lines) == 2
    assert lines[2].startswith("jo.technical")
    assert list(sheet_lines(SHEET))[2].startswith("7 · ")


def test_the_same_sheet_is_the_same_bytes():
    assert message_page(SHEET) == message_page(SHEET)
    assert message_page(SHEET) != message_page(replace(SHEET, number=8))
