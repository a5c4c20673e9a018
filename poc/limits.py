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
ROTATE_AHEAD_DAYS: Final = 30  # how long before rotate_by a desk replaces its sealing key by itself
KEY_DAYS_KEPT: Final = 30  # how long a replaced key of a device opens, until it is destroyed
SIGNING_KEY_DAYS_ADVISED: Final = 365  # after which a new signing key of a device is advised
AUTHORITY_KEY_DAYS_ADVISED: Final = 730  # after which a new key of an authority is advised
TESTED_DAYS: Final = 366  # how long a contact counts as tested after it answered a ping
HOURS_SEARCH_DAYS_MAX: Final = 370  # how far ahead the next opening of an office is looked for

# How long the hub keeps things; docs/retention.md has the whole list
ENVELOPE_DAYS_KEPT: Final = 30  # an envelope after it expired; its id, receipts and evidence stay
READ_DAYS_KEPT: Final = 365  # who fetched which part of whose card
AUDIT_UNSIGNED_PER_MINUTE_MAX: Final = 60  # refusals of unknown callers recorded one by one; more are counted

# What is due at the hub
DUE_SECONDS_MAX: Final = 5  # how long the hub goes without looking at what is due
CLOCK_STEP_SECONDS_MAX: Final = 60  # how far the machine's clock may step before the hub stops following it

# The hub's own look at itself; docs/operate.md says what each means
PROBE_SECONDS: Final = 10  # between two commits that only try the disk
PROBE_SECONDS_MAX: Final = 5  # how long such a commit may take
PROBE_BYTES: Final = 64 * KIB  # what it writes; given back in the same commit
DISK_FREE_BYTES_MIN: Final = 16 * MIB  # less counts as full: the hub is not ready
DISK_FREE_BYTES_WARN: Final = 1024 * MIB  # less is told as a warning
WAL_BYTES_WARN: Final = 64 * MIB  # a write-ahead log above it is told: something that reads holds it up
RESTORE_SETTLES_SECONDS: Final = 300  # after a restore is proved, until deadlines run: answers come again
WORK_SECONDS_MAX: Final = 180  # how long the work of every minute may not have been done

# Messages
SLOTS_MAX: Final = 250  # slots of one envelope
INLINE_ATTACHMENTS_BYTES_MAX: Final = 16 * KIB  # all attachments that travel inside an envelope
ATTACHMENTS_MAX: Final = 20  # attachments of one message
BLOB_BYTES_MAX: Final = 8 * MIB  # an attachment that travels apart, as sealed
BLOB_CHUNK_BYTES_MAX: Final = 1 * MIB  # one piece of it, uploaded or fetched
BLOB_CHUNK_BYTES_MIN: Final = 4 * KIB  # the smallest piece uploaded, but for the last one
ORPHAN_HOURS_KEPT: Final = 24  # a blob that no accepted message of its uploader names
PLAINTEXT_BYTES_MIN: Final = 4096  # what a shorter plaintext is padded to
DRAFT_BYTES_MAX: Final = 16 * MIB  # the file of a draft, its attachments and their two encodings included
TEXT_CODE_CHARS_MIN: Final = 4  # how much of the text code is typed at least before a draft goes on

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
STREAMS_MAX: Final = 1_000  # streams of inboxes open at once
STREAMS_PER_DEVICE_MAX: Final = 4  # those of one device
STREAM_SECONDS_MAX: Final = 15 * 60  # until a stream ends and its reader comes back
STREAM_HEARTBEAT_SECONDS: Final = 20  # between two signs of life on a stream
STREAM_WRITE_SECONDS_MAX: Final = 30  # how long a reader of a stream may take for what is written to it
STREAM_RETRY_SECONDS: Final = 30  # what Retry-After says where no stream is free
STREAM_SILENCE_SECONDS_MAX: Final = 60  # without a sign of life on a stream, a desk asks anew
POLL_SECONDS: Final = 30  # between two syncs of a program that follows its inbox without a stream
POLL_QUIET_SECONDS: Final = 5 * 60  # the same with one, for what the stream does not tell
RECONNECT_SECONDS_MAX: Final = 60  # the longest pause between two tries to reach a hub
ALARM_PROGRAM_SECONDS_MAX: Final = 20  # how long a program that raises an alarm may run
HOOK_SECONDS_MAX: Final = 60  # how long a program that is told of a message may run
FEED_ITEMS_MAX: Final = 500  # openings, keys or evidence of one page
COSIGN_SECONDS_MAX: Final = 3  # how long whoever logs a statement waits for a quorum to cosign it
WITNESS_SECONDS_MAX: Final = 10  # how long the hub waits for one answer of a witness
WITNESS_ANSWER_BYTES_MAX: Final = 16 * KIB  # what is read of such an answer
CLOCK_AHEAD_SECONDS_MAX: Final = 5 * 60  # how far the hub's clock may be ahead of the newest cosignature
LOG_SECONDS_MAX: Final = 30  # how long a statement waits to be logged before its sender is told
RETRY_AFTER_SECONDS: Final = 10  # what a 503 says in Retry-After
LOAD_SECONDS_MAX: Final = 60  # how long a request waits for a hub that is still reading its log

