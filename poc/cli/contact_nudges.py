"""``poc contact nudges``: where an office is told that a message waits unread. Not a noun of its own."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from poc.cli.context import Context
from poc.cli.output import Result, Table, both_times
from poc.cli.words import confirm
from poc.core.nudge import PRECEDENCES
from poc.core.strictjson import parse_time
from poc.errors import CATALOGUE, RefusedError, UsageError

if TYPE_CHECKING:
    from poc.client.nudges import NudgePlace

_STANDINGS = {"confirmed": "confirmed", "waits-for-code": "waits for its code"}
_HEADINGS = ("number", "kind", "address", "from", "languages", "standing", "last sent", "last failure")


def add(verbs: Any) -> None:
    """Add this verb, with its own verbs, to those of the noun."""
    parser = verbs.add_parser(
        "nudges", help="where the office is told, by e-mail or webhook, that a message waits unread"
    )
    inner = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _verb(inner, "list", _list, "list the addresses, and how the last time went; for one's own State")
    put = _verb(inner, "set", _set, "add an address, or change from which precedence on it is told")
    where = put.add_mutually_exclusive_group(required=True)
    where.add_argument("--email", metavar="ADDRESS", help="an e-mail address")
    where.add_argument(
        "--webhook", metavar="URL", help="https://… at a host that the hub's operator approved"
    )
    put.add_argument(
        "--from", dest="precedence", choices=tuple(reversed(PRECEDENCES)), default="immediate",
        help="the least precedence that is told there (default: immediate)",
    )  # fmt: skip
    put.add_argument(
        "--languages", metavar="LIST", default="ar,en", help="ar, en or both, in their order (default: ar,en)"
    )
    typed = _verb(inner, "confirm", _confirm, "type the code that came to an address; it counts from then on")
    _number(typed)
    typed.add_argument("code", metavar="CODE", help="the six digits")
    _number(_verb(inner, "test", _test, "send a trial to an address, or a new code to one not confirmed"))
    removed = _verb(inner, "remove", _remove, "have an address erased at the hub")
    _number(removed)
    removed.add_argument("--yes", action="store_true", help="do not ask whether to go on")


def _verb(inner: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = inner.add_parser(name, help=text)
    made.add_argument("contact", metavar="CONTACT", help="such as jo.technical")
    made.set_defaults(run=run)
    return made


def _number(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "number", metavar="NUMBER", type=int, help="the number of the address, as in the list"
    )


async def _list(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        places = await desk.nudge_places(arguments.contact)
        return _shown(arguments.contact, places, warnings=desk.warnings())


async def _set(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.nudges import nudge_address

    kind, address = ("email", arguments.email) if arguments.email else ("webhook", arguments.webhook)
    languages = [one.strip() for one in arguments.languages.split(",")]
    if not set(languages) <= {"ar", "en"} or len(set(languages)) != len(languages):
        raise UsageError("usage", "--languages takes ar, en, or both with a comma between them")
    async with context.desk(unlock=True) as desk:
        before = await desk.nudge_places(arguments.contact)
        new = nudge_address(kind, address, arguments.precedence, languages)
        places = await desk.add_nudge_place(arguments.contact, new)
        known = {one.number for one in before}
        lines = [
            line for one in places if one.number not in known for line in _told_of_new(arguments.contact, one)
        ]
        lines = lines or ["changed; it stays confirmed as it was"]
        return _shown(arguments.contact, places, lines=lines, warnings=desk.warnings())


def _told_of_new(contact: str, place: NudgePlace) -> list[str]:
    lines = []
    if place.secret is not None:
        lines.append(f"secret of this webhook, shown this once: {place.secret}")
    command = f"`poc contact nudges confirm {contact} {place.number} CODE`"
    lines.append(f"a code is on its way there; type it with {command}. Nothing else is sent there before")
    return lines


async def _confirm(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        await desk.confirm_nudge_place(arguments.contact, arguments.number, arguments.code)
        places = await desk.nudge_places(arguments.contact)
        lines = [f"confirmed: address {arguments.number} of {arguments.contact} is told from now on"]
        return _shown(arguments.contact, places, lines=lines, warnings=desk.warnings())


async def _test(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        await desk.try_nudge_place(arguments.contact, arguments.number)
        command = f"`poc contact nudges list {arguments.contact}`"
        lines = [f"on its way; if nothing comes within a minute, {command} says why"]
        value = {"contact": arguments.contact, "number": arguments.number}
        return Result(value, lines=lines, warnings=desk.warnings())


async def _remove(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        places = await desk.nudge_places(arguments.contact)
        gone = next((one for one in places if one.number == arguments.number), None)
        if gone is None:
            raise RefusedError("not-found", f"{arguments.contact} has no address {arguments.number}")
        if not arguments.yes:
            confirm(
                arguments.contact,
                f"address {gone.number} of {arguments.contact}, {gone.address}, will be erased at the hub; "
                "nothing is sent there any more",
            )
        places = await desk.remove_nudge_place(arguments.contact, arguments.number)
        lines = [f"erased at the hub: address {arguments.number} of {arguments.contact}"]
        return _shown(arguments.contact, places, lines=lines, warnings=desk.warnings())


def _shown(
    contact: str, places: list[NudgePlace], *, warnings: list[str], lines: list[str] | None = None
) -> Result:
    value = {"contact": contact, "addresses": [place.to_json() for place in places]}
    told = list(lines or [])
    if not places:
        told.append(f"{contact} is nudged nowhere: an unread message is seen only by who opens the desk")
    told += [
        f"address {one.number}: {_why(one.standing)}" for one in places if one.standing not in _STANDINGS
    ]
    tables = [Table(_HEADINGS, [_row(place) for place in places])] if places else []
    return Result(value, lines=told, tables=tables, warnings=warnings)


def _row(place: NudgePlace) -> list[str]:
    failed = ""
    if place.failed_at is not None:
        failed = f"{_when(place.failed_at)}: {place.failure}"
    return [
        *(str(place.number), place.kind, place.address, place.precedence, ", ".join(place.languages)),
        *(_STANDINGS.get(place.standing, place.standing), _when(place.succeeded_at) or "never", failed),
    ]


def _when(text: str | None) -> str:
    return "" if text is None else both_times(parse_time(text))


def _why(code: str) -> str:
    row = CATALOGUE.get(code)
    return code if row is None else f"{row.sentence} {row.next_step} [{code}]"
