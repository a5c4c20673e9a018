"""Notices: brakes that a witness holds because a log may lack them, and what contradicts them.

Which statements are brakes stands in ``statement``, what they do in ``rules``. Holding them and refusing
to cosign is the witness's (DESIGN section 4, Brakes).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import Field

from poc.core import jws
from poc.core.directory import NOT_YET, Directory, Recovery, State
from poc.core.form import Count, TopForm, Utc, form_bytes, form_of, form_value, state_of
from poc.core.rules import apply_all, at, with_notice
from poc.core.statement import (
    BRAKES,
    SignedStatement,
    SignedStatementForm,
    Statement,
    payload_sha256,
    read_entry,
    read_signed_statement,
    read_statement,
)
from poc.core.strictjson import canonical, format_time, parse
from poc.core.submission import Conflict
from poc.errors import RefusedError
from poc.limits import NOTE_BYTES_MAX, NOTICES_MAX

STOPPING: Final = frozenset({"state.object", "state.rotate"})
"""The brakes that bind a witness: they stop a step that waits. Others are held for whoever asks."""


class NoticeList(TopForm):
    """What a witness holds of a log, admissible in its first ``size`` entries."""

    size: Count
    notices: Annotated[tuple[SignedStatementForm, ...], Field(max_length=NOTICES_MAX)]


class ConflictFile(TopForm):
    """A checkpoint the log signed and a witness did not cosign, for others to judge.

    ``shown`` beside ``cosigned``, the one it last cosigned before; both are notes as the log signed them.
    ``cosigned`` is None where the witness has not kept it, ``notice`` unless one is contradicted.
    """

    kind: Conflict
    shown: Annotated[str, Field(min_length=1, max_length=NOTE_BYTES_MAX)]
    cosigned: Annotated[str, Field(min_length=1, max_length=NOTE_BYTES_MAX)] | None
    notice: SignedStatementForm | None
    kept_at: Utc


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A notice and the step that came into force against it, named for people."""

    notice: bytes
    payload_sha256: str
    step: str


def read_notice_list(value: Any, origin: str) -> list[SignedStatement]:
    """The notices in what a witness answers, a parsed JSON value; none of them is verified.

    Raises ``wrong-origin`` for those of another log, or as ``form_of``, ``read_signed_statement``.
    """
    held = form_of(NoticeList, value)
    if held.origin != origin:
        raise RefusedError("wrong-origin", f"expected {origin}")
    return [read_signed_statement(form_value(notice)) for notice in held.notices]


def read_notice(data: bytes) -> tuple[SignedStatement, Statement]:
    """Read a signed brake; no signature is verified.

    Raises ``not-a-brake`` for another type, or as ``parse``, ``read_signed_statement``, ``read_statement``.
    """
    signed = read_signed_statement(parse(data))
    statement = read_statement(signed.payload)
    if statement.type not in BRAKES:
        raise RefusedError("not-a-brake", statement.type)
    return signed, statement


def notice_bytes(signed: SignedStatement) -> bytes:
    """The RFC 8785 bytes of a notice, which :func:`read_notice` reads."""
    return canonical(signed.merged(()).value())


def notice_list(origin: str, size: int, notices: Iterable[bytes]) -> bytes:
    """The RFC 8785 bytes of a :class:`NoticeList`."""
    held = [parse(notice) for notice in notices]
    return canonical({"v": 1, "origin": origin, "size": size, "notices": held})


def conflict_bytes(
    origin: str, kind: Conflict, shown: bytes, cosigned: bytes | None, notice: bytes | None, kept_at: datetime
) -> bytes:
    """The RFC 8785 bytes of a :class:`ConflictFile`."""
    value = {
        "v": 1,
        "origin": origin,
        "kind": kind,
        "shown": shown.decode(),
        "cosigned": None if cosigned is None else cosigned.decode(),
        "notice": None if notice is None else parse(notice),
        "kept_at": format_time(kept_at),
    }
    return form_bytes(form_of(ConflictFile, value))


