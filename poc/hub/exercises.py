"""Exercises: announcements and orders of their controllers, and who may see them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from poc.core import jws
from poc.core.exercise import Announcement, Order
from poc.core.form import read_form, state_of
from poc.core.play import Play, read_announcement, with_order
from poc.core.receipts import artefact_sha256
from poc.errors import PocError, RefusedError
from poc.hub.caller import Caller
from poc.hub.clock import Clock
from poc.hub.log import Log
from poc.hub.places import places_of
from poc.store.base import Store, StoredExercise

_PAGE: Final = 100


class Exercises:
    """Every exercise known here, in memory as ``Play``, on disk as signed texts."""

    def __init__(self, store: Store, log: Log, now: Clock) -> None:
        self._store = store
        self._log = log
        self._now = now
        self._plays: dict[str, Play] = {}

    async def load(self) -> None:
        """Read every exercise from the store."""
        after = 0
        while rows := await self._store.read_exercises(after, _PAGE):
            for row in rows:
                self._plays[row.id] = _replayed(row)
                after = row.number

    def play_of(self, exercise: str) -> Play | None:
        """An exercise as it stands now."""
        return self._plays.get(exercise)

    def share(self, caller: Caller, contact: str) -> bool:
        """Whether an announced exercise has both the caller and the contact."""
        return any(_takes_part(caller, play) and play.has(contact) for play in self._plays.values())

    async def announce(self, caller: Caller, exercise: str, text: str) -> bool:
        """Keep the announcement of the caller's own exercise; False for a repeat.

        Openings that its sides may now see get a new number in the same transaction.
        """
        directory = self._log.view.directory
        play = read_announcement(text, directory, least=directory.size)
        if play.announcement.id != exercise:
            raise RefusedError("id-mismatch", exercise)
        if play.announcement.controller != caller.holder:
            raise RefusedError("not-found")
        shown = [
            key[0]
            for key, place in places_of(directory).items()
            if place.visibility == "exercise" and play.has(key[1])
        ]
        known = exercise in self._plays
        # Known before it is kept: else a reader between the two would pass by the renewed numbers.
        self._plays.setdefault(exercise, play)
        try:
            return await self._store.put_exercise(exercise, caller.holder, text, shown)
        except PocError:
            if not known:
                del self._plays[exercise]
            raise

    async def order(self, caller: Caller, exercise: str, text: str) -> bool:
        """Add an order of the caller's own exercise; False for a repeat."""
        play = self._plays.get(exercise)
        if play is None or play.announcement.controller != caller.holder:
            raise RefusedError("not-found")
        sha256 = artefact_sha256(text)
        row = await self._store.read_exercise(exercise)
        if row is not None:
            play = self._caught_up(row)
            if text in row.orders:
                return False
        directory = self._log.view.directory
        after = with_order(play, text, directory, now=self._now(), least=directory.size)
        number = len(after.orders)
        created = await self._store.add_order(exercise, number, play.newest_sha256, sha256, text)
        self._plays[exercise] = after
        return created

    def _caught_up(self, row: StoredExercise) -> Play:
        """The exercise, with orders that a failing disk kept all the same and that are not known here yet."""
        if len(row.orders) > len(self._plays[row.id].orders):
            self._plays[row.id] = _replayed(row)
        return self._plays[row.id]

    async def feed(self, caller: Caller, since: int) -> dict[str, Any]:
        """The exercises changed after ``since`` in which the caller's side takes part."""
        rows = await self._store.read_exercises(since, _PAGE)
        shown = [_shown(row) for row in rows if self._sees(caller, row.id)]
        return {"exercises": shown, "next": rows[-1].number if rows else since}

    async def show(self, caller: Caller, exercise: str) -> dict[str, Any]:
        """One exercise. Raises ``not-found``."""
        row = await self._store.read_exercise(exercise) if self._sees(caller, exercise) else None
        if row is None:
            raise RefusedError("not-found")
        return _shown(row)

    def _sees(self, caller: Caller, exercise: str) -> bool:
        play = self._plays.get(exercise)
        return play is not None and _takes_part(caller, play)


def _replayed(row: StoredExercise) -> Play:
    """The exercise from what was verified and judged when it came.

    It is not judged again: a controller's key that has ended since does not undo what stood before.
    """
    play = Play(
        read_form(Announcement, jws.read_compact(row.announcement).payload), artefact_sha256(row.announcement)
    )
    for text in row.orders:
        order = read_form(Order, jws.read_compact(text).payload)
        play = replace(play, orders=(*play.orders, order), newest_sha256=artefact_sha256(text))
    return play


def _takes_part(caller: Caller, play: Play) -> bool:
    if caller.role == "registrar":
        return False
    if caller.role == "authority":
        return any(state_of(party) == caller.holder for party in play.announcement.participants)
    return caller.role == "controller" or play.has(caller.holder)


def _shown(row: StoredExercise) -> dict[str, Any]:
    return {
        "number": row.number,
        "id": row.id,
        "announcement": row.announcement,
        "orders": list(row.orders),
    }
