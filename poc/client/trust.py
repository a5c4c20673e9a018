"""``trust.db``: what a desk has verified, what it received and what it has yet to send.

One SQLite file, one connection. Messages are kept sealed, as delivered; no plaintext is written.
Nothing is verified here: callers say with ``reason`` what did not verify, and such pieces stay apart.
Over 400 lines, because it is one file's tables and all that is asked of them.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from poc.client.trust_alarms import AlarmTable
from poc.client.trust_blobs import BlobPieces
from poc.client.trust_drafts import DraftTable
from poc.client.trust_schema import MIGRATIONS, SCHEMA_VERSION
from poc.core.strictjson import b64u
from poc.errors import PocError, RefusedError, UnreachableError

OutboxKind = Literal[
    "statement", "signature", "opening", "key", "exercise", "order", "blob", "message", "answer"
]
OUTBOX_ORDER: Final = ("statement", "signature", "opening", "key", "exercise", "order", "message", "answer")
SET_ASIDE_MAX: Final = 500  # items of one feed that are kept to be tried again


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """Something to send, or that was sent. ``body`` never changes once it is here.

    ``stale_reason`` is why an actual message was sealed although the log here was not fresh; it stays here.
    """

    number: int
    kind: str
    ref: str
    body: bytes
    state: str
    tries: int
    reason: str | None
    answer: bytes | None
    stale_reason: str | None


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A brake that the log lacks. ``refusal`` is the code the hub refused it with, ``None`` if it did not."""

    sha256: str
    data: bytes
    refusal: str | None


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A message as the hub delivered it, still sealed. ``number`` is of this file, 0 before it is kept."""

    number: int
    message: str
    sender: str
    digest: str
    kid: str
    item: bytes
    arrived_at: str
    state: str
    reason: str | None


class Trust(BlobPieces, DraftTable, AlarmTable):
    """The open ``trust.db`` of a home. Every write is durable before it returns."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the file.

        Raises ``not-a-desk``, ``storage-failed``, ``database-newer`` (a newer version of this program
        wrote it), ``database-foreign`` (no desk's), ``home-damaged`` (not a database, or a broken one).
        """
        if not create and not path.is_file():
            raise RefusedError("not-a-desk", str(path.parent))
        self.path = path
        try:
            if create:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        except (sqlite3.Error, OSError) as error:
            raise UnreachableError("storage-failed", f"{path.name}: {error}") from None
        try:
            self._prepare(create=create)
        except sqlite3.Error as error:
            self._db.close()
            raise self._failed(error) from None
        except PocError:
            self._db.close()
            raise

    def _prepare(self, *, create: bool) -> None:
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found > SCHEMA_VERSION:
            raise RefusedError("database-newer", f"{self.path.name}: {found}, known {SCHEMA_VERSION}")
        if found == 0 and not create:
            raise RefusedError("database-foreign", self.path.name)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;")
        if found != SCHEMA_VERSION:
            self._migrate()

    def _migrate(self) -> None:
        """Bring an older file up to date, all or nothing; another process may just have done it."""
        with self.transaction():
            found = self._db.execute("PRAGMA user_version").fetchone()[0]
            for migration in MIGRATIONS[found:]:
                for statement in migration.split(";"):
                    self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def _failed(self, error: sqlite3.Error) -> PocError:
        """A busy or full disk may pass; a file that is no sound database does not."""
        detail = f"{self.path.name}: {error}"
        if isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError):
            return UnreachableError("storage-failed", detail)
        return RefusedError("home-damaged", detail)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[None]:
        """All or nothing. Inside another transaction it is part of that one. Raises ``storage-failed``."""
        if self._db.in_transaction:
            yield
            return
        try:
            self._db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
        except sqlite3.Error as error:
            raise self._failed(error) from None

    def _roll_back(self) -> None:
        if self._db.in_transaction:  # a disk that is full has ended it already
            self._db.execute("ROLLBACK")

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._failed(error) from None

    def _write(self, sql: str, values: Sequence[Any]) -> int:
        with self.transaction():
            return self._db.execute(sql, values).rowcount

    # --- single values ---

    def value(self, name: str) -> bytes | None:
        """A single value: ``genesis``, ``head``, the numbers feeds were read to."""
        rows = self._rows("SELECT data FROM value WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def set_value(self, name: str, data: bytes) -> None:
        """Keep a single value; one that is there already costs no write to the disk."""
        if self.value(name) != data:
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

    def log(self, first: int = 0) -> tuple[list[bytes], bytes | None]:
        """The leaves from a number on, and the checkpoint kept over them: of one moment."""
        with self.transaction(write=False):
            rows = self._rows("SELECT leaf FROM entry WHERE number >= ? ORDER BY number", (first,))
            return [row[0] for row in rows], self.value("head")

    def add_entries(self, first: int, leaves: Sequence[bytes], head: bytes) -> None:
        """Keep verified entries together with the checkpoint that covers them."""
        with self.transaction():
            self._db.executemany("INSERT OR IGNORE INTO entry VALUES (?, ?)", list(enumerate(leaves, first)))
            self.set_value("head", head)

    def add_proof(self, kind: str, kept: bytes, shown: bytes) -> None:
        """Keep two signed things that contradict each other; the same pair once."""
        self._write("INSERT OR IGNORE INTO proof (kind, kept, shown) VALUES (?, ?, ?)", (kind, kept, shown))

    def proofs(self) -> list[tuple[str, bytes, bytes]]:
        """The contradictions kept, in the order they were found."""
        rows = self._rows("SELECT kind, kept, shown FROM proof ORDER BY number")
        return [(row[0], row[1], row[2]) for row in rows]

    # --- brakes that the log lacks ---

    def put_notice(self, sha256: str, data: bytes) -> bool:
        """Keep a verified brake by the digest of its payload; true if it was not here."""
        return self._write("INSERT OR IGNORE INTO notice VALUES (?, ?, NULL)", (sha256, data)) == 1

    def set_notice_refusal(self, sha256: str, refusal: str | None) -> None:
        """Note what the hub refused a brake with."""
        self._write("UPDATE notice SET refusal = ? WHERE sha256 = ?", (refusal, sha256))

    def notices(self) -> list[NoticeRow]:
        """The brakes kept, sorted by digest."""
        return [NoticeRow(*row) for row in self._rows("SELECT sha256, data, refusal FROM notice ORDER BY 1")]

    def drop_notice(self, sha256: str) -> None:
        """Forget a brake that is logged, or that the rules would not admit any more."""
        self._write("DELETE FROM notice WHERE sha256 = ?", (sha256,))

    # --- beside the log ---

    def put_opening(self, commitment: str, contact: str, part: str, data: bytes) -> bool:
        """Keep a verified opening; true if it was not here."""
        sql = "INSERT OR IGNORE INTO opening VALUES (?, ?, ?, ?)"
        return self._write(sql, (commitment, contact, part, data)) == 1

    def openings(self) -> dict[str, bytes]:
        """The openings kept, by commitment."""
        return {row[0]: row[1] for row in self._rows("SELECT commitment, data FROM opening")}

    def keep_openings(self, commitments: Iterable[str]) -> None:
        """Delete every opening but these: superseded and erased ones are not kept."""
        current = set(commitments)
        sent = self._rows("SELECT ref FROM outbox WHERE kind = 'opening' AND state = 'done'")
        gone = (self.openings().keys() | {row[0] for row in sent}) - current
        if gone:
            self.erase_openings(sorted(gone))

    def erase_openings(self, commitments: Sequence[str]) -> None:
        """Delete these openings, also where they were sent from here, and overwrite their bytes on disk.

        What stays is written anew into pages given back whole, because a page that was split before may
        hold an older copy of what is deleted.
        """
        if not any(self._holds(commitment) for commitment in commitments):
            return
        with self.transaction():
            for commitment in commitments:
                self._db.execute("DELETE FROM opening WHERE commitment = ?", (commitment,))
                self._db.execute("DELETE FROM outbox WHERE kind = 'opening' AND ref = ?", (commitment,))
            kept = self._rows("SELECT commitment, contact, part, data FROM opening")
            self._db.execute("DELETE FROM opening")
            self._db.executemany("INSERT INTO opening VALUES (?, ?, ?, ?)", kept)
        # A reader beside us may hold it up; the file then follows at its next checkpoint.
        self._rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def _holds(self, commitment: str) -> bool:
        sql = (
            "SELECT 1 FROM opening WHERE commitment = ?1"
            " UNION SELECT 1 FROM outbox WHERE kind = 'opening' AND ref = ?1"
        )
        return bool(self._rows(sql, (commitment,)))

    def put_sealing_key(self, kid: str, jwk: bytes) -> bool:
        """Keep a public sealing key whose thumbprint was checked; true if it was not here."""
        return self._write("INSERT OR IGNORE INTO sealing_key VALUES (?, ?)", (kid, jwk)) == 1

    def sealing_key(self, kid: str) -> bytes | None:
        """A public sealing key by its thumbprint."""
        rows = self._rows("SELECT jwk FROM sealing_key WHERE kid = ?", (kid,))
        return rows[0][0] if rows else None

    def sealing_keys(self) -> dict[str, bytes]:
        """The public sealing keys kept, by thumbprint."""
        return {row[0]: row[1] for row in self._rows("SELECT kid, jwk FROM sealing_key")}

    # --- messages received ---

    def put_inbox(self, row: InboxRow) -> bool:
        """Keep a delivered message as it came; false if this very envelope was here before.

        Then the slot and receipts that came now replace those of one that was not verified.
        """
        values = (row.message, row.sender, row.digest, row.kid, row.item, row.arrived_at, row.state)
        with self.transaction():
            fresh = self._write(
                "INSERT OR IGNORE INTO inbox (message, sender, digest, kid, item, arrived_at, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            self._write(
                "UPDATE inbox SET kid = ?, item = ?, state = 'new' WHERE message = ? AND sender = ? "
                "AND digest = ? AND item <> ? AND state IN ('not-verified', 'refused')",
                (row.kid, row.item, row.message, row.sender, row.digest, row.item),
            )
        return fresh == 1

    def set_inbox_state(self, number: int, state: str, reason: str | None = None) -> None:
        """Note what became of a message, by its number in this file."""
        self._write("UPDATE inbox SET state = ?, reason = ? WHERE number = ?", (state, reason, number))

    def set_inbox_item(self, number: int, kid: str, item: bytes) -> None:
        """Put what the hub delivered in the place of the same message that came by file."""
        self._write("UPDATE inbox SET kid = ?, item = ? WHERE number = ?", (kid, item, number))

    def inbox(self, message: str | None = None) -> list[InboxRow]:
        """The messages received, oldest first; or those of an id, which ought to be one."""
        if message is None:
            return [InboxRow(*row) for row in self._rows("SELECT * FROM inbox ORDER BY number")]
        sql = "SELECT * FROM inbox WHERE message = ? ORDER BY number"
        return [InboxRow(*row) for row in self._rows(sql, (message,))]

    def unverified(self) -> list[InboxRow]:
        """The messages received that did not pass yet, oldest first."""
        states = "('new', 'not-verified', 'refused')"
        sql = f"SELECT * FROM inbox WHERE state IN {states} ORDER BY number"  # noqa: S608 (a constant)
        return [InboxRow(*row) for row in self._rows(sql)]

    # --- items of feeds that did not verify, to be tried again ---

    def set_aside(self, feed: str, data: bytes, reason: str) -> bool:
        """Keep an item of a feed that did not verify; true if it was not here. Bounded: oldest go first."""
        sha256 = b64u(hashlib.sha256(data).digest())
        with self.transaction():
            fresh = self._write(
                "INSERT OR IGNORE INTO set_aside (feed, sha256, data, reason) VALUES (?, ?, ?, ?)",
                (feed, sha256, data, reason),
            )
            self._write(
                "DELETE FROM set_aside WHERE feed = ? AND number NOT IN "
                "(SELECT number FROM set_aside WHERE feed = ? ORDER BY number DESC LIMIT ?)",
                (feed, feed, SET_ASIDE_MAX),
            )
        return fresh == 1

    def aside(self, feed: str) -> list[tuple[int, bytes, str]]:
        """What of a feed is set aside: number, data, reason."""
        rows = self._rows(
            "SELECT number, data, reason FROM set_aside WHERE feed = ? ORDER BY number", (feed,)
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def drop_aside(self, number: int) -> None:
        """Forget an item that verified after all."""
        self._write("DELETE FROM set_aside WHERE number = ?", (number,))

    # --- what is to be sent ---

    def put_outbox(self, kind: OutboxKind, ref: str, body: bytes, *, stale_reason: str | None = None) -> None:
        """Store something before it is sent; the same again changes nothing."""
        self._write(
            "INSERT OR IGNORE INTO outbox (kind, ref, body, state, stale_reason) "
            "VALUES (?, ?, ?, 'waiting', ?)",
            (kind, ref, body, stale_reason),
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

    def unsettled(self, kind: str) -> list[OutboxRow]:
        """What of a kind did not come to its good end, oldest first; the rest may be many."""
        settled = "('accepted', 'done', 'logged')"
        sql = f"SELECT * FROM outbox WHERE kind = ? AND state NOT IN {settled} ORDER BY number"  # noqa: S608
        return [OutboxRow(*row) for row in self._rows(sql, (kind,))]

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

    # --- content keys kept beyond the sealing key they were sealed to ---

    def put_kept_key(self, message: str, kid: str, sealed: bytes) -> None:
        """Keep the content key of a message, itself sealed; ``kid`` is the key its slot was sealed to."""
        self._write("INSERT OR REPLACE INTO kept_key VALUES (?, ?, ?)", (message, kid, sealed))

    def kept_keys(self) -> dict[tuple[str, str], bytes]:
        """The sealed content keys kept, by message and kid."""
        return {(row[0], row[1]): row[2] for row in self._rows("SELECT * FROM kept_key")}

    # --- evidence, exercises ---

    def put_evidence(self, message: str, kind: str, jws: str, reason: str | None = None) -> bool:
        """Keep a piece of evidence; ``reason`` is the code it does not verify for. True if it was not here.

        A piece that was kept with a reason takes what is said of it now: it may verify after a sync, and
        may have been shown as of another message before.
        """
        sha256 = b64u(hashlib.sha256(jws.encode()).digest())
        with self.transaction():
            fresh = self._write(
                "INSERT OR IGNORE INTO evidence (sha256, message, kind, jws, reason) VALUES (?, ?, ?, ?, ?)",
                (sha256, message, kind, jws, reason),
            )
            self._write(
                "UPDATE evidence SET message = ?, kind = ?, reason = ? "
                "WHERE sha256 = ? AND reason IS NOT NULL",
                (message, kind, reason, sha256),
            )
        return fresh == 1

    def put_carried(self, sha256: str, arrived_at: str, size: int) -> None:
        """Note of an answer, by its digest, that it came by file; the first time stays."""
        self._write("INSERT OR IGNORE INTO carried VALUES (?, ?, ?)", (sha256, arrived_at, size))

    def carried(self, sha256: str) -> tuple[str, int] | None:
        """When an answer came by file, and the size of the log it was judged at."""
        rows = self._rows("SELECT arrived_at, size FROM carried WHERE sha256 = ?", (sha256,))
        return (rows[0][0], rows[0][1]) if rows else None

    def evidence(self, message: str) -> list[tuple[str, str]]:
        """The evidence about a message that verified when it came: (kind, compact JWS), as it came."""
        sql = "SELECT kind, jws FROM evidence WHERE message = ? AND reason IS NULL ORDER BY number"
        return [(row[0], row[1]) for row in self._rows(sql, (message,))]

    def refused_evidence(self) -> list[tuple[str, str, str, str]]:
        """What was shown as evidence and does not verify: (message, kind, compact JWS, code)."""
        sql = "SELECT message, kind, jws, reason FROM evidence WHERE reason IS NOT NULL ORDER BY number"
        return [(row[0], row[1], row[2], row[3]) for row in self._rows(sql)]

    def put_exercise(self, exercise: str, announcement: str, orders: bytes) -> None:
        """Keep an exercise with its orders (a JSON list)."""
        self._write("INSERT OR REPLACE INTO exercise VALUES (?, ?, ?)", (exercise, announcement, orders))

    def exercises(self) -> list[tuple[str, str, bytes]]:
        """The exercises known: id, announcement, orders."""
        rows = self._rows("SELECT id, announcement, orders FROM exercise ORDER BY id")
        return [(row[0], row[1], row[2]) for row in rows]
