"""``verify``: everything a home holds of its registry, verified anew from the pinned fingerprint.

Nothing computed before is trusted: only the bytes in ``trust.db`` and the fingerprint in the home's
settings. Needs no key, no passphrase and no network, and writes nothing. Messages need keys to be opened;
they are verified where they are shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from poc.client.home import TRUST_NAME, open_home
from poc.client.standing import NO_WITNESSES
from poc.client.trust import Trust
from poc.config import DeskSettings
from poc.core.admission import read_header
from poc.core.card import PARTS, Opening, read_opening
from poc.core.checkpoint import Checkpoint, verify_checkpoint
from poc.core.directory import Contact, Controller, Directory
from poc.core.form import form_of, read_form
from poc.core.judge import check_quorum, log_verifiers
from poc.core.keys import SealingPublicKey
from poc.core.merkle import CompactRange, leaf_hash
from poc.core.message import Envelope
from poc.core.notices import in_effect
from poc.core.play import read_announcement, with_order
from poc.core.rules import apply_all
from poc.core.statement import (
    SignedEntry,
    genesis_fingerprint,
    read_entry,
    read_signed_statement,
    read_statement,
)
from poc.core.strictjson import b64u, format_time, parse
from poc.errors import PocError

_STRIDE: Final = 64
_OF_MESSAGES: Final = frozenset({"id-used-twice", "sequence-used-twice"})

Told = Callable[[str], None]
ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of thing that was verified, and how many of it."""

    what: str
    count: int


@dataclass(frozen=True, slots=True)
class Bad:
    """The first thing that does not verify: where it stands, its code, and what was found."""

    where: str
    code: str
    detail: str


@dataclass(slots=True)
class VerifyReport:
    """What was verified, in the order it was done; ``bad`` ends it."""

    origin: str
    fingerprint: str
    entries: int = 0
    root: str | None = None
    newest_at: str | None = None
    cosigned_at: str | None = None
    checks: list[Check] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    contradictions: int = 0
    bad: Bad | None = None

    @property
    def verified(self) -> bool:
        """Whether everything verified."""
        return self.bad is None

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        return {"verified": self.verified, **asdict(self)}


class _FoundBadError(Exception):
    """Ends verifying at the first bad thing. Never leaves this module."""

    def __init__(self, where: str, code: str, detail: str = "") -> None:
        super().__init__(where)
        self.bad = Bad(where, code, detail)


def verify_home(home: Path, now: datetime, told: Told = lambda _: None) -> VerifyReport:
    """Verify everything a home holds of its registry; ``told`` hears how far it is.

    Raises ``not-a-desk``, ``bad-setting``, ``storage-failed``; what does not verify is in the report.
    """
    settings = open_home(home)
    trust = Trust(home / TRUST_NAME)
    try:
        return _Verifying(settings, trust, now, told).run()
    finally:
        trust.close()


