"""Text from people: what may stand in a form, how it is searched, how it reaches a terminal.

Holds the checks on Unicode (NFC, no controls, joiners only where a script needs them), folding for
search in Arabic and Latin scripts, and escaping for terminals. Languages and templates are not here.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from poc.errors import RefusedError

_ZWNJ: Final = "\u200c"
_ZWJ: Final = "\u200d"
_JOINING_SCRIPTS: Final = (
    (0x0600, 0x08FF),  # Arabic, Syriac, Thaana, N'Ko and extensions
    (0x0900, 0x0DFF),  # the scripts of India and Sri Lanka
    (0x1800, 0x18AF),  # Mongolian
    (0xFB50, 0xFDFF),  # Arabic presentation forms A
    (0xFE70, 0xFEFC),  # Arabic presentation forms B
)
_FOLDED_LETTERS: Final = str.maketrans(
    {
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ٱ": "ا",
        "ة": "ه",
        "ى": "ي",
        "ی": "ي",
        "ئ": "ي",
        "ؤ": "و",
        "ک": "ك",
        "ـ": None,
        _ZWNJ: None,
        _ZWJ: None,
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "đ": "d",
        "ł": "l",
        "’": "'",
    }
)


def check_text(value: str, chars_max: int, *, lines: bool = False) -> None:
    """Refuse a text that could deceive or not be kept: see the codes.

    Raises ``text-empty``, ``text-too-long``, ``text-not-nfc`` or ``text-control`` naming the
    character's position and code point. Line breaks (U+000A) pass only with ``lines``.
    """
    if not value.strip():
        raise RefusedError("text-empty")
    if len(value) > chars_max:
        raise RefusedError("text-too-long", f"{len(value)} characters; {chars_max} is the limit")
    if not unicodedata.is_normalized("NFC", value):
        raise RefusedError("text-not-nfc")
    for position, character in enumerate(value):
        if not _may_stand(value, position, character, lines=lines):
            raise RefusedError("text-control", f"U+{ord(character):04X} at character {position + 1}")


def _may_stand(value: str, position: int, character: str, *, lines: bool) -> bool:
    if character == "\n":
        return lines
    if character in (_ZWNJ, _ZWJ):
        return 0 < position < len(value) - 1 and _joins(value[position - 1]) and _joins(value[position + 1])
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _joins(character: str) -> bool:
    """Whether the character is a letter or mark of a script that needs joiners."""
    point = ord(character)
    in_script = any(first <= point <= last for first, last in _JOINING_SCRIPTS)
    return in_script and unicodedata.category(character)[0] in "LM"


def ascii_digits(value: str) -> str:
    """The text with every decimal digit, of whatever script, as ASCII."""
    return "".join(str(unicodedata.digit(c)) if unicodedata.category(c) == "Nd" else c for c in value)


def fold(value: str) -> str:
    """The text as it is compared in a search.

    Case, Latin accents, Arabic diacritics and tatweel, the forms of alef, hamza carriers, ta
    marbuta, alef maqsura and the script of digits make no difference.
    """
    swapped = ascii_digits(unicodedata.normalize("NFC", value)).casefold().translate(_FOLDED_LETTERS)
    bare = "".join(
        c for c in unicodedata.normalize("NFKD", swapped) if unicodedata.category(c) not in {"Mn", "Cf"}
    )
    return " ".join(bare.translate(_FOLDED_LETTERS).split())


def for_terminal(value: str, *, lines: bool = False) -> str:
    r"""The text with everything that could steer a terminal or turn its direction made visible.

    Controls, escapes, bidi and other format characters become ``\u{…}``; line breaks too, unless
    ``lines``. Joiners between letters that need them stay.
    """
    shown = []
    for position, character in enumerate(value):
        safe = _may_stand(value, position, character, lines=lines)
        shown.append(character if safe else f"\\u{{{ord(character):04x}}}")
    return "".join(shown)
