"""What is played: founding, enrolment, an exercise, a sealed notification, a ping.

Every scene goes through the desks' own engine; nothing is written past it. What came of it is read
back in ``outcome``. What happens to messages beside the notification stands in ``messages``.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from poc.client import statements
from poc.client.filing import device_value
from poc.client.rotation import ROTATE_DAYS
from poc.client.sdk import Desk, now_utc
from poc.core.checkpoint import Cosigner
from poc.core.draft import AttachmentBytes
from poc.core.envelope import Draft
from poc.core.form import form_of, state_of
from poc.core.message import MessageBody
from poc.core.note import Signer
from poc.core.proposal import proposal_bytes, with_signatures
from poc.core.strictjson import format_time
from poc.demo import cast
from poc.demo.cast import (
    ALTERNATES,
    CONTROLLER,
    ORIGIN,
    PREPARING_HOME,
    PREPARING_OFFICE,
    QUIET,
    REGISTRARS,
    DemoContact,
)
from poc.demo.stage import Desks, each
from poc.demo.states import DemoState
from poc.errors import FaultError
from poc.hub.founding import FoundingRegistrar, draft_genesis, found_registry
from poc.keyring import Keyring
from poc.limits import INLINE_ATTACHMENTS_BYTES_MAX
from poc.witness.store import Pinned, WitnessStore

Told = Callable[[int], None]
T = TypeVar("T")

EXERCISE: Final = "demo-ping-1"
SENDER: Final = "jo.diplomatic"
RECIPIENTS: Final = ("eg.technical", "ma.technical", "om.technical", "tn.technical")
ANSWER_SECONDS: Final = 6
_SEATED_SECONDS: Final = 20
SAMPLES: Final = Path(__file__).resolve().parents[3] / "shared" / "samples" / "csaf"
_RIGHTS: Final = ["acknowledge", "change", "retrieve", "send"]
_OWN_ADVISORY: Final = {
    "document": {
        "category": "csaf_base",
        "csaf_version": "2.0",
        "title": "Demo advisory: no product is affected",
        "publisher": {
            "category": "coordinator",
            "name": "National CERT (demo)",
            "namespace": "https://cert.jo.example",
        },
        "tracking": {
            "id": "DEMO-0001",
            "status": "final",
            "version": "1",
            "initial_release_date": "2026-11-01T00:00:00Z",
            "current_release_date": "2026-11-01T00:00:00Z",
            "revision_history": [{"date": "2026-11-01T00:00:00Z", "number": "1", "summary": "First version"}],
        },
    }
}


async def found(hub_home: Path, hub_keys: Keyring, desks: Desks) -> str:
    """Draw up the genesis, have both registrars sign it, found the registry; gives its fingerprint."""
    named = [FoundingRegistrar(r, cast.BODY_NAMES[r], desks.public(r).signing[0]) for r in REGISTRARS]
    file = draft_genesis(
        hub_keys, ORIGIN, named, {"quorum": "majority"}, now=now_utc(), random=secrets.token_bytes
    )
    await hub_keys.save_in_thread()
    for registrar in REGISTRARS:
        file = with_signatures(file, statements.sign(file.signed, desks.keys(registrar)).signatures)
    return (await found_registry(hub_home, proposal_bytes(file), hub_keys, now_utc())).fingerprint


async def enrol_states(desks: Desks, told: Told) -> None:
    """Each enrolment: drafted by a registrar, signed by the authority as a file, by the second at the hub."""
    for number, state in enumerate(cast.states(), 1):
        await _pass_round(desks, "state.enrol", state.id, _enrolment(desks, state), state.id)
        told(number)


def _enrolment(desks: Desks, state: DemoState) -> dict[str, Any]:
    return {
        "kind": "member",
        "names": {"short": state.names, "official": state.names},
        "authority": {"keys": desks.public(state.id).signing_jwks(), "threshold": 1},
        "recovery": None,
        "note_verbale": {
            "reference": f"DEMO/{state.id.upper()}/1",
            "date": now_utc().date().isoformat(),
            "scan_sha256": None,
        },
        "call_back": {"at": format_time(now_utc()), "source": "made up for the demo"},
    }


async def appoint_controller(desks: Desks) -> None:
    """The controller of exercises, signed by itself and both registrars."""
    keys = desks.public(CONTROLLER)
    device = device_value(1, keys, _RIGHTS, now_utc() + timedelta(days=ROTATE_DAYS))
    body = {"names": cast.BODY_NAMES[CONTROLLER], "body": state_of(CONTROLLER), "devices": [device]}
    await _pass_round(desks, "controller.appoint", CONTROLLER, body, CONTROLLER, keys.sealing)
    await desks[REGISTRARS[0]].sync()  # now that it is logged, the hub takes the controller's sealing key


async def _pass_round(
    desks: Desks, kind: str, subject: str, body: dict[str, Any], signer: str, sealing: Sequence[Any] = ()
) -> None:
    """One registrar drafts, the party signs the file, the first submits it, the second signs at the hub."""
    first, second = (desks[registrar] for registrar in REGISTRARS)
    file = first.make_file(first.sign(first.compose(kind, subject, body)), (), sealing)
    file = desks[signer].sign_file(proposal_bytes(file))
    waiting = await first.submit_file(proposal_bytes(file))
    logged = await second.sign_proposal(waiting.proposal or "")
    if logged.state != "logged":
        raise FaultError("fault", f"{kind} of {subject} is {logged.state}")


async def watch(home: Path, hub_keys: Keyring, hub_url: str, fingerprint: str) -> None:
    """Tell a witness which log it watches, by which key, and to read its entries and apply the rules."""
    keys = [Signer(ORIGIN, key).verifier() for key in hub_keys.by_role("log")]
    store = await WitnessStore.open(home)
    try:
        await store.add_log(ORIGIN, keys, Pinned(hub_url, fingerprint))
    finally:
        await store.close()


async def seat_witnesses(
    desks: Desks, witnesses: Mapping[str, Keyring], urls: Mapping[str, str], told: Told
) -> None:
    """Each State appoints its witness, which signs the file; the hub's attest brings all into force."""
    for number, (witness, keys) in enumerate(witnesses.items(), 1):
        vkey = Cosigner(witness, keys.by_role("witness")[0]).verifier().vkey()
        authority = desks[state_of(witness)]
        await authority.sync()
        body = {"vkey": vkey, "url": urls[witness]}
        signed = authority.sign(authority.compose("witness.appoint", witness, body))
        logged = await authority.submit(statements.sign(signed, keys))
        if logged.state != "logged":
            raise FaultError("fault", f"{witness} is {logged.state}")
        told(number)
    async with asyncio.timeout(_SEATED_SECONDS):
        while len(desks[REGISTRARS[0]].directory.seats) < len(witnesses):
            await asyncio.sleep(0.1)
            await desks[REGISTRARS[0]].sync()


