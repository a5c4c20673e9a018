"""Sequence numbers as a recipient reads them: what is missing, and what was used twice.

A sender numbers its messages per (its key, the contact, status), from 1. The first number a device sees
is its baseline. A gap says only this: never sent, not sealed to this device, or withheld.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from poc.client.trust import InboxRow
from poc.core.envelope import read_header
from poc.core.strictjson import parse


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of a sender's key that did not come: ``first`` to ``last``."""

    sender: str
    kid: str
    status: str
    first: int
    last: int

    def told(self) -> str:
        """The gap in a sentence, which accuses nobody."""
        return (
            f"not received from {self.sender} ({self.status}): number {self._numbers('to')}: "
            "never sent, not sealed to this device, or withheld"
        )

    def to_json(self) -> dict[str, Any]:
        """The gap for programs, with its sentence in English and Arabic."""
        arabic = (
            f"لم يصل من {self.sender} ({self.status}): الرقم {self._numbers('إلى')}: "
            "لم يُرسل، أو لم يُختم لهذا الجهاز، أو حُجب"
        )
        return {**asdict(self), "en": self.told(), "ar": arabic}

    def _numbers(self, to: str) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} {to} {self.last}"


@dataclass(frozen=True, slots=True)
class Sequences:
    """What the numbers of verified messages show."""

    gaps: tuple[Gap, ...]
    twice: tuple[tuple[InboxRow, InboxRow], ...]


def sequences(rows: Iterable[InboxRow]) -> Sequences:
    """Look through verified messages for gaps, and for two of them under one number."""
    lines: dict[tuple[str, str, str], dict[int, InboxRow]] = {}
    twice = []
    for row in rows:
        item: Any = parse(row.item)
        number = item["envelope"]["recipients"][0]["header"]["sequence"]
        if number is None:
            continue
        header = read_header(item["envelope"]["protected"])
        line = lines.setdefault((row.sender, header.sender.kid, header.status), {})
        if number in line:
            twice.append((line[number], row))
        line.setdefault(number, row)
    gaps = [
        Gap(*key, before + 1, after - 1)
        for key, line in lines.items()
        for before, after in pairwise(sorted(line))
        if after > before + 1
    ]
    return Sequences(tuple(gaps), tuple(twice))
