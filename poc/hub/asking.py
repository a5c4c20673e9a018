"""One question to one witness over HTTP, and its answer read. Whom to ask, and when, is ``witnesses``'s."""

from __future__ import annotations

from datetime import datetime

import aiohttp

from poc.core.checkpoint import verify_cosigned
from poc.core.judge import log_verifiers
from poc.core.note import SignatureLine, Verifier, open_note
from poc.core.notices import read_notice_list
from poc.core.statement import SignedStatement
from poc.core.strictjson import parse
from poc.errors import RefusedError, UnreachableError
from poc.hub.log import View
from poc.limits import NOTICES_ANSWER_BYTES_MAX, WITNESS_ANSWER_BYTES_MAX


def read_cosignature(view: View, verifier: Verifier, answer: bytes) -> tuple[SignatureLine, datetime]:
    """The witness's own line of an answer, and the time it states. Raises ``bad-note`` and its like."""
    note = view.checkpoint + answer
    log_keys = log_verifiers(view.directory.settings.log_keys)
    _, times = verify_cosigned(note, view.directory.origin, log_keys, (verifier,))
    lines = open_note(note, (verifier,)).verified
    if verifier not in times:
        raise RefusedError("unsigned-note")
    return lines[0], times[verifier]


async def held_notices(http: aiohttp.ClientSession, url: str, origin: str) -> list[SignedStatement]:
    """The notices a witness serves of a log; none where it does not answer as it should."""
    try:
        async with http.get(url + "/notices", params={"origin": origin}, allow_redirects=False) as answer:
            data = await _read(answer, NOTICES_ANSWER_BYTES_MAX)
        return read_notice_list(parse(data), origin) if answer.status == 200 else []
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RefusedError):
        return []


async def post_checkpoint(http: aiohttp.ClientSession, url: str, body: bytes) -> tuple[int, bytes]:
    """Ask a witness; redirects are not followed. Raises ``witness-unreachable``."""
    try:
        async with http.post(url + "/add-checkpoint", data=body, allow_redirects=False) as answer:
            return answer.status, await _read(answer, WITNESS_ANSWER_BYTES_MAX)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise UnreachableError("witness-unreachable", f"{type(error).__name__}") from None


async def _read(answer: aiohttp.ClientResponse, size_bytes_max: int) -> bytes:
    """The whole body of an answer. Raises ``ValueError`` for one that is longer than it may be."""
    data = bytearray()
    async for chunk in answer.content.iter_any():
        data += chunk
        if len(data) > size_bytes_max:
            raise ValueError("too long an answer")
    return bytes(data)
