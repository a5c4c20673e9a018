"""From a State's request to its enrolment: the request made of a home's keys, and the statement's body.

Both sides sign the same bytes: the registrar composes the statement of the request with the note and the
call-back, which only the registrar knows, and the State signs it if it says what was asked. The form and
its checks stand in ``core.state_request``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from poc.client.filing import PublicKeys
from poc.core.bodies import jwk_form
from poc.core.form import form_of, form_value
from poc.core.keys import SigningKey, VerifyKey
from poc.core.state_request import ReadRequest, StateRequest, check_enrolment, sign_request
from poc.core.statement import Statement
from poc.core.strictjson import format_time
from poc.errors import RefusedError
from poc.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry that is asked."""

    origin: str
    fingerprint: str


def make_request(
    keys: Keyring,
    registry: Registry,
    state: str,
    about: dict[str, Any],
    *,
    threshold: int,
    elsewhere: Sequence[PublicKeys] = (),
    recovery: PublicKeys | None = None,
    now: datetime,
) -> bytes:
    """The request file: this home's authority keys of the State and those held elsewhere, one recovery key.

    ``about`` holds ``kind`` and ``names``. Signed with every key that is here. Raises ``no-key``,
    ``bad-key-file``, ``bad-form``.
    """
    own = _own(keys, "authority", state)
    if not own:
        raise RefusedError("no-key", f"an authority key of {state}")
    here = [key.public for key in own]
    authority = {key.kid: key for key in (*here, *(k for keys in elsewhere for k in keys.signing))}
    kept = _own(keys, "recovery", state)
    last = _recovery(state, kept, recovery)
    value = {
        "v": 1,
        "origin": registry.origin,
        "form": "poc-state-request",
        "genesis_fingerprint": registry.fingerprint,
        "state": state,
        **about,
        "authority": {
            "keys": PublicKeys(state, tuple(authority.values()), ()).signing_jwks(),
            "threshold": threshold,
        },
        "recovery": None if last is None else form_value(jwk_form(last)),
        "made_at": format_time(now),
    }
    named = [*own, *(key for key in kept if last is not None and key.kid == last.kid)]
    return sign_request(form_of(StateRequest, value), tuple(named))


def _own(keys: Keyring, role: str, state: str) -> list[SigningKey]:
    entries = (e for e in keys.list() if (e.role, e.party, e.retired_at) == (role, state, None))
    return [entry.key for entry in entries if isinstance(entry.key, SigningKey)]


def _recovery(state: str, kept: Sequence[SigningKey], given: PublicKeys | None) -> VerifyKey | None:
    if given is not None:
        if len(given.signing) != 1:
            raise RefusedError("bad-key-file", f"exactly one recovery key of {state} is expected")
        return given.signing[0]
    if len(kept) > 1:
        raise RefusedError("bad-key-file", f"this home has {len(kept)} recovery keys; name one of {state}")
    return kept[0].public if kept else None


def check_against_request(statement: Statement, read: ReadRequest) -> None:
    """Return only if a statement enrols just what the request asks for. Raises ``request-differs``."""
    if statement.type != "state.enrol":
        raise RefusedError("request-differs", f"it is a {statement.type}")
    body: Any = statement.body
    check_enrolment(read.request, statement.origin, statement.subject, body)
