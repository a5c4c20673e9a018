"""``trust.db``: what a desk has verified, what it received and what it has yet to send.

One SQLite file, one connection. Messages are kept sealed, as delivered; no plaintext is written.
Nothing is verified here: callers store only what they have verified.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from poc.errors import RefusedError, UnreachableError

OutboxKind = Literal["statement", "signature", "opening", "key", "exercise", "order", "message", "answer"]
OUTBOX_ORDER: Final = ("statement", "signature", "opening", "key", "exercise", "order", "message", "answer")

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS value (name TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS entry (number INTEGER PRIMARY KEY, leaf BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS opening (commitment TEXT PRIMARY KEY, contact TEXT NOT NULL, part TEXT NOT NULL,
  data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sealing_key (kid TEXT PRIMARY KEY, jwk BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS inbox (message TEXT NOT NULL, sender TEXT NOT NULL, kid TEXT NOT NULL,
  item BLOB NOT NULL, arrived_at TEXT NOT NULL, state TEXT NOT NULL, reason TEXT,
  PRIMARY KEY (message, sender)) STRICT;
CREATE TABLE IF NOT EXISTS outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
  ref TEXT NOT NULL, body BLOB NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
  reason TEXT, answer BLOB, UNIQUE (kind, ref)) STRICT;
CREATE TABLE IF NOT EXISTS sequence (kid TEXT NOT NULL, contact TEXT NOT NULL, status TEXT NOT NULL,
  newest INTEGER NOT NULL, PRIMARY KEY (kid, contact, status)) STRICT;
CREATE TABLE IF NOT EXISTS evidence (number INTEGER PRIMARY KEY, message TEXT NOT NULL, kind TEXT NOT NULL,
  jws TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS exercise (id TEXT PRIMARY KEY, announcement TEXT NOT NULL,
  orders BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS proof (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
  kept BLOB NOT NULL, shown BLOB NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """Something to send, or that was sent. ``body`` never changes once it is here."""

    number: int
    kind: str
    ref: str
    body: bytes
    state: str
    tries: int
    reason: str | None
    answer: bytes | None


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A message as the hub delivered it, still sealed."""

    message: str
    sender: str
    kid: str
    item: bytes
    arrived_at: str
    state: str
    reason: str | None


