"""A hub at rest for tests of nudges: nothing runs beside it, so each round is the test's own.

With a real mail server, a real webhook receiver, and as many nodes over one store as a test wants.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from poc.config import HubSettings
from poc.core.form import form_of
from poc.core.nudge import NudgeAddresses
from poc.hub.caller import Caller, caller_of
from poc.hub.hub import Hub
from poc.hub.sending import Channels
from poc.outgoing.calls import Outgoing
from poc.store.sqlite import SqliteStore
from tests.hub_messages import answer, seal
from tests.hub_world import LOOPBACK, World
from tests.mail_server import Mailbox, mail_server
from tests.registry import Registry, device, log_signer, signing_key

SD, OFFICER, RESPONDER = "sd.technical", "sd.technical 1", "sd.technical 2"
EMAIL = {"kind": "email", "address": "duty@desk.example", "from": "routine", "languages": ["ar", "en"]}


def registry() -> Registry:
    """Two States; Sudan's contact has an officer's device and a responder that may only retrieve."""
    made = Registry()
    made.enrol("jo", "sd")
    made.nominate("jo.technical")
    devices = [device(OFFICER), device(RESPONDER, 2, may="retrieve")]
    made.nominate(SD, devices=devices)
    made.nominate("sd.diplomatic")
    return made


async def fill(home: Path) -> None:
    """The log of that registry in a hub's home, to be copied."""
    async with World(home, registry()).running() as world:
        await world.fill()


class Receiver:
    """A webhook's receiver: keeps requests, answers what a test says, once each and then 204."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.port = 0

    async def _take(self, request: web.Request) -> web.Response:
        named = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((named, await request.read()))
        status = self.answers.pop(0) if self.answers else 204
        return web.Response(
            status=status, headers={"location": "http://127.0.0.1:9/"} if status < 400 else {}
        )

    @asynccontextmanager
    async def on(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/sd?key=7"


def verified(secret: str, request: tuple[dict[str, str], bytes]) -> bool:
    """Whether a receiver that follows Standard Webhooks would believe a request. Written from the text."""
    headers, body = request
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{made}" in headers["webhook-signature"].split(" ")


class Still:
    """One node or several over one store; ``now`` is the clock of all."""

    def __init__(self, store: SqliteStore, channels: Channels, box: Mailbox, receiver: Receiver) -> None:
        self.store, self.channels, self.box, self.receiver = store, channels, box, receiver
        self.now: datetime = registry_now()
        self.hub: Hub
        self._sent = 0

    async def node(self) -> Hub:
        made = Hub(
            self.store,
            log_signer=log_signer(),
            hub_key=signing_key("hub"),
            now=lambda: self.now,
            channels=self.channels,
        )
        await made.load()
        return made

    def caller(self, label: str) -> Caller:
        return caller_of(self.hub.log.view.directory, signing_key(label).kid)[0]

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def put(self, *addresses: dict[str, Any], who: str = OFFICER) -> list[dict[str, Any]]:
        wanted = form_of(NudgeAddresses, {"addresses": list(addresses)})
        shown = await self.hub.nudges.put(self.caller(who), SD, wanted)
        await self.round()
        found: list[dict[str, Any]] = shown["addresses"]
        return found

    async def shown(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.hub.nudges.show(self.caller(OFFICER), SD))["addresses"]
        return found

    async def confirm(self, number: int, code: str, who: str = OFFICER) -> None:
        await self.hub.nudges.confirm(self.caller(who), SD, number, code)

    async def put_mail(self, **changes: Any) -> dict[str, Any]:
        """An e-mail address, confirmed by the code that came there; the box is empty then."""
        (shown,) = await self.put(EMAIL | changes)
        await self.confirm(shown["number"], code_in(self.mails()[-1]))
        self.box.messages.clear()
        return shown

    async def put_webhook(self, **changes: Any) -> dict[str, Any]:
        """A webhook, confirmed likewise."""
        named = {"kind": "webhook", "address": self.receiver.url, "from": "routine", "languages": ["en"]}
        (shown,) = await self.put(named | changes)
        await self.confirm(shown["number"], code_in(self.receiver.requests[-1][1].decode()))
        self.receiver.requests.clear()
        return shown

    async def send(self, **changes: Any):
        """Accept a message from Jordan, to the officer's device and the responder unless said otherwise."""
        self._sent += 1
        named = {"to": (OFFICER, RESPONDER), "number": self._sent, **changes}
        sealed = seal(self.hub.log.view.head, self.now, **named)
        created, _ = await self.hub.relay.accept(
            self.caller("jo.technical 1"), sealed.message.id, sealed.envelope_bytes
        )
        assert created
        return sealed

    async def record(self, sealed, kind: str, who: str, **how: Any) -> None:
        text = answer(sealed, kind, who, self.hub.log.view.head, self.now, **how)
        await self.hub.relay.record(self.caller(who), sealed.message.id, kind, text)

    async def round(self, *nodes: Hub) -> None:
        """One round of each node at once, until all that it began is done."""
        chosen = nodes or (self.hub,)
        await asyncio.gather(*(node.nudger.round() for node in chosen))
        await asyncio.gather(*(node.nudger.idle() for node in chosen))

    def mails(self) -> list[str]:
        """What came by mail: subject and text."""
        return [f"{message['subject']}\n{message.get_content()}" for _, message, _ in self.box.messages]


def code_in(text: str) -> str:
    found = re.search(r"\b[0-9]{6}\b", text)
    assert found, text
    return found[0]


def registry_now() -> datetime:
    return registry().now + timedelta(minutes=1)


@asynccontextmanager
async def still(template: Path, home: Path, certificates: Path, **mail: Any):
    """A hub at rest on a copy of ``template``, with mail over TLS; ``mail_server=None`` for none."""
    shutil.copytree(template, home)
    box, receiver = Mailbox(), Receiver()
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(mail_server(box, certificates))
        await stack.enter_async_context(receiver.on())
        settings = HubSettings(
            home=home,
            **{
                "mail_server": f"127.0.0.1:{port}",
                "mail_from": "hub@registry.example",
                "mail_ca_file": certificates / "mail.pem",
                **mail,
            },
        )
        channels = Channels(
            Outgoing([LOOPBACK]),
            settings if settings.mail_server else None,
            frozenset({f"127.0.0.1:{receiver.port}"}),
        )
        store = await SqliteStore.open(home)
        stack.push_async_callback(store.close)
        made = Still(store, channels, box, receiver)
        made.hub = await made.node()
        yield made
