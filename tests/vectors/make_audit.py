"""Freezes audit trails: one that is whole, and what was done to others, with the first bad row.

    python -m tests.vectors.make_audit

The hub's key is made of the label ``hub``, as everywhere (docs/spec/README.md).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from poc.core.audit import AuditEvent, AuditRow, chain, make_anchor
from poc.core.note import Signer
from poc.core.strictjson import b64u, canonical, domain_hash, parse
from tests.registry import ORIGIN, signing_key

PATH = Path(__file__).parent / "audit" / "trails.json"
AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
SIGNER = Signer(f"{ORIGIN}/audit", signing_key("hub"))
EVENTS = (
    AuditEvent(AT, "found", "done", subject="A" * 43),
    AuditEvent(AT, "statement", "proposed", subject="B" * 43),
    AuditEvent(AT, "statement", "superseded", subject="C" * 43),
    AuditEvent(AT, "erasure", "done", "jo", "D" * 43, "E" * 43),
    AuditEvent(AT, "retention", "done", subject="envelopes", count=3),
)


def trail() -> list[AuditRow]:
    """The whole trail."""
    rows: list[AuditRow] = []
    for event in EVENTS:
        rows.append(chain(rows[-1] if rows else None, event))
    return rows


def rewritten(row: AuditRow, **members: Any) -> AuditRow:
    """A row with other members and the hash that fits them."""
    value: Any = parse(row.record)
    record = canonical({**value, **members})
    return AuditRow(row.number, record, domain_hash("poc/1 audit", record))


def cases() -> list[dict[str, Any]]:
    """Each trail, with the first bad row, or null."""
    a, b, c, d, e = trail()
    named: dict[str, tuple[list[AuditRow], int | None]] = {
        "whole": ([a, b, c, d, e], None),
        "no row at all": ([], None),
        "cut off at the end, which only an anchor shows": ([a, b, c], None),
        "the first deleted": ([b, c, d, e], 1),
        "one in the middle deleted": ([a, b, d, e], 3),
        "two in each other's place": (
            [a, AuditRow(2, c.record, c.hash), AuditRow(3, b.record, b.hash), d, e],
            2,
        ),
        "a record changed": ([a, AuditRow(2, b.record.replace(b"proposed", b"done"), b.hash), c, d, e], 2),
        "a record and its hash changed": ([a, rewritten(b, outcome="done"), c, d, e], 3),
        "another number inside": ([a, b, rewritten(c, number=4), d, e], 3),
        "the first follows something": ([rewritten(a, previous="A" * 42 + "E"), b, c, d, e], 1),
        "no record": ([a, AuditRow(2, b"{}", domain_hash("poc/1 audit", b"{}")), c, d, e], 2),
    }
    return [
        {
            "name": name,
            "expect": "ok" if bad is None else "audit-broken",
            "row": bad,
            "rows": [{"number": r.number, "record": r.record.decode(), "hash": b64u(r.hash)} for r in rows],
        }
        for name, (rows, bad) in named.items()
    ]


def build() -> str:
    """The text the file must hold."""
    document = {
        "about": "Audit trails; `row` is the first bad one. `anchor` is the hub's note over the whole trail",
        "origin": ORIGIN,
        "vkey": SIGNER.vkey(),
        "anchor": make_anchor(trail()[-1], ORIGIN, SIGNER).decode(),
        "cases": cases(),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(build(), "utf-8")
