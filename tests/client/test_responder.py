"""The responder: no message without an alarm, no alarm that tells too much, none that a hub can silence."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from poc.client.alarms import (
    REPEAT_SECONDS,
    Ring,
    due_rings,
    end_answered_elsewhere,
    note_faults,
    note_messages,
    trial_ring,
)
from poc.client.hooks import Hook
from poc.client.programs import run_program
from poc.client.receiving import Receiving, backoff
from poc.client.responder import Responder, check_rights, responder_status, sole_responder, sound, until
from poc.client.trust_alarms import Alarm
from poc.config import DeskSettings
from poc.core.strictjson import format_time, parse_time
from poc.errors import RefusedError
from tests.desk_world import PASSPHRASE, Between
from tests.hub_world import World
from tests.registry import signed
from tests.responder_world import (
    CANARY,
    OFFICER,
    RESPONDER,
    SENDER,
    draft,
    keys_of,
    open_desks,
    publish_keys,
    recorder,
    registry,
)


@pytest.fixture
async def world(tmp_path):
    served = World(tmp_path / "hub", registry())
    (tmp_path / "hub").mkdir()
    async with served.running():
        await served.fill()
        await publish_keys(served)
        yield served


@pytest.fixture
async def desks(world, tmp_path):
    async with open_desks(world, tmp_path, OFFICER, RESPONDER, SENDER) as opened:
        yield opened


async def send(sender, *desks, **changes):
    sent = await sender.send_message(draft(sender, **changes), ("jo.technical",))
    assert sent.state == "accepted", sent
    for desk in desks:
        await desk.sync()
    return sent.id


def alarm(number=1, *, status="test", precedence="routine", kind="message", rung_at=None):
    message = "0" * 24 + f"{number:012}" if kind == "message" else None
    return Alarm(
        number, kind, message, status, precedence, "2026-11-24T08:00:00Z", None, 0, rung_at, None, None
    )


async def test_an_alarm_is_raised_once_and_rings_until_somebody_looks(world, desks):
    officer, responder, sender = desks
    message = await send(sender, responder)
    assert note_messages(responder.known) == 1
    assert note_messages(responder.known) == 0
    trust = responder.known.trust
    (ring,) = due_rings(trust.open_alarms(), world.now)
    trust.note_ring(ring.numbers, format_time(world.now))
    assert due_rings(trust.open_alarms(), world.now) == []
    world.now += timedelta(seconds=REPEAT_SECONDS["flash"])
    assert len(due_rings(trust.open_alarms(), world.now)) == 1
    responder.looked(["another"])
    assert trust.open_alarms()
    responder.looked([message])
    assert trust.open_alarms() == []
    assert note_messages(responder.known) == 0
    await officer.sync()


async def test_what_is_not_new_or_not_good_rings_not(world, desks):
    officer, responder, sender = desks
    await send(sender, expires_at=world.now + timedelta(minutes=5))
    world.now += timedelta(minutes=6)
    await responder.sync()
    note_messages(responder.known)
    assert responder.known.trust.open_alarms() == []
    # what the office sent itself, and what does not verify
    await officer.send_message(draft(officer), ("sd.technical",))
    await send(sender, responder)
    await responder.sync()
    row = responder.known.trust.inbox()[-1]
    responder.known.trust.set_inbox_state(row.number, "refused", "seen-before")
    assert note_messages(responder.known) == 0


async def test_an_answer_by_another_device_ends_it_and_a_hub_cannot(world, desks):
    officer, responder, sender = desks
    assert check_rights(responder.known) == []
    assert check_rights(officer.known) == ["acknowledge", "change", "send"]
    first = await send(sender, officer, responder)
    second = await send(sender, officer, responder)
    note_messages(responder.known)
    await officer.acknowledge(first)
    texts = (await responder.hub.get_json(f"/v1/messages/{first}/evidence"))["acknowledgements"]
    head, _, rest = texts[0].partition(".")
    forged = f"{head}.{rest[:40]}A{rest[41:]}"
    async with Between(world).running(responder) as hub:
        lies = [[], ["x"], [forged], texts, [1], "no list"]  # `texts` is of another message

        def lie(method, path, body):
            if path.endswith("/evidence") and second in path:
                return json.dumps({**json.loads(body), "acknowledgements": lies.pop(0)}).encode()
            return None

        hub.alter = lie
        while lies:
            await end_answered_elsewhere(responder.known, responder.hub)
            assert [a.message for a in responder.known.trust.open_alarms()] == [second]


async def test_programs_are_told_the_number_and_never_the_content(
    world, desks, tmp_path, monkeypatch, caplog
):
    _, responder, sender = desks
    monkeypatch.setenv("POC_PASSPHRASE_FILE", "/a/secret/place")
    told = tmp_path / "told"
    settings = responder.settings.model_copy(
        update={"alarm_command": tuple(recorder(told)), "on_message": tuple(recorder(told))}
    )
    responder.settings = settings
    hook = Hook(responder)
    message = await send(sender, responder)
    note_messages(responder.known)
    (ring,) = due_rings(responder.known.trust.open_alarms(), world.now)
    assert await sound(settings, ring) == []
    rung = told.read_text()
    expected = {
        "ALARM_KIND=message", "ALARM_VOICE=practice", "ALARM_STATUS=test", "ALARM_PRECEDENCE=flash",
        f"ALARM_NUMBER={message[-12:]}", "ALARM_COUNT=1", "ALARM_BANNER=TEST / اختبار",
    }  # fmt: skip
    assert {line for line in rung.splitlines() if line.startswith("ALARM_")} == expected
    assert await hook.run_waiting() == 1
    given = told.read_text()
    (line,) = [line for line in given.splitlines() if line.startswith("{")]
    facts = json.loads(line)
    assert (facts["message"], facts["from"], facts["status"]) == (message, "sd.technical", "test")
    shown = given + "\n".join(ring.lines()) + caplog.text
    for secret in (CANARY, "POC_", "secret", "State sd", "passphrase"):
        assert secret not in shown
    for name in ("sd.technical", "SD-TECH"):
        assert name not in rung + "\n".join(ring.lines())


async def test_the_hook_runs_once_for_each_message_and_a_failing_one_holds_nothing_up(desks, tmp_path):
    _, responder, sender = desks
    told = tmp_path / "told"
    old = await send(sender, responder)
    failing = ("sh", "-c", f"echo $MESSAGE_ID >> {told}; exit 3")
    responder.settings = responder.settings.model_copy(update={"on_message": failing})
    hook = Hook(responder)
    ids = [await send(sender), await send(sender, responder)]
    assert await hook.run_waiting() == 2
    assert await hook.run_waiting() == 0
    assert await Hook(responder).run_waiting() == 0
    assert told.read_text().split() == ids
    assert old not in told.read_text()


def test_an_exercise_never_sounds_as_an_actual_message():
    for status in ("exercise", "test"):
        (ring,) = due_rings([alarm(status=status, precedence="flash")], parse_time("2026-11-24T08:00:00Z"))
        assert ring.voice == "practice"
        assert ring.lines()[0] == ring.lines()[-1] != "ACTUAL MESSAGE / رسالة فعلية"
    assert due_rings([alarm(status="exercise")], parse_time("2026-11-24T08:00:00Z"))[0].lines()[0] == (
        "EXERCISE EXERCISE EXERCISE / تمرين تمرين تمرين"
    )


async def test_the_sound_of_practice_and_of_an_actual_message_are_two(tmp_path):
    now = parse_time("2026-11-24T09:00:00Z")
    pinned: dict[str, Any] = {
        "hub_url": "http://127.0.0.1:9",
        "origin": "example.org/cbm",
        "fingerprint": "0" * 64,
    }
    paths = tmp_path / "actual", tmp_path / "practice"
    settings = DeskSettings(
        home=tmp_path, **pinned, alarm_sound=("touch", str(paths[0])),
        alarm_practice_sound=("touch", str(paths[1])),
    )  # fmt: skip
    await sound(settings, trial_ring(now))
    assert [path.exists() for path in paths] == [False, True]
    unset = settings.model_copy(update={"alarm_practice_sound": ()})
    await sound(unset, trial_ring(now))
    assert not paths[0].exists()
    await sound(unset, Ring("actual", alarm(status="actual"), (1,)))
    assert paths[0].exists()


def test_one_ring_for_each_voice_however_many_messages_come():
    now = parse_time("2026-11-24T09:00:00Z")
    many = [
        alarm(1), alarm(2, precedence="flash"), alarm(3, precedence="immediate"),
        alarm(4, status="actual"), alarm(5, kind="hub", status="none", precedence="immediate"),
    ]  # fmt: skip
    rings = due_rings(many, now)
    assert [(ring.voice, ring.alarm.number, len(ring.numbers)) for ring in rings] == [
        ("actual", 4, 1), ("fault", 5, 1), ("practice", 2, 3),
    ]  # fmt: skip
    assert "and 2 more / و2 غيرها" in rings[2].lines()
    assert (rings[1].short_number, rings[1].facts()["ALARM_NUMBER"]) == ("", "")


@pytest.mark.parametrize(("rung_at", "due"), [
    (None, True), ("2026-11-24T08:59:31Z", False), ("2026-11-24T08:59:30Z", True),
    ("2026-11-24T09:00:00Z", False), ("2027-01-01T00:00:00Z", True),
])  # fmt: skip
def test_it_repeats_after_its_time_and_at_once_where_the_clock_went_back(rung_at, due):
    now = parse_time("2026-11-24T09:00:00Z")
    assert bool(due_rings([alarm(precedence="flash", rung_at=rung_at)], now)) is due


async def test_a_hub_out_of_reach_or_a_stale_log_rings_once_for_as_long_as_it_lasts(world, desks):
    known = desks[1].known

    def kinds(trouble, seconds):
        note_faults(known, trouble=trouble, unreached_seconds=seconds, bound_seconds=600)
        return [a.kind for a in known.trust.open_alarms()]

    assert kinds("hub-unreachable", 600) == []
    assert kinds(None, 9999) == []
    assert kinds("hub-unreachable", 601) == ["hub"]
    assert kinds("hub-unreachable", 700) == ["hub"]
    known.trust.end_alarms("looked", format_time(world.now))  # who reads the inbox has not mended the line
    assert kinds("hub-unreachable", 700) == ["hub"]
    known.trust.end_alarms("silenced", format_time(world.now))
    assert kinds("hub-unreachable", 800) == []
    assert kinds(None, 0) == []
    assert kinds("hub-unreachable", 601) == ["hub"]
    assert kinds("fork", 601) == ["hub", "log"]
    assert kinds(None, 0) == []
    world.now += timedelta(seconds=known.directory.settings.freshness_seconds + 400)
    assert kinds(None, 0) == ["log"]


# --- programs ---


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


async def test_a_program_that_hangs_is_killed_with_all_it_started(tmp_path):
    pid = tmp_path / "pid"
    assert await run_program(["sh", "-c", f"sleep 60 & echo $! > {pid}; wait"], {}, 0.3) == "timeout"
    async with asyncio.timeout(5):
        while runs(int(pid.read_text())):  # noqa: ASYNC110 (of another process)
            await asyncio.sleep(0.02)


async def test_a_program_gets_a_bare_environment_and_no_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("POC_HOME", "/secret")
    monkeypatch.setenv("SECRET_TOKEN", "secret")
    out = tmp_path / "out"
    assert await run_program(["sh", "-c", f"env > {out}; pwd >> {out}"], {"A": "b"}, 5) is None
    assert "secret" not in out.read_text()
    assert out.read_text().splitlines()[-1] == "/"
    marker = tmp_path / "marker"
    assert await run_program(["echo", f"; touch {marker}"], {}, 5) is None
    assert not marker.exists()


@pytest.mark.parametrize(("argv", "why"), [
    (["/no/such/program"], "not-started"), (["/"], "not-started"), (["a\0b"], "not-started"),
    (["false"], "exit-1"), (["sh", "-c", "kill -9 $$"], "exit--9"),
])  # fmt: skip
async def test_a_program_that_fails_is_told(argv, why):
    assert await run_program(argv, {}, 5) == why


# --- running ---


@pytest.fixture
async def run_for(desks):
    """Run the responder until a condition holds."""

    async def run(condition, seconds=5):
        stopped = asyncio.Event()
        shown: list[Ring] = []
        running = asyncio.create_task(until(stopped, Responder(desks[1], shown.append).run()))
        try:
            async with asyncio.timeout(seconds):
                while not condition(shown):
                    if running.done():
                        running.result()
                    await asyncio.sleep(0.02)
        finally:
            stopped.set()
            await running
        return shown

    return run


async def test_a_message_rings_within_a_second_by_the_stream(world, desks, run_for):
    async def later():
        while world.hub.wakes.count == 0:  # noqa: ASYNC110 (the hub has no event for it)
            await asyncio.sleep(0.02)
        await send(desks[2])

    sending = asyncio.create_task(later())
    shown = await run_for(lambda shown: shown)
    await sending
    assert shown[0].alarm.precedence == "flash"
    assert desks[1].known.trust.inbox()[-1].state == "retrieved"
    assert responder_status(desks[1].known, desks[1].home)["alarms"][0]["message"]


async def test_what_was_kept_before_a_crash_rings_after_it(desks, run_for):
    message = await send(desks[2], desks[1])  # kept, and the process ends before an alarm is raised
    shown = await run_for(lambda shown: shown)
    assert shown[0].alarm.message == message


async def test_without_a_stream_it_asks_every_so_often(world, desks, monkeypatch):
    monkeypatch.setattr("poc.hub.notify.STREAMS_MAX", 0)
    receiving = Receiving(desks[1], poll_seconds=0.1)
    got = asyncio.Event()

    async def after_each():
        if desks[1].known.trust.inbox():
            got.set()

    task = asyncio.create_task(receiving.run(after_each))
    await send(desks[2])
    async with asyncio.timeout(5):
        await got.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert not receiving.is_streaming


async def test_a_hub_that_cannot_be_reached_is_trouble_and_ends_nothing(world, desks):
    receiving = Receiving(desks[1])
    desks[1].hub._base = "http://127.0.0.1:9"
    await receiving.sync()
    assert (receiving.trouble, receiving.has_synced) == ("hub-unreachable", False)
    desks[1].hub._base = world.origin
    await receiving.sync()
    assert (receiving.trouble, receiving.has_synced) == (None, True)


def test_pauses_grow_and_are_spread():
    assert all(0.5 <= backoff(1) <= 1 for _ in range(20))
    assert all(30 <= backoff(40) <= 60 for _ in range(20))
    assert len({backoff(5) for _ in range(20)}) > 10


async def test_one_responder_at_a_home(tmp_path):
    async with sole_responder(tmp_path):
        with pytest.raises(RefusedError) as refused:
            async with sole_responder(tmp_path):
                pass
    assert refused.value.code == "responder-runs"
    async with sole_responder(tmp_path):
        pass


async def test_a_device_that_was_revoked_is_trouble_and_rings(world, desks):
    responder = desks[1]
    body = {"kid": responder.known.own_device().kid, "reason": "lost", "suspected_since": None}
    world.registry.now, world.registry.directory = world.now, world.hub.log.view.directory
    payload = world.registry.payload("contact.device-revoke", "jo.technical", body)
    await world.hub.registry.submit(signed(payload, "jo authority"))
    receiving = Receiving(responder)
    await receiving.sync()
    assert receiving.trouble == "bad-request-signature"  # the log that says so is not shown to it either
    note_faults(responder.known, trouble=receiving.trouble, unreached_seconds=0, bound_seconds=600)
    assert [a.kind for a in responder.known.trust.open_alarms()] == ["log"]


async def test_keys_that_another_command_changed_are_taken(world, desks):
    responder = desks[1]
    (responder.home / "passphrase").write_text(PASSPHRASE)
    (responder.home / "passphrase").chmod(0o600)
    receiving = Receiving(responder)
    before = responder.keys
    await receiving.sync()
    assert responder.keys is before
    keys_of(responder.home, RESPONDER, world.now).save()
    await receiving.sync()
    assert (receiving.trouble, responder.keys is before) == (None, False)
