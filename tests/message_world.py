"""A small registry made by hand for the tests of messages: keys, a directory, heads, an exercise.

The directory is written down rather than computed, so that a test can end a key or freeze a contact
at an entry of its choice; ``tests/core/test_proof.py`` computes one from a real log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from poc.core import jws, merkle
from poc.core.admission import SealingLimits, read_envelope
from poc.core.bodies import Registrar, RegistryLimits, Settings, StateNames, Thresholds, jwk_form
from poc.core.card import CardCommitments, Commitment
from poc.core.checkpoint import Checkpoint, head_of, sign_checkpoint
from poc.core.directory import Anchor, Contact, Controller, DeviceState, Directory, Freeze, KeyRecord, State
from poc.core.draft import Addressee, AttachmentBytes, Draft
from poc.core.envelope import Randomness, Sealed, seal_message
from poc.core.exercise import Announcement, Order, Window
from poc.core.form import state_of
from poc.core.keys import SealingKey, SigningKey
from poc.core.message import MessageBody, MessageText
from poc.core.note import Signer
from poc.core.play import Play, read_announcement, with_order
from poc.core.receipts import accepted_receipt, sign_form
from poc.core.strictjson import b64u
from poc.core.uuid7 import uuid7

ORIGIN = "example.org/cbm"
NOW = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)
SIZE = 20
EXERCISE = "cbm-2026-11"
RIGHTS = {
    "jo.technical": ({"retrieve", "acknowledge", "send", "change"}, {"acknowledge", "send"}, {"retrieve"}),
    "sd.duty": ({"retrieve", "acknowledge", "send", "change"}, {"retrieve"}),
    "eg.technical": ({"retrieve", "acknowledge", "send", "change"},),
    "x-arcc.controller-1": ({"retrieve", "acknowledge", "send", "change"},),
}


def seed(*names: object) -> bytes:
    """32 bytes that are the same in every run."""
    return hashlib.sha256("/".join(map(str, names)).encode()).digest()


def signing_key(party: str, number: int = 1) -> SigningKey:
    return SigningKey.from_seed(seed("sign", party, number))


_SEALING: dict[tuple[str, int], SealingKey] = {}


def sealing_key(party: str, number: int = 1) -> SealingKey:
    if (party, number) not in _SEALING:
        _SEALING[party, number] = SealingKey.from_seed(seed("seal", party, number))
    return _SEALING[party, number]


HUB = SigningKey.from_seed(seed("hub"))
LOG = Signer(ORIGIN, SigningKey.from_seed(seed("log")))


def leaf(index: int) -> bytes:
    return merkle.leaf_hash(f"entry {index}".encode())


def tree(size: int) -> merkle.CompactRange:
    made = merkle.CompactRange()
    for index in range(size):
        made = made.append(leaf(index))
    return made


def head(size: int = SIZE, signer: Signer = LOG, origin: str = ORIGIN, root: bytes | None = None) -> str:
    """The head of the world's log at that size."""
    data = sign_checkpoint(Checkpoint(origin, size, root or tree(size).root()), signer)
    return head_of(data, [signer.verifier()])


def anchor(index: int) -> Anchor:
    return Anchor(index, b64u(leaf(index)), NOW - timedelta(days=1))


def freeze(index: int, until: int | None = None) -> Freeze:
    return Freeze(anchor(index), frozenset({"jo.duty"}), until)


def _settings() -> Settings:
    registrars = tuple(
        Registrar(
            id=f"x-las.registrar-{n}",
            body=f"x-b{n}",
            names={"en": f"R{n}"},
            key=jwk_form(signing_key("reg", n).public),
        )
        for n in (1, 2)
    )
    return Settings(
        registrars=registrars,
        thresholds=Thresholds(policy=2, suspend=2),
        log_keys=(LOG.vkey(),),
        hub_keys=(jwk_form(HUB.public),),
        statuses=("exercise", "test"),
        quorum="none",
        freshness_seconds=86_400,
        objection_seconds=0,
        confirm_seconds=365 * 86_400,
        nomination="authority",
        limits=RegistryLimits(body_bytes=2**20, slots=250, blob_bytes=2**20, messages_per_hour=100),
        entries_access="parties",
        counts_public=True,
        rules=1,
    )


