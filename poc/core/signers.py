"""Who must sign a statement: groups of keys, and whether the signatures at hand are enough.

One function per kind of signer; the table of types stands in ``rules``. Used by ``apply``, by the
hub for proposals and by desks before they pass one on. Effects are not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from poc.core.bodies import Registrar
from poc.core.directory import Directory


@dataclass(frozen=True, slots=True)
class Group:
    """Keys of which some must sign. ``keys`` maps a kid to what is counted: each value once.

    For registrars that is their body, so that two officers of one body count once; for all other
    groups it is the kid itself, so that a key counts once however often it signed.
    """

    who: str
    keys: Mapping[str, str]
    count: int
    by_body: bool = False

    def lacking(self, kids: Iterable[str]) -> int:
        """How many further signatures the group needs."""
        return max(0, self.count - len(self._counted(kids)))

    def wanted(self, kids: Iterable[str]) -> str:
        """What is lacking, for people: ``1 signature of a registrar of another body than x-las``."""
        counted = self._counted(kids)
        lack = max(0, self.count - len(counted))
        signatures = "1 signature" if lack == 1 else f"{lack} signatures"
        if not self.by_body:
            return f"{signatures} of {self.who}"
        who = "a registrar" if lack == 1 else "registrars of different bodies"
        if not counted:
            return f"{signatures} of {who}"
        others = "of another body than" if lack == 1 else "other than"
        return f"{signatures} of {who} {others} {', '.join(sorted(counted))}"

    def _counted(self, kids: Iterable[str]) -> set[str]:
        return {self.keys[kid] for kid in kids if kid in self.keys}


@dataclass(frozen=True, slots=True)
class Several:
    """``count`` of these groups must each be satisfied: authorities, each by its own threshold."""

    who: str
    groups: tuple[Group, ...]
    count: int

    @property
    def keys(self) -> Mapping[str, str]:
        """Every key of every group."""
        return {kid: counted for group in self.groups for kid, counted in group.keys.items()}

    def lacking(self, kids: Iterable[str]) -> int:
        """How many further groups must be satisfied."""
        signed = frozenset(kids)
        return max(0, self.count - sum(not group.lacking(signed) for group in self.groups))

    def wanted(self, kids: Iterable[str]) -> str:
        """What is lacking, for people."""
        return f"{self.lacking(kids)} of {self.who}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Alternatives, each a set of groups that must all be satisfied."""

    alternatives: tuple[tuple[AnyGroup, ...], ...]

    def fitting(self, kids: frozenset[str]) -> tuple[tuple[AnyGroup, ...], ...]:
        """The alternatives in which every one of these signatures counts."""
        return tuple(a for a in self.alternatives if all(any(k in g.keys for g in a) for k in kids))

    def is_met(self, kids: frozenset[str]) -> bool:
        """Whether for one alternative every signature counts and every group is satisfied."""
        return any(not any(g.lacking(kids) for g in groups) for groups in self.fitting(kids))

    def missing(self, kids: frozenset[str]) -> tuple[str, ...]:
        """What is still needed, for people: the alternative that lacks the fewest signatures."""
        nearest = min(
            self.fitting(kids), key=lambda groups: sum(group.lacking(kids) for group in groups), default=()
        )
        return tuple(group.wanted(kids) for group in nearest if group.lacking(kids))


AnyGroup: TypeAlias = Group | Several


def one_of(*alternatives: Iterable[AnyGroup]) -> Requirement:
    """A requirement with these alternatives."""
    return Requirement(tuple(tuple(groups) for groups in alternatives))


def registrars(named: Iterable[Registrar], count: int) -> Group:
    """Registrars of ``count`` different bodies."""
    return Group("registrars", {r.key.kid: r.body for r in named}, count, by_body=True)


def all_registrars(named: Iterable[Registrar]) -> Group:
    """Every registrar named."""
    keys = {registrar.key.kid: registrar.id for registrar in named}
    return Group("the registrars named", keys, len(keys))


def new_keys(kids: Iterable[str]) -> Group:
    """Every new key signs the statement that brings it."""
    keys = {kid: kid for kid in kids}
    return Group("the new keys this brings", keys, len(keys))


def authority(directory: Directory, state: str) -> Group:
    """The threshold of a State's authority keys. Raises ``unknown-state``."""
    found = directory.state(state)
    return Group(f"the authority of {state}", {k: k for k in found.authority_kids}, found.threshold)


def authorities(who: str, directory: Directory, states: Iterable[str], count: int) -> Several:
    """The authorities of ``count`` of these enrolled States, each by its threshold."""
    return Several(who, tuple(authority(directory, state) for state in sorted(states)), count)


def members(directory: Directory) -> list[str]:
    """The enrolled member States; observers and organisations are none."""
    return [s.id for s in directory.states.values() if s.status == "enrolled" and s.kind == "member"]


def any_authority_key(directory: Directory, state: str) -> Group:
    """One of a State's authority keys, below its threshold. Raises ``unknown-state``."""
    kids = directory.state(state).authority_kids
    return Group(f"an authority key of {state}", {kid: kid for kid in kids}, 1)


def two_contacts(directory: Directory, state: str) -> Group:
    """A device with ``change`` of each of two contacts of a State."""
    kids = {d.kid: c.id for c in directory.contacts_of(state) for d in c.devices if "change" in d.may}
    return Group(f"devices of two contacts of {state} with the right to change", kids, 2)


def devices(directory: Directory, party: str, right: str | None, count: int) -> Group:
    """Active devices of a contact or controller, those with a right if one is named."""
    active = directory.devices_of(party)
    kids = {d.kid: d.kid for d in active if right is None or right in d.may}
    what = "" if right is None else f" with the right to {right}"
    return Group(f"devices of {party}{what}", kids, count)


def changers(directory: Directory, state: str) -> Group:
    """One device with ``change`` of any contact of a State."""
    kids = {d.kid: d.kid for c in directory.contacts_of(state) for d in c.devices if "change" in d.may}
    return Group(f"devices of contacts of {state} with the right to change", kids, 1)


def recovery(directory: Directory, state: str) -> Group:
    """A State's recovery key; nobody's where it has none. Raises ``unknown-state``."""
    kid = directory.state(state).recovery_kid
    return Group(f"the recovery key of {state}", {} if kid is None else {kid: kid}, 1)


def hub_keys(directory: Directory) -> Group:
    """One of the hub keys in force."""
    kids = {key.kid: key.kid for key in directory.settings.hub_keys}
    return Group("the hub", kids, 1)
