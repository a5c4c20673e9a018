"""R5: what is signed as one form is none of the others, whoever reads it and however well it would fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from poc.core import jws
from poc.core.admission import read_envelope
from poc.core.draft import content_sha256, prepare
from poc.core.evidence import Cancel
from poc.core.exercise import Script
from poc.core.form import form_bytes
from poc.core.keys import SigningKey
from poc.core.message import Message
from poc.core.opening import check_preparation
from poc.core.play import read_announcement, with_order
from poc.core.receipts import (
    Answering,
    acknowledgement,
    read_signed,
    retrieval,
    verify_answer,
    verify_cancel,
    verify_receipt,
)
from poc.core.rules import apply
from poc.core.statement import SignedEntry, SignedStatement, make_entry
from poc.core.strictjson import b64u
from poc.errors import RefusedError
from tests import message_world as world
from tests.message_world import HUB, NOW, ORIGIN, SIZE, accepted, directory, head, seal, signing_key
from tests.registry import REGISTRARS, Registry, enrolment
from tests.registry import signing_key as registry_key

SEALED = seal()
JO, SUDAN, CONTROLLER = (
    signing_key("jo.technical"),
    signing_key("sd.duty"),
    signing_key("x-arcc.controller-1"),
)
Reader = Callable[[str], Any]


def payload_of(text: str) -> bytes:
    return jws.read_compact(text).payload


def answering() -> Answering:
    header = read_envelope(SEALED.envelope_bytes).header
    return Answering(header, SEALED.digest, "sd.duty", SUDAN.kid, head(), NOW)


def cancel() -> Cancel:
    return Cancel(
        v=1,
        origin=ORIGIN,
        message=SEALED.message.id,
        envelope_sha256=SEALED.digest,
        contact=None,
        reason="withdrawn",
        at=NOW,
        head=head(),
    )


def script() -> Script:
    members: dict[str, Any] = {"v": 1, "origin": ORIGIN, "kid": CONTROLLER.kid, "at": NOW, "head": head()}
    return Script(**members, exercise=world.EXERCISE, salt=b64u(bytes(32)), injects=(), notes=None)


def read_preparation(text: str) -> object:
    message = SEALED.message.model_copy(update={"prepared": text})
    return check_preparation(message, directory().key(JO.kid), directory(), SIZE)


def prepared() -> str:
    second = signing_key("jo.technical", 2)
    content = content_sha256(SEALED.message)
    return prepare(content, origin=ORIGIN, contact="jo.technical", key=second, head=head(), at=NOW)


# Each reader with a payload it takes when it is signed as the type it expects, and who signs.
READERS: dict[str, tuple[Reader, bytes, SigningKey]] = {
    jws.MESSAGE: (
        lambda t: read_signed(Message, t, jws.MESSAGE, directory()),
        form_bytes(SEALED.message),
        JO,
    ),
    jws.PREPARATION: (read_preparation, payload_of(prepared()), signing_key("jo.technical", 2)),
    jws.CANCEL: (lambda t: verify_cancel(t, directory(), "jo.technical"), form_bytes(cancel()), JO),
    jws.RECEIPT: (lambda t: verify_receipt(t, directory()), payload_of(accepted(SEALED)), HUB),
    jws.RETRIEVAL: (lambda t: verify_answer(t, directory()), form_bytes(retrieval(answering())), SUDAN),
    jws.ACKNOWLEDGEMENT: (
        lambda t: verify_answer(t, directory()),
        form_bytes(acknowledgement(answering())),
        SUDAN,
    ),
    jws.ANNOUNCEMENT: (
        lambda t: read_announcement(t, directory()),
        payload_of(world.Exercise().announcement()),
        CONTROLLER,
    ),
    jws.SCRIPT: (lambda t: read_signed(Script, t, jws.SCRIPT, directory()), form_bytes(script()), CONTROLLER),
    jws.ORDER: (
        lambda t: with_order(world.Exercise().announced(), t, directory(), now=NOW),
        payload_of(world.Exercise().order("start")),
        CONTROLLER,
    ),
}
# Retrievals and acknowledgements share a reader, which then finds the other one's form.
ANSWERS = {jws.RETRIEVAL, jws.ACKNOWLEDGEMENT}


# These two are no compact JWS; their own tests stand below and in test_state_request.
APART = {jws.STATEMENT, jws.STATE_REQUEST}


def test_every_type_but_statements_and_requests_has_its_reader_here() -> None:
    assert set(READERS) == set(jws.TYPES) - APART


@pytest.mark.parametrize("typ", READERS)
def test_each_reader_takes_its_own_type(typ: str) -> None:
    reader, payload, key = READERS[typ]
    reader(jws.sign_compact(payload, typ, key))


@pytest.mark.parametrize("signed_as", jws.TYPES)
@pytest.mark.parametrize("typ", READERS)
def test_no_reader_takes_its_own_payload_signed_as_another_type(typ: str, signed_as: str) -> None:
    reader, payload, key = READERS[typ]
    if signed_as == typ:
        return
    with pytest.raises(RefusedError) as caught:
        reader(jws.sign_compact(payload, signed_as, key))
    assert caught.value.code == ("bad-form" if {typ, signed_as} == ANSWERS else "wrong-type")


@pytest.mark.parametrize("other", READERS)
@pytest.mark.parametrize("typ", READERS)
def test_no_reader_takes_another_forms_payload_signed_as_its_type(typ: str, other: str) -> None:
    if other == typ:
        return
    reader, _, key = READERS[typ]
    with pytest.raises(RefusedError) as caught:
        reader(jws.sign_compact(READERS[other][1], typ, key))
    assert caught.value.code == "bad-form"


def test_no_artefact_is_an_artefact_of_another_type_as_it_stands() -> None:
    for typ, (_, payload, key) in READERS.items():
        text = jws.sign_compact(payload, typ, key)
        for other, (reader, _, _) in READERS.items():
            if other == typ or {typ, other} == ANSWERS:
                continue
            with pytest.raises(RefusedError, match="wrong-type"):
                reader(text)


@pytest.mark.parametrize("signed_as", [typ for typ in jws.TYPES if typ != jws.STATEMENT])
def test_a_statement_is_signed_as_a_statement(signed_as: str) -> None:
    registry = Registry()
    payload = registry.payload("state.enrol", "ae", enrolment("ae"))

    def entry(*types: str) -> SignedEntry:
        who = (*REGISTRARS, "ae authority")
        made = tuple(jws.sign(payload, t, registry_key(w)) for t, w in zip(types, who, strict=True))
        return make_entry(SignedStatement(payload, made), registry.tick())

    good = [jws.STATEMENT] * 3
    assert apply(registry.directory, entry(*good)).size == 2
    for place in range(3):
        with pytest.raises(RefusedError, match="wrong-type"):
            apply(
                registry.directory, entry(*(signed_as if n == place else typ for n, typ in enumerate(good)))
            )


def test_the_texts_that_are_signed_begin_differently() -> None:
    from poc.core.httpsig import signature_base

    request = signature_base("GET", "https://hub.example/", "sha-256=:x:", "()")
    note = head().encode()
    text = jws.sign_compact(b"{}", jws.RECEIPT, HUB).encode()
    assert (request[:1], text[:3]) == (b'"', b"eyJ")
    assert not note.startswith((b'"', b"eyJ"))
