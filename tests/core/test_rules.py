"""The rules of the registry: what each statement does, and every refusal by its code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.bodies import Settings
from poc.core.checkpoint import Cosigner
from poc.core.form import form_of
from poc.core.note import Signer
from poc.core.rules import apply, apply_all, at, check_proposal, start
from poc.core.rules_registry import check_settings
from poc.core.statement import SignedStatement, make_entry
from poc.core.strictjson import format_time
from poc.errors import RefusedError
from poc.limits import ISSUED_AGE_SECONDS_MAX, ISSUED_AHEAD_SECONDS_MAX
from tests.registry import (
    ORIGIN,
    REGISTRARS,
    START,
    Registry,
    card,
    device,
    enrolment,
    jwk,
    nomination,
    sealing_key,
    settings,
    signed,
    signing_key,
    usual,
)

JO = "jo.technical"
HASH = "A" * 43
CONTROLLER = "x-arcc.controller-1"


def code_of(function: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        function(*arguments, **named)
    return caught.value.code


def update(**changes: Any) -> dict[str, Any]:
    body = {**nomination(JO), **changes}
    del body["devices"]
    return body


def other_part() -> dict[str, Any]:
    return {"commitment": HASH, "visibility": "parties"}


# --- what statements do ------------------------------------------------------------------------


def test_a_genesis_gives_a_directory_with_its_settings_and_keys() -> None:
    directory = Registry().directory
    assert (directory.origin, directory.size, directory.version) == (ORIGIN, 1, 1)
    assert len(directory.fingerprint) == 64
    assert {record.role for record in directory.keys.values()} == {"registrar", "hub", "log"}
    assert directory.body_of(REGISTRARS[0]) == "x-las"
    assert directory.body_of("x-las.registrar-9") is None
    assert directory.admitted_statuses() == {"exercise", "test"}


def test_the_usual_registry_has_its_states_contacts_and_controller() -> None:
    directory = usual().directory
    assert directory.state("jo").status == "enrolled"
    assert [contact.id for contact in directory.contacts_of("jo")] == ["jo.diplomatic", JO]
    assert directory.contact(JO).level == "verified"
    assert directory.devices_of(CONTROLLER)[0].may == {"acknowledge", "change", "retrieve", "send"}
    assert directory.contact(JO).confirm_due_at(directory.settings) > START
    assert directory.contact(JO).device(2) is None


def test_a_directory_is_never_changed_by_what_follows() -> None:
    registry = usual()
    before = registry.directory
    registry.enrol("ae")
    assert "ae" not in before.states
    assert before.size + 1 == registry.directory.size


def test_applying_all_gives_the_same_as_applying_one_by_one() -> None:
    registry = usual()
    assert apply_all(None, registry.entries) == registry.directory
    assert apply_all(start(registry.entries[0]), registry.entries[1:]) == registry.directory


@given(st.permutations(["ae", "bh", "dz", "eg", "iq"]))
def test_any_order_of_independent_enrolments_gives_the_same_states(order: list[str]) -> None:
    registry = Registry()
    registry.enrol(*order)
    seen = {name: (s.names, s.authority_kids, s.status) for name, s in registry.directory.states.items()}
    straight = Registry()
    straight.enrol(*sorted(order))
    assert seen == {n: (s.names, s.authority_kids, s.status) for n, s in straight.directory.states.items()}


def test_an_enrolment_with_a_window_takes_effect_when_it_has_passed() -> None:
    registry = Registry(objection_seconds=3600)
    registry.enrol("jo")
    assert code_of(registry.directory.state, "jo") == "unknown-state"
    assert code_of(registry.nominate, JO) == "unknown-state"
    due_at = registry.directory.states["jo"].effective_at
    assert at(registry.directory, due_at - timedelta(seconds=1)).states["jo"].status == "pending"
    assert at(registry.directory, due_at).states["jo"].status == "enrolled"
    registry.tick(3600)
    registry.nominate(JO)
    assert registry.directory.state("jo").status == "enrolled"


def test_a_recovery_key_is_claimed_and_must_sign() -> None:
    registry = Registry()
    body = enrolment("jo", recovery=jwk("jo recovery"))
    assert (
        code_of(registry.submit, "state.enrol", "jo", body, *REGISTRARS, "jo authority")
        == "signatures-missing"
    )
    registry.submit("state.enrol", "jo", body, *REGISTRARS, "jo authority", "jo recovery")
    assert registry.directory.state("jo").recovery_kid == signing_key("jo recovery").kid


def test_a_listed_contact_is_replaced_by_its_first_nomination() -> None:
    registry = Registry()
    record = {"role": "technical", "alternate_of": None, "card": card(JO), "source": "note verbale"}
    registry.submit("contact.record", JO, record, *REGISTRARS)
    assert registry.directory.contact(JO).level == "listed"
    registry.enrol("jo")
    confirm = {"entry": registry.newest(JO).leaf_hash}
    assert code_of(registry.submit, "contact.confirm", JO, confirm, "jo authority") == "not-verified"
    registry.nominate(JO)
    assert registry.directory.contact(JO).version == 2
    assert code_of(registry.submit, "contact.record", JO, record, *REGISTRARS) == "already-verified"


def test_a_new_nomination_keeps_listed_devices_and_ends_the_others() -> None:
    registry = usual()
    body = nomination(JO, devices=[device(f"{JO} 1"), device(f"{JO} 2", 2)])
    registry.submit("contact.nominate", JO, body, "jo authority", f"{JO} 2")
    assert [d.number for d in registry.directory.devices_of(JO)] == [1, 2]
    body = nomination(JO, devices=[device(f"{JO} 3", 3)])
    registry.submit("contact.nominate", JO, body, "jo authority", f"{JO} 3")
    assert [d.number for d in registry.directory.devices_of(JO)] == [3]
    gone = registry.directory.key(signing_key(f"{JO} 1").kid)
    assert (gone.ended, gone.until) == ("routine", registry.directory.size - 1)
    assert gone.is_good_at(registry.directory.size - 1)
    assert not gone.is_good_at(registry.directory.size)


def test_a_nomination_may_need_a_registrar_too() -> None:
    registry = Registry(nomination="authority+registrar")
    registry.enrol("jo")
    by = ("jo authority", f"{JO} 1")
    assert code_of(registry.submit, "contact.nominate", JO, nomination(JO), *by) == "signatures-missing"
    registry.submit("contact.nominate", JO, nomination(JO), *by, REGISTRARS[0])


def test_a_device_may_change_how_it_is_reached_and_nothing_else() -> None:
    registry = usual()
    reach = {**card(JO), "reach": other_part()}
    registry.submit("contact.update", JO, update(card=reach), f"{JO} 1")
    assert registry.directory.contact(JO).reach_changed_by_device_at == registry.now
    office = {**reach, "office": other_part()}
    assert (
        code_of(registry.submit, "contact.update", JO, update(card=office), f"{JO} 1")
        == "signature-not-called-for"
    )
    registry.submit("contact.update", JO, update(card=office), "jo authority")
    assert registry.directory.contact(JO).reach_changed_by_device_at is None


def test_an_authority_adds_a_device_and_two_devices_add_a_lesser_one() -> None:
    registry = usual()
    entry = registry.newest(JO).leaf_hash
    second = {"entry": entry, "device": device(f"{JO} 2", 2)}
    registry.submit("contact.device-add", JO, second, "jo authority", f"{JO} 2")
    third = {"entry": entry, "device": device(f"{JO} 3", 3, may="acknowledge retrieve")}
    registry.submit("contact.device-add", JO, third, f"{JO} 1", f"{JO} 2", f"{JO} 3")
    assert [d.number for d in registry.directory.devices_of(JO)] == [1, 2, 3]
    fourth = {"entry": entry, "device": device(f"{JO} 4", 4, may="change")}
    by = (f"{JO} 1", f"{JO} 2", f"{JO} 4")
    assert code_of(registry.submit, "contact.device-add", JO, fourth, *by) == "rights-too-wide"


@pytest.mark.parametrize("by", ["jo authority", f"{JO} 1"])
def test_a_device_is_revoked_by_those_who_may(by: str) -> None:
    registry = usual()
    kid = signing_key(f"{JO} 1").kid
    body = {"kid": kid, "reason": "lost", "suspected_since": None}
    registry.submit("contact.device-revoke", JO, body, by)
    assert registry.directory.devices_of(JO) == ()
    assert registry.directory.key(kid).ended == "lost"
    assert registry.directory.key(sealing_key(f"{JO} 1").kid).ended == "lost"
    assert code_of(registry.submit, "contact.device-revoke", JO, body, "jo authority") == "superseded"


def test_a_device_rotates_each_of_its_keys() -> None:
    registry = usual()
    kid = signing_key(f"{JO} 1").kid
    sealing = device("new")["sealing"]
    registry.submit("contact.rotate", JO, {"kid": kid, "signing": None, "sealing": sealing}, f"{JO} 1")
    assert registry.directory.devices_of(JO)[0].sealing_kid == sealing["kid"]
    body = {"kid": kid, "signing": jwk("new"), "sealing": None}
    assert code_of(registry.submit, "contact.rotate", JO, body, f"{JO} 1") == "signatures-missing"
    registry.submit("contact.rotate", JO, body, f"{JO} 1", "new")
    rotated = registry.directory.devices_of(JO)[0]
    assert (rotated.kid, rotated.number) == (signing_key("new").kid, 1)
    assert registry.directory.key(rotated.kid).may == rotated.may
    back = {"kid": rotated.kid, "signing": jwk(f"{JO} 1"), "sealing": None}
    assert code_of(registry.submit, "contact.rotate", JO, back, "new") == "key-was-revoked"


def test_a_controller_is_managed_like_a_contact_with_registrars_above_it() -> None:
    registry = usual()
    entry = registry.newest(CONTROLLER).leaf_hash
    added = {"entry": entry, "device": device("c2", 2)}
    assert (
        code_of(registry.submit, "contact.device-add", CONTROLLER, added, REGISTRARS[0], "c2")
        == "signatures-missing"
    )
    registry.submit("contact.device-add", CONTROLLER, added, *REGISTRARS, "c2")
    revoke = {"kid": signing_key("c2").kid, "reason": "routine", "suspected_since": None}
    registry.submit("contact.device-revoke", CONTROLLER, revoke, *REGISTRARS)
    assert [d.number for d in registry.directory.devices_of(CONTROLLER)] == [1]


def test_confirming_and_testing_are_noted() -> None:
    registry = usual()
    registry.submit("contact.confirm", JO, {"entry": registry.newest(JO).leaf_hash}, f"{JO} 1")
    assert registry.directory.contact(JO).confirmed_at == registry.now
    tested = {
        "exercise": "cbm-2026-11",
        "message": "01936f00-0000-7000-8000-000000000001",
        "acknowledgement_sha256": HASH,
    }
    registry.submit("contact.tested", JO, tested, f"{CONTROLLER} 1")
    assert registry.directory.contact(JO).tested_at == registry.now
    assert code_of(registry.submit, "contact.tested", JO, {**tested, "exercise": "other"}, f"{JO} 1") == (
        "signature-not-called-for"
    )


def shows_counts(registry: Registry) -> bool:
    return registry.directory.settings.counts_public


def test_a_policy_waits_for_an_attest_that_covers_it() -> None:
    registry = usual()
    newer = settings(hub_keys=[jwk("hub 2")], counts_public=True)
    registry.submit("registry.policy", ORIGIN, newer, *REGISTRARS, "hub 2")
    assert not shows_counts(registry)
    assert not registry.directory.key(signing_key("hub 2").kid).is_good_at(registry.directory.size)
    registry.submit("registry.attest", ORIGIN, registry.attest_body(3), "hub")
    assert not shows_counts(registry)
    registry.submit("registry.attest", ORIGIN, registry.attest_body(), "hub")
    assert shows_counts(registry)
    assert registry.directory.pending == ()
    assert registry.directory.key(signing_key("hub").kid).ended == "replaced"
    assert registry.directory.key(signing_key("hub 2").kid).is_good_at(registry.directory.size)
    assert code_of(registry.submit, "registry.attest", ORIGIN, registry.attest_body(), "hub") == (
        "signature-not-called-for"
    )


def test_a_key_dropped_by_a_pending_policy_does_not_return_by_the_next() -> None:
    registry = usual()
    registry.submit("registry.policy", ORIGIN, settings(hub_keys=[jwk("hub 2")]), *REGISTRARS, "hub 2")
    assert code_of(registry.submit, "registry.policy", ORIGIN, settings(), *REGISTRARS) == "key-in-use"


# --- what is refused ---------------------------------------------------------------------------

GENESIS: list[tuple[dict[str, Any], str]] = [
    ({"statuses": ["actual", "exercise"]}, "window-too-short"),
    ({"thresholds": {"policy": 3, "suspend": 2}}, "bad-threshold"),
    ({"thresholds": {"policy": 2, "suspend": 3}}, "bad-threshold"),
    (
        {"limits": {"body_bytes": 2**30, "slots": 1, "blob_bytes": 1, "messages_per_hour": 1}},
        "limit-too-high",
    ),
    ({"limits": {"body_bytes": 1, "slots": 251, "blob_bytes": 1, "messages_per_hour": 1}}, "limit-too-high"),
    (
        {"limits": {"body_bytes": 1, "slots": 1, "blob_bytes": 2**24, "messages_per_hour": 1}},
        "limit-too-high",
    ),
    ({"log_keys": ["example.net/other+00000000+AAAA"]}, "unknown-algorithm"),
    ({"log_keys": [Cosigner(ORIGIN, signing_key("log")).verifier().vkey()]}, "unknown-algorithm"),
    ({"hub_keys": [jwk(REGISTRARS[0])]}, "key-in-use"),
]


@pytest.mark.parametrize(("changes", "code"), GENESIS)
def test_settings_no_registry_may_have_are_refused(changes: dict[str, Any], code: str) -> None:
    assert code_of(check_settings, form_of(Settings, settings(**changes)), ORIGIN) == code


def test_a_log_key_must_bear_the_origin_as_its_name() -> None:
    other = Signer("example.net/other", signing_key("log")).vkey()
    assert code_of(Registry, log_keys=[other]) == "wrong-origin"


def test_registrars_of_one_body_cannot_found_a_registry() -> None:
    registrars = [{**row, "body": "x-las"} for row in settings()["registrars"]]
    assert code_of(Registry, registrars=registrars) == "one-body-only"


@pytest.mark.parametrize("by", [REGISTRARS, (REGISTRARS[0], "hub"), ("hub",)])
def test_every_registrar_and_the_hub_must_sign_the_genesis(by: tuple[str, ...]) -> None:
    payload = Registry().entries[0].signed.payload
    assert code_of(start, make_entry(signed(payload, *by), START)) == "signatures-missing"


def test_a_log_begins_with_a_genesis_and_with_nothing_else() -> None:
    registry = usual()
    assert code_of(start, registry.entries[1]) == "not-a-genesis"
    assert code_of(apply_all, None, []) == "empty-log"
    foreign = registry.payload("registry.genesis", "example.org/another", settings(), chain=(0, None))
    assert code_of(start, make_entry(signed(foreign, *REGISTRARS, "hub"), START)) == "not-a-genesis"
    again = registry.payload("registry.genesis", ORIGIN, settings(hub_keys=[jwk("hub 3")]))
    assert code_of(registry.log, signed(again, *REGISTRARS)) == "superseded"


REFUSED: list[tuple[str, str, Any, tuple[str, ...], str]] = [
    ("state.enrol", "zz", enrolment("zz"), (*REGISTRARS, "zz authority"), "bad-state-id"),
    ("state.enrol", "jor", enrolment("jor"), (*REGISTRARS, "jor authority"), "bad-state-id"),
    (
        "state.enrol",
        "x-un",
        enrolment("x-un", kind="member"),
        (*REGISTRARS, "x-un authority"),
        "bad-state-id",
    ),
    (
        "state.enrol",
        "ae",
        enrolment("ae", kind="organisation"),
        (*REGISTRARS, "ae authority"),
        "bad-state-id",
    ),
    ("state.enrol", "ae", enrolment("ae"), (REGISTRARS[0], "ae authority"), "signatures-missing"),
    ("state.enrol", "ae", enrolment("ae"), REGISTRARS, "signatures-missing"),
    ("state.enrol", "ae", enrolment("ae"), (*REGISTRARS, "ae authority", "hub"), "signature-not-called-for"),
    ("state.enrol", "ae", enrolment("ae"), (*REGISTRARS, "jo authority"), "signature-not-called-for"),
    (
        "state.enrol",
        "ae",
        enrolment("ae", authority={"keys": [jwk("ae authority")], "threshold": 2}),
        (*REGISTRARS, "ae authority"),
        "bad-threshold",
    ),
    (
        "state.enrol",
        "ae",
        enrolment("ae", authority={"keys": [jwk("jo authority")], "threshold": 1}),
        REGISTRARS,
        "key-in-use",
    ),
    (
        "state.enrol",
        "ae",
        enrolment("ae", recovery=jwk("ae authority")),
        (*REGISTRARS, "ae authority"),
        "key-in-use",
    ),
    ("contact.record", "zz.technical", None, REGISTRARS, "bad-state-id"),
    ("contact.record", "Jo", None, REGISTRARS, "bad-party-id"),
    ("contact.nominate", "jo.BAD", nomination("jo.x"), ("jo authority", "jo.x 1"), "bad-party-id"),
    ("contact.nominate", "ae.duty", nomination("ae.duty"), ("jo authority", "ae.duty 1"), "unknown-state"),
    (
        "contact.nominate",
        "jo.duty",
        nomination("jo.duty"),
        ("sd authority", "jo.duty 1"),
        "signature-not-called-for",
    ),
    (
        "contact.nominate",
        "jo.duty",
        nomination("jo.duty"),
        (*REGISTRARS, "jo.duty 1"),
        "signature-not-called-for",
    ),
    ("contact.nominate", "jo.duty", nomination("jo.duty"), ("jo authority",), "signatures-missing"),
    ("contact.nominate", "jo.duty", nomination("jo.duty"), ("jo.duty 1",), "signatures-missing"),
    (
        "contact.nominate",
        "jo.duty",
        nomination("jo.duty", devices=[device("jo.duty 1", 2)]),
        ("jo authority", "jo.duty 1"),
        "bad-device-number",
    ),
    (
        "contact.nominate",
        JO,
        nomination(JO, devices=[device(f"{JO} 1", may="send")]),
        ("jo authority",),
        "device-changed",
    ),
    (
        "contact.nominate",
        "jo.duty",
        nomination("jo.duty", alternate_of="sd.technical"),
        ("jo authority", "jo.duty 1"),
        "bad-alternate",
    ),
    (
        "contact.nominate",
        "jo.duty",
        nomination("jo.duty", alternate_of="jo.unknown"),
        ("jo authority", "jo.duty 1"),
        "bad-alternate",
    ),
    ("contact.update", JO, update(alternate_of=JO), ("jo authority",), "bad-alternate"),
    ("contact.update", "jo.duty", update(), ("jo authority",), "unknown-contact"),
    (
        "contact.device-add",
        JO,
        {"entry": HASH, "device": device("n", 2)},
        ("jo authority", "n"),
        "superseded",
    ),
    (
        "contact.rotate",
        JO,
        {"kid": HASH, "signing": None, "sealing": None},
        (f"{JO} 1",),
        "signature-not-called-for",
    ),
    ("contact.confirm", JO, {"entry": HASH}, ("jo authority",), "superseded"),
    ("contact.confirm", JO, {"entry": HASH}, ("sd authority",), "signature-not-called-for"),
    ("contact.confirm", "jo.duty", {"entry": HASH}, ("jo authority",), "unknown-contact"),
    (
        "controller.appoint",
        JO,
        {"names": {"en": "C"}, "body": "x-arcc", "devices": [device("c")]},
        (*REGISTRARS, "c"),
        "bad-party-id",
    ),
    ("registry.policy", "example.org/another", settings(), REGISTRARS, "bad-subject"),
    ("registry.policy", ORIGIN, settings(counts_public=True), (REGISTRARS[0],), "signatures-missing"),
    ("registry.policy", ORIGIN, settings(hub_keys=[jwk("jo authority")]), REGISTRARS, "key-in-use"),
]


@pytest.mark.parametrize(("kind", "subject", "body", "by", "code"), REFUSED)
def test_a_statement_that_breaks_a_rule_is_refused(
    kind: str, subject: str, body: Any, by: tuple[str, ...], code: str
) -> None:
    registry = usual()
    before = registry.directory
    record = {"role": "technical", "alternate_of": None, "card": card(JO), "source": "x"}
    named: dict[str, Any] = {"chain": (0, None)} if subject == JO and kind == "controller.appoint" else {}
    assert code_of(registry.submit, kind, subject, body or record, *by, **named) == code
    assert registry.directory is before


@pytest.mark.parametrize("previous", ["another contact's", "an older", "none that exists"])
def test_the_right_version_on_another_leaf_is_superseded(previous: str) -> None:
    registry = usual()
    older = registry.newest(JO).leaf_hash
    registry.submit("contact.update", JO, update(), "jo authority")
    leaves = {"another contact's": registry.newest("sd.technical").leaf_hash, "an older": older}
    payload = registry.payload("contact.update", JO, update(), chain=(2, leaves.get(previous, HASH)))
    assert code_of(registry.log, signed(payload, "jo authority")) == "superseded"
    registry.submit("contact.update", JO, update(machine_receipts=False), "jo authority")


@pytest.mark.parametrize("version", [1, 3, 4, 2**53 - 1])
def test_a_version_is_exactly_one_more(version: int) -> None:
    registry = usual()
    previous = None if version == 1 else registry.newest(JO).leaf_hash
    payload = registry.payload("contact.update", JO, update(), chain=(version - 1, previous))
    with pytest.raises(RefusedError) as caught:
        registry.log(signed(payload, "jo authority"))
    assert caught.value.code == "superseded"
    assert caught.value.data == {"newest": registry.newest(JO).leaf_hash}


@pytest.mark.parametrize(
    ("offset", "code"),
    [(ISSUED_AHEAD_SECONDS_MAX + 2, "issued-ahead"), (-ISSUED_AGE_SECONDS_MAX, "issued-too-long-ago")],
)
def test_a_statement_dated_too_far_off_is_refused(offset: int, code: str) -> None:
    registry = usual()
    issued_at = registry.now + timedelta(seconds=offset)
    payload = registry.payload("state.enrol", "ae", enrolment("ae"), issued_at=issued_at)
    assert code_of(registry.log, signed(payload, *REGISTRARS, "ae authority")) == code
    edge = registry.payload(
        "state.enrol",
        "ae",
        enrolment("ae"),
        issued_at=issued_at - timedelta(seconds=offset // abs(offset)) * 2,
    )
    registry.log(signed(edge, *REGISTRARS, "ae authority"))


def test_time_in_the_log_never_goes_back() -> None:
    registry = usual()
    payload = registry.payload("state.enrol", "ae", enrolment("ae"))
    entry = make_entry(signed(payload, *REGISTRARS, "ae authority"), registry.now - timedelta(seconds=1))
    assert code_of(apply, registry.directory, entry) == "logged-before-previous"


def test_a_payload_enters_the_log_once() -> None:
    registry = usual()
    body = {"entry": registry.newest(JO).leaf_hash}
    statement = registry.submit("contact.confirm", JO, body, "jo authority").signed
    assert code_of(registry.log, statement) == "already-logged"


def test_a_statement_of_another_registry_is_refused() -> None:
    registry = usual()
    payload = registry.payload("state.enrol", "ae", enrolment("ae")).replace(
        ORIGIN.encode(), b"example.org/other"
    )
    assert code_of(registry.log, signed(payload, *REGISTRARS, "ae authority")) == "wrong-origin"


def test_a_signature_over_other_bytes_is_refused() -> None:
    registry = usual()
    edited = registry.payload("state.enrol", "ae", enrolment("ae"))
    approved = registry.payload("state.enrol", "ae", enrolment("ae", kind="observer"))
    mixed = SignedStatement(
        edited, (*signed(edited, "ae authority").signatures, *signed(approved, *REGISTRARS).signatures)
    )
    assert code_of(registry.log, mixed) == "bad-signature"


def test_a_key_that_ended_does_not_sign_again() -> None:
    registry = usual()
    kid = signing_key(f"{JO} 1").kid
    body = {"kid": kid, "reason": "compromise", "suspected_since": None}
    registry.submit("contact.device-revoke", JO, body, "jo authority")
    again = {"kid": kid, "reason": "routine", "suspected_since": None}
    assert code_of(registry.submit, "contact.device-revoke", JO, again, f"{JO} 1") == "unknown-key"


@pytest.mark.parametrize("number", [1, 3, 9])
def test_a_device_number_is_the_next_one(number: int) -> None:
    registry = usual()
    body = {"entry": registry.newest(JO).leaf_hash, "device": device("n", number)}
    assert (
        code_of(registry.submit, "contact.device-add", JO, body, "jo authority", "n") == "bad-device-number"
    )


def test_at_most_eight_devices_are_active() -> None:
    registry = Registry()
    registry.enrol("jo")
    registry.nominate(JO, devices=[device(f"{JO} {n}", n) for n in range(1, 9)])
    body = {"entry": registry.newest(JO).leaf_hash, "device": device("n", 9)}
    assert code_of(registry.submit, "contact.device-add", JO, body, "jo authority", "n") == "too-many-devices"


@pytest.mark.parametrize("sealing", [None, device("new")["sealing"]])
def test_a_rotation_brings_exactly_one_key(sealing: dict[str, Any] | None) -> None:
    registry = usual()
    both = {
        "kid": signing_key(f"{JO} 1").kid,
        "signing": None if sealing is None else jwk("new"),
        "sealing": sealing,
    }
    by = (f"{JO} 1",) if sealing is None else (f"{JO} 1", "new")
    assert code_of(registry.submit, "contact.rotate", JO, both, *by) == "bad-rotation"


@pytest.mark.parametrize("days", [-1, 0, 91])
def test_a_sealing_key_is_rotated_within_ninety_days(days: int) -> None:
    registry = usual()
    sealing = {**device("new")["sealing"], "rotate_by": format_time(registry.now + timedelta(days=days))}
    body = {"kid": signing_key(f"{JO} 1").kid, "signing": None, "sealing": sealing}
    assert code_of(registry.submit, "contact.rotate", JO, body, f"{JO} 1") == "bad-rotate-by"


def test_an_alternate_has_no_alternate_and_a_primary_is_no_alternate() -> None:
    registry = usual()
    registry.nominate("jo.duty", alternate_of=JO)
    assert registry.directory.contact("jo.duty").alternate_of == JO
    third = nomination("jo.third", alternate_of="jo.duty")
    assert code_of(registry.submit, "contact.nominate", "jo.third", third, "jo authority", "jo.third 1") == (
        "bad-alternate"
    )
    swapped = update(alternate_of="jo.diplomatic")
    assert code_of(registry.submit, "contact.update", JO, swapped, "jo authority") == "bad-alternate"


def test_a_state_is_enrolled_once() -> None:
    registry = usual()
    body = enrolment("jo", authority={"keys": [jwk("jo 2")], "threshold": 1})
    assert code_of(registry.submit, "state.enrol", "jo", body, *REGISTRARS, "jo 2") == "already-enrolled"


def test_a_recovery_key_is_due_where_actual_is_admitted() -> None:
    registry = Registry(statuses=["actual", "exercise"], objection_seconds=60)
    assert code_of(registry.enrol, "jo") == "recovery-key-missing"
    assert registry.directory.admitted_statuses() == {"exercise"}


@pytest.mark.parametrize("break_it", ["size", "proof", "root", "log key"])
def test_an_attest_must_prove_its_checkpoint(break_it: str) -> None:
    registry = usual()
    body = registry.attest_body(3)
    lines = body["checkpoint"].split("\n")
    if break_it == "proof":
        body["consistency"] = body["consistency"][1:]
    elif break_it == "size":
        body = {**body, "checkpoint": "\n".join([lines[0], "4", *lines[2:]])}
    elif break_it == "root":
        body = {**body, "checkpoint": "\n".join([*lines[:2], "A" * 43 + "=", *lines[3:]])}
    else:
        body = {**body, "checkpoint": body["checkpoint"].replace(f"— {ORIGIN}", "— example.net/other")}
    assert code_of(registry.submit, "registry.attest", ORIGIN, body, "hub") in {
        "bad-proof",
        "bad-signature",
        "unsigned-note",
    }


def test_an_attest_covers_only_what_is_logged() -> None:
    registry = usual()
    longer = usual()
    longer.enrol("ae", "bh")
    body = {"checkpoint": longer.checkpoint().decode(), "consistency": []}
    assert code_of(registry.submit, "registry.attest", ORIGIN, body, "hub") == "attest-ahead"


# --- thresholds --------------------------------------------------------------------------------


def three_of_two_bodies() -> Registry:
    third = {
        "id": "x-las.registrar-2",
        "body": "x-las",
        "names": {"en": "Office"},
        "key": jwk("x-las.registrar-2"),
    }
    registrars = sorted([*settings()["registrars"], third], key=lambda row: str(row["id"]))
    registry = Registry.__new__(Registry)
    registry.now = START
    payload = registry.payload("registry.genesis", ORIGIN, settings(registrars=registrars), chain=(0, None))
    entry = make_entry(signed(payload, *REGISTRARS, "x-las.registrar-2", "hub"), START)
    registry.directory, registry.entries = start(entry), [entry]
    return registry


def test_two_registrars_of_one_body_count_once() -> None:
    registry = three_of_two_bodies()
    by = ("x-las.registrar-1", "x-las.registrar-2", "ae authority")
    assert code_of(registry.submit, "state.enrol", "ae", enrolment("ae"), *by) == "signatures-missing"
    registry.submit("state.enrol", "ae", enrolment("ae"), *by, "x-arcc.registrar-1")


@pytest.mark.parametrize("order", list(permutations([*REGISTRARS, "ae authority"])))
def test_the_order_of_signing_makes_no_difference(order: tuple[str, ...]) -> None:
    registry = Registry()
    registry.submit("state.enrol", "ae", enrolment("ae"), *order)
    assert registry.directory.state("ae").status == "enrolled"


def test_an_authority_of_two_needs_both() -> None:
    registry = Registry()
    keys = sorted([jwk("jo a"), jwk("jo b")], key=lambda key: key["x"])
    body = enrolment("jo", authority={"keys": keys, "threshold": 2})
    assert code_of(registry.submit, "state.enrol", "jo", body, *REGISTRARS, "jo a") == "signatures-missing"
    registry.submit("state.enrol", "jo", body, *REGISTRARS, "jo a", "jo b")
    by = ("jo a", f"{JO} 1")
    assert code_of(registry.submit, "contact.nominate", JO, nomination(JO), *by) == "signatures-missing"
    registry.submit("contact.nominate", JO, nomination(JO), *by, "jo b")


def test_a_key_that_signed_twice_is_refused() -> None:
    registry = Registry()
    payload = registry.payload("state.enrol", "ae", enrolment("ae"))
    once = signed(payload, *REGISTRARS, "ae authority")
    twice = SignedStatement(payload, (*once.signatures, once.signatures[0]))
    assert code_of(check_proposal, registry.directory, twice, registry.now) == "signature-not-called-for"


# --- proposals ---------------------------------------------------------------------------------


def test_a_proposal_says_what_it_lacks_until_it_is_complete() -> None:
    registry = Registry()
    payload = registry.payload("state.enrol", "ae", enrolment("ae"))
    first = check_proposal(registry.directory, signed(payload, REGISTRARS[0]), registry.now)
    assert not first.complete
    assert len(first.missing) == 2
    done = check_proposal(registry.directory, signed(payload, *REGISTRARS, "ae authority"), registry.now)
    assert (done.complete, done.missing) == (True, ())


def test_a_proposal_needs_a_signature_by_a_known_key() -> None:
    registry = Registry()
    payload = registry.payload("state.enrol", "ae", enrolment("ae"))
    assert code_of(check_proposal, registry.directory, signed(payload, "ae authority"), registry.now) == (
        "signatures-missing"
    )


def test_a_proposal_that_could_never_be_admitted_is_refused_at_once() -> None:
    registry = Registry()
    payload = registry.payload("state.enrol", "zz", enrolment("zz"))
    assert (
        code_of(check_proposal, registry.directory, signed(payload, REGISTRARS[0]), registry.now)
        == "bad-state-id"
    )


def test_queries_refuse_what_is_not_there() -> None:
    directory = usual().directory
    assert code_of(directory.key, HASH) == "unknown-key"
    assert code_of(directory.contact, "jo.duty") == "unknown-contact"
    assert code_of(directory.controller, "x-arcc.controller-2") == "unknown-contact"
    gone = replace(directory.controllers[CONTROLLER], dismissed=True)
    assert (
        code_of(replace(directory, controllers={CONTROLLER: gone}).controller, CONTROLLER)
        == "unknown-contact"
    )
