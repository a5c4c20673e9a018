"""Verifying an evidence file with its fingerprint alone, written from docs/spec/evidence.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.independent.basics import (
    RefusedError,
    b64u,
    moment,
    parse,
    parse_canonical,
    refuse_if,
    sha256,
    tagged,
    unb64u,
)
from tests.independent.content import read_opening, reduced
from tests.independent.directory import Directory, Key
from tests.independent.forms import check_form
from tests.independent.holding import check_alike
from tests.independent.merkle import root
from tests.independent.notes import claimed_size, read_head
from tests.independent.problems import problems_of
from tests.independent.registry import log_keys_at
from tests.independent.sealed import envelope_digest, slot_name, voice_code
from tests.independent.signatures import read_protected, split, verify_compact
from tests.independent.whole import read_whole

RIGHTS = {"retrieval": "retrieve", "acknowledgement": "acknowledge", "cancel": "send", "message": "send"}


@dataclass
class Proof:
    """What a file that verifies shows."""

    digest: str = ""
    voice: str | None = None
    message: dict[str, Any] | None = None
    timeline: list[tuple[str, str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Artefact:
    """A signed form that counts: who signed it, the name of its text, the size it was judged at."""

    value: dict[str, Any]
    kid: str
    name: str
    size: int


# A slot as receipts name it: contact, key, number, digest.
Slot = tuple[str, str, int | None, str]


def name_of(text: str) -> str:
    """How receipts name a signed text."""
    return b64u(sha256(text.encode()))


def named_slots(receipt: dict[str, Any]) -> set[Slot]:
    """The slots that a receipt names."""
    return {(s["contact"], s["kid"], s["sequence"], s["sha256"]) for s in receipt["slots"] or ()}


def _slot(slot: dict[str, Any]) -> Slot:
    header = slot["header"]
    return header["contact"], header["kid"], header["sequence"], slot_name(slot)


class Bench:
    """A log against which signatures are judged."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    def head(self, text: str) -> int:
        """The size of a head whose root is that of the entries."""
        origin = self.directory.origin
        size = claimed_size(origin, text)
        refuse_if(size > self.directory.size, "head-ahead")
        found = read_head(origin, text, log_keys_at(self.directory, size))
        refuse_if(found.root != root(self.directory.leaves[:size]), "head-inconsistent")
        return size

    def signed(self, form: str, compact: str) -> tuple[dict[str, Any], str, Key]:
        """A form with its signer: verified, read, of this registry."""
        kid = read_protected(split(compact)[0])["kid"]
        key = self.directory.keys.get(kid)
        if key is None or key.jwk is None:
            raise RefusedError("unknown-key")
        data = verify_compact(key.jwk, f"poc-{form}+jws", compact)
        value: dict[str, Any] = parse(data)
        check_form(form, value)
        refuse_if(value["origin"] != self.directory.origin, "wrong-origin")
        return value, kid, key

    def judge(self, form: str, kid: str, key: Key, holder: str, size: int) -> None:
        """The key in force at a size, of that holder and with the right."""
        role = "hub" if form == "receipt" else "device"
        refuse_if(key.role != role or key.holder != holder, "unknown-key")
        refuse_if(key.since >= size, "key-not-yet")
        compromised = key.ended in ("compromise", "lost")
        refuse_if(not key.good_at(size), "key-compromised" if compromised else "key-ended")
        refuse_if(form in RIGHTS and RIGHTS[form] not in key.may, "right-missing")
        party = self.directory.parties.get(holder)
        frozen = party is not None and any(freeze.holds_at(size) for freeze in party.freezes)
        refuse_if(frozen, "contact-frozen")
        state = self.directory.states.get(holder.split(".", maxsplit=1)[0])
        sends = RIGHTS.get(form) == "send" and party is not None and party.kind == "contact"
        refuse_if(sends and state is not None and state.suspended("send", size), "state-suspended")


class Court(Bench):
    """The log of a file, and the envelope that every signature in it is about."""

    def __init__(self, file: dict[str, Any], directory: Directory) -> None:
        super().__init__(directory)
        envelope = file["envelope"]
        raw = unb64u(envelope["protected"])
        self.header: dict[str, Any] = parse_canonical(raw)
        check_form("envelope-header", self.header)
        refuse_if(self.header["origin"] != directory.origin, "wrong-origin")
        self.digest = envelope_digest(*(envelope[m] for m in ("protected", "iv", "ciphertext", "tag")))
        self.slots = envelope["recipients"]
        self.held = {_slot(slot) for slot in self.slots}
        self.contacts = {contact for contact, *_ in self.held}

    def about(self, value: dict[str, Any]) -> None:
        """The form speaks of this envelope."""
        refuse_if(value["message"] != self.header["id"], "receipt-mismatch")
        refuse_if(value["envelope_sha256"] != b64u(self.digest), "receipt-mismatch")
        for member in ("status", "exercise"):
            refuse_if(member in value and value[member] != self.header[member], "receipt-mismatch")


def _receipts(court: Court, texts: list[str]) -> list[Artefact]:
    """Every receipt; what an accepted one names is known before the others are looked at."""
    found, named = [], set()
    for text in texts:
        value, kid, key = court.signed("receipt", text)
        size = court.head(value["head"])
        court.judge("receipt", kid, key, court.directory.origin, size)
        court.about(value)
        found.append(Artefact(value, kid, name_of(text), size))
        if value["event"] == "accepted":
            taken = named_slots(value)
            refuse_if(not court.held <= taken, "receipt-mismatch")
            named |= taken
    known = named or court.held
    court.contacts |= {contact for contact, *_ in known}
    for receipt in found:
        contact = receipt.value["contact"]
        refuse_if(contact is not None and contact not in court.contacts, "unknown-contact")
        refuse_if(not named_slots(receipt.value) <= known, "receipt-mismatch")
    return found


