"""What each entry of the log means to a watch officer, and what stops the list."""

from __future__ import annotations

from datetime import timedelta

import pytest

from poc.client.watch import SEVERITY, TEXTS, Step, watch
from poc.core.bodies import BODIES
from poc.core.form import form_of
from poc.core.rules import apply_all
from poc.core.statement import Statement, make_entry
from poc.core.strictjson import canonical, format_time, parse
from tests import registry as made
from tests.form_examples import BODIES as EXAMPLES
from tests.registry import ORIGIN, REGISTRARS, Registry, device, jwk, nomination, settings, signed

SUBJECTS = {
    "registry": ORIGIN,
    "state": "jo",
    "contact": "jo.technical",
    "controller": "x-arcc.controller-1",
    "witness": "jo.witness",
}


def watched(registry, since, state="jo"):
    before = apply_all(None, registry.entries[:since])
    return watch(before, registry.leaves[since:], state)


@pytest.fixture
def usual():
    return made.usual()


def test_every_type_has_a_text_and_a_severity_only_where_it_exists():
    assert TEXTS.keys() == BODIES.keys() == EXAMPLES.keys()
    assert set(SEVERITY) <= BODIES.keys()


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_every_text_names_its_subject_or_what_is_about_all(usual, kind):
    subject = SUBJECTS[kind.split(".")[0]]
    body = form_of(BODIES[kind], EXAMPLES[kind])
    statement = Statement(b"{}", ORIGIN, kind, subject, None, None, usual.now, body)
    text = TEXTS[kind](Step(usual.directory, usual.directory, statement, usual.now))
    assert subject in text or kind in ("registry.policy", "registry.attest")
    assert text.isprintable()
    assert "None" not in text


def test_the_own_state_sees_all_about_itself_and_of_others_what_changes_whom_to_trust(usual):
    events, following = watched(usual, 1)
    assert following == len(usual.entries)
    kinds = [(event.kind, event.subject) for event in events]
    assert ("contact.nominate", "jo.technical") in kinds
    assert ("contact.nominate", "sd.technical") not in kinds
    assert {("state.enrol", "sd"), ("controller.appoint", "x-arcc.controller-1")} <= set(kinds)
    (event,) = [e for e in events if e.subject == "jo.technical"]
    assert event.signed_by == ("authority jo", "device 1 of jo.technical")
    assert event.text == "jo.technical is nominated; device 1 comes (acknowledge, change, retrieve, send)"
    assert (event.index, event.severity) == (3, "warning")


def test_a_nomination_anew_says_which_devices_end_come_and_stay(usual):
    since = len(usual.entries)
    changed = nomination(
        "jo.technical",
        devices=[device("jo.technical 2", 2, may="retrieve")],
        custody="hosted:x-las",
        alternate_of="jo.diplomatic",
    )
    usual.submit("contact.nominate", "jo.technical", changed, "jo authority", "jo.technical 2")
    ((event,), _) = watched(usual, since)
    assert event.text == (
        "jo.technical is nominated anew; device 2 comes (retrieve); device 1 ends; "
        "alternate of: None -> jo.diplomatic; custody: own -> hosted:x-las"
    )


def test_brakes_and_devices_are_told_with_who_signed(usual):
    since = len(usual.entries)
    standing = usual.directory.contacts["jo.technical"].standing.leaf_hash
    usual.submit("contact.freeze", "jo.technical", {"entry": standing}, "jo.diplomatic 1")
    kid = made.signing_key("jo.diplomatic 1").kid
    body = {"kid": kid, "reason": "lost", "suspected_since": None}
    usual.submit("contact.device-revoke", "jo.diplomatic", body, "jo authority")
    of_others = usual.directory.contacts["sd.technical"].standing.leaf_hash
    usual.submit("contact.freeze", "sd.technical", {"entry": of_others}, "sd.diplomatic 1")
    events, _ = watched(usual, since)
    assert [(e.severity, e.signed_by) for e in events] == [
        ("alarm", ("device 1 of jo.diplomatic",)),
        ("warning", ("authority jo",)),
        ("alarm", ("device 1 of sd.diplomatic",)),
    ]
    assert events[1].text == "device 1 of jo.diplomatic ends: lost"


