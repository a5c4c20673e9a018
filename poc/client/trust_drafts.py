"""The drafts of a home and the numbers of its printed sheets: the part of ``trust.db`` for clearance.

A draft is kept sealed, as one blob; nothing of its content stands in a column. Mixed into ``Trust``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from poc.errors import RefusedError


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A draft, still sealed. ``sealed`` is empty once it was discarded."""

    id: str
    state: str
    edition: int
    sealed: bytes
    changed_at: str


class DraftTable:
    """What is asked of the drafts kept; ``Trust`` has the two members."""

    _rows: Callable[..., list[tuple[Any, ...]]]
    _write: Callable[[str, Sequence[Any]], int]

    def put_draft(self, row: DraftRow) -> None:
        """Keep a draft in place of whatever stood under its id."""
        values = (row.id, row.state, row.edition, row.sealed, row.changed_at)
        self._write("INSERT OR REPLACE INTO draft VALUES (?, ?, ?, ?, ?)", values)

    def draft(self, name: str) -> DraftRow:
        """A draft by its id. Raises ``unknown-draft``."""
        rows = self._rows("SELECT * FROM draft WHERE id = ?", (name,))
        if not rows:
            raise RefusedError("unknown-draft", name)
        return DraftRow(*rows[0])

    def drafts(self) -> list[DraftRow]:
        """All drafts, oldest first: their ids begin with the time."""
        return [DraftRow(*row) for row in self._rows("SELECT * FROM draft ORDER BY id")]

    def next_sheet(self, draft: str, edition: int, printed_at: str) -> int:
        """Take the next number of a sheet at this home; no number comes twice."""
        sql = "INSERT INTO sheet (draft, edition, printed_at) VALUES (?, ?, ?) RETURNING number"
        return int(self._rows(sql, (draft, edition, printed_at))[0][0])
