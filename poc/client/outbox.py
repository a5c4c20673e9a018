"""Sending what waits: unchanged bytes, at least once, in order; each answer verified before it settles one.

What is put into the outbox is decided elsewhere. A broken connection leaves everything waiting, and a
receipt that does not verify leaves its message unsettled: it is sent again, unchanged, at the next sync.

Blobs are carried by ``blobs``, outside the home's lock.

States: ``waiting`` · ``unverified-receipt`` (the hub answered, its receipt does not hold) · ``accepted``
(a message) · ``proposed``, ``submitted``, ``logged`` (a statement: open, answered 201, seen in the
verified log) · ``done`` (all else) · ``rejected`` (for good).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from poc.client.anchoring import awaits_hub
from poc.client.api import HubClient
from poc.client.blobs import check_again, goes_after_its_blobs
from poc.client.evidence import verify_accepted, verify_cancelled, verify_recorded, verify_rejected
from poc.client.feeds import is_number
from poc.client.gossip import heads_in, keep_contradictions
from poc.client.known import Known
from poc.client.log import sync_log
from poc.client.trust import OUTBOX_ORDER, OutboxRow
from poc.client.waiting import Waiting, retry_seconds
from poc.core.quota import claimed_lane
from poc.core.strictjson import canonical, parse
from poc.errors import RefusedError, UnreachableError

_NOT_FINAL: Final = frozenset(
    {"clock-skew", "nonce-used", "bad-request-signature", "not-signed", "hub-refused", "bad-answer-from-hub",
     "already-logged",
     "rate-limited", "too-many-requests", "quota-reached", "storage-quota", "too-many-proposals",
     "too-slow", "step-moved"}
)  # fmt: skip
_UNSETTLED: Final = ("waiting", "submitted", "proposed")
_WAITS_FOR_LOG: Final = frozenset({"opening", "key"})
_OF_THE_LOG: Final = frozenset({"statement", "signature", "opening", "key"})
_UNSENT: Final = ("waiting", "unverified-receipt")
_NEWER_LOG: Final = frozenset({"head-ahead", "unknown-key", "key-not-yet"})


@dataclass(slots=True)
class Flushed:
    """How a round of sending went: ``rejected`` for good, ``delayed`` to be tried again, and why.

    ``waiting`` knows what the hub asked to come again with later.
    """

    waiting: Waiting
    sent: int = 0
    held_back: int = 0
    rejected: list[str] = field(default_factory=list)
    delayed: list[str] = field(default_factory=list)


def route_of(row: OutboxRow) -> tuple[str, str]:
    """Method and path of what a row sends."""
    first, _, rest = row.ref.partition(":")
    kind = rest.split(":", 1)[0]
    answers = {"retrieved": "retrievals", "cancel": "cancels"}
    routes = {
        "statement": ("POST", "/v1/statements"),
        "signature": ("POST", f"/v1/proposals/{first}/signatures"),
        "opening": ("PUT", f"/v1/cards/{first}"),
        "key": ("PUT", f"/v1/keys/{first}"),
        "exercise": ("PUT", f"/v1/exercises/{first}"),
        "order": ("POST", f"/v1/exercises/{first}/orders"),
        "message": ("PUT", f"/v1/messages/{first}"),
        "answer": ("POST", f"/v1/messages/{first}/{answers.get(kind, 'acknowledgements')}"),
    }
    return routes[row.kind]


async def flush(
    known: Known, hub: HubClient, kinds: tuple[str, ...] = OUTBOX_ORDER, *, blobs_tried: bool = False
) -> Flushed:
    """Send what waits; a message that goes after its blobs waits until ``blobs_tried``.

    Raises ``hub-unreachable`` at the first broken connection, and ``fork`` or ``rollback`` where the log
    behind a receipt is another one; the rest stays.
    """
    result = Flushed(Waiting(known.now()))
    for kind in kinds:
        rows = [row for row in known.trust.unsettled(kind) if row.state in _UNSENT]
        if kind == "answer":
            rows = [row for row in rows if not _must_wait(known, row)]
        if kind == "message":
            rows = [row for row in rows if blobs_tried or not goes_after_its_blobs(known, row)]
            rows.sort(key=lambda row: claimed_lane(row.body) is not None)  # actual first, else in order
        for row in rows:
            if result.waiting.until(row) is None:
                await _send(known, hub, row, result)
            else:
                result.held_back += 1
    return result


def _must_wait(known: Known, row: OutboxRow) -> bool:
    """An answer to a message that came by file waits until the hub has that message."""
    return awaits_hub(known, row.ref.partition(":")[0])


async def _send(known: Known, hub: HubClient, row: OutboxRow, result: Flushed) -> None:
    method, path = route_of(row)
    try:
        answer = await hub.send_json(method, path, row.body)
    except RefusedError as error:
        await _note_refusal(known, hub, row, error, result)
        return
    except UnreachableError as error:
        if row.kind not in _OF_THE_LOG or "answered" not in error.data:
            raise
        # A hub that logs nothing just now still hands out messages: this must not hold them up.
        reason = f"{error.code}: {error.detail}"
        known.trust.set_outbox(row.number, row.state, reason=reason, answer=row.answer)
        result.delayed.append(f"{row.kind} {row.ref[:43]}: {reason}")
        return
    if row.kind in ("message", "answer"):
        await _note_receipt(known, hub, row, answer, result)
        return
    state = _state(row, answer)
    if state is None:
        bad = RefusedError("bad-answer-from-hub", path)
        await _note_refusal(known, hub, row, bad, result)
        return
    known.trust.set_outbox(row.number, state, reason=None, answer=canonical(answer))
    result.sent += 1


def _state(row: OutboxRow, answer: Any) -> str | None:
    """The state an answer that is no receipt puts a row into; ``None`` if it is no answer to it."""
    if row.kind not in ("statement", "signature"):
        return "done"
    missing = answer.get("missing")
    if isinstance(answer.get("proposal"), str):
        listed = isinstance(missing, list) and all(isinstance(name, str) for name in missing)
        return "proposed" if listed else None
    return (
        "submitted" if is_number(answer.get("index")) and isinstance(answer.get("leaf_hash"), str) else None
    )


async def _note_receipt(known: Known, hub: HubClient, row: OutboxRow, answer: Any, result: Flushed) -> None:
    """Settle a message or answer by the hub's receipt over it, if that verifies."""
    text = answer.get("receipt")
    first = row.ref.partition(":")[0]
    code = await _refusal_of(known, hub, row, text, None)
    with known.trust.transaction():
        if isinstance(text, str):
            known.trust.put_evidence(first, "receipt", text, code)
        if code is None:
            state = "accepted" if row.kind == "message" else "done"
            known.trust.set_outbox(row.number, state, reason=None, answer=canonical(answer))
            if row.kind == "message":
                check_again(known, row)
            result.sent += 1
            return
        known.trust.set_outbox(row.number, "unverified-receipt", reason=code, answer=canonical(answer))
    result.delayed.append(f"{row.kind} {row.ref[:43]}: the hub's receipt does not verify: {code}")


