"""Connections with deadlines: aiohttp bounds a header's bytes, but not how long it may take to arrive.

A connection whose header is not complete in time, that idles between two requests, or whose client does not
read its answer, is closed; how many there may be stands in ``crowd``. What is not HTTP is answered as any
other error, and never logged: its text is the client's.
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
    ANSWER_SECONDS_MAX,
    BODY_DRAIN_SECONDS_MAX,
    BODY_SECONDS_MAX,
    HEADER_LINE_BYTES_MAX,
    HEADER_LINES_MAX,
    HEADER_SECONDS_MAX,
    IDLE_SECONDS_MAX,
)
from poc.serving.crowd import BUSY, Crowd, Reason
from poc.serving.problem import problem

# Up to twice this goes by before the last connection is cut: together under the 5 s a stop may take.
STOP_SECONDS: Final = 1.5


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a client may take, in seconds."""

    header: float = HEADER_SECONDS_MAX
    body: float = BODY_SECONDS_MAX
    idle: float = IDLE_SECONDS_MAX
    answer: float = ANSWER_SECONDS_MAX


class GuardedHandler(RequestHandler):
    """One connection; closed when a header is begun and not complete in time."""

    __slots__ = ("_crowd", "_deadlines", "_header_timer", "_is_proved", "_is_worked_on", "_now", "_since")

    def __init__(
        self,
        manager: web.Server,
        *,
        deadlines: Deadlines,
        crowd: Crowd,
        now: Callable[[], datetime],
        **named: Any,
    ) -> None:
        super().__init__(manager, **named)
        self._deadlines = deadlines
        self._crowd = crowd
        self._header_timer: asyncio.TimerHandle | None = None
        self._now = now
        self._since = self._loop.time()
        self._is_worked_on = False
        self._is_proved = False

    @property
    def standing(self) -> tuple[int, float]:
        """See ``crowd.Member``."""
        if self._is_worked_on:
            return BUSY, self._since
        if self._is_proved:
            return BUSY - 1, self._since
        is_complete = self._request_count > 0 and not self._request_in_progress
        return (1 if is_complete else 0), self._since

    def begin_work(self) -> None:
        """The request is here whole: until it is answered, this connection makes room for no other."""
        self._is_worked_on = True

    def give_up_body(self) -> None:
        """Wait no longer for the rest of the body, once the answer is written."""
        self._lingering_time = 0.0

    def prove(self) -> None:
        """A key of the registry signed the request: from now on others make room first."""
        self._is_proved = True

    def cut(self, reason: Reason) -> None:
        """Close it now, and say why."""
        self._crowd.note(reason)
        self.force_close()

    def force_close(self) -> None:
        """Close it, and do not wait for ever for a client to read what was written."""
        transport = self.transport
        super().force_close()
        if transport is not None and transport.get_write_buffer_size():
            self._loop.call_later(STOP_SECONDS, transport.abort)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The first header is due from now on, if there is room for it at all."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        if self._crowd.join(self, str(peer[0]) if peer else ""):
            self._start_timer()
        else:
            self.cut("crowded")

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
        self._crowd.leave(self)
        super().connection_lost(exc)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write the answer, for as long as the client may take to read it."""
        timer = self._loop.call_later(self._deadlines.answer, self.cut, "answer")
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            timer.cancel()
            self._is_worked_on = False
            self._since = self._loop.time()

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
        self._header_timer = self._loop.call_later(self._deadlines.header, self.cut, "header")

    def _process_keepalive(self) -> None:
        was_open = not self._force_close
        super()._process_keepalive()
        if was_open and self._force_close:
            self._crowd.note("idle")

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None


class GuardedServer(web.Server):
    """Makes a guarded connection for each that comes in."""

    def __init__(
        self, *given: Any, deadlines: Deadlines, crowd: Crowd, now: Callable[[], datetime], **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self._deadlines = deadlines
        self._crowd = crowd
        self._now = now

    def __call__(self) -> GuardedHandler:
        """One connection."""
        return GuardedHandler(
            self,
            deadlines=self._deadlines,
            crowd=self._crowd,
            now=self._now,
            loop=self._loop,
            **self._kwargs,
        )


class GuardedRunner(web.AppRunner):
    """Runs an application on guarded connections."""

    __slots__ = ("_crowd", "_deadlines", "_now")

    def __init__(
        self,
        app: web.Application,
        now: Callable[[], datetime],
        deadlines: Deadlines | None = None,
        crowd: Crowd | None = None,
    ) -> None:
        super().__init__(app, shutdown_timeout=STOP_SECONDS)
        self._deadlines = deadlines or Deadlines()
        self._crowd = Crowd() if crowd is None else crowd
        self._now = now

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return GuardedServer(
            made.request_handler,
            request_factory=made.request_factory,
            deadlines=self._deadlines,
            crowd=self._crowd,
            now=self._now,
            keepalive_timeout=self._deadlines.idle,
            max_line_size=HEADER_LINE_BYTES_MAX,
            max_field_size=HEADER_LINE_BYTES_MAX,
            max_headers=HEADER_LINES_MAX,
            lingering_time=min(BODY_DRAIN_SECONDS_MAX, self._deadlines.body),
            access_log=None,
            auto_decompress=False,
        )
