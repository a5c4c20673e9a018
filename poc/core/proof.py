"""Evidence files: one message's evidence, put together and verified with only the file and a fingerprint.

Verifying applies the log's rules anew, so keys are judged in the directory of exactly the size that
each artefact refers to. What does not verify refuses the whole file; what verifies but does not fit
together is named as a problem. Asking a hub or a clock is no part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from poc.core import jws, rules, sealed
from poc.core.admission import envelope_digest, read_header, slot_hash, slot_receipts
from poc.core.checkpoint import Checkpoint
from poc.core.directory import Directory
from poc.core.evidence import EvidenceFile, LogLight, Receipt
from poc.core.form import form_bytes, form_of, form_value, read_form
from poc.core.judge import head_size, judge_key
from poc.core.message import Envelope, EnvelopeHeader
from poc.core.opening import OpenedContent, check_preparation, open_content
from poc.core.problems import Problem, Signed, problems_of, recorded_of
from poc.core.receipts import (
    Answer,
    artefact_sha256,
    check_answerer,
    check_of_envelope,
    verify_answer,
    verify_cancel,
    verify_receipt,
)
from poc.core.statement import parse_fingerprint
from poc.core.strictjson import b64u, unb64u
from poc.core.whole_log import WholeLog, verify_log
from poc.errors import RefusedError

_OUT: Final = ("accepted", "released")


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One thing the file proves: what, by whom, when by the signer's clock, by which key."""

    at: datetime
    event: str
    who: str
    kid: str
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """What an evidence file proves.

    ``header`` is what the hub took and signed for. Its author is proven only if ``content`` is
    there, that is, if the file discloses the content key.
    """

    origin: str
    fingerprint: str
    message: str
    digest: str
    header: EnvelopeHeader
    log: Checkpoint
    content: OpenedContent | None
    voice_code: str | None
    timeline: tuple[TimelineEvent, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]

    @property
    def author_proven(self) -> bool:
        """Whether the author's signature was verified; otherwise the header's sender is a claim."""
        return self.content is not None


# --- building ----------------------------------------------------------------------------------


def build_evidence(  # noqa: PLR0913 (one named value per part of the file)
    *,
    origin: str,
    envelope: Envelope,
    receipts: Sequence[str],
    retrievals: Sequence[str],
    acknowledgements: Sequence[str],
    cancels: Sequence[str],
    checkpoint: str,
    leaves: Sequence[bytes],
    cek: bytes | None = None,
) -> bytes:
    """Put a file together: RFC 8785 bytes. ``checkpoint`` is the signed checkpoint over all ``leaves``.

    With ``cek`` the file discloses the content to whoever has it.
    """
    header = read_header(envelope.protected)
    opening = None if cek is None else {"message": header.id, "cek": b64u(cek)}
    form = form_of(
        EvidenceFile,
        {
            "v": 1,
            "origin": origin,
            "form": "poc-evidence",
            "envelope": form_value(envelope),
            "receipts": list(receipts),
            "retrievals": list(retrievals),
            "acknowledgements": list(acknowledgements),
            "cancels": list(cancels),
            "opening": opening,
            "log": {"checkpoint": checkpoint, "entries": [b64u(leaf) for leaf in leaves]},
        },
    )
    return form_bytes(form)


# --- verifying ---------------------------------------------------------------------------------


class _History:
    """The directory of every size of the log in the file, made when it is asked for."""

    def __init__(self, log: WholeLog) -> None:
        self._entries = log.entries
        self._made = {len(log.entries): log.directory}
        self.newest = log.directory

    def at(self, size: int) -> Directory:
        """The directory of the first ``size`` entries, at least one."""
        if size not in self._made:
            base = self._made.get(max((made for made in self._made if made < size), default=0))
            start = 0 if base is None else base.size
            self._made[size] = rules.apply_all(base, self._entries[start:size])
        return self._made[size]

    def root_at(self, size: int) -> bytes:
        """The root of the log at that size."""
        return self.at(size).tree.root()

    def size_of(self, head: str) -> int:
        """The size of a head of this very log. Raises as ``read_head``."""
        return head_size(head, self.newest, self.root_at)


