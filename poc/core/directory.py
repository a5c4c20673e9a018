"""The directory: what the log says, as one immutable value, and the questions asked of it.

Holds the value and its queries. How an entry changes it is decided in ``rules``; text search in
``client.lookup``. Every key is kept with the span of the log in which it was good, so that rights
are judged in log order (DESIGN section 5) long after a key has ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

from poc.core.bodies import Settings, StateNames
from poc.core.card import CardCommitments
from poc.core.keys import VerifyKey
from poc.core.merkle import CompactRange
from poc.errors import RefusedError
from poc.limits import JSON_INTEGER_MAX

KeyRole = Literal["registrar", "hub", "log", "authority", "recovery", "device", "sealing", "witness"]
Ending = Literal["replaced", "routine", "compromise", "lost", "withdrawn"]
WITNESSES_FOR_ACTUAL: Final = 4
NOT_YET: Final = JSON_INTEGER_MAX
"""``since`` of a key whose policy or recovery is logged but not in force."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in the log: the entry's index, its leaf hash (base64url) and when it was logged."""

    index: int
    leaf_hash: str
    logged_at: datetime


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key's life. Good from entry ``since`` on, until entry ``until`` ended it (both indexes).

    ``holder`` is a State id (authority, recovery), a registrar's, contact's, controller's or witness's
    id, or the origin (hub). ``verify_key`` is ``None`` for sealing keys, whose
    body travels beside the log, and for log keys, which sign notes only.
    """

    kid: str
    role: KeyRole
    holder: str
    verify_key: VerifyKey | None
    device: int | None
    may: frozenset[str]
    since: int
    until: int | None = None
    ended: Ending | None = None

    def is_good_at(self, size: int) -> bool:
        """Whether the key was good in the log of that size (entries 0 … size - 1)."""
        return self.since < size and (self.until is None or self.until >= size)


@dataclass(frozen=True, slots=True)
class DeviceState:
    """An active device: its current keys and rights."""

    number: int
    kid: str
    sealing_kid: str
    rotate_by: datetime
    may: frozenset[str]


@dataclass(frozen=True, slots=True)
class Freeze:
    """One span of the log in which a contact was frozen; ``until`` is the index of the entry that ended it.

    ``by`` names the contacts whose devices froze it: those it may freeze in turn.
    """

    since: Anchor
    by: frozenset[str]
    until: int | None = None

    def holds_at(self, size: int) -> bool:
        """Whether the contact was frozen in the log of that size (entries 0 … size - 1)."""
        return self.since.index < size and (self.until is None or self.until >= size)


@dataclass(frozen=True, slots=True)
class Suspension:
    """One span of the log in which a State was suspended, ``until_at`` at the latest.

    ``until`` is the index of the entry that ended it, or whose attested time did.
    """

    since: Anchor
    reason: str
    scope: frozenset[str]
    until_at: datetime
    until: int | None = None

    def holds_at(self, size: int) -> bool:
        """Whether the State was suspended in the log of that size (entries 0 … size - 1)."""
        return self.since.index < size and (self.until is None or self.until >= size)


@dataclass(frozen=True, slots=True)
class Recovery:
    """A recovery that waits for its window: the keys it brings. ``overrules`` an objection by old keys."""

    anchor: Anchor
    effective_at: datetime
    authority_kids: tuple[str, ...]
    threshold: int
    recovery_kid: str | None
    overrules: bool


@dataclass(frozen=True, slots=True)
class Objection:
    """The entry that stopped a recovery. Only one by old keys alone can be overruled."""

    leaf_hash: str
    by_old_keys: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """A point of contact as the log has it. ``newest`` is its last chained entry.

    ``standing`` is its newest nomination or thaw, which a freeze names. Every freeze there ever was is
    kept: what was signed in its span counts as little after the thaw.
    """

    id: str
    state: str
    level: Literal["listed", "verified"]
    role: str
    alternate_of: str | None
    card: CardCommitments
    machine_receipts: bool
    custody: str
    devices: tuple[DeviceState, ...]
    highest_number: int
    version: int
    newest: Anchor
    nomination: Anchor
    standing: Anchor
    confirmed_at: datetime
    tested_at: datetime | None = None
    reach_changed_by_device_at: datetime | None = None
    freezes: tuple[Freeze, ...] = ()
    withdrawn: bool = False

    @property
    def frozen(self) -> Freeze | None:
        """The freeze that holds now."""
        return self.freezes[-1] if self.freezes and self.freezes[-1].until is None else None

    def device(self, number: int) -> DeviceState | None:
        """The active device of that number."""
        return next((device for device in self.devices if device.number == number), None)

    def confirm_due_at(self, settings: Settings) -> datetime:
        """When the authority's next "still right" is due."""
        return self.confirmed_at + timedelta(seconds=settings.confirm_seconds)


