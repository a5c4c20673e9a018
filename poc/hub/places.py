"""Which commitment opens which part of which card now, and for whom: read off the directory, pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from poc.core.card import PARTS, Part
from poc.core.directory import Contact, Directory

PlaceKey: TypeAlias = tuple[str, str]
"""A commitment and the contact that has it: a commitment copied by another contact opens nothing there."""


@dataclass(frozen=True, slots=True)
class Place:
    """One part of one card whose opening may be kept."""

    contact: Contact
    part: Part
    visibility: str


def places_of(directory: Directory) -> Mapping[PlaceKey, Place]:
    """Every current commitment. Contacts that are withdrawn, or whose State is, have none."""
    places = {}
    for contact in directory.contacts.values():
        state = directory.states.get(contact.state)
        if contact.withdrawn or (state is not None and state.status == "withdrawn"):
            continue
        for part in PARTS:
            commitment = contact.card.part(part)
            if commitment is not None:
                place = Place(contact, part, commitment.visibility)
                places[commitment.commitment, contact.id] = place
    return places


def shown_anew(before: Directory, after: Directory) -> tuple[str, ...]:
    """Commitments that stay but are for others than before: whoever follows the feed must meet them again."""
    old = places_of(before)
    return tuple(
        key[0]
        for key, place in places_of(after).items()
        if key in old and old[key].visibility != place.visibility
    )
