"""The recovery kit: a private key as groups that a person types back from paper.

A seed of 32 bytes is 16 groups, each of 4 hex digits and 2 that check them in their place; a 17th group
of 8 digits binds the whole to its holder. So a wrong digit, two neighbours exchanged and two groups
exchanged are always found, and the group is named (docs/spec/kit.md). Printing it is ``report``'s,
reading it from a person the command line's.
"""

from __future__ import annotations

import hmac
from typing import Final

from poc.core.keys import SEED_BYTES
from poc.core.strictjson import domain_hash
from poc.core.text import ascii_digits
from poc.errors import RefusedError

GROUPS: Final = 17
_SEED_GROUPS: Final = 16
_GROUP_DIGITS: Final = 6
_LAST_DIGITS: Final = 8
# A prime above all differences of one digit or two neighbours: none of them is a multiple of it.
_MODULUS: Final = 251
_STEP: Final = 17
_HEX: Final = frozenset("0123456789abcdef")


def kit_groups(seed: bytes, role: str, party: str) -> tuple[str, ...]:
    """The 17 groups of a key's seed, for the holder and role that they are bound to."""
    words = [seed[i : i + 2] for i in range(0, SEED_BYTES, 2)]
    groups = [f"{word.hex()}{_check(word, place):02x}" for place, word in enumerate(words)]
    return (*groups, _last(seed, role, party))


def read_kit(text: str, role: str, party: str) -> bytes:
    """The seed that typed groups hold. Case and digits of another script do not matter.

    Raises:
        RefusedError: ``kit-incomplete`` unless there are 17 groups; ``kit-group`` naming the first group
            that is not as printed; ``kit-mismatch`` where all are, but for another holder or role.
    """
    groups = ascii_digits(text).lower().split()
    if len(groups) != GROUPS:
        raise RefusedError("kit-incomplete", f"{len(groups)} groups; {GROUPS} are printed")
    for place, group in enumerate(groups):
        check_group(place, group)
    seed = b"".join(bytes.fromhex(group[:4]) for group in groups[:_SEED_GROUPS])
    if not hmac.compare_digest(groups[-1], _last(seed, role, party)):
        raise RefusedError("kit-mismatch", f"for the {role} key of {party}")
    return seed


def check_group(place: int, group: str) -> None:
    """Return only if a group, in lower case, can stand at its place, counted from 0. Raises ``kit-group``."""
    digits = _LAST_DIGITS if place == _SEED_GROUPS else _GROUP_DIGITS
    if len(group) != digits or not set(group) <= _HEX:
        raise RefusedError("kit-group", f"group {place + 1} has {digits} digits, 0 to 9 and a to f")
    if place < _SEED_GROUPS and int(group[4:], 16) != _check(bytes.fromhex(group[:4]), place):
        raise RefusedError("kit-group", f"group {place + 1}")


def _check(word: bytes, place: int) -> int:
    return (int.from_bytes(word) + _STEP * place) % _MODULUS


def _last(seed: bytes, role: str, party: str) -> str:
    parts = (role.encode(), b"\0", party.encode(), b"\0", seed)
    return domain_hash("poc/1 kit", *parts)[: _LAST_DIGITS // 2].hex()
