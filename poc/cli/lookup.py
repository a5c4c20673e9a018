"""``poc lookup``: find contacts in what this home has verified; no network, no passphrase."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from poc.cli import words
from poc.cli.context import Context
from poc.cli.output import Result, Table, both_times
from poc.core.strictjson import format_time, parse_time

if TYPE_CHECKING:
    from poc.client.lookup import FoundContact

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
        found = desk.lookup(query)
        standing = desk.warnings()
    told = (told for contact in found.contacts for told in contact.warnings())
    warnings = [*standing, *dict.fromkeys(told)]
    at = arguments.at or context.now()
    notes = [f"as of {both_times(found.as_of)}, the newest entry known here; asked for {both_times(at)}"]
    if not found.contacts:
        return Result(found.to_json(), lines=["no contact fits"], warnings=warnings, notes=notes)
    if len(found.contacts) == 1:
        card = _card(found.contacts[0], at)
        return Result(found.to_json(), lines=card, warnings=warnings, notes=notes)
    tables = [_table([c for c in found.contacts if c.level != "listed"], "")]
    title = "Listed only: written down by registrars, not nominated by the State; nothing is sealed to these"
    tables.append(_table([c for c in found.contacts if c.level == "listed"], title))
    return Result(found.to_json(), tables=tables, warnings=warnings, notes=notes)


def names_line(names: dict[str, str]) -> str:
    """Names in English and Arabic side by side, then any other."""
    first = [names[language] for language in _SHOWN_FIRST if language in names]
    return " / ".join(dict.fromkeys(first or names.values()))


def reachable(contact: FoundContact) -> str:
    """Open or closed, what the clock there shows, and when it opens next in UTC and there."""
    if contact.reachable_now is None:
        return "unknown: the card is not open here"
    told = f"{'yes' if contact.reachable_now else 'no'}; there it is {contact.local_time}"
    if contact.reachable_now:
        return told
    if contact.next_open_at is None or contact.zone is None:
        return f"{told}; no opening within a year"
    return f"{told}; opens {both_times(parse_time(contact.next_open_at), ZoneInfo(contact.zone))}"


def _table(contacts: list[FoundContact], title: str) -> Table:
    headings = ("contact", "State", "office", "level", "reachable now?", "first channel", "languages")
    rows = [
        (
            c.contact,
            names_line(c.state_names),
            names_line(c.names),
            _level(c),
            reachable(c),
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


def _card(c: FoundContact, at: datetime) -> list[str]:
    lines = [
        f"{c.contact}: {names_line(c.names)}",
        f"  State: {names_line(c.state_names)} ({c.state})",
        f"  role: {c.role}; level: {c.level}; keys held by: {custody(c)}",
        f"  reachable at {format_time(at)}? {reachable(c)}",
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
    lines.append("  channels, in the order to try them:" if c.channels else "  channels: not open here")
    lines += [f"    {n}. {_channel(channel)}" for n, channel in enumerate(c.channels, start=1)]
    if c.person is not None:
        lines.append(f"  presently: {names_line(c.person['names'])} {names_line(c.person['title'])}".rstrip())
        lines += [f"    {_channel(channel)}" for channel in c.person["channels"]]
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