def _devices(party: str) -> tuple[DeviceState, ...]:
    return tuple(
        DeviceState(
            n, signing_key(party, n).kid, sealing_key(party, n).kid, NOW + timedelta(days=60), frozenset(may)
        )
        for n, may in enumerate(RIGHTS[party], 1)
    )


def _contact(party: str) -> Contact:
    hidden = Commitment(commitment=b64u(bytes(32)), visibility="parties")
    return Contact(
        id=party,
        state=state_of(party),
        level="verified",
        role="technical",
        alternate_of=None,
        card=CardCommitments(office=hidden, reach=hidden, person=None),
        machine_receipts=True,
        custody="own",
        devices=_devices(party),
        highest_number=len(RIGHTS[party]),
        version=1,
        newest=anchor(5),
        nomination=anchor(5),
        standing=anchor(5),
        confirmed_at=NOW - timedelta(days=1),
    )


def _state(state: str) -> State:
    return State(
        id=state,
        kind="member",
        names=StateNames(short={"en": state}, official={"en": state}),
        status="enrolled",
        effective_at=NOW - timedelta(days=2),
        authority_kids=(),
        threshold=1,
        recovery_kid=None,
        version=1,
        newest=anchor(2),
        enrolled=anchor(2),
    )


def _keys() -> dict[str, KeyRecord]:
    records = [
        KeyRecord(HUB.kid, "hub", ORIGIN, HUB.public, None, frozenset(), 0),
        KeyRecord(LOG.key.kid, "log", ORIGIN, None, None, frozenset(), 0),
    ]
    for party, rights in RIGHTS.items():
        for n, may in enumerate(rights, 1):
            key = signing_key(party, n)
            records.append(KeyRecord(key.kid, "device", party, key.public, n, frozenset(may), 5))
            records.append(KeyRecord(sealing_key(party, n).kid, "sealing", party, None, n, frozenset(), 5))
    return {record.kid: record for record in records}


def directory(size: int = SIZE) -> Directory:
    """Three contacts of three States and a controller, all since entry 5."""
    contacts = [party for party in RIGHTS if "controller" not in party]
    controller = Controller(
        "x-arcc.controller-1", {"en": "ARCC"}, "x-arcc", _devices("x-arcc.controller-1"), 1, 1, anchor(5)
    )
    return Directory(
        origin=ORIGIN,
        fingerprint="0" * 64,
        settings=_settings(),
        version=1,
        newest=anchor(0),
        tree=tree(size),
        logged_at=NOW - timedelta(hours=1),
        attested_at=NOW - timedelta(hours=1),
        states=MappingProxyType({state_of(party): _state(state_of(party)) for party in contacts}),
        contacts=MappingProxyType({party: _contact(party) for party in contacts}),
        controllers=MappingProxyType({controller.id: controller}),
        keys=MappingProxyType(_keys()),
        log_vkeys=MappingProxyType({LOG.key.kid: LOG.vkey()}),
    )


def with_key(base: Directory, kid: str, **changes: Any) -> Directory:
    """The directory with one key's record changed."""
    return replace(base, keys=MappingProxyType({**base.keys, kid: replace(base.keys[kid], **changes)}))


def with_contact(base: Directory, contact: str, **changes: Any) -> Directory:
    """The directory with one contact changed."""
    changed = replace(base.contacts[contact], **changes)
    return replace(base, contacts=MappingProxyType({**base.contacts, contact: changed}))


# --- messages ----------------------------------------------------------------------------------


def text_body(text: str = "Please confirm that this reaches you.") -> MessageBody:
    return MessageBody(
        template=None, fields={}, texts=(MessageText(language="en", text=text, role="original"),)
    )


def draft(**changes: Any) -> Draft:
    members: dict[str, Any] = {
        "status": "exercise",
        "exercise": EXERCISE,
        "kind": "notification",
        "precedence": "priority",
        "tlp": "TLP:AMBER",
        "subject": "EXERCISE link lost",
        "body": text_body(),
        "expires_at": NOW + timedelta(days=2),
        "attachments": (AttachmentBytes("log.txt", "text/plain", b"line 1\nline 2\n"),),
    }
    return Draft(**{**members, **changes})


