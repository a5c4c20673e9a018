"""Rules of ``contact.*`` and ``controller.*``: offices, their devices, and what changes them.

Who must sign stands in ``rules``. Every function here changes the working copy or refuses.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from poc.core.bodies import (
    ActsOn,
    Appoint,
    Device,
    DeviceAdd,
    DeviceRevoke,
    Nominate,
    Record,
    Rotate,
    SealingRef,
    Tested,
    Update,
)
from poc.core.directory import Anchor, Contact, Controller, DeviceState, Freeze, KeyRecord
from poc.core.form import PARTY_PATTERN, state_of
from poc.core.keys import VerifyKey
from poc.core.rules_state import check_state_id
from poc.core.statement import Statement
from poc.core.working import Working, superseded
from poc.errors import RefusedError
from poc.limits import DEVICES_MAX, ROTATE_BY_SECONDS_MAX

Party = Contact | Controller


def apply_record(work: Working, statement: Statement, body: Record, anchor: Anchor) -> None:
    """List a contact: no keys, nothing is sealed to it."""
    subject = statement.subject
    _check_party_id(subject)
    work.check_id(subject, work.controllers, work.witnesses)
    check_state_id(state_of(subject))
    found = work.contacts.get(subject)
    if found is not None and found.withdrawn:
        raise RefusedError("contact-withdrawn", subject)
    if found is not None and found.level == "verified":
        raise RefusedError("already-verified", subject)
    _check_alternate(work, subject, body.alternate_of)
    work.contacts[subject] = Contact(
        id=subject,
        state=state_of(subject),
        level="listed",
        role=body.role,
        alternate_of=body.alternate_of,
        card=body.card,
        machine_receipts=False,
        custody="own",
        devices=(),
        highest_number=0,
        version=statement.version or 1,
        newest=anchor,
        nomination=anchor,
        standing=anchor,
        confirmed_at=anchor.logged_at,
    )


def apply_nominate(work: Working, statement: Statement, body: Nominate, anchor: Anchor) -> None:
    """Nominate a contact, or nominate it anew: the devices listed stay or come, all others end.

    No right is demanded of any device: an office that only receives is a contact too. A freeze stays:
    only a thaw that names it ends it, so that a nomination signed before cannot. One withdrawn returns,
    without the tests that its old devices passed.
    """
    subject = statement.subject
    _check_party_id(subject)
    work.check_id(subject, work.controllers, work.witnesses)
    _check_alternate(work, subject, body.alternate_of)
    old = work.contacts.get(subject)
    devices, highest = _devices(work, subject, old, body.devices, statement.issued_at, anchor.index)
    work.contacts[subject] = Contact(
        id=subject,
        state=state_of(subject),
        level="verified",
        role=body.role,
        alternate_of=body.alternate_of,
        card=body.card,
        machine_receipts=body.machine_receipts,
        custody=body.custody,
        devices=devices,
        highest_number=highest,
        version=statement.version or 1,
        newest=anchor,
        nomination=anchor,
        standing=anchor,
        confirmed_at=anchor.logged_at,
        tested_at=None if old is None or old.withdrawn else old.tested_at,
        freezes=() if old is None else old.freezes,
    )


def apply_update(
    work: Working, statement: Statement, body: Update, anchor: Anchor, *, by_device: bool
) -> None:
    """Replace everything about a contact but its devices."""
    contact = _verified(work, statement.subject)
    if body.alternate_of != contact.alternate_of:  # whom it is an alternate of may have been withdrawn since
        _check_alternate(work, contact.id, body.alternate_of)
    work.contacts[contact.id] = replace(
        contact,
        role=body.role,
        alternate_of=body.alternate_of,
        card=body.card,
        machine_receipts=body.machine_receipts,
        custody=body.custody,
        version=statement.version or 1,
        newest=anchor,
        confirmed_at=contact.confirmed_at if by_device else anchor.logged_at,
        reach_changed_by_device_at=anchor.logged_at if by_device else None,
    )


def differs_only_in_reach(contact: Contact, body: Update) -> bool:
    """Whether an update leaves all but the reach part and machine receipts as they are."""
    same_card = (contact.card.office, contact.card.person) == (body.card.office, body.card.person)
    before = (contact.role, contact.alternate_of, contact.custody)
    return same_card and before == (body.role, body.alternate_of, body.custody)


def apply_device_add(
    work: Working, statement: Statement, body: DeviceAdd, anchor: Anchor, adders: tuple[DeviceState, ...]
) -> None:
    """Add a device; ``adders`` are the devices that signed for it, empty if an authority did."""
    party = _party(work, statement.subject)
    current = party.nomination if isinstance(party, Contact) else party.newest
    if body.entry != current.leaf_hash:
        raise superseded(current, "the nomination or appointment")
    if adders:
        allowed = frozenset[str].intersection(*(device.may for device in adders)) - {"change"}
        if not set(body.device.may) <= allowed:
            raise RefusedError("rights-too-wide", ", ".join(sorted(set(body.device.may) - allowed)))
    if len(party.devices) >= DEVICES_MAX:
        raise RefusedError("too-many-devices", f"{DEVICES_MAX} are active")
    if body.device.number != party.highest_number + 1:
        raise RefusedError("bad-device-number", f"{party.highest_number + 1} is next")
    added = _claim_device(work, party.id, body.device, statement.issued_at, anchor.index)
    _put(work, replace(party, devices=(*party.devices, added), highest_number=added.number))


def apply_device_revoke(work: Working, statement: Statement, body: DeviceRevoke, anchor: Anchor) -> None:
    """End a device's keys; what was anchored before stands."""
    party = _party(work, statement.subject)
    device = _device(party, body.kid)
    work.end_devices((device,), anchor.index, body.reason)
    _put(work, replace(party, devices=tuple(d for d in party.devices if d.number != device.number)))


