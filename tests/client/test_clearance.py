"""Two devices behind a message: what is prepared is what goes out, at one home or between two buildings."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from poc.client.known import Known
from poc.client.trust import Trust
from poc.client.view import message_view
from poc.core.clearance import Addressed, draft_sha256_of, open_draft, with_preparation
from poc.core.draft import AttachmentBytes, prepare, text_code
from poc.core.draft_form import DraftContent, DraftForm, Hand
from poc.core.form import form_bytes, form_of, form_value
from poc.core.strictjson import canonical, format_time
from poc.errors import RefusedError
from poc.limits import BLOB_BYTES_MAX
from tests import clearance_world as world
from tests import registry as made
from tests.clearance_world import ADDRESSEE, OFFICE, OTHER, Clock, addressed, desk_of

WORDS = "ACTUAL test-cbm"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def desk(tmp_path, clock):
    """Makes the desk of a device by its label."""
    async with AsyncExitStack() as stack:

        def opened(label):
            made_up = desk_of(tmp_path, label, clock)
            stack.push_async_callback(made_up.close)
            return made_up

        yield opened


@pytest.fixture
def office(desk, clock, tmp_path):
    """Device 1, which draws up and releases, and device 2, which prepares; each at its own home."""
    first, second = (desk(f"{OFFICE} {number}") for number in (1, 2))
    return SimpleNamespace(first=first, second=second, clock=clock, folder=tmp_path)


async def submitted(office, **changes):
    kept = await office.first.new_draft(addressed(office.clock, **changes), officer="07")
    return await office.first.submit_draft(kept.id)


async def prepared(office, kept=None, **changes):
    """A draft of device 1 with the preparation of device 2, carried as files both ways."""
    kept = kept or await submitted(office, **changes)
    taken = await office.second.take_draft(office.first.export_draft(kept))
    cleared = await office.second.prepare_draft(taken.id, taken.code, officer="12")
    assert cleared.form.prepared is not None
    return await office.first.add_preparation(kept.id, cleared.form.prepared)


async def code_of(awaited) -> str:
    try:
        found = await awaited
    except RefusedError as error:
        return error.code
    return "ok" if found is None or not hasattr(found, "state") else found.state


def signed(desk, content, **changes):
    """A preparation by this desk's device, whatever it is of."""
    device = desk.known.own_device()
    members = {
        "origin": desk.known.directory.origin, "contact": desk.party,
        "key": desk.known.keys.signing(device.kid), "head": desk.known.head, "at": desk.known.now(),
    }  # fmt: skip
    return prepare(content, **{**members, **changes})


def put(desk, form, state="cleared"):
    """Write a draft into a home as its owner's disk could be made to hold it."""
    desk._keep_draft(form, state)


# --- the way it goes ----------------------------------------------------------------------------


async def test_prepared_in_another_building_and_released_where_it_was_drawn_up(office):
    kept = await prepared(office)
    assert kept.state == "cleared"
    sent = await office.first.release_draft(kept.id, kept.code[:4], officer="09")
    assert (sent.id, sent.state) == (kept.id, "waiting")
    opened = office.first.show(kept.id)
    assert opened.preparation is not None
    assert opened.preparation.kid == made.signing_key(f"{OFFICE} 2").kid
    assert opened.message.officer == "09"
    assert opened.attachments == (world.FILE,)
    assert message_view(office.first.known, opened)["text_code"] == kept.code
    assert office.first.draft(kept.id).state == "released"


async def test_prepared_where_it_was_drawn_up_and_released_in_another_building(office):
    kept = await submitted(office)
    cleared = await office.first.prepare_draft(kept.id, kept.code)
    taken = await office.second.take_draft(office.first.export_draft(cleared))
    assert taken.state == "cleared"
    sent = await office.second.release_draft(taken.id, taken.code)
    opened = office.second.show(sent.id)
    assert opened.message.sender.kid == made.signing_key(f"{OFFICE} 2").kid
    assert opened.preparation.kid == made.signing_key(f"{OFFICE} 1").kid


async def test_an_actual_message_goes_out_prepared_and_confirmed_by_its_words(office):
    kept = await prepared(office, status="actual")
    sent = await office.first.release_draft(kept.id, kept.code, typed_actual=WORDS)
    opened = office.first.show(sent.id)
    assert (opened.message.status, sent.state) == ("actual", "waiting")
    assert text_code(opened.preparation.content_sha256) == kept.code


