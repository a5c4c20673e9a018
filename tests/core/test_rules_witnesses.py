"""Rules of witnesses: seats, quorum, attested time, and policies that the members carry."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.checkpoint import Checkpoint, Cosigner, sign_checkpoint
from poc.core.directory import Dismissal
from poc.core.judge import check_quorum, read_cosigned
from poc.core.note import read_note
from poc.core.statement import make_entry
from poc.errors import RefusedError
from tests.registry import (
    ORIGIN,
    REGISTRARS,
    Registry,
    code_of,
    cosigner,
    enrolment,
    jwk,
    log_signer,
    refused,
    settings,
    signed,
    signing_key,
)

STATES = ("bh", "jo", "sd", "eg", "om")
HOUR = 3600


def witnessed(count: int = 3, quorum: str = "majority", **changes: Any) -> Registry:
    """A registry of States with a witness each in force."""
    registry = Registry(quorum=quorum, **changes)
    registry.enrol(*STATES)
    registry.seat(*STATES[:count])
    return registry


def appointment(subject: str, **changes: Any) -> dict[str, Any]:
    return {"vkey": cosigner(subject).verifier().vkey(), "url": "https://witness.example", **changes}


def witnesses(*states: str) -> list[str]:
    return [f"{state}.witness" for state in states]


# --- seats ---


def test_a_witness_counts_only_after_an_attest_that_covers_its_appointment() -> None:
    registry = Registry(quorum="majority")
    registry.enrol("jo")
    registry.submit("witness.appoint", "jo.witness", appointment("jo.witness"), "jo authority", "jo.witness")
    assert (registry.directory.quorum, registry.directory.seats) == (0, ())
    registry.attest(size=len(registry.entries) - 1)
    assert registry.directory.seats == ()
    registry.attest()
    assert (registry.directory.quorum, registry.seated) == (1, ["jo.witness"])


@pytest.mark.parametrize(
    ("quorum", "expected"),
    [("none", (0, 0, 0, 0, 0)), ("majority", (1, 2, 2, 3, 3)), ("two-thirds", (1, 2, 3, 3, 4))],
)
def test_how_many_must_cosign(quorum: str, expected: tuple[int, ...]) -> None:
    found = tuple(witnessed(count, quorum).directory.quorum for count in range(1, 6))
    assert found == expected


def test_actual_messages_wait_for_two_thirds_of_four_witnesses() -> None:
    statuses = {"statuses": ["actual", "exercise", "test"], "objection_seconds": 60}
    for quorum, count, admitted in (
        ("two-thirds", 3, False),
        ("majority", 4, False),
        ("two-thirds", 4, True),
    ):
        registry = Registry(quorum=quorum, **statuses)
        for state in STATES:
            body = enrolment(state, recovery=jwk(f"{state} recovery"))
            by = (*REGISTRARS, f"{state} authority", f"{state} recovery")
            registry.submit("state.enrol", state, body, *by)
        registry.tick(61)
        registry.seat(*STATES[:count])
        assert ("actual" in registry.directory.admitted_statuses()) is admitted


def test_a_state_has_one_witness_and_a_key_one_seat() -> None:
    registry = witnessed(1)
    other = appointment("bh.other")
    assert (
        code_of(registry, "witness.appoint", "bh.other", other, "bh authority", "bh.other")
        == "witness-exists"
    )
    taken = appointment("jo.witness", vkey=cosigner("bh.witness").verifier().vkey())
    by = ("jo authority", "bh.witness")
    assert code_of(registry, "witness.appoint", "jo.witness", taken, "jo authority") == "bad-vkey"
    renamed = appointment("jo.witness", vkey=_vkey("another name", "bh.witness"))
    assert code_of(registry, "witness.appoint", "jo.witness", renamed, "jo authority") == "key-in-use"
    assert code_of(registry, "witness.appoint", "jo.witness", renamed, *by) == "signature-not-called-for"


def _vkey(name: str, label: str) -> str:
    return Cosigner(name.replace(" ", "-"), signing_key(label)).verifier().vkey()


def test_an_appointment_needs_the_state_and_the_key() -> None:
    registry = witnessed(1)
    body, subject = appointment("jo.witness"), "jo.witness"
    assert code_of(registry, "witness.appoint", subject, body, "jo authority") == "signatures-missing"
    assert code_of(registry, "witness.appoint", subject, body, "jo.witness") == "signatures-missing"
    assert (
        code_of(registry, "witness.appoint", subject, body, "sd authority", "jo.witness")
        == "signature-not-called-for"
    )
    assert code_of(registry, "witness.appoint", "xx.witness", body, "jo authority") == "unknown-state"
    assert (
        code_of(registry, "witness.appoint", "jo witness", body, "jo authority", "jo.witness")
        == "unknown-state"
    )
    log = {**body, "vkey": log_signer().vkey()}
    assert code_of(registry, "witness.appoint", subject, log, "jo authority") == "unknown-algorithm"
    named = {**body, "vkey": _vkey(ORIGIN, "jo.witness")}
    assert code_of(registry, "witness.appoint", subject, named, "jo authority", "jo.witness") == "bad-vkey"
    capital = appointment("jo.Witness")
    by = ("jo authority", "jo.Witness")
    assert code_of(registry, "witness.appoint", "jo.Witness", capital, *by) == "bad-party-id"
    chain = {"chain": (1, registry.entries[0].leaf_hash)}
    assert (
        code_of(registry, "witness.appoint", subject, body, "jo authority", "jo.witness", **chain)
        == "superseded"
    )


def test_a_witness_moves_to_another_key_or_address_by_a_new_appointment() -> None:
    registry = witnessed(1)
    moved = appointment("bh.witness", url="https://other.example")
    registry.submit("witness.appoint", "bh.witness", moved, "bh authority")
    assert registry.directory.seats[0].url == "https://witness.example"
    registry.attest("bh.witness")
    assert registry.directory.seats[0].url == "https://other.example"
    rekeyed = appointment("bh.witness", vkey=_vkey("bh.witness", "bh second"))
    registry.submit("witness.appoint", "bh.witness", rekeyed, "bh authority", "bh second")
    assert refused(registry.attest) == "quorum-missing"
    registry.tick()
    registry.attest("bh.witness")
    old = registry.directory.keys[cosigner("bh.witness").key.public.kid]
    assert old.ended == "replaced"
    assert registry.directory.seats[0].vkey == rekeyed["vkey"]


def dismiss(registry: Registry, state: str, by: str | None = None) -> None:
    subject = f"{state}.witness"
    entry = registry.directory.witness(subject).newest.leaf_hash
    registry.submit("witness.dismiss", subject, {"entry": entry}, by or f"{state} authority")


@pytest.mark.parametrize("by", ["bh authority", "bh.witness"])
def test_a_witness_is_dismissed_by_either_alone(by: str) -> None:
    registry = witnessed(2)
    dismiss(registry, "bh", by)
    assert len(registry.directory.seats) == 2
    registry.attest(*registry.seated)
    assert registry.seated == ["jo.witness"]
    assert registry.directory.keys[cosigner("bh.witness").key.public.kid].ended == "withdrawn"
    entry = {"entry": registry.entries[-1].leaf_hash}
    assert code_of(registry, "witness.dismiss", "bh.witness", entry, "bh authority") == "unknown-witness"
    assert code_of(registry, "witness.dismiss", "jo.witness", entry, "jo authority") == "superseded"
    assert (
        code_of(registry, "witness.dismiss", "jo.witness", entry, "bh authority")
        == "signature-not-called-for"
    )
    again = appointment("bh.witness")
    assert code_of(registry, "witness.appoint", "bh.witness", again, "bh authority") == "key-was-revoked"


def test_the_last_witness_under_a_quorum_waits_for_another() -> None:
    registry = witnessed(1)
    dismiss(registry, "bh")
    registry.attest("bh.witness")
    assert registry.seated == ["bh.witness"]
    registry.submit("witness.appoint", "jo.witness", appointment("jo.witness"), "jo authority", "jo.witness")
    registry.tick()
    registry.attest("bh.witness")
    assert registry.seated == ["jo.witness"]
    assert registry.directory.pending == ()


def test_a_dismissal_that_waits_is_overtaken_by_a_new_appointment() -> None:
    registry = witnessed(1)
    dismiss(registry, "bh")
    body = appointment("bh.witness", vkey=_vkey("bh.witness", "bh second"))
    registry.submit("witness.appoint", "bh.witness", body, "bh authority", "bh second")
    registry.attest("bh.witness")
    assert [seat.vkey for seat in registry.directory.seats] == [body["vkey"]]
    assert registry.directory.pending == ()


def test_a_state_that_leaves_takes_its_witness_along() -> None:
    registry = witnessed(2)
    entry = registry.directory.state("bh").enrolled.leaf_hash
    registry.submit("state.withdraw", "bh", {"entry": entry}, "bh authority")
    assert [p.change for p in registry.directory.pending] == [Dismissal("bh.witness")]
    registry.attest(*registry.seated)
    assert registry.seated == ["jo.witness"]


def test_a_witness_of_a_state_that_left_can_still_resign() -> None:
    registry = witnessed(2)
    entry = registry.directory.state("bh").enrolled.leaf_hash
    registry.submit("state.withdraw", "bh", {"entry": entry}, "bh authority")
    body = {"entry": registry.directory.witnesses["bh.witness"].newest.leaf_hash}
    assert code_of(registry, "witness.dismiss", "bh.witness", body, "bh.witness") == "unknown-witness"


def test_an_id_is_of_one_kind_of_party() -> None:
    registry = witnessed(1)
    registry.nominate("jo.technical")
    body = appointment("jo.technical", vkey=_vkey("jo.technical", "jo w"))
    by, fresh = ("jo authority", "jo w"), {"chain": (0, None)}
    assert code_of(registry, "witness.appoint", "jo.technical", body, *by, **fresh) == "bad-party-id"


# --- attested time ---


def test_an_attest_needs_a_quorum_of_the_seats_in_force() -> None:
    registry = witnessed(3)
    for few in ((), ("bh.witness",), ("eg.witness", "om.witness", "jo.witness")):
        body = registry.attest_body(witnesses=few)
        assert code_of(registry, "registry.attest", ORIGIN, body, "hub") == "quorum-missing"
    registry.attest("bh.witness", "jo.witness")


def test_attested_time_is_that_of_the_quorum_th_newest_cosignature() -> None:
    registry = witnessed(3)
    registry.tick(HOUR)
    note = registry.checkpoint()
    text = read_note(note)[0]
    now = int(registry.now.timestamp())
    for name, at in (("bh.witness", now - 60), ("jo.witness", now), ("sd.witness", now - 30)):
        note += str(cosigner(name).cosign(text, at)).encode()
    body = {**registry.attest_body(), "checkpoint": note.decode()}
    registry.submit("registry.attest", ORIGIN, body, "hub")
    assert int(registry.directory.attested_at.timestamp()) == now - 30


def test_attested_time_only_grows_and_never_lags_what_it_covers() -> None:
    registry = witnessed(1)
    body = registry.attest_body(witnesses=("bh.witness",), at=-1)
    assert code_of(registry, "registry.attest", ORIGIN, body, "hub") == "attest-not-newer"
    attested_at = registry.directory.attested_at
    registry.tick(HOUR)
    registry.enrol("qa")
    assert registry.directory.attested_at == attested_at
    late = registry.attest_body(witnesses=("bh.witness",), at=-301)
    assert code_of(registry, "registry.attest", ORIGIN, late, "hub") == "attest-ahead"
    registry.submit(
        "registry.attest", ORIGIN, registry.attest_body(witnesses=("bh.witness",), at=-298), "hub"
    )
    assert registry.directory.attested_at > attested_at


def test_attested_time_never_runs_ahead_of_the_log() -> None:
    """Else a quorum whose clocks ran off ends every window, and nothing can be attested ever after."""
    registry = witnessed(1)
    for ahead, code in ((302, "attest-ahead"), (10**9, "attest-ahead"), (2**40, "attest-ahead"), (301, None)):
        body = registry.attest_body(witnesses=("bh.witness",), at=ahead)
        if code is not None:
            assert code_of(registry, "registry.attest", ORIGIN, body, "hub") == code
            registry.now -= timedelta(seconds=1)
        else:
            registry.submit("registry.attest", ORIGIN, body, "hub")


def test_a_bad_cosignature_of_a_witness_in_force_refuses_the_whole() -> None:
    registry = witnessed(3)
    good = registry.cosigned("bh.witness", "jo.witness")
    other = registry.cosigned("sd.witness", size=2).splitlines()[-1] + b"\n"
    body = {**registry.attest_body(), "checkpoint": (good + other).decode()}
    assert code_of(registry, "registry.attest", ORIGIN, body, "hub") == "bad-signature"


def test_one_witness_counts_once_however_often_it_cosigned() -> None:
    registry = witnessed(3)
    twice = registry.cosigned("bh.witness") + registry.cosigned("bh.witness", at=1).splitlines()[-1] + b"\n"
    assert set(read_cosigned(twice, registry.directory).times) == {"bh.witness"}
    assert refused(check_quorum, twice, registry.directory) == "quorum-missing"


def test_without_a_quorum_no_cosignature_is_asked_for() -> None:
    registry = Registry()
    assert check_quorum(registry.checkpoint(), registry.directory) is None


@given(st.integers(1, 9), st.sampled_from(["majority", "two-thirds"]))
def test_the_bound_2q_minus_n_is_exact(count: int, quorum: str) -> None:
    """R2: the fewest liars with which some split of the honest serves two heads."""
    q = count // 2 + 1 if quorum == "majority" else 2 * count // 3 + 1
    fewest = min(
        liars
        for liars in range(count + 1)
        for left in range(count - liars + 1)
        if min(left, count - liars - left) + liars >= q
    )
    assert fewest == 2 * q - count


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_bound_holds_for_every_set_of_liars(count: int) -> None:
    """R2, exactly: over every lying subset and every split, by real cosignatures of two logs of one size."""
    registry = witnessed(count)
    names, q = registry.seated, registry.directory.quorum
    fork = sign_checkpoint(Checkpoint(ORIGIN, registry.directory.size, bytes(32)), log_signer())
    text = read_note(fork)[0]
    accepted_with = set()
    for liars in (set(c) for k in range(count + 1) for c in combinations(names, k)):
        honest = [name for name in names if name not in liars]
        for left in (set(c) for k in range(len(honest) + 1) for c in combinations(honest, k)):
            first = registry.cosigned(*sorted(left | liars))
            second = fork + b"".join(
                str(cosigner(n).cosign(text, 1)).encode() for n in names if n in liars or n not in left
            )
            if all(_has_quorum(note, registry) for note in (first, second)):
                accepted_with.add(len(liars))
    assert min(accepted_with) == 2 * q - count


def _has_quorum(note: bytes, registry: Registry) -> bool:
    try:
        return check_quorum(note, registry.directory) is not None
    except RefusedError:
        return False


# --- policy ---


def test_a_policy_comes_into_force_only_with_the_witnesses_in_force_until_then() -> None:
    registry = witnessed(3)
    registry.submit("registry.policy", ORIGIN, settings(quorum="none"), *REGISTRARS)
    assert registry.directory.quorum == 2
    assert code_of(registry, "registry.attest", ORIGIN, registry.attest_body(), "hub") == "quorum-missing"
    registry.attest("bh.witness", "jo.witness")
    assert registry.directory.quorum == 0
    registry.tick()
    registry.enrol("qa")
    assert registry.directory.attested_at == registry.now


def test_the_authorities_of_most_members_carry_a_policy_without_registrars_or_witnesses() -> None:
    registry = witnessed(3)
    body = settings(quorum="none", counts_public=True)
    three = [f"{state} authority" for state in STATES[:3]]
    assert code_of(registry, "registry.policy", ORIGIN, body, *three[:2]) == "signatures-missing"
    assert (
        code_of(registry, "registry.policy", ORIGIN, body, *three, REGISTRARS[0])
        == "signature-not-called-for"
    )
    registry.submit("registry.policy", ORIGIN, settings(freshness_seconds=100), *REGISTRARS)
    registry.submit("registry.policy", ORIGIN, body, *three)
    assert registry.directory.settings.counts_public
    assert (registry.directory.quorum, registry.directory.pending) == (0, ())


def test_members_keep_the_keys_that_a_waiting_policy_of_the_registrars_would_drop() -> None:
    registry = witnessed(3)
    registry.submit(
        "registry.policy", ORIGIN, settings(quorum="majority", hub_keys=[jwk("hub 2")]), *REGISTRARS, "hub 2"
    )
    kept = settings(quorum="majority", counts_public=True)
    assert code_of(registry, "registry.policy", ORIGIN, kept, *REGISTRARS) == "key-in-use"
    registry.submit("registry.policy", ORIGIN, kept, *(f"{state} authority" for state in STATES[:3]))
    registry.attest("bh.witness", "jo.witness")
    assert [key.kid for key in registry.directory.settings.hub_keys] == [signing_key("hub").kid]
    assert not registry.directory.keys[signing_key("hub 2").kid].is_good_at(registry.directory.size)


def test_observers_and_organisations_are_no_members() -> None:
    registry = Registry()
    registry.enrol("jo")
    registry.enrol("ps", kind="observer")
    registry.enrol("x-un")
    by = ("ps authority", "x-un authority")
    assert code_of(registry, "registry.policy", ORIGIN, settings(), *by) == "signature-not-called-for"
    registry.submit("registry.policy", ORIGIN, settings(counts_public=True), "jo authority")
    assert registry.directory.settings.counts_public


def test_members_can_found_the_log_anew_under_other_keys() -> None:
    registry = witnessed(1)
    body = settings(quorum="none", hub_keys=[jwk("hub 2")], log_keys=[log_signer("log 2").vkey()])
    by = [f"{state} authority" for state in STATES[:3]]
    assert code_of(registry, "registry.policy", ORIGIN, body, *by) == "signatures-missing"
    registry.submit("registry.policy", ORIGIN, body, *by, "hub 2")
    assert registry.directory.log_vkeys_at(registry.directory.size) == (log_signer("log 2").vkey(),)
    registry.submit("registry.attest", ORIGIN, registry.attest_body(by="log 2"), "hub 2")


def test_without_members_registrars_alone_make_policy() -> None:
    registry = Registry()
    assert code_of(registry, "registry.policy", ORIGIN, settings(), REGISTRARS[0]) == "signatures-missing"
    registry.submit("registry.policy", ORIGIN, settings(counts_public=True), *REGISTRARS)


def test_a_second_genesis_is_overtaken() -> None:
    registry = Registry()
    payload = registry.payload("registry.genesis", ORIGIN, settings(counts_public=True), chain=(0, None))
    entry = make_entry(signed(payload, *REGISTRARS, "hub"), registry.now + timedelta(seconds=1))
    assert refused(registry.log, entry.signed) == "superseded"
