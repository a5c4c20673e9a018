"""Receipts, retrievals, acknowledgements and cancels: what verifies and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from poc.core import jws
from poc.core.admission import read_envelope
from poc.core.directory import Directory
from poc.core.evidence import Cancel, NextStep, Receipt
from poc.core.keys import SigningKey
from poc.core.receipts import (
    Answering,
    acknowledgement,
    artefact_sha256,
    check_answerer,
    check_of_envelope,
    recorded_receipt,
    rejected_receipt,
    retrieval,
    sign_form,
    verify_answer,
    verify_cancel,
    verify_receipt,
)
from poc.errors import RefusedError
from tests import message_world as world
from tests.message_world import (
    HUB,
    NOW,
    ORIGIN,
    SIZE,
    accepted,
    directory,
    head,
    seal,
    signing_key,
    with_contact,
    with_key,
)

SEALED = seal()
CHECKED = read_envelope(SEALED.envelope_bytes)
DUTY = signing_key("sd.duty")
RESPONDER = signing_key("sd.duty", 2)


def code(function: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        function(*arguments, **named)
    return caught.value.code


def answering(key: SigningKey = DUTY, contact: str = "sd.duty", size: int = SIZE) -> Answering:
    return Answering(CHECKED.header, CHECKED.digest, contact, key.kid, head(size), NOW)


def acknowledged(key: SigningKey = DUTY, contact: str = "sd.duty", size: int = SIZE, **named: Any) -> str:
    return sign_form(acknowledgement(answering(key, contact, size), **named), jws.ACKNOWLEDGEMENT, key)


def retrieved(key: SigningKey = RESPONDER) -> str:
    return sign_form(retrieval(answering(key)), jws.RETRIEVAL, key)


def recorded(text: str, size: int = SIZE, base: Directory | None = None, **changes: Any) -> Receipt:
    answer = verify_answer(text, base or directory())
    made = recorded_receipt(CHECKED.header, CHECKED.digest, answer, text, head=head(size), at=NOW)
    return made.model_copy(update=changes)


# --- receipts ----------------------------------------------------------------------------------


def with_signature_of(other: str) -> str:
    """A good receipt with the signature of another one."""
    return ".".join((*accepted(SEALED).split(".")[:2], other.split(".")[2]))


def test_the_hubs_receipts_verify() -> None:
    receipt = verify_receipt(accepted(SEALED), directory())
    assert (receipt.event, receipt.slots) == ("accepted", CHECKED.slots)
    check_of_envelope(receipt, CHECKED.header, CHECKED.digest)
    refused = rejected_receipt(CHECKED.header, CHECKED.digest, "stale-slot-key", head=head(), at=NOW)
    assert verify_receipt(sign_form(refused, jws.RECEIPT, HUB), directory()).reason == "stale-slot-key"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (accepted(SEALED, key=DUTY), "unknown-key"),
        (accepted(SEALED, key=SigningKey.from_seed(bytes(32))), "unknown-key"),
        (accepted(SEALED, SIZE + 1), "head-ahead"),
        (acknowledged(), "wrong-type"),
        ("", "bad-form"),
        (with_signature_of(accepted(SEALED, SIZE - 1)), "bad-signature"),
    ],
)
def test_a_receipt_by_another_key_is_none(text: str, expected: str) -> None:
    assert code(verify_receipt, text, directory()) == expected


def test_a_receipt_of_another_registry_is_refused() -> None:
    receipt = verify_receipt(accepted(SEALED), directory()).model_copy(update={"origin": "example.org/x"})
    assert code(verify_receipt, sign_form(receipt, jws.RECEIPT, HUB), directory()) == "wrong-origin"


def test_a_receipt_counts_only_while_its_key_was_the_hubs() -> None:
    ended = with_key(directory(), HUB.kid, until=10, ended="replaced")
    assert verify_receipt(accepted(SEALED, 10), ended).event == "accepted"
    assert code(verify_receipt, accepted(SEALED, 11), ended) == "key-ended"


@pytest.mark.parametrize(
    "changes",
    [
        {"message": world.message_id(2)},
        {"envelope_sha256": "A" * 43},
        {"status": "test"},
        {"exercise": "other-2026"},
    ],
)
def test_a_receipt_or_answer_of_another_envelope_is_refused(changes: dict[str, Any]) -> None:
    forms = [verify_receipt(accepted(SEALED), directory()), acknowledgement(answering())]
    for form in forms:
        other = form.model_copy(update=changes)
        assert code(check_of_envelope, other, CHECKED.header, CHECKED.digest) == "receipt-mismatch"


# --- answers -----------------------------------------------------------------------------------


def test_a_device_answers_for_its_contact() -> None:
    given = verify_answer(acknowledged(officer="07", answer="A" * 43), directory())
    assert (given.outcome, given.officer, given.answer, given.next.kind) == (
        "acknowledged",
        "07",
        "A" * 43,
        "none-stated",
    )
    assert verify_answer(retrieved(), directory()).outcome == "retrieved"
    step = NextStep(kind="no-reply", at=None, contact=None)
    refused = verify_answer(acknowledged(declined="not-for-us", next_step=step), directory())
    assert (refused.outcome, refused.reason, refused.next) == ("declined", "not-for-us", step)


FREED = with_contact(directory(), "sd.duty", freezes=(world.freeze(10),))


@pytest.mark.parametrize(
    ("text", "base", "expected"),
    [
        (acknowledged(RESPONDER), directory(), "right-missing"),
        (acknowledged(signing_key("eg.technical")), directory(), "unknown-key"),
        (acknowledged(DUTY, "eg.technical"), directory(), "unknown-key"),
        (acknowledged(SigningKey.from_seed(bytes(32))), directory(), "unknown-key"),
        (acknowledged(size=SIZE + 1), directory(), "head-ahead"),
        (acknowledged(), FREED, "contact-frozen"),
        (acknowledged(), with_key(directory(), DUTY.kid, until=15, ended="lost"), "key-compromised"),
        (acknowledged(size=5), directory(), "key-not-yet"),
        (accepted(SEALED), directory(), "wrong-type"),
        (sign_form(retrieval(answering()), jws.ACKNOWLEDGEMENT, DUTY), directory(), "bad-form"),
        (sign_form(acknowledgement(answering()), jws.RETRIEVAL, DUTY), directory(), "bad-form"),
        (
            sign_form(acknowledgement(answering()), jws.ACKNOWLEDGEMENT, RESPONDER),
            directory(),
            "member-mismatch",
        ),
    ],
)
def test_an_answer_by_a_key_without_the_right_is_refused(text: str, base: Directory, expected: str) -> None:
    assert code(verify_answer, text, base) == expected


def test_an_answer_is_judged_at_the_larger_of_its_head_and_the_hubs_record() -> None:
    text = acknowledged(size=10)
    ended = with_key(directory(), DUTY.kid, until=12, ended="replaced")
    assert verify_answer(text, ended, recorded(text, 12, ended)).kid == DUTY.kid
    assert code(verify_answer, text, ended, recorded(text, 13, ended)) == "key-ended"
    assert code(verify_answer, text, ended, least=SIZE) == "key-ended"


@pytest.mark.parametrize(
    "changes",
    [
        {"event": "accepted"},
        {"artefact_sha256": "A" * 43},
        {"contact": "eg.technical"},
        {"message": world.message_id(2)},
    ],
)
def test_a_record_of_something_else_is_refused(changes: dict[str, Any]) -> None:
    text = acknowledged()
    assert code(verify_answer, text, directory(), recorded(text, **changes)) == "receipt-mismatch"


def test_the_record_names_the_exact_text() -> None:
    text = acknowledged()
    assert recorded(text).artefact_sha256 == artefact_sha256(text) != artefact_sha256(retrieved())


def test_only_addressees_answer_and_never_the_own_side() -> None:
    contacts = [slot.contact for slot in CHECKED.slots]
    check_answerer(verify_answer(acknowledged(), directory()), CHECKED.header, contacts)
    own = acknowledgement(answering(signing_key("jo.technical"), "jo.technical"))
    assert code(check_answerer, own, CHECKED.header, contacts) == "own-cannot-answer"
    other = acknowledgement(answering(signing_key("eg.technical"), "eg.technical"))
    assert code(check_answerer, other, CHECKED.header, contacts) == "unknown-contact"


# --- cancels -----------------------------------------------------------------------------------


def cancel(key: SigningKey, **changes: Any) -> str:
    form = Cancel(
        v=1,
        origin=ORIGIN,
        message=CHECKED.header.id,
        envelope_sha256=CHECKED.digest,
        contact=None,
        reason="withdrawn",
        at=NOW,
        head=head(),
    )
    return sign_form(form.model_copy(update=changes), jws.CANCEL, key)


def test_a_sending_device_of_the_senders_contact_cancels() -> None:
    second = signing_key("jo.technical", 2)
    form = verify_cancel(cancel(second), directory(), "jo.technical")
    check_of_envelope(form, CHECKED.header, CHECKED.digest)
    other = form.model_copy(update={"envelope_sha256": "A" * 43})
    assert code(check_of_envelope, other, CHECKED.header, CHECKED.digest) == "receipt-mismatch"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (cancel(signing_key("jo.technical", 3)), "right-missing"),
        (cancel(DUTY), "unknown-key"),
        (cancel(signing_key("jo.technical"), head=head(SIZE + 1)), "head-ahead"),
        (acknowledged(), "wrong-type"),
    ],
)
def test_nobody_else_cancels(text: str, expected: str) -> None:
    assert code(verify_cancel, text, directory(), "jo.technical") == expected