async def test_an_actual_message_on_a_stale_log_takes_a_reason(office):
    times = {"respond_by": office.clock.now + timedelta(days=8)}
    kept = await prepared(office, status="actual", expires_at=office.clock.now + timedelta(days=9), **times)
    office.clock.later(days=3)
    confirmed: dict[str, Any] = {"typed": kept.code, "typed_actual": WORDS}
    assert await code_of(office.first.release_draft(kept.id, **confirmed)) == "head-stale"
    assert office.first.draft(kept.id).state == "cleared"
    assert (
        await code_of(office.first.release_draft(kept.id, **confirmed, stale_reason="no line")) == "waiting"
    )


async def test_the_addressees_devices_may_change_between_preparation_and_release(office):
    kept = await prepared(office)
    registry = world.fork_of()
    body = {"entry": registry.newest(ADDRESSEE).leaf_hash, "device": made.device(f"{ADDRESSEE} 2", 2)}
    registry.submit("contact.device-add", ADDRESSEE, body, "sd authority", f"{ADDRESSEE} 2")
    grow(office.first, registry)
    key = made.sealing_key(f"{ADDRESSEE} 2").public
    office.first.known.trust.put_sealing_key(key.kid, canonical(key.jwk()))
    assert await code_of(office.first.release_draft(kept.id, kept.code)) == "waiting"
    to = {recipient.kid for recipient in office.first.show(kept.id).message.to}
    assert key.kid in to


ALTERNATE = "sd.technical-2"


@pytest.fixture
def stands_in(office):
    """The registry with an alternate of the addressee, known at both homes."""
    registry = world.fork_of()
    registry.nominate(ALTERNATE, alternate_of=ADDRESSEE)
    key = made.sealing_key(f"{ALTERNATE} 1").public
    for home in (office.first, office.second):
        grow(home, registry)
        home.known.trust.put_sealing_key(key.kid, canonical(key.jwk()))
    return registry


def slots_of(desk, name):
    (row,) = desk.known.trust.outbox(kind="message")
    assert row.ref == name
    headers = (slot["header"] for slot in json.loads(row.body)["recipients"])
    return {header["contact"]: header for header in headers}


async def test_whoever_stands_in_is_prepared_for_and_held_at_the_release(office, stands_in):
    kept = await prepared(office)
    assert {recipient.contact for recipient in kept.form.content.to} == {ADDRESSEE, ALTERNATE}
    assert kept.form.chosen.to == (ADDRESSEE,)
    assert await code_of(office.first.release_draft(kept.id, kept.code)) == "waiting"
    held = slots_of(office.first, kept.id)[ALTERNATE]
    assert held["in_place_of"] == ADDRESSEE
    assert held["release_at"] == format_time(kept.form.content.respond_by)


async def test_whoever_began_to_stand_in_after_the_preparation_gets_nothing(office):
    kept = await prepared(office)
    registry = world.fork_of()
    registry.nominate(ALTERNATE, alternate_of=ADDRESSEE)
    grow(office.first, registry)
    assert await code_of(office.first.release_draft(kept.id, kept.code)) == "waiting"
    assert set(slots_of(office.first, kept.id)) == {OFFICE, ADDRESSEE}


async def test_whoever_was_prepared_for_and_stands_in_no_more_gets_it_at_once(office, stands_in):
    kept = await prepared(office)
    record = office.first.known.directory.contacts[ALTERNATE]
    contacts = {**office.first.known.directory.contacts, ALTERNATE: replace(record, alternate_of=None)}
    office.first.known.directory = replace(office.first.known.directory, contacts=MappingProxyType(contacts))
    office.first.known._effective = None
    assert await code_of(office.first.release_draft(kept.id, kept.code)) == "waiting"
    slot = slots_of(office.first, kept.id)[ALTERNATE]
    assert (slot["release_at"], slot["in_place_of"], slot["sequence"]) == (None, None, 1)


async def test_the_author_may_leave_out_whoever_stands_in(office, stands_in):
    chosen = replace(addressed(office.clock), escalate=False)
    kept = await office.first.new_draft(chosen)
    assert [recipient.contact for recipient in kept.form.content.to] == [ADDRESSEE]


