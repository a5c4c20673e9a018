"""A running hub for tests: a real server on a free port, a real SQLite store, signed requests."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import aiohttp
from aiohttp import web

from poc.core.httpsig import sign_request
from poc.core.strictjson import b64u, canonical
from poc.hub.hub import Hub
from poc.hub.log import found
from poc.hub.metrics import Metrics
from poc.hub.sending import Channels
from poc.outgoing.calls import Outgoing
from poc.serving.addresses import Proxies
from poc.serving.connection import Deadlines, GuardedRunner
from poc.serving.crowd import Crowd
from poc.store.sqlite import SqliteStore
from poc.web.app import make_app
from poc.web.rates import Rates
from tests.registry import Registry, log_signer, signing_key

# Witnesses and webhooks of tests answer here.
LOOPBACK = ip_network("127.0.0.0/8")


class World:
    """A hub that holds the registry's log, and a client that signs as any label."""

    def __init__(self, home: Path, registry: Registry) -> None:
        self.home, self.registry = home, registry
        self.now: datetime = registry.now + timedelta(seconds=1)
        self.origin = ""
        self.deadlines = Deadlines()
        self.disregarded: tuple[str, ...] = ()
        self.proxies = Proxies()
        self.rates: Callable[[Metrics], Rates] | None = None
        self.crowd: Crowd | None = None
        self.ended: list[str] = []
        self.channels = Channels(Outgoing([LOOPBACK]))
        self.clock_confirmed = False

    @asynccontextmanager
    async def running(self):
        async with AsyncExitStack() as stack:
            self.store = store = await SqliteStore.open(self.home)
            stack.push_async_callback(store.close)
            if await store.read_head() is None:
                first = self.registry.entries[0]
                await found(store, first.signed, log_signer(), first.logged_at)
            self.hub = hub = Hub(
                store,
                log_signer=log_signer(),
                hub_key=signing_key("hub"),
                now=lambda: self.now,
                disregarded=self.disregarded,
                home=self.home,
                channels=self.channels,
                clock_confirmed=self.clock_confirmed,
            )
            await hub.load()
            rates = self.rates(hub.metrics) if self.rates else None
            app = make_app(hub, lambda: self.origin, self.deadlines, self.proxies, rates)
            runner = GuardedRunner(app, hub.now, self.deadlines, self.crowd)
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
            self.session = await stack.enter_async_context(aiohttp.ClientSession())
            yield self

    async def fill(self) -> None:
        """Log what the registry has beyond what the hub has."""
        for entry in self.registry.entries[self.hub.log.view.directory.size :]:
            await self.hub.registry.submit(entry.signed)

    def headers(self, method, path, body=b"", *, who, at=None, nonce=None):
        return sign_request(
            method, self.origin + path, body, signing_key(who), at or self.now, nonce or b64u(os.urandom(16))
        )

    async def ask(self, method, path, body=b"", *, who=None, headers=None):
        """(status, JSON or bytes) of a request signed as ``who``."""
        body = body if isinstance(body, bytes) else canonical(body)
        named = {**(self.headers(method, path, body, who=who) if who else {}), **(headers or {})}
        async with self.session.request(
            method, self.origin + path, data=io.BytesIO(body), headers=named
        ) as answer:
            self.seen = dict(answer.headers)
            if answer.content_type == "text/event-stream":  # it does not end by itself
                return answer.status, b""
            data = self.data = await answer.read()
            is_json = answer.content_type.endswith("json")
            return answer.status, (await answer.json(content_type=None) if is_json else data)
