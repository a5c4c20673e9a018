"""Carrying without the hub: files made of what this desk sealed, answered or verified, and files taken in.

What comes in a file passes every check that the hub's own answers pass, and stands here once: when the hub
delivers the same later, its receipt is added and nothing is repeated. The form stands in ``core.carriage``,
mails around it in ``carriage_mail``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from poc.client.anchoring import row_kept
from poc.client.evidence import envelope_here, verify_piece
from poc.client.gossip import heads_in, heads_of_item, keep_contradictions
from poc.client.inbox import TRY_AGAIN, anchor, conflicts, is_verified, open_row, row_of, verify_new
from poc.client.known import Known
from poc.client.log import applied
from poc.client.progress import receipts_of
from poc.client.trust import InboxRow
from poc.core import jws
from poc.core.admission import slot_sha256
from poc.core.carriage import (
    CarriageFile,
    CarriedAnswer,
    CarriedLog,
    CarriedMessage,
    build_carriage,
    new_leaves,
    part_for,
    read_carriage,
)
from poc.core.envelope import read_header
from poc.core.evidence import Receipt
from poc.core.form import form_bytes, form_of, form_value, read_form
from poc.core.judge import check_quorum
from poc.core.keys import SealingPublicKey
from poc.core.message import Envelope, EnvelopeHeader
from poc.core.receipts import artefact_sha256, verify_answer, verify_receipt
from poc.core.snapshot import OpeningOf, SealingJwk, verify_snapshot
from poc.core.strictjson import b64u, canonical, format_time, parse, unb64u
from poc.errors import RefusedError
from poc.limits import SNAPSHOT_BYTES_MAX

_SNAPSHOT_MARK: Final = b'"form":"poc-snapshot"'
_KINDS: Final = {jws.RETRIEVAL: "retrieval", jws.ACKNOWLEDGEMENT: "acknowledgement"}
_KEPT_UNVERIFIED: Final = (TRY_AGAIN | {"seen-before"}) - {"held-slot-early"}
"""What is kept although it does not verify: a later log may cure it, or it proves something against its
sender. Anything else stays in its file, so that a file fills no inbox."""


@dataclass(slots=True)
class Carried:
    """What a file brought. ``size`` is that of the verified log afterwards.

    Of ``messages``, ``new`` is false for one that was here; ``answers`` the same. ``refused`` are the codes
    of what was not taken; the same is told among the warnings.
    """

    size: int = 0
    entries: int = 0
    cards: int = 0
    keys: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON value."""
        return asdict(self)


# --- out -----------------------------------------------------------------------------------------


def addressees_of(known: Known, message: str) -> list[str]:
    """The contacts a message from here was sealed to, not the sender's own. Raises ``unknown-message``."""
    envelope = _sent(known, message)
    sender = read_header(envelope.protected).sender.contact
    return sorted({slot.header.contact for slot in envelope.recipients} - {sender})


def header_of(known: Known, message: str) -> EnvelopeHeader:
    """What the hub sees of a message sent from here or received. Raises ``unknown-message``."""
    return read_header(envelope_here(known, message).protected)


def export_message(known: Known, message: str, contact: str, *, early: bool = False) -> bytes:
    """A message from the outbox as a file for one addressee: its own slots, still sealed.

    The hub's receipts go along where they are here. Raises ``unknown-message``, ``part-cancelled``, or as
    ``part_for``.
    """
    envelope = part_for(_sent(known, message), contact, known.now(), early=early)
    own = {slot_sha256(slot) for slot in envelope.recipients}
    receipts = {
        event: text
        for text, event, slots in _receipts(known, message)
        if own & slots and event in ("accepted", "released", "not-needed")
    }
    if "not-needed" in receipts:
        raise RefusedError("part-cancelled", contact)
    carried = CarriedMessage(
        envelope=envelope, accepted=receipts.get("accepted"), released=receipts.get("released")
    )
    return build_carriage(known.directory.origin, messages=[carried])


def _sent(known: Known, message: str) -> Envelope:
    row = known.trust.outbox_row("message", message)
    if row is None:
        raise RefusedError("unknown-message", message)
    return read_form(Envelope, row.body)


def _receipts(known: Known, message: str) -> list[tuple[str, str, set[str]]]:
    """The verified receipts about a message: as they came, their events, the slots they name."""
    good = receipts_of(known, message)
    texts = [text for kind, text in known.trust.evidence(message) if kind == "receipt"]
    found: list[tuple[str, str, set[str]]] = []
    for text in texts:
        receipt = read_form(Receipt, jws.read_compact(text).payload)
        if receipt in good:
            found.append((text, receipt.event, {slot.sha256 for slot in receipt.slots or ()}))
    return found