def grow(desk, registry):
    """The desk follows the log to the registry's newest entry."""
    size = desk.known.directory.size
    desk.known.keep_head(registry.directory, registry.leaves[size:], registry.cosigned(*registry.seated))


# --- what voids a preparation -------------------------------------------------------------------


async def test_an_edit_takes_the_preparation_and_says_so(office):
    kept = await prepared(office)
    after = await office.first.edit_draft(kept.id, addressed(office.clock, subject="Another subject"))
    assert (after.voided, after.state, after.form.prepared) == (True, "draft", None)
    assert await code_of(office.first.release_draft(kept.id, after.code)) == "preparation-missing"
    await office.first.submit_draft(kept.id)
    assert await code_of(office.first.release_draft(kept.id, after.code)) == "preparation-missing"


async def test_the_preparation_of_the_text_before_an_edit_is_not_taken_again(office):
    kept = await prepared(office)
    await office.first.edit_draft(kept.id, addressed(office.clock, subject="Another subject"))
    await office.first.submit_draft(kept.id)
    old = kept.form.prepared
    assert await code_of(office.first.add_preparation(kept.id, old)) == "preparation-mismatch"


async def test_an_edit_back_to_the_same_words_is_prepared_anew_all_the_same(office):
    kept = await prepared(office)
    after = await office.first.edit_draft(kept.id, addressed(office.clock))
    assert (after.code, after.voided) == (kept.code, True)
    assert await code_of(office.first.release_draft(kept.id, after.code)) == "preparation-missing"


CHANGES: dict[str, dict[str, Any]] = {
    "id": {"id": "01936f00-0000-7000-8000-000000000001"},
    "to": {"to": [{"contact": ADDRESSEE, "as": "information"}]},
    "status": {"status": "actual"},
    "exercise": {"status": "exercise", "exercise": "cbm-2026-12"},
    "kind": {"kind": "update"},
    "precedence": {"precedence": "flash"},
    "tlp": {"tlp": "TLP:RED"},
    "handling": {"handling": "eyes only"},
    "thread": {"thread": "01936f00-0000-7000-8000-000000000001"},
    "in_reply_to": {"in_reply_to": "01936f00-0000-7000-8000-000000000001"},
    "our_reference": {"our_reference": "JO/2"},
    "your_reference": {"your_reference": "SD/1"},
    "subject": {"subject": "a seeded subject"},
    "body": {"body": {"template": None, "fields": {}, "texts": []}},
    "attachments": {"attachments": []},
    "not_before": {"not_before": format_time(world.REGISTRY.now + timedelta(hours=1))},
    "respond_by": {"respond_by": format_time(world.REGISTRY.now + timedelta(hours=2))},
    "respond_within_s": {"respond_within_s": 60, "respond_by": None},
    "expires_at": {"expires_at": format_time(world.REGISTRY.now + timedelta(days=2))},
}
# Null or the same in every draft of this office, or refused as of another registry or office.
NOT_CHANGED = {
    "v", "origin", "from", "attribution", "head", "commit", "sent_at", "officer", "prepared",
}  # fmt: skip


def test_every_member_of_a_draft_is_among_the_changes():
    members = {field.alias or name for name, field in DraftContent.model_fields.items()}
    assert members == NOT_CHANGED | set(CHANGES)


@pytest.mark.parametrize("member", CHANGES)
async def test_a_change_of_any_member_after_the_preparation_is_refused(office, member):
    kept = await prepared(office)
    value = form_value(kept.form)
    value["content"] |= CHANGES[member]
    value["data"] = [] if member == "attachments" else value["data"]
    form = form_of(DraftForm, value)
    put(office.first, form)
    name, code = form.content.id, text_code(draft_sha256_of(form))
    confirmed = WORDS if form.content.status == "actual" else None
    release = office.first.release_draft(name, code, typed_actual=confirmed)
    assert await code_of(release) == "preparation-mismatch"
    assert office.first.known.trust.outbox() == []
    taken = office.second.take_draft(office.first.export_draft(office.first.draft(name)))
    assert await code_of(taken) == "preparation-mismatch"


# --- who may prepare ----------------------------------------------------------------------------


async def test_the_device_that_prepared_it_does_not_release_it(office):
    kept = await submitted(office)
    await office.first.prepare_draft(kept.id, kept.code)
    assert await code_of(office.first.release_draft(kept.id, kept.code)) == "preparation-mismatch"
    assert office.first.known.trust.outbox() == []


