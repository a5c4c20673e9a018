"""Rules of ``state.*``: who is admitted, under which keys, from when on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from poc.core import rules_witness
from poc.core.bodies import ActsOn, Authority, Enrol, Recover, SigningJwk, StateRotate, Suspend
from poc.core.directory import (
    NOT_YET,
    Anchor,
    KeyRecord,
    KeyRole,
    Objection,
    Recovery,
    State,
    Suspension,
)
from poc.core.form import is_state
from poc.core.iso3166 import ALPHA_2
from poc.core.passing import recovered, reinstated
from poc.core.statement import Statement
from poc.core.strictjson import format_time
from poc.core.working import Working, superseded
from poc.errors import RefusedError
from poc.limits import SUSPEND_SECONDS_MAX


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

    One that was stopped by an objection may be tried once more, after a new call-back; its keys may be the
    same. Raises ``bad-state-id``, ``already-enrolled``, ``call-back-too-old``, ``bad-threshold``,
    ``recovery-key-missing``, ``key-in-use``.
    """
    settings = work.directory.settings
    check_state_id(statement.subject)
    _check_kind(statement.subject, body.kind)
    before = work.states.get(statement.subject)
    if before is not None and before.status not in ("withdrawn", "stopped"):
        raise RefusedError("already-enrolled", statement.subject)
    stopped_at = None if before is None else before.stopped_at
    if stopped_at is not None and body.call_back.at < stopped_at:
        raise RefusedError("call-back-too-old", f"the objection is of {format_time(stopped_at)}")
    _check_keys(work, body.authority, body.recovery)
    _claim_or_keep(work, body.authority, body.recovery, statement.subject, anchor.index)
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
        retried=stopped_at is not None,
        suspensions=() if before is None else before.suspensions,
    )


