"""A program's home and the SQLite file in it: the lock of its one process, the steps to its tables."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from poc.errors import RefusedError, UnreachableError
from poc.store.migrate import Migration, check_database, migrate
from poc.store.writer import prepare_writer


def lock_home(home: Path, lock_name: str, database_name: str) -> tuple[int, Path]:
    """Take the lock that goes with the process; make the database file if there is none, give its path.

    Raises:
        RefusedError: ``home-in-use``.
        UnreachableError: ``storage-failed``.
    """
    try:
        lock = os.open(home / lock_name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UnreachableError("storage-failed", f"{lock_name}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(os.open(home / database_name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except BlockingIOError:
        os.close(lock)
        raise RefusedError("home-in-use") from None
    except OSError as error:
        os.close(lock)
        raise UnreachableError("storage-failed", f"{database_name}: {error.strerror}") from error
    return lock, (home / database_name).absolute()


def bring_up(db: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Check first, so that nothing is written to a file that is not ours; then settings, then steps."""
    check_database(db, migrations)
    prepare_writer(db)
    migrate(db, migrations)