def export_answers(known: Known, message: str) -> bytes:
    """What this desk answered to a message, as a file for its sender. Raises ``nothing-to-carry``."""
    answers = []
    for row in known.trust.outbox(kind="answer"):
        first, _, rest = row.ref.partition(":")
        if first != message or rest.startswith("cancel:") or row.state == "rejected":
            continue
        own: Any = parse(row.body)
        said: Any = parse(row.answer) if row.state == "done" and row.answer else {}
        answers.append(CarriedAnswer(message=message, jws=own["jws"], recorded=said.get("receipt")))
    if not answers:
        raise RefusedError("nothing-to-carry", message)
    return build_carriage(known.directory.origin, answers=answers)


def export_log(known: Known, since: int = 0) -> bytes:
    """The entries verified here from a size on, with the cosigned checkpoint and the sealing keys they name.

    Raises ``not-synced``, ``log-gap`` (so many are not known here), ``quorum-missing``, ``too-large``.
    """
    with known.trust.transaction(write=False):
        known.catch_up()
        leaves, note = known.trust.log(since)
        if note is None:
            raise RefusedError("not-synced")
        directory = known.directory
        if since > directory.size:
            raise RefusedError("log-gap", f"from {since} on; {directory.size} are known here")
        check_quorum(note, directory)
        named = [r.kid for r in directory.keys.values() if r.role == "sealing" and r.until is None]
        kept = known.trust.sealing_keys()
        kids = [kid for kid in named if kid in kept and directory.keys[kid].since >= since]
        log = CarriedLog(
            first=since,
            entries=tuple(map(b64u, leaves)),
            checkpoint=note.decode(),
            sealing_keys=tuple(form_of(SealingJwk, known.sealing_public(kid).jwk()) for kid in kids),
        )
    data = build_carriage(directory.origin, log=log)
    if len(data) > SNAPSHOT_BYTES_MAX:
        raise RefusedError("too-large", f"{len(data)} bytes; give a later size with --since")
    return data


def mail_address(known: Known, contact: str) -> str | None:
    """The first mail address of a contact, if its card is open here and names one that is plain ASCII."""
    try:
        reach = known.card(contact).get("reach")
    except RefusedError:
        return None
    channels = getattr(reach, "channels", ())
    addresses = (channel.value for channel in channels if channel.kind == "email")
    return next((value for value in addresses if value.isascii() and " " not in value), None)


# --- in ------------------------------------------------------------------------------------------


async def take_file(known: Known, data: bytes, bytes_max: int) -> Carried:
    """Take what a file holds, the log first: each thing verified by itself, and kept once.

    Raises ``too-large``, ``wrong-origin`` and as reading the form; and, where nothing of it could be taken,
    what the first thing in it was refused for.
    """
    taken = Carried()
    if len(data) > bytes_max:
        raise RefusedError("too-large", f"{len(data)} bytes; {bytes_max} is the limit")
    if _SNAPSHOT_MARK in data:
        await _take_snapshot(known, data, taken)
    else:
        await _take_carriage(known, read_carriage(data, known.directory.origin, bytes_max), taken)
    taken.size = known.directory.size
    return taken


async def _take_carriage(known: Known, file: CarriageFile, taken: Carried) -> None:
    refusals: list[RefusedError] = []
    if file.log is not None:
        leaves = [unb64u(entry) for entry in file.log.entries]
        keys = [SealingPublicKey.from_jwk(form_value(jwk)) for jwk in file.log.sealing_keys]
        try:
            taken.entries = await _take_log(known, file.log.first, leaves, file.log.checkpoint.encode())
            taken.keys = _take_sealing_keys(known, keys)
        except RefusedError as error:
            refusals.append(error)
    _look_again(known, taken)
    for message in file.messages:
        try:
            taken.messages.append(_take_message(known, message, taken))
        except RefusedError as error:
            refusals.append(error)
    for answer in file.answers:
        try:
            taken.answers.append(_take_answer(known, answer))
        except RefusedError as error:
            refusals.append(error)
    if refusals and len(refusals) == len(file.messages) + len(file.answers) + (file.log is not None):
        raise refusals[0]
    taken.refused += [error.code for error in refusals]
    taken.warnings += [f"not taken: {error.code}: {error.message}" for error in refusals]


async def _take_snapshot(known: Known, data: bytes, taken: Carried) -> None:
    snapshot = await asyncio.to_thread(verify_snapshot, data, known.directory.fingerprint)
    taken.entries = await _take_log(known, 0, snapshot.leaves, snapshot.note)
    taken.keys = _take_sealing_keys(known, list(snapshot.sealing_keys.values()))
    taken.cards = sum(_take_opening(known, held) for held in snapshot.openings.values())
    _look_again(known, taken)


