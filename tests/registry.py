"""A small registry in memory: deterministic keys, statements signed by whoever must, a growing log.

For tests. Keys follow from labels, the clock is set by hand, nothing is random.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from poc.core import jws
from poc.core.bodies import BODIES, jwk_form
from poc.core.card import OfficePart, Opening, ReachPart, make_opening
from poc.core.checkpoint import Checkpoint, Cosigner, head_of, sign_checkpoint
from poc.core.directory import Anchor, Directory
from poc.core.form import form_of
from poc.core.keys import SealingKey, SigningKey
from poc.core.merkle import consistency_proof
from poc.core.note import Signer, read_note
from poc.core.rules import apply, start
from poc.core.statement import (
    CHAINED,
    SignedEntry,
    SignedStatement,
    make_entry,
    read_statement,
    statement_payload,
)
from poc.core.strictjson import b64u, domain_hash, format_time, parse_time
from poc.errors import CATALOGUE, RefusedError

ORIGIN = "example.org/test-cbm"
START = parse_time("2026-11-24T08:00:00Z")
REGISTRARS = ("x-las.registrar-1", "x-arcc.registrar-1")


def signing_key(label: str) -> SigningKey:
    """The test signing key of a label."""
    return SigningKey.from_seed(domain_hash("poc/1 test key", label.encode()))


def sealing_key(label: str) -> SealingKey:
    """The test sealing key of a label."""
    return SealingKey.from_seed(domain_hash("poc/1 test key", b"seal " + label.encode()))


def jwk(label: str) -> dict[str, str]:
    """The public JWK of a test signing key, as in a form."""
    return jwk_form(signing_key(label).public).model_dump()


def log_signer(label: str = "log") -> Signer:
    """The test log's signer, or another one of its name."""
    return Signer(ORIGIN, signing_key(label))


def cosigner(witness: str) -> Cosigner:
    """The test key of a witness, named as the witness."""
    return Cosigner(witness, signing_key(witness))


def settings(**changes: Any) -> dict[str, Any]:
    """Settings of a registry of two bodies, as a form's value."""
    return {
        "registrars": sorted(
            (
                {"id": name, "body": name.split(".", 1)[0], "names": {"en": "Office"}, "key": jwk(name)}
                for name in REGISTRARS
            ),
            key=lambda registrar: str(registrar["id"]),
        ),
        "thresholds": {"policy": 2, "suspend": 2},
        "log_keys": [log_signer().vkey()],
        "hub_keys": [jwk("hub")],
        "statuses": ["exercise", "test"],
        "quorum": "none",
        "freshness_seconds": 86_400,
        "objection_seconds": 0,
        "confirm_seconds": 366 * 86_400,
        "nomination": "authority",
        "limits": {"body_bytes": 2**20, "slots": 250, "blob_bytes": 2**23, "messages_per_hour": 1000},
        "entries_access": "parties",
        "counts_public": False,
        "rules": 1,
        **changes,
    }


def enrolment(state: str, **changes: Any) -> dict[str, Any]:
    """Body of ``state.enrol``."""
    names = {"en": f"State {state}", "ar": "دولة", "fr": f"État {state}"}
    return {
        "kind": "organisation" if state.startswith("x-") else "member",
        "names": {"short": names, "official": names},
        "authority": {"keys": [jwk(f"{state} authority")], "threshold": 1},
        "recovery": None,
        "note_verbale": {"reference": "NV/1", "date": "2026-11-01", "scan_sha256": None},
        "call_back": {"at": format_time(START), "source": "published switchboard"},
        **changes,
    }


def device(label: str, number: int = 1, *, may: str = "acknowledge change retrieve send") -> dict[str, Any]:
    """A device whose keys follow from ``label``."""
    return {
        "number": number,
        "key": jwk(label),
        "sealing": {
            "kid": sealing_key(label).kid,
            "alg": "HPKE-9-KE",
            "rotate_by": format_time(START + timedelta(days=60)),
        },
        "may": may.split(),
    }


