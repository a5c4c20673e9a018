"""A device's own keys over time: replaced before they are due, destroyed 30 days after.

A rotation goes in steps, and whoever is killed between two of them goes on with the same new key at the
next sync: the new key is in the keyring, durable; then the statement and the key's public half are in the
outbox, durable; then they are sent, unchanged each time; then the log says so, and the old key is retired.
So a home never makes a second new key for one old key, and no key is announced that it could lose.

A replaced key opens for 30 days more, then it is destroyed: by this clock and by the log's, whichever is
behind, so that neither a wrong clock nor a hub can hurry it. Sending is the callers'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from poc.client import statements
from poc.client.filing import sealing_value
from poc.client.known import Known
from poc.client.statements import Filed
from poc.core.bodies import Rotate, jwk_form
from poc.core.directory import DeviceState, Directory, KeyRecord
from poc.core.form import form_value
from poc.core.keys import SealingKey, SigningKey
from poc.core.statement import SignedStatement, read_signed_statement, read_statement
from poc.core.strictjson import format_time, parse
from poc.errors import PocError, RefusedError
from poc.keyring import KEYRING_NAME, KeyEntry, read_index
from poc.limits import KEY_DAYS_KEPT, ROTATE_AHEAD_DAYS

ROTATE_DAYS: Final = 90  # as long as a sealing key may serve; a desk that opens replaces it after 60
_UNDER_WAY: Final = frozenset({"waiting", "submitted"})


# --- replacing ---------------------------------------------------------------------------------


def is_due(known: Known) -> bool:
    """Whether this home's device should replace its sealing key now, and can: it is unlocked and may sign."""
    if known.keyring is None:
        return False
    try:
        device = known.own_device()
    except RefusedError:
        return False
    contact = known.effective.contacts.get(known.party or "")
    return _is_near(device, known.now()) and (contact is None or contact.frozen is None)


def _is_near(device: DeviceState, now: datetime) -> bool:
    return device.rotate_by - now <= timedelta(days=ROTATE_AHEAD_DAYS)


async def next_rotation(
    known: Known, random: Callable[[int], bytes], *, signing: bool = False, days: int = ROTATE_DAYS
) -> Filed:
    """The statement that replaces a key of this home's device: the one under way, or a new one.

    The new key is durable when this returns. Raises ``no-device``, ``home-in-use``, ``storage-failed``.
    """
    device, party = known.own_device(), known.party or ""
    replaced = device.kid if signing else device.sealing_kid
    key = known.keys.next_of(replaced) or await _make_next(known, random, replaced, signing=signing)
    waiting = _sent_before(known, device.kid, key)
    if waiting is not None:
        return waiting
    body: dict[str, Any] = {"kid": device.kid, "signing": None, "sealing": None}
    if isinstance(key, SigningKey):
        body["signing"] = form_value(jwk_form(key.public))
    else:
        body["sealing"] = sealing_value(key.public, known.now() + timedelta(days=days))
    payload = statements.compose(known.directory, "contact.rotate", party, body, known.now())
    return _filed(statements.sign(statements.bare(payload), known.keys, known.directory), key)


def under_way(known: Known) -> Filed | None:
    """A rotation of this home's device that waits for the hub or the log, whoever began it."""
    try:
        device = known.own_device()
    except RefusedError:
        return None
    keys = (known.keys.next_of(kid) for kid in (device.sealing_kid, device.kid))
    found = (_sent_before(known, device.kid, key) for key in keys if key is not None)
    return next((filed for filed in found if filed is not None), None)


async def _make_next(
    known: Known, random: Callable[[int], bytes], replaced: str, *, signing: bool
) -> SigningKey | SealingKey:
    """Make the new key and keep it, durable, before anyone hears of it."""
    keys, party, now = known.keys, known.party or "", known.now()
    key: SigningKey | SealingKey
    if signing:
        key = keys.add_signing("device", party, now, random, replaces=replaced)
    else:
        key = keys.add_sealing(party, now, random, replaces=replaced)
    await keys.save_new(key.kid)
    return key


