"""Two heads that contradict each other: found in what others signed, kept as a proof, told loudly.

Every signed form carries the head its signer had verified. One that this log's keys signed and that does
not fit the log verified here proves that the operator shows different logs to different desks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from poc.client.known import Known
from poc.core import jws, sealed
from poc.core.checkpoint import head_of, stated_size
from poc.core.envelope import read_header
from poc.core.evidence import EvidenceFile, LogPart
from poc.core.form import form_of, read_form
from poc.core.judge import log_verifiers, read_head
from poc.core.message import Envelope
from poc.core.opening import open_content
from poc.core.strictjson import parse, unb64u
from poc.errors import RefusedError

FORK_TOLD = (
    "FORK: a signed head contradicts the log verified here; both are kept. Trust nothing new, report it"
)


def keep_contradictions(known: Known, heads: Iterable[str]) -> bool:
    """Keep, beside this desk's own head, each of these that contradicts its log; true if one does."""
    found = False
    for head in heads:
        try:
            read_head(head, known.directory, known.root_at)
        except RefusedError as error:
            if error.code == "head-inconsistent":
                known.trust.add_proof("head-inconsistent", known.trust.value("head") or b"", head.encode())
                found = True
    return found


def heads_in(texts: Iterable[object]) -> list[str]:
    """The heads that compact JWS carry, whoever signed them."""
    found = []
    for text in texts:
        try:
            value: Any = parse(jws.read_compact(text).payload) if isinstance(text, str) else None
        except RefusedError:
            continue
        if isinstance(value, dict) and isinstance(value.get("head"), str):
            found.append(value["head"])
    return found


def heads_of_item(known: Known, item: Any) -> list[str]:
    """The heads in an item of the inbox: of the receipts beside it, and of the sealed message."""
    heads = heads_in((item.get("accepted"), item.get("released")))
    try:
        envelope = form_of(Envelope, item["envelope"])
        slot = envelope.recipients[0]
        key = known.keys.sealing(slot.header.kid)
        ek, encrypted = unb64u(slot.header.ek), unb64u(slot.encrypted_key)
        cek = sealed.open_key(ek, encrypted, envelope.protected, slot.header.contact, key)
        content = open_content(envelope, read_header(envelope.protected), cek, known.directory)
    except RefusedError:
        return heads
    return [*heads, content.message.head]


def heads_of_evidence(known: Known, data: bytes) -> list[str]:
    """The heads in an evidence file: of its checkpoint, its receipts and its answers. Raises ``bad-form``."""
    file = read_form(EvidenceFile, data)
    heads = heads_in((*file.receipts, *file.retrievals, *file.acknowledgements, *file.cancels))
    if isinstance(file.log, LogPart):
        note = file.log.checkpoint.encode()
        try:
            keys = log_verifiers(known.directory.log_vkeys_at(stated_size(note)))
            heads.append(head_of(note, keys))
        except RefusedError:
            return heads
    return heads
