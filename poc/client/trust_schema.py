"""The tables of ``trust.db``, as numbered steps: a file of version n has had the first n of them.

A step that was released never changes; what comes later is a step of its own. No statement has a semicolon
inside. What the tables hold is said in ``trust``.
"""

from __future__ import annotations

from typing import Final

from poc.client.trust_alarms import ALARMS

_FIRST: Final = """
CREATE TABLE IF NOT EXISTS value (name TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS entry (number INTEGER PRIMARY KEY, leaf BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS opening (commitment TEXT PRIMARY KEY, contact TEXT NOT NULL, part TEXT NOT NULL,
  data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sealing_key (kid TEXT PRIMARY KEY, jwk BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS inbox (number INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT NOT NULL,
  sender TEXT NOT NULL, digest TEXT NOT NULL, kid TEXT NOT NULL, item BLOB NOT NULL, arrived_at TEXT NOT NULL,
  state TEXT NOT NULL, reason TEXT, UNIQUE (message, sender, digest)) STRICT;
CREATE INDEX IF NOT EXISTS inbox_unverified ON inbox (number)
  WHERE state IN ('new', 'not-verified', 'refused');
CREATE TABLE IF NOT EXISTS outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
  ref TEXT NOT NULL, body BLOB NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
  reason TEXT, answer BLOB, UNIQUE (kind, ref)) STRICT;
CREATE INDEX IF NOT EXISTS outbox_unsettled ON outbox (kind)
  WHERE state NOT IN ('accepted', 'done', 'logged');
CREATE TABLE IF NOT EXISTS sequence (kid TEXT NOT NULL, contact TEXT NOT NULL, status TEXT NOT NULL,
  newest INTEGER NOT NULL, PRIMARY KEY (kid, contact, status)) STRICT;
CREATE TABLE IF NOT EXISTS evidence (number INTEGER PRIMARY KEY AUTOINCREMENT, sha256 TEXT NOT NULL UNIQUE,
  message TEXT NOT NULL, kind TEXT NOT NULL, jws TEXT NOT NULL, reason TEXT) STRICT;
CREATE INDEX IF NOT EXISTS evidence_of ON evidence (message);
CREATE TABLE IF NOT EXISTS set_aside (number INTEGER PRIMARY KEY AUTOINCREMENT, feed TEXT NOT NULL,
  sha256 TEXT NOT NULL, data BLOB NOT NULL, reason TEXT NOT NULL, UNIQUE (feed, sha256)) STRICT;
CREATE TABLE IF NOT EXISTS exercise (id TEXT PRIMARY KEY, announcement TEXT NOT NULL,
  orders BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS proof (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
  kept BLOB NOT NULL, shown BLOB NOT NULL, UNIQUE (kind, kept, shown)) STRICT;
"""
_NOTICES: Final = """
CREATE TABLE notice (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL, refusal TEXT) STRICT;
ALTER TABLE outbox ADD COLUMN stale_reason TEXT;
"""
_BLOBS: Final = """
CREATE TABLE blob_piece (sha256 TEXT NOT NULL, start INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (sha256, start)) STRICT;
"""
_DRAFTS: Final = """
CREATE TABLE draft (id TEXT PRIMARY KEY, state TEXT NOT NULL, edition INTEGER NOT NULL, sealed BLOB NOT NULL,
  changed_at TEXT NOT NULL) STRICT;
CREATE TABLE sheet (number INTEGER PRIMARY KEY AUTOINCREMENT, draft TEXT NOT NULL, edition INTEGER NOT NULL,
  printed_at TEXT NOT NULL) STRICT;
"""
_KEPT_KEYS: Final = """
CREATE TABLE kept_key (message TEXT NOT NULL, kid TEXT NOT NULL, sealed BLOB NOT NULL,
  PRIMARY KEY (message, kid)) STRICT;
"""
# An answer that came by file: when, and the size of the log that its key was judged at.
_CARRIED: Final = """
CREATE TABLE carried (sha256 TEXT PRIMARY KEY, arrived_at TEXT NOT NULL, size INTEGER NOT NULL) STRICT;
"""
MIGRATIONS: Final = (_FIRST, _NOTICES, _BLOBS, _DRAFTS, ALARMS, _KEPT_KEYS, _CARRIED)
SCHEMA_VERSION: Final = len(MIGRATIONS)
