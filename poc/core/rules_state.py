"""Rules of ``state.*``: who is admitted, under which keys, from when on."""

from __future__ import annotations

from datetime import timedelta

from poc.core.bodies import Enrol, SigningJwk
from poc.core.directory import Anchor, KeyRecord, KeyRole, State
from poc.core.form import is_state
from poc.core.iso3166 import ALPHA_2
from poc.core.statement import Statement
from poc.core.working import Working
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
    """Admit a State: pending until its objection window has passed, at once where that is 0.

    Raises ``bad-state-id``, ``already-enrolled``, ``bad-threshold``, ``recovery-key-missing``,
    ``key-in-use``.
    """
    settings = work.directory.settings
    check_state_id(statement.subject)
    _check_kind(statement.subject, body.kind)
    if statement.subject in work.states:
        raise RefusedError("already-enrolled", statement.subject)
    if body.authority.threshold > len(body.authority.keys):
        raise RefusedError("bad-threshold", f"{len(body.authority.keys)} keys")
    if body.recovery is None and "actual" in settings.statuses:
        raise RefusedError("recovery-key-missing")
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


def _claim(work: Working, role: KeyRole, keys: tuple[SigningJwk, ...], state: str, index: int) -> None:
    for key in keys:
        work.claim(KeyRecord(key.kid, role, state, key.verify_key(), None, frozenset(), index))
