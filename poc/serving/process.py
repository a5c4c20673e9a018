"""A server as a process: its keyring opened without asking, its socket, the signal that ends it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

from aiohttp import web

from poc.errors import RefusedError, UnreachableError
from poc.keyring import KEYRING_NAME, Keyring, read_passphrase_file
from poc.serving.tls import Tls


def stop_asked() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


def unlock(home: Path) -> Keyring | None:
    """The keyring of the home, None where there is none; never prompts.

    Raises ``no-passphrase``, ``wrong-passphrase``, ``bad-keyring``.
    """
    if not (home / KEYRING_NAME).exists():
        return None
    passphrase = read_passphrase_file(home)
    if passphrase is None:
        raise RefusedError("no-passphrase", str(home))
    return Keyring.unlock(home, passphrase)


async def listen(
    stack: contextlib.AsyncExitStack, runner: web.AppRunner, host: str, port: int, tls: Tls | None = None
) -> str:
    """Listen until the stack ends; the address. With ``tls`` SIGHUP reads its files anew.

    Raises ``cannot-listen``.
    """
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, host, port, ssl_context=None if tls is None else tls.context).start()
    except OSError as error:
        raise UnreachableError("cannot-listen", f"{host}:{port}: {error.strerror}") from None
    shown = f"[{host}]" if ":" in host else host
    if tls is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, tls.reload)
    return f"{'http' if tls is None else 'https'}://{shown}:{runner.addresses[0][1]}"