@dataclass(frozen=True, slots=True)
class _Case:
    """What every artefact of a file is verified against."""

    file: EvidenceFile
    history: _History
    header: EnvelopeHeader
    digest: str


def verify_evidence(data: bytes, fingerprint: str) -> EvidenceReport:
    """Verify an evidence file offline, with only the file and the registry's fingerprint.

    Raises:
        RefusedError: ``bad-fingerprint``, ``wrong-fingerprint``, ``not-canonical``,
            ``light-evidence``, ``head-inconsistent``, ``head-ahead``, ``quorum-missing``,
            ``receipt-mismatch``, ``slot-not-in-message``, and all that verifying the log, the
            receipts, the answers and the content can raise.
    """
    pinned = parse_fingerprint(fingerprint)
    file = read_form(EvidenceFile, data)
    if form_bytes(file) != data:
        raise RefusedError("not-canonical", "an evidence file")
    history, checkpoint = _verify_log(file, pinned)
    envelope = file.envelope
    header = read_header(envelope.protected)
    if header.origin != file.origin:
        raise RefusedError("wrong-origin", f"expected {file.origin}")
    digest = envelope_digest(envelope.protected, envelope.iv, envelope.ciphertext, envelope.tag)
    case = _Case(file, history, header, digest)
    receipts = _verify_receipts(case)
    answers = _verify_answers(case, receipts)
    content = _verify_content(case, receipts)
    timeline = [*_receipt_events(receipts), *_answer_events(answers), *_cancel_events(case)]
    if content is not None:
        sent = content.message
        timeline.append(TimelineEvent(sent.sent_at, "sent", sent.sender.contact, content.signed_by))
    voice = None if file.opening is None else sealed.voice_code(unb64u(file.opening.cek), header.id)
    return EvidenceReport(
        origin=file.origin,
        fingerprint=pinned,
        message=header.id,
        digest=digest,
        header=header,
        log=checkpoint,
        content=content,
        voice_code=voice,
        timeline=tuple(sorted(timeline, key=lambda event: event.at)),
        problems=problems_of(header, [slot.header for slot in envelope.recipients], receipts, answers),
        warnings=("no-witnesses",) if history.newest.quorum == 0 else (),
    )


def _verify_log(file: EvidenceFile, pinned: str) -> tuple[_History, Checkpoint]:
    if isinstance(file.log, LogLight):
        raise RefusedError("light-evidence")
    leaves = map(unb64u, file.log.entries)
    log = verify_log(leaves, file.log.checkpoint.encode(), file.origin, pinned)
    return _History(log), log.checkpoint


def _verify_receipts(case: _Case) -> list[Signed[Receipt]]:
    """Every receipt, judged at its own head, and every slot of the envelope as the hub accepted it."""
    found = []
    for text in case.file.receipts:
        receipt = verify_receipt(text, case.history.newest, case.history.root_at)
        check_of_envelope(receipt, case.header, case.digest)
        if receipt.event == "accepted":
            _check_slots(case, receipt)
        found.append(Signed(receipt, text))
    _check_named(case, [signed.form for signed in found])
    return found


def _check_named(case: _Case, receipts: list[Receipt]) -> None:
    """Every receipt names contacts and slots of this envelope, as far as the file shows them."""
    accepted = {slot for r in receipts if r.event == "accepted" for slot in r.slots or ()}
    slots = case.file.envelope.recipients
    known = accepted or set(slot_receipts(slots))
    contacts = {slot.contact for slot in known} | {slot.header.contact for slot in slots}
    for receipt in receipts:
        if receipt.contact is not None and receipt.contact not in contacts:
            raise RefusedError("unknown-contact", "not an addressee of this message")
        if not known.issuperset(receipt.slots or ()):
            raise RefusedError("receipt-mismatch", f"slots that {receipt.event} names")


