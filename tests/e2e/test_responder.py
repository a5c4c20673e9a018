"""The responder, the follower, the API and the echo as processes: killed, stopped, cut off."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from poc.client.alarms import REPEAT_SECONDS
from poc.client.sdk import Desk
from tests import registry as made
from tests.cli_world import LiveWorld, poc
from tests.desk_world import PASSPHRASE
from tests.responder_world import (
    CANARY,
    ECHO,
    OFFICER,
    RESPONDER,
    SENDER,
    draft,
    make_home,
    publish_keys,
    recorder,
    registry,
    write_settings,
)

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def living(tmp_path, monkeypatch):
    """A hub by the real clock and the homes of the office's desk, its responder, a sender and the echo."""
    monkeypatch.setattr(made, "START", datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1))
    world = LiveWorld(tmp_path / "hub", registry())
    (tmp_path / "hub").mkdir()
    async with world.running():
        await world.fill()
        await publish_keys(world)
        homes = {
            label: await make_home(world, tmp_path, label) for label in (OFFICER, RESPONDER, SENDER, ECHO)
        }
        yield world, homes


class Program:
    """A started command of ours."""

    def __init__(self, process):
        self.process = process

    @classmethod
    async def start(cls, *words, home):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("POC_")}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "poc.cli.main", "--home", str(home), *words, cwd=ROOT, env=environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return cls(process)

    async def line(self, seconds=15):
        async with asyncio.timeout(seconds):
            return (await self.process.stdout.readline()).decode().strip()

    async def stop(self, number=signal.SIGTERM):
        began = time.monotonic()
        self.process.send_signal(number)
        out, err = await self.process.communicate()
        return self.process.returncode, time.monotonic() - began, out.decode(), err.decode()


async def send(home, to="jo.technical", **changes):
    async with await Desk.open(home, PASSPHRASE) as desk:
        sent = await desk.send_message(draft(desk, **changes), (to,))
        assert sent.state == "accepted", sent
        return sent.id


async def told(path, text, seconds=15):
    async with asyncio.timeout(seconds):
        while not (path.exists() and text in path.read_text()):  # noqa: ASYNC110 (of another process)
            await asyncio.sleep(0.05)


async def status(home):
    outcome = await poc("responder", "status", "--json", home=home)
    assert outcome.code == 0, outcome
    return outcome.value


@pytest.mark.long
async def test_no_alarm_is_lost_however_often_the_responder_is_killed(tmp_path, monkeypatch, record_property):
    rounds = 12
    record_property("full count", f"{rounds} kills of the responder")
    async with living(tmp_path, monkeypatch) as (_, homes):
        home, rung = homes[RESPONDER], tmp_path / "rung"
        write_settings(home, alarm_command=["sh", "-c", f"echo $ALARM_NUMBER $ALARM_COUNT >> {rung}"])
        sent = []
        for turn in range(rounds):
            program = await Program.start("responder", "run", home=home)
            sending = asyncio.create_task(send(homes[SENDER]))
            await asyncio.sleep(0.4 + 0.25 * turn)
            program.process.kill()
            await program.process.wait()
            sent.append(await sending)
        rung.unlink(missing_ok=True)
        program = await Program.start("responder", "run", home=home)
        # What rang just before the last kill rings again only after its pause.
        await told(rung, f" {rounds}\n", REPEAT_SECONDS["flash"] + 15)
        value = await status(home)
        assert [alarm["message"] for alarm in value["alarms"]] == sent
        assert all(alarm["rung"] for alarm in value["alarms"])
        assert (await program.stop())[:1] == (0,)
        outcome = await poc("message", "inbox", "--json", home=home)
        assert {row["state"] for row in outcome.value["messages"]} == {"retrieved"}
        assert (await status(home))["alarms"] == []


