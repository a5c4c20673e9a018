"""The rules of the registry: what an entry does to the directory, or why it is refused.

Two pure functions: :func:`apply` (and :func:`apply_all`, the same for many) and :func:`at`. The
hub admits with them; desks verify with them; nothing but the log goes in. One table says for each
type who must sign and what it does; the effects stand in ``rules_registry``, ``rules_state`` and
``rules_contact``, the groups of signers in ``signers`` (DESIGN section 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from poc.core import jws, merkle, rules_contact, rules_registry, rules_state, signers
from poc.core.bodies import Body
from poc.core.directory import Anchor, DeviceState, Directory, KeyRecord
from poc.core.form import state_of
from poc.core.keys import VerifyKey
from poc.core.signers import Requirement, one_of
from poc.core.statement import BRAKES, CHAINED, SignedEntry, SignedStatement, Statement, read_statement
from poc.core.working import Working, superseded
from poc.errors import RefusedError
from poc.limits import ISSUED_AGE_SECONDS_MAX, ISSUED_AHEAD_SECONDS_MAX


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
    named = signers.all_registrars(settings.registrars)
    hub = signers.new_keys(key.kid for key in settings.hub_keys)
    _check_signatures(entry.signed, statement, one_of([named, hub]), {})
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
    """The directory when attested time has come to a moment: pending enrolments take effect.

    The same directory where nothing does.
    """
    if not any(s.status == "pending" and s.effective_at <= attested_at for s in directory.states.values()):
        return directory
    work = Working(directory)
    work.pass_time(attested_at)
    return replace(work.directory, attested_at=attested_at)


def check_proposal(directory: Directory, signed: SignedStatement, now: datetime) -> Progress:
    """Check a statement that may lack signatures: every rule but their number.

    Every signature must verify and count, at least one by a key already in the directory. It is
    judged as if logged at ``now``, or at the newest entry's time where that is later. Raises as
    :func:`apply`, and ``signatures-missing`` where no known key signed.
    """
    statement = read_statement(signed.payload)
    logged_at = max(now, directory.logged_at)
    work = Working(directory)
    work.pass_time(logged_at)
    row = _admissible(work, statement, logged_at)
    required = row.signers(work.directory, statement)
    kids = _check_signatures(signed, statement, required, work.keys, complete=False)
    if not any(kid in work.keys for kid in kids):
        raise RefusedError("signatures-missing", "none is by a key of this registry")
    row.effect(work, Act(statement, Anchor(directory.size, "", logged_at), kids))
    return Progress(required.is_met(kids), required.missing(kids))


def requirement(directory: Directory, statement: Statement) -> Requirement:
    """Who must sign a statement. Raises ``not-yet-in-force`` or what the subject is refused for."""
    return _row(statement.type).signers(directory, statement)


def brought_kids(statement: Statement) -> frozenset[str]:
    """The signing keys a statement brings into the registry: each must sign it."""
    return frozenset(_brought_keys(statement.body))


def _apply(work: Working, entry: SignedEntry) -> None:
    statement = read_statement(entry.signed.payload)
    work.pass_time(entry.logged_at)
    row = _admissible(work, statement, entry.logged_at)
    required = row.signers(work.directory, statement)
    kids = _check_signatures(entry.signed, statement, required, work.keys)
    anchor = Anchor(work.directory.size, entry.leaf_hash, entry.logged_at)
    row.effect(work, Act(statement, anchor, kids))
    work.payloads.add(statement.sha256)
    work.set(
        tree=work.directory.tree.append(merkle.leaf_hash(entry.leaf)),
        logged_at=entry.logged_at,
        attested_at=entry.logged_at,
    )


def _admissible(work: Working, statement: Statement, logged_at: datetime) -> _Row:
    """The row of the statement's type, after the rules that hold for all types."""
    directory = work.directory
    if statement.origin != directory.origin:
        raise RefusedError("wrong-origin", f"expected {directory.origin}")
    _check_times(statement, logged_at, directory.logged_at)
    if statement.sha256 in work.payloads:
        raise RefusedError("already-logged")
    row = _row(statement.type)
    if statement.type.startswith("registry.") and statement.subject != directory.origin:
        raise RefusedError("bad-subject", "the subject of registry statements is the origin")
    if statement.type in CHAINED:
        _check_chain(work, statement)
    return row


