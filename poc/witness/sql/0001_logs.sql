-- The logs watched, each with the one tree this witness last cosigned, and the keys it knows each log by.

CREATE TABLE log (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL CHECK (size >= 0),
    root BLOB NOT NULL CHECK (length(root) = 32),
    cosigned_at INTEGER NOT NULL CHECK (cosigned_at >= 0)
) STRICT;

CREATE TABLE log_key (
    origin TEXT NOT NULL REFERENCES log (origin),
    vkey TEXT NOT NULL,
    PRIMARY KEY (origin, vkey)
) STRICT;
