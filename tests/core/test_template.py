"""Templates: the files of the program, how a value is read, and what a reader of each language sees."""

from __future__ import annotations

import copy
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.draft import REAL_WORLD_WORDS, REAL_WORLD_WORDS_AR, check_exercise_text
from poc.core.form import form_bytes, form_of, form_value
from poc.core.message import MessageBody, Template
from poc.core.strictjson import canonical
from poc.core.template import (
    EQUAL_LANGUAGES,
    TemplateFile,
    fill,
    find_template,
    in_language,
    opening,
    read_template,
    reference,
    rendered,
    show_fields,
)
from poc.core.text import check_text, fold
from poc.errors import RefusedError
from poc.limits import TEMPLATE_BYTES_MAX
from tests import message_world
from tests.form_examples import GOOD
from tests.vectors.make_template import PATH, text

FILES = sorted((Path(__file__).resolve().parents[2] / "poc" / "templates").glob("*.json"))
TEMPLATES = {path.name: read_template(path.read_bytes()) for path in FILES}
VECTORS = json.loads(PATH.read_text("utf-8"))
SMALL = form_of(TemplateFile, GOOD["template"])
WANTED = {
    "notification", "information-request", "assistance-request", "clarification", "update", "withdrawal",
    "closure", "exercise-looks-like-attack",
}  # fmt: skip
CODED = [
    (template, field)
    for template in TEMPLATES.values()
    for field in template.fields
    if field.type in ("choice", "choices")
]


def code_of(act, *arguments):
    try:
        act(*arguments)
    except RefusedError as error:
        return error.code
    return "ok"


# --- the files of the program ---


def test_every_kind_of_message_that_was_asked_for_has_its_template():
    assert {template.id for template in TEMPLATES.values()} >= WANTED


def test_a_file_is_named_by_its_id_and_version_and_none_is_called_official():
    for name, template in TEMPLATES.items():
        assert name == f"{template.id}.{template.version}.json"
        assert "." not in template.id
        said = json.dumps(form_value(template), ensure_ascii=False)
        for claim in ("United Nations", "الأمم المتحدة", "Nations Unies", "official", "UN ", "OSCE", "إقرار"):
            assert claim not in said


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=lambda template: template.id)
def test_every_label_stands_in_arabic_and_english_and_deceives_nobody(template):
    assert set(template.languages) >= set(EQUAL_LANGUAGES)
    for labels in template._labels():
        assert set(labels) == set(template.languages)
        for language, label in labels.items():
            check_text(label, 1_000, lines=True)
            arabic = any(unicodedata.name(c).startswith("ARABIC") for c in label if c.isalpha())
            assert arabic == (language == "ar"), label


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=lambda template: template.id)
def test_no_template_makes_an_exercise_look_real_by_itself(template):
    whole = [*(fold(label) for labels in template._labels() for label in labels.values())]
    for words in (*REAL_WORLD_WORDS, *REAL_WORLD_WORDS_AR):
        assert not [label for label in whole if fold(words) in label]


@pytest.mark.parametrize(
    ("template", "field"), CODED, ids=lambda value: getattr(value, "id", None) or value.name
)
def test_a_choice_is_named_by_its_code_or_by_its_label_in_any_language(template, field):
    for value in field.codes:
        for word in (value.code, *value.label.values(), *(label.upper() for label in value.label.values())):
            assert fill(template, {field.name: word}) == {field.name: value.code}
    for label in field.label.values():
        assert fill(template, {label: field.codes[0].code}) == {field.name: field.codes[0].code}
    (shown,) = show_fields(template, {field.name: field.codes[-1].code})
    assert shown.known
    assert dict(shown.shown or {}) == dict(field.codes[-1].label)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=lambda template: template.id)
@pytest.mark.parametrize("style", ["formal", "plain"])
def test_an_opening_stands_in_every_language_and_leaves_no_place_open(template, style):
    for language in template.languages:
        text = opening(template, style, language, {"sender": "مكتب", "sender_state": "Jordan"})
        assert not set("{}") & set(text)
        assert ("Jordan" in text) == (style == "formal")


@given(st.data())
def test_a_form_filled_in_in_one_language_reads_in_every_other(data):
    template, field = data.draw(st.sampled_from(CODED))
    wrote = data.draw(st.sampled_from(template.languages))
    many = len(field.codes) if field.type == "choices" else 1
    numbers = data.draw(st.sets(st.integers(0, len(field.codes) - 1), min_size=1, max_size=many))
    chosen = [field.codes[number] for number in numbers]
    parting = data.draw(st.sampled_from([",", "، ", " ; "]))
    filled = fill(template, {field.label[wrote]: parting.join(code.label[wrote] for code in chosen)})
    assert filled == {field.name: ",".join(code.code for code in field.codes if code in chosen)}
    assert fill(template, filled) == filled
    (shown,) = show_fields(template, filled)
    for language in template.languages:
        for code in chosen:
            assert code.label[language] in in_language(shown.shown or {}, language)


