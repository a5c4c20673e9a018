"""What the hub checks of an envelope before it takes it, and the checks it shares with the sender.

The hub sees who, when, how urgent and how large, never what: everything here is decided from the
header, the slots and the directory. Sealing stands in ``envelope``, a recipient's refusals in
``opening``; duplicates of ids and sequence numbers are the store's to refuse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from poc.core import sealed
from poc.core.blob import check_blob_size
from poc.core.directory import Directory
from poc.core.draft import check_body_size
from poc.core.evidence import SlotReceipt
from poc.core.form import form_bytes, read_form, state_of
from poc.core.holding import check_held
from poc.core.judge import check_not_frozen, judge_key
from poc.core.message import Envelope, EnvelopeHeader, Slot, SlotHeader
from poc.core.play import PlayOf, check_in_exercise
from poc.core.strictjson import b64u, format_time, unb64u
from poc.errors import RefusedError
from poc.limits import (
    BLOB_BYTES_MAX,
    BODY_BYTES_MAX,
    EXPIRES_SECONDS_MAX,
    ISSUED_AHEAD_SECONDS_MAX,
    SLOTS_MAX,
)

_ENCRYPTED_KEY_BYTES: Final = sealed.CEK_BYTES + sealed.TAG_BYTES


@dataclass(frozen=True, slots=True)
class SealingLimits:
    """What the registry admits from this sender."""

    statuses: frozenset[str]
    slots: int = SLOTS_MAX
    body_bytes: int = BODY_BYTES_MAX
    blob_bytes: int = BLOB_BYTES_MAX
    controller: bool = False

    @classmethod
    def of(cls, directory: Directory, sender_contact: str) -> SealingLimits:
        """The limits of a registry for one of its contacts or controllers."""
        limits = directory.settings.limits
        return cls(
            directory.admitted_statuses(),
            min(limits.slots, SLOTS_MAX),
            min(limits.body_bytes, BODY_BYTES_MAX),
            min(limits.blob_bytes, BLOB_BYTES_MAX),
            sender_contact in directory.controllers,
        )


def envelope_digest(protected: str, iv: str, ciphertext: str, tag: str) -> str:
    """The envelope's identity in receipts and answers: base64url SHA-256 of its four texts."""
    return b64u(sealed.envelope_digest(protected, iv, ciphertext, tag))


def slot_hash(header: SlotHeader) -> str:
    """The hash of a slot's header that the signed ``to`` carries."""
    return sealed.slot_hash(
        unb64u(header.salt, sealed.SALT_BYTES),
        contact=header.contact,
        kid=header.kid,
        sequence=header.sequence,
        release_at=None if header.release_at is None else format_time(header.release_at),
        in_place_of=header.in_place_of,
    )


def slot_sha256(slot: Slot) -> str:
    """How receipts name a slot: base64url SHA-256 of its RFC 8785 bytes."""
    return b64u(hashlib.sha256(form_bytes(slot)).digest())


def slot_receipts(slots: Iterable[Slot]) -> tuple[SlotReceipt, ...]:
    """How receipts name these slots, in their order."""
    return tuple(
        SlotReceipt(
            contact=s.header.contact, kid=s.header.kid, sequence=s.header.sequence, sha256=slot_sha256(s)
        )
        for s in slots
    )


def check_times(
    sent_at: datetime,
    not_before: datetime | None,
    respond_by: datetime | None,
    expires_at: datetime,
    now: datetime,
) -> None:
    """Return only if the times of a message fit together and it may be sent now.

    Raises:
        RefusedError: ``sent-in-future``, ``bad-times``, ``expires-too-late``, ``expired``.
    """
    if sent_at > now + timedelta(seconds=ISSUED_AHEAD_SECONDS_MAX):
        raise RefusedError("sent-in-future", format_time(sent_at))
    begins_at = max(sent_at, not_before or sent_at)
    if expires_at <= now and expires_at > begins_at:
        raise RefusedError("expired", format_time(expires_at))
    if expires_at <= begins_at or not begins_at < (respond_by or expires_at) <= expires_at:
        answer = "" if respond_by is None else f"answer by {format_time(respond_by)}, "
        raise RefusedError(
            "bad-times", f"goes out {format_time(begins_at)}, {answer}expires {format_time(expires_at)}"
        )
    if expires_at - begins_at > timedelta(seconds=EXPIRES_SECONDS_MAX):
        raise RefusedError("expires-too-late", format_time(expires_at))


def check_one_sequence(numbered: Iterable[tuple[str, int | None]]) -> None:
    """Refuse two sequence numbers for devices of one contact."""
    by_contact: dict[str, int | None] = {}
    for contact, sequence in numbered:
        if by_contact.setdefault(contact, sequence) != sequence:
            raise RefusedError("bad-sequence", f"two numbers for {contact}")


@dataclass(frozen=True, slots=True)
class CheckedEnvelope:
    """An envelope whose form is right. Only ``admit_envelope`` says that it may be taken."""

    header: EnvelopeHeader
    envelope: Envelope
    digest: str
    slots: tuple[SlotReceipt, ...]
    ciphertext_bytes: int
    body_bytes: int


def read_header(protected: str) -> EnvelopeHeader:
    """The header of an envelope, if it is the RFC 8785 text of exactly its form.

    Raises:
        RefusedError: ``not-canonical`` or the errors of reading a form.
    """
    data = unb64u(protected)
    header = read_form(EnvelopeHeader, data)
    if form_bytes(header) != data:
        raise RefusedError("not-canonical", "the header of an envelope")
    return header


