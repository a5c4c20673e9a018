"""Two desks and no hub: messages, answers and the log by file and by mail; the hub later, nothing twice."""

from __future__ import annotations

import email
import json
from datetime import timedelta
from email.policy import default

import pytest

from poc.client.alarms import note_messages
from poc.client.progress import message_progress, missed_deadlines
from poc.core import carriage as core
from poc.core.draft import AttachmentBytes
from poc.core.proof import verify_evidence
from poc.core.strictjson import b64u, canonical
from poc.errors import RefusedError
from tests import registry as made
from tests.desk_world import SIDES, draft, sealed_again
from tests.registry import Registry

TECH, DUTY, CONTROLLER = "sd.technical", "sd.duty", "x-arcc.controller-1"
PARTIES = ("jo.technical", TECH, DUTY)


@pytest.fixture
def parties():
    return PARTIES


@pytest.fixture
def made_registry():
    registry = Registry()
    registry.enrol("jo", "sd")
    registry.nominate(*SIDES)
    registry.nominate(DUTY, role="duty", alternate_of=TECH)
    registry.appoint(CONTROLLER)
    return registry


@pytest.fixture
def cut(desks):
    """Take the hub away from every desk; call it to give it back."""
    there = [desk.hub._base for desk in desks]
    for desk in desks:
        desk.hub._base = "http://127.0.0.1:9"

    def back(*some):
        for desk, base in zip(desks, there, strict=True):
            if not some or desk in some:
                desk.hub._base = base

    return back


async def refused(run):
    with pytest.raises(RefusedError) as caught:
        await run
    return caught.value.code


def not_written(run):
    with pytest.raises(RefusedError) as caught:
        run()
    return caught.value.code


async def sent_offline(jo, to=(TECH,), **changes):
    how = {"escalate": changes.pop("escalate", False)}
    sent = await jo.send_message(draft(jo, **changes), list(to), **how)
    assert sent.state == "waiting"
    return sent.id


def file_for(desk, message, contact=TECH, **how):
    files, _ = desk.export_message(message, [contact], **how)
    return files[contact]


def edited(data, edit):
    value = json.loads(data)
    edit(value)
    return canonical(value)


def states(desk):
    return [(row["state"], row["reason"]) for row in desk.inbox()]


def shown(desk, message, contact=TECH):
    return next(c for c in message_progress(desk.known, message)["contacts"] if c["contact"] == contact)


# --- the whole way, and the hub later ------------------------------------------------------------


@pytest.mark.parametrize("mail", [False, True], ids=["file", "mail"])
async def test_a_message_and_its_answer_go_by_hand_and_the_hub_later_adds_only_receipts(
    desks, world, cut, mail
):
    jo, sd, *_ = desks
    message = await sent_offline(jo)
    brought = await sd.import_file(file_for(jo, message, mail=mail))
    assert [(m["state"], m["new"]) for m in brought.messages] == [("retrieved", True)]
    opened = sd.show(message)
    assert (opened.message.subject, opened.warnings) == ("A seeded subject", ("no-anchor",))
    assert await sd.acknowledge(message, officer="07") == "waiting"
    back = await jo.import_file(sd.export_answers(message, mail=mail))
    assert [(a["outcome"], a["recorded"]) for a in back.answers] == [
        ("retrieved", False),
        ("acknowledged", False),
    ]
    answer = shown(jo, message)
    assert (answer["state"], answer["recorded"], answer["late"]) == ("acknowledged", False, None)
    assert (answer["carried_at"] is None, answer["answered_at"]) == (False, None)

    cut()
    assert (await sd.sync()).sent == 0  # the hub does not have the message: the answers wait
    assert {row["state"] for row in sd.outbox()} == {"waiting"}
    assert (await jo.sync()).sent == 1
    report = await sd.sync()
    assert (report.received, report.sent, report.rejected) == (0, 2, [])
    assert states(sd) == [("acknowledged", None)]
    assert sd.show(message).warnings == ()
    assert sd.show(message).accepted is not None
    assert (await jo.sync()).failed == []
    answer = shown(jo, message)
    assert (answer["state"], answer["recorded"], answer["late"]) == ("acknowledged", True, False)
    kinds = [kind for kind, _ in jo.known.trust.evidence(message)]
    assert [kinds.count(kind) for kind in ("retrieval", "acknowledgement")] == [1, 1]
    again = await sd.sync()
    assert (again.received, again.sent, [w for w in again.warnings if "not received" in w]) == (0, 0, [])


