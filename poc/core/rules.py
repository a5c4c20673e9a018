"""The rules of the registry: what an entry does to the directory, or why it is refused.

Two pure functions: :func:`apply` (and :func:`apply_all`, the same for many) and :func:`at`. The
hub admits with them; desks verify with them; nothing but the log goes in. One table says for each
type who must sign and what it does; the effects stand in ``rules_registry``, ``rules_state`` and
``rules_contact``, who must sign in ``required`` (DESIGN section 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from poc.core import (
    jws,
    merkle,
    required,
    rules_contact,
    rules_registry,
    rules_state,
    rules_witness,
)
from poc.core.directory import Anchor, DeviceState, Directory, KeyRecord
from poc.core.form import state_of
from poc.core.judge import check_not_suspended
from poc.core.keys import VerifyKey
from poc.core.passing import pass_time
from poc.core.signers import Requirement
from poc.core.statement import BRAKES, CHAINED, SignedEntry, SignedStatement, Statement, read_statement
from poc.core.working import Working, superseded
from poc.errors import RefusedError
from poc.limits import ISSUED_AGE_SECONDS_MAX, ISSUED_AHEAD_SECONDS_MAX

_NOMINATING: Final = frozenset({"contact.nominate", "contact.update", "contact.device-add"})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a proposal has come. ``missing`` is for people."""

    complete: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Act:
    """An admitted statement: what an effect may look at besides the working copy."""

    statement: Statement
    anchor: Anchor
    kids: frozenset[str]

    @property
    def body(self) -> Any:
        """The body; its model is the one of the statement's type."""
        return self.statement.body


def start(entry: SignedEntry) -> Directory:
    """The directory of a log that begins with this entry.

    Raises ``not-a-genesis``, ``signatures-missing``, or what the settings are refused for.
    """
    statement = check_genesis(entry.signed.payload)
    _check_times(statement, entry.logged_at, None)
    settings: Any = statement.body
    _check_signatures(entry.signed, statement, required.founding(settings), {})
    anchor = Anchor(0, entry.leaf_hash, entry.logged_at)
    return rules_registry.found(statement, settings, anchor, entry.leaf)


def check_genesis(payload: bytes) -> Statement:
    """The statement of a genesis whose settings a registry may have; its signatures are not looked at.

    Raises ``not-a-genesis``, or what the settings are refused for.
    """
    statement = read_statement(payload)
    if statement.type != "registry.genesis" or statement.subject != statement.origin:
        raise RefusedError("not-a-genesis")
    settings: Any = statement.body
    rules_registry.check_settings(settings, statement.origin)
    return statement


def apply(directory: Directory, entry: SignedEntry) -> Directory:
    """The directory after one more entry. The given one is not changed.

    Raises ``RefusedError`` with the code of the first rule the entry breaks.
    """
    return apply_all(directory, (entry,))


def apply_all(directory: Directory | None, entries: Iterable[SignedEntry]) -> Directory:
    """The directory after many entries: the same as applying one by one, with one copy.

    From ``None`` the first entry must be the genesis. Raises as :func:`apply`, ``empty-log``.
    """
    waiting = iter(entries)
    if directory is None:
        first = next(waiting, None)
        if first is None:
            raise RefusedError("empty-log")
        directory = start(first)
    work = Working(directory)
    for entry in waiting:
        _apply(work, entry)
    return work.directory


def at(directory: Directory, attested_at: datetime) -> Directory:
    """The directory when attested time has come to a moment: what waits for it takes effect, or ends."""
    work = Working(directory)
    pass_time(work, attested_at, directory.size - 1)
    return work.directory


