"""The aiohttp application: reads a request within its bounds, finds its caller, answers.

One path for every route of the table: nothing a client sends gives a 5xx, and what is forbidden
looks like what is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Final

from aiohttp import web

from poc.errors import FaultError, PocError, RefusedError
from poc.hub.caller import Caller
from poc.hub.hub import Hub
from poc.limits import BODY_DRAIN_BYTES_MAX, BODY_DRAIN_SECONDS_MAX, BODY_SECONDS_MAX
from poc.logs import log_event
from poc.web.auth import authenticate
from poc.web.call import Answer, Call
from poc.web.errors import problem
from poc.web.routes import ROUTES, Route

_SECURITY: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SWEEP_SECONDS: Final = 60


def make_app(hub: Hub, public_origin: Callable[[], str]) -> web.Application:
    """The application of a loaded hub. ``public_origin`` is what requests are signed for."""

    @web.middleware
    async def errors(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPMethodNotAllowed as error:
            answer = problem(RefusedError("method-not-allowed"), hub.now())
            return _response(answer, {"Allow": ", ".join(sorted(error.allowed_methods))})
        except web.HTTPException:
            return _response(problem(RefusedError("not-found"), hub.now()))
        except PocError as error:
            return _response(problem(error, hub.now()))
        except Exception as error:  # noqa: BLE001 (the outermost loop: a fault of ours is answered, and logged)
            log_event("fault", error=type(error).__name__)
            return _response(problem(FaultError("fault"), hub.now()))

    app = web.Application(middlewares=[errors], client_max_size=BODY_DRAIN_BYTES_MAX)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _serve(hub, route, public_origin))
    app.cleanup_ctx.append(_background(hub))
    return app


def _serve(
    hub: Hub, route: Route, public_origin: Callable[[], str]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def serve(request: web.Request) -> web.Response:
        body = await _read_body(request, route.body_bytes_max)
        caller = await _caller(hub, route, request, body, public_origin())
        if len(request.query) != len(set(request.query)):
            raise RefusedError("bad-form", "a query member stands twice")
        call = Call(hub, caller, request.match_info, dict(request.query), body, public_origin())
        answer = await route.handler(call)
        log_event("request", method=route.method, route=route.path, status=answer.status)
        return _response(answer)

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


async def _read_body(request: web.Request, bytes_max: int) -> bytes:
    """The body within its bounds. Raises ``encoded-body``, ``too-large``, ``too-slow``."""
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            async for chunk in request.content.iter_any():
                data += chunk
                if len(data) > bytes_max:
                    break
    except TimeoutError:
        raise RefusedError("too-slow") from None
    if len(data) > bytes_max:
        await _drain(request, len(data))
        raise RefusedError("too-large", f"{bytes_max} bytes are the limit here", limit_bytes=bytes_max)
    if request.headers.get("Content-Encoding"):
        raise RefusedError("encoded-body")
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
        tasks = [asyncio.create_task(hub.log.run()), asyncio.create_task(_sweep(hub))]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    return run


async def _sweep(hub: Hub) -> None:
    """Forget what has passed: nonces and proposals. A failing disk is tried again."""
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        with contextlib.suppress(PocError):
            await hub.store.forget_nonces(hub.now() - timedelta(seconds=1))
            await hub.store.expire_proposals(hub.now())
