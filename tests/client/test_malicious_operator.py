"""R1: with every server-side secret the operator cannot make a desk take what a State did not sign."""

from __future__ import annotations

import copy
import random
from collections import Counter
from typing import Any

import aiohttp
import pytest

from poc.client.sdk import Desk
from poc.errors import CATALOGUE, PocError
from tests.desk_world import keyring
from tests.operator_world import LIES, VICTIM, Operator, true_registry, truth


class Tally:
    """What each lie was refused with."""

    def __init__(self) -> None:
        self.codes: Counter[str] = Counter()
        self.lies: Counter[str] = Counter()

    def add(self, lie: str, codes: set[str]) -> None:
        assert codes <= CATALOGUE.keys()
        self.lies[lie] += 1
        self.codes.update(codes)


def beside_the_log(desk: Desk) -> tuple[Any, ...]:
    """Everything a desk goes by: the log, card parts, sealing keys, messages it takes for true."""
    trust = desk.known.trust
    shown = {
        (row.message, row.digest) for row in trust.inbox() if row.state not in ("refused", "not-verified")
    }
    return (desk.directory.size, desk.directory.tree.root(), trust.openings(), trust.sealing_keys(), shown)


def refusals(desk: Desk) -> set[str]:
    trust = desk.known.trust
    told = {reason for name in ("cards", "keys", "inbox", "evidence") for _, reason in _aside(trust, name)}
    return told | {row.reason for row in trust.inbox() if row.reason is not None}


def _aside(trust, name: str):
    return [(row[0], row[-1]) for row in trust.aside(name)]


async def lied_to(tmp_path, count: int, seed: int) -> Tally:
    operator, tally = Operator(), Tally()
    async with operator.running(), aiohttp.ClientSession() as http:
        registry = true_registry(operator.url)
        operator.served = honest = truth(registry)
        desk = await Desk.join(
            tmp_path / "desk", operator.url, registry.directory.fingerprint, party=VICTIM, http=http,
            clock=lambda: registry.now,
        )  # fmt: skip
        desk.use_keyring(keyring(tmp_path / "desk", VICTIM, registry.now))
        await desk.sync()
        before = beside_the_log(desk)
        assert before[0] == registry.directory.size
        assert len(before[4]) == 1, "the true message is taken"
        rng = random.Random(seed)
        for number in range(count):
            lie = rng.choice(LIES)
            operator.served = copy.deepcopy(honest)
            lie(operator.served, registry, rng)
            for feed in ("cards", "keys", "inbox", "evidence"):
                desk.known.trust.set_cursor(feed, 0)
            known = refusals(desk)
            codes: set[str] = set()
            try:
                report = await desk.sync()
                codes |= set(report.failed)
            except PocError as error:
                codes.add(error.code)
            codes |= refusals(desk) - known
            assert beside_the_log(desk) == before, f"lie {number} of seed {seed}: {lie.__name__}"
            tally.add(lie.__name__, codes)
        operator.served = honest
        await desk.sync(from_start=True)
        assert beside_the_log(desk) == before
        await desk.close()
        reopened = await Desk.open(tmp_path / "desk", http=http, clock=lambda: registry.now)
        assert beside_the_log(reopened) == before
        await reopened.close()
    return tally


async def test_r1_a_hundred_lies_and_none_is_taken(tmp_path):
    tally = await lied_to(tmp_path, 120, 1)
    assert len(tally.lies) == len(set(LIES))
    assert len(tally.codes) >= 15, tally.codes
    assert "quorum-missing" in tally.codes


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
async def test_r1_a_thousand_lies_and_none_is_taken(tmp_path, seed):
    tally = await lied_to(tmp_path, 120, 100 + seed)
    print(seed, dict(tally.lies), dict(tally.codes))
    assert len(tally.codes) >= 15, tally.codes
