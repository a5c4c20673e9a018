"""Look-ups as pure functions of a directory: names, moments, what is hidden and what is suggested."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest

from poc.client.lookup import Query, find_contact, find_state, lookup, show_contact, state_names
from poc.core.card import read_opening
from poc.core.directory import Freeze
from poc.errors import RefusedError
from tests import registry as made
from tests.registry import START, Registry, openings, usual


def named(**names):
    """A registry of States with their own names."""
    registry = Registry()
    for state, given in names.items():
        english, arabic = given[:2]
        short = dict(zip(("en", "ar", "fr"), given, strict=False))
        registry.enrol(
            state, names={"short": short, "official": {"en": f"Republic of {english}", "ar": arabic}}
        )
    return registry.directory


ARAB = named(
    sd=("Sudan", "السودان"),
    ss=("South Sudan", "جنوب السودان"),
    ae=("United Arab Emirates", "الإمارات العربية المتحدة"),
    ps=("State of Palestine", "دولة فلسطين", "État de Palestine"),
    dz=("Algeria", "الجزائر"),
    cg=("Congo", "الكونغو"),
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("sd", "sd"),
        ("Sudan", "sd"),
        ("South Sudan", "ss"),
        ("السودان", "sd"),
        ("سودان", "sd"),
        ("the Sudan", "sd"),
        ("Republic of Congo", "cg"),
        ("Palestine", "ps"),
        ("فلسطين", "ps"),
        ("PALESTINE, State of".replace(",", ""), "ps"),
        ("Emirates", "ae"),
        ("الامارات", "ae"),
        ("État de Palestine", "ps"),
        ("Algérie", "dz"),
        ("ALGERIE", "dz"),
    ],
)
def test_a_state_is_found_by_what_it_calls_itself(wanted, found):
    assert find_state(ARAB, wanted) == found


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        ("Sudann", "sd"),
        ("al-Jazair", "dz"),
        ("Al Jaza'ir", "dz"),
        ("Filastin", "ps"),
        ("Republic", None),
        ("Arab Emirate United", "ae"),
        ("xyz", None),
        ("", None),
        ("s", None),
        ("دولة", None),
        ("the State", None),
        ("République arabe", None),
    ],
)
def test_anything_else_is_unknown_with_at_most_a_suggestion(wanted, nearest):
    with pytest.raises(RefusedError) as refused:
        find_state(ARAB, wanted)
    assert refused.value.code == "unknown-state"
    if nearest is not None:
        assert refused.value.data["nearest"] == nearest


def test_a_name_of_two_states_is_nobodys():
    directory = named(cg=("Congo", "الكونغو"), cd=("Congo", "الكونغو الديمقراطية"))
    with pytest.raises(RefusedError):
        find_state(directory, "Congo")
    assert find_state(directory, "cd") == "cd"


def test_a_state_named_as_another_ones_id_does_not_take_it():
    directory = named(jo=("sd", "سد"), sd=("Sudan", "السودان"))
    assert find_state(directory, "sd") == "sd"


def test_a_states_own_names_come_before_those_of_cldr():
    own = state_names(ARAB.states["ps"])
    assert own == {"en": "State of Palestine", "ar": "دولة فلسطين", "fr": "État de Palestine"}
    assert state_names(ARAB.states["dz"]) == {"en": "Algeria", "ar": "الجزائر", "fr": "Algérie"}


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        ("jo.tecnical", "jo.technical"),
        ("jo", "jo.diplomatic"),
        ("technical", None),
        ("", None),
        ("zz.duty", None),
    ],
)
def test_an_unknown_contact_names_the_nearest(wanted, nearest):
    with pytest.raises(RefusedError) as refused:
        find_contact(usual().directory, wanted)
    assert refused.value.code == "unknown-contact"
    if nearest is not None:
        assert refused.value.data["nearest"] == nearest


def cards(directory):
    return {
        contact: {
            o.part: read_opening(o, contact, directory.origin, o.commitment()) for o in openings(contact)
        }
        for contact in directory.contacts
    }


def found(directory, **query):
    result = lookup(directory, cards(directory), Query(**query), START + timedelta(minutes=1))
    return [contact.contact for contact in result.contacts]


def test_contacts_of_withdrawn_states_and_withdrawn_contacts_are_not_found():
    directory = usual().directory
    gone = replace(directory.states["jo"], status="withdrawn")
    without_state = replace(directory, states=MappingProxyType({**directory.states, "jo": gone}))
    assert found(without_state) == ["sd.diplomatic", "sd.technical"]
    with pytest.raises(RefusedError):
        find_state(without_state, "jo")
    with pytest.raises(RefusedError):
        find_contact(without_state, "jo.technical")
    left = replace(directory.contacts["sd.technical"], withdrawn=True)
    without = replace(directory, contacts=MappingProxyType({**directory.contacts, "sd.technical": left}))
    assert "sd.technical" not in found(without)


def test_an_empty_query_finds_everybody_and_an_impossible_one_nobody():
    directory = usual().directory
    assert len(found(directory)) == 4
    assert found(directory, text="   ") == found(directory)
    assert found(directory, contact="JO.Technical ") == ["jo.technical"]
    assert found(directory, text="desk@jo.technical.example") == ["jo.technical"]
    assert found(directory, text="sd.technical") == ["sd.technical"]
    assert found(directory, role="duty") == []
    assert found(directory, language="ar-JO") == []


def test_without_its_card_a_contact_is_shown_and_reachability_unknown():
    directory = usual().directory
    shown = show_contact(directory, directory.contacts["jo.technical"], {}, START)
    assert (shown.reachable_now, shown.zone, shown.channels, shown.hours) == (None, None, [], None)
    result = lookup(directory, {}, Query(reachable_now=True), START)
    assert result.contacts == ()


@pytest.mark.parametrize("zone", ["Nowhere/Land", "A" * 64, "Asia"])
def test_a_zone_that_no_table_knows_leaves_reachability_unknown(zone):
    directory = usual().directory
    card = cards(directory)["jo.technical"]
    card["reach"] = card["reach"].model_copy(update={"zone": zone})
    shown = show_contact(directory, directory.contacts["jo.technical"], card, START)
    assert (shown.reachable_now, shown.local_time) == (None, None)


def test_what_is_overdue_or_frozen_is_told():
    directory = usual().directory
    contact = directory.contacts["jo.technical"]
    assert show_contact(directory, contact, {}, START).warnings() == []
    frozen = replace(contact, freezes=(Freeze(contact.newest, frozenset({contact.id})),))
    told = show_contact(directory, frozen, {}, START + timedelta(days=800)).warnings()
    assert [word in line for word, line in zip(("confirmation", "sealing", "frozen"), told, strict=True)] == [
        True
    ] * 3


def test_tested_lasts_twelve_months():
    directory = usual().directory
    contact = replace(directory.contacts["jo.technical"], tested_at=made.START)
    levels = [
        show_contact(directory, contact, {}, made.START + timedelta(days=days)).level
        for days in (0, 366, 367)
    ]
    assert levels == ["tested", "tested", "verified"]
