"""R3: after a power cut at any point nothing that had its receipt is lost or doubled; no step is half done.

A store runs with every write and sync of its files recorded; the disk is rebuilt as of many points, without
what was not yet synced, opened again and asked. The same must fail where syncs do nothing.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from poc.store.sqlite import SqliteStore
from tests.store import power_disk

ROOT = Path(__file__).resolve().parents[2]

# Accepts messages with a held slot, eight at once, releases or skips each, and writes down what was answered.
WORK = """
import asyncio, os, sys
from dataclasses import replace
from pathlib import Path
from poc.store.base import DueStep
from poc.store.sqlite import SqliteStore
from tests.store.builders import HOUR, NOW, message, slot

async def lane(store, first, last, acks):
    for n in range(first, last, 8):
        held = replace(slot("k2"), release_at=NOW, in_place_of="sd.technical")
        step = DueStep(f"m{n}", "sd.duty", "release", NOW)
        await store.accept_message(message(n), [slot("k1", "sd.technical", n), held], [step])
        os.write(acks, f"accepted {n}\\n".encode())
        if n % 3 == 0:
            assert await store.take_skip(step, f"skipped-{n}")
            os.write(acks, f"skipped {n}\\n".encode())
        else:
            then = DueStep(f"m{n}", "sd.duty", "expire", NOW + HOUR)
            assert await store.take_release(step, f"released-{n}", ["k2"], [], then)
            os.write(acks, f"released {n}\\n".encode())

async def main(home, count):
    store = await SqliteStore.open(home)
    acks = os.open(home / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    await asyncio.gather(*(lane(store, 1 + n, 1 + count, acks) for n in range(8)))
    os._exit(0)

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    if power_disk.compiler() is None:
        pytest.skip("no C compiler here to build the recorder of the disk with; .ci/run installs one")
    return power_disk.build(tmp_path_factory.mktemp("library"))


def recorded(library, home, journal, messages):
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LD_PRELOAD": str(library),
        "POC_DISK_FOLDER": str(home),
        "POC_DISK_JOURNAL": str(journal),
    }
    command = [sys.executable, "-c", WORK, str(home), str(messages)]
    subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL)
    return power_disk.read_journal(journal)


def answered(records, home):
    """What had been answered by then: the lines of the file of answers, each written after its commit."""
    written = (r.data for r in records if r.op == "w" and r.path == str(home / "acks"))
    found: dict[str, set[str]] = {"accepted": set(), "released": set(), "skipped": set()}
    for line in b"".join(written).decode().splitlines():
        what, number = line.split()
        found[what].add(f"m{number}")
    return found


async def faults_of(folder, expected):
    """What of the answers is not so on this disk; none where the promise holds."""
    store = await SqliteStore.open(folder)
    try:
        first = [item.message.id for item in await store.read_inbox(["k1"], 0, 100_000)]
        later = [item.message.id for item in await store.read_inbox(["k2"], 0, 100_000)]
        rows = await store.read_evidence_feed("jo.technical", 0, 100_000)
        receipts = [(row.message, row.event) for row in rows]
        ended = {"released": set(later), "skipped": {m for m, event in receipts if event == "not-needed"}}
        faults = [f"lost {m}" for m in expected["accepted"] - set(first)]
        faults += [f"{what} lost {m}" for what in ended for m in expected[what] - ended[what]]
        faults += ["doubled"] * any(len(set(rows)) != len(rows) for rows in (first, later, receipts))
        faults += ["released and skipped"] * bool(ended["released"] & ended["skipped"])
        for message in first:
            (steps,) = await store.read_steps(message) or (None,)
            done = message in ended["released"] or message in ended["skipped"]
            faults += [f"half done {message}"] * ((steps is not None and steps.kind == "release") == done)
    finally:
        await store.close()
    with closing(sqlite3.connect(folder / "hub.db")) as db:
        faults += [] if db.execute("PRAGMA integrity_check").fetchone() == ("ok",) else ["not whole"]
    return faults


async def after_cut(records, home, folder, keep, *, syncs=True):
    folder.mkdir()
    power_disk.cut(records, home, folder, keep, syncs=syncs)
    return await faults_of(folder, answered(records, home))


async def test_a_power_cut_at_any_point_loses_nothing_that_was_answered(library, tmp_path, rounds):
    home = tmp_path / "home"
    home.mkdir()
    records = recorded(library, home, tmp_path / "journal", messages=80)
    assert sum(record.op == "s" for record in records) > 20
    assert answered(records, home)["released"] | answered(records, home)["skipped"] == {
        f"m{n}" for n in range(1, 81)
    }
    chance = random.Random(7)
    last = next(n for n, record in enumerate(records) if record.path.endswith("acks"))
    count = rounds(25, long=1000, of="power cuts")
    for n in range(count):
        point = chance.randrange(last, len(records) + 1)
        keep = random.Random(n) if n % 2 else None
        assert (n, await after_cut(records[:point], home, tmp_path / f"cut-{n}", keep)) == (n, [])


async def test_the_same_finds_every_answer_lost_where_nothing_is_synced(library, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    records = recorded(library, home, tmp_path / "journal", messages=16)
    faults = await after_cut(records, home, tmp_path / "cut", None, syncs=False)
    assert {f"lost m{n}" for n in range(1, 17)} <= set(faults)
