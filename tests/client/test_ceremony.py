"""The transcript of a ceremony: the same text always, and nothing in it or in its file changes unseen."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from poc.client import ceremony
from poc.client.ceremony import Clock
from poc.core.proposal import make_proposal, proposal_bytes, with_signatures
from poc.core.statement import genesis_fingerprint
from poc.core.strictjson import domain_hash
from poc.errors import RefusedError
from poc.keyring import Keyring
from tests.desk_world import PASSPHRASE
from tests.registry import ORIGIN, REGISTRARS, START, Registry, enrolment, settings, signed

GOLDEN = Path(__file__).parents[1] / "vectors" / "ceremony" / "genesis.transcript"
PRESENT = ("x-las.registrar-1", "x-arcc.registrar-1", "Observer of the host body / مراقب")
REGISTRY = Registry()
GENESIS = REGISTRY.payload("registry.genesis", ORIGIN, settings(), chain=(0, None))
DRAFT = proposal_bytes(make_proposal(signed(GENESIS, "hub")))
PIN = genesis_fingerprint(GENESIS)


def clock(step):
    return Clock(START + timedelta(minutes=step), "0.0.test")


def keys_of(folder, label):
    keys = Keyring.create(folder / label, PASSPHRASE)
    keys.add_signing("registrar", label, START, lambda _: domain_hash("poc/1 test key", label.encode()))
    return keys


def code_of(function, *arguments):
    with pytest.raises(RefusedError) as caught:
        function(*arguments)
    return caught.value.code


def handed_on(held, directory=None):
    """The ceremony as the next machine reads it."""
    return ceremony.resume(held.file(), held.transcript(), directory)


@pytest.fixture
def begun():
    return ceremony.begin(DRAFT, PRESENT, None, clock(0))


@pytest.fixture
def half(begun, tmp_path):
    return ceremony.sign(handed_on(begun), PIN, keys_of(tmp_path, REGISTRARS[0]), None, clock(1))


@pytest.fixture
def ended(half, tmp_path):
    both = ceremony.sign(handed_on(half), PIN, keys_of(tmp_path, REGISTRARS[1]), None, clock(2))
    return ceremony.end(handed_on(both), clock(3))


def test_a_ceremony_gives_the_golden_transcript(ended):
    assert ended.transcript() == GOLDEN.read_text("utf-8")
    lines = ended.transcript().encode().splitlines(keepends=True)
    assert lines[-1] == f"sha256: {hashlib.sha256(b''.join(lines[:-1])).hexdigest()}\n".encode()
    assert ceremony.verify(ended.file(), ended.transcript(), None) == ended
    assert ended.fingerprint == PIN


def test_who_is_missing_is_told_at_each_step(begun, half, ended):
    assert begun.missing == ("2 signatures of the registrars named",)
    assert half.missing == ("1 signature of the registrars named",)
    assert ended.missing == ()


def test_nothing_ends_or_verifies_before_all_have_signed(begun, half):
    for held in (begun, half):
        assert code_of(ceremony.end, held, clock(1)) == "signatures-missing"
        assert code_of(ceremony.verify, held.file(), held.transcript(), None) == "ceremony-step"


def test_another_fingerprint_than_the_files_signs_nothing(begun, tmp_path):
    keys = keys_of(tmp_path, REGISTRARS[0])
    for typed in ("", "0" * 64, PIN[:-1] + ("0" if PIN[-1] != "0" else "1"), PIN[:60]):
        assert code_of(ceremony.sign, begun, typed, keys, None, clock(1)) == "wrong-fingerprint"


def test_a_key_that_is_not_called_for_or_signed_before_adds_nothing(half, tmp_path):
    stranger, again = keys_of(tmp_path / "a", "stranger"), keys_of(tmp_path / "b", REGISTRARS[0])
    assert code_of(ceremony.sign, half, PIN, stranger, None, clock(2)) == "no-key"
    assert code_of(ceremony.sign, half, PIN, again, None, clock(2)) == "already-signed"


def test_nothing_is_added_after_the_end(ended, tmp_path):
    keys = keys_of(tmp_path / "a", REGISTRARS[0])
    assert code_of(ceremony.sign, ended, PIN, keys, None, clock(4)) == "ceremony-step"
    assert code_of(ceremony.end, ended, clock(4)) == "ceremony-step"


def test_any_changed_line_of_a_transcript_is_found(ended):
    lines = ended.transcript().splitlines()
    for number, line in enumerate(lines):
        for changed in (line[:-1], f"{line} ", line.replace("2026", "2025"), ""):
            if changed == line:
                continue
            text = "\n".join([*lines[:number], changed, *lines[number + 1 :]]) + "\n"
            assert code_of(ceremony.verify, ended.file(), text, None) == "bad-transcript"
    without = "\n".join(lines[:3] + lines[4:]) + "\n"
    assert code_of(ceremony.verify, ended.file(), without, None) == "bad-transcript"
    for text in ("", "sha256: ", ended.transcript()[:-1], ended.transcript() * 2, "\n"):
        assert code_of(ceremony.verify, ended.file(), text, None) == "bad-transcript"


def resealed(lines):
    """A transcript somebody changed and gave a new last line."""
    text = "".join(f"{line}\n" for line in lines)
    return f"{text}sha256: {hashlib.sha256(text.encode()).hexdigest()}\n"


@pytest.mark.parametrize(
    ("find", "replace", "code"),
    [
        ("origin: ", "origin: other.", "transcript-mismatch"),
        ("settings-sha256: ", "settings-sha256: 0", "transcript-mismatch"),
        ("fingerprint: ", "fingerprint: 0000 ", "transcript-mismatch"),
        ("registrar: id=x-las", "registrar: id=x-zzz", "transcript-mismatch"),
        ("signature-sha256=", "signature-sha256=0", "bad-transcript"),
        ("who=x-las.registrar-1", "who=x-las.registrar-2", "transcript-mismatch"),
        ("file-sha256=", "file-sha256=0", "bad-transcript"),
        ("signed: at=", "signed: on=", "bad-transcript"),
        ("begun: at=", "present: at=", "bad-transcript"),
        ("present: ", "begun: ", "bad-transcript"),
        ("ended: ", "closed: ", "bad-transcript"),
        ("poc ceremony transcript 1", "poc ceremony transcript 2", "bad-transcript"),
    ],
)
def test_a_transcript_resealed_after_a_change_does_not_fit_its_file(ended, find, replace, code):
    lines = [line.replace(find, replace) for line in ended.transcript().splitlines()[:-1]]
    assert code_of(ceremony.verify, ended.file(), resealed(lines), None) == code


def test_steps_left_out_or_twice_are_found(ended):
    lines = ended.transcript().splitlines()[:-1]
    signed_lines = [n for n, line in enumerate(lines) if line.startswith("signed: ")]
    without = lines[: signed_lines[0]] + lines[signed_lines[0] + 1 :]
    twice = [*lines[: signed_lines[0]], lines[signed_lines[0]], *lines[signed_lines[0] :]]
    no_steps = [line for line in lines if line.split(":")[0] not in ceremony._STEPS]
    moved = [*lines[:-2], lines[-1], lines[-2]]
    assert code_of(ceremony.verify, ended.file(), resealed(without), None) == "transcript-mismatch"
    assert code_of(ceremony.verify, ended.file(), resealed(twice), None) == "transcript-mismatch"
    assert code_of(ceremony.verify, ended.file(), resealed(no_steps), None) == "bad-transcript"
    assert code_of(ceremony.verify, ended.file(), resealed(moved), None) == "bad-transcript"


def test_another_file_than_the_one_signed_is_found(begun, half, ended):
    assert code_of(ceremony.verify, half.file(), ended.transcript(), None) == "transcript-mismatch"
    assert code_of(ceremony.resume, ended.file(), half.transcript(), None) == "transcript-mismatch"
    other = REGISTRY.payload("registry.genesis", ORIGIN, settings(counts_public=True), chain=(0, None))
    data = proposal_bytes(make_proposal(signed(other, *REGISTRARS, "hub")))
    assert code_of(ceremony.verify, data, ended.transcript(), None) == "transcript-mismatch"


def test_a_signature_that_does_not_verify_or_is_not_called_for_is_refused(begun):
    forged = signed(b"{}", REGISTRARS[0])
    data = proposal_bytes(with_signatures(begun.proposal, forged.signatures))
    assert code_of(ceremony.begin, data, (), None, clock(0)) == "bad-signature"
    stranger = signed(GENESIS, "stranger")
    data = proposal_bytes(with_signatures(begun.proposal, stranger.signatures))
    assert code_of(ceremony.begin, data, (), None, clock(0)) == "signature-not-called-for"


@pytest.mark.parametrize("told", ["two\nlines", "", "x" * 201, "right\u202eleft"])
def test_who_is_present_is_one_line_of_text(told):
    with pytest.raises(RefusedError, match="text-"):
        ceremony.begin(DRAFT, (told,), None, clock(0))


def test_a_ceremony_is_of_a_genesis_or_a_policy_only():
    registry = Registry()
    payload = registry.payload("state.enrol", "jo", enrolment("jo"))
    data = proposal_bytes(make_proposal(signed(payload, REGISTRARS[0])))
    assert code_of(ceremony.begin, data, (), registry.directory, clock(0)) == "ceremony-step"


def test_a_policy_is_signed_with_its_registry_at_hand(tmp_path):
    registry = Registry()
    payload = registry.payload("registry.policy", ORIGIN, settings(counts_public=True))
    data = proposal_bytes(make_proposal(signed(payload, REGISTRARS[0])))
    assert code_of(ceremony.begin, data, (), None, clock(0)) == "not-a-desk"
    held = ceremony.begin(data, (), registry.directory, clock(0))
    assert held.missing == ("1 signature of a registrar of another body than x-las",)
    assert held.fingerprint == hashlib.sha256(payload).hexdigest()
    keys = keys_of(tmp_path, REGISTRARS[1])
    held = ceremony.sign(
        handed_on(held, registry.directory), held.fingerprint, keys, registry.directory, clock(1)
    )
    held = ceremony.end(handed_on(held, registry.directory), clock(2))
    assert ceremony.verify(held.file(), held.transcript(), registry.directory) == held
