"""The witness over HTTP: ``add-checkpoint`` as C2SP tlog-witness says, and the notices beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from poc.errors import RefusedError
from poc.limits import BODY_DRAIN_BYTES_MAX, NOTICE_BYTES_MAX, SUBMISSION_BYTES_MAX
from poc.logs import log_event
from poc.serving.answer import Answer, answer_json
from poc.serving.connection import Deadlines
from poc.serving.requests import Handler, answered, expect, read_body, response_of
from poc.witness.witness import Witness

ADD_CHECKPOINT: Final = "/add-checkpoint"
ADD_NOTICE: Final = "/add-notice"
NOTICES: Final = "/notices"
SIZE_TYPE: Final = "text/x.tlog.size"


def make_app(witness: Witness, prefix: str = "", deadlines: Deadlines | None = None) -> web.Application:
    """The application of a witness."""
    limits = deadlines or Deadlines()

    @web.middleware
    async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await answered(witness.now, request, handler)
        # By the route, not by what was asked for: a line of the log holds nothing a client made up.
        resource = request.match_info.route.resource
        log_event(
            "request",
            method=request.method if request.method in {"GET", "POST"} else "other",
            route="other" if resource is None else resource.canonical.removeprefix(prefix),
            status=response.status,
        )
        return response

    def posted(
        bytes_max: int, answer: Callable[[Witness, bytes], Awaitable[Answer]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            return response_of(await answer(witness, await read_body(request, bytes_max, limits.body)))

        return serve

    async def notices(request: web.Request) -> web.Response:
        if len(request.query) != 1 or "origin" not in request.query:
            raise RefusedError("bad-form", "the query is origin, once, and nothing else")
        return response_of(Answer(200, await witness.notices(request.query["origin"])))

    app = web.Application(middlewares=[errors], client_max_size=BODY_DRAIN_BYTES_MAX)
    ready = expect(witness.now)
    app.router.add_post(
        prefix + ADD_CHECKPOINT, posted(SUBMISSION_BYTES_MAX, _add_checkpoint), expect_handler=ready
    )
    app.router.add_post(prefix + ADD_NOTICE, posted(NOTICE_BYTES_MAX, _add_notice), expect_handler=ready)
    app.router.add_get(prefix + NOTICES, notices, allow_head=False)
    return app


async def _add_checkpoint(witness: Witness, body: bytes) -> Answer:
    try:
        line = await witness.add_checkpoint(body)
    except RefusedError as error:
        if error.code != "old-size-moved":
            raise
        return Answer(409, f"{error.data['size']}\n".encode(), SIZE_TYPE)
    return Answer(200, line.encode(), "text/plain")


async def _add_notice(witness: Witness, body: bytes) -> Answer:
    is_new = await witness.add_notice(body)
    return answer_json({"held": True}, 201 if is_new else 200)