@pytest.mark.long
async def test_it_rings_until_somebody_looks_tells_no_content_and_stops_in_time(tmp_path, monkeypatch):
    async with living(tmp_path, monkeypatch) as (_, homes):
        home, rung, hooked = homes[RESPONDER], tmp_path / "rung", tmp_path / "hooked"
        write_settings(home, alarm_command=recorder(rung), on_message=recorder(hooked))
        program = await Program.start("responder", "run", home=home)
        second = await poc_until_running(home)
        assert second["running"]
        refused = await poc("responder", "run", "--json", home=home)
        assert (refused.code, refused.value["code"]) == (1, "responder-runs"), refused
        message = await send(homes[SENDER])
        await told(rung, f"ALARM_NUMBER={message[-12:]}")
        await told(hooked, f"MESSAGE_ID={message}")
        code, seconds, out, err = await program.stop()
        assert (code, seconds < 5) == (0, True)
        assert out.startswith("TEST / اختبار\n")
        for text in (out, err, rung.read_text(), hooked.read_text()):
            assert CANARY not in text
            assert PASSPHRASE not in text
        assert message not in err
        assert '"event": "alarm"' in err
        silenced = await poc("responder", "silence", "--json", home=home)
        assert silenced.value == {"silenced": 1}


async def poc_until_running(home):
    async with asyncio.timeout(15):
        while not (value := await status(home))["running"]:  # noqa: ASYNC110 (of another process)
            await asyncio.sleep(0.1)
    return value


@pytest.mark.long
async def test_it_outlives_its_hub_and_rings_for_what_came_meanwhile(tmp_path, monkeypatch):
    async with living(tmp_path, monkeypatch) as (world, homes):
        rung = tmp_path / "rung"
        write_settings(homes[RESPONDER], alarm_command=recorder(rung))
        program = await Program.start("responder", "run", home=homes[RESPONDER])
        await send(homes[SENDER])
        await told(rung, "ALARM_COUNT=1")
        world.hub.wakes.close()  # every stream is cut, and no new one is given
        await send(homes[SENDER])
        await told(rung, "ALARM_COUNT=2", 45)
        assert (await program.stop())[0] == 0


@pytest.mark.long
async def test_lines_follow_for_programs_and_end_cleanly(tmp_path, monkeypatch):
    async with living(tmp_path, monkeypatch) as (_, homes):
        home = homes[OFFICER]
        old = await send(homes[SENDER])
        assert (await poc("sync", home=home)).code == 0
        program = await Program.start("inbox", "follow", "--json", home=home)
        await asyncio.sleep(1.5)
        new = await send(homes[SENDER])
        value = json.loads(await program.line())
        assert (value["message"], value["number"], value["state"]) == (new, 2, "retrieved")
        assert CANARY not in json.dumps(value)
        code, seconds, out, _ = await program.stop(signal.SIGINT)
        assert (code, seconds < 5, out) == (0, True, "")
        program = await Program.start("inbox", "follow", "--json", "--after", "0", home=home)
        assert [json.loads(await program.line())["message"] for _ in range(2)] == [old, new]
        program.process.stdout._transport.close()  # the reader goes away
        async with asyncio.timeout(10):
            assert await program.process.wait() == 0


@pytest.mark.long
async def test_the_api_reads_what_another_process_synced(tmp_path, monkeypatch):
    async with living(tmp_path, monkeypatch) as (world, homes):
        home = homes[OFFICER]
        program = await Program.start("api", "serve", "--port", "0", home=home)
        address = (await program.line()).removeprefix("listening on ")
        message = await send(homes[SENDER])
        assert (await poc("sync", home=home)).code == 0
        token = (home / "api.token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with world.session.get(address + "/inbox", headers=headers) as answer:
            assert [row["message"] for row in (await answer.json())["messages"]] == [message]
        code, seconds, _, err = await program.stop()
        assert (code, seconds < 5) == (0, True)
        assert token not in err


@pytest.mark.long
async def test_my_desk_is_tested_by_an_echo_that_runs_beside(tmp_path, monkeypatch):
    async with living(tmp_path, monkeypatch) as (_, homes):
        program = await Program.start("responder", "echo", home=homes[ECHO])
        outcome = await poc("message", "test-desk", "--json", home=homes[SENDER])
        assert (outcome.code, outcome.value["works"]) == (0, True), outcome
        code, seconds, _, err = await program.stop()
        assert (code, seconds < 5) == (0, True), err
