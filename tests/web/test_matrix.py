"""R19: every route by every caller, on real objects of others: what is forbidden looks as what is missing.

The rows are generated from the table of routes. A route that names no object here, or whose callers are
not said here, fails: whoever adds one decides what a stranger sees.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from poc.core.draft import AttachmentBytes
from poc.core.form import form_value
from poc.core.strictjson import b64u
from poc.store.base import NewNudgeAddress
from poc.web.routes import ROUTES
from tests.hub_messages import (
    CONTROLLER,
    EXERCISE_PATH,
    announcement,
    answer,
    cancel,
    order,
    seal,
)
from tests.hub_world import World
from tests.message_world import EXERCISE
from tests.registry import (
    REGISTRARS,
    Registry,
    cosigner,
    device,
    enrolment,
    nomination,
    openings,
    sealing_key,
    signed,
    signing_key,
)

MISSING = b64u(b"\x07" * 32)
REGISTRAR = REGISTRARS[0]

# Who is who to the objects of Jordan's technical contact. Each stands for its kind.
OWN = {"jo.technical 1", "jo authority"}
CALLERS = (
    "jo.technical 1",  # the contact itself, sender of the message
    "jo.technical 2",  # its device that may only retrieve
    "jo.diplomatic 1",  # its State's other contact
    "jo authority",  # its own State's authority
    "sd.technical 1",  # another State's contact: recipient of the message, in the exercise
    "sd.diplomatic 1",  # another State's contact with no part in anything
    "sd authority",
    "eg.technical 1",  # of a State with no part in anything
    "eg authority",
    CONTROLLER,  # runs the exercise
    "x-las.controller-9 1",  # another controller
    *REGISTRARS,
    "jo.witness",  # reads the log, and nothing beside it
)
ENDED = (
    "jo.technical 3",  # a device that was revoked
    "jo.technical lost",  # the like, as lost
    "jo nobody",  # a key that nobody enrolled
    "log",  # keys of the hub itself
    "hub",
)

# Route -> who gets at the object of others; everyone else must see what is missing.
EVERYBODY = set(CALLERS) - {"jo.witness"}
PARTIES_OF_MESSAGE = {"jo.technical 1", "jo.technical 2", "sd.technical 1"}
PARTIES_OF_EXERCISE = {
    *("jo.technical 1", "jo.technical 2", "jo authority", "sd.technical 1", "sd authority"),
    *(CONTROLLER, "x-las.controller-9 1"),
}
MAY = {
    "GET /v1/proposals/{id}": {
        *REGISTRARS,
        "jo authority",
        "jo.technical 1",
        "jo.technical 2",
        "jo.diplomatic 1",
    },
    "POST /v1/proposals/{id}/signatures": {
        *REGISTRARS,
        *("jo authority", "jo.technical 1", "jo.technical 2", "jo.diplomatic 1"),
    },
    "PUT /v1/cards/{id}": OWN,
    "DELETE /v1/cards/{id}": OWN,
    "GET /v1/contacts/{id}/readers": {*OWN, "jo.technical 2", "jo.diplomatic 1"},
    "GET /v1/contacts/{id}/nudges": {*OWN, "jo.technical 2", "jo.diplomatic 1"},
    "PUT /v1/contacts/{id}/nudges": OWN,
    "POST /v1/contacts/{id}/nudges/confirmations": OWN,
    "POST /v1/contacts/{id}/nudges/trials": OWN,
    "GET /v1/keys/{id}": EVERYBODY,
    "PUT /v1/keys/{id}": {*OWN, "jo.technical 2", "jo.diplomatic 1", *REGISTRARS},
    "PUT /v1/messages/{id}": {"jo.technical 1"},
    "GET /v1/messages/{id}": PARTIES_OF_MESSAGE,
    # Its sender sees the message, and is told that it cannot answer it.
    "POST /v1/messages/{id}/retrievals": PARTIES_OF_MESSAGE,
    "POST /v1/messages/{id}/acknowledgements": PARTIES_OF_MESSAGE,
    "POST /v1/messages/{id}/cancels": {"jo.technical 1", "jo.technical 2"},
    "GET /v1/messages/{id}/evidence": PARTIES_OF_MESSAGE,
    "PUT /v1/blobs/{id}": {"jo.technical 1"},
    "GET /v1/blobs/{id}": PARTIES_OF_MESSAGE,
    "GET /v1/exercises/{id}": PARTIES_OF_EXERCISE,
    "PUT /v1/exercises/{id}": {CONTROLLER},
    "POST /v1/exercises/{id}/orders": {CONTROLLER},
}
# Routes without an object of one's own: what they give is by their roles, or is a caller's own feed.
FEEDS = {
    *("GET /", "GET /healthz", "GET /readyz", "GET /checkpoint", "GET /tile/entries/{tile:.+}"),
    *("GET /tile/{tile:.+}", "GET /v1/genesis", "POST /v1/statements", "GET /v1/proposals", "GET /v1/cards"),
    *("GET /v1/keys", "GET /v1/inbox", "GET /v1/inbox/stream", "GET /v1/evidence", "GET /v1/exercises"),
}


def name(route):
    return f"{route.method} {route.path}"


def a_registry():
    made = Registry()
    made.enrol("jo", "sd", "eg")
    devices = [
        device("jo.technical 1"),
        device("jo.technical 2", 2, may="retrieve"),
        device("jo.technical 3", 3),
        device("jo.technical lost", 4),
    ]
    body_labels = ["jo.technical 1", "jo.technical 2", "jo.technical 3", "jo.technical lost"]
    body = nomination("jo.technical", devices=devices)
    made.submit("contact.nominate", "jo.technical", body, "jo authority", *body_labels)
    made.nominate("jo.diplomatic", "sd.technical", "sd.diplomatic", "eg.technical")
    for label, reason in (("jo.technical 3", "routine"), ("jo.technical lost", "lost")):
        revoke = {"kid": signing_key(label).kid, "reason": reason, "suspected_since": None}
        made.submit("contact.device-revoke", "jo.technical", revoke, "jo authority")
    made.appoint()
    made.appoint("x-las.controller-9", body="x-las")
    witness = {"vkey": cosigner("jo.witness").verifier().vkey(), "url": "http://127.0.0.1:9"}
    made.submit("witness.appoint", "jo.witness", witness, "jo authority", "jo.witness")
    return made


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path, a_registry()).running() as running:
        await running.fill()
        yield await with_objects(running)


async def with_objects(world):
    """One real object of every kind, all of Jordan's technical contact."""
    head, now = world.hub.log.view.head, world.now
    world.registry.now, world.registry.directory = now, world.hub.log.view.directory
    payload = world.registry.payload("contact.nominate", "jo.cyber", nomination("jo.cyber"))
    status, found = await world.ask("POST", "/v1/statements", signed(payload, "jo authority").value())
    assert status == 202, found
    more = signed(payload, "jo authority").value()["signatures"]
    opening, key = openings("jo.technical")[0], sealing_key("jo.technical 1").public
    assert (await put(world, f"/v1/cards/{opening.commitment()}", form_value(opening), "jo authority"))[
        0
    ] == 201
    assert (await put(world, f"/v1/keys/{key.kid}", key.jwk(), "jo authority"))[0] == 201
    told = announcement(head, now, participants=("jo.technical", "sd.technical"))
    assert (await put(world, EXERCISE_PATH, {"announcement": told}, CONTROLLER))[0] == 201
    start = order(head, now, "start")
    assert (await world.ask("POST", EXERCISE_PATH + "/orders", {"order": start}, who=CONTROLLER))[0] == 201
    files = (AttachmentBytes("a.bin", "application/octet-stream", bytes(20_000)),)
    sealed = seal(head, now, attachments=files, blob_keys=[bytes(32)])
    (blob,) = sealed.blobs
    whole = f"bytes 0-{len(blob.data) - 1}/{len(blob.data)}"
    ask = f"bytes */{len(blob.data)}"
    world.more = {"PUT /v1/blobs/{id}": {"Content-Range": ask}, "GET /v1/blobs/{id}": {"Range": "bytes=0-"}}
    path = f"/v1/blobs/{blob.sha256}"
    named = {"Content-Range": whole}
    assert (await world.ask("PUT", path, blob.data, who="jo.technical 1", headers=named))[0] == 201
    place = {"kind": "email", "address": "duty@desk.example", "from": "flash", "languages": ["ar", "en"]}
    (nudged,) = await world.store.set_nudge_addresses(
        "jo.technical", [NewNudgeAddress("email", "duty@desk.example", "flash", ("ar", "en"), None)]
    )
    await world.store.put_nudge_code(nudged.number, "123456", now + timedelta(hours=1))
    where = f"/v1/messages/{sealed.message.id}"
    assert (await put(world, where, sealed.envelope_bytes, "jo.technical 1"))[0] == 201
    got = answer(sealed, "retrieval", "sd.technical 1", head, now)
    seen = answer(sealed, "acknowledgement", "sd.technical 1", head, now)
    world.objects = {
        "GET /v1/proposals/{id}": (found["proposal"], b""),
        "POST /v1/proposals/{id}/signatures": (found["proposal"], {"signatures": more}),
        "PUT /v1/cards/{id}": (opening.commitment(), form_value(opening)),
        "DELETE /v1/cards/{id}": (opening.commitment(), b""),
        "GET /v1/contacts/{id}/readers": ("jo.technical", b""),
        "GET /v1/contacts/{id}/nudges": ("jo.technical", b""),
        "PUT /v1/contacts/{id}/nudges": ("jo.technical", {"addresses": [place]}),
        "POST /v1/contacts/{id}/nudges/confirmations": (
            "jo.technical",
            {"number": nudged.number, "code": "123456"},
        ),
        "POST /v1/contacts/{id}/nudges/trials": ("jo.technical", {"number": nudged.number}),
        "GET /v1/keys/{id}": (key.kid, b""),
        "PUT /v1/keys/{id}": (key.kid, key.jwk()),
        "PUT /v1/messages/{id}": (sealed.message.id, sealed.envelope_bytes),
        "GET /v1/messages/{id}": (sealed.message.id, b""),
        "POST /v1/messages/{id}/retrievals": (sealed.message.id, {"jws": got}),
        "POST /v1/messages/{id}/acknowledgements": (sealed.message.id, {"jws": seen}),
        "POST /v1/messages/{id}/cancels": (
            sealed.message.id,
            {"jws": cancel(sealed, "jo.technical 1", head, now)},
        ),
        "GET /v1/messages/{id}/evidence": (sealed.message.id, b""),
        "PUT /v1/blobs/{id}": (blob.sha256, b""),
        "GET /v1/blobs/{id}": (blob.sha256, b""),
        "GET /v1/exercises/{id}": (EXERCISE, b""),
        "PUT /v1/exercises/{id}": (EXERCISE, {"announcement": told}),
        "POST /v1/exercises/{id}/orders": (EXERCISE, {"order": start}),
    }
    return world


