"""What a command gives back, and how it reaches a terminal or another program.

With ``--json`` standard output is exactly one JSON value. Progress, warnings and staleness go to
standard error. Nothing from outside reaches the terminal with control characters in it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, TextIO

from poc.core.text import for_terminal
from poc.errors import PocError

PROGRESS_SECONDS: Final = 1.0
_NOT_A_TERMINAL_COLUMNS: Final = 160


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings, for people."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A command's answer: ``value`` for programs; ``lines``, ``tables`` and ``notes`` for people.

    ``raw`` is a file that was asked for on standard output: it goes there byte for byte, and alone.
    """

    value: Any
    lines: Iterable[str] = ()
    tables: Sequence[Table] = ()
    warnings: Sequence[str] = field(default=())
    exit_code: int = 0
    notes: Iterable[str] = ()
    raw: bytes | None = None


class Progress:
    """Lines on standard error while something takes long; silent unless asked for or seen by a person."""

    def __init__(self, *, asked: bool = False) -> None:
        """Show on a terminal, and elsewhere if ``asked``."""
        self._shown = asked or sys.stderr.isatty()
        self._next = time.monotonic() + (0 if asked else PROGRESS_SECONDS)

    def __call__(self, text: str) -> None:
        """Show a line, at most one a second."""
        now = time.monotonic()
        if self._shown and now >= self._next:
            self._next = now + PROGRESS_SECONDS
            warn(text)


def show(result: Result, *, as_json: bool) -> int:
    """Print a result and give the exit code."""
    for warning in result.warnings:
        warn(f"warning: {warning}")
    if result.raw is not None:
        sys.stdout.buffer.write(result.raw)
        sys.stdout.flush()
        return result.exit_code
    if as_json:
        print_json(result.value)
        return result.exit_code
    for line in result.lines:
        _write(sys.stdout, line)
    for table in result.tables:
        if table.rows:
            _print_table(table)
    for line in result.notes:
        _write(sys.stdout, line)
    sys.stdout.flush()
    return result.exit_code


def show_error(error: PocError, *, as_json: bool) -> int:
    """Print an error with its code and next step and give its exit code."""
    if as_json:
        print_json({"code": error.code, "message": error.message, "next": error.next_step, **error.data})
    else:
        _write(sys.stderr, f"poc: {error.message}")
        _write(sys.stderr, f"     next: {error.next_step} [{error.code}]")
    return error.exit_code


def warn(text: str) -> None:
    """One line of warning or progress on standard error."""
    _write(sys.stderr, text)
    sys.stderr.flush()


def print_json(value: Any) -> None:
    """One JSON value on standard output; all beyond ASCII escaped, so no control reaches a terminal."""
    # JSON leaves DEL as it is, and DEL is a control character.
    text = json.dumps(value, ensure_ascii=True, sort_keys=False).replace("\x7f", "\\u007f")
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def both_times(at: datetime, zone: tzinfo | None = None) -> str:
    """A moment in UTC and in a zone, this computer's if none is given: never one without the other."""
    local = at.astimezone(zone)
    day = "" if local.date() == at.astimezone(UTC).date() else f"{local:%Y-%m-%d} "
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC ({day}{local:%H:%M %z})"


def short_id(message: str) -> str:
    """The end of a message's id: enough to name it to a command, and to tell rows apart."""
    return f"…{message[-12:]}"


def _write(stream: TextIO, line: str) -> None:
    """One line, safe; what the terminal's encoding lacks is shown as an escape instead of failing."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    safe = for_terminal(line).encode(encoding, "backslashreplace").decode(encoding)
    stream.write(safe + "\n")


def _print_table(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=box.SIMPLE_HEAD)
    for heading in table.headings:
        drawn.add_column(Text(for_terminal(heading)), overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(for_terminal(cell)) for cell in row))
    if table.title:
        _write(sys.stdout, table.title)
    console = Console(
        width=None if sys.stdout.isatty() else _NOT_A_TERMINAL_COLUMNS,
        color_system=None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as captured:
        console.print(drawn)
    for line in captured.get().splitlines():
        _write(sys.stdout, line.rstrip())
