"""Exercises as a controller's desk runs them: announcing, starting, ending, pinging, counting.

Whether an exercise is open and how answers are graded is decided in ``core.play``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from poc.client.inbox import open_sent
from poc.client.known import Known
from poc.client.progress import answers_of
from poc.core import jws
from poc.core.bodies import Tested
from poc.core.draft import Draft
from poc.core.envelope import OpenedMessage, read_header
from poc.core.exercise import Announcement, Order
from poc.core.form import form_of, read_form
from poc.core.message import Envelope, MessageBody
from poc.core.play import Grade, Ping, RecordedAnswer, answered_word, deadline, grade, tally
from poc.core.receipts import sign_form
from poc.core.statement import read_signed_statement, read_statement
from poc.core.strictjson import canonical, format_time, parse
from poc.errors import RefusedError

WORD_DIGITS: Final = 6
PING_SUBJECT: Final = "EXERCISE EXERCISE EXERCISE: ping / تمرين تمرين تمرين"


def default_exercise(known: Known, contacts: Sequence[str], now: datetime) -> str:
    """The one open exercise that has every party. Raises ``no-exercise``, ``several-exercises``."""
    parties = {known.party or "", *contacts}
    found = sorted(
        name
        for name, play in known.plays.items()
        if play.is_open(now) and all(play.has(party) for party in parties)
    )
    if not found:
        nearly = _lacking(known, parties, now)
        told = "; ".join(f"{name} is open but lacks {', '.join(lacks)}" for name, lacks in nearly.items())
        raise RefusedError("no-exercise", told or "none is open", candidates=sorted(nearly))
    if len(found) > 1:
        raise RefusedError("several-exercises", ", ".join(found), candidates=found)
    return found[0]


def _lacking(known: Known, parties: set[str], now: datetime) -> dict[str, list[str]]:
    """The open exercises, each with the sides it lacks."""
    return {
        name: sorted(party for party in parties if not play.has(party))
        for name, play in sorted(known.plays.items())
        if play.is_open(now)
    }


def announce(known: Known, exercise: str, members: dict[str, Any]) -> None:
    """Sign an announcement and put it into the outbox, and keep it.

    Raises ``bad-form``, ``no-device``, ``id-used`` (an announcement is never replaced), ``right-missing``
    for any but a controller in office.
    """
    office = known.directory.controllers.get(known.party or "")
    if office is None or office.dismissed:
        raise RefusedError("right-missing", f"{known.party or 'a reader'} is no controller of exercises")
    if exercise in {name for name, _, _ in known.trust.exercises()}:
        raise RefusedError("id-used", exercise)
    key = known.keys.signing(known.own_device("send").kid)
    form = form_of(
        Announcement,
        {
            "v": 1,
            "origin": known.directory.origin,
            "kid": key.kid,
            "at": format_time(known.now()),
            "head": known.head,
            "id": exercise,
            "controller": known.party,
            "status": "exercise",
            "options": [],
            "script_sha256": None,
            **members,
        },
    )
    text = sign_form(form, jws.ANNOUNCEMENT, key)
    with known.trust.transaction():
        known.trust.put_exercise(exercise, text, canonical([]))
        known.trust.put_outbox("exercise", exercise, canonical({"announcement": text}))
    known.forget_plays()


def order(known: Known, exercise: str, what: str) -> None:
    """Sign the next order (start, end), put it into the outbox, and keep it.

    Raises ``exercise-unknown``, ``not-in-this-state``, ``no-device``; ``right-missing`` for the exercise
    of another controller.
    """
    play = known.play_of(exercise)
    kept = {name: (text, orders) for name, text, orders in known.trust.exercises()}
    if play is None:
        raise RefusedError("exercise-unknown", exercise)
    if play.announcement.controller != known.party:
        raise RefusedError("right-missing", f"{exercise} is run by {play.announcement.controller}")
    key = known.keys.signing(known.own_device("send").kid)
    number = len(play.orders) + 1
    form = form_of(
        Order,
        {
            "v": 1,
            "origin": known.directory.origin,
            "kid": key.kid,
            "at": format_time(known.now()),
            "head": known.head,
            "exercise": exercise,
            "number": number,
            "previous": play.newest_sha256,
            "order": what,
            "contact": None,
            "inject": None,
            "reason": None,
        },
    )
    text = sign_form(form, jws.ORDER, key)
    announcement, orders = kept[exercise]
    longer = canonical([*_texts(orders), text])
    known.read_play(announcement, longer)
    with known.trust.transaction():
        known.trust.put_exercise(exercise, announcement, longer)
        known.trust.put_outbox("order", f"{exercise}:{number}", canonical({"order": text}))
    known.forget_plays()


def _texts(orders: bytes) -> list[str]:
    value: Any = parse(orders)
    return list(value)


def ping_draft(exercise: str, word: str, *, now: datetime, within_s: int) -> Draft:
    """The message of one ping: its own word inside."""
    body = form_of(MessageBody, {"template": None, "fields": {"word": word}, "texts": []})
    return Draft(
        status="exercise",
        exercise=exercise,
        kind="ping",
        precedence="priority",
        tlp="TLP:GREEN",
        subject=PING_SUBJECT,
        body=body,
        respond_within_s=within_s,
        expires_at=now + timedelta(seconds=max(within_s, 3600)),
    )


def ping_word(random: Any) -> str:
    """A six-digit word."""
    return f"{int.from_bytes(random(8), 'big') % 10**WORD_DIGITS:0{WORD_DIGITS}d}"


@dataclass(frozen=True, slots=True)
class PingResult:
    """How one contact did on one ping, with the acknowledgement that counts, if there is one."""

    contact: str
    message: str
    grade: Grade
    deadline_at: datetime
    answered_at: datetime | None
    acknowledgement_sha256: str | None

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        return {
            "contact": self.contact,
            "grade": self.grade,
            "answered_at": None if self.answered_at is None else format_time(self.answered_at),
            "message": self.message,
            "deadline_at": format_time(self.deadline_at),
        }


def ping_results(known: Known, exercise: str) -> list[PingResult]:
    """Every ping of this desk that the hub accepted, graded, by contact.

    From sealed copies and verified evidence alone. Raises ``exercise-unknown``.
    """
    if exercise not in known.plays:
        raise RefusedError("exercise-unknown", exercise)
    results = []
    for row in known.trust.outbox(state="accepted", kind="message"):
        header = read_header(read_form(Envelope, row.body).protected)
        if header.kind == "ping" and header.exercise == exercise:
            results.append(_result(known, open_sent(known, row.body, row.answer)))
    return sorted(results, key=lambda result: (result.contact, result.message))


def _result(known: Known, opened: OpenedMessage) -> PingResult:
    message = opened.message
    contact = next(to.contact for to in message.to if to.use == "action")
    due_at = deadline(message, opened.accepted.at if opened.accepted else message.sent_at)
    words = (message.body.fields["word"],)
    ping = Ping(message.id, contact, opened.cek, words, due_at)
    answers = recorded_answers(known, message.id)
    right = [
        answer
        for answer in answers
        if answer.outcome == "acknowledged"
        and answered_word(opened.cek, message.id, answer.contact, answer.answer, words) is not None
    ]
    first = min(right, key=lambda answer: answer.recorded_at, default=None)
    return PingResult(
        contact,
        message.id,
        grade(ping, answers),
        due_at,
        None if first is None else first.recorded_at,
        None if first is None else first.artefact_sha256,
    )


def tally_pings(known: Known, exercise: str) -> dict[str, int]:
    """Counts by grade over this desk's pings, from sealed copies and verified evidence alone."""
    return tally(result.grade for result in ping_results(known, exercise))


