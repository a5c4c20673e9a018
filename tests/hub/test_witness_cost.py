"""What a quorum costs whoever logs a statement: with witnesses and without, in one run."""

from __future__ import annotations

import asyncio
import time

import pytest

from poc.core.iso3166 import ALPHA_2
from tests.registry import REGISTRARS, enrolment, signed
from tests.witnessed_world import STATES, WitnessedWorld

_STATES = sorted(ALPHA_2 - set(STATES))
ONE_BY_ONE, AT_ONCE = _STATES[:10], _STATES[10:40]


async def _logged_in(world: WitnessedWorld) -> tuple[float, float]:
    """Seconds a statement, one by one and many at once, each until it is answered."""

    def statement(state: str):
        payload = world.registry.payload("state.enrol", state, enrolment(state))
        return signed(payload, *REGISTRARS, f"{state} authority")

    world.sync()
    one_by_one, at_once = ([statement(state) for state in states] for states in (ONE_BY_ONE, AT_ONCE))
    began = time.perf_counter()
    for made in one_by_one:
        await world.hub.registry.submit(made)
    alone = (time.perf_counter() - began) / len(one_by_one)
    began = time.perf_counter()
    await asyncio.gather(*(world.hub.registry.submit(made) for made in at_once))
    return alone, (time.perf_counter() - began) / len(at_once)


@pytest.mark.long
async def test_a_quorum_of_three_is_waited_for_once_for_all_that_come_together(tmp_path, record_property):
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    world = WitnessedWorld(tmp_path / "with")
    async with world.running():
        await world.seat()
        alone, together = await _logged_in(world)
    bare = WitnessedWorld(tmp_path / "without", (), quorum="none")
    async with bare.running():
        bare_alone, bare_together = await _logged_in(bare)
    told = (
        f"a statement with 3 witnesses {alone * 1000:.1f} ms, without {bare_alone * 1000:.1f}: "
        f"ratio {alone / bare_alone:.1f}; {len(AT_ONCE)} at once {together * 1000:.2f} ms each, without "
        f"{bare_together * 1000:.2f}: ratio {together / bare_together:.1f}"
    )
    print(told)
    record_property("full count", told)
    assert together < alone
