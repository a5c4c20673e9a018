"""Runs a witness as a process: opens its home, listens, stops within 5 seconds of SIGTERM. Never prompts."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import aiohttp

from poc.client.api import HubClient
from poc.config import WitnessSettings
from poc.core.checkpoint import Cosigner
from poc.core.keys import SigningKey
from poc.errors import RefusedError
from poc.keyring import Keyring
from poc.logs import log_event
from poc.serving.connection import GuardedRunner
from poc.serving.crowd import Crowd
from poc.serving.metrics import metrics_runner
from poc.serving.process import connections_max, listen, stop_asked, unlock
from poc.witness.app import make_app
from poc.witness.store import WatchedLog, WitnessStore
from poc.witness.witness import Witness

ROLE: Final = "witness"
_OTHERS: Final = ("hub.db", "trust.db")


def check_home(home: Path) -> None:
    """Return only if the folder may be a witness's home.

    A witness that shares a machine with the log it watches watches little; one that shares its folder,
    nothing. Raises ``not-a-witness``.
    """
    if not home.is_dir():
        raise RefusedError("not-a-witness", f"{home} is no folder")
    other = next((name for name in _OTHERS if (home / name).exists()), None)
    if other is not None:
        raise RefusedError("not-a-witness", f"{home} holds {other}")


async def serve(settings: WitnessSettings, port: int) -> None:
    """Serve until SIGTERM or SIGINT. ``port`` 0 takes a free one. Prints its address line once it listens.

    Raises:
        RefusedError: ``too-few-descriptors``, ``not-a-witness``, ``no-witness-key``, ``rules-not-checked``,
            what the keyring or the record is refused for.
        UnreachableError: ``cannot-listen``, ``storage-failed``.
    """
    stopped = stop_asked()
    most = connections_max()
    check_home(settings.home)
    cosigner = _cosigner(unlock(settings.home))
    async with contextlib.AsyncExitStack() as stack:
        store = await WitnessStore.open(settings.home)
        stack.push_async_callback(store.close)
        if store.notice:
            log_event("sqlite", notice=store.notice)
        logs = await store.logs()
        if settings.check_rules:
            _check_pinned(logs)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        witness = Witness(store, cosigner, _clock, _hub_at(http, cosigner.key))
        await witness.load()
        if settings.metrics_port is not None:
            metrics = metrics_runner(partial(_metrics, witness), witness.now)
            await listen(stack, metrics, settings.metrics_host, settings.metrics_port)
        runner = GuardedRunner(make_app(witness, settings.prefix), witness.now, crowd=Crowd(most=most))
        address = await listen(stack, runner, settings.host, port)
        log_event("ready", logs=len(logs))
        print(f"listening on {address}{settings.prefix}", flush=True)  # noqa: T201 (the one line it prints)
        await stopped.wait()
    log_event("stopped")


def _cosigner(keyring: Keyring | None) -> Cosigner:
    """The newest witness key, named as its party. Raises ``no-witness-key``."""
    entries = () if keyring is None else keyring.list()
    for entry in reversed(entries):
        if entry.role == ROLE and entry.retired_at is None and keyring is not None:
            return Cosigner(entry.party, keyring.signing(entry.kid))
    raise RefusedError("no-witness-key")


def _check_pinned(logs: Sequence[WatchedLog]) -> None:
    """Return only if the rules of every log are checked. Raises ``rules-not-checked``."""
    for log in logs:
        if log.pinned is None:
            raise RefusedError("rules-not-checked", log.origin)


def _hub_at(http: aiohttp.ClientSession, key: SigningKey) -> Callable[[str], HubClient]:
    """The way to a hub, whose requests the witness signs with the key it cosigns with."""
    return lambda address: HubClient(address, http, (key,), _clock, secrets.token_bytes)


async def _metrics(witness: Witness) -> bytes:
    await witness.refresh_metrics()
    return witness.metrics.text()


def _clock() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
