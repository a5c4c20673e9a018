"""R33: each call of a privileged route leaves exactly one record, refusals too; no row can be changed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from poc.core.audit import check_chain
from poc.core.strictjson import b64u, parse
from poc.errors import RefusedError, UnreachableError
from poc.hub.trail import verify_trail
from poc.limits import AUDIT_UNSIGNED_PER_MINUTE_MAX
from poc.store.trail import read_trail
from poc.web.routes import ROUTES
from tests.cli_world import poc
from tests.hub_messages import CONTROLLER
from tests.hub_process import ended, make_home, real_time, running
from tests.hub_world import World
from tests.registry import Registry, signed, usual
from tests.web.test_matrix import CALLERS, MISSING, REGISTRAR, a_registry, found, name, with_objects

PRIVILEGED = [route for route in ROUTES if route.audit is not None]
# A stream does not end; tests/web/test_stream.py has its own.
OTHERS = [route for route in ROUTES if route.audit is None and not route.path.endswith("/stream")]
ONE_OF_EACH = (
    *("jo.technical 1", "jo.technical 2", "jo authority", "sd.technical 1", CONTROLLER, REGISTRAR),
    *("jo.technical lost", "jo nobody"),
)
CANARY = "Canaria-Zqfive"


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path, a_registry()).running() as running:
        await running.fill()
        yield await with_objects(running)


async def records(world):
    rows = await world.store.read_audit(0, 9999)
    check_chain(rows)
    found_records: list[Any] = [parse(row.record) for row in rows]
    return found_records


def test_every_route_that_changes_more_than_the_callers_own_messages_is_privileged():
    changing = {name(route) for route in ROUTES if route.method != "GET"}
    own = {name(route) for route in ROUTES if route.path.startswith(("/v1/messages", "/v1/blobs"))}
    assert {name(route) for route in PRIVILEGED} == changing - own


@pytest.mark.parametrize("route", PRIVILEGED, ids=name)
async def test_each_call_of_a_privileged_route_leaves_exactly_one_record(world, route):
    object_id, body = world.objects.get(name(route), ("", b"{}"))
    for who in (*ONE_OF_EACH, None):
        for named in (object_id, MISSING):
            before = await records(world)
            status, answer = await world.ask(route.method, route.path.replace("{id}", named), body, who=who)
            new = (await records(world))[len(before) :]
            outcome = "proposed" if status == 202 else "done" if status < 300 else answer["code"]
            assert [(one["action"], one["outcome"]) for one in new] == [(route.audit, outcome)], (who, named)
            signed_by = who if who in CALLERS and route.roles else None
            known = answer if status < 300 else {}
            if signed_by is None:
                assert (new[0]["by"], new[0]["kid"]) == (None, None)
            elif known and who:
                assert new[0]["by"] == who.removesuffix(" 1").removesuffix(" 2").removesuffix(" authority")


async def test_no_other_route_leaves_one(world):
    before = await records(world)
    for route in OTHERS:
        object_id, body = world.objects.get(name(route), ("", b""))
        for who in ("jo.technical 1", "jo authority", None):
            await found(world, route, who, object_id, body)
            assert await records(world) == before, (name(route), who)


@pytest.mark.parametrize("who", ["jo.technical 1", None])
async def test_what_a_caller_makes_up_is_not_recorded(world, who):
    for path in (f"/v1/cards/{CANARY}", f"/v1/keys/{CANARY}", f"/v1/exercises/{CANARY}"):
        await world.ask("PUT", path, CANARY.encode(), who=who)
    await world.ask("POST", "/v1/statements", CANARY.encode())
    rows = await world.store.read_audit(0, 9999)
    assert not any(CANARY.encode() in row.record or CANARY.lower().encode() in row.record for row in rows)


async def test_too_large_and_encoded_bodies_are_recorded_too(world):
    for body, headers in ((b"x" * 200_000, {}), (b"x", {"Content-Encoding": "gzip"})):
        before = await records(world)
        _, problem = await world.ask("POST", "/v1/statements", body, headers=headers)
        (new,) = (await records(world))[len(before) :]
        assert new["outcome"] == problem["code"]


async def test_unknown_callers_cannot_fill_the_disk_and_what_is_not_listed_is_counted(world):
    before = len(await records(world))
    for _ in range(AUDIT_UNSIGNED_PER_MINUTE_MAX + 7):
        await world.ask("POST", "/v1/statements", b"{")
    assert len(await records(world)) - before == AUDIT_UNSIGNED_PER_MINUTE_MAX
    await world.hub.sweep()
    last = (await records(world))[-1]
    assert (last["action"], last["count"]) == ("refusals-not-listed", 7)
    world.now += timedelta(minutes=1)
    await world.ask("POST", "/v1/statements", b"{")
    assert (await records(world))[-1]["action"] == "statement"


async def test_a_step_that_could_not_be_recorded_is_not_answered_as_done(world, monkeypatch):
    async def fail(_event):
        raise UnreachableError("storage-failed", "full")

    object_id, body = world.objects["PUT /v1/keys/{id}"]
    with monkeypatch.context() as broken:
        broken.setattr(world.store, "append_audit", fail)
        status, problem = await world.ask("PUT", f"/v1/keys/{object_id}", body, who="jo.technical 1")
        assert (status, problem["code"]) == (503, "storage-failed")
        assert (await world.ask("PUT", f"/v1/keys/{MISSING}", body, who="jo.technical 1"))[0] == 404
    assert (await world.ask("PUT", f"/v1/keys/{object_id}", body, who="jo.technical 1"))[0] == 200


# --- the file ----------------------------------------------------------------------------------


@pytest.fixture
async def home(tmp_path):
    """A hub's home with a trail of some records, anchored, and what the anchor said."""
    async with World(tmp_path, usual()).running() as world:
        for entry in world.registry.entries[1:]:
            await world.ask("POST", "/v1/statements", entry.signed.value())
        await world.hub.sweep()
        row = await world.store.read_newest_audit()
        assert row is not None
        assert row.number > 5
        payload = signed(world.registry.entries[0].signed.payload)
        await world.ask("POST", "/v1/statements", payload.value())
    return tmp_path, f"{row.number}:{b64u(row.hash)}"


