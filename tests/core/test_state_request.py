"""The request for enrolment: only what its keys signed, for this registry, in time, as printed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from poc.core import jws
from poc.core.bodies import Enrol
from poc.core.form import form_bytes, form_of
from poc.core.state_request import (
    StateRequest,
    check_enrolment,
    check_request,
    read_request,
    requested_body,
    sign_request,
)
from poc.core.strictjson import b64u, canonical, parse, unb64u
from poc.errors import RefusedError
from poc.limits import REQUEST_SECONDS_MAX
from tests.registry import ORIGIN, START, enrolment, jwk, signing_key

PIN = "0123456789abcdef" * 4
AUTHORITY, SECOND, RECOVERY = (signing_key(f"jo {name}") for name in ("authority", "second", "recovery"))
KEYS = sorted([jwk("jo authority"), jwk("jo second")], key=lambda key: key["x"])


def request(**changes):
    value = {
        "v": 1,
        "origin": ORIGIN,
        "form": "poc-state-request",
        "genesis_fingerprint": PIN,
        "state": "jo",
        "kind": "member",
        "names": enrolment("jo")["names"],
        "authority": {"keys": KEYS, "threshold": 1},
        "recovery": jwk("jo recovery"),
        "made_at": "2026-11-24T08:00:00Z",
        **changes,
    }
    return form_of(StateRequest, value)


FILE = sign_request(request(), (AUTHORITY, SECOND, RECOVERY))
READ = read_request(FILE)


def refused(function, *arguments, **named):
    with pytest.raises(RefusedError) as caught:
        function(*arguments, **named)
    return caught.value.code


def changed(**members):
    """The file with other members than were signed."""
    value = json.loads(FILE)
    payload = {**json.loads(unb64u(value["payload"])), **members}
    return canonical({**value, "payload": b64u(canonical(payload))})


def file_signed(*signatures):
    value = json.loads(FILE)
    made = [{"protected": s.protected, "signature": s.signature} for s in signatures]
    return canonical({**value, "signatures": made})


def signature(key, typ=jws.STATE_REQUEST, payload=None):
    return jws.sign(form_bytes(request()) if payload is None else payload, typ, key)


def test_a_request_is_read_with_the_keys_that_signed_it():
    assert READ.request == request()
    assert set(READ.signed_by) == {AUTHORITY.kid, SECOND.kid, RECOVERY.kid}
    assert READ.request.kids()[-1] == RECOVERY.kid
    assert len(READ.fingerprint) == 64
    assert sign_request(request(), (RECOVERY, AUTHORITY, SECOND)) == FILE


def test_one_authority_key_is_enough_and_a_recovery_key_may_be_missing():
    alone = read_request(sign_request(request(recovery=None), (SECOND,)))
    assert alone.signed_by == (SECOND.kid,)
    assert alone.request.kids() == tuple(key.kid for key in request().authority.keys)


@pytest.mark.parametrize(
    "members",
    [
        {"state": "sd"},
        {"kind": "observer"},
        {"names": {"short": {"en": "Sudan"}, "official": {"en": "Sudan"}}},
        {"authority": {"keys": KEYS, "threshold": 2}},
        {"recovery": None},
        {"genesis_fingerprint": "f" * 64},
        {"made_at": "2026-11-24T08:00:01Z"},
    ],
)
def test_a_request_that_was_edited_is_refused(members):
    assert refused(read_request, changed(**members)) in {"bad-signature", "unknown-key"}


BY_KID = sorted((AUTHORITY, SECOND), key=lambda key: key.kid)
UNSORTED = [signature(key) for key in reversed(BY_KID)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "bad-json"),
        (b"{}", "bad-form"),
        (FILE[:-20], "bad-json"),
        (changed(origin="example.org/other"), "bad-form"),
        (changed(v=2), "newer-form"),
        (changed(note="x"), "bad-form"),
        (file_signed(signature(RECOVERY)), "signatures-missing"),
        (file_signed(signature(signing_key("somebody"))), "unknown-key"),
        (file_signed(signature(AUTHORITY, payload=b"{}")), "bad-signature"),
        (file_signed(signature(AUTHORITY), signature(AUTHORITY)), "bad-form"),
        (file_signed(*UNSORTED), "bad-form"),
        (file_signed(replace(signature(AUTHORITY), signature=b64u(bytes(64)))), "bad-signature"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused(data, code):
    assert refused(read_request, data) == code


@pytest.mark.parametrize("typ", [typ for typ in jws.TYPES if typ != jws.STATE_REQUEST])
def test_a_request_is_signed_as_a_request(typ):
    assert refused(read_request, file_signed(signature(AUTHORITY, typ))) == "wrong-type"


def test_nothing_signs_for_a_key_that_the_request_does_not_name():
    assert refused(sign_request, request(), (AUTHORITY, signing_key("somebody"))) == "unknown-key"
    assert refused(sign_request, request(), (RECOVERY,)) == "signatures-missing"


def check(read=READ, **changes):
    given = {"origin": ORIGIN, "genesis_fingerprint": PIN, "printed": READ.fingerprint, "now": START}
    check_request(read, **{**given, **changes})


def test_a_request_is_taken_up_by_its_registry_in_time_and_as_printed():
    check()
    check(now=START + timedelta(seconds=REQUEST_SECONDS_MAX))
    check(now=START - timedelta(minutes=5))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"origin": "example.org/other"}, "wrong-origin"),
        ({"genesis_fingerprint": "f" * 64}, "wrong-fingerprint"),
        ({"printed": "f" * 64}, "request-mismatch"),
        (
            {"printed": READ.fingerprint[:-1] + ("0" if READ.fingerprint[-1] != "0" else "1")},
            "request-mismatch",
        ),
        ({"printed": ""}, "request-mismatch"),
        ({"now": START + timedelta(seconds=REQUEST_SECONDS_MAX + 1)}, "request-expired"),
        ({"now": START - timedelta(seconds=301)}, "request-expired"),
    ],
)
def test_another_request_registry_or_time_is_refused(changes, code):
    assert refused(check, **changes) == code


def test_a_request_signed_by_others_for_the_same_state_is_not_the_printed_one():
    other = sign_request(
        request(authority={"keys": [jwk("intruder")], "threshold": 1}, recovery=None),
        (signing_key("intruder"),),
    )
    assert refused(check, read_request(other)) == "request-mismatch"


def enrol(**changes):
    return form_of(Enrol, {**enrolment("jo"), **requested_body(READ.request), **changes})


def test_an_enrolment_that_says_what_was_asked_passes():
    check_enrolment(READ.request, ORIGIN, "jo", enrol())
    assert parse(canonical(requested_body(READ.request))) == requested_body(READ.request)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "observer"},
        {"names": {"short": {"en": "Sudan"}, "official": {"en": "Sudan"}}},
        {"authority": {"keys": KEYS, "threshold": 2}},
        {"authority": {"keys": sorted([*KEYS, jwk("intruder")], key=lambda key: key["x"]), "threshold": 1}},
        {"recovery": None},
        {"recovery": jwk("intruder")},
    ],
)
def test_an_enrolment_that_says_something_else_is_refused(changes):
    assert refused(check_enrolment, READ.request, ORIGIN, "jo", enrol(**changes)) == "request-differs"


def test_an_enrolment_of_another_state_or_registry_is_refused():
    assert refused(check_enrolment, READ.request, ORIGIN, "sd", enrol()) == "request-differs"
    assert refused(check_enrolment, READ.request, "example.org/other", "jo", enrol()) == "request-differs"
