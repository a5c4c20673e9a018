"""Quotas of a State: a share is kept for what is actual, and a refusal for now is none for good (R31)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from poc.limits import PROPOSALS_OF_STATE_BRAKES_MAX, PROPOSALS_OF_STATE_MAX
from tests.fair_world import ACTUAL, FLASH, RECIPIENT, ROUTINE, SENDER, URGENT, Sender, make_actual_home
from tests.hub_messages import answer
from tests.hub_world import World
from tests.registry import nomination, signed


@pytest.fixture(scope="module")
def home_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("actual")
    return folder, make_actual_home(folder, 20)


@pytest.fixture
async def world(home_of, tmp_path):
    folder, registry = home_of
    (tmp_path / "hub.db").write_bytes((folder / "hub.db").read_bytes())
    async with World(tmp_path, registry).running() as running:
        yield running


def told(found):
    return found["code"], 0 < found["retry_after_seconds"] <= 3600


async def test_each_kind_stops_at_its_share_and_actual_flash_last(world):
    sender = Sender(world)
    for kind, share in ((ROUTINE, 10), (FLASH, 2), (ACTUAL, 6), (URGENT, 2)):
        taken, found = await sender.count(**kind)
        assert (taken, told(found)) == (share, ("quota-reached", True)), kind
    assert (await sender.send(**ROUTINE))[1]["code"] == "quota-reached"


async def test_an_exercise_at_its_ceiling_leaves_the_whole_of_the_rest_to_what_is_actual(world):
    sender = Sender(world)
    assert (await sender.count(**ROUTINE))[0] == 10
    for _ in range(30):
        assert (await sender.send(**ROUTINE))[0] == 429
    assert (await sender.count(**URGENT))[0] == 10


async def test_one_state_at_its_ceiling_takes_nothing_from_another(world):
    await Sender(world).count(**ROUTINE)
    assert (await Sender(world, who=RECIPIENT, to=SENDER).count(**ROUTINE))[0] == 10


async def test_a_refusal_by_quota_is_signed_by_nobody_kept_nowhere_and_lifted_by_time(world):
    sender = Sender(world)
    await sender.count(**ROUTINE)
    sealed = sender.made(**ROUTINE)
    status, found = await sender.put(sealed)
    assert (status, "receipt" in found) == (429, False)
    assert world.seen["Retry-After"] == str(found["retry_after_seconds"])
    assert found["time"] == world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    path = f"/v1/messages/{sealed.message.id}"
    assert (await world.ask("GET", path + "/evidence", who=SENDER))[0] == 404
    world.now += timedelta(seconds=found["retry_after_seconds"] - 1)
    assert (await sender.put(sealed))[0] == 429
    world.now += timedelta(seconds=1)
    assert (await sender.put(sealed))[0] == 201
    assert (await sender.put(sealed))[0] == 200


async def test_what_was_taken_is_answered_again_and_can_be_answered_however_full_the_hour_is(world):
    sender = Sender(world)
    sealed = sender.made(**ROUTINE)
    first = await sender.put(sealed)
    await sender.count(**ROUTINE)
    assert (await sender.put(sealed)) == (200, first[1])
    text = answer(sealed, "acknowledgement", RECIPIENT, world.hub.log.view.head, world.now)
    path = f"/v1/messages/{sealed.message.id}/acknowledgements"
    assert (await world.ask("POST", path, {"jws": text}, who=RECIPIENT))[0] == 201


async def test_refusals_for_good_use_the_quota_too_for_they_are_kept_for_ever(world):
    sender = Sender(world)
    late = [sender.made(**ROUTINE) for _ in range(12)]
    world.now += timedelta(days=2)
    codes = [(await sender.put(sealed))[1]["code"] for sealed in late]
    assert codes == ["expired"] * 10 + ["quota-reached"] * 2


async def test_fifty_at_once_get_no_more_than_one_after_the_other(world):
    sender = Sender(world)
    made = [sender.made(**ROUTINE) for _ in range(50)]
    found = await asyncio.gather(*(sender.put(sealed) for sealed in made))
    assert sorted(status for status, _ in found) == [201] * 10 + [429] * 40


async def test_counts_stand_over_a_restart(home_of, tmp_path):
    folder, registry = home_of
    (tmp_path / "hub.db").write_bytes((folder / "hub.db").read_bytes())
    world = World(tmp_path, registry)
    sender = Sender(world)
    async with world.running():
        assert (await sender.count(**ROUTINE))[0] == 10
    async with world.running():
        assert (await sender.count(**ROUTINE))[0] == 0
        assert (await sender.count(**URGENT))[0] == 10


async def test_bytes_held_are_bounded_for_a_state_and_kept_for_what_is_actual(world, monkeypatch):
    monkeypatch.setattr("poc.core.quota.QUOTA_BYTES_MAX", 40_000)
    sender = Sender(world)
    taken, found = await sender.count(**ROUTINE)
    assert (0 < taken < 5, told(found)) == (True, ("storage-quota", True))
    assert (await sender.count(**ACTUAL))[0] in {taken, taken + 1}
    assert await world.store.drop_envelopes(world.now + timedelta(days=99)) > 0
    assert (await sender.send(**ROUTINE))[0] == 201


async def test_refusals_are_counted_by_code_and_kind(world):
    sender = Sender(world)
    await sender.count(**ROUTINE)
    await sender.send(**ROUTINE)
    value = world.hub.metrics.registry.get_sample_value
    assert value("poc_refused_for_now_total", {"code": "quota-reached", "kind": "practice"}) == 2
    await sender.count(**URGENT)
    assert value("poc_refused_for_now_total", {"code": "quota-reached", "kind": "actual"}) == 1


# --- proposals ---------------------------------------------------------------------------------


def proposed(world, contact, who="jo authority"):
    world.registry.now, world.registry.directory = world.now, world.hub.log.view.directory
    return signed(world.registry.payload("contact.nominate", contact, nomination(contact)), who).value()


async def test_open_proposals_of_a_state_are_bounded_and_anothers_are_its_own(world, monkeypatch):
    monkeypatch.setattr("poc.hub.registry.PROPOSALS_OF_STATE_MAX", 3)
    for n in range(3):
        made = proposed(world, f"jo.desk-{n}")
        assert (await world.ask("POST", "/v1/statements", made))[0] == 202
        assert (await world.ask("POST", "/v1/statements", made))[0] == 202
    status, found = await world.ask("POST", "/v1/statements", proposed(world, "jo.desk-9"))
    assert (status, told(found)) == (429, ("too-many-proposals", True))
    other = proposed(world, "sd.desk-1", "sd authority")
    assert (await world.ask("POST", "/v1/statements", other))[0] == 202


def test_a_brake_has_places_that_no_other_proposal_takes():
    assert PROPOSALS_OF_STATE_BRAKES_MAX > PROPOSALS_OF_STATE_MAX
