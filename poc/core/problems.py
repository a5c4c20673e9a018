"""What verifies in an evidence file and still does not fit together: each by a stable name.

Whether its signatures hold is decided in ``proof``. Nothing is refused here, but for slots of one contact
that are held until two times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from poc.core import jws
from poc.core.evidence import Receipt
from poc.core.form import TopForm
from poc.core.holding import parts_of
from poc.core.message import EnvelopeHeader, SlotHeader
from poc.core.play import deadline
from poc.core.receipts import Answer, artefact_sha256

SignedT = TypeVar("SignedT", bound=TopForm)


@dataclass(frozen=True, slots=True)
class Signed(Generic[SignedT]):
    """A verified form with the text it was read from."""

    form: SignedT
    text: str

    @property
    def kid(self) -> str:
        """The key that signed it."""
        return jws.read_compact(self.text).header.kid


@dataclass(frozen=True, slots=True)
class Problem:
    """Signed artefacts that verify, but do not fit together; ``code`` is stable."""

    code: str
    detail: str


def recorded_of(receipts: list[Signed[Receipt]]) -> dict[str | None, Receipt]:
    """The hub's first record of each artefact, by the artefact's hash."""
    latest_first = sorted((r.form for r in receipts), key=lambda receipt: receipt.at, reverse=True)
    return {r.artefact_sha256: r for r in latest_first if r.event == "recorded"}


def problems_of(
    header: EnvelopeHeader,
    slots: Iterable[SlotHeader],
    receipts: list[Signed[Receipt]],
    answers: list[Signed[Answer]],
) -> tuple[Problem, ...]:
    """Every problem of the verified receipts and answers over an envelope.

    Raises:
        RefusedError: ``bad-held-slot`` where two devices of a contact would get it otherwise.
    """
    return (*_of_each_other(receipts, answers), *_of_times(header, slots, receipts))


def _of_each_other(receipts: list[Signed[Receipt]], answers: list[Signed[Answer]]) -> list[Problem]:
    """What contradicts itself, or is claimed without the other side's record."""
    events = [r.form for r in receipts]
    found = []
    accepted = {r.text for r in receipts if r.form.event == "accepted"}
    if not accepted:
        found.append(Problem("not-accepted", "no receipt of the hub over the envelope"))
    if len(accepted) > 1:
        found.append(Problem("two-receipts", "the hub accepted the envelope twice"))
    if accepted and any(r.event == "rejected" for r in events):
        found.append(Problem("accepted-and-rejected", "the hub said both"))
    recorded = recorded_of(receipts)
    shown = {artefact_sha256(a.text): a.form for a in answers}
    for artefact, answer in shown.items():
        if artefact not in recorded:
            found.append(Problem("not-recorded", f"{answer.outcome} by {answer.contact}"))
    for named, receipt in recorded.items():
        if named not in shown:
            found.append(Problem("artefact-missing", f"recorded for {receipt.contact}"))
    return [*found, *_contradictions(events, shown, recorded)]


def _contradictions(
    events: list[Receipt], shown: Mapping[str, Answer], recorded: Mapping[str | None, Receipt]
) -> list[Problem]:
    found = []
    final = {a: answer for a, answer in shown.items() if answer.outcome != "retrieved"}
    for receipt in (r for r in events if r.event == "expired"):
        for artefact, answer in final.items():
            record = recorded.get(artefact)
            if record and answer.contact == receipt.contact and record.at <= receipt.at:
                found.append(Problem("expired-after-recorded", answer.contact))
    said = {(answer.contact, answer.outcome) for answer in final.values()}
    both = sorted(c for c, outcome in said if outcome == "declined" and (c, "acknowledged") in said)
    return [*found, *(Problem("acknowledged-and-declined", contact) for contact in both)]


def _of_times(
    header: EnvelopeHeader, slots: Iterable[SlotHeader], receipts: list[Signed[Receipt]]
) -> list[Problem]:
    """What the hub signed before its time, or of a part that it also said was not needed."""
    events = [r.form for r in receipts]
    held = {part.contact: part.release_at for part in parts_of(header, slots)}
    skipped = {slot for r in events if r.event == "not-needed" for slot in r.slots or ()}
    accepted = min((r.at for r in events if r.event == "accepted"), default=None)
    released: dict[str, datetime] = {}
    found = []
    for receipt in (r for r in events if r.event == "released"):
        contact = str(receipt.contact)
        released[contact] = min(receipt.at, released.get(contact, receipt.at))
        if not skipped.isdisjoint(receipt.slots or ()):
            found.append(Problem("released-and-not-needed", contact))
    for contact, at in released.items():
        due_at = held.get(contact, header.not_before)
        if due_at is not None and at < due_at:
            found.append(Problem("released-early", contact))
    for receipt in (r for r in events if r.event == "expired"):
        contact = str(receipt.contact)
        at_once = accepted if held.get(contact, header.not_before) is None else None
        out_at = released.get(contact, at_once)
        if out_at is None or receipt.at < deadline(header, out_at):
            found.append(Problem("expired-early", contact))
    return found
