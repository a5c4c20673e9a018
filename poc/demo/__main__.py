"""``make demo``: the whole channel on one machine, from genesis to a ping, in well under a minute.

Settings come from the environment, as ``make`` hands them on: DEMO_DIR, PORT, ONCE, ATTACH. Progress
goes to standard error, tables to standard output; with ONCE=1 the last line of it is one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiohttp

from poc.cli.output import Result, Table, show, show_error
from poc.client.lookup import Query
from poc.client.sdk import Desk
from poc.core.draft import AttachmentBytes, blob_sizes
from poc.core.proof import EvidenceReport, verify_evidence
from poc.core.strictjson import format_time
from poc.demo import cast, messages, scenes
from poc.demo.cast import CONTROLLER, PREPARING_HOME, REGISTRARS
from poc.demo.outcome import Outcome, read_back
from poc.demo.scenes import Notified
from poc.demo.stage import Desks, Server, make_folder, make_keys, running_hub, running_witness
from poc.errors import PocError, UsageError
from poc.keyring import Keyring
from poc.limits import BLOB_BYTES_MAX

_OPEN: Final = {True: "yes", False: "no", None: "unknown"}


@dataclass(frozen=True, slots=True)
class Options:
    """What the environment asks for."""

    folder: Path
    port: int
    once: bool
    attachment: AttachmentBytes


def options() -> Options:
    """Read the environment. Raises ``usage``, ``no-such-file``, ``attachments-too-large``."""
    port, attach = os.environ.get("PORT", ""), os.environ.get("ATTACH", "")
    if port and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
        raise UsageError("usage", "PORT is a number from 1 to 65535")
    if attach and not Path(attach).is_file():
        raise UsageError("no-such-file", f"ATTACH {attach}")
    attachment = scenes.advisory(Path(attach) if attach else None)
    blob_sizes((attachment,), BLOB_BYTES_MAX)
    folder = os.environ.get("DEMO_DIR", "")
    once = os.environ.get("ONCE", "") not in {"", "0"}
    return Options(
        Path(folder or ".demo").resolve(),
        int(port or 0),
        once,
        attachment,
    )


@dataclass(frozen=True, slots=True)
class Played:
    """The messages of the scenes: the notification, and the ids of the others."""

    notified: Notified
    urgent: str
    large: str
    cleared: str


class Progress:
    """One line on standard error for each scene, drawn anew on a terminal while it goes on."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def scene(self, name: str, total: int = 1) -> Callable[[int], None]:
        """Begin a scene of ``total`` steps; call the result with how many are done."""
        live = sys.stderr.isatty()

        def told(done: int) -> None:
            if live or done == total:
                seconds = time.monotonic() - self.began
                end = "\n" if done == total else "\r"
                sys.stderr.write(f"{seconds:5.1f} s  {name}: {done} of {total}{end}")
                sys.stderr.flush()

        return told


async def play(given: Options, progress: Progress) -> bool:
    """The whole demo; whether its log verified. The hub is stopped whatever happens."""
    make_folder(given.folder)
    _stop_on_sigterm()
    homes = cast.homes()
    async with aiohttp.ClientSession() as http:
        desks = Desks(given.folder / "desks", http)
        await desks.make(homes, progress.scene("homes with keys", len(homes)))
        hub_home = given.folder / "hub"
        hub_keys = await asyncio.to_thread(make_keys, hub_home, cast.ORIGIN)
        fingerprint = await scenes.found(hub_home, hub_keys, desks)
        async with (
            running_hub(hub_home, given.port) as hub,
            _witnesses(
                given.folder / "witnesses",
                partial(scenes.watch, hub_keys=hub_keys, hub_url=hub.url, fingerprint=fingerprint),
                progress,
            ) as witnesses,
        ):
            try:
                await desks.join(hub.url, fingerprint, progress.scene("desks joined", len(homes)))
                played = await _scenes(given, desks, witnesses, progress)
                verified = await _show(desks, progress, played)
            finally:
                await desks.close()
            if not given.once:
                await _until_interrupted(given, hub.url)
            return verified


@dataclass(frozen=True, slots=True)
class _Witness:
    """One of the witnesses: its keys, and its process."""

    keys: Keyring
    server: Server


@asynccontextmanager
async def _witnesses(
    folder: Path, watch: Callable[[Path], Awaitable[None]], progress: Progress
) -> AsyncIterator[dict[str, _Witness]]:
    """Each witness as a process of its own, watching the demo's log."""
    told = progress.scene("witnesses started", len(cast.WITNESSES))
    async with AsyncExitStack() as stack:
        running = {}
        for number, witness in enumerate(cast.WITNESSES, 1):
            home = folder / witness
            keys = await asyncio.to_thread(make_keys, home, witness, "witness")
            await watch(home)
            running[witness] = _Witness(keys, await stack.enter_async_context(running_witness(home)))
            told(number)
        yield running


