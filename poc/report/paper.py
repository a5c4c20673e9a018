"""A PDF of plain pages in two scripts: Arabic joined and from right to left, ids and digits as they are.

Shaping is HarfBuzz's and the order of a line the bidirectional algorithm's, both by fpdf2, with one font
for both scripts. Ids, numbers and addresses stand in cells of their own or in isolates, so that no
neighbour turns them round. The same input gives the same bytes: the time comes in. What a page says is
``pages``'s and ``sheet``'s.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from importlib.resources import as_file, files
from typing import Any, Final, Literal

import segno
from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos

from poc.core.statement import format_fingerprint
from poc.core.strictjson import format_time

Language = Literal["ar", "en", "fr"]

FONT: Final = "Amiri"
_FOLDER: Final = files("fontpkg_amiri") / "files"
_FACES: Final = (("", "Amiri-Regular.ttf"), ("B", "Amiri-Bold.ttf"))
_MARGIN_MM: Final = 18
_LABEL_MM: Final = 42
_QR_MM: Final = 30
_MODULE_MM_MIN: Final = 0.4  # what a telephone's camera still tells apart on office paper
_QUIET_MM: Final = 2.5  # what stays white around a code
_NUMBER_MM: Final = 7
_LINE_MM: Final = 5.4
_SIZE_PT: Final = 10.5
_ISOLATE: Final = "\u2066{}\u2069"

_LACKING: Final = (
    "Signs that this page's font lacks stand as empty boxes; the file has them. "
    "العلامات التي لا يتضمنها خط هذه الصفحة تظهر مربعات فارغة، وهي في الملف."
)

# Both tell of fonts on standard error, where only our own lines belong.
logging.getLogger("fontTools").setLevel(logging.ERROR)
logging.getLogger("fpdf").setLevel(logging.ERROR)


def isolated(value: str) -> str:
    """A value inside a sentence of either direction, kept in one piece by Unicode isolates."""
    return _ISOLATE.format(value)


def in_two_lines(fingerprint: str) -> str:
    """A fingerprint of 64 hex digits as 16 groups of 4, eight on a line."""
    groups = format_fingerprint(fingerprint).split()
    return "\n".join((" ".join(groups[:8]), " ".join(groups[8:])))


class _Pages(FPDF):
    """Pages with the document's name, its time and their number at the foot."""

    foot = ""

    def footer(self) -> None:
        """Print the foot of one page."""
        self.set_y(-14)
        self.set_font(FONT, "", 8)
        self.set_text_shaping(use_shaping_engine=True, direction="ltr")
        self.cell(0, 5, f"{self.foot} · {self.page_no()}", align="C")


