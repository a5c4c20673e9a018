"""Notices at a desk: brakes the log lacks, asked of every witness, held, and handed on.

Whoever holds one posts it to the hub, which ends it by logging it. What a notice blocks meanwhile is decided
in ``known`` (``effective``); the witness's side of it stands in docs/spec/witness.md. A witness that does not
answer, or answers wrongly, is told of and stops nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any, Final

from poc.client.api import HubClient
from poc.client.known import Known
from poc.core.directory import Seat
from poc.core.notices import notice_bytes, read_notice_list
from poc.core.proposal import read_proposal
from poc.core.statement import SignedStatement, payload_sha256, read_signed_statement, read_statement
from poc.core.strictjson import format_time, parse
from poc.errors import PocError, RefusedError, UnreachableError
from poc.limits import NOTICES_ANSWER_BYTES_MAX, NOTICES_SECONDS_MAX

_KEEPS_NONE: Final = frozenset({"not-found", "rules-not-checked"})


@dataclass(frozen=True, slots=True)
class Handed:
    """Where a notice went. ``hub`` and each witness: ``taken``, ``unreachable``, or the code of the refusal.

    ``held`` is false where the log has it by now: then nobody needs to hold it.
    """

    payload_sha256: str
    type: str
    subject: str
    held: bool
    hub: str
    witnesses: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        return asdict(self)


def read_brake_file(data: bytes) -> SignedStatement:
    """The signed statement in a file: a proposal file, or ``{payload, signatures}`` as it stands.

    Raises:
        RefusedError: as ``read_proposal``, ``read_signed_statement``.
    """
    value: Any = parse(data)
    if isinstance(value, dict) and value.keys() == {"payload", "signatures"}:
        return read_signed_statement(value)
    return read_proposal(data)[0].signed


async def fetch_notices(known: Known, hub: HubClient) -> list[str]:
    """Hold what the witnesses in force hold of this log; gives a warning for each that is of no use.

    A witness that keeps no notices, as the protocol of witnesses allows, is nothing to warn of: it might as
    well say that it holds none.
    """
    seats = known.directory.seats
    answers = await asyncio.gather(*(_ask(seat, known.directory.origin, hub) for seat in seats))
    told = []
    for seat, answer in zip(seats, answers, strict=True):
        if isinstance(answer, PocError):
            if answer.code in _KEEPS_NONE or "status 404" in answer.detail:
                continue
            told.append(f"witness {seat.witness}: {_why(answer)}: its notices are not known here")
            continue
        refused = {code for signed in answer if (code := _hold(known, signed)) is not None}
        told += [f"witness {seat.witness}: a notice of it is refused: {code}" for code in sorted(refused)]
    return told


async def post_notices(known: Known, hub: HubClient) -> bool:
    """Post every notice held here to the hub; true if it took one. Raises ``hub-unreachable``."""
    taken = False
    for notice in known.trust.notices():
        taken = await _post(known, hub, notice.sha256, notice.data) == "taken" or taken
    return taken


async def hand_on(known: Known, hub: HubClient, signed: SignedStatement) -> Handed:
    """Hold a brake from a file and post it to the hub and to every witness in force.

    Raises:
        RefusedError: as ``Known.keep_notice``; refusals by others are in the answer.
    """
    known.keep_notice(signed)
    statement = read_statement(signed.payload)
    data = notice_bytes(signed)
    try:
        at_hub = await _post(known, hub, statement.sha256, data)
    except UnreachableError as error:
        at_hub = _why(error)
    seats = known.directory.seats
    answers = await asyncio.gather(*(_add(seat, data, hub) for seat in seats))
    witnesses = {seat.witness: answer for seat, answer in zip(seats, answers, strict=True)}
    return Handed(statement.sha256, statement.type, statement.subject, True, at_hub, witnesses)


def notice_values(known: Known) -> list[dict[str, Any]]:
    """The notices held here, for programs; ``hub`` is the code it refused one with."""
    rows = []
    for notice in known.trust.notices():
        statement = read_statement(read_signed_statement(parse(notice.data)).payload)
        rows.append(
            {
                "payload_sha256": notice.sha256,
                "type": statement.type,
                "subject": statement.subject,
                "issued_at": format_time(statement.issued_at),
                "hub": notice.refusal,
            }
        )
    return rows


def _hold(known: Known, signed: SignedStatement) -> str | None:
    """Hold a notice of a witness; the code it is refused for where the log has nothing to do with that."""
    if payload_sha256(signed.payload) in known.directory.payloads:
        return None  # the witness has not read so far yet
    try:
        known.keep_notice(signed)
    except RefusedError as error:
        return error.code
    return None


async def _ask(seat: Seat, origin: str, hub: HubClient) -> list[SignedStatement] | PocError:
    """What a witness holds, not verified; or why that is not known."""
    witness = hub.to(seat.url, NOTICES_ANSWER_BYTES_MAX, NOTICES_SECONDS_MAX)
    try:
        answer = await witness.get_json(f"/notices?origin={_quoted(origin)}")
        return _listed(answer, origin)
    except PocError as error:
        return error


def _listed(answer: Any, origin: str) -> list[SignedStatement]:
    """The notices in a witness's answer. Raises ``bad-answer-from-hub`` for what is none."""
    try:
        return read_notice_list(answer, origin)
    except RefusedError as error:
        raise RefusedError("bad-answer-from-hub", f"{error.code} {error.detail}") from None


async def _post(known: Known, hub: HubClient, sha256: str, data: bytes) -> str:
    """``taken``, or the code the hub refused a notice with, which is noted. Raises ``hub-unreachable``."""
    try:
        await hub.send_json("POST", "/v1/statements", data)
    except RefusedError as error:
        if error.code != "already-logged":
            known.trust.set_notice_refusal(sha256, error.code)
            return error.code
    known.trust.set_notice_refusal(sha256, None)
    return "taken"


async def _add(seat: Seat, data: bytes, hub: HubClient) -> str:
    witness = hub.to(seat.url, NOTICES_ANSWER_BYTES_MAX, NOTICES_SECONDS_MAX)
    try:
        await witness.request("POST", "/add-notice", data, signed=False)
    except PocError as error:
        return _why(error)
    return "taken"


def _why(error: PocError) -> str:
    """The code another server refused with; of a witness ``hub-unreachable`` would mislead."""
    return "unreachable" if isinstance(error, UnreachableError) else error.code


def _quoted(origin: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 (only where there are witnesses)

    return quote(origin, safe="")
