"""A restored database brought up to a desk's snapshot: what is missing comes back, nothing else gets in."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import pytest

from poc.client.sdk import Desk
from poc.core.statement import parse_fingerprint
from poc.errors import RefusedError
from poc.hub.reconcile import reconcile
from tests import registry as made
from tests.desk_world import keyring, registry
from tests.hub_world import World

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
async def lost(tmp_path):
    """(home on yesterday's database, today's snapshot, fingerprint): two entries lie between them."""
    world = World(tmp_path / "hub", registry())
    (tmp_path / "hub").mkdir()
    async with world.running():
        await world.fill()
    shutil.copytree(tmp_path / "hub", tmp_path / "backup")
    async with world.running():
        now = world.hub.log.view.directory
        world.registry.directory, world.registry.now = now, world.now
        for state in ("eg", "om"):
            payload = world.registry.payload("state.enrol", state, made.enrolment(state))
            signed = made.signed(payload, *made.REGISTRARS, f"{state} authority")
            await world.hub.registry.submit(signed)
        key = made.sealing_key("sd.technical 1").public
        assert (await world.ask("PUT", f"/v1/keys/{key.kid}", key.jwk(), who="sd.technical 1"))[0] == 201
        home, fingerprint = tmp_path / "desk", now.fingerprint
        desk = await Desk.join(
            home, world.origin, fingerprint, party="sd.technical", http=world.session, clock=lambda: world.now
        )
        desk.use_keyring(keyring(home, "sd.technical", world.now))
        await desk.sync()
        snapshot = desk.snapshot()
        await desk.close()
    return tmp_path / "backup", snapshot, fingerprint


async def code_of(home, data, fingerprint):
    with pytest.raises(RefusedError) as caught:
        await reconcile(home, data, fingerprint, NOW)
    return caught.value.code


async def test_what_is_missing_comes_back_and_the_hub_goes_on_from_there(lost):
    home, snapshot, fingerprint = lost
    done = await reconcile(home, snapshot, fingerprint, NOW)
    assert (done.after - done.before, done.sealing_keys) == (2, 1)
    world = World(home, registry())
    async with world.running():
        directory = world.hub.log.view.directory
        assert (directory.size, world.hub.log.trouble) == (done.after, None)
        assert {"eg", "om"} <= directory.states.keys()
        assert (await world.ask("GET", "/readyz"))[0] == 200
        world.registry.directory, world.registry.now = directory, world.now
        payload = world.registry.payload("state.enrol", "qa", made.enrolment("qa"))
        await world.hub.registry.submit(made.signed(payload, *made.REGISTRARS, "qa authority"))
        assert world.hub.log.view.directory.size == done.after + 1


async def test_it_may_be_done_twice(lost):
    home, snapshot, fingerprint = lost
    first = await reconcile(home, snapshot, fingerprint, NOW)
    again = await reconcile(home, snapshot, fingerprint, NOW)
    assert (again.before, again.after, again.sealing_keys) == (first.after, first.after, 0)


async def test_an_older_snapshot_and_another_log_are_refused(lost, tmp_path):
    home, snapshot, fingerprint = lost
    world = World(tmp_path / "hub", registry())
    async with world.running():
        world.registry.directory, world.registry.now = world.hub.log.view.directory, world.now
        payload = world.registry.payload("state.enrol", "ye", made.enrolment("ye"))
        await world.hub.registry.submit(made.signed(payload, *made.REGISTRARS, "ye authority"))
    assert await code_of(tmp_path / "hub", snapshot, fingerprint) == "snapshot-is-older"
    other = World(home, registry())
    async with other.running():
        other.registry.directory, other.registry.now = other.hub.log.view.directory, other.now
        payload = other.registry.payload("state.enrol", "ye", made.enrolment("ye"))
        await other.hub.registry.submit(made.signed(payload, *made.REGISTRARS, "ye authority"))
    before = (home / "hub.db").read_bytes()
    assert await code_of(home, snapshot, fingerprint) == "snapshot-contradicts"
    assert (home / "hub.db").read_bytes() == before


async def test_what_is_no_true_snapshot_is_refused_and_changes_nothing(lost, tmp_path):
    home, snapshot, fingerprint = lost
    before = (home / "hub.db").read_bytes()
    wrong = parse_fingerprint("0" * 64)
    assert await code_of(home, snapshot, wrong) == "wrong-fingerprint"
    assert await code_of(home, snapshot[:-9] + b"A" + snapshot[-8:], fingerprint) == "snapshot-damaged"
    value = json.loads(snapshot)
    value["entries"].pop()
    forged = json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    assert await code_of(home, forged, fingerprint) == "snapshot-damaged"
    (tmp_path / "empty").mkdir()
    assert await code_of(tmp_path / "empty", snapshot, fingerprint) == "no-registry"
    assert (home / "hub.db").read_bytes() == before