def test_a_policy_tells_registrars_and_settings_that_change(usual):
    since = len(usual.entries)
    third = {"id": "x-las.registrar-2", "body": "x-las", "names": {"en": "Office"}, "key": jwk("third")}
    first = settings()["registrars"][0]
    new = settings(registrars=sorted([first, third], key=lambda r: r["id"]), freshness_seconds=3600)
    usual.submit("registry.policy", ORIGIN, new, *REGISTRARS, "third")
    ((event, *_), _) = watched(usual, since)
    assert event.kind == "registry.policy"
    assert "registrar x-las.registrar-2 is new" in event.text
    assert "registrar x-las.registrar-1 is dismissed" in event.text
    assert "freshness_seconds: 86400 -> 3600" in event.text


def test_an_enrolment_tells_until_when_and_how_to_object_and_when_it_is_in_effect():
    registry = Registry(objection_seconds=86_400)
    registry.submit("state.enrol", "jo", made.enrolment("jo"), *REGISTRARS, "jo authority")
    ((event,), _) = watched(registry, 1, "sd")
    assert "in effect at 2026-11-25T08:00:01Z unless objected to" in event.text
    assert "poc state object jo" in event.text
    registry.tick(90_000)
    registry.enrol("sd")
    events, _ = watched(registry, 2, "sd")
    assert [(e.kind, e.subject) for e in events] == [("state.enrol", "sd"), ("in-effect", "jo")]


def recovery(label, registry, overrules=None):
    """Registrars give Jordan a new authority key; the entry's leaf hash."""
    whole = made.enrolment("jo")
    body = {
        "authority": {"keys": [jwk(label)], "threshold": 1},
        "recovery": None,
        "note_verbale": whole["note_verbale"],
        "call_back": whole["call_back"],
        "overrules": overrules,
    }
    return registry.submit("state.recover", "jo", body, *REGISTRARS, label).leaf_hash


def test_a_recovery_an_objection_and_what_became_of_them_are_alarms_for_every_state():
    registry = Registry(objection_seconds=3600)
    registry.enrol("jo", "sd")
    registry.tick(4000)
    registry.attest()
    since = len(registry.entries)
    leaf = recovery("jo new", registry)
    registry.submit("state.object", "jo", {"entry": leaf}, "jo authority")
    recovery("jo newer", registry)
    registry.tick(4000)
    registry.attest()
    events, _ = watched(registry, since, "sd")
    assert [(e.kind, e.severity) for e in events] == [
        ("state.recover", "alarm"),
        ("state.object", "alarm"),
        ("state.recover", "alarm"),
        ("in-effect", "alarm"),
    ]
    assert events[0].text.startswith("RECOVERY: registrars give jo 1 new authority key(s), in effect at ")
    assert events[1].text == f"objection to entry {since} about jo: the recovery is STOPPED"
    assert events[3].text == "the recovery of jo is in effect: its authority has new keys"
    assert events[0].signed_by[1:] == ("registrar x-arcc.registrar-1", "registrar x-las.registrar-1")


def test_an_enrolment_that_is_objected_to_is_told_as_stopped_and_its_second_as_not_to_be_stopped():
    registry = Registry(objection_seconds=3600)
    registry.enrol("sd")
    registry.tick(4000)
    registry.attest()
    since = len(registry.entries)
    leaf = registry.submit("state.enrol", "jo", made.enrolment("jo"), *REGISTRARS, "jo authority").leaf_hash
    registry.submit("state.object", "jo", {"entry": leaf}, "sd authority")
    again = made.enrolment("jo", call_back={"at": format_time(registry.now), "source": "another number"})
    registry.submit("state.enrol", "jo", again, *REGISTRARS, "jo authority")
    events, _ = watched(registry, since, "eg")
    assert events[1].text.endswith("about jo: the enrolment is STOPPED")
    assert "further objections are recorded only" in events[2].text


