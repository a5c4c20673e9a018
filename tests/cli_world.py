"""A running hub by the real clock, and desks' homes for commands that run as processes or in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from poc.cli.main import run
from poc.client.sdk import Desk
from poc.core.card import OfficePart, Opening, ReachPart, make_opening
from poc.core.form import form_bytes, form_of
from poc.core.strictjson import canonical, domain_hash
from tests import registry as made
from tests.desk_world import CONTROLLER, PASSPHRASE, keyring
from tests.hub_world import World
from tests.registry import REGISTRARS, Registry

NAMES = {
    "jo": {"en": "Jordan", "ar": "الأردن", "fr": "Jordanie"},
    "sd": {"en": "Sudan", "ar": "السودان", "fr": "Soudan"},
    "eg": {"en": "Egypt", "ar": "مصر", "fr": "Égypte"},
}
WEEKDAYS = [{"day": day, "open": "08:00", "close": "16:00"} for day in ("sun", "mon", "tue", "wed", "thu")]
CONTACTS: dict[str, dict[str, Any]] = {
    "jo.technical": {"zone": "Asia/Amman", "languages": ["ar-JO", "en"], "weekly": WEEKDAYS},
    "sd.technical": {"zone": "Africa/Khartoum", "languages": ["ar", "en"], "weekly": []},
    "eg.diplomatic": {"zone": "Africa/Cairo", "languages": ["fr"], "weekly": WEEKDAYS, "role": "diplomatic"},
}
LISTED = "eg.duty"


class LiveWorld(World):
    """The world of ``hub_world`` with a clock that runs, for commands in processes of their own."""

    @property
    def now(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0)

    @now.setter
    def now(self, _at: datetime) -> None:
        """The clock runs by itself."""


def card_of(contact: str, about: dict[str, Any]) -> tuple[Opening, Opening]:
    """Office and reach part of a contact's card."""
    top = {"v": 1, "origin": made.ORIGIN, "contact": contact}
    office = {
        **top,
        "part": "office",
        "names": {"en": f"Desk of {contact}", "ar": "مكتب"},
        "department": {"en": "Response"},
        "openpgp": None,
    }
    reach = {
        **top,
        "part": "reach",
        "channels": [
            {"kind": "phone", "value": "+999 5550101", "label": "switchboard"},
            {"kind": "email", "value": f"desk@{contact}.example", "label": None},
        ],
        "zone": about["zone"],
        "hours": {"always": not about["weekly"], "weekly": about["weekly"], "exceptions": []},
        "languages": about["languages"],
    }
    salt = domain_hash("poc/1 test salt", contact.encode())
    return make_opening(form_of(OfficePart, office), salt), make_opening(form_of(ReachPart, reach), salt)


def commitments(openings: tuple[Opening, ...]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        o.part: {"commitment": o.commitment(), "visibility": "parties"} for o in openings
    }
    return {**shown, "person": None}


def live_registry() -> Registry:
    registry = Registry()
    for state, names in NAMES.items():
        registry.enrol(state, names={"short": names, "official": names})
    for contact, about in CONTACTS.items():
        card = commitments(card_of(contact, about))
        custody = "hosted:x-las" if contact == "eg.diplomatic" else "own"
        registry.nominate(contact, card=card, role=about.get("role", "technical"), custody=custody)
    body = {
        "role": "duty",
        "alternate_of": None,
        "source": "a published list",
        "card": commitments(card_of(LISTED, CONTACTS["eg.diplomatic"])),
    }
    registry.submit("contact.record", LISTED, body, *REGISTRARS)
    registry.appoint()
    return registry


async def publish(world: World) -> None:
    """Put what stands beside the log where every desk finds it: sealing keys and card parts."""
    for party in (*CONTACTS, CONTROLLER):
        key = made.sealing_key(f"{party} 1").public
        await world.ask("PUT", f"/v1/keys/{key.kid}", canonical(key.jwk()), who=f"{party} 1")
    for contact, about in CONTACTS.items():
        for opening in card_of(contact, about):
            path = f"/v1/cards/{opening.commitment()}"
            status, answer = await world.ask("PUT", path, form_bytes(opening), who=f"{contact} 1")
            assert status in (200, 201), answer


async def make_home(world: World, home: Path, party: str) -> Path:
    """A desk's home, joined but not synced, with its keyring and its passphrase in a file."""
    desk = await Desk.join(
        home, world.origin, world.registry.directory.fingerprint, party=party, http=world.session
    )
    await desk.close()
    keyring(home, party, world.now).save()
    (home / "passphrase").write_text(PASSPHRASE + "\n")
    (home / "passphrase").chmod(0o600)
    return home


class Outcome:
    """What a command printed and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"

    @property
    def value(self) -> Any:
        """The one JSON value of standard output."""
        lines = self.out.splitlines()
        assert len(lines) == 1, self
        return json.loads(lines[0])


def run_here(
    *words: object, home: Path | None = None, stdin: bytes = b"", terminal: io.TextIOWrapper | None = None
) -> Outcome:
    """Run a command in this process, with streams like those of a pipe; or typed at a ``terminal``."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    given = terminal or io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    argv = [*([] if home is None else ["--home", str(home)]), *map(str, words)]
    before, sys.stdin = sys.stdin, given
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(argv)
    finally:
        sys.stdin = before
    return Outcome(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


async def poc(*words: object, home: Path | None = None, stdin: bytes = b"") -> Outcome:
    """Run a command in a thread, so that the hub of this process can answer it."""
    return await asyncio.to_thread(run_here, *words, home=home, stdin=stdin)


async def poc_process(*words: object, home: Path | None = None, stdin: bytes = b"") -> Outcome:
    """Run a command as a user does, in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POC_")}
    argv = [*([] if home is None else ["--home", str(home)]), *map(str, words)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "poc.cli.main", *argv,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=environment,
    )  # fmt: skip
    out, err = await process.communicate(stdin)
    return Outcome(process.returncode or 0, out.decode(), err.decode())
