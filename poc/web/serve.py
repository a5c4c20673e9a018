"""Runs a hub as a process: opens its home, listens, stops within 5 seconds of SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from aiohttp import web
from prometheus_client import start_http_server

from poc.config import HubSettings
from poc.core.note import Signer
from poc.core.statement import read_entry, read_statement
from poc.errors import PocError, RefusedError
from poc.hub.clock import system_clock
from poc.hub.hub import Hub
from poc.keyring import Keyring, read_passphrase_file
from poc.logs import log_event, start_logs
from poc.store.sqlite import SqliteStore
from poc.web.app import make_app

_STOP_SECONDS = 3.0


async def serve(settings: HubSettings, port: int) -> None:
    """Serve until SIGTERM or SIGINT. ``port`` 0 takes a free one. Prints its address line first."""
    start_logs(settings.log_level)
    store = await SqliteStore.open(settings.home)
    if store.notice:
        log_event("sqlite", notice=store.notice)
    try:
        hub = await _hub(store, settings)
        await _listen(hub, settings, port)
    finally:
        await store.close()


async def _hub(store: SqliteStore, settings: HubSettings) -> Hub:
    """The loaded hub. One whose log does not prove itself is not started."""
    keyring = await asyncio.to_thread(_unlock, settings.home)
    leaves = await store.read_leaves(0, 1)
    signer = hub_key = None
    if leaves and keyring is not None:
        origin = read_statement(read_entry(leaves[0].data).signed.payload).origin
        signer = next((Signer(origin, key) for key in keyring.by_role("log")), None)
        hub_key = next(iter(keyring.by_role("hub")), None)
    hub = Hub(
        store,
        log_signer=signer,
        hub_key=hub_key,
        now=system_clock,
        clock_confirmed=settings.clock_confirmed,
    )
    await hub.load()
    if hub.log.reason == "no-registry":
        command = f"poc registry init --from F --home {settings.home}"
        log_event("no-registry", next=f"run `{command}`, then start this hub again")
    elif hub.log.reason is not None:
        log_event("read-only", next="the keyring of this home holds no log key of the registry")
    return hub


def _unlock(home: Path) -> Keyring | None:
    passphrase = read_passphrase_file(home)
    if passphrase is None:
        return None
    try:
        return Keyring.unlock(home, passphrase)
    except RefusedError as error:
        if error.code == "no-keyring":
            return None
        raise


async def _listen(hub: Hub, settings: HubSettings, port: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    bound = {"origin": settings.public_origin}
    app = make_app(hub, lambda: bound["origin"])
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=_STOP_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, port).start()
        address = f"http://{settings.host}:{runner.addresses[0][1]}"
        if "public_origin" not in settings.model_fields_set:
            bound["origin"] = address
        if settings.metrics_port is not None:
            start_http_server(settings.metrics_port, settings.metrics_host)
        print(f"listening on {address}", flush=True)  # noqa: T201 (the one line on standard output)
        await stopped.wait()
    finally:
        await runner.cleanup()


def run(settings: HubSettings, port: int) -> int:
    """Serve; the exit code: 0 stopped as asked, else what the error says."""
    try:
        asyncio.run(serve(settings, port))
    except PocError as error:
        log_event("not-started", code=error.code, message=error.message, next=error.next_step)
        return error.exit_code
    return 0
