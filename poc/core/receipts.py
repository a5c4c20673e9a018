"""Receipts, retrievals, acknowledgements and cancels: composing, signing and verifying them.

A verified artefact is one whose signature holds, whose signer is the party it names, and whose key
was good and had the right in log order. What an artefact changes stands in ``lifecycle``; a whole
evidence file in ``proof``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

from poc.core import jws
from poc.core.directory import Directory
from poc.core.evidence import Acknowledgement, Cancel, NextStep, Receipt, Retrieval, SlotReceipt
from poc.core.form import Right, TopForm, form_bytes, form_of, form_value, read_form
from poc.core.judge import RootAt, head_size, judge_hub_key, judge_key, signer_key
from poc.core.keys import SigningKey
from poc.core.message import EnvelopeHeader
from poc.core.strictjson import b64u, format_time
from poc.errors import RefusedError

Answer: TypeAlias = Retrieval | Acknowledgement
TopFormT = TypeVar("TopFormT", bound=TopForm)
NOTHING_STATED: Final = NextStep(kind="none-stated", at=None, contact=None)
_ANSWERS: Final[dict[str, type[Answer]]] = {jws.RETRIEVAL: Retrieval, jws.ACKNOWLEDGEMENT: Acknowledgement}


def artefact_sha256(text: str) -> str:
    """How receipts and orders name a signed form: base64url SHA-256 of the compact JWS as ASCII."""
    return b64u(hashlib.sha256(text.encode()).digest())


def sign_form(form: TopForm, typ: str, key: SigningKey) -> str:
    """The compact JWS of a form's RFC 8785 bytes, signed as ``typ``."""
    return jws.sign_compact(form_bytes(form), typ, key)


def read_signed(model: type[TopFormT], text: str, typ: str, directory: Directory) -> tuple[TopFormT, str]:
    """A form of this registry and the kid that signed it; the key is not judged yet.

    Raises:
        RefusedError: ``unknown-key``, ``bad-signature``, ``wrong-type``, ``wrong-origin`` or the
            errors of reading a form.
    """
    kid = jws.read_compact(text).header.kid
    payload = jws.verify_compact(text, typ, signer_key(directory, kid))
    form = read_form(model, payload)
    if form.origin != directory.origin:
        raise RefusedError("wrong-origin", f"expected {directory.origin}")
    return form, kid


def verify_receipt(text: str, directory: Directory, root_at: RootAt | None = None) -> Receipt:
    """A receipt signed by a key that was a hub key in the log of the receipt's head.

    Raises:
        RefusedError: as ``read_signed``, ``read_head`` and ``judge_hub_key``.
    """
    receipt, kid = read_signed(Receipt, text, jws.RECEIPT, directory)
    judge_hub_key(directory, kid, head_size(receipt.head, directory, root_at))
    return receipt


def verify_answer(
    text: str,
    directory: Directory,
    recorded: Receipt | None = None,
    *,
    least: int = 0,
    root_at: RootAt | None = None,
) -> Answer:
    """A retrieval or acknowledgement by a device of the contact it names that had the right to it.

    ``recorded`` is the hub's verified receipt over it, if there is one; the larger of both heads
    decides. The hub itself gives ``least``, the size of its log, so that it judges by what it knows.

    Raises:
        RefusedError: ``wrong-type``, ``member-mismatch``, ``receipt-mismatch``, or as ``read_signed``,
            ``read_head`` and ``judge_key``.
    """
    typ = jws.read_compact(text).header.typ
    model = _ANSWERS.get(typ)
    if model is None:
        raise RefusedError("wrong-type", f"signed as {typ}")
    answer, kid = read_signed(model, text, typ, directory)
    if answer.kid != kid:
        raise RefusedError("member-mismatch", "kid")
    size = max(least, head_size(answer.head, directory, root_at))
    if recorded is not None:
        _check_recorded(recorded, answer, text)
        size = max(size, head_size(recorded.head, directory, root_at))
    right: Right = "retrieve" if isinstance(answer, Retrieval) else "acknowledge"
    judge_key(directory, kid, size, answer.contact, right)
    return answer


def _check_recorded(recorded: Receipt, answer: Answer, text: str) -> None:
    same = (recorded.event, recorded.artefact_sha256) == ("recorded", artefact_sha256(text))
    if not same or (recorded.contact, recorded.message) != (answer.contact, answer.message):
        raise RefusedError("receipt-mismatch", f"message {answer.message}")


def verify_cancel(
    text: str, directory: Directory, sender: str, *, least: int = 0, root_at: RootAt | None = None
) -> Cancel:
    """A cancel by a device with ``send`` of the message's sender.

    Raises:
        RefusedError: as ``read_signed``, ``read_head`` and ``judge_key``.
    """
    cancel, kid = read_signed(Cancel, text, jws.CANCEL, directory)
    size = max(least, head_size(cancel.head, directory, root_at))
    judge_key(directory, kid, size, sender, "send")
    return cancel


