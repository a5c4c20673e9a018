"""A hub, an office with a desk and a responder, a sender and an echo: desks in this process, or homes."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from poc.client.sdk import Desk
from poc.config import CONFIG_NAME
from poc.core.draft import Draft
from poc.core.form import form_of
from poc.core.message import MessageBody
from poc.core.strictjson import canonical, domain_hash
from poc.keyring import Keyring
from tests import registry as made
from tests.desk_world import PASSPHRASE
from tests.registry import Registry

OFFICER, RESPONDER = "jo.technical 1", "jo.technical 2"
SENDER, ECHO = "sd.technical 1", "x-echo.technical 1"
LABELS = (OFFICER, RESPONDER, SENDER, ECHO)
CANARY = "canary-of-the-content"


def registry():
    made_up = Registry()
    made_up.enrol("jo", "sd", "x-echo")
    devices = [made.device(OFFICER), made.device(RESPONDER, 2, may="retrieve")]
    body = made.nomination("jo.technical", devices=devices)
    made_up.submit("contact.nominate", "jo.technical", body, "jo authority", OFFICER, RESPONDER)
    made_up.nominate("sd.technical", "x-echo.technical")
    return made_up


async def publish_keys(world):
    for label in LABELS:
        key = made.sealing_key(label).public
        status, _ = await world.ask("PUT", f"/v1/keys/{key.kid}", canonical(key.jwk()), who=label)
        assert status in (200, 201)


def keys_of(home, label, now):
    party = label.split()[0]
    keys = Keyring.create(home, PASSPHRASE)
    keys.add_signing("device", party, now, lambda _: domain_hash("poc/1 test key", label.encode()))
    keys.add_sealing(party, now, lambda _: domain_hash("poc/1 test key", b"seal " + label.encode()))
    return keys


@asynccontextmanager
async def open_desks(world, folder, *labels, **settings):
    """Synced desks in this process; ``settings`` stand in the file of each."""
    async with AsyncExitStack() as stack:
        desks = []
        for label in labels:
            home = folder / label.replace(" ", "-")
            clock = lambda: world.now  # noqa: E731
            pin = world.registry.directory.fingerprint
            party = label.split()[0]
            if not (home / CONFIG_NAME).exists():
                joined = await Desk.join(
                    home, world.origin, pin, party=party, http=world.session, clock=clock
                )
                await joined.close()
            write_settings(home, **settings)
            desk = await Desk.open(home, http=world.session, clock=clock)
            desk.use_keyring(keys_of(home, label, world.now))
            stack.push_async_callback(desk.close)
            await desk.sync()
            desks.append(desk)
        yield desks


async def make_home(world, folder, label):
    """A synced home with its keyring and passphrase on disk, for a process."""
    home, party = folder / label.replace(" ", "-"), label.split()[0]
    desk = await Desk.join(
        home, world.origin, world.registry.directory.fingerprint, party=party, http=world.session
    )
    keys = keys_of(home, label, world.now)
    keys.save()
    desk.use_keyring(keys)
    await desk.sync()
    await desk.close()
    (home / "passphrase").write_text(PASSPHRASE + "\n")
    (home / "passphrase").chmod(0o600)
    return home


def write_settings(home, **settings):
    import json

    path = home / CONFIG_NAME
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]
    path.write_text(path.read_text() + "".join(lines))


def draft(desk, **changes):
    body = form_of(MessageBody, {
        "template": None, "fields": {},
        "texts": [{"language": "en", "text": CANARY, "role": "original"}],
    })  # fmt: skip
    return Draft(**{
        "status": "test", "kind": "notification", "precedence": "flash", "tlp": "TLP:GREEN",
        "subject": CANARY, "body": body, "expires_at": desk.known.now() + timedelta(days=1), **changes,
    })  # fmt: skip


def recorder(path):
    """A program of one line that adds its variables and standard input to a file."""
    return ["sh", "-c", f"(env; cat; echo ---) >> {path}"]
