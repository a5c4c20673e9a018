"""The request for enrolment: what a future authority says of its State and keys, and signs with them.

A registrar makes the ``state.enrol`` statement from it after comparing its fingerprint with the page
annexed to the note verbale; the authority then signs that statement only if it says the same. Nothing in
a request has effect by itself. Which State may be enrolled is decided in ``rules_state``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from poc.core import jws
from poc.core.bodies import Authority, Enrol, SigningJwk, StateNames
from poc.core.form import StateId, TopForm, Utc, form_bytes, form_value, read_form
from poc.core.keys import SigningKey
from poc.core.statement import SignatureForm
from poc.core.strictjson import b64u, format_time, unb64u
from poc.errors import RefusedError
from poc.limits import ENTRY_BYTES_MAX, ISSUED_AHEAD_SECONDS_MAX, REQUEST_SECONDS_MAX

# What a request says, and an enrolment made from it repeats; the other members are the registrar's.
REPEATED: Final = ("kind", "names", "authority", "recovery")


class StateRequest(TopForm):
    """Payload of a ``poc-state-request+jws``: it asks one registry, named by origin and genesis, to enrol."""

    form: Literal["poc-state-request"]
    genesis_fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    state: StateId
    kind: Literal["member", "observer", "organisation"]
    names: StateNames
    authority: Authority
    recovery: SigningJwk | None
    made_at: Utc

    @model_validator(mode="after")
    def _can_be_signed(self) -> StateRequest:
        kids = [key.kid for key in self.authority.keys]
        if self.authority.threshold > len(kids):
            raise ValueError("the threshold is above the number of keys")
        if self.recovery is not None and self.recovery.kid in kids:
            raise ValueError("the recovery key is also an authority key")
        return self

    def kids(self) -> tuple[str, ...]:
        """The keys it names, the recovery key last."""
        own = () if self.recovery is None else (self.recovery.kid,)
        return (*(key.kid for key in self.authority.keys), *own)


class StateRequestFile(TopForm):
    """The request as it travels: payload and signatures, sorted by kid and distinct."""

    form: Literal["poc-state-request-file"]
    payload: Annotated[str, Field(max_length=ENTRY_BYTES_MAX)]
    signatures: Annotated[tuple[SignatureForm, ...], Field(min_length=1, max_length=17)]


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request whose every signature verified, with the bytes they are over."""

    request: StateRequest
    payload: bytes
    signed_by: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 of the payload: what the annexed page shows and is compared with."""
        return hashlib.sha256(self.payload).hexdigest()


def sign_request(request: StateRequest, keys: tuple[SigningKey, ...]) -> bytes:
    """The request file, signed with those of its keys that are at hand. Raises as :func:`read_request`."""
    payload = form_bytes(request)
    ordered = sorted(keys, key=lambda key: key.kid)
    signatures = [jws.sign(payload, jws.STATE_REQUEST, key) for key in ordered]
    file = StateRequestFile(
        v=1,
        origin=request.origin,
        form="poc-state-request-file",
        payload=b64u(payload),
        signatures=tuple(SignatureForm(protected=s.protected, signature=s.signature) for s in signatures),
    )
    data = form_bytes(file) + b"\n"
    read_request(data)
    return data


def read_request(data: bytes) -> ReadRequest:
    """Read a request file and verify every signature in it.

    Raises:
        RefusedError: those of reading forms; ``unknown-key`` for a signature by a key that it does not
            name; ``bad-signature``; ``signatures-missing`` where no authority key signed.
    """
    file = read_form(StateRequestFile, data)
    payload = unb64u(file.payload)
    request = read_form(StateRequest, payload)
    if request.origin != file.origin:
        raise RefusedError("bad-form", "the file names another origin than its payload")
    named = [*request.authority.keys, *([] if request.recovery is None else [request.recovery])]
    keys = {key.kid: key.verify_key() for key in named}
    kids = []
    for given in file.signatures:
        signature = jws.Signature(given.protected, given.signature)
        kid = jws.header_kid(signature.protected)
        if kid not in keys:
            raise RefusedError("unknown-key", f"{kid} signed a request that does not name it")
        jws.verify(payload, signature, jws.STATE_REQUEST, keys[kid])
        kids.append(kid)
    if kids != sorted(set(kids)):
        raise RefusedError("bad-form", "a request's signatures must be sorted by kid and distinct")
    if not any(key.kid in kids for key in request.authority.keys):
        raise RefusedError("signatures-missing", "1 signature of an authority key it names")
    return ReadRequest(request, payload, tuple(kids))


def check_request(
    read: ReadRequest, *, origin: str, genesis_fingerprint: str, printed: str, now: datetime
) -> None:
    """Return only if a request is for this registry, in time, and the one whose page is at hand.

    Raises ``wrong-origin``, ``wrong-fingerprint`` (of the genesis), ``request-mismatch`` (``printed`` is
    not its fingerprint), ``request-expired``.
    """
    request = read.request
    if request.origin != origin:
        raise RefusedError("wrong-origin", f"it asks {request.origin}; this home belongs to {origin}")
    if request.genesis_fingerprint != genesis_fingerprint:
        raise RefusedError("wrong-fingerprint", f"it was made for another genesis of {origin}")
    if read.fingerprint != printed:
        raise RefusedError("request-mismatch", "", expected=printed, found=read.fingerprint)
    age = now - request.made_at
    if not -timedelta(seconds=ISSUED_AHEAD_SECONDS_MAX) <= age <= timedelta(seconds=REQUEST_SECONDS_MAX):
        raise RefusedError("request-expired", f"made at {format_time(request.made_at)}")


def requested_body(request: StateRequest) -> dict[str, Any]:
    """The members of an enrolment's body that repeat the request."""
    value = form_value(request)
    return {name: value[name] for name in REPEATED}


def check_enrolment(request: StateRequest, origin: str, subject: str, body: Enrol) -> None:
    """Return only if an enrolment says exactly what the request says. Raises ``request-differs``."""
    asked, found = requested_body(request), form_value(body)
    differing = [name for name in REPEATED if asked[name] != found[name]]
    differing += ["origin"] * (origin != request.origin) + ["subject"] * (subject != request.state)
    if differing:
        raise RefusedError("request-differs", ", ".join(differing))
