"""Clearance at the command line: two homes of one office, files between them, what is typed at the end."""

from __future__ import annotations

import io
import json
import os
import pty
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from pypdf import PdfReader

from poc import keyring
from poc.client.trust import Trust
from tests import clearance_world as world
from tests.clearance_world import ADDRESSEE, OFFICE, SUBJECT, TEXT
from tests.cli_world import run_here
from tests.desk_world import PASSPHRASE

TO = ("--to", ADDRESSEE, "--subject", SUBJECT, "--text", TEXT)
NAME = "test-cbm"


@pytest.fixture(autouse=True)
def fewer_rounds(monkeypatch):
    """Keyrings here open sixty times, which is not what these tests are about."""
    monkeypatch.setattr(keyring, "ROUNDS", 1000)
    monkeypatch.setattr(keyring, "ROUNDS_MIN", 1000)


@pytest.fixture
def homes(tmp_path):
    """The homes of both devices; their hub answers nobody."""
    made_up = {}
    for number in (1, 2):
        label = f"{OFFICE} {number}"
        home = world.home_of(tmp_path, label)
        world.keys_of(home, label, world.REGISTRY.now).save()
        (home / "passphrase").write_text(PASSPHRASE + "\n")
        (home / "passphrase").chmod(0o600)
        made_up[number] = home
    return SimpleNamespace(first=made_up[1], second=made_up[2], folder=tmp_path)


def done(*words, home, **how):
    outcome = run_here("message", *words, "--json", home=home, **how)
    assert outcome.code == 0, outcome
    return outcome.value


def refused(*words, home, **how):
    outcome = run_here("message", *words, "--json", home=home, **how)
    assert outcome.code != 0, outcome
    return outcome.value["code"]


def at_terminal(*words, home, typed):
    """Run a command whose standard input is a terminal at which this is typed."""
    master, slave = pty.openpty()
    os.write(master, typed.encode())
    try:
        with io.TextIOWrapper(open(slave, "rb"), "utf-8") as terminal:  # noqa: PTH123
            return run_here("message", *words, "--json", home=home, terminal=terminal)
    finally:
        os.close(master)


def cleared(homes, *more):
    """The id and code of a draft that the second device prepared, its preparation carried back as a file."""
    drawn_up = done("draft", *TO, *more, home=homes.first)
    file, back = homes.folder / "draft.json", homes.folder / "preparation"
    done("submit", drawn_up["id"], "--out", file, home=homes.first)
    code = drawn_up["text_code"]
    done("prepare", file, "--code", code, "--officer", "12", "--out", back, home=homes.second)
    return drawn_up["id"], code, back


def pages_of(path):
    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


def test_one_code_on_both_screens_on_paper_and_in_the_message(homes):
    draft, code, back = cleared(homes, "--status", "test")
    shown = f"{code[:4]} {code[4:]}"
    (listed,) = done("drafts", home=homes.second)["drafts"]
    assert (listed["text_code"], listed["state"]) == (code, "cleared")
    pdf, text = homes.folder / "sheet.pdf", homes.folder / "sheet.txt"
    for number, path in enumerate((pdf, text), 1):
        sheet = done("print", draft, "--out", path, home=homes.first)
        assert (sheet["number"], sheet["text_code"]) == (number, code)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert shown in pages_of(pdf)
    assert shown in text.read_text("utf-8")
    screen = run_here(
        "message", "release", draft, "--preparation", back, "--code", code[:4], home=homes.first
    )
    assert (screen.code, f"text code   {code}" in screen.out) == (0, True), screen
    assert shown in screen.err
    assert TEXT in screen.err
    opened = done("show", draft, home=homes.first)
    assert (opened["text_code"], opened["state"]) == (code, "waiting")
    assert f"text code   {shown}" in run_here("message", "show", draft, home=homes.first).out
    assert "released / صدرت" in run_here("message", "print", draft, home=homes.first).out


