"""Statements on their way into the log: logged at once, or kept as proposals until all have signed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from poc.core import jws, rules
from poc.core.form import state_of
from poc.core.statement import (
    BRAKES,
    SignedStatement,
    payload_sha256,
    read_entry,
    read_signed_statement,
    read_statement,
)
from poc.core.strictjson import b64u, canonical, format_time, parse
from poc.errors import RefusedError
from poc.hub.caller import Caller
from poc.hub.clock import Clock
from poc.hub.log import Log, Logged
from poc.hub.witnesses import Witnesses
from poc.limits import (
    PROPOSAL_SECONDS_MAX,
    PROPOSALS_LISTED_MAX,
    PROPOSALS_OF_STATE_BRAKES_MAX,
    PROPOSALS_OF_STATE_MAX,
)
from poc.store.base import Store, StoredProposal

_TRIES: Final = 50  # each lost try means that another signature was taken meanwhile
_TRY_AGAIN_SECONDS: Final = 0.005


@dataclass(frozen=True, slots=True)
class Proposed:
    """A statement that waits for signatures."""

    id: str
    missing: tuple[str, ...]


class Registry:
    """Admits statements and collects signatures."""

    def __init__(self, store: Store, log: Log, now: Clock, witnesses: Witnesses) -> None:
        self._store = store
        self._log = log
        self._now = now
        self._witnesses = witnesses

    async def submit(self, signed: SignedStatement) -> Logged | Proposed:
        """Log a statement, or open or join its proposal.

        Raises ``already-logged`` (data ``index``, ``leaf_hash``), what the rules refuse it for, or
        ``proposal-moved`` if others changed its proposal at every try.
        """
        proposal_id = payload_sha256(signed.payload)
        for _ in range(_TRIES):
            async with _another_try():
                await self._refuse_logged(proposal_id)
                existing = await self._store.read_proposal(proposal_id, self._now())
                if existing is not None:
                    return await self._join(existing, signed.signatures)
                return await self._open(proposal_id, signed)
        raise RefusedError("proposal-moved")

    async def sign(
        self, caller: Caller, proposal_id: str, signatures: tuple[jws.Signature, ...]
    ) -> Logged | Proposed:
        """Add signatures to a proposal; the last one needed logs it.

        Raises ``not-found``, ``already-logged`` to those who could see the proposal, and as ``submit``.
        """
        for _ in range(_TRIES):
            async with _another_try():
                proposal = await self._store.read_proposal(proposal_id, self._now())
                if proposal is None:
                    await self._refuse_logged(proposal_id, caller)
                if proposal is None or not _may_see(caller, proposal.payload):
                    raise RefusedError("not-found")
                return await self._join(proposal, signatures)
        raise RefusedError("proposal-moved")

    async def list(self, caller: Caller) -> list[dict[str, Any]]:
        """The open proposals this caller may see."""
        found = await self._store.read_proposals(self._now(), PROPOSALS_LISTED_MAX)
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
        """Return unless the payload is logged (and the caller, where one is given, may know).

        Raises ``already-logged``; ``proposal-moved`` while its checkpoint is not yet published.
        """
        logged = await self._store.find_leaf(proposal_id)
        if logged is None:
            return
        index, leaf = logged
        if caller is not None and not _may_see(caller, read_entry(leaf.data).signed.payload):
            return
        if index >= self._log.view.directory.size:
            raise RefusedError("proposal-moved")
        raise RefusedError("already-logged", index=index, leaf_hash=b64u(leaf.leaf_hash))

    async def _open(self, proposal_id: str, signed: SignedStatement) -> Logged | Proposed:
        """Log a complete statement or open a proposal. Raises ``proposal-moved`` if one is open meanwhile."""
        now = self._now()
        progress = rules.check_proposal(self._log.view.directory, signed, now)
        if progress.complete:
            return await self._append(signed)
        expires_at = now + timedelta(seconds=PROPOSAL_SECONDS_MAX)
        data = _signature_bytes(signed)
        proposal = StoredProposal(proposal_id, signed.payload, data, now, expires_at, self._opener(signed))
        is_brake = read_statement(signed.payload).type in BRAKES
        open_max = PROPOSALS_OF_STATE_BRAKES_MAX if is_brake else PROPOSALS_OF_STATE_MAX
        if not await self._store.put_proposal(proposal, open_max):
            raise RefusedError("proposal-moved")
        return Proposed(proposal_id, progress.missing)

    def _opener(self, signed: SignedStatement) -> str:
        """The State or body of the first verified signature by a key the directory knows."""
        keys = self._log.view.directory.keys
        kids = (jws.header_kid(signature.protected) for signature in signed.signatures)
        return next(state_of(keys[kid].holder) for kid in kids if kid in keys)

    async def _join(
        self, proposal: StoredProposal, signatures: tuple[jws.Signature, ...]
    ) -> Logged | Proposed:
        """Add signatures to exactly this state of a proposal. Raises ``proposal-moved``."""
        merged = _signed(proposal).merged(signatures)
        progress = rules.check_proposal(self._log.view.directory, merged, self._now())
        if progress.complete:
            return await self._append(merged)
        data = _signature_bytes(merged)
        if data != proposal.signatures:
            await self._store.sign_proposal(proposal.id, proposal.signatures, data)
        return Proposed(proposal.id, progress.missing)

    async def _append(self, signed: SignedStatement) -> Logged:
        """Log it, and wait a moment for the witnesses: whoever asks next then meets it in what is shown."""
        logged = await self._log.append(signed)
        await self._witnesses.wait_published(logged.index + 1)
        return logged

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


@contextlib.asynccontextmanager
async def _another_try() -> AsyncIterator[None]:
    """Swallow a refusal that only says that another was faster: the caller looks again, a moment later."""
    try:
        yield
    except RefusedError as error:
        # With an index it is the answer; without, the rules met the payload of a step just made.
        if error.code != "proposal-moved" and (error.code != "already-logged" or error.data):
            raise
        await asyncio.sleep(_TRY_AGAIN_SECONDS)


def _signature_bytes(signed: SignedStatement) -> bytes:
    value: Any = signed.merged(()).value()["signatures"]
    return canonical(value)


def _signed(proposal: StoredProposal) -> SignedStatement:
    signatures: Any = parse(proposal.signatures)
    bare = SignedStatement(proposal.payload, ()).value()
    return read_signed_statement({**bare, "signatures": signatures})
