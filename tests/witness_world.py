"""A witness for tests: a log whose trees can be forked, submissions of it, a real server on a free port."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from poc.client.api import HubClient
from poc.core.checkpoint import Checkpoint, Cosigner, sign_checkpoint
from poc.core.httpsig import parse_request
from poc.core.merkle import CompactRange, consistency_proof, leaf_hash, node_hash
from poc.core.note import Signer, read_note
from poc.core.strictjson import b64u
from poc.core.submission import Submission, format_submission
from poc.core.tiles import encode_entries, parse_tile_path
from poc.serving.connection import Deadlines, GuardedRunner
from poc.witness.app import SIZE_TYPE, make_app
from poc.witness.store import Pinned, WitnessStore
from poc.witness.witness import Witness
from tests.registry import ORIGIN as REGISTRY_ORIGIN
from tests.registry import Registry, log_signer, signing_key

ORIGIN = "example.org/watched"
LOG = Signer(ORIGIN, signing_key("watched log"))
NEXT_LOG = Signer(ORIGIN, signing_key("watched log, its next key"))
OTHER_LOG = Signer(ORIGIN, signing_key("another's key"))
COSIGNER = Cosigner("jo.witness", signing_key("jo witness"))
AT = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


class Tree:
    """A log's leaves; ``fork`` gives one that differs from a leaf on."""

    def __init__(self, size: int = 300, fork: int | None = None) -> None:
        named = [f"{n} forked" if fork is not None and n >= fork else str(n) for n in range(size)]
        self.leaves = [leaf_hash(name.encode()) for name in named]

    def read(self, level: int, index: int) -> bytes:
        if level == 0:
            return self.leaves[index]
        return node_hash(self.read(level - 1, 2 * index), self.read(level - 1, 2 * index + 1))

    def root(self, size: int) -> bytes:
        tree = CompactRange()
        for leaf in self.leaves[:size]:
            tree = tree.append(leaf)
        return tree.root()

    def note(self, size: int, *signers: Signer, origin: str = ORIGIN, more: tuple[str, ...] = ()) -> bytes:
        checkpoint = Checkpoint(origin, size, self.root(size), more)
        return sign_checkpoint(checkpoint, *(signers or (LOG,)))

    def proof(self, old: int, size: int) -> tuple[bytes, ...]:
        return consistency_proof(old, size, self.read) if 0 < old < size else ()

    def body(self, old: int, size: int, *signers: Signer, more: tuple[str, ...] = ()) -> bytes:
        note = self.note(size, *signers, more=more)
        return format_submission(Submission(old, self.proof(old, size), note))


TREE = Tree()


def text_of(note: bytes) -> str:
    return read_note(note)[0]


class WitnessWorld:
    """A witness in this process, behind a real socket."""

    def __init__(self, home: Path, prefix: str = "") -> None:
        self.home, self.prefix = home, prefix
        self.now = AT
        self.deadlines = Deadlines()
        self.pinned: dict[str, Pinned] = {}
        self.server: Any = None
        """The server of entries of the pinned log, where there is one."""

    @asynccontextmanager
    async def running(self):
        async with AsyncExitStack() as stack:
            self.store = await WitnessStore.open(self.home)
            stack.push_async_callback(self.store.close)
            await self.store.add_log(ORIGIN, [LOG.verifier()])
            for origin, pinned in self.pinned.items():
                await self.store.add_log(origin, [log_signer().verifier()], pinned)
            http = await stack.enter_async_context(aiohttp.ClientSession())
            self.witness = Witness(self.store, COSIGNER, lambda: self.now, partial(self._hub, http))
            await self.witness.load()
            runner = GuardedRunner(
                make_app(self.witness, self.prefix, self.deadlines), self.witness.now, self.deadlines
            )
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
            connector = aiohttp.TCPConnector(limit=0)
            self.session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            yield self

    def _hub(self, http, address):
        return HubClient(address, http, (COSIGNER.key,), lambda: self.now, os.urandom)

    async def post(self, body: bytes, path: str = "/add-checkpoint"):
        """(status, content type as sent, body)."""
        async with self.session.post(self.origin + self.prefix + path, data=body) as answer:
            return answer.status, answer.headers["Content-Type"], await answer.read()

    async def code(self, body: bytes, path: str = "/add-checkpoint") -> tuple[int, str | None]:
        """Status, and the code of a refusal."""
        status, kind, answer = await self.post(body, path)
        return status, json.loads(answer)["code"] if kind == "application/problem+json" else None

    async def size(self, origin: str = ORIGIN) -> int:
        log = await self.store.log(origin)
        assert log is not None
        return log.tree.size


class LogServer:
    """A hub as far as a witness reads it: it serves whatever leaves it is given, when it is told to."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves
        self.asked: list[str] = []
        self.signed_by: set[str] = set()
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.held = ""
        """What stands in the paths that wait while the gate is shut."""
        self.answer: bytes | int | None = None
        """Given instead of entries: these bytes, or nothing but this status."""

    @asynccontextmanager
    async def running(self):
        app = web.Application()
        app.router.add_get("/tile/entries/{tile:.+}", self._entries)
        app.router.add_get("/v1/genesis", self._genesis)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            self.gate.set()
            await runner.cleanup()

    async def _entries(self, request: web.Request) -> web.Response:
        tile = parse_tile_path(request.path[1:])
        self.asked.append(request.path)
        self.begun.set()
        self.signed_by.add(parse_request(request.headers).keyid)
        if self.held in request.path:
            await self.gate.wait()
        if isinstance(self.answer, int):
            return web.Response(status=self.answer)
        start = tile.index * 256
        if self.answer is not None:
            return web.Response(body=self.answer)
        return web.Response(body=encode_entries(self.leaves[start : start + tile.width]))

    async def _genesis(self, _request: web.Request) -> web.Response:
        return web.json_response({"entry": b64u(self.leaves[0])})


@asynccontextmanager
async def rules_world(home, registry, leaves=None, fingerprint=None):
    """A witness with the registry's log pinned, and the server it reads the entries from."""
    server = LogServer(registry.leaves if leaves is None else leaves)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(server.running())
        world = WitnessWorld(home)
        world.server = server
        world.now = registry.now
        world.pinned[REGISTRY_ORIGIN] = Pinned(server.address, fingerprint or registry.directory.fingerprint)
        yield await stack.enter_async_context(world.running())


def submitted(registry: Registry, old: int, size: int | None = None, *, by: str = "log") -> bytes:
    """What the log of a registry sends to a witness that cosigned ``old``."""
    count = len(registry.entries) if size is None else size
    proof = consistency_proof(old, count, registry._node) if 0 < old < count else ()
    return format_submission(Submission(old, proof, registry.checkpoint(count, by)))


def conflict(size: int):
    return 409, SIZE_TYPE, b"%d\n" % size
