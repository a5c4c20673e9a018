"""Tables that people hand in: CSV as spreadsheets write it, or a JSON list of objects, made into rows.

Says where each row stands, so that an error can name it. What the columns mean is decided in ``columns``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from poc.core.strictjson import parse
from poc.errors import RefusedError
from poc.limits import IMPORT_ROWS_MAX

DELIMITERS: Final = (",", ";", "\t")
_BOM: Final = b"\xef\xbb\xbf"
_ZIP: Final = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: ``number`` from 1, the file's ``line`` it begins at (``None`` in JSON), values by column."""

    number: int
    line: int | None
    cells: dict[str, tuple[str, ...]]

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"row {self.number}" if self.line is None else f"row {self.number} (line {self.line})"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns in their order, and the rows that hold anything."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_sheet(data: bytes, *, is_json: bool) -> Sheet:
    """Read a table. Raises ``bad-json`` with line and column, ``not-text``, ``bad-table``."""
    sheet = _read_json(data) if is_json else _read_csv(data)
    if not sheet.rows:
        raise RefusedError("bad-table", "no rows")
    if len(sheet.rows) > IMPORT_ROWS_MAX:
        raise RefusedError("bad-table", f"more than {IMPORT_ROWS_MAX} rows")
    return sheet


# --- CSV ---------------------------------------------------------------------------------------


def _read_csv(data: bytes) -> Sheet:
    if data.startswith(_ZIP):
        raise RefusedError("bad-table", "a spreadsheet's own format; save it as CSV in UTF-8")
    try:
        text = data.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RefusedError("not-text", f"line {line}") from None
    if "\0" in text:
        raise RefusedError("not-text", "it holds null bytes; save it as UTF-8")
    lines = _lines(text, _delimiter(text))
    _, header = next(lines, (1, []))
    columns = _names(header)
    rows: list[Row] = []
    for line, cells in lines:
        number = len(rows) + 1
        if len(cells) > len(columns):
            detail = f"line {line}: {len(cells)} cells, {len(columns)} columns"
            raise RefusedError("bad-table", detail)
        filled: dict[str, tuple[str, ...]] = {
            n: (c.strip(),) for n, c in zip(columns, cells, strict=False) if c.strip()
        }
        if filled:
            rows.append(Row(number, line, filled))
    return Sheet(columns, tuple(rows))


def _delimiter(text: str) -> str:
    """The one that makes the most of the row of names; a comma where all make the same."""

    def columns(delimiter: str) -> int:
        return len(next(_lines(text, delimiter), (1, []))[1])

    return max(DELIMITERS, key=columns)


def _lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the line it begins at."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise RefusedError("bad-table", f"line {line}: {error}") from None


def _names(header: Sequence[str]) -> tuple[str, ...]:
    names = tuple(name.strip() or f"column {number}" for number, name in enumerate(header, 1))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RefusedError("bad-table", f"two columns are named {twice[0][:40]}")
    return names


# --- JSON --------------------------------------------------------------------------------------


def _read_json(data: bytes) -> Sheet:
    value: Any = parse(data)
    if isinstance(value, dict):  # a list under one name, as many exports wrap it
        lists = [member for member in value.values() if isinstance(member, list)]
        value = lists[0] if len(lists) == 1 else [value]
    if not isinstance(value, list):
        raise RefusedError("bad-table", "a list of objects is expected")
    rows = []
    for number, item in enumerate(value, 1):
        if not isinstance(item, dict):
            raise RefusedError("bad-table", f"row {number}: an object is expected")
        rows.append(Row(number, None, dict(_flat(item))))
    columns = dict.fromkeys(name for row in rows for name in row.cells)
    return Sheet(tuple(columns), tuple(row for row in rows if row.cells))


def _flat(item: dict[str, Any], before: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """The members as columns: ``pgpKey.fingerprint`` for one inside another; a list as several values."""
    for name, value in item.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
            continue
        listed = value if isinstance(value, list) else [value]
        texts = tuple(_text(one) for one in listed if not isinstance(one, dict | list) and one is not None)
        if filled := tuple(text for text in texts if text):
            yield f"{before}{name}", filled


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip()
