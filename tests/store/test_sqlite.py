from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from poc.core.strictjson import b64u
from poc.errors import RefusedError, UnreachableError
from poc.store.base import Accepted
from poc.store.sqlite import SqliteStore
from tests.store.builders import HOUR, NOW, erasure, head, leaf, message, proposal, slot

ROOT = Path(__file__).resolve().parents[2]

# A hub in small: accepts messages without end, several at once, and prints an id once it has its receipt.
WRITER = """
import asyncio, sys
from pathlib import Path
from poc.store.sqlite import SqliteStore
from tests.store.builders import NOW, head, leaf, message, slot

async def send(store, lane, start):
    n = start + lane
    while True:
        await store.accept_message(message(n), [slot("k1", sequence=n), slot("k2", sequence=n)])
        sys.stdout.write(f"{n}\\n")
        sys.stdout.flush()
        n += 8

async def main(home, start):
    store = await SqliteStore.open(home)
    await asyncio.gather(*(send(store, lane, start) for lane in range(8)))

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


async def code_of(awaitable):
    with pytest.raises((RefusedError, UnreachableError)) as caught:
        await awaitable
    return caught.value.code


def kill_a_writer(home, start, lines):
    """Start the writer, read this many receipts, kill it without warning; give all it had printed."""
    command = [sys.executable, "-c", WRITER, str(home), str(start)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
        assert writer.stdout is not None
        printed = [writer.stdout.readline() for _ in range(lines)]
        time.sleep(0.01 * (start % 7))
        writer.kill()
        printed += writer.stdout.readlines()
    answered = [int(line) for line in printed if line.endswith("\n")]
    assert len(answered) >= lines
    return answered


async def test_whatever_had_its_receipt_is_there_once_after_kill_9(tmp_path, rounds):
    answered = []
    for round_number in range(rounds(12, long=100, of="kills of a writer")):
        start = 1 + 100_003 * round_number
        answered += kill_a_writer(tmp_path, start, lines=20 + 13 * (round_number % 25))
        store = await SqliteStore.open(tmp_path)
        try:
            items = await store.read_inbox(["k1"], 0, 1_000_000)
            ids = [item.message.id for item in items]
            assert len(ids) == len(set(ids))
            assert {f"m{n}" for n in answered} <= set(ids)
            feed = await store.read_evidence_feed("jo.technical", 0, 1_000_000)
            assert [record.message for record in feed] == ids
            assert len(await store.read_inbox(["k2"], 0, 1_000_000)) == len(ids)
        finally:
            await store.close()
    with closing(sqlite3.connect(tmp_path / "hub.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_everything_is_there_after_the_store_is_opened_again(tmp_path):
    store = await SqliteStore.open(tmp_path)
    await store.append_entries(None, head(1), [leaf(0)], [])
    await store.put_proposal(proposal())
    await store.use_nonce("k", "n", NOW)
    await store.accept_message(message(), [slot(sequence=1)])
    await store.close()
    store = await SqliteStore.open(tmp_path)
    assert await store.read_head() == head(1)
    assert await store.read_leaves(0, 1) == (leaf(0),)
    assert await store.read_proposal("p", NOW) == proposal()
    assert await store.use_nonce("k", "n", NOW + HOUR) is False
    assert await store.read_message("m1") == message()
    await store.close()


async def test_close_finishes_what_waits(tmp_path):
    store = await SqliteStore.open(tmp_path)
    writes = [asyncio.create_task(store.use_nonce("k", str(n), NOW)) for n in range(100)]
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    assert await asyncio.gather(*writes) == [True] * 100


async def test_writes_that_wait_together_are_one_transaction(sqlite):
    await sqlite.use_nonce("k", "first", NOW)
    before = sqlite.writer.batches
    await asyncio.gather(*(sqlite.use_nonce("k", str(n), NOW) for n in range(200)))
    assert sqlite.writer.batches == before + 1


async def test_a_caller_that_is_cancelled_does_not_stop_the_writer(sqlite):
    gone = asyncio.create_task(sqlite.use_nonce("k", "n", NOW))
    await asyncio.sleep(0)
    gone.cancel()
    assert await sqlite.use_nonce("k", "m", NOW) is True
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_value_no_column_can_hold_fails_its_caller_alone(sqlite):
    ends = await asyncio.gather(
        sqlite.put_opening("c1", "jo.technical", "person", b"x"),
        sqlite.put_opening("\ud800", "jo.technical", "person", b"x"),
        sqlite.accept_message(message(), [slot(sequence=2**70)]),
        sqlite.put_opening("c2", "jo.technical", "person", b"x"),
        return_exceptions=True,
    )
    assert [type(end) for end in ends] == [bool, UnicodeEncodeError, OverflowError, bool]
    assert len(await sqlite.read_openings(0, 10)) == 2
    assert await sqlite.accept_message(message(), [slot()]) == Accepted("receipt-1")


async def test_a_full_disk_refuses_the_batch_and_the_next_one_is_taken(sqlite):
    await sqlite.accept_message(message(1), [slot()])

    def fill(db):
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    await sqlite.writer.run_alone(fill)
    large = message(2, ciphertext="x" * 200_000)
    assert await code_of(sqlite.accept_message(large, [slot()])) == "storage-failed"
    assert await sqlite.read_message("m2") is None
    await sqlite.writer.run_alone(lambda db: db.execute("PRAGMA max_page_count = 1000000").fetchall())
    assert await sqlite.accept_message(large, [slot()]) == Accepted("receipt-2")
    assert await sqlite.read_message("m2") == large


async def test_a_database_that_turns_read_only_refuses_and_recovers(sqlite):
    await sqlite.writer.run_alone(lambda db: db.execute("PRAGMA query_only = ON").fetchall())
    assert await code_of(sqlite.use_nonce("k", "n", NOW)) == "storage-failed"
    await sqlite.writer.run_alone(lambda db: db.execute("PRAGMA query_only = OFF").fetchall())
    assert await sqlite.use_nonce("k", "n", NOW) is True


async def test_a_second_hub_on_the_same_home_is_refused_and_the_first_goes_on(tmp_path):
    first = await SqliteStore.open(tmp_path)
    assert await code_of(SqliteStore.open(tmp_path)) == "home-in-use"
    assert await first.use_nonce("k", "n", NOW) is True
    await first.close()
    second = await SqliteStore.open(tmp_path)
    await second.close()


async def test_a_home_that_is_no_folder_cannot_be_opened(tmp_path):
    assert await code_of(SqliteStore.open(tmp_path / "nowhere")) == "storage-failed"


async def test_a_refused_database_gives_the_home_back(tmp_path):
    (tmp_path / "hub.db").write_bytes(b"something else " * 100)
    for _ in range(2):
        assert await code_of(SqliteStore.open(tmp_path)) == "database-foreign"
    (tmp_path / "hub.db").unlink()
    store = await SqliteStore.open(tmp_path)
    await store.close()


async def test_the_connections_are_set_as_promised(sqlite):
    def settings(db):
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "query_only")
        return [db.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await sqlite.writer.run_alone(settings) == ["wal", 2, 1, 1, 0]
    for _ in range(2):
        assert (await sqlite._read(settings))[-1] == 1


@pytest.mark.parametrize(
    "statement", ["DELETE FROM nonces", "PRAGMA wal_checkpoint(TRUNCATE)", "CREATE TABLE t (a)"]
)
async def test_a_reader_can_neither_write_nor_checkpoint(sqlite, tmp_path, statement):
    await sqlite.use_nonce("k", "n", NOW)
    wal = tmp_path / "hub.db-wal"
    size = wal.stat().st_size
    assert await code_of(sqlite._read(lambda db: db.execute(statement).fetchall())) == "storage-failed"
    assert wal.stat().st_size == size > 0


async def test_an_erasure_that_a_reader_holds_up_says_so_and_is_finished_later(sqlite, tmp_path):
    await sqlite.put_opening("c1", "jo.technical", "person", b"CANARY" * 100)
    await sqlite.writer.run_alone(lambda db: db.execute("PRAGMA busy_timeout = 10").fetchall())
    with closing(sqlite3.connect(f"file:{tmp_path}/hub.db?mode=ro", uri=True, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM openings").fetchall()
        assert await code_of(sqlite.delete_openings(["c1"])) == "storage-failed"
    assert await sqlite.delete_openings(["c1"]) == 0
    assert not any(b"CANARY" in path.read_bytes() for path in tmp_path.iterdir())


async def test_the_files_of_the_hub_are_for_its_owner_only(sqlite, tmp_path):
    await sqlite.use_nonce("k", "n", NOW)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(["hub.db", "hub.db-shm", "hub.db-wal", "hub.lock"], 0o600)


@pytest.mark.parametrize("seed", range(3))
async def test_many_erased_openings_leave_no_copy_in_any_page(sqlite, tmp_path, seed):
    # Pages that were split hold older copies of their rows: with zeroing alone some are left here.
    draw = random.Random(seed)
    marks = {n: b"CANARY-%06d-" % n for n in range(1500)}
    names = {n: b64u(draw.randbytes(32)) for n in marks}
    for n, mark in marks.items():
        await sqlite.put_opening(names[n], "jo.technical", "person", mark * draw.randint(5, 80))
    gone = draw.sample(sorted(marks), 750)
    await sqlite.delete_openings([names[n] for n in gone[:-1]])
    await sqlite.erase_opening(erasure(names[gone[-1]]))
    numbers = {name: n for n, name in names.items()}
    left = {numbers[o.commitment]: o for o in await sqlite.read_openings(0, 2000)}
    assert left.keys() == marks.keys() - set(gone)
    assert all(opening.number == n + 1 for n, opening in left.items())
    await sqlite.put_opening("later", "jo.technical", "person", b"later")
    assert (await sqlite.read_opening("later")).number == 1501
    disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [n for n in gone if marks[n] in disk] == []
    assert all(marks[n] in disk for n in left)


async def test_an_erased_opening_is_nowhere_on_disk(sqlite, tmp_path):
    secret = b"CANARY-OF-A-PERSON" * 400
    await sqlite.put_opening("c1", "jo.technical", "person", secret)
    await sqlite.put_opening("c2", "jo.technical", "person", b"stays")
    assert any(b"CANARY" in path.read_bytes() for path in tmp_path.iterdir())
    await sqlite.delete_openings(["c1"])
    assert not any(b"CANARY" in path.read_bytes() for path in tmp_path.iterdir())
    assert (await sqlite.read_opening("c2")).data == b"stays"


@pytest.mark.long
async def test_group_commit_is_measured_against_one_by_one(tmp_path):
    store = await SqliteStore.open(tmp_path)
    began = time.perf_counter()
    for n in range(500):
        await store.accept_message(message(n), [slot(sequence=n + 1)])
    one_by_one = 500 / (time.perf_counter() - began)
    began = time.perf_counter()
    many = range(1000, 6000)
    await asyncio.gather(*(store.accept_message(message(n), [slot(sequence=n)]) for n in many))
    together = 5000 / (time.perf_counter() - began)
    await store.close()
    print(
        f"\nper second: {together:.0f} together, {one_by_one:.0f} one by one: {together / one_by_one:.1f} x"
    )


async def test_a_writer_that_ends_leaves_nobody_waiting(sqlite):
    waiting = [asyncio.ensure_future(sqlite.use_nonce("k", str(n), NOW)) for n in range(3)]
    await asyncio.sleep(0)
    sqlite.writer._task.cancel()
    async with asyncio.timeout(5):
        ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert {getattr(end, "code", end) for end in ends} <= {True, "storage-failed"}
    assert await code_of(sqlite.use_nonce("k", "later", NOW)) == "storage-failed"
    sqlite.writer._task = asyncio.ensure_future(asyncio.sleep(0))


async def test_each_commit_is_told_with_its_writes_and_seconds(sqlite):
    told = []
    sqlite.writer.on_commit = lambda writes, seconds: told.append((writes, seconds >= 0))
    await asyncio.gather(*(sqlite.use_nonce("k", str(n), NOW) for n in range(5)))
    assert sum(writes for writes, _ in told) == 5
    assert all(timed for _, timed in told)