def apply_rotate(
    work: Working, statement: Statement, body: StateRotate, anchor: Anchor, kids: frozenset[str]
) -> None:
    """Replace a State's authority, and by the recovery key its recovery key too.

    Keys listed again stay, new ones come, all others end as ``replaced``; ``kids`` are the keys that
    signed. It objects to a recovery that waits. Raises ``bad-threshold``, ``recovery-key-missing``,
    ``key-in-use``, ``key-was-revoked``.
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
    rotated = replace(
        state,
        authority_kids=authority_kids,
        threshold=body.authority.threshold,
        recovery_kid=recovery_kid,
        version=statement.version or 1,
        newest=anchor,
        overruled=() if by_recovery else followed,
    )
    work.states[state.id] = objected(rotated, anchor, by_old_keys=not by_recovery)


def apply_recover(work: Working, statement: Statement, body: Recover, anchor: Anchor) -> None:
    """Let new keys wait for the window, everything the State had being lost; at once where the window is 0.

    Raises ``unknown-state``, ``cannot-overrule``, ``bad-threshold``, ``recovery-key-missing``,
    ``key-in-use``.
    """
    settings = work.directory.settings
    state = work.directory.state(statement.subject)
    objection = state.objection
    if body.overrules is not None and (
        objection is None or body.overrules != objection.leaf_hash or not objection.by_old_keys
    ):
        raise RefusedError("cannot-overrule", state.id)
    _check_keys(work, body.authority, body.recovery)
    _claim_or_keep(work, body.authority, body.recovery, state.id, NOT_YET)
    recovery = Recovery(
        anchor=anchor,
        effective_at=anchor.logged_at + timedelta(seconds=settings.objection_seconds),
        authority_kids=tuple(key.kid for key in body.authority.keys),
        threshold=body.authority.threshold,
        recovery_kid=None if body.recovery is None else body.recovery.kid,
        overrules=body.overrules is not None,
    )
    waiting = replace(state, version=statement.version or 1, newest=anchor, recovering=recovery, overruled=())
    if not settings.objection_seconds:
        waiting = recovered(work, waiting, recovery, anchor.index)
    work.states[state.id] = waiting


def apply_object(
    work: Working, statement: Statement, body: ActsOn, anchor: Anchor, kids: frozenset[str]
) -> None:
    """Stop an enrolment or a recovery that waits; where it can no longer be stopped, it is only recorded.

    ``kids`` are the keys that signed. Raises ``not-pending``.
    """
    state = work.states[statement.subject]
    waits = state.enrolled if state.status == "pending" else None
    if state.recovering is not None:
        waits = state.recovering.anchor
    if waits is None or body.entry != waits.leaf_hash:
        raise RefusedError("not-pending", state.id)
    if state.status == "pending":
        if not state.retried:
            work.states[state.id] = replace(state, status="stopped", stopped_at=anchor.logged_at)
        return
    by_old_keys = kids <= frozenset(state.authority_kids)
    work.states[state.id] = objected(state, anchor, by_old_keys=by_old_keys)


def objected(state: State, anchor: Anchor, *, by_old_keys: bool) -> State:
    """The State with the recovery that waits stopped; one that overrules is not by old keys alone."""
    if state.recovering is None or (by_old_keys and state.recovering.overrules):
        return state
    return replace(state, recovering=None, objection=Objection(anchor.leaf_hash, by_old_keys))


def apply_suspend(work: Working, statement: Statement, body: Suspend, anchor: Anchor) -> None:
    """Cut a State from what the scope says, until a time at the latest.

    Raises ``unknown-state``, ``state-suspended`` (already), ``bad-suspension``.
    """
    state = work.directory.state(statement.subject)
    if state.suspended is not None:
        raise RefusedError("state-suspended", f"{state.id} already is")
    latest = statement.issued_at + timedelta(seconds=SUSPEND_SECONDS_MAX)
    if not anchor.logged_at < body.until <= latest:
        raise RefusedError("bad-suspension", format_time(body.until))
    span = Suspension(anchor, body.reason, frozenset(body.scope), body.until)
    work.states[state.id] = replace(state, suspensions=(*state.suspensions, span))


def apply_reinstate(work: Working, statement: Statement, body: ActsOn, anchor: Anchor) -> None:
    """End the suspension it names. Raises ``unknown-state``, ``superseded``."""
    state = work.directory.state(statement.subject)
    held = state.suspended
    if held is None or body.entry != held.since.leaf_hash:
        raise superseded(None if held is None else held.since, "the suspension")
    work.states[state.id] = reinstated(state, anchor.index)


def apply_withdraw(work: Working, statement: Statement, body: ActsOn, anchor: Anchor) -> None:
    """Take a State out with all its contacts, and end their keys; it returns by a new enrolment.

    Its witness loses its seat at the next attest, a suspension ends. It names the enrolment: no rotation
    makes it superseded.
    """
    state = work.directory.state(statement.subject)
    if body.entry != state.enrolled.leaf_hash:
        raise superseded(state.enrolled, "the enrolment")
    for kid in (*state.authority_kids, *([state.recovery_kid] if state.recovery_kid else [])):
        work.end(kid, anchor.index, "withdrawn")
    for contact in list(work.directory.contacts_of(state.id)):
        work.withdraw_contact(contact, anchor.index)
    for witness in [w for w in work.witnesses.values() if w.state == state.id and not w.dismissed]:
        rules_witness.dismiss(work, witness, anchor)
    work.states[state.id] = replace(
        state if state.suspended is None else reinstated(state, anchor.index),
        status="withdrawn",
        authority_kids=(),
        recovery_kid=None,
        overruled=(),
        recovering=None,
        objection=None,
    )


def _check_keys(work: Working, authority: Authority, recovery: SigningJwk | None) -> None:
    """Refuse more signatures than keys, and no recovery key where actual messages are admitted."""
    if authority.threshold > len(authority.keys):
        raise RefusedError("bad-threshold", f"{len(authority.keys)} keys")
    if recovery is None and "actual" in work.directory.settings.statuses:
        raise RefusedError("recovery-key-missing")


def _claim_or_keep(
    work: Working, authority: Authority, recovery: SigningJwk | None, state: str, since: int
) -> None:
    """Give a State these keys; those of an enrolment or recovery of its own that was stopped stay its own.

    Keys of a stopped enrolment that are not named again end.
    """
    named: list[tuple[KeyRole, SigningJwk]] = [("authority", key) for key in authority.keys]
    if recovery is not None:
        named.append(("recovery", recovery))
    before = work.states.get(state)
    if before is not None and before.status == "stopped":
        old = (*before.authority_kids, *([] if before.recovery_kid is None else [before.recovery_kid]))
        for kid in set(old) - {key.kid for _, key in named}:
            work.end(kid, since, "replaced")
    for role, key in named:
        record = work.keys.get(key.kid)
        if record is None or record.role != role or not work.directory.is_of_stopped(record, state):
            _claim(work, role, (key,), state, since)
        elif record.since == NOT_YET:
            work.keys[key.kid] = replace(record, since=since)


def _claim(work: Working, role: KeyRole, keys: tuple[SigningJwk, ...], state: str, index: int) -> None:
    for key in keys:
        work.claim(KeyRecord(key.kid, role, state, key.verify_key(), None, frozenset(), index))
