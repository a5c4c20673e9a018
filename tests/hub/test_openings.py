"""Openings: to whom they are for, also when that changes later, and gone from the disk once superseded."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace

import pytest

from poc.core.card import OfficePart, make_opening
from poc.core.form import form_of, form_value
from poc.core.strictjson import b64u
from poc.hub.log import View
from tests.hub_messages import CONTROLLER, EXERCISE_PATH, announcement
from tests.hub_world import World
from tests.registry import (
    ORIGIN,
    Registry,
    card,
    device,
    nomination,
    openings,
    signed,
    usual,
)

MARK = "Canary Department"
JO, SD = "jo.technical 1", "sd.technical 1"


def office(contact, name=MARK, salt=b"\5" * 32):
    part = {
        "v": 1,
        "origin": ORIGIN,
        "contact": contact,
        "part": "office",
        "names": {"en": name},
        "department": None,
        "openpgp": None,
    }
    return make_opening(form_of(OfficePart, part), salt)


def cards_with(opening, visibility):
    both = card("jo.technical")
    return {**both, "office": {"commitment": opening.commitment(), "visibility": visibility}}


def registry(visibility="exercise", opening=None):
    """As usual, but Jordan's technical office is shown to those of the same exercise only."""
    made = Registry()
    made.enrol("jo", "sd")
    made.nominate("jo.technical", card=cards_with(opening or office("jo.technical"), visibility))
    made.nominate("jo.diplomatic", "sd.technical", "sd.diplomatic")
    made.appoint()
    return made


async def put(world, opening, who):
    path = f"/v1/cards/{opening.commitment()}"
    return await world.ask("PUT", path, form_value(opening), who=who)


async def shown(world, who, since=0):
    """Commitments a caller is given after a number, and where to go on."""
    page = (await world.ask("GET", f"/v1/cards?since={since}", who=who))[1]
    return [found["opening"]["bytes"] for found in page["cards"]], page["next"]


async def update(world, opening, visibility="parties"):
    """Log an update of Jordan's technical contact with another office part."""
    body = {
        **{k: v for k, v in nomination("jo.technical").items() if k != "devices"},
        "card": cards_with(opening, visibility),
    }
    world.registry.now, world.registry.directory = world.now, world.hub.log.view.directory
    payload = world.registry.payload("contact.update", "jo.technical", body)
    statement = signed(payload, "jo authority")
    status, answer = await world.ask("POST", "/v1/statements", statement.value())
    assert status == 201, answer
    return answer


def bytes_on_disk(home):
    return b"".join(path.read_bytes() for path in home.iterdir() if path.name.startswith("hub.db"))


async def erased(world):
    """Wait until what the last step superseded is erased."""
    for _ in range(500):
        await asyncio.sleep(0.01)
        if not world.hub.log.changed.is_set() and not stale(world):
            return
    raise AssertionError("not erased in time")


def stale(world):
    return world.hub.openings._kept - world.hub.openings._current().keys()


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("jo authority", 201),
        (JO, 201),
        ("jo.technical 2", 404),
        ("jo.diplomatic 1", 404),
        ("sd authority", 404),
        (SD, 404),
        (CONTROLLER, 404),
        ("x-las.registrar-1", 404),
    ],
)
async def test_an_opening_is_taken_from_its_authority_and_its_devices_with_change_only(tmp_path, who, status):
    made = Registry()
    made.enrol("jo", "sd")
    devices = [device("jo.technical 1"), device("jo.technical 2", 2, may="acknowledge retrieve send")]
    made.nominate("jo.technical", devices=devices)
    made.nominate("jo.diplomatic", "sd.technical")
    made.appoint()
    async with World(tmp_path, made).running() as world:
        await world.fill()
        assert (await put(world, openings("jo.technical")[0], who))[0] == status


async def test_a_registrar_gives_the_opening_of_a_listed_contact_only(tmp_path):
    made = Registry()
    made.enrol("jo")
    body = {k: v for k, v in nomination("jo.technical").items() if k in {"role", "alternate_of", "card"}}
    body["source"] = "a published list"
    made.submit("contact.record", "jo.technical", body, "x-las.registrar-1", "x-arcc.registrar-1")
    async with World(tmp_path, made).running() as world:
        await world.fill()
        part = openings("jo.technical")[0]
        assert (await put(world, part, "x-las.registrar-1"))[0] == 201


async def test_an_opening_that_does_not_fit_is_refused(tmp_path):
    async with World(tmp_path, usual()).running() as world:
        await world.fill()
        first, reach = openings("jo.technical")
        path = f"/v1/cards/{first.commitment()}"
        for wrong, code in (
            (office("jo.technical"), "commitment-mismatch"),
            (reach, "not-found"),
            (first.model_copy(update={"salt": b64u(b"\6" * 32)}), "commitment-mismatch"),
        ):
            status, problem = await world.ask("PUT", path, form_value(wrong), who="jo authority")
            assert (status >= 400, problem["code"]) == (True, code)
        assert (await put(world, office("jo.technical"), "jo authority"))[0] == 404


async def test_a_commitment_copied_into_another_card_opens_nothing_and_erases_nothing(tmp_path):
    made = Registry()
    made.enrol("jo", "sd")
    secret = office("jo.technical")
    made.nominate("jo.technical", card=cards_with(secret, "registrars"))
    made.nominate("jo.diplomatic")
    made.nominate(
        "sd.technical",
        card={**card("sd.technical"), "office": {"commitment": secret.commitment(), "visibility": "parties"}},
    )
    async with World(tmp_path, made).running() as world:
        await world.fill()
        assert (await put(world, secret, "sd authority"))[1]["code"] == "commitment-mismatch"
        assert (await put(world, secret, "jo authority"))[0] == 201
        assert (await shown(world, SD))[0] == []
        assert (await shown(world, JO))[0] == [secret.bytes]


