"""``poc responder``: receive around the clock and raise the alarm; its status; silence; the echo."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from poc.cli.context import Context
from poc.cli.output import Result, Table, both_times, short_id, warn
from poc.core.strictjson import parse_time
from poc.errors import RefusedError

if TYPE_CHECKING:
    from poc.client.alarms import Ring

_BELLS = {"actual": "\a\a\a\a\a", "fault": "\a\a\a", "practice": "\a"}


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    run = verbs.add_parser(
        "run", help="receive, verify, record retrievals and raise the alarm, until SIGTERM",
        epilog="Its device should have `retrieve` alone. Somebody looks with `poc message inbox` or `show` "
        "at this home, or `poc responder silence`; an answer by any device of the contact ends it too.",
    )  # fmt: skip
    run.add_argument(
        "--allow-more", action="store_true",
        help="run although the device may acknowledge, send or change; whoever takes the machine could",
    )  # fmt: skip
    run.set_defaults(run=_run)
    status = verbs.add_parser("status", help="whether one runs here, and what rings; no passphrase")
    status.add_argument(
        "--exit-code", action="store_true", help="end with 1 where none runs, it is in trouble or alarms ring"
    )
    status.set_defaults(run=_status)
    verbs.add_parser("silence", help="end every alarm that rings; no passphrase").set_defaults(run=_silence)
    verbs.add_parser(
        "try",
        help="ring once as for an exercise, to hear that the sound and the command of the settings work",
    ).set_defaults(run=_try)
    verbs.add_parser(
        "echo", help="answer every message of status test, until SIGTERM: for an echo contact"
    ).set_defaults(run=_echo)


async def _run(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.responder import Responder, check_rights, sole_responder, until
    from poc.logs import start_logs
    from poc.serving.process import stop_asked

    async with context.desk(unlock=True) as desk, sole_responder(context.home):
        if desk.known.trust.value("synced-at") is None:
            await desk.sync()  # before the first sync nothing is known of this home's device
        more = check_rights(desk.known)
        if more and not arguments.allow_more:
            raise RefusedError("responder-may-more", ", ".join(more))
        if more:
            warn(f"warning: this device may also {', '.join(more)}: whoever takes this machine can do so")
        start_logs("info")
        await until(stop_asked(), Responder(desk, _show_on(context)).run())
        open_alarms = len(desk.known.trust.open_alarms())
    return Result({"stopped": True, "alarms": open_alarms}, [f"stopped; {open_alarms} alarms ring on"])


def _show_on(context: Context) -> Any:
    """How a ring is shown: on the terminal with its bells; with ``--json`` on standard error alone."""

    def show(ring: Ring) -> None:
        stream = sys.stderr if context.as_json else sys.stdout
        bells = _BELLS[ring.voice] if stream.isatty() else ""
        stream.write(bells + "\n".join(ring.lines()) + "\n")
        stream.flush()

    return show


async def _status(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.responder import responder_status

    async with context.desk() as desk:
        value = responder_status(desk.known, context.home)
        warnings = desk.warnings()
    lines = ["a responder runs here" if value["running"] else "no responder runs here"]
    for name, label in (
        ("began_at", "began"), ("alive_at", "last seen alive"), ("reached_at", "last reached the hub")
    ):  # fmt: skip
        lines.append(f"{label}: {both_times(parse_time(value[name])) if value[name] else 'never'}")
    if value["trouble"]:
        lines.append(f"trouble: {value['trouble']}; `poc sync` says more")
    lines.append(f"stream of the inbox: {'open' if value['streaming'] else 'closed; it asks every so often'}")
    rows = [
        (alarm["kind"], short_id(alarm["message"]) if alarm["message"] else "", alarm["status"],
         alarm["precedence"], both_times(parse_time(alarm["raised_at"])), str(alarm["rung"]))
        for alarm in value["alarms"]
    ]  # fmt: skip
    headings = ("alarm", "message", "status", "precedence", "since", "rung")
    bad = not value["running"] or value["trouble"] or value["alarms"]
    code = 1 if arguments.exit_code and bad else 0
    notes = [] if rows else ["no alarm rings"]
    return Result(value, lines, [Table(headings, rows)], warnings, code, notes)


async def _silence(context: Context, _arguments: argparse.Namespace) -> Result:
    from poc.core.strictjson import format_time

    async with context.desk() as desk:
        ended = desk.known.trust.end_alarms("silenced", format_time(context.now()))
    lines = [f"{ended} alarms ended / أُسكت {ended} من الإنذارات", "read what came: poc message inbox"]
    return Result({"silenced": ended}, lines)


async def _try(context: Context, _arguments: argparse.Namespace) -> Result:
    from poc.client.alarms import trial_ring
    from poc.client.responder import sound

    async with context.desk() as desk:
        ring = trial_ring(context.now())
        _show_on(context)(ring)
        failed = await sound(desk.settings, ring)
        settings = desk.settings
    unset = [
        name for name, value in (
            ("alarm_practice_sound", settings.alarm_practice_sound), ("alarm_command", settings.alarm_command)
        ) if not value
    ]  # fmt: skip
    told = [f"{name} is not set: nothing was run for it" for name in unset]
    told += [f"the {name} failed: see config.toml and run this again" for name in failed]
    return Result({"failed": failed, "unset": unset}, [], warnings=told, exit_code=1 if failed else 0)


async def _echo(context: Context, _arguments: argparse.Namespace) -> Result:
    from poc.client.echo import Echo, check_echo
    from poc.client.receiving import Receiving
    from poc.client.responder import until
    from poc.logs import start_logs
    from poc.serving.process import stop_asked

    async with context.desk(unlock=True) as desk:
        if desk.known.trust.value("synced-at") is None:
            await desk.sync()
        check_echo(desk.known)
        echo = Echo(desk)
        start_logs("info")
        await until(stop_asked(), Receiving(desk).run(echo.answer_waiting))
    value = {"acknowledged": echo.acknowledged, "replied": echo.replied}
    return Result(value, [f"acknowledged {echo.acknowledged}, replied to {echo.replied}"])