def with_notice(directory: Directory, signed: SignedStatement, now: datetime) -> Directory:
    """The directory as if a brake had been logged last: its size stays, what the brake blocks is blocked.

    For whoever holds a brake that the log lacks. It is judged as if logged at ``now``, or at the newest
    entry's time where that is later. Raises ``not-a-brake``, and as :func:`apply`.
    """
    statement = read_statement(signed.payload)
    if statement.type not in BRAKES:
        raise RefusedError("not-a-brake", statement.type)
    logged_at = max(now, directory.logged_at)
    work = Working(directory)
    row, _, kids = _judged(work, signed, statement, logged_at)
    row.effect(work, Act(statement, Anchor(directory.size - 1, "", logged_at), kids))
    return work.directory


def check_proposal(directory: Directory, signed: SignedStatement, now: datetime) -> Progress:
    """Check a statement that may lack signatures: every rule but their number.

    Every signature must verify and count, at least one by a key already in the directory. It is
    judged as if logged at ``now``, or at the newest entry's time where that is later. Raises as
    :func:`apply`, and ``signatures-missing`` where no known key signed.
    """
    statement = read_statement(signed.payload)
    logged_at = max(now, directory.logged_at)
    work = Working(directory)
    row, needed, kids = _judged(work, signed, statement, logged_at, complete=False)
    if not any(kid in work.keys for kid in kids):
        raise RefusedError("signatures-missing", "none is by a key of this registry")
    row.effect(work, Act(statement, Anchor(directory.size, "", logged_at), kids))
    return Progress(needed.is_met(kids), needed.missing(kids))


def requirement(directory: Directory, statement: Statement) -> Requirement:
    """Who must sign a statement that is no genesis. Raises what the subject is refused for."""
    return _ROWS[statement.type].signers(directory, statement)


def _apply(work: Working, entry: SignedEntry) -> None:
    statement = read_statement(entry.signed.payload)
    row, _, kids = _judged(work, entry.signed, statement, entry.logged_at)
    work.logged_ats.append(entry.logged_at)
    row.effect(work, Act(statement, Anchor(work.directory.size, entry.leaf_hash, entry.logged_at), kids))
    work.payloads.add(statement.sha256)
    work.set(
        tree=work.directory.tree.append(merkle.leaf_hash(entry.leaf)),
        logged_at=entry.logged_at,
    )


def _judged(
    work: Working,
    signed: SignedStatement,
    statement: Statement,
    logged_at: datetime,
    *,
    complete: bool = True,
) -> tuple[_Row, Requirement, frozenset[str]]:
    """The row of a statement that every rule before its effect admits, who must sign it, who has.

    Time passes first where no witness attests it: then it is that of the newest entry.
    """
    if work.directory.quorum == 0:
        pass_time(work, max(logged_at, work.directory.attested_at), work.directory.size)
    row = _admissible(work, statement, logged_at, _header_kids(signed))
    needed = row.signers(work.directory, statement)
    kids = _check_signatures(signed, statement, needed, work.keys, complete=complete)
    _check_not_frozen(work, statement, kids)
    _check_not_suspended(work, statement)
    return row, needed, kids


def _admissible(work: Working, statement: Statement, logged_at: datetime, kids: frozenset[str]) -> _Row:
    """The row of the statement's type, after the rules that hold for all types.

    ``kids`` are named by the signatures, which are not verified yet.
    """
    directory = work.directory
    if statement.origin != directory.origin:
        raise RefusedError("wrong-origin", f"expected {directory.origin}")
    _check_times(statement, logged_at, directory.logged_at)
    if statement.sha256 in work.payloads:
        raise RefusedError("already-logged")
    if statement.type == "registry.genesis":
        raise superseded(directory.newest, "the registry is founded")
    row = _ROWS[statement.type]
    if statement.type.startswith("registry.") and statement.subject != directory.origin:
        raise RefusedError("bad-subject", "the subject of registry statements is the origin")
    if statement.type in CHAINED:
        _check_chain(work, statement, kids)
    return row


def _check_times(statement: Statement, logged_at: datetime, previous_at: datetime | None) -> None:
    if previous_at is not None and logged_at < previous_at:
        raise RefusedError("logged-before-previous")
    if statement.issued_at > logged_at + timedelta(seconds=ISSUED_AHEAD_SECONDS_MAX):
        raise RefusedError("issued-ahead")
    oldest = logged_at - timedelta(seconds=ISSUED_AGE_SECONDS_MAX)
    if statement.issued_at < oldest and statement.type not in BRAKES:
        raise RefusedError("issued-too-long-ago")