# Connections; docs/operate.md, Load and fairness, says how they work together
CONNECTIONS_MAX: Final = 2_000  # connections open at once; fewer where the process may open fewer files
CONNECTIONS_OF_ADDRESS_MAX: Final = 250  # those of one address (IPv6: a /64), no proxy's
BACKLOG_MAX: Final = 1_024  # connections that wait to be taken; the system may allow fewer
ANSWER_SECONDS_MAX: Final = 60  # how long a client may take to read an answer
DESCRIPTORS_KEPT: Final = 64  # open files left to the disk and to witnesses, whatever connects

# Rates: a burst is allowed at once, then so many a second; more is answered 429 with Retry-After
RATE_UNSIGNED_BURST: Final = 600  # unsigned requests of one address
RATE_UNSIGNED_PER_SECOND: Final = 20  # the same, after the burst
RATE_UNPROVED_BURST: Final = 200  # requests of one address whose signature is not verified
RATE_UNPROVED_PER_SECOND: Final = 5  # the same, after the burst
RATE_SUBMIT_BURST: Final = 600  # POST /v1/statements of one address
RATE_SUBMIT_PER_SECOND: Final = 10  # the same, after the burst
RATE_READING_BURST: Final = 600  # signed reading of one key
RATE_READING_PER_SECOND: Final = 20  # the same, after the burst
RATE_STATEMENTS_BURST: Final = 1_000  # signatures, openings, keys, exercises and orders given by one key
RATE_STATEMENTS_PER_SECOND: Final = 20  # the same, after the burst
RATE_MESSAGES_BURST: Final = 600  # messages and answers of one key; each waits on the disk
RATE_MESSAGES_PER_SECOND: Final = 20  # the same, after the burst
RATE_BLOBS_BURST: Final = 400  # requests of one key for attachments that travel apart
RATE_BLOBS_PER_SECOND: Final = 20  # the same, after the burst
RATE_BUCKETS_MAX: Final = 50_000  # keys and addresses whose rate is held in memory

