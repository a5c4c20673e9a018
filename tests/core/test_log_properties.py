"""Properties of the log's forms, of texts and of hours: every size, every character, any bytes."""

from __future__ import annotations

import sys
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from poc.core.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint, parse_head, verify_checkpoint
from poc.core.hours import DAYS, ExceptionDay, Hours, Slot, Span, is_open, next_open
from poc.core.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from poc.core.note import Signer, Verifier, compose_note, open_note, sign_note
from poc.core.text import ascii_digits, check_text, fold, for_terminal
from poc.core.tiles import (
    TILE_WIDTH,
    Tile,
    decode_entries,
    encode_entries,
    join_hashes,
    new_tiles,
    node_reader,
    parse_tile_path,
    tiles_for_size,
)
from poc.core.unicode14 import is_assigned
from poc.errors import RefusedError
from poc.limits import LOG_SIZE_MAX
from tests.registry import signing_key

LEAVES = [leaf_hash(str(number).encode()) for number in range(301)]
LOG = Signer("example.org/properties", signing_key("log properties"))
SIGNED = sign_note("A text.\n", [LOG])
EVERY_CHARACTER = [chr(point) for point in range(sys.maxunicode + 1)]
# Without the empty planes, and of those for private use only the ends.
TELLING = [
    c for c in EVERY_CHARACTER if c < "\U00032000" or c > "\U0010fff0" or "\U000dfff0" < c < "\U000f0010"
]


@cache
def naive(start: int, end: int) -> bytes:
    """RFC 6962 2.1, word for word."""
    if end - start < 2:
        return LEAVES[start] if start < end else EMPTY_ROOT
    middle = start + 2 ** ((end - start - 1).bit_length() - 1)
    return node_hash(naive(start, middle), naive(middle, end))


def read(level: int, index: int) -> bytes:
    return naive(index << level, (index + 1) << level)


def refused(call, *arguments) -> str | None:
    try:
        call(*arguments)
    except RefusedError as error:
        return error.code
    return None


# --- tree ---


def test_every_size_to_300_has_the_naive_root_and_proves_every_leaf_and_every_beginning():
    tree = CompactRange()
    for size in range(301):
        root = naive(0, size)
        assert tree.root() == root
        for index in range(size):
            verify_inclusion(index, size, LEAVES[index], inclusion_proof(index, size, read), root)
            proof = consistency_proof(index + 1, size, read)
            verify_consistency(index + 1, size, naive(0, index + 1), root, proof)
        tree = tree.append(LEAVES[size])


@given(
    st.integers(2, 300).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))), st.data()
)
def test_one_flipped_bit_anywhere_in_a_proof_is_refused(where, data):
    size, index = where
    proof = list(inclusion_proof(index, size, read))
    at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    proof[at] = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
    assert refused(verify_inclusion, index, size, LEAVES[index], proof, naive(0, size)) == "bad-proof"
    old = data.draw(st.integers(1, size - 1))
    proof = list(consistency_proof(old, size, read))
    at = data.draw(st.integers(0, len(proof) - 1))
    proof[at] = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
    assert refused(verify_consistency, old, size, naive(0, old), naive(0, size), proof) == "bad-proof"


@given(st.integers(1, LOG_SIZE_MAX), st.data())
def test_proofs_of_the_largest_logs_stay_in_their_bound(size, data):
    index = data.draw(st.integers(0, size - 1))
    asked = []

    def count(level, at):
        assert (at + 1) << level <= size
        asked.append(level)
        return bytes(32)

    assert len(inclusion_proof(index, size, count)) <= 53
    assert len(consistency_proof(index + 1, size, count)) <= 54
    assert len(asked) < 54 * 54


# --- notes and checkpoints ---


def test_a_signers_vkey_is_its_verifier():
    assert Verifier.from_vkey(LOG.vkey()) == LOG.verifier()


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_as_a_note_with_a_code(data):
    assert refused(open_note, data, [LOG.verifier()])
    assert refused(verify_checkpoint, data, LOG.name, [LOG.verifier()])


