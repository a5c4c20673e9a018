"""Evidence as a desk takes it: every piece verified when it arrives, against the envelope it is about.

What does not verify is kept apart with its code, warned about, and counts for nothing. What good
evidence says about a message stands in ``progress``; whole evidence files in ``core.proof``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from poc.client.feeds import member
from poc.client.gossip import heads_in, keep_contradictions
from poc.client.known import Known
from poc.core import jws
from poc.core.admission import slot_sha256
from poc.core.envelope import envelope_digest, read_header
from poc.core.evidence import Acknowledgement, Cancel, Receipt, Retrieval
from poc.core.form import form_of, read_form
from poc.core.message import Envelope
from poc.core.receipts import check_answerer, check_of_envelope, verify_answer, verify_cancel, verify_receipt
from poc.core.strictjson import parse
from poc.errors import RefusedError

SYNC_FIRST: Final = frozenset({"head-ahead", "unknown-key", "key-not-yet", "unknown-message"})
"""Codes that a later sync may cure: the log, or the message, was not here yet."""
UNVERIFIED: Final = frozenset({"new", "not-verified", "refused"})
"""States of a message received that has not passed every check."""
KINDS: Final = ("receipt", "retrieval", "acknowledgement", "cancel")


def keep_piece(known: Known, item: Any) -> bool:
    """Verify an item of the evidence feed and keep it, with the code it is refused for if it is.

    True if it is new and good. Raises ``bad-answer-from-hub`` for an item that is none, and the code of
    a piece that does not verify, which then is kept already.
    """
    message, kind, text = (member(item, name, str) for name in ("message", "kind", "jws"))
    if kind not in KINDS:
        raise RefusedError("bad-answer-from-hub", "member kind")
    try:
        verify_piece(known, message, kind, text)
    except RefusedError as error:
        known.trust.put_evidence(message, kind, text, error.code)
        keep_contradictions(known, heads_in([text]))
        raise
    return known.trust.put_evidence(message, kind, text)


def verify_piece(known: Known, message: str, kind: str, text: str) -> None:
    """Return only if a piece of evidence holds and is about an envelope of that id that is here.

    Raises ``unknown-message`` (none is here), ``receipt-mismatch``, or as the verifiers of
    ``core.receipts``.
    """
    last: RefusedError | None = None
    for envelope, complete in _envelopes(known, message):
        try:
            _verify_about(known, envelope, kind, text, complete=complete)
        except RefusedError as error:
            last = error
        else:
            return
    raise last or RefusedError("unknown-message", message)


def envelope_here(known: Known, message: str) -> Envelope:
    """The envelope of a message that was sent from here, or that came and verified.

    Raises ``unknown-message``.
    """
    here = [envelope for envelope, _ in _envelopes(known, message)]
    if known.trust.outbox_row("message", message) is None:
        good = [row.digest for row in known.trust.inbox(message) if row.state not in UNVERIFIED]
        here = sorted(here, key=lambda envelope: digest_of(envelope) not in good)
    if not here:
        raise RefusedError("unknown-message", message)
    return here[0]


def evidence_pieces(known: Known, message: str, shown: Any) -> dict[str, list[str]]:
    """What verifies about a message, by kind: kept here, given from here, or shown by the hub."""
    found = [*known.trust.evidence(message), *_given(known, message)]
    for kind in KINDS:
        texts = shown.get(f"{kind}s")
        found += [(kind, text) for text in texts if isinstance(text, str)] if isinstance(texts, list) else []
    pieces: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for kind, text in dict.fromkeys(found):
        try:
            verify_piece(known, message, kind, text)
        except RefusedError:  # counts for nothing, and would spoil the whole file
            keep_contradictions(known, heads_in([text]))
            continue
        pieces[kind].append(text)
    return pieces


def _given(known: Known, message: str) -> Iterator[tuple[str, str]]:
    """What this desk itself signed about a message, and the receipts that came with it."""
    for row in known.trust.inbox(message):
        item: Any = parse(row.item)
        yield from (("receipt", item[name]) for name in ("accepted", "released") if item.get(name))
    for answer in known.trust.outbox(kind="answer"):
        first, _, rest = answer.ref.partition(":")
        if first == message and answer.state == "done":
            kind = {"retrieved": "retrieval", "cancel": "cancel"}.get(
                rest.partition(":")[0], "acknowledgement"
            )
            own: Any = parse(answer.body)
            yield kind, own["jws"]


def _envelopes(known: Known, message: str) -> Iterator[tuple[Envelope, bool]]:
    """The envelopes of an id that are here: complete as sent, or as delivered with our own slot only."""
    sent = known.trust.outbox_row("message", message)
    if sent is not None:
        yield read_form(Envelope, sent.body), True
    for row in known.trust.inbox(message):
        item: Any = parse(row.item)
        yield form_of(Envelope, item["envelope"]), False


def _verify_about(known: Known, envelope: Envelope, kind: str, text: str, *, complete: bool) -> None:
    directory, root_at = known.directory, known.root_at
    header, digest = read_header(envelope.protected), digest_of(envelope)
    if kind == "cancel":
        cancel = verify_cancel(text, directory, header.sender.contact, root_at=root_at)
        check_of_envelope(cancel, header, digest)
        return
    if kind == "receipt":
        check_of_envelope(verify_receipt(text, directory, root_at), header, digest)
        return
    # The hub's record of it is looked for where it counts; here it is judged by its own head.
    answer = verify_answer(text, directory, root_at=root_at)
    expected = Retrieval if kind == "retrieval" else Acknowledgement
    if not isinstance(answer, expected):
        raise RefusedError("wrong-type", f"this is no {kind}")
    check_of_envelope(answer, header, digest)
    addressees = {slot.header.contact for slot in envelope.recipients}
    check_answerer(answer, header, addressees if complete else {answer.contact})


def digest_of(envelope: Envelope) -> str:
    """The digest of an envelope."""
    return envelope_digest(envelope.protected, envelope.iv, envelope.ciphertext, envelope.tag)


def verify_accepted(known: Known, body: bytes, text: str) -> Receipt:
    """The hub's receipt over an envelope sent from here, naming every slot of it.

    Raises ``receipt-mismatch`` (another event, id, envelope, or other slots), or as ``verify_receipt``.
    """
    receipt, envelope = _receipt_over(known, body, text, "accepted")
    sent = sorted(
        (s.header.contact, s.header.kid, s.header.sequence, slot_sha256(s)) for s in envelope.recipients
    )
    named = sorted((s.contact, s.kid, s.sequence, s.sha256) for s in receipt.slots or ())
    if sent != named:
        raise RefusedError("receipt-mismatch", "other slots than were sent")
    return receipt


def verify_rejected(known: Known, body: bytes, text: str, code: str) -> Receipt:
    """The hub's signed refusal of an envelope sent from here, for the reason it gave.

    Raises as :func:`verify_accepted`.
    """
    receipt, _ = _receipt_over(known, body, text, "rejected")
    if receipt.reason != code:
        raise RefusedError("receipt-mismatch", f"refused as {code}, signed as {receipt.reason}")
    return receipt


def verify_cancelled(known: Known, cancel: str, text: str) -> Receipt:
    """The hub's receipt that it will not release what a cancel of this desk names.

    Raises ``receipt-mismatch``, or as ``verify_receipt``.
    """
    receipt = verify_receipt(text, known.directory, known.root_at)
    own = read_form(Cancel, jws.read_compact(cancel).payload)
    named = (own.message, own.envelope_sha256, own.contact, own.reason)
    said = (receipt.message, receipt.envelope_sha256, receipt.contact, receipt.reason)
    if receipt.event != "not-needed" or named != said:
        raise RefusedError("receipt-mismatch", f"message {own.message}")
    return receipt


def verify_recorded(known: Known, answer: str, text: str) -> Receipt:
    """The hub's receipt over a retrieval or acknowledgement of this desk.

    Raises ``receipt-mismatch``, or as ``verify_receipt`` and ``verify_answer``.
    """
    receipt = verify_receipt(text, known.directory, known.root_at)
    own = verify_answer(answer, known.directory, receipt, root_at=known.root_at)
    said = (own.message, own.envelope_sha256, own.status, own.exercise)
    if said != (receipt.message, receipt.envelope_sha256, receipt.status, receipt.exercise):
        raise RefusedError("receipt-mismatch", f"message {own.message}")
    return receipt


def _receipt_over(known: Known, body: bytes, text: str, event: str) -> tuple[Receipt, Envelope]:
    receipt = verify_receipt(text, known.directory, known.root_at)
    envelope = read_form(Envelope, body)
    check_of_envelope(receipt, read_header(envelope.protected), digest_of(envelope))
    if receipt.event != event:
        raise RefusedError("receipt-mismatch", f"{receipt.event} instead of {event}")
    return receipt, envelope
