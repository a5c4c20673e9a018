"""The recovery kit: what is typed back from paper gives the key, and every usual slip is found and named."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poc.core.kit import GROUPS, check_group, kit_groups, read_kit
from poc.core.strictjson import domain_hash
from poc.errors import RefusedError

HEX = "0123456789abcdef"
SEED = domain_hash("poc/1 test key", b"jo recovery")
PRINTED = kit_groups(SEED, "recovery", "jo")


def refusal(groups, role="recovery", party="jo"):
    with pytest.raises(RefusedError) as caught:
        read_kit(" ".join(groups), role, party)
    return caught.value.code, caught.value.detail


def with_group(place, group):
    return (*PRINTED[:place], group, *PRINTED[place + 1 :])


@settings(max_examples=60)
@given(st.binary(min_size=32, max_size=32))
def test_a_kit_gives_back_its_seed(seed):
    groups = kit_groups(seed, "recovery", "jo")
    assert [len(group) for group in groups] == [6] * 16 + [8]
    assert read_kit("\n".join(groups), "recovery", "jo") == seed


def test_a_kit_is_always_the_same_and_this_one():
    assert kit_groups(SEED, "recovery", "jo") == PRINTED
    assert kit_groups(bytes(32), "recovery", "jo")[:3] == ("000000", "000011", "000022")
    assert kit_groups(b"\xff" * 32, "recovery", "jo")[0] == f"ffff{65535 % 251:02x}"


def test_capitals_spaces_lines_and_arabic_digits_do_not_matter():
    arabic = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
    text = "  " + "\n \t".join(PRINTED).upper().translate(arabic) + "\n"
    assert read_kit(text, "recovery", "jo") == SEED


def test_any_one_wrong_digit_is_found_and_its_group_named():
    for place, group in enumerate(PRINTED[:16]):
        for position, digit in enumerate(group):
            for wrong in HEX.replace(digit, ""):
                typed = group[:position] + wrong + group[position + 1 :]
                assert refusal(with_group(place, typed)) == ("kit-group", f"group {place + 1}")


@settings(max_examples=200)
@given(st.binary(min_size=32, max_size=32), st.integers(0, 15), st.integers(0, 4))
def test_two_neighbouring_digits_exchanged_are_found(seed, place, position):
    groups = list(kit_groups(seed, "recovery", "jo"))
    one, other = groups[place][position : position + 2]
    if one == other:
        return
    groups[place] = groups[place][:position] + other + one + groups[place][position + 2 :]
    assert refusal(groups) == ("kit-group", f"group {place + 1}")


@settings(max_examples=20)
@given(st.binary(min_size=32, max_size=32))
def test_two_groups_exchanged_are_found(seed):
    groups = kit_groups(seed, "recovery", "jo")
    for first in range(16):
        for second in range(first + 1, 16):
            typed = list(groups)
            typed[first], typed[second] = typed[second], typed[first]
            assert refusal(typed) == ("kit-group", f"group {first + 1}")


@pytest.mark.parametrize("group", ["", "12345", "1234567", "12345g", "12 45", "１２３４５６", "-12345"])
def test_what_is_no_group_is_refused(group):
    with pytest.raises(RefusedError, match="group 3 has 6 digits"):
        check_group(2, group)


@pytest.mark.parametrize("typed", [PRINTED[:-1], (*PRINTED, "000000"), (), PRINTED[1:], ("",)])
def test_a_kit_typed_in_part_or_with_more_is_refused(typed):
    assert refusal(typed)[0] == "kit-incomplete"


def test_a_group_typed_twice_in_place_of_the_next_is_refused():
    assert refusal(with_group(5, PRINTED[4])) == ("kit-group", "group 6")


def test_a_kit_is_of_one_holder_and_role():
    assert refusal(PRINTED, party="sd")[0] == "kit-mismatch"
    assert refusal(PRINTED, role="authority")[0] == "kit-mismatch"


def test_the_last_group_is_checked_digit_by_digit():
    assert GROUPS == len(PRINTED) == 17
    for position, digit in enumerate(PRINTED[-1]):
        typed = PRINTED[-1][:position] + ("1" if digit == "0" else "0") + PRINTED[-1][position + 1 :]
        assert refusal((*PRINTED[:-1], typed))[0] == "kit-mismatch"
    assert refusal((*PRINTED[:-1], PRINTED[-1][:-1])) == (
        "kit-group",
        "group 17 has 8 digits, 0 to 9 and a to f",
    )


def test_another_right_group_is_found_by_the_last_one():
    other = kit_groups(domain_hash("poc/1 test key", b"other"), "recovery", "jo")
    assert refusal(with_group(0, other[0]))[0] == "kit-mismatch"


VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "kit" / "kits.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_the_frozen_kits_are_read_as_they_say(case):
    seed = domain_hash("poc/1 test key", case["label"].encode())
    party = case["party"] if case["expect"] == "ok" else "jo"
    groups = list(kit_groups(seed, "recovery", party))
    for number, typed in case["change"].items():
        groups[int(number) - 1] = typed
    if case["swap"]:
        one, other = (number - 1 for number in case["swap"])
        groups[one], groups[other] = groups[other], groups[one]
    if case["expect"] != "ok":
        assert refusal(groups, case["role"], case["party"])[0] == case["expect"]
        return
    assert hashlib.sha256(" ".join(groups).encode()).hexdigest() == case["groups_sha256"]
    assert read_kit(" ".join(groups), case["role"], case["party"]) == seed