def to_sudan() -> list[Addressee]:
    """Both devices of sd.duty for action, and the sender's other device."""
    return [
        Addressee("sd.duty", sealing_key("sd.duty", 1).public, "action", 17),
        Addressee("sd.duty", sealing_key("sd.duty", 2).public, "action", 17),
        Addressee("jo.technical", sealing_key("jo.technical", 2).public, "own"),
    ]


def cek_of(number: int = 1) -> bytes:
    return seed("cek", number)


def message_id(number: int = 1) -> str:
    return uuid7(NOW, seed("id", number)[:10])


def seal(
    made: Draft | None = None,
    addressees: list[Addressee] | None = None,
    number: int = 1,
    blob_keys: Sequence[bytes] = (),
    **changes: Any,
) -> Sealed:
    """A message of jo.technical to sd.duty, unless the test says otherwise."""
    addressees = to_sudan() if addressees is None else addressees
    members: dict[str, Any] = {
        "origin": ORIGIN,
        "id": message_id(number),
        "sender_contact": "jo.technical",
        "signing_key": signing_key("jo.technical"),
        "head": head(),
        "now": NOW,
        "randomness": Randomness(
            cek_of(number),
            seed("iv", number)[:12],
            [seed("salt", number, n)[:16] for n in range(len(addressees))],
            blob_keys,
        ),
        "limits": SealingLimits(frozenset({"exercise", "test"})),
    }
    return seal_message(made or draft(), addressees=addressees, **{**members, **changes})


def accepted(sealed: Sealed, size: int = SIZE, at: datetime = NOW, key: SigningKey = HUB) -> str:
    """The hub's receipt over a sealed message, as compact JWS."""
    checked = read_envelope(sealed.envelope_bytes)
    receipt = accepted_receipt(checked.header, checked.digest, checked.slots, head=head(size), at=at)
    return sign_form(receipt, jws.RECEIPT, key)


# --- exercise ----------------------------------------------------------------------------------


@dataclass
class Exercise:
    """The world's exercise: announced, then started an hour ago."""

    controller: SigningKey = field(default_factory=lambda: signing_key("x-arcc.controller-1"))
    participants: tuple[str, ...] = ("jo.technical", "sd.duty")

    def announcement(self, **changes: Any) -> str:
        members: dict[str, Any] = {
            "v": 1,
            "origin": ORIGIN,
            "kid": self.controller.kid,
            "at": NOW - timedelta(hours=2),
            "head": head(),
            "id": EXERCISE,
            "controller": "x-arcc.controller-1",
            "title": {"en": "Autumn ping"},
            "level": "L1a",
            "status": "exercise",
            "participants": self.participants,
            "windows": (Window(opens_at=NOW - timedelta(hours=1), closes_at=NOW + timedelta(hours=8)),),
            "answer_within_s": 600,
            "options": (),
            "cbm_refs": (1,),
            "script_sha256": None,
        }
        form = Announcement(**{**members, **changes})
        return sign_form(form, jws.ANNOUNCEMENT, self.controller)

    def order(self, order: str, number: int | None = 1, previous: str | None = None, **changes: Any) -> str:
        members: dict[str, Any] = {
            "v": 1,
            "origin": ORIGIN,
            "kid": self.controller.kid,
            "at": NOW - timedelta(hours=1),
            "head": head(),
            "exercise": EXERCISE,
            "number": number,
            "previous": previous,
            "order": order,
            "contact": None,
            "inject": 1 if order == "skip" else None,
            "reason": None,
        }
        return sign_form(Order(**{**members, **changes}), jws.ORDER, self.controller)

    def announced(self) -> Play:
        return read_announcement(self.announcement(), directory())

    def started(self) -> Play:
        return with_order(self.announced(), self.order("start"), directory(), now=NOW)


def play_of(exercise: str) -> Play | None:
    """The started exercise, and no other."""
    return Exercise().started() if exercise == EXERCISE else None
