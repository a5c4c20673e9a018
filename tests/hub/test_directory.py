"""Property: any admissible order of statements gives, from the served log, the directory the hub holds."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from poc.core.rules import apply_all
from poc.core.statement import read_entry
from poc.core.strictjson import b64u
from poc.core.tiles import decode_entries
from tests.hub_world import World
from tests.registry import REGISTRARS, Registry, device, enrolment, nomination, signed, signing_key

STATES = ("eg", "iq", "jo", "sd")
KINDS = ("enrol", "nominate", "update", "add", "revoke", "appoint")


def statement(world, kind, state):
    """A statement of that kind about that State as the hub's directory has it now; it may be refused."""
    registry, contact = world.registry, f"{state}.technical"
    registry.now, registry.directory = world.now, world.hub.log.view.directory
    match kind:
        case "enrol":
            payload = registry.payload("state.enrol", state, enrolment(state))
            return signed(payload, *REGISTRARS, f"{state} authority")
        case "nominate":
            payload = registry.payload("contact.nominate", contact, nomination(contact))
            return signed(payload, f"{state} authority", f"{contact} 1")
        case "update":
            body = {k: v for k, v in nomination(contact, role="duty").items() if k != "devices"}
            return signed(registry.payload("contact.update", contact, body), f"{state} authority")
        case "add":
            known = registry.directory.contacts.get(contact)
            number = 1 if known is None else known.highest_number + 1
            entry = b64u(bytes(32)) if known is None else known.nomination.leaf_hash
            body = {"entry": entry, "device": device(f"{contact} {number}", number)}
            payload = registry.payload("contact.device-add", contact, body)
            return signed(payload, f"{state} authority", f"{contact} {number}")
        case "revoke":
            body = {"kid": signing_key(f"{contact} 1").kid, "reason": "routine", "suspected_since": None}
            return signed(registry.payload("contact.device-revoke", contact, body), f"{state} authority")
    body = {"names": {"en": "C"}, "body": "x-arcc", "devices": [device("x-arcc.controller-1 1")]}
    payload = registry.payload("controller.appoint", "x-arcc.controller-1", body)
    return signed(payload, *REGISTRARS, "x-arcc.controller-1 1")


async def play(home, steps):
    async with World(home, Registry()).running() as world:
        for kind, state in steps:
            await world.ask("POST", "/v1/statements", statement(world, kind, state).value())
        view = world.hub.log.view
        size = view.directory.size
        status, data = await world.ask("GET", f"/tile/entries/000.p/{size}", who=REGISTRARS[0])
        assert status == 200
        again = apply_all(None, [read_entry(leaf) for leaf in decode_entries(data, size)])
        assert again == view.directory
        return size


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(STATES)), max_size=12))
def test_the_directory_of_the_served_log_is_the_hubs_own(steps):
    home = Path(tempfile.mkdtemp())
    try:
        assert asyncio.run(play(home, steps)) >= 1
    finally:
        shutil.rmtree(home)


def test_an_ordinary_order_is_admitted_whole(tmp_path):
    steps = [(kind, "jo") for kind in KINDS]
    assert asyncio.run(play(tmp_path, steps)) == 1 + len(steps)
