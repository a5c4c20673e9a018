"""Receiving: what the hub delivered is kept sealed, opened in memory, verified, and answered.

No plaintext is written to disk. What an acknowledgement says is decided by an officer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from poc.client.anchoring import is_unanchored, row_kept
from poc.client.api import HubClient
from poc.client.evidence import UNVERIFIED, digest_of
from poc.client.feeds import INBOX, Fetched, member, read_feed
from poc.client.gossip import heads_of_item, keep_contradictions
from poc.client.keeping import opening_key, own_slot
from poc.client.known import Known
from poc.client.offering import note_restored
from poc.client.sequences import Gap, sequences
from poc.client.trust import InboxRow
from poc.core import jws, lifecycle
from poc.core.directory import Directory
from poc.core.envelope import DeliveredEnvelope, OpenedMessage, open_envelope, read_header, spoken_name
from poc.core.evidence import NextStep
from poc.core.form import form_of, read_form
from poc.core.holding import begins_at
from poc.core.judge import COMPROMISED
from poc.core.message import Envelope, Slot
from poc.core.nudge import short_number
from poc.core.play import ping_answer
from poc.core.receipts import Answering, acknowledgement, retrieval, sign_form
from poc.core.strictjson import canonical, format_time, parse, parse_time
from poc.errors import CATALOGUE, RefusedError

_NOT_VERIFIED: Final = frozenset({"head-ahead", "unknown-key", "key-not-yet"})
TRY_AGAIN: Final = _NOT_VERIFIED | {
    "exercise-unknown", "exercise-not-open", "held-slot-early", "no-key", "unsigned-note", "blocked-by-notice"
}  # fmt: skip
"""Codes that a newer log, a newer exercise, a key added to this home or a notice that ends may cure: tried
at every sync."""


async def fetch_inbox(
    known: Known,
    hub: HubClient,
    clock: Callable[[], datetime],
    sync_again: Callable[[], Awaitable[None]],
) -> Fetched:
    """Fetch what is new, keep it as delivered, verify it and queue retrievals.

    A message that needs a newer log or exercise is verified once more after ``sync_again``. Where the hub
    was restored, what it may have lost is remembered, to be offered again.
    """
    fetched = await read_feed(
        known.trust,
        hub,
        INBOX,
        lambda item: _keep(known, item, clock()),
        restored=lambda: note_restored(known),
    )
    if not verify_new(known):
        await sync_again()
        verify_new(known)
    if fetched.new:
        fetched.warnings += conflicts(known)
    return fetched


def _keep(known: Known, item: Any, now: datetime) -> bool:
    """Keep an item as delivered; true if the message was not here.

    Raises ``bad-answer-from-hub`` or ``bad-form`` for what is none, or as :func:`anchor`.
    """
    row = row_of(item, now)
    if known.trust.put_inbox(row):
        return True
    anchor(known, row)
    return False


def row_of(item: Any, now: datetime) -> InboxRow:
    """The row an item of the inbox is kept as. Raises ``bad-answer-from-hub`` or ``bad-form``."""
    message = member(item, "message", str)
    for name in ("accepted", "released"):
        if item.get(name) is not None:
            member(item, name, str)
    envelope = form_of(Envelope, item.get("envelope"))
    header = read_header(envelope.protected)
    if header.id != message:
        raise RefusedError("bad-answer-from-hub", "an envelope of another id")
    return InboxRow(
        0, header.id, header.sender.contact, digest_of(envelope), envelope.recipients[0].header.kid,
        canonical(item), format_time(now), "new", None,
    )  # fmt: skip


def anchor(known: Known, row: InboxRow) -> None:
    """Give a message that came by file the hub's receipt, once the same envelope comes with it.

    Nothing else changes: it is one message, seen once. Raises as ``open_envelope`` where the receipt does
    not hold; the message then stays as it came.
    """
    kept = row_kept(known, row)
    if kept is None or not is_verified(kept) or not is_unanchored(kept) or is_unanchored(row):
        return
    open_row(known, replace(row, arrived_at=kept.arrived_at))
    known.trust.set_inbox_item(kept.number, row.kid, row.item)


def verify_new(known: Known) -> bool:
    """Open what was not verified yet; false if a newer log or exercise may be needed for some."""
    complete = True
    for row in known.trust.unverified():
        again = row.state == "refused" and row.reason in TRY_AGAIN
        if row.state not in ("new", "not-verified") and not again:
            continue
        try:
            opened = open_row(known, row)
        except RefusedError as error:
            complete = complete and error.code not in TRY_AGAIN
            keep_contradictions(known, heads_of_item(known, parse_item(row)))
            state = "not-verified" if error.code in _NOT_VERIFIED else "refused"
            if (state, error.code) != (row.state, row.reason):
                known.trust.set_inbox_state(row.number, state, error.code)
            continue
        with known.trust.transaction():
            known.trust.set_inbox_state(row.number, _retrieved(known, opened))
    return complete


def conflicts(known: Known) -> list[str]:
    """Keep as proof what one sender signed twice under one id or one number; tell of each.

    A second envelope counts only if it opens and verifies: else whoever delivered it made it up.
    """
    told = []
    rows = known.trust.inbox()
    verified = [row for row in rows if is_verified(row)]
    by_id = {(row.message, row.sender): row for row in verified}
    for row in rows:
        other = by_id.get((row.message, row.sender))
        if other is not None and row.reason == "seen-before" and _verifies_alone(known, row):
            known.trust.add_proof("id-used-twice", other.item, row.item)
            told.append(f"{row.sender} sent two different messages under the id {row.message}")
    read = sequences(verified)
    told += [gap.told() for gap in read.gaps]
    for first, second in read.twice:
        known.trust.add_proof("sequence-used-twice", first.item, second.item)
        told.append(f"{first.sender} used one sequence number for {first.message} and {second.message}")
    return told


def gaps_of(known: Known) -> tuple[Gap, ...]:
    """The numbers missing between the messages that came and verified."""
    return sequences(row for row in known.trust.inbox() if is_verified(row)).gaps


def _verifies_alone(known: Known, row: InboxRow) -> bool:
    try:
        open_row(known, row, alone=True)
    except RefusedError:
        return False
    return True


def _retrieved(known: Known, opened: OpenedMessage) -> str:
    """Queue the retrieval where this desk gives one; the state the message is in afterwards."""
    if opened.use == "own":
        return "own"
    contact = known.directory.contacts.get(opened.contact)
    device = known.own_device()
    if contact is None or not contact.machine_receipts or "retrieve" not in device.may:
        return "received"
    queue_answer(known, opened, "retrieved")
    return "retrieved"


def is_verified(row: InboxRow) -> bool:
    """Whether a kept message passed every check when it came."""
    return row.state not in UNVERIFIED


def open_row(known: Known, row: InboxRow, *, alone: bool = False) -> OpenedMessage:
    """Open and verify a kept message, as of its arrival; ``alone``: as if its id had not come before.

    Raises as ``open_envelope``, ``no-key``, ``blocked-by-notice`` where the log alone would admit it.

    One that was verified when it came stays readable whatever became of its sender's key since:
    the warning ``sender-key-ended-since`` says so.
    """
    if is_verified(row) or known.effective is known.directory:
        return _open_by(known, known.directory, row, alone=alone)
    try:
        return _open_by(known, known.effective, row, alone=alone)
    except RefusedError as error:
        _open_by(known, known.directory, row, alone=alone)
        raise RefusedError("blocked-by-notice", error.code) from None


def _open_by(known: Known, directory: Directory, row: InboxRow, *, alone: bool) -> OpenedMessage:
    item = parse_item(row)
    sealed = item["envelope"]
    view = DeliveredEnvelope(
        sealed["protected"], sealed["iv"], sealed["ciphertext"], sealed["tag"],
        form_of(Slot, sealed["recipients"][0]),
    )  # fmt: skip
    others = () if alone else known.trust.inbox(row.message)
    before = [other for other in others if is_verified(other) and other.digest != row.digest]
    anchored = is_verified(row) or item.get("accepted") is not None
    return open_envelope(
        view,
        key=opening_key(known, row.message, row.kid),
        directory=_as_then(directory, row),
        now=parse_time(row.arrived_at),
        play_of=known.play_of,
        accepted=item.get("accepted"),
        released=item.get("released"),
        seen={(other.message, other.sender) for other in before},
        root_at=known.root_at,
        least=0 if anchored else directory.size,
    )


def _as_then(directory: Directory, row: InboxRow) -> Directory:
    """For a message verified before: its sender's key ended, but nobody refuses it on receipt any more."""
    kid = read_header(parse_item(row)["envelope"]["protected"]).sender.kid
    record = directory.keys.get(kid)
    if not is_verified(row) or record is None or record.ended not in COMPROMISED:
        return directory
    keys = {**directory.keys, kid: replace(record, ended="replaced")}
    return replace(directory, keys=MappingProxyType(keys))


