"""``poc message attachments``, and what ``show --save`` does: fetch, verify, write as opaque files."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.cli.attachments import ToSave, save_attachments
from poc.cli.context import Context
from poc.cli.message_ids import ID_HELP, find_message
from poc.cli.output import Progress, Result, Table
from poc.errors import PocError

if TYPE_CHECKING:
    from poc.client.attachments import AttachmentHere
    from poc.client.sdk import Desk


def add(verbs: Any) -> None:
    """Add ``attachments``."""
    attachments = verbs.add_parser(
        "attachments", help="list the attachments of a message and how much of each is here"
    )
    attachments.add_argument("id", metavar="ID", help=ID_HELP)
    attachments.add_argument(
        "--fetch",
        action="store_true",
        help="fetch what is not here yet and keep it sealed, to be saved later",
    )
    attachments.set_defaults(run=_attachments)


async def _attachments(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        message = find_message(desk, arguments.id)
        failed = await fetch(desk, message) if arguments.fetch else {}
        listed = desk.attachments(message)
    rows = [(str(here.number), here.name, str(here.size_bytes), where(here)) for here in listed]
    value = {"message": message, "attachments": [here.to_json() for here in listed]}
    table = Table(("number", "name", "bytes", "where"), rows)
    lines = [] if rows else ["the message has no attachments"]
    return Result(value, lines, [table], told(listed, failed), exit_code=exit_code(failed))


async def fetch(desk: Desk, message: str) -> dict[int, PocError]:
    """Fetch what is not here yet, with progress on standard error; why some could not be, by number."""
    desk.hub.progress = Progress()
    return await desk.fetch_attachments(message)


def where(here: AttachmentHere) -> str:
    """Whether an attachment is at this desk."""
    if here.blob_bytes is None:
        return "in the message"
    return f"not here yet: {here.missing_bytes} bytes" if here.missing_bytes else "here"


def told(listed: list[AttachmentHere], failed: dict[int, PocError]) -> list[str]:
    """A warning for each attachment that could not be had."""
    return [
        f"attachment {here.number} ({here.name}) is {where(here)}: {failed[here.number].message} "
        f"{failed[here.number].next_step} [{failed[here.number].code}]"
        for here in listed
        if here.number in failed
    ]


def exit_code(failed: dict[int, PocError]) -> int:
    """3 where trying again may help, 1 where something was refused, 0 where all is well."""
    return max((error.exit_code for error in failed.values()), default=0)


async def save(desk: Desk, message: str, folder: Path) -> tuple[list[str], list[str], int]:
    """Fetch, verify and write every attachment that can be had: (paths, warnings, exit code).

    Raises ``file-exists`` (then nothing was written), ``no-such-file``.
    """
    failed = await fetch(desk, message)
    opened, listed, good = desk.show(message), desk.attachments(message), []
    for here in listed:
        read = partial(desk.read_attachment, opened, here.number)
        try:
            if here.number not in failed:
                read()
                good.append(ToSave(here.number, here.name, here.sha256, read))
        except PocError as error:
            failed[here.number] = error
    paths = save_attachments(folder, good)
    return paths, told(desk.attachments(message), failed), exit_code(failed)
