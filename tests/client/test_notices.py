"""Brakes the log lacks: asked of witnesses, held, in effect here, handed to the hub until it takes them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from poc.client.api import HubClient
from poc.client.lookup import Query, lookup
from poc.client.notices import fetch_notices, hand_on, notice_values, post_notices
from poc.client.preview import preview
from poc.client.standing import standing_warnings
from poc.core.notices import in_effect
from poc.core.proposal import make_proposal, proposal_bytes
from poc.core.statement import payload_sha256, read_statement
from poc.core.strictjson import canonical
from poc.errors import RefusedError
from tests import registry as made
from tests.desk_world import SIDES, Between, draft, seal_to
from tests.message_world import draft as plain_draft
from tests.notices_world import WINDOW
from tests.quorum_world import again, joined, known_of
from tests.registry import ORIGIN, REGISTRARS, Registry, enrolment, jwk, signed
from tests.witness.test_with_hub import Both

TWO = [made.device("sd.technical 1"), made.device("sd.technical 2", 2)]


def a_registry(url="https://witness.example", seats=("bh", "jo", "sd"), **changes):
    """Three States with witnesses at an address, jo.technical with one device and sd.technical with two."""
    registry = Registry(quorum="majority", **changes)
    for state in ("bh", "jo", "sd"):
        registry.enrol(state)
    if registry.directory.settings.objection_seconds:
        registry.tick(registry.directory.settings.objection_seconds)
        registry.attest()
    registry.nominate("jo.technical")
    registry.nominate("sd.technical", devices=TWO)
    if seats:
        registry.seat(*seats, url=url)
    return registry


def known_for(tmp_path, registry):
    known = known_of(tmp_path / "home", registry, registry.cosigned(*registry.seated))
    key = made.sealing_key("sd.technical 2").public
    known.trust.put_sealing_key(key.kid, canonical(key.jwk()))
    return known


def freeze(registry, contact="sd.technical", by="sd.technical 1", **how):
    entry = registry.directory.contacts[contact].standing.leaf_hash
    return signed(registry.payload("contact.freeze", contact, {"entry": entry}, **how), by)


def earlier(registry):
    """A freeze of the same contact by its other device, a second before."""
    return freeze(registry, by="sd.technical 2", issued_at=registry.now - timedelta(seconds=1))


def revoke(registry, label="sd.technical 2", by="sd.technical 1"):
    body = {"kid": made.signing_key(label).kid, "reason": "lost", "suspected_since": None}
    return signed(registry.payload("contact.device-revoke", "sd.technical", body), by)


def code_of(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except RefusedError as error:
        return error.code
    return "ok"


def sealed(known):
    message = plain_draft(status="test", exercise=None, expires_at=known.now() + timedelta(days=1))
    return seal_to(known, message, ["sd.technical"], bytes)


@pytest.fixture(scope="module")
def registry():
    return a_registry()


@pytest.fixture
def known(tmp_path, registry):
    return known_for(tmp_path, registry)


# --- what a notice held here does --------------------------------------------------------------


def test_a_contact_that_a_notice_freezes_gets_nothing_and_is_shown_so(known, registry):
    assert code_of(sealed, known) == "ok"
    assert known.keep_notice(freeze(registry))
    for desk in (known, again(known)):
        desk.keyring = known.keyring
        assert code_of(sealed, desk) == "contact-frozen"
        message = plain_draft(status="test", exercise=None, expires_at=known.now() + timedelta(days=1))
        assert code_of(preview, desk, message, ["sd.technical"]) == "contact-frozen"
        (found,) = lookup(desk.effective, {}, Query(contact="sd.technical"), known.now()).contacts
        assert found.frozen
        told = standing_warnings(desk, known.now())
        assert told[0].startswith("THE HUB WITHHOLDS a contact.freeze of sd.technical")


def test_a_device_that_a_notice_revokes_is_not_sealed_to(known, registry):
    kids = {made.sealing_key(f"sd.technical {n}").kid for n in (1, 2)}
    slots = {slot.header.kid for slot in sealed(known).envelope.recipients}
    assert kids <= slots
    known.keep_notice(revoke(registry))
    slots = {slot.header.kid for slot in sealed(known).envelope.recipients}
    assert kids & slots == {made.sealing_key("sd.technical 1").kid}


def test_a_desk_whose_own_device_or_office_a_notice_stops_seals_nothing(tmp_path, registry):
    known = known_for(tmp_path, registry)
    known.keep_notice(freeze(registry, "jo.technical", "jo.technical 1"))
    assert code_of(sealed, known) == "contact-frozen"
    (tmp_path / "second").mkdir()
    second = known_of(tmp_path / "second" / "home", registry, registry.cosigned(*registry.seated))
    body = {"kid": made.signing_key("jo.technical 1").kid, "reason": "lost", "suspected_since": None}
    by = ("jo authority",)
    second.keep_notice(signed(registry.payload("contact.device-revoke", "jo.technical", body), *by))
    assert code_of(sealed, second) == "no-device"


def test_a_recovery_that_a_notice_objects_to_does_not_take_effect_here(tmp_path):
    registry = a_registry(objection_seconds=3600)
    body = enrolment("jo")
    recover = {
        "authority": {"keys": [jwk("jo new")], "threshold": 1}, "recovery": None,
        "note_verbale": body["note_verbale"], "call_back": body["call_back"], "overrules": None,
    }  # fmt: skip
    leaf = registry.submit("state.recover", "jo", recover, *REGISTRARS, "jo new").leaf_hash
    known = known_for(tmp_path, registry)
    objection = signed(registry.payload("state.object", "jo", {"entry": leaf}), "jo authority")
    assert known.effective.states["jo"].recovering is not None
    known.keep_notice(objection)
    assert known.effective.states["jo"].recovering is None
    assert known.directory.states["jo"].recovering is not None
    registry.tick(3600)
    registry.now += timedelta(days=1)  # the clock alone makes nothing effective
    assert known.effective.states["jo"].recovering is None


def test_roots_heads_and_size_stay_those_of_the_log(known, registry):
    head, tree = known.head, known.directory.tree
    known.keep_notice(freeze(registry))
    assert known.effective is not known.directory
    assert (known.effective.tree, known.effective.size) == (tree, known.directory.size)
    assert known.head == head
    assert known.directory.contacts["sd.technical"].frozen is None


def test_two_notices_of_one_effect_are_both_held_and_the_rest_stays_in_effect(known, registry):
    assert known.keep_notice(freeze(registry))
    assert known.keep_notice(earlier(registry))
    known.keep_notice(revoke(registry))
    assert len(known.trust.notices()) == 3
    assert known.effective.contacts["sd.technical"].frozen
    assert [d.number for d in known.effective.contacts["sd.technical"].devices] == [1]


# --- what is held, and until when --------------------------------------------------------------


def not_held(registry):
    """Statements that are no notices: each with the code of the refusal."""
    later = registry.now + timedelta(minutes=6)
    body = {"entry": registry.newest("sd.technical").leaf_hash}
    confirm = signed(registry.payload("contact.confirm", "sd.technical", body), "sd.technical 1")
    good = freeze(registry)
    other = type(good)(good.payload, freeze(registry, "jo.technical", "jo.technical 1").signatures)
    return [
        ("not-a-brake", confirm),
        ("signature-not-called-for", other),
        ("bad-signature", type(good)(good.payload, freeze(registry, issued_at=later).signatures)),
        ("signature-not-called-for", freeze(registry, by="jo.technical 1")),
        ("issued-ahead", freeze(registry, issued_at=later)),
        ("superseded", signed(registry.payload(
            "contact.freeze", "sd.technical", {"entry": registry.entries[0].leaf_hash}), "sd.technical 1")),
    ]  # fmt: skip


def test_only_a_brake_that_the_rules_admit_now_is_held(known, registry):
    for code, statement in not_held(registry):
        assert code_of(known.keep_notice, statement) == code
    assert known.trust.notices() == []
    assert known.effective is known.directory


def test_a_notice_is_held_once_and_not_more_than_there_is_room_for(known, registry, monkeypatch):
    notice = freeze(registry)
    assert [known.keep_notice(notice), known.keep_notice(notice)] == [True, False]
    monkeypatch.setattr("poc.client.known.NOTICES_HELD_MAX", 1)
    assert code_of(known.keep_notice, revoke(registry)) == "notices-full"


def test_a_notice_ends_when_it_is_logged_or_another_entry_overtakes_it(tmp_path):
    registry = a_registry()
    known = known_for(tmp_path, registry)
    first, second = freeze(registry), earlier(registry)
    known.keep_notice(first)
    known.keep_notice(second)
    size = registry.directory.size
    registry.log(first)
    note = registry.cosigned(*registry.seated)
    known.keep_head(registry.directory, registry.leaves[size:], note)
    assert known.drop_ended_notices() == ["a contact.freeze of sd.technical was never logged: contact-frozen"]
    assert known.trust.notices() == []
    assert known.effective is known.directory
    assert code_of(known.keep_notice, first) == "already-logged"
    assert code_of(in_effect, known.directory, second) == "contact-frozen"


# --- witnesses ---------------------------------------------------------------------------------


class Board:
    """A server that answers as witnesses and a hub may: what it serves, and what was posted to it."""

    def __init__(self):
        self.serves: dict[str, Any] = {}
        self.posted: list[tuple[str, bytes]] = []
        self.refuses: dict[str, tuple[str, int]] = {}
        self.registry: Any = None
        self.known: Any = None

    async def answer(self, request):
        if request.method == "POST":
            self.posted.append((request.path, await request.read()))
            code, status = self.refuses.get(request.path, (None, 201))
            return web.json_response({} if code is None else {"code": code, "detail": ""}, status=status)
        served = self.serves.get(request.path, (404, b"nothing here"))
        if callable(served):
            served = await served(request)
        status, body = served
        return web.Response(status=status, body=body)

    @asynccontextmanager
    async def running(self):
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as session:
            self.session = session
            yield self
        await runner.cleanup()

    def hub(self, known):
        return HubClient(self.url, self.session, (), known.now, bytes)


@pytest.fixture
async def board(tmp_path):
    board = Board()
    async with board.running():
        registry = a_registry(seats=())
        for state in ("bh", "jo", "sd"):
            registry.seat(state, url=f"{board.url}/{state}")
        board.registry, board.known = registry, known_for(tmp_path, registry)
        yield board


def listed(*notices, origin=ORIGIN):
    held = [notice.value() for notice in notices]
    return 200, canonical({"v": 1, "origin": origin, "size": 9, "notices": held})


async def test_what_one_witness_holds_is_held_here_whatever_the_others_do(board):
    known, registry = board.known, board.registry
    board.serves = {"/bh/notices": (200, b"{"), "/sd/notices": listed(freeze(registry))}
    told = await fetch_notices(known, board.hub(known))
    assert told == ["witness bh.witness: bad-answer-from-hub: its notices are not known here"]
    assert [row["subject"] for row in notice_values(known)] == ["sd.technical"]
    assert known.effective.contacts["sd.technical"].frozen


async def test_what_a_witness_makes_up_is_refused_told_and_not_held(board):
    known, registry = board.known, board.registry
    board.serves["/jo/notices"] = listed(
        *(statement for _, statement in not_held(registry)), revoke(registry)
    )
    told = await fetch_notices(known, board.hub(known))
    codes = sorted({code for code, _ in not_held(registry)})
    assert told == [f"witness jo.witness: a notice of it is refused: {code}" for code in codes]
    assert [row["type"] for row in notice_values(known)] == ["contact.device-revoke"]


async def test_a_witness_that_is_slow_talks_for_ever_or_of_another_log_stops_nothing(board, monkeypatch):
    known = board.known
    monkeypatch.setattr("poc.client.notices.NOTICES_SECONDS_MAX", 0.3)
    monkeypatch.setattr("poc.client.notices.NOTICES_ANSWER_BYTES_MAX", 10_000)

    async def slow(_request):
        await asyncio.sleep(3)
        return listed()

    board.serves = {
        "/bh/notices": slow,
        "/jo/notices": (200, b" " * 20_000),
        "/sd/notices": listed(freeze(board.registry), origin="example.org/other"),
    }
    begun = asyncio.get_running_loop().time()
    told = await fetch_notices(known, board.hub(known))
    assert asyncio.get_running_loop().time() - begun < 2
    assert [line.split(": ")[1] for line in told] == [
        "unreachable",
        "bad-answer-from-hub",
        "bad-answer-from-hub",
    ]
    assert known.trust.notices() == []


async def test_a_notice_from_a_file_goes_to_the_hub_and_every_witness_and_is_held_whoever_refuses(board):
    known, notice = board.known, freeze(board.registry)
    board.refuses = {"/v1/statements": ("hub-refused", 403), "/jo/add-notice": ("notices-full", 429)}
    handed = await hand_on(known, board.hub(known), notice)
    assert handed.hub == "hub-refused"
    assert handed.witnesses == {"bh.witness": "taken", "jo.witness": "notices-full", "sd.witness": "taken"}
    body = canonical(notice.value())
    assert sorted(board.posted) == sorted(
        (path, body) for path in ("/v1/statements", *(f"/{s}/add-notice" for s in ("bh", "jo", "sd")))
    )
    (row,) = notice_values(known)
    assert (row["payload_sha256"], row["hub"]) == (payload_sha256(notice.payload), "hub-refused")
    assert "and refused it (hub-refused)" in standing_warnings(known, known.now())[0]


async def test_whoever_holds_a_notice_posts_it_until_the_hub_takes_it(board):
    known = board.known
    known.keep_notice(freeze(board.registry))
    board.refuses = {"/v1/statements": ("state-suspended", 403)}
    hub = board.hub(known)
    assert await post_notices(known, hub) is False
    board.refuses = {"/v1/statements": ("already-logged", 409)}
    assert await post_notices(known, hub) is True
    assert [path for path, _ in board.posted] == ["/v1/statements"] * 2


# --- against a real hub ------------------------------------------------------------------------


class Refusing(Between):
    """A hub in the middle that takes no statement."""

    refuses = True

    async def answer(self, request):
        if self.refuses and (request.method, request.path) == ("POST", "/v1/statements"):
            return web.json_response({"code": "not-now", "detail": ""}, status=429)
        return await super().answer(request)


async def test_against_a_hub_that_withholds_a_freeze_it_is_in_effect_here_and_ends_when_it_is_logged(
    desks, world
):
    jo, sd, _ = desks
    await sd.sync()
    async with Refusing(world).running(jo, sd) as between:
        entry = jo.directory.contact("sd.technical").standing.leaf_hash
        notice = sd.sign(sd.compose("contact.freeze", "sd.technical", {"entry": entry}))
        handed = await jo.add_notice(proposal_bytes(make_proposal(notice)))
        assert (handed.held, handed.hub, handed.witnesses) == (True, "hub-refused", {})
        with pytest.raises(RefusedError) as refused:
            await jo.send_message(draft(jo), ["sd.technical"])
        assert refused.value.code == "contact-frozen"
        sent = await sd.send_message(draft(sd), ["jo.technical"])  # the hub takes it, and hands it out
        report = await jo.sync()
        assert sent.state == "accepted"
        assert [row["reason"] for row in jo.inbox()] == ["blocked-by-notice"]
        withheld = [line for line in report.warnings if line.startswith("THE HUB WITHHOLDS")]
        assert len(withheld) == 1
        between.refuses = False
        report = await jo.sync()
        assert jo.notices() == []
        assert not any(line.startswith("THE HUB") for line in report.warnings)
        assert jo.directory.contact("sd.technical").frozen is not None
        # what was accepted before the freeze was logged counts, in the order of the log
        assert [(row["verified"], row["reason"]) for row in jo.inbox()] == [(True, None)]


async def test_a_message_that_was_verified_before_a_notice_stays_readable(desks, world):
    jo, sd, _ = desks
    sent = await sd.send_message(draft(sd), ["jo.technical"])
    await jo.sync()
    async with Refusing(world).running(jo, sd):
        entry = jo.directory.contact("sd.technical").standing.leaf_hash
        notice = sd.sign(sd.compose("contact.freeze", "sd.technical", {"entry": entry}))
        await jo.add_notice(canonical(notice.value()))
        assert jo.show(sent.id).message.subject == "A seeded subject"


async def test_a_notice_that_the_hub_logs_at_once_is_not_held(desks):
    jo, sd, _ = desks
    entry = jo.directory.contact("sd.technical").standing.leaf_hash
    notice = sd.sign(sd.compose("contact.freeze", "sd.technical", {"entry": entry}))
    handed = await jo.add_notice(canonical(notice.value()))
    assert (handed.hub, handed.held, jo.notices()) == ("taken", False, [])
    with pytest.raises(RefusedError) as refused:
        await jo.add_notice(canonical(notice.value()))
    assert refused.value.code == "already-logged"


async def test_without_a_hub_a_brake_from_a_file_still_works_here(desks):
    jo, sd, _ = desks
    entry = jo.directory.contact("sd.technical").standing.leaf_hash
    notice = sd.sign(sd.compose("contact.freeze", "sd.technical", {"entry": entry}))
    jo.hub._base = "http://127.0.0.1:9"
    handed = await jo.add_notice(canonical(notice.value()))
    assert (handed.hub, handed.held) == ("unreachable", True)
    assert jo.effective.contact("sd.technical").frozen is not None
    for data in (b"{}", b"[]", canonical({"payload": "AAAA", "signatures": []})):
        with pytest.raises(RefusedError):
            await jo.add_notice(data)


# --- a hub that refuses an objection, and a witness that checks its rules ----------------------


@pytest.fixture
async def both(tmp_path, monkeypatch):
    """A hub that takes no objection from anybody, the witness of jo, and the desks of two States."""
    (tmp_path / "servers").mkdir()
    async with AsyncExitStack() as stack:
        running = Both(tmp_path / "servers")
        await running.start(stack)
        await running.enrol("sd")
        running.pass_seconds(WINDOW)
        await running.hub.hub.attestor.attest()
        await running.until(lambda: running.published == running.directory.size)
        for contact in SIDES:
            body, state = made.nomination(contact), contact[:2]
            await running.submit("contact.nominate", contact, body, f"{state} authority", f"{contact} 1")
        await running.until(lambda: running.published == running.directory.size)
        take = running.hub.hub.registry.submit

        async def refuse(statement, *more, **named):
            if read_statement(statement.payload).type == "state.object":
                raise RefusedError("not-pending", "says the hub")
            return await take(statement, *more, **named)

        async def ask_nobody():
            return []

        monkeypatch.setattr(running.hub.hub.registry, "submit", refuse)
        monkeypatch.setattr(running.hub.hub.witnesses, "notices", ask_nobody)
        desks = [await stack.enter_async_context(await joined(tmp_path, running.hub, p)) for p in SIDES]
        for desk in desks:
            await desk.sync()
        yield running, desks


async def test_a_recovery_goes_nowhere_against_an_objection_that_the_hub_refuses(both):
    running, (jo, sd) = both
    body = enrolment("jo")
    recover = {
        "authority": {"keys": [jwk("jo new")], "threshold": 1}, "recovery": None,
        "note_verbale": body["note_verbale"], "call_back": body["call_back"], "overrules": None,
    }  # fmt: skip
    await running.submit("state.recover", "jo", recover, *REGISTRARS, "jo new")
    await running.until(lambda: running.published == running.directory.size)
    leaf = running.directory.states["jo"].recovering.anchor.leaf_hash
    objection = signed(running.payload("state.object", "jo", {"entry": leaf}), "jo authority")
    handed = await jo.add_notice(canonical(objection.value()))
    assert (handed.held, handed.hub, handed.witnesses) == (True, "not-pending", {"jo.witness": "taken"})
    report = await sd.sync()  # whoever asks the witness knows of it, and tells
    assert report.warnings[0].startswith("THE HUB WITHHOLDS a state.object of jo")
    assert sd.effective.states["jo"].recovering is None
    size = sd.directory.size
    running.pass_seconds(WINDOW)
    await running.hub.hub.attestor.attest()  # it would be effective now, if anybody took this log
    report = await sd.sync()
    assert running.directory.states["jo"].authority_kids == (made.signing_key("jo new").kid,)
    assert sd.directory.size == size
    assert sd.directory.states["jo"].authority_kids == (made.signing_key("jo authority").kid,)
