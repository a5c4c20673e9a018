"""Sync, messages and evidence through the command line, against a running hub and without one."""

from __future__ import annotations

import asyncio
import json

import pytest

from poc.limits import INLINE_ATTACHMENTS_BYTES_MAX
from tests.cli_world import LiveWorld, make_home, poc, poc_process, run_here
from tests.desk_world import CONTROLLER
from tests.registry import REGISTRARS

SEND = ("message", "send", "--subject", "A notice", "--status", "test")
CONCURRENCE = "Receipt does not indicate concurrence with the content."


def refused(outcome, code, exit_code=1):
    assert (outcome.code, outcome.value["code"]) == (exit_code, code), outcome
    assert outcome.value["message"]
    assert outcome.value["next"]
    return outcome.value


async def test_two_desks_as_processes_send_acknowledge_and_prove(homes, live, tmp_path):
    jo, sd = homes["jo"], homes["sd"]
    words = (*SEND, "--to", "sd.technical", "--text", "Body", "--tlp", "TLP:GREEN", "--json")
    sent = await poc_process(*words, home=jo)
    assert sent.code == 0, sent
    assert (sent.value["state"], sent.value["spoken"]) == ("accepted", ["JO-TECH to SD-TECH 1"])
    assert "sd.technical for action: Desk of sd.technical / مكتب, Sudan / السودان" in sent.err
    assert (await poc_process("sync", "--json", home=sd)).value["received"] == 1
    shown = await poc_process("message", "show", sent.value["id"][-6:], home=sd)
    code = sent.value["voice_code"]
    assert f"{code[:4]} {code[4:]}" in shown.out
    told = await poc_process("message", "acknowledge", sent.value["id"], "--officer", "07", home=sd)
    assert told.code == 0, told
    assert CONCURRENCE in told.out
    assert "إشعار بالاستلام لا يعني الموافقة" in told.out
    assert (await poc_process("sync", home=jo)).code == 0
    (row,) = (await poc("message", "outbox", "--json", home=jo)).value["messages"][0]["contacts"]
    assert (row["state"], row["officer"], row["late"]) == ("acknowledged", "07", False)
    file = tmp_path / "evidence.json"
    made = await poc_process("message", "evidence", sent.value["id"], "--out", file, "--disclose", home=jo)
    assert made.code == 0, made
    pin = live.registry.directory.fingerprint
    proof = await poc_process(
        "evidence", "verify", "-", "--fingerprint", pin, "--json", stdin=file.read_bytes()
    )
    assert (proof.code, proof.value["verified"], proof.value["author_proven"]) == (0, True, True)
    assert proof.value["timeline"][0]["event"] == "sent"
    assert proof.value["voice_code"] == code
    people = await poc_process("evidence", "verify", file, "--fingerprint", pin)
    assert "not proven: that anybody read, understood or agreed" in people.out
    again = await poc("message", "evidence", sent.value["id"], "--out", file, "--json", home=jo)
    refused(again, "file-exists")


async def test_evidence_that_discloses_nothing_says_what_it_leaves_open(homes, live, tmp_path):
    sent = await poc(*SEND, "--to", "sd.technical", "--json", home=homes["jo"])
    file = tmp_path / "evidence.json"
    assert (await poc("message", "evidence", sent.value["id"], "--out", file, home=homes["jo"])).code == 0
    pin = live.registry.directory.fingerprint
    proof = (await poc("evidence", "verify", file, "--fingerprint", pin, "--json")).value
    assert (proof["verified"], proof["author_proven"], proof["voice_code"]) == (True, False, None)
    assert any("author" in sentence for sentence in proof["not_proven"])
    refused(await poc("evidence", "verify", "-", "--fingerprint", pin, "--json", stdin=b"{"), "bad-json")
    assert b"A notice" not in file.read_bytes()


async def test_one_message_for_each_contact_when_sent_separately(homes):
    words = (
        "--to",
        "sd.technical",
        "--to",
        "eg.diplomatic",
        "--information",
        "x-arcc.controller-1",
        "--separately",
    )
    sent = await poc(*SEND, *words, "--json", home=homes["jo"])
    assert sent.code == 0, sent
    messages = sent.value["messages"]
    assert [len(one["spoken"]) for one in messages] == [1, 1, 1]
    assert len({one["voice_code"] for one in messages}) == 3
    assert "x-las; that body could read and answer" in sent.err
    together = await poc(
        *SEND, "--to", "sd.technical", "--information", "eg.diplomatic", "--json", home=homes["jo"]
    )
    assert [row["as"] for row in together.value["recipients"]] == ["information", "action"]


