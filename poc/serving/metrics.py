"""``/metrics`` on a port of its own, the same for the hub and the witness."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from aiohttp import web

from poc.serving.connection import GuardedRunner

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def metrics_runner(text: Callable[[], Awaitable[bytes]], now: Callable[[], datetime]) -> GuardedRunner:
    """Serves what ``text`` gives, in the text format of Prometheus."""

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=await text(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return GuardedRunner(app, now)
