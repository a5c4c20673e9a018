"""Clients that hold connections and give little: each kind of slowness a server must not suffer from.

As a process of its own, ``python -m tests.dribble PORT COUNT ADDRESSES``, it slows nobody's measuring:
until SIGTERM, or until every socket was closed once; a line of JSON then says how long each kind was held.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import sys
import time

import aiohttp

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
BODY = b"POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{"
SIGNED_BODY = (
    b"PUT /v1/messages/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
    b"Signature-Input: poc=x\r\nSignature: poc=x\r\nContent-Digest: x\r\n\r\n{"
)
# What is sent at once, and then again and again.
KINDS = {
    "nothing": (b"", b""),
    "half a method": (b"GE", b""),
    "a header byte by byte": (b"GET /healthz HTTP/1.1\r\nHost: ", b"x"),
    "header lines one by one": (HEAD, b"A: b\r\n"),
    "a TLS hello that goes on and on": (b"\x16\x03\x01\x02", b"\x00"),
    "a body byte by byte": (BODY, b"a"),
    "a signed body byte by byte": (SIGNED_BODY, b"a"),
    "one request, then nothing": (HEAD + b"\r\n", b""),
    "one request, then half a second": (HEAD + b"\r\n" + HEAD, b""),
}
SECONDS_MAX = 95  # how long a process of them lasts: every deadline of a hub ends before


class Dribblers:
    """So many sockets, the kinds in turn, from so many addresses of this machine; begun anew when closed."""

    def __init__(self, host, port, count, *, addresses=1, again=True, drip_seconds=1.0):
        self.host, self.port, self.again, self.drip_seconds = host, port, again, drip_seconds
        self.opened = self.closed = 0
        self.longest = dict.fromkeys(KINDS, 0.0)
        kinds = list(KINDS)
        self._tasks = [
            asyncio.ensure_future(self._run(kinds[n % len(kinds)], f"127.0.0.{n % addresses + 1}"))
            for n in range(count)
        ]

    async def _run(self, kind, address):
        while True:
            began = time.monotonic()
            with contextlib.suppress(OSError):
                await self._one(kind, address)
                self.longest[kind] = max(self.longest[kind], time.monotonic() - began)
                self.closed += 1
            if not self.again:
                return
            await asyncio.sleep(self.drip_seconds)

    async def _one(self, kind, address):
        first, drip = KINDS[kind]
        reader, writer = await asyncio.open_connection(self.host, self.port, local_addr=(address, 0))
        self.opened += 1
        dripping = asyncio.ensure_future(self._drip(writer, drip))
        try:
            writer.write(first)
            while await reader.read(65536):
                pass
        finally:
            dripping.cancel()
            writer.close()

    async def _drip(self, writer, drip):
        while drip:
            await asyncio.sleep(self.drip_seconds)
            writer.write(drip)

    async def finished(self, seconds):
        """Wait until every socket was closed by the server; how many were not."""
        _, left = await asyncio.wait(self._tasks, timeout=seconds)
        return len(left)

    async def stop(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def honest(address, count, *, pause=0.0, path="/checkpoint", sign=None):
    """The seconds that each of so many requests took, each over a connection of its own.

    ``sign`` gives the headers of a signed one for its path.
    """
    taken = []
    for _ in range(count):
        connector = aiohttp.TCPConnector(force_close=True)
        began = time.perf_counter()
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(address + path, headers=sign(path) if sign else {}) as answer,
        ):
            assert answer.status == 200, answer.status
            await answer.read()
        taken.append(time.perf_counter() - began)
        await asyncio.sleep(pause)
    return sorted(taken)


async def _main(port, count, addresses):
    """Sockets of one address are begun anew when they are closed, those of many are not."""
    slow = Dribblers("127.0.0.1", port, count, addresses=addresses, again=addresses == 1)
    print("begun", flush=True)
    task = asyncio.ensure_future(slow.finished(SECONDS_MAX))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        left = await task
        print(json.dumps({"left": left, "longest": slow.longest}), flush=True)
    await slow.stop()


def p99(taken):
    """The 99th percentile of sorted times."""
    return taken[min(len(taken) - 1, int(len(taken) * 0.99))]


def silent_reader(port, request, times):
    """A socket that asked so often and reads nothing of the answers."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    made.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        made.sendall(request * times)
    return made


if __name__ == "__main__":
    asyncio.run(_main(*map(int, sys.argv[1:4])))
