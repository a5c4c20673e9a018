"""``Desk``: everything a desk can do, in one object. The command line and the demo are written on it.

Many desks may live in one process; nothing here is global. The clock and randomness are arguments
with real defaults. Over 400 lines, because it is the one list of what a desk offers.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from poc.client import exercises, keeping, lookup, past, privacy, sending
from poc.client.addressbook import AddressBook, address_book
from poc.client.alarms import looked
from poc.client.api import HubClient
from poc.client.attachments import (
    AttachmentHere,
    attachments_here,
    fetch_attachments,
    read_attachment,
)
from poc.client.blobs import carry_blobs, waiting_blobs
from poc.client.cancels import (
    Held,
    Reason,
    check_ended,
    held_of,
    queue_cancel,
    resealable,
    take_back_withdrawn,
)
from poc.client.carrying import Carrying
from poc.client.clearance import Clearing
from poc.client.conversation import Conversations
from poc.client.entries import read_genesis
from poc.client.evidence import envelope_here, evidence_pieces
from poc.client.exercises import PingResult
from poc.client.forks import KeptFork, export_fork, kept_forks
from poc.client.gossip import heads_of_evidence, keep_contradictions
from poc.client.home import TRUST_NAME, check_no_desk, create_home, create_trust, locked, open_home
from poc.client.inbox import inbox_value, newest_row, open_row, open_sent, queue_answer
from poc.client.known import Known
from poc.client.log import sync_log
from poc.client.lookup import LookupResult, Query
from poc.client.monitor import Findings, look, mark_seen
from poc.client.notices import Handed, hand_on, notice_values, read_brake_file
from poc.client.nudges import Nudging
from poc.client.outbox import Flushed
from poc.client.past import HistoryEntry
from poc.client.planning import plan_of
from poc.client.privacy import Audience, Reader
from poc.client.proposing import Proposing
from poc.client.reminders import due_values, take_reminders
from poc.client.sending import Sent
from poc.client.snapshots import make_snapshot
from poc.client.standing import standing_warnings
from poc.client.sync import SyncReport, sync_all
from poc.client.templates import Templates, templates_of
from poc.client.trust import Trust
from poc.client.waiting import Waiting
from poc.config import DeskSettings
from poc.core.card import Part, Visibility
from poc.core.directory import Directory
from poc.core.envelope import Draft, OpenedMessage
from poc.core.evidence import NextStep
from poc.core.form import is_state
from poc.core.proof import build_evidence
from poc.core.rules import start
from poc.core.statement import SignedEntry, parse_fingerprint, read_entry
from poc.core.strictjson import format_time
from poc.errors import PocError, RefusedError, UnreachableError
from poc.keyring import KEYRING_NAME, Keyring

if TYPE_CHECKING:  # slow to import, and a desk that stays offline does not need it
    import aiohttp

Clock = Callable[[], datetime]
Random = Callable[[int], bytes]


def now_utc() -> datetime:
    """The present moment, whole seconds, UTC."""
    return datetime.now(UTC).replace(microsecond=0)


class Desk(Proposing, Clearing, Carrying, Nudging):
    """A desk at its home. Use :meth:`join` or :meth:`open`, and :meth:`close` at the end."""

    def __init__(
        self,
        home: Path,
        settings: DeskSettings,
        known: Known,
        hub: HubClient,
        random: Random,
    ) -> None:
        """Use :meth:`join` or :meth:`open`."""
        self.home = home
        self.settings = settings
        self.known = known
        self.hub = hub
        self._random = random

    @classmethod
    async def join(  # noqa: PLR0913 (clock, random and session are given by tests alone)
        cls,
        home: Path,
        url: str,
        fingerprint: str,
        *,
        party: str | None = None,
        passphrase: str | None = None,
        ca_file: Path | None = None,
        http: aiohttp.ClientSession | None = None,
        clock: Clock = now_utc,
        random: Random = secrets.token_bytes,
    ) -> Desk:
        """Make a desk's home, pinned to a genesis; a mismatch shows both and writes nothing.

        Raises ``wrong-fingerprint`` (data expected, found), ``home-exists``, ``hub-unreachable``.
        """
        expected = parse_fingerprint(fingerprint)
        check_no_desk(home)
        hub = HubClient(url, http, (), clock, random, ca_file=ca_file)
        try:
            entry = await read_genesis(hub, expected)
            origin = start(entry).origin
            create_home(home, hub_url=url, origin=origin, fingerprint=expected, party=party, ca_file=ca_file)
            create_trust(home, entry.leaf)
        finally:
            await hub.close()
        return await cls.open(home, passphrase, http=http, clock=clock, random=random)

    @classmethod
    async def open(
        cls,
        home: Path,
        passphrase: str | None = None,
        *,
        http: aiohttp.ClientSession | None = None,
        clock: Clock = now_utc,
        random: Random = secrets.token_bytes,
    ) -> Desk:
        """Open a home; with a passphrase its keyring too. Raises ``not-a-desk``, ``wrong-passphrase``."""
        settings = open_home(home)
        known = await asyncio.to_thread(Known, Trust(home / TRUST_NAME), settings.party, clock)
        if known.directory.fingerprint != settings.fingerprint:
            raise RefusedError("wrong-fingerprint", "trust.db is of another registry")
        if passphrase is not None and (home / KEYRING_NAME).exists():
            known.keyring = await asyncio.to_thread(Keyring.unlock, home, passphrase)
        ca_file = None if settings.hub_ca_file is None else home / settings.hub_ca_file
        hub = HubClient(settings.hub_url, http, known.request_keys(), clock, random, ca_file=ca_file)
        return cls(home, settings, known, hub, random)

    async def close(self) -> None:
        """Close the home and the connection made for it."""
        self.known.trust.close()
        await self.hub.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- what is known here ---

    @property
    def party(self) -> str | None:
        """Whose desk this is."""
        return self.settings.party

    @property
    def keys(self) -> Keyring:
        """The unlocked keyring. Raises ``no-passphrase``."""
        return self.known.keys

    def use_keyring(self, keyring: Keyring) -> None:
        """Give the desk a keyring that is unlocked already."""
        self.known.keyring = keyring
        self.hub.keys = self.known.request_keys()

    @property
    def directory(self) -> Directory:
        """The verified directory."""
        return self.known.directory

    @property
    def effective(self) -> Directory:
        """The directory with the notices held here in effect: for what is shown, sealed and read."""
        return self.known.effective

    @property
    def head(self) -> str:
        """The newest verified head. Raises ``not-synced``."""
        return self.known.head

    @property
    def as_of(self) -> datetime:
        """When the newest verified entry was logged."""
        return self.directory.logged_at

    def warnings(self) -> list[str]:
        """What is to be said beside every answer."""
        return standing_warnings(self.known, self.known.now())

    def due(self) -> list[dict[str, Any]]:
        """What falls due for this home's State within 30 days, or is overdue, with the next step."""
        return due_values(self.known)

    def take_reminders(self) -> list[str]:
        """Of what falls due, what was not told here yet; it counts as told from now on."""
        return take_reminders(self.known)

    def lookup(self, query: Query, as_of: datetime | None = None) -> LookupResult:
        """Find contacts, offline, the notices held here in effect; with ``as_of`` as the log had it then.

        Raises ``unknown-state``, ``before-the-log``.
        """
        if as_of is None:
            return lookup.lookup(self.effective, self.known.cards(), query, self.known.now())
        then = past.directory_as_of(self._entries(), as_of)
        return lookup.lookup(then, self.known.cards(then), query, as_of)

    def history(self, subject: str) -> list[HistoryEntry]:
        """Every entry about a contact or State, oldest first, offline.

        Raises ``unknown-contact``, ``unknown-state``.
        """
        told = past.state_history if is_state(subject) else past.contact_history
        return told(self._entries(), subject)

    def _entries(self) -> list[SignedEntry]:
        return [read_entry(leaf) for leaf in self.known.trust.leaves()]

    def address_book(self, contacts: Sequence[str] | None = None) -> AddressBook:
        """Contacts as an address book, all in force by default. Raises ``unknown-contact``."""
        return address_book(self.directory, self.known.cards(), contacts, self.known.now())

    def snapshot(self, *, with_cards: bool = True) -> bytes:
        """All that this desk has verified, as one file that verifies offline. Raises ``not-synced``."""
        return make_snapshot(self.known, with_cards=with_cards)

    async def sync(self, *, from_start: bool = False) -> SyncReport:
        """Verify what is new, send and receive; ``from_start`` asks again for all that the hub ever showed.

        Raises ``fork``, ``rollback``, ``hub-unreachable``, ``home-in-use``.
        """
        async with locked(self.home):
            report = await sync_all(self.known, self.hub, self.known.now, self._random, from_start=from_start)
        flushed = await self._carry_blobs()
        report.sent += flushed.sent
        report.rejected += flushed.rejected
        report.warnings += flushed.delayed
        return report

    # --- against an operator: contradicting heads, and brakes the log lacks ---

    def forks(self) -> list[KeptFork]:
        """The contradicting heads kept here, in the order they were found."""
        return kept_forks(self.known)

    async def export_fork(self, number: int | None = None) -> bytes:
        """A fork file. Raises ``no-such-fork``, ``fork-not-provable``, ``hub-unreachable``."""
        return await export_fork(self.known, self.hub, number)

    def compare_evidence(self, data: bytes) -> None:
        """Hold the heads in an evidence file against the log verified here; one that contradicts it is kept.

        Raises ``head-inconsistent``, ``bad-form``.
        """
        if keep_contradictions(self.known, heads_of_evidence(self.known, data)):
            raise RefusedError("head-inconsistent", "`poc fork list` names what is kept")

    def notices(self) -> list[dict[str, Any]]:
        """The brakes held here because the log lacks them."""
        return notice_values(self.known)

    async def add_notice(self, data: bytes) -> Handed:
        """Hold a brake from a file, and hand it to the hub and to every witness in force.

        It is in effect at this desk from then on, whoever else takes it. Raises ``not-a-brake``,
        ``already-logged``, ``signatures-missing``, or what the rules refuse it for here.
        """
        signed = read_brake_file(data)
        async with locked(self.home):
            await self._refresh_if_it_can()
            handed = await hand_on(self.known, self.hub, signed)
            if handed.hub == "taken":
                await self._refresh_if_it_can()
                self.known.drop_ended_notices()
        held = {notice.sha256 for notice in self.known.trust.notices()}
        return replace(handed, held=handed.payload_sha256 in held)

    async def _refresh_if_it_can(self) -> None:
        """Follow the log; where the hub shows none to take, a brake still counts by the log known here."""
        try:
            await self._refresh()
        except PocError as error:
            self.hub.warnings.append(f"the log: {error.code}: {error.message}")

    # --- cards ---

    def audiences(
        self, contact: str, visibilities: Mapping[Part, Visibility] | None = None
    ) -> dict[Part, Audience]:
        """Who may see each part of a card: as the log has it, or by the visibility given for each.

        Raises ``unknown-contact``.
        """
        named = visibilities or privacy.visibilities_of(self.directory.contact(contact))
        return privacy.audiences(self.known, contact, named)

    async def erase_card(self, contact: str, parts: Sequence[Part] = ()) -> list[Part]:
        """Erase parts of a card for good, all by default; nothing is queued where the hub is down.

        Raises as ``privacy.erase``.
        """
        async with locked(self.home):
            await self._refresh()
            return await privacy.erase(self.known, self.hub, contact, parts)

    async def readers(self, contact: str) -> tuple[list[Reader], int]:
        """Who fetched the card of a contact of this State, as the hub says, and for how many days it knows.

        Raises as ``privacy.readers``.
        """
        self.hub.keys = self.known.request_keys()
        return await privacy.readers(self.hub, contact)

    async def monitor(self, state: str, since: int | None = None) -> Findings:
        """Verify what is new in the log and tell what a State's watch officer must see of it.

        Raises what the hub refuses this home for; a fork, a rollback or a hub that is down is told instead.
        """
        async with locked(self.home):
            return await look(self.known, self.hub, state, since)

    async def has_seen(self, findings: Findings) -> None:
        """Go on from after these findings the next time. Call it once they were shown or sent."""
        async with locked(self.home):
            mark_seen(self.known, findings)

    # --- messages ---

    def default_exercise(self, contacts: Sequence[str]) -> str:
        """The one open exercise with all. Raises ``no-exercise``, ``several-exercises``."""
        return exercises.default_exercise(self.known, contacts, self.known.now())

    async def send_message(
        self,
        draft: Draft,
        to: Sequence[str],
        information: Sequence[str] = (),
        *,
        stale_reason: str | None = None,
        escalate: bool | None = None,
    ) -> Sent:
        """Seal a message, keep it in the outbox, then try to send it; a hub that is down leaves it there.

        A withdrawal also cancels what the hub still holds of the message it withdraws.

        Where the draft asks for no answer by a time, it gets the default of its precedence, and alternates
        stand in for who does not answer: ``escalate`` says whether, ``None`` for all but TLP:RED.
        ``stale_reason`` lets an actual message go out on a log that is not fresh; it stays in the outbox.
        Raises what sealing is refused for; a refusal by the hub is in the answer.
        """
        async with locked(self.home):
            draft, plan = plan_of(self.known, draft, to, information, escalate=escalate)
            with self.known.trust.transaction():
                sealed = sending.seal(self.known, draft, plan, self._random, stale_reason=stale_reason)
                take_back_withdrawn(self.known, draft)
            await self._send_waiting()
        await self._carry_blobs()
        return sending.outcome(self.known, sealed)

    async def _carry_blobs(self) -> Flushed:
        """Upload what waits of attachments, without holding the home, then what was to go after them."""
        if not waiting_blobs(self.known):
            return Flushed(Waiting(self.known.now()))
        told = await carry_blobs(self.known, self.hub)
        async with locked(self.home):
            flushed = await self._send_waiting(blobs_tried=True)
        flushed.delayed += told
        return flushed

    def templates(self) -> Templates:
        """The templates of this desk."""
        return templates_of(self.home)

    def conversations(self) -> Conversations:
        """The messages kept here as conversations: threads, withdrawals, updates."""
        return Conversations(self.known)

    def held(self, message: str) -> tuple[Held, ...]:
        """What the hub still holds of a message sent from here. Raises ``unknown-message``."""
        return held_of(self.known, message)

    async def cancel(self, message: str, contact: str | None = None, reason: Reason = "withdrawn") -> str:
        """Take back what is still held of a message: the state of the cancel, ``done`` or ``waiting``.

        Raises ``unknown-message``, ``already-released``, and what the hub refuses it for.
        """
        async with locked(self.home):
            ref = queue_cancel(self.known, message, contact, reason)
            await self._send_waiting()
        return self._state_of_answer(ref)

    async def reseal(self, message: str) -> Sent:
        """Seal a message anew to the devices there are now, after the hub confirmed that the old one ended.

        Nothing of it may have gone out. Raises ``already-released``, ``hub-unreachable``: nothing is sealed
        then.
        """
        await self.sync()
        draft, to, information, escalate = resealable(self.known, message)
        if await self.cancel(message, None, "resealed") != "done":
            raise UnreachableError("hub-unreachable", "the cancel waits in the outbox")
        check_ended(self.known, message)
        return await self.send_message(draft, to, information, escalate=escalate)

    def outbox(self) -> list[dict[str, Any]]:
        """What is in the outbox, oldest first."""
        return [
            {"number": r.number, "kind": r.kind, "ref": r.ref, "state": r.state, "tries": r.tries,
             "reason": r.reason, "stale_reason": r.stale_reason}
            for r in self.known.trust.outbox()
        ]  # fmt: skip

    def inbox(self) -> list[dict[str, Any]]:
        """The messages received, oldest first: what the envelope shows, nothing of the content.

        A refused one has the code as ``reason`` and its sentence as ``sentence``.
        """
        return [inbox_value(row) for row in self.known.trust.inbox()]

    def looked(self, messages: Sequence[str] | None = None) -> None:
        """Somebody has looked at these messages, or at all: alarms that ring for them end."""
        looked(self.known, messages)

    def show(self, message: str) -> OpenedMessage:
        """Open a message received or sent, in memory. Raises ``unknown-message`` or why it is refused."""
        sent = self.known.trust.outbox_row("message", message)
        if sent is not None:
            answer = sent.answer if sent.state == "accepted" else None
            return open_sent(self.known, sent.body, answer)
        return open_row(self.known, newest_row(self.known, message))

    def attachments(self, message: str) -> list[AttachmentHere]:
        """The attachments of a message, and how much of each is here. Raises as :meth:`show`."""
        return attachments_here(self.known, self.show(message))

    async def fetch_attachments(self, message: str) -> dict[int, PocError]:
        """Fetch those that travel apart; why some could not be, by number. Raises as :meth:`show`."""
        self.hub.keys = self.known.request_keys()
        return await fetch_attachments(self.known, self.hub, self.show(message))

    def read_attachment(self, message: OpenedMessage, number: int) -> bytes:
        """The verified bytes of an attachment. Raises ``blob-not-here``, ``bad-attachment``."""
        return read_attachment(self.known, message, number)

    def closing(self) -> list[dict[str, Any]]:
        """The messages here that open no more once a replaced key is destroyed, and when; none if locked."""
        return keeping.closing(self.known)

    async def keep(self, messages: Sequence[str]) -> None:
        """Keep messages readable here beyond that, all of them or none. Raises as :meth:`show`."""
        async with locked(self.home):
            await keeping.keep(self.known, [self.show(message) for message in messages], self._random)

    async def acknowledge(
        self,
        message: str,
        *,
        officer: str | None = None,
        word: str | None = None,
        next_step: NextStep | None = None,
    ) -> str:
        """Acknowledge receipt; gives ``done``, ``waiting`` or ``unverified-receipt``. It is not agreement.

        Raises why the message is refused or not verified, ``own-cannot-answer``, ``no-device``,
        ``answer-used``, ``not-in-this-state`` (declined before), ``unknown-contact``, ``bad-times``.
        """
        return await self._answer(message, "acknowledged", officer=officer, word=word, next_step=next_step)

    async def decline(self, message: str, reason: str, *, officer: str | None = None) -> str:
        """Decline a message with a reason's code; final for this contact. Raises as :meth:`acknowledge`."""
        return await self._answer(message, "declined", officer=officer, reason=reason)

    async def _answer(self, message: str, outcome: str, **said: Any) -> str:
        async with locked(self.home):
            opened = self.show(message)
            with self.known.trust.transaction():
                ref = queue_answer(self.known, opened, outcome, **said)
                self.known.trust.set_inbox_state(newest_row(self.known, message).number, outcome)
            await self._send_waiting()
        return self._state_of_answer(ref)

    def _state_of_answer(self, ref: str) -> str:
        row = self.known.trust.outbox_row("answer", ref)
        if row is not None and row.state == "rejected":
            code, _, detail = (row.reason or "hub-refused").partition(": ")
            raise RefusedError(code, detail)
        return "waiting" if row is None else row.state

    async def evidence(self, message: str, *, disclose: bool = False) -> bytes:
        """The evidence file of a message of this desk; with ``disclose`` it opens the content.

        Of what is kept here, and of what the hub shows beside it where that verifies: a hub that hides
        something, shows something else or cannot be reached takes nothing away. Raises ``unknown-message``,
        and why the hub cannot be asked where nothing is kept.
        """
        envelope = envelope_here(self.known, message)
        pieces = evidence_pieces(self.known, message, await self._shown_evidence(message))
        checkpoint = self.known.trust.value("head") or b""
        return build_evidence(
            origin=self.directory.origin,
            envelope=envelope,
            receipts=pieces["receipt"],
            retrievals=pieces["retrieval"],
            acknowledgements=pieces["acknowledgement"],
            cancels=pieces["cancel"],
            checkpoint=checkpoint.decode(),
            leaves=self.known.trust.leaves(),
            cek=self.show(message).cek if disclose else None,
        )

    async def _shown_evidence(self, message: str) -> Any:
        """What the hub shows about a message, the log first: it must reach every head in the file."""
        self.hub.keys = self.known.request_keys()
        try:
            async with locked(self.home):
                await sync_log(self.known, self.hub)
            return await self.hub.get_json(f"/v1/messages/{message}/evidence")
        except PocError as error:
            if not self.known.trust.evidence(message) and not self.known.trust.inbox(message):
                raise
            told = f"evidence: {error.code}: made of what is kept here, which may lack what came since"
            self.hub.warnings.append(told)
            return {}

    # --- exercises ---

    def exercises(self) -> list[dict[str, Any]]:
        """The exercises known here."""
        return [
            {"id": name, "state": play.state, "level": play.announcement.level,
             "title": dict(play.announcement.title), "controller": play.announcement.controller,
             "participants": list(play.announcement.participants)}
            for name, play in sorted(self.known.plays.items())
        ]  # fmt: skip

    async def open_exercise(
        self,
        exercise: str,
        *,
        title: dict[str, str],
        participants: Sequence[str],
        opens_at: datetime,
        closes_at: datetime,
        level: str = "L1a",
        answer_within_s: int | None = None,
        cbm_refs: Sequence[int] = (),
    ) -> None:
        """Announce an exercise and start it. Raises ``no-device``, ``bad-form``."""
        window = {"opens_at": format_time(opens_at), "closes_at": format_time(closes_at)}
        members = {
            "title": title, "level": level, "participants": sorted(participants), "windows": [window],
            "answer_within_s": answer_within_s, "cbm_refs": sorted(cbm_refs),
        }  # fmt: skip
        async with locked(self.home):
            with self.known.trust.transaction():
                exercises.announce(self.known, exercise, members)
                exercises.order(self.known, exercise, "start")
            await self._send_waiting()

    async def end_exercise(self, exercise: str) -> None:
        """End an exercise. Raises ``exercise-unknown``, ``not-in-this-state``."""
        async with locked(self.home):
            exercises.order(self.known, exercise, "end")
            await self._send_waiting()

    async def ping(
        self, exercise: str, contacts: Sequence[str] | None = None, *, within_s: int = 600
    ) -> list[Sent]:
        """Ping each contact with a message and a word of its own; all participants by default."""
        play = self.known.play_of(exercise)
        if play is None:
            raise RefusedError("exercise-unknown", exercise)
        sealed = []
        async with locked(self.home):
            with self.known.trust.transaction():
                for contact in contacts or play.announcement.participants:
                    word = exercises.ping_word(self._random)
                    draft = exercises.ping_draft(exercise, word, now=self.known.now(), within_s=within_s)
                    draft, plan = plan_of(self.known, draft, (contact,), escalate=False)
                    sealed.append(sending.seal(self.known, draft, plan, self._random))
            await self._send_waiting()
        return [sending.outcome(self.known, one) for one in sealed]

    def tally(self, exercise: str) -> dict[str, int]:
        """Counts by grade over this desk's pings. Sync first."""
        return exercises.tally_pings(self.known, exercise)

    def ping_results(self, exercise: str) -> list[PingResult]:
        """How each contact did on this desk's pings. Sync first. Raises ``exercise-unknown``."""
        return exercises.ping_results(self.known, exercise)

    async def record_tested(self, exercise: str) -> list[str]:
        """Log ``contact.tested`` for each contact that answered a ping; misses are never logged.

        Gives the contacts of which it was said now; those said before are left out. Raises as :meth:`submit`.
        """
        recorded = []
        for contact, body in exercises.untold_successes(self.known, exercise):
            await self.propose("contact.tested", contact, body)
            recorded.append(contact)
        return recorded