class Trust:
    """The open ``trust.db`` of a home. Every write is durable before it returns."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the file. Raises ``not-a-desk``, ``storage-failed``."""
        if not create and not path.is_file():
            raise RefusedError("not-a-desk", str(path.parent))
        try:
            if create:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
            self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise UnreachableError("storage-failed", f"{path.name}: {error}") from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Inside another transaction it is part of that one. Raises ``storage-failed``."""
        if self._db.in_transaction:
            yield
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise UnreachableError("storage-failed", str(error)) from None

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, values).fetchall()

    def _write(self, sql: str, values: Sequence[Any]) -> int:
        with self.transaction():
            return self._db.execute(sql, values).rowcount

    # --- single values ---

    def value(self, name: str) -> bytes | None:
        """A single value: ``genesis``, ``head``, the numbers feeds were read to."""
        rows = self._rows("SELECT data FROM value WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def set_value(self, name: str, data: bytes) -> None:
        """Keep a single value."""
        self._write("INSERT OR REPLACE INTO value VALUES (?, ?)", (name, data))

    def drop_value(self, name: str) -> None:
        """Forget a single value."""
        self._write("DELETE FROM value WHERE name = ?", (name,))

    def cursor(self, name: str) -> int:
        """How far a feed was read."""
        return int(self.value(f"after-{name}") or b"0")

    def set_cursor(self, name: str, number: int) -> None:
        """Remember how far a feed was read."""
        self.set_value(f"after-{name}", str(number).encode())

    # --- the log ---

    def leaves(self) -> list[bytes]:
        """Every leaf of the log, in order."""
        return [row[0] for row in self._rows("SELECT leaf FROM entry ORDER BY number")]

    def add_entries(self, first: int, leaves: Sequence[bytes], head: bytes) -> None:
        """Keep verified entries together with the checkpoint that covers them."""
        with self.transaction():
            self._db.executemany("INSERT OR IGNORE INTO entry VALUES (?, ?)", list(enumerate(leaves, first)))
            self.set_value("head", head)

    def add_proof(self, kind: str, kept: bytes, shown: bytes) -> None:
        """Keep two signed heads that contradict each other."""
        self._write("INSERT INTO proof (kind, kept, shown) VALUES (?, ?, ?)", (kind, kept, shown))

    def proofs(self) -> list[tuple[str, bytes, bytes]]:
        """The contradictions kept."""
        return [(row[0], row[1], row[2]) for row in self._rows("SELECT kind, kept, shown FROM proof")]

    # --- beside the log ---

    def put_opening(self, commitment: str, contact: str, part: str, data: bytes) -> None:
        """Keep a verified opening."""
        self._write("INSERT OR REPLACE INTO opening VALUES (?, ?, ?, ?)", (commitment, contact, part, data))

    def openings(self) -> dict[str, bytes]:
        """The openings kept, by commitment."""
        return {row[0]: row[1] for row in self._rows("SELECT commitment, data FROM opening")}

    def keep_openings(self, commitments: Iterable[str]) -> None:
        """Delete every opening but these: superseded and erased ones are not kept."""
        gone = self.openings().keys() - set(commitments)
        with self.transaction():
            self._db.executemany("DELETE FROM opening WHERE commitment = ?", [(c,) for c in gone])

    def put_sealing_key(self, kid: str, jwk: bytes) -> None:
        """Keep a public sealing key whose thumbprint was checked."""
        self._write("INSERT OR REPLACE INTO sealing_key VALUES (?, ?)", (kid, jwk))

    def sealing_key(self, kid: str) -> bytes | None:
        """A public sealing key by its thumbprint."""
        rows = self._rows("SELECT jwk FROM sealing_key WHERE kid = ?", (kid,))
        return rows[0][0] if rows else None

    def sealing_keys(self) -> dict[str, bytes]:
        """The public sealing keys kept, by thumbprint."""
        return {row[0]: row[1] for row in self._rows("SELECT kid, jwk FROM sealing_key")}

    # --- messages received ---

    def put_inbox(self, row: InboxRow) -> bool:
        """Keep a delivered message as it came; false if this id of this sender was here before."""
        values = (row.message, row.sender, row.kid, row.item, row.arrived_at, row.state, row.reason)
        return self._write("INSERT OR IGNORE INTO inbox VALUES (?, ?, ?, ?, ?, ?, ?)", values) == 1

    def set_inbox_state(self, message: str, state: str, reason: str | None = None) -> None:
        """Note what became of a message."""
        self._write("UPDATE inbox SET state = ?, reason = ? WHERE message = ?", (state, reason, message))

    def inbox(self, message: str | None = None) -> list[InboxRow]:
        """The messages received, oldest first; or the one of an id."""
        where = "" if message is None else " WHERE message = ?"
        values = () if message is None else (message,)
        return [InboxRow(*row) for row in self._rows(f"SELECT * FROM inbox{where} ORDER BY rowid", values)]  # noqa: S608

    # --- what is to be sent ---

    def put_outbox(self, kind: OutboxKind, ref: str, body: bytes) -> None:
        """Store something before it is sent; the same again changes nothing."""
        self._write(
            "INSERT OR IGNORE INTO outbox (kind, ref, body, state) VALUES (?, ?, ?, 'waiting')",
            (kind, ref, body),
        )

    def set_outbox(self, number: int, state: str, *, reason: str | None, answer: bytes | None) -> None:
        """Note how a try ended."""
        self._write(
            "UPDATE outbox SET state = ?, reason = ?, answer = ?, tries = tries + 1 WHERE number = ?",
            (state, reason, answer, number),
        )

    def outbox(self, *, state: str | None = None, kind: str | None = None) -> list[OutboxRow]:
        """What is in the outbox, oldest first."""
        rows = [OutboxRow(*row) for row in self._rows("SELECT * FROM outbox ORDER BY number")]
        return [r for r in rows if state in (None, r.state) and kind in (None, r.kind)]

    def outbox_row(self, kind: str, ref: str) -> OutboxRow | None:
        """One thing of the outbox."""
        rows = self._rows("SELECT * FROM outbox WHERE kind = ? AND ref = ?", (kind, ref))
        return OutboxRow(*rows[0]) if rows else None

    def next_sequence(self, kid: str, contact: str, status: str) -> int:
        """Take the next number for a contact. Call it inside the outbox transaction."""
        with self.transaction():
            return int(
                self._rows(
                    "INSERT INTO sequence VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET newest = newest + 1 "
                    "RETURNING newest",
                    (kid, contact, status),
                )[0][0]
            )

    # --- evidence, exercises ---

    def put_evidence(self, number: int, message: str, kind: str, jws: str) -> None:
        """Keep a piece of evidence about a message of this desk."""
        self._write("INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?)", (number, message, kind, jws))

    def evidence(self, message: str) -> list[tuple[str, str]]:
        """The evidence about a message: (kind, compact JWS), in the hub's order."""
        sql = "SELECT kind, jws FROM evidence WHERE message = ? ORDER BY number"
        return [(row[0], row[1]) for row in self._rows(sql, (message,))]

    def put_exercise(self, exercise: str, announcement: str, orders: bytes) -> None:
        """Keep an exercise with its orders (a JSON list)."""
        self._write("INSERT OR REPLACE INTO exercise VALUES (?, ?, ?)", (exercise, announcement, orders))

    def exercises(self) -> list[tuple[str, str, bytes]]:
        """The exercises known: id, announcement, orders."""
        rows = self._rows("SELECT id, announcement, orders FROM exercise ORDER BY id")
        return [(row[0], row[1], row[2]) for row in rows]
