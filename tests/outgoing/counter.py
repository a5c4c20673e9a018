"""Sockets that count who connects, and a resolver that answers what a test says: for R28."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager


class Counter:
    """A server that counts connections and answers each request the same; at 0, no packet came."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok") -> None:
        self.answer = answer
        self.connections = 0
        self.requests: list[bytes] = []
        self.port = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def on(self, host: str = "127.0.0.1", port: int = 0):
        server = await asyncio.start_server(self._serve, host, port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()


class Names:
    """A resolver whose answers follow each other; the last one stays. ``asked`` counts."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers = answers
        self.asked = 0

    async def __call__(self, _host: str) -> tuple[str, ...]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]
