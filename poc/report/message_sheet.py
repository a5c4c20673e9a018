"""The sheet of a message in clearance: everything its reader will read, the text code, and who did what.

Numbered, in Arabic and English, as plain text and as PDF of the same content. The text code on it is the one
on both screens; whoever signs by hand signs beside it. What stands in a sheet is the desk's to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from poc.report.paper import Language

BANNERS: Final[Mapping[str, tuple[str, str]]] = {
    "exercise": ("EXERCISE EXERCISE EXERCISE", "تمرين تمرين تمرين"),
    "test": ("TEST", "اختبار"),
    "actual": ("ACTUAL MESSAGE", "رسالة فعلية"),
}
STATES: Final[Mapping[str, str]] = {
    "draft": "draft / مسودة",
    "in-clearance": "in clearance / قيد الإجازة",
    "cleared": "cleared / مُجازة",
    "released": "released / صدرت",
}
WORDS: Final[Mapping[str, str]] = {
    "exercise": "تمرين", "test": "اختبار", "actual": "فعلية",
    "flash": "خاطف", "immediate": "فوري", "priority": "عاجل", "routine": "عادي",
    "notification": "إشعار", "information-request": "طلب معلومات", "assistance-request": "طلب مساعدة",
    "clarification": "استيضاح", "reply": "رد", "update": "تحديث", "withdrawal": "سحب", "closure": "إغلاق",
    "ping": "نداء اختبار", "inject": "حدث مُدخل",
    "original": "النص الأصلي", "courtesy": "ترجمة للمجاملة؛ العبرة بالنص الأصلي",
}  # fmt: skip
ABOUT_THE_CODE: Final = (
    (
        "Compare the text code with the one on the screen of whoever releases it; if they differ, the text does. "
        "Any edit makes another code and voids the preparation."
    ),
    (
        "قارن رمز النص بالرمز الظاهر على شاشة من يُصدر الرسالة؛ فإن اختلفا فقد اختلف النص. وكل تعديل يغيّر الرمز "
        "ويُبطل التحضير."
    ),
)
_SIGNATURES: Final = ("Drafted by / حرّرها", "Prepared (cleared) by / حضّرها وأجازها", "Released by / أصدرها")
_BLANK: Final = "____________________"
_WIDTH: Final = 34


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled value; a ``code`` runs from left to right whatever stands beside it."""

    label: str
    value: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class SheetText:
    """The text in one language."""

    language: str
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class MessageSheet:
    """What stands on the sheet. ``hands`` are codes of who drafted, prepared and released it, if they did.

    ``number`` is of the home that prints it; on a screen there is none.
    """

    number: int | None
    contact: str
    status: str
    state: str
    code: str
    made_at: datetime
    rows: Sequence[Row]
    texts: Sequence[SheetText]
    fields: Mapping[str, str]
    attachments: Sequence[str]
    sentences: Mapping[str, str]
    hands: tuple[str | None, str | None, str | None]

    @property
    def title(self) -> str:
        """Its number and whose it is."""
        number = "" if self.number is None else f"{self.number} · "
        return f"{number}{self.contact} · Message sheet / ورقة رسالة"


def both(word: str) -> str:
    """A word of the forms with its Arabic, which stands last so that nothing of the line turns round."""
    return f"{word} / {WORDS[word]}"


def spaced(code: str) -> str:
    """A text code in two groups of four."""
    return f"{code[:4]} {code[4:]}"


def sheet_lines(sheet: MessageSheet) -> Iterator[str]:
    """The sheet as lines of text, its banner first and last."""
    banner = " / ".join(BANNERS[sheet.status])
    yield banner
    yield ""
    yield sheet.title
    yield _line("State / الحالة", STATES[sheet.state])
    yield _line("TEXT CODE / رمز النص", spaced(sheet.code))
    yield ""
    yield from (_line(row.label, row.value) for row in sheet.rows)
    for text in sheet.texts:
        yield ""
        yield f"[{text.language}, {both(text.role)}]"
        yield from text.text.split("\n")
    yield ""
    for name, value in sheet.fields.items():
        yield from _several(_line(name, value))
    yield from (_line("Attachment / مرفق", named) for named in sheet.attachments)
    yield from sheet.sentences.values()
    yield ""
    yield _line("TEXT CODE / رمز النص", spaced(sheet.code))
    for label, hand in zip(_SIGNATURES, sheet.hands, strict=True):
        yield _line(label, hand or _BLANK)
    yield from ABOUT_THE_CODE
    yield ""
    yield banner


def _line(label: str, value: str) -> str:
    return f"{label:<{_WIDTH - 1}} {value}"


def _several(line: str) -> Iterator[str]:
    first, *rest = line.split("\n")
    yield first
    yield from (f"{'':<{_WIDTH}}{more}" for more in rest)


def message_page(sheet: MessageSheet) -> bytes:
    """The sheet as PDF; the same bytes for the same sheet."""
    from poc.report.paper import Paper, isolated  # noqa: PLC0415 (the text needs no PDF library)

    banner = " / ".join(BANNERS[sheet.status])
    number = "" if sheet.number is None else f"{sheet.number} · "
    paper = Paper(f"{number}{sheet.contact} · {spaced(sheet.code)}", sheet.made_at)
    paper.heading(banner)
    paper.rule()
    paper.heading(sheet.title)
    paper.row("State / الحالة", STATES[sheet.state])
    paper.text("TEXT CODE / رمز النص", strong=True)
    paper.large(spaced(sheet.code))
    for row in sheet.rows:
        paper.row(row.label, row.value, code=row.code)
    paper.rule()
    for text in sheet.texts:
        paper.text(f"[{text.language}] {both(text.role)}", strong=True)
        for line in text.text.split("\n"):
            paper.text(line or " ", _direction(text.language))
    for name, value in sheet.fields.items():
        paper.row(isolated(name), value)
    for named in sheet.attachments:
        paper.row("Attachment / مرفق", named, code=True)
    for language, sentence in sheet.sentences.items():
        paper.text(sentence, _direction(language))
    paper.rule()
    paper.row("TEXT CODE / رمز النص", spaced(sheet.code), code=True)
    for label, hand in zip(_SIGNATURES, sheet.hands, strict=True):
        paper.row(label, hand or _BLANK, code=True)
    paper.text(ABOUT_THE_CODE[0])
    paper.text(ABOUT_THE_CODE[1], "ar")
    paper.rule()
    paper.heading(banner)
    return paper.data()


def _direction(language: str) -> Language:
    return "ar" if language.split("-", 1)[0] in ("ar", "fa", "ur", "he") else "en"
