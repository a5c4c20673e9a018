-- The newest head that a quorum of witnesses cosigned, as it is shown; empty where none is asked for.
CREATE TABLE published (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    note BLOB NOT NULL
) STRICT;