# Quotas; a registry's own policy says how many messages a State may send in an hour
QUOTA_PRACTICE_PERCENT: Final = 50  # of messages_per_hour: exercise and test messages stop there
QUOTA_PRACTICE_FLASH_PERCENT: Final = 60  # exercise and test messages of precedence flash
QUOTA_ACTUAL_PERCENT: Final = 90  # actual messages; only actual flash may use the rest
QUOTA_BYTES_MAX: Final = 4096 * MIB  # envelopes a hub holds for one State; and blobs as much again
QUOTA_BYTES_PRACTICE_PERCENT: Final = 50  # of it: exercise and test messages stop there
PRACTICE_BURST: Final = 1_000  # exercise and test messages of all States together, but flash
PRACTICE_PER_SECOND: Final = 100  # the same, after the burst
PRACTICE_AT_ONCE_MAX: Final = 4  # of them worked on at once; actual and flash do not wait for a place
PRACTICE_WAITING_MAX: Final = 128  # of one State's, worked on or waiting for a place
PROPOSALS_OF_STATE_MAX: Final = 2_500  # open proposals begun by one State or registrar's body
PROPOSALS_OF_STATE_BRAKES_MAX: Final = 2_600  # where the proposal is a brake
PROPOSALS_LISTED_MAX: Final = 5_000  # open proposals looked through for one list
RETRY_AFTER_SECONDS_MAX: Final = 3_600  # what a desk believes of a Retry-After
RETRY_WAIT_SECONDS_MAX: Final = 5  # up to which it waits within one command
RETRY_TRIES_MAX: Final = 3  # how often it waits so for one request
# Nudges
NUDGE_ADDRESSES_MAX: Final = 8  # addresses of one contact
NUDGE_FLASH_SECONDS: Final = (0, 120, 300, 600, 900, 1200, 1800)  # when a flash message is nudged about
NUDGE_IMMEDIATE_SECONDS: Final = (60, 600, 1800)  # when an immediate one is
NUDGE_PRIORITY_SECONDS: Final = (15 * 60, 60 * 60)  # when a priority one is
NUDGE_ROUTINE_SECONDS: Final = (60 * 60,)  # when a routine one is
NUDGES_PER_HOUR_FLASH: Final = 60  # nudges to one contact in an hour, after which not even flash is told
NUDGES_PER_HOUR_IMMEDIATE: Final = 45  # after which immediate messages are not told, and so on
NUDGES_PER_HOUR_PRIORITY: Final = 30  # for priority
NUDGES_PER_HOUR_ROUTINE: Final = 15  # for routine
NUDGES_AT_ONCE_MAX: Final = 16  # nudges being sent at the same time; of one contact never two
NUDGE_QUEUE_MAX: Final = 64  # codes and tests that wait to be sent
NUDGE_POLL_SECONDS: Final = 2  # how often it is looked for what is due
NUDGE_CALL_SECONDS_MAX: Final = 10  # how long one call of a webhook takes
NUDGE_ANSWER_BYTES_MAX: Final = 4 * KIB  # what is read of a webhook's answer
NUDGE_MAIL_SECONDS_MAX: Final = 40  # how long handing one mail to the server takes
NUDGE_TRY_AGAIN_SECONDS: Final = (5, 20)  # pauses before a nudge is tried again that failed and may succeed
NUDGE_GAP_SECONDS_MIN: Final = 60  # between two nudges about one message, also after a hub that was down
NUDGE_CLAIM_SECONDS: Final = 300  # after which another node takes up what one has not finished
NUDGE_CODE_SECONDS_MAX: Final = 24 * 3600  # how long a code may be typed
NUDGE_CODE_TRIES_MAX: Final = 5  # wrong codes, after which a new one is needed
NUDGE_CODES_PER_HOUR_MAX: Final = 10  # codes and tests sent for one contact

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
EVIDENCE_BYTES_MAX: Final = 256 * MIB  # an evidence file with the whole log in it
SNAPSHOT_BYTES_MAX: Final = 512 * MIB  # a snapshot; about 350,000 entries of a kilobyte

# Files of a desk
CARRIAGE_BYTES_MAX: Final = 8 * MIB  # a carriage file with messages or answers, or a mail that holds one
CARRIED_MESSAGES_MAX: Final = 50  # messages of one carriage file
CARRIED_ANSWERS_MAX: Final = 200  # answers of one carriage file
CARRIAGE_MAIL_PARTS_MAX: Final = 20  # parts of a mail that is looked through for a carriage file
IMPORT_BYTES_MAX: Final = 8 * MIB  # a table of contacts
IMPORT_ROWS_MAX: Final = 2_000  # rows of such a table
TEMPLATE_BYTES_MAX: Final = 256 * KIB  # the file of a template
TEMPLATES_MAX: Final = 200  # templates that a home may add to those of the program
