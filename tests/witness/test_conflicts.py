"""What speaks against a log is kept beside what was cosigned; a log removed and added again goes on."""

from __future__ import annotations

import pytest

from poc.core.checkpoint import verify_checkpoint
from poc.core.note import Signer
from poc.errors import RefusedError
from poc.witness import store
from poc.witness.store import read_conflicts, read_logs
from tests.registry import signing_key
from tests.witness_world import AT, LOG, ORIGIN, OTHER_LOG, TREE, Tree, WitnessWorld

FORK = Tree(fork=3)


@pytest.fixture
async def world(tmp_path):
    async with WitnessWorld(tmp_path).running() as running:
        assert (await running.post(TREE.body(0, 8)))[0] == 200
        yield running


async def kinds(world):
    return [(conflict.kind, conflict.size) for conflict in await world.store.conflicts()]


async def test_two_roots_of_one_size_are_kept_as_both_notes_whatever_the_old_size(world):
    for old, code in ((8, 422), (3, 409), (8, 422)):
        assert (await world.post(FORK.body(old, 8)))[0] == code
    [kept] = await world.store.conflicts()
    assert (kept.kind, kept.size, kept.kept_at) == ("two-roots", 8, int(AT.timestamp()))
    shown = verify_checkpoint(kept.shown, ORIGIN, [LOG.verifier()])
    cosigned = verify_checkpoint(kept.cosigned, ORIGIN, [LOG.verifier()])
    assert (shown.size, cosigned.size) == (8, 8)
    assert shown.root != cosigned.root
    assert await read_conflicts(world.home) == (kept,)


async def test_what_is_not_shown_to_continue_is_kept_until_it_is(world):
    assert (await world.post(FORK.body(8, 10)))[0] == 422
    assert (await world.post(b"old 8\n\n" + TREE.note(12)))[0] == 422
    assert await kinds(world) == [("unproved", 10), ("unproved", 12)]
    assert (await world.post(TREE.body(8, 12)))[0] == 200
    assert await kinds(world) == [("unproved", 10)]


@pytest.mark.parametrize(
    "body",
    [
        FORK.body(8, 8, OTHER_LOG),
        FORK.body(8, 10, Signer(ORIGIN, signing_key("nobody's"))),
        TREE.body(3, 8),
        TREE.body(3, 10),
        b"old 8\n" + TREE.body(8, 10).split(b"\n\n")[0].split(b"\n", 1)[1] + b"\n\n" + TREE.note(8),
    ],
)
async def test_what_the_log_did_not_sign_or_what_contradicts_nothing_is_not_kept(world, body):
    assert (await world.post(body))[0] in {403, 409, 422}
    assert await kinds(world) == []


async def test_before_the_first_cosignature_nothing_is_kept(tmp_path):
    async with WitnessWorld(tmp_path).running() as world:
        proof = TREE.body(8, 10).split(b"\n\n")[0].split(b"\n", 1)[1]
        assert (await world.post(b"old 0\n" + proof + b"\n\n" + TREE.note(10)))[0] == 422
        assert await kinds(world) == []


async def test_others_cannot_crowd_out_a_fork(world, monkeypatch):
    monkeypatch.setattr(store, "CONFLICTS_MAX", 2)
    for size in (10, 11, 12, 13):
        await world.post(b"old 8\n\n" + TREE.note(size))
    assert await kinds(world) == [("unproved", 10), ("unproved", 11)]
    await world.post(FORK.body(8, 8))
    assert (await kinds(world))[-1] == ("two-roots", 8)


async def test_a_log_that_is_removed_is_not_known_and_its_tree_is_not_forgotten(world):
    await world.post(FORK.body(8, 8))
    await world.store.remove_log(ORIGIN)
    assert await world.code(TREE.body(8, 9)) == (404, "unknown-log")
    assert await read_logs(world.home) == ()
    with pytest.raises(RefusedError) as refused:
        await world.store.remove_log(ORIGIN)
    assert refused.value.code == "unknown-log"
    await world.store.add_log(ORIGIN, [LOG.verifier()])
    assert (await world.post(TREE.body(0, 9)))[0] == 409
    assert (await world.post(FORK.body(8, 9)))[0] == 422
    assert (await world.post(TREE.body(8, 9)))[0] == 200
    assert ("two-roots", 8) in await kinds(world)


async def test_a_key_that_was_known_before_a_log_was_removed_is_not_known_after(world):
    await world.store.remove_log(ORIGIN)
    await world.store.add_log(ORIGIN, [OTHER_LOG.verifier()])
    assert await world.code(TREE.body(8, 9)) == (403, "not-by-the-log")
    assert (await world.post(TREE.body(8, 9, OTHER_LOG)))[0] == 200


async def test_a_record_of_an_earlier_version_is_brought_up(tmp_path):
    world = WitnessWorld(tmp_path)
    async with world.running():
        await world.post(TREE.body(0, 8))
        await world.store._write(_as_of_the_first_version)
    async with world.running():
        assert (await world.post(TREE.body(8, 9)))[0] == 200
        await world.store._write(lambda db: db.execute("UPDATE log SET note = NULL"))
        await world.post(FORK.body(9, 9))
        [kept] = await world.store.conflicts()
        assert kept.cosigned is None


def _as_of_the_first_version(db):
    for table in ("entry", "notice", "conflict"):
        db.execute(f"DROP TABLE {table}")
    for column in ("note", "hub", "fingerprint", "removed"):
        db.execute(f"ALTER TABLE log DROP COLUMN {column}")
    db.execute("DELETE FROM migrations WHERE number = 2")
