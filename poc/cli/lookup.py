"""``poc lookup``: find contacts in what this home has verified; no network, no passphrase."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from poc.cli import words
from poc.cli.contact_privacy import audience_lines
from poc.cli.context import Context
from poc.cli.output import Result, Table, both_times
from poc.core.strictjson import format_time, parse_time

if TYPE_CHECKING:
    from poc.client.lookup import FoundContact, LookupResult

ROLES = ("diplomatic", "technical", "duty")
_SHOWN_FIRST = ("en", "ar")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command; it has no verbs."""
    parser.add_argument(
        "text", metavar="TEXT", nargs="*", help="words that all occur in the names, channels, role or id"
    )
    parser.add_argument(
        "--state", metavar="S", help="a State by id or by its name in Arabic, English or French"
    )
    parser.add_argument("--id", metavar="ID", help="one contact, such as jo.technical; shows its full card")
    parser.add_argument("--role", choices=ROLES, help="only contacts of this role")
    parser.add_argument("--language", metavar="L", help="only contacts that speak it; ar also finds ar-JO")
    parser.add_argument(
        "--reachable-now", action="store_true", help="only contacts whose office is open (see --at)"
    )
    parser.add_argument(
        "--at", metavar="TIME", type=words.moment, help="ask for another moment, such as 2026-11-24T09:00Z"
    )
    parser.add_argument(
        "--as-of",
        metavar="DATE",
        type=words.day_or_moment,
        help="the directory as the log had it then: a time with its zone, or a day to its end in UTC",
    )
    parser.set_defaults(run=_run)


