"""Making statements: chained on this desk's directory, signed with the keys of this home.

Who must sign is decided in ``core.rules``; sending stands in ``outbox``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from poc.client.known import Known
from poc.core import jws, rules
from poc.core.bodies import BODIES, jwk_form
from poc.core.form import form_of
from poc.core.statement import CHAINED, SignedStatement, read_statement, statement_payload
from poc.core.strictjson import format_time
from poc.errors import RefusedError


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a statement: in the log, open as a proposal, or waiting in the outbox."""

    state: Literal["logged", "proposed", "waiting"]
    payload_sha256: str
    index: int | None = None
    leaf_hash: str | None = None
    proposal: str | None = None
    missing: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        return asdict(self)


def compose(known: Known, kind: str, subject: str, body: dict[str, Any], now: datetime) -> bytes:
    """The payload of a statement, chained on the newest entry of its subject. Raises ``bad-form``."""
    if kind not in BODIES:
        raise RefusedError("newer-form", "statement type")
    version, previous = _chain(known, kind, subject) if kind in CHAINED else (None, None)
    form: Any = form_of(BODIES[kind], body)
    return statement_payload(
        origin=known.directory.origin,
        type=kind,
        subject=subject,
        body=form,
        issued_at=now,
        version=version,
        previous=previous,
    )


def _chain(known: Known, kind: str, subject: str) -> tuple[int, str | None]:
    directory = known.directory
    if kind.startswith("registry."):
        return directory.version + 1, directory.newest.leaf_hash
    found: Any = (
        directory.states.get(subject) or directory.contacts.get(subject) or directory.controllers.get(subject)
    )
    return (1, None) if found is None else (found.version + 1, found.newest.leaf_hash)


def sign(known: Known, payload: bytes, kids: list[str] | None = None) -> SignedStatement:
    """Sign with every key of this home that the statement calls for, or with those named.

    Raises ``no-key`` where this home holds none of them.
    """
    needed = rules.requirement(known.directory, read_statement(payload))
    wanted = {kid for groups in needed.alternatives for group in groups for kid in group.keys}
    usable = [kid for kid in sorted(wanted if kids is None else set(kids)) if known.keys.has(kid)]
    if not usable:
        raise RefusedError("no-key", "this home holds no key that the statement calls for")
    if kids is None:
        usable = _one_alternative(needed, usable)
    signatures = [jws.sign(payload, jws.STATEMENT, known.keys.signing(kid)) for kid in usable]
    return SignedStatement(payload, ()).merged(tuple(signatures))


def _one_alternative(needed: Any, usable: list[str]) -> list[str]:
    """The keys that count together: of the alternative where most of ours do."""
    by_alternative = [
        [k for k in usable if any(k in g.keys for g in groups)] for groups in needed.alternatives
    ]
    return max(by_alternative, key=len)


def new_device(
    known: Known, number: int, may: list[str], *, rotate_days: int, now: datetime, random: Any
) -> dict[str, Any]:
    """Make a device's keys in the keyring (not saved yet) and give its form's value."""
    party = known.party or ""
    signing = known.keys.add_signing("device", party, now, random)
    sealing = known.keys.add_sealing(party, now, random)
    rotate_by = format_time(now + timedelta(days=rotate_days))
    return {
        "number": number,
        "key": jwk_form(signing.public).model_dump(),
        "sealing": {"kid": sealing.kid, "alg": "HPKE-9-KE", "rotate_by": rotate_by},
        "may": sorted(may),
    }
