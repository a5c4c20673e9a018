"""Rates: who asks too much is told when to come again, before anything costly, and pays for nobody else."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest
from multidict import CIMultiDict

from poc.hub.buckets import Rate
from poc.hub.metrics import Metrics
from poc.serving.addresses import FORWARDED, Proxies
from poc.web.rates import RATES, Rates
from poc.web.routes import ROUTES
from tests.hub_messages import seal
from tests.hub_world import World
from tests.registry import usual

CONTACT, OTHER = "jo.technical 1", "sd.technical 1"
LITTLE = {**dict.fromkeys(RATES, Rate(3, 0.01)), "unproved": Rate(2, 0.01)}


@pytest.fixture(scope="module")
def registry():
    return usual()


@pytest.fixture
async def world(tmp_path, registry):
    made = World(tmp_path, registry)
    clock = SimpleNamespace(now=0.0)
    made.rates = lambda metrics: Rates(metrics, lambda: clock.now, LITTLE)
    made.proxies = Proxies.of(["127.0.0.0/8"])
    async with made.running() as running:
        await running.fill()
        running.clock = clock
        yield running


async def ask(world, path, *, by="192.0.2.1", **how):
    headers = {FORWARDED: by, **how.pop("headers", {})}
    return await world.ask("GET", path, headers=headers, **how)


async def until_refused(call, most=10):
    for taken in range(most):
        status, found = await call()
        if status == 429:
            return taken, found
    return most, None


async def test_an_address_that_asks_too_much_unsigned_is_told_when_to_come_again(world):
    taken, found = await until_refused(lambda: ask(world, "/checkpoint"))
    assert (taken, found["code"]) == (3, "rate-limited")
    assert found["retry_after_seconds"] == int(world.seen["Retry-After"]) == 100
    assert found["time"].endswith("Z")
    assert found["next"]
    world.clock.now += 99
    assert (await ask(world, "/checkpoint"))[0] == 429
    world.clock.now += 1
    assert (await ask(world, "/checkpoint"))[0] == 200


async def test_one_stranger_takes_nothing_from_another_nor_from_a_party_at_the_same_address(world):
    await until_refused(lambda: ask(world, "/checkpoint"))
    assert (await ask(world, "/checkpoint", by="192.0.2.2"))[0] == 200
    assert (await ask(world, "/v1/keys", who=CONTACT))[0] == 200
    assert (await ask(world, "/checkpoint", by="2001:db8:0:1::5"))[0] == 200


async def test_whoever_has_a_whole_network_of_ipv6_is_one(world):
    hosts = iter(range(1, 100))
    taken, _ = await until_refused(lambda: ask(world, "/checkpoint", by=f"2001:db8:0:1::{next(hosts):x}"))
    assert taken == 3
    assert (await ask(world, "/checkpoint", by="2001:db8:0:2::1"))[0] == 200


async def test_a_key_pays_by_kind_and_for_itself_alone(world):
    taken, found = await until_refused(lambda: ask(world, "/v1/keys", who=CONTACT))
    assert (taken, found["code"]) == (3, "rate-limited")
    assert (await ask(world, "/v1/keys", who=OTHER))[0] == 200
    sealed = seal(world.hub.log.view.head, world.now)
    path = f"/v1/messages/{sealed.message.id}"
    assert (await world.ask("PUT", path, sealed.envelope_bytes, who=CONTACT))[0] == 201


async def test_a_key_that_has_nothing_left_is_refused_before_its_body_is_read_or_its_signature_is(world):
    await until_refused(lambda: ask(world, "/v1/keys", who=CONTACT))
    headers = world.headers("GET", "/v1/keys", who=CONTACT)
    broken = {**headers, "Signature": "poc=:" + "A" * 86 + "==:"}
    assert (await ask(world, "/v1/keys", headers=broken))[1]["code"] == "rate-limited"


async def test_a_stranger_that_names_anothers_key_costs_that_key_nothing_and_pays_itself(world):
    async def forged(by):
        headers = world.headers("GET", "/v1/keys", who=CONTACT)
        return await ask(
            world, "/v1/keys", by=by, headers={**headers, "Signature": "poc=:" + "A" * 86 + "==:"}
        )

    taken, found = await until_refused(lambda: forged("192.0.2.9"))
    assert (taken, found["code"]) == (2, "rate-limited")
    for n in range(20):
        assert (await forged(f"192.0.2.{n + 20}"))[0] == 401
    for _ in range(3):
        assert (await ask(world, "/v1/keys", who=CONTACT))[0] == 200


async def test_signed_requests_cost_their_address_nothing_once_proved(world):
    for who in (CONTACT, OTHER):
        for _ in range(3):
            assert (await ask(world, "/v1/keys", who=who))[0] == 200


async def test_statements_are_refused_by_address_before_any_signature_is_looked_at(world, monkeypatch):
    looked: list[object] = []
    monkeypatch.setattr(world.hub.registry, "submit", looked.append)
    statement = world.registry.entries[1].signed.value()

    async def submit():
        return await world.ask("POST", "/v1/statements", statement, headers={FORWARDED: "192.0.2.1"})

    taken, found = await until_refused(submit)
    assert (taken, found["code"], len(looked)) == (3, "rate-limited", 3)
    taken, _ = await until_refused(lambda: ask(world, "/healthz"))
    assert taken == 3


async def test_a_reply_that_comes_at_once_from_many_is_refused_and_none_is_a_fault(world):
    found = await asyncio.gather(*(ask(world, "/checkpoint") for _ in range(40)))
    assert sorted(status for status, _ in found) == [200] * 3 + [429] * 37


# --- whose address it is -----------------------------------------------------------------------

PROXIES = Proxies.of(["127.0.0.1", "10.0.0.0/8", "2001:db8:9::/48"])


def client(peer, *values, proxies=PROXIES):
    headers = CIMultiDict([(FORWARDED, value) for value in values])
    return proxies.client(peer, headers)


def test_nobodys_word_about_an_address_counts_unless_the_operator_said_so():
    assert client("127.0.0.1", "192.0.2.1", proxies=Proxies()) == "127.0.0.1"
    assert client("192.0.2.7", "10.0.0.1") == "192.0.2.7"


@pytest.mark.parametrize(
    ("peer", "values", "expected"),
    [
        ("127.0.0.1", (), "127.0.0.1"),
        ("127.0.0.1", ("192.0.2.1",), "192.0.2.1"),
        ("::ffff:127.0.0.1", ("192.0.2.1",), "192.0.2.1"),
        ("10.9.9.9", ("::ffff:192.0.2.1",), "192.0.2.1"),
        ("2001:db8:9::1", ("2001:db8:1:2:3::4",), "2001:db8:1:2::/64"),
        # Only the last hop is the proxy's own word: the client wrote what stands before it.
        ("127.0.0.1", ("198.51.100.1, 192.0.2.1",), "192.0.2.1"),
        ("127.0.0.1", ("198.51.100.1", "192.0.2.1"), "192.0.2.1"),
        ("127.0.0.1", ("192.0.2.1, ",), "127.0.0.1"),
        ("127.0.0.1", ("unknown",), "127.0.0.1"),
        ("127.0.0.1", ("192.0.2.1:80",), "127.0.0.1"),
        ("127.0.0.1", ("a" * 5000,), "127.0.0.1"),
        ("fe80::1%eth0", ("192.0.2.1",), "fe80::/64"),
        ("", ("192.0.2.1",), ""),
    ],
)
def test_behind_a_trusted_proxy_the_last_hop_counts_and_nothing_else(peer, values, expected):
    assert client(peer, *values) == expected


async def test_an_address_made_up_in_a_header_opens_no_other_bucket(tmp_path, registry):
    made = World(tmp_path, registry)
    made.rates = lambda metrics: Rates(metrics, lambda: 0.0, LITTLE)
    async with made.running() as world:
        addresses = iter(range(1, 250))
        taken, found = await until_refused(lambda: ask(world, "/healthz", by=f"192.0.2.{next(addresses)}"))
        assert (taken, found["code"]) == (3, "rate-limited")


# --- the table ---------------------------------------------------------------------------------


def test_every_route_has_a_rate_and_only_unsigned_ones_are_paid_by_address():
    for route in ROUTES:
        assert route.kind in RATES
        assert (route.kind in {"unsigned", "submit"}) == (not route.roles), route.path
        if route.method != "GET" and route.roles:
            assert route.kind in {"statements", "messages", "blobs"}, route.path


def test_a_refusal_is_counted_by_its_kind_and_names_nobody():
    metrics = Metrics()
    rates = Rates(metrics, lambda: 0.0, LITTLE)
    for _ in range(3):
        rates.take("reading", "kid")
    for call in (rates.take, rates.check):
        with pytest.raises(Exception, match="rate-limited"):
            call("reading", "kid")
    text = metrics.text().decode()
    assert 'poc_refused_for_now_total{code="rate-limited",kind="reading"} 2.0' in text
    assert "kid" not in text


async def test_the_operator_is_told_once_that_a_proxy_is_not_trusted(tmp_path, registry, capfd):
    async with World(tmp_path, registry).running() as world:
        for _ in range(3):
            await ask(world, "/healthz")
    lines = [line for line in capfd.readouterr().err.splitlines() if "proxy-not-trusted" in line]
    assert len(lines) <= 1
    for line in lines:
        assert "192.0.2" not in json.loads(line)["next"]
