"""The aiohttp application: reads a request within its bounds, finds its caller, answers.

One path for every route of the table: nothing a client sends gives a 5xx, and what is forbidden
looks like what is missing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aiohttp import web

from poc.errors import RefusedError
from poc.hub.caller import Caller
from poc.hub.hub import Hub
from poc.limits import BODY_DRAIN_BYTES_MAX
from poc.logs import log_event
from poc.serving.addresses import Proxies
from poc.serving.answer import Answer, Streamed
from poc.serving.connection import Deadlines
from poc.serving.requests import Handler, answered, expect, read_body, response_of, stream
from poc.web.audited import Asked, audited
from poc.web.auth import authenticate
from poc.web.call import Call
from poc.web.gate import Gate
from poc.web.rates import Rates
from poc.web.routes import ROUTES, Route

_METHODS: Final = frozenset(route.method for route in ROUTES)


def make_app(
    hub: Hub,
    public_origin: Callable[[], str],
    deadlines: Deadlines | None = None,
    proxies: Proxies | None = None,
    rates: Rates | None = None,
) -> web.Application:
    """The application of a hub, and what runs beside it. Requests are signed for ``public_origin``."""
    limits = deadlines or Deadlines()
    gate = Gate(rates or Rates(hub.metrics, time.monotonic), proxies or Proxies())

    @web.middleware
    async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await answered(hub.now, request, handler)
        _count(hub, request, response.status)
        return response

    app = web.Application(middlewares=[errors], client_max_size=BODY_DRAIN_BYTES_MAX)
    for route in ROUTES:
        serve = _serve(hub, route, public_origin, limits, gate)
        app.router.add_route(route.method, route.path, serve, expect_handler=expect(hub.now))
    app.cleanup_ctx.append(_background(hub))
    app.on_shutdown.append(_end_streams(hub))
    return app


def _end_streams(hub: Hub) -> Callable[[web.Application], Awaitable[None]]:
    """Streams would hold a stop up for as long as it may take."""

    async def end(_app: web.Application) -> None:
        hub.wakes.close()

    return end


def _count(hub: Hub, request: web.Request, status: int) -> None:
    """Log and count a request by its route's pattern; what a client made up is named `other`."""
    resource = request.match_info.route.resource
    path = "other" if resource is None else resource.canonical
    method = request.method if request.method in _METHODS else "other"
    hub.metrics.requests.labels(path, method, str(status)).inc()
    log_event("request", method=method, route=path, status=status)


def _serve(
    hub: Hub, route: Route, public_origin: Callable[[], str], limits: Deadlines, gate: Gate
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request, asked: Asked) -> Answer | Streamed:
        gate.enter(route.kind, request, is_signed=bool(route.roles))
        body = asked.body = await read_body(request, route.body_bytes_max, limits.body)
        if not route.early:
            await hub.wait_loaded()
        target = public_origin() + request.raw_path
        caller = asked.caller = await _caller(hub, route, request, body, target, gate)
        if len(request.query) != len(set(request.query)):
            raise RefusedError("bad-form", "a query member stands twice")
        path, query = request.match_info, dict(request.query)
        return await route.handler(
            Call(
                hub, caller, path, query, body, public_origin(), target, request.headers,
                lambda: request.transport is None or request.transport.is_closing(),
            )
        )  # fmt: skip

    async def serve(request: web.Request) -> web.StreamResponse:
        asked = Asked(request.match_info)
        if route.audit is None:
            given = await answer(request, asked)
        else:
            given = await audited(hub.audit, route.audit, asked, lambda: answer(request, asked))
        return await stream(request, given) if isinstance(given, Streamed) else response_of(given)

    return serve


async def _caller(
    hub: Hub, route: Route, request: web.Request, body: bytes, target_uri: str, gate: Gate
) -> Caller | None:
    if not route.roles:
        return None
    settings = hub.log.view.directory.settings
    if route.policy and settings.entries_access == "public":
        gate.enter("unsigned", request, is_signed=False)
        return None
    proved = gate.prove(route.kind, request)
    caller = await authenticate(hub, request.headers, request.method, target_uri, body, proved)
    if caller.role not in route.roles:
        raise RefusedError("not-found")
    return caller


def _background(hub: Hub) -> Callable[[web.Application], AsyncIterator[None]]:
    async def run(_app: web.Application) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(hub.run(), name="hub")
            yield
            task.cancel()

    return run
