"""The witness over HTTP: one route, ``POST <prefix>/add-checkpoint``, answered as C2SP tlog-witness says."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from poc.errors import RefusedError
from poc.limits import BODY_DRAIN_BYTES_MAX, SUBMISSION_BYTES_MAX
from poc.logs import log_event
from poc.serving.answer import Answer
from poc.serving.connection import Deadlines
from poc.serving.requests import Handler, answered, expect, read_body, response_of
from poc.witness.witness import Witness

ROUTE: Final = "/add-checkpoint"
SIZE_TYPE: Final = "text/x.tlog.size"


def make_app(witness: Witness, prefix: str = "", deadlines: Deadlines | None = None) -> web.Application:
    """The application of a witness."""
    limits = deadlines or Deadlines()

    @web.middleware
    async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await answered(witness.now, request, handler)
        # By the route, not by what was asked for: a line of the log holds nothing a client made up.
        found = request.match_info.route.resource is not None
        log_event(
            "request",
            method="POST" if request.method == "POST" else "other",
            route=ROUTE if found else "other",
            status=response.status,
        )
        return response

    async def add_checkpoint(request: web.Request) -> web.StreamResponse:
        body = await read_body(request, SUBMISSION_BYTES_MAX, limits.body)
        return response_of(await _answer(witness, body))

    app = web.Application(middlewares=[errors], client_max_size=BODY_DRAIN_BYTES_MAX)
    app.router.add_post(prefix + ROUTE, add_checkpoint, expect_handler=expect(witness.now))
    return app


async def _answer(witness: Witness, body: bytes) -> Answer:
    try:
        line = await witness.add_checkpoint(body)
    except RefusedError as error:
        if error.code != "old-size-moved":
            raise
        return Answer(409, f"{error.data['size']}\n".encode(), SIZE_TYPE)
    return Answer(200, line.encode(), "text/plain")
