"""Two hubs of one registry whose logs part: one message exposes them, and the proof is good anywhere."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from poc.client.evidence import keep_piece
from poc.client.forks import _own_reader, kept_forks
from poc.client.gossip import keep_contradictions
from poc.core import jws
from poc.core.checkpoint import Checkpoint, sign_checkpoint
from poc.core.fork import verify_fork
from poc.core.merkle import consistency_proof, verify_consistency
from poc.core.strictjson import canonical
from poc.errors import RefusedError
from tests import registry as made
from tests.desk_world import Between, draft, registry, sealed_again, sync_once_with
from tests.hub_world import World
from tests.quorum_world import known_of


@pytest.fixture
async def other(tmp_path, world):
    """A second hub of the registry, by the operator's own keys: the same log so far."""
    (tmp_path / "other").mkdir()
    second = World(tmp_path / "other", registry())
    async with second.running():
        await second.fill()
        yield second


@pytest.fixture
def known_desk(tmp_path):
    """What a desk knows of one log, and a head of another of which it was told."""
    own, forked = registry(), registry()
    own.enrol("om", "ye")
    forked.enrol("qa", "ye")
    return known_of(tmp_path / "home", own, own.checkpoint()), forked


def head_of_the_other(forked, by="log"):
    return forked.head(forked.directory.size - 1, by)


async def grow(world, *states):
    world.registry.enrol(*states)
    await world.fill()


async def refusal(awaited):
    with pytest.raises(RefusedError) as refused:
        await awaited
    return refused.value.code


def proven(desk, data):
    return verify_fork(data, desk.directory.fingerprint)


@pytest.mark.parametrize("more", [(), ("ye", "mr")], ids=["same-size", "larger-here"])
async def test_two_hubs_that_fork_at_a_size_are_exposed_by_one_message(desks, world, other, more):
    jo, sd, _ = desks
    first = await jo.send_message(draft(jo), ["sd.technical"])
    await grow(world, "om")
    await grow(other, "qa", *more)
    async with Between(other).running(sd) as between:
        await jo.sync()
        await sd.sync()
        assert jo.directory.size + len(more) == sd.directory.size
        message = sealed_again(jo, world, first.id, "From the other log", number=9, head=jo.head)
        report = await sync_once_with(between, sd, message)
        assert report.warnings[0].startswith("FORK OR ROLLBACK: 1 pair(s)")
        (fork,) = sd.forks()
        assert (fork.kind, fork.shown_size, fork.provable) == ("head-inconsistent", jo.directory.size, "here")
        found = proven(sd, await sd.export_fork())
    assert found.first.root == jo.known.root_at(jo.directory.size)
    assert found.second.root == sd.directory.tree.root()
    assert found.root == sd.known.root_at(jo.directory.size)


async def test_a_larger_log_of_the_hub_is_proven_from_its_own_tiles(desks, world, other):
    jo = desks[0]
    await grow(world, "om")
    await jo.sync()
    await grow(other, "qa", "ye", "mr")
    size = jo.directory.size
    async with Between(other).running(jo) as between:
        assert await refusal(jo.sync()) == "fork"
        assert [fork.provable for fork in jo.forks()] == ["with-the-hub"]
        found = proven(jo, await jo.export_fork(1))
        assert (found.first.size, found.second.size) == (size, size + 2)
        between.alter = lambda _method, path, body: body[::-1] if path.startswith("/tile/") else None
        assert await refusal(jo.export_fork(1)) == "fork-not-provable"
    jo.hub._base = world.origin
    await grow(world, "ye", "mr", "tn")
    await jo.sync()  # now that this log is longer, this desk needs nobody
    assert [fork.provable for fork in jo.forks()] == ["here"]
    assert proven(jo, await jo.export_fork()).first.size == size + 2


