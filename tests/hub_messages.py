"""Messages for tests of the hub: sealed by a device's label, answered by a device's label."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from poc.core import jws
from poc.core.admission import SealingLimits, read_header
from poc.core.draft import Addressee, Draft
from poc.core.envelope import Randomness, Sealed, seal_message
from poc.core.evidence import Cancel
from poc.core.exercise import Announcement, Order
from poc.core.form import read_form
from poc.core.message import MessageBody, MessageText
from poc.core.receipts import Answering, acknowledgement, retrieval, sign_form
from poc.core.uuid7 import uuid7
from tests.message_world import EXERCISE, Exercise
from tests.registry import ORIGIN, sealing_key, signing_key

CONTROLLER = "x-arcc.controller-1 1"
EXERCISE_PATH = f"/v1/exercises/{EXERCISE}"


def seal(
    head: str,
    now: Any,
    *,
    number: int = 1,
    sender: str = "jo.technical 1",
    to: tuple[str, ...] = ("sd.technical 1",),
    addressees: tuple[Addressee, ...] | None = None,
    salt: bytes = b"\3" * 16,
    text: str = "Please confirm.",
    blob_keys: Sequence[bytes] = (),
    **changes: Any,
) -> Sealed:
    """A test message from a device to devices; ``number`` is its sequence and tells its id."""
    named = addressees or tuple(
        Addressee(label.split()[0], sealing_key(label).public, "action", number) for label in to
    )
    draft: dict[str, Any] = {
        "status": "test",
        "kind": "notification",
        "precedence": "routine",
        "tlp": "TLP:AMBER",
        "subject": "Test",
        "body": MessageBody(
            template=None, fields={}, texts=(MessageText(language="en", text=text, role="original"),)
        ),
        "expires_at": now + timedelta(days=1),
        **changes,
    }
    seed = hashlib.sha256(f"{sender} {number}".encode()).digest()
    return seal_message(
        Draft(**draft),
        origin=ORIGIN,
        id=uuid7(now, seed[:10]),
        sender_contact=sender.split(maxsplit=1)[0],
        signing_key=signing_key(sender),
        addressees=named,
        head=head,
        now=now,
        randomness=Randomness(seed, b"\2" * 12, [salt] * len(named), blob_keys),
        limits=SealingLimits(frozenset({"actual", "exercise", "test"})),
    )


def answer(sealed: Sealed, kind: str, who: str, head: str, now: Any, **how: Any) -> str:
    """A retrieval or acknowledgement of a message by a device's label, signed."""
    header = read_header(sealed.envelope.protected)
    answering = Answering(header, sealed.digest, who.split(maxsplit=1)[0], signing_key(who).kid, head, now)
    if kind == "retrieval":
        return sign_form(retrieval(answering), jws.RETRIEVAL, signing_key(who))
    return sign_form(acknowledgement(answering, **how), jws.ACKNOWLEDGEMENT, signing_key(who))


def cancel(
    sealed: Sealed,
    who: str,
    head: str,
    now: Any,
    *,
    contact: str | None = None,
    reason: Any = "withdrawn",
) -> str:
    """A cancel, of a whole message unless a contact is named, by a device of its sender."""
    form = Cancel(
        v=1,
        origin=ORIGIN,
        message=sealed.message.id,
        envelope_sha256=sealed.digest,
        contact=contact,
        reason=reason,
        at=now,
        head=head,
    )
    return sign_form(form, jws.CANCEL, signing_key(who))


def announcement(
    head: str, now: Any, *, participants: tuple[str, ...] = ("jo.technical",), **more: Any
) -> str:
    """The announcement of an exercise by the test controller."""
    form = read_form(Announcement, jws.read_compact(Exercise().announcement()).payload)
    key = signing_key(CONTROLLER)
    changes = {
        "origin": ORIGIN,
        "kid": key.kid,
        "head": head,
        "participants": participants,
        "at": now,
        **more,
    }
    return sign_form(form.model_copy(update=changes), jws.ANNOUNCEMENT, key)


def order(head: str, now: Any, name: str, number: int = 1, previous: str | None = None) -> str:
    """An order of that exercise."""
    form = read_form(Order, jws.read_compact(Exercise().order(name, number, previous)).payload)
    key = signing_key(CONTROLLER)
    changes = {"origin": ORIGIN, "kid": key.kid, "head": head, "at": now}
    return sign_form(form.model_copy(update=changes), jws.ORDER, key)
