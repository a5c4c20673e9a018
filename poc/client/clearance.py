"""``Clearing``: drafts at a desk, from the first edition to the release, across devices and buildings.

A draft is sealed at rest to this home's own key, and to every device of the contact with ``send`` where it
leaves the home as a file. What may happen when stands in ``core.lifecycle``, what a draft is in
``core.clearance``; asking a person to confirm is done by whoever calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from poc.client import sending
from poc.client.home import locked
from poc.client.known import Known
from poc.client.planning import plan_of
from poc.client.sending import Sent
from poc.client.trust_drafts import DraftRow
from poc.core import clearance, lifecycle
from poc.core.clearance import Addressed, addressed_of, draft_sha256_of
from poc.core.directory import DeviceState, KeyRecord
from poc.core.draft import prepare
from poc.core.draft_form import DraftForm, Hand
from poc.core.envelope import SealingLimits, check_draft, content_sha256, text_code, uuid7
from poc.core.escalation import Plan, Reached
from poc.core.form import form_bytes
from poc.core.judge import judge_key
from poc.core.keys import SealingKey, SealingPublicKey
from poc.core.opening import check_other_device, verify_preparation
from poc.core.sealed import CEK_BYTES, IV_BYTES
from poc.core.strictjson import format_time
from poc.errors import RefusedError

Random = Callable[[int], bytes]
_OVER = ("released", "discarded")


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """A draft of this home, opened. ``voided``: this step took a preparation from it."""

    form: DraftForm
    state: str
    voided: bool = False

    @property
    def id(self) -> str:
        """The id of the message it becomes."""
        return self.form.content.id

    @property
    def code(self) -> str:
        """The text code."""
        return clearance.code_of(self.form)


class Clearing:
    """What a desk does with drafts. Mixed into ``Desk``, which has these members."""

    home: Path
    known: Known
    _random: Random
    _send_waiting: Callable[[], Any]

    async def new_draft(self, addressed: Addressed, *, officer: str | None = None) -> KeptDraft:
        """Keep a new draft. Raises ``bad-form`` and what ``check_draft`` refuses."""
        async with locked(self.home):
            addressed = _planned(self.known, addressed)
            now = self.known.now()
            form = clearance.new_draft(
                addressed,
                origin=self.known.directory.origin,
                id=uuid7(now, self._random(10)),
                contact=self.known.party or "",
                hand=_hand(self.known, self.known.own_device(), officer),
            )
            return self._keep_draft(form, "draft")

    def drafts(self) -> list[KeptDraft | DraftRow]:
        """The drafts of this home, oldest first; a discarded one has its row only."""
        return [self._opened(row) if row.sealed else row for row in self.known.trust.drafts()]

    def draft(self, name: str) -> KeptDraft:
        """A draft of this home. Raises ``unknown-draft``, ``not-in-this-state`` for a discarded one."""
        row = self.known.trust.draft(name)
        if not row.sealed:
            raise RefusedError("not-in-this-state", row.state)
        return self._opened(row)

    async def edit_draft(self, name: str, addressed: Addressed, *, officer: str | None = None) -> KeptDraft:
        """Another edition of a draft; what was prepared before is void. Raises as :meth:`new_draft`."""
        async with locked(self.home):
            before = self.draft(name)
            state = lifecycle.advance(lifecycle.DRAFT, before.state, "edited")
            addressed = _planned(self.known, addressed)
            hand = _hand(self.known, self.known.own_device(), officer)
            after = self._keep_draft(clearance.edited(before.form, addressed, hand), state)
            return replace(after, voided=before.form.prepared is not None)

    async def submit_draft(self, name: str) -> KeptDraft:
        """Give a draft into clearance. Raises ``draft-expired``, ``not-in-this-state``."""
        async with locked(self.home):
            kept = self.draft(name)
            state = lifecycle.advance(lifecycle.DRAFT, kept.state, "submitted")
            clearance.check_in_time(kept.form, self.known.now())
            return self._keep_draft(kept.form, state)

    def export_draft(self, kept: KeptDraft, *, plain: bool = False) -> bytes:
        """A draft as a file: sealed to the devices of this contact with ``send``, or ``plain`` for anyone."""
        if plain:
            return form_bytes(kept.form) + b"\n"
        keys = [_sealing_key(self.known, device) for device in _readers(self.known)]
        return self._sealed(kept.form, keys)

    def may_prepare(self) -> list[int]:
        """The numbers of the other devices of this contact that could prepare what this one releases."""
        own = self.known.own_device()
        return [d.number for d in _readers(self.known) if "send" in d.may and d.number != own.number]

    def read_draft_file(self, data: bytes) -> KeptDraft:
        """A draft from a file, opened and judged; nothing is kept.

        Raises ``wrong-origin``, ``wrong-party``, ``no-slot-for-key``, ``cannot-open``, and where it carries a
        preparation, what that is refused for.
        """
        sealed = clearance.is_sealed(data)
        form = clearance.open_draft(data, _opening_keys(self.known)) if sealed else clearance.read_draft(data)
        directory, party = self.known.directory, self.known.party
        if form.origin != directory.origin:
            raise RefusedError("wrong-origin", f"expected {directory.origin}")
        if form.content.sender.contact != party:
            raise RefusedError("wrong-party", f"a draft of {form.content.sender.contact}")
        if form.prepared is None:
            return KeptDraft(form, "in-clearance")
        _verify(self.known, form, form.prepared)
        return KeptDraft(form, "cleared")

    async def take_draft(self, data: bytes) -> KeptDraft:
        """Keep the draft of a file here. A newer edition replaces what is here, and voids its preparation.

        Raises as :meth:`read_draft_file`, ``draft-superseded``, ``not-in-this-state``.
        """
        async with locked(self.home):
            given = self.read_draft_file(data)
            row = next((row for row in self.known.trust.drafts() if row.id == given.id), None)
            if row is None:
                return self._keep_draft(given.form, given.state)
            if row.state in _OVER:
                raise RefusedError("not-in-this-state", f"{row.state} here before")
            here = self._opened(row)
            if given.form.edition > here.form.edition:
                voided = here.form.prepared is not None
                return replace(self._keep_draft(given.form, given.state), voided=voided)
            same = draft_sha256_of(here.form) == draft_sha256_of(given.form)
            if given.form.edition < here.form.edition or not same:
                detail = f"edition {here.form.edition} here, {given.form.edition} in the file"
                raise RefusedError("draft-superseded", detail)
            kept = given if here.form.prepared is None else here
            return self._keep_draft(kept.form, kept.state)

    def check_prepare(self, kept: KeptDraft) -> str:
        """The state a draft is in once this home prepared it, if it may do so now.

        Raises ``not-in-this-state`` (not submitted, or over), ``draft-expired``, ``contact-frozen``,
        ``state-suspended``, ``no-device``.
        """
        if kept.state == "draft":
            raise RefusedError("not-in-this-state", f"`poc message submit {kept.id}` comes first")
        state = lifecycle.advance(lifecycle.DRAFT, kept.state, "prepared")
        clearance.check_in_time(kept.form, self.known.now())
        sending.check_sender(self.known)
        self.known.own_device("send")
        return state

    async def prepare_draft(self, name: str, typed: str, *, officer: str | None = None) -> KeptDraft:
        """Stand behind a draft with this home's device, which the officer was shown in full.

        ``typed`` is the text code, or enough of its beginning. Raises ``wrong-text-code``, and as
        :meth:`check_prepare`.
        """
        async with locked(self.home):
            kept, known = self.draft(name), self.known
            state = self.check_prepare(kept)
            clearance.check_typed_code(typed, kept.form)
            device = known.own_device("send")
            text = prepare(
                draft_sha256_of(kept.form),
                origin=known.directory.origin,
                contact=known.party or "",
                key=known.keys.signing(device.kid),
                head=known.head,
                at=known.now(),
            )
            _verify(known, kept.form, text)
            return self._keep_draft(
                clearance.with_preparation(kept.form, text, _hand(known, device, officer)), state
            )

    async def add_preparation(self, name: str, text: str) -> KeptDraft:
        """Take a preparation that came as a file. Raises what it is refused for, ``not-in-this-state``."""
        async with locked(self.home):
            kept = self.draft(name)
            state = lifecycle.advance(lifecycle.DRAFT, kept.state, "prepared")
            preparation, _ = _verify(self.known, kept.form, text)
            hand = Hand(officer=None, kid=preparation.kid, at=preparation.at)
            return self._keep_draft(clearance.with_preparation(kept.form, text, hand), state)

    def check_release(self, kept: KeptDraft) -> None:
        """Return if a draft may be released by this home now, its sealing aside.

        Raises ``preparation-missing``, ``preparation-mismatch``, ``not-in-this-state``, ``draft-expired``,
        ``no-device``, and what the preparer's key is refused for.
        """
        if kept.form.prepared is None and kept.state not in _OVER:
            raise RefusedError("preparation-missing", kept.state)
        lifecycle.advance(lifecycle.DRAFT, kept.state, "released")
        clearance.check_in_time(kept.form, self.known.now())
        _, preparer = _verify(self.known, kept.form, kept.form.prepared or "")
        check_other_device(preparer, _sender(self.known))

    async def release_draft(
        self,
        name: str,
        typed: str,
        *,
        typed_actual: str | None = None,
        officer: str | None = None,
        stale_reason: str | None = None,
    ) -> Sent:
        """Seal a cleared draft to the devices in force now, keep it in the outbox, try to send it.

        ``typed`` is the text code; for an actual message ``typed_actual`` are its two words, for any other
        there are none. Raises ``wrong-text-code``, ``actual-not-confirmed``, as :meth:`check_release` and
        what sealing is refused for; a refusal by the hub is in the answer.
        """
        async with locked(self.home):
            kept = self.draft(name)
            self.check_release(kept)
            clearance.check_typed_code(typed, kept.form)
            _check_confirmed(kept.form, typed_actual)
            addressed = addressed_of(kept.form)
            plan = _plan_as_prepared(self.known, addressed)
            with self.known.trust.transaction():
                sealed = sending.seal(
                    self.known, replace(addressed.draft, officer=officer), plan, self._random,
                    stale_reason=stale_reason, message=kept.id,
                )  # fmt: skip
                _check_same(content_sha256(sealed.message), kept.form)
                self._keep_draft(kept.form, "released")
            await self._send_waiting()
        return sending.outcome(self.known, sealed)

    async def discard_draft(self, name: str) -> None:
        """Forget what a draft says; its id stays spent. Raises ``not-in-this-state``."""
        async with locked(self.home):
            row = self.known.trust.draft(name)
            state = lifecycle.advance(lifecycle.DRAFT, row.state, "discarded")
            at = format_time(self.known.now())
            self.known.trust.put_draft(DraftRow(row.id, state, row.edition, b"", at))

    def number_sheet(self, kept: KeptDraft) -> int:
        """Take the number of a printed sheet at this home."""
        at = format_time(self.known.now())
        return self.known.trust.next_sheet(kept.id, kept.form.edition, at)

    # --- at rest ---

    def _opened(self, row: DraftRow) -> KeptDraft:
        return KeptDraft(clearance.open_draft(row.sealed, _opening_keys(self.known)), row.state)

    def _keep_draft(self, form: DraftForm, state: str) -> KeptDraft:
        own = self.known.keys.sealing(self.known.own_device().sealing_kid).public
        at = format_time(self.known.now())
        self.known.trust.put_draft(
            DraftRow(form.content.id, state, form.edition, self._sealed(form, [own]), at)
        )
        return KeptDraft(form, state)

    def _sealed(self, form: DraftForm, keys: list[SealingPublicKey]) -> bytes:
        return clearance.seal_draft(form, keys, cek=self._random(CEK_BYTES), iv=self._random(IV_BYTES))


def _planned(known: Known, addressed: Addressed) -> Addressed:
    """What was drawn up with the time to answer and everyone it may reach fixed, if it could be sent now."""
    check_draft(addressed.draft, SealingLimits.of(known.effective, known.party or ""), known.now())
    draft, plan = plan_of(
        known, addressed.draft, addressed.to, addressed.information, escalate=addressed.escalate
    )
    return replace(addressed, draft=draft, reached=tuple((one.contact, one.use) for one in plan.reached))


def _plan_as_prepared(known: Known, addressed: Addressed) -> Plan:
    """When each of those prepared for is reached now: everyone the content names, and nobody else.

    One that would not be reached any more, as an office has opened since, gets it at once.
    """
    _, plan = plan_of(
        known, addressed.draft, addressed.to, addressed.information, escalate=addressed.escalate
    )
    prepared = set(addressed.uses())
    reached = [one for one in plan.reached if (one.contact, one.use) in prepared]
    starts_at = max(known.now(), addressed.draft.not_before or known.now())
    for contact, use in sorted(prepared - {(one.contact, one.use) for one in reached}):
        if use != "own":
            reached.append(Reached(contact, use, starts_at, None, "addressee"))
    return Plan(plan.respond_by, tuple(reached))


def _hand(known: Known, device: DeviceState, officer: str | None) -> Hand:
    return Hand(officer=officer, kid=device.kid, at=known.now())


def _readers(known: Known) -> list[DeviceState]:
    """The devices a draft's file is sealed to: those that could prepare or release it, and this one."""
    own = known.own_device()
    devices = known.effective.devices_of(known.party or "")
    return [device for device in devices if "send" in device.may or device.number == own.number]


