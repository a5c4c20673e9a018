"""Which keys of a home can stop what waits, and how a new policy is made: pure, on registries in memory."""

from __future__ import annotations

import pytest

from poc.client import statements
from poc.client.cautions import cautions
from poc.client.lookup import show_contact
from poc.client.objecting import objector, waiting, who_may
from poc.client.policy import changed, policy_signers, settings_before
from poc.core.strictjson import domain_hash, format_time
from poc.errors import RefusedError
from poc.keyring import Keyring
from tests.registry import (
    ORIGIN,
    REGISTRARS,
    Registry,
    cosigner,
    device,
    enrolment,
    jwk,
    nomination,
    settings,
    signed,
    signing_key,
)

WINDOW = 3600
OTHERS = ("eg", "om", "sd")


def world():
    registry = Registry(objection_seconds=WINDOW)
    body = enrolment("jo", recovery=jwk("jo recovery"))
    registry.submit("state.enrol", "jo", body, *REGISTRARS, "jo authority", "jo recovery")
    registry.enrol(*OTHERS)
    registry.tick(WINDOW)
    registry.attest()
    body = nomination("jo.technical", devices=[device("jo.technical 1"), device("jo.technical 2", 2)])
    registry.submit(
        "contact.nominate", "jo.technical", body, "jo authority", "jo.technical 1", "jo.technical 2"
    )
    registry.nominate("jo.diplomatic")
    return registry


def recover(registry, label="jo new", overrules=None, by=()):
    body = {name: enrolment("jo")[name] for name in ("note_verbale", "call_back")}
    body |= {"authority": {"keys": [jwk(label)], "threshold": 1}, "recovery": None, "overrules": overrules}
    registry.submit("state.recover", "jo", body, *REGISTRARS, label, *by)


def object_by(registry, *labels):
    entry = waiting(registry.directory, "jo").anchor.leaf_hash
    return registry.submit("state.object", "jo", {"entry": entry}, *labels)


def home(*labels):
    kids = {signing_key(label).kid for label in labels}
    return lambda kid: kid in kids


def way(registry, *labels):
    found = objector(registry.directory, "jo", home(*labels))
    return found.way, len(found.kids), found.stops


def code_of(call, *arguments, **named):
    with pytest.raises(RefusedError) as caught:
        call(*arguments, **named)
    return caught.value.code


def test_the_strongest_signature_of_a_home_is_taken():
    registry = world()
    recover(registry)
    held = ("jo recovery", "jo authority", "jo.technical 1", "jo.diplomatic 1")
    assert way(registry, *held) == ("recovery", 1, True)
    assert way(registry, *held[1:]) == ("authority", 1, True)
    assert way(registry, *held[2:]) == ("contact", 2, True)
    assert way(registry, "jo.technical 1") == ("contact", 1, False)
    assert way(registry, "jo.technical 1", "jo.technical 2") == ("contact", 1, False)  # one contact is one
    for nobody in ((), ("sd authority",), ("jo new",), (REGISTRARS[0],)):
        assert code_of(way, registry, *nobody) == "no-key"


def test_a_frozen_contact_does_not_object():
    registry = world()
    recover(registry)
    entry = registry.directory.contact("jo.technical").standing.leaf_hash
    registry.submit("contact.freeze", "jo.technical", {"entry": entry}, "jo.diplomatic 1")
    assert code_of(way, registry, "jo.technical 1") == "no-key"
    assert way(registry, "jo.technical 1", "jo.diplomatic 1") == ("contact", 1, False)


def test_old_keys_stop_nothing_of_a_recovery_that_overrules_them():
    registry = world()
    recover(registry)
    stopped = object_by(registry, "jo authority")
    assert registry.directory.state("jo").recovering is None
    recover(registry, overrules=stopped.leaf_hash, by=[f"{state} authority" for state in OTHERS])
    assert way(registry, "jo authority") == ("authority", 1, False)
    assert way(registry, "jo authority", "jo.technical 1") == ("contact", 1, False)
    assert way(registry, "jo recovery", "jo authority") == ("recovery", 1, True)
    object_by(registry, "jo authority")
    assert registry.directory.state("jo").recovering is not None
    object_by(registry, "jo recovery")
    assert code_of(waiting, registry.directory, "jo") == "not-pending"


def test_what_waits_is_named_and_nothing_else():
    registry = world()
    assert code_of(waiting, registry.directory, "jo") == "not-pending"
    assert code_of(waiting, registry.directory, "qa") == "unknown-state"
    assert code_of(objector, registry.directory, "jo", home("jo recovery")) == "not-pending"
    registry.enrol("qa")
    found = waiting(registry.directory, "qa")
    assert (found.kind, found.stoppable) == ("enrolment", True)
    assert "any enrolled State" in who_may(found, "qa")
    by = objector(registry.directory, "qa", home("sd authority"))
    assert (by.way, by.stops) == ("member", True)
    assert code_of(objector, registry.directory, "qa", home("qa authority", *REGISTRARS)) == "no-key"
    registry.submit("state.object", "qa", {"entry": found.anchor.leaf_hash}, "sd authority")
    assert code_of(waiting, registry.directory, "qa") == "not-pending"
    later = enrolment("qa", call_back={"at": format_time(registry.now), "source": "the same"})
    registry.submit("state.enrol", "qa", later, *REGISTRARS, "qa authority")
    assert waiting(registry.directory, "qa").stoppable is False
    assert objector(registry.directory, "qa", home("sd authority")).stops is False


