"""Snapshots: all that a desk has verified of a registry, in one file that verifies offline.

Holds the form, the writer and :func:`verify_snapshot`, which believes nothing in the file but what the
pinned fingerprint leads to. Messages, exercises and keys that open anything are no part of a snapshot.
How old one may be is for the reader to judge: age is told and refuses nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from poc.core.card import CardPart, Opening, read_opening
from poc.core.checkpoint import Checkpoint
from poc.core.directory import Directory
from poc.core.form import (
    Binary,
    ContactId,
    Form,
    Sha256,
    TopForm,
    Utc,
    form_bytes,
    form_of,
    form_value,
    read_form,
    sorted_distinct,
)
from poc.core.keys import SealingPublicKey
from poc.core.statement import parse_fingerprint
from poc.core.strictjson import b64u, format_time, unb64u
from poc.core.whole_log import verify_log
from poc.errors import RefusedError
from poc.limits import NOTE_BYTES_MAX, SNAPSHOT_BYTES_MAX

_CLOSING: Final = re.compile(rb',"sha256":"([A-Za-z0-9_-]{43})","v":1}\Z')
_OPEN: Final = b',"sha256":null,"v":1}'
_CLOSING_BYTES: Final = len(',"sha256":"","v":1}') + 43


class OpeningOf(Form):
    """The opening of one part of a contact's card."""

    contact: ContactId
    opening: Opening


class SealingJwk(Form):
    """A public sealing key; its thumbprint is the ``kid`` in the log."""

    kty: Literal["AKP"]
    alg: Literal["HPKE-9-KE"]
    pub: Annotated[Binary, Field(max_length=2048)]


def _openings_sorted(openings: tuple[OpeningOf, ...]) -> tuple[OpeningOf, ...]:
    return sorted_distinct(openings, lambda held: (held.contact, held.opening.part), "openings")


def _keys_sorted(keys: tuple[SealingJwk, ...]) -> tuple[SealingJwk, ...]:
    return sorted_distinct(keys, lambda key: key.pub, "sealing keys")


