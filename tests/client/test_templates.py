"""Templates of a desk: which it has, what it takes in, and how a reader sees a form with or without one."""

from __future__ import annotations

import copy

import pytest

from poc.client import templates
from poc.client.prepared import templated_body
from poc.client.preview import preview
from poc.client.templates import Held, add_template, form_view, templates_of
from poc.client.view import message_view
from poc.core.form import form_of
from poc.core.message import MessageBody
from poc.core.strictjson import canonical
from poc.core.template import REST_IN_ORIGINAL, TemplateFile, reference
from poc.errors import RefusedError
from tests.desk_world import draft
from tests.form_examples import GOOD

SMALL = canonical(GOOD["template"])


def small(**changes):
    return canonical({**copy.deepcopy(GOOD["template"]), **changes})


def relabelled():
    """The same id and version, with the Arabic labels of two codes exchanged."""
    value = copy.deepcopy(GOOD["template"])
    first, second = (code["label"] for code in value["fields"][0]["codes"])
    first["ar"], second["ar"] = second["ar"], first["ar"]
    return canonical(value)


def code_of(act, *arguments):
    try:
        act(*arguments)
    except RefusedError as error:
        return error.code
    return "ok"


def texts(body):
    return {text.language: text.text for text in body.texts}


def written(desk, wanted="jo.small", fields=None, **how):
    style = how.pop("style", "plain")
    options = {"language": "ar", "style": style, "text": None, **how}
    return templated_body(desk.known, desk.templates().newest(wanted), fields or {}, **options)


# --- which there are ---


def test_a_home_has_the_programs_templates_and_those_added(tmp_path):
    assert {held.added for held in templates_of(tmp_path).held} == {False}
    added = add_template(tmp_path, SMALL)
    assert added.added
    assert add_template(tmp_path, SMALL).reference == added.reference
    assert templates_of(tmp_path).newest("JO.small ").reference == added.reference
    newer = add_template(tmp_path, small(version=12))
    assert templates_of(tmp_path).newest("jo.small").template.version == 12
    assert templates_of(tmp_path).of(added.reference) is not None
    assert templates_of(tmp_path).of(newer.reference) is not None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "bad-json"),
        (b"{}", "bad-form"),
        (small(id="small"), "template-reserved"),
        (small(id="notification"), "template-reserved"),
        (small(id="notification", version=1), "template-exists"),
        (relabelled(), "template-exists"),
        (small(v=2), "newer-form"),
        (b" " * 300_000, "too-large"),
    ],
)
def test_what_may_not_be_added_leaves_the_home_as_it_was(tmp_path, data, code):
    add_template(tmp_path, SMALL)
    before = templates_of(tmp_path)
    assert code_of(add_template, tmp_path, data) == code
    assert templates_of(tmp_path) == before


def test_an_exported_template_of_the_program_is_here_already(tmp_path):
    exported = canonical(GOOD["template"] | {})
    for held in templates_of(tmp_path).held:
        assert add_template(tmp_path, held.template.model_dump_json(by_alias=True).encode()) == held
    assert not (tmp_path / "templates").exists()
    assert add_template(tmp_path, exported).added


def test_a_home_takes_so_many_templates_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(templates, "TEMPLATES_MAX", 2)
    for version in (1, 2):
        add_template(tmp_path, small(version=version))
    assert code_of(add_template, tmp_path, SMALL) == "too-many-templates"


def test_a_file_that_is_no_template_is_named_and_takes_nothing_from_the_others(tmp_path):
    add_template(tmp_path, SMALL)
    (tmp_path / "templates" / "broken.json").write_text("{")
    (tmp_path / "templates" / "folder.json").mkdir()
    found = templates_of(tmp_path)
    assert found.damaged == ("broken.json", "folder.json")
    assert found.newest("jo.small").added
    assert code_of(found.newest, "jo.other") == "unknown-template"


# --- writing ---


async def test_a_prepared_body_is_bilingual_and_says_what_it_leaves_out(desks):
    jo = desks[0]
    add_template(jo.home, SMALL)
    body, lines = written(jo, fields={"القطاع": "الطاقة"})
    assert texts(body) == {"ar": "مرحبا،", "en": "Hello,"}
    assert [text.role for text in body.texts] == ["original", "courtesy"]
    assert (body.fields, body.template) == (
        {"sector": "energy"},
        reference(form_of(TemplateFile, GOOD["template"])),
    )
    assert set(lines) == {"A small form", "نموذج صغير", "Sector: Energy", "القطاع: الطاقة"}
    body, _ = written(jo, text="نص", style="formal")
    assert texts(body)["ar"] == "تحية من jo.technical في دولة.\n\nنص"
    assert texts(body)["en"].endswith(f"greets you.\n\n{REST_IN_ORIGINAL['en']}")
    body, _ = written(jo, text="نص", courtesy=[("en", "text")])
    assert texts(body) == {"ar": "مرحبا،\n\nنص", "en": "Hello,\n\ntext"}
    body, _ = written(jo, text="texto", language="es")
    hello = {"ar": "مرحبا،", "en": "Hello,"}
    rest = {language: f"{text}\n\n{REST_IN_ORIGINAL[language]}" for language, text in hello.items()}
    assert texts(body) == {"es": "texto", **rest}
    body, _ = written(jo, language="es")
    assert [(text.language, text.role) for text in body.texts] == [("en", "original"), ("ar", "courtesy")]
    body, _ = written(jo, text="نص", style=None, language="ar-JO")
    assert texts(body) == {"ar-JO": "نص"}
    assert written(jo, style=None)[0].texts == ()


