"""What a desk knows from its own ``trust.db``: directory, head, cards, exercises and own keys.

Made from verified bytes only, and replaced after each sync. Needs no network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from poc.client.trust import Trust
from poc.core.card import PARTS, CardPart, Opening, read_opening
from poc.core.checkpoint import head_of, verify_checkpoint
from poc.core.directory import DeviceState, Directory
from poc.core.form import Right, form_of, read_form
from poc.core.judge import log_verifiers
from poc.core.keys import SealingPublicKey, SigningKey
from poc.core.merkle import CompactRange, leaf_hash
from poc.core.play import Play, read_announcement, with_order
from poc.core.rules import apply_all
from poc.core.statement import read_entry
from poc.core.strictjson import canonical, parse
from poc.errors import PocError, RefusedError
from poc.keyring import Keyring


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
        self._check_head(head)
        self._plays: dict[str, Play] | None = None

    def now(self) -> datetime:
        """The clock of this desk."""
        return self._clock()

    def _check_head(self, head: bytes | None) -> None:
        """Refuse a file whose entries are not those its own verified head was kept for."""
        if head is None:
            return
        directory = self.directory
        kept = verify_checkpoint(head, directory.origin, log_verifiers(directory.settings.log_keys))
        if (kept.size, kept.root) != (directory.size, directory.tree.root()):
            raise RefusedError("home-damaged", f"{directory.size} entries, a head of {kept.size}")

    def catch_up(self) -> None:
        """Take over what another process with this home has verified meanwhile."""
        leaves, _ = self.trust.log(self.directory.size)
        if leaves:
            self.advance(apply_all(self.directory, [read_entry(leaf) for leaf in leaves]), leaves)

    def _grow(self, leaves: list[bytes]) -> None:
        for leaf in leaves:
            self._ranges.append(self._ranges[-1].append(leaf_hash(leaf)))

    def advance(self, directory: Directory, leaves: list[bytes]) -> None:
        """Go on to a newer verified directory."""
        self.directory = directory
        self._grow(leaves)
        self.forget_plays()

    def forget_plays(self) -> None:
        """Read the exercises anew when next asked for."""
        self._plays = None

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
