"""What a log sends to a witness: written and read back, and what a witness may cosign."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.checkpoint import Checkpoint
from poc.core.merkle import EMPTY_ROOT
from poc.core.note import encode_base64
from poc.core.submission import (
    Submission,
    Tree,
    by_the_log,
    check_continues,
    conflict_of,
    format_submission,
    parse_submission,
)
from poc.errors import PocError, RefusedError
from poc.limits import SUBMISSION_BYTES_MAX
from tests.witness_world import LOG, ORIGIN, OTHER_LOG, TREE, text_of
from tests.witness_world import Tree as Log

HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple)
SIZES = st.integers(0, 60)


def code_of(call, *arguments):
    with pytest.raises(RefusedError) as caught:
        call(*arguments)
    return caught.value.code


@given(SIZES, SIZES, HASHES)
def test_what_is_written_is_read_back_and_what_is_read_is_written_the_same(one, other, proof):
    submission = Submission(min(one, other), proof, TREE.note(max(one, other)))
    body = format_submission(submission)
    assert parse_submission(body) == submission
    assert format_submission(parse_submission(body)) == body
    assert submission.text == text_of(submission.note)


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda data: b"old 1\n\n" + data))
def test_any_bytes_are_refused_by_an_error_of_ours(data):
    with pytest.raises(PocError):
        parse_submission(data)


@pytest.mark.parametrize(
    "body",
    [
        b"x" * (SUBMISSION_BYTES_MAX + 1),
        b"",
        b"\xff\n\n",
        b"new 1\n\nx",
        b"old 0\n" + b"AA==\n" * 64 + b"\nx",
    ],
)
def test_what_is_no_submission_is_refused(body):
    assert code_of(parse_submission, body) == "bad-submission"


@pytest.mark.parametrize(
    ("old", "proof"), [(-1, ()), (2**53, ()), (0, (bytes(31),)), (0, (bytes(32),) * 64), (6, ())]
)
def test_what_no_log_may_send_cannot_be_made(old, proof):
    assert code_of(Submission, old, proof, TREE.note(5)) == "bad-submission"


def test_a_checkpoint_is_taken_only_from_a_key_of_the_log():
    submission = parse_submission(TREE.body(0, 5))
    assert by_the_log(submission, [LOG.verifier()]).size == 5
    assert code_of(by_the_log, submission, [OTHER_LOG.verifier()]) == "not-by-the-log"


def continued(body, known):
    submission = parse_submission(body)
    check_continues(submission, submission.stated, known)


def test_a_checkpoint_goes_on_only_from_the_tree_last_cosigned():
    five = Tree(5, TREE.root(5))
    continued(TREE.body(0, 5), Tree())
    continued(TREE.body(5, 9), five)
    continued(TREE.body(5, 5), five)
    assert code_of(continued, TREE.body(4, 9), five) == "old-size-moved"
    assert code_of(continued, Log(fork=2).body(5, 5), five) == "two-roots"
    assert code_of(continued, Log(fork=2).body(5, 9), five) == "bad-proof"
    assert (
        code_of(continued, format_submission(Submission(0, (bytes(32),), TREE.note(5))), Tree())
        == "bad-proof"
    )


def test_an_empty_tree_has_one_root():
    wrong = TREE.note(0).replace(encode_base64(EMPTY_ROOT).encode(), encode_base64(bytes(32)).encode())
    assert code_of(parse_submission, b"old 0\n\n" + wrong) == "bad-proof"


@pytest.mark.parametrize(
    ("tree", "size", "refusal", "conflict"),
    [
        (Log(fork=2), 5, "two-roots", "two-roots"),
        (Log(fork=2), 5, "old-size-moved", "two-roots"),
        (Log(fork=2), 9, "bad-proof", "unproved"),
        (TREE, 9, "bad-proof", "unproved"),
        (TREE, 5, "bad-proof", None),
        (TREE, 9, "old-size-moved", None),
        (TREE, 3, "old-size-moved", None),
    ],
)
def test_what_a_refused_checkpoint_says_against_its_log(tree, size, refusal, conflict):
    known = Tree(5, TREE.root(5))
    assert conflict_of(Checkpoint(ORIGIN, size, tree.root(size)), known, refusal) == conflict


def test_before_the_first_tree_nothing_speaks_against_a_log():
    assert conflict_of(Checkpoint(ORIGIN, 5, TREE.root(5)), Tree(), "bad-proof") is None
