"""Sealing a message: the sender's side of an envelope, and one place to import the others from.

The hub's side stands in ``admission``, the recipient's in ``opening``; the cryptography is in
``sealed``; drafts, sizes and wording in ``draft``. The public names of the first two are given on here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from poc.core import jws, sealed
from poc.core.admission import (
    CheckedEnvelope,
    SealingLimits,
    admit_envelope,
    check_enrolled,
    check_envelope,
    check_one_sequence,
    check_times,
    envelope_digest,
    read_envelope,
    read_header,
    slot_hash,
    slot_sha256,
)
from poc.core.blob import SealedBlob, seal_blob
from poc.core.draft import (
    Addressee,
    AttachmentBytes,
    Draft,
    Size,
    blob_sizes,
    check_body_size,
    check_exercise_text,
    compose_message,
    content_sha256,
    draft_sha256,
    measure,
    prepare,
    spoken_name,
    text_code,
)
from poc.core.form import form_bytes, form_of, form_value
from poc.core.keys import SEALING_ALGORITHM, SigningKey
from poc.core.message import (
    ENVELOPE_TYPE,
    SHARED_MEMBERS,
    Envelope,
    EnvelopeHeader,
    Message,
    Slot,
)
from poc.core.opening import DeliveredEnvelope, KeptKey, OpenedMessage, open_envelope
from poc.core.strictjson import b64u, format_time
from poc.core.uuid7 import uuid7
from poc.errors import RefusedError

__all__ = [
    "Addressee",
    "AttachmentBytes",
    "CheckedEnvelope",
    "DeliveredEnvelope",
    "Draft",
    "KeptKey",
    "OpenedMessage",
    "Randomness",
    "Sealed",
    "SealingLimits",
    "Size",
    "admit_envelope",
    "check_draft",
    "check_enrolled",
    "check_envelope",
    "check_exercise_text",
    "content_sha256",
    "draft_sha256",
    "envelope_digest",
    "measure",
    "open_envelope",
    "prepare",
    "read_envelope",
    "read_header",
    "seal_message",
    "slot_hash",
    "slot_sha256",
    "spoken_name",
    "text_code",
    "uuid7",
]

_SHARED_NAMES: Final = {"from" if name == "sender" else name for name in SHARED_MEMBERS}


@dataclass(frozen=True, slots=True)
class Randomness:
    """What the caller drew for one message: 32 bytes CEK, 12 bytes IV, a 16-byte salt per slot.

    ``blob_keys``: 32 bytes for each attachment, used if they travel apart.
    """

    cek: bytes
    iv: bytes
    salts: Sequence[bytes]
    blob_keys: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed message. ``envelope_bytes`` and ``blobs`` are stored before sending, and sent unchanged."""

    envelope: Envelope
    envelope_bytes: bytes
    message: Message
    digest: str
    voice_code: str
    blobs: tuple[SealedBlob, ...] = ()


# --- the sender's side -------------------------------------------------------------------------


def seal_message(  # noqa: PLR0913 (one named value per thing a sender decides)
    draft: Draft,
    *,
    origin: str,
    id: str,  # noqa: A002 (the member's name on the wire)
    sender_contact: str,
    signing_key: SigningKey,
    addressees: Sequence[Addressee],
    head: str,
    now: datetime,
    randomness: Randomness,
    limits: SealingLimits,
) -> Sealed:
    """Sign a draft and seal it to every addressee's device; ``sent_at`` is ``now``.

    Only HPKE's own randomness is drawn here (see ``sealed``); all other comes in.

    Raises:
        RefusedError: ``controller-cannot-send-actual``, ``status-not-admitted``,
            ``preparation-missing``, ``real-world-wording``, ``attachments-too-large``,
            ``too-many-slots``, ``no-addressee``, ``duplicate-slot``, ``bad-sequence``, ``bad-times``,
            ``expires-too-late``, ``expired``, ``envelope-too-large``, ``bad-form``.
    """
    check_draft(draft, limits, now)
    if draft.status == "actual" and draft.prepared is None:
        raise RefusedError("preparation-missing")
    ordered = sorted(addressees, key=lambda addressee: (addressee.contact, addressee.kid))
    _check_addressees(ordered, draft, sender_contact, limits)
    salted = list(zip(ordered, randomness.salts, strict=True))
    blobs = _seal_blobs(draft, randomness.blob_keys, limits)
    message = compose_message(
        draft,
        **{
            "origin": origin,
            "id": id,
            "from": {"contact": sender_contact, "kid": signing_key.kid},
            "to": [_recipient(addressee, salt) for addressee, salt in salted],
            "head": head,
            "commit": sealed.commitment(randomness.cek, id),
            "sent_at": format_time(now),
            **_attachments(draft, blobs),
        },
    )
    signed = jws.sign_compact(form_bytes(message), jws.MESSAGE, signing_key)
    inside = () if blobs else draft.attachments
    content = b"\n".join((signed.encode(), b"".join(a.data for a in inside)))
    protected = b64u(form_bytes(_header_of(message, blobs)))
    ciphertext, tag = sealed.encrypt_content(randomness.cek, randomness.iv, protected, sealed.pad(content))
    envelope = Envelope(
        protected=protected,
        recipients=tuple(_seal_slot(a, salt, protected, randomness.cek) for a, salt in salted),
        iv=b64u(randomness.iv),
        ciphertext=b64u(ciphertext),
        tag=b64u(tag),
    )
    data = form_bytes(envelope)
    check_body_size(len(data), limits.body_bytes)
    digest = envelope_digest(protected, envelope.iv, envelope.ciphertext, envelope.tag)
    return Sealed(envelope, data, message, digest, sealed.voice_code(randomness.cek, id), blobs)


