"""A desk's home: two at once, damage, newer files, permissions, and what works without a hub."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
import time
from typing import Any

import pytest

from poc.client import home as homes
from poc.client.home import locked
from poc.client.lookup import Query
from poc.client.sdk import Desk
from poc.client.trust_schema import SCHEMA_VERSION
from poc.errors import RefusedError, UnreachableError
from poc.keyring import KEYRING_NAME, Keyring
from tests.desk_world import PASSPHRASE, draft


async def reopened(desk, world, passphrase=None):
    return await Desk.open(desk.home, passphrase, http=world.session, clock=lambda: world.now)


async def test_a_second_writer_waits_for_the_first(desks, world):
    jo = desks[0]
    async with await reopened(jo, world) as second:
        async with locked(jo.home):
            waiting = asyncio.create_task(second.sync())
            await asyncio.sleep(0.2)
            assert not waiting.done()
        assert (await waiting).size == jo.directory.size


async def test_a_second_writer_gives_up_after_its_wait_and_says_who_holds_the_home(desks, world, monkeypatch):
    jo = desks[0]
    assert homes.LOCK_SECONDS_MAX == 5
    monkeypatch.setattr(homes, "LOCK_SECONDS_MAX", 0.2)
    async with locked(jo.home):
        with pytest.raises(RefusedError) as refused:
            await jo.sync()
    assert refused.value.code == "home-in-use"
    assert (await jo.sync()).failed == []


async def test_reading_needs_no_lock_not_even_while_another_writes(desks, world):
    jo = desks[0]
    other = sqlite3.connect(jo.home / "trust.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with locked(jo.home):
        started = time.monotonic()
        async with await reopened(jo, world) as reader:
            assert reader.lookup(Query()).contacts
            assert reader.inbox() == []
            assert reader.outbox() == []
            reader.warnings()
        assert time.monotonic() - started < 2
    other.execute("ROLLBACK")
    other.close()


async def test_a_desk_that_is_behind_its_own_file_goes_on_from_the_file(desks, world):
    jo = desks[0]
    async with await reopened(jo, world, None) as behind:
        world.registry.enrol("eg")
        await world.fill()
        await jo.sync()
        behind.use_keyring(jo.keys)
        report = await behind.sync()
        assert (report.entries, report.size) == (0, jo.directory.size)
        assert behind.directory.size == jo.directory.size
        assert len(behind.known.trust.leaves()) == behind.directory.size


async def test_a_newer_file_is_refused_and_left_alone(desks, world):
    jo = desks[0]
    await jo.close()
    path = jo.home / "trust.db"
    file = sqlite3.connect(path)
    file.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    file.commit()
    file.close()
    before = path.read_bytes()
    with pytest.raises(RefusedError) as refused:
        await reopened(jo, world)
    assert refused.value.code == "database-newer"
    assert path.read_bytes() == before


async def test_a_file_of_another_program_is_refused_and_left_alone(desks, world):
    jo = desks[0]
    await jo.close()
    path = jo.home / "trust.db"
    path.unlink()
    file = sqlite3.connect(path)
    file.execute("CREATE TABLE notes (text)")
    file.commit()
    file.close()
    with pytest.raises(RefusedError) as refused:
        await reopened(jo, world)
    assert refused.value.code == "database-foreign"


@pytest.mark.parametrize("damage", ["not a database", "zeroed pages", "cut"])
async def test_a_damaged_file_is_told_as_such(desks, world, damage):
    jo = desks[0]
    await jo.close()
    path = jo.home / "trust.db"
    data = bytearray(path.read_bytes())
    if damage == "not a database":
        data = bytearray(b"these are my notes\n" * 2000)
    elif damage == "zeroed pages":
        data[4096:] = b"\xff" * (len(data) - 4096)
    else:
        data = data[:5000]
    path.write_bytes(data)
    with pytest.raises((RefusedError, UnreachableError)) as refused:
        await reopened(jo, world)
    assert refused.value.code == "home-damaged"


async def test_a_leaf_that_was_altered_on_the_disk_is_refused_at_opening(desks, world):
    jo = desks[0]
    leaf = jo.known.trust.leaves()[1]
    altered = leaf.replace(b'Z"', b'Y"', 1)
    assert altered != leaf
    jo.known.trust._write("UPDATE entry SET leaf = ? WHERE number = 1", (altered,))
    with pytest.raises(RefusedError):
        await reopened(jo, world)


async def test_entries_that_do_not_give_the_kept_head_are_refused_at_opening(desks, world):
    jo = desks[0]
    jo.known.trust._write("DELETE FROM entry WHERE number = ?", (jo.directory.size - 1,))
    with pytest.raises(RefusedError) as refused:
        await reopened(jo, world)
    assert refused.value.code == "home-damaged"


async def test_everything_in_a_home_is_its_owners_only_and_a_home_open_to_others_is_told(desks, world):
    jo = desks[0]
    jo.keys.save()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in jo.home.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert stat.S_IMODE(jo.home.stat().st_mode) == 0o700
    assert not any("others can read" in warning for warning in jo.warnings())
    (jo.home / "trust.db").chmod(0o644)
    assert any("others can read trust.db" in warning for warning in jo.warnings())


async def test_a_wrong_passphrase_and_a_damaged_keyring_are_told_apart(desks, world):
    jo = desks[0]
    jo.keys.save()
    with pytest.raises(RefusedError) as refused:
        await reopened(jo, world, "not the passphrase")
    assert refused.value.code == "wrong-passphrase"
    (jo.home / KEYRING_NAME).write_bytes(b"{}")
    with pytest.raises(RefusedError) as refused:
        await reopened(jo, world, PASSPHRASE)
    assert refused.value.code == "bad-keyring"


async def test_unlocking_does_not_hold_up_the_loop(desks, world, monkeypatch):
    jo = desks[0]
    jo.keys.save()
    unlock, ticks = Keyring.unlock, []

    def slow(home, passphrase):
        time.sleep(0.3)
        return unlock(home, passphrase)

    monkeypatch.setattr(Keyring, "unlock", slow)
    opening = asyncio.create_task(reopened(jo, world, PASSPHRASE))
    while not opening.done():
        ticks.append(1)
        await asyncio.sleep(0.01)
    await (await opening).close()
    assert len(ticks) > 10


async def test_a_keyring_given_to_a_desk_signs_its_next_request(desks, world):
    jo = desks[0]
    async with await reopened(jo, world) as locked_desk:
        assert not locked_desk.hub.keys
        locked_desk.use_keyring(jo.keys)
        assert locked_desk.hub.keys


async def test_a_join_that_was_interrupted_can_be_done_again(desks, world, tmp_path):
    jo = desks[0]
    home = tmp_path / "again"
    fingerprint = jo.directory.fingerprint
    async with await Desk.join(home, world.origin, fingerprint, party="jo", http=world.session):
        pass
    (home / "trust.db").replace(home / "trust.db.part")  # as if the power had gone just before the end
    async with await Desk.join(home, world.origin, fingerprint, party="jo", http=world.session) as desk:
        assert desk.directory.size == 1
    with pytest.raises(RefusedError) as refused:
        await Desk.join(home, world.origin, fingerprint, party="jo", http=world.session)
    assert refused.value.code == "home-exists"
    (home / "trust.db").unlink()
    with pytest.raises(RefusedError) as refused:  # another party's home is not taken over
        await Desk.join(home, world.origin, fingerprint, party="sd", http=world.session)
    assert refused.value.code == "home-exists"


OFFLINE = """
import asyncio, sys
from pathlib import Path
from poc.client.lookup import Query
from poc.client.sdk import Desk

