"""Statements, entries and the fingerprint: what reads, and what is refused by which code."""

from __future__ import annotations

import json

import pytest

from poc.core import jws
from poc.core.bodies import BODIES, ActsOn, jwk_form
from poc.core.keys import SigningKey
from poc.core.statement import (
    CHAINED,
    SignedStatement,
    format_fingerprint,
    genesis_fingerprint,
    make_entry,
    parse_fingerprint,
    payload_sha256,
    read_entry,
    read_signed_statement,
    read_statement,
    statement_payload,
)
from poc.core.strictjson import canonical, parse_time
from poc.errors import RefusedError
from poc.limits import ENTRY_BYTES_MAX

AT = parse_time("2026-11-24T08:00:00Z")
LEAF = "A" * 43
KEY = SigningKey.from_seed(b"test-key-statement-1".ljust(32, b"\0"))
OTHER = SigningKey.from_seed(b"test-key-statement-2".ljust(32, b"\0"))


def confirm(**changes: object) -> dict[str, object]:
    payload = statement_payload(
        origin="example.org/cbm",
        type="contact.confirm",
        subject="jo.technical",
        body=ActsOn(entry=LEAF),
        issued_at=AT,
    )
    return {**json.loads(payload), **changes}


def signed(*keys: SigningKey) -> SignedStatement:
    payload = canonical(confirm())
    return SignedStatement(payload, tuple(jws.sign(payload, jws.STATEMENT, key) for key in keys))


def code_of(payload: dict[str, object]) -> str:
    with pytest.raises(RefusedError) as caught:
        read_statement(canonical(payload))
    return caught.value.code


def test_a_statement_reads_back_as_it_was_composed() -> None:
    statement = read_statement(canonical(confirm()))
    assert (statement.type, statement.subject, statement.issued_at) == ("contact.confirm", "jo.technical", AT)
    assert statement.body == ActsOn(entry=LEAF)
    assert statement.sha256 == payload_sha256(canonical(confirm()))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"v": 2}, "newer-form"),
        ({"v": 2, "new_member": 1}, "newer-form"),
        ({"v": 0}, "bad-form"),
        ({"v": True}, "bad-form"),
        ({"v": "1"}, "bad-form"),
        ({"type": "contact.unheard-of"}, "newer-form"),
        ({"extra": None}, "bad-form"),
        ({"origin": "Example.org"}, "bad-form"),
        ({"origin": "example.org\n"}, "bad-form"),
        ({"issued_at": "2026-11-24T08:00:00+00:00"}, "bad-form"),
        ({"issued_at": "2026-11-24T08:00:00.000Z"}, "bad-form"),
        ({"issued_at": "2026-02-30T08:00:00Z"}, "bad-form"),
        ({"issued_at": 1}, "bad-form"),
        ({"version": 1}, "bad-form"),
        ({"previous": LEAF}, "bad-form"),
        ({"body": {}}, "bad-form"),
        ({"body": {"entry": LEAF, "more": 1}}, "bad-form"),
        ({"body": {"entry": LEAF[:-1] + "B"}}, "bad-form"),
        ({"body": {"entry": LEAF + "="}}, "bad-form"),
        ({"body": {"entry": None}}, "bad-form"),
        ({"body": []}, "bad-form"),
    ],
)
def test_a_wrong_member_is_refused_by_code(changes: dict[str, object], code: str) -> None:
    assert code_of(confirm(**changes)) == code


@pytest.mark.parametrize("member", sorted(confirm()))
def test_every_member_must_be_present(member: str) -> None:
    payload = confirm()
    del payload[member]
    assert code_of(payload) == "bad-form"


@pytest.mark.parametrize("kind", sorted(CHAINED))
def test_a_chained_type_needs_a_version(kind: str) -> None:
    assert code_of(confirm(type=kind)) == "bad-form"


@pytest.mark.parametrize(
    ("version", "previous"), [(1, LEAF), (2, None), (0, None), (2**53, LEAF), (1.0, None)]
)
def test_version_and_previous_must_fit_each_other(version: object, previous: object) -> None:
    with pytest.raises(RefusedError):
        read_statement(
            json.dumps(confirm(type="contact.update", version=version, previous=previous)).encode()
        )


def test_an_error_never_shows_the_value_that_was_wrong() -> None:
    with pytest.raises(RefusedError) as caught:
        read_statement(canonical(confirm(body={"entry": "secret value"})))
    assert "secret" not in caught.value.message


def test_every_type_has_a_body_and_every_chained_type_is_a_type() -> None:
    assert set(BODIES) >= CHAINED
    assert len(BODIES) == 25


def test_an_entry_reads_back_and_sorts_its_signatures() -> None:
    entry = make_entry(signed(KEY, OTHER), AT)
    assert read_entry(entry.leaf) == entry
    kids = [jws.header_kid(s.protected) for s in entry.signed.signatures]
    assert kids == sorted(kids)


def test_one_key_gives_one_signature_however_often_it_signed() -> None:
    assert len(signed(KEY).merged(signed(KEY).signatures).signatures) == 1


@pytest.mark.parametrize(
    "break_it",
    [
        lambda v: v.update(extra=1),
        lambda v: v.update(logged_at="yesterday"),
        lambda v: v["statement"].update(extra=1),
        lambda v: v["statement"].update(signatures=[]),
        lambda v: v["statement"]["signatures"].append(v["statement"]["signatures"][0]),
        lambda v: v["statement"]["signatures"].reverse(),
        lambda v: v["statement"].pop("payload"),
    ],
)
def test_a_leaf_of_another_form_is_refused(break_it) -> None:
    value = json.loads(make_entry(signed(KEY, OTHER), AT).leaf)
    break_it(value)
    with pytest.raises(RefusedError) as caught:
        read_entry(canonical(value))
    assert caught.value.code == "bad-form"


def test_a_leaf_that_is_not_canonical_is_refused() -> None:
    leaf = make_entry(signed(KEY), AT).leaf
    with pytest.raises(RefusedError) as caught:
        read_entry(leaf.replace(b'","', b'", "', 1))
    assert caught.value.code == "not-canonical"


def test_a_leaf_over_the_limit_is_neither_made_nor_read() -> None:
    big = SignedStatement(b"x" * ENTRY_BYTES_MAX, signed(KEY).signatures)
    with pytest.raises(RefusedError) as made:
        make_entry(big, AT)
    with pytest.raises(RefusedError) as read:
        read_entry(b" " * (ENTRY_BYTES_MAX + 1))
    assert {made.value.code, read.value.code} == {"too-large"}


def test_a_signed_statement_reads_from_its_value() -> None:
    statement = signed(KEY)
    assert read_signed_statement(statement.value()) == statement


def test_a_fingerprint_survives_being_read_aloud() -> None:
    fingerprint = genesis_fingerprint(b"payload")
    grouped = format_fingerprint(fingerprint)
    assert len(grouped.split(" ")) == 16
    assert parse_fingerprint(grouped.upper().replace(" ", ":")) == fingerprint


@pytest.mark.parametrize("text", ["", "12ab", "g" * 64, "a" * 63, "a" * 65, "0x" + "a" * 62])
def test_a_fingerprint_is_never_shortened_or_guessed(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_fingerprint(text)
    assert caught.value.code == "bad-fingerprint"


def test_a_key_form_gives_back_its_key() -> None:
    assert jwk_form(KEY.public).verify_key().raw == KEY.public.raw
    assert jwk_form(KEY.public).kid == KEY.kid


def test_a_leaf_that_is_not_an_object_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        read_entry(b"[]")
    assert caught.value.code == "bad-form"
