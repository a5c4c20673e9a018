"""Freezes what a nudge says: short numbers, texts, and bodies of webhooks with the headers that sign them.

    python -m tests.vectors.make_nudge

The secret of a webhook is made of the label ``webhook``, as keys are everywhere (docs/spec/README.md).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from poc.core.form import Status
from poc.core.nudge import (
    PRECEDENCES,
    Notice,
    code_notice,
    nudge_id,
    short_number,
    trial_notice,
    unread_notice,
    webhook_headers,
)
from poc.core.strictjson import domain_hash

PATH = Path(__file__).parent / "nudge" / "nudges.json"
AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
SECRET = domain_hash("poc/1 test key", b"webhook")
MESSAGE, CONTACT = "019ca8b2-6c00-7000-8000-0000000000{:02d}", "sd.technical"


def cases() -> list[dict[str, Any]]:
    """One nudge of every status and precedence, then a code and a trial."""
    made: list[tuple[str, str, Notice]] = []
    for status in get_args(Status):
        for precedence in PRECEDENCES:
            message = MESSAGE.format(len(made))
            number = short_number(message, CONTACT)
            notice = unread_notice(status, precedence, number, ("ar", "en"))
            made.append((f"{status} {precedence}", message, notice))
    made.append(("a code", "", code_notice("012345", ("en", "ar"))))
    made.append(("a trial", "", trial_notice(("en",))))
    return [
        {
            "name": name,
            "expect": "ok",
            "message": message,
            "contact": CONTACT,
            "step": 0,
            "address": 7,
            "short_number": notice.number,
            "subject": notice.subject,
            "text": notice.text,
            "body": (body := notice.payload(AT)).decode(),
            "headers": webhook_headers(SECRET, nudge_id(message, CONTACT, 0, 7), AT, body),
        }
        for name, message, notice in made
    ]


def build() -> str:
    """The text the file must hold."""
    document = {"about": "Nudges, as mail and as webhooks signed by one secret", "cases": cases()}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(build(), "utf-8")
