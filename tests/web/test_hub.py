"""The hub over HTTP: every route by every role, hostile bodies, altered and repeated requests, proposals."""

from __future__ import annotations

import gzip
import logging
from datetime import timedelta

import pytest

from poc.core.form import form_value
from poc.core.strictjson import b64u
from poc.core.tiles import decode_entries
from poc.limits import BODY_BYTES_MAX
from poc.web.routes import ROUTES
from tests.hub_world import World
from tests.registry import REGISTRARS, cosigner, enrolment, openings, signed, usual

CALLERS = {
    "contact": "jo.technical 1",
    "controller": "x-arcc.controller-1 1",
    "authority": "jo authority",
    "registrar": REGISTRARS[0],
}
ANY_ID = b64u(b"\x07" * 32)
HOSTILE = {
    "empty": b"",
    "deep": b"[" * 100_000,
    "deep closed": b"[" * 40 + b"]" * 40,
    "nan": b'{"jws":NaN}',
    "double": b'{"jws":"a","jws":"b"}',
    "surrogate": b'{"jws":"\\ud800"}',
    "big": b'{"jws":9007199254740993}',
    "huge integer": b"9" * 5000,
    "not utf-8": b'{"jws":"\xff"}',
    "bom": b"\xef\xbb\xbf{}",
    "null": b"null",
    "list": b"[]",
    "text": b'"x"',
    "members": b"{" + b",".join(b'"%d":0' % n for n in range(3000)) + b"}",
    "garbage jws": b'{"jws":"a.b.c"}',
    "too large": b" " * (BODY_BYTES_MAX + 1),
}


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path, usual()).running() as running:
        await running.fill()
        yield running


def _path(route):
    return route.path.replace("{tile:.+}", "0/000").replace("{id}", ANY_ID)


@pytest.mark.parametrize("route", [r for r in ROUTES if r.roles], ids=lambda r: f"{r.method} {r.path}")
async def test_a_route_answers_the_wrong_role_as_if_nothing_were_there(world, route):
    status, problem = await world.ask(route.method, _path(route))
    assert (status, problem["code"]) == (401, "not-signed")
    missing = None
    for role, who in CALLERS.items():
        status, problem = await world.ask(route.method, _path(route), who=who)
        assert status < 500
        if role not in route.roles:
            assert status == 404
            missing = missing or problem
            assert problem == missing
            assert problem["code"] == "not-found"
            assert problem["detail"] == ""


async def test_a_witness_reads_entries_and_nothing_else_and_nothing_at_all_once_its_state_left(world):
    registry, who = world.registry, "jo.witness"
    appointment = {"vkey": cosigner(who).verifier().vkey(), "url": "https://127.0.0.1:9"}
    assert (await world.ask("GET", "/tile/entries/000.p/1", who=who))[0] == 401
    registry.submit("witness.appoint", who, appointment, "jo authority", who)
    await world.fill()
    for route in (r for r in ROUTES if r.roles):
        status, found = await world.ask(route.method, _path(route).replace("0/000", "000.p/1"), who=who)
        assert status == (200 if "entries" in route.path else 404), (route, found)
    leaf = world.hub.log.view.directory.states["jo"].enrolled.leaf_hash
    payload = registry.payload("state.withdraw", "jo", {"entry": leaf})
    await world.hub.registry.submit(signed(payload, "jo authority"))
    assert (await world.ask("GET", "/tile/entries/000.p/1", who=who))[0] == 401


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.body_bytes_max], ids=lambda r: f"{r.method} {r.path}"
)
async def test_no_hostile_body_gives_a_fault(world, route):
    for name, body in HOSTILE.items():
        for who in (None, *CALLERS.values()):
            status, problem = await world.ask(route.method, _path(route), body, who=who)
            assert 400 <= status < 500, (name, who, problem)
            if name == "too large":
                assert status == 413


async def test_an_encoded_body_is_refused_unread(world):
    body = gzip.compress(b"0" * 2_000_000)
    status, problem = await world.ask("POST", "/v1/statements", body, headers={"Content-Encoding": "gzip"})
    assert (status, problem["code"]) == (415, "encoded-body")


@pytest.mark.parametrize("path", ["/nothing", "/tile/0/1", "/tile/9/000", "/tile/x", "/v1/keys/%00"])
async def test_an_address_without_anything_is_refused(world, path):
    status, _ = await world.ask("GET", path, who=CALLERS["contact"])
    assert 400 <= status < 500


async def test_a_signed_request_counts_once_also_after_a_restart(tmp_path):
    world = World(tmp_path, usual())
    async with world.running():
        await world.fill()
        origin = world.origin
        headers = world.headers("GET", "/v1/inbox", who=CALLERS["contact"])
        assert (await world.ask("GET", "/v1/inbox", headers=headers))[0] == 200
        assert (await world.ask("GET", "/v1/inbox", headers=headers))[1]["code"] == "nonce-used"
    async with world.running():
        actual, world.origin = world.origin, origin
        target = actual + "/v1/inbox"
        async with world.session.get(target, headers=headers) as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (401, "nonce-used")


