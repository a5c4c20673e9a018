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