async def main():
    async with await Desk.open(Path(sys.argv[1])) as desk:
        assert desk.lookup(Query()).contacts
        desk.inbox(), desk.outbox(), desk.warnings()

asyncio.run(main())
assert "aiohttp" not in sys.modules
"""


async def test_what_needs_no_hub_does_not_load_what_speaks_to_one(desks):
    command = [sys.executable, "-c", OFFLINE, str(desks[0].home)]
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()


async def test_a_session_made_by_the_desk_is_closed_by_it_and_one_that_was_given_is_not(desks, world):
    jo = desks[0]
    async with await Desk.open(jo.home, clock=lambda: world.now) as own:
        sessions: list[Any] = [own.hub._own]
        own.use_keyring(jo.keys)
        await own.sync()
        sessions.append(own.hub._own)
    assert sessions[0] is None
    assert sessions[1].closed
    assert not world.session.closed
    assert (await jo.send_message(draft(jo), ["sd.technical"])).state == "accepted"


@pytest.mark.parametrize("wrong", [{"party": "NOBODY"}, {"party": None, "slash": "/path"}])
async def test_a_join_with_a_setting_that_cannot_be_used_leaves_nothing_behind(desks, world, tmp_path, wrong):
    home, fingerprint = tmp_path / "new", desks[0].directory.fingerprint
    settings = {
        "hub_url": world.origin + wrong.get("slash", ""),
        "origin": "example.org/cbm",
        "party": wrong["party"],
    }
    with pytest.raises(RefusedError) as refused:
        homes.create_home(home, fingerprint=fingerprint, **settings)
    assert refused.value.code == "bad-setting"
    assert not (home / "config.toml").exists()
    async with await Desk.join(home, world.origin, fingerprint, party="jo", http=world.session) as desk:
        assert desk.party == "jo"
