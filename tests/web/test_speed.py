"""How fast a real hub is over HTTP, as ratios within one run, so that a slow machine is no finding."""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import UTC, datetime

import aiohttp
import pytest

from poc.core.checkpoint import head_of
from poc.core.judge import log_verifiers
from tests.hub_messages import seal
from tests.hub_process import ask, make_home, real_time, running
from tests.registry import log_signer, per_hour, usual

COUNT = 300
LANES = 32


async def measure(hub, registry):
    async with aiohttp.ClientSession() as session:
        for entry in registry.entries[1:]:
            assert (await ask(session, hub, "POST", "/v1/statements", entry.signed.value()))[0] == 201
        _, text = await ask(session, hub, "GET", "/checkpoint")
        head, now = (
            head_of(text, log_verifiers((log_signer().vkey(),))),
            datetime.now(UTC).replace(microsecond=0),
        )
        envelopes = [seal(head, now, number=n) for n in range(1, 2 * COUNT + 1)]
        waiting = iter(envelopes)

        async def lane(most):
            for sealed in waiting:
                path = f"/v1/messages/{sealed.message.id}"
                status, _ = await ask(session, hub, "PUT", path, sealed.envelope_bytes, who="jo.technical 1")
                assert status == 201
                most -= 1
                if not most:
                    return

        began = time.perf_counter()
        await lane(COUNT)
        alone = COUNT / (time.perf_counter() - began)
        began = time.perf_counter()
        await asyncio.gather(*(lane(COUNT) for _ in range(LANES)))
        together = COUNT / (time.perf_counter() - began)
        times = []
        for _ in range(500):
            began = time.perf_counter()
            assert (await ask(session, hub, "GET", "/checkpoint"))[0] == 200
            times.append(time.perf_counter() - began)
    return alone, together, times


@pytest.mark.long
def test_messages_sent_together_share_their_commits(tmp_path, record_property):
    with real_time():
        registry = usual(limits=per_hour(10**6))
        make_home(tmp_path, registry)
    with running(tmp_path) as hub:
        alone, together, times = asyncio.run(measure(hub, registry))
    times.sort()
    told = (
        f"accepts/s one by one {alone:.0f}, {LANES} at once {together:.0f}: ratio {together / alone:.1f}; "
        f"GET /checkpoint median {statistics.median(times) * 1000:.2f} ms, "
        f"p99 {times[int(len(times) * 0.99)] * 1000:.2f} ms, over one accept "
        f"{statistics.median(times) * alone:.2f}"
    )
    print(told)
    record_property("full count", told)
    assert together > alone
