"""Paper at the command line: requests and their page, kits typed back, ceremonies, contact sheets."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
import time
from functools import partial

import pytest

from poc import keyring
from poc.client.sdk import Desk
from poc.core.strictjson import b64u, canonical, domain_hash, unb64u
from poc.keyring import Keyring, read_index
from tests.cli_world import LISTED, poc, run_here
from tests.desk_world import PASSPHRASE
from tests.pdf_ink import pages
from tests.registry import REGISTRARS, signing_key

NAMES = (
    "--name",
    "en=Qatar",
    "--name",
    "ar=قطر",
    "--official",
    "en=State of Qatar",
    "--official",
    "ar=دولة قطر",
)
NOTE = (
    "--note", "NV/7", "--note-date", "2026-11-20", "--called-back-at", "2026-11-21T09:00Z",
    "--called-back-source", "published switchboard",
)  # fmt: skip
PIN = "0123456789abcdef" * 4


def done(*words, home=None, stdin=b""):
    outcome = run_here(*words, home=home, stdin=stdin)
    assert outcome.code == 0, outcome
    return outcome


def code_of(*words, home=None, stdin=b""):
    outcome = run_here(*words, "--json", home=home, stdin=stdin)
    assert outcome.code != 0, outcome
    return outcome.value["code"]


def new_home(folder):
    folder.mkdir(mode=0o700, parents=True)
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    (folder / "passphrase").chmod(0o600)
    return folder


@pytest.fixture(autouse=True)
def fewer_rounds(monkeypatch):
    """Keyrings here open a hundred times: with the fewest rounds that are read."""
    monkeypatch.setattr(keyring, "ROUNDS", keyring.ROUNDS_MIN)


@pytest.fixture
def ministry(tmp_path):
    """The home of a future authority with its key and its recovery key; it has joined nothing."""
    home = new_home(tmp_path / "ministry")
    done("key", "new", "qa", "--role", "authority", home=home)
    done("key", "new", "qa", "--role", "recovery", home=home)
    return home


def recovery_kid(home):
    return next((row["kid"] for row in read_index(home) if row["role"] == "recovery"), None)


# --- kits ---------------------------------------------------------------------------------------


def printed(home, tmp_path):
    """The groups of the kit as they stand in its text."""
    done("key", "kit", "qa", "--text", tmp_path / "kit.txt", home=home)
    lines = (tmp_path / "kit.txt").read_text("utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("fingerprint: ")) + 2
    return " ".join(lines[start : start + 3]).split()


def test_a_kit_restores_the_key_in_another_home(ministry, tmp_path):
    groups = printed(ministry, tmp_path)
    home = new_home(tmp_path / "restored")
    restored = done("key", "restore", "qa", "--json", home=home, stdin=" ".join(groups).encode())
    assert restored.value["kid"] == recovery_kid(ministry) == recovery_kid(home)
    assert restored.value["already_here"] is False
    seeds = [Keyring.unlock(h, PASSPHRASE).by_role("recovery")[0].private_jwk() for h in (ministry, home)]
    assert seeds[0] == seeds[1]
    again = done("key", "restore", "qa", "--json", home=home, stdin=" ".join(groups).upper().encode())
    assert again.value["already_here"] is True


def test_the_pdf_of_a_kit_holds_the_same_groups_and_its_instructions_in_both_languages(ministry, tmp_path):
    groups = printed(ministry, tmp_path)
    outcome = done("key", "kit", "qa", "--out", tmp_path / "kit.pdf", home=ministry)
    assert "private key in clear" in outcome.err
    (page,) = pages((tmp_path / "kit.pdf").read_bytes())
    text = " ".join(page)
    assert all(group in text for group in groups)
    assert "poc key restore qa" in text
    assert "sealed envelope" in text
    assert "ةنزخلل" in text


def test_a_kit_is_readable_by_its_owner_only_and_never_printed_to_the_terminal(ministry, tmp_path):
    files = tmp_path / "kit.pdf", tmp_path / "kit.text"
    for words in (("--out", files[0]), ("--text", files[1], "--json")):
        outcome = done("key", "kit", "qa", *words, home=ministry)
        for group in printed_groups_of(ministry):
            assert group not in outcome.out + outcome.err
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    assert code_of("key", "kit", "qa", "--out", files[0], home=ministry) == "file-exists"


def printed_groups_of(home):
    from poc.core.kit import kit_groups

    key = Keyring.unlock(home, PASSPHRASE).by_role("recovery")[0]
    return kit_groups(unb64u(key.private_jwk()["d"]), "recovery", "qa")


def test_a_group_typed_wrong_is_named(ministry, tmp_path):
    groups = printed(ministry, tmp_path)
    home = new_home(tmp_path / "other")
    wrong = [*groups]
    wrong[4] = wrong[4][:-1] + ("0" if wrong[4][-1] != "0" else "1")
    outcome = run_here("key", "restore", "qa", home=home, stdin=" ".join(wrong).encode())
    assert outcome.code == 1
    assert "group 5" in outcome.err
    assert wrong[4] not in outcome.err
    swapped = [groups[1], groups[0], *groups[2:]]
    for typed, code in (
        (swapped, "kit-group"),
        (groups[:-1], "kit-incomplete"),
        ([], "kit-incomplete"),
        (["\x00"] * 5000, "kit-incomplete"),
    ):
        assert code_of("key", "restore", "qa", home=home, stdin=" ".join(typed).encode()) == code
    assert code_of("key", "restore", "qa", home=home, stdin=b"\xff\xfe") == "kit-incomplete"
    assert code_of("key", "restore", "jo", home=home, stdin=" ".join(groups).encode()) == "kit-mismatch"
    assert code_of("key", "restore", "qa.technical", home=home) == "usage"
    assert not (home / "keyring.jwe").exists()


def test_a_key_leaves_the_home_only_when_its_print_was_typed_back(ministry, tmp_path):
    groups = printed(ministry, tmp_path)
    wrong = " ".join([*groups[:-1], "00000000"]).encode()
    assert code_of("key", "kit", "qa", "--remove", home=ministry, stdin=wrong) == "kit-mismatch"
    assert recovery_kid(ministry) is not None
    removed = done("key", "kit", "qa", "--remove", "--json", home=ministry, stdin=" ".join(groups).encode())
    assert removed.value["removed"] is True
    assert recovery_kid(ministry) is None
    assert Keyring.unlock(ministry, PASSPHRASE).by_role("recovery") == ()
    assert code_of("key", "kit", "qa", "--text", tmp_path / "b", home=ministry) == "no-key"
    done("key", "restore", "qa", home=ministry, stdin=" ".join(groups).encode())
    assert recovery_kid(ministry) == removed.value["kid"]


def test_the_kit_of_another_key_removes_nothing(ministry, tmp_path):
    groups = printed(ministry, tmp_path)
    other = new_home(tmp_path / "other")
    done("key", "new", "qa", "--role", "recovery", home=other)
    before = recovery_kid(other)
    typed = " ".join(groups).encode()
    assert code_of("key", "kit", "qa", "--remove", home=other, stdin=typed) == "kit-not-this-key"
    assert recovery_kid(other) == before


@pytest.mark.long
def test_a_kit_comes_from_a_file_that_others_cannot_read(ministry, tmp_path):
    file = tmp_path / "typed"
    file.write_text("\n".join(printed(ministry, tmp_path)))
    file.chmod(0o644)
    assert code_of("key", "restore", "qa", "--from", file, home=ministry) == "kit-file-open"
    file.chmod(0o600)
    assert done("key", "restore", "qa", "--from", file, "--json", home=ministry).value["already_here"] is True
    assert code_of("key", "restore", "qa", "--from", tmp_path / "none", home=ministry) == "no-such-file"


@pytest.mark.parametrize(
    "words",
    [(), ("--remove", "--out", "a.pdf"), ("--out", "a.pdf", "--from", "b"), ("--remove", "--text", "a")],
)
def test_a_kit_is_printed_or_proved_not_both(ministry, words):
    assert code_of("key", "kit", "qa", *words, home=ministry) == "usage"


@pytest.mark.long
def test_of_several_recovery_keys_one_is_named(ministry, tmp_path):
    first = recovery_kid(ministry)
    done("key", "new", "qa", "--role", "recovery", home=ministry)
    assert code_of("key", "kit", "qa", "--text", tmp_path / "a", home=ministry) == "no-key"
    shown = done("key", "kit", "qa", "--key", first, "--text", tmp_path / "a", "--json", home=ministry)
    assert shown.value["kid"] == first
    assert code_of("key", "kit", "jo", "--text", tmp_path / "b", home=ministry) == "no-key"


def test_a_kit_is_typed_at_a_terminal_group_by_group_without_echo(ministry, tmp_path):
    groups = printed(ministry, tmp_path)
    typed = [groups[0], "123456", *groups[1:]]
    command = [sys.executable, "-m", "poc.cli.main", "--home", str(ministry), "key", "restore", "qa"]
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, start_new_session=True
    )
    os.close(follower)
    shown = b""
    for group in typed:
        while not shown.rstrip().endswith(b":"):
            shown += os.read(leader, 4096)
        time.sleep(0.05)
        os.write(leader, f"{group}\n".encode())
        shown += b"\n"
    while True:
        try:
            more = os.read(leader, 4096)
        except OSError:
            break
        shown += more
    assert process.wait(timeout=20) == 0
    assert b"Group 17 of 17" in shown
    assert b"group 2" in shown
    assert b"the kit is right" in shown
    assert not any(group.encode() in shown for group in groups)


# --- requests -----------------------------------------------------------------------------------


def request(home, folder, *more, json_out=True):
    files = ("--out", folder / "qa.request.json", "--page", folder / "qa.request.pdf")
    words = ("state", "request", "qa", *NAMES, *files, *more, *(["--json"] if json_out else []))
    return run_here(*words, home=home)


def test_a_request_and_its_page_say_the_same(ministry, tmp_path):
    made = request(ministry, tmp_path, "--origin", "example.org/cbm", "--fingerprint", PIN)
    assert made.code == 0, made
    assert len(made.value["signed_by"]) == 2
    found = pages((tmp_path / "qa.request.pdf").read_bytes())
    text = "\n".join(line for page in found[:-3] for line in page)
    flat = "".join(text.split())
    assert made.value["fingerprint"] in flat
    assert PIN in flat
    for kid in (*made.value["authority_keys"], made.value["recovery_key"]):
        assert kid in flat
        assert unb64u(kid).hex() in flat
    assert "State of Qatar" in text
    assert "رطق ةلود" in text
    notes = ["\n".join(page) for page in found[-3:]]
    assert [made.value["fingerprint"][:4] in note for note in notes] == [True] * 3
    assert "presents its compliments" in notes[1]
    assert "présente ses compliments" in notes[2]
    assert all("____" in note for note in notes)


def test_a_request_names_the_registry_it_asks(ministry, tmp_path):
    def refusal(*words):
        return request(ministry, tmp_path, *words).value["code"]

    assert refusal() == "usage"
    assert refusal("--origin", "example.org/cbm") == "usage"
    assert refusal("--origin", "example.org/cbm", "--fingerprint", PIN[:-1]) == "bad-fingerprint"
    assert refusal("--origin", "EXAMPLE", "--fingerprint", PIN) == "bad-form"
    assert refusal("--origin", "example.org/cbm", "--fingerprint", PIN, "--threshold", "2") == "bad-form"
    assert not (tmp_path / "qa.request.json").exists()
    assert not (tmp_path / "qa.request.pdf").exists()


def test_only_an_authority_key_of_the_state_asks(tmp_path):
    home = new_home(tmp_path / "home")
    done("key", "new", "jo", "--role", "authority", home=home)
    done("key", "new", "qa", "--role", "recovery", home=home)
    made = request(home, tmp_path, "--origin", "example.org/cbm", "--fingerprint", PIN)
    assert made.value["code"] == "no-key"


@pytest.mark.long
def test_a_request_names_keys_held_in_other_homes(ministry, tmp_path):
    other, safe = new_home(tmp_path / "other"), new_home(tmp_path / "safe")
    done("key", "new", "qa", "--role", "authority", home=other)
    done("key", "export", "qa", "--out", tmp_path / "other.json", home=other)
    done("key", "new", "qa", "--role", "recovery", home=safe)
    done("key", "export", "qa", "--out", tmp_path / "safe.json", home=safe)
    more = ("--authority", tmp_path / "other.json", "--recovery", tmp_path / "safe.json", "--threshold", "2")
    made = request(ministry, tmp_path, "--origin", "example.org/cbm", "--fingerprint", PIN, *more)
    assert made.code == 0, made
    assert len(made.value["authority_keys"]) == 2
    assert made.value["recovery_key"] == recovery_kid(safe)
    assert len(made.value["signed_by"]) == 1


# --- from the request to the enrolment ----------------------------------------------------------


def seed_of(label, _size):
    return domain_hash("poc/1 test key", label.encode())


@pytest.fixture
async def registrars(live, tmp_path):
    """The homes of both registrars."""
    homes = []
    for label in REGISTRARS:
        home = tmp_path / label
        pin = live.registry.directory.fingerprint
        desk = await Desk.join(home, live.origin, pin, party=label, http=live.session)
        await desk.close()
        keys = Keyring.create(home, PASSPHRASE)
        keys.add_signing("registrar", label, live.now, partial(seed_of, label))
        keys.save()
        (home / "passphrase").write_text(PASSPHRASE + "\n")
        (home / "passphrase").chmod(0o600)
        homes.append(home)
    return homes


async def asked(live, ministry, folder):
    """The ministry joins and asks; gives the request's value."""
    pin = live.registry.directory.fingerprint
    joined = await poc("registry", "join", live.origin, "--fingerprint", pin, home=ministry)
    assert joined.code == 0, joined
    made = request(ministry, folder)
    assert made.code == 0, made
    return made.value


