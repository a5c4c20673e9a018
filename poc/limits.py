"""Every bound on input, on one page. ``docs/limits.md`` lists the same numbers for readers."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# JSON and forms
JSON_DEPTH_MAX: Final = 32
JSON_INTEGER_MAX: Final = 2**53 - 1
ENTRY_BYTES_MAX: Final = 65_535
DEVICES_MAX: Final = 8
OFFICER_CHARS_MAX: Final = 16

# Times
ISSUED_AHEAD_SECONDS_MAX: Final = 5 * 60
ISSUED_AGE_SECONDS_MAX: Final = 14 * 24 * 3600
PROPOSAL_SECONDS_MAX: Final = 14 * 24 * 3600
EXPIRES_SECONDS_MAX: Final = 30 * 24 * 3600
CLOCK_SKEW_SECONDS_MAX: Final = 60
NONCE_SECONDS_KEPT: Final = 10 * 60
ROTATE_BY_SECONDS_MAX: Final = 90 * 24 * 3600

# Messages
SLOTS_MAX: Final = 250
INLINE_ATTACHMENTS_BYTES_MAX: Final = 16 * KIB
PLAINTEXT_BYTES_MIN: Final = 4096

# HTTP
BODY_BYTES_MAX: Final = 1 * MIB
BODY_DRAIN_BYTES_MAX: Final = 8 * MIB
BODY_DRAIN_SECONDS_MAX: Final = 10
HEADER_SECONDS_MAX: Final = 10
BODY_SECONDS_MAX: Final = 30

# Notes (C2SP)
NOTE_BYTES_MAX: Final = 64 * KIB
NOTE_SIGNATURES_MAX: Final = 64
PROOF_HASHES_MAX: Final = 63
LOG_SIZE_MAX: Final = 2**53 - 1
VKEY_CHARS_MAX: Final = 4096
