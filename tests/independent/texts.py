"""How a search compares two texts, written from docs/spec/text.md."""

from __future__ import annotations

import re
import unicodedata

NOT_COMPARED = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    "\u08ca-\u08e1\u08e3-\u08ff\u0621\u0640\u0674'`\u2018\u2019\u201b\u02b9-\u02bf"
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
LETTERS = {
    "\u0627": "\u0671\u0672\u0673",
    "\u064a": "\u0649\u06cc",
    "\u0647": "\u0629\u06be\u06c0\u06c1\u06c3\u06d5",
    "\u0643": "\u06a9\u06aa",
    " ": "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212_\u05be",
    "ae": "\u00e6",
    "oe": "\u0153",
    "o": "\u00f8",
    "d": "\u0111\u00f0",
    "th": "\u00fe",
    "l": "\u0142",
    "h": "\u0127",
    "t": "\u0167",
    "i": "\u0131",
    "a": "\u0259",
}
TABLE = str.maketrans({letter: to for to, letters in LETTERS.items() for letter in letters})


def _bare(text: str) -> str:
    return NOT_COMPARED.sub("", unicodedata.normalize("NFKD", text))


def fold(text: str) -> str:
    """What is compared of a text."""
    bare = _bare(_bare(text).casefold()).translate(TABLE)
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in bare)
    return " ".join(unicodedata.normalize("NFC", digits).split())
