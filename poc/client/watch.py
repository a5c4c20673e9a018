"""What each entry of the log means to a State's watch officer, in words: pure, entries in and events out.

Holds one text for every type of statement. An entry that cannot be read is an event itself and ends the
list: nothing after it is told as if it were known. Syncing and cursors stand in
``monitor``, sending in ``mail``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from poc.core import jws
from poc.core.bodies import Settings
from poc.core.directory import Contact, Directory, State
from poc.core.form import state_of
from poc.core.rules import apply
from poc.core.statement import SignedEntry, Statement, read_entry, read_statement
from poc.core.strictjson import format_time
from poc.errors import PocError

Severity = Literal["notice", "warning", "alarm"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something a watch officer must see. ``logged_at`` is ``None`` for an entry that cannot be read.

    The text names ids only: no person and no content of a card.
    """

    index: int
    logged_at: datetime | None
    kind: str
    subject: str
    severity: Severity
    text: str
    signed_by: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The event for programs."""
        at = None if self.logged_at is None else format_time(self.logged_at)
        return {**asdict(self), "logged_at": at, "signed_by": list(self.signed_by)}


@dataclass(frozen=True, slots=True)
class Step:
    """One entry between the directory before and after it."""

    before: Directory
    after: Directory
    statement: Statement
    logged_at: datetime

    @property
    def body(self) -> Any:
        """The body; its model is the one of the statement's type."""
        return self.statement.body

    @property
    def subject(self) -> str:
        """Whom the statement is about."""
        return self.statement.subject


def watch(before: Directory, leaves: Sequence[bytes], state: str) -> tuple[list[Event], int]:
    """The events of the entries that follow ``before``, and the index to go on from.

    That is the index of the first entry that cannot be read or applied, if there is one: it is told each
    time until a newer version of this program can read it.
    """
    events: list[Event] = []
    for leaf in leaves:
        try:
            entry = read_entry(leaf)
            statement = read_statement(entry.signed.payload)
            after = apply(before, entry)
        except PocError as error:
            events.append(unreadable(before.size, error.code))
            break
        step = Step(before, after, statement, entry.logged_at)
        if concerns(statement, state):
            events.append(_event(step, entry))
        events += _in_effect(step)
        before = after
    return events, before.size


def unreadable(index: int, code: str) -> Event:
    """The event of an entry that this version cannot read."""
    text = f"cannot be read by this version ({code}): nothing from here on is known; update this program"
    return Event(index, None, "unreadable", "", "alarm", text)


def concerns(statement: Statement, state: str) -> bool:
    """Whether a State must see a statement: all about itself, and of others what changes whom to trust."""
    return statement.type in OF_ALL or state_of(statement.subject) == state


def _event(step: Step, entry: SignedEntry) -> Event:
    kind = step.statement.type
    kids = [jws.header_kid(signature.protected) for signature in entry.signed.signatures]
    return Event(
        step.before.size,
        step.logged_at,
        kind,
        step.subject,
        SEVERITY.get(kind, "notice"),
        TEXTS[kind](step),
        tuple(sorted(_signer(step.after, kid) for kid in kids)),
    )


def _signer(directory: Directory, kid: str) -> str:
    record = directory.keys.get(kid)
    if record is None:
        return f"key {kid[:12]}…"
    if record.device is not None:
        return f"device {record.device} of {record.holder}"
    return "the hub" if record.role == "hub" else f"{record.role} {record.holder}"


def _in_effect(step: Step) -> Iterator[Event]:
    """What time or an attest brought into force with this entry, beside what the entry itself says."""
    for subject, severity, text in _came(step):
        yield Event(step.before.size, step.logged_at, "in-effect", subject, severity, text)


def _came(step: Step) -> Iterator[tuple[str, Severity, str]]:
    for name, now in sorted(step.after.states.items()):
        was = step.before.states.get(name)
        if was is None or step.subject == name:
            continue
        if (was.status, now.status) == ("pending", "enrolled"):
            yield name, "notice", f"the enrolment of {name} is in effect"
        if was.authority_kids != now.authority_kids:
            yield name, "alarm", f"the recovery of {name} is in effect: its authority has new keys"
        if was.suspended is not None and now.suspended is None:
            yield name, "notice", f"the suspension of {name} has ended by its date"
    for name, witness in sorted(step.after.witnesses.items()):
        before = step.before.witnesses.get(name)
        had, has = before is not None and before.seat is not None, witness.seat is not None
        if had != has:
            counts = "counts from now on" if has else "counts no more"
            yield name, "warning", f"witness {name} {counts}"
    if step.after.settings != step.before.settings and step.statement.type != "registry.policy":
        text = f"in force now: {_policy_changes(step.before.settings, step.after.settings)}"
        yield step.after.origin, "warning", text


# --- one text for each type --------------------------------------------------------------------


