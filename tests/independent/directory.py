"""The directory and its keys, written from docs/spec/statement.md."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any

from tests.independent.basics import RefusedError, b64u, refuse_if, thumbprint
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
    again: bool = False
    spelled: str = ""

    def good_at(self, size: int) -> bool:
        """Whether it is good in the log of so many entries."""
        return not self.waiting and self.since < size and (self.until is None or self.until >= size)


@dataclass
class Span:
    """A freeze or a suspension: from after ``since`` to the entry ``until``."""

    since: int
    leaf: str
    until: int | None = None
    by: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    end: dt.datetime | None = None

    def holds_at(self, size: int) -> bool:
        """Whether it holds in the log of so many entries."""
        return self.since < size and (self.until is None or self.until >= size)


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
    freezable: str = ""
    tested_at: str | None = None
    devices: dict[int, dict[str, Any]] = field(default_factory=dict)
    highest: int = 0
    freezes: list[Span] = field(default_factory=list)
    withdrawn: bool = False

    def freeze(self) -> Span | None:
        """The freeze that holds now."""
        return self.freezes[-1] if self.freezes and self.freezes[-1].until is None else None


@dataclass
class Recovery:
    """A recovery that waits."""

    leaf: str
    body: dict[str, Any]
    due: dt.datetime
    overrules: bool


@dataclass
class State:
    """A State since its enrolment; ``points`` are chain entries that only threshold rotations followed."""

    body: dict[str, Any]
    enrolment: str
    due: dt.datetime
    status: str = "pending"
    tried: bool = False
    stopped_at: str = ""
    recovering: Recovery | None = None
    stopped_by: tuple[str, str] | None = None
    points: list[tuple[int, str]] = field(default_factory=list)
    suspensions: list[Span] = field(default_factory=list)

    def suspended(self, scope: str, size: int) -> bool:
        """Whether a suspension cuts this in the log of so many entries."""
        return any(scope in s.scope and s.holds_at(size) for s in self.suspensions)


@dataclass
class Witness:
    """A State's witness; ``seat`` is the verification key that counts, its key's kid beside it."""

    url: str
    version: int
    appointment: str
    seat: tuple[str, str] | None = None
    appointed: int = 0
    dismissed: bool = False


@dataclass
class Waiting:
    """What waits for an attest: a policy, a seat or a dismissal."""

    index: int
    kind: str
    subject: str
    version: int = 0
    what: Any = None


class Directory:
    """What applying every entry in order makes of the log."""

    def __init__(self) -> None:
        self.origin = ""
        self.fingerprint = ""
        self.version = 0
        self.settings: dict[str, Any] = {}
        self.leaves: list[bytes] = []
        self.payloads: set[bytes] = set()
        self.logged: list[str] = []
        self.attested = dt.datetime.min.replace(tzinfo=dt.UTC)
        self.signers: list[str] = []
        self.chains: dict[tuple[str, str], tuple[int, str]] = {}
        self.keys: dict[str, Key] = {}
        self.states: dict[str, State] = {}
        self.parties: dict[str, Party] = {}
        self.witnesses: dict[str, Witness] = {}
        self.waiting: list[Waiting] = []

    @property
    def size(self) -> int:
        """How many entries were applied."""
        return len(self.leaves)

    def active(self, kid: str, role: str, holder: str | None = None) -> Key | None:
        """A key of this role that has not ended and does not wait."""
        key = self.keys.get(kid)
        if key is None or key.ended is not None or key.waiting or key.role != role:
            return None
        return key if holder in (None, key.holder) else None

    def take(self, kid: str, key: Key, *, again: bool = False) -> None:
        """Let a key into the directory: one holder, one role for ever; ``again`` after what was stopped."""
        held = self.keys.get(kid)
        same = held is not None and (held.role, held.holder) == (key.role, key.holder)
        if held is None or not (again and held.again and same):
            refuse_if(held is not None and held.ended is not None, "key-was-revoked")
            refuse_if(held is not None, "key-in-use")
        self.keys[kid] = key

    def end(self, kid: str, index: int, reason: str) -> None:
        """End a key at an entry."""
        key = self.keys[kid]
        key.until, key.ended, key.again, key.waiting = index, reason, False, False

    def state(self, name: str) -> State:
        """A State that is enrolled and in force."""
        found = self.states.get(name)
        if found is None or found.status != "enrolled":
            raise RefusedError("unknown-state")
        return found

    def seats(self) -> dict[str, tuple[str, str]]:
        """The witnesses in force: the verification key of each, and its kid."""
        return {name: w.seat for name, w in self.witnesses.items() if w.seat is not None}

    def quorum(self) -> int:
        """How many of them must have cosigned."""
        n = len(self.seats())
        if n == 0 or self.settings.get("quorum", "none") == "none":
            return 0
        return n // 2 + 1 if self.settings["quorum"] == "majority" else 2 * n // 3 + 1

    def statuses(self) -> list[str]:
        """Statuses that messages may have: ``actual`` only by two-thirds with 4 seats or more."""
        witnessed = self.settings["quorum"] == "two-thirds" and len(self.seats()) >= 4
        return [s for s in self.settings["statuses"] if s != "actual" or witnessed]

    def policies(self) -> list[dict[str, Any]]:
        """The policy in force and those that wait."""
        return [self.settings, *(w.what for w in self.waiting if w.kind == "policy")]

    def registrar_ids(self) -> set[str]:
        """Ids of registrars of every policy in force or waiting."""
        return {r["id"] for settings in self.policies() for r in settings.get("registrars", ())}

    def free_id(self, subject: str, kind: str) -> None:
        """An id belongs to one kind of party."""
        refuse_if(not re.fullmatch(PARTY_ID, subject), "bad-party-id")
        refuse_if(subject in self.registrar_ids(), "bad-party-id")
        held = self.parties.get(subject)
        refuse_if(held is not None and held.kind != kind, "bad-party-id")
        refuse_if(subject in self.witnesses and kind != "witness", "bad-party-id")

    def alternate(self, subject: str, alternate_of: str | None) -> None:
        """An alternate is of a contact of the same State that is no alternate, and has none."""
        if alternate_of is None:
            return
        other = self.parties.get(alternate_of)
        refuse_if(other is not None and other.withdrawn, "bad-alternate")
        refuse_if(other is None or other.kind != "contact" or alternate_of == subject, "bad-alternate")
        same = alternate_of.split(".")[0] == subject.split(".", maxsplit=1)[0]
        refuse_if(not same or (other is not None and other.body["alternate_of"]), "bad-alternate")
        contacts = [p for p in self.parties.values() if p.kind == "contact" and not p.withdrawn]
        has = any(p.body["alternate_of"] == subject for p in contacts)
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


def _devices(party: Party) -> list[dict[str, Any]]:
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


def _contact(party: Party) -> dict[str, Any]:
    return {
        "level": party.level,
        "role": party.body["role"],
        "alternate_of": party.body["alternate_of"],
        "custody": party.body.get("custody", "own"),
        "machine_receipts": party.body.get("machine_receipts", False),
        "version": party.version,
        "confirmed_at": party.confirmed_at,
        "tested_at": party.tested_at,
        "devices": _devices(party),
        "freezes": [{"since": f.since, "by": sorted(f.by), "until": f.until} for f in party.freezes],
        "withdrawn": party.withdrawn,
    }


def _state(found: State) -> dict[str, Any]:
    recovery = found.body["recovery"]
    return {
        "kind": found.body["kind"],
        "status": found.status,
        "threshold": found.body["authority"]["threshold"],
        "authority": [thumbprint(k) for k in found.body["authority"]["keys"]],
        "recovery": recovery and thumbprint(recovery),
        "recovering": found.recovering and found.recovering.leaf,
        "suspensions": [
            {"since": s.since, "scope": list(s.scope), "until": s.until} for s in found.suspensions
        ],
    }


def summary(directory: Directory) -> dict[str, Any]:
    """The directory in the shape of the vectors."""
    parties = sorted(directory.parties.items())
    return {
        "size": directory.size,
        "root": b64u(root(directory.leaves)),
        "fingerprint": directory.fingerprint,
        "logged_at": directory.logged[-1],
        "attested_at": f"{directory.attested:%Y-%m-%dT%H:%M:%SZ}",
        "version": directory.version,
        "quorum": directory.quorum(),
        "hub_keys": [thumbprint(k) for k in directory.settings["hub_keys"]],
        "log_keys": directory.settings["log_keys"],
        "statuses": directory.statuses(),
        "waiting": [w.index for w in directory.waiting],
        "seats": {name: kid for name, (_, kid) in sorted(directory.seats().items())},
        "states": {name: _state(found) for name, found in sorted(directory.states.items())},
        "contacts": {name: _contact(p) for name, p in parties if p.kind == "contact"},
        "controllers": {
            name: {
                "body": p.body["body"],
                "version": p.version,
                "dismissed": p.withdrawn,
                "devices": _devices(p),
            }
            for name, p in parties
            if p.kind == "controller"
        },
        "keys": {
            kid: {
                "role": k.role,
                "holder": k.holder,
                "since": None if k.waiting else k.since,
                "until": k.until,
                "ended": k.ended,
            }
            for kid, k in sorted(directory.keys.items())
        },
    }
