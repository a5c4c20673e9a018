-- The present state of the database, for readers. The numbered files are the way there; a test holds both equal.
-- Times are seconds of Unix time; tree hashes are blobs, other hashes base64url text.
-- The log.
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL,
    root BLOB NOT NULL CHECK (length(root) = 32),
    checkpoint BLOB NOT NULL
) STRICT;

CREATE TABLE leaves (
    position INTEGER PRIMARY KEY,
    data BLOB NOT NULL,
    leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
    payload_sha256 TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE subtrees (
    level INTEGER NOT NULL,
    position INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE proposals (
    id TEXT PRIMARY KEY,
    payload BLOB NOT NULL,
    signatures BLOB NOT NULL,
    opened_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
, opener TEXT NOT NULL DEFAULT '') STRICT;

CREATE INDEX proposals_by_opener ON proposals (opener);

-- What travels beside the log. Openings hold personal data and can be erased, so a number is never used again.
CREATE TABLE openings (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    commitment TEXT NOT NULL UNIQUE,
    contact TEXT NOT NULL,
    part TEXT NOT NULL,
    data BLOB NOT NULL
) STRICT;

CREATE TABLE sealing_keys (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kid TEXT NOT NULL UNIQUE,
    jwk BLOB NOT NULL,
    holder TEXT NOT NULL
) STRICT;

-- Messages. A submission is an id that was answered for good; reason is null if it was accepted.
CREATE TABLE submissions (
    id TEXT PRIMARY KEY,
    body_sha256 TEXT NOT NULL,
    sender_contact TEXT NOT NULL,
    sender_kid TEXT NOT NULL,
    reason TEXT,
    receipt TEXT NOT NULL,
    answered_at INTEGER NOT NULL
) STRICT;

CREATE TABLE messages (
    id TEXT PRIMARY KEY REFERENCES submissions (id),
    digest TEXT NOT NULL,
    status TEXT NOT NULL,
    exercise TEXT,
    protected TEXT NOT NULL,
    iv TEXT NOT NULL,
    ciphertext TEXT NOT NULL,
    tag TEXT NOT NULL,
    expires_at INTEGER NOT NULL
, held_bytes INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE slots (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    message TEXT NOT NULL REFERENCES messages (id),
    contact TEXT NOT NULL,
    kid TEXT NOT NULL,
    sequence INTEGER,
    data BLOB NOT NULL,
    position INTEGER NOT NULL DEFAULT 0,
    release_at INTEGER,
    in_place_of TEXT,
    released TEXT,
    UNIQUE (message, kid)
) STRICT;

CREATE INDEX slots_by_kid ON slots (kid, number);

CREATE TABLE sequences (
    sender_kid TEXT NOT NULL,
    contact TEXT NOT NULL,
    status TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    message TEXT NOT NULL REFERENCES messages (id),
    PRIMARY KEY (sender_kid, contact, status, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE answers (
    message TEXT NOT NULL REFERENCES messages (id),
    contact TEXT NOT NULL,
    kid TEXT NOT NULL,
    outcome TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    receipt TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (message, contact, kid, outcome)
) STRICT, WITHOUT ROWID;

CREATE TABLE evidence (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    message TEXT NOT NULL REFERENCES submissions (id),
    sender_contact TEXT NOT NULL,
    kind TEXT NOT NULL,
    event TEXT NOT NULL,
    contact TEXT,
    jws TEXT NOT NULL
) STRICT;

CREATE INDEX evidence_by_message ON evidence (message, number);

CREATE INDEX evidence_by_sender ON evidence (sender_contact, number);

-- Requests.
CREATE TABLE nonces (
    kid TEXT NOT NULL,
    nonce TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (kid, nonce)
) STRICT, WITHOUT ROWID;

CREATE INDEX nonces_by_end ON nonces (until);

-- Exercises. An exercise takes a new number with each order, so that a reader who follows numbers sees it again.
CREATE TABLE exercises (
    id TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    controller TEXT NOT NULL,
    announcement TEXT NOT NULL
) STRICT;

CREATE TABLE exercise_orders (
    exercise TEXT NOT NULL REFERENCES exercises (id),
    number INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    jws TEXT NOT NULL,
    PRIMARY KEY (exercise, number)
) STRICT, WITHOUT ROWID;

-- The newest head that a quorum of witnesses cosigned, as it is shown; empty where none is asked for.
CREATE TABLE published (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    note BLOB NOT NULL
) STRICT;

-- Erasures: what its owner had erased while the log still names it, with the owner's signed request.
CREATE TABLE erasures (
    commitment TEXT NOT NULL,
    contact TEXT NOT NULL,
    part TEXT NOT NULL,
    proof BLOB NOT NULL,
    erased_at INTEGER NOT NULL,
    PRIMARY KEY (commitment, contact)
) STRICT, WITHOUT ROWID;

-- Who fetched which part of whose card, by day: shown to the State it is about, then forgotten.
CREATE TABLE reads (
    contact TEXT NOT NULL,
    part TEXT NOT NULL,
    reader TEXT NOT NULL,
    day INTEGER NOT NULL,
    PRIMARY KEY (contact, part, reader, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX reads_by_day ON reads (day);

-- Privileged actions, each record chained to the one before; anchors are signed by the hub's key, one a day.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    record BLOB NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TABLE audit_anchors (
    day INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    note BLOB NOT NULL
) STRICT;

-- An envelope is dropped some time after it expired; what was answered about it stays.
CREATE INDEX messages_by_end ON messages (expires_at) WHERE ciphertext <> '';

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

-- Held slots and messages, and what is due. A held slot moves to slots when it goes out, and gets its number then.
CREATE TABLE held_slots (
    message TEXT NOT NULL REFERENCES messages (id),
    contact TEXT NOT NULL,
    kid TEXT NOT NULL,
    data BLOB NOT NULL,
    position INTEGER NOT NULL,
    release_at INTEGER NOT NULL,
    in_place_of TEXT,
    PRIMARY KEY (message, kid)
) STRICT, WITHOUT ROWID;

-- A step is done once: whoever deletes its row, in the transaction that keeps its receipt, has done it.
CREATE TABLE due (
    message TEXT NOT NULL REFERENCES messages (id),
    contact TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (message, contact, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX due_by_time ON due (at);

-- When the hub signed that nothing of a contact had reached it: a record afterwards bears a later time.
CREATE TABLE expiries (
    message TEXT NOT NULL REFERENCES messages (id),
    contact TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (message, contact)
) STRICT, WITHOUT ROWID;

-- Attachments that travel apart: what of each is there, in chunks, and which accepted messages name it.
CREATE TABLE blobs (
    number INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL,
    uploader TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    have_bytes INTEGER NOT NULL,
    touched_at INTEGER NOT NULL,
    UNIQUE (sha256, uploader)
) STRICT;

CREATE INDEX blobs_by_age ON blobs (touched_at);

CREATE TABLE blob_chunks (
    blob INTEGER NOT NULL REFERENCES blobs (number),
    start INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (blob, start)
) STRICT;

CREATE TABLE message_blobs (
    sha256 TEXT NOT NULL,
    message TEXT NOT NULL REFERENCES messages (id),
    PRIMARY KEY (sha256, message)
) STRICT, WITHOUT ROWID;

CREATE INDEX message_blobs_by_message ON message_blobs (message);

-- Restores: a backup carries the last row, without an epoch; the hub that starts from it gives it one, which
-- its feeds show, and logs nothing before it is proved that nothing newer was signed.
CREATE TABLE restores (
    number INTEGER PRIMARY KEY,
    taken_at INTEGER NOT NULL,
    epoch TEXT UNIQUE,
    begun_at INTEGER,
    proved_at INTEGER
) STRICT;

-- One row, written again and again: whether the disk still takes a commit of some size.
CREATE TABLE probe (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
-- Quotas of a State or body: what it sent in each minute of the last hour, and what is held for it.
CREATE TABLE quota_uses (
    party TEXT NOT NULL,
    minute INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (party, minute)
) STRICT, WITHOUT ROWID;

CREATE TABLE quota_held (
    party TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('envelopes', 'blobs')),
    bytes INTEGER NOT NULL,
    PRIMARY KEY (party, kind)
) STRICT, WITHOUT ROWID;

-- Which numbered files were applied, and the SHA-256 of each (made by poc.store.migrate).
CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL
) STRICT;
