"""Sync: the log verified and applied, then what travels beside it, then what is sent and received.

Each step stands alone: what the hub answers wrongly to one is told and does not stop the next. Only a
fork or rollback, and a hub that cannot be reached, end a sync. Following the log stands in ``log``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from poc.client.api import HubClient
from poc.client.cancels import held_warnings
from poc.client.evidence import keep_piece
from poc.client.feeds import CARDS, EVIDENCE, EXERCISES, KEYS, Beside, Feed, Keep, member, read_feed
from poc.client.gossip import FORK_TOLD, heads_in, keep_contradictions
from poc.client.inbox import fetch_inbox
from poc.client.keeping import closing
from poc.client.known import Known, read_opening_form
from poc.client.log import follow_log
from poc.client.notices import fetch_notices, post_notices
from poc.client.offering import offer_again
from poc.client.outbox import flush, settle_messages, settle_statements
from poc.client.privacy import erased_in
from poc.client.progress import missed_deadlines
from poc.client.reminders import due_values
from poc.client.rotation import (
    destroy_old,
    is_due,
    locked_warnings,
    next_rotation,
    retire_ended,
    rotation_value,
    under_way,
)
from poc.client.standing import standing_warnings
from poc.client.trust import OUTBOX_ORDER
from poc.core.card import read_opening
from poc.core.directory import Directory
from poc.core.form import form_bytes, state_of
from poc.core.keys import SealingPublicKey
from poc.core.strictjson import canonical, format_time
from poc.errors import RefusedError

_NEVER_PASSED_OVER: Final = frozenset({"fork", "rollback", "home-damaged"})
_NOT_A_PARTY: Final = frozenset({"bad-request-signature", "not-signed"})
_FEEDS: Final = ("cards", "keys", "exercises", "inbox", "evidence")


@dataclass(slots=True)
class SyncReport:
    """What a sync brought and sent. ``size`` is that of the verified log.

    ``again_at``: the hub asked to wait with what is left in the outbox until then.
    ``rejected``: refused by the hub for good. ``rotated`` and ``destroyed``: this device's keys, by itself.
    ``due``: what falls due for its State. ``closing``: messages that will open no more, and when.
    ``failed``: the codes of steps that the hub answered in a way that cannot be used; the same is told among
    the warnings.
    """

    size: int = 0
    entries: int = 0
    cards: int = 0
    keys: int = 0
    sent: int = 0
    again_at: str | None = None
    rejected: list[str] = field(default_factory=list)
    received: int = 0
    evidence: int = 0
    exercises: int = 0
    rotated: list[dict[str, Any]] = field(default_factory=list)
    destroyed: list[str] = field(default_factory=list)
    due: list[dict[str, Any]] = field(default_factory=list)
    closing: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON value."""
        return asdict(self)


async def sync_all(
    known: Known,
    hub: HubClient,
    clock: Callable[[], datetime],
    random: Callable[[int], bytes],
    *,
    from_start: bool = False,
) -> SyncReport:
    """Bring a desk up to date; ``from_start`` reads every feed anew, losing nothing that is here.

    A sealing key that is due is replaced, once everything for the old one was fetched; old ones go last.
    A checkpoint without the quorum of witnesses is not taken; the rest goes on by the log verified before.

    Raises ``fork``, ``rollback``, ``hub-unreachable``, and what the log itself is refused for.
    """
    report = SyncReport()
    if from_start:
        with known.trust.transaction():
            for name in _FEEDS:
                known.trust.set_cursor(name, 0)
    await _step(report, "keyring", lambda: _reload_keyring(known))
    hub.keys = known.request_keys()
    kept_out, fetched = False, True
    try:
        await _log_step(known, hub, report)
    except RefusedError as error:
        # Before its enrolment a home may read no more than the genesis: that is no failure.
        if error.code not in _NOT_A_PARTY or not _has_ended_keys_only(known):
            raise
        kept_out = True
    if not kept_out:
        await _step(report, "notices", lambda: sync_notices(known, hub, report))
    await _step(report, "keyring", lambda: _retire_step(known, report))
    hub.keys = known.request_keys()
    if kept_out or (known.keyring is not None and _has_ended_keys_only(known)):
        report.warnings.append(
            "no key of this home is in the registry now: it is not enrolled yet, or its keys have ended; "
            "nothing was read but what the hub shows to anyone"
        )
    elif hub.keys and not _is_witness(known):
        if known.directory.body_of(known.party or "") is None:  # registrars see no exercises
            await _step(report, "exercises", lambda: sync_exercises(known, hub, report))
        await _step(report, "cards", lambda: sync_cards(known, hub, report))
        await _step(report, "keys", lambda: sync_keys(known, hub, report))
        await _flush_step(known, hub, report)
        if _is_device(known):
            fetched = await _messages_step(known, hub, clock, report)
            await _step(report, "rotation", lambda: _rotate_step(known, hub, random, report))
    if fetched:
        await _step(report, "keyring", lambda: _destroy_step(known, report))
    report.warnings += [*settle_statements(known), *settle_messages(known)]
    report.warnings += locked_warnings(known)
    report.due, report.closing = due_values(known), closing(known)
    report.size = known.directory.size
    report.warnings += [*missed_deadlines(known), *held_warnings(known, clock())]
    report.warnings += [*standing_warnings(known, clock()), *hub.take_warnings()]
    return report