def _answers(court: Court, file: dict[str, Any], receipts: list[Artefact]) -> list[Artefact]:
    recorded: dict[str, Artefact] = {}
    for receipt in sorted(receipts, key=lambda r: moment(r.value["at"])):
        if receipt.value["event"] == "recorded":
            recorded.setdefault(receipt.value["artefact_sha256"], receipt)
    found = []
    for form in ("retrieval", "acknowledgement"):
        for text in file[f"{form}s"]:
            value, kid, key = court.signed(form, text)
            refuse_if(value["kid"] != kid, "member-mismatch")
            size, record = court.head(value["head"]), recorded.get(name_of(text))
            if record is not None:
                refuse_if(record.value["contact"] != value["contact"], "receipt-mismatch")
                size = max(size, record.size)
            court.judge(form, kid, key, value["contact"], size)
            court.about(value)
            refuse_if(value["contact"] == court.header["from"]["contact"], "own-cannot-answer")
            refuse_if(value["contact"] not in court.contacts, "unknown-contact")
            found.append(Artefact(value, kid, name_of(text), size))
    return found


def _cancels(court: Court, file: dict[str, Any]) -> list[Artefact]:
    found, sender = [], court.header["from"]["contact"]
    for text in file["cancels"]:
        value, kid, key = court.signed("cancel", text)
        size = court.head(value["head"])
        court.judge("cancel", kid, key, sender, size)
        court.about(value)
        found.append(Artefact(value, kid, name_of(text), size))
    return found


def check_preparation(bench: Bench, message: dict[str, Any], size: int) -> None:
    """The second key of a message whose own key was judged at ``size``."""
    if message["prepared"] is None:
        refuse_if(message["status"] == "actual", "preparation-missing")
        return
    value, kid, key = bench.signed("preparation", message["prepared"])
    contact = message["from"]["contact"]
    bench.judge("message", kid, key, contact, max(size, bench.head(value["head"])))
    refuse_if((value["kid"], value["contact"]) != (kid, contact), "preparation-mismatch")
    refuse_if(
        value["content_sha256"] != b64u(tagged("poc/1 content", reduced(message))), "preparation-mismatch"
    )
    refuse_if(kid == message["from"]["kid"], "preparation-mismatch")


def _opened(court: Court, file: dict[str, Any], sizes: list[int], proof: Proof) -> None:
    opening = file["opening"]
    if opening is None:
        return
    cek = unb64u(opening["cek"], 32)
    refuse_if(opening["message"] != court.header["id"], "member-mismatch")
    compact, message = read_opening(file["envelope"], court.header, cek)
    kid = read_protected(split(compact)[0])["kid"]
    key = court.directory.keys.get(kid)
    if key is None or key.jwk is None:
        raise RefusedError("unknown-key")
    verify_compact(key.jwk, "poc-message+jws", compact)
    refuse_if(message["from"]["kid"] != kid, "member-mismatch")
    size = max([court.head(message["head"]), *sizes])
    court.judge("message", kid, key, message["from"]["contact"], size)
    check_preparation(court, message, size)
    proof.voice, proof.message = voice_code(cek, court.header["id"]), message


def _timeline(
    court: Court, receipts: list[Artefact], answers: list[Artefact], cancels: list[Artefact], proof: Proof
) -> list[tuple[str, str, str]]:
    """By the time each states; of equal times as the page orders them."""
    origin, sender = court.directory.origin, court.header["from"]["contact"]
    events = [(r.value["at"], r.value["event"], origin, r.kid) for r in receipts]
    events += [(a.value["at"], a.value["outcome"], a.value["contact"], a.kid) for a in answers]
    events += [(c.value["at"], "cancelled", sender, c.kid) for c in cancels]
    if proof.message is not None:
        events.append((proof.message["sent_at"], "sent", sender, court.header["from"]["kid"]))
    return [event[1:] for event in sorted(events, key=lambda event: event[0])]


def verify_evidence(data: bytes, want: str) -> Proof:
    """What a file proves, or its refusal."""
    file: dict[str, Any] = parse_canonical(data)
    check_form("evidence-file", file)
    log = file["log"]
    refuse_if("entries" not in log, "light-evidence")
    leaves = [unb64u(e) for e in log["entries"]]
    directory = read_whole(leaves, log["checkpoint"], file["origin"], want)
    court, proof = Court(file, directory), Proof()
    slots = [slot["header"] for slot in court.slots]
    proof.digest = b64u(court.digest)
    receipts = _receipts(court, file["receipts"])
    answers, cancels = _answers(court, file, receipts), _cancels(court, file)
    accepted = [r.size for r in receipts if r.value["event"] == "accepted"]
    released = [r.size for r in receipts if r.value["event"] == "released"]
    _opened(court, file, accepted or released, proof)
    check_alike(slots)
    proof.timeline = _timeline(court, receipts, answers, cancels, proof)
    named = [[(a.value, a.name) for a in found] for found in (receipts, answers)]
    proof.problems = problems_of(court.header, slots, *named)
    return proof
