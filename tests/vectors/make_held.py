"""Freezes what may be held of an envelope and what may not, as a hub judges it before it takes one.

    python -m tests.vectors.make_held

Nothing of `poc` judges here: the cases are stated. The log is that of ``tests/escalated_world.py``; of an
envelope only the header and what its slots say is given, the rest does not matter.
"""

# ruff: noqa: E501 (a case is one line)

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from poc.core.strictjson import b64u, format_time
from tests.escalated_world import DEPUTY, DUTY, JO, LIAISON, TECH, entries
from tests.message_world import NOW, ORIGIN, message_id, sealing_key, signing_key

PATH = Path(__file__).parent / "sealed" / "held.json"
MINUTE, SECOND, DAY = timedelta(minutes=1), timedelta(seconds=1), timedelta(days=1)
HASH = "A" * 43


def at(after: timedelta) -> str:
    return format_time(NOW + after)


def header(**changes: Any) -> dict[str, Any]:
    """The header of a message of two days, sent now."""
    return {
        "enc": "A256GCM", "typ": "poc-envelope+jwe", "v": 1, "origin": ORIGIN, "id": message_id(),
        "status": "test", "exercise": None, "from": {"contact": JO, "kid": signing_key(JO, 2).kid},
        "kind": "notification", "precedence": "priority", "sent_at": at(0 * DAY), "not_before": None,
        "respond_by": None, "respond_within_s": None, "expires_at": at(2 * DAY), "blobs": [],
        "commit": HASH, **changes,
    }  # fmt: skip


def slot(contact: str, sequence: int | None = None, device: int = 1, **changes: Any) -> dict[str, Any]:
    kid = sealing_key(contact, device).kid
    made = {"contact": contact, "kid": kid, "sequence": sequence, "release_at": None, "in_place_of": None}
    return {**made, **changes}


def held(contact: str, after: timedelta = 10 * MINUTE, device: int = 1, **changes: Any) -> dict[str, Any]:
    """A slot that is held, in place of sd.technical unless the case says otherwise."""
    named: dict[str, Any] = {"release_at": at(after), "in_place_of": TECH, **changes}
    return {**slot(contact, None, device), **named}


FIRST = slot(TECH, 1)
OWN = slot(JO, device=2)


def ahead(days: int, **changes: Any) -> dict[str, Any]:
    """The header of a message that goes out in so many days and lives for two."""
    return header(not_before=at(days * DAY), expires_at=at((days + 2) * DAY), **changes)