def _genesis(step: Step) -> str:
    return f"{step.subject} is founded by {len(step.body.registrars)} registrars"


def _policy(step: Step) -> str:
    when = "in force now" if step.after.settings == step.body else "in force at an attest that covers it"
    return f"new settings ({when}): {_policy_changes(step.before.settings, step.body)}"


def _policy_changes(old: Settings, new: Settings) -> str:
    """Registrars by id, settings of one value as before and after, others by name."""
    told = []
    were, are = {r.id: r for r in old.registrars}, {r.id: r for r in new.registrars}
    told += [f"registrar {name} is new" for name in sorted(are.keys() - were.keys())]
    told += [f"registrar {name} is dismissed" for name in sorted(were.keys() - are.keys())]
    told += [
        f"registrar {name} has another key or body"
        for name in sorted(were.keys() & are.keys())
        if (were[name].key, were[name].body) != (are[name].key, are[name].body)
    ]
    for name in Settings.model_fields:
        was, now = getattr(old, name), getattr(new, name)
        if was == now or name == "registrars":
            continue
        told.append(f"{name}: {was} -> {now}" if isinstance(now, str | int) else f"{name} changed")
    return ", ".join(told) or "nothing changed"


def _attest(step: Step) -> str:
    return f"the hub attested the log's first {step.body.checkpoint.splitlines()[1]} entries"


def _appoint_witness(step: Step) -> str:
    return f"witness {step.subject} is appointed, at {step.body.url}"


def _dismiss_witness(step: Step) -> str:
    return f"witness {step.subject} is dismissed"


def _window(step: Step) -> str:
    """Until when, and how, a step that waits can be objected to."""
    state = step.after.states.get(step.subject)
    ends = None if state is None else waits_until(state)
    if ends is None:
        return "in effect at once"
    if state is not None and state.retried and state.recovering is None:
        return (
            f"in effect at {format_time(ends)}: it was objected to once, further objections are recorded only"
        )
    return f"in effect at {format_time(ends)} unless objected to: `poc state object {step.subject}`"


def waits_until(state: State) -> datetime | None:
    """When the enrolment or recovery of a State that waits takes effect; ``None`` where none waits."""
    if state.recovering is not None:
        return state.recovering.effective_at
    return state.effective_at if state.status == "pending" else None


def _enrol(step: Step) -> str:
    return f"enrolment of {step.subject} as {step.body.kind}, {_window(step)}"


def _recover(step: Step) -> str:
    again = ", overruling an objection" if step.body.overrules else ""
    keys = len(step.body.authority.keys)
    return f"RECOVERY: registrars give {step.subject} {keys} new authority key(s){again}, {_window(step)}"


def _rotate_state(step: Step) -> str:
    was, now = step.before.states.get(step.subject), step.after.states.get(step.subject)
    kept = was is not None and now is not None and was.recovery_kid == now.recovery_kid
    keys = f"{len(step.body.authority.keys)} key(s), {step.body.authority.threshold} must sign"
    return f"{step.subject} has a new authority ({keys}); recovery key {'as it was' if kept else 'CHANGED'}"


def _object(step: Step) -> str:
    was, now = step.before.states.get(step.subject), step.after.states.get(step.subject)
    does = "it is recorded"
    if was is not None and now is not None and waits_until(was) and not waits_until(now):
        does = f"the {'recovery' if was.recovering else 'enrolment'} is STOPPED"
    return f"objection to {_place(step, step.body.entry)} about {step.subject}: {does}"


def _suspend(step: Step) -> str:
    body = step.body
    cut = ", ".join(body.scope)
    return f"{step.subject} is suspended until {format_time(body.until)} ({body.reason}); cut: {cut}"


def _reinstate(step: Step) -> str:
    return f"{step.subject} is reinstated"


def _withdraw_state(step: Step) -> str:
    return f"{step.subject} has left the registry with all its contacts"


def _record(step: Step) -> str:
    return f"{step.subject} is listed by registrars, without keys"


def _nominate(step: Step) -> str:
    was, now = _contact(step.before, step.subject), step.after.contacts[step.subject]
    had = {} if was is None or was.withdrawn else {d.number: d for d in was.devices}
    has = {d.number: d for d in now.devices}
    told = [f"{step.subject} is nominated{' anew' if had else ''}"]
    told += [f"device {n} comes ({', '.join(sorted(has[n].may))})" for n in sorted(has.keys() - had.keys())]
    told += [f"device {n} ends" for n in sorted(had.keys() - has.keys())]
    told += [f"device {n} stays" for n in sorted(had.keys() & has.keys())]
    return "; ".join([*told, *_differences(was, now)])


def _update(step: Step) -> str:
    was, now = step.before.contacts[step.subject], step.after.contacts[step.subject]
    by = " by a device of its own" if now.reach_changed_by_device_at == step.logged_at else ""
    return "; ".join([f"{step.subject} is changed{by}", *_differences(was, now)])


