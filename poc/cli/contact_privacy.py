"""The verbs of ``poc contact`` about who sees a card: who-holds and erase. Not a noun of its own."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from poc.cli.context import Context
from poc.cli.output import Result, Table, warn
from poc.cli.words import confirm
from poc.core.card import PARTS, Part
from poc.core.strictjson import format_time
from poc.errors import RefusedError

if TYPE_CHECKING:
    from poc.client.privacy import Audience, Reader
    from poc.client.sdk import Desk


def add(verbs: Any) -> None:
    """Add these verbs to those of the noun."""
    holds = verbs.add_parser("who-holds", help="which parties may have fetched each part of a card")
    holds.add_argument("contact", metavar="CONTACT", help="such as jo.technical")
    holds.add_argument(
        "--fetched",
        action="store_true",
        help="ask the hub who fetched it and when; for contacts of one's own State; needs the passphrase",
    )
    holds.set_defaults(run=_who_holds)
    erase = verbs.add_parser(
        "erase", help="erase a card, or a part of it, for good: at the hub, here and at every desk"
    )
    erase.add_argument("contact", metavar="CONTACT", help="such as jo.technical")
    erase.add_argument(
        "--part",
        action="append",
        choices=PARTS,
        default=[],
        help="only this part, repeatable; the whole card by default",
    )
    erase.add_argument("--yes", action="store_true", help="do not ask whether to go on")
    erase.set_defaults(run=_erase)


def audience_lines(audiences: Mapping[Part, Audience]) -> list[str]:
    """Who will be able to see each part, in plain words."""
    return [
        f"visibility of {part}: {found.visibility}; seen by {found.words}"
        for part, found in audiences.items()
    ]


def with_audiences(result: Result, audiences: Mapping[Part, Audience]) -> Result:
    """The answer of a command that filed a card, saying also who will see it."""
    value = {"audiences": {part: found.to_json() for part, found in audiences.items()}}
    return replace(result, value={**result.value, **value})


def filed_audiences(desk: Desk, contact: str, commitments: Mapping[str, Any]) -> dict[Part, Audience]:
    """Who will see the parts of a card that is about to be filed."""
    named = {part: found["visibility"] for part in PARTS if (found := commitments[part]) is not None}
    return desk.audiences(contact, named)


async def _who_holds(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=arguments.fetched) as desk:
        contact = desk.directory.contact(arguments.contact)
        audiences = desk.audiences(contact.id)
        value: dict[str, Any] = {
            "contact": contact.id,
            "audiences": {part: found.to_json() for part, found in audiences.items()},
            "fetched": None,
            "as_of": format_time(desk.as_of),
        }
        tables = [
            Table(
                ("part", "visibility", "may have fetched it"),
                [[part, one.visibility, ", ".join(one.parties)] for part, one in audiences.items()],
            )
        ]
        notes = ["a copy that was fetched may be held until the part is superseded or erased"]
        if arguments.fetched:
            found, days = await desk.readers(contact.id)
            value["fetched"] = {"readers": [asdict(one) for one in found], "days_kept": days}
            tables.append(_fetched_table(found, days))
        return Result(
            value, lines=audience_lines(audiences), tables=tables, warnings=desk.warnings(), notes=notes
        )


def _fetched_table(found: list[Reader], days: int) -> Table:
    title = f"Fetched from the hub within {days} days, as the hub says; each desk fetches a part once"
    return Table(("part", "by", "on"), [[one.part, one.reader, one.day] for one in found], title)


async def _erase(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        contact = desk.directory.contact(arguments.contact)
        parts = arguments.part or [part for part in PARTS if contact.card.part(part) is not None]
        told = (
            f"{', '.join(parts)} of {contact.id} will be erased for good: at the hub at once, at every desk "
            "with its next sync. A backup made before still has it, and what was printed or copied stays. "
            "The log keeps a hash that says nothing of it. To show the part again it is filed anew"
        )
        if arguments.yes:
            warn(told)
        else:
            confirm(contact.id, told)
        try:
            erased = await desk.erase_card(contact.id, arguments.part)
        except RefusedError as error:
            if error.code == "not-found":
                raise RefusedError(
                    "right-missing", f"the hub knows no card of {contact.id} for you"
                ) from None
            raise
        lines = [f"erased at the hub and here: {part} of {contact.id}" for part in erased]
        return Result({"contact": contact.id, "erased": erased}, lines=lines, warnings=desk.warnings())
