"""Write our own vectors for log updates by file: what continues a log, and what must be refused.

    python -m tests.vectors.make_carriage

A desk knows the first ``known`` entries of the log in ``own``. Keys follow from labels as in
``tests/registry.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from poc.core.strictjson import b64u, canonical
from tests.registry import ORIGIN, Registry

PATH = Path(__file__).parent / "carriage" / "logs.json"
KNOWN = 4


def two_logs() -> tuple[Registry, Registry]:
    """The log a desk follows, of six entries, and another one by the same key, of seven: they part at 3."""
    logs = (Registry(), Registry())
    for log in logs:
        log.enrol("jo", "sd")
    logs[0].enrol("eg", "om", "lb")
    logs[1].enrol("qa", "om", "ye", "lb")
    return logs


def log_file(log: Registry, first: int, end: int | None = None, **changes: Any) -> bytes:
    """A carriage file with the entries of a log from ``first`` to ``end``."""
    end = len(log.leaves) if end is None else end
    update = {
        "first": first,
        "entries": [b64u(leaf) for leaf in log.leaves[first:end]],
        "checkpoint": log.checkpoint(end).decode(),
        "sealing_keys": [],
        **changes,
    }
    top = {"v": 1, "origin": ORIGIN, "form": "poc-carriage", "messages": [], "answers": []}
    return canonical({**top, "log": update})


def cases() -> list[dict[str, Any]]:
    """Every case: its name, the file, how many entries it brings or the code of the refusal."""
    own, other = two_logs()
    entries = [b64u(leaf) for leaf in own.leaves]
    note, broken = own.checkpoint().decode(), own.checkpoint(KNOWN).decode()[:-6] + "AAAA=\n"
    text = note.split("\n\n")[0] + "\n"
    rows: list[tuple[str, str, int, bytes]] = [
        ("what comes after", "ok", 2, log_file(own, KNOWN)),
        ("some that are known, and what comes after", "ok", 2, log_file(own, 2)),
        ("the whole log", "ok", 2, log_file(own, 0)),
        ("only the next", "ok", 1, log_file(own, KNOWN, KNOWN + 1)),
        ("nothing but a checkpoint of what is known", "ok", 0, log_file(own, KNOWN, KNOWN)),
        ("an older part", "ok", 0, log_file(own, 1, 3)),
        ("an older part of another log, before they part", "ok", 0, log_file(other, 1, 3)),
        ("a gap", "log-gap", 0, log_file(own, KNOWN + 1)),
        ("an entry left out", "log-mismatch", 0, log_file(own, KNOWN, entries=entries[KNOWN + 1 :])),
        ("an entry too many", "log-mismatch", 0, log_file(own, KNOWN, entries=entries[KNOWN - 1 :])),
        ("entries in another order", "log-mismatch", 0, log_file(own, KNOWN, entries=entries[KNOWN:][::-1])),
        ("entries of another log beside its checkpoint", "log-mismatch", 0, log_file(other, KNOWN)),
        ("entries of another log beside ours", "log-mismatch", 0,
         log_file(own, 0, entries=[b64u(leaf) for leaf in other.leaves[:6]])),
        ("another log, whole", "head-inconsistent", 0, log_file(other, 0)),
        ("another log, as long as what is known", "head-inconsistent", 0, log_file(other, 0, KNOWN)),
        ("another log, whole, by another key", "unsigned-note", 0,
         log_file(other, 0, checkpoint=other.checkpoint(by="an impostor").decode())),
        ("a checkpoint of what is known by another key", "unsigned-note", 0,
         log_file(own, KNOWN, KNOWN, checkpoint=own.checkpoint(KNOWN, "an impostor").decode())),
        ("a signature changed", "bad-signature", 0, log_file(own, KNOWN, KNOWN, checkpoint=broken)),
        ("a checkpoint nobody signed", "bad-note", 0, log_file(own, KNOWN, checkpoint=text)),
        ("no checkpoint", "bad-note", 0, log_file(own, KNOWN, checkpoint="")),
    ]  # fmt: skip
    return [
        {"name": name, "expect": code, "new": new, "file": data.decode()} for name, code, new, data in rows
    ]


def text() -> str:
    """The vector file."""
    about = (
        "Log updates taken by a desk that has verified the first `known` entries of `own`: how many entries "
        "are new, or the code of the refusal. Who signed a checkpoint over new entries is verified after "
        "this, with the directory that these entries make."
    )
    own, _ = two_logs()
    known = [b64u(leaf) for leaf in own.leaves[:KNOWN]]
    value = {"about": about, "own": known, "known": KNOWN, "cases": cases()}
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(text(), "utf-8")
