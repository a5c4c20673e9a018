"""What came of the demo, read back from log and evidence, never from the script."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poc.client.exercises import recorded_answers
from poc.client.sdk import Desk
from poc.demo.cast import CONTROLLER
from poc.demo.scenes import EXERCISE, SENDER
from poc.demo.stage import Desks

PING_COUNTS = ("sent", "in_time", "late", "retrieved_only", "none")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The counts of the demo's last line."""

    states: int
    contacts: int
    entries: int
    messages: int
    acknowledged: int
    ping: dict[str, int]
    verified: bool
    witnesses: int
    quorum: int

    def value(self, seconds: float) -> dict[str, Any]:
        """The JSON object of the last line."""
        return {
            "states": self.states,
            "contacts": self.contacts,
            "entries": self.entries,
            "messages": self.messages,
            "acknowledged": self.acknowledged,
            "ping": self.ping,
            "verified": self.verified,
            "witnesses": self.witnesses,
            "quorum": self.quorum,
            "seconds": round(seconds, 1),
        }


def accepted_messages(desk: Desk) -> list[str]:
    """The messages of a desk that the hub signed for."""
    return [row.ref for row in desk.known.trust.outbox(state="accepted", kind="message")]


def acknowledged(desk: Desk) -> int:
    """Human acknowledgements recorded for a desk's messages, each verified with the hub's record of it."""
    answers = [
        answer for message in accepted_messages(desk) for answer in recorded_answers(desk.known, message)
    ]
    return sum(answer.outcome == "acknowledged" for answer in answers)


async def read_back(desks: Desks) -> Outcome:
    """Count from the verified log and evidence of the desks that sent; verify in a process apart."""
    senders = (desks[SENDER], desks[CONTROLLER])
    directory = desks[SENDER].directory
    tally = desks[CONTROLLER].tally(EXERCISE)
    return Outcome(
        states=sum(state.status == "enrolled" for state in directory.states.values()),
        contacts=sum(not contact.withdrawn for contact in directory.contacts.values()),
        entries=directory.size,
        messages=sum(len(accepted_messages(desk)) for desk in senders),
        acknowledged=sum(acknowledged(desk) for desk in senders),
        ping={name: tally.get(name, 0) for name in PING_COUNTS},
        verified=await verified(desks.home(SENDER)),
        witnesses=len(directory.seats),
        quorum=directory.quorum,
    )


async def verified(home: Path) -> bool:
    """Whether a separate ``poc verify`` finds the whole log of a home good."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "poc.cli.main", "--home", str(home), "verify", "--json",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if not name.startswith("POC_")},
    )  # fmt: skip
    return await process.wait() == 0
