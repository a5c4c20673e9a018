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