def apply_rotate(work: Working, statement: Statement, body: Rotate, anchor: Anchor) -> None:
    """Replace a device's signing key or its sealing key. Raises ``bad-rotation``."""
    party = _party(work, statement.subject)
    device = _device(party, body.kid)
    if body.signing is not None and body.sealing is None:
        rotated = replace(device, kid=body.signing.kid)
        work.end(device.kid, anchor.index, "replaced")
        _claim_signing(work, party.id, rotated, body.signing.verify_key(), anchor.index)
    elif body.sealing is not None and body.signing is None:
        _check_rotate_by(body.sealing, statement.issued_at)
        rotated = replace(device, sealing_kid=body.sealing.kid, rotate_by=body.sealing.rotate_by)
        work.end(device.sealing_kid, anchor.index, "replaced")
        _claim_sealing(work, party.id, rotated, anchor.index)
    else:
        raise RefusedError("bad-rotation")
    devices = tuple(rotated if d.number == device.number else d for d in party.devices)
    _put(work, replace(party, devices=devices))


def apply_confirm(work: Working, statement: Statement, body: ActsOn, anchor: Anchor) -> None:
    """Note that a contact is still right."""
    contact = _verified(work, statement.subject)
    if body.entry != contact.newest.leaf_hash:
        raise superseded(contact.newest, contact.id)
    work.contacts[contact.id] = replace(contact, confirmed_at=anchor.logged_at)


def apply_tested(work: Working, statement: Statement, _body: Tested, anchor: Anchor) -> None:
    """Note that a contact answered a ping."""
    contact = _verified(work, statement.subject)
    work.contacts[contact.id] = replace(contact, tested_at=anchor.logged_at)


def apply_freeze(
    work: Working, statement: Statement, body: ActsOn, anchor: Anchor, kids: frozenset[str]
) -> None:
    """Freeze a contact as of its newest nomination or thaw; ``kids`` are the keys that signed.

    Raises ``unknown-contact``, ``not-verified``, ``contact-frozen``, ``superseded``.
    """
    contact = _verified(work, statement.subject)
    if contact.frozen is not None:
        raise RefusedError("contact-frozen", f"{contact.id} is frozen already")
    if body.entry != contact.standing.leaf_hash:
        raise superseded(contact.standing, "the nomination or thaw")
    freeze = Freeze(anchor, frozenset(work.keys[kid].holder for kid in kids))
    work.contacts[contact.id] = replace(contact, freezes=(*contact.freezes, freeze))


def apply_thaw(work: Working, statement: Statement, body: ActsOn, anchor: Anchor) -> None:
    """End the freeze a thaw names, so that none signed in advance can. Raises ``superseded``."""
    contact = _verified(work, statement.subject)
    frozen = contact.frozen
    if frozen is None or body.entry != frozen.since.leaf_hash:
        raise superseded(None if frozen is None else frozen.since, "the freeze")
    ended = replace(frozen, until=anchor.index)
    work.contacts[contact.id] = replace(contact, freezes=(*contact.freezes[:-1], ended), standing=anchor)


def apply_withdraw(work: Working, statement: Statement, body: ActsOn, anchor: Anchor) -> None:
    """Take a contact out and end its keys; it returns by a nomination in the same chain.

    It names the nomination, or the record: no device can make it superseded by an update.
    """
    contact = work.directory.contact(statement.subject)
    if body.entry != contact.nomination.leaf_hash:
        raise superseded(contact.nomination, "the nomination or record")
    work.withdraw_contact(contact, anchor.index)