async def test_a_file_that_comes_after_the_hub_changes_nothing(desks, world):
    jo, sd, *_ = desks
    sent = await jo.send_message(draft(jo), [TECH])
    data = file_for(jo, sent.id)
    await sd.sync()
    before = sd.known.trust.inbox()
    for _ in range(2):
        brought = await sd.import_file(data)
        assert [(m["state"], m["new"]) for m in brought.messages] == [("retrieved", False)]
    assert sd.known.trust.inbox() == before
    assert len(sd.outbox()) == 1


async def test_the_hubs_receipt_in_the_file_is_an_anchor_and_answers_need_not_wait(desks, world):
    jo, sd, *_ = desks
    sent = await jo.send_message(draft(jo), [TECH])
    await sd.import_file(file_for(jo, sent.id))
    assert sd.show(sent.id).warnings == ()
    report = await sd.sync()
    assert (report.received, report.sent) == (0, 1)


async def test_two_messages_by_two_ways_leave_no_gap(desks, world, cut):
    jo, sd, *_ = desks
    first = await sent_offline(jo)
    await sent_offline(jo)
    third = await sent_offline(jo)
    await sd.import_file(file_for(jo, first))
    brought = await sd.import_file(file_for(jo, third))
    assert any("number 2" in told for told in brought.warnings)
    assert note_messages(sd.known) == 2
    cut()
    await jo.sync()
    report = await sd.sync()
    assert report.received == 1
    assert note_messages(sd.known) == 1  # no second alarm for those that came by file
    assert not any("number 2" in told for told in report.warnings)
    assert [state for state, _ in states(sd)] == ["retrieved"] * 3


async def test_the_text_goes_by_file_and_large_attachments_come_with_the_hub(desks, world, cut):
    jo, sd, *_ = desks
    plain = b"seeded words " * 8_000
    message = await sent_offline(jo, attachments=(AttachmentBytes("a.txt", "text/plain", plain),))
    data = file_for(jo, message)
    assert len(data) < 40_000
    await sd.import_file(data)
    opened = sd.show(message)
    assert opened.message.subject == "A seeded subject"
    with pytest.raises(RefusedError, match="blob-not-here"):
        sd.read_attachment(opened, 1)
    cut()
    await jo.sync()
    await sd.sync()
    assert await sd.fetch_attachments(message) == {}
    assert sd.read_attachment(sd.show(message), 1) == plain


@pytest.mark.long
async def test_the_evidence_file_shows_an_answer_that_no_hub_recorded(desks, world, cut):
    jo, sd, *_ = desks
    message, data = await answered(jo, sd)
    await jo.import_file(data)
    proof = verify_evidence(await jo.evidence(message), jo.directory.fingerprint)
    assert {event.event for event in proof.timeline} == {"retrieved", "acknowledged"}
    assert {problem.code for problem in proof.problems} == {"not-accepted", "not-recorded"}


async def test_what_the_hub_rejects_stays_as_imported_and_its_sender_is_told(desks, world, cut):
    jo, sd, *_ = desks
    message = await sent_offline(jo, expires_at=world.now + timedelta(minutes=5))
    await sd.import_file(file_for(jo, message))
    await sd.acknowledge(message)
    await jo.import_file(sd.export_answers(message))
    world.now += timedelta(hours=1)
    cut()
    report = await jo.sync()
    assert len(report.rejected) == 1
    await sd.sync()
    assert states(sd) == [("acknowledged", None)]
    assert [row["state"] for row in sd.outbox()] == ["waiting", "waiting"]
    told = message_progress(jo.known, message)
    assert (told["state"], told["refusal"]["reason"], told["refusal"]["signed"]) == (
        "rejected",
        "expired",
        True,
    )
    assert shown(jo, message)["state"] == "acknowledged"


