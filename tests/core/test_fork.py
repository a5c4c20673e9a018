"""Fork files: our vectors, and whose keys count where the log's have changed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.fork import verify_fork
from poc.core.merkle import EMPTY_ROOT, tree_root
from poc.core.strictjson import b64u
from poc.errors import PocError, RefusedError
from tests import registry as made
from tests.registry import ORIGIN, REGISTRARS, Registry
from tests.vectors.make_fork import PATH, changed, fork_of, text, two_logs

VECTORS = json.loads(PATH.read_text("utf-8"))
OWN, OTHER = two_logs()
FINGERPRINT = OWN.directory.fingerprint


def code_of(data, fingerprint=FINGERPRINT, directory=None):
    try:
        verify_fork(data, fingerprint, directory)
    except RefusedError as error:
        return error.code
    return "ok"


def test_the_vectors_are_those_the_code_makes():
    assert PATH.read_text("utf-8") == text()


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vectors(case):
    assert code_of(case["file"].encode(), VECTORS["fingerprint"]) == case["expect"]


def test_the_proof_names_both_heads_and_the_second_root_at_the_first_size():
    fork = verify_fork(fork_of(OWN, 4, OTHER, 6), FINGERPRINT)
    assert (fork.origin, fork.fingerprint) == (ORIGIN, FINGERPRINT)
    assert (fork.first.size, fork.second.size) == (4, 6)
    assert fork.root == OTHER._tree(4)[1] != fork.first.root == OWN._tree(4)[1]


@pytest.mark.parametrize("first", range(3, 6))
@pytest.mark.parametrize("second", range(3, 7))
def test_every_pair_of_sizes_proves_a_fork_if_and_only_if_the_logs_have_parted(first, second):
    if first <= second:
        expected = "ok" if first > 3 else "not-a-fork"
        assert code_of(fork_of(OWN, first, OTHER, second)) == expected


def test_another_registry_is_refused_by_its_fingerprint_and_a_home_of_another_too():
    fork = fork_of(OWN, 4, OTHER, 6)
    elsewhere = Registry(freshness_seconds=77).directory
    assert code_of(fork, elsewhere.fingerprint) == "wrong-fingerprint"
    assert code_of(fork, FINGERPRINT, elsewhere) == "wrong-fingerprint"
    assert code_of(fork, FINGERPRINT[:-4]) == "bad-fingerprint"


def test_an_empty_tree_begins_every_log_and_proves_nothing():
    from poc.core.checkpoint import Checkpoint, sign_checkpoint

    empty = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), made.log_signer()).decode()
    data = changed(fork_of(OWN, 4, OTHER, 6), first=empty, root=b64u(EMPTY_ROOT))
    assert code_of(data) == "bad-proof"


def test_a_log_key_that_a_policy_brought_counts_only_for_who_knows_the_log():
    logs = [Registry(), Registry()]
    for log, state in zip(logs, ("jo", "sd"), strict=True):
        body = made.settings(log_keys=[made.log_signer("log 2").vkey()])
        log.submit("registry.policy", ORIGIN, body, *REGISTRARS)
        log.attest()
        log.enrol(state)
    own, other = logs
    data = changed(
        fork_of(own, 4, other, 4),
        first=own.checkpoint(4, "log 2").decode(), second=other.checkpoint(4, "log 2").decode(),
    )  # fmt: skip
    fingerprint = own.directory.fingerprint
    assert code_of(data, fingerprint) == "unsigned-note"
    assert code_of(data, fingerprint, own.directory) == "ok"
    old = fork_of(own, 4, other, 4)  # signed by the key that has ended
    assert code_of(old, fingerprint) == "ok"
    assert code_of(old, fingerprint, own.directory) == "unsigned-note"


@given(st.data())
def test_a_flipped_byte_proves_nothing(data):
    fork = bytearray(fork_of(OWN, 4, OTHER, 6))
    at = data.draw(st.integers(0, len(fork) - 1))
    fork[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(PocError):
        verify_fork(bytes(fork), FINGERPRINT)


def test_the_root_of_a_tree_is_that_of_its_nodes():
    assert [tree_root(size, OWN._node) for size in range(1, 6)] == [OWN._tree(n)[1] for n in range(1, 6)]
    with pytest.raises(RefusedError):
        tree_root(0, OWN._node)