async def test_a_state_is_enrolled_from_its_request(live, registrars, ministry, tmp_path):
    first, second = registrars
    value = await asked(live, ministry, tmp_path)
    request_file, file = tmp_path / "qa.request.json", tmp_path / "qa.enrol.json"
    words = ("state", "enrol", "qa", "--request", request_file, "--fingerprint", value["fingerprint"], *NOTE)
    drafted = await poc(*words, "--out", file, home=first)
    assert drafted.code == 0, drafted
    assert "as on the annexed page" in drafted.err
    signed = await poc("proposal", "sign", file, "--request", request_file, home=ministry)
    assert signed.code == 0, signed
    submitted = await poc("proposal", "submit", file, "--json", home=first)
    assert submitted.value["state"] == "proposed"
    last = await poc(
        "proposal", "sign", submitted.value["proposal"], "--request", request_file, "--json", home=second
    )
    assert last.value["state"] == "logged", last
    state = live.hub.log.view.directory.states["qa"]
    assert state.authority_kids == tuple(value["authority_keys"])
    assert state.recovery_kid == value["recovery_key"]
    assert state.names.official["ar"] == "دولة قطر"


async def test_a_request_that_is_not_as_printed_enrols_nobody(live, registrars, ministry, tmp_path):
    first, _ = registrars
    value = await asked(live, ministry, tmp_path)
    good = tmp_path / "qa.request.json"
    wrong_page = f"{int(value['fingerprint'], 16) ^ 1:064x}"
    data = json.loads(good.read_bytes())
    edited, intruder = tmp_path / "edited.json", tmp_path / "intruder.json"
    payload = json.loads(unb64u(data["payload"]))
    edited.write_bytes(canonical({**data, "payload": b64u(canonical({**payload, "kind": "observer"}))}))
    thief = new_home(tmp_path / "thief")
    done("key", "new", "qa", "--role", "authority", home=thief)
    pin = live.registry.directory.fingerprint
    (tmp_path / "t").mkdir()
    assert request(thief, tmp_path / "t", "--origin", payload["origin"], "--fingerprint", pin).code == 0
    intruder.write_bytes((tmp_path / "t" / "qa.request.json").read_bytes())
    elsewhere = tmp_path / "e"
    elsewhere.mkdir()
    assert request(thief, elsewhere, "--origin", payload["origin"], "--fingerprint", PIN).code == 0
    other_pin = json.loads(unb64u(json.loads((elsewhere / "qa.request.json").read_bytes())["payload"]))

    async def refusal(file, *more, state="qa"):
        out = ("--out", tmp_path / "never.json")
        outcome = await poc(
            "state", "enrol", state, "--request", file, *more, *NOTE, *out, "--json", home=first
        )
        return outcome.value["code"]

    page = ("--fingerprint", value["fingerprint"])
    assert await refusal(good) == "usage"
    assert await refusal(good, "--fingerprint", wrong_page) == "request-mismatch"
    assert await refusal(good, "--fingerprint", value["fingerprint"][:-4]) == "bad-fingerprint"
    assert await refusal(good, *page, state="sd") == "request-differs"
    assert await refusal(good, *page, "--kind", "member") == "usage"
    assert await refusal(good, *page, "--name", "en=Qatar") == "usage"
    assert await refusal(edited, *page) == "bad-signature"
    assert await refusal(intruder, *page) == "request-mismatch"
    assert other_pin["genesis_fingerprint"] == PIN
    assert await refusal(elsewhere / "qa.request.json", *page) == "wrong-fingerprint"
    assert await refusal(tmp_path / "qa.request.pdf", *page) == "bad-json"
    assert await refusal(tmp_path / "none.json", *page) == "no-such-file"
    assert not (tmp_path / "never.json").exists()


