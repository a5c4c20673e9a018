"""What each route takes and gives, and the codes it can give: for openapi.json and docs/routes.md.

Forms are named by the files of ``schemas/``; what only travels around them is written here. A test holds
real answers against these shapes, so that neither drifts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Schema: TypeAlias = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
B64U: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
NUMBER: Final[Schema] = {"type": "integer", "minimum": 0}
JWS: Final[Schema] = {"type": "string", "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"}
ANY: Final[Schema] = {}


def form(name: str) -> Schema:
    """A form of ``schemas/``."""
    return {"$ref": f"{name}.schema.json"}


def list_of(item: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": item}


def nothing_or(schema: Schema) -> Schema:
    """The value, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def object_of(**members: Schema) -> Schema:
    """An object of exactly these members."""
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


PRECEDENCE: Final[Schema] = {"enum": ["flash", "immediate", "priority", "routine"]}
NUDGE_PLACE: Final[Schema] = {
    "kind": {"enum": ["email", "webhook"]},
    "address": {"type": "string", "maxLength": 500},
    "from": PRECEDENCE,
    "languages": list_of({"enum": ["ar", "en"]}),
}
NUDGES: Final = object_of(
    contact=TEXT,
    addresses=list_of(
        object_of(
            number=NUMBER,
            **NUDGE_PLACE,
            standing=TEXT,
            confirmed_at=nothing_or(TIME),
            succeeded_at=nothing_or(TIME),
            failed_at=nothing_or(TIME),
            failure=nothing_or(TEXT),
            secret=nothing_or(TEXT),
        )
    ),
)
NUDGED: Final = object_of(contact=TEXT, number=NUMBER)
SIGNATURES: Final = list_of(object_of(protected=B64U, signature=B64U))
SEALING_KEY: Final = object_of(
    kty={"const": "AKP"}, alg={"const": "HPKE-9-KE"}, pub={**B64U, "maxLength": 1700}
)
BLOB: Final = object_of(size_bytes=NUMBER, have_bytes=NUMBER)
RECEIPT: Final = object_of(receipt=JWS)
LOGGED: Final = object_of(index=NUMBER, leaf_hash=B64U, logged_at=TIME)
PROPOSED: Final = object_of(proposal=B64U, missing=list_of(TEXT))
PROPOSAL: Final = object_of(
    id=B64U, payload=B64U, signatures=SIGNATURES, opened_at=TIME, expires_at=TIME, missing=list_of(TEXT)
)
ENVELOPE: Final = form("envelope")
ERASURE: Final = object_of(
    contact=TEXT,
    part={"enum": ["office", "reach", "person"]},
    commitment=B64U,
    target={"type": "string", "maxLength": 2000},
    signature_input=TEXT,
    signature=TEXT,
)
ITEM: Final = object_of(
    number=NUMBER, message=TEXT, envelope=ENVELOPE, accepted=JWS, released=nothing_or(JWS)
)
EXERCISE: Final = object_of(number=NUMBER, id=TEXT, announcement=JWS, orders=list_of(JWS))
MESSAGE: Final[Schema] = {
    "anyOf": [
        object_of(message=TEXT, envelope=ENVELOPE, accepted=JWS),
        object_of(message=TEXT, envelope=ENVELOPE, accepted=JWS, released=nothing_or(JWS)),
    ]
}
EVIDENCE: Final = object_of(
    message=TEXT,
    receipts=list_of(JWS),
    retrievals=list_of(JWS),
    acknowledgements=list_of(JWS),
    cancels=list_of(JWS),
)
EVIDENCE_ITEM: Final = object_of(
    number=NUMBER,
    message=TEXT,
    kind={"enum": ["receipt", "retrieval", "acknowledgement", "cancel"]},
    jws=JWS,
)

