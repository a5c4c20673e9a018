"""What this desk's people are reminded of: what falls due for their State, and what will open no more.

Worked out here from the verified directory, so no hub can hold it back. Each reminder is told once per
threshold (30, 7 and 1 days ahead, and when the time has passed); programs see all of them every time.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from poc.client.keeping import closing
from poc.client.known import Known
from poc.core.due import THRESHOLDS, Due, due_of
from poc.core.strictjson import canonical, format_time, parse, parse_time

TOLD: Final = "reminders-told"
_WORDS: Final = {
    "sealing-key": (
        "its sealing key is to be replaced",
        "that desk does it by itself when it runs `poc sync`",
    ),
    "signing-key": (
        "its signing key has served a year",
        "a new one is advised: `poc key rotate --signing` there",
    ),
    "authority-key": ("its authority's key has served two years", "a new one is advised: `poc state rotate`"),
    "confirmation": ("someone must say that it is still right", "run `poc contact confirm`"),
    "test": ("it counts as tested until then", "let it answer a ping: ask a controller, or `poc exercise`"),
}

_STANDING: Final = ("sealing-key", "confirmation")
"""Of these, what is overdue at this very desk is told beside every answer (``standing``)."""


def due_values(known: Known) -> list[dict[str, Any]]:
    """What falls due for this home's State, for programs: with the sentence and the next step."""
    return [_due_value(due) for due in _due(known)]


def _due(known: Known) -> tuple[Due, ...]:
    return due_of(known.directory, known.party or "", known.now())


def _due_value(due: Due) -> dict[str, Any]:
    return {**asdict(due), "at": format_time(due.at), "sentence": _sentence(due), "next": _WORDS[due.kind][1]}


def _sentence(due: Due) -> str:
    whose = due.party if due.device is None else f"{due.party} device {due.device}"
    when = f"OVERDUE since {format_time(due.at)}" if due.days == 0 else f"by {format_time(due.at)}"
    return f"{whose}: {_WORDS[due.kind][0]}, {when}"


def take_reminders(known: Known) -> list[str]:
    """What was not told yet, each with its next step; it counts as told from now on."""
    found = {_name(due): f"{_sentence(due)}: {_WORDS[due.kind][1]}" for due in _due(known)}
    for due in _due(known):
        if due.days == 0 and due.party == known.party and due.kind in _STANDING:
            del found[_name(due)]
    found |= _closing(known)
    told = set(_told(known))
    fresh = [text for name, text in found.items() if name not in told]
    # Of a locked home nothing is known of what closes: what was told of it must not be told again.
    kept = {name for name in told if name.startswith("closing:")} if known.keyring is None else set()
    known.trust.set_value(TOLD, canonical(sorted(found.keys() | kept)))
    return fresh


def _name(due: Due) -> str:
    return f"{due.kind}:{due.party}:{due.device or 0}:{format_time(due.at)}:{due.days}"


def _told(known: Known) -> list[str]:
    data = known.trust.value(TOLD)
    names: Any = [] if data is None else parse(data)
    return [str(name) for name in names]


def _closing(known: Known) -> dict[str, str]:
    """One reminder for each key that will be destroyed with messages sealed to it."""
    counts: dict[tuple[str, str], int] = {}
    for row in closing(known):
        named = (row["key"], row["opens_until"])
        counts[named] = counts.get(named, 0) + 1
    return {
        f"closing:{kid}:{_threshold(parse_time(until), known.now())}": (
            f"{count} message(s) here open until {until} and no longer, as their key is destroyed then: "
            "`poc message keep` names them, and keeps what you name"
        )
        for (kid, until), count in counts.items()
    }


def _threshold(at: datetime, now: datetime) -> int:
    return next((days for days in THRESHOLDS if at - now <= timedelta(days=days)), THRESHOLDS[-1])