async def test_an_exercise_announced_later_shows_what_was_numbered_before(tmp_path):
    opening = office("jo.technical")
    async with World(tmp_path, registry()).running() as world:
        await world.fill()
        assert (await put(world, opening, "jo authority"))[0] == 201
        assert (await put(world, openings("sd.technical")[0], SD))[0] == 201
        before, since = await shown(world, SD)
        assert opening.bytes not in before
        both = ("jo.technical", "sd.technical")
        told = announcement(world.hub.log.view.head, world.now, participants=both)
        assert (await world.ask("PUT", EXERCISE_PATH, {"announcement": told}, who=CONTROLLER))[0] == 201
        assert (await shown(world, SD, since))[0] == [opening.bytes]
        assert opening.bytes in (await shown(world, CONTROLLER))[0]
        assert opening.bytes not in (await shown(world, "sd.diplomatic 1"))[0]
        again = (await shown(world, SD, since))[1]
        assert (await world.ask("PUT", EXERCISE_PATH, {"announcement": told}, who=CONTROLLER))[0] == 200
        assert await shown(world, SD, again) == ([], again)


async def test_an_exercise_without_the_caller_shows_it_nothing(tmp_path):
    opening = office("jo.technical")
    async with World(tmp_path, registry()).running() as world:
        await world.fill()
        assert (await put(world, opening, "jo authority"))[0] == 201
        told = announcement(world.hub.log.view.head, world.now, participants=("jo.technical",))
        assert (await world.ask("PUT", EXERCISE_PATH, {"announcement": told}, who=CONTROLLER))[0] == 201
        for who in (SD, "sd authority"):
            assert (await shown(world, who))[0] == []


async def test_a_wider_visibility_of_the_same_part_shows_it_to_those_who_passed_it(tmp_path):
    opening = office("jo.technical")
    async with World(tmp_path, registry("registrars", opening)).running() as world:
        await world.fill()
        assert (await put(world, opening, "jo authority"))[0] == 201
        assert (await put(world, openings("sd.technical")[0], SD))[0] == 201
        before, since = await shown(world, SD)
        assert opening.bytes not in before
        await update(world, opening, "parties")
        assert (await shown(world, SD, since))[0] == [opening.bytes]


async def test_a_superseded_opening_is_gone_from_feed_and_disk(tmp_path):
    opening, newer = office("jo.technical"), office("jo.technical", "Another Department", b"\7" * 32)
    async with World(tmp_path, registry("parties", opening)).running() as world:
        await world.fill()
        assert (await put(world, opening, "jo authority"))[0] == 201
        assert opening.bytes.encode() in bytes_on_disk(tmp_path)
        await update(world, newer)
        await erased(world)
        assert (await shown(world, SD))[0] == []
        assert opening.bytes.encode() not in bytes_on_disk(tmp_path)
        assert (await put(world, opening, "jo authority"))[0] == 404
        assert (await put(world, newer, "jo authority"))[0] == 201
    assert opening.bytes.encode() not in bytes_on_disk(tmp_path)


async def test_an_opening_superseded_just_before_a_crash_is_erased_at_the_next_start(tmp_path):
    opening = office("jo.technical")
    world = World(tmp_path, registry("parties", opening))
    async with world.running():
        await world.fill()
        # As if the hub ended between the step of the log and the erasure after it.
        world.hub.openings._kept = set()
        assert (await put(world, opening, "jo authority"))[0] == 201
        world.hub.openings._kept = set()
        await update(world, office("jo.technical", "Another", b"\7" * 32))
        assert opening.bytes.encode() in bytes_on_disk(tmp_path)
    async with world.running():
        assert await world.hub.store.read_opening(opening.commitment()) is None
    assert opening.bytes.encode() not in bytes_on_disk(tmp_path)


async def test_a_withdrawn_contact_leaves_no_opening_behind(tmp_path):
    opening = office("jo.technical")
    async with World(tmp_path, registry("parties", opening)).running() as world:
        await world.fill()
        assert (await put(world, opening, "jo authority"))[0] == 201
        view = world.hub.log.view
        gone = replace(view.directory.contacts["jo.technical"], withdrawn=True)
        contacts = {**view.directory.contacts, "jo.technical": gone}
        after = View(replace(view.directory, contacts=contacts), view.checkpoint, view.head)
        world.hub.log._publish(after)
        await erased(world)
        assert (await shown(world, "sd authority"))[0] == []
        assert opening.bytes.encode() not in bytes_on_disk(tmp_path)


async def test_a_disk_that_does_not_erase_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr("poc.hub.hub._SWEEP_SECONDS", 0.05)
    opening = office("jo.technical")
    async with World(tmp_path, registry("parties", opening)).running() as world:
        await world.fill()
        assert (await put(world, opening, "jo authority"))[0] == 201
        await world.hub.store.writer.run_alone(lambda db: db.execute("PRAGMA busy_timeout = 50").close())
        reader = sqlite3.connect(tmp_path / "hub.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM openings").fetchall()
        await update(world, office("jo.technical", "Another", b"\7" * 32))
        await asyncio.sleep(0.3)
        assert opening.bytes.encode() in bytes_on_disk(tmp_path)
        reader.execute("ROLLBACK")
        reader.close()
        await erased(world)
        assert opening.bytes.encode() not in bytes_on_disk(tmp_path)
