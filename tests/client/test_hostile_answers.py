"""A hub that lies in its refusals or in its sizes: what it says steers nothing of a desk."""

from __future__ import annotations

import json

import pytest

from poc.client import log
from poc.errors import RefusedError
from tests.desk_world import draft


def refusing(method, start, status=409, **problem):
    """Answer such a request with this problem."""

    def alter(asked, path, _body):
        body = json.dumps({"detail": "", **problem}).encode()
        return (body, status) if asked == method and path.startswith(start) else None

    return alter


async def test_a_message_called_logged_stays_to_be_sent(desks, between):
    jo = desks[0]
    between.alter = refusing("PUT", "/v1/messages", code="already-logged")
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    assert sent.state == "waiting"
    between.honest()
    assert (await jo.sync()).sent == 1
    assert jo.known.trust.outbox_row("message", sent.id).state == "accepted"


@pytest.mark.parametrize("name", ["self", "code", "detail", "data", "__class__", ""])
async def test_no_member_of_a_refusal_is_more_than_data(desks, between, name):
    jo = desks[0]
    between.alter = refusing("GET", "/v1/cards", **{"code": "not-found", name: 1})
    report = await jo.sync()
    assert len(report.failed) == 1
    between.honest()
    assert (await jo.sync()).failed == []


OWN_CODES = ("fork", "rollback", "home-damaged", "update-needed", "wrong-passphrase", "no-device")


@pytest.mark.parametrize("code", OWN_CODES)
@pytest.mark.parametrize("where", ["/checkpoint", "/v1/cards"])
async def test_what_only_this_desk_can_find_is_not_taken_from_the_hub(desks, between, code, where):
    jo = desks[0]
    between.alter = refusing("GET", where, code=code)
    if where == "/checkpoint":
        with pytest.raises(RefusedError) as refused:
            await jo.sync()
        assert refused.value.code == "hub-refused"
    else:
        assert (await jo.sync()).failed == ["hub-refused"]
    assert not jo.known.trust.value("update-needed")
    assert jo.known.trust.proofs() == []


async def test_the_text_of_a_refusal_is_bounded(desks, between):
    jo = desks[0]
    between.alter = refusing("PUT", "/v1/messages", code="clock-skew", detail="x" * 200_000, more="y")
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    row = jo.known.trust.outbox_row("message", sent.id)
    assert row.state == "waiting"
    assert len(row.reason or "") + len(row.answer or b"") < 2_000


async def test_entries_of_a_sync_are_bounded_by_their_bytes(desks, world, monkeypatch):
    jo = desks[0]
    world.registry.enrol("eg", "dz", "ma")
    await world.fill()
    monkeypatch.setattr(log, "ENTRIES_BYTES_MAX", 100)
    with pytest.raises(RefusedError) as refused:
        await jo.sync()
    assert refused.value.code == "bad-answer-from-hub"


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"payload": 1, "signatures": []}])
async def test_a_proposal_that_is_none_is_a_bad_answer(desks, between, value):
    between.change("/v1/proposals", lambda page: page.update(proposals=[value]))
    with pytest.raises(RefusedError) as refused:
        await desks[0].proposals()
    assert refused.value.code == "bad-answer-from-hub"
