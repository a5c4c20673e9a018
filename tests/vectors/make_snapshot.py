"""Freezes a snapshot, whole, and what must be refused when a part of it is changed.

    python -m tests.vectors.make_snapshot

``snapshot/golden/`` holds one file per released version, byte for byte as that version wrote it: **a golden
file is never made anew**, because people keep such files for years. This makes the newest where it is
missing, and from it the changed ones. The world is that of ``tests/snapshot_world.py``; a private key's seed
is SHA-256("poc/1 test key" 0x00 ‖ label).
"""

# ruff: noqa: E501 (a case is one line)

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from poc.core.snapshot import verify_snapshot
from poc.core.strictjson import b64u, canonical, parse
from tests import snapshot_world as world
from tests.registry import Registry, sealing_key

FOLDER = Path(__file__).parent / "snapshot"
GOLDEN = FOLDER / "golden"
NEWEST = GOLDEN / "0.1.0.json"
PATH = FOLDER / "snapshots.json"


def changed(text: str, case: dict[str, Any]) -> str:
    """The file a case is about: ``to`` at ``path``, or the list there with its items as in ``order``.

    Closed anew unless ``closing`` says ``kept``.
    """
    value: Any = json.loads(text)
    holder = value
    for step in case["path"][:-1]:
        holder = holder[step]
    last = case["path"][-1]
    holder[last] = [holder[last][n] for n in case["order"]] if "order" in case else case["to"]
    if case["closing"] == "kept":
        return canonical(value).decode()
    return world.closed(value).decode()


def variants(text: str) -> list[dict[str, Any]]:
    """Changes by path, and the code each is refused with."""
    file = json.loads(text)
    entries, openings, keys = file["entries"], file["openings"], file["sealing_keys"]
    size = len(entries)
    made = world.registry()
    other = Registry(confirm_seconds=86_400 * 30)
    stranger = sealing_key("a stranger").public.jwk()
    salted = {**openings[0], "opening": {**openings[0]["opening"], "salt": "A" * 43}}
    rows: list[tuple[str, str, list[str | int], Any]] = [
        ("a newer file", "newer-form", ["v"], 2),
        ("another kind of file", "bad-form", ["form"], "poc-evidence"),
        ("another origin", "wrong-origin", ["origin"], "example.org/other"),
        ("no log", "bad-form", ["entries"], []),
        ("the genesis of another registry", "wrong-fingerprint", ["entries", 0], b64u(other.leaves[0])),
        ("a checkpoint of fewer entries", "head-inconsistent", ["checkpoint"], made.checkpoint(size - 1).decode()),
        ("a checkpoint by another key", "unsigned-note", ["checkpoint"], made.checkpoint(size, "another log").decode()),
        ("a checkpoint nobody signed", "bad-note", ["checkpoint"], made.checkpoint(size).decode().split("\n\n")[0] + "\n"),
        ("another salt in an opening", "commitment-mismatch", ["openings", 0], salted),
        ("an opening of another contact", "commitment-mismatch", ["openings"], [{**openings[0], "contact": "jo.technical"}]),
        ("an opening of nobody", "unknown-contact", ["openings"], [{**openings[0], "contact": "jo.duty"}]),
        ("a sealing key of nobody", "unknown-key", ["sealing_keys"], [stranger]),
        ("a sealing key cut short", "bad-key", ["sealing_keys"], [{**keys[0], "pub": keys[0]["pub"][:1616]}]),
        ("a time of another form", "bad-form", ["made_at"], "2026-11-24T08:00:00+00:00"),
    ]  # fmt: skip
    kept: list[tuple[str, str, list[str | int], Any]] = [
        ("another closing hash", "snapshot-damaged", ["sha256"], "A" * 43),
        ("another time, not closed anew", "snapshot-damaged", ["made_at"], "2026-11-24T23:00:00Z"),
        ("no closing hash", "bad-form", ["sha256"], None),
    ]
    log = list(range(size))
    orders: list[tuple[str, str, str, list[int]]] = [
        ("the log without its genesis", "wrong-fingerprint", "entries", log[1:]),
        ("an entry left out", "unknown-state", "entries", [0, *log[2:]]),
        ("the newest entry left out", "head-inconsistent", "entries", log[:-1]),
        ("an entry twice", "already-logged", "entries", [0, 1, *log[1:]]),
        ("two entries in the other order", "logged-before-previous", "entries", [0, 2, 1, *log[3:]]),
        ("openings in another order", "bad-form", "openings", [1, 0]),
        ("an opening twice", "bad-form", "openings", [0, 0]),
        ("sealing keys in another order", "bad-form", "sealing_keys", [1, 0]),
        ("a sealing key twice", "bad-form", "sealing_keys", [0, 0]),
    ]
    return [
        *(
            {"name": n, "path": path, "to": to, "closing": closing, "expect": expect}
            for closing, some in (("anew", rows), ("kept", kept))
            for n, expect, path, to in some
        ),
        *(
            {"name": n, "path": [member], "order": order, "closing": "anew", "expect": expect}
            for n, expect, member, order in orders
        ),
    ]


def build() -> str:
    """The text of the vectors' file; the newest golden file is made where it is missing."""
    if not NEWEST.exists():
        GOLDEN.mkdir(parents=True, exist_ok=True)
        NEWEST.write_bytes(world.snapshot())
    text = NEWEST.read_text("utf-8")
    fingerprint = world.registry().directory.fingerprint
    snapshot = verify_snapshot(text.encode(), fingerprint)
    golden = sorted(GOLDEN.glob("*.json"))
    document = {
        "about": f"Changes of golden/{NEWEST.name} that are refused: `to` at `path`, closed anew or with its closing hash kept",
        "golden": [_golden(path, fingerprint) for path in golden],
        "size": snapshot.checkpoint.size,
        "root": b64u(snapshot.checkpoint.root),
        "contacts": sorted(snapshot.cards),
        "sealing_keys": sorted(snapshot.sealing_keys),
        "variants": variants(text),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _golden(path: Path, fingerprint: str) -> dict[str, Any]:
    """A golden file's entry; one that is listed keeps its own fingerprint and hash."""
    if PATH.exists():
        listed: Any = parse(PATH.read_bytes())
        for row in listed["golden"]:
            if row["file"] == path.name:
                return dict(row)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"file": path.name, "sha256": sha256, "fingerprint": fingerprint}


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(build(), "utf-8")
