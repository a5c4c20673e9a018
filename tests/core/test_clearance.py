"""Drafts: hashed as the message they become, sealed to their devices only, confirmed by what is typed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from poc.core.clearance import (
    Addressed,
    addressed_of,
    check_in_time,
    check_typed_actual,
    check_typed_code,
    code_of,
    draft_sha256_of,
    edited,
    is_sealed,
    new_draft,
    open_draft,
    read_draft,
    seal_draft,
    short_name,
    with_preparation,
)
from poc.core.draft import content_sha256
from poc.core.draft_form import DraftContent, DraftForm, Hand
from poc.core.form import form_bytes, form_of, form_value
from poc.core.lifecycle import DRAFT, advance
from poc.core.message import SlotUse
from poc.core.strictjson import canonical
from poc.errors import RefusedError
from tests import message_world as world
from tests import registry as made
from tests.vectors import make_draft

CASES = json.loads(make_draft.PATH.read_bytes())["cases"]
KEY = made.sealing_key(make_draft.LABEL)
ID = "01936f00-0000-7000-8000-000000000001"
HAND = Hand(officer="07", kid="A" * 43, at=world.NOW)
ADDRESSED = Addressed(world.draft(), ("sd.duty",), ("eg.technical",))


def drawn_up(addressed: Addressed = ADDRESSED) -> DraftForm:
    return new_draft(addressed, origin=world.ORIGIN, id=ID, contact="jo.technical", hand=HAND)


def code(function: Any, *arguments: Any, **named: Any) -> str:
    try:
        function(*arguments, **named)
    except RefusedError as error:
        return error.code
    return "ok"


def opened(data: bytes) -> DraftForm:
    return open_draft(data, {KEY.kid: KEY}) if is_sealed(data) else read_draft(data)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_frozen_draft_opens_or_is_refused_with_its_code(case: dict[str, Any]) -> None:
    data = case["file"].encode()
    assert code(opened, data) == case["expect"]
    if case["expect"] == "ok":
        form = opened(data)
        assert (draft_sha256_of(form), code_of(form)) == (case["content_sha256"], case["text_code"])


def test_the_frozen_cases_are_those_of_the_maker() -> None:
    told = [(case["name"], case["expect"], case.get("content_sha256")) for case in CASES]
    assert [(c["name"], c["expect"], c.get("content_sha256")) for c in make_draft.cases()] == told
    assert sum(case["expect"] != "ok" for case in CASES) > 10


# --- content and editions -----------------------------------------------------------------------


def test_a_draft_gives_back_what_its_author_chose() -> None:
    reached: tuple[tuple[str, SlotUse], ...] = (("eg.technical", "information"), ("sd.duty", "action"))
    assert addressed_of(drawn_up()) == replace(ADDRESSED, reached=reached)


def test_the_hash_of_a_draft_is_that_of_the_message_it_becomes() -> None:
    sealed = world.seal(id=ID)
    addressed = Addressed(world.draft(), ("sd.duty",), ())
    assert draft_sha256_of(drawn_up(addressed)) == content_sha256(sealed.message)


def test_everyone_it_may_reach_is_in_the_content_and_only_those_named_are_the_authors() -> None:
    reached: tuple[tuple[str, SlotUse], ...] = (("sd.duty", "action"), ("sd.technical", "action"))
    form = drawn_up(Addressed(world.draft(), ("sd.technical",), (), escalate=True, reached=reached))
    assert [recipient.contact for recipient in form.content.to] == ["sd.duty", "sd.technical"]
    found = addressed_of(form)
    assert (found.to, found.information, found.escalate, found.reached) == (
        ("sd.technical",),
        (),
        True,
        reached,
    )


def test_a_contact_named_for_both_uses_is_for_action() -> None:
    both = Addressed(world.draft(), ("sd.duty",), ("sd.duty",))
    assert [(r.contact, r.use) for r in drawn_up(both).content.to] == [("sd.duty", "action")]


def test_an_edit_is_the_next_edition_and_has_no_preparation() -> None:
    before = with_preparation(drawn_up(), "e30.e30.AAAA", HAND)
    after = edited(before, Addressed(world.draft(subject="EXERCISE another"), ("sd.duty",), ()), HAND)
    assert (after.edition, after.prepared, after.cleared) == (2, None, None)
    assert after.content.id == before.content.id
    assert code_of(after) != code_of(before)


def test_an_edit_back_to_the_same_words_has_no_preparation_either() -> None:
    before = with_preparation(drawn_up(), "e30.e30.AAAA", HAND)
    after = edited(before, ADDRESSED, HAND)
    assert code_of(after) == code_of(before)
    assert (after.edition, after.prepared) == (2, None)


CHANGES: dict[str, Any] = {
    "origin": "example.org/other",
    "id": "01936f00-0000-7000-8000-000000000002",
    "from": {"contact": "jo.diplomatic", "kid": None},
    "to": [{"contact": "sd.duty", "as": "information"}, {"contact": "sd.technical", "as": "information"}],
    "status": {"status": "test", "exercise": None},
    "exercise": "cbm-2026-12",
    "kind": "update",
    "precedence": "flash",
    "tlp": "TLP:RED",
    "handling": "eyes only",
    "thread": ID,
    "in_reply_to": ID,
    "our_reference": "JO/2",
    "your_reference": "SD/1",
    "subject": "another",
    "body": {"template": None, "fields": {"sector": "water"}, "texts": []},
    "attachments": [],
    "not_before": "2026-11-24T09:00:00Z",
    "respond_by": {"respond_by": "2026-11-24T10:00:00Z", "respond_within_s": None},
    "respond_within_s": 601,
    "expires_at": "2026-11-26T08:00:00Z",
}
FIXED = {"v", "attribution", "head", "commit", "sent_at", "officer", "prepared"}


def changed(value: dict[str, Any], member: str) -> dict[str, Any]:
    """The content with this member changed, and what must change with it."""
    change = CHANGES[member]
    if member in ("status", "respond_by"):
        return {**value, **change}
    return {**value, member: change}


def test_every_member_of_the_content_is_fixed_or_changed_here() -> None:
    members = {field.alias or name for name, field in DraftContent.model_fields.items()}
    assert members == FIXED | set(CHANGES)


@pytest.mark.parametrize("member", CHANGES)
def test_a_change_of_any_member_makes_another_code(member: str) -> None:
    value = make_draft.value()
    content = changed(value["content"], member)
    form = form_of(DraftContent, content)
    origin = content["origin"]
    data = [] if member == "attachments" else value["data"]
    other = form_of(DraftForm, {**value, "origin": origin, "content": form_value(form), "data": data})
    assert code_of(other) != code_of(form_of(DraftForm, value))


@pytest.mark.parametrize("member", sorted(FIXED - {"v", "attribution"}))
def test_what_releasing_fills_in_is_null_in_a_draft(member: str) -> None:
    value = make_draft.value()
    value["content"][member] = "2026-11-24T08:00:00Z"
    assert code(read_draft, canonical(value)) == "bad-form"


# --- times --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("respond", "expires", "expected"),
    [
        (None, 1, "ok"),
        (None, 0, "draft-expired"),
        (1, 2, "ok"),
        (0, 2, "draft-expired"),
        (-1, -1, "draft-expired"),
    ],
)
def test_a_draft_whose_times_have_passed_goes_no_further(
    respond: int | None, expires: int, expected: str
) -> None:
    times = {"expires_at": world.NOW + timedelta(seconds=expires)}
    if respond is not None:
        times["respond_by"] = world.NOW + timedelta(seconds=respond)
    form = drawn_up(Addressed(world.draft(**times), ("sd.duty",), ()))
    assert code(check_in_time, form, world.NOW) == expected


# --- confirming ---------------------------------------------------------------------------------


def arabic(text: str) -> str:
    return text.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (lambda c: c, "ok"),
        (lambda c: c[:4], "ok"),
        (lambda c: f" {c[:4].upper()} {c[4:]} ", "ok"),
        (arabic, "ok"),
        (lambda c: c[:3], "wrong-text-code"),
        (lambda c: c[4:], "wrong-text-code"),
        (lambda c: c + "0", "wrong-text-code"),
        (lambda _: "", "wrong-text-code"),
        (lambda _: "    ", "wrong-text-code"),
        (lambda c: f"{int(c, 16) ^ 0x10000:08x}", "wrong-text-code"),
        (lambda c: c[:3] + "é", "wrong-text-code"),
    ],
)
def test_the_text_code_is_typed_by_at_least_four_characters_from_its_beginning(
    typed: Any, expected: str
) -> None:
    form = drawn_up()
    assert code(check_typed_code, typed(code_of(form)), form) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ACTUAL arab-cbm", "ok"),
        ("arab-cbm actual", "ok"),
        ("فعلية arab-cbm", "ok"),
        ("Réel  ARAB-CBM", "ok"),
        ("", "actual-not-confirmed"),
        ("y", "actual-not-confirmed"),
        ("ACTUAL", "actual-not-confirmed"),
        ("arab-cbm", "actual-not-confirmed"),
        ("EXERCISE arab-cbm", "actual-not-confirmed"),
        ("ACTUAL other-cbm", "actual-not-confirmed"),
        ("ACTUAL arab-cbm now", "actual-not-confirmed"),
        ("ACTUAL example.org/arab-cbm", "actual-not-confirmed"),
    ],
)
def test_an_actual_message_takes_two_words_in_any_language_here(typed: str, expected: str) -> None:
    assert code(check_typed_actual, typed, "example.org/arab-cbm") == expected


def test_the_short_name_of_a_registry_is_the_end_of_its_origin() -> None:
    assert (short_name("example.org/a/arab-cbm"), short_name("example.org")) == ("arab-cbm", "example.org")


# --- sealing ------------------------------------------------------------------------------------


def test_a_sealed_draft_opens_for_every_device_it_is_sealed_to_and_shows_nothing() -> None:
    form = drawn_up()
    keys = [made.sealing_key(f"jo.technical {number}") for number in (1, 2, 3)]
    data = seal_draft(form, [key.public for key in keys], cek=bytes(range(32)), iv=bytes(12))
    for key in keys:
        assert open_draft(data, {key.kid: key}) == form
    assert b"link lost" not in data
    assert ID.encode() not in data
    stranger = made.sealing_key("jo.technical 4")
    assert code(open_draft, data, {stranger.kid: stranger}) == "no-slot-for-key"


def test_two_drafts_of_other_lengths_are_sealed_to_the_same_length() -> None:
    keys = [KEY.public]
    short, longer = (
        seal_draft(
            drawn_up(Addressed(world.draft(subject=subject), ("sd.duty",), ())),
            keys,
            cek=bytes(32),
            iv=bytes(12),
        )
        for subject in ("EXERCISE", "EXERCISE " + "x" * 150)
    )
    assert len(short) == len(longer)


def test_a_draft_writes_the_bytes_it_was_read_from() -> None:
    form = drawn_up()
    assert read_draft(form_bytes(form)) == form


# --- the table ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "state"),
    [
        (("submitted", "prepared", "released"), "released"),
        (("submitted", "prepared", "edited"), "draft"),
        (("submitted", "edited", "submitted"), "in-clearance"),
        (("edited", "discarded"), "discarded"),
    ],
)
def test_a_draft_goes_its_way(events: tuple[str, ...], state: str) -> None:
    found = "draft"
    for event in events:
        found = advance(DRAFT, found, event)
    assert found == state


@pytest.mark.parametrize("state", ["draft", "in-clearance", "released", "discarded"])
def test_only_a_cleared_draft_is_released(state: str) -> None:
    assert code(advance, DRAFT, state, "released") == "not-in-this-state"


@pytest.mark.parametrize("event", ["edited", "submitted", "prepared", "released", "discarded"])
@pytest.mark.parametrize("state", ["released", "discarded"])
def test_nothing_happens_to_a_draft_that_is_over(state: str, event: str) -> None:
    assert code(advance, DRAFT, state, event) == "not-in-this-state"
