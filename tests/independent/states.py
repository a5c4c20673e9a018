"""States: enrolment, rotation, recovery, objection, suspension; written from docs/spec/statement.md."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from tests.independent.basics import RefusedError, moment, refuse_if, thumbprint
from tests.independent.directory import Directory, Key, Recovery, Span, State, Waiting, check_state_id
from tests.independent.entries import Entry

ROLES = ("authority", "recovery")


def named(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Role and key of everything that a body names for its State."""
    recovery = [("recovery", body["recovery"])] if body["recovery"] else []
    return [*(("authority", k) for k in body["authority"]["keys"]), *recovery]


def _held(directory: Directory, subject: str) -> Iterable[tuple[str, Key]]:
    """The keys of a State that have not ended, those that wait too."""
    every = directory.keys.items()
    return [(d, k) for d, k in every if k.holder == subject and k.role in ROLES and k.ended is None]


def _sound(directory: Directory, body: dict[str, Any]) -> None:
    authority = body["authority"]
    refuse_if(authority["threshold"] > len(authority["keys"]), "bad-threshold")
    refuse_if("actual" in directory.settings["statuses"] and body["recovery"] is None, "recovery-key-missing")


def _due(directory: Directory, entry: Entry) -> dt.datetime:
    return moment(entry.logged_at) + dt.timedelta(seconds=directory.settings["objection_seconds"])


def _forget_stopped(directory: Directory, subject: str) -> None:
    """Keys of the stopped enrolment, that nobody named again, end here."""
    for kid, key in _held(directory, subject):
        if key.again and not key.waiting:
            directory.end(kid, directory.size, "replaced")


def enrol(directory: Directory, entry: Entry) -> None:
    """A State waits for objections, or is enrolled at once."""
    body, subject = entry.statement["body"], entry.statement["subject"]
    check_state_id(subject, body["kind"])
    held = directory.states.get(subject)
    refuse_if(held is not None and held.status in ("pending", "enrolled"), "already-enrolled")
    again = held is not None and held.status == "stopped"
    if held is not None and again:
        refuse_if(moment(body["call_back"]["at"]) < moment(held.stopped_at), "call-back-too-old")
    _sound(directory, body)
    for role, key in named(body):
        known = directory.keys.get(thumbprint(key))
        since = directory.size if known is None or known.waiting else known.since
        directory.take(thumbprint(key), Key(role, subject, since, jwk=key), again=True)
    _forget_stopped(directory, subject)
    state = State(body, entry.name, _due(directory, entry), tried=again)
    state.points = [(entry.statement["version"], entry.name)]
    state.suspensions = held.suspensions if held is not None else []
    directory.states[subject] = state
    if directory.settings["objection_seconds"] == 0:
        state.status = "enrolled"


def _replace(directory: Directory, subject: str, body: dict[str, Any], reason: str) -> None:
    """The keys in force that ``body`` does not name end here; those it names are the State's."""
    keep = {thumbprint(k) for _, k in named(body)}
    for kid, key in _held(directory, subject):
        if kid not in keep and not key.waiting:
            directory.end(kid, directory.size, reason)
    state = directory.states[subject]
    state.body = state.body | {"authority": body["authority"], "recovery": body["recovery"]}


def _stop(directory: Directory, entry: Entry, how: str) -> None:
    """An objection to a recovery that waits: it stops it, unless that one overrules."""
    state = directory.states[entry.statement["subject"]]
    if state.recovering is None or (state.recovering.overrules and how == "old"):
        return
    state.recovering, state.stopped_by = None, (entry.name, how)


def rotate(directory: Directory, entry: Entry) -> None:
    """A new authority, complete; by the old one's threshold, or by the recovery key."""
    statement, subject = entry.statement, entry.statement["subject"]
    body, state = statement["body"], directory.state(subject)
    _sound(directory, body)
    by_recovery = any(directory.keys[k].role == "recovery" for k in directory.signers)
    for role, key in named(body):
        if directory.active(thumbprint(key), role, subject) is None:
            directory.take(thumbprint(key), Key(role, subject, directory.size, jwk=key))
    _replace(directory, subject, body, "replaced")
    if state.recovering is not None:
        _stop(directory, entry, "recovery" if by_recovery else "old")
    if by_recovery:
        state.points = []
    state.points.append((statement["version"], entry.name))


