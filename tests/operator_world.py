"""An operator with every secret a server can hold, against a real desk that knows the log so far.

The operator has the log key, the hub key, both registrars' keys, the whole database and keys of its own
making; it has no State's key and no witness's. ``Operator`` serves what a lie says over a real socket.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import web

from poc.core import jws
from poc.core.admission import read_envelope
from poc.core.checkpoint import Checkpoint, sign_checkpoint
from poc.core.evidence import SlotReceipt
from poc.core.form import form_value
from poc.core.merkle import CompactRange, leaf_hash
from poc.core.note import read_note
from poc.core.receipts import accepted_receipt, sign_form
from poc.core.statement import SignedStatement, make_entry
from poc.core.strictjson import b64u, canonical, format_time, parse, unb64u
from poc.core.tiles import TILE_WIDTH, encode_entries
from poc.errors import PocError
from tests.hub_messages import seal
from tests.registry import (
    ORIGIN,
    REGISTRARS,
    Registry,
    card,
    cosigner,
    device,
    enrolment,
    jwk,
    log_signer,
    nomination,
    openings,
    sealing_key,
    settings,
    signing_key,
)

VICTIM, TARGET = "sd.technical", "jo.technical"
STATES = ("eg", "jo", "om", "sd")
SEATED = ("eg", "jo", "om")
OWN = "the operator's own"
SECRETS = (*REGISTRARS, "hub", "log", OWN, f"{TARGET} forged")


@dataclass
class Served:
    """What the operator answers with: the log, its head, and what travels beside it."""

    leaves: list[bytes]
    note: bytes
    cards: list[Any] = field(default_factory=list)
    keys: list[Any] = field(default_factory=list)
    inbox: list[Any] = field(default_factory=list)
    evidence: list[Any] = field(default_factory=list)


def true_registry(url: str) -> Registry:
    """Four States, three witnesses in force, contacts on both sides."""
    registry = Registry(quorum="majority", objection_seconds=3600)
    registry.enrol(*STATES)
    registry.tick(3600)
    registry.attest()
    registry.nominate(TARGET, "jo.diplomatic", VICTIM)
    registry.seat(*SEATED, url=url)
    registry.tick(60)
    registry.attest(*registry.seated)
    return registry


def truth(registry: Registry) -> Served:
    """What an honest hub would answer."""
    note = registry.cosigned(*registry.seated)
    cards = []
    for contact in (TARGET, "jo.diplomatic", VICTIM):
        for opening in openings(contact):
            shown = {"part": opening.part, "salt": opening.salt, "bytes": opening.bytes}
            cards.append({"contact": contact, "part": opening.part, "opening": shown})
    keys = [{"jwk": sealing_key(f"{contact} 1").public.jwk()} for contact in (TARGET, VICTIM)]
    sealed = seal(registry.head(), registry.now, sender=f"{TARGET} 1", to=(f"{VICTIM} 1",))
    return Served(registry.leaves, note, cards, keys, [delivered(registry, sealed.envelope_bytes)])


def delivered(registry: Registry, envelope: bytes, signer: str = "hub", **changes: Any) -> dict[str, Any]:
    """An item of an inbox, with the hub's receipt over it."""
    checked = read_envelope(envelope)
    slots = tuple(
        SlotReceipt(contact=s.contact, kid=s.kid, sequence=s.sequence, sha256=s.sha256) for s in checked.slots
    )
    form = accepted_receipt(checked.header, checked.digest, slots, head=registry.head(), at=registry.now)
    receipt = sign_form(form.model_copy(update=changes), jws.RECEIPT, signing_key(signer))
    value = form_value(checked.envelope)
    return {"message": checked.header.id, "envelope": value, "accepted": receipt, "released": None}


