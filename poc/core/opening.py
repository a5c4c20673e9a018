"""Opening an envelope: everything a recipient refuses, each with its own code, and what it is warned of.

Pure: the clock, the directory, the exercises and what was seen before come in. Fetching, storing and
showing stand in the desk; the hub's checks in ``admission``. Over 400 lines, because everything a recipient
refuses stands on one page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime

from poc.core import jws, sealed
from poc.core.admission import check_enrolled, envelope_digest, read_header, slot_hash, slot_sha256
from poc.core.blob import check_blobs
from poc.core.directory import Directory, KeyRecord
from poc.core.draft import content_sha256, text_code
from poc.core.evidence import Receipt
from poc.core.holding import release_at
from poc.core.judge import RootAt, check_may_send, head_size, judge_key, refuse_compromised
from poc.core.keys import SealingKey
from poc.core.message import (
    SHARED_MEMBERS,
    Envelope,
    EnvelopeHeader,
    Message,
    Preparation,
    Recipient,
    Slot,
    SlotHeader,
)
from poc.core.play import PlayOf, check_in_exercise
from poc.core.receipts import check_of_envelope, read_signed, verify_receipt
from poc.core.strictjson import b64u, format_time, unb64u
from poc.errors import RefusedError

__all__ = [
    "DeliveredEnvelope",
    "KeptKey",
    "OpenedContent",
    "OpenedMessage",
    "check_other_device",
    "check_preparation",
    "open_content",
    "open_envelope",
    "verify_preparation",
]


@dataclass(frozen=True, slots=True)
class DeliveredEnvelope:
    """An envelope as one device sees it: the common parts and its own slot."""

    protected: str
    iv: str
    ciphertext: str
    tag: str
    slot: Slot

    @classmethod
    def of(cls, envelope: Envelope, kid: str) -> DeliveredEnvelope:
        """The view of the device whose sealing key is ``kid``. Raises ``no-slot-for-key``."""
        slot = next((slot for slot in envelope.recipients if slot.header.kid == kid), None)
        if slot is None:
            raise RefusedError("no-slot-for-key", f"key {kid[:12]}…")
        return cls(envelope.protected, envelope.iv, envelope.ciphertext, envelope.tag, slot)

    @property
    def digest(self) -> str:
        """The envelope's digest, base64url."""
        return envelope_digest(self.protected, self.iv, self.ciphertext, self.tag)


@dataclass(frozen=True, slots=True)
class KeptKey:
    """The content key of one message, kept beyond the sealing key ``kid`` that its slot was sealed to."""

    kid: str
    cek: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenedContent:
    """What was inside: the message with its author's verified signature, and the attachments' bytes.

    ``None`` stands for an attachment that travels apart.
    """

    message: Message
    attachments: tuple[bytes | None, ...]
    signed_by: str


@dataclass(frozen=True, slots=True)
class OpenedMessage:
    """A message that passed every refusal. ``warnings`` are codes to show beside it.

    ``use`` is what the recipient is to it (``as``); ``slot_key`` the sealing key it came under; ``size`` the
    size of the log its keys were judged at; ``accepted`` and ``released`` the hub's verified receipts, if
    they came along. Of ``attachments`` those are ``None`` that travel apart: ``blob.open_blob`` opens them.
    """

    message: Message
    header: EnvelopeHeader
    attachments: tuple[bytes | None, ...]
    cek: bytes
    voice_code: str
    digest: str
    use: str
    contact: str
    slot_key: str
    sequence: int | None
    in_place_of: str | None
    size: int
    accepted: Receipt | None
    released: Receipt | None
    preparation: Preparation | None
    warnings: tuple[str, ...]


