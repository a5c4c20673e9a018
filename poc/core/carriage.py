"""Carriage files: what goes from desk to desk by hand, by mail or on a stick while the hub cannot be reached.

A file holds messages still sealed, answers as they were signed, or entries of the log with their checkpoint;
it is not signed itself, and whoever carries it is believed nothing. What may leave, and where entries lead,
is decided here; taking a file into a desk is the client's (docs/spec/carriage.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from poc.core.admission import read_header
from poc.core.checkpoint import parse_checkpoint
from poc.core.directory import Directory
from poc.core.evidence import CompactJws
from poc.core.form import Binary, Count, Form, MessageId, TopForm, form_bytes, read_form
from poc.core.judge import RootAt, read_checkpoint
from poc.core.merkle import CompactRange, leaf_hash
from poc.core.message import Envelope
from poc.core.note import read_note
from poc.core.snapshot import SealingJwk
from poc.core.strictjson import format_time
from poc.errors import RefusedError
from poc.limits import CARRIED_ANSWERS_MAX, CARRIED_MESSAGES_MAX, NOTE_BYTES_MAX


class CarriedMessage(Form):
    """A sealed message as one contact may see it: the slots of that contact's devices and no other's.

    ``accepted`` and ``released`` are the hub's receipts where the sender has them.
    """

    envelope: Envelope
    accepted: CompactJws | None
    released: CompactJws | None

    @model_validator(mode="after")
    def _of_one_contact(self) -> CarriedMessage:
        if len({slot.header.contact for slot in self.envelope.recipients}) != 1:
            raise ValueError("the slots are of more than one contact")
        return self


class CarriedAnswer(Form):
    """A retrieval, acknowledgement or decline on its way back; ``recorded`` is the hub's receipt, if any."""

    message: MessageId
    jws: CompactJws
    recorded: CompactJws | None


class CarriedLog(Form):
    """Entries of the log from the number ``first`` on, up to the cosigned checkpoint.

    ``sealing_keys`` are the public keys that these entries name by thumbprint only.
    """

    first: Count
    entries: tuple[Binary, ...]
    checkpoint: Annotated[str, Field(max_length=NOTE_BYTES_MAX)]
    sealing_keys: tuple[SealingJwk, ...]


class CarriageFile(TopForm):
    """What is carried between two desks of one registry; each thing in it stands for itself."""

    form: Literal["poc-carriage"]
    messages: Annotated[tuple[CarriedMessage, ...], Field(max_length=CARRIED_MESSAGES_MAX)]
    answers: Annotated[tuple[CarriedAnswer, ...], Field(max_length=CARRIED_ANSWERS_MAX)]
    log: CarriedLog | None

    @model_validator(mode="after")
    def _holds_something(self) -> CarriageFile:
        if not (self.messages or self.answers or self.log):
            raise ValueError("there is nothing in it")
        return self


def build_carriage(
    origin: str,
    *,
    messages: Sequence[CarriedMessage] = (),
    answers: Sequence[CarriedAnswer] = (),
    log: CarriedLog | None = None,
) -> bytes:
    """Put a file together: RFC 8785 bytes. What is put together is not verified here: give what was."""
    file = CarriageFile(
        v=1, origin=origin, form="poc-carriage", messages=tuple(messages), answers=tuple(answers), log=log
    )
    return form_bytes(file)


def read_carriage(data: bytes, origin: str, bytes_max: int) -> CarriageFile:
    """The form in a file of this registry. Nothing in it is verified.

    Raises:
        RefusedError: ``too-large``, ``not-canonical``, ``wrong-origin``, or as ``read_form``.
    """
    if len(data) > bytes_max:
        raise RefusedError("too-large", f"a carriage file of {len(data)} bytes; {bytes_max} is the limit")
    file = read_form(CarriageFile, data)
    if form_bytes(file) != data:
        raise RefusedError("not-canonical", "a carriage file")
    if file.origin != origin:
        raise RefusedError("wrong-origin", f"expected {origin}")
    return file


def part_for(envelope: Envelope, contact: str, now: datetime, *, early: bool = False) -> Envelope:
    """The envelope with the slots of one addressee only, if they may leave the sender's desk now.

    A held message never leaves before its time; the held slots of an alternate do if ``early``.

    Raises:
        RefusedError: ``not-an-addressee``, ``held-for-later``.
    """
    header = read_header(envelope.protected)
    slots = tuple(slot for slot in envelope.recipients if slot.header.contact == contact)
    if not slots or contact == header.sender.contact:
        raise RefusedError("not-an-addressee", contact)
    held = [slot.header.release_at for slot in slots if slot.header.release_at is not None and not early]
    until = max((at for at in (header.not_before, *held) if at is not None), default=now)
    if until > now:
        raise RefusedError("held-for-later", f"{contact}: until {format_time(until)}")
    return envelope.model_copy(update={"recipients": slots})


def new_leaves(
    first: int, leaves: Sequence[bytes], note: bytes, directory: Directory, root_at: RootAt
) -> tuple[bytes, ...]:
    """Those of the leaves that lie beyond the log verified here; they lead from it to the note's root.

    Their own signatures and rules, and who signed the note over them, are the caller's to verify. Where
    there are none, the note is signed by the log and fits the log here.

    Raises:
        RefusedError: ``log-gap`` (they begin after what is known here), ``log-mismatch`` (they do not lead
            to the note's root: that proves nothing against the log, for anyone could have put them beside
            it), ``head-inconsistent`` (the note contradicts the log here, and the log signed it), or as
            ``read_note`` and ``read_checkpoint``.
    """
    stated = parse_checkpoint(read_note(note)[0])
    if stated.size != first + len(leaves):
        raise RefusedError("log-mismatch", f"{len(leaves)} entries from {first} on, size {stated.size}")
    if first > directory.size:
        raise RefusedError("log-gap", f"from entry {first} on; {directory.size} are known here")
    if stated.size <= directory.size:
        _check_fits(note, directory, root_at)
        return ()
    fresh = tuple(leaves[directory.size - first :])
    if _root(directory.tree, fresh) == stated.root:
        return fresh
    if first == 0 and _root(CompactRange(), leaves) == stated.root:
        read_checkpoint(note, directory)  # only what the log signed is a proof against it
        raise RefusedError("head-inconsistent", f"the whole log of size {stated.size} is another one")
    raise RefusedError("log-mismatch", f"another root at size {stated.size}")


def _check_fits(note: bytes, directory: Directory, root_at: RootAt) -> None:
    shown = read_checkpoint(note, directory)
    root = directory.tree.root() if shown.size == directory.size else root_at(shown.size)
    if root is not None and root != shown.root:
        raise RefusedError("head-inconsistent", f"another root at size {shown.size}")


def _root(tree: CompactRange, leaves: Sequence[bytes]) -> bytes:
    for leaf in leaves:
        tree = tree.append(leaf_hash(leaf))
    return tree.root()