def _check_chain(work: Working, statement: Statement, kids: frozenset[str]) -> None:
    version, newest = _chain(work, statement)
    previous = None if newest is None else newest.leaf_hash
    if _overrules(work, statement, kids):
        return
    if (statement.version, statement.previous) != (version + 1, previous):
        raise superseded(newest, f"{statement.subject} is at version {version}")


def _overrules(work: Working, statement: Statement, kids: frozenset[str]) -> bool:
    """Whether the recovery key rotates as of an entry that only rotations by threshold have followed."""
    state = work.states.get(statement.subject)
    if statement.type != "state.rotate" or state is None or state.recovery_kid not in kids:
        return False
    return any((statement.version, statement.previous) == (v + 1, leaf) for v, leaf in state.overruled)


def _chain(work: Working, statement: Statement) -> tuple[int, Anchor | None]:
    """Version and anchor of the subject's last chained entry."""
    kind = statement.type.split(".", 1)[0]
    if kind == "registry":
        return work.directory.version, work.directory.newest
    tables: dict[str, Any] = {
        "state": work.states,
        "contact": work.contacts,
        "controller": work.controllers,
        "witness": work.witnesses,
    }
    found = tables[kind].get(statement.subject)
    return (0, None) if found is None else (found.version, found.newest)


def _check_not_frozen(work: Working, statement: Statement, kids: frozenset[str]) -> None:
    """Refuse what a device of a frozen contact signed, but the brakes it is left."""
    for kid in sorted(kids & work.keys.keys()):
        contact = work.contacts.get(work.keys[kid].holder)
        frozen = None if contact is None else contact.frozen
        if contact is None or frozen is None or statement.type == "contact.device-revoke":
            continue
        if statement.type != "contact.freeze" or statement.subject not in frozen.by:
            raise RefusedError("contact-frozen", contact.id)


def _check_not_suspended(work: Working, statement: Statement) -> None:
    """Refuse what a suspended State is cut from in the log; brakes, rotations and objections never are.

    Judged with the entry itself: a suspension that ended just before it does not bind it.
    """
    if statement.type in _NOMINATING and statement.subject not in work.controllers:
        check_not_suspended(work.directory, state_of(statement.subject), "nominate", work.directory.size + 1)


# --- signatures --------------------------------------------------------------------------------


def _check_signatures(
    signed: SignedStatement,
    statement: Statement,
    needed: Requirement,
    known: Mapping[str, KeyRecord],
    *,
    complete: bool = True,
) -> frozenset[str]:
    """Verify every signature, and that each counts; if ``complete``, that they are enough.

    Raises ``signature-not-called-for``, ``unknown-key``, ``bad-signature``, ``signatures-missing``.
    """
    by_kid = {jws.header_kid(signature.protected): signature for signature in signed.signatures}
    kids = frozenset(by_kid)
    if len(by_kid) != len(signed.signatures) or not needed.fitting(kids):
        raise RefusedError("signature-not-called-for")
    brought = required.brought_keys(statement.body)
    for kid, signature in by_kid.items():
        jws.verify(signed.payload, signature, jws.STATEMENT, _key(kid, known, brought))
    if complete and not needed.is_met(kids):
        raise RefusedError("signatures-missing", "; ".join(needed.missing(kids)))
    return kids


def _header_kids(signed: SignedStatement) -> frozenset[str]:
    return frozenset(jws.header_kid(signature.protected) for signature in signed.signatures)


def _key(kid: str, known: Mapping[str, KeyRecord], brought: Mapping[str, VerifyKey]) -> VerifyKey:
    """The key to verify with; an ended one never counts again."""
    record = known.get(kid)
    key = brought.get(kid) if record is None else record.verify_key
    if key is None or (record is not None and record.until is not None):
        raise RefusedError("unknown-key", f"key {kid[:12]}…")
    return key


