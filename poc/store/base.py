"""The store of a hub: one protocol of few domain verbs, and the values it takes and gives.

Every verb of ``Store`` that changes something is durable before it returns, atomic, and safe to call
from many tasks at once; those at the same time take effect one after the other. Artefacts are kept as
the exact bytes or text received. What decides whether something may be stored stands in core and hub;
how it is stored stands in the drivers ``memory`` and ``sqlite``.

Conventions: ids, kids and SHA-256 values of forms are base64url text as in the forms; hashes of the
Merkle tree are 32 raw bytes, as in ``poc.core.merkle``. Times are aware UTC at whole seconds. Feeds are
numbered from 1, numbers only grow and are never used again; a reader continues ``after`` the last it saw.

Any verb raises ``UnreachableError("storage-failed")`` when the disk fails: unless said otherwise nothing
was stored, and the same call may be made again. After a failed COMMIT the outcome is unknown until then.
Over 400 lines, because the protocol is one list of what a hub keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from poc.core.audit import AuditEvent, AuditRow
from poc.core.form import Status
from poc.core.message import Precedence
from poc.core.nudge import NudgeKind, NudgeLanguage
from poc.limits import QUOTA_BYTES_MAX

EvidenceKind = Literal["receipt", "retrieval", "acknowledgement", "cancel"]
AnswerKind = Literal["retrieval", "acknowledgement", "cancel"]
FeedName = Literal["inbox", "evidence", "cards", "keys", "exercises"]
StepKind = Literal["release", "expire"]


@dataclass(frozen=True, slots=True)
class StoredHead:
    """The newest signed checkpoint: the note's exact bytes, and the size and root it signs."""

    size: int
    root: bytes
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry: its bytes, its leaf hash, and the base64url SHA-256 of its statement's payload."""

    data: bytes
    leaf_hash: bytes
    payload_sha256: str


@dataclass(frozen=True, slots=True)
class Subtree:
    """Hash of the complete subtree ``index`` at ``level``; level 0 holds the leaf hashes."""

    level: int
    index: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class StoredProposal:
    """A payload that waits for signatures; ``id`` is its SHA-256, ``signatures`` their JSON bytes.

    ``opener`` is the State or body whose key opened it.
    """

    id: str
    payload: bytes
    signatures: bytes
    opened_at: datetime
    expires_at: datetime
    opener: str = ""


@dataclass(frozen=True, slots=True)
class StoredOpening:
    """The opening of one part of a contact's card, as received; ``number`` is its place in the feed."""

    number: int
    commitment: str
    contact: str
    part: str
    data: bytes


@dataclass(frozen=True, slots=True)
class StoredErasure:
    """An opening that its owner had erased; ``proof`` is the JSON of the owner's signed request."""

    commitment: str
    contact: str
    part: str
    proof: bytes
    erased_at: datetime


@dataclass(frozen=True, slots=True)
class StoredRead:
    """That the party ``reader`` fetched a part of a contact's card on a day (UTC)."""

    contact: str
    part: str
    reader: str
    day: date


@dataclass(frozen=True, slots=True)
class StoredAnchor:
    """A note of the hub over the audit record ``number``: the newest of its day."""

    day: date
    number: int
    note: bytes


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A sealing key's JWK as received; ``holder`` is the contact or controller that has it."""

    number: int
    kid: str
    jwk: bytes
    holder: str


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """An accepted message: what of its header is asked for, its envelope's parts, the hub's receipt.

    ``body_sha256`` is of the whole body as submitted, slots included: it tells a repeat from another
    submission under the same id. ``digest`` is the envelope digest of DESIGN section 5.
    """

    id: str
    body_sha256: str
    digest: str
    sender_contact: str
    sender_kid: str
    status: str
    exercise: str | None
    protected: str
    iv: str
    ciphertext: str
    tag: str
    receipt: str
    accepted_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class StoredSlot:
    """One device's slot; ``data`` is its JSON as it is served. ``sequence`` is None for own and held slots.

    ``release_at`` is when a held slot goes out, None for one that went at once. ``released`` is the hub's
    receipt over it once it did.
    """

    contact: str
    kid: str
    sequence: int | None
    data: bytes
    release_at: datetime | None = None
    in_place_of: str | None = None
    released: str | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether it is in its device's inbox; a held slot is not before it is released."""
        return self.release_at is None or self.released is not None


