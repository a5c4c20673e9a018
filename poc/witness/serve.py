"""Runs a witness as a process: opens its home, listens, stops within 5 seconds of SIGTERM. Never prompts."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from poc.config import WitnessSettings
from poc.core.checkpoint import Cosigner
from poc.errors import RefusedError
from poc.keyring import Keyring
from poc.logs import log_event
from poc.serving.connection import GuardedRunner
from poc.serving.process import listen, stop_asked, unlock
from poc.witness.app import make_app
from poc.witness.store import WitnessStore
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
        RefusedError: ``not-a-witness``, ``no-witness-key``, what the keyring or the record is refused for.
        UnreachableError: ``cannot-listen``, ``storage-failed``.
    """
    stopped = stop_asked()
    check_home(settings.home)
    cosigner = _cosigner(unlock(settings.home))
    async with contextlib.AsyncExitStack() as stack:
        store = await WitnessStore.open(settings.home)
        stack.push_async_callback(store.close)
        if store.notice:
            log_event("sqlite", notice=store.notice)
        witness = Witness(store, cosigner, _clock)
        runner = GuardedRunner(make_app(witness, settings.prefix), witness.now)
        address = await listen(stack, runner, settings.host, port)
        log_event("ready", logs=len(await store.logs()))
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


def _clock() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
