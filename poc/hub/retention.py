"""What the hub keeps, for how long and why, in one table; each class that ends has its job here.

``docs/retention.md`` is made from the table, and a test moves the clock over every line of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from poc.errors import PocError, UnreachableError
from poc.hub.audit import Audit
from poc.hub.openings import Openings
from poc.limits import (
    ENVELOPE_DAYS_KEPT,
    NONCE_SECONDS_KEPT,
    ORPHAN_HOURS_KEPT,
    PROPOSAL_SECONDS_MAX,
    READ_DAYS_KEPT,
)
from poc.logs import log_event
from poc.store.base import Store

Job = Callable[[Store, Openings, datetime], Awaitable[int]]
_DAY_SECONDS: Final = 86_400
_BLOBS_AT_ONCE: Final = 8  # each is overwritten on disk, and nobody else writes meanwhile


@dataclass(frozen=True, slots=True)
class Kept:
    """One class of what is kept. ``job`` deletes what is due and says how much; None: it is kept for ever.

    ``told``: the audit trail gets a record where the job deleted something.
    """

    name: str
    what: str
    how_long: str
    why: str
    job: Job | None = None
    told: bool = True


async def _nonces(store: Store, _openings: Openings, now: datetime) -> int:
    return await store.forget_nonces(now - timedelta(seconds=1))


async def _proposals(store: Store, _openings: Openings, now: datetime) -> int:
    return await store.expire_proposals(now)


async def _openings(_store: Store, openings: Openings, _now: datetime) -> int:
    return await openings.erase_superseded()


async def _erasures(_store: Store, openings: Openings, _now: datetime) -> int:
    return await openings.forget_erasures()


async def _reads(store: Store, _openings: Openings, now: datetime) -> int:
    return await store.forget_reads((now - timedelta(days=READ_DAYS_KEPT)).date())


async def _envelopes(store: Store, _openings: Openings, now: datetime) -> int:
    return await store.drop_envelopes(now - timedelta(days=ENVELOPE_DAYS_KEPT))


async def _blobs(store: Store, _openings: Openings, now: datetime) -> int:
    before = now - timedelta(hours=ORPHAN_HOURS_KEPT)
    dropped = count = await store.drop_orphan_blobs(before, _BLOBS_AT_ONCE)
    with contextlib.suppress(UnreachableError):  # what went is told; what is left goes with the next sweep
        while count:
            count = await store.drop_orphan_blobs(before, _BLOBS_AT_ONCE)
            dropped += count
    return dropped


async def _uses(store: Store, _openings: Openings, now: datetime) -> int:
    return await store.forget_uses(now - timedelta(hours=1))


async def _nudges(store: Store, _openings: Openings, now: datetime) -> int:
    return await store.forget_nudges(now)


CLASSES: Final[tuple[Kept, ...]] = (
    Kept(
        "log",
        "entries, hashes, the signed checkpoint",
        "for ever",
        "what the log says is verified from its first entry on; no personal data is in it",
    ),
    Kept(
        "openings",
        "the parts of cards: names, channels, persons",
        "while the log names them; gone at once when they are superseded, withdrawn or erased by their owner",
        "what people need to reach an office; the bytes are overwritten on disk",
        _openings,
    ),
    Kept(
        "erasures",
        "which parts their owner erased, with the signed request",
        "while the log names the part",
        "desks that hold a copy learn of it at their next sync; the part is not taken again",
        _erasures,
    ),
    Kept(
        "reads",
        "which party fetched which part of whose card on which day",
        f"{READ_DAYS_KEPT} days",
        "shown to the contact's own State, to nobody else",
        _reads,
    ),
    Kept(
        "sealing-keys",
        "public sealing keys",
        "for ever",
        "evidence of old messages names them; a key says nothing of a person",
    ),
    Kept(
        "proposals",
        "statements that wait for signatures",
        f"{PROPOSAL_SECONDS_MAX // _DAY_SECONDS} days, or until they are logged",
        "whoever has to sign needs time; no personal data is in them",
        _proposals,
    ),
    Kept(
        "envelopes",
        "sealed messages: header, ciphertext and the slots of devices",
        f"until {ENVELOPE_DAYS_KEPT} days after `expires_at`, when every outcome is final",
        "a desk that was away still fetches what came for it",
        _envelopes,
    ),
    Kept(
        "blobs",
        "sealed attachments that travel apart from their envelope",
        f"as long as an envelope of their uploader that names them; else {ORPHAN_HOURS_KEPT} hours after the "
        "last piece came",
        "an upload that broke off is resumed; what no message names is of use to nobody",
        _blobs,
    ),
    Kept(
        "evidence",
        "ids, sequence numbers and digests of messages; receipts, retrievals, acknowledgements, cancels",
        "for ever",
        "an id is used once for ever; who holds evidence must be able to have it confirmed",
    ),
    Kept(
        "nudge-addresses",
        "where contacts want to be nudged, and when that last went well or failed",
        "while their State keeps them; gone when it removes them, or when the contact or State is withdrawn",
        "to tell an office that a message waits; shown to its own State only, overwritten on disk",
    ),
    Kept(
        "nudges",
        "which message is still to be nudged about at which contact",
        "until somebody looked, the last step is done, or the message expired",
        "each step is taken once, over crashes and by several nodes",
        _nudges,
        told=False,
    ),
    Kept(
        "exercises",
        "announcements and orders",
        "for ever",
        "evidence of an exercise is judged by its orders",
    ),
    Kept(
        "nonces",
        "a random number of each signed request",
        f"{NONCE_SECONDS_KEPT // 60} minutes",
        "a request that was seen is not taken again",
        _nonces,
        told=False,
    ),
    Kept(
        "quotas",
        "how many messages each State sent in each minute; how many bytes are held for it",
        "counts an hour, bytes while they are held",
        "no State may use what others need, least of all for exercises",
        _uses,
        told=False,
    ),
    Kept(
        "audit",
        "records of privileged actions, and one signed anchor a day",
        "for ever",
        "a chain that may be cut at its start proves less; no personal data is in it",
    ),
    Kept(
        "operation",
        "when the database was restored from a backup, the steps that built its tables, a try of the disk",
        "for ever",
        "whoever reads the feeds must learn of a restore; no personal data is in it",
    ),
    Kept(
        "requests",
        "addresses of clients, headers, paths",
        "never kept",
        "the hub writes the pattern of a route, the method and the status to standard error, nothing else; "
        "addresses are in memory only, for rates, some minutes; the proxy before it may keep more",
    ),
)


async def run_jobs(store: Store, openings: Openings, audit: Audit, now: datetime) -> None:
    """Run every job once. One that fails is tried again with the next sweep and stops no other."""
    for kept in CLASSES:
        if kept.job is None:
            continue
        try:
            count = await kept.job(store, openings, now)
            if kept.told:
                await audit.record_deleted(kept.name, count)
        except PocError as error:
            log_event("not-erased", kept=kept.name, code=error.code)


TABLES: Final[dict[str, str]] = {
    "head": "log",
    "leaves": "log",
    "subtrees": "log",
    "published": "log",
    "proposals": "proposals",
    "openings": "openings",
    "erasures": "erasures",
    "reads": "reads",
    "sealing_keys": "sealing-keys",
    "submissions": "evidence",
    "messages": "envelopes",
    "slots": "envelopes",
    "held_slots": "envelopes",
    "due": "envelopes",
    "expiries": "evidence",
    "sequences": "evidence",
    "answers": "evidence",
    "evidence": "evidence",
    "blobs": "blobs",
    "blob_chunks": "blobs",
    "message_blobs": "blobs",
    "quota_uses": "quotas",
    "quota_held": "quotas",
    "nudge_addresses": "nudge-addresses",
    "nudges": "nudges",
    "nudge_cursor": "nudges",
    "nonces": "nonces",
    "exercises": "exercises",
    "exercise_orders": "exercises",
    "audit": "audit",
    "audit_anchors": "audit",
    "restores": "operation",
    "probe": "operation",
    "migrations": "operation",
}
"""Which class each table of the database belongs to: a table without a row here fails a test."""
