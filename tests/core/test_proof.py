"""Evidence files: what one proves with only the file and the fingerprint, and how it is refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from poc.core import jws, merkle, rules, sealed
from poc.core.admission import read_envelope
from poc.core.checkpoint import Checkpoint, sign_checkpoint
from poc.core.directory import Directory
from poc.core.draft import Addressee, draft_sha256, prepare
from poc.core.evidence import Cancel, Receipt
from poc.core.form import form_bytes, form_of, form_value
from poc.core.message import Envelope
from poc.core.note import Signer
from poc.core.proof import EvidenceReport, verify_evidence
from poc.core.receipts import (
    Answering,
    accepted_receipt,
    acknowledgement,
    expired_receipt,
    not_needed_receipt,
    released_receipt,
    retrieval,
    sign_form,
    verify_receipt,
)
from poc.core.statement import format_fingerprint
from poc.core.strictjson import b64u, canonical, format_time, parse, unb64u
from poc.errors import RefusedError
from tests import evidence_world as case
from tests import message_world as world
from tests.message_world import HUB, NOW, ORIGIN, draft, seal, signing_key


@pytest.fixture(scope="module")
def directory() -> Directory:
    return rules.apply_all(None, case.entries())


@pytest.fixture(scope="module")
def good(directory: Directory) -> bytes:
    return case.evidence(directory)


def code(function: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        function(*arguments, **named)
    return caught.value.code


def verified(data: bytes) -> EvidenceReport:
    return verify_evidence(data, case.fingerprint())


def problems(data: bytes) -> list[str]:
    return [problem.code for problem in verified(data).problems]


def refused(data: bytes) -> str:
    return code(verified, data)


def altered(data: bytes, *path: Any, to: Any) -> bytes:
    value: Any = parse(data)
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return canonical(value)


# --- what it proves ----------------------------------------------------------------------------


def test_a_complete_file_tells_who_did_what_when_by_which_key(good: bytes) -> None:
    report = verified(good)
    assert [(event.event, event.who) for event in report.timeline] == [
        ("sent", "jo.technical"),
        ("accepted", ORIGIN),
        ("retrieved", "sd.duty"),
        ("acknowledged", "sd.duty"),
        ("recorded", ORIGIN),
        ("recorded", ORIGIN),
    ]
    assert [event.kid for event in report.timeline][:2] == [signing_key("jo.technical").kid, HUB.kid]
    assert (report.problems, report.warnings) == ((), ("no-witnesses",))
    assert (report.digest, report.voice_code) == (case.sealed().digest, case.sealed().voice_code)
    assert (report.message, report.log.size) == (world.message_id(), case.LOG_SIZE)
    assert report.author_proven
    assert report.content is not None
    assert report.content.message == case.sealed().message
    assert report.content.attachments == (b"line 1\nline 2\n",)


def test_without_the_content_key_the_author_is_only_claimed(directory: Directory) -> None:
    report = verified(case.evidence(directory, cek=None))
    assert not report.author_proven
    assert (report.content, report.voice_code) == (None, None)
    assert "sent" not in [event.event for event in report.timeline]


def test_the_fingerprint_may_be_given_as_it_stands_on_paper(good: bytes) -> None:
    assert verify_evidence(good, format_fingerprint(case.fingerprint())).origin == ORIGIN


def test_one_device_proves_with_its_own_slot_alone(directory: Directory) -> None:
    envelope = case.sealed().envelope
    alone = envelope.model_copy(update={"recipients": envelope.recipients[1:2]})
    assert verified(case.evidence(directory, envelope=alone)).problems == ()


def test_a_key_that_was_replaced_afterwards_still_proves(good: bytes, directory: Directory) -> None:
    assert directory.keys[signing_key("jo.technical").kid].until == case.LOG_SIZE - 1
    assert verified(good).author_proven


def test_a_cancel_of_the_sender_is_part_of_the_story(directory: Directory) -> None:
    data = case.evidence(directory, cancels=[cancel(signing_key("jo.technical", 2))])
    assert "cancelled" in [event.event for event in verified(data).timeline]


@pytest.mark.parametrize(
    ("number", "changes", "expected"),
    [
        (2, {"message": world.message_id(2)}, "receipt-mismatch"),
        (2, {"envelope_sha256": "A" * 43}, "receipt-mismatch"),
        (2, {"origin": "example.org/other"}, "wrong-origin"),
        (2, {"head": case.head(5, bytes(32))}, "head-inconsistent"),
        (3, {}, "right-missing"),
    ],
)
def test_a_cancel_of_anything_else_refuses_the_file(
    directory: Directory, number: int, changes: dict[str, Any], expected: str
) -> None:
    text = cancel(signing_key("jo.technical", number), **changes)
    assert refused(case.evidence(directory, cancels=[text])) == expected


def cancel(key: Any, **changes: Any) -> str:
    form = Cancel(
        v=1,
        origin=ORIGIN,
        message=world.message_id(),
        envelope_sha256=case.sealed().digest,
        contact="sd.duty",
        reason="answered",
        at=NOW,
        head=case.head(),
    )
    return sign_form(form.model_copy(update=changes), jws.CANCEL, key)


# --- what refuses it ---------------------------------------------------------------------------


def test_any_single_changed_byte_is_refused(good: bytes) -> None:
    chosen = random.Random(8)
    for position in chosen.sample(range(len(good)), 150):
        flipped = bytearray(good)
        flipped[position] ^= 1 << chosen.randrange(7)
        assert refused(bytes(flipped))


@pytest.mark.parametrize(
    "change", [lambda data: data + b"\n", lambda data: b" " + data, lambda data: data[:-1]]
)
def test_whitespace_and_missing_bytes_are_refused(good: bytes, change: Callable[[bytes], bytes]) -> None:
    assert refused(change(good)) in {"not-canonical", "bad-json"}


def test_each_part_taken_out_of_the_log_is_refused(good: bytes) -> None:
    value: Any = parse(good)
    leaves = value["log"]["entries"]
    for index in range(len(leaves)):
        assert refused(altered(good, "log", "entries", to=leaves[:index] + leaves[index + 1 :]))
    assert refused(altered(good, "log", "entries", to=[])) == "wrong-fingerprint"


def test_another_fingerprint_or_none_is_refused(good: bytes) -> None:
    assert code(verify_evidence, good, "0" * 64) == "wrong-fingerprint"
    assert code(verify_evidence, good, "0" * 63) == "bad-fingerprint"


def test_a_light_file_is_not_verified_yet(good: bytes) -> None:
    assert refused(altered(good, "log", to={"size": 7, "root": "A" * 43})) == "light-evidence"
    assert "complete file" in RefusedError("light-evidence").next_step


def test_a_checkpoint_of_other_entries_is_refused(good: bytes) -> None:
    forged = case.checkpoint(6, case.tree(7).root())
    for note in (case.checkpoint(6), case.checkpoint(7, bytes(32)), case.checkpoint(8, bytes(32)), forged):
        assert refused(altered(good, "log", "checkpoint", to=note)) == "head-inconsistent"
    other = Signer(ORIGIN, HUB)
    forged = sign_checkpoint(Checkpoint(ORIGIN, 7, case.tree(7).root()), other).decode()
    assert refused(altered(good, "log", "checkpoint", to=forged)) == "unsigned-note"


def test_a_file_of_another_origin_is_refused(good: bytes) -> None:
    assert refused(altered(good, "origin", to="example.org/other")) == "wrong-origin"


def test_an_envelope_of_another_origin_is_refused(directory: Directory) -> None:
    header: Any = parse(unb64u(case.sealed().envelope.protected))
    protected = b64u(canonical({**header, "origin": "example.org/other"}))
    envelope = case.sealed().envelope.model_copy(update={"protected": protected})
    assert refused(case.evidence(directory, envelope=envelope)) == "wrong-origin"
    nothing: dict[str, Any] = {"receipts": [], "retrievals": [], "acknowledgements": [], "cek": None}
    elsewhere = case.evidence(directory, origin="example.org/other", envelope=envelope, **nothing)
    assert refused(elsewhere) == "wrong-origin"


@pytest.mark.parametrize(
    ("receipt", "expected"),
    [
        (lambda: case.accepted(key=signing_key("sd.duty")), "unknown-key"),
        (lambda: case.accepted(message=world.message_id(2)), "receipt-mismatch"),
        (lambda: case.accepted(envelope_sha256="A" * 43), "receipt-mismatch"),
        (lambda: case.accepted(slots=()), "receipt-mismatch"),
        (lambda: case.accepted(head=case.head(5, bytes(32))), "head-inconsistent"),
        (lambda: case.accepted(head=case.head(8, bytes(32))), "head-ahead"),
        (lambda: case.accepted(head=case.head(0, merkle.EMPTY_ROOT)), "unsigned-note"),
        (case.acknowledged, "wrong-type"),
    ],
)
def test_a_receipt_that_does_not_fit_refuses_the_file(
    directory: Directory, receipt: Callable[[], str], expected: str
) -> None:
    assert refused(case.evidence(directory, receipts=[receipt()])) == expected


def own_answer() -> str:
    key = signing_key("jo.technical", 2)
    return sign_form(acknowledgement(case.answering(key, "jo.technical")), jws.ACKNOWLEDGEMENT, key)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda: case.acknowledged(signing_key("sd.duty", 2)), "right-missing"),
        (lambda: case.acknowledged(signing_key("eg.technical")), "unknown-key"),
        (lambda: case.acknowledged(size=4), "key-not-yet"),
        (case.retrieved, "wrong-type"),
        (own_answer, "own-cannot-answer"),
    ],
)
def test_an_answer_that_does_not_count_refuses_the_file(
    directory: Directory, answer: Callable[[], str], expected: str
) -> None:
    data = case.evidence(directory, receipts=[case.accepted()], retrievals=[], acknowledgements=[answer()])
    assert refused(data) == expected


def test_an_answer_about_another_envelope_refuses_the_file(directory: Directory) -> None:
    key = signing_key("sd.duty")
    right = case.answering(key)
    wrong = Answering(right.header, "A" * 43, right.contact, right.kid, right.head, right.at)
    text = sign_form(retrieval(wrong), jws.RETRIEVAL, key)
    assert refused(case.evidence(directory, retrievals=[text])) == "receipt-mismatch"


def test_an_acknowledgement_after_its_key_ended_does_not_count(directory: Directory) -> None:
    """The replaced key of jo.technical signs at size 7: too late."""
    old = signing_key("jo.technical")
    assert refused(case.evidence(directory, cancels=[cancel(old, head=case.head(7))])) == "key-ended"
    assert refused(case.evidence(directory, cancels=[cancel(signing_key("sd.duty"))])) == "unknown-key"
    late = case.accepted(head=case.head(7))
    assert refused(case.evidence(directory, receipts=[late])) == "key-ended"


@pytest.mark.parametrize(
    ("opening", "expected"),
    [
        ({"message": world.message_id(), "cek": b64u(bytes(32))}, "wrong-commitment"),
        ({"message": world.message_id(), "cek": b64u(bytes(16))}, "bad-base64"),
        ({"message": world.message_id(2), "cek": b64u(world.cek_of())}, "member-mismatch"),
    ],
)
def test_another_content_key_refuses_the_file(good: bytes, opening: dict[str, str], expected: str) -> None:
    assert refused(altered(good, "opening", to=opening)) == expected


def test_a_slot_the_author_did_not_sign_refuses_an_opened_file(directory: Directory) -> None:
    value = form_value(case.sealed().envelope)
    value["recipients"][1]["header"]["sequence"] = 18
    envelope = form_of(Envelope, value)
    named: dict[str, Any] = {"envelope": envelope, "retrievals": [], "acknowledgements": []}
    assert refused(case.evidence(directory, receipts=[], **named)) == "slot-not-in-message"
    assert refused(case.evidence(directory, receipts=[case.accepted()], **named)) == "receipt-mismatch"


def test_content_sealed_by_somebody_else_who_has_the_key_is_refused(directory: Directory) -> None:
    old = case.sealed().envelope
    text = jws.sign_compact(form_bytes(case.sealed().message), jws.MESSAGE, signing_key("sd.duty"))
    plaintext = sealed.pad(text.encode() + b"\nline 1\nline 2\n")
    ciphertext, tag = sealed.encrypt_content(world.cek_of(), bytes(12), old.protected, plaintext)
    parts = {"iv": b64u(bytes(12)), "ciphertext": b64u(ciphertext), "tag": b64u(tag)}
    envelope = old.model_copy(update=parts)
    bare: dict[str, Any] = {"receipts": [], "retrievals": [], "acknowledgements": []}
    assert refused(case.evidence(directory, envelope=envelope, **bare)) == "member-mismatch"


# --- what does not fit together ----------------------------------------------------------------


def receipt_of(directory: Directory, **changes: Any) -> str:
    base = verify_receipt(case.accepted(), directory)
    value = {**form_value(base), "slots": None, **changes}
    return sign_form(form_of(Receipt, value), jws.RECEIPT, HUB)


def test_a_preparation_is_part_of_what_a_file_proves(directory: Directory) -> None:
    made = draft(status="test", exercise=None)
    named = {"origin": ORIGIN, "id": world.message_id(), "sender_contact": "jo.technical"}
    content = draft_sha256(made, **named, recipients=[("sd.duty", "action")])

    def proven(device: int, root: bytes | None = None) -> str | None:
        key, at = signing_key("jo.technical", device), NOW - timedelta(minutes=5)
        head = case.head(5, root)
        prepared = prepare(content, origin=ORIGIN, contact="jo.technical", key=key, head=head, at=at)
        envelope = seal(replace(made, prepared=prepared), head=case.head()).envelope
        nothing: dict[str, Any] = {"receipts": [], "retrievals": [], "acknowledgements": []}
        found = verified(case.evidence(directory, envelope=envelope, **nothing)).content
        return None if found is None else found.message.prepared

    assert proven(2) is not None
    assert code(proven, 1) == "preparation-mismatch"
    assert code(proven, 3) == "right-missing"
    assert code(proven, 2, bytes(32)) == "head-inconsistent"


def test_what_is_missing_is_named(directory: Directory) -> None:
    bare: dict[str, Any] = {"receipts": [], "retrievals": [], "acknowledgements": []}
    assert problems(case.evidence(directory, **bare)) == ["not-accepted"]
    unrecorded = case.evidence(directory, receipts=[case.accepted()], retrievals=[])
    assert problems(unrecorded) == ["not-recorded"]
    assert problems(case.evidence(directory, retrievals=[])) == ["artefact-missing"]


def test_a_hub_that_contradicts_itself_is_named(directory: Directory) -> None:
    two = [case.accepted(), case.accepted(5)]
    bare: dict[str, Any] = {"retrievals": [], "acknowledgements": []}
    assert problems(case.evidence(directory, receipts=two, **bare)) == ["two-receipts"]
    both = [case.accepted(), receipt_of(directory, event="rejected", reason="expired")]
    assert problems(case.evidence(directory, receipts=both, **bare)) == ["accepted-and-rejected"]
    assert problems(case.evidence(directory, receipts=both[1:], **bare)) == ["not-accepted"]


@pytest.mark.parametrize(
    ("at", "contact", "expected"),
    [
        (NOW + timedelta(minutes=4), "sd.duty", ["expired-after-recorded"]),
        (NOW + timedelta(minutes=3), "sd.duty", ["expired-after-recorded"]),
        (NOW + timedelta(minutes=2), "sd.duty", []),
    ],
)
def test_an_expiry_beside_an_earlier_record_proves_misconduct(
    directory: Directory, at: Any, contact: str, expected: list[str]
) -> None:
    text = case.acknowledged()
    expiry = receipt_of(directory, event="expired", contact=contact, at=format_time(at))
    receipts = [case.accepted(), case.recorded(text, directory), expiry]
    found = problems(case.evidence(directory, receipts=receipts, retrievals=[]))
    assert found == [*expected, "expired-early"]  # the message had two days


@pytest.mark.parametrize(
    ("event", "named"),
    [("expired", {}), ("not-needed", {"slots": [], "reason": "withdrawn"}), ("released", {"slots": []})],
)
def test_a_receipt_about_somebody_else_refuses_the_file(
    directory: Directory, event: str, named: dict[str, Any]
) -> None:
    text = receipt_of(directory, event=event, contact="eg.technical", **named)
    assert refused(case.evidence(directory, receipts=[case.accepted(), text])) == "unknown-contact"


def test_of_two_records_the_first_counts(directory: Directory) -> None:
    text = case.acknowledged()
    times = [format_time(NOW + timedelta(minutes=n)) for n in (3, 9, 5)]
    again = verify_receipt(case.recorded(text, directory), directory)
    later = [form_of(Receipt, {**form_value(again), "at": at}) for at in times]
    records = [sign_form(receipt, jws.RECEIPT, HUB) for receipt in later]
    expiry = receipt_of(
        directory, event="expired", contact="sd.duty", at=format_time(NOW + timedelta(minutes=4))
    )
    receipts = [case.accepted(), *records, expiry]
    found = problems(case.evidence(directory, receipts=receipts, retrievals=[]))
    assert found == ["expired-after-recorded", "expired-early"]


def test_an_unrecorded_answer_beside_an_expiry_is_only_unrecorded(directory: Directory) -> None:
    expiry = receipt_of(directory, event="expired", contact="sd.duty")
    data = case.evidence(directory, receipts=[case.accepted(), expiry], retrievals=[])
    assert problems(data) == ["not-recorded", "expired-early"]


@pytest.mark.parametrize(("minutes", "expected"), [(-1, ["expired-early"]), (0, []), (9, [])])
def test_an_expiry_before_the_deadline_proves_misconduct(
    directory: Directory, minutes: int, expected: list[str]
) -> None:
    at = format_time(NOW + timedelta(days=2, minutes=minutes))
    expiry = receipt_of(directory, event="expired", contact="sd.duty", at=at)
    data = case.evidence(directory, receipts=[case.accepted(), expiry], retrievals=[], acknowledgements=[])
    assert problems(data) == expected


def held_case(directory: Directory, *made: Callable[[Any], Receipt]) -> list[str]:
    """What a file of a message held for an hour shows, with these receipts over it."""
    to = [Addressee("sd.duty", world.sealing_key("sd.duty", n).public, "action") for n in (1, 2)]
    held = draft(status="test", exercise=None, not_before=NOW + timedelta(hours=1))
    sealed = world.seal(held, to, head=case.head())
    checked = read_envelope(sealed.envelope_bytes)
    accepted = accepted_receipt(checked.header, checked.digest, checked.slots, head=case.head(), at=NOW)
    receipts = [sign_form(form, jws.RECEIPT, HUB) for form in (accepted, *(make(checked) for make in made))]
    data = case.evidence(
        directory, envelope=sealed.envelope, receipts=receipts, retrievals=[], acknowledgements=[]
    )
    return problems(data)


def out(minutes: int) -> Callable[[Any], Receipt]:
    at = NOW + timedelta(minutes=minutes)
    return lambda c: released_receipt(c.header, c.digest, "sd.duty", c.slots, head=case.head(), at=at)


def skipped(contact: str | None) -> Callable[[Any], Receipt]:
    return lambda c: not_needed_receipt(
        c.header, c.digest, contact, c.slots, "withdrawn", head=case.head(), at=NOW
    )


def late(hours: int) -> Callable[[Any], Receipt]:
    at = NOW + timedelta(hours=hours)
    return lambda c: expired_receipt(c.header, c.digest, "sd.duty", head=case.head(), at=at)


@pytest.mark.parametrize(
    ("receipts", "expected"),
    [
        ((), []),
        ((out(60),), []),
        ((out(59),), ["released-early"]),
        ((out(59), out(60)), ["released-early"]),
        ((out(60), out(59)), ["released-early"]),
        ((skipped("sd.duty"),), []),
        ((out(60), skipped("sd.duty")), ["released-and-not-needed"]),
        ((out(60), skipped(None)), ["released-and-not-needed"]),
        ((out(60), late(48)), []),
        ((out(60), late(47)), ["expired-early"]),
        ((late(48),), ["expired-early"]),  # what never went out does not expire
    ],
)
def test_what_the_hub_says_of_held_slots_fits_their_times(
    directory: Directory, receipts: tuple[Callable[[Any], Receipt], ...], expected: list[str]
) -> None:
    assert held_case(directory, *receipts) == expected


def test_a_contact_that_said_both_is_named(directory: Directory) -> None:
    said = [case.acknowledged(), case.acknowledged(declined="not-for-us")]
    receipts = [case.accepted(), *(case.recorded(text, directory) for text in said)]
    data = case.evidence(directory, receipts=receipts, retrievals=[], acknowledgements=said)
    assert problems(data) == ["acknowledged-and-declined"]
    for one in said:
        alone = [case.accepted(), case.recorded(one, directory)]
        data = case.evidence(directory, receipts=alone, retrievals=[], acknowledgements=[one])
        assert problems(data) == []


def test_the_checkpoint_may_carry_cosignatures_nobody_here_knows(good: bytes) -> None:
    value: Any = parse(good)
    cosigned = value["log"]["checkpoint"] + "\u2014 jo.witness " + "AAAAAAAA" * 12 + "\n"
    assert verified(altered(good, "log", "checkpoint", to=cosigned)).problems == ()


def test_a_file_is_built_only_of_forms(directory: Directory) -> None:
    assert code(case.evidence, directory, receipts=[""]) == "bad-form"
