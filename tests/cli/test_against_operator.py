"""``poc fork`` and ``poc notice`` as a user meets them: exit codes, files, what is said without a home."""

from __future__ import annotations

import json

import pytest

from poc.client.trust import Trust
from poc.core.checkpoint import Checkpoint, sign_checkpoint
from poc.core.statement import read_entry
from poc.core.strictjson import canonical
from tests.cli_world import run_here
from tests.registry import ORIGIN, Registry, log_signer, signed


@pytest.fixture
def forked(kept):
    """A home that was shown another root of its own size, and its fingerprint."""
    home = kept["jo"]
    trust = Trust(home / "trust.db")
    size = len(trust.leaves())
    shown = sign_checkpoint(Checkpoint(ORIGIN, size, b"\7" * 32), log_signer())
    trust.add_proof("fork", trust.value("head") or b"", shown)
    trust.close()
    return home, run_here("registry", "show", "--json", home=home).value["fingerprint"]


def test_a_kept_fork_becomes_a_file_that_anyone_can_check(forked, tmp_path):
    home, fingerprint = forked
    (fork,) = run_here("fork", "list", "--json", home=home).value["forks"]
    assert (fork["number"], fork["kind"], fork["provable"]) == (1, "fork", "here")
    file = tmp_path / "fork.json"
    outcome = run_here("fork", "export", file, home=home)
    assert (outcome.code, f"--fingerprint {fingerprint}" in outcome.out) == (0, True)
    nobody = tmp_path / "no-home"
    for options, keys in (
        (("--home", nobody, "--fingerprint", fingerprint), "genesis"),
        (("--home", home), "log"),
    ):
        outcome = run_here("fork", "verify", file, "--json", *options, home=None)
        assert (outcome.code, outcome.value["proven"], outcome.value["log_keys_of"]) == (0, True, keys)
    assert run_here("fork", "verify", file, home=nobody).code == 2
    assert run_here("fork", "export", file, "--json", home=home).value["code"] == "file-exists"


def test_what_proves_nothing_gives_exit_code_1(forked, tmp_path):
    home, fingerprint = forked
    file = tmp_path / "fork.json"
    run_here("fork", "export", file, home=home)
    value = json.loads(file.read_bytes())
    bad = {
        "not-a-fork": {**value, "second": value["first"]},
        "unsigned-note": {**value, "first": Registry().checkpoint(1, "an impostor").decode()},
        "bad-form": {**value, "form": "poc-evidence"},
    }
    for code, changed in bad.items():
        file.write_bytes(canonical(changed))
        outcome = run_here("fork", "verify", file, "--json", "--fingerprint", fingerprint, home=tmp_path)
        assert (outcome.code, outcome.value["code"]) == (1, code)
    other = run_here("fork", "verify", file, "--json", "--fingerprint", "0" * 64, home=tmp_path)
    assert (other.code, other.value["code"]) == (1, "bad-form")


def test_without_a_contradiction_there_is_nothing_to_export(kept, tmp_path):
    outcome = run_here("fork", "export", tmp_path / "fork.json", "--json", home=kept["sd"])
    assert (outcome.code, outcome.value["code"]) == (1, "no-such-fork")
    assert run_here("fork", "list", "--json", home=kept["sd"]).value == {"forks": []}


def test_a_brake_works_by_file_although_no_hub_answers(kept, tmp_path):
    home, file = kept["jo"], tmp_path / "freeze.json"
    outcome = run_here("contact", "freeze", "sd.technical", "--out", file, home=kept["sd"])
    assert outcome.code == 0, outcome
    outcome = run_here("notice", "add", file, "--json", home=home)
    assert outcome.code == 0, outcome
    assert (outcome.value["held"], outcome.value["hub"]) == (True, "unreachable")
    assert "THE HUB WITHHOLDS a contact.freeze of sd.technical" in outcome.err
    (notice,) = run_here("notice", "list", "--json", home=home).value["notices"]
    assert (notice["type"], notice["subject"]) == ("contact.freeze", "sd.technical")
    shown = run_here("contact", "show", "sd.technical", "--json", home=home).value
    assert shown["standing"] == "FROZEN"
    words = ("message", "send", "--to", "sd.technical", "--subject", "s", "--text", "t", "--status", "test")
    sent = run_here(*words, "--json", home=home)
    assert (sent.code, sent.value["code"]) == (1, "contact-frozen")
    report = run_here("verify", "--json", home=home)
    assert report.code == 0
    assert any(line.startswith("ALARM: the log lacks a contact.freeze") for line in report.value["warnings"])


def test_what_is_no_brake_or_not_whole_is_not_held(kept, tmp_path):
    home, file = kept["jo"], tmp_path / "statement.json"
    leaves = Trust(home / "trust.db").leaves()
    enrolment = read_entry(leaves[1]).signed
    for data, code in (
        (canonical(enrolment.value()), "not-a-brake"),
        (canonical(signed(b"{}", "hub").value()), "bad-form"),
        (b"{}", "bad-form"),
        (b"no json", "bad-json"),
    ):
        file.write_bytes(data)
        outcome = run_here("notice", "add", file, "--json", home=home)
        assert (outcome.code, outcome.value["code"]) == (1, code)
    assert run_here("notice", "list", "--json", home=home).value == {"notices": []}


def test_a_reason_for_a_stale_log_goes_with_actual_only(kept):
    words = (
        "message",
        "send",
        "--to",
        "sd.technical",
        "--subject",
        "s",
        "--text",
        "t",
        "--stale-reason",
        "why",
    )
    assert run_here(*words, "--status", "test", home=kept["jo"]).code == 2
