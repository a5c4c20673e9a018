"""Freezes messages with their second key, and what is to be made of it.

    python -m tests.vectors.make_preparation

The same file comes out each time. The log is that of ``tests/escalated_world.py``; `poc` signs here and
judges nothing. The key of each message was judged at ``size``.
"""

# ruff: noqa: E501 (a case is one line)

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from poc.core.draft import prepare
from poc.core.strictjson import b64u, canonical, domain_hash
from tests.escalated_world import DEPUTY, DUTY, JO, ROTATED, SENT, entries, head
from tests.form_examples import GOOD
from tests.message_world import HUB, NOW, ORIGIN, signing_key

PATH = Path(__file__).parent / "draft" / "preparations.json"
NULLED = ("head", "commit", "sent_at", "officer", "prepared")


def message(**changes: Any) -> dict[str, Any]:
    """A message of jo.technical, signed by its second device."""
    sender = {"contact": JO, "kid": signing_key(JO, 2).kid}
    to = [{"contact": c, "kid": k, "as": a, "slot": "A" * 43} for c, k, a in (
        (JO, "A" * 43, "own"), (DEPUTY, "A" * 43, "information"), (DUTY, "A" * 43, "action"), (DUTY, "B" * 42 + "A", "action"),
    )]  # fmt: skip
    to = sorted(to, key=lambda row: (row["contact"], row["kid"]))
    made = {**GOOD["message"], "origin": ORIGIN, "from": sender, "to": to, "prepared": None}
    return {
        **made,
        "status": "test",
        "exercise": None,
        "respond_within_s": None,
        "head": head(SENT),
        **changes,
    }


def content(of: dict[str, Any]) -> str:
    """The hash of what the reader reads, composed by hand."""
    to = [{"contact": DEPUTY, "as": "information"}, {"contact": DUTY, "as": "action"}]
    attachments = [{**attachment, "blob": None} for attachment in of["attachments"]]
    value = {
        **of,
        **dict.fromkeys(NULLED),
        "from": {**of["from"], "kid": None},
        "to": to,
        "attachments": attachments,
    }
    return b64u(domain_hash("poc/1 content", canonical(value)))


def cases() -> list[dict[str, Any]]:
    """Every case: a message, the size its key was judged at, and what becomes of its preparation."""
    plain = message()
    good = content(plain)
    jo, second, deputy = signing_key(JO), signing_key(JO, 2), signing_key(DEPUTY)

    def by(key: Any = jo, hash_of: str = good, **changes: Any) -> str:
        named: dict[str, Any] = {"origin": ORIGIN, "contact": JO, "key": key, "head": head(SENT), "at": NOW}
        return prepare(hash_of, **{**named, **changes})

    rows: list[tuple[str, str, int, dict[str, Any]]] = [
        ("none, of a test", "ok", SENT, plain),
        ("none, of an actual message", "preparation-missing", SENT, message(status="actual")),
        ("by the other device", "ok", SENT, message(prepared=by())),
        ("by the other device, an hour later", "ok", SENT, message(prepared=by(at=NOW + timedelta(hours=1)))),
        ("before it had an officer, a head and a commitment", "ok", SENT, message(prepared=by(), officer="07", commit="B" * 42 + "A")),
        ("by the device that sends", "preparation-mismatch", SENT, message(prepared=by(second))),
        ("of another subject", "preparation-mismatch", SENT, message(prepared=by(), subject="Another")),
        ("of another addressee", "preparation-mismatch", SENT, message(prepared=by(), to=plain["to"][:-2])),
        ("of another id", "preparation-mismatch", SENT, message(prepared=by(), id="01936f00-0000-7000-8000-000000000009")),
        ("of another time to answer", "preparation-mismatch", SENT, message(prepared=by(), respond_by="2026-11-24T09:00:00Z")),
        ("for another contact", "preparation-mismatch", SENT, message(prepared=by(contact=DEPUTY))),
        ("by a device of another office", "unknown-key", SENT, message(prepared=by(deputy))),
        ("by a device of another office, in its own name", "unknown-key", SENT, message(prepared=by(deputy, contact=DEPUTY))),
        ("by the hub", "unknown-key", SENT, message(prepared=by(HUB))),
        ("by nobody known", "unknown-key", SENT, message(prepared=by(signing_key("nobody")))),
        ("of another registry", "wrong-origin", SENT, message(prepared=by(origin="example.org/other"))),
        ("by a key replaced before the message was accepted", "key-ended", ROTATED, message(prepared=by())),
        ("at a head after its key was replaced", "key-ended", SENT, message(prepared=by(head=head(ROTATED)))),
        ("with a key not in force yet", "key-not-yet", 3, message(prepared=by(head=head(3)))),
    ]  # fmt: skip
    return [
        {"name": name, "expect": expect, "size": size, "message": made} for name, expect, size, made in rows
    ]


def build() -> str:
    """The text the file must hold."""
    document = {
        "about": "Messages whose own key was judged at `size`, and their preparations, by the log `entries`",
        "entries": [b64u(made.leaf) for made in entries()],
        "cases": cases(),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(build(), "utf-8")
