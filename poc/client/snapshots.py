"""Snapshots of what a desk holds: making one, and what is to be said beside one that was verified.

Verifying is ``core.snapshot``'s, and needs no desk.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from poc.client.known import Known
from poc.client.standing import CLOCK_SECONDS_MAX, NO_WITNESSES
from poc.core.card import PARTS, Opening, read_opening
from poc.core.form import read_form
from poc.core.judge import check_quorum
from poc.core.keys import SealingPublicKey
from poc.core.snapshot import OpeningOf, Snapshot, build_snapshot
from poc.core.strictjson import format_time
from poc.errors import RefusedError

WITHOUT_CARDS: Final = "made without cards: it tells who there is and by which keys, not how to reach them"


def make_snapshot(known: Known, *, with_cards: bool = True) -> bytes:
    """All that this desk has verified of its registry, of one moment, as a file.

    Superseded openings and ended sealing keys are left out. Raises ``not-synced``, ``too-large``, and
    ``quorum-missing`` where the checkpoint kept is one that no reader would take.
    """
    with known.trust.transaction(write=False):
        known.catch_up()
        leaves, note = known.trust.log()
        if note is None:
            raise RefusedError("not-synced")
        check_quorum(note, known.directory)
        return build_snapshot(
            origin=known.directory.origin,
            made_at=known.now(),
            note=note,
            leaves=leaves,
            openings=_openings(known) if with_cards else None,
            sealing_keys=_sealing_keys(known),
        )


def _openings(known: Known) -> Iterator[OpeningOf]:
    kept, directory = known.trust.openings(), known.directory
    for contact in directory.contacts.values():
        for part in () if contact.withdrawn else PARTS:
            named = contact.card.part(part)
            data = None if named is None else kept.get(named.commitment)
            if named is not None and data is not None:
                opening = read_form(Opening, data)
                read_opening(opening, contact.id, directory.origin, named.commitment)
                yield OpeningOf(contact=contact.id, opening=opening)


def _sealing_keys(known: Known) -> Iterator[SealingPublicKey]:
    kept = known.trust.sealing_keys()
    for kid, record in known.directory.keys.items():
        if record.role == "sealing" and record.until is None and kid in kept:
            yield known.sealing_public(kid)


def snapshot_warnings(snapshot: Snapshot, now: datetime) -> list[str]:
    """What is to be said beside a verified snapshot. Its age is told and never refuses it."""
    told = [NO_WITNESSES] if snapshot.directory.settings.quorum == "none" else []
    made_at, age = format_time(snapshot.made_at), now - snapshot.made_at
    freshness = timedelta(seconds=snapshot.directory.settings.freshness_seconds)
    if age < -timedelta(seconds=CLOCK_SECONDS_MAX):
        told.append(f"made at {made_at} by its maker's clock, which is ahead of this computer's")
    if age > freshness:
        told.append(
            f"made {_hours(age)} hours ago, at {made_at} by its maker's clock: what came since is not in it"
        )
    cosigned_at = snapshot.cosigned_at
    if cosigned_at is not None and snapshot.made_at - cosigned_at > freshness:
        told.append(
            f"a quorum of witnesses had last cosigned it {_hours(snapshot.made_at - cosigned_at)} hours "
            "before it was made: its maker may have been shown an old log"
        )
    if not snapshot.with_cards:
        told.append(WITHOUT_CARDS)
    return told


def _hours(age: timedelta) -> int:
    return int(age.total_seconds()) // 3600
