"""Desks of a registry with witnesses: known from a file alone, or against a real hub with real witnesses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from poc.client.known import Known
from poc.client.sdk import Desk
from poc.client.trust import Trust
from poc.core.note import read_note
from poc.core.strictjson import canonical
from tests import registry as made
from tests.desk_world import SIDES, keyring
from tests.registry import REGISTRARS, Registry, cosigner, enrolment, jwk
from tests.witnessed_world import WitnessedWorld

WITNESSED = ("bh", "jo", "om", "sd")
FRESHNESS = 86_400


def actual_registry(
    nominate: Callable[[Registry], None] = lambda made: made.nominate(*SIDES), **changes: object
) -> Registry:
    """Four members with recovery keys, two contacts, four witnesses in force: ``actual`` is admitted."""
    registry = Registry(
        quorum="two-thirds", statuses=["actual", "exercise", "test"], objection_seconds=3600,
        freshness_seconds=FRESHNESS, **changes,
    )  # fmt: skip
    for state in WITNESSED:
        body = enrolment(state, recovery=jwk(f"{state} recovery"))
        registry.submit("state.enrol", state, body, *REGISTRARS, f"{state} authority", f"{state} recovery")
    registry.tick(3600)
    registry.attest()
    nominate(registry)
    registry.seat(*WITNESSED)
    return registry


def known_of(folder, registry, note, party=SIDES[0]):
    """A desk's knowledge of a log and a note over it, as if synced; its clock is the registry's."""
    folder.mkdir(exist_ok=True)
    trust = Trust(folder / "trust.db", create=True)
    trust.add_entries(0, registry.leaves, note)
    for contact in SIDES:
        key = made.sealing_key(f"{contact} 1").public
        trust.put_sealing_key(key.kid, canonical(key.jwk()))
    known = Known(trust, party, lambda: registry.now)
    known.keyring = keyring(folder, party, registry.now)
    return known


def again(known):
    """The same home opened anew."""
    return Known(Trust(known.trust.path), known.party, known._clock)


def cosigned_by(note, world, *witnesses, at=0):
    """A hub's checkpoint with its cosignatures taken off and those of these witnesses put on."""
    text, _ = read_note(note)
    log_line = note[len(text.encode()) + 1 :].splitlines(keepends=True)[0]
    time = int(world.now.timestamp()) + at
    lines = [str(cosigner(name).cosign(text, time)).encode() for name in witnesses]
    return text.encode() + b"\n" + log_line + b"".join(lines)


@asynccontextmanager
async def witnessed_desks(tmp_path):
    """A hub with three witnesses in force (quorum 2), and the desks of both sides, synced."""
    (tmp_path / "w").mkdir()
    world = WitnessedWorld(tmp_path / "w")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(world.running())
        for contact in SIDES:
            label = f"{contact} 1"
            await world.submit(
                "contact.nominate", contact, made.nomination(contact), f"{contact[:2]} authority", label
            )
            key = made.sealing_key(label).public
            await world.ask("PUT", f"/v1/keys/{key.kid}", canonical(key.jwk()), who=label)
        await world.seat()
        await published(world)
        desks = [await stack.enter_async_context(await joined(tmp_path, world, party)) for party in SIDES]
        for desk in desks:
            await desk.sync()
        yield world, desks


async def joined(tmp_path, world, party):
    desk = await Desk.join(
        tmp_path / party, world.origin, world.registry.directory.fingerprint, party=party,
        http=world.session, clock=lambda: world.now,
    )  # fmt: skip
    desk.use_keyring(keyring(tmp_path / party, party, world.now))
    return desk


async def published(world):
    """Wait until the hub shows its newest head with a quorum."""
    await world.until(lambda: world.hub.witnesses.published.size == world.directory.size)


def later(world, **span):
    world.now += timedelta(**span)
