"""Two desks and a controller for tests of the client: their registry, keyrings and drafts."""

from __future__ import annotations

from datetime import timedelta

from poc.core.envelope import Draft
from poc.core.form import form_of
from poc.core.message import MessageBody
from poc.core.strictjson import domain_hash
from poc.keyring import Keyring
from tests import registry as made
from tests.registry import REGISTRARS, Registry

PASSPHRASE = "correct horse battery"
SIDES = ("jo.technical", "sd.technical")
CONTROLLER = "x-arcc.controller-1"


def keyring(home, party, now):
    label = f"{party} 1"
    keys = Keyring.create(home, PASSPHRASE)
    keys.add_signing("device", party, now, lambda _: domain_hash("poc/1 test key", label.encode()))
    keys.add_sealing(party, now, lambda _: domain_hash("poc/1 test key", b"seal " + label.encode()))
    return keys


def registry():
    made_up = Registry()
    made_up.enrol("jo", "sd")
    for contact in SIDES:
        state = contact[:2]
        made_up.submit(
            "contact.nominate", contact, made.nomination(contact), f"{state} authority", f"{contact} 1"
        )
    body = {"names": {"en": "Control"}, "body": "x-arcc", "devices": [made.device(f"{CONTROLLER} 1")]}
    made_up.submit("controller.appoint", CONTROLLER, body, *REGISTRARS, f"{CONTROLLER} 1")
    return made_up


def draft(desk, **changes):
    body = form_of(MessageBody, {"template": None, "fields": {}, "texts": []})
    return Draft(**{
        "status": "test", "kind": "notification", "precedence": "priority", "tlp": "TLP:GREEN",
        "subject": "A seeded subject", "body": body, "expires_at": desk.known.now() + timedelta(days=1),
        **changes,
    })  # fmt: skip
