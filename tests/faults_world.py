"""A hub on a store in memory whose n-th call fails: each use case once, and how to see what it did.

A use case is prepared on a store of its own and then done over HTTP, or as the hub does it by itself. What
is compared afterwards is the whole store and whatever the hub keeps in memory, so that a new table or a new
cache is compared without being named here.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, is_dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from poc.errors import PocError
from poc.hub.hub import Hub
from poc.serving.connection import GuardedRunner
from poc.store.base import Store
from poc.store.memory import MemoryStore
from poc.web.app import make_app
from tests.hub_world import World
from tests.registry import Registry, log_signer, signing_key

LOUD = frozenset({"hub", "log"})
VERBS = frozenset(name for name, _ in inspect.getmembers(Store, inspect.iscoroutinefunction)) - {"close"}

NOT_COMPARED = {
    "faults": "the faults themselves",
    "_nonces": "each try of a request has a nonce of its own",
    "_audit": "a try that failed is a call of its own, and has its own record",
    "_anchors": "they are over the newest record",
}
NOTHING_KEPT = {
    "health": "how the disk and the work go since the start",
    "intake": "how many are being served",
    "wakes": "who listens",
    "nudger": "what it is about to send",
}
NOT_REMEMBERED = {
    ("log", "is_writing"): "whether its task runs",
    ("timers", "looked_at"): "when it last looked",
    ("audit", "_deleted"): "compared by the audit trail",
    ("log", "_signer"): "a key, not what is kept",
    ("log", "_queue"): "what waits for an answer, nothing of what is kept",
    ("log", "_writing"): "the same",
    ("log", "trouble"): "why it writes no more: a start is what mends it",
    ("log", "_listeners"): "who is told of a change",
    ("openings", "_places"): "read off the directory when it is asked for",
    ("openings", "_may_hold_traces"): "a start knows nothing and overwrites once more",
    ("audit", "_anchored"): "a start knows nothing and anchors once more",
    ("audit", "_minute_began"): "how many refusals this minute had",
    ("audit", "_in_minute"): "the same",
    ("timers", "_is_sure"): "whether the clock was held against the witnesses since the start",
    ("witnesses", "_asked"): "what each witness was asked since the start",
    ("witnesses", "_tasks"): "the same",
    ("witnesses", "_proved"): "the same",
    ("witnesses", "_target"): "the same",
    ("witnesses", "_published"): "compared by what is shown",
}


@dataclass(frozen=True)
class Answered:
    """What a use case gave: an HTTP status (or 0) and a body, or the code it failed with."""

    status: int
    body: Any = None

    @property
    def code(self) -> str | None:
        return self.body.get("code") if isinstance(self.body, dict) else None

    @property
    def is_done(self) -> bool:
        return self.status < 300

    @property
    def is_disk(self) -> bool:
        return (self.status, self.code) == (503, "storage-failed")


class FaultWorld(World):
    """A hub over HTTP that does nothing of itself but write its log, on a store that a test may fail."""

    store: Any

    def __init__(self, registry: Registry) -> None:
        super().__init__(Path(), registry)
        self.kept: dict[str, Any] = {}

    @asynccontextmanager
    async def serving(self, store: MemoryStore) -> AsyncIterator[FaultWorld]:
        """Serve what is in a store; :meth:`restart` loads it anew."""
        self.store = store
        async with AsyncExitStack() as stack:
            self.session = await stack.enter_async_context(aiohttp.ClientSession())
            self._served: AsyncExitStack | None = None
            stack.push_async_callback(self.stop)
            await self.restart()
            yield self

    async def restart(self) -> None:
        await self.stop()
        self.hub = await self.loaded()
        self._served = stack = AsyncExitStack()
        runner = GuardedRunner(make_app(self.hub, lambda: self.origin), self.hub.now)
        stack.push_async_callback(runner.cleanup)
        before = asyncio.all_tasks()
        await runner.setup()
        while not any(  # noqa: ASYNC110 (nothing tells of it)
            task.get_name() == "log" for task in asyncio.all_tasks() - before
        ):
            await asyncio.sleep(0)
        for task in asyncio.all_tasks() - before:  # before any of them has begun
            if task.get_name() not in LOUD:
                task.cancel()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._served is not None:
            stack, self._served = self._served, None
            await stack.aclose()

    async def loaded(self) -> Hub:
        """A hub that has just read the same store."""
        store: Any = self.store
        hub = Hub(
            store,
            log_signer=log_signer(),
            hub_key=signing_key("hub"),
            now=lambda: self.now,
            channels=self.channels,
        )
        await hub.load()
        return hub

    async def done(self, method: str, path: str, body: Any = b"", *, who: str | None = None) -> Answered:
        return Answered(*await self.ask(method, path, body, who=who))

    async def itself(self, work: Callable[[Hub], Awaitable[Any]]) -> Answered:
        """What the hub does without being asked; a failure as it would be answered."""
        try:
            return Answered(0, await work(self.hub))
        except PocError as error:
            return Answered(error.status, {"code": error.code})

    def later(self, **passed: float) -> None:
        self.now += timedelta(**passed)


def copied(store: MemoryStore) -> MemoryStore:
    """The same in another store, without its faults."""
    other = copy.deepcopy(store)
    other.faults = type(other.faults)()
    return other


def contents(store: MemoryStore) -> dict[str, Any]:
    """Everything that is kept, but for what differs between two tries of the same."""
    kept = {
        name: vars(value) if type(value).__module__.startswith("poc.store.memory_") else value
        for name, value in vars(store).items()
        if name not in NOT_COMPARED and not name.endswith("_numbers")
    }
    kept["_erasures"] = sorted(store._erasures)  # the proof is the request, with its nonce
    return kept


def memory(hub: Hub) -> dict[tuple[str, str], Any]:
    """Whatever a hub remembers that is not asked from its store each time."""
    found: dict[tuple[str, str], Any] = {}
    for part, value in vars(hub).items():
        if part in NOTHING_KEPT or not type(value).__module__.startswith("poc.hub"):
            continue
        for name, known in vars(value).items():
            if (part, name) not in NOT_REMEMBERED and _is_plain(known):
                found[part, name] = known
    found["witnesses", "shown"] = hub.witnesses.published.size
    return found


def _is_plain(value: Any) -> bool:
    plain = (Mapping, set, frozenset, list, tuple, bytes, str, int, float, type(None))
    return isinstance(value, plain) or is_dataclass(value)
