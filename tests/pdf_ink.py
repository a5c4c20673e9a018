"""What a PDF of ours draws: its glyphs from left to right as they lie on the page, with their outlines."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import uharfbuzz
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
from pypdf import PdfReader
from pypdf.generic import ContentStream

FONT = files("fontpkg_amiri") / "files" / "Amiri-Regular.ttf"
_INVISIBLE = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069\u200e\u200f\0"))


@dataclass(frozen=True)
class Glyph:
    """One glyph of a page: where it begins, the text it stands for, its outline."""

    x: float
    y: float
    text: str
    outline: str


def pages(data: bytes) -> list[list[str]]:
    """The lines of each page, every one as its signs lie from left to right."""
    return [_lines(glyphs) for glyphs in glyphs_of(data)]


def glyphs_of(data: bytes) -> list[list[Glyph]]:
    """The glyphs of each page in the order they are drawn."""
    return [list(_page(page)) for page in PdfReader(io.BytesIO(data)).pages]


def outlines_of(text: str, *, joined: bool = True) -> list[str]:
    """The outlines of a text in the font itself, from left to right; or of its letters by themselves."""
    font = TTFont(str(FONT))
    if not joined:
        return [_outline(font, font.getBestCmap()[ord(sign)]) for sign in reversed(text)]
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    uharfbuzz.shape(uharfbuzz.Font(uharfbuzz.Face(FONT.read_bytes())), buffer)
    return [_outline(font, font.getGlyphName(info.codepoint)) for info in buffer.glyph_infos]


def _lines(glyphs: list[Glyph]) -> list[str]:
    rows: dict[float, list[Glyph]] = {}
    for glyph in glyphs:
        rows.setdefault(round(glyph.y), []).append(glyph)
    return [
        "".join(g.text for g in sorted(row, key=lambda g: g.x))
        for _, row in sorted(rows.items(), reverse=True)
    ]


def _page(page: Any) -> Any:
    fonts = {name: _Font(font.get_object()) for name, font in page["/Resources"]["/Font"].items()}
    font, size, x, y = None, 0.0, 0.0, 0.0
    for operands, operator in ContentStream(page.get_contents(), page.pdf).operations:
        if operator == b"Tf":
            font, size = fonts[operands[0]], float(operands[1])
        elif operator == b"Td":
            x, y = map(float, operands)
        elif operator == b"Tm":
            x, y = float(operands[4]), float(operands[5])
        elif operator in (b"Tj", b"TJ"):
            assert font is not None
            for part in operands[0] if operator == b"TJ" else operands:
                if isinstance(part, (int, float)):
                    x -= float(part) * size / 1000
                    continue
                raw = part.original_bytes
                for place in range(0, len(raw), 2):
                    cid = int.from_bytes(raw[place : place + 2])
                    text = font.text.get(cid, "").translate(_INVISIBLE)
                    if text:
                        yield Glyph(x, y, text, font.outline(cid))
                    x += font.width(cid) * size / 1000


class _Font:
    """An embedded font: what its codes stand for, how wide and how drawn they are."""

    def __init__(self, font: Any) -> None:
        inner = font["/DescendantFonts"][0].get_object()
        cmap = font["/ToUnicode"].get_data().decode()
        self.text = {
            int(code, 16): bytes.fromhex(text).decode("utf-16-be")
            for code, text in re.findall(r"<([0-9A-F]{4})> <((?:[0-9A-F]{4})+)>\n", cmap)
        }
        descriptor = inner["/FontDescriptor"].get_object()
        self._font = TTFont(io.BytesIO(descriptor["/FontFile2"].get_data()))
        self._gids = inner["/CIDToGIDMap"].get_object().get_data()
        self._widths = dict(_widths(inner["/W"]))
        self._default = float(inner["/DW"])

    def width(self, cid: int) -> float:
        return float(self._widths.get(cid, self._default))

    def outline(self, cid: int) -> str:
        gid = int.from_bytes(self._gids[2 * cid : 2 * cid + 2])
        return _outline(self._font, self._font.getGlyphName(gid))


def _widths(array: Any) -> Any:
    items = list(array)
    while items:
        first, second = int(items.pop(0)), items.pop(0)
        if isinstance(second, list):
            yield from ((first + n, float(width)) for n, width in enumerate(second))
        else:
            width = float(items.pop(0))
            yield from ((cid, width) for cid in range(first, int(second) + 1))


def _outline(font: TTFont, name: str) -> str:
    glyphs = font.getGlyphSet()
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    return repr(pen.value)


def rectangles_of(data: bytes) -> list[list[tuple[float, ...]]]:
    """The rectangles of each page."""
    return [
        [
            tuple(map(float, operands))
            for operands, operator in ContentStream(page.get_contents(), page.pdf).operations
            if operator == b"re"
        ]
        for page in PdfReader(io.BytesIO(data)).pages
    ]
