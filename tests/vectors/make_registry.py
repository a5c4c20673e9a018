"""Write our own vectors for statements, entries and a whole log of a registry.

    python -m tests.vectors.make_registry

The same files come out each time. Nothing of `poc` is used, so that the files check it: payloads,
signatures, entries and the tree are put together here from the standard library and the crypto
library; what a log makes of a directory, and what must be refused, is stated. Keys follow from a label.

It is long because a case is one line and there are many: one table per file, nothing else.
"""

# ruff: noqa: E501 (a case is one line)

from __future__ import annotations

import base64
import copy
import json
from datetime import datetime, timedelta
from typing import Any

from tests.vectors.make_log import HERE, key, line, mth, public, sha, subproof, vkey
from tests.vectors.make_primitives import sealing

Case = dict[str, Any]

ORIGIN = "example.org/registry-vectors"
START = datetime.fromisoformat("2026-11-24T08:00:00+00:00")
REGISTRARS = ("x-las.registrar-1", "x-arcc.registrar-1")
EVERYTHING = ["acknowledge", "change", "retrieve", "send"]


# --- putting a leaf together ---


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value: Any) -> bytes:
    """RFC 8785, for values whose member names are ASCII and whose numbers are integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def time(seconds: int) -> str:
    return f"{START + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def jwk(label: str) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": b64u(public(label))}


def kid(label: str) -> str:
    return b64u(sha(compact(jwk(label))))


def sealing_kid(label: str) -> str:
    """Stands for the thumbprint of a sealing key, whose body is not in the log."""
    return b64u(sha(b"sealing key of ", label.encode()))


def protected(label: str, **changes: Any) -> str:
    return b64u(compact({"alg": "Ed25519", "kid": kid(label), "typ": "poc-statement+jws", **changes}))


def signature(payload: bytes, label: str, **changes: Any) -> dict[str, str]:
    header = protected(label, **changes)
    signed = key(label).sign(f"{header}.{b64u(payload)}".encode())
    return {"protected": header, "signature": b64u(signed)}


def statement(kind: str, subject: str, body: Any, issued: int, **changes: Any) -> bytes:
    """A payload: the first of its chain where the type is chained, unless ``changes`` say otherwise."""
    members = {
        "v": 1, "origin": ORIGIN, "type": kind, "subject": subject, "version": 1 if kind in CHAINED else None,
        "previous": None, "issued_at": time(issued), "body": body, **changes,
    }  # fmt: skip
    return compact(members)


def entry(payload: bytes, signatures: list[dict[str, str]], logged: int) -> bytes:
    return compact(
        {"logged_at": time(logged), "statement": {"payload": b64u(payload), "signatures": signatures}}
    )


def signed_by(payload: bytes, *labels: str) -> list[dict[str, str]]:
    return [signature(payload, label) for label in sorted(labels, key=kid)]


def leaf_hash(leaf: bytes) -> bytes:
    return sha(b"\x00", leaf)


# --- bodies ---


def registrar(name: str, label: str | None = None) -> Case:
    return {
        "id": name,
        "body": name.split(".", maxsplit=1)[0],
        "names": {"en": "Office", "ar": "مكتب"},
        "key": jwk(label or name),
    }


def settings(*more: str, hub: str = "hub", log: str = "log", **changes: Any) -> Case:
    return {
        "registrars": [registrar(name) for name in sorted((*REGISTRARS, *more))],
        "thresholds": {"policy": 2, "suspend": 2},
        "log_keys": [vkey(ORIGIN, log)],
        "hub_keys": [jwk(hub)],
        "statuses": ["exercise", "test"],
        "quorum": "none",
        "freshness_seconds": 86400,
        "objection_seconds": 0,
        "confirm_seconds": 31622400,
        "nomination": "authority",
        "limits": {"body_bytes": 1048576, "slots": 250, "blob_bytes": 8388608, "messages_per_hour": 1000},
        "entries_access": "parties",
        "counts_public": False,
        "rules": 1,
        **changes,
    }


def enrolment(state: str, recovery: str | None = None, **changes: Any) -> Case:
    names = {"en": f"State {state}", "ar": "دولة", "fr": f"État {state}"}
    return {
        "kind": "member",
        "names": {"short": names, "official": names},
        "authority": {"keys": [jwk(f"{state} authority")], "threshold": 1},
        "recovery": jwk(recovery) if recovery else None,
        "note_verbale": {"reference": "NV/1", "date": "2026-11-01", "scan_sha256": None},
        "call_back": {"at": time(0), "source": "published switchboard"},
        **changes,
    }


def commitment(of: str, visibility: str = "parties") -> Case:
    return {"commitment": b64u(sha(b"card of ", of.encode())), "visibility": visibility}


def card(contact: str, reach: str = "reach") -> Case:
    return {
        "office": commitment(f"{contact} office"),
        "reach": commitment(f"{contact} {reach}"),
        "person": None,
    }


def device(label: str, number: int, may: list[str] = EVERYTHING, **changes: Any) -> Case:
    sealing = {"kid": sealing_kid(label), "alg": "HPKE-9-KE", "rotate_by": time(60 * 86400)}
    return {"number": number, "key": jwk(label), "sealing": sealing, "may": may, **changes}


def update(contact: str, role: str = "technical", reach: str = "reach", **changes: Any) -> Case:
    return {
        "role": role, "alternate_of": None, "card": card(contact, reach), "machine_receipts": True,
        "custody": "own", **changes,
    }  # fmt: skip


def nomination(contact: str, *labels: str, role: str = "technical", **changes: Any) -> Case:
    devices = [device(label, number) for number, label in enumerate(labels, 1)]
    return {**update(contact, role), "devices": devices, **changes}


def appointment(*labels: str, **changes: Any) -> Case:
    devices = [device(label, number) for number, label in enumerate(labels, 1)]
    return {"names": {"en": "Controller"}, "body": "x-arcc", "devices": devices, **changes}


def record(contact: str, **changes: Any) -> Case:
    return {"role": "duty", "alternate_of": None, "card": card(contact), "source": "printed list", **changes}


TESTED = {
    "exercise": "cbm-2026-11",
    "message": "01936f00-0000-7000-8000-000000000001",
    "acknowledgement_sha256": b64u(bytes(32)),
}
CHAINED = {
    "registry.genesis", "registry.policy", "state.enrol", "state.rotate", "state.recover", "contact.record",
    "contact.nominate", "contact.update", "controller.appoint", "witness.appoint",
}  # fmt: skip


# --- the log ---


class Story:
    """A log in the making. ``add`` appends; ``variant`` makes a leaf that must be refused there."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self.newest: dict[str, tuple[int, str]] = {}
        self.variants: list[Case] = []
        self.waited = 0

    @property
    def now(self) -> int:
        """A minute for each entry, and the time that was waited."""
        return 60 * len(self.leaves) + self.waited

    def wait_until(self, seconds: int) -> None:
        """Let the next entry be logged at that second after the start."""
        self.waited += seconds - self.now

    def payload(self, kind: str, subject: str, body: Any, **changes: Any) -> bytes:
        issued = changes.pop("issued", self.now)
        if kind in CHAINED and subject in self.newest:
            version, previous = self.newest[subject]
            changes = {"version": version + 1, "previous": previous, **changes}
        return statement(kind, subject, body, issued, **changes)

    def add(self, kind: str, subject: str, body: Any, *by: str) -> int:
        payload = self.payload(kind, subject, body)
        leaf = entry(payload, signed_by(payload, *by), self.now)
        if kind in CHAINED:
            self.newest[subject] = (self.newest.get(subject, (0, None))[0] + 1, b64u(leaf_hash(leaf)))
        self.leaves.append(leaf)
        return len(self.leaves) - 1

    def variant(
        self, name: str, expect: str, kind: str, subject: str, body: Any, *by: str, **changes: Any
    ) -> None:
        logged = changes.pop("logged", self.now)
        payload = self.payload(kind, subject, body, **changes)
        self.put(name, expect, entry(payload, signed_by(payload, *by), logged))

    def put(self, name: str, expect: str, leaf: bytes) -> None:
        self.variants.append({"name": name, "after": len(self.leaves), "leaf": b64u(leaf), "expect": expect})

    def hash_of(self, index: int) -> str:
        return b64u(leaf_hash(self.leaves[index]))

    def tree(self) -> list[bytes]:
        return [leaf_hash(leaf) for leaf in self.leaves]

    def checkpoint(self, size: int, log: str = "log", root: bytes | None = None) -> str:
        text = f"{ORIGIN}\n{size}\n{base64.b64encode(root or mth(self.tree()[:size])).decode()}\n"
        return f"{text}\n{line(ORIGIN, log, text)}"

    def attest(self, size: int, **changes: Any) -> Case:
        proof = subproof(size, self.tree(), whole=True) if size <= len(self.leaves) else []
        return {
            "checkpoint": self.checkpoint(min(size, len(self.leaves))),
            "consistency": [b64u(node) for node in proof],
            **changes,
        }


