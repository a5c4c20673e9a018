"""Notices: what a witness may hold, what contradicts it, when it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from poc.core.form import read_form
from poc.core.notices import (
    ConflictFile,
    NoticeList,
    check_notice,
    conflict_bytes,
    contradiction,
    has_ended,
    notice_bytes,
    notice_list,
    read_notice,
    read_notice_list,
    signing_state,
)
from poc.core.rules import apply_all
from poc.core.statement import payload_sha256
from poc.core.strictjson import canonical, parse
from poc.errors import RefusedError
from tests.notices_world import (
    WINDOW,
    ask_to_enrol,
    ask_to_recover,
    held,
    objection,
    pass_window,
    rotation,
    waiting_registry,
    withdrawal,
)
from tests.registry import ORIGIN, REGISTRARS, enrolment, jwk, signed


@pytest.fixture(params=["no witnesses in force", "three witnesses in force"])
def registry(request):
    return waiting_registry(witnessed=request.param.startswith("three"))


def code_of(call, *arguments):
    with pytest.raises(RefusedError) as caught:
        call(*arguments)
    return caught.value.code


def found(registry, since, *notices):
    """What contradicts the notices in the entries from ``since`` on: from there, and from the genesis."""
    before = apply_all(None, registry.entries[:since])
    here = contradiction(before, registry.leaves[since:], held(*notices))
    assert contradiction(None, registry.leaves, held(*notices)) == here
    return here


# --- what may be held ---


def test_a_notice_is_read_back_as_it_was_written(registry):
    notice = objection(registry, ask_to_enrol(registry), "jo authority", "bh")
    signed_again, statement = read_notice(notice_bytes(notice))
    assert signed_again == notice.merged(())
    assert (statement.type, signing_state(registry.directory, notice)) == ("state.object", "jo")


def test_only_a_brake_is_a_notice(registry):
    other = signed(registry.payload("state.enrol", "bh", enrolment("bh")), *REGISTRARS)
    assert code_of(read_notice, notice_bytes(other)) == "not-a-brake"
    assert code_of(read_notice, b"{}") == "bad-form"
    assert code_of(read_notice, b"x") == "bad-json"


def test_what_the_rules_refuse_is_not_held(registry):
    leaf = ask_to_enrol(registry)
    directory, now = registry.directory, registry.now
    for notice, code in (
        (objection(registry, "A" * 43, "jo authority", "bh"), "not-pending"),
        (objection(registry, leaf, "bh authority", "bh"), "signature-not-called-for"),
        (rotation(registry, "sd authority"), "signature-not-called-for"),
    ):
        assert code_of(check_notice, directory, notice, now) == code
    notice = objection(registry, leaf, "jo authority", "bh")
    check_notice(directory, notice, now)
    registry.log(notice)
    assert code_of(check_notice, registry.directory, notice, registry.now) == "already-logged"


def test_an_objection_is_not_held_any_more_once_the_window_passed_by_the_witnesss_clock(registry):
    notice = objection(registry, ask_to_enrol(registry), "jo authority", "bh")
    directory = registry.directory
    effective_at = directory.states["bh"].effective_at
    check_notice(directory, notice, effective_at - timedelta(seconds=1))
    code = "window-passed" if directory.quorum else "not-pending"
    assert code_of(check_notice, directory, notice, effective_at) == code


def test_a_brake_that_stops_nothing_is_held_at_any_time(registry):
    check_notice(registry.directory, withdrawal(registry), registry.now + timedelta(seconds=9 * WINDOW))


def test_signing_state_passes_over_keys_that_are_only_brought(registry):
    assert signing_state(registry.directory, rotation(registry)) == "jo"


# --- what contradicts one ---


def test_an_enrolment_in_force_against_an_objection_is_found(registry):
    leaf = ask_to_enrol(registry)
    since, notice = len(registry.entries), objection(registry, leaf, "jo authority", "bh")
    assert found(registry, since, notice) is None
    pass_window(registry)
    against = found(registry, since, notice)
    assert against.notice == notice_bytes(notice)
    assert against.payload_sha256 == payload_sha256(notice.payload)
    assert against.step == f"entry {since}: enrolment of bh ({leaf})"


@pytest.mark.parametrize("by", ["jo authority", "jo recovery"])
def test_a_recovery_in_force_against_an_objection_is_found(registry, by):
    leaf = ask_to_recover(registry)
    since, notice = len(registry.entries), objection(registry, leaf, by)
    pass_window(registry)
    assert found(registry, since, notice).step == f"entry {since}: recovery of jo ({leaf})"


def test_a_recovery_in_force_against_a_rotation_is_found(registry):
    ask_to_recover(registry)
    since, notice = len(registry.entries), rotation(registry)
    pass_window(registry)
    assert found(registry, since, notice) is not None


def test_a_recovery_whose_new_keys_sign_the_very_entry_that_makes_it_effective_is_found():
    registry = waiting_registry()
    leaf = ask_to_recover(registry)
    since, notice = len(registry.entries), objection(registry, leaf, "jo authority")
    registry.tick(WINDOW)
    body = {"authority": {"keys": [jwk("jo third")], "threshold": 1}, "recovery": jwk("jo recovery 2")}
    registry.submit("state.rotate", "jo", body, "jo new", "jo third")
    assert found(registry, since, notice) is not None


def test_a_notice_that_was_logged_is_not_contradicted(registry):
    leaf = ask_to_enrol(registry)
    since, notice = len(registry.entries), objection(registry, leaf, "jo authority", "bh")
    registry.log(notice)
    pass_window(registry)
    assert registry.directory.states["bh"].status == "stopped"
    assert found(registry, since, notice) is None


def test_a_notice_that_another_entry_made_inadmissible_binds_no_more(registry):
    leaf = ask_to_enrol(registry)
    since, notice = len(registry.entries), objection(registry, leaf, "sd authority", "bh")
    registry.log(withdrawal(registry, "sd"))
    pass_window(registry)
    assert registry.directory.states["bh"].status == "enrolled"
    assert found(registry, since, notice) is None


def test_an_objection_that_is_only_recorded_stops_nothing(registry):
    first = ask_to_enrol(registry)
    registry.log(objection(registry, first, "jo authority", "bh"))
    body = enrolment("bh", call_back={"at": registry.now.strftime("%Y-%m-%dT%H:%M:%SZ"), "source": "again"})
    again = registry.submit("state.enrol", "bh", body, *REGISTRARS, "bh authority").leaf_hash
    since, notice = len(registry.entries), objection(registry, again, "jo authority", "bh")
    check_notice(registry.directory, notice, registry.now)
    pass_window(registry)
    assert found(registry, since, notice) is None


def test_a_withdrawal_binds_no_witness(registry):
    ask_to_recover(registry)
    since, notice = len(registry.entries), withdrawal(registry)
    pass_window(registry)
    assert found(registry, since, notice) is None


def test_a_notice_about_another_step_is_not_contradicted(registry):
    other = objection(registry, ask_to_enrol(registry, "ae"), "jo authority", "ae")
    registry.log(other)
    notice = objection(registry, ask_to_enrol(registry), "jo authority", "bh")
    since = len(registry.entries)
    registry.log(notice)
    pass_window(registry)
    assert found(registry, since, other, notice) is None


def test_without_notices_nothing_is_contradicted(registry):
    since = len(registry.entries)
    ask_to_enrol(registry)
    pass_window(registry)
    assert found(registry, since) is None


# --- when one ends ---


def test_a_notice_ends_when_it_is_logged_or_would_not_be_admitted_any_more(registry):
    logged = objection(registry, ask_to_enrol(registry), "jo authority", "bh")
    late = objection(registry, ask_to_enrol(registry, "ae"), "sd authority", "ae")
    stays = withdrawal(registry)
    registry.tick(WINDOW * 2)
    assert has_ended(registry.directory, held(logged, late, stays)) == ()
    registry.now -= timedelta(seconds=WINDOW * 2)
    registry.log(logged)
    registry.log(withdrawal(registry, "sd"))
    ended = has_ended(registry.directory, held(logged, late, stays))
    assert ended == (payload_sha256(logged.payload), payload_sha256(late.payload))


def test_a_notice_issued_after_the_newest_entry_has_not_ended(registry):
    leaf = ask_to_enrol(registry)
    registry.tick(WINDOW - 60)
    notice = objection(registry, leaf, "jo authority", "bh")
    assert has_ended(registry.directory, held(notice)) == ()


# --- forms ---


def test_lists_and_files_are_forms(registry):
    notice = notice_bytes(objection(registry, ask_to_enrol(registry), "jo authority", "bh"))
    answer: Any = parse(notice_list(ORIGIN, 7, [notice]))
    assert [notice_bytes(signed) for signed in read_notice_list(answer, ORIGIN)] == [notice]
    for value, origin, code in (
        (answer, "example.org/other", "wrong-origin"),
        ({**answer, "notices": [1]}, ORIGIN, "bad-form"),
        ({**answer, "notices": [{**answer["notices"][0], "payload": "!"}]}, ORIGIN, "bad-base64"),
    ):
        with pytest.raises(RefusedError) as caught:
            read_notice_list(value, origin)
        assert caught.value.code == code
    listed = read_form(NoticeList, notice_list(ORIGIN, 7, [notice]))
    assert (listed.size, len(listed.notices)) == (7, 1)
    note = registry.checkpoint()
    for cosigned, contradicted in ((note, notice), (None, None)):
        data = conflict_bytes(ORIGIN, "two-roots", note, cosigned, contradicted, registry.now)
        read = read_form(ConflictFile, data)
        assert (read.shown, read.kept_at) == (note.decode(), registry.now)
        assert (read.cosigned is None, read.notice is None) == (cosigned is None, contradicted is None)
        assert canonical(read.model_dump(mode="json")) == data