def read_envelope(data: bytes) -> CheckedEnvelope:
    """Read an envelope and check its form, as far as that needs no directory.

    Raises:
        RefusedError: ``not-canonical``, ``bad-padding``, ``duplicate-slot``, or the errors of
            reading a form.
    """
    envelope = read_form(Envelope, data)
    if form_bytes(envelope) != data:
        raise RefusedError("not-canonical", "an envelope")
    header = read_header(envelope.protected)
    size = len(unb64u(envelope.ciphertext))
    if sealed.padded_length(size) != size:
        raise RefusedError("bad-padding", f"{size} bytes of ciphertext")
    for slot in envelope.recipients:
        unb64u(slot.header.ek, sealed.EK_BYTES)
        unb64u(slot.encrypted_key, _ENCRYPTED_KEY_BYTES)
    slots = slot_receipts(envelope.recipients)
    if len({slot.kid for slot in slots}) != len(slots):
        raise RefusedError("duplicate-slot")
    digest = envelope_digest(envelope.protected, envelope.iv, envelope.ciphertext, envelope.tag)
    return CheckedEnvelope(header, envelope, digest, slots, size, len(data))


def check_envelope(
    data: bytes, directory: Directory, now: datetime, *, message_id: str, play_of: PlayOf
) -> CheckedEnvelope:
    """Read an envelope and decide whether the hub takes it as message ``message_id``.

    Raises:
        RefusedError: as ``read_envelope`` and ``admit_envelope``.
    """
    checked = read_envelope(data)
    admit_envelope(checked, directory, now, message_id=message_id, play_of=play_of)
    return checked


def admit_envelope(
    checked: CheckedEnvelope, directory: Directory, now: datetime, *, message_id: str, play_of: PlayOf
) -> None:
    """Return only if the hub takes this envelope, judged at the head it now has.

    That the request was signed by ``header.from.kid`` is the caller's to check.

    Raises:
        RefusedError: ``id-mismatch``, ``wrong-origin``, ``envelope-too-large``, ``too-many-slots``,
            ``attachments-too-large`` and ``bad-padding`` (of a blob),
            ``sent-in-future``, ``bad-times``, ``expires-too-late``, ``expired``,
            ``controller-cannot-send-actual``, ``status-not-admitted``, ``unknown-contact``,
            ``unknown-state``, ``unknown-key``, ``key-ended``, ``key-compromised``, ``right-missing``,
            ``contact-frozen``, ``stale-slot-key``, ``no-addressee``, ``bad-sequence``,
            ``bad-held-slot``, ``not-alternate``, ``held-too-long``, ``exercise-unknown``,
            ``exercise-not-open``, ``exercise-lacks-side``.
    """
    header = checked.header
    if header.id != message_id:
        raise RefusedError("id-mismatch", message_id)
    if header.origin != directory.origin:
        raise RefusedError("wrong-origin", f"expected {directory.origin}")
    limits = SealingLimits.of(directory, header.sender.contact)
    check_body_size(checked.body_bytes, limits.body_bytes)
    if len(checked.slots) > limits.slots:
        raise RefusedError("too-many-slots", f"{len(checked.slots)}; {limits.slots} is the limit")
    for blob in header.blobs:
        check_blob_size(blob.size_bytes, limits.blob_bytes)
    check_times(header.sent_at, header.not_before, header.respond_by, header.expires_at, now)
    if limits.controller and header.status == "actual":
        raise RefusedError("controller-cannot-send-actual")
    if header.status not in limits.statuses:
        raise RefusedError("status-not-admitted", header.status)
    check_enrolled(directory, header.sender.contact)
    judge_key(directory, header.sender.kid, directory.size, header.sender.contact, "send")
    _check_slots(checked, directory)
    check_held(header, [slot.header for slot in checked.envelope.recipients], directory, now)
    if header.exercise is not None:
        parties = {header.sender.contact, *(slot.contact for slot in checked.slots)}
        held = header.not_before is not None and header.not_before > now
        check_in_exercise(header.exercise, parties, None if held else now, play_of)


def check_enrolled(directory: Directory, party: str) -> None:
    """Return only for a contact of an enrolled State, or a controller in office.

    Raises:
        RefusedError: ``unknown-contact``, ``unknown-state``.
    """
    if party in directory.controllers:
        directory.controller(party)
        return
    directory.state(state_of(party))
    directory.contact(party)


def _check_slots(checked: CheckedEnvelope, directory: Directory) -> None:
    sender = checked.header.sender.contact
    if all(slot.contact == sender for slot in checked.slots):
        raise RefusedError("no-addressee")
    for slot in checked.envelope.recipients:
        held = checked.header.not_before is not None or slot.header.release_at is not None
        if (slot.header.sequence is None) != (held or slot.header.contact == sender):
            raise RefusedError("bad-sequence", slot.header.contact)
    check_one_sequence((slot.contact, slot.sequence) for slot in checked.slots)
    for contact in sorted({slot.contact for slot in checked.slots}):
        check_enrolled(directory, contact)
        check_not_frozen(directory.contacts.get(contact), directory.size)
        current = {device.sealing_kid for device in directory.devices_of(contact)}
        stale = next((s.kid for s in checked.slots if s.contact == contact and s.kid not in current), None)
        if stale is not None:
            raise RefusedError("stale-slot-key", f"key {stale[:12]}… for {contact}", kid=stale)