async def _take_log(known: Known, first: int, leaves: Sequence[bytes], note: bytes) -> int:
    """Verify entries and their checkpoint as those of the hub, and keep them; gives how many were new.

    A file that is merely old is no rollback: it brings nothing. When this desk last synced stays as it was.
    """
    known.catch_up()
    try:
        fresh = list(new_leaves(first, leaves, note, known.directory, known.root_at))
    except RefusedError as error:
        if error.code == "head-inconsistent":
            known.trust.add_proof("head-inconsistent", known.trust.value("head") or b"", note)
        raise
    if fresh or first + len(leaves) == known.directory.size:
        newer = await asyncio.to_thread(applied, known, fresh) if fresh else known.directory
        known.keep_head(newer, fresh, note)
    return len(fresh)


def _take_sealing_keys(known: Known, keys: Sequence[SealingPublicKey]) -> int:
    """Keep the public keys that the log names; another one is left out, as nothing would ever use it."""
    records = known.directory.keys
    named = [key for key in keys if key.kid in records and records[key.kid].role == "sealing"]
    return sum(known.trust.put_sealing_key(key.kid, canonical(key.jwk())) for key in named)


def _take_opening(known: Known, held: OpeningOf) -> bool:
    """Keep an opening of the card in force here; a verified snapshot may hold one that was replaced since."""
    contact, commitment = known.directory.contact(held.contact), held.opening.commitment()
    named = contact.card.part(held.opening.part)
    if named is None or named.commitment != commitment or contact.withdrawn:
        return False
    return known.trust.put_opening(commitment, contact.id, held.opening.part, form_bytes(held.opening))


def _look_again(known: Known, taken: Carried) -> None:
    """Verify what waited here for a newer log."""
    if known.keyring is not None:
        verify_new(known)
        taken.warnings += conflicts(known)


def _take_message(known: Known, carried: CarriedMessage, taken: Carried) -> dict[str, Any]:
    """Keep a message as if the hub had delivered it, and queue its retrieval; gives what became of it.

    Raises ``no-slot-for-key`` (sealed to others), or why it is refused.
    """
    own = next((slot for slot in carried.envelope.recipients if known.keys.has(slot.header.kid)), None)
    header = read_header(carried.envelope.protected)
    if own is None:
        raise RefusedError("no-slot-for-key", header.id)
    envelope = form_value(carried.envelope.model_copy(update={"recipients": (own,)}))
    receipts = {"accepted": carried.accepted, "released": carried.released}
    row = row_of({"message": header.id, "envelope": envelope, **receipts, "carried": True}, known.now())
    kept = row_kept(known, row)
    if kept is not None and is_verified(kept):
        anchor(known, row)
    else:
        _keep_message(known, row, is_here=kept is not None)
        taken.warnings += conflicts(known)
    now_kept = row_kept(known, row) or row
    return {
        "message": row.message, "from": row.sender, "state": now_kept.state, "reason": now_kept.reason,
        "new": kept is None,
    }  # fmt: skip


def _keep_message(known: Known, row: InboxRow, *, is_here: bool) -> None:
    try:
        open_row(known, row)
    except RefusedError as error:
        keep_contradictions(known, heads_of_item(known, parse(row.item)))
        if is_here or error.code not in _KEPT_UNVERIFIED:
            raise
    known.trust.put_inbox(row)
    verify_new(known)


def _take_answer(known: Known, carried: CarriedAnswer) -> dict[str, Any]:
    """Keep an answer to a message from here, judged by the log known here; gives what it says.

    Raises ``unknown-message``, ``wrong-type``, or as ``verify_piece`` and ``verify_answer``.
    """
    if known.trust.outbox_row("message", carried.message) is None:
        raise RefusedError("unknown-message", carried.message)
    kind = _KINDS.get(jws.read_compact(carried.jws).header.typ)
    if kind is None:
        raise RefusedError("wrong-type", "neither a retrieval nor an acknowledgement")
    size = known.directory.size
    try:
        verify_piece(known, carried.message, kind, carried.jws)
        recorded = None if carried.recorded is None else _recorded(known, carried.message, carried.recorded)
        least = size if recorded is None else 0
        answer = verify_answer(carried.jws, known.directory, recorded, least=least, root_at=known.root_at)
    except RefusedError:
        keep_contradictions(known, heads_in([carried.jws, carried.recorded]))
        raise
    with known.trust.transaction():
        new = known.trust.put_evidence(carried.message, kind, carried.jws)
        known.trust.put_carried(artefact_sha256(carried.jws), format_time(known.now()), size)
        if carried.recorded is not None:
            known.trust.put_evidence(carried.message, "receipt", carried.recorded)
    return {
        "message": carried.message, "contact": answer.contact, "outcome": answer.outcome,
        "recorded": recorded is not None, "new": new,
    }  # fmt: skip


def _recorded(known: Known, message: str, text: str) -> Receipt:
    verify_piece(known, message, "receipt", text)
    return verify_receipt(text, known.directory, known.root_at)
