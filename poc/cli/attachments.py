"""Saving attachments: opaque files with safe names, never over a file that exists, never run or opened."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final

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


def save_attachments(folder: Path, attachments: Sequence[tuple[str, bytes]]) -> list[str]:
    """Write each (name, bytes) as a new file and give their paths.

    All or nothing: if one of the files exists, none is written. Raises ``file-exists``, ``no-such-file``.
    """
    paths = [folder / safe_name(number, name) for number, (name, _) in enumerate(attachments, start=1)]
    for path in paths:
        if path.is_symlink() or path.exists():
            raise RefusedError("file-exists", str(path))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, (_, data) in zip(paths, attachments, strict=True):
            # O_EXCL also refuses a link that somebody puts there meanwhile.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
    except FileExistsError as error:
        raise RefusedError("file-exists", str(error.filename)) from None
    except OSError as error:
        raise UsageError("no-such-file", f"{folder}: {error.strerror}") from None
    return [str(path) for path in paths]
