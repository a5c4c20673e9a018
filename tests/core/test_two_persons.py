"""R7: two persons are two, what was signed stays what it is, and no order changes what comes out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.directory import Directory
from poc.core.rules import apply_all, start
from poc.core.statement import SignedStatement, make_entry, read_entry
from poc.errors import RefusedError
from tests.registry import (
    ORIGIN,
    REGISTRARS,
    START,
    Registry,
    device,
    enrolment,
    jwk,
    nomination,
    settings,
    signed,
    signing_key,
)

STEPS = ("ae", "bh", "dz")
MESSAGE = "01936f00-0000-7000-8000-000000000001"


def test_one_person_is_no_second_registrar_by_a_second_key() -> None:
    one = settings()["registrars"][1]
    again = {**one, "key": jwk("another key of the same person")}
    with pytest.raises(RefusedError) as caught:
        Registry(registrars=[one, again])
    assert caught.value.code == "bad-form"


def test_one_key_is_no_second_registrar_by_a_second_name() -> None:
    first, second = settings()["registrars"]
    body = settings(registrars=[first, {**second, "key": first["key"]}])
    payload = Registry().payload("registry.genesis", ORIGIN, body, chain=(0, None))
    with pytest.raises(RefusedError) as caught:
        start(make_entry(signed(payload, first["id"], "hub"), START))
    assert caught.value.code == "key-in-use"


def refused(body: dict[str, Any]) -> str:
    with pytest.raises(RefusedError) as caught:
        Registry().submit("state.enrol", "jo", body, *REGISTRARS, "jo authority")
    return caught.value.code


def test_one_key_is_no_second_key_of_an_authority() -> None:
    twice = enrolment("jo", authority={"keys": [jwk("jo authority")] * 2, "threshold": 2})
    assert refused(twice) == "bad-form"
    same = enrolment("jo", recovery=jwk("jo authority"))
    assert refused(same) == "key-in-use"


def test_a_payload_edited_after_it_was_signed_is_refused_at_every_byte() -> None:
    registry = Registry()
    made = signed(registry.payload("state.enrol", "ae", enrolment("ae")), *REGISTRARS, "ae authority")
    for position in range(0, len(made.payload), 7):
        edited = bytearray(made.payload)
        edited[position] ^= 1
        with pytest.raises(RefusedError):
            registry.log(SignedStatement(bytes(edited), made.signatures))
    assert registry.directory.size == 1


CHAPTERS = ("enrol", "nominate", "add", "rotate", "update", "confirm", "revoke", "test")


def write(registry: Registry, state: str, chapter: str) -> None:
    """One statement of a State's own story; the stories of two States have nothing to do with each other."""
    contact, authority = f"{state}.technical", f"{state} authority"
    first, second, new = f"{contact} 1", f"{contact} 2", f"{contact} 3"
    body: dict[str, Any]
    if chapter == "enrol":
        registry.enrol(state)
    elif chapter == "nominate":
        registry.nominate(contact)
    elif chapter == "add":
        body = {"entry": registry.newest(contact).leaf_hash, "device": device(second, 2, may="change send")}
        registry.submit("contact.device-add", contact, body, authority, second)
    elif chapter == "rotate":
        body = {"kid": signing_key(first).kid, "signing": jwk(new), "sealing": None}
        registry.submit("contact.rotate", contact, body, first, new)
    elif chapter == "update":
        body = {name: value for name, value in nomination(contact).items() if name != "devices"}
        registry.submit("contact.update", contact, {**body, "custody": "national"}, authority)
    elif chapter == "confirm":
        registry.submit("contact.confirm", contact, {"entry": registry.newest(contact).leaf_hash}, new)
    elif chapter == "revoke":
        body = {"kid": signing_key(second).kid, "reason": "lost", "suspected_since": None}
        registry.submit("contact.device-revoke", contact, body, new)
    else:
        tested = {"exercise": "cbm-1", "message": MESSAGE, "acknowledgement_sha256": "A" * 43}
        registry.submit("contact.tested", contact, tested, "x-arcc.controller-1 1")


def content(directory: Directory) -> dict[str, object]:
    """All that a directory says, but for when and where it was said."""
    return {
        "states": {s.id: (s.kind, s.names, s.status, s.authority_kids) for s in directory.states.values()},
        "contacts": {
            c.id: (c.level, c.role, c.card, c.custody, c.devices, c.version, c.tested_at is not None)
            for c in directory.contacts.values()
        },
        "keys": {k.kid: (k.role, k.holder, k.device, k.may, k.ended) for k in directory.keys.values()},
        "payloads": len(directory.payloads),
    }


@given(st.permutations([state for state in STEPS for _ in CHAPTERS]), st.data())
def test_any_interleaving_of_independent_subjects_gives_the_same_content_in_any_batches(
    turns: list[str], data: st.DataObject
) -> None:
    registry = Registry()
    registry.appoint()
    stories = {state: iter(CHAPTERS) for state in STEPS}
    for state in turns:
        write(registry, state, next(stories[state]))
    straight = Registry()
    straight.appoint()
    for state in STEPS:
        for chapter in CHAPTERS:
            write(straight, state, chapter)
    assert content(registry.directory) == content(straight.directory)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(registry.entries)))) | {0, len(registry.entries)})
    directory = None
    for low, high in pairwise(cuts):
        directory = apply_all(directory, [read_entry(leaf) for leaf in registry.leaves[low:high]])
    assert directory == registry.directory
