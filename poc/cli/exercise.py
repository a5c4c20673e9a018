"""``poc exercise``: announce, end and show exercises; ping their contacts and count the answers."""

from __future__ import annotations

import argparse
import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, get_args

from poc.cli import words
from poc.cli.context import Context
from poc.cli.lookup import names_line
from poc.cli.message import reason_of
from poc.cli.output import Result, Table, both_times, short_id, warn
from poc.core.exercise import MARKING, Level
from poc.core.strictjson import format_time
from poc.errors import RefusedError, UnreachableError, UsageError

if TYPE_CHECKING:
    from poc.client.sdk import Desk
    from poc.core.play import Play

PING_SECONDS: Final = 600  # to answer a ping, where neither command nor announcement says


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_open(verbs)
    end = verbs.add_parser("end", help="end an exercise; nothing is sent in it afterwards")
    end.add_argument("id", metavar="ID", help="the exercise")
    end.set_defaults(run=_end)
    listing = verbs.add_parser("list", help="list the exercises known here; no network, no passphrase")
    listing.set_defaults(run=_list)
    show = verbs.add_parser("show", help="show one exercise; no network, no passphrase")
    show.add_argument("id", metavar="ID", help="the exercise")
    show.set_defaults(run=_show)
    ping = verbs.add_parser("ping", help="send each contact its own ping with its own word")
    ping.add_argument("id", metavar="ID", help="the exercise, which must be open")
    ping.add_argument(
        "--to", metavar="CONTACT", action="append", default=[], help="only this participant; again for more"
    )
    ping.add_argument(
        "--within", metavar="DURATION", type=words.duration,
        help="how long after the hub took it an answer is in time (default: as announced, else 10m)",
    )  # fmt: skip
    ping.set_defaults(run=_ping)
    tally = verbs.add_parser("tally", help="grade this desk's pings by what the last sync brought")
    tally.add_argument("id", metavar="ID", help="the exercise")
    tally.add_argument(
        "--record", action="store_true",
        help="log `contact.tested` for each contact that answered; misses are never logged",
    )  # fmt: skip
    tally.set_defaults(run=_tally)


def _add_open(verbs: Any) -> None:
    opening = verbs.add_parser("open", help="announce an exercise to its participants and start it")
    opening.add_argument("--id", metavar="ID", help="such as cbm-2026-11 (default: made of the date)")
    opening.add_argument(
        "--title", metavar="LANG=TEXT", action="append", type=words.pair, required=True,
        help="its title in one language; again for more",
    )  # fmt: skip
    opening.add_argument(
        "--participants", metavar="all|CONTACT,…", required=True,
        help="contacts that take part, or `all` that are nominated",
    )  # fmt: skip
    opening.add_argument(
        "--opens", metavar="TIME", type=words.moment, help="when messages may come (default: now)"
    )
    closes = opening.add_mutually_exclusive_group(required=True)
    closes.add_argument("--closes", metavar="TIME", type=words.moment, help="until when messages may come")
    closes.add_argument(
        "--for", metavar="DURATION", dest="lasts", type=words.duration, help="such as 3h or 2d"
    )
    opening.add_argument("--level", choices=get_args(Level), default="L1a", help="its level (default: L1a)")
    opening.add_argument(
        "--answer-within", metavar="DURATION", type=words.duration, help="in which time an answer is expected"
    )
    opening.add_argument(
        "--cbm", metavar="N", type=int, action="append", default=[], choices=range(1, 9),
        help="a confidence-building measure it practises, 1 to 8; again for more",
    )  # fmt: skip
    opening.set_defaults(run=_open)


# --- opening and ending ------------------------------------------------------------------------


