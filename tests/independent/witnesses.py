"""Policies, attests, witnesses and seats; written from docs/spec/statement.md, log.md and witness.md."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.independent.basics import RefusedError, b64u, moment, refuse_if, thumbprint, unb64u
from tests.independent.directory import Directory, Key, Waiting, Witness
from tests.independent.entries import Entry
from tests.independent.merkle import root, verify_consistency
from tests.independent.notes import Checkpoint, NoteKey, claimed_size, read_checkpoint, read_vkey
from tests.independent.states import pass_time

MOST = {"body_bytes": 1 << 20, "slots": 250, "blob_bytes": 8 << 20}
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
WITNESS = 4
SETTLED = ("registrar", "hub", "log")


def log_keys_at(directory: Directory, size: int) -> list[NoteKey]:
    """The log keys in force at a size."""
    found = [k for k in directory.keys.values() if k.role == "log" and k.good_at(size)]
    return [read_vkey(k.spelled) for k in found]


def witness_jwk(vkey: str) -> dict[str, Any]:
    """The key of a witness as one that signs statements."""
    return {"kty": "OKP", "crv": "Ed25519", "x": b64u(read_vkey(vkey, WITNESS).raw)}


def check_settings(origin: str, body: dict[str, Any]) -> None:
    """Refuse settings that no registry may have."""
    bodies = {r["body"] for r in body["registrars"]}
    refuse_if(len(bodies) < 2, "one-body-only")
    refuse_if(max(body["thresholds"].values()) > len(bodies), "bad-threshold")
    refuse_if("actual" in body["statuses"] and body["objection_seconds"] == 0, "window-too-short")
    refuse_if(any(body["limits"][name] > most for name, most in MOST.items()), "limit-too-high")
    vkeys = [read_vkey(k) for k in body["log_keys"]]
    refuse_if(any(k.name != origin for k in vkeys), "wrong-origin")
    named = [thumbprint(k) for k in body["hub_keys"]] + [thumbprint(r["key"]) for r in body["registrars"]]
    named += [_log_kid(k) for k in body["log_keys"]]
    refuse_if(len(set(named)) != len(named), "key-in-use")


def _log_kid(vkey: str) -> str:
    return thumbprint({"kty": "OKP", "crv": "Ed25519", "x": b64u(read_vkey(vkey).raw)})


def keys_of(origin: str, body: dict[str, Any]) -> dict[str, Key]:
    """Every key that settings name."""
    found = {thumbprint(r["key"]): Key("registrar", r["id"], 0, jwk=r["key"]) for r in body["registrars"]}
    found |= {thumbprint(k): Key("hub", origin, 0, jwk=k) for k in body["hub_keys"]}
    return found | {_log_kid(k): Key("log", origin, 0, spelled=k) for k in body["log_keys"]}


def policy(directory: Directory, entry: Entry) -> None:
    """New settings: they wait for an attest, or the members put them in force."""
    body, version = entry.statement["body"], entry.statement["version"]
    check_settings(directory.origin, body)
    for registrar in body["registrars"]:
        used = registrar["id"] in directory.parties or registrar["id"] in directory.witnesses
        refuse_if(used, "bad-party-id")
    standing = keys_of(directory.origin, directory.policies()[-1])
    for kid, key in keys_of(directory.origin, body).items():
        held = directory.keys.get(kid)
        same = held is not None and (held.role, held.holder) == (key.role, key.holder)
        if same and kid in standing:
            continue
        key.waiting, key.since = True, directory.size
        directory.take(kid, key)
    if any(directory.keys[k].role == "authority" for k in directory.signers):
        directory.waiting = [w for w in directory.waiting if w.kind != "policy"]
        _settle(directory, body, version)
    else:
        directory.waiting.append(Waiting(directory.size, "policy", directory.origin, version, body))


def _settle(directory: Directory, settings: dict[str, Any], version: int) -> None:
    """A policy is in force from here on."""
    named, index = keys_of(directory.origin, settings), directory.size
    for kid in named:
        if directory.keys[kid].waiting:
            directory.keys[kid].waiting, directory.keys[kid].since = False, index
    for kid, key in directory.keys.items():
        standing = key.role in SETTLED and key.ended is None and not key.waiting
        if standing and kid not in named:
            directory.end(kid, index, "replaced")
    directory.settings, directory.version = settings, version


def appoint(directory: Directory, entry: Entry) -> None:
    """A State's witness, or another key or address of it."""
    statement, subject = entry.statement, entry.statement["subject"]
    body, state = statement["body"], subject.split(".", maxsplit=1)[0]
    directory.state(state)
    key = read_vkey(body["vkey"], WITNESS)
    directory.free_id(subject, "witness")
    refuse_if(subject in directory.parties, "bad-party-id")
    held = directory.witnesses.get(subject)
    there = [n for n, w in directory.witnesses.items() if not w.dismissed or w.seat is not None]
    mine = [n for n in there if n.split(".")[0] == state]
    refuse_if(any(name != subject for name in mine), "witness-exists")
    refuse_if(key.name == directory.origin or key.name in _names(directory, subject), "bad-vkey")
    kid = thumbprint(witness_jwk(body["vkey"]))
    if held is None or held.dismissed or directory.active(kid, "witness", subject) is None:
        taken = Key("witness", subject, directory.size, jwk=witness_jwk(body["vkey"]), spelled=body["vkey"])
        directory.take(kid, taken)
    seat = held.seat if held is not None else None
    made = Witness(body["url"], statement["version"], entry.name, seat, directory.size)
    directory.witnesses[subject] = made
    directory.waiting.append(Waiting(directory.size, "seat", subject, what=(body["vkey"], kid)))


