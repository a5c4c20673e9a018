"""The outbox: a connection that breaks at every step, refusals, a clock that is off."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from poc.client.outbox import settle_statements
from poc.core.strictjson import canonical
from poc.errors import RefusedError, UnreachableError
from tests import registry as made
from tests.desk_world import draft


async def story(jo, sd):
    """Send two messages, receive both, acknowledge one, learn of it; whatever breaks is tried again later."""
    sent = [(await jo.send_message(draft(jo), ["sd.technical"])).id for _ in range(2)]
    await quietly(sd.sync())
    if sent[0] in {row["message"] for row in sd.inbox() if row["verified"]}:
        await quietly(sd.acknowledge(sent[0]))
    await quietly(jo.sync())
    return sent


async def quietly(call):
    with contextlib.suppress(UnreachableError):
        await call


async def settle(jo, sd, sent):
    """What a person does after the line is back: sync, acknowledge what is not yet, sync."""
    await jo.sync()
    await sd.sync()
    for message in sent:
        answered = [row for row in sd.outbox() if row["ref"].startswith(f"{message}:acknowledged")]
        if not answered:
            await sd.acknowledge(message)
    await jo.sync()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_connection_that_breaks_at_any_call_loses_doubles_and_reorders_nothing(
    desks, world, between, when, rounds
):
    jo, sd, _ = desks
    broken, step = 0, rounds(5, long=1, of="calls from one that is broken to the next")
    while True:
        first = len(between.calls)
        between.fail = lambda number, at=first + broken: when if number == at else None
        sent = await story(jo, sd)
        reached = len(between.calls) - first > broken
        between.honest()
        await settle(jo, sd, sent)
        bodies = [row for row in jo.known.trust.outbox(kind="message") if row.ref in sent]
        assert [row.ref for row in bodies] == sent, broken
        assert [row.state for row in bodies] == ["accepted", "accepted"], broken
        got = [row for row in sd.inbox() if row["message"] in sent]
        assert [row["message"] for row in got] == sent, broken
        assert [row["state"] for row in got] == ["acknowledged", "acknowledged"], broken
        for message in sent:
            kinds = [kind for kind, _ in jo.known.trust.evidence(message)]
            assert sorted(kinds) == ["acknowledgement", *["receipt"] * 3, "retrieval"], broken
        if not reached:
            break
        broken += step
    assert broken > 15  # every call of the story was broken once


class PowerCutError(Exception):
    """The process ended here."""


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_process_that_ends_before_or_after_any_write_of_a_sync_goes_on_where_it_was(
    desks, world, monkeypatch, when
):
    jo, sd, _ = desks
    trust = type(sd.known.trust)
    write, cuts, at = trust._write, 0, [-1]

    def cut(self, sql, values):
        if self is sd.known.trust:
            at[0] -= 1
            if at[0] == 0 and when == "before":
                raise PowerCutError
        found = write(self, sql, values)
        if self is sd.known.trust and at[0] == 0:
            raise PowerCutError
        return found

    monkeypatch.setattr(trust, "_write", cut)
    while True:
        at[0] = -1
        sent = await jo.send_message(draft(jo), ["sd.technical"])
        cuts += 1
        at[0] = cuts
        ended = False
        try:
            await sd.sync()
        except PowerCutError:
            ended = True
        at[0] = -1
        await sd.sync()
        (row,) = [row for row in sd.inbox() if row["message"] == sent.id]
        assert row["state"] == "retrieved", cuts
        answers = [row for row in sd.known.trust.outbox(kind="answer") if row.ref.startswith(sent.id)]
        assert [row.state for row in answers] == ["done"], cuts
        if not ended:
            break
    assert cuts > 6


async def test_a_hub_that_is_down_is_said_and_everything_waits_in_order(desks, world):
    jo, sd, _ = desks
    there, jo.hub._base = jo.hub._base, "http://127.0.0.1:9"
    sent = [await jo.send_message(draft(jo), ["sd.technical"]) for _ in range(3)]
    assert {one.state for one in sent} == {"waiting"}
    with pytest.raises(UnreachableError) as failed:
        await jo.sync()
    assert (failed.value.code, failed.value.exit_code) == ("hub-unreachable", 3)
    jo.hub._base = there
    assert (await jo.sync()).sent == 3
    await sd.sync()
    assert [row["sequence"] for row in sd.inbox()] == [1, 2, 3]


@pytest.mark.parametrize("off", [timedelta(minutes=10), -timedelta(minutes=10), timedelta(days=1)])
async def test_a_clock_that_is_off_is_warned_of_and_signs_requests_by_the_hubs_time(desks, world, off):
    jo, _, _ = desks
    jo.known._clock = jo.hub._clock = lambda: world.now + off
    report = await jo.sync()
    assert report.failed == []
    assert [w for w in report.warnings if "the clock of this computer is off" in w]
    assert len([w for w in report.warnings if "is off" in w]) == 1  # once, not for every request


async def test_a_message_dated_by_a_clock_that_is_ahead_is_refused_for_good_with_a_next_step(desks, world):
    jo, _, _ = desks
    jo.known._clock = jo.hub._clock = lambda: world.now + timedelta(minutes=10)
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    assert (sent.state, (sent.reason or "").partition(":")[0]) == ("rejected", "sent-in-future")


async def test_a_card_whose_statement_is_not_logged_yet_waits_and_is_not_reported(desks, world):
    jo, _, _ = desks
    jo.known.trust.put_outbox(
        "opening", "x" * 43, canonical({"part": "office", "salt": "A" * 43, "bytes": ""})
    )
    for _ in range(2):
        report = await jo.sync()
        assert report.rejected == []
        assert not any("opening" in warning for warning in report.warnings)
    assert [row["state"] for row in jo.outbox()] == ["waiting"]


async def test_a_statement_counts_as_logged_only_once_the_verified_log_has_it(desks, world, between):
    jo, _, _ = desks
    sub = jo.directory.contact("jo.technical").newest.leaf_hash
    payload = world.registry.payload("contact.confirm", "jo.technical", {"entry": sub}, issued_at=world.now)
    signed = made.signed(payload, "jo authority")
    from poc.core.statement import payload_sha256

    ref = payload_sha256(payload)
    jo.known.trust.put_outbox("statement", ref, canonical(signed.value()))
    between.alter = lambda method, path, _body: (
        (b'{"index":9,"leaf_hash":"x","logged_at":"2026-11-24T08:00:00Z"}', 201)
        if (method, path) == ("POST", "/v1/statements")
        else None
    )
    report = await jo.sync()  # the hub was told, and answers so; in truth it did log it
    assert jo.known.trust.outbox_row("statement", ref).state == "submitted"
    assert any("the verified log lacks it" in warning for warning in report.warnings)
    between.honest()
    report = await jo.sync()
    assert jo.known.trust.outbox_row("statement", ref).state == "logged"
    assert settle_statements(jo.known) == []


async def test_a_refusal_for_good_is_reported_once_with_what_to_do(desks, world):
    jo, _, _ = desks
    jo.known.trust.put_outbox("order", "ex-9:1", canonical({"order": "x.y.z"}))
    report = await jo.sync()
    assert len(report.rejected) == 1
    assert report.rejected[0].startswith("order ex-9:1: ")
    assert (await jo.sync()).rejected == []


def refuse_puts(method, _path, _body):
    return (b'{"code":"id-used","detail":""}', 409) if method == "PUT" else None


async def test_a_refusal_that_is_not_true_is_put_right_by_the_receipt_and_told(desks, between):
    jo, sd, _ = desks
    between.alter = refuse_puts
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    assert (sent.state, sent.reason) == ("rejected", "id-used")
    between.honest()
    report = await jo.sync()
    assert any("but its receipt says accepted" in warning for warning in report.warnings)
    assert jo.known.trust.outbox_row("message", sent.id).state == "accepted"
    await sd.sync()
    assert [row["message"] for row in sd.inbox()] == [sent.id]


async def test_a_desk_that_may_not_send_says_so_before_anything_is_kept(desks, world):
    jo, _, _ = desks
    with pytest.raises(RefusedError) as refused:
        await jo.send_message(draft(jo), ["eg.technical"])
    assert refused.value.code == "unknown-contact"
    assert jo.outbox() == []
    assert jo.known.trust.next_sequence(made.signing_key("jo.technical 1").kid, "eg.technical", "test") == 1
