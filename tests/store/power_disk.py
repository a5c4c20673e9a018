"""A disk as of any point of its journal: what a power cut leaves, by the worst that a disk may do.

``record_disk.c`` records; here the records are read and played. A disk may lose whatever was not synced, or
keep any of it. What was synced, it keeps: nothing that worked without that is tested here.
"""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_HEAD = struct.Struct("<BHQQ")
SOURCE = Path(__file__).with_name("record_disk.c")


def compiler() -> str | None:
    """A C compiler of this machine, None if it has none."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def build(folder: Path) -> Path:
    """The preload library."""
    made = folder / "record_disk.so"
    command = [str(compiler()), "-shared", "-fPIC", "-O1", "-o", str(made), str(SOURCE), "-ldl", "-lpthread"]
    subprocess.run(command, check=True)
    return made


@dataclass(frozen=True)
class Record:
    """One thing that was done to a file."""

    op: str
    path: str
    offset: int
    data: bytes


def read_journal(path: Path) -> list[Record]:
    """Everything recorded, in order."""
    return list(_records(path.read_bytes()))


def _records(data: bytes) -> Iterator[Record]:
    at = 0
    while at < len(data):
        op, name, offset, length = _HEAD.unpack_from(data, at)
        start = at + _HEAD.size
        at = start + name + (length if chr(op) == "w" else 0)
        yield Record(chr(op), data[start : start + name].decode(), offset, data[start + name : at])


@dataclass
class _File:
    """What is safe of a file, and what was done to it since."""

    safe: bytearray = field(default_factory=bytearray)
    since: list[Record] = field(default_factory=list)


def cut(
    records: list[Record], folder: Path, into: Path, keep: random.Random | None, *, syncs: bool = True
) -> None:
    """Write into ``into`` what the folder holds after these records and a power cut.

    Without ``keep`` everything not synced is lost; with it a random part of it has reached the disk.
    ``syncs`` False: no sync ever reached the disk, as on a machine that lies about it.
    """
    files: dict[str, _File] = {}
    for record in records:
        if record.op == "u":
            files.pop(record.path, None)
        elif record.op == "s" and syncs:
            file = files.setdefault(record.path, _File())
            for done in file.since:
                _play(file.safe, done)
            file.since = []
        elif record.op in "wt":
            files.setdefault(record.path, _File()).since.append(record)
        elif record.op == "c":
            files.setdefault(record.path, _File())
    for path, file in files.items():
        content = file.safe
        for done in file.since:
            if keep is not None and keep.random() < 0.5:
                _play(content, done)
        (into / Path(path).relative_to(folder)).write_bytes(content)


def _play(content: bytearray, record: Record) -> None:
    if record.op == "t":
        del content[record.offset :]
        content.extend(bytes(record.offset - len(content)))
        return
    content.extend(bytes(max(record.offset - len(content), 0)))
    content[record.offset : record.offset + len(record.data)] = record.data