async def test_the_second_device_does_not_release_what_it_prepared_itself(office):
    kept = await submitted(office)
    taken = await office.second.take_draft(office.first.export_draft(kept))
    await office.second.prepare_draft(taken.id, taken.code)
    assert await code_of(office.second.release_draft(taken.id, taken.code)) == "preparation-mismatch"


async def test_a_device_of_another_contact_does_not_prepare(office, desk):
    other = desk(f"{OTHER} 1")
    kept = await submitted(office)
    content = draft_sha256_of(kept.form)
    assert await code_of(other.take_draft(office.first.export_draft(kept))) == "no-slot-for-key"
    assert await code_of(other.take_draft(office.first.export_draft(kept, plain=True))) == "wrong-party"
    for contact in (OTHER, OFFICE):
        forged = signed(other, content, contact=contact)
        assert await code_of(office.first.add_preparation(kept.id, forged)) == "unknown-key"
    assert office.first.draft(kept.id).state == "in-clearance"


@pytest.mark.parametrize("number", [3, 4])
async def test_a_device_without_send_does_not_prepare(office, desk, number):
    responder = desk(f"{OFFICE} {number}")
    kept = await submitted(office)
    assert await code_of(responder.take_draft(office.first.export_draft(kept))) == "no-slot-for-key"
    taken = await responder.take_draft(office.first.export_draft(kept, plain=True))
    assert await code_of(responder.prepare_draft(taken.id, taken.code)) == "no-device"
    forged = signed(responder, draft_sha256_of(kept.form))
    assert await code_of(office.first.add_preparation(kept.id, forged)) == "right-missing"


@pytest.mark.parametrize(("reason", "code"), [("routine", "key-ended"), ("compromise", "key-compromised")])
async def test_a_preparer_revoked_before_the_release_does_not_count(office, reason, code):
    kept = await prepared(office)
    registry = world.fork_of()
    body = {"kid": made.signing_key(f"{OFFICE} 2").kid, "reason": reason, "suspected_since": None}
    registry.submit("contact.device-revoke", OFFICE, body, "jo authority")
    grow(office.first, registry)
    assert await code_of(office.first.release_draft(kept.id, kept.code)) == code
    assert office.first.known.trust.outbox() == []


async def test_a_revocation_that_the_log_lacks_counts_here_too(office):
    kept = await prepared(office)
    registry = world.fork_of()
    body = {"kid": made.signing_key(f"{OFFICE} 2").kid, "reason": "lost", "suspected_since": None}
    payload = registry.payload("contact.device-revoke", OFFICE, body)
    office.first.known.keep_notice(made.signed(payload, "jo authority"))
    assert await code_of(office.first.release_draft(kept.id, kept.code)) in ("key-ended", "key-compromised")


async def test_a_frozen_office_neither_prepares_nor_releases(office):
    kept = await prepared(office)
    registry = world.fork_of()
    standing = registry.directory.contacts[OFFICE].standing.leaf_hash
    registry.submit("contact.freeze", OFFICE, {"entry": standing}, f"{OTHER} 1")
    grow(office.first, registry)
    grow(office.second, registry)
    assert await code_of(office.first.release_draft(kept.id, kept.code)) == "contact-frozen"
    assert await code_of(office.second.prepare_draft(kept.id, kept.code)) == "contact-frozen"


# --- what is typed ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "typed", "words", "code"),
    [
        ("test", "", None, "wrong-text-code"),
        ("test", "00000000", None, "wrong-text-code"),
        ("test", None, WORDS, "actual-not-confirmed"),
        ("actual", None, None, "actual-not-confirmed"),
        ("actual", None, "", "actual-not-confirmed"),
        ("actual", None, "y", "actual-not-confirmed"),
        ("actual", "0000", WORDS, "wrong-text-code"),
    ],
)
async def test_nothing_goes_out_on_what_was_typed_wrong(office, status, typed, words, code):
    kept = await prepared(office, status=status)
    given = kept.code if typed is None else typed
    assert await code_of(office.first.release_draft(kept.id, given, typed_actual=words)) == code
    assert office.first.known.trust.outbox() == []
    assert office.first.draft(kept.id).state == "cleared"


