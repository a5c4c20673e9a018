"""Rules of ``state.*``: who is admitted, under which keys, from when on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from poc.core.bodies import ActsOn, Authority, Enrol, SigningJwk, StateRotate
from poc.core.directory import Anchor, KeyRecord, KeyRole, State
from poc.core.form import is_state
from poc.core.iso3166 import ALPHA_2
from poc.core.statement import Statement
from poc.core.working import Working, superseded
from poc.errors import RefusedError


def check_state_id(state: str) -> None:
    """Refuse an id that is neither an ISO 3166-1 code nor ``x-…``. Raises ``bad-state-id``."""
    if not is_state(state) or not (state in ALPHA_2 or state.startswith("x-")):
        raise RefusedError("bad-state-id", state[:20])


def _check_kind(state: str, kind: str) -> None:
    """A member has a two-letter code, an organisation an ``x-…`` id, an observer either."""
    is_body = state.startswith("x-")
    if (kind == "member" and is_body) or (kind == "organisation" and not is_body):
        raise RefusedError("bad-state-id", f"{state} as {kind}")


def apply_enrol(work: Working, statement: Statement, body: Enrol, anchor: Anchor) -> None:
    """Admit a State, or a withdrawn one again: pending until its window has passed, at once where that is 0.

    Raises ``bad-state-id``, ``already-enrolled``, ``bad-threshold``, ``recovery-key-missing``,
    ``key-in-use``.
    """
    settings = work.directory.settings
    check_state_id(statement.subject)
    _check_kind(statement.subject, body.kind)
    before = work.states.get(statement.subject)
    if before is not None and before.status != "withdrawn":
        raise RefusedError("already-enrolled", statement.subject)
    _check_keys(work, body.authority, body.recovery)
    _claim(work, "authority", body.authority.keys, statement.subject, anchor.index)
    if body.recovery is not None:
        _claim(work, "recovery", (body.recovery,), statement.subject, anchor.index)
    work.states[statement.subject] = State(
        id=statement.subject,
        kind=body.kind,
        names=body.names,
        status="pending" if settings.objection_seconds else "enrolled",
        effective_at=anchor.logged_at + timedelta(seconds=settings.objection_seconds),
        authority_kids=tuple(key.kid for key in body.authority.keys),
        threshold=body.authority.threshold,
        recovery_kid=None if body.recovery is None else body.recovery.kid,
        version=statement.version or 1,
        newest=anchor,
        enrolled=anchor,
    )


def apply_rotate(
    work: Working, statement: Statement, body: StateRotate, anchor: Anchor, kids: frozenset[str]
) -> None:
    """Replace a State's authority, and by the recovery key its recovery key too.

    Keys listed again stay, new ones come, all others end as ``replaced``; ``kids`` are the keys that
    signed. Raises ``bad-threshold``, ``recovery-key-missing``, ``key-in-use``, ``key-was-revoked``.
    """
    state = work.directory.state(statement.subject)
    _check_keys(work, body.authority, body.recovery)
    authority_kids = tuple(key.kid for key in body.authority.keys)
    recovery_kid = None if body.recovery is None else body.recovery.kid
    for kid in state.authority_kids:
        if kid not in authority_kids:
            work.end(kid, anchor.index, "replaced")
    if state.recovery_kid not in (None, recovery_kid):
        work.end(state.recovery_kid, anchor.index, "replaced")
    new = tuple(key for key in body.authority.keys if key.kid not in state.authority_kids)
    _claim(work, "authority", new, state.id, anchor.index)
    if body.recovery is not None and recovery_kid != state.recovery_kid:
        _claim(work, "recovery", (body.recovery,), state.id, anchor.index)
    by_recovery = state.recovery_kid in kids
    followed = (*state.overruled, (state.version, state.newest.leaf_hash))
    work.states[state.id] = replace(
        state,
        authority_kids=authority_kids,
        threshold=body.authority.threshold,
        recovery_kid=recovery_kid,
        version=statement.version or 1,
        newest=anchor,
        overruled=() if by_recovery else followed,
    )


def apply_withdraw(work: Working, statement: Statement, body: ActsOn, anchor: Anchor) -> None:
    """Take a State out with all its contacts, and end their keys; it returns by a new enrolment.

    It names the enrolment: no rotation makes it superseded.
    """
    state = work.directory.state(statement.subject)
    if body.entry != state.enrolled.leaf_hash:
        raise superseded(state.enrolled, "the enrolment")
    for kid in (*state.authority_kids, *([state.recovery_kid] if state.recovery_kid else [])):
        work.end(kid, anchor.index, "withdrawn")
    for contact in list(work.directory.contacts_of(state.id)):
        work.withdraw_contact(contact, anchor.index)
    work.states[state.id] = replace(
        state, status="withdrawn", authority_kids=(), recovery_kid=None, overruled=()
    )


def _check_keys(work: Working, authority: Authority, recovery: SigningJwk | None) -> None:
    """Refuse more signatures than keys, and no recovery key where actual messages are admitted."""
    if authority.threshold > len(authority.keys):
        raise RefusedError("bad-threshold", f"{len(authority.keys)} keys")
    if recovery is None and "actual" in work.directory.settings.statuses:
        raise RefusedError("recovery-key-missing")


def _claim(work: Working, role: KeyRole, keys: tuple[SigningJwk, ...], state: str, index: int) -> None:
    for key in keys:
        work.claim(KeyRecord(key.kid, role, state, key.verify_key(), None, frozenset(), index))