def check_of_envelope(form: Receipt | Answer | Cancel, header: EnvelopeHeader, digest: str) -> None:
    """Return only if the artefact is about this envelope, and calls it by its status and exercise.

    Raises:
        RefusedError: ``receipt-mismatch``.
    """
    same = (form.message, form.envelope_sha256) == (header.id, digest)
    if same and not isinstance(form, Cancel):
        same = (form.status, form.exercise) == (header.status, header.exercise)
    if not same:
        raise RefusedError("receipt-mismatch", f"message {header.id}")


def check_answerer(answer: Answer, header: EnvelopeHeader, contacts: Iterable[str]) -> None:
    """Return only if the contact may answer: it is an addressee, and not the sender's own office.

    Raises:
        RefusedError: ``own-cannot-answer``, ``unknown-contact``.
    """
    if answer.contact == header.sender.contact:
        raise RefusedError("own-cannot-answer", answer.contact)
    if answer.contact not in contacts:
        raise RefusedError("unknown-contact", "not an addressee of this message")


# --- what the hub composes ---------------------------------------------------------------------


def accepted_receipt(
    header: EnvelopeHeader, digest: str, slots: tuple[SlotReceipt, ...], *, head: str, at: datetime
) -> Receipt:
    """The receipt over an envelope the hub took: every slot with its hash."""
    return _receipt(header, digest, head, at, {"event": "accepted", "slots": slots})


def rejected_receipt(header: EnvelopeHeader, digest: str, reason: str, *, head: str, at: datetime) -> Receipt:
    """The receipt over an envelope the hub refused; ``reason`` is the refusal's code."""
    return _receipt(header, digest, head, at, {"event": "rejected", "reason": reason})


def recorded_receipt(
    header: EnvelopeHeader, digest: str, answer: Answer, text: str, *, head: str, at: datetime
) -> Receipt:
    """The receipt over the exact text of a retrieval or acknowledgement: its time is what counts."""
    named = {"event": "recorded", "contact": answer.contact, "artefact_sha256": artefact_sha256(text)}
    return _receipt(header, digest, head, at, named)


def released_receipt(
    header: EnvelopeHeader,
    digest: str,
    contact: str,
    slots: tuple[SlotReceipt, ...],
    *,
    head: str,
    at: datetime,
) -> Receipt:
    """The receipt that a contact's held slots went out: each slot that did, with its hash."""
    return _receipt(header, digest, head, at, {"event": "released", "contact": contact, "slots": slots})


def not_needed_receipt(
    header: EnvelopeHeader,
    digest: str,
    contact: str | None,
    slots: tuple[SlotReceipt, ...],
    reason: str,
    *,
    head: str,
    at: datetime,
) -> Receipt:
    """The receipt that held slots did not go out and will not; ``contact`` is null for those of several."""
    named = {"event": "not-needed", "contact": contact, "slots": slots, "reason": reason}
    return _receipt(header, digest, head, at, named)


def expired_receipt(header: EnvelopeHeader, digest: str, contact: str, *, head: str, at: datetime) -> Receipt:
    """The receipt that no answer of a contact had reached the hub by its deadline."""
    return _receipt(header, digest, head, at, {"event": "expired", "contact": contact})


def _receipt(header: EnvelopeHeader, digest: str, head: str, at: datetime, named: dict[str, Any]) -> Receipt:
    members: dict[str, Any] = {
        "slots": None,
        "contact": None,
        "artefact_sha256": None,
        "reason": None,
        **named,
    }
    return Receipt(
        v=1,
        origin=header.origin,
        message=header.id,
        envelope_sha256=digest,
        status=header.status,
        exercise=header.exercise,
        at=at,
        head=head,
        **members,
    )


# --- what a recipient composes -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers which envelope, when, and from which head."""

    header: EnvelopeHeader
    digest: str
    contact: str
    kid: str
    head: str
    at: datetime


def retrieval(answering: Answering) -> Retrieval:
    """The retrieval a device signs after it opened and checked a message."""
    members = _answer_members(answering)
    return Retrieval(
        outcome="retrieved", reason=None, answer=None, next=NOTHING_STATED, officer=None, **members
    )


def acknowledgement(
    answering: Answering,
    *,
    officer: str | None = None,
    answer: str | None = None,
    next_step: NextStep | None = None,
    declined: str | None = None,
) -> Acknowledgement:
    """The acknowledgement an officer signs; ``declined`` is the reason's code when declining.

    Raises:
        RefusedError: ``bad-form`` for an officer's code or a reason that is none.
    """
    members = {
        **_answer_members(answering),
        "outcome": "acknowledged" if declined is None else "declined",
        "reason": declined,
        "answer": answer,
        "next": form_value(next_step or NOTHING_STATED),
        "officer": officer,
        "at": format_time(answering.at),
    }
    return form_of(Acknowledgement, members)


def _answer_members(answering: Answering) -> dict[str, Any]:
    header = answering.header
    return {
        "v": 1,
        "origin": header.origin,
        "message": header.id,
        "envelope_sha256": answering.digest,
        "status": header.status,
        "exercise": header.exercise,
        "contact": answering.contact,
        "kid": answering.kid,
        "concurrence": "none",
        "at": answering.at,
        "head": answering.head,
    }