def open_envelope(  # noqa: PLR0913 (all that judging a message needs, and nothing is looked up)
    view: DeliveredEnvelope,
    *,
    key: SealingKey | KeptKey,
    directory: Directory,
    now: datetime,
    play_of: PlayOf | None,
    accepted: str | None = None,
    released: str | None = None,
    seen: Container[tuple[str, str]] = frozenset(),
    root_at: RootAt | None = None,
    least: int = 0,
) -> OpenedMessage:
    """Open an envelope sealed to this device and verify everything about it.

    With a kept content key instead of the sealing key everything is verified the same.

    ``accepted`` and ``released`` are the hub's receipts as compact JWS; without them the recipient's
    own head and clock decide: it then gives the size of its log as ``least``, the smallest size that
    the sender's key is judged at, or whoever withholds the receipt lets an ended key sign on. ``seen``
    holds (id, sender's contact) of every message received before.
    ``now`` is the time of arrival: reopening a kept message gives the time it was first opened. Without
    ``play_of`` no exercise is asked for: so a sender opens its own copy of what it sent itself.

    Raises:
        RefusedError: ``no-slot-for-key``, ``wrong-origin``, ``held-slot-early``,
            ``status-not-admitted``, ``controller-cannot-send-actual``, ``seen-before``,
            ``receipt-mismatch``, ``exercise-unknown``, ``exercise-not-open``, ``exercise-lacks-side``,
            ``cannot-open``, ``wrong-commitment``, ``member-mismatch``, ``slot-not-in-message``,
            ``bad-attachment``, ``bad-padding``, ``head-ahead``,
            ``head-inconsistent``, ``unknown-key``, ``key-not-yet``, ``key-ended``, ``key-compromised``,
            ``right-missing``, ``contact-frozen``, ``preparation-missing``, ``preparation-mismatch``,
            or the errors of reading a form.
    """
    header = read_header(view.protected)
    _check_slot_is_own(view, key, directory)
    _check_before_opening(header, directory, seen)
    receipts = _Anchors.verify(view, header, accepted, released, directory, root_at)
    slot = view.slot.header
    _check_not_early(header, slot, receipts.released, now)
    if header.exercise is not None and play_of is not None:
        parties = (header.sender.contact, slot.contact)
        check_in_exercise(header.exercise, parties, receipts.at or now, play_of)
    cek = _content_key(view, key)
    content = open_content(view, header, cek, directory)
    message = content.message
    recipient = _own_recipient(view, message)
    size = max(head_size(message.head, directory, root_at), receipts.size, least)
    record = judge_key(directory, content.signed_by, size, message.sender.contact, "send")
    refuse_compromised(record)
    check_may_send(directory, message.sender.contact, max(size, receipts.released_size))
    return OpenedMessage(
        message=message,
        header=header,
        attachments=content.attachments,
        cek=cek,
        voice_code=sealed.voice_code(cek, header.id),
        digest=view.digest,
        use=recipient.use,
        contact=slot.contact,
        slot_key=slot.kid,
        sequence=slot.sequence,
        in_place_of=slot.in_place_of,
        size=size,
        accepted=receipts.accepted,
        released=receipts.released,
        preparation=_preparation(message, record, directory, size, root_at),
        warnings=_warnings(header, record, directory, receipts, now),
    )


@dataclass(frozen=True, slots=True)
class _Anchors:
    """The hub's verified records of the message, and the time they give at which it went out.

    The author's key is judged at ``size``: where the message was accepted, so that a held one is not lost
    by a replaced key. Whether its sender may send is judged at ``released_size`` too.
    """

    accepted: Receipt | None
    released: Receipt | None
    size: int
    released_size: int
    at: datetime | None

    @classmethod
    def verify(
        cls,
        view: DeliveredEnvelope,
        header: EnvelopeHeader,
        accepted: str | None,
        released: str | None,
        directory: Directory,
        root_at: RootAt | None,
    ) -> _Anchors:
        """Verify the receipts that came along and that they are of this envelope and slot."""
        found: dict[str, Receipt] = {}
        for event, text in (("accepted", accepted), ("released", released)):
            if text is None:
                continue
            receipt = verify_receipt(text, directory, root_at)
            check_of_envelope(receipt, header, view.digest)
            named = {slot.sha256 for slot in receipt.slots or ()}
            if receipt.event != event or slot_sha256(view.slot) not in named:
                raise RefusedError("receipt-mismatch", event)
            found[event] = receipt
        sizes = {event: head_size(receipt.head, directory, root_at) for event, receipt in found.items()}
        out = "accepted" if release_at(header, view.slot.header) is None else "released"
        released_size = sizes.get("released", 0)
        size = sizes.get("accepted", released_size)
        at = found[out].at if out in found else None
        return cls(found.get("accepted"), found.get("released"), size, released_size, at)


