"""The relay: takes sealed envelopes, hands each device its slot, records what recipients sign.

It sees headers and slots only. What makes an envelope admissible is in ``core.admission``; that an
id or sequence number is used once is the store's promise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from poc.core import jws
from poc.core.admission import CheckedEnvelope, admit_envelope, read_envelope, read_header
from poc.core.evidence import Acknowledgement, Retrieval
from poc.core.form import form_bytes, state_of
from poc.core.holding import parts_of
from poc.core.message import EnvelopeHeader
from poc.core.play import deadline
from poc.core.quota import bytes_max, messages_max
from poc.core.receipts import (
    accepted_receipt,
    artefact_sha256,
    check_answerer,
    check_of_envelope,
    not_needed_receipt,
    recorded_receipt,
    rejected_receipt,
    verify_answer,
    verify_cancel,
)
from poc.core.strictjson import b64u, parse
from poc.errors import CATALOGUE, RefusedError, UnreachableError
from poc.hub.caller import Caller, sealing_kids
from poc.hub.clock import Clock
from poc.hub.exercises import Exercises
from poc.hub.intake import Intake
from poc.hub.log import Log
from poc.hub.signing import ReceiptSigner
from poc.hub.timers import Timers, named_slots
from poc.limits import FEED_ITEMS_MAX, INBOX_ITEMS_MAX, INBOX_PAGE_BYTES_MAX
from poc.store.base import (
    Accepted,
    Answer,
    DueStep,
    Evidence,
    Existing,
    InboxItem,
    Quota,
    Rejection,
    Store,
    StoredMessage,
    StoredSlot,
)


class Relay:
    """Messages and their evidence.

    ``on_accepted`` is told the sealing keys of each message taken, and of one that a failing disk may have
    kept.
    """

    def __init__(
        self,
        store: Store,
        log: Log,
        exercises: Exercises,
        signer: ReceiptSigner,
        timers: Timers,
        *,
        now: Clock,
        intake: Intake,
    ) -> None:
        self._store = store
        self._log = log
        self._exercises = exercises
        self._signer = signer
        self._timers = timers
        self._now = now
        self.on_accepted: Callable[[Iterable[str]], None] = _nobody
        self._metrics = intake.metrics
        self._intake = intake

    async def accept(self, caller: Caller, message_id: str, body: bytes) -> tuple[bool, str]:
        """Take an envelope once: (taken by this call, receipt). The same again gives the same receipt.

        Raises ``id-used``, ``sequence-used`` (data ``receipt``), or the code it is refused for, with the
        signed ``rejected`` receipt as data: final for this id. Where it may only come again later
        (``quota-reached``, ``storage-quota``, and what ``Intake`` raises) there is no receipt, and
        nothing is kept of it.
        """
        async with self._intake.turn(caller.state, body):
            return await self._accept(caller, message_id, body)

    async def _accept(self, caller: Caller, message_id: str, body: bytes) -> tuple[bool, str]:
        checked = read_envelope(body)
        header = checked.header
        if (header.sender.kid, header.sender.contact) != (caller.kid, caller.holder):
            raise RefusedError("member-mismatch", "from is not who signed the request")
        if header.id != message_id:
            raise RefusedError("id-mismatch", message_id)
        body_sha256 = b64u(hashlib.sha256(body).digest())
        known = await self._store.read_message(message_id)
        if known is not None and known.body_sha256 == body_sha256 and known.sender_kid == caller.kid:
            return False, known.receipt
        self._intake.check_new(header, self._now())
        try:
            admit_envelope(
                checked,
                self._log.view.directory,
                self._now(),
                message_id=message_id,
                play_of=self._exercises.play_of,
            )
        except RefusedError as error:
            return False, await self._reject(checked, body_sha256, error)
        return await self._take(checked, body_sha256)

    async def _take(self, checked: CheckedEnvelope, body_sha256: str) -> tuple[bool, str]:
        header, envelope, now = checked.header, checked.envelope, self._now()
        form = accepted_receipt(header, checked.digest, checked.slots, head=self._log.view.head, at=now)
        message = StoredMessage(
            id=header.id,
            body_sha256=body_sha256,
            digest=checked.digest,
            sender_contact=header.sender.contact,
            sender_kid=header.sender.kid,
            status=header.status,
            exercise=header.exercise,
            protected=envelope.protected,
            iv=envelope.iv,
            ciphertext=envelope.ciphertext,
            tag=envelope.tag,
            receipt=self._signer.sign(form),
            accepted_at=now,
            expires_at=header.expires_at,
        )
        parts = {part.contact: part for part in parts_of(header, [s.header for s in envelope.recipients])}
        slots = [
            StoredSlot(
                s.header.contact,
                s.header.kid,
                s.header.sequence,
                form_bytes(s),
                parts[s.header.contact].release_at,
                s.header.in_place_of,
            )
            for s in envelope.recipients
        ]
        steps = [
            DueStep(header.id, part.contact, "expire", deadline(header, now))
            if part.release_at is None
            else DueStep(header.id, part.contact, "release", part.release_at)
            for part in parts.values()
            if part.release_at is not None or part.contact != header.sender.contact
        ]
        blobs = [blob.sha256 for blob in header.blobs]
        storing = self._store.accept_message(message, slots, steps, blobs, self._quota(header))
        try:
            result = await self._counted(header, storing)
        except UnreachableError:  # it may be kept all the same, and who listens is not to wait for the repeat
            self._tell_of(slots)
            raise
        if isinstance(result, Accepted):
            self._tell_of(slots)
            self._metrics.messages_accepted.labels(header.status).inc()
            return True, result.receipt
        if result.reason is not None:
            raise _rejected(result.reason, result.receipt)
        return False, result.receipt

    def _tell_of(self, slots: Iterable[StoredSlot]) -> None:
        """Have whoever waits for something new look: looking in vain does no harm."""
        self._timers.wake()
        self.on_accepted(slot.kid for slot in slots)

    async def _reject(self, checked: CheckedEnvelope, body_sha256: str, error: RefusedError) -> str:
        """Keep a signed rejection and raise it; the receipt if the same was accepted before."""
        header, now = checked.header, self._now()
        form = rejected_receipt(header, checked.digest, error.code, head=self._log.view.head, at=now)
        sender = header.sender
        rejection = Rejection(
            header.id, body_sha256, sender.contact, sender.kid, error.code, self._signer.sign(form), now
        )
        result = await self._counted(header, self._store.reject_message(rejection, self._quota(header)))
        if isinstance(result, Accepted):
            self._metrics.messages_rejected.labels(header.status).inc()
            raise RefusedError(error.code, error.detail, **{**error.data, "receipt": result.receipt})
        if result.reason is not None:
            raise _rejected(result.reason, result.receipt)
        return result.receipt

    def _quota(self, header: EnvelopeHeader) -> Quota:
        """What the store may still take of this sender's State."""
        directory, sender = self._log.view.directory, header.sender.contact
        per_hour = directory.settings.limits.messages_per_hour
        controller = sender in directory.controllers
        return Quota(
            party=state_of(sender),
            messages_max=messages_max(header.status, header.precedence, per_hour, controller=controller),
            bytes_max=bytes_max(header.status),
            at=self._now(),
        )

    async def _counted(
        self, header: EnvelopeHeader, storing: Awaitable[Accepted | Existing]
    ) -> Accepted | Existing:
        """What the store answers; that a quota is reached is noted."""
        try:
            return await storing
        except RefusedError as error:
            if error.code in {"quota-reached", "storage-quota"}:
                self._intake.note_full(header, self._now(), error)
            raise

    async def inbox(self, caller: Caller, after: int) -> dict[str, Any]:
        """What came for the caller's device, in order."""
        kids = sealing_kids(self._log.view.directory, caller)
        rows = _page(await self._store.read_inbox(kids, after, INBOX_ITEMS_MAX))
        self._metrics.inbox_pages.inc()
        return {"items": [_item(row) for row in rows], "next": rows[-1].number if rows else after}

    async def show(self, caller: Caller, message_id: str) -> dict[str, Any]:
        """A message for its sender (all slots) or a recipient's device (its own slot)."""
        message, slots = await self._visible(caller, message_id)
        if caller.holder == message.sender_contact and caller.kid == message.sender_kid:
            return _message(message, slots)
        kids = sealing_kids(self._log.view.directory, caller)
        own = [slot for slot in slots if slot.kid in kids and slot.is_delivered]
        if own:
            return {**_message(message, own), "released": own[0].released}
        if caller.holder == message.sender_contact:
            return _message(message, slots)
        raise RefusedError("not-found")

    async def record(self, caller: Caller, message_id: str, kind: str, text: str) -> tuple[bool, str]:
        """Record a retrieval or acknowledgement: (recorded by this call, the hub's receipt)."""
        message, slots = await self._visible(caller, message_id)
        header = read_header(message.protected)
        directory = self._log.view.directory
        answer = verify_answer(text, directory, least=directory.size)
        if not isinstance(answer, Retrieval if kind == "retrieval" else Acknowledgement):
            raise RefusedError("wrong-type", f"this is no {kind}")
        if answer.kid != caller.kid:
            raise RefusedError("member-mismatch", "kid is not who signed the request")
        check_of_envelope(answer, header, message.digest)
        check_answerer(answer, header, {slot.contact for slot in slots if slot.is_delivered})
        try:
            result = await self._record(header, message.digest, answer, text, self._now())
        except RefusedError as error:
            if error.code != "step-moved":
                raise
            # The contact expired while this was on its way: what is recorded after it bears a later time.
            later = datetime.fromtimestamp(int(str(error.data["at"])), UTC) + timedelta(seconds=1)
            result = await self._record(header, message.digest, answer, text, max(self._now(), later))
        created = isinstance(result, Accepted)
        if created:
            self._metrics.evidence_recorded.labels(kind).inc()
            self._timers.wake()
        return created, result.receipt

    async def _record(
        self,
        header: EnvelopeHeader,
        digest: str,
        answer: Retrieval | Acknowledgement,
        text: str,
        at: datetime,
    ) -> Accepted | Existing:
        form = recorded_receipt(header, digest, answer, text, head=self._log.view.head, at=at)
        return await self._store.record_answer(
            Answer(
                message=header.id,
                kind="retrieval" if isinstance(answer, Retrieval) else "acknowledgement",
                outcome=answer.outcome,
                contact=answer.contact,
                kid=answer.kid,
                jws=text,
                sha256=artefact_sha256(text),
                receipt=self._signer.sign(form),
                recorded_at=at,
            )
        )

    async def cancel(self, caller: Caller, message_id: str, text: str) -> tuple[bool, str]:
        """End what is held of a message: (ended by this call, the receipt ``not-needed``).

        Raises ``already-released`` where nothing of what it names is held any more, ``step-moved`` where
        a part of it went out meanwhile.
        """
        message, slots = await self._visible(caller, message_id)
        if caller.holder != message.sender_contact:
            raise RefusedError("not-found")
        directory, header = self._log.view.directory, read_header(message.protected)
        form = verify_cancel(text, directory, message.sender_contact, least=directory.size)
        check_of_envelope(form, header, message.digest)
        steps = [
            step
            for step in await self._store.read_steps(message_id)
            if step.kind == "release" and form.contact in (None, step.contact)
        ]
        named = {step.contact for step in steps}
        ended, now = named_slots(slot for slot in slots if slot.contact in named), self._now()
        receipt = not_needed_receipt(
            header, message.digest, form.contact, ended, form.reason, head=self._log.view.head, at=now
        )
        cancelled = Answer(
            message=message_id,
            kind="cancel",
            outcome=artefact_sha256(text),
            contact=message.sender_contact,
            kid=jws.read_compact(text).header.kid,
            jws=text,
            sha256=artefact_sha256(text),
            receipt=self._signer.sign(receipt),
            recorded_at=now,
        )
        result = await self._store.cancel_steps(cancelled, form.contact, steps)
        return isinstance(result, Accepted), result.receipt

    async def evidence(self, caller: Caller, message_id: str) -> dict[str, Any]:
        """The evidence about one message that the caller may see."""
        message, _ = await self._visible(caller, message_id, dropped=True)
        rows = await self._store.read_evidence(message_id)
        if caller.holder != message.sender_contact:
            rows = tuple(row for row in rows if row.contact in {None, caller.holder})
        kinds = ("receipt", "retrieval", "acknowledgement", "cancel")
        return {
            "message": message_id,
            **{f"{kind}s": [row.jws for row in rows if row.kind == kind] for kind in kinds},
        }

    async def evidence_feed(self, caller: Caller, after: int) -> dict[str, Any]:
        """The evidence about all messages of the caller's contact, in order."""
        rows = await self._store.read_evidence_feed(caller.holder, after, FEED_ITEMS_MAX)
        items = [_evidence(row) for row in rows]
        return {"items": items, "next": rows[-1].number if rows else after}

    async def _visible(
        self, caller: Caller, message_id: str, *, dropped: bool = False
    ) -> tuple[StoredMessage, tuple[StoredSlot, ...]]:
        """A message of the caller's contact; with ``dropped`` its sender sees it without its envelope too.

        Raises ``not-found``.
        """
        message = await self._store.read_message(message_id)
        if message is not None and (message.ciphertext or dropped):
            slots = await self._store.read_slots(message_id)
            reached = {slot.contact for slot in slots if slot.is_delivered}
            if caller.holder in reached | {message.sender_contact}:
                return message, slots
        raise RefusedError("not-found")


