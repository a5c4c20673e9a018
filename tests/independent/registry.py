"""Applying entries one after another, written from docs/spec/statement.md and docs/spec/log.md."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.independent import devices
from tests.independent.basics import RefusedError, b64u, moment, refuse_if, sha256, thumbprint, unb64u
from tests.independent.directory import Directory, Key, Party, State, check_state_id
from tests.independent.entries import CHAINED, NOT_YET, Entry, fingerprint, read_entry
from tests.independent.merkle import root, verify_consistency
from tests.independent.notes import NoteKey, claimed_size, read_checkpoint, read_vkey
from tests.independent.signers import check

MOST = {"body_bytes": 1 << 20, "slots": 250, "blob_bytes": 8 << 20}
AGELESS = frozenset({"contact.freeze", "contact.withdraw", "contact.device-revoke", "state.object"})


def log_keys_at(directory: Directory, size: int) -> list[NoteKey]:
    """The log keys in force at a size."""
    found = [k for k in directory.keys.values() if k.role == "log" and k.good_at(size)]
    return [read_vkey(k.spelled) for k in found]


def _settings(origin: str, body: dict[str, Any]) -> None:
    bodies = {r["body"] for r in body["registrars"]}
    refuse_if(len(bodies) < 2, "one-body-only")
    refuse_if(max(body["thresholds"].values()) > len(bodies), "bad-threshold")
    refuse_if(body["quorum"] != "none", "not-yet-in-force")
    refuse_if("actual" in body["statuses"] and body["objection_seconds"] == 0, "window-too-short")
    refuse_if(any(body["limits"][name] > most for name, most in MOST.items()), "limit-too-high")
    vkeys = [read_vkey(k) for k in body["log_keys"]]
    refuse_if(any(k.name != origin for k in vkeys), "wrong-origin")
    named = [thumbprint(k) for k in body["hub_keys"]] + [thumbprint(r["key"]) for r in body["registrars"]]
    named += [_log_kid(k) for k in body["log_keys"]]
    refuse_if(len(set(named)) != len(named), "key-in-use")


def _log_kid(vkey: str) -> str:
    return thumbprint({"kty": "OKP", "crv": "Ed25519", "x": b64u(read_vkey(vkey).raw)})


def _keys_of(origin: str, body: dict[str, Any]) -> dict[str, Key]:
    found = {thumbprint(r["key"]): Key("registrar", r["id"], 0, jwk=r["key"]) for r in body["registrars"]}
    found |= {thumbprint(k): Key("hub", origin, 0, jwk=k) for k in body["hub_keys"]}
    return found | {_log_kid(k): Key("log", origin, 0, spelled=k) for k in body["log_keys"]}


def _genesis(directory: Directory, entry: Entry) -> None:
    statement = entry.statement
    refuse_if(statement["subject"] != statement["origin"], "not-a-genesis")
    _settings(statement["origin"], statement["body"])
    directory.origin, directory.settings = statement["origin"], statement["body"]
    directory.fingerprint, directory.version = fingerprint(entry.payload), 1
    for kid, key in _keys_of(directory.origin, directory.settings).items():
        directory.take(kid, key)


def _policy(directory: Directory, entry: Entry) -> None:
    body = entry.statement["body"]
    _settings(directory.origin, body)
    for registrar in body["registrars"]:
        refuse_if(registrar["id"] in directory.parties, "bad-party-id")
    before = directory.waiting[-1][2] if directory.waiting else directory.settings
    standing = _keys_of(directory.origin, before)
    for kid, key in _keys_of(directory.origin, body).items():
        held = directory.keys.get(kid)
        same = held is not None and (held.role, held.holder) == (key.role, key.holder)
        if same and kid in standing:
            continue
        key.waiting, key.since = True, directory.size
        directory.take(kid, key)
    directory.waiting.append((directory.size, entry.statement["version"], body))


def _attest(directory: Directory, entry: Entry) -> None:
    body, index = entry.statement["body"], directory.size
    size = claimed_size(directory.origin, body["checkpoint"])
    refuse_if(size > index, "attest-ahead")
    checkpoint = read_checkpoint(directory.origin, body["checkpoint"], log_keys_at(directory, size))
    refuse_if(size == 0 or root(directory.leaves[:size]) != checkpoint.root, "bad-proof")
    proof = [unb64u(h, 32) for h in body["consistency"]]
    verify_consistency(size, index, checkpoint.root, root(directory.leaves), proof)
    covered = [w for w in directory.waiting if w[0] < size]
    directory.waiting = [w for w in directory.waiting if w[0] >= size]
    for _, version, settings in covered:
        named = _keys_of(directory.origin, settings)
        for kid in named:
            if directory.keys[kid].waiting:
                directory.keys[kid].waiting, directory.keys[kid].since = False, index
        for kid, key in directory.keys.items():
            standing = key.role in ("registrar", "hub", "log") and key.ended is None and not key.waiting
            if standing and kid not in named:
                directory.end(kid, index, "replaced")
        directory.settings, directory.version = settings, version


def _enrol(directory: Directory, entry: Entry) -> None:
    body, subject = entry.statement["body"], entry.statement["subject"]
    check_state_id(subject, body["kind"])
    refuse_if(subject in directory.states, "already-enrolled")
    authority = body["authority"]
    refuse_if(authority["threshold"] > len(authority["keys"]), "bad-threshold")
    for role, keys in (("authority", authority["keys"]), ("recovery", [body["recovery"]])):
        for key in filter(None, keys):
            directory.take(thumbprint(key), Key(role, subject, directory.size, jwk=key))
    directory.states[subject] = State(body, entry.logged_at, directory.settings["objection_seconds"])


def _record(directory: Directory, entry: Entry) -> None:
    body, subject = entry.statement["body"], entry.statement["subject"]
    directory.free_id(subject, "contact")
    check_state_id(subject.split(".")[0], None)
    held = directory.parties.get(subject)
    refuse_if(held is not None and held.level == "verified", "already-verified")
    directory.alternate(subject, body["alternate_of"])
    version, newest = entry.statement["version"], b64u(entry.leaf)
    directory.parties[subject] = Party("contact", body, "listed", version, newest, entry.logged_at)


def _known(directory: Directory, subject: str) -> Party:
    party = directory.parties.get(subject)
    if party is None or party.kind != "contact":
        raise RefusedError("unknown-contact")
    refuse_if(party.level != "verified", "not-verified")
    return party


def _update(directory: Directory, entry: Entry) -> None:
    body, subject = entry.statement["body"], entry.statement["subject"]
    party = _known(directory, subject)
    if body["alternate_of"] != party.body["alternate_of"]:
        directory.alternate(subject, body["alternate_of"])
    party.body, party.version, party.newest = body, entry.statement["version"], b64u(entry.leaf)
    if all(directory.keys[kid].role != "device" for kid in directory.signers):
        party.confirmed_at = entry.logged_at


def _confirm(directory: Directory, entry: Entry) -> None:
    party = _known(directory, entry.statement["subject"])
    refuse_if(entry.statement["body"]["entry"] != party.newest, "superseded")
    party.confirmed_at = entry.logged_at


def _tested(directory: Directory, entry: Entry) -> None:
    _known(directory, entry.statement["subject"]).tested_at = entry.logged_at


def _times(directory: Directory, entry: Entry) -> None:
    logged, issued = moment(entry.logged_at), moment(entry.statement["issued_at"])
    refuse_if(directory.leaves and logged < moment(directory.logged_at), "logged-before-previous")
    refuse_if(issued - logged > dt.timedelta(minutes=5), "issued-ahead")
    old = logged - issued > dt.timedelta(days=14)
    refuse_if(old and entry.statement["type"] not in AGELESS, "issued-too-long-ago")


EFFECTS = {
    "registry.genesis": _genesis,
    "registry.policy": _policy,
    "registry.attest": _attest,
    "state.enrol": _enrol,
    "contact.record": _record,
    "contact.nominate": devices.nominate,
    "contact.update": _update,
    "contact.device-add": devices.add,
    "contact.device-revoke": devices.revoke,
    "contact.rotate": devices.rotate,
    "contact.confirm": _confirm,
    "contact.tested": _tested,
    "controller.appoint": devices.nominate,
}


def apply(directory: Directory, leaf: bytes) -> Entry:
    """Apply one leaf or refuse it."""
    entry = read_entry(leaf)
    statement, kind = entry.statement, entry.statement["type"]
    first = not directory.leaves
    refuse_if(not first and statement["origin"] != directory.origin, "wrong-origin")
    _times(directory, entry)
    refuse_if(sha256(entry.payload) in directory.payloads, "already-logged")
    refuse_if(kind in NOT_YET, "not-yet-in-force")
    refuse_if((kind == "registry.genesis") != first, "not-a-genesis")
    refuse_if(kind.startswith("registry.") and statement["subject"] != statement["origin"], "bad-subject")
    if kind in CHAINED:
        version, newest = directory.chains.get(statement["subject"], (0, None))
        refuse_if((statement["version"], statement["previous"]) != (version + 1, newest), "superseded")
    directory.logged_at_now = entry.logged_at
    directory.signers = check(directory, entry)
    EFFECTS[kind](directory, entry)
    if kind in CHAINED:
        directory.chains[statement["subject"]] = (statement["version"], b64u(entry.leaf))
    directory.leaves.append(entry.leaf)
    directory.payloads.add(sha256(entry.payload))
    directory.logged_at = entry.logged_at
    return entry


def replay(leaves: list[bytes]) -> Directory:
    """The directory of a whole log."""
    directory = Directory()
    for leaf in leaves:
        apply(directory, leaf)
    return directory