async def nominate_contacts(desks: Desks, told: Told) -> None:
    """Each State's authority nominates its contacts; each contact's device signs the file first."""
    done = 0

    async def one(state: DemoState) -> None:
        nonlocal done
        for contact in (c for c in cast.offices() if c.state.id == state.id):
            await _nominate(desks, contact)
            done += 1
            told(done)

    await each(cast.states(), one, lambda _: None)


async def _nominate(desks: Desks, contact: DemoContact) -> None:
    authority, homes = desks[contact.state.id], [contact.id]
    if contact.id == PREPARING_OFFICE:
        homes.append(PREPARING_HOME)
    keys = [desks.public(home) for home in homes]
    filed = authority.file_card(contact.id, contact.card())
    rotate_by = now_utc() + timedelta(days=ROTATE_DAYS)
    body = {
        "role": contact.role,
        "alternate_of": ALTERNATES.get(contact.id),
        "card": filed.commitments,
        "machine_receipts": contact.id not in QUIET,
        "custody": "own",
        "devices": [device_value(n, public, _RIGHTS, rotate_by) for n, public in enumerate(keys, 1)],
    }
    signed = authority.sign(authority.compose("contact.nominate", contact.id, body))
    file = authority.make_file(signed, filed.openings, [key for public in keys for key in public.sealing])
    for home in homes:
        file = desks[home].sign_file(proposal_bytes(file))
    logged = await authority.submit_file(proposal_bytes(file))
    if logged.state != "logged":
        raise FaultError("fault", f"{contact.id} is {logged.state}")


