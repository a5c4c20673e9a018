"""Exercises in play: what announcement and orders make of one, and how answers to it are graded.

Start and end are in force; pause, resume, skip and break-out are known forms that this version
refuses. Who may see results, and how pings are scheduled, is not decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from poc.core import jws, lifecycle, sealed
from poc.core.directory import Directory
from poc.core.exercise import Announcement, Order
from poc.core.judge import RootAt, head_size, judge_key
from poc.core.message import EnvelopeHeader, Message
from poc.core.receipts import artefact_sha256, read_signed
from poc.core.text import ascii_digits
from poc.errors import RefusedError
from poc.limits import ISSUED_AHEAD_SECONDS_MAX

Grade = Literal["in-time", "late", "by-alternate", "retrieved-only", "unreachable", "none"]
GRADES: Final[tuple[Grade, ...]] = (
    "in-time", "late", "by-alternate", "retrieved-only", "unreachable", "none",
)  # fmt: skip
_ALWAYS_COUNTED: Final = ("in-time", "late", "retrieved-only", "none")
_IN_FORCE: Final = frozenset({"start", "end"})


@dataclass(frozen=True, slots=True)
class Play:
    """An exercise as its controller's signed announcement and orders make it. Replaced, never changed."""

    announcement: Announcement
    announcement_sha256: str
    orders: tuple[Order, ...] = ()
    newest_sha256: str | None = None

    @property
    def state(self) -> str:
        """``announced``, ``open`` or ``ended``, after every order."""
        return self._state_after(self.orders)

    def is_open(self, at: datetime) -> bool:
        """Whether it was started and not ended at that time, by the times of the orders."""
        return self._state_after(order for order in self.orders if order.at <= at) == "open"

    def has(self, party: str) -> bool:
        """Whether a contact takes part, or is the controller."""
        return party == self.announcement.controller or party in self.announcement.participants

    @staticmethod
    def _state_after(orders: Iterable[Order]) -> str:
        state = "announced"
        for order in orders:
            state = lifecycle.advance(lifecycle.EXERCISE, state, order.order)
        return state


PlayOf: TypeAlias = Callable[[str], Play | None]
"""How the exercises known here are found by id."""


def read_announcement(
    text: str, directory: Directory, *, least: int = 0, root_at: RootAt | None = None
) -> Play:
    """An exercise of which only the announcement is known, signed by its controller.

    The hub gives ``least``, the size of its log.

    Raises:
        RefusedError: ``member-mismatch`` or as ``read_signed``, ``read_head`` and ``judge_key``.
    """
    form, kid = read_signed(Announcement, text, jws.ANNOUNCEMENT, directory)
    _judge(form, kid, form.controller, directory, least, root_at)
    return Play(form, artefact_sha256(text))


def with_order(
    play: Play,
    text: str,
    directory: Directory,
    *,
    now: datetime,
    least: int = 0,
    root_at: RootAt | None = None,
) -> Play:
    """The exercise after one more order of its controller.

    ``number`` follows the last order's; ``previous`` is the SHA-256 of the last order's compact JWS.

    Raises:
        RefusedError: ``not-yet-in-force``, ``order-out-of-sequence``, ``not-in-this-state``,
            ``sent-in-future``, ``member-mismatch`` or as ``read_announcement``.
    """
    order, kid = read_signed(Order, text, jws.ORDER, directory)
    _judge(order, kid, play.announcement.controller, directory, least, root_at)
    if order.exercise != play.announcement.id:
        raise RefusedError("member-mismatch", "exercise")
    if order.order not in _IN_FORCE:
        raise RefusedError("not-yet-in-force", order.order)
    last_at = play.orders[-1].at if play.orders else play.announcement.at
    follows = (order.number, order.previous) == (len(play.orders) + 1, play.newest_sha256)
    if not follows or order.at < last_at:
        raise RefusedError("order-out-of-sequence", f"after order {len(play.orders)}")
    if order.at > now + timedelta(seconds=ISSUED_AHEAD_SECONDS_MAX):
        raise RefusedError("sent-in-future", order.order)
    lifecycle.advance(lifecycle.EXERCISE, play.state, order.order)
    return replace(play, orders=(*play.orders, order), newest_sha256=artefact_sha256(text))


