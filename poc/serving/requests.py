"""Reading a request within its bounds and writing an answer, the same for the hub and the witness."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from aiohttp import web

from poc.errors import FaultError, PocError, RefusedError
from poc.limits import BODY_DRAIN_BYTES_MAX, BODY_DRAIN_SECONDS_MAX, STREAM_WRITE_SECONDS_MAX
from poc.logs import log_event
from poc.serving.answer import Answer, Streamed
from poc.serving.connection import GuardedHandler
from poc.serving.problem import problem

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Now = Callable[[], datetime]
_SECURITY: Final = {
    "Server": "poc",
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


async def answered(now: Now, request: web.Request, handler: Handler) -> web.StreamResponse:
    """The answer, whatever happens on the way to it: nothing a client sends gives a 5xx."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        answer = problem(RefusedError("method-not-allowed"), now())
        return response_of(answer, {"Allow": ", ".join(sorted(error.allowed_methods))})
    except web.HTTPException:
        return response_of(problem(RefusedError("not-found"), now()))
    except (web.RequestPayloadError, ConnectionError):
        response = response_of(problem(RefusedError("bad-request"), now()))
        response.force_close()
        return response
    except PocError as error:
        if isinstance(error, FaultError):
            log_event("fault", error=error.code)
        response = response_of(problem(error, now()))
        if error.code == "too-slow":
            response.force_close()
        return response
    except Exception as error:  # noqa: BLE001 (the outermost loop: a fault of ours is answered, and logged)
        log_event("fault", error=type(error).__name__)
        return response_of(problem(FaultError("fault"), now()))


def expect(now: Now) -> Callable[[web.Request], Awaitable[web.StreamResponse | None]]:
    """The answer to a client that waits before it sends its body (RFC 9110 10.1.1): go on, or no."""

    async def answer(request: web.Request) -> web.StreamResponse | None:
        if request.headers["Expect"].lower() != "100-continue":
            response = response_of(problem(RefusedError("bad-request"), now()))
            response.force_close()
            return response
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # as aiohttp's own does: the answer has not begun
        return None

    return answer


async def read_body(request: web.Request, bytes_max: int, seconds_max: float) -> bytes:
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
        if isinstance(request.protocol, GuardedHandler):
            request.protocol.give_up_body()
        raise RefusedError("too-slow") from None
    if len(data) > bytes_max:
        await _drain(request, len(data))
        raise RefusedError("too-large", f"{bytes_max} bytes are the limit here", limit_bytes=bytes_max)
    if isinstance(request.protocol, GuardedHandler):
        request.protocol.begin_work()
    return bytes(data)


async def _drain(request: web.Request, read_bytes: int) -> None:
    """Read and drop the rest within bounds, so that the client sees the answer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BODY_DRAIN_SECONDS_MAX):
            async for chunk in request.content.iter_any():
                read_bytes += len(chunk)
                if read_bytes > BODY_DRAIN_BYTES_MAX:
                    return


def response_of(answer: Answer, more: dict[str, str] | None = None) -> web.Response:
    """The answer as it is written. A type of C2SP stands as specified, without a charset."""
    headers = {"Cache-Control": "no-store", **_SECURITY, **answer.headers, **(more or {})}
    charset = (
        "utf-8" if answer.content_type.startswith("text/") and ".tlog." not in answer.content_type else None
    )
    return web.Response(
        status=answer.status,
        body=answer.body,
        content_type=answer.content_type,
        charset=charset,
        headers=headers,
    )


async def stream(request: web.Request, answer: Streamed) -> web.StreamResponse:
    """Write an answer as it comes, to its end or until the reader hangs up or takes too long.

    What waits for a slow reader is one chunk and what its connection holds: the next is asked for only once
    the last was taken. What fails on the way ends it: it has begun, so no error can be told.
    """
    # The first for caches, the second for proxies that would gather what they pass on (nginx).
    more = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers={**_SECURITY, **more, "Content-Type": answer.content_type})
    response.force_close()
    try:
        await response.prepare(request)
        async for chunk in answer.chunks:
            async with asyncio.timeout(STREAM_WRITE_SECONDS_MAX):
                await response.write(chunk)
        async with asyncio.timeout(STREAM_WRITE_SECONDS_MAX):
            await response.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
    except (ConnectionError, PocError):
        if request.transport is not None:
            request.transport.close()
    finally:
        answer.close()
    return response