def untold_successes(known: Known, exercise: str) -> list[tuple[str, dict[str, str]]]:
    """Contacts that answered a ping and of whom this desk has not said so: (contact, body of the statement).

    One for each contact, of its newest ping answered. Misses are never logged.
    """
    told = {
        (statement.subject, statement.body.message)
        for row in known.trust.outbox(kind="statement")
        if row.state != "rejected"
        for statement in [read_statement(read_signed_statement(parse(row.body)).payload)]
        if isinstance(statement.body, Tested)
    }
    found: dict[str, dict[str, str]] = {}
    for result in ping_results(known, exercise):
        if result.acknowledgement_sha256 is None or (result.contact, result.message) in told:
            continue
        found[result.contact] = {
            "exercise": exercise,
            "message": result.message,
            "acknowledgement_sha256": result.acknowledgement_sha256,
        }
    return sorted(found.items())


@dataclass(frozen=True, slots=True)
class _Answer(RecordedAnswer):
    """A recorded answer with the hash of its exact text."""

    artefact_sha256: str


def recorded_answers(known: Known, message: str) -> list[_Answer]:
    """The answers to a message that verify and that the hub recorded, with the time of recording."""
    return [
        _Answer(answer.outcome, answer.contact, answer.answer, receipt.at, receipt.artefact_sha256 or "")
        for answer, receipt in answers_of(known, message)
    ]
