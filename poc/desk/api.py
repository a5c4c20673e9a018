"""The loopback API: programs of the same machine read what this home has verified. It changes nothing.

It listens on 127.0.0.1 alone and asks for a bearer token from a file of mode 0600, since other users share
loopback; it refuses every ``Host`` but its own and whatever a browser's page sends, since a name that is
made to point here shares loopback too. No key is opened for it: it knows no content of a message.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from poc.client.lookup import Query
from poc.core.strictjson import format_time
from poc.errors import RefusedError
from poc.keyring import write_private
from poc.serving.answer import answer_json
from poc.serving.connection import GuardedRunner
from poc.serving.process import listen
from poc.serving.requests import Handler, answered, read_body, response_of

if TYPE_CHECKING:
    from poc.client.sdk import Desk

HOST: Final = "127.0.0.1"
TOKEN_NAME: Final = "api.token"  # noqa: S105 (the name of the file)
_TOKEN_CHARS_MIN: Final = 32
_PAGE_HEADERS: Final = ("Origin", "Sec-Fetch-Site", "Access-Control-Request-Method")
_BODY_SECONDS_MAX: Final = 5

Read = Callable[["Desk", web.Request], Any]


def read_token(home: Path) -> str:
    """The token of a home, made at the first call. Raises ``bad-setting`` for a file others can read."""
    path = home / TOKEN_NAME
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode() + b"\n")
    if path.stat().st_mode & 0o077:
        raise RefusedError("bad-setting", f"{TOKEN_NAME}: others can read it; run `chmod 600` on it")
    token = path.read_text(encoding="utf-8", errors="replace").strip()
    if len(token) < _TOKEN_CHARS_MIN or not token.isascii():
        raise RefusedError("bad-setting", f"{TOKEN_NAME}: no token; delete it and start again")
    return token


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may ask: with this token, at one of these hosts."""

    token: str
    hosts: frozenset[str]

    def check(self, headers: Mapping[str, str]) -> None:
        """Return only if a request may be answered. Raises ``wrong-host``, ``no-token``."""
        if headers.get("Host") not in self.hosts or any(name in headers for name in _PAGE_HEADERS):
            raise RefusedError("wrong-host")
        expected = f"Bearer {self.token}".encode()
        given = headers.get("Authorization", "").encode(errors="surrogateescape")
        if not hmac.compare_digest(expected, given):
            raise RefusedError("no-token")


def make_app(desk: Desk, guard: Callable[[], Guard], now: Callable[[], datetime]) -> web.Application:
    """The application; ``guard`` is asked at each request, for the port is known only once it listens."""
    one_at_a_time = asyncio.Lock()

    @web.middleware
    async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
        async def call(request: web.Request) -> web.StreamResponse:
            guard().check(request.headers)
            return await handler(request)

        return await answered(now, request, call)

    def serve(read: Read) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            await read_body(request, 0, _BODY_SECONDS_MAX)
            async with one_at_a_time:
                desk.known.catch_up()  # what `poc sync` or the responder verified meanwhile
                return response_of(answer_json(read(desk, request)))

        return answer

    app = web.Application(middlewares=[checked])
    for path, read in _ROUTES.items():
        app.router.add_get(path, serve(read), allow_head=False)
    return app


async def serve(desk: Desk, port: int, stopped: asyncio.Event, told: Callable[[str], None]) -> None:
    """Serve until ``stopped``; ``told`` is given the address. Port 0 takes a free one.

    Raises ``cannot-listen``, ``bad-setting`` (the token).
    """
    token = read_token(desk.home)
    hosts: set[str] = set()
    async with contextlib.AsyncExitStack() as stack:
        app = make_app(desk, lambda: Guard(token, frozenset(hosts)), desk.known.now)
        address = await listen(stack, GuardedRunner(app, desk.known.now), HOST, port)
        bound = address.rpartition(":")[2]
        hosts |= {f"{HOST}:{bound}", f"localhost:{bound}"}
        told(address)
        await stopped.wait()


def _registry(desk: Desk, request: web.Request) -> Any:
    _only(request, set())
    directory, head = desk.directory, desk.known.trust.value("head")
    return {
        "origin": directory.origin,
        "fingerprint": directory.fingerprint,
        "entries": directory.size,
        "as_of": format_time(desk.as_of),
        "cosigned_at": None if desk.known.cosigned_at is None else format_time(desk.known.cosigned_at),
        "synced": head is not None,
        "party": desk.party,
        "warnings": desk.warnings(),
    }


def _lookup(desk: Desk, request: web.Request) -> Any:
    asked = _only(request, {"text", "state", "role", "language", "reachable_now"})
    reachable = asked.pop("reachable_now", "0")
    if reachable not in ("0", "1"):
        raise RefusedError("bad-form", "reachable_now is 0 or 1")
    found = desk.lookup(Query(**asked, reachable_now=reachable == "1"))
    return {**found.to_json(), "warnings": desk.warnings()}


def _contact(desk: Desk, request: web.Request) -> Any:
    _only(request, set())
    contact = desk.directory.contact(request.match_info["id"])
    found = desk.lookup(Query(contact=contact.id))
    return {**found.to_json(), "warnings": desk.warnings()}


def _inbox(desk: Desk, request: web.Request) -> Any:
    _only(request, set())
    return {"messages": desk.inbox(), "warnings": desk.warnings()}


_ROUTES: Final[dict[str, Read]] = {
    "/registry": _registry,
    "/lookup": _lookup,
    "/contacts/{id}": _contact,
    "/inbox": _inbox,
}


def _only(request: web.Request, names: set[str]) -> dict[str, Any]:
    """The query, which may hold these names once each. Raises ``bad-form``."""
    if set(request.query) - names or len(request.query) != len(set(request.query)):
        raise RefusedError("bad-form", f"the query may hold {', '.join(sorted(names)) or 'nothing'}")
    return dict(request.query)
