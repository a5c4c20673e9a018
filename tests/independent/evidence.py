"""Verifying an evidence file with its fingerprint alone, written from docs/spec/evidence.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.independent.basics import (
    RefusedError,
    b64u,
    parse_canonical,
    refuse_if,
    sha256,
    tagged,
    unb64u,
)
from tests.independent.content import read_opening
from tests.independent.directory import Directory, Key
from tests.independent.entries import fingerprint, read_entry
from tests.independent.forms import check_form
from tests.independent.merkle import root
from tests.independent.notes import claimed_size, read_checkpoint, read_head
from tests.independent.registry import log_keys_at, replay
from tests.independent.sealed import envelope_digest, slot_name, voice_code
from tests.independent.signatures import read_protected, split, verify_compact

RIGHTS = {"retrieval": "retrieve", "acknowledgement": "acknowledge", "cancel": "send", "message": "send"}


@dataclass
class Proof:
    """What a file that verifies shows."""

    digest: str = ""
    voice: str | None = None
    message: dict[str, Any] | None = None
    timeline: list[tuple[str, str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Court:
    """The log of the file, against which every signature in it is judged."""

    def __init__(self, file: dict[str, Any], directory: Directory) -> None:
        self.directory = directory
        envelope = file["envelope"]
        raw = unb64u(envelope["protected"])
        self.header: dict[str, Any] = parse_canonical(raw)
        check_form("envelope-header", self.header)
        refuse_if(self.header["origin"] != directory.origin, "wrong-origin")
        self.digest = envelope_digest(*(envelope[m] for m in ("protected", "iv", "ciphertext", "tag")))
        self.slots = envelope["recipients"]
        self.contacts = {s["header"]["contact"] for s in self.slots}

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
        value: dict[str, Any] = parse_canonical(data)
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

    def about(self, value: dict[str, Any]) -> None:
        """The form speaks of this envelope."""
        refuse_if(value["message"] != self.header["id"], "receipt-mismatch")
        refuse_if(value["envelope_sha256"] != b64u(self.digest), "receipt-mismatch")
        for member in ("status", "exercise"):
            refuse_if(member in value and value[member] != self.header[member], "receipt-mismatch")


def _receipts(court: Court, texts: list[str], proof: Proof) -> list[tuple[dict[str, Any], int]]:
    found = []
    for text in texts:
        value, kid, key = court.signed("receipt", text)
        size = court.head(value["head"])
        court.judge("receipt", kid, key, court.directory.origin, size)
        court.about(value)
        named = {(s["contact"], s["kid"], s["sequence"], s["sha256"]) for s in value["slots"] or ()}
        if value["event"] == "accepted":
            for slot in court.slots:
                header = slot["header"]
                mine = (header["contact"], header["kid"], header["sequence"], slot_name(slot))
                refuse_if(mine not in named, "receipt-mismatch")
            court.contacts |= {name[0] for name in named}
        if value["contact"] is not None:
            refuse_if(value["contact"] not in court.contacts, "unknown-contact")
        found.append((value, size))
        proof.timeline.append((value["event"], court.directory.origin, kid))
    return found


def _answers(
    court: Court, file: dict[str, Any], receipts: list[tuple[dict[str, Any], int]], proof: Proof
) -> None:
    recorded = {v["artefact_sha256"]: size for v, size in receipts if v["event"] == "recorded"}
    outcomes: dict[str, set[str]] = {}
    for form in ("retrieval", "acknowledgement"):
        for text in file[f"{form}s"]:
            value, kid, key = court.signed(form, text)
            refuse_if(value["kid"] != kid, "member-mismatch")
            name = b64u(sha256(text.encode()))
            size = max(court.head(value["head"]), recorded.get(name, 0))
            court.judge(form, kid, key, value["contact"], size)
            court.about(value)
            refuse_if(value["contact"] == court.header["from"]["contact"], "own-cannot-answer")
            refuse_if(value["contact"] not in court.contacts, "unknown-contact")
            if name not in recorded:
                proof.problems.append("not-recorded")
            recorded.pop(name, None)
            outcomes.setdefault(value["contact"], set()).add(value["outcome"])
            proof.timeline.append((value["outcome"], value["contact"], kid))
    proof.problems += ["artefact-missing"] * bool(recorded)
    both = {"acknowledged", "declined"}
    proof.problems += ["acknowledged-and-declined"] * any(both <= o for o in outcomes.values())


def _cancels(court: Court, file: dict[str, Any], proof: Proof) -> None:
    for text in file["cancels"]:
        value, kid, key = court.signed("cancel", text)
        sender = court.header["from"]["contact"]
        court.judge("cancel", kid, key, sender, court.head(value["head"]))
        court.about(value)
        proof.timeline.append(("cancelled", sender, kid))


def _prepared(court: Court, message: dict[str, Any], reduced: bytes, size: int) -> None:
    if message["prepared"] is None:
        refuse_if(message["status"] == "actual", "preparation-missing")
        return
    value, kid, key = court.signed("preparation", message["prepared"])
    refuse_if(value["kid"] != kid or kid == message["from"]["kid"], "preparation-mismatch")
    contact = message["from"]["contact"]
    refuse_if(value["contact"] != contact or key.holder != contact, "preparation-mismatch")
    refuse_if(value["content_sha256"] != b64u(tagged("poc/1 content", reduced)), "preparation-mismatch")
    court.judge("message", kid, key, contact, max(size, court.head(value["head"])))


def _opened(court: Court, file: dict[str, Any], sizes: list[int], proof: Proof) -> None:
    opening = file["opening"]
    if opening is None:
        return
    cek = unb64u(opening["cek"], 32)
    refuse_if(opening["message"] != court.header["id"], "member-mismatch")
    compact, message, reduced = read_opening(file["envelope"], court.header, cek)
    kid = read_protected(split(compact)[0])["kid"]
    key = court.directory.keys.get(kid)
    if key is None or key.jwk is None:
        raise RefusedError("unknown-key")
    verify_compact(key.jwk, "poc-message+jws", compact)
    refuse_if(message["from"]["kid"] != kid, "member-mismatch")
    size = max([court.head(message["head"]), *sizes])
    court.judge("message", kid, key, message["from"]["contact"], size)
    _prepared(court, message, reduced, size)
    proof.voice, proof.message = voice_code(cek, court.header["id"]), message


def verify_evidence(data: bytes, want: str) -> Proof:
    """What a file proves, or its refusal."""
    file: dict[str, Any] = parse_canonical(data)
    check_form("evidence-file", file)
    log = file["log"]
    refuse_if("entries" not in log, "light-evidence")
    leaves = [unb64u(e) for e in log["entries"]]
    refuse_if(not leaves or fingerprint(read_entry(leaves[0]).payload) != want, "wrong-fingerprint")
    directory = replay(leaves)
    refuse_if(file["origin"] != directory.origin, "wrong-origin")
    size = claimed_size(directory.origin, log["checkpoint"])
    refuse_if(size != directory.size, "head-inconsistent")
    checkpoint = read_checkpoint(directory.origin, log["checkpoint"], log_keys_at(directory, size))
    refuse_if(checkpoint.root != root(directory.leaves), "head-inconsistent")
    court, proof = Court(file, directory), Proof()
    sender = court.header["from"]
    proof.digest = b64u(court.digest)
    proof.timeline.append(("sent", sender["contact"], sender["kid"]))
    receipts = _receipts(court, file["receipts"], proof)
    events = [v["event"] for v, _ in receipts]
    proof.problems += ["not-accepted"] * ("accepted" not in events)
    proof.problems += ["two-receipts"] * (events.count("accepted") > 1)
    proof.problems += ["accepted-and-rejected"] * ("accepted" in events and "rejected" in events)
    _answers(court, file, receipts, proof)
    _cancels(court, file, proof)
    _opened(court, file, [n for v, n in receipts if v["event"] in ("accepted", "released")], proof)
    return proof
