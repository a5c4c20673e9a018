"""A real log of seven signed entries, made of the keys of ``message_world``, and one message's evidence.

Genesis, two States, two contacts, a confirmation; and last the sender's signing key is replaced.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from poc.core import jws, merkle
from poc.core.bodies import (
    ActsOn,
    Authority,
    Body,
    CallBack,
    Device,
    Enrol,
    Nominate,
    NoteVerbale,
    Rotate,
    SealingRef,
    StateNames,
    jwk_form,
)
from poc.core.checkpoint import Checkpoint, head_of, sign_checkpoint
from poc.core.directory import Directory
from poc.core.envelope import Sealed, read_envelope
from poc.core.keys import SigningKey
from poc.core.proof import build_evidence
from poc.core.receipts import (
    Answering,
    accepted_receipt,
    acknowledgement,
    recorded_receipt,
    retrieval,
    sign_form,
    verify_answer,
)
from poc.core.statement import (
    SignedEntry,
    SignedStatement,
    genesis_fingerprint,
    make_entry,
    statement_payload,
)
from tests import message_world as world
from tests.message_world import HUB, LOG, NOW, ORIGIN, RIGHTS, draft, seal, sealing_key, seed, signing_key

REGISTRARS = [signing_key("reg", 1), signing_key("reg", 2)]
NEW_KEY = SigningKey.from_seed(seed("rotated"))
BEGIN = NOW - timedelta(days=3)
MESSAGE_SIZE = 6
LOG_SIZE = 7


def entry(
    index: int, kind: str, subject: str, body: Body, *keys: SigningKey, chained: bool = True
) -> SignedEntry:
    at = BEGIN + timedelta(minutes=index)
    payload = statement_payload(
        origin=ORIGIN, type=kind, subject=subject, body=body, issued_at=at, version=1 if chained else None
    )
    signatures = tuple(jws.sign(payload, jws.STATEMENT, key) for key in keys)
    return make_entry(SignedStatement(payload, signatures).merged(()), at)


def enrol(state: str) -> Enrol:
    authority = Authority(keys=(jwk_form(signing_key(state).public),), threshold=1)
    return Enrol(
        kind="member",
        names=StateNames(short={"en": state}, official={"en": state}),
        authority=authority,
        recovery=None,
        note_verbale=NoteVerbale(reference="NV 1", date="2026-11-01", scan_sha256=None),
        call_back=CallBack(at=BEGIN, source="mission list"),
    )


def rights(may: set[str]) -> Any:
    return tuple(sorted(may))


def nominate(contact: str, role: Any, *may: set[str], alternate_of: str | None = None) -> Nominate:
    """A nomination with one device for each set of rights."""
    devices = tuple(
        Device(
            number=number,
            key=jwk_form(signing_key(contact, number).public),
            sealing=SealingRef(
                kid=sealing_key(contact, number).kid, alg="HPKE-9-KE", rotate_by=BEGIN + timedelta(days=60)
            ),
            may=rights(allowed),
        )
        for number, allowed in enumerate(may, 1)
    )
    return Nominate(
        role=role,
        alternate_of=alternate_of,
        card=world.directory().contacts["sd.duty"].card,
        machine_receipts=True,
        custody="own",
        devices=devices,
    )


@cache
def entries() -> tuple[SignedEntry, ...]:
    """The log."""
    jo, sd = signing_key("jo"), signing_key("sd")
    devices = {
        c: [signing_key(c, n) for n in range(1, len(RIGHTS[c]) + 1)] for c in ("jo.technical", "sd.duty")
    }
    made = [
        entry(0, "registry.genesis", ORIGIN, world.directory().settings, *REGISTRARS, HUB),
        entry(1, "state.enrol", "jo", enrol("jo"), *REGISTRARS, jo),
        entry(2, "state.enrol", "sd", enrol("sd"), *REGISTRARS, sd),
        entry(
            3,
            "contact.nominate",
            "jo.technical",
            nominate("jo.technical", "technical", *RIGHTS["jo.technical"]),
            jo,
            *devices["jo.technical"],
        ),
        entry(
            4,
            "contact.nominate",
            "sd.duty",
            nominate("sd.duty", "duty", *RIGHTS["sd.duty"]),
            sd,
            *devices["sd.duty"],
        ),
    ]
    confirm = ActsOn(entry=made[3].leaf_hash)
    made.append(entry(5, "contact.confirm", "jo.technical", confirm, jo, chained=False))
    old = signing_key("jo.technical")
    rotate = Rotate(kid=old.kid, signing=jwk_form(NEW_KEY.public), sealing=None)
    made.append(entry(6, "contact.rotate", "jo.technical", rotate, old, NEW_KEY, chained=False))
    return tuple(made)


def tree(size: int) -> merkle.CompactRange:
    made = merkle.CompactRange()
    for entry in entries()[:size]:
        made = made.append(merkle.leaf_hash(entry.leaf))
    return made


def checkpoint(size: int = LOG_SIZE, root: bytes | None = None) -> str:
    return sign_checkpoint(Checkpoint(ORIGIN, size, root or tree(size).root()), LOG).decode()


def head(size: int = MESSAGE_SIZE, root: bytes | None = None) -> str:
    return head_of(checkpoint(size, root).encode(), [LOG.verifier()])


def fingerprint() -> str:
    return genesis_fingerprint(entries()[0].signed.payload)


# --- the message and its evidence --------------------------------------------------------------


@cache
def sealed() -> Sealed:
    """A message of jo.technical to sd.duty at size 6."""
    return seal(draft(status="test", exercise=None), head=head())


def answering(key: SigningKey, contact: str = "sd.duty", size: int = MESSAGE_SIZE) -> Answering:
    checked = read_envelope(sealed().envelope_bytes)
    return Answering(checked.header, checked.digest, contact, key.kid, head(size), NOW + timedelta(minutes=2))


def accepted(size: int = MESSAGE_SIZE, key: SigningKey = HUB, **changes: Any) -> str:
    checked = read_envelope(sealed().envelope_bytes)
    at = NOW + timedelta(minutes=1)
    receipt = accepted_receipt(checked.header, checked.digest, checked.slots, head=head(size), at=at)
    return sign_form(receipt.model_copy(update=changes), jws.RECEIPT, key)


def retrieved() -> str:
    key = signing_key("sd.duty", 2)
    return sign_form(retrieval(answering(key)), jws.RETRIEVAL, key)


def acknowledged(key: SigningKey | None = None, size: int = MESSAGE_SIZE, **named: Any) -> str:
    key = key or signing_key("sd.duty")
    return sign_form(acknowledgement(answering(key, size=size), **named), jws.ACKNOWLEDGEMENT, key)


def recorded(text: str, directory: Directory, size: int = LOG_SIZE, **changes: Any) -> str:
    checked = read_envelope(sealed().envelope_bytes)
    answer = verify_answer(text, directory)
    at = NOW + timedelta(minutes=3)
    receipt = recorded_receipt(checked.header, checked.digest, answer, text, head=head(size), at=at)
    return sign_form(receipt.model_copy(update=changes), jws.RECEIPT, HUB)


def evidence(directory: Directory, **changes: Any) -> bytes:
    """A complete file: accepted, retrieved, acknowledged, both recorded, the key disclosed."""
    named: dict[str, Any] = {
        "origin": ORIGIN,
        "envelope": sealed().envelope,
        "receipts": [accepted(), recorded(retrieved(), directory), recorded(acknowledged(), directory)],
        "retrievals": [retrieved()],
        "acknowledgements": [acknowledged()],
        "cancels": [],
        "checkpoint": checkpoint(),
        "leaves": [entry.leaf for entry in entries()],
        "cek": world.cek_of(),
    }
    return build_evidence(**{**named, **changes})
