"""The demo's stage: its folder, the hub as a process of its own, and a desk for each of the cast.

What is played on it stands in ``scenes``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp

from poc.client.filing import PublicKeys
from poc.client.sdk import Desk, now_utc
from poc.demo.cast import PASSPHRASE
from poc.errors import RefusedError, UnreachableError
from poc.keyring import PASSPHRASE_NAME, Keyring, write_private

MARK: Final = ".poc-demo"
ROOT: Final = Path(__file__).resolve().parents[2]
_START_SECONDS: Final = 20.0
_THIS_MACHINE: Final = '["127.0.0.0/8"]'  # where the witnesses of the demo are
_STOP_SECONDS: Final = 8.0
_AT_ONCE: Final = 16

T = TypeVar("T")


def make_folder(folder: Path) -> None:
    """Make the demo's folder anew. Raises ``not-a-demo`` for one that holds anything else."""
    if folder.exists():
        is_demo = (folder / MARK).is_file()
        if not is_demo and (not folder.is_dir() or any(folder.iterdir())):
            raise RefusedError("not-a-demo", str(folder))
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True)
    (folder / MARK).write_text("Made by `make demo`; it is made anew each time.\n")


def make_keys(home: Path, party: str, *roles: str) -> Keyring:
    """A new home with a passphrase file and keys of these roles; ``device`` means two keys."""
    write_private(home / PASSPHRASE_NAME, PASSPHRASE.encode() + b"\n")
    keys = Keyring.create(home, PASSPHRASE)
    for role in roles:
        keys.add_signing(role, party, now_utc(), secrets.token_bytes)
        if role == "device":
            keys.add_sealing(party, now_utc(), secrets.token_bytes)
    keys.save()
    return keys


def public_keys(keys: Keyring, party: str) -> PublicKeys:
    """What the home of a party would export."""
    entries: list[Any] = [entry.key.public for entry in keys.list()]
    uses = [entry.use for entry in keys.list()]
    signing = tuple(key for key, use in zip(entries, uses, strict=True) if use == "sign")
    sealing = tuple(key for key, use in zip(entries, uses, strict=True) if use == "seal")
    return PublicKeys(party, signing, sealing)


@dataclass(frozen=True, slots=True)
class Server:
    """A hub or a witness, running: its process and its address."""

    process: asyncio.subprocess.Process
    url: str

    async def stop(self) -> None:
        """Let it fall silent."""
        await _stop(self.process)


def running_hub(home: Path, port: int) -> AbstractAsyncContextManager[Server]:
    """``server.py`` on a home, stopped at the end. Raises ``hub-unreachable`` if it does not start."""
    words = (str(ROOT / "server.py"), "--home", str(home), "--port", str(port))
    return _running(home, "hub.log", *words, POC_ALLOW_NETWORKS=_THIS_MACHINE)


def running_witness(home: Path) -> AbstractAsyncContextManager[Server]:
    """``poc witness run`` on a home, stopped at the end. Raises as :func:`running_hub`."""
    words = ("-m", "poc.cli.main", "--home", str(home), "witness", "run", "--port", "0")
    return _running(home, "witness.log", *words)


@asynccontextmanager
async def _running(home: Path, log_name: str, *words: str, **settings: str) -> AsyncIterator[Server]:
    with (home / log_name).open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("POC_")} | settings,
        )  # fmt: skip
    try:
        yield Server(process, await _address(process, home / log_name))
    finally:
        await _stop(process)


async def _address(process: asyncio.subprocess.Process, log: Path) -> str:
    """What a server says on its one line of output: ``listening on URL``."""
    if process.stdout is None:
        raise UnreachableError("hub-unreachable", "no output")
    try:
        async with asyncio.timeout(_START_SECONDS):
            line = (await process.stdout.readline()).decode().strip()
    except TimeoutError:
        line = ""
    if not line.startswith("listening on "):
        raise UnreachableError("hub-unreachable", f"it did not start; see {log}")
    return line.removeprefix("listening on ")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


class Desks:
    """The desks of the cast, each at its own home, in one process; every keyring unlocked once.

    A home is named as its party, but for that of a second device.
    """

    def __init__(self, folder: Path, http: aiohttp.ClientSession) -> None:
        self._folder = folder
        self._http = http
        self._keys: dict[str, Keyring] = {}
        self._open: dict[str, Desk] = {}
        self._parties: dict[str, str] = {}

    def __getitem__(self, name: str) -> Desk:
        return self._open[name]

    @property
    def all(self) -> list[Desk]:
        """Every desk, sorted by the name of its home."""
        return [self._open[name] for name in sorted(self._open)]

    def home(self, name: str) -> Path:
        """The folder of a home."""
        return self._folder / name

    def keys(self, name: str) -> Keyring:
        """The unlocked keyring of a home."""
        return self._keys[name]

    def public(self, name: str) -> PublicKeys:
        """What a home hands over for an enrolment or nomination of its party."""
        return public_keys(self._keys[name], self._parties[name])

    async def make(self, homes: Sequence[tuple[str, str, str]], told: Callable[[int], None]) -> None:
        """Make homes with keys, of (name, party, role)."""

        async def one(named: tuple[str, str, str]) -> None:
            name, party, role = named
            self._keys[name] = await asyncio.to_thread(make_keys, self.home(name), party, role)
            self._parties[name] = party

        await each(homes, one, told)

    async def join(self, url: str, fingerprint: str, told: Callable[[int], None]) -> None:
        """Join every home to the registry."""

        async def one(name: str) -> None:
            party = self._parties[name]
            desk = await Desk.join(self.home(name), url, fingerprint, party=party, http=self._http)
            desk.use_keyring(self._keys[name])
            self._open[name] = desk

        await each(sorted(self._keys), one, told)

    async def sync(self, names: Iterable[str], told: Callable[[int], None]) -> None:
        """Sync these desks."""

        async def one(name: str) -> None:
            await self._open[name].sync()

        await each(list(names), one, told)

    async def close(self) -> None:
        """Close every desk."""
        for desk in self._open.values():
            await desk.close()


async def each(items: Sequence[T], act: Callable[[T], Awaitable[None]], told: Callable[[int], None]) -> None:
    """Do something for every item, a few at once, and tell how many are done."""
    gate, done = asyncio.Semaphore(_AT_ONCE), 0

    async def one(item: T) -> None:
        nonlocal done
        async with gate:
            await act(item)
        done += 1
        told(done)

    async with asyncio.TaskGroup() as group:
        for item in items:
            group.create_task(one(item))
