"""A hub that answers wrongly: told, never a traceback, nothing lost, the next step not held up."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from poc.client import feeds
from poc.core.strictjson import canonical
from poc.errors import RefusedError
from tests import registry as made
from tests.desk_world import SIDES, draft

FEEDS = {feed.name: feed for feed in (feeds.CARDS, feeds.KEYS, feeds.EXERCISES, feeds.INBOX, feeds.EVIDENCE)}


BAD_PAGES = {
    "not JSON": lambda _page, _m: b"<html>",
    "nothing": lambda _page, _m: b"",
    "a list": lambda _page, _m: b"[]",
    "null": lambda _page, _m: b"null",
    "one member twice": lambda _page, _m: b'{"next":1,"next":1}',
    "too deep": lambda _page, _m: b"[" * 40 + b"]" * 40,
    "an endless number": lambda _page, _m: b'{"next":' + b"9" * 400 + b"}",
    "no items": lambda page, m: page.pop(m),
    "items that are an object": lambda page, m: page.update({m: {}}),
    "items that are null": lambda page, m: page.update({m: None}),
    "no next": lambda page, _m: page.pop("next"),
    "next as text": lambda page, _m: page.update(next="5"),
    "next true": lambda page, _m: page.update(next=True),
    "next as a fraction": lambda page, _m: page.update(next=1.5),
    "next below zero": lambda page, _m: page.update(next=-1),
    "a number that repeats": lambda page, m: page[m].append(page[m][-1]),
    "a number that goes back": lambda page, m: page[m].reverse() or page[m].append(page[m][0]),
    "a number beyond next": lambda page, m: page[m][-1].update(number=2**40),
    "a number below zero": lambda page, m: page[m][0].update(number=-4),
    "a number as text": lambda page, m: page[m][0].update(number="1"),
    "an item without a number": lambda page, m: page[m][0].pop("number"),
    "an item that is text": lambda page, m: page[m].__setitem__(0, "x"),
    "an item that is null": lambda page, m: page[m].__setitem__(0, None),
    "the same page for ever": lambda page, _m: page.update(next=0),
}


async def full(desks, world):
    """Give every feed of jo's desk something new: a card, a key, an exercise, a message, evidence."""
    jo, sd, control = desks
    office, reach = made.openings("sd.technical")
    for opening in (office, reach):
        who = "sd authority"
        body = canonical({"part": opening.part, "salt": opening.salt, "bytes": opening.bytes})
        await world.ask("PUT", f"/v1/cards/{opening.commitment()}", body, who=who)
    await control.open_exercise(
        "ex-1", title={"en": "Ping"}, participants=SIDES, opens_at=world.now,
        closes_at=world.now + timedelta(hours=1),
    )  # fmt: skip
    first = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    await sd.send_message(draft(sd), ["jo.technical"])
    await sd.send_message(draft(sd), ["jo.technical"])
    for name in FEEDS:
        jo.known.trust.set_cursor(name, 0)
    return first.id


def here(desk, message):
    trust = desk.known.trust
    return (
        len(trust.openings()), len(trust.exercises()), len(trust.inbox()), len(trust.evidence(message)),
        trust.sealing_key(made.sealing_key("sd.technical 1").kid) is not None,
    )  # fmt: skip


EVERYTHING = (2, 1, 3, 3, True)  # its own message too; accepted, the retrieval, recorded


@pytest.mark.parametrize("name", FEEDS)
async def test_a_page_that_is_none_is_told_moves_no_cursor_and_loses_nothing(desks, world, between, name):
    jo = desks[0]
    message = await full(desks, world)
    feed = FEEDS[name]
    for what, edit in BAD_PAGES.items():
        jo.known.trust.set_cursor(name, 0)
        between.change(
            f"/v1/{name}", lambda page, edit=edit: edit(page, feed.member) if page[feed.member] else None
        )
        report = await jo.sync()
        assert set(report.failed) == {"bad-answer-from-hub"}, what
        assert any(w.startswith(f"{name}: bad-answer-from-hub") for w in report.warnings), what
        assert jo.known.trust.cursor(name) == 0, what
    between.honest()
    report = await jo.sync()
    assert report.failed == []
    assert here(jo, message) == EVERYTHING


