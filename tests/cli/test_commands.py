"""The commands as a user types them: real processes, real files, good input and bad."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from poc.config import read_web_origin
from poc.core import rules
from poc.core.proposal import make_proposal, proposal_bytes, read_proposal
from poc.core.statement import format_fingerprint
from tests import evidence_world as case
from tests.registry import REGISTRARS, Registry, enrolment, signed

PASSPHRASE = "four words of it"


def poc(*words: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POC_")}
    return subprocess.run(
        [sys.executable, "-m", "poc.cli.main", *([] if home is None else ["--home", str(home)]), *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def value_of(result: subprocess.CompletedProcess[str]) -> Any:
    lines = result.stdout.splitlines()
    assert len(lines) == 1, result
    return json.loads(lines[0])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    (folder / "passphrase").chmod(0o600)
    return folder


def test_a_device_gets_two_keys_that_are_listed_and_exported(home: Path) -> None:
    made = value_of(poc("key", "new", "jo.technical", "--role", "device", "--json", home=home))["keys"]
    assert sorted(key["use"] for key in made) == ["seal", "sign"]
    listed = value_of(poc("--json", "key", "list", home=home))["keys"]
    assert {key["kid"] for key in listed} == {key["kid"] for key in made}
    exported = value_of(poc("key", "export", made[0]["kid"][:20], "--json", home=home))
    assert exported["jwk"] == made[0]["jwk"]
    shown = poc("key", "list", home=home)
    assert made[0]["kid"] in shown.stdout
    assert poc("key", "export", made[0]["kid"], home=home).returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        ((), "usage", 2),
        (("key",), "usage", 2),
        (("unheard-of",), "usage", 2),
        (("key", "new", "jo.technical"), "usage", 2),
        (("key", "new", "NOBODY", "--role", "device"), "usage", 2),
        (("key", "list", "--home="), "usage", 2),
        (("key", "list"), "no-keyring", 1),
        (("key", "export", "x"), "no-keyring", 1),
        (("proposal", "show", "nowhere.json"), "no-such-file", 2),
        (("evidence", "verify", "nowhere.json", "--fingerprint", "0" * 64), "no-such-file", 2),
        (("evidence", "verify", __file__), "usage", 2),
        (("evidence", "verify", __file__, "--fingerprint", "12"), "bad-fingerprint", 1),
        (("evidence", "verify", __file__, "--fingerprint", "0" * 64), "bad-json", 1),
        (("proposal", "show", __file__), "bad-json", 1),
    ],
)
def test_bad_input_gets_its_code_and_the_next_step(
    tmp_path: Path, words: tuple[str, ...], code: str, exit_code: int
) -> None:
    result = poc(*words, "--json", home=tmp_path)
    assert result.returncode == exit_code
    value = value_of(result)
    assert value["code"] == code
    assert value["message"]
    assert value["next"]
    plain = poc(*words, home=tmp_path)
    assert (plain.returncode, plain.stdout) == (exit_code, "")
    assert code in plain.stderr


def test_without_terminal_or_file_no_passphrase_is_guessed(tmp_path: Path) -> None:
    result = poc("key", "new", "jo", "--role", "authority", "--json", home=tmp_path)
    assert (result.returncode, value_of(result)["code"]) == (2, "no-passphrase")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_passphrase_is_refused(home: Path) -> None:
    assert poc("key", "new", "jo", "--role", "authority", home=home).returncode == 0
    (home / "passphrase").write_text("other words of it")
    result = poc("key", "new", "jo", "--role", "recovery", "--json", home=home)
    assert (result.returncode, value_of(result)["code"]) == (1, "wrong-passphrase")


def test_a_passphrase_changes_only_at_a_terminal(home: Path) -> None:
    assert poc("key", "new", "jo", "--role", "authority", home=home).returncode == 0
    result = poc("key", "passphrase", "--json", home=home)
    assert (result.returncode, value_of(result)["code"]) == (2, "no-passphrase")


@pytest.mark.parametrize(
    "words", [("proposal", "show"), ("key", "export"), ("proposal", "sign", "f", "--key")]
)
def test_an_id_that_begins_with_a_hyphen_is_an_id(words: tuple[str, ...]) -> None:
    from poc.cli.main import build_parser

    given = "-" + "aZ09_-" * 7
    parsed = vars(build_parser(words[0]).parse_args([*words, given]))
    assert given in [
        word for value in parsed.values() for word in (value if isinstance(value, list) else [value])
    ]


def test_a_word_with_a_hyphen_that_is_no_id_is_an_option_nobody_knows(home: Path) -> None:
    result = poc("proposal", "show", "-" + "a" * 41, "--json", home=home)
    assert (result.returncode, value_of(result)["code"]) == (2, "usage")


def test_a_proposal_file_is_shown_and_signed(home: Path, tmp_path: Path) -> None:
    registry = Registry()
    payload = registry.payload("state.enrol", "jo", enrolment("jo"))
    file = tmp_path / "enrol.json"
    file.write_bytes(proposal_bytes(make_proposal(signed(payload, REGISTRARS[0]))))
    kid = value_of(poc("key", "new", "jo", "--role", "authority", "--json", home=home))["keys"][0]["kid"]
    shown = value_of(poc("proposal", "show", str(file), "--json"))
    assert (shown["type"], shown["subject"], len(shown["signatures"])) == ("state.enrol", "jo", 1)
    assert "state.enrol" in poc("proposal", "show", str(file)).stdout
    told = value_of(poc("proposal", "sign", str(file), "--key", kid, "--json", home=home))
    assert kid in told["signatures"]
    proposal, statement = read_proposal(file.read_bytes())
    assert (len(proposal.signed.signatures), statement.payload) == (2, payload)
    missing = poc("proposal", "sign", str(file), "--key", "A" * 43, "--json", home=home)
    assert value_of(missing)["code"] == "no-key"


def test_a_genesis_is_shown_with_its_fingerprint(tmp_path: Path) -> None:
    registry = Registry()
    file = tmp_path / "genesis.json"
    file.write_bytes(proposal_bytes(make_proposal(registry.entries[0].signed)))
    shown = value_of(poc("proposal", "show", str(file), "--json"))
    assert shown["fingerprint"] == registry.directory.fingerprint


def test_an_evidence_file_verifies_with_only_the_fingerprint_and_a_changed_one_does_not(
    tmp_path: Path,
) -> None:
    directory = rules.apply_all(None, case.entries())
    file = tmp_path / "evidence.json"
    data = case.evidence(directory)
    file.write_bytes(data)
    words = ("evidence", "verify", str(file), "--fingerprint")
    report = value_of(poc(*words, format_fingerprint(directory.fingerprint), "--json"))
    assert report["verified"]
    assert {"accepted", "acknowledged"} <= {event["event"] for event in report["timeline"]}
    shown = poc(*words, directory.fingerprint)
    assert shown.returncode == 0
    assert "acknowledged" in shown.stdout
    assert poc(*words, "0" * 64, "--json").returncode == 1
    middle = len(data) // 2
    file.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    assert poc(*words, directory.fingerprint, "--json").returncode == 1


@pytest.mark.long
def test_help_names_every_command() -> None:
    from poc.cli.main import NOUNS

    result = poc("--help")
    assert result.returncode == 0
    for noun in NOUNS:
        assert noun in result.stdout
        assert poc(noun, "--help").returncode == 0


@pytest.mark.parametrize(
    "url", ["hub.example.org", "ftp://hub.example.org", "https://hub.example.org/path", ""]
)
def test_an_address_that_is_none_is_a_usage_error_before_anything_is_asked(tmp_path: Path, url: str) -> None:
    result = poc("registry", "join", url, "--fingerprint", "0" * 64, "--json", home=tmp_path)
    assert (result.returncode, value_of(result)["code"]) == (2, "usage")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["https://hub.example.org/", " HTTPS://Hub.Example.org"])
def test_a_hubs_address_may_end_in_a_slash(url: str) -> None:
    assert read_web_origin(url) == "https://hub.example.org"


def test_words_that_are_not_utf8_are_a_usage_error(tmp_path: Path) -> None:
    result = poc("message", "send", "--to", "jo.duty", "--subject", "caf\udce9", "--json", home=tmp_path)
    assert (result.returncode, value_of(result)["code"]) == (2, "usage")


def test_a_word_that_is_neither_a_file_nor_an_id_says_so(tmp_path: Path) -> None:
    result = poc("proposal", "sign", "c5q7pxSf", "--json", home=tmp_path)
    assert (result.returncode, value_of(result)["code"]) == (2, "no-such-file")
    assert "43 characters" in value_of(result)["message"]


def test_a_second_key_of_the_same_party_and_role_is_told(home: Path) -> None:
    first = value_of(poc("key", "new", "jo", "--role", "authority", "--json", home=home))["keys"][0]["kid"]
    second = poc("key", "new", "jo", "--role", "authority", home=home)
    assert second.returncode == 0
    assert first in second.stderr
    assert poc("key", "new", "jo", "--role", "recovery", home=home).stderr == ""
