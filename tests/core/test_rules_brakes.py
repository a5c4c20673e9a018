"""Rules that take away: freezing, withdrawing, dismissing, and the rotation of a State's authority."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.judge import check_not_frozen, judge_key
from poc.core.rules import apply_all, check_proposal
from poc.core.statement import SignedStatement, make_entry
from poc.limits import ISSUED_AGE_SECONDS_MAX
from tests.registry import (
    REGISTRARS,
    Registry,
    card,
    code_of,
    device,
    enrolment,
    jwk,
    nomination,
    refused,
    sealing_key,
    signed,
    signing_key,
    usual,
)

JO = "jo.technical"
JD = "jo.diplomatic"
SD = "sd.technical"
CONTROLLER = "x-arcc.controller-1"
HASH = "A" * 43


def freeze(registry: Registry, subject: str = JO, by: str = JD) -> None:
    entry = registry.directory.contact(subject).standing.leaf_hash
    registry.submit("contact.freeze", subject, {"entry": entry}, f"{by} 1")


def thaw(registry: Registry, subject: str = JO) -> None:
    frozen = registry.directory.contact(subject).frozen
    assert frozen is not None
    registry.submit("contact.thaw", subject, {"entry": frozen.since.leaf_hash}, "jo authority")


def withdraw(registry: Registry, subject: str = JO) -> None:
    entry = registry.directory.contact(subject).nomination.leaf_hash
    registry.submit("contact.withdraw", subject, {"entry": entry}, f"{subject[:2]} authority")


def leave(registry: Registry, state: str = "jo") -> None:
    entry = registry.directory.state(state).enrolled.leaf_hash
    registry.submit("state.withdraw", state, {"entry": entry}, f"{state} authority")


def rotation(*labels: str, threshold: int = 1, recovery: str | None = "jo recovery") -> dict[str, Any]:
    keys = sorted((jwk(label) for label in labels), key=lambda key: key["x"])
    recovered = None if recovery is None else jwk(recovery)
    return {"authority": {"keys": keys, "threshold": threshold}, "recovery": recovered}


def guarded(*authority: str, threshold: int = 1, **settings: Any) -> Registry:
    """A registry in which jo has a recovery key and two contacts."""
    registry = Registry(**settings)
    labels = authority or ("jo authority",)
    body = {**enrolment("jo"), **rotation(*labels, threshold=threshold)}
    registry.submit("state.enrol", "jo", body, *REGISTRARS, *labels, "jo recovery")
    return registry


def ending(registry: Registry, label: str) -> tuple[str | None, int | None]:
    record = registry.directory.key(signing_key(label).kid)
    return record.ended, record.until


# --- freeze and thaw ---------------------------------------------------------------------------


def test_a_device_of_another_contact_freezes_and_the_authority_thaws() -> None:
    registry = usual()
    freeze(registry)
    frozen = registry.directory.contact(JO).frozen
    assert frozen is not None
    assert (frozen.since.index, frozen.by) == (registry.directory.size - 1, frozenset({JD}))
    thaw(registry)
    contact = registry.directory.contact(JO)
    assert contact.frozen is None
    assert contact.standing.index == registry.directory.size - 1
    assert len(contact.devices) == 1
    freeze(registry, by=JO)
    assert len(registry.directory.contact(JO).freezes) == 2


@pytest.mark.parametrize("by", ["jo authority", f"{SD} 1", "sd authority", REGISTRARS[0], f"{CONTROLLER} 1"])
def test_nobody_but_a_device_of_the_state_freezes(by: str) -> None:
    registry = usual()
    body = {"entry": registry.directory.contact(JO).standing.leaf_hash}
    assert code_of(registry, "contact.freeze", JO, body, by) == "signature-not-called-for"


def test_a_device_without_change_does_not_freeze() -> None:
    registry = usual()
    registry.nominate("jo.duty", devices=[device("jo.duty 1", may="acknowledge retrieve send")])
    body = {"entry": registry.directory.contact(JO).standing.leaf_hash}
    assert code_of(registry, "contact.freeze", JO, body, "jo.duty 1") == "signature-not-called-for"


@pytest.mark.parametrize("by", [f"{JD} 1", f"{JO} 1", "sd authority", REGISTRARS[0]])
def test_nobody_but_the_authority_thaws(by: str) -> None:
    registry = usual()
    freeze(registry)
    frozen = registry.directory.contact(JO).frozen
    assert frozen is not None
    body = {"entry": frozen.since.leaf_hash}
    assert code_of(registry, "contact.thaw", JO, body, by) == "signature-not-called-for"


def test_a_freeze_names_the_newest_nomination_or_thaw() -> None:
    registry = usual()
    old = registry.directory.contact(JO).standing.leaf_hash
    freeze(registry)
    thaw(registry)
    assert code_of(registry, "contact.freeze", JO, {"entry": old}, f"{JD} 1") == "superseded"
    between = registry.directory.contact(JO).standing.leaf_hash
    registry.submit("contact.nominate", JO, nomination(JO), "jo authority")
    assert code_of(registry, "contact.freeze", JO, {"entry": between}, f"{JD} 1") == "superseded"
    newest = registry.directory.contact(JO).standing.leaf_hash
    registry.submit("contact.confirm", JO, {"entry": registry.newest(JO).leaf_hash}, f"{JO} 1")
    registry.submit("contact.freeze", JO, {"entry": newest}, f"{JD} 1")
    assert code_of(registry, "contact.freeze", JO, {"entry": newest}, f"{JD} 1") == "contact-frozen"


def test_a_thaw_names_the_freeze_so_that_none_is_signed_in_advance() -> None:
    registry = usual()
    nominated = registry.directory.contact(JO).standing.leaf_hash
    assert code_of(registry, "contact.thaw", JO, {"entry": nominated}, "jo authority") == "superseded"
    freeze(registry)
    assert code_of(registry, "contact.thaw", JO, {"entry": nominated}, "jo authority") == "superseded"


def test_what_is_listed_or_unknown_is_not_frozen() -> None:
    registry = usual()
    record = {"role": "duty", "alternate_of": None, "card": card("jo.duty"), "source": "note"}
    registry.submit("contact.record", "jo.duty", record, *REGISTRARS)
    body = {"entry": registry.newest("jo.duty").leaf_hash}
    assert code_of(registry, "contact.freeze", "jo.duty", body, f"{JD} 1") == "not-verified"
    assert code_of(registry, "contact.thaw", "jo.duty", body, "jo authority") == "not-verified"
    assert code_of(registry, "contact.freeze", "jo.other", body, f"{JD} 1") == "unknown-contact"
    assert code_of(registry, "contact.freeze", CONTROLLER, body, f"{JD} 1") == "unknown-contact"


def test_a_frozen_contact_signs_nothing_but_brakes() -> None:
    registry = usual()
    freeze(registry)
    kid = signing_key(f"{JO} 1").kid
    entry = registry.newest(JO).leaf_hash
    update = {key: value for key, value in nomination(JO).items() if key != "devices"}
    rotate = {"kid": kid, "signing": jwk("n"), "sealing": None}
    for kind, body, more in (
        ("contact.confirm", {"entry": entry}, ()),
        ("contact.update", update, ()),
        ("contact.rotate", rotate, ("n",)),
    ):
        assert code_of(registry, kind, JO, body, f"{JO} 1", *more) == "contact-frozen"
    other = {"entry": registry.directory.contact("jo.diplomatic").standing.leaf_hash}
    statement = signed(registry.payload("contact.confirm", JO, {"entry": entry}), f"{JO} 1")
    assert refused(check_proposal, registry.directory, statement, registry.now) == "contact-frozen"
    registry.submit("contact.freeze", JD, other, f"{JO} 1")
    registry.submit(
        "contact.device-revoke", JO, {"kid": kid, "reason": "lost", "suspected_since": None}, f"{JO} 1"
    )
    assert registry.directory.devices_of(JO) == ()


def test_a_frozen_contact_freezes_only_the_one_that_froze_it() -> None:
    registry = usual()
    registry.nominate("jo.duty")
    freeze(registry)
    body = {"entry": registry.directory.contact("jo.duty").standing.leaf_hash}
    assert code_of(registry, "contact.freeze", "jo.duty", body, f"{JO} 1") == "contact-frozen"
    assert code_of(registry, "contact.freeze", "jo.duty", body, f"{JO} 1", f"{JD} 1") == "contact-frozen"
    freeze(registry, JD, by=JO)
    assert code_of(registry, "contact.freeze", "jo.duty", body, f"{JD} 1") == "contact-frozen"
    assert registry.directory.contact(JD).frozen is not None


def test_the_authority_goes_on_keeping_a_frozen_contact_and_a_nomination_thaws_nothing() -> None:
    registry = usual()
    registry_payload = registry.payload("contact.nominate", JO, nomination(JO))
    freeze(registry)
    registry.log(signed(registry_payload, "jo authority"))
    contact = registry.directory.contact(JO)
    assert contact.frozen is not None
    assert contact.standing == contact.nomination
    registry.submit("contact.confirm", JO, {"entry": registry.newest(JO).leaf_hash}, "jo authority")
    thaw(registry)
    assert registry.directory.contact(JO).frozen is None


def test_a_freeze_is_judged_in_log_order_also_after_the_thaw() -> None:
    registry = usual()
    before = registry.directory.size
    freeze(registry)
    thaw(registry)
    directory = registry.directory
    kid = signing_key(f"{JO} 1").kid
    assert judge_key(directory, kid, before, JO, "send").kid == kid
    assert refused(judge_key, directory, kid, before + 1, JO, "send") == "contact-frozen"
    assert judge_key(directory, kid, before + 2, JO, "send").kid == kid
    check_not_frozen(None, before + 1)


# --- withdrawing contacts, dismissing controllers ----------------------------------------------


def test_a_withdrawn_contact_ends_with_its_keys_and_returns_in_the_same_chain() -> None:
    registry = usual()
    tested = {"exercise": "e-1", "message": "01936f00-0000-7000-8000-000000000001"}
    registry.submit("contact.tested", JO, {**tested, "acknowledgement_sha256": HASH}, f"{CONTROLLER} 1")
    freeze(registry)
    withdraw(registry)
    index = registry.directory.size - 1
    assert ending(registry, f"{JO} 1") == ("withdrawn", index)
    assert registry.directory.key(sealing_key(f"{JO} 1").kid).ended == "withdrawn"
    assert refused(registry.directory.contact, JO) == "unknown-contact"
    assert JO not in [contact.id for contact in registry.directory.contacts_of("jo")]
    again = nomination(JO, devices=[device(f"{JO} 2", 2)])
    assert code_of(registry, "contact.nominate", JO, again, "jo authority", f"{JO} 2", chain=(0, None)) == (
        "superseded"
    )
    first = nomination(JO, devices=[device(f"{JO} 2", 1)])
    assert code_of(registry, "contact.nominate", JO, first, "jo authority", f"{JO} 2") == "bad-device-number"
    back = nomination(JO, devices=[device(f"{JO} 1", 2)])
    assert code_of(registry, "contact.nominate", JO, back, "jo authority") == "key-was-revoked"
    registry.submit("contact.nominate", JO, again, "jo authority", f"{JO} 2")
    contact = registry.directory.contact(JO)
    assert (contact.version, contact.tested_at, contact.frozen) == (2, None, None)
    assert contact.freezes[0].until == index


def test_a_withdrawn_contact_takes_part_in_nothing() -> None:
    registry = usual()
    entry = registry.directory.contact(JO).nomination.leaf_hash
    registry.submit("contact.withdraw", JO, {"entry": entry}, "jo authority")
    update = {key: value for key, value in nomination(JO).items() if key != "devices"}
    added = {"entry": entry, "device": device("n", 2)}
    for kind, body, new in (
        ("contact.withdraw", {"entry": entry}, ()),
        ("contact.freeze", {"entry": entry}, ()),
        ("contact.thaw", {"entry": entry}, ()),
        ("contact.confirm", {"entry": entry}, ()),
        ("contact.update", update, ()),
        ("contact.device-add", added, ("n",)),
    ):
        registry.tick()
        assert code_of(registry, kind, JO, body, "jo authority", *new) == "unknown-contact"
    record = {"role": "technical", "alternate_of": None, "card": card(JO), "source": "note"}
    assert code_of(registry, "contact.record", JO, record, *REGISTRARS) == "contact-withdrawn"
    other = {"entry": registry.directory.contact(JD).standing.leaf_hash}
    assert code_of(registry, "contact.freeze", JD, other, f"{JO} 1") == "signature-not-called-for"


@pytest.mark.parametrize("by", [f"{JO} 1", f"{JD} 1", "sd authority", REGISTRARS[0]])
def test_nobody_but_the_authority_withdraws(by: str) -> None:
    registry = usual()
    body = {"entry": registry.directory.contact(JO).nomination.leaf_hash}
    assert code_of(registry, "contact.withdraw", JO, body, by) == "signature-not-called-for"
    body = {"entry": registry.directory.state("jo").enrolled.leaf_hash}
    assert code_of(registry, "state.withdraw", "jo", body, by) == "signature-not-called-for"


def test_no_update_makes_a_withdrawal_superseded_and_a_nomination_does() -> None:
    registry = usual()
    body = {"entry": registry.newest(JO).leaf_hash}
    update = {key: value for key, value in nomination(JO).items() if key != "devices"}
    registry.submit("contact.update", JO, update, f"{JO} 1")
    newest = {"entry": registry.newest(JO).leaf_hash}
    assert code_of(registry, "contact.withdraw", JO, newest, "jo authority") == "superseded"
    registry.submit("contact.nominate", JO, nomination(JO), "jo authority")
    assert code_of(registry, "contact.withdraw", JO, body, "jo authority") == "superseded"
    withdraw(registry)


def test_a_listed_contact_is_withdrawn_too_and_not_listed_again() -> None:
    registry = usual()
    record = {"role": "duty", "alternate_of": None, "card": card("jo.duty"), "source": "note"}
    registry.submit("contact.record", "jo.duty", record, *REGISTRARS)
    withdraw(registry, "jo.duty")
    again = {**record, "source": "another note"}
    assert code_of(registry, "contact.record", "jo.duty", again, *REGISTRARS) == "contact-withdrawn"
    registry.nominate("jo.duty")
    assert registry.directory.contact("jo.duty").version == 2


def test_an_alternate_of_a_withdrawn_contact_can_still_be_updated() -> None:
    registry = usual()
    registry.nominate("jo.duty", alternate_of=JO)
    withdraw(registry)
    update = {k: v for k, v in nomination("jo.duty", alternate_of=JO).items() if k != "devices"}
    registry.submit("contact.update", "jo.duty", update, "jo.duty 1")
    again = nomination("jo.duty", alternate_of=JO, devices=[device("jo.duty 1")])
    assert code_of(registry, "contact.nominate", "jo.duty", again, "jo authority") == "bad-alternate"


def test_a_dismissed_controller_ends_with_its_keys_and_returns_by_appointment() -> None:
    registry = usual()
    body = {"entry": registry.newest(CONTROLLER).leaf_hash}
    assert code_of(registry, "controller.dismiss", CONTROLLER, body, REGISTRARS[0]) == "signatures-missing"
    assert code_of(registry, "controller.dismiss", CONTROLLER, body, f"{CONTROLLER} 1") == (
        "signature-not-called-for"
    )
    assert code_of(registry, "controller.dismiss", CONTROLLER, {"entry": HASH}, *REGISTRARS) == "superseded"
    assert code_of(registry, "controller.dismiss", JO, body, *REGISTRARS) == "unknown-contact"
    registry.submit("controller.dismiss", CONTROLLER, body, *REGISTRARS)
    assert ending(registry, f"{CONTROLLER} 1") == ("withdrawn", registry.directory.size - 1)
    assert refused(registry.directory.controller, CONTROLLER) == "unknown-contact"
    tested = {
        "exercise": "e-1", "message": "01936f00-0000-7000-8000-000000000001", "acknowledgement_sha256": HASH,
    }  # fmt: skip
    assert code_of(registry, "contact.tested", JO, tested, f"{CONTROLLER} 1") == "signature-not-called-for"
    registry.tick()
    assert code_of(registry, "controller.dismiss", CONTROLLER, body, *REGISTRARS) == "unknown-contact"
    added = {"entry": body["entry"], "device": device("n", 2)}
    assert code_of(registry, "contact.device-add", CONTROLLER, added, *REGISTRARS, "n") == "unknown-contact"
    new = {"names": {"en": "Controller"}, "body": "x-arcc", "devices": [device("c 2", 2)]}
    registry.submit("controller.appoint", CONTROLLER, new, *REGISTRARS, "c 2")
    assert registry.directory.controller(CONTROLLER).version == 2


# --- withdrawing States ------------------------------------------------------------------------


def test_a_withdrawn_state_ends_with_its_contacts_and_every_key() -> None:
    registry = guarded()
    registry.nominate(JO, JD)
    leave(registry)
    index = registry.directory.size - 1
    for label in ("jo authority", "jo recovery", f"{JO} 1", f"{JD} 1"):
        assert ending(registry, label) == ("withdrawn", index)
    assert refused(registry.directory.state, "jo") == "unknown-state"
    assert list(registry.directory.contacts_of("jo")) == []
    duty = nomination("jo.duty")
    assert code_of(registry, "contact.nominate", "jo.duty", duty, "jo authority", "jo.duty 1") == (
        "unknown-state"
    )
    body = rotation("jo authority 2")
    by = ("jo recovery", "jo authority 2")
    assert code_of(registry, "state.rotate", "jo", body, *by) == "unknown-state"
    assert code_of(registry, "state.withdraw", "jo", {"entry": HASH}, "jo authority") == "unknown-state"


def test_a_withdrawn_state_returns_by_enrolment_and_nomination_in_the_same_chains() -> None:
    registry = guarded()
    registry.nominate(JO)
    leave(registry)
    old = {**enrolment("jo"), **rotation("jo authority", recovery=None)}
    assert code_of(registry, "state.enrol", "jo", old, *REGISTRARS) == "key-was-revoked"
    new = {**enrolment("jo"), **rotation("jo 2", recovery=None)}
    assert code_of(registry, "state.enrol", "jo", new, *REGISTRARS, "jo 2", chain=(0, None)) == "superseded"
    assert code_of(registry, "state.enrol", "jo", new, REGISTRARS[0], "jo 2") == "signatures-missing"
    registry.submit("state.enrol", "jo", new, *REGISTRARS, "jo 2")
    state = registry.directory.state("jo")
    assert (state.version, state.enrolled.index) == (2, registry.directory.size - 1)
    assert list(registry.directory.contacts_of("jo")) == []
    body = nomination(JO, devices=[device("n", 2)])
    registry.submit("contact.nominate", JO, body, "jo 2", "n")
    assert registry.directory.contact(JO).version == 2


def test_a_withdrawal_of_a_state_names_its_enrolment_whatever_was_rotated() -> None:
    registry = guarded()
    enrolled = registry.directory.state("jo").enrolled.leaf_hash
    registry.submit("state.rotate", "jo", rotation("jo 2"), "jo authority", "jo 2")
    newest = {"entry": registry.newest("jo").leaf_hash}
    assert code_of(registry, "state.withdraw", "jo", newest, "jo 2") == "superseded"
    assert code_of(registry, "state.withdraw", "jo", {"entry": enrolled}, "jo authority") == (
        "signature-not-called-for"
    )
    registry.submit("state.withdraw", "jo", {"entry": enrolled}, "jo 2")
    assert registry.directory.states["jo"].status == "withdrawn"


def test_a_pending_state_neither_withdraws_nor_rotates() -> None:
    registry = guarded(objection_seconds=3600)
    entry = registry.directory.states["jo"].enrolled.leaf_hash
    assert code_of(registry, "state.withdraw", "jo", {"entry": entry}, "jo authority") == "unknown-state"
    body = rotation("jo 2")
    assert code_of(registry, "state.rotate", "jo", body, "jo authority", "jo 2") == "unknown-state"


# --- rotation of the authority -----------------------------------------------------------------


def test_the_threshold_of_old_keys_rotates_and_those_listed_again_stay() -> None:
    registry = guarded("a", "b", "c", threshold=2)
    body = rotation("a", "d", threshold=1)
    assert code_of(registry, "state.rotate", "jo", body, "a", "d") == "signatures-missing"
    assert code_of(registry, "state.rotate", "jo", body, "a", "b") == "signatures-missing"
    assert code_of(registry, "state.rotate", "jo", body, "a", "b", "d", "jo recovery") == (
        "signature-not-called-for"
    )
    registry.submit("state.rotate", "jo", body, "b", "c", "d")
    state = registry.directory.state("jo")
    assert (set(state.authority_kids), state.threshold, state.version) == (
        {signing_key("a").kid, signing_key("d").kid}, 1, 2,
    )  # fmt: skip
    assert [ending(registry, label) for label in "abcd"] == [
        (None, None), ("replaced", 2), ("replaced", 2), (None, None),
    ]  # fmt: skip
    assert state.recovery_kid == signing_key("jo recovery").kid
    assert code_of(registry, "state.rotate", "jo", rotation("e"), "b", "e") == "signature-not-called-for"


@pytest.mark.parametrize("by", ["jo authority", "sd authority", REGISTRARS[0]])
def test_only_the_recovery_key_changes_the_recovery_key(by: str) -> None:
    registry = guarded()
    registry.enrol("sd")
    for recovery, new in (("r 2", ("r 2",)), (None, ())):
        body = rotation("jo 2", recovery=recovery)
        code = code_of(registry, "state.rotate", "jo", body, by, "jo 2", *new)
        assert code == "signature-not-called-for"
    body = rotation("jo 2", recovery="r 2")
    assert code_of(registry, "state.rotate", "jo", body, "jo recovery", "jo 2") == "signatures-missing"
    registry.submit("state.rotate", "jo", body, "jo recovery", "jo 2", "r 2")
    assert registry.directory.state("jo").recovery_kid == signing_key("r 2").kid
    assert ending(registry, "jo recovery") == ("replaced", registry.directory.size - 1)
    registry.submit("state.rotate", "jo", rotation("jo 3", recovery=None), "r 2", "jo 3")
    assert registry.directory.state("jo").recovery_kid is None
    registry.submit("state.rotate", "jo", rotation("jo 4", recovery=None), "jo 3", "jo 4")
    got = rotation("jo 5", recovery="r 3")
    assert code_of(registry, "state.rotate", "jo", got, "jo 4", "jo 5", "r 3") == "signature-not-called-for"


def test_a_state_without_a_recovery_key_withdraws_and_does_not_get_one_by_its_authority() -> None:
    registry = usual()
    body = rotation("jo 2", recovery="jo recovery")
    assert code_of(registry, "state.rotate", "jo", body, "jo authority", "jo 2", "jo recovery") == (
        "signature-not-called-for"
    )
    leave(registry)
    assert registry.directory.states["jo"].status == "withdrawn"


@pytest.mark.parametrize(
    ("body", "by", "code"),
    [
        (rotation("jo 2", threshold=2), ("jo authority", "jo 2"), "bad-threshold"),
        (rotation(f"{SD} 1"), ("jo authority",), "key-in-use"),
        (rotation("jo recovery"), ("jo authority",), "key-in-use"),
        (rotation("jo authority", recovery="jo authority"), ("jo recovery",), "key-in-use"),
        (rotation("jo 2", recovery="jo 2"), ("jo recovery", "jo 2"), "key-in-use"),
        (rotation("jo 2"), ("sd authority", "jo 2"), "signature-not-called-for"),
        (rotation("jo 2"), (*REGISTRARS, "jo 2"), "signature-not-called-for"),
        (rotation("jo 2"), ("jo 2",), "signatures-missing"),
    ],
)
def test_a_rotation_that_breaks_a_rule_is_refused(body: Any, by: tuple[str, ...], code: str) -> None:
    registry = guarded()
    registry.enrol("sd")
    registry.nominate(SD)
    assert code_of(registry, "state.rotate", "jo", body, *by) == code


def test_a_key_rotated_away_never_returns_and_actual_keeps_a_recovery_key() -> None:
    registry = guarded(statuses=["actual", "exercise"], objection_seconds=60)
    registry.tick(60)
    registry.submit("state.rotate", "jo", rotation("jo 2"), "jo authority", "jo 2")
    assert code_of(registry, "state.rotate", "jo", rotation("jo authority"), "jo 2") == "key-was-revoked"
    body = rotation("jo 3", recovery=None)
    assert code_of(registry, "state.rotate", "jo", body, "jo recovery", "jo 3") == "recovery-key-missing"


def prepared(registry: Registry, body: dict[str, Any], *by: str) -> SignedStatement:
    return signed(registry.payload("state.rotate", "jo", body), *by)


def test_the_recovery_key_wins_over_rotations_by_threshold_logged_before_it() -> None:
    registry = guarded()
    saved = prepared(registry, rotation("safe"), "jo recovery", "safe")
    registry.submit("state.rotate", "jo", rotation("thief 1"), "jo authority", "thief 1")
    second = prepared(registry, rotation("safe 2"), "jo recovery", "safe 2")
    registry.submit("state.rotate", "jo", rotation("thief 2"), "thief 1", "thief 2")
    assert check_proposal(registry.directory, second, registry.now).complete
    registry.log(saved)
    state = registry.directory.state("jo")
    assert state.authority_kids == (signing_key("safe").kid,)
    assert (state.version, state.overruled) == (2, ())
    assert ending(registry, "thief 2") == ("replaced", registry.directory.size - 1)
    assert refused(registry.log, second) == "superseded"
    body = rotation("thief 3")
    assert code_of(registry, "state.rotate", "jo", body, "thief 2", "thief 3") == "signature-not-called-for"
    registry.submit("state.rotate", "jo", rotation("next"), "safe", "next")
    assert registry.directory.state("jo").version == 3


def test_a_rotation_by_threshold_never_wins_over_another() -> None:
    registry = guarded("a", "b", threshold=1)
    late = prepared(registry, rotation("thief"), "b", "thief")
    registry.submit("state.rotate", "jo", rotation("b", "c"), "a", "c")
    assert refused(registry.log, late) == "superseded"
    by_recovery = prepared(registry, rotation("safe"), "jo recovery", "safe")
    registry.submit("state.rotate", "jo", rotation("d"), "jo recovery", "d")
    assert refused(registry.log, by_recovery) == "superseded"
    assert refused(registry.log, late) == "superseded"


def test_naming_the_recovery_key_without_its_signature_overrules_nothing() -> None:
    registry = guarded("a", "b", threshold=1)
    forged = prepared(registry, rotation("thief"), "b", "thief")
    genuine = signed(b"another payload", "jo recovery").signatures
    registry.submit("state.rotate", "jo", rotation("b", "c"), "a", "c")
    assert refused(registry.log, forged.merged(genuine)) == "signature-not-called-for"
    alone = SignedStatement(forged.payload, (*signed(forged.payload, "thief").signatures, *genuine))
    assert refused(registry.log, alone) == "bad-signature"


# --- brakes have no age, and order does not matter ---------------------------------------------


@pytest.mark.parametrize("kind", ["contact.freeze", "contact.withdraw", "state.withdraw", "state.rotate"])
def test_a_brake_is_never_too_old(kind: str) -> None:
    registry = guarded()
    registry.nominate(JO, JD)
    issued_at = registry.now
    registry.tick(2 * ISSUED_AGE_SECONDS_MAX)
    entry = {"entry": registry.directory.contact(JO).standing.leaf_hash}
    enrolled = {"entry": registry.directory.state("jo").enrolled.leaf_hash}
    subject, body, by = {
        "contact.freeze": (JO, entry, (f"{JD} 1",)),
        "contact.withdraw": (JO, entry, ("jo authority",)),
        "state.withdraw": ("jo", enrolled, ("jo authority",)),
        "state.rotate": ("jo", rotation("n"), ("jo recovery", "n")),
    }[kind]
    registry.submit(kind, subject, body, *by, issued_at=issued_at)


@pytest.mark.parametrize("kind", ["contact.thaw", "controller.dismiss"])
def test_what_is_no_brake_has_an_age(kind: str) -> None:
    registry = usual()
    freeze(registry)
    issued_at = registry.now
    registry.tick(2 * ISSUED_AGE_SECONDS_MAX)
    subject, by = {"contact.thaw": (JO, ("jo authority",))}.get(kind, (CONTROLLER, REGISTRARS))
    assert (
        code_of(registry, kind, subject, {"entry": HASH}, *by, issued_at=issued_at) == "issued-too-long-ago"
    )


STEPS = ("freeze jo", "withdraw jd", "leave sd", "dismiss", "rotate")


def take(registry: Registry, step: str) -> None:
    if step == "freeze jo":
        freeze(registry, JO, by=JO)
    elif step == "withdraw jd":
        entry = registry.directory.contact(JD).nomination.leaf_hash
        registry.submit("contact.withdraw", JD, {"entry": entry}, "jo authority", "b")
    elif step == "leave sd":
        leave(registry, "sd")
    elif step == "dismiss":
        body = {"entry": registry.newest(CONTROLLER).leaf_hash}
        registry.submit("controller.dismiss", CONTROLLER, body, *REGISTRARS)
    else:
        body = rotation("jo authority", "b", "c", threshold=2)
        registry.submit("state.rotate", "jo", body, "jo recovery", "c")


@given(st.permutations(STEPS))
def test_any_admissible_order_gives_the_same_parts_of_the_directory(order: list[str]) -> None:
    registry = guarded("jo authority", "b", threshold=2)
    registry.enrol("sd")
    for contact in (JO, JD):
        body = nomination(contact)
        registry.submit("contact.nominate", contact, body, "jo authority", "b", f"{contact} 1")
    registry.nominate(SD)
    registry.appoint()
    for step in order:
        registry.tick()
        take(registry, step)
    directory = registry.directory
    ended = {k.kid: k.ended for k in directory.keys.values() if k.ended is not None}
    gone = (f"{JD} 1", f"{SD} 1", f"{CONTROLLER} 1")
    assert ended == {
        **dict.fromkeys(
            (make(label).kid for label in gone for make in (signing_key, sealing_key)), "withdrawn"
        ),
        signing_key("sd authority").kid: "withdrawn",
    }
    assert directory.contact(JO).frozen is not None
    assert [c.id for c in directory.contacts.values() if not c.withdrawn] == [JO]
    assert apply_all(None, registry.entries) == directory
    for moment in (0, 1):
        entry = make_entry(registry.entries[-1].signed, registry.now + timedelta(seconds=moment))
        assert refused(apply_all, directory, [entry]) == "already-logged"