JT, JD, ST, CONTROLLER = "jo.technical", "jo.diplomatic", "sd.technical", "x-arcc.controller-1"
UN = "x-un.registrar-1"


def found(story: Story) -> None:
    """The genesis, and the log that cannot begin otherwise."""
    by = (*REGISTRARS, "hub")

    def bad(name: str, expect: str, *signers: str, **changes: Any) -> None:
        story.variant(name, expect, "registry.genesis", ORIGIN, settings(**changes), *(signers or by))

    bad("a genesis without the hub's signature", "signatures-missing", *REGISTRARS)
    bad("a genesis that one registrar did not sign", "signatures-missing", REGISTRARS[0], "hub")
    bad("a genesis signed by one more", "signature-not-called-for", *by, "jo authority")
    bad("actual messages without an objection window", "window-too-short", statuses=["actual", "exercise"])
    bad("a threshold nobody can meet", "bad-threshold", thresholds={"policy": 3, "suspend": 2})
    bad(
        "more slots than the program allows",
        "limit-too-high",
        limits={"body_bytes": 1, "slots": 251, "blob_bytes": 1, "messages_per_hour": 1},
    )
    bad("a log key of another name", "wrong-origin", log_keys=[vkey("example.org/other", "log")])
    bad("a hub key that is a registrar's", "key-in-use", *REGISTRARS, hub_keys=[jwk(REGISTRARS[0])])
    bad(
        "registrars not sorted",
        "bad-form",
        registrars=[registrar(name) for name in sorted(REGISTRARS, reverse=True)],
    )
    same = [registrar("x-las.registrar-1"), registrar("x-las.registrar-2")]
    bad(
        "registrars of one body only",
        "one-body-only",
        "x-las.registrar-1",
        "x-las.registrar-2",
        "hub",
        registrars=same,
    )
    story.variant(
        "a log that begins with an enrolment",
        "not-a-genesis",
        "state.enrol",
        "jo",
        enrolment("jo"),
        *REGISTRARS,
        "jo authority",
    )
    story.variant(
        "a genesis about something else",
        "not-a-genesis",
        "registry.genesis",
        "example.org/other",
        settings(),
        *by,
    )
    story.add("registry.genesis", ORIGIN, settings(), *by)


def enrol(story: Story) -> None:
    by = (*REGISTRARS, "jo authority")

    def bad(name: str, expect: str, *signers: str, subject: str = "jo", **changes: Any) -> None:
        story.variant(name, expect, "state.enrol", subject, enrolment("jo"), *(signers or by), **changes)

    bad("one registrar", "signatures-missing", REGISTRARS[0], "jo authority")
    bad("the new key did not sign", "signatures-missing", *REGISTRARS)
    bad("a signature nobody asked for", "signature-not-called-for", *by, "hub")
    bad("no such State", "bad-state-id", subject="zz")
    bad("a version too high", "superseded", version=2, previous=story.hash_of(0))
    bad("another registry", "wrong-origin", origin="example.org/other")
    bad("dated 5 minutes and a second ahead", "issued-ahead", issued=story.now + 301)
    bad("dated 14 days and a second ago", "issued-too-long-ago", issued=story.now - 14 * 86400 - 1)
    bad("logged before the entry it follows", "logged-before-previous", logged=-1, issued=-1)
    bad("a newer form", "newer-form", v=2)
    bad("a type nobody knows", "newer-form", type="state.merge")
    many = enrolment("jo", authority={"keys": [jwk("jo authority")], "threshold": 2})
    story.variant(
        "a threshold nobody can meet in an authority", "bad-threshold", "state.enrol", "jo", many, *by
    )
    story.variant(
        "an organisation with a State's code",
        "bad-state-id",
        "state.enrol",
        "jo",
        enrolment("jo", kind="organisation"),
        *by,
    )
    story.variant(
        "a hub key as authority",
        "key-in-use",
        "state.enrol",
        "jo",
        enrolment("jo", authority={"keys": [jwk("hub")], "threshold": 1}),
        *REGISTRARS,
    )
    payload = story.payload("state.enrol", "jo", enrolment("jo"))
    good = signed_by(payload, *by)
    swapped = [*good[:-1], {**good[-1], "signature": good[0]["signature"]}]
    story.put("a signature over other bytes", "bad-signature", entry(payload, swapped, story.now))
    as_message = [signature(payload, label, typ="poc-message+jws") for label in sorted(by, key=kid)]
    story.put("signed as a message", "wrong-type", entry(payload, as_message, story.now))
    first = story.add("state.enrol", "jo", enrolment("jo"), *by)
    story.put(
        "the same payload again",
        "already-logged",
        story.leaves[first].replace(time(60).encode(), time(120).encode(), 1),
    )
    story.variant(
        "enrolled twice",
        "already-enrolled",
        "state.enrol",
        "jo",
        enrolment("jo", authority={"keys": [jwk("jo authority 2")], "threshold": 1}),
        *REGISTRARS,
        "jo authority 2",
    )
    story.variant(
        "the recovery key did not sign",
        "signatures-missing",
        "state.enrol",
        "sd",
        enrolment("sd", "sd recovery"),
        *REGISTRARS,
        "sd authority",
    )
    story.add("state.enrol", "sd", enrolment("sd", "sd recovery"), *REGISTRARS, "sd authority", "sd recovery")


