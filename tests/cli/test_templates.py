"""``poc template`` and conversations through the command line: what a person types, sees and is refused."""

from __future__ import annotations

import json

import pytest

from poc.core.strictjson import canonical
from tests.cli_world import poc, run_here
from tests.form_examples import GOOD

SMALL = canonical(GOOD["template"])
NOT_DESK = ("message", "send", "--to", "sd.technical", "--status", "test", "--dry-run", "--json")


def refused(outcome, code, exit_code=1):
    assert (outcome.code, outcome.value["code"]) == (exit_code, code), outcome
    assert outcome.value["next"]
    return outcome.value


# --- templates ---


def test_the_list_needs_no_home_and_shows_every_title_in_both_languages(tmp_path):
    listed = run_here("template", "list", "--json", home=tmp_path / "none").value
    assert {row["id"] for row in listed["templates"]} >= {"notification", "exercise-looks-like-attack"}
    people = run_here("template", "list", home=tmp_path / "none")
    for row in listed["templates"]:
        assert row["title"]["ar"] in people.out
        assert row["title"]["en"].split()[0] in people.out


def test_the_blank_form_shows_every_code_with_its_labels_and_no_control(tmp_path):
    shown = run_here("template", "show", "notification", "--json", home=tmp_path).value
    people = run_here("template", "show", "notification", home=tmp_path).out
    for field in shown["fields"]:
        assert f"--field {field['name']}=" in people
        for code in field["codes"]:
            assert code["label"]["ar"] in people
            assert code["label"]["en"] in people
    assert shown["sha256"] in people
    assert not [c for c in people if c in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"]
    refused(run_here("template", "show", "no-such", "--json", home=tmp_path), "unknown-template")


def test_a_template_travels_as_a_file_and_is_listed_as_added(kept, tmp_path):
    given = tmp_path / "small.json"
    given.write_bytes(json.dumps(GOOD["template"]).encode())
    added = run_here("template", "add", given, "--json", home=kept["jo"]).value
    assert (added["id"], added["added"]) == ("jo.small", True)
    out = tmp_path / "out.json"
    made = run_here("template", "export", "jo.small", "--out", out, "--json", home=kept["jo"]).value
    assert made["sha256"] == added["sha256"]
    again = run_here("template", "add", "-", "--json", home=kept["sd"], stdin=out.read_bytes()).value
    assert again["sha256"] == added["sha256"]
    rows = run_here("template", "list", "--json", home=kept["sd"]).value["templates"]
    assert [row["id"] for row in rows if row["added"]] == ["jo.small"]
    refused(
        run_here("template", "export", "jo.small", "--out", out, "--json", home=kept["jo"]), "file-exists"
    )
    changed = {**GOOD["template"], "about": {"en": "Other.", "ar": "آخر."}}
    given.write_bytes(canonical(changed))
    refused(run_here("template", "add", given, "--json", home=kept["jo"]), "template-exists")
    refused(run_here("template", "add", given, "--json", home=tmp_path / "none"), "not-a-desk")
    (kept["jo"] / "templates" / "bad.json").write_text("no")
    told = run_here("template", "list", home=kept["jo"])
    assert "templates/bad.json is no template" in told.err


def test_a_dry_run_shows_what_a_template_makes_before_anything_is_sealed(kept):
    words = (
        *NOT_DESK,
        "--template",
        "notification",
        "--language",
        "ar",
        "--field",
        "القطاعات المتأثرة=الطاقة، المياه",
    )
    value = run_here(*words, home=kept["jo"]).value
    assert (value["kind"], value["subject"], value["state"]) == ("notification", "إشعار بحادث", "not-sent")
    assert value["body"]["fields"] == {"sectors": "energy,water"}
    assert [text["language"] for text in value["body"]["texts"]] == ["ar", "en"]
    assert value["body"]["template"]["id"] == "notification"
    people = run_here(*(word for word in words if word != "--json"), "--formal", home=kept["jo"])
    assert "Sectors affected: Energy, Water" in people.out
    assert "أطيب تحياتنا" in people.out
    assert "presents its compliments" in people.out


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("--template", "no-such"), "unknown-template", 1),
        (("--template", "notification", "--field", "stage=moon"), "bad-field", 1),
        (("--template", "notification", "--field", "unheard=x"), "bad-field", 1),
        (("--template", "notification", "--field", "started_at=yesterday"), "bad-field", 1),
        (("--template", "update", "--field", "stage=confirmed", "--field", "مرحلة الحادث=x"), "bad-field", 1),
        (("--template", "notification", "--formal", "--plain"), "usage", 2),
        (("--subject", "x", "--formal"), "usage", 2),
        (("--subject", "x", "--field", "القطاع=x"), "usage", 2),
        ((), "usage", 2),
        (("--template", "withdrawal"), "names-no-message", 1),
        (("--template", "notification", "--text", "this is not a drill"), "real-world-wording", 1),
        (("--template", "notification", "--field", "services=REAL  world"), "real-world-wording", 1),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_before_anything_is_sealed(kept, words, code, exit_code):
    value = refused(run_here(*NOT_DESK, *words, home=kept["jo"]), code, exit_code)
    if "stage=moon" in words:
        assert value["codes"]["confirmed"]["ar"] == "مؤكد"
    if "unheard=x" in words:
        assert "sectors" in value["fields"]


