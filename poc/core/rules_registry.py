"""Rules of ``registry.*``: founding, policy and attest. Who must sign stands in ``rules``."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from poc.core import merkle
from poc.core.bodies import Attest, Settings, SigningJwk
from poc.core.directory import Anchor, Directory, KeyRecord, PendingPolicy
from poc.core.judge import read_checkpoint
from poc.core.note import ED25519, Verifier
from poc.core.statement import Statement, genesis_fingerprint
from poc.core.strictjson import b64u, unb64u
from poc.core.working import Working
from poc.errors import RefusedError
from poc.limits import BLOB_BYTES_MAX, BODY_BYTES_MAX, JSON_INTEGER_MAX, SLOTS_MAX

NOT_YET: Final = JSON_INTEGER_MAX
"""``since`` of a key whose policy is logged but not in force."""


def check_settings(settings: Settings, origin: str) -> None:
    """Refuse settings that no registry of this version may have.

    Raises ``one-body-only``, ``bad-threshold``, ``not-yet-in-force``, ``window-too-short``,
    ``limit-too-high``, ``wrong-origin``, ``key-in-use`` or the errors of reading a key.
    """
    bodies = {registrar.body for registrar in settings.registrars}
    if len(bodies) < 2:
        raise RefusedError("one-body-only")
    if max(settings.thresholds.policy, settings.thresholds.suspend) > len(bodies):
        raise RefusedError("bad-threshold", f"{len(bodies)} bodies")
    if settings.quorum != "none":
        raise RefusedError("not-yet-in-force", "a quorum of witnesses")
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
        keys={record.kid: record for record in records},
        log_vkeys=_log_vkeys(settings, statement.origin),
        payloads=frozenset({statement.sha256}),
    )


def apply_policy(work: Working, statement: Statement, settings: Settings, anchor: Anchor) -> None:
    """Keep a complete new policy until an attest covers it; its new keys are taken from now on."""
    check_settings(settings, statement.origin)
    for registrar in settings.registrars:
        if registrar.id in work.contacts or registrar.id in work.controllers:
            raise RefusedError("bad-party-id", f"{registrar.id} is another kind of party already")
    before = work.directory.pending[-1].settings if work.directory.pending else work.directory.settings
    kept = {(r.kid, r.role, r.holder) for r in key_records(before, statement.origin, NOT_YET)}
    for record in key_records(settings, statement.origin, NOT_YET):
        if (record.kid, record.role, record.holder) not in kept:
            work.claim(record)
    pending = (*work.directory.pending, PendingPolicy(settings, anchor))
    log_vkeys = {**work.directory.log_vkeys, **_log_vkeys(settings, statement.origin)}
    work.set(pending=pending, version=statement.version, newest=anchor, log_vkeys=log_vkeys)


def apply_attest(work: Working, body: Attest, anchor: Anchor) -> None:
    """Check a checkpoint of this log against this log; bring into force what it covers.

    Raises ``bad-proof``, ``attest-ahead`` or the errors of reading a checkpoint.
    """
    directory = work.directory
    checkpoint = read_checkpoint(body.checkpoint.encode(), directory)
    if checkpoint.size > anchor.index:
        raise RefusedError("attest-ahead", f"size {checkpoint.size} at entry {anchor.index}")
    proof = [unb64u(node) for node in body.consistency]
    merkle.verify_consistency(checkpoint.size, directory.size, checkpoint.root, directory.tree.root(), proof)
    covered = [policy for policy in directory.pending if policy.anchor.index < checkpoint.size]
    for policy in covered:
        _bring_into_force(work, policy.settings, anchor.index)
    work.set(pending=directory.pending[len(covered) :])


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