def _judge(
    form: Announcement | Order,
    kid: str,
    controller: str,
    directory: Directory,
    least: int,
    root_at: RootAt | None,
) -> None:
    if form.kid != kid:
        raise RefusedError("member-mismatch", "kid")
    size = max(least, head_size(form.head, directory, root_at))
    judge_key(directory, kid, size, controller, "send")


def check_in_exercise(exercise: str, parties: Iterable[str], at: datetime | None, play_of: PlayOf) -> None:
    """Return only if the exercise is known, was open at that time and has every party.

    Without a time it may still be to come, and only must not have ended.

    Raises:
        RefusedError: ``exercise-unknown``, ``exercise-not-open``, ``exercise-lacks-side``.
    """
    play = play_of(exercise)
    if play is None:
        raise RefusedError("exercise-unknown", exercise)
    if play.state == "ended" if at is None else not play.is_open(at):
        raise RefusedError("exercise-not-open", exercise)
    missing = sorted({party for party in parties if not play.has(party)})
    if missing:
        raise RefusedError("exercise-lacks-side", f"{missing[0]} in {exercise}")


# --- answers -----------------------------------------------------------------------------------


def as_typed(word: str) -> str:
    """A word as it counts: digits of either script as ASCII, letters large, no space around."""
    return ascii_digits(word.strip()).upper()


def ping_answer(cek: bytes, message_id: str, contact: str, word: str) -> str:
    """The answer of an acknowledgement to a ping, of the word the officer typed."""
    key = sealed.answer_key(cek, message_id)
    return sealed.answer(key, message_id, contact, as_typed(word))


def answered_word(
    cek: bytes, message_id: str, contact: str, answer: str | None, words: Iterable[str]
) -> str | None:
    """Which of the possible words an answer is of; ``None`` if of none."""
    return next((word for word in words if ping_answer(cek, message_id, contact, word) == answer), None)


@dataclass(frozen=True, slots=True)
class Ping:
    """One ping as its controller sent it. ``words``: the one word inside, or every option's code."""

    message: str
    contact: str
    cek: bytes
    words: tuple[str, ...]
    deadline_at: datetime
    alternates: tuple[str, ...] = ()
    reachable: bool = True


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """A verified retrieval or acknowledgement with the time of the hub's receipt over it."""

    outcome: Literal["retrieved", "acknowledged", "declined"]
    contact: str
    answer: str | None
    recorded_at: datetime


def deadline(form: Message | EnvelopeHeader, out_at: datetime) -> datetime:
    """Until when an answer is in time, of a contact the message went out to at ``out_at``.

    ``out_at`` is when it was accepted, or released where it was held: ``respond_within_s`` counts from
    there. Where it went out after ``respond_by``, as to an alternate, it is to be answered before it expires.
    """
    if form.respond_within_s is not None:
        return min(out_at + timedelta(seconds=form.respond_within_s), form.expires_at)
    if form.respond_by is not None and out_at < form.respond_by:
        return form.respond_by
    return form.expires_at


def grade(ping: Ping, answers: Sequence[RecordedAnswer]) -> Grade:
    """How a contact did on a ping; the hub's time of recording decides, never the device's."""
    own = [a.recorded_at for a in answers if a.contact == ping.contact and _is_right(ping, a)]
    if any(at <= ping.deadline_at for at in own):
        return "in-time"
    by_alternates = [a.recorded_at for a in answers if a.contact in ping.alternates and _is_right(ping, a)]
    if any(at <= ping.deadline_at for at in by_alternates):
        return "by-alternate"
    if own or by_alternates:
        return "late"
    if any(a.contact == ping.contact for a in answers):
        return "retrieved-only"
    return "none" if ping.reachable else "unreachable"


def _is_right(ping: Ping, answer: RecordedAnswer) -> bool:
    if answer.outcome != "acknowledged":
        return False
    return answered_word(ping.cek, ping.message, answer.contact, answer.answer, ping.words) is not None


def tally(grades: Iterable[Grade]) -> dict[str, int]:
    """Counts by grade: ``sent, in_time, late, retrieved_only, none`` always, others where they occur."""
    counted = Counter(grades)
    shown = [name for name in GRADES if name in _ALWAYS_COUNTED or counted[name]]
    return {"sent": counted.total(), **{name.replace("-", "_"): counted[name] for name in shown}}
