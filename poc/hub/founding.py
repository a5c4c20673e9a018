"""Founding a registry: its genesis drawn up at the hub's home, signed elsewhere, logged once.

Nothing here asks a person or reads a file of theirs; the rules a genesis must keep are in ``core.rules``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from poc.core import jws, rules
from poc.core.audit import AuditEvent
from poc.core.bodies import BODIES, jwk_form
from poc.core.directory import Directory
from poc.core.form import form_of, form_value, state_of
from poc.core.keys import SigningKey, VerifyKey
from poc.core.note import Signer
from poc.core.proposal import Proposal, make_proposal, read_proposal
from poc.core.statement import SignedStatement, make_entry, statement_payload
from poc.errors import RefusedError
from poc.hub.audit import DONE
from poc.hub.log import found
from poc.keyring import Keyring
from poc.limits import BLOB_BYTES_MAX, BODY_BYTES_MAX, SLOTS_MAX
from poc.store.sqlite import SqliteStore

DEFAULTS: Final[dict[str, Any]] = {
    "thresholds": {"policy": 2, "suspend": 2},
    "statuses": ["exercise", "test"],
    "quorum": "none",
    "freshness_seconds": 86_400,
    "objection_seconds": 0,
    "confirm_seconds": 365 * 86_400,
    "nomination": "authority",
    "limits": {
        "body_bytes": BODY_BYTES_MAX,
        "slots": SLOTS_MAX,
        "blob_bytes": BLOB_BYTES_MAX,
        "messages_per_hour": 1000,
    },
    "entries_access": "parties",
    "counts_public": False,
    "rules": 1,
}


@dataclass(frozen=True, slots=True)
class FoundingRegistrar:
    """A registrar to be named in a genesis."""

    id: str
    names: dict[str, str]
    key: VerifyKey

    def value(self) -> dict[str, Any]:
        """The form's value; the body is the one the id begins with."""
        key = form_value(jwk_form(self.key))
        return {"id": self.id, "body": state_of(self.id), "names": self.names, "key": key}


def draft_genesis(
    keys: Keyring,
    origin: str,
    registrars: Sequence[FoundingRegistrar],
    choices: dict[str, Any],
    *,
    now: datetime,
    random: Callable[[int], bytes],
) -> Proposal:
    """A genesis signed by the hub's key, for its registrars to sign; ``choices`` replace the defaults.

    Makes the log key and the hub key where the keyring has none; the caller saves it. Raises what
    the settings are refused for, before anyone has signed.
    """
    log_key = _own_key(keys, "log", origin, now, random)
    hub_key = _own_key(keys, "hub", origin, now, random)
    body = {
        **DEFAULTS,
        **choices,
        "registrars": [r.value() for r in sorted(registrars, key=lambda r: r.id)],
        "log_keys": [Signer(origin, log_key).vkey()],
        "hub_keys": [form_value(jwk_form(hub_key.public))],
    }
    form: Any = form_of(BODIES["registry.genesis"], body)
    payload = statement_payload(
        origin=origin, type="registry.genesis", subject=origin, body=form, issued_at=now, version=1
    )
    rules.check_genesis(payload)
    return make_proposal(SignedStatement(payload, (jws.sign(payload, jws.STATEMENT, hub_key),)))


def _own_key(
    keys: Keyring, role: str, origin: str, now: datetime, random: Callable[[int], bytes]
) -> SigningKey:
    return next(iter(keys.by_role(role)), None) or keys.add_signing(role, origin, now, random)


async def found_registry(home: Path, data: bytes, keys: Keyring, now: datetime) -> Directory:
    """Begin the log of the hub at ``home`` with a complete genesis file; nothing is written if refused.

    Raises ``not-a-genesis``, ``signatures-missing``, ``unknown-key`` where this home does not hold the
    log key and a hub key that the genesis names, ``registry-exists``, ``home-in-use``.
    """
    proposal, statement = read_proposal(data)
    rules.start(make_entry(proposal.signed, now))
    body: Any = statement.body
    signers = [Signer(statement.origin, key) for key in keys.by_role("log")]
    signer = next((s for s in signers if s.vkey() in body.log_keys), None)
    if signer is None or not any(keys.has(key.kid) for key in body.hub_keys):
        raise RefusedError("unknown-key", "the genesis names other log and hub keys than this home's")
    store = await SqliteStore.open(home)
    try:
        subject = statement.sha256
        if await store.read_head() is not None:
            await store.append_audit(AuditEvent(now, "found", "registry-exists", subject=subject))
            raise RefusedError("registry-exists", str(home))
        directory = await found(store, proposal.signed, signer, now)
        await store.append_audit(AuditEvent(now, "found", DONE, subject=subject))
        return directory
    finally:
        await store.close()
