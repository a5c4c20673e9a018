"""``poc message export`` and ``import``: sealed messages and answers by file or mail, without the hub."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.cli import words
from poc.cli.context import Context, check_absent, read_given, write_file
from poc.cli.output import Result, short_id
from poc.errors import CATALOGUE, UsageError
from poc.limits import CARRIAGE_BYTES_MAX

if TYPE_CHECKING:
    from poc.client.carriage import Carried

_WAITING = "kept, not verified yet"


def add(verbs: Any) -> None:
    """Add the verbs."""
    export = verbs.add_parser(
        "export",
        help="write a message, or the answers to one, as a sealed file or mail; no network",
        epilog="The hub accepts the same message later without doubling it: leave it in the outbox.",
    )
    export.add_argument("id", metavar="ID", help="the message's id, or enough of its beginning or end")
    export.add_argument(
        "--answers", action="store_true", help="what this desk answered to it, for the message's sender"
    )
    export.add_argument(
        "--to",
        metavar="CONTACT",
        action="append",
        default=[],
        help="only for this addressee; may be repeated (default: a file for each)",
    )
    export.add_argument(
        "--held", action="store_true", help="also for alternates whose time has not come: they open it then"
    )
    kind = export.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="the new file; with several, each has its contact in its name",
    )
    kind.add_argument(
        "--eml",
        metavar="FILE",
        type=Path,
        help="the same as a mail, ready to open and send in a mail program",
    )
    export.set_defaults(run=_export)
    taken = verbs.add_parser(
        "import", help="take a sealed file, or a mail with one, and verify it; no network"
    )
    taken.add_argument(
        "file", metavar="FILE", type=Path, help="the file or saved mail; - reads standard input"
    )
    taken.set_defaults(run=_import)


async def _export(context: Context, arguments: argparse.Namespace) -> Result:
    mail = arguments.eml is not None
    out: Path = arguments.eml if mail else arguments.out
    if arguments.answers and (arguments.to or arguments.held):
        raise UsageError("usage", "--answers go to the message's sender: leave out --to and --held")
    async with context.desk() as desk:
        trust, left_out = desk.known.trust, dict[str, str]()
        if arguments.answers:
            message = words.find_id(arguments.id, [row.message for row in trust.inbox()])
            files = {"": desk.export_answers(message, mail=mail)}
        else:
            message = words.find_id(arguments.id, [row.ref for row in trust.outbox(kind="message")])
            files, left_out = desk.export_message(message, arguments.to, early=arguments.held, mail=mail)
        warnings = desk.warnings()
    paths = {contact: _path(out, contact if len(files) > 1 else "") for contact in files}
    for path in paths.values():
        check_absent(path)
    for contact, data in files.items():
        write_file(paths[contact], data, private=True)
    value = {
        "message": message,
        "answers": arguments.answers,
        "files": [{"file": str(paths[c]), "contact": c or None, "bytes": len(files[c])} for c in files],
        "left_out": [{"contact": contact, "code": code} for contact, code in left_out.items()],
    }
    lines = [f"wrote {paths[c]} ({len(files[c])} bytes){f' for {c}' if c else ''}" for c in files]
    what = (
        "signed, not sealed: whoever carries it sees what the hub would see of an answer"
        if arguments.answers
        else "sealed: whoever carries it sees no more of it than the hub would"
    )
    notes = [what, "its reader runs `poc message import FILE`"]
    warnings += [f"no file for {c}: {CATALOGUE[code].sentence} [{code}]" for c, code in left_out.items()]
    return Result(value, lines, warnings=warnings, notes=notes)


def _path(out: Path, contact: str) -> Path:
    return out.with_name(f"{out.stem}-{contact}{out.suffix}") if contact else out


async def _import(context: Context, arguments: argparse.Namespace) -> Result:
    data = read_given(arguments.file, CARRIAGE_BYTES_MAX)
    async with context.desk(unlock=True) as desk:
        carried = await desk.import_file(data)
        warnings = desk.warnings()
    return carried_result(carried, warnings)


def carried_result(carried: Carried, warnings: list[str]) -> Result:
    """What a file brought, for a terminal; exit code 1 where something of it was not taken or verified."""
    lines = []
    if carried.entries or not (carried.messages or carried.answers):
        lines.append(
            f"the log has {carried.size} entries, {carried.entries} of them new, every one verified here"
        )
    if carried.keys or carried.cards:
        lines.append(f"{carried.keys} sealing keys and {carried.cards} card parts")
    lines += [_message_line(message) for message in carried.messages]
    lines += [_answer_line(answer) for answer in carried.answers]
    stuck = any(message["reason"] is not None for message in carried.messages)
    failed = bool(carried.refused) or stuck
    return Result(carried.to_json(), lines, warnings=[*carried.warnings, *warnings], exit_code=int(failed))


def _message_line(message: dict[str, Any]) -> str:
    told = f"message {short_id(message['message'])} from {message['from']}: "
    if message["reason"] is not None:
        row = CATALOGUE[message["reason"]]
        return f"{told}{_WAITING}: {row.sentence} {row.next_step} [{message['reason']}]"
    if not message["new"]:
        return f"{told}here already ({message['state']}); nothing is repeated"
    return f"{told}verified ({message['state']}); `poc message show {message['message'][-12:]}`"


def _answer_line(answer: dict[str, Any]) -> str:
    when = "recorded by the hub" if answer["recorded"] else "not recorded by the hub: its time is unproven"
    known = "" if answer["new"] else "; it was here"
    return f"{answer['contact']} {answer['outcome']} {short_id(answer['message'])}: verified, {when}{known}"
