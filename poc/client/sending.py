"""Sealing a message and putting it into the outbox, in one transaction with its sequence numbers.

Sending what waits stands in ``outbox``; what may be sent is decided in ``core.envelope``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from poc.client.blobs import queue_blobs, waiting_blobs
from poc.client.cautions import cautions
from poc.client.conversation import check_may_say
from poc.client.known import Known
from poc.client.standing import check_fresh
from poc.core.draft import measure, spoken_name
from poc.core.envelope import Addressee, Draft, Randomness, Sealed, SealingLimits, seal_message, uuid7
from poc.core.escalation import Plan
from poc.core.form import state_of
from poc.core.judge import check_may_send, check_not_frozen
from poc.core.strictjson import parse
from poc.errors import RefusedError


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a message. ``waiting``: kept in the outbox, sent at the next sync.

    ``unverified-receipt``: the hub answered, but its receipt does not hold; it is sent again too.
    ``attachments_waiting``: how many that travel apart the hub does not have yet.
    """

    id: str
    state: Literal["accepted", "waiting", "rejected", "unverified-receipt"]
    reason: str | None
    receipt: str | None
    voice_code: str
    spoken: tuple[str, ...]
    warnings: tuple[str, ...]
    attachments_waiting: int = 0

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        return asdict(self)


def seal(
    known: Known,
    draft: Draft,
    plan: Plan,
    random: Callable[[int], bytes],
    *,
    stale_reason: str | None = None,
    message: str | None = None,
) -> Sealed:
    """Seal a draft to those a plan reaches and keep it in the outbox.

    ``message`` is the id it was prepared under, if it was.

    ``stale_reason`` is why an actual message goes out although the log here is not fresh: it is kept beside
    it and never sent. What a notice held here blocks is blocked.

    Raises ``no-device``, ``key-body-missing``, ``unknown-contact``, ``contact-frozen``, ``state-suspended``,
    ``head-stale``, ``update-needed``, ``text-empty`` (the reason), or as ``check_may_say``, ``measure`` and
    ``seal_message``.
    """
    if draft.status == "actual":
        _check_may_be_actual(known, stale_reason)
    directory = known.effective
    device = known.own_device("send")
    party, now = known.party or "", known.now()
    check_sender(known)
    check_may_say(known, draft)
    for reached in plan.reached:
        check_not_frozen(directory.contacts.get(reached.contact), directory.size)
    if device.kid not in {own.kid for own in directory.devices_of(party)}:
        raise RefusedError("no-device", f"{party}: a notice held here ends this device")
    limits = SealingLimits.of(directory, party)
    with known.trust.transaction():
        addressees = _addressees(known, draft, plan, device.kid)
        measure(draft, len(addressees), limits.body_bytes, limits.blob_bytes)
        sealed = seal_message(
            draft,
            origin=known.directory.origin,
            id=message or uuid7(now, random(10)),
            sender_contact=party,
            signing_key=known.keys.signing(device.kid),
            addressees=addressees,
            head=known.head,
            now=now,
            randomness=Randomness(
                random(32),
                random(12),
                [random(16) for _ in addressees],
                [random(32) for _ in draft.attachments],
            ),
            limits=limits,
        )
        queue_blobs(known, sealed)
        reason = stale_reason if draft.status == "actual" else None
        known.trust.put_outbox("message", sealed.message.id, sealed.envelope_bytes, stale_reason=reason)
    return sealed


def _check_may_be_actual(known: Known, stale_reason: str | None) -> None:
    """Refuse an actual message where this desk cannot tell how the registry stands now."""
    if known.trust.value("update-needed"):
        raise RefusedError("update-needed")
    if stale_reason is None:
        check_fresh(known, known.now())
    elif not stale_reason.strip():
        raise RefusedError("text-empty", "the reason to send on a stale log")


def check_sender(known: Known) -> None:
    """Return if this desk's office may send now. Raises ``contact-frozen``, ``state-suspended``."""
    check_may_send(known.effective, known.party or "", known.effective.size)


def _addressees(known: Known, draft: Draft, plan: Plan, kid: str) -> list[Addressee]:
    found = []
    for one in plan.reached:
        sequence = None
        if draft.not_before is None and not one.is_held:
            sequence = known.trust.next_sequence(kid, one.contact, draft.status)
        devices = known.effective.devices_of(one.contact)
        if not devices:
            raise RefusedError("not-verified", one.contact)
        release_at = one.at if one.is_held else None
        for device in devices:
            key = known.sealing_public(device.sealing_kid)
            found.append(Addressee(one.contact, key, one.use, sequence, release_at, one.in_place_of))
    party = known.party or ""
    own = known.effective.devices_of(party)
    return found + [Addressee(party, known.keys.sealing(d.sealing_kid).public, "own") for d in own
                    if known.keys.has(d.sealing_kid)] + [
        Addressee(party, known.sealing_public(d.sealing_kid), "own") for d in own
        if not known.keys.has(d.sealing_kid)]  # fmt: skip


def outcome(known: Known, sealed: Sealed) -> Sent:
    """How far a sealed message has come."""
    message = sealed.message
    row = known.trust.outbox_row("message", message.id)
    answer: Any = parse(row.answer) if row is not None and row.answer else {}
    state: Any = "waiting" if row is None else row.state
    sequences = {s.header.contact: s.header.sequence for s in sealed.envelope.recipients}
    parties = sorted({r.contact for r in message.to if r.use != "own"})
    spoken = tuple(spoken_name(message.sender.contact, c, sequences.get(c)) for c in parties)
    reason = None if row is None else row.reason
    receipt = answer.get("receipt") if state == "accepted" else None
    waiting = len(waiting_blobs(known, message.id))
    warnings = _warnings(known, parties)
    return Sent(message.id, state, reason, receipt, sealed.voice_code, spoken, warnings, waiting)


def _warnings(known: Known, parties: Sequence[str]) -> tuple[str, ...]:
    """Overdue confirmations and sealing keys, States in recovery or suspended: told, never a refusal."""
    told, now = [], known.now()
    for state in sorted({state_of(party) for party in (known.party or "", *parties)}):
        told += cautions(known.directory, state)
    for party in parties:
        contact = known.directory.contacts.get(party)
        if contact is not None and contact.confirm_due_at(known.directory.settings) < now:
            told.append(f"{party}: confirmation overdue")
        if any(device.rotate_by < now for device in known.directory.devices_of(party)):
            told.append(f"{party}: sealing key overdue")
    return tuple(told)
