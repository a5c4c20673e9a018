"""The brakes as the States use them: every step a command, the hub a process of its own.

Jordan's office is frozen and thawed, its authority taken and won back by the recovery key; a recovery that
nobody asked for is objected to at night; one after a real loss takes effect; a State is suspended and leaves.
"""

from __future__ import annotations

import json
import time

import pytest

from tests.e2e.test_channel import CARD, REGISTRARS, Place

pytestmark = pytest.mark.long
FIRST, SECOND = REGISTRARS
WINDOW = 600
PAPERS = (
    *("--note", "NV/2", "--note-date", "2026-11-20", "--called-back-at", "2026-11-21T09:00Z"),
    *("--called-back-source", "published switchboard"),
)


class Night(Place):
    """Two States, three offices, and files that pass between them."""

    def keys(self, home, party, role):
        """A new home whose keys are of another party; gives the file with their public part."""
        self.home(home, None)
        self.poc(home, "key", "new", party, "--role", role)
        self.poc(home, "key", "export", party, "--out", f"{home}.keys.json")
        return f"{home}.keys.json"

    def enrol_with_recovery(self, state):
        self.home(state, "authority")
        safe = self.keys(f"{state}.safe", state, "recovery")
        file = f"{state}.enrol.json"
        self.poc(
            FIRST, "state", "enrol", state, "--name", f"en=State {state}", "--authority",
            f"{state}.keys.json",
            "--recovery", safe, *PAPERS, "--out", file,
        )  # fmt: skip
        for home in (state, f"{state}.safe"):
            self.poc(home, "proposal", "sign", file)
        self.second_signs(self.poc(FIRST, "proposal", "submit", file))
        for home in (state, f"{state}.safe"):
            self.join(home)
            self.poc(home, "sync")

    def signed_by_all(self, file, *homes, submitted_by):
        for home in homes:
            self.poc(home, "proposal", "sign", file)
        return self.poc(submitted_by, "proposal", "submit", file)

    def until(self, home, reached, *words):
        """Sync until what a command shows is reached: the hub attests by itself when a window has ended."""
        for _ in range(40):
            self.run(home, "sync")
            shown = self.poc(home, *words)
            if reached(shown):
                return shown
            time.sleep(0.5)
        raise AssertionError(shown)


def standing(wanted):
    return lambda shown: shown["standing"] == wanted


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    night = Night(tmp_path_factory.mktemp("night"))
    night.found()
    night.start_hub()
    for registrar in REGISTRARS:
        night.join(registrar)
    for state in ("jo", "sd"):
        night.enrol_with_recovery(state)
    (night.folder / "card.json").write_text(json.dumps(CARD, ensure_ascii=False))
    for contact in ("jo.technical", "jo.diplomatic", "sd.technical"):
        night.nominate(contact)
        night.poc(contact, "sync")
    yield night
    night.stop_hub()


def test_1_the_members_set_a_window_without_any_registrar(night):
    night.poc("jo", "sync")
    policy = ("registry", "policy", "--objection-seconds", str(WINDOW), "--by-members")
    assert night.refused(FIRST, *policy) == (1, "no-key")
    night.poc("jo", *policy, "--out", "policy.json")
    assert night.signed_by_all("policy.json", "sd", submitted_by="sd")["state"] == "logged"
    night.poc("jo", "sync")
    assert night.poc("jo", "registry", "show")["settings"]["objection_seconds"] == WINDOW
    assert night.refused("jo", *policy, "--out", "again.json") == (1, "bad-form")


def test_2_an_office_is_frozen_by_the_other_and_thawed_by_its_authority(night):
    night.poc("jo.diplomatic", "sync")
    assert night.poc("jo.diplomatic", "contact", "freeze", "jo.technical")["state"] == "logged"
    send = ("message", "send", "--to", "sd.technical", "--status", "test", "--subject", "A", "--text", "B")
    night.poc("jo.technical", "sync")
    assert night.refused("jo.technical", *send) == (1, "contact-frozen")
    assert night.poc("jo", "contact", "thaw", "jo.technical")["state"] == "logged"
    night.poc("jo.technical", "sync")
    assert night.poc("jo.technical", *send)["state"] == "accepted"


def test_3_the_recovery_key_takes_the_authority_back_from_a_thief(night):
    stolen = night.keys("jo.thief", "jo", "authority")
    night.poc("jo", "state", "rotate", "jo", "--authority", stolen, "--out", "theft.json")
    assert night.signed_by_all("theft.json", "jo.thief", submitted_by=FIRST)["state"] == "logged"
    fresh = night.keys("jo.new", "jo", "authority")
    night.poc("jo.safe", "state", "rotate", "jo", "--authority", fresh, "--by-recovery", "--out", "back.json")
    assert night.signed_by_all("back.json", "jo.new", submitted_by="jo.safe")["state"] == "logged"
    night.join("jo.new")
    night.poc("jo.new", "sync")
    (kid,) = night.poc("jo.new", "state", "show", "jo")["authority_keys"]
    assert kid in (night.folder / "jo.new.keys.json").read_text()


