"""Who pays for a request, and when: before its body is read, its signature looked at, the disk used."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from poc.core.httpsig import parse_request
from poc.errors import RefusedError
from poc.hub.caller import Caller
from poc.logs import log_event
from poc.serving.addresses import FORWARDED, Proxies
from poc.serving.connection import GuardedHandler
from poc.web.rates import Kind, Rates


class Gate:
    """The rates of one hub, applied to its requests. What it raises is ``rate-limited``."""

    def __init__(self, rates: Rates, proxies: Proxies) -> None:
        self._rates = rates
        self._proxies = proxies
        self._told_of_proxy = False

    def enter(self, kind: Kind, request: web.Request, *, is_signed: bool) -> None:
        """Let the address pay for an unsigned request; refuse one of a key that has nothing left."""
        if not is_signed:
            self._rates.take(kind, self._client(request))
            return
        try:
            kid = parse_request(request.headers).keyid
        except RefusedError:
            return  # said again, and paid for, once its body is here
        self._rates.check(kind, kid)

    def prove(self, kind: Kind, request: web.Request) -> Callable[[Caller], None]:
        """Let the address pay until a signature is proved; what is given lets its key pay instead."""
        client = self._client(request)
        self._rates.take("unproved", client)

        def proved(caller: Caller) -> None:
            self._rates.give_back("unproved", client)
            self._rates.take(kind, caller.kid)
            if isinstance(request.protocol, GuardedHandler):
                request.protocol.prove()

        return proved

    def _client(self, request: web.Request) -> str:
        peer = request.remote or ""
        if FORWARDED in request.headers and not self._proxies.are(peer) and not self._told_of_proxy:
            self._told_of_proxy = True
            log_event(
                "proxy-not-trusted",
                next="if a proxy of yours stands before this hub, name it in trusted_proxies: "
                "else all clients behind it share one rate",
            )
        return self._proxies.client(peer, request.headers)