async def _step(report: SyncReport, name: str, run: Callable[[], Awaitable[None]]) -> bool:
    """Run a step; what the hub answered wrongly is told and does not stop the next one. True if it went."""
    try:
        await run()
    except RefusedError as error:
        if error.code in _NEVER_PASSED_OVER:
            raise
        report.failed.append(error.code)
        report.warnings.append(f"{name}: {error.code}: {error.message}")
        return False
    return True


async def _messages_step(
    known: Known, hub: HubClient, clock: Callable[[], datetime], report: SyncReport
) -> bool:
    """Receive, answer, take evidence; true if the inbox was read to its end."""

    async def sync_again() -> None:
        await _log_step(known, hub, report)
        await sync_exercises(known, hub, report)

    async def receive() -> None:
        fetched = await fetch_inbox(known, hub, clock, sync_again)
        report.received += fetched.new
        report.warnings += fetched.warnings

    async def offer() -> None:
        report.warnings += await offer_again(known, hub)

    fetched = await _step(report, "inbox", receive)
    await _step(report, "restored hub", offer)
    await _flush_step(known, hub, report, ("answer",))
    await _step(report, "evidence", lambda: sync_evidence(known, hub, report))
    return fetched


async def sync_notices(known: Known, hub: HubClient, report: SyncReport) -> None:
    """Ask every witness in force for brakes the log lacks, hold them, and hand them to the hub.

    What the hub then logs is verified at once; what stays is told among the standing warnings.
    """
    report.warnings += known.drop_ended_notices()
    report.warnings += await fetch_notices(known, hub)
    if await post_notices(known, hub):
        await _log_step(known, hub, report)
        report.warnings += known.drop_ended_notices()


async def _flush_step(
    known: Known, hub: HubClient, report: SyncReport, kinds: tuple[str, ...] = OUTBOX_ORDER
) -> None:
    flushed = await flush(known, hub, kinds)
    report.sent += flushed.sent
    report.rejected += flushed.rejected
    report.warnings += flushed.delayed
    if flushed.waiting.again_at is not None:
        report.again_at = format_time(flushed.waiting.again_at)


async def _log_step(known: Known, hub: HubClient, report: SyncReport) -> None:
    try:
        report.entries += await follow_log(known, hub)
    except RefusedError as error:
        if error.code != "quorum-missing":
            raise
        if error.code not in report.failed:  # told among the standing warnings
            report.failed.append(error.code)


def _has_ended_keys_only(known: Known) -> bool:
    """Whether the hub would take no key of this home; a log that this version cannot follow tells nothing."""
    return known.trust.value("update-needed") != b"1" and not known.has_good_key()


async def _reload_keyring(known: Known) -> None:
    """Take over what another process with this home, such as ``poc key rotate``, wrote meanwhile."""
    if known.keyring is not None:
        await asyncio.to_thread(known.keyring.reload)


async def _retire_step(known: Known, report: SyncReport) -> None:
    report.warnings += [
        f"key {entry.kid[:12]}… of {entry.party} ({entry.role}, {entry.use}) has ended in the log "
        f"({record.ended}); it is marked as retired here"
        for entry, record in await retire_ended(known)
    ]


async def _rotate_step(
    known: Known, hub: HubClient, random: Callable[[int], bytes], report: SyncReport
) -> None:
    """Replace the device's sealing key if that is due; what is under way is carried on, never begun twice."""
    filed = under_way(known)
    if filed is None and is_due(known):
        filed = await next_rotation(known, random)
    if filed is None:
        return
    with known.trust.transaction():
        filed.put(known.trust)
    await _flush_step(known, hub, report, ("statement", "key"))
    await _log_step(known, hub, report)
    settle_statements(known)
    await retire_ended(known)
    report.rotated.append(rotation_value(known, filed))


async def _destroy_step(known: Known, report: SyncReport) -> None:
    report.destroyed += [entry.kid for entry in await destroy_old(known)]


