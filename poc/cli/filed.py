"""What every command that makes a statement shares: its options, and how it ends.

With ``--out FILE`` the statement goes into a proposal file for others to sign; without it, it is kept
in the outbox and sent. Not a noun of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.cli.context import read_file, write_file
from poc.cli.output import Result, warn
from poc.client.filing import RIGHTS, PublicKeys, read_public_keys
from poc.core.card import Opening
from poc.core.directory import NOT_YET
from poc.core.keys import SealingPublicKey
from poc.core.proposal import proposal_bytes
from poc.core.required import brought_keys
from poc.core.statement import SignedStatement, read_statement
from poc.core.strictjson import parse
from poc.errors import UsageError
from poc.limits import BODY_BYTES_MAX

if TYPE_CHECKING:
    from poc.client.sdk import Desk
    from poc.client.statements import Submitted

KEYS_HELP = "public keys, written by `poc key export PARTY --out FILE` at the home that holds them"


def add_out(parser: argparse.ArgumentParser) -> None:
    """The option that makes a file instead of sending."""
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="write a proposal file for others to sign; send nothing"
    )


def add_device(parser: argparse.ArgumentParser, *, several: bool, required: bool = True) -> None:
    """The option that names a device's exported keys and its rights."""
    parser.add_argument(
        "--device",
        metavar="KEYS[=RIGHT,…]",
        action="append",
        required=required,
        help=f"{'a device, repeatable' if several else 'the device'}: {KEYS_HELP}; "
        f"rights are {', '.join(RIGHTS)}, all by default",
    )


def device_of(text: str) -> tuple[PublicKeys, list[str]]:
    """The keys and rights that a ``--device`` option names."""
    path, _, listed = text.partition("=")
    rights = listed.split(",") if listed else list(RIGHTS)
    unknown = sorted(set(rights) - set(RIGHTS))
    if unknown or len(set(rights)) != len(rights):
        raise UsageError("usage", f"rights are {', '.join(RIGHTS)}, each once")
    return public_keys(Path(path)), rights


def public_keys(path: Path) -> PublicKeys:
    """The exported keys of a file."""
    return read_public_keys(read_file(path, BODY_BYTES_MAX))


def json_file(path: Path) -> Any:
    """The value of a JSON file. Raises ``bad-json`` with line and column."""
    return parse(read_file(path, BODY_BYTES_MAX))


def new_kids(desk: Desk, signed: SignedStatement) -> list[str]:
    """The keys of this home that a statement brings in and that sign it for that."""
    brought = brought_keys(read_statement(signed.payload).body)
    return sorted(kid for kid in brought if desk.keys.has(kid) and not _is_settled(desk, kid))


def _is_settled(desk: Desk, kid: str) -> bool:
    """Whether a key is in the registry already, and came by nothing that was stopped or waits."""
    record = desk.directory.keys.get(kid)
    return record is not None and record.since != NOT_YET


async def finish(
    desk: Desk,
    signed: SignedStatement,
    openings: Sequence[Opening] = (),
    sealing_keys: Sequence[SealingPublicKey] = (),
    *,
    out: Path | None,
    means: str | None = None,
    kids: Collection[str] | None = None,
) -> Result:
    """Sign with this home's keys, then write the file or submit, and tell what became of it.

    ``means`` says on standard error what the statement will do, before it is sent; ``kids`` names the
    keys that sign where not every one that could is to.
    """
    signed = desk.sign(signed, kids)
    for line in (means or "").splitlines():
        warn(line)
    if out is not None:
        file = desk.make_file(signed, openings, sealing_keys)
        write_file(out, proposal_bytes(file))
        statement = read_statement(signed.payload)
        value = {
            "file": str(out),
            "type": statement.type,
            "subject": statement.subject,
            "proposal": statement.sha256,
        }
        lines = [
            f"{statement.type} of {statement.subject} is in {out}, signed by this home.",
            "Pass it to whoever must sign it (`poc proposal sign FILE`), then submit it.",
        ]
        return Result(value, lines=lines)
    return told(signed, await desk.submit(signed, openings, sealing_keys), desk.warnings())


def told(signed: SignedStatement, outcome: Submitted, warnings: Sequence[str] = ()) -> Result:
    """What became of a submitted statement, for people and programs."""
    statement = read_statement(signed.payload)
    value = {"type": statement.type, "subject": statement.subject, **outcome.to_json()}
    what = f"{statement.type} of {statement.subject}"
    if outcome.state == "logged":
        lines = [f"{what} is in the log, entry {outcome.index}."]
    elif outcome.state == "proposed":
        lines = [f"{what} waits at the hub as proposal {outcome.proposal}."]
        lines += [f"still to sign: {missing}" for missing in outcome.missing]
    elif outcome.state == "submitted":
        lines = [f"{what} is logged, says the hub; the log verified here does not show it yet."]
        warnings = [*warnings, "sync again; if it stays so, the hub said what is not true"]
    else:
        lines = [f"{what} waits in the outbox."]
        warnings = [*warnings, "the hub could not be reached; the next `poc sync` sends it"]
    return Result(value, lines=lines, warnings=warnings)