def nominate(story: Story) -> None:
    by = ("jo authority", "jt 1", "jt 2")

    def bad(name: str, expect: str, body: Case, *signers: str, subject: str = JT, **changes: Any) -> None:
        story.variant(name, expect, "contact.nominate", subject, body, *(signers or by), **changes)

    good = nomination(JT, "jt 1", "jt 2")
    bad("without the authority", "signature-not-called-for", good, *REGISTRARS, "jt 1", "jt 2")
    bad("by the authority of another State", "signature-not-called-for", good, "sd authority", "jt 1", "jt 2")
    bad("a device that did not sign", "signatures-missing", good, "jo authority", "jt 1")
    bad("a State that is not enrolled", "unknown-state", good, subject="eg.technical")
    bad("devices not sorted", "bad-form", {**good, "devices": good["devices"][::-1]})
    bad("a number left out", "bad-device-number", {**good, "devices": [device("jt 1", 1), device("jt 2", 3)]})
    bad("no devices", "bad-form", {**good, "devices": []})
    bad("rights not sorted", "bad-form", {**good, "devices": [device("jt 1", 1, ["send", "change"])]})
    bad("a right there is not", "bad-form", {**good, "devices": [device("jt 1", 1, ["delete"])]})
    bad(
        "a key of low order",
        "bad-key",
        {**good, "devices": [device("jt 1", 1, key={**jwk("jt 1"), "x": b64u(bytes(32))})]},
        "jo authority",
    )
    bad("an alternate of nobody", "bad-alternate", {**good, "alternate_of": JD})
    bad("an alternate of itself", "bad-alternate", {**good, "alternate_of": JT})
    late = device("jt 1", 1)
    late["sealing"]["rotate_by"] = time(91 * 86400)
    bad("a sealing key for 91 days", "bad-rotate-by", {**good, "devices": [late]}, "jo authority", "jt 1")
    twice = [device("jt 1", 1), device("jt 2", 2, sealing=device("jt 1", 1)["sealing"])]
    bad("one sealing key for two devices", "key-in-use", {**good, "devices": twice})
    bad("a registrar's id", "bad-party-id", good, "jo authority", "jt 1", "jt 2", subject="jo.Technical")
    story.add("contact.nominate", JT, good, *by)
    story.add("contact.nominate", JD, nomination(JD, "jd 1", role="diplomatic"), "jo authority", "jd 1")
    story.add("contact.nominate", ST, nomination(ST, "st 1"), "sd authority", "st 1")
    story.variant(
        "a key of another contact",
        "key-in-use",
        "contact.nominate",
        "jo.duty",
        nomination("jo.duty", "jd 1"),
        "jo authority",
    )
    story.variant(
        "a chain that does not fit",
        "superseded",
        "contact.nominate",
        JT,
        nomination(JT, "jt 1", "jt 2"),
        "jo authority",
        version=3,
    )
    changed = nomination(JT, "jt 1", "jt 2")
    changed["devices"][1]["may"] = ["retrieve"]
    story.variant(
        "a device whose rights change", "device-changed", "contact.nominate", JT, changed, "jo authority"
    )
    story.variant(
        "listing what is verified", "already-verified", "contact.record", JT, record(JT), *REGISTRARS
    )
    story.variant(
        "a listing by one registrar",
        "signatures-missing",
        "contact.record",
        "eg.duty",
        record("eg.duty"),
        REGISTRARS[0],
    )
    story.add("contact.record", "eg.duty", record("eg.duty"), *REGISTRARS)
    story.variant(
        "confirming what is only listed",
        "unknown-state",
        "contact.confirm",
        "eg.duty",
        {"entry": story.hash_of(6)},
        "jo authority",
    )


def manage(story: Story) -> None:
    """Devices, updates, confirmations and tests."""
    nominated, jd_entry = story.hash_of(3), story.hash_of(4)
    third = device("jt 3", 3, ["retrieve", "send"])

    def add(name: str, expect: str, added: Case, *by: str, of: str = nominated) -> None:
        story.variant(name, expect, "contact.device-add", JT, {"entry": of, "device": added}, *by)

    add("a device added on another nomination", "superseded", third, "jo authority", "jt 3", of=jd_entry)
    add("a number that was used", "bad-device-number", device("jt 3", 2), "jo authority", "jt 3")
    add("one device adds another", "signatures-missing", third, "jt 1", "jt 3")
    add("devices that give the right to change", "rights-too-wide", device("jt 3", 3), "jt 1", "jt 2", "jt 3")
    add("a device of another contact", "signature-not-called-for", third, "jd 1", "jt 1", "jt 3")
    story.add("contact.device-add", JT, {"entry": nominated, "device": third}, "jt 1", "jt 2", "jt 3")
    new = {"kid": sealing_kid("jt 1 new"), "alg": "HPKE-9-KE", "rotate_by": time(80 * 86400)}

    def rotate(name: str, expect: str, body: Case, *by: str, subject: str = JT) -> None:
        story.variant(name, expect, "contact.rotate", subject, body, *by)

    rotate(
        "a rotation of both keys",
        "bad-rotation",
        {"kid": kid("jt 1"), "signing": jwk("jt 1 new"), "sealing": new},
        "jt 1",
        "jt 1 new",
    )
    rotate(
        "a rotation of nothing",
        "bad-rotation",
        {"kid": kid("jt 1"), "signing": None, "sealing": None},
        "jt 1",
    )
    rotate(
        "a rotation by another device",
        "signature-not-called-for",
        {"kid": kid("jt 1"), "signing": None, "sealing": new},
        "jt 2",
    )
    rotate(
        "a rotation without the new key",
        "signatures-missing",
        {"kid": kid("jt 1"), "signing": jwk("jt 1 new"), "sealing": None},
        "jt 1",
    )
    rotate(
        "a rotation of another contact's device",
        "superseded",
        {"kid": kid("jd 1"), "signing": None, "sealing": new},
        "jd 1",
    )
    rotate(
        "a sealing key that is in use",
        "key-in-use",
        {"kid": kid("jt 1"), "signing": None, "sealing": {**new, "kid": sealing_kid("jd 1")}},
        "jt 1",
    )
    story.add("contact.rotate", JT, {"kid": kid("jt 1"), "signing": None, "sealing": new}, "jt 1")
    story.add(
        "contact.rotate",
        JT,
        {"kid": kid("jt 1"), "signing": jwk("jt 1 new"), "sealing": None},
        "jt 1",
        "jt 1 new",
    )
    rotate(
        "a key that was replaced",
        "unknown-key",
        {"kid": kid("jt 1"), "signing": None, "sealing": new},
        "jt 1",
    )
    add("a key that returns", "key-was-revoked", device("jt 1", 4), "jo authority")
    revoke = {"kid": kid("jt 2"), "reason": "compromise", "suspected_since": time(0)}
    story.variant(
        "a device without the right to change revokes",
        "signature-not-called-for",
        "contact.device-revoke",
        JT,
        revoke,
        "jt 3",
    )
    story.variant(
        "no such reason", "bad-form", "contact.device-revoke", JT, {**revoke, "reason": "bored"}, "jt 2"
    )
    story.add("contact.device-revoke", JT, revoke, "jt 2")
    story.variant("revoked twice", "superseded", "contact.device-revoke", JT, revoke, "jo authority")
    story.variant(
        "a device changes the role",
        "signature-not-called-for",
        "contact.update",
        JT,
        update(JT, "duty"),
        "jt 1 new",
    )
    story.variant(
        "a device without the right to change updates",
        "signature-not-called-for",
        "contact.update",
        JT,
        update(JT, reach="reach 2"),
        "jt 3",
    )
    story.variant(
        "custody of a shape there is not",
        "bad-form",
        "contact.update",
        JT,
        update(JT, custody="hosted:nobody!"),
        "jo authority",
    )
    story.add("contact.update", JT, update(JT, reach="reach 2"), "jt 1 new")
    story.variant(
        "a confirmation of what is no longer newest",
        "superseded",
        "contact.confirm",
        JT,
        {"entry": nominated},
        "jo authority",
    )
    story.variant(
        "a confirmation by a hub",
        "signature-not-called-for",
        "contact.confirm",
        JT,
        {"entry": story.newest[JT][1]},
        "hub",
    )
    story.add("contact.confirm", JT, {"entry": story.newest[JT][1]}, "jo authority")