async def test_a_receipt_that_is_none_is_not_taken_for_the_anchor(desks, between, world):
    jo, sd, *_ = desks
    sent = await jo.send_message(draft(jo), [TECH])
    data = edited(file_for(jo, sent.id), lambda v: v["messages"][0].update(accepted=None))
    await sd.import_file(data)
    good = jo.known.trust.evidence(sent.id)[0][1]
    between.change(
        "/v1/inbox",
        lambda page: [item.update(accepted=good[:-4] + "AAAA") for item in page["items"]] and None,
    )
    report = await sd.sync()
    assert any("was refused" in told for told in report.warnings)
    assert sd.show(sent.id).warnings == ("no-anchor",)
    between.honest()
    await sd.sync(from_start=True)
    assert (sd.show(sent.id).warnings, states(sd)) == ((), [("retrieved", None)])


# --- what leaves ---------------------------------------------------------------------------------


async def test_each_addressee_gets_a_file_with_its_own_slots_only(desks, world, cut):
    jo, *_ = desks
    message = await sent_offline(jo, (TECH, DUTY))
    files, left_out = jo.export_message(message)
    assert (sorted(files), left_out) == ([DUTY, TECH], {})
    for contact, data in files.items():
        (carried,) = json.loads(data)["messages"]
        assert {slot["header"]["contact"] for slot in carried["envelope"]["recipients"]} == {contact}
        for other in {DUTY, TECH, "jo.technical"} - {contact}:
            assert made.sealing_key(f"{other} 1").kid.encode() not in data
    assert b"seeded subject" not in b"".join(files.values())


async def test_a_held_part_leaves_before_its_time_only_if_its_sender_says_so(desks, world, cut):
    jo, _, duty = desks
    message = await sent_offline(jo, precedence="immediate", escalate=True)
    files, left_out = jo.export_message(message)
    assert (sorted(files), left_out) == ([TECH], {DUTY: "held-for-later"})
    assert not_written(lambda: file_for(jo, message, DUTY)) == "held-for-later"
    early = file_for(jo, message, DUTY, early=True)
    assert await refused(duty.import_file(early)) == "held-slot-early"
    assert duty.inbox() == []
    world.now += timedelta(hours=1)
    assert file_for(jo, message, DUTY) == early
    assert (await duty.import_file(early)).messages[0]["state"] == "retrieved"


async def test_a_held_message_leaves_not_before_its_time_whatever_its_sender_says(desks, world, cut):
    jo, sd, *_ = desks
    message = await sent_offline(
        jo, not_before=world.now + timedelta(hours=2), expires_at=world.now + timedelta(hours=9)
    )
    assert not_written(lambda: file_for(jo, message, early=True)) == "held-for-later"
    world.now += timedelta(hours=2)
    assert (await sd.import_file(file_for(jo, message))).messages[0]["state"] == "retrieved"


async def test_a_part_that_was_taken_back_does_not_leave(desks, world):
    jo, *_ = desks
    sent = await jo.send_message(draft(jo, precedence="immediate"), [TECH])
    assert await jo.cancel(sent.id, DUTY) == "done"
    assert not_written(lambda: file_for(jo, sent.id, DUTY, early=True)) == "part-cancelled"


async def test_nothing_is_written_for_who_is_no_addressee_or_where_nothing_is(desks, world, cut):
    jo, sd, *_ = desks
    message = await sent_offline(jo)
    assert not_written(lambda: file_for(jo, message, "jo.technical")) == "not-an-addressee"
    assert not_written(lambda: file_for(jo, message, DUTY)) == "not-an-addressee"
    assert not_written(lambda: sd.export_message(message)) == "unknown-message"
    assert not_written(lambda: sd.export_answers(message)) == "nothing-to-carry"
    assert not_written(lambda: jo.export_log(10_000)) == "log-gap"


# --- what comes in -------------------------------------------------------------------------------


def other_slot(value):
    value["messages"][0]["envelope"]["recipients"][0]["header"]["sequence"] = 7