class _Verifying:
    def __init__(self, settings: DeskSettings, trust: Trust, now: datetime, told: Told) -> None:
        self.settings, self.trust, self.now, self.told = settings, trust, now, told
        self.report = VerifyReport(settings.origin, settings.fingerprint)
        self.roots: list[bytes] = []

    def run(self) -> VerifyReport:
        try:
            directory = self._log()
            self._checkpoint(directory)
            self._openings(directory)
            self._sealing_keys(directory)
            self._exercises(directory)
            self._contradictions(directory)
            self._notices(directory)
            self._attention(directory)
        except _FoundBadError as found:
            self.report.bad = found.bad
        return self.report

    def _done(self, what: str, count: int) -> None:
        self.report.checks.append(Check(what, count))

    def _root_at(self, size: int) -> bytes | None:
        return self.roots[size - 1] if 0 < size <= len(self.roots) else None

    # --- the log ---

    def _log(self) -> Directory:
        leaves = self.trust.leaves()
        entries = [self._entry(number, leaf) for number, leaf in enumerate(leaves)]
        if not entries:
            raise _FoundBadError("the log", "empty-log")
        if genesis_fingerprint(entries[0].signed.payload) != self.settings.fingerprint:
            raise _FoundBadError("entry 0 (the genesis)", "wrong-fingerprint")
        directory = self._applied(entries)
        if directory.origin != self.settings.origin:
            raise _FoundBadError("entry 0 (the genesis)", "wrong-origin", f"expected {self.settings.origin}")
        tree = CompactRange()
        for leaf in leaves:
            tree = tree.append(leaf_hash(leaf))
            self.roots.append(tree.root())
        self.report.entries, self.report.root = len(entries), b64u(tree.root())
        self.report.newest_at = format_time(directory.logged_at)
        self._done("entries of the log: every signature and rule, from the pinned genesis", len(entries))
        return directory

    def _entry(self, number: int, leaf: bytes) -> SignedEntry:
        return _or_bad(f"entry {number}", read_entry, leaf)

    def _applied(self, entries: list[SignedEntry]) -> Directory:
        directory: Directory | None = None
        for first in range(0, len(entries), _STRIDE):
            some = entries[first : first + _STRIDE]
            try:
                directory = apply_all(directory, some)
            except PocError:
                directory = self._one_by_one(directory, first, some)
            self.told(f"verified {first + len(some)} of {len(entries)} entries")
        if directory is None:
            raise _FoundBadError("the log", "empty-log")
        return directory

    @staticmethod
    def _one_by_one(directory: Directory | None, first: int, entries: list[SignedEntry]) -> Directory:
        """Apply each by itself, to name the one that breaks a rule."""
        for number, entry in enumerate(entries, start=first):
            directory = _or_bad(f"entry {number}", apply_all, directory, (entry,))
        if directory is None:
            raise _FoundBadError(f"entry {first}", "empty-log")
        return directory

    def _checkpoint(self, directory: Directory) -> None:
        note = self.trust.value("head")
        if note is None:
            self.report.warnings.append("never synced: only the genesis is here, without a signed checkpoint")
            self._done("signed checkpoint: none kept yet", 0)
            return
        shown = _or_bad("the checkpoint", self._signed, note, directory)
        if (shown.size, shown.root) != (directory.size, directory.tree.root()):
            detail = f"size {shown.size}; the entries kept are {directory.size}"
            raise _FoundBadError("the checkpoint", "head-inconsistent", detail)
        at = _or_bad("the checkpoint", check_quorum, note, directory)
        self._done("signed checkpoint: the log's signature, the quorum of witnesses, size and root", 1)
        self.report.cosigned_at = None if at is None else format_time(at)
        bound = directory.settings.freshness_seconds
        if at is not None and (self.now - at).total_seconds() > bound:
            told = f"STALE: a quorum of witnesses last cosigned this log at {format_time(at)}: sync"
            self.report.warnings.append(told)

    @staticmethod
    def _signed(note: bytes, directory: Directory) -> Checkpoint:
        return verify_checkpoint(note, directory.origin, log_verifiers(directory.settings.log_keys))

    # --- beside the log ---

    def _openings(self, directory: Directory) -> None:
        named = {
            found.commitment: (contact.id, part)
            for contact in directory.contacts.values()
            for part in PARTS
            if (found := contact.card.part(part)) is not None
        }
        kept = self.trust.openings()
        for commitment, data in sorted(kept.items()):
            where = f"card part {commitment[:12]}…"
            if commitment not in named:
                raise _FoundBadError(where, "commitment-mismatch", "no card in the log names it")
            contact, part = named[commitment]
            where = f"{part} part of {contact}"
            opening = _or_bad(where, read_form, Opening, data)
            _or_bad(where, read_opening, opening, contact, directory.origin, commitment)
        self._done("openings of card parts, each against its commitment", len(kept))

    def _sealing_keys(self, directory: Directory) -> None:
        kept = self.trust.sealing_keys()
        for kid, data in sorted(kept.items()):
            where = f"sealing key {kid[:12]}…"
            key = _or_bad(where, _sealing_key, data)
            if key.kid != kid:
                raise _FoundBadError(where, "bad-key", "another thumbprint")
        parties: list[Contact | Controller] = [*directory.contacts.values(), *directory.controllers.values()]
        missing = [p.id for p in parties if any(d.sealing_kid not in kept for d in p.devices)]
        if missing:
            self.report.warnings.append(f"no sealing key here yet for {', '.join(sorted(missing)[:5])}: sync")
        self._done("sealing keys, each against its thumbprint", len(kept))

    def _exercises(self, directory: Directory) -> None:
        exercises = self.trust.exercises()
        for name, announcement, orders in exercises:
            _or_bad(f"exercise {name}", self._play, directory, announcement, orders)
        self._done("exercises: the controller's announcement and every order", len(exercises))

    def _play(self, directory: Directory, announcement: str, orders: bytes) -> None:
        play = read_announcement(announcement, directory, root_at=self._root_at)
        for order in _value(orders):
            play = with_order(play, order, directory, now=self.now, root_at=self._root_at)

    def _contradictions(self, directory: Directory) -> None:
        proofs = self.trust.proofs()
        for number, (kind, kept, shown) in enumerate(proofs, start=1):
            where = f"contradiction {number} ({kind})"
            if kind in _OF_MESSAGES:
                told = _or_bad(where, self._of_messages, where, kept, shown)
            else:
                told = _or_bad(where, self._of_heads, where, kept, shown, directory)
            self.report.warnings.append(f"ALARM: {kind}: {told}")
        self.report.contradictions = len(proofs)
        self._done("kept contradictions, each of two signed things that do not fit together", len(proofs))

    def _of_heads(self, where: str, kept: bytes, shown: bytes, directory: Directory) -> str:
        """What two heads of the log's own key prove against its operator."""
        heads = [self._signed(note, directory) for note in (kept, shown) if note]
        if not heads:
            raise _FoundBadError(where, "bad-proof", "no signed head in it")
        first, newest = heads[0], heads[-1]
        if newest.size > len(self.roots):
            return f"a signed head of size {newest.size} is kept; this log is too short to compare it"
        if newest.size >= first.size and self._root_at(newest.size) == newest.root:
            raise _FoundBadError(where, "bad-proof", "the two heads do not contradict each other")
        return f"the operator signed a head of size {newest.size} that contradicts one it signed before"

    @staticmethod
    def _of_messages(where: str, kept: bytes, shown: bytes) -> str:
        """What two envelopes show of their sender; their content is verified where keys open it."""
        envelopes = [form_of(Envelope, _value(item)["envelope"]) for item in (kept, shown)]
        first, second = (read_header(envelope.protected) for envelope in envelopes)
        if first.sender.contact != second.sender.contact or envelopes[0] == envelopes[1]:
            raise _FoundBadError(where, "bad-proof", "not two messages of one sender")
        return f"{first.sender.contact} signed two messages where there can be one"

    def _notices(self, directory: Directory) -> None:
        """The brakes held that the rules admit now; one that has ended counts for nothing."""
        count = 0
        for notice in self.trust.notices():
            where = f"notice {notice.sha256[:12]}…"
            signed = _or_bad(where, lambda data: read_signed_statement(parse(data)), notice.data)
            statement = _or_bad(where, read_statement, signed.payload)
            try:
                in_effect(directory, signed)
            except PocError:
                continue
            count += 1
            told = f"ALARM: the log lacks a {statement.type} of {statement.subject} that is held here"
            self.report.warnings.append(told)
        self._done("notices: brakes the log lacks, their signatures and that the rules admit them", count)

    def _attention(self, directory: Directory) -> None:
        if directory.quorum == 0:
            self.report.warnings.insert(0, NO_WITNESSES)
        if self.trust.value("update-needed"):
            self.report.warnings.append("update needed: the hub's log goes on with a form not known here")


def _or_bad(where: str, act: Callable[..., ValueT], *arguments: Any) -> ValueT:
    """What ``act`` gives; anything it is refused for is the first bad thing."""
    try:
        return act(*arguments)
    except PocError as error:
        raise _FoundBadError(where, error.code, error.detail) from None
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise _FoundBadError(where, "bad-form", type(error).__name__) from None


def _sealing_key(data: bytes) -> SealingPublicKey:
    return SealingPublicKey.from_jwk(_value(data))


def _value(data: bytes) -> Any:
    value: Any = parse(data)
    return value