def _differences(was: Contact | None, now: Contact) -> list[str]:
    """What else of a contact changed: the log tells which part of a card, never what stands in it."""
    if was is None:
        return [f"keys held by {now.custody}"] if now.custody != "own" else []
    told = [
        f"{name.replace('_', ' ')}: {getattr(was, name)} -> {getattr(now, name)}"
        for name in ("role", "alternate_of", "custody", "machine_receipts")
        if getattr(was, name) != getattr(now, name)
    ]
    parts = ("office", "reach", "person")
    return [*told, *(f"{part} of its card" for part in parts if was.card.part(part) != now.card.part(part))]  # type: ignore[arg-type]


def _add_device(step: Step) -> str:
    device = step.body.device
    return f"{step.subject} has a new device {device.number} ({', '.join(device.may)})"


def _revoke_device(step: Step) -> str:
    record = step.after.keys.get(step.body.kid)
    number = "?" if record is None else record.device
    since = step.body.suspected_since
    suspected = "" if since is None else f", suspected since {format_time(since)}"
    return f"device {number} of {step.subject} ends: {step.body.reason}{suspected}"


def _rotate(step: Step) -> str:
    which = "signing" if step.body.signing is not None else "sealing"
    record = step.before.keys.get(step.body.kid)
    return f"device {'?' if record is None else record.device} of {step.subject} has a new {which} key"


def _confirm(step: Step) -> str:
    return f"{step.subject} is confirmed as still right"


def _tested(step: Step) -> str:
    return f"{step.subject} answered a ping of {step.body.exercise}"


def _freeze(step: Step) -> str:
    return f"{step.subject} is FROZEN: nothing is sealed to it, it signs nothing but brakes"


def _thaw(step: Step) -> str:
    return f"{step.subject} is thawed"


def _withdraw(step: Step) -> str:
    return f"{step.subject} is withdrawn: its devices end"


def _appoint(step: Step) -> str:
    return (
        f"controller {step.subject} of {step.body.body} is appointed, with {len(step.body.devices)} device(s)"
    )


def _dismiss(step: Step) -> str:
    return f"controller {step.subject} is dismissed"


def _contact(directory: Directory, contact: str) -> Contact | None:
    return directory.contacts.get(contact)


def _place(step: Step, leaf_hash: str) -> str:
    """The entry of a leaf hash, if it is the newest of a State."""
    states = step.before.states.values()
    waiting = [s.recovering.anchor for s in states if s.recovering is not None]
    anchors = [*(anchor for s in states for anchor in (s.newest, s.enrolled)), *waiting]
    found = next((anchor for anchor in anchors if anchor.leaf_hash == leaf_hash), None)
    return f"entry {leaf_hash[:12]}…" if found is None else f"entry {found.index}"


TEXTS: Final[dict[str, Callable[[Step], str]]] = {
    "registry.genesis": _genesis,
    "registry.policy": _policy,
    "registry.attest": _attest,
    "witness.appoint": _appoint_witness,
    "witness.dismiss": _dismiss_witness,
    "state.enrol": _enrol,
    "state.rotate": _rotate_state,
    "state.recover": _recover,
    "state.object": _object,
    "state.suspend": _suspend,
    "state.reinstate": _reinstate,
    "state.withdraw": _withdraw_state,
    "contact.record": _record,
    "contact.nominate": _nominate,
    "contact.update": _update,
    "contact.device-add": _add_device,
    "contact.device-revoke": _revoke_device,
    "contact.rotate": _rotate,
    "contact.confirm": _confirm,
    "contact.tested": _tested,
    "contact.freeze": _freeze,
    "contact.thaw": _thaw,
    "contact.withdraw": _withdraw,
    "controller.appoint": _appoint,
    "controller.dismiss": _dismiss,
}
# Of every State: who decides, who witnesses, whose keys are replaced, and whom nothing may be sent to.
OF_ALL: Final = frozenset(
    {"registry.genesis", "registry.policy", "contact.freeze", "contact.thaw"}
    | {kind for kind in TEXTS if kind.split(".")[0] in ("witness", "state", "controller")}
)
_ALARMS: Final = ("state.recover", "state.rotate", "state.object", "state.suspend", "contact.freeze")
_WARNINGS: Final = (
    *("registry.policy", "witness.appoint", "witness.dismiss", "controller.appoint", "controller.dismiss"),
    *("state.enrol", "state.reinstate", "state.withdraw"),
    *("contact.nominate", "contact.device-add", "contact.device-revoke", "contact.withdraw", "contact.thaw"),
)
SEVERITY: Final[dict[str, Severity]] = {
    **dict.fromkeys(_ALARMS, "alarm"),
    **dict.fromkeys(_WARNINGS, "warning"),
}
