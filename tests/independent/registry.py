"""Applying entries one after another, written from docs/spec/statement.md."""

from __future__ import annotations

import datetime as dt

from tests.independent import contacts, devices, states, witnesses
from tests.independent.basics import moment, refuse_if, sha256
from tests.independent.directory import Directory
from tests.independent.entries import CHAINED, Entry, fingerprint, read_entry
from tests.independent.signers import check
from tests.independent.witnesses import log_keys_at

__all__ = ["Directory", "apply", "log_keys_at", "replay"]

AGELESS = frozenset(
    [
        *("contact.freeze", "contact.withdraw", "contact.device-revoke"),
        *("state.object", "state.withdraw", "state.rotate"),
    ]
)


def _genesis(directory: Directory, entry: Entry) -> None:
    statement = entry.statement
    directory.origin, directory.settings = statement["origin"], statement["body"]
    directory.fingerprint, directory.version = fingerprint(entry.payload), 1
    for kid, key in witnesses.keys_of(directory.origin, directory.settings).items():
        directory.take(kid, key)


EFFECTS = {
    "registry.genesis": _genesis,
    "registry.policy": witnesses.policy,
    "registry.attest": witnesses.attest,
    "witness.appoint": witnesses.appoint,
    "witness.dismiss": witnesses.dismiss,
    "state.enrol": states.enrol,
    "state.rotate": states.rotate,
    "state.recover": states.recover,
    "state.object": states.object_to,
    "state.suspend": states.suspend,
    "state.reinstate": states.reinstate,
    "state.withdraw": states.withdraw,
    "contact.record": contacts.record,
    "contact.nominate": devices.nominate,
    "contact.update": contacts.update,
    "contact.device-add": devices.add,
    "contact.device-revoke": devices.revoke,
    "contact.rotate": devices.rotate,
    "contact.confirm": contacts.confirm,
    "contact.tested": contacts.tested,
    "contact.freeze": contacts.freeze,
    "contact.thaw": contacts.thaw,
    "contact.withdraw": contacts.withdraw,
    "controller.appoint": devices.nominate,
    "controller.dismiss": contacts.dismiss,
}


def _times(directory: Directory, entry: Entry) -> None:
    logged, issued = moment(entry.logged_at), moment(entry.statement["issued_at"])
    refuse_if(directory.leaves and logged < moment(directory.logged[-1]), "logged-before-previous")
    refuse_if(issued - logged > dt.timedelta(minutes=5), "issued-ahead")
    old = logged - issued > dt.timedelta(days=14)
    refuse_if(old and entry.statement["type"] not in AGELESS, "issued-too-long-ago")


def _chain(directory: Directory, entry: Entry) -> None:
    """Version and previous continue the chain, or are where the recovery key may continue it."""
    statement = entry.statement
    if statement["type"] not in CHAINED:
        return
    state = directory.states.get(statement["subject"])
    points = [directory.chains.get(entry.chain, (0, None))]
    by_recovery = any(directory.active(k, "recovery", statement["subject"]) for k in entry.kids)
    if statement["type"] == "state.rotate" and state is not None and by_recovery:
        points += state.points
    found = [(version + 1, newest) for version, newest in points]
    refuse_if((statement["version"], statement["previous"]) not in found, "superseded")


def _shorten(directory: Directory, entry: Entry) -> None:
    """What the recovery key continued earlier takes the place of the rotations since."""
    state = directory.states.get(entry.statement["subject"])
    if state is not None and entry.statement["type"] == "state.rotate":
        state.points = [p for p in state.points if p[0] <= entry.statement["version"]]


def _first(entry: Entry) -> None:
    statement = entry.statement
    refuse_if(statement["type"] != "registry.genesis", "not-a-genesis")
    refuse_if(statement["subject"] != statement["origin"], "not-a-genesis")
    witnesses.check_settings(statement["origin"], statement["body"])


def apply(directory: Directory, leaf: bytes) -> Entry:
    """Apply one leaf or refuse it."""
    entry = read_entry(leaf)
    statement, kind = entry.statement, entry.statement["type"]
    first = not directory.leaves
    refuse_if(not first and statement["origin"] != directory.origin, "wrong-origin")
    _times(directory, entry)
    refuse_if(sha256(entry.payload) in directory.payloads, "already-logged")
    if first:
        _first(entry)
    elif directory.quorum() == 0:
        states.pass_time(directory, moment(entry.logged_at))
    refuse_if(kind.startswith("registry.") and statement["subject"] != statement["origin"], "bad-subject")
    refuse_if(kind == "registry.genesis" and not first, "superseded")
    _chain(directory, entry)
    directory.signers = check(directory, entry)
    EFFECTS[kind](directory, entry)
    if kind in CHAINED:
        directory.chains[entry.chain] = (statement["version"], entry.name)
        _shorten(directory, entry)
    if first:
        states.pass_time(directory, moment(entry.logged_at))
    directory.leaves.append(entry.leaf)
    directory.payloads.add(sha256(entry.payload))
    directory.logged.append(entry.logged_at)
    return entry


def replay(leaves: list[bytes]) -> Directory:
    """The directory of a whole log."""
    directory = Directory()
    for leaf in leaves:
        apply(directory, leaf)
    return directory
