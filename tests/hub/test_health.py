"""``/readyz`` tells the truth: whatever a hub needs is broken once, and its row says so."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from contextlib import contextmanager
from datetime import timedelta

import pytest

from poc.errors import UnreachableError
from poc.hub import health
from poc.hub.health import CHECKS
from poc.limits import PROBE_SECONDS, WORK_SECONDS_MAX
from tests.hub_messages import seal
from tests.hub_world import World
from tests.registry import REGISTRARS, enrolment, signed, usual


@pytest.fixture
async def world(tmp_path):
    (tmp_path / "hub").mkdir()
    async with World(tmp_path / "hub", usual()).running() as served:
        await served.fill()
        served.sealed = {}
        yield served


async def rows(world):
    """(status, every row that is not sound, as check -> (state, code))."""
    status, value = await world.ask("GET", "/readyz")
    assert tuple(row["check"] for row in value["checks"]) == CHECKS
    for row in value["checks"]:
        assert (row["code"] is None) == (row["state"] == "ok")
        assert row["code"] is None or (row["message"] and row["next"])
    return status, {r["check"]: (r["state"], r["code"]) for r in value["checks"] if r["state"] != "ok"}


async def put(world, number=1):
    """The status and code of a message sent, the answer's headers in ``world.seen``."""
    if number not in world.sealed:  # the same bytes when it is sent again
        world.sealed[number] = seal(world.hub.log.view.head, world.now, number=number)
    sealed = world.sealed[number]
    path = f"/v1/messages/{sealed.message.id}"
    status, said = await world.ask("PUT", path, sealed.envelope_bytes, who="jo.technical 1")
    return status, said.get("code")


async def enrol(world, state):
    world.registry.directory, world.registry.now = world.hub.log.view.directory, world.now
    payload = world.registry.payload("state.enrol", state, enrolment(state), issued_at=world.now)
    await world.hub.registry.submit(signed(payload, *REGISTRARS, f"{state} authority"))


async def test_a_sound_hub_has_a_sound_row_for_everything(world):
    assert await rows(world) == (200, {})
    assert (await world.ask("GET", "/healthz"))[1] == {"status": "ok"}


async def test_a_request_for_it_writes_nothing(world):
    before = world.store.writer.batches
    for _ in range(20):
        await rows(world)
    assert world.store.writer.batches == before


async def test_it_says_no_number_and_no_path_to_whoever_asks(world, monkeypatch):
    monkeypatch.setattr(health, "DISK_FREE_BYTES_MIN", 2**62)
    monkeypatch.setattr(health, "WAL_BYTES_WARN", -1)
    await world.ask("GET", "/readyz")
    assert str(world.home) not in world.data.decode()
    assert not any(sign.isdigit() for sign in world.data.decode())


BROKEN = {
    "the log's writer ended": (
        lambda w: setattr(w.hub.log, "is_writing", False), "log", "failed", "writer-failed",
    ),
    "the work of every minute stopped": (
        lambda w: setattr(w.hub.health, "_worked", w.hub.health._worked - WORK_SECONDS_MAX - 1),
        "work", "failed", "work-stopped",
    ),
    "the disk is not tried any more": (
        lambda w: setattr(w.hub.health, "_probed", w.hub.health._probed - 4 * PROBE_SECONDS),
        "storage", "failed", "work-stopped",
    ),
    "the clock is behind": (
        lambda w: setattr(w, "now", w.now - timedelta(minutes=10)), "clock", "failed", "clock-behind",
    ),
    "the clock jumped": (
        lambda w: setattr(w, "now", w.now + timedelta(days=9)), "clock", "warning", "clock-jumped",
    ),
    "the home is gone": (lambda w: shutil.rmtree(w.home), "disk", "failed", "disk-full"),
}  # fmt: skip


@pytest.mark.parametrize(("breaks", "check", "state", "code"), BROKEN.values(), ids=BROKEN)
async def test_what_is_broken_is_what_its_row_says(world, breaks, check, state, code):
    breaks(world)
    status, found = await rows(world)
    assert found[check] == (state, code)
    assert status == (503 if state == "failed" else 200)
    assert set(found) == {check}


@pytest.mark.parametrize(
    ("limit", "value", "check", "said"),
    [
        ("DISK_FREE_BYTES_MIN", 2**62, "disk", ("failed", "disk-full")),
        ("DISK_FREE_BYTES_WARN", 2**62, "disk", ("warning", "disk-low")),
        ("WAL_BYTES_WARN", -1, "wal", ("warning", "wal-large")),
    ],
)
async def test_the_disk_and_the_write_ahead_log_have_their_bounds(
    world, monkeypatch, limit, value, check, said
):
    monkeypatch.setattr(health, limit, value)
    assert await rows(world) == (503 if said[0] == "failed" else 200, {check: said})