def altered(value):
    envelope = value["messages"][0]["envelope"]
    envelope["ciphertext"] = ("B" if envelope["ciphertext"][0] == "A" else "A") + envelope["ciphertext"][1:]


ALTERED = (
    (other_slot, "slot-not-in-message"),
    (altered, "cannot-open"),
    (lambda v: v.update(origin="example.org/other"), "wrong-origin"),
    (lambda v: v["messages"][0].update(accepted="a.b.c"), None),
)


async def test_what_does_not_verify_is_refused_and_nothing_of_it_is_kept(desks, world, cut):
    jo, sd, duty = desks
    message = await sent_offline(jo)
    data = file_for(jo, message)
    for edit, code in ALTERED:
        found = await refused(sd.import_file(edited(data, edit)))
        assert code in (None, found)
    for bad, code in (
        (data[:-20], "bad-json"),
        (file_for(jo, message, mail=True)[:-2000], "bad-json"),
        (data.replace(b'"v":1}', b'"v":1,"v":1}'), "bad-json"),
        (json.dumps(json.loads(data)).encode(), "not-canonical"),
        (b"[" * 5000, "bad-json"),
        (b"{}", "bad-form"),
        (b" " * (10 << 20), "too-large"),
    ):
        assert await refused(sd.import_file(bad)) == code
    assert (sd.inbox(), sd.outbox()) == ([], [])
    assert await refused(duty.import_file(data)) == "no-slot-for-key"
    assert await refused(jo.import_file(data)) == "no-slot-for-key"
    assert duty.inbox() == []
    slot = json.loads(data)["messages"][0]["envelope"]["recipients"]
    await sd.import_file(edited(data, lambda v: v["messages"][0]["envelope"].update(recipients=slot * 2)))
    assert states(sd) == [("retrieved", None)]


async def test_a_second_message_under_one_id_is_kept_as_proof_and_told(desks, world, cut):
    jo, sd, *_ = desks
    message = await sent_offline(jo)
    await sd.import_file(file_for(jo, message))
    other = sealed_again(jo, world, message, "Another subject").envelope
    part = core.part_for(other, TECH, world.now)
    data = core.build_carriage(
        jo.directory.origin, messages=[core.CarriedMessage(envelope=part, accepted=None, released=None)]
    )
    brought = await sd.import_file(data)
    assert [(m["state"], m["reason"]) for m in brought.messages] == [("refused", "seen-before")]
    assert any("two different messages" in told for told in brought.warnings)
    assert await refused(sd.import_file(data)) == "seen-before"
    assert [kind for kind, _, _ in sd.known.trust.proofs()] == ["id-used-twice"]
    assert sd.show(message).message.subject == "A seeded subject"


@pytest.mark.parametrize("parties", [(*PARTIES, CONTROLLER)], ids=["with a controller"])
async def test_an_exercise_that_is_not_open_now_is_refused_offline(desks, world, cut):
    jo, sd, _, control = desks
    cut()
    window = {"opens_at": world.now, "closes_at": world.now + timedelta(hours=1)}
    await control.open_exercise("ex-1", title={"en": "Ping"}, participants=SIDES, **window)
    await jo.sync()
    sent = await jo.send_message(draft(jo, status="exercise", exercise="ex-1"), [TECH], escalate=False)
    assert sent.state == "accepted"
    data = edited(file_for(jo, sent.id), lambda v: v["messages"][0].update(accepted=None))
    brought = await sd.import_file(data)
    assert [(m["state"], m["reason"]) for m in brought.messages] == [("refused", "exercise-unknown")]
    report = await sd.sync()  # brings the exercise, and the same message
    assert (report.received, states(sd)) == (0, [("retrieved", None)])
    assert sd.show(sent.id).warnings == ()
    mail = file_for(jo, sent.id, mail=True)
    subject = email.message_from_bytes(mail, policy=default)["Subject"]
    assert subject.startswith("EXERCISE EXERCISE EXERCISE / تمرين تمرين تمرين")


