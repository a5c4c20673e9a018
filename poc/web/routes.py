"""Every route of the hub on one page: method, path, who may call it, what answers, how large a body may be.

The table drives authentication, docs/routes.md, openapi.json and the test of every route by every role.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from poc.hub.caller import Role
from poc.limits import BLOB_CHUNK_BYTES_MAX, BODY_BYTES_MAX, KIB
from poc.serving.answer import Answer, Streamed
from poc.web import handlers
from poc.web.call import Call
from poc.web.rates import Kind

Handler: TypeAlias = Callable[[Call], Awaitable[Answer | Streamed]]


@dataclass(frozen=True, slots=True)
class Route:
    """One route. ``roles`` empty: anyone, unsigned. ``policy``: anyone too where the registry says so.

    ``early``: answered also while the log is still being read. ``audit``: a privileged action, by this name:
    each call, refused or not, leaves exactly one record in the audit trail. ``paid_as``: which rate bounds
    it, of its key, or of the address where nobody has to sign; None: unsigned or reading.
    """

    method: str
    path: str
    roles: frozenset[Role]
    handler: Handler
    summary: str
    body_bytes_max: int = 0
    policy: bool = False
    early: bool = False
    audit: str | None = None
    paid_as: Kind | None = None

    @property
    def kind(self) -> Kind:
        """The rate that bounds this route."""
        return self.paid_as or ("reading" if self.roles else "unsigned")


ANYONE: Final[frozenset[Role]] = frozenset()
PARTIES: Final[frozenset[Role]] = frozenset({"contact", "controller", "authority", "registrar"})
READERS: Final[frozenset[Role]] = PARTIES | {"witness"}
DEVICES: Final[frozenset[Role]] = frozenset({"contact", "controller"})
CONTACTS: Final[frozenset[Role]] = frozenset({"contact"})
CONTROLLERS: Final[frozenset[Role]] = frozenset({"controller"})
PLAYERS: Final[frozenset[Role]] = frozenset({"contact", "controller", "authority"})
STATES: Final[frozenset[Role]] = frozenset({"contact", "authority"})
OWNERS: Final[frozenset[Role]] = frozenset({"contact", "authority", "registrar"})

ROUTES: Final[tuple[Route, ...]] = (
    Route("GET", "/", ANYONE, handlers.page, "The public page.", early=True),
    Route("GET", "/healthz", ANYONE, handlers.healthz, "The process answers.", early=True),
    Route(
        "GET",
        "/readyz",
        ANYONE,
        handlers.readyz,
        "The hub takes statements and messages; else why not.",
        early=True,
    ),
    Route("GET", "/checkpoint", ANYONE, handlers.checkpoint, "The newest signed checkpoint."),
    Route("GET", "/tile/entries/{tile:.+}", READERS, handlers.entries, "A bundle of entries.", policy=True),
    Route("GET", "/tile/{tile:.+}", ANYONE, handlers.tile, "A tile of hashes."),
    Route("GET", "/v1/genesis", ANYONE, handlers.genesis, "Entry 0."),
    Route(
        "POST",
        "/v1/statements",
        ANYONE,
        handlers.submit,
        "Log a statement, or propose it.",
        128 * KIB,
        audit="statement",
        paid_as="submit",
    ),
    Route("GET", "/v1/proposals", PARTIES, handlers.proposals, "Open proposals that concern the caller."),
    Route("GET", "/v1/proposals/{id}", PARTIES, handlers.proposal, "One proposal."),
    Route(
        "POST",
        "/v1/proposals/{id}/signatures",
        PARTIES,
        handlers.sign_proposal,
        "Sign a proposal.",
        64 * KIB,
        audit="proposal-signature",
        paid_as="statements",
    ),
    Route("GET", "/v1/cards", PARTIES, handlers.cards, "Openings of cards, by their visibility."),
    Route(
        "PUT",
        "/v1/cards/{id}",
        OWNERS,
        handlers.put_card,
        "Give the opening of a card's part.",
        64 * KIB,
        audit="opening",
        paid_as="statements",
    ),
    Route(
        "DELETE",
        "/v1/cards/{id}",
        OWNERS,
        handlers.erase_card,
        "Erase the opening of a card's part, for good.",
        audit="erasure",
        paid_as="statements",
    ),
    Route("GET", "/v1/contacts/{id}/readers", STATES, handlers.readers, "Who fetched the contact's card."),
    Route("GET", "/v1/contacts/{id}/nudges", STATES, handlers.nudges, "Where a contact is nudged."),
    Route(
        "PUT",
        "/v1/contacts/{id}/nudges",
        STATES,
        handlers.set_nudges,
        "Say where a contact is nudged.",
        16 * KIB,
        audit="nudge-addresses",
        paid_as="statements",
    ),
    Route(
        "POST",
        "/v1/contacts/{id}/nudges/confirmations",
        STATES,
        handlers.confirm_nudges,
        "Confirm an address by its code.",
        1 * KIB,
        audit="nudge-confirmation",
        paid_as="statements",
    ),
    Route(
        "POST",
        "/v1/contacts/{id}/nudges/trials",
        STATES,
        handlers.try_nudges,
        "Send a trial, or a new code.",
        1 * KIB,
        audit="nudge-trial",
        paid_as="statements",
    ),
    Route("GET", "/v1/keys", PARTIES, handlers.keys, "Sealing keys."),
    Route("GET", "/v1/keys/{id}", PARTIES, handlers.key, "One sealing key."),
    Route(
        "PUT",
        "/v1/keys/{id}",
        PARTIES,
        handlers.put_key,
        "Give a sealing key's body.",
        16 * KIB,
        audit="sealing-key",
        paid_as="statements",
    ),
    Route(
        "PUT",
        "/v1/messages/{id}",
        DEVICES,
        handlers.send,
        "Send an envelope.",
        BODY_BYTES_MAX,
        paid_as="messages",
    ),
    Route("GET", "/v1/messages/{id}", DEVICES, handlers.message, "A message, for its sender or a recipient."),
    Route(
        "POST",
        "/v1/messages/{id}/retrievals",
        CONTACTS,
        handlers.retrieve,
        "Record a retrieval.",
        64 * KIB,
        paid_as="messages",
    ),
    Route(
        "POST",
        "/v1/messages/{id}/acknowledgements",
        CONTACTS,
        handlers.acknowledge,
        "Record an acknowledgement or a decline.",
        64 * KIB,
        paid_as="messages",
    ),
    Route(
        "POST",
        "/v1/messages/{id}/cancels",
        DEVICES,
        handlers.cancel,
        "Cancel what is held.",
        64 * KIB,
        paid_as="messages",
    ),
    Route("GET", "/v1/messages/{id}/evidence", DEVICES, handlers.evidence, "The evidence about a message."),
    Route(
        "PUT",
        "/v1/blobs/{id}",
        DEVICES,
        handlers.put_blob,
        "Upload a chunk of a blob.",
        BLOB_CHUNK_BYTES_MAX,
        paid_as="blobs",
    ),
    Route("GET", "/v1/blobs/{id}", DEVICES, handlers.blob, "A part of a blob.", paid_as="blobs"),
    Route("GET", "/v1/inbox", DEVICES, handlers.inbox, "What came for the caller's device."),
    Route("GET", "/v1/inbox/stream", DEVICES, handlers.inbox_stream, "When something came, as it comes."),
    Route(
        "GET", "/v1/evidence", DEVICES, handlers.evidence_feed, "The evidence about the caller's messages."
    ),
    Route("GET", "/v1/exercises", PLAYERS, handlers.exercises, "Exercises of the caller's side."),
    Route("GET", "/v1/exercises/{id}", PLAYERS, handlers.exercise, "One exercise."),
    Route(
        "PUT",
        "/v1/exercises/{id}",
        CONTROLLERS,
        handlers.announce,
        "Announce an exercise.",
        256 * KIB,
        audit="announcement",
        paid_as="statements",
    ),
    Route(
        "POST",
        "/v1/exercises/{id}/orders",
        CONTROLLERS,
        handlers.order,
        "Start or end it.",
        64 * KIB,
        audit="order",
        paid_as="statements",
    ),
)