async def test_a_code_that_will_be_shown_as_a_real_event_is_refused_in_an_exercise(desks):
    jo = desks[0]
    value = copy.deepcopy(GOOD["template"])
    value["fields"][0]["codes"][0]["label"]["ar"] = "حالة حقيقية"
    add_template(jo.home, canonical(value))
    body, lines = written(jo, fields={"sector": "energy"})
    message = draft(jo, body=body, rendered=lines)
    assert code_of(preview, jo.known, message, ["sd.technical"]) == "real-world-wording"
    with pytest.raises(RefusedError) as refused:
        await jo.send_message(message, ["sd.technical"])
    assert refused.value.code == "real-world-wording"
    unsaid, none = written(jo, fields={"sector": "water"})
    assert code_of(preview, jo.known, draft(jo, body=unsaid, rendered=none), ["sd.technical"]) == "ok"


async def test_separately_is_measured_as_the_largest_of_the_messages(desks):
    jo, _, control = desks
    to = ["sd.technical", control.party]
    together, each = (preview(jo.known, draft(jo), to, separately=apart) for apart in (False, True))
    alone = preview(jo.known, draft(jo), to[:1])
    assert each.size == alone.size
    assert together.size.body_bytes > each.size.body_bytes
    assert (each.to_json()["separately"], together.to_json()["separately"]) == (True, False)


# --- reading ---


async def test_a_form_filled_in_in_arabic_reads_in_english_where_the_same_file_is(desks):
    jo, sd, _ = desks
    add_template(jo.home, SMALL)
    add_template(sd.home, SMALL)
    body, _ = written(jo, fields={"لوحظ في": "السجلات", "ملاحظة": "حر"})
    sent = await jo.send_message(draft(jo, body=body), ["sd.technical"])
    await sd.sync()
    view = message_view(sd.known, sd.show(sent.id))
    assert view["form"]["title"]["en"] == "A small form"
    seen, note = view["form"]["fields"]
    assert (seen["labels"]["en"], seen["shown"]["en"], seen["value"]) == ("Seen in", "Logs", "logs")
    assert (note["labels"]["en"], note["shown"], note["value"]) == ("Note", None, "حر")
    assert view["warnings"] == []


@pytest.mark.parametrize("other", [None, relabelled(), small(version=4)])
async def test_without_the_very_same_file_nothing_is_guessed(desks, other):
    jo, sd, _ = desks
    add_template(jo.home, SMALL)
    if other is not None:
        add_template(sd.home, other)
    body, _ = written(jo, fields={"sector": "energy"})
    sent = await jo.send_message(draft(jo, body=body), ["sd.technical"])
    await sd.sync()
    view = message_view(sd.known, sd.show(sent.id))
    (field,) = view["form"]["fields"]
    assert (field["name"], field["value"], field["labels"], field["shown"]) == (
        "sector",
        "energy",
        None,
        None,
    )
    assert not view["form"]["here"]
    assert view["form"]["sentence"]["en"].startswith("This desk does not have this template")
    assert [warning["code"] for warning in view["warnings"]] == ["template-not-here"]


async def test_what_is_not_in_the_template_is_shown_as_it_was_sent(desks):
    jo = desks[0]
    held = Held(
        form_of(TemplateFile, GOOD["template"]),
        reference(form_of(TemplateFile, GOOD["template"])),
        added=True,
    )
    add_template(jo.home, SMALL)
    value = {"template": held.reference.model_dump(), "fields": {"sector": "moon", "zz": "1"}, "texts": []}
    form = form_view(jo.known, form_of(MessageBody, value))
    assert form is not None
    assert form["sentence"] is None
    assert [(f["value"], f["shown"], f["known"]) for f in form["fields"]] == [
        ("moon", None, False),
        ("1", None, False),
    ]
    assert [f["sentence"]["ar"][:3] for f in form["fields"]] == ["غير", "غير"]
    assert list(templates.unknown_in(form)) == ["field-not-in-template"]
    free = form_view(jo.known, form_of(MessageBody, {**value, "template": None}))
    assert free is not None
    assert list(templates.unknown_in(free)) == []
    assert form_view(jo.known, form_of(MessageBody, {"template": None, "fields": {}, "texts": []})) is None
