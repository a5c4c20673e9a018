"""A new policy: the complete settings of a registry, made from those before it with changes.

What settings a registry may have is decided in ``core.rules_registry``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from poc.core import signers
from poc.core.bodies import Settings
from poc.core.directory import Directory
from poc.core.form import form_value
from poc.core.keys import VerifyKey
from poc.errors import RefusedError


def settings_before(directory: Directory, *, by_members: bool) -> Settings:
    """The settings a new policy continues.

    Registrars build on the newest, also where it still waits for an attest: it comes into force first. The
    members' authorities build on those in force, because what waits falls away by theirs.
    """
    waits = () if by_members else directory.pending_settings
    return (directory.settings, *waits)[-1]


def policy_signers(directory: Directory, *, by_members: bool) -> frozenset[str]:
    """The keys of whom a policy is signed by: registrars in force, or authorities of the members."""
    if not by_members:
        return frozenset(registrar.key.kid for registrar in directory.settings.registrars)
    states = (directory.state(state) for state in signers.members(directory))
    return frozenset(kid for state in states for kid in state.authority_kids)


def changed(
    before: Settings,
    values: Mapping[str, Any],
    *,
    add: Mapping[str, Iterable[Any]],
    drop: Mapping[str, Iterable[str]],
) -> dict[str, Any]:
    """The body of a policy: ``values`` replace members; ``add`` and ``drop`` change the lists of keys.

    Registrars are dropped by id, hub keys by kid, log keys by vkey. Raises ``bad-form`` for one that is not
    there, and where nothing would change.
    """
    body: dict[str, Any] = form_value(before)
    kept = dict(body)
    body |= values
    for member, (name_of, order) in _LISTS.items():
        rows = body[member]
        for wanted in drop.get(member, ()):
            left = [row for row in rows if name_of(row) != wanted]
            if len(left) == len(rows):
                raise RefusedError("bad-form", f"{member}: {wanted[:80]} is not there")
            rows = left
        rows = [*rows, *add.get(member, ())]
        body[member] = sorted(rows, key=order) if order else rows
    if body == kept:
        raise RefusedError("bad-form", "nothing would change")
    return body


def _kid(jwk: Any) -> str:
    return VerifyKey.from_jwk(jwk).kid


_LISTS: Mapping[str, tuple[Any, Any]] = {
    "registrars": (lambda row: row["id"], lambda row: str(row["id"])),
    "hub_keys": (_kid, lambda row: str(row["x"])),
    "log_keys": (str, None),
}
