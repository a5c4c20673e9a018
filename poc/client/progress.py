"""How far a message of this desk has come, contact by contact, from verified evidence alone.

The hub's time of recording decides what is late, never the device's. Fetching and verifying evidence
stands in ``evidence``; what an exercise makes of answers in ``exercises``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from poc.client.inbox import open_sent
from poc.client.known import Known
from poc.client.trust import OutboxRow
from poc.client.view import marking
from poc.core.draft import spoken_name
from poc.core.envelope import read_header
from poc.core.evidence import RECEIPT_IS_NOT_AGREEMENT, Acknowledgement, Receipt, Retrieval
from poc.core.form import form_value, read_form
from poc.core.holding import Part, parts_of
from poc.core.message import Envelope, EnvelopeHeader
from poc.core.play import deadline
from poc.core.receipts import artefact_sha256, verify_answer, verify_receipt
from poc.core.strictjson import format_time
from poc.errors import CATALOGUE, PocError, RefusedError

_RELEASE_SECONDS_MAX: Final = 60
"""How long after its time a release may still be on its way before its absence is told."""
_TOLD_DAYS: Final = 7
"""How long after it expired a message without an answer is still told of."""


def message_progress(known: Known, message_id: str) -> dict[str, Any]:
    """A sent message with what each addressee's evidence shows; what does not verify counts for nothing.

    Per contact ``state`` is ``none``, ``retrieved``, ``acknowledged``, ``declined`` or ``expired``, or for
    a held part ``held``, ``not-needed``, ``release-unseen`` (its time has passed, and the hub showed no
    receipt). ``late``: the hub recorded the answer after its deadline; ``overdue``: that has passed with
    none, by this desk's own clock. ``recorded`` is false of an answer that came by file at ``carried_at``
    and that no receipt of the hub records: it is good, and when it was given is unproven. ``as`` is in the
    sealed part: null while the keyring is locked. An information recipient has no deadline. Needs no
    network. Raises ``unknown-message``.
    """
    row = known.trust.outbox_row("message", message_id)
    if row is None:
        raise RefusedError("unknown-message", message_id)
    envelope = read_form(Envelope, row.body)
    header = read_header(envelope.protected)
    receipts = receipts_of(known, message_id)
    accepted = next((receipt for receipt in receipts if receipt.event == "accepted"), None)
    until = None if accepted is None else deadline(header, accepted.at)
    slots = [s.header for s in envelope.recipients if s.header.contact != header.sender.contact]
    numbers = {slot.contact: slot.sequence for slot in slots}
    recorded, uses = answers_of(known, message_id), _uses(known, row)
    answers = [*map(_Given.recorded, recorded), *_unrecorded(known, message_id)]
    return {
        **_about(row, header),
        "accepted_at": None if accepted is None else format_time(accepted.at),
        "deadline": None if until is None else format_time(until),
        "refusal": _refusal(row, receipts),
        "receipt_sentence": RECEIPT_IS_NOT_AGREEMENT,
        "contacts": [
            {
                "contact": part.contact,
                "as": uses.get(part.contact),
                "spoken": spoken_name(header.sender.contact, part.contact, numbers[part.contact]),
                "in_place_of": part.in_place_of,
                **_of_part(part, header, uses.get(part.contact), answers, receipts, known.now()),
            }
            for part in parts_of(header, slots)
        ],
    }


def _about(row: OutboxRow, header: EnvelopeHeader) -> dict[str, Any]:
    return {
        "id": header.id,
        "state": row.state,
        "reason": row.reason,
        "stale_reason": row.stale_reason,
        "status": header.status,
        "exercise": header.exercise,
        "marking": marking(header.status),
        "kind": header.kind,
        "precedence": header.precedence,
        "sent_at": format_time(header.sent_at),
        "respond_by": None if header.respond_by is None else format_time(header.respond_by),
        "respond_within_s": header.respond_within_s,
        "expires_at": format_time(header.expires_at),
    }


def _refusal(row: OutboxRow, receipts: list[Receipt]) -> dict[str, Any] | None:
    """Why the hub refused the message for good, and whether it signed that it did."""
    if row.state != "rejected":
        return None
    code = (row.reason or "hub-refused").partition(":")[0]
    found = next((r for r in receipts if (r.event, r.reason) == ("rejected", code)), None)
    return {
        "reason": code,
        "next": CATALOGUE[code].next_step if code in CATALOGUE else None,
        "signed": found is not None,
        "at": None if found is None else format_time(found.at),
    }


def _uses(known: Known, row: OutboxRow) -> dict[str, str]:
    """What each contact is to the message, where this home can open its own copy."""
    if known.keyring is None:
        return {}
    try:
        return {to.contact: to.use for to in open_sent(known, row.body, None).message.to}
    except PocError:
        return {}


def receipts_of(known: Known, message_id: str) -> list[Receipt]:
    """The hub's receipts about a message that verify."""
    found = []
    for kind, text in known.trust.evidence(message_id):
        if kind == "receipt":
            try:
                receipt = verify_receipt(text, known.directory, known.root_at)
            except PocError:  # kept, and warned about when it came
                continue
            found += [receipt] * (receipt.message == message_id)
    return found


