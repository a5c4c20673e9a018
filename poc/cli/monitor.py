"""``poc monitor``: what a State's watch officer must see of the log since the last time; also by mail.

For cron: exit code 0 whether there is something or not, unless ``--exit-code``; 3 where the hub could not
be reached, 1 where it contradicts what it signed before.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from poc.cli.context import Context
from poc.cli.output import Result, show, warn
from poc.core.form import state_of
from poc.errors import PocError, UnreachableError, UsageError

if TYPE_CHECKING:
    from poc.client.monitor import Findings
    from poc.client.sdk import Desk

FOLLOW_SECONDS: Final = 60
FOLLOW_SECONDS_MIN: Final = 1
_KEPT_MAX: Final = 1_000
_EPILOG: Final = (
    "Exit code 0 with and without events, so that cron tells faults only; with --exit-code 1 where there is "
    "an event or an alarm. 3: the hub could not be reached, and what is known here was told. 1: the hub "
    "contradicts what it signed before."
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command; it has no verbs."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "--state", metavar="XX", help="the State to watch for, by id or name (default: one's own)"
    )
    parser.add_argument(
        "--since", metavar="N", type=int,
        help="tell from this entry of the log on; the next run still begins where the last one ended",
    )  # fmt: skip
    parser.add_argument(
        "--mail", action="store_true", help="send what is new by mail, as config.toml says"
    )  # fmt: skip
    parser.add_argument(
        "--follow", metavar="SECONDS", type=int, nargs="?", const=FOLLOW_SECONDS,
        help=f"look again every so often (default: {FOLLOW_SECONDS}) until SIGTERM",
    )  # fmt: skip
    parser.add_argument("--exit-code", action="store_true", help="end with 1 where there is something to see")
    parser.set_defaults(run=_run)


async def _run(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.keyring import KEYRING_NAME
    from poc.outgoing.mail import check_mail_settings

    if arguments.since is not None and (arguments.since < 0 or arguments.follow is not None):
        raise UsageError("usage", "--since takes an entry's number and does not go with --follow")
    if arguments.follow is not None and arguments.follow < FOLLOW_SECONDS_MIN:
        raise UsageError("usage", f"--follow takes {FOLLOW_SECONDS_MIN} second or more")
    async with context.desk(unlock=(context.home / KEYRING_NAME).exists()) as desk:
        state = _state(desk, arguments.state)
        if arguments.mail:
            check_mail_settings(desk.settings, "mail_to")
        if arguments.follow is not None:
            return await _follow(desk, state, arguments, context)
        findings = await desk.monitor(state, arguments.since)
        if arguments.mail:
            await _mail(desk, findings, context)
        await desk.has_seen(findings)
        return _result(findings, desk.warnings(), exit_code=arguments.exit_code)


def _state(desk: Desk, named: str | None) -> str:
    from poc.client.lookup import find_state

    if named is None:
        if desk.party is None:
            raise UsageError("usage", "this home is nobody's: name the State with --state")
        return state_of(desk.party)
    asked = named.lower()  # a State that left, or that has listed contacts only, is still to be watched
    if asked in desk.directory.states or any(c.state == asked for c in desk.directory.contacts.values()):
        return asked
    return find_state(desk.directory, named)


# --- telling -----------------------------------------------------------------------------------


def _result(findings: Findings, warnings: list[str], *, exit_code: bool) -> Result:
    code = 0
    if findings.contradicted:
        code = 1
    elif not findings.reached:
        code = 3
    elif exit_code and (findings.events or findings.alarms):
        code = 1
    told = [alarm.text for alarm in findings.alarms]
    rest = [warning for warning in warnings if warning not in told]
    if not findings.reached:
        rest.insert(0, "the hub could not be reached; this is what is known here")
    return Result(findings.to_json(), lines=_lines(findings), warnings=rest, exit_code=code)


def _lines(findings: Findings) -> list[str]:
    from poc.client.mail import event_line

    lines = [f"ALARM: {alarm.text}" for alarm in findings.alarms]
    lines += [event_line(event) for event in findings.events]
    lines += [f"not yet in effect: {pending.text}" for pending in findings.pending]
    return lines or [f"nothing new for {findings.state} up to entry {findings.following - 1}"]


async def _mail(desk: Desk, findings: Findings, context: Context) -> None:
    """Send what is new: events, or alarms that did not stand the last time. Raises as ``send_mail``."""
    from poc.client.mail import write_mail
    from poc.outgoing.mail import send_mail

    standing = ",".join(sorted({alarm.code for alarm in findings.alarms})).encode()
    name = f"monitor-mailed-{findings.state}"
    news = any(event.kind != "unreadable" for event in findings.events)
    if news or (standing and standing != desk.known.trust.value(name)):
        await send_mail(write_mail(findings, desk.settings, context.now()), desk.settings)
    desk.known.trust.set_value(name, standing)


# --- following ---------------------------------------------------------------------------------


async def _follow(desk: Desk, state: str, arguments: argparse.Namespace, context: Context) -> Result:
    """Look again and again. With ``--json`` events go to standard error; the one value comes at the end."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    told: list[dict[str, Any]] = []
    shown: set[tuple[int, str, str]] = set()  # what was not mailed, or cannot be read, is found again
    looks = 0
    last: tuple[str, ...] = ()
    while not stop.is_set():
        findings = await _look_again(desk, state, context, mail=arguments.mail)
        looks += 1
        if findings is not None:
            alarms = tuple(alarm.code for alarm in findings.alarms)
            fresh = [e for e in findings.events if (e.index, e.kind, e.subject) not in shown]
            if fresh or alarms != last:
                _tell(replace(findings, events=tuple(fresh)), as_json=context.as_json)
            last = alarms
            shown |= {(e.index, e.kind, e.subject) for e in fresh}
            told = [*told, *(event.to_json() for event in fresh)][-_KEPT_MAX:]
            if findings.contradicted:
                break
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), arguments.follow)
    value = {"state": state, "looks": looks, "events": told, "alarms": list(last)}
    return Result(value, exit_code=0 if stop.is_set() else 1)


async def _look_again(desk: Desk, state: str, context: Context, *, mail: bool) -> Findings | None:
    """One look of many; ``None`` where this moment does not allow it: another command writes, or no disk."""
    try:
        findings = await desk.monitor(state)
        if await _sent(desk, findings, context, mail=mail):
            await desk.has_seen(findings)
    except PocError as error:
        if error.code != "home-in-use" and not isinstance(error, UnreachableError):
            raise
        warn(f"warning: {error.message} [{error.code}]")
        return None
    return findings


async def _sent(desk: Desk, findings: Findings, context: Context, *, mail: bool) -> bool:
    """Whether these findings need not be told again: a mail that failed is tried again at the next look."""
    if not mail:
        return True
    try:
        await _mail(desk, findings, context)
    except PocError as error:
        warn(f"warning: {error.message} [{error.code}]")
        return False
    return True


def _tell(findings: Findings, *, as_json: bool) -> None:
    lines = _lines(findings)
    if as_json:
        for line in lines:
            warn(line)
    else:
        show(Result(None, lines=lines), as_json=False)