def _stop_on_sigterm() -> None:
    """Let SIGTERM end the demo as Ctrl-C does, so that no hub is left behind."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _scenes(given: Options, desks: Desks, witnesses: dict[str, _Witness], progress: Progress) -> Played:
    contacts = [contact.id for contact in cast.offices()]
    await desks.sync(REGISTRARS, progress.scene("registrars synced", len(REGISTRARS)))
    await scenes.enrol_states(desks, progress.scene("States enrolled", len(cast.states())))
    await scenes.seat_witnesses(
        desks,
        {name: witness.keys for name, witness in witnesses.items()},
        {name: witness.server.url for name, witness in witnesses.items()},
        progress.scene("witnesses of three States appointed", len(witnesses)),
    )
    await scenes.appoint_controller(desks)
    authorities = [state.id for state in cast.states()]
    await desks.sync(authorities, progress.scene("authorities synced", len(authorities)))
    await scenes.nominate_contacts(desks, progress.scene("contacts nominated", len(contacts)))
    await desks.sync([CONTROLLER], progress.scene("controller synced"))
    await scenes.open_exercise(desks)
    await witnesses[cast.WITNESSES[-1]].server.stop()
    progress.scene(f"{cast.WITNESSES[-1]} falls silent; two of three go on")(1)
    devices = [*contacts, PREPARING_HOME]
    await desks.sync(devices, progress.scene("contacts synced", len(devices)))
    notified = await scenes.notify(desks, given.attachment)
    progress.scene("notification acknowledged")(1)
    urgent = await messages.send_urgent(desks)
    # From here on the log does not grow: the rest is done until the time to answer has passed.
    meanwhile = _meanwhile(desks, [*authorities, *REGISTRARS], progress)
    told = progress.scene("pings answered or retrieved", len(scenes.awake()))
    large, cleared = await scenes.ping(desks, told, meanwhile)
    await messages.stand_in(desks, urgent)
    progress.scene("nobody answered in time: its alternate did")(1)
    rest = [*devices, CONTROLLER]
    await desks.sync(rest, progress.scene("last sync of contacts and controller", len(rest)))
    return Played(notified, urgent, large, cleared)


async def _meanwhile(desks: Desks, offices: list[str], progress: Progress) -> tuple[str, str]:
    """What is done while the pings wait: the last sync of some desks, and two messages; gives their ids."""
    await desks.sync(offices, progress.scene("last sync of authorities and registrars", len(offices)))
    large = await messages.send_large(desks)
    progress.scene("large attachment sent, fetched, verified")(1)
    cleared = await messages.clear(desks)
    progress.scene("form in Arabic prepared by a second device, released, read in English")(1)
    return large, cleared


async def _show(desks: Desks, progress: Progress, played: Played) -> bool:
    sender, urgent_sender = desks[scenes.SENDER], desks[messages.URGENT_SENDER]
    proof = await _proof(sender, played.notified.message)
    urgent = await _proof(urgent_sender, played.urgent)
    outcome = await read_back(desks, urgent, played.large, played.cleared)
    _print_tables(sender, played.notified, proof, urgent, outcome)
    sys.stdout.write(json.dumps(outcome.value(time.monotonic() - progress.began)) + "\n")
    sys.stdout.flush()
    return outcome.verified


async def _proof(desk: Desk, message: str) -> EvidenceReport:
    return verify_evidence(await desk.evidence(message), desk.directory.fingerprint)


def _timeline(proof: EvidenceReport, title: str) -> Table:
    steps = [[format_time(event.at), event.event, event.who, event.contact or ""] for event in proof.timeline]
    return Table(("at (UTC)", "event", "by", "contact"), steps, title=title)


def _print_tables(
    sender: Desk, notified: Notified, proof: EvidenceReport, urgent: EvidenceReport, outcome: Outcome
) -> None:
    found = sender.lookup(Query(state="السودان")).contacts
    cells = [
        [
            c.contact,
            " / ".join(c.state_names.values()),
            c.names.get("ar", ""),
            c.zone or "",
            _OPEN[c.reachable_now],
        ]
        for c in found
    ]
    looked_up = Table(("contact", "State", "office", "zone", "open now"), cells, title="Looked up: السودان")
    title = f"The notification with {notified.attachment}, by its evidence; voice code {notified.voice_code}"
    message = _timeline(proof, title)
    title = (
        f"{cast.ADDRESSEE} did not answer in time, by the evidence: its alternate did, nobody else was woken"
    )
    escalated = _timeline(urgent, title)
    counts = [[name.replace("_", " "), str(number)] for name, number in outcome.ping.items()]
    ping = Table(("ping", "contacts"), counts, title="Announced ping")
    total = [
        [name, _shown(value)] for name, value in outcome.value(0).items() if name not in {"ping", "seconds"}
    ]
    totals = Table(("what", "count"), total, title="Read back from log and evidence")
    show(Result(None, tables=[looked_up, message, escalated, ping, totals]), as_json=False)


def _shown(value: Any) -> str:
    return (
        ", ".join(f"{name} {_shown(one)}" for name, one in value.items())
        if isinstance(value, dict)
        else str(value)
    )


async def _until_interrupted(given: Options, url: str) -> None:
    """Stay up and say how to go on by hand, until Ctrl-C or SIGTERM."""
    desks = given.folder / "desks"
    poc = Path(sys.executable).with_name("poc")
    lines = (
        f"The hub stays up at {url} until Ctrl-C. Try, in another terminal:",
        f"  {poc} --home {desks / 'jo.diplomatic'} lookup السودان --reachable-now",
        f"  {poc} --home {desks / 'eg.technical'} message inbox",
        f"  {poc} --home {desks / CONTROLLER} exercise tally {scenes.EXERCISE}",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()


def main() -> int:
    """Play the demo; the exit code says whether everything verified."""
    try:
        return 0 if asyncio.run(play(options(), Progress())) else 1
    except PocError as error:
        return show_error(error, as_json=False)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130


if __name__ == "__main__":
    sys.exit(main())