def _check_not_early(
    header: EnvelopeHeader, slot: SlotHeader, released: Receipt | None, now: datetime
) -> None:
    """By the hub's signed time of release, else by the recipient's own clock."""
    due_at = release_at(header, slot)
    if due_at is not None and due_at > (now if released is None else released.at):
        raise RefusedError("held-slot-early", format_time(due_at))


def _content_key(view: DeliveredEnvelope, key: SealingKey | KeptKey) -> bytes:
    if isinstance(key, KeptKey):
        return key.cek
    ek, encrypted_key = unb64u(view.slot.header.ek), unb64u(view.slot.encrypted_key)
    return sealed.open_key(ek, encrypted_key, view.protected, view.slot.header.contact, key)


def _check_slot_is_own(view: DeliveredEnvelope, key: SealingKey | KeptKey, directory: Directory) -> None:
    slot = view.slot.header
    record = directory.key(key.kid) if slot.kid == key.kid else None
    if record is None or (record.role, record.holder) != ("sealing", slot.contact):
        raise RefusedError("no-slot-for-key", f"key {key.kid[:12]}…")


def _check_before_opening(
    header: EnvelopeHeader, directory: Directory, seen: Container[tuple[str, str]]
) -> None:
    if header.origin != directory.origin:
        raise RefusedError("wrong-origin", f"expected {directory.origin}")
    if header.sender.contact in directory.controllers and header.status == "actual":
        raise RefusedError("controller-cannot-send-actual")
    if header.status not in directory.admitted_statuses():
        raise RefusedError("status-not-admitted", header.status)
    if (header.id, header.sender.contact) in seen:
        raise RefusedError("seen-before", header.id)


def open_content(
    view: DeliveredEnvelope | Envelope, header: EnvelopeHeader, cek: bytes, directory: Directory
) -> OpenedContent:
    """Open the content with its key and verify it: commitment, signature, members, attachments, padding.

    Whether the author's key counted when it signed is judged afterwards.

    Raises:
        RefusedError: ``wrong-commitment``, ``cannot-open``, ``unknown-key``, ``bad-signature``,
            ``wrong-type``, ``member-mismatch``, ``bad-attachment``, ``bad-padding``, or the errors of
            reading a form.
    """
    sealed.check_commitment(cek, header.id, header.commit)
    ciphertext, tag = unb64u(view.ciphertext), unb64u(view.tag)
    plaintext = sealed.decrypt_content(cek, unb64u(view.iv), view.protected, ciphertext, tag)
    signed, newline, rest = plaintext.partition(b"\n")
    if not newline:
        raise RefusedError("bad-form", "no message in the content")
    message, kid = read_signed(Message, signed.decode("latin-1"), jws.MESSAGE, directory)
    _check_members(header, message, kid)
    check_blobs(header.blobs, message.attachments)
    inline = sum(attachment.size_bytes for attachment in message.attachments if attachment.blob is None)
    sealed.unpad_to(plaintext, len(signed) + 1 + inline)
    return OpenedContent(message, _attachments(message, rest), kid)


def _check_members(header: EnvelopeHeader, message: Message, kid: str) -> None:
    for name in SHARED_MEMBERS:
        if getattr(header, name) != getattr(message, name):
            raise RefusedError("member-mismatch", "from" if name == "sender" else name)
    if message.sender.kid != kid:
        raise RefusedError("member-mismatch", "from.kid")


def _attachments(message: Message, rest: bytes) -> tuple[bytes | None, ...]:
    found: list[bytes | None] = []
    start = 0
    for attachment in message.attachments:
        if attachment.blob is not None:
            found.append(None)
            continue
        data = rest[start : start + attachment.size_bytes]
        if b64u(hashlib.sha256(data).digest()) != attachment.sha256:
            raise RefusedError("bad-attachment", f"number {len(found) + 1}")
        found.append(data)
        start += attachment.size_bytes
    return tuple(found)


