"""Receiving: what the hub delivered is kept sealed, opened in memory, verified, and answered.

No plaintext is written to disk. What an acknowledgement says is decided by an officer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from poc.client.api import HubClient
from poc.client.known import Known
from poc.client.trust import InboxRow
from poc.core import jws
from poc.core.envelope import DeliveredEnvelope, OpenedMessage, open_envelope, read_header
from poc.core.evidence import NextStep
from poc.core.form import form_of, read_form
from poc.core.message import Envelope, Slot
from poc.core.play import ping_answer
from poc.core.receipts import Answering, acknowledgement, retrieval, sign_form
from poc.core.strictjson import canonical, format_time, parse, parse_time
from poc.errors import PocError, RefusedError

_PAGES_MAX: Final = 10_000
_SYNC_FIRST: Final = frozenset(
    {"head-ahead", "unknown-key", "key-not-yet", "exercise-unknown", "exercise-not-open"}
)


async def fetch_inbox(
    known: Known,
    hub: HubClient,
    clock: Callable[[], datetime],
    sync_again: Callable[[], Awaitable[None]],
) -> int:
    """Fetch what is new, keep it as delivered, verify it and queue retrievals; gives how many were new."""
    count = 0
    for _ in range(_PAGES_MAX):
        after = known.trust.cursor("inbox")
        answer = await hub.get_json(f"/v1/inbox?after={after}")
        with known.trust.transaction():
            for item in answer["items"]:
                count += _keep(known, item, clock())
            known.trust.set_cursor("inbox", int(answer["next"]))
        if not answer["items"] or answer["next"] == after:
            break
    if not _verify_new(known):
        await sync_again()
        _verify_new(known)
    return count


def _keep(known: Known, item: dict[str, Any], now: datetime) -> bool:
    sealed = item["envelope"]
    header = read_header(sealed["protected"])
    kid = sealed["recipients"][0]["header"]["kid"]
    sender = header.sender.contact
    row = InboxRow(header.id, sender, kid, canonical(item), format_time(now), "new", None)
    return known.trust.put_inbox(row)


def _verify_new(known: Known) -> bool:
    """Open what was not verified yet; false if a newer log may be needed for some."""
    complete = True
    for row in known.trust.inbox():
        if row.state not in ("new", "not-verified"):
            continue
        try:
            opened = open_row(known, row)
        except PocError as error:
            later = error.code in _SYNC_FIRST
            complete = complete and not later
            known.trust.set_inbox_state(row.message, "not-verified" if later else "refused", error.code)
            continue
        with known.trust.transaction():
            known.trust.set_inbox_state(row.message, _retrieved(known, opened))
    return complete


def _retrieved(known: Known, opened: OpenedMessage) -> str:
    """Queue the retrieval where this desk gives one; the state the message is in afterwards."""
    if opened.use == "own":
        return "own"
    contact = known.directory.contacts.get(opened.contact)
    device = known.own_device()
    if contact is None or not contact.machine_receipts or "retrieve" not in device.may:
        return "received"
    queue_answer(known, opened, "retrieved")
    return "retrieved"


def open_row(known: Known, row: InboxRow) -> OpenedMessage:
    """Open and verify a kept message, as of its arrival. Raises as ``open_envelope``, ``no-key``."""
    item: Any = parse(row.item)
    sealed = item["envelope"]
    view = DeliveredEnvelope(
        sealed["protected"], sealed["iv"], sealed["ciphertext"], sealed["tag"],
        form_of(Slot, sealed["recipients"][0]),
    )  # fmt: skip
    return open_envelope(
        view,
        key=known.keys.sealing(row.kid),
        directory=known.directory,
        now=parse_time(row.arrived_at),
        play_of=known.play_of,
        accepted=item["accepted"],
        released=item["released"],
        root_at=known.root_at,
    )


def open_sent(known: Known, body: bytes, answer: bytes | None) -> OpenedMessage:
    """Open the own copy of a message from the outbox. Raises as ``open_envelope``."""
    envelope = read_form(Envelope, body)
    own = next((s.header.kid for s in envelope.recipients if known.keys.has(s.header.kid)), "")
    receipt: Any = parse(answer) if answer else {}
    accepted = receipt.get("receipt")
    return open_envelope(
        DeliveredEnvelope.of(envelope, own),
        key=known.keys.sealing(own),
        directory=known.directory,
        now=read_header(envelope.protected).sent_at,
        play_of=known.play_of,
        accepted=accepted if isinstance(accepted, str) else None,
        root_at=known.root_at,
    )


def queue_answer(
    known: Known,
    opened: OpenedMessage,
    outcome: str,
    *,
    officer: str | None = None,
    word: str | None = None,
    next_step: NextStep | None = None,
    reason: str | None = None,
) -> str:
    """Sign a retrieval, acknowledgement or decline and put it into the outbox; gives its reference.

    Raises ``own-cannot-answer``, ``no-device``.
    """
    if opened.use == "own":
        raise RefusedError("own-cannot-answer", opened.contact)
    machine = outcome == "retrieved"
    device = known.own_device("retrieve" if machine else "acknowledge")
    key = known.keys.signing(device.kid)
    answering = Answering(opened.header, opened.digest, opened.contact, key.kid, known.head, known.now())
    answer = None if word is None else ping_answer(opened.cek, opened.header.id, opened.contact, word)
    if machine:
        text = sign_form(retrieval(answering), jws.RETRIEVAL, key)
    else:
        form = acknowledgement(
            answering, officer=officer, answer=answer, next_step=next_step, declined=reason
        )
        text = sign_form(form, jws.ACKNOWLEDGEMENT, key)
    ref = f"{opened.header.id}:{outcome}:{key.kid}"
    known.trust.put_outbox("answer", ref, canonical({"jws": text}))
    return ref
