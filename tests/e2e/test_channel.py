"""The whole channel as its users run it: every step a command, every program a process of its own.

A registry is founded, two States enrolled, desks joined; a message goes out, is retrieved, acknowledged
and proven by someone who has only the file and the fingerprint.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long  # the demo runs the same story in the short run, its homes opened by hand

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "four words of it"
ORIGIN = "example.org/e2e-cbm"
REGISTRARS = ("x-las.registrar-1", "x-arcc.registrar-1")
CONTROLLER = "x-arcc.controller-1"
CARD = {
    "office": {"names": {"en": "National CERT", "ar": "المركز الوطني"}},
    "reach": {
        "channels": [{"kind": "email", "value": "desk@cert.example"}],
        "zone": "Asia/Amman",
        "hours": {"always": True},
        "languages": ["ar", "en"],
    },
}
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("POC_")}


class Place:
    """A folder with the homes of everybody, the files they hand each other, and a hub."""

    def __init__(self, folder):
        self.folder = folder
        self.url = self.fingerprint = ""
        self.hub: Any = None

    def run(self, home, *words, json_wanted=True):
        command = [sys.executable, "-m", "poc.cli.main", *words]
        command += ["--home", str(self.folder / home)] if home else []
        command += ["--json"] if json_wanted else []
        return subprocess.run(
            command, cwd=self.folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip

    def poc(self, home, *words):
        """The JSON value of a command that must succeed."""
        result = self.run(home, *words)
        assert result.returncode == 0, (words, result.stdout, result.stderr)
        return json.loads(result.stdout)

    def refused(self, home, *words):
        """Exit code and error code of a command that must fail."""
        result = self.run(home, *words)
        value = json.loads(result.stdout)
        assert {"code", "message", "next"} <= set(value)
        return result.returncode, value["code"]

    def home(self, party, role):
        """A new home with keys, and their public part in a file."""
        folder = self.folder / party
        folder.mkdir(mode=0o700)
        (folder / "passphrase").write_text(PASSPHRASE + "\n")
        (folder / "passphrase").chmod(0o600)
        if role:
            self.poc(party, "key", "new", party, "--role", role)
            self.poc(party, "key", "export", party, "--out", f"{party}.keys.json")

    def start_hub(self, port="0"):
        self.hub = subprocess.Popen(
            [sys.executable, str(ROOT / "server.py"), "--home", str(self.folder / "hub"), "--port", port],
            env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True,
        )  # fmt: skip
        self.url = self.hub.stdout.readline().strip().removeprefix("listening on ")
        assert self.url.startswith("http://127.0.0.1:")

    def stop_hub(self):
        self.hub.send_signal(signal.SIGTERM)
        assert self.hub.wait(5) == 0
        self.hub.stdout.close()

    def found(self):
        self.home("hub", None)
        for registrar in REGISTRARS:
            self.home(registrar, "registrar")
        given = [word for r in REGISTRARS for word in ("--registrar", f"{r}.keys.json")]
        self.poc("hub", "registry", "init", "--draft", "genesis.json", "--origin", ORIGIN, *given)
        assert self.refused("hub", "registry", "init", "--from", "genesis.json") == (1, "signatures-missing")
        for registrar in REGISTRARS:
            self.poc(registrar, "proposal", "sign", "genesis.json")
        self.fingerprint = self.poc("hub", "registry", "init", "--from", "genesis.json")["fingerprint"]

    def join(self, party):
        self.poc(party, "registry", "join", self.url, "--fingerprint", self.fingerprint)

    def enrol(self, state):
        self.home(state, "authority")
        self.join(state)
        file = f"{state}.enrol.json"
        self.poc(
            REGISTRARS[0], "state", "enrol", state, "--name", f"en=State {state}", "--name", "ar=دولة",
            "--authority", f"{state}.keys.json", "--note", "NV/1", "--note-date", "2026-11-20",
            "--called-back-at", "2026-11-21T09:00Z", "--called-back-source", "published switchboard",
            "--out", file,
        )  # fmt: skip
        self.poc(state, "proposal", "sign", file)
        self.second_signs(self.poc(REGISTRARS[0], "proposal", "submit", file))

    def second_signs(self, submitted):
        assert submitted["state"] == "proposed"
        (proposal,) = self.poc(REGISTRARS[1], "proposal", "list")["proposals"]
        assert proposal["id"] == submitted["proposal"]
        assert self.poc(REGISTRARS[1], "proposal", "sign", proposal["id"])["state"] == "logged"

    def nominate(self, contact):
        self.home(contact, "device")
        self.join(contact)
        (self.folder / "card.json").write_text(json.dumps(CARD, ensure_ascii=False))
        state, file = contact.split(".")[0], f"{contact}.nominate.json"
        self.poc(
            state, "contact", "nominate", contact, "--card", "card.json", "--device",
            f"{contact}.keys.json", "--out", file,
        )  # fmt: skip
        self.poc(contact, "proposal", "sign", file)
        assert self.poc(state, "proposal", "submit", file)["state"] == "logged"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("e2e"))
    place.found()
    place.start_hub()
    for registrar in REGISTRARS:
        place.join(registrar)
    for state, contact in (("jo", "jo.technical"), ("sd", "sd.technical")):
        place.enrol(state)
        place.nominate(contact)
    place.home(CONTROLLER, "device")
    place.join(CONTROLLER)
    place.poc(
        REGISTRARS[0], "controller", "appoint", CONTROLLER, "--name", "en=Control", "--device",
        f"{CONTROLLER}.keys.json", "--out", "controller.json",
    )  # fmt: skip
    place.poc(CONTROLLER, "proposal", "sign", "controller.json")
    place.second_signs(place.poc(REGISTRARS[0], "proposal", "submit", "controller.json"))
    for home in (REGISTRARS[0], "jo.technical", "sd.technical", CONTROLLER):
        place.poc(home, "sync")
    yield place
    place.stop_hub()


def test_a_message_is_sent_retrieved_acknowledged_and_proven_by_a_third_party(place, tmp_path):
    (place.folder / "note.txt").write_text("Signs of scanning from your networks. This is a test.")
    sent = place.poc(
        "jo.technical", "message", "send", "--to", "sd.technical", "--status", "test", "--subject",
        "Test of the channel", "--text-file", "note.txt", "--attach", "card.json",
    )  # fmt: skip
    assert sent["state"] == "accepted"
    assert place.poc("sd.technical", "sync")["received"] == 1
    (row,) = place.poc("sd.technical", "message", "inbox")["messages"]
    assert row["message"] == sent["id"]
    shown = place.poc("sd.technical", "message", "show", sent["id"])
    assert shown["subject"] == "Test of the channel"
    assert shown["voice_code"] == sent["voice_code"]
    place.poc("sd.technical", "message", "acknowledge", sent["id"], "--officer", "07")
    place.poc("jo.technical", "sync")
    file = tmp_path / "evidence.json"
    place.poc("jo.technical", "message", "evidence", sent["id"], "--out", str(file), "--disclose")
    proven = place.poc(None, "evidence", "verify", str(file), "--fingerprint", place.fingerprint)
    assert proven["verified"] is True
    assert proven["author_proven"] is True
    assert place.poc("sd.technical", "evidence", "verify", str(file)) == proven
    assert {event["event"] for event in proven["timeline"]} >= {
        "sent", "accepted", "retrieved", "acknowledged", "recorded",
    }  # fmt: skip
    assert place.refused(None, "evidence", "verify", str(file), "--fingerprint", "0" * 64) == (
        1, "wrong-fingerprint",
    )  # fmt: skip
    altered = file.read_bytes().replace(b'"ciphertext":"', b'"ciphertext":"AAAA', 1)
    (tmp_path / "altered.json").write_bytes(altered)
    code, _ = place.refused(
        None, "evidence", "verify", str(tmp_path / "altered.json"), "--fingerprint", place.fingerprint
    )
    assert code == 1


def test_every_desk_verifies_the_whole_log_offline(place):
    place.poc("sd.technical", "sync")
    verified = place.poc("sd.technical", "verify")
    assert (verified["verified"], verified["fingerprint"]) == (True, place.fingerprint)
    assert verified["entries"] == place.poc("sd.technical", "registry", "show")["entries"]


def test_an_exercise_is_opened_pinged_and_counted_from_the_command_line(place):
    place.poc(
        CONTROLLER, "exercise", "open", "--id", "e2e-ping", "--title", "en=Ping", "--participants", "all",
        "--opens", "2026-01-01T00:00Z", "--for", "300d",
    )  # fmt: skip
    assert place.poc(CONTROLLER, "exercise", "ping", "e2e-ping")["within_s"] == 600
    place.poc("jo.technical", "sync")
    place.poc("sd.technical", "sync")
    pings = [r for r in place.poc("jo.technical", "message", "inbox")["messages"] if r["kind"] == "ping"]
    shown = place.poc("jo.technical", "message", "show", pings[0]["message"])
    word = shown["fields"]["word"]
    place.poc("jo.technical", "message", "acknowledge", pings[0]["message"], "--word", word)
    place.poc(CONTROLLER, "sync")
    counted = place.poc(CONTROLLER, "exercise", "tally", "e2e-ping")["ping"]
    assert counted == {"sent": 2, "in_time": 1, "late": 0, "retrieved_only": 1, "none": 0}


def test_a_hub_that_is_down_keeps_the_message_and_the_next_sync_sends_it(place):
    place.stop_hub()
    port = place.url.rsplit(":", 1)[1]
    sent = place.poc(
        "jo.technical", "message", "send", "--to", "sd.technical", "--status", "test", "--subject", "Later",
        "--text", "This is a test.",
    )  # fmt: skip
    assert sent["state"] == "waiting"
    assert place.refused("jo.technical", "sync") == (3, "hub-unreachable")
    assert place.poc("jo.technical", "lookup", "--state", "sd")["contacts"][0]["contact"] == "sd.technical"
    place.start_hub(port)
    assert place.poc("jo.technical", "sync")["sent"] == 1
    assert place.poc("sd.technical", "sync")["received"] == 1


def test_an_office_rotates_confirms_and_adds_a_device_by_hand(place):
    assert place.poc("sd.technical", "key", "rotate")["state"] == "logged"
    assert place.poc("sd.technical", "key", "rotate", "--signing")["state"] == "logged"
    assert place.poc("sd.technical", "contact", "confirm", "sd.technical")["state"] == "logged"
    place.poc("sd", "sync")
    place.home("sd.night", None)
    place.poc("sd.night", "key", "new", "sd.technical", "--role", "device")
    place.poc("sd.night", "key", "export", "sd.technical", "--out", "night.json")
    place.poc(
        "sd", "contact", "device-add", "sd.technical", "--device", "night.json=retrieve", "--out", "add.json"
    )
    place.poc("sd.night", "proposal", "sign", "add.json")
    assert place.poc("sd", "proposal", "submit", "add.json")["state"] == "logged"
    shown = place.poc("sd", "contact", "show", "sd.technical")
    assert [(d["number"], d["may"]) for d in shown["devices"]][1] == (2, ["retrieve"])
    revoked = place.poc("sd", "contact", "device-revoke", "sd.technical", "2", "--reason", "lost")
    assert revoked["state"] == "logged"


def test_a_card_is_shown_edited_and_given_back_with_only_the_change_new(place):
    place.poc("jo", "sync")
    before = place.poc("jo", "contact", "show", "jo.technical")
    card = place.poc("jo", "contact", "show", "jo.technical", "--card")
    card["reach"]["languages"] = ["ar", "en", "fr"]
    (place.folder / "edited.json").write_text(json.dumps(card))
    assert place.poc("jo", "contact", "update", "jo.technical", "--card", "edited.json")["state"] == "logged"
    after = place.poc("jo", "contact", "show", "jo.technical")
    assert after["version"] == before["version"] + 1
    assert after["card"]["reach"]["languages"] == ["ar", "en", "fr"]
    assert after["card"]["office"] == before["card"]["office"]


def test_a_contact_without_keys_is_listed_by_two_registrars(place):
    (place.folder / "card.json").write_text(json.dumps(CARD, ensure_ascii=False))
    recorded = place.poc(
        REGISTRARS[0], "contact", "record", "eg.technical", "--card", "card.json", "--source",
        "published list",
    )  # fmt: skip
    place.second_signs(recorded)
    place.poc(REGISTRARS[0], "sync")
    place.poc("jo.technical", "sync")
    listed = place.poc("jo.technical", "lookup", "--id", "eg.technical")["contacts"]
    assert [c["level"] for c in listed] == ["listed"]
    assert place.refused(
        "jo.technical", "message", "send", "--to", "eg.technical", "--status", "test", "--subject", "x",
        "--text", "This is a test.",
    ) == (1, "not-verified")  # fmt: skip


def test_a_fingerprint_that_does_not_match_shows_both_and_writes_nothing(place):
    place.home("reader", None)
    result = place.run("reader", "registry", "join", place.url, "--fingerprint", "ab" * 32)
    value = json.loads(result.stdout)
    assert (result.returncode, value["code"]) == (1, "wrong-fingerprint")
    assert (value["expected"], value["found"]) == ("ab" * 32, place.fingerprint)
    assert [path.name for path in (place.folder / "reader").iterdir()] == ["passphrase"]


@pytest.mark.parametrize(
    ("home", "words", "expected"),
    [
        ("jo.technical", ("lookup", "--state", "Jodan"), (1, "unknown-state")),
        ("jo", ("contact", "show", "jo.nobody"), (1, "unknown-contact")),
        ("jo", ("contact", "update", "jo.technical", "--card", "nowhere.json"), (2, "no-such-file")),
        ("jo", ("contact", "device-revoke", "jo.technical", "7", "--reason", "lost"), (1, "no-device")),
        ("jo.technical", ("contact", "update", "jo.technical", "--role", "duty"), (1, "no-key")),
        ("jo", ("proposal", "show", "A" * 43), (1, "not-found")),
        ("jo", ("proposal", "sign", "genesis.json"), (1, "already-logged")),
        ("hub", ("registry", "init", "--from", "genesis.json"), (1, "home-in-use")),
        ("hub", ("registry", "init", "--draft", "genesis.json", "--origin", "example.org/x"), (2, "usage")),
        ("jo", ("registry", "join", "http://127.0.0.1:9", "--fingerprint", "0" * 64), (1, "home-exists")),
        ("nobody", ("contact", "list"), (1, "not-a-desk")),
        ("nobody", ("state", "enrol", "jo"), (2, "usage")),
    ],
    ids=lambda value: (
        "-".join(value)[:40] if isinstance(value, tuple) and value and isinstance(value[0], str) else None
    ),
)
def test_what_is_wrong_is_refused_with_a_stable_code(place, home, words, expected):
    assert place.refused(home, *words) == expected


def test_a_file_that_is_not_json_is_refused_with_line_and_column(place):
    (place.folder / "broken.json").write_text('{"office": {\n  "names": oops}}')
    result = place.run("jo", "contact", "update", "jo.technical", "--card", "broken.json")
    value = json.loads(result.stdout)
    assert (result.returncode, value["code"]) == (1, "bad-json")
    assert "line 2 column 12" in value["message"]


def test_a_wrong_passphrase_opens_nothing(place):
    path = place.folder / "jo" / "passphrase"
    path.write_text("another passphrase\n")
    try:
        assert place.refused("jo", "proposal", "list") == (1, "wrong-passphrase")
        assert place.poc("jo", "contact", "list")["contacts"]
    finally:
        path.write_text(PASSPHRASE + "\n")