class SnapshotFile(TopForm):
    """One registry at one moment. ``openings`` is null where the file was made without cards.

    ``sha256`` closes the file: SHA-256("poc/1 snapshot" 0x00 ‖ RFC 8785 of the form with ``sha256`` null).
    """

    form: Literal["poc-snapshot"]
    made_at: Utc
    checkpoint: Annotated[str, Field(max_length=NOTE_BYTES_MAX)]
    entries: Annotated[tuple[Binary, ...], Field(min_length=1)]
    openings: Annotated[tuple[OpeningOf, ...], AfterValidator(_openings_sorted)] | None
    sealing_keys: Annotated[tuple[SealingJwk, ...], AfterValidator(_keys_sorted)]
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A verified snapshot. ``leaves`` and ``note`` are byte for byte what the hub served.

    ``made_at`` is by its maker's clock and signed by nobody; ``cosigned_at`` is when a quorum of witnesses
    had cosigned the checkpoint, ``None`` where the registry asks for none. ``openings`` is by commitment,
    ``cards`` by contact and part, ``sealing_keys`` by kid; ``with_cards`` tells a file made without them from
    one whose maker held none.
    """

    origin: str
    fingerprint: str
    made_at: datetime
    cosigned_at: datetime | None
    directory: Directory
    checkpoint: Checkpoint
    note: bytes
    leaves: tuple[bytes, ...]
    with_cards: bool
    openings: Mapping[str, OpeningOf]
    cards: Mapping[str, Mapping[str, CardPart]]
    sealing_keys: Mapping[str, SealingPublicKey]


# --- writing -----------------------------------------------------------------------------------


def build_snapshot(
    *,
    origin: str,
    made_at: datetime,
    note: bytes,
    leaves: Sequence[bytes],
    openings: Iterable[OpeningOf] | None,
    sealing_keys: Iterable[SealingPublicKey],
) -> bytes:
    """Put a snapshot together, closed by its hash. Nothing is verified here: give what was.

    Raises ``too-large`` for what no reader would take.
    """
    parts = None if openings is None else sorted(openings, key=lambda held: (held.contact, held.opening.part))
    unclosed = {
        "v": 1,
        "origin": origin,
        "form": "poc-snapshot",
        "made_at": format_time(made_at),
        "checkpoint": note.decode(),
        "entries": [b64u(leaf) for leaf in leaves],
        "openings": None if parts is None else [form_value(held) for held in parts],
        "sealing_keys": sorted((key.jwk() for key in sealing_keys), key=lambda jwk: jwk["pub"]),
        "sha256": "A" * 43,
    }
    data = form_bytes(form_of(SnapshotFile, unclosed))
    _check_size(data)
    return data[:-_CLOSING_BYTES] + f',"sha256":"{_closing_hash(data)}","v":1}}'.encode()


def _closing_hash(data: bytes) -> str:
    """The hash that closes a file which ends in one, whatever that is."""
    digest = hashlib.sha256(b"poc/1 snapshot\0")
    digest.update(memoryview(data)[:-_CLOSING_BYTES])
    digest.update(_OPEN)
    return b64u(digest.digest())


def _check_size(data: bytes) -> None:
    if len(data) > SNAPSHOT_BYTES_MAX:
        raise RefusedError("too-large", f"a snapshot of {len(data)} bytes; {SNAPSHOT_BYTES_MAX} is the limit")


# --- verifying ---------------------------------------------------------------------------------


def verify_snapshot(data: bytes, fingerprint: str) -> Snapshot:
    """Verify a snapshot offline, with only the file and the registry's fingerprint.

    Raises:
        RefusedError: ``bad-fingerprint``, ``too-large``, ``snapshot-damaged``, ``not-canonical``,
            ``commitment-mismatch``, ``unknown-contact`` (an opening of nobody's), ``bad-key``,
            ``unknown-key`` (a sealing key of nobody's), and all that reading a form, ``verify_log`` and
            reading an opening can raise.
    """
    pinned = parse_fingerprint(fingerprint)
    file = _read(data)
    note, leaves = file.checkpoint.encode(), tuple(map(unb64u, file.entries))
    log = verify_log(leaves, note, file.origin, pinned)
    openings, cards = _verify_openings(file.openings or (), log.directory)
    return Snapshot(
        origin=file.origin,
        fingerprint=pinned,
        made_at=file.made_at,
        cosigned_at=log.cosigned_at,
        directory=log.directory,
        checkpoint=log.checkpoint,
        note=note,
        leaves=leaves,
        with_cards=file.openings is not None,
        openings=MappingProxyType(openings),
        cards=MappingProxyType(cards),
        sealing_keys=MappingProxyType(_verify_sealing_keys(file.sealing_keys, log.directory)),
    )


def _read(data: bytes) -> SnapshotFile:
    """The form in a file, its closing hash first: an accident on the way has one name.

    A file that does not even end as one is read as a form, which says better what is wrong with it.
    """
    _check_size(data)
    closing = _CLOSING.search(data, max(0, len(data) - _CLOSING_BYTES))
    if closing is not None and closing[1].decode() != _closing_hash(data):
        raise RefusedError("snapshot-damaged")
    file = read_form(SnapshotFile, data)
    if form_bytes(file) != data:
        raise RefusedError("not-canonical", "a snapshot")
    return file


def _verify_openings(
    given: Iterable[OpeningOf], directory: Directory
) -> tuple[dict[str, OpeningOf], dict[str, dict[str, CardPart]]]:
    openings: dict[str, OpeningOf] = {}
    cards: dict[str, dict[str, CardPart]] = {}
    for held in given:
        named = directory.contact(held.contact).card.part(held.opening.part)
        if named is None:
            raise RefusedError("commitment-mismatch", f"{held.contact} has no {held.opening.part} part")
        part = read_opening(held.opening, held.contact, directory.origin, named.commitment)
        cards.setdefault(held.contact, {})[part.part] = part
        openings[named.commitment] = held
    return openings, cards


def _verify_sealing_keys(given: Iterable[SealingJwk], directory: Directory) -> dict[str, SealingPublicKey]:
    found = {}
    for jwk in given:
        key = SealingPublicKey.from_jwk(form_value(jwk))
        found[directory.key(key.kid).kid] = key
    return found
