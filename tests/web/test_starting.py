"""While the log is being read the hub answers what it can, keeps the rest waiting, and not for ever."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web

from poc.core.httpsig import sign_request
from poc.core.strictjson import b64u
from poc.hub.hub import Hub
from poc.hub.log import found
from poc.serving.connection import GuardedRunner
from poc.store.memory import MemoryStore
from poc.web.app import make_app
from tests.registry import REGISTRARS, log_signer, signing_key, usual

EARLY = ("/healthz", "/readyz", "/")


@pytest.fixture
async def starting():
    """A hub that listens and is not loaded: (the hub, its address, a session)."""
    registry, store = usual(), MemoryStore()
    first = registry.entries[0]
    await found(store, first.signed, log_signer(), first.logged_at)
    hub = Hub(store, log_signer=log_signer(), hub_key=signing_key("hub"), now=lambda: registry.now)
    origin: list[str] = []
    runner = GuardedRunner(make_app(hub, lambda: origin[0]), hub.now)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
    async with aiohttp.ClientSession() as session:
        yield hub, origin[0], session
    await runner.cleanup()


async def get(starting, path, headers=None):
    _, address, session = starting
    async with session.get(address + path, headers=headers) as answer:
        is_json = answer.content_type.endswith("json")
        return answer.status, (await answer.json(content_type=None) if is_json else await answer.text())


async def test_health_page_and_readiness_are_answered_at_once(starting):
    assert await get(starting, "/healthz") == (200, {"status": "ok"})
    assert "not shown" in (await get(starting, "/"))[1]
    status, ready = await get(starting, "/readyz")
    assert (status, ready["reason"]) == (503, "starting")
    assert ready["next"]


async def test_everything_else_waits_until_the_log_is_read(starting):
    hub, address, _ = starting
    signed = sign_request(
        "GET", address + "/v1/proposals", b"", signing_key(REGISTRARS[0]), hub.now(), b64u(bytes(16))
    )
    waiting = [
        asyncio.ensure_future(get(starting, "/checkpoint")),
        asyncio.ensure_future(get(starting, "/v1/proposals", signed)),
        asyncio.ensure_future(get(starting, "/v1/inbox")),
    ]
    await asyncio.sleep(0.1)
    assert not any(one.done() for one in waiting)
    await hub.load()
    assert [status for status, _ in await asyncio.gather(*waiting)] == [200, 200, 401]
    assert (await get(starting, "/readyz"))[0] == 200


async def test_whoever_waits_too_long_is_told(starting, monkeypatch):
    monkeypatch.setattr("poc.hub.hub.LOAD_SECONDS_MAX", 0.05)
    status, problem = await get(starting, "/checkpoint")
    assert (status, problem["code"]) == (503, "starting")


async def test_a_disk_that_fails_while_the_log_is_read_ends_the_start(starting):
    hub, _, _ = starting
    hub.store.fail_before("read_head")
    with pytest.raises(Exception, match="storage-failed"):
        await hub.load()
    assert hub.reason.code == "starting"
