"""Backups: a folder with one moment of the hub's database and a manifest, made while the hub runs; restores.

A backup is verified before it bears its name, and again before it is put in place. The keys are in it only
where that is asked for: whoever holds them and the passphrase is the hub. What a hub that was restored may
do stands in ``restored``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from poc.config import CONFIG_NAME
from poc.core.strictjson import format_time, parse, parse_time
from poc.errors import PocError, RefusedError, UnreachableError
from poc.hub.check import Checked, check_home
from poc.keyring import INDEX_NAME, KEYRING_NAME, write_private
from poc.store.copy import copy_database, sync
from poc.store.sqlite import DATABASE_NAME

MANIFEST_NAME: Final = "manifest.json"
LAST_NAME: Final = "last-backup.json"
"""In the hub's home: when the newest backup was verified, for the metrics. Nothing else rests on it."""
MANIFEST_BYTES_MAX: Final = 64 * 1024
_BESIDE: Final = (CONFIG_NAME,)
_KEYS: Final = (KEYRING_NAME, INDEX_NAME)
_CHUNK_BYTES: Final = 1024 * 1024
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """What a manifest says: when, of which log, and the size and SHA-256 of each file."""

    taken_at: datetime
    program: str
    step: int
    origin: str
    entries: int
    checkpoint: str
    files: dict[str, tuple[int, str]]

    def value(self) -> dict[str, Any]:
        """The manifest as a JSON value."""
        return {
            "v": 1,
            "what": "poc-hub-backup",
            "taken_at": format_time(self.taken_at),
            "program": self.program,
            "step": self.step,
            "origin": self.origin,
            "entries": self.entries,
            "checkpoint": self.checkpoint,
            "files": {name: {"bytes": size, "sha256": sha} for name, (size, sha) in self.files.items()},
        }


async def make_backup(
    home: Path, target: Path, now: datetime, program: str, told: Told, *, with_keys: bool = False
) -> Backup:
    """Back the hub at ``home`` up into the new folder ``target``, also while it runs.

    The folder bears its name only once everything in it is on disk and was verified; a run that is cut
    off leaves ``target.part``, which the next one replaces.

    Raises:
        RefusedError: ``file-exists``, ``not-a-hub``, ``no-registry``, ``backup-unsound``.
        UnreachableError: ``storage-failed``.
    """
    part = _begun(target)
    step = await asyncio.to_thread(
        copy_database, home, part / DATABASE_NAME, now, lambda done, all_: told(f"{done} of {all_} pages")
    )
    for name in (*_BESIDE, *(_KEYS if with_keys else ())):
        if (home / name).is_file():
            write_private(part / name, (home / name).read_bytes())
    checked = await _sound(part, now, told)
    backup = Backup(
        now, program, step, checked.origin or "", checked.entries, checked.checkpoint or "", _digests(part)
    )
    text = json.dumps(backup.value(), indent=2, ensure_ascii=False) + "\n"
    write_private(part / MANIFEST_NAME, text.encode())
    verify_files(part, read_manifest(part))
    part.rename(target)
    sync(target.parent)
    write_private(home / LAST_NAME, json.dumps({"verified_at": format_time(now)}).encode())
    return backup


def _begun(target: Path) -> Path:
    """The empty folder to write to. Raises ``file-exists``, ``storage-failed``."""
    if target.exists():
        raise RefusedError("file-exists", str(target))
    part = target.with_name(f"{target.name}.part")
    try:
        _clear(part)
        part.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise UnreachableError("storage-failed", f"{part}: {error.strerror}") from None
    return part


async def _sound(folder: Path, now: datetime, told: Told) -> Checked:
    """The findings about a copy. Raises ``backup-unsound``, ``no-registry``."""
    checked = await check_home(folder, now, told)
    bad = [f"{finding.name}: {finding.said}" for finding in checked.findings if not finding.ok]
    if bad:
        raise RefusedError("backup-unsound", "; ".join(bad))
    if checked.origin is None:
        raise RefusedError("no-registry")
    return checked


def _clear(part: Path) -> None:
    """Remove what a run that was cut off left: files that we make, and nothing else."""
    if not part.exists():
        return
    for path in part.iterdir():
        if path.name.removesuffix("-journal") in {DATABASE_NAME, MANIFEST_NAME, *_BESIDE, *_KEYS} or (
            path.name.startswith(".") and path.suffix == ".part"
        ):
            path.unlink()
    part.rmdir()


