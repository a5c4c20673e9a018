"""Making statements: chained on this desk's directory, signed with the keys of a home.

Who must sign is decided in ``core.rules``; sending stands in ``outbox``, files people hand in in
``filing``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from poc.client.trust import Trust
from poc.core import jws, required, rules
from poc.core.bodies import BODIES
from poc.core.card import Opening
from poc.core.directory import Directory
from poc.core.form import form_bytes, form_of
from poc.core.keys import SealingPublicKey
from poc.core.signers import Requirement
from poc.core.statement import (
    CHAINED,
    SignedStatement,
    Statement,
    payload_sha256,
    read_statement,
    statement_payload,
)
from poc.core.strictjson import canonical
from poc.errors import RefusedError
from poc.keyring import Keyring

Submission = Literal["logged", "submitted", "proposed", "waiting"]


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a statement: in the verified log, open as a proposal, or waiting in the outbox.

    ``submitted``: the hub says that it is logged, and the log verified here does not show it yet.
    """

    state: Submission
    payload_sha256: str
    index: int | None = None
    leaf_hash: str | None = None
    proposal: str | None = None
    missing: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Filed:
    """A signed statement with what travels beside it."""

    signed: SignedStatement
    openings: tuple[Opening, ...] = ()
    sealing_keys: tuple[SealingPublicKey, ...] = ()

    @property
    def ref(self) -> str:
        """Its name in the outbox: more signatures are another try."""
        return f"{payload_sha256(self.signed.payload)}:{payload_sha256(canonical(self.signed.value()))}"

    def put(self, trust: Trust) -> None:
        """Put all of it into the outbox; the same again changes nothing. Call it inside a transaction."""
        trust.put_outbox("statement", self.ref, canonical(self.signed.value()))
        for opening in self.openings:
            trust.put_outbox("opening", opening.commitment(), form_bytes(opening))
        for key in self.sealing_keys:
            trust.put_outbox("key", key.kid, canonical(key.jwk()))


def compose(directory: Directory, kind: str, subject: str, body: dict[str, Any], now: datetime) -> bytes:
    """The payload of a statement, chained on the newest entry of its subject. Raises ``bad-form``."""
    if kind not in BODIES:
        raise RefusedError("newer-form", "statement type")
    version, previous = _chain(directory, kind, subject) if kind in CHAINED else (None, None)
    form: Any = form_of(BODIES[kind], body)
    return statement_payload(
        origin=directory.origin,
        type=kind,
        subject=subject,
        body=form,
        issued_at=now,
        version=version,
        previous=previous,
    )


def _chain(directory: Directory, kind: str, subject: str) -> tuple[int, str | None]:
    if kind.startswith("registry."):
        return directory.version + 1, directory.newest.leaf_hash
    tables: dict[str, Any] = {
        "state": directory.states,
        "contact": directory.contacts,
        "controller": directory.controllers,
        "witness": directory.witnesses,
    }
    found = tables[kind.partition(".")[0]].get(subject)
    return (1, None) if found is None else (found.version + 1, found.newest.leaf_hash)


def newest_entry(directory: Directory, subject: str) -> str:
    """Leaf hash of a contact's or controller's newest chained entry. Raises ``unknown-contact``."""
    found: Any = directory.contacts.get(subject) or directory.controllers.get(subject)
    if found is None:
        raise RefusedError("unknown-contact", subject)
    leaf_hash: str = found.newest.leaf_hash
    return leaf_hash


def sign(
    signed: SignedStatement,
    keys: Keyring,
    directory: Directory | None = None,
    kids: Collection[str] | None = None,
) -> SignedStatement:
    """Add the signatures of every key of the keyring that the statement calls for, or of those named.

    A newcomer whose log is not here yet, a witness, and whoever signs a genesis can tell only which keys the
    statement itself brings: those sign; and a witness's own key its dismissal. Raises ``no-key``,
    ``already-signed``, ``wrong-origin``.
    """
    statement = read_statement(signed.payload)
    if directory is not None and statement.origin != directory.origin:
        raise RefusedError("wrong-origin", f"this home belongs to {directory.origin}")
    if directory is not None and statement.type == "registry.genesis":
        raise RefusedError("already-logged", "the registry is founded")
    present = frozenset(jws.header_kid(s.protected) for s in signed.signatures)
    usable = _usable(statement, keys, directory, present, kids)
    if not usable:
        raise RefusedError("no-key", f"{statement.type} of {statement.subject} calls for none of its keys")
    if usable <= present:
        raise RefusedError("already-signed", f"{statement.type} of {statement.subject}")
    new = [jws.sign(signed.payload, jws.STATEMENT, keys.signing(kid)) for kid in sorted(usable - present)]
    return signed.merged(tuple(new))


def _usable(
    statement: Statement,
    keys: Keyring,
    directory: Directory | None,
    present: frozenset[str],
    kids: Collection[str] | None,
) -> frozenset[str]:
    if kids is not None:
        missing = [kid for kid in kids if not keys.has(kid)]
        if missing:
            raise RefusedError("no-key", ", ".join(kid[:43] for kid in missing))
        return frozenset(kids)
    needed = _requirement(statement, directory)
    if needed is None:
        return _usable_without_log(statement, keys)
    return _one_alternative(needed, keys, present)


def _usable_without_log(statement: Statement, keys: Keyring) -> frozenset[str]:
    brought = {kid for kid in required.brought_keys(statement.body) if keys.has(kid)}
    if statement.type != "witness.dismiss":
        return frozenset(brought)
    own = (e for e in keys.list() if (e.role, e.party) == ("witness", statement.subject))
    return frozenset(entry.kid for entry in own if entry.retired_at is None)


def _requirement(statement: Statement, directory: Directory | None) -> Requirement | None:
    """Who must sign, as far as the log here tells; None where it does not know the subject yet."""
    if directory is None:
        return None
    try:
        return rules.requirement(directory, statement)
    except RefusedError as error:
        if error.code in {"unknown-state", "unknown-contact", "unknown-witness"}:
            return None
        raise


def _one_alternative(needed: Requirement, keys: Keyring, present: frozenset[str]) -> frozenset[str]:
    """The keys that count together with the signatures there: of the alternative where most of ours do."""
    alternatives = needed.fitting(present)
    wanted = [frozenset(k for group in groups for k in group.keys if keys.has(k)) for groups in alternatives]
    return max(wanted, key=len, default=frozenset())


def bare(payload: bytes) -> SignedStatement:
    """A payload nobody has signed yet."""
    return SignedStatement(payload, ())
