"""``poc key rotate`` and what ``poc key list`` shows of keys over time.

When a desk replaces and destroys its keys by itself is decided in ``client.rotation``.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from poc.cli.context import Context
from poc.cli.output import Result, Table, both_times
from poc.core.strictjson import format_time, parse_time
from poc.errors import RefusedError

if TYPE_CHECKING:
    from poc.client.sdk import Desk
    from poc.core.directory import Directory

_NO_DESK = {"rotate_by": None, "destroyed_from": None}


def add(verbs: Any) -> None:
    """Add the verb."""
    rotate = verbs.add_parser(
        "rotate", help="replace this device's sealing key now, or its signing key; `poc sync` does it in time"
    )
    rotate.add_argument("--signing", action="store_true", help="the signing key instead of the sealing key")
    rotate.set_defaults(run=_rotate)


async def _rotate(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        outcome = await desk.rotate(signing=arguments.signing)
        warnings = [*desk.warnings(), *desk.take_reminders()]
    if outcome.state == "waiting":
        warnings.append("not with the hub yet: the new key and its statement are kept, `poc sync` sends them")
    kind = "signing" if arguments.signing else "sealing"
    lines = [f"new {kind} key: {outcome.state}"]
    if not arguments.signing:
        lines.append("the old key opens what was sealed to it for 30 days more; then a sync destroys it")
    return Result(outcome.to_json(), lines, warnings=warnings)


async def listed(context: Context, index: list[dict[str, Any]]) -> Result:
    """The keys of a home; where it is a desk, also what its directory says of them, and what is due."""
    try:
        async with context.desk() as desk:
            about = {row["kid"]: _in_directory(desk, row["kid"]) for row in index}
            due, reminders = desk.due(), desk.take_reminders()
    except RefusedError as error:
        if error.code != "not-a-desk":
            raise
        about, due, reminders = {}, [], []
    rows = [
        {
            **row,
            "destroyed_at": row.get("destroyed_at"),
            "replaces": row.get("replaces"),
            "age_days": (context.now() - parse_time(row["created_at"])).days,
            **about.get(row["kid"], _NO_DESK),
        }
        for row in index
    ]
    cells = [[r["kid"], r["use"], r["role"], r["party"], str(r["age_days"]), _state(r, rows)] for r in rows]
    table = Table(("key", "use", "role", "party", "days old", "state"), cells)
    return Result({"keys": rows, "due": due}, tables=[table], warnings=reminders)


def _in_directory(desk: Desk, kid: str) -> dict[str, str | None]:
    from poc.client.rotation import destroyed_from

    rotate_by, gone = _rotate_by(desk.directory, desk.party or "", kid), destroyed_from(desk.directory, kid)
    return {"rotate_by": rotate_by, "destroyed_from": None if gone is None else format_time(gone)}


def _rotate_by(directory: Directory, party: str, kid: str) -> str | None:
    try:
        devices = directory.devices_of(party)
    except RefusedError:
        return None
    return next((format_time(d.rotate_by) for d in devices if d.sealing_kid == kid), None)


def _state(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """What a key is good for now, with the time that matters next."""
    if row["destroyed_at"] is not None:
        return f"destroyed {both_times(parse_time(row['destroyed_at']))}"
    if row["destroyed_from"] is not None:
        return f"replaced; a sync destroys it from {both_times(parse_time(row['destroyed_from']))} on"
    if row["retired_at"] is not None:
        return f"retired {both_times(parse_time(row['retired_at']))}"
    if row["rotate_by"] is not None:
        return f"in use; to be replaced by {both_times(parse_time(row['rotate_by']))}"
    replaced = next((other for other in rows if other["kid"] == row["replaces"]), None)
    if replaced is not None and replaced["retired_at"] is None:
        return "made to replace another; not in the log yet"
    return "keeps messages readable here" if row["role"] == "archive" else "in use"