async def test_a_reply_goes_to_the_sender_under_the_same_thread(homes):
    jo, sd = homes["jo"], homes["sd"]
    sent = await poc(*SEND, "--to", "sd.technical", "--our-reference", "JO/7", "--json", home=jo)
    await poc("sync", home=sd)
    reply = await poc(
        "message",
        "send",
        "--reply-to",
        sent.value["id"],
        "--subject",
        "Re",
        "--status",
        "test",
        "--json",
        home=sd,
    )
    assert reply.code == 0, reply
    await poc("sync", home=jo)
    shown = (await poc("message", "show", reply.value["id"], "--json", home=jo)).value
    assert shown["references"] == {
        "thread": sent.value["id"], "in_reply_to": sent.value["id"], "ours": None, "yours": "JO/7",
    }  # fmt: skip
    assert (shown["kind"], shown["from"]["contact"]) == ("reply", "sd.technical")


async def test_a_message_the_hub_rejects_is_refused_with_its_code(homes):
    control, jo = homes["x-arcc"], homes["jo"]
    opened = ("exercise", "open", "--id", "ex-1", "--title", "en=One", "--participants", "all", "--for", "1h")
    assert (await poc(*opened, home=control)).code == 0
    await poc("sync", home=jo)
    assert (await poc("exercise", "end", "ex-1", home=control)).code == 0
    sent = await poc("message", "send", "--subject", "Late", "--to", "sd.technical", "--json", home=jo)
    value = refused(sent, "exercise-not-open")
    assert value["state"] == "rejected"
    rows = (await poc("message", "outbox", "--json", home=jo)).value["messages"]
    assert [(row["id"], row["state"]) for row in rows] == [(value["id"], "rejected")]
    each = ("--to", "sd.technical", "--to", "eg.diplomatic", "--separately")
    several = await poc("message", "send", "--subject", "Late", *each, "--json", home=jo)
    assert several.code == 1
    assert [one["state"] for one in several.value["messages"]] == ["rejected", "rejected"]
    assert several.err.count("the hub rejected") == 2


async def test_progress_and_what_was_rejected_are_told_by_sync(homes):
    outcome = await poc("sync", "--progress", "--json", home=homes["jo"])
    assert outcome.code == 0
    assert "syncing for 0 s" in outcome.err
    assert {"size", "entries", "sent", "received", "rejected", "waiting"} <= outcome.value.keys()
    people = await poc("sync", home=homes["jo"])
    assert "entries, every one verified here" in people.out


async def test_a_fork_is_loud_proven_and_nothing_of_it_is_taken(homes, live, tmp_path):
    jo = homes["jo"]
    before = (await poc("verify", "--json", home=jo)).value
    other = LiveWorld(tmp_path / "other", live.registry)
    (tmp_path / "other").mkdir()
    async with other.running():  # the same genesis, then entries logged at other times
        live.registry.entries = live.registry.entries[:3]
        await asyncio.sleep(1.1)
        await other.fill()
        config = jo / "config.toml"
        config.write_text(config.read_text().replace(live.origin, other.origin))
        outcome = await poc("sync", "--json", home=jo)
    refused(outcome, "fork")
    assert outcome.err.startswith("ALARM ALARM ALARM")
    after = (await poc("verify", "--json", home=jo)).value
    assert (after["root"], after["contradictions"]) == (before["root"], 1)


# --- without a hub -----------------------------------------------------------------------------


def test_a_hub_that_is_down_is_told_with_what_waits(kept):
    sent = run_here(*SEND, "--to", "sd.technical", "--json", home=kept["jo"])
    assert (sent.code, sent.value["state"]) == (0, "waiting")
    assert "kept in the outbox" in sent.err
    value = refused(run_here("sync", "--json", home=kept["jo"]), "hub-unreachable", 3)
    assert value["waiting"] == 1
    assert "1 kept in the outbox" in run_here("sync", home=kept["jo"]).err
    told = run_here("message", "acknowledge", inbox(kept["sd"], "notification"), "--json", home=kept["sd"])
    assert (told.code, told.value["state"]) == (0, "waiting")
    evidence = run_here(
        "message", "evidence", sent.value["id"], "--out", kept["jo"] / "e", "--json", home=kept["jo"]
    )
    refused(evidence, "hub-unreachable", 3)
    assert not (kept["jo"] / "e").exists()


