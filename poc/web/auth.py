"""Who signed a request (RFC 9421 profile of ``core.httpsig``), once: a nonce is kept over restarts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from poc.core.httpsig import parse_request, verify_request
from poc.errors import RefusedError
from poc.hub.caller import Caller, caller_of
from poc.hub.hub import Hub
from poc.limits import NONCE_SECONDS_KEPT


async def authenticate(
    hub: Hub,
    headers: Mapping[str, str],
    method: str,
    target_uri: str,
    body: bytes,
    proved: Callable[[Caller], None],
) -> Caller:
    """The caller who signed this very request; ``proved`` hears of it before disk is used, and may refuse it.

    Raises ``not-signed``, ``clock-skew``, ``nonce-used``, what ``proved`` raises.
    """
    signature = parse_request(headers)
    now = hub.now()
    caller, key = caller_of(hub.log.view.directory, signature.keyid)
    verify_request(signature, method, target_uri, body, key, now)
    proved(caller)
    until = now + timedelta(seconds=NONCE_SECONDS_KEPT)
    if not await hub.store.use_nonce(caller.kid, signature.nonce, until):
        raise RefusedError("nonce-used")
    return caller
