"""Backups of a hub: one moment, whole, verified before they bear a name; what is not whole is refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from poc.errors import PocError, UnreachableError
from poc.hub.backup import last_verified_at, make_backup, read_manifest, restore_backup, verify_files
from poc.hub.check import check_home
from poc.hub.restored import confirm
from poc.store.copy import reading
from tests.hub_messages import answer, seal
from tests.hub_process import write_keyring
from tests.hub_world import World
from tests.registry import openings, usual
from tests.witnessed_world import WitnessedWorld

NAMES = ("tables", "file", "log", "openings", "receipts", "envelopes", "audit")


def silent(_text):
    pass


async def refused(code, awaitable):
    with pytest.raises(PocError) as caught:
        await awaitable
    assert caught.value.code == code
    return caught.value


async def send(world, number):
    sealed = seal(world.hub.log.view.head, world.now, number=number)
    path = f"/v1/messages/{sealed.message.id}"
    assert (await world.ask("PUT", path, sealed.envelope_bytes, who="jo.technical 1"))[0] == 201
    return sealed


@pytest.fixture
async def world(tmp_path):
    """A hub with a card, two messages and an acknowledgement; ``home`` is its folder."""
    (tmp_path / "hub").mkdir()
    async with World(tmp_path / "hub", usual()).running() as served:
        await served.fill()
        part = openings("jo.technical")[1]
        body = {"part": part.part, "salt": part.salt, "bytes": part.bytes}
        for _ in range(2):  # two records of the audit trail
            await served.ask("PUT", f"/v1/cards/{part.commitment()}", body, who="jo authority")
        sealed = await send(served, 1)
        await send(served, 2)
        text = answer(sealed, "acknowledgement", "sd.technical 1", served.hub.log.view.head, served.now)
        path = f"/v1/messages/{sealed.message.id}/acknowledgements"
        assert (await served.ask("POST", path, {"jws": text}, who="sd.technical 1"))[0] == 201
        yield served


async def backed_up(world, folder, **options):
    return await make_backup(world.home, folder, world.now, "test", silent, **options)


def dump(home):
    """Every row of every table but those of operation."""
    with reading(home) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: sorted(map(repr, db.execute(f"SELECT * FROM {table}")))  # noqa: S608
            for table in tables
            if table not in {"restores", "probe", "sqlite_sequence"}
        }


# --- making ---


async def test_a_backup_is_whole_private_and_says_what_it_holds(world, tmp_path):
    made = await backed_up(world, tmp_path / "backup")
    folder = tmp_path / "backup"
    assert {path.name for path in folder.iterdir()} == {"hub.db", "manifest.json"}
    assert {path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())} == {0o700, 0o600}
    assert read_manifest(folder) == made
    assert (made.entries, made.checkpoint.encode()) == (
        world.hub.log.view.directory.size, world.hub.log.view.checkpoint,
    )  # fmt: skip
    assert dump(folder) == dump(world.home)
    checked = await check_home(folder, world.now, silent, full=True)
    assert [(f.name, f.ok) for f in checked.findings] == [(name, True) for name in NAMES]
    assert last_verified_at(world.home) == world.now


async def test_r20_the_connection_of_a_backup_neither_writes_nor_checkpoints(world, tmp_path):
    files = (world.home / "hub.db", world.home / "hub.db-wal")
    before = [path.read_bytes() for path in files]
    assert len(before[1]) > 0
    await backed_up(world, tmp_path / "backup")
    assert [path.read_bytes() for path in files] == before
    with reading(world.home) as db:
        db.execute("COMMIT")
        for statement in ("DELETE FROM leaves", "PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM"):
            with contextlib.suppress(sqlite3.Error):
                db.execute(statement).fetchall()
    assert [path.read_bytes() for path in files] == before


async def beyond(count, number):
    async with asyncio.timeout(20):
        while count() <= number:  # noqa: ASYNC110 (a real hub is asked, by real requests)
            await asyncio.sleep(0.01)


async def test_a_backup_under_load_is_one_moment_and_holds_nobody_up(world, tmp_path):
    sent = 2

    async def load():
        nonlocal sent
        while True:
            await send(world, sent + 1)
            sent += 1

    async with asyncio.TaskGroup() as group:
        working = group.create_task(load())
        await beyond(lambda: sent, 4)
        for number in range(3):
            before = sent
            await backed_up(world, tmp_path / f"backup{number}")
            await beyond(lambda: sent, before)
        working.cancel()
    counts = []
    for number in range(3):
        checked = await check_home(tmp_path / f"backup{number}", world.now, silent, full=True)
        assert checked.ok
        with reading(tmp_path / f"backup{number}") as db:
            counts.append(db.execute("SELECT count(*) FROM messages").fetchone()[0])
    assert 5 <= counts[0] <= counts[1] <= counts[2] <= sent


async def test_keys_are_in_it_only_where_that_is_asked_for(world, tmp_path):
    write_keyring(world.home, ("log", "hub"))
    for with_keys in (False, True):
        folder = tmp_path / str(with_keys)
        await backed_up(world, folder, with_keys=with_keys)
        names = {path.name for path in folder.iterdir()}
        assert ({"keyring.jwe", "keys.json"} <= names) == with_keys
        assert "passphrase" not in names


async def test_a_folder_that_is_there_is_left_as_it_is(world, tmp_path):
    (tmp_path / "backup").mkdir()
    await refused("file-exists", backed_up(world, tmp_path / "backup"))
    assert list((tmp_path / "backup").iterdir()) == []


async def test_what_a_cut_off_run_left_is_replaced_and_nothing_else_is_touched(world, tmp_path):
    part = tmp_path / "backup.part"
    part.mkdir()
    for name in ("hub.db", "hub.db-journal", ".manifest.json.7.part"):
        (part / name).write_bytes(b"half")
    await backed_up(world, tmp_path / "backup")
    assert not part.exists()
    part.mkdir()
    (part / "notes.txt").write_bytes(b"somebody's")
    shutil.rmtree(tmp_path / "backup")
    await refused("storage-failed", backed_up(world, tmp_path / "backup"))
    assert (part / "notes.txt").read_bytes() == b"somebody's"


async def test_a_home_without_a_hub_or_a_registry_gives_no_backup(world, tmp_path):
    (tmp_path / "empty").mkdir()
    await refused("not-a-hub", make_backup(tmp_path / "empty", tmp_path / "b", world.now, "test", silent))
    async with World(tmp_path / "empty", usual()).running() as other:
        await other.store.writer._connection.run(
            lambda db: db.executescript("DELETE FROM head; DELETE FROM leaves; DELETE FROM subtrees;").close()
        )
        await refused("no-registry", backed_up(other, tmp_path / "b"))
    assert not (tmp_path / "b").exists()


DAMAGE = {
    "an entry": ("UPDATE leaves SET data = x'7b7d' WHERE position = 2", "log"),
    "a hash of the tree": ("UPDATE subtrees SET hash = zeroblob(32) WHERE position = 1", "log"),
    "the checkpoint": ("UPDATE head SET checkpoint = x'00'", "log"),
    "an opening": ("UPDATE openings SET data = CAST(replace(data, 'salt', 'tlas') AS BLOB)", "openings"),
    "an opening of another contact": ("UPDATE openings SET contact = 'sd.technical'", "openings"),
    "a receipt": ("UPDATE evidence SET jws = substr(jws, 1, 300) || 'AAAA' || substr(jws, 305)", "receipts"),
    "a receipt under another message": (
        "UPDATE evidence SET message = (SELECT max(id) FROM messages) WHERE kind = 'receipt'", "receipts",
    ),
    "a receipt that is gone": ("DELETE FROM evidence WHERE event = 'accepted'", "receipts"),
    "an envelope": ("UPDATE messages SET ciphertext = ciphertext || 'AAAA'", "envelopes"),
    "an audit record": ("UPDATE audit SET record = CAST(replace(record, 'done', 'none') AS BLOB)", "audit"),
    "an audit record that is gone": ("DELETE FROM audit WHERE number = 1", "audit"),
    "a message whose submission is gone": ("DELETE FROM submissions", "file"),
}  # fmt: skip


async def test_what_is_damaged_is_found_by_name_and_never_becomes_a_backup(world, tmp_path):
    await backed_up(world, tmp_path / "backup")
    for what, (sql, name) in DAMAGE.items():
        home = tmp_path / what
        home.mkdir()
        shutil.copy(tmp_path / "backup" / "hub.db", home)
        with closing(sqlite3.connect(home / "hub.db")) as db, db:
            assert db.execute(sql).rowcount, what
        checked = await check_home(home, world.now, silent)
        assert name in {finding.name for finding in checked.findings if not finding.ok}, what
        error = await refused("backup-unsound", make_backup(home, tmp_path / "b", world.now, "test", silent))
        assert name in error.detail, what
        assert not (tmp_path / "b").exists()
        assert last_verified_at(home) is None


async def test_a_page_of_garbage_is_found(world, tmp_path):
    await backed_up(world, tmp_path / "backup")
    data = bytearray((tmp_path / "backup" / "hub.db").read_bytes())
    data[-3000:-1000] = b"\xff" * 2000
    (tmp_path / "backup" / "hub.db").write_bytes(data)
    with contextlib.suppress(PocError):
        assert not (await check_home(tmp_path / "backup", world.now, silent)).ok
    with pytest.raises(PocError):
        verify_files(tmp_path / "backup", read_manifest(tmp_path / "backup"))


# --- restoring ---


async def test_a_restored_home_holds_what_the_backup_held_and_begins_an_epoch(world, tmp_path):
    await backed_up(world, tmp_path / "backup")
    await restore_backup(tmp_path / "backup", tmp_path / "new", world.now, silent)
    assert dump(tmp_path / "new") == dump(world.home)
    assert (tmp_path / "new" / "hub.db").stat().st_mode & 0o777 == 0o600
    await confirm(tmp_path / "new", world.hub.log.view.directory.size, world.now)
    epochs = [world.hub.restored.epoch]
    for home in ("new", "newer"):
        async with World(tmp_path / home, world.registry).running() as again:
            again.now = world.now + timedelta(minutes=1)
            epochs.append((await again.ask("GET", "/v1/inbox", who="sd.technical 1"))[1]["epoch"])
            assert len((await again.ask("GET", "/v1/inbox", who="sd.technical 1"))[1]["items"]) == 2
            if home == "new":
                await backed_up(again, tmp_path / "second")
                await restore_backup(tmp_path / "second", tmp_path / "newer", world.now, silent)
    assert len(set(epochs)) == 3
    assert epochs[0] == ""


async def test_a_home_that_holds_a_database_is_refused_and_left_as_it_is(world, tmp_path):
    await backed_up(world, tmp_path / "backup")
    for name in ("hub.db", "hub.db-wal", "trust.db"):
        home = tmp_path / f"with {name}"
        home.mkdir()
        (home / name).write_bytes(b"mine")
        await refused("home-has-database", restore_backup(tmp_path / "backup", home, world.now, silent))
        assert [(path.name, path.read_bytes()) for path in home.iterdir()] == [(name, b"mine")]


def edit(folder, change):
    value = json.loads((folder / "manifest.json").read_text("utf-8"))
    change(value)
    (folder / "manifest.json").write_text(json.dumps(value), "utf-8")


UNSOUND = {
    "one byte of it is another": ("backup-unsound", lambda f: flip(f / "hub.db")),
    "it is shorter": (
        "backup-unsound",
        lambda f: (f / "hub.db").write_bytes((f / "hub.db").read_bytes()[:-1]),
    ),
    "its database is gone": ("backup-unsound", lambda f: (f / "hub.db").unlink()),
    "its manifest is gone": ("not-a-backup", lambda f: (f / "manifest.json").unlink()),
    "its manifest is of something else": ("not-a-backup", lambda f: edit(f, lambda v: v.update(what="x"))),
    "its manifest is no JSON": ("not-a-backup", lambda f: (f / "manifest.json").write_text("{", "utf-8")),
    "its manifest names a file elsewhere": (
        "backup-unsound",
        lambda f: edit(f, lambda v: v["files"].update({"../x": {"bytes": 0, "sha256": ""}})),
    ),
    "its manifest names no database": ("backup-unsound", lambda f: edit(f, lambda v: v["files"].clear())),
    "its manifest is of a longer log": ("backup-unsound", lambda f: edit(f, lambda v: v.update(entries=99))),
}


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


async def test_a_backup_that_is_not_what_was_written_is_not_restored(world, tmp_path):
    await backed_up(world, tmp_path / "backup")
    for what, (code, change) in UNSOUND.items():
        folder = tmp_path / what
        shutil.copytree(tmp_path / "backup", folder)
        change(folder)
        await refused(code, restore_backup(folder, tmp_path / "new", world.now, silent))
        assert not (tmp_path / "new" / "hub.db").exists(), what


async def test_r8_a_restored_hub_without_witnesses_signs_nothing_until_the_operator_answers_for_it(
    world, tmp_path
):
    await backed_up(world, tmp_path / "backup")
    home, size = tmp_path / "new", world.hub.log.view.directory.size
    await restore_backup(tmp_path / "backup", home, world.now, silent)
    async with World(home, world.registry).running() as again:
        again.now = world.now
        before = again.hub.log.view.checkpoint
        sealed = seal(again.hub.log.view.head, again.now, number=9)
        path = f"/v1/messages/{sealed.message.id}"
        status, said = await again.ask("PUT", path, sealed.envelope_bytes, who="jo.technical 1")
        assert (status, said["code"]) == (503, "restore-unproved")
        with pytest.raises(UnreachableError):
            await again.hub.log.append(world.registry.entries[1].signed)
        assert again.hub.log.view.checkpoint == before
    await refused("entries-differ", confirm(home, size + 1, world.now))
    await confirm(home, size, world.now)
    await refused("not-restored", confirm(home, size, world.now))
    async with World(home, world.registry).running() as again:
        again.now = world.now
        assert (await again.ask("GET", "/readyz"))[0] == 200
        with pytest.raises(UnreachableError):  # what is due waits for the answers that come again
            again.hub.restored.check_settled()
        again.now += timedelta(minutes=6)
        again.hub.restored.check_settled()


async def test_a_database_that_was_never_restored_needs_no_word(world, tmp_path):
    shutil.copytree(world.home, tmp_path / "copy")
    await refused("not-restored", confirm(tmp_path / "copy", world.hub.log.view.directory.size, world.now))
    with closing(sqlite3.connect(tmp_path / "copy" / "hub.db")) as db:
        assert db.execute("SELECT count(*) FROM restores").fetchone() == (0,)


# --- R8: with witnesses ---


async def test_r8_yesterdays_backup_never_forks_the_log_and_todays_goes_on_by_itself(tmp_path):
    world = WitnessedWorld(tmp_path)
    async with world.running():
        await world.seat()
        await make_backup(tmp_path / "hub", tmp_path / "old", world.now, "test", silent)
        await world.enrol("eg")
        await world.until(lambda: world.hub.witnesses.published.size == world.directory.size)
        await make_backup(tmp_path / "hub", tmp_path / "today", world.now, "test", silent)
        size = world.directory.size
    shutil.rmtree(tmp_path / "hub")
    await restore_backup(tmp_path / "old", tmp_path / "hub", world.now, silent)
    async with world.running():
        await world.until(lambda: world.hub.log.trouble is not None)
        assert world.hub.log.trouble is not None
        assert world.hub.log.trouble.code == "behind-witnesses"
        assert world.hub.log.view.directory.size < size
        world.sync()
        with pytest.raises(UnreachableError):
            await world.enrol("om")
    shutil.rmtree(tmp_path / "hub")
    await restore_backup(tmp_path / "today", tmp_path / "hub", world.now, silent)
    async with world.running():
        await world.until(lambda: world.hub.log.held is None)
        world.sync()
        await world.enrol("om")
        assert world.hub.log.view.directory.size > size
    assert (await world_restores(tmp_path / "hub")) == 1


async def world_restores(home):
    with reading(home) as db:
        return db.execute("SELECT count(*) FROM restores WHERE proved_at IS NOT NULL").fetchone()[0]
