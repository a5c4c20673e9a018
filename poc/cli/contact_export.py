"""The verb ``export`` of ``poc contact``: a State-signed address book as a file. Not a noun of its own."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from poc.cli.context import Context, check_absent, write_file
from poc.cli.output import Result
from poc.errors import UsageError

FORMATS = ("vcard", "jcard", "csv", "openpgp")


def add(verbs: Any) -> None:
    """Add the verb to those of the noun."""
    verb = verbs.add_parser(
        "export", help="an address book for other programs; needs no passphrase and no network"
    )
    verb.add_argument("contacts", metavar="CONTACT", nargs="*", help="such as jo.technical")
    verb.add_argument("--all", action="store_true", help="every contact in force")
    verb.add_argument(
        "--format",
        choices=FORMATS,
        default="vcard",
        help="vCard 4.0 (default), jCard, CSV, or the OpenPGP keys as a keyring",
    )
    verb.add_argument("--out", metavar="FILE", type=Path, help="the new file (default: standard output)")
    verb.set_defaults(run=_run)


async def _run(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.addressbook import export

    if bool(arguments.contacts) == arguments.all:
        raise UsageError("usage", "name contacts, or give --all")
    if arguments.out is not None:
        check_absent(arguments.out)
    async with context.desk() as desk:
        book = desk.address_book(None if arguments.all else arguments.contacts)
        warnings = desk.warnings()
    made = export(book, arguments.format)
    listed = [office.found.contact for office in book.offices if office.mark == "listed"]
    value = {
        "format": arguments.format,
        "contacts": list(made.contacts),
        "listed": listed,
        "left_out": dict(made.left_out),
        "proof": asdict(book.proof),
    }
    warnings += [f"{contact}: left out: {why}" for contact, why in made.left_out.items()]
    warnings += [f"{contact}: listed only, and marked so" for contact in listed if contact in made.contacts]
    if arguments.out is None:
        raw = None if context.as_json else made.data
        return Result({**value, "text": made.data.decode()}, warnings=warnings, raw=raw)
    write_file(arguments.out, made.data, private=True)
    lines = [f"{arguments.out}: {len(made.contacts)} contacts as {arguments.format}", book.proof.sentence()]
    return Result({"file": str(arguments.out), **value}, lines, warnings=warnings)
