"""What travels beside the log: openings of cards, by their visibility, and sealing keys.

An opening is erased where the log no longer names it, and where its owner asks; who fetched which is
kept for its State.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from poc.core.card import Opening, read_opening
from poc.core.directory import Directory
from poc.core.erasure import Erasure, make_erasure, owns_card
from poc.core.form import form_bytes, form_value, read_form, state_of
from poc.core.judge import check_not_frozen
from poc.core.proposal import SealingJwk
from poc.core.strictjson import parse
from poc.errors import RefusedError, UnreachableError
from poc.hub.caller import Caller
from poc.hub.clock import Clock
from poc.hub.exercises import Exercises
from poc.hub.log import Log
from poc.hub.places import Place, PlaceKey, places_of
from poc.limits import FEED_ITEMS_MAX, READ_DAYS_KEPT
from poc.store.base import Store, StoredErasure, StoredOpening, StoredRead

_TRIES: Final = 100
_TRY_AGAIN_SECONDS: Final = 0.01


class Openings:
    """Keeps openings and sealing keys and gives them to whom they are for."""

    def __init__(self, store: Store, log: Log, exercises: Exercises, now: Clock) -> None:
        self._store = store
        self._log = log
        self._now = now
        self._exercises = exercises
        self._places: tuple[Directory | None, Mapping[PlaceKey, Place]] = (None, {})
        self._kept: set[PlaceKey] = set()
        self._erased: dict[PlaceKey, Erasure] = {}
        self._erasing = asyncio.Lock()
        self._may_hold_traces = True  # of what was erased before a crash, until a rewrite has succeeded

    async def load(self) -> None:
        """Learn which openings are kept, so that those no longer current are found without reading them."""
        await self._learn_erasures()
        after = 0
        while rows := await self._store.read_openings(after, FEED_ITEMS_MAX):
            self._kept.update((row.commitment, row.contact) for row in rows)
            after = rows[-1].number

    async def _learn_erasures(self) -> None:
        for kept in await self._store.read_erasures():
            self._erased[kept.commitment, kept.contact] = read_form(Erasure, kept.proof)

    async def put_card(self, caller: Caller, commitment: str, opening: Opening) -> bool:
        """Keep the opening of a current commitment of the caller's own; False for a repeat.

        Raises ``commitment-mismatch`` (also for a part of another contact or registry), ``not-found``,
        ``contact-frozen``, ``opening-erased``.
        """
        place = self._own_place(caller, commitment)
        if place.part != opening.part:
            raise RefusedError("not-found")
        read_opening(opening, place.contact.id, self._log.view.directory.origin, commitment)
        data = form_bytes(opening)
        try:
            created = await self._store.put_opening(commitment, place.contact.id, opening.part, data)
        except UnreachableError:  # it may be kept all the same, and is then to be erased as any other
            self._note_kept(commitment, place)
            raise
        self._note_kept(commitment, place)
        return created

    def _note_kept(self, commitment: str, place: Place) -> None:
        """Erase it once it is superseded, which a step of the log may have done meanwhile."""
        self._kept.add((commitment, place.contact.id))
        self._log.changed.set()

    async def erase(self, caller: Caller, commitment: str, target: str, headers: Mapping[str, str]) -> None:
        """Erase the opening of a current commitment of the caller's own, for good; a repeat changes nothing.

        ``target`` and ``headers`` are of the request that asks: desks are shown them as proof. Raises
        ``not-found``, ``contact-frozen``, ``storage-failed``: ask again, bytes may be left until then.
        """
        place = self._own_place(caller, commitment)
        erasure = make_erasure(place.contact.id, place.part, commitment, target, headers)
        stored = StoredErasure(commitment, place.contact.id, place.part, form_bytes(erasure), self._now())
        async with self._overwriting():
            is_first = await self._store.erase_opening(stored)
        key = (commitment, place.contact.id)
        self._kept.discard(key)
        if is_first:
            self._erased[key] = erasure
        elif key not in self._erased:  # a try that failed was kept all the same: its proof is the one
            await self._learn_erasures()

    async def cards(self, caller: Caller, since: int) -> dict[str, Any]:
        """The openings numbered above ``since`` that are current and for this caller, and what is erased.

        What becomes visible later (an exercise is announced, a visibility changes) gets a new number
        in the same transaction, so a caller who goes on from ``next`` misses nothing. ``erased`` is
        complete on every page. Who gets which part of another State is noted first.
        """
        rows = await self._rows_of_view(since)
        places = self._current()
        shown = [r for r in rows if (p := places.get((r.commitment, r.contact))) and self._sees(caller, p)]
        await self._note_reads(caller, shown)
        return {
            "cards": [
                {"number": r.number, "contact": r.contact, "part": r.part, "opening": parse(r.data)}
                for r in shown
            ],
            "erased": [form_value(one) for key, one in sorted(self._erased.items()) if key in places],
            "next": rows[-1].number if rows else since,
        }

    async def _note_reads(self, caller: Caller, shown: Sequence[StoredOpening]) -> None:
        day = self._now().date()
        reads = [
            StoredRead(row.contact, row.part, caller.holder, day)
            for row in shown
            if not _is_of_state(caller, state_of(row.contact))
        ]
        if reads:
            await self._store.note_reads(reads)

    async def readers(self, caller: Caller, contact: str) -> dict[str, Any]:
        """Which parties fetched which part of a contact of the caller's own State, by day.

        Raises ``not-found``.
        """
        known = self._log.view.directory.contacts.get(contact)
        if known is None or not _is_of_state(caller, known.state):
            raise RefusedError("not-found")
        found = await self._store.list_reads(contact)
        return {
            "contact": contact,
            "readers": [{"part": r.part, "reader": r.reader, "day": r.day.isoformat()} for r in found],
            "days_kept": READ_DAYS_KEPT,
        }

    async def _rows_of_view(self, since: int) -> tuple[StoredOpening, ...]:
        """Rows no newer than the published view: a step between disk and view has renewed some already."""
        for _ in range(_TRIES):
            rows = await self._store.read_openings(since, FEED_ITEMS_MAX)
            head = await self._store.read_head()
            if head is None or head.checkpoint == self._log.view.checkpoint:
                return rows
            await asyncio.sleep(_TRY_AGAIN_SECONDS)
        raise UnreachableError("read-only", "the published log is behind its store")

    async def erase_superseded(self) -> int:
        """Erase every kept opening whose commitment is no longer current; say how many there were.

        Raises ``storage-failed``: then some may be left, and the next call tries them again.
        """
        stale = self._kept - self._current().keys()
        if not stale and not self._may_hold_traces:
            return 0
        async with self._overwriting():
            erased = await self._store.delete_openings(sorted({commitment for commitment, _ in stale}))
        self._kept -= stale
        return erased

    @contextlib.asynccontextmanager
    async def _overwriting(self) -> AsyncIterator[None]:
        """One at a time, and remembered until it has succeeded, so that the next sweep mends a failure."""
        async with self._erasing:
            self._may_hold_traces = True
            yield
            self._may_hold_traces = False

    async def forget_erasures(self) -> int:
        """Forget erasures of what the log no longer names; say how many."""
        current = self._current()
        stale = [
            one for one in await self._store.read_erasures() if (one.commitment, one.contact) not in current
        ]
        forgotten = await self._store.forget_erasures(stale)
        for key in self._erased.keys() - current.keys():  # also where a failed try forgot them already
            del self._erased[key]
        return forgotten

    async def put_key(self, caller: Caller, kid: str, jwk: SealingJwk) -> bool:
        """Keep a sealing key the log names, for a party of the caller's own; False for a repeat.

        Raises ``not-found``, ``bad-key``, ``contact-frozen``.
        """
        self._refuse_frozen(caller)
        record = self._log.view.directory.keys.get(kid)
        own = record is not None and (record.holder == caller.holder or caller.role == "registrar")
        if record is not None and caller.role in {"authority", "contact"}:
            own = state_of(record.holder) == caller.state
        if record is None or record.role != "sealing" or not own:
            raise RefusedError("not-found")
        if jwk.public_key().kid != kid:
            raise RefusedError("bad-key", "the thumbprint is another")
        return await self._store.put_sealing_key(kid, form_bytes(jwk), record.holder)

    async def key(self, kid: str) -> Any:
        """One sealing key's JWK. Raises ``not-found``."""
        found = await self._store.read_sealing_key(kid)
        if found is None:
            raise RefusedError("not-found")
        return parse(found.jwk)

    async def keys(self, since: int) -> dict[str, Any]:
        """The sealing keys numbered above ``since``."""
        rows = await self._store.read_sealing_keys(since, FEED_ITEMS_MAX)
        shown = [{"number": row.number, "jwk": parse(row.jwk)} for row in rows]
        return {"keys": shown, "next": rows[-1].number if rows else since}

    def _current(self) -> Mapping[PlaceKey, Place]:
        directory = self._log.view.directory
        if self._places[0] is not directory:
            self._places = (directory, places_of(directory))
        return self._places[1]

    def _own_place(self, caller: Caller, commitment: str) -> Place:
        """The caller's own part that this commitment opens. Raises ``not-found``, ``contact-frozen``."""
        self._refuse_frozen(caller)
        record = self._log.view.directory.keys[caller.kid]
        for (named, _), place in self._current().items():
            if named == commitment and owns_card(record, place.contact):
                return place
        raise RefusedError("not-found")

    def _refuse_frozen(self, caller: Caller) -> None:
        """A frozen contact's devices read and brake; they bring nothing."""
        directory = self._log.view.directory
        check_not_frozen(directory.contacts.get(caller.holder), directory.size)

    def _sees(self, caller: Caller, place: Place) -> bool:
        if _is_of_state(caller, place.contact.state):
            return True
        if caller.role == "registrar" or place.visibility == "parties":
            return True
        return place.visibility == "exercise" and self._exercises.share(caller, place.contact.id)


def _is_of_state(caller: Caller, state: str) -> bool:
    return caller.role in {"authority", "contact"} and caller.state == state