async def _open(context: Context, arguments: argparse.Namespace) -> Result:
    now = context.now()
    exercise = arguments.id or f"ex-{now:%Y%m%d}-{secrets.token_hex(3)}"
    opens_at: datetime = arguments.opens or now
    closes_at: datetime = arguments.closes or opens_at + timedelta(seconds=arguments.lasts)
    if closes_at <= opens_at:
        raise UsageError("usage", "--closes lies before --opens")
    async with context.desk(unlock=True) as desk:
        participants = _participants(desk, arguments.participants)
        await desk.open_exercise(
            exercise,
            title=words.pairs(arguments.title, "title"),
            participants=participants,
            opens_at=opens_at,
            closes_at=closes_at,
            level=arguments.level,
            answer_within_s=arguments.answer_within,
            cbm_refs=sorted(set(arguments.cbm)),
        )
        states = (_outcome(desk, "exercise", exercise), _outcome(desk, "order", f"{exercise}:1"))
    state = "waiting" if "waiting" in states else "open"
    value = {
        "exercise": exercise, "state": state, "participants": participants,
        "opens_at": format_time(opens_at), "closes_at": format_time(closes_at),
    }  # fmt: skip
    lines = [
        *MARKING.values(),
        f"exercise {exercise} with {len(participants)} contacts: {state}",
        f"from {both_times(opens_at)} to {both_times(closes_at)}",
    ]
    warnings = _waiting_warning(state)
    if opens_at > now:
        warnings.append("it is started now: messages can be sent in it before its window opens")
    return Result(value, lines, warnings=warnings)


