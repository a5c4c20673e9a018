"""``poc contact sheet``: contacts as printed pages for the paper folder; no passphrase and no network."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from poc.cli.context import Context, write_file
from poc.cli.output import Result
from poc.core.strictjson import b64u, format_time

if TYPE_CHECKING:
    from poc.client.lookup import FoundContact
    from poc.client.sdk import Desk
    from poc.report.paper import Language
    from poc.report.sheet import SheetContact

LANGUAGES = ("ar", "en")


def add_sheet(verbs: Any) -> None:
    """Add the verb."""
    sheet = verbs.add_parser("sheet", help="print contacts for the paper folder, as PDF; needs no passphrase")
    sheet.add_argument("contacts", metavar="CONTACT", nargs="+", help="such as jo.technical")
    sheet.add_argument("--out", metavar="FILE", type=Path, required=True, help="the PDF to write, a new file")
    sheet.add_argument(
        "--language", choices=LANGUAGES, help="only this language; by default a page in each for each contact"
    )
    sheet.set_defaults(run=_sheet)


async def _sheet(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.lookup import find_contact
    from poc.report.sheet import SheetRegistry, contact_sheets

    async with context.desk() as desk:
        directory = desk.directory
        ids = dict.fromkeys(find_contact(directory, wanted) for wanted in arguments.contacts)
        found = [_found(desk, contact) for contact in ids]
        registry = SheetRegistry(
            directory.origin, directory.fingerprint, directory.size, b64u(directory.tree.root()), desk.as_of
        )
        languages = cast("tuple[Language, ...]", (arguments.language,) if arguments.language else LANGUAGES)
        now = context.now()
        pdf = contact_sheets([_printed(desk, one) for one in found], registry, languages, now)
        write_file(arguments.out, pdf, private=True)
        value = {
            "file": str(arguments.out),
            "contacts": list(ids),
            "languages": list(languages),
            "as_of": format_time(desk.as_of),
        }
        lines = [f"{len(ids)} contacts are in {arguments.out}, as of {format_time(desk.as_of)}."]
        missing = [one.contact for one in found if not one.channels]
        warnings = [f"{contact}: its card is not open here; the sheet says so" for contact in missing]
        warnings += [told for one in found for told in one.warnings()]
        return Result(value, lines=lines, warnings=[*desk.warnings(), *warnings])


def _found(desk: Desk, contact: str) -> FoundContact:
    from poc.client.lookup import Query

    return desk.lookup(Query(contact=contact)).contacts[0]


def _printed(desk: Desk, found: FoundContact) -> SheetContact:
    from poc.report.sheet import SheetContact

    return SheetContact(
        contact=found.contact,
        state_names=found.state_names,
        names=found.names,
        department=found.department,
        role=found.role,
        level=found.level,
        channels=found.channels,
        languages=found.languages,
        zone=found.zone,
        hours=found.hours,
        confirmed_at=found.confirmed_at,
        confirm_due_at=found.confirm_due_at,
        custody=found.custody,
        alternate_of=found.alternate_of,
        alternates=found.alternates,
        devices=[(device.number, device.kid) for device in desk.directory.devices_of(found.contact)],
        told=found.warnings(),
    )