def _check_times(statement: Statement, logged_at: datetime, previous_at: datetime | None) -> None:
    if previous_at is not None and logged_at < previous_at:
        raise RefusedError("logged-before-previous")
    if statement.issued_at > logged_at + timedelta(seconds=ISSUED_AHEAD_SECONDS_MAX):
        raise RefusedError("issued-ahead")
    oldest = logged_at - timedelta(seconds=ISSUED_AGE_SECONDS_MAX)
    if statement.issued_at < oldest and statement.type not in BRAKES:
        raise RefusedError("issued-too-long-ago")


def _check_chain(work: Working, statement: Statement) -> None:
    version, newest = _chain(work, statement)
    previous = None if newest is None else newest.leaf_hash
    if (statement.version, statement.previous) != (version + 1, previous):
        raise superseded(newest, f"{statement.subject} is at version {version}")


def _chain(work: Working, statement: Statement) -> tuple[int, Anchor | None]:
    """Version and anchor of the subject's last chained entry."""
    kind = statement.type.split(".", 1)[0]
    if kind == "registry":
        return work.directory.version, work.directory.newest
    tables: dict[str, Any] = {
        "state": work.states,
        "contact": work.contacts,
        "controller": work.controllers,
    }
    found = tables[kind].get(statement.subject)
    return (0, None) if found is None else (found.version, found.newest)


# --- signatures --------------------------------------------------------------------------------


def _check_signatures(
    signed: SignedStatement,
    statement: Statement,
    required: Requirement,
    known: Mapping[str, KeyRecord],
    *,
    complete: bool = True,
) -> frozenset[str]:
    """Verify every signature, and that each counts; if ``complete``, that they are enough.

    Raises ``signature-not-called-for``, ``unknown-key``, ``bad-signature``, ``signatures-missing``.
    """
    by_kid = {jws.header_kid(signature.protected): signature for signature in signed.signatures}
    kids = frozenset(by_kid)
    if len(by_kid) != len(signed.signatures) or not required.fitting(kids):
        raise RefusedError("signature-not-called-for")
    brought = _brought_keys(statement.body)
    for kid, signature in by_kid.items():
        jws.verify(signed.payload, signature, jws.STATEMENT, _key(kid, known, brought))
    if complete and not required.is_met(kids):
        raise RefusedError("signatures-missing", "; ".join(required.missing(kids)))
    return kids


def _key(kid: str, known: Mapping[str, KeyRecord], brought: Mapping[str, VerifyKey]) -> VerifyKey:
    """The key to verify with; an ended one never counts again."""
    record = known.get(kid)
    key = brought.get(kid) if record is None else record.verify_key
    if key is None or (record is not None and record.until is not None):
        raise RefusedError("unknown-key", f"key {kid[:12]}…")
    return key


def _brought_keys(body: Body) -> dict[str, VerifyKey]:
    """The signing keys a body brings in, by kid."""
    value: Any = body
    jwks = []
    if hasattr(value, "registrars"):
        jwks += rules_registry.signing_keys(value)
    if hasattr(value, "authority"):
        jwks += [*value.authority.keys, *([value.recovery] if value.recovery else [])]
    if hasattr(value, "devices"):
        jwks += [device.key for device in value.devices]
    if hasattr(value, "device"):
        jwks.append(value.device.key)
    if getattr(value, "signing", None) is not None:
        jwks.append(value.signing)
    keys = [jwk.verify_key() for jwk in jwks]
    return {key.kid: key for key in keys}


# --- who must sign -----------------------------------------------------------------------------

Signers = Callable[[Directory, Statement], Requirement]
Effect = Callable[[Working, Act], None]


def _new(directory: Directory, statement: Statement) -> signers.Group:
    """The keys a statement brings that the directory does not hold yet."""
    return signers.new_keys(kid for kid in _brought_keys(statement.body) if kid not in directory.keys)


def _two_registrars(directory: Directory, statement: Statement) -> Requirement:
    pair = signers.registrars(directory.settings.registrars, 2)
    return one_of([pair, _new(directory, statement)])


def _policy(directory: Directory, statement: Statement) -> Requirement:
    settings = directory.settings
    several = signers.registrars(settings.registrars, settings.thresholds.policy)
    return one_of([several, _new(directory, statement)])


def _hub(directory: Directory, _statement: Statement) -> Requirement:
    return one_of([signers.hub_keys(directory)])


def _nomination(directory: Directory, statement: Statement) -> Requirement:
    groups = [signers.authority(directory, state_of(statement.subject)), _new(directory, statement)]
    if directory.settings.nomination == "authority+registrar":
        groups.append(signers.registrars(directory.settings.registrars, 1))
    return one_of(groups)


