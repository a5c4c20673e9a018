-- Where a contact wants to be nudged: personal data, given by its State, never in the log; and the last outcome.
CREATE TABLE nudge_addresses (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    contact TEXT NOT NULL,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    precedence TEXT NOT NULL,
    languages TEXT NOT NULL,
    secret TEXT,
    code TEXT NOT NULL,
    code_until INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    confirmed_at INTEGER,
    succeeded_at INTEGER,
    failed_at INTEGER,
    failure TEXT,
    UNIQUE (contact, kind, address)
) STRICT;

-- Nudges due: one row for each message and contact until it ends; a step is claimed by compare-and-swap.
CREATE TABLE nudges (
    message TEXT NOT NULL,
    contact TEXT NOT NULL,
    step INTEGER NOT NULL,
    began_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    claimed_until INTEGER NOT NULL,
    precedence TEXT NOT NULL,
    status TEXT NOT NULL,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (message, contact)
) STRICT, WITHOUT ROWID;

CREATE INDEX nudges_by_time ON nudges (due_at);

-- The slots up to this number were looked at.
CREATE TABLE nudge_cursor (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL
) STRICT;
