"""A witness that checks the rules cosigns only what it has read, held against the root and applied."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from poc.core.statement import make_entry
from poc.errors import FaultError, RefusedError
from poc.witness import follower
from poc.witness.store import Pinned
from poc.witness.witness import Witness
from tests.hub_world import World
from tests.registry import ORIGIN, Registry, enrolment, log_signer, settings, signed, signing_key, usual
from tests.witness_world import COSIGNER, TREE, WitnessWorld, rules_world, submitted

TWO_BUNDLES = 300


@pytest.fixture
def registry():
    return usual()


@pytest.fixture
async def world(tmp_path, registry):
    async with rules_world(tmp_path, registry) as running:
        yield running


def unruly(registry):
    """The registry with an entry that no rule admits: a nomination nobody with authority signed."""
    payload = registry.payload("state.enrol", "eg", enrolment("eg"))
    registry.entries.append(make_entry(signed(payload, "eg authority"), registry.tick()))


async def kept(world):
    return await world.store.leaves(ORIGIN, 0, 1000)


async def test_entries_are_read_with_the_witnesss_own_key_checked_cosigned_and_kept(world, registry):
    assert (await world.code(submitted(registry, 0)))[0] == 200
    assert world.server.signed_by == {COSIGNER.key.kid}
    assert await kept(world) == tuple(registry.leaves)
    assert await world.size(ORIGIN) == len(registry.entries)


async def test_only_new_entries_are_read_and_none_for_a_refresh(world, registry):
    await world.post(submitted(registry, 0, 3))
    registry.enrol("eg")
    world.now, world.server.leaves = registry.now, registry.leaves
    size = len(registry.entries)
    assert (await world.code(submitted(registry, 3)))[0] == 200
    assert (await world.code(submitted(registry, size)))[0] == 200
    assert world.server.asked == ["/tile/entries/000.p/3", f"/tile/entries/000.p/{size}"]
    assert await kept(world) == tuple(registry.leaves)


async def test_after_a_restart_what_was_kept_is_not_read_again(tmp_path, registry):
    async with rules_world(tmp_path, registry) as world:
        await world.post(submitted(registry, 0))
    async with rules_world(tmp_path, registry) as world:
        assert (await world.code(submitted(registry, len(registry.entries))))[0] == 200
        assert world.server.asked == []


async def test_a_log_pinned_after_it_was_cosigned_is_read_from_its_genesis(tmp_path, registry):
    async with WitnessWorld(tmp_path).running() as plain:
        await plain.store.add_log(ORIGIN, [log_signer().verifier()])
        plain.now = registry.now
        assert (await plain.post(submitted(registry, 0, 4)))[0] == 200
    async with rules_world(tmp_path, registry) as world:
        assert (await world.code(submitted(registry, 4)))[0] == 200
        assert await kept(world) == tuple(registry.leaves)


async def test_kept_entries_that_were_damaged_are_read_again(tmp_path, registry):
    async with rules_world(tmp_path, registry) as world:
        await world.post(submitted(registry, 0))
        await world.store._write(lambda db: db.execute("UPDATE entry SET leaf = X'00' WHERE position = 2"))
    async with rules_world(tmp_path, registry) as world:
        assert (await world.code(submitted(registry, len(registry.entries))))[0] == 200
        assert await kept(world) == tuple(registry.leaves)


async def test_kept_entries_of_another_log_are_read_again(tmp_path, registry):
    other = usual()
    async with rules_world(tmp_path, registry) as world:
        await world.post(submitted(registry, 0, 5))
        other.enrol("eg")
        leaf = other.leaves[-1]
        await world.store._write(
            lambda db: db.execute("UPDATE entry SET leaf = ? WHERE position = 4", (leaf,))
        )
    async with rules_world(tmp_path, registry) as world:
        assert (await world.code(submitted(registry, 5, 5)))[0] == 200
        assert await kept(world) == tuple(registry.leaves[:5])


async def test_an_entry_that_breaks_the_rules_is_never_cosigned(world, registry):
    good = len(registry.entries)
    assert (await world.post(submitted(registry, 0)))[0] == 200
    unruly(registry)
    world.now, world.server.leaves = registry.now, registry.leaves
    for _ in range(2):
        assert await world.code(submitted(registry, good)) == (403, "rules-broken")
    assert (await world.size(ORIGIN), len(await kept(world))) == (good, good)
    [conflict] = await world.store.conflicts()
    assert (conflict.kind, conflict.shown) == ("rules-broken", registry.checkpoint())
    assert (await world.code(submitted(registry, good, good)))[0] == 200


async def test_bytes_that_are_no_entry_are_never_cosigned(tmp_path, registry):
    registry.entries[3] = type(registry.entries[3])(b"{}", registry.now, registry.entries[3].signed)
    async with rules_world(tmp_path, registry) as world:
        assert await world.code(submitted(registry, 0)) == (403, "rules-broken")


async def test_entries_that_are_not_those_of_the_checkpoint_are_not_taken_for_them(tmp_path, registry):
    other = usual()
    other.enrol("eg")
    registry.enrol("dz")
    async with rules_world(tmp_path, registry, leaves=other.leaves) as world:
        assert await world.code(submitted(registry, 0)) == (403, "entries-not-of-root")
        assert await kept(world) == ()
        world.server.leaves = registry.leaves
        assert (await world.code(submitted(registry, 0)))[0] == 200


async def test_another_genesis_than_the_one_pinned_is_refused(tmp_path, registry):
    async with rules_world(tmp_path, registry, fingerprint="0" * 64) as world:
        assert await world.code(submitted(registry, 0)) == (403, "another-genesis")
        assert await world.size(ORIGIN) == 0


async def test_a_newest_entry_ahead_of_the_witnesss_clock_is_refused_until_the_clock_is_there(
    world, registry
):
    world.now = registry.now - timedelta(minutes=5, seconds=1)
    assert await world.code(submitted(registry, 0)) == (403, "logged-ahead")
    assert await world.size(ORIGIN) == 0
    world.now += timedelta(seconds=1)
    assert (await world.code(submitted(registry, 0)))[0] == 200


async def test_a_form_the_witness_does_not_know_asks_for_an_update_of_the_witness(tmp_path, registry):
    payload = registry.payload("state.enrol", "eg", enrolment("eg")).replace(b'"v":1', b'"v":2')
    registry.entries.append(make_entry(signed(payload, "eg authority"), registry.tick()))
    async with rules_world(tmp_path, registry) as world:
        assert await world.code(submitted(registry, 0)) == (503, "rules-unknown")


@pytest.mark.parametrize("answer", [404, 401, 500, 302, b"", b"\x00\x05abc", b"\xff" * 70_000])
async def test_a_hub_that_serves_no_entries_gets_no_cosignature_and_can_be_asked_again(
    world, registry, answer
):
    world.server.answer = answer
    assert await world.code(submitted(registry, 0)) == (503, "entries-unread")
    world.server.answer = None
    assert (await world.code(submitted(registry, 0)))[0] == 200


async def test_a_hub_that_is_not_there_gets_no_cosignature(tmp_path, registry):
    world = WitnessWorld(tmp_path)
    world.pinned[ORIGIN] = Pinned("http://127.0.0.1:9", registry.directory.fingerprint)
    async with world.running():
        world.now = registry.now
        assert await world.code(submitted(registry, 0)) == (503, "entries-unread")


async def test_a_slow_hub_delays_no_other_log_and_is_given_up(world, registry, monkeypatch):
    monkeypatch.setattr(follower, "WATCHED_SECONDS_MAX", 0.4)
    world.server.gate.clear()
    began = time.monotonic()
    waiting = [asyncio.ensure_future(world.code(submitted(registry, 0))) for _ in range(3)]
    await world.server.begun.wait()
    assert (await world.post(TREE.body(0, 5)))[0] == 200
    assert not any(one.done() for one in waiting)
    assert {await one for one in waiting} == {(503, "entries-unread")}
    assert time.monotonic() - began < 3
    world.server.gate.set()
    assert (await world.code(submitted(registry, 0)))[0] == 200


def long_log():
    registry = usual()
    while len(registry.entries) < TWO_BUNDLES:
        entry = {"entry": registry.newest("jo.technical").leaf_hash}
        registry.submit("contact.confirm", "jo.technical", entry, "jo authority")
    return registry


@pytest.fixture(scope="module")
def long_registry():
    return long_log()


async def test_what_one_submission_had_no_time_for_the_next_goes_on_with(
    tmp_path, long_registry, monkeypatch
):
    monkeypatch.setattr(follower, "WATCHED_SECONDS_MAX", 0.5)
    async with rules_world(tmp_path, long_registry) as world:
        world.server.held = "001"
        world.server.gate.clear()
        assert await world.code(submitted(long_registry, 0)) == (503, "entries-unread")
        world.server.gate.set()
        monkeypatch.setattr(follower, "WATCHED_SECONDS_MAX", 20)
        assert (await world.code(submitted(long_registry, 0)))[0] == 200
        assert world.server.asked.count("/tile/entries/000") == 1
        assert await kept(world) == tuple(long_registry.leaves)


async def test_a_smaller_checkpoint_takes_its_part_of_what_was_read_ahead(tmp_path, long_registry):
    async with rules_world(tmp_path, long_registry) as world:
        world.now = long_registry.now - timedelta(hours=1)
        assert (await world.code(submitted(long_registry, 0)))[1] == "logged-ahead"
        world.now = long_registry.now
        assert (await world.code(submitted(long_registry, 0, 280)))[0] == 200
        assert (await world.code(submitted(long_registry, 280)))[0] == 200
        assert world.server.asked == ["/tile/entries/000", "/tile/entries/001.p/44"]
        assert await kept(world) == tuple(long_registry.leaves)


async def test_entries_of_too_many_bytes_are_not_read(world, registry, monkeypatch):
    monkeypatch.setattr(follower, "ENTRIES_BYTES_MAX", 500)
    assert await world.code(submitted(registry, 0)) == (503, "entries-unread")
    monkeypatch.undo()
    assert (await world.code(submitted(registry, 0)))[0] == 200


async def test_of_50_posts_at_once_one_wins_for_each_size_here_too(world, registry):
    steps = range(1, len(registry.entries) + 1)
    answers = await asyncio.gather(*(world.post(submitted(registry, 0, n)) for n in [*steps] * 5))
    assert [answer[0] for answer in answers].count(200) == 1
    assert {answer[0] for answer in answers} == {200, 409}
    assert len(await kept(world)) == await world.size(ORIGIN)


async def test_a_key_that_came_by_a_policy_signs_and_one_that_ended_no_longer(world, registry):
    await world.post(submitted(registry, 0))
    changed = settings(log_keys=[log_signer("log 2").vkey()])
    registry.submit("registry.policy", ORIGIN, changed, *("x-las.registrar-1", "x-arcc.registrar-1"))
    covered = len(registry.entries)
    world.now, world.server.leaves = registry.now, registry.leaves
    assert (await world.code(submitted(registry, covered - 1)))[0] == 200
    registry.submit("registry.attest", ORIGIN, registry.attest_body(), "hub")
    world.now, world.server.leaves = registry.now, registry.leaves
    assert await world.code(submitted(registry, covered)) == (403, "not-by-the-log")
    assert (await world.code(submitted(registry, covered, by="log 2")))[0] == 200
    registry.entries[-1] = registry.entries[0]
    size = len(registry.entries)
    assert await world.code(submitted(registry, size)) == (403, "not-by-the-log")
    assert await world.store.conflicts() == ()
    assert await world.code(submitted(registry, size, by="log 2")) == (422, "two-roots")


async def test_a_pinned_log_is_never_cosigned_unchecked(world, registry):
    unloaded = Witness(world.store, COSIGNER, lambda: world.now)
    with pytest.raises(RefusedError) as refused:
        await unloaded.add_checkpoint(submitted(registry, 0))
    assert refused.value.code == "rules-not-checked"
    with pytest.raises(FaultError):
        await unloaded.load()
    assert await world.size(ORIGIN) == 0


async def test_a_real_hub_is_followed(tmp_path):
    registry = Registry(entries_access="public")
    registry.enrol("jo")
    hub = World(tmp_path / "hub", registry)
    (tmp_path / "hub").mkdir()
    (tmp_path / "witness").mkdir()
    async with hub.running():
        await hub.fill()
        world = WitnessWorld(tmp_path / "witness")
        world.pinned[ORIGIN] = Pinned(hub.origin, registry.directory.fingerprint)
        async with world.running():
            world.now = hub.now
            note = hub.hub.log.view.checkpoint
            assert (await world.code(b"old 0\n\n" + note))[0] == 200
            assert len(await kept(world)) == 2


async def test_a_log_is_pinned_to_one_genesis(world):
    with pytest.raises(RefusedError) as refused:
        await world.store.add_log(ORIGIN, [], Pinned("http://127.0.0.1:1", "1" * 64))
    assert refused.value.code == "wrong-fingerprint"
    kept_log = await world.store.log(ORIGIN)
    assert kept_log.pinned.hub == world.server.address


def test_the_witness_asks_with_the_key_whose_thumbprint_is_its_kid():
    assert COSIGNER.key.kid == signing_key("jo witness").kid