def _check_slots(case: _Case, accepted: Receipt) -> None:
    taken = set(accepted.slots or ())
    for slot in slot_receipts(case.file.envelope.recipients):
        if slot not in taken:
            raise RefusedError("receipt-mismatch", f"the slot of key {slot.kid[:12]}…")


def _verify_answers(case: _Case, receipts: list[Signed[Receipt]]) -> list[Signed[Answer]]:
    """Every retrieval and acknowledgement, judged at the larger of its head and the hub's record."""
    recorded = recorded_of(receipts)
    slots = [slot.header.contact for slot in case.file.envelope.recipients]
    taken = [slot.contact for r in receipts if r.form.event == "accepted" for slot in r.form.slots or ()]
    found = []
    for typ, texts in (
        (jws.RETRIEVAL, case.file.retrievals),
        (jws.ACKNOWLEDGEMENT, case.file.acknowledgements),
    ):
        for text in texts:
            if jws.read_compact(text).header.typ != typ:
                raise RefusedError("wrong-type", f"expected {typ}")
            receipt = recorded.get(artefact_sha256(text))
            answer = _verify_in_log_order(case.history, text, receipt)
            check_of_envelope(answer, case.header, case.digest)
            check_answerer(answer, case.header, (*slots, *taken))
            found.append(Signed(answer, text))
    return found


def _verify_in_log_order(history: _History, text: str, recorded: Receipt | None) -> Answer:
    first = verify_answer(text, history.newest, recorded, root_at=history.root_at)
    heads = [first.head] if recorded is None else [first.head, recorded.head]
    directory = history.at(max(history.size_of(head) for head in heads))
    return verify_answer(text, directory, recorded, least=directory.size)


def _verify_content(case: _Case, receipts: list[Signed[Receipt]]) -> OpenedContent | None:
    """The content, if the file discloses its key: signature, members, slots, author's key in log order."""
    opening = case.file.opening
    if opening is None:
        return None
    if opening.message != case.header.id:
        raise RefusedError("member-mismatch", "opening.message")
    history, envelope = case.history, case.file.envelope
    content = open_content(envelope, case.header, unb64u(opening.cek, sealed.CEK_BYTES), history.newest)
    message = content.message
    signed = {(to.contact, to.kid, to.slot) for to in message.to}
    for slot in envelope.recipients:
        if (slot.header.contact, slot.header.kid, slot_hash(slot.header)) not in signed:
            raise RefusedError("slot-not-in-message", f"key {slot.header.kid[:12]}…")
    heads = {event: [r.form.head for r in receipts if r.form.event == event] for event in _OUT}
    anchors = heads["accepted"] or heads["released"]
    size = max(history.size_of(head) for head in (message.head, *anchors))
    record = judge_key(history.at(size), content.signed_by, size, message.sender.contact, "send")
    check_preparation(message, record, history.newest, size, history.root_at)
    return content


# --- what it says ------------------------------------------------------------------------------


def _receipt_events(receipts: list[Signed[Receipt]]) -> list[TimelineEvent]:
    return [TimelineEvent(r.form.at, r.form.event, r.form.origin, r.kid, r.form.contact) for r in receipts]


def _answer_events(answers: list[Signed[Answer]]) -> list[TimelineEvent]:
    return [TimelineEvent(a.form.at, a.form.outcome, a.form.contact, a.kid, a.form.contact) for a in answers]


def _cancel_events(case: _Case) -> list[TimelineEvent]:
    found = []
    sender = case.header.sender.contact
    for text in case.file.cancels:
        first = verify_cancel(text, case.history.newest, sender, root_at=case.history.root_at)
        directory = case.history.at(case.history.size_of(first.head))
        cancel = verify_cancel(text, directory, sender)
        check_of_envelope(cancel, case.header, case.digest)
        found.append(TimelineEvent(cancel.at, "cancelled", sender, Signed(cancel, text).kid, cancel.contact))
    return found
