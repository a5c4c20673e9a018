"""R18: seeded personal data goes through a real hub and is found in the openings it keeps, nowhere else."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import sqlite3
import urllib.request
from contextlib import closing
from datetime import UTC, datetime

import aiohttp
import pytest

from poc.core.card import CardPart, OfficePart, PersonPart, ReachPart, make_opening
from poc.core.checkpoint import head_of
from poc.core.draft import AttachmentBytes
from poc.core.form import form_bytes, form_of, form_value
from poc.core.judge import log_verifiers
from poc.core.strictjson import b64u
from poc.web.routes import ROUTES
from tests.hub_messages import answer, seal
from tests.hub_process import ask, make_home, real_time, running
from tests.hub_world import World
from tests.registry import ORIGIN, REGISTRARS, Registry, card, log_signer, nomination, signed

JO, SD = "jo.technical 1", "sd.technical 1"
# Each is unlike anything else that could be met by chance.
CANARIES = {
    "office": "Canary-Zq1 Directorate",
    "department": "Canary-Zq2 Section",
    "phone": "+962 6 555 0147 31",
    "mail": "canary.zq4@desk.example",
    "person": "Canaria Zqfive",
    "title": "Canary-Zq6 Counsellor",
    "mobile": "+962 79 555 0148 77",
}
SEALED: dict[str, str] = {
    "subject": "Canary-Zq7 subject",
    "text": "Canary-Zq8 body of the message",
    "attachment": "Canary-Zq9 attachment bytes",
    "reference": "Quorvex 4417 of the Zqten file",
}
OFFICER = "CANARYZQ11"


def parts():
    top = {"v": 1, "origin": ORIGIN, "contact": "jo.technical"}
    office = {
        **top,
        "part": "office",
        "names": {"en": CANARIES["office"]},
        "department": {"en": CANARIES["department"]},
        "openpgp": None,
    }
    reach = {
        **top,
        "part": "reach",
        "channels": [
            {"kind": "phone", "value": CANARIES["phone"], "label": None},
            {"kind": "email", "value": CANARIES["mail"], "label": None},
        ],
        "zone": "Asia/Amman",
        "hours": {"always": True, "weekly": [], "exceptions": []},
        "languages": ["ar", "en"],
    }
    person = {
        **top,
        "part": "person",
        "names": {"en": CANARIES["person"]},
        "title": {"en": CANARIES["title"]},
        "channels": [{"kind": "mobile", "value": CANARIES["mobile"], "label": None}],
    }
    forms: tuple[CardPart, ...] = (
        form_of(OfficePart, office),
        form_of(ReachPart, reach),
        form_of(PersonPart, person),
    )
    return [make_opening(form, bytes([n]) * 32) for n, form in enumerate(forms, start=1)]


def traces():
    """What would give a canary away: its text, and its bytes in base64 at every offset."""
    texts = [
        *CANARIES.values(),
        SEALED["subject"],
        SEALED["text"],
        SEALED["attachment"],
        SEALED["reference"],
    ]
    found = {}
    for text in texts:
        raw = text.encode()
        found[text] = [raw]
        for shift in range(3):
            inner = base64.urlsafe_b64encode(b"\0" * shift + raw).rstrip(b"=")
            # Without the ends, which depend on what stands beside it.
            found[text].append(inner[4:-4])
    return found


def leaks(data, *, where):
    return [(where, text) for text, marks in traces().items() if any(mark in data for mark in marks)]


async def use(hub):
    """Everything a desk does with personal data, faults included; then every route, by everyone."""
    now = datetime.now(UTC).replace(microsecond=0)
    crawled = {}
    async with aiohttp.ClientSession() as session:
        for opening in parts():
            path = f"/v1/cards/{opening.commitment()}"
            assert (await ask(session, hub, "PUT", path, form_value(opening), who="jo authority"))[0] == 201
            # A part that does not fit, to the wrong place, and as no JSON: errors must not quote it.
            for body in (form_value(opening) | {"salt": b64u(bytes(32))}, form_bytes(opening)[:-1]):
                await ask(session, hub, "PUT", path, body, who="jo authority")
                await ask(session, hub, "POST", "/v1/statements", body)
        _, text = await ask(session, hub, "GET", "/checkpoint")
        head = head_of(text, log_verifiers((log_signer().vkey(),)))
        sealed = seal(
            head,
            now,
            sender=SD,
            to=(JO,),
            text=SEALED["text"],
            subject=SEALED["subject"],
            our_reference=SEALED["reference"],
            attachments=(AttachmentBytes("a.txt", "text/plain", SEALED["attachment"].encode()),),
            officer=OFFICER,
        )
        path = f"/v1/messages/{sealed.message.id}"
        assert (await ask(session, hub, "PUT", path, sealed.envelope_bytes, who=SD))[0] == 201
        await ask(session, hub, "PUT", path, sealed.envelope_bytes[:-2], who=SD)
        told = {"jws": answer(sealed, "acknowledgement", JO, head, now)}
        assert (await ask(session, hub, "POST", path + "/acknowledgements", told, who=JO))[0] == 201
        for name in CANARIES.values():
            await ask(session, hub, "GET", f"/v1/keys/{name.replace(' ', '-').replace('+', '')}", who=JO)
        for route in ROUTES:
            where = route.path.replace("{id}", sealed.message.id).replace("{tile:.+}", "000.p/6")
            for who in (None, SD, JO, "jo authority", *REGISTRARS):
                if (route.method, route.path) != ("GET", "/v1/cards"):
                    status, found = await ask(session, hub, route.method, where, who=who)
                    assert status < 500 or route.path == "/readyz"
                    crawled[route.method, route.path, who] = str(found).encode()
        cards = await ask(session, hub, "GET", "/v1/cards", who=SD)
        assert len(cards[1]["cards"]) == 3
    return crawled


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    home = tmp_path_factory.mktemp("hub")
    with real_time():
        registry = Registry()
        registry.enrol("jo", "sd")
        named = dict(zip(("office", "reach", "person"), parts(), strict=True))
        shown = {
            name: {"commitment": part.commitment(), "visibility": "parties"} for name, part in named.items()
        }
        registry.nominate("jo.technical", card={**card("jo.technical"), **shown})
        registry.nominate("sd.technical")
        make_home(home, registry)

    async def everything(hub):
        async with aiohttp.ClientSession() as session:
            for entry in registry.entries[1:]:
                assert (await ask(session, hub, "POST", "/v1/statements", entry.signed.value()))[0] == 201
        return await use(hub)

    with open_port() as port:
        number = port.getsockname()[1]
    options = ("--metrics-port", str(number))
    os.environ["POC_LOG_LEVEL"] = "debug"
    try:
        with running(home, *options) as hub:
            crawled = asyncio.run(everything(hub))
            with urllib.request.urlopen(f"http://127.0.0.1:{number}/metrics", timeout=5) as answer_:
                crawled["metrics"] = answer_.read()
            disk = {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}
    finally:
        del os.environ["POC_LOG_LEVEL"]
    return home, crawled, hub.errors, disk


def open_port():
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    return free


def test_no_answer_of_any_route_holds_a_canary(used):
    _, crawled, _, _ = used
    assert len(crawled) > 100
    assert [leak for where, data in crawled.items() for leak in leaks(data, where=where)] == []


def test_no_line_of_the_log_holds_a_canary_even_at_debug(used):
    _, _, errors, _ = used
    assert errors.count('"request"') > 100
    assert leaks(errors.encode(), where="log") == []
    assert OFFICER not in errors
    assert all(line.startswith("{") for line in errors.splitlines())


def test_the_disk_holds_what_was_in_openings_only_and_nothing_of_what_was_sealed(used):
    home, _, _, disk = used
    assert leaks(disk["hub.db"] + disk.get("hub.db-wal", b""), where="disk")
    for name, data in disk.items():
        if name.startswith("hub.db"):
            sealed = [leak for leak in leaks(data, where=name) if leak[1] not in CANARIES.values()]
            assert sealed == []
            assert OFFICER.encode() not in data
        else:
            assert leaks(data, where=name) == []
    with closing(sqlite3.connect(home / "hub.db")) as db:
        db.execute("PRAGMA secure_delete = ON")
        db.execute("DELETE FROM openings")
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    left = b"".join(path.read_bytes() for path in home.iterdir() if path.name.startswith("hub.db"))
    assert leaks(left, where="disk without openings") == []


def test_the_search_finds_what_it_looks_for():
    for opening in parts():
        assert leaks(form_bytes(opening), where="an opening")
    assert leaks(SEALED["attachment"].encode(), where="here")


# --- what is left after each way a part can end ------------------------------------------------


async def end(world, how):
    """End every part of the card; what follows, the hub does by itself."""
    world.registry.now, world.registry.directory = world.now, world.hub.log.view.directory
    contact = world.registry.directory.contacts["jo.technical"]
    if how == "erase":
        for part in parts():
            assert (await world.ask("DELETE", f"/v1/cards/{part.commitment()}", who="jo authority"))[0] == 200
        return
    bodies = {
        "contact.update": {
            **{k: v for k, v in nomination("jo.technical").items() if k != "devices"},
            "card": card("jo.technical"),
        },
        "contact.withdraw": {"entry": contact.nomination.leaf_hash},
        "state.withdraw": {"entry": world.registry.directory.state("jo").enrolled.leaf_hash},
    }
    subject = "jo" if how == "state.withdraw" else "jo.technical"
    statement = signed(world.registry.payload(how, subject, bodies[how]), "jo authority")
    status, answer_ = await world.ask("POST", "/v1/statements", statement.value())
    assert status == 201, answer_


def bytes_of(home):
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}


@pytest.mark.parametrize("how", ["erase", "contact.update", "contact.withdraw", "state.withdraw"])
async def test_no_byte_of_the_home_holds_what_was_ended_and_the_log_still_verifies(tmp_path, how):
    made = Registry()
    made.enrol("jo", "sd")
    named = dict(zip(("office", "reach", "person"), parts(), strict=True))
    shown = {name: {"commitment": p.commitment(), "visibility": "parties"} for name, p in named.items()}
    made.nominate("jo.technical", card={**card("jo.technical"), **shown})
    made.nominate("sd.technical")
    async with World(tmp_path, made).running() as world:
        await world.fill()
        for part in parts():
            path = f"/v1/cards/{part.commitment()}"
            assert (await world.ask("PUT", path, form_value(part), who="jo authority"))[0] == 201
        page = (await world.ask("GET", "/v1/cards?since=0", who=SD))[1]
        assert len(page["cards"]) == 3
        assert any(leaks(data, where=name) for name, data in bytes_of(tmp_path).items())
        await end(world, how)
        for _ in range(200):
            found = [leak for name, data in bytes_of(tmp_path).items() for leak in leaks(data, where=name)]
            if not found:
                break
            await asyncio.sleep(0.01)
        assert found == []
        assert (await world.ask("GET", "/v1/cards?since=0", who=SD))[1]["cards"] == []
        assert leaks(world.data, where="feed") == []
    assert [leak for name, data in bytes_of(tmp_path).items() for leak in leaks(data, where=name)] == []
    async with World(tmp_path, made).running() as world:
        assert world.hub.log.trouble is None
        rows = await world.store.read_audit(0, 999)
        assert [leak for row in rows for leak in leaks(row.record, where="audit")] == []