def _own_recipient(view: DeliveredEnvelope, message: Message) -> Recipient:
    """The signed entry of ``to`` that the slot's header hashes to."""
    slot = view.slot.header
    own = (slot.contact, slot.kid, slot_hash(slot))
    for recipient in message.to:
        if (recipient.contact, recipient.kid, recipient.slot) == own:
            return recipient
    raise RefusedError("slot-not-in-message", f"key {slot.kid[:12]}…")


def _preparation(
    message: Message, sender: KeyRecord, directory: Directory, size: int, root_at: RootAt | None
) -> Preparation | None:
    """The preparation, verified; on receipt a compromised second key counts as little as a first."""
    found = check_preparation(message, sender, directory, size, root_at)
    if found is not None:
        refuse_compromised(directory.key(found.kid))
    return found


def check_preparation(
    message: Message, sender: KeyRecord, directory: Directory, size: int, root_at: RootAt | None = None
) -> Preparation | None:
    """The preparation of a message, verified: another device of the same contact, the same content.

    ``sender`` is the judged key of the message; the preparer's is judged at the same ``size``.

    Raises:
        RefusedError: ``preparation-missing`` (an actual message without one),
            ``preparation-mismatch``, or as ``read_signed``, ``read_head`` and ``judge_key``.
    """
    if message.prepared is None:
        if message.status == "actual":
            raise RefusedError("preparation-missing", message.id)
        return None
    contact = message.sender.contact
    content = content_sha256(message)
    form, record = verify_preparation(message.prepared, content, contact, directory, size, root_at)
    check_other_device(record, sender)
    return form


def verify_preparation(
    text: str, content: str, contact: str, directory: Directory, size: int, root_at: RootAt | None = None
) -> tuple[Preparation, KeyRecord]:
    """A preparation of this content hash by a device of the contact with ``send``, and that device's key.

    Raises:
        RefusedError: ``preparation-mismatch``, or as ``read_signed``, ``read_head`` and ``judge_key``.
    """
    form, kid = read_signed(Preparation, text, jws.PREPARATION, directory)
    at_size = max(size, head_size(form.head, directory, root_at))
    record = judge_key(directory, kid, at_size, contact, "send")
    if (form.kid, form.contact) != (kid, contact):
        raise RefusedError("preparation-mismatch", "it names another key or contact than signed it")
    if form.content_sha256 != content:
        made, found = text_code(form.content_sha256), text_code(content)
        raise RefusedError("preparation-mismatch", f"made of the text with code {made}; this one has {found}")
    return form, record


def check_other_device(preparer: KeyRecord, sender: KeyRecord) -> None:
    """Return if another device prepared than sends. Raises ``preparation-mismatch``."""
    if preparer.device == sender.device:
        raise RefusedError("preparation-mismatch", "the device that sends it prepared it")


def _warnings(
    header: EnvelopeHeader, record: KeyRecord, directory: Directory, receipts: _Anchors, now: datetime
) -> tuple[str, ...]:
    """What the reader is told beside a good message; nothing of it blocks."""
    found = []
    if receipts.size == 0:
        found.append("no-anchor")
    if header.expires_at <= now:
        found.append("arrived-after-expiry")
    if record.until is not None:
        found.append("sender-key-ended-since")
    found += _overdue(header.sender.contact, record, directory, now)
    return tuple(found)


def _overdue(sender: str, record: KeyRecord, directory: Directory, now: datetime) -> list[str]:
    found = []
    try:
        check_enrolled(directory, sender)
        devices = directory.devices_of(sender)
    except RefusedError:
        return ["sender-left-since"]
    if any(device.number == record.device and device.rotate_by < now for device in devices):
        found.append("sender-rotation-overdue")
    contact = directory.contacts.get(sender)
    if contact is not None and contact.frozen is not None:
        found.append("sender-frozen-since")
    if contact is not None and contact.confirm_due_at(directory.settings) < now:
        found.append("sender-confirmation-overdue")
    return found
