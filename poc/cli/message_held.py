"""``poc message cancel`` and ``reseal``: what the hub still holds of a message, taken back or sealed anew."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from poc.cli import words
from poc.cli.context import Context
from poc.cli.output import Result, both_times

if TYPE_CHECKING:
    from poc.client.sdk import Desk

_REASONS = ("withdrawn", "reached-by-voice", "answered", "resealed")


def add(verbs: Any) -> None:
    """Add the verbs."""
    cancel = verbs.add_parser(
        "cancel",
        help="take back what the hub still holds of a message",
        epilog="What has gone out cannot be taken back: send a withdrawal, or reach that office by voice.",
    )
    cancel.add_argument("id", metavar="ID", help="the message's id, or enough of its beginning or end")
    cancel.add_argument("--contact", metavar="CONTACT", help="only what is held for this contact")
    cancel.add_argument(
        "--reason",
        choices=_REASONS,
        default="withdrawn",
        help="why, kept as evidence (default: withdrawn)",
    )
    cancel.set_defaults(run=_cancel)
    reseal = verbs.add_parser(
        "reseal", help="cancel a held message and seal it anew to the devices there are now"
    )
    reseal.add_argument("id", metavar="ID", help="the message's id, or enough of its beginning or end")
    reseal.set_defaults(run=_reseal)


def find_sent(desk: Desk, part: str) -> str:
    """The id of a message sent from here, by enough of it."""
    return words.find_id(part, [row.ref for row in desk.known.trust.outbox(kind="message")])


async def _cancel(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        message = find_sent(desk, arguments.id)
        held = [one for one in desk.held(message) if arguments.contact in (None, one.contact)]
        state = await desk.cancel(message, arguments.contact, arguments.reason)
    value = {
        "message": message,
        "state": state,
        "reason": arguments.reason,
        "cancelled": [one.to_json() for one in held],
    }
    lines = [f"{one.contact}: was to get it {both_times(one.release_at)}" for one in held]
    lines.append("the hub will not release it" if state == "done" else f"state: {state}")
    warnings = ["not with the hub yet: kept in the outbox, `poc sync` sends it"] if state == "waiting" else []
    return Result(value, lines, warnings=warnings)


async def _reseal(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        message = find_sent(desk, arguments.id)
        sent = await desk.reseal(message)
    value = {"cancelled": message, **sent.to_json()}
    lines = [f"cancelled   {message}", f"message     {sent.id}", f"state       {sent.state}"]
    return Result(value, lines, warnings=list(sent.warnings))
