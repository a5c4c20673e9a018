"""Two desks and a controller for tests of the client: their registry, keyrings and drafts."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from datetime import timedelta

from aiohttp import web
from yarl import URL

from poc.core.envelope import Draft
from poc.core.form import form_of
from poc.core.message import MessageBody
from poc.core.strictjson import domain_hash
from poc.keyring import Keyring
from tests import registry as made
from tests.registry import REGISTRARS, Registry

PASSPHRASE = "correct horse battery"
SIDES = ("jo.technical", "sd.technical")
CONTROLLER = "x-arcc.controller-1"


def keyring(home, party, now):
    label = f"{party} 1"
    keys = Keyring.create(home, PASSPHRASE)
    keys.add_signing("device", party, now, lambda _: domain_hash("poc/1 test key", label.encode()))
    keys.add_sealing(party, now, lambda _: domain_hash("poc/1 test key", b"seal " + label.encode()))
    return keys


def registry():
    made_up = Registry()
    made_up.enrol("jo", "sd")
    for contact in SIDES:
        state = contact[:2]
        made_up.submit(
            "contact.nominate", contact, made.nomination(contact), f"{state} authority", f"{contact} 1"
        )
    body = {"names": {"en": "Control"}, "body": "x-arcc", "devices": [made.device(f"{CONTROLLER} 1")]}
    made_up.submit("controller.appoint", CONTROLLER, body, *REGISTRARS, f"{CONTROLLER} 1")
    return made_up


def draft(desk, **changes):
    body = form_of(MessageBody, {"template": None, "fields": {}, "texts": []})
    return Draft(**{
        "status": "test", "kind": "notification", "precedence": "priority", "tlp": "TLP:GREEN",
        "subject": "A seeded subject", "body": body, "expires_at": desk.known.now() + timedelta(days=1),
        **changes,
    })  # fmt: skip


class Between:
    """A hub in the middle: hands requests on to the real one and alters its answers as a test says.

    ``alter`` gives, for a method and path, the body to answer with in place of the real one (and the
    status, if it gives a pair); ``None`` leaves it. ``fail`` breaks the connection before or after the
    real hub saw the request.
    """

    def __init__(self, world):
        self.world, self.real, self.calls = world, world.origin, []
        self.alter = lambda _method, _path, _body: None
        self.fail = lambda _number: None

    async def answer(self, request):
        number = len(self.calls)
        self.calls.append((request.method, request.path))
        when = self.fail(number)
        if when == "before":
            request.transport.close()
            return web.Response()
        data = await request.read()
        async with self.world.session.request(
            request.method, URL(self.real + request.raw_path, encoded=True), data=data or None,
            headers={k: v for k, v in request.headers.items() if k not in ("Host", "Content-Length")},
        ) as real:  # fmt: skip
            body, status, kind = await real.read(), real.status, real.content_type
        if when == "after":
            request.transport.close()
            return web.Response()
        altered = self.alter(request.method, request.path, body)
        if isinstance(altered, tuple):
            altered, status = altered
        return web.Response(body=body if altered is None else altered, status=status, content_type=kind)

    @asynccontextmanager
    async def running(self, *desks):
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.world.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        for desk in desks:
            desk.hub._base = self.world.origin
        yield self
        await runner.cleanup()

    def change(self, path, edit, method="GET"):
        """From now on, give the JSON of this path to ``edit``, which changes it or gives another body."""

        def alter(asked, where, body):
            if asked != method or not where.startswith(path):
                return None
            value = json.loads(body)
            changed = edit(value)
            return changed if isinstance(changed, bytes) else json.dumps(value).encode()

        self.alter = alter

    def honest(self):
        self.alter = lambda _method, _path, _body: None
        self.fail = lambda _number: None