# --- what it does ------------------------------------------------------------------------------


def _adders(work: Working, act: Act) -> tuple[DeviceState, ...]:
    active = work.directory.devices_of(act.statement.subject)
    return tuple(device for device in active if device.kid in act.kids)


def _by_device(work: Working, act: Act) -> bool:
    return bool(_adders(work, act))


def _by_members(work: Working, act: Act) -> bool:
    return any(kid in work.keys and work.keys[kid].role == "authority" for kid in act.kids)


@dataclass(frozen=True, slots=True)
class _Row:
    signers: Callable[[Directory, Statement], Requirement]
    effect: Callable[[Working, Act], None]


def _does(effect: Callable[[Working, Statement, Any, Anchor], None]) -> Callable[[Working, Act], None]:
    """An effect that does not ask who signed."""
    return lambda work, act: effect(work, act.statement, act.body, act.anchor)


def _by(
    effect: Callable[[Working, Statement, Any, Anchor, frozenset[str]], None],
) -> Callable[[Working, Act], None]:
    """An effect that depends on which keys signed."""
    return lambda work, act: effect(work, act.statement, act.body, act.anchor, act.kids)


_ROWS: Final[dict[str, _Row]] = {
    "registry.policy": _Row(
        required.policy,
        lambda w, a: rules_registry.apply_policy(
            w, a.statement, a.body, a.anchor, by_members=_by_members(w, a)
        ),
    ),
    "registry.attest": _Row(required.hub, lambda w, a: rules_registry.apply_attest(w, a.body, a.anchor)),
    "state.enrol": _Row(required.enrolment, _does(rules_state.apply_enrol)),
    "state.rotate": _Row(
        required.state_rotation,
        _by(rules_state.apply_rotate),
    ),
    "state.recover": _Row(required.recovery, _does(rules_state.apply_recover)),
    "state.object": _Row(
        required.objection,
        _by(rules_state.apply_object),
    ),
    "state.suspend": _Row(required.suspension, _does(rules_state.apply_suspend)),
    "state.reinstate": _Row(required.suspension, _does(rules_state.apply_reinstate)),
    "witness.appoint": _Row(required.appointment, _does(rules_witness.apply_appoint)),
    "witness.dismiss": _Row(required.dismissal, _does(rules_witness.apply_dismiss)),
    "state.withdraw": _Row(required.authority, _does(rules_state.apply_withdraw)),
    "contact.record": _Row(required.two_registrars, _does(rules_contact.apply_record)),
    "contact.nominate": _Row(required.nomination, _does(rules_contact.apply_nominate)),
    "contact.update": _Row(
        required.update,
        lambda w, a: rules_contact.apply_update(w, a.statement, a.body, a.anchor, by_device=_by_device(w, a)),
    ),
    "contact.device-add": _Row(
        required.device_add,
        lambda w, a: rules_contact.apply_device_add(w, a.statement, a.body, a.anchor, _adders(w, a)),
    ),
    "contact.device-revoke": _Row(
        required.device_revoke,
        _does(rules_contact.apply_device_revoke),
    ),
    "contact.rotate": _Row(required.rotation, _does(rules_contact.apply_rotate)),
    "contact.confirm": _Row(required.confirmation, _does(rules_contact.apply_confirm)),
    "contact.tested": _Row(required.controllers, _does(rules_contact.apply_tested)),
    "contact.freeze": _Row(
        required.freezing,
        _by(rules_contact.apply_freeze),
    ),
    "contact.thaw": _Row(required.authority, _does(rules_contact.apply_thaw)),
    "contact.withdraw": _Row(required.authority, _does(rules_contact.apply_withdraw)),
    "controller.appoint": _Row(required.two_registrars, _does(rules_contact.apply_appoint)),
    "controller.dismiss": _Row(required.two_registrars, _does(rules_contact.apply_dismiss)),
}
