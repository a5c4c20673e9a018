"""Who must sign: groups, alternatives, and what is said of a proposal that lacks signatures."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core import signers
from poc.core.jws import Signature
from poc.core.rules import check_proposal, requirement
from poc.core.signers import Group, Requirement, one_of
from poc.core.statement import SignedStatement, read_statement
from poc.errors import RefusedError
from tests.registry import (
    REGISTRARS,
    Registry,
    device,
    enrolment,
    jwk,
    nomination,
    signed,
    signing_key,
    usual,
)

BODIES = Group("registrars", {"las 1": "x-las", "las 2": "x-las", "arcc": "x-arcc", "un": "x-un"}, 2, True)
KEYS = Group("the authority of jo", {"a": "a", "b": "b", "c": "c"}, 2)
JO = "jo.technical"


def needed(registry: Registry, kind: str, subject: str, body: dict[str, Any]) -> Requirement:
    return requirement(registry.directory, read_statement(registry.payload(kind, subject, body)))


def kids(*labels: str) -> frozenset[str]:
    return frozenset(signing_key(label).kid for label in labels)


@pytest.mark.parametrize(
    ("who", "lacking"),
    [
        ((), 2),
        (("las 1",), 1),
        (("las 1", "las 2"), 1),
        (("las 1", "las 1"), 1),
        (("stranger", "las 1"), 1),
        (("las 1", "arcc"), 0),
        (("las 1", "arcc", "un"), 0),
    ],
)
def test_registrars_count_once_for_each_body(who: tuple[str, ...], lacking: int) -> None:
    assert BODIES.lacking(who) == lacking


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ((), "2 signatures of registrars of different bodies"),
        (("las 1",), "1 signature of a registrar of another body than x-las"),
        (("las 1", "las 2"), "1 signature of a registrar of another body than x-las"),
    ],
)
def test_what_registrars_lack_is_said_in_plain_words(who: tuple[str, ...], said: str) -> None:
    assert BODIES.wanted(who) == said


def test_what_is_lacking_names_all_bodies_that_have_signed() -> None:
    three = Group("registrars", BODIES.keys, 3, by_body=True)
    assert three.wanted(("un", "arcc")) == "1 signature of a registrar of another body than x-arcc, x-un"
    said = "2 signatures of registrars of different bodies other than x-un"
    assert three.wanted(("un",)) == said
    one = Group("registrars", BODIES.keys, 1, by_body=True)
    assert one.wanted(()) == "1 signature of a registrar"


def test_what_keys_lack_is_said_in_plain_words() -> None:
    assert KEYS.wanted(()) == "2 signatures of the authority of jo"
    assert KEYS.wanted(("a",)) == "1 signature of the authority of jo"


def test_signatures_of_two_alternatives_do_not_add_up() -> None:
    required = one_of([Group("x", {"a": "a", "b": "b"}, 2)], [Group("y", {"c": "c", "d": "d"}, 2)])
    assert required.is_met(frozenset({"a", "b"}))
    assert required.is_met(frozenset({"c", "d"}))
    assert not required.is_met(frozenset({"a", "c"}))
    assert required.fitting(frozenset({"a", "c"})) == ()
    assert required.missing(frozenset({"a", "c"})) == ()


def test_one_signature_too_many_spoils_an_alternative() -> None:
    required = one_of([KEYS])
    assert required.is_met(frozenset({"a", "b"}))
    assert required.is_met(frozenset({"a", "b", "c"}))
    assert not required.is_met(frozenset({"a", "b", "stranger"}))


def test_what_is_missing_is_told_for_the_alternative_that_lacks_least() -> None:
    required = one_of([KEYS], [Group("devices of jo.technical", {"d": "d"}, 1)])
    assert required.missing(frozenset()) == ("1 signature of devices of jo.technical",)
    assert required.missing(frozenset({"a"})) == ("1 signature of the authority of jo",)
    assert required.missing(frozenset({"a", "b"})) == ()


@given(st.frozensets(st.sampled_from(["las 1", "las 2", "arcc", "un", "stranger"])))
def test_a_requirement_is_met_exactly_where_nothing_is_missing(who: frozenset[str]) -> None:
    required = one_of([BODIES])
    fits = "stranger" not in who
    distinct = {BODIES.keys[kid] for kid in who if kid in BODIES.keys}
    assert required.is_met(who) == (fits and len(distinct) >= 2)
    assert bool(required.missing(who)) == (fits and len(distinct) < 2)


def test_every_type_calls_for_those_it_concerns() -> None:
    registry = usual()
    entry = {"entry": registry.newest(JO).leaf_hash}
    enrol = needed(registry, "state.enrol", "ae", enrolment("ae", recovery=jwk("ae recovery")))
    assert enrol.is_met(kids(*REGISTRARS, "ae authority", "ae recovery"))
    assert not enrol.is_met(kids(*REGISTRARS, "ae authority"))
    nominate = needed(registry, "contact.nominate", "jo.duty", nomination("jo.duty"))
    assert nominate.is_met(kids("jo authority", "jo.duty 1"))
    assert not nominate.is_met(kids("sd authority", "jo.duty 1"))
    confirm = needed(registry, "contact.confirm", JO, entry)
    assert confirm.is_met(kids("jo authority"))
    assert confirm.is_met(kids(f"{JO} 1"))
    assert not confirm.is_met(kids("jo authority", f"{JO} 1"))
    assert not confirm.is_met(kids("jo.diplomatic 1"))
    attest = needed(registry, "registry.attest", registry.directory.origin, registry.attest_body())
    assert attest.is_met(kids("hub"))
    assert not attest.is_met(kids(*REGISTRARS))


def test_a_device_without_the_right_to_change_is_not_called_for() -> None:
    registry = Registry()
    registry.enrol("jo")
    registry.nominate(JO, devices=[device(f"{JO} 1", may="acknowledge retrieve send")])
    confirm = needed(registry, "contact.confirm", JO, {"entry": registry.newest(JO).leaf_hash})
    assert not confirm.is_met(kids(f"{JO} 1"))
    assert signers.devices(registry.directory, JO, None, 1).lacking(kids(f"{JO} 1")) == 0
    assert signers.devices(registry.directory, JO, "change", 1).lacking(kids(f"{JO} 1")) == 1


@pytest.mark.parametrize(
    ("by", "missing"),
    [
        (
            (REGISTRARS[0],),
            (
                "1 signature of a registrar of another body than x-las",
                "1 signature of the new keys this brings",
            ),
        ),
        (REGISTRARS, ("1 signature of the new keys this brings",)),
        ((REGISTRARS[1], "ae authority"), ("1 signature of a registrar of another body than x-arcc",)),
        ((*REGISTRARS, "ae authority"), ()),
    ],
)
def test_a_proposal_says_plainly_who_is_missing(by: tuple[str, ...], missing: tuple[str, ...]) -> None:
    registry = Registry()
    payload = registry.payload("state.enrol", "ae", enrolment("ae"))
    progress = check_proposal(registry.directory, signed(payload, *by), registry.now)
    assert (progress.complete, progress.missing) == (not missing, missing)


def refused(registry: Registry, signed_statement: SignedStatement) -> str | None:
    """The code a statement is refused with, ``None`` where it was logged."""
    try:
        registry.log(signed_statement)
    except RefusedError as error:
        return error.code
    return None


def test_no_order_of_approving_and_editing_gets_other_bytes_admitted() -> None:
    """R7: 1,000 interleavings of three approvals and two edits of one draft."""
    chance = random.Random(7)
    origin = Registry()
    drafts = [
        origin.payload("state.enrol", "ae", enrolment("ae", kind=kind, call_back=call_back))
        for kind, call_back in (
            ("member", enrolment("ae")["call_back"]),
            ("observer", enrolment("ae")["call_back"]),
            ("member", {**enrolment("ae")["call_back"], "source": "another number"}),
        )
    ]
    who = (*REGISTRARS, "ae authority")
    ready: dict[tuple[str, int], Signature] = {
        (name, n): signed(draft, name).signatures[0] for name in who for n, draft in enumerate(drafts)
    }
    admitted = 0
    for _ in range(1000):
        events = [*who, "edit", "edit"]
        chance.shuffle(events)
        approved: dict[str, int] = {}
        draft = 0
        for event in events:
            if event == "edit":
                draft += 1
            else:
                approved[event] = draft
        registry = Registry.__new__(Registry)
        registry.now, registry.directory, registry.entries = origin.now, origin.directory, []
        statement = SignedStatement(drafts[draft], tuple(ready[name, n] for name, n in approved.items()))
        unanimous = set(approved.values()) == {draft}
        assert refused(registry, statement) == (None if unanimous else "bad-signature")
        admitted += unanimous
    assert 0 < admitted < 1000
