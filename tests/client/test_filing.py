"""What people hand in: exported keys and card files, and every way they can be wrong."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from pathlib import Path

import pytest

from poc.client.filing import card_value, device_value, file_card, read_public_keys
from poc.core.card import ReachPart, read_opening
from poc.core.form import form_value
from poc.errors import RefusedError
from tests.registry import ORIGIN, START, Registry, card, sealing_key, signing_key

CONTACT = "jo.technical"
OFFICE = {"names": {"en": "Desk", "ar": "المكتب"}}
REACH = {
    "channels": [{"kind": "email", "value": "desk@cert.jo.example"}],
    "zone": "Asia/Amman",
    "hours": {"weekly": [{"day": "sun", "open": "08:00", "close": "15:00"}]},
    "languages": ["ar", "en"],
}
CARD = {"office": OFFICE, "reach": REACH}


COUNT = itertools.count(1)


def salt(size):
    return bytes([next(COUNT)]) * size


def filed(value, **how):
    return file_card(value, CONTACT, ORIGIN, salt, **how)


def code_and_detail(value, **how):
    with pytest.raises(RefusedError) as refused:
        filed(value, **how)
    return refused.value.code, refused.value.detail


def row(label, use, party=CONTACT):
    key = (signing_key if use == "sign" else sealing_key)(label).public
    return {"kid": key.kid, "use": use, "role": "device", "party": party, "jwk": key.jwk()}


def exported(*rows):
    return json.dumps({"keys": list(rows)}).encode()


def test_a_short_card_file_becomes_commitments_and_openings():
    made = filed(CARD)
    assert [opening.part for opening in made.openings] == ["office", "reach"]
    assert made.commitments["person"] is None
    assert made.commitments["office"]["visibility"] == "parties"
    part = read_opening(made.openings[1], CONTACT, ORIGIN, made.commitments["reach"]["commitment"])
    assert isinstance(part, ReachPart)
    assert part.channels[0].label is None
    assert not part.hours.always


def test_a_card_file_reads_back_as_it_was_written_and_keeps_its_commitments():
    registry = Registry()
    registry.enrol("jo")
    made = filed({**CARD, "person": {"names": {"en": "Officer"}, "visibility": "exercise"}})
    registry.nominate(CONTACT, card=made.commitments)
    contact = registry.directory.contact(CONTACT)
    kept = {opening.part: opening for opening in made.openings}
    parts = {
        name: read_opening(opening, CONTACT, ORIGIN, made.commitments[name]["commitment"])
        for name, opening in kept.items()
    }
    written = json.loads(json.dumps(card_value(parts, contact)))
    again = filed(written, before=contact, kept=kept)
    assert again.openings == ()
    assert again.commitments == form_value(contact.card)
    assert written["person"]["visibility"] == "exercise"


def test_the_card_file_of_the_spec_page_is_one():
    page = (Path(__file__).resolve().parents[2] / "docs" / "spec" / "card.md").read_text("utf-8")
    example = json.loads(page.split("```json\n")[-1].split("```")[0])
    made = filed(example)
    assert [opening.part for opening in made.openings] == ["office", "reach", "person"]
    assert made.commitments["person"]["visibility"] == "exercise"


def test_only_a_changed_part_gets_a_fresh_salt():
    registry = Registry()
    registry.enrol("jo")
    made = filed(CARD)
    registry.nominate(CONTACT, card=made.commitments)
    contact = registry.directory.contact(CONTACT)
    kept = {opening.part: opening for opening in made.openings}
    changed = filed({"reach": {**REACH, "languages": ["ar"]}}, before=contact, kept=kept)
    assert [opening.part for opening in changed.openings] == ["reach"]
    assert changed.commitments["office"] == made.commitments["office"]
    assert changed.commitments["reach"] != made.commitments["reach"]


def test_a_person_is_taken_away_by_null_and_stays_when_not_named():
    registry = Registry()
    registry.enrol("jo")
    made = filed({**CARD, "person": {"names": {"en": "Officer"}}})
    registry.nominate(CONTACT, card=made.commitments)
    contact = registry.directory.contact(CONTACT)
    kept = {opening.part: opening for opening in made.openings}
    assert filed({"office": OFFICE}, before=contact, kept=kept).commitments["person"] is not None
    assert filed({"person": None}, before=contact, kept=kept).commitments["person"] is None


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ([], "office, reach, person"),
        ({}, "office, reach, person"),
        ({"office": OFFICE}, "reach: this part is needed"),
        ({"office": None, "reach": REACH}, "office: this part is needed"),
        ({**CARD, "reach": "x"}, "reach: an object"),
        ({**CARD, "phone": {}}, "office, reach, person"),
        ({**CARD, "office": {"names": {}}}, "office.names"),
        ({**CARD, "office": {**OFFICE, "fax": "1"}}, "office.fax"),
        ({**CARD, "office": {**OFFICE, "visibility": "everyone"}}, "office.visibility"),
        ({**CARD, "reach": {**REACH, "channels": []}}, "reach.channels"),
        ({**CARD, "reach": {**REACH, "channels": [1]}}, "reach.channels.0"),
        ({**CARD, "reach": {**REACH, "zone": "../etc"}}, "reach.zone"),
        ({**CARD, "reach": {**REACH, "hours": "always"}}, "reach.hours"),
        (
            {**CARD, "reach": {**REACH, "channels": [{"kind": "pigeon", "value": "1"}]}},
            "reach.channels.0.kind",
        ),
    ],
    ids=range(14),
)
def test_a_card_file_that_is_wrong_names_the_member(value, named):
    code, detail = code_and_detail(value)
    assert code == "bad-card"
    assert named in detail


def test_exported_keys_become_a_device():
    keys = read_public_keys(exported(row("a", "sign"), row("a", "seal")))
    device = device_value(3, keys, ["send", "retrieve"], START + timedelta(days=60))
    assert (device["number"], device["may"]) == (3, ["retrieve", "send"])
    assert device["sealing"]["kid"] == sealing_key("a").public.kid
    assert read_public_keys(json.dumps(row("a", "sign")).encode()).signing[0].kid == signing_key("a").kid


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b"{}",
        b'{"keys": []}',
        b'{"keys": 1}',
        b'{"keys": [1]}',
        b'{"keys": [{"party": "jo"}]}',
        exported(row("a", "sign"), row("b", "sign", party="sd.technical")),
        exported({**row("a", "sign"), "party": 7}),
    ],
)
def test_a_file_that_holds_no_keys_of_one_party_is_refused(data):
    with pytest.raises(RefusedError) as refused:
        read_public_keys(data)
    assert refused.value.code == "bad-key-file"


def test_a_key_file_that_is_not_json_names_line_and_column():
    with pytest.raises(RefusedError) as refused:
        read_public_keys(b'{"keys":\n [,]}')
    assert refused.value.code == "bad-json"
    assert "line 2 column 3" in refused.value.detail


@pytest.mark.parametrize(
    "rows", [[("a", "sign")], [("a", "seal")], [("a", "sign"), ("b", "sign"), ("a", "seal")]]
)
def test_a_device_has_one_signing_and_one_sealing_key(rows):
    keys = read_public_keys(exported(*(row(label, use) for label, use in rows)))
    with pytest.raises(RefusedError) as refused:
        device_value(1, keys, ["send"], START)
    assert refused.value.code == "bad-key-file"


def test_the_test_registrys_card_is_of_the_same_form():
    assert set(card(CONTACT)) == {"office", "reach", "person"}
