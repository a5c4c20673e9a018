"""The frozen evidence file verifies, and every change of it that is listed is refused as stated."""

from __future__ import annotations

import json

import pytest

from poc.core import sealed
from poc.core.form import form_of
from poc.core.keys import SealingKey
from poc.core.message import Envelope
from poc.core.proof import verify_evidence
from poc.core.strictjson import unb64u
from poc.errors import RefusedError
from tests.message_world import seed
from tests.vectors import make_escalated
from tests.vectors.make_evidence import PATH, build, changed

FROZEN = json.loads(PATH.read_bytes())
ESCALATED = json.loads(make_escalated.PATH.read_bytes())


def test_the_file_is_what_the_generator_makes_of_what_is_frozen() -> None:
    assert PATH.read_text("utf-8") == build(), "run tests/vectors/make_evidence.py"


def test_the_file_verifies_with_nothing_but_the_fingerprint() -> None:
    report = verify_evidence(FROZEN["file"].encode(), FROZEN["fingerprint"])
    assert report.author_proven
    assert report.problems == ()
    assert (report.digest, report.voice_code) == (FROZEN["digest"], FROZEN["voice_code"])
    assert [[event.event, event.who, event.kid] for event in report.timeline] == FROZEN["timeline"]


@pytest.mark.parametrize("case", [pytest.param(v, id=v["name"]) for v in FROZEN["variants"]])
def test_a_changed_file_is_refused(case) -> None:
    text = FROZEN["file"] + case.get("append", "")
    if "path" in case:
        text = changed(text, *case["path"], to=case["to"])
    with pytest.raises(RefusedError) as caught:
        verify_evidence(text.encode(), FROZEN["fingerprint"])
    assert caught.value.code == case["expect"]


def test_each_frozen_slot_opens_to_the_disclosed_key() -> None:
    file = json.loads(FROZEN["file"])
    envelope = form_of(Envelope, file["envelope"])
    for number in (1, 2):
        key = SealingKey.from_seed(seed("seal", "sd.duty", number))
        slot = next(slot for slot in envelope.recipients if slot.header.kid == key.kid)
        ek, encrypted_key = unb64u(slot.header.ek), unb64u(slot.encrypted_key)
        found = sealed.open_key(ek, encrypted_key, envelope.protected, "sd.duty", key)
        assert found == unb64u(file["opening"]["cek"])


def test_the_escalated_file_is_what_the_generator_makes_of_what_is_frozen() -> None:
    assert make_escalated.PATH.read_text("utf-8") == make_escalated.build(), "run make_escalated"


@pytest.mark.parametrize("case", [pytest.param(v, id=v["name"]) for v in ESCALATED["variants"]])
def test_what_was_held_released_and_taken_back_fits_or_is_named(case) -> None:
    data = make_escalated.changed(ESCALATED["file"], case["set"])
    if case["expect"] != "ok":
        with pytest.raises(RefusedError) as caught:
            verify_evidence(data, ESCALATED["fingerprint"])
        assert caught.value.code == case["expect"]
        return
    report = verify_evidence(data, ESCALATED["fingerprint"])
    assert sorted({problem.code for problem in report.problems}) == case["problems"]
