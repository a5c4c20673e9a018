"""Texts from people: names that must pass, characters that must not, folding and terminals."""

from __future__ import annotations

import unicodedata

import pytest

from poc.core.text import ascii_digits, check_text, fold, for_terminal
from poc.errors import RefusedError

NAMES = """وزارة الخارجية وشؤون المغتربين|المركز الوطني للأمن السيبراني|دولة فلسطين
الجمهورية الإسلامية الموريتانية
مكتب الاستجابة لطوارئ الحاسوب|نقطة الاتصال التقنية|سلطنة عُمان|مُنسِّق الشؤون الدبلوماسية
هيئة تنظيم قطاع الاتصالات
وزارت امور خارجه|می\u200cخواهم|مرکز ماهر|خانه\u200cها|وزارتِ خارجہ|پاکستان|اسلام آباد
משרד החוץ|מערך הסייבר הלאומי|ירושלים
विदेश मंत्रालय|क्\u200dष|राष्ट्रीय साइबर सुरक्षा|শ্রীলঙ্কা|ශ්\u200dරී ලංකාව|தமிழ்நாடு|తెలుగు|ಕನ್ನಡ|മലയാളം|ગુજરાત|ਪੰਜਾਬ|नेपाल
外交部|国家互联网应急中心|中华人民共和国|外務省|日本国|외교부|대한민국|臺北
Министерство иностранных дел|Российская Федерация|Україна|Қазақстан|Кыргызстан|Монгол улс|България|Србија
Ministère de l’Europe et des Affaires étrangères|Côte d'Ivoire|Español|São Tomé e Príncipe|Türkiye
Österreich|Ísland|Česká republika|Polska|Latvija|Lietuva|Éire|Norge|Ελλάδα|Κύπρος|Հայաստան|საქართველო
CERT-XX (24/7)|Desk 07|Việt Nam|ประเทศไทย|ລາວ|កម្ពុជា|မြန်မာ|ኢትዮጵያ|ދިވެހިރާއްޖެ|བོད་ཡིག""".replace("\n", "|").split("|")

REFUSED = [
    *(chr(point) for point in (0x00, 0x07, 0x08, 0x09, 0x0A, 0x0D, 0x1B, 0x7F, 0x80, 0x85, 0x9B, 0xAD)),
    *(chr(point) for point in range(0x202A, 0x202F)),
    *(chr(point) for point in range(0x2060, 0x2070)),
    *"\u061c\u180e\u200b\u200e\u200f\u2028\u2029\ufeff\ufff9\U000e0001\ud800\ue000\u0378",
]


def code_of(text: str, chars_max: int = 200, *, lines: bool = False) -> str:
    with pytest.raises(RefusedError) as caught:
        check_text(text, chars_max, lines=lines)
    return caught.value.code


@pytest.mark.parametrize("name", NAMES)
def test_a_legitimate_name_passes(name: str) -> None:
    check_text(unicodedata.normalize("NFC", name), 200)


def test_the_corpus_is_of_some_size() -> None:
    assert len(NAMES) >= 60


@pytest.mark.parametrize("character", REFUSED, ids=lambda c: f"U+{ord(c):04X}")
@pytest.mark.parametrize("template", ["{}name", "na{}me", "name{}", "اس{}م"])
def test_controls_and_formats_are_refused_wherever_they_stand(character: str, template: str) -> None:
    assert code_of(template.format(character)) == "text-control"


@pytest.mark.parametrize("text", ["\u200cمی", "می\u200c", "a\u200cb", "a\u200db", "م\u200c م", "\u200d"])
def test_joiners_pass_only_between_letters_that_need_them(text: str) -> None:
    assert code_of(text) == "text-control"


@pytest.mark.parametrize("text", ["م\u200c1", "م\u200cא", "1\u200cم"])
def test_a_joiner_joins_letters_of_one_script_only(text: str) -> None:
    assert code_of(text) == "text-control"


@pytest.mark.parametrize("text", ["❤\ufe0f", "葛\U000e0100"])
def test_a_variation_selector_passes_after_the_sign_it_varies(text: str) -> None:
    check_text(text, 10)


@pytest.mark.parametrize("text", ["\ufe0f", "a\ufe0f", "a\U000e0100", "葛\ufe0f", "a\u115fb", "a\u3164b"])
def test_selectors_elsewhere_and_invisible_letters_are_refused(text: str) -> None:
    assert code_of(text) == "text-control"


def test_line_breaks_pass_only_where_lines_are_asked_for() -> None:
    check_text("one\ntwo", 20, lines=True)
    assert code_of("one\ntwo") == "text-control"
    assert code_of("one\r\ntwo", lines=True) == "text-control"


@pytest.mark.parametrize("text", ["", " ", "\u00a0", "\n"])
def test_nothing_is_no_text(text: str) -> None:
    assert code_of(text, lines=True) == "text-empty"


def test_a_text_is_bounded_and_in_normal_form() -> None:
    assert code_of("x" * 11, 10) == "text-too-long"
    assert code_of("e\u0301") == "text-not-nfc"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("فِلَسْطين", "فلسطين"),
        ("الأردن", "الاردن"),
        ("إمارات", "امارات"),
        ("آسيا", "اسيا"),
        ("الجمهورية", "الجمهوريه"),
        ("مستشفى", "مستشفي"),
        ("الأُردُنّ", "الاردن"),
        ("محمـــد", "محمد"),
        ("می\u200cخواهم", "ميخواهم"),
        ("État de Palestine", "etat de palestine"),
        ("ÉMIRATS  arabes", "emirats arabes"),
        ("Straße", "STRASSE"),
        ("+٩٦٢ ٦", "+962 6"),
        ("۱۲۳", "123"),
        ("İstanbul", "istanbul"),
    ],
)
def test_what_people_type_alike_folds_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("عمان", "عمّار"), ("Iran", "Iraq"), ("12", "13")])
def test_what_differs_stays_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_digits_of_any_script_become_ascii() -> None:
    assert ascii_digits("٠١٢٣٤٥٦٧٨٩ ۰۱۲ १२") == "0123456789 012 12"
    assert ascii_digits("²½") == "²½"


@pytest.mark.parametrize("character", [c for c in REFUSED if c != "\n"], ids=lambda c: f"U+{ord(c):04X}")
def test_nothing_steers_a_terminal(character: str) -> None:
    shown = for_terminal(f"a{character}b", lines=True)
    assert character not in shown
    assert shown == f"a\\u{{{ord(character):04x}}}b"


def test_names_and_lines_are_shown_as_they_are() -> None:
    assert for_terminal("دولة فلسطين می\u200cخواهم") == "دولة فلسطين می\u200cخواهم"
    assert for_terminal("a\nb", lines=True) == "a\nb"
    assert for_terminal("a\nb") == "a\\u{000a}b"
