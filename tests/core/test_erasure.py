"""An erasure is believed only where an owner of the card signed for this very commitment."""

from __future__ import annotations

import pytest

from poc.core.erasure import Erasure, check_erasure, make_erasure
from poc.core.httpsig import sign_request
from poc.core.strictjson import b64u
from poc.errors import RefusedError
from tests.registry import Registry, device, nomination, openings, signing_key

JO = "jo.technical"
HUB = "https://hub.example"


def registry():
    made = Registry()
    made.enrol("jo", "sd")
    devices = [
        device("jo.technical 1"),
        device("jo.technical 2", 2, may="retrieve"),
        device("jo.technical 3", 3),
        device("jo.technical 4", 4),
    ]
    labels = [f"jo.technical {n}" for n in (1, 2, 3, 4)]
    made.submit("contact.nominate", JO, nomination(JO, devices=devices), "jo authority", *labels)
    made.nominate("jo.diplomatic", "sd.technical")
    for label, reason in (("jo.technical 3", "routine"), ("jo.technical 4", "lost")):
        body = {"kid": signing_key(label).kid, "reason": reason, "suspected_since": None}
        made.submit("contact.device-revoke", JO, body, "jo authority")
    listed = {k: v for k, v in nomination("sd.duty").items() if k in {"role", "alternate_of", "card"}}
    registrars = ("x-las.registrar-1", "x-arcc.registrar-1")
    made.submit("contact.record", "sd.duty", {**listed, "source": "a list"}, *registrars)
    return made


REGISTRY = registry()
COMMITMENT = openings(JO)[0].commitment()


def erasure(
    who="jo authority", *, contact=JO, method="DELETE", target=None, signed_for=None, body=b"", **changes
):
    commitment = openings(contact)[0].commitment()
    target = target or f"{HUB}/v1/cards/{commitment}"
    nonce = b64u(b"n" * 16)
    headers = sign_request(method, signed_for or target, body, signing_key(who), REGISTRY.now, nonce)
    made = make_erasure(contact, "office", commitment, target, headers)
    return made.model_copy(update=changes)


def refusal(made, directory=None):
    with pytest.raises(RefusedError) as caught:
        check_erasure(made, directory or REGISTRY.directory)
    return caught.value.code


@pytest.mark.parametrize("who", ["jo authority", "jo.technical 1", "jo.technical 3"])
def test_an_owner_is_believed_also_with_a_key_that_was_replaced_since(who):
    check_erasure(erasure(who), REGISTRY.directory)


def test_a_registrar_is_believed_for_a_listed_contact_only():
    check_erasure(erasure("x-las.registrar-1", contact="sd.duty"), REGISTRY.directory)
    assert refusal(erasure("x-las.registrar-1")) == "right-missing"


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (erasure("sd authority"), "right-missing"),
        (erasure("sd.technical 1"), "right-missing"),
        (erasure("jo.diplomatic 1"), "right-missing"),
        (erasure("jo.technical 2"), "right-missing"),
        (erasure("jo.technical 4"), "key-compromised"),
        (erasure("hub"), "right-missing"),
        (erasure("log"), "unknown-key"),
        (erasure("nobody"), "unknown-key"),
        (erasure(method="PUT"), "bad-request-signature"),
        (erasure(body=b"{}"), "bad-request-signature"),
        (erasure(signed_for=f"{HUB}/v1/cards/{'A' * 43}"), "bad-request-signature"),
        (erasure(target=f"{HUB}/v1/cards/{'A' * 43}"), "bad-request-signature"),
        (erasure(target=f"{HUB}/v1/cards/{COMMITMENT}?x=1"), "bad-request-signature"),
        (erasure(target=f"{HUB}/other/v1/cards/{COMMITMENT}"), "bad-request-signature"),
        (erasure(signature="poc=:AAAA:"), "bad-request-signature"),
        (erasure(part="reach"), "commitment-mismatch"),
        (erasure(part="person"), "commitment-mismatch"),
        (erasure(contact=JO).model_copy(update={"contact": "sd.technical"}), "commitment-mismatch"),
        (erasure().model_copy(update={"contact": "sd.nobody"}), "unknown-contact"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_else_is_not(made, code):
    assert refusal(made) == code


def test_a_frozen_contacts_device_is_not_believed_and_its_authority_is():
    made = registry()
    standing = made.directory.contacts[JO].standing.leaf_hash
    made.submit("contact.freeze", JO, {"entry": standing}, "jo.diplomatic 1")
    assert refusal(erasure("jo.technical 1"), made.directory) == "contact-frozen"
    check_erasure(erasure("jo authority"), made.directory)


def test_a_request_that_is_not_signed_makes_no_erasure():
    with pytest.raises(RefusedError) as caught:
        make_erasure(JO, "office", COMMITMENT, HUB, {})
    assert caught.value.code == "not-signed"


def test_the_proof_has_exactly_what_a_reader_needs():
    assert set(Erasure.model_fields) == {
        *("contact", "part", "commitment", "target", "signature_input", "signature")
    }