@pytest.mark.parametrize("name", FEEDS)
async def test_one_bad_item_is_told_set_aside_and_the_others_are_kept(desks, world, between, name):
    jo = desks[0]
    message = await full(desks, world)
    member = FEEDS[name].member
    values: list[Any] = [None, 1, "x", [], {}, {"v": 1}, -1, True, "é" * 3000]
    for what in values:
        jo.known.trust.set_cursor(name, 0)

        def edit(page, what=what):
            for key in page[member][0] if page[member] else ():
                if key != "number":
                    page[member][0][key] = what

        between.change(f"/v1/{name}", edit)
        report = await jo.sync()
        assert report.failed == [], what
        assert any(f"{name}: item" in w and "was refused" in w for w in report.warnings), what
    assert len(jo.known.trust.aside(name)) == 9
    between.honest()
    await jo.sync(from_start=True)
    assert here(jo, message) == EVERYTHING


def flipped(text):
    return text[:-6] + ("A" if text[-6] != "A" else "B") + text[-5:]


@pytest.mark.parametrize("member", ["message", "accepted", "envelope"])
async def test_an_item_of_the_inbox_that_was_altered_is_never_shown_as_verified(
    desks, world, between, member
):
    jo, sd, _ = desks
    sent = await sd.send_message(draft(sd), ["jo.technical"])

    def edit(page):
        for item in page["items"]:
            if member == "message":
                item["message"] = "01934567-89ab-7cde-8f01-23456789abcd"
            elif member == "accepted":
                item["accepted"] = flipped(item["accepted"])
            else:
                item["envelope"]["ciphertext"] = flipped(item["envelope"]["ciphertext"])

    between.change("/v1/inbox", edit)
    await jo.sync()
    rows = jo.known.trust.inbox(sent.id)
    assert [row.state for row in rows] in ([], ["refused"])
    with pytest.raises(RefusedError):
        jo.show(sent.id)
    between.honest()
    await jo.sync(from_start=True)
    assert jo.show(sent.id).message.subject == "A seeded subject"


async def test_a_forged_envelope_first_does_not_keep_the_true_one_out(desks, world, between):
    jo, sd, _ = desks
    sent = await sd.send_message(draft(sd), ["jo.technical"])

    def forge(page):
        for item in page["items"]:
            item["envelope"]["ciphertext"] = "AAAA" + item["envelope"]["ciphertext"][4:]
            item["accepted"] = None

    between.change("/v1/inbox", forge)
    await jo.sync()
    with pytest.raises(RefusedError) as refused:
        jo.show(sent.id)
    assert refused.value.code == "cannot-open"
    between.honest()
    report = await jo.sync(from_start=True)
    assert [row["state"] for row in jo.inbox() if row["message"] == sent.id] == ["refused", "retrieved"]
    assert jo.show(sent.id).message.id == sent.id
    assert jo.known.trust.proofs() == []  # the forged one accuses nobody
    assert not any("two different" in w for w in report.warnings)


# --- evidence ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["receipt", "retrieval"])
async def test_evidence_that_does_not_verify_counts_for_nothing_and_is_kept_apart(
    desks, world, between, kind
):
    from poc.client.progress import message_progress

    jo, sd, _ = desks
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()

    def edit(page):
        for item in page["items"]:
            if item["kind"] == kind:
                item["jws"] = flipped(item["jws"])

    between.change("/v1/evidence", edit)
    report = await jo.sync()
    (row,) = message_progress(jo.known, sent.id)["contacts"]
    assert row["state"] == "none"
    assert {code for *_, code in jo.known.trust.refused_evidence()} == {"bad-signature"}
    assert any("do not verify" in warning for warning in report.warnings)
    between.honest()
    await jo.sync(from_start=True)
    (row,) = message_progress(jo.known, sent.id)["contacts"]
    assert row["state"] == "retrieved"


async def test_evidence_shown_as_of_another_message_is_not_taken_for_it(desks, world, between):
    jo, sd, _ = desks
    one = await jo.send_message(draft(jo), ["sd.technical"])
    two = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()

    def swap(page):
        for item in page["items"]:
            item["message"] = two.id if item["message"] == one.id else one.id

    between.change("/v1/evidence", swap)
    report = await jo.sync()
    assert [kind for kind, _ in jo.known.trust.evidence(two.id)] == ["receipt"]  # its own, at sending
    assert sum("receipt-mismatch" in warning for warning in report.warnings) == 6
    between.honest()
    await jo.sync(from_start=True)
    assert [len(jo.known.trust.evidence(sent.id)) for sent in (one, two)] == [3, 3]


async def test_evidence_of_a_message_that_is_not_here_is_kept_until_it_is(desks, world, between):
    jo = desks[0]
    message = await full(desks, world)
    jo.known.trust._write("DELETE FROM outbox WHERE ref = ?", (message,))  # as if another desk had sent it
    jo.known.trust._write("DELETE FROM evidence WHERE message = ?", (message,))
    between.change("/v1/inbox", lambda page: page.update(items=[], next=0))
    report = await jo.sync()
    assert sum("unknown-message" in warning for warning in report.warnings) == 3
    assert jo.known.trust.evidence(message) == []
    between.honest()
    await jo.sync()
    assert len(jo.known.trust.evidence(message)) == 3
    assert jo.known.trust.aside("evidence") == []


