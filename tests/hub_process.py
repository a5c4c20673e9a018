"""A hub as a real process: its home made ready, its server started, stopped or killed; signed requests.

A registry made here is dated by the machine's clock, because the process has no other.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from poc.core.httpsig import sign_request
from poc.core.strictjson import b64u, canonical
from poc.hub.log import found
from poc.keyring import KeyEntry, Keyring
from poc.store.sqlite import SqliteStore
from tests import registry as registry_module
from tests.registry import ORIGIN, Registry, log_signer, signing_key

ROOT = Path(__file__).resolve().parents[1]
PASSPHRASE = "correct horse battery"


@contextmanager
def real_time() -> Iterator[datetime]:
    """While it lasts, the test registry begins a minute ago instead of at its fixed date."""
    before = registry_module.START
    registry_module.START = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    try:
        yield registry_module.START
    finally:
        registry_module.START = before


def make_home(home: Path, registry: Registry, *, roles: tuple[str, ...] = ("log", "hub")) -> None:
    """Found the registry's log in a home that has the keys of these roles."""
    home.mkdir(exist_ok=True)
    asyncio.run(_found(home, registry))
    write_keyring(home, roles)


async def _found(home: Path, registry: Registry) -> None:
    store = await SqliteStore.open(home)
    first = registry.entries[0]
    await found(store, first.signed, log_signer(), first.logged_at)
    await store.close()


def write_keyring(home: Path, roles: tuple[str, ...]) -> None:
    """A keyring with the test keys of these roles, and the file with its passphrase."""
    keyring = Keyring.create(home, PASSPHRASE)
    for role in roles:
        key = signing_key(role)
        keyring._add(KeyEntry(key.kid, "sign", role, ORIGIN, registry_module.START, None, key))
    keyring.save()
    (home / "passphrase").write_text(PASSPHRASE + "\n", encoding="utf-8")
    (home / "passphrase").chmod(0o600)


class HubProcess:
    """A started server. ``errors`` is what it wrote to standard error so far."""

    def __init__(self, home: Path, *options: str, port: int = 0) -> None:
        command = [
            sys.executable,
            str(ROOT / "server.py"),
            "--home",
            str(home),
            "--port",
            str(port),
            *options,
        ]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "POC_ALLOW_NETWORKS": '["127.0.0.0/8"]'},
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self.process.stdout
        self.address = self.process.stdout.readline().removeprefix("listening on ").strip()
        self.origin = self.address

    def _read(self) -> None:
        assert self.process.stderr
        self._lines.extend(self.process.stderr)

    @property
    def errors(self) -> str:
        return "".join(self._lines)

    def stop(self) -> tuple[int, float]:
        """Ask it to stop: its exit code and how many seconds that took."""
        began = time.monotonic()
        self.process.terminate()
        return self.wait(10), time.monotonic() - began

    def kill(self) -> None:
        """End it without warning."""
        self.process.kill()
        self.wait(10)

    def wait(self, seconds: float) -> int:
        """Its exit code, once it has ended."""
        try:
            code = self.process.wait(seconds)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        self._reader.join()
        assert self.process.stdout
        assert self.process.stderr
        self.process.stdout.close()
        self.process.stderr.close()
        return code


@contextmanager
def running(home: Path, *options: str) -> Iterator[HubProcess]:
    """A hub that is stopped at the end, if it has not ended before."""
    hub = HubProcess(home, *options)
    try:
        yield hub
    finally:
        if hub.process.poll() is None:
            hub.stop()
        elif not hub.process.stdout.closed:  # type: ignore[union-attr]
            hub.wait(1)


def ended(home: Path, *options: str, cwd: Path = ROOT) -> tuple[int, str]:
    """Start a hub that must end by itself: its exit code and its standard error. Port 0 unless given."""
    port = () if "--port" in options else ("--port", "0")
    command = [sys.executable, str(ROOT / "server.py"), "--home", str(home), *port, *options]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


async def ask(session, hub, method, path, body=b"", *, who=None, headers=None):
    """(status, JSON or bytes) of a request to a process, signed now as ``who``."""
    data = body if isinstance(body, bytes) else canonical(body)
    named = dict(headers or {})
    if who is not None:
        now, nonce = datetime.now(UTC).replace(microsecond=0), b64u(os.urandom(16))
        named |= sign_request(method, hub.origin + path, data, signing_key(who), now, nonce)
    timeout = aiohttp.ClientTimeout(total=20)
    async with session.request(
        method, hub.address + path, data=data, headers=named, timeout=timeout
    ) as answer:
        if answer.content_type == "text/event-stream":  # it does not end by itself
            return answer.status, b""
        if answer.content_type.endswith("json"):
            return answer.status, await answer.json(content_type=None)
        return answer.status, await answer.read()
