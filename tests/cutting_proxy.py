"""A line that breaks: forwards whole requests to the hub and drops the answers that a test says.

The hub has committed by the time the first byte of its answer is here.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class CuttingProxy:
    """``cut`` is which requests lose their answer, as ``METHOD /path``; ``keep`` how many bytes come through.

    ``dropped`` are the statuses of the answers that were lost.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.cut: re.Pattern[str] | None = None
        self.keep = 0
        self.dropped: list[int] = []
        self.origin = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[CuttingProxy]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hub_reader, hub_writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    request = await _message(reader)
                    hub_writer.write(request)
                    answer = await _message(hub_reader)
                    if self._is_cut(request):
                        self.dropped.append(int(answer.split(b" ")[1]))
                        writer.write(answer[: self.keep])
                        break
                    writer.write(answer)
        finally:
            writer.close()
            hub_writer.close()

    def _is_cut(self, request: bytes) -> bool:
        line = " ".join(request.split(b"\r\n", 1)[0].decode().split(" ")[:2])
        return self.cut is not None and self.cut.fullmatch(line) is not None


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request or answer, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")