def exercise(story: Story) -> None:
    body = appointment("c 1")
    story.variant(
        "a test before there is a controller", "signature-not-called-for", "contact.tested", JT, TESTED, "c 1"
    )
    story.variant(
        "a controller with a contact's id",
        "bad-party-id",
        "controller.appoint",
        JT,
        body,
        *REGISTRARS,
        "c 1",
        version=1,
        previous=None,
    )
    story.variant(
        "a controller by one registrar",
        "signatures-missing",
        "controller.appoint",
        CONTROLLER,
        body,
        REGISTRARS[0],
        "c 1",
    )
    story.add("controller.appoint", CONTROLLER, body, *REGISTRARS, "c 1")
    story.variant(
        "a contact with a controller's id",
        "unknown-state",
        "contact.nominate",
        CONTROLLER,
        nomination(CONTROLLER, "x 1"),
        "jo authority",
        "x 1",
        version=1,
        previous=None,
    )
    story.variant(
        "a test noted by the contact itself",
        "signature-not-called-for",
        "contact.tested",
        JT,
        TESTED,
        "jt 1 new",
    )
    story.variant("a test of what is only listed", "not-verified", "contact.tested", "eg.duty", TESTED, "c 1")
    story.variant("a test of nobody", "unknown-contact", "contact.tested", "eg.technical", TESTED, "c 1")
    story.add("contact.tested", JT, TESTED, "c 1")


def policy(story: Story) -> None:
    newer = settings(UN, hub="hub 2", log="log 2", counts_public=True)
    by = (*REGISTRARS, UN, "hub 2")

    def bad(name: str, expect: str, body: Case, *signers: str, **changes: Any) -> None:
        story.variant(name, expect, "registry.policy", ORIGIN, body, *signers, **changes)

    bad("a policy by one registrar", "signatures-missing", newer, REGISTRARS[0], UN, "hub 2")
    bad("a new registrar that did not sign", "signatures-missing", newer, *REGISTRARS, "hub 2")
    story.variant("a policy about something else", "bad-subject", "registry.policy", "jo", newer, *by)
    bad("a State's key as hub key", "key-in-use", settings(hub="jo authority"), *REGISTRARS)
    bad("a registrar with a controller's id", "bad-party-id", settings(CONTROLLER), *REGISTRARS, CONTROLLER)
    waiting = story.add("registry.policy", ORIGIN, newer, *by)
    bad(
        "a key that the waiting policy drops",
        "key-in-use",
        settings(UN, hub="hub", log="log 2", counts_public=True),
        *REGISTRARS,
    )
    story.variant(
        "a registrar whose policy waits",
        "signature-not-called-for",
        "state.enrol",
        "eg",
        enrolment("eg"),
        REGISTRARS[0],
        UN,
        "eg authority",
    )

    def attest(name: str, expect: str, body: Case, *signers: str) -> None:
        story.variant(name, expect, "registry.attest", ORIGIN, body, *(signers or ("hub",)))

    size = waiting + 1
    attest("an attest by a hub key that waits", "signature-not-called-for", story.attest(size), "hub 2")
    attest(
        "another root", "bad-proof", story.attest(size, checkpoint=story.checkpoint(size, root=sha(b"fork")))
    )
    attest("a proof that does not lead there", "bad-proof", story.attest(5, consistency=[b64u(bytes(32))]))
    attest("a proof for an equal size", "bad-proof", story.attest(size, consistency=[b64u(bytes(32))]))
    attest(
        "a size that is not there yet",
        "attest-ahead",
        story.attest(size, checkpoint=story.checkpoint(size + 1, root=sha(b"x"))),
    )
    attest(
        "a checkpoint by a log key that waits",
        "unsigned-note",
        story.attest(size, checkpoint=story.checkpoint(size, "log 2")),
    )
    attest(
        "a checkpoint altered",
        "bad-signature",
        story.attest(size, checkpoint=story.checkpoint(size).replace(f"\n{size}\n", f"\n{size - 1}\n")),
    )
    text = f"example.org/other\n1\n{base64.b64encode(bytes(32)).decode()}\n"
    attest(
        "a checkpoint of another log",
        "unsigned-note",
        story.attest(size, checkpoint=f"{text}\n{line('example.org/other', 'log', text)}"),
    )
    story.add("registry.attest", ORIGIN, story.attest(size), "hub")
    attest("an attest by the hub key that ended", "signature-not-called-for", story.attest(size))
    attest(
        "the new log key on a checkpoint from before",
        "unsigned-note",
        story.attest(size, checkpoint=story.checkpoint(size, "log 2")),
        "hub 2",
    )
    attest(
        "the ended log key on a checkpoint from after",
        "unsigned-note",
        story.attest(size + 1, checkpoint=story.checkpoint(size + 1)),
        "hub 2",
    )
    story.add(
        "registry.attest",
        ORIGIN,
        story.attest(size + 1, checkpoint=story.checkpoint(size + 1, "log 2")),
        "hub 2",
    )