# --- conversations ---


@pytest.mark.long
async def test_one_command_each_replies_corrects_withdraws_and_shows_the_whole_conversation(homes):
    jo, sd, eg = homes["jo"], homes["sd"], homes["eg"]
    to = (
        "--to",
        "sd.technical",
        "--information",
        "eg.diplomatic",
        "--status",
        "test",
        "--precedence",
        "flash",
    )
    form = ("--template", "notification", "--language", "ar", "--field", "stage=مؤكد")
    sent = await poc("message", "send", *to, *form, "--json", home=jo)
    assert sent.code == 0, sent
    assert "each recipient sees the others" in sent.err
    first = sent.value["id"]
    for home in (sd, eg):
        await poc("sync", home=home)
    shown = await poc("message", "show", first, home=eg)
    assert "Sent also to sd.technical" in shown.out
    assert "Stage of the incident: Confirmed" in shown.out
    assert "مرحلة الحادث: مؤكد" in (await poc("message", "show", first, "--language", "ar", home=eg)).out
    with (eg / "config.toml").open("a") as settings:
        settings.write('language = "ar"\n')
    assert "مرحلة الحادث: مؤكد" in (await poc("message", "show", first, home=eg)).out
    assert (await poc("message", "acknowledge", first, "--officer", "07", home=sd)).code == 0
    reply = await poc(
        "message", "reply", first[-8:], "--text", "Seen", "--field", "found=no", "--json", home=sd
    )
    assert reply.code == 0, reply
    assert reply.value["spoken"] == ["SD-TECH to JO-TECH 1"]
    for verb in (("update",), ("withdraw",), ("close",), ("correct", "--what", "x")):
        words = ("message", verb[0], first, *verb[1:], "--json")
        refused(await poc(*words, home=sd), "not-the-originator")
    await poc("sync", home=jo)
    dry = await poc("message", "close", reply.value["id"], "--dry-run", "--json", home=jo)
    assert (dry.value["kind"], dry.value["precedence"], dry.value["status"]) == ("closure", "flash", "test")
    assert [(row["contact"], row["as"]) for row in dry.value["recipients"]] == [
        ("eg.diplomatic", "information"), ("sd.technical", "action")
    ]  # fmt: skip
    corrected = await poc("message", "correct", first, "--what", "the stage", "--right", "contained", home=jo)
    assert corrected.code == 0, corrected
    gone = await poc("message", "withdraw", first, "--reason", "sent-in-error", "--json", home=jo)
    assert gone.code == 0, gone
    refused(await poc("message", "withdraw", first, "--json", home=jo), "already-withdrawn")
    for home in (sd, jo):
        await poc("sync", home=home)
    inbox = (await poc("message", "inbox", "--json", home=sd)).value
    assert inbox["missing"] == []
    (row,) = [row for row in inbox["messages"] if row["message"] == first]
    assert row["withdrawn"]["message"] == gone.value["id"]
    assert "WITHDRAWN" in (await poc("message", "inbox", home=sd)).out
    assert "WITHDRAWN" in (await poc("message", "outbox", home=jo)).out
    again = await poc("message", "show", first, home=sd)
    assert "WITHDRAWN   " in again.out
    assert "مسحوبة" in again.err
    thread = (await poc("message", "thread", gone.value["id"], "--json", home=jo)).value
    assert [one["kind"] for one in thread["messages"]] == ["notification", "reply", "update", "withdrawal"]
    assert thread["messages"][2]["fields"] == {
        "nature": "correction", "corrects": "the stage", "correct_is": "contained"
    }  # fmt: skip
    assert thread["messages"][2]["texts"][0]["language"] == "ar"
    people = (await poc("message", "thread", first, home=jo)).out
    assert "acknowledged by sd.technical at" in people
    assert "officer 07" in people
    assert people.index("notification from") < people.index("reply from") < people.index("withdrawal from")


def test_a_conversation_needs_a_message_and_says_what_it_would_send(kept):
    refused(run_here("message", "reply", "ffff0000", "--json", home=kept["sd"]), "unknown-message")
    refused(run_here("message", "correct", "ffff0000", "--json", home=kept["sd"]), "usage", 2)
    inbox = run_here("message", "inbox", "--json", home=kept["sd"]).value["messages"]
    (first,) = [row["message"] for row in inbox if row["from"] == "jo.technical"]
    dry = run_here("message", "clarify", first, "--dry-run", home=kept["sd"])
    assert "Question: A kept notice" in dry.out
    assert "we have a question about your message" in dry.out
    assert "لدينا سؤال عن رسالتكم" in dry.out
    thread = run_here("message", "thread", first, "--json", home=kept["sd"]).value
    assert [one["id"] for one in thread["messages"]] == [first]
