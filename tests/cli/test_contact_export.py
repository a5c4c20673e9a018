"""``poc contact export``: an address book on standard output or in a file, and what it is refused for."""

from __future__ import annotations

import json

import pytest

from tests.cli_world import CONTACTS, LISTED, run_here


@pytest.fixture
def home(kept):
    (kept["jo"] / "passphrase").unlink()
    return kept["jo"]


def test_all_contacts_go_to_standard_output_as_they_are(home):
    outcome = run_here("contact", "export", "--all", home=home)
    assert outcome.code == 0
    assert outcome.out.count("BEGIN:VCARD") == outcome.out.count("END:VCARD") == len(CONTACTS) + 1
    assert f"{LISTED}: listed only, and marked so" in outcome.err


def test_with_json_there_is_one_value_with_the_file_in_it(home):
    value = run_here("contact", "export", "jo.technical", "--json", home=home).value
    assert (value["contacts"], value["listed"]) == (["jo.technical"], [])
    assert value["text"].startswith("BEGIN:VCARD\r\n")
    assert value["proof"]["size"] > 1


def test_a_file_is_written_once_and_only_for_its_owner(home, tmp_path):
    out = tmp_path / "book.json"
    words = ("contact", "export", "JO.technical", "sd.technical", "--format", "jcard", "--out", out)
    assert run_here(*words, home=home).code == 0
    assert len(json.loads(out.read_bytes())) == 2
    assert out.stat().st_mode & 0o777 == 0o600
    again = run_here(*words, "--json", home=home)
    assert (again.code, again.value["code"]) == (1, "file-exists")


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        ((), "usage", 2),
        (("--all", "jo.technical"), "usage", 2),
        (("--all", "--format", "pdf"), "usage", 2),
        (("jo.nobody",), "unknown-contact", 1),
        (("--all", "--format", "openpgp"), "nothing-to-export", 1),
    ],
)
def test_what_cannot_be_exported_gets_its_code(home, words, code, exit_code):
    outcome = run_here("contact", "export", *words, "--json", home=home)
    assert (outcome.code, outcome.value["code"]) == (exit_code, code)
