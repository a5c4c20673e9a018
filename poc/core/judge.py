"""Judging keys in log order: was this key good, and had it the right, in the log of that size?

A signed form carries a head; the other party's signed record of it carries another. The larger
of both says at which size of the log keys, rights and freezes are judged (DESIGN section 5).
Reading the forms and verifying signatures stand in ``receipts``, ``opening`` and ``proof``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

from poc.core.checkpoint import (
    Checkpoint,
    head_bytes,
    parse_head,
    stated_size,
    verify_checkpoint,
    verify_cosigned,
)
from poc.core.directory import Contact, Directory, KeyRecord
from poc.core.form import Right
from poc.core.keys import VerifyKey
from poc.core.note import Verifier
from poc.core.strictjson import format_time
from poc.errors import RefusedError

RootAt: TypeAlias = Callable[[int], bytes | None]
"""The root this desk knows for a size of the log; ``None`` where it keeps none."""

COMPROMISED = frozenset({"compromise", "lost"})


@lru_cache(maxsize=64)
def log_verifiers(vkeys: tuple[str, ...]) -> tuple[Verifier, ...]:
    """The log keys of these C2SP vkeys. Raises ``bad-vkey``."""
    return tuple(Verifier.from_vkey(vkey) for vkey in vkeys)


def read_checkpoint(data: bytes, directory: Directory) -> Checkpoint:
    """A checkpoint of this log, signed by a log key that was in force at its size.

    A key that ended still counts for the sizes before, and never for one after. Beyond the
    directory's own size the keys now in force count; whoever goes on asks the later directory again.

    Raises:
        RefusedError: as ``verify_checkpoint``.
    """
    vkeys = directory.log_vkeys_at(stated_size(data))
    return verify_checkpoint(data, directory.origin, log_verifiers(vkeys))


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint signed by the log, and when each witness in force cosigned it, by witness."""

    checkpoint: Checkpoint
    times: Mapping[str, datetime]

    def attested_at(self, quorum: int) -> datetime:
        """The latest time at or after which ``quorum`` witnesses cosigned. Raises ``quorum-missing``."""
        if len(self.times) < quorum:
            raise RefusedError("quorum-missing", f"{len(self.times)} of {quorum} cosignatures")
        return sorted(self.times.values(), reverse=True)[quorum - 1]


def read_cosigned(data: bytes, directory: Directory) -> Cosigned:
    """A checkpoint as :func:`read_checkpoint`, with the cosignatures of the directory's witnesses in force.

    One key counts once: a State has one seat, and a key one holder.

    Raises:
        RefusedError: as ``verify_checkpoint``, also for a bad cosignature by a witness in force.
    """
    log_keys = log_verifiers(directory.log_vkeys_at(stated_size(data)))
    seats = {Verifier.from_vkey(seat.vkey): seat.witness for seat in directory.seats}
    checkpoint, cosigned = verify_cosigned(data, directory.origin, log_keys, tuple(seats))
    return Cosigned(checkpoint, {seats[verifier]: at for verifier, at in cosigned.items()})


def check_quorum(data: bytes, directory: Directory) -> datetime | None:
    """When a quorum had cosigned a checkpoint of this log; ``None`` where the registry asks for none.

    The witnesses are those in force in ``directory``, which is the log up to the checkpoint.

    Raises:
        RefusedError: ``quorum-missing``, or as :func:`read_cosigned`.
    """
    cosigned = read_cosigned(data, directory)
    return cosigned.attested_at(directory.quorum) if directory.quorum else None


def read_head(head: str, directory: Directory, root_at: RootAt | None = None) -> Checkpoint:
    """The head of a signed form: not ahead of the directory, signed by a log key in force at its size.

    One that is ahead is refused unverified: which keys are in force there only a later directory says.
    Its root is compared where it is known: at the directory's own size, and at any other size
    that ``root_at`` answers for.

    Raises:
        RefusedError: ``head-ahead`` (sync first), ``head-inconsistent`` (keep it: it proves a
            fork), ``unsigned-note``, ``bad-signature``, ``bad-checkpoint``, ``wrong-origin``.
    """
    stated = stated_size(head_bytes(head))
    if stated > directory.size:
        raise RefusedError("head-ahead", f"size {stated}, known {directory.size}")
    checkpoint = parse_head(head, directory.origin, log_verifiers(directory.log_vkeys_at(stated)))
    root = directory.tree.root() if checkpoint.size == directory.size else None
    if root is None and root_at is not None:
        root = root_at(checkpoint.size)
    if root is not None and root != checkpoint.root:
        raise RefusedError("head-inconsistent", f"another root at size {checkpoint.size}")
    return checkpoint


