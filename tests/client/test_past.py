"""The past out of the log: who signed what, what it changed, and the directory as it was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from poc.client.past import contact_history, directory_as_of, state_history
from poc.core.rules import apply_all
from poc.core.strictjson import format_time
from poc.errors import RefusedError
from tests import registry as made


def changed_card(registry, contact, **changes):
    body = {**made.nomination(contact), **changes}
    del body["devices"]
    return body


@pytest.fixture(scope="module")
def registry():
    """One contact through everything that can happen to it, among others to which other things happen."""
    made_up = made.Registry()
    made_up.enrol("jo", "sd")
    contact, other = "jo.technical", "jo.diplomatic"
    body = {"role": "duty", "alternate_of": None, "source": "a list", "card": made.card(contact)}
    made_up.submit("contact.record", contact, body, *made.REGISTRARS)
    made_up.nominate(other, "sd.technical")
    made_up.nominate(contact)
    moved = changed_card(made_up, contact, card=made.card("jo.duty"), custody="hosted:sd", alternate_of=other)
    made_up.submit("contact.update", contact, moved, "jo authority")
    newest = made_up.newest(contact).leaf_hash
    made_up.submit("contact.confirm", contact, {"entry": newest}, f"{contact} 1")
    second = made.device(f"{contact} 2", 2, may="retrieve")
    entry = made_up.directory.contact(contact).nomination.leaf_hash
    added = {"entry": entry, "device": second}
    made_up.submit("contact.device-add", contact, added, "jo authority", f"{contact} 2")
    kid = made.signing_key(f"{contact} 1").kid
    sealing = {**second["sealing"], "kid": made.sealing_key("renewed").kid}
    renewed = {"kid": kid, "signing": None, "sealing": sealing}
    made_up.submit("contact.rotate", contact, renewed, f"{contact} 1")
    standing = made_up.directory.contact(contact).standing.leaf_hash
    frozen = made_up.submit("contact.freeze", contact, {"entry": standing}, f"{other} 1")
    made_up.submit("contact.thaw", contact, {"entry": frozen.leaf_hash}, "jo authority")
    revoked = {"kid": made.signing_key(f"{contact} 2").kid, "reason": "lost", "suspected_since": None}
    made_up.submit("contact.device-revoke", contact, revoked, "jo authority")
    enrolled = made_up.directory.state("jo").enrolled.leaf_hash
    made_up.submit("state.withdraw", "jo", {"entry": enrolled}, "jo authority")
    made_up.enrol("eg")
    return made_up


@pytest.fixture(scope="module")
def history(registry):
    return contact_history(registry.entries, "jo.technical")


def test_every_entry_about_a_contact_is_told_in_order_and_no_other(registry, history):
    assert [entry.type for entry in history] == [
        "contact.record", "contact.nominate", "contact.update", "contact.confirm", "contact.device-add",
        "contact.rotate", "contact.freeze", "contact.thaw", "contact.device-revoke", "state.withdraw",
    ]  # fmt: skip
    for entry in history:
        logged = registry.entries[entry.index]
        assert (entry.leaf_hash, entry.logged_at) == (logged.leaf_hash, format_time(logged.logged_at))


@pytest.mark.parametrize(
    ("number", "who"),
    [
        (0, ["registrar x-arcc.registrar-1", "registrar x-las.registrar-1"]),
        (1, ["device 1 of jo.technical (new key)", "the authority of jo"]),
        (3, ["device 1 of jo.technical"]),
        (4, ["device 2 of jo.technical (new key)", "the authority of jo"]),
        (6, ["device 1 of jo.diplomatic"]),
        (9, ["the authority of jo"]),
    ],
)
def test_who_signed_is_told_in_words(history, number, who):
    assert sorted(signer.who for signer in history[number].signed_by) == who
    assert all(len(signer.key) == 43 for signer in history[number].signed_by)


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (0, ["first in the directory as duty, listed", "keys held by own"]),
        (1, ["level: listed → verified", "role: duty → technical", "machine receipts: off → on",
             "device 1 added, may acknowledge, change, retrieve, send"]),
        (2, ["alternate of: jo.diplomatic", "keys held by: own → hosted:sd",
             "office part of the card replaced", "reach part of the card replaced"]),
        (3, ["confirmed as still right"]),
        (4, ["device 2 added, may retrieve"]),
        (5, ["sealing key of device 1 replaced; good until 2027-01-23T08:00:00Z"]),
        (6, ["frozen by jo.diplomatic"]),
        (7, ["thawed"]),
        (8, ["device 2 ended (lost)"]),
        (9, ["withdrawn from the directory; all its keys ended"]),
    ],
)  # fmt: skip
def test_what_changed_is_told_in_words(history, number, changes):
    told = list(history[number].changes)
    assert [line for line in told if line not in changes] == []
    assert [line for line in changes if line not in told] == []


def test_a_states_history_is_of_the_state_itself(registry):
    told = state_history(registry.entries, "jo")
    assert [(entry.type, entry.changes) for entry in told] == [
        ("state.enrol",
         ("first in the directory as member; enrolled", "authority: 1 of 1 keys", "recovery key: none")),
        ("state.withdraw", ("withdrawn from the directory with all its contacts; all its keys ended",)),
    ]  # fmt: skip


def test_a_rotation_tells_the_new_authority():
    made_up = made.Registry()
    made_up.enrol("jo")
    keys = sorted((made.jwk("jo new 1"), made.jwk("jo new 2")), key=lambda key: key["x"])
    body = {"authority": {"keys": keys, "threshold": 2}, "recovery": None}
    made_up.submit("state.rotate", "jo", body, "jo authority", "jo new 1", "jo new 2")
    told = state_history(made_up.entries, "jo")[-1]
    assert told.changes == ("keys of the authority replaced", "authority: 1 of 1 keys → 2 of 2 keys")


@pytest.mark.parametrize(
    ("ask", "subject", "code"),
    [
        (contact_history, "jo.nobody", "unknown-contact"),
        (contact_history, "eg.technical", "unknown-contact"),
        (state_history, "fr", "unknown-state"),
    ],
)
def test_what_the_log_never_named_has_no_history(registry, ask, subject, code):
    with pytest.raises(RefusedError) as caught:
        ask(registry.entries, subject)
    assert caught.value.code == code


def test_the_directory_as_of_a_moment_is_the_one_of_the_entries_until_then(registry):
    entries = registry.entries
    for size in (1, 5, len(entries)):
        at = entries[size - 1].logged_at
        assert directory_as_of(entries, at) == apply_all(None, entries[:size])
        if size < len(entries):
            earlier = entries[size].logged_at - timedelta(seconds=1)
            assert directory_as_of(entries, earlier).size == size
    assert directory_as_of(entries, entries[-1].logged_at + timedelta(days=400)).size == len(entries)


@pytest.mark.parametrize("known", [True, False])
def test_before_the_genesis_there_was_no_directory(registry, known):
    entries = registry.entries if known else []
    with pytest.raises(RefusedError) as caught:
        directory_as_of(entries, registry.entries[0].logged_at - timedelta(seconds=1))
    assert caught.value.code == "before-the-log"


def test_an_attest_that_brings_an_enrolment_into_force_is_told_with_the_state():
    made_up = made.Registry(quorum="majority", objection_seconds=600)
    made_up.enrol("jo")
    made_up.tick(700)
    made_up.attest()
    made_up.attest()
    told = state_history(made_up.entries, "jo")
    assert [(entry.type, entry.changes) for entry in told][1:] == [
        ("registry.attest", ("standing: pending → enrolled",))
    ]


def test_a_suspension_is_told_with_what_it_cuts_and_until_when():
    made_up = made.Registry()
    made_up.enrol("jo")
    until = format_time(made_up.now + timedelta(days=2))
    body = {"reason": "dispute", "scope": ["nominate", "send"], "until": until}
    suspended = made_up.submit("state.suspend", "jo", body, *made.REGISTRARS)
    made_up.submit("state.reinstate", "jo", {"entry": suspended.leaf_hash}, *made.REGISTRARS)
    told = state_history(made_up.entries, "jo")[1:]
    assert told[0].changes == (f"suspended (dispute) until {until}: may not nominate, send",)
    assert told[1].changes == ("suspension ended",)