def recovery(night, name, *more):
    """A recovery of Jordan under new keys, proposed by one registrar and signed by the other."""
    fresh = night.keys(name, "jo", "authority")
    file = f"{name}.recover.json"
    night.poc(FIRST, "state", "recover", "jo", "--authority", fresh, *PAPERS, *more, "--out", file)
    return night.signed_by_all(file, name, SECOND, submitted_by=SECOND)


def test_4_a_recovery_nobody_asked_for_is_stopped_at_three_in_the_morning(night):
    for home in (FIRST, SECOND):
        night.poc(home, "sync")
    assert night.refused("jo.safe", "state", "object", "jo", "--yes") == (1, "not-pending")
    assert recovery(night, "jo.false")["state"] == "logged"
    told = night.run("jo.technical", "sync").stderr
    assert "RECOVERY OF jo" in told
    assert "poc state object jo" in told
    assert night.refused("sd", "state", "object", "jo", "--yes") == (1, "no-key")
    assert night.refused("jo.safe", "state", "object", "jo") == (2, "not-confirmed")
    stopped = night.poc("jo.safe", "state", "object", "jo", "--yes")
    assert (stopped["state"], stopped["by"], stopped["stops"]) == ("logged", "recovery", True)
    night.poc("sd.technical", "sync")
    shown = night.poc("sd.technical", "state", "show", "jo")
    assert (shown["standing"], shown["recovering"]) == ("enrolled", None)
    night.poc(FIRST, "sync")
    fresh = "jo.false.keys.json"
    overrule = ("state", "recover", "jo", "--authority", fresh, *PAPERS, "--overrules")
    assert night.refused(FIRST, *overrule) == (1, "cannot-overrule")


def test_5_after_a_real_loss_new_keys_take_over_when_the_window_has_passed(night):
    policy = ("registry", "policy", "--objection-seconds", "25", "--by-members", "--out", "short.json")
    night.poc("jo.new", *policy)
    night.signed_by_all("short.json", "sd", submitted_by="sd")
    night.poc(FIRST, "sync")
    safe = night.keys("jo.safe2", "jo", "recovery")
    fresh = night.keys("jo.true", "jo", "authority")
    night.poc(
        FIRST,
        "state",
        "recover",
        "jo",
        "--authority",
        fresh,
        "--recovery",
        safe,
        *PAPERS,
        "--out",
        "true.json",
    )
    taken = night.signed_by_all("true.json", "jo.true", "jo.safe2", SECOND, submitted_by=SECOND)["state"]
    assert taken == "logged"
    night.poc("sd.technical", "sync")
    found = night.poc("sd.technical", "lookup", "--id", "jo.technical")["contacts"][0]
    assert "treat requests with care" in found["cautions"][0]
    night.until("sd.technical", standing("enrolled"), "state", "show", "jo")
    assert night.refused("jo.new", "proposal", "list") == (1, "bad-request-signature")
    night.join("jo.true")
    night.poc("jo.true", "sync")
    contact = night.poc("jo.true", "contact", "confirm", "jo.technical")
    assert contact["state"] == "logged"


def test_6_a_suspended_state_sends_nothing_and_receives_and_leaves(night):
    night.poc("sd.technical", "sync")
    suspend = ("state", "suspend", "sd", "--reason", "dispute", "--scope", "send")
    assert night.refused(FIRST, *suspend, "--until", "91d") == (1, "bad-suspension")
    night.second_signs(night.poc(FIRST, *suspend, "--until", "1h"))
    night.poc("sd.technical", "sync")
    send = ("message", "send", "--status", "test", "--subject", "A", "--text", "B", "--to")
    assert night.refused("sd.technical", *send, "jo.technical") == (1, "state-suspended")
    night.poc("jo.technical", "sync")
    sent = night.run("jo.technical", *send, "sd.technical")
    assert json.loads(sent.stdout)["state"] == "accepted"
    assert "suspended by the registrars" in sent.stderr
    night.poc("sd.technical", "sync")
    rows = night.poc("sd.technical", "message", "inbox")["messages"]
    night.poc("sd.technical", "message", "acknowledge", rows[-1]["message"], "--officer", "07")
    night.poc(FIRST, "sync")
    night.second_signs(night.poc(FIRST, "state", "reinstate", "sd"))
    night.poc("sd.technical", "sync")
    assert night.poc("sd.technical", *send, "jo.technical")["state"] == "accepted"
    night.poc("sd", "sync")
    assert night.poc("sd", "state", "withdraw", "sd")["type"] == "state.withdraw"
    night.poc("jo.technical", "sync")
    assert night.poc("jo.technical", "state", "show", "sd")["standing"] == "WITHDRAWN"
