"""The demo as a user runs it: its last line, its homes, no process left, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from poc.demo.cast import CONTROLLER, PASSPHRASE, PREPARING_HOME, REGISTRARS, WITNESSES, homes
from poc.demo.stage import MARK
from tests.demo.test_readme import commands

ROOT = Path(__file__).resolve().parents[2]
NAMES = {"DEMO_DIR", "PORT", "ONCE", "ATTACH"}


def environment(**given):
    kept = {n: v for n, v in os.environ.items() if n not in NAMES and not n.startswith("POC_")}
    return {**kept, **{name: str(value) for name, value in given.items()}}


def run(*words, seconds=120, **given):
    return subprocess.run(
        [sys.executable, *(words or ("-m", "poc.demo"))], cwd=ROOT, env=environment(**given),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip


def poc(home, *words):
    result = run("-m", "poc.cli.main", "--home", str(home), *words, "--json")
    return result.returncode, json.loads(result.stdout)


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """A demo that was played and stays up: its folder, its process, the JSON object it printed."""
    folder = tmp_path_factory.mktemp("demo") / "here"
    process = subprocess.Popen(
        [sys.executable, "-m", "poc.demo"], cwd=ROOT, env=environment(DEMO_DIR=folder),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield folder, process, json.loads(next(line for line in process.stdout if line.startswith("{")))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def played(standing):
    return standing[0], standing[2]


def test_the_readmes_commands_run_beside_a_demo_that_stays_up(standing):
    folder, _, last = standing
    assert last["verified"] is True
    script = "\n".join(["set -e", *commands()]).replace(".demo/", f"{folder}/")
    script = script.replace(".venv/bin/poc", f"'{sys.executable} -m poc.cli.main'")
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env=environment(), timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "sd.diplomatic" in done.stdout
    assert "accepted" in done.stdout
    assert '"contacts"' in done.stdout


@pytest.mark.long
def test_once_ends_by_itself_and_its_last_line_is_the_json(tmp_path):
    result = run(ONCE=1, DEMO_DIR=tmp_path / "here")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1])["verified"] is True


def test_the_last_line_holds_the_counts_read_back(played):
    _, last = played
    assert list(last) == [
        "states", "contacts", "entries", "messages", "acknowledged", "ping", "verified", "witnesses",
        "quorum", "escalation", "attachment", "clearance", "seconds",
    ]  # fmt: skip
    assert (last["states"], last["contacts"], last["verified"]) == (22, 44, True)
    ping = last["ping"]
    assert list(ping) == ["sent", "in_time", "late", "retrieved_only", "none"]
    assert ping["sent"] == 44
    assert sum(list(ping.values())[1:]) == 44
    assert all(ping.values())
    assert last["messages"] == 45
    assert last["acknowledged"] == 4 + ping["in_time"] + ping["late"]
    assert (last["witnesses"], last["quorum"]) == (3, 2)
    assert last["entries"] >= 1 + 22 + 3 + 1 + 1 + 45


def test_an_alternate_stood_in_for_who_did_not_answer_and_nobody_else_was_woken(played):
    _, last = played
    assert last["escalation"] == {
        "expired": "lb.diplomatic", "released": "lb.technical", "acknowledged": "lb.technical",
        "not_needed": "lb.duty",
    }  # fmt: skip


def test_a_large_attachment_and_a_form_prepared_by_a_second_device_arrived_as_they_were(played):
    folder, last = played
    assert last["attachment"] == {"bytes": 204_800, "same": True}
    code = last["clearance"].pop("text_code")
    assert last["clearance"] == {"same": True, "ar": "الطاقة", "en": "Energy"}
    exit_code, shown = poc(folder / "desks" / PREPARING_HOME, "message", "drafts")
    assert exit_code == 0
    assert [draft["text_code"] for draft in shown["drafts"]] == [code]


def test_one_witness_fell_silent_and_the_others_cosigned_to_the_end(played):
    folder, last = played
    assert {path.name for path in (folder / "witnesses").iterdir()} == set(WITNESSES)
    sizes = {}
    for witness in WITNESSES:
        code, shown = poc(folder / "witnesses" / witness, "witness", "show")
        assert code == 0
        sizes[witness] = shown["logs"][0]["size"]
    assert [sizes[witness] for witness in WITNESSES[:2]] == [last["entries"]] * 2
    trust = sqlite3.connect(folder / "desks" / "jo.diplomatic" / "trust.db")
    (head,) = trust.execute("SELECT data FROM value WHERE name = 'head'").fetchone()
    assert (
        sum(line.split()[1] in WITNESSES for line in head.decode().splitlines() if line.startswith("—")) >= 2
    )


def test_every_home_opens_by_hand_and_holds_the_whole_log(played):
    folder, last = played
    assert {path.name for path in (folder / "desks").iterdir()} == {name for name, _, _ in homes()}
    for path in (folder / "desks").iterdir():
        assert (path / "passphrase").read_text().strip() == PASSPHRASE
        assert stat.S_IMODE((path / "keyring.jwe").stat().st_mode) == 0o600
    for party in ("jo", "sd.technical", CONTROLLER, REGISTRARS[0]):
        code, shown = poc(folder / "desks" / party, "registry", "show")
        assert (code, shown["entries"], shown["states"]) == (0, last["entries"], 22)


def test_names_are_the_states_own_in_three_languages(played):
    folder, _ = played
    code, shown = poc(folder / "desks" / "jo", "state", "show", "دولة فلسطين")
    assert (code, shown["state"]) == (0, "ps")
    assert shown["names"]["short"] == {
        "ar": "دولة فلسطين", "en": "State of Palestine", "fr": "État de Palestine",
    }  # fmt: skip


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    result = run(ONCE=1, DEMO_DIR=tmp_path)
    assert result.returncode == 1
    assert "not-a-demo" in result.stderr
    assert result.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("given", "code", "exit_code"),
    [
        ({"PORT": "x"}, "usage", 2),
        ({"PORT": "70000"}, "usage", 2),
        ({"ATTACH": "/nowhere"}, "no-such-file", 2),
    ],
)
def test_a_setting_that_is_wrong_stops_the_demo_before_anything_is_made(tmp_path, given, code, exit_code):
    result = run(ONCE=1, DEMO_DIR=tmp_path / "demo", **given)
    assert result.returncode == exit_code
    assert code in result.stderr
    assert not (tmp_path / "demo").exists()


def test_an_attachment_that_is_too_large_is_refused_before_anything_is_made(tmp_path):
    large = tmp_path / "large.json"
    large.write_bytes(bytes(8_257_537))
    result = run(ONCE=1, DEMO_DIR=tmp_path / "demo", ATTACH=large)
    assert result.returncode == 1
    assert "attachments-too-large" in result.stderr
    assert "it is 16 bytes over" in result.stderr
    assert not (tmp_path / "demo").exists()


@pytest.mark.long
def test_a_port_in_use_is_said_and_no_hub_stays(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run(ONCE=1, DEMO_DIR=tmp_path / "demo", PORT=taken.getsockname()[1])
    assert result.returncode == 3
    assert "hub-unreachable" in result.stderr


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_a_demo_that_is_stopped_leaves_no_hub(tmp_path, number):
    folder = tmp_path / "demo"
    process = subprocess.Popen(
        [sys.executable, "-m", "poc.demo"], cwd=ROOT, env=environment(DEMO_DIR=folder),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    log = folder / "hub" / "hub.log"
    while not (log.exists() and b"/v1/genesis" in log.read_bytes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(number)
    assert process.wait(20) == 130
    lines = [p for p in Path("/proc").iterdir() if p.name.isdigit() and _runs(p, folder / "hub")]
    assert lines == []
    assert (folder / MARK).is_file()


def _runs(process, home):
    try:
        return str(home).encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


def test_ctrl_c_ends_the_demo_and_leaves_no_process(standing):
    """The last of the file: the demo that the others looked at goes."""
    folder, process, _ = standing
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert [p for p in Path("/proc").iterdir() if p.name.isdigit() and _runs(p, folder)] == []
    assert b'"fault"' not in (folder / "hub" / "hub.log").read_bytes()
