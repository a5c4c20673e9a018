"""``poc message keep``: which messages open no more once a replaced key is destroyed, and keeping some."""

from __future__ import annotations

import argparse
from typing import Any

from poc.cli import words
from poc.cli.context import Context
from poc.cli.output import Result, Table, both_times, short_id
from poc.core.strictjson import parse_time
from poc.errors import UsageError


def add(verbs: Any) -> None:
    """Add the verb."""
    keep = verbs.add_parser(
        "keep", help="list the messages that will open no more, and keep those you name readable here"
    )
    keep.add_argument(
        "id", metavar="ID", nargs="*", help="the message's id, or enough of it; none: only list them"
    )
    keep.add_argument("--all", action="store_true", help="keep all that are listed")
    keep.set_defaults(run=_keep)


async def _keep(context: Context, arguments: argparse.Namespace) -> Result:
    if arguments.all and arguments.id:
        raise UsageError("usage", "name messages or give --all, not both")
    async with context.desk(unlock=True) as desk:
        closing = sorted({row["message"] for row in desk.closing()})
        trust = desk.known.trust
        known = [*(row.ref for row in trust.outbox(kind="message")), *(row.message for row in trust.inbox())]
        named = closing if arguments.all else [words.find_id(part, known) for part in arguments.id]
        await desk.keep(named)
        left = desk.closing()
        warnings = desk.warnings()
    lines = [f"kept readable here: {message}" for message in named]
    if named:
        lines.append("whoever has this home and its passphrase can read them too, for as long as it is kept")
    elif not left:
        lines.append("no message here is about to become unreadable")
    cells = [(short_id(r["message"]), r["direction"], both_times(parse_time(r["opens_until"]))) for r in left]
    table = Table(("message", "", "opens until"), cells, "open no more after:")
    return Result({"kept": named, "closing": left}, lines, [table], warnings)
