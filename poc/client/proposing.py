"""``Proposing``: the part of a desk that makes, signs and submits statements.

Every statement goes the same way: composed on the verified directory, signed by this home, then
either put into a file for others to sign or kept in the outbox and sent. What a statement does is
decided in ``core.rules``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from poc.client import rotation, statements
from poc.client.api import HubClient
from poc.client.filing import FiledCard, file_card
from poc.client.home import locked
from poc.client.known import Known
from poc.client.log import sync_log
from poc.client.outbox import Flushed, flush, settle_statements
from poc.client.rotation import ROTATE_DAYS
from poc.client.statements import Filed, Submission, Submitted
from poc.client.waiting import Waiting
from poc.core.card import Opening
from poc.core.form import form_bytes, read_form
from poc.core.keys import SealingPublicKey
from poc.core.proposal import Proposal, make_proposal, read_proposal, with_signatures
from poc.core.statement import (
    SignedStatement,
    Statement,
    payload_sha256,
    read_entry,
    read_signed_statement,
    read_statement,
)
from poc.core.strictjson import canonical, parse
from poc.errors import PocError, RefusedError, UnreachableError


class Proposing:
    """What a desk does with statements. Mixed into ``Desk``, which has these members."""

    home: Path
    known: Known
    hub: HubClient
    _random: Callable[[int], bytes]

    # --- composing ---

    def compose(self, kind: str, subject: str, body: dict[str, Any]) -> SignedStatement:
        """A statement chained on the directory, not signed yet. Raises ``bad-form``."""
        payload = statements.compose(self.known.directory, kind, subject, body, self.known.now())
        return statements.bare(payload)

    def sign(self, signed: SignedStatement, kids: Collection[str] | None = None) -> SignedStatement:
        """Add the signatures of this home's keys that the statement calls for. Raises ``no-key``."""
        return statements.sign(signed, self.known.keys, self.known.directory, kids)

    def newest_entry(self, subject: str) -> str:
        """Leaf hash of a contact's or controller's newest chained entry. Raises ``unknown-contact``."""
        return statements.newest_entry(self.known.directory, subject)

    def file_card(self, contact: str, value: Any) -> FiledCard:
        """A card from a card file's value; parts that did not change keep their commitment."""
        before = self.known.directory.contacts.get(contact)
        kept: dict[str, Opening] = {}
        if before is not None:
            openings = self.known.trust.openings()
            for part in ("office", "reach", "person"):
                named = getattr(before.card, part)
                if named is not None and named.commitment in openings:
                    kept[part] = read_form(Opening, openings[named.commitment])
        origin = self.known.directory.origin
        return file_card(value, contact, origin, self._random, before=before, kept=kept)

    # --- submitting ---

    async def refresh(self) -> None:
        """Verify what is new in the log, if the hub can be reached and shows a head with a quorum.

        Raises ``fork``, ``rollback``.
        """
        async with locked(self.home):
            await self._refresh()

    async def _refresh(self) -> None:
        self.hub.keys = self.known.request_keys()
        try:
            await sync_log(self.known, self.hub)
        except PocError as error:
            if error.code not in ("hub-unreachable", "quorum-missing"):  # told among the standing warnings
                raise

    async def submit(
        self,
        signed: SignedStatement,
        openings: Sequence[Opening] = (),
        sealing_keys: Sequence[SealingPublicKey] = (),
    ) -> Submitted:
        """Put a statement and what it refers to into the outbox and try to send it.

        Once the hub says that it is logged, the log is verified up to it. Raises the code it was
        refused with, such as ``superseded``.
        """
        filed = Filed(signed, tuple(openings), tuple(sealing_keys))
        async with locked(self.home):
            self._put([filed])
            await self._send_waiting()
            return await self._outcome(filed)

    async def submit_all(self, every: Sequence[Filed]) -> list[Submitted | RefusedError]:
        """Put many statements into the outbox, all or none, then try to send them; the outcome of each.

        A refusal of one is its outcome and stops no other.
        """
        outcomes: list[Submitted | RefusedError] = []
        async with locked(self.home):
            self._put(every)
            await self._send_waiting()
            for filed in every:
                try:
                    outcomes.append(await self._outcome(filed))
                except RefusedError as error:
                    if error.code in ("fork", "rollback"):
                        raise
                    outcomes.append(error)
        return outcomes

    def _put(self, every: Sequence[Filed]) -> None:
        with self.known.trust.transaction():
            for filed in every:
                filed.put(self.known.trust)

    async def _outcome(self, filed: Filed) -> Submitted:
        outcome = await self._submitted("statement", filed.ref, payload_sha256(filed.signed.payload))
        self._keep(read_statement(filed.signed.payload), filed.openings, filed.sealing_keys)
        return outcome

    def openings_here(self) -> dict[str, bytes]:
        """Every opening this home has by its commitment: verified ones, and those it made itself."""
        made = {row.ref: row.body for row in self.known.trust.outbox(kind="opening")}
        return {**made, **self.known.trust.openings()}

    def _keep(
        self,
        statement: Statement,
        openings: Sequence[Opening],
        sealing_keys: Sequence[SealingPublicKey],
    ) -> None:
        """Keep here what the log now names, so that the next command need not fetch it."""
        contact = self.known.directory.contacts.get(statement.subject)
        for opening in openings:
            named = None if contact is None else contact.card.part(opening.part)
            if named is not None and named.commitment == opening.commitment():
                data = form_bytes(opening)
                self.known.trust.put_opening(named.commitment, statement.subject, opening.part, data)
        for key in sealing_keys:
            if key.kid in self.known.directory.keys:
                self.known.trust.put_sealing_key(key.kid, canonical(key.jwk()))

    async def propose(
        self,
        kind: str,
        subject: str,
        body: dict[str, Any],
        openings: Sequence[Opening] = (),
        sealing_keys: Sequence[SealingPublicKey] = (),
    ) -> Submitted:
        """Compose, sign and submit a statement."""
        return await self.submit(self.sign(self.compose(kind, subject, body)), openings, sealing_keys)

    async def _send_waiting(self, *, blobs_tried: bool = False) -> Flushed:
        self.hub.keys = self.known.request_keys()
        try:
            return await flush(self.known, self.hub, blobs_tried=blobs_tried)
        except UnreachableError as error:
            if error.code != "hub-unreachable":
                raise
            return Flushed(Waiting(self.known.now()))

    async def _submitted(self, kind: str, ref: str, payload: str) -> Submitted:
        row = self.known.trust.outbox_row(kind, ref)
        answer: Any = parse(row.answer) if row is not None and row.answer else {}
        if row is None or row.state == "waiting":
            return Submitted("waiting", payload)
        if row.state == "rejected":
            code, _, detail = (row.reason or "hub-refused").partition(": ")
            raise RefusedError(code, detail, **answer)
        if row.state == "proposed":
            missing = tuple(answer.get("missing", ()))
            return Submitted("proposed", payload, proposal=answer["proposal"], missing=missing)
        try:
            await self._refresh()
        except RefusedError as error:
            if error.code != "bad-request-signature":  # this very statement may have ended the home's key
                raise
        settle_statements(self.known)
        state: Submission = "logged" if payload in self.known.directory.payloads else "submitted"
        return Submitted(state, payload, answer.get("index"), answer.get("leaf_hash"))

    # --- proposals at the hub ---

    async def proposals(self) -> list[dict[str, Any]]:
        """The open proposals this desk may see. Raises ``hub-unreachable``."""
        self.hub.keys = self.known.request_keys()
        answer = await self.hub.get_json("/v1/proposals")
        found = answer.get("proposals")
        if not isinstance(found, list):
            raise RefusedError("bad-answer-from-hub", "/v1/proposals")
        for value in found:
            _proposed(value)
        return found

    async def fetch_proposal(self, proposal: str) -> SignedStatement:
        """One proposal with the signatures it has.

        Raises ``not-found``, ``already-logged`` where the verified log has it, ``bad-answer-from-hub``.
        """
        self.hub.keys = self.known.request_keys()
        try:
            answer = await self.hub.get_json(f"/v1/proposals/{proposal}")
        except RefusedError as error:
            if error.code == "not-found" and proposal in self.known.directory.payloads:
                raise RefusedError("already-logged", f"entry {self._index_of(proposal)}") from None
            raise
        signed = _proposed(answer)
        if payload_sha256(signed.payload) != proposal:
            raise RefusedError("bad-answer-from-hub", "another payload than the one named")
        return signed

    def _index_of(self, payload: str) -> int:
        """The index of the entry of a payload that the verified log has."""
        leaves = self.known.trust.leaves()
        of_each = (payload_sha256(read_entry(leaf).signed.payload) for leaf in leaves)
        return next(index for index, found in enumerate(of_each) if found == payload)

    async def sign_proposal(self, proposal: str) -> Submitted:
        """Add this home's signatures to a proposal. Raises ``no-key``, ``hub-unreachable``."""
        signed = self.sign(await self.fetch_proposal(proposal))
        ref = f"{proposal}:{payload_sha256(canonical(signed.value()))}"
        body = canonical({"signatures": signed.value()["signatures"]})
        async with locked(self.home):
            self.known.trust.put_outbox("signature", ref, body)
            await self._send_waiting()
            return await self._submitted("signature", ref, proposal)

    # --- proposals as files ---

    def sign_file(self, data: bytes, kids: Collection[str] | None = None) -> Proposal:
        """A proposal file with this home's signatures added. Raises ``no-key``, ``wrong-origin``."""
        proposal, _ = read_proposal(data)
        return with_signatures(proposal, self.sign(proposal.signed, kids).signatures)

    async def submit_file(self, data: bytes) -> Submitted:
        """Submit a proposal file's statement with the openings and keys it carries."""
        proposal, _ = read_proposal(data)
        keys = [jwk.public_key() for jwk in proposal.sealing_keys]
        return await self.submit(proposal.signed, proposal.openings, keys)

    def make_file(
        self,
        signed: SignedStatement,
        openings: Sequence[Opening] = (),
        sealing_keys: Sequence[SealingPublicKey] = (),
    ) -> Proposal:
        """A proposal file of a statement, to be passed round."""
        return make_proposal(signed, tuple(openings), tuple(sealing_keys))

    # --- this home's own device ---

    async def rotate(self, *, signing: bool = False, days: int = ROTATE_DAYS) -> Submitted:
        """Replace this device's sealing key, or its signing key. The old sealing key still opens.

        The new key is in the keyring before anything is sent, and what waits under the old signing key
        goes first. Where the device changed meanwhile, the same new key is tried once more on the log as
        it is then. Raises ``no-device``, or what the hub refuses it for.
        """
        try:
            return await self._rotate(signing=signing, days=days)
        except RefusedError as error:
            if error.code not in ("superseded", "unknown-key"):
                raise
        await self.refresh()
        return await self._rotate(signing=signing, days=days)

    async def _rotate(self, *, signing: bool, days: int) -> Submitted:
        async with locked(self.home):
            await self._send_waiting()
            filed = await rotation.next_rotation(self.known, self._random, signing=signing, days=days)
            self._put([filed])
            await self._send_waiting()
            outcome = await self._outcome(filed)
            if outcome.state == "logged":
                await rotation.retire_ended(self.known)
        return outcome


def _proposed(answer: Any) -> SignedStatement:
    """The signed statement in a proposal as the hub shows it. Raises ``bad-answer-from-hub``."""
    try:
        return read_signed_statement({"payload": answer["payload"], "signatures": answer["signatures"]})
    except (KeyError, TypeError, PocError):
        raise RefusedError("bad-answer-from-hub", "a proposal") from None