# --- receipts on arrival -----------------------------------------------------------------------


async def other_receipt(desks, world, event):
    """A true receipt of the hub, but over something else."""
    jo, sd, _ = desks
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    _, pieces = await world.ask("GET", f"/v1/messages/{sent.id}/evidence", who="jo.technical 1")
    return pieces["receipts"][0 if event == "accepted" else 1]


BAD_RECEIPTS = {
    "none": lambda answer, _other: answer.pop("receipt"),
    "null": lambda answer, _other: answer.update(receipt=None),
    "a number": lambda answer, _other: answer.update(receipt=7),
    "no JWS": lambda answer, _other: answer.update(receipt="x"),
    "a broken signature": lambda answer, _other: answer.update(receipt=flipped(answer["receipt"])),
    "of another message": lambda answer, other: answer.update(receipt=other),
}


def no_evidence(alter):
    """The same hub, which shows no evidence either."""

    def altered(method, path, body):
        empty = b'{"items":[],"next":0}'
        return empty if path.startswith("/v1/evidence") else alter(method, path, body)

    return altered


async def test_a_receipt_that_does_not_verify_leaves_a_message_unsettled(desks, world, between):
    jo, sd, _ = desks
    other = await other_receipt(desks, world, "accepted")
    for what, edit in BAD_RECEIPTS.items():
        jo.known.trust.set_cursor("evidence", 0)
        between.change("/v1/messages", lambda answer, edit=edit: edit(answer, other), "PUT")
        between.alter = no_evidence(between.alter)
        sent = await jo.send_message(draft(jo), ["sd.technical"])
        assert (sent.state, sent.receipt) == ("unverified-receipt", None), what
        report = await jo.sync()
        assert any("receipt does not verify" in warning for warning in report.warnings), what
        assert jo.known.trust.outbox_row("message", sent.id).state == "unverified-receipt", what
        between.honest()
        report = await jo.sync()
        assert report.sent == 1, what
        (row,) = [row for row in jo.outbox() if row["ref"] == sent.id]
        assert (row["state"], row["reason"]) == ("accepted", None), what
        await sd.sync()
        assert [row["message"] for row in sd.inbox()].count(sent.id) == 1, what


async def test_a_receipt_that_came_broken_is_made_good_by_the_one_among_the_evidence(desks, between):
    jo = desks[0]
    between.change("/v1/messages", lambda answer: answer.pop("receipt"), "PUT")
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    assert sent.state == "unverified-receipt"
    await jo.sync()
    assert jo.known.trust.outbox_row("message", sent.id).state == "accepted"


def by_the_hub(change):
    """The receipt signed anew by the hub's own key with other members: what a dishonest operator can do."""
    from poc.core import jws

    def edit(answer):
        value = json.loads(jws.read_compact(answer["receipt"]).payload)
        change(value)
        answer["receipt"] = jws.sign_compact(canonical(value), jws.RECEIPT, made.signing_key("hub"))

    return edit


OVER_SOMETHING_ELSE = (
    lambda value: value.update(event="not-needed", reason="withdrawn"),
    lambda value: value.update(event="rejected", reason="expired", slots=None),
    lambda value: value.update(envelope_sha256="A" * 43),
    lambda value: value.update(status="actual"),
    lambda value: value["slots"].pop(),
    lambda value: value["slots"][0].update(sha256="A" * 43),
    lambda value: value["slots"][0].update(contact="jo.duty"),
    lambda value: value["slots"][-1].update(sequence=9),
    lambda value: value["slots"].append(value["slots"][0]),
)


async def test_a_receipt_over_something_else_is_not_taken_even_from_the_hub_itself(desks, world, between):
    jo = desks[0]
    for number, change in enumerate(OVER_SOMETHING_ELSE, 1):
        between.change("/v1/messages", by_the_hub(change), "PUT")
        sent = await jo.send_message(draft(jo), ["sd.technical"])
        assert (sent.state, sent.reason) == ("unverified-receipt", "receipt-mismatch"), number
        codes = {code for message, *_, code in jo.known.trust.refused_evidence() if message == sent.id}
        assert codes == {"receipt-mismatch"}, number
        between.honest()
        await jo.sync()


