"""Handing an office over: one nomination in which the outgoing devices end and the successor's come.

Composes the body and says in words what it does. Who signs it is decided in ``core.rules``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from poc.client.filing import PublicKeys, numbered_devices, sealing_ref_value
from poc.core.bodies import jwk_form
from poc.core.directory import Contact, DeviceState, Directory
from poc.core.form import form_value
from poc.errors import RefusedError


@dataclass(frozen=True, slots=True)
class Handover:
    """The body of the nomination, and which devices end, stay and come, by number."""

    contact: Contact
    body: dict[str, Any]
    ends: tuple[int, ...]
    stay: tuple[int, ...]
    come: tuple[int, ...]

    def words(self, *, new_card: bool) -> list[str]:
        """What it does, for whoever is about to sign it."""
        contact, told = self.contact, []
        told.append(f"{contact.id} is handed over. From this entry on:")
        told.append(f"  end for good: {_numbers(self.ends)}; stay: {_numbers(self.stay)}")
        told.append(f"  come as new: {_numbers(self.come)}; each must sign this too, by its own desk")
        told.append(
            "  the outgoing office reads what its desks fetched by then, nothing after it: sync them first"
        )
        told.append("  it signs and sends nothing more")
        told.append(
            "  the successor can read nothing that was sent before; what it needs is handed over by hand"
        )
        if contact.card.person is not None and not new_card:
            told.append("  the card still names the person it named: give --card where that person leaves")
        if contact.frozen is not None:
            told.append("  it stays frozen until its authority thaws it")
        return told


def hand_over(
    directory: Directory,
    contact: Contact,
    new: Sequence[tuple[PublicKeys, list[str]]],
    *,
    keep: Collection[int],
    card: dict[str, Any] | None,
    rotate_by: datetime,
) -> Handover:
    """A handover to the devices of ``new``; those in ``keep`` stay as they are.

    Raises ``no-device`` for a number that is not active, ``bad-key-file`` for keys of another party or of
    a device that is active, ``nothing-ends`` where every device would stay.
    """
    active = {device.number: device for device in contact.devices}
    unknown = sorted(set(keep) - active.keys())
    if unknown:
        raise RefusedError(
            "no-device", f"{contact.id} has no active device {unknown[0]}; {_numbers(tuple(active))}"
        )
    kids = {device.kid: device.number for device in contact.devices}
    for keys, _ in new:
        if keys.party != contact.id:
            raise RefusedError("bad-key-file", f"the keys are of {keys.party}")
        number = next((kids[key.kid] for key in keys.signing if key.kid in kids), None)
        if number is not None:
            raise RefusedError(
                "bad-key-file", f"device {number} is active with this key; keep it by --keep {number}"
            )
    ends = tuple(number for number in active if number not in keep)
    if active and not ends:
        raise RefusedError("nothing-ends", contact.id)
    come = numbered_devices(contact, new, rotate_by)
    devices = [*(_as_it_is(directory, active[number]) for number in sorted(set(keep))), *come]
    body = {
        "role": contact.role,
        "alternate_of": contact.alternate_of,
        "card": form_value(contact.card) if card is None else card,
        "machine_receipts": contact.machine_receipts,
        "custody": contact.custody,
        "devices": devices,
    }
    return Handover(contact, body, ends, tuple(sorted(set(keep))), tuple(device["number"] for device in come))


def _as_it_is(directory: Directory, device: DeviceState) -> dict[str, Any]:
    key = directory.key(device.kid).verify_key
    if key is None:
        raise RefusedError("unknown-key", f"key {device.kid[:12]}…")
    return {
        "number": device.number,
        "key": form_value(jwk_form(key)),
        "sealing": sealing_ref_value(device.sealing_kid, device.rotate_by),
        "may": sorted(device.may),
    }


def _numbers(numbers: Sequence[int]) -> str:
    """``device 1, device 2`` or ``none``."""
    return ", ".join(f"device {number}" for number in numbers) or "none"
