"""Whether a hub's database, or a backup of it, is whole: one finding for each thing that can be proved of it.

Needs no key and changes nothing; the hub may be running meanwhile. What it cannot find is what was cut off
at the end: the newest checkpoint of a desk or witness, and an anchor kept elsewhere, show that.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, cast

from poc.core.admission import envelope_digest
from poc.core.card import Opening, read_opening
from poc.core.directory import Directory
from poc.core.form import read_form
from poc.core.merkle import tree_root
from poc.core.receipts import verify_receipt
from poc.errors import PocError
from poc.hub.log import Log, View
from poc.hub.places import places_of
from poc.hub.trail import verify_trail
from poc.store.base import Store
from poc.store.copy import reading
from poc.store.reading import FileReader

SAMPLE: Final = 200
_NAMED_MAX: Final = 5
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was checked, whether it is sound, and in a sentence what was found."""

    name: str
    ok: bool
    said: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The findings, and what the log says about itself where it proved itself."""

    findings: tuple[Finding, ...]
    origin: str | None
    entries: int
    checkpoint: str | None

    @property
    def ok(self) -> bool:
        """Whether everything is sound."""
        return all(finding.ok for finding in self.findings)


async def check_home(home: Path, now: datetime, told: Told, *, full: bool = False) -> Checked:
    """Check the database at a hub's home or in a backup; ``full``: every receipt and envelope.

    Raises:
        RefusedError: ``not-a-hub``, ``database-foreign``, ``database-newer``, ``migration-changed``.
        UnreachableError: ``storage-failed``, the file cannot be read at all.
    """
    with reading(home) as db:
        reader = FileReader(db)
        findings = [Finding("tables", ok=True, said="built by the steps that this program knows, unchanged")]
        told("the file, page by page")
        findings.append(await asyncio.to_thread(_file, reader))
        told("the log, entry by entry")
        log = Log(cast("Store", reader), None, lambda: now)  # the verbs that proving needs are there
        findings.append(await _log(log))
        if log.is_empty:
            return Checked(tuple(findings), None, 0, None)
        view = log.view
        for name, check in _BESIDE.items():
            told(name)
            findings.append(await asyncio.to_thread(_judged, name, check, _Asked(reader, view, full)))
        return Checked(tuple(findings), view.directory.origin, view.directory.size, view.checkpoint.decode())


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the checks beside the log look at."""

    reader: FileReader
    view: View
    full: bool

    @property
    def directory(self) -> Directory:
        return self.view.directory

    @property
    def sample(self) -> int | None:
        return None if self.full else SAMPLE


def _file(reader: FileReader) -> Finding:
    try:
        faults = reader.faults_of_file()
    except sqlite3.Error as error:
        faults = [str(error)]
    said = "; ".join(faults[:_NAMED_MAX]) or "every page, index and reference is sound"
    return Finding("file", ok=not faults, said=said)


async def _log(log: Log) -> Finding:
    """Every entry applied anew, the hashes of the tree, the signed checkpoint over them."""
    try:
        await log.load()
    except (PocError, sqlite3.Error) as error:
        return Finding("log", ok=False, said=str(error))
    if log.is_empty:
        said = "there is no registry yet" if log.trouble is None else log.trouble.message
        return Finding("log", ok=log.trouble is None, said=said)
    return Finding("log", ok=True, said=f"{log.view.directory.size} entries, as the signed checkpoint says")


def _judged(name: str, check: Callable[[_Asked], tuple[int, list[str], str]], asked: _Asked) -> Finding:
    try:
        count, bad, what = check(asked)
    except (PocError, sqlite3.Error) as error:
        return Finding(name, ok=False, said=str(error))
    if not bad:
        return Finding(name, ok=True, said=f"{count} {what}")
    named = "; ".join(bad[:_NAMED_MAX]) + ("; …" if len(bad) > _NAMED_MAX else "")
    return Finding(name, ok=False, said=f"{len(bad)} of {count} are not sound: {named}")


def _openings(asked: _Asked) -> tuple[int, list[str], str]:
    """Each is what the log committed to; none is kept that the log no longer names."""
    count, bad, origin, places = 0, [], asked.directory.origin, places_of(asked.directory)
    for row in asked.reader.openings():
        count += 1
        try:
            read_opening(read_form(Opening, row.data), row.contact, origin, row.commitment)
        except PocError as error:
            bad.append(f"{row.contact} {row.part}: {error.code}")
            continue
        if (row.commitment, row.contact) not in places:
            bad.append(f"{row.contact} {row.part}: kept although the log no longer names it")
    return count, bad, "openings, each as the log commits to it"


def _receipts(asked: _Asked) -> tuple[int, list[str], str]:
    """Each was signed by a key that was the hub's, over this very log."""
    cache: dict[int, bytes | None] = {}

    def root_at(size: int) -> bytes | None:
        if size not in cache:
            known = 0 < size <= asked.directory.size
            cache[size] = tree_root(size, asked.reader.hash) if known else None
        return cache[size]

    found = asked.reader.receipts(asked.sample)
    bad = []
    for message, text in found:
        try:
            if verify_receipt(text, asked.directory, root_at).message != message:
                bad.append(f"{message}: of another message")
        except PocError as error:
            bad.append(f"{message}: {error.code}")
    lost = asked.reader.lost_receipts()
    if lost:
        bad.append(f"{lost} answered submissions without their receipt among the evidence")
    return (
        len(found),
        bad,
        f"receipts signed by the hub's key{'' if asked.full else ' (a sample; --full: all)'}",
    )


def _envelopes(asked: _Asked) -> tuple[int, list[str], str]:
    """Each has the digest that its receipts name."""
    count, bad = 0, []
    for message, digest, *parts in asked.reader.envelopes(asked.sample):
        count += 1
        if envelope_digest(*parts) != digest:
            bad.append(f"{message}: another digest")
    return count, bad, f"envelopes with the digest of their receipts{'' if asked.full else ' (a sample)'}"


def _audit(asked: _Asked) -> tuple[int, list[str], str]:
    """Each record follows the one before; the anchors are the hub's."""
    found = verify_trail(asked.reader.trail(), [])
    return found.records, [], f"audit records, each follows the one before, anchored to {found.anchored_to}"


_BESIDE: Final = {
    "openings": _openings,
    "receipts": _receipts,
    "envelopes": _envelopes,
    "audit": _audit,
}