@dataclass(frozen=True, slots=True)
class DueStep:
    """What the hub has to do about one contact of a message: release its slots, or say that it expired."""

    message: str
    contact: str
    kind: StepKind
    at: datetime


@dataclass(frozen=True, slots=True)
class Rejection:
    """A submission the hub refused for good, with the signed ``rejected`` receipt."""

    id: str
    body_sha256: str
    sender_contact: str
    sender_kid: str
    reason: str
    receipt: str
    rejected_at: datetime


@dataclass(frozen=True, slots=True)
class Quota:
    """What may still be kept for a State or body at ``at``: checked and counted with what is stored.

    ``messages_max`` bounds those of the last hour, ``bytes_max`` the envelopes held, this one included.
    """

    party: str
    messages_max: int
    bytes_max: int
    at: datetime


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One message for one device; ``number`` is its place in the hub's order of acceptance."""

    number: int
    message: StoredMessage
    slot: StoredSlot


@dataclass(frozen=True, slots=True)
class Answer:
    """A retrieval, acknowledgement or cancel and the hub's ``recorded`` receipt over it.

    ``outcome`` is ``retrieved``, ``acknowledged``, ``declined``, or for a cancel any text that tells two
    cancels of one device apart. ``sha256`` is of ``jws``. ``contact`` and ``kid`` are the signer's.
    """

    message: str
    kind: AnswerKind
    outcome: str
    contact: str
    kid: str
    jws: str
    sha256: str
    receipt: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """It was stored by this call."""

    receipt: str


@dataclass(frozen=True, slots=True)
class Existing:
    """The same was stored before: nothing changed, and this is the receipt given then.

    ``reason`` is the code of a rejection, None for whatever was taken.
    """

    receipt: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One signed record about a message. ``contact`` is whom it is of; None: the message as a whole."""

    number: int
    message: str
    kind: EvidenceKind
    event: str
    contact: str | None
    jws: str


@dataclass(frozen=True, slots=True)
class BlobChunk:
    """A piece of a blob that its uploader, a contact or controller, sends: ``data`` stands at ``start``.

    ``held_max`` is how many bytes of blobs may be held for the uploader's State or body.
    """

    sha256: str
    uploader: str
    size_bytes: int
    start: int
    data: bytes
    arrived_at: datetime
    held_max: int = QUOTA_BYTES_MAX


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """How much of a blob of one uploader is there; a complete one has the SHA-256 it is named by."""

    sha256: str
    uploader: str
    size_bytes: int
    have_bytes: int

    @property
    def is_complete(self) -> bool:
        """Whether all of it is there."""
        return self.have_bytes == self.size_bytes


@dataclass(frozen=True, slots=True)
class StoredExercise:
    """An announcement and its orders, oldest first; ``number`` is renewed by each order."""

    number: int
    id: str
    controller: str
    announcement: str
    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredRestore:
    """That this database came from a backup: when that was taken; the epoch since, None before it began.

    ``proved_at`` is None until it was proved that nothing newer than the backup was signed.
    """

    taken_at: datetime
    epoch: str | None
    proved_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewNudgeAddress:
    """An address as its State gives it; for a webhook with its secret."""

    kind: NudgeKind
    address: str
    precedence: Precedence
    languages: tuple[NudgeLanguage, ...]
    secret: str | None


@dataclass(frozen=True, slots=True)
class StoredNudgeAddress:
    """An address of a contact; ``number`` is its own for ever, ``failure`` the code of the last failure."""

    number: int
    contact: str
    kind: NudgeKind
    address: str
    precedence: Precedence
    languages: tuple[NudgeLanguage, ...]
    secret: str | None
    confirmed_at: datetime | None = None
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Unnudged:
    """Slots numbered above ``after`` up to ``upto``, as (message, contact), of contacts with an address."""

    after: int
    upto: int
    found: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DueNudge:
    """What is due about a message at a contact: step ``step``, counted from 0, of those of its precedence."""

    message: str
    contact: str
    step: int
    began_at: datetime
    due_at: datetime
    precedence: Precedence
    status: Status
    ends_at: datetime


CodeOutcome = Literal["confirmed", "wrong", "ended", "unknown"]


class NudgeStore(Protocol):
    """Where contacts want to be nudged, and which nudges are due: a part of ``Store``."""

    async def set_nudge_addresses(
        self, contact: str, wanted: Sequence[NewNudgeAddress]
    ) -> tuple[StoredNudgeAddress, ...]:
        """Make ``wanted`` the contact's addresses; give them all, by number.

        One of the same kind and address stays what it was, with its number, secret, confirmation and
        outcome; its precedence and languages become those wanted. A new one has no code yet. The others are
        erased as openings are.
        """

    async def read_nudge_addresses(self, contact: str) -> tuple[StoredNudgeAddress, ...]:
        """Give a contact's addresses, by number."""

    async def list_nudge_contacts(self) -> tuple[str, ...]:
        """Give every contact that has an address, sorted."""

    async def put_nudge_code(self, number: int, code: str, until: datetime) -> None:
        """Replace the code of an address that is not confirmed, with no try used."""

    async def confirm_nudge_address(
        self, contact: str, number: int, code: str, now: datetime, tries: int
    ) -> CodeOutcome:
        """Confirm an address of the contact by its code, which is then forgotten; again changes nothing.

        ``wrong`` uses one of ``tries``, after which, as after its time, the code has ``ended``.
        """

    async def note_nudge(self, number: int, at: datetime, failure: str | None) -> None:
        """Keep when an address was last nudged, or last failed and why; one that is gone is passed over."""

    async def read_unnudged(self, limit: int) -> Unnudged:
        """Give the next slots that nobody looked at; at most ``limit``. Own slots are not among them."""

    async def take_nudges(self, looked_at: Unnudged, nudges: Sequence[DueNudge]) -> bool:
        """Keep what is due about those slots, and that they were looked at; False if another node did."""

    async def read_due_nudges(
        self, now: datetime, without: Collection[str], limit: int
    ) -> tuple[DueNudge, ...]:
        """Give what is due and nobody's at ``now``, the most urgent and then the oldest first.

        Nothing of the contacts ``without``.
        """

    async def claim_nudge(self, nudge: DueNudge, now: datetime, until: datetime) -> bool:
        """Claim a step until a time: True for one caller, however many ask, until it ends or that time."""

    async def finish_nudge(self, nudge: DueNudge, next_due_at: datetime | None) -> None:
        """End a step, and let the next be due then; None: nothing more is due about it."""

    async def forget_nudges(self, now: datetime) -> int:
        """Forget what is due about messages that have ended at ``now``; say how much."""

    async def read_answerers(self, message_id: str, contact: str) -> tuple[tuple[str, str], ...]:
        """Give (signing key, outcome) of every answer of a contact to a message."""


