"""Snapshots: what one gives with only the file and the fingerprint, and how any change is refused."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from poc.core import snapshot as core
from poc.core.checkpoint import Checkpoint, sign_checkpoint
from poc.core.merkle import CompactRange, leaf_hash
from poc.core.snapshot import OpeningOf, Snapshot, verify_snapshot
from poc.core.statement import format_fingerprint, make_entry
from poc.core.strictjson import b64u, canonical, parse
from poc.errors import RefusedError
from tests import snapshot_world as world
from tests.registry import ORIGIN, Registry, card, log_signer, nomination, openings, signed
from tests.snapshot_world import closed, forged
from tests.vectors.make_snapshot import GOLDEN, NEWEST, PATH, build, changed

FROZEN = json.loads(PATH.read_bytes())
FINGERPRINT = world.registry().directory.fingerprint


@pytest.fixture(scope="module")
def good() -> bytes:
    return world.snapshot()


def verified(data: bytes) -> Snapshot:
    return verify_snapshot(data, FINGERPRINT)


def refused(data: bytes, fingerprint: str = FINGERPRINT) -> str:
    with pytest.raises(RefusedError) as caught:
        verify_snapshot(data, fingerprint)
    return caught.value.code


# --- what it gives -----------------------------------------------------------------------------


def test_a_snapshot_gives_the_whole_directory_and_all_that_stands_beside_it(good: bytes) -> None:
    made, snapshot = world.registry(), verified(good)
    assert snapshot.directory == made.directory
    assert (snapshot.origin, snapshot.fingerprint, snapshot.made_at) == (ORIGIN, FINGERPRINT, made.now)
    assert (snapshot.checkpoint.size, snapshot.checkpoint.root) == (
        len(made.leaves),
        made.directory.tree.root(),
    )
    assert sorted(snapshot.cards) == sorted((*world.CONTACTS, world.LISTED))
    assert all(set(parts) == {"office", "reach"} for parts in snapshot.cards.values())
    assert set(snapshot.openings) == {held.opening.commitment() for held in world.held()}
    assert snapshot.sealing_keys == {key.kid: key for key in world.sealing_keys()}


def test_entries_and_checkpoint_come_out_byte_for_byte(good: bytes) -> None:
    made, snapshot = world.registry(), verified(good)
    assert list(snapshot.leaves) == made.leaves
    assert snapshot.note == made.checkpoint()


def test_cosignatures_in_the_checkpoint_stay_and_are_not_taken_for_the_logs() -> None:
    note = (
        world.registry().checkpoint() + b"\xe2\x80\x94 witness.example/jo " + b"AAAAAQ" * 12 + b"AAAAAQ==\n"
    )
    assert verified(world.snapshot(note=note)).note == note


def test_the_fingerprint_may_be_given_as_it_stands_on_paper(good: bytes) -> None:
    assert verify_snapshot(good, format_fingerprint(FINGERPRINT)).origin == ORIGIN


def test_without_cards_there_is_no_opening_in_it_and_it_says_so(good: bytes) -> None:
    data = world.snapshot(openings=None)
    snapshot = verified(data)
    assert (snapshot.with_cards, snapshot.cards, snapshot.openings) == (False, {}, {})
    assert snapshot.directory == verified(good).directory
    assert verified(world.snapshot(openings=[])).with_cards
    for held in world.held():
        assert held.opening.salt.encode() not in data


def test_the_order_in_which_things_are_given_makes_no_difference(good: bytes) -> None:
    assert world.snapshot(openings=world.held()[::-1], sealing_keys=world.sealing_keys()[::-1]) == good


def test_the_closing_hash_is_of_the_form_with_that_member_null(good: bytes) -> None:
    value: Any = parse(good)
    rest = canonical({**value, "sha256": None})
    assert value["sha256"] == b64u(hashlib.sha256(b"poc/1 snapshot\0" + rest).digest())
    assert closed(value) == good


# --- golden files and vectors ------------------------------------------------------------------


@pytest.mark.parametrize("row", [pytest.param(row, id=row["file"]) for row in FROZEN["golden"]])
def test_a_golden_file_is_untouched_and_verifies_in_this_version(row: dict[str, str]) -> None:
    data = (GOLDEN / row["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == row["sha256"]
    assert verify_snapshot(data, row["fingerprint"]).cards


def test_every_golden_file_is_listed_and_the_vectors_follow_from_the_newest() -> None:
    assert {row["file"] for row in FROZEN["golden"]} == {path.name for path in GOLDEN.glob("*")}
    assert PATH.read_text("utf-8") == build(), "run tests/vectors/make_snapshot.py"


@pytest.mark.parametrize("case", [pytest.param(v, id=v["name"]) for v in FROZEN["variants"]])
def test_a_changed_golden_file_is_refused(case: dict[str, Any]) -> None:
    data = changed(NEWEST.read_text("utf-8"), case).encode()
    assert refused(data, FROZEN["golden"][-1]["fingerprint"]) == case["expect"]


# --- accidents ---------------------------------------------------------------------------------

DAMAGED = {"snapshot-damaged", "bad-json", "bad-form", "newer-form", "not-canonical"}


def test_truncation_at_every_byte_is_refused(good: bytes) -> None:
    tail = range(len(good) - 200, len(good))
    found = {refused(good[:end]) for end in (*range(0, len(good), 97), *tail)}
    assert found <= DAMAGED


def test_a_flipped_bit_at_any_byte_is_refused(good: bytes, rounds: Callable[..., int]) -> None:
    count = rounds(300, long=len(good), of="flipped bytes of a snapshot")
    places = sorted(random.Random(7).sample(range(len(good)), count))
    for at in {*places, *range(len(good) - 64, len(good))}:
        flipped = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        expected = DAMAGED if at >= len(good) - 64 else {"snapshot-damaged"}
        assert refused(flipped) in expected, at


@pytest.mark.parametrize("more", [b"\n", b" ", b"{}", b"\0", b"x"])
def test_bytes_before_or_after_it_are_refused(good: bytes, more: bytes) -> None:
    assert refused(good + more) in DAMAGED
    assert refused(more + good) in DAMAGED


def test_a_member_that_stands_twice_is_refused_though_the_file_is_closed_well(good: bytes) -> None:
    head, _, tail = good.rpartition(b',"sha256":')
    doubled = head + b',"sealing_keys":[]'
    digest = hashlib.sha256(b"poc/1 snapshot\0" + doubled + b',"sha256":null,"v":1}').digest()
    assert refused(doubled + b',"sha256":"' + b64u(digest).encode() + tail[45:]) == "bad-json"


def test_another_spelling_is_refused_though_the_file_is_closed_well(good: bytes) -> None:
    spaced = good.replace(b'"form":', b'"form": ').rpartition(b',"sha256":')[0]
    digest = hashlib.sha256(b"poc/1 snapshot\0" + spaced + b',"sha256":null,"v":1}').digest()
    assert refused(spaced + f',"sha256":"{b64u(digest)}","v":1}}'.encode()) == "not-canonical"


def test_too_much_is_neither_written_nor_read(good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "SNAPSHOT_BYTES_MAX", len(good) - 1)
    assert refused(good) == "too-large"
    with pytest.raises(RefusedError) as caught:
        world.snapshot()
    assert caught.value.code == "too-large"


# --- intent ------------------------------------------------------------------------------------


def checkpoint_of(leaves: list[bytes]) -> bytes:
    """What an operator can sign over any leaves it likes."""
    tree = CompactRange()
    for leaf in leaves:
        tree = tree.append(leaf_hash(leaf))
    return sign_checkpoint(Checkpoint(ORIGIN, tree.size, tree.root()), log_signer())


def test_an_entry_that_its_signers_did_not_sign_is_refused_though_the_log_signed_the_root() -> None:
    made = world.registry()
    payload = made.payload("contact.confirm", "sd.duty", {"entry": made.newest("sd.duty").leaf_hash})
    stolen = signed(payload, "jo authority")
    leaves = [*made.leaves, make_entry(stolen, made.now).leaf]
    assert refused(world.snapshot(leaves=leaves, note=checkpoint_of(leaves))) == "signature-not-called-for"
    good, bad = signed(payload, "sd authority"), made.entries[-1].signed.signatures[0].signature
    value: Any = parse(make_entry(good, made.now).leaf)
    value["statement"]["signatures"][0]["signature"] = bad
    leaves = [*made.leaves, canonical(value)]
    assert refused(world.snapshot(leaves=leaves, note=checkpoint_of(leaves))) == "bad-signature"


def yesterday_and_today() -> tuple[Registry, Registry]:
    """A log as it was, and as it went on: a card replaced, then a confirmation."""
    before, after = Registry(), Registry()
    for made in (before, after):
        made.enrol("jo")
        made.nominate("jo.technical")
    body = {**nomination("jo.technical"), "card": card("jo.diplomatic")}
    del body["devices"]
    after.submit("contact.update", "jo.technical", body, "jo authority")
    return before, after


def test_yesterdays_checkpoint_entry_or_opening_does_not_pass_with_todays_log() -> None:
    before, after = yesterday_and_today()
    fingerprint = after.directory.fingerprint
    old = [OpeningOf(contact="jo.technical", opening=o) for o in openings("jo.technical")]

    def code(**changes: Any) -> str:
        return refused(world.snapshot(after, **{"openings": [], "sealing_keys": [], **changes}), fingerprint)

    assert code(note=before.checkpoint()) == "head-inconsistent"
    assert code(leaves=before.leaves) == "head-inconsistent"
    assert code(openings=old) == "commitment-mismatch"
    good = world.snapshot(after, openings=[], sealing_keys=[])
    swapped = forged(good, lambda value: value["entries"].__setitem__(3, value["entries"][2]))
    assert refused(swapped, fingerprint) == "already-logged"


def test_two_logs_of_one_genesis_cannot_be_mixed() -> None:
    first, second = Registry(), Registry()
    first.enrol("jo", "sd")
    second.enrol("jo", "eg")
    mixed = [*first.leaves[:2], second.leaves[2]]
    data = world.snapshot(first, leaves=mixed, openings=[], sealing_keys=[])
    assert refused(data, first.directory.fingerprint) == "head-inconsistent"


def test_an_opening_of_a_part_the_card_lacks_is_refused(good: bytes) -> None:
    def as_person(value: dict[str, Any]) -> None:
        value["openings"][1]["opening"]["part"] = "person"
        value["openings"].sort(key=lambda held: (held["contact"], held["opening"]["part"]))

    assert refused(forged(good, as_person)) == "commitment-mismatch"


def test_an_opening_of_a_contact_that_was_withdrawn_is_refused() -> None:
    made = Registry()
    made.enrol("jo")
    made.nominate("jo.technical")
    entry = {"entry": made.directory.contact("jo.technical").nomination.leaf_hash}
    made.submit("contact.withdraw", "jo.technical", entry, "jo authority")
    held = [OpeningOf(contact="jo.technical", opening=openings("jo.technical")[0])]
    data = world.snapshot(made, openings=held, sealing_keys=[])
    assert refused(data, made.directory.fingerprint) == "unknown-contact"


@pytest.mark.parametrize(
    ("fingerprint", "code"),
    [("0" * 64, "wrong-fingerprint"), ("12", "bad-fingerprint"), ("", "bad-fingerprint")],
)
def test_another_fingerprint_is_refused(good: bytes, fingerprint: str, code: str) -> None:
    assert refused(good, fingerprint) == code


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{", b"1", b'{"v":1}', b"\xff", b'{"v":2}'])
def test_what_is_no_snapshot_is_refused_with_a_code(data: bytes) -> None:
    assert refused(data) in DAMAGED


def test_entries_that_are_none_are_refused_with_their_code(good: bytes) -> None:
    def replaced(leaf: bytes) -> str:
        return refused(forged(good, lambda value: value["entries"].__setitem__(1, b64u(leaf))))

    assert replaced(b"") == "bad-json"
    assert replaced(b"{}") == "bad-form"
    assert replaced(verified(good).leaves[1] + b" ") == "not-canonical"
    assert replaced(b'"' + b"x" * 70_000 + b'"') == "too-large"


# --- witnesses ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def witnessed() -> Registry:
    made = Registry(quorum="majority")
    made.enrol("eg", "jo", "sd")
    made.seat("eg", "jo", "sd")
    assert made.directory.quorum == 2
    return made


def of_witnessed(made: Registry, note: bytes) -> bytes:
    return world.snapshot(made, note=note, openings=[], sealing_keys=[])


def test_where_a_quorum_is_asked_for_the_checkpoint_must_have_it(witnessed: Registry) -> None:
    fingerprint = witnessed.directory.fingerprint
    note = witnessed.cosigned("eg.witness", "sd.witness", at=60)
    snapshot = verify_snapshot(of_witnessed(witnessed, note), fingerprint)
    assert snapshot.cosigned_at == witnessed.now + timedelta(seconds=60)
    assert snapshot.note == note
    for witnesses in ((), ("eg.witness",), ("eg.witness", "x-las.witness")):
        short = of_witnessed(witnessed, witnessed.cosigned(*witnesses))
        assert refused(short, fingerprint) == "quorum-missing"


def test_a_bad_cosignature_of_a_witness_in_force_is_refused(witnessed: Registry) -> None:
    good = witnessed.cosigned("eg.witness", "jo.witness", "sd.witness")
    older = witnessed.cosigned("jo.witness", size=len(witnessed.entries) - 1)
    stolen = next(line for line in older.splitlines() if b"jo.witness" in line)
    own = next(line for line in good.splitlines() if b"jo.witness" in line)
    note = good.replace(own, stolen)
    assert refused(of_witnessed(witnessed, note), witnessed.directory.fingerprint) == "bad-signature"


def test_without_a_quorum_no_time_is_claimed(good: bytes) -> None:
    assert verified(good).cosigned_at is None
