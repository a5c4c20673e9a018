"""What every command is given: the home, the clock, the passphrase, the desk.

A passphrase never comes from the command line: it is read from the home's ``passphrase`` file,
from the file named in ``POC_PASSPHRASE_FILE``, or asked for at the terminal.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from poc.errors import RefusedError, UsageError
from poc.keyring import read_passphrase_file

if TYPE_CHECKING:
    from poc.client.sdk import Desk


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of one command."""

    home: Path
    as_json: bool

    def now(self) -> datetime:
        """The present moment, whole seconds, UTC."""
        return datetime.now(UTC).replace(microsecond=0)

    def passphrase(self, *, new: bool = False) -> str:
        """The home's passphrase. Raises ``no-passphrase`` where nobody can be asked."""
        found = read_passphrase_file(self.home)
        if found is not None:
            return found
        if not sys.stdin.isatty():
            raise UsageError("no-passphrase")
        typed = getpass.getpass(f"Passphrase of {self.home}: ")
        if new and typed != getpass.getpass("Once more: "):
            raise RefusedError("wrong-passphrase", "the two differ")
        return typed

    @asynccontextmanager
    async def desk(self, *, unlock: bool = False) -> AsyncIterator[Desk]:
        """The desk of the home, closed at the end; ``unlock`` asks for the passphrase and opens its keys.

        Raises ``not-a-desk``, ``wrong-passphrase``, ``no-passphrase``.
        """
        from poc.client.sdk import Desk

        async with await Desk.open(self.home, self.passphrase() if unlock else None) as desk:
            yield desk


def read_file(path: Path, size_bytes_max: int) -> bytes:
    """A file's bytes. Raises ``no-such-file`` or ``too-large`` naming the path."""
    try:
        with path.open("rb") as file:
            data = file.read(size_bytes_max + 1)
    except OSError as error:
        raise UsageError("no-such-file", f"{path}: {error.strerror}") from None
    except ValueError:  # a null byte, or what no file name can hold
        raise UsageError("no-such-file", f"{path}: not a name of a file") from None
    if len(data) > size_bytes_max:
        raise RefusedError("too-large", f"{path}: more than {size_bytes_max} bytes")
    return data


def write_file(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a new file whole or not at all; never over an existing one."""
    import os

    if path.exists():
        raise RefusedError("file-exists", str(path))
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.chmod(0o600 if private else 0o644)
    temporary.replace(path)
