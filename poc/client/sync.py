"""Sync: the log verified and applied, then what travels beside it, then what is sent and received.

A fork or a rollback is never accepted; both signed heads are kept. Opening messages stands in ``inbox``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from poc.client.api import HubClient
from poc.client.inbox import fetch_inbox
from poc.client.known import Known, read_opening_form
from poc.client.outbox import flush
from poc.core.card import read_opening
from poc.core.checkpoint import Checkpoint, verify_checkpoint
from poc.core.form import form_bytes
from poc.core.judge import log_verifiers
from poc.core.keys import SealingPublicKey
from poc.core.merkle import leaf_hash
from poc.core.rules import apply_all
from poc.core.statement import read_entry
from poc.core.strictjson import canonical
from poc.core.tiles import TILE_WIDTH, decode_entries, entries_path
from poc.errors import PocError, RefusedError

NO_WITNESSES: Final = "no witnesses: the operator could show different logs"
_TOO_NEW: Final = frozenset({"newer-form", "not-yet-in-force", "unknown-algorithm"})
_PAGES_MAX: Final = 10_000


@dataclass(slots=True)
class SyncReport:
    """What a sync brought and sent. ``size`` is that of the verified log."""

    size: int = 0
    entries: int = 0
    cards: int = 0
    keys: int = 0
    sent: int = 0
    rejected: list[str] = field(default_factory=list)
    received: int = 0
    evidence: int = 0
    exercises: int = 0
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON value."""
        return asdict(self)


async def sync_all(known: Known, hub: HubClient, clock: Callable[[], datetime]) -> SyncReport:
    """Bring a desk up to date. Raises ``fork``, ``rollback``, ``hub-unreachable`` and what a hub refuses."""
    report = SyncReport()
    hub.keys = known.request_keys()
    await _log_step(known, hub, report)
    hub.keys = known.request_keys()
    if hub.keys:
        await sync_cards(known, hub, report)
        await sync_keys(known, hub, report)
        if known.directory.body_of(known.party or "") is None:  # registrars see no exercises
            await sync_exercises(known, hub, report)
        flushed = await flush(known.trust, hub)
        report.sent, report.rejected = flushed.sent, flushed.rejected
        if _is_device(known):
            await _messages_step(known, hub, clock, report)
    report.size = known.directory.size
    report.warnings += [*standing_warnings(known, clock()), *hub.warnings]
    return report


async def _messages_step(
    known: Known, hub: HubClient, clock: Callable[[], datetime], report: SyncReport
) -> None:
    async def sync_again() -> None:
        await _log_step(known, hub, report)

    report.received = await fetch_inbox(known, hub, clock, sync_again)
    flushed = await flush(known.trust, hub, ("answer",))
    report.sent += flushed.sent
    report.rejected += flushed.rejected
    await sync_evidence(known, hub, report)


async def _log_step(known: Known, hub: HubClient, report: SyncReport) -> None:
    try:
        report.entries += await sync_log(known, hub)
        known.trust.set_value("update-needed", b"")
    except RefusedError as error:
        if error.code != "update-needed":
            raise
        known.trust.set_value("update-needed", b"1")


def _is_device(known: Known) -> bool:
    try:
        known.own_device()
    except RefusedError:
        return False
    return True


def standing_warnings(known: Known, now: datetime) -> list[str]:
    """What is to be said beside every answer: no witnesses, a stale head, an update that is needed."""
    settings = known.directory.settings
    warnings = [NO_WITNESSES] if settings.quorum == "none" else []
    if known.trust.value("update-needed"):
        warnings.append("update needed: the log holds a form this version does not know")
    synced = known.trust.value("synced-at")
    age = None if synced is None else now - datetime.fromisoformat(synced.decode())
    if age is None or age.total_seconds() > settings.freshness_seconds:
        warnings.append("the head is older than the registry's freshness bound: sync")
    return warnings


# --- the log -----------------------------------------------------------------------------------


async def sync_log(known: Known, hub: HubClient) -> int:
    """Verify and keep the hub's newest entries; gives how many were new.

    Raises:
        RefusedError: ``rollback``, ``fork``, ``update-needed``, or what a signature or rule is refused for.
    """
    directory = known.directory
    note = await hub.get("/checkpoint", signed=False)
    shown = verify_checkpoint(note, directory.origin, log_verifiers(directory.settings.log_keys))
    _check_not_behind(known, shown, note)
    leaves = await _fetch_leaves(hub, directory.size, shown.size)
    tree = directory.tree
    for leaf in leaves:
        tree = tree.append(leaf_hash(leaf))
    if tree.root() != shown.root:
        raise _contradiction(known, "fork", note, f"another root at size {shown.size}")
    if leaves:
        newer = await asyncio.to_thread(_applied, known, leaves)
        known.trust.add_entries(directory.size, leaves, note)
        known.advance(newer, leaves)
    else:
        known.trust.set_value("head", note)
    known.trust.set_value("synced-at", known.now().isoformat().encode())
    return len(leaves)