@dataclass(frozen=True, slots=True)
class State:
    """A party as the log has it. ``pending`` until its objection window has passed.

    ``stopped`` is an enrolment that was objected to, at ``stopped_at``; a second one (``retried``) is not
    stopped by objections. ``recovering`` waits for its window; ``objection`` stopped the last one.
    ``overruled`` holds version and leaf hash of the chained entries that rotations by threshold alone
    have followed since: the recovery key may still build on each, and so wins over those rotations.
    """

    id: str
    kind: str
    names: StateNames
    status: Literal["pending", "stopped", "enrolled", "withdrawn"]
    effective_at: datetime
    authority_kids: tuple[str, ...]
    threshold: int
    recovery_kid: str | None
    version: int
    newest: Anchor
    enrolled: Anchor
    overruled: tuple[tuple[int, str], ...] = ()
    stopped_at: datetime | None = None
    retried: bool = False
    recovering: Recovery | None = None
    objection: Objection | None = None
    suspensions: tuple[Suspension, ...] = ()

    @property
    def suspended(self) -> Suspension | None:
        """The suspension that holds now."""
        return self.suspensions[-1] if self.suspensions and self.suspensions[-1].until is None else None


@dataclass(frozen=True, slots=True)
class Controller:
    """Who runs exercises; has devices like a contact."""

    id: str
    names: Mapping[str, str]
    body: str
    devices: tuple[DeviceState, ...]
    highest_number: int
    version: int
    newest: Anchor
    dismissed: bool = False


@dataclass(frozen=True, slots=True)
class Seat:
    """A witness's key that counts towards the quorum, and where it is asked for cosignatures."""

    witness: str
    kid: str
    vkey: str
    url: str


@dataclass(frozen=True, slots=True)
class Dismissal:
    """That a witness loses its seat."""

    witness: str