def openings(contact: str) -> tuple[Opening, Opening]:
    """Office and reach part of a contact, opened."""
    top = {"v": 1, "origin": ORIGIN, "contact": contact}
    office = {**top, "part": "office", "names": {"en": "Desk"}, "department": None, "openpgp": None}
    reach = {
        **top,
        "part": "reach",
        "channels": [{"kind": "email", "value": f"desk@{contact}.example", "label": None}],
        "zone": "Asia/Amman",
        "hours": {"always": True, "weekly": [], "exceptions": []},
        "languages": ["ar", "en"],
    }
    salt = domain_hash("poc/1 test salt", contact.encode())
    return make_opening(form_of(OfficePart, office), salt), make_opening(form_of(ReachPart, reach), salt)


def card(contact: str) -> dict[str, Any]:
    """The commitments of a contact's card."""
    office, reach = openings(contact)
    return {
        "office": {"commitment": office.commitment(), "visibility": "parties"},
        "reach": {"commitment": reach.commitment(), "visibility": "parties"},
        "person": None,
    }


def nomination(contact: str, **changes: Any) -> dict[str, Any]:
    """Body of ``contact.nominate`` with one device that may do everything."""
    return {
        "role": "technical",
        "alternate_of": None,
        "card": card(contact),
        "machine_receipts": True,
        "custody": "own",
        "devices": [device(f"{contact} 1")],
        **changes,
    }


class Registry:
    """A log with its directory. ``submit`` signs a statement with the labels' keys and appends it."""

    def __init__(self, **changes: Any) -> None:
        self.now = START
        payload = self.payload("registry.genesis", ORIGIN, settings(**changes), chain=(0, None))
        entry = make_entry(signed(payload, *REGISTRARS, "hub"), self.now)
        self.directory: Directory = start(entry)
        self.entries: list[SignedEntry] = [entry]

    @property
    def leaves(self) -> list[bytes]:
        return [entry.leaf for entry in self.entries]

    def tick(self, seconds: int = 1) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def payload(
        self,
        kind: str,
        subject: str,
        body: dict[str, Any],
        *,
        chain: tuple[int, str | None] | None = None,
        issued_at: datetime | None = None,
    ) -> bytes:
        version, previous = (None, None)
        if kind in CHAINED:
            before, previous = chain if chain is not None else self.chain(kind, subject)
            version = before + 1
        form: Any = form_of(BODIES[kind], body)
        return statement_payload(
            origin=ORIGIN,
            type=kind,
            subject=subject,
            body=form,
            issued_at=issued_at or self.now,
            version=version,
            previous=previous,
        )

    def chain(self, kind: str, subject: str) -> tuple[int, str | None]:
        """Version and leaf hash of the newest chained entry of a subject."""
        directory = self.directory
        if kind.startswith("registry."):
            return directory.version, directory.newest.leaf_hash
        tables: list[Any] = [
            directory.states,
            directory.contacts,
            directory.controllers,
            directory.witnesses,
        ]
        found = next((table[subject] for table in tables if subject in table), None)
        return (0, None) if found is None else (found.version, found.newest.leaf_hash)

    def newest(self, subject: str) -> Anchor:
        directory = self.directory
        tables: list[Any] = [
            directory.states,
            directory.contacts,
            directory.controllers,
            directory.witnesses,
        ]
        anchor: Anchor = next(table[subject] for table in tables if subject in table).newest
        return anchor

    def log(self, statement: SignedStatement) -> SignedEntry:
        """Append a signed statement one second later, or raise what it is refused for."""
        self.tick()
        entry = make_entry(statement, self.now)
        self.directory = apply(self.directory, entry)
        self.entries.append(entry)
        return entry

    def submit(self, kind: str, subject: str, body: dict[str, Any], *by: str, **how: Any) -> SignedEntry:
        """Sign with the keys of the labels ``by`` and append."""
        return self.log(signed(self.payload(kind, subject, body, **how), *by))

    def enrol(self, *states: str, **changes: Any) -> None:
        for state in states:
            self.submit("state.enrol", state, enrolment(state, **changes), *REGISTRARS, f"{state} authority")

    def nominate(self, *contacts: str, **changes: Any) -> None:
        """Nominate contacts, each with one device labelled ``CONTACT 1`` unless changed."""
        for contact in contacts:
            body = nomination(contact, **changes)
            new = [f"{contact} {row['number']}" for row in body["devices"]]
            self.submit("contact.nominate", contact, body, f"{contact.split('.')[0]} authority", *new)

    def appoint(self, controller: str = "x-arcc.controller-1", **changes: Any) -> None:
        body = {
            "names": {"en": "Controller"},
            "body": "x-arcc",
            "devices": [device(f"{controller} 1")],
            **changes,
        }
        self.submit("controller.appoint", controller, body, *REGISTRARS, f"{controller} 1")

    def seat(self, *states: str, **changes: Any) -> None:
        """Appoint a witness of each State, and attest so that they are in force."""
        for state in states:
            subject = f"{state}.witness"
            body = {"vkey": cosigner(subject).verifier().vkey(), "url": "https://witness.example", **changes}
            self.submit("witness.appoint", subject, body, f"{state} authority", subject)
        self.attest(*self.seated)

    @property
    def seated(self) -> list[str]:
        """The witnesses in force."""
        return [seat.witness for seat in self.directory.seats]

    def attest(self, *witnesses: str, size: int | None = None) -> SignedEntry:
        """Attest the log as these witnesses cosign it now."""
        return self.submit("registry.attest", ORIGIN, self.attest_body(size, witnesses=witnesses), "hub")

    def cosigned(self, *witnesses: str, size: int | None = None, by: str = "log", at: int = 0) -> bytes:
        """The checkpoint with the cosignatures of these witnesses, ``at`` seconds from now."""
        note = self.checkpoint(size, by)
        text = read_note(note)[0]
        time = int(self.now.timestamp()) + at
        return note + b"".join(str(cosigner(name).cosign(text, time)).encode() for name in witnesses)

    def checkpoint(self, size: int | None = None, by: str = "log") -> bytes:
        """The signed checkpoint of the log's first ``size`` entries."""
        return sign_checkpoint(Checkpoint(ORIGIN, *self._tree(size)), log_signer(by))

    def head(self, size: int | None = None, by: str = "log") -> str:
        """The head of the log's first ``size`` entries."""
        return head_of(self.checkpoint(size, by), [log_signer(by).verifier()])

    def attest_body(
        self, size: int | None = None, by: str = "log", *, witnesses: tuple[str, ...] = (), at: int = 0
    ) -> dict[str, Any]:
        """Body of ``registry.attest`` over the first ``size`` entries, cosigned ``at`` seconds from now."""
        count = len(self.entries) if size is None else size
        proof = consistency_proof(count, len(self.entries), self._node)
        checkpoint = self.cosigned(*witnesses, size=count, by=by, at=at).decode()
        return {"checkpoint": checkpoint, "consistency": [b64u(node) for node in proof]}

    def _tree(self, size: int | None) -> tuple[int, bytes]:
        from poc.core.merkle import CompactRange, leaf_hash

        tree = CompactRange()
        for leaf in self.leaves[:size]:
            tree = tree.append(leaf_hash(leaf))
        return tree.size, tree.root()

    def _node(self, level: int, index: int) -> bytes:
        from poc.core.merkle import leaf_hash, node_hash

        if level == 0:
            return leaf_hash(self.leaves[index])
        return node_hash(self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1))


