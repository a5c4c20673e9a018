"""What is held of a message, until when, and whether it may go out then.

A held message (``not_before``) and a held slot (``release_at``, to an alternate ``in_place_of`` an
addressee) wait at the hub. Everything is decided from the header, the slots and the directory. Keeping and
doing what is due stands in the hub; until when an answer is in time in ``play.deadline``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from poc.core.directory import Directory
from poc.core.form import state_of
from poc.core.judge import check_may_send, check_not_frozen, refuse_compromised
from poc.core.message import EnvelopeHeader, SlotHeader
from poc.core.play import PlayOf, check_in_exercise
from poc.core.strictjson import format_time
from poc.errors import RefusedError
from poc.limits import HELD_SECONDS_MAX


@dataclass(frozen=True, slots=True)
class Part:
    """What one contact gets of an envelope, the same for all its devices.

    ``release_at`` is when it goes out, ``None`` where that is at once.
    """

    contact: str
    release_at: datetime | None
    in_place_of: str | None


def begins_at(header: EnvelopeHeader) -> datetime:
    """When a message is to reach its first addressees."""
    return max(header.sent_at, header.not_before or header.sent_at)


def release_at(header: EnvelopeHeader, slot: SlotHeader) -> datetime | None:
    """When a slot goes out, ``None`` where that is at once."""
    return slot.release_at or header.not_before


def parts_of(header: EnvelopeHeader, slots: Iterable[SlotHeader]) -> tuple[Part, ...]:
    """What each contact gets, in the order of the slots.

    Raises:
        RefusedError: ``bad-held-slot`` where two devices of a contact would get it otherwise.
    """
    parts: dict[str, Part] = {}
    for slot in slots:
        part = Part(slot.contact, release_at(header, slot), slot.in_place_of)
        if parts.setdefault(slot.contact, part) != part:
            raise RefusedError("bad-held-slot", f"two ways for {slot.contact}")
    return tuple(parts.values())


def check_held(
    header: EnvelopeHeader, slots: Sequence[SlotHeader], directory: Directory, now: datetime
) -> None:
    """Return only if what is held fits together and fits the directory.

    A held slot is for an alternate of an addressee who gets the message first, or for the ``duty`` contact
    of that addressee's State; it goes out after the message does, and before it expires.

    Raises:
        RefusedError: ``bad-held-slot``, ``not-alternate``, ``held-too-long``, ``unknown-contact``.
    """
    parts = parts_of(header, slots)
    first = {part.contact for part in parts if part.in_place_of is None} - {header.sender.contact}
    for slot in slots:
        if (slot.release_at is None) != (slot.in_place_of is None):
            raise RefusedError("bad-held-slot", f"{slot.contact}: release_at and in_place_of go together")
        if slot.release_at is None or slot.in_place_of is None:
            continue
        if slot.contact == header.sender.contact or slot.in_place_of not in first:
            raise RefusedError("bad-held-slot", f"{slot.contact} in place of {slot.in_place_of}")
        if not begins_at(header) < slot.release_at < header.expires_at:
            raise RefusedError("bad-held-slot", f"released at {format_time(slot.release_at)}")
        check_alternate(directory, slot.contact, slot.in_place_of)
    latest = max((part.release_at for part in parts if part.release_at is not None), default=now)
    if latest - now > timedelta(seconds=HELD_SECONDS_MAX):
        raise RefusedError("held-too-long", format_time(latest))


def check_alternate(directory: Directory, contact: str, in_place_of: str) -> None:
    """Return only if a contact may be written to in place of another of its State.

    Raises:
        RefusedError: ``not-alternate``, ``unknown-contact``.
    """
    stand_in = directory.contact(contact)
    directory.contact(in_place_of)
    is_duty = stand_in.role == "duty" and state_of(in_place_of) == stand_in.state
    if stand_in.alternate_of != in_place_of and not is_duty:
        raise RefusedError("not-alternate", f"{contact} of {in_place_of}")


def releasable(
    header: EnvelopeHeader,
    contact: str,
    kids: Iterable[str],
    directory: Directory,
    now: datetime,
    play_of: PlayOf,
) -> frozenset[str]:
    """The sealing keys, of those the envelope was sealed to, whose slots of a contact may go out now.

    Judged anew at the time of release: the sender, the status, the exercise, the contact. A key that was
    replaced since still counts, on both sides; one of a device that is gone does not.

    Raises:
        RefusedError: why none may go out: ``expired``, ``status-not-admitted``, ``key-compromised``,
            ``contact-frozen``, ``state-suspended``, ``unknown-contact``, ``unknown-state``,
            ``exercise-unknown``, ``exercise-not-open``, ``exercise-lacks-side``, ``stale-slot-key``.
    """
    if header.expires_at <= now:
        raise RefusedError("expired", format_time(header.expires_at))
    if header.status not in directory.admitted_statuses():
        raise RefusedError("status-not-admitted", header.status)
    refuse_compromised(directory.key(header.sender.kid))
    check_may_send(directory, header.sender.contact, directory.size)
    check_not_frozen(directory.contacts.get(contact), directory.size)
    devices = {device.number for device in directory.devices_of(contact)}
    if header.exercise is not None:
        check_in_exercise(header.exercise, (header.sender.contact, contact), now, play_of)
    records = (directory.keys.get(kid) for kid in kids)
    good = {record.kid for record in records if record is not None and record.device in devices}
    if not good:
        raise RefusedError("stale-slot-key", contact)
    return frozenset(good)


def stand_ins(parts: Sequence[Part], contact: str) -> frozenset[str]:
    """Whose acknowledgement makes a held part unnecessary: the addressee, and all in place of it."""
    own = next(part for part in parts if part.contact == contact)
    if own.in_place_of is None:
        return frozenset()
    beside = {part.contact for part in parts if part.in_place_of == own.in_place_of}
    return frozenset({own.in_place_of, *beside})
