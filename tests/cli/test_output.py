"""Nothing from outside steers a terminal (R27): every field that is printed is tried with hostile text."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sqlite3
import unicodedata
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from poc.cli import output
from poc.cli.lookup import _table, card_lines, names_line
from poc.cli.message_text import gap_lines, message_lines, progress_rows, recipient_lines
from poc.cli.output import Progress, Result, Table, both_times, show, show_error
from poc.client.lookup import FoundContact
from poc.client.preview import Preview, RecipientPreview
from poc.client.sequences import Gap
from poc.core.draft import Size
from poc.core.escalation import Plan, Reached
from poc.core.strictjson import canonical
from poc.errors import FaultError, RefusedError, UnreachableError, UsageError
from tests.cli_world import poc, run_here
from tests.message_world import draft

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TIME = "2026-11-24T09:00:00Z"
STEERING = (
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x1b]8;;http://x\x1b\\",
    "\x9b31m",
    "\x90q\x9c",
    "\r",
    "\b",
    "\x7f",
    "\x00",
    "\t",
    "\u202e",
    "\u2066",
    "\u2069",
    "\u200e",
    "\u061c",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\u200b",
    "\u00ad",
    "\U000e0041",
    "\ud800",
    "\ufff9",
    "\x85",
    "\n",
)
PIECES = st.one_of(st.sampled_from(STEERING), st.text(max_size=5), st.sampled_from(["أ", "[red]", ":x:"]))
hostile = st.lists(PIECES).map("".join)


def steering_in(text):
    """What could steer a terminal or hide from its reader; line ends of our own are allowed."""
    return [
        f"U+{ord(c):04X}"
        for c in text
        if c != "\n"
        and (unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") and c not in "\u200c\u200d")
    ]


def printed(act):
    """Everything that reached standard output and standard error, and how many lines it was."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        act()
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
    assert [steering_in(text) for text in texts] == [[], []]
    return texts


@given(hostile)
def test_lines_tables_notes_and_warnings_are_shown_harmless(text):
    table = Table((text, "b"), [(text, text)], text)
    result = Result({text: [text]}, [text], [table], [text], notes=[text])
    out, err = printed(lambda: show(result, as_json=False))
    assert err.startswith("warning: ")
    assert err.count("\n") == 1
    out, _ = printed(lambda: show(result, as_json=True))
    assert out.count("\n") == 1
    assert json.loads(out) == {text: [text]}
    assert out.isascii()


@given(hostile, st.sampled_from([RefusedError, UsageError, UnreachableError, FaultError]))
def test_errors_are_shown_harmless_and_json_is_one_value(detail, kind):
    error = kind("bad-form", detail, named=detail)
    out, err = printed(lambda: show_error(error, as_json=False))
    assert (out, err.count("\n")) == ("", 2)
    out, err = printed(lambda: show_error(error, as_json=True))
    assert (json.loads(out)["named"], err) == (detail, "")


@given(hostile)
def test_progress_is_shown_harmless(text):
    printed(lambda: Progress(asked=True)(text))


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-6", "cp1252", "utf-8"])
def test_a_terminal_that_lacks_a_script_gets_escapes_and_no_fault(encoding, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding, write_through=True)
    monkeypatch.setattr("sys.stdout", stream)
    table = Table(("مكتب",), [("الأردن \ud800",)])
    assert show(Result({}, ["Jordan / الأردن"], [table]), as_json=False) == 0
    assert "Jordan / " in stream.buffer.getvalue().decode(encoding)


def found_contact(text):
    channel = {"kind": text, "value": text, "label": text}
    slots = [{"open": text, "close": text}]
    return FoundContact(
        contact=text,
        state=text,
        state_names={"en": text, "ar": text},
        role=text,
        level=text,
        names={text: text},
        department={"en": text},
        channels=[channel],
        languages=[text],
        zone="Asia/Amman",
        local_time=text,
        hours={
            "always": False,
            "weekly": [{"day": text, **slots[0]}],
            "exceptions": [{"date": text, "slots": slots, "note": text}],
        },
        reachable_now=False,
        next_open_at=TIME,
        confirmed_at=text,
        confirm_due_at=text,
        confirm_overdue=True,
        sealing_overdue=True,
        tested_within_12_months=False,
        custody=f"hosted:{text}",
        alternate_of=text,
        alternates=[text],
        frozen=True,
        state_recovery={"entry": text},
        state_suspension={"reason": text},
        cautions=[text],
        person={"names": {"en": text}, "title": {"en": text}, "channels": [channel]},
        visibility={"person": text},
        not_held=[text],
    )


