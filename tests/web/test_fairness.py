"""Load that is meant to harm: 500 slow sockets (R22) and a flood of exercise traffic (R31), on a real hub."""

from __future__ import annotations

import asyncio

import pytest

from poc.limits import BODY_SECONDS_MAX, HEADER_SECONDS_MAX, IDLE_SECONDS_MAX
from tests.dribble import KINDS
from tests.fair_world import ACTUAL, ROUTINE, URGENT, Sender, make_actual_home
from tests.hub_world import World
from tests.load_world import exercise_flood, slow_sockets

LATE_SECONDS = 5  # how late a closing may be seen on a machine that is busy
DUE = {
    **dict.fromkeys(KINDS, HEADER_SECONDS_MAX),
    "a body byte by byte": BODY_SECONDS_MAX,
    "a signed body byte by byte": BODY_SECONDS_MAX,
    "one request, then nothing": IDLE_SECONDS_MAX,
    "one request, then half a second": IDLE_SECONDS_MAX,
}


@pytest.mark.long
def test_r22_among_500_slow_sockets_an_honest_request_takes_less_than_a_second(tmp_path, record_property):
    found = slow_sockets(tmp_path)
    record_property("full count", str(found))
    assert found["requests"] > 150
    assert found["one_address_p99_ms"] < 1000
    assert found["many_addresses_p99_ms"] < 1000
    assert found["never_closed"] == 0
    for kind, seconds in found["held_seconds"].items():
        assert 0 < seconds < DUE[kind] + LATE_SECONDS, kind


@pytest.mark.long
def test_r31_a_flood_of_exercise_traffic_does_not_delay_what_is_actual(tmp_path, record_property):
    found = exercise_flood(tmp_path)
    record_property("full count", str(found))
    assert found["flood_accepted"] > 500
    assert found["flood_refused"] > 500
    assert found["flooded_p99_ms"] < 1000
    assert found["flooded_p99_ms"] < 30 * found["alone_p99_ms"]


# --- the same in small, by order instead of by time ----------------------------------------------


@pytest.fixture(scope="module")
def actual_home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("actual")
    return folder, make_actual_home(folder, 1000)


async def test_an_actual_message_is_accepted_while_a_hundred_exercise_messages_wait(
    actual_home, tmp_path, monkeypatch
):
    folder, registry = actual_home
    (tmp_path / "hub.db").write_bytes((folder / "hub.db").read_bytes())
    world = World(tmp_path, registry)
    async with world.running():
        go_on, at_work, accept = asyncio.Event(), [], world.store.accept_message

        async def stalled(message, slots, steps, blobs, quota):
            if message.status != "actual":
                at_work.append(message.id)
                await go_on.wait()
            return await accept(message, slots, steps, blobs, quota)

        monkeypatch.setattr(world.store, "accept_message", stalled)
        sender = Sender(world)
        many = [asyncio.ensure_future(sender.put(sender.made(**ROUTINE))) for _ in range(40)]
        while len(at_work) < 4:  # noqa: ASYNC110 (the hub tells nobody when its places are taken)
            await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            for kind in (ACTUAL, URGENT):
                assert (await sender.send(**kind))[0] == 201
        assert len(at_work) == 4
        go_on.set()
        assert {status for status, _ in await asyncio.gather(*many)} == {201}
