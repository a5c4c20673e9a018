"""The hook of a desk: a program of its own that is run once for each message received, after it verified.

It is told the id and what the envelope shows anyone who carries it; never the content, a subject or a name
of a person. At least once: a crash while it runs makes it run again. One after the other, beside receiving.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from poc.client.inbox import inbox_value
from poc.client.programs import run_program
from poc.client.trust import InboxRow
from poc.errors import PocError
from poc.limits import HOOK_SECONDS_MAX
from poc.logs import log_event

if TYPE_CHECKING:
    from poc.client.sdk import Desk

FACTS: Final = (
    "message", "from", "status", "exercise", "kind", "precedence", "sent_at", "arrived_at", "expires_at",
    "sequence", "state",
)  # fmt: skip
VARIABLES: Final = {
    "MESSAGE_ID": "message", "MESSAGE_STATUS": "status", "MESSAGE_PRECEDENCE": "precedence",
    "MESSAGE_KIND": "kind",
}  # fmt: skip
_BEGUN: Final = "hook-begun"
_RETRY_SECONDS: Final = 5


class Hook:
    """Runs ``on_message`` of the settings; where it is not set, does nothing.

    What was in the home before the hook first ran is passed over.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._woken = asyncio.Event()
        trust = desk.known.trust
        if desk.settings.on_message and trust.value(_BEGUN) is None:
            with trust.transaction():
                trust.pass_over_hooks()
                trust.set_value(_BEGUN, b"1")

    def wake(self) -> None:
        """Something may have come."""
        self._woken.set()

    async def run(self) -> None:
        """Run the program for what comes, until cancelled."""
        while self._desk.settings.on_message:
            self._woken.clear()
            try:
                await self.run_waiting()
            except PocError as error:  # the disk: tried again
                log_event("hook-failed", code=error.code)
                await asyncio.sleep(_RETRY_SECONDS)
            await self._woken.wait()

    async def run_waiting(self) -> int:
        """Run it for each message that waits; how many those were."""
        trust = self._desk.known.trust
        rows = {row.number: row for row in trust.inbox()} if (waiting := trust.unhooked()) else {}
        for number in waiting:
            value = header_facts(rows[number])
            facts = {name: str(value[member]) for name, member in VARIABLES.items()}
            given = json.dumps(value).encode() + b"\n"
            why = await run_program(self._desk.settings.on_message, facts, HOOK_SECONDS_MAX, given)
            if why is not None:
                log_event("hook-failed", code=why)
            trust.put_hooked(number)
        return len(waiting)


def header_facts(row: InboxRow) -> dict[str, Any]:
    """What a program may know of a message received: what its envelope shows, and nothing that is sealed."""
    value = inbox_value(row)
    return {"number": row.number, **{name: value[name] for name in FACTS}}
