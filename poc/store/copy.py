"""A copy of the hub's database, made beside the hub that may be running, and reading such a file whole.

Every connection to the hub's own file is opened read-only: it neither writes nor checkpoints (see
``writer``, R20). What a backup is, and whether it is sound, is decided in ``hub.backup`` and ``hub.check``.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from poc.errors import RefusedError, UnreachableError
from poc.store.migrate import check_database, read_migrations
from poc.store.sqlite import DATABASE_NAME
from poc.store.sqlite_operation import mark_as_backup
from poc.store.writer import storage_failed

PAGES_AT_ONCE: Final = 512
Told = Callable[[int, int], None]
"""Is told how many pages are done, and of how many."""


@contextmanager
def reading(home: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection that sees one moment of the database at a home, or in a backup.

    Raises:
        RefusedError: ``not-a-hub``, ``database-foreign``, ``database-newer``, ``migration-changed``.
        UnreachableError: ``storage-failed``.
    """
    path = home / DATABASE_NAME
    if not path.is_file():
        raise RefusedError("not-a-hub", f"{home} holds no {DATABASE_NAME}")
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        ) as db:
            db.isolation_level = None
            db.execute("PRAGMA query_only = ON")
            db.execute("BEGIN")
            check_database(db, read_migrations())
            yield db
    except sqlite3.Error as error:
        raise storage_failed(error) from error


def copy_database(home: Path, target: Path, taken_at: datetime, told: Told) -> int:
    """Copy the database as it stands at one moment into a new file; give the number of its newest step.

    It holds one read transaction for as long as it copies, so no write of the hub makes it begin anew. The
    copy is one file without a write-ahead log, mode 0600, on disk when this returns, and says that it is one.

    Raises as ``reading``; ``file-exists``.
    """
    with reading(home) as source:
        (step,) = source.execute("SELECT count(*) FROM migrations").fetchone()
        try:
            os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            raise RefusedError("file-exists", str(target)) from None
        except OSError as error:
            raise UnreachableError("storage-failed", f"{target}: {error.strerror}") from None
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            source.backup(copy, pages=PAGES_AT_ONCE, progress=lambda _, rest, all_: told(all_ - rest, all_))
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()
            copy.execute("PRAGMA synchronous = FULL")
            mark_as_backup(copy, taken_at)
    sync(target)
    sync(target.parent)
    return int(step)


def sync(path: Path) -> None:
    """Return once what a file holds, or the names in a folder, are on disk. Raises ``storage-failed``."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UnreachableError("storage-failed", f"{path}: {error.strerror}") from None
