"""Every error a user or another program can meet: stable code, plain sentence, next step.

One table maps a code to its HTTP status, its sentence and what to do next. Raise one of the three
classes with a code of the table; the web layer makes problem+json of it, the command line prints
it and picks the exit code by class. Nothing here formats HTTP or terminal output.

A ``detail`` may name ids, positions and sizes. It never holds a secret, plaintext or personal data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """What one code means: HTTP status, a plain sentence, and the next step for the reader."""

    status: int
    sentence: str
    next_step: str


class PocError(Exception):
    """Base of all errors this program raises on purpose.

    ``data`` holds values for programs (for instance the newest leaf hash after ``superseded``);
    they stand beside the code in problem+json and in ``--json`` output.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, detail: str = "", **data: object) -> None:
        """Make the error for a ``code`` of the table; an unknown code is a fault of ours."""
        row = CATALOGUE[code]
        self.code = code
        self.detail = detail
        self.data = data
        self.status = row.status
        self.next_step = row.next_step
        self.message = f"{row.sentence} ({detail})" if detail else row.sentence
        super().__init__(f"{code}: {self.message}")


class RefusedError(PocError):
    """What was given is wrong, not allowed, or does not verify. Asking again changes nothing."""

    exit_code = 1


class UsageError(PocError):
    """The command line was not understood."""

    exit_code = 2


class UnreachableError(PocError):
    """The world failed: the hub is down, a disk is full. The same call may succeed later."""

    exit_code = 3


class FaultError(PocError):
    """We are wrong: a defect of this program."""

    exit_code = 4