@given(st.text(max_size=200))
def test_any_text_is_refused_as_a_head_vkey_or_path_with_a_code(text):
    assert refused(parse_head, text, LOG.name, [LOG.verifier()])
    assert refused(Verifier.from_vkey, text)
    assert refused(parse_tile_path, text)


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_one_changed_byte_of_a_note_is_refused(at, change):
    data = bytearray(SIGNED)
    data[at] ^= change
    assert refused(open_note, bytes(data), [LOG.verifier()])


LINES = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(st.lists(st.one_of(LINES, st.just("")), max_size=5))
def test_a_signed_text_comes_back_as_it_was(lines):
    text = "".join(line + "\n" for line in lines) or "\n"
    note = open_note(sign_note(text, [LOG]), [LOG.verifier()])
    assert (note.text, note.unknown) == (text, ())
    assert compose_note(note.text, note.verified) == sign_note(text, [LOG])


@given(LINES, st.integers(1, LOG_SIZE_MAX), st.binary(min_size=32, max_size=32), st.lists(LINES, max_size=3))
def test_a_checkpoint_reads_back_as_it_was_written(origin, size, root, extensions):
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint


# --- tiles ---


def tiles_of(size):
    """Every tile's content, by its path, for the first leaves of the naive tree."""
    return {
        tile.path: join_hashes([read(8 * (tile.level or 0), tile.index * 256 + n) for n in range(tile.width)])
        for tile in tiles_for_size(size)
    }


@pytest.mark.parametrize("size", [1, 2, 100, 255, 256, 257, 300])
def test_every_proof_can_be_made_from_the_tiles_of_that_size(size):
    tiles = tiles_of(size)
    from_tiles = node_reader(size, lambda tile: tiles[tile.path])
    for index in range(0, size, 7):
        assert inclusion_proof(index, size, from_tiles) == inclusion_proof(index, size, read)
        assert consistency_proof(index + 1, size, from_tiles) == consistency_proof(index + 1, size, read)


@given(st.integers(0, 200_000), st.integers(0, 5_000))
def test_what_growing_adds_is_what_the_larger_log_has_more(old, more):
    before = {tile.path for tile in tiles_for_size(old)}
    after = {tile.path for tile in tiles_for_size(old + more)}
    assert {tile.path for tile in new_tiles(old, old + more)} == after - before


@given(st.one_of(st.none(), st.integers(0, 63)), st.integers(0, LOG_SIZE_MAX), st.integers(1, TILE_WIDTH))
def test_a_path_reads_back_as_its_tile(level, index, width):
    tile = Tile(level, index, width)
    assert parse_tile_path(tile.path) == tile


@given(st.text("tile/0123456789x.penrs%-", max_size=30).map("tile/".__add__))
def test_a_path_is_refused_or_the_one_spelling_of_its_tile(path):
    assert refused(parse_tile_path, path) or parse_tile_path(path).path == path


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=256))
def test_a_bundle_reads_back_as_its_entries(entries):
    assert decode_entries(encode_entries(entries), len(entries)) == tuple(entries)


@given(st.binary(max_size=300), st.integers(1, 256))
def test_any_bytes_are_one_bundle_or_refused(data, width):
    if not refused(decode_entries, data, width):
        assert encode_entries(decode_entries(data, width)) == data


# --- texts ---


def test_no_control_or_format_character_of_unicode_passes_anywhere():
    bad = [c for c in TELLING if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}]
    assert len(bad) > 8_000
    for character in bad:
        for template in ("{}name", "na{}me", "name{}"):
            text = template.format(character)
            assert refused(check_text, text, 9) == "text-control", ascii(text)


def test_only_letters_marks_numbers_signs_and_spaces_reach_a_terminal():
    shown = set(for_terminal("a" + "a".join(TELLING)))
    assert {unicodedata.category(c)[0] for c in shown} == set("LMNPSZ")
    assert not set("\u2028\u2029\u200c\u200d\ufe0f\u3164") & shown