async def open_exercise(desks: Desks) -> None:
    """One exercise for every contact."""
    now = now_utc()
    await desks[CONTROLLER].open_exercise(
        EXERCISE,
        title={"en": "Demo: announced ping", "ar": "عرض توضيحي: اختبار اتصال معلن"},
        participants=[contact.id for contact in cast.contacts()],
        opens_at=now,
        closes_at=now + timedelta(days=1),
        answer_within_s=ANSWER_SECONDS,
    )


@dataclass(frozen=True, slots=True)
class Notified:
    """The notification that was sent, and the file that travelled in it."""

    message: str
    voice_code: str
    attachment: str


def advisory(given: Path | None) -> AttachmentBytes:
    """The advisory to attach: the one given, else the first sample that fits, else one of our own."""
    if given is not None:
        media_type = mimetypes.guess_type(given.name)[0] or "application/octet-stream"
        return AttachmentBytes(given.name, media_type, given.read_bytes())
    for path in sorted(SAMPLES.glob("*.json")):
        data = path.read_bytes()
        if len(data) <= INLINE_ATTACHMENTS_BYTES_MAX:
            return AttachmentBytes(path.name, "application/json", data)
    data = json.dumps(_OWN_ADVISORY, ensure_ascii=False, indent=1).encode()
    return AttachmentBytes("demo-advisory.json", "application/json", data)


async def notify(desks: Desks, attachment: AttachmentBytes) -> Notified:
    """A ministry writes to four States; each retrieves, opens and acknowledges."""
    sender = desks[SENDER]
    texts = [
        {
            "language": "en",
            "role": "original",
            "text": "Please see the advisory attached. This is an exercise.",
        },
        {"language": "ar", "role": "courtesy", "text": "يرجى الاطلاع على النشرة المرفقة. هذا تمرين."},
    ]
    draft = Draft(
        status="exercise",
        exercise=sender.default_exercise(RECIPIENTS),
        kind="notification",
        precedence="priority",
        tlp="TLP:AMBER",
        subject="EXERCISE: advisory for your information / تمرين: نشرة للعلم",
        body=form_of(MessageBody, {"template": None, "fields": {}, "texts": texts}),
        attachments=(attachment,),
        expires_at=now_utc() + timedelta(days=7),
        officer="07",
    )
    sent = await sender.send_message(draft, RECIPIENTS)
    if sent.state != "accepted":
        raise FaultError("fault", f"the notification is {sent.state}")
    for contact in RECIPIENTS:
        await desks[contact].sync()
        desks[contact].show(sent.id)
        await desks[contact].acknowledge(sent.id, officer="11")
    await sender.sync()
    return Notified(sent.id, sent.voice_code, attachment.name)


async def ping(desks: Desks, told: Told, meanwhile: Awaitable[T]) -> T:
    """Ping all; most answer at once, some late, some only retrieve, the quiet ones do nothing.

    ``told`` counts the contacts that did something; ``meanwhile`` is done before the deadline passes, and
    what it gives is given.
    """
    controller = desks[CONTROLLER]
    await controller.ping(EXERCISE, within_s=ANSWER_SECONDS)
    asked_at = asyncio.get_running_loop().time()
    everyone = awake()
    late, silent = everyone[3::9], everyone[5::9]
    prompt = [contact for contact in everyone if contact not in {*late, *silent}]
    await each(prompt, lambda contact: _answer(desks[contact]), told)
    await desks.sync(silent, lambda done: told(len(prompt) + done))
    done_meanwhile = await meanwhile
    # The hub counts whole seconds: one more, and half a second, is past the deadline for certain.
    await asyncio.sleep(max(0.0, asked_at + ANSWER_SECONDS + 1.5 - asyncio.get_running_loop().time()))
    before = len(prompt) + len(silent)
    await each(late, lambda contact: _answer(desks[contact]), lambda done: told(before + done))
    await controller.sync()
    return done_meanwhile


def awake() -> list[str]:
    """The contacts that do something on a ping."""
    return [contact.id for contact in cast.contacts() if contact.id not in QUIET]


async def _answer(desk: Desk) -> None:
    """What an officer does on a ping: sync, read, type the word."""
    await desk.sync()
    for row in desk.inbox():
        if row["kind"] == "ping" and row["state"] == "retrieved":
            word = desk.show(row["message"]).message.body.fields["word"]
            await desk.acknowledge(row["message"], officer="07", word=word)