CATALOGUE: dict[str, ErrorRow] = {
    # --- forms (core) ---
    "bad-json": ErrorRow(
        400, "The text is not strict JSON.", "Mend it at the line and column named, then try again."
    ),
    "bad-base64": ErrorRow(
        400,
        "The text is not strict unpadded base64url.",
        "Encode it without padding, whitespace or spare bits.",
    ),
    "bad-time": ErrorRow(
        400, "The time is not of the form YYYY-MM-DDThh:mm:ssZ.", "Write it in UTC with whole seconds."
    ),
    "bad-form": ErrorRow(
        400,
        "The form has a member that is missing, unknown or wrong.",
        "Compare it with the schema of this form in schemas/.",
    ),
    "newer-form": ErrorRow(
        400, "The form comes from a newer version of this program.", "Update this program, then try again."
    ),
    "not-canonical": ErrorRow(
        400,
        "The bytes are not in RFC 8785 canonical form.",
        "Compose them again with a canonical JSON writer.",
    ),
    "too-large": ErrorRow(
        413, "The input is larger than the limit.", "Make it smaller; docs/limits.md lists every limit."
    ),
    "not-yet-in-force": ErrorRow(
        422,
        "This form is known, but this version does not act on it yet.",
        "Leave it out, or wait for the version that brings it into force.",
    ),
    "text-empty": ErrorRow(
        400, "A text is empty.", "Fill it in, or leave the member null where the form allows it."
    ),
    "text-too-long": ErrorRow(400, "A text is longer than this member may be.", "Shorten it."),
    "text-not-nfc": ErrorRow(
        400, "A text is not in Unicode normal form C.", "Normalise it to NFC and sign it again."
    ),
    "text-control": ErrorRow(
        400, "A text holds a control or formatting character.", "Remove the character at the position named."
    ),
    "bad-fingerprint": ErrorRow(
        400, "The fingerprint is not 64 hex digits.", "Type all 16 groups of 4 digits as they stand on paper."
    ),
    "commitment-mismatch": ErrorRow(
        422,
        "A card part does not fit its commitment in the log.",
        "Do not use it; ask its owner to publish it again.",
    ),
    "unknown-key": ErrorRow(404, "No such key is in this registry.", "Sync, or check the key's id."),
    "unknown-contact": ErrorRow(404, "No such contact is in this registry.", "Look it up with `poc lookup`."),
    "unknown-state": ErrorRow(
        404, "No such State is enrolled in this registry.", "List them with `poc state list`."
    ),
    # --- log (core) ---
    "bad-note": ErrorRow(
        422, "The text is not a signed note.", "Fetch it again; if it stays so, report it with the text kept."
    ),
    "unsigned-note": ErrorRow(
        422,
        "The note carries no signature by a key trusted here.",
        "Check which log it comes from; do not use it.",
    ),
    "bad-vkey": ErrorRow(
        422,
        "The text is not a note verification key.",
        "Copy the whole line again from where it was published.",
    ),
    "bad-checkpoint": ErrorRow(
        422, "The text is not a checkpoint.", "Fetch it again; if it stays so, report it with the text kept."
    ),
    "bad-proof": ErrorRow(
        422,
        "The Merkle proof does not hold.",
        "Do not use what it was meant to prove; keep it and report it.",
    ),
    "bad-tile": ErrorRow(
        400, "There is no such tile, or its content is broken.", "Use a path and width of C2SP tlog-tiles."
    ),
    "wrong-origin": ErrorRow(
        422, "This belongs to another registry.", "Check the registry's origin and fingerprint."
    ),
    # --- keys and signatures (core) ---
    "bad-key": ErrorRow(
        422, "The key is not a valid key of this algorithm.", "Make a new key with `poc key new`."
    ),
    "bad-signature": ErrorRow(
        422, "A signature does not verify.", "Ask the signer to sign the exact bytes again."
    ),
    "unknown-algorithm": ErrorRow(
        422,
        "The algorithm is not in this registry's table.",
        "Update this program, or use an algorithm of the table.",
    ),
    "wrong-type": ErrorRow(
        422,
        "The signed form is of another type than expected here.",
        "Send the form to the place made for its type.",
    ),
    "cannot-open": ErrorRow(
        422,
        "The sealed content does not open with this key.",
        "Check that it was sealed to this device and not altered; ask the sender to seal it again.",
    ),
    "bad-padding": ErrorRow(
        422,
        "The padding is not the one this form prescribes.",
        "Ask the sender to seal the message again with a current program.",
    ),
    "wrong-commitment": ErrorRow(
        422,
        "The content key is not the one the sender committed to.",
        "Do not use this message; report it to the sender and keep the file.",
    ),
    "not-signed": ErrorRow(
        401, "The request carries no signature.", "Sign the request with a key of this registry."
    ),
    "bad-request-signature": ErrorRow(
        401,
        "The signature of the request is not valid.",
        "Sign the request again with the key named in it; docs/spec describes the exact form.",
    ),
    "digest-mismatch": ErrorRow(
        400,
        "The body is not the one the request was signed for.",
        "Send the body unchanged; a proxy may have altered it.",
    ),
    "clock-skew": ErrorRow(
        401,
        "The time of the request is too far from the time of the hub.",
        "Set the clock, or sign again with the time of the hub given in the error.",
    ),
    # --- command line ---
    "usage": ErrorRow(400, "The command was not understood.", "Run it with --help."),
    "interrupted": ErrorRow(400, "Interrupted.", "Run the command again; nothing half done was kept."),
    "fault": ErrorRow(
        500, "This program has a fault.", "Report it with the place named; your data was not changed by it."
    ),
    "no-passphrase": ErrorRow(
        400,
        "The keyring needs its passphrase and there is no terminal to ask at.",
        "Put it into the file `passphrase` in the home (mode 0600), or name a file in POC_PASSPHRASE_FILE.",
    ),
    "no-such-file": ErrorRow(400, "A file cannot be read.", "Check the path and its permissions."),
    "file-exists": ErrorRow(
        409, "The file to be written exists.", "Name another file, or move this one away."
    ),
    "unknown-command-value": ErrorRow(
        400, "A value on the command line is not one of those known.", "Use one of the values named."
    ),
}
