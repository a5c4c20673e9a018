"""Text from people: what may stand in a form, how it is searched, how it reaches a terminal.

Holds the checks on Unicode (NFC, no control or format characters, joiners only where a script needs
them), folding for search, and escaping for terminals. What is checked is the same on every Python
(see ``unicode14``). Languages, templates and look-alike names are not here.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from poc.core.unicode14 import is_assigned
from poc.errors import RefusedError

_JOINERS: Final = "\u200c\u200d"  # ZWNJ, ZWJ
_VIRAMA: Final = 9  # canonical combining class of the signs that join Indic consonants
_JOINING_SCRIPTS: Final[tuple[tuple[tuple[int, int], ...], ...]] = (
    ((0x0600, 0x06FF), (0x0750, 0x077F), (0x0870, 0x08FF)),  # Arabic, for Persian, Urdu, Kurdish ...
    ((0x0700, 0x074F), (0x0860, 0x086F)),  # Syriac
    ((0x07C0, 0x07FF),),  # N'Ko
    ((0x0840, 0x085F),),  # Mandaic
    ((0x0900, 0x097F), (0xA8E0, 0xA8FF)),  # Devanagari
    *(((start, start + 0x7F),) for start in range(0x0980, 0x0E00, 0x80)),  # Bengali ... Sinhala
    ((0x1780, 0x17FF),),  # Khmer
    ((0x1800, 0x18AF),),  # Mongolian
)
_NEVER: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and marks that show nothing; variation selectors are judged by what they vary.
_INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
_EMOJI_SELECTORS: Final = "\ufe0e\ufe0f"
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_HAN: Final = re.compile("[\u3400-\u9fff\U00020000-\U0003134a]")

_NOT_COMPARED: Final = re.compile(
    "["
    "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # accents
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew points
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u08ca-\u08e1\u08e3-\u08ff"
    "\u0621\u0640\u0674"  # hamza by itself, tatweel, high hamza
    "'\u2018\u2019\u201b`\u02b9-\u02bf"  # apostrophes, and what transliterations put for hamza and ain
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # format characters
    "\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variation selectors
    "]"
)
_AS: Final = str.maketrans(
    {
        **dict.fromkeys("ٱٲٳ", "ا"),
        **dict.fromkeys("ىی", "ي"),
        **dict.fromkeys("ةۃہھەۀ", "ه"),
        **dict.fromkeys("کڪ", "ك"),
        **dict.fromkeys("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212_\u05be", " "),
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ł": "l",
        "ħ": "h",
        "ŧ": "t",
        "ı": "i",
        "ə": "a",
    }
)


def check_text(value: str, chars_max: int, *, lines: bool = False) -> None:
    """Refuse a text that could deceive a reader, or that programs would not all read alike.

    ``chars_max`` counts code points. Line breaks (U+000A only) pass with ``lines``. Joiners pass between
    letters of one script that needs them; a variation selector after the sign it varies.

    Raises:
        RefusedError: ``text-too-long``; ``text-empty``, also for spaces only; ``text-not-nfc``;
            ``text-control`` naming the first character refused.
    """
    if len(value) > chars_max:
        raise RefusedError("text-too-long", f"{len(value)} characters; {chars_max} is the limit")
    if not value.strip():
        raise RefusedError("text-empty")
    if value.isascii() and value.isprintable():
        return  # most texts are, and none of these can deceive
    for position, character in enumerate(value):
        if not _may_stand(value, position, lines=lines):
            raise RefusedError("text-control", f"U+{ord(character):04X} at character {position + 1}")
    if not unicodedata.is_normalized("NFC", value):
        raise RefusedError("text-not-nfc")


def ascii_digits(value: str) -> str:
    """Give the text with every decimal digit, of whatever script, as an ASCII digit."""
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in value)


def fold(value: str) -> str:
    """Give the text as a search compares it; folding twice changes nothing.

    Case, Latin and Greek accents, Hebrew and Arabic vowel signs, tatweel, the forms of alef, hamza, yeh, kaf,
    heh and ta marbuta, apostrophes, joiners, hyphens for spaces, and the script of digits make no difference.
    Vowel signs of Indic scripts and marks of kana do: there they make another word. Never show the result.
    """
    bare = unicodedata.normalize(
        "NFKD", _NOT_COMPARED.sub("", unicodedata.normalize("NFKD", value)).casefold()
    )
    same = ascii_digits(_NOT_COMPARED.sub("", bare).translate(_AS))
    return " ".join(unicodedata.normalize("NFC", same).split())


def for_terminal(value: str, *, lines: bool = False) -> str:
    r"""Give the text with everything that could steer a terminal or hide from its reader made visible.

    Controls (C0, DEL, C1, so also ESC), bidi and other format characters, surrogates and unassigned code
    points become ``\u{…}``; so do line breaks, unless ``lines``. Only what ``check_text`` allows stays, so a
    joiner that a Persian name needs stays where it joins, and nowhere else.
    """
    return "".join(
        character if _may_stand(value, position, lines=lines) else f"\\u{{{ord(character):04x}}}"
        for position, character in enumerate(value)
    )


def _may_stand(value: str, position: int, *, lines: bool) -> bool:
    """Whether the character at this position is visible, assigned and steers nothing."""
    character = value[position]
    if character == "\n":
        return lines
    if character in _JOINERS:
        return _joins(value, position)
    if _SELECTORS.match(character):
        return position > 0 and _varies(value[position - 1], character)
    if character in _INVISIBLE:
        return False
    return unicodedata.category(character) not in _NEVER and is_assigned(character)


def _joins(value: str, position: int) -> bool:
    """Whether a joiner stands between two letters of one script that needs it; marks before it count."""
    if not 0 < position < len(value) - 1:
        return False
    before, after = value[position - 1], value[position + 1]
    if unicodedata.category(before)[0] not in "LM":
        return False
    if unicodedata.category(after)[0] != "L" and unicodedata.combining(after) != _VIRAMA:
        return False
    return any(_is_of(before, script) and _is_of(after, script) for script in _JOINING_SCRIPTS)


def _is_of(character: str, script: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(character) <= last for first, last in script)


def _varies(base: str, selector: str) -> bool:
    """Whether a variation selector may follow: the emoji ones after symbols, the others after Han."""
    if selector in _EMOJI_SELECTORS:
        return unicodedata.category(base) == "So"
    return selector > "\uffff" and _HAN.match(base) is not None
