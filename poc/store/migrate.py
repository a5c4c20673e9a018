"""Numbered migrations of the SQLite database, each applied once, in order, whole, with its checksum.

A database of another program, from newer code, or built by other steps is refused before anything is
written to it. Not here: opening connections and their settings, which stand in ``writer``.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from poc.errors import FaultError, RefusedError

APPLICATION_ID: Final = 0x706F6331  # "poc1" in the file's header
_NAME: Final = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.sql")
_TABLE: Final = """CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL
) STRICT"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step; ``number`` counts from 1 without a gap."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Checksum of its text, in hex; an applied step must never change."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(package: str = "poc.store") -> tuple[Migration, ...]:
    """Read the steps in the folder ``sql`` of a package, in order.

    Raises:
        FaultError: ``fault``, their numbers have a gap.
    """
    files = {file.name: file for file in (resources.files(package) / "sql").iterdir()}
    found = [
        Migration(int(match[1]), match[2], files[name].read_text(encoding="utf-8"))
        for name in sorted(files)
        if (match := _NAME.fullmatch(name))
    ]
    if [step.number for step in found] != list(range(1, len(found) + 1)):
        raise FaultError("fault", "the numbers of the migrations have a gap")
    return tuple(found)


def check_database(db: sqlite3.Connection, migrations: Sequence[Migration]) -> int:
    """Give the number of the last step applied, 0 for an empty file. Writes nothing.

    Raises:
        RefusedError: ``database-foreign``, ``database-newer``, ``migration-changed``.
        sqlite3.OperationalError: the file cannot be read.
    """
    try:
        (application_id,) = db.execute("PRAGMA application_id").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        raise RefusedError("database-foreign", "the file is no SQLite database") from None
    if application_id == 0 and tables == 0:
        return 0
    if application_id != APPLICATION_ID:
        raise RefusedError("database-foreign", f"application id {application_id:#x}")
    applied = db.execute("SELECT number, sha256 FROM migrations ORDER BY number").fetchall()
    if len(applied) > len(migrations):
        raise RefusedError("database-newer", f"step {len(applied)} of {len(migrations)} known")
    for step, (number, sha256) in zip(migrations, applied, strict=False):
        if (step.number, step.sha256) != (number, sha256):
            raise RefusedError("migration-changed", f"step {step.number} {step.name}")
    return len(applied)


def migrate(db: sqlite3.Connection, migrations: Sequence[Migration]) -> int:
    """Bring a database to the newest step, all in one transaction; give how many steps were applied.

    ``db`` is in autocommit mode.

    Raises:
        RefusedError: as ``check_database``.
    """
    applied = check_database(db, migrations)
    if applied == len(migrations):
        return 0
    db.execute("BEGIN IMMEDIATE")
    try:
        if applied == 0:
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(_TABLE)
        for step in migrations[applied:]:
            for statement in _statements(step.sql):
                db.execute(statement)
            db.execute("INSERT INTO migrations VALUES (?, ?, ?)", (step.number, step.name, step.sha256))
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    return len(migrations) - applied


def _statements(sql: str) -> Iterator[str]:
    """Split at the semicolons that end a statement; ``executescript`` would commit before each file."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise FaultError("fault", "a migration ends in the middle of a statement")
