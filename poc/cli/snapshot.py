"""``poc snapshot``: write all that this home has verified into one file; verify and show such a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.cli.context import Context, add_fingerprint, check_absent, read_given, write_file
from poc.cli.lookup import card_lines, contacts_tables
from poc.cli.output import Result, both_times, warn
from poc.core.statement import format_fingerprint
from poc.core.strictjson import b64u, format_time
from poc.limits import SNAPSHOT_BYTES_MAX

if TYPE_CHECKING:
    from poc.core.snapshot import Snapshot


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    export = verbs.add_parser(
        "export", help="write a snapshot of this home; needs no passphrase and no network"
    )
    export.add_argument("file", metavar="FILE", type=Path, help="the new file; - writes to standard output")
    export.add_argument(
        "--without-cards",
        action="store_true",
        help="leave out every card: for people who may not see how to reach the offices",
    )
    export.set_defaults(run=_export)
    readers = {}
    for name, run, told in (
        ("verify", _verify, "verify a snapshot from the fingerprint alone; no home, no network"),
        ("show", _show, "verify a snapshot, then show its contacts; no home, no network"),
    ):
        verb = verbs.add_parser(name, help=told)
        verb.add_argument("file", metavar="FILE", type=Path, help="the snapshot; - reads standard input")
        add_fingerprint(verb)
        verb.set_defaults(run=run)
        readers[name] = verb
    readers["show"].add_argument(
        "contact", metavar="CONTACT", nargs="?", help="one contact with its whole card, such as jo.technical"
    )


async def _export(context: Context, arguments: argparse.Namespace) -> Result:
    out: Path = arguments.file
    if str(out) != "-":
        check_absent(out)
    async with context.desk() as desk:
        data = desk.snapshot(with_cards=not arguments.without_cards)
        size, warnings = desk.directory.size, desk.warnings()
    told = f"{size} entries, {len(data):,} bytes, {'without' if arguments.without_cards else 'with'} cards"
    if str(out) == "-":
        warn(f"snapshot: {told}")
        return Result(None, warnings=warnings, raw=data)
    write_file(out, data, private=not arguments.without_cards)
    value = {"file": str(out), "entries": size, "bytes": len(data), "with_cards": not arguments.without_cards}
    lines = [f"{out}: {told}", f"anybody verifies it with `poc snapshot verify {out} --fingerprint F`"]
    return Result(value, lines, warnings=warnings)


def _opened(context: Context, arguments: argparse.Namespace) -> tuple[Snapshot, list[str]]:
    from poc.client.snapshots import snapshot_warnings
    from poc.core.snapshot import verify_snapshot

    pinned = context.pinned(arguments.fingerprint)
    snapshot = verify_snapshot(read_given(arguments.file, SNAPSHOT_BYTES_MAX), pinned)
    return snapshot, snapshot_warnings(snapshot, context.now())


def _value(snapshot: Snapshot) -> dict[str, Any]:
    directory = snapshot.directory
    return {
        "verified": True,
        "origin": snapshot.origin,
        "fingerprint": snapshot.fingerprint,
        "size": snapshot.checkpoint.size,
        "root": b64u(snapshot.checkpoint.root),
        "newest_entry_at": format_time(directory.logged_at),
        "made_at": format_time(snapshot.made_at),
        "cosigned_at": None if snapshot.cosigned_at is None else format_time(snapshot.cosigned_at),
        "with_cards": snapshot.with_cards,
        "counts": {
            "states": sum(state.status == "enrolled" for state in directory.states.values()),
            "contacts": sum(not contact.withdrawn for contact in directory.contacts.values()),
            "openings": len(snapshot.openings),
            "sealing_keys": len(snapshot.sealing_keys),
        },
    }


def _lines(snapshot: Snapshot, value: dict[str, Any]) -> list[str]:
    counts = value["counts"]
    cosigned = "no quorum is asked for" if snapshot.cosigned_at is None else both_times(snapshot.cosigned_at)
    return [
        f"VERIFIED: a snapshot of {snapshot.origin}",
        f"fingerprint  {format_fingerprint(snapshot.fingerprint)}",
        f"size         {value['size']} entries, every signature and rule",
        f"root         {value['root']}",
        f"newest entry {both_times(snapshot.directory.logged_at)}",
        f"made         {both_times(snapshot.made_at)} by its maker's clock, signed by nobody",
        f"cosigned     {cosigned}",
        f"States       {counts['states']}; contacts {counts['contacts']}",
        f"beside it    {counts['openings']} card parts, {counts['sealing_keys']} sealing keys",
    ]


def _verify(context: Context, arguments: argparse.Namespace) -> Result:
    snapshot, warnings = _opened(context, arguments)
    value = {**_value(snapshot), "warnings": warnings}
    return Result(value, _lines(snapshot, value), warnings=warnings)


def _show(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.lookup import Query, find_contact, lookup

    snapshot, warnings = _opened(context, arguments)
    contact = None if arguments.contact is None else find_contact(snapshot.directory, arguments.contact)
    found = lookup(snapshot.directory, snapshot.cards, Query(contact=contact), context.now())
    told = [*warnings, *(line for contact in found.contacts for line in contact.warnings())]
    value = {**_value(snapshot), **found.to_json(), "warnings": warnings}
    lines, missing = _lines(snapshot, value), "not in this snapshot"
    if contact is not None:
        lines += card_lines(found.contacts[0], context.now(), missing)
        return Result(value, lines, warnings=told)
    return Result(value, lines, contacts_tables(found.contacts, missing), warnings=told)
