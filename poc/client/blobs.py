"""Carrying blobs: attachments that travel apart, uploaded from the outbox and fetched on demand, in pieces.

Both go on where they stopped, over broken connections and killed processes: what was uploaded the hub says,
what was fetched is on disk, sealed. Pieces get shorter on a bad line. Nothing here holds the home's lock, so
that a long transfer never keeps an officer from reading or answering. What is inside is opened by
``attachments``.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Final

from poc.client.api import HubClient
from poc.client.feeds import is_number
from poc.client.known import Known
from poc.client.trust import OutboxRow
from poc.core.admission import read_header
from poc.core.envelope import Sealed
from poc.core.form import read_form
from poc.core.message import BlobKey, Envelope
from poc.core.strictjson import canonical, format_time, parse, parse_time
from poc.errors import RefusedError, UnreachableError
from poc.limits import BLOB_CHUNK_BYTES_MAX, KIB, ORPHAN_HOURS_KEPT

_FIRST_BYTES: Final = 256 * KIB
_LEAST_BYTES: Final = 16 * KIB
_FAST_SECONDS: Final = 2.0
_FINAL: Final = frozenset({"attachments-too-large", "bad-padding"})
_URGENT: Final = frozenset({"flash", "immediate"})


class Pace:
    """How many bytes the next piece has: more on a good line, fewer on a bad one."""

    def __init__(self) -> None:
        self.bytes = _FIRST_BYTES

    def went(self, seconds: float) -> None:
        """A piece got through in that time."""
        if seconds < _FAST_SECONDS:
            self.bytes = min(2 * self.bytes, BLOB_CHUNK_BYTES_MAX)

    def broke(self, error: UnreachableError) -> None:
        """The connection broke; raises ``error`` once the pieces are as short as they get."""
        if self.bytes <= _LEAST_BYTES:
            raise error
        self.bytes //= 2


# --- uploading ---------------------------------------------------------------------------------


def queue_blobs(known: Known, sealed: Sealed) -> None:
    """Keep the blobs of a message, sealed, and put them into the outbox; inside the message's transaction."""
    for blob in sealed.blobs:
        known.trust.put_blob(blob.sha256, blob.data)
        body = {"message": sealed.message.id, "sha256": blob.sha256, "size_bytes": len(blob.data)}
        known.trust.put_outbox("blob", blob.sha256, canonical(body))


def waiting_blobs(known: Known, message: str | None = None) -> list[OutboxRow]:
    """The blobs that the hub does not have yet, of one message or of all."""
    rows = [row for row in known.trust.unsettled("blob") if row.state == "waiting"]
    return [row for row in rows if message in (None, _body(row)["message"])]


def goes_after_its_blobs(known: Known, row: OutboxRow) -> bool:
    """Whether a message is held back until its blobs were tried: one that is urgent goes first, as text."""
    if not waiting_blobs(known, row.ref):
        return False
    return read_header(read_form(Envelope, row.body).protected).precedence not in _URGENT


async def carry_blobs(known: Known, hub: HubClient) -> list[str]:
    """Upload what waits, oldest first; tells what could not be. A broken line ends it; the rest stays.

    A blob that the registry refuses for good takes its message with it, if that was not sent.
    """
    told = []
    for row in waiting_blobs(known):
        try:
            await _upload(known, hub, row)
        except UnreachableError as error:
            _note(known, row, "waiting", error)
            told.append(f"attachment of message {_body(row)['message']}: {error.code}; the next sync goes on")
            break
        except RefusedError as error:
            final = error.code in _FINAL
            _note(known, row, "rejected" if final else "waiting", error)
            told.append(f"attachment of message {_body(row)['message']}: {error.code}: {error.message}")
            message = known.trust.outbox_row("message", _body(row)["message"])
            if final and message is not None and message.state == "waiting":
                _note(known, message, "rejected", error)
    return told


def check_again(known: Known, message: OutboxRow) -> None:
    """A message was accepted: blobs uploaded long before may have gone as orphans, so ask for them again."""
    limit = known.now() - timedelta(hours=ORPHAN_HOURS_KEPT / 2)
    for blob in read_header(read_form(Envelope, message.body).protected).blobs:
        row = known.trust.outbox_row("blob", blob.sha256)
        answer: Any = parse(row.answer) if row is not None and row.answer else None
        if row is not None and row.state == "done" and parse_time(answer["at"]) < limit:
            known.trust.set_outbox(row.number, "waiting", reason=None, answer=row.answer)


