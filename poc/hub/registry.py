"""Statements on their way into the log: logged at once, or kept as proposals until all have signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from poc.core import jws, rules
from poc.core.form import state_of
from poc.core.statement import SignedStatement, payload_sha256, read_signed_statement, read_statement
from poc.core.strictjson import b64u, canonical, format_time, parse
from poc.errors import RefusedError
from poc.hub.caller import Caller
from poc.hub.clock import Clock
from poc.hub.log import Log, Logged
from poc.limits import PROPOSAL_SECONDS_MAX
from poc.store.base import Store, StoredProposal


@dataclass(frozen=True, slots=True)
class Proposed:
    """A statement that waits for signatures."""

    id: str
    missing: tuple[str, ...]


class Registry:
    """Admits statements and collects signatures."""

    def __init__(self, store: Store, log: Log, now: Clock) -> None:
        self._store = store
        self._log = log
        self._now = now

    async def submit(self, signed: SignedStatement) -> Logged | Proposed:
        """Log a statement, or open or join its proposal.

        Raises ``already-logged`` (data ``index``, ``leaf_hash``) and what the rules refuse it for.
        """
        directory = self._log.view.directory
        proposal_id = payload_sha256(signed.payload)
        if proposal_id in directory.payloads:
            logged = await self._store.find_leaf(proposal_id)
            named: dict[str, Any] = {}
            if logged is not None:
                named = {"index": logged[0], "leaf_hash": b64u(logged[1].leaf_hash)}
            raise RefusedError("already-logged", **named)
        existing = await self._store.read_proposal(proposal_id, self._now())
        if existing is not None:
            return await self._join(existing, signed.signatures)
        progress = rules.check_proposal(directory, signed, self._now())
        if progress.complete:
            return await self._log.append(signed)
        now = self._now()
        expires_at = now + timedelta(seconds=PROPOSAL_SECONDS_MAX)
        data = _signature_bytes(signed)
        opened = await self._store.put_proposal(
            StoredProposal(proposal_id, signed.payload, data, now, expires_at)
        )
        if opened:
            return Proposed(proposal_id, progress.missing)
        return await self.submit(signed)

    async def sign(
        self, caller: Caller, proposal_id: str, signatures: tuple[jws.Signature, ...]
    ) -> Logged | Proposed:
        """Add signatures to a proposal; the last one needed logs it. Raises ``not-found``."""
        return await self._join(await self._visible(caller, proposal_id), signatures)

    async def list(self, caller: Caller) -> list[dict[str, Any]]:
        """The open proposals this caller may see."""
        found = await self._store.read_proposals(self._now())
        return [self._shown(proposal) for proposal in found if _may_see(caller, proposal)]

    async def show(self, caller: Caller, proposal_id: str) -> dict[str, Any]:
        """One proposal. Raises ``not-found``."""
        return self._shown(await self._visible(caller, proposal_id))

    async def _visible(self, caller: Caller, proposal_id: str) -> StoredProposal:
        found = await self._store.read_proposal(proposal_id, self._now())
        if found is None or not _may_see(caller, found):
            raise RefusedError("not-found")
        return found

    async def _join(
        self, proposal: StoredProposal, signatures: tuple[jws.Signature, ...]
    ) -> Logged | Proposed:
        merged = _signed(proposal).merged(signatures)
        progress = rules.check_proposal(self._log.view.directory, merged, self._now())
        if progress.complete:
            return await self._log.append(merged)
        data = _signature_bytes(merged)
        if data != proposal.signatures:
            await self._store.sign_proposal(proposal.id, proposal.signatures, data)
        return Proposed(proposal.id, progress.missing)

    def _shown(self, proposal: StoredProposal) -> dict[str, Any]:
        signed = _signed(proposal)
        directory = self._log.view.directory
        missing: tuple[str, ...]
        try:
            required = rules.requirement(directory, read_statement(proposal.payload))
            missing = required.missing(frozenset(jws.header_kid(s.protected) for s in signed.signatures))
        except RefusedError as error:
            missing = (error.code,)
        return {
            "id": proposal.id,
            **signed.value(),
            "opened_at": format_time(proposal.opened_at),
            "expires_at": format_time(proposal.expires_at),
            "missing": list(missing),
        }


def _may_see(caller: Caller, proposal: StoredProposal) -> bool:
    if caller.role == "registrar":
        return True
    subject = read_statement(proposal.payload).subject
    return subject == caller.holder or (caller.role != "controller" and state_of(subject) == caller.state)


def _signature_bytes(signed: SignedStatement) -> bytes:
    value: Any = signed.merged(()).value()["signatures"]
    return canonical(value)


def _signed(proposal: StoredProposal) -> SignedStatement:
    signatures: Any = parse(proposal.signatures)
    bare = SignedStatement(proposal.payload, ()).value()
    return read_signed_statement({**bare, "signatures": signatures})