async def test_a_state_does_not_sign_an_enrolment_that_differs_from_its_request(
    live, registrars, ministry, tmp_path
):
    first, _ = registrars
    await asked(live, ministry, tmp_path)
    done("key", "export", "qa", "--role", "authority", "--out", tmp_path / "qa.json", home=ministry)
    file, request_file = tmp_path / "enrol.json", tmp_path / "qa.request.json"
    words = ("state", "enrol", "qa", *NAMES, "--kind", "observer", "--authority", tmp_path / "qa.json", *NOTE)
    drafted = await poc(*words, "--out", file, home=first)
    assert drafted.code == 0, drafted
    before = file.read_bytes()
    refused = await poc("proposal", "sign", file, "--request", request_file, "--json", home=ministry)
    assert refused.value["code"] == "request-differs"
    assert "kind" in refused.value["message"]
    assert "recovery" in refused.value["message"]
    assert file.read_bytes() == before
    withdrawal = tmp_path / "other.json"
    made = await poc("state", "withdraw", "jo", "--out", withdrawal, "--json", home=first)
    assert made.value["code"] == "no-key"


async def test_an_enrolment_is_typed_out_or_taken_from_a_request(live, registrars, tmp_path):
    first, _ = registrars
    for words in ((), ("--name", "en=Qatar"), ("--fingerprint", PIN)):
        outcome = await poc("state", "enrol", "qa", *words, *NOTE, "--json", home=first)
        assert (outcome.code, outcome.value["code"]) == (2, "usage")


