"""A small registry with all that a snapshot may hold, and snapshots of it. For tests; nothing is random."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

from poc.core.checkpoint import Checkpoint, sign_checkpoint
from poc.core.keys import SealingPublicKey
from poc.core.merkle import CompactRange, leaf_hash
from poc.core.snapshot import OpeningOf, build_snapshot
from poc.core.statement import make_entry
from poc.core.strictjson import b64u, canonical, parse
from tests.registry import (
    ORIGIN,
    REGISTRARS,
    Registry,
    card,
    log_signer,
    nomination,
    openings,
    sealing_key,
    signed,
    usual,
)

CONTACTS = ("jo.diplomatic", "jo.technical", "sd.diplomatic", "sd.technical")
LISTED = "sd.duty"
CONTROLLER = "x-arcc.controller-1"


@cache
def registry() -> Registry:
    """Two States with two contacts each, one more that is only listed, a controller, a confirmation."""
    made = usual()
    body = {"role": "duty", "alternate_of": None, "source": "a published list", "card": card(LISTED)}
    made.submit("contact.record", LISTED, body, *REGISTRARS)
    confirmed = {"entry": made.newest("jo.technical").leaf_hash}
    made.submit("contact.confirm", "jo.technical", confirmed, "jo authority")
    return made


def held() -> list[OpeningOf]:
    """Every opening there is."""
    return [OpeningOf(contact=c, opening=o) for c in (*CONTACTS, LISTED) for o in openings(c)]


def sealing_keys() -> list[SealingPublicKey]:
    """Every sealing key there is."""
    return [sealing_key(f"{party} 1").public for party in (*CONTACTS, CONTROLLER)]


def snapshot(of: Registry | None = None, **changes: Any) -> bytes:
    """A snapshot of all there is, but for the changes."""
    made = of or registry()
    named: dict[str, Any] = {
        "origin": ORIGIN,
        "made_at": made.now,
        "note": made.checkpoint(),
        "leaves": made.leaves,
        "openings": held(),
        "sealing_keys": sealing_keys(),
    }
    return build_snapshot(**{**named, **changes})


def closed(value: dict[str, Any]) -> bytes:
    """A snapshot's value with the closing hash it ought to have: what a forger would write."""
    rest = canonical({**value, "sha256": None})
    return canonical({**value, "sha256": b64u(hashlib.sha256(b"poc/1 snapshot\0" + rest).digest())})


def forged(data: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """A snapshot changed in place by ``change`` and closed anew."""
    value: Any = parse(data)
    change(value)
    return closed(value)


def long_registry(size: int) -> tuple[list[bytes], bytes, str]:
    """A log of so many entries, its checkpoint and fingerprint, composed without applying each.

    Eight contacts of four States; of four entries one updates a contact, three confirm it.
    """
    made = Registry()
    states = ("eg", "iq", "jo", "sd")
    made.enrol(*states)
    contacts = [f"{state}.{role}" for state in states for role in ("technical", "diplomatic")]
    made.nominate(*contacts)
    leaves, now = made.leaves, made.now
    chains = {contact: (1, made.newest(contact).leaf_hash) for contact in contacts}
    while len(leaves) < size:
        number = len(leaves)
        contact = contacts[number % len(contacts)]
        version, newest = chains[contact]
        now += timedelta(seconds=1)
        if number // len(contacts) % 4 == 0:
            body = {**nomination(contact), "machine_receipts": version % 2 == 0}
            del body["devices"]
            payload = made.payload("contact.update", contact, body, chain=(version, newest), issued_at=now)
        else:
            payload = made.payload("contact.confirm", contact, {"entry": newest}, issued_at=now)
        entry = make_entry(signed(payload, f"{contact.split('.', 1)[0]} authority"), now)
        if number // len(contacts) % 4 == 0:
            chains[contact] = (version + 1, entry.leaf_hash)
        leaves.append(entry.leaf)
    tree = CompactRange()
    for leaf in leaves:
        tree = tree.append(leaf_hash(leaf))
    note = sign_checkpoint(Checkpoint(ORIGIN, tree.size, tree.root()), log_signer())
    return leaves, note, made.directory.fingerprint
