"""A log of nine entries and the evidence of one message that was escalated, made as ``evidence_world`` is.

jo.technical writes to sd.technical, who does not answer. Held in its place are sd.deputy, sd.liaison and
sd.duty: the first gets it and acknowledges, the second is taken back, the third is not needed any more.
The sender's key is replaced before anything is released.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from poc.core import jws, merkle
from poc.core.admission import read_envelope, slot_receipts
from poc.core.bodies import Rotate, jwk_form
from poc.core.checkpoint import Checkpoint, head_of, sign_checkpoint
from poc.core.draft import Addressee
from poc.core.evidence import Cancel, SlotReceipt
from poc.core.keys import SigningKey
from poc.core.proof import build_evidence
from poc.core.receipts import (
    Answering,
    accepted_receipt,
    acknowledgement,
    artefact_sha256,
    expired_receipt,
    not_needed_receipt,
    released_receipt,
    retrieval,
    sign_form,
)
from poc.core.statement import SignedEntry, genesis_fingerprint
from tests import message_world as world
from tests.evidence_world import NEW_KEY, REGISTRARS, enrol, entry, nominate
from tests.message_world import HUB, LOG, NOW, ORIGIN, draft, sealing_key, signing_key

JO, TECH, DEPUTY, LIAISON, DUTY = "jo.technical", "sd.technical", "sd.deputy", "sd.liaison", "sd.duty"
ALL = {"retrieve", "acknowledge", "send", "change"}
SENT, ROTATED = 8, 9
OUT = {DEPUTY: 30, LIAISON: 60, DUTY: 90}
"""Minutes after which each of those in place of sd.technical gets the message."""


def after(minutes: float) -> datetime:
    """That many minutes later, at a whole second."""
    return NOW + timedelta(seconds=int(minutes * 60))


@cache
def entries() -> tuple[SignedEntry, ...]:
    jo, sd, old = signing_key("jo"), signing_key("sd"), signing_key(JO)

    def nominated(
        index: int, contact: str, role: Any, authority: SigningKey, count: int, **named: Any
    ) -> Any:
        devices = [signing_key(contact, n) for n in range(1, count + 1)]
        body = nominate(contact, role, *[ALL] * count, **named)
        return entry(index, "contact.nominate", contact, body, authority, *devices)

    rotate = Rotate(kid=old.kid, signing=jwk_form(NEW_KEY.public), sealing=None)
    return (
        entry(0, "registry.genesis", ORIGIN, world.directory().settings, *REGISTRARS, HUB),
        entry(1, "state.enrol", "jo", enrol("jo"), *REGISTRARS, jo),
        entry(2, "state.enrol", "sd", enrol("sd"), *REGISTRARS, sd),
        nominated(3, JO, "technical", jo, 2),
        nominated(4, TECH, "technical", sd, 1),
        nominated(5, DEPUTY, "technical", sd, 2, alternate_of=TECH),
        nominated(6, LIAISON, "diplomatic", sd, 1, alternate_of=TECH),
        nominated(7, DUTY, "duty", sd, 1),
        entry(8, "contact.rotate", JO, rotate, old, NEW_KEY, chained=False),
    )


def root_at(size: int) -> bytes:
    tree = merkle.CompactRange()
    for made in entries()[:size]:
        tree = tree.append(merkle.leaf_hash(made.leaf))
    return tree.root()


def checkpoint(size: int = ROTATED) -> str:
    return sign_checkpoint(Checkpoint(ORIGIN, size, root_at(size)), LOG).decode()


def head(size: int) -> str:
    return head_of(checkpoint(size).encode(), [LOG.verifier()])


def fingerprint() -> str:
    return genesis_fingerprint(entries()[0].signed.payload)


def seal() -> bytes:
    """The envelope, other bytes each time."""

    def device(contact: str, number: int = 1, **named: Any) -> Addressee:
        return Addressee(contact, sealing_key(contact, number).public, "action", **named)

    held = [
        device(contact, number, release_at=after(OUT[contact]), in_place_of=TECH)
        for contact, number in ((DEPUTY, 1), (DEPUTY, 2), (LIAISON, 1), (DUTY, 1))
    ]
    own = Addressee(JO, sealing_key(JO, 2).public, "own")
    made = draft(
        status="test", exercise=None, precedence="immediate", respond_by=after(30), expires_at=after(24 * 60)
    )
    return world.seal(made, [device(TECH, sequence=3), *held, own], head=head(SENT)).envelope_bytes


class Case:
    """Everything that is signed about one envelope."""

    def __init__(self, envelope: bytes) -> None:
        self.checked = read_envelope(envelope)
        self.about = self.checked.header, self.checked.digest
        self.slots = slot_receipts(self.checked.envelope.recipients)

    def of(self, *contacts: str) -> tuple[SlotReceipt, ...]:
        return tuple(slot for slot in self.slots if slot.contact in contacts)

    def accepted(self, size: int = SENT, slots: tuple[SlotReceipt, ...] | None = None) -> str:
        slots = self.slots if slots is None else slots
        return self._signed(accepted_receipt(*self.about, slots, head=head(size), at=after(1)))

    def released(self, contact: str, minutes: float, /, **changes: Any) -> str:
        slots = self.of(contact)
        made = released_receipt(*self.about, contact, slots, head=head(ROTATED), at=after(minutes))
        return self._signed(made, **changes)

    def not_needed(self, contact: str | None, slots: Any, reason: str, minutes: float) -> str:
        at = after(minutes)
        return self._signed(
            not_needed_receipt(*self.about, contact, slots, reason, head=head(ROTATED), at=at)
        )

    def expired(self, contact: str, minutes: float) -> str:
        return self._signed(expired_receipt(*self.about, contact, head=head(ROTATED), at=after(minutes)))

    def answer(self, kind: str, contact: str, minutes: float) -> str:
        key = signing_key(contact)
        answering = Answering(*self.about, contact, key.kid, head(ROTATED), after(minutes))
        if kind == "retrieved":
            return sign_form(retrieval(answering), jws.RETRIEVAL, key)
        return sign_form(acknowledgement(answering), jws.ACKNOWLEDGEMENT, key)

    def recorded(self, text: str, contact: str, minutes: float) -> str:
        named = {"event": "recorded", "artefact_sha256": artefact_sha256(text)}
        made = expired_receipt(*self.about, contact, head=head(ROTATED), at=after(minutes))
        return self._signed(made, **named)

    def cancel(self, contact: str | None = LIAISON, key: SigningKey | None = None, **changes: Any) -> str:
        header, digest = self.about
        members: dict[str, Any] = {
            "v": 1, "origin": ORIGIN, "message": header.id, "envelope_sha256": digest, "contact": contact,
            "reason": "reached-by-voice", "at": after(40), "head": head(ROTATED), **changes,
        }  # fmt: skip
        return sign_form(Cancel(**members), jws.CANCEL, key or signing_key(JO, 2))

    def spaced(self, receipt: str) -> str:
        """The receipt with white space in what is signed."""
        value = json.loads(jws.read_compact(receipt).payload)
        return jws.sign_compact(json.dumps(value, indent=1).encode(), jws.RECEIPT, HUB)

    def _signed(self, form: Any, **changes: Any) -> str:
        return sign_form(form.model_copy(update=changes), jws.RECEIPT, HUB)

    def story(self) -> dict[str, Any]:
        """What the file holds of receipts, answers and cancels."""
        retrieved, said = (self.answer(kind, DEPUTY, at) for kind, at in (("retrieved", 33), ("ack", 45)))
        receipts = [
            self.accepted(),
            self.expired(TECH, 30),
            self.released(DEPUTY, 30),
            self.recorded(retrieved, DEPUTY, 34),
            self.not_needed(LIAISON, self.of(LIAISON), "reached-by-voice", 41),
            self.recorded(said, DEPUTY, 46),
            self.not_needed(DUTY, self.of(DUTY), "acknowledged", 90),
        ]
        return {
            "receipts": receipts,
            "retrievals": [retrieved],
            "acknowledgements": [said],
            "cancels": [self.cancel()],
        }

    def file(self, story: Mapping[str, Any]) -> bytes:
        return build_evidence(
            origin=ORIGIN, envelope=self.checked.envelope, checkpoint=checkpoint(),
            leaves=[made.leaf for made in entries()], cek=world.cek_of(), **story,
        )  # fmt: skip
