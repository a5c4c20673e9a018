"""One record in the audit trail for each call of a privileged route, refused ones included."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from poc.core.statement import payload_sha256, read_signed_statement
from poc.core.strictjson import parse
from poc.errors import PocError
from poc.hub.audit import DONE, PROPOSED, Audit
from poc.hub.caller import Caller
from poc.serving.answer import Answer, Streamed

_ID: Final = re.compile(r"[A-Za-z0-9_-]{43}|[a-z0-9]+([.-][a-z0-9]+)*")
_ID_CHARS_MAX: Final = 64
_WAITS: Final = 202


@dataclass(slots=True)
class Asked:
    """What is known of a call so far; filled while it is read."""

    path: Mapping[str, str]
    body: bytes = b""
    caller: Caller | None = None

    @property
    def subject(self) -> str | None:
        """The id in the path, or the hash of the statement's payload; None for anything else.

        What a caller whose signature was not verified wrote into a path is never kept.
        """
        named = self.path.get("id")
        if named is None:
            with contextlib.suppress(PocError):
                return payload_sha256(read_signed_statement(parse(self.body)).payload)
            return None
        fits = len(named) <= _ID_CHARS_MAX and _ID.fullmatch(named)
        return named if fits and self.caller is not None else None


async def audited(
    audit: Audit, action: str, asked: Asked, answer: Callable[[], Awaitable[Answer | Streamed]]
) -> Answer | Streamed:
    """The answer, after its record is written; a refusal is recorded by its code and raised again.

    Raises ``storage-failed`` where what was done could not be recorded: a repeat changes nothing and is.
    """
    try:
        given = await answer()
    except Exception as error:
        code = error.code if isinstance(error, PocError) else "fault"
        # A disk that takes no record must not hide why it was refused.
        with contextlib.suppress(PocError):
            await audit.record(action, code, caller=asked.caller, subject=asked.subject)
        raise
    outcome = PROPOSED if isinstance(given, Answer) and given.status == _WAITS else DONE
    await audit.record(action, outcome, caller=asked.caller, subject=asked.subject)
    return given
