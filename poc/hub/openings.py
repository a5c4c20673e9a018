"""What travels beside the log: openings of cards, by their visibility, and sealing keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from poc.core.card import Opening
from poc.core.directory import Contact, Directory
from poc.core.form import form_bytes, state_of
from poc.core.proposal import SealingJwk
from poc.core.strictjson import parse
from poc.errors import RefusedError
from poc.hub.caller import Caller
from poc.hub.exercises import Exercises
from poc.hub.log import Log
from poc.store.base import Store

_PAGE: int = 500


@dataclass(frozen=True, slots=True)
class _Place:
    contact: Contact
    part: str
    visibility: str


class Openings:
    """Keeps openings and sealing keys and gives them to whom they are for."""

    def __init__(self, store: Store, log: Log, exercises: Exercises) -> None:
        self._store = store
        self._log = log
        self._exercises = exercises
        self._places: tuple[Directory | None, dict[str, _Place]] = (None, {})

    async def put_card(self, caller: Caller, commitment: str, opening: Opening) -> bool:
        """Keep the opening of a current commitment of the caller's own; False for a repeat.

        Raises ``commitment-mismatch``, ``not-found``.
        """
        place = self._current().get(commitment)
        if place is None or place.part != opening.part or not _owns(caller, place.contact):
            raise RefusedError("not-found")
        if opening.commitment() != commitment:
            raise RefusedError("commitment-mismatch")
        return await self._store.put_opening(commitment, place.contact.id, opening.part, form_bytes(opening))

    async def cards(self, caller: Caller, since: int) -> dict[str, Any]:
        """The openings numbered above ``since`` that are current and for this caller."""
        rows = await self._store.read_openings(since, _PAGE)
        places = self._current()
        shown = [
            {"number": r.number, "contact": r.contact, "part": r.part, "opening": parse(r.data)}
            for r in rows
            if r.commitment in places and self._sees(caller, places[r.commitment])
        ]
        return {"cards": shown, "next": rows[-1].number if rows else since}

    async def put_key(self, caller: Caller, kid: str, jwk: SealingJwk) -> bool:
        """Keep a sealing key the log names, for a party of the caller's own; False for a repeat."""
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
        rows = await self._store.read_sealing_keys(since, _PAGE)
        shown = [{"number": row.number, "jwk": parse(row.jwk)} for row in rows]
        return {"keys": shown, "next": rows[-1].number if rows else since}

    def _current(self) -> dict[str, _Place]:
        directory = self._log.view.directory
        if self._places[0] is not directory:
            places = {}
            for contact in directory.contacts.values():
                for part in ("office", "reach", "person"):
                    commitment = contact.card.part(part)
                    if commitment is not None and not contact.withdrawn:
                        place = _Place(contact, part, commitment.visibility)
                        places[commitment.commitment] = place
            self._places = (directory, places)
        return self._places[1]

    def _sees(self, caller: Caller, place: _Place) -> bool:
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