def _nobody(_kids: Iterable[str]) -> None:
    """Nobody is told."""


def _rejected(reason: str, receipt: str) -> RefusedError:
    code = reason if reason in CATALOGUE else "bad-form"
    return RefusedError(code, "refused before, for good", receipt=receipt)


def _message(message: StoredMessage, slots: list[StoredSlot] | tuple[StoredSlot, ...]) -> dict[str, Any]:
    return {
        "message": message.id,
        "envelope": {
            "protected": message.protected,
            "iv": message.iv,
            "ciphertext": message.ciphertext,
            "tag": message.tag,
            "recipients": [parse(slot.data) for slot in slots],
        },
        "accepted": message.receipt,
    }


def _page(rows: tuple[InboxItem, ...]) -> tuple[InboxItem, ...]:
    """As many of the rows, from the first, as one answer may carry."""
    size = 0
    for count, row in enumerate(rows):
        size += len(row.message.ciphertext)
        if count and size > INBOX_PAGE_BYTES_MAX:
            return rows[:count]
    return rows


def _item(row: InboxItem) -> dict[str, Any]:
    return {"number": row.number, **_message(row.message, [row.slot]), "released": row.slot.released}


def _evidence(row: Evidence) -> dict[str, Any]:
    return {"number": row.number, "message": row.message, "kind": row.kind, "jws": row.jws}
