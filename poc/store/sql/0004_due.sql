-- Held slots and messages, and what is due. A held slot moves to slots when it goes out, and gets its number then.
ALTER TABLE slots ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE slots ADD COLUMN release_at INTEGER;
ALTER TABLE slots ADD COLUMN in_place_of TEXT;
ALTER TABLE slots ADD COLUMN released TEXT;

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
