"""Exercises through the hub: only their controller speaks, only their sides hear, all outlives a restart."""

from __future__ import annotations

from poc.core import jws
from poc.core.exercise import Announcement, Order
from poc.core.form import read_form
from poc.core.receipts import sign_form
from tests.hub_world import World
from tests.message_world import EXERCISE, Exercise
from tests.message_world import ORIGIN as ELSEWHERE
from tests.registry import ORIGIN, REGISTRARS, signed, signing_key, usual

CONTROLLER = "x-arcc.controller-1 1"
PATH = f"/v1/exercises/{EXERCISE}"


def announcement(world):
    key = signing_key(CONTROLLER)
    form = read_form(Announcement, jws.read_compact(Exercise().announcement()).payload)
    changes = {
        "origin": ORIGIN,
        "kid": key.kid,
        "head": world.hub.log.view.head,
        "participants": ("jo.technical",),
        "at": world.now,
    }
    return sign_form(form.model_copy(update=changes), jws.ANNOUNCEMENT, key)


def order(world, name, number=1, previous=None):
    key = signing_key(CONTROLLER)
    form = read_form(Order, jws.read_compact(Exercise().order(name, number, previous)).payload)
    changes = {"origin": ORIGIN, "kid": key.kid, "head": world.hub.log.view.head, "at": world.now}
    return sign_form(form.model_copy(update=changes), jws.ORDER, key)


async def test_an_exercise_is_announced_started_and_kept_for_its_sides(tmp_path):
    assert ELSEWHERE != ORIGIN
    world = World(tmp_path, usual())
    async with world.running():
        await world.fill()
        told, start = {"announcement": announcement(world)}, {"order": order(world, "start")}
        assert (await world.ask("PUT", PATH, told, who="jo.technical 1"))[0] == 404
        assert (await world.ask("PUT", PATH, told, who=CONTROLLER))[0] == 201
        assert (await world.ask("PUT", PATH, told, who=CONTROLLER))[0] == 200
        paused = {"order": order(world, "pause")}
        assert (await world.ask("POST", PATH + "/orders", paused, who=CONTROLLER))[1][
            "code"
        ] == "not-yet-in-force"
        assert (await world.ask("POST", PATH + "/orders", start, who=CONTROLLER))[0] == 201
        assert (await world.ask("POST", PATH + "/orders", start, who=CONTROLLER))[0] == 200
    async with world.running():
        assert (await world.ask("GET", PATH, who="sd.technical 1"))[1]["code"] == "not-found"
        found = (await world.ask("GET", PATH, who="jo.technical 1"))[1]
        assert found["orders"] == [start["order"]]
        assert (await world.ask("GET", "/v1/exercises?since=0", who="sd.technical 1"))[1]["exercises"] == []
        assert len((await world.ask("GET", "/v1/exercises", who="jo authority"))[1]["exercises"]) == 1


async def test_an_exercise_outlives_the_loss_of_the_key_that_announced_it(tmp_path):
    world = World(tmp_path, usual())
    async with world.running():
        await world.fill()
        told, start = {"announcement": announcement(world)}, {"order": order(world, "start")}
        assert (await world.ask("PUT", PATH, told, who=CONTROLLER))[0] == 201
        assert (await world.ask("POST", PATH + "/orders", start, who=CONTROLLER))[0] == 201
        registry = world.registry
        registry.now, registry.directory = world.now, world.hub.log.view.directory
        body = {"kid": signing_key(CONTROLLER).kid, "reason": "compromise", "suspected_since": None}
        payload = registry.payload("contact.device-revoke", "x-arcc.controller-1", body)
        status, problem = await world.ask("POST", "/v1/statements", signed(payload, *REGISTRARS).value())
        assert status == 201, problem
    async with world.running():
        assert world.hub.reason is None
        found = (await world.ask("GET", PATH, who="jo.technical 1"))[1]
        assert (found["announcement"], found["orders"]) == (told["announcement"], [start["order"]])
        assert (await world.ask("GET", PATH, who=CONTROLLER))[1]["code"] == "bad-request-signature"


async def test_an_announcement_the_disk_did_not_take_is_not_known_and_can_be_made_again(tmp_path):
    world = World(tmp_path, usual())
    async with world.running():
        await world.fill()
        told = {"announcement": announcement(world)}
        await world.store.writer.run_alone(lambda db: db.execute("PRAGMA query_only = ON").close())
        status, _ = await world.ask("PUT", PATH, told, who=CONTROLLER)
        assert status == 503
        assert world.hub.exercises.play_of(EXERCISE) is None
        await world.store.writer.run_alone(lambda db: db.execute("PRAGMA query_only = OFF").close())
        assert (await world.ask("PUT", PATH, told, who=CONTROLLER))[0] == 201