def _sent_before(known: Known, device: str, key: SigningKey | SealingKey) -> Filed | None:
    """The statement by this device's key that brings the new key and was not refused, if there is one."""
    for row in known.trust.unsettled("statement"):
        signed = read_signed_statement(parse(row.body))
        body = read_statement(signed.payload).body
        if row.state not in _UNDER_WAY or not isinstance(body, Rotate) or body.kid != device:
            continue
        if key.kid in {brought.kid for brought in (body.signing, body.sealing) if brought is not None}:
            return _filed(signed, key)
    return None


def _filed(signed: SignedStatement, key: SigningKey | SealingKey) -> Filed:
    return Filed(signed, (), (key.public,) if isinstance(key, SealingKey) else ())


def rotation_value(known: Known, filed: Filed) -> dict[str, Any]:
    """How a rotation of this home's device stands, for programs."""
    row = known.trust.outbox_row("statement", filed.ref)
    body: Any = read_statement(filed.signed.payload).body
    return {
        "party": known.party,
        "key": (body.signing or body.sealing).kid,
        "use": "sign" if body.sealing is None else "seal",
        "rotate_by": None if body.sealing is None else format_time(body.sealing.rotate_by),
        "state": "waiting" if row is None else row.state,
    }


async def retire_ended(known: Known) -> list[tuple[KeyEntry, KeyRecord]]:
    """Mark the keys of this home that the log has ended; sealing keys still open. Gives those marked now.

    Raises ``home-in-use``, ``storage-failed``: then the next sync does it.
    """
    if known.keyring is None:
        return []
    records = known.directory.keys
    ended = [
        (entry, record)
        for entry in known.keyring.list()
        if entry.retired_at is None
        and (record := records.get(entry.kid)) is not None
        and record.until is not None
    ]
    for entry, _ in ended:
        known.keyring.retire(entry.kid, known.now())
    if ended:
        await known.keyring.save_in_thread()
    return ended


# --- destroying --------------------------------------------------------------------------------


def destroyed_from(directory: Directory, kid: str) -> datetime | None:
    """When a key of a device that the log has ended is to be destroyed; ``None`` for any other key."""
    record = directory.keys.get(kid)
    if record is None or record.until is None or record.role not in ("device", "sealing"):
        return None
    return directory.logged_ats[record.until] + timedelta(days=KEY_DAYS_KEPT)


def certain_now(known: Known) -> datetime:
    """A moment that has passed by this clock and by the log: its newest entry, or what witnesses cosigned."""
    told = known.directory.logged_at
    if known.cosigned_at is not None:
        told = max(told, known.cosigned_at)
    return min(known.now(), told)


async def destroy_old(known: Known) -> list[KeyEntry]:
    """Destroy the device's keys that were replaced, or ended otherwise, more than 30 days ago; gives them.

    Call it only after everything that the hub has for this device was fetched and opened. Keys of
    authorities, registrars, witnesses and hubs are never destroyed here.

    Raises ``home-in-use``, ``storage-failed``: then they are here still, and the next sync does it.
    """
    if known.keyring is None:
        return []
    now = certain_now(known)
    keys = known.keyring
    await asyncio.to_thread(keys.mend)
    old = [
        entry
        for entry in keys.list()
        if entry.role == "device"
        and (at := destroyed_from(known.directory, entry.kid)) is not None
        and at <= now
    ]
    for entry in old:
        keys.destroy(entry.kid, known.now())
    if old:
        try:
            await keys.save_in_thread()
        except PocError:
            keys.reload(anyway=True)
            raise
    return old


# --- what is told ------------------------------------------------------------------------------


def locked_warnings(known: Known) -> list[str]:
    """That this home's device is due for a new sealing key and cannot make one, because it is locked."""
    home = known.trust.path.parent
    if known.keyring is not None or not (home / KEYRING_NAME).exists():
        return []
    here = {row["kid"] for row in read_index(home)}
    try:
        devices = known.directory.devices_of(known.party or "")
    except RefusedError:
        return []
    return [
        f"{known.party}: the sealing key of device {device.number} is to be replaced by "
        f"{format_time(device.rotate_by)}, and the keyring is locked: run `poc sync` with its passphrase"
        for device in devices
        if device.kid in here and _is_near(device, known.now())
    ]
