"""What a log sends to a witness: written and read back, and what a witness may cosign."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core.submission import Submission, Tree, admit, format_submission, parse_submission
from poc.errors import PocError, RefusedError
from poc.limits import SUBMISSION_BYTES_MAX
from tests.witness_world import LOG, OTHER_LOG, TREE, text_of
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


def test_a_checkpoint_is_admitted_only_from_the_tree_last_cosigned():
    keys, five = [LOG.verifier()], Tree(5, TREE.root(5))
    assert admit(parse_submission(TREE.body(0, 5)), Tree(), keys).size == 5
    assert admit(parse_submission(TREE.body(5, 9)), five, keys).size == 9
    assert code_of(admit, parse_submission(TREE.body(4, 9)), five, keys) == "old-size-moved"
    assert code_of(admit, parse_submission(Log(fork=2).body(5, 5)), five, keys) == "old-size-moved"
    assert code_of(admit, parse_submission(Log(fork=2).body(5, 9)), five, keys) == "bad-proof"
    assert code_of(admit, parse_submission(TREE.body(5, 9, OTHER_LOG)), five, keys) == "not-by-the-log"
    beginning = Submission(0, (bytes(32),), TREE.note(5))
    assert code_of(admit, beginning, Tree(), keys) == "bad-proof"
