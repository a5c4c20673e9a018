"""What may happen when: one (state, event) table each for draft, message, slot, acknowledgement, exercise.

A pair that is not in a table cannot happen; ``advance`` refuses it. Who may cause an event, and
what it is recorded with, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from poc.errors import RefusedError

Table: TypeAlias = Mapping[tuple[str, str], str]

DRAFT: Final[Table] = MappingProxyType(
    {
        # (state of a draft at a desk, event) -> state; any edit takes its preparation from it
        ("draft", "edited"): "draft",
        ("draft", "submitted"): "in-clearance",
        ("draft", "discarded"): "discarded",
        ("in-clearance", "edited"): "draft",
        ("in-clearance", "submitted"): "in-clearance",  # its file once more
        ("in-clearance", "prepared"): "cleared",
        ("in-clearance", "discarded"): "discarded",
        ("cleared", "edited"): "draft",
        ("cleared", "submitted"): "cleared",  # its file with the preparation
        ("cleared", "prepared"): "cleared",  # by yet another device, where the first has left
        ("cleared", "released"): "released",
        ("cleared", "discarded"): "discarded",
    }
)
MESSAGE: Final[Table] = MappingProxyType(
    {
        # (state of the sender's message, event) -> state
        ("outbox", "accepted"): "accepted",
        ("outbox", "rejected"): "rejected",
        ("outbox", "expired"): "expired",
        ("accepted", "accepted"): "accepted",  # the same receipt again, after a repeat
        ("rejected", "rejected"): "rejected",
        ("accepted", "expired"): "expired",
        ("expired", "accepted"): "accepted",  # the hub had it in time; its answer came late
    }
)
SLOT: Final[Table] = MappingProxyType(
    {
        # (state of one device's slot at the hub, event) -> state
        ("held", "released"): "released",
        ("held", "not-needed"): "not-needed",
        ("released", "retrieved"): "retrieved",
        ("released", "acknowledged"): "answered",
        ("released", "declined"): "answered",
        ("retrieved", "retrieved"): "retrieved",
        ("retrieved", "acknowledged"): "answered",
        ("retrieved", "declined"): "answered",
        ("answered", "retrieved"): "answered",
        ("answered", "acknowledged"): "answered",
    }
)
ACKNOWLEDGEMENT: Final[Table] = MappingProxyType(
    {
        # (what a contact owes for one message, event recorded by the hub) -> state
        ("awaited", "retrieved"): "retrieved",
        ("awaited", "acknowledged"): "acknowledged",
        ("awaited", "declined"): "declined",
        ("awaited", "expired"): "expired",
        ("retrieved", "retrieved"): "retrieved",
        ("retrieved", "acknowledged"): "acknowledged",
        ("retrieved", "declined"): "declined",
        ("retrieved", "expired"): "expired",
        ("acknowledged", "retrieved"): "acknowledged",
        ("acknowledged", "acknowledged"): "acknowledged",
        ("declined", "retrieved"): "declined",
        ("declined", "declined"): "declined",
        ("expired", "retrieved"): "expired",
        ("expired", "acknowledged"): "acknowledged-late",
        ("expired", "declined"): "declined-late",
        ("acknowledged-late", "retrieved"): "acknowledged-late",
        ("acknowledged-late", "acknowledged"): "acknowledged-late",
        ("declined-late", "retrieved"): "declined-late",
        ("declined-late", "declined"): "declined-late",
    }
)
EXERCISE: Final[Table] = MappingProxyType(
    {
        # (state of an exercise, order) -> state
        ("announced", "start"): "open",
        ("open", "end"): "ended",
        ("announced", "end"): "ended",  # called off
    }
)
TABLES: Final[Mapping[str, Table]] = MappingProxyType(
    {
        "draft": DRAFT,
        "message": MESSAGE,
        "slot": SLOT,
        "acknowledgement": ACKNOWLEDGEMENT,
        "exercise": EXERCISE,
    }
)


def advance(table: Table, state: str, event: str) -> str:
    """The state after an event.

    Raises:
        RefusedError: ``not-in-this-state`` for every pair the table does not have.
    """
    after = table.get((state, event))
    if after is None:
        raise RefusedError("not-in-this-state", f"{event} after {state}")
    return after


def states(table: Table) -> frozenset[str]:
    """Every state a table knows."""
    return frozenset({before for before, _ in table} | set(table.values()))


def events(table: Table) -> frozenset[str]:
    """Every event a table knows."""
    return frozenset(event for _, event in table)