@dataclass(frozen=True, slots=True)
class Pending:
    """A change logged but not yet in force: it waits for an attest that covers it."""

    change: Settings | Seat | Dismissal
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Witness:
    """A State's witness. ``seat`` is the one in force; ``dismissed`` is said as soon as it is logged."""

    id: str
    state: str
    version: int
    newest: Anchor
    seat: Seat | None = None
    dismissed: bool = False


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything the log of ``tree.size`` entries says. Replaced, never changed.

    ``logged_ats`` holds the time of every entry; ``attested_at`` is the time that windows run on, and
    ``attest`` the newest entry that attested it.
    ``log_vkeys`` holds the C2SP verification key of every log key ever named, by kid: those that
    ended too, so that what they signed can still be read, and those that wait for their policy.
    """

    origin: str
    fingerprint: str
    settings: Settings
    version: int
    newest: Anchor
    tree: CompactRange
    logged_at: datetime
    attested_at: datetime
    logged_ats: Sequence[datetime] = ()
    attest: Anchor | None = None
    pending: tuple[Pending, ...] = ()
    states: Mapping[str, State] = field(default_factory=lambda: MappingProxyType({}))
    contacts: Mapping[str, Contact] = field(default_factory=lambda: MappingProxyType({}))
    controllers: Mapping[str, Controller] = field(default_factory=lambda: MappingProxyType({}))
    witnesses: Mapping[str, Witness] = field(default_factory=lambda: MappingProxyType({}))
    keys: Mapping[str, KeyRecord] = field(default_factory=lambda: MappingProxyType({}))
    payloads: AbstractSet[str] = frozenset()
    log_vkeys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def size(self) -> int:
        """How many entries this directory was made from."""
        return self.tree.size

    @property
    def seats(self) -> tuple[Seat, ...]:
        """The witnesses' keys in force, one for each State, by witness."""
        return tuple(w.seat for _, w in sorted(self.witnesses.items()) if w.seat is not None)

    @property
    def quorum(self) -> int:
        """How many of the seats must have cosigned a head; 0 while there is none, or none is asked for.

        Two heads of different logs can both have a quorum only if at least 2q - n witnesses lie.
        """
        if self.settings.quorum == "none":  # asked for each entry: seats are not looked at for nothing
            return 0
        count = len(self.seats)
        if count == 0:
            return 0
        return count // 2 + 1 if self.settings.quorum == "majority" else 2 * count // 3 + 1

    @property
    def pending_settings(self) -> tuple[Settings, ...]:
        """The policies that wait for an attest, in log order."""
        return tuple(p.change for p in self.pending if isinstance(p.change, Settings))

    def key(self, kid: str) -> KeyRecord:
        """The record of a key, ended or not. Raises ``unknown-key``."""
        record = self.keys.get(kid)
        if record is None:
            raise RefusedError("unknown-key", f"key {kid[:12]}…")
        return record

    def is_of_stopped(self, record: KeyRecord, state: str) -> bool:
        """Whether a key came by an enrolment or a recovery of this State that was stopped: it may return."""
        found = self.states.get(state)
        stopped = record.since == NOT_YET or (found is not None and found.status == "stopped")
        return stopped and record.holder == state and record.until is None

    def log_vkeys_at(self, size: int) -> tuple[str, ...]:
        """The verification keys that were in force for the checkpoint of that size."""
        return tuple(vkey for kid, vkey in self.log_vkeys.items() if self.keys[kid].is_good_at(size))

    def contact(self, contact: str) -> Contact:
        """A contact that is not withdrawn. Raises ``unknown-contact``."""
        found = self.contacts.get(contact)
        if found is None or found.withdrawn:
            raise RefusedError("unknown-contact", contact)
        return found

    def controller(self, controller: str) -> Controller:
        """A controller in office. Raises ``unknown-contact``."""
        found = self.controllers.get(controller)
        if found is None or found.dismissed:
            raise RefusedError("unknown-contact", controller)
        return found

    def witness(self, witness: str) -> Witness:
        """A witness that is not dismissed. Raises ``unknown-witness``."""
        found = self.witnesses.get(witness)
        if found is None or found.dismissed:
            raise RefusedError("unknown-witness", witness)
        return found

    def devices_of(self, party: str) -> tuple[DeviceState, ...]:
        """The active devices of a contact or controller. Raises ``unknown-contact``."""
        if party in self.controllers:
            return self.controller(party).devices
        return self.contact(party).devices

    def state(self, state: str) -> State:
        """An enrolled State. Raises ``unknown-state`` (pending and withdrawn ones too)."""
        found = self.states.get(state)
        if found is None or found.status != "enrolled":
            raise RefusedError("unknown-state", state)
        return found

    def contacts_of(self, state: str) -> Iterator[Contact]:
        """The contacts of a State that are not withdrawn, sorted by id."""
        ids = sorted(c.id for c in self.contacts.values() if c.state == state and not c.withdrawn)
        return (self.contacts[contact] for contact in ids)

    def admitted_statuses(self) -> frozenset[str]:
        """Statuses that messages may have now; ``actual`` only under two-thirds of at least 4 witnesses."""
        witnessed = self.settings.quorum == "two-thirds" and len(self.seats) >= WITNESSES_FOR_ACTUAL
        return frozenset(self.settings.statuses) - (frozenset() if witnessed else {"actual"})

    def body_of(self, registrar: str) -> str | None:
        """The body of a registrar in force."""
        return next((r.body for r in self.settings.registrars if r.id == registrar), None)
