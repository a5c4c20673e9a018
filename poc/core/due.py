"""What falls due in a registry, and how near it is: keys to replace, offices to confirm and to test.

Pure, from the directory alone, for whoever tells people: the desks of a State, the hub's metrics, its
reminders. Nothing of it blocks anything: a key that is overdue is still sealed to (DESIGN section 4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from poc.core.directory import Contact, Controller, Directory, State
from poc.core.form import state_of
from poc.limits import AUTHORITY_KEY_DAYS_ADVISED, SIGNING_KEY_DAYS_ADVISED, TESTED_DAYS

DueKind = Literal["sealing-key", "signing-key", "authority-key", "confirmation", "test"]
KINDS: Final[tuple[DueKind, ...]] = ("sealing-key", "signing-key", "authority-key", "confirmation", "test")
THRESHOLDS: Final = (1, 7, 30)
"""Days ahead at which a warning is given, each once; and 0 once the time has passed."""


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that falls due at ``at``. ``days`` is the threshold reached: 30, 7, 1, or 0 once overdue.

    ``party`` is the contact, controller or State whose it is; ``device`` the number, of a device's key.
    """

    kind: DueKind
    party: str
    device: int | None
    at: datetime
    days: int


def due_warnings(directory: Directory, now: datetime) -> tuple[Due, ...]:
    """Everything that falls due within 30 days or is overdue, the most urgent first.

    Only of offices that act: verified contacts of enrolled States, controllers in office, enrolled States.
    A frozen contact can do none of it and waits for its authority, so nothing is said of it.
    """
    found = (_near(kind, party, device, at, now) for kind, party, device, at in _dates(directory))
    return tuple(sorted((due for due in found if due is not None), key=_urgency))


def due_of(directory: Directory, party: str, now: datetime) -> tuple[Due, ...]:
    """Of these, what a party is told: all of its own State, or a controller's own."""
    if party in directory.controllers:
        return tuple(due for due in due_warnings(directory, now) if due.party == party)
    told = (due for due in due_warnings(directory, now) if due.party not in directory.controllers)
    return tuple(due for due in told if state_of(due.party) == state_of(party))


def told_to(directory: Directory, due: Due) -> tuple[str, ...]:
    """The contacts to warn: the one concerned and its alternates; of a State's key all its contacts."""
    if due.party in directory.states:
        return tuple(contact.id for contact in directory.contacts_of(due.party))
    alternates = (
        c.id for c in directory.contacts.values() if c.alternate_of == due.party and not c.withdrawn
    )
    return (due.party, *sorted(alternates))


def _urgency(due: Due) -> tuple[datetime, str, int, str]:
    return (due.at, due.party, due.device or 0, due.kind)


def _near(kind: DueKind, party: str, device: int | None, at: datetime, now: datetime) -> Due | None:
    days = 0 if at <= now else next((n for n in THRESHOLDS if at - now <= timedelta(days=n)), None)
    return None if days is None else Due(kind, party, device, at, days)


_Date = tuple[DueKind, str, int | None, datetime]


def _dates(directory: Directory) -> Iterator[_Date]:
    for state in directory.states.values():
        if state.status != "enrolled":
            continue
        yield from _of_state(directory, state)
        for contact in directory.contacts_of(state.id):
            if contact.level == "verified" and contact.frozen is None:
                yield from _of_contact(directory, contact)
    for controller in directory.controllers.values():
        yield from _of_devices(directory, controller)


def _of_state(directory: Directory, state: State) -> Iterator[_Date]:
    oldest = min(_since(directory, kid) for kid in state.authority_kids)
    yield "authority-key", state.id, None, oldest + timedelta(days=AUTHORITY_KEY_DAYS_ADVISED)


def _of_contact(directory: Directory, contact: Contact) -> Iterator[_Date]:
    yield "confirmation", contact.id, None, contact.confirm_due_at(directory.settings)
    if contact.tested_at is not None:
        yield "test", contact.id, None, contact.tested_at + timedelta(days=TESTED_DAYS)
    yield from _of_devices(directory, contact)


def _of_devices(directory: Directory, party: Contact | Controller) -> Iterator[_Date]:
    for device in party.devices:
        yield "sealing-key", party.id, device.number, device.rotate_by
        advised = _since(directory, device.kid) + timedelta(days=SIGNING_KEY_DAYS_ADVISED)
        yield "signing-key", party.id, device.number, advised


def _since(directory: Directory, kid: str) -> datetime:
    """When the entry that brought a key was logged."""
    return directory.logged_ats[directory.keys[kid].since]
