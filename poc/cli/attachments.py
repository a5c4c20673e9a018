"""Saving attachments: opaque files with safe names, never over a file that exists, never run or opened."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from poc.core.strictjson import b64u
from poc.core.text import for_terminal
from poc.errors import RefusedError, UsageError

NAME_BYTES_MAX: Final = 100
_UNSAFE: Final = re.compile(r"[^\w.+-]")


def safe_name(number: int, name: str) -> str:
    """A file name made of an attachment's: a number first, then letters, digits, dots, dashes only.

    The number keeps two of one name apart, and keeps names that a system reserves from being used.
    """
    plain = for_terminal(unicodedata.normalize("NFC", name))
    plain = _UNSAFE.sub("_", plain)
    plain = re.sub(r"\.{2,}", ".", plain).strip(".") or "attachment"
    while len(plain.encode("utf-8", "replace")) > NAME_BYTES_MAX:
        stem, dot, ending = plain.rpartition(".")
        plain = f"{stem[:-1]}{dot}{ending}" if dot and len(stem) > 1 else plain[:-1]
    return f"{number:02d}-{plain}"


@dataclass(frozen=True, slots=True)
class ToSave:
    """One attachment to write: its number, its sender's name for it, its digest, and its bytes on demand."""

    number: int
    name: str
    sha256: str
    read: Callable[[], bytes]


def save_attachments(folder: Path, attachments: Sequence[ToSave]) -> list[str]:
    """Write each as a new file, one in memory at a time, and give their paths.

    All or nothing: if one of the files exists with other bytes, none is written. Raises ``file-exists``,
    ``no-such-file``.
    """
    paths = [folder / safe_name(one.number, one.name) for one in attachments]
    there = [_is_there(path, one.sha256) for path, one in zip(paths, attachments, strict=True)]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, one, is_there in zip(paths, attachments, there, strict=True):
            if is_there:
                continue
            data = one.read()
            # O_EXCL also refuses a link that somebody puts there meanwhile.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
    except FileExistsError as error:
        raise RefusedError("file-exists", str(error.filename)) from None
    except OSError as error:
        raise UsageError("no-such-file", f"{folder}: {error.strerror}") from None
    return [str(path) for path in paths]


def _is_there(path: Path, sha256: str) -> bool:
    """Whether this very attachment was saved before. Raises ``file-exists`` for anything else there."""
    if not path.is_symlink() and not path.exists():
        return False
    if path.is_symlink() or not path.is_file():
        raise RefusedError("file-exists", str(path))
    with path.open("rb") as file:
        if b64u(hashlib.file_digest(file, "sha256").digest()) != sha256:
            raise RefusedError("file-exists", str(path))
    return True
