"""Runs a hub as a process: opens its home, listens, stops within 5 seconds of SIGTERM.

What cannot be mended by waiting stops the start with its code; a log that does not prove itself does
not: the hub then answers, shows nothing of it, and says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from functools import partial
from importlib.metadata import version
from pathlib import Path

from poc.config import HubSettings
from poc.core.note import Signer
from poc.core.statement import read_entry, read_statement
from poc.errors import FaultError, PocError, RefusedError
from poc.hub.audit import DONE
from poc.hub.clock import Clock, SteadyClock
from poc.hub.hub import Hub
from poc.hub.sending import Channels
from poc.keyring import Keyring
from poc.logs import log_event, start_logs
from poc.outgoing.calls import Outgoing
from poc.outgoing.mail import check_mail_settings
from poc.serving.addresses import Proxies
from poc.serving.connection import GuardedRunner
from poc.serving.crowd import Crowd
from poc.serving.metrics import metrics_runner
from poc.serving.process import connections_max, listen, stop_asked, unlock
from poc.serving.tls import Tls
from poc.store.sqlite import SqliteStore
from poc.web.app import make_app

_DESK_FILES = ("trust.db",)


def check_home(home: Path) -> None:
    """Return only if the folder may be a hub's home. Raises ``not-a-hub``."""
    if not home.is_dir():
        raise RefusedError("not-a-hub", f"{home} is no folder")
    desk = next((name for name in _DESK_FILES if (home / name).exists()), None)
    if desk is not None:
        raise RefusedError("not-a-hub", f"{home} holds {desk}: it is a desk's home")


async def serve(settings: HubSettings, port: int) -> None:
    """Serve until SIGTERM or SIGINT. ``port`` 0 takes a free one. Prints its address line once loaded.

    Raises ``too-few-descriptors``, what the store, the keyring or the socket is refused for.
    """
    stopped = stop_asked()
    tls = _tls(settings)
    most = connections_max()
    keyring = await asyncio.to_thread(unlock, settings.home)
    async with contextlib.AsyncExitStack() as stack:
        store = await SqliteStore.open(settings.home)
        stack.push_async_callback(store.close)
        if store.notice:
            log_event("sqlite", notice=store.notice)
        clock = SteadyClock()
        hub = await _hub(store, settings, keyring, clock)
        hub.witnesses.on_cosigned = clock.confirm
        store.writer.on_commit = hub.metrics.commit
        if settings.metrics_port is not None:
            metrics = metrics_runner(partial(_metrics, hub), hub.now)
            await listen(stack, metrics, settings.metrics_host, settings.metrics_port)
        bound = {"origin": settings.public_origin}
        proxies = Proxies.of(settings.trusted_proxies)
        crowd = Crowd(most=most, proxies=proxies, told=hub.metrics.connection_ended)
        hub.metrics.connections_open.set_function(lambda: len(crowd))
        runner = GuardedRunner(make_app(hub, lambda: bound["origin"], proxies=proxies), hub.now, crowd=crowd)
        address = await listen(stack, runner, settings.host, port, tls)
        if "public_origin" not in settings.model_fields_set:
            bound["origin"] = address
        async with asyncio.TaskGroup() as group:
            loading = group.create_task(_load(hub, settings, address), name="load")
            await stopped.wait()
            loading.cancel()
    log_event("stopped")


def _tls(settings: HubSettings) -> Tls | None:
    """What the hub speaks TLS with itself, None behind a proxy. Raises ``bad-setting``, ``bad-tls``."""
    if settings.tls_certificate is None and settings.tls_key is None:
        return None
    if settings.tls_certificate is None or settings.tls_key is None:
        raise RefusedError("bad-setting", "tls_certificate and tls_key go together")
    return Tls.load(settings.home / settings.tls_certificate, settings.home / settings.tls_key)


async def _load(hub: Hub, settings: HubSettings, address: str) -> None:
    """Read and prove the log, then say so. Raises what only another keyring or disk can mend."""
    await hub.load()
    error = hub.reason
    await _record_start(hub, settings, error)
    if error is not None and error.code in {"no-log-key", "no-hub-key"}:
        raise error
    if error is None:
        log_event("ready", entries=hub.log.view.directory.size)
    elif error.code == "no-registry":
        command = f"poc registry init --from F --home {settings.home}"
        log_event("no-registry", next=f"run `{command}`, then start this hub again")
    else:
        log_event("read-only", code=error.code, message=error.message, next=error.next_step)
    print(f"listening on {address}", flush=True)  # noqa: T201 (the one line on standard output)


async def _record_start(hub: Hub, settings: HubSettings, error: PocError | None) -> None:
    """Leave in the audit trail that, how and with what outcome the operator started the hub."""
    action = "start-clock-confirmed" if settings.clock_confirmed else "start"
    await hub.audit.record(action, DONE if error is None else error.code)
    for witness in settings.disregard_witness:
        await hub.audit.record("witness-disregarded", subject=witness)


async def _hub(store: SqliteStore, settings: HubSettings, keyring: Keyring | None, clock: Clock) -> Hub:
    """The hub with its keys, not yet loaded."""
    leaves = await store.read_leaves(0, 1)
    signer = hub_key = None
    if leaves and keyring is not None:
        with contextlib.suppress(RefusedError):  # an unreadable genesis is what the load says
            origin = read_statement(read_entry(leaves[0].data).signed.payload).origin
            signer = next((Signer(origin, key) for key in reversed(keyring.by_role("log"))), None)
            hub_key = next(reversed(keyring.by_role("hub")), None)
    hub = Hub(
        store,
        log_signer=signer,
        hub_key=hub_key,
        now=clock,
        clock_confirmed=settings.clock_confirmed,
        disregarded=settings.disregard_witness,
        home=settings.home,
        channels=_channels(settings),
    )
    hub.metrics.build.info({"version": version("poc"), "sqlite": sqlite3.sqlite_version})
    return hub


def _channels(settings: HubSettings) -> Channels:
    """What the operator lets the hub call. Raises ``bad-setting``, ``mail-not-set``."""
    if settings.mail_server is not None:
        check_mail_settings(settings)
    return Channels(
        Outgoing(settings.allow_networks),
        settings if settings.mail_server is not None else None,
        frozenset(settings.webhook_hosts),
    )


async def _metrics(hub: Hub) -> bytes:
    await hub.refresh_metrics()
    return hub.metrics.text()


def run(settings: HubSettings, port: int) -> int:
    """Serve; the exit code: 0 stopped as asked, else what the error says."""
    start_logs(settings.log_level)
    try:
        asyncio.run(serve(settings, port))
    except (PocError, BaseExceptionGroup) as error:
        return not_started(_first(error))
    return 0


def not_started(error: PocError) -> int:
    """Say on one line why the hub did not start, or ended; the exit code."""
    log_event("not-started", code=error.code, message=error.message, next=error.next_step)
    return error.exit_code


def _first(error: BaseException) -> PocError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, PocError) else FaultError("fault", type(error).__name__)
