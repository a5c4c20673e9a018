"""Who is reached when: the time to answer that is asked for by default, and who stands in when nobody does.

Pure: when an office opens comes in as a function. What is held stands in ``holding``; the sender's desk seals
by a plan and shows it first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from poc.core.directory import Contact, Directory
from poc.core.message import Precedence, Tlp

ANSWER_SECONDS: Final[Mapping[str, int]] = MappingProxyType(
    {"flash": 10 * 60, "immediate": 30 * 60, "priority": 3 * 3600, "routine": 24 * 3600}
)
"""How long an office has to acknowledge where the sender says nothing else; routine and priority count from
its next opening."""
AT_ONCE: Final = frozenset({"flash", "immediate"})
"""The precedences that do not wait for an office to open: the duty contact of its State gets them."""

Opens: TypeAlias = Callable[[str, datetime], datetime | None]
"""The first moment from a time on at which a contact's office is open; None where its hours are not known."""


@dataclass(frozen=True, slots=True)
class Reached:
    """One contact of a plan: when the message goes out to it, and when its office can look.

    ``opens_at`` is None where its hours are not known. ``why``: an ``addressee``, or the ``duty`` contact
    beside one that is closed, both at once; ``alternate`` or ``duty-alternate``, held in place of one.
    """

    contact: str
    use: Literal["action", "information"]
    at: datetime
    opens_at: datetime | None
    why: Literal["addressee", "duty", "alternate", "duty-alternate"]
    in_place_of: str | None = None

    @property
    def is_held(self) -> bool:
        """Whether it goes out only if nobody before it has acknowledged."""
        return self.in_place_of is not None


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is reached when, and by when an answer is asked for: ``None`` where nobody is to act."""

    respond_by: datetime | None
    reached: tuple[Reached, ...]


@dataclass(frozen=True, slots=True)
class Sending:
    """What a plan is made for; ``respond_by`` and ``escalate`` where the sender chose them.

    ``among``: who may stand in at all, the participants of an exercise; ``None`` for anybody.
    """

    precedence: Precedence
    tlp: Tlp
    starts_at: datetime
    expires_at: datetime
    to: Sequence[str]
    information: Sequence[str] = ()
    respond_by: datetime | None = None
    escalate: bool | None = None
    among: Collection[str] | None = None

    @property
    def escalates(self) -> bool:
        """Whether others than those named may get it: never TLP:RED unless the sender says so."""
        return self.tlp != "TLP:RED" if self.escalate is None else self.escalate


def make_plan(sending: Sending, directory: Directory, opens: Opens) -> Plan:
    """Who is reached when.

    Alternates of each addressee are held until the time to answer has passed, one after the other; a State's
    duty contact comes last for flash and immediate, or at once where the addressee is closed.
    """
    named = {*sending.to, *sending.information}
    reached = [
        _reached(contact, "action", sending.starts_at, opens, "addressee")
        for contact in dict.fromkeys(sending.to)
    ]
    respond_by = sending.respond_by or _respond_by(sending, reached)
    if sending.escalates and respond_by is not None:
        for addressee in list(reached):
            more = list(_stand_ins(sending, addressee, respond_by, directory, opens, named))
            named |= {one.contact for one in more}
            reached += more
    reached += [
        _reached(contact, "information", sending.starts_at, opens, "addressee")
        for contact in dict.fromkeys(sending.information)
        if contact not in sending.to
    ]
    return Plan(respond_by, tuple(reached))


def _reached(
    contact: str,
    use: Literal["action", "information"],
    at: datetime,
    opens: Opens,
    why: Literal["addressee", "duty", "alternate", "duty-alternate"],
    in_place_of: str | None = None,
) -> Reached:
    return Reached(contact, use, at, opens(contact, at), why, in_place_of)


def _respond_by(sending: Sending, addressees: Sequence[Reached]) -> datetime | None:
    """The default: the precedence's time from now on, or from when the last office to open has opened."""
    if not addressees:
        return None
    begins = [sending.starts_at]
    if sending.precedence not in AT_ONCE:
        begins += [one.opens_at for one in addressees if one.opens_at is not None]
    return min(max(begins) + _time_to_answer(sending), sending.expires_at)


def _time_to_answer(sending: Sending) -> timedelta:
    return timedelta(seconds=ANSWER_SECONDS[sending.precedence])


def _stand_ins(
    sending: Sending,
    addressee: Reached,
    respond_by: datetime,
    directory: Directory,
    opens: Opens,
    named: set[str],
) -> Iterator[Reached]:
    """Who gets it beside an addressee that is closed, or in its place if it does not answer, in order."""
    contact = directory.contacts.get(addressee.contact)
    if contact is None:  # a controller has no alternates
        return
    rest = [one for one in directory.contacts_of(contact.state) if one.id not in named and _can_get(one)]
    rest = [one for one in rest if sending.among is None or one.id in sending.among]
    duty = next((one.id for one in rest if one.role == "duty"), None)
    if sending.precedence not in AT_ONCE:
        duty = None
    is_closed = addressee.opens_at is not None and addressee.opens_at > addressee.at
    if duty is not None and is_closed:
        yield _reached(duty, "action", sending.starts_at, opens, "duty")
        duty = None
    held = [one.id for one in rest if one.alternate_of == contact.id and one.id != duty]
    at = respond_by
    for one in [*held, *([] if duty is None else [duty])]:
        if not sending.starts_at < at < sending.expires_at:
            return
        why: Literal["alternate", "duty-alternate"] = "duty-alternate" if one == duty else "alternate"
        yield _reached(one, "action", at, opens, why, contact.id)
        at += _time_to_answer(sending)


def _can_get(contact: Contact) -> bool:
    return bool(contact.devices) and contact.frozen is None
