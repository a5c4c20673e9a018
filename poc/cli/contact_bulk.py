"""``poc contact nominate --from`` and ``record --from``: many contacts of one table. Not a noun of its own.

All rows are checked first. With a fault nothing is kept or sent, unless ``--skip-bad``; then every row
that was left is named.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from poc.cli.context import Context, read_file, write_file
from poc.cli.filed import device_of
from poc.cli.output import Progress, Result, Table, warn
from poc.errors import RefusedError, UsageError
from poc.limits import BODY_BYTES_MAX, IMPORT_BYTES_MAX

if TYPE_CHECKING:
    from poc.client.bulk import Checked
    from poc.client.columns import Columns
    from poc.client.sdk import Desk
    from poc.client.sheets import Sheet
    from poc.client.statements import Submitted
    from poc.core.proposal import Proposal

_STEP_SECONDS: Final = 1.0


def add_from(parser: argparse.ArgumentParser) -> None:
    """The options that take many contacts from a table."""
    group = parser.add_argument_group("many contacts of one table")
    group.add_argument(
        "--from", metavar="FILE", dest="table", type=Path,
        help="a table: CSV (, ; or tab) or .json, one contact a row; all rows are checked first",
    )  # fmt: skip
    group.add_argument(
        "--map", metavar="MAP.json|FIELD=COLUMN", action="append", default=[],
        help="which column is which field: a mapping file, or a pair, repeatable; guessed by default",
    )  # fmt: skip
    group.add_argument(
        "--set", metavar="FIELD=VALUE", action="append", default=[], dest="fixed",
        help="a field's value in every row, such as role=technical",
    )  # fmt: skip
    group.add_argument(
        "--skip-bad", action="store_true", help="leave rows with faults out, naming each, and take the rest"
    )
    group.add_argument("--dry-run", action="store_true", help="check and report; keep and send nothing")


def is_many(arguments: argparse.Namespace, of_one: Sequence[str]) -> bool:
    """Whether a table is meant. Raises ``usage`` where neither it nor one contact is given whole."""
    of_many = ("map", "fixed", "skip_bad", "dry_run")
    if arguments.table is None:
        if any(getattr(arguments, name) for name in of_many):
            raise UsageError("usage", "--map, --set, --skip-bad and --dry-run go with --from FILE")
        missing = [name for name in of_one if not getattr(arguments, name)]
        if missing:
            names = ", ".join(n.upper() if n == "contact" else f"--{n}" for n in missing)
            raise UsageError("usage", f"these are needed, or --from FILE: {names}")
        return False
    for name in ("contact", "card", "device", "role", "alternate_of"):
        if getattr(arguments, name, None):
            raise UsageError("usage", f"with --from, {name.replace('_', '-')} comes from a column or --set")
    return True


async def run(context: Context, arguments: argparse.Namespace, *, listing: bool) -> Result:
    """Check every row, then file, submit or report."""
    from poc.client.bulk import check_rows, key_files_beside
    from poc.client.sheets import read_sheet

    table: Path = arguments.table
    sheet = read_sheet(read_file(table, IMPORT_BYTES_MAX), is_json=table.suffix.lower() == ".json")
    columns = _columns(arguments, sheet)
    warn(f"{len(sheet.rows)} rows in {table}; columns and fields:")
    for line in columns.lines(sheet):
        warn(f"  {line}")
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        checked = await check_rows(
            desk,
            sheet,
            columns,
            listing=listing,
            device_of=lambda text: device_of(key_files_beside(table, text)),
            files=_files_in(arguments.out),
            progress=Progress(),
        )
        report = _Report(table, columns, checked)
        bad = sum(row.standing == "bad" for row in checked)
        if bad and not arguments.skip_bad:
            return report.refused(bad)
        if arguments.dry_run:
            return report.result(desk.warnings(), "nothing was kept or sent (--dry-run)")
        if arguments.out is not None:
            report.outcomes = _write_files(desk, arguments.out, checked)
        else:
            report.outcomes = await _submit(desk, checked)
        return report.result(desk.warnings())


def _columns(arguments: argparse.Namespace, sheet: Sheet) -> Columns:
    from poc.client.columns import choose_columns, read_mapping

    files = [text for text in arguments.map if "=" not in text]
    if len(files) > 1:
        raise UsageError("usage", "one mapping file at a time")
    file = read_mapping(read_file(Path(files[0]), BODY_BYTES_MAX)) if files else None
    pairs = [_pair(text) for text in arguments.map if "=" in text]
    fixed = [_pair(text) for text in arguments.fixed]
    options = {name: getattr(arguments, name, None) for name in ("source", "custody")}
    fixed += [(name, value) for name, value in options.items() if value not in (None, "own")]
    if getattr(arguments, "no_machine_receipts", False):
        fixed.append(("machine-receipts", "off"))
    return choose_columns(sheet, file, pairs, fixed)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError("usage", f"{text[:40]}: FIELD=VALUE is expected")
    return name.strip(), value.strip()


# --- doing -------------------------------------------------------------------------------------


def _files_in(folder: Path | None) -> list[Proposal]:
    """The proposal files that an earlier run wrote there."""
    from poc.core.proposal import read_proposal

    paths = sorted(folder.glob("*.json")) if folder is not None else []
    return [read_proposal(read_file(path, BODY_BYTES_MAX))[0] for path in paths]


def _write_files(desk: Desk, folder: Path, checked: Sequence[Checked]) -> dict[int, dict[str, Any]]:
    """A proposal file for each row that is ready. Raises ``file-exists`` before the first is written."""
    from poc.core.proposal import proposal_bytes

    ready = [(row.row.number, folder / f"{row.contact}.json", row.filed) for row in checked if row.filed]
    for _, path, _ in ready:
        if path.exists():
            raise RefusedError("file-exists", str(path))
    folder.mkdir(parents=True, exist_ok=True)
    for _, path, filed in ready:
        file = desk.make_file(filed.signed, filed.openings, filed.sealing_keys)
        write_file(path, proposal_bytes(file))
    return {number: {"outcome": "file", "file": str(path)} for number, path, _ in ready}


async def _submit(desk: Desk, checked: Sequence[Checked]) -> dict[int, dict[str, Any]]:
    ready = {row.row.number: row.filed for row in checked if row.filed}
    async with _telling(desk, Progress(), len(ready)):
        outcomes = await desk.submit_all(list(ready.values()))
    return {number: _outcome(one) for number, one in zip(ready, outcomes, strict=True)}


def _outcome(one: Submitted | RefusedError) -> dict[str, Any]:
    if isinstance(one, RefusedError):
        fault = {"column": "", "code": one.code, "reason": one.message}
        return {"outcome": "refused", "faults": [fault]}
    return {"outcome": one.state, "proposal": one.proposal, "index": one.index, "missing": list(one.missing)}


@asynccontextmanager
async def _telling(desk: Desk, progress: Progress, total: int) -> AsyncIterator[None]:
    """Tell once a second how many statements the hub has answered."""

    async def tell() -> None:
        while True:
            await asyncio.sleep(_STEP_SECONDS)
            waiting = sum(row.state == "waiting" for row in desk.known.trust.unsettled("statement"))
            progress(f"{max(0, total - waiting)} of {total} sent")

    task = asyncio.create_task(tell())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# --- telling -----------------------------------------------------------------------------------


class _Report:
    """A line per row; what was done to each is in ``outcomes`` by the row's number."""

    def __init__(self, table: Path, columns: Columns, checked: Sequence[Checked]) -> None:
        self.table, self.columns, self.checked = table, columns, checked
        self.outcomes: dict[int, dict[str, Any]] = {}

    def rows(self) -> list[dict[str, Any]]:
        """The rows for programs."""
        return [
            {
                "row": row.row.number,
                "line": row.row.line,
                "contact": row.contact,
                "type": row.kind,
                "outcome": "left" if row.standing == "bad" else row.standing,
                "faults": [fault.to_json() for fault in row.faults],
                "notes": list(dict.fromkeys(row.notes)),
                "proposal": row.proposal,
                "missing": list(row.missing),
                **self.outcomes.get(row.row.number, {}),
            }
            for row in self.checked
        ]

    def refused(self, bad: int) -> Result:
        """Nothing was done: every fault, and exit code 1."""
        error = RefusedError("bad-rows", f"{bad} of {len(self.checked)} in {self.table}")
        head = {"code": error.code, "message": error.message, "next": error.next_step}
        return self._result(head, exit_code=1, notes=[error.message, f"next: {error.next_step}"])

    def result(self, warnings: Sequence[str], note: str = "") -> Result:
        """What was done, or would be; exit code 1 where the hub refused a row."""
        rows = self.rows()
        left = [row for row in rows if row["outcome"] == "left"]
        told = [f"left out: {_place(row)}: {_reasons(row)}" for row in left]
        refused = any(row["outcome"] == "refused" for row in rows)
        if any(row["outcome"] == "waiting" for row in rows):
            told.append("the hub could not be reached; the next `poc sync` sends what waits")
        if any(row["outcome"] == "proposed" and row["type"] == "contact.nominate" for row in rows):
            told.append(
                "a desk whose keys are new cannot sign at the hub: use --out FOLDER, let it sign its file "
                "(`poc proposal sign FILE`), then `poc proposal submit FILE`"
            )
        notes = [note] if note else []
        return self._result({}, exit_code=1 if refused else 0, notes=notes, warnings=[*told, *warnings])

    def _result(
        self, head: dict[str, Any], *, exit_code: int, notes: Sequence[str], warnings: Sequence[str] = ()
    ) -> Result:
        rows = self.rows()
        counts = dict(Counter(str(row["outcome"]) for row in rows))
        value = {**head, "mapping": self.columns.to_json(), "rows": rows, "counts": counts}
        cells = [[_place(row), row["contact"], row["type"], row["outcome"], _reasons(row)] for row in rows]
        table = Table(("row", "contact", "statement", "outcome", "what"), cells)
        lines = [", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))]
        return Result(value, tables=[table], notes=[*lines, *notes], warnings=warnings, exit_code=exit_code)


def _place(row: dict[str, Any]) -> str:
    return str(row["row"]) if row["line"] is None else f"{row['row']} (line {row['line']})"


def _reasons(row: dict[str, Any]) -> str:
    told = [f"{f['column']}: {f['reason']}" if f["column"] else f["reason"] for f in row["faults"]]
    told += row["notes"]
    if row.get("proposal"):
        told.append(f"proposal {row['proposal']}")
    return "; ".join([*told, *row["missing"]])
