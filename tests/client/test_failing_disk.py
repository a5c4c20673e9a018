"""A desk whose disk fails at any statement, or is full: a clear error, nothing lost, the next try goes on."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import timedelta

import pytest

from poc.client.known import Known
from poc.client.trust import Trust
from poc.errors import RefusedError, UnreachableError
from tests.desk_world import draft

COMMIT = "COMMIT"


class FailingConnection:
    """The desk's connection, whose n-th statement from now fails as a disk does.

    A statement that fails leaves nothing. A COMMIT that fails may have been done all the same: ``done``.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self.count, self._at, self._done = connection, 0, 0, False

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def fail(self, n: int, *, done: bool = False) -> None:
        self.count, self._at, self._done = 0, n, done

    def execute(self, sql, values=()):
        return self._counted(self._connection.execute, sql, values)

    def executemany(self, sql, values):
        return self._counted(self._connection.executemany, sql, values)

    def _counted(self, run, sql, values):
        self.count += 1
        if self.count == self._at:
            if self._done and sql == COMMIT:
                run(sql, values)
            elif sql == COMMIT:
                self._connection.execute("ROLLBACK")
            raise sqlite3.OperationalError("disk I/O error")
        return run(sql, values)


def failing(desk) -> FailingConnection:
    disk = desk.known.trust._db = FailingConnection(desk.known.trust._db)
    return disk


async def failed(call):
    """Return if it fails in the one way that says what to do."""
    with pytest.raises(UnreachableError, match=r"storage-failed.*disk I/O error"):
        await call


def as_on_disk(desk):
    """What this desk knows in memory is what its file says."""
    again = Known(Trust(desk.home / "trust.db"), desk.party, desk.known.now)
    try:
        assert again.directory == desk.known.directory
        assert again.plays.keys() == desk.known.plays.keys()
    finally:
        again.trust.close()


