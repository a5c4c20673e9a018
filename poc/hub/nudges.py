"""Where a contact wants to be nudged: given by its State, shown to its State, confirmed by a code.

Addresses are personal data: they stand in a table of their own, never in the log, in an error or a log line,
and are erased with the contact. When a nudge is due, and sending it, stands in ``nudging`` and ``sending``.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from poc.core.directory import Contact, Directory
from poc.core.judge import check_not_frozen
from poc.core.nudge import (
    CODE_DIGITS,
    SECRET_BYTES,
    NudgeAddresses,
    code_notice,
    format_secret,
    trial_notice,
)
from poc.core.strictjson import format_time
from poc.errors import PocError, RefusedError
from poc.hub.caller import Caller
from poc.hub.clock import Clock
from poc.hub.log import Log
from poc.hub.nudging import Nudger
from poc.hub.sending import Channels
from poc.limits import NUDGE_CODE_SECONDS_MAX, NUDGE_CODE_TRIES_MAX
from poc.store.base import NewNudgeAddress, Store, StoredNudgeAddress

_REFUSALS: Mapping[str, str] = {"wrong": "wrong-code", "ended": "code-ended", "unknown": "not-found"}


class Nudges:
    """The addresses of contacts, as their States keep them."""

    def __init__(self, store: Store, log: Log, channels: Channels, nudger: Nudger, now: Clock) -> None:
        self._store = store
        self._log = log
        self._channels = channels
        self._nudger = nudger
        self._now = now
        self._may_hold_traces = True  # of what was erased before a crash, until a rewrite has succeeded

    async def put(self, caller: Caller, contact: str, wanted: NudgeAddresses) -> dict[str, Any]:
        """Make these the contact's addresses, and have a code sent to each new one.

        A new webhook's ``secret`` stands in this answer and in no other. Raises ``not-found``,
        ``contact-frozen``, ``bad-form``, ``bad-url``, ``nudges-off``, ``host-not-approved``, ``nudge-limit``.
        """
        self._own(caller, contact)
        named = [(one.kind, one.address) for one in wanted.addresses]
        if len(set(named)) != len(named):
            raise RefusedError("bad-form", "addresses: one stands twice")
        before = {(one.kind, one.address) for one in await self._store.read_nudge_addresses(contact)}
        for kind, address in set(named) - before:
            self._channels.check(kind, address)
        self._nudger.allow_asked(contact, len(set(named) - before))
        new = [
            NewNudgeAddress(
                one.kind,
                one.address,
                one.precedence,
                one.languages,
                format_secret(secrets.token_bytes(SECRET_BYTES)) if one.kind == "webhook" else None,
            )
            for one in wanted.addresses
        ]
        stored = await self._write(contact, new)
        made = {one.secret for one in new}
        for one in stored:
            if (one.kind, one.address) not in before:
                await self._send_code(one)
        return self._shown(contact, stored, {one.number for one in stored if one.secret in made - {None}})

    async def show(self, caller: Caller, contact: str) -> dict[str, Any]:
        """The addresses of a contact of the caller's own State and what became of them.

        Raises ``not-found``.
        """
        known = self._active(contact)
        if known is None or caller.state != known.state:
            raise RefusedError("not-found")
        return self._shown(contact, await self._store.read_nudge_addresses(contact), set())

    async def confirm(self, caller: Caller, contact: str, number: int, code: str) -> None:
        """Confirm an address by the code that was sent to it; again changes nothing.

        Raises ``not-found``, ``contact-frozen``, ``wrong-code``, ``code-ended``.
        """
        self._own(caller, contact)
        outcome = await self._store.confirm_nudge_address(
            contact, number, code, self._now(), NUDGE_CODE_TRIES_MAX
        )
        if outcome != "confirmed":
            raise RefusedError(_REFUSALS[outcome])

    async def try_out(self, caller: Caller, contact: str, number: int) -> None:
        """Have a trial notice sent to a confirmed address, a new code to another.

        Raises ``not-found``, ``contact-frozen``, ``nudge-limit``.
        """
        self._own(caller, contact)
        found = {one.number: one for one in await self._store.read_nudge_addresses(contact)}
        if number not in found:
            raise RefusedError("not-found")
        one = found[number]
        self._nudger.allow_asked(contact, 1)
        if one.confirmed_at is None:
            await self._send_code(one)
        else:
            self._nudger.ask(one, trial_notice(one.languages))

    async def erase_stale(self) -> int:
        """Erase the addresses of contacts that are no more; say how many. Raises ``storage-failed``."""
        erased = 0
        for contact in await self._store.list_nudge_contacts():
            if self._active(contact) is None:
                erased += len(await self._store.read_nudge_addresses(contact))
                await self._write(contact, ())
        if self._may_hold_traces:
            await self._write("", ())
        return erased

    async def _write(self, contact: str, wanted: Sequence[NewNudgeAddress]) -> tuple[StoredNudgeAddress, ...]:
        """Set a contact's addresses; what was erased is overwritten again until that has succeeded."""
        self._may_hold_traces = True
        stored = await self._store.set_nudge_addresses(contact, wanted)
        self._may_hold_traces = False
        return stored

    async def _send_code(self, one: StoredNudgeAddress) -> None:
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        until = self._now() + timedelta(seconds=NUDGE_CODE_SECONDS_MAX)
        await self._store.put_nudge_code(one.number, code, until)
        self._nudger.ask(one, code_notice(code, one.languages))

    def _own(self, caller: Caller, contact: str) -> None:
        """Return only if the caller keeps this contact's addresses.

        Raises ``not-found``, ``contact-frozen``.
        """
        known = self._active(contact)
        is_authority = caller.role == "authority" and known is not None and caller.state == known.state
        is_own_device = caller.role == "contact" and caller.holder == contact and "change" in caller.may
        if known is None or not (is_authority or is_own_device):
            raise RefusedError("not-found")
        directory = self._log.view.directory
        check_not_frozen(directory.contacts.get(caller.holder), directory.size)

    def _active(self, contact: str) -> Contact | None:
        return active_contact(self._log.view.directory, contact)

    def _shown(
        self, contact: str, stored: tuple[StoredNudgeAddress, ...], secrets_of: set[int]
    ) -> dict[str, Any]:
        return {
            "contact": contact,
            "addresses": [
                {
                    "number": one.number,
                    "kind": one.kind,
                    "address": one.address,
                    "from": one.precedence,
                    "languages": list(one.languages),
                    "standing": self._standing(one),
                    "confirmed_at": _time(one.confirmed_at),
                    "succeeded_at": _time(one.succeeded_at),
                    "failed_at": _time(one.failed_at),
                    "failure": one.failure,
                    "secret": one.secret if one.number in secrets_of else None,
                }
                for one in stored
            ],
        }

    def _standing(self, one: StoredNudgeAddress) -> str:
        """``confirmed``, ``waits-for-code``, or the code of why nothing may go there now."""
        try:
            self._channels.check(one.kind, one.address)
        except PocError as error:
            return error.code
        return "waits-for-code" if one.confirmed_at is None else "confirmed"


def active_contact(directory: Directory, contact: str) -> Contact | None:
    """A contact that is neither withdrawn nor of a State that left; None where there is none."""
    known = directory.contacts.get(contact)
    state = None if known is None else directory.states.get(known.state)
    if known is None or known.withdrawn or state is None or state.status != "enrolled":
        return None
    return known


def _time(at: datetime | None) -> str | None:
    return None if at is None else format_time(at)
