"""Load that is meant to harm, on a real hub: 500 slow sockets (R22), a flood of exercise traffic (R31).

Each gives what it measured in one run, against the same hub without that load.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from poc.core.checkpoint import head_of
from poc.core.httpsig import sign_request
from poc.core.judge import log_verifiers
from poc.core.strictjson import b64u
from poc.limits import IDLE_SECONDS_MAX
from tests import registry as registry_module
from tests.dribble import honest, p99
from tests.fair_world import ACTUAL, URGENT, make_actual_home
from tests.hub_messages import seal
from tests.hub_process import ROOT, ask, make_home, real_time, running, write_keyring
from tests.registry import log_signer, signing_key, usual

SLOW = 500
FLOODERS = [f"{state}.desk-{n} 1" for state in ("bh", "om", "sd") for n in range(1, 5)]
ALONE, AMONG = 120, 250  # actual messages sent without and with the flood


def milliseconds(taken: list[float]) -> int:
    """The 99th percentile of sorted seconds, in milliseconds."""
    return int(p99(taken) * 1000)


def slow_sockets(home: Path) -> dict[str, Any]:
    """Requests of a party: alone, from the address of 500 slow sockets, beside 50 such addresses."""
    with real_time():
        registry = usual()
        make_home(home, registry)
    with running(home) as hub:
        return asyncio.run(_among_slow(hub, registry))


async def _among_slow(hub, registry):
    async with aiohttp.ClientSession() as session:
        for entry in registry.entries[1:]:
            assert (await ask(session, hub, "POST", "/v1/statements", entry.signed.value()))[0] == 201
    port = int(hub.address.rsplit(":", 1)[1])
    alone = await honest(hub.address, 60, pause=0.02, **_party(hub))
    with _dribbling(port, addresses=1) as slow:
        at_one = await _honest_for(hub, slow, 12)
    with _dribbling(port, addresses=50) as slow:
        at_many = await _honest_for(hub, slow, IDLE_SECONDS_MAX + 20)
        told = json.loads(await asyncio.to_thread(slow.stdout.readline))
    return {
        "sockets": SLOW,
        "requests": len(at_one) + len(at_many),
        "alone_p99_ms": milliseconds(alone),
        "one_address_p99_ms": milliseconds(at_one),
        "many_addresses_p99_ms": milliseconds(at_many),
        "never_closed": told["left"],
        "held_seconds": {kind: round(seconds, 1) for kind, seconds in told["longest"].items()},
    }


@contextmanager
def _dribbling(port, *, addresses):
    """The slow sockets, in a process of their own, two seconds after they began."""
    command = [sys.executable, "-m", "tests.dribble", str(port), str(SLOW), str(addresses)]
    slow = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE)
    try:
        assert slow.stdout
        assert slow.stdout.readline() == "begun\n"
        time.sleep(2)
        yield slow
    finally:
        slow.terminate()
        slow.communicate(timeout=20)


def _party(hub):
    """What makes a request that of a party."""

    def sign(path):
        now, nonce = datetime.now(UTC).replace(microsecond=0), b64u(os.urandom(16))
        return sign_request("GET", hub.origin + path, b"", signing_key("jo.technical 1"), now, nonce)

    return {"path": "/v1/keys", "sign": sign}


async def _honest_for(hub, slow, seconds):
    """The sorted times of honest requests during so many seconds, or until no slow socket is left."""
    taken, ends_at = [], time.monotonic() + seconds
    while time.monotonic() < ends_at and slow.poll() is None:
        taken += await honest(hub.address, 5, pause=0.08, **_party(hub))
    return sorted(taken)


def exercise_flood(home: Path) -> dict[str, Any]:
    """Actual messages one after the other, alone and while twelve desks of three States flood with exercises.

    The flood first fills their quotas, then goes on asking.
    """
    with real_time():
        registry_module.START -= timedelta(hours=2)  # an objection window passes before there is ``actual``
        make_actual_home(home, 1200, contacts=[who.split()[0] for who in FLOODERS])
        write_keyring(home, ("log", "hub"))
    with running(home) as hub:
        alone = asyncio.run(_actual(hub, range(1, ALONE + 1)))
        command = [sys.executable, "-m", "tests.flood", hub.origin, *FLOODERS]
        flood = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert flood.stdin
        assert flood.stdout
        try:
            assert flood.stdout.readline() == "ready\n"
            flood.stdin.write("go\n")
            flood.stdin.flush()
            time.sleep(1)
            among = asyncio.run(_actual(hub, range(ALONE + 1, ALONE + AMONG + 1)))
        finally:
            flood.terminate()
            answered = json.loads(flood.communicate(timeout=20)[0])
    return {
        "messages": len(alone) + len(among),
        "alone_p99_ms": milliseconds(alone),
        "flooded_p99_ms": milliseconds(among),
        "flooded_median_ms": round(among[len(among) // 2] * 1000),
        "flood_accepted": answered.get("201", 0),
        "flood_refused": answered.get("429", 0),
    }


async def _actual(hub, numbers):
    """The sorted times in which actual messages are accepted."""
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
