"""A desk's home: its folder, its settings file and the lock that writing commands hold.

Which settings there are stands in ``poc.config``; what is kept of the registry in ``trust``.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from poc.client.trust import Trust
from poc.config import CONFIG_NAME, DeskSettings, load_desk_settings
from poc.errors import RefusedError
from poc.keyring import write_private

TRUST_NAME: Final = "trust.db"
LOCK_NAME: Final = "desk.lock"
LOCK_SECONDS_MAX: Final = 5.0
_LOCK_STEP_SECONDS: Final = 0.05


def create_home(
    home: Path,
    *,
    hub_url: str,
    origin: str,
    fingerprint: str,
    party: str | None,
    ca_file: Path | None = None,
) -> DeskSettings:
    """Write the settings of a new desk and give them back. Raises ``home-exists``, ``bad-setting``.

    They are checked before anything is written. The same again is fine for a
    home whose making was interrupted before its ``trust.db`` was in place.
    """
    values = {"hub_url": hub_url, "origin": origin, "fingerprint": fingerprint, "party": party}
    values["hub_ca_file"] = None if ca_file is None else str(ca_file.absolute())
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in values.items() if value is not None]
    text, path = "".join(lines).encode(), home / CONFIG_NAME
    check_no_desk(home)
    if path.exists() and path.read_bytes() != text:
        raise RefusedError("home-exists", str(home))
    load_desk_settings(home, **values)
    write_private(path, text)
    return load_desk_settings(home)


def check_no_desk(home: Path) -> None:
    """Return only if the folder is no desk's home yet; it may hold keys. Raises ``home-exists``."""
    if (home / TRUST_NAME).exists():
        raise RefusedError("home-exists", str(home))


def create_trust(home: Path, genesis: bytes) -> None:
    """Put a ``trust.db`` that holds the genesis in place, whole or not at all."""
    part = home / f"{TRUST_NAME}.part"
    for leftover in home.glob(f"{TRUST_NAME}.part*"):
        leftover.unlink()
    trust = Trust(part, create=True)
    with trust.transaction():
        trust.add_entries(0, [genesis], b"")
        trust.drop_value("head")
    trust.close()
    part.replace(home / TRUST_NAME)


def open_home(home: Path) -> DeskSettings:
    """The settings of a desk's home. Raises ``not-a-desk``, or as :func:`load_desk_settings`."""
    if not (home / CONFIG_NAME).is_file() or not (home / TRUST_NAME).is_file():
        raise RefusedError("not-a-desk", str(home))
    return load_desk_settings(home)


@asynccontextmanager
async def locked(home: Path) -> AsyncIterator[None]:
    """Hold the home for writing; waits up to five seconds. Raises ``home-in-use``."""
    descriptor = os.open(home / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        await _take(descriptor, home)
        yield
    finally:
        os.close(descriptor)


async def _take(descriptor: int, home: Path) -> None:
    for _ in range(int(LOCK_SECONDS_MAX / _LOCK_STEP_SECONDS)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(_LOCK_STEP_SECONDS)
        else:
            return
    raise RefusedError("home-in-use", str(home))
