"""The directory and its keys, written from docs/spec/statement.md."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any

from tests.independent.basics import b64u, moment, refuse_if, thumbprint
from tests.independent.forms import PARTY_ID, STATE_ID
from tests.independent.merkle import root

_CODES = (
    "adaeafagaialamaoaqarasatauawaxazbabbbdbebfbgbhbibjblbmbnbobqbrbsbtbvbwbybzcacccdcfcgchcick"
    "clcmcncocrcucvcwcxcyczdedjdkdmdodzeceeegeheresetfifjfkfmfofrgagbgdgegfggghgiglgmgngpgqgrgs"
    "gtgugwgyhkhmhnhrhthuidieiliminioiqirisitjejmjojpkekgkhkikmknkpkrkwkykzlalblclilklrlsltlulv"
    "lymamcmdmemfmgmhmkmlmmmnmompmqmrmsmtmumvmwmxmymznancnenfngninlnonpnrnunzompapepfpgphpkplpm"
    "pnprpsptpwpyqarerorsrurwsasbscsdsesgshsisjskslsmsnsosrssstsvsxsysztctdtftgthtjtktltmtntotr"
    "tttvtwtzuaugumusuyuzvavcvevgvivnvuwfwsyeytzazmzw"
)
ISO = frozenset(_CODES[i : i + 2] for i in range(0, len(_CODES), 2))


@dataclass
class Key:
    """A key of the directory; the log is ``since`` < n and (not ended or ``until`` >= n)."""

    role: str
    holder: str
    since: int
    until: int | None = None
    ended: str | None = None
    jwk: dict[str, Any] | None = None
    may: tuple[str, ...] = ()
    waiting: bool = False
    spelled: str = ""

    def good_at(self, size: int) -> bool:
        """Whether it is good in the log of so many entries."""
        return not self.waiting and self.since < size and (self.until is None or self.until >= size)


@dataclass
class Party:
    """A contact or a controller."""

    kind: str
    body: dict[str, Any]
    level: str
    version: int
    newest: str
    confirmed_at: str
    nomination: str = ""
    tested_at: str | None = None
    devices: dict[int, dict[str, Any]] = field(default_factory=dict)
    highest: int = 0


@dataclass
class State:
    """An enrolled State."""

    body: dict[str, Any]
    enrolled_at: str
    objection_seconds: int

    def in_force(self, at: str) -> bool:
        """Whether the window for objections has passed."""
        wait = dt.timedelta(seconds=self.objection_seconds)
        return moment(at) >= moment(self.enrolled_at) + wait


class Directory:
    """What applying every entry in order makes of the log."""

    def __init__(self) -> None:
        self.origin = ""
        self.fingerprint = ""
        self.version = 0
        self.settings: dict[str, Any] = {}
        self.leaves: list[bytes] = []
        self.payloads: set[bytes] = set()
        self.logged_at = ""
        self.logged_at_now = ""
        self.signers: list[str] = []
        self.chains: dict[str, tuple[int, str]] = {}
        self.keys: dict[str, Key] = {}
        self.states: dict[str, State] = {}
        self.parties: dict[str, Party] = {}
        self.waiting: list[tuple[int, int, dict[str, Any]]] = []

    @property
    def size(self) -> int:
        """How many entries were applied."""
        return len(self.leaves)

    def active(self, kid: str) -> Key | None:
        """A key that has not ended and does not wait."""
        key = self.keys.get(kid)
        return key if key is not None and key.ended is None and not key.waiting else None

    def take(self, kid: str, key: Key) -> None:
        """Let a key into the directory: one holder and one role for ever."""
        held = self.keys.get(kid)
        refuse_if(held is not None and held.ended is not None, "key-was-revoked")
        refuse_if(held is not None, "key-in-use")
        self.keys[kid] = key

    def end(self, kid: str, index: int, reason: str) -> None:
        """End a key at an entry."""
        self.keys[kid].until, self.keys[kid].ended = index, reason

    def registrar_ids(self) -> set[str]:
        """Ids of registrars of every policy in force or waiting."""
        every = [self.settings, *(body for _, _, body in self.waiting)]
        return {r["id"] for settings in every for r in settings.get("registrars", ())}

    def free_id(self, subject: str, kind: str) -> None:
        """An id belongs to one kind of party."""
        refuse_if(not re.fullmatch(PARTY_ID, subject), "bad-party-id")
        refuse_if(subject in self.registrar_ids(), "bad-party-id")
        held = self.parties.get(subject)
        refuse_if(held is not None and held.kind != kind, "bad-party-id")

    def alternate(self, subject: str, alternate_of: str | None) -> None:
        """An alternate is of a contact of the same State that is no alternate, and has none."""
        if alternate_of is None:
            return
        other = self.parties.get(alternate_of)
        refuse_if(other is None or other.kind != "contact" or alternate_of == subject, "bad-alternate")
        same = alternate_of.split(".")[0] == subject.split(".", maxsplit=1)[0]
        refuse_if(not same or (other is not None and other.body["alternate_of"]), "bad-alternate")
        has = any(p.kind == "contact" and p.body["alternate_of"] == subject for p in self.parties.values())
        refuse_if(has, "bad-alternate")

    def bodies_of(self, kids: list[str]) -> set[str]:
        """Bodies of the registrars in force among these keys."""
        holders = {self.keys[k].holder for k in kids if k in self.keys and self.keys[k].role == "registrar"}
        return {r["body"] for r in self.settings["registrars"] if r["id"] in holders}


def check_state_id(state: str, kind: str | None) -> None:
    """A member has an ISO code, an organisation an x- id, an observer either."""
    refuse_if(not re.fullmatch(STATE_ID, state), "bad-state-id")
    coded = not state.startswith("x-")
    refuse_if(coded and state not in ISO, "bad-state-id")
    refuse_if((kind == "member" and not coded) or (kind == "organisation" and coded), "bad-state-id")


def summary(directory: Directory) -> dict[str, Any]:
    """The directory in the shape of the vectors."""
    end = directory.logged_at

    def devices(party: Party) -> list[dict[str, Any]]:
        return [
            {
                "number": number,
                "kid": thumbprint(d["key"]),
                "sealing_kid": d["sealing"]["kid"],
                "rotate_by": d["sealing"]["rotate_by"],
                "may": d["may"],
            }
            for number, d in sorted(party.devices.items())
        ]

    def contact(party: Party) -> dict[str, Any]:
        return {
            "level": party.level,
            "role": party.body["role"],
            "alternate_of": party.body["alternate_of"],
            "custody": party.body.get("custody", "own"),
            "machine_receipts": party.body.get("machine_receipts", False),
            "version": party.version,
            "confirmed_at": party.confirmed_at,
            "tested_at": party.tested_at,
            "devices": devices(party),
        }

    def state(found: State) -> dict[str, Any]:
        recovery = found.body["recovery"]
        return {
            "kind": found.body["kind"],
            "status": "enrolled" if found.in_force(end) else "pending",
            "threshold": found.body["authority"]["threshold"],
            "authority": [thumbprint(k) for k in found.body["authority"]["keys"]],
            "recovery": recovery and thumbprint(recovery),
        }

    parties = sorted(directory.parties.items())
    return {
        "size": directory.size,
        "root": b64u(root(directory.leaves)),
        "fingerprint": directory.fingerprint,
        "logged_at": end,
        "version": directory.version,
        "hub_keys": [thumbprint(k) for k in directory.settings["hub_keys"]],
        "log_keys": directory.settings["log_keys"],
        "states": {name: state(found) for name, found in sorted(directory.states.items())},
        "contacts": {name: contact(p) for name, p in parties if p.kind == "contact"},
        "controllers": {
            name: {"body": p.body["body"], "version": p.version, "devices": devices(p)}
            for name, p in parties
            if p.kind == "controller"
        },
        "keys": {
            kid: {"role": k.role, "holder": k.holder, "since": k.since, "until": k.until, "ended": k.ended}
            for kid, k in sorted(directory.keys.items())
            if not k.waiting
        },
    }
