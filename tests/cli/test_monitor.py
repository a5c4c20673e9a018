"""What a watch officer is told, against a running hub and a real mail server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from functools import partial
from typing import Any

import pytest

from poc.core.bodies import BODIES
from tests.cli_world import LiveWorld, poc, run_here
from tests.mail_server import PASSWORD, USER, Mailbox, certificate, mail_server

JO = "jo.technical"
TO = ("watch@jo.example", "deputy@jo.example")


async def told(home, *words):
    outcome = await poc("monitor", *words, "--json", home=home)
    assert outcome.code in (0, 1, 3), outcome
    return outcome


def kinds(outcome):
    return [(event["kind"], event["subject"]) for event in outcome.value["events"]]


async def freeze(homes):
    outcome = await poc("contact", "freeze", JO, home=homes["jo"])
    assert outcome.code == 0, outcome


async def test_each_event_is_told_once_and_again_if_asked(homes):
    home = homes["jo"]
    first = await told(home)
    assert ("contact.nominate", JO) in kinds(first)
    assert ("contact.nominate", "sd.technical") not in kinds(first)
    assert (first.value["since"], first.value["next"]) == (0, first.value["events"][-1]["index"] + 1)
    assert kinds(await told(home)) == []
    assert (await told(home, "--exit-code")).code == 0
    await freeze(homes)
    looked = await told(home, "--exit-code")
    assert (looked.code, kinds(looked)) == (1, [("contact.freeze", JO)])
    assert looked.value["events"][0]["signed_by"] == [f"device 1 of {JO}"]
    again = await told(home, "--since", str(looked.value["next"] - 1))
    assert kinds(again) == [("contact.freeze", JO)]
    assert kinds(await told(home)) == []
    other = await told(homes["sd"], "--state", "Sudan")
    assert ("contact.freeze", JO) in kinds(other)
    people = await poc("monitor", "--since", str(looked.value["next"] - 1), home=home)
    assert f"ALARM: {JO} is FROZEN" in people.out
    assert "nothing new for jo" in (await poc("monitor", home=home)).out


@pytest.mark.parametrize(
    "words",
    [("--since", "-1"), ("--follow", "0"), ("--follow", "5", "--since", "3"), ("--since", "x")],
)
def test_words_that_make_no_sense_are_refused(kept, words):
    assert run_here("monitor", *words, "--json", home=kept["jo"]).code == 2


def test_a_hub_that_is_down_is_told_and_ends_with_3(kept):
    outcome = run_here("monitor", "--json", home=kept["jo"])
    assert (outcome.code, outcome.value["reached"]) == (3, False)
    assert ("contact.nominate", JO) in kinds(outcome)
    assert "could not be reached" in outcome.err
    assert run_here("monitor", "--state", "nowhere", home=kept["jo"]).code == 1
    assert run_here("monitor", "--state", "zz", home=kept["jo"]).code == 1
    assert kinds(run_here("monitor", "--state", "JO", "--json", home=kept["jo"])) == []


async def test_a_fork_is_an_alarm_that_stands_and_ends_with_1(homes, live, tmp_path):
    jo = homes["jo"]
    await told(jo)
    other = LiveWorld(tmp_path / "other", live.registry)
    (tmp_path / "other").mkdir()
    async with other.running():
        live.registry.entries = live.registry.entries[:3]
        await asyncio.sleep(1.1)
        await other.fill()
        config = jo / "config.toml"
        config.write_text(config.read_text().replace(live.origin, other.origin))
        outcome = await told(jo)
        assert (outcome.code, kinds(outcome)) == (1, [])
        assert [alarm["code"] for alarm in outcome.value["alarms"]] == ["fork", "contradiction"]
        followed = await poc_follow(jo, "--json")
        assert (await followed.wait()) == 1
    config.write_text(config.read_text().replace(other.origin, live.origin))
    stands = await told(jo)
    assert (stands.code, [alarm["code"] for alarm in stands.value["alarms"]]) == (0, ["contradiction"])
    assert (await told(jo, "--exit-code")).code == 1


async def test_a_log_that_goes_on_with_a_newer_form_keeps_the_cursor_before_it(homes, monkeypatch):
    home = homes["sd"]
    before = (await told(home)).value["next"]
    await freeze(homes)
    with monkeypatch.context() as older:
        older.delitem(BODIES, "contact.freeze")  # a program from before there was such a type
        for _ in range(2):
            outcome = await told(home)
            assert [(e["kind"], e["index"]) for e in outcome.value["events"]] == [("unreadable", before)]
            assert outcome.value["next"] == before
            assert "update-needed" in [alarm["code"] for alarm in outcome.value["alarms"]]
    assert kinds(await told(home)) == [("contact.freeze", JO)]


# --- following ---------------------------------------------------------------------------------


async def poc_follow(home, *words):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POC_")}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "poc.cli.main", "--home", str(home), "monitor", "--follow", "1", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip


async def line_with(stream, text):
    async with asyncio.timeout(20):
        while True:
            line = (await stream.readline()).decode()
            assert line, f"ended without {text}"
            if text in line:
                return line


async def test_following_tells_as_it_comes_until_it_is_told_to_end(homes):
    await told(homes["jo"])
    people, program = await poc_follow(homes["jo"]), await poc_follow(homes["sd"], "--json")
    await line_with(program.stderr, "enrolment of")
    await freeze(homes)
    assert "FROZEN" in await line_with(people.stdout, "#")
    await line_with(program.stderr, "FROZEN")
    for process in (people, program):
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    (line,) = (await program.stdout.read()).splitlines()
    value = json.loads(line)
    assert value["looks"] >= 1
    assert [e["kind"] for e in value["events"]][-1] == "contact.freeze"


# --- mail --------------------------------------------------------------------------------------


def with_mail(home, folder):
    """A home, a mailbox, how its settings for mail are written, and the server that serves the mailbox."""
    box = Mailbox()
    certificate(folder)
    plain = (home / "config.toml").read_text()

    def set_mail(port, **changes):
        settings = {
            "mail_server": f"127.0.0.1:{port}",
            "mail_from": "poc@jo.example",
            "mail_to": list(TO),
            "mail_ca_file": str(folder / "mail.pem"),
            **changes,
        }
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items() if value is not None]
        (home / "config.toml").write_text(plain + "".join(lines))

    return home, box, set_mail, partial(mail_server, box, folder)


@pytest.fixture
def posted(homes, tmp_path):
    return with_mail(homes["jo"], tmp_path)


@pytest.fixture
def posted_offline(kept, tmp_path):
    """The same where the hub is down: what is known is sent, and the exit code is 3."""
    return with_mail(kept["jo"], tmp_path)


async def test_events_go_by_encrypted_mail_once_under_a_subject_that_tells_nothing(posted, homes):
    home, box, set_mail, serving = posted
    async with serving() as port:
        set_mail(port)
        assert (await told(home, "--mail")).code == 0
        assert (await told(home, "--mail")).code == 0
        await freeze(homes)
        assert (await told(home, "--mail")).code == 0
        assert (await told(home, "--mail")).code == 0
    (_, first, encrypted), (recipients, second, _) = box.messages
    assert (encrypted, recipients) == (True, list(TO))
    assert first["Subject"] == second["Subject"] == "Registry notice / إشعار من السجل"
    text = second.get_content()
    assert "EVENTS OF THE LOG / أحداث السجل" in text
    assert f"ALARM: {JO} is FROZEN" in text
    assert "enrolment of" not in text
    assert "Desk of" not in text + first.get_content()


async def test_a_password_is_read_from_a_private_file_and_only_sent_encrypted(posted, homes):
    home, box, set_mail, serving = posted
    secret = home / "mail-password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    async with serving(tls="tls", login=True) as port:
        set_mail(port, mail_tls="tls", mail_user=USER, mail_password_file="mail-password")
        assert (await told(home, "--mail")).code == 0
        assert (box.logins, len(box.messages)) == ([USER], 1)
        await freeze(homes)
        secret.chmod(0o644)
        refused = await told(home, "--mail")
        assert refused.value["code"] == "passphrase-file-open"
        secret.chmod(0o600)
        secret.write_text("another\n")
        refused = await told(home, "--mail")
        assert (refused.code, refused.value["code"]) == (1, "mail-refused")
        assert PASSWORD not in refused.out + refused.err
    set_mail(port, mail_tls="none", mail_user=USER, mail_password_file="mail-password", mail_ca_file=None)
    assert (await told(home, "--mail")).value["code"] == "bad-setting"
    set_mail(port, mail_user=USER)
    assert (await told(home, "--mail")).value["code"] == "bad-setting"


async def test_mail_that_was_not_taken_is_sent_again_with_the_same_events(posted_offline):
    home, box, set_mail, serving = posted_offline
    async with serving() as port:
        set_mail(port)
        for refused, answer, code, exit_code in (
            ({TO[1]: "550 no such user"}, "250 OK", "mail-refused", 1),
            (dict.fromkeys(TO, "550 no such user"), "250 OK", "mail-refused", 1),
            (dict.fromkeys(TO, "450 busy"), "250 OK", "mail-failed", 3),
            ({}, "554 not from here", "mail-refused", 1),
            ({}, "451 later", "mail-failed", 3),
        ):
            box.refused, box.answer = refused, answer
            outcome = await told(home, "--mail")
            assert (outcome.code, outcome.value["code"]) == (exit_code, code), outcome
            assert not any(address in outcome.out + outcome.err for address in TO)
    outcome = await told(home, "--mail")
    assert (outcome.code, outcome.value["code"]) == (3, "mail-failed")
    box.refused, box.answer = {}, "250 OK"
    async with serving() as port:
        set_mail(port)
        assert ("contact.nominate", JO) in kinds(await told(home, "--mail"))
    assert [recipients for recipients, *_ in box.messages] == [[TO[0]], list(TO)]


async def test_without_encryption_that_verifies_nothing_is_sent_unless_set(posted_offline):
    home, box, set_mail, serving = posted_offline
    async with serving(tls="none") as port:
        set_mail(port)
        outcome = await told(home, "--mail")
        assert (outcome.code, outcome.value["code"]) == (1, "mail-not-encrypted")
        set_mail(port, mail_tls="tls")
        assert (await told(home, "--mail")).value["code"] == "mail-not-encrypted"
    async with serving() as port:
        set_mail(port, mail_ca_file=None)
        assert (await told(home, "--mail")).value["code"] == "mail-not-encrypted"
    assert box.messages == []
    async with serving(tls="none") as port:
        set_mail(port, mail_tls="none", mail_ca_file=None)
        assert "code" not in (await told(home, "--mail")).value
    assert [encrypted for *_, encrypted in box.messages] == [False]


async def test_settings_that_cannot_be_used_are_named_and_nothing_is_marked_as_seen(posted_offline):
    home, _, set_mail, _ = posted_offline
    assert (await told(home, "--mail")).value["code"] == "mail-not-set"
    missing: tuple[dict[str, Any], ...] = ({"mail_to": []}, {"mail_from": None}, {"mail_server": None})
    for changes in missing:
        set_mail(1, **changes)
        assert (await told(home, "--mail")).value["code"] == "mail-not-set"
    bad: tuple[dict[str, Any], ...] = (
        {"mail_server": "mail example"},
        {"mail_to": ["nobody"]},
        {"mail_to": ["a@b.example\nBcc: x@y.example"]},
        {"mail_tls": "maybe"},
        {"mail_ca_file": "none.pem"},
    )
    for changes in bad:
        set_mail(1, **changes)
        assert (await told(home, "--mail")).value["code"] == "bad-setting"
    set_mail(1)
    assert ("contact.nominate", JO) in kinds(await told(home))