def inbox(home, kind):
    rows = run_here("message", "inbox", "--json", home=home).value["messages"]
    return next(row["message"] for row in rows if row["kind"] == kind)


def test_the_inbox_shows_subjects_and_only_what_is_new_if_asked(kept):
    shown = run_here("message", "inbox", home=kept["sd"])
    assert "A kept notice" in shown.out
    message = inbox(kept["sd"], "notification")
    assert run_here("message", "decline", message, "--reason", "not-competent", home=kept["sd"]).code == 0
    new = run_here("message", "inbox", "--new", "--json", home=kept["sd"]).value["messages"]
    assert [row["kind"] for row in new] == ["ping"]


def test_a_message_is_shown_between_its_markings_with_both_times(kept):
    message = inbox(kept["sd"], "notification")
    lines = run_here("message", "show", message, home=kept["sd"]).out.splitlines()
    assert lines[0] == lines[-1] == "TEST / اختبار"
    assert {"Line one", "Line two", "sector: energy", CONCURRENCE} <= set(lines)
    assert any(line.startswith("answer by") and "UTC (" in line for line in lines)
    ping = run_here("message", "show", inbox(kept["sd"], "ping"), home=kept["sd"]).out.splitlines()
    assert ping[0] == ping[-1] == "EXERCISE EXERCISE EXERCISE / تمرين تمرين تمرين"


def test_attachments_are_saved_as_they_came_and_never_over_a_file(kept, tmp_path):
    message = inbox(kept["sd"], "notification")
    words = ("message", "show", message, "--save", tmp_path / "out", "--json")
    (path,) = run_here(*words, home=kept["sd"]).value["saved"]
    assert json.loads((tmp_path / "out" / "01-advisory.json").read_text()) == {"title": "advisory"}
    assert path.endswith("01-advisory.json")
    assert run_here(*words, home=kept["sd"]).value["saved"] == [path]
    (tmp_path / "out" / "01-advisory.json").write_text("another")
    refused(run_here(*words, home=kept["sd"]), "file-exists")


def test_a_dry_run_seals_nothing_and_needs_no_passphrase(kept):
    (kept["jo"] / "passphrase").unlink()
    outcome = run_here(*SEND, "--to", "sd.technical", "--dry-run", "--json", home=kept["jo"])
    assert (outcome.code, outcome.value["state"]) == (0, "not-sent"), outcome
    assert outcome.value["size"]["body_bytes"] > outcome.value["size"]["plaintext_bytes"] == 4096
    assert "nothing was sealed" in run_here(*SEND, "--to", "sd.technical", "--dry-run", home=kept["jo"]).out


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("--to", "sd.tecnical"), "unknown-contact", 1),
        (("--to", "sd"), "unknown-contact", 1),
        (("--to", "\x1b[2J"), "unknown-contact", 1),
        (("--to", "eg.duty"), "not-verified", 1),
        (("--to", "jo.technical"), "no-addressee", 1),
        ((), "usage", 2),
        (("--to", "sd.technical", "--status", "actual"), "status-not-admitted", 1),
        (("--to", "sd.technical", "--exercise", "ex-kept"), "usage", 2),
        (("--to", "sd.technical", "--status", "exercise", "--exercise", "ex-none"), "exercise-unknown", 1),
        (("--to", "sd.technical", "--text", "This is NOT a drill!"), "real-world-wording", 1),
        (("--to", "sd.technical", "--text", "هذا ليس تمرينًا"), "real-world-wording", 1),
        (("--to", "sd.technical", "--text", "a\x1b[2Jb"), "bad-form", 1),
        (("--to", "sd.technical", "--text", "a\u202eb"), "bad-form", 1),
        (("--to", "sd.technical", "--text", "a", "--text-file", "-"), "usage", 2),
        (("--to", "sd.technical", "--text-file", "nowhere.txt"), "no-such-file", 2),
        (("--to", "sd.technical", "--attach", "nowhere.bin"), "no-such-file", 2),
        (("--to", "sd.technical", "--courtesy", "ar=nowhere.txt"), "no-such-file", 2),
        (("--to", "sd.technical", "--language", "English", "--text", "x"), "bad-form", 1),
        (("--to", "sd.technical", "--field", "a=1", "--field", "a=2"), "bad-form", 1),
        (("--to", "sd.technical", "--field", "A=1"), "usage", 2),
        (("--to", "sd.technical", "--officer", "a code that is far too long"), "bad-form", 1),
        (("--to", "sd.technical", "--expires-in", "31d"), "expires-too-late", 1),
        (("--to", "sd.technical", "--expires-in", "soon"), "usage", 2),
        (("--to", "sd.technical", "--respond-by", "2020-01-01T00:00Z"), "bad-times", 1),
        (("--to", "sd.technical", "--respond-by", "2099-01-01T00:00Z"), "bad-times", 1),
        (("--to", "sd.technical", "--respond-within", "1h", "--respond-by", "2026-12-01T00:00Z"), "usage", 2),
        (("--to", "sd.technical", "--kind", "ping"), "usage", 2),
        (("--to", "sd.technical", "--tlp", "TLP:amber"), "usage", 2),
        (("--to", "sd.technical", "--reply-to", "ffff"), "unknown-message", 1),
    ],
)
def test_what_cannot_be_sent_is_refused_and_nothing_is_kept(kept, words, code, exit_code):
    value = refused(run_here(*SEND, *words, "--json", home=kept["jo"]), code, exit_code)
    if code == "unknown-contact" and words[1].startswith("sd"):
        assert value["nearest"] == "sd.technical"
    rows = run_here("message", "outbox", "--json", home=kept["jo"]).value["messages"]
    assert len(rows) == 1


