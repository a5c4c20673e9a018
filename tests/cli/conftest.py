"""Homes for tests of commands: ``homes`` beside a running hub, ``kept`` as copies whose hub is gone."""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from poc.client.sdk import Desk
from poc.core.strictjson import domain_hash
from poc.keyring import Keyring
from tests import registry as made
from tests.cli_world import CONTACTS, LiveWorld, live_registry, make_home, poc, publish
from tests.desk_world import CONTROLLER, PASSPHRASE


@pytest.fixture
def begun_lately(monkeypatch):
    """The made-up registry begins an hour ago, so that a hub by the real clock goes on with it."""
    monkeypatch.setattr(made, "START", datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1))


async def synced_homes(world, folder):
    made_up = {}
    for party in (*CONTACTS, CONTROLLER):
        made_up[party.split(".")[0]] = home = await make_home(world, folder / party, party)
        outcome = await poc("sync", "--json", home=home)
        assert outcome.code == 0, outcome
    return made_up


@pytest.fixture
async def live(tmp_path, begun_lately):
    world = LiveWorld(tmp_path / "hub", live_registry())
    (tmp_path / "hub").mkdir()
    async with world.running():
        await world.fill()
        await publish(world)
        yield world


@pytest.fixture
async def homes(live, tmp_path):
    return await synced_homes(live, tmp_path)


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """Four homes with a message and a ping among them; made once, then their hub is stopped."""
    folder = tmp_path_factory.mktemp("template")

    async def make():
        world = LiveWorld(folder / "hub", live_registry())
        (folder / "hub").mkdir()
        async with world.running():
            await world.fill()
            await publish(world)
            homes = await synced_homes(world, folder)
            await exchange(homes, folder)
        return homes

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as thread:
        patch.setattr(made, "START", datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1))
        return thread.submit(asyncio.run, make()).result()


async def exchange(homes, folder):
    """A test message with an attachment from Jordan to Sudan, and an exercise with one ping each."""
    (folder / "advisory.json").write_text('{"title": "advisory"}')
    steps = (
        ("x-arcc", "exercise", "open", "--id", "ex-kept", "--title", "en=Kept", "--participants", "all",
         "--for", "2h"),
        ("x-arcc", "exercise", "ping", "ex-kept", "--within", "1h"),
        ("jo", "message", "send", "--to", "sd.technical", "--subject", "A kept notice",
         "--text", "Line one\nLine two", "--status", "test", "--attach", folder / "advisory.json",
         "--field", "sector=energy", "--respond-within", "1h", "--our-reference", "JO/1"),
        ("sd", "sync"), ("jo", "sync"), ("x-arcc", "sync"),
    )  # fmt: skip
    for state, *words in steps:
        outcome = await poc(*words, home=homes[state])
        assert outcome.code == 0, outcome


@pytest.fixture
def kept(template, tmp_path):
    """Copies of the template's homes: nothing answers at their hub's address any more."""
    return {state: shutil.copytree(home, tmp_path / "kept" / state) for state, home in template.items()}


@pytest.fixture
async def office(live, tmp_path):
    """Makes the home of a party that has one key of a role."""

    async def make(party, role, label):
        home = tmp_path / label
        pin = live.registry.directory.fingerprint
        desk = await Desk.join(home, live.origin, pin, party=party, http=live.session)
        await desk.close()
        keys = Keyring.create(home, PASSPHRASE)
        keys.add_signing(role, party, live.now, lambda _: domain_hash("poc/1 test key", label.encode()))
        keys.save()
        (home / "passphrase").write_text(PASSPHRASE + "\n")
        (home / "passphrase").chmod(0o600)
        return home

    return make