@given(hostile)
def test_every_field_of_a_contact_is_shown_harmless(text):
    contact = found_contact(text)
    result = Result({}, card_lines(contact, NOW), [_table([contact], text)], contact.warnings())
    printed(lambda: show(result, as_json=False))


def view_of(text):
    both = {"en": text, "ar": text}
    party = {"contact": text, "state": text, "state_names": both, "office_names": {text: text}}
    return {
        "id": text,
        "spoken": [text],
        "voice_code": text,
        "state": text,
        "status": text,
        "marking": both,
        "exercise": {"id": text, "title": both},
        "from": party,
        "to": [text],
        "in_place_of": text,
        "information": [text],
        "kind": text,
        "precedence": text,
        "tlp": text,
        "handling": text,
        "subject": text,
        "officer": text,
        "sent_at": TIME,
        "accepted_at": TIME,
        "deadline": TIME,
        "expires_at": TIME,
        "attribution": both,
        "receipt_sentence": both,
        "texts": [{"language": text, "text": text, "role": "original"}],
        "fields": {text: text},
        "text_code": text,
        "prepared_by": text,
        "withdrawn": {"message": text, "by": text, "at": TIME, "with_hub": True},
        "updates": [{"message": text, "by": text, "at": TIME, "with_hub": True}],
        "addressed": {"alone": True, "others": [text], **both},
        "form": {
            "here": True,
            "title": both,
            "sentence": both,
            "fields": [
                {
                    "name": text,
                    "type": kind,
                    "labels": labels,
                    "value": text,
                    "shown": shown,
                    "known": False,
                    "sentence": both,
                }
                for kind, labels, shown in ((None, None, None), ("time", both, None), ("choice", both, both))
            ],
        },
        "attachments": [
            {"name": text, "media_type": text, "size_bytes": 1, "sha256": text, "missing_bytes": 1}
        ],
        "references": {"thread": text, "in_reply_to": text, "ours": text, "yours": text},
    }


@given(hostile)
def test_every_field_of_a_message_is_shown_harmless_between_its_markings(text):
    lines = message_lines(view_of(text), "ar")
    assert lines[0] == lines[-1] == f"{text} / {text}"
    printed(lambda: show(Result({}, lines), as_json=False))


@given(hostile)
def test_progress_rows_recipients_and_rejections_are_shown_harmless(text):
    contact = {
        "contact": text,
        "spoken": text,
        "as": text,
        "state": text,
        "late": True,
        "overdue": True,
        "reason": text,
        "retrieved_at": TIME,
        "answered_at": TIME,
        "deadline": None,
        "release_at": TIME,
        "recorded": False,
    }
    message = {"id": text, "state": text, "reason": text, "deadline": TIME, "contacts": [contact]}
    message["withdrawn"] = {"at": TIME}
    table = Table(tuple(map(str, range(8))), list(progress_rows(message)))
    at = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    reached = Reached(text, "action", at, at, "alternate", text)
    shown = RecipientPreview(reached, 1, found_contact(text), (text,))
    office = replace(shown, shown=None)
    preview = Preview(
        draft(respond_by=at), Plan(at, (reached,)), (shown, office), (text,), Size(1, 2, 3, (4,)), 4
    )
    gap = Gap(text, text, text, 2, 3).to_json()
    lines = [
        *recipient_lines(preview),
        *recipient_lines(replace(preview, separately=True)),
        *gap_lines([gap]),
        f"not taken by the hub: {text}",
    ]
    printed(lambda: show(Result(preview.to_json(), lines, [table], preview.warnings()), as_json=False))
    assert names_line({"en": text}) == text


