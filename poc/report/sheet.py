"""The contact sheet for the paper folder: a page for each contact and language, used without a machine.

Channels in the order to dial, hours with their zone, the rules of voice, key and registry fingerprints, and
how old all of it is. A part that is not open on this desk is said to be missing, never left out. Choosing
contacts and opening their cards is the desk's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError

from poc.core.strictjson import format_time
from poc.report.paper import Language, Paper, in_two_lines, isolated
from poc.report.request_page import key_fingerprint

EXCEPTIONS_SHOWN: Final = 10
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class SheetRegistry:
    """Which registry the sheets are of, and how far its log was verified."""

    origin: str
    fingerprint: str
    size: int
    root: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class SheetContact:
    """A contact as printed; empty channels or hours ``None`` where its card is not open here."""

    contact: str
    state_names: Mapping[str, str]
    names: Mapping[str, str]
    department: Mapping[str, str]
    role: str
    level: str
    channels: Sequence[Mapping[str, Any]]
    languages: Sequence[str]
    zone: str | None
    hours: Mapping[str, Any] | None
    confirmed_at: str
    confirm_due_at: str
    custody: str
    alternate_of: str | None
    alternates: Sequence[str]
    devices: Sequence[tuple[int, str]]
    told: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Words:
    """What a sheet says in one language."""

    title: str
    missing: str
    channels: str
    hours: str
    always: str
    never: str
    closed: str
    voice: str
    rules: Sequence[str]
    keys: str
    no_keys: str
    data: str
    old: str
    labels: Mapping[str, str]
    kinds: Mapping[str, str]
    values: Mapping[str, str]


_WORDS: Final[Mapping[Language, _Words]] = {
    "en": _Words(
        title="Contact sheet",
        missing="not open on the desk that printed this",
        channels="Channels, in the order to try them",
        hours="Hours",
        always="around the clock",
        never="no regular hours",
        closed="closed",
        voice="By voice",
        rules=(
            "1. Dial only numbers of this sheet, in its order. Never one that a caller gives.",
            "2. In an exercise say EXERCISE EXERCISE EXERCISE first and last.",
            "3. Say who calls whom, then the short name of the message.",
            ("4. Read the voice code, 8 digits, aloud; the other side finds the same on its screen. If it "
            "differs, hang up and dial the next number of this sheet."),
            "5. Called by somebody: hang up and call back at the number of this sheet.",
            "6. What is heard is not an agreement; it indicates no concurrence with the content.",
        ),
        keys="Signing keys",
        no_keys="none: nothing can be sealed to this contact",
        data="Where this is from",
        old="Old paper misleads: print it anew after every change, and at least every three months.",
        labels={
            "contact": "Contact", "state": "State", "department": "Department", "role": "Role",
            "level": "Level", "languages": "Languages", "custody": "Keys held by",
            "alternates": "Alternates", "alternate_of": "Alternate of", "zone": "Time zone",
            "usual": "Usual hours", "registry": "Registry", "fingerprint": "Its fingerprint",
            "head": "Verified log", "as_of": "Newest entry", "printed": "Printed",
            "confirmed": "Confirmed", "due": "Due again", "device": "Device",
        },
        kinds={
            "phone": "phone", "mobile": "mobile", "satellite": "satellite", "fax": "fax", "email": "e-mail",
            "messenger": "messenger", "web": "web", "radio": "radio", "post": "post",
        },
        values={
            "diplomatic": "diplomatic", "technical": "technical", "duty": "duty", "listed": "listed only",
            "verified": "verified", "tested": "tested", "own": "the office itself",
            "national": "another body of its State", "hosted": "{}; that body could read and answer",
        },
    ),
    "ar": _Words(
        title="بطاقة نقطة الاتصال",
        missing="غير مفتوح على المكتب الذي طبع هذه الورقة",
        channels="وسائل الاتصال بترتيب استعمالها",
        hours="أوقات العمل",
        always="على مدار الساعة",
        never="لا أوقات منتظمة",
        closed="مغلق",
        voice="عند الاتصال الصوتي",
        rules=(
            "1. لا تطلب إلا أرقام هذه الورقة وبترتيبها، ولا تطلب رقماً يذكره المتصل.",
            "2. في التمرين قل: تمرين تمرين تمرين، في أول المكالمة وآخرها.",
            "3. اذكر من يتصل بمن، ثم الاسم القصير للرسالة.",
            ("4. اقرأ الرمز الصوتي، وهو ثماني خانات، بصوت عالٍ؛ ويجد الطرف الآخر الرمز نفسه على شاشته. فإن اختلف "
            "فأنهِ المكالمة واطلب الرقم التالي في هذه الورقة."),
            "5. إذا اتصل بك أحد فأنهِ المكالمة وعاود الاتصال على الرقم الوارد في هذه الورقة.",
            "6. ما يُسمع ليس اتفاقاً، ولا يعني الموافقة على المضمون.",
        ),
        keys="مفاتيح التوقيع",
        no_keys="لا مفاتيح: لا يمكن ختم رسالة إلى هذه النقطة",
        data="مصدر هذه البيانات",
        old="الورق القديم مُضلِّل: أعد الطباعة بعد كل تغيير، وكل ثلاثة أشهر على الأقل.",
        labels={
            "contact": "نقطة الاتصال", "state": "الدولة", "department": "الإدارة", "role": "الدور",
            "level": "المستوى", "languages": "اللغات", "custody": "حائز المفاتيح",
            "alternates": "البدائل", "alternate_of": "بديل عن", "zone": "المنطقة الزمنية",
            "usual": "الأوقات المعتادة", "registry": "السجل", "fingerprint": "بصمته",
            "head": "السجل المتحقق منه", "as_of": "أحدث قيد", "printed": "طُبعت في",
            "confirmed": "تاريخ التأكيد", "due": "يُستحق التأكيد في", "device": "الجهاز",
        },
        kinds={
            "phone": "هاتف", "mobile": "هاتف محمول", "satellite": "هاتف ساتلي", "fax": "فاكس",
            "email": "بريد إلكتروني", "messenger": "تطبيق مراسلة", "web": "موقع", "radio": "لاسلكي",
            "post": "بريد",
        },
        values={
            "diplomatic": "دبلوماسي", "technical": "تقني", "duty": "مناوب", "listed": "مُدرجة فحسب",
            "verified": "موثّقة", "tested": "مُختبَرة", "own": "المكتب نفسه",
            "national": "جهة أخرى في دولته", "hosted": "{}؛ وتستطيع هذه الجهة أن تقرأ وتجيب",
        },
    ),
}  # fmt: skip


def contact_sheets(
    contacts: Sequence[SheetContact],
    registry: SheetRegistry,
    languages: Sequence[Language],
    printed_at: datetime,
) -> bytes:
    """The sheets as one PDF: each contact in each language on a page of its own."""
    paper = Paper(registry.origin, printed_at)
    pages = [(contact, language) for contact in contacts for language in languages]
    for number, (contact, language) in enumerate(pages):
        if number:
            paper.page()
        _Sheet(paper, contact, registry, language, printed_at).fill()
    return paper.data()


class _Sheet:
    """One contact in one language."""

    def __init__(
        self,
        paper: Paper,
        contact: SheetContact,
        registry: SheetRegistry,
        language: Language,
        printed_at: datetime,
    ) -> None:
        self.paper = paper
        self.contact = contact
        self.registry = registry
        self.language = language
        self.printed_at = printed_at
        self.words = _WORDS[language]

    def fill(self) -> None:
        """Put everything onto the page."""
        self._office()
        self._channels()
        self._hours()
        self.paper.heading(self.words.voice, self.language)
        for rule in self.words.rules:
            self.paper.text(rule, self.language)
        self._keys()
        self._origin()

    def _office(self) -> None:
        contact, values = self.contact, self.words.values
        name = self._of(contact.names) or self.words.missing
        self.paper.heading(f"{self.words.title}: {name}", self.language)
        for told in contact.told:
            self.paper.text(told, "en", strong=True)
        self._row("contact", contact.contact, code=True)
        self._row("state", self._of(contact.state_names) or contact.contact.partition(".")[0])
        if contact.department:
            self._row("department", self._of(contact.department))
        self._row("role", values[contact.role])
        self._row("level", values[contact.level])
        self._row(
            "languages", "، ".join(self._languages()) if self._is_arabic else ", ".join(self._languages())
        )
        self._row("custody", self._custody())
        if contact.alternate_of:
            self._row("alternate_of", contact.alternate_of, code=True)
        if contact.alternates:
            self._row("alternates", ", ".join(contact.alternates), code=True)

    def _channels(self) -> None:
        self.paper.heading(self.words.channels, self.language)
        if not self.contact.channels:
            self.paper.text(self.words.missing, self.language)
        for number, channel in enumerate(self.contact.channels, start=1):
            label = f" ({channel['label']})" if channel["label"] else ""
            kind = f"{number}. {self.words.kinds[channel['kind']]}{label}"
            self.paper.row(kind, channel["value"], self.language, code=True)

    def _hours(self) -> None:
        contact, words = self.contact, self.words
        self.paper.heading(words.hours, self.language)
        if contact.hours is None or contact.zone is None:
            self.paper.text(words.missing, self.language)
            return
        self._row("zone", f"{contact.zone}{_offset(contact.zone, self.printed_at)}", code=True)
        if contact.hours["always"]:
            self._row("usual", words.always)
        for spans, days in self._week(contact.hours["weekly"]).items():
            self.paper.row(days, spans, self.language, code=True)
        if not contact.hours["always"] and not contact.hours["weekly"]:
            self._row("usual", words.never)
        today = f"{self.printed_at:%Y-%m-%d}"
        coming = [day for day in contact.hours["exceptions"] if day["date"] >= today]
        for day in coming[:EXCEPTIONS_SHOWN]:
            times = ", ".join(f"{slot['open']}–{slot['close']}" for slot in day["slots"])
            note = f" ({day['note']})" if day["note"] else ""
            value = (isolated(times) if times else words.closed) + note
            self.paper.row(day["date"], value, self.language)

    def _week(self, slots: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """The days that share their hours, by these hours, Monday first."""
        names = Locale(self.language).days["format"]["abbreviated"]
        week: dict[str, list[str]] = {}
        for number, day in enumerate(_DAYS):
            spans = ", ".join(f"{slot['open']}–{slot['close']}" for slot in slots if slot["day"] == day)
            if spans:
                week.setdefault(spans, []).append(str(names[number]))
        comma = "، " if self._is_arabic else ", "
        return {spans: comma.join(days) for spans, days in week.items()}

    def _keys(self) -> None:
        self.paper.heading(self.words.keys, self.language)
        if not self.contact.devices:
            self.paper.text(self.words.no_keys, self.language)
        for number, kid in self.contact.devices:
            label = f"{self.words.labels['device']} {number}"
            self.paper.row(label, in_two_lines(key_fingerprint(kid)), self.language, code=True)

    def _origin(self) -> None:
        contact, registry = self.contact, self.registry
        self.paper.heading(self.words.data, self.language)
        self._row("registry", registry.origin, code=True)
        self._row("fingerprint", in_two_lines(registry.fingerprint), code=True)
        self._row("head", f"{registry.size} · {registry.root}", code=True)
        self._row("as_of", format_time(registry.as_of), code=True)
        self._row("printed", format_time(self.printed_at), code=True)
        self._row("confirmed", contact.confirmed_at, code=True)
        self._row("due", contact.confirm_due_at, code=True)
        self.paper.text(self.words.old, self.language, strong=True)

    @property
    def _is_arabic(self) -> bool:
        return self.language == "ar"

    def _row(self, label: str, value: str, *, code: bool = False) -> None:
        self.paper.row(self.words.labels[label], value, self.language, code=code)

    def _of(self, names: Mapping[str, str]) -> str:
        """The name in this language, with the other one beside it; any name where there is neither."""
        other = "en" if self._is_arabic else "ar"
        found = [names[language] for language in (self.language, other) if language in names]
        return " / ".join(dict.fromkeys(found or list(names.values())[:1]))

    def _languages(self) -> list[str]:
        if not self.contact.languages:
            return [self.words.missing]
        return [_language_name(code, self.language) for code in self.contact.languages]

    def _custody(self) -> str:
        kind, _, holder = self.contact.custody.partition(":")
        return self.words.values[kind].format(isolated(holder))


def _language_name(code: str, language: Language) -> str:
    """What a language is called, with its code; the code alone where CLDR knows no name."""
    try:
        name = Locale.parse(code, sep="-").get_display_name(language)
    except (UnknownLocaleError, ValueError):
        name = None
    return isolated(code) if name is None else f"{name} ({isolated(code)})"


def _offset(zone: str, at: datetime) -> str:
    """The zone's offset from UTC on the day of printing."""
    try:
        return f" (UTC{at.astimezone(ZoneInfo(zone)):%z})"
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ""