def signed(payload: bytes, *by: str) -> SignedStatement:
    """A statement signed with the keys of labels."""
    return SignedStatement(payload, tuple(jws.sign(payload, jws.STATEMENT, signing_key(who)) for who in by))


def per_hour(messages: int) -> dict[str, int]:
    """The limits of a registry that allows each State so many messages in an hour."""
    return {**settings()["limits"], "messages_per_hour": messages}


def usual(**changes: Any) -> Registry:
    """Two States with two contacts each, and a controller."""
    registry = Registry(**changes)
    registry.enrol("jo", "sd")
    registry.nominate("jo.technical", "jo.diplomatic", "sd.technical", "sd.diplomatic")
    registry.appoint()
    assert read_statement(registry.entries[-1].signed.payload).type == "controller.appoint"
    return registry


def refused(function: Any, *arguments: Any, **named: Any) -> str:
    """The code a call is refused with; one of the table."""
    with pytest.raises(RefusedError) as caught:
        function(*arguments, **named)
    assert caught.value.code in CATALOGUE
    return caught.value.code


def code_of(registry: Registry, kind: str, subject: str, body: dict[str, Any], *by: str, **how: Any) -> str:
    """The code a statement is refused with, which leaves the registry as it was."""
    before = registry.directory
    code = refused(registry.submit, kind, subject, body, *by, **how)
    assert registry.directory is before
    return code
