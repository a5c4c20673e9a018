"""Reading a hub's audit trail and log from its database file, beside the hub that may be running.

The connection is read-only: it cannot write, and never checkpoints (see ``writer``). Verifying what was
read stands in ``hub.trail``.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from poc.core.audit import AuditRow
from poc.errors import RefusedError
from poc.store import sqlite_log as log
from poc.store import sqlite_privacy as privacy
from poc.store.base import Leaf, StoredAnchor
from poc.store.migrate import check_database, read_migrations
from poc.store.sqlite import DATABASE_NAME
from poc.store.writer import storage_failed

ALL = 2**53


@dataclass(frozen=True, slots=True)
class Trail:
    """The rows, the anchors and the log's entries as they stood at one moment. Unverified."""

    rows: tuple[AuditRow, ...]
    anchors: tuple[StoredAnchor, ...]
    leaves: tuple[Leaf, ...]


def read_trail(home: Path) -> Trail:
    """Read the trail of a hub's home.

    Raises:
        RefusedError: ``not-a-hub``, ``database-foreign``, ``database-newer``, ``migration-changed``.
        UnreachableError: ``storage-failed``; also for a database older than the trail: start the hub once.
    """
    path = home / DATABASE_NAME
    if not path.is_file():
        raise RefusedError("not-a-hub", str(home))
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            db.isolation_level = None
            db.execute("PRAGMA query_only = ON")
            db.execute("BEGIN")
            check_database(db, read_migrations())
            return Trail(
                privacy.read_audit(db, 0, ALL), privacy.read_anchors(db), log.read_leaves(db, 0, ALL)
            )
    except sqlite3.Error as error:
        raise storage_failed(error) from error