async def put(world, path, body, who):
    return await world.ask("PUT", path, body, who=who)


async def found(world, route, who, object_id, body):
    """Status and bytes of an answer; a world's clock stands still, so the time in it is the same."""
    path = route.path.replace("{id}", object_id)
    status, _ = await world.ask(route.method, path, body, who=who, headers=world.more.get(name(route)))
    return status, world.data


OBJECTS = [route for route in ROUTES if "{id}" in route.path]


def test_every_route_says_who_may_what():
    named = {name(route) for route in ROUTES}
    assert MAY.keys() == {name(route) for route in OBJECTS}
    assert not MAY.keys() & FEEDS
    assert MAY.keys() | FEEDS == named


@pytest.mark.parametrize("route", OBJECTS, ids=name)
async def test_what_is_not_for_a_caller_is_missing_to_it(world, route):
    object_id, body = world.objects[name(route)]
    for who in CALLERS:
        real = await found(world, route, who, object_id, body)
        missing = await found(world, route, who, MISSING, body)
        if who in MAY[name(route)]:
            assert real != missing, (who, real)
            assert b'"not-found"' not in real[1], (who, real)
        elif real[0] == 202:
            # Each office uploads blobs of its own: another's looks like one that nobody began.
            assert (name(route), real) == ("PUT /v1/blobs/{id}", missing), (who, real)
        elif route.method == "PUT" and who.split()[0] in {"sd.technical", "jo.diplomatic"} | DEVICES:
            # An envelope or announcement is refused for its author before any object is looked at.
            assert 400 <= real[0] < 500, (who, real)
            assert b"receipt" not in real[1], (who, real)
        else:
            assert real == missing, (who, real, missing)
            assert real[0] == 404, (who, real)


