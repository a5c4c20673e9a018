"""What a command gives back, and how it reaches a terminal or another program.

With ``--json`` standard output is exactly one JSON value. Progress, warnings and staleness go to
standard error. Nothing from outside reaches the terminal with control characters in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from poc.core.text import for_terminal
from poc.errors import PocError


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings, for people."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A command's answer: ``value`` for programs, ``lines`` and ``tables`` for people."""

    value: Any
    lines: Iterable[str] = ()
    tables: Sequence[Table] = ()
    warnings: Sequence[str] = field(default=())
    exit_code: int = 0


def show(result: Result, *, as_json: bool) -> int:
    """Print a result and give the exit code."""
    for warning in result.warnings:
        warn(warning)
    if as_json:
        print_json(result.value)
        return result.exit_code
    for line in result.lines:
        sys.stdout.write(for_terminal(line) + "\n")
    for table in result.tables:
        _print_table(table)
    return result.exit_code


def show_error(error: PocError, *, as_json: bool) -> int:
    """Print an error with its code and next step and give its exit code."""
    if as_json:
        print_json({"code": error.code, "message": error.message, "next": error.next_step, **error.data})
    else:
        sys.stderr.write(for_terminal(f"poc: {error.message}") + "\n")
        sys.stderr.write(for_terminal(f"     next: {error.next_step} [{error.code}]") + "\n")
    return error.exit_code


def warn(text: str) -> None:
    """One line of warning or progress on standard error."""
    sys.stderr.write(for_terminal(text) + "\n")
    sys.stderr.flush()


def print_json(value: Any) -> None:
    """One JSON value on standard output; all beyond ASCII escaped, so no control reaches a terminal."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True, sort_keys=False) + "\n")
    sys.stdout.flush()


def _print_table(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(title=table.title or None, title_justify="left", box=box.SIMPLE_HEAD)
    for heading in table.headings:
        drawn.add_column(heading, overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(for_terminal(cell)) for cell in row))
    width = None if sys.stdout.isatty() else 160
    Console(file=sys.stdout, highlight=False, markup=False, width=width).print(drawn)
