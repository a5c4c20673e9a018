"""Homes of one office with several devices, offline, of a registry that admits ``actual``."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from poc.client.api import HubClient
from poc.client.home import create_home
from poc.client.known import Known
from poc.client.sdk import Desk
from poc.client.trust import Trust
from poc.config import load_desk_settings
from poc.core.clearance import Addressed
from poc.core.draft import AttachmentBytes
from poc.core.strictjson import canonical, domain_hash
from poc.keyring import Keyring
from tests import registry as made
from tests.desk_world import PASSPHRASE
from tests.message_world import draft as plain_draft
from tests.message_world import text_body
from tests.quorum_world import actual_registry
from tests.registry import Registry, device

OFFICE, OTHER, ADDRESSEE = "jo.technical", "jo.diplomatic", "sd.technical"
SUBJECT, TEXT, FILE = (
    "A seeded subject",
    "A seeded text, never to lie about in clear.",
    b"a seeded attachment\n",
)
NOBODY = "http://127.0.0.1:9"
# What each device of the office may; 1 draws up and releases, 2 prepares, 3 is a responder, 4 only answers.
RIGHTS = {
    1: "acknowledge change retrieve send",
    2: "acknowledge retrieve send",
    3: "retrieve",
    4: "acknowledge retrieve",
}
LABELS = [*(f"{OFFICE} {number}" for number in RIGHTS), f"{OTHER} 1", f"{ADDRESSEE} 1"]


def nominations() -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """The office with its four devices, another office of its State, the addressee: id, body, new keys."""
    devices = [device(f"{OFFICE} {number}", number, may=may) for number, may in RIGHTS.items()]
    for contact, changes in (
        (OFFICE, {"devices": devices}),
        (OTHER, {"role": "diplomatic"}),
        (ADDRESSEE, {}),
    ):
        body = made.nomination(contact, **changes)
        yield contact, body, [f"{contact} {row['number']}" for row in body["devices"]]


def nominate(registry: Registry) -> None:
    """Nominate them all."""
    for contact, body, labels in nominations():
        registry.submit("contact.nominate", contact, body, f"{contact[:2]} authority", *labels)


REGISTRY = actual_registry(nominate)
NOTE = REGISTRY.cosigned(*REGISTRY.seated)


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: datetime = REGISTRY.now) -> None:
        self.now = now

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def __call__(self) -> datetime:
        return self.now


def fork_of(registry: Registry = REGISTRY) -> Registry:
    """A registry that goes on by itself from there."""
    other = copy.copy(registry)
    other.entries = list(registry.entries)
    return other


def keys_of(folder: Path, label: str, now: datetime) -> Keyring:
    """The keyring of a device by its label, such as ``jo.technical 2``."""
    party = label.rsplit(" ", 1)[0]
    keys = Keyring.create(folder, PASSPHRASE)
    keys.add_signing("device", party, now, lambda _: domain_hash("poc/1 test key", label.encode()))
    keys.add_sealing(party, now, lambda _: domain_hash("poc/1 test key", b"seal " + label.encode()))
    return keys


@cache
def trust_of(party: str) -> tuple[bytes, Known]:
    """``trust.db`` of an office that has verified the whole log, and what it knows by it; made once."""
    with TemporaryDirectory() as folder:
        trust = Trust(Path(folder) / "trust.db", create=True)
        trust.add_entries(0, REGISTRY.leaves, NOTE)
        for other in LABELS:
            key = made.sealing_key(other).public
            trust.put_sealing_key(key.kid, canonical(key.jwk()))
        known = Known(trust, party, Clock())
        trust.close()
        return (Path(folder) / "trust.db").read_bytes(), known


def home_of(folder: Path, label: str) -> Path:
    """A device's home that has verified the whole log, as if synced; nobody answers at its hub."""
    home, party = folder / label.replace(" ", "-"), label.rsplit(" ", 1)[0]
    origin, pin = REGISTRY.directory.origin, REGISTRY.directory.fingerprint
    create_home(home, hub_url=NOBODY, origin=origin, fingerprint=pin, party=party)
    (home / "trust.db").write_bytes(trust_of(party)[0])
    return home


def desk_of(folder: Path, label: str, clock: Clock) -> Desk:
    """The desk of a home made for it, its keyring in memory; its directory is not computed again."""
    home = home_of(folder, label)
    settings = load_desk_settings(home)
    known = copy.copy(trust_of(settings.party or "")[1])
    known.trust, known._clock, known._ranges = Trust(home / "trust.db"), clock, list(known._ranges)
    known.keyring = keys_of(home, label, clock.now)
    hub = HubClient(settings.hub_url, None, known.request_keys(), clock, made_random())
    return Desk(home, settings, known, hub, made_random())


def made_random() -> Any:
    """Bytes that differ from call to call and are the same in every run."""
    count = 0

    def random(size: int) -> bytes:
        nonlocal count
        count += 1
        return (domain_hash("poc/1 test random", str(count).encode()) * 2)[:size]

    return random


def addressed(clock: Clock, **changes: Any) -> Addressed:
    """A test message to Sudan with a text and an attachment; ``status="actual"`` for another."""
    members: dict[str, Any] = {
        "status": "test", "exercise": None, "subject": SUBJECT, "body": text_body(TEXT),
        "expires_at": clock.now + timedelta(days=1),
        "attachments": (AttachmentBytes("note.txt", "text/plain", FILE),),
    }  # fmt: skip
    return Addressed(plain_draft(**{**members, **changes}), (ADDRESSEE,), ())
