"""kill -9 of a real hub under load: what had its receipt is there once, and no two checkpoints contradict."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from datetime import UTC, datetime

import aiohttp
import pytest

from poc.core.checkpoint import head_of, verify_checkpoint
from poc.core.iso3166 import ALPHA_2
from poc.core.judge import log_verifiers
from poc.core.merkle import CompactRange, leaf_hash
from poc.core.rules import apply_all
from poc.core.statement import read_entry, read_signed_statement
from poc.core.tiles import decode_entries
from tests.hub_messages import answer, seal
from tests.hub_process import HubProcess, ask, ended, make_home, real_time
from tests.registry import ORIGIN, REGISTRARS, enrolment, log_signer, per_hour, signed, usual

SENDERS = {"jo.technical 1": "sd.technical 1", "sd.diplomatic 1": "jo.diplomatic 1"}
GONE = (aiohttp.ClientError, TimeoutError, ConnectionError)
VERIFIERS = log_verifiers((log_signer().vkey(),))


def now():
    return datetime.now(UTC).replace(microsecond=0)


class Load:
    """What desks do, and all that they were told; ``open`` is what was asked and not answered."""

    def __init__(self, registry):
        self.registry = registry
        self.checkpoints = set()
        self.receipts = {}  # (path, body) -> what the hub answered to it
        self.logged = {}  # payload -> index
        self.inbox = {}  # (who, message) -> number
        self.open = []
        self.numbers = dict.fromkeys(SENDERS, 0)
        self.states = sorted(ALPHA_2 - {"jo", "sd"}, reverse=True)

    async def told(self, hub, session, request):
        """Ask; keep what was answered, or the request itself if nothing was."""
        self.open.append(request)
        method, path, body, who = request
        status, found = await ask(session, hub, method, path, body, who=who)
        self.open.remove(request)
        if path == "/v1/statements":
            assert status == 201 or found["code"] == "already-logged", found
            payload = read_signed_statement(body).payload
            assert self.logged.setdefault(payload, found["index"]) == found["index"]
        else:
            assert status in {200, 201}, found
            key = (path, str(body))
            assert self.receipts.setdefault(key, found["receipt"]) == found["receipt"]

    async def see(self, hub, session):
        status, text = await ask(session, hub, "GET", "/checkpoint")
        assert status == 200
        self.checkpoints.add(text)
        return head_of(text, VERIFIERS)

    async def send(self, hub, session, sender):
        """Message after message, each acknowledged by its recipient."""
        while True:
            head = await self.see(hub, session)
            self.numbers[sender] += 1
            recipient = SENDERS[sender]
            sealed = seal(head, now(), number=self.numbers[sender], sender=sender, to=(recipient,))
            path = f"/v1/messages/{sealed.message.id}"
            await self.told(hub, session, ("PUT", path, sealed.envelope_bytes, sender))
            text = answer(sealed, "acknowledgement", recipient, head, now())
            await self.told(hub, session, ("POST", path + "/acknowledgements", {"jws": text}, recipient))

    async def enrol(self, hub, session):
        """A State, then the next, four in all."""
        for _ in range(4):
            state = self.states.pop()
            payload = self.registry.payload("state.enrol", state, enrolment(state), issued_at=now())
            statement = signed(payload, *REGISTRARS, f"{state} authority").value()
            await self.told(hub, session, ("POST", "/v1/statements", statement, None))
            await self.see(hub, session)

    async def run(self, hub, seconds):
        """Load the hub, then kill it at that moment."""
        async with aiohttp.ClientSession() as session:
            tasks = [*(self.send(hub, session, sender) for sender in SENDERS), self.enrol(hub, session)]
            working = [asyncio.ensure_future(self._until_gone(task)) for task in tasks]
            await asyncio.sleep(seconds)
            hub.kill()
            await asyncio.gather(*working)

    async def _until_gone(self, task):
        with contextlib.suppress(*GONE):
            await task

    async def repeat(self, hub):
        """Ask again, unchanged, what was not answered; then compare with what was told before."""
        async with aiohttp.ClientSession() as session:
            again, self.open = self.open, []
            await asyncio.gather(*(self.told(hub, session, request) for request in again))
            await self.see(hub, session)
            for who in SENDERS.values():
                await self._read_inbox(hub, session, who)

    async def _read_inbox(self, hub, session, who):
        after, seen = 0, []
        while True:
            _, page = await ask(session, hub, "GET", f"/v1/inbox?after={after}", who=who)
            if not page["items"]:
                break
            for item in page["items"]:
                seen.append(item["message"])
                assert self.inbox.setdefault((who, item["message"]), item["number"]) == item["number"]
                path = f"/v1/messages/{item['message']}"
                told = [receipt for (at, _), receipt in self.receipts.items() if at == path]
                assert told == [item["accepted"]], path
            after = page["next"]
        assert len(seen) == len(set(seen))
        assert {message for holder, message in self.inbox if holder == who} == set(seen)

    async def verify(self, hub):
        """The served log against everything ever told: statements, receipts, checkpoints."""
        async with aiohttp.ClientSession() as session:
            for path, body in list(self.receipts)[::7]:
                if path.endswith("/acknowledgements"):
                    continue
                _, found = await ask(session, hub, "GET", path + "/evidence", who=self._sender(path))
                assert self.receipts[path, body] in found["receipts"]
                assert len(found["acknowledgements"]) == len(set(found["acknowledgements"]))
            leaves = await served(hub, session)
        directory = apply_all(None, [read_entry(leaf) for leaf in leaves])
        payloads = [read_entry(leaf).signed.payload for leaf in leaves]
        assert len(payloads) == len(set(payloads))
        for payload, index in self.logged.items():
            assert payloads[index] == payload
        roots, tree = {0: CompactRange().root()}, CompactRange()
        for leaf in leaves:
            tree = tree.append(leaf_hash(leaf))
            roots[tree.size] = tree.root()
        assert (directory.size, directory.tree.root()) == (tree.size, tree.root())
        for text in self.checkpoints:
            checkpoint = verify_checkpoint(text, ORIGIN, VERIFIERS)
            assert roots[checkpoint.size] == checkpoint.root

    def _sender(self, path):
        message = path.rsplit("/", 1)[1]
        recipient = next(who for who, found in self.inbox if found == message)
        return next(sender for sender, to in SENDERS.items() if to == recipient)


async def served(hub, session):
    """Every entry, as the hub serves it to a registrar."""
    _, text = await ask(session, hub, "GET", "/checkpoint")
    size = verify_checkpoint(text, ORIGIN, VERIFIERS).size
    leaves: list[bytes] = []
    while len(leaves) < size:
        index, width = len(leaves) // 256, min(256, size - len(leaves))
        path = f"/tile/entries/{index:03d}" + ("" if width == 256 else f".p/{width}")
        status, data = await ask(session, hub, "GET", path, who=REGISTRARS[0])
        assert status == 200
        leaves += decode_entries(data, width)
    return leaves


@pytest.fixture
def loaded(tmp_path):
    with real_time():
        registry = usual(limits=per_hour(10**6))
        make_home(tmp_path, registry)

    async def fill(hub):
        async with aiohttp.ClientSession() as session:
            for entry in registry.entries[1:]:
                status, found = await ask(session, hub, "POST", "/v1/statements", entry.signed.value())
                assert status == 201, found

    hub = HubProcess(tmp_path)
    asyncio.run(fill(hub))
    hub.stop()
    return tmp_path, Load(registry)


def test_a_hub_killed_under_load_keeps_every_promise_it_made(loaded, rounds):
    home, load = loaded
    chance = random.Random(20261124)
    hub = HubProcess(home)
    for _ in range(rounds(8, long=100, of="kills of the hub under load")):
        asyncio.run(load.run(hub, chance.uniform(0.05, 0.7)))
        hub = HubProcess(home)
        asyncio.run(load.repeat(hub))
    asyncio.run(load.verify(hub))
    assert hub.stop()[0] == 0
    assert load.open == []
    assert len(load.receipts) > 20
    assert len(load.logged) > 5


@pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=pytest.mark.long)])
def test_r8_a_paused_hub_keeps_its_home_and_goes_on_where_it_stood(loaded, seconds):
    """SIGSTOP, a second instance meanwhile, SIGCONT: one log, no two checkpoints that contradict."""
    home, load = loaded
    hub = HubProcess(home)
    asyncio.run(_enrol_while_paused(load, hub, home, seconds))
    asyncio.run(load.repeat(hub))
    asyncio.run(load.verify(hub))
    assert hub.stop()[0] == 0
    assert len(load.logged) == (4 if seconds < 10 else len(load.logged)) > 0


async def _enrol_while_paused(load, hub, home, seconds):
    async with aiohttp.ClientSession() as session:
        working = asyncio.ensure_future(load.enrol(hub, session))
        await asyncio.sleep(0.1)
        hub.process.send_signal(signal.SIGSTOP)
        code, said = await asyncio.to_thread(ended, home)
        assert (code, "home-in-use" in said) == (1, True)
        await asyncio.sleep(seconds)
        assert (await asyncio.to_thread(ended, home))[0] == 1
        hub.process.send_signal(signal.SIGCONT)
        with contextlib.suppress(*GONE):  # a pause longer than a client waits: it asks again afterwards
            await working
