"""One question to one witness over HTTP, and its answer read. Whom to ask, and when, is ``witnesses``'s.

Where such a question may go is ``poc.outgoing.calls``'s.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

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
from poc.outgoing.calls import exchange


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
    asked = f"{url}/notices?origin={quote(origin, safe='')}"
    try:
        status, data = await exchange(http, "GET", asked, answer_bytes_max=NOTICES_ANSWER_BYTES_MAX)
        return read_notice_list(parse(data), origin) if status == 200 else []
    except (RefusedError, UnreachableError):
        return []


async def post_checkpoint(http: aiohttp.ClientSession, url: str, body: bytes) -> tuple[int, bytes]:
    """Ask a witness. Raises ``witness-unreachable``, ``bad-url``, ``address-not-allowed``."""
    asked = url + "/add-checkpoint"
    try:
        return await exchange(http, "POST", asked, body=body, answer_bytes_max=WITNESS_ANSWER_BYTES_MAX)
    except UnreachableError as error:
        raise UnreachableError("witness-unreachable", error.detail) from None