def test_an_attachment_that_is_too_large_says_by_how_much(kept, tmp_path):
    file = tmp_path / "large.bin"
    file.write_bytes(bytes(8_257_537))
    words = (*SEND, "--to", "sd.technical", "--attach", file, "--json")
    assert refused(run_here(*words, home=kept["jo"]), "attachments-too-large")["over_bytes"] == 16


def test_a_dry_run_says_how_large_the_attachments_are_that_travel_apart(kept, tmp_path):
    file = tmp_path / "large.bin"
    words = (*SEND, "--to", "sd.technical", "--attach", file, "--dry-run")
    for size, apart in ((INLINE_ATTACHMENTS_BYTES_MAX, []), (INLINE_ATTACHMENTS_BYTES_MAX + 1, [17_424])):
        file.write_bytes(b"x" * size)
        assert run_here(*words, "--json", home=kept["jo"]).value["size"]["blob_bytes"] == apart
    assert "attachment 1 travels apart: 17424 bytes" in run_here(*words, home=kept["jo"]).out


def test_without_a_status_the_one_open_exercise_is_used_or_the_candidates_named(kept):
    words = ("message", "send", "--subject", "A notice", "--json")
    sent = run_here(*words, "--to", "sd.technical", home=kept["jo"])
    assert sent.code == 0, sent
    shown = run_here("message", "show", sent.value["id"], "--json", home=kept["jo"]).value
    assert (shown["status"], shown["exercise"]["id"]) == ("exercise", "ex-kept")
    controller = run_here(*words, "--to", "x-arcc.controller-1", home=kept["jo"])
    assert controller.code == 0


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("show", "ffffffff"), "unknown-message", 1),
        (("show", ""), "unknown-message", 1),
        (("show",), "usage", 2),
        (("acknowledge", "ffffffff"), "unknown-message", 1),
        (("acknowledge", "PING"), "usage", 2),
        (("acknowledge", "NOTE", "--next", "later"), "usage", 2),
        (("acknowledge", "NOTE", "--next", "reply-by"), "usage", 2),
        (("acknowledge", "NOTE", "--next", "reply-by=tomorrow"), "usage", 2),
        (("acknowledge", "NOTE", "--next", "passed-to=NOBODY"), "usage", 2),
        (("acknowledge", "NOTE", "--next", "no-reply=x"), "usage", 2),
        (("acknowledge", "NOTE", "--officer", "x" * 17), "bad-form", 1),
        (("decline",), "usage", 2),
        (("decline", "NOTE", "--reason", "Because we say so"), "bad-form", 1),
        (("evidence",), "usage", 2),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(kept, words, code, exit_code):
    ids = {"PING": inbox(kept["sd"], "ping"), "NOTE": inbox(kept["sd"], "notification")}
    given = [ids.get(word, word) for word in words]
    refused(run_here("message", *given, "--json", home=kept["sd"]), code, exit_code)


