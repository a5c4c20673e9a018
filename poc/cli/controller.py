"""``poc controller``: appoint who runs exercises (a registrar's desk), list those in office."""

from __future__ import annotations

import argparse
from datetime import timedelta

from poc.cli import words
from poc.cli.context import Context
from poc.cli.filed import add_device, add_out, device_of, finish
from poc.cli.output import Result, Table
from poc.client.filing import device_value
from poc.client.rotation import ROTATE_DAYS
from poc.core.form import state_of
from poc.core.strictjson import format_time


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    appoint = verbs.add_parser("appoint", help="propose a controller; two registrars and its devices sign")
    appoint.add_argument("controller", metavar="ID", help="such as x-arcc.controller-1")
    appoint.add_argument(
        "--name",
        metavar="LANG=TEXT",
        type=words.pair,
        action="append",
        required=True,
        help="the office's name in a language, repeatable",
    )
    add_device(appoint, several=True)
    add_out(appoint)
    appoint.set_defaults(run=_appoint)
    dismiss = verbs.add_parser("dismiss", help="propose to dismiss a controller; two registrars sign")
    dismiss.add_argument("controller", metavar="ID", help="such as x-arcc.controller-1")
    add_out(dismiss)
    dismiss.set_defaults(run=_dismiss)
    listing = verbs.add_parser("list", help="list the controllers; needs no passphrase and no network")
    listing.set_defaults(run=_list)


async def _appoint(context: Context, arguments: argparse.Namespace) -> Result:
    named = [device_of(text) for text in arguments.device]
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        rotate_by = context.now() + timedelta(days=ROTATE_DAYS)
        before = desk.directory.controllers.get(arguments.controller)
        first = 1 if before is None else before.highest_number + 1
        devices = [device_value(n, keys, may, rotate_by) for n, (keys, may) in enumerate(named, first)]
        body = {
            "names": words.pairs(arguments.name, "the name in"),
            "body": state_of(arguments.controller),
            "devices": devices,
        }
        signed = desk.compose("controller.appoint", arguments.controller, body)
        sealing = [key for keys, _ in named for key in keys.sealing]
        return await finish(desk, signed, (), sealing, out=arguments.out)


async def _dismiss(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        office = desk.directory.controller(arguments.controller)
        signed = desk.compose("controller.dismiss", office.id, {"entry": office.newest.leaf_hash})
        means = (
            f"{office.id} will be out of office: its {len(office.devices)} device(s) end for good and its "
            "exercises take no further orders. Only a new appointment with new keys brings it back."
        )
        return await finish(desk, signed, out=arguments.out, means=means)


async def _list(context: Context, _arguments: argparse.Namespace) -> Result:
    async with context.desk() as desk:
        found = [c for _, c in sorted(desk.directory.controllers.items()) if not c.dismissed]
        rows = [
            {"controller": c.id, "body": c.body, "names": dict(c.names), "devices": len(c.devices)}
            for c in found
        ]
        cells = [[c.id, c.body, " / ".join(c.names.values()), str(len(c.devices))] for c in found]
        table = Table(("controller", "body", "names", "devices"), cells)
        value = {"controllers": rows, "as_of": format_time(desk.as_of)}
        return Result(value, tables=[table], warnings=desk.warnings())