class Operator:
    """Serves what it is told to."""

    def __init__(self) -> None:
        self.served: Any = None
        self.url = ""

    @asynccontextmanager
    async def running(self):
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        path, served = request.path, self.served
        if path == "/v1/genesis":
            return _json({"entry": b64u(served.leaves[0])})
        if path == "/checkpoint":
            return web.Response(body=served.note)
        if path.startswith("/tile/entries/"):
            number = int(path.removeprefix("/tile/entries/").split(".")[0])
            return web.Response(body=encode_entries(served.leaves[number * TILE_WIDTH :][:TILE_WIDTH]))
        feeds = {
            "/v1/cards": ("cards", served.cards, "since"),
            "/v1/keys": ("keys", served.keys, "since"),
            "/v1/exercises": ("exercises", [], "since"),
            "/v1/inbox": ("items", served.inbox, "after"),
            "/v1/evidence": ("items", served.evidence, "after"),
        }
        if path not in feeds or request.method != "GET":
            return web.Response(status=404)
        member, items, query = feeds[path]
        start = int(request.query.get(query, "0"))
        numbered = [{"number": n, **item} for n, item in enumerate(items, 1) if n > start]
        return _json({member: numbered, "next": max(start, len(items))})


def _json(value: Any) -> web.Response:
    return web.Response(body=canonical(value), content_type="application/json")


# --- lies ---


def signed_note(leaves: list[bytes], rng: random.Random, *, by: str = "log") -> bytes:
    """A checkpoint of leaves by the log's key, with or without cosignatures that are none."""
    tree = CompactRange()
    for leaf in leaves:
        tree = tree.append(leaf_hash(leaf))
    note = sign_checkpoint(Checkpoint(ORIGIN, tree.size, tree.root()), log_signer(by))
    return note + _cosignatures(note, rng)


def _cosignatures(note: bytes, rng: random.Random) -> bytes:
    """None, own keys under a witness's name, or a real witness's line over something else."""
    text = read_note(note)[0]
    other = read_note(sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), log_signer()))[0]
    choices: list[list[str]] = [
        [],
        [
            str(type(cosigner(w))(f"{w}", signing_key(OWN)).cosign(text, 1))
            for w in ("jo.witness", "om.witness")
        ],
        [str(cosigner("jo.witness").cosign(other, 1))],
        [str(type(cosigner("x.witness"))("x.witness", signing_key(OWN)).cosign(text, 1))] * 2,
    ]
    return "".join(rng.choice(choices)).encode()


def forged_bodies(registry: Registry) -> list[tuple[str, str, dict[str, Any]]]:
    """Statements that would change an enrolled State's keys, contacts or the rules themselves."""
    directory = registry.directory
    jo = directory.contact(TARGET)
    mine = {"keys": [jwk(OWN)], "threshold": 1}
    own = device(f"{TARGET} forged", 2)
    leaf = {"entry": jo.nomination.leaf_hash}
    kid = signing_key(f"{TARGET} 1").kid
    called = {k: enrolment("jo")[k] for k in ("note_verbale", "call_back")}
    until = format_time(registry.now + timedelta(days=1))
    sealing = own["sealing"]
    return [
        ("contact.nominate", TARGET, nomination(TARGET, devices=[device(f"{TARGET} forged", 2)])),
        ("contact.nominate", "jo.duty", nomination("jo.duty", devices=[device(f"{TARGET} forged")])),
        ("contact.update", TARGET, {k: v for k, v in nomination(TARGET).items() if k != "devices"}),
        ("contact.update", TARGET, {**_update(), "card": card("om.duty")}),
        ("contact.device-add", TARGET, {**leaf, "device": own}),
        ("contact.device-revoke", TARGET, {"kid": kid, "reason": "lost", "suspected_since": None}),
        ("contact.rotate", TARGET, {"kid": kid, "signing": jwk(f"{TARGET} forged"), "sealing": None}),
        ("contact.rotate", TARGET, {"kid": kid, "signing": None, "sealing": sealing}),
        ("contact.confirm", TARGET, {"entry": jo.newest.leaf_hash}),
        ("contact.freeze", TARGET, leaf),
        ("contact.thaw", TARGET, leaf),
        ("contact.withdraw", TARGET, leaf),
        (
            "contact.record",
            TARGET,
            {"role": "technical", "alternate_of": None, "card": card(TARGET), "source": "x"},
        ),
        ("state.rotate", "jo", {"authority": mine, "recovery": None}),
        ("state.enrol", "jo", enrolment("jo", authority=mine)),
        ("state.withdraw", "jo", {"entry": directory.state("jo").enrolled.leaf_hash}),
        ("state.recover", "jo", {"authority": mine, "recovery": None, **called, "overrules": None}),
        ("state.suspend", "jo", {"reason": "abuse", "scope": ["send"], "until": until}),
        ("state.object", "jo", {"entry": directory.state("jo").newest.leaf_hash}),
        ("witness.appoint", "jo.witness", {"vkey": _own_vkey("jo.witness"), "url": "https://w.example"}),
        ("witness.appoint", "sd.witness", {"vkey": _own_vkey("sd.witness"), "url": "https://w.example"}),
        ("witness.dismiss", "om.witness", {"entry": directory.witness("om.witness").newest.leaf_hash}),
        ("registry.policy", ORIGIN, settings(quorum="none")),
        ("registry.policy", ORIGIN, settings(hub_keys=[jwk(OWN)], quorum="none")),
        ("registry.attest", ORIGIN, registry.attest_body()),
        ("state.enrol", "qa", enrolment("qa", authority=mine)),
        (
            "controller.appoint",
            TARGET,
            {"names": {"en": "C"}, "body": "x-las", "devices": [own | {"number": 1}]},
        ),
    ]