def head_size(head: str, directory: Directory, root_at: RootAt | None = None) -> int:
    """The size of the log a head stands for. Raises as :func:`read_head`."""
    return read_head(head, directory, root_at).size


def signer_key(directory: Directory, kid: str) -> VerifyKey:
    """The key to verify a signature with, ended or not: whether it counts is judged afterwards.

    Raises:
        RefusedError: ``unknown-key``.
    """
    key = directory.key(kid).verify_key
    if key is None:
        raise RefusedError("unknown-key", f"key {kid[:12]}… does not sign")
    return key


def judge_key(directory: Directory, kid: str, size: int, holder: str, right: Right) -> KeyRecord:
    """The record of a device's key that was good, and had ``right``, in the log of that size.

    ``holder`` is the contact or controller the form names.

    Raises:
        RefusedError: ``unknown-key`` (also a key of another holder or role), ``key-not-yet``,
            ``key-ended``, ``key-compromised``, ``right-missing``, ``contact-frozen``, ``state-suspended``.
    """
    record = _record(directory, kid, holder, "device")
    _check_span(record, size)
    if right not in record.may:
        raise RefusedError("right-missing", f"{right}: key {kid[:12]}… of {holder}")
    if right == "send":
        check_may_send(directory, holder, size)
    else:
        check_not_frozen(directory.contacts.get(holder), size)
    return record


def judge_hub_key(directory: Directory, kid: str, size: int) -> KeyRecord:
    """The record of a hub key that was good in the log of that size. Raises as :func:`judge_key`."""
    record = _record(directory, kid, directory.origin, "hub")
    _check_span(record, size)
    return record


def refuse_compromised(record: KeyRecord) -> None:
    """Refuse on receipt what a key signed that has ended as compromised or lost since.

    Raises:
        RefusedError: ``key-compromised``.
    """
    if record.ended in COMPROMISED:
        raise RefusedError("key-compromised", f"key {record.kid[:12]}… of {record.holder}")


def check_not_frozen(contact: Contact | None, size: int) -> None:
    """Refuse a contact that its State had frozen in the log of that size. Raises ``contact-frozen``."""
    if contact is not None and any(freeze.holds_at(size) for freeze in contact.freezes):
        raise RefusedError("contact-frozen", contact.id)


def check_not_suspended(directory: Directory, state: str, scope: str, size: int) -> None:
    """Refuse what a State was suspended from in the log of that size. Raises ``state-suspended``."""
    found = directory.states.get(state)
    spans = () if found is None else found.suspensions
    held = next((span for span in spans if scope in span.scope and span.holds_at(size)), None)
    if held is not None:
        raise RefusedError(
            "state-suspended", f"{state}: {scope}, until {format_time(held.until_at)} at the latest"
        )


def check_may_send(directory: Directory, party: str, size: int) -> None:
    """Refuse a sender that was frozen, or its State suspended, in the log of that size.

    Raises:
        RefusedError: ``contact-frozen``, ``state-suspended``.
    """
    contact = directory.contacts.get(party)
    check_not_frozen(contact, size)
    if contact is not None:
        check_not_suspended(directory, contact.state, "send", size)


def _record(directory: Directory, kid: str, holder: str, role: str) -> KeyRecord:
    record = directory.key(kid)
    if (record.holder, record.role) != (holder, role):
        raise RefusedError("unknown-key", f"key {kid[:12]}… is no {role} key of {holder}")
    return record


def _check_span(record: KeyRecord, size: int) -> None:
    if record.is_good_at(size):
        return
    what = f"key {record.kid[:12]}… of {record.holder} at size {size}"
    if record.since >= size:
        raise RefusedError("key-not-yet", what)
    raise RefusedError("key-compromised" if record.ended in COMPROMISED else "key-ended", what)