def test_an_edit_voids_the_preparation_and_the_file_carried_back(homes):
    draft, code, back = cleared(homes, "--status", "test")
    after = done("edit", draft, "--subject", "Another subject", home=homes.first)
    assert (after["state"], after["edition"], after["text_code"] == code) == ("draft", 2, False)
    release = ("release", draft, "--preparation", back, "--code", after["text_code"])
    assert refused(*release, home=homes.first) == "not-in-this-state"
    done("submit", draft, home=homes.first)
    assert refused(*release, home=homes.first) == "preparation-mismatch"
    assert refused("release", draft, "--code", after["text_code"], home=homes.first) == "preparation-missing"
    assert refused("show", draft, home=homes.first) == "unknown-message"


def test_the_draft_given_in_place_of_the_preparation_is_named(homes):
    draft, code, _ = cleared(homes, "--status", "test")
    words = ("message", "release", draft, "--preparation", homes.folder / "draft.json", "--code", code)
    outcome = run_here(*words, "--json", home=homes.first)
    assert (outcome.code, outcome.value["code"]) == (1, "bad-form")
    assert "prepare --out" in outcome.value["message"]


def test_an_actual_message_takes_its_own_option_and_words_typed_at_a_terminal(homes):
    draft, code, back = cleared(homes, "--status", "actual")
    trust = Trust(homes.first / "trust.db")
    trust.set_value("quorum-missing", b"1 of 3 cosignatures")
    trust.close()
    carried = ("release", draft, "--preparation", back)
    stale = ("--stale-reason", "no line to the hub since noon")
    assert refused(*carried, "--code", code, home=homes.first) == "actual-not-confirmed"
    for piped in (b"", f"ACTUAL {NAME}\n".encode()):
        words = ("release", draft, "--code", code, "--actual")
        assert refused(*words, home=homes.first, stdin=piped) == "actual-not-confirmed"
    for typed, expected in (
        (f"{code}\n\n", "actual-not-confirmed"),
        (f"{code}\ny\n", "actual-not-confirmed"),
        (f"{code}\n{NAME}\n", "actual-not-confirmed"),
        (f"0000\nACTUAL {NAME}\n", "wrong-text-code"),
        (f"{code}\nACTUAL {NAME}\n", "head-stale"),
    ):
        outcome = at_terminal("release", draft, "--actual", home=homes.first, typed=typed)
        assert (outcome.code, outcome.value["code"]) == (1, expected)
    outcome = at_terminal(
        "release", draft, "--actual", *stale, home=homes.first, typed=f"{code}\nفعلية {NAME}\n"
    )
    assert (outcome.code, outcome.value["state"]) == (0, "waiting"), outcome
    assert "ACTUAL MESSAGE / رسالة فعلية" in outcome.err
    (row,) = run_here("message", "outbox", "--json", home=homes.first).value["messages"]
    assert row["id"] == draft


def test_no_other_command_sends_an_actual_message(homes):
    words = ("send", *TO, "--status", "actual")
    assert refused(*words, home=homes.first) == "preparation-missing"
    assert refused(*words, "--dry-run", home=homes.first) == "preparation-missing"
    assert refused(*words, "--separately", home=homes.first) == "preparation-missing"
    draft, code, back = cleared(homes, "--status", "test")
    release = ("release", draft, "--preparation", back, "--code", code)
    assert refused(*release, "--actual", home=homes.first) == "actual-not-confirmed"
    assert refused(*release, "--stale-reason", "why", home=homes.first) == "usage"


