"""Who must sign a statement: groups of keys, and whether the signatures at hand are enough.

One function per kind of signer; the table of types stands in ``rules``. Used by ``apply``, by the
hub for proposals and by desks before they pass one on. Effects are not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from poc.core.directory import Directory
from poc.core.statement import Registrar


@dataclass(frozen=True, slots=True)
class Group:
    """Keys of which some must sign. ``keys`` maps a kid to what is counted: each value once.

    For registrars that is their body, so that two officers of one body count once; for all other
    groups it is the kid itself, so that a key counts once however often it signed.
    """

    who: str
    keys: Mapping[str, str]
    count: int

    def lacking(self, kids: Iterable[str]) -> int:
        """How many further signatures the group needs."""
        return max(0, self.count - len({self.keys[kid] for kid in kids if kid in self.keys}))


@dataclass(frozen=True, slots=True)
class Requirement:
    """Alternatives, each a set of groups that must all be satisfied."""

    alternatives: tuple[tuple[Group, ...], ...]

    def fitting(self, kids: frozenset[str]) -> tuple[tuple[Group, ...], ...]:
        """The alternatives in which every one of these signatures counts."""
        return tuple(a for a in self.alternatives if all(any(k in g.keys for g in a) for k in kids))

    def is_met(self, kids: frozenset[str]) -> bool:
        """Whether for one alternative every signature counts and every group is satisfied."""
        return any(not any(g.lacking(kids) for g in groups) for groups in self.fitting(kids))

    def missing(self, kids: frozenset[str]) -> tuple[str, ...]:
        """What is still needed, for people: the alternative that lacks least."""
        options = [
            tuple(f"{lack} of {group.who}" for group in groups if (lack := group.lacking(kids)))
            for groups in self.fitting(kids)
        ]
        return min(options, key=len, default=())


def one_of(*alternatives: Iterable[Group]) -> Requirement:
    """A requirement with these alternatives."""
    return Requirement(tuple(tuple(groups) for groups in alternatives))


def registrars(named: Iterable[Registrar], count: int) -> Group:
    """Registrars of ``count`` different bodies."""
    return Group(f"registrars of {count} different bodies", {r.key.kid: r.body for r in named}, count)


def all_registrars(named: Iterable[Registrar]) -> Group:
    """Every registrar named."""
    keys = {registrar.key.kid: registrar.id for registrar in named}
    return Group("registrars named", keys, len(keys))


def new_keys(kids: Iterable[str]) -> Group:
    """Every new key signs the statement that brings it."""
    keys = {kid: kid for kid in kids}
    return Group("the new keys themselves", keys, len(keys))


def authority(directory: Directory, state: str) -> Group:
    """The threshold of a State's authority keys. Raises ``unknown-state``."""
    found = directory.state(state)
    return Group(f"the authority of {state}", {k: k for k in found.authority_kids}, found.threshold)


def devices(directory: Directory, party: str, right: str | None, count: int) -> Group:
    """Active devices of a contact or controller, those with a right if one is named."""
    active = directory.devices_of(party)
    kids = {d.kid: d.kid for d in active if right is None or right in d.may}
    what = "" if right is None else f" with the right to {right}"
    return Group(f"devices of {party}{what}", kids, count)


def hub_keys(directory: Directory) -> Group:
    """One of the hub keys in force."""
    kids = {key.kid: key.kid for key in directory.settings.hub_keys}
    return Group("the hub's keys", kids, 1)