async def test_a_key_that_the_log_here_has_ended_signs_on_in_no_file(desks, world, cut):
    jo, sd, *_ = desks
    cut(sd)
    message = await sent_offline(jo)
    revoke = {"kid": made.signing_key("jo.technical 1").kid, "reason": "routine", "suspected_since": None}
    world.registry.submit("contact.device-revoke", "jo.technical", revoke, "jo authority")
    await world.fill()
    await sd.sync()
    assert await refused(sd.import_file(file_for(jo, message))) == "key-ended"
    assert sd.inbox() == []


# --- answers -------------------------------------------------------------------------------------


async def answered(jo, sd):
    message = await sent_offline(jo)
    await sd.import_file(file_for(jo, message))
    await sd.acknowledge(message)
    return message, sd.export_answers(message)


async def test_answers_that_do_not_verify_count_for_nothing(desks, world, cut):
    jo, sd, duty = desks
    message, data = await answered(jo, sd)
    other = await sent_offline(jo)

    def only(**members):
        return edited(data, lambda v: v.update(answers=[{**v["answers"][1], **members}]))

    text = json.loads(data)["answers"][1]["jws"]
    head, payload, signature = text.split(".")
    for bad, code in (
        (only(jws=f"{head}.{payload}.{signature[:-4]}AAAA"), "bad-signature"),
        (only(message=other), "receipt-mismatch"),
        (only(recorded=text), "wrong-type"),
        (only(message=other[:-12] + "0" * 12), "unknown-message"),
    ):
        assert await refused(jo.import_file(bad)) == code
    assert shown(jo, message)["state"] == "none"
    assert await refused(duty.import_file(data)) == "unknown-message"
    one_good = edited(data, lambda v: v["answers"][0].update(message=other))
    brought = await jo.import_file(one_good)
    assert (len(brought.answers), brought.refused) == (1, ["receipt-mismatch"])


async def test_an_answer_of_a_device_that_the_log_here_has_ended_is_not_taken_by_file(desks, world, cut):
    jo, sd, *_ = desks
    message, data = await answered(jo, sd)
    revoke = {"kid": made.signing_key(f"{TECH} 1").kid, "reason": "routine", "suspected_since": None}
    world.registry.submit("contact.device-revoke", TECH, revoke, "sd authority")
    await world.fill()
    cut(jo)
    await jo.sync()
    assert await refused(jo.import_file(data)) == "key-ended"
    assert shown(jo, message)["state"] == "none"


async def test_what_was_acknowledged_by_file_is_not_told_as_missed(desks, world, cut):
    jo, sd, *_ = desks
    _, data = await answered(jo, sd)
    world.now += timedelta(hours=20)
    assert [told[:8] for told in missed_deadlines(jo.known)] == ["NOT SENT"]
    await jo.import_file(data)
    assert missed_deadlines(jo.known) == []


async def test_an_answer_is_taken_once_and_by_the_hub_too(desks, world, cut):
    jo, sd, *_ = desks
    message, data = await answered(jo, sd)
    await jo.import_file(data)
    first = shown(jo, message)
    world.now += timedelta(minutes=3)
    again = await jo.import_file(data)
    assert [a["new"] for a in again.answers] == [False, False]
    assert shown(jo, message) == first
    cut()
    await jo.sync()
    await sd.sync()
    recorded = await jo.import_file(sd.export_answers(message))
    assert [(a["recorded"], a["new"]) for a in recorded.answers] == [(True, False)] * 2
    assert shown(jo, message)["recorded"] is True


# --- the log -------------------------------------------------------------------------------------


async def grown(world, desk, *states):
    """Log an enrolment of each State, and let one desk know."""
    world.registry.enrol(*states)
    await world.fill()
    await desk.sync()


async def test_the_log_goes_from_desk_to_desk_as_if_from_the_hub(desks, world, cut):
    jo, sd, *_ = desks
    cut(jo)
    size = sd.directory.size
    await grown(world, jo, "eg", "om")
    brought = await sd.sync_from(jo.export_log(size))
    assert (brought.entries, brought.size) == (2, jo.directory.size)
    assert (sd.directory, sd.head) == (jo.directory, jo.head)
    again = await sd.sync_from(jo.export_log())
    assert again.entries == 0
    cut()
    assert (await sd.sync()).entries == 0


