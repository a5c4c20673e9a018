"""Rules of objection windows: enrolments and recoveries stopped, overruled, in force; suspension; notices."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from poc.core.directory import Directory
from poc.core.form import Right
from poc.core.judge import check_not_suspended, judge_key
from poc.core.rules import at, with_notice
from poc.core.statement import SignedStatement
from poc.core.strictjson import format_time
from poc.errors import RefusedError
from tests.registry import (
    ORIGIN,
    REGISTRARS,
    Registry,
    code_of,
    device,
    enrolment,
    jwk,
    nomination,
    refused,
    signed,
    signing_key,
)

WINDOW = 3600
STATES = ("eg", "jo", "om", "qa", "sd")


def world(*, witnessed: bool = False) -> Registry:
    """Five enrolled members; jo has a recovery key and two contacts; the window is an hour."""
    registry = Registry(objection_seconds=WINDOW, quorum="majority" if witnessed else "none")
    for state in STATES:
        recovery = jwk("jo recovery") if state == "jo" else None
        by = (*REGISTRARS, f"{state} authority", *(["jo recovery"] if state == "jo" else []))
        registry.submit("state.enrol", state, enrolment(state, recovery=recovery), *by)
    registry.tick(WINDOW)
    registry.attest()
    registry.nominate("jo.technical", "jo.diplomatic")
    if witnessed:
        registry.seat("eg", "om", "sd")
    return registry


def recovery(*labels: str, overrules: str | None = None, **changes: Any) -> dict[str, Any]:
    keys = sorted((jwk(label) for label in labels), key=lambda key: key["x"])
    body = enrolment("jo")
    return {
        "authority": {"keys": keys, "threshold": 1},
        "recovery": jwk("jo recovery 2"),
        "note_verbale": body["note_verbale"],
        "call_back": body["call_back"],
        "overrules": overrules,
        **changes,
    }


def recover(registry: Registry, label: str = "jo new", *more: str, **changes: Any) -> str:
    """Submit a recovery of jo; gives its leaf hash."""
    body = recovery(label, **changes)
    entry = registry.submit("state.recover", "jo", body, *REGISTRARS, label, "jo recovery 2", *more)
    return entry.leaf_hash


def object_to(registry: Registry, leaf: str, *by: str, state: str = "jo") -> str:
    return registry.submit("state.object", state, {"entry": leaf}, *by).leaf_hash


def authority_of(registry: Registry, state: str = "jo") -> tuple[str, ...]:
    return registry.directory.state(state).authority_kids


def kid(label: str) -> str:
    return signing_key(label).public.kid


def pass_window(registry: Registry) -> None:
    registry.tick(WINDOW)
    if registry.directory.quorum:
        registry.attest(*registry.seated)
    else:
        registry.attest()


# --- enrolments ---


def enrol_bh(registry: Registry, label: str = "bh authority", **changes: Any) -> str:
    body = enrolment("bh", authority={"keys": [jwk(label)], "threshold": 1}, **changes)
    return registry.submit("state.enrol", "bh", body, *REGISTRARS, label).leaf_hash


def test_an_enrolment_waits_for_its_window_and_signs_nothing_until_then() -> None:
    registry = world()
    enrol_bh(registry)
    body = nomination("bh.technical")
    assert (
        code_of(registry, "contact.nominate", "bh.technical", body, "bh authority", "bh.technical 1")
        == "unknown-state"
    )
    pass_window(registry)
    registry.nominate("bh.technical")


def test_any_enrolled_authority_stops_an_enrolment_by_its_leaf() -> None:
    registry = world()
    leaf = enrol_bh(registry)
    assert (
        code_of(registry, "state.object", "bh", {"entry": leaf}, "bh authority") == "signature-not-called-for"
    )
    assert code_of(registry, "state.object", "bh", {"entry": leaf}, *REGISTRARS) == "signature-not-called-for"
    assert code_of(registry, "state.object", "bh", {"entry": "A" * 43}, "jo authority") == "not-pending"
    assert code_of(registry, "state.object", "xx", {"entry": leaf}, "jo authority") == "unknown-state"
    object_to(registry, leaf, "jo authority", state="bh")
    pass_window(registry)
    assert registry.directory.states["bh"].status == "stopped"
    assert refused(registry.directory.state, "bh") == "unknown-state"
    assert code_of(registry, "state.object", "bh", {"entry": leaf}, "sd authority") == "unknown-state"


def test_a_stopped_enrolment_is_tried_once_more_after_a_new_call_back() -> None:
    registry = world()
    object_to(registry, enrol_bh(registry), "jo authority", state="bh")
    body = enrolment("bh")
    assert code_of(registry, "state.enrol", "bh", body, *REGISTRARS, "bh authority") == "call-back-too-old"
    again = {"at": format_time(registry.now), "source": "published switchboard"}
    assert (
        code_of(registry, "state.enrol", "bh", {**body, "call_back": again}, *REGISTRARS)
        == "signatures-missing"
    )
    leaf = enrol_bh(registry, call_back=again)
    object_to(registry, leaf, "jo authority", state="bh")
    assert registry.directory.states["bh"].status == "pending"
    pass_window(registry)
    registry.nominate("bh.technical")
    assert code_of(registry, "state.object", "bh", {"entry": leaf}, "sd authority") == "not-pending"


def test_other_keys_may_come_with_the_second_try_and_the_first_ones_end() -> None:
    registry = world()
    object_to(registry, enrol_bh(registry), "jo authority", state="bh")
    again = {"at": format_time(registry.now), "source": "published switchboard"}
    enrol_bh(registry, "bh second", call_back=again)
    pass_window(registry)
    assert authority_of(registry, "bh") == (kid("bh second"),)
    assert registry.directory.keys[kid("bh authority")].ended == "replaced"


def test_the_key_of_a_stopped_enrolment_stays_its_states_own() -> None:
    registry = world()
    object_to(registry, enrol_bh(registry), "jo authority", state="bh")
    body = enrolment("ye", authority={"keys": [jwk("bh authority")], "threshold": 1})
    assert code_of(registry, "state.enrol", "ye", body, *REGISTRARS) == "key-in-use"


# --- recoveries ---


def test_a_recovery_replaces_every_key_after_its_window() -> None:
    registry = world()
    recover(registry)
    assert authority_of(registry) == (kid("jo authority"),)
    pass_window(registry)
    state = registry.directory.state("jo")
    assert (state.authority_kids, state.recovery_kid) == ((kid("jo new"),), kid("jo recovery 2"))
    keys = registry.directory.keys
    index = registry.directory.size - 1
    assert (keys[kid("jo authority")].ended, keys[kid("jo recovery")].ended) == ("lost", "lost")
    assert (keys[kid("jo authority")].until, keys[kid("jo new")].since) == (index, index)
    assert [c.id for c in registry.directory.contacts_of("jo")] == ["jo.diplomatic", "jo.technical"]


def test_a_window_of_nothing_recovers_at_once() -> None:
    registry = Registry()
    registry.enrol("jo")
    body = recovery("jo new", recovery=None)
    registry.submit("state.recover", "jo", body, *REGISTRARS, "jo new")
    assert authority_of(registry) == (kid("jo new"),)


@pytest.mark.parametrize(
    ("by", "code"),
    [
        (("x-las.registrar-1", "jo new", "jo recovery 2"), "signatures-missing"),
        ((*REGISTRARS, "jo new"), "signatures-missing"),
        (("jo new", "jo recovery 2"), "signatures-missing"),
        ((*REGISTRARS, "jo new", "jo recovery 2", "jo.technical 1"), "signature-not-called-for"),
        (("jo.technical 1", "jo.diplomatic 1", "jo new", "jo recovery 2"), "signature-not-called-for"),
        (("hub", *REGISTRARS, "jo new", "jo recovery 2"), "signature-not-called-for"),
    ],
)
def test_r17_nobody_recovers_alone(by: tuple[str, ...], code: str) -> None:
    assert code_of(world(), "state.recover", "jo", recovery("jo new"), *by) == code


OBJECTORS = {
    "an old key": ("jo authority",),
    "the recovery key": ("jo recovery",),
    "two contacts": ("jo.technical 1", "jo.diplomatic 1"),
}


@pytest.mark.parametrize("by", OBJECTORS.values(), ids=OBJECTORS)
@pytest.mark.parametrize("witnessed", [False, True])
def test_r17_an_objection_stops_a_recovery_for_good(by: tuple[str, ...], witnessed: bool) -> None:  # noqa: FBT001
    registry = world(witnessed=witnessed)
    object_to(registry, recover(registry), *by)
    pass_window(registry)
    pass_window(registry)
    assert authority_of(registry) == (kid("jo authority"),)


@pytest.mark.parametrize(
    "by", [("jo.technical 1",), ("eg authority",), REGISTRARS, ("jo new",), ("jo authority", "jo recovery")]
)
def test_others_do_not_object_to_a_recovery(by: tuple[str, ...]) -> None:
    registry = world()
    leaf = recover(registry)
    expected = "signatures-missing" if by == ("jo.technical 1",) else "signature-not-called-for"
    assert code_of(registry, "state.object", "jo", {"entry": leaf}, *by) == expected


def test_two_devices_of_one_contact_do_not_object() -> None:
    registry = world()
    body = {
        "entry": registry.directory.contact("jo.technical").nomination.leaf_hash,
        "device": device("spare", 2),
    }
    registry.submit("contact.device-add", "jo.technical", body, "jo authority", "spare")
    leaf = recover(registry)
    assert (
        code_of(registry, "state.object", "jo", {"entry": leaf}, "jo.technical 1", "spare")
        == "signatures-missing"
    )


def test_without_a_recovery_there_is_nothing_to_object_to() -> None:
    registry = world()
    leaf = registry.directory.state("jo").newest.leaf_hash
    assert code_of(registry, "state.object", "jo", {"entry": leaf}, "jo authority") == "not-pending"


def test_a_rotation_by_old_keys_objects_and_one_by_the_recovery_key_is_final() -> None:
    for by, final in (("jo authority", False), ("jo recovery", True)):
        registry = world()
        recover(registry)
        body = {"authority": {"keys": [jwk("jo third")], "threshold": 1}, "recovery": jwk("jo recovery")}
        entry = registry.submit("state.rotate", "jo", body, by, "jo third")
        pass_window(registry)
        assert authority_of(registry) == (kid("jo third"),)
        body = recovery("jo new", overrules=entry.leaf_hash)
        three = [f"{state} authority" for state in ("eg", "om", "qa")]
        signers = (*REGISTRARS, "jo new", "jo recovery 2", *three)
        if final:
            assert code_of(registry, "state.recover", "jo", body, *signers) == "cannot-overrule"
        else:
            registry.submit("state.recover", "jo", body, *signers)


def test_an_objection_by_old_keys_is_overruled_with_three_other_members() -> None:
    registry = world()
    objection = object_to(registry, recover(registry), "jo authority")
    body = recovery("jo new", overrules=objection)
    base = (*REGISTRARS, "jo new", "jo recovery 2")
    three = tuple(f"{state} authority" for state in ("eg", "om", "qa"))
    assert code_of(registry, "state.recover", "jo", body, *base) == "signatures-missing"
    assert code_of(registry, "state.recover", "jo", body, *base, *three[:2]) == "signatures-missing"
    assert (
        code_of(registry, "state.recover", "jo", body, *base, *three[:2], "jo authority")
        == "signature-not-called-for"
    )
    other = recovery("jo new", overrules="A" * 43)
    assert code_of(registry, "state.recover", "jo", other, *base, *three) == "cannot-overrule"
    leaf = registry.submit("state.recover", "jo", body, *base, *three).leaf_hash
    object_to(registry, leaf, "jo authority")
    pass_window(registry)
    assert authority_of(registry) == (kid("jo new"),)


@pytest.mark.parametrize("by", [("jo recovery",), ("jo.technical 1", "jo.diplomatic 1")])
def test_an_objection_not_by_old_keys_is_never_overruled(by: tuple[str, ...]) -> None:
    registry = world()
    objection = object_to(registry, recover(registry), *by)
    three = tuple(f"{state} authority" for state in ("eg", "om", "qa"))
    body = recovery("jo new", overrules=objection)
    assert (
        code_of(registry, "state.recover", "jo", body, *REGISTRARS, "jo new", "jo recovery 2", *three)
        == "cannot-overrule"
    )


@pytest.mark.parametrize("by", [("jo recovery",), ("jo.technical 1", "jo.diplomatic 1")])
def test_even_an_overruling_recovery_is_stopped_by_the_recovery_key_or_two_contacts(
    by: tuple[str, ...],
) -> None:
    registry = world()
    objection = object_to(registry, recover(registry), "jo authority")
    three = tuple(f"{state} authority" for state in ("eg", "om", "qa"))
    leaf = recover(registry, "jo new", *three, overrules=objection)
    object_to(registry, leaf, *by)
    pass_window(registry)
    assert authority_of(registry) == (kid("jo authority"),)


def test_a_recovery_brings_new_keys_or_its_own_stopped_ones() -> None:
    registry = world()
    by = (*REGISTRARS, "jo recovery 2")
    assert code_of(registry, "state.recover", "jo", recovery("jo authority"), *by) == "key-in-use"
    object_to(registry, recover(registry), "jo authority")
    unproven = code_of(registry, "state.recover", "jo", recovery("jo new"), *REGISTRARS)
    assert unproven == "signatures-missing"
    swapped = recovery("jo recovery 2", recovery=jwk("jo new"))
    assert code_of(registry, "state.recover", "jo", swapped, *by, "jo new") == "key-in-use"
    recover(registry)
    pass_window(registry)
    assert authority_of(registry) == (kid("jo new"),)


def test_a_later_recovery_takes_the_place_of_one_that_waits() -> None:
    registry = world()
    recover(registry)
    registry.tick(WINDOW - 10)
    recover(registry, "jo newer")
    registry.tick(20)
    registry.attest()
    assert authority_of(registry) == (kid("jo authority"),)
    pass_window(registry)
    assert authority_of(registry) == (kid("jo newer"),)


def test_a_state_that_left_is_not_recovered_and_may_enrol_with_the_keys_that_waited() -> None:
    registry = world()
    recover(registry)
    entry = registry.directory.state("jo").enrolled.leaf_hash
    registry.submit("state.withdraw", "jo", {"entry": entry}, "jo authority")
    pass_window(registry)
    assert registry.directory.states["jo"].status == "withdrawn"
    assert (
        code_of(registry, "state.recover", "jo", recovery("jo other"), *REGISTRARS, "jo other")
        == "unknown-state"
    )
    body = enrolment("jo", authority={"keys": [jwk("jo new")], "threshold": 1})
    registry.submit("state.enrol", "jo", body, *REGISTRARS, "jo new")
    pass_window(registry)
    assert registry.directory.keys[kid("jo new")].is_good_at(registry.directory.size)


def test_windows_run_on_attested_time_only() -> None:
    registry = world(witnessed=True)
    recover(registry)
    registry.tick(2 * WINDOW)
    registry.nominate("eg.technical")
    assert authority_of(registry) == (kid("jo authority"),)
    registry.submit(
        "registry.attest",
        ORIGIN,
        registry.attest_body(len(registry.entries) - 1, witnesses=tuple(registry.seated), at=-WINDOW - 2),
        "hub",
    )
    assert authority_of(registry) == (kid("jo authority"),)
    registry.attest(*registry.seated)
    assert authority_of(registry) == (kid("jo new"),)


# --- suspension ---


def suspend(registry: Registry, *scope: str, seconds: int = WINDOW, state: str = "jo") -> str:
    until = format_time(registry.now + timedelta(seconds=seconds))
    body = {"reason": "dispute", "scope": sorted(scope), "until": until}
    return registry.submit("state.suspend", state, body, *REGISTRARS).leaf_hash


def test_a_suspended_state_nominates_nothing_and_keeps_its_brakes() -> None:
    registry = world()
    suspend(registry, "nominate")
    body = nomination("jo.duty")
    assert (
        code_of(registry, "contact.nominate", "jo.duty", body, "jo authority", "jo.duty 1")
        == "state-suspended"
    )
    leaf = registry.directory.contact("jo.technical").nomination.leaf_hash
    add = {"entry": leaf, "device": device("spare", 2)}
    assert (
        code_of(registry, "contact.device-add", "jo.technical", add, "jo authority", "spare")
        == "state-suspended"
    )
    registry.submit("contact.freeze", "jo.technical", {"entry": leaf}, "jo.diplomatic 1")
    rotated = {"authority": {"keys": [jwk("jo third")], "threshold": 1}, "recovery": jwk("jo recovery")}
    registry.submit("state.rotate", "jo", rotated, "jo authority", "jo third")
    other = enrol_bh(registry)
    object_to(registry, other, "jo third", state="bh")
    registry.nominate("eg.technical")


def test_a_suspended_state_sends_nothing_and_answers_on() -> None:
    registry = world()
    before = registry.directory.size
    suspend(registry, "send")
    directory = registry.directory
    cases: list[tuple[Right, int, str | None]] = [
        ("send", before, None),
        ("send", directory.size, "state-suspended"),
        ("acknowledge", directory.size, None),
        ("retrieve", directory.size, None),
    ]
    for right, size, code in cases:
        call = (directory, kid("jo.technical 1"), size, "jo.technical", right)
        if code is None:
            judge_key(*call)
        else:
            assert refused(judge_key, *call) == code
    check_not_suspended(directory, "jo", "nominate", directory.size)
    check_not_suspended(directory, "nowhere", "send", directory.size)


def test_a_suspension_ends_by_itself_and_its_span_stays() -> None:
    registry = world()
    suspend(registry, "send")
    held = registry.directory.size
    pass_window(registry)
    directory = registry.directory
    assert directory.state("jo").suspended is None
    judge_key(directory, kid("jo.technical 1"), directory.size, "jo.technical", "send")
    assert refused(check_not_suspended, directory, "jo", "send", held) == "state-suspended"


def test_a_suspension_is_lifted_by_its_leaf_and_bounded() -> None:
    registry = world()
    leaf = suspend(registry, "send", "nominate")
    until = format_time(registry.now + timedelta(seconds=60))
    again = {"reason": "abuse", "scope": ["send"], "until": until}
    assert code_of(registry, "state.suspend", "jo", again, *REGISTRARS) == "state-suspended"
    assert code_of(registry, "state.reinstate", "jo", {"entry": "A" * 43}, *REGISTRARS) == "superseded"
    assert code_of(registry, "state.reinstate", "jo", {"entry": leaf}, REGISTRARS[0]) == "signatures-missing"
    registry.submit("state.reinstate", "jo", {"entry": leaf}, *REGISTRARS)
    assert registry.directory.state("jo").suspended is None
    assert code_of(registry, "state.reinstate", "jo", {"entry": leaf}, *REGISTRARS) == "superseded"
    for bad in (registry.now, registry.now + timedelta(days=91)):
        body = {"reason": "abuse", "scope": ["send"], "until": format_time(bad)}
        assert code_of(registry, "state.suspend", "jo", body, *REGISTRARS) == "bad-suspension"
    assert code_of(registry, "state.suspend", "jo", again, "jo authority") == "signature-not-called-for"


# --- notices ---


def notice(registry: Registry, kind: str, subject: str, body: dict[str, Any], *by: str) -> SignedStatement:
    return signed(registry.payload(kind, subject, body), *by)


def held(registry: Registry, statement: SignedStatement) -> Directory:
    directory = registry.directory
    found = with_notice(directory, statement, registry.now)
    assert (found.size, found.tree.root()) == (directory.size, directory.tree.root())
    assert registry.directory is directory
    return found


def test_a_notice_blocks_as_if_it_were_logged() -> None:
    registry = world()
    leaf = registry.directory.contact("jo.technical").nomination.leaf_hash
    frozen = held(
        registry, notice(registry, "contact.freeze", "jo.technical", {"entry": leaf}, "jo.diplomatic 1")
    )
    send: Right = "send"
    call = (kid("jo.technical 1"), frozen.size, "jo.technical", send)
    assert refused(judge_key, frozen, *call) == "contact-frozen"
    judge_key(registry.directory, *call)
    revoked = {"kid": kid("jo.technical 1"), "reason": "lost", "suspected_since": None}
    ended = held(registry, notice(registry, "contact.device-revoke", "jo.technical", revoked, "jo authority"))
    assert refused(judge_key, ended, *call) == "key-compromised"
    gone = held(
        registry, notice(registry, "contact.withdraw", "jo.technical", {"entry": leaf}, "jo authority")
    )
    assert refused(gone.contact, "jo.technical") == "unknown-contact"


def test_an_objection_held_as_a_notice_stops_what_waits() -> None:
    registry = world(witnessed=True)
    leaf = recover(registry)
    objection = notice(registry, "state.object", "jo", {"entry": leaf}, "jo authority")
    later = registry.now + timedelta(seconds=2 * WINDOW)
    assert at(registry.directory, later).state("jo").authority_kids == (kid("jo new"),)
    assert at(held(registry, objection), later).state("jo").authority_kids == (kid("jo authority"),)
    registry.log(objection)
    assert refused(with_notice, registry.directory, objection, registry.now) == "already-logged"


def test_only_a_brake_that_would_be_admitted_is_a_notice() -> None:
    registry = world()
    body = nomination("jo.duty")
    other = notice(registry, "contact.nominate", "jo.duty", body, "jo authority", "jo.duty 1")
    assert refused(with_notice, registry.directory, other, registry.now) == "not-a-brake"
    leaf = registry.directory.contact("jo.technical").nomination.leaf_hash
    bad = notice(registry, "contact.freeze", "jo.technical", {"entry": "A" * 43}, "jo.diplomatic 1")
    assert refused(with_notice, registry.directory, bad, registry.now) == "superseded"
    by_nobody = notice(registry, "contact.freeze", "jo.technical", {"entry": leaf}, "sd authority")
    assert refused(with_notice, registry.directory, by_nobody, registry.now) == "signature-not-called-for"


# --- R34: every sequence of what may happen to a recovery and a suspension ---


STEPS = (
    "recover",
    "overrule",
    "old key",
    "recovery key",
    "contacts",
    "rotate",
    "suspend",
    "reinstate",
    "window",
)


def _step(registry: Registry, step: str, state: dict[str, Any]) -> None:
    """Try one step; a refusal leaves everything as it was."""
    directory = registry.directory
    found = directory.states["jo"]
    number = len(registry.entries)
    waiting = found.recovering.anchor.leaf_hash if found.recovering else "A" * 43
    owner = state["owner"]
    if step == "recover":
        recover(registry, f"jo {number}")
    elif step == "overrule":
        leaf = found.objection.leaf_hash if found.objection else "A" * 43
        recover(registry, f"jo {number}", "eg authority", "om authority", "qa authority", overrules=leaf)
    elif step == "old key":
        object_to(registry, waiting, owner)
    elif step == "recovery key":
        object_to(registry, waiting, state["recovery"])
    elif step == "contacts":
        object_to(registry, waiting, "jo.technical 1", "jo.diplomatic 1")
    elif step == "rotate":
        body = {
            "authority": {"keys": [jwk(f"jo {number}")], "threshold": 1},
            "recovery": jwk(state["recovery"]),
        }
        registry.submit("state.rotate", "jo", body, owner, f"jo {number}")
        state["owner"] = f"jo {number}"
    elif step == "suspend":
        suspend(registry, "nominate", "send", seconds=10 * WINDOW)
    elif step == "reinstate":
        held_by = found.suspended.since.leaf_hash if found.suspended else "A" * 43
        registry.submit("state.reinstate", "jo", {"entry": held_by}, *REGISTRARS)
    else:
        pass_window(registry)


def _walk(steps: tuple[str, ...]) -> None:
    registry, state = world(), {"owner": "jo authority", "recovery": "jo recovery"}
    for step in steps:
        before = registry.directory.states["jo"]
        try:
            _step(registry, step, state)
        except RefusedError:
            continue
        after = registry.directory.states["jo"]
        assert after.status == "enrolled"
        assert {*after.authority_kids} <= {k for k, r in registry.directory.keys.items() if r.until is None}
        if set(after.authority_kids) != set(before.authority_kids):
            # Keys change by a rotation, or by a recovery that nobody stopped, and then at a window's end.
            assert step == "rotate" or (step == "window" and before.recovering is not None)
        if step == "window" and before.recovering is not None:
            assert after.recovering is None
            state["owner"] = next(
                label
                for label in [f"jo {n}" for n in range(len(registry.entries))]
                if kid(label) in after.authority_kids
            )
            state["recovery"] = "jo recovery 2"
        if step in ("recovery key", "contacts"):
            assert after.recovering is None
    # No dead end: whatever happened, the State can still act and can still be recovered.
    body = {"authority": {"keys": [jwk("jo last")], "threshold": 1}, "recovery": jwk(state["recovery"])}
    registry.submit("state.rotate", "jo", body, state["owner"], "jo last")
    assert authority_of(registry) == (kid("jo last"),)


@pytest.mark.parametrize("first", STEPS)
def test_r34_recovery_and_suspension_have_no_dead_end(first: str) -> None:
    for rest in product(STEPS, repeat=2):
        _walk((first, *rest))


@pytest.mark.long
@pytest.mark.parametrize("first", STEPS)
def test_r34_exhaustively_four_steps_deep(first: str) -> None:
    for rest in product(STEPS, repeat=3):
        _walk((first, *rest))
