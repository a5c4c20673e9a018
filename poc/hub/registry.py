"""Statements on their way into the log: logged at once, or kept as proposals until all have signed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from poc.core import jws, rules
from poc.core.form import state_of
from poc.core.statement import (
    SignedStatement,
    payload_sha256,
    read_entry,
    read_signed_statement,
    read_statement,
)
from poc.core.strictjson import b64u, canonical, format_time, parse
from poc.errors import FaultError, RefusedError
from poc.hub.caller import Caller
from poc.hub.clock import Clock
from poc.hub.log import Log, Logged
from poc.limits import PROPOSAL_SECONDS_MAX
from poc.store.base import Store, StoredProposal

_TRIES: Final = 50  # each lost try means that another signature was taken meanwhile
_MOVED: Final = frozenset({"proposal-moved", "already-logged"})


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

        Raises ``already-logged`` (data ``index``, ``leaf_hash``), what the rules refuse it for, or
        ``proposal-moved`` if others changed its proposal at every try.
        """
        proposal_id = payload_sha256(signed.payload)
        for _ in range(_TRIES):
            await self._refuse_logged(proposal_id)
            existing = await self._store.read_proposal(proposal_id, self._now())
            with _told_by(_MOVED):
                if existing is not None:
                    return await self._join(existing, signed.signatures)
                opened = await self._open(proposal_id, signed)
                if opened is not None:
                    return opened
        raise RefusedError("proposal-moved")

    async def sign(
        self, caller: Caller, proposal_id: str, signatures: tuple[jws.Signature, ...]
    ) -> Logged | Proposed:
        """Add signatures to a proposal; the last one needed logs it.

        Raises ``not-found``, ``already-logged`` to those who could see the proposal, and as ``submit``.
        """
        for _ in range(_TRIES):
            proposal = await self._store.read_proposal(proposal_id, self._now())
            if proposal is None:
                await self._refuse_logged(proposal_id, caller)
            if proposal is None or not _may_see(caller, proposal.payload):
                raise RefusedError("not-found")
            with _told_by(_MOVED):
                return await self._join(proposal, signatures)
        raise RefusedError("proposal-moved")

    async def list(self, caller: Caller) -> list[dict[str, Any]]:
        """The open proposals this caller may see."""
        found = await self._store.read_proposals(self._now())
        return [self._shown(proposal) for proposal in found if _may_see(caller, proposal.payload)]

    async def show(self, caller: Caller, proposal_id: str) -> dict[str, Any]:
        """One proposal. Raises ``not-found``."""
        return self._shown(await self._visible(caller, proposal_id))

    async def _visible(self, caller: Caller, proposal_id: str) -> StoredProposal:
        found = await self._store.read_proposal(proposal_id, self._now())
        if found is None or not _may_see(caller, found.payload):
            raise RefusedError("not-found")
        return found

    async def _refuse_logged(self, proposal_id: str, caller: Caller | None = None) -> None:
        """Return unless the payload is logged (and the caller, where one is given, may know)."""
        if proposal_id not in self._log.view.directory.payloads:
            return
        logged = await self._store.find_leaf(proposal_id)
        if logged is None:
            raise FaultError("fault", "a payload of the log is not in the store")
        index, leaf = logged
        if caller is None or _may_see(caller, read_entry(leaf.data).signed.payload):
            raise RefusedError("already-logged", index=index, leaf_hash=b64u(leaf.leaf_hash))

    async def _open(self, proposal_id: str, signed: SignedStatement) -> Logged | Proposed | None:
        """Log a complete statement or open a proposal; None if another opened it meanwhile."""
        now = self._now()
        progress = rules.check_proposal(self._log.view.directory, signed, now)
        if progress.complete:
            return await self._log.append(signed)
        expires_at = now + timedelta(seconds=PROPOSAL_SECONDS_MAX)
        data = _signature_bytes(signed)
        proposal = StoredProposal(proposal_id, signed.payload, data, now, expires_at)
        return Proposed(proposal_id, progress.missing) if await self._store.put_proposal(proposal) else None

    async def _join(
        self, proposal: StoredProposal, signatures: tuple[jws.Signature, ...]
    ) -> Logged | Proposed:
        """Add signatures to exactly this state of a proposal. Raises ``proposal-moved``."""
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


def _may_see(caller: Caller, payload: bytes) -> bool:
    if caller.role == "registrar":
        return True
    subject = read_statement(payload).subject
    return subject == caller.holder or (caller.role != "controller" and state_of(subject) == caller.state)


@contextlib.contextmanager
def _told_by(codes: frozenset[str]) -> Iterator[None]:
    """Swallow a refusal that only says that another was faster: the caller looks again."""
    try:
        yield
    except RefusedError as error:
        if error.code not in codes:
            raise


def _signature_bytes(signed: SignedStatement) -> bytes:
    value: Any = signed.merged(()).value()["signatures"]
    return canonical(value)


def _signed(proposal: StoredProposal) -> SignedStatement:
    signatures: Any = parse(proposal.signatures)
    bare = SignedStatement(proposal.payload, ()).value()
    return read_signed_statement({**bare, "signatures": signatures})