async def test_a_receipt_by_a_key_that_is_no_hub_key_is_not_taken(desks, world, between):
    from poc.core import jws

    def edit(answer):
        payload = jws.read_compact(answer["receipt"]).payload
        answer["receipt"] = jws.sign_compact(payload, jws.RECEIPT, made.signing_key("sd.technical 1"))

    between.change("/v1/messages", edit, "PUT")
    sent = await desks[0].send_message(draft(desks[0]), ["sd.technical"])
    assert (sent.state, sent.reason) == ("unverified-receipt", "unknown-key")


async def test_a_receipt_from_a_newer_log_makes_the_desk_sync_first(desks, world):
    jo = desks[0]
    world.registry.enrol("eg")
    await world.fill()
    size = jo.directory.size
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    assert sent.state == "accepted"
    assert jo.directory.size == size + 1


async def test_a_recorded_receipt_that_does_not_verify_leaves_an_answer_unsettled(desks, world, between):
    jo, sd, _ = desks
    other = await other_receipt(desks, world, "recorded")
    for what, edit in BAD_RECEIPTS.items():
        sent = await jo.send_message(draft(jo), ["sd.technical"])
        await sd.sync()
        between.change("/v1/messages", lambda answer, edit=edit: edit(answer, other), "POST")
        assert await sd.acknowledge(sent.id) == "unverified-receipt", what
        between.honest()
        await sd.sync()
        assert [r["state"] for r in sd.outbox() if r["ref"].startswith(f"{sent.id}:ack")] == ["done"], what


async def test_a_signed_refusal_is_kept_shown_and_final(desks, world):
    from poc.client.progress import message_progress

    jo = desks[0]
    jo.hub._base, there = "http://127.0.0.1:9", jo.hub._base
    sent = await jo.send_message(draft(jo, expires_at=world.now + timedelta(minutes=5)), ["sd.technical"])
    world.now += timedelta(hours=1)
    jo.hub._base = there
    report = await jo.sync()
    (told,) = report.rejected
    assert told.startswith(f"message {sent.id}: expired")
    assert (await jo.sync()).rejected == []
    progress = message_progress(jo.known, sent.id)
    assert progress["state"] == "rejected"
    assert (progress["refusal"]["reason"], progress["refusal"]["signed"]) == ("expired", True)


async def test_a_refusal_with_another_reason_than_was_signed_is_not_counted_as_signed(desks, world, between):
    from poc.client.progress import message_progress

    jo = desks[0]
    jo.hub._base = "http://127.0.0.1:9"
    sent = await jo.send_message(draft(jo, expires_at=world.now + timedelta(minutes=5)), ["sd.technical"])
    world.now += timedelta(hours=1)
    jo.hub._base = world.origin
    between.change("/v1/messages", lambda problem: problem.update(code="too-many-slots"), "PUT")
    await jo.sync()
    progress = message_progress(jo.known, sent.id)
    assert (progress["refusal"]["reason"], progress["refusal"]["signed"]) == ("too-many-slots", False)


BODIES = (b"", b"[]", b"null", b"<html>", b'{"code":7}', b'{"code":"no-such-code"}', b'{"receipt":{}}')


async def test_whatever_the_hub_answers_the_message_stays_to_be_sent(desks, between, rounds):
    jo, step = desks[0], rounds(4, long=1, of="answers from one to the next")
    for nth, status in enumerate((200, 201, 202, 301, 400, 404, 409, 500, 503)):
        for body in BODIES[nth % step :: step]:
            between.alter = lambda method, _path, _body, b=body, s=status: (b, s) if method == "PUT" else None
            sent = await jo.send_message(draft(jo), ["sd.technical"])
            assert sent.state in ("waiting", "unverified-receipt"), (status, body)
            between.honest()
            await jo.sync()
            assert jo.known.trust.outbox_row("message", sent.id).state == "accepted", (status, body)


NO_ANSWERS = (
    b"{}",
    b'{"index":-1,"leaf_hash":"x"}',
    b'{"index":true,"leaf_hash":"x"}',
    b'{"index":1}',
    b'{"proposal":"x","missing":7}',
    b'{"proposal":"x","missing":[{}]}',
    b'{"proposal":null}',
)


async def test_an_answer_to_a_statement_that_is_none_leaves_it_waiting(desks, world, between):
    jo = desks[0]
    for number, answer in enumerate(NO_ANSWERS):
        between.alter = lambda _m, path, _b, answer=answer: (
            (answer, 201) if path == "/v1/statements" else None
        )
        jo.known.trust.put_outbox("statement", f"{number}", b"{}")
        report = await jo.sync()
        assert any("bad-answer-from-hub" in warning for warning in report.warnings), answer
        assert jo.known.trust.outbox_row("statement", f"{number}").state == "waiting", answer