def brakes(story: Story) -> None:
    """Freezing, withdrawing, dismissing, and the rotation of a State's authority."""

    def bad(name: str, expect: str, kind: str, subject: str, entry_hash: str, *by: str) -> None:
        story.variant(name, expect, kind, subject, {"entry": entry_hash}, *by)

    nominated = story.hash_of(3)
    newest = story.newest[JT][1]
    bad(
        "a freeze of another State's contact",
        "signature-not-called-for",
        "contact.freeze",
        JT,
        nominated,
        "st 1",
    )
    bad("a freeze that names an update", "superseded", "contact.freeze", JT, newest, "jd 1")
    bad("a thaw of what is not frozen", "superseded", "contact.thaw", JT, nominated, "jo authority")
    bad(
        "a freeze of another body's listed contact",
        "signature-not-called-for",
        "contact.freeze",
        "eg.duty",
        nominated,
        "jd 1",
    )
    frozen = story.hash_of(story.add("contact.freeze", JT, {"entry": nominated}, "jd 1"))
    bad("a freeze of what is frozen", "contact-frozen", "contact.freeze", JT, nominated, "jd 1")
    bad("a confirmation by a frozen contact", "contact-frozen", "contact.confirm", JT, newest, "jt 1 new")
    bad("a thaw by a device", "signature-not-called-for", "contact.thaw", JT, frozen, "jd 1")
    bad("a thaw that names the nomination", "superseded", "contact.thaw", JT, nominated, "jo authority")
    back = story.add("contact.freeze", JD, {"entry": story.hash_of(4)}, "jt 1 new")
    thawed = story.hash_of(story.add("contact.thaw", JT, {"entry": frozen}, "jo authority"))
    bad(
        "a freeze that names what was thawed since", "superseded", "contact.freeze", JT, nominated, "jt 1 new"
    )
    bad("a freeze of itself by the one still frozen", "contact-frozen", "contact.freeze", JD, thawed, "jd 1")
    bad("a thaw of another freeze", "superseded", "contact.thaw", JD, frozen, "jo authority")
    bad("a withdrawal by a device", "signature-not-called-for", "contact.withdraw", JT, nominated, "jt 1 new")
    bad("a withdrawal that names an update", "superseded", "contact.withdraw", JT, newest, "jo authority")
    story.add("contact.withdraw", JT, {"entry": nominated}, "jo authority")
    bad("a thaw of what is withdrawn", "unknown-contact", "contact.thaw", JT, frozen, "jo authority")
    bad(
        "a freeze by one withdrawn",
        "signature-not-called-for",
        "contact.freeze",
        JD,
        story.hash_of(back),
        "jt 1 new",
    )
    story.variant(
        "a record of what its State withdrew",
        "contact-withdrawn",
        "contact.record",
        JT,
        record(JT),
        *REGISTRARS,
    )
    story.variant(
        "a nomination with an ended key", "key-was-revoked", "contact.nominate", JT,
        nomination(JT, devices=[device("jt 1", 4)]), "jo authority",
    )  # fmt: skip
    story.add("contact.nominate", JT, nomination(JT, devices=[device("jt 4", 4)]), "jo authority", "jt 4")
    appointed = story.newest[CONTROLLER][1]
    bad("a dismissal by one registrar", "signatures-missing", "controller.dismiss", CONTROLLER, appointed, UN)
    bad(
        "a dismissal of another entry", "superseded", "controller.dismiss", CONTROLLER, nominated, *REGISTRARS
    )
    story.add("controller.dismiss", CONTROLLER, {"entry": appointed}, *REGISTRARS)
    bad(
        "a dismissal again", "unknown-contact", "controller.dismiss", CONTROLLER, appointed, UN, REGISTRARS[0]
    )
    story.variant(
        "a test by a dismissed controller", "signature-not-called-for", "contact.tested", ST, TESTED, "c 1"
    )
    leave(story)


def authority(*labels: str, recovery: str | None = None, threshold: int = 1) -> Case:
    keys_of = sorted((jwk(label) for label in labels), key=lambda key: key["x"])
    return {
        "authority": {"keys": keys_of, "threshold": threshold},
        "recovery": jwk(recovery) if recovery else None,
    }


def leave(story: Story) -> None:
    """The recovery key against a thief with the authority's key, and a State that leaves."""

    def rotate(name: str, expect: str, body: Case, *by: str, state: str = "sd", **changes: Any) -> None:
        story.variant(name, expect, "state.rotate", state, body, *by, **changes)

    theirs = authority("thief", recovery="sd recovery")
    saved = authority("sd 2", recovery="sd recovery 2")
    rotate("a rotation without the old key", "signatures-missing", theirs, "thief")
    rotate("a rotation whose new key did not sign", "signatures-missing", theirs, "sd authority")
    rotate("more signatures than keys", "bad-threshold", authority("thief", recovery="sd recovery", threshold=2),
           "sd authority", "thief")  # fmt: skip
    rotate("a recovery key changed by the authority", "signature-not-called-for",
           authority("thief", recovery="thief 2"), "sd authority", "thief", "thief 2")  # fmt: skip
    rotate("a recovery key taken away by the authority", "signature-not-called-for", authority("thief"),
           "sd authority", "thief")  # fmt: skip
    rotate("a recovery key given by the authority", "signature-not-called-for",
           authority("jo authority", recovery="jo recovery"), "jo authority", "jo recovery", state="jo")  # fmt: skip
    rotate("a rotation of an unknown State", "unknown-state", theirs, "sd authority", "thief", state="eg")
    before = story.newest["sd"]
    story.add("state.rotate", "sd", theirs, "sd authority", "thief")
    at_enrolment: dict[str, Any] = {"version": before[0] + 1, "previous": before[1]}
    rotate("a rotation by an ended key", "signature-not-called-for", authority("sd 2", recovery="sd recovery"),
           "sd authority", "sd 2")  # fmt: skip
    rotate("a rotation by the authority as of the enrolment", "superseded",
           authority("thief", "sd 2", recovery="sd recovery"), "thief", "sd 2", **at_enrolment)  # fmt: skip
    rotate("a key that the thief's rotation ended", "key-was-revoked",
           authority("sd authority", recovery="sd recovery"), "sd recovery", **at_enrolment)  # fmt: skip
    story.newest["sd"] = before
    story.add("state.rotate", "sd", saved, "sd recovery", "sd recovery 2", "sd 2")
    rotate(
        "the thief once more",
        "signature-not-called-for",
        authority("thief", recovery="sd recovery 2"),
        "thief",
    )
    enrolled = story.hash_of(2)

    def withdraw(name: str, expect: str, entry_hash: str, *by: str) -> None:
        story.variant(name, expect, "state.withdraw", "sd", {"entry": entry_hash}, *by)

    withdraw("a withdrawal of a State by registrars", "signature-not-called-for", enrolled, *REGISTRARS)
    withdraw(
        "a withdrawal of a State by its recovery key", "signature-not-called-for", enrolled, "sd recovery 2"
    )
    withdraw("a withdrawal that names a rotation", "superseded", story.newest["sd"][1], "sd 2")
    story.add("state.withdraw", "sd", {"entry": enrolled}, "sd 2")
    withdraw("a withdrawal again", "unknown-state", enrolled, "sd 2")
    story.variant(
        "a confirmation of a withdrawn State's contact", "unknown-contact", "contact.confirm", ST,
        {"entry": story.newest[ST][1]}, "st 1",
    )  # fmt: skip
    story.variant(
        "an enrolment of a withdrawn State from the start", "superseded", "state.enrol", "sd",
        enrolment("sd", authority=authority("sd 3")["authority"]), *REGISTRARS, "sd 3", version=1, previous=None,
    )  # fmt: skip


def later_bodies() -> dict[str, tuple[str, Case]]:
    """Subject and body of the types that the story does not tell."""
    acts, h = {"entry": b64u(sha(b"an entry"))}, b64u(sha(b"an objection"))
    whole = {"authority": {"keys": [jwk("jo authority 2")], "threshold": 1}, "recovery": jwk("jo recovery")}
    enrolled = enrolment("jo")
    called = {"note_verbale": enrolled["note_verbale"], "call_back": enrolled["call_back"], "overrules": h}
    witness = ("witness.example/jo", "jo witness")
    return {
        "witness.appoint": ("jo.witness", {"vkey": vkey(*witness), "url": "https://witness.example/jo"}),
        "witness.dismiss": ("jo.witness", acts),
        "state.recover": ("jo", {**whole, **called}),
        "state.object": ("jo", acts),
        "state.suspend": ("jo", {"reason": "abuse", "scope": ["send"], "until": time(86400)}),
        "state.reinstate": ("jo", acts),
    }


def tell() -> Story:
    story = Story()
    for chapter in (found, enrol, nominate, manage, exercise, policy, brakes):
        chapter(story)
    return story


# --- the directory it makes ---


def key_row(role: str, holder: str, since: int, until: int | None = None, ended: str | None = None) -> Case:
    return {"role": role, "holder": holder, "since": since, "until": until, "ended": ended}


def device_row(
    label: str, number: int, may: list[str] = EVERYTHING, sealing: str | None = None, days: int = 60
) -> Case:
    return {
        "number": number,
        "kid": kid(label),
        "sealing_kid": sealing_kid(sealing or label),
        "rotate_by": time(days * 86400),
        "may": may,
    }


