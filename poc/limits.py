"""Every bound on input, on one page. ``docs/limits.md`` lists the same numbers for readers."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# JSON and forms
JSON_DEPTH_MAX: Final = 32  # nested arrays and objects in any JSON
JSON_INTEGER_MAX: Final = 2**53 - 1  # an integer in any JSON, either side of zero
ENTRY_BYTES_MAX: Final = 65_535  # one entry of the log
DEVICES_MAX: Final = 8  # active devices of one contact or controller
OFFICER_CHARS_MAX: Final = 16  # the code of an officer who acts

# Times
ISSUED_AHEAD_SECONDS_MAX: Final = 5 * 60  # how far issued_at may lie after logged_at
ISSUED_AGE_SECONDS_MAX: Final = 14 * 24 * 3600  # from issued_at to logged_at; brakes are exempt
LOGGED_AHEAD_SECONDS_MAX: Final = 5 * 60  # how far logged_at may lie after the time it was cosigned
SUSPEND_SECONDS_MAX: Final = 90 * 24 * 3600  # from issued_at to the end of a suspension; it may be renewed
PROPOSAL_SECONDS_MAX: Final = 14 * 24 * 3600  # how long a proposal waits for its signatures
REQUEST_SECONDS_MAX: Final = 90 * 24 * 3600  # how long a request for enrolment may be taken up
HELD_SECONDS_MAX: Final = 90 * 24 * 3600  # how far ahead a held message or slot may be released
EXPIRES_SECONDS_MAX: Final = 30 * 24 * 3600  # from sent_at or not_before to expires_at
CLOCK_SKEW_SECONDS_MAX: Final = 60  # between the time of a request and the hub's clock
NONCE_SECONDS_KEPT: Final = 10 * 60  # how long a key may not repeat a nonce
ROTATE_BY_SECONDS_MAX: Final = 90 * 24 * 3600  # how far ahead rotate_by of a new sealing key may lie
HOURS_SEARCH_DAYS_MAX: Final = 370  # how far ahead the next opening of an office is looked for

# How long the hub keeps things; docs/retention.md has the whole list
ENVELOPE_DAYS_KEPT: Final = 30  # an envelope after it expired; its id, receipts and evidence stay
READ_DAYS_KEPT: Final = 365  # who fetched which part of whose card
AUDIT_UNSIGNED_PER_MINUTE_MAX: Final = 60  # refusals of unknown callers recorded one by one; more are counted

# What is due at the hub
DUE_SECONDS_MAX: Final = 5  # how long the hub goes without looking at what is due
CLOCK_STEP_SECONDS_MAX: Final = 60  # how far the machine's clock may step before the hub stops following it

# Messages
SLOTS_MAX: Final = 250  # slots of one envelope
INLINE_ATTACHMENTS_BYTES_MAX: Final = 16 * KIB  # all attachments that travel inside an envelope
PLAINTEXT_BYTES_MIN: Final = 4096  # what a shorter plaintext is padded to

# HTTP
BODY_BYTES_MAX: Final = 1 * MIB  # the body of a request
BODY_DRAIN_BYTES_MAX: Final = 8 * MIB  # what is read of a body that is too large, so that the answer is seen
BODY_DRAIN_SECONDS_MAX: Final = 10  # how long that reading lasts
HEADER_SECONDS_MAX: Final = 10  # until the header of a request is complete
BODY_SECONDS_MAX: Final = 30  # until its body is complete
IDLE_SECONDS_MAX: Final = 75  # how long a connection may wait between two requests
HEADER_LINE_BYTES_MAX: Final = 8190  # one line of a request's header
HEADER_LINES_MAX: Final = 128  # lines of a request's header
INBOX_ITEMS_MAX: Final = 50  # messages of one page of an inbox
INBOX_PAGE_BYTES_MAX: Final = 4 * MIB  # ciphertext of one page of an inbox; one message always fits
FEED_ITEMS_MAX: Final = 500  # openings, keys or evidence of one page
COSIGN_SECONDS_MAX: Final = 3  # how long whoever logs a statement waits for a quorum to cosign it
WITNESS_SECONDS_MAX: Final = 10  # how long the hub waits for one answer of a witness
WITNESS_ANSWER_BYTES_MAX: Final = 16 * KIB  # what is read of such an answer
CLOCK_AHEAD_SECONDS_MAX: Final = 5 * 60  # how far the hub's clock may be ahead of the newest cosignature
LOG_SECONDS_MAX: Final = 30  # how long a statement waits to be logged before its sender is told
LOAD_SECONDS_MAX: Final = 60  # how long a request waits for a hub that is still reading its log

# Notes of C2SP
NOTE_BYTES_MAX: Final = 128 * KIB  # a signed note; 16 signatures of 5 kB each fit
NOTE_SIGNATURES_MAX: Final = 64  # signature lines of a note
PROOF_HASHES_MAX: Final = 63  # hashes of a Merkle proof
LOG_SIZE_MAX: Final = 2**53 - 1  # entries of a log
VKEY_CHARS_MAX: Final = 4096  # a note verification key as text
SUBMISSION_BYTES_MAX: Final = NOTE_BYTES_MAX + 4 * KIB  # a checkpoint and its proof, sent to a witness
COSIGNED_AHEAD_SECONDS_MAX: Final = 5 * 60  # how far a witness's last cosignature may lie ahead of its clock
NOTICES_HELD_MAX: Final = 1024  # brakes that a desk holds because the log lacks them
NOTICES_SECONDS_MAX: Final = 10  # how long a desk waits for all witnesses it asks
WATCHED_SECONDS_MAX: Final = 20  # how long a witness reads and checks new entries before it answers
NOTICE_BYTES_MAX: Final = 128 * KIB  # a brake sent to a witness
NOTICES_ANSWER_BYTES_MAX: Final = 5 * MIB  # what is read of one witness's notices
NOTICES_MAX: Final = 256  # brakes a witness holds of one log
NOTICES_OF_STATE_MAX: Final = 16  # those of them that keys of one State signed
NOTICES_BYTES_MAX: Final = 4 * MIB  # all of them together
CONFLICTS_MAX: Final = 16  # checkpoints of one kind that a witness keeps against one log
BLOB_BYTES_MAX: Final = 8 * MIB  # an attachment that travels apart
EVIDENCE_BYTES_MAX: Final = 256 * MIB  # an evidence file with the whole log in it
SNAPSHOT_BYTES_MAX: Final = 512 * MIB  # a snapshot; about 350,000 entries of a kilobyte

# Files of a desk
CARRIAGE_BYTES_MAX: Final = 8 * MIB  # a carriage file with messages or answers, or a mail that holds one
CARRIED_MESSAGES_MAX: Final = 50  # messages of one carriage file
CARRIED_ANSWERS_MAX: Final = 200  # answers of one carriage file
CARRIAGE_MAIL_PARTS_MAX: Final = 20  # parts of a mail that is looked through for a carriage file
IMPORT_BYTES_MAX: Final = 8 * MIB  # a table of contacts
IMPORT_ROWS_MAX: Final = 2_000  # rows of such a table