async def test_a_preparation_takes_the_code_too(office):
    kept = await submitted(office)
    assert await code_of(office.first.prepare_draft(kept.id, "0000")) == "wrong-text-code"
    assert office.first.draft(kept.id).form.prepared is None


# --- states, times, files -----------------------------------------------------------------------


async def test_a_draft_is_prepared_only_once_it_was_submitted(office):
    kept = await office.first.new_draft(addressed(office.clock))
    assert await code_of(office.first.prepare_draft(kept.id, kept.code)) == "not-in-this-state"
    assert await code_of(office.first.release_draft(kept.id, kept.code)) == "preparation-missing"


async def test_a_draft_is_released_once(office):
    kept = await prepared(office)
    await office.first.release_draft(kept.id, kept.code)
    for again in (
        office.first.release_draft(kept.id, kept.code),
        office.first.edit_draft(kept.id, addressed(office.clock)),
        office.first.submit_draft(kept.id),
        office.first.discard_draft(kept.id),
        office.first.take_draft(office.first.export_draft(kept)),
    ):
        assert await code_of(again) == "not-in-this-state"
    assert len(office.first.known.trust.outbox()) == 1


async def test_a_discarded_draft_is_gone_and_does_not_come_back_by_its_file(office):
    kept = await submitted(office)
    file = office.first.export_draft(kept)
    await office.first.discard_draft(kept.id)
    (row,) = office.first.drafts()
    assert (row.id, row.state, row.sealed) == (kept.id, "discarded", b"")
    assert await code_of(office.first.take_draft(file)) == "not-in-this-state"
    with pytest.raises(RefusedError, match="not-in-this-state"):
        office.first.draft(kept.id)


@pytest.mark.parametrize("step", ["submit", "prepare", "release"])
async def test_a_draft_whose_time_has_passed_goes_no_further_until_it_is_edited(office, step):
    kept = await prepared(office)
    office.clock.later(days=2)
    steps = {
        "submit": lambda: office.first.submit_draft(kept.id),
        "prepare": lambda: office.first.prepare_draft(kept.id, kept.code),
        "release": lambda: office.first.release_draft(kept.id, kept.code),
    }
    assert await code_of(steps[step]()) == "draft-expired"
    after = await office.first.edit_draft(kept.id, addressed(office.clock))
    assert after.code != kept.code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"expires_at": world.REGISTRY.now}, "bad-times"),
        ({"expires_at": world.REGISTRY.now + timedelta(days=31)}, "expires-too-late"),
        ({"subject": "Not a drill"}, "real-world-wording"),
        (
            {"attachments": (AttachmentBytes("a", "text/plain", bytes(BLOB_BYTES_MAX)),)},
            "attachments-too-large",
        ),
        ({"subject": "x" * 201}, "bad-form"),
    ],
)
async def test_what_could_not_be_sent_is_refused_while_it_is_drawn_up(office, changes, code):
    assert await code_of(office.first.new_draft(addressed(office.clock, **changes))) == code


async def test_an_older_edition_of_a_draft_does_not_replace_a_newer_one(office):
    kept = await submitted(office)
    old = office.first.export_draft(kept)
    await office.first.edit_draft(kept.id, addressed(office.clock, subject="Another subject"))
    newer = await office.first.submit_draft(kept.id)
    await office.second.take_draft(office.first.export_draft(newer))
    assert await code_of(office.second.take_draft(old)) == "draft-superseded"
    assert office.second.draft(kept.id).form == newer.form


async def test_two_editions_of_one_number_do_not_replace_each_other(office):
    kept = await submitted(office)
    await office.second.take_draft(office.first.export_draft(kept))
    for desk, subject in ((office.first, "One subject"), (office.second, "Another subject")):
        await desk.edit_draft(kept.id, addressed(office.clock, subject=subject))
    file = office.first.export_draft(office.first.draft(kept.id))
    assert await code_of(office.second.take_draft(file)) == "draft-superseded"


async def test_a_newer_edition_voids_what_the_second_device_prepared(office):
    kept = await prepared(office)
    await office.first.edit_draft(kept.id, addressed(office.clock, subject="Another subject"))
    newer = await office.first.submit_draft(kept.id)
    taken = await office.second.take_draft(office.first.export_draft(newer))
    assert (taken.voided, taken.state, taken.form.prepared) == (True, "in-clearance", None)


