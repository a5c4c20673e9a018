"""What a desk knows from its own ``trust.db``: directory, head, cards, exercises and own keys.

Made from verified bytes only, and replaced after each sync. Needs no network. There are two directories:
``directory`` is what the log says, and roots, heads and receipts are judged against it alone;
``effective`` is the same with the notices held here in effect, for what may be sealed, read and shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from poc.client.trust import Trust
from poc.core.card import PARTS, CardPart, Opening, read_opening
from poc.core.checkpoint import head_of
from poc.core.directory import DeviceState, Directory
from poc.core.form import Right, form_of, read_form
from poc.core.judge import check_quorum, log_verifiers, read_cosigned
from poc.core.keys import SealingPublicKey, SigningKey
from poc.core.merkle import CompactRange, leaf_hash
from poc.core.notices import in_effect, notice_bytes
from poc.core.play import Play, read_announcement, with_order
from poc.core.rules import apply_all, with_notice
from poc.core.statement import (
    SignedStatement,
    payload_sha256,
    read_entry,
    read_signed_statement,
    read_statement,
)
from poc.core.strictjson import canonical, parse
from poc.errors import PocError, RefusedError
from poc.keyring import Keyring
from poc.limits import NOTICES_HELD_MAX


class Known:
    """The verified directory of a desk and what stands beside it."""

    def __init__(self, trust: Trust, party: str | None, clock: Callable[[], datetime]) -> None:
        """Recompute the directory from the leaves kept, every signature included.

        Nothing that this program computed before is believed: whoever can write to the disk cannot make
        a desk accept what the log's signers did not sign. It costs about 0.4 ms an entry (115 entries
        0.07 s, 2,000 0.9 s, 10,000 3.4 s), so call it off the event loop.
        """
        self.trust = trust
        self.party = party
        self.keyring: Keyring | None = None
        self._clock = clock
        leaves, head = trust.log()
        self.directory: Directory = apply_all(None, [read_entry(leaf) for leaf in leaves])
        self._ranges = [CompactRange()]
        self._grow(leaves)
        self.cosigned_at: datetime | None = None if head is None else self._check_head(head)
        """When a quorum had cosigned the newest head; ``None`` where no witness is in force."""
        self._plays: dict[str, Play] | None = None
        self._effective: Directory | None = None

    def now(self) -> datetime:
        """The clock of this desk."""
        return self._clock()

    def _check_head(self, head: bytes) -> datetime | None:
        """When a quorum had cosigned the head kept, which must be of the entries kept."""
        directory = self.directory
        try:
            cosigned = read_cosigned(head, directory)
            at = cosigned.attested_at(directory.quorum) if directory.quorum else None
        except RefusedError as error:
            if error.code != "quorum-missing":
                raise
            raise RefusedError("home-damaged", "a head without the quorum of witnesses") from None
        kept = cosigned.checkpoint
        if (kept.size, kept.root) != (directory.size, directory.tree.root()):
            raise RefusedError("home-damaged", f"{directory.size} entries, a head of {kept.size}")
        return at

    def catch_up(self) -> None:
        """Take over what another process with this home has verified meanwhile."""
        leaves, head = self.trust.log(self.directory.size)
        if leaves:
            self.advance(apply_all(self.directory, [read_entry(leaf) for leaf in leaves]), leaves)
        if head is not None:
            self.cosigned_at = self._check_head(head)
        self._effective = None

    def keep_head(self, newer: Directory, leaves: list[bytes], note: bytes) -> None:
        """Keep a checkpoint with the entries it adds, if it has the quorum of the witnesses in force there.

        Nothing is kept otherwise. Of two notes over the same entries the one cosigned last is kept.

        Raises:
            RefusedError: ``quorum-missing``, or as ``judge.read_cosigned``.
        """
        at = check_quorum(note, newer)
        if leaves:
            self.trust.add_entries(self.directory.size, leaves, note)
            self.advance(newer, leaves)
        elif at is None or self.cosigned_at is None or at > self.cosigned_at:
            self.trust.set_value("head", note)
        else:
            return
        self.cosigned_at = at

    def _grow(self, leaves: list[bytes]) -> None:
        for leaf in leaves:
            self._ranges.append(self._ranges[-1].append(leaf_hash(leaf)))

    def advance(self, directory: Directory, leaves: list[bytes]) -> None:
        """Go on to a newer verified directory."""
        self.directory = directory
        self._grow(leaves)
        self._effective = None
        self.forget_plays()

    def forget_plays(self) -> None:
        """Read the exercises anew when next asked for."""
        self._plays = None

    @property
    def effective(self) -> Directory:
        """The directory with every notice held here in effect. Its size and its tree are the log's own.

        For what may be sealed, read and shown; never for roots, heads, receipts or the chain of a statement.
        """
        if self._effective is None:
            directory = self.directory
            for notice in self.trust.notices():
                try:
                    directory = in_effect(directory, read_signed_statement(parse(notice.data)))
                except RefusedError:  # ended, or another notice has done as much already
                    continue
            self._effective = directory
        return self._effective

    def keep_notice(self, signed: SignedStatement) -> bool:
        """Hold a brake that the log lacks; true if it is new.

        Raises:
            RefusedError: ``not-a-brake``, ``already-logged``, ``issued-ahead`` by this desk's clock,
                ``notices-full``, or what the rules refuse it for at the newest entry here.
        """
        issued_at = read_statement(signed.payload).issued_at
        with_notice(self.directory, signed, min(issued_at, self.now()))
        if len(self.trust.notices()) >= NOTICES_HELD_MAX:
            raise RefusedError("notices-full")
        self._effective = None
        return self.trust.put_notice(payload_sha256(signed.payload), notice_bytes(signed))

    def drop_ended_notices(self) -> list[str]:
        """Forget the notices that have ended; tells of those that never came into the log."""
        told = []
        for notice in self.trust.notices():
            signed = read_signed_statement(parse(notice.data))
            try:
                in_effect(self.directory, signed)
            except RefusedError as error:
                self.trust.drop_notice(notice.sha256)
                statement = read_statement(signed.payload)
                if error.code != "already-logged":
                    told.append(f"a {statement.type} of {statement.subject} was never logged: {error.code}")
        self._effective = None
        return told

    @property
    def head(self) -> str:
        """The newest verified head, as signed forms carry it. Raises ``not-synced``."""
        checkpoint = self.trust.value("head")
        if checkpoint is None:
            raise RefusedError("not-synced")
        return head_of(checkpoint, log_verifiers(self.directory.settings.log_keys))

    def root_at(self, size: int) -> bytes | None:
        """The root of this desk's own log at a size."""
        return self._ranges[size].root() if 0 < size < len(self._ranges) else None

    @property
    def plays(self) -> dict[str, Play]:
        """The exercises known, verified; one that does not verify is left out."""
        if self._plays is None:
            self._plays = {}
            for exercise, announcement, orders in self.trust.exercises():
                try:
                    self._plays[exercise] = self.read_play(announcement, orders)
                except PocError:
                    continue
        return self._plays

    def read_play(self, announcement: str, orders: bytes) -> Play:
        """An exercise with all its orders, verified. Raises as ``play.read_announcement``."""
        play = read_announcement(announcement, self.directory, root_at=self.root_at)
        texts: Any = parse(orders)
        for order in texts:
            play = with_order(play, order, self.directory, now=self._clock(), root_at=self.root_at)
        return play

    def read_exercise(self, exercise: str, announcement: str, orders: list[Any]) -> Play:
        """An exercise as a hub shows it, verified. Raises ``id-mismatch`` or as :meth:`read_play`."""
        play = self.read_play(announcement, canonical(orders))
        if play.announcement.id != exercise:
            raise RefusedError("id-mismatch", exercise)
        return play

    def keep_exercise(self, exercise: str, announcement: str, orders: list[Any]) -> bool:
        """Keep a verified exercise; true if it brought something. What is here is never replaced by less.

        Raises ``id-used`` for another announcement under its id, and ``order-out-of-sequence`` for
        orders that part from those known.
        """
        for name, kept, texts in self.trust.exercises():
            if name != exercise:
                continue
            known: Any = parse(texts)
            if kept != announcement:
                raise RefusedError("id-used", exercise)
            shorter = min(len(known), len(orders))
            if known[:shorter] != orders[:shorter]:
                raise RefusedError("order-out-of-sequence", f"two orders numbered {shorter} of {exercise}")
            if len(orders) <= len(known):
                return False
        self.trust.put_exercise(exercise, announcement, canonical(orders))
        self.forget_plays()
        return True

    def play_of(self, exercise: str) -> Play | None:
        """An exercise by id."""
        return self.plays.get(exercise)

    def card(self, contact: str) -> dict[str, CardPart]:
        """The parts of a contact's card that are open here, each checked by its commitment."""
        return open_card(self.directory, contact, self.trust.openings())

    def cards(self, directory: Directory | None = None) -> dict[str, dict[str, CardPart]]:
        """The open parts of every contact's card: the openings are read once for all.

        With an earlier ``directory``, those of the cards it had that are still open here.
        """
        kept, shown = self.trust.openings(), directory or self.directory
        current = [contact.id for contact in shown.contacts.values() if not contact.withdrawn]
        return {contact: open_card(shown, contact, kept) for contact in current}

    def sealing_public(self, kid: str) -> SealingPublicKey:
        """A device's public sealing key, of the thumbprint in the log; never an older key.

        Raises ``key-body-missing``, ``home-damaged`` where another key was put in its place.
        """
        data = self.trust.sealing_key(kid)
        if data is None:
            raise RefusedError("key-body-missing", f"key {kid[:12]}…")
        value: Any = parse(data)
        key = SealingPublicKey.from_jwk(value)
        if key.kid != kid:
            raise RefusedError("home-damaged", f"the sealing key {kid[:12]}…")
        return key

    @property
    def keys(self) -> Keyring:
        """The unlocked keyring. Raises ``no-passphrase``."""
        if self.keyring is None:
            raise RefusedError("no-passphrase")
        return self.keyring

    def own_device(self, right: Right | None = None) -> DeviceState:
        """This home's active device of its party. Raises ``no-device``."""
        try:
            devices = self.directory.devices_of(self.party or "")
        except RefusedError:
            devices = ()
        for device in devices:
            if self.keys.has(device.kid) and (right is None or right in device.may):
                return device
        raise RefusedError("no-device", f"{self.party or 'a reader'} {right or ''}".strip())

    def request_keys(self) -> tuple[SigningKey, ...]:
        """The keys that may sign requests: a device's, registrar's, authority's, recovery or witness's key.

        The likeliest first. Before the first sync nothing is known of enrolments, and after a rotation the
        log here still names the old key: then the hub knows which is good, and the newest is asked first.
        """
        if self.keyring is None:
            return ()
        roles = ("device", "registrar", "authority", "recovery", "witness")
        newest_first = [key for role in roles for key in reversed(self.keyring.by_role(role))]
        good = [key for key in newest_first if self._is_good(key.kid)]
        return (*good, *(key for key in newest_first if key not in good))

    def has_good_key(self) -> bool:
        """Whether a key of this home is in force by the log verified here."""
        return any(self._is_good(key.kid) for key in self.request_keys())

    def _is_good(self, kid: str) -> bool:
        record = self.directory.keys.get(kid)
        return record is not None and record.is_good_at(self.directory.size)


def open_card(directory: Directory, contact: str, kept: Mapping[str, bytes]) -> dict[str, CardPart]:
    """The parts of a contact's card whose openings are among those kept. Raises ``unknown-contact``."""
    found = directory.contact(contact)
    parts: dict[str, CardPart] = {}
    for name in PARTS:
        named = found.card.part(name)
        data = None if named is None else kept.get(named.commitment)
        if named is not None and data is not None:
            opening = read_form(Opening, data)
            parts[name] = read_opening(opening, contact, directory.origin, named.commitment)
    return parts


def read_opening_form(value: Any) -> Opening:
    """An opening from a parsed value. Raises ``bad-form``."""
    return form_of(Opening, value)
