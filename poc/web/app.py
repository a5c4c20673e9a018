"""The aiohttp application: reads a request within its bounds, finds its caller, answers.

One path for every route of the table: nothing a client sends gives a 5xx, and what is forbidden
looks like what is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aiohttp import web

from poc.errors import FaultError, PocError, RefusedError
from poc.hub.caller import Caller
from poc.hub.hub import Hub
from poc.limits import BODY_DRAIN_BYTES_MAX, BODY_DRAIN_SECONDS_MAX
from poc.logs import log_event
from poc.web.auth import authenticate
from poc.web.call import Answer, Call
from poc.web.connection import Deadlines
from poc.web.errors import problem
from poc.web.routes import ROUTES, Route

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_SECURITY: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_METHODS: Final = frozenset(route.method for route in ROUTES)


def make_app(
    hub: Hub, public_origin: Callable[[], str], deadlines: Deadlines | None = None
) -> web.Application:
    """The application of a hub, and what runs beside it. Requests are signed for ``public_origin``."""
    limits = deadlines or Deadlines()

    @web.middleware
    async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answered(hub, request, handler)
        _count(hub, request, response.status)
        return response

    app = web.Application(middlewares=[errors], client_max_size=BODY_DRAIN_BYTES_MAX)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _serve(hub, route, public_origin, limits))
    app.cleanup_ctx.append(_background(hub))
    return app


async def _answered(hub: Hub, request: web.Request, handler: Handler) -> web.StreamResponse:
    """The answer, whatever happens on the way to it."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        answer = problem(RefusedError("method-not-allowed"), hub.now())
        return _response(answer, {"Allow": ", ".join(sorted(error.allowed_methods))})
    except web.HTTPException:
        return _response(problem(RefusedError("not-found"), hub.now()))
    except (web.RequestPayloadError, ConnectionError):
        response = _response(problem(RefusedError("bad-request"), hub.now()))
        response.force_close()
        return response
    except PocError as error:
        if isinstance(error, FaultError):
            log_event("fault", error=error.code)
        response = _response(problem(error, hub.now()))
        if error.code == "too-slow":
            response.force_close()
        return response
    except Exception as error:  # noqa: BLE001 (the outermost loop: a fault of ours is answered, and logged)
        log_event("fault", error=type(error).__name__)
        return _response(problem(FaultError("fault"), hub.now()))


def _count(hub: Hub, request: web.Request, status: int) -> None:
    """Log and count a request by its route's pattern; what a client made up is named `other`."""
    resource = request.match_info.route.resource
    path = "other" if resource is None else resource.canonical
    method = request.method if request.method in _METHODS else "other"
    hub.metrics.requests.labels(path, method, str(status)).inc()
    log_event("request", method=method, route=path, status=status)


def _serve(
    hub: Hub, route: Route, public_origin: Callable[[], str], limits: Deadlines
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def serve(request: web.Request) -> web.Response:
        body = await _read_body(request, route.body_bytes_max, limits.body)
        if not route.early:
            await hub.wait_loaded()
        caller = await _caller(hub, route, request, body, public_origin())
        if len(request.query) != len(set(request.query)):
            raise RefusedError("bad-form", "a query member stands twice")
        call = Call(hub, caller, request.match_info, dict(request.query), body, public_origin())
        return _response(await route.handler(call))

    return serve


async def _caller(
    hub: Hub, route: Route, request: web.Request, body: bytes, public_origin: str
) -> Caller | None:
    if not route.roles:
        return None
    settings = hub.log.view.directory.settings
    if route.policy and settings.entries_access == "public":
        return None
    target_uri = public_origin + request.raw_path
    caller = await authenticate(hub, request.headers, request.method, target_uri, body)
    if caller.role not in route.roles:
        raise RefusedError("not-found")
    return caller


async def _read_body(request: web.Request, bytes_max: int, seconds_max: float) -> bytes:
    """The body within its bounds. Raises ``encoded-body``, ``too-large``, ``too-slow``."""
    if request.headers.get("Content-Encoding"):
        await _drain(request, 0)
        raise RefusedError("encoded-body")
    data = bytearray()
    try:
        async with asyncio.timeout(seconds_max):
            async for chunk in request.content.iter_any():
                data += chunk
                if len(data) > bytes_max:
                    break
    except TimeoutError:
        raise RefusedError("too-slow") from None
    if len(data) > bytes_max:
        await _drain(request, len(data))
        raise RefusedError("too-large", f"{bytes_max} bytes are the limit here", limit_bytes=bytes_max)
    return bytes(data)


async def _drain(request: web.Request, read_bytes: int) -> None:
    """Read and drop the rest within bounds, so that the client sees the answer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BODY_DRAIN_SECONDS_MAX):
            async for chunk in request.content.iter_any():
                read_bytes += len(chunk)
                if read_bytes > BODY_DRAIN_BYTES_MAX:
                    return


def _response(answer: Answer, more: dict[str, str] | None = None) -> web.Response:
    headers = {"Cache-Control": "no-store", **_SECURITY, **answer.headers, **(more or {})}
    charset = "utf-8" if answer.content_type.startswith("text/") else None
    return web.Response(
        status=answer.status,
        body=answer.body,
        content_type=answer.content_type,
        charset=charset,
        headers=headers,
    )


def _background(hub: Hub) -> Callable[[web.Application], AsyncIterator[None]]:
    async def run(_app: web.Application) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(hub.run(), name="hub")
            yield
            task.cancel()

    return run