# --- the hash ---


def test_the_vectors_are_those_the_code_makes():
    assert PATH.read_text("utf-8") == text()


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vectors(case):
    assert code_of(read_template, case["file"].encode()) == case["expect"]
    if case["expect"] == "ok":
        assert form_value(reference(read_template(case["file"].encode()))) == case["reference"]


def test_the_released_templates_are_frozen():
    frozen = {case["reference"]["sha256"] for case in VECTORS["cases"] if case["expect"] == "ok"}
    assert {reference(template).sha256 for template in TEMPLATES.values()} <= frozen


def test_a_template_is_found_only_by_its_own_id_version_and_hash():
    named = reference(SMALL)
    here = [*TEMPLATES.values(), SMALL]
    assert find_template(named, here) == SMALL
    assert find_template(named, TEMPLATES.values()) is None
    for changes in ({"id": "jo.other"}, {"version": named.version + 1}, {"sha256": "A" * 43}):
        assert find_template(Template(**{**form_value(named), **changes}), here) is None
    changed = copy.deepcopy(GOOD["template"])
    changed["fields"][0]["codes"][0]["label"]["en"] += " "
    other = form_of(TemplateFile, changed)
    assert (other.id, other.version) == (SMALL.id, SMALL.version)
    assert find_template(named, [other]) is None


@given(st.data())
def test_any_other_label_is_another_template(data):
    template = data.draw(st.sampled_from(list(TEMPLATES.values())))
    value = form_value(template)
    value["title"]["ar"] += data.draw(st.sampled_from("أبتxyz"))
    assert reference(form_of(TemplateFile, value)).sha256 != reference(template).sha256
    assert read_template(form_bytes(template)) == template


def test_a_file_that_is_too_large_is_not_read():
    assert code_of(read_template, b" " * (TEMPLATE_BYTES_MAX + 1)) == "too-large"
    assert code_of(read_template, b'{"v": 2}') == "newer-form"


# --- filling in ---


@pytest.mark.parametrize(
    ("given_as", "filled"),
    [
        ({"sector": "energy"}, {"sector": "energy"}),
        ({"القطاع": "الطاقة"}, {"sector": "energy"}),
        ({"SECTOR": "ENERGY"}, {"sector": "energy"}),
        ({"seen": "logs, mail"}, {"seen": "mail,logs"}),
        ({"seen": "البريد؛السجلات"}, {"seen": "mail,logs"}),
        ({"seen": "mail;mail"}, {"seen": "mail"}),
        ({"at": "2026-11-24T12:00+03:00"}, {"at": "2026-11-24T09:00:00Z"}),
        ({"at": "٢٠٢٦-11-24 09:00z"}, {"at": "2026-11-24T09:00:00Z"}),
        ({"desk": " JO.Technical "}, {"desk": "jo.technical"}),
        ({"count": "٤٢"}, {"count": "42"}),
        ({"note": "any text\nof two lines"}, {"note": "any text\nof two lines"}),
        ({}, {}),
    ],
)  # fmt: skip
def test_a_value_is_read_as_it_travels(given_as, filled):
    assert fill(SMALL, given_as) == filled