def parse_item(row: InboxRow) -> Any:
    """The item as the hub delivered it."""
    return parse(row.item)


def newest_row(known: Known, message: str) -> InboxRow:
    """The row of a message's id: the verified one, if one is. Raises ``unknown-message``."""
    rows = known.trust.inbox(message)
    if not rows:
        raise RefusedError("unknown-message", message)
    return next((row for row in rows if is_verified(row)), rows[0])


def open_sent(known: Known, body: bytes, answer: bytes | None) -> OpenedMessage:
    """Open the own copy of a message from the outbox, held or not. Raises as ``open_envelope``."""
    envelope = read_form(Envelope, body)
    own = own_slot(known, [slot.header.kid for slot in envelope.recipients])
    receipt: Any = parse(answer) if answer else {}
    accepted = receipt.get("receipt")
    return open_envelope(
        DeliveredEnvelope.of(envelope, own),
        key=opening_key(known, read_header(envelope.protected).id, own),
        directory=known.directory,
        now=begins_at(read_header(envelope.protected)),
        play_of=None,
        accepted=accepted if isinstance(accepted, str) else None,
        root_at=known.root_at,
    )


def queue_answer(
    known: Known,
    opened: OpenedMessage,
    outcome: str,
    *,
    officer: str | None = None,
    word: str | None = None,
    next_step: NextStep | None = None,
    reason: str | None = None,
) -> str:
    """Sign a retrieval, acknowledgement or decline and put it into the outbox; gives its reference.

    Raises ``own-cannot-answer``, ``no-device``, ``answer-used`` (this device gave it before),
    ``not-in-this-state`` (acknowledging after declining, or the other way), ``unknown-contact`` and
    ``bad-times`` (of the next step), ``bad-form``.
    """
    if opened.use == "own":
        raise RefusedError("own-cannot-answer", opened.contact)
    machine = outcome == "retrieved"
    device = known.own_device("retrieve" if machine else "acknowledge")
    key = known.keys.signing(device.kid)
    ref = f"{opened.header.id}:{outcome}:{key.kid}"
    if not machine:
        _check_may_answer(known, opened.header.id, outcome, ref)
        _check_next(known, next_step)
    answering = Answering(opened.header, opened.digest, opened.contact, key.kid, known.head, known.now())
    answer = None if word is None else ping_answer(opened.cek, opened.header.id, opened.contact, word)
    if machine:
        text = sign_form(retrieval(answering), jws.RETRIEVAL, key)
    else:
        try:
            form = acknowledgement(
                answering, officer=officer, answer=answer, next_step=next_step, declined=reason
            )
        except ValidationError as error:
            members = {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}
            raise RefusedError("bad-form", ", ".join(sorted(members))) from None
        text = sign_form(form, jws.ACKNOWLEDGEMENT, key)
    known.trust.put_outbox("answer", ref, canonical({"jws": text}))
    return ref