# --- ceremonies ---------------------------------------------------------------------------------


def test_a_ceremony_is_held_by_script(tmp_path):
    hub, *homes = [new_home(tmp_path / name) for name in ("hub", *REGISTRARS)]
    keys = []
    for name, home in zip(REGISTRARS, homes, strict=True):
        done("key", "new", name, "--role", "registrar", home=home)
        done("key", "export", name, "--out", tmp_path / f"{name}.json", home=home)
        keys += ["--registrar", tmp_path / f"{name}.json"]
    file, transcript = tmp_path / "genesis.json", tmp_path / "transcript.txt"
    done("registry", "init", "--draft", file, "--origin", "example.org/cbm", *keys, home=hub)
    begun = done(
        "ceremony", "begin", file, "--transcript", transcript, "--present", "host", "--json", home=homes[0]
    )
    pin = begun.value["fingerprint"]
    assert (begun.value["ended"], begun.value["missing"]) == (False, ["2 signatures of the registrars named"])
    words = (file, "--transcript", transcript)
    assert code_of("ceremony", "begin", *words, home=homes[0]) == "file-exists"
    assert code_of("ceremony", "sign", *words, home=homes[0]) == "usage"
    assert code_of("ceremony", "sign", *words, "--fingerprint", PIN, home=homes[0]) == "wrong-fingerprint"
    assert code_of("ceremony", "end", *words, home=homes[0]) == "signatures-missing"
    for home in homes:
        done("ceremony", "sign", *words, "--fingerprint", pin, home=home)
    ended = done("ceremony", "end", *words, "--json", home=homes[1])
    verified = done("ceremony", "verify", transcript, file, "--json")
    assert verified.value == ended.value
    assert verified.value["ended"] is True
    assert transcript.read_text("utf-8").endswith(f"sha256: {ended.value['transcript_sha256']}\n")
    assert done("registry", "init", "--from", file, "--json", home=hub).value["fingerprint"] == pin
    text = transcript.read_text("utf-8")
    transcript.write_text(text.replace("present: host", "present: guest"))
    assert code_of("ceremony", "verify", transcript, file) == "bad-transcript"
    transcript.write_bytes(b"\xff")
    assert code_of("ceremony", "verify", transcript, file) == "bad-transcript"


