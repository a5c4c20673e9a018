"""Whom a key speaks for: only keys in force, each as what it is."""

from __future__ import annotations

import pytest

from poc.errors import RefusedError
from poc.hub.caller import caller_of
from tests.registry import ORIGIN, REGISTRARS, Registry, enrolment, jwk, settings, signing_key

WINDOW = 3600


def role(registry, label):
    return caller_of(registry.directory, signing_key(label).kid)[0].role


def refused(registry, label):
    with pytest.raises(RefusedError) as caught:
        role(registry, label)
    return caught.value.code == "bad-request-signature"


def recover(registry, state, label):
    body = {name: enrolment(state)[name] for name in ("recovery", "note_verbale", "call_back")}
    body |= {"authority": {"keys": [jwk(label)], "threshold": 1}, "overrules": None}
    registry.submit("state.recover", state, body, *REGISTRARS, label)


def test_keys_of_a_recovery_are_nobodys_until_its_window_has_passed_and_the_old_ones_after():
    registry = Registry(objection_seconds=WINDOW)
    registry.enrol("jo", "sd")
    assert refused(registry, "jo authority")  # pending
    registry.tick(WINDOW)
    registry.attest()
    recover(registry, "jo", "jo new")
    assert role(registry, "jo authority") == "authority"
    assert refused(registry, "jo new")
    registry.tick(WINDOW)
    registry.attest()
    assert refused(registry, "jo authority")
    assert role(registry, "jo new") == "authority"


def test_keys_of_a_stopped_recovery_stay_nobodys():
    registry = Registry(objection_seconds=WINDOW)
    registry.enrol("jo")
    registry.tick(WINDOW)
    registry.attest()
    recover(registry, "jo", "jo new")
    entry = registry.newest("jo").leaf_hash
    registry.submit("state.object", "jo", {"entry": entry}, "jo authority")
    registry.tick(WINDOW)
    registry.attest()
    assert refused(registry, "jo new")
    assert role(registry, "jo authority") == "authority"


def test_a_registrar_of_a_policy_that_waits_is_no_caller_yet_and_one_dropped_none_any_more():
    registry = Registry()
    rows = settings()["registrars"]
    named = [{**row, "key": jwk("next")} if row["id"] == REGISTRARS[0] else row for row in rows]
    registry.submit("registry.policy", ORIGIN, settings(registrars=named), *REGISTRARS, "next")
    assert refused(registry, "next")
    assert role(registry, REGISTRARS[0]) == "registrar"
    registry.attest()
    assert role(registry, "next") == "registrar"
    assert refused(registry, REGISTRARS[0])


def test_a_witness_is_a_caller_from_its_appointment_to_its_states_end():
    registry = Registry()
    registry.enrol("jo")
    assert refused(registry, "jo.witness")
    registry.seat("jo")
    assert role(registry, "jo.witness") == "witness"
    entry = registry.directory.state("jo").enrolled.leaf_hash
    registry.submit("state.withdraw", "jo", {"entry": entry}, "jo authority")
    assert refused(registry, "jo.witness")
