"""``poc contact``: nominate and keep contacts and their devices; list and show them.

Nominating is the authority's, recording the registrars'; rotating and confirming the desk's own.
Finding contacts by what people type is ``poc lookup``; brakes, history and exports stand in modules of
their own.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.cli import (
    contact_brakes,
    contact_bulk,
    contact_export,
    contact_handover,
    contact_nudges,
    contact_privacy,
    contact_sheet,
    history,
    words,
)
from poc.cli.context import Context
from poc.cli.filed import add_device, add_out, device_of, finish, json_file
from poc.cli.output import Result, Table
from poc.client.cautions import cautions, recovery_value, suspension_value
from poc.client.filing import FiledCard, card_value, device_value, numbered_devices
from poc.client.rotation import ROTATE_DAYS
from poc.core.directory import Contact, DeviceState
from poc.core.form import form_value
from poc.core.keys import SealingPublicKey
from poc.core.statement import SignedStatement, read_statement
from poc.core.strictjson import format_time
from poc.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from poc.client.sdk import Desk

ROLES = ("diplomatic", "technical", "duty")
CARD_HELP = "the card as JSON: office, reach and, if wanted, person; see docs/spec/card.md"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_nominate(
        verbs.add_parser(
            "nominate", help="nominate a contact, or many of a table, with their devices; the authority signs"
        )
    )
    record = verbs.add_parser(
        "record", help="list a contact, or many of a table, without keys; two registrars sign"
    )
    _add_office(record, or_many=True)
    record.add_argument("--card", metavar="FILE", type=Path, help=CARD_HELP)
    record.add_argument("--source", metavar="TEXT", help="where this is known from")
    contact_bulk.add_from(record)
    add_out(record)
    record.set_defaults(run=_record)
    update = verbs.add_parser("update", help="change a contact's card or role, not its devices")
    _add_office(update)
    update.add_argument("--card", metavar="FILE", type=Path, help=f"the parts that change; {CARD_HELP}")
    update.add_argument("--custody", metavar="WHO", help="own, national or hosted:ID")
    update.add_argument(
        "--machine-receipts", choices=("on", "off"), help="whether the desk confirms retrieval"
    )
    add_out(update)
    update.set_defaults(run=_update)
    confirm = verbs.add_parser("confirm", help='say "still right"; due every 12 months')
    confirm.add_argument("contact", metavar="CONTACT", help="such as jo.technical")
    add_out(confirm)
    confirm.set_defaults(run=_confirm)
    _add_devices(verbs)
    contact_handover.add(verbs)
    contact_brakes.add(verbs)
    contact_privacy.add(verbs)
    contact_nudges.add(verbs)
    contact_sheet.add_sheet(verbs)
    listing = verbs.add_parser("list", help="list contacts; needs no passphrase and no network")
    listing.add_argument("--state", metavar="STATE", help="of one State, by id or name")
    listing.set_defaults(run=_list)
    show = verbs.add_parser(
        "show", help="show one contact with its devices; needs no passphrase and no network"
    )
    show.add_argument("contact", metavar="CONTACT", help="such as jo.technical")
    show.add_argument("--card", action="store_true", help="print its card file, to edit and give back")
    show.set_defaults(run=_show)
    history.add(verbs, "CONTACT", "such as jo.technical")
    contact_export.add(verbs)


def _add_office(parser: argparse.ArgumentParser, *, or_many: bool = False) -> None:
    help_text = "such as jo.technical; none with --from" if or_many else "such as jo.technical"
    parser.add_argument("contact", metavar="CONTACT", nargs="?" if or_many else None, help=help_text)
    parser.add_argument("--role", choices=ROLES, help="by default what the id ends with, or as it was")
    parser.add_argument("--alternate-of", metavar="CONTACT", help="whose alternate it is; none: of nobody")


def _add_nominate(parser: argparse.ArgumentParser) -> None:
    _add_office(parser, or_many=True)
    parser.add_argument("--card", metavar="FILE", type=Path, help=CARD_HELP)
    add_device(parser, several=True, required=False)
    parser.add_argument(
        "--custody", default="own", metavar="WHO", help="who holds its keys: own, national, hosted:ID"
    )
    parser.add_argument(
        "--no-machine-receipts", action="store_true", help="the desk does not confirm retrieval"
    )
    contact_bulk.add_from(parser)
    add_out(parser)
    parser.set_defaults(run=_nominate)


def _add_devices(verbs: Any) -> None:
    added = verbs.add_parser("device-add", help="add a device to a contact or controller")
    added.add_argument("contact", metavar="CONTACT", help="such as jo.technical")
    add_device(added, several=False)
    add_out(added)
    added.set_defaults(run=_device_add)
    revoked = verbs.add_parser("device-revoke", help="end a device of a contact or controller")
    revoked.add_argument("contact", metavar="CONTACT", help="such as jo.technical")
    revoked.add_argument("number", metavar="NUMBER", type=int, help="the device's number")
    revoked.add_argument(
        "--reason", choices=("routine", "compromise", "lost"), required=True, help="why it ends"
    )
    revoked.add_argument(
        "--suspected-since", metavar="TIME", type=words.moment, help="shown to readers; voids nothing"
    )
    revoked.add_argument("--yes", action="store_true", help="do not ask, even where it is the only device")
    add_out(revoked)
    revoked.set_defaults(run=_device_revoke)


# --- statements --------------------------------------------------------------------------------


async def _nominate(context: Context, arguments: argparse.Namespace) -> Result:
    if contact_bulk.is_many(arguments, ("contact", "card", "device")):
        return await contact_bulk.run(context, arguments, listing=False)
    named = [device_of(text) for text in arguments.device]
    card = json_file(arguments.card)
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        before = desk.directory.contacts.get(arguments.contact)
        filed = desk.file_card(arguments.contact, card)
        rotate_by = context.now() + timedelta(days=ROTATE_DAYS)
        body = {
            **_office(arguments, before),
            "card": filed.commitments,
            "machine_receipts": not arguments.no_machine_receipts,
            "custody": arguments.custody,
            "devices": numbered_devices(before, named, rotate_by),
        }
        signed = desk.compose("contact.nominate", arguments.contact, body)
        sealing = [key for keys, _ in named for key in keys.sealing]
        return await _finish_card(desk, signed, filed, sealing, out=arguments.out)


def _office(arguments: argparse.Namespace, before: Contact | None) -> dict[str, Any]:
    """Role and alternate: as given, else as they were, else what the id says."""
    label = arguments.contact.partition(".")[2]
    role = arguments.role or (before.role if before else label if label in ROLES else None)
    if role is None:
        raise UsageError("usage", f"--role is needed: {arguments.contact} does not end with one")
    alternate = arguments.alternate_of or (before.alternate_of if before else None)
    return {"role": role, "alternate_of": None if alternate == "none" else alternate}


async def _record(context: Context, arguments: argparse.Namespace) -> Result:
    if contact_bulk.is_many(arguments, ("contact", "card", "source")):
        return await contact_bulk.run(context, arguments, listing=True)
    card = json_file(arguments.card)
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        before = desk.directory.contacts.get(arguments.contact)
        filed = desk.file_card(arguments.contact, card)
        body = {**_office(arguments, before), "card": filed.commitments, "source": arguments.source}
        signed = desk.compose("contact.record", arguments.contact, body)
        return await _finish_card(desk, signed, filed, out=arguments.out)


async def _update(context: Context, arguments: argparse.Namespace) -> Result:
    changes = (arguments.card, arguments.role, arguments.alternate_of, arguments.custody)
    if all(change is None for change in (*changes, arguments.machine_receipts)):
        raise UsageError(
            "usage", "nothing to change: give --card, --role, --alternate-of, --custody or --machine-receipts"
        )
    card = None if arguments.card is None else json_file(arguments.card)
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        before = desk.directory.contact(arguments.contact)
        filed = None if card is None else desk.file_card(arguments.contact, card)
        receipts = before.machine_receipts
        if arguments.machine_receipts is not None:
            receipts = arguments.machine_receipts == "on"
        body = {
            **_office(arguments, before),
            "card": form_value(before.card) if filed is None else filed.commitments,
            "machine_receipts": receipts,
            "custody": arguments.custody or before.custody,
        }
        signed = desk.compose("contact.update", arguments.contact, body)
        if filed is not None:
            return await _finish_card(desk, signed, filed, out=arguments.out)
        return await finish(desk, signed, out=arguments.out)


async def _finish_card(
    desk: Desk,
    signed: SignedStatement,
    filed: FiledCard,
    sealing: Sequence[SealingPublicKey] = (),
    *,
    out: Path | None,
) -> Result:
    """End as every statement does, saying before and after who will see which part of the card."""
    contact = read_statement(signed.payload).subject
    audiences = contact_privacy.filed_audiences(desk, contact, filed.commitments)
    means = "\n".join(contact_privacy.audience_lines(audiences))
    result = await finish(desk, signed, filed.openings, sealing, out=out, means=means)
    return contact_privacy.with_audiences(result, audiences)


async def _confirm(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        desk.directory.contact(arguments.contact)
        body = {"entry": desk.newest_entry(arguments.contact)}
        return await finish(desk, desk.compose("contact.confirm", arguments.contact, body), out=arguments.out)


async def _device_add(context: Context, arguments: argparse.Namespace) -> Result:
    if len(arguments.device) != 1:
        raise UsageError("usage", "one --device at a time")
    keys, may = device_of(arguments.device[0])
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        party: Any = desk.directory.contacts.get(arguments.contact) or desk.directory.controller(
            arguments.contact
        )
        current = party.nomination if isinstance(party, Contact) else party.newest
        rotate_by = context.now() + timedelta(days=ROTATE_DAYS)
        body = {
            "entry": current.leaf_hash,
            "device": device_value(party.highest_number + 1, keys, may, rotate_by),
        }
        signed = desk.compose("contact.device-add", arguments.contact, body)
        return await finish(desk, signed, (), keys.sealing, out=arguments.out)


async def _device_revoke(context: Context, arguments: argparse.Namespace) -> Result:
    since = arguments.suspected_since
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        device = _device(desk, arguments.contact, arguments.number)
        if len(desk.directory.devices_of(arguments.contact)) == 1 and not arguments.yes:
            words.confirm(
                arguments.contact,
                f"device {device.number} is the only one of {arguments.contact}: without it nothing can be "
                "sealed to this office and it signs nothing, until it is nominated anew or gets a device",
            )
        body = {
            "kid": device.kid,
            "reason": arguments.reason,
            "suspected_since": None if since is None else format_time(since),
        }
        signed = desk.compose("contact.device-revoke", arguments.contact, body)
        result = await finish(desk, signed, out=arguments.out)
    if not desk.known.keys.has(device.kid):
        return result
    ends = "this is the device of this home: once that is logged, it signs, sends and receives nothing more"
    return replace(result, warnings=[*result.warnings, ends])


def _device(desk: Desk, contact: str, number: int) -> DeviceState:
    devices = desk.directory.devices_of(contact)
    found = next((device for device in devices if device.number == number), None)
    if found is None:
        active = ", ".join(str(device.number) for device in devices) or "none"
        raise RefusedError("no-device", f"{contact} has no active device {number}; active: {active}")
    return found


# --- showing -----------------------------------------------------------------------------------


def _row(contact: Contact) -> dict[str, Any]:
    return {
        "contact": contact.id,
        "state": contact.state,
        "level": contact.level,
        "standing": _standing(contact),
        "frozen": contact_brakes.frozen_value(contact),
        "role": contact.role,
        "alternate_of": contact.alternate_of,
        "machine_receipts": contact.machine_receipts,
        "custody": contact.custody,
        "version": contact.version,
        "nominated_at": format_time(contact.nomination.logged_at),
        "confirmed_at": format_time(contact.confirmed_at),
        "tested_at": None if contact.tested_at is None else format_time(contact.tested_at),
        "devices": [
            {
                "number": d.number,
                "key": d.kid,
                "sealing_key": d.sealing_kid,
                "rotate_by": format_time(d.rotate_by),
                "may": sorted(d.may),
            }
            for d in contact.devices
        ],
    }


def _standing(contact: Contact) -> str:
    if contact.withdrawn:
        return "withdrawn"
    return "in force" if contact.frozen is None else "FROZEN"


async def _list(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.lookup import find_state

    async with context.desk() as desk:
        state = None if arguments.state is None else find_state(desk.effective, arguments.state)
        found = [c for _, c in sorted(desk.effective.contacts.items()) if state in (None, c.state)]
        rows = [_row(contact) for contact in found]
        cells = [
            [
                *(r["contact"], r["role"], r["level"], r["standing"], str(len(r["devices"]))),
                *(r["confirmed_at"], r["custody"]),
            ]
            for r in rows
        ]
        headings = ("contact", "role", "level", "standing", "devices", "confirmed", "keys held by")
        table = Table(headings, cells)
        value = {"contacts": rows, "as_of": format_time(desk.as_of)}
        return Result(value, tables=[table], warnings=desk.warnings())


_SHOWN_APART = frozenset({"devices", "card", "due", "frozen", "state_recovery", "state_suspension"})


def _shown(value: Any) -> str:
    return {None: "none", True: "yes", False: "no"}.get(value, str(value))


async def _show(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk() as desk:
        withdrawn = desk.effective.contacts.get(arguments.contact)
        if withdrawn is not None and withdrawn.withdrawn:
            value = {**_row(withdrawn), "card": {}, "as_of": format_time(desk.as_of)}
            lines = [f"{withdrawn.id}: WITHDRAWN by its State; nothing is sealed to it and it signs nothing"]
            return Result(value, lines=lines, warnings=desk.warnings())
        contact = desk.effective.contact(arguments.contact)
        parts = desk.known.card(contact.id)
        card = card_value(parts, contact)
        if arguments.card:
            import json

            return Result(card, lines=json.dumps(card, ensure_ascii=False, indent=2).split("\n"))
        state = desk.directory.states.get(contact.state)
        value = {
            **_row(contact),
            "state_recovery": recovery_value(state),
            "state_suspension": suspension_value(state),
            "due": [row for row in desk.due() if row["party"] == contact.id],
            "card": card,
            "as_of": format_time(desk.as_of),
        }
        lines = [f"{name}: {_shown(value[name])}" for name in value if name not in _SHOWN_APART]
        lines += contact_brakes.frozen_lines(contact)
        lines += [f"CAUTION: {told}" for told in cautions(desk.directory, contact.state)]
        hidden = [part for part in ("office", "reach") if part not in parts]
        lines += [f"{part}: not open to this home, or not synced" for part in hidden]
        lines += contact_privacy.audience_lines(desk.audiences(contact.id))
        lines.append(f"how to reach it: poc lookup --id {contact.id}")
        cells = [
            [str(d["number"]), d["key"], d["sealing_key"], d["rotate_by"], ", ".join(d["may"])]
            for d in value["devices"]
        ]
        table = Table(("device", "signing key", "sealing key", "rotate by", "may"), cells)
        warnings = [*desk.warnings(), *desk.take_reminders()]
        return Result(value, lines=lines, tables=[table], warnings=warnings)