def change(home, sql, *values):
    with closing(sqlite3.connect(home / "hub.db")) as db:
        db.execute(sql, values)
        db.commit()


async def audit(home, *words):
    return await poc("registry", "audit", "--json", *words, home=home)


async def test_a_whole_trail_verifies_with_its_own_anchor_and_one_that_was_kept(home):
    folder, kept = home
    found_whole = await audit(folder, "--anchor", kept, "--export", str(folder / "trail.jsonl"))
    assert found_whole.code == 0, found_whole
    number = int(kept.partition(":")[0])
    assert found_whole.value["anchored_to"] == number
    assert found_whole.value["records"] == number + 1
    assert found_whole.value["anchors"] == 2
    lines = (folder / "trail.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(1, number + 2))
    assert "anchored up to" in (await poc("registry", "audit", home=folder)).out


TAMPERED = (
    ("UPDATE audit SET record = CAST(replace(record, 'statement', 'x') AS BLOB) WHERE number = 3", 3),
    ("UPDATE audit SET hash = zeroblob(32) WHERE number = 4", 4),
    ("DELETE FROM audit WHERE number = 1", 1),
    ("DELETE FROM audit WHERE number = 3", 3),
    ("DELETE FROM audit WHERE number > 3", 4),
    ("DELETE FROM audit", 1),
    ("UPDATE audit SET number = CASE number WHEN 2 THEN -3 WHEN 3 THEN -2 END WHERE number IN (2, 3)", 2),
    ("UPDATE audit_anchors SET note = CAST('x' AS BLOB)", None),
    ("UPDATE audit_anchors SET number = 2", 2),
)


async def test_any_row_changed_deleted_or_moved_is_named(home, tmp_path):
    folder, kept = home
    for n, (sql, row) in enumerate(TAMPERED):
        copy = shutil.copytree(folder, tmp_path / f"copy-{n}", ignore=shutil.ignore_patterns("copy-*"))
        change(copy, sql)
        with pytest.raises(RefusedError) as caught:
            verify_trail(read_trail(copy), ())
        assert caught.value.code == "audit-broken", sql
        assert caught.value.data["row"] == (row or int(kept.partition(":")[0])), sql


async def test_rows_in_each_others_place_are_named(home):
    folder, _ = home
    change(folder, "UPDATE audit SET number = -number WHERE number IN (2, 3)")
    change(folder, "UPDATE audit SET number = 5 + number WHERE number < 0")
    broken = await audit(folder)
    assert (broken.code, broken.value["code"], broken.value["row"]) == (1, "audit-broken", 2)


async def test_what_was_cut_off_with_its_anchors_shows_by_an_anchor_that_was_kept(home):
    folder, kept = home
    change(folder, "DELETE FROM audit WHERE number > 3")
    change(folder, "DELETE FROM audit_anchors")
    assert (await audit(folder)).code == 0
    assert (await audit(folder, "--anchor", kept)).value["row"] == 4


async def test_what_is_no_anchor_is_a_wrong_use(tmp_path):
    for words in ("x", "0:AA", "1:", "1:" + "A" * 42, "1:" + "A" * 42 + "B"):
        assert (await audit(tmp_path, "--anchor", words)).code == 2


async def test_a_folder_that_is_no_hubs_home_is_said_to_be_none(tmp_path):
    assert (await audit(tmp_path)).value["code"] == "not-a-hub"


def test_each_start_is_recorded_with_how_it_was_started_and_what_came_of_it(tmp_path):
    with real_time():
        make_home(tmp_path, Registry())
    for options in ((), ("--clock-confirmed", "--disregard-witness", "jo.witness")):
        with running(tmp_path, *options):
            pass
    (tmp_path / "keyring.jwe").unlink()
    assert ended(tmp_path)[0] == 1
    rows: list[Any] = [parse(row.record) for row in read_trail(tmp_path).rows]
    assert [(one["action"], one["outcome"], one["subject"]) for one in rows] == [
        ("start", "done", None),
        ("start-clock-confirmed", "done", None),
        ("witness-disregarded", "done", "jo.witness"),
        ("start", "no-log-key", None),
    ]
