"""Forks and rollbacks: refused, both heads kept, told with what to do; also when found inside a message."""

from __future__ import annotations

import json

import pytest

from poc.core.checkpoint import Checkpoint, head_of, sign_checkpoint
from poc.core.note import Signer
from poc.errors import RefusedError
from tests import registry as made
from tests.desk_world import draft, sealed_again, sync_once_with


def checkpoint(size, root=b"\7" * 32, signer=None):
    return sign_checkpoint(Checkpoint(made.ORIGIN, size, root), signer or made.log_signer())


def forked_head(size):
    return head_of(checkpoint(size), [made.log_signer().verifier()])


async def refused_sync(desk, between, note):
    between.alter = lambda _method, path, _body: note if path == "/checkpoint" else None
    head, size = desk.head, desk.directory.size
    with pytest.raises(RefusedError) as refused:
        await desk.sync()
    assert (desk.head, desk.directory.size) == (head, size)
    return refused.value


async def test_another_root_at_the_same_size_is_a_fork(desks, between):
    jo = desks[0]
    note = checkpoint(jo.directory.size)
    own = jo.known.trust.value("head")
    error = await refused_sync(jo, between, note)
    assert error.code == "fork"
    assert "both signed heads are kept" in error.next_step
    assert jo.known.trust.proofs() == [("fork", own, note)]


async def test_a_smaller_log_of_the_same_prefix_is_a_rollback_and_of_another_a_fork(desks, between):
    jo = desks[0]
    size = jo.directory.size - 2
    assert (await refused_sync(jo, between, checkpoint(size, jo.known.root_at(size)))).code == "rollback"
    assert (await refused_sync(jo, between, checkpoint(size))).code == "fork"
    assert [kind for kind, _, _ in jo.known.trust.proofs()] == ["rollback", "fork"]


async def test_a_larger_log_whose_entries_do_not_give_its_root_is_a_fork(desks, world, between):
    jo = desks[0]
    world.registry.enrol("eg")
    await world.fill()
    assert (await refused_sync(jo, between, checkpoint(jo.directory.size + 1))).code == "fork"


async def test_an_absurd_size_is_refused_before_anything_is_fetched(desks, between):
    error = await refused_sync(desks[0], between, checkpoint(2**53 - 1))
    assert error.code == "bad-answer-from-hub"
    assert [path for _, path in between.calls] == ["/checkpoint"]


async def test_a_head_by_a_key_that_is_not_the_logs_proves_nothing(desks, between):
    jo = desks[0]
    impostor = Signer(made.ORIGIN, made.signing_key("an impostor"))
    error = await refused_sync(jo, between, checkpoint(jo.directory.size, signer=impostor))
    assert error.code == "unsigned-note"
    assert jo.known.trust.proofs() == []


async def test_a_contradiction_is_kept_once_told_for_ever_and_syncing_goes_on_with_the_true_log(
    desks, between
):
    jo = desks[0]
    note = checkpoint(jo.directory.size)
    for _ in range(3):
        await refused_sync(jo, between, note)
    assert len(jo.known.trust.proofs()) == 1
    between.honest()
    report = await jo.sync()
    assert report.warnings[0].startswith("FORK OR ROLLBACK: 1 pair(s)")


async def test_nothing_is_sent_to_a_hub_that_shows_another_log(desks, between):
    jo = desks[0]
    there, jo.hub._base = jo.hub._base, "http://127.0.0.1:9"
    await jo.send_message(draft(jo), ["sd.technical"])
    jo.hub._base = there
    await refused_sync(jo, between, checkpoint(jo.directory.size))
    assert not [path for method, path in between.calls if method == "PUT"]
    assert [row["state"] for row in jo.outbox()] == ["waiting"]


async def test_a_message_whose_head_contradicts_the_log_is_refused_and_its_head_kept_as_proof(
    desks, world, between
):
    jo, sd, _ = desks
    first = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    head = forked_head(sd.directory.size - 1)
    report = await sync_once_with(
        between, sd, sealed_again(jo, world, first.id, "From the other log", number=9, head=head)
    )
    assert [row["reason"] for row in sd.inbox()] == [None, "head-inconsistent"]
    ((kind, kept, shown),) = sd.known.trust.proofs()
    assert (kind, kept, shown) == ("head-inconsistent", sd.known.trust.value("head"), head.encode())
    assert any(warning.startswith("FORK") for warning in report.warnings)


async def test_a_receipt_whose_head_contradicts_the_log_is_a_proof_and_settles_nothing(desks, between):
    from poc.core import jws
    from poc.core.strictjson import canonical

    jo = desks[0]

    def edit(answer):
        value = json.loads(jws.read_compact(answer["receipt"]).payload)
        value["head"] = forked_head(jo.directory.size)
        answer["receipt"] = jws.sign_compact(canonical(value), jws.RECEIPT, made.signing_key("hub"))

    between.change("/v1/messages", edit, "PUT")
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    assert (sent.state, sent.reason) == ("unverified-receipt", "head-inconsistent")
    assert [kind for kind, _, _ in jo.known.trust.proofs()] == ["head-inconsistent"]
    assert jo.warnings()[0].startswith("FORK")