def _update() -> dict[str, Any]:
    return {k: v for k, v in nomination(TARGET).items() if k != "devices"}


def _own_vkey(name: str) -> str:
    return type(cosigner(name))(name, signing_key(OWN)).verifier().vkey()


def forged_statement(registry: Registry, rng: random.Random) -> SignedStatement:
    """A forged statement signed by some or all of what the operator has, honestly or not."""
    kind, subject, body = rng.choice(forged_bodies(registry))
    how: dict[str, Any] = {}
    if rng.random() < 0.15:
        how = {"chain": (rng.choice([0, 1, 5, 2**40]), rng.choice([None, registry.entries[3].leaf_hash]))}
    if rng.random() < 0.1:
        how["issued_at"] = registry.now + timedelta(days=rng.choice([-30, 2]))
    payload = registry.payload(kind, subject, body, **{k: v for k, v in how.items() if _fits(k, v)})
    count = rng.randint(1, len(SECRETS))
    exact = rng.choice(((*REGISTRARS, OWN), REGISTRARS, ("hub",), (*REGISTRARS, f"{TARGET} forged")))
    labels = exact if rng.random() < 0.5 else tuple(rng.sample(SECRETS, count))
    signatures = [jws.sign(payload, jws.STATEMENT, signing_key(label)) for label in labels]
    trick = rng.random()
    if trick < 0.3:  # the name of a key the operator does not have, over a signature of its own
        signatures.append(_as_if(payload, rng.choice(["jo authority", f"{TARGET} 1", "jo.witness"])))
    elif trick < 0.5:  # a real signature, lifted from another statement
        donor = rng.choice(registry.entries[1:]).signed
        signatures = [*signatures[:2], rng.choice(donor.signatures)]
    return SignedStatement(payload, tuple(signatures))


def _fits(name: str, value: Any) -> bool:
    return name != "chain" or (value[0] == 0) == (value[1] is None)


def _as_if(payload: bytes, label: str) -> jws.Signature:
    real = jws.sign(payload, jws.STATEMENT, signing_key(label))
    made = jws.sign(payload, jws.STATEMENT, signing_key(OWN))
    return type(real)(protected=real.protected, signature=made.signature)


def lie_in_the_log(served: Served, registry: Registry, rng: random.Random) -> None:
    """Go on with forged entries, a few, each logged as the hub would."""
    leaves = list(served.leaves)
    for _ in range(rng.randint(1, 3)):
        try:
            entry = make_entry(forged_statement(registry, rng), registry.now + timedelta(seconds=len(leaves)))
        except PocError:
            continue
        leaves.append(entry.leaf)
    served.leaves, served.note = leaves, signed_note(leaves, rng)