def _update(directory: Directory, statement: Statement) -> Requirement:
    contact = directory.contact(statement.subject)
    by_authority = [signers.authority(directory, contact.state)]
    body: Any = statement.body
    if rules_contact.differs_only_in_reach(contact, body):
        return one_of(by_authority, [signers.devices(directory, contact.id, "change", 1)])
    return one_of(by_authority)


def _superior(directory: Directory, subject: str) -> signers.Group:
    """Who stands above a party: its State's authority, or two registrars for a controller."""
    if subject in directory.controllers:
        return signers.registrars(directory.settings.registrars, 2)
    return signers.authority(directory, state_of(subject))


def _device_add(directory: Directory, statement: Statement) -> Requirement:
    subject, new = statement.subject, _new(directory, statement)
    pair = signers.devices(directory, subject, "change", 2)
    return one_of([_superior(directory, subject), new], [pair, new])


def _device_revoke(directory: Directory, statement: Statement) -> Requirement:
    subject = statement.subject
    body: Any = statement.body
    itself = signers.Group("the device itself", {body.kid: body.kid}, 1)
    changer = signers.devices(directory, subject, "change", 1)
    return one_of([_superior(directory, subject)], [itself], [changer])


def _rotation(directory: Directory, statement: Statement) -> Requirement:
    body: Any = statement.body
    old = signers.Group("the device's old key", {body.kid: body.kid}, 1)
    return one_of([old, _new(directory, statement)])


def _confirmation(directory: Directory, statement: Statement) -> Requirement:
    subject = statement.subject
    changer = signers.devices(directory, subject, "change", 1)
    return one_of([signers.authority(directory, state_of(subject))], [changer])


def _controllers(directory: Directory, _statement: Statement) -> Requirement:
    in_office = [c for c in directory.controllers.values() if not c.dismissed]
    kids = {d.kid: d.kid for c in in_office for d in c.devices if "send" in d.may}
    return one_of([signers.Group("a controller's devices with the right to send", kids, 1)])


# --- what it does ------------------------------------------------------------------------------


def _adders(work: Working, act: Act) -> tuple[DeviceState, ...]:
    active = work.directory.devices_of(act.statement.subject)
    return tuple(device for device in active if device.kid in act.kids)


def _by_device(work: Working, act: Act) -> bool:
    return bool(_adders(work, act))


@dataclass(frozen=True, slots=True)
class _Row:
    signers: Signers
    effect: Effect


_ROWS: Final[dict[str, _Row]] = {
    "registry.policy": _Row(
        _policy, lambda w, a: rules_registry.apply_policy(w, a.statement, a.body, a.anchor)
    ),
    "registry.attest": _Row(_hub, lambda w, a: rules_registry.apply_attest(w, a.body, a.anchor)),
    "state.enrol": _Row(
        _two_registrars, lambda w, a: rules_state.apply_enrol(w, a.statement, a.body, a.anchor)
    ),
    "contact.record": _Row(
        _two_registrars, lambda w, a: rules_contact.apply_record(w, a.statement, a.body, a.anchor)
    ),
    "contact.nominate": _Row(
        _nomination, lambda w, a: rules_contact.apply_nominate(w, a.statement, a.body, a.anchor)
    ),
    "contact.update": _Row(
        _update,
        lambda w, a: rules_contact.apply_update(w, a.statement, a.body, a.anchor, by_device=_by_device(w, a)),
    ),
    "contact.device-add": _Row(
        _device_add,
        lambda w, a: rules_contact.apply_device_add(w, a.statement, a.body, a.anchor, _adders(w, a)),
    ),
    "contact.device-revoke": _Row(
        _device_revoke, lambda w, a: rules_contact.apply_device_revoke(w, a.statement, a.body, a.anchor)
    ),
    "contact.rotate": _Row(
        _rotation, lambda w, a: rules_contact.apply_rotate(w, a.statement, a.body, a.anchor)
    ),
    "contact.confirm": _Row(
        _confirmation, lambda w, a: rules_contact.apply_confirm(w, a.statement, a.body, a.anchor)
    ),
    "contact.tested": _Row(
        _controllers, lambda w, a: rules_contact.apply_tested(w, a.statement, a.body, a.anchor)
    ),
    "controller.appoint": _Row(
        _two_registrars, lambda w, a: rules_contact.apply_appoint(w, a.statement, a.body, a.anchor)
    ),
}


def _row(kind: str) -> _Row:
    row = _ROWS.get(kind)
    if row is None:
        raise RefusedError("not-yet-in-force", kind)
    return row
