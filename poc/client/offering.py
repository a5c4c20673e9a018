"""After the hub was restored: what it took before and lost is offered again, unchanged, until it has it.

A feed read in a new epoch is read anew from its start (``feeds``); here is the other direction. The same id
and the same bytes have one effect however often they are offered, so asking first only saves a bad line.
Which numbers of the outbox are still to be offered is kept, and tried at every sync. Not here: statements,
which a snapshot brings back, and erasures, which their owner asks for anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from poc.client.api import HubClient
from poc.client.evidence import verify_accepted, verify_cancelled, verify_recorded
from poc.client.known import Known
from poc.client.outbox import route_of
from poc.client.trust import InboxRow, OutboxRow
from poc.core.envelope import read_header
from poc.core.form import read_form
from poc.core.message import Envelope, EnvelopeHeader
from poc.core.strictjson import canonical, parse
from poc.errors import RefusedError

_WAITING: Final = "offer-again"
_SETTLED: Final = {"exercise": "done", "order": "done", "message": "accepted", "answer": "done"}
_ORDER: Final = tuple(_SETTLED)
_BESIDE: Final = ("opening", "key")
_TRY_LATER: Final = frozenset(
    {"not-found", "exercise-unknown", "exercise-not-open", "clock-skew", "nonce-used",
     "bad-request-signature", "hub-refused", "bad-answer-from-hub", "rate-limited", "too-many-requests",
     "too-slow", "head-ahead"}
)  # fmt: skip


def note_restored(known: Known) -> None:
    """Remember everything the hub may have lost: what it settled and what has not expired since."""
    rows = [row for row in known.trust.outbox() if row.state == _SETTLED.get(row.kind)]
    with known.trust.transaction():
        _keep(known, {*_numbers(known), *(row.number for row in rows if not _is_over(known, row))})
        for row in known.trust.outbox():
            if row.kind in _BESIDE and row.state == "done":
                known.trust.set_outbox(row.number, "waiting", reason=None, answer=row.answer)


async def offer_again(known: Known, hub: HubClient) -> list[str]:
    """Offer what is remembered, exercises and messages before answers; gives what to tell.

    What the hub cannot take yet, such as an answer to a message that its own sender has not offered again,
    stays remembered. Raises ``hub-unreachable``.
    """
    told, left = [], _numbers(known)
    rows = {row.number: row for row in known.trust.outbox() if row.number in left}
    for row in sorted(rows.values(), key=lambda row: (_ORDER.index(row.kind), row.number)):
        try:
            done = _is_over(known, row) or await _offer(known, hub, row)
        except RefusedError as error:
            done = error.code not in _TRY_LATER
            if done:
                told.append(f"{row.kind} {row.ref[:43]}: lost by the hub, and not taken again: {error.code}")
        if done:
            left.discard(row.number)
            _keep(known, left)
    if left := left & rows.keys():
        told.append(f"the hub was restored from a backup: {len(left)} things are offered again at each sync")
    return told


def _numbers(known: Known) -> set[int]:
    data = known.trust.value(_WAITING)
    found: Any = [] if data is None else parse(data)
    return set(found)


def _keep(known: Known, numbers: Iterable[int]) -> None:
    known.trust.set_value(_WAITING, canonical(sorted(numbers)))


async def _offer(known: Known, hub: HubClient, row: OutboxRow) -> bool:
    """Offer one thing that the hub lacks; true once it has it, false to be tried later."""
    if row.kind in ("exercise", "order"):
        return await _offer_to_exercise(hub, row)
    message = row.ref.partition(":")[0]
    evidence = await _evidence(hub, message)
    if row.kind == "answer":
        own: Any = parse(row.body)
        if evidence is None:
            return False
        if own["jws"] in (*evidence["retrievals"], *evidence["acknowledgements"], *evidence["cancels"]):
            return True
    elif evidence is not None:
        return True
    elif not await _may_come_again(known, hub, _header(row)):
        return False
    method, path = route_of(row)
    answer = await hub.send_json(method, path, row.body)
    text = answer.get("receipt")
    if not isinstance(text, str):
        raise RefusedError("bad-answer-from-hub", path)
    code = _refusal(known, row, text)
    known.trust.put_evidence(message, "receipt", text, code)
    return code is None


async def _offer_to_exercise(hub: HubClient, row: OutboxRow) -> bool:
    """Offer an announcement or an order where the hub lacks it. An order needs its announcement there."""
    try:
        found: Any = await hub.get_json(f"/v1/exercises/{row.ref.partition(':')[0]}")
    except RefusedError as error:
        if error.code != "not-found":
            raise
        found = None
    own: Any = parse(row.body)
    if (found is not None) if row.kind == "exercise" else (found is None or own["order"] in found["orders"]):
        return True
    method, path = route_of(row)
    await hub.send_json(method, path, row.body)
    return True


def _refusal(known: Known, row: OutboxRow, text: str) -> str | None:
    """Why the new receipt does not hold, None where it does. The first one stays what it was."""
    try:
        if row.kind == "message":
            verify_accepted(known, row.body, text)
        elif route_of(row)[1].endswith("/cancels"):
            cancel: Any = parse(row.body)
            verify_cancelled(known, cancel["jws"], text)
        else:
            own: Any = parse(row.body)
            verify_recorded(known, own["jws"], text)
    except RefusedError as error:
        return error.code
    return None


async def _evidence(hub: HubClient, message: str) -> dict[str, Any] | None:
    """What the hub has about a message of ours, None where it knows no such message."""
    try:
        found: Any = await hub.get_json(f"/v1/messages/{message}/evidence")
    except RefusedError as error:
        if error.code == "not-found":
            return None
        raise
    if not all(isinstance(found.get(name), list) for name in ("retrievals", "acknowledgements", "cancels")):
        raise RefusedError("bad-answer-from-hub", "evidence")
    return dict(found)


async def _may_come_again(known: Known, hub: HubClient, header: EnvelopeHeader) -> bool:
    """Whether the hub knows the message's exercise as this desk does: a rejection would be for good."""
    if header.exercise is None:
        return True
    found: Any = await hub.get_json(f"/v1/exercises/{header.exercise}")
    play = known.play_of(header.exercise)
    orders = found.get("orders")
    return play is not None and isinstance(orders, list) and len(orders) >= len(play.orders)


def _header(row: OutboxRow) -> EnvelopeHeader:
    return read_header(read_form(Envelope, row.body).protected)


def _is_over(known: Known, row: OutboxRow) -> bool:
    """Whether the message expired, so that nobody waits for it or its answer any more."""
    if row.kind in ("exercise", "order"):
        return False
    if row.kind == "message":
        return _header(row).expires_at <= known.now()
    message = row.ref.partition(":")[0]
    sent = known.trust.outbox_row("message", message)
    if sent is not None:  # a cancel of ours
        return _header(sent).expires_at <= known.now()
    return all(_expires_at(found) <= known.now() for found in known.trust.inbox(message))


def _expires_at(row: InboxRow) -> datetime:
    item: Any = parse(row.item)
    return read_header(item["envelope"]["protected"]).expires_at
