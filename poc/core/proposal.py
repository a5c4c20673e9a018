"""The proposal file: a statement on its way to the signatures it needs, with what it refers to.

A proposal travels by the hub or as this file (DESIGN section 4, Four eyes). The file also carries
the card openings and sealing keys the statement names by hash, so that a co-signer sees what is
signed. Whose signatures are needed is decided in ``signers``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from poc.core import jws
from poc.core.bodies import Appoint, DeviceAdd, Nominate, Record, Rotate, SealingRef, Update
from poc.core.card import CardCommitments, Opening
from poc.core.form import Form, TopForm, form_bytes, form_of, read_form
from poc.core.keys import SealingPublicKey
from poc.core.statement import (
    SignedStatement,
    SignedStatementForm,
    Statement,
    read_signed_statement,
    read_statement,
)
from poc.errors import RefusedError
from poc.limits import DEVICES_MAX


class SealingJwk(Form):
    """A public sealing key as it travels beside the log."""

    kty: Literal["AKP"]
    alg: Literal["HPKE-9-KE"]
    pub: Annotated[str, Field(max_length=1700)]

    def public_key(self) -> SealingPublicKey:
        """The key, checked. Raises ``bad-key``."""
        return SealingPublicKey.from_jwk({"kty": self.kty, "alg": self.alg, "pub": self.pub})


class Proposal(TopForm):
    """A statement with the signatures it has so far and the openings and keys it refers to."""

    form: Literal["poc-proposal"]
    statement: SignedStatementForm
    openings: Annotated[tuple[Opening, ...], Field(max_length=3)]
    sealing_keys: Annotated[tuple[SealingJwk, ...], Field(max_length=DEVICES_MAX)]

    @property
    def signed(self) -> SignedStatement:
        """The payload and signatures inside."""
        return read_signed_statement(self.statement.model_dump(mode="json"))


def make_proposal(
    signed: SignedStatement,
    openings: tuple[Opening, ...] = (),
    sealing_keys: tuple[SealingPublicKey, ...] = (),
) -> Proposal:
    """Put a statement and what it refers to into one file. Raises ``proposal-mismatch``."""
    jwks = [form_of(SealingJwk, key.jwk()) for key in sealing_keys]
    statement = read_statement(signed.payload)
    proposal = Proposal(
        v=1,
        origin=statement.origin,
        form="poc-proposal",
        statement=form_of(SignedStatementForm, signed.value()),
        openings=openings,
        sealing_keys=tuple(jwks),
    )
    _check_references(proposal, statement)
    return proposal


def read_proposal(data: bytes) -> tuple[Proposal, Statement]:
    """Read a proposal file and its statement; signatures are not verified here.

    Raises ``proposal-mismatch`` where an opening or key is not one the statement names.
    """
    proposal = read_form(Proposal, data)
    statement = read_statement(proposal.signed.payload)
    if statement.origin != proposal.origin:
        raise RefusedError("proposal-mismatch", "the file names another origin than its statement")
    _check_references(proposal, statement)
    return proposal, statement


def with_signatures(proposal: Proposal, more: tuple[jws.Signature, ...]) -> Proposal:
    """The same proposal with further signatures."""
    merged = proposal.signed.merged(more)
    return proposal.model_copy(update={"statement": form_of(SignedStatementForm, merged.value())})


def proposal_bytes(proposal: Proposal) -> bytes:
    """The file: RFC 8785 and a line break."""
    return form_bytes(proposal) + b"\n"


def named_card(statement: Statement) -> CardCommitments | None:
    """The card a statement commits to."""
    body: Any = statement.body
    return body.card if isinstance(body, Record | Update) else None


def named_sealing_keys(statement: Statement) -> tuple[SealingRef, ...]:
    """The sealing keys a statement brings in."""
    body: Any = statement.body
    if isinstance(body, Nominate | Appoint):
        return tuple(device.sealing for device in body.devices)
    if isinstance(body, DeviceAdd):
        return (body.device.sealing,)
    if isinstance(body, Rotate) and body.sealing is not None:
        return (body.sealing,)
    return ()


def _check_references(proposal: Proposal, statement: Statement) -> None:
    card = named_card(statement)
    for opening in proposal.openings:
        commitment = card.part(opening.part) if card is not None else None
        if commitment is None or commitment.commitment != opening.commitment():
            raise RefusedError("proposal-mismatch", f"the {opening.part} part")
    named = {reference.kid for reference in named_sealing_keys(statement)}
    for jwk in proposal.sealing_keys:
        if jwk.public_key().kid not in named:
            raise RefusedError("proposal-mismatch", "a sealing key")