def contact_row(version: int, nominated: int, *devices: Case, **changes: Any) -> Case:
    return {
        "level": "verified", "role": "technical", "alternate_of": None, "custody": "own", "machine_receipts": True,
        "version": version, "confirmed_at": time(60 * nominated), "tested_at": None, "devices": list(devices),
        "freezes": [], "withdrawn": False, **changes,
    }  # fmt: skip


def freeze_row(since: int, by: str, until: int | None = None) -> Case:
    return {"since": since, "by": [by], "until": until}


def keys() -> dict[str, Case]:
    """Every key there ever was, with the entries that brought it and ended it."""
    compromised, withdrawn, left = (10, "compromise"), (21, "withdrawn"), (26, "withdrawn")
    rows = {
        kid(REGISTRARS[0]): key_row("registrar", REGISTRARS[0], 0),
        kid(REGISTRARS[1]): key_row("registrar", REGISTRARS[1], 0),
        kid(UN): key_row("registrar", UN, 16),
        kid("hub"): key_row("hub", ORIGIN, 0, 16, "replaced"),
        kid("hub 2"): key_row("hub", ORIGIN, 16),
        kid("log"): key_row("log", ORIGIN, 0, 16, "replaced"),
        kid("log 2"): key_row("log", ORIGIN, 16),
        kid("jo authority"): key_row("authority", "jo", 1),
        kid("sd authority"): key_row("authority", "sd", 2, 24, "replaced"),
        kid("sd recovery"): key_row("recovery", "sd", 2, 25, "replaced"),
        kid("thief"): key_row("authority", "sd", 24, 25, "replaced"),
        kid("sd 2"): key_row("authority", "sd", 25, *left),
        kid("sd recovery 2"): key_row("recovery", "sd", 25, *left),
        kid("jt 1"): key_row("device", JT, 3, 9, "replaced"),
        kid("jt 1 new"): key_row("device", JT, 9, *withdrawn),
        kid("jt 2"): key_row("device", JT, 3, *compromised),
        kid("jt 3"): key_row("device", JT, 7, *withdrawn),
        sealing_kid("jt 1"): key_row("sealing", JT, 3, 8, "replaced"),
        sealing_kid("jt 1 new"): key_row("sealing", JT, 8, *withdrawn),
        sealing_kid("jt 2"): key_row("sealing", JT, 3, *compromised),
        sealing_kid("jt 3"): key_row("sealing", JT, 7, *withdrawn),
    }
    others = (
        ("jd 1", JD, 4, ()), ("st 1", ST, 5, left), ("c 1", CONTROLLER, 13, (23, "withdrawn")), ("jt 4", JT, 22, ()),
    )  # fmt: skip
    for label, holder, since, end in others:
        rows[kid(label)] = key_row("device", holder, since, *end)
        rows[sealing_kid(label)] = key_row("sealing", holder, since, *end)
    return dict(sorted(rows.items()))


def fingerprint_of(story: Story) -> str:
    genesis = json.loads(story.leaves[0])["statement"]["payload"]
    return sha(b"poc/1 genesis\0", base64.urlsafe_b64decode(genesis + "=" * (-len(genesis) % 4))).hex()


def summary(story: Story) -> Case:
    size = len(story.leaves)
    return {
        "size": size,
        "root": b64u(mth(story.tree())),
        "fingerprint": fingerprint_of(story),
        "logged_at": time(60 * (size - 1)),
        "attested_at": time(60 * (size - 1)),
        "version": 2,
        "quorum": 0,
        "seats": {},
        "statuses": ["exercise", "test"],
        "waiting": [],
        "hub_keys": [kid("hub 2")],
        "log_keys": [vkey(ORIGIN, "log 2")],
        "states": {
            "jo": {
                "kind": "member",
                "status": "enrolled",
                "threshold": 1,
                "authority": [kid("jo authority")],
                "recovery": None,
                "recovering": None,
                "suspensions": [],
            },
            "sd": {
                "kind": "member",
                "status": "withdrawn",
                "threshold": 1,
                "authority": [],
                "recovery": None,
                "recovering": None,
                "suspensions": [],
            },
        },
        "contacts": {
            "eg.duty": contact_row(1, 6, level="listed", role="duty", machine_receipts=False),
            JD: contact_row(1, 4, device_row("jd 1", 1), role="diplomatic", freezes=[freeze_row(19, JT)]),
            JT: contact_row(3, 22, device_row("jt 4", 4), freezes=[freeze_row(18, JD, 20)]),
            ST: contact_row(1, 5, withdrawn=True),
        },
        "controllers": {CONTROLLER: {"body": "x-arcc", "version": 1, "dismissed": True, "devices": []}},
        "keys": keys(),
    }


# --- payloads and entries ---


