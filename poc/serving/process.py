"""A server as a process: its keyring opened without asking, its socket, the signal that ends it."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
from pathlib import Path

from aiohttp import web

from poc.errors import RefusedError, UnreachableError
from poc.keyring import KEYRING_NAME, Keyring, read_passphrase_file
from poc.limits import BACKLOG_MAX, CONNECTIONS_MAX, DESCRIPTORS_KEPT
from poc.logs import log_event
from poc.serving.tls import Tls


def stop_asked() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


def connections_max() -> int:
    """How many connections this process may hold, after raising its limit of open files as far as it may.

    Raises ``too-few-descriptors``.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + DESCRIPTORS_KEPT
    if soft < wanted:
        soft = min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    most = min(CONNECTIONS_MAX, soft - DESCRIPTORS_KEPT)
    if most < DESCRIPTORS_KEPT:
        raise RefusedError("too-few-descriptors", f"{soft}; {wanted} are good")
    if most < CONNECTIONS_MAX:
        log_event("few-descriptors", connections=most, next="raise the limit of open files: LimitNOFILE")
    return most


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
        context = None if tls is None else tls.context
        await web.TCPSite(runner, host, port, ssl_context=context, backlog=BACKLOG_MAX).start()
    except OSError as error:
        raise UnreachableError("cannot-listen", f"{host}:{port}: {error.strerror}") from None
    shown = f"[{host}]" if ":" in host else host
    if tls is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, tls.reload)
    return f"{'http' if tls is None else 'https'}://{shown}:{runner.addresses[0][1]}"