def spread(total, rounds, of):
    """Statements to fail, and whether a COMMIT among them is done all the same: a few, or each both ways."""
    count = rounds(3, long=2 * total, of=of)
    both = [(n, done) for n in range(1, total + 1) for done in (False, True)]
    return both[:: len(both) // count]


async def all_arrived(jo, sd, world):
    """Every message in the sender's outbox came once, none is missing, each is retrieved once."""
    await jo.sync()
    report = await sd.sync()
    assert not [line for line in report.warnings if "not received" in line]
    sent = [row for row in jo.outbox() if row["kind"] == "message"]
    assert {row["state"] for row in sent} <= {"accepted"}
    assert [row["message"] for row in sd.inbox()] == [row["ref"] for row in sent]
    for row in sent:
        events = [one.event for one in await world.store.read_evidence(row["ref"])]
        assert events.count("accepted") == events.count("retrieved") == 1


async def test_a_sync_whose_disk_fails_at_any_statement_is_made_good_by_the_next(desks, world, rounds):
    jo, sd, _ = desks
    disk = failing(sd)
    await jo.send_message(draft(jo), ["sd.technical"])
    disk.fail(0)
    await sd.sync()
    for n, done in spread(disk.count, rounds, "statements of a sync"):
        await jo.send_message(draft(jo), ["sd.technical"])
        disk.fail(n, done=done)
        await failed(sd.sync())
        as_on_disk(sd)
        disk.fail(0)
        await all_arrived(jo, sd, world)


async def test_a_message_whose_desk_fails_at_any_statement_is_there_whole_or_not_at_all(desks, world, rounds):
    jo, sd, _ = desks
    disk = failing(jo)
    disk.fail(0)
    await jo.send_message(draft(jo), ["sd.technical"])
    for n, done in spread(disk.count, rounds, "statements of a message"):
        before = len(jo.outbox())
        disk.fail(n, done=done)
        await failed(jo.send_message(draft(jo), ["sd.technical"]))
        disk.fail(0)
        assert len(jo.outbox()) - before in (0, 1)
        await jo.send_message(draft(jo), ["sd.technical"])
        await all_arrived(jo, sd, world)


async def test_an_acknowledgement_whose_desk_fails_is_given_once(desks, world, rounds):
    jo, sd, _ = desks
    disk = failing(sd)

    async def received():
        sent = await jo.send_message(draft(jo), ["sd.technical"])
        await sd.sync()
        return sent.id

    first = await received()
    disk.fail(0)
    await sd.acknowledge(first)
    for n, done in spread(disk.count, rounds, "statements of an acknowledgement"):
        message = await received()
        disk.fail(n, done=done)
        await failed(sd.acknowledge(message))
        disk.fail(0)
        await acknowledged_once(sd, world, message)


async def acknowledged_once(sd, world, message):
    """Asked again, it is done, or was kept the first time and goes with the next sync."""
    try:
        assert await sd.acknowledge(message) == "done"
    except RefusedError as error:
        assert error.code == "answer-used"  # noqa: PT017 (either may be)
        await sd.sync()
    events = [one.event for one in await world.store.read_evidence(message)]
    assert events.count("acknowledged") == 1
    (row,) = [one for one in sd.inbox() if one["message"] == message]
    assert row["state"] == "acknowledged"


async def test_a_cancel_whose_desk_fails_is_given_once(held, rounds):
    jo, world, send = held
    disk = failing(jo)
    first = await send()
    disk.fail(0)
    assert await jo.cancel(first) == "done"
    for n, done in spread(disk.count, rounds, "statements of a cancel"):
        message = await send()
        disk.fail(n, done=done)
        await failed(jo.cancel(message))
        disk.fail(0)
        await jo.sync()
        with contextlib.suppress(RefusedError):  # it was kept the first time, and the sync carried it
            assert await jo.cancel(message) == "done"
        events = [one.event for one in await world.store.read_evidence(message)]
        assert events.count("cancelled") == events.count("not-needed") == 1
        assert not jo.held(message)


@pytest.fixture
def held(desks, world):
    """Jordan's desk, and how it sends a message that the hub holds for an hour."""
    jo, *_ = desks

    async def send():
        later = draft(jo, not_before=world.now + timedelta(hours=1))
        return (await jo.send_message(later, ["sd.technical"])).id

    return jo, world, send


async def test_a_commit_that_fails_and_leaves_the_transaction_open_swallows_nothing_that_follows(desks):
    jo, _, _ = desks
    trust = jo.known.trust

    class Busy(FailingConnection):
        def _counted(self, run, sql, values):
            if sql == COMMIT and self._at:
                self._at = 0
                raise sqlite3.OperationalError("database is busy")
            return run(sql, values)

    disk = trust._db = Busy(trust._db)
    disk.fail(1)
    with pytest.raises(UnreachableError, match="busy"):
        trust.set_value("kept", b"1")
    assert trust.value("kept") is None
    trust.set_value("kept", b"2")
    again = Trust(jo.home / "trust.db")
    assert again.value("kept") == b"2"
    again.close()


@contextlib.contextmanager
def full_disk(desk):
    """The desk's file may not grow any more, as where a disk or a quota is full."""
    connection = desk.known.trust._db
    before = connection.execute("PRAGMA max_page_count").fetchone()[0]
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    yield
    connection.execute(f"PRAGMA max_page_count = {before}")


async def until_full(act):
    """Do something over and over until it is refused for want of room."""
    with pytest.raises(UnreachableError, match=r"storage-failed.*full"):
        await over_and_over(act)


async def over_and_over(act):
    for _ in range(100):
        await act()


async def test_a_full_disk_is_said_and_once_there_is_room_everything_goes_on(desks, world):
    jo, sd, _ = desks
    first = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    big = draft(jo, handling="h" * 200, subject="s" * 100)
    with full_disk(jo):
        await until_full(lambda: jo.send_message(big, ["sd.technical"]))
    with full_disk(sd):

        async def receive():
            await jo.send_message(big, ["sd.technical"])
            await sd.sync()

        await until_full(receive)
        assert sd.show(first.id).message.subject == "A seeded subject"
    await all_arrived(jo, sd, world)