async def _end(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        await desk.end_exercise(arguments.id)
        orders = len(_play(desk, arguments.id).orders)
        outcome = _outcome(desk, "order", f"{arguments.id}:{orders}")
    state = "waiting" if outcome == "waiting" else "ended"
    value = {"exercise": arguments.id, "state": state}
    return Result(value, [f"exercise {arguments.id}: {state}"], warnings=_waiting_warning(state))


def _participants(desk: Desk, given: str) -> list[str]:
    from poc.client.lookup import find_contact

    if given.strip() == "all":
        contacts = desk.directory.contacts.values()
        return sorted(c.id for c in contacts if not c.withdrawn and c.level == "verified" and c.devices)
    wanted = [part for part in given.split(",") if part.strip()]
    return sorted({find_contact(desk.directory, part) for part in wanted})


def _outcome(desk: Desk, kind: str, ref: str) -> str:
    """``done`` or ``waiting``. Raises the code the hub rejected it with."""
    row = desk.known.trust.outbox_row(kind, ref)
    if row is not None and row.state == "rejected":
        raise RefusedError(*reason_of(row.reason))
    return "waiting" if row is None else row.state


def _waiting_warning(state: str) -> list[str]:
    return ["not with the hub yet: kept in the outbox, `poc sync` sends it"] if state == "waiting" else []


# --- showing -----------------------------------------------------------------------------------


def _play(desk: Desk, exercise: str) -> Play:
    play = desk.known.play_of(exercise)
    if play is None:
        known = ", ".join(sorted(desk.known.plays)) or "none"
        raise RefusedError("exercise-unknown", f"{exercise[:64]}; known here: {known}")
    return play


def _value(exercise: str, play: Play, now: datetime) -> dict[str, Any]:
    announced = play.announcement
    return {
        "id": exercise,
        "title": dict(announced.title),
        "level": announced.level,
        "state": play.state,
        "open_now": play.is_open(now),
        "controller": announced.controller,
        "participants": list(announced.participants),
        "windows": [
            {"opens_at": format_time(w.opens_at), "closes_at": format_time(w.closes_at)}
            for w in announced.windows
        ],
        "answer_within_s": announced.answer_within_s,
        "cbm_refs": list(announced.cbm_refs),
        "announced_at": format_time(announced.at),
        "orders": [{"number": o.number, "order": o.order, "at": format_time(o.at)} for o in play.orders],
        "marking": dict(MARKING),
    }


async def _list(context: Context, _arguments: argparse.Namespace) -> Result:
    async with context.desk() as desk:
        values = [_value(name, play, context.now()) for name, play in sorted(desk.known.plays.items())]
        warnings = desk.warnings()
    rows = [
        (
            v["id"],
            names_line(v["title"]),
            v["level"],
            v["state"],
            v["controller"],
            str(len(v["participants"])),
        )
        for v in values
    ]
    table = Table(("exercise", "title", "level", "state", "controller", "contacts"), rows)
    return Result({"exercises": values}, [] if rows else ["no exercises"], [table], warnings)


async def _show(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk() as desk:
        play = _play(desk, arguments.id)
        warnings = desk.warnings()
    value = _value(arguments.id, play, context.now())
    windows = [
        f"window      {both_times(w.opens_at)} to {both_times(w.closes_at)}"
        for w in play.announcement.windows
    ]
    lines = [
        *MARKING.values(),
        f"exercise    {arguments.id}: {names_line(value['title'])}",
        f"level       {value['level']}; state: {value['state']}; run by {value['controller']}",
        *windows,
        f"contacts    {', '.join(value['participants'])}",
        *(f"order {o.number:<6}{o.order} at {both_times(o.at)}" for o in play.orders),
        *MARKING.values(),
    ]
    return Result(value, lines, warnings=warnings)


# --- pinging and counting ----------------------------------------------------------------------


async def _ping(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.lookup import find_contact

    async with context.desk(unlock=True) as desk:
        announced = _play(desk, arguments.id).announcement
        within = arguments.within or announced.answer_within_s or PING_SECONDS
        contacts = sorted({find_contact(desk.directory, c) for c in arguments.to})
        contacts = contacts or list(announced.participants)
        _check_may_ping(desk, arguments.id, contacts, context.now())
        sent = await desk.ping(arguments.id, contacts, within_s=within)
    pings = [
        {"contact": contact, "message": one.id, "state": one.state, "reason": one.reason}
        for contact, one in zip(contacts, sent, strict=True)
    ]
    counts = Counter(one.state for one in sent)
    value = {"exercise": arguments.id, "within_s": within, "pings": pings}
    rows = [
        (p["contact"] or "", p["state"] or "", short_id(p["message"] or ""), p["reason"] or "") for p in pings
    ]
    lines = [
        f"{len(pings)} pings: " + ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    ]
    warnings = _waiting_warning("waiting") if counts["waiting"] else []
    exit_code = 1 if counts["rejected"] else 0
    return Result(value, lines, [Table(("contact", "state", "message", "reason"), rows)], warnings, exit_code)


def _check_may_ping(desk: Desk, exercise: str, contacts: Sequence[str], now: datetime) -> None:
    """Before anything is sealed: open, with each of them, and run from here. Raises as core does."""
    from poc.core.play import check_in_exercise

    controller = _play(desk, exercise).announcement.controller
    if desk.party != controller:
        raise RefusedError("right-missing", f"{exercise} is run by {controller}")
    check_in_exercise(exercise, (desk.party or "", *contacts), now, desk.known.play_of)


async def _tally(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.core.play import tally

    now = context.now()
    async with context.desk(unlock=True) as desk:
        results = desk.ping_results(arguments.id)
        warnings = desk.warnings()
        recorded = await _record(desk, arguments.id) if arguments.record else None
    counts = tally(result.grade for result in results)
    value: dict[str, Any] = {
        "exercise": arguments.id, "ping": counts, "contacts": [result.to_json() for result in results],
    }  # fmt: skip
    if recorded is not None:
        value["recorded"] = recorded
    still = [r.deadline_at for r in results if r.answered_at is None and r.deadline_at > now]
    if still:
        warnings.append(f"{len(still)} can still answer in time, the last until {both_times(max(still))}")
    rows = [
        (r.contact, r.grade, "" if r.answered_at is None else both_times(r.answered_at), short_id(r.message))
        for r in results
    ]
    lines = [
        f"exercise {arguments.id}: " + ", ".join(f"{n.replace('_', ' ')} {c}" for n, c in counts.items())
    ]
    lines += [] if recorded is None else [f"logged as tested: {', '.join(recorded) or 'nobody new'}"]
    return Result(value, lines, [Table(("contact", "grade", "answered", "message"), rows)], warnings)


async def _record(desk: Desk, exercise: str) -> list[str]:
    """Log who answered. What the hub did not take yet waits in the outbox, and is said."""
    try:
        recorded = await desk.record_tested(exercise)
    except UnreachableError as error:
        warn(f"warning: {error.message} {error.next_step}")
        return []
    waiting = sum(row.state == "waiting" for row in desk.known.trust.outbox(kind="statement"))
    if waiting:
        warn(f"warning: {waiting} statements not with the hub yet: kept in the outbox, `poc sync` sends them")
    return recorded
