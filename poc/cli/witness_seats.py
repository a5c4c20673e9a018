"""The verbs of ``poc witness`` at a desk: appoint, dismiss, list. Not a noun of its own."""

from __future__ import annotations

import argparse
from typing import Any

from poc.cli.context import Context, write_file
from poc.cli.filed import add_out, finish
from poc.cli.output import Result, Table
from poc.cli.registry_shown import quorum_line
from poc.client import statements
from poc.client.home import TRUST_NAME
from poc.core.bodies import ActsOn
from poc.core.directory import Directory, Dismissal, Seat, Witness
from poc.core.form import form_of
from poc.core.proposal import make_proposal, proposal_bytes
from poc.core.statement import statement_payload
from poc.core.strictjson import format_time
from poc.errors import UsageError
from poc.keyring import Keyring


def add(verbs: Any) -> None:
    """Add these verbs to those of the noun."""
    appoint = verbs.add_parser("appoint", help="give a State's witness a seat; its authority and key sign")
    appoint.add_argument("witness", metavar="ID", help="such as jo.witness; a State has one")
    appoint.add_argument("--vkey", required=True, help="its key, as `poc witness show` prints it")
    appoint.add_argument("--url", required=True, help="where the hub asks it, such as https://w.example.org")
    add_out(appoint)
    appoint.set_defaults(run=_appoint)
    dismiss = verbs.add_parser("dismiss", help="end a witness's seat; its State's authority or its key signs")
    dismiss.add_argument("witness", metavar="ID", help="such as jo.witness")
    dismiss.add_argument(
        "--entry", metavar="HASH", help="at the witness's own home: its appointment, from `poc witness list`"
    )
    dismiss.add_argument("--origin", help="at the witness's own home, where it watches several logs")
    add_out(dismiss)
    dismiss.set_defaults(run=_dismiss)
    listing = verbs.add_parser("list", help="list witnesses and seats; needs no passphrase and no network")
    listing.set_defaults(run=_list)


async def _appoint(context: Context, arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        body = {"vkey": arguments.vkey, "url": arguments.url}
        signed = desk.compose("witness.appoint", arguments.witness, body)
        before = desk.directory.witnesses.get(arguments.witness)
        means = (
            f"{arguments.witness} will have a seat and count towards the quorum once an attest covers this. "
            "Its key signs too where it is new: `poc proposal sign FILE` at the witness's home."
        )
        if before is not None and before.seat is not None:
            means += f" Until then its present key counts, at {before.seat.url}."
        return await finish(desk, signed, out=arguments.out, means=means)


async def _dismiss(context: Context, arguments: argparse.Namespace) -> Result:
    if not (context.home / TRUST_NAME).exists():
        return await _dismiss_itself(context, arguments)
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        directory = desk.directory
        witness = directory.witness(arguments.witness)
        signed = desk.compose("witness.dismiss", witness.id, {"entry": witness.newest.leaf_hash})
        means = (
            f"{witness.id} will lose its seat once an attest covers this; until then it counts. "
            f"Now {quorum_line(directory).removeprefix('witnesses: ')}."
        )
        if len(directory.seats) == 1 and witness.seat is not None and directory.settings.quorum != "none":
            means += " It is the last seat, so its dismissal waits until another witness has one."
        return await finish(desk, signed, out=arguments.out, means=means)


async def _dismiss_itself(context: Context, arguments: argparse.Namespace) -> Result:
    """The file by which a witness dismisses itself at its own home, which has no directory to ask."""
    from poc.witness.store import read_logs

    if arguments.entry is None or arguments.out is None:
        raise UsageError("usage", "at a witness's own home give --entry (from `poc witness list`) and --out")
    origins = [log.origin for log in await read_logs(context.home)]
    if arguments.origin is None and len(origins) != 1:
        raise UsageError("usage", f"--origin is needed: this home watches {', '.join(origins) or 'no log'}")
    payload = statement_payload(
        origin=arguments.origin or origins[0],
        type="witness.dismiss",
        subject=arguments.witness,
        body=form_of(ActsOn, {"entry": arguments.entry}),
        issued_at=context.now(),
        version=None,
        previous=None,
    )
    keys = Keyring.unlock(context.home, context.passphrase())
    signed = statements.sign(statements.bare(payload), keys)
    write_file(arguments.out, proposal_bytes(make_proposal(signed, (), ())))
    value = {"file": str(arguments.out), "type": "witness.dismiss", "subject": arguments.witness}
    line = f"witness.dismiss of {arguments.witness} is in {arguments.out}; any desk submits it."
    return Result(value, lines=[line, "poc proposal submit FILE"])


async def _list(context: Context, _arguments: argparse.Namespace) -> Result:
    async with context.desk() as desk:
        directory = desk.directory
        rows = [_row(directory, witness) for _, witness in sorted(directory.witnesses.items())]
        cells = [[r["witness"], r["state"], r["standing"], _urls(r), r["entry"]] for r in rows]
        table = Table(("witness", "State", "standing", "address", "appointment"), cells)
        value = {
            "witnesses": rows,
            "seats": len(directory.seats),
            "quorum": directory.quorum,
            "as_of": format_time(desk.as_of),
        }
        return Result(value, lines=[quorum_line(directory)], tables=[table], warnings=desk.warnings())


def _row(directory: Directory, witness: Witness) -> dict[str, Any]:
    waits = [p.change for p in directory.pending if getattr(p.change, "witness", None) == witness.id]
    coming = next((change for change in reversed(waits) if isinstance(change, Seat)), None)
    return {
        "witness": witness.id,
        "state": witness.state,
        "standing": _standing(witness, waiting=bool(waits), coming=coming),
        "seat": _seat(witness.seat),
        "waiting_seat": _seat(coming),
        "waits_for_dismissal": any(isinstance(change, Dismissal) for change in waits),
        "version": witness.version,
        "entry": witness.newest.leaf_hash,
    }


def _standing(witness: Witness, *, waiting: bool, coming: Seat | None) -> str:
    if witness.dismissed:
        return "dismissed; its seat waits for an attest to end" if waiting and witness.seat else "dismissed"
    if coming is None:
        return "in force"
    return "waits for an attest" if witness.seat is None else "in force; another key or address waits"


def _seat(seat: Seat | None) -> dict[str, str] | None:
    return None if seat is None else {"key": seat.kid, "vkey": seat.vkey, "url": seat.url}


def _urls(row: dict[str, Any]) -> str:
    return " then ".join(seat["url"] for seat in (row["seat"], row["waiting_seat"]) if seat is not None)