async def test_a_message_ahead_of_the_log_here_waits_for_the_log_by_file(desks, world, cut):
    jo, sd, *_ = desks
    cut(jo)
    await grown(world, jo, "eg")
    jo.hub._base = "http://127.0.0.1:9"
    data = file_for(jo, await sent_offline(jo))
    brought = await sd.import_file(data)
    assert [(m["state"], m["reason"]) for m in brought.messages] == [("not-verified", "head-ahead")]
    assert await refused(sd.import_file(data)) == "head-ahead"
    await sd.sync_from(jo.export_log(sd.directory.size))
    assert states(sd) == [("retrieved", None)]


@pytest.mark.long
async def test_a_new_contact_can_be_written_to_after_the_log_by_file(desks, world, cut):
    jo, sd, *_ = desks
    size = sd.directory.size
    with jo.known.trust.transaction():
        jo.known.trust._db.execute("DELETE FROM sealing_key")
    brought = await jo.sync_from(sd.export_log())
    assert brought.keys == 3
    assert (await jo.sync_from(sd.export_log(size))).keys == 0
    assert (await jo.send_message(draft(jo), [TECH], escalate=False)).state == "waiting"


async def test_files_of_the_log_that_do_not_fit_change_nothing(desks, world, cut):
    jo, sd, *_ = desks
    cut(jo)
    size = sd.directory.size
    await grown(world, jo, "eg", "om")
    data, before = jo.export_log(size), sd.head

    def log(edit):
        return edited(data, lambda v: edit(v["log"]))

    for bad, code in (
        (jo.export_log(size + 1), "log-gap"),
        (log(lambda v: v.update(entries=v["entries"][:1])), "log-mismatch"),
        (log(lambda v: v.update(entries=v["entries"][::-1])), "log-mismatch"),
        (log(lambda v: v.update(checkpoint=v["checkpoint"][:-6] + "AAAA=\n")), "bad-signature"),
        (log(lambda v: v.update(checkpoint=world.registry.checkpoint(by="an impostor").decode())), None),
    ):
        found = await refused(sd.sync_from(bad))
        assert code in (None, found), found
        assert (sd.head, sd.directory.size, sd.known.trust.proofs()) == (before, size, [])
        assert sd.known.trust.value("update-needed") != b"1"


async def test_another_log_signed_by_the_same_key_is_kept_as_proof(desks, world, cut):
    jo, sd, *_ = desks
    other = Registry()
    other.enrol("qa", "ye", *("eg", "om", "lb", "iq", "kw", "ae"))
    for size in (3, len(other.leaves)):
        log = core.CarriedLog.model_validate(
            {"first": 0, "entries": tuple(map(b64u, other.leaves[:size])),
             "checkpoint": other.checkpoint(size).decode(), "sealing_keys": ()}
        )  # fmt: skip
        data = core.build_carriage(jo.directory.origin, log=log)
        assert await refused(sd.sync_from(data)) == "head-inconsistent"
    assert [kind for kind, _, _ in sd.known.trust.proofs()] == ["head-inconsistent"] * 2
    assert any("FORK" in told for told in sd.warnings())


@pytest.mark.long
async def test_a_snapshot_brings_the_log_the_keys_and_the_cards_it_carries(desks, world, cut):
    jo, sd, *_ = desks
    cut(jo)
    await grown(world, jo, "eg")
    brought = await sd.sync_from(jo.snapshot())
    assert (brought.entries, sd.directory) == (1, jo.directory)
    assert await refused(sd.sync_from(jo.snapshot()[:-60])) in ("bad-json", "snapshot-damaged")
    assert await refused(sd.import_file(jo.snapshot()[:-1] + b" " * (9 << 20))) == "too-large"


@pytest.mark.long
async def test_nothing_of_all_this_asks_the_hub(desks, between, world):
    jo, sd, *_ = desks
    sent = await jo.send_message(draft(jo), [TECH])
    asked = len(between.calls)
    await sd.import_file(file_for(jo, sent.id))
    await jo.import_file(sd.export_answers(sent.id))
    await sd.sync_from(jo.export_log())
    assert len(between.calls) == asked