def test_both_times_name_the_day_where_it_differs():
    from zoneinfo import ZoneInfo

    late = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)
    assert both_times(late, ZoneInfo("Asia/Amman")) == "2026-11-24 22:30:00 UTC (2026-11-25 01:30 +0300)"
    assert output.short_id("01a20e18-d470-7a1c-8110-fad725bbdc22") == "…fad725bbdc22"


COMMANDS = """\
lookup X
lookup --state X
lookup --id X
lookup --language X
lookup --at X
lookup --role X
X
message X
message show X
message acknowledge X --next X
message decline X --reason X
message evidence X --out X/X
exercise show X
exercise end X
exercise tally X
exercise ping X --within X
exercise open --title X --participants X --for X
exercise open --title en=X --participants X --for 1h
evidence verify X/X --fingerprint X
evidence verify X/X --fingerprint 00
message send --to X --subject X
message send --to sd.technical --subject X
message send --to sd.technical --subject S --text X --dry-run
message send --to sd.technical --subject S --officer X --dry-run
message send --to sd.technical --subject S --attach X/X
message send --to sd.technical --subject S --exercise X
message send --to sd.technical --subject S --field a=X
message send --to sd.technical --subject S --courtesy ar=X/X
message send --to sd.technical --subject S --reply-to X
verify X
sync X
key export X""".splitlines()


@pytest.fixture(scope="session")
def home_to_try(template, tmp_path_factory):
    return shutil.copytree(template["jo"], tmp_path_factory.mktemp("tried") / "jo")


@pytest.mark.parametrize("text", ["".join(STEERING), "\udcff", "--\x1b[2J"], ids=["all", "byte", "option"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_hostile_word_is_never_a_fault_nor_repeated_raw(home_to_try, command, text):
    words = [word.replace("X", text) for word in command.split(" ")]
    for as_json in ((), ("--json",)):
        outcome = run_here(*as_json, *words, home=home_to_try)
        assert outcome.code in (0, 1, 2, 3), outcome
        assert steering_in(outcome.out) == steering_in(outcome.err) == []
    assert outcome.value is not None


@pytest.mark.parametrize("text", ["\x1b[2J\x07", "\x9b31m", "a\u202eb\u2028c", "x\r\ny"])
def test_reasons_and_states_kept_in_the_home_are_shown_harmless(kept, text):
    with closing(sqlite3.connect(kept["jo"] / "trust.db", isolation_level=None)) as db:
        db.execute("UPDATE outbox SET state = 'rejected', reason = ?", (f"{text}: {text}",))
    with closing(sqlite3.connect(kept["sd"] / "trust.db", isolation_level=None)) as db:
        db.execute("UPDATE inbox SET state = ?, reason = ?", (text, text))
    for home, words in (("jo", "outbox"), ("sd", "inbox")):
        for as_json in ((), ("--json",)):
            outcome = run_here("message", words, *as_json, home=kept[home])
            assert outcome.code == 0, outcome
            assert steering_in(outcome.out) == steering_in(outcome.err) == []


@pytest.mark.parametrize("status", [400, 403, 409, 500])
@pytest.mark.parametrize("as_json", [(), ("--json",)])
async def test_what_a_hostile_hub_says_is_shown_harmless(kept, status, as_json):
    problem = {"code": "\x1b[2J", "title": "\x9b31m", "detail": "\x1b]0;t\x07\u202e\u2028", "next": "\x1b[2J"}

    async def answer(_request):
        return web.Response(status=status, body=canonical(problem), content_type="application/problem+json")

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        config = kept["jo"] / "config.toml"
        lines = [line for line in config.read_text().splitlines() if not line.startswith("hub_url")]
        config.write_text(
            "\n".join([f'hub_url = "http://127.0.0.1:{runner.addresses[0][1]}"', *lines]) + "\n"
        )
        outcome = await poc("sync", *as_json, home=kept["jo"])
    finally:
        await runner.cleanup()
    assert outcome.code in (1, 3), outcome
    assert steering_in(outcome.out) == steering_in(outcome.err) == []