async def _refusal_of(
    known: Known, hub: HubClient, row: OutboxRow, text: object, rejected_as: str | None
) -> str | None:
    """Why a receipt does not hold, ``None`` if it does; the log is verified up to its head first."""
    if not isinstance(text, str):
        return "bad-answer-from-hub"
    code = _verify(known, row, text, rejected_as)
    if code in _NEWER_LOG:
        try:
            await sync_log(known, hub)
        except UnreachableError:
            return code
        except RefusedError as error:
            if error.code in ("fork", "rollback"):
                raise
            return code
        code = _verify(known, row, text, rejected_as)
    return code


def _verify(known: Known, row: OutboxRow, text: str, rejected_as: str | None) -> str | None:
    try:
        if rejected_as is not None:
            verify_rejected(known, row.body, text, rejected_as)
        elif row.kind == "message":
            verify_accepted(known, row.body, text)
        else:
            own: Any = parse(row.body)
            is_cancel = row.ref.split(":")[1] == "cancel"
            (verify_cancelled if is_cancel else verify_recorded)(known, own["jws"], text)
    except RefusedError as error:
        keep_contradictions(known, heads_in([text]))
        return error.code
    return None


async def _note_refusal(
    known: Known, hub: HubClient, row: OutboxRow, error: RefusedError, result: Flushed
) -> None:
    trust = known.trust
    if error.code == "already-logged" and row.kind in ("statement", "signature"):
        trust.set_outbox(row.number, "submitted", reason=None, answer=canonical(error.data))
        result.sent += 1
        return
    reason = f"{error.code}: {error.detail}" if error.detail else error.code
    shown = f"{row.kind} {row.ref[:43]}: {reason}"
    if row.kind in _WAITS_FOR_LOG and error.code in ("not-found", "unknown-contact", "unknown-key"):
        # What it opens is not logged yet: a proposal may still collect signatures. Nothing is wrong.
        trust.set_outbox(row.number, "waiting", reason=reason, answer=canonical(error.data))
        return
    waits = row.kind in _WAITS_FOR_LOG and error.code != "opening-erased"
    if error.code in _NOT_FINAL or waits:
        seconds = retry_seconds(error)
        kept = {} if seconds is None else result.waiting.note(row, seconds)
        trust.set_outbox(row.number, row.state, reason=reason, answer=canonical({**error.data, **kept}))
        result.delayed.append(shown)
        return
    if row.kind == "message" and isinstance(error.data.get("receipt"), str):
        await _keep_rejection(known, hub, row, error)
    trust.set_outbox(row.number, "rejected", reason=reason, answer=canonical(error.data))
    result.rejected.append(f"{shown}. {error.next_step}")


async def _keep_rejection(known: Known, hub: HubClient, row: OutboxRow, error: RefusedError) -> None:
    """Keep the signed refusal of a message as evidence, or apart if it does not hold."""
    text = str(error.data["receipt"])
    known.trust.put_evidence(row.ref, "receipt", text, await _refusal_of(known, hub, row, text, error.code))


def settle_statements(known: Known) -> list[str]:
    """Note what the verified log shows of the statements sent; gives a warning for each it lacks.

    Call it after a sync of the log: the hub said that these were logged.
    """
    warnings = []
    for row in (*known.trust.unsettled("statement"), *known.trust.unsettled("signature")):
        payload = row.ref.partition(":")[0]
        if row.state not in _UNSETTLED:
            continue
        if payload in known.directory.payloads:
            known.trust.set_outbox(row.number, "logged", reason=None, answer=row.answer)
        elif row.state == "submitted":
            warnings.append(f"the hub said that {row.kind} {payload} is logged; the verified log lacks it")
    return warnings


def settle_messages(known: Known) -> list[str]:
    """Settle what a verified ``accepted`` receipt shows to have arrived, whatever was answered at the time.

    Gives a warning for each message that the hub refused and accepted.
    """
    warnings = []
    for row in known.trust.unsettled("message"):
        texts = [text for kind, text in known.trust.evidence(row.ref) if kind == "receipt"]
        found = next((text for text in texts if _verify(known, row, text, None) is None), None)
        if found is None:
            continue
        known.trust.set_outbox(row.number, "accepted", reason=None, answer=canonical({"receipt": found}))
        if row.state == "rejected":
            warnings.append(
                f"the hub refused message {row.ref} ({row.reason}), but its receipt says accepted"
            )
    return warnings