DEVICES = {"sd.diplomatic", "eg.technical", "jo.technical", "x-las.controller-9", "x-arcc.controller-1"}


@pytest.mark.parametrize("route", [r for r in ROUTES if r.roles], ids=name)
async def test_a_key_that_ended_or_was_never_enrolled_gets_nothing_anywhere(world, route):
    object_id, body = world.objects.get(name(route), ("", b""))
    path = route.path.replace("{id}", object_id).replace("{tile:.+}", "000.p/1")
    answers = set()
    for who in ENDED:
        status, _ = await world.ask(route.method, path, body, who=who)
        answers.add((status, world.data))
    assert {status for status, _ in answers} == {401}
    assert len(answers) == 1
    assert b"bad-request-signature" in next(iter(answers))[1]


@pytest.mark.parametrize("route", [r for r in ROUTES if r.roles], ids=name)
async def test_nobody_unsigned_gets_anything_of_a_party(world, route):
    object_id, body = world.objects.get(name(route), ("", b""))
    path = route.path.replace("{id}", object_id).replace("{tile:.+}", "000.p/1")
    assert (await world.ask(route.method, path, body))[1]["code"] == "not-signed"


OF_MESSAGES = ("/v1/messages", "/v1/blobs", "/v1/inbox", "/v1/evidence")
MESSAGES = [r for r in ROUTES if r.path.startswith(OF_MESSAGES)]


