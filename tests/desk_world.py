"""Two desks and a controller for tests of the client: their registry, keyrings and drafts."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiohttp import web
from yarl import URL

from poc.client.planning import plan_of
from poc.client.sending import seal
from poc.core.envelope import Addressee, Draft, Randomness, SealingLimits, seal_message, uuid7
from poc.core.form import form_of, form_value
from poc.core.message import MessageBody
from poc.core.strictjson import canonical, domain_hash
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
    real hub saw the request. ``instead`` gives a body and status without asking the real hub at all.
    """

    def __init__(self, world):
        self.world, self.real, self.calls = world, world.origin, []
        self.alter: Any = None
        self.fail: Any = None
        self.instead: Any = None
        self.honest()

    async def answer(self, request):
        number = len(self.calls)
        self.calls.append((request.method, request.path))
        when = self.fail(number)
        if when == "before":
            request.transport.close()
            return web.Response()
        data = await request.read()
        refused = self.instead(request.method, request.path)
        if refused is not None:
            return web.Response(body=refused[0], status=refused[1], content_type="application/problem+json")
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
        self.instead = lambda _method, _path: None


def sealed_again(jo, world, first, subject, *, sequence=None, number=None, head=None):
    """A second message by the sender's own keys, under an id or a number that it used before."""
    own = made.sealing_key("jo.technical 1").public
    addressees = [
        Addressee("sd.technical", made.sealing_key("sd.technical 1").public, "action", sequence or 2),
        Addressee("jo.technical", own, "own"),
    ]
    return seal_message(
        draft(jo, subject=subject), origin=jo.directory.origin,
        id=first if number is None else uuid7(world.now, bytes([number] * 10)),
        sender_contact="jo.technical", signing_key=made.signing_key("jo.technical 1"),
        addressees=addressees, head=head or jo.head, now=world.now,
        randomness=Randomness(bytes([number or 7] * 32), bytes(12), [bytes(16)] * 2),
        limits=SealingLimits.of(jo.directory, "jo.technical"),
    )  # fmt: skip


def delivered(sealed, kid):
    value = form_value(sealed.envelope)
    value["recipients"] = [slot for slot in value["recipients"] if slot["header"]["kid"] == kid]
    return {"message": sealed.message.id, "envelope": value, "accepted": None, "released": None}


def show_another(between, sealed):
    kid = made.sealing_key("sd.technical 1").kid

    def edit(page):
        last = page["next"] + 1
        page["items"].append({"number": last, **delivered(sealed, kid)})
        page["next"] = last

    between.change("/v1/inbox", edit)


async def sync_once_with(between, sd, sealed):
    show_another(between, sealed)
    edit = between.alter
    asked: list[int] = []

    def once(method, path, body):
        if path.startswith("/v1/inbox") and asked:
            return canonical({"items": [], "next": sd.known.trust.cursor("inbox")}), 200
        asked.extend([1] if path.startswith("/v1/inbox") else [])
        return edit(method, path, body)

    between.alter = once
    report = await sd.sync()
    between.honest()
    return report


def seal_to(known, draft, to, random, **how):
    """Seal a draft as a desk does, by the plan it makes of it."""
    return seal(known, *plan_of(known, draft, to), random, **how)
