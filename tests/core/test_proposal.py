"""Proposal files: what travels with a statement, and what is refused in one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from poc.core import jws
from poc.core.bodies import ActsOn, Appoint, Device, DeviceAdd, Nominate, Rotate, SealingRef, jwk_form
from poc.core.card import CardCommitments, Commitment, OfficePart, make_opening
from poc.core.form import read_form
from poc.core.keys import SealingKey, SigningKey
from poc.core.proposal import (
    Proposal,
    make_proposal,
    named_card,
    named_sealing_keys,
    proposal_bytes,
    read_proposal,
    with_signatures,
)
from poc.core.statement import SignedStatement, read_statement, statement_payload
from poc.core.strictjson import canonical, parse_time
from poc.errors import RefusedError
from tests.core.test_card import OFFICE, SALT

AT = parse_time("2026-11-24T08:00:00Z")
ORIGIN = "example.org/cbm"
KEY = SigningKey.from_seed(b"test-key-proposal-1".ljust(32, b"\0"))
OTHER = SigningKey.from_seed(b"test-key-proposal-2".ljust(32, b"\0"))
SEALING = SealingKey.from_seed(b"test-key-proposal-3".ljust(32, b"\0"))
STRANGER = SealingKey.from_seed(b"test-key-proposal-4".ljust(32, b"\0"))
OPENING = make_opening(read_form(OfficePart, canonical(OFFICE)), SALT)
REF = SealingRef(kid=SEALING.kid, alg="HPKE-9-KE", rotate_by=AT)
DEVICE = Device(number=1, key=jwk_form(KEY.public), sealing=REF, may=("acknowledge", "send"))
CARD = CardCommitments(
    office=Commitment(commitment=OPENING.commitment(), visibility="parties"),
    reach=Commitment(commitment="A" * 43, visibility="parties"),
    person=None,
)


def nominate() -> SignedStatement:
    payload = statement_payload(
        origin=ORIGIN,
        type="contact.nominate",
        subject="jo.technical",
        version=1,
        issued_at=AT,
        body=Nominate(
            role="technical",
            alternate_of=None,
            card=CARD,
            machine_receipts=True,
            custody="own",
            devices=(DEVICE,),
        ),
    )
    return SignedStatement(payload, (jws.sign(payload, jws.STATEMENT, KEY),))


def proposal() -> Proposal:
    return make_proposal(nominate(), (OPENING,), (SEALING.public,))


def test_a_proposal_file_reads_back() -> None:
    again, statement = read_proposal(proposal_bytes(proposal()))
    assert again == proposal()
    assert again.signed == nominate()
    assert named_card(statement) == CARD


def test_signatures_collect_on_the_same_bytes() -> None:
    more = jws.sign(nominate().payload, jws.STATEMENT, OTHER)
    grown = with_signatures(proposal(), (more,))
    assert grown.signed.payload == nominate().payload
    assert len(grown.signed.signatures) == 2
    assert with_signatures(grown, (more,)) == grown


def test_an_opening_the_statement_does_not_name_is_refused() -> None:
    other = make_opening(read_form(OfficePart, canonical(OFFICE)), bytes(32))
    with pytest.raises(RefusedError) as caught:
        make_proposal(nominate(), (other,))
    assert caught.value.code == "proposal-mismatch"


def test_a_sealing_key_the_statement_does_not_name_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        make_proposal(nominate(), (), (STRANGER.public,))
    assert caught.value.code == "proposal-mismatch"


def test_an_opening_beside_a_statement_without_card_is_refused() -> None:
    payload = statement_payload(
        origin=ORIGIN,
        type="contact.confirm",
        subject="jo.technical",
        issued_at=AT,
        body=ActsOn(entry="A" * 43),
    )
    plain = SignedStatement(payload, (jws.sign(payload, jws.STATEMENT, KEY),))
    with pytest.raises(RefusedError) as caught:
        make_proposal(plain, (OPENING,))
    assert caught.value.code == "proposal-mismatch"


def test_a_file_for_another_origin_than_its_statement_is_refused() -> None:
    value = json.loads(proposal_bytes(proposal()))
    with pytest.raises(RefusedError) as caught:
        read_proposal(canonical({**value, "origin": "example.net/other"}))
    assert caught.value.code == "proposal-mismatch"


@pytest.mark.parametrize("data", [b"", b"{}", b"not json", b'{"v":1}', b"\xff"])
def test_a_file_of_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedError):
        read_proposal(data)


def test_every_type_that_brings_sealing_keys_names_them() -> None:
    bodies: list[tuple[str, Any, int | None]] = [
        ("contact.device-add", DeviceAdd(entry="A" * 43, device=DEVICE), None),
        ("contact.rotate", Rotate(kid=KEY.kid, signing=None, sealing=REF), None),
        ("controller.appoint", Appoint(names={"en": "C"}, body="x-arcc", devices=(DEVICE,)), 1),
    ]
    for kind, body, version in bodies:
        payload = statement_payload(
            origin=ORIGIN, type=kind, subject="x-arcc.controller-1", version=version, issued_at=AT, body=body
        )
        assert named_sealing_keys(read_statement(payload)) == (REF,)


def test_a_rotation_of_the_signing_key_names_no_sealing_key() -> None:
    payload = statement_payload(
        origin=ORIGIN,
        type="contact.rotate",
        subject="jo.technical",
        issued_at=AT,
        body=Rotate(kid=KEY.kid, signing=jwk_form(OTHER.public), sealing=None),
    )
    statement = read_statement(payload)
    assert named_sealing_keys(statement) == ()
    assert named_card(statement) is None