@pytest.mark.parametrize("route", MESSAGES, ids=name)
@pytest.mark.parametrize("who", ["jo authority", "sd authority", REGISTRAR])
async def test_an_authority_or_registrar_gets_nothing_on_messages_not_even_its_own_states(world, route, who):
    object_id, body = world.objects.get(name(route), ("", b""))
    status, problem = await world.ask(route.method, route.path.replace("{id}", object_id), body, who=who)
    assert (status, problem["code"], problem["detail"]) == (404, "not-found", "")


async def test_a_witness_reads_the_log_and_nothing_beside_it(world):
    assert (await world.ask("GET", "/tile/entries/000.p/1", who="jo.witness"))[0] == 200
    for path in ("/v1/proposals", "/v1/cards", "/v1/keys", "/v1/exercises", "/v1/inbox", "/v1/evidence"):
        status, problem = await world.ask("GET", path, who="jo.witness")
        assert (status, problem["code"]) == (404, "not-found"), path


READABLE = ["/v1/proposals", "/v1/cards", "/v1/keys", "/v1/exercises", "/tile/entries/000.p/1"]


@pytest.mark.parametrize("path", READABLE)
async def test_an_authority_reads_what_its_state_may(world, path):
    assert (await world.ask("GET", path, who="jo authority"))[0] == 200


async def test_feeds_give_each_caller_its_own_only(world):
    for who in CALLERS:
        if who.split()[-1] in {"1", "2"}:
            items = (await world.ask("GET", "/v1/inbox", who=who))[1]["items"]
            assert len(items) == (1 if who == "sd.technical 1" else 0), who
            evidence = (await world.ask("GET", "/v1/evidence", who=who))[1]["items"]
            assert bool(evidence) == (who.split()[0] == "jo.technical"), who
        proposals = (await world.ask("GET", "/v1/proposals", who=who))[1].get("proposals")
        assert bool(proposals) == (who in MAY["GET /v1/proposals/{id}"]), who


async def test_a_state_that_is_not_enrolled_has_no_callers(world):
    payload = world.registry.payload("state.enrol", "sy", enrolment("sy"))
    status, _ = await world.ask("POST", "/v1/statements", signed(payload, REGISTRAR).value())
    assert status == 202
    assert (await world.ask("GET", "/v1/cards", who="sy authority"))[0] == 401
