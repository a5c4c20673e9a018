"""A running hub with two desks and a controller, for every test of the client that asks for them."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from poc.client.sdk import Desk
from poc.core.strictjson import canonical
from tests import registry as made
from tests.desk_world import CONTROLLER, SIDES, Between, keyring, registry
from tests.hub_world import World


@pytest.fixture
def parties():
    """Whose desks there are; a test with others says so."""
    return (*SIDES, CONTROLLER)


@pytest.fixture
def made_registry():
    return registry()


@pytest.fixture
async def world(tmp_path, parties, made_registry):
    served = World(tmp_path / "hub", made_registry)
    (tmp_path / "hub").mkdir()
    async with served.running():
        await served.fill()
        for party in parties:
            key = made.sealing_key(f"{party} 1").public
            who = f"{party} 1"
            status, _ = await served.ask("PUT", f"/v1/keys/{key.kid}", canonical(key.jwk()), who=who)
            assert status in (200, 201)
        yield served


@pytest.fixture
async def desks(world, tmp_path, parties):
    async with AsyncExitStack() as stack:
        opened = []
        for party in parties:
            home = tmp_path / party
            desk = await Desk.join(
                home, world.origin, world.registry.directory.fingerprint, party=party,
                http=world.session, clock=lambda: world.now,
            )  # fmt: skip
            desk.use_keyring(keyring(home, party, world.now))
            stack.push_async_callback(desk.close)
            await desk.sync()
            opened.append(desk)
        yield opened


@pytest.fixture
async def between(world, desks):
    async with Between(world).running(*desks) as hub:
        yield hub