def test_a_suspension_is_told_and_so_is_its_end_by_date():
    registry = Registry()
    registry.enrol("jo", "sd")
    since = len(registry.entries)
    until = format_time(registry.now + timedelta(hours=1))
    body = {"reason": "dispute", "scope": ["nominate", "send"], "until": until}
    registry.submit("state.suspend", "jo", body, *REGISTRARS)
    registry.tick(4000)
    registry.attest()
    events, _ = watched(registry, since, "sd")
    assert [e.text for e in events] == [
        f"jo is suspended until {until} (dispute); cut: nominate, send",
        "the suspension of jo has ended by its date",
    ]


def test_witnesses_are_told_when_appointed_when_they_count_and_when_they_do_no_more():
    registry = Registry(quorum="majority")
    registry.enrol("jo", "sd", "eg")
    since = len(registry.entries)
    registry.seat("jo", "sd", "eg")
    registry.submit(
        "witness.dismiss", "jo.witness", {"entry": registry.newest("jo.witness").leaf_hash}, "jo authority"
    )
    registry.attest(*registry.seated)
    events, _ = watched(registry, since, "om")
    texts = [e.text for e in events]
    assert [e.severity for e in events] == ["warning"] * len(events)
    assert "witness sd.witness counts from now on" in texts
    assert texts.index("witness jo.witness is dismissed") < texts.index("witness jo.witness counts no more")


# --- what cannot be read -----------------------------------------------------------------------


def newer(registry, **changes):
    """An entry of a form that does not exist yet."""
    payload = registry.payload("contact.confirm", "jo.technical", {"entry": "A" * 43})
    value = parse(payload)
    assert isinstance(value, dict)
    entry = make_entry(signed(canonical({**value, **changes}), "jo authority"), registry.now)
    return entry.leaf


@pytest.mark.parametrize("changes", [{"type": "contact.dance"}, {"v": 2}, {"mood": "good"}])
def test_an_entry_that_cannot_be_read_is_told_and_nothing_after_it_is(usual, changes):
    since = len(usual.entries)
    leaf = newer(usual, **changes)
    usual.submit(
        "contact.withdraw",
        "jo.diplomatic",
        {"entry": usual.newest("jo.diplomatic").leaf_hash},
        "jo authority",
    )
    events, following = watch(apply_all(None, usual.entries[:since]), [leaf, *usual.leaves[since:]], "sd")
    assert [(e.kind, e.index, e.severity) for e in events] == [("unreadable", since, "alarm")]
    assert following == since
    assert watch(apply_all(None, usual.entries[:since]), [leaf], "sd") == (events, since)


def test_an_entry_that_breaks_a_rule_or_is_no_entry_ends_the_list_too(usual):
    since = len(usual.entries)
    usual.submit(
        "contact.withdraw",
        "jo.diplomatic",
        {"entry": usual.newest("jo.diplomatic").leaf_hash},
        "jo authority",
    )
    good = usual.leaves[since]
    forged = canonical({**parse(good), "logged_at": "2026-01-01T00:00:00Z"})  # type: ignore[dict-item]
    for leaf in (forged, b"{}", b"\xff", good[:-1]):
        events, following = watch(apply_all(None, usual.entries[:since]), [leaf, good], "jo")
        assert ([e.kind for e in events], following) == (["unreadable"], since)


def test_events_hold_no_names_and_nothing_of_a_card(usual):
    value = [event.to_json() for event in watched(usual, 1)[0]]
    text = str(value)
    assert "Office" not in text
    assert "example" not in text.replace(ORIGIN, "")
