"""``poc lookup --as-of``, ``poc contact history``, ``poc state history``: the past, offline."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from poc.core.statement import read_entry, read_statement
from poc.core.strictjson import format_time
from tests.cli_world import run_here


@pytest.fixture
def home(kept):
    (kept["jo"] / "passphrase").unlink()
    return kept["jo"]


@pytest.fixture
def entries(home):
    with closing(sqlite3.connect(home / "trust.db")) as db:
        return [read_entry(leaf) for (leaf,) in db.execute("SELECT leaf FROM entry ORDER BY number")]


def contacts_until(entries, at):
    statements = [read_statement(entry.signed.payload) for entry in entries if entry.logged_at <= at]
    return sorted({s.subject for s in statements if s.type in {"contact.nominate", "contact.record"}})


def test_the_directory_is_shown_as_it_was(home, entries):
    for at in sorted({entry.logged_at for entry in entries}):
        outcome = run_here("lookup", "--as-of", format_time(at), "--json", home=home)
        shown = [contact["contact"] for contact in outcome.value["contacts"]]
        assert shown == contacts_until(entries, at)
        assert outcome.value["past"] == {"asked": format_time(at), "entries_now": len(entries)}
        assert outcome.value["as_of"] == format_time(at)
    first = run_here("lookup", "--as-of", format_time(entries[0].logged_at), home=home).out
    assert first.startswith("THE PAST: the directory as the log had it at")
    assert "leave out --as-of" in first


def test_today_says_that_it_is_not_the_past(home):
    assert run_here("lookup", "--json", home=home).value["past"] is None


def test_a_day_is_meant_to_its_end(home, entries):
    day = f"{entries[-1].logged_at:%Y-%m-%d}"
    value = run_here("lookup", "--as-of", day, "--json", home=home).value
    assert value["past"]["asked"] == f"{day}T23:59:59Z"
    assert len(value["contacts"]) == 4


def test_what_was_erased_since_is_no_longer_held(home, entries):
    with closing(sqlite3.connect(home / "trust.db", isolation_level=None)) as db:
        db.execute("DELETE FROM opening WHERE contact = 'sd.technical'")
    at = format_time(entries[-1].logged_at)
    outcome = run_here("lookup", "--id", "sd.technical", "--as-of", at, "--json", home=home)
    assert outcome.value["contacts"][0]["not_held"] == ["office", "reach"]
    shown = run_here("lookup", "--id", "sd.technical", "--as-of", at, home=home).out
    assert "channels: no longer held here" in shown
    assert "no longer held here: the office, reach part of its card" in shown


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("lookup", "--as-of", "2020-01-01"), "before-the-log", 1),
        (("lookup", "--as-of", "yesterday"), "usage", 2),
        (("lookup", "--as-of", "2026-11-24T10:00"), "usage", 2),
        (("lookup", "--as-of", "2026-13-40"), "usage", 2),
        (("contact", "history", "jo.nobody"), "unknown-contact", 1),
        (("contact", "history", "jo"), "usage", 2),
        (("contact", "history"), "usage", 2),
        (("state", "history", "jo.technical"), "usage", 2),
        (("state", "history", "fr"), "unknown-state", 1),
    ],
)
def test_a_question_that_has_no_answer_gets_its_code(home, words, code, exit_code):
    outcome = run_here(*words, "--json", home=home)
    assert (outcome.code, outcome.value["code"]) == (exit_code, code)


def test_a_contacts_history_is_told_without_passphrase_and_network(home):
    outcome = run_here("contact", "history", "SD.technical", "--json", home=home)
    assert outcome.code == 0, outcome
    first = outcome.value["entries"][0]
    assert (first["type"], first["subject"]) == ("contact.nominate", "sd.technical")
    assert {"the authority of sd", "device 1 of sd.technical (new key)"} == {
        signer["who"] for signer in first["signed_by"]
    }
    shown = " ".join(run_here("contact", "history", "sd.technical", home=home).out.split())
    assert "first in the directory as" in shown


def test_a_states_history_is_told_too(home):
    value = run_here("state", "history", "jo", "--json", home=home).value
    assert [entry["type"] for entry in value["entries"]] == ["state.enrol"]
