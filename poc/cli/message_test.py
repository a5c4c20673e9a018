"""``poc message test-desk``: send a test to the echo and say, step by step, what works."""

from __future__ import annotations

import argparse
from typing import Any, Final

from poc.cli import words
from poc.cli.context import Context
from poc.cli.output import Result, Table, both_times, warn
from poc.core.strictjson import parse_time

_SECONDS: Final = 60


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "test-desk", help="test this desk now: send a test to the echo and follow it until its reply is here"
    )
    parser.add_argument("--to", metavar="ID", help="the contact to test with (default: the registry's echo)")
    parser.add_argument(
        "--within", metavar="DURATION", type=words.duration, default=_SECONDS,
        help="how long to wait for the reply (default: 60s)",
    )  # fmt: skip
    parser.set_defaults(run=_run)


async def _run(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.preview import find_addressee
    from poc.client.self_test import STEPS, echo_contact, run_self_test

    async with context.desk(unlock=True) as desk:
        to = echo_contact(desk) if arguments.to is None else find_addressee(desk.known, arguments.to)
        warn(f"a test to {to}; waiting up to {arguments.within} s for its reply / اختبار إلى {to}")
        test = await run_self_test(desk, to, arguments.within, warn)
        warnings = desk.warnings()
    rows = [
        ("works" if at else "missing", STEPS[name]["en"], STEPS[name]["ar"],
         both_times(parse_time(at)) if at else "")
        for name, at in test.steps.items()
    ]  # fmt: skip
    value = test.to_json()
    notes = ["this desk works / هذا المكتب يعمل"]
    if test.missing is not None:
        notes = [f"next: {value['next_step']['en']}", f"الخطوة التالية: {value['next_step']['ar']}"]
    if test.trouble is not None:
        notes.append(f"the hub said, or the last sync failed with: {test.trouble}; `poc sync` says more")
    code = 0 if test.missing is None else 3 if test.missing == "accepted" and test.trouble else 1
    headings = ("", "step", "الخطوة", "when")
    return Result(value, [f"message     {test.message}"], [Table(headings, rows)], warnings, code, notes)
