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
