"""Carriage files: what may leave the sender's desk, and where the entries in a file lead."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from poc.core import carriage
from poc.core.draft import Addressee
from poc.core.form import form_bytes
from poc.core.merkle import CompactRange, leaf_hash
from poc.core.rules import apply_all
from poc.core.statement import read_entry
from poc.core.strictjson import unb64u
from poc.errors import RefusedError
from tests import message_world as world
from tests.form_examples import GOOD
from tests.vectors.make_carriage import KNOWN, PATH, log_file, text, two_logs

VECTORS = json.loads(PATH.read_text("utf-8"))
OWN, OTHER = two_logs()
ORIGIN = OWN.directory.origin
LARGE = 1 << 20


def refused(function, *arguments, **named):
    with pytest.raises(RefusedError) as caught:
        function(*arguments, **named)
    return caught.value.code


# --- the file ------------------------------------------------------------------------------------


def test_a_file_reads_back_as_it_was_built_and_is_of_one_registry():
    file = carriage.CarriageFile.model_validate_json(json.dumps(GOOD["carriage"]))
    data = carriage.build_carriage(file.origin, messages=file.messages, answers=file.answers, log=file.log)
    assert data == form_bytes(file)
    assert carriage.read_carriage(data, file.origin, LARGE) == file
    assert refused(carriage.read_carriage, data, "example.org/other", LARGE) == "wrong-origin"
    assert refused(carriage.read_carriage, data, file.origin, len(data) - 1) == "too-large"
    assert refused(carriage.read_carriage, data + b"\n", file.origin, LARGE) == "not-canonical"
    assert refused(carriage.read_carriage, data[:-1], file.origin, LARGE) == "bad-json"
    assert (
        refused(carriage.read_carriage, data.replace(b'"v":1}', b'"v":2}'), file.origin, LARGE)
        == "newer-form"
    )


def test_an_empty_file_is_not_built():
    with pytest.raises(ValueError, match="nothing in it"):
        carriage.build_carriage(ORIGIN)


# --- what may leave ------------------------------------------------------------------------------

NOW = world.NOW
LATER = NOW + timedelta(hours=1)


def sealed(release_at=None, **changes):
    """To an office and, if a time is given, to another one from then on."""
    to = [replace(one, sequence=None) if changes else one for one in world.to_sudan()]
    if release_at is not None:
        key = world.sealing_key("eg.technical").public
        to.append(Addressee("eg.technical", key, "action", None, release_at, "sd.duty"))
    return world.seal(world.draft(**changes), to).envelope


@pytest.fixture(scope="module")
def escalating():
    return sealed(release_at=LATER)


def test_each_addressee_gets_its_own_slots_in_the_same_envelope(escalating):
    for contact in ("sd.duty", "eg.technical"):
        part = carriage.part_for(escalating, contact, LATER)
        assert {slot.header.contact for slot in part.recipients} == {contact}
        assert set(part.recipients) < set(escalating.recipients)
        assert (part.protected, part.iv, part.ciphertext, part.tag) == (
            escalating.protected, escalating.iv, escalating.ciphertext, escalating.tag,
        )  # fmt: skip


@pytest.mark.parametrize("contact", ["jo.technical", "om.technical", "sd", ""])
def test_nobody_else_gets_one(escalating, contact):
    assert refused(carriage.part_for, escalating, contact, LATER, early=True) == "not-an-addressee"


def test_a_held_slot_leaves_at_its_time_or_when_its_sender_says_so(escalating):
    just_before = LATER - timedelta(seconds=1)
    carriage.part_for(escalating, "sd.duty", NOW)
    assert refused(carriage.part_for, escalating, "eg.technical", just_before) == "held-for-later"
    carriage.part_for(escalating, "eg.technical", just_before, early=True)
    carriage.part_for(escalating, "eg.technical", LATER)


def test_a_held_message_leaves_at_its_time_and_never_before():
    held = sealed(not_before=LATER)
    just_before = LATER - timedelta(seconds=1)
    for early in (False, True):
        assert refused(carriage.part_for, held, "sd.duty", just_before, early=early) == "held-for-later"
        carriage.part_for(held, "sd.duty", LATER, early=early)


# --- where entries lead --------------------------------------------------------------------------


def known(size=KNOWN):
    leaves = OWN.leaves[:size]
    ranges = [CompactRange()]
    for leaf in leaves:
        ranges.append(ranges[-1].append(leaf_hash(leaf)))
    directory = apply_all(None, [read_entry(leaf) for leaf in leaves])
    return directory, lambda at: ranges[at].root() if 0 < at < len(ranges) else None


def lead(data, size=KNOWN):
    log = carriage.read_carriage(data, ORIGIN, LARGE).log
    assert log is not None
    return carriage.new_leaves(
        log.first, [unb64u(entry) for entry in log.entries], log.checkpoint.encode(), *known(size)
    )


def test_the_vectors_are_those_the_code_makes():
    assert PATH.read_text("utf-8") == text()


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vectors(case):
    data = case["file"].encode()
    if case["expect"] != "ok":
        assert refused(lead, data) == case["expect"]
        return
    assert list(lead(data)) == OWN.leaves[KNOWN : KNOWN + case["new"]]


@pytest.mark.parametrize("size", range(3, 7))
@pytest.mark.parametrize("first", range(7))
def test_from_every_size_a_file_brings_just_what_is_new_or_names_the_gap(first, size):
    data = log_file(OWN, first)
    if first > size:
        assert refused(lead, data, size) == "log-gap"
    else:
        assert list(lead(data, size)) == OWN.leaves[size:]


def test_a_size_that_no_root_is_kept_of_is_judged_by_its_signature_alone():
    directory, _ = known()
    log = carriage.read_carriage(log_file(OTHER, 0, 2), ORIGIN, LARGE).log
    assert log is not None
    leaves = [unb64u(entry) for entry in log.entries]
    assert carriage.new_leaves(0, leaves, log.checkpoint.encode(), directory, lambda _: None) == ()