def test_a_contact_is_shown_with_what_waits_over_its_state():
    registry = world()
    recover(registry)
    contact = registry.directory.contact("jo.technical")
    shown = show_contact(registry.directory, contact, {}, registry.now)
    assert (shown.state_recovery or {})["effective_at"] > format_time(registry.now)
    assert shown.state_suspension is None
    assert "treat requests with care" in shown.warnings()[-1]
    object_by(registry, "jo recovery")
    until = format_time(registry.now.replace(year=registry.now.year, month=12, day=31))
    body = {"reason": "dispute", "scope": ["nominate", "send"], "until": until}
    registry.submit("state.suspend", "jo", body, *REGISTRARS)
    (told,) = cautions(registry.directory, "jo")
    assert "sending messages" in told
    assert until in told
    assert cautions(registry.directory, "sd") == cautions(registry.directory, "nobody") == []


# --- chains and signatures ---------------------------------------------------------------------


def test_every_kind_of_subject_is_chained_on_its_own_newest_entry():
    registry = world()
    registry.seat("jo")
    body = {"vkey": cosigner("jo.witness").verifier().vkey(), "url": "https://other.example"}
    payload = statements.compose(registry.directory, "witness.appoint", "jo.witness", body, registry.now)
    registry.log(signed(payload, "jo authority"))
    assert registry.directory.witnesses["jo.witness"].version == 2


def witness_keys(folder, now):
    keys = Keyring.create(folder, "correct horse battery")
    keys.add_signing("witness", "jo.witness", now, lambda _: domain_hash("poc/1 test key", b"jo.witness"))
    return keys


def test_a_witness_that_has_no_log_signs_its_appointment_and_its_own_dismissal_only(tmp_path):
    registry = world()
    keys = witness_keys(tmp_path, registry.now)
    kid = signing_key("jo.witness").kid
    body = {"vkey": cosigner("jo.witness").verifier().vkey(), "url": "https://w.example"}
    appointed = statements.bare(registry.payload("witness.appoint", "jo.witness", body))
    assert len(statements.sign(appointed, keys).signatures) == 1
    for subject, expected in (("jo.witness", None), ("sd.witness", "no-key")):
        bare = statements.bare(registry.payload("witness.dismiss", subject, {"entry": "A" * 43}))
        if expected is None:
            assert len(statements.sign(bare, keys).signatures) == 1
        else:
            assert code_of(statements.sign, bare, keys) == expected
    keys.retire(kid, registry.now)
    bare = statements.bare(registry.payload("witness.dismiss", "jo.witness", {"entry": "A" * 43}))
    assert code_of(statements.sign, bare, keys) == "no-key"


# --- policy ------------------------------------------------------------------------------------


def test_a_policy_is_complete_and_changes_what_was_named_only():
    registry = world()
    before = settings_before(registry.directory, by_members=False)
    row = {"id": "x-un.registrar-1", "body": "x-un", "names": {"en": "UN"}, "key": jwk("un")}
    body = changed(
        before,
        {"quorum": "majority"},
        add={"registrars": [row], "hub_keys": [jwk("hub 2")]},
        drop={"registrars": [REGISTRARS[0]], "hub_keys": [signing_key("hub").kid]},
    )
    kept = {name: value for name, value in body.items() if name not in {"registrars", "hub_keys", "quorum"}}
    expected = settings(objection_seconds=WINDOW)
    assert kept == {name: expected[name] for name in kept}
    assert [r["id"] for r in body["registrars"]] == sorted([REGISTRARS[1], "x-un.registrar-1"])
    assert body["hub_keys"] == [jwk("hub 2")]


@pytest.mark.parametrize(
    ("values", "drop"),
    [
        ({}, {}),
        ({"quorum": "none"}, {}),
        ({"quorum": "majority"}, {"registrars": ["x-un.registrar-9"]}),
        ({"quorum": "majority"}, {"hub_keys": ["A" * 43]}),
        ({"quorum": "majority"}, {"log_keys": ["example.org/test-cbm+0+A"]}),
    ],
)
def test_a_policy_that_changes_nothing_or_drops_what_is_not_there_is_refused(values, drop):
    before = settings_before(world().directory, by_members=False)
    assert code_of(changed, before, values, add={}, drop=drop) == "bad-form"


def test_registrars_build_on_what_waits_and_members_on_what_is_in_force():
    registry = world()
    registry.submit("registry.policy", ORIGIN, settings(freshness_seconds=100), *REGISTRARS)
    assert settings_before(registry.directory, by_members=False).freshness_seconds == 100
    assert settings_before(registry.directory, by_members=True).freshness_seconds == 86_400
    registry.enrol("x-un")
    members = policy_signers(registry.directory, by_members=True)
    assert members == {signing_key(f"{state} authority").kid for state in ("jo", *OTHERS)}
    assert policy_signers(registry.directory, by_members=False) == {signing_key(r).kid for r in REGISTRARS}
