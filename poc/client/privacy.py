"""Who may see a part of a card, who fetched it, and erasing it: at the hub, here, and at every desk.

What proves an erasure stands in ``core.erasure``; fetching cards in ``sync``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from poc.client.api import HubClient
from poc.client.feeds import member
from poc.client.known import Known
from poc.core.card import PARTS, Part, Visibility
from poc.core.directory import Contact, Directory
from poc.core.erasure import METHOD, Erasure, check_erasure, owns_card
from poc.core.form import form_of, state_of
from poc.core.play import Play
from poc.errors import RefusedError

_OF_ANOTHER_MOMENT = frozenset({"commitment-mismatch", "unknown-contact"})


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may have the opening of a part, as the verified directory is now; its own State always may.

    ``parties`` are of other States and bodies, and sorted. Of exercises only those known here count.
    """

    visibility: Visibility
    parties: tuple[str, ...]
    states: tuple[str, ...]
    words: str

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Reader:
    """That a party fetched a part of a card from the hub on a day, as the hub says."""

    part: str
    reader: str
    day: str


def audience(
    directory: Directory, plays: Mapping[str, Play], contact: str, state: str, visibility: Visibility
) -> Audience:
    """Who may see a part of this visibility of a contact of this State."""
    registrars = {registrar.id for registrar in directory.settings.registrars}
    if visibility == "parties":
        seen = registrars | set(directory.controllers) | _of_states(directory)
        words = "every party of this registry"
    elif visibility == "exercise":
        seen = registrars | set(directory.controllers) | _in_exercises(directory, plays, contact)
        words = "whoever is in an announced exercise with it, controllers and registrars"
    else:
        seen = registrars
        words = "the registrars"
    others = tuple(sorted(party for party in seen if state_of(party) != state or party in registrars))
    states = tuple(sorted({state_of(party) for party in others}))
    count = f"today {len(others)} parties of {len(states)} States and bodies"
    return Audience(visibility, others, states, f"its own State, and {words}: {count}")


def _of_states(directory: Directory) -> set[str]:
    enrolled = {state.id for state in directory.states.values() if state.status == "enrolled"}
    return enrolled | {c.id for state in enrolled for c in directory.contacts_of(state)}


def _in_exercises(directory: Directory, plays: Mapping[str, Play], contact: str) -> set[str]:
    with_it = {
        party for play in plays.values() if play.has(contact) for party in play.announcement.participants
    }
    return with_it & set(directory.contacts) | {state_of(party) for party in with_it}


def audiences(known: Known, contact: str, visibilities: Mapping[Part, Visibility]) -> dict[Part, Audience]:
    """Who may see each part, by the visibility given for it."""
    return {
        part: audience(known.directory, known.plays, contact, state_of(contact), visibility)
        for part, visibility in visibilities.items()
    }


def visibilities_of(contact: Contact) -> dict[Part, Visibility]:
    """The visibility of each part of a card, as the log has it."""
    return {part: found.visibility for part in PARTS if (found := contact.card.part(part)) is not None}


# --- erasing -----------------------------------------------------------------------------------


async def erase(known: Known, hub: HubClient, contact: str, parts: Sequence[Part]) -> list[Part]:
    """Erase parts of a card at the hub and here; give which. Every part the card has where none is named.

    What was asked of the hub before an error stays erased. Raises ``unknown-contact``, ``no-such-part``,
    ``right-missing`` where no key of this home owns the card, ``contact-frozen``, ``hub-unreachable``.
    """
    found = known.directory.contact(contact)
    keys = [known.directory.keys.get(key.kid) for key in known.request_keys()]
    if not any(record is not None and owns_card(record, found) for record in keys):
        raise RefusedError("right-missing", f"no key of this home may erase for {contact}")
    erased: list[Part] = []
    for part in parts or tuple(visibilities_of(found)):
        named = found.card.part(part)
        if named is None:
            raise RefusedError("no-such-part", f"{contact} {part}")
        await hub.send_json(METHOD, f"/v1/cards/{named.commitment}", b"")
        known.trust.erase_openings([named.commitment])
        erased.append(part)
    return erased


def erased_in(known: Known, answer: Any) -> tuple[set[str], list[str]]:
    """The commitments that a page of cards proves to be erased by their owner, and what to tell of others.

    Raises ``bad-answer-from-hub``.
    """
    erased, told = set(), []
    for value in _values(answer):
        try:
            erasure = form_of(Erasure, value)
            check_erasure(erasure, known.directory)
        except RefusedError as error:
            # The hub's log is a step before or behind: the next sync meets it again.
            if error.code not in _OF_ANOTHER_MOMENT:
                told.append(
                    f"cards: the hub says that a part was erased, and does not prove it: {error.code}"
                )
            continue
        erased.add(erasure.commitment)
    return erased, told


def _values(answer: Any) -> Iterable[Any]:
    """What a page says is erased; a hub before this version says nothing."""
    return member(answer, "erased", list) if "erased" in answer else ()


async def readers(hub: HubClient, contact: str) -> tuple[list[Reader], int]:
    """Who fetched the card of an own contact, and for how many days the hub keeps that.

    Raises ``not-found`` for a contact of another State, ``bad-answer-from-hub``, ``hub-unreachable``.
    """
    answer = await hub.get_json(f"/v1/contacts/{contact}/readers")
    found = [
        Reader(*(member(item, name, str) for name in ("part", "reader", "day")))
        for item in member(answer, "readers", list)
    ]
    return found, member(answer, "days_kept", int)
