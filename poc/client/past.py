"""The past of a registry, from the log kept here: the directory as of a moment, and one subject's history.

Pure: the verified log goes in and is applied anew, offline. What a card said at the time shows only as far
as its openings are still held; nothing brings back one that was erased.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from poc.core import jws
from poc.core.card import PARTS
from poc.core.directory import Contact, DeviceState, Directory, State, Suspension
from poc.core.form import state_of
from poc.core.rules import apply, apply_all
from poc.core.statement import SignedEntry, Statement, read_statement
from poc.core.strictjson import format_time
from poc.errors import RefusedError

_WHO: Final = {
    "registrar": "registrar {holder}",
    "hub": "the hub",
    "authority": "the authority of {holder}",
    "recovery": "the recovery key of {holder}",
    "device": "device {device} of {holder}",
    "witness": "witness {holder}",
}


def directory_as_of(entries: Sequence[SignedEntry], at: datetime) -> Directory:
    """The directory as the log had it at a moment: every entry logged until then.

    Raises ``before-the-log``.
    """
    until = [entry for entry in entries if entry.logged_at <= at]
    if not until:
        began = format_time(entries[0].logged_at) if entries else "not yet"
        raise RefusedError("before-the-log", f"asked for {format_time(at)}; the log began {began}")
    return apply_all(None, until)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed an entry, in words, and by which key."""

    who: str
    key: str


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One entry about a subject: where it stands in the log, who signed it and what it changed, in words."""

    index: int
    logged_at: str
    issued_at: str
    type: str
    subject: str
    signed_by: tuple[Signer, ...]
    changes: tuple[str, ...]
    leaf_hash: str

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        return asdict(self)


def contact_history(entries: Sequence[SignedEntry], contact: str) -> list[HistoryEntry]:
    """Every entry about a contact, oldest first; of its State's, those that changed it.

    Raises ``unknown-contact``.
    """
    found = [
        told
        for act in _acts(entries, {contact, state_of(contact)})
        if (told := _told(act, act.before.contacts.get(contact), act.after.contacts.get(contact), contact))
    ]
    if not found:
        raise RefusedError("unknown-contact", contact)
    return found


def state_history(entries: Sequence[SignedEntry], state: str) -> list[HistoryEntry]:
    """Every entry about a State itself, not about its contacts, oldest first.

    Also every attest that brought something of it into force. Without witnesses, what waits for a window
    comes into force by the mere time of whatever is logged next; no entry of its own tells. Raises
    ``unknown-state``.
    """
    found = [
        told
        for act in _acts(entries, {state}, also={"registry.attest"})
        if (told := _told(act, act.before.states.get(state), act.after.states.get(state), state))
    ]
    if not found:
        raise RefusedError("unknown-state", state)
    return found


# --- going through the log ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Act:
    entry: SignedEntry
    statement: Statement
    before: Directory
    after: Directory


def _acts(entries: Sequence[SignedEntry], wanted: set[str], also: Collection[str] = ()) -> Iterator[_Act]:
    """The entries of some subjects, and of some types, each with the directory before and after it.

    All that lies between is applied in one go.
    """
    directory: Directory | None = None
    done = 0
    for index, entry in enumerate(entries):
        statement = read_statement(entry.signed.payload)
        if index == 0 or (statement.subject not in wanted and statement.type not in also):
            continue
        before = apply_all(directory, entries[done:index])
        directory = apply(before, entry)
        done = index + 1
        yield _Act(entry, statement, before, directory)


def _told(act: _Act, before: Any, after: Any, subject: str) -> HistoryEntry | None:
    if act.statement.subject != subject and before == after:
        return None
    changes: Callable[..., Iterator[str]] = _of_state if isinstance(after, State) else _of_contact
    return HistoryEntry(
        index=act.before.size,
        logged_at=format_time(act.entry.logged_at),
        issued_at=format_time(act.statement.issued_at),
        type=act.statement.type,
        subject=act.statement.subject,
        signed_by=tuple(_signers(act)),
        changes=tuple(changes(before, after, act.after)) or ("nothing that shows",),
        leaf_hash=act.entry.leaf_hash,
    )


def _signers(act: _Act) -> Iterator[Signer]:
    for signature in act.entry.signed.signatures:
        record = act.after.key(jws.header_kid(signature.protected))
        words = _WHO.get(record.role, "{role} {holder}")
        who = words.format(holder=record.holder, device=record.device, role=record.role)
        yield Signer(who if record.kid in act.before.keys else f"{who} (new key)", record.kid)


# --- what changed, in words --------------------------------------------------------------------


def _of_contact(before: Contact | None, after: Contact, now: Directory) -> Iterator[str]:
    if before is None or (before.withdrawn and not after.withdrawn):
        yield f"{'back' if before else 'first'} in the directory as {after.role}, {after.level}"
        yield from _replaced("alternate of", None, after.alternate_of)
        yield f"keys held by {after.custody}"
        yield from (f"device {d.number} added, may {_rights(d)}" for d in after.devices)
        return
    if after.withdrawn and not before.withdrawn:
        yield "withdrawn from the directory; all its keys ended"
        return
    yield from _replaced("level", before.level, after.level)
    yield from _replaced("role", before.role, after.role)
    yield from _replaced("alternate of", before.alternate_of, after.alternate_of)
    yield from _replaced("keys held by", before.custody, after.custody)
    yield from _replaced("machine receipts", before.machine_receipts, after.machine_receipts)
    yield from _card(before, after)
    yield from _devices(before, after, now)
    if after.frozen != before.frozen:
        yield "thawed" if after.frozen is None else f"frozen by {', '.join(sorted(after.frozen.by))}"
    if after.tested_at != before.tested_at:
        yield "answered a ping of an exercise"
    if after.confirmed_at != before.confirmed_at and after.newest == before.newest:
        yield "confirmed as still right"


def _card(before: Contact, after: Contact) -> Iterator[str]:
    for name in PARTS:
        was, now = before.card.part(name), after.card.part(name)
        if was is None or now is None:
            if was != now:
                yield f"{name} part of the card {'taken away' if now is None else 'added'}"
            continue
        if was.commitment != now.commitment:
            yield f"{name} part of the card replaced"
        yield from _replaced(f"visibility of the {name} part", was.visibility, now.visibility)


def _devices(before: Contact, after: Contact, now: Directory) -> Iterator[str]:
    for device in before.devices:
        kept = after.device(device.number)
        if kept is None:
            yield f"device {device.number} ended ({now.key(device.kid).ended})"
            continue
        if kept.kid != device.kid:
            yield f"signing key of device {device.number} replaced"
        if kept.sealing_kid != device.sealing_kid:
            yield f"sealing key of device {device.number} replaced; good until {format_time(kept.rotate_by)}"
        if kept.may != device.may:
            yield f"device {device.number} may now {_rights(kept)}"
    old = {device.number for device in before.devices}
    yield from (f"device {d.number} added, may {_rights(d)}" for d in after.devices if d.number not in old)


def _of_state(before: State | None, after: State, _now: Directory) -> Iterator[str]:
    if before is None:
        yield f"first in the directory as {after.kind}; {after.status}"
        yield f"authority: {after.threshold} of {len(after.authority_kids)} keys"
        yield f"recovery key: {'one' if after.recovery_kid else 'none'}"
        return
    if after.status == "withdrawn" and before.status != "withdrawn":
        yield "withdrawn from the directory with all its contacts; all its keys ended"
        return
    yield from _replaced("standing", before.status, after.status)
    yield from _replaced("kind", before.kind, after.kind)
    if after.names != before.names:
        yield "names replaced"
    if after.authority_kids != before.authority_kids:
        yield "keys of the authority replaced"
    yield from _replaced("authority", _threshold(before), _threshold(after))
    if after.recovery_kid != before.recovery_kid:
        yield "recovery key replaced"
    if after.suspended != before.suspended:
        yield "suspension ended" if after.suspended is None else _suspended(after.suspended)
    if after.recovering != before.recovering and after.recovering is not None:
        yield f"a recovery waits until {format_time(after.recovering.effective_at)}"
    elif after.recovering != before.recovering:
        yield "no recovery waits any more"


def _suspended(suspension: Suspension) -> str:
    cut = ", ".join(sorted(suspension.scope))
    return f"suspended ({suspension.reason}) until {format_time(suspension.until_at)}: may not {cut}"


def _threshold(state: State) -> str:
    return f"{state.threshold} of {len(state.authority_kids)} keys"


def _replaced(what: str, before: object, after: object) -> Iterator[str]:
    if before != after:
        yield f"{what}: {_shown(after)}" if before is None else f"{what}: {_shown(before)} → {_shown(after)}"


def _shown(value: object) -> str:
    return {None: "none", True: "on", False: "off"}.get(value, str(value))  # type: ignore[call-overload, no-any-return]


def _rights(device: DeviceState) -> str:
    return ", ".join(sorted(device.may))