class Store(NudgeStore, Protocol):
    """What a hub keeps. See the module for what every verb promises."""

    async def close(self) -> None:
        """Finish what waits, then let go of the disk. A later call of any verb fails."""

    # --- the log ---

    async def read_head(self) -> StoredHead | None:
        """Give the newest head, None before genesis."""

    async def append_entries(
        self,
        expected: bytes | None,
        head: StoredHead,
        leaves: Sequence[Leaf],
        subtrees: Sequence[Subtree],
        closed_proposals: Sequence[str] = (),
        renewed_openings: Sequence[str] = (),
    ) -> None:
        """Move the head from the checkpoint ``expected`` to ``head``, with all that comes by it, or nothing.

        ``leaves`` follow the last entry; none of them renews the checkpoint at the same size.
        ``closed_proposals`` are deleted in the same step. ``renewed_openings`` are commitments whose
        openings, where kept, get a new number in it, so that whoever follows the feed meets them again.

        Raises:
            RefusedError: ``head-moved``, the newest checkpoint is not, byte for byte, ``expected``;
                ``already-logged``, a payload is in the log (data: ``index``, ``leaf_hash``, base64url).
            FaultError: ``fault``, ``head.size`` is not the old size plus the leaves.
        """

    async def read_leaves(self, start: int, end: int) -> tuple[Leaf, ...]:
        """Give entries ``start`` to ``end`` - 1 in order; fewer where the log is shorter."""

    async def find_leaf(self, payload_sha256: str) -> tuple[int, Leaf] | None:
        """Give the index and the entry whose statement has this payload, None if not logged."""

    async def read_hashes(self, level: int, start: int, end: int) -> tuple[bytes, ...]:
        """Give hashes of complete subtrees ``start`` to ``end`` - 1 of ``level``; fewer where they end."""

    async def put_published(self, note: bytes) -> None:
        """Keep the head that is shown, cosignatures included, instead of the one before."""

    async def read_published(self) -> bytes | None:
        """Give the head that was shown last, None if none was kept."""

    # --- proposals ---

    async def put_proposal(self, proposal: StoredProposal, open_max: int | None = None) -> bool:
        """Open a proposal: True; False if one of this id is open, which stays unchanged.

        Raises:
            RefusedError: ``too-many-proposals``, its opener has ``open_max`` open.
        """

    async def sign_proposal(self, proposal_id: str, expected: bytes, signatures: bytes) -> None:
        """Replace exactly the signature bytes ``expected``.

        Raises:
            RefusedError: ``proposal-moved``, others stand there now, or the proposal is gone.
        """

    async def read_proposal(self, proposal_id: str, now: datetime) -> StoredProposal | None:
        """Give one proposal that has not expired at ``now``."""

    async def read_proposals(self, now: datetime, limit: int = 1000) -> tuple[StoredProposal, ...]:
        """Give the proposals that have not expired at ``now``, oldest first."""

    async def delete_proposal(self, proposal_id: str) -> bool:
        """Delete a proposal; False if there was none."""

    async def expire_proposals(self, now: datetime) -> int:
        """Delete every proposal that expired at or before ``now``; say how many."""

    # --- what travels beside the log ---

    async def put_opening(self, commitment: str, contact: str, part: str, data: bytes) -> bool:
        """Keep an opening: True; False if one of this commitment is kept, which stays unchanged.

        Raises:
            RefusedError: ``opening-erased``, an erasure of this commitment and contact is kept.
        """

    async def read_openings(self, after: int, limit: int) -> tuple[StoredOpening, ...]:
        """Give openings numbered above ``after``, in order; at most ``limit``."""

    async def read_opening(self, commitment: str) -> StoredOpening | None:
        """Give one opening, None if unknown or erased."""

    async def delete_openings(self, commitments: Sequence[str]) -> int:
        """Erase openings so that their bytes are overwritten on disk; say how many there were.

        After ``storage-failed`` they are gone or not, and bytes may be left: call it again. With none
        named it overwrites what calls that failed, or a crash, may have left.
        """

    async def erase_opening(self, erasure: StoredErasure) -> bool:
        """Erase an opening as ``delete_openings`` does, and keep that it was: True.

        False if that was kept before; its proof stays, and what may have been left is overwritten.
        """

    async def read_erasures(self) -> tuple[StoredErasure, ...]:
        """Give every erasure kept, oldest first."""

    async def forget_erasures(self, erasures: Sequence[StoredErasure]) -> int:
        """Forget these erasures; say how many there were."""

    async def note_reads(self, reads: Sequence[StoredRead]) -> None:
        """Keep who fetched what; the same on the same day once."""

    async def list_reads(self, contact: str) -> tuple[StoredRead, ...]:
        """Give who fetched parts of this contact's card, by part, reader and day."""

    async def forget_reads(self, before: date) -> int:
        """Forget what was fetched on days before ``before``; say how many."""

    async def put_sealing_key(self, kid: str, jwk: bytes, holder: str) -> bool:
        """Keep a sealing key: True; False if one of this kid is kept, which stays unchanged."""

    async def read_sealing_keys(self, after: int, limit: int) -> tuple[StoredKey, ...]:
        """Give sealing keys numbered above ``after``, in order; at most ``limit``."""

    async def read_sealing_key(self, kid: str) -> StoredKey | None:
        """Give one sealing key, None if unknown."""

    # --- messages and evidence ---

    async def accept_message(
        self,
        message: StoredMessage,
        slots: Sequence[StoredSlot],
        steps: Sequence[DueStep] = (),
        blobs: Sequence[str] = (),
        quota: Quota | None = None,
    ) -> Accepted | Existing:
        """Accept a message once: its slots into the inboxes, its receipt into the evidence, ``steps`` due.

        A slot with ``release_at`` is held instead, until ``take_release``.

        ``blobs`` are the SHA-256 values of the blobs it names, there or not.

        The same id with the same ``body_sha256`` gives the receipt of the first time, also where that
        was a rejection, and whatever the quota. Ids are kept for ever.

        Raises:
            RefusedError: ``id-used``, the id is taken by another body (data ``receipt`` where the sender
                is the same contact); ``sequence-used``, (sender's kid, contact, status, sequence) is
                taken by another message (data ``receipt`` and ``message`` of that one);
                ``quota-reached``, ``storage-quota`` (data ``retry_after_seconds``).
        """

    async def reject_message(self, rejection: Rejection, quota: Quota | None = None) -> Accepted | Existing:
        """Keep a rejection, final for its id; ``accept_message`` says what a repeat gives.

        Raises:
            RefusedError: ``id-used``, ``quota-reached``, as with ``accept_message``: a rejection is kept
                for ever, so it counts as a message.
        """

    async def forget_uses(self, before: datetime) -> int:
        """Forget what was counted of minutes that ended before ``before``; say how many."""

    async def read_inbox(self, kids: Sequence[str], after: int, limit: int) -> tuple[InboxItem, ...]:
        """Give what came for these sealing keys, numbered above ``after``, in order; at most ``limit``."""

    async def read_newest_arrival(self, kids: Sequence[str]) -> int:
        """Give the number of the newest that came for these sealing keys; 0 if nothing did."""

    async def read_message(self, message_id: str) -> StoredMessage | None:
        """Give one accepted message without its slots; None if unknown or rejected."""

    async def read_slots(self, message_id: str) -> tuple[StoredSlot, ...]:
        """Give all slots of an accepted message, delivered or held, in the order of its envelope."""

    async def record_answer(self, answer: Answer) -> Accepted | Existing:
        """Record an answer once per (message, contact, kid, outcome), with its receipt, as evidence.

        The same artefact again gives the receipt of the first time. After ``acknowledged`` or ``declined``
        the contact's step ``expire`` is no longer due; after ``acknowledged`` the steps ``release`` of all
        held in place of the same contact are due at once.

        Raises:
            RefusedError: ``unknown-message``, no such message was accepted; ``answer-used``, another
                artefact stands under the same key (data ``receipt``); ``step-moved``, the contact expired
                at or after ``recorded_at`` (data ``at``, that time).
        """

    # --- what is due ---

    async def read_due(self, now: datetime, limit: int) -> tuple[DueStep, ...]:
        """Give the steps due at ``now``, the earliest first; at most ``limit``."""

    async def read_steps(self, message_id: str) -> tuple[DueStep, ...]:
        """Give what is still to be done about a message, by contact and kind, whenever it is due."""

    async def read_next_due(self) -> datetime | None:
        """Give when the next step is due, None where nothing is."""

    async def take_release(
        self, step: DueStep, receipt: str, kids: Collection[str], unless: Collection[str], then: DueStep
    ) -> bool:
        """Put a contact's held slots of ``kids`` into their inboxes, with the receipt as evidence: True.

        ``then`` becomes due in the same step. False, with nothing changed, if the step was taken before,
        or one of the contacts ``unless`` has acknowledged.
        """

    async def take_skip(self, step: DueStep, receipt: str) -> bool:
        """End a step ``release`` without releasing anything, with the receipt as evidence: True.

        False, with nothing changed, if it was taken before.
        """

    async def take_expiry(self, step: DueStep, receipt: str, at: datetime) -> bool:
        """End a step ``expire`` at ``at``, with the receipt as evidence: True; False if taken before."""

    async def cancel_steps(
        self, cancel: Answer, contact: str | None, steps: Sequence[DueStep]
    ) -> Accepted | Existing:
        """End these steps ``release`` by their sender's cancel; it and its receipt become evidence.

        ``contact`` is whom the receipt is of, None for several. The same artefact again gives the receipt
        of the first time. A part of the steps is never ended alone.

        Raises:
            RefusedError: ``unknown-message``; ``already-released``, no step is named; ``step-moved``, one
                of them was taken before.
        """

    async def read_evidence(self, message_id: str) -> tuple[Evidence, ...]:
        """Give the evidence about one message, oldest first; of a rejected one its rejection."""

    async def read_evidence_feed(self, sender_contact: str, after: int, limit: int) -> tuple[Evidence, ...]:
        """Give evidence about all messages of a sender, numbered above ``after``; at most ``limit``."""

    async def drop_envelopes(self, before: datetime) -> int:
        """Drop the envelopes and slots of messages that expired before ``before``; say how many messages.

        Their ids, sequence numbers, digests, receipts and evidence stay. ``read_message`` then gives
        them with an empty envelope, no inbox shows them, and they name no blob any more.
        """

    # --- blobs ---

    async def put_chunk(self, chunk: BlobChunk) -> StoredBlob | None:
        """Add a chunk to a blob of its uploader; give how much of it is there afterwards.

        One that begins where what is there ends is added; one that lies within it, empty or not, changes
        nothing. With the last one the whole is held against its SHA-256. None: these are not the bytes,
        or this is not the size, of that blob; what was there is removed, unless it was complete.

        Raises:
            RefusedError: ``blob-offset``, there is a gap or an overlap (data ``have_bytes``);
                ``storage-quota``, its State would hold more than ``held_max``.
        """

    async def read_blob(self, sha256: str, uploader: str) -> StoredBlob | None:
        """Give how much of an uploader's blob is there, None if nothing is."""

    async def find_blob(self, sha256: str, holder: str, kids: Sequence[str]) -> StoredBlob | None:
        """Give a complete blob that an accepted message of its uploader names, if this reader may have it.

        That is the uploader, ``holder``, or whoever has a slot of that message for one of ``kids``.
        """

    async def read_blob_part(self, blob: StoredBlob, start: int, end: int) -> bytes:
        """Give bytes ``start`` to ``end`` - 1 of a blob; fewer where it ends or is gone."""

    async def drop_orphan_blobs(self, before: datetime, limit: int) -> int:
        """Drop up to ``limit`` blobs that no message names and that last grew before ``before``; count them.

        Only an accepted message of the uploader, whose envelope is kept, counts.
        """

    # --- the audit trail ---

    async def append_audit(self, event: AuditEvent) -> AuditRow:
        """Chain an event to the newest record (``poc.core.audit``); give the row it became."""

    async def read_audit(self, after: int, limit: int) -> tuple[AuditRow, ...]:
        """Give rows numbered above ``after``, in order; at most ``limit``."""

    async def read_newest_audit(self) -> AuditRow | None:
        """Give the newest row, None if there is none."""

    async def put_anchor(self, anchor: StoredAnchor) -> None:
        """Keep an anchor in place of an older one of its day."""

    async def read_anchors(self) -> tuple[StoredAnchor, ...]:
        """Give every anchor, oldest first."""

    # --- requests ---

    async def use_nonce(self, kid: str, nonce: str, until: datetime) -> bool:
        """Use a nonce of a key: True once; False as long as it is not forgotten. ``until`` is its end."""

    async def forget_nonces(self, before: datetime) -> int:
        """Forget nonces whose ``until`` lies before ``before``; say how many."""

    # --- exercises ---

    async def put_exercise(
        self, exercise_id: str, controller: str, announcement: str, renewed_openings: Sequence[str] = ()
    ) -> bool:
        """Keep an announcement: True; False if exactly this text is kept.

        ``renewed_openings`` as with ``append_entries``, if it was not kept before.

        Raises:
            RefusedError: ``id-used``, another announcement has this id.
        """

    async def add_order(
        self, exercise_id: str, number: int, previous: str | None, sha256: str, order: str
    ) -> bool:
        """Add order ``number`` that follows the order whose SHA-256 is ``previous``; None for the first.

        True; False if exactly this order is kept under this number.

        Raises:
            RefusedError: ``exercise-unknown``; ``order-out-of-sequence``, it does not follow the last.
        """

    async def read_exercises(self, after: int, limit: int) -> tuple[StoredExercise, ...]:
        """Give exercises numbered above ``after``, in order; at most ``limit``."""

    async def read_exercise(self, exercise_id: str) -> StoredExercise | None:
        """Give one exercise, None if unknown."""

    # --- operation ---

    async def probe(self, now: datetime) -> int:
        """Commit ``PROBE_BYTES`` of no meaning, to see that the disk takes it; give the migrations it had."""

    async def read_restore(self) -> StoredRestore | None:
        """Give the newest restore, None where this database was never one."""

    async def begin_epoch(self, epoch: str, now: datetime) -> bool:
        """Give the newest restore its epoch: True; False where it has one, or there is none."""

    async def prove_restore(self, now: datetime) -> bool:
        """Keep that the newest restore is proved: True; False where it was, or there is none."""

    async def read_newest_number(self, feed: FeedName) -> int:
        """Give the newest number that a feed ever had, 0 for none: nobody can have read beyond it."""
