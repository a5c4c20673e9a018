"""``poc contact handover``: an office passes to its successor. Not a noun of its own."""

from __future__ import annotations

import argparse
from datetime import timedelta
from pathlib import Path
from typing import Any

from poc.cli.context import Context
from poc.cli.filed import add_device, add_out, device_of, finish, json_file
from poc.cli.output import Result, warn
from poc.client.rotation import ROTATE_DAYS


def add(verbs: Any) -> None:
    """Add this verb to those of the noun."""
    verb = verbs.add_parser(
        "handover",
        help="hand an office over: its devices end, its successor's come; authority and new keys sign",
    )
    verb.add_argument("contact", metavar="CONTACT", help="such as jo.technical")
    add_device(verb, several=True)
    verb.add_argument(
        "--keep", metavar="NUMBER", type=int, action="append", default=[],
        help="a device that stays, by its number; repeatable",
    )  # fmt: skip
    verb.add_argument("--card", metavar="FILE", type=Path, help="the parts of the card that change with it")
    add_out(verb)
    verb.set_defaults(run=_run)


async def _run(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.handover import hand_over

    new = [device_of(text) for text in arguments.device]
    card = None if arguments.card is None else json_file(arguments.card)
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        contact = desk.directory.contact(arguments.contact)
        filed = None if card is None else desk.file_card(contact.id, card)
        handover = hand_over(
            desk.directory,
            contact,
            new,
            keep=arguments.keep,
            card=None if filed is None else filed.commitments,
            rotate_by=context.now() + timedelta(days=ROTATE_DAYS),
        )
        for line in handover.words(new_card=filed is not None):
            warn(line)
        signed = desk.compose("contact.nominate", contact.id, handover.body)
        sealing = [key for keys, _ in new for key in keys.sealing]
        openings = () if filed is None else filed.openings
        return await finish(desk, signed, openings, sealing, out=arguments.out)