def test_the_frozen_table_is_the_unicode_of_the_oldest_python_here():
    if unicodedata.unidata_version != "14.0.0":
        assert all(unicodedata.category(c) != "Cn" for c in EVERY_CHARACTER if is_assigned(c))
        return
    assert [c for c in EVERY_CHARACTER if is_assigned(c) != (unicodedata.category(c) != "Cn")] == []


@pytest.mark.parametrize("character", "\U0001fae8\U00031350\u0cf3\ufffe", ids=ascii)
def test_what_a_later_unicode_assigns_is_refused_on_every_python(character):
    assert refused(check_text, f"a{character}", 9) == "text-control"


@given(st.text())
def test_any_text_is_checked_folded_and_shown_without_failing(text):
    refused(check_text, text, 100)
    assert fold(fold(text)) == fold(text)
    shown = for_terminal(text)
    assert for_terminal(shown) == shown
    assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in shown)


def test_folding_every_character_twice_changes_nothing():
    for first in range(0, len(TELLING), 1000):
        folded = fold(" a".join(TELLING[first : first + 1000]))
        assert fold(folded) == folded, ascii(TELLING[first])


@given(st.text())
def test_digits_are_the_only_change_ascii_digits_makes(text):
    changed = ascii_digits(text)
    assert all(
        new == old or (old.isdecimal() and new in "0123456789")
        for old, new in zip(text, changed, strict=True)
    )


# --- hours ---

ZONES = [
    ZoneInfo(name)
    for name in ("Africa/Cairo", "Asia/Amman", "Africa/Casablanca", "Asia/Dubai", "Asia/Kathmandu")
]
CLOCKS = st.integers(0, 48).map(lambda half: f"{half // 2:02d}:{half % 2 * 30:02d}")
SPANS = st.lists(CLOCKS, min_size=2, max_size=2, unique=True).map(sorted)
# Weeks in which clocks change in Cairo or Casablanca, and one in which none does.
WEEKS = [datetime(2026, *day, tzinfo=UTC) for day in ((4, 22), (10, 28), (2, 13), (3, 20), (7, 1))]


def apart(spans):
    return all(one[1] <= other[0] or other[1] <= one[0] for one, other in combinations(spans, 2))


@given(
    st.lists(st.tuples(st.sampled_from(DAYS), SPANS), max_size=4),
    st.dictionaries(st.integers(0, 4), st.lists(SPANS, max_size=2), max_size=2),
    st.sampled_from(ZONES), st.sampled_from(WEEKS), st.integers(0, 2 * 24 * 60 * 60),
)  # fmt: skip
def test_the_next_opening_is_the_first_that_waiting_finds(weekly, exceptions, zone, week, second):
    days = [((week + timedelta(days=day)).date().isoformat(), spans) for day, spans in exceptions.items()]
    assume(all(apart(spans) for _, spans in days))
    assume(all(apart([span for on, span in weekly if on == day]) for day in DAYS))
    special = tuple(ExceptionDay(day, tuple(Span(*span) for span in spans)) for day, spans in days)
    hours = Hours(False, tuple(Slot(day, *span) for day, span in weekly), special)
    at = week + timedelta(seconds=second)
    found = next_open(hours, at, zone)
    # Nothing changes but at whole quarters of an hour, here.
    moment = at
    for _ in range(4 * 24 * 9):
        if is_open(hours, moment, zone):
            break
        moment += timedelta(minutes=15) - timedelta(minutes=moment.minute % 15, seconds=moment.second)
    else:
        assert found is None or found > moment - timedelta(minutes=15)
        return
    assert found == moment


@given(st.text(max_size=12), st.text(max_size=6), st.text(max_size=6))
def test_any_text_is_refused_as_hours_with_a_code_or_is_one(day, opens, closes):
    assert refused(ExceptionDay, day) in {None, "bad-hours"}
    assert refused(Slot, day, opens, closes) in {None, "bad-hours"}