def signing_state(directory: Directory, signed: SignedStatement) -> str:
    """The State of whoever signed: of several, the first by name; keys it brings are passed over.

    ``signed`` is admissible in the directory, so at least one key of it signed.
    """
    kids = (jws.header_kid(signature.protected) for signature in signed.signatures)
    return min(state_of(directory.keys[kid].holder) for kid in kids if kid in directory.keys)


def check_notice(directory: Directory, signed: SignedStatement, clock: datetime) -> None:
    """Return only if a witness of this directory may hold the notice, at a time by its own clock.

    A step whose window has passed by that clock is stopped no more, whatever time was attested: so a hub
    that asks a witness for its notices after the window has them all, and logs them before the attest.

    Raises ``window-passed``, and as ``rules.with_notice``.
    """
    with_notice(directory, signed, clock)
    stopped = _stopped(directory, signed)
    if stopped and not stopped & _stopped(at(directory, max(clock, directory.attested_at)), signed):
        raise RefusedError("window-passed")


def has_ended(directory: Directory, notices: Iterable[bytes]) -> tuple[str, ...]:
    """Which notices, by the digest of their payload, the directory holds or would not admit any more."""
    ended = []
    for notice in notices:
        signed = read_notice(notice)[0]
        try:
            in_effect(directory, signed)
        except RefusedError:
            ended.append(payload_sha256(signed.payload))
    return tuple(ended)


def contradiction(
    before: Directory | None, leaves: Sequence[bytes], notices: Iterable[bytes]
) -> Contradiction | None:
    """The first step that comes into force in ``leaves`` although a notice stopped it just before.

    The leaves are verified, and those of a log that goes on from ``before``. A notice that was logged, or
    that had become inadmissible by another entry, stops nothing.
    """
    binding = [notice for notice in notices if read_notice(notice)[1].type in STOPPING]
    for leaf in leaves if binding else ():
        after = apply_all(before, [read_entry(leaf)])
        found = None if before is None else _contradiction(before, after, binding)
        if found is not None:
            return found
        before = after
    return None


def _contradiction(before: Directory, after: Directory, notices: Iterable[bytes]) -> Contradiction | None:
    """What one entry brought into force against a notice."""
    come = _come_into_force(before, after)
    for notice in notices if come else ():
        signed, statement = read_notice(notice)
        steps = come & _stopped(before, signed)
        if steps:
            return Contradiction(notice, statement.sha256, f"entry {before.size}: {min(steps)}")
    return None


def in_effect(directory: Directory, signed: SignedStatement) -> Directory:
    """With the notice in effect, judged at the directory's time and never before it was issued.

    Not at the clock's: without witnesses in force time passes with each entry, and a step that no entry
    has made effective yet can still be stopped.
    """
    return with_notice(directory, signed, read_statement(signed.payload).issued_at)


def _stopped(directory: Directory, signed: SignedStatement) -> frozenset[str]:
    """The steps that wait in the directory and that the notice stops."""
    try:
        return _waiting(directory) - _waiting(in_effect(directory, signed))
    except RefusedError:
        return frozenset()


def _waiting(directory: Directory) -> frozenset[str]:
    """The steps that wait for their window, by what they are and the entry that asked for them."""
    steps = set()
    for state in directory.states.values():
        if state.status == "pending":
            steps.add(_enrolment(state))
        if state.recovering is not None:
            steps.add(_recovery(state, state.recovering))
    return frozenset(steps)


def _come_into_force(before: Directory, after: Directory) -> frozenset[str]:
    """The steps that waited before and have had their effect after, whatever else the entry did."""
    steps = set()
    for state in before.states.values():
        if state.status == "pending" and after.states[state.id].status not in {"pending", "stopped"}:
            steps.add(_enrolment(state))
        waited = state.recovering
        if waited is not None and after.keys[waited.authority_kids[0]].since != NOT_YET:
            steps.add(_recovery(state, waited))
    return frozenset(steps)


def _enrolment(state: State) -> str:
    return f"enrolment of {state.id} ({state.enrolled.leaf_hash})"


def _recovery(state: State, recovery: Recovery) -> str:
    return f"recovery of {state.id} ({recovery.anchor.leaf_hash})"
