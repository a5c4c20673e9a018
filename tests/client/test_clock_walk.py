"""Two years of a registry by a driven clock: desks that open on days of their own, and never a gap.

Every desk opens at random times, some daily, some twice a year. Each day one sealing key of each device is
in force; what was sent is opened at the recipient's next opening; what was proved two years ago still is.
"""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta

import pytest

from poc import keyring as module
from poc.client.sdk import Desk
from poc.core.envelope import read_header
from poc.core.proof import verify_evidence
from poc.core.rules import apply_all
from poc.core.statement import read_entry
from poc.limits import ENVELOPE_DAYS_KEPT, KEY_DAYS_KEPT
from tests import registry as made
from tests.conftest import LONG
from tests.desk_world import CONTROLLER, SIDES, draft, keyring, registry
from tests.hub_world import World

DAYS = 730
SEEDS = range(3 if LONG else 1)
# How many days pass between two openings of a desk, about.
GAPS = {"jo.technical": (1, 3), "sd.technical": (5, 50), CONTROLLER: (160, 200)}
STEP_DAYS = 1 if LONG else 45  # the quick walk looks now and then only


@pytest.mark.parametrize("seed", [pytest.param(n, marks=pytest.mark.long if LONG else ()) for n in SEEDS])
async def test_two_years_pass_without_a_gap(tmp_path, monkeypatch, seed: int) -> None:
    for bound in ("ROUNDS", "ROUNDS_MIN"):
        monkeypatch.setattr(module, bound, 1000)
    dice = random.Random(seed)
    (tmp_path / "hub").mkdir()
    world = World(tmp_path / "hub", registry())
    world.clock_confirmed = True
    async with world.running():
        await world.fill()
        desks = {party: await opened(world, tmp_path / party, party) for party in (*SIDES, CONTROLLER)}
        first = await proved(*(desks[party] for party in SIDES))
        start, opens = world.now, dict.fromkeys(desks, 0)
        sent: dict[str, list[tuple[str, datetime]]] = {party: [] for party in SIDES}
        seen = 0
        for day in range(0, DAYS, STEP_DAYS):
            world.now = start + timedelta(days=day)
            for party, desk in desks.items():
                if day < opens[party]:
                    continue
                opens[party] = day + dice.randint(*GAPS[party])
                report = await desk.sync()
                assert (report.failed, report.rejected) == ([], [])
                seen += open_all(desk, sent.pop(party, []), world.now)
                sent[party] = []
                check_home(desk, world.now)
                if party in SIDES:
                    await send(desk, sent, world.now)
        check_every_entry(desks["jo.technical"])
        fingerprint = world.registry.directory.fingerprint
        assert verify_evidence(first, fingerprint).problems == ()
        kept = await desks["jo.technical"].evidence(read_id(first))
        assert verify_evidence(kept, fingerprint).problems == ()
        assert seen >= DAYS // STEP_DAYS // 10
        for desk in desks.values():
            await desk.close()


async def opened(world, home, party):
    key = made.sealing_key(f"{party} 1").public
    await world.ask("PUT", f"/v1/keys/{key.kid}", key.jwk(), who=f"{party} 1")
    desk = await Desk.join(
        home, world.origin, world.registry.directory.fingerprint, party=party,
        http=world.session, clock=lambda: world.now,
    )  # fmt: skip
    desk.use_keyring(keyring(home, party, world.now))
    desk.keys.save()
    await desk.sync()
    return desk


async def proved(jo, sd):
    """The evidence file of a message that was acknowledged on the first day."""
    await jo.sync()
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    await sd.acknowledge(sent.id)
    await jo.sync()
    return await jo.evidence(sent.id)


def read_id(evidence):
    return read_header(json.loads(evidence)["envelope"]["protected"]).id


async def send(desk, sent, now):
    (other,) = set(SIDES) - {desk.party}
    message = await desk.send_message(draft(desk, expires_at=now + timedelta(days=30)), [other])
    assert message.state == "accepted", message
    sent.setdefault(other, []).append((message.id, now + timedelta(days=30)))


def open_all(desk, messages, now):
    """Every message sent to a desk since it opened last opens, as long as the hub keeps it."""
    life = timedelta(days=ENVELOPE_DAYS_KEPT)
    living = [message for message, expires_at in messages if expires_at + life > now]
    for message in living:
        assert desk.show(message).message.subject == "A seeded subject"
    return len(living)


def check_home(desk, now):
    """One key in force here, no announced key lacks its body, and none is older than its time."""
    device = desk.directory.devices_of(desk.party)[0]
    ours = [e for e in desk.keys.list() if e.use == "seal"]
    assert [e.kid for e in ours if e.retired_at is None] == [device.sealing_kid]
    assert device.rotate_by > now
    for entry in ours:
        record = desk.directory.key(entry.kid)
        if record.until is not None:
            replaced_at = desk.directory.logged_ats[record.until]
            assert (
                desk.directory.logged_at < replaced_at + timedelta(days=KEY_DAYS_KEPT) or replaced_at == now
            )


def check_every_entry(desk):
    """After every entry of the log each device has one sealing key that is good, and it is the newest."""
    directory = None
    for leaf in desk.known.trust.leaves():
        directory = apply_all(directory, [read_entry(leaf)])
        for party in {*directory.contacts, *directory.controllers}:
            good = [
                record.kid
                for record in directory.keys.values()
                if (record.role, record.holder) == ("sealing", party) and record.is_good_at(directory.size)
            ]
            assert good == [device.sealing_kid for device in directory.devices_of(party)]
