"""R14 with real processes: killed while it fires, paused over a deadline, its clock set a day off."""

from __future__ import annotations

import asyncio
import collections
import random
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from poc.core import jws
from poc.core.draft import Addressee
from poc.core.evidence import Receipt
from poc.core.form import read_form
from tests.hub_messages import seal
from tests.hub_process import HubProcess, ask, make_home, real_time
from tests.registry import Registry, sealing_key

SENDER = "jo.technical 1"
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
WITHIN_SECONDS = 4  # from when a step is due, or the hub is there again, until it must be done


def now():
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def home(tmp_path):
    """A hub's home whose log has two contacts and a stand-in."""
    with real_time():
        registry = Registry()
        registry.enrol("jo", "sd")
        registry.nominate("jo.technical", "sd.technical")
        registry.nominate("sd.diplomatic", alternate_of="sd.technical")
        make_home(tmp_path, registry)
    hub = HubProcess(tmp_path)
    asyncio.run(_fill(hub, registry))
    hub.stop()
    return tmp_path, registry


async def _fill(hub, registry):
    async with aiohttp.ClientSession() as session:
        for entry in registry.entries[1:]:
            status, found = await ask(session, hub, "POST", "/v1/statements", entry.signed.value())
            assert status == 201, found


async def send(hub, session, head, number, due_at):
    """A message to sd.technical, due at a time: its stand-in gets it then, and it expires."""
    addressees = (
        Addressee("sd.technical", sealing_key("sd.technical 1").public, "action", number),
        Addressee(
            "sd.diplomatic", sealing_key("sd.diplomatic 1").public, "action", None, due_at, "sd.technical"
        ),
    )
    sealed = seal(head, now(), number=number, addressees=addressees, respond_by=due_at)
    path = f"/v1/messages/{sealed.message.id}"
    status, found = await ask(session, hub, "PUT", path, sealed.envelope_bytes, who=SENDER)
    assert status in (200, 201), found
    return path


async def send_all(hub, registry, numbers, due_at):
    head = registry.head(registry.directory.size)
    async with aiohttp.ClientSession() as session:
        return [await send(hub, session, head, number, due_at) for number in numbers]


async def fired(hub, paths):
    """How often each step of each message was done, and when the hub says so."""
    counted: collections.Counter[tuple[str, str, str | None]] = collections.Counter()
    times = []
    async with aiohttp.ClientSession() as session:
        for path in paths:
            _, found = await ask(session, hub, "GET", path + "/evidence", who=SENDER)
            for text in found["receipts"]:
                receipt = read_form(Receipt, jws.read_compact(text).payload)
                if receipt.event in ("released", "expired"):
                    counted[path, receipt.event, receipt.contact] += 1
                    times.append(receipt.at)
    return counted, times


async def wait_fired(hub, paths, seconds=WITHIN_SECONDS):
    """Wait until both steps of each message were done; give the counts and the times."""
    until = time.monotonic() + seconds
    while True:
        counted, times = await fired(hub, paths)
        if len(counted) == 2 * len(paths) or time.monotonic() > until:
            return counted, times
        await asyncio.sleep(0.1)


def check_once(counted, paths):
    expected = {
        (path, event, contact)
        for path in paths
        for event, contact in (("released", "sd.diplomatic"), ("expired", "sd.technical"))
    }
    assert set(counted) == expected
    assert set(counted.values()) == {1}


def test_a_hub_killed_while_it_fires_does_each_step_once(home, rounds):
    folder, registry = home
    chance = random.Random(14)
    hub, paths = HubProcess(folder), []
    for n in range(rounds(2, long=25, of="kills while firing")):
        due_at = now() + timedelta(seconds=2)
        paths += asyncio.run(send_all(hub, registry, range(1 + 8 * n, 9 + 8 * n), due_at))
        time.sleep(max((due_at - datetime.now(UTC)).total_seconds(), 0) + chance.uniform(0, 0.08))
        hub.kill()
        hub = HubProcess(folder)
    counted, _ = asyncio.run(wait_fired(hub, paths))
    hub.stop()
    check_once(counted, paths)


def test_a_paused_hub_does_what_was_due_once_it_goes_on(home):
    folder, registry = home
    hub = HubProcess(folder)
    due_at = now() + timedelta(seconds=2)
    paths = asyncio.run(send_all(hub, registry, range(1, 4), due_at))
    hub.process.send_signal(signal.SIGSTOP)
    time.sleep(3)
    hub.process.send_signal(signal.SIGCONT)
    counted, times = asyncio.run(wait_fired(hub, paths))
    hub.stop()
    check_once(counted, paths)
    assert min(times) >= due_at


@pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not here; .ci/run installs it")
@pytest.mark.parametrize("step", ["+86400", pytest.param("-86400", marks=pytest.mark.long)])
def test_a_clock_set_a_day_off_makes_nothing_early_late_or_double(home, tmp_path, monkeypatch, step):
    folder, registry = home
    shift = tmp_path.parent / f"{tmp_path.name}-clock"
    shift.write_text("+0\n", encoding="utf-8")
    for name, value in {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(shift),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }.items():
        monkeypatch.setenv(name, value)
    hub = HubProcess(folder)
    for name in ("LD_PRELOAD", "FAKETIME_TIMESTAMP_FILE"):
        monkeypatch.delenv(name)
    due_at = now() + timedelta(seconds=4)
    paths = asyncio.run(send_all(hub, registry, range(1, 4), due_at))
    far = asyncio.run(send_all(hub, registry, (9,), now() + timedelta(hours=1)))
    shift.write_text(step + "\n", encoding="utf-8")
    counted, times = asyncio.run(wait_fired(hub, paths, 4 + WITHIN_SECONDS))
    check_once(counted, paths)
    assert all(timedelta() <= at - due_at <= timedelta(seconds=WITHIN_SECONDS) for at in times)
    assert asyncio.run(fired(hub, far))[0] == {}
    shift.write_text("+0\n", encoding="utf-8")
    assert asyncio.run(fired(hub, far))[0] == {}
    hub.stop()
