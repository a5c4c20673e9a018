"""Connections with deadlines: aiohttp bounds a header's bytes, but not how long it may take to arrive.

A connection whose header is not complete in time, or that idles between two requests, is closed. What is
not HTTP is answered as any other error, and never logged: its text is the client's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from poc.errors import FaultError, RefusedError
from poc.limits import (
    BODY_DRAIN_SECONDS_MAX,
    BODY_SECONDS_MAX,
    HEADER_LINE_BYTES_MAX,
    HEADER_LINES_MAX,
    HEADER_SECONDS_MAX,
    IDLE_SECONDS_MAX,
)
from poc.serving.problem import problem

# Up to twice this goes by before the last connection is cut: together under the 5 s a stop may take.
STOP_SECONDS: Final = 1.5


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a client may take, in seconds."""

    header: float = HEADER_SECONDS_MAX
    body: float = BODY_SECONDS_MAX
    idle: float = IDLE_SECONDS_MAX


class GuardedHandler(RequestHandler):
    """One connection; closed when a header is begun and not complete in time."""

    __slots__ = ("_header_seconds", "_header_timer", "_now")

    def __init__(
        self, manager: web.Server, *, header_seconds: float, now: Callable[[], datetime], **named: Any
    ) -> None:
        super().__init__(manager, **named)
        self._header_seconds = header_seconds
        self._header_timer: asyncio.TimerHandle | None = None
        self._now = now

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The first header is due from now on."""
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Bytes between two requests begin a header; a complete one ends the wait."""
        complete = self._request_count
        super().data_received(data)
        if self._request_count > complete:
            self._stop_timer()
        elif self._header_timer is None and self._waiter is not None:
            self._start_timer()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nothing is due any more."""
        self._stop_timer()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be read as a request; the connection ends with it."""
        del exc, message  # they quote the client
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun")
        error = RefusedError("bad-request") if status < 500 else FaultError("fault")
        answer = problem(error, self._now())
        response = web.Response(
            status=answer.status,
            body=answer.body,
            content_type=answer.content_type,
            headers={"Server": "poc", "X-Content-Type-Options": "nosniff"},
        )
        response.force_close()
        return response

    def _start_timer(self) -> None:
        self._header_timer = self._loop.call_later(self._header_seconds, self.force_close)

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None


class GuardedServer(web.Server):
    """Makes a guarded connection for each that comes in."""

    def __init__(self, *given: Any, header_seconds: float, now: Callable[[], datetime], **named: Any) -> None:
        super().__init__(*given, **named)
        self._header_seconds = header_seconds
        self._now = now

    def __call__(self) -> GuardedHandler:
        """One connection."""
        return GuardedHandler(
            self, header_seconds=self._header_seconds, now=self._now, loop=self._loop, **self._kwargs
        )


class GuardedRunner(web.AppRunner):
    """Runs an application on guarded connections."""

    __slots__ = ("_deadlines", "_now")

    def __init__(
        self, app: web.Application, now: Callable[[], datetime], deadlines: Deadlines | None = None
    ) -> None:
        super().__init__(app, shutdown_timeout=STOP_SECONDS)
        self._deadlines = deadlines or Deadlines()
        self._now = now

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return GuardedServer(
            made.request_handler,
            request_factory=made.request_factory,
            header_seconds=self._deadlines.header,
            now=self._now,
            keepalive_timeout=self._deadlines.idle,
            max_line_size=HEADER_LINE_BYTES_MAX,
            max_field_size=HEADER_LINE_BYTES_MAX,
            max_headers=HEADER_LINES_MAX,
            lingering_time=min(BODY_DRAIN_SECONDS_MAX, self._deadlines.body),
            access_log=None,
            auto_decompress=False,
        )
