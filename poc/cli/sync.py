"""``poc sync``: verify what is new in the log, send what waits, fetch and verify what arrived."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.cli import words
from poc.cli.context import Context, check_absent, read_given, write_file
from poc.cli.message_carriage import carried_result
from poc.cli.output import Progress, Result, Table, both_times, warn
from poc.core.strictjson import parse_time
from poc.errors import RefusedError, UnreachableError, UsageError
from poc.limits import SNAPSHOT_BYTES_MAX

if TYPE_CHECKING:
    from poc.client.sdk import Desk

_STEP_SECONDS = 1.0
_USES = {"seal": "sealing", "sign": "signing"}
_COUNTS = (
    ("entries", "new entries of the log, verified"),
    ("cards", "card parts opened"),
    ("keys", "sealing keys"),
    ("exercises", "exercises"),
    ("sent", "sent from the outbox"),
    ("received", "messages received"),
    ("evidence", "pieces of evidence"),
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command; it has no verbs."""
    parser.add_argument(
        "--progress",
        action="store_true",
        help="tell on standard error how far it is, also without a terminal",
    )
    parser.add_argument(
        "--from-start",
        action="store_true",
        help="ask the hub for everything again, such as after a home was restored from a backup",
    )
    without = parser.add_mutually_exclusive_group()
    without.add_argument(
        "--from", metavar="FILE", dest="from_file", type=Path,
        help="take a log update or snapshot made at another desk, verified as if from the hub; no network",
    )  # fmt: skip
    without.add_argument(
        "--export", metavar="FILE", type=Path,
        help="write the log verified here as a file for `poc sync --from`; no network",
    )  # fmt: skip
    parser.add_argument(
        "--since", metavar="SIZE", type=words.size, default=0,
        help="with --export: only what comes after this many entries (default: 0, the whole log)",
    )  # fmt: skip
    parser.set_defaults(run=_run)


async def _from_file(context: Context, path: Path) -> Result:
    data = read_given(path, SNAPSHOT_BYTES_MAX)
    async with context.desk(unlock=_has_keys(context)) as desk:
        try:
            carried = await desk.sync_from(data)
        except RefusedError as error:
            if error.code == "head-inconsistent":
                _alarm(desk, error)
            raise
        warnings = desk.warnings()
    return carried_result(carried, warnings)


async def _export(context: Context, out: Path, since: int) -> Result:
    check_absent(out)
    async with context.desk() as desk:
        data = desk.export_log(since)
        size, warnings = desk.directory.size, desk.warnings()
    write_file(out, data)
    value = {"file": str(out), "since": since, "size": size, "bytes": len(data)}
    lines = [
        f"{out}: entries {since} to {size}, {len(data):,} bytes; no cards are in it",
        f"another desk takes it with `poc sync --from {out}`",
    ]
    return Result(value, lines, warnings=warnings)


async def _run(context: Context, arguments: argparse.Namespace) -> Result:
    if arguments.since and arguments.export is None:
        raise UsageError("usage", "--since goes with --export")
    if arguments.export is not None:
        return await _export(context, arguments.export, arguments.since)
    if arguments.from_file is not None:
        return await _from_file(context, arguments.from_file)
    return await _with_hub(context, arguments)


async def _with_hub(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=_has_keys(context)) as desk:
        try:
            desk.hub.progress = Progress(asked=arguments.progress)
            async with _telling(desk, Progress(asked=arguments.progress)):
                report = await desk.sync(from_start=arguments.from_start)
        except UnreachableError as error:
            raise _with_outbox(desk, error) from None
        except RefusedError as error:
            if error.code in ("fork", "rollback"):
                _alarm(desk, error)
            raise
        waiting, reminders = _waiting(desk), desk.take_reminders()
    value = {**report.to_json(), "waiting": waiting}
    rows = [(str(value[name]), what) for name, what in _COUNTS]
    lines = [f"the log has {report.size} entries, every one verified here"]
    notes = [f"not taken by the hub: {item}" for item in report.rejected]
    notes += [_rotated(row) for row in report.rotated]
    if report.destroyed:
        notes.append(f"{len(report.destroyed)} old key(s) of this device destroyed: `poc key list`")
    if waiting:
        notes.append(f"{waiting} still waiting in the outbox")
    if report.again_at is not None:
        notes.append(again_note(report.again_at))
    tables, warnings = [Table(("count", "what"), rows)], [*report.warnings, *reminders]
    return Result(value, lines, tables, warnings, 1 if report.failed else 0, notes)


def _rotated(row: dict[str, Any]) -> str:
    told = f"new {_USES[row['use']]} key {row['key'][:12]}…: {row['state']}"
    if row["rotate_by"] is None:
        return told
    return f"{told}; the next one is due by {both_times(parse_time(row['rotate_by']))}"


def again_note(again_at: str) -> str:
    """What a person is told where the hub asks to wait."""
    shown = both_times(parse_time(again_at))
    return f"the hub asks to wait: sending goes on with the first `poc sync` after {shown}"


def _has_keys(context: Context) -> bool:
    """A reader's home has no keyring: it syncs the log and needs no passphrase."""
    from poc.keyring import KEYRING_NAME

    return (context.home / KEYRING_NAME).exists()


def _waiting(desk: Desk) -> int:
    return sum(row["state"] == "waiting" for row in desk.outbox())


def _with_outbox(desk: Desk, error: UnreachableError) -> UnreachableError:
    """The same error, saying what is kept."""
    waiting = _waiting(desk)
    kept = f"{waiting} kept in the outbox" if waiting else "the outbox is empty"
    return UnreachableError(error.code, f"{error.detail}; {kept}", waiting=waiting)


def _alarm(desk: Desk, error: RefusedError) -> None:
    proofs = len(desk.known.trust.proofs())
    warn("ALARM ALARM ALARM")
    warn(f"The hub contradicts what it signed before ({error.code}). Nothing of it was accepted.")
    warn(f"Both signed heads are kept as proof in this home ({proofs} kept). Tell the other States.")


@asynccontextmanager
async def _telling(desk: Desk, progress: Progress) -> AsyncIterator[None]:
    """Tell once a second how far the log and the time have come."""
    task = asyncio.create_task(_tell(desk, progress))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _tell(desk: Any, progress: Progress) -> None:
    begun = time.monotonic()
    while True:
        progress(f"syncing for {time.monotonic() - begun:.0f} s: {desk.directory.size} entries verified")
        await asyncio.sleep(_STEP_SECONDS)
