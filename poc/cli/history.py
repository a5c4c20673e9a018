"""The verb ``history`` of contacts and States: what the log here says about one. Not a noun of its own."""

from __future__ import annotations

import argparse
from typing import Any

from poc.cli.context import Context
from poc.cli.output import Result, Table, both_times
from poc.core.form import is_state
from poc.core.strictjson import format_time, parse_time
from poc.errors import UsageError


def add(verbs: Any, metavar: str, example: str) -> None:
    """Add the verb to those of a noun."""
    verb = verbs.add_parser(
        "history", help="every entry of the log about one; needs no passphrase and no network"
    )
    verb.add_argument("subject", metavar=metavar, help=example)
    verb.set_defaults(run=_run, of_states=metavar == "STATE")


async def _run(context: Context, arguments: argparse.Namespace) -> Result:
    subject = arguments.subject.strip().lower()
    if is_state(subject) != arguments.of_states:
        other = "contact" if arguments.of_states else "state"
        raise UsageError("usage", f"{subject[:44]!r}: see `poc {other} history`")
    async with context.desk() as desk:
        told = desk.history(subject)
        rows = [
            (
                str(entry.index),
                both_times(parse_time(entry.logged_at)),
                entry.type if entry.subject == subject else f"{entry.type} of {entry.subject}",
                ", ".join(signer.who for signer in entry.signed_by),
                "; ".join(entry.changes),
            )
            for entry in told
        ]
        standing = desk.directory.states[subject].status if arguments.of_states else None
        now = [] if standing is None else [f"{subject} is now {standing}"]
        table = Table(("entry", "logged", "type", "signed by", "what changed"), rows)
        value = {
            "subject": subject,
            "entries": [entry.to_json() for entry in told],
            "standing": standing,
            "as_of": format_time(desk.as_of),
            "size": desk.directory.size,
        }
        note = f"of {desk.directory.size} entries verified here, the newest of {both_times(desk.as_of)}"
        return Result(value, tables=[table], warnings=desk.warnings(), notes=[*now, note])