@pytest.mark.parametrize(
    "given_as",
    [
        {"unheard_of": "x"}, {"sector": "moon"}, {"sector": ""}, {"sector": "energy,water"},
        {"seen": "mail,moon"}, {"seen": "mail,"}, {"at": "2026-11-24T09:00"}, {"at": "now"},
        {"at": "2026-13-24T09:00Z"}, {"at": "0001-01-01T00:00+14:00"}, {"desk": "jo"}, {"desk": "Jordan"},
        {"count": "many"}, {"count": "1.5"}, {"count": "9" * 16}, {"sector": "energy", "القطاع": "water"},
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_and_the_choice_is_named(given_as):
    with pytest.raises(RefusedError) as refused:
        fill(SMALL, given_as)
    assert refused.value.code == "bad-field"
    if "moon" in given_as.get("sector", ""):
        codes: Any = refused.value.data["codes"]
        assert codes["energy"]["ar"] == "الطاقة"
    if "unheard_of" in given_as:
        assert refused.value.data["fields"] == [field.name for field in SMALL.fields]


# --- showing ---


def test_fields_stand_in_the_templates_order_and_unknown_ones_last_as_they_are():
    shown = show_fields(SMALL, {"zz": "as it is", "note": "text", "sector": "moon", "seen": "mail,logs"})
    assert [(field.name, field.known) for field in shown] == [
        ("sector", False), ("seen", True), ("note", True), ("zz", False)
    ]  # fmt: skip
    assert [field.value for field in shown] == ["moon", "mail,logs", "text", "as it is"]
    assert shown[0].shown is shown[2].shown is shown[3].shown is None
    assert dict(shown[1].shown or {}) == {"en": "Mail, Logs", "ar": "البريد، السجلات"}
    assert shown[3].labels is None


@pytest.mark.parametrize("value", ["mail,moon", "mail,,logs", "mail, logs", ""])
def test_a_value_with_one_unknown_code_is_shown_as_it_is(value):
    (shown,) = show_fields(SMALL, {"seen": value})
    assert (shown.known, shown.shown, shown.value) == (False, None, value)


def test_without_the_template_nothing_is_guessed():
    (shown,) = show_fields(None, {"sector": "energy"})
    assert (shown.name, shown.value, shown.labels, shown.shown, shown.known) == (
        "sector", "energy", None, None, False
    )  # fmt: skip


def test_a_reader_gets_the_nearest_language_there_is():
    assert in_language({"ar": "ع", "en": "E"}, "ar-JO") == "ع"
    assert in_language({"ar": "ع", "en": "E"}, "fr") == "E"
    assert in_language({"fr": "F", "ar": "ع"}, "zh") == "ع"
    assert in_language({"ar": "ع", "ar-JO": "ج"}, "ar-JO") == "ج"


# --- wording ---


def with_label(label):
    value = copy.deepcopy(GOOD["template"])
    value["fields"][0]["codes"][0]["label"] = label
    return form_of(TemplateFile, value)


@pytest.mark.parametrize(
    "label", [{"en": "Real world", "ar": "الطاقة"}, {"en": "Energy", "ar": "هذا ليسَ تمرينًا"}]
)
def test_what_a_code_will_be_shown_as_is_checked_in_every_language(label):
    template = with_label(label)
    lines = rendered(template, {"sector": "energy"})
    body = form_of(MessageBody, {"template": None, "fields": {"sector": "energy"}, "texts": []})
    plain = message_world.draft(status="exercise", exercise="ex-1", body=body)
    assert code_of(check_exercise_text, plain) == "ok"
    told = message_world.draft(status="exercise", exercise="ex-1", body=body, rendered=lines)
    assert code_of(check_exercise_text, told) == "real-world-wording"


def test_every_line_of_a_form_is_rendered_in_every_language():
    lines = rendered(SMALL, {"sector": "energy", "zz": "free"})
    assert lines == ("A small form", "نموذج صغير", "Sector: Energy", "القطاع: الطاقة", "zz: free")


# --- the form ---


def changed_form(edit):
    value = copy.deepcopy(GOOD["template"])
    edit(value, value["fields"])
    return canonical(value)


@pytest.mark.parametrize(
    "edit",
    [
        lambda v, _: v.update(id="Jo"),
        lambda v, _: v.update(id="jo."),
        lambda v, _: v.update(id="a.b.c"),
        lambda v, _: v.update(id="../x"),
        lambda v, _: v.update(version=0),
        lambda v, _: v.update(kind="ping"),
        lambda v, _: v.update(form="poc-other"),
        lambda v, _: v.update(languages=["en", "ar"]),
        lambda v, _: v.update(languages=[]),
        lambda v, _: v["title"].pop("ar"),
        lambda v, _: v["title"].update(fr="x"),
        lambda v, _: v["title"].update(ar="a\u202eb"),
        lambda v, _: v["title"].update(en=""),
        lambda v, _: v["openings"]["formal"].update(en="{recipient}"),
        lambda v, _: v["openings"]["plain"].update(en="{"),
        lambda v, _: v["openings"]["plain"].update(en="}{"),
        lambda v, _: v["openings"]["plain"].update(en="{}"),
        lambda v, f: v["fields"].append(f[0]),
        lambda _, f: f[1]["label"].update(en="sector"),
        lambda _, f: f[0].update(codes=[]),
        lambda _, f: f[0].update(type="text"),
        lambda _, f: f[0]["codes"][1].update(code="energy"),
        lambda _, f: f[0]["codes"].append(f[0]["codes"][0]),
        lambda _, f: f[0]["codes"][0].update(code="Energy"),
        lambda _, f: f[0]["codes"][0].update(code="a,b"),
        lambda _, f: f[0].update(help={"en": "x"}),
        lambda _, f: f[0].update(name="Sector"),
        lambda _, f: f[1]["codes"][0]["label"].update(en="Mail, post"),
        lambda _, f: f[1]["codes"][0]["label"].update(ar="بريد؛ رسائل"),
    ],
)
def test_a_template_that_could_be_read_in_two_ways_is_none(edit):
    assert code_of(read_template, changed_form(edit)) == "bad-form"


@pytest.mark.parametrize(
    ("first", "second"), [("طاقة", "طاقَة"), ("طاقة", "طاقه"), ("أثر", "اثر"), ("water", "المياه")]
)
def test_labels_that_a_search_cannot_tell_apart_are_refused(first, second):
    def edit(_, fields):
        for code, label in zip(fields[0]["codes"], (first, second), strict=True):
            code["label"]["ar"] = label

    assert code_of(read_template, changed_form(edit)) == "bad-form"


def test_one_code_may_have_one_label_in_all_languages():
    def edit(_, fields):
        fields[0]["codes"][0]["label"] = {"en": "energy", "ar": "Energy"}

    assert code_of(read_template, changed_form(edit)) == "ok"
