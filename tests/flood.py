"""Floods a hub with exercise traffic until it is stopped: ``python -m tests.flood ORIGIN SENDER…``.

Each sender has messages ready and sends them in several lanes at once, as fast as it is answered; what is
refused for now is sent again at once, whatever Retry-After says. A line of JSON at the end says how it went.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace

import aiohttp

from poc.core.checkpoint import head_of
from poc.core.judge import log_verifiers
from tests.hub_messages import seal
from tests.hub_process import ask
from tests.registry import log_signer

LANES = 8
READY = 400  # messages of each sender


async def flood(origin, senders):
    """Until cancelled: how often each status was answered."""
    hub = SimpleNamespace(origin=origin, address=origin)
    seen: Counter[int] = Counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        _, text = await ask(session, hub, "GET", "/checkpoint")
        head, now = (
            head_of(text, log_verifiers((log_signer().vkey(),))),
            datetime.now(UTC).replace(microsecond=0),
        )
        ready = {who: [seal(head, now, number=n, sender=who) for n in range(1, READY + 1)] for who in senders}
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

        async def lane(who, waiting):
            while waiting:
                sealed = waiting.pop()
                path = f"/v1/messages/{sealed.message.id}"
                status, _ = await ask(session, hub, "PUT", path, sealed.envelope_bytes, who=who)
                seen[status] += 1
                if status == 429:
                    waiting.append(sealed)

        lanes = [lane(who, waiting) for who, waiting in ready.items() for _ in range(LANES)]
        task = asyncio.gather(*lanes)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task
        print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    asyncio.run(flood(sys.argv[1], sys.argv[2:]))
