"""Who makes a request: a key of the directory that is good now, and what its holder is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from poc.core.directory import Directory, KeyRecord
from poc.core.form import state_of
from poc.core.keys import VerifyKey
from poc.errors import RefusedError

Role = Literal["contact", "controller", "authority", "registrar", "witness"]


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified caller. ``device`` is set for contacts and controllers."""

    kid: str
    role: Role
    holder: str
    device: int | None
    may: frozenset[str]

    @property
    def state(self) -> str:
        """The State or body of the holder."""
        return state_of(self.holder)


def caller_of(directory: Directory, kid: str) -> tuple[Caller, VerifyKey]:
    """The caller a key speaks for.

    Raises ``bad-request-signature`` for a key that is none, has ended, or waits for its policy or recovery:
    whoever asked for those could read what is not theirs yet.
    """
    record = directory.keys.get(kid)
    good = record is not None and record.is_good_at(directory.size)
    role = _role(directory, record) if record is not None and good else None
    if record is None or role is None or record.verify_key is None:
        raise RefusedError("bad-request-signature", "no key in force of this registry")
    return Caller(kid, role, record.holder, record.device, record.may), record.verify_key


def sealing_kids(directory: Directory, caller: Caller) -> tuple[str, ...]:
    """Every sealing key the caller's device has or had."""
    return tuple(
        record.kid
        for record in directory.keys.values()
        if record.role == "sealing" and (record.holder, record.device) == (caller.holder, caller.device)
    )


def _role(directory: Directory, record: KeyRecord) -> Role | None:
    state = directory.states.get(state_of(record.holder))
    enrolled = state is not None and state.status == "enrolled"
    if record.role == "registrar":
        return "registrar"
    if record.role in {"authority", "recovery"} and enrolled:
        return "authority"  # the recovery key reads the log too: it must rotate where the authority was taken
    if record.role == "witness" and enrolled:
        return "witness"
    if record.role == "device" and record.holder in directory.controllers:
        return "controller"
    if record.role == "witness" and enrolled:
        return "witness"  # from its appointment on: it is asked to cosign before its seat is in force
    return "contact" if record.role == "device" and enrolled else None