async def _run(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.lookup import Query

    query = Query(
        text=" ".join(arguments.text) or None,
        state=arguments.state,
        contact=arguments.id,
        role=arguments.role,
        language=arguments.language,
        reachable_now=arguments.reachable_now,
        at=arguments.at,
    )
    async with context.desk() as desk:
        found = desk.lookup(query, arguments.as_of)
        only = found.contacts[0].contact if len(found.contacts) == 1 else None
        seen = audience_lines(desk.audiences(only)) if only and arguments.as_of is None else []
        standing = desk.warnings()
        last = desk.directory.size
    told = (told for contact in found.contacts for told in contact.warnings())
    warnings = [*standing, *dict.fromkeys(told)]
    as_of, at = arguments.as_of, arguments.at or arguments.as_of or context.now()
    past = None if as_of is None else {"asked": format_time(as_of), "entries_now": last}
    value = {**found.to_json(), "past": past}
    missing = "not open here" if as_of is None else "no longer held here"
    lines = [] if as_of is None else [f"THE PAST: the directory as the log had it at {both_times(as_of)}"]
    notes = _today(found, at) if as_of is None else _then(found, last)
    if not found.contacts:
        lines.append("no contact fits")
    if len(found.contacts) == 1:
        lines += [*card_lines(found.contacts[0], at, missing), *(f"  {line}" for line in seen)]
        return Result(value, lines, warnings=warnings, notes=notes)
    return Result(value, lines, contacts_tables(found.contacts, missing), warnings=warnings, notes=notes)


def _today(found: LookupResult, at: datetime) -> list[str]:
    return [f"as of {both_times(found.as_of)}, the newest entry known here; asked for {both_times(at)}"]


def _then(found: LookupResult, last: int) -> list[str]:
    newest = both_times(found.as_of)
    return [
        f"made of the first {found.size} of {last} entries known here, the newest of {newest}",
        "card parts erased or replaced since are no longer held here; for today leave out --as-of",
    ]


def contacts_tables(contacts: Iterable[FoundContact], missing: str = "not open here") -> list[Table]:
    """Contacts in rows, those that are only listed apart. ``missing`` says of a card why it is not shown."""
    title = "Listed only: written down by registrars, not nominated by the State; nothing is sealed to these"
    shown = list(contacts)
    return [
        _table([c for c in shown if c.level != "listed"], "", missing),
        _table([c for c in shown if c.level == "listed"], title, missing),
    ]


def names_line(names: dict[str, str]) -> str:
    """Names in English and Arabic side by side, then any other."""
    first = [names[language] for language in _SHOWN_FIRST if language in names]
    return " / ".join(dict.fromkeys(first or names.values()))


def reachable(contact: FoundContact, missing: str = "not open here") -> str:
    """Open or closed, what the clock there shows, and when it opens next in UTC and there."""
    if contact.reachable_now is None:
        return f"unknown: the card is {missing}"
    told = f"{'yes' if contact.reachable_now else 'no'}; there it is {contact.local_time}"
    if contact.reachable_now:
        return told
    if contact.next_open_at is None or contact.zone is None:
        return f"{told}; no opening within a year"
    return f"{told}; opens {both_times(parse_time(contact.next_open_at), ZoneInfo(contact.zone))}"


def _table(contacts: list[FoundContact], title: str, missing: str = "not open here") -> Table:
    headings = ("contact", "State", "office", "level", "reachable now?", "first channel", "languages")
    rows = [
        (
            c.contact,
            names_line(c.state_names),
            names_line(c.names),
            _level(c),
            reachable(c, missing),
            f"{c.channels[0]['kind']} {c.channels[0]['value']}" if c.channels else "",
            " ".join(c.languages),
        )
        for c in contacts
    ]
    return Table(headings, rows, title)


def _level(c: FoundContact) -> str:
    """The level, or what is more urgent than it."""
    if c.frozen:
        return "FROZEN"
    marks = {"RECOVERING": c.state_recovery, "SUSPENDED": c.state_suspension}
    return " ".join([c.level, *(mark for mark, value in marks.items() if value is not None)])


def card_lines(c: FoundContact, at: datetime, missing: str = "not open here") -> list[str]:
    """One contact with its whole card. ``missing`` says of a part of it why it is not shown."""
    lines = [
        f"{c.contact}: {names_line(c.names)}",
        f"  State: {names_line(c.state_names)} ({c.state})",
        f"  role: {c.role}; level: {c.level}; keys held by: {custody(c)}",
        f"  reachable at {format_time(at)}? {reachable(c, missing)}",
        f"  languages: {', '.join(c.languages) or 'unknown'}",
        f"  confirmed: {c.confirmed_at}; due again: {c.confirm_due_at}",
    ]
    if c.department:
        lines.insert(1, f"  department: {names_line(c.department)}")
    if c.frozen:
        lines.append("  FROZEN by its own State: nothing can be sealed to it; reach it by voice")
    lines += [f"  CAUTION: {told}" for told in c.cautions]
    if c.level == "listed":
        lines.append("  listed only: not nominated by the State; nothing can be sealed to it")
    if c.alternate_of:
        lines.append(f"  alternate of {c.alternate_of}")
    if c.alternates:
        lines.append(f"  alternates: {', '.join(c.alternates)}")
    lines += [f"  {line}" for line in _hours(c)]
    lines.append("  channels, in the order to try them:" if c.channels else f"  channels: {missing}")
    lines += [f"    {n}. {_channel(channel)}" for n, channel in enumerate(c.channels, start=1)]
    if c.person is not None:
        lines.append(f"  presently: {names_line(c.person['names'])} {names_line(c.person['title'])}".rstrip())
        lines += [f"    {_channel(channel)}" for channel in c.person["channels"]]
    if c.not_held:
        lines.append(f"  {missing}: the {', '.join(c.not_held)} part of its card")
    return lines


def custody(contact: FoundContact) -> str:
    """Who holds the contact's keys, with what that means where it is another."""
    if not contact.custody.startswith("hosted:"):
        return {"own": "the office itself", "national": "another body of its State"}[contact.custody]
    return f"{contact.custody.removeprefix('hosted:')}; that body could read and answer"


def _channel(channel: dict[str, str | None]) -> str:
    label = f" ({channel['label']})" if channel["label"] else ""
    return f"{channel['kind']} {channel['value']}{label}"


def _hours(c: FoundContact) -> list[str]:
    if c.hours is None:
        return []
    spans = [f"{slot['day']} {slot['open']}-{slot['close']}" for slot in c.hours["weekly"]]
    usual = "around the clock" if c.hours["always"] else ", ".join(spans) or "never"
    lines = [f"hours ({c.zone}): {usual}"]
    for day in c.hours["exceptions"]:
        slots = ", ".join(f"{s['open']}-{s['close']}" for s in day["slots"]) or "closed"
        lines.append(f"  on {day['date']}: {slots}{' ' + day['note'] if day['note'] else ''}")
    return lines
