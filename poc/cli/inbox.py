"""``poc inbox follow``: receive, and write each message as it comes, for other programs.

The one command whose ``--json`` gives many values: one a line, as long as it runs.
"""

from __future__ import annotations

import argparse
import asyncio
import select
import sys
from typing import TYPE_CHECKING, Any, Final

from poc.cli.context import Context
from poc.cli.output import Result, print_json, short_id, warn
from poc.errors import UsageError

if TYPE_CHECKING:
    from poc.client.sdk import Desk

_TICK_SECONDS: Final = 0.5


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    follow = verbs.add_parser(
        "follow", help="receive until SIGINT, and write each verified message on a line of its own",
        epilog="With --json each line is one JSON object: `number` (of this home, for --after) and what the "
        "envelope shows. Nothing of the content is written; `poc message show` opens it. `on_message` of the "
        "settings is run beside.",
    )  # fmt: skip
    follow.add_argument(
        "--after", metavar="N", type=int, help="begin after this number; 0 writes all (default: what is new)"
    )
    follow.set_defaults(run=_follow)


async def _follow(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.hooks import Hook
    from poc.client.receiving import Receiving
    from poc.client.responder import until
    from poc.logs import start_logs
    from poc.serving.process import stop_asked

    if arguments.after is not None and arguments.after < 0:
        raise UsageError("usage", "--after takes a number of 0 or more")
    start_logs("info")
    stopped = stop_asked()
    async with context.desk(unlock=True) as desk:
        told = _Told(desk, arguments.after, as_json=context.as_json)
        receiving, hook = Receiving(desk), Hook(desk)

        async def after_each() -> None:
            if receiving.trouble is not None:
                warn(f"warning: not in step with the hub: {receiving.trouble}")
            hook.wake()

        async def work() -> None:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(receiving.run(after_each)), group.create_task(hook.run())]
                while not _has_hung_up():
                    told.write_new()
                    await asyncio.sleep(_TICK_SECONDS)
                for task in tasks:
                    task.cancel()

        await until(stopped, work())
    return Result(None, raw=b"")


class _Told:
    """What was written so far."""

    def __init__(self, desk: Desk, after: int | None, *, as_json: bool) -> None:
        self._desk = desk
        self._as_json = as_json
        waiting = desk.known.trust.verified_numbers()
        self._written = {number for number in waiting if after is None or number <= after}

    def write_new(self) -> None:
        """Write what is verified and was not written: also one that had to wait for a newer log."""
        from poc.client.hooks import header_facts

        trust = self._desk.known.trust
        new = [number for number in trust.verified_numbers() if number not in self._written]
        rows = {row.number: row for row in trust.inbox()} if new else {}
        for number in new:
            self._write(header_facts(rows[number]))
            self._written.add(number)

    def _write(self, value: dict[str, Any]) -> None:
        if self._as_json:
            print_json(value)
            return
        facts = " ".join(str(value[name]) for name in ("arrived_at", "status", "precedence", "kind", "from"))
        sys.stdout.write(f"{short_id(value['message'])} {facts}\n")
        sys.stdout.flush()


def _has_hung_up() -> bool:
    """Whether the program that reads our lines has gone; where it cannot be told, the next line tells."""
    try:
        watched = select.poll()
        watched.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):
        return False
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in watched.poll(0))