def check_draft(draft: Draft, limits: SealingLimits, now: datetime) -> None:
    """Refuse a draft that could not be sent now, its preparation aside. Raises as :func:`seal_message`."""
    if limits.controller and draft.status == "actual":
        raise RefusedError("controller-cannot-send-actual")
    if draft.status not in limits.statuses:
        raise RefusedError("status-not-admitted", draft.status)
    check_times(now, draft.not_before, draft.respond_by, draft.expires_at, now)
    check_exercise_text(draft)
    blob_sizes(draft.attachments, limits.blob_bytes)


def _seal_blobs(draft: Draft, keys: Sequence[bytes], limits: SealingLimits) -> tuple[SealedBlob, ...]:
    if not blob_sizes(draft.attachments, limits.blob_bytes):
        return ()
    return tuple(seal_blob(a.data, key) for a, key in zip(draft.attachments, keys, strict=True))


def _attachments(draft: Draft, blobs: Sequence[SealedBlob]) -> dict[str, Any]:
    """The attachments of the message where they travel apart; else the draft's own form of them stands."""
    if not blobs:
        return {}
    return {"attachments": [a.value(blob) for a, blob in zip(draft.attachments, blobs, strict=True)]}


def _check_addressees(
    addressees: Sequence[Addressee], draft: Draft, sender_contact: str, limits: SealingLimits
) -> None:
    if len(addressees) > limits.slots:
        raise RefusedError("too-many-slots", f"{len(addressees)}; {limits.slots} is the limit")
    if all(addressee.use == "own" for addressee in addressees):
        raise RefusedError("no-addressee")
    if len({addressee.kid for addressee in addressees}) != len(addressees):
        raise RefusedError("duplicate-slot")
    for addressee in addressees:
        own = addressee.use == "own"
        if own != (addressee.contact == sender_contact):
            raise RefusedError("bad-sequence", f"{addressee.contact} is addressed as {addressee.use}")
        held = draft.not_before or addressee.release_at or addressee.in_place_of
        if (addressee.sequence is None) != (own or held is not None):
            raise RefusedError("bad-sequence", addressee.contact)
    check_one_sequence((a.contact, a.sequence) for a in addressees if a.release_at is None)


def _members(addressee: Addressee) -> dict[str, Any]:
    release_at = addressee.release_at
    return {
        "contact": addressee.contact,
        "kid": addressee.kid,
        "sequence": addressee.sequence,
        "release_at": None if release_at is None else format_time(release_at),
        "in_place_of": addressee.in_place_of,
    }


def _recipient(addressee: Addressee, salt: bytes) -> dict[str, Any]:
    hashed = sealed.slot_hash(salt, **_members(addressee))
    return {"contact": addressee.contact, "kid": addressee.kid, "as": addressee.use, "slot": hashed}


def _header_of(message: Message, blobs: Sequence[SealedBlob]) -> EnvelopeHeader:
    shared = {name: value for name, value in form_value(message).items() if name in _SHARED_NAMES}
    named = [{"sha256": blob.sha256, "size_bytes": len(blob.data)} for blob in blobs]
    own = {"enc": sealed.CONTENT_ENCRYPTION, "typ": ENVELOPE_TYPE, "blobs": named}
    return form_of(EnvelopeHeader, {**shared, **own})


def _seal_slot(addressee: Addressee, salt: bytes, protected: str, cek: bytes) -> Slot:
    ek, encrypted_key = sealed.seal_key(cek, protected, addressee.contact, addressee.key)
    header = {"alg": SEALING_ALGORITHM, "ek": b64u(ek), "salt": b64u(salt), **_members(addressee)}
    return form_of(Slot, {"header": header, "encrypted_key": b64u(encrypted_key)})