# --- sheets -------------------------------------------------------------------------------------


def sheet(kept, tmp_path, *words):
    out = tmp_path / "sheet.pdf"
    outcome = run_here("contact", "sheet", *words, "--out", out, "--json", home=kept)
    assert outcome.code == 0, outcome
    return outcome, pages(out.read_bytes())


def test_a_sheet_shows_what_the_paper_folder_needs(kept, tmp_path):
    outcome, found = sheet(kept["jo"], tmp_path, "sd.technical", "--language", "en")
    text = "\n".join(line for page in found for line in page)
    flat = "".join(text.split())
    assert outcome.value["contacts"] == ["sd.technical"]
    assert "EXERCISE EXERCISE EXERCISE first and last" in text
    assert "Never one that a caller gives" in text
    assert text.index("1. phone (switchboard)") < text.index("2. e-mail")
    for told in (
        "+999 5550101",
        "desk@sd.technical.example",
        "Africa/Khartoum (UTC+0200)",
        "around the clock",
        "Arabic (ar), English (en)",
        "Sudan / نادوسلا",
        outcome.value["as_of"],
    ):
        assert told in text
    shown = run_here("registry", "show", "--json", home=kept["jo"]).value
    assert shown["fingerprint"] in flat
    assert shown["root"] in flat
    assert unb64u(signing_key("sd.technical 1").kid).hex() in flat


