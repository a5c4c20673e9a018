"""Rules of ``registry.*``: founding, policy and attest. Who must sign stands in ``rules``."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from poc.core import merkle, rules_witness
from poc.core.bodies import Attest, Settings, SigningJwk
from poc.core.directory import NOT_YET, Anchor, Directory, Dismissal, KeyRecord, Pending, Seat
from poc.core.judge import Cosigned, read_cosigned
from poc.core.note import ED25519, Verifier
from poc.core.passing import pass_time
from poc.core.statement import Statement, genesis_fingerprint
from poc.core.strictjson import b64u, unb64u
from poc.core.working import Working
from poc.errors import RefusedError
from poc.limits import (
    BLOB_BYTES_MAX,
    BODY_BYTES_MAX,
    LOGGED_AHEAD_SECONDS_MAX,
    SLOTS_MAX,
)


def check_settings(settings: Settings, origin: str) -> None:
    """Refuse settings that no registry of this version may have.

    Raises ``one-body-only``, ``bad-threshold``, ``window-too-short``, ``limit-too-high``,
    ``wrong-origin``, ``key-in-use`` or the errors of reading a key.
    """
    bodies = {registrar.body for registrar in settings.registrars}
    if len(bodies) < 2:
        raise RefusedError("one-body-only")
    if max(settings.thresholds.policy, settings.thresholds.suspend) > len(bodies):
        raise RefusedError("bad-threshold", f"{len(bodies)} bodies")
    if settings.objection_seconds == 0 and "actual" in settings.statuses:
        raise RefusedError("window-too-short", "actual is among the statuses")
    _check_limits(settings)
    kids = [key.kid for key in signing_keys(settings)] + [log_kid(vkey, origin) for vkey in settings.log_keys]
    if len(set(kids)) != len(kids):
        raise RefusedError("key-in-use", "named twice in the settings")


def _check_limits(settings: Settings) -> None:
    limits = settings.limits
    bounds = {
        "body_bytes": (limits.body_bytes, BODY_BYTES_MAX),
        "slots": (limits.slots, SLOTS_MAX),
        "blob_bytes": (limits.blob_bytes, BLOB_BYTES_MAX),
    }
    for name, (value, bound) in bounds.items():
        if value > bound:
            raise RefusedError("limit-too-high", f"{name} {value}; {bound} is the most")


def log_kid(vkey: str, origin: str) -> str:
    """The key id of a log key; its name must be the origin.

    Raises ``wrong-origin``, ``bad-vkey``, ``unknown-algorithm`` for a key that only cosigns.
    """
    verifier = Verifier.from_vkey(vkey)
    if verifier.signature_type != ED25519:
        raise RefusedError("unknown-algorithm", "a log key signs, it does not cosign")
    if verifier.name != origin:
        raise RefusedError("wrong-origin", "a log key's name is not the origin")
    return SigningJwk(kty="OKP", crv="Ed25519", x=b64u(verifier.public)).kid


def _log_vkeys(settings: Settings, origin: str) -> dict[str, str]:
    return {log_kid(vkey, origin): vkey for vkey in settings.log_keys}


def signing_keys(settings: Settings) -> list[SigningJwk]:
    """The keys of registrars and hub in settings."""
    return [registrar.key for registrar in settings.registrars] + list(settings.hub_keys)


def key_records(settings: Settings, origin: str, since: int) -> list[KeyRecord]:
    """The records of every key the settings name."""
    records = [
        KeyRecord(r.key.kid, "registrar", r.id, r.key.verify_key(), None, frozenset(), since)
        for r in settings.registrars
    ]
    records += [
        KeyRecord(key.kid, "hub", origin, key.verify_key(), None, frozenset(), since)
        for key in settings.hub_keys
    ]
    return records + [
        KeyRecord(log_kid(vkey, origin), "log", origin, None, None, frozenset(), since)
        for vkey in settings.log_keys
    ]


def found(statement: Statement, settings: Settings, anchor: Anchor, leaf: bytes) -> Directory:
    """The directory of a log whose only entry is the genesis; its settings are checked already."""
    records = key_records(settings, statement.origin, 0)
    return Directory(
        origin=statement.origin,
        fingerprint=genesis_fingerprint(statement.payload),
        settings=settings,
        version=1,
        newest=anchor,
        tree=merkle.CompactRange().append(merkle.leaf_hash(leaf)),
        logged_at=anchor.logged_at,
        attested_at=anchor.logged_at,
        logged_ats=(anchor.logged_at,),
        keys={record.kid: record for record in records},
        log_vkeys=_log_vkeys(settings, statement.origin),
        payloads=frozenset({statement.sha256}),
    )


def apply_policy(
    work: Working, statement: Statement, settings: Settings, anchor: Anchor, *, by_members: bool
) -> None:
    """Keep a complete new policy until an attest covers it; its new keys are taken from now on.

    One that the authorities of most members signed needs no attest, so that no witness and no operator can
    hold it up; policies that still wait are overtaken by it, so it may keep the keys that they would drop.
    """
    check_settings(settings, statement.origin)
    for registrar in settings.registrars:
        if any(registrar.id in table for table in (work.contacts, work.controllers, work.witnesses)):
            raise RefusedError("bad-party-id", f"{registrar.id} is another kind of party already")
    directory = work.directory
    newest = (directory.settings, *directory.pending_settings)[-1]
    before = (directory.settings, newest) if by_members else (newest,)
    kept = {(r.kid, r.role, r.holder) for one in before for r in key_records(one, statement.origin, NOT_YET)}
    for record in key_records(settings, statement.origin, NOT_YET):
        if (record.kid, record.role, record.holder) not in kept:
            work.claim(record)
    log_vkeys = {**directory.log_vkeys, **_log_vkeys(settings, statement.origin)}
    work.set(version=statement.version, newest=anchor, log_vkeys=log_vkeys)
    if by_members:
        work.set(pending=tuple(p for p in directory.pending if not isinstance(p.change, Settings)))
        _bring_into_force(work, settings, anchor.index)
    else:
        work.set(pending=(*directory.pending, Pending(settings, anchor)))


def apply_attest(work: Working, body: Attest, anchor: Anchor) -> None:
    """Check a checkpoint of this log against this log; bring into force what it covers.

    Under a quorum its cosignatures give the attested time, on which windows run. Raises ``bad-proof``,
    ``attest-ahead``, ``attest-not-newer``, ``quorum-missing`` or the errors of reading a checkpoint.
    """
    directory = work.directory
    shown = read_cosigned(body.checkpoint.encode(), directory)
    checkpoint = shown.checkpoint
    if checkpoint.size > anchor.index:
        raise RefusedError("attest-ahead", f"size {checkpoint.size} at entry {anchor.index}")
    proof = [unb64u(node) for node in body.consistency]
    merkle.verify_consistency(checkpoint.size, directory.size, checkpoint.root, directory.tree.root(), proof)
    attested_at = _attested_at(shown, directory, anchor.logged_at)
    covered = [pending for pending in directory.pending if pending.anchor.index < checkpoint.size]
    work.set(pending=directory.pending[len(covered) :], attest=anchor)
    waiting = [pending for pending in covered if not _brought(work, pending, anchor.index)]
    # The last witness may go now that another has come; else it stays, and its dismissal waits on.
    still = tuple(
        pending
        for pending in waiting
        if not _overtaken(work, pending) and not _brought(work, pending, anchor.index)
    )
    work.set(pending=(*still, *work.directory.pending))
    pass_time(work, attested_at, anchor.index)


def _attested_at(shown: Cosigned, directory: Directory, logged_at: datetime) -> datetime:
    """The time an attest gives: by a quorum of cosignatures, or the newest entry's where there is none.

    Not ahead of the attest itself, or a few witnesses whose clocks ran off would end every window, and no
    later attest could follow.
    """
    if directory.quorum == 0:
        return directory.attested_at
    attested_at = shown.attested_at(directory.quorum)
    if attested_at <= directory.attested_at:
        raise RefusedError("attest-not-newer")
    if attested_at > logged_at + timedelta(seconds=LOGGED_AHEAD_SECONDS_MAX):
        raise RefusedError("attest-ahead", "it was cosigned later than it is logged")
    newest = directory.logged_ats[shown.checkpoint.size - 1]
    if newest > attested_at + timedelta(seconds=LOGGED_AHEAD_SECONDS_MAX):
        raise RefusedError("attest-ahead", "an entry it covers is logged later than it was cosigned")
    return attested_at


def _brought(work: Working, pending: Pending, index: int) -> bool:
    """Bring a pending change into force; false for a dismissal that must wait."""
    change = pending.change
    if isinstance(change, Settings):
        _bring_into_force(work, change, index)
    elif isinstance(change, Seat):
        rules_witness.seat(work, change, index)
    elif rules_witness.may_leave(work, change.witness):
        rules_witness.leave(work, change, index)
    else:
        return False
    return True


def _overtaken(work: Working, pending: Pending) -> bool:
    """Whether the witness whose dismissal waits was appointed anew since: that replaced its seat."""
    change = pending.change
    return (
        isinstance(change, Dismissal) and work.witnesses[change.witness].newest.index > pending.anchor.index
    )


def _bring_into_force(work: Working, settings: Settings, index: int) -> None:
    origin = work.directory.origin
    kept = {record.kid for record in key_records(settings, origin, index)}
    for old in key_records(work.directory.settings, origin, index):
        if old.kid not in kept:
            work.end(old.kid, index, "replaced")
    for kid in kept:
        if work.keys[kid].since == NOT_YET:
            work.keys[kid] = replace(work.keys[kid], since=index)
    work.set(settings=settings)