def lie_that_the_rules_admit(served: Served, registry: Registry, rng: random.Random) -> None:
    """What registrars may log, shown to one desk alone: only the witnesses are missing."""
    mine = {"keys": [jwk(OWN)], "threshold": 1}
    called = {k: enrolment("jo")[k] for k in ("note_verbale", "call_back")}
    until = format_time(registry.now + timedelta(days=1))
    kind, subject, body, by = rng.choice(
        [
            ("state.enrol", "qa", enrolment("qa", authority=mine), (OWN,)),
            (
                "state.recover",
                "jo",
                {"authority": mine, "recovery": None, **called, "overrules": None},
                (OWN,),
            ),
            ("state.suspend", "jo", {"reason": "abuse", "scope": ["send"], "until": until}, ()),
            ("registry.policy", ORIGIN, settings(quorum="none", objection_seconds=0), ()),
            ("registry.policy", ORIGIN, settings(hub_keys=[jwk(OWN)]), (OWN,)),
        ]
    )
    payload = registry.payload(kind, subject, body)
    signatures = (jws.sign(payload, jws.STATEMENT, signing_key(label)) for label in (*REGISTRARS, *by))
    entry = make_entry(SignedStatement(payload, tuple(signatures)), registry.now + timedelta(seconds=1))
    served.leaves = [*served.leaves, entry.leaf]
    served.note = signed_note(served.leaves, rng)


def lie_in_an_entry(served: Served, registry: Registry, rng: random.Random) -> None:
    """Change an entry of the past or a new copy of it, by a member, a byte, or its place."""
    leaves = list(served.leaves)
    index = rng.randrange(1, len(leaves))
    value: Any = parse(leaves[index])
    statement = value["statement"]
    choice = rng.randrange(7)
    if choice == 0:
        payload: Any = parse(unb64u(statement["payload"]))
        payload["subject"] = rng.choice(["jo", "om", TARGET])
        statement["payload"] = b64u(canonical(payload))
    elif choice == 1:
        statement["signatures"] = statement["signatures"][:1]
    elif choice == 2:
        payload = unb64u(statement["payload"])
        keys = sorted((signing_key(label) for label in SECRETS), key=lambda key: key.kid)
        made = (jws.sign(payload, jws.STATEMENT, key) for key in keys)
        statement["signatures"] = [{"protected": s.protected, "signature": s.signature} for s in made]
    elif choice == 3:
        value["logged_at"] = format_time(registry.now + timedelta(days=rng.choice([-400, -1, 1, 400])))
    elif choice == 4:
        value["extra"] = None
    leaf = canonical(value)
    if choice == 5:
        at = rng.randrange(len(leaf))
        leaf = leaf[:at] + bytes([leaf[at] ^ 1]) + leaf[at + 1 :]
    if rng.random() < 0.5:
        leaves.append(leaf)
    else:
        leaves[index] = leaf
        leaves.append(leaves[rng.randrange(len(leaves))])
    served.leaves, served.note = leaves, signed_note(leaves, rng)


def lie_in_the_head(served: Served, registry: Registry, rng: random.Random) -> None:
    """Another root, an older head, another key, lines taken away or added, bytes changed."""
    size = len(served.leaves)
    other = sign_checkpoint(Checkpoint(ORIGIN, size, rng.randbytes(32)), log_signer())
    notes = [
        other,
        other + _cosignatures(other, rng),
        registry.checkpoint(size - rng.randint(1, 4)),
        registry.cosigned(*registry.seated, size=size - rng.randint(1, 4)),
        sign_checkpoint(Checkpoint(ORIGIN, size + rng.randint(1, 9), rng.randbytes(32)), log_signer()),
        sign_checkpoint(Checkpoint(ORIGIN, 2**52, rng.randbytes(32)), log_signer()),
        sign_checkpoint(Checkpoint(ORIGIN, size, served_root(served)), log_signer(OWN)),
        signed_note(served.leaves, rng, by=OWN),
        served.note.replace(b"test-cbm", b"else-cbm"),
        served.note.replace(b"jo.witness", b"eg.witness"),
        served.note[: rng.randrange(len(served.note))],
    ]
    at = rng.randrange(len(served.note))
    notes.append(served.note[:at] + bytes([served.note[at] ^ 1]) + served.note[at + 1 :])
    served.note = rng.choice(notes)


def served_root(served: Served) -> bytes:
    tree = CompactRange()
    for leaf in served.leaves:
        tree = tree.append(leaf_hash(leaf))
    return tree.root()


