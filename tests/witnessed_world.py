"""A hub with witnesses: real servers in this process, each witness with a record of its own and a switch."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from poc.serving.connection import Deadlines, GuardedRunner
from poc.witness.app import make_app
from poc.witness.store import WitnessStore
from poc.witness.witness import Witness
from tests.hub_world import World
from tests.registry import ORIGIN, REGISTRARS, Registry, cosigner, enrolment, log_signer, signed

STATES = ("bh", "jo", "sd")


class Seated:
    """One witness: ``port`` stays when it is stopped and started again."""

    def __init__(self, state: str, home: Path, world: WitnessedWorld) -> None:
        self.id, self.home, self.world, self.port = f"{state}.witness", home, world, 0
        self.ahead = 0
        self.stays_away = False
        self._stack: AsyncExitStack | None = None

    async def start(self) -> None:
        if self.stays_away:
            return
        self.home.mkdir(exist_ok=True)
        self._stack = stack = AsyncExitStack()
        self.store = await WitnessStore.open(self.home)
        stack.push_async_callback(self.store.close)
        await self.store.add_log(ORIGIN, [log_signer().verifier(), log_signer("log 2").verifier()])
        witness = Witness(self.store, cosigner(self.id), lambda: self.world.witness_time(self.ahead))
        runner = GuardedRunner(make_app(witness, "", Deadlines()), witness.now, Deadlines())
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        if self._stack is not None:
            stack, self._stack = self._stack, None
            await stack.aclose()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def size(self) -> int:
        log = await self.store.log(ORIGIN)
        assert log is not None
        return log.tree.size


class WitnessedWorld(World):
    """A hub whose registry asks for a quorum; :meth:`seat` brings the witnesses into force."""

    def __init__(self, home: Path, states: tuple[str, ...] = STATES, **settings: object) -> None:
        self.witnesses = [Seated(state, home / f"witness-{state}", self) for state in states]
        self.states = states
        self.settings = {"quorum": "majority", **settings}
        (home / "hub").mkdir()
        super().__init__(home / "hub", Registry(**self.settings))
        self.registry.enrol(*self.states)
        self.now = self.registry.now

    def witness_time(self, ahead: int):
        return self.now + timedelta(seconds=ahead)

    @asynccontextmanager
    async def running(self):
        async with AsyncExitStack() as stack:
            for witness in self.witnesses:
                if witness._stack is None:
                    await witness.start()
                stack.push_async_callback(witness.stop)
            async with super().running():
                if len(self.registry.entries) > self.directory.size:
                    await self.fill()
                yield self

    async def seat(self) -> None:
        """Appoint every witness; the hub attests by itself, so that they come into force."""
        self.sync()
        for witness in self.witnesses:
            state = witness.id.split(".", 1)[0]
            body = {"vkey": cosigner(witness.id).verifier().vkey(), "url": witness.url}
            await self.submit("witness.appoint", witness.id, body, f"{state} authority", witness.id)
        await self.until(lambda: len(self.directory.seats) == len(self.witnesses))

    @property
    def directory(self):
        return self.hub.log.view.directory

    async def submit(self, kind: str, subject: str, body: dict, *by: str):
        """Sign as of the hub's newest directory, and submit."""
        self.registry.directory = self.directory
        self.registry.now = self.now
        return await self.hub.registry.submit(signed(self.registry.payload(kind, subject, body), *by))

    def sync(self) -> None:
        self.registry.directory = self.directory

    async def enrol(self, *states: str) -> None:
        for state in states:
            await self.submit("state.enrol", state, enrolment(state), *REGISTRARS, f"{state} authority")

    async def until(self, holds, seconds: float = 20) -> None:
        """Wait until something holds; fails loudly when it does not."""
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 (what is waited for is anything a test can ask)
                await asyncio.sleep(0.01)