def _digests(folder: Path) -> dict[str, tuple[int, str]]:
    return {path.name: _digest(path) for path in sorted(folder.iterdir())}


def _digest(path: Path) -> tuple[int, str]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
        return file.tell(), digest.hexdigest()


def read_manifest(folder: Path) -> Backup:
    """The manifest of a backup, unverified. Raises ``not-a-backup``."""
    try:
        with (folder / MANIFEST_NAME).open("rb") as file:
            data = file.read(MANIFEST_BYTES_MAX)
        value: Any = parse(data)
        if (value["v"], value["what"]) != (1, "poc-hub-backup"):
            raise RefusedError("not-a-backup", str(folder))
        files = {str(name): (int(row["bytes"]), str(row["sha256"])) for name, row in value["files"].items()}
        return Backup(
            parse_time(value["taken_at"]), str(value["program"]), int(value["step"]), str(value["origin"]),
            int(value["entries"]), str(value["checkpoint"]), files,
        )  # fmt: skip
    except OSError as error:
        raise RefusedError("not-a-backup", f"{folder}: {MANIFEST_NAME}: {error.strerror}") from None
    except (PocError, KeyError, TypeError, ValueError, AttributeError):
        raise RefusedError("not-a-backup", f"{folder}: {MANIFEST_NAME} is none of ours") from None


def verify_files(folder: Path, backup: Backup) -> None:
    """Return only if every file is the one that was written. Raises ``backup-unsound``."""
    if DATABASE_NAME not in backup.files:
        raise RefusedError("backup-unsound", f"its manifest names no {DATABASE_NAME}")
    for name, expected in backup.files.items():
        if name not in {DATABASE_NAME, *_BESIDE, *_KEYS}:
            raise RefusedError("backup-unsound", "its manifest names a file that is no part of a backup")
        try:
            found = _digest(folder / name)
        except OSError as error:
            raise RefusedError("backup-unsound", f"{name}: {error.strerror}") from None
        if found != expected:
            raise RefusedError("backup-unsound", f"{name} is not the file that was written")


async def restore_backup(folder: Path, home: Path, now: datetime, told: Told) -> Backup:
    """Put a verified backup in place as a new home, or beside the keys of one that lost its database.

    The hub that starts from it signs nothing until it is proved (``restored``). The home's own settings and
    keys stay; what it lacks comes from the backup. The database is put in place last, whole or not at all.

    Raises:
        RefusedError: ``home-has-database``, ``not-a-backup``, ``backup-unsound``.
        UnreachableError: ``storage-failed``.
    """
    backup = read_manifest(folder)
    left = [name for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal", "trust.db") if (home / name).exists()]
    if left:
        raise RefusedError("home-has-database", f"{home}: {left[0]}")
    told("the files of the backup")
    verify_files(folder, backup)
    checked = await _sound(folder, now, told)
    if (checked.origin, checked.entries, checked.checkpoint) != (
        backup.origin, backup.entries, backup.checkpoint,
    ):  # fmt: skip
        raise RefusedError("backup-unsound", "its manifest is of another log")
    for name in backup.files:
        if name != DATABASE_NAME and not (home / name).exists():
            write_private(home / name, (folder / name).read_bytes())
    told("the database")
    await asyncio.to_thread(_put, folder / DATABASE_NAME, home / DATABASE_NAME, backup.files[DATABASE_NAME])
    return backup


def _put(source: Path, target: Path, expected: tuple[int, str]) -> None:
    """Copy a file under a name of its own, compare what was written, then give it its name."""
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with source.open("rb") as file, os.fdopen(descriptor, "wb") as out:
            while chunk := file.read(_CHUNK_BYTES):
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if _digest(part) != expected:
            raise RefusedError("backup-unsound", "what was written is not what the backup holds")
        part.rename(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise UnreachableError("storage-failed", f"{target}: {error.strerror}") from None
    sync(target.parent)


def last_verified_at(home: Path) -> datetime | None:
    """When the newest backup of this home was verified, None where none is known."""
    try:
        value: Any = parse((home / LAST_NAME).read_bytes())
        return parse_time(value["verified_at"])
    except (OSError, PocError, KeyError, TypeError):
        return None