def lie_in_a_card(served: Served, registry: Registry, rng: random.Random) -> None:
    """Another address under a commitment of the log, or a part shown as another's."""
    item = rng.choice(served.cards)
    opening = item["opening"]
    choice = rng.randrange(5)
    if choice == 0:
        opening["bytes"] = b64u(unb64u(opening["bytes"]).replace(b"desk@", b"evil@"))
    elif choice == 1:
        opening["salt"] = b64u(rng.randbytes(32))
    elif choice == 2:
        item["contact"] = rng.choice([TARGET, "jo.diplomatic", VICTIM, "om.duty"])
    elif choice == 3:
        opening["part"] = rng.choice(["office", "reach", "person"])
    else:
        data = unb64u(opening["bytes"])
        at = rng.randrange(len(data))
        opening["bytes"] = b64u(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def lie_in_a_key(served: Served, registry: Registry, rng: random.Random) -> None:
    """A sealing key of the operator's in place of the one the log names, or beside it."""
    own = sealing_key(f"{OWN} {rng.randrange(1000)}").public.jwk()
    item = rng.choice(served.keys)
    choice = rng.randrange(3)
    if choice == 0:
        item["jwk"] = {**own, **{k: v for k, v in item["jwk"].items() if k == "kid"}}
    elif choice == 1:
        served.keys.insert(0, {"jwk": own})
    else:
        name = rng.choice(sorted(item["jwk"]))
        item["jwk"][name] = rng.choice([own[name], "AAAA", None, item["jwk"][name] + "A"])


def lie_in_a_message(served: Served, registry: Registry, rng: random.Random) -> None:
    """A message nobody sent, one altered, one for others, receipts by whatever key there is."""
    choice = rng.randrange(6)
    number = rng.randrange(2, 200)
    head = registry.head()
    if choice == 0:  # signed by a key of the operator's, as if from a contact
        sealed = seal(head, registry.now, sender=f"{TARGET} forged", to=(f"{VICTIM} 1",), number=number)
        served.inbox.append(delivered(registry, sealed.envelope_bytes))
    elif choice == 1:  # sealed by a contact to another, shown to this one
        sealed = seal(head, registry.now, sender=f"{TARGET} 1", to=("jo.diplomatic 1",), number=number)
        served.inbox.append(delivered(registry, sealed.envelope_bytes))
    elif choice == 2:  # one member of a true message changed
        item = copy.deepcopy(served.inbox[0])
        name = rng.choice(["protected", "iv", "ciphertext", "tag"])
        text = item["envelope"][name]
        at = rng.randrange(len(text) - 4)
        item["envelope"][name] = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        served.inbox.append(item)
    elif choice == 3:  # its slot header changed
        item = copy.deepcopy(served.inbox[0])
        header = item["envelope"]["recipients"][0]["header"]
        name, value = rng.choice(
            [
                ("sequence", number),
                ("contact", "jo.diplomatic"),
                ("salt", b64u(rng.randbytes(16))),
                ("kid", "A" * 43),
            ]
        )
        header[name] = value
        served.inbox.append(item)
    elif choice == 4:  # the hub's receipt over something else
        item = copy.deepcopy(served.inbox[0])
        sealed = seal(head, registry.now, sender=f"{TARGET} 1", to=(f"{VICTIM} 1",), number=number)
        other = delivered(registry, sealed.envelope_bytes, rng.choice(["hub", OWN, REGISTRARS[0]]))
        item["accepted"] = other["accepted"]
        served.inbox.append({**item, "message": rng.choice([item["message"], other["message"]])})
    else:  # a head that is none in a receipt that is the hub's own
        fork = sign_checkpoint(Checkpoint(ORIGIN, 3, rng.randbytes(32)), log_signer()).decode()
        sealed = seal(head, registry.now, sender=f"{TARGET} forged", to=(f"{VICTIM} 1",), number=number)
        served.inbox.append(delivered(registry, sealed.envelope_bytes, head=fork))


LIES: tuple[Callable[[Served, Registry, random.Random], None], ...] = (
    lie_in_the_log,
    lie_that_the_rules_admit,
    lie_in_an_entry,
    lie_in_the_head,
    lie_in_a_card,
    lie_in_a_key,
    lie_in_a_message,
)
