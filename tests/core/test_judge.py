"""Keys judged in log order, and heads."""

from __future__ import annotations

from typing import Any

import pytest

from poc.core.judge import (
    check_not_frozen,
    head_size,
    judge_hub_key,
    judge_key,
    read_head,
    refuse_compromised,
    signer_key,
)
from poc.core.keys import SigningKey
from poc.core.note import Signer
from poc.errors import RefusedError
from tests import message_world as world
from tests.message_world import HUB, ORIGIN, SIZE, directory, sealing_key, signing_key, with_contact, with_key

KEY = signing_key("jo.technical")


def code(function: Any, *arguments: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        function(*arguments)
    return caught.value.code


def test_a_key_counts_from_the_entry_that_brought_it() -> None:
    assert judge_key(directory(), KEY.kid, 6, "jo.technical", "send").holder == "jo.technical"
    assert code(judge_key, directory(), KEY.kid, 5, "jo.technical", "send") == "key-not-yet"


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ("replaced", "key-ended"),
        ("routine", "key-ended"),
        ("withdrawn", "key-ended"),
        ("compromise", "key-compromised"),
        ("lost", "key-compromised"),
    ],
)
def test_a_key_counts_up_to_the_entry_that_ended_it(ended: str, expected: str) -> None:
    changed = with_key(directory(), KEY.kid, until=10, ended=ended)
    assert judge_key(changed, KEY.kid, 10, "jo.technical", "send").ended == ended
    assert code(judge_key, changed, KEY.kid, 11, "jo.technical", "send") == expected


@pytest.mark.parametrize(
    ("kid", "holder", "right", "expected"),
    [
        ("A" * 43, "jo.technical", "send", "unknown-key"),
        (KEY.kid, "sd.duty", "send", "unknown-key"),
        (HUB.kid, ORIGIN, "send", "unknown-key"),
        (sealing_key("jo.technical").kid, "jo.technical", "send", "unknown-key"),
        (signing_key("jo.technical", 3).kid, "jo.technical", "send", "right-missing"),
        (signing_key("jo.technical", 3).kid, "jo.technical", "acknowledge", "right-missing"),
    ],
)
def test_a_key_of_another_holder_role_or_right_is_refused(
    kid: str, holder: str, right: str, expected: str
) -> None:
    assert code(judge_key, directory(), kid, SIZE, holder, right) == expected


def test_a_frozen_contact_signs_nothing_from_then_on() -> None:
    frozen = with_contact(directory(), "jo.technical", freezes=(world.freeze(10),))
    assert judge_key(frozen, KEY.kid, 10, "jo.technical", "send").kid == KEY.kid
    assert code(judge_key, frozen, KEY.kid, 11, "jo.technical", "send") == "contact-frozen"
    check_not_frozen(None, SIZE)


def test_a_hub_key_signs_for_the_hub_and_no_device_does() -> None:
    assert judge_hub_key(directory(), HUB.kid, 1).role == "hub"
    assert code(judge_hub_key, directory(), KEY.kid, SIZE) == "unknown-key"
    ended = with_key(directory(), HUB.kid, until=7, ended="replaced")
    assert code(judge_hub_key, ended, HUB.kid, 8) == "key-ended"


def test_a_sealing_key_signs_nothing() -> None:
    assert code(signer_key, directory(), sealing_key("jo.technical").kid) == "unknown-key"
    assert signer_key(directory(), KEY.kid) == KEY.public


def test_a_compromised_key_is_refused_on_receipt_whatever_its_anchor() -> None:
    refuse_compromised(with_key(directory(), KEY.kid, until=15, ended="routine").keys[KEY.kid])
    lost = with_key(directory(), KEY.kid, until=15, ended="lost").keys[KEY.kid]
    assert code(refuse_compromised, lost) == "key-compromised"


def test_a_head_gives_its_size() -> None:
    assert head_size(world.head(7), directory()) == 7
    assert read_head(world.head(), directory()).root == directory().tree.root()


def test_a_head_ahead_of_the_directory_asks_for_a_sync() -> None:
    assert code(read_head, world.head(SIZE + 1), directory()) == "head-ahead"


def test_another_root_at_the_own_size_is_a_fork() -> None:
    assert code(read_head, world.head(root=bytes(32)), directory()) == "head-inconsistent"


def test_the_own_root_counts_at_the_own_size_whatever_else_is_known() -> None:
    forged, honest = world.head(root=bytes(32)), world.head()
    assert code(read_head, forged, directory(), lambda size: None) == "head-inconsistent"
    assert code(read_head, forged, directory(), lambda size: bytes(32)) == "head-inconsistent"
    assert read_head(honest, directory(), lambda size: bytes(32)).size == SIZE


def test_another_root_at_an_earlier_size_is_a_fork_where_the_root_is_known() -> None:
    forged = world.head(7, root=bytes(32))
    assert head_size(forged, directory()) == 7
    assert code(read_head, forged, directory(), lambda size: world.tree(size).root()) == "head-inconsistent"
    assert read_head(forged, directory(), lambda size: None).size == 7
    assert read_head(world.head(7), directory(), lambda size: world.tree(size).root()).size == 7


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (world.head(signer=Signer(ORIGIN, SigningKey.from_seed(bytes(32)))), "unsigned-note"),
        (world.head(signer=Signer("example.org/x", world.LOG.key), origin="example.org/x"), "unsigned-note"),
        (world.head().replace("\n20\n", "\n19\n"), "bad-signature"),
        ("example.org/cbm\n20\n", "bad-note"),
    ],
)
def test_a_head_of_another_log_or_altered_is_refused(head: str, expected: str) -> None:
    assert code(read_head, head, directory()) == expected