def _applied(known: Known, leaves: list[bytes]) -> Any:
    try:
        return apply_all(known.directory, [read_entry(leaf) for leaf in leaves])
    except RefusedError as error:
        if error.code in _TOO_NEW:
            raise RefusedError("update-needed", error.detail) from None
        raise


def _check_not_behind(known: Known, shown: Checkpoint, note: bytes) -> None:
    if shown.size < known.directory.size:
        root = known.root_at(shown.size)
        kind = "rollback" if root == shown.root else "fork"
        raise _contradiction(known, kind, note, f"size {shown.size}, verified {known.directory.size}")


def _contradiction(known: Known, kind: str, note: bytes, detail: str) -> RefusedError:
    known.trust.add_proof(kind, known.trust.value("head") or b"", note)
    return RefusedError(kind, detail)


async def _fetch_leaves(hub: HubClient, start: int, end: int) -> list[bytes]:
    """The leaves from ``start`` to ``end``: full bundles, then a partial one."""
    leaves: list[bytes] = []
    for index in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)) if end > start else ():
        width = min(TILE_WIDTH, end - index * TILE_WIDTH)
        bundle = decode_entries(await hub.get("/" + entries_path(index, width)), width)
        leaves += bundle[max(0, start - index * TILE_WIDTH) :]
    return leaves


# --- beside the log ----------------------------------------------------------------------------


async def sync_cards(known: Known, hub: HubClient, report: SyncReport) -> None:
    """Fetch new openings, each checked by its commitment, and delete superseded ones."""
    refused: list[int] = []
    async for card in _pages(known, hub, "/v1/cards", "cards"):
        try:
            _keep_card(known, card)
            report.cards += 1
        except (PocError, KeyError, TypeError) as error:
            refused.append(card["number"])
            report.warnings.append(f"a card part of {card.get('contact')} was refused: {_why(error)}")
    if refused:
        known.trust.set_cursor("cards", min(refused) - 1)
    current = [
        part.commitment
        for contact in known.directory.contacts.values()
        for part in (contact.card.office, contact.card.reach, contact.card.person)
        if part is not None and not contact.withdrawn
    ]
    known.trust.keep_openings(current)


def _keep_card(known: Known, card: dict[str, Any]) -> None:
    opening = read_opening_form(card["opening"])
    contact = known.directory.contact(card["contact"])
    named = contact.card.part(opening.part)
    commitment = "" if named is None else named.commitment
    read_opening(opening, contact.id, known.directory.origin, commitment)
    known.trust.put_opening(commitment, contact.id, opening.part, form_bytes(opening))


async def sync_keys(known: Known, hub: HubClient, report: SyncReport) -> None:
    """Fetch new sealing keys; each proves itself by its thumbprint."""
    async for item in _pages(known, hub, "/v1/keys", "keys"):
        try:
            key = SealingPublicKey.from_jwk(item["jwk"])
        except (PocError, KeyError, TypeError) as error:
            report.warnings.append(f"a sealing key was refused: {_why(error)}")
            continue
        known.trust.put_sealing_key(key.kid, canonical(key.jwk()))
        report.keys += 1


async def sync_exercises(known: Known, hub: HubClient, report: SyncReport) -> None:
    """Fetch announcements and orders; one that does not verify is not kept."""
    async for item in _pages(known, hub, "/v1/exercises", "exercises"):
        try:
            orders = canonical(item["orders"])
            known.read_play(item["announcement"], orders)
            known.trust.put_exercise(item["id"], item["announcement"], orders)
            report.exercises += 1
        except (PocError, KeyError, TypeError) as error:
            report.warnings.append(f"exercise {item.get('id')} was refused: {_why(error)}")
    known.forget_plays()


async def sync_evidence(known: Known, hub: HubClient, report: SyncReport) -> None:
    """Fetch the evidence about this desk's messages; it is verified where it is used."""
    path, name = "/v1/evidence?after=", "evidence"
    for _ in range(_PAGES_MAX):
        after = known.trust.cursor(name)
        answer = await hub.get_json(f"{path}{after}")
        with known.trust.transaction():
            for item in answer["items"]:
                known.trust.put_evidence(item["number"], item["message"], item["kind"], item["jws"])
                report.evidence += 1
            known.trust.set_cursor(name, int(answer["next"]))
        if not answer["items"] or answer["next"] == after:
            return


async def _pages(known: Known, hub: HubClient, path: str, name: str) -> Any:
    """Every new item of a numbered feed; the cursor moves after each page was used."""
    for _ in range(_PAGES_MAX):
        since = known.trust.cursor(name)
        answer = await hub.get_json(f"{path}?since={since}")
        items, following = answer.get(name), answer.get("next")
        if not isinstance(items, list) or not isinstance(following, int) or following < since:
            raise RefusedError("bad-answer-from-hub", path)
        for item in items:
            yield item
        known.trust.set_cursor(name, following)
        if following == since:
            return


def _why(error: Exception) -> str:
    return error.code if isinstance(error, PocError) else type(error).__name__