def _names(directory: Directory, subject: str) -> set[str]:
    """The note names of other witnesses' keys."""
    others = [k for k in directory.keys.values() if k.role == "witness" and k.holder != subject]
    return {read_vkey(k.spelled, WITNESS).name for k in others if k.ended is None}


def dismiss(directory: Directory, entry: Entry) -> None:
    """A witness leaves at the next attest, or when another has a seat."""
    subject = entry.statement["subject"]
    witness = directory.witnesses.get(subject)
    if witness is None or witness.dismissed:
        raise RefusedError("unknown-witness")
    refuse_if(entry.statement["body"]["entry"] != witness.appointment, "superseded")
    witness.dismissed = True
    directory.waiting.append(Waiting(directory.size, "dismissal", subject))


def _leave(directory: Directory, subject: str) -> bool:
    """Dismiss a witness, unless no seat would be left."""
    seats = directory.seats()
    if set(seats) == {subject} and directory.settings["quorum"] != "none":
        return False
    witness = directory.witnesses[subject]
    if witness.seat is not None:
        directory.end(witness.seat[1], directory.size, "withdrawn")
    witness.seat = None
    return True


def _sit(directory: Directory, subject: str, seat: tuple[str, str]) -> None:
    witness = directory.witnesses[subject]
    if witness.seat is not None and witness.seat[1] != seat[1]:
        directory.end(witness.seat[1], directory.size, "replaced")
    witness.seat = seat


def _bring_into_force(directory: Directory, size: int) -> None:
    covered = [w for w in directory.waiting if w.index < size]
    directory.waiting = [w for w in directory.waiting if w.index >= size]
    stay = []
    for found in covered:
        if found.kind == "policy":
            _settle(directory, found.what, found.version)
        elif found.kind == "seat":
            _sit(directory, found.subject, found.what)
        elif not _leave(directory, found.subject):
            stay.append(found)
    stay = [w for w in stay if directory.witnesses[w.subject].appointed < w.index]
    stay = [w for w in stay if not _leave(directory, w.subject)]
    directory.waiting = [*stay, *directory.waiting]


def _quorum_time(directory: Directory, checkpoint: Checkpoint, quorum: int, logged_at: str) -> dt.datetime:
    """The time that a quorum attests."""
    times = sorted(checkpoint.times.values(), reverse=True)
    refuse_if(len(times) < quorum, "quorum-missing")
    seconds = times[quorum - 1]
    refuse_if(seconds <= (directory.attested - EPOCH).total_seconds(), "attest-not-newer")
    refuse_if(seconds > (moment(logged_at) - EPOCH).total_seconds() + 300, "attest-ahead")
    newest = moment(directory.logged[checkpoint.size - 1]) - EPOCH
    refuse_if(seconds < newest.total_seconds() - 300, "attest-ahead")
    return EPOCH + dt.timedelta(seconds=seconds)


def attest(directory: Directory, entry: Entry) -> None:
    """A checkpoint in the log: it brings time, and into force what waited for it."""
    body, index = entry.statement["body"], directory.size
    size = claimed_size(directory.origin, body["checkpoint"])
    quorum = directory.quorum()
    seats = directory.seats().values() if quorum else ()
    known = log_keys_at(directory, size) + [read_vkey(vkey, WITNESS) for vkey, _ in seats]
    checkpoint = read_checkpoint(directory.origin, body["checkpoint"], known)
    refuse_if(size > index, "attest-ahead")
    refuse_if(size == 0 or root(directory.leaves[:size]) != checkpoint.root, "bad-proof")
    proof = [unb64u(h, 32) for h in body["consistency"]]
    verify_consistency(size, index, checkpoint.root, root(directory.leaves), proof)
    if quorum:
        pass_time(directory, _quorum_time(directory, checkpoint, quorum, entry.logged_at))
    _bring_into_force(directory, size)