@pytest.mark.parametrize(("seconds", "status"), [(-61, 401), (-60, 200), (60, 200), (61, 401)])
async def test_a_clock_more_than_a_minute_off_is_refused_with_the_hubs_time(world, seconds, status):
    at = world.now + timedelta(seconds=seconds)
    headers = world.headers("GET", "/v1/inbox", who=CALLERS["contact"], at=at)
    answered, problem = await world.ask("GET", "/v1/inbox", headers=headers)
    assert answered == status
    assert status == 200 or (problem["code"], "time" in problem) == ("clock-skew", True)


async def test_an_altered_request_is_refused(world):
    who = CALLERS["contact"]
    for method, path, body in (
        ("GET", "/v1/inbox?after=1", b""),
        ("GET", "/v1/evidence", b""),
        ("PUT", f"/v1/messages/{ANY_ID}", b"{}"),
    ):
        headers = world.headers("GET", "/v1/inbox", who=who)
        status, _ = await world.ask(method, path, body, headers=headers)
        assert status in {400, 401}


async def test_a_request_signed_for_another_host_is_refused(world):
    origin, world.origin = world.origin, "http://elsewhere.example"
    headers = world.headers("GET", "/v1/inbox", who=CALLERS["contact"])
    world.origin = origin
    assert (await world.ask("GET", "/v1/inbox", headers={**headers, "Host": "elsewhere.example"}))[0] == 401


async def test_the_log_is_served_as_it_was_admitted(world):
    size = len(world.registry.entries)
    status, data = await world.ask("GET", f"/tile/entries/000.p/{size}", who=CALLERS["registrar"])
    assert status == 200
    assert len(decode_entries(data, size)) == size
    assert (await world.ask("GET", f"/tile/0/000.p/{size}"))[0] == 200
    assert (await world.ask("GET", f"/tile/0/000.p/{size + 1}"))[0] == 404
    assert b"example.org/test-cbm" in (await world.ask("GET", "/checkpoint"))[1]
    status, page = await world.ask("GET", "/")
    assert status == 200
    assert b'dir="rtl"' in page
    assert "default-src 'none'" in world.seen["Content-Security-Policy"]


async def test_a_proposal_is_logged_by_its_last_signature(world):
    registry = world.registry
    registry.now = world.now
    payload = registry.payload("state.enrol", "eg", enrolment("eg"))
    status, found = await world.ask("POST", "/v1/statements", signed(payload, REGISTRARS[0]).value())
    assert status == 202
    path = f"/v1/proposals/{found['proposal']}"
    assert (await world.ask("GET", path, who=CALLERS["contact"]))[0] == 404
    assert (await world.ask("GET", path, who=REGISTRARS[1]))[0] == 200
    more = signed(payload, REGISTRARS[1], "eg authority").value()["signatures"]
    status, logged = await world.ask("POST", path + "/signatures", {"signatures": more}, who=REGISTRARS[1])
    assert status == 201
    again = await world.ask("POST", "/v1/statements", signed(payload, REGISTRARS[0]).value())
    assert (again[0], again[1]["code"], again[1]["index"]) == (409, "already-logged", logged["index"])
    assert (await world.ask("GET", path, who=REGISTRARS[1]))[0] == 404
    assert "eg" in world.hub.log.view.directory.states


async def test_a_proposal_nobody_known_signed_is_not_opened(world):
    payload = world.registry.payload("state.enrol", "eg", enrolment("eg"), issued_at=world.now)
    status, problem = await world.ask("POST", "/v1/statements", signed(payload, "eg authority").value())
    assert (status, problem["code"]) == (422, "signatures-missing")


async def test_openings_go_to_parties_and_are_found_in_no_log_line_or_leaf(world, caplog):
    caplog.set_level(logging.DEBUG)
    office, reach = openings("jo.technical")
    for opening in (office, reach):
        path = f"/v1/cards/{opening.commitment()}"
        assert (await world.ask("PUT", path, form_value(opening), who="sd.technical 1"))[0] == 404
        assert (await world.ask("PUT", path, form_value(opening), who="jo.technical 1"))[0] == 201
        assert (await world.ask("PUT", path, form_value(opening), who="jo authority"))[0] == 200
    cards = (await world.ask("GET", "/v1/cards?since=0", who="sd.technical 1"))[1]
    assert [card["part"] for card in cards["cards"]] == ["office", "reach"]
    for leaf in await world.hub.store.read_leaves(0, 100):
        assert b"desk@jo.technical.example" not in leaf.data
        assert office.bytes.encode() not in leaf.data
    ours = [record.getMessage() for record in caplog.records if record.name == "poc"]
    assert ours
    assert not any(reach.bytes in line or reach.commitment() in line for line in ours)


async def test_a_jump_of_the_clock_is_logged_only_when_confirmed(world):
    world.now += timedelta(days=8)
    payload = world.registry.payload("state.enrol", "eg", enrolment("eg"), issued_at=world.now)
    everybody = signed(payload, *REGISTRARS, "eg authority").value()
    status, problem = await world.ask("POST", "/v1/statements", everybody)
    assert (status, problem["code"]) == (503, "clock-jumped")
    assert "--clock-confirmed" in problem["next"]


async def test_a_restarted_hub_holds_the_same_directory(tmp_path):
    world = World(tmp_path, usual())
    async with world.running():
        await world.fill()
        before = world.hub.log.view
    async with world.running():
        assert world.hub.log.view == before