def answers_of(known: Known, message_id: str) -> list[tuple[Retrieval | Acknowledgement, Receipt]]:
    """The answers that verify, each with the hub's receipt that records it, in the order of recording."""
    receipts = receipts_of(known, message_id)
    newest_first = sorted(receipts, key=lambda receipt: receipt.at, reverse=True)
    recorded = {r.artefact_sha256: r for r in newest_first if r.event == "recorded"}  # the first counts
    found = []
    for kind, text in known.trust.evidence(message_id):
        receipt = recorded.get(artefact_sha256(text))
        if kind not in ("retrieval", "acknowledgement") or receipt is None:
            continue
        try:
            answer = verify_answer(text, known.directory, receipt, root_at=known.root_at)
        except PocError:
            continue
        found.append((answer, receipt))
    return sorted(found, key=lambda pair: pair[1].at)


@dataclass(frozen=True, slots=True)
class _Given:
    """An answer, and when the hub recorded it or, without that, when it came here by file."""

    answer: Retrieval | Acknowledgement
    recorded_at: datetime | None
    carried_at: str | None = None

    @classmethod
    def recorded(cls, pair: tuple[Retrieval | Acknowledgement, Receipt]) -> _Given:
        """An answer with the receipt that records it."""
        return cls(pair[0], pair[1].at)


def _unrecorded(known: Known, message_id: str) -> list[_Given]:
    """The answers that came by file and that no receipt records; each judged at the log it came to."""
    recorded = {receipt.artefact_sha256 for receipt in receipts_of(known, message_id)}
    found = []
    for _, text in known.trust.evidence(message_id):
        sha256 = artefact_sha256(text)
        carried = known.trust.carried(sha256)
        if carried is None or sha256 in recorded:
            continue
        try:
            answer = verify_answer(text, known.directory, least=carried[1], root_at=known.root_at)
        except PocError:
            continue
        found.append(_Given(answer, None, carried[0]))
    return found


def _of_part(
    part: Part,
    header: EnvelopeHeader,
    use: str | None,
    answers: list[_Given],
    receipts: list[Receipt],
    now: datetime,
) -> dict[str, Any]:
    """What the evidence shows of one contact: first whether the message went out to it, then its answer."""
    out_event = "accepted" if part.release_at is None else "released"
    out_at = next(
        (r.at for r in receipts if r.event == out_event and r.contact in (None, part.contact)), None
    )
    skipped = next((r for r in receipts if r.event == "not-needed" and _names(r, part.contact)), None)
    until = None if out_at is None or use == "information" else deadline(header, out_at)
    shown = _of_contact(part.contact, answers, receipts, until, now)
    shown["deadline"] = None if until is None else format_time(until)
    shown["release_at"] = None if part.release_at is None else format_time(part.release_at)
    shown["released_at"] = None if part.release_at is None or out_at is None else format_time(out_at)
    if part.release_at is not None and out_at is None and shown["state"] == "none":
        passed = part.release_at + timedelta(seconds=_RELEASE_SECONDS_MAX) < now
        shown["state"] = "release-unseen" if passed else "held"
        if skipped is not None:
            shown |= {"state": "not-needed", "reason": skipped.reason}
    return shown


