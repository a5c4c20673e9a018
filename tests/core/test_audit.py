"""The audit trail: whatever is done to a row, the first bad one is named; an anchor shows what was cut."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.audit import (
    Anchor,
    AuditEvent,
    AuditRow,
    chain,
    check_anchors,
    check_chain,
    make_anchor,
    read_anchor,
)
from poc.core.note import Signer, Verifier, sign_note
from poc.core.strictjson import b64u, canonical, domain_hash, parse, unb64u
from poc.errors import RefusedError
from tests.registry import ORIGIN, signing_key
from tests.vectors import make_audit

DOCUMENT: Any = json.loads(make_audit.PATH.read_bytes())
AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
SIGNER = Signer(f"{ORIGIN}/audit", signing_key("hub"))


def trail(count=6):
    rows: list[AuditRow] = []
    for n in range(count):
        event = AuditEvent(AT, "statement", "done", subject=f"s{n}")
        rows.append(chain(rows[-1] if rows else None, event))
    return rows


def broken(check, *given_):
    with pytest.raises(RefusedError) as caught:
        check(*given_)
    assert caught.value.code == "audit-broken"
    return caught.value.data["row"]


def forged(row, **members):
    """The row with other members inside and a hash that fits them."""
    value: Any = parse(row.record)
    record = canonical({**value, **members})
    return AuditRow(row.number, record, domain_hash("poc/1 audit", record))


def test_a_record_is_canonical_says_everything_and_follows_the_one_before():
    first, second = trail(2)
    assert parse(second.record) == {
        "v": 1,
        "number": 2,
        "previous": b64u(first.hash),
        "at": "2026-03-01T09:00:00Z",
        "action": "statement",
        "outcome": "done",
        "by": None,
        "kid": None,
        "subject": "s1",
        "count": None,
    }
    value: Any = parse(first.record)
    assert value["previous"] == b64u(bytes(32))
    assert second.record == canonical(parse(second.record))


def test_a_whole_trail_gives_its_newest_row():
    assert check_chain([]) is None
    rows = trail()
    assert check_chain(rows) == rows[-1]


@given(st.integers(0, 5), st.data())
def test_any_byte_changed_in_any_row_names_that_row(index, data):
    rows = trail()
    row = rows[index]
    place = data.draw(st.integers(0, len(row.record) - 1))
    changed = bytearray(row.record)
    changed[place] ^= data.draw(st.integers(1, 255))
    rows[index] = replace(row, record=bytes(changed))
    assert broken(check_chain, rows) == index + 1


@given(st.integers(0, 4))
def test_any_row_deleted_but_the_last_is_named(index):
    rows = trail()
    del rows[index]
    assert broken(check_chain, rows) == index + 1


@given(st.integers(0, 5), st.integers(0, 5))
def test_any_two_rows_in_each_others_place_are_found_at_the_first(one, other):
    rows = trail()
    if one == other:
        return
    rows[one], rows[other] = (
        replace(rows[other], number=one + 1),
        replace(rows[one], number=other + 1),
    )
    assert broken(check_chain, rows) == min(one, other) + 1


@pytest.mark.parametrize("index", range(5))
def test_a_row_rewritten_with_its_hash_breaks_the_next(index):
    rows = trail()
    rows[index] = forged(rows[index], outcome="refused")
    assert broken(check_chain, rows) == index + 2


@pytest.mark.parametrize(
    "members", [{"number": 3}, {"number": "2"}, {"previous": "AA"}, {"previous": None}, {"previous": 5}]
)
def test_a_row_that_is_no_record_of_its_place_is_named(members):
    rows = trail()
    rows[1] = forged(rows[1], **members)
    assert broken(check_chain, rows) == 2


@pytest.mark.parametrize("record", [b"", b"[]", b"5", b"{", b"{}"])
def test_what_is_no_record_at_all_is_named(record):
    rows = trail()
    rows[1] = AuditRow(2, record, domain_hash("poc/1 audit", record))
    assert broken(check_chain, rows) == 2


def test_an_anchor_shows_what_was_cut_off_or_written_anew():
    rows = trail()
    anchors = [Anchor(row.number, row.hash) for row in (rows[4], rows[1])]
    assert check_anchors(rows, []) == 0
    assert check_anchors(rows, anchors) == 5
    assert broken(check_anchors, rows[:3], anchors) == 4
    assert broken(check_anchors, [], anchors) == 1
    anew = trail()[:2] + [forged(row, action="other") for row in rows[2:]]
    assert broken(check_anchors, anew, anchors) == 3


def test_an_anchor_is_read_back_only_from_the_hub_of_its_registry():
    row = trail()[-1]
    note = make_anchor(row, ORIGIN, SIGNER)
    assert read_anchor(note, ORIGIN, [SIGNER.verifier()]) == Anchor(6, row.hash)
    other = Signer(f"{ORIGIN}/audit", signing_key("log"))
    wrong = {
        "unsigned-note": (note, ORIGIN, [other.verifier()]),
        "bad-note": (note, "example.org/other", [SIGNER.verifier()]),
    }
    for code, given_ in wrong.items():
        with pytest.raises(RefusedError) as caught:
            read_anchor(*given_)
        assert caught.value.code == code
    for text in ("poc/1 audit\nx\n", f"{ORIGIN}\n6\n{b64u(row.hash)}\n"):
        with pytest.raises(RefusedError) as caught:
            read_anchor(sign_note(text, [SIGNER]), ORIGIN, [SIGNER.verifier()])
        assert caught.value.code == "bad-note"


@pytest.mark.parametrize("case", DOCUMENT["cases"], ids=lambda case: case["name"])
def test_a_frozen_trail_is_whole_or_its_first_bad_row_is_named(case):
    rows = [AuditRow(r["number"], r["record"].encode(), unb64u(r["hash"])) for r in case["rows"]]
    if case["expect"] == "ok":
        check_chain(rows)
    else:
        assert broken(check_chain, rows) == case["row"]


def test_the_frozen_anchor_is_of_the_whole_trail_and_shows_what_was_cut_off():
    verifier = Verifier.from_vkey(DOCUMENT["vkey"])
    anchor = read_anchor(DOCUMENT["anchor"].encode(), DOCUMENT["origin"], [verifier])
    whole = make_audit.trail()
    assert anchor == Anchor(5, whole[-1].hash)
    assert broken(check_anchors, whole[:3], [anchor]) == 4


def test_the_vectors_are_those_of_their_maker():
    assert make_audit.PATH.read_text("utf-8") == make_audit.build(), "run tests/vectors/make_audit.py"
