"""Rules of ``witness.*``: who cosigns, and when a seat counts. Who must sign stands in ``required``.

A seat is taken and lost only at an attest that covers the change with a quorum of the seats in force until
then; otherwise registrars and operator together could seat witnesses of their own on a fork.
"""

from __future__ import annotations

from dataclasses import replace

from poc.core.bodies import ActsOn, SigningJwk, WitnessAppoint
from poc.core.cosignature import COSIGNATURE_ED25519
from poc.core.directory import Anchor, Dismissal, KeyRecord, Pending, Seat, Witness
from poc.core.form import PARTY_PATTERN, state_of
from poc.core.note import Verifier
from poc.core.statement import Statement
from poc.core.strictjson import b64u
from poc.core.working import Working, superseded
from poc.errors import RefusedError


def witness_jwk(vkey: str) -> SigningJwk:
    """The key of a witness. Raises ``bad-vkey``, ``unknown-algorithm`` for one that signs no statements."""
    verifier = Verifier.from_vkey(vkey)
    if verifier.signature_type != COSIGNATURE_ED25519:
        raise RefusedError("unknown-algorithm", "a witness has an Ed25519 key that cosigns")
    return SigningJwk(kty="OKP", crv="Ed25519", x=b64u(verifier.public))


def apply_appoint(work: Working, statement: Statement, body: WitnessAppoint, anchor: Anchor) -> None:
    """Appoint a State's one witness, or give it another key or address; its seat waits for an attest.

    Raises ``bad-party-id``, ``witness-exists``, ``key-in-use``, ``key-was-revoked``, and ``bad-vkey`` for a
    name that another witness or the log has: note keys of one name can be made to collide.
    """
    subject, state = statement.subject, state_of(statement.subject)
    if not PARTY_PATTERN.match(subject):
        raise RefusedError("bad-party-id", subject[:50])
    work.check_id(subject, work.contacts, work.controllers)
    others = [w for w in work.witnesses.values() if w.state == state and w.id != subject]
    if any(not other.dismissed or other.seat is not None for other in others):
        raise RefusedError("witness-exists", state)
    _check_name(work, subject, Verifier.from_vkey(body.vkey).name)
    before = work.witnesses.get(subject)
    key = witness_jwk(body.vkey).verify_key()
    known = work.keys.get(key.kid)
    if (
        before is None
        or before.dismissed
        or known is None
        or known.holder != subject
        or known.until is not None
    ):
        work.claim(KeyRecord(key.kid, "witness", subject, key, None, frozenset(), anchor.index))
    work.witnesses[subject] = Witness(
        id=subject,
        state=state,
        version=statement.version or 1,
        newest=anchor,
        seat=None if before is None else before.seat,
    )
    wait(work, Seat(subject, key.kid, body.vkey, body.url), anchor)


def _check_name(work: Working, subject: str, name: str) -> None:
    changes = (pending.change for pending in work.directory.pending)
    seats = (*work.directory.seats, *(change for change in changes if isinstance(change, Seat)))
    names = {Verifier.from_vkey(seat.vkey).name for seat in seats if seat.witness != subject}
    if name in names or name == work.directory.origin:
        raise RefusedError("bad-vkey", "another key of this registry has this name")


def apply_dismiss(work: Working, statement: Statement, body: ActsOn, anchor: Anchor) -> None:
    """Dismiss a witness as of its newest appointment. Raises ``unknown-witness``, ``superseded``."""
    witness = work.directory.witness(statement.subject)
    if body.entry != witness.newest.leaf_hash:
        raise superseded(witness.newest, "the appointment")
    dismiss(work, witness, anchor)


def dismiss(work: Working, witness: Witness, anchor: Anchor) -> None:
    """Let a witness's seat wait for its end."""
    work.witnesses[witness.id] = replace(witness, dismissed=True)
    wait(work, Dismissal(witness.id), anchor)


def wait(work: Working, change: Seat | Dismissal, anchor: Anchor) -> None:
    """Keep a change of witnesses until an attest covers it."""
    work.set(pending=(*work.directory.pending, Pending(change, anchor)))


def seat(work: Working, change: Seat, index: int) -> None:
    """Bring a seat into force; the witness's key before it ends as ``replaced``."""
    witness = work.witnesses[change.witness]
    _end_key(work, witness, change.kid, index)
    work.witnesses[witness.id] = replace(witness, seat=change)


def may_leave(work: Working, witness: str) -> bool:
    """Whether a dismissal may come into force: under a quorum the last witness waits for a replacement."""
    seats = work.directory.seats
    is_last = len(seats) == 1 and seats[0].witness == witness
    return not is_last or work.directory.settings.quorum == "none"


def leave(work: Working, change: Dismissal, index: int) -> None:
    """Take a witness's seat, and end its key."""
    witness = work.witnesses[change.witness]
    _end_key(work, witness, None, index)
    work.witnesses[witness.id] = replace(witness, seat=None)


def _end_key(work: Working, witness: Witness, kept: str | None, index: int) -> None:
    before = None if witness.seat is None else witness.seat.kid
    if before is not None and before != kept:
        work.end(before, index, "withdrawn" if kept is None else "replaced")