def _names(receipt: Receipt, contact: str) -> bool:
    return any(slot.contact == contact for slot in receipt.slots or ())


def _of_contact(
    contact: str,
    answers: list[_Given],
    receipts: list[Receipt],
    until: datetime | None,
    now: datetime,
) -> dict[str, Any]:
    own = [given for given in answers if given.answer.contact == contact]
    retrieved = next((given for given in own if given.answer.outcome == "retrieved"), None)
    said = next((given for given in own if given.answer.outcome != "retrieved"), None)
    shows = said or retrieved
    expired = next((r.at for r in receipts if (r.event, r.contact) == ("expired", contact)), None)
    shown: dict[str, Any] = {
        "state": "none",
        "retrieved_at": None if retrieved is None else _time(retrieved.recorded_at),
        "recorded": None if shows is None else shows.recorded_at is not None,
        "carried_at": None if shows is None else shows.carried_at,
        "answered_at": None, "late": None, "officer": None, "next": None, "reason": None,
        "overdue": said is None and until is not None and (expired is not None or now > until),
    }  # fmt: skip
    if said is not None:
        answer, at = said.answer, said.recorded_at
        return {
            **shown, "state": answer.outcome, "answered_at": _time(at), "late": _is_late(at, until, expired),
            "officer": answer.officer, "next": form_value(answer.next), "reason": answer.reason,
        }  # fmt: skip
    state = "expired" if expired is not None else "none" if retrieved is None else "retrieved"
    return {**shown, "state": state}


def _is_late(at: datetime | None, until: datetime | None, expired: datetime | None) -> bool | None:
    """Whether an answer recorded at a time is late; ``None`` where only its own device says when it was."""
    if at is None:
        return None if expired is None else True
    return (until is not None and at > until) or (expired is not None and expired < at)


def _time(at: datetime | None) -> str | None:
    return None if at is None else format_time(at)


def missed_deadlines(known: Known) -> list[str]:
    """Each contact of a message from here that owes an answer, or to which the hub shows no release.

    By this desk's own clock and the evidence it holds, whatever the hub says or leaves out. So is a message
    that the hub has not taken by then.
    """
    told, now = [], known.now()
    for row in known.trust.outbox(kind="message"):
        header = read_header(read_form(Envelope, row.body).protected)
        if row.state == "rejected" or header.expires_at + timedelta(days=_TOLD_DAYS) < now:
            continue
        message = message_progress(known, row.ref)
        if row.state != "accepted":
            by_file = [c["state"] == "acknowledged" for c in message["contacts"] if c["in_place_of"] is None]
            told += [] if all(by_file) else _unsent(header, now)
            continue
        answered = any(contact["state"] == "acknowledged" for contact in message["contacts"])
        for contact in message["contacts"]:
            if contact["overdue"] and contact["as"] != "information":
                told.append(_overdue(message, contact, answered=answered))
            elif contact["state"] == "release-unseen":
                told.append(
                    f"message {row.ref}: the hub shows no release to {contact['contact']} at "
                    f"{contact['release_at']}: reach that office by voice"
                )
    return told


def _unsent(header: EnvelopeHeader, now: datetime) -> list[str]:
    due_at = header.respond_by or header.expires_at
    if due_at > now:
        return []
    told = (
        f"NOT SENT: the hub has not taken message {header.id} ({header.precedence}), to be answered by "
        f"{format_time(due_at)}: reach those offices by voice"
    )
    return [told]


def _overdue(message: dict[str, Any], contact: dict[str, Any], *, answered: bool) -> str:
    next_step = "another office has acknowledged" if answered else "reach that office by voice"
    return (
        f"NO ANSWER from {contact['contact']} to message {message['id']} ({contact['spoken']}, "
        f"{message['precedence']}) by {contact['deadline']}: {next_step}"
    )