async def test_tables_changed_by_another_program_are_noticed(world):
    await world.store.writer._connection.run(
        lambda db: db.execute("INSERT INTO migrations VALUES (99, 'later', 'x')").rowcount
    )
    await world.hub.health.probe()
    assert await rows(world) == (503, {"migrations": ("failed", "database-newer")})


async def test_the_metrics_say_in_numbers_what_the_rows_say_in_words(world, monkeypatch):
    monkeypatch.setattr(health, "DISK_FREE_BYTES_WARN", 2**62)
    await world.hub.refresh_metrics()
    value = world.hub.metrics.registry.get_sample_value
    assert value("poc_check_state", {"check": "disk"}) == 1
    assert value("poc_check_state", {"check": "log"}) == 0
    assert value("poc_database_bytes") == (world.home / "hub.db").stat().st_size
    assert value("poc_disk_free_bytes") > 0


# --- R23: the disk fails ---


@contextmanager
def full_by_pages(world):
    """The database may not grow by a page."""
    connection = world.store.writer._connection._conn

    def bound(pages):
        return connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    bound(pages)
    yield
    bound(2**30)


@contextmanager
def write_fails(world):
    """Every write to a file beyond its present size fails in the kernel: SQLite sees an I/O error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((world.home / "hub.db-wal").stat().st_size, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def read_only(world):
    """The writing connection finds that it may not write."""
    world.store.writer._connection._conn.execute("PRAGMA query_only = ON")
    yield
    world.store.writer._connection._conn.execute("PRAGMA query_only = OFF")


@pytest.mark.parametrize("broken", [full_by_pages, write_fails, read_only])
async def test_r23_a_disk_that_fails_is_said_clearly_and_mends_without_a_new_start(world, broken):
    assert (await put(world, 1))[0] == 201
    with broken(world):
        await world.hub.health.probe()
        status, found = await rows(world)
        assert (status, found["storage"]) == (503, ("failed", "storage-failed"))
        number, outcome = 2, await put(world, 2)
        while outcome[0] == 201:  # pages that are half empty still take one or two
            number += 1
            outcome = await put(world, number)
        assert outcome == (503, "storage-failed")
        assert int(world.seen["Retry-After"]) > 0
        with contextlib.suppress(UnreachableError):  # a page may be left for it
            await enrol(world, "eg")
        assert not world.hub.log.read_only
        assert (await world.ask("GET", "/checkpoint"))[0] == 200
    await world.hub.health.probe()
    assert await rows(world) == (200, {})
    assert {(await put(world, taken))[0] for taken in range(1, number)} == {200}
    assert (await put(world, number))[0] == 201
    await enrol(world, "om")
    assert "om" in world.hub.log.view.directory.states


def may_mount():
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    return subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if (
        not may_mount()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "poc-test", str(folder)],
            check=False,
            capture_output=True,
        ).returncode
    ):
        pytest.skip("a file system of its own needs root and mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_up(path):
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


async def test_r23_a_full_disk_loses_nothing_acknowledged_and_room_is_all_it_needs(small_disk):
    """The registry is founded, then another program fills the disk to its last byte."""
    home = small_disk / "hub"
    home.mkdir()
    async with World(home, usual()).running() as world:
        await world.fill()
        world.sealed = {}
        accepted, number = [], 0
        fill_up(small_disk / "filler")
        while True:  # what the write-ahead log has room for still goes in
            number += 1
            status, code = await put(world, number)
            if status != 201:
                break
            accepted.append(number)
        assert (status, code) == (503, "storage-failed")
        await world.hub.health.probe()
        status, found = await rows(world)
        assert (status, found["disk"]) == (503, ("failed", "disk-full"))
        with pytest.raises(UnreachableError):  # noqa: PT012 (the first may still find room)
            for state in ("eg", "om", "qa", "kw"):
                await enrol(world, state)
        assert not world.hub.log.read_only
        (small_disk / "filler").unlink()
        await world.hub.health.probe()
        assert (await rows(world))[0] == 200
        assert {(await put(world, old))[0] for old in accepted} <= {200}
        assert (await put(world, number))[0] == 201
        await enrol(world, "ye")
    async with World(home, usual()).running() as again:
        assert "ye" in again.hub.log.view.directory.states
