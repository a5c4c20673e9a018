"""Log and hub keys that a later policy replaced: what they signed is judged at its place in the log."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from poc.core import jws
from poc.core.admission import SealingLimits, read_envelope
from poc.core.checkpoint import stated_size
from poc.core.draft import Addressee
from poc.core.envelope import Randomness, Sealed, seal_message
from poc.core.judge import read_checkpoint, read_head
from poc.core.proof import build_evidence, verify_evidence
from poc.core.receipts import (
    Answering,
    accepted_receipt,
    recorded_receipt,
    retrieval,
    sign_form,
    verify_answer,
    verify_receipt,
)
from poc.errors import RefusedError
from tests.message_world import cek_of, draft, message_id
from tests.registry import (
    ORIGIN,
    REGISTRARS,
    Registry,
    jwk,
    log_signer,
    sealing_key,
    settings,
    signing_key,
    usual,
)

BEFORE = 8  # entries of the usual registry
AFTER = 10  # with the policy and the attest that brings it into force


def replaced() -> Registry:
    """The usual registry whose log and hub key were replaced by entries 8 and 9."""
    registry = usual()
    newer = settings(log_keys=[log_signer("log 2").vkey()], hub_keys=[jwk("hub 2")])
    registry.submit("registry.policy", ORIGIN, newer, *REGISTRARS, "hub 2")
    registry.submit("registry.attest", ORIGIN, registry.attest_body(), "hub")
    return registry


def code_of(function: Any, *arguments: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        function(*arguments)
    return caught.value.code


# --- heads and checkpoints ---------------------------------------------------------------------


@pytest.mark.parametrize(("size", "by"), [(1, "log"), (BEFORE, "log"), (AFTER - 1, "log"), (AFTER, "log 2")])
def test_a_head_is_good_by_the_key_in_force_at_its_size(size: int, by: str) -> None:
    registry = replaced()
    assert read_head(registry.head(size, by), registry.directory).size == size
    assert read_checkpoint(registry.checkpoint(size, by), registry.directory).size == size


@pytest.mark.parametrize(
    ("size", "by"),
    [(1, "log 2"), (BEFORE, "log 2"), (AFTER - 1, "log 2"), (AFTER, "log"), (0, "log"), (BEFORE, "log 3")],
)
def test_a_head_by_a_key_not_in_force_at_its_size_is_refused(size: int, by: str) -> None:
    registry = replaced()
    assert code_of(read_head, registry.head(size, by), registry.directory) == "unsigned-note"
    assert code_of(read_checkpoint, registry.checkpoint(size, by), registry.directory) == "unsigned-note"


def test_a_key_that_waits_for_its_policy_signs_nothing_yet() -> None:
    registry = usual()
    newer = settings(log_keys=[log_signer("log 2").vkey()])
    registry.submit("registry.policy", ORIGIN, newer, *REGISTRARS)
    assert set(registry.directory.log_vkeys.values()) == {
        log_signer("log").vkey(),
        log_signer("log 2").vkey(),
    }
    assert registry.directory.log_vkeys_at(registry.directory.size) == (log_signer("log").vkey(),)
    assert code_of(read_head, registry.head(by="log 2"), registry.directory) == "unsigned-note"


def test_a_head_that_is_ahead_asks_for_a_sync_whoever_signed_it() -> None:
    older, newer = usual(), replaced()
    assert code_of(read_head, newer.head(AFTER, "log 2"), older.directory) == "head-ahead"
    assert read_checkpoint(newer.checkpoint(BEFORE + 1), older.directory).size == BEFORE + 1
    assert code_of(read_checkpoint, newer.checkpoint(AFTER, "log 2"), older.directory) == "unsigned-note"


def test_an_attest_covers_an_old_checkpoint_by_its_old_key_and_a_new_one_by_the_new() -> None:
    registry = replaced()
    registry.submit("registry.attest", ORIGIN, registry.attest_body(BEFORE), "hub 2")
    registry.submit("registry.attest", ORIGIN, registry.attest_body(by="log 2"), "hub 2")
    for size, by in ((BEFORE, "log 2"), (AFTER + 1, "log")):
        body = registry.attest_body(size, by)
        assert code_of(registry.submit, "registry.attest", ORIGIN, body, "hub 2") == "unsigned-note"


def test_a_stated_size_is_read_from_notes_only() -> None:
    assert stated_size(usual().checkpoint()) == BEFORE
    assert code_of(stated_size, b"example.org/test-cbm\n8\n") == "bad-note"


# --- evidence across the change ----------------------------------------------------------------


@cache
def sealed() -> Sealed:
    """A message of jo.technical to sd.technical, written before the change."""
    registry = replaced()
    return seal_message(
        draft(status="test", exercise=None),
        origin=ORIGIN,
        id=message_id(),
        sender_contact="jo.technical",
        signing_key=signing_key("jo.technical 1"),
        addressees=[Addressee("sd.technical", sealing_key("sd.technical 1").public, "action", 1)],
        head=registry.head(BEFORE),
        now=registry.now,
        randomness=Randomness(cek_of(), bytes(12), [bytes(16)]),
        limits=SealingLimits(frozenset({"test"})),
    )


def accepted(registry: Registry, size: int = BEFORE, log: str = "log", hub: str = "hub") -> str:
    checked = read_envelope(sealed().envelope_bytes)
    head, at = registry.head(size, log), registry.now + timedelta(minutes=1)
    receipt = accepted_receipt(checked.header, checked.digest, checked.slots, head=head, at=at)
    return sign_form(receipt, jws.RECEIPT, signing_key(hub))


def answered(registry: Registry, size: int = AFTER, log: str = "log 2") -> str:
    """The retrieval, made after the change."""
    checked = read_envelope(sealed().envelope_bytes)
    key, head = signing_key("sd.technical 1"), registry.head(size, log)
    at = registry.now + timedelta(minutes=2)
    answering = Answering(checked.header, checked.digest, "sd.technical", key.kid, head, at)
    return sign_form(retrieval(answering), jws.RETRIEVAL, key)


def recorded(registry: Registry, size: int = AFTER, log: str = "log 2", hub: str = "hub 2") -> str:
    checked = read_envelope(sealed().envelope_bytes)
    text = answered(registry)
    answer = verify_answer(text, registry.directory)
    head, at = registry.head(size, log), registry.now + timedelta(minutes=3)
    receipt = recorded_receipt(checked.header, checked.digest, answer, text, head=head, at=at)
    return sign_form(receipt, jws.RECEIPT, signing_key(hub))


def evidence(registry: Registry, **changes: Any) -> bytes:
    named: dict[str, Any] = {
        "origin": ORIGIN,
        "envelope": sealed().envelope,
        "receipts": [accepted(registry), recorded(registry)],
        "retrievals": [answered(registry)],
        "acknowledgements": [],
        "cancels": [],
        "checkpoint": registry.checkpoint(by="log 2").decode(),
        "leaves": registry.leaves,
        "cek": cek_of(),
    }
    return build_evidence(**{**named, **changes})


def test_evidence_across_a_change_of_log_and_hub_keys_verifies() -> None:
    registry = replaced()
    report = verify_evidence(evidence(registry), registry.directory.fingerprint)
    assert [event.event for event in report.timeline] == ["sent", "accepted", "retrieved", "recorded"]
    assert report.problems == ()
    assert report.author_proven


def test_a_receipt_by_a_hub_key_replaced_since_verifies_alone() -> None:
    registry = replaced()
    assert verify_receipt(accepted(registry), registry.directory).event == "accepted"
    assert verify_receipt(recorded(registry), registry.directory).event == "recorded"


@pytest.mark.parametrize(
    ("size", "log", "hub", "expected"),
    [
        (AFTER, "log 2", "hub", "key-ended"),
        (BEFORE, "log", "hub 2", "key-not-yet"),
        (AFTER - 1, "log", "hub 2", "key-not-yet"),
        (AFTER, "log", "hub 2", "unsigned-note"),
        (BEFORE, "log 2", "hub", "unsigned-note"),
        (BEFORE, "log 2", "hub 2", "unsigned-note"),
        (BEFORE, "log", "log", "unknown-key"),
    ],
)
def test_a_receipt_that_mixes_keys_of_both_times_is_refused(
    size: int, log: str, hub: str, expected: str
) -> None:
    registry = replaced()
    receipt = accepted(registry, size, log, hub)
    assert code_of(verify_receipt, receipt, registry.directory) == expected
    mixed = evidence(registry, receipts=[receipt, recorded(registry)])
    assert code_of(verify_evidence, mixed, registry.directory.fingerprint) == expected


def test_an_answer_whose_head_was_signed_by_the_ended_key_refuses_the_file() -> None:
    registry = replaced()
    answer = answered(registry, AFTER, "log")
    mixed = evidence(registry, receipts=[accepted(registry)], retrievals=[answer])
    assert code_of(verify_evidence, mixed, registry.directory.fingerprint) == "unsigned-note"


def test_the_checkpoint_of_a_file_is_by_the_key_in_force_at_its_size() -> None:
    registry = replaced()
    by_ended = evidence(registry, checkpoint=registry.checkpoint(by="log").decode())
    assert code_of(verify_evidence, by_ended, registry.directory.fingerprint) == "unsigned-note"