def payload_cases(story: Story) -> list[Case]:
    """One payload of every type, and what no reader takes; ``payload`` is the text itself."""
    read = [json.loads(leaf)["statement"]["payload"] for leaf in story.leaves]
    texts = [base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode() for text in read]
    good = {json.loads(text)["type"]: text for text in texts}
    for kind, (subject, acting) in later_bodies().items():
        good[kind] = statement(kind, subject, acting, 0).decode()
    cases = [
        {
            "name": f"a statement of type {kind}",
            "payload": text,
            "sha256": b64u(sha(text.encode())),
            "expect": "ok",
        }
        for kind, text in sorted(good.items())
    ]

    def bad(name: str, expect: str, kind: str = "state.enrol", /, without: str = "", **changes: Any) -> None:
        value = {**json.loads(good[kind]), **changes}
        value.pop(without, None)
        cases.append({"name": name, "payload": compact(value).decode(), "expect": expect})

    def body(name: str, kind: str, path: str, value: Any, expect: str = "bad-form") -> None:
        whole = copy.deepcopy(json.loads(good[kind])["body"])
        target, *steps = path.split(".")
        at: Any = whole
        for step in (target, *steps)[:-1]:
            at = at[int(step)] if step.isdigit() else at[step]
        at[path.rsplit(".", 1)[-1]] = value
        bad(name, expect, kind, body=whole)

    for member in ("v", "origin", "type", "subject", "version", "previous", "issued_at", "body"):
        bad(f"without {member}", "bad-form", without=member)
    bad("a member nobody knows", "bad-form", more=None)
    bad("v as text", "bad-form", v="1")
    bad("v as truth", "bad-form", v=True)
    bad("v of 0", "bad-form", v=0)
    bad("a newer form", "newer-form", v=2)
    bad("a type nobody knows", "newer-form", type="state.merge")
    bad("a chained type without version", "bad-form", version=None)
    bad("a first version with previous", "bad-form", previous=b64u(bytes(32)))
    bad("a second version without previous", "bad-form", version=2)
    bad("version 0", "bad-form", version=0)
    bad("a version with a fraction", "bad-form", version=1.5)
    bad("a type that is not chained with version", "bad-form", "contact.confirm", version=1)
    bad("a type that is not chained with previous", "bad-form", "contact.confirm", previous=b64u(bytes(32)))
    bad("a time with a fraction", "bad-form", issued_at="2026-11-24T08:00:00.0Z")
    bad("a time with an offset", "bad-form", issued_at="2026-11-24T08:00:00+00:00")
    bad("no such moment", "bad-form", issued_at="2026-02-30T08:00:00Z")
    bad("an origin in capitals", "bad-form", origin="Example.org/cbm")
    bad("a subject over 100 characters", "bad-form", subject="x" * 101)
    bad("another type's body", "bad-form", type="contact.confirm", version=None)
    bad("no body", "bad-form", body=None)
    body("a kid cut short", "contact.rotate", "kid", kid("jt 1")[:-1])
    body("a kid with spare bits", "contact.rotate", "kid", kid("jt 1")[:-1] + "_")
    body("a kid with padding", "contact.rotate", "kid", kid("jt 1")[:-1] + "=")
    body(
        "a signing key of low order", "contact.rotate", "signing", {**jwk("jt 1"), "x": b64u(bytes(32))}, "ok"
    )
    body("a member more in a key", "contact.rotate", "signing", {**jwk("jt 1"), "use": "sig"})
    body("a weaker sealing algorithm", "contact.device-add", "device.sealing.alg", "HPKE-3-KE")
    body("a right twice", "contact.device-add", "device.may", ["send", "send"])
    body("no right", "contact.device-add", "device.may", [])
    body("device number 0", "contact.device-add", "device.number", 0)
    body(
        "two keys not sorted",
        "state.enrol",
        "authority.keys",
        sorted([jwk("a"), jwk("b")], key=lambda k: k["x"], reverse=True),
    )
    body("one key twice", "state.enrol", "authority.keys", [jwk("a"), jwk("a")])
    body("a threshold of 0", "state.enrol", "authority.threshold", 0)
    body("an embassy as kind", "state.enrol", "kind", "embassy")
    body("no such date", "state.enrol", "note_verbale.date", "2026-02-30")
    body("a name with a direction override", "state.enrol", "names.short", {"en": "Jordan\u202e"})
    body("a name not in normal form", "state.enrol", "names.short", {"fr": "E\u0301tat"})
    body("no name", "state.enrol", "names.short", {})
    body("an empty name", "state.enrol", "names.short", {"en": ""})
    body("one registrar", "registry.policy", "registrars", [registrar(UN)])
    body("a threshold of one registrar", "registry.policy", "thresholds.policy", 1)
    body("a status there is not", "registry.policy", "statuses", ["drill"])
    body("statuses not sorted", "registry.policy", "statuses", ["test", "exercise"])
    body("rules of another number", "registry.policy", "rules", 2)
    body("a freshness of a second", "registry.policy", "freshness_seconds", 1)
    body("64 hashes in a proof", "registry.attest", "consistency", [b64u(bytes(32))] * 64)
    body("a role there is not", "contact.record", "role", "cultural")
    body(
        "a part of a card without visibility", "contact.record", "card.reach", {"commitment": b64u(bytes(32))}
    )
    body("visible to all the world", "contact.record", "card.reach.visibility", "public")
    body("a scope that would cut receiving", "state.suspend", "scope", ["receive"])
    body("a reason there is not", "contact.device-revoke", "reason", "stolen")
    body("a message id of version 4", "contact.tested", "message", "01936f00-0000-4000-8000-000000000001")
    body("a witness at a file", "witness.appoint", "url", "file:///etc/passwd")
    cases.append(
        {
            "name": "a member twice",
            "payload": good["contact.confirm"].replace('{"body"', '{"v":1,"body"', 1),
            "expect": "bad-json",
        }
    )
    cases.append({"name": "cut off", "payload": good["contact.confirm"][:-1], "expect": "bad-json"})
    cases.append({"name": "no object", "payload": "[]", "expect": "bad-form"})
    return cases


def entry_cases(story: Story) -> list[Case]:
    """Leaves as they are read, before any signature is verified."""
    kinds = []
    for index, leaf in enumerate(story.leaves):
        kinds.append(
            {
                "name": f"entry {index} of the log",
                "leaf": b64u(leaf),
                "leaf_hash": b64u(leaf_hash(leaf)),
                "expect": "ok",
            }
        )
    for kind, (subject, body) in later_bodies().items():
        payload = statement(kind, subject, body, 0)
        leaf = entry(payload, signed_by(payload, "jo authority"), 0)
        kinds.append(
            {
                "name": f"an entry of type {kind}",
                "leaf": b64u(leaf),
                "leaf_hash": b64u(leaf_hash(leaf)),
                "expect": "ok",
            }
        )
    good = json.loads(story.leaves[1])
    inner = good["statement"]
    signatures = inner["signatures"]

    def bad(name: str, expect: str, value: Any) -> Case:
        data = value if isinstance(value, bytes) else compact(value)
        return {"name": name, "leaf": b64u(data), "expect": expect}

    def of(**changes: Any) -> Case:
        return {**good, "statement": {**inner, **changes}}

    def headed(header: bytes) -> Case:
        return of(signatures=[{"protected": b64u(header), "signature": signatures[0]["signature"]}])

    large = b64u(b'{"v":1}' + b" " * 49_000)
    header = {"alg": "Ed25519", "kid": kid("jo authority"), "typ": "poc-statement+jws"}
    return [
        *kinds,
        bad("signatures not sorted by kid", "bad-form", of(signatures=signatures[::-1])),
        bad("one signature twice", "bad-form", of(signatures=[signatures[0], *signatures])),
        bad("no signature", "bad-form", of(signatures=[])),
        bad("65 signatures", "bad-form", of(signatures=[signatures[0]] * 65)),
        bad("not canonical: a space", "not-canonical", story.leaves[1].replace(b":", b": ", 1)),
        bad(
            "not canonical: members in another order",
            "not-canonical",
            json.dumps({"statement": inner, "logged_at": good["logged_at"]}, separators=(",", ":")).encode(),
        ),
        bad(
            "not canonical: an escape",
            "not-canonical",
            story.leaves[1].replace(b"logged_at", b"logged\\u005fat", 1),
        ),
        bad("a line break at the end", "not-canonical", story.leaves[1] + b"\n"),
        bad("a member more", "bad-form", {**good, "index": 1}),
        bad("a member more in the statement", "bad-form", of(more=1)),
        bad("without logged_at", "bad-form", {"statement": inner}),
        bad("a time with a fraction", "bad-form", {**good, "logged_at": "2026-11-24T08:00:00.5Z"}),
        bad("a payload with padding", "bad-base64", of(payload=inner["payload"] + "=")),
        bad("over 65,535 bytes", "too-large", of(payload=large)),
        bad("cut off", "bad-json", story.leaves[1][:-1]),
        bad("nothing", "bad-json", b""),
        bad("a header with a member more", "bad-form", headed(compact({**header, "crit": ["b64"]}))),
        bad("a header without typ", "bad-form", headed(compact({"alg": "Ed25519", "kid": header["kid"]}))),
        bad(
            "a header of another algorithm", "unknown-algorithm", headed(compact({**header, "alg": "EdDSA"}))
        ),
        bad("a header of no type of ours", "wrong-type", headed(compact({**header, "typ": "JWT"}))),
        bad("a header that is not canonical", "not-canonical", headed(json.dumps(header).encode())),
        bad(
            "a header with a short kid", "bad-base64", headed(compact({**header, "kid": header["kid"][:-1]}))
        ),
    ]


# --- what travels beside the log ---


def part_bytes(contact: str = JT, name: str = "Desk", origin: str = ORIGIN) -> bytes:
    return compact(
        {
            "v": 1,
            "origin": origin,
            "contact": contact,
            "part": "office",
            "names": {"en": name},
            "department": None,
            "openpgp": None,
        }
    )