def test_the_first_answer_stands_and_a_second_is_refused(kept):
    message = inbox(kept["sd"], "notification")
    words = ("message", "acknowledge", message, "--next", "reply-by=2026-12-01T09:00Z", "--json")
    assert run_here(*words, home=kept["sd"]).code == 0
    refused(run_here(*words, home=kept["sd"]), "answer-used")


def test_the_sender_does_not_acknowledge_its_own_message(kept):
    message = run_here("message", "outbox", "--json", home=kept["jo"]).value["messages"][0]["id"]
    refused(run_here("message", "acknowledge", message, "--json", home=kept["jo"]), "own-cannot-answer")


def test_without_the_passphrase_nothing_sealed_is_shown(kept):
    (kept["sd"] / "passphrase").unlink()
    for words in (("inbox",), ("outbox",), ("show", "ffff")):
        refused(run_here("message", *words, "--json", home=kept["sd"]), "no-passphrase", 2)


async def test_a_home_that_is_not_enrolled_syncs_the_log_and_says_why_no_more(homes, live, tmp_path):
    outsider = await make_home(live, tmp_path / "qa", "qa")
    home = homes["jo"]
    for name in ("trust.db", "config.toml"):
        (outsider / name).write_bytes((home / name).read_bytes())
    outcome = await poc("sync", "--json", home=outsider)
    assert outcome.code == 0, outcome
    assert outcome.value["failed"] == []
    assert [told for told in outcome.value["warnings"] if "not enrolled yet" in told]


async def test_a_desk_that_ends_its_own_device_is_told_that_it_was_done(homes):
    words = ("contact", "device-revoke", "jo.technical", "1", "--reason", "lost", "--json")
    unasked = await poc(*words, home=homes["jo"])
    assert "the only one of jo.technical" in refused(unasked, "not-confirmed", 2)["message"]
    assert (await poc("contact", "show", "jo.technical", "--json", home=homes["jo"])).value["devices"]
    outcome = await poc(*words, "--yes", home=homes["jo"])
    assert outcome.code == 0, outcome
    assert outcome.value["type"] == "contact.device-revoke"
    assert "this is the device of this home" in outcome.err


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("message", "send", "--to", "sd.technical", "--subject", "s", "--text", " "), "text-empty", 1),
        (("message", "send", "--to", "sd.technical", "--subject", ""), "text-empty", 1),
        (("exercise", "ping", "ex-kept"), "right-missing", 1),
        (("contact", "update", "jo.technical"), "usage", 2),
    ],
)
def test_mistakes_are_named_as_what_they_are(kept, words, code, exit_code):
    refused(run_here(*words, "--json", home=kept["jo"]), code, exit_code)


def test_a_contact_is_shown_in_words(kept):
    shown = run_here("contact", "show", "sd.technical", home=kept["jo"]).out
    assert "machine_receipts: yes" in shown
    assert "alternate_of: none" in shown
    assert "poc lookup --id sd.technical" in shown


def test_a_wrong_member_is_told_without_words_of_a_library(kept):
    value = run_here(*SEND, "--to", "sd.technical", "--text", "a\x1bb", "--json", home=kept["jo"]).value
    assert "Value error" not in value["message"]
    assert "U+001B" in value["message"]


async def test_a_message_of_a_subject_alone_is_sent_with_a_warning(homes):
    words = (*SEND, "--to", "sd.technical", "--json")
    bare = await poc(*words, home=homes["jo"])
    assert (bare.code, bare.value["state"]) == (0, "accepted")
    assert "the body is empty" in bare.err
    for more in (("--text", "Body"), ("--field", "sector=energy"), ("--attach", __file__)):
        assert "the body is empty" not in (await poc(*words, *more, "--dry-run", home=homes["jo"])).err
    assert "the body is empty" in (await poc(*words, "--dry-run", home=homes["jo"])).err


async def test_a_proposal_that_is_logged_already_is_told_as_such(homes, live, office):
    first, second = [await office(name, "registrar", name) for name in REGISTRARS]
    dismissed = ("controller", "dismiss", CONTROLLER, "--json")
    opened = await poc(*dismissed, home=first)
    assert (await poc("proposal", "sign", opened.value["proposal"], home=second)).code == 0
    for home in (first, second):
        again = await poc("proposal", "sign", opened.value["proposal"], "--json", home=home)
        index = live.hub.log.view.directory.size - 1
        assert f"entry {index}" in refused(again, "already-logged")["message"]
    refused(await poc("proposal", "sign", "A" * 43, "--json", home=first), "not-found")