FORM_CODES: Final = ("bad-json", "bad-form", "bad-base64", "newer-form")
SIGNER_CODES: Final = ("unknown-key", "bad-signature", "key-ended", "key-compromised", "right-missing")
STATEMENT_CODES: Final = (
    *FORM_CODES,
    *("already-logged", "superseded", "signatures-missing", "signature-not-called-for", "bad-signature"),
    *("issued-ahead", "issued-too-long-ago", "clock-jumped", "read-only", "too-many-proposals"),
    *("witnesses-unheard", "clock-unconfirmed"),
    *("unknown-state", "unknown-contact", "unknown-witness", "contact-frozen", "state-suspended"),
    *("not-pending", "cannot-overrule", "call-back-too-old", "already-enrolled", "bad-suspension"),
    *("bad-threshold", "recovery-key-missing", "window-too-short", "one-body-only", "limit-too-high"),
    *("bad-party-id", "witness-exists", "bad-vkey", "key-in-use", "key-was-revoked"),
    *("quorum-missing", "attest-ahead", "attest-not-newer", "bad-proof"),
    *("not-logged-in-time", "no-log-key", "storage-failed"),
)
ANSWER_CODES: Final = (
    *FORM_CODES,
    *SIGNER_CODES,
    *("wrong-type", "member-mismatch", "own-cannot-answer", "answer-used", "head-ahead"),
    *("head-inconsistent", "read-only", "storage-failed"),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """One route: what it takes, what it gives by status, and its own codes beside those of every route."""

    answers: dict[int, Schema | str]
    takes: Schema | str | None = None
    codes: tuple[str, ...] = ()
    follows: str | None = None
    note: str = ""
    header: str | None = None


STREAM_NOTE: Final = (
    'Server-Sent Events: `event: inbox` with `data: {"newest": N}`, whose id N is the number the inbox has '
    "grown to; fetch it with `GET /v1/inbox`. `Last-Event-ID` goes before `after`. A comment is a sign of "
    "life. It ends with the caller's key, when its contact is frozen, and after STREAM_SECONDS_MAX of "
    "[limits](limits.md): come back."
)
CHECK: Final = object_of(
    check=TEXT,
    state={"enum": ["ok", "warning", "failed"]},
    code=nothing_or(TEXT),
    message=nothing_or(TEXT),
    next=nothing_or(TEXT),
)
FEED_NOTE: Final = (
    "Ask again from `next` until nothing is left; `next` then equals what was asked. Where `epoch` is "
    "another than the last time, or the answer is 409 `cursor-ahead`, the hub was restored: read anew from 0."
)
SHAPES: Final[dict[str, Shape]] = {
    "GET /": Shape({200: "text/html"}),
    "GET /healthz": Shape({200: object_of(status={"const": "ok"})}),
    "GET /readyz": Shape(
        {
            200: object_of(status={"enum": ["ok", "warning"]}, checks=list_of(CHECK)),
            503: object_of(
                status={"const": "failed"}, reason=TEXT, message=TEXT, next=TEXT, checks=list_of(CHECK)
            ),
        },
        note="One row for each thing the hub needs; reasons and codes are those of docs/errors.md, and "
        "docs/operate.md says which is which. The disk is tried every 10 seconds, not by this request.",
    ),
    "GET /checkpoint": Shape({200: "text/plain"}, note="A signed note (C2SP tlog-checkpoint)."),
    "GET /tile/entries/{tile}": Shape(
        {200: "application/octet-stream"},
        note="`{tile}` is `<N>` or `<N>.p/<W>` (C2SP tlog-tiles).",
    ),
    "GET /tile/{tile}": Shape(
        {200: "application/octet-stream"},
        note="`{tile}` is `<L>/<N>` or `<L>/<N>.p/<W>` (C2SP tlog-tiles).",
    ),
    "GET /v1/genesis": Shape({200: object_of(entry=B64U)}),
    "POST /v1/statements": Shape(
        {201: LOGGED, 202: PROPOSED},
        takes=form("signed-statement"),
        codes=STATEMENT_CODES,
        note="201 only once the entry is in a published checkpoint. 409 `already-logged` names `index` and "
        "`leaf_hash`; 409 `superseded` names `newest`. Every refusal of the rules is a code of its own.",
    ),
    "GET /v1/proposals": Shape(
        {200: object_of(proposals=list_of(PROPOSAL))},
        note="Registrars see all; a State's authority and contacts those about the State, its contacts and "
        "its witness; a controller those about itself. Whoever else must sign (other members' authorities, a "
        "State that objects) signs a file and posts it to `/v1/statements`, where it joins the proposal.",
    ),
    "GET /v1/proposals/{id}": Shape({200: PROPOSAL}),
    "POST /v1/proposals/{id}/signatures": Shape(
        {201: LOGGED, 202: PROPOSED}, takes=object_of(signatures=SIGNATURES), codes=STATEMENT_CODES
    ),
    "GET /v1/cards": Shape(
        {
            200: object_of(
                cards=list_of(object_of(number=NUMBER, contact=TEXT, part=TEXT, opening=form("opening"))),
                erased=list_of(ERASURE),
                next=NUMBER,
                epoch=TEXT,
            )
        },
        follows="since",
        note=FEED_NOTE
        + " `erased`, on every page: each part that its owner erased while the log still names "
        "it, with the owner's signed request as proof (docs/spec/card.md). What becomes visible to the "
        "caller later (an exercise is announced, a visibility "
        "changes) gets a new number, so it comes again.",
    ),
    "PUT /v1/cards/{id}": Shape(
        {201: object_of(commitment=B64U), 200: object_of(commitment=B64U)},
        takes=form("opening"),
        codes=(*FORM_CODES, "commitment-mismatch", "opening-erased", "contact-frozen", "storage-failed"),
        note="From the authority of the contact's State or a device of it with `change`; for a listed "
        "contact from a registrar. One that was erased is refused for good.",
    ),
    "DELETE /v1/cards/{id}": Shape(
        {200: object_of(commitment=B64U)},
        codes=("contact-frozen", "storage-failed"),
        note="Without a body, by those who may give it. The opening is overwritten on the hub's disk, and "
        "the request itself, as signed, is shown to the desks, which then delete their copies. A repeat "
        "changes nothing; after `storage-failed` it must be repeated.",
    ),
    "GET /v1/contacts/{id}/readers": Shape(
        {
            200: object_of(
                contact=TEXT,
                readers=list_of(object_of(part=TEXT, reader=TEXT, day={"type": "string", "format": "date"})),
                days_kept=NUMBER,
            )
        },
        note="Only for the contact's own State. Its own parties are not listed.",
    ),
    "GET /v1/contacts/{id}/nudges": Shape(
        {200: NUDGES},
        note="Only for the contact's own State. `standing`: `confirmed`, `waits-for-code`, or the code of "
        "why nothing may go there now; `failure`: the code of the last failure. `secret` is null here.",
    ),
    "PUT /v1/contacts/{id}/nudges": Shape(
        {200: NUDGES},
        takes=object_of(addresses=list_of(object_of(**NUDGE_PLACE))),
        codes=(
            *(*FORM_CODES, "bad-url", "nudges-off", "host-not-approved", "nudge-limit"),
            *("contact-frozen", "storage-failed"),
        ),
        note="All addresses of the contact, from its State's authority or a device of it with `change`; "
        "what is left out is erased. `from`: the least precedence that is told there. A code goes to each "
        "new one. `secret`, of a new webhook, is given in this answer only.",
    ),
    "POST /v1/contacts/{id}/nudges/confirmations": Shape(
        {200: NUDGED},
        takes=object_of(number=NUMBER, code={"type": "string", "pattern": "^[0-9]{6}$"}),
        codes=(*FORM_CODES, "wrong-code", "code-ended", "contact-frozen", "storage-failed"),
    ),
    "POST /v1/contacts/{id}/nudges/trials": Shape(
        {200: NUDGED},
        takes=object_of(number=NUMBER),
        codes=(*FORM_CODES, "nudge-limit", "contact-frozen", "storage-failed"),
        note="How it ended is shown with the address.",
    ),
    "GET /v1/keys": Shape(
        {200: object_of(keys=list_of(object_of(number=NUMBER, jwk=SEALING_KEY)), next=NUMBER, epoch=TEXT)},
        follows="since",
        note=FEED_NOTE,
    ),
    "GET /v1/keys/{id}": Shape({200: SEALING_KEY}),
    "PUT /v1/keys/{id}": Shape(
        {201: object_of(kid=B64U), 200: object_of(kid=B64U)},
        takes=SEALING_KEY,
        codes=(*FORM_CODES, "bad-key", "contact-frozen", "storage-failed"),
    ),
    "PUT /v1/messages/{id}": Shape(
        {201: RECEIPT, 200: RECEIPT},
        takes=ENVELOPE,
        codes=(
            *FORM_CODES,
            *("not-canonical", "bad-padding", "duplicate-slot", "member-mismatch", "id-mismatch", "id-used"),
            *("sequence-used", "wrong-origin", "envelope-too-large", "too-many-slots"),
            "attachments-too-large",
            *("too-many-requests", "quota-reached", "storage-quota"),
            *("sent-in-future", "bad-times", "expires-too-late", "expired", "status-not-admitted"),
            *("controller-cannot-send-actual", "unknown-contact", "unknown-state", "contact-frozen"),
            *(
                "state-suspended",
                "stale-slot-key",
                "no-addressee",
                "bad-sequence",
                "bad-held-slot",
                "not-alternate",
                "held-too-long",
                "exercise-unknown",
                "exercise-not-open",
            ),
            *("exercise-lacks-side", *SIGNER_CODES, "read-only", "storage-failed"),
        ),
        note="The same bytes again: 200 and the same receipt. A refusal that is final for the id carries "
        "`receipt`, the signed rejection; 409 `id-used` and `sequence-used` carry the receipt given before.",
    ),
    "GET /v1/messages/{id}": Shape(
        {200: MESSAGE}, note="Its sender sees all slots; a recipient's device its own, and `released`."
    ),
    "POST /v1/messages/{id}/retrievals": Shape(
        {201: RECEIPT, 200: RECEIPT}, takes=object_of(jws=JWS), codes=ANSWER_CODES
    ),
    "POST /v1/messages/{id}/acknowledgements": Shape(
        {201: RECEIPT, 200: RECEIPT}, takes=object_of(jws=JWS), codes=ANSWER_CODES
    ),
    "POST /v1/messages/{id}/cancels": Shape(
        {201: RECEIPT, 200: RECEIPT},
        takes=object_of(jws=JWS),
        codes=(*FORM_CODES, *SIGNER_CODES, "receipt-mismatch", "already-released", "step-moved"),
        note="The receipt is `not-needed`, over what will not go out. 409 `already-released` where nothing "
        "it names is held; 409 `step-moved` where part of it went out meanwhile: send it again.",
    ),
    "GET /v1/messages/{id}/evidence": Shape(
        {200: EVIDENCE}, note="A sender sees all; a recipient what is of the message or of itself."
    ),
    "PUT /v1/blobs/{id}": Shape(
        {201: BLOB, 200: BLOB, 202: BLOB},
        takes="application/octet-stream",
        codes=(
            *("bad-form", "bad-base64", "attachments-too-large", "bad-padding", "blob-offset"),
            *("blob-mismatch", "unknown-contact", "contact-frozen", "state-suspended", *SIGNER_CODES),
            "storage-failed",
        ),
        note="`{id}` is the SHA-256 of the whole blob. 202 while some is missing, 201 when this chunk "
        "completed it, 200 when it was complete before. A chunk begins where what is there ends; one that "
        "lies within it has no effect; else 409 `blob-offset` names `have_bytes`. `bytes */SIZE` without a "
        "body asks how much the caller's office has uploaded. 422 `blob-mismatch`: the whole has another "
        "SHA-256 or size, and what was there is removed. Only the last chunk may have less than 4 KiB.",
        header="Content-Range",
    ),
    "GET /v1/blobs/{id}": Shape(
        {206: "application/octet-stream"},
        codes=("bad-range",),
        note="For whoever has a slot of an accepted message of the uploader that names the blob, and for "
        "the uploader's office. `Range: bytes=START-END` is required, and an answer holds at most 1 MiB of "
        "what was asked for: `Content-Range` says which part it is.",
        header="Range",
    ),
    "GET /v1/inbox": Shape(
        {200: object_of(items=list_of(ITEM), next=NUMBER, epoch=TEXT)}, follows="after", note=FEED_NOTE
    ),
    "GET /v1/inbox/stream": Shape(
        {200: "text/event-stream"},
        codes=("bad-form", "contact-frozen", "too-many-streams", "streams-full"),
        follows="after",
        note=STREAM_NOTE,
    ),
    "GET /v1/evidence": Shape(
        {200: object_of(items=list_of(EVIDENCE_ITEM), next=NUMBER, epoch=TEXT)},
        follows="after",
        note=FEED_NOTE,
    ),
    "GET /v1/exercises": Shape(
        {200: object_of(exercises=list_of(EXERCISE), next=NUMBER, epoch=TEXT)},
        follows="since",
        note=FEED_NOTE + " An exercise gets a new number with each order.",
    ),
    "GET /v1/exercises/{id}": Shape({200: EXERCISE}),
    "PUT /v1/exercises/{id}": Shape(
        {201: object_of(id=TEXT), 200: object_of(id=TEXT)},
        takes=object_of(announcement=JWS),
        codes=(*FORM_CODES, *SIGNER_CODES, "id-mismatch", "id-used", "head-ahead", "storage-failed"),
    ),
    "POST /v1/exercises/{id}/orders": Shape(
        {201: object_of(id=TEXT), 200: object_of(id=TEXT)},
        takes=object_of(order=JWS),
        codes=(
            *(*FORM_CODES, *SIGNER_CODES, "member-mismatch", "not-yet-in-force", "order-out-of-sequence"),
            *("not-in-this-state", "sent-in-future", "head-ahead", "storage-failed"),
        ),
    ),
}

EVERY_ROUTE: Final = (
    *("bad-request", "too-large", "encoded-body", "too-slow", "rate-limited", "starting", "fault"),
)
EVERY_SIGNED_ROUTE: Final = (
    *("not-signed", "bad-request-signature", "digest-mismatch", "clock-skew", "nonce-used"),
    *("not-found", "no-registry", "read-only"),
)
