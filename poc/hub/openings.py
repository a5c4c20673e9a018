"""What travels beside the log: openings of cards, by their visibility, and sealing keys."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from poc.core.card import Opening, read_opening
from poc.core.directory import Contact, Directory
from poc.core.form import form_bytes, state_of
from poc.core.judge import check_not_frozen
from poc.core.proposal import SealingJwk
from poc.core.strictjson import parse
from poc.errors import RefusedError, UnreachableError
from poc.hub.caller import Caller
from poc.hub.exercises import Exercises
from poc.hub.log import Log
from poc.hub.places import Place, PlaceKey, places_of
from poc.limits import FEED_ITEMS_MAX
from poc.store.base import Store, StoredOpening

_TRIES: Final = 100
_TRY_AGAIN_SECONDS: Final = 0.01


class Openings:
    """Keeps openings and sealing keys and gives them to whom they are for."""

    def __init__(self, store: Store, log: Log, exercises: Exercises) -> None:
        self._store = store
        self._log = log
        self._exercises = exercises
        self._places: tuple[Directory | None, Mapping[PlaceKey, Place]] = (None, {})
        self._kept: set[PlaceKey] = set()

    async def load(self) -> None:
        """Learn which openings are kept, so that those no longer current are found without reading them."""
        after = 0
        while rows := await self._store.read_openings(after, FEED_ITEMS_MAX):
            self._kept.update((row.commitment, row.contact) for row in rows)
            after = rows[-1].number

    async def put_card(self, caller: Caller, commitment: str, opening: Opening) -> bool:
        """Keep the opening of a current commitment of the caller's own; False for a repeat.

        Raises ``commitment-mismatch`` (also for a part of another contact or registry), ``not-found``,
        ``contact-frozen``.
        """
        self._refuse_frozen(caller)
        place = next(
            (p for k, p in self._current().items() if k[0] == commitment and _owns(caller, p.contact)), None
        )
        if place is None or place.part != opening.part:
            raise RefusedError("not-found")
        read_opening(opening, place.contact.id, self._log.view.directory.origin, commitment)
        data = form_bytes(opening)
        created = await self._store.put_opening(commitment, place.contact.id, opening.part, data)
        if created:
            self._kept.add((commitment, place.contact.id))
            # A step of the log meanwhile may have superseded it: then it is erased as any other.
            self._log.changed.set()
        return created

    async def cards(self, caller: Caller, since: int) -> dict[str, Any]:
        """The openings numbered above ``since`` that are current and for this caller.

        What becomes visible later (an exercise is announced, a visibility changes) gets a new number
        in the same transaction, so a caller who goes on from ``next`` misses nothing.
        """
        rows = await self._rows_of_view(since)
        places = self._current()
        shown = [
            {"number": r.number, "contact": r.contact, "part": r.part, "opening": parse(r.data)}
            for r in rows
            if (place := places.get((r.commitment, r.contact))) and self._sees(caller, place)
        ]
        return {"cards": shown, "next": rows[-1].number if rows else since}

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
        if not stale:
            return 0
        erased = await self._store.delete_openings(sorted({commitment for commitment, _ in stale}))
        self._kept -= stale
        return erased

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

    def _refuse_frozen(self, caller: Caller) -> None:
        """A frozen contact's devices read and brake; they bring nothing."""
        directory = self._log.view.directory
        check_not_frozen(directory.contacts.get(caller.holder), directory.size)

    def _sees(self, caller: Caller, place: Place) -> bool:
        if caller.role in {"authority", "contact"} and caller.state == place.contact.state:
            return True
        if caller.role == "registrar" or place.visibility == "parties":
            return True
        return place.visibility == "exercise" and self._exercises.share(caller, place.contact.id)


def _owns(caller: Caller, contact: Contact) -> bool:
    if caller.role == "registrar":
        return contact.level == "listed"
    if caller.role == "authority":
        return caller.holder == contact.state
    return caller.holder == contact.id and "change" in caller.may