async def test_an_older_head_of_the_same_log_proves_nothing_to_others(desks, between):
    jo = desks[0]
    note = sign_checkpoint(Checkpoint(made.ORIGIN, 3, jo.known.root_at(3)), made.log_signer())
    between.alter = lambda _method, path, _body: note if path == "/checkpoint" else None
    assert await refusal(jo.sync()) == "rollback"
    assert [(fork.kind, fork.provable) for fork in jo.forks()] == [("rollback", "no")]
    assert await refusal(jo.export_fork()) == "fork-not-provable"


async def test_only_what_is_kept_can_be_exported(desks):
    jo = desks[0]
    assert kept_forks(jo.known) == []
    assert await refusal(jo.export_fork()) == "no-such-fork"
    jo.known.trust.add_proof("id-used-twice", b"{}", b"{}")  # not of heads
    assert await refusal(jo.export_fork(1)) == "no-such-fork"


def test_every_signed_artefact_that_comes_is_compared_whatever_else_is_wrong_with_it(known_desk):
    known, other = known_desk
    head = head_of_the_other(other)
    for typ in (jws.RECEIPT, jws.RETRIEVAL, jws.ACKNOWLEDGEMENT, jws.CANCEL):
        known.trust._write("DELETE FROM proof", ())
        text = jws.sign_compact(canonical({"head": head}), typ, made.signing_key("nobody"))
        kind = typ.removeprefix("poc-").removesuffix("+jws")
        with pytest.raises(RefusedError):
            keep_piece(known, {"message": "m", "kind": kind, "jws": text})
        assert [fork.kind for fork in kept_forks(known)] == ["head-inconsistent"], typ


def test_a_head_by_no_key_of_the_log_is_no_contradiction(known_desk):
    known, other = known_desk
    assert not keep_contradictions(known, [head_of_the_other(other, "an impostor"), "no head", ""])
    assert kept_forks(known) == []


async def test_an_announcement_and_an_order_with_a_forked_head_are_kept_as_proof(desks, world, between):
    jo, _, control = desks
    forked = registry()
    forked.enrol("qa")
    await grow(world, "om")
    for desk in desks:
        await desk.sync()
    size = jo.directory.size
    await control.open_exercise(
        "ex-1", title={"en": "Drill"}, participants=["jo.technical", "sd.technical"],
        opens_at=world.now, closes_at=world.now + timedelta(hours=1),
    )  # fmt: skip

    def edit(page):
        for item in page["exercises"]:
            value = json.loads(jws.read_compact(item["orders"][0]).payload)
            value["head"] = forked.head(size)
            item["orders"][0] = jws.sign_compact(
                canonical(value), jws.ORDER, made.signing_key("x-arcc.controller-1 1")
            )

    between.change("/v1/exercises", edit)
    report = await jo.sync()
    assert any(line.startswith("FORK") for line in report.warnings)
    assert [fork.provable for fork in jo.forks()] == ["here"]
    assert proven(jo, await jo.export_fork()).first.size == size


async def test_an_evidence_file_of_another_log_is_refused_at_a_desk_and_its_head_kept(desks, world, other):
    jo, sd, _ = desks
    await grow(world, "om")
    await grow(other, "qa")
    await jo.sync()
    async with Between(other).running(sd):
        await sd.sync()
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    data = await jo.evidence(sent.id)
    with pytest.raises(RefusedError) as refused:
        sd.compare_evidence(data)
    assert refused.value.code == "head-inconsistent"
    assert sd.forks()[0].provable == "here"
    jo.compare_evidence(data)
    with pytest.raises(RefusedError) as refused:
        sd.compare_evidence(b"{}")
    assert refused.value.code == "bad-form"


def test_the_proof_between_two_sizes_is_that_of_the_larger_tree(known_desk):
    known, _ = known_desk
    read = _own_reader(known)
    size = known.directory.size
    for first in range(1, size):
        proof = consistency_proof(first, size, read)
        roots = known.root_at(first), known.root_at(size)
        verify_consistency(first, size, *roots, proof)