def _sealing_key(known: Known, device: DeviceState) -> SealingPublicKey:
    if known.keys.has(device.sealing_kid):
        return known.keys.sealing(device.sealing_kid).public
    return known.sealing_public(device.sealing_kid)


def _opening_keys(known: Known) -> dict[str, SealingKey]:
    return {entry.kid: entry.key for entry in known.keys.list() if isinstance(entry.key, SealingKey)}


def _sender(known: Known) -> KeyRecord:
    """The key this home would sign a message with."""
    kid, directory = known.own_device("send").kid, known.effective
    return judge_key(directory, kid, directory.size, known.party or "", "send")


def _verify(known: Known, form: DraftForm, prepared: str) -> Any:
    """The preparation of a draft and its key, judged by the newest log and the notices held here."""
    directory = known.effective
    return verify_preparation(
        prepared, draft_sha256_of(form), known.party or "", directory, directory.size, known.root_at
    )


def _check_same(sealed: str, form: DraftForm) -> None:
    """What is about to go out is what was prepared, whatever sealing made of the addressees."""
    if sealed != draft_sha256_of(form):
        raise RefusedError("preparation-mismatch", f"sealed as {text_code(sealed)}")


def _check_confirmed(form: DraftForm, typed_actual: str | None) -> None:
    """The confirmation of the draft's own status, and no other."""
    if (form.content.status == "actual") != (typed_actual is not None):
        raise RefusedError("actual-not-confirmed", form.content.status)
    if typed_actual is not None:
        clearance.check_typed_actual(typed_actual, form.origin)
