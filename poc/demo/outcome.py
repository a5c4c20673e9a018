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
from poc.client.view import message_view
from poc.core.proof import EvidenceReport
from poc.demo.cast import CONTROLLER, DUTY, PREPARING_HOME
from poc.demo.messages import CLEARED_TO, LARGE_SENDER, LARGE_TO
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
    escalation: dict[str, str]
    attachment: dict[str, Any]
    clearance: dict[str, Any]

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
            "escalation": self.escalation,
            "attachment": self.attachment,
            "clearance": self.clearance,
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


async def read_back(desks: Desks, urgent: EvidenceReport, large: str, cleared: str) -> Outcome:
    """Count from the verified log and evidence of the desks that sent; verify in a process apart.

    ``urgent`` is the evidence of the message nobody answered in time; ``large`` and ``cleared`` are the ids
    of the message with the large attachment and of the one that was prepared.
    """
    senders = (desks[SENDER], desks[CONTROLLER])
    directory = desks[SENDER].directory
    tally = desks[CONTROLLER].tally(EXERCISE)
    return Outcome(
        states=sum(state.status == "enrolled" for state in directory.states.values()),
        contacts=sum(not c.withdrawn and c.id != DUTY for c in directory.contacts.values()),
        entries=directory.size,
        messages=sum(len(accepted_messages(desk)) for desk in senders),
        acknowledged=sum(acknowledged(desk) for desk in senders),
        ping={name: tally.get(name, 0) for name in PING_COUNTS},
        verified=await verified(desks.home(SENDER)),
        witnesses=len(directory.seats),
        quorum=directory.quorum,
        escalation=escalation(urgent),
        attachment=attachment(desks, large),
        clearance=clearance(desks, cleared),
    )


def escalation(proof: EvidenceReport) -> dict[str, str]:
    """Who got a message in whose place, by its evidence: for each event, the contact it is about."""
    found = {}
    for name in ("expired", "released", "acknowledged", "not-needed"):
        contacts = sorted({e.contact for e in proof.timeline if e.event == name and e.contact is not None})
        found[name.replace("-", "_")] = " ".join(contacts)
    return found


def attachment(desks: Desks, message: str) -> dict[str, Any]:
    """The attachment that travelled apart, as its recipient has it; reading it verifies it."""
    sender, recipient = desks[LARGE_SENDER], desks[LARGE_TO]
    data = recipient.read_attachment(recipient.show(message), 1)
    return {"bytes": len(data), "same": data == sender.read_attachment(sender.show(message), 1)}


def clearance(desks: Desks, message: str) -> dict[str, Any]:
    """The prepared message as it is read at its recipient's: its text code, and a field in two languages."""
    reader = desks[CLEARED_TO]
    view = message_view(reader.known, reader.show(message))
    code = desks[PREPARING_HOME].draft(message).code
    (field,) = view["form"]["fields"]
    return {
        "text_code": view["text_code"],
        "same": code == view["text_code"],
        **{language: field["shown"][language] for language in ("ar", "en")},
    }


async def verified(home: Path) -> bool:
    """Whether a separate ``poc verify`` finds the whole log of a home good."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "poc.cli.main", "--home", str(home), "verify", "--json",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if not name.startswith("POC_")},
    )  # fmt: skip
    return await process.wait() == 0
