"""Exercises as a controller's desk runs them: announcing, starting, ending, pinging, counting.

Whether an exercise is open and how answers are graded is decided in ``core.play``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from poc.client.inbox import open_sent
from poc.client.known import Known
from poc.client.progress import answers_of
from poc.core import jws
from poc.core.draft import Draft
from poc.core.exercise import Announcement, Order
from poc.core.form import form_of
from poc.core.message import MessageBody
from poc.core.play import Ping, RecordedAnswer, deadline, grade, tally
from poc.core.receipts import sign_form
from poc.core.strictjson import canonical, format_time
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
        raise RefusedError("no-exercise", ", ".join(sorted(contacts)))
    if len(found) > 1:
        raise RefusedError("several-exercises", ", ".join(found), candidates=found)
    return found[0]


def announce(known: Known, exercise: str, members: dict[str, Any]) -> None:
    """Sign an announcement and put it into the outbox, and keep it. Raises ``bad-form``, ``no-device``."""
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

    Raises ``exercise-unknown``, ``not-in-this-state``, ``no-device``.
    """
    play = known.play_of(exercise)
    kept = {name: (text, orders) for name, text, orders in known.trust.exercises()}
    if play is None:
        raise RefusedError("exercise-unknown", exercise)
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
    from poc.core.strictjson import parse  # noqa: PLC0415

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


def tally_pings(known: Known, exercise: str) -> dict[str, int]:
    """Counts by grade over this desk's pings, from sealed copies and verified evidence alone."""
    grades = []
    for row in known.trust.outbox(state="accepted", kind="message"):
        opened = open_sent(known, row.body, row.answer)
        message = opened.message
        if message.kind != "ping" or message.exercise != exercise:
            continue
        contact = next(to.contact for to in message.to if to.use == "action")
        accepted_at = opened.accepted.at if opened.accepted else message.sent_at
        ping = Ping(
            message.id, contact, opened.cek, (message.body.fields["word"],), deadline(message, accepted_at)
        )
        grades.append(grade(ping, recorded_answers(known, message.id)))
    return tally(grades)


def recorded_answers(known: Known, message: str) -> list[RecordedAnswer]:
    """The answers to a message that verify and that the hub recorded, with the time of recording."""
    return [
        RecordedAnswer(answer.outcome, answer.contact, answer.answer, at)
        for answer, at in answers_of(known, message)
    ]
