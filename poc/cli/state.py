"""``poc state``: enrol States, keep their keys, stop what is wrong, list and show them."""

from __future__ import annotations

import argparse

from poc.cli import history, state_brakes, state_keys, state_request
from poc.cli.context import Context
from poc.cli.output import Result, Table
from poc.cli.state_shown import state_lines, state_value
from poc.core.strictjson import format_time


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    state_request.add_request(verbs)
    state_keys.add(verbs)
    state_brakes.add(verbs)
    listing = verbs.add_parser("list", help="list the States; needs no passphrase and no network")
    listing.set_defaults(run=_list)
    show = verbs.add_parser("show", help="show one State by id or name; needs no passphrase and no network")
    show.add_argument("state", metavar="STATE", help="its id, or a name in any of its languages")
    show.set_defaults(run=_show)
    history.add(verbs, "STATE", "its id")


async def _list(context: Context, _arguments: argparse.Namespace) -> Result:
    async with context.desk() as desk:
        rows = [state_value(desk.directory, state) for _, state in sorted(desk.directory.states.items())]
        cells = [
            [r["state"], " / ".join(r["names"]["short"].values()), r["kind"], r["standing"]] for r in rows
        ]
        table = Table(("state", "names", "kind", "standing"), cells)
        value = {"states": rows, "as_of": format_time(desk.as_of)}
        return Result(value, tables=[table], warnings=desk.warnings())


async def _show(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.lookup import find_state

    async with context.desk() as desk:
        directory = desk.directory
        found = directory.states.get(arguments.state)
        if found is None:
            found = directory.states[find_state(directory, arguments.state)]
        contacts = [c.id for c in directory.contacts_of(found.id)]
        witnesses = [w.id for w in directory.witnesses.values() if w.state == found.id and w.seat]
        value = {
            **state_value(directory, found),
            "contacts": contacts,
            "witnesses": witnesses,
            "as_of": format_time(desk.as_of),
        }
        lines = [
            *state_lines(directory, found),
            *(f"{language}: {name}" for language, name in sorted(found.names.official.items())),
            f"authority: {found.threshold} of {len(found.authority_kids)} keys must sign",
            *(f"  key {kid}" for kid in found.authority_kids),
            f"recovery key: {found.recovery_kid or 'none'}",
            f"contacts: {', '.join(contacts) or 'none'}",
            f"witness: {', '.join(witnesses) or 'none'}",
        ]
        return Result(value, lines=lines, warnings=desk.warnings())