def cases() -> list[dict[str, Any]]:
    """Every case: a header, what the slots say, the hub's clock, and what becomes of it."""
    plain = slot(TECH)
    rows: list[tuple[str, str, list[dict[str, Any]], dict[str, Any]]] = [
        ("nothing held", "ok", [FIRST, OWN], {}),
        ("an alternate", "ok", [FIRST, held(DEPUTY)], {}),
        ("both devices of an alternate", "ok", [FIRST, held(DEPUTY), held(DEPUTY, device=2)], {}),
        ("the duty contact", "ok", [FIRST, held(DUTY)], {}),
        ("three, one after the other", "ok", [FIRST, held(DEPUTY), held(LIAISON, 2 * DAY - SECOND), held(DUTY), OWN], {}),
        ("the slot of the alternate comes first", "ok", [held(DEPUTY), FIRST], {}),
        ("an alternate as an addressee", "ok", [FIRST, slot(DEPUTY, 4)], {}),
        ("a second after it is sent", "ok", [FIRST, held(DEPUTY, SECOND)], {}),
        ("a held message", "ok", [plain, OWN], ahead(1)),
        ("an alternate in a held message", "ok", [plain, held(DEPUTY, DAY + SECOND)], ahead(1)),
        ("a message held for 90 days", "ok", [plain], ahead(90)),
        ("an alternate held for 90 days", "ok", [plain, held(DEPUTY, 90 * DAY)], ahead(89)),
        ("held, to be answered as it expires", "ok", [plain], ahead(1, respond_by=at(3 * DAY))),
        ("a time without a contact it is in place of", "bad-held-slot", [FIRST, held(DEPUTY, in_place_of=None)], {}),
        ("in place of an addressee, at once", "bad-held-slot", [FIRST, held(DEPUTY, release_at=None, sequence=1)], {}),
        ("a held slot of the sender's own", "bad-held-slot", [FIRST, held(JO, device=2)], {}),
        ("in place of the sender", "bad-held-slot", [FIRST, OWN, held(DUTY, in_place_of=JO)], {}),
        ("in place of nobody addressed", "bad-held-slot", [slot(DUTY, 1), held(DEPUTY)], {}),
        ("in place of another that is held", "bad-held-slot", [FIRST, held(DEPUTY), held(DUTY, in_place_of=DEPUTY)], {}),
        ("in place of itself", "bad-held-slot", [slot(DUTY, 1), held(TECH)], {}),
        ("released as it is sent", "bad-held-slot", [FIRST, held(DEPUTY, 0 * DAY)], {}),
        ("released before it is sent", "bad-held-slot", [FIRST, held(DEPUTY, -SECOND)], {}),
        ("released as it expires", "bad-held-slot", [FIRST, held(DEPUTY, 2 * DAY)], {}),
        ("released with a held message", "bad-held-slot", [plain, held(DEPUTY, DAY)], ahead(1)),
        ("released before a held message", "bad-held-slot", [plain, held(DEPUTY)], ahead(1)),
        ("two devices at two times", "bad-held-slot", [FIRST, held(DEPUTY), held(DEPUTY, 11 * MINUTE, 2)], {}),
        ("the reverse: an addressee in place of its alternate", "not-alternate", [slot(DEPUTY, 1), held(TECH, in_place_of=DEPUTY)], {}),
        ("an alternate of another", "not-alternate", [slot(DUTY, 1), held(DEPUTY, in_place_of=DUTY)], {}),
        ("an alternate of the same addressee", "not-alternate", [slot(LIAISON, 1), held(DEPUTY, in_place_of=LIAISON)], {}),
        ("the duty contact in place of an alternate", "ok", [slot(DEPUTY, 1), held(DUTY, in_place_of=DEPUTY)], {}),
        ("nobody", "unknown-contact", [FIRST, held("sd.nobody")], {}),
        ("a key that is none of its devices'", "stale-slot-key", [FIRST, held(DEPUTY, device=3)], {}),
        ("a message held for longer", "held-too-long", [plain], header(not_before=at(90 * DAY + SECOND), expires_at=at(92 * DAY))),
        ("an alternate held for longer", "held-too-long", [plain, held(DEPUTY, 90 * DAY + SECOND)], ahead(89)),
        ("a number in a held slot", "bad-sequence", [FIRST, held(DEPUTY, sequence=1)], {}),
        ("a number in a held message", "bad-sequence", [FIRST], ahead(1)),
        ("a number in a slot of the sender's own", "bad-sequence", [FIRST, slot(JO, 1, 2)], {}),
        ("no number where one is due", "bad-sequence", [plain], {}),
        ("two numbers for one contact", "bad-sequence", [slot(DEPUTY, 1), slot(DEPUTY, 2, 2)], {}),
        ("nobody but the sender", "no-addressee", [OWN], {}),
        ("held until it expires", "bad-times", [plain], header(not_before=at(2 * DAY))),
        ("to be answered as it is sent", "bad-times", [FIRST], header(respond_by=at(0 * DAY))),
        ("to be answered before it goes out", "bad-times", [plain], ahead(1, respond_by=at(DAY))),
        ("to be answered after it expires", "bad-times", [FIRST], header(respond_by=at(2 * DAY + SECOND))),
        ("sent five minutes ahead of the hub", "ok", [slot(TECH, 1)], header(sent_at=at(5 * MINUTE))),
        ("sent further ahead", "sent-in-future", [FIRST], header(sent_at=at(5 * MINUTE + SECOND))),
        ("expired", "expired", [FIRST], header(sent_at=at(-2 * DAY), expires_at=at(0 * DAY))),
    ]  # fmt: skip
    return [
        {"name": name, "expect": expect, "header": made or header(), "slots": slots}
        for name, expect, slots, made in rows
    ]


def build() -> str:
    """The text the file must hold."""
    document = {
        "about": "Headers and slots as a hub judges them at `now`, at the end of the log `entries`",
        "now": format_time(NOW),
        "entries": [b64u(made.leaf) for made in entries()],
        "cases": cases(),
    }
    return json.dumps(document, indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(build(), "utf-8")
