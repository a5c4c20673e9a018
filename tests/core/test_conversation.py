"""Conversations: who may say what about which message, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from poc.core.conversation import OF_THE_ORIGINATOR, Part, about, check_part, counts
from poc.errors import RefusedError

START = datetime(2026, 11, 24, 9, tzinfo=UTC)


def part(name, sender="jo.technical", kind="notification", *, to=None, thread=None, minutes=0):
    return Part(name, sender, kind, thread, to, START + timedelta(minutes=minutes))


FIRST = part("first")
REPLY = part("reply", "sd.technical", "reply", to="first", thread="first", minutes=1)
OTHER = part("other", "sd.technical", minutes=2)
KNOWN = (FIRST, REPLY, OTHER)


def code_of(said, known=KNOWN):
    try:
        check_part(said, known)
    except RefusedError as error:
        return error.code
    return "ok"


def said(kind, sender="jo.technical", to="first", thread="first", name="said"):
    return part(name, sender, kind, to=to, thread=thread, minutes=5)


@pytest.mark.parametrize("kind", sorted(OF_THE_ORIGINATOR))
def test_the_originator_updates_withdraws_and_closes(kind):
    assert code_of(said(kind)) == "ok"


@pytest.mark.parametrize("kind", sorted(OF_THE_ORIGINATOR))
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sender": "sd.technical"}, "not-the-originator"),
        ({"sender": "jo.duty"}, "not-the-originator"),
        ({"sender": "jo"}, "not-the-originator"),
        ({"in_reply_to": None}, "names-no-message"),
        ({"in_reply_to": None, "thread": None}, "names-no-message"),
        ({"in_reply_to": "unheard-of"}, "original-not-here"),
        ({"thread": None}, "another-thread"),
        ({"thread": "other"}, "another-thread"),
        ({"in_reply_to": "other"}, "another-thread"),
        ({"in_reply_to": "said"}, "original-not-here"),
    ],
)
def test_nobody_else_does_and_nothing_else_counts(kind, changes, code):
    changed = replace(said(kind), **changes)
    assert code_of(changed, (*KNOWN, changed)) == code


def test_who_replied_takes_back_its_reply_and_does_not_close_the_conversation():
    own = {"sender": "sd.technical", "to": "reply"}
    assert code_of(said("withdrawal", **own)) == "ok"
    assert code_of(said("update", **own)) == "ok"
    assert code_of(said("closure", **own)) == "not-the-originator"
    assert code_of(said("closure", to="reply")) == "ok"


def test_a_conversation_whose_beginning_is_not_here_is_closed_by_nobody():
    known = (replace(REPLY, sender="jo.technical"),)
    assert code_of(said("closure", to="reply"), known) == "original-not-here"
    assert code_of(said("withdrawal", to="reply"), known) == "ok"


@pytest.mark.parametrize("kind", ["reply", "clarification", "notification", "ping"])
def test_others_may_answer_anything_but_in_another_thread(kind):
    assert code_of(said(kind, "eg.duty")) == "ok"
    assert code_of(said(kind, "eg.duty", to=None, thread=None)) == "ok"
    assert code_of(said(kind, "eg.duty", to="unheard-of", thread="unheard-of")) == "ok"
    assert code_of(said(kind, "eg.duty", to="other")) == "another-thread"


def test_a_withdrawal_is_not_withdrawn_and_may_be_followed_by_a_closure():
    withdrawal = said("withdrawal", name="gone")
    known = (*KNOWN, withdrawal)
    assert code_of(said("withdrawal", to="gone"), known) == "withdrawal-stands"
    assert code_of(said("update", to="gone"), known) == "ok"
    assert code_of(said("closure", to="gone"), known) == "ok"


def test_an_id_that_another_sender_used_too_gives_it_no_right_over_the_first():
    twin = part("first", "eg.duty", minutes=1)
    known = (*KNOWN, twin)
    by_twin = said("withdrawal", "eg.duty")
    assert counts(by_twin, known)
    assert about("first", "jo.technical", "withdrawal", (*known, by_twin)) == []
    assert about("first", "eg.duty", "withdrawal", (*known, by_twin)) == [by_twin]


def test_what_counts_is_given_oldest_first_and_what_does_not_is_left_out():
    second = said("update", name="second")
    earlier = replace(second, id="earlier", at=second.at - timedelta(minutes=1))
    wrong = replace(second, id="wrong", sender="eg.duty")
    astray = replace(second, id="astray", thread="other")
    for order in permutations((second, wrong, earlier, astray)):
        parts = (*KNOWN, *order)
        assert about("first", "jo.technical", "update", parts) == [earlier, second]
        assert about("first", "jo.technical", "withdrawal", parts) == []
        assert about("first", "eg.duty", "update", parts) == []
    assert not counts(wrong, KNOWN)


def test_the_refusal_names_the_originator_for_programs():
    with pytest.raises(RefusedError) as refused:
        check_part(said("withdrawal", "eg.duty"), KNOWN)
    assert refused.value.data == {"originator": "jo.technical"}