def _body(row: OutboxRow) -> dict[str, Any]:
    value: Any = parse(row.body)
    return dict(value)


def _note(known: Known, row: OutboxRow, state: str, error: RefusedError | UnreachableError) -> None:
    reason = f"{error.code}: {error.detail}" if error.detail else error.code
    known.trust.set_outbox(row.number, state, reason=reason, answer=row.answer)


async def _upload(known: Known, hub: HubClient, row: OutboxRow) -> None:
    sha256, size = row.ref, _body(row)["size_bytes"]
    pace, again = Pace(), 1
    have = await _put(hub, sha256, size, 0, b"")
    while have < size:
        data = known.trust.blob_part(sha256, have, pace.bytes)
        if not data:
            raise RefusedError("home-damaged", f"bytes {have} on of blob {sha256[:12]}…")
        if not data:
            raise RefusedError("home-damaged", f"bytes {have} on of blob {sha256[:12]}…")
        began = time.monotonic()
        try:
            have = await _put(hub, sha256, size, have, data)
        except UnreachableError as error:
            pace.broke(error)
            continue
        except RefusedError as error:
            if error.code not in ("blob-offset", "blob-mismatch") or not again:
                raise
            again -= 1
            have = await _put(hub, sha256, size, 0, b"")
            continue
        pace.went(time.monotonic() - began)
        hub.progress(f"attachment of message {_body(row)['message']}: {have} of {size} bytes sent")
    at = format_time(known.now())
    known.trust.set_outbox(row.number, "done", reason=None, answer=canonical({"at": at}))


async def _put(hub: HubClient, sha256: str, size: int, start: int, data: bytes) -> int:
    """Send a piece, or ask with an empty one; how many bytes the hub has then."""
    where = f"{start}-{start + len(data) - 1}" if data else "*"
    headers = {"Content-Range": f"bytes {where}/{size}", "Content-Type": "application/octet-stream"}
    answer = parse(await hub.request("PUT", f"/v1/blobs/{sha256}", data, headers=headers))
    have = answer.get("have_bytes") if isinstance(answer, dict) else None
    if not is_number(have) or not start + len(data) <= have <= size:
        raise RefusedError("bad-answer-from-hub", "member have_bytes")
    return have


# --- fetching ----------------------------------------------------------------------------------


async def fetch_blob(known: Known, hub: HubClient, blob: BlobKey, what: str) -> None:
    """Fetch what is missing of a blob and keep it, sealed; ``what`` names it while it lasts.

    Raises ``hub-unreachable`` (what came stays, the next call goes on), ``blob-missing``,
    ``blob-mismatch`` (what came was another thing: it is dropped), ``bad-answer-from-hub``.
    """
    trust, pace = known.trust, Pace()
    while (have := trust.blob_bytes(blob.sha256)) < blob.size_bytes:
        end = min(have + pace.bytes, blob.size_bytes)
        began = time.monotonic()
        try:
            data = await _get(hub, blob.sha256, have, end)
        except UnreachableError as error:
            pace.broke(error)
            continue
        pace.went(time.monotonic() - began)
        trust.add_piece(blob.sha256, have, data)
        hub.progress(f"{what}: {end} of {blob.size_bytes} bytes fetched")
    if trust.blob_digest(blob.sha256) != blob.sha256:
        trust.drop_blob(blob.sha256)
        raise RefusedError("blob-mismatch", what)


async def _get(hub: HubClient, sha256: str, start: int, end: int) -> bytes:
    headers = {"Range": f"bytes={start}-{end - 1}"}
    try:
        data = await hub.request(
            "GET", f"/v1/blobs/{sha256}", b"", headers=headers, answer_bytes_max=end - start
        )
    except RefusedError as error:
        if error.code == "not-found":
            raise RefusedError("blob-missing") from None
        raise
    if len(data) != end - start:
        raise RefusedError("bad-answer-from-hub", f"{len(data)} bytes of a blob, not {end - start}")
    return data
