"""The guard over every call to a URL that others gave (R28): strictly read, resolved once, pinned, bounded.

A name is resolved once for a connection; where one of its addresses may not be called, none is. Each socket
is judged again as it is opened, by the very address it connects to, so that whatever came before cannot
lead elsewhere. Redirects are not followed, proxies of the environment are not used, cookies are not kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from poc.errors import RefusedError, UnreachableError
from poc.outgoing.addresses import Network, is_allowed, read_url

Resolve: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]
_RESOLVING_MAX: Final = 8


class SystemResolver:
    """Asks the machine's resolver, in threads of its own: a slow one holds up nothing else, nor the exit.

    A thread keeps its place until it is answered, whether anybody still waits for it or not.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_RESOLVING_MAX)

    async def __call__(self, host: str) -> Sequence[str]:
        """The addresses of a name, each once. Raises ``OSError``."""
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Sequence[str] | OSError] = loop.create_future()

        def end(answer: Sequence[str] | OSError) -> None:
            self._places.release()
            if not found.done():
                found.set_result(answer)

        def ask() -> None:
            answer = _addresses_of(host)
            with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
                loop.call_soon_threadsafe(end, answer)

        threading.Thread(target=ask, name="resolve", daemon=True).start()
        answer = await found
        if isinstance(answer, OSError):
            raise answer
        return answer


def _addresses_of(host: str) -> Sequence[str] | OSError:
    try:
        rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    return tuple(dict.fromkeys(str(row[4][0]) for row in rows))


class Outgoing:
    """Opens sessions whose every connection is judged.

    ``allowed``: networks that may be called although they are not public; none by default.
    """

    def __init__(self, allowed: Sequence[Network] = (), resolve: Resolve | None = None) -> None:
        self.allowed = tuple(allowed)
        self._given = resolve
        self._resolve = resolve or SystemResolver()

    def apart(self) -> Outgoing:
        """The same rules with places of its own to resolve names: a slow name here delays none there."""
        return Outgoing(self.allowed, self._given)

    def session(self, seconds: float, *, public: bool = True) -> aiohttp.ClientSession:
        """A session for :func:`exchange`, to be closed by the caller; one exchange takes ``seconds`` at most.

        Without ``public`` only the configured networks may be called.
        """

        def check(address: str) -> None:
            if not is_allowed(address, self.allowed, public=public):
                raise RefusedError("address-not-allowed")

        def open_socket(info: tuple[Any, ...]) -> socket.socket:
            check(str(info[4][0]))
            return socket.socket(family=info[0], type=info[1], proto=info[2])

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=_Judged(self._resolve, check),
                use_dns_cache=False,
                socket_factory=open_socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=seconds),
            auto_decompress=False,
            trust_env=False,
        )


class _Judged(AbstractResolver):
    """Resolves a name once, and gives its addresses only if every one of them may be called."""

    def __init__(self, resolve: Resolve, check: Callable[[str], None]) -> None:
        self._resolve = resolve
        self._check = check

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises ``OSError``, ``address-not-allowed``."""
        addresses = await self._resolve(host)
        for address in addresses:
            self._check(address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
            if family in {socket.AF_UNSPEC, socket.AF_INET6 if ":" in address else socket.AF_INET}
        ]

    async def close(self) -> None:
        """Nothing is held."""


async def exchange(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    answer_bytes_max: int,
) -> tuple[int, bytes]:
    """One request and its answer: the status, and the whole body, undecoded. A redirect is an answer.

    ``http`` is a session of :class:`Outgoing`. Raises ``bad-url``, ``address-not-allowed``, and
    ``call-failed`` where nobody answers as HTTP does, too late, or at too great a length.
    """
    target = URL(read_url(url).url, encoded=True)
    try:
        async with http.request(method, target, data=body, headers=headers, allow_redirects=False) as answer:
            return answer.status, await _read(answer, answer_bytes_max)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise UnreachableError("call-failed", type(error).__name__) from None


async def _read(answer: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    """The whole body. Raises ``ValueError`` for one that is longer than it may be."""
    data = bytearray()
    async for chunk in answer.content.iter_any():
        data += chunk
        if len(data) > bytes_max:
            raise ValueError("too long an answer")
    return bytes(data)