def recover(directory: Directory, entry: Entry) -> None:
    """New keys for a State that lost everything, after the window."""
    statement, subject = entry.statement, entry.statement["subject"]
    body, state = statement["body"], directory.state(subject)
    if body["overrules"] is not None:
        refuse_if(state.stopped_by != (body["overrules"], "old"), "cannot-overrule")
    _sound(directory, body)
    for role, key in named(body):
        directory.take(
            thumbprint(key), Key(role, subject, directory.size, jwk=key, waiting=True, again=True), again=True
        )
    state.recovering = Recovery(entry.name, body, _due(directory, entry), body["overrules"] is not None)
    state.points = [(statement["version"], entry.name)]
    if directory.settings["objection_seconds"] == 0:
        _recovered(directory, subject, state.recovering)


def _recovered(directory: Directory, subject: str, recovery: Recovery) -> None:
    state = directory.states[subject]
    _replace(directory, subject, recovery.body, "lost")
    for _, key in named(recovery.body):
        fresh = directory.keys[thumbprint(key)]
        fresh.waiting, fresh.again, fresh.since = False, False, directory.size
    state.recovering, state.stopped_by = None, None


def object_to(directory: Directory, entry: Entry) -> None:
    """An objection to the enrolment or the recovery that waits."""
    state = directory.states[entry.statement["subject"]]
    if state.status == "pending":
        if not state.tried:
            state.status, state.stopped_at = "stopped", entry.logged_at
            for _, key in named(state.body):
                directory.keys[thumbprint(key)].again = True
        return
    roles = {directory.keys[k].role for k in directory.signers}
    _stop(directory, entry, "old" if roles == {"authority"} else "recovery")


def waits(directory: Directory, subject: str, leaf: str) -> State:
    """The State whose enrolment or recovery of that name waits."""
    state = directory.states.get(subject)
    if state is None or state.status not in ("pending", "enrolled"):
        raise RefusedError("unknown-state")
    recovering = state.recovering is not None and state.recovering.leaf == leaf
    refuse_if(not recovering and not (state.status == "pending" and state.enrolment == leaf), "not-pending")
    return state


def suspend(directory: Directory, entry: Entry) -> None:
    """A State may not do so much until a moment."""
    body, state = entry.statement["body"], directory.state(entry.statement["subject"])
    refuse_if(any(s.until is None for s in state.suspensions), "state-suspended")
    until = moment(body["until"])
    most = moment(entry.statement["issued_at"]) + dt.timedelta(days=90)
    refuse_if(not moment(entry.logged_at) < until <= most, "bad-suspension")
    state.suspensions.append(Span(directory.size, entry.name, scope=tuple(body["scope"]), end=until))


def reinstate(directory: Directory, entry: Entry) -> None:
    """A suspension ends before its time."""
    state = directory.state(entry.statement["subject"])
    held = [s for s in state.suspensions if s.until is None]
    refuse_if(not held or held[0].leaf != entry.statement["body"]["entry"], "superseded")
    held[0].until = directory.size


def withdraw(directory: Directory, entry: Entry) -> None:
    """A State leaves with its contacts, its keys and its witness."""
    subject, index = entry.statement["subject"], directory.size
    state = directory.state(subject)
    refuse_if(entry.statement["body"]["entry"] != state.enrolment, "superseded")
    for kid, key in directory.keys.items():
        mine = key.holder.split(".")[0] == subject and key.role in (*ROLES, "device", "sealing")
        party = directory.parties.get(key.holder)
        if mine and key.ended is None and not key.waiting and (party is None or party.kind == "contact"):
            directory.end(kid, index, "withdrawn")
    for name, party in directory.parties.items():
        if party.kind == "contact" and name.split(".", maxsplit=1)[0] == subject:
            party.devices, party.withdrawn = {}, True
    for span in state.suspensions:
        span.until = index if span.until is None else span.until
    state.status, state.recovering, state.stopped_by = "withdrawn", None, None
    state.body = state.body | {"authority": {"keys": [], "threshold": 1}, "recovery": None}
    for name, witness in directory.witnesses.items():
        if name.split(".", maxsplit=1)[0] == subject and not witness.dismissed:
            witness.dismissed = True
            directory.waiting.append(Waiting(index, "dismissal", name))


def pass_time(directory: Directory, at: dt.datetime) -> None:
    """Attested time is ``at``: what is due by then passes, as of the entry to come."""
    directory.attested = max(directory.attested, at)
    for name, state in directory.states.items():
        if state.status == "pending" and directory.attested >= state.due:
            state.status = "enrolled"
        if state.recovering is not None and directory.attested >= state.recovering.due:
            _recovered(directory, name, state.recovering)
        for span in state.suspensions:
            if span.until is None and span.end is not None and directory.attested >= span.end:
                span.until = directory.size