def apply_dismiss(work: Working, statement: Statement, body: ActsOn, anchor: Anchor) -> None:
    """Take a controller out of office and end its keys; it returns by a new appointment."""
    controller = work.directory.controller(statement.subject)
    if body.entry != controller.newest.leaf_hash:
        raise superseded(controller.newest, "the appointment")
    work.end_devices(controller.devices, anchor.index, "withdrawn")
    work.controllers[controller.id] = replace(controller, devices=(), dismissed=True)


def apply_appoint(work: Working, statement: Statement, body: Appoint, anchor: Anchor) -> None:
    """Appoint a controller, or appoint it anew with another list of devices."""
    subject = statement.subject
    _check_party_id(subject)
    work.check_id(subject, work.contacts, work.witnesses)
    old = work.controllers.get(subject)
    devices, highest = _devices(work, subject, old, body.devices, statement.issued_at, anchor.index)
    work.controllers[subject] = Controller(
        id=subject,
        names=MappingProxyType(dict(body.names)),
        body=body.body,
        devices=devices,
        highest_number=highest,
        version=statement.version or 1,
        newest=anchor,
    )


# --- what they share ---------------------------------------------------------------------------


def _check_party_id(subject: str) -> None:
    if not PARTY_PATTERN.match(subject):
        raise RefusedError("bad-party-id", subject[:50])


def _verified(work: Working, contact: str) -> Contact:
    found = work.directory.contact(contact)
    if found.level != "verified":
        raise RefusedError("not-verified", contact)
    return found


def _party(work: Working, subject: str) -> Party:
    if subject in work.controllers:
        return work.directory.controller(subject)
    return _verified(work, subject)


def _put(work: Working, party: Party) -> None:
    if isinstance(party, Contact):
        work.contacts[party.id] = party
    else:
        work.controllers[party.id] = party


def _device(party: Party, kid: str) -> DeviceState:
    found = next((device for device in party.devices if device.kid == kid), None)
    if found is None:
        raise superseded(party.newest, f"key {kid[:12]}… is not a current key of {party.id}")
    return found


def _check_alternate(work: Working, subject: str, alternate_of: str | None) -> None:
    if alternate_of is None:
        return
    primary = work.contacts.get(alternate_of)
    if primary is None or primary.withdrawn or primary.state != state_of(subject) or alternate_of == subject:
        raise RefusedError("bad-alternate", f"{alternate_of} is no contact of the same State")
    if primary.alternate_of is not None:
        raise RefusedError("bad-alternate", f"{alternate_of} is an alternate itself")
    if any(c.alternate_of == subject for c in work.contacts.values() if not c.withdrawn):
        raise RefusedError("bad-alternate", f"{subject} has alternates of its own")


def _devices(
    work: Working,
    subject: str,
    old: Party | None,
    listed: tuple[Device, ...],
    issued_at: datetime,
    index: int,
) -> tuple[tuple[DeviceState, ...], int]:
    """The devices after a complete list: unchanged ones stay, new ones come, the rest end."""
    active = {} if old is None else {device.number: device for device in old.devices}
    highest = 0 if old is None else old.highest_number
    states: list[DeviceState] = []
    for device in listed:
        kept = active.pop(device.number, None)
        if kept is not None and kept != _state_of(device):
            raise RefusedError("device-changed", f"device {device.number} of {subject}")
        if kept is None:
            if device.number != highest + 1:
                raise RefusedError("bad-device-number", f"{highest + 1} is next")
            highest = device.number
            kept = _claim_device(work, subject, device, issued_at, index)
        states.append(kept)
    work.end_devices(active.values(), index, "routine")
    return tuple(states), highest


def _state_of(device: Device) -> DeviceState:
    sealing = device.sealing
    return DeviceState(device.number, device.key.kid, sealing.kid, sealing.rotate_by, frozenset(device.may))


def _claim_device(work: Working, party: str, device: Device, issued_at: datetime, index: int) -> DeviceState:
    _check_rotate_by(device.sealing, issued_at)
    state = _state_of(device)
    _claim_signing(work, party, state, device.key.verify_key(), index)
    _claim_sealing(work, party, state, index)
    return state


def _claim_signing(work: Working, party: str, device: DeviceState, key: VerifyKey, index: int) -> None:
    work.claim(KeyRecord(device.kid, "device", party, key, device.number, device.may, index))


def _claim_sealing(work: Working, party: str, device: DeviceState, index: int) -> None:
    record = KeyRecord(device.sealing_kid, "sealing", party, None, device.number, frozenset(), index)
    work.claim(record)


def _check_rotate_by(sealing: SealingRef, issued_at: datetime) -> None:
    latest = issued_at + timedelta(seconds=ROTATE_BY_SECONDS_MAX)
    if not issued_at < sealing.rotate_by <= latest:
        raise RefusedError("bad-rotate-by", "at most 90 days after the statement is issued")