async def test_the_file_once_more_takes_nothing_from_a_draft(office):
    kept = await prepared(office)
    again = await office.first.take_draft(office.second.export_draft(office.second.draft(kept.id)))
    assert (again.state, again.form.prepared) == ("cleared", kept.form.prepared)
    bare = with_preparation(kept.form, kept.form.prepared, kept.form.drafted)
    unprepared = form_of(DraftForm, {**form_value(bare), "prepared": None, "cleared": None})
    again = await office.first.take_draft(form_bytes(unprepared))
    assert again.state == "cleared"


async def test_nothing_of_a_draft_lies_in_clear_at_home_or_in_its_file(office):
    kept = await prepared(office)
    file = office.first.export_draft(kept)
    stored = b"".join(path.read_bytes() for path in office.first.home.iterdir() if path.is_file())
    for secret in (world.SUBJECT, world.TEXT, world.FILE.decode().strip(), "note.txt", ADDRESSEE):
        assert secret.encode() not in file
        assert secret == ADDRESSEE or secret.encode() not in stored
    assert world.SUBJECT.encode() in office.first.export_draft(kept, plain=True)


async def test_a_discarded_draft_leaves_no_sealed_bytes_behind(office):
    kept = await submitted(office)
    sealed = office.first.known.trust.draft(kept.id).sealed
    await office.first.discard_draft(kept.id)
    office.first.known.trust._rows("PRAGMA wal_checkpoint(TRUNCATE)")
    assert sealed[-200:-100] not in (office.first.home / "trust.db").read_bytes()


async def test_a_file_altered_in_one_place_opens_nowhere(office):
    kept = await prepared(office)
    value = json.loads(office.first.export_draft(kept))
    for member in ("protected", "iv", "ciphertext", "tag"):
        text = value[member]
        middle = len(text) // 2
        other = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]
        refused = await code_of(office.second.take_draft(canonical({**value, member: other})))
        assert refused not in ("ok", "cleared", "in-clearance"), member


async def test_a_draft_of_another_registry_is_refused(office):
    kept = await submitted(office)
    value = form_value(kept.form)
    value["origin"] = value["content"]["origin"] = "example.org/other"
    data = form_bytes(form_of(DraftForm, value))
    assert await code_of(office.second.take_draft(data)) == "wrong-origin"


async def test_an_unknown_draft_is_named(office):
    for asked in (office.first.submit_draft("x"), office.first.discard_draft("x")):
        assert await code_of(asked) == "unknown-draft"


async def test_a_draft_opens_after_the_home_was_closed(office):
    kept = await prepared(office)
    known = Known(Trust(office.first.home / "trust.db"), OFFICE, office.clock)
    keys = world.keys_of(office.folder / "keys", f"{OFFICE} 1", office.clock.now)
    opening = {entry.kid: keys.sealing(entry.kid) for entry in keys.list() if entry.use == "seal"}
    assert open_draft(known.trust.draft(kept.id).sealed, opening) == kept.form


async def test_sheets_are_numbered_at_each_home(office):
    kept = await submitted(office)
    assert [office.first.number_sheet(kept) for _ in range(3)] == [1, 2, 3]
    assert office.second.number_sheet(kept) == 1


async def test_the_officers_who_drew_up_and_cleared_are_told_by_their_codes(office):
    kept = await submitted(office)
    taken = await office.second.take_draft(office.first.export_draft(kept))
    cleared = await office.second.prepare_draft(taken.id, taken.code, officer="12")
    assert isinstance(cleared.form.cleared, Hand)
    assert (cleared.form.drafted.officer, cleared.form.cleared.officer) == ("07", "12")


async def test_a_registry_without_actual_refuses_the_draft(office):
    settings = office.first.known.directory.settings.model_copy(update={"statuses": ("exercise", "test")})
    office.first.known.directory = replace(office.first.known.directory, settings=settings)
    office.first.known._effective = None
    assert (
        await code_of(office.first.new_draft(addressed(office.clock, status="actual")))
        == "status-not-admitted"
    )


def test_the_devices_that_could_prepare_are_told(office):
    assert office.first.may_prepare() == [2]
    assert Addressed(addressed(office.clock).draft, (), ("a", "b")).uses() == [
        ("a", "information"),
        ("b", "information"),
    ]
