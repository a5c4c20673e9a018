"""R22: slow and half-open connections end at their deadline, and however many there are, others get in."""

from __future__ import annotations

import asyncio
import resource

import pytest

from poc.errors import RefusedError
from poc.hub.buckets import Rate
from poc.limits import CONNECTIONS_MAX, DESCRIPTORS_KEPT
from poc.serving.addresses import Proxies
from poc.serving.connection import Deadlines
from poc.serving.crowd import BUSY, Crowd
from poc.serving.process import connections_max
from poc.web.rates import RATES, Rates
from tests.dribble import KINDS, Dribblers, honest, silent_reader
from tests.hub_world import World
from tests.registry import usual

MUCH = dict.fromkeys(RATES, Rate(10**6, 10**6))


class Member:
    def __init__(self, name, counts, since):
        self.name, self.standing, self.reason = name, (counts, since), None

    def cut(self, reason):
        self.reason = reason

    def __repr__(self):
        return self.name


def crowded(most=9, most_of_address=3, **named):
    told: list[str] = []
    return Crowd(most=most, most_of_address=most_of_address, told=told.append, **named), told


def test_the_one_that_matters_least_makes_room_and_of_these_the_oldest():
    crowd, _ = crowded(most_of_address=4)
    members = [Member("proved", 2, 1), Member("idle", 1, 2), Member("old", 0, 3), Member("new", 0, 4)]
    assert all(crowd.join(member, "192.0.2.1") for member in members)
    for expected in ("old", "new", "idle", "proved"):
        assert crowd.join(Member("busy", BUSY, 0), "192.0.2.1")
        assert [member.name for member in members if member.reason] == [expected]
        members = [member for member in members if not member.reason]
    assert not crowd.join(Member("late", BUSY, 0), "192.0.2.1")
    assert len(crowd) == 4


def test_whose_request_is_worked_on_is_never_cut():
    crowd, _ = crowded()
    busy = [Member(f"busy {n}", BUSY, n) for n in range(3)]
    assert all(crowd.join(member, "192.0.2.1") for member in busy)
    assert not crowd.join(Member("one more", 0, 9), "192.0.2.1")
    assert all(member.reason is None for member in busy)
    crowd.leave(busy[0])
    assert crowd.join(Member("one more", 0, 9), "192.0.2.1")


def test_one_address_makes_room_for_itself_only():
    crowd, _ = crowded()
    other = Member("other", 0, 0)
    crowd.join(other, "192.0.2.2")
    for n in range(20):
        assert crowd.join(Member(f"{n}", 0, n), "192.0.2.1")
    assert other.reason is None
    assert len(crowd) == 4
    for n in range(20):
        crowd.join(Member(f"{n}", 0, n), f"2001:db8::{n:x}")
    assert len(crowd) == 7


def test_when_all_places_are_taken_the_address_with_the_most_gives_one():
    crowd, _ = crowded(most=5, most_of_address=4)
    many = [Member(f"{n}", 2, n) for n in range(4)]
    for member in many:
        crowd.join(member, "192.0.2.1")
    few = Member("few", 0, 0)
    crowd.join(few, "192.0.2.2")
    assert crowd.join(Member("third", 0, 9), "192.0.2.3")
    assert [member.reason for member in (*many, few)] == ["crowded", None, None, None, None]


def test_a_trusted_proxy_has_no_bound_of_its_own():
    crowd, _ = crowded(proxies=Proxies.of(["10.0.0.0/8"]))
    assert all(crowd.join(Member(f"{n}", BUSY, n), "10.0.0.1") for n in range(9))
    assert not crowd.join(Member("tenth", 0, 0), "10.0.0.1")


def test_who_never_joined_or_left_before_changes_nothing():
    crowd, _ = crowded()
    member = Member("m", 0, 0)
    crowd.leave(member)
    crowd.join(member, "")
    crowd.leave(member)
    crowd.leave(member)
    assert len(crowd) == 0


# --- over sockets ------------------------------------------------------------------------------


@pytest.fixture
async def world(tmp_path):
    made = World(tmp_path, usual())
    made.deadlines = Deadlines(header=0.8, body=0.8, idle=0.8, answer=0.8)
    made.rates = lambda metrics: Rates(metrics, lambda: 0.0, MUCH)
    made.ended = []
    made.crowd = Crowd(most=100, most_of_address=20, told=made.ended.append)
    async with made.running() as running:
        yield running


def port_of(world):
    return int(world.origin.rsplit(":", 1)[1])


async def test_each_kind_of_slow_client_is_closed_at_its_deadline(world):
    slow = Dribblers("127.0.0.1", port_of(world), 2 * len(KINDS), again=False, drip_seconds=0.1)
    assert await slow.finished(8) == 0
    assert max(slow.longest.values()) < 3
    assert len(world.crowd) == 0
    assert set(world.ended) == {"header", "idle"}  # a body is answered 408 and closed with it


async def test_ten_times_as_many_slow_clients_as_an_address_may_have_let_an_honest_one_in_from_it(world):
    slow = Dribblers("127.0.0.1", port_of(world), 200, drip_seconds=0.1)
    crowd = []
    try:
        await asyncio.sleep(0.3)
        for _ in range(20):
            await honest(world.origin, 1, path="/healthz")
            crowd.append(len(world.crowd))
    finally:
        await slow.stop()
    assert max(crowd) <= 20 + 1
    assert slow.opened > 100
    assert "crowded" in world.ended


async def test_slow_clients_of_many_addresses_fill_every_place_and_still_others_get_in(world):
    slow = Dribblers("127.0.0.1", port_of(world), 200, addresses=20, drip_seconds=0.1)
    crowd = []
    try:
        await asyncio.sleep(0.3)
        for _ in range(20):
            await honest(world.origin, 1, path="/healthz")
            crowd.append(len(world.crowd))
    finally:
        await slow.stop()
    assert 21 < max(crowd) <= 100


async def test_a_client_that_reads_nothing_of_its_answers_is_closed(world):
    made = silent_reader(port_of(world), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2000)
    try:
        async with asyncio.timeout(10):
            while "answer" not in world.ended:  # noqa: ASYNC110 (nothing else tells)
                await asyncio.sleep(0.05)
            while len(world.crowd):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        made.close()


async def test_a_request_that_is_worked_on_outlives_a_crowd(world, monkeypatch):
    async def slow(*_given):
        await asyncio.sleep(1.2)
        return ()

    monkeypatch.setattr(world.hub.store, "read_proposals", slow)
    await world.fill()
    asked = asyncio.ensure_future(world.ask("GET", "/v1/proposals", who="x-las.registrar-1"))
    await asyncio.sleep(0.1)
    many = Dribblers("127.0.0.1", port_of(world), 60, drip_seconds=0.1)
    try:
        assert (await asked)[0] == 200
    finally:
        await many.stop()


def test_a_process_that_may_open_few_files_holds_fewer_connections_or_does_not_start(monkeypatch):
    taken = []
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, pair: taken.append(pair))
    for limit, expected in (((64, 100_000), CONNECTIONS_MAX), ((1024, 1024), 1024 - DESCRIPTORS_KEPT)):
        monkeypatch.setattr(resource, "getrlimit", lambda _kind, pair=limit: pair)
        assert connections_max() == expected
    assert taken[0] == (CONNECTIONS_MAX + DESCRIPTORS_KEPT, 100_000)
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (100, 100))
    with pytest.raises(RefusedError) as caught:
        connections_max()
    assert caught.value.code == "too-few-descriptors"
