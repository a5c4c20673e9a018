"""Values for tests of the store: small, whole, and told apart by a number."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from poc.store.base import (
    Answer,
    Leaf,
    Rejection,
    StoredErasure,
    StoredHead,
    StoredMessage,
    StoredProposal,
    StoredSlot,
)

NOW = datetime(2026, 3, 1, 9, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def leaf(n: int) -> Leaf:
    data = b"entry %d" % n
    return Leaf(data, hashlib.sha256(b"\x00" + data).digest(), f"payload-{n}")


def head(size: int, mark: str = "") -> StoredHead:
    note = f"origin\n{size}\n{mark}\n".encode()
    return StoredHead(size, hashlib.sha256(note).digest(), note)


def proposal(name: str = "p", opened_at: datetime = NOW) -> StoredProposal:
    return StoredProposal(name, b"{}", b"[1]", opened_at, opened_at + HOUR)


def erasure(commitment: str, erased_at: datetime = NOW, proof: bytes = b"{}") -> StoredErasure:
    return StoredErasure(commitment, "jo.technical", "person", proof, erased_at)


def message(n: int = 1, **changes: Any) -> StoredMessage:
    made = StoredMessage(
        id=f"m{n}",
        body_sha256=f"body-{n}",
        digest=f"digest-{n}",
        sender_contact="jo.technical",
        sender_kid="signer",
        status="test",
        exercise=None,
        protected="cHJvdGVjdGVk",
        iv="aXY",
        ciphertext="Y2lwaGVy",
        tag="dGFn",
        receipt=f"receipt-{n}",
        accepted_at=NOW,
        expires_at=NOW + HOUR,
    )
    return replace(made, **changes)


def slot(kid: str = "k1", contact: str = "sd.duty", sequence: int | None = None) -> StoredSlot:
    return StoredSlot(contact, kid, sequence, b'{"header":{}}')


def rejection(n: int = 1, **changes: Any) -> Rejection:
    made = Rejection(f"m{n}", f"body-{n}", "jo.technical", "signer", "stale-slot-key", f"rejected-{n}", NOW)
    return replace(made, **changes)


def answer(n: int = 1, **changes: Any) -> Answer:
    made = Answer(
        f"m{n}", "retrieval", "retrieved", "sd.duty", "device", "jws", "sha256", f"recorded-{n}", NOW
    )
    return replace(made, **changes)
