"""What every command is given: the home, the clock, the passphrase, the desk.

A passphrase never comes from the command line: it is read from the home's ``passphrase`` file,
from the file named in ``POC_PASSPHRASE_FILE``, or asked for at the terminal.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from poc.errors import RefusedError, UnreachableError, UsageError
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

    def pinned(self, given: str | None) -> str:
        """The fingerprint given, or the one the home is pinned to.

        Raises ``bad-fingerprint``; ``usage`` where none is given and the home is no desk's.
        """
        from poc.core.statement import parse_fingerprint

        if given is not None:
            return parse_fingerprint(given)
        from poc.client.home import open_home

        try:
            return open_home(self.home).fingerprint
        except RefusedError as error:
            if error.code != "not-a-desk":
                raise
            raise UsageError("usage", f"--fingerprint is needed: {self.home} is no desk's home") from None

    @asynccontextmanager
    async def desk(self, *, unlock: bool = False) -> AsyncIterator[Desk]:
        """The desk of the home, closed at the end; ``unlock`` asks for the passphrase and opens its keys.

        Raises ``not-a-desk``, ``wrong-passphrase``, ``no-passphrase``.
        """
        from poc.client.sdk import Desk

        async with await Desk.open(self.home, self.passphrase() if unlock else None) as desk:
            yield desk


def add_fingerprint(parser: argparse.ArgumentParser) -> None:
    """Add ``--fingerprint``, which :meth:`Context.pinned` reads."""
    parser.add_argument(
        "--fingerprint",
        metavar="F",
        help="the registry's fingerprint, in full (default: the one this home is pinned to)",
    )


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


def read_given(path: Path, size_bytes_max: int) -> bytes:
    """The bytes of a file, or of standard input for ``-``. Raises as :func:`read_file`."""
    if str(path) != "-":
        return read_file(path, size_bytes_max)
    data = sys.stdin.buffer.read(size_bytes_max + 1)
    if len(data) > size_bytes_max:
        raise RefusedError("too-large", f"standard input: more than {size_bytes_max} bytes")
    return data


def check_absent(path: Path) -> None:
    """Raise ``file-exists`` before any work for a file that could not be written."""
    if path.exists():
        raise RefusedError("file-exists", str(path))


def write_file(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a new file whole or not at all; never over an existing one.

    Raises ``file-exists``; ``storage-failed`` where there is no such folder, no right or no room.
    """
    import os

    check_absent(path)
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o600 if private else 0o644)
        temporary.replace(path)
    except OSError as error:
        raise UnreachableError("storage-failed", f"{path}: {error.strerror}") from None
