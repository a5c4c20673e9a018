-- What a witness keeps beside the tree: the checkpoint it cosigned; of a log whose rules it checks, where its
-- entries are read and from which genesis on, the entries verified and the brakes held; what speaks against a log.

ALTER TABLE log ADD COLUMN note BLOB;
ALTER TABLE log ADD COLUMN hub TEXT;
ALTER TABLE log ADD COLUMN fingerprint TEXT;
-- A log that is no longer watched: its tree stays, so that nothing else is cosigned if it is watched again.
ALTER TABLE log ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;

CREATE TABLE entry (
    origin TEXT NOT NULL REFERENCES log (origin),
    position INTEGER NOT NULL CHECK (position >= 0),
    leaf BLOB NOT NULL,
    PRIMARY KEY (origin, position)
) STRICT;

CREATE TABLE notice (
    origin TEXT NOT NULL REFERENCES log (origin),
    payload_sha256 TEXT NOT NULL,
    state TEXT NOT NULL,
    statement BLOB NOT NULL,
    PRIMARY KEY (origin, payload_sha256)
) STRICT;

CREATE TABLE conflict (
    number INTEGER PRIMARY KEY,
    origin TEXT NOT NULL REFERENCES log (origin),
    kind TEXT NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    shown BLOB NOT NULL,
    cosigned BLOB,
    notice BLOB,
    kept_at INTEGER NOT NULL,
    UNIQUE (origin, kind, size, root)
) STRICT;