def _is_witness(known: Known) -> bool:
    """Whether this is a witness's home: the hub shows it the log and nothing beside."""
    return (known.party or "") in known.directory.witnesses


def _is_device(known: Known) -> bool:
    try:
        known.own_device()
    except RefusedError:
        return False
    return True


# --- beside the log ----------------------------------------------------------------------------


async def _read(
    known: Known, hub: HubClient, feed: Feed, keep: Keep, report: SyncReport, beside: Beside | None = None
) -> int:
    fetched = await read_feed(known.trust, hub, feed, keep, beside)
    report.warnings += fetched.warnings
    return fetched.new


async def sync_cards(known: Known, hub: HubClient, report: SyncReport) -> None:
    """Fetch new openings, each checked by its commitment; delete superseded ones and those proved erased.

    Which parts this desk may see depends on its exercises and its own standing: where those changed
    since the last time, the feed is read from its start again.
    """
    erased: set[str] = set()

    def beside(answer: Any) -> None:
        found, told = erased_in(known, answer)
        erased.update(found)
        report.warnings += [line for line in told if line not in report.warnings]

    standing = _seen_as(known)
    if known.trust.value("cards-seen-as") != standing:
        known.trust.set_cursor(CARDS.name, 0)
    report.cards += await _read(known, hub, CARDS, lambda item: _keep_card(known, item), report, beside)
    known.trust.set_value("cards-seen-as", standing)
    known.trust.keep_openings(_current(known.directory) - erased)
    known.trust.erase_openings(sorted(erased))


def _current(directory: Directory) -> set[str]:
    """Every commitment of a card in force; a State that withdrew has none."""
    return {
        part.commitment
        for contact in directory.contacts.values()
        for part in (contact.card.office, contact.card.reach, contact.card.person)
        if part is not None and not contact.withdrawn and not _has_left(directory, contact.state)
    }


def _has_left(directory: Directory, state: str) -> bool:
    found = directory.states.get(state)
    return found is not None and found.status == "withdrawn"


def _seen_as(known: Known) -> bytes:
    """Everything on this side that decides which parts of cards the hub shows."""
    directory, party = known.directory, known.party or ""
    state, contact = directory.states.get(state_of(party)), directory.contacts.get(party)
    standing = {
        "exercises": sorted(known.plays),
        "state": None if state is None else state.status,
        "contact": None if contact is None else [contact.level, contact.withdrawn],
        "controller": party in directory.controllers,
        "registrar": directory.body_of(party),
        "keys": [key.kid for key in known.request_keys()],
    }
    return canonical(standing)


def _keep_card(known: Known, card: Any) -> bool:
    opening = read_opening_form(card.get("opening"))
    contact = known.directory.contact(member(card, "contact", str))
    named = contact.card.part(opening.part)
    commitment = "" if named is None else named.commitment
    read_opening(opening, contact.id, known.directory.origin, commitment)
    return known.trust.put_opening(commitment, contact.id, opening.part, form_bytes(opening))


async def sync_keys(known: Known, hub: HubClient, report: SyncReport) -> None:
    """Fetch new sealing keys; each proves itself by its thumbprint, and the log must name it."""

    def keep(item: Any) -> bool:
        key = SealingPublicKey.from_jwk(member(item, "jwk", dict))
        if known.directory.key(key.kid).role != "sealing":
            raise RefusedError("unknown-key", f"key {key.kid[:12]}… seals nothing")
        return known.trust.put_sealing_key(key.kid, canonical(key.jwk()))

    report.keys += await _read(known, hub, KEYS, keep, report)


async def sync_exercises(known: Known, hub: HubClient, report: SyncReport) -> None:
    """Fetch announcements and orders; one that does not verify is not kept, and tried again later.

    What is kept is never replaced by less: the same announcement with fewer orders changes nothing.
    """

    def keep(item: Any) -> bool:
        name, announcement = (member(item, key, str) for key in ("id", "announcement"))
        orders = member(item, "orders", list)
        try:
            known.read_exercise(name, announcement, orders)
        except RefusedError:
            if keep_contradictions(known, heads_in([announcement, *orders])):
                report.warnings.append(FORK_TOLD)
            raise
        return known.keep_exercise(name, announcement, orders)

    report.exercises += await _read(known, hub, EXERCISES, keep, report)


async def sync_evidence(known: Known, hub: HubClient, report: SyncReport) -> None:
    """Fetch the evidence about this desk's messages, each piece verified when it comes."""
    report.evidence += await _read(known, hub, EVIDENCE, lambda item: keep_piece(known, item), report)