def _check_may_answer(known: Known, message: str, outcome: str, ref: str) -> None:
    """An answer is given once by a device, and what this home said before limits what it may say."""
    state = "awaited"
    for row in known.trust.outbox(kind="answer"):
        answered, _, rest = row.ref.partition(":")
        if answered != message or row.state == "rejected":
            continue
        if row.ref == ref:
            raise RefusedError("answer-used", outcome)
        state = lifecycle.advance(lifecycle.ACKNOWLEDGEMENT, state, rest.partition(":")[0])
    lifecycle.advance(lifecycle.ACKNOWLEDGEMENT, state, outcome)


def _check_next(known: Known, next_step: NextStep | None) -> None:
    if next_step is None:
        return
    if next_step.contact is not None:
        known.directory.contact(next_step.contact)
    if next_step.at is not None and next_step.at <= known.now():
        raise RefusedError("bad-times", f"a reply by {format_time(next_step.at)}, which has passed")


def inbox_value(row: InboxRow) -> dict[str, Any]:
    """A kept message as a list shows it: from the envelope alone, which anyone could have written."""
    item = parse_item(row)
    header = read_header(item["envelope"]["protected"])
    slot = item["envelope"]["recipients"][0]["header"]
    problem = CATALOGUE.get(row.reason or "")
    return {
        "message": row.message, "from": row.sender, "status": header.status,
        "exercise": header.exercise, "kind": header.kind, "precedence": header.precedence,
        "sent_at": format_time(header.sent_at), "arrived_at": row.arrived_at,
        "expires_at": format_time(header.expires_at),
        "expired_on_arrival": header.expires_at <= parse_time(row.arrived_at),
        "short_number": short_number(row.message, slot["contact"]),
        "sequence": slot["sequence"], "spoken": spoken_name(row.sender, slot["contact"], slot["sequence"]),
        "state": row.state, "verified": is_verified(row), "reason": row.reason,
        "sentence": None if problem is None else problem.sentence,
        "next": None if problem is None else problem.next_step,
    }  # fmt: skip