def test_an_edit_changes_what_is_given_and_nothing_else(homes, tmp_path):
    (tmp_path / "ar.txt").write_text("نص", "utf-8")
    (tmp_path / "a.txt").write_text("a", "utf-8")
    words = (
        "--courtesy", f"ar={tmp_path / 'ar.txt'}", "--field", "sector=energy", "--handling", "by hand",
        "--our-reference", "JO/1", "--respond-within", "2h", "--attach", tmp_path / "a.txt",
    )  # fmt: skip
    draft = done("draft", *TO, "--status", "test", *words, home=homes.first)["id"]

    def content(*changes):
        outcome = run_here("message", "edit", draft, *changes, "--json", home=homes.first)
        assert outcome.code == 0, outcome
        plain = tmp_path / f"plain {outcome.value['edition']}"
        done("submit", draft, "--out", plain, "--plain", home=homes.first)
        return json.loads(plain.read_bytes())["content"], outcome.err

    before, _ = content("--precedence", "priority")
    assert (before["precedence"], before["subject"], before["handling"]) == ("priority", SUBJECT, "by hand")
    assert [text["role"] for text in before["body"]["texts"]] == ["original", "courtesy"]
    after, told = content("--text", "Another text", "--field", "sector=water", "--drop", "attachments")
    assert {name for name in before if before[name] != after[name]} == {"body", "attachments"}
    assert [(text["language"], text["text"]) for text in after["body"]["texts"]] == [("en", "Another text")]
    assert after["body"]["fields"] == {"sector": "water"}
    assert "courtesy translations" in told
    last, _ = content("--drop", "handling", "--drop", "fields")
    assert (last["handling"], last["body"]["fields"], last["our_reference"]) == (None, {}, "JO/1")
    assert refused("edit", draft, "--to", OFFICE, home=homes.first) == "no-addressee"
    assert refused("edit", draft, "--text", " ", home=homes.first) == "text-empty"
    assert refused("edit", draft, "--subject", "real world", home=homes.first) == "real-world-wording"
    assert refused("edit", draft, "--drop", "subject", home=homes.first) == "usage"


def test_files_are_sealed_unless_asked_otherwise_and_never_written_over(homes):
    draft = done("draft", *TO, "--status", "test", home=homes.first)["id"]
    sealed, plain = homes.folder / "sealed", homes.folder / "plain"
    assert refused("submit", draft, "--plain", home=homes.first) == "usage"
    done("submit", draft, "--out", sealed, home=homes.first)
    told = run_here("message", "submit", draft, "--out", plain, "--plain", home=homes.first)
    assert "not sealed" in told.err
    assert SUBJECT.encode() in plain.read_bytes()
    for path in (sealed, *homes.first.iterdir()):
        assert SUBJECT.encode() not in path.read_bytes(), path
    for words in (("submit", draft, "--out", sealed), ("print", draft, "--out", homes.folder / "sheet.doc")):
        assert refused(*words, home=homes.first) in ("file-exists", "usage")
    assert refused("prepare", sealed, "--code", "0000", "--out", plain, home=homes.second) == "file-exists"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("submit", "none"), "unknown-draft"),
        (("prepare", "none", "--code", "0000"), "unknown-draft"),
        (("release", "none", "--code", "0000"), "unknown-draft"),
        (("print", "none"), "unknown-draft"),
        (("discard", "none"), "unknown-draft"),
        (("draft", "--subject", "s", "--status", "test"), "usage"),
        (("draft", *TO, "--status", "test", "--exercise", "ex-1"), "usage"),
        (("draft", *TO, "--status", "actual", "--respond-within", "1h"), "bad-form"),
        (("prepare", Path(__file__), "--code", "0000"), "bad-json"),
    ],
)
def test_what_does_not_fit_is_refused(homes, words, code):
    assert refused(*words, home=homes.first) == code


def test_a_discarded_draft_is_listed_without_what_it_said(homes):
    draft = done("draft", *TO, "--status", "test", home=homes.first)["id"]
    assert done("discard", draft[-8:], home=homes.first) == {"id": draft, "state": "discarded"}
    (listed,) = done("drafts", home=homes.first)["drafts"]
    assert (listed["state"], listed["subject"], listed["to"]) == ("discarded", None, [])
    assert SUBJECT not in run_here("message", "drafts", home=homes.first).out
    assert refused("print", draft, home=homes.first) == "not-in-this-state"