class Paper:
    """A document in the making; every method adds below what stands there already."""

    def __init__(self, title: str, made_at: datetime) -> None:
        """Begin the first page; ``title`` and time stand at the foot of each."""
        self._pdf = _Pages(format="A4")
        self._pdf.foot = f"{title} · {format_time(made_at)}"
        self._pdf.set_margin(_MARGIN_MM)
        self._pdf.set_auto_page_break(auto=True, margin=_MARGIN_MM)
        self._pdf.set_creation_date(made_at)
        self._pdf.set_title(title)
        for style, name in _FACES:
            with as_file(_FOLDER / name) as path:
                self._pdf.add_font(FONT, style, path)
        face: Any = self._pdf.fonts[FONT.lower()]
        self._known = {*face.cmap, ord("\n"), *map(ord, _ISOLATE)}
        self._lacks = False
        self._pdf.add_page()

    def page(self) -> None:
        """Begin a new page."""
        self._pdf.add_page()

    def heading(self, text: str, language: Language = "en") -> None:
        """A heading."""
        self._room(24)
        self._line(text, language, style="B", size=14, height=8)
        self._pdf.ln(0.5)

    def text(self, text: str, language: Language = "en", *, strong: bool = False) -> None:
        """A paragraph."""
        self._line(text, language, style="B" if strong else "", size=_SIZE_PT, height=_LINE_MM)
        self._pdf.ln(0.8)

    def large(self, code: str) -> None:
        """A short code in large signs, read across a desk."""
        self._room(14)
        self._shape("ltr", code=True)
        self._pdf.set_font(FONT, "B", 26)
        self._pdf.cell(0, 13, code, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def row(self, label: str, value: str, language: Language = "en", *, code: bool = False) -> None:
        """A label and its value; a ``code`` runs from left to right in every language."""
        pdf, width = self._pdf, self._pdf.epw - _LABEL_MM
        self._note_lacking(label + value)
        from_right = language == "ar"
        left = pdf.l_margin
        cells = (
            partial(self._cell, label, _LABEL_MM, left + (width if from_right else 0), language),
            partial(self._cell, value, width, left + (0 if from_right else _LABEL_MM), language, code=code),
        )
        self._room(max(cell(dry_run=True) for cell in cells))
        top = pdf.get_y()
        heights = []
        for cell in cells:
            pdf.set_y(top)
            heights.append(cell())
        pdf.set_y(top + max(heights))

    def _cell(
        self,
        text: str,
        width: float,
        x: float,
        language: Language,
        *,
        code: bool = False,
        dry_run: bool = False,
    ) -> float:
        """One side of a row; gives its height."""
        pdf = self._pdf
        self._shape("ltr" if code else _direction(language), code=code)
        pdf.set_font(FONT, "B" if width == _LABEL_MM else "", _SIZE_PT)
        pdf.set_x(x)
        height: Any = pdf.multi_cell(
            width,
            _LINE_MM,
            text,
            align="R" if language == "ar" else "L",
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
            dry_run=dry_run,
            output=MethodReturnValue.HEIGHT,
        )
        return float(height)

    def groups(self, groups: Sequence[str], *, columns: int, numbered: bool = False) -> None:
        """Groups of digits in a grid, from left to right; numbered where each may be asked for."""
        pdf = self._pdf
        self._shape("ltr", code=True)
        width = pdf.epw / columns
        for number, group in enumerate(groups, start=1):
            if (number - 1) % columns == 0:
                self._room(9)
            pdf.set_font(FONT, "", 8)
            pdf.cell(_NUMBER_MM, 8, str(number) if numbered else "", align="R")
            pdf.set_font(FONT, "B", 14)
            pdf.cell(width - _NUMBER_MM, 8, group, align="C")
            if number % columns == 0 or number == len(groups):
                pdf.ln(8)
        pdf.ln(2)

    def qr(self, *codes: tuple[str, str]) -> None:
        """QR codes of medium error correction side by side, each of a value and with a caption below it."""
        pdf = self._pdf
        drawn = [segno.make(value, error="m", micro=False) for value, _ in codes]
        side = max(_QR_MM, *(_MODULE_MM_MIN * len(code.matrix) for code in drawn))
        self._room(side + 12)
        top = pdf.get_y() + _QUIET_MM
        for place, (code, (_, caption)) in enumerate(zip(drawn, codes, strict=True)):
            left = pdf.l_margin + place * (side + 3 * _QUIET_MM + 20)
            self._draw([list(row) for row in code.matrix], left, top, side)
            self._shape("ltr")
            pdf.set_font(FONT, "", 9)
            pdf.set_xy(left, top + side + _QUIET_MM)
            pdf.cell(side, 5, caption)
        pdf.set_xy(pdf.l_margin, top + side + _QUIET_MM + 6)

    def _draw(self, rows: list[list[int]], left: float, top: float, side: float) -> None:
        module = side / len(rows)
        for y, row in enumerate(rows):
            for x, dark in enumerate(row):
                if dark:
                    self._pdf.rect(left + x * module, top + y * module, module, module, style="F")

    def rule(self) -> None:
        """A line across the page."""
        pdf = self._pdf
        pdf.line(pdf.l_margin, pdf.get_y(), pdf.l_margin + pdf.epw, pdf.get_y())
        pdf.ln(2.5)

    def data(self) -> bytes:
        """The file; it says so where the font lacked a sign."""
        if self._lacks:
            self.text(_LACKING)
        return bytes(self._pdf.output())

    def _line(self, text: str, language: Language, *, style: str, size: float, height: float) -> None:
        pdf = self._pdf
        self._note_lacking(text)
        self._shape(_direction(language))
        pdf.set_font(FONT, style, size)
        align = "R" if language == "ar" else "L"
        pdf.multi_cell(0, height, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _shape(self, direction: str, *, code: bool = False) -> None:
        """Shape what follows; in a ``code`` no two signs become one."""
        features = {"liga": not code, "clig": not code, "dlig": False}
        self._pdf.set_text_shaping(use_shaping_engine=True, features=features, direction=direction)

    def _note_lacking(self, text: str) -> None:
        self._lacks = self._lacks or not self._known.issuperset(map(ord, text))

    def _room(self, height_mm: float) -> None:
        """Begin a new page where less than this is left."""
        if self._pdf.will_page_break(height_mm):
            self._pdf.add_page()


def _direction(language: Language) -> str:
    return "rtl" if language == "ar" else "ltr"
