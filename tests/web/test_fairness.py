"""Load that is meant to harm: 500 slow sockets (R22) and a flood of exercise traffic (R31), on a real hub."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from poc.core.checkpoint import head_of
from poc.core.httpsig import sign_request
from poc.core.judge import log_verifiers
from poc.core.strictjson import b64u
from poc.limits import BODY_SECONDS_MAX, HEADER_SECONDS_MAX, IDLE_SECONDS_MAX
from poc.serving.connection import Deadlines
from tests import registry as registry_module
from tests.dribble import KINDS, Dribblers, honest, p99
from tests.fair_world import ACTUAL, ROUTINE, URGENT, Sender, make_actual_home
from tests.hub_messages import seal
from tests.hub_process import ROOT, ask, make_home, real_time, running, write_keyring
from tests.hub_world import World
from tests.registry import log_signer, signing_key, usual

SLOW = 500
DUE = {
    **dict.fromkeys(KINDS, HEADER_SECONDS_MAX),
    "a body byte by byte": BODY_SECONDS_MAX
    + 10,  # and the rest is read for a while, so that the answer is seen
    "a signed body byte by byte": BODY_SECONDS_MAX + 10,
    "one request, then nothing": IDLE_SECONDS_MAX,
    "one request, then half a second": IDLE_SECONDS_MAX,
}
FLOODERS = [f"{state}.desk-{n} 1" for state in ("bh", "om", "sd") for n in range(1, 5)]


def signed_by(hub, who):
    """What signs a GET as a party does."""

    def sign(path):
        now, nonce = datetime.now(UTC).replace(microsecond=0), b64u(os.urandom(16))
        return sign_request("GET", hub.origin + path, b"", signing_key(who), now, nonce)

    return sign


async def among(hub, slow, seconds, **how):
    """The sorted times of honest requests during so many seconds, or until the slow ones are gone."""
    taken, ends_at = [], time.monotonic() + seconds
    while time.monotonic() < ends_at and slow.closed < SLOW:
        taken += await honest(hub.address, 5, pause=0.08, **how)
    return sorted(taken)


async def measure_slow(hub, registry):
    async with aiohttp.ClientSession() as session:
        for entry in registry.entries[1:]:
            assert (await ask(session, hub, "POST", "/v1/statements", entry.signed.value()))[0] == 201
    port = int(hub.address.rsplit(":", 1)[1])
    party = {"path": "/v1/keys", "sign": signed_by(hub, "jo.technical 1")}
    alone = await honest(hub.address, 100, pause=0.02, **party)
    slow = Dribblers("127.0.0.1", port, SLOW, addresses=1)
    await asyncio.sleep(2)
    at_one_address = await among(hub, slow, 25, **party)
    await slow.stop()
    slow = Dribblers("127.0.0.1", port, SLOW, addresses=50, again=False)
    await asyncio.sleep(2)
    at_many = await among(hub, slow, IDLE_SECONDS_MAX + 15, **party)
    await slow.finished(20)
    return alone, at_one_address, at_many, slow.longest


@pytest.mark.long
def test_r22_among_500_slow_sockets_an_honest_request_takes_less_than_a_second(tmp_path, record_property):
    with real_time():
        registry = usual()
        make_home(tmp_path, registry)
    with running(tmp_path) as hub:
        alone, at_one, at_many, longest = asyncio.run(measure_slow(hub, registry))
    told = (
        f"{SLOW} slow sockets; honest p99 alone {p99(alone) * 1000:.0f} ms, among them at one address "
        f"{p99(at_one) * 1000:.0f} ms ({len(at_one)} requests), at 50 {p99(at_many) * 1000:.0f} ms "
        f"({len(at_many)}); held longest {max(longest.values()):.0f} s"
    )
    print(told)
    record_property("full count", told)
    assert len(at_one) > 100
    assert len(at_many) > 100
    assert p99(at_one) < 1
    assert p99(at_many) < 1
    for kind, seconds in longest.items():
        assert 0 < seconds < DUE[kind] + 5, kind


async def actual(hub, numbers):
    """The sorted times in which actual messages are accepted, one after the other."""
    taken = []
    async with aiohttp.ClientSession() as session:
        _, text = await ask(session, hub, "GET", "/checkpoint")
        head = head_of(text, log_verifiers((log_signer().vkey(),)))
        for number in numbers:
            now = datetime.now(UTC).replace(microsecond=0)
            sealed = seal(head, now, number=number, **(URGENT if number % 2 else ACTUAL))
            path = f"/v1/messages/{sealed.message.id}"
            began = time.perf_counter()
            status, found = await ask(session, hub, "PUT", path, sealed.envelope_bytes, who="jo.technical 1")
            taken.append(time.perf_counter() - began)
            assert status == 201, found
            await asyncio.sleep(0.05)
    return sorted(taken)


@pytest.mark.long
def test_r31_a_flood_of_exercise_traffic_does_not_delay_what_is_actual(tmp_path, record_property):
    with real_time():
        registry_module.START -= timedelta(hours=2)  # an objection window passes before there is ``actual``
        make_actual_home(tmp_path, 1200, contacts=[who.split()[0] for who in FLOODERS])
        write_keyring(tmp_path, ("log", "hub"))
    with running(tmp_path) as hub:
        alone = asyncio.run(actual(hub, range(1, 121)))
        command = [sys.executable, "-m", "tests.flood", hub.origin, *FLOODERS]
        flood = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert flood.stdin
        assert flood.stdout
        try:
            assert flood.stdout.readline() == "ready\n"
            flood.stdin.write("go\n")
            flood.stdin.flush()
            time.sleep(1)
            among_it = asyncio.run(actual(hub, range(121, 371)))
        finally:
            flood.terminate()
            seen = json.loads(flood.communicate(timeout=20)[0])
    ratio = p99(among_it) / p99(alone)
    told = (
        f"actual accepted in p99 {p99(alone) * 1000:.0f} ms alone, {p99(among_it) * 1000:.0f} ms (median "
        f"{among_it[len(among_it) // 2] * 1000:.0f} ms) in a flood answered {seen}: ratio {ratio:.1f}"
    )
    print(told)
    record_property("full count", told)
    assert seen.get("201", 0) > 500
    assert seen.get("429", 0) > 500
    assert p99(among_it) < 1
    assert ratio < 30


# --- the same in small, by order instead of by time ----------------------------------------------


@pytest.fixture(scope="module")
def actual_home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("actual")
    return folder, make_actual_home(folder, 1000)


async def test_an_actual_message_is_accepted_while_a_hundred_exercise_messages_wait(
    actual_home, tmp_path, monkeypatch
):
    folder, registry = actual_home
    (tmp_path / "hub.db").write_bytes((folder / "hub.db").read_bytes())
    world = World(tmp_path, registry)
    world.deadlines = Deadlines()
    async with world.running():
        go_on, at_work, accept = asyncio.Event(), [], world.store.accept_message

        async def stalled(message, slots, steps, quota):
            if message.status != "actual":
                at_work.append(message.id)
                await go_on.wait()
            return await accept(message, slots, steps, quota)

        monkeypatch.setattr(world.store, "accept_message", stalled)
        sender = Sender(world)
        many = [asyncio.ensure_future(sender.put(sender.made(**ROUTINE))) for _ in range(40)]
        while len(at_work) < 4:  # noqa: ASYNC110 (the hub tells nobody when its places are taken)
            await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            for kind in (ACTUAL, URGENT):
                assert (await sender.send(**kind))[0] == 201
        assert len(at_work) == 4
        go_on.set()
        assert {status for status, _ in await asyncio.gather(*many)} == {201}
