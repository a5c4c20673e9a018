"""Statements and entries as they are read, written from docs/spec/statement.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.independent.basics import b64u, parse, parse_canonical, refuse_if, sha256, tagged, unb64u
from tests.independent.forms import check_form
from tests.independent.merkle import leaf_hash
from tests.independent.signatures import read_protected

CHAINED = frozenset(
    [
        *("registry.genesis", "registry.policy", "witness.appoint", "state.enrol", "state.rotate"),
        *("state.recover", "contact.record", "contact.nominate", "contact.update", "controller.appoint"),
    ]
)
OTHERS = frozenset(
    [
        *("registry.attest", "witness.dismiss", "state.object", "state.suspend", "state.reinstate"),
        *("state.withdraw", "contact.device-add", "contact.device-revoke", "contact.rotate"),
        *("contact.confirm", "contact.tested", "contact.freeze", "contact.thaw", "contact.withdraw"),
        "controller.dismiss",
    ]
)


@dataclass(frozen=True)
class Entry:
    """One leaf, read."""

    logged_at: str
    payload: bytes
    encoded_payload: str
    statement: dict[str, Any]
    signatures: list[dict[str, str]]
    leaf: bytes

    @property
    def name(self) -> str:
        """The leaf hash as statements name it."""
        return b64u(self.leaf)

    @property
    def chain(self) -> tuple[str, str]:
        """The chain that a chained statement continues: of a subject of one kind of party."""
        return self.statement["type"].split(".")[0], self.statement["subject"]

    @property
    def kids(self) -> list[str]:
        """The keys that signed, by their headers."""
        return [read_protected(s["protected"])["kid"] for s in self.signatures]


def read_payload(data: bytes) -> dict[str, Any]:
    """A statement from its payload's bytes."""
    refuse_if(len(data) > 65535, "too-large")
    found: dict[str, Any] = parse(data)
    check_form("statement", found)
    refuse_if(found["type"] not in CHAINED | OTHERS, "newer-form")
    refuse_if((found["version"] is not None) != (found["type"] in CHAINED), "bad-form")
    check_form(f"body.{found['type']}", found["body"])
    return found


def read_entry(data: bytes) -> Entry:
    """An entry from a leaf's bytes; nothing is verified yet."""
    refuse_if(len(data) > 65535, "too-large")
    found = parse_canonical(data)
    check_form("entry", found)
    signed = found["statement"]
    payload = unb64u(signed["payload"])
    headers = [read_protected(s["protected"]) for s in signed["signatures"]]
    for signature in signed["signatures"]:
        unb64u(signature["signature"], 64)
    kids = [h["kid"] for h in headers]
    refuse_if(kids != sorted(set(kids)), "bad-form")
    statement = read_payload(payload)
    return Entry(
        found["logged_at"], payload, signed["payload"], statement, signed["signatures"], leaf_hash(data)
    )


def fingerprint(payload: bytes) -> str:
    """The genesis fingerprint, in hexadecimal."""
    return tagged("poc/1 genesis", payload).hex()


def payload_sha256(payload: bytes) -> bytes:
    """What names a payload."""
    return sha256(payload)
