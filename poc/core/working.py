"""The working copy that rules change while entries are applied. Never seen outside the rules.

Holds the claim and the ending of keys, which every kind of statement shares: a key has one holder
and one role for ever (DESIGN section 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from poc.core.directory import Anchor, Contact, DeviceState, Directory, Ending, KeyRecord
from poc.errors import RefusedError


class Working:
    """A directory with tables of its own. A refusal leaves it half changed: it is then thrown away."""

    def __init__(self, directory: Directory) -> None:
        """Copy the tables once, however many entries follow."""
        self.states = dict(directory.states)
        self.contacts = dict(directory.contacts)
        self.controllers = dict(directory.controllers)
        self.keys = dict(directory.keys)
        self.witnesses = dict(directory.witnesses)
        self.payloads = set(directory.payloads)
        self.logged_ats = list(directory.logged_ats)
        self.directory = replace(
            directory,
            states=self.states,
            contacts=self.contacts,
            controllers=self.controllers,
            keys=self.keys,
            witnesses=self.witnesses,
            payloads=self.payloads,
            logged_ats=self.logged_ats,
        )

    def set(self, **changes: Any) -> None:
        """Change members that are not tables."""
        self.directory = replace(self.directory, **changes)

    def claim(self, record: KeyRecord) -> None:
        """Give a key its holder and role. Raises ``key-was-revoked`` or ``key-in-use``."""
        found = self.keys.get(record.kid)
        if found is not None:
            code = "key-in-use" if found.until is None else "key-was-revoked"
            raise RefusedError(code, f"key {record.kid[:12]}… of {found.holder}")
        self.keys[record.kid] = record

    def end(self, kid: str, index: int, ended: Ending) -> None:
        """End a key with the entry of that index."""
        self.keys[kid] = replace(self.keys[kid], until=index, ended=ended)

    def withdraw_contact(self, contact: Contact, index: int) -> None:
        """End every key of a contact and any freeze, and take it out; its chain and evidence stay."""
        self.end_devices(contact.devices, index, "withdrawn")
        freezes = tuple(f if f.until is not None else replace(f, until=index) for f in contact.freezes)
        self.contacts[contact.id] = replace(contact, devices=(), freezes=freezes, withdrawn=True)

    def end_devices(self, devices: Iterable[DeviceState], index: int, ended: Ending) -> None:
        """End both keys of each device with the entry of that index."""
        for device in devices:
            for kid in (device.kid, device.sealing_kid):
                self.end(kid, index, ended)

    def check_id(self, subject: str, *tables: Mapping[str, object]) -> None:
        """Refuse an id that another kind of party has. Raises ``bad-party-id``."""
        policies = (self.directory.settings, *self.directory.pending_settings)
        named = {registrar.id for settings in policies for registrar in settings.registrars}
        if subject in named or any(subject in table for table in tables):
            raise RefusedError("bad-party-id", f"{subject} is another kind of party already")


def superseded(newest: Anchor | None, what: str) -> RefusedError:
    """The refusal of a statement that no longer fits, with the leaf hash to build on."""
    return RefusedError("superseded", what, newest=None if newest is None else newest.leaf_hash)
