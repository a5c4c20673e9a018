"""Every error a user or another program can meet: stable code, plain sentence, next step.

One table maps a code to its HTTP status, its sentence and what to do next. Raise one of the three
classes with a code of the table; the web layer makes problem+json of it, the command line prints
it and picks the exit code by class. Nothing here formats HTTP or terminal output.

A ``detail`` may name ids, positions and sizes. It never holds a secret, plaintext or personal data.
Over 400 lines, because it is one table: a code is looked up in one place.
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

    def __init__(self, code: str, detail: str = "", /, **data: object) -> None:
        """Make the error for a ``code`` of the table; an unknown code is a fault of ours.

        The names of ``data`` may come from outside: none of them is taken for ``code`` or ``detail``.
        """
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
    "light-evidence": ErrorRow(
        422,
        "The evidence file does not hold the log's entries; this version cannot verify it without them.",
        "Ask for the complete file, which holds the whole log.",
    ),
    "snapshot-damaged": ErrorRow(
        422,
        "The snapshot is not the file that was written: its closing hash does not fit.",
        "Get it again from whoever made it; do not use this copy.",
    ),
    # --- carriage: files between desks (core, client) ---
    "not-an-addressee": ErrorRow(
        404,
        "The message was not sealed to this contact by its sender.",
        "`poc message outbox` names whom it was sealed to.",
    ),
    "held-for-later": ErrorRow(
        409,
        "This part of the message is held for later.",
        "Wait until its time; --held writes the file for an alternate before it.",
    ),
    "part-cancelled": ErrorRow(
        409,
        "This part of the message was taken back, or was not needed.",
        "Send a new message to that office.",
    ),
    "nothing-to-carry": ErrorRow(
        404,
        "There is nothing here to carry.",
        "Send the message first, or retrieve or acknowledge it.",
    ),
    "log-gap": ErrorRow(
        409,
        "The entries in the file begin after the end of the log known here.",
        "Ask for `poc sync --export FILE --since SIZE` with the size known here.",
    ),
    "log-mismatch": ErrorRow(
        422,
        "The entries in the file do not lead from the log verified here to the checkpoint beside them.",
        "Nothing of it was taken. Ask for the whole log (--since 0), from another party too, and compare.",
    ),
    "bad-mail": ErrorRow(
        422,
        "The mail does not hold one carriage file.",
        "Save the attachment from your mail program and import that file.",
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
    "bad-hours": ErrorRow(
        400,
        "The working hours are not possible as written.",
        "Write HH:MM times within one day; a night shift is two slots.",
    ),
    "bad-fingerprint": ErrorRow(
        400, "The fingerprint is not 64 hex digits.", "Type all 16 groups of 4 digits as they stand on paper."
    ),
    "commitment-mismatch": ErrorRow(
        422,
        "A card part does not fit its commitment in the log.",
        "Do not use it; ask its owner to publish it again.",
    ),
    "proposal-mismatch": ErrorRow(
        422,
        "The proposal holds something its statement does not name.",
        "Ask whoever made the file for a fresh one.",
    ),
    "unknown-key": ErrorRow(404, "No such key is in this registry.", "Sync, or check the key's id."),
    "unknown-contact": ErrorRow(404, "No such contact is in this registry.", "Look it up with `poc lookup`."),
    "unknown-state": ErrorRow(
        404, "No such State is enrolled in this registry.", "List them with `poc state list`."
    ),
    # --- paper: kits, requests, transcripts (core) ---
    "kit-incomplete": ErrorRow(
        400, "The kit is not typed in full.", "Type all its groups in order, with a space between them."
    ),
    "kit-group": ErrorRow(
        422,
        "A group of the kit is not as printed.",
        "Compare the group named with the sheet and type it again.",
    ),
    "kit-mismatch": ErrorRow(
        422,
        "The last group does not fit the others and the holder named.",
        "Compare the last group with the sheet, and name the party printed on it.",
    ),
    "kit-not-this-key": ErrorRow(
        409,
        "The kit is of another key than the one in this home; nothing was removed.",
        "Type the kit printed for this key, or print a new one with `poc key kit`.",
    ),
    "request-mismatch": ErrorRow(
        409,
        "The request is not the one whose page is at hand.",
        "Compare all 16 groups with the annexed page; if they differ, call the State at a known number.",
    ),
    "request-expired": ErrorRow(
        409, "The request was not made lately.", "Check the clock, or ask the State for a new request."
    ),
    "request-differs": ErrorRow(
        409,
        "The enrolment does not say what the request says.",
        "Do not sign it; ask the registrar why, at a known number.",
    ),
    "bad-transcript": ErrorRow(
        422,
        "The transcript was changed, or is not one of a ceremony.",
        "Take the copy that was signed by hand and compare its last line.",
    ),
    "transcript-mismatch": ErrorRow(
        409,
        "The transcript and the file do not belong together.",
        "Take the file of that ceremony; if it is, stop: it was changed since.",
    ),
    "ceremony-step": ErrorRow(
        409, "This step does not come next.", "Do the step named, or begin a new transcript."
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
        "Check that the key is enrolled by now and has not ended (`poc key list`, `poc contact show`), "
        "and that no proxy changes requests; docs/spec describes the exact form.",
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
    # --- messages, evidence, exercises (core) ---
    "attachments-too-large": ErrorRow(
        413,
        "An attachment is larger than this registry takes.",
        "Send it in parts or by another way; `poc message send --dry-run` shows the sizes.",
    ),
    "envelope-too-large": ErrorRow(
        413,
        "The sealed message is larger than this registry admits.",
        "Shorten the text, or send it to fewer contacts at a time.",
    ),
    "too-many-slots": ErrorRow(
        422,
        "The message is for more devices than one envelope may have.",
        "Send it in several messages, each to fewer contacts.",
    ),
    "no-addressee": ErrorRow(
        422,
        "The message is for nobody but its own office.",
        "Name at least one contact for action or information.",
    ),
    "duplicate-slot": ErrorRow(422, "One key is named twice among the recipients.", "Name each device once."),
    "bad-sequence": ErrorRow(
        422,
        "The sequence numbers do not fit the recipients.",
        "One number for all devices of a contact; none for own and held slots.",
    ),
    "bad-held-slot": ErrorRow(
        422,
        "A held part of the message does not fit the rest of it.",
        "A held slot names who it stands in for, an addressee of this message, and a time before it expires.",
    ),
    "not-alternate": ErrorRow(
        422,
        "A held part is for somebody who is no alternate of the addressee.",
        "Choose an alternate of that contact, or the duty contact of its State.",
    ),
    "held-too-long": ErrorRow(
        422,
        "The message would wait at the hub for too long.",
        "Send it nearer to its time; 90 days is the most.",
    ),
    "bad-times": ErrorRow(
        422,
        "The times of the message do not fit together.",
        "It is answered after it goes out, and not later than it expires.",
    ),
    "expires-too-late": ErrorRow(
        422, "The message would live longer than 30 days.", "Choose an earlier time of expiry."
    ),
    "sent-in-future": ErrorRow(
        422, "The time of signing lies in the future.", "Set the clock right, then sign again."
    ),
    "expired": ErrorRow(
        422, "The message has expired.", "Write it again with a new time of expiry, if it still matters."
    ),
    "status-not-admitted": ErrorRow(
        422, "This registry does not admit messages of this status.", "Use a status that its policy admits."
    ),
    "controller-cannot-send-actual": ErrorRow(
        422,
        "A controller of exercises never sends actual messages.",
        "Send it as an exercise, or from a contact.",
    ),
    "real-world-wording": ErrorRow(
        422,
        "An exercise text says that it is no exercise.",
        "Take out the words named; a real event is sent as another message.",
    ),
    "preparation-missing": ErrorRow(
        422,
        "A second device has not prepared this; an actual message never goes out without.",
        "Let another device of the same contact prepare the content: `poc message prepare`.",
    ),
    "preparation-mismatch": ErrorRow(
        422,
        "The preparation is not one of this content by another device of the same contact.",
        "Have the content as it now stands prepared anew.",
    ),
    "unknown-draft": ErrorRow(
        404, "No such draft is here.", "`poc message drafts` lists them; a file is named by its path."
    ),
    "wrong-party": ErrorRow(
        422, "The file is of another office than this home's.", "Open it at a desk of the office named."
    ),
    "draft-superseded": ErrorRow(
        409,
        "This home holds another or a newer edition of this draft.",
        "Go on with the newest edition; ask whoever edited last for its file.",
    ),
    "draft-expired": ErrorRow(
        422,
        "A time that the draft promises has passed.",
        "Edit it with new times, such as `poc message edit ID --expires-in 7d`, and have it prepared anew.",
    ),
    "wrong-text-code": ErrorRow(
        422,
        "What was typed is not the text code of this draft.",
        "Compare paper and screen; if they differ, the text does: let nothing go out.",
    ),
    "actual-not-confirmed": ErrorRow(
        400,
        "An actual message goes out only with --actual and its words typed at a terminal.",
        "Give --actual for an actual message, never for another, and type what is asked for.",
    ),
    "id-mismatch": ErrorRow(
        422, "The envelope is of another message id.", "Send it to the address of its own id."
    ),
    "stale-slot-key": ErrorRow(
        422,
        "A slot is sealed to a key that is not the newest of a device of that contact.",
        "Sync, then seal the message anew.",
    ),
    "exercise-unknown": ErrorRow(
        422, "The exercise is not known here.", "Sync; ask its controller whether it was announced."
    ),
    "exercise-not-open": ErrorRow(
        422, "The exercise is not open.", "Wait for its start; after its end nothing is sent in it."
    ),
    "exercise-lacks-side": ErrorRow(
        422, "A contact is no participant of the exercise.", "Leave it out, or ask the controller."
    ),
    "order-out-of-sequence": ErrorRow(
        409, "The order does not follow the last order of its exercise.", "Sync, then give the order again."
    ),
    "not-in-this-state": ErrorRow(
        409,
        "This cannot happen in the present state.",
        "Look at what was recorded before; nothing was changed.",
    ),
    "key-not-yet": ErrorRow(
        422,
        "The key was not yet in the registry then.",
        "Sync; if it stays so, keep what was signed and report it.",
    ),
    "key-ended": ErrorRow(
        422, "The key had ended then.", "Sign with the present key; do not rely on this one."
    ),
    "key-compromised": ErrorRow(
        422, "The key was revoked as compromised or lost.", "Do not rely on it; ask the contact by voice."
    ),
    "right-missing": ErrorRow(
        403, "The key has not the right to do this.", "Use a device that has the right, or have it nominated."
    ),
    "contact-frozen": ErrorRow(
        422, "The contact is frozen by its own State.", "Reach it by voice; its authority can thaw it."
    ),
    "head-ahead": ErrorRow(
        409, "What was signed refers to a newer log than the one known here.", "Sync, then try again."
    ),
    "head-inconsistent": ErrorRow(
        422,
        "What was signed refers to another log than this one.",
        "Keep it: two heads that contradict each other prove a fork. Report it.",
    ),
    "no-slot-for-key": ErrorRow(
        422,
        "The envelope has no slot for this key.",
        "Check which device it was sealed to; ask the sender to seal it again.",
    ),
    "member-mismatch": ErrorRow(
        422, "What stands outside is not what was signed inside.", "Do not use it; keep it and report it."
    ),
    "slot-not-in-message": ErrorRow(
        422,
        "The message was not sealed to this device by its author.",
        "Do not use it; somebody passed it on or altered it. Keep it and report it.",
    ),
    "bad-attachment": ErrorRow(
        422,
        "An attachment is not the one the message names.",
        "Do not use it; ask the sender to send it again.",
    ),
    "blob-mismatch": ErrorRow(
        422,
        "These bytes are not the blob that was named; they are not kept.",
        "Begin again from the first byte; if that fails too, ask the sender.",
    ),
    "blob-not-here": ErrorRow(
        404,
        "The attachment is not at this desk yet.",
        "`poc message show ID --save DIR` fetches it when the hub can be reached.",
    ),
    "blob-missing": ErrorRow(
        404,
        "The hub does not have the attachment, or not all of it.",
        "The sender's desk may still be sending it: try again later, or ask the sender.",
    ),
    "seen-before": ErrorRow(
        409, "A message of this id and sender was received before.", "Nothing to do; look it up in the inbox."
    ),
    "held-slot-early": ErrorRow(
        422, "The message may not be opened before its time.", "Wait until its time of release."
    ),
    "receipt-mismatch": ErrorRow(
        422, "A receipt is of something else.", "Do not rely on it; keep both and report it."
    ),
    "names-no-message": ErrorRow(
        422,
        "An update, withdrawal or closure names no message that it is about.",
        "Send it with `poc message update ID`, `withdraw ID` or `close ID`.",
    ),
    "original-not-here": ErrorRow(
        422,
        "The message that this is about is not at this desk, so nothing shows whose it was.",
        "Sync; if it stays away, ask the sender by voice.",
    ),
    "another-thread": ErrorRow(
        422,
        "The message that this is about belongs to another conversation.",
        "Ask the sender by voice which message is meant.",
    ),
    "not-the-originator": ErrorRow(
        422,
        "Only the office that sent a message may update or withdraw it, and only the one that began a "
        "conversation may close it.",
        "Write to the originator with `poc message reply ID`, or ask it by voice.",
    ),
    "withdrawal-stands": ErrorRow(
        422, "A withdrawal is not withdrawn itself.", "Send the message that is meant anew."
    ),
    "already-withdrawn": ErrorRow(
        409, "The message is withdrawn already.", "Send a new message if there is more to say."
    ),
    # --- templates (core, client) ---
    "bad-field": ErrorRow(
        422,
        "A field does not fit its template.",
        "Look at its fields and codes with `poc template show ID`.",
    ),
    "unknown-template": ErrorRow(
        404, "This desk has no template of this name.", "Choose one of `poc template list`."
    ),
    "template-exists": ErrorRow(
        409,
        "Another template has this id and version here.",
        "Ask whoever changed it to give it a new version.",
    ),
    "template-reserved": ErrorRow(
        409,
        "An id without a dot belongs to this program's own templates.",
        "Name a template of your own after its State, such as jo.energy.",
    ),
    "too-many-templates": ErrorRow(
        409, "This home has as many templates as it may.", "Take old ones out of its folder `templates`."
    ),
    "own-cannot-answer": ErrorRow(422, "The sender of a message does not answer it.", "Nothing to do."),
    "wrong-fingerprint": ErrorRow(
        422,
        "The registry is not the one of this fingerprint.",
        "Compare the fingerprint with the one you were given on paper.",
    ),
    # --- registry rules (core) ---
    "not-a-genesis": ErrorRow(
        422,
        "The first entry of a log must be its genesis.",
        "Get the genesis from the operator again and compare its fingerprint.",
    ),
    "empty-log": ErrorRow(422, "The log has no entries.", "Fetch the log again."),
    "one-body-only": ErrorRow(
        422, "All registrars belong to one body.", "Name registrars of at least two bodies."
    ),
    "bad-threshold": ErrorRow(
        422, "A threshold is higher than the number of those who could meet it.", "Lower it or name more."
    ),
    "call-back-too-old": ErrorRow(
        422,
        "An enrolment that was objected to is tried again only after a new call-back.",
        "Call the State back, then write the enrolment anew with the time of that call.",
    ),
    "cannot-overrule": ErrorRow(
        422,
        "There is no objection that this recovery could overrule.",
        "Name the newest objection by old keys; one by the recovery key or by two contacts stands.",
    ),
    "not-pending": ErrorRow(
        409,
        "Nothing that could be objected to waits under this entry.",
        "Sync, and see with `poc state show` what waits; its time may have come, or it was stopped.",
    ),
    "state-suspended": ErrorRow(
        422,
        "The State is suspended from this by the registrars, until a time at the latest.",
        "See reason, scope and end with `poc state show`; receiving, answering and objecting are never cut.",
    ),
    "bad-suspension": ErrorRow(
        422, "A suspension ends within 90 days, and not in the past.", "Give another end; it may be renewed."
    ),
    "unknown-witness": ErrorRow(
        404, "No such witness is appointed in this registry.", "List them with `poc witness list`."
    ),
    "witness-exists": ErrorRow(
        409,
        "This State has a witness already; a State counts once in a quorum.",
        "Appoint that one anew with another key or address, or dismiss it first.",
    ),
    "attest-not-newer": ErrorRow(
        409, "The cosignatures give no later time than is attested already.", "Ask the witnesses again first."
    ),
    "quorum-missing": ErrorRow(
        503,
        "Not enough witnesses have cosigned this checkpoint.",
        "Try again soon; if it stays so, ask the operator which witnesses are silent.",
    ),
    "witnesses-unheard": ErrorRow(
        503,
        "Since it started, the hub has not heard from enough witnesses that they know the same log.",
        "Try again soon. The operator sees on the page and in /readyz which witnesses are silent.",
    ),
    "behind-witnesses": ErrorRow(
        503,
        "Witnesses have cosigned a log that this hub does not hold; it serves what it has and logs nothing.",
        "An older database was restored: bring back what lacks with `poc registry reconcile FILE`, a "
        "desk's snapshot. If a witness is at fault, start once with --disregard-witness.",
    ),
    "snapshot-is-older": ErrorRow(
        409, "The snapshot holds less of the log than this hub does.", "Ask the desks for a newer one."
    ),
    "snapshot-contradicts": ErrorRow(
        409,
        "The snapshot's log does not begin with what is stored here: one of them is a fork.",
        "Write nothing more with this database; keep both, and compare them with what the desks hold.",
    ),
    "clock-unconfirmed": ErrorRow(
        503,
        "The hub's clock is ahead of every cosignature it can get, so nothing is logged by it.",
        "Set the clock, or start once with --clock-confirmed when all witnesses are silent.",
    ),
    "witness-unreachable": ErrorRow(503, "The witness does not answer.", "Ask those who run it."),
    "witness-refused": ErrorRow(
        502, "The witness does not cosign.", "Its own log says why: see `poc witness show` there."
    ),
    "witness-contradicts": ErrorRow(
        409,
        "What the witness has on record does not fit this log.",
        "Compare both: this hub or the witness was restored from a backup, or is at fault.",
    ),
    "not-a-brake": ErrorRow(
        422,
        "Only a brake works as a notice: a freeze, revocation, withdrawal, objection or a State's rotation.",
        "Submit the statement to the hub.",
    ),
    "notices-full": ErrorRow(
        429, "As many notices are held as may be.", "Post it to another witness, and to the hub."
    ),
    "window-too-short": ErrorRow(
        422,
        "An objection window of 0 is not allowed where actual messages are admitted.",
        "Set a window, or leave actual out.",
    ),
    "limit-too-high": ErrorRow(
        422, "A limit is higher than this program allows.", "Lower it; docs/limits.md lists the bounds."
    ),
    "superseded": ErrorRow(
        409,
        "The statement builds on something that is no longer the newest.",
        "Sync, make it again on the newest entry and have it signed anew.",
    ),
    "logged-before-previous": ErrorRow(
        422, "The entry is dated before the one it follows.", "Check the hub's clock."
    ),
    "issued-ahead": ErrorRow(
        422,
        "The statement is dated ahead of the time it is logged.",
        "Check the signer's clock and sign anew.",
    ),
    "issued-too-long-ago": ErrorRow(
        422, "The statement is more than 14 days old.", "Make it again and have it signed anew."
    ),
    "bad-subject": ErrorRow(
        422, "The statement's subject does not fit its type.", "Name the subject the type is about."
    ),
    "signature-not-called-for": ErrorRow(
        422,
        "A signature is by a key that this statement does not call for, or stands twice.",
        "Send only the signatures called for.",
    ),
    "signatures-missing": ErrorRow(
        422, "Signatures are missing.", "Have those named sign the same bytes: `poc proposal sign`."
    ),
    "key-in-use": ErrorRow(
        409, "The key is in use already.", "Make a new key; a key has one holder and one role."
    ),
    "key-was-revoked": ErrorRow(409, "The key was ended before and can never return.", "Make a new key."),
    "attest-ahead": ErrorRow(
        422,
        "The checkpoint covers entries that are not in the log yet.",
        "Use a checkpoint from before this entry.",
    ),
    "bad-state-id": ErrorRow(
        422,
        "The State id is not an ISO 3166-1 code or does not fit the kind.",
        "Use the two-letter code in lower case, or x-… for a body.",
    ),
    "already-enrolled": ErrorRow(
        409, "The State is enrolled already.", "Use the statements that change an enrolment."
    ),
    "recovery-key-missing": ErrorRow(
        422,
        "A registry that admits actual messages needs a recovery key of each State.",
        "Make one with `poc key new --role recovery`.",
    ),
    "bad-party-id": ErrorRow(
        422, "The id is not one of a contact or controller.", "Use an id such as jo.technical."
    ),
    "already-verified": ErrorRow(
        409, "The contact is nominated by its authority already.", "Use `poc contact update`."
    ),
    "contact-withdrawn": ErrorRow(
        409,
        "The contact was withdrawn by its State.",
        "Only a nomination by its authority brings it back.",
    ),
    "not-verified": ErrorRow(
        422,
        "The contact is listed only; its authority has not nominated it.",
        "Ask the State to nominate it.",
    ),
    "bad-alternate": ErrorRow(
        422,
        "The contact cannot be an alternate of that one.",
        "Name a contact of the same State that is not an alternate itself.",
    ),
    "device-changed": ErrorRow(
        422,
        "A device in the list differs from the one in the log.",
        "Leave it unchanged, or give it a new number and new keys.",
    ),
    "bad-device-number": ErrorRow(
        422, "The device number is not the next one.", "Use one more than the highest ever used."
    ),
    "too-many-devices": ErrorRow(
        422, "The contact has as many active devices as allowed.", "Revoke one first."
    ),
    "rights-too-wide": ErrorRow(
        422,
        "Devices cannot give a right they lack, and never the right to change.",
        "Leave the right out, or have the authority sign.",
    ),
    "bad-rotation": ErrorRow(
        422, "A rotation brings either a signing key or a sealing key.", "Make one rotation per key."
    ),
    "bad-rotate-by": ErrorRow(
        422, "The time to rotate the sealing key by is out of bounds.", "Set it within 90 days."
    ),
    # --- keys at rest ---
    "no-keyring": ErrorRow(
        404, "There is no keyring here.", "Make one with `poc key new`, or name another home."
    ),
    "keyring-exists": ErrorRow(409, "There is a keyring here already.", "Use it, or name another home."),
    "bad-keyring": ErrorRow(
        422, "The keyring file is damaged or was not written by this program.", "Restore it from its backup."
    ),
    "wrong-passphrase": ErrorRow(
        403,
        "The passphrase does not open the keyring.",
        "Try again; without it the keys are lost and new ones must be enrolled.",
    ),
    "weak-passphrase": ErrorRow(
        400, "The passphrase is too short.", "Use several words, or a random one from a password manager."
    ),
    "passphrase-file-open": ErrorRow(400, "Others can read the passphrase file.", "Run `chmod 600` on it."),
    "kit-file-open": ErrorRow(400, "Others can read the file with the kit.", "Run `chmod 600` on it."),
    "bad-key-file": ErrorRow(
        422,
        "The file does not hold the public keys that are needed.",
        "Make it with `poc key export PARTY --out FILE` at the home that holds the keys.",
    ),
    "bad-card": ErrorRow(
        422,
        "The card file is not a contact's card.",
        "Mend the member named; `poc contact show ID --card` prints one to start from.",
    ),
    "bad-table": ErrorRow(
        422,
        "The file is not a table of contacts.",
        "Mend it at the place named: CSV with one row of names first, or a JSON list of objects.",
    ),
    "bad-mapping": ErrorRow(
        422,
        "The mapping does not say which column is which field.",
        "Give --map FIELD=COLUMN, --set FIELD=VALUE or a mapping file; docs/operate.md lists the fields.",
    ),
    "bad-number": ErrorRow(
        422,
        "This is no telephone number that can be dialled.",
        "Write it with + and the country code, or as it is dialled inside the State.",
    ),
    "bad-rows": ErrorRow(
        422,
        "Some rows cannot be used, and nothing was written or sent.",
        "Mend the rows named, or leave them out with --skip-bad.",
    ),
    "card-not-open": ErrorRow(
        409,
        "The card the registry has is not open to this home, so nobody can tell whether it changes.",
        "Run `poc sync` first; a part that is hidden from this home can be changed by its own State alone.",
    ),
    "already-signed": ErrorRow(
        409,
        "This home has signed the statement already.",
        "Pass it on to whoever must still sign; `poc proposal show` names the signatures it has.",
    ),
    "no-key": ErrorRow(404, "This home holds no such key.", "Check the home with `poc key list`."),
    "key-destroyed": ErrorRow(
        410,
        "The key was destroyed 30 days after its replacement, so what was sealed to it opens no more.",
        "Ask the other office to send it again; next time keep it in time with `poc message keep`.",
    ),
    "storage-failed": ErrorRow(
        503,
        "The disk did not take what was to be written.",
        "Check free space and permissions; nothing was acknowledged that was not kept.",
    ),
    # --- hub and its HTTP ---
    "no-registry": ErrorRow(
        503,
        "This hub has no registry yet.",
        "Run `poc registry init --from F --home DIR` on the hub, then start the hub again.",
    ),
    "read-only": ErrorRow(
        503, "The hub serves its log read-only.", "The operator finds the reason in the hub's log."
    ),
    "starting": ErrorRow(
        503, "The hub is still reading its log.", "Try again in a minute; /readyz says when it is ready."
    ),
    "log-unproved": ErrorRow(
        503,
        "The stored log does not prove itself, so the hub shows nothing of it.",
        "The operator stops the hub, keeps hub.db, has a desk run `poc verify`, and restores the newest "
        "backup: docs/operate.md, Restore.",
    ),
    "no-log-key": ErrorRow(
        503,
        "The keyring of this home has no log key of this registry.",
        "Restore keyring.jwe of this hub from its backup; the log can be signed by its own keys only.",
    ),
    "no-hub-key": ErrorRow(
        503,
        "The keyring of this home has no hub key of this registry.",
        "Restore keyring.jwe of this hub from its backup; receipts can be signed by its own keys only.",
    ),
    "head-unsure": ErrorRow(
        503,
        "The disk failed while the log was written, so the hub does not know which checkpoint stands.",
        "The operator checks the disk and starts the hub again: it reads what stands and goes on.",
    ),
    "writer-failed": ErrorRow(
        503,
        "The hub met a fault of its own while it wrote the log, so it logs nothing more.",
        "The operator starts the hub again and reports the event `fault` of its log.",
    ),
    "not-logged-in-time": ErrorRow(
        503,
        "The statement was not logged in time; it may be logged later.",
        "Send the same statement again: it is logged once, and the answer names its entry.",
    ),
    "not-a-hub": ErrorRow(
        404,
        "This folder is no hub's home.",
        "Name the hub's home, or make an empty folder for a new one.",
    ),
    "cannot-listen": ErrorRow(
        503,
        "The program cannot listen at this address.",
        "Stop what listens there, or name another port: --port, --metrics-port.",
    ),
    "bad-request": ErrorRow(
        400, "This is not HTTP as this hub takes it.", "See docs/routes.md and docs/limits.md."
    ),
    "clock-jumped": ErrorRow(
        503,
        "The hub's clock is more than 7 days ahead of the newest entry, so it logs nothing.",
        "The operator checks the clock and starts the hub once with --clock-confirmed.",
    ),
    "not-found": ErrorRow(404, "Nothing is here for you.", "Check the address and the signing key."),
    "method-not-allowed": ErrorRow(
        405, "This address does not take that method.", "See docs/routes.md for every route."
    ),
    "encoded-body": ErrorRow(
        415, "An encoded body is not taken.", "Send it as it is, without Content-Encoding."
    ),
    "too-slow": ErrorRow(408, "The request took too long to arrive.", "Send it again."),
    "nonce-used": ErrorRow(
        401, "This request was made before.", "Sign each request with a new nonce, repeats included."
    ),
    "too-many-streams": ErrorRow(
        429,
        "This device has as many streams open as it may.",
        "Close one, or wait as long as Retry-After says; `GET /v1/inbox` works meanwhile.",
    ),
    "streams-full": ErrorRow(
        503,
        "The hub has as many streams open as it may.",
        "Wait as long as Retry-After says; `GET /v1/inbox` works meanwhile.",
    ),
    "rate-limited": ErrorRow(
        429,
        "Requests come faster than this hub takes them.",
        "Wait as long as Retry-After says; a desk goes on by itself.",
    ),
    "too-many-requests": ErrorRow(
        429,
        "Too many messages of this State wait to be taken at once.",
        "Send them one after the other; a desk does.",
    ),
    "quota-reached": ErrorRow(
        429,
        "The State has sent as many messages of this kind as the registry allows in an hour.",
        "It waits in the outbox and is sent later. Actual messages have a share of their own: see "
        "docs/operate.md, Load and fairness.",
    ),
    "storage-quota": ErrorRow(
        429,
        "The hub holds as much for this State as it may.",
        "It waits in the outbox. Room comes as older messages pass 30 days after they expired; send smaller "
        "ones, or ask the operator.",
    ),
    "too-many-proposals": ErrorRow(
        429,
        "As many proposals of this State or body are open as may be.",
        "Have open ones signed, or wait until they expire after 14 days; then send it again.",
    ),
    "too-few-descriptors": ErrorRow(
        503,
        "The process may open too few files for a server.",
        "Raise the limit: LimitNOFILE in the unit, or `ulimit -n`.",
    ),
    "already-released": ErrorRow(
        409,
        "The hub does not hold this any more: it went out, or was taken back.",
        "`poc message outbox` says which. For what went out: `poc message withdraw ID`, or reach that office "
        "by voice.",
    ),
    "restore-unproved": ErrorRow(
        503,
        "This hub was restored from a backup, and nothing has proved yet that its log is the newest.",
        "Try again later. The operator waits for the witnesses, or runs `poc registry reconcile` with the "
        "largest snapshot of a desk, or `poc hub confirm`.",
    ),
    "disk-full": ErrorRow(
        503, "The disk of the hub is as good as full.", "Make room; the hub goes on by itself then."
    ),
    "disk-low": ErrorRow(503, "The disk of the hub fills up.", "Make room before it is full."),
    "wal-large": ErrorRow(
        503,
        "The write-ahead log of the hub's database has grown large.",
        "Look for a program that reads hub.db and does not end, such as a backup or a shell.",
    ),
    "work-stopped": ErrorRow(
        503,
        "Work that the hub does every minute was not done for some time.",
        "Start the hub again, and report the `fault` line of its log if there is one.",
    ),
    "witnesses-silent": ErrorRow(
        503,
        "Too few witnesses have cosigned lately; heads grow stale for desks.",
        "Ask those who run the silent ones; the page and the metrics name them.",
    ),
    "clock-behind": ErrorRow(
        503,
        "The hub's clock is behind the newest entry of its log.",
        "Set the clock right; look at its time service.",
    ),
    "clock-stepped": ErrorRow(
        503,
        "The machine's clock stepped; the hub counts on without it.",
        "Look at its time service. Where witnesses agree, or after a new start, the hub follows it.",
    ),
    "not-a-backup": ErrorRow(
        400, "The folder holds no backup of a hub.", "Name a folder that `poc hub backup` made."
    ),
    "backup-unsound": ErrorRow(
        422,
        "The backup is not whole, or what it was made of is not.",
        "Take another backup; `poc hub check` says what is wrong with this one, or with the hub's home.",
    ),
    "home-has-database": ErrorRow(
        409,
        "There is a database in this home already.",
        "Name a new folder with --home, or move the old database away first: keep it, it is evidence.",
    ),
    "not-restored": ErrorRow(
        409,
        "There is nothing to confirm: this database was not restored, or is proved already.",
        "Start the hub; /readyz says what it waits for.",
    ),
    "entries-differ": ErrorRow(
        422,
        "The log of this home has another number of entries than was typed.",
        "If a desk holds more, bring the log up to its snapshot first: `poc registry reconcile`.",
    ),
    "cursor-ahead": ErrorRow(
        409,
        "The hub never gave that number: it was restored from a backup.",
        "Read the feed anew from 0; what is there already counts once.",
    ),
    # --- outgoing calls and nudges ---
    "bad-url": ErrorRow(
        400,
        "The address is not a web address in its plain spelling.",
        "Write it as https://host.example/path: no user name, no other spelling of an address, no `#`.",
    ),
    "address-not-allowed": ErrorRow(
        403,
        "This address is private or reserved, and the hub does not call it.",
        "Use a public one; for a network of its own the operator sets `allow_networks`.",
    ),
    "call-failed": ErrorRow(503, "The other side did not answer as it should.", "Ask those who run it."),
    "host-not-approved": ErrorRow(
        403,
        "The operator of the hub has not approved this host for webhooks.",
        "Ask the operator to add it to `webhook_hosts`.",
    ),
    "webhook-refused": ErrorRow(
        502, "The webhook answered, and not with success.", "Its own log says why; ask those who run it."
    ),
    "nudges-off": ErrorRow(
        422,
        "This hub sends no e-mail.",
        "Ask its operator to set `mail_server` and `mail_from`, or use a webhook.",
    ),
    "wrong-code": ErrorRow(
        403, "The code is not the one that was sent.", "Type the code of the newest notice at that address."
    ),
    "code-ended": ErrorRow(
        410, "The code has ended.", "Have a new one sent with `poc contact nudges test`, then confirm it."
    ),
    "nudge-limit": ErrorRow(
        429, "Too many notices were asked for or sent in the last hour.", "Wait an hour, then try again."
    ),
    # --- store ---
    "head-moved": ErrorRow(409, "The log moved on meanwhile.", "Read the newest checkpoint, then try again."),
    "step-moved": ErrorRow(
        409, "What was due was done meanwhile.", "Read the message's evidence, then try again."
    ),
    "already-logged": ErrorRow(
        409, "This statement is in the log already.", "Nothing to do; the index names its entry."
    ),
    "proposal-moved": ErrorRow(
        409, "The proposal was signed by another or closed meanwhile.", "Read it again, then try again."
    ),
    "opening-erased": ErrorRow(
        409,
        "This part of the card was erased by its owner.",
        "It does not come back; to show it again, file the part anew with `poc contact update --card`.",
    ),
    "audit-broken": ErrorRow(
        409,
        "The hub's audit trail was changed after it was written.",
        "Keep the database as it is; compare with the anchors in the log lines from the row named on.",
    ),
    "no-such-part": ErrorRow(
        404, "The card has no such part.", "See which parts it has with `poc contact show`."
    ),
    "id-used": ErrorRow(
        409, "This id is taken by something else.", "Send it under a new id; an id is never used twice."
    ),
    "sequence-used": ErrorRow(
        409,
        "This sequence number is taken by another message.",
        "Sync the outbox; seal the message anew with the next number.",
    ),
    "blob-offset": ErrorRow(
        409,
        "The chunk does not begin where what is there of the blob ends.",
        "Go on from `have_bytes`, the number of bytes that are there.",
    ),
    "bad-range": ErrorRow(
        416,
        "No part of a blob was asked for that can be given.",
        "Ask with `Range: bytes=START-END`; one answer holds at most 1 MiB.",
    ),
    "answer-used": ErrorRow(
        409,
        "This device gave another answer of the same kind before.",
        "Nothing to do; the first answer stands.",
    ),
    "unknown-message": ErrorRow(
        404,
        "No such message is here.",
        "Check its id; a message is seen by its sender and its recipients only.",
    ),
    "home-in-use": ErrorRow(
        409, "Another process uses this home.", "Stop the other process, or name another home."
    ),
    "database-newer": ErrorRow(
        409,
        "The database was written by a newer version of this program.",
        "Run the newer version, or restore a backup made before the update.",
    ),
    "database-foreign": ErrorRow(
        409,
        "The database file belongs to another program.",
        "Name another home; nothing was written to the file.",
    ),
    "migration-changed": ErrorRow(
        409,
        "The database was built by steps other than those of this program.",
        "Install an unchanged release of this program.",
    ),
    "sqlite-too-old": ErrorRow(
        409, "SQLite is older than this program needs.", "Install SQLite 3.37 or newer."
    ),
    # --- witness ---
    "bad-submission": ErrorRow(
        400,
        "The request is not an old size, a proof and a checkpoint.",
        "Send what docs/spec/witness.md describes.",
    ),
    "unknown-log": ErrorRow(
        404, "This witness does not watch this log.", "The operator adds it with `poc witness add-log`."
    ),
    "not-by-the-log": ErrorRow(
        403,
        "No key this witness knows the log by has signed the checkpoint.",
        "Sign with the log's key, or have the witness add the key with `poc witness add-log`.",
    ),
    "old-size-moved": ErrorRow(
        409,
        "The proof does not start from what this witness last cosigned.",
        "Prove from the size in the answer.",
    ),
    "two-roots": ErrorRow(
        422,
        "The log signed two roots of one size: a fork.",
        "Nothing of it is cosigned; the witness keeps both checkpoints: `poc witness show`.",
    ),
    "witness-clock": ErrorRow(
        503,
        "The clock of the witness is behind its own last cosignature, so it cosigns nothing.",
        "Its operator sets the clock right; what was cosigned ahead of time needs a new key.",
    ),
    "entries-unread": ErrorRow(
        503,
        "The witness could not read the log's new entries, so it cosigns nothing of it.",
        "It goes on from there at the next submission; its operator looks at the hub's address and key.",
    ),
    "entries-not-of-root": ErrorRow(
        403,
        "The entries the hub serves are not those of the checkpoint.",
        "Serve the entries of the checkpoint; nothing else is cosigned.",
    ),
    "rules-broken": ErrorRow(
        403,
        "An entry of the log breaks the rules of the registry.",
        "No witness that checks the rules cosigns this log any more; every desk finds the same entry.",
    ),
    "another-genesis": ErrorRow(
        403,
        "The log begins with another genesis than the one this witness was told.",
        "Its operator compares the fingerprint with paper; a witness is told one registry and never another.",
    ),
    "rules-unknown": ErrorRow(
        503,
        "The log holds a form that this version of the witness does not know.",
        "The witness's operator updates it.",
    ),
    "logged-ahead": ErrorRow(
        403,
        "The newest entry is more than 5 minutes ahead of the witness's clock.",
        "Set the hub's clock right; the witness cosigns once its own clock has come that far.",
    ),
    "notice-contradicted": ErrorRow(
        403,
        "The checkpoint makes a step effective that a notice held here stops.",
        "Log the notice that is named; then the step is stopped and the witness cosigns again.",
    ),
    "window-passed": ErrorRow(
        409,
        "The window of the step has passed by the witness's clock, so the notice comes too late.",
        "Post it to the hub; it stops the step only if no attest has made it effective.",
    ),
    "rules-not-checked": ErrorRow(
        409,
        "This witness does not check the rules of this log.",
        "Its operator adds the log with `poc witness add-log --check-rules`.",
    ),
    "no-such-conflict": ErrorRow(
        404, "This witness keeps no such checkpoint.", "`poc witness show` lists what it keeps, by number."
    ),
    "no-witness-key": ErrorRow(
        404, "This home has no witness key.", "Make one with `poc key new jo.witness --role witness`."
    ),
    "not-a-witness": ErrorRow(
        409,
        "This folder cannot be a witness's home.",
        "Name a folder of its own, with neither a hub nor a desk in it.",
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
    "not-text": ErrorRow(
        400, "The file is not UTF-8 text.", "Save it as UTF-8, or attach it with --attach instead."
    ),
    "ambiguous-id": ErrorRow(
        409, "Several messages fit this part of an id.", "Type more of the id, or all of it."
    ),
    "file-exists": ErrorRow(
        409, "The file to be written exists.", "Name another file, or move this one away."
    ),
    "nothing-ends": ErrorRow(
        422,
        "No device would end, so this hands nothing over.",
        "Keep fewer devices, or add one with `poc contact device-add`.",
    ),
    "not-confirmed": ErrorRow(
        400, "This cannot be undone, and it was not confirmed.", "Type what is asked for, or give --yes."
    ),
    "mail-not-set": ErrorRow(
        400,
        "This home has no settings for mail.",
        "Set mail_server, mail_from and mail_to in its config.toml; docs/operate.md says how.",
    ),
    "mail-failed": ErrorRow(
        503,
        "The mail server could not be reached or did not take the message.",
        "Check mail_server; what was to be sent is tried again the next time.",
    ),
    "mail-refused": ErrorRow(
        502,
        "The mail server refused the message.",
        "Check mail_from, the recipients and the password; what was to be sent is tried again the next time.",
    ),
    "mail-not-encrypted": ErrorRow(
        502,
        "The mail server offers no encryption that verifies, so nothing was sent.",
        'Use one that does, name its CA in mail_ca_file, or allow plain text with mail_tls = "none".',
    ),
    "unknown-setting": ErrorRow(
        400, "There is no such setting.", "Mend its name or remove it; docs/settings.md lists every setting."
    ),
    "bad-setting": ErrorRow(
        400, "A setting cannot be used.", "Mend it; docs/settings.md says what it may be."
    ),
    "responder-may-more": ErrorRow(
        409,
        "The device of this home may do more than retrieve: whoever takes the machine could answer with it.",
        "Give the responder a device with `retrieve` alone: `poc contact device-add`; or --allow-more.",
    ),
    "responder-runs": ErrorRow(
        409,
        "A responder runs at this home already.",
        "Look with `poc responder status`; stop that one first.",
    ),
    "not-an-echo": ErrorRow(
        409,
        "This home is of no echo contact: an office's own desk must not answer by itself.",
        "Run it at the home of a contact of `x-echo`; docs/operate.md, The echo.",
    ),
    "no-echo": ErrorRow(
        404,
        "This registry has no echo contact that a test could be sent to.",
        "Ask the operator to set one up (docs/operate.md, The echo), or name a contact with --to.",
    ),
    "wrong-host": ErrorRow(
        403,
        "The request was made for another host.",
        "Ask at the address that `poc api serve` printed, not from a page of a browser.",
    ),
    "no-token": ErrorRow(
        401,
        "The request carries no token of this home, or a wrong one.",
        "Send `Authorization: Bearer` with the content of `api.token` in the home.",
    ),
    "bad-tls": ErrorRow(
        400,
        "The certificate or its key cannot be used.",
        "Give PEM files: the whole chain, and its key without a passphrase.",
    ),
    "tls-key-open": ErrorRow(400, "Others can read the TLS key.", "Run `chmod 600` on it."),
    # --- desk (client) ---
    "nothing-to-export": ErrorRow(
        422, "There is nothing to put into the file.", "Name other contacts, or another form."
    ),
    "bad-openpgp": ErrorRow(
        422, "The card's OpenPGP key cannot be used.", "Ask its office to put one armoured public key there."
    ),
    "before-the-log": ErrorRow(
        422, "The log did not exist at that time.", "Ask for a time after the one named, when it began."
    ),
    "hub-unreachable": ErrorRow(
        503,
        "The hub cannot be reached.",
        "Try again later; what waits in the outbox is sent at the next sync.",
    ),
    "hub-refused": ErrorRow(
        400,
        "The hub refused the request.",
        "Read what it said; sync, then try again.",
    ),
    "bad-answer-from-hub": ErrorRow(
        502,
        "The answer of the hub cannot be used.",
        "Try again; if it stays so, report it to the operator.",
    ),
    "rollback": ErrorRow(
        409,
        "The hub shows an older log than this desk has verified.",
        "Accept nothing; both signed heads are kept as proof. Report it.",
    ),
    "fork": ErrorRow(
        409,
        "The hub shows another log than this desk has verified.",
        "Accept nothing; both signed heads are kept as proof. Report it.",
    ),
    "head-stale": ErrorRow(
        409,
        "The newest log known here is too old, or the hub shows none that enough witnesses have cosigned.",
        "Sync; if it must go out all the same, say why with --stale-reason. The reason stays on this desk.",
    ),
    "blocked-by-notice": ErrorRow(
        422,
        "A notice held here blocks this, although the log lacks it.",
        "`poc notice list` names it; do not rely on the message, ask the contact by voice.",
    ),
    "not-a-fork": ErrorRow(
        422,
        "The two heads do not contradict each other.",
        "It proves nothing against the operator; ask whoever made it for both heads.",
    ),
    "fork-not-provable": ErrorRow(
        409,
        "Only this desk can judge this contradiction: it cannot be shown to others.",
        "Keep this home as it is, show the two heads, and tell the other parties by voice.",
    ),
    "no-such-fork": ErrorRow(
        404, "No contradiction of heads is kept here under this number.", "`poc fork list` names them."
    ),
    "update-needed": ErrorRow(
        409,
        "The log holds a form this version does not know.",
        "Update this program, then sync.",
    ),
    "not-a-desk": ErrorRow(
        404,
        "This folder is no desk's home.",
        "Make one with `poc registry join`.",
    ),
    "registry-exists": ErrorRow(
        409,
        "This hub has a registry already.",
        "Start the hub; or name another home for another registry.",
    ),
    "not-a-demo": ErrorRow(
        409,
        "The folder holds something that is not a demo, and is left alone.",
        "Name an empty or a new folder with DEMO_DIR.",
    ),
    "home-exists": ErrorRow(
        409,
        "There is a desk's home here already.",
        "Use it, or name another folder.",
    ),
    "home-damaged": ErrorRow(
        409,
        "A file of this desk's home is damaged.",
        "Restore the home from a backup, or keep it aside and join again with the same keyring.",
    ),
    "not-synced": ErrorRow(
        409,
        "This desk has no verified head yet.",
        "Run `poc sync` first.",
    ),
    "key-body-missing": ErrorRow(
        409,
        "The sealing key of a device has not arrived.",
        "Sync; if it stays missing, ask that desk to publish it.",
    ),
    "no-device": ErrorRow(
        404,
        "This home holds no active device of its party with that right.",
        "Check with `poc key list` and `poc contact show`.",
    ),
    # --- desk (client) ---
    "no-exercise": ErrorRow(
        409,
        "No open exercise includes both sides.",
        "Give --status test, or wait until the exercise is started.",
    ),
    "several-exercises": ErrorRow(
        409,
        "Several open exercises include both sides.",
        "Name one of them.",
    ),
}