def test_a_sheet_in_arabic_runs_from_the_right_and_keeps_its_numbers(kept, tmp_path):
    _, found = sheet(kept["jo"], tmp_path, "jo.technical", "--language", "ar")
    lines = [line for page in found for line in page]
    assert any(line.startswith("+999 5550101") and line.endswith(".1") for line in lines)
    assert any(line.startswith("desk@jo.technical.example") for line in lines)
    assert any(line.startswith("08:00–16:00") for line in lines)
    assert any("نيرمت نيرمت نيرمت" in line for line in lines)
    assert any("Asia/Amman (UTC+0300)" in line for line in lines)


@pytest.mark.long
def test_each_contact_has_a_page_in_both_languages(kept, tmp_path):
    outcome, found = sheet(kept["jo"], tmp_path, "jo.technical", "sd.technical", "jo.technical")
    assert outcome.value["contacts"] == ["jo.technical", "sd.technical"]
    titles = [page[0] for page in found]
    assert sum("Contact sheet:" in title for title in titles) == 2
    assert sum("لاصتالا ةطقن ةقاطب" in title for title in titles) == 2


def test_a_sheet_says_what_is_missing(kept, tmp_path):
    _, found = sheet(kept["jo"], tmp_path, LISTED, "--language", "en")
    text = "\n".join(line for page in found for line in page)
    assert "listed only" in text
    assert "none: nothing can be sealed" in text
    assert text.count("not open on the desk that printed this") == 4


def test_a_contact_that_is_not_there_has_no_sheet(kept, tmp_path):
    out = tmp_path / "sheet.pdf"
    assert code_of("contact", "sheet", "jo.techncal", "--out", out, home=kept["jo"]) == "unknown-contact"
    assert not out.exists()
    out.write_bytes(b"mine")
    assert code_of("contact", "sheet", "jo.technical", "--out", out, home=kept["jo"]) == "file-exists"
    assert out.read_bytes() == b"mine"