def opening(data: bytes | None = None, salt: bytes = bytes(range(32)), part: str = "office") -> Case:
    return {"part": part, "salt": b64u(salt), "bytes": b64u(part_bytes() if data is None else data)}


def committed(data: bytes | None = None, salt: bytes = bytes(range(32)), part: bytes = b"office") -> str:
    return b64u(sha(b"poc/1 card\0", part, b"\0", salt, part_bytes() if data is None else data))


def opening_cases() -> list[Case]:
    def case(name: str, expect: str, given: Case, commitment: str | None = None) -> Case:
        return {
            "name": name,
            "opening": given,
            "contact": JT,
            "origin": ORIGIN,
            "commitment": commitment or committed(),
            "expect": expect,
        }

    other = part_bytes("jo.diplomatic")
    foreign = part_bytes(origin="example.org/other")
    spaced = part_bytes() + b" "
    newer = part_bytes().replace(b'"v":1', b'"v":2')
    no = "commitment-mismatch"
    return [
        case("an office part", "ok", opening()),
        case("bytes that are not canonical are the signer's", "ok", opening(spaced), committed(spaced)),
        case("another salt", no, opening(salt=bytes(32))),
        case("other bytes", no, opening(part_bytes(name="Another"))),
        case("a space more", no, opening(spaced)),
        case("called the reach part", no, opening(part="reach")),
        case("of another contact", no, opening(other), committed(other)),
        case("of another registry", no, opening(foreign), committed(foreign)),
        case("committed to as another part", no, opening(), committed(part=b"reach")),
        case("a newer form", "newer-form", opening(newer), committed(newer)),
        case("not JSON", "bad-json", opening(b"{"), committed(b"{")),
        case("an office part opened as reach", "bad-form", opening(part="reach"), committed(part=b"reach")),
    ]


def proposal_cases() -> list[Case]:
    """Proposal files; ``file`` is the text. Who signed is not looked at here."""
    sealing_jwk, kid_of_sealing = sealing("first")[1:]
    stranger = sealing("second")[1]
    named = nomination(JT, "jt 1")
    named["devices"][0]["sealing"]["kid"] = kid_of_sealing
    named["card"]["office"]["commitment"] = committed()
    payload = statement("contact.nominate", JT, named, 0)
    confirm = statement("contact.confirm", JT, {"entry": b64u(bytes(32))}, 0)

    def case(name: str, expect: str, of: bytes = payload, **changes: Any) -> Case:
        members = {
            "v": 1,
            "origin": ORIGIN,
            "form": "poc-proposal",
            "statement": {"payload": b64u(of), "signatures": signed_by(of, "jo authority")},
            "openings": [],
            "sealing_keys": [],
            **changes,
        }
        return {"name": name, "file": compact(members).decode() + "\n", "expect": expect}

    no = "proposal-mismatch"
    return [
        case("with what the statement names", "ok", openings=[opening()], sealing_keys=[sealing_jwk]),
        case("with nothing beside it", "ok"),
        case("of a statement that names nothing", "ok", confirm),
        case("an opening of other bytes", no, openings=[opening(part_bytes(name="Another"))]),
        case("an opening under another salt", no, openings=[opening(salt=bytes(32))]),
        case("an opening of a part the card has not", no, openings=[opening(part="person")]),
        case("an opening beside a statement without card", no, confirm, openings=[opening()]),
        case("a sealing key nobody named", no, sealing_keys=[stranger]),
        case("a sealing key beside a statement without devices", no, confirm, sealing_keys=[sealing_jwk]),
        case("another origin than the statement's", no, origin="example.org/other"),
        case(
            "a sealing key cut short",
            "bad-key",
            sealing_keys=[{**sealing_jwk, "pub": sealing_jwk["pub"][:-4]}],
        ),
        case("a newer file", "newer-form", v=2),
        case("another kind of file", "bad-form", form="poc-evidence"),
        case(
            "a payload with padding",
            "bad-base64",
            statement={"payload": b64u(payload) + "=", "signatures": signed_by(payload, "jo authority")},
        ),
        case("a newer statement inside", "newer-form", payload.replace(b'"v":1', b'"v":2', 1)),
        {"name": "cut off", "file": case("", "")["file"][:-3], "expect": "bad-json"},
    ]


def later_logs() -> dict[str, Case]:
    """The logs of what waits for a window or an attest."""
    from tests.vectors import make_windows, make_witnessed

    windows, witnessed = make_windows.tell_windows(), make_witnessed.tell_witnessed()
    return {
        "registry/log-windows.json": log_file(
            "without witnesses: objections, recoveries, suspensions, a policy by the members",
            windows, make_windows.windows_summary(windows), make_windows.windows_moments(windows),
        ),
        "registry/log-witnessed.json": log_file(
            "with witnesses: seats, a quorum, and windows on the time they attest",
            witnessed, make_witnessed.witnessed_summary(witnessed), make_witnessed.witnessed_moments(witnessed),
        ),
    }  # fmt: skip


def log_file(what: str, story: Story, directory: Case, moments: list[Case]) -> Case:
    return {
        "about": f"A whole log {what}. Its leaves give `directory`, the first `after` of them what a moment says; each variant is refused after the first `after`",
        "seed": 'SHA-256("poc/1 test key" 0x00 ‖ label)',
        "leaves": [b64u(leaf) for leaf in story.leaves],
        "directory": directory,
        "moments": moments,
        "variants": story.variants,
    }


def build() -> dict[str, str]:
    """Every file, by its path under this folder, as the text it must hold."""
    story = tell()
    labels = sorted(
        {
            *REGISTRARS,
            UN,
            "hub",
            "hub 2",
            "log",
            "log 2",
            "jo authority",
            "sd authority",
            "sd recovery",
            "jt 1",
            "jt 1 new",
            "jt 2",
            "jt 3",
            "jt 4",
            "thief",
            "sd 2",
            "sd recovery 2",
            "jd 1",
            "st 1",
            "c 1",
        }
    )
    log = {
        "about": "A whole log: its leaves give `directory`; each variant is a leaf that is refused after the first `after` leaves",
        "seed": 'SHA-256("poc/1 test key" 0x00 ‖ label), and every key is named here by its label',
        "kids": {label: kid(label) for label in labels},
        "leaves": [b64u(leaf) for leaf in story.leaves],
        "directory": summary(story),
        "variants": story.variants,
    }
    files: dict[str, Case] = {
        "statement/payloads.json": {
            "about": "Payloads of statements as they are read; signatures and rules come later",
            "cases": payload_cases(story),
        },
        "statement/entries.json": {
            "about": "Leaves as they are read; `leaf` is base64url",
            "cases": entry_cases(story),
        },
        "registry/log.json": log,
        **later_logs(),
        "registry/openings.json": {"about": "Openings of card parts", "cases": opening_cases()},
        "registry/proposals.json": {
            "about": "Proposal files as they are read; `file` is the text",
            "cases": proposal_cases(),
        },
    }
    return {path: json.dumps(value, indent=1, ensure_ascii=False) + "\n" for path, value in files.items()}


if __name__ == "__main__":
    for path, text in build().items():
        (HERE / path).parent.mkdir(exist_ok=True)
        (HERE / path).write_text(text, "utf-8")
