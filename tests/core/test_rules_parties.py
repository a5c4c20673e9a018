"""Rules on who may be what: one id for one party, kinds of States, and what passes with time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.rules import apply_all, check_proposal
from poc.core.statement import read_entry
from poc.core.strictjson import format_time
from poc.errors import CATALOGUE, RefusedError
from poc.limits import ISSUED_AGE_SECONDS_MAX, ISSUED_AHEAD_SECONDS_MAX
from tests.registry import (
    ORIGIN,
    REGISTRARS,
    Registry,
    card,
    device,
    enrolment,
    jwk,
    nomination,
    settings,
    signed,
    signing_key,
    usual,
)

JO = "jo.technical"
CONTROLLER = "x-arcc.controller-1"


def code_of(registry: Registry, kind: str, subject: str, body: dict[str, Any], *by: str, **how: Any) -> str:
    before = registry.directory
    with pytest.raises(RefusedError) as caught:
        registry.submit(kind, subject, body, *by, **how)
    assert caught.value.code in CATALOGUE
    assert registry.directory is before
    return caught.value.code


def record(contact: str) -> dict[str, Any]:
    return {"role": "technical", "alternate_of": None, "card": card(contact), "source": "note verbale"}


def appointment(label: str) -> dict[str, Any]:
    return {"names": {"en": "Controller"}, "body": "x-arcc", "devices": [device(label)]}


def with_registrar(name: str) -> dict[str, Any]:
    row = {"id": name, "body": name.split(".", 1)[0], "names": {"en": "Office"}, "key": jwk(name)}
    return settings(registrars=sorted([*settings()["registrars"], row], key=lambda r: str(r["id"])))


@pytest.mark.parametrize("subject", [CONTROLLER, REGISTRARS[1]])
def test_a_controller_or_registrar_does_not_become_a_contact(subject: str) -> None:
    registry = usual()
    registry.enrol("x-arcc")
    chain = (0, None)
    by = ("x-arcc authority", "n")
    body = {**nomination(subject), "devices": [device("n")]}
    assert code_of(registry, "contact.nominate", subject, body, *by, chain=chain) == "bad-party-id"
    assert code_of(registry, "contact.record", subject, record(subject), *REGISTRARS, chain=chain) == (
        "bad-party-id"
    )


@pytest.mark.parametrize("subject", [JO, REGISTRARS[0]])
def test_a_contact_or_registrar_does_not_become_a_controller(subject: str) -> None:
    registry = usual()
    by = (*REGISTRARS, "c")
    assert code_of(registry, "controller.appoint", subject, appointment("c"), *by, chain=(0, None)) == (
        "bad-party-id"
    )


@pytest.mark.parametrize("subject", [JO, CONTROLLER])
def test_a_policy_makes_no_registrar_of_a_contact_or_controller(subject: str) -> None:
    registry = usual()
    assert code_of(registry, "registry.policy", ORIGIN, with_registrar(subject), *REGISTRARS, subject) == (
        "bad-party-id"
    )


def test_a_registrar_of_a_policy_not_yet_in_force_has_its_id_already() -> None:
    registry = usual()
    name = "x-un.registrar-1"
    registry.submit("registry.policy", ORIGIN, with_registrar(name), *REGISTRARS, name)
    assert code_of(registry, "contact.record", name, record(name), *REGISTRARS) == "bad-party-id"
    by = (*REGISTRARS, "c")
    assert code_of(registry, "controller.appoint", name, appointment("c"), *by) == "bad-party-id"


def test_a_registrar_signs_from_the_attest_on_that_covers_its_policy() -> None:
    registry = usual()
    name = "x-un.registrar-1"
    registry.submit("registry.policy", ORIGIN, with_registrar(name), *REGISTRARS, name)
    by = (REGISTRARS[0], name, "ae authority")
    assert code_of(registry, "state.enrol", "ae", enrolment("ae"), *by) == "signature-not-called-for"
    registry.submit("registry.attest", ORIGIN, registry.attest_body(), "hub")
    registry.submit("state.enrol", "ae", enrolment("ae"), *by)
    assert registry.directory.state("ae").status == "enrolled"


def test_one_attest_brings_all_policies_it_covers_into_force_in_log_order() -> None:
    registry = usual()
    for number in (2, 3):
        newer = settings(hub_keys=[jwk(f"hub {number}")])
        registry.submit("registry.policy", ORIGIN, newer, *REGISTRARS, f"hub {number}")
    registry.submit("registry.attest", ORIGIN, registry.attest_body(), "hub")
    directory = registry.directory
    assert [key.kid for key in directory.settings.hub_keys] == [signing_key("hub 3").kid]
    assert directory.key(signing_key("hub 2").kid).ended == "replaced"
    assert not directory.key(signing_key("hub 2").kid).is_good_at(directory.size)
    assert directory.key(signing_key("hub 3").kid).is_good_at(directory.size)


@pytest.mark.parametrize(
    ("state", "kind", "code"),
    [
        ("x-un", "member", "bad-state-id"),
        ("ae", "organisation", "bad-state-id"),
        ("zz", "observer", "bad-state-id"),
        ("uk", "member", "bad-state-id"),
        ("x-a", "observer", "bad-state-id"),
        ("ae", "member", None),
        ("va", "observer", None),
        ("x-au", "observer", None),
        ("x-un", "organisation", None),
    ],
)
def test_the_kind_of_a_state_fits_its_id(state: str, kind: str, code: str | None) -> None:
    registry = Registry()
    body = enrolment(state, kind=kind)
    by = (*REGISTRARS, f"{state} authority")
    if code is None:
        registry.submit("state.enrol", state, body, *by)
        assert registry.directory.state(state).kind == kind
    else:
        assert code_of(registry, "state.enrol", state, body, *by) == code


def test_a_state_is_not_enrolled_again_while_it_waits() -> None:
    registry = Registry(objection_seconds=3600)
    registry.enrol("jo")
    body = enrolment("jo", authority={"keys": [jwk("jo 2")], "threshold": 1})
    assert code_of(registry, "state.enrol", "jo", body, *REGISTRARS, "jo 2") == "already-enrolled"


def test_a_proposal_is_judged_no_earlier_than_the_newest_entry() -> None:
    registry = usual()
    payload = registry.payload("state.enrol", "ae", enrolment("ae"))
    early = registry.now - timedelta(hours=1)
    assert not check_proposal(registry.directory, signed(payload, REGISTRARS[0]), early).complete


def test_a_proposal_may_be_made_for_a_state_whose_window_has_passed_meanwhile() -> None:
    registry = Registry(objection_seconds=3600)
    registry.enrol("jo")
    due_at = registry.directory.states["jo"].effective_at
    statement = signed(registry.payload("contact.nominate", JO, nomination(JO)), "jo authority")
    with pytest.raises(RefusedError) as caught:
        check_proposal(registry.directory, statement, registry.now)
    assert caught.value.code == "unknown-state"
    assert check_proposal(registry.directory, statement, due_at).missing == (
        "1 signature of the new keys this brings",
    )
    assert registry.directory.states["jo"].status == "pending"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("contact.device-revoke", {"reason": "compromise", "suspected_since": None}),
        ("contact.rotate", {"signing": jwk("n"), "sealing": None}),
    ],
)
def test_a_device_has_no_say_over_another_contact(kind: str, body: dict[str, Any]) -> None:
    registry = usual()
    foreign = {"kid": signing_key("sd.technical 1").kid, **body}
    new = ("n",) if kind == "contact.rotate" else ()
    assert code_of(registry, kind, JO, foreign, "sd.technical 1", *new) == "superseded"
    own = {**foreign, "kid": signing_key(f"{JO} 1").kid}
    assert code_of(registry, kind, JO, own, "sd.technical 1", *new) == "signature-not-called-for"


def test_two_contacts_of_one_state_do_not_share_a_key() -> None:
    registry = usual()
    body = nomination("jo.duty", devices=[device(f"{JO} 1")])
    assert code_of(registry, "contact.nominate", "jo.duty", body, "jo authority") == "key-in-use"
    sealing = device(f"{JO} 1")["sealing"]
    body = nomination("jo.duty", devices=[{**device("n"), "sealing": sealing}])
    assert code_of(registry, "contact.nominate", "jo.duty", body, "jo authority", "n") == "key-in-use"


def test_a_refused_entry_drops_what_came_before_it_in_the_same_batch() -> None:
    registry = usual()
    before = apply_all(None, registry.entries[:3])
    with pytest.raises(RefusedError):
        apply_all(before, [registry.entries[3], registry.entries[3]])
    assert before == apply_all(None, registry.entries[:3])


STEPS = ("ae", "bh", "dz")


@given(st.permutations([f"{state} {step}" for state in STEPS for step in ("enrol", "nominate")]))
def test_any_admissible_order_gives_the_same_parts_of_the_directory(order: list[str]) -> None:
    registry = Registry()
    waiting = list(order)
    while waiting:
        step = next(s for s in waiting if s.endswith("enrol") or s[:2] in registry.directory.states)
        waiting.remove(step)
        state = step[:2]
        if step.endswith("enrol"):
            registry.enrol(state)
        else:
            registry.nominate(f"{state}.technical")
    directory = registry.directory
    assert sorted(directory.states) == list(STEPS)
    assert {c.id: (c.level, c.version, c.devices[0].number) for c in directory.contacts.values()} == {
        f"{state}.technical": ("verified", 1, 1) for state in STEPS
    }
    holders = {record.kid: (record.role, record.holder) for record in directory.keys.values()}
    assert holders[signing_key("ae authority").kid] == ("authority", "ae")
    assert holders[signing_key("dz.technical 1").kid] == ("device", "dz.technical")
    assert apply_all(None, [read_entry(leaf) for leaf in registry.leaves]) == directory


def test_one_device_alone_adds_no_other() -> None:
    registry = usual()
    entry = registry.newest(JO).leaf_hash
    body = {"entry": entry, "device": device("n", 2, may="retrieve")}
    assert code_of(registry, "contact.device-add", JO, body, f"{JO} 1", "n") == "signatures-missing"
    by = (f"{JO} 1", "jo authority", "n")
    assert code_of(registry, "contact.device-add", JO, body, *by) == "signature-not-called-for"
    by = (f"{JO} 1", "jo.diplomatic 1", "n")
    assert code_of(registry, "contact.device-add", JO, body, *by) == "signature-not-called-for"


def test_devices_give_no_right_that_one_of_them_lacks() -> None:
    registry = Registry()
    registry.enrol("jo")
    second = device(f"{JO} 2", 2, may="acknowledge change")
    registry.nominate(JO, devices=[device(f"{JO} 1"), second])
    by = (f"{JO} 1", f"{JO} 2", "n")
    for may, code in (("send", "rights-too-wide"), ("acknowledge change", "rights-too-wide")):
        body = {"entry": registry.newest(JO).leaf_hash, "device": device("n", 3, may=may)}
        assert code_of(registry, "contact.device-add", JO, body, *by) == code
    body = {"entry": registry.newest(JO).leaf_hash, "device": device("n", 3, may="acknowledge")}
    registry.submit("contact.device-add", JO, body, *by)
    assert registry.directory.key(signing_key("n").kid).may == {"acknowledge"}


@pytest.mark.parametrize("seconds", [ISSUED_AHEAD_SECONDS_MAX, -ISSUED_AGE_SECONDS_MAX])
def test_a_statement_is_admitted_up_to_the_last_second(seconds: int) -> None:
    registry = usual()
    by = (*REGISTRARS, "ae authority")
    over = registry.now + timedelta(seconds=1 + seconds + (1 if seconds > 0 else -1))
    assert code_of(registry, "state.enrol", "ae", enrolment("ae"), *by, issued_at=over) in {
        "issued-ahead",
        "issued-too-long-ago",
    }
    edge = registry.now + timedelta(seconds=1 + seconds)
    registry.submit("state.enrol", "ae", enrolment("ae"), *by, issued_at=edge)


def test_a_revocation_is_never_too_old() -> None:
    registry = usual()
    issued_at = registry.now
    registry.tick(2 * ISSUED_AGE_SECONDS_MAX)
    body = {"kid": signing_key(f"{JO} 1").kid, "reason": "lost", "suspected_since": None}
    registry.submit("contact.device-revoke", JO, body, "jo authority", issued_at=issued_at)
    assert registry.directory.devices_of(JO) == ()


def test_a_sealing_key_may_be_good_for_exactly_ninety_days() -> None:
    registry = usual()
    latest = format_time(registry.now + timedelta(days=90))
    sealing = {**device("new")["sealing"], "rotate_by": latest}
    body = {"kid": signing_key(f"{JO} 1").kid, "signing": None, "sealing": sealing}
    registry.submit("contact.rotate", JO, body, f"{JO} 1")
    assert registry.directory.devices_of(JO)[0].rotate_by == registry.now + timedelta(days=90, seconds=-1)


def test_a_number_is_never_used_again() -> None:
    registry = usual()
    registry.nominate("jo.duty", devices=[device("jo.duty 1"), device("jo.duty 2", 2)])
    revoke = {"kid": signing_key("jo.duty 2").kid, "reason": "routine", "suspected_since": None}
    registry.submit("contact.device-revoke", "jo.duty", revoke, "jo authority")
    again = nomination("jo.duty", devices=[device("jo.duty 1"), device("n", 2)])
    assert code_of(registry, "contact.nominate", "jo.duty", again, "jo authority", "n") == "bad-device-number"
    back = nomination("jo.duty", devices=[device("jo.duty 1"), device("jo.duty 2", 3)])
    assert code_of(registry, "contact.nominate", "jo.duty", back, "jo authority") == "key-was-revoked"
    third = nomination("jo.duty", devices=[device("jo.duty 1"), device("jo.duty 3", 3)])
    registry.submit("contact.nominate", "jo.duty", third, "jo authority", "jo.duty 3")
    assert [d.number for d in registry.directory.devices_of("jo.duty")] == [1, 3]
