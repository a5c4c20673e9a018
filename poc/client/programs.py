"""Runs a program that the settings name: as a list of words, never by a shell, and with a bare environment.

Nothing it writes is read, kept or logged. It gets the facts it is given and nothing of this program's own
environment but where programs and sounds are found: no passphrase file, no home.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Final

PASSED_ON: Final = (
    "PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TERM",
    "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "PULSE_SERVER",
)  # fmt: skip


async def run_program(
    argv: Sequence[str], facts: Mapping[str, str], seconds_max: float, given: bytes = b""
) -> str | None:
    """Run a program to its end with ``facts`` as variables and ``given`` on standard input.

    ``None`` if it ended with 0; else ``not-started``, ``timeout`` (it is killed with all it started) or
    ``exit-N``.
    """
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={**environment, **facts},
            cwd="/",
            start_new_session=True,
        )
    except (OSError, ValueError):
        return "not-started"
    try:
        async with asyncio.timeout(seconds_max):
            await process.communicate(given)
    except TimeoutError:
        return "timeout"
    finally:
        if process.returncode is None:
            await _kill(process)
    return None if process.returncode == 0 else f"exit-{process.returncode}"


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End it and all it started, also while this task is being cancelled."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
