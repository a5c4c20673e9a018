"""What running a hub asks of its store: the probe, restores and the newest numbers, on every driver."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from poc.store.base import StoredRestore
from poc.store.sqlite import SqliteStore
from poc.store.sqlite_operation import mark_as_backup
from tests.store.builders import HOUR, NOW, answer, message, slot

FEEDS = ("inbox", "evidence", "cards", "keys", "exercises")


async def mark(store, at=NOW):
    """Make the store one that came from a backup."""
    if isinstance(store, SqliteStore):
        await store.writer._connection.run(lambda db: mark_as_backup(db, at))
    else:
        store.restore = StoredRestore(at, None, None)


async def test_a_store_that_was_never_restored_says_so_and_cannot_be_proved(store):
    assert await store.read_restore() is None
    assert not await store.begin_epoch("e", NOW)
    assert not await store.prove_restore(NOW)
    assert await store.read_restore() is None


async def test_an_epoch_begins_once_and_is_proved_once(store):
    await mark(store)
    assert await store.read_restore() == StoredRestore(NOW, None, None)
    assert await store.begin_epoch("first", NOW + HOUR)
    assert not await store.begin_epoch("second", NOW + HOUR)
    assert await store.read_restore() == StoredRestore(NOW, "first", None)
    assert await store.prove_restore(NOW + HOUR)
    assert not await store.prove_restore(NOW + 2 * HOUR)
    assert await store.read_restore() == StoredRestore(NOW, "first", NOW + HOUR)


async def test_a_second_restore_is_not_proved_by_the_first(store):
    await mark(store)
    await store.begin_epoch("first", NOW)
    await store.prove_restore(NOW)
    await mark(store, NOW + HOUR)
    assert await store.read_restore() == StoredRestore(NOW + HOUR, None, None)
    assert await store.begin_epoch("second", NOW + HOUR)
    assert await store.read_restore() == StoredRestore(NOW + HOUR, "second", None)


async def test_the_newest_number_of_each_feed_only_grows(store):
    assert [await store.read_newest_number(feed) for feed in FEEDS] == [0] * 5
    await store.accept_message(message(), [slot("sd.technical")])
    await store.put_opening("c", "jo.technical", "office", b"{}")
    await store.put_opening("d", "jo.technical", "reach", b"{}")
    await store.put_sealing_key("k", b"{}", "jo.technical")
    await store.put_exercise("e", "x-arcc.controller-1", "a")
    assert [await store.read_newest_number(feed) for feed in FEEDS] == [1, 1, 2, 1, 1]
    await store.record_answer(answer())
    assert await store.read_newest_number("evidence") == 3
    inbox = await store.read_inbox([slot("sd.technical").kid], 0, 9)
    assert inbox[-1].number == await store.read_newest_number("inbox")


async def test_a_probe_leaves_nothing_that_grows(sqlite, tmp_path):
    steps = await sqlite.probe(NOW)
    assert steps > 0
    for _ in range(3):
        assert await sqlite.probe(NOW + HOUR) == steps
    with closing(sqlite3.connect(tmp_path / "hub.db")) as db:
        assert db.execute("SELECT id, data FROM probe").fetchall() == [(1, b"")]


@pytest.mark.parametrize("verb", ["probe", "prove_restore"])
async def test_a_disk_that_fails_is_told(verb):
    from poc.errors import UnreachableError
    from poc.store.memory import MemoryStore

    store = MemoryStore()
    store.fail_before(verb)
    with pytest.raises(UnreachableError):
        await getattr(store, verb)(NOW)
