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

-- What a message holds is kept with it: held slots go their own ways before it is dropped.
ALTER TABLE messages ADD COLUMN held_bytes INTEGER NOT NULL DEFAULT 0;

UPDATE messages SET held_bytes = length(protected) + length(iv) + length(ciphertext) + length(tag)
    + (SELECT coalesce(sum(length(data)), 0) FROM slots WHERE message = messages.id)
    + (SELECT coalesce(sum(length(data)), 0) FROM held_slots WHERE message = messages.id)
WHERE ciphertext <> '';

INSERT INTO quota_held
SELECT substr(sender_contact, 1, instr(sender_contact || '.', '.') - 1), 'envelopes', sum(held_bytes)
FROM messages JOIN submissions ON submissions.id = messages.id
WHERE ciphertext <> ''
GROUP BY 1;

-- Who opened a proposal: each State or body may have so many open.
ALTER TABLE proposals ADD COLUMN opener TEXT NOT NULL DEFAULT '';

CREATE INDEX proposals_by_opener ON proposals (opener);
