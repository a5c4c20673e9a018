"""What passes with time alone: enrolments and recoveries come into force, suspensions end.

Windows that give power run on attested time only; how it comes about is decided in ``rules`` and
``rules_registry`` (DESIGN section 4).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from poc.core.directory import Recovery, State
from poc.core.working import Working


def pass_time(work: Working, attested_at: datetime, index: int) -> None:
    """Let everything take effect whose time has come, as of the entry of that index."""
    for state in list(work.states.values()):
        after = state
        if after.status == "pending" and after.effective_at <= attested_at:
            after = replace(after, status="enrolled")
        if after.recovering is not None and after.recovering.effective_at <= attested_at:
            after = recovered(work, after, after.recovering, index)
        if after.suspended is not None and after.suspended.until_at <= attested_at:
            after = reinstated(after, index)
        if after is not state:
            work.states[state.id] = after
    work.set(attested_at=attested_at)


def recovered(work: Working, state: State, recovery: Recovery, index: int) -> State:
    """The State under the keys of a recovery; all it had end as ``lost``."""
    for kid in (*state.authority_kids, *([] if state.recovery_kid is None else [state.recovery_kid])):
        work.end(kid, index, "lost")
    for kid in (
        *recovery.authority_kids,
        *([] if recovery.recovery_kid is None else [recovery.recovery_kid]),
    ):
        work.keys[kid] = replace(work.keys[kid], since=index)
    return replace(
        state,
        authority_kids=recovery.authority_kids,
        threshold=recovery.threshold,
        recovery_kid=recovery.recovery_kid,
        overruled=(),
        recovering=None,
        objection=None,
    )


def reinstated(state: State, index: int) -> State:
    """The State with the suspension that holds ended by the entry of that index."""
    return replace(state, suspensions=(*state.suspensions[:-1], replace(state.suspensions[-1], until=index)))
