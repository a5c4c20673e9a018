"""The store in memory, for tests: the same promises except durability, and faults on order.

``fail_before`` and ``fail_but_persist`` make the n-th call of a verb from now fail as a disk would, before
or after it took effect. Each verb checks everything before it changes anything, and gives way to other
tasks only before it starts, so that it is atomic. Over 400 lines, because it is one driver of one protocol.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from poc.core.audit import AuditEvent, AuditRow, chain
from poc.core.strictjson import b64u
from poc.errors import FaultError, RefusedError
from poc.store.base import (
    Accepted,
    Answer,
    DueStep,
    Evidence,
    EvidenceKind,
    Existing,
    FeedName,
    InboxItem,
    Leaf,
    Quota,
    Rejection,
    StoredAnchor,
    StoredErasure,
    StoredExercise,
    StoredHead,
    StoredKey,
    StoredMessage,
    StoredOpening,
    StoredProposal,
    StoredRead,
    StoredRestore,
    StoredSlot,
    Subtree,
)
from poc.store.faults import ANY_VERB, Faults, Moment, verb
from poc.store.memory_blobs import MemoryBlobs
from poc.store.memory_nudges import MemoryNudging
from poc.store.memory_quotas import MemoryQuotas
from poc.store.quotas import envelope_bytes, too_many_proposals


@dataclass
class _Submission:
    """An id that was answered for good."""

    body_sha256: str
    sender_contact: str
    receipt: str
    reason: str | None


def _key(step: DueStep) -> tuple[str, str, str]:
    return step.message, step.contact, step.kind


class MemoryStore(MemoryBlobs, MemoryNudging):
    """A ``Store`` that lives as long as its process."""

    def __init__(self) -> None:
        super().__init__()
        self.faults = Faults()
        self._head: StoredHead | None = None
        self._published: bytes | None = None
        self._leaves: list[Leaf] = []
        self._index_of: dict[str, int] = {}
        self._hashes: dict[tuple[int, int], bytes] = {}
        self._proposals: dict[str, StoredProposal] = {}
        self._openings: dict[str, StoredOpening] = {}
        self._opening_numbers = itertools.count(1)
        self._erasures: dict[tuple[str, str], StoredErasure] = {}
        self._reads: set[StoredRead] = set()
        self._audit: list[AuditRow] = []
        self._anchors: dict[date, StoredAnchor] = {}
        self._keys: dict[str, StoredKey] = {}
        self._submissions: dict[str, _Submission] = {}
        self._messages: dict[str, tuple[StoredMessage, tuple[StoredSlot, ...]]] = {}
        self._inbox: list[tuple[int, str, StoredSlot]] = []
        self._inbox_numbers = itertools.count(1)
        self._sequences: dict[tuple[str, str, str, int], str] = {}
        self._answers: dict[tuple[str, str, str, str], Answer] = {}
        self._evidence: list[tuple[str, Evidence]] = []
        self._due: dict[tuple[str, str, str], DueStep] = {}
        self._expiries: dict[tuple[str, str], datetime] = {}
        self._nonces: dict[tuple[str, str], datetime] = {}
        self._exercises: dict[str, StoredExercise] = {}
        self._quotas = MemoryQuotas()
        self._order_hashes: dict[str, list[str]] = {}
        self.restore: StoredRestore | None = None
        self._probed_at: datetime | None = None

    def fail_before(self, name: str, n: int = 1) -> None:
        """Make the n-th call of the verb ``name`` from now raise ``storage-failed`` with nothing stored."""
        self.faults.plan(self, name, n, "before")

    def fail_but_persist(self, name: str, n: int = 1) -> None:
        """Make the n-th call of the verb ``name`` from now take effect, then raise ``storage-failed``."""
        self.faults.plan(self, name, n, "after")

    def fail_nth(self, n: int, moment: Moment) -> None:
        """Make the n-th call from now, whichever verb it is of, fail before or after it took effect."""
        self.faults.plan(self, ANY_VERB, n, moment)

    async def close(self) -> None:
        """See ``Store``."""
        self.faults.closed = True

    # --- the log ---

    @verb
    async def read_head(self) -> StoredHead | None:
        """See ``Store``."""
        return self._head

    @verb
    async def append_entries(
        self,
        expected: bytes | None,
        head: StoredHead,
        leaves: Sequence[Leaf],
        subtrees: Sequence[Subtree],
        closed_proposals: Sequence[str] = (),
        renewed_openings: Sequence[str] = (),
    ) -> None:
        """See ``Store``."""
        if (self._head.checkpoint if self._head else None) != expected:
            raise RefusedError("head-moved")
        if head.size != len(self._leaves) + len(leaves):
            raise FaultError("fault", "the new head does not count the entries that come with it")
        known = {**self._index_of}
        for index, leaf in enumerate(leaves, start=len(self._leaves)):
            logged = known.setdefault(leaf.payload_sha256, index)
            if logged != index:
                entry = (self._leaves + list(leaves))[logged]
                raise RefusedError(
                    "already-logged", f"entry {logged}", index=logged, leaf_hash=b64u(entry.leaf_hash)
                )
        added = {(subtree.level, subtree.index): subtree.hash for subtree in subtrees}
        if len(added) != len(subtrees) or added.keys() & self._hashes.keys():
            raise FaultError("fault", "the hash of a subtree is given twice")
        self._head, self._index_of = head, known
        self._leaves.extend(leaves)
        self._hashes.update(added)
        for proposal in closed_proposals:
            self._proposals.pop(proposal, None)
        self._renew_openings(renewed_openings)

    def _renew_openings(self, commitments: Sequence[str]) -> None:
        for commitment in commitments:
            kept = self._openings.pop(commitment, None)
            if kept is not None:
                self._openings[commitment] = replace(kept, number=next(self._opening_numbers))

    @verb
    async def read_leaves(self, start: int, end: int) -> tuple[Leaf, ...]:
        """See ``Store``."""
        return tuple(self._leaves[max(start, 0) : max(end, 0)])

    @verb
    async def find_leaf(self, payload_sha256: str) -> tuple[int, Leaf] | None:
        """See ``Store``."""
        index = self._index_of.get(payload_sha256)
        return None if index is None else (index, self._leaves[index])

    @verb
    async def read_hashes(self, level: int, start: int, end: int) -> tuple[bytes, ...]:
        """See ``Store``."""
        found = (self._hashes.get((level, index)) for index in range(start, end))
        return tuple(value for value in found if value is not None)

    # --- proposals ---

    @verb
    async def put_published(self, note: bytes) -> None:
        """See ``Store``."""
        self._published = note

    @verb
    async def read_published(self) -> bytes | None:
        """See ``Store``."""
        return self._published

    @verb
    async def put_proposal(self, proposal: StoredProposal, open_max: int | None = None) -> bool:
        """See ``Store``."""
        if proposal.id in self._proposals:
            return False
        count = sum(one.opener == proposal.opener for one in self._proposals.values())
        if open_max is not None and count >= open_max:
            raise too_many_proposals(proposal.opener, count)
        self._proposals[proposal.id] = proposal
        return True

    @verb
    async def sign_proposal(self, proposal_id: str, expected: bytes, signatures: bytes) -> None:
        """See ``Store``."""
        proposal = self._proposals.get(proposal_id)
        if proposal is None or proposal.signatures != expected:
            raise RefusedError("proposal-moved")
        self._proposals[proposal_id] = replace(proposal, signatures=signatures)

    @verb
    async def read_proposal(self, proposal_id: str, now: datetime) -> StoredProposal | None:
        """See ``Store``."""
        proposal = self._proposals.get(proposal_id)
        return proposal if proposal and proposal.expires_at > now else None

    @verb
    async def read_proposals(self, now: datetime, limit: int = 1000) -> tuple[StoredProposal, ...]:
        """See ``Store``."""
        waiting = [proposal for proposal in self._proposals.values() if proposal.expires_at > now]
        return tuple(sorted(waiting, key=lambda proposal: (proposal.opened_at, proposal.id))[:limit])

    @verb
    async def delete_proposal(self, proposal_id: str) -> bool:
        """See ``Store``."""
        return self._proposals.pop(proposal_id, None) is not None

    @verb
    async def expire_proposals(self, now: datetime) -> int:
        """See ``Store``."""
        kept = {key: proposal for key, proposal in self._proposals.items() if proposal.expires_at > now}
        expired, self._proposals = len(self._proposals) - len(kept), kept
        return expired

    # --- what travels beside the log ---

    @verb
    async def put_opening(self, commitment: str, contact: str, part: str, data: bytes) -> bool:
        """See ``Store``."""
        if (commitment, contact) in self._erasures:
            raise RefusedError("opening-erased", f"{contact} {part}")
        if commitment in self._openings:
            return False
        number = next(self._opening_numbers)
        self._openings[commitment] = StoredOpening(number, commitment, contact, part, data)
        return True

    @verb
    async def read_openings(self, after: int, limit: int) -> tuple[StoredOpening, ...]:
        """See ``Store``."""
        return tuple([opening for opening in self._openings.values() if opening.number > after][:limit])

    @verb
    async def read_opening(self, commitment: str) -> StoredOpening | None:
        """See ``Store``."""
        return self._openings.get(commitment)

    @verb
    async def delete_openings(self, commitments: Sequence[str]) -> int:
        """See ``Store``."""
        return sum(self._openings.pop(commitment, None) is not None for commitment in commitments)

    @verb
    async def erase_opening(self, erasure: StoredErasure) -> bool:
        """See ``Store``."""
        self._openings.pop(erasure.commitment, None)
        key = (erasure.commitment, erasure.contact)
        return self._erasures.setdefault(key, erasure) is erasure

    @verb
    async def read_erasures(self) -> tuple[StoredErasure, ...]:
        """See ``Store``."""
        kept = self._erasures.values()
        return tuple(sorted(kept, key=lambda one: (one.erased_at, one.contact, one.commitment)))

    @verb
    async def forget_erasures(self, erasures: Sequence[StoredErasure]) -> int:
        """See ``Store``."""
        keys = [(one.commitment, one.contact) for one in erasures]
        return sum(self._erasures.pop(key, None) is not None for key in keys)

    @verb
    async def note_reads(self, reads: Sequence[StoredRead]) -> None:
        """See ``Store``."""
        self._reads.update(reads)

    @verb
    async def list_reads(self, contact: str) -> tuple[StoredRead, ...]:
        """See ``Store``."""
        found = [one for one in self._reads if one.contact == contact]
        return tuple(sorted(found, key=lambda one: (one.part, one.reader, one.day)))

    @verb
    async def forget_reads(self, before: date) -> int:
        """See ``Store``."""
        kept = {one for one in self._reads if one.day >= before}
        forgotten, self._reads = len(self._reads) - len(kept), kept
        return forgotten

    @verb
    async def put_sealing_key(self, kid: str, jwk: bytes, holder: str) -> bool:
        """See ``Store``."""
        if kid in self._keys:
            return False
        self._keys[kid] = StoredKey(len(self._keys) + 1, kid, jwk, holder)
        return True

    @verb
    async def read_sealing_keys(self, after: int, limit: int) -> tuple[StoredKey, ...]:
        """See ``Store``."""
        return tuple([key for key in self._keys.values() if key.number > after][:limit])

    @verb
    async def read_sealing_key(self, kid: str) -> StoredKey | None:
        """See ``Store``."""
        return self._keys.get(kid)

    # --- messages and evidence ---

    @verb
    async def accept_message(
        self,
        message: StoredMessage,
        slots: Sequence[StoredSlot],
        steps: Sequence[DueStep] = (),
        blobs: Sequence[str] = (),
        quota: Quota | None = None,
    ) -> Accepted | Existing:
        """See ``Store``."""
        existing = self._submitted(message.id, message.body_sha256, message.sender_contact)
        if existing:
            return existing
        used = {
            (message.sender_kid, slot.contact, message.status, slot.sequence): message.id
            for slot in slots
            if slot.sequence is not None
        }
        for key in used:
            if other := self._sequences.get(key):
                receipt = self._submissions[other].receipt
                detail = f"{key[1]} number {key[3]}"
                raise RefusedError("sequence-used", detail, message=other, receipt=receipt)
        if len({slot.kid for slot in slots}) != len(slots):
            raise FaultError("fault", "two slots of one key")
        if quota is not None:
            self._quotas.take(quota, message.id, envelope_bytes(message, slots))
        submission = _Submission(message.body_sha256, message.sender_contact, message.receipt, None)
        self._submissions[message.id] = submission
        self._messages[message.id] = message, tuple(slots)
        self._named[message.id] = tuple(blobs)
        self._sequences.update(used)
        self._inbox.extend(
            (next(self._inbox_numbers), message.id, slot) for slot in slots if slot.is_delivered
        )
        self._due.update({_key(step): step for step in steps})
        self._add_evidence(message.id, "receipt", "accepted", None, message.receipt)
        return Accepted(message.receipt)

    def _submitted(self, message_id: str, body_sha256: str, sender_contact: str) -> Existing | None:
        submission = self._submissions.get(message_id)
        if submission is None:
            return None
        if submission.body_sha256 == body_sha256:
            return Existing(submission.receipt, submission.reason)
        known = {"receipt": submission.receipt} if submission.sender_contact == sender_contact else {}
        raise RefusedError("id-used", message_id, **known)

    def _add_evidence(
        self, message_id: str, kind: EvidenceKind, event: str, contact: str | None, jws: str
    ) -> None:
        record = Evidence(len(self._evidence) + 1, message_id, kind, event, contact, jws)
        self._evidence.append((self._submissions[message_id].sender_contact, record))

    @verb
    async def reject_message(self, rejection: Rejection, quota: Quota | None = None) -> Accepted | Existing:
        """See ``Store``."""
        existing = self._submitted(rejection.id, rejection.body_sha256, rejection.sender_contact)
        if existing:
            return existing
        if quota is not None:
            self._quotas.take(quota, rejection.id, 0)
        self._submissions[rejection.id] = _Submission(
            rejection.body_sha256, rejection.sender_contact, rejection.receipt, rejection.reason
        )
        self._add_evidence(rejection.id, "receipt", "rejected", None, rejection.receipt)
        return Accepted(rejection.receipt)

    @verb
    async def forget_uses(self, before: datetime) -> int:
        """See ``Store``."""
        return self._quotas.forget(before)

    @verb
    async def read_inbox(self, kids: Sequence[str], after: int, limit: int) -> tuple[InboxItem, ...]:
        """See ``Store``."""
        items = (
            InboxItem(number, self._messages[message_id][0], slot)
            for number, message_id, slot in self._inbox
            if number > after and slot.kid in kids
        )
        return tuple(itertools.islice(items, limit))

    @verb
    async def read_newest_arrival(self, kids: Sequence[str]) -> int:
        """See ``Store``."""
        return max((number for number, _, slot in self._inbox if slot.kid in kids), default=0)

    @verb
    async def read_message(self, message_id: str) -> StoredMessage | None:
        """See ``Store``."""
        found = self._messages.get(message_id)
        return found[0] if found else None

    @verb
    async def read_slots(self, message_id: str) -> tuple[StoredSlot, ...]:
        """See ``Store``."""
        return self._messages[message_id][1] if message_id in self._messages else ()

    @verb
    async def record_answer(self, answer: Answer) -> Accepted | Existing:
        """See ``Store``."""
        if answer.message not in self._messages:
            raise RefusedError("unknown-message", answer.message)
        key = (answer.message, answer.contact, answer.kid, answer.outcome)
        if first := self._answers.get(key):
            if first.sha256 != answer.sha256:
                raise RefusedError("answer-used", answer.outcome, receipt=first.receipt)
            return Existing(first.receipt)
        self._note_answered(answer)
        self._answers[key] = answer
        self._add_evidence(answer.message, answer.kind, answer.outcome, answer.contact, answer.jws)
        self._add_evidence(answer.message, "receipt", "recorded", answer.contact, answer.receipt)
        return Accepted(answer.receipt)

    def _note_answered(self, answer: Answer) -> None:
        """Change what is due by an answer that is recorded now."""
        if answer.outcome not in ("acknowledged", "declined"):
            return
        expired = self._expiries.get((answer.message, answer.contact))
        if expired is not None and expired >= answer.recorded_at:
            at = int(expired.timestamp())
            raise RefusedError("step-moved", f"{answer.contact} expired", at=at)
        self._due.pop((answer.message, answer.contact, "expire"), None)
        if answer.outcome == "declined":
            return
        slots = self._messages[answer.message][1]
        primaries = {answer.contact} | {
            slot.in_place_of for slot in slots if slot.contact == answer.contact and slot.is_delivered
        }
        for slot in slots:
            step = self._due.get((answer.message, slot.contact, "release"))
            if step is not None and slot.in_place_of is not None and slot.in_place_of in primaries:
                self._due[_key(step)] = replace(step, at=min(step.at, answer.recorded_at))

    # --- what is due ---

    @verb
    async def read_due(self, now: datetime, limit: int) -> tuple[DueStep, ...]:
        """See ``Store``."""
        due = (step for step in self._due.values() if step.at <= now)
        return tuple(sorted(due, key=lambda step: (step.at, step.message, step.contact))[:limit])

    @verb
    async def read_steps(self, message_id: str) -> tuple[DueStep, ...]:
        """See ``Store``."""
        found = (step for step in self._due.values() if step.message == message_id)
        return tuple(sorted(found, key=lambda step: (step.contact, step.kind)))

    @verb
    async def read_next_due(self) -> datetime | None:
        """See ``Store``."""
        return min((step.at for step in self._due.values()), default=None)

    @verb
    async def take_release(
        self, step: DueStep, receipt: str, kids: Collection[str], unless: Collection[str], then: DueStep
    ) -> bool:
        """See ``Store``."""
        acknowledged = {key[1] for key in self._answers if (key[0], key[3]) == (step.message, "acknowledged")}
        if acknowledged & set(unless) or self._due.pop(_key(step), None) is None:
            return False
        message, slots = self._messages[step.message]
        released = {
            slot: replace(slot, released=receipt)
            for slot in slots
            if slot.contact == step.contact and slot.kid in kids
        }
        self._messages[step.message] = message, tuple(released.get(slot, slot) for slot in slots)
        self._inbox.extend((next(self._inbox_numbers), step.message, slot) for slot in released.values())
        self._add_evidence(step.message, "receipt", "released", step.contact, receipt)
        self._due[_key(then)] = then
        return True

    @verb
    async def take_skip(self, step: DueStep, receipt: str) -> bool:
        """See ``Store``."""
        if self._due.pop(_key(step), None) is None:
            return False
        self._add_evidence(step.message, "receipt", "not-needed", step.contact, receipt)
        return True

    @verb
    async def take_expiry(self, step: DueStep, receipt: str, at: datetime) -> bool:
        """See ``Store``."""
        if self._due.pop(_key(step), None) is None:
            return False
        self._expiries[step.message, step.contact] = at
        self._add_evidence(step.message, "receipt", "expired", step.contact, receipt)
        return True

    @verb
    async def cancel_steps(
        self, cancel: Answer, contact: str | None, steps: Sequence[DueStep]
    ) -> Accepted | Existing:
        """See ``Store``."""
        if cancel.message not in self._messages:
            raise RefusedError("unknown-message", cancel.message)
        key = (cancel.message, cancel.contact, cancel.kid, cancel.outcome)
        if first := self._answers.get(key):
            return Existing(first.receipt)
        if not steps:
            raise RefusedError("already-released")
        gone = next((step for step in steps if _key(step) not in self._due), None)
        if gone is not None:
            raise RefusedError("step-moved", gone.contact)
        for step in steps:
            del self._due[_key(step)]
        self._answers[key] = cancel
        self._add_evidence(cancel.message, "cancel", "cancelled", cancel.contact, cancel.jws)
        self._add_evidence(cancel.message, "receipt", "not-needed", contact, cancel.receipt)
        return Accepted(cancel.receipt)

    @verb
    async def read_evidence(self, message_id: str) -> tuple[Evidence, ...]:
        """See ``Store``."""
        return tuple(record for _, record in self._evidence if record.message == message_id)

    @verb
    async def read_evidence_feed(self, sender_contact: str, after: int, limit: int) -> tuple[Evidence, ...]:
        """See ``Store``."""
        found = (
            record for sender, record in self._evidence if sender == sender_contact and record.number > after
        )
        return tuple(itertools.islice(found, limit))

    @verb
    async def drop_envelopes(self, before: datetime) -> int:
        """See ``Store``."""
        due = [one for one, _ in self._messages.values() if one.expires_at < before and one.ciphertext]
        for message in due:
            self._quotas.let_go(message.id)
            bare = replace(message, protected="", iv="", ciphertext="", tag="")
            self._messages[message.id] = bare, ()
            self._named.pop(message.id)
        gone = {message.id for message in due}
        self._inbox = [item for item in self._inbox if item[1] not in gone]
        self._due = {key: step for key, step in self._due.items() if step.message not in gone}
        return len(due)

    # --- the audit trail ---

    @verb
    async def append_audit(self, event: AuditEvent) -> AuditRow:
        """See ``Store``."""
        row = chain(self._audit[-1] if self._audit else None, event)
        self._audit.append(row)
        return row

    @verb
    async def read_audit(self, after: int, limit: int) -> tuple[AuditRow, ...]:
        """See ``Store``."""
        return tuple(self._audit[after : after + limit])

    @verb
    async def read_newest_audit(self) -> AuditRow | None:
        """See ``Store``."""
        return self._audit[-1] if self._audit else None

    @verb
    async def put_anchor(self, anchor: StoredAnchor) -> None:
        """See ``Store``."""
        self._anchors[anchor.day] = anchor

    @verb
    async def read_anchors(self) -> tuple[StoredAnchor, ...]:
        """See ``Store``."""
        return tuple(sorted(self._anchors.values(), key=lambda one: one.day))

    # --- requests ---

    @verb
    async def use_nonce(self, kid: str, nonce: str, until: datetime) -> bool:
        """See ``Store``."""
        if (kid, nonce) in self._nonces:
            return False
        self._nonces[kid, nonce] = until
        return True

    @verb
    async def forget_nonces(self, before: datetime) -> int:
        """See ``Store``."""
        kept = {key: until for key, until in self._nonces.items() if until >= before}
        forgotten, self._nonces = len(self._nonces) - len(kept), kept
        return forgotten

    # --- exercises ---

    def _next_number(self) -> int:
        return 1 + max((exercise.number for exercise in self._exercises.values()), default=0)

    @verb
    async def put_exercise(
        self, exercise_id: str, controller: str, announcement: str, renewed_openings: Sequence[str] = ()
    ) -> bool:
        """See ``Store``."""
        if kept := self._exercises.get(exercise_id):
            if (kept.controller, kept.announcement) != (controller, announcement):
                raise RefusedError("id-used", exercise_id)
            return False
        number = self._next_number()
        self._exercises[exercise_id] = StoredExercise(number, exercise_id, controller, announcement, ())
        self._order_hashes[exercise_id] = []
        self._renew_openings(renewed_openings)
        return True

    @verb
    async def add_order(
        self, exercise_id: str, number: int, previous: str | None, sha256: str, order: str
    ) -> bool:
        """See ``Store``."""
        kept = self._exercises.get(exercise_id)
        if kept is None:
            raise RefusedError("exercise-unknown", exercise_id)
        hashes = self._order_hashes[exercise_id]
        if 1 <= number <= len(hashes) and hashes[number - 1] == sha256:
            return False
        last = hashes[-1] if hashes else None
        if number != len(hashes) + 1 or previous != last:
            raise RefusedError("order-out-of-sequence", f"{len(hashes)} orders are kept")
        hashes.append(sha256)
        orders = (*kept.orders, order)
        self._exercises[exercise_id] = replace(kept, number=self._next_number(), orders=orders)
        return True

    @verb
    async def read_exercises(self, after: int, limit: int) -> tuple[StoredExercise, ...]:
        """See ``Store``."""
        found = [exercise for exercise in self._exercises.values() if exercise.number > after]
        return tuple(sorted(found, key=lambda exercise: exercise.number)[:limit])

    @verb
    async def read_exercise(self, exercise_id: str) -> StoredExercise | None:
        """See ``Store``."""
        return self._exercises.get(exercise_id)

    # --- operation ---

    @verb
    async def probe(self, now: datetime) -> int:
        """See ``Store``. No migration was ever needed here."""
        self._probed_at = now
        return 0

    @verb
    async def read_restore(self) -> StoredRestore | None:
        """See ``Store``. What lives in memory is no backup, unless a test says so by ``restore``."""
        return self.restore

    @verb
    async def begin_epoch(self, epoch: str, now: datetime) -> bool:
        """See ``Store``."""
        del now  # when it began is for people who read the file
        if self.restore is None or self.restore.epoch is not None:
            return False
        self.restore = replace(self.restore, epoch=epoch)
        return True

    @verb
    async def prove_restore(self, now: datetime) -> bool:
        """See ``Store``."""
        if self.restore is None or self.restore.proved_at is not None:
            return False
        self.restore = replace(self.restore, proved_at=now)
        return True

    @verb
    async def read_newest_number(self, feed: FeedName) -> int:
        """See ``Store``."""
        numbers = {
            "inbox": [number for number, _, _ in self._inbox],
            "evidence": [evidence.number for _, evidence in self._evidence],
            "cards": [opening.number for opening in self._openings.values()],
            "keys": [key.number for key in self._keys.values()],
            "exercises": [exercise.number for exercise in self._exercises.values()],
        }
        return max(numbers[feed], default=0)
