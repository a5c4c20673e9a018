"""``poc notice``: brakes that work without the operator. Hold one, hand it to everybody, list what is held.

A brake is signed with the commands of its noun and ``--out``: a freeze, a revocation, a withdrawal, an
objection, a State's rotation.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poc.cli.context import Context, read_file
from poc.cli.output import Result, Table
from poc.limits import BODY_BYTES_MAX


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    adding = verbs.add_parser(
        "add",
        help="hold a signed brake, post it to the hub and to every witness; no passphrase",
        epilog="It is in effect at this desk at once, also if nobody else takes it.",
    )
    adding.add_argument("file", metavar="FILE", type=Path, help="a proposal file, or a signed statement")
    adding.set_defaults(run=_add)
    listing = verbs.add_parser("list", help="list the brakes held here because the log lacks them")
    listing.set_defaults(run=_list)


async def _add(context: Context, arguments: argparse.Namespace) -> Result:
    data = read_file(arguments.file, BODY_BYTES_MAX)
    async with context.desk() as desk:
        handed = await desk.add_notice(data)
        told = desk.warnings()
    lines = [f"{handed.type} of {handed.subject} ({handed.payload_sha256})", f"hub: {handed.hub}"]
    lines += [f"{witness}: {answer}" for witness, answer in handed.witnesses.items()]
    lines.append(
        "held here and in effect at this desk, until the log has it"
        if handed.held
        else "the log has it: nothing needs to be held"
    )
    return Result(handed.to_json(), lines, warnings=told)


async def _list(context: Context, _arguments: argparse.Namespace) -> Result:
    async with context.desk() as desk:
        notices, told = desk.notices(), desk.warnings()
    rows = [
        [n["type"], n["subject"], n["issued_at"], n["hub"] or "not refused", n["payload_sha256"]]
        for n in notices
    ]
    table = Table(("brake", "of", "issued", "hub", "statement"), rows)
    lines = [] if notices else ["no notice is held here: the log lacks no brake that this desk knows of"]
    return Result({"notices": notices}, lines, [table], told)
