"""Statements and entries: what the log is made of.

Holds the payload around a body, the entry that becomes a leaf, and the genesis fingerprint (DESIGN
section 4). The bodies of all types stand in ``bodies``. What a statement does and who must have
signed it is decided in ``rules``; nothing here looks at a directory.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import Field

from poc.core import jws, merkle
from poc.core.bodies import BODIES, Body
from poc.core.form import Form, Positive, Sha256, TopForm, Utc, form_bytes, form_of, read_form
from poc.core.strictjson import b64u, canonical, domain_hash, format_time, unb64u
from poc.errors import RefusedError
from poc.limits import ENTRY_BYTES_MAX

CHAINED: Final = frozenset(
    {
        "registry.genesis",
        "registry.policy",
        "state.enrol",
        "state.rotate",
        "state.recover",
        "contact.record",
        "contact.nominate",
        "contact.update",
        "controller.appoint",
        "witness.appoint",
    }
)
BRAKES: Final = frozenset(
    {
        "contact.freeze",
        "contact.withdraw",
        "contact.device-revoke",
        "state.object",
        "state.withdraw",
        "state.rotate",
    }
)

# --- statement, entry --------------------------------------------------------------------------


class StatementForm(TopForm):
    """The payload of a statement; ``body`` is checked against the model of its type."""

    type: str
    subject: Annotated[str, Field(max_length=100)]
    version: Positive | None
    previous: Sha256 | None
    issued_at: Utc
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement whose form was read, with the bytes it was read from. Signatures not verified."""

    payload: bytes
    origin: str
    type: str
    subject: str
    version: int | None
    previous: str | None
    issued_at: datetime
    body: Body

    @property
    def sha256(self) -> str:
        """base64url SHA-256 of the payload: a payload enters the log once."""
        return payload_sha256(self.payload)


def payload_sha256(payload: bytes) -> str:
    """The proposal's and the statement's identity: base64url SHA-256 of the payload bytes."""
    return b64u(hashlib.sha256(payload).digest())


def read_statement(payload: bytes) -> Statement:
    """Read a statement's payload. Raises ``newer-form`` for a type this version does not know."""
    form = read_form(StatementForm, payload)
    model = BODIES.get(form.type)
    if model is None:
        raise RefusedError("newer-form", "statement type")
    if (form.type in CHAINED) != (form.version is not None) or ((form.version or 1) > 1) != (
        form.previous is not None
    ):
        raise RefusedError("bad-form", "version and previous do not fit the statement's type")
    body: Any = form_of(model, form.body)
    return Statement(
        payload, form.origin, form.type, form.subject, form.version, form.previous, form.issued_at, body
    )


def statement_payload(
    *,
    origin: str,
    type: str,  # noqa: A002 (the member's name on the wire)
    subject: str,
    body: Body,
    issued_at: datetime,
    version: int | None = None,
    previous: str | None = None,
) -> bytes:
    """Compose the RFC 8785 bytes of a statement for its signers."""
    form = StatementForm(
        v=1,
        origin=origin,
        type=type,
        subject=subject,
        version=version,
        previous=previous,
        issued_at=issued_at,
        body=body.model_dump(mode="json", by_alias=True),
    )
    return form_bytes(form)


class SignatureForm(Form):
    """One JWS signature over a statement's payload (RFC 7515 general serialisation)."""

    protected: Annotated[str, Field(max_length=400)]
    signature: Annotated[str, Field(max_length=200)]


class SignedStatementForm(Form):
    """A payload and its signatures; in an entry sorted by kid and distinct."""

    payload: Annotated[str, Field(max_length=ENTRY_BYTES_MAX)]
    signatures: Annotated[tuple[SignatureForm, ...], Field(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A payload with signatures over it, none of them verified yet."""

    payload: bytes
    signatures: tuple[jws.Signature, ...]

    def value(self) -> dict[str, Any]:
        """The JSON value ``{payload, signatures: [{protected, signature}]}``."""
        return {
            "payload": b64u(self.payload),
            "signatures": [{"protected": s.protected, "signature": s.signature} for s in self.signatures],
        }

    def merged(self, more: tuple[jws.Signature, ...]) -> SignedStatement:
        """The same payload with further signatures, one per kid, sorted by kid."""
        by_kid = {jws.header_kid(s.protected): s for s in (*more, *self.signatures)}
        return SignedStatement(self.payload, tuple(by_kid[kid] for kid in sorted(by_kid)))


def read_signed_statement(value: Any) -> SignedStatement:
    """Read ``{payload, signatures}`` from a parsed JSON value; order and signatures not checked."""
    return _signed_statement(form_of(SignedStatementForm, value))


def _signed_statement(form: SignedStatementForm) -> SignedStatement:
    signatures = tuple(jws.Signature(s.protected, s.signature) for s in form.signatures)
    return SignedStatement(unb64u(form.payload), signatures)


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """A leaf of the log as it was read: form checked, signatures not verified."""

    leaf: bytes
    logged_at: datetime
    signed: SignedStatement

    @property
    def leaf_hash(self) -> str:
        """base64url RFC 6962 leaf hash: how other statements name this entry."""
        return b64u(merkle.leaf_hash(self.leaf))


def make_entry(signed: SignedStatement, logged_at: datetime) -> SignedEntry:
    """Compose the leaf of a statement logged at a time. Raises ``too-large`` over 65,535 bytes."""
    ordered = signed.merged(())
    leaf = canonical({"logged_at": format_time(logged_at), "statement": ordered.value()})
    if len(leaf) > ENTRY_BYTES_MAX:
        raise RefusedError("too-large", f"an entry of {len(leaf)} bytes; {ENTRY_BYTES_MAX} is the limit")
    return SignedEntry(leaf, logged_at, ordered)


class EntryForm(Form):
    """The leaf's form."""

    logged_at: Utc
    statement: SignedStatementForm


def read_entry(leaf: bytes) -> SignedEntry:
    """Read a leaf. Raises unless it is canonical and its signatures are sorted by kid and distinct."""
    if len(leaf) > ENTRY_BYTES_MAX:
        raise RefusedError("too-large", f"an entry of {len(leaf)} bytes; {ENTRY_BYTES_MAX} is the limit")
    form = read_form(EntryForm, leaf)
    if form_bytes(form) != leaf:
        raise RefusedError("not-canonical", "entry")
    signed = _signed_statement(form.statement)
    kids = [jws.header_kid(signature.protected) for signature in signed.signatures]
    if kids != sorted(set(kids)):
        raise RefusedError("bad-form", "an entry's signatures must be sorted by kid and distinct")
    return SignedEntry(leaf, form.logged_at, signed)


def genesis_fingerprint(payload: bytes) -> str:
    """Hex SHA-256("poc/1 genesis" 0x00 ‖ payload): what a desk pins in full."""
    return domain_hash("poc/1 genesis", payload).hex()


def format_fingerprint(fingerprint: str) -> str:
    """16 groups of 4 hex digits, for reading aloud and comparing on paper."""
    return " ".join(fingerprint[i : i + 4] for i in range(0, 64, 4))


def parse_fingerprint(text: str) -> str:
    """A fingerprint as typed: case, spaces, colons and hyphens do not matter.

    Raises ``bad-fingerprint`` unless 64 hex digits are left; a fingerprint is never shortened.
    """
    compact = "".join(text.lower().translate(str.maketrans("", "", " :-\t\n")))
    if len(compact) != 64 or any(c not in "0123456789abcdef" for c in compact):
        raise RefusedError("bad-fingerprint", f"{len(compact)} characters; 64 hex digits are needed")
    return compact
