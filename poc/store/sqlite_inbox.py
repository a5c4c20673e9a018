"""SQL of what an inbox has grown to. The promises stand in ``base``."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence


def read_newest_arrival(db: sqlite3.Connection, kids: Sequence[str]) -> int:
    """See ``Store.read_newest_arrival``."""
    marks = ", ".join("?" * len(kids))
    row = db.execute(f"SELECT max(number) FROM slots WHERE kid IN ({marks})", tuple(kids))  # noqa: S608 -- marks
    return row.fetchone()[0] or 0
