"""Sending what waits: unchanged bytes, at least once, in order; final refusals are kept and reported.

What is put into the outbox is decided elsewhere. A broken connection leaves everything waiting.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from poc.client.api import HubClient
from poc.client.trust import OUTBOX_ORDER, OutboxRow, Trust
from poc.core.strictjson import canonical
from poc.errors import RefusedError

_NOT_FINAL: Final = frozenset(
    {"clock-skew", "nonce-used", "bad-request-signature", "not-signed", "hub-refused", "bad-answer-from-hub",
     "rate-limited", "too-many-requests"}
)  # fmt: skip
_WAITS_FOR_LOG: Final = frozenset({"opening", "key"})


@dataclass(slots=True)
class Flushed:
    """How a round of sending went."""

    sent: int = 0
    rejected: list[str] = field(default_factory=list)


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


async def flush(trust: Trust, hub: HubClient, kinds: tuple[str, ...] = OUTBOX_ORDER) -> Flushed:
    """Send what waits. Raises ``hub-unreachable`` at the first broken connection; the rest stays."""
    result = Flushed()
    for kind in kinds:
        for row in trust.outbox(state="waiting", kind=kind):
            await _send(trust, hub, row, result)
    return result


async def _send(trust: Trust, hub: HubClient, row: OutboxRow, result: Flushed) -> None:
    method, path = route_of(row)
    try:
        answer = await hub.send_json(method, path, row.body)
    except RefusedError as error:
        _note_refusal(trust, row, error, result)
        return
    trust.set_outbox(row.number, _state(row, answer), reason=None, answer=canonical(answer))
    result.sent += 1


def _state(row: OutboxRow, answer: Any) -> str:
    if "proposal" in answer:
        return "proposed"
    return "accepted" if row.kind == "message" else "done"


def _note_refusal(trust: Trust, row: OutboxRow, error: RefusedError, result: Flushed) -> None:
    if error.code == "already-logged":
        trust.set_outbox(row.number, "done", reason=None, answer=canonical(error.data))
        result.sent += 1
        return
    waits = error.code in _NOT_FINAL or row.kind in _WAITS_FOR_LOG
    reason = f"{error.code}: {error.detail}" if error.detail else error.code
    trust.set_outbox(
        row.number, "waiting" if waits else "rejected", reason=reason, answer=canonical(error.data)
    )
    result.rejected.append(f"{row.kind} {row.ref[:43]}: {reason}")
