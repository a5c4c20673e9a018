"""Taking back what the hub still holds of a message, and what of it its recipients could not open any more.

Sealing stands in ``sending``, sending in ``outbox``; what a cancel ends is decided by the hub.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from poc.client.attachments import read_attachment
from poc.client.evidence import digest_of
from poc.client.inbox import open_sent
from poc.client.known import Known
from poc.client.progress import receipts_of
from poc.core import jws
from poc.core.draft import Draft, draft_of
from poc.core.envelope import read_header
from poc.core.evidence import Cancel
from poc.core.form import form_bytes, read_form
from poc.core.holding import parts_of
from poc.core.message import Envelope
from poc.core.receipts import artefact_sha256, sign_form
from poc.core.strictjson import canonical, format_time
from poc.errors import RefusedError

Reason = Literal["resealed", "withdrawn", "reached-by-voice", "answered"]
WARN_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Held:
    """What the hub still holds of a message for one contact, as far as is known here.

    ``lost`` counts devices it is sealed to that are gone, ``missing`` those that came since and could not
    open it: then it is to be cancelled and sealed anew.
    """

    message: str
    contact: str
    release_at: datetime
    in_place_of: str | None
    lost: int
    missing: int

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        return {
            "message": self.message,
            "contact": self.contact,
            "release_at": format_time(self.release_at),
            "in_place_of": self.in_place_of,
            "devices_gone": self.lost,
            "devices_without": self.missing,
        }


def held_of(known: Known, message: str) -> tuple[Held, ...]:
    """What is held of a message sent from here, by its receipts. Raises ``unknown-message``."""
    envelope = _sent(known, message)
    header = read_header(envelope.protected)
    slots = [slot.header for slot in envelope.recipients]
    over = {slot.contact for receipt in receipts_of(known, message) for slot in _ended(receipt)}
    found = []
    for part in parts_of(header, slots):
        if part.release_at is None or part.contact in over or part.contact == header.sender.contact:
            continue
        sealed = {slot.kid for slot in slots if slot.contact == part.contact}
        lost, missing = _changed(known, part.contact, sealed)
        found.append(Held(message, part.contact, part.release_at, part.in_place_of, lost, missing))
    return tuple(found)


def _ended(receipt: Any) -> Sequence[Any]:
    return (receipt.slots or ()) if receipt.event in ("released", "not-needed") else ()


def _changed(known: Known, contact: str, sealed: set[str]) -> tuple[int, int]:
    """How many devices are gone, and how many have no slot, of a contact a part was sealed to."""
    try:
        devices = known.effective.devices_of(contact)
    except RefusedError:
        return len(sealed), 0
    numbers = {device.number for device in devices}
    records = [known.directory.keys[kid] for kid in sealed if kid in known.directory.keys]
    reached = {record.device for record in records}
    return len(reached - numbers), len(numbers - reached)


def _sent(known: Known, message: str) -> Envelope:
    row = known.trust.outbox_row("message", message)
    if row is None:
        raise RefusedError("unknown-message", message)
    return read_form(Envelope, row.body)


def queue_cancel(known: Known, message: str, contact: str | None, reason: Reason) -> str:
    """Sign a cancel and put it into the outbox; gives its reference.

    Raises ``unknown-message``, ``already-released`` (nothing of what it names is held, as far as is known
    here), ``no-device``, ``right-missing``.
    """
    held = [one for one in held_of(known, message) if contact in (None, one.contact)]
    if not held:
        raise RefusedError("already-released", message if contact is None else f"{message} to {contact}")
    envelope = _sent(known, message)
    key = known.keys.signing(known.own_device("send").kid)
    form = Cancel(
        v=1,
        origin=known.directory.origin,
        message=message,
        envelope_sha256=digest_of(envelope),
        contact=contact,
        reason=reason,
        at=known.now(),
        head=known.head,
    )
    text = sign_form(form, jws.CANCEL, key)
    ref = f"{message}:cancel:{artefact_sha256(text)}"
    known.trust.put_outbox("answer", ref, canonical({"jws": text}))
    return ref


def take_back_withdrawn(known: Known, draft: Draft) -> None:
    """Queue the cancel that goes with a withdrawal, where the hub still holds something of what it withdraws.

    A message that another device of this office sent is cancelled there. Raises as :func:`queue_cancel`.
    """
    message = draft.in_reply_to
    if draft.kind != "withdrawal" or message is None or known.trust.outbox_row("message", message) is None:
        return
    if held_of(known, message):
        queue_cancel(known, message, None, "withdrawn")


def resealable(known: Known, message: str) -> tuple[Draft, list[str], list[str], bool]:
    """What a held message was made of: its draft, who is to act, who is to know, whether it escalates.

    Its preparation is of this id alone, so an actual message cannot be sent so. Raises ``unknown-message``,
    ``already-released`` where any part of it has gone out or was taken back, ``preparation-missing``, or as
    ``open_sent``.
    """
    envelope = _sent(known, message)
    slots = [slot.header for slot in envelope.recipients]
    parts = parts_of(read_header(envelope.protected), slots)
    waits = {held.contact for held in held_of(known, message)}
    sender = read_header(envelope.protected).sender.contact
    if over := sorted({part.contact for part in parts} - waits - {sender}):
        raise RefusedError("already-released", f"{message} to {', '.join(over)}")
    if read_header(envelope.protected).status == "actual":
        raise RefusedError("preparation-missing", "cancel it, and draw it up anew: `poc message draft`")
    opened = open_sent(known, form_bytes(envelope), None)
    stand_ins = {part.contact for part in parts if part.in_place_of is not None}
    uses = {to.contact: to.use for to in opened.message.to}
    to = sorted(c for c, use in uses.items() if use == "action" and c not in stand_ins)
    information = sorted(c for c, use in uses.items() if use == "information")
    numbers = range(1, len(opened.attachments) + 1)
    draft = draft_of(opened.message, [read_attachment(known, opened, number) for number in numbers])
    return replace(draft, prepared=None), to, information, bool(stand_ins)


def check_ended(known: Known, message: str) -> None:
    """Return only if the hub signed of every part of a message that it will not go out.

    Raises ``already-released``, ``unknown-message``.
    """
    envelope = _sent(known, message)
    sender = read_header(envelope.protected).sender.contact
    receipts = (r for r in receipts_of(known, message) if r.event == "not-needed")
    ended = {slot.contact for receipt in receipts for slot in receipt.slots or ()}
    out = sorted({slot.header.contact for slot in envelope.recipients} - ended - {sender})
    if out:
        raise RefusedError("already-released", f"{message} to {', '.join(out)}; the rest was taken back")


def _waits(envelope: Envelope, now: datetime) -> bool:
    """Whether anything of an envelope may still be held."""
    parts = parts_of(read_header(envelope.protected), [slot.header for slot in envelope.recipients])
    return any(part.release_at is not None and part.release_at > now for part in parts)


def held_warnings(known: Known, now: datetime) -> list[str]:
    """What is held and could not be opened by everybody it is for, from a week before it goes out."""
    told = []
    for row in known.trust.outbox(kind="message"):
        if row.state != "accepted" or not _waits(read_form(Envelope, row.body), now):
            continue
        for held in held_of(known, row.ref):
            near = held.release_at - now <= timedelta(days=WARN_DAYS)
            if near and (held.lost or held.missing):
                told.append(
                    f"message {row.ref}, held for {held.contact} until {format_time(held.release_at)}: "
                    f"{held.lost} of its devices are gone, {held.missing} could not open it: "
                    f"run `poc message reseal {row.ref}`"
                )
    return told
