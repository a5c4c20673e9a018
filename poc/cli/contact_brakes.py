"""The verbs of ``poc contact`` that take away: freeze, thaw, withdraw. Not a noun of its own."""

from __future__ import annotations

import argparse
from typing import Any

from poc.cli.context import Context
from poc.cli.filed import add_out, finish
from poc.cli.output import Result
from poc.core.directory import Contact
from poc.core.strictjson import format_time
from poc.errors import RefusedError


def add(verbs: Any) -> None:
    """Add these verbs to those of the noun."""
    for name, run, told in (
        ("freeze", _freeze, "stop a contact of one's own State; a device of any of its contacts signs"),
        ("thaw", _thaw, "end a freeze; its authority signs"),
        ("withdraw", _withdraw, "take a contact out and end its keys; its authority signs"),
    ):
        verb = verbs.add_parser(name, help=told)
        verb.add_argument("contact", metavar="CONTACT", help="such as jo.technical")
        add_out(verb)
        verb.set_defaults(run=run)


async def _freeze(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        contact = desk.directory.contact(arguments.contact)
        signed = desk.compose("contact.freeze", contact.id, {"entry": contact.standing.leaf_hash})
        means = (
            f"{contact.id} will be frozen at once: nothing is sealed to it, and of what its devices sign "
            "only brakes count. What was on record before stands. Its authority alone can thaw it."
        )
        return await finish(desk, signed, out=arguments.out, means=means)


async def _thaw(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        contact = desk.directory.contact(arguments.contact)
        if contact.frozen is None:
            raise RefusedError("superseded", f"{contact.id} is not frozen")
        signed = desk.compose("contact.thaw", contact.id, {"entry": contact.frozen.since.leaf_hash})
        active = ", ".join(str(device.number) for device in contact.devices) or "none"
        means = (
            f"{contact.id} will take part again with its active devices ({active}). What it signed while it "
            "was frozen stays refused. Revoke first whatever device is in doubt."
        )
        return await finish(desk, signed, out=arguments.out, means=means)


async def _withdraw(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        contact = desk.directory.contact(arguments.contact)
        signed = desk.compose("contact.withdraw", contact.id, {"entry": contact.nomination.leaf_hash})
        means = (
            f"{contact.id} will leave the directory: its {len(contact.devices)} device(s) end for good, "
            "the openings of its card are erased. Only a new nomination with new keys brings it back."
        )
        return await finish(desk, signed, out=arguments.out, means=means)


def frozen_value(contact: Contact) -> dict[str, Any] | None:
    """Since when and by whom a contact is frozen, for programs."""
    frozen = contact.frozen
    if frozen is None:
        return None
    since = frozen.since
    return {"since": format_time(since.logged_at), "by": sorted(frozen.by), "entry": since.leaf_hash}


def frozen_lines(contact: Contact) -> list[str]:
    """The same for people."""
    value = frozen_value(contact)
    if value is None:
        return []
    return [f"frozen: since {value['since']} by {', '.join(value['by'])}; reach it by voice"]
